"""ArXiv's daily feed (RSS or Atom): bytes in, records out. Nothing here fetches.

The feed names ids, announce types and, in the guid alone, versions; it has no comments, and its
authors are one string of raw TeX.
"""

from __future__ import annotations

import datetime as dt
import re
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from xml.etree.ElementTree import Element

from pipeline.arxiv import bounds
from pipeline.arxiv.calendar import EASTERN
from pipeline.arxiv.ids import parse_id
from pipeline.arxiv.names import split_authors
from pipeline.arxiv.xml import ARXIV, ATOM, CREATOR, malformed, read_xml, text_in
from pipeline.errors import ArxivMalformed, ArxivRefused, JianjieError, one_line
from pipeline.records import Announcement, AnnounceType, Paper, Record

_FEED = "a feed"
_ABSTRACT = re.compile(r"\bAbstract:\s*(.*)", re.DOTALL)


class _Form(NamedTuple):
    """What a feed's parts are called."""

    feed: str
    item: str
    date: str
    about: str
    title: str
    id: str
    summary: str
    category: str


_RSS = _Form(
    feed="channel",
    item="item",
    date="pubDate",
    about="description",
    title="title",
    id="guid",
    summary="description",
    category="category",
)
_ATOM = _Form(
    feed=f"{ATOM}feed",
    item=f"{ATOM}entry",
    date=f"{ATOM}updated",
    about=f"{ATOM}subtitle",
    title=f"{ATOM}title",
    id=f"{ATOM}id",
    summary=f"{ATOM}summary",
    category=f"{ATOM}category",
)


class Feed(Record):
    """One day's feed. `date` is the listing's date in New York.

    The server stamps the date by its own clock: it does not prove that the feed is fresh.
    """

    date: dt.date
    announcements: tuple[Announcement, ...]
    untyped: tuple[str, ...] = ()
    """Base ids with an announce type that we do not know; the one they have here is a guess."""


def parse_feed(content: bytes, *, where: str) -> Feed:
    """The feed in `content`; `where` is its address, for messages.

    Raises ArxivMalformed when it is not a feed, ArxivRefused when it is arXiv's error feed.
    """
    root = read_xml(content, bounds.FEED_BYTES, _FEED, where)
    form = _ATOM if root.tag == _ATOM.feed else _RSS
    feed = root if form is _ATOM else root.find(_RSS.feed) if root.tag == "rss" else None
    if feed is None:
        raise malformed(_FEED, where, f"no RSS or Atom in it, its root is {root.tag[:80]}")
    title = one_line(text_in(feed, form.title))
    if title.startswith("Feed error"):
        raise ArxivRefused(
            "arXiv cannot serve this feed",
            where=where,
            fix="Check the field's categories in config.yaml",
            said=one_line(text_in(feed, form.about)) or title,
        )
    items = [_item(entry, form, where=where) for entry in feed.findall(form.item)]
    typed = _once_each([item for item, has_type in items if has_type])
    ids = {item.paper.arxiv_id for item in typed}
    others = [item for item, has_type in items if not has_type and item.paper.arxiv_id not in ids]
    return Feed(
        date=_date(text_in(feed, form.date).strip(), where=where),
        announcements=(*typed, *_once_each(others)),
        untyped=tuple(dict.fromkeys(item.paper.arxiv_id for item in others)),
    )


def _date(text: str, *, where: str) -> dt.date:
    """As RSS writes it, or as Atom does."""
    try:
        iso = text[:4].isdecimal()
        stamp = dt.datetime.fromisoformat(text) if iso else parsedate_to_datetime(text)
        return stamp.astimezone(EASTERN).date()
    except (TypeError, ValueError, OverflowError) as error:
        raise ArxivMalformed(
            "the feed does not say its date", where=where, fix="Try again later"
        ) from error


def _item(entry: Element, form: _Form, *, where: str) -> tuple[Announcement, bool]:
    """The item, and whether its announce type is one that we know.

    ArXiv's schema has more actions than its feed has names for: those come as `no_match`
    (arxiv-feed, feed/database.py).
    """
    guid = one_line(text_in(entry, form.id))
    try:
        base, version = parse_id(guid)
    except JianjieError as error:
        # An item that cannot be named cannot be owed either: better no night than a lost paper.
        raise ArxivMalformed(
            "an item cannot be read", where=where, said=f"{guid}: {error}", fix="Try again later"
        ) from error
    if version is None:
        raise ArxivMalformed(
            "an item without a version", where=where, said=guid, fix="Try again later"
        )
    summary = text_in(entry, form.summary)
    abstract = _ABSTRACT.search(summary)
    categories = (one.get("term") or one.text or "" for one in entry.findall(form.category))
    paper = Paper(
        arxiv_id=base,
        version=version,
        title=bounds.field(text_in(entry, form.title), bounds.TITLE),
        abstract=bounds.field(abstract[1] if abstract else summary, bounds.ABSTRACT),
        authors=bounds.authors(split_authors(text_in(entry, CREATOR)[: bounds.AUTHORS])),
        categories=tuple(filter(None, map(str.strip, categories))),
        metadata="feed",
    )
    word = one_line(text_in(entry, f"{ARXIV}announce_type"))
    typed = word in list(AnnounceType)
    guess = AnnounceType.NEW if version == 1 else AnnounceType.REPLACE
    return Announcement(announce=AnnounceType(word) if typed else guess, paper=paper), typed


def _once_each(announcements: list[Announcement]) -> tuple[Announcement, ...]:
    """One entry a paper: new > cross > replace > replace-cross, in arXiv's order."""
    kept: dict[str, Announcement] = {}
    for item in announcements:
        other = kept.get(item.paper.arxiv_id)
        if other is None or item.announce.rank < other.announce.rank:
            kept[item.paper.arxiv_id] = item
    chosen = {id(item) for item in kept.values()}
    return tuple(item for item in announcements if id(item) in chosen)
