"""The cases in three parts: to learn from, to choose by, and sealed until the end.

By time, the last days sealed: a prompt is for papers to come. One case is one paper, so no paper is
in two parts. Days stay whole where there are enough of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pipeline.errors import UsageError
from pipeline.evaluate.results import Case

LEAST = 12
"""Cases at the least: four to learn from, four to choose by, four that decide."""
WANTED = 150
"""From so many on a search has something to find (shared experience with GEPA)."""
_SHARES = (0.3, 0.6)
"""Where the parts to choose by, and the sealed one, begin."""
_DAYS = 5
"""From so many days on none is cut in two."""


class Parts(NamedTuple):
    """Each case is in one of them."""

    learn: tuple[Case, ...]
    choose: tuple[Case, ...]
    sealed: tuple[Case, ...]


def parts_of(cases: Sequence[Case]) -> Parts:
    """Raises UsageError where there are too few cases."""
    if len(cases) < LEAST:
        raise UsageError(
            f"{len(cases)} cases are too few for three parts: {LEAST} at least, {WANTED} are good",
            where="--cases",
            fix="Give more digests",
        )
    ordered = sorted(cases, key=lambda case: (case.date, case.id))
    first, second = (_cut(ordered, share) for share in _SHARES)
    if not 0 < first < second < len(ordered):  # one long day among short ones
        first, second = (round(share * len(ordered)) for share in _SHARES)
    return Parts(tuple(ordered[:first]), tuple(ordered[first:second]), tuple(ordered[second:]))


def _cut(ordered: Sequence[Case], share: float) -> int:
    """The index nearest to a share of the cases at which a day begins, where days are enough."""
    wanted = round(share * len(ordered))
    if len({case.date for case in ordered}) < _DAYS:
        return wanted
    begins = [at for at in range(1, len(ordered)) if ordered[at].date != ordered[at - 1].date]
    return min(begins, key=lambda at: abs(at - wanted))
