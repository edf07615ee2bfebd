"""What arXiv's answers may have at the most, in size, depth and length of a field.

Honest answers stay far below: a feed of 2,000 papers, the most that there is, has six megabytes, a
page is nested twenty deep, an abstract has 1,920 characters, and the longest author list some
60,000. What is beyond would take minutes and gigabytes to read, and is no answer of arXiv's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.errors import ArxivMalformed, one_line

FEED_BYTES = 12_000_000
"""Of what is read as a feed, the API's answers among them."""
PAGE_BYTES = 24_000_000
DEEPEST = 400
"""Elements inside of each other: an HTML parser's time grows with the square of it."""
TITLE, ABSTRACT, COMMENT = 2_000, 20_000, 5_000
"""Characters."""
AUTHORS, NAME, NAMES = 400_000, 300, 10_000
"""Characters of all of them in one string, of one of them, and how many."""

_TAG = re.compile(rb"<(/?)([A-Za-z][A-Za-z0-9-]*)")
_UNNESTED = frozenset(
    b"area base br col embed hr img input link meta source track wbr"
    b" p li dt dd option tr td th thead tbody tfoot".split()
)
"""HTML's elements that have no end, or end by themselves where the next one begins."""


def field(text: object, most: int) -> str:
    """One line of at most so many characters."""
    return one_line(str(text)[:most])


def authors(names: Sequence[str]) -> tuple[str, ...]:
    """Each in bounds."""
    return tuple(filter(None, (field(name, NAME) for name in names[:NAMES])))


def within(content: bytes, most: int, where: str) -> None:
    """Raises ArxivMalformed for an answer that is larger than any of arXiv's."""
    if len(content) > most:
        raise _beyond(f"{len(content):,} bytes, where {most:,} are the most", where)


def shallow(content: bytes, where: str) -> None:
    """Raises ArxivMalformed for a page that is nested deeper than any of arXiv's."""
    depth = 0
    for closing, name in _TAG.findall(content):
        if name.lower() in _UNNESTED:
            continue
        depth += -1 if closing and depth else not closing
        if depth > DEEPEST:
            raise _beyond(f"elements nested more than {DEEPEST} deep", where)


def _beyond(what: str, where: str) -> ArxivMalformed:
    return ArxivMalformed(
        f"the answer has {what}",
        where=where,
        fix="Try again in a few minutes; nothing was changed",
    )
