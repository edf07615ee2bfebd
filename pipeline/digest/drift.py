"""Whether a model still writes as it did: a night of canary papers held against the last weeks.

The band of a score is the median of the earlier nights ± 3 robust standard deviations (1.4826 ×
the median absolute deviation), widened by 1 + 3/n for n nights, since the deviation of few nights
is a poor estimate. Median and deviation are robust: one bad night does not widen the band and so
hide the next. It is never narrower than what nobody would act on (LEAST).

Simulated with five papers whose scores differ from night to night by a standard deviation of 2
points each (a guess for replies at temperature 0) or 3: on how many nights any score gives a false
alarm, and on how many a fall of both chrF by 8 points is seen at once (tests/test_drift.py):

    earlier nights        7              14              28
    2 points          1.5%  99.7%    1.8%  99.8%    2.2%  100%
    3 points          5.2%  93.3%    3.7%  98.2%    2.0%  99.2%
"""

from __future__ import annotations

import datetime as dt
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from pipeline.records import Canary, CanaryScore, Record

WEEKS = dt.timedelta(days=28)
"""Days back that earlier nights count."""
NIGHTS = 7
"""With fewer earlier nights there is no band: the canary is still learning."""
LEAST: Mapping[str, float] = {
    "content-chrf": 3.0,
    "chrf": 3.0,
    "sameness": 3.0,
    "length": 8.0,
}
"""The half width of a band at the least, in points and characters; of `valid-first` it is one
paper's worth, for one reply that fails now and then is no drift."""
_ONLY_FALLS = frozenset({"sameness", "valid-first"})
"""A model that repeats itself more, or keeps the form more often, needs no warning."""
_DEVIATIONS = 3.0
_TO_SIGMA = 1.4826
_FEW = 3.0


class CanaryLine(Record):
    """What the model wrote for one canary paper on one night: its first reply's line, judged."""

    date: dt.date
    """Of the night's listing."""
    prompt_hash: str
    model: str
    """Its identity, as replies carry it."""
    arxiv_id: str
    line: str | None
    """None where the reply has not the form, or the model declined: then every score is 0."""
    valid_first: bool
    content_chrf: float
    chrf: float
    """Against the human line, 0 to 100."""
    length: int
    """Characters."""
    sameness: float | None
    """ChrF2 against the line that it last wrote for this paper; None the first time."""


class _Night(NamedTuple):
    papers: frozenset[str]
    means: Mapping[str, float]


def canary_of(lines: Sequence[CanaryLine]) -> Canary | None:
    """The last of the nights in `lines`, held against those before it; None without lines.

    `lines` are of one prompt and one model. Only nights with the same papers are compared, and
    the lines alone make the means: a reply without one is told by `valid-first`.
    """
    if not lines:
        return None
    by_date: dict[dt.date, list[CanaryLine]] = defaultdict(list)
    for line in lines:
        by_date[line.date].append(line)
    last = max(by_date)
    tonight = _night(by_date[last])
    earlier = [
        night
        for date, told in by_date.items()
        if last - WEEKS <= date < last and (night := _night(told)).papers == tonight.papers
    ]
    scores = tuple(_score(name, tonight, earlier) for name in tonight.means)
    return Canary(
        date=last,
        prompt_hash=lines[0].prompt_hash,
        model=lines[0].model,
        papers=len(tonight.papers),
        nights=len(earlier),
        scores=scores,
        drift=tuple(score.name for score in scores if _outside(score)),
    )


def _night(lines: Sequence[CanaryLine]) -> _Night:
    written = [line for line in lines if line.line is not None] or lines
    means = {
        "content-chrf": _mean(written, lambda line: line.content_chrf),
        "chrf": _mean(written, lambda line: line.chrf),
        "sameness": _mean(written, lambda line: line.sameness),
        "valid-first": _mean(lines, lambda line: 100.0 * line.valid_first),
        "length": _mean(written, lambda line: line.length),
    }
    return _Night(
        frozenset(line.arxiv_id for line in lines),
        {name: mean for name, mean in means.items() if mean is not None},
    )


def _mean(lines: Iterable[CanaryLine], value: Callable[[CanaryLine], float | None]) -> float | None:
    """Of the lines that have a value."""
    values = [number for line in lines if (number := value(line)) is not None]
    return statistics.fmean(values) if values else None


def _score(name: str, tonight: _Night, earlier: Iterable[_Night]) -> CanaryScore:
    """With its band, once there are enough earlier nights."""
    value = round(tonight.means[name], 2)  # what is told is what is judged
    before = [night.means[name] for night in earlier if name in night.means]
    if len(before) < NIGHTS:
        return CanaryScore(name=name, value=value)
    middle = statistics.median(before)
    deviation = _TO_SIGMA * statistics.median(abs(one - middle) for one in before)
    least = LEAST.get(name, 100.0 / len(tonight.papers))
    half = max(least, _DEVIATIONS * deviation * (1 + _FEW / len(before)))
    high = None if name in _ONLY_FALLS else round(middle + half, 2)
    return CanaryScore(name=name, value=value, low=round(max(0.0, middle - half), 2), high=high)


def _outside(score: CanaryScore) -> bool:
    too_low = score.low is not None and score.value < score.low
    too_high = score.high is not None and score.value > score.high
    return too_low or too_high
