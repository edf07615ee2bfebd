"""ArXiv's list page and catch-up page: bytes in, records out. Nothing here fetches.

Everything is checked and nothing guessed: a page that is not read for certain is an error, as
these pages are what the feed is held against. The forms are those of arXiv's public templates
(github.com/arXiv/arxiv-browse browse/templates: list/new.html, list/list_macros.html and
catchup.html).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from pipeline.arxiv import bounds
from pipeline.arxiv.ids import ArxivId, parse_id
from pipeline.errors import ArxivMalformed, ArxivRefused, UsageError, one_line
from pipeline.records import AnnounceType, Record

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HEADING = re.compile(
    r"(?:Showing new listings for|Catchup results for .* on) "
    r"(?:[A-Z][a-z]+, )?(?P<day>\d{1,2}) (?P<month>[A-Z][a-z]+) (?P<year>\d{4})"
)
_TOTAL = re.compile(r"Total of ([\d,]{1,12}) entries")
_NO_UPDATES = re.compile(r"No (?:further )?updates (?:today|for)")
_SECTION = re.compile(r"(New|Cross|Replacement) submissions\b(?:.*\bof ([\d,]{1,12}) entries ?\))?")
_ANNOUNCE = {
    "New": AnnounceType.NEW,
    "Cross": AnnounceType.CROSS,
    "Replacement": AnnounceType.REPLACE,
}
_CATEGORY = re.compile(r"\(([a-z-]+(?:\.[A-Za-z-]+)?)\)$")
_NO_NAME = re.compile(r"et al\b.*|this https? URL", re.IGNORECASE)


class PageEntry(Record):
    """A paper on a page. `announce` is NEW, CROSS or REPLACE: replace-cross is not told apart.

    The texts are as the page shows them, its web addresses as "this https URL": a paper is
    published from them only where no other source answers.
    """

    arxiv_id: str
    version: int | None
    """Nearly always None: the pages name no versions."""
    announce: AnnounceType
    title: str
    authors: tuple[str, ...]
    """Empty where the page has no author list; a very long one is cut short by the page."""
    comment: str | None
    abstract: str
    """Empty on a catch-up page that was asked for without abstracts."""
    categories: tuple[str, ...]
    """Primary category first."""


class ListPage(Record):
    """A category's announcement. Whether the counts hold is for the caller to judge."""

    date: dt.date
    """The listing's date (New York)."""
    total: int
    """Entries of the whole listing, as the page says; 0 where it says that there is nothing."""
    counts: dict[AnnounceType, int]
    """Entries of each whole section, as the page says; a section left out is not in it."""
    entries: tuple[PageEntry, ...]


def parse_list_page(content: bytes, *, where: str) -> ListPage:
    """The list page or the catch-up page in `content`; `where` is its address, for messages.

    Raises ArxivRefused when arXiv asks for a human in its place, ArxivMalformed when it is no
    such page, is cut off, or has an entry without an id.
    """
    page = _html(content, where)
    sections = page.css("dl#articles")
    counts: dict[AnnounceType, int] = {}
    entries: list[PageEntry] = []
    for section in sections:
        announce, count = _section_head(section, where)
        if announce in counts:
            raise _malformed(f"two sections of {announce.value} submissions", where)
        counts[announce] = count
        entries += _entries(section, announce, where)
    total = _total(page, bool(sections), where)
    return ListPage(date=_date(page, where), total=total, counts=counts, entries=tuple(entries))


def _html(content: bytes, where: str) -> LexborHTMLParser:
    bounds.within(content, bounds.PAGE_BYTES, where)
    bounds.shallow(content, where)
    try:
        source = content.decode()
    except UnicodeDecodeError as error:
        raise _malformed("the page is not UTF-8", where) from error
    page = LexborHTMLParser(source)
    title = page.css_first("title")
    if title is not None and "recaptcha" in title.text().lower():
        raise ArxivRefused(
            "arXiv asks for a human (reCAPTCHA)",
            where=where,
            fix="Open the address in a browser, or try again tomorrow",
        )
    if "</html>" not in source.lower():
        raise _malformed("the page has no end", where)
    for line_break in page.css("br"):
        line_break.replace_with(" ")
    return page


