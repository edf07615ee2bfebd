"""Answers that no arXiv gives: each ends in an error of ours, soon, and in little memory."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.arxiv import bounds
from pipeline.arxiv.api import parse_papers
from pipeline.arxiv.feed import parse_feed
from pipeline.arxiv.ids import parse_id
from pipeline.arxiv.listpage import parse_list_page
from pipeline.arxiv.oai import parse_oai
from pipeline.errors import ArxivError, JianjieError, UsageError
from tests.stages.arxiv_answers import DATE, answer, feed, oai, page

Parse = Callable[..., object]
BIG = "9" * 5000
PAPER = "2601.00001"
FEED = feed((f"{PAPER}v1", "new"))
API = answer([f"{PAPER}v1"])
OAI = oai({PAPER: ["Tue, 06 Jan 2026 15:00:00 GMT"]})
PAGE = page(DATE, [PAPER])
MOST_S = 10.0
"""On a busy machine; an answer without bounds takes minutes, or never ends."""


def attempt(parse: Parse, content: bytes) -> object:
    """What it comes to, which is an answer or an error of our tree, and how it is told."""
    begun = time.monotonic()
    try:
        return parse(content, where="https://example.org")
    except ArxivError as error:
        assert len(str(error)) < 2000
        return error
    finally:
        assert time.monotonic() - begun < MOST_S


NUMBERS = [
    (parse_feed, FEED.replace(b"v1", b"v" + BIG.encode())),
    (parse_feed, FEED.replace(b"v1", b"v99999999999999999999")),
    (
        parse_feed,
        FEED.replace(b"Wed, 07 Jan 2026", b"Fri, 31 Dec 9999").replace(b"-0500", b"+2359"),
    ),
    (
        parse_feed,
        FEED.replace(b"Wed, 07 Jan 2026", b"Mon, 01 Jan 0001").replace(b"-0500", b"+2359"),
    ),
    (parse_papers, API.replace(b"v1", b"v" + BIG.encode())),
    (parse_papers, API.replace(b"2026-01-06T15", b"9999-12-31T23").replace(b"Z<", b"-23:59<")),
    (parse_papers, API.replace(b"2026-01-06T15", b"0001-01-01T00").replace(b"Z<", b"+23:59<")),
    (parse_oai, OAI.replace(b'"v1"', b'"v' + BIG.encode() + b'"')),
    (parse_oai, OAI.replace(b"06 Jan 2026", b"31 Dec 9999").replace(b"GMT", b"-2359")),
    (parse_oai, OAI.replace(b"06 Jan 2026", b"01 Jan 0001").replace(b"GMT", b"+2359")),
    (
        parse_list_page,
        PAGE.replace(b"Total of 1 entries", b"Total of " + BIG.encode() + b" entries"),
    ),
    (parse_list_page, PAGE.replace(b"of 1 entries", b"of " + BIG.encode() + b" entries")),
    (parse_list_page, PAGE.replace(b"2026", BIG.encode())),
    (parse_list_page, PAGE.replace(b"7 January", BIG.encode() + b" January")),
]


@pytest.mark.parametrize(("parse", "content"), NUMBERS)
def test_numbers_without_end_and_dates_at_the_ends_of_time(parse: Parse, content: bytes) -> None:
    attempt(parse, content)


SIZES = [
    (parse_list_page, PAGE.replace(b"<body>", b"<body>" + b"<div>" * 100_000)),
    (parse_list_page, PAGE.replace(b"<body>", b"<body>" + b"<b>" * 100_000)),
    (parse_list_page, PAGE.replace(b"<body>", b"<body>" + b"<dl><dd>" * 100_000)),
    (parse_feed, FEED.replace(b"<channel>", b"<channel>" + b"<a>" * 100_000)),
    (parse_feed, FEED.replace(b"</channel>", b" " * 30_000_000 + b"</channel>")),
    (parse_papers, API.replace(b"</feed>", b"<x/>" * 8_000_000 + b"</feed>")),
    (parse_oai, OAI.replace(b"</ListRecords>", b"<record/>" * 3_000_000 + b"</ListRecords>")),
    (parse_oai, OAI.replace(b"</ListRecords>", b"<a>" * 100_000 + b"</ListRecords>")),
]


@pytest.mark.parametrize(("parse", "content"), SIZES)
def test_size_and_depth_that_no_arxiv_has(parse: Parse, content: bytes) -> None:
    assert isinstance(attempt(parse, content), ArxivError)


def test_fields_without_end_are_cut() -> None:
    long = feed((f"{PAPER}v1", "new"))
    for part in (b"Feed title of", b"Feed abstract of", b"Ann Feed"):
        long = long.replace(part, part + b" word" * 100_000)
    (item,) = parse_feed(long, where="x").announcements
    assert len(item.paper.title) <= bounds.TITLE
    assert len(item.paper.abstract) <= bounds.ABSTRACT
    assert all(len(name) <= bounds.NAME for name in item.paper.authors)


def test_honest_answers_are_within() -> None:
    ids = [f"2601.{n:05d}" for n in range(1, 2001)]
    assert len(parse_feed(feed(*((f"{i}v1", "new") for i in ids)), where="x").announcements) == 2000
    assert len(parse_list_page(page(DATE, ids), where="x").entries) == 2000


@given(st.text("0123456789v.", max_size=60))
@settings(deadline=dt.timedelta(seconds=2))
def test_no_id_has_a_version_that_cannot_be_stored(text: str) -> None:
    try:
        found = parse_id(text)
    except UsageError:
        return
    assert found.version is None or found.version < 2**31


_NAMES = st.sampled_from(["rss", "channel", "item", "title", "guid", "dl", "dt", "dd", "div", "a"])
_PIECES = st.one_of(
    st.builds("<{}>".format, _NAMES),
    st.builds("</{}>".format, _NAMES),
    st.sampled_from(
        ["&", "&amp;", "<![CDATA[", "]]>", "<!DOCTYPE x [", "<!--", "-->", "9" * 40, "x"]
    ),
)


@given(
    st.sampled_from([parse_feed, parse_papers, parse_oai, parse_list_page]),
    st.lists(st.tuples(_PIECES, st.integers(1, 300)), max_size=12),
    st.integers(0, 400),
)
@settings(deadline=dt.timedelta(seconds=5), max_examples=150)
def test_no_mixture_of_markup_ends_otherwise(
    parse: Parse, pieces: list[tuple[str, int]], at: int
) -> None:
    whole = {parse_feed: FEED, parse_papers: API, parse_oai: OAI, parse_list_page: PAGE}[parse]
    inside = "".join(piece * times for piece, times in pieces).encode()
    with suppress(JianjieError):
        parse(whole[:at] + inside + whole[at:], where="x")
