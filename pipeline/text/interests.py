"""What the reader wants first, and what last: keywords, authors and tags, for site and messages.

The digest itself keeps arXiv's order. The site's JavaScript has the same rules as `fold` and
`matches`; who changes one changes the other.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from pipeline.records import Paper, Record
from pipeline.settings import InterestSettings, Terms

T = TypeVar("T")
_WORD = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")


class Relevance(Record):
    """The entries that a paper matches, as they stand in the settings."""

    more: Terms = Terms()
    less: Terms = Terms()

    @property
    def value(self) -> int:
        """Matches to highlight minus matches to push down."""
        return _count(self.more) - _count(self.less)


def fold(text: str) -> str:
    """NFKC and in lower case, each run of white space one space, none at the ends."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def matches(needle: str, text: str) -> bool:
    """Whether the needle stands in the text, both folded; an empty one never does.

    A hit that begins with [a-z0-9] must not follow [a-z0-9], one that ends with it must not be
    followed by it: ASR is not in laser, 语音 is in 语音识别.
    """
    return _stands_in(fold(needle), fold(text))


def score(
    paper: Paper, line: str | None, tags: Sequence[str], interests: InterestSettings
) -> Relevance:
    """How a paper with its 简介 line and its published tags meets the interests.

    Keywords are looked for in title, line, abstract and comment, authors in each name; a tag is
    one of the published tags or it is not.
    """
    texts = [fold(text) for text in (paper.title, line, paper.abstract, paper.comment) if text]
    names = [fold(name) for name in paper.authors]

    def met(terms: Terms) -> Terms:
        return Terms(
            keywords=_found(terms.keywords, texts),
            authors=_found(terms.authors, names),
            tags=tuple(tag for tag in terms.tags if tag in tags),
        )

    return Relevance(more=met(interests.more), less=met(interests.less))


def ranked(items: Iterable[T], scored: Callable[[T], Relevance]) -> list[T]:
    """The highest value first; items of one value keep their order."""
    return sorted(items, key=lambda item: -scored(item).value)


def _found(needles: Sequence[str], folded: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        needle for needle in needles if any(_stands_in(fold(needle), text) for text in folded)
    )


def _stands_in(needle: str, text: str) -> bool:
    at = text.find(needle) if needle else -1
    while at >= 0:
        end = at + len(needle)
        cut_before = at > 0 and needle[0] in _WORD and text[at - 1] in _WORD
        cut_after = end < len(text) and needle[-1] in _WORD and text[end] in _WORD
        if not (cut_before or cut_after):
            return True
        at = text.find(needle, at + 1)
    return False


def _count(terms: Terms) -> int:
    return len(terms.keywords) + len(terms.authors) + len(terms.tags)
