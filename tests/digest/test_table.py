from __future__ import annotations

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.digest.table import COLUMNS, csv_of
from pipeline.records import Announcement, AnnounceType, Cause, Day, Done, Owed, Stage
from tests.stages.test_publish import DAY


def rows(day: Day, tags: str = "listing") -> list[dict[str, str]]:
    content = csv_of(day, "model" if tags == "model" else "listing")
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(StringIO(content.decode("utf-8-sig"), newline="")))


def titled(title: str) -> Day:
    first = DAY.outcomes[0].announcement
    item = Announcement(
        announce=AnnounceType.NEW, paper=first.paper.model_copy(update={"title": title})
    )
    owed = Owed(announcement=item, stage=Stage.VALIDATE, cause=Cause.RULES, reason="too short")
    return DAY.model_copy(update={"outcomes": (owed,)})


def test_a_row_a_paper_with_its_line_or_its_debt() -> None:
    found = rows(DAY)
    assert tuple(found[0]) == COLUMNS
    assert len(found) == len(DAY.outcomes)
    lines = {o.summary.line for o in DAY.outcomes if isinstance(o, Done)}
    assert {row["line"] for row in found if row["line"]} == lines
    owed = [o for o in DAY.outcomes if isinstance(o, Owed)]
    assert sorted(row["owed"] for row in found if row["owed"]) == sorted(
        f"{o.stage.value}: {o.reason}" for o in owed
    )
    assert all(bool(row["line"]) != bool(row["owed"]) for row in found)


@pytest.mark.parametrize("title", ['=HYPERLINK("http://x.example","y")', "+1", "-1", "@SUM(A1)"])
def test_no_title_is_a_formula(title: str) -> None:
    assert rows(titled(title))[0]["title"] == f"'{title}"


@given(title=st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=60))
def test_whatever_a_title_has_it_stays_in_its_cell(title: str) -> None:
    (row,) = rows(titled(title))
    assert row["title"].removeprefix("'") == title.removeprefix("'") or row["title"] == title
    assert not row["title"].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert row["owed"] == "validate: too short"
