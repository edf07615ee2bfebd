"""The style of the references: the public series' jumps about 30 times a year.

Two lines of one unchanged paper agree to chrF 27 across such a jump and to 71 within the regime
that has held since 2025-12-29.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from statistics import fmean, median

from pipeline.evaluate.results import Case, Regime, referenced

STABLE_SINCE = dt.date(2025, 12, 29)
_BEFORE = f"before {STABLE_SINCE} (style jumps often)"
_STABLE = f"stable since {STABLE_SINCE}"
_SENTENCE_END = re.compile(r"[。！？]+")


def regime(cases: Sequence[Case]) -> Regime | None:
    """The regime of the references by their dates, and its figures; None where there is none."""
    cases = referenced(cases)
    lines = [case.line for case in cases]
    if not lines:
        return None
    sides = {case.date >= STABLE_SINCE for case in cases}
    mixed = len(sides) > 1
    return Regime(
        name=f"mixed: {_BEFORE} and {_STABLE}" if mixed else _STABLE if True in sides else _BEFORE,
        opening=fmean(line.startswith("该论文") for line in lines),
        two_sentences=fmean(_sentences(line) == 2 for line in lines),
        median_length=median(map(len, lines)),
        mixed=mixed,
    )


def _sentences(line: str) -> int:
    return sum(bool(part.strip()) for part in _SENTENCE_END.split(line))
