"""An evaluation, and the history of all, as tables in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.evaluate.report.words import (
    about_cases,
    about_judge,
    about_spread,
    number,
    probability,
    verdicts,
)
from pipeline.evaluate.results import MAIN_METRIC, METRICS, Average, Evaluation, Reference

_SHOWN = (
    "content-chrf",
    "chrf",
    "rouge-l",
    "valid-first",
    "valid",
    "grounded",
    "supported",
    "tags-f1",
    "primary",
    "tokens-in",
    "tokens-out",
    "cost",
    "seconds",
)
_PIPE_WIDTH = 160
_TREND = ("valid-first", "tags-f1", "cost")
_NARROW = 120
"""Columns: what a row of the history takes with a model's name and all of `_TREND`."""


class _Column(NamedTuple):
    """A system, or a floor or ceiling, with its value in every metric that is shown."""

    name: str
    cells: list[str]
    style: str = ""

    @property
    def width(self) -> int:
        """With the space and the line around it."""
        return max(map(cell_len, (self.name, *self.cells))) + 3


def print_evaluation(evaluation: Evaluation, console: Console) -> None:
    """Metrics as rows, systems as columns; columns that do not fit stand in a table below."""
    names = [system.name for system in evaluation.systems]
    has = {average.metric for average in evaluation.averages}
    shown = [metric for metric in _SHOWN if metric != "supported" or metric in has]
    ends = list(dict.fromkeys(map(_end, evaluation.references)))
    columns = [
        *(_Column(name, [_cell(evaluation.average(name, m), m) for m in shown]) for name in names),
        *(_Column(name, [_reference(evaluation, name, m) for m in shown], "dim") for name in ends),
    ]
    console.print(escape(f"evaluation of {', '.join(names)}"), style="italic", soft_wrap=True)
    titles = _Column("metric", [METRICS[metric].title for metric in shown])
    wide = _wide(console)
    for fitting in _fitting(columns, wide.width - titles.width - 1):
        table = Table()
        for column in (titles, *fitting):
            table.add_column(
                escape(column.name),
                justify="left" if column is titles else "right",
                style=column.style,
                no_wrap=True,
            )
        for row in zip(*(column.cells for column in (titles, *fitting)), strict=True):
            table.add_row(*row)
        wide.print(table)
    for line in _lines(evaluation):
        console.print(escape(line), soft_wrap=True)


def _fitting(columns: Sequence[_Column], width: int) -> Iterator[list[_Column]]:
    """As many columns as fit, then the others, each time beside the baseline."""
    baseline, *others = columns
    row = [baseline]
    for column in others:
        if len(row) > 1 and sum(one.width for one in (*row, column)) > width:
            yield row
            row = [baseline]
        row.append(column)
    yield row


def print_history(evaluations: Sequence[Evaluation], console: Console) -> None:
    """A row for each evaluation and system, oldest first; an arrow where it has truly moved.

    A narrow terminal shows the main metric and the cost.
    """
    wide = _wide(console)
    narrow = wide.width < _NARROW
    trend = ("cost",) if narrow else _TREND
    table = Table(
        title="evaluations",
        title_justify="left",
        box=box.SIMPLE_HEAD if narrow else box.HEAVY_HEAD,
        show_edge=not narrow,
        padding=(0, 1, 0, 0) if narrow else (0, 1),
    )
    table.add_column("when", min_width=len("2026-01-07"))
    for name in ("system",) if narrow else ("system", "model"):
        table.add_column(name, overflow="fold")
    table.add_column("cases", justify="right")
    for metric in (MAIN_METRIC, "moved", *trend):
        title = METRICS[metric].title if metric in METRICS else metric
        table.add_column(title, justify="right", no_wrap=True)
    last: dict[tuple[object, ...], Average] = {}
    for evaluation in evaluations:
        for system in evaluation.systems:
            main = evaluation.average(system.name, MAIN_METRIC)
            same = (system.variant, system.model, evaluation.cases.model_dump_json())
            before = last.get(same)
            if main is not None:
                last[same] = main
            names = (system.name,) if narrow else (system.name, system.model)
            table.add_row(
                f"{evaluation.at:%Y-%m-%d %H:%M}",
                *map(escape, names),
                str(evaluation.cases.count),
                _cell(main, MAIN_METRIC),
                moved(before, main),
                *(_mean(evaluation.average(system.name, metric), metric) for metric in trend),
            )
    wide.print(table)


def moved(before: Average | None, now: Average | None) -> str:
    """↑ or ↓ where neither mean lies within the other's interval, else ·; nothing at first."""
    if before is None or now is None:
        return ""
    if now.mean > before.high and before.mean < now.low:
        return "↑"
    if now.mean < before.low and before.mean > now.high:
        return "↓"
    return "·"


def _lines(evaluation: Evaluation) -> Iterator[str]:
    yield from verdicts(evaluation)
    yield from about_cases(evaluation.cases)
    yield from about_spread(evaluation)
    if evaluation.judgement is not None:
        for one in evaluation.judgement.preferences:
            yield (
                f"judge: {one.system} against {one.baseline}, {one.aspect}: {one.wins} won,"
                f" {one.ties} tied, {one.losses} lost, {probability(one.p_holm)} (Holm)"
            )
        yield from about_judge(evaluation.judgement)
    unpriced = [s.name for s in evaluation.systems if evaluation.average(s.name, "cost") is None]
    if unpriced:
        yield (
            f"the cost of {', '.join(unpriced)} is unknown: price_in and price_out are missing in"
            " config.yaml, or were when the replies came"
        )
    yield from (f"problem: {problem}" for problem in evaluation.problems)


def _cell(average: Average | None, metric: str) -> str:
    """With the interval where it says something."""
    if average is None:
        return "unknown" if metric == "cost" else "–"
    mean = number(average.metric, average.mean)
    if METRICS[average.metric].kind == "cost":
        return mean
    return f"{mean} ({average.low:.0f}–{average.high:.0f})"


def _mean(average: Average | None, metric: str) -> str:
    return _cell(None, metric) if average is None else number(average.metric, average.mean)


def _end(reference: Reference) -> str:
    """A short name: line and tags of one floor stand in one column."""
    return "ceiling" if reference.kind == "ceiling" else f"{reference.name.split()[0]} other"


def _reference(evaluation: Evaluation, name: str, metric: str) -> str:
    values = [r.value for r in evaluation.references if (_end(r), r.metric) == (name, metric)]
    return number(metric, values[0]) if values else ""


def _wide(console: Console) -> Console:
    """Under cron and in pipes nothing is cut to a terminal that is not there."""
    return console if console.is_terminal else type(console)(file=console.file, width=_PIPE_WIDTH)
