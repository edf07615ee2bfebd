"""The command line: commands and exit statuses. Heavy modules are imported when needed."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Annotated, NamedTuple, NoReturn

import typer

from pipeline import __version__, session
from pipeline.cli_distill import distill
from pipeline.cli_evaluate import evaluate
from pipeline.cli_restore import restore
from pipeline.cli_schedule import schedule
from pipeline.errors import (
    ArxivError,
    BudgetReached,
    Interrupted,
    JianjieError,
    ModelError,
    UsageError,
)
from pipeline.options import (
    CONFIG,
    DATE_FORMATS,
    ConfigOption,
    FieldOption,
    ModelOption,
    PromptOption,
    chosen_fields,
    load_settings,
)

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.edges import Edges
    from pipeline.flow import Night
    from pipeline.records import Canary
    from pipeline.reprocess import Again

app = typer.Typer(
    name="jianjie",
    help="A nightly digest of arXiv papers in Chinese: for each paper its 分类 tags and one 简介"
    " line (task, problem, method).",
    epilog="Exit status: 0 all done or nothing announced · 1 papers owed or a listing not checked ·"
    " 2 usage, configuration or outputs · 3 arXiv or the model out of reach · 4 budget reached ·"
    " 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"jianjie {__version__}")
        raise typer.Exit


@app.command(
    epilog="Examples:  jianjie run  ·  jianjie run --since 2026-01-02  ·"
    "  jianjie run --date 2026-01-06  ·  jianjie run --model deepseek --limit 3 --dry-run"
)
def run(
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
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show papers, tokens and money; call no model.")
    ] = False,
) -> None:
    """Tonight's digest and the nights that were missed, or one day's."""
    settings = load_settings(config, model, prompt)
    fields = chosen_fields(settings, field)
    wanted = _Wanted(date.date() if date else None, since.date() if since else None, limit)
    if date and since:
        raise UsageError("--date and --since exclude each other", where="run", fix="Give one")
    if dry_run:
        _dry_run(settings, fields, wanted)
        return
    whole = date is None and limit is None
    report = sys.stdout.isatty()
    sys.exit(_nights(settings, fields, wanted, report=report, canary=whole, tell=whole))


@app.command(
    epilog="Examples:  jianjie reprocess 2601.02954  ·  jianjie reprocess"
    " https://arxiv.org/abs/2601.02954v1 --model openai  ·  jianjie reprocess 2601.02954 --undo"
)
def reprocess(
    ids: Annotated[list[str], typer.Argument(help="arXiv ids, or the papers' addresses.")],
    config: ConfigOption = CONFIG,
    model: ModelOption = None,
    prompt: PromptOption = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Publish the line before the present one again.")
    ] = False,
) -> None:
    """Do papers again and patch their digests."""
    from pipeline import reprocess as again_  # noqa: PLC0415
    from pipeline.account import EXIT_OWED  # noqa: PLC0415
    from pipeline.arxiv.ids import parse_id  # noqa: PLC0415
    from pipeline.terminal import print_again  # noqa: PLC0415

    wanted = [parse_id(text) for text in ids]
    step = again_.undo if undo else again_.reprocess
    settings = load_settings(config, model, prompt)
    with session.edges(settings) as edges, session.recorded(edges) as outcome:
        for arxiv_id in wanted:
            try:
                again: Again = step(edges, arxiv_id)
            except (UsageError, ArxivError, ModelError, BudgetReached) as error:
                session.say(str(error))  # about this paper; the others go on
                outcome["exit_status"] = max(outcome["exit_status"], error.exit_status)
                continue
            print_again(again)
            for reason in again.reasons:
                session.say(f"{again.paper.versioned}: no valid line, the old one stays: {reason}")
            if again.new is None:
                outcome["exit_status"] = max(outcome["exit_status"], EXIT_OWED)
    sys.exit(int(outcome["exit_status"]))


app.command(
    epilog="Examples:  jianjie evaluate prompts/zero-shot.md prompts/few-shot.md --model deepseek"
    "  ·  jianjie evaluate builtin --fail-under content-chrf=20  ·  jianjie evaluate --history"
)(evaluate)

app.command(
    epilog="Examples:  jianjie distill digests/ --out adapters/mine.gguf  ·  jianjie distill"
    " series.jsonl.gz outputs/ --out adapters/mine.gguf --focus audio --held-out 320"
)(distill)

app.command(
    epilog="Examples:  jianjie schedule cron  ·  jianjie schedule systemd --model deepseek"
    " --install  ·  jianjie schedule github --time 01:00"
)(schedule)


@app.command(epilog="Example:  jianjie show 2601.02954")
def show(
    paper: Annotated[str, typer.Argument(help="An arXiv id, or the paper's address.")],
    config: ConfigOption = CONFIG,
) -> None:
    """One paper with every summary it ever had."""
    from pipeline.arxiv.ids import parse_id  # noqa: PLC0415
    from pipeline.terminal import print_paper  # noqa: PLC0415

    arxiv_id = parse_id(paper)
    with session.reading(load_settings(config)) as store:
        summaries = store.summaries(arxiv_id.base)
        version = arxiv_id.version or store.latest_announced(arxiv_id.base)
        version = version or max((s.version for s, _ in summaries), default=0)
        found = store.paper(arxiv_id.base, version)
        if found is None:
            raise UsageError("not in the store", where=arxiv_id, fix="See: jianjie status")
        if arxiv_id.version:
            summaries = [pair for pair in summaries if pair[0].version == arxiv_id.version]
        print_paper(found, summaries, store.replaced(found))


@app.command(epilog="Example:  jianjie status --days 30")
def status(
    config: ConfigOption = CONFIG,
    days: Annotated[int, typer.Option(min=1, help="So many listings, runs and days.")] = 10,
) -> None:
    """What is owed, how the last runs ended, and what the models cost."""
    from pipeline.terminal import print_status, print_unsent  # noqa: PLC0415

    with session.reading(load_settings(config)) as store:
        known = [store.day(date, field) for date, field in store.days()[:days]]
        listed = [day for day in known if day]
        print_status(listed, store.runs(days), store.spent(days), store.canary())
        print_unsent(store.unsent())


@app.command(epilog="Example:  jianjie render --date 2026-01-07")
def render(
    config: ConfigOption = CONFIG,
    date: Annotated[
        dt.datetime | None, typer.Option(formats=DATE_FORMATS, help="One listing. Default: all.")
    ] = None,
) -> None:
    """Write the files again from the store; metadata that arXiv still owed is asked for."""
    from pipeline.app import filled_in  # noqa: PLC0415
    from pipeline.files import shown_path  # noqa: PLC0415
    from pipeline.site.update import update  # noqa: PLC0415
    from pipeline.stages.publish import publish  # noqa: PLC0415

    settings = load_settings(config)
    with session.store(settings) as store:
        wanted = [(d, f) for d, f in store.days() if date is None or d == date.date()]
        if not wanted:
            raise UsageError("the store has no such day", where="render", fix="See: jianjie status")
        for day in filled_in(settings, store, wanted, session.say):
            written = publish(day, settings.paths.outputs, settings.tags)
            state = "written" if written.changed else "unchanged"
            typer.echo(f"{shown_path(written.markdown)} {state}")
        files = update(store, settings, everything=True)
        typer.echo(f"{shown_path(settings.paths.outputs / 'site')} {files} files written")


app.command(epilog="Examples:  jianjie restore  ·  jianjie restore --over")(restore)


@app.command(epilog="Examples:  jianjie doctor  ·  jianjie doctor --model deepseek --offline")
def doctor(
    config: ConfigOption = CONFIG,
    model: ModelOption = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask neither arXiv nor a remote model.")
    ] = False,
) -> None:
    """Check the settings, the keys, the folders, the clock, and whether model and arXiv answer."""
    from pipeline.doctor import examine  # noqa: PLC0415
    from pipeline.terminal import print_finding  # noqa: PLC0415

    worst = 0
    for finding in examine(config, offline=offline, model=model):
        print_finding(finding)
        worst = max(worst, finding.exit_status)
    sys.exit(worst)


@app.command(epilog="Examples:  jianjie demo  ·  jianjie demo --serve")
def demo(
    config: ConfigOption = CONFIG,
    model: ModelOption = "builtin",
    serve: Annotated[
        bool,
        typer.Option("--serve", help="Only serve the stand-in arXiv, for other commands to use."),
    ] = False,
) -> None:
    """The example day: no network, no key."""
    from pipeline.demo.settings import example_arxiv, variables  # noqa: PLC0415

    with example_arxiv(load_settings(config, model)) as (settings, field):
        if serve:
            typer.echo("\n".join(variables(settings.arxiv)))
            typer.echo("jianjie: set these in another shell; Ctrl-C ends the stand-in", err=True)
            signal.pause()
        exit_status = _nights(settings, [field], _Wanted(), report=True)
    sys.exit(exit_status)


class _Wanted(NamedTuple):
    """Which nights, and how much of them."""

    date: dt.date | None = None
    since: dt.date | None = None
    limit: int | None = None


def _nights(
    settings: Config,
    fields: list[str],
    wanted: _Wanted,
    *,
    report: bool,
    canary: bool = False,
    tell: bool = False,
) -> int:
    """The fields' nights, one after the other; the worst exit status, whatever the canary says."""
    from pipeline.account import canary_note, exit_status, note  # noqa: PLC0415
    from pipeline.flow import run_night  # noqa: PLC0415
    from pipeline.records import Canary  # noqa: PLC0415
    from pipeline.terminal import print_canary  # noqa: PLC0415

    reports: list[tuple[Night, float]] = []
    with (
        session.messages(settings, wanted=tell) as told,
        session.edges(settings) as edges,
        session.recorded(edges) as outcome,
        told.at_the_end(edges),
    ):
        for field in fields:
            start = time.monotonic()
            night = run_night(edges, field, **wanted._asdict())
            status = exit_status(night, edges.model.halted)
            outcome["exit_status"] = max(outcome["exit_status"], status)
            outcome["note"] = "; ".join(filter(None, (outcome["note"], note(night))))
            reports.append((night, time.monotonic() - start))
            told.add(night.days, edges.model.halted)
        halted = edges.model.halted
        watched = _canary(edges, fields, [night for night, _ in reports]) if canary else None
        changed = canary_note(watched)
        outcome["note"] = "; ".join(filter(None, (outcome["note"], changed)))
    for night, seconds in reports:  # after the progress bar is gone
        _report(night, seconds, report=report)
    if report and isinstance(watched, Canary):
        print_canary(watched)
    if problem := halted or changed:  # where the model stopped, that is why there is no canary
        session.say(str(problem))
    return int(outcome["exit_status"])


