"""The papers that a paper is most like, among those of its listing and of the two months before.

Alike is who shares words, and pairs of words, that few papers have: the angle between vectors of
TF-IDF, as the scores of a library have them. What a paper is like depends on the listings alone,
not on the order in which pages are made.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pipeline.library.taste import terms, work_of
from pipeline.records import Day, Paper
from pipeline.store.days import Key

LISTINGS = 40
"""With the paper's own."""
_MOST = 5
_LEAST = 0.05
"""Of the cosine. Of 70 pairs that were read, those below it share no more than words."""
_RARE = 0.1
"""Words of no larger a share of the papers find candidates."""
_CANDIDATES = 24


class _Known(NamedTuple):
    paper: Paper
    weights: Mapping[str, float]
    """Term → weight, before its rareness."""


class Similar:
    """One field's listings, as a window that moves."""

    def __init__(self) -> None:
        self._listings: dict[Key, tuple[str, ...]] = {}
        self._known: dict[str, _Known] = {}
        self._times: Counter[str] = Counter()
        """In how many listings of the window a paper is."""
        self._having: defaultdict[str, set[str]] = defaultdict(set)
        """Term → ids."""
        self._rare: dict[str, float] = {}
        """Term → how rare it is in the window as it stands."""

    def missing(self, window: Sequence[Key]) -> list[Key]:
        """The listings that `move` needs."""
        return [key for key in window if key not in self._listings]

    def move(self, window: Sequence[Key], days: Sequence[Day]) -> None:
        """Hold these listings and no others; `days` has those that are missing."""
        self._rare.clear()
        for key in set(self._listings) - set(window):
            for arxiv_id in self._listings.pop(key):
                self._drop(arxiv_id)
        for day in days:
            papers = {one.announcement.paper.arxiv_id: one.announcement.paper
                      for one in day.outcomes}  # fmt: skip
            self._listings[day.date, day.field] = tuple(papers)
            for paper in papers.values():
                self._add(paper)

    def to(self, arxiv_id: str) -> tuple[Paper, ...]:
        """The most like it first; of a paper that is not in the window none."""
        own = self._known.get(arxiv_id)
        if own is None:
            return ()
        shared: defaultdict[str, float] = defaultdict(float)
        for term in own.weights:
            having = self._having[term]
            if len(having) <= max(2, _RARE * len(self._known)):
                worth = self._rareness(term) ** 2 * own.weights[term]
                for other in having:
                    shared[other] += worth
        shared.pop(arxiv_id, None)
        near = heapq.nsmallest(_CANDIDATES, shared, key=lambda other: (-shared[other], other))
        length = self._length(own)
        found = [(self._dot(own, other) / (length * self._length(other)), other.paper)
                 for other in map(self._known.__getitem__, near)]  # fmt: skip
        found.sort(key=lambda pair: (-pair[0], pair[1].arxiv_id))
        return tuple(paper for cosine, paper in found[:_MOST] if cosine >= _LEAST)

    def _add(self, paper: Paper) -> None:
        self._times[paper.arxiv_id] += 1
        if paper.arxiv_id in self._known:
            return
        counts = Counter(terms(work_of(paper)))
        weights = {term: 1 + math.log(count) for term, count in counts.items()}
        self._known[paper.arxiv_id] = _Known(paper, weights)
        for term in weights:
            self._having[term].add(paper.arxiv_id)

    def _drop(self, arxiv_id: str) -> None:
        self._times[arxiv_id] -= 1
        if self._times[arxiv_id]:
            return
        del self._times[arxiv_id]
        for term in self._known.pop(arxiv_id).weights:
            self._having[term].discard(arxiv_id)
            if not self._having[term]:
                del self._having[term]

    def _rareness(self, term: str) -> float:
        if term not in self._rare:
            having = len(self._having[term])
            self._rare[term] = math.log((len(self._known) + 1) / (having + 0.5))
        return self._rare[term]

    def _length(self, one: _Known) -> float:
        return math.sqrt(sum((own * self._rareness(t)) ** 2 for t, own in one.weights.items()))

    def _dot(self, one: _Known, other: _Known) -> float:
        few, many = sorted((one.weights, other.weights), key=len)
        return math.fsum(
            own * many[term] * self._rareness(term) ** 2
            for term, own in few.items()
            if term in many
        )
