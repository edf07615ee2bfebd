from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

import pytest

from pipeline.arxiv.ids import ArxivId, parse_id
from pipeline.arxiv.listpage import PageEntry
from pipeline.errors import ArxivError, ArxivMalformed, ArxivRefused, ArxivUnreachable, UsageError
from pipeline.listing import metadata
from pipeline.listing.metadata import FEW, identify, one_paper
from pipeline.records import AnnounceType, Listing, Paper
from tests.stages.arxiv_answers import (
    DATE,
    LATE,
    NO_RECORD,
    FakeArxiv,
    answer,
    from_api,
    from_feed,
    latest,
    listed,
    malformed,
    oai,
    papers_of,
    refused,
    unreachable,
)

CATEGORIES = ("cs.SD", "eess.AS")
JAN_6 = "Tue, 06 Jan 2026 15:00:00 GMT"
JAN_8 = "Thu, 08 Jan 2026 15:00:00 GMT"
NEW, CROSS, REPLACE, _ = AnnounceType


def with_metadata(
    found: Listing,
    arxiv: FakeArxiv,
    known: Mapping[str, Paper] | None = None,
    warn: Callable[[str], object] = pytest.fail,
) -> Listing:
    def told(text: str) -> None:
        warn(text)

    return metadata.with_metadata(found, CATEGORIES, arxiv, known or {}, told)


# The API


def test_the_apis_fields_replace_the_feeds_in_the_feeds_order() -> None:
    def shuffled(ids: Sequence[str]) -> bytes:
        return answer([*reversed(ids), "2601.09999v1"])  # and one that nobody asked for

    found = listed(from_feed("2601.00001"), from_feed("math/0309136", 2), from_feed("2601.00003"))

    full = with_metadata(found, FakeArxiv(api=shuffled))

    assert papers_of(full) == [
        from_api("2601.00001"),
        from_api("math/0309136", 2),
        from_api("2601.00003"),
    ]
    assert [a.announce for a in full.announcements] == [NEW] * 3
    assert (full.date, full.field, full.source) == (found.date, found.field, found.source)


@pytest.mark.parametrize(
    ("papers", "batches"), [(0, []), (1, [1]), (100, [100]), (101, [100, 1]), (230, [100, 100, 30])]
)
def test_the_api_is_asked_in_batches_of_a_hundred(papers: int, batches: list[int]) -> None:
    arxiv = FakeArxiv()
    ids = [f"2601.{n:05d}" for n in range(1, papers + 1)]

    full = with_metadata(listed(*map(from_feed, ids)), arxiv)

    assert [len(batch) for batch in arxiv.asked] == batches
    assert [i for batch in arxiv.asked for i in batch] == [f"{i}v1" for i in ids]
    assert papers_of(full) == list(map(from_api, ids))


def test_what_an_answer_left_out_is_asked_for_once_more() -> None:
    answers = [answer([]), answer(["2601.00001v1", "2601.00002v1"])]  # an empty page, HTTP 200
    arxiv = FakeArxiv(api=lambda _: answers.pop(0))
    found = listed(from_feed("2601.00001"), from_feed("2601.00002"))
    assert papers_of(with_metadata(found, arxiv)) == [
        from_api("2601.00001"),
        from_api("2601.00002"),
    ]
    assert arxiv.asked == [["2601.00001v1", "2601.00002v1"]] * 2


def test_known_papers_are_not_asked_for_again() -> None:
    arxiv = FakeArxiv()
    known = {"2601.00001v1": from_api("2601.00001").model_copy(update={"title": "As stored"})}
    full = with_metadata(listed(from_feed("2601.00001"), from_feed("2601.00002")), arxiv, known)
    assert arxiv.asked == [["2601.00002v1"]]
    assert [p.title for p in papers_of(full)] == ["As stored", "API title of 2601.00002v1"]


