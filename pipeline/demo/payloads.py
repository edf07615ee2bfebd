"""A listing rendered as arXiv's payloads: the RSS feed and the metadata API's Atom.

The form is that of rss.arxiv.org and export.arxiv.org. What the records do not hold is left out
(licences, journal references) or composed and said so here (dates of versions).
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import unicodedata
from collections.abc import Sequence
from email.utils import format_datetime
from xml.etree.ElementTree import Element, SubElement, indent, tostring
from zoneinfo import ZoneInfo

from pipeline.records import Announcement, Paper

EASTERN = ZoneInfo("America/New_York")
SCHEMA = "http://arxiv.org/schemas/atom"

_TEX_ACCENTS = {
    "\N{COMBINING DIAERESIS}": r"\"",
    "\N{COMBINING ACUTE ACCENT}": r"\'",
    "\N{COMBINING GRAVE ACCENT}": r"\`",
    "\N{COMBINING CIRCUMFLEX ACCENT}": r"\^",
    "\N{COMBINING TILDE}": r"\~",
}


def rss_feed(date: dt.date, categories: Sequence[str], items: Sequence[Announcement]) -> bytes:
    """The daily feed; without `items` it is the form of weekends and holidays."""
    channel = _channel(
        date,
        categories,
        title=f"{', '.join(categories)} updates on arXiv.org",
        description=f"{', '.join(categories)} updates on the arXiv.org e-print archive.",
    )
    skipped = SubElement(channel, "skipDays")
    for day in ("Saturday", "Sunday"):
        _leaf(skipped, "day", day)
    for item in items:
        _item(channel, item, _feed_stamp(date))
    return _rss(channel)


def rss_error(date: dt.date, categories: Sequence[str], reason: str) -> bytes:
    """The feed that comes with HTTP 400."""
    title = f"Feed error for query: {_feed_address(categories)}"
    return _rss(_channel(date, categories, title=title, description=reason))


def _rss(channel: Element) -> bytes:
    # Prefixes are written out: ElementTree's own namespace table is global to the process.
    root = Element(
        "rss",
        {
            "xmlns:arxiv": SCHEMA,
            "xmlns:dc": "http://purl.org/dc/elements/1.1/",
            "xmlns:atom": "http://www.w3.org/2005/Atom",
            "xmlns:content": "http://purl.org/rss/1.0/modules/content/",
            "version": "2.0",
        },
    )
    root.append(channel)
    return _document(root)


def _channel(date: dt.date, categories: Sequence[str], *, title: str, description: str) -> Element:
    address = _feed_address(categories)
    built = dt.datetime.combine(date, dt.time(0, 0, 2), EASTERN).astimezone(dt.UTC)
    channel = Element("channel")
    _leaf(channel, "title", title)
    _leaf(channel, "link", address)
    _leaf(channel, "description", description)
    SubElement(
        channel, "atom:link", {"href": address, "rel": "self", "type": "application/rss+xml"}
    )
    _leaf(channel, "docs", "http://www.rssboard.org/rss-specification")
    _leaf(channel, "language", "en-us")
    _leaf(channel, "lastBuildDate", format_datetime(built))
    _leaf(channel, "managingEditor", "rss-help@arxiv.org")
    _leaf(channel, "pubDate", _feed_stamp(date))
    return channel


def _item(channel: Element, announcement: Announcement, stamp: str) -> None:
    paper = announcement.paper
    head = f"arXiv:{paper.versioned} Announce Type: {announcement.announce.value} "
    item = SubElement(channel, "item")
    _leaf(item, "title", paper.title)
    _leaf(item, "link", f"https://arxiv.org/abs/{paper.arxiv_id}")
    _leaf(item, "description", f"{head}\nAbstract: {paper.abstract}")
    _leaf(item, "guid", f"oai:arXiv.org:{paper.versioned}").set("isPermaLink", "false")
    for category in paper.categories:
        _leaf(item, "category", category)
    _leaf(item, "pubDate", stamp)
    _leaf(item, "arxiv:announce_type", announcement.announce.value)
    _leaf(item, "dc:creator", ", ".join(map(tex_accents, paper.authors)))


def tex_accents(name: str) -> str:
    r"""A name as the feed has it, with its accents in raw TeX: `Bj\"orn`. The API has Unicode."""
    spelled = []
    for char in name:
        apart = unicodedata.normalize("NFD", char)
        base, accent = apart[:1], _TEX_ACCENTS.get(apart[1:])
        spelled.append(accent + base if accent else char)
    return "".join(spelled)


def _feed_address(categories: Sequence[str]) -> str:
    return f"http://rss.arxiv.org/rss/{'+'.join(categories)}"


def _feed_stamp(date: dt.date) -> str:
    return format_datetime(dt.datetime.combine(date, dt.time(), EASTERN))


def api_feed(
    date: dt.date, id_list: str, papers: Sequence[Paper], *, total: int, start: int, limit: int
) -> bytes:
    """One page of the metadata API: `papers` are that page's, `total` counts all that were found.

    `date` is the listing's; the dates of versions are composed from it.
    """
    query = f"search_query=&id_list={id_list}&start={start}&max_results={limit}"
    digest = hashlib.sha1(query.encode(), usedforsecurity=False).digest()
    identity = f"https://arxiv.org/api/{base64.b64encode(digest).decode().rstrip('=')}"
    feed = _atom(identity, f"arXiv Query: {query}", date)
    address = f"https://arxiv.org/api/query?{query}"
    SubElement(feed, "link", {"href": address, "type": "application/atom+xml"})
    _opensearch(feed, per_page=limit, total=total, start=start)
    for paper in papers:
        _entry(feed, paper, date)
    return _document(feed)


def api_error(date: dt.date, reason: str) -> bytes:
    """The single entry titled `Error` that comes with HTTP 400."""
    address = f"https://arxiv.org/api/errors#{reason.replace(' ', '_')}"
    feed = _atom("https://arxiv.org/", "arXiv Search Results", date)
    _opensearch(feed, per_page=1, total=1, start=0)
    entry = SubElement(feed, "entry")
    _leaf(entry, "id", address)
    _leaf(entry, "title", "Error")
    _leaf(entry, "updated", _api_stamp(date))
    SubElement(entry, "link", {"href": address, "rel": "alternate", "type": "text/html"})
    _leaf(entry, "summary", reason)
    _leaf(SubElement(entry, "author"), "name", "arXiv api core")
    return _document(feed)


def _atom(identity: str, title: str, date: dt.date) -> Element:
    feed = Element(
        "feed",
        {
            "xmlns:opensearch": "http://a9.com/-/spec/opensearch/1.1/",
            "xmlns:arxiv": SCHEMA,
            "xmlns": "http://www.w3.org/2005/Atom",
        },
    )
    _leaf(feed, "id", identity)
    _leaf(feed, "title", title)
    _leaf(feed, "updated", _api_stamp(date))
    return feed


def _opensearch(feed: Element, *, per_page: int, total: int, start: int) -> None:
    _leaf(feed, "opensearch:itemsPerPage", str(per_page))
    _leaf(feed, "opensearch:totalResults", str(total))
    _leaf(feed, "opensearch:startIndex", str(start))


def _entry(feed: Element, paper: Paper, date: dt.date) -> None:
    published, updated = composed_dates(paper, date)
    page = {"href": f"https://arxiv.org/abs/{paper.versioned}", "rel": "alternate"}
    file = {"href": f"https://arxiv.org/pdf/{paper.versioned}", "rel": "related"}
    entry = SubElement(feed, "entry")
    _leaf(entry, "id", f"http://arxiv.org/abs/{paper.versioned}")
    _leaf(entry, "title", paper.title)
    _leaf(entry, "updated", _api_stamp(updated))
    SubElement(entry, "link", {**page, "type": "text/html"})
    SubElement(entry, "link", {**file, "type": "application/pdf", "title": "pdf"})
    _leaf(entry, "summary", paper.abstract)
    for category in paper.categories:
        SubElement(entry, "category", {"term": category, "scheme": SCHEMA})
    _leaf(entry, "published", _api_stamp(published))
    if paper.comment is not None:
        _leaf(entry, "arxiv:comment", paper.comment)
    SubElement(entry, "arxiv:primary_category", {"term": paper.categories[0]})
    for author in paper.authors:
        _leaf(SubElement(entry, "author"), "name", author)


def composed_dates(paper: Paper, date: dt.date) -> tuple[dt.date, dt.date]:
    """`published` and `updated`, which the records do not hold.

    This version came in on the eve of its listing, and so did a first version; an older first
    version came in on the 1st of the month that its id names.
    """
    eve = date - dt.timedelta(days=1)
    if paper.version == 1:
        return eve, eve
    digits = paper.arxiv_id.rpartition("/")[2]
    first = dt.datetime.strptime(digits[:4], "%y%m").date()
    return min(first, eve), eve


def _api_stamp(date: dt.date) -> str:
    return f"{date.isoformat()}T05:00:00Z"


def _leaf(parent: Element, tag: str, text: str) -> Element:
    child = SubElement(parent, tag)
    child.text = text
    return child


def _document(root: Element) -> bytes:
    indent(root)
    document: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return document
