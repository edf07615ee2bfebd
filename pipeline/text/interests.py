"""What the reader wants first, last, and not at all: keywords, authors and tags.

The digest itself keeps arXiv's order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from pipeline.records import Paper, Record
from pipeline.settings import InterestSettings, Terms
from pipeline.text.matching import Word, stands_in, words

T = TypeVar("T")


class Relevance(Record):
    """The entries that a paper matches, as they stand in the settings."""

    more: Terms = Terms()
    less: Terms = Terms()
    mute: Terms = Terms()

    @property
    def muted(self) -> bool:
        """Whether the reader does not want to see it."""
        return _count(self.mute) > 0

    @property
    def value(self) -> int:
        """Matches to highlight minus matches to push down."""
        return _count(self.more) - _count(self.less)


def score(
    paper: Paper, line: str | None, tags: Sequence[str], interests: InterestSettings
) -> Relevance:
    """How a paper with its 简介 line and its published tags meets the interests.

    Keywords are looked for in title, line, abstract and comment, authors in each name as they
    are spelled; a tag is one of the published tags or it is not.
    """
    # Most have none, and words take a millisecond a paper.
    sides = (interests.more, interests.less, interests.mute)
    keywords = any(side.keywords for side in sides)
    authors = any(side.authors for side in sides)
    said = (paper.title, line, paper.abstract, paper.comment) if keywords else ()
    texts = [words(text) for text in said if text]
    names = [words(name) for name in paper.authors] if authors else []

    def met(terms: Terms) -> Terms:
        return Terms(
            keywords=_found(terms.keywords, texts),
            authors=_found(terms.authors, names, exact=True),
            tags=tuple(tag for tag in terms.tags if tag in tags),
        )

    return Relevance(more=met(interests.more), less=met(interests.less), mute=met(interests.mute))


def ranked(items: Iterable[T], worth: Callable[[T], float]) -> list[T]:
    """The highest worth first; items of one worth keep their order."""
    return sorted(items, key=lambda item: -worth(item))


def _found(
    needles: Sequence[str], texts: Sequence[Sequence[Word]], *, exact: bool = False
) -> tuple[str, ...]:
    return tuple(
        needle
        for needle in needles
        if any(stands_in(words(needle), text, exact=exact) for text in texts)
    )


def _count(terms: Terms) -> int:
    return len(terms.keywords) + len(terms.authors) + len(terms.tags)
