"""The regime of references."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.evaluate.regime import regime
from pipeline.evaluate.results import Case
from pipeline.records import Paper, Section

LAST_BEFORE, FIRST_STABLE = dt.date(2025, 12, 28), dt.date(2025, 12, 29)


def case(line: str, date: dt.date = FIRST_STABLE) -> Case:
    paper = Paper(
        arxiv_id="2601.00001",
        version=1,
        title="Title",
        abstract="Abstract",
        authors=("A. Author",),
        categories=("cs.SD",),
    )
    return Case(
        paper=paper,
        line=line,
        tags=("cs.SD",),
        date=date,
        field="音频",
        section=Section.NEW,
        file="20260107-audio.md",
    )


def test_the_figures() -> None:
    lines = ("该论文解决一。提出二！", "该论文解决一。", "论文解决一。提出二。", "本文一。二。三？")
    found = regime([case(line) for line in lines])

    assert found is not None
    assert found.opening == 2 / 4
    assert found.two_sentences == 2 / 4
    assert found.median_length == (8 + 10) / 2  # of 11, 7, 10, 8


@pytest.mark.parametrize(
    ("dates", "name", "mixed"),
    [
        ([FIRST_STABLE, dt.date(2026, 3, 15)], "stable since 2025-12-29", False),
        ([LAST_BEFORE], "before 2025-12-29 (style jumps often)", False),
        (
            [FIRST_STABLE, LAST_BEFORE],
            "mixed: before 2025-12-29 (style jumps often) and stable since 2025-12-29",
            True,
        ),
    ],
)
def test_the_boundary(dates: list[dt.date], name: str, mixed: bool) -> None:
    found = regime([case("该论文。", date) for date in dates])
    assert found is not None
    assert (found.name, found.mixed) == (name, mixed)


def test_without_a_reference_there_is_no_style() -> None:
    assert regime([case("")]) is None
    assert regime([case(""), case("该论文。")]) == regime([case("该论文。")])
