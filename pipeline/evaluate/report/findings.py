"""What a report tells beyond averages: worst and best cases, broken rules, confused tags, cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline.evaluate.compare import values
from pipeline.evaluate.report.plots import Dot
from pipeline.evaluate.results import Case, Evaluation, Sample

SHOWN = 5
"""Lines, of the worst and of the best each."""
_CONFUSED = 8


class Contrast(NamedTuple):
    """A case with what the baseline and another system wrote; `change` in the main metric."""

    case: Case
    base: Sample | None
    """None where there is no other system to compare with."""
    own: Sample
    change: float


class Broken(NamedTuple):
    """A rule, how many cases broke it at first and after the re-asks, and an example."""

    rule: str
    first: int
    still: int
    example: str


class Confusion(NamedTuple):
    """Primary categories: those of the references against those proposed, most frequent first."""

    proposed: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]
    missing: tuple[tuple[str, int], ...]
    extra: tuple[tuple[str, int], ...]


def extremes(
    evaluation: Evaluation, cases: Sequence[Case], samples: Sequence[Sample], system: str
) -> tuple[list[Contrast], list[Contrast]]:
    """The worst regressions and the best gains; of a system alone its worst and best cases."""
    base_name = evaluation.baseline.name
    alone = system == base_name
    firsts = {(s.system, s.case): s for s in samples if s.number == 0}
    own = values(system, evaluation.main, samples)
    base = {} if alone else values(base_name, evaluation.main, samples)
    pairs = [
        Contrast(
            case=case,
            base=None if alone else firsts.get((base_name, case.id)),
            own=firsts[system, case.id],
            change=own[case.id] - base.get(case.id, 0.0),
        )
        for case in cases
        if case.id in own
    ]
    pairs.sort(key=lambda pair: pair.change)
    half = pairs[: len(pairs) // 2], pairs[len(pairs) // 2 :][::-1]
    if alone:
        return half[0][:SHOWN], half[1][:SHOWN]
    return (
        [pair for pair in pairs[:SHOWN] if pair.change < 0],
        [pair for pair in pairs[::-1][:SHOWN] if pair.change > 0],
    )


def broken_rules(samples: Sequence[Sample], system: str) -> list[Broken]:
    """By rule, the most frequent first."""
    first: Counter[str] = Counter()
    still: Counter[str] = Counter()
    example: dict[str, str] = {}
    for sample in samples:
        if sample.system != system or not sample.attempts:
            continue
        for reason in sample.attempts[0].reasons:
            example.setdefault(_rule(reason), f"{sample.case}: {reason}")
        first.update({_rule(reason) for reason in sample.attempts[0].reasons})
        if sample.final is None:
            still.update({_rule(reason) for reason in sample.attempts[-1].reasons})
            for reason in sample.attempts[-1].reasons:
                example.setdefault(_rule(reason), f"{sample.case}: {reason}")
    rules = sorted(first | still, key=lambda rule: (-first[rule], -still[rule], rule))
    return [Broken(rule, first[rule], still[rule], example[rule]) for rule in rules]


def confusion(cases: Sequence[Case], samples: Sequence[Sample], system: str) -> Confusion:
    """Of the first samples; a case without a valid reply proposes `none`."""
    tags = {case.id: case.tags for case in cases}
    primary: Counter[tuple[str, str]] = Counter()
    missing: Counter[str] = Counter()
    extra: Counter[str] = Counter()
    for sample in samples:
        if sample.system != system or sample.number:
            continue
        reference, final = tags[sample.case], sample.final
        proposed = final.tags if final else ()
        primary[next(iter(reference), "none"), next(iter(proposed), "none")] += 1
        missing.update(set(reference) - set(proposed))
        extra.update(set(proposed) - set(reference))
    columns = [name for name, _ in _sums(primary, 1)][:_CONFUSED]
    rows = [name for name, _ in _sums(primary, 0)][:_CONFUSED]
    return Confusion(
        proposed=tuple(columns),
        rows=tuple((row, tuple(primary[row, column] for column in columns)) for row in rows),
        missing=tuple(missing.most_common(_CONFUSED)),
        extra=tuple(extra.most_common(_CONFUSED)),
    )


def cost_and_quality(evaluation: Evaluation) -> tuple[str, list[Dot]]:
    """What cost is counted in, and every system; tokens where all are free."""
    paid = any(a.metric == "cost" and a.mean > 0 for a in evaluation.averages)
    metrics = ("cost",) if paid else ("tokens-in", "tokens-out")
    points = []
    for system in evaluation.systems:
        main = evaluation.average(system.name, evaluation.main)
        parts = [evaluation.average(system.name, metric) for metric in metrics]
        if main is not None and all(parts):
            points.append((system.name, sum(part.mean for part in parts if part), main.mean))
    dots = [
        Dot(name, cost, quality, front=not any(_beats(other, (cost, quality)) for other in points))
        for name, cost, quality in points
    ]
    return "money a paper" if paid else "tokens a paper", dots


def _beats(other: tuple[str, float, float], one: tuple[float, float]) -> bool:
    """At least as good and as cheap, and not the same."""
    _, cost, quality = other
    return cost <= one[0] and quality >= one[1] and (cost, quality) != one


def _sums(primary: Counter[tuple[str, str]], side: int) -> Iterator[tuple[str, int]]:
    sums: Counter[str] = Counter()
    for pair, count in primary.items():
        sums[pair[side]] += count
    yield from sums.most_common()


def _rule(reason: str) -> str:
    return reason.partition(":")[0]
