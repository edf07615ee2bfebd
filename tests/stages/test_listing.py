from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape

import pytest

from pipeline.arxiv.ids import ArxivId, parse_id
from pipeline.errors import (
    ArxivError,
    ArxivMalformed,
    ArxivRefused,
    ArxivUnreachable,
    UsageError,
)
from pipeline.records import Announcement, AnnounceType, Listing, Paper
from pipeline.settings import FieldSettings
from pipeline.stages.listing import listing, one_paper, with_metadata

FIELD = FieldSettings(name="音频", categories=("cs.SD", "eess.AS"))

ITEM = """
<item><title>Feed title of {id}</title><link>https://arxiv.org/abs/{id}</link>
<description>arXiv:{id} Announce Type: {announce}
Abstract: Feed abstract of {id}.</description>
<guid isPermaLink="false">oai:arXiv.org:{id}</guid><category>cs.SD</category>
<arxiv:announce_type>{announce}</arxiv:announce_type><dc:creator>Ann Feed, Ben Feed</dc:creator>
</item>"""
FEED = """<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"
 version="2.0"><channel><title>cs.SD, eess.AS updates on arXiv.org</title>
<pubDate>Wed, 07 Jan 2026 00:00:00 -0500</pubDate>{items}</channel></rss>"""
ENTRY = """
<entry><id>http://arxiv.org/abs/{id}</id><title>API title of {id}</title>
<summary>API abstract of {id}.</summary><author><name>Ann Api</name></author>
<arxiv:comment>12 pages</arxiv:comment><arxiv:primary_category term="eess.AS"/>
<category term="cs.SD"/><category term="eess.AS"/></entry>"""
ANSWER = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom">
<title>arXiv Query</title>{entries}</feed>"""
ERROR = """<entry><id>https://arxiv.org/api/errors#incorrect_id</id><title>Error</title>
<summary>incorrect id format for {id}</summary></entry>"""


def feed(*items: tuple[str, str]) -> bytes:
    written = "".join(ITEM.format(id=escape(i), announce=announce) for i, announce in items)
    return FEED.format(items=written).encode()


def answer(ids: Sequence[str], form: str = ENTRY) -> bytes:
    return ANSWER.format(entries="".join(form.format(id=i) for i in ids)).encode()


class FakeArxiv:
    """One feed, and the API as a function of the ids; `asked` has every list of ids."""

    feed_host = "rss.example.org"

    def __init__(self, today: bytes = b"", api: Callable[[Sequence[str]], bytes] = answer) -> None:
        self.asked: list[list[str]] = []
        self.categories: Sequence[str] = ()
        self._today = today
        self._api = api

    def feed(self, categories: Sequence[str]) -> tuple[bytes, str]:
        self.categories = categories
        return self._today, "https://rss.example.org/rss/"

    def metadata(self, ids: Sequence[str]) -> tuple[bytes, str]:
        self.asked.append(list(ids))
        return self._api(ids), "https://api.example.org/query"


def from_feed(arxiv_id: str, version: int = 1) -> Paper:
    versioned = f"{arxiv_id}v{version}"
    return Paper(
        arxiv_id=arxiv_id,
        version=version,
        title=f"Feed title of {versioned}",
        abstract=f"Feed abstract of {versioned}.",
        authors=("Ann Feed", "Ben Feed"),
        categories=("cs.SD",),
        metadata="feed",
    )


def from_api(arxiv_id: str, version: int = 1) -> Paper:
    versioned = f"{arxiv_id}v{version}"
    return Paper(
        arxiv_id=arxiv_id,
        version=version,
        title=f"API title of {versioned}",
        abstract=f"API abstract of {versioned}.",
        authors=("Ann Api",),
        comment="12 pages",
        categories=("eess.AS", "cs.SD"),
    )


def listed(*papers: Paper) -> Listing:
    return Listing(
        date=dt.date(2026, 1, 7),
        field="audio",
        source="rss.example.org",
        announcements=tuple(
            Announcement(announce=AnnounceType.NEW, paper=paper) for paper in papers
        ),
    )


def papers_of(found: Listing) -> list[Paper]:
    return [item.paper for item in found.announcements]


# The feed


def test_the_listing_is_what_the_feed_announces() -> None:
    arxiv = FakeArxiv(feed(("2601.00001v1", "new"), ("2512.00002v3", "replace-cross")))

    found = listing("audio", FIELD, arxiv)

    assert found == Listing(
        date=dt.date(2026, 1, 7),
        field="audio",
        source="rss.example.org",
        announcements=(
            Announcement(announce=AnnounceType.NEW, paper=from_feed("2601.00001")),
            Announcement(announce=AnnounceType.REPLACE_CROSS, paper=from_feed("2512.00002", 3)),
        ),
    )
    assert arxiv.categories == ("cs.SD", "eess.AS")
    assert arxiv.asked == []


def test_an_empty_feed_is_an_empty_listing() -> None:
    found = listing("audio", FIELD, FakeArxiv(feed()))

    assert (found.date, found.announcements) == (dt.date(2026, 1, 7), ())


@pytest.mark.parametrize("content", [b"", b"<html>busy</html>", feed(("nonsense", "new"))])
def test_a_feed_that_cannot_be_read_is_arxivs_error(content: bytes) -> None:
    with pytest.raises(ArxivMalformed, match=r"rss\.example\.org"):
        listing("audio", FIELD, FakeArxiv(content))


# The API


def test_the_apis_fields_replace_the_feeds_in_the_feeds_order() -> None:
    def shuffled(ids: Sequence[str]) -> bytes:
        return answer([*reversed(ids), "2601.09999v1"])  # and one that nobody asked for

    warnings: list[str] = []
    found = listed(from_feed("2601.00001"), from_feed("math/0309136", 2), from_feed("2601.00003"))

    full = with_metadata(found, FakeArxiv(api=shuffled), {}, warnings.append)

    assert papers_of(full) == [
        from_api("2601.00001"),
        from_api("math/0309136", 2),
        from_api("2601.00003"),
    ]
    assert [a.announce for a in full.announcements] == [AnnounceType.NEW] * 3
    assert (full.date, full.field, full.source) == (found.date, found.field, found.source)
    assert warnings == []


@pytest.mark.parametrize(
    ("papers", "batches"), [(0, []), (1, [1]), (100, [100]), (101, [100, 1]), (230, [100, 100, 30])]
)
def test_the_api_is_asked_in_batches_of_a_hundred(papers: int, batches: list[int]) -> None:
    arxiv = FakeArxiv()
    ids = [f"2601.{n:05d}" for n in range(1, papers + 1)]

    full = with_metadata(listed(*map(from_feed, ids)), arxiv, {}, pytest.fail)

    assert [len(batch) for batch in arxiv.asked] == batches
    assert [i for batch in arxiv.asked for i in batch] == [f"{i}v1" for i in ids]
    assert papers_of(full) == list(map(from_api, ids))


def test_a_paper_that_the_api_does_not_know_keeps_the_feeds_fields() -> None:
    def without_the_second(ids: Sequence[str]) -> bytes:
        return answer([i for i in ids if i != "2601.00002v1"])

    warnings: list[str] = []
    found = listed(*map(from_feed, ["2601.00001", "2601.00002", "2601.00003"]))

    full = with_metadata(found, FakeArxiv(api=without_the_second), {}, warnings.append)

    assert papers_of(full) == [
        from_api("2601.00001"),
        from_feed("2601.00002"),
        from_api("2601.00003"),
    ]
    (warning,) = warnings
    assert warning.startswith("2601.00002v1: ")


def test_another_version_than_the_announced_one_is_no_answer() -> None:
    def newer(ids: Sequence[str]) -> bytes:
        return answer([i.replace("v1", "v2") for i in ids])

    warnings: list[str] = []

    full = with_metadata(listed(from_feed("2601.00001")), FakeArxiv(api=newer), {}, warnings.append)

    assert papers_of(full) == [from_feed("2601.00001")]
    assert [w.split(":")[0] for w in warnings] == ["2601.00001v1"]


def unreachable(_: Sequence[str]) -> bytes:
    raise ArxivUnreachable("no answer in time", where="https://api.example.org")


def malformed(_: Sequence[str]) -> bytes:
    return b"<html>Rate exceeded.</html>"


def refused(ids: Sequence[str]) -> bytes:
    return answer(ids[:1], ERROR)


@pytest.mark.parametrize("api", [unreachable, malformed, refused])
def test_an_api_that_is_down_costs_one_warning_and_no_paper(
    api: Callable[[Sequence[str]], bytes],
) -> None:
    warnings: list[str] = []
    found = listed(*(from_feed(f"2601.{n:05d}") for n in range(1, 27)))

    full = with_metadata(found, FakeArxiv(api=api), {}, warnings.append)

    assert full == found
    (warning,) = warnings
    assert warning.startswith("no metadata for 26 papers")


def test_one_batch_that_fails_does_not_cost_the_others() -> None:
    def second_fails(ids: Sequence[str]) -> bytes:
        return unreachable(ids) if "2601.00101v1" in ids else answer(ids)

    warnings: list[str] = []
    ids = [f"2601.{n:05d}" for n in range(1, 206)]

    full = with_metadata(
        listed(*map(from_feed, ids)), FakeArxiv(api=second_fails), {}, warnings.append
    )

    assert [p.metadata for p in papers_of(full)] == ["api"] * 100 + ["feed"] * 100 + ["api"] * 5
    assert [p.arxiv_id for p in papers_of(full)] == ids
    assert len(warnings) == 1


def test_known_papers_are_not_asked_for_again() -> None:
    arxiv = FakeArxiv()
    known = {"2601.00001v1": from_api("2601.00001").model_copy(update={"title": "As stored"})}
    found = listed(from_feed("2601.00001"), from_feed("2601.00002"))

    full = with_metadata(found, arxiv, known, pytest.fail)

    assert arxiv.asked == [["2601.00002v1"]]
    assert [p.title for p in papers_of(full)] == ["As stored", "API title of 2601.00002v1"]


def test_when_every_paper_is_known_nothing_is_asked() -> None:
    arxiv = FakeArxiv(api=unreachable)
    known = {"2601.00001v1": from_api("2601.00001")}

    full = with_metadata(listed(from_feed("2601.00001")), arxiv, known, pytest.fail)

    assert papers_of(full) == [from_api("2601.00001")]
    assert arxiv.asked == []


def test_a_known_older_version_is_no_answer_for_a_newer_one() -> None:
    arxiv = FakeArxiv()

    full = with_metadata(
        listed(from_feed("2601.00001", 2)),
        arxiv,
        {"2601.00001v1": from_api("2601.00001", 1)},
        pytest.fail,
    )

    assert papers_of(full) == [from_api("2601.00001", 2)]


# One paper


def latest_is_v3(ids: Sequence[str]) -> bytes:
    return answer([f"{parse_id(i).base}v{parse_id(i).version or 3}" for i in ids])


@pytest.mark.parametrize(
    ("asked", "version"), [(ArxivId("2601.00001", None), 3), (ArxivId("2601.00001", 2), 2)]
)
def test_one_paper_in_the_named_version_or_the_latest(asked: ArxivId, version: int) -> None:
    arxiv = FakeArxiv(api=latest_is_v3)

    assert one_paper(asked, arxiv) == from_api("2601.00001", version)
    assert arxiv.asked == [[str(asked)]]


@pytest.mark.parametrize(
    "api",
    [
        pytest.param(lambda _: answer([]), id="unknown id"),
        pytest.param(lambda _: answer(["2601.00001v3"]), id="another version"),
        pytest.param(lambda _: answer(["2601.00002v2"]), id="another paper"),
    ],
)
def test_a_paper_that_arxiv_does_not_know_is_a_wrong_request(
    api: Callable[[Sequence[str]], bytes],
) -> None:
    with pytest.raises(UsageError, match=r"^2601\.00001v2: arXiv does not know this paper"):
        one_paper(ArxivId("2601.00001", 2), FakeArxiv(api=api))


@pytest.mark.parametrize(
    ("api", "error"),
    [(unreachable, ArxivUnreachable), (malformed, ArxivMalformed), (refused, ArxivRefused)],
)
def test_arxivs_own_trouble_is_not_the_users(
    api: Callable[[Sequence[str]], bytes], error: type[ArxivError]
) -> None:
    with pytest.raises(error):
        one_paper(ArxivId("2601.00001", None), FakeArxiv(api=api))
