"""ArXiv's metadata API: bytes in, papers out. Nothing here fetches.

Facts of the API: an unknown id is silently absent, the order is not that of the request, and
one malformed id fails the whole list with a single entry titled "Error".
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from pipeline.arxiv import bounds
from pipeline.arxiv.feed import parse_xml
from pipeline.arxiv.ids import parse_id
from pipeline.categories import is_arxiv_category
from pipeline.errors import ArxivMalformed, ArxivRefused, UsageError, one_line
from pipeline.records import Paper

IDS_A_REQUEST = 100
"""More make the request line long and one bad answer expensive."""


def parse_papers(content: bytes, *, where: str) -> dict[str, Paper]:
    """The papers of one answer by base id.

    Raises ArxivMalformed when it is not Atom, ArxivRefused when arXiv rejects the id list.
    """
    parsed = parse_xml(content, where=where)
    papers: dict[str, Paper] = {}
    for entry in parsed.entries:
        if "/api/errors" in entry.get("id", ""):
            raise ArxivRefused(
                "arXiv rejects the request",
                where=where,
                fix="Check the ids",
                said=entry.get("summary", ""),
            )
        paper = _paper(entry, where=where)
        papers[paper.arxiv_id] = paper
    return papers


def _paper(entry: Any, *, where: str) -> Paper:
    try:
        base, version = parse_id(one_line(entry.get("id", "")))
    except UsageError as error:
        raise ArxivMalformed("an entry without an arXiv id", where=where, said=error) from error
    if version is None:
        raise ArxivMalformed(f"an entry without a version: {base}", where=where)
    comment = bounds.field(entry.get("arxiv_comment") or "", bounds.COMMENT)
    return Paper(
        arxiv_id=base,
        version=version,
        title=bounds.field(entry.get("title", ""), bounds.TITLE),
        abstract=bounds.field(entry.get("summary", ""), bounds.ABSTRACT),
        authors=bounds.authors([author.get("name", "") for author in entry.get("authors", [])]),
        comment=comment or None,
        categories=_categories(entry),
        submitted=_submitted(entry),
        metadata="api",
    )


def _submitted(entry: Any) -> dt.datetime | None:
    """`updated`, which is when this version was submitted (`published` is the first one's)."""
    try:
        # feedparser's get() would give `published` where there is no `updated`, and a warning.
        stamp = dt.datetime.fromisoformat(entry["updated"] if "updated" in entry else "")  # noqa: SIM401
        # Without a zone it is UTC; astimezone() alone would take it for this machine's.
        return stamp.replace(tzinfo=stamp.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (ValueError, OverflowError):  # the ends of time among them
        return None


def _categories(entry: Any) -> tuple[str, ...]:
    """Primary first; ACM and MSC classes, which older answers list too, left out."""
    primary = (entry.get("arxiv_primary_category") or {}).get("term")
    terms = [tag.term for tag in entry.get("tags", [])]
    ordered = dict.fromkeys([primary, *terms] if primary else terms)
    return tuple(term for term in ordered if term == primary or is_arxiv_category(term))
