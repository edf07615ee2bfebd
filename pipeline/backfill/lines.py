"""The lines of a job, so that no two papers of a month have all but the same.

A line is held against those of its own four weeks and of the four before. Those of finished shards
are read from their parts when such weeks are first asked for, so that a job that goes on another
day knows them too; only the last weeks that were asked for are in memory.
"""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from pipeline.text.likeness import REACH, Lines

_WEEKS = REACH.days
_KEPT = 4
"""Stretches of weeks: a job goes through the days in order."""

Stored = Callable[[dt.date, dt.date], Iterable[tuple[str, str]]]
"""Base id and line of the finished papers of these days, both in it."""


class JobLines:
    """For one thread. `shown` are the prompt's examples."""

    def __init__(self, stored: Stored, shown: Iterable[tuple[str, str]] = ()) -> None:
        self._stored = stored
        self._shown = tuple(shown)
        self._lines: OrderedDict[int, Lines] = OrderedDict()
        self._claimed: OrderedDict[int, list[tuple[str, str]]] = OrderedDict()

    def claim(self, arxiv_id: str, line: str, day: dt.date) -> str | None:
        """Take the line for a paper of this day; or the paper that has it, or one so alike."""
        stretch = day.toordinal() // _WEEKS
        other = self._of(stretch).claim(arxiv_id, line, day)
        if other is not None:
            return other
        if (after := self._lines.get(stretch + 1)) is not None:
            after.note(arxiv_id, line)
        self._claimed.setdefault(stretch, []).append((arxiv_id, line))
        while len(self._claimed) > 2 * _KEPT:
            self._claimed.popitem(last=False)
        return None

    def _of(self, stretch: int) -> Lines:
        if stretch not in self._lines:
            before = [*self._claimed.get(stretch - 1, ()), *self._claimed.get(stretch, ())]
            self._lines[stretch] = Lines(_Stretch(self._stored, stretch), (*self._shown, *before))
        self._lines.move_to_end(stretch)
        while len(self._lines) > _KEPT:
            self._lines.popitem(last=False)
        return self._lines[stretch]


class _Stretch:
    """What is stored of some weeks and of those before them."""

    def __init__(self, stored: Stored, stretch: int) -> None:
        self._stored = stored
        self._first = dt.date.fromordinal((stretch - 1) * _WEEKS)
        self._last = dt.date.fromordinal((stretch + 1) * _WEEKS - 1)

    def lines(self, since: dt.date, before: dt.date | None) -> Sequence[tuple[str, str]]:
        """Base id and line of the papers listed in that time."""
        last = min(self._last, before - dt.timedelta(days=1)) if before else self._last
        return list(self._stored(max(since, self._first), last))
