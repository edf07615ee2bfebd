"""What shows when: feed, list page and PDFs around announcements, weekends and a holiday."""

import datetime as dt
import re

import feedparser
import httpx2
import pytest

from pipeline.demo.archive import Archive, announced_at
from pipeline.records import Listing
from tests.demo.composed import (
    CROSS,
    FRIDAY,
    NEW,
    OLD,
    REPLACE,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    A,
    B,
    C,
    D,
    SettableClock,
    listing,
    paper,
    week,
)
from tests.demo.conftest import Serve, client_of
from tests.standins.arxiv import FaultyArxiv
from tests.standins.world import small_pdf

FEED = "/rss/cs.SD+eess.AS"
SATURDAY = dt.date(2026, 1, 17)


def fed(client: httpx2.Client, feed: str = FEED) -> tuple[str, list[tuple[str, str]]]:
    """The feed's date, and its ids with their announce types."""
    parsed = feedparser.parse(client.get(feed).content)
    items = [(e.id.rpartition(":")[2], e.arxiv_announce_type) for e in parsed.entries]
    return parsed.feed.published[5:16], items


def listed(client: httpx2.Client) -> str:
    """The date that the list page shows."""
    found = re.search(r"<h3>Showing new listings for (.*)</h3>", client.get("/list/cs.SD/new").text)
    assert found
    return found[1]


THURSDAYS = [(f"{A}v1", "new"), (f"{B}v1", "new"), (f"{C}v1", "cross")]
FRIDAYS = [
    (f"{D}v1", "new"),
    (f"{A}v2", "replace"),
    (f"{B}v2", "replace"),
    (f"{OLD}v3", "replace-cross"),
]


@pytest.mark.parametrize(
    ("date", "hour", "feed", "page"),
    [
        (THURSDAY, 0, THURSDAYS, "Thursday, 15 January 2026"),
        (THURSDAY, 19, THURSDAYS, "Thursday, 15 January 2026"),
        (THURSDAY, 20, THURSDAYS, "Friday, 16 January 2026"),
        (THURSDAY, 23, THURSDAYS, "Friday, 16 January 2026"),
        (FRIDAY, 0, FRIDAYS, "Friday, 16 January 2026"),
        (FRIDAY, 23, FRIDAYS, "Friday, 16 January 2026"),
        (SATURDAY, 12, [], "Friday, 16 January 2026"),
        (TUESDAY, 12, [], "Friday, 16 January 2026"),  # no announcement on the holiday's evening
        (TUESDAY, 21, [], "Wednesday, 21 January 2026"),
        (WEDNESDAY, 1, [(f"{C}v1", "cross")], "Wednesday, 21 January 2026"),
    ],
)
def test_the_feed_turns_at_midnight_and_the_list_page_in_the_evening(
    serve_week: Serve, date: dt.date, hour: int, feed: list[tuple[str, str]], page: str
) -> None:
    _, client = serve_week(now=SettableClock(date, hour))
    # Versions from 6 on are not listed: the paper of Wednesday is in neither.
    assert fed(client) == (date.strftime("%d %b %Y"), feed)
    assert listed(client) == page


def test_mondays_listing_is_announced_on_sunday_evening() -> None:
    monday, sunday = dt.date(2026, 1, 26), dt.date(2026, 1, 25)
    assert announced_at(monday).isoformat() == "2026-01-25T20:00:00-05:00"
    clock = SettableClock(sunday, 19, 59)
    archive = Archive([listing(FRIDAY, (NEW, paper(A))), listing(monday, (NEW, paper(B)))], clock)
    assert (archive.newest(), archive.latest(B)) == (FRIDAY, None)
    clock.set(sunday, 20)
    assert archive.newest() == monday
    # Submitted on the Friday before, after the cut-off of the listing before.
    assert archive.submitted(B, 1).isoformat() == "2026-01-23T15:00:00+00:00"


def test_without_a_clock_it_is_half_past_midnight_on_the_last_date() -> None:
    assert Archive(week()).now.isoformat() == "2026-01-21T00:30:00-05:00"
    with pytest.raises(ValueError, match="the time"):
        Archive([])


def test_max_age_counts_to_midnight_over_a_clock_change(serve_week: Serve) -> None:
    now = SettableClock(THURSDAY, 23, 59)
    _, client = serve_week(now=now)
    assert client.get(FEED).headers["Cache-Control"] == "max-age=60"
    now.set(dt.date(2026, 3, 8), 0)
    assert client.get(FEED).headers["Cache-Control"] == f"max-age={23 * 3600}"


def test_the_feed_is_another_after_midnight(serve_week: Serve) -> None:
    now = SettableClock(SATURDAY, 12)
    _, client = serve_week(now=now)
    etag = client.get(FEED).headers["ETag"]
    now.set(SATURDAY, 23)
    assert client.get(FEED, headers={"If-None-Match": etag}).status_code == 304
    now.set(SATURDAY + dt.timedelta(days=1), 0)
    assert client.get(FEED, headers={"If-None-Match": etag}).status_code == 200


