"""Lines that people put right, as examples, as lessons, as cases; and the way to ask for one."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page

from pipeline.demo.archive import Archive
from pipeline.digest.markdown import load
from pipeline.train.examples import kept_for_tests, read_examples
from tests.conftest import ROOT
from tests.demo.composed import FRIDAY, THURSDAY, WITHDRAWN, A, SettableClock, week
from tests.night.test_edit import BY, LINE, editor
from tests.night.test_reprocess import ID, PAPER
from tests.site.browser import visit
from tests.standins.arxiv import FaultyArxiv
from tests.standins.house import DAY, House, one_error, open_house
from tests.standins.model import Answer, good_answer, good_line, reply, title_of
from tests.standins.world import small_pdf

VARIANT = """---
description: with what not to write
context: abstract
text_tokens: 800
examples:
  file: {file}
  count: 3
---
=== system ===
{% for example in examples %}
{{ example.title }}
{{ example.reply }}
{% if example.before %}
不要写成：{{ example.before }}
{% endif %}
{% endfor %}
=== user ===
标题：{{ title }}
摘要：{{ abstract }}
正文
"""


@pytest.fixture
def edited(finished: House) -> House:
    """A paper's line by a person, with prompts of its own."""
    prompts = finished.folder / "prompts"
    prompts.mkdir()
    for name in ("zero-shot.md", "default.md", "few-shot.md"):
        (prompts / name).write_bytes((ROOT / "prompts" / name).read_bytes())
    (prompts / "examples").mkdir()
    (prompts / "examples" / "20260107-audio.md").write_bytes(
        (ROOT / "prompts" / "examples" / "20260107-audio.md").read_bytes()
    )
    paths = {
        "outputs": str(finished.folder / "outputs"),
        "prompts": str(prompts),
        "cache": str(finished.folder / "cache"),
    }
    finished.settings(edited_by=BY, paths=paths)
    assert finished.run("edit", ID, "--line", LINE).returncode == 0
    return finished


def added(house: House) -> Path:
    result = house.run("examples", "add", "--from-edits")
    assert result.returncode == 0, result.stderr
    file = house.folder / "prompts" / "examples" / "20260107-audio.edits.md"
    assert f"{file.relative_to(house.folder)}: 1 line, 1 with the line before" in result.stdout
    return file


def test_corrected_lines_become_a_digest_with_what_stood_there_before(edited: House) -> None:
    before = next(line for line in json.loads(edited.run("show", ID, "--json").stdout)["summaries"])
    file = added(edited)
    (entry,) = load(file).entries
    assert (entry.versioned, entry.line) == (PAPER, LINE)
    (wrong,) = json.loads(file.with_suffix(".before.json").read_text(encoding="utf-8")).values()
    assert wrong["line"] == before["line"] != LINE
    assert (wrong["model"], wrong["prompt"]) == ("standin-1", "default")
    again = edited.run("examples", "add", "--from-edits")
    assert again.stdout.startswith("unchanged")


def test_a_prompt_shows_them_and_their_counter_examples(edited: House) -> None:
    file = added(edited)
    wrong = next(iter(json.loads(file.with_suffix(".before.json").read_text("utf-8")).values()))
    mine = edited.folder / "prompts" / "mine.md"
    mine.write_text(VARIANT.replace("{file}", f"examples/{file.name}"), encoding="utf-8")
    other = next(e.versioned for e in load(edited.digest).entries if e.versioned != PAPER)
    calls = len(edited.model.requests)
    result = edited.run("reprocess", other.partition("v")[0], "--prompt", str(mine))
    assert result.returncode == 0, result.stderr
    shown = edited.model.requests[calls]["messages"][0]["content"]
    assert LINE in shown and f"不要写成：{wrong['line']}" in shown
    hashed = edited.paper(other)["provenance"]["prompt_hash"]
    file.with_suffix(".before.json").write_text("{}", encoding="utf-8")
    assert edited.run("reprocess", other.partition("v")[0], "--prompt", str(mine)).returncode == 0
    assert edited.paper(other)["provenance"]["prompt_hash"] != hashed
    file.with_suffix(".before.json").write_text('{"2601.02954": {}}', encoding="utf-8")
    said = one_error(edited.run("reprocess", other.partition("v")[0], "--prompt", str(mine)), 2)
    assert "examples cannot be read" in said and ".before.json" in said


