"""Atom and JSON feeds of one field: an entry for each paper with a line, newest day first.

An entry's id is made of the field, the paper and its version, so a line that is written anew
updates its entry. https://www.rfc-editor.org/rfc/rfc4287, https://www.jsonfeed.org/version/1.1/
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import NamedTuple

from pipeline import __version__
from pipeline.digest.entries import published_tags
from pipeline.records import Day, Paper, Summary
from pipeline.site.pages import Site
from pipeline.text.html import plain

_ATOM = "http://www.w3.org/2005/Atom"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "tag:jianjie,2026:")


class Item(NamedTuple):
    """A paper with its line."""

    id: str
    title: str
    authors: tuple[str, ...]
    """Title and authors without TeX."""
    paper: Paper
    summary: Summary
    tags: tuple[str, ...]
    announced: dt.datetime

    @property
    def url(self) -> str:
        """The paper's page at arXiv."""
        return f"https://arxiv.org/abs/{self.paper.versioned}"

    @property
    def updated(self) -> dt.datetime:
        """When its line was made."""
        return self.summary.provenance.created


def items_of(site: Site, days: Sequence[Day]) -> list[Item]:
    """Each version once, on the newest day that has it."""
    items: dict[str, Item] = {}
    for day in days:
        midnight = dt.datetime.combine(day.date, dt.time(), dt.UTC)
        for done in day.done:
            paper = done.announcement.paper
            if paper.versioned not in items:
                items[paper.versioned] = Item(
                    id=_id(f"{day.field}/{paper.versioned}"),
                    title=plain(paper.title),
                    authors=tuple(plain(author) for author in paper.authors),
                    paper=paper,
                    summary=done.summary,
                    tags=published_tags(paper, done.summary, site.config.tags),
                    announced=midnight,
                )
    return list(items.values())


def atom(site: Site, days: Sequence[Day], items: Sequence[Item]) -> bytes:
    """RFC 4287; with the site's address in the settings it names its own."""
    field = days[0].field
    feed = ET.Element(f"{{{_ATOM}}}feed", {"xml:lang": "zh-Hans"})
    _add(feed, "id", _id(field))
    _add(feed, "title", f"简介：{days[0].name}")
    _add(feed, "updated", _time(_updated(items, days)))
    _add(feed, "generator", "jianjie", version=__version__)
    if site.config.site.url:
        _add(feed, "link", rel="self", href=f"{site.config.site.base}{field}.atom")
        _add(feed, "link", rel="alternate", href=site.config.site.base)
    for item in items:
        entry = ET.SubElement(feed, f"{{{_ATOM}}}entry")
        _add(entry, "id", item.id)
        _add(entry, "title", item.title)
        _add(entry, "link", rel="alternate", href=item.url)
        _add(entry, "published", _time(item.announced))
        _add(entry, "updated", _time(item.updated))
        for author in item.authors or ("arXiv",):
            _add(ET.SubElement(entry, f"{{{_ATOM}}}author"), "name", author)
        for tag in item.tags:
            _add(entry, "category", term=tag)
        _add(entry, "summary", item.summary.line)
    ET.register_namespace("", _ATOM)
    ET.indent(feed, " ")
    text = ET.tostring(feed, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def json_feed(site: Site, days: Sequence[Day], items: Sequence[Item]) -> bytes:
    """JSON Feed 1.1."""
    field = days[0].field
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": f"简介：{days[0].name}",
        "language": "zh-Hans",
        "items": [
            {
                "id": item.id,
                "url": item.url,
                "title": item.title,
                "content_text": item.summary.line,
                "date_published": _time(item.announced),
                "date_modified": _time(item.updated),
                "authors": [{"name": author} for author in item.authors],
                "tags": list(item.tags),
                "language": "zh-Hans",
            }
            for item in items
        ],
    }
    if site.config.site.url:
        base = site.config.site.base
        document |= {"home_page_url": base, "feed_url": f"{base}{field}.json"}
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _updated(items: Sequence[Item], days: Sequence[Day]) -> dt.datetime:
    """The newest line's time; of a feed without one the day's."""
    midnight = dt.datetime.combine(days[0].date, dt.time(), dt.UTC)
    return max((item.updated for item in items), default=midnight)


def _id(name: str) -> str:
    return uuid.uuid5(_NAMESPACE, name).urn


def _time(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _add(parent: ET.Element, name: str, text: str = "", /, **attributes: str) -> None:
    element = ET.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    element.text = text or None