def test_submission_dates_that_the_records_say_are_kept() -> None:
    said = dt.datetime(2026, 1, 13, 20, 1, 2, tzinfo=dt.UTC)
    days = [
        listing(THURSDAY, (NEW, paper(A, submitted=said))),
        listing(FRIDAY, (REPLACE, paper(A, 4))),
    ]
    history = Archive(days).history(A)
    assert [(v.number, v.submitted.isoformat()) for v in history] == [
        (1, "2026-01-13T20:01:02+00:00"),
        (2, "2026-01-13T20:02:02+00:00"),
        (3, "2026-01-13T20:03:02+00:00"),
        (4, "2026-01-15T15:00:00+00:00"),
    ]


def test_two_fields_of_one_day_count_a_paper_once_by_its_strongest_type() -> None:
    crossed = listing(FRIDAY, (CROSS, paper(C, 1, "cs.CL", "cs.SD")))
    new = listing(FRIDAY, (NEW, paper(C, 1, "cs.CL", "cs.SD")))
    for days in ([crossed, new], [new, crossed]):
        with FaultyArxiv(Archive(days), small_pdf) as standin, client_of(standin) as client:
            assert fed(client, "/rss/cs.CL")[1] == [(f"{C}v1", "new")]
            assert fed(client)[1] == [(f"{C}v1", "cross")]
            assert fed(client, "/rss/cs.SD+cs.CL")[1] == [(f"{C}v1", "new")]


def test_pdfs_by_version_and_time(serve_week: Serve) -> None:
    now = SettableClock(THURSDAY, 12)
    _, client = serve_week(now=now)
    assert client.get(f"/pdf/{A}").content == small_pdf(f"{A}v1")
    assert client.get(f"/pdf/{A}v2").status_code == 404
    now.set(FRIDAY, 12)
    assert client.get(f"/pdf/{A}").content == small_pdf(f"{A}v2")
    assert client.get(f"/pdf/{A}v1").content == small_pdf(f"{A}v1")


def test_a_withdrawn_version_has_no_pdf_and_the_one_before_has(serve_week: Serve) -> None:
    _, client = serve_week()
    for address in (f"/pdf/{B}", f"/pdf/{B}v2"):
        response = client.get(address)
        assert response.status_code == 404
        assert f"This version of {B}v2 has been withdrawn" in response.text
    assert client.get(f"/pdf/{B}v1").content == small_pdf(f"{B}v1")


# Feed, list page and catch-up page differ as arXiv's do


SEVENTH, SIXTH = "2511.00008", "2511.00009"


def announcements() -> list[Listing]:
    return [
        listing(THURSDAY, (NEW, paper(A, 1, "cs.SD")), (NEW, paper(B, 1, "cs.LG"))),
        listing(
            FRIDAY,
            (CROSS, paper(A, 1, "cs.SD", "cs.AI")),
            (CROSS, paper(B, 1, "cs.LG", "cs.SD")),
            (CROSS, paper(SEVENTH, 7, "cs.CL", "cs.SD")),
            (REPLACE, paper(SIXTH, 6, "cs.SD")),
        ),
    ]


def shown(client: httpx2.Client, path: str) -> list[str]:
    return re.findall(r'title="Abstract" id="([^"]*)"', client.get(path).text)


def test_a_cross_is_for_the_categories_that_it_adds() -> None:
    archive = Archive(announcements())
    with FaultyArxiv(archive, small_pdf) as standin, client_of(standin) as client:
        assert fed(client, "/rss/cs.SD")[1] == [(f"{SEVENTH}v7", "cross"), (f"{B}v1", "cross")]
        assert fed(client, "/rss/cs.AI")[1] == [(f"{A}v1", "cross")]
        # No list page shows anything in a high version.
        assert shown(client, "/list/cs.SD/new") == [B]


def test_the_catch_up_page_lists_all_of_a_days_mail_by_todays_categories() -> None:
    archive = Archive(announcements(), withdrawn={f"{SIXTH}v6"})
    with FaultyArxiv(archive, small_pdf) as standin, client_of(standin) as client:
        # Crossed to it on Friday, and so listed on Thursday too.
        assert shown(client, f"/catchup/cs.SD/{THURSDAY}?abs=True") == [A, B]
        # Crosses of its own primary category's papers are left out, withdrawals are not.
        assert shown(client, f"/catchup/cs.SD/{FRIDAY}?abs=True") == [SEVENTH, B, SIXTH]
        assert shown(client, f"/catchup/cs.LG/{FRIDAY}?abs=True") == []


def test_a_refused_date_has_its_reason_in_the_heading(serve_week: Serve) -> None:
    _, client = serve_week()
    response = client.get("/catchup/cs.SD/2025-01-02?abs=True")
    assert response.status_code == 400
    assert "<h1>2025-01-02 is out of reach: catch-up is for the past 90 days" in response.text
