"""One HTML file that tells all of an evaluation; it loads nothing and needs no script.

Lines, abstracts and replies are other people's text: Jinja2 escapes all of it, and characters
that nobody sees or that turn the direction of text are shown by their names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

from pipeline.evaluate.report import words
from pipeline.evaluate.report.difference import pieces
from pipeline.evaluate.report.findings import (
    broken_rules,
    confusion,
    cost_and_quality,
    extremes,
)
from pipeline.evaluate.report.matrix import matrix
from pipeline.evaluate.report.plots import Bar, Mark, intervals, pareto
from pipeline.evaluate.results import METRICS, Case, Comparison, Evaluation, Sample
from pipeline.text.html import shown

_TEMPLATE = Path(__file__).parent / "report.html.jinja"
_PLOTTED = ("content-chrf", "chrf", "rouge-l", "valid-first", "tags-f1", "primary")


def render_html(evaluation: Evaluation, cases: Sequence[Case], samples: Sequence[Sample]) -> str:
    """The page."""
    return _template().render(
        evaluation=evaluation,
        metrics=METRICS,
        main=METRICS[evaluation.main],
        verdicts=list(words.verdicts(evaluation)),
        about=[*words.about_cases(evaluation.cases), *words.about_spread(evaluation)],
        judge=list(words.about_judge(evaluation.judgement)) if evaluation.judgement else [],
        plots=list(_plots(evaluation)),
        matrix=matrix(evaluation, cases, samples),
        pareto=_pareto(evaluation),
        systems=[
            {
                "name": system.name,
                "extremes": extremes(evaluation, cases, samples, system.name),
                "rules": broken_rules(samples, system.name),
                "confusion": confusion(cases, samples, system.name),
            }
            for system in evaluation.systems
        ],
    )


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"shown": shown}
    environment.globals |= {"number": words.number, "pieces": pieces, "interval": _interval}
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))


class _Plot(NamedTuple):
    title: str
    svg: Markup


def _plots(evaluation: Evaluation) -> Iterator[_Plot]:
    for metric in _PLOTTED:
        bars = [
            Bar(system.name, average.mean, average.low, average.high)
            for system in evaluation.systems
            if (average := evaluation.average(system.name, metric))
        ]
        marks = [
            Mark(one.name, one.value, one.kind)
            for one in evaluation.references
            if one.metric == metric
        ]
        if bars:
            title = METRICS[metric].title
            yield _Plot(title, Markup(intervals(title, bars, marks)))  # noqa: S704 - plots.py escapes
    against = [one for one in evaluation.comparisons if one.metric == evaluation.main]
    if against:
        yield _differences(evaluation, against)


def _differences(evaluation: Evaluation, against: Sequence[Comparison]) -> _Plot:
    bars = [Bar(one.system, one.difference, one.low, one.high) for one in against]
    title = f"{METRICS[evaluation.main].title}: difference to {evaluation.baseline.name}"
    band = max(one.detectable for one in against)
    svg = intervals(title, bars, [Mark("no difference", 0.0, "zero")], band=band)
    return _Plot(title, Markup(svg))  # noqa: S704 - plots.py escapes


def _pareto(evaluation: Evaluation) -> Markup | None:
    if len(evaluation.systems) < 2:
        return None
    counted, dots = cost_and_quality(evaluation)
    title = f"{METRICS[evaluation.main].title} against {counted}"
    return Markup(pareto(title, counted, dots)) if dots else None  # noqa: S704 - plots.py escapes


def _interval(metric: str, estimate: Any) -> str:
    return f"{words.number(metric, estimate.low)} to {words.number(metric, estimate.high)}"