def test_evaluate_takes_them_as_cases_but_never_of_a_prompt_that_shows_them(edited: House) -> None:
    file = added(edited)
    result = edited.run("evaluate", "zero-shot", "--cases", str(file))
    assert result.returncode == 0, result.stderr
    assert "1 case of 2026-01-07" in result.stdout
    mine = edited.folder / "prompts" / "mine.md"
    mine.write_text(VARIANT.replace("{file}", f"examples/{file.name}"), encoding="utf-8")
    assert "leak" in one_error(edited.run("evaluate", str(mine), "--cases", str(file)), 2)


def test_distill_learns_from_them(edited: House) -> None:
    file = added(edited)
    (lesson,) = read_examples([file])
    assert (lesson.arxiv_id, lesson.line) == (ID, LINE)
    assert ID in kept_for_tests(edited.folder / "prompts")  # the shipped day has it
    (file.parent / "20260107-audio.md").unlink()
    assert kept_for_tests(edited.folder / "prompts") == frozenset()


def test_where_nothing_was_edited_it_is_said(finished: House) -> None:
    said = one_error(finished.run("examples", "add", "--from-edits"), 2)
    assert "no line of a listing was written by hand" in said
    assert "says nothing to add" in one_error(finished.run("examples", "add"), 2)


def evaluated(house: House, *arguments: str) -> str:
    result = house.run("evaluate", "zero-shot", "--cases", "production", *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_ones_own_nights_are_cases(edited: House) -> None:
    others = [e.versioned.partition("v")[0] for e in load(edited.digest).entries]
    others.remove(ID)
    asked, undone, liked = others[:3]
    tried: dict[str, int] = {}

    def answer(request: dict[str, object]) -> Answer:
        title = title_of(request)
        tried[title] = tried.get(title, 0) + 1
        wrong = tried[title] == 1
        return Answer(text=reply("太短。" if wrong else good_line(f"{title}, at last")))

    edited.model.answer = answer
    assert edited.run("reprocess", asked, "--prompt", "zero-shot").returncode == 0
    edited.model.answer = lambda r: Answer(text=reply(good_line(f"{title_of(r)}, another")))
    assert edited.run("reprocess", undone, "--prompt", "zero-shot").returncode == 0
    assert edited.run("reprocess", undone, "--undo").returncode == 0
    library = edited.folder / "stars.bib"
    library.write_text(f"@misc{{a, title={{Liked}}, eprint={{{liked}}}}}", encoding="utf-8")
    edited.settings(library={"files": [str(library)]})
    edited.model.answer = good_answer
    shown = evaluated(edited)
    assert "4 cases of 2026-01-07" in shown
    rows = [
        json.loads(line)
        for file in (edited.folder / "outputs" / "evaluations").glob("*/samples.jsonl")
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    assert {row["case"] for row in rows} == {ID, asked, undone, liked}
    for row in rows:
        has = row["scores"]["content-chrf"] is not None
        assert has is (row["case"] == ID)
        assert row["scores"]["valid-first"] == 100
        assert row["scores"]["tags-f1"] is not None


def test_papers_that_are_owed_are_cases_and_need_no_reference(house: House) -> None:
    house.model.answer = lambda _: Answer(text=reply("太短。"))
    assert house.run("run", "--limit", "2").returncode == 1
    house.model.answer = good_answer
    shown = evaluated(house)
    assert "2 cases of 2026-01-07" in shown and "no references" in shown
    two = house.run("evaluate", "zero-shot", "few-shot", "--cases", "production")
    assert two.returncode == 0, two.stderr
    assert "valid at first" in two.stdout and "no winner" in two.stdout
    (report, *_) = (house.folder / "outputs" / "evaluations").glob("*/report.html")
    assert "no references" in report.read_text(encoding="utf-8")


def test_where_all_went_well_there_is_no_case(finished: House) -> None:
    said = one_error(finished.run("evaluate", "zero-shot", "--cases", "production"), 2)
    assert "no case is left" in said
    (finished.folder / "production").mkdir()
    said = one_error(finished.run("evaluate", "zero-shot", "--cases", "production"), 2)
    assert "no digest" in said


@pytest.mark.parametrize(
    ("address", "subject", "body"),
    [
        ("https://git.example.org/me/digest/issues/new", "title", "body"),
        ("https://git.example.org/me/digest/issues/new?labels=line", "title", "body"),
        ("mailto:me@example.org", "subject", "body"),
    ],
)
def test_a_reader_can_say_what_is_wrong(
    page: Page, finished: House, address: str, subject: str, body: str
) -> None:
    finished.settings(site={"feedback": address})
    assert finished.run("render").returncode == 0
    site = finished.folder / "outputs" / "site"
    paper = finished.paper(PAPER)
    visit(page, site / "paper" / f"{ID}.html")
    link = page.get_by_role("link", name="改进这一行")
    href = link.get_attribute("href") or ""
    assert href.startswith(address)
    fields = parse_qs(urlsplit(href).query)
    assert fields[subject] == [f"改进简介：{PAPER}"]
    assert paper["line"] in fields[body][0] and f"arxiv.org/abs/{PAPER}" in fields[body][0]
    visit(page, site / DAY / "audio.html")
    assert not page.get_by_role("link", name="改进这一行").first.is_visible()
    page.keyboard.press("j")
    page.keyboard.press("o")
    assert page.locator(".paper:focus").get_by_role("link", name="改进这一行").is_visible()


def test_without_an_address_there_is_no_such_link(finished: House) -> None:
    page = finished.folder / "outputs" / "site" / "paper" / f"{ID}.html"
    assert "改进这一行" not in page.read_text(encoding="utf-8")
    finished.settings(site={"feedback": "javascript:alert(1)"})
    assert "neither https" in one_error(finished.run("render"), 2)


def test_a_new_version_asks_for_a_new_line_and_shows_the_old(tmp_path: Path) -> None:
    clock = SettableClock(THURSDAY, 0, 30)
    archive = Archive(week(), now=clock, withdrawn={WITHDRAWN})
    with open_house(tmp_path, FaultyArxiv(archive, lambda _: small_pdf())) as house:
        house.settings(edited_by=BY)
        assert house.run("run").returncode == 0
        assert house.run("edit", A, "--line", LINE).returncode == 0
        assert house.run("status").stdout.count("jianjie edit") == 0
        clock.set(FRIDAY, 0, 30)
        night = house.run("run", "--verbose")
        assert f"v1's line is by {BY}: jianjie edit {A}" in night.stderr
        shown = house.run("status").stdout
        assert f"{A}v2 has a model's line, v1 one by {BY}: jianjie edit {A}" in shown
        told = json.loads(house.run("status", "--json").stdout)["outdated_edits"]
        assert told == [{"arxiv_id": A, "version": 1, "newest": 2}]
        seen = tmp_path / "seen"
        script = editor(tmp_path, f'cp "$1" {seen}\nsed -i "s/^简介: .*/简介: {LINE}/" "$1"')
        assert house.run("edit", A, EDITOR=script).returncode == 0
        form = seen.read_text(encoding="utf-8")
        assert f"# v1 的简介由 {BY} 写成：\n# {LINE}\n" in form
        assert "jianjie edit" not in house.run("status").stdout
