"""A line by a person: published in place, held against the rules, and never overwritten."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from pipeline.digest.markdown import load
from tests.night.test_reprocess import ID, PAPER, history
from tests.standins.house import House, one_error

LINE = "该论文属于语音识别任务，解决低资源语言标注数据不足的问题。作者提出自监督预训练方法。"
BY = "王编辑"


def line_of(house: House) -> str | None:
    return next(e.line for e in load(house.digest).entries if e.versioned == PAPER)


def editor(folder: Path, script: str) -> str:
    path = folder / "editor.sh"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_a_line_is_published_in_place_with_who_wrote_it(finished: House) -> None:
    finished.settings(edited_by=BY)
    before = finished.digest.read_text(encoding="utf-8").splitlines()
    result = finished.run("edit", ID, "--line", LINE)
    assert result.returncode == 0, result.stderr
    after = finished.digest.read_text(encoding="utf-8").splitlines()
    changed = [d for d in difflib.ndiff(before, after) if d[0] in "+-"]
    assert len(changed) == 2
    assert line_of(finished) == LINE
    provenance = finished.paper(PAPER)["provenance"]
    assert (provenance["model"], provenance["by"]) == ("人工", BY)
    assert (provenance["tokens_in"], provenance["cost"]) == (0, 0.0)
    day = finished.folder / "outputs" / "site" / "2026-01-07" / "audio.html"
    assert f"人工 {BY}" in day.read_text(encoding="utf-8")
    assert [live for _, live in history(finished)] == [False, True]
    assert BY in finished.run("show", ID).stdout


def test_no_model_takes_its_place_and_undo_brings_the_other_back(finished: House) -> None:
    calls = len(finished.model.requests)
    first = line_of(finished)
    assert finished.run("edit", ID, "--line", LINE).returncode == 0
    assert "is by 未署名" in one_error(finished.run("reprocess", ID), 2)
    assert finished.run("run").returncode == 0
    assert finished.run("restore", "--over").returncode == 0
    assert finished.run("render").returncode == 0
    assert line_of(finished) == LINE
    assert len(finished.model.requests) == calls
    assert finished.run("edit", ID, "--undo").returncode == 0
    assert line_of(finished) == first
    assert finished.run("reprocess", ID).returncode == 0
    assert len(finished.model.requests) == calls + 1


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("太短。", "length_40_to_120"),
        (LINE.removesuffix("。"), "ends_with_full_stop"),
        (LINE.replace("自监督", "BrandNewNet99自监督"), "grounded"),
        ("字" * 20_000, "length_40_to_120"),
        (LINE.replace("该论文", "<script>"), "opens_with_the_paper"),
    ],
)
def test_an_edit_that_breaks_a_rule_changes_nothing(finished: House, line: str, rule: str) -> None:
    before = finished.digest.read_bytes()
    assert rule in one_error(finished.run("edit", ID, "--line", line), 2)
    assert finished.digest.read_bytes() == before
    assert len(history(finished)) == 1


def test_another_papers_line_is_none_of_this_one(finished: House) -> None:
    other = next(e.line for e in load(finished.digest).entries if e.versioned != PAPER)
    assert "unlike_others" in one_error(finished.run("edit", ID, "--line", str(other)), 2)


def test_tags_alone_can_be_changed(finished: House) -> None:
    line = line_of(finished)
    assert finished.run("edit", ID, "--tags", "eess.AS；cs.SD").returncode == 0
    paper = finished.paper(PAPER)
    assert (paper["line"], paper["model_tags"]) == (line, ["eess.AS", "cs.SD"])
    assert "tags_in_vocabulary" in one_error(finished.run("edit", ID, "--tags", "cs.XY"), 2)


def test_in_an_editor_one_writes_and_saves(finished: House, tmp_path: Path) -> None:
    script = f'grep -q "# {PAPER}" "$1" || exit 9\nsed -i "s/^简介: .*/简介: {LINE}/" "$1"'
    result = finished.run("edit", ID, EDITOR=editor(tmp_path, script))
    assert result.returncode == 0, result.stderr
    assert line_of(finished) == LINE


def test_what_did_not_pass_is_shown_in_the_editor_once_more(
    finished: House, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    script = (
        f'if grep -q "没有通过" "$1"; then cp "$1" {seen}; line="{LINE}"; else line="太短。"; fi\n'
        'sed -i "s/^简介: .*/简介: $line/" "$1"'
    )
    result = finished.run("edit", ID, EDITOR=editor(tmp_path, script))
    assert result.returncode == 0, result.stderr
    assert line_of(finished) == LINE
    told = seen.read_text(encoding="utf-8")
    assert told.startswith("# 没有通过：length_40_to_120")
    assert "简介: 太短。" in told, "what was typed is not lost"


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("exit 3", "the editor cannot be used"),
        ('sed -i "s/^简介: .*/简介: 太短。/" "$1"', "length_40_to_120"),
        ('printf "nothing of it" > "$1"', "has not both"),
    ],
)
def test_an_editor_that_fails_changes_nothing(
    finished: House, tmp_path: Path, script: str, problem: str
) -> None:
    before = finished.digest.read_bytes()
    result = finished.run("edit", ID, EDITOR=editor(tmp_path, script))
    assert problem in one_error(result, 2)
    assert finished.digest.read_bytes() == before


def test_without_saving_or_without_an_editor_all_stays(finished: House, tmp_path: Path) -> None:
    before = finished.digest.read_bytes()
    left = finished.run("edit", ID, EDITOR=editor(tmp_path, "exit 0"))
    assert left.returncode == 0
    assert "nothing was saved" in left.stderr
    missing = finished.run("edit", ID, EDITOR=str(tmp_path / "no-such-editor"))
    assert "the editor cannot be used" in one_error(missing, 2)
    assert finished.digest.read_bytes() == before


def test_what_cannot_be_edited_says_so(finished: House) -> None:
    assert "not in the store" in one_error(finished.run("edit", "2501.00001"), 2)
    assert "not an arXiv id" in one_error(finished.run("edit", "nonsense"), 2)
    assert "goes alone" in one_error(finished.run("edit", ID, "--undo", "--line", LINE), 2)
    assert "no earlier summary" in one_error(finished.run("edit", ID, "--undo"), 2)
