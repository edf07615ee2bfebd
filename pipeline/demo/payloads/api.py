"""The metadata API's Atom, in the form of export.arxiv.org."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement

from pipeline.demo.payloads.xml import ATOM_NAMESPACE, SCHEMA, document, leaf
from pipeline.records import Paper


class DatedPaper(NamedTuple):
    """A version with its dates, which the records may not hold; UTC."""

    paper: Paper
    published: dt.datetime
    """When the first version came in."""
    updated: dt.datetime
    """When this one did."""


def api_feed(
    date: dt.date, id_list: str, papers: Sequence[DatedPaper], *, total: int, start: int, limit: int
) -> bytes:
    """One page of answers: `papers` are that page's, `total` counts all; `date` is today's."""
    query = f"search_query=&id_list={id_list}&start={start}&max_results={limit}"
    digest = hashlib.sha1(query.encode(), usedforsecurity=False).digest()
    identity = f"https://arxiv.org/api/{base64.b64encode(digest).decode().rstrip('=')}"
    feed = _atom(identity, f"arXiv Query: {query}", date)
    address = f"https://arxiv.org/api/query?{query}"
    SubElement(feed, "link", {"href": address, "type": "application/atom+xml"})
    _opensearch(feed, per_page=limit, total=total, start=start)
    for one in papers:
        _entry(feed, one)
    return document(feed)


def api_error(date: dt.date, reason: str) -> bytes:
    """The single entry titled `Error` that comes with HTTP 400."""
    address = f"https://arxiv.org/api/errors#{reason.replace(' ', '_')}"
    feed = _atom("https://arxiv.org/", "arXiv Search Results", date)
    _opensearch(feed, per_page=1, total=1, start=0)
    entry = SubElement(feed, "entry")
    leaf(entry, "id", address)
    leaf(entry, "title", "Error")
    leaf(entry, "updated", _made(date))
    SubElement(entry, "link", {"href": address, "rel": "alternate", "type": "text/html"})
    leaf(entry, "summary", reason)
    leaf(SubElement(entry, "author"), "name", "arXiv api core")
    return document(feed)


def _atom(identity: str, title: str, date: dt.date) -> Element:
    namespaces = {
        "xmlns:opensearch": "http://a9.com/-/spec/opensearch/1.1/",
        "xmlns:arxiv": SCHEMA,
        "xmlns": ATOM_NAMESPACE,
    }
    feed = Element("feed", namespaces)
    leaf(feed, "id", identity)
    leaf(feed, "title", title)
    leaf(feed, "updated", _made(date))
    return feed


def _opensearch(feed: Element, *, per_page: int, total: int, start: int) -> None:
    leaf(feed, "opensearch:itemsPerPage", str(per_page))
    leaf(feed, "opensearch:totalResults", str(total))
    leaf(feed, "opensearch:startIndex", str(start))


def _entry(feed: Element, dated: DatedPaper) -> None:
    paper = dated.paper
    page = {"href": f"https://arxiv.org/abs/{paper.versioned}", "rel": "alternate"}
    file = {"href": f"https://arxiv.org/pdf/{paper.versioned}", "rel": "related"}
    entry = SubElement(feed, "entry")
    leaf(entry, "id", f"http://arxiv.org/abs/{paper.versioned}")
    leaf(entry, "title", paper.title)
    leaf(entry, "updated", _stamp(dated.updated))
    SubElement(entry, "link", {**page, "type": "text/html"})
    SubElement(entry, "link", {**file, "type": "application/pdf", "title": "pdf"})
    leaf(entry, "summary", paper.abstract)
    for category in paper.categories:
        SubElement(entry, "category", {"term": category, "scheme": SCHEMA})
    leaf(entry, "published", _stamp(dated.published))
    if paper.comment is not None:
        leaf(entry, "arxiv:comment", paper.comment)
    SubElement(entry, "arxiv:primary_category", {"term": paper.categories[0]})
    for author in paper.authors:
        leaf(SubElement(entry, "author"), "name", author)


def _stamp(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _made(date: dt.date) -> str:
    """The API's index is new once a day."""
    return f"{date.isoformat()}T05:00:00Z"
