"""Averages of the systems and their paired differences to the baseline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np

from pipeline.evaluate.results import METRICS, Average, Case, Comparison, Sample, System
from pipeline.evaluate.statistics import (
    IndexArray,
    Paired,
    holm,
    mean_interval,
    paired,
    statistic_interval,
    verdict,
)

Verdict = Literal["better", "worse", "no winner"]
Values = Mapping[str, float]
"""By the case's id: the mean over its samples."""


def averages(
    systems: Sequence[System], cases: Sequence[Case], samples: Sequence[Sample]
) -> tuple[Average, ...]:
    """Every system in every metric that has a value."""
    return tuple(
        average
        for system in systems
        for metric in METRICS
        if (average := _average(system, metric, cases, samples)) is not None
    )


def comparisons(systems: Sequence[System], samples: Sequence[Sample]) -> tuple[Comparison, ...]:
    """Every system but the first, the baseline, in every metric; Holm over the systems."""
    named = {
        metric: [(system.name, values(system.name, metric, samples)) for system in systems]
        for metric in METRICS
    }
    return tuple(
        comparison
        for metric in METRICS
        for comparison in against(named[metric][0], named[metric][1:], metric)
    )


def values(system: str, metric: str, samples: Sequence[Sample]) -> Values:
    """By case, its samples averaged; cases without a value are not in it."""
    by_paper: dict[str, list[float]] = defaultdict(list)
    for sample in samples:
        score = sample.scores.get(metric)
        if sample.system == system and score is not None:
            by_paper[sample.case].append(score)
    return {case: sum(scores) / len(scores) for case, scores in by_paper.items()}


def against(
    baseline: tuple[str, Values], systems: Sequence[tuple[str, Values]], metric: str
) -> Iterator[Comparison]:
    """Named values held against the baseline's, on the cases that both have."""
    pairs = [
        (name, paired([own[case] for case in common], [baseline[1][case] for case in common]))
        for name, own in systems
        if (common := [case for case in baseline[1] if case in own])
    ]
    adjusted = holm([pair.p for _, pair in pairs])
    for (name, pair), p_holm in zip(pairs, adjusted, strict=True):
        yield Comparison(
            system=name,
            baseline=baseline[0],
            metric=metric,
            **pair.model_dump(),
            p_holm=p_holm,
            verdict=_verdict(metric, pair, p_holm),
        )


def _average(
    system: System, metric: str, cases: Sequence[Case], samples: Sequence[Sample]
) -> Average | None:
    scores = values(system.name, metric, samples)
    if not scores:
        return None
    if metric == "tags-f1":
        mean, low, high = _micro(system, cases, samples)
    else:
        mean, low, high = mean_interval(list(scores.values()))
    return Average(
        system=system.name, metric=metric, mean=mean, low=low, high=high, count=len(scores)
    )


def _micro(
    system: System, cases: Sequence[Case], samples: Sequence[Sample]
) -> tuple[float, float, float]:
    """Micro F1 over all tags; the interval draws cases, with all samples of each."""
    tags = {case.id: frozenset(case.tags) for case in cases}
    rows = {case.id: index for index, case in enumerate(cases)}
    counts = np.zeros((len(cases), 2))  # tags that both have, tags of both together
    for sample in samples:
        if sample.system == system.name:
            ours = frozenset(sample.final.tags if sample.final else ())
            theirs = tags[sample.case]
            counts[rows[sample.case]] += (len(ours & theirs), len(ours) + len(theirs))

    def f1(drawn: IndexArray) -> float:
        both, together = counts[drawn].sum(axis=0)
        return 200.0 * float(both) / float(together) if together else 100.0

    return statistic_interval(len(cases), f1)


def _verdict(metric: str, pair: Paired, p: float) -> Verdict:
    """Where less is better, a smaller value wins; a length is neither."""
    better = METRICS[metric].better
    if better == "neither":
        return "no winner"
    sign = 1 if better == "higher" else -1
    return verdict(p, sign * pair.difference, pair.detectable)
