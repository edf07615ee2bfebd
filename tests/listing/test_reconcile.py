from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pytest

from pipeline.arxiv.listpage import PageEntry
from pipeline.errors import ArxivMalformed
from pipeline.listing.reconcile import (
    Pages,
    catchup_pages,
    list_pages,
    reconcile,
    source_of,
    todays_feed,
    todays_pages,
    with_added,
)
from pipeline.records import Announcement, AnnounceType, Listing
from pipeline.settings import FieldSettings
from tests.stages.arxiv_answers import DATE, FakeArxiv, feed, from_api, from_feed, listed, page

FIELD = FieldSettings(name="音频", categories=("cs.SD", "eess.AS"))
NEW, CROSS, REPLACE, REPLACE_CROSS = AnnounceType
EVE, NEXT = DATE - dt.timedelta(days=1), DATE + dt.timedelta(days=1)


def both(body: bytes) -> dict[str, bytes]:
    return {"cs.SD": body, "eess.AS": body}


def dated(body: bytes) -> dict[str, list[bytes]]:
    return {"cs.SD": [body], "eess.AS": [body]}


def types(found: Pages) -> dict[str, AnnounceType]:
    return {entry.arxiv_id: entry.announce for entry in found.entries}


# The feed


def test_the_listing_is_what_the_feed_announces() -> None:
    arxiv = FakeArxiv(feed(("2601.00001v1", "new"), ("2512.00002v3", "replace-cross")))
    assert todays_feed("audio", FIELD, arxiv) == Listing(
        date=DATE,
        field="audio",
        source="rss.example.org",
        announcements=(
            Announcement(announce=NEW, paper=from_feed("2601.00001")),
            Announcement(announce=REPLACE_CROSS, paper=from_feed("2512.00002", 3)),
        ),
    )
    assert arxiv.categories == ("cs.SD", "eess.AS")
    assert (arxiv.asked, arxiv.fetched, arxiv.revalidated) == ([], [], [True])


def test_an_empty_feed_is_an_empty_listing() -> None:
    found = todays_feed("audio", FIELD, FakeArxiv(feed()))
    assert (found.date, found.announcements) == (DATE, ())


BAD_FEEDS = [b"", b"<html>busy</html>", feed(("nonsense", "new"))]


@pytest.mark.parametrize("bad", BAD_FEEDS)
def test_a_feed_that_cannot_be_read_is_asked_for_again(bad: bytes) -> None:
    arxiv = FakeArxiv(bad, feed(("2601.00001v1", "new")))
    assert len(todays_feed("audio", FIELD, arxiv).announcements) == 1
    assert arxiv.revalidated == [True, True]


@pytest.mark.parametrize("bad", BAD_FEEDS)
def test_a_feed_that_stays_unreadable_is_arxivs_error(bad: bytes) -> None:
    with pytest.raises(ArxivMalformed, match=r"rss\.example\.org"):
        todays_feed("audio", FIELD, FakeArxiv(bad))


# The pages


def test_the_categories_pages_are_one_listing_with_the_strongest_type_of_each_paper() -> None:
    pages = {
        "cs.SD": page(DATE, ["2601.00001"], ["2601.00002"], ["2512.00001"]),
        "eess.AS": page(DATE, ["2601.00002"], ["2601.00001"], ["2601.00003"]),
    }
    found = list_pages(FIELD, FakeArxiv(pages=pages))
    assert (found.date, found.problems) == (DATE, ())
    assert types(found) == {
        "2601.00001": NEW,
        "2601.00002": NEW,
        "2512.00001": REPLACE,
        "2601.00003": REPLACE,
    }
    assert found.addresses == ("https://example.org/list/cs.SD", "https://example.org/list/eess.AS")


