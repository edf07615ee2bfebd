"""The daily feed in the form of rss.arxiv.org: RSS and Atom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from email.utils import format_datetime
from typing import Literal
from xml.etree.ElementTree import Element, SubElement

from pipeline.arxiv.calendar import EASTERN
from pipeline.demo.payloads.tex import creator
from pipeline.demo.payloads.xml import ATOM_NAMESPACE, SCHEMA, document, leaf
from pipeline.records import Announcement

Form = Literal["rss", "atom"]
LICENCE = "http://arxiv.org/licenses/nonexclusive-distrib/1.0/"
"""The records hold no licence; most papers have this one."""
_NAMESPACES = {"xmlns:arxiv": SCHEMA, "xmlns:dc": "http://purl.org/dc/elements/1.1/"}


def feed(
    form: Form, date: dt.date, categories: Sequence[str], items: Sequence[Announcement]
) -> bytes:
    """The daily feed; without `items` it is the form of weekends and holidays."""
    names = ", ".join(categories)
    title = f"{names} updates on arXiv.org"
    about = f"{names} updates on the arXiv.org e-print archive."
    if form == "atom":
        root = _atom(date, categories, title=title, about=about)
        for item in items:
            _entry(root, item, date)
        return document(root)
    channel = _channel(date, categories, title=title, about=about)
    skipped = SubElement(channel, "skipDays")
    for day in ("Saturday", "Sunday"):
        leaf(skipped, "day", day)
    for item in items:
        _item(channel, item, date)
    return _rss(channel)


def feed_error(form: Form, date: dt.date, names: Sequence[str], reason: str) -> bytes:
    """The feed that comes with HTTP 400; `names` as it was sent."""
    title = f"Feed error for query: {_address(form, names)}"
    if form == "atom":
        return document(_atom(date, names, title=title, about=reason))
    return _rss(_channel(date, names, title=title, about=reason))


def _address(form: Form, categories: Sequence[str]) -> str:
    return f"http://rss.arxiv.org/{form}/{'+'.join(categories)}"


def _built(date: dt.date) -> dt.datetime:
    """Feeds are made just after midnight in New York, and then stay as they are."""
    return dt.datetime.combine(date, dt.time(0, 0, 2), EASTERN).astimezone(dt.UTC)


def _midnight(date: dt.date) -> dt.datetime:
    return dt.datetime.combine(date, dt.time(), EASTERN)


def _description(item: Announcement) -> str:
    head = f"arXiv:{item.paper.versioned} Announce Type: {item.announce.value} "
    return f"{head}\nAbstract: {item.paper.abstract}"


def _rss(channel: Element) -> bytes:
    more = {
        "xmlns:atom": ATOM_NAMESPACE,
        "xmlns:content": "http://purl.org/rss/1.0/modules/content/",
        "version": "2.0",
    }
    root = Element("rss", {**_NAMESPACES, **more})
    root.append(channel)
    return document(root)


def _channel(date: dt.date, categories: Sequence[str], *, title: str, about: str) -> Element:
    address = _address("rss", categories)
    channel = Element("channel")
    leaf(channel, "title", title)
    leaf(channel, "link", address)
    leaf(channel, "description", about)
    SubElement(
        channel, "atom:link", {"href": address, "rel": "self", "type": "application/rss+xml"}
    )
    leaf(channel, "docs", "http://www.rssboard.org/rss-specification")
    leaf(channel, "language", "en-us")
    leaf(channel, "lastBuildDate", format_datetime(_built(date)))
    leaf(channel, "managingEditor", "rss-help@arxiv.org")
    leaf(channel, "pubDate", format_datetime(_midnight(date)))
    return channel


def _item(channel: Element, announcement: Announcement, date: dt.date) -> None:
    paper = announcement.paper
    item = SubElement(channel, "item")
    leaf(item, "title", paper.title)
    leaf(item, "link", f"https://arxiv.org/abs/{paper.arxiv_id}")
    leaf(item, "description", _description(announcement))
    leaf(item, "guid", f"oai:arXiv.org:{paper.versioned}").set("isPermaLink", "false")
    for category in paper.categories:
        leaf(item, "category", category)
    leaf(item, "pubDate", format_datetime(_midnight(date)))
    _common(item, announcement)


def _common(item: Element, announcement: Announcement) -> None:
    """What both forms write in the same way."""
    leaf(item, "arxiv:announce_type", announcement.announce.value)
    leaf(item, "dc:rights", LICENCE)
    leaf(item, "dc:creator", creator(announcement.paper.authors))


def _atom(date: dt.date, categories: Sequence[str], *, title: str, about: str) -> Element:
    address = _address("atom", categories)
    root = Element("feed", {**_NAMESPACES, "xmlns": ATOM_NAMESPACE, "xml:lang": "en-us"})
    leaf(root, "id", address)
    leaf(root, "title", title)
    leaf(root, "updated", _built(date).isoformat())
    SubElement(root, "link", {"href": address, "rel": "self", "type": "application/atom+xml"})
    leaf(root, "subtitle", about)
    return root


def _entry(root: Element, announcement: Announcement, date: dt.date) -> None:
    paper = announcement.paper
    entry = SubElement(root, "entry")
    leaf(entry, "id", f"oai:arXiv.org:{paper.versioned}")
    leaf(entry, "title", paper.title)
    leaf(entry, "updated", _built(date).isoformat())
    page = {"href": f"https://arxiv.org/abs/{paper.arxiv_id}", "rel": "alternate"}
    SubElement(entry, "link", {**page, "type": "text/html"})
    leaf(entry, "summary", _description(announcement))
    for category in paper.categories:
        SubElement(entry, "category", {"term": category})
    leaf(entry, "published", _midnight(date).isoformat())
    _common(entry, announcement)
