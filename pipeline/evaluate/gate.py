"""A gate for CI: fails when a score is under a bound, or worse than what it was before.

A baseline is a small JSON file that is committed: the scores of one system by case. Lowering it
needs an explicit flag, so that quality never slides unseen.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from pipeline.errors import UsageError, one_line
from pipeline.evaluate.compare import against, values
from pipeline.evaluate.evaluation import Finished
from pipeline.evaluate.results import METRICS, Comparison
from pipeline.files import write_atomic
from pipeline.records import Record

GATED = ("content-chrf", "chrf", "valid", "grounded", "tags-f1", "primary")
"""The metrics of a baseline: those of quality, not of cost or chance."""
_BOUND = re.compile(r"([a-z][a-z0-9-]*)=([0-9]+(?:\.[0-9]+)?)")


class Bound(Record):
    """`--fail-under content-chrf=30`; where less is better, the value must not be over it."""

    metric: str
    value: float


class Baseline(Record):
    """What one system once reached."""

    system: str
    model: str
    prompt_hash: str
    at: dt.datetime
    version: str
    """Of jianjie."""
    text: str
    means: Mapping[str, float]
    """By metric."""
    scores: Mapping[str, Mapping[str, float]]
    """By metric and case."""


def parse_bound(text: str) -> Bound:
    """Raises UsageError."""
    match = _BOUND.fullmatch(text.strip())
    if match is None or match[1] not in METRICS:
        raise UsageError(
            f"{text!r} is no bound",
            where="--fail-under",
            fix=f"Write METRIC=NUMBER; metrics: {', '.join(METRICS)}",
        )
    return Bound(metric=match[1], value=float(match[2]))


def load_baseline(path: Path) -> Baseline:
    """Raises UsageError where it is not there or no baseline."""
    try:
        return Baseline.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(
            "no such baseline", where=path, fix="Make it with --save-baseline"
        ) from error
    except (OSError, ValueError) as error:
        problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise UsageError(
            f"is no baseline: {one_line(problem)}", where=path, fix="Make it with --save-baseline"
        ) from error


def failures(
    finished: Finished,
    bounds: Sequence[Bound],
    *,
    if_worse: bool,
    baseline: Baseline | None,
) -> Iterator[str]:
    """A line for everything that fails."""
    evaluation = finished.evaluation
    for bound in bounds:
        for system in evaluation.systems:
            average = evaluation.average(system.name, bound.metric)
            if average is None or _fails(bound, average.mean):
                value = "no value" if average is None else f"{average.mean:.2f}"
                relation = "over" if METRICS[bound.metric].better == "lower" else "under"
                yield f"{system.name}: {bound.metric} is {value}, {relation} {bound.value:g}"
    if if_worse:
        judged = [c for c in evaluation.comparisons if c.metric in GATED]
        if baseline is not None:
            judged += held_against(finished, baseline)
        for one in judged:
            if one.verdict == "worse":
                yield (
                    f"{one.system}: {one.metric} is worse than {one.baseline}'s by"
                    f" {-one.difference:.2f} (95% {-one.high:.2f} to {-one.low:.2f}, p ="
                    f" {one.p_holm:.3f})"
                )


def held_against(finished: Finished, baseline: Baseline) -> list[Comparison]:
    """The first system against what was reached before. Raises UsageError: no case in common."""
    first = finished.evaluation.baseline.name
    worse = [
        comparison
        for metric, scores in baseline.scores.items()
        if metric in METRICS
        for comparison in against(
            (f"the saved {baseline.system}", scores),
            [(first, values(first, metric, finished.samples))],
            metric,
        )
    ]
    if not worse:
        raise UsageError("no case in common with the baseline", where="--baseline")
    return worse


def save_baseline(path: Path, finished: Finished, *, lower: bool) -> None:
    """Write the first system's scores. Raises UsageError where that would lower what is there."""
    evaluation = finished.evaluation
    system = evaluation.baseline
    scores = {m: dict(values(system.name, m, finished.samples)) for m in GATED}
    means = {
        m: round(average.mean, 2) for m in GATED if (average := evaluation.average(system.name, m))
    }
    if path.exists() and not lower:
        before = load_baseline(path)
        fallen = [
            f"{m} from {before.means[m]:.2f} to {means.get(m, 0.0):.2f}"
            for m in before.means
            if means.get(m, 0.0) < before.means[m]
        ]
        if fallen:
            raise UsageError(
                f"would lower {', '.join(fallen)}",
                where=path,
                fix="Add --lower-baseline if that is meant",
            )
    baseline = Baseline(
        system=system.name,
        model=system.model,
        prompt_hash=system.prompt_hash,
        at=evaluation.at,
        version=evaluation.version,
        text=evaluation.cases.text,
        means=means,
        scores={m: {case: round(v, 2) for case, v in sorted(s.items())} for m, s in scores.items()},
    )
    content = json.dumps(baseline.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"
    write_atomic(path, content.encode())


def _fails(bound: Bound, mean: float) -> bool:
    if METRICS[bound.metric].better == "lower":
        return mean > bound.value
    return mean < bound.value