def test_a_category_and_its_alias_are_one_page() -> None:
    arxiv = FakeArxiv(pages={"eess.SY": page(DATE, ["2601.00001"])})
    list_pages(FieldSettings(name="控制", categories=("cs.SY", "eess.SY")), arxiv)
    assert arxiv.fetched == ["list eess.SY"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (page(DATE, ["2601.00001"], counts=[2, 0, 0]), "says 2 new submissions and lists 1"),
        (page(DATE, ["2601.00001"], total=3), "says 3 entries and lists 1"),
        (b"<html><title>Sound</title></html>", "does not say"),
        (b"<html><title>arXiv reCAPTCHA</title></html>", "human"),
    ],
)
def test_a_page_that_does_not_hold_what_it_says_is_a_problem(body: bytes, said: str) -> None:
    arxiv = FakeArxiv(pages={"cs.SD": body, "eess.AS": page(DATE, ["2601.00002"])})
    found = list_pages(FIELD, arxiv)
    assert len(found.problems) == 1
    assert said in found.problems[0]
    assert "https://example.org/list/cs.SD" in found.problems[0]
    assert "2601.00002" in found.ids


def test_pages_of_different_dates_are_no_listing() -> None:
    pages = {"cs.SD": page(DATE, ["2601.00001"]), "eess.AS": page(EVE, ["2601.00002"])}
    found = list_pages(FIELD, FakeArxiv(pages=pages))
    assert found.date is None
    assert "2026-01-06, 2026-01-07" in found.problems[0]


def test_a_catch_up_goes_on_over_all_its_pages() -> None:
    first = page(DATE, ["2601.00001"], counts=[2, 0, 1], dated=True)
    second = page(DATE, ["2601.00002"], replaced=["2512.00001"], counts=[2, 0, 1], dated=True)
    arxiv = FakeArxiv(catchups={"cs.SD": [first, second], "eess.AS": [page(DATE, dated=True)]})
    found = catchup_pages(FIELD, DATE, arxiv)
    assert found.problems == ()
    assert len(found.ids) == 3
    assert [asked[-1] for asked in arxiv.fetched] == ["1", "2", "1"]
    assert source_of(found) == "example.org"


def test_catch_up_pages_list_more_than_was_announced_and_list_pages_do_not() -> None:
    arxiv = FakeArxiv(pages=both(page(DATE)), catchups=dated(page(DATE, dated=True)))
    assert catchup_pages(FIELD, DATE, arxiv).overlists
    assert not list_pages(FIELD, arxiv).overlists


def test_arxivs_reason_is_told_and_the_problem_has_our_own_words_alone() -> None:
    found = list_pages(FIELD, FakeArxiv(pages=both(b"refused")))
    assert "the past 90 days" in found.told[0]
    assert "the past 90 days" not in found.problems[0]
    assert found.problems[0].startswith("https://example.org/list/cs.SD: arXiv answers HTTP 400")


def test_a_catch_up_of_another_date_is_a_problem() -> None:
    found = catchup_pages(FIELD, DATE, FakeArxiv(catchups=dated(page(EVE, ["1"], dated=True))))
    assert found.problems
    found = catchup_pages(FIELD, DATE, FakeArxiv(catchups=dated(page(EVE, dated=True))))
    assert "shows 2026-01-06" in found.problems[0]


# Which pages speak for today's feed


def asked_for(
    announced: list[str], pages: Mapping[str, bytes], catchups: Mapping[str, list[bytes]]
) -> tuple[Pages, list[str]]:
    arxiv = FakeArxiv(pages=pages, catchups=catchups)
    found = todays_pages(listed(*map(from_feed, announced)), FIELD, arxiv)
    return found, sorted({asked.split()[0] for asked in arxiv.fetched})


def test_list_pages_of_the_feeds_date_are_enough() -> None:
    found, asked = asked_for(["2601.00001"], both(page(DATE, ["2601.00001"])), {})
    assert (found.date, asked) == (DATE, ["list"])


@pytest.mark.parametrize("announced", [[], ["2601.00001"]])
def test_older_list_pages_are_enough_for_a_feed_that_only_repeats_them(
    announced: list[str],
) -> None:
    found, asked = asked_for(announced, both(page(EVE, ["2601.00001", "2601.00002"])), {})
    assert (found.date, asked) == (EVE, ["list"])


def test_in_the_evening_the_list_pages_are_ahead_and_the_catch_up_pages_speak() -> None:
    catchups = dated(page(DATE, ["2601.00001"], dated=True))
    found, asked = asked_for(["2601.00001"], both(page(NEXT, ["2601.00009"])), catchups)
    assert (found.date, set(found.ids), asked) == (DATE, {"2601.00001"}, ["catchup", "list"])


