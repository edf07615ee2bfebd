"""Atom and JSON feeds of one field: an entry for each paper with a line, newest day first.

A field has a feed of all its papers, one for each tag, and one of what its interests ask for. An
entry's id is made of the field, the paper and its version, so a line that is written anew updates
its entry; its time is the listing's day and, within it, the digest's order.
https://www.rfc-editor.org/rfc/rfc4287, https://www.jsonfeed.org/version/1.1/
"""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from pipeline import __version__
from pipeline.digest.entries import published_tags
from pipeline.library.taste import Scored
from pipeline.records import Day, Done, Paper, Summary
from pipeline.settings import InterestSettings, Terms
from pipeline.site.pages import Site
from pipeline.text.html import plain, shown
from pipeline.text.interests import Relevance, score

_ATOM = "http://www.w3.org/2005/Atom"
_TAG = re.compile(r"[a-z-]+(?:\.[A-Za-z-]+)?")
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
    """The day, and seconds that fall along the digest's order: readers put the newest first."""
    scored: Scored | None
    """By the reader's library, where the site may show that."""
    page: str | None
    """Its page on this site, where the settings say where that is."""

    @property
    def arxiv(self) -> str:
        """The paper's page there."""
        return f"https://arxiv.org/abs/{self.paper.versioned}"

    @property
    def url(self) -> str:
        """Where its link leads."""
        return self.page or self.arxiv

    @property
    def html(self) -> str:
        """The line, tags, authors and abstract, with the way to arXiv."""
        authors, tags = escape("; ".join(self.authors)), escape("; ".join(self.tags))
        return (
            f"<p>{escape(shown(self.summary.line))}</p><p>{tags}{self._score}</p>"
            f'<p lang="en">{authors}</p><p lang="en">{escape(plain(self.paper.abstract))}</p>'
            f'<p><a href="{self.arxiv}">arXiv {self.paper.versioned}</a></p>'
        )

    @property
    def _score(self) -> str:
        if self.scored is None:
            return ""
        words = f"：{'、'.join(self.scored.words)}" if self.scored.words else ""
        return escape(f" · 评分 {self.scored.score:.1f}{words}")

    @property
    def updated(self) -> dt.datetime:
        """When its line was made."""
        return self.summary.provenance.created


class Feed(NamedTuple):
    """One feed of a field."""

    name: str
    """Of its file, without the suffix."""
    title: str
    updated: dt.datetime
    items: Sequence[Item]


def feeds_of(site: Site, days: Sequence[Day]) -> Iterator[Feed]:
    """The field's own first; the others only where they have anything. `days`: newest first."""
    field, name = days[0].field, days[0].name
    items = items_of(site, days)
    midnight = dt.datetime.combine(days[0].date, dt.time(), dt.UTC)

    def feed(name: str, title: str, items: Sequence[Item]) -> Feed:
        newest = max((item.updated for item in items), default=midnight)
        return Feed(name, f"简介：{title}", newest, items)

    yield feed(field, name, items)
    interests = site.config.interests_of(field)
    met = {item.id: _met(item, interests) for item in items}
    heard = [item for item in items if not met[item.id].muted]
    if interests.more != Terms():
        mine = [item for item in heard if met[item.id].value > 0]
        yield feed(f"feed/{field}-interests", f"{name}（兴趣）", mine)
    if site.shown_scores:
        least = site.config.library.least
        good = [item for item in heard if item.scored and item.scored.score >= least]
        yield feed(f"feed/{field}-library", f"{name}（文库）", good)
    tagged: dict[str, list[Item]] = {}
    for item in items:
        for tag in item.tags:
            if _TAG.fullmatch(tag):  # it becomes the name of a file
                tagged.setdefault(tag, []).append(item)
    for tag in sorted(tagged):
        yield feed(f"feed/{field}-{tag}", f"{name} {tag}", tagged[tag])


def _met(item: Item, interests: InterestSettings) -> Relevance:
    return score(item.paper, item.summary.line, item.tags, interests)


def items_of(site: Site, days: Sequence[Day]) -> list[Item]:
    """Each version once, on the newest day that has it."""
    items: dict[str, Item] = {}
    base = site.config.site.base if site.config.site.url else ""
    for day in days:
        midnight = dt.datetime.combine(day.date, dt.time(), dt.UTC)
        ordered = site.ordered(day.date, day.field)
        for place, done in enumerate(one for one in ordered if isinstance(one, Done)):
            paper = done.announcement.paper
            if paper.versioned not in items:
                items[paper.versioned] = Item(
                    id=_id(f"{day.field}/{paper.versioned}"),
                    title=plain(paper.title),
                    authors=tuple(filter(None, map(plain, paper.authors))),
                    paper=paper,
                    summary=done.summary,
                    tags=published_tags(paper, done.summary, site.config.tags),
                    announced=midnight + dt.timedelta(seconds=len(day.outcomes) - place),
                    scored=site.shown_scores.get(paper.arxiv_id),
                    page=f"{base}{site.paper_file(paper.arxiv_id)}" if base else None,
                )
    return list(items.values())


def atom(site: Site, made: Feed) -> bytes:
    """RFC 4287; with the site's address in the settings it names its own."""
    feed = ET.Element(f"{{{_ATOM}}}feed", {"xml:lang": "zh-Hans"})
    _add(feed, "id", _id(made.name))
    _add(feed, "title", made.title)
    _add(feed, "updated", _time(made.updated))
    _add(feed, "generator", "jianjie", version=__version__)
    if site.config.site.url:
        _add(feed, "link", rel="self", href=f"{site.config.site.base}{made.name}.atom")
        _add(feed, "link", rel="alternate", href=site.config.site.base)
    for item in made.items:
        entry = ET.SubElement(feed, f"{{{_ATOM}}}entry")
        _add(entry, "id", item.id)
        _add(entry, "title", item.title)
        _add(entry, "link", rel="alternate", href=item.url)
        if item.page:
            _add(entry, "link", rel="related", href=item.arxiv)
        _add(entry, "published", _time(item.announced))
        _add(entry, "updated", _time(item.updated))
        for author in item.authors or ("arXiv",):
            _add(ET.SubElement(entry, f"{{{_ATOM}}}author"), "name", author)
        for tag in item.tags:
            _add(entry, "category", term=tag)
        _add(entry, "summary", item.summary.line)
        _add(entry, "content", item.html, type="html")
    ET.register_namespace("", _ATOM)
    ET.indent(feed, " ")
    text = ET.tostring(feed, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def json_feed(site: Site, made: Feed) -> bytes:
    """JSON Feed 1.1."""
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": made.title,
        "language": "zh-Hans",
        "items": [
            {
                "id": item.id,
                "url": item.url,
                "external_url": item.arxiv,
                "title": item.title,
                "summary": item.summary.line,
                "content_html": item.html,
                "date_published": _time(item.announced),
                "date_modified": _time(item.updated),
                "authors": [{"name": author} for author in item.authors],
                "tags": list(item.tags),
                "language": "zh-Hans",
            }
            for item in made.items
        ],
    }
    if site.config.site.url:
        base = site.config.site.base
        document |= {"home_page_url": base, "feed_url": f"{base}{made.name}.json"}
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _id(name: str) -> str:
    return uuid.uuid5(_NAMESPACE, name).urn


def _time(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _add(parent: ET.Element, name: str, text: str = "", /, **attributes: str) -> None:
    element = ET.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    element.text = text or None