def test_when_every_paper_is_known_nothing_is_asked() -> None:
    arxiv = FakeArxiv(api=unreachable)
    known = {"2601.00001v1": from_api("2601.00001")}
    assert papers_of(with_metadata(listed(from_feed("2601.00001")), arxiv, known)) == [
        from_api("2601.00001")
    ]
    assert arxiv.asked == []
    assert arxiv.fetched == []


def test_a_known_older_version_is_no_answer_for_a_newer_one() -> None:
    found = listed(from_feed("2601.00001", 2))
    full = with_metadata(found, FakeArxiv(), {"2601.00001v1": from_api("2601.00001", 1)})
    assert papers_of(full) == [from_api("2601.00001", 2)]


# OAI-PMH where the API fails, the feed's fields where both do


def from_oai(base: str, version: int = 1) -> Paper:
    return Paper(
        arxiv_id=base,
        version=version,
        title=f"OAI title of {base}",
        abstract="OAI abstract.",
        authors=("Ann Oäi", "Ben Oai"),
        comment="from OAI",
        categories=("cs.SD", "cs.LG"),
        submitted=dt.datetime(2026, 1, 6, 15, tzinfo=dt.UTC),
        metadata="oai",
    )


@pytest.mark.parametrize("api", [unreachable, malformed, refused, lambda _: answer([])])
def test_oai_fills_in_for_an_api_that_is_down(api: Callable[[Sequence[str]], bytes]) -> None:
    arxiv = FakeArxiv(api=api, records={"2601.00001": oai({"2601.00001": [JAN_6]})})
    warnings: list[str] = []
    full = with_metadata(listed(from_feed("2601.00001")), arxiv, warn=warnings.append)
    assert papers_of(full) == [from_oai("2601.00001")]
    assert all("from the API" in warning for warning in warnings)


def test_oais_text_of_a_later_version_is_no_answer() -> None:
    arxiv = FakeArxiv(api=unreachable, records={"2601.00001": oai({"2601.00001": [JAN_6, JAN_8]})})
    warnings: list[str] = []
    full = with_metadata(listed(from_feed("2601.00001")), arxiv, warn=warnings.append)
    assert papers_of(full) == [from_feed("2601.00001")]
    assert papers_of(full)[0].missing == ("comment",)
    assert warnings[-1].startswith("2601.00001v1: neither in the API nor in OAI-PMH")


def test_many_papers_are_had_from_whole_sets_page_after_page() -> None:
    ids = [f"2601.{n:05d}" for n in range(1, FEW + 3)]
    half = len(ids) // 2
    changes = [
        oai({i: [JAN_6] for i in ids[:half]}, token="more"),
        oai({i: [JAN_6] for i in ids[half:]}),
        NO_RECORD,
    ]
    arxiv = FakeArxiv(api=unreachable, changes=changes)
    full = with_metadata(listed(*map(from_feed, ids)), arxiv, warn=lambda _: None)
    assert papers_of(full) == list(map(from_oai, ids))
    assert arxiv.fetched == [
        "oai cs:cs:SD 2026-01-06 None",
        "oai cs:cs:SD 2026-01-06 more",
        "oai eess:eess:AS 2026-01-06 None",
    ]


def test_when_all_is_down_every_paper_keeps_the_feeds_fields() -> None:
    found = listed(*(from_feed(f"2601.{n:05d}") for n in range(1, 5)))
    arxiv = FakeArxiv(api=unreachable)
    warnings: list[str] = []
    assert with_metadata(found, arxiv, warn=warnings.append) == found
    assert arxiv.fetched == ["oai 2601.00001"]  # down is down: the others are not tried
    assert len(warnings) == 1 + 1 + 4


def test_one_batch_that_fails_does_not_cost_the_others() -> None:
    def second_fails(ids: Sequence[str]) -> bytes:
        return unreachable(ids) if "2601.00101v1" in ids else answer(ids)

    ids = [f"2601.{n:05d}" for n in range(1, 206)]
    full = with_metadata(
        listed(*map(from_feed, ids)), FakeArxiv(api=second_fails), warn=lambda _: None
    )
    assert [p.metadata for p in papers_of(full)] == ["api"] * 100 + ["feed"] * 100 + ["api"] * 5
    assert [p.arxiv_id for p in papers_of(full)] == ids


