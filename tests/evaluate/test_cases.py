"""Cases from real digests on disk."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipeline.digest.dated import date_of
from pipeline.digest.markdown import Digest, Entry, render
from pipeline.errors import DigestFormatError, UsageError
from pipeline.evaluate.cases import Filters, find_cases
from pipeline.records import Section
from tests.conftest import ROOT

EXAMPLES = ROOT / "prompts" / "examples"
ALL = Filters()


def entry(number: int, arxiv_id: str, line: str | None, section: Section = Section.NEW) -> Entry:
    return Entry(
        section=section,
        number=number,
        title=f"Title of {arxiv_id}",
        tags_text="cs.SD; eess.AS",
        line=line,
        link=f"https://arxiv.org/pdf/{arxiv_id}",
        authors_text="A. Author",
        comment=None,
        abstract="An abstract.",
    )


def write(path: Path, *entries: Entry, name: str = "音频") -> Path:
    new = tuple(one for one in entries if one.section is Section.NEW)
    old = tuple(one for one in entries if one.section is Section.REPLACED)
    digest = Digest(name=name, categories_text="cs.SD; eess.AS", new=new, replaced=old)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(digest), encoding="utf-8")
    return path


def test_the_example_day() -> None:
    found = find_cases([EXAMPLES], ALL)

    assert len(found.cases) == 26
    assert found.left_out == {}
    first = found.cases[0]
    assert (first.id, first.paper.version) == ("2601.02954", 1)
    assert first.date == dt.date(2026, 1, 7)
    assert first.field == "音频"
    assert first.tags == ("cs.SD", "cs.AI")
    assert first.line.startswith("该论文属于音频-语言模型任务")
    assert [case.section for case in found.cases].count(Section.REPLACED) == 6


def test_one_case_a_paper_the_earliest_day_whatever_the_version(tmp_path: Path) -> None:
    late = write(tmp_path / "20260109-audio.md", entry(1, "2601.00001v2", "该论文二。"))
    early = write(tmp_path / "2026-01-08" / "audio.md", entry(1, "2601.00001v1", "该论文一。"))

    found = find_cases([late, early], ALL)

    assert [(case.line, case.date.day) for case in found.cases] == [("该论文一。", 8)]
    assert found.left_out == {"2601.00001 of 2026-01-09": "is a case of 2026-01-08"}


def test_a_paper_without_a_line_is_no_case_until_a_day_has_one(tmp_path: Path) -> None:
    write(
        tmp_path / "20260108-audio.md",
        entry(1, "2601.00001v1", None),
        entry(2, "2601.00002v1", None),
    )
    write(tmp_path / "20260109-audio.md", entry(1, "2601.00001v2", "该论文。"))

    found = find_cases([tmp_path], ALL)

    assert [case.paper.versioned for case in found.cases] == ["2601.00001v2"]
    assert found.left_out == {"2601.00002": "has no 简介"}


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        (Filters(since=dt.date(2026, 1, 9)), ["2601.00003"]),
        (Filters(until=dt.date(2026, 1, 8)), ["2601.00001", "2601.00002"]),
        (Filters(sections=(Section.REPLACED,)), ["2601.00002"]),
        (Filters(fields=("视觉",)), ["2601.00003"]),
    ],
)
def test_filters(tmp_path: Path, filters: Filters, ids: list[str]) -> None:
    write(
        tmp_path / "20260108-audio.md",
        entry(1, "2601.00001v1", "该论文。"),
        entry(1, "2601.00002v3", "该论文。", Section.REPLACED),
    )
    write(tmp_path / "20260109-vision.md", entry(1, "2601.00003v1", "该论文。"), name="视觉")

    assert [case.id for case in find_cases([tmp_path], filters).cases] == ids


def test_nothing_left_says_what_there_was() -> None:
    with pytest.raises(
        UsageError, match=r"no case is left of 26 .* 音频; 2026-01-07 to 2026-01-07"
    ):
        find_cases([EXAMPLES], Filters(since=dt.date(2026, 2, 1)))


def test_a_file_that_is_no_digest_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "20260108-audio.md"
    path.write_text("# Notes\n", encoding="utf-8")
    with pytest.raises(DigestFormatError, match=r"20260108-audio\.md:1"):
        find_cases([path], ALL)


def test_a_folder_without_digests_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no digest"):
        find_cases([tmp_path], ALL)
    with pytest.raises(UsageError, match="no such digest"):
        find_cases([tmp_path / "20260108-audio.md"], ALL)


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("20260107-audio.md", 7),
        ("audio-2026-01-09.md", 9),
        ("2026-01-08/audio.md", 8),
        ("2026-01-08/20260107-audio.md", 7),
        ("2026-01-08/20269999-audio.md", 8),
    ],
)
def test_the_date_is_in_the_name(path: str, day: int) -> None:
    assert date_of(Path(path)) == dt.date(2026, 1, day)


def test_a_name_without_a_date(tmp_path: Path) -> None:
    path = write(tmp_path / "x" / "audio.md", entry(1, "2601.00001v1", "该论文。"))
    with pytest.raises(UsageError, match="the digest's date is not in its name"):
        find_cases([path], ALL)
