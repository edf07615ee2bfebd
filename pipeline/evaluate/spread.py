"""Whose the spread of a difference is: the papers', or the model's own from sample to sample.

With several samples a case, the variance of the case's mean difference is that between papers plus
that of one sample's difference over their number (a one-way random-effects analysis of variance).
So it is known what more samples would bring, and what only more papers can.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, variance

from pipeline.evaluate.results import Sample, Spread, System
from pipeline.evaluate.statistics import NEEDED

LEAST = 5
"""Cases: of fewer nothing is told."""
Samples = Mapping[str, Sequence[float]]
"""By case, the value of each sample."""


def spreads(systems: Sequence[System], samples: Sequence[Sample], metric: str) -> Iterator[Spread]:
    """Of every system against the first one, where the cases have more samples than one."""
    named = [_values(system.name, samples, metric) for system in systems]
    for system, own in zip(systems[1:], named[1:], strict=True):
        found = spread(own, named[0])
        if found is not None:
            yield found.model_copy(update={"system": system.name, "metric": metric})


def spread(system: Samples, baseline: Samples) -> Spread | None:
    """From the cases that have the most samples of both; None where that is one, or few do."""
    both = [case for case in system if case in baseline]
    common = {case: min(len(system[case]), len(baseline[case])) for case in both}
    most = max(common.values(), default=0)
    cases = [case for case, count in common.items() if count == most]
    if most < 2 or len(cases) < LEAST:
        return None
    means = [fmean(system[case][:most]) - fmean(baseline[case][:most]) for case in cases]
    noise = fmean(variance(system[case][:most]) + variance(baseline[case][:most]) for case in cases)
    return Spread(
        system="",
        metric="",
        papers=max(0.0, variance(means) - noise / most),
        noise=noise,
        cases=len(cases),
        samples=most,
    )


def detectable(found: Spread, cases: int, samples: float) -> float:
    """The smallest difference that so many papers and samples show, with 80% power at 5%."""
    return NEEDED * math.sqrt((found.papers + found.noise / samples) / cases)


def cases_for(found: Spread, difference: float, samples: float) -> int:
    """How many papers show such a difference."""
    return max(2, math.ceil((found.papers + found.noise / samples) * (NEEDED / difference) ** 2))


def _values(system: str, samples: Sequence[Sample], metric: str) -> Samples:
    by_case: dict[str, list[float]] = defaultdict(list)
    for sample in samples:
        score = sample.scores.get(metric)
        if sample.system == system and score is not None:
            by_case[sample.case].append(score)
    return by_case
