"""Which examples a prompt shows to which paper."""

from __future__ import annotations

import datetime as dt
import pickle
from pathlib import Path

import pytest

from pipeline.digest.markdown import Digest, Entry, render
from pipeline.errors import PromptError
from pipeline.evaluate.split import leaks
from pipeline.prompt.variant import Variant, load_variant
from pipeline.records import Paper, PaperText, Section
from tests.evaluate.made import case

PROMPT = """---
description: x
context: abstract
text_tokens: 800
examples:
  file: {file}
  count: {count}
  choose: {choose}
{since}---
=== system ===
{{% for example in examples %}}
<example>
{{{{ example.title }}}}
</example>
{{% endfor %}}
=== user ===
{{{{ title }}}}
"""
ABSTRACTS = {
    "2601.00001": "speech recognition in noise with a conformer",
    "2601.00002": "speech recognition in noise with a transformer",
    "2601.00003": "music generation from text with diffusion",
    "2601.00004": "bird sounds classified by a small network",
}


LINE = "该论文属于识别任务。"


def entry(number: int, arxiv_id: str, abstract: str, line: str) -> Entry:
    return Entry(
        section=Section.NEW,
        number=number,
        title=f"Title {arxiv_id}",
        tags_text="cs.SD",
        line=line,
        link=f"https://arxiv.org/pdf/{arxiv_id}v1",
        authors_text="A. Author",
        comment=None,
        abstract=abstract,
    )


def digest(folder: Path, name: str, papers: dict[str, str], line: str = LINE) -> None:
    new = tuple(entry(at, one, papers[one], line) for at, one in enumerate(papers, 1))
    made = Digest(name="音频", categories_text="cs.SD", new=new, replaced=())
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(render(made), encoding="utf-8")


def made(
    folder: Path, choose: str, count: int = 2, file: str = "20260107-audio.md", since: str = ""
) -> Variant:
    if not any(folder.rglob("*audio.md")):
        digest(folder, "20260107-audio.md", ABSTRACTS)
    text = PROMPT.format(
        file=file, count=count, choose=choose, since=f"  since: {since}\n" if since else ""
    )
    (folder / "mine.md").write_text(text, encoding="utf-8")
    return load_variant("mine", folder)


def shown(variant: Variant, arxiv_id: str, abstract: str) -> list[str]:
    paper = Paper(
        arxiv_id=arxiv_id,
        version=1,
        title="A Title",
        abstract=abstract,
        authors=(),
        categories=("cs.SD",),
    )
    text = PaperText(source="abstract", body=abstract)
    prompt = variant.render(paper, text).system
    return [row.removeprefix("Title ") for row in prompt.splitlines() if row.startswith("Title ")]


def test_the_nearest_is_shown_and_stands_last(tmp_path: Path) -> None:
    variant = made(tmp_path, "nearest")
    seen = shown(variant, "2601.09999", "speech recognition in noise with a new conformer")
    assert seen == ["2601.00002", "2601.00001"]
    seen = shown(variant, "2601.09999", "a network for sounds of one bird, classified")
    assert seen[-1] == "2601.00004"


@pytest.mark.parametrize("choose", ["first", "nearest", "diverse"])
def test_no_paper_is_shown_its_own_entry(tmp_path: Path, choose: str) -> None:
    variant = made(tmp_path, choose, count=4)
    for arxiv_id, abstract in ABSTRACTS.items():
        seen = shown(variant, arxiv_id, abstract)
        assert arxiv_id not in seen and len(seen) == 3


def test_diverse_ones_are_far_from_each_other(tmp_path: Path) -> None:
    seen = set(shown(made(tmp_path, "diverse", count=3), "2601.09999", "speech recognition"))
    assert len(seen & {"2601.00001", "2601.00002"}) == 1 and len(seen) == 3
    assert seen == set(shown(made(tmp_path, "diverse", count=3), "2601.08888", "birds"))


def test_a_folder_has_the_latest_entry_of_each_paper(tmp_path: Path) -> None:
    digest(tmp_path / "days", "20250601-audio.md", {"2506.00001": "old style of speech"})
    digest(tmp_path / "days", "20260107-audio.md", ABSTRACTS)
    digest(tmp_path / "days", "20260108-audio.md", {"2601.00001": "newer words on speech"})
    everything = made(tmp_path, "first", count=9, file="days")
    assert len(shown(everything, "2601.09999", "x")) == 5
    newer = made(tmp_path, "first", count=9, file="days", since="2025-12-29")
    assert "2506.00001" not in shown(newer, "2601.09999", "x")
    assert newer.examples_days == (dt.date(2026, 1, 7), dt.date(2026, 1, 8))
    with pytest.raises(PromptError, match=r"no digest .* since 2027-01-01"):
        made(tmp_path, "first", file="days", since="2027-01-01")


def test_the_choice_and_each_digest_are_in_the_hash(tmp_path: Path) -> None:
    hashes = {made(tmp_path, choose).hash for choose in ("first", "nearest", "diverse")}
    digest(tmp_path, "20260107-audio.md", ABSTRACTS, line="该论文属于另一任务。")
    hashes.add(made(tmp_path, "first").hash)
    assert len(hashes) == 4


def test_another_process_shows_the_same(tmp_path: Path) -> None:
    variant = made(tmp_path, "nearest")
    question = ("2601.09999", "music and text")
    assert shown(pickle.loads(pickle.dumps(variant)), *question) == shown(variant, *question)


def test_what_the_nearest_may_be_is_no_case(tmp_path: Path) -> None:
    cases = [case(number, day=7) for number in (1, 4, 9)]
    assert set(leaks(cases, [made(tmp_path, "nearest", count=1)], [])) == {cases[0].id, cases[1].id}
    assert set(leaks(cases, [made(tmp_path, "first", count=1)], [])) == {cases[0].id}
    before = case(9, day=6)
    assert "is before the examples" in leaks([before], [made(tmp_path, "nearest")], [])[before.id]
