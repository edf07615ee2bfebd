"""The sentences of a report, the same in the terminal and on the page."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pipeline.errors import counted
from pipeline.evaluate.results import (
    METRICS,
    CaseSet,
    Comparison,
    Evaluation,
    Judgement,
)
from pipeline.evaluate.spread import cases_for, detectable

_NAMED = 6
CALIBRATED = {"planted_caught": 0.8, "identical_ties": 0.8, "order_agreement": 0.7}
"""Below these a judge's preferences should not be believed."""


def verdicts(evaluation: Evaluation) -> Iterator[str]:
    """A sentence for each system that was compared, by the main metric."""
    for one in evaluation.comparisons:
        if one.metric == evaluation.main:
            yield verdict(one)
    if len(evaluation.systems) == 1 and (
        average := evaluation.average(_only(evaluation), evaluation.main)
    ):
        yield (
            f"{_only(evaluation)} has {average.mean:.1f} {METRICS[evaluation.main].unit} of"
            f" {METRICS[evaluation.main].title}"
            f" (95% {average.low:.1f} to {average.high:.1f})"
        )


def verdict(one: Comparison) -> str:
    """Who won, by how much, how sure; or that nobody did, and what could have been seen."""
    unit = METRICS[one.metric]
    interval = f"95% {one.low:+.1f} to {one.high:+.1f}, {probability(one.p_holm)} (Holm)"
    if one.verdict == "no winner":
        return (
            f"no winner between {one.system} and {one.baseline}: {one.difference:+.1f} {unit.unit}"
            f" of {unit.title} ({interval}); {counted(one.count, 'paper')}"
            f" show{'s' * (one.count == 1)} differences of {one.detectable:.1f} or more"
        )
    return (
        f"{one.system} is {one.verdict} than {one.baseline} by {abs(one.difference):.1f}"
        f" {unit.unit} of {unit.title} ({interval})"
    )


def about_cases(cases: CaseSet) -> Iterator[str]:
    """How many, from when, of which style, and what is left out."""
    days = f"{cases.days[0]}" + (f" to {cases.days[-1]}" if len(cases.days) > 1 else "")
    kinds = " and ".join(section.value for section in cases.sections)
    yield (
        f"{counted(cases.count, 'case')} of {days} ({counted(len(cases.days), 'day')},"
        f" {', '.join(cases.fields)}, {kinds}), read from their {cases.text}"
    )
    style = cases.regime
    if style is None:
        yield "no references: nobody wrote lines for these papers"
        return
    yield (
        f"style regime: {style.name} ({style.opening:.0%} open with 该论文,"
        f" {style.two_sentences:.0%} have two sentences, median {style.median_length:g} characters)"
    )
    if style.mixed:
        yield "WARNING: the references are of more than one style: scores mix style and content"
    if cases.left_out:
        named = [f"{paper} ({why})" for paper, why in list(cases.left_out.items())[:_NAMED]]
        more = len(cases.left_out) - len(named)
        yield f"left out: {', '.join(named)}" + (f" and {more} more" if more else "")


def about_spread(evaluation: Evaluation) -> Iterator[str]:
    """Whether more samples or more papers would show smaller differences, and how many."""
    for one in evaluation.spreads:
        unit = METRICS[one.metric].unit
        now = detectable(one, one.cases, one.samples)
        if not now:
            continue
        share = one.noise / one.samples / (one.papers + one.noise / one.samples)
        steps = (one.samples, 2 * one.samples, math.inf)
        shown = [f"{detectable(one, one.cases, samples):.1f}" for samples in steps]
        more = "more samples" if share > 0.5 else "more papers"
        yield (
            f"{one.system}: the model's own noise is {share:.0%} of what blurs its difference;"
            f" {counted(one.cases, 'paper')} show {shown[0]} {unit} with {one.samples} samples,"
            f" {shown[1]} with {2 * one.samples}, {shown[2]} with ever so many; half of {shown[0]}"
            f" takes {cases_for(one, now / 2, one.samples):,} papers: {more} would help most"
        )


def about_judge(judgement: Judgement) -> Iterator[str]:
    """How far the judge can be believed."""
    checks = {name: getattr(judgement, name) for name in CALIBRATED}
    yield (
        f"judge {judgement.judge}, {judgement.pairs} pairs: {_share(checks['order_agreement'])} the"
        f" same in both orders, {_share(checks['planted_caught'])} of planted errors caught,"
        f" {_share(checks['identical_ties'])} of identical pairs called a tie"
    )
    if any(value is None or value < CALIBRATED[name] for name, value in checks.items()):
        yield "WARNING: the judge fails its own calibration: do not believe its preferences"
    yield from judgement.notes


def probability(p: float) -> str:
    """A p-value; one that rounds to nothing is not nothing."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _only(evaluation: Evaluation) -> str:
    return evaluation.baseline.name


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0%}"


def number(metric: str, value: float | None) -> str:
    """A value as its unit is written."""
    if value is None:
        return "–"
    match METRICS[metric].unit:
        case "money":
            return f"{value:.5f}"
        case "tokens" | "characters":
            return f"{value:,.0f}"
        case "percent":
            return f"{value:.0f}%"
        case "seconds" | "count":
            return f"{value:.2f}"
        case _:
            return f"{value:.1f}"
