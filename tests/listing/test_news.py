"""A listing is what arXiv announced in the field, whatever its pages and feed show besides.

Real processes against an arXiv whose feed, list pages and catch-up pages differ as arXiv's do.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.demo.archive import Archive
from pipeline.digest.markdown import load
from pipeline.records import Listing
from tests.demo.composed import CROSS, NEW, REPLACE, SettableClock, listing, paper
from tests.listing.test_find import Week
from tests.standins.arxiv import FaultyArxiv
from tests.standins.faults import Faults
from tests.standins.house import one_error, open_house
from tests.standins.world import small_pdf

MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (dt.date(2026, 1, day) for day in (12, 13, 14, 15))

HOME, OUTSIDE = "2601.20001", "2601.20002"
"""New on Monday, the second from outside; crossed elsewhere on Tuesday and on Wednesday."""
PLAIN = "2601.20003"
"""New on Tuesday, replaced on Wednesday."""
LATER, REVISED = "2601.20004", "2601.20005"
"""New and replaced outside the field on Tuesday, and crossed to it on Wednesday."""
GONE = "2511.20006"
"""Withdrawn on Tuesday in a version of which nothing is announced."""
CROSSED = "2511.20007"
"""An older paper that came to the field on Tuesday."""
FRESH = "2601.20008"
SEVEN = "2511.20009"
"""Crossed to the field on Wednesday in version 7."""


def days() -> list[Listing]:
    return [
        listing(
            MONDAY,
            (NEW, paper(HOME, 1, "cs.SD", "eess.AS")),
            (NEW, paper(OUTSIDE, 1, "cs.LG", "cs.SD")),
        ),
        listing(
            TUESDAY,
            (NEW, paper(PLAIN, 1, "cs.SD")),
            (CROSS, paper(HOME, 1, "cs.SD", "eess.AS", "cs.AI")),
            (CROSS, paper(OUTSIDE, 1, "cs.LG", "cs.SD", "cs.NE")),
            (NEW, paper(LATER, 1, "cs.LG")),
            (REPLACE, paper(REVISED, 2, "cs.LG")),
            (REPLACE, paper(GONE, 6, "cs.SD")),
            (CROSS, paper(CROSSED, 1, "cs.CL", "cs.SD")),
        ),
        listing(
            WEDNESDAY,
            (NEW, paper(FRESH, 1, "cs.SD")),
            (CROSS, paper(OUTSIDE, 1, "cs.LG", "cs.SD", "cs.NE", "cs.AI")),
            (CROSS, paper(LATER, 1, "cs.LG", "cs.SD")),
            (CROSS, paper(REVISED, 2, "cs.LG", "cs.SD")),
            (CROSS, paper(SEVEN, 7, "cs.CL", "eess.AS")),
            (REPLACE, paper(PLAIN, 2, "cs.SD")),
        ),
        listing(THURSDAY, (NEW, paper("2601.20010", 1, "eess.AS"))),
    ]


ANNOUNCED = {
    MONDAY: [f"{HOME}v1 new", f"{OUTSIDE}v1 cross"],
    TUESDAY: [f"{PLAIN}v1 new", f"{CROSSED}v1 cross"],
    WEDNESDAY: [
        f"{FRESH}v1 new",
        f"{SEVEN}v7 cross",
        f"{LATER}v1 cross",
        f"{REVISED}v2 cross",
        f"{PLAIN}v2 replace",
    ],
}


@contextmanager
def opened(folder: Path) -> Iterator[Week]:
    clock = SettableClock(MONDAY, 0, 30)
    folder.mkdir(exist_ok=True)
    archive = Archive(days(), now=clock, withdrawn={f"{GONE}v6"})
    with open_house(folder, FaultyArxiv(archive, small_pdf), prompt="zero-shot") as house:
        house.settings(retry={"attempts": 1})
        yield Week(house, clock)


@pytest.fixture
def week(tmp_path: Path) -> Iterator[Week]:
    with opened(tmp_path) as found:
        yield found


def check_whole(week: Week, date: dt.date) -> None:
    """The very papers, types and versions, and nothing left open."""
    assert week.entries(date) == ANNOUNCED[date]
    assert week.day(date)["check"]["problems"] == []
    ledger = week.day(date)["ledger"]
    assert ledger["announced"] == ledger["done"] == len(ANNOUNCED[date])


# The feed against the list pages


def test_a_cross_in_a_high_version_is_in_the_feed_alone_and_no_mismatch(week: Week) -> None:
    assert week.night(WEDNESDAY) == 0
    check_whole(week, WEDNESDAY)
    assert week.day(WEDNESDAY)["check"]["added"] == []


def test_one_stale_paper_is_dropped_alone(week: Week) -> None:
    week.house.arxiv.faults = Faults(feed="stale_paper")
    assert week.night(WEDNESDAY) == 0
    # What stands only in the feed is not lost with it.
    check_whole(week, WEDNESDAY)
    check = week.day(WEDNESDAY)["check"]
    # Tuesday's first paper was new: on Wednesday's pages it is a replacement.
    assert (check["dropped"], check["added"]) == ([PLAIN], [PLAIN])


def test_a_feed_that_is_mostly_stale_is_not_used_and_that_is_told(week: Week) -> None:
    week.house.arxiv.faults = Faults(feed="stale")
    assert week.night(WEDNESDAY) == 0
    # Also what no list page shows: the catch-up page has it.
    check_whole(week, WEDNESDAY)
    check = week.day(WEDNESDAY)["check"]
    assert set(check["dropped"]) == {PLAIN, CROSSED}
    assert len(check["added"]) == len(ANNOUNCED[WEDNESDAY])
    assert check["no_news"] == [OUTSIDE]
    logs = "".join(file.read_text() for file in week.house.folder.rglob("*.jsonl"))
    assert f"feed of {WEDNESDAY} has an earlier listing's papers" in logs


def test_an_unknown_announce_type_costs_that_paper_a_question(week: Week) -> None:
    # The last one of the feed is the replacement; its page says what it is.
    week.house.arxiv.faults = Faults(feed="nameless")
    assert week.night(WEDNESDAY) == 0
    check_whole(week, WEDNESDAY)
    assert week.day(WEDNESDAY)["check"]["untyped"] == [PLAIN]
    assert week.night(WEDNESDAY) == 0
    check_whole(week, WEDNESDAY)


def test_an_unknown_announce_type_is_known_by_the_version_where_no_page_can_be_read(
    week: Week,
) -> None:
    week.house.arxiv.faults = Faults(
        feed="nameless", list_page="server_error", catchup="server_error"
    )
    assert week.night(WEDNESDAY) == 1  # not checked
    assert week.entries(WEDNESDAY) == ANNOUNCED[WEDNESDAY]


# Catch-up pages list more than was announced


def test_a_missed_night_has_what_was_announced_and_no_more(week: Week) -> None:
    assert [week.night(date) for date in (MONDAY, WEDNESDAY)] == [0, 0]
    for date in (MONDAY, TUESDAY, WEDNESDAY):
        check_whole(week, date)
    no_news = week.day(TUESDAY)["check"]["no_news"]
    assert sorted(no_news) == sorted([HOME, OUTSIDE, LATER, REVISED, GONE])
    assert week.calls == sum(map(len, ANNOUNCED.values()))


@pytest.mark.parametrize("date", [MONDAY, TUESDAY, WEDNESDAY])
def test_without_earlier_days_the_listings_around_tell(week: Week, date: dt.date) -> None:
    assert week.night(THURSDAY, "--date", str(date)) == 0
    check_whole(week, date)


def test_several_missed_nights_at_once(week: Week) -> None:
    assert week.night(THURSDAY, "--since", str(MONDAY)) == 0
    for date in ANNOUNCED:
        check_whole(week, date)


def test_a_day_that_is_checked_later_does_not_grow(week: Week) -> None:
    week.house.arxiv.faults = Faults(list_page="server_error", catchup="server_error")
    assert week.night(TUESDAY) == 1
    assert week.entries(TUESDAY) == ANNOUNCED[TUESDAY]
    week.house.arxiv.faults = Faults()
    assert week.night(THURSDAY) == 0
    check_whole(week, TUESDAY)


def test_with_list_pages_down_the_catch_up_pages_add_nothing_of_their_own(week: Week) -> None:
    week.house.arxiv.faults = Faults(list_page="server_error", feed="incomplete")
    assert week.night(TUESDAY) == 0
    check_whole(week, TUESDAY)


def test_what_changed_since_a_night_caught_up_by_the_same_run_is_told_at_once(week: Week) -> None:
    assert [week.night(date) for date in (MONDAY, WEDNESDAY)] == [0, 0]
    found = next(p for p in week.papers(WEDNESDAY) if p["arxiv_id"] == PLAIN)
    assert found["replaced"]["version"] == 1
    assert {change["field"] for change in found["replaced"]["changes"]} == {
        "title",
        "abstract",
        "comment",
    }


# Sources that fail


def test_what_any_source_names_is_announced_and_owed_until_its_version_is_known(
    week: Week,
) -> None:
    week.house.arxiv.faults = Faults(feed="incomplete", api="server_error", oai="server_error")
    assert week.night(WEDNESDAY) == 1
    papers = {p["arxiv_id"]: p for p in week.papers(WEDNESDAY)}
    assert set(papers) == {one.partition("v")[0] for one in ANNOUNCED[WEDNESDAY]}
    # The feed lacks its third and its sixth paper; the page names no version.
    (unknown,) = [p for p in papers.values() if p["version"] == 0]
    assert (unknown["arxiv_id"], unknown["announce_type"]) == (LATER, "cross")
    assert unknown["owed"]["stage"] == "listing"
    assert "version" in unknown["owed"]["reason"]
    assert unknown["owed"]["reason"] in week.house.run("status", COLUMNS="300").stdout
    ledger = week.day(WEDNESDAY)["ledger"]
    assert (ledger["done"], ledger["owed"]) == (4, 1)
    file = week.house.folder / "outputs" / str(WEDNESDAY) / "audio.md"
    (entry,) = [e for e in load(file).entries if e.line is None]
    assert entry.link.endswith(f"/pdf/{LATER}")
    calls = week.calls
    week.house.arxiv.faults = Faults()
    assert week.night(WEDNESDAY) == 0
    check_whole(week, WEDNESDAY)
    assert week.calls == calls + 1
    assert week.night(THURSDAY) == 0
    check_whole(week, WEDNESDAY)
    shown = week.house.run("show", LATER).stdout
    assert f"{LATER}v1" in shown


def test_what_turns_out_not_to_be_announced_goes_again(week: Week) -> None:
    week.house.arxiv.faults = Faults(list_page="server_error", api="server_error", oai="not_xml")
    assert week.night(TUESDAY) == 1
    assert {GONE, *(one.partition("v")[0] for one in ANNOUNCED[TUESDAY])} <= {
        p["arxiv_id"] for p in week.papers(TUESDAY)
    }
    week.house.arxiv.faults = Faults()
    assert week.night(WEDNESDAY) == 0
    check_whole(week, TUESDAY)


def test_arxivs_reason_for_a_refused_date_is_told_and_not_published(week: Week) -> None:
    reason = f"{MONDAY} is out of reach: catch-up is for the past 90 days"
    week.house.arxiv.faults = Faults(list_page="server_error", catchup="refused")
    assert week.night(MONDAY) == 1
    assert week.night(TUESDAY, "--date", str(MONDAY)) == 1
    logs = "".join(file.read_text() for file in week.house.folder.rglob("*.jsonl"))
    assert f"HTTP 400 ({reason}" in logs
    week.night(WEDNESDAY, "--date", str(TUESDAY))
    assert reason.replace(str(MONDAY), str(TUESDAY)) in one_error(week.said, 1)
    outputs = week.house.folder / "outputs"
    published = [p for p in outputs.rglob("*") if p.suffix in {".json", ".md", ".html", ".xml"}]
    assert published
    assert "HTTP 400" in "".join(week.day(MONDAY)["check"]["problems"])
    assert not any("out of reach" in file.read_text(encoding="utf-8") for file in published)
