"""The command `run`: the fields' nights, one after the other, and what is told of them."""

from __future__ import annotations

import datetime as dt
import sys
import time
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from pipeline.cli import session
from pipeline.cli.options import (
    CONFIG,
    DATE_FORMATS,
    ConfigOption,
    FieldOption,
    ModelOption,
    PromptOption,
    VerboseOption,
    VerifyOption,
    chosen_fields,
    load_settings,
)
from pipeline.errors import UsageError, worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.config import Config
    from pipeline.edges import Edges
    from pipeline.errors import JianjieError
    from pipeline.night.result import Night, Trouble
    from pipeline.records import Canary


class NightsOrder(NamedTuple):
    """Which nights, and how much of them."""

    date: dt.date | None = None
    since: dt.date | None = None
    limit: int | None = None


def run(  # noqa: PLR0913 - each is an option of the command
    *,
    config: ConfigOption = CONFIG,
    field: FieldOption = None,
    date: Annotated[
        dt.datetime | None,
        typer.Option(formats=DATE_FORMATS, help="One listing's date: that night alone."),
    ] = None,
    since: Annotated[
        dt.datetime | None,
        typer.Option(
            formats=DATE_FORMATS,
            help="Tonight, and every missed night from that date on. Default: as far back as"
            " catch_up_days in the settings.",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=0, help="At most so many papers; the rest stays owed.")
    ] = None,
    model: ModelOption = None,
    prompt: PromptOption = None,
    verify: VerifyOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show papers, tokens and money; call no model.")
    ] = False,
    verbose: VerboseOption = False,
) -> None:
    """Tonight's digest and the nights that were missed, or one day's."""
    settings = load_settings(config, model, prompt, verify=verify)
    fields = chosen_fields(settings, field)
    request = NightsOrder(date.date() if date else None, since.date() if since else None, limit)
    if date and since:
        raise UsageError("--date and --since exclude each other", where="run", fix="Give one")
    if dry_run:
        sys.exit(_dry_run(settings, fields, request))
    whole = date is None and limit is None
    report = verbose or sys.stdout.isatty()
    told = {"report": report, "verbose": verbose, "canary": whole, "tell": whole}
    sys.exit(nights(settings, fields, request, **told))


def nights(
    settings: Config,
    fields: Sequence[str],
    request: NightsOrder,
    *,
    report: bool,
    verbose: bool = False,
    canary: bool = False,
    tell: bool = False,
) -> int:
    """The fields' nights; the worst exit status, whatever the canary says.

    What ends the run for all fields is raised when those before it are told.
    """
    from pipeline.night.account import canary_note, outcome
    from pipeline.night.run import run_fields
    from pipeline.store.runs import RunOutcome

    told = _Told(report=report)
    try:
        with (
            session.messages(settings, telling=tell) as messages,
            session.run(settings, messages, verbose=verbose) as (edges, running),
        ):
            start = time.monotonic()
            for result in run_fields(edges, fields, **request._asdict()):
                told.add(result, time.monotonic() - start)
                told.halted = edges.model.halted
                messages.add(result, edges.model.halted)
                running.add(outcome(result, edges.model.halted))
                start = time.monotonic()
            told.canary = _canary(edges, fields, told.nights) if canary else None
            running.papers += _figures(edges, told.nights)
            running.add(RunOutcome(note=canary_note(told.canary)))
    finally:
        told.tell()  # after the progress bar is gone
    return running.outcome.exit_status


def _canary(edges: Edges, fields: Sequence[str], nights: Sequence[Night]) -> Canary | str | None:
    """Whether the model still writes as it did; what measures it is loaded only where wanted."""
    if not edges.config.canary or not nights:
        return None
    from pipeline.evaluate.canary import watch

    return watch(edges, max(night.day.date for night in nights), fields)


def _figures(edges: Edges, nights: Sequence[Night]) -> list[str]:
    """Papers that have one now. Last of all: nothing that a night owes waits for them."""
    if not edges.config.site.figures or not nights:
        return []
    from pipeline.night.figures import collect

    return collect(edges, nights)


class _Told:
    """What is said at the end."""

    def __init__(self, *, report: bool) -> None:
        self._report = report
        self._results: list[tuple[Night | Trouble, float]] = []
        self.halted: JianjieError | None = None
        self.canary: Canary | str | None = None

    @property
    def nights(self) -> list[Night]:
        """Of the fields that had one."""
        from pipeline.night.result import Night

        return [result for result, _ in self._results if isinstance(result, Night)]

    def add(self, result: Night | Trouble, seconds: float) -> None:
        """A field is over."""
        self._results.append((result, seconds))

    def _print(self) -> None:
        from pipeline.cli.tables import print_canary, print_result
        from pipeline.records import Canary

        for result, seconds in self._results:
            print_result(result, seconds)
        if isinstance(self.canary, Canary):
            print_canary(self.canary)

    def tell(self) -> None:
        """Tables for a person; a line on standard error for all that is not as it should be."""
        from pipeline.night.account import canary_note, complaints

        if self._report:
            self._print()
        for result, _ in self._results:
            for complaint in complaints(result, self.halted):
                session.say(complaint)
        # Where the model stopped, that is why there is no canary.
        if problem := self.halted or canary_note(self.canary):
            session.say(str(problem))


def _dry_run(settings: Config, fields: Sequence[str], request: NightsOrder) -> int:
    """Every field's estimates; the worst exit status."""
    from pipeline.cli.tables import print_estimate
    from pipeline.night.account import told
    from pipeline.night.estimate import estimates
    from pipeline.night.result import Trouble

    with session.edges(settings) as edges:
        estimated = list(estimates(edges, fields, date=request.date, since=request.since))
    statuses = []
    for one in estimated:
        if isinstance(one, Trouble):
            session.say(told(one))
            statuses.append(one.error.exit_status)
        else:
            print_estimate(one)
    return worst(*statuses)
