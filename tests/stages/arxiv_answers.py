"""arXiv's answers in a test's own words, and an edge that gives them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from xml.sax.saxutils import escape

from pipeline.arxiv.ids import parse_id
from pipeline.errors import ArxivRefused, ArxivUnreachable
from pipeline.records import Announcement, AnnounceType, Listing, Paper

DATE = dt.date(2026, 1, 7)
EARLY = "2026-01-06T15:00:00Z"
"""Before the cut-off of DATE's listing; LATE is after it."""
LATE = "2026-01-08T15:00:00Z"

_ITEM = """
<item><title>Feed title of {id}</title><link>https://arxiv.org/abs/{id}</link>
<description>arXiv:{id} Announce Type: {announce}
Abstract: Feed abstract of {id}.</description>
<guid isPermaLink="false">oai:arXiv.org:{id}</guid><category>cs.SD</category>
<arxiv:announce_type>{announce}</arxiv:announce_type><dc:creator>Ann Feed, Ben Feed</dc:creator>
</item>"""
_FEED = """<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"
 version="2.0"><channel><title>cs.SD, eess.AS updates on arXiv.org</title>
<pubDate>Wed, 07 Jan 2026 00:00:00 -0500</pubDate>{items}</channel></rss>"""
_ENTRY = """
<entry><id>http://arxiv.org/abs/{id}</id><title>API title of {id}</title>
<updated>{updated}</updated>
<summary>API abstract of {id}.</summary><author><name>Ann Api</name></author>
<arxiv:comment>12 pages</arxiv:comment><arxiv:primary_category term="eess.AS"/>
<category term="cs.SD"/><category term="eess.AS"/></entry>"""
_API = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom">
<title>arXiv Query</title>{entries}</feed>"""
_ERROR = """<entry><id>https://arxiv.org/api/errors#incorrect_id</id><title>Error</title>
<summary>incorrect id format for {id}</summary></entry>"""
_OAI = """<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>{records}{token}
</ListRecords></OAI-PMH>"""
_RECORD = """<record><header><identifier>oai:arXiv.org:{base}</identifier></header><metadata>
<arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>{base}</id>{versions}
<title>OAI title of {base}</title><authors>Ann O\\"ai, Ben Oai</authors>
<categories>cs.SD cs.LG</categories><comments>from OAI</comments>
<abstract>OAI abstract.</abstract></arXivRaw></metadata></record>"""
_VERSION = """<version version="v{number}"><date>{date}</date><size>9kb</size></version>"""
_NO_RECORD = """<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">
<error code="idDoesNotExist">Nothing found</error></OAI-PMH>"""


def feed(*items: tuple[str, str]) -> bytes:
    """Today's feed of (versioned id, announce type)."""
    written = "".join(_ITEM.format(id=escape(i), announce=announce) for i, announce in items)
    return _FEED.format(items=written).encode()


def answer(ids: Sequence[str], updated: Mapping[str, str] | None = None) -> bytes:
    """The API's answer; `updated` by versioned id, EARLY where it says nothing."""
    late = updated or {}
    entries = (_ENTRY.format(id=i, updated=late.get(i, EARLY)) for i in ids)
    return _API.format(entries="".join(entries)).encode()


def oai(histories: Mapping[str, Sequence[str]], token: str = "") -> bytes:
    """Records by base id, with the RFC 2822 date of each version."""
    records = "".join(
        _RECORD.format(
            base=base,
            versions="".join(
                _VERSION.format(number=n, date=date) for n, date in enumerate(dates, start=1)
            ),
        )
        for base, dates in histories.items()
    )
    mark = f"<resumptionToken>{token}</resumptionToken>" if token else ""
    return _OAI.format(records=records, token=mark).encode()


NO_RECORD = _NO_RECORD.encode()


def unreachable(_: Sequence[str]) -> bytes:
    raise ArxivUnreachable("no answer in time", where="https://api.example.org")


def malformed(_: Sequence[str]) -> bytes:
    return b"<html>Rate exceeded.</html>"


def refused(ids: Sequence[str]) -> bytes:
    return _API.format(entries=_ERROR.format(id=ids[0])).encode()