def test_another_version_than_the_announced_one_is_no_answer() -> None:
    def newer(ids: Sequence[str]) -> bytes:
        return answer([i.replace("v1", "v2") for i in ids])

    found = listed(from_feed("2601.00001"))
    full = with_metadata(found, FakeArxiv(api=newer), warn=lambda _: None)
    assert papers_of(full) == [from_feed("2601.00001")]


# Versions of papers that only a page has


def entry(base: str, announce: AnnounceType, version: int | None = None) -> PageEntry:
    return PageEntry(
        arxiv_id=base,
        version=version,
        announce=announce,
        title="Page title",
        authors=("Ann Page",),
        comment="from the page",
        abstract="Page abstract.",
        categories=("cs.SD",),
    )


def identified(arxiv: FakeArxiv, *entries: PageEntry) -> dict[str, Paper]:
    return identify(entries, CATEGORIES, DATE, arxiv, lambda _: None)


def test_a_new_paper_is_version_1_whatever_came_later() -> None:
    arxiv = FakeArxiv(api=latest(3))
    papers = identified(arxiv, entry("2601.00001", NEW))
    assert papers == {"2601.00001": from_api("2601.00001")}


def test_a_replacement_is_the_last_version_before_the_cut_off() -> None:
    updated = {"2601.00001v4": LATE, "2601.00001v3": LATE}

    def api(ids: Sequence[str]) -> bytes:
        named = [f"{parse_id(i).base}v{parse_id(i).version or 4}" for i in ids]
        return answer(named, updated)

    arxiv = FakeArxiv(api=api)
    papers = identified(arxiv, entry("2601.00001", REPLACE), entry("2601.00002", CROSS))
    assert papers["2601.00001"] == from_api("2601.00001", 2)
    assert papers["2601.00002"] == from_api("2601.00002", 4)
    assert arxiv.asked == [["2601.00001", "2601.00002"], ["2601.00001v3"], ["2601.00001v2"]]


def test_a_version_that_the_page_names_is_believed() -> None:
    arxiv = FakeArxiv()
    papers = identified(arxiv, entry("2601.00001", REPLACE, 2))
    assert papers["2601.00001"].version == 2


def test_oai_tells_the_version_where_the_api_is_down() -> None:
    records = {
        "2601.00001": oai({"2601.00001": [JAN_6, JAN_6]}),
        "2601.00002": oai({"2601.00002": [JAN_6, JAN_8]}),
    }
    arxiv = FakeArxiv(api=unreachable, records=records)
    papers = identified(arxiv, entry("2601.00001", REPLACE), entry("2601.00002", REPLACE))
    assert papers["2601.00001"] == from_oai("2601.00001", 2)
    assert (papers["2601.00002"].version, papers["2601.00002"].metadata) == (0, "page")


def test_with_all_down_papers_have_the_pages_fields_and_only_a_new_one_its_version() -> None:
    arxiv = FakeArxiv(api=unreachable)
    papers = identified(arxiv, entry("2601.00001", NEW), entry("2601.00002", CROSS))
    assert {paper.metadata for paper in papers.values()} == {"page"}
    assert {paper.comment for paper in papers.values()} == {"from the page"}
    assert papers["2601.00001"].versioned == "2601.00001v1"
    assert papers["2601.00002"].versioned == "2601.00002"


# One paper


@pytest.mark.parametrize(
    ("asked", "version"), [(ArxivId("2601.00001", None), 3), (ArxivId("2601.00001", 2), 2)]
)
def test_one_paper_in_the_named_version_or_the_latest(asked: ArxivId, version: int) -> None:
    arxiv = FakeArxiv(api=latest(3))
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
