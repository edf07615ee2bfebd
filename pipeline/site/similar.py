"""The papers that a paper is most like, among those of its listing, its month and the month before.

Alike is who shares words, and pairs of words, that few papers have: the angle between vectors of
TF-IDF, as the scores of a library have them. An index serves a month, so a year is made in seconds.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

import numpy as np
import numpy.typing as npt

from pipeline.library.taste import terms
from pipeline.library.works import Work
from pipeline.store.days import ListedAbstract
from pipeline.text.html import plain

_KEPT = 4096
"""Papers' terms in memory."""
_MOST = 5
_LEAST = 0.06
"""Of the cosine. Of 70 pairs that were read, those below it share no more than words."""


def first_date(month: dt.date) -> dt.date:
    """Of the listings that papers of this month are held against."""
    return (month.replace(day=1) - dt.timedelta(days=1)).replace(day=1)


class Similar:
    """The papers of two months, oldest first."""

    def __init__(self, papers: Sequence[ListedAbstract]) -> None:
        self._papers = papers
        self._place = {paper.arxiv_id: place for place, paper in enumerate(papers)}
        self._dates = np.array([paper.date.toordinal() for paper in papers], dtype=np.int64)
        counts = [_counts(paper.title, paper.abstract) for paper in papers]
        numbers = {term: number for number, term in enumerate(dict.fromkeys(chain(*counts)))}
        term = np.fromiter((numbers[t] for own in counts for t in own), dtype=np.int64)
        times = np.fromiter((n for own in counts for n in own.values()), dtype=np.float64)
        sizes = [len(own) for own in counts]
        paper = np.repeat(np.arange(len(papers)), sizes)
        self._first = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
        having = np.bincount(term, minlength=len(numbers))
        rareness = np.log((len(papers) + 1) / (having + 0.5))
        weights = (1 + np.log(times)) * rareness[term]
        lengths = np.sqrt(np.bincount(paper, weights**2, minlength=len(papers)))
        self._term, self._weight = term, weights / lengths[paper]
        # By term: the papers that have it, and how much it weighs there.
        order = np.argsort(term, kind="stable")
        self._of_term = np.concatenate(([0], np.cumsum(having))).astype(np.int64)
        self._paper_by_term, self._weight_by_term = paper[order], self._weight[order]

    def to(self, arxiv_id: str) -> tuple[ListedAbstract, ...]:
        """The most like it first, none of a later listing; of a paper that is not here none."""
        place = self._place.get(arxiv_id)
        if place is None:
            return ()
        cosines = self._cosines(place)
        cosines[place] = 0
        cosines[self._dates > self._dates[place]] = 0
        best = np.argsort(-cosines, kind="stable")[:_MOST]
        return tuple(self._papers[at] for at in best if cosines[at] >= _LEAST)

    def _cosines(self, place: int) -> npt.NDArray[np.float64]:
        """With every paper: all places of all its terms, one after the other, are one array."""
        own = slice(self._first[place], self._first[place + 1])
        term, weight = self._term[own], self._weight[own]
        begins = self._of_term[term]
        sizes = self._of_term[term + 1] - begins
        ends = np.cumsum(sizes)
        total = int(ends[-1]) if ends.size else 0
        at = np.arange(total) + np.repeat(begins - (ends - sizes), sizes)
        shared = self._weight_by_term[at] * np.repeat(weight, sizes)
        found = np.bincount(self._paper_by_term[at], shared, minlength=len(self._papers))
        return found.astype(np.float64)


@lru_cache(_KEPT)
def _counts(title: str, abstract: str) -> Counter[str]:
    """A paper is in the index of its month and in the next."""
    return Counter(terms(Work.model_construct(title=plain(title), abstract=plain(abstract))))