def test_where_list_pages_fail_the_catch_up_pages_speak() -> None:
    found, _ = asked_for(["2601.00001"], {}, dated(page(DATE, ["2601.00001"], dated=True)))
    assert (found.date, found.problems) == (DATE, ())


def test_where_all_fail_every_problem_is_told() -> None:
    found, _ = asked_for(["2601.00001"], {}, {})
    assert (found.date, len(found.problems)) == (None, 4)


# The feed against the pages


def entry(base: str, announce: AnnounceType) -> PageEntry:
    return PageEntry(
        arxiv_id=base,
        version=None,
        announce=announce,
        title="T",
        authors=(),
        comment=None,
        abstract="",
        categories=("cs.SD",),
    )


def shown(
    *entries: PageEntry, date: dt.date | None = DATE, problems: tuple[str, ...] = ()
) -> Pages:
    return Pages(date=date, addresses=("a", "b"), entries=entries, problems=problems)


def test_what_the_pages_have_and_the_feed_lacks_is_found() -> None:
    pages = shown(entry("2601.00001", NEW), entry("2601.00002", CROSS))
    found, lacking = reconcile(listed(from_feed("2601.00001")), pages)
    assert [one.arxiv_id for one in lacking] == ["2601.00002"]
    assert found.check is not None
    assert (found.check.pages, found.check.counted, found.check.complete) == (("a", "b"), 2, True)


def test_what_the_feed_has_and_the_pages_lack_stays_and_is_a_problem() -> None:
    found, lacking = reconcile(listed(from_feed("2601.00001")), shown(entry("2601.00002", NEW)))
    assert len(found.announcements) == len(lacking) == 1
    assert found.check is not None
    assert found.check.problems == ("not on the list pages: 2601.00001",)


@pytest.mark.parametrize("version", [6, 7])
def test_a_cross_in_a_high_version_is_on_no_list_page_and_no_problem(version: int) -> None:
    crossed = listed(from_feed("2601.00001", version), announce=CROSS)
    found, _ = reconcile(crossed, shown())
    assert found.announcements == crossed.announcements
    assert found.check is not None
    assert found.check.complete


def test_an_announce_type_without_a_name_is_on_no_list_page_and_no_problem() -> None:
    listing = listed(from_feed("2601.00001")).model_copy(update={"untyped": ("2601.00001",)})
    found, _ = reconcile(listing, shown())
    assert found.check is not None
    assert (found.check.complete, found.check.untyped) == (True, ("2601.00001",))


def test_pages_of_another_date_add_nothing() -> None:
    pages = shown(entry("2601.00009", NEW), date=EVE, problems=("503",))
    found, lacking = reconcile(listed(from_feed("2601.00001")), pages)
    assert lacking == ()
    assert found.check is not None
    assert (found.check.counted, found.check.problems) == (0, ("503",))


@pytest.mark.parametrize(
    ("in_feed", "on_page", "counts_as"),
    [
        (CROSS, NEW, NEW),
        (NEW, CROSS, NEW),
        (REPLACE, CROSS, CROSS),
        (REPLACE_CROSS, REPLACE, REPLACE_CROSS),  # pages do not tell the two apart
        (NEW, REPLACE, NEW),
    ],
)
def test_a_paper_counts_once_by_its_strongest_type(
    in_feed: AnnounceType, on_page: AnnounceType, counts_as: AnnounceType
) -> None:
    listing = listed(from_feed("2601.00001"), announce=in_feed)
    found, lacking = reconcile(listing, shown(entry("2601.00001", on_page)))
    assert lacking == ()
    assert [item.announce for item in found.announcements] == [counts_as]


def test_what_is_added_takes_its_place_in_arxivs_order() -> None:
    listing, _ = reconcile(listed(from_feed("2601.00001"), from_feed("2601.00005")), shown())
    added = [
        Announcement(announce=REPLACE, paper=from_api("2512.00001", 2)),
        Announcement(announce=NEW, paper=from_api("2601.00003")),
    ]
    found = with_added(listing, added, ["2601.00004: no version"])
    assert [item.paper.arxiv_id for item in found.announcements] == [
        "2601.00001",
        "2601.00003",
        "2601.00005",
        "2512.00001",
    ]
    assert found.check is not None
    assert found.check.added == ("2512.00001", "2601.00003")
    assert found.check.problems[-1] == "2601.00004: no version"
