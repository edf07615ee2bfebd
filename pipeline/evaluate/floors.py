"""What a score is worth: floors that any writer must pass, and the ceiling that nobody does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean

import numpy as np

from pipeline.evaluate.metrics import chrf, content_chrf, micro_f1, rouge_l, tag_scores
from pipeline.evaluate.regime import STABLE_SINCE
from pipeline.evaluate.results import Case, Reference, referenced
from pipeline.text.nearness import Nearness

Pairing = Sequence[tuple[Case, Case]]
"""Whose line and tags are given, and the case that they are given to."""

_LINES: Mapping[str, Callable[[str, str], float]] = {
    "content-chrf": content_chrf,
    "chrf": chrf,
    "rouge-l": rouge_l,
}
_PAIRS = 4000
"""Random pairs at the most (a few seconds), but one for every case."""
_CEILING = {"chrf": 70.7, "rouge-l": 80.6, "tags-f1": 99.1, "primary": 99.7}
_CEILING_FIELD = "音频"


def floors(cases: Sequence[Case], *, seed: int = 0) -> tuple[Reference, ...]:
    """What another paper's line and tags would score: a random one's, the nearest one's.

    None with fewer than 2 cases. The random one is an expected value: the mean over all pairs, or
    over thousands.
    """
    cases = referenced(cases)
    if len(cases) < 2:
        return ()
    nearest = [(cases[other], case) for other, case in zip(_nearest(cases), cases, strict=True)]
    return (
        *_floor("random other paper's", _random(cases, seed), len(cases)),
        *_floor("nearest neighbour's", nearest, len(cases)),
    )


def ceilings(cases: Sequence[Case]) -> tuple[Reference, ...]:
    """What the reference's own writer scored on a second try, where that was measured."""
    cases = referenced(cases)
    comparable = all(case.field == _CEILING_FIELD and case.date >= STABLE_SINCE for case in cases)
    return tuple(
        Reference(
            name="the same paper written twice",
            kind="ceiling",
            metric=metric,
            value=value,
            source=f"measured on audio papers that the public series wrote twice since"
            f" {STABLE_SINCE}, not on these cases",
        )
        for metric, value in _CEILING.items()
        if cases and comparable
    )


def _floor(whose: str, pairing: Pairing, count: int) -> Iterator[Reference]:
    values = {
        f"{whose} line": {
            name: fmean(metric(other.line, case.line) for other, case in pairing)
            for name, metric in _LINES.items()
        },
        f"{whose} tags": {
            "tags-f1": micro_f1([(other.tags, case.tags) for other, case in pairing]),
            "primary": fmean(
                tag_scores(other.tags, case.tags)["primary"].value for other, case in pairing
            ),
        },
    }
    for name, scores in values.items():
        for metric, value in scores.items():
            yield Reference(
                name=name,
                kind="floor",
                metric=metric,
                value=value,
                source=f"computed on these {count} cases ({len(pairing)} pairs)",
            )


def _random(cases: Sequence[Case], seed: int) -> Pairing:
    """All pairs; of many cases in a random ring, those that are some random distances apart."""
    count = len(cases)
    generator = np.random.default_rng(seed)
    ring = [cases[index] for index in generator.permutation(count)]
    steps = min(count - 1, max(1, _PAIRS // count))
    distances = 1 + generator.permutation(count - 1)[:steps]
    return [
        (ring[(at + int(distance)) % count], case)
        for distance in distances
        for at, case in enumerate(ring)
    ]


def _nearest(cases: Sequence[Case]) -> list[int]:
    """For every case the index of the other one with the greatest cosine of TF-IDF."""
    texts = [f"{case.paper.title} {case.paper.abstract}" for case in cases]
    nearness = Nearness(texts)
    nearest = []
    for index, text in enumerate(texts):
        near = nearness.to(text)
        near[index] = -1
        nearest.append(int(near.argmax()))
    return nearest
