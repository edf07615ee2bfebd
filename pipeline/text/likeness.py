"""Likeness: a line that is the same as another paper's, or all but the same, is filler.

Two lines are held against each other by their runs of three signs, punctuation and spaces left
out: the runs that both have, as a share of those that either has (Jaccard). A line in which one
word or one name in a sentence is another stays above `LIKE`.

Measured on the 16,489 lines of the public series of this digest since 2025-12-29, each against
those of other papers of its day and of the four weeks before: none reaches 0.6, two reach 0.5 (one
system in two papers; two papers with one problem), five 0.4.

Only lines that share one of their rarer runs can be so much alike (prefix filtering: Chaudhuri,
Ganti and Kaushik, 2006), so a new line is held against a handful of ten thousand. Which runs are
rare is counted anew when there are twice as many lines: a first night begins with none.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Protocol

LIKE = 0.6
REACH = dt.timedelta(weeks=4)
"""Listings so long before a day have lines that the day's are held against."""
_RUN = 3
_UNREAD = re.compile(r"[\W_]+")
_FIRST_COUNT = 16
"""Lines after which runs are counted where there were none before."""


class LineStore(Protocol):
    """Where published lines are."""

    def lines(self, since: dt.date, before: dt.date | None) -> Sequence[tuple[str, str]]:
        """Base id and line of the papers listed in that time."""


class Lines:
    """The lines of all papers of a run's days and of the weeks before. Safe for many threads.

    `shown` are lines that the model is shown as examples: to repeat one of those is no answer. The
    stored ones are read when the first line is to be held against them.
    """

    def __init__(self, store: LineStore, shown: Iterable[tuple[str, str]] = ()) -> None:
        self._store = store
        self._shown = tuple(shown)
        self._lock = threading.Lock()
        self._since: dt.date | None = None
        self._common: dict[str, int] = {}
        self._counted = 0
        """Lines that are in `_common`."""
        self._known: list[tuple[str, frozenset[str]]] = []
        self._by_run: defaultdict[str, list[int]] = defaultdict(list)

    def claim(self, arxiv_id: str, line: str, day: dt.date) -> str | None:
        """Take the line for a paper listed on `day`; or the paper that has it, or one so alike.

        Other versions of the same paper are no others.
        """
        runs = _runs(line)
        with self._lock:
            self._reach(day - REACH)
            rarest = self._rarest(runs)
            for at in {at for run in rarest for at in self._by_run.get(run, ())}:
                other, theirs = self._known[at]
                if other != arxiv_id and _likeness(runs, theirs) >= LIKE:
                    return other
            self._add(arxiv_id, runs, rarest)
        return None

    def note(self, arxiv_id: str, line: str) -> None:
        """A paper has this line already, wherever that was found."""
        runs = _runs(line)
        with self._lock:
            self._add(arxiv_id, runs, self._rarest(runs))

    def _reach(self, since: dt.date) -> None:
        """Read the stored lines back to `since`."""
        if self._since is not None and self._since <= since:
            return
        lines = [*self._store.lines(since, self._since), *(() if self._since else self._shown)]
        lines_read = [(arxiv_id, _runs(line)) for arxiv_id, line in lines]
        self._known += lines_read
        self._index()
        self._since = since

    def _index(self) -> None:
        """Count the runs, and find the rarest of each line: the filter wants one order for all."""
        self._common = dict(Counter(chain.from_iterable(runs for _, runs in self._known)))
        self._counted = len(self._known)
        self._by_run = defaultdict(list)
        for at, (_, runs) in enumerate(self._known):
            for run in self._rarest(runs):
                self._by_run[run].append(at)

    def _add(self, arxiv_id: str, runs: frozenset[str], rarest: Iterable[str]) -> None:
        for run in rarest:
            self._by_run[run].append(len(self._known))
        self._known.append((arxiv_id, runs))
        if len(self._known) > 2 * self._counted + _FIRST_COUNT:
            self._index()

    def _rarest(self, runs: frozenset[str]) -> list[str]:
        """The fewest runs that two lines which are alike share one of."""
        few = len(runs) - math.ceil(LIKE * len(runs)) + 1
        new = runs.difference(self._common)
        if len(new) >= few:
            return sorted(new)[:few]
        rest = sorted(sorted(runs - new), key=self._common.__getitem__)
        return sorted(new) + rest[: few - len(new)]


class LinesForPaper:
    """The lines, as they are for one paper of one day."""

    def __init__(self, lines: Lines, arxiv_id: str, day: dt.date) -> None:
        self._lines = lines
        self._arxiv_id = arxiv_id
        self._day = day

    def claim(self, line: str) -> str | None:
        """Take the line; or the id of the paper that has it, or one that is all but the same."""
        return self._lines.claim(self._arxiv_id, line, self._day)


def _runs(line: str) -> frozenset[str]:
    """The runs of signs; a line shorter than one is a run itself."""
    read = _UNREAD.sub("", line).lower()
    return frozenset(read[at : at + _RUN] for at in range(max(1, len(read) - _RUN + 1)))


def _likeness(some: frozenset[str], others: frozenset[str]) -> float:
    shared = len(some & others)
    return shared / (len(some) + len(others) - shared)
