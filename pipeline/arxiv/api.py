"""ArXiv's metadata API: bytes in, papers out. Nothing here fetches.

Facts of the API: an unknown id is silently absent, the order is not that of the request, and
one malformed id fails the whole list with a single entry titled "Error".
"""

from __future__ import annotations

import datetime as dt
from xml.etree.ElementTree import Element

from pipeline.arxiv import bounds
from pipeline.arxiv.ids import parse_id
from pipeline.arxiv.xml import ARXIV, ATOM, malformed, read_xml, text_in
from pipeline.categories import is_arxiv_category
from pipeline.errors import ArxivMalformed, ArxivRefused, UsageError, one_line
from pipeline.records import Paper

_ANSWER = "the API's Atom"
IDS_A_REQUEST = 100
"""More make the request line long and one bad answer expensive."""


def parse_papers(content: bytes, *, where: str) -> dict[str, Paper]:
    """The papers of one answer by base id.

    Raises ArxivMalformed when it is not Atom, ArxivRefused when arXiv rejects the id list.
    """
    root = read_xml(content, bounds.FEED_BYTES, _ANSWER, where)
    if root.tag != f"{ATOM}feed":
        raise malformed(_ANSWER, where, f"its root is {root.tag[:80]}")
    papers: dict[str, Paper] = {}
    for entry in root.findall(f"{ATOM}entry"):
        address = one_line(text_in(entry, f"{ATOM}id"))
        if "/api/errors" in address:
            raise ArxivRefused(
                "arXiv rejects the request",
                where=where,
                fix="Check the ids",
                said=one_line(text_in(entry, f"{ATOM}summary")),
            )
        paper = _paper(entry, address, where=where)
        papers[paper.arxiv_id] = paper
    return papers


def _paper(entry: Element, address: str, *, where: str) -> Paper:
    try:
        base, version = parse_id(address)
    except UsageError as error:
        raise ArxivMalformed("an entry without an arXiv id", where=where, said=error) from error
    if version is None:
        raise ArxivMalformed(f"an entry without a version: {base}", where=where)
    comment = bounds.field(text_in(entry, f"{ARXIV}comment"), bounds.COMMENT)
    names = [text_in(author, f"{ATOM}name") for author in entry.findall(f"{ATOM}author")]
    return Paper(
        arxiv_id=base,
        version=version,
        title=bounds.field(text_in(entry, f"{ATOM}title"), bounds.TITLE),
        abstract=bounds.field(text_in(entry, f"{ATOM}summary"), bounds.ABSTRACT),
        authors=bounds.authors(names),
        comment=comment or None,
        categories=_categories(entry),
        submitted=_submitted(text_in(entry, f"{ATOM}updated").strip()),
        metadata="api",
    )


def _submitted(text: str) -> dt.datetime | None:
    """`updated`, which is when this version was submitted (`published` is the first one's)."""
    try:
        stamp = dt.datetime.fromisoformat(text)
        # Without a zone it is UTC; astimezone() alone would take it for this machine's.
        return stamp.replace(tzinfo=stamp.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (ValueError, OverflowError):  # the ends of time among them
        return None


def _categories(entry: Element) -> tuple[str, ...]:
    """Primary first; ACM and MSC classes, which older answers list too, left out."""
    first = entry.find(f"{ARXIV}primary_category")
    primary = None if first is None else first.get("term")
    terms = [one.get("term") or "" for one in entry.findall(f"{ATOM}category")]
    ordered = dict.fromkeys([primary, *terms] if primary else terms)
    return tuple(term for term in ordered if term == primary or is_arxiv_category(term))