def page(
    date: dt.date,
    new: Sequence[str] = (),
    cross: Sequence[str] = (),
    replaced: Sequence[str] = (),
    *,
    total: int | None = None,
    counts: Sequence[int] | None = None,
    subjects: str = "Sound (cs.SD)",
    dated: bool = False,
) -> bytes:
    """A list page of ids, or with `dated` a catch-up page; it may claim other counts."""
    sections = [("New", new), ("Cross", cross), ("Replacement", replaced)]
    claimed = counts or [len(ids) for _, ids in sections]
    count = sum(claimed) if total is None else total
    head = (
        f"<h1>Catchup results for Sound on {date:%a, %d %b %Y}</h1>"
        if dated
        else f"<h3>Showing new listings for {date:%A}, {date.day} {date:%B %Y}</h3>"
    )
    body = "".join(
        f"<dl id='articles'><h3>{word} submissions (showing {len(ids)} of {said} entries)</h3>"
        + "".join(_page_entry(i, subjects) for i in ids)
        + "</dl>"
        for (word, ids), said in zip(sections, claimed, strict=True)
        if ids
    )
    nothing = f"<p>No updates for {date:%a, %d %b %Y}</p>" if dated else "<p>No updates today.</p>"
    text = f"<div id='dlpage'>{head}Total of {count} entries {body or nothing}</div>"
    return f"<html><title>Sound</title><body>{text}</body></html>".encode()


def _page_entry(arxiv_id: str, subjects: str) -> str:
    return (
        f"<dt><a href='/abs/{arxiv_id}' title='Abstract'>arXiv:{arxiv_id}</a></dt><dd>"
        f"<div class='list-title'><span class='descriptor'>Title:</span> Page title of {arxiv_id}"
        "</div><div class='list-authors'><a>Ann Page</a></div>"
        f"<div class='list-subjects'><span class='descriptor'>Subjects:</span> {subjects}</div>"
        "<p class='mathjax'>Page abstract.</p></dd>"
    )


class FakeArxiv:
    """Answers by plain functions; what was asked for is in the lists.

    `pages` and `catchups` are by category; a catch-up of several pages is a list.
    """

    feed_host = "rss.example.org"

    def __init__(
        self,
        *feeds: bytes,
        api: Callable[[Sequence[str]], bytes] = answer,
        pages: Mapping[str, bytes] | None = None,
        catchups: Mapping[str, Sequence[bytes]] | None = None,
        records: Mapping[str, bytes] | None = None,
        changes: Sequence[bytes] = (),
    ) -> None:
        self.asked: list[list[str]] = []
        self.fetched: list[str] = []
        self.revalidated: list[bool] = []
        self.categories: Sequence[str] = ()
        self._feeds = list(feeds)
        self._api = api
        self._pages = pages or {}
        self._catchups = catchups or {}
        self._records = records or {}
        self._changes = list(changes)

    def feed(self, categories: Sequence[str], *, revalidate: bool = False) -> tuple[bytes, str]:
        self.categories = categories
        self.revalidated.append(revalidate)
        body = self._feeds.pop(0) if len(self._feeds) > 1 else self._feeds[0]
        return body, "https://rss.example.org/rss/"

    def metadata(self, ids: Sequence[str]) -> tuple[bytes, str]:
        self.asked.append(list(ids))
        return self._api(ids), "https://api.example.org/query"

    def list_page(self, category: str) -> tuple[bytes, str]:
        self.fetched.append(f"list {category}")
        where = f"https://example.org/list/{category}"
        return self._found(self._pages.get(category), where), where

    def catchup(self, category: str, date: dt.date, page: int = 1) -> tuple[bytes, str]:
        self.fetched.append(f"catchup {category} {date} {page}")
        where = f"https://example.org/catchup/{category}/{page}"
        some = self._catchups.get(category, ())
        return self._found(some[page - 1] if page <= len(some) else None, where), where

    def oai_record(self, arxiv_id: str) -> tuple[bytes, str]:
        self.fetched.append(f"oai {arxiv_id}")
        where = "https://oai.example.org"
        return self._found(self._records.get(arxiv_id), where), where

    def oai_changes(
        self, set_spec: str, since: dt.date, token: str | None = None
    ) -> tuple[bytes, str]:
        self.fetched.append(f"oai {set_spec} {since} {token}")
        where = "https://oai.example.org"
        return self._found(self._changes.pop(0) if self._changes else None, where), where

    def _found(self, body: bytes | None, where: str) -> bytes:
        if body is None:
            raise ArxivUnreachable("arXiv answers HTTP 503", where=where)
        if body == b"refused":
            raise ArxivRefused("arXiv answers HTTP 400", where=where, said="the past 90 days")
        return body


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
        submitted=dt.datetime(2026, 1, 6, 15, tzinfo=dt.UTC),
    )


def listed(*papers: Paper, announce: AnnounceType = AnnounceType.NEW) -> Listing:
    return Listing(
        date=DATE,
        field="audio",
        source="rss.example.org",
        announcements=tuple(Announcement(announce=announce, paper=paper) for paper in papers),
    )


def papers_of(found: Listing) -> list[Paper]:
    return [item.paper for item in found.announcements]


def latest(version: int) -> Callable[[Sequence[str]], bytes]:
    """An API that gives this version where none is asked for."""
    return lambda ids: answer([f"{parse_id(i).base}v{parse_id(i).version or version}" for i in ids])