def _date(page: LexborHTMLParser, where: str) -> dt.date:
    dates = {match.groups(): match for match in _headings(page)}
    if len(dates) != 1:
        raise _malformed("the page does not say which day it lists", where)
    (match,) = dates.values()
    try:
        month = _MONTHS.index(match["month"][:3]) + 1
        return dt.date(int(match["year"]), month, int(match["day"]))
    except ValueError as error:
        raise _malformed("the page's date cannot be read", where, match[0]) from error


def _headings(page: LexborHTMLParser) -> Iterator[re.Match[str]]:
    for node in page.css("h1, h2, h3"):
        if match := _HEADING.fullmatch(_text(node)):
            yield match


def _total(page: LexborHTMLParser, has_sections: bool, where: str) -> int:
    # Without the sections: an abstract may speak of a "Total of 7 entries" too.
    for section in page.css("dl"):
        section.decompose()
    text = _text(page.body)
    totals = {_number(number) for number in _TOTAL.findall(text)}
    nothing = _NO_UPDATES.search(text) is not None
    if not totals and nothing and not has_sections:
        return 0
    if len(totals) != 1:
        raise _malformed("the page does not say how many entries it lists", where)
    (total,) = totals
    if total and not has_sections and not nothing:
        raise _malformed(f"the page says {total} entries and shows no section", where)
    return total


def _section_head(section: LexborNode, where: str) -> tuple[AnnounceType, int]:
    heading = _text(section.css_first("h3"))
    match = _SECTION.fullmatch(heading)
    empty = section.css_first("dt") is None
    if match is None or (match[2] is None and not empty):
        raise _malformed("unknown section", where, heading)
    return _ANNOUNCE[match[1]], _number(match[2] or "0")


def _entries(section: LexborNode, announce: AnnounceType, where: str) -> Iterator[PageEntry]:
    nodes = [node for node in section.iter() if node.tag in {"dt", "dd"}]
    heads, bodies = nodes[::2], nodes[1::2]
    paired = all(n.tag == "dt" for n in heads) and all(n.tag == "dd" for n in bodies)
    if not paired or len(heads) != len(bodies):
        raise _malformed(f"an entry among the {announce.value} submissions is not whole", where)
    for head, body in zip(heads, bodies, strict=True):
        yield _entry(_id(head, where), body, announce, where)


def _id(head: LexborNode, where: str) -> ArxivId:
    link = head.css_first("a[title=Abstract]")
    address = (link.attributes.get("href") or "") if link is not None else ""
    try:
        return parse_id(address.rpartition("/abs/")[2])
    except UsageError as error:
        raise _malformed("an entry without an arXiv id", where, _text(head)) from error


def _entry(arxiv_id: ArxivId, body: LexborNode, announce: AnnounceType, where: str) -> PageEntry:
    for descriptor in body.css(".descriptor"):
        descriptor.decompose()
    title = _text(body.css_first(".list-title"))[: bounds.TITLE]
    categories = _categories(_text(body.css_first(".list-subjects")))
    if not title or not categories:
        raise _malformed(f"{arxiv_id} without a title or without categories", where)
    return PageEntry(
        arxiv_id=arxiv_id.base,
        version=arxiv_id.version,
        announce=announce,
        title=title,
        authors=_authors(body),
        comment=_text(body.css_first(".list-comments"))[: bounds.COMMENT] or None,
        abstract=_text(body.css_first("p.mathjax"))[: bounds.ABSTRACT],
        categories=categories,
    )


def _authors(body: LexborNode) -> tuple[str, ...]:
    """The links' texts, but for "et al. (12 additional authors not shown)" and addresses."""
    names = (_text(link) for link in body.css(".list-authors a"))
    return tuple(name for name in names if name and not _NO_NAME.fullmatch(name))


def _categories(subjects: str) -> tuple[str, ...]:
    """Of "Sound (cs.SD); Audio and Speech Processing (eess.AS)" what the brackets hold."""
    matches = (_CATEGORY.search(part.strip()) for part in subjects.split(";"))
    return tuple(dict.fromkeys(match[1] for match in matches if match))


def _text(node: LexborNode | None) -> str:
    return one_line(node.text()) if node is not None else ""


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def _malformed(what: str, where: str, said: str = "") -> ArxivMalformed:
    return ArxivMalformed(
        what, where=where, fix="Try again in a few minutes; nothing was changed", said=said
    )