def _canary(edges: Edges, fields: list[str], nights: list[Night]) -> Canary | str | None:
    """Whether the model still writes as it did; what measures it is loaded only where wanted."""
    if not edges.config.canary:
        return None
    from pipeline.canary import watch  # noqa: PLC0415

    return watch(edges, max(night.day.date for night in nights), fields)


def _report(night: Night, seconds: float, *, report: bool) -> None:
    """A table for a person; under cron a line for what is owed or not checked, else nothing."""
    from pipeline.account import complaints  # noqa: PLC0415
    from pipeline.terminal import print_night  # noqa: PLC0415

    if report:
        print_night(night, seconds)
        return
    for complaint in complaints(night):
        session.say(complaint)


def _dry_run(settings: Config, fields: list[str], wanted: _Wanted) -> None:
    from pipeline.estimate import estimate  # noqa: PLC0415
    from pipeline.terminal import print_estimate  # noqa: PLC0415

    with session.edges(settings) as edges:
        for name in fields:
            for found in estimate(edges, name, date=wanted.date, since=wanted.since):
                print_estimate(found)


def main() -> None:
    """Run the command line; every error of ours is one line on standard error."""
    try:
        app()
    except JianjieError as error:
        session.say(str(error))
        _leave(error.exit_status)
    except KeyboardInterrupt:
        _leave(Interrupted.exit_status)


def _leave(status: int) -> NoReturn:
    """End now: a thread that waits for a slow server must not hold an interrupted run."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
