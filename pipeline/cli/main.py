"""The command line: commands and exit statuses. Heavy modules are imported when needed."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import Annotated, NoReturn

import typer

from pipeline import __version__
from pipeline.cli import mistakes, session
from pipeline.cli.backfill import backfill
from pipeline.cli.distill import distill
from pipeline.cli.edit import edit
from pipeline.cli.evaluate import evaluate
from pipeline.cli.examples import examples
from pipeline.cli.init import init
from pipeline.cli.judge import judge
from pipeline.cli.model import model
from pipeline.cli.optimize import optimize
from pipeline.cli.options import (
    CONFIG,
    DATE_FORMATS,
    ConfigOption,
    JsonOption,
    ModelOption,
    load_settings,
)
from pipeline.cli.rank import rank
from pipeline.cli.reprocess import reprocess
from pipeline.cli.restore import restore
from pipeline.cli.run import NightsOrder, nights, run
from pipeline.cli.schedule import schedule
from pipeline.errors import (
    EXIT_DONE,
    Interrupted,
    JianjieError,
    UsageError,
    counted,
    worst,
)

app = typer.Typer(
    name="jianjie",
    help="A nightly digest of arXiv papers in Chinese: for each paper its 分类 tags and one 简介"
    " line (task, problem, method).",
    epilog="Exit status: 0 all done or nothing announced · 1 papers owed or a listing not checked ·"
    " 2 usage, configuration or outputs · 3 arXiv or the model out of reach · 4 budget reached ·"
    " 70 a mistake of jianjie's own · 130 interrupted. Of several, 2 wins over 3, 4 and 1.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
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


app.command(
    epilog="Examples:  jianjie init digest --model deepseek  ·  jianjie init --field"
    " text:文本:cs.CL --field video:视频:cs.CV  ·  jianjie init --upgrade"
)(init)

app.command(
    epilog="Examples:  jianjie run  ·  jianjie run --since 2026-01-02  ·"
    "  jianjie run --date 2026-01-06  ·  jianjie run --model deepseek --limit 3 --dry-run"
)(run)


app.command(
    epilog="Examples:  jianjie reprocess 2601.02954  ·  jianjie reprocess"
    " https://arxiv.org/abs/2601.02954v1 --model openai  ·  jianjie reprocess 2601.02954 --undo"
    "  ·  jianjie reprocess paper.pdf"
)(reprocess)

app.command(
    epilog="Examples:  jianjie edit 2601.02954  ·  jianjie edit 2601.02954 --line 该论文……。  ·"
    "  jianjie edit 2601.02954 --undo"
)(edit)

app.command(
    epilog="Examples:  jianjie evaluate prompts/zero-shot.md prompts/few-shot.md --model deepseek"
    "  ·  jianjie evaluate builtin --fail-under content-chrf=20  ·  jianjie evaluate --history"
)(evaluate)

app.command(
    epilog="Examples:  jianjie judge latest  ·  jianjie judge 2026-01-08T09 builtin few-shot"
    " --as kim --limit 30  ·  jianjie judge latest --results"
)(judge)

app.command(
    epilog="Examples:  jianjie optimize zero-shot --model deepseek --reflect openai --dry-run"
    "  ·  jianjie optimize zero-shot --proposals 20 --max-money 2"
)(optimize)

app.add_typer(backfill)

app.add_typer(examples)

app.add_typer(model)

app.command(
    epilog="Examples:  jianjie distill digests/ --out adapters/mine.gguf  ·  jianjie distill"
    " series.jsonl.gz outputs/ --out adapters/mine.gguf --focus audio --held-out 320"
)(distill)

app.command(
    epilog="Examples:  jianjie rank zotero.csv  ·  jianjie rank papers.bib --not spam.ris --least 7"
    "  ·  jianjie rank --field audio --json"
)(rank)

app.command(
    epilog="Examples:  jianjie schedule cron  ·  jianjie schedule systemd --model deepseek"
    " --install  ·  jianjie schedule github --time 01:00"
)(schedule)


@app.command(epilog="Examples:  jianjie show 2601.02954  ·  jianjie show 2601.02954 --json")
def show(
    paper: Annotated[str, typer.Argument(help="An arXiv id, or the paper's address.")],
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """One paper with every summary it ever had."""
    from pipeline.arxiv.ids import parse_id
    from pipeline.text.changes import replaced

    arxiv_id = parse_id(paper)
    with session.reading(load_settings(config, or_shipped=True)) as store:
        summaries = store.summaries.of(arxiv_id.base)
        version = arxiv_id.version or store.days.latest_version(arxiv_id.base)
        version = version or store.summaries.latest_version(arxiv_id.base)
        shown = store.papers.get(arxiv_id.base, version) if version else None
        if shown is None:
            fix = f"Make its line: jianjie reprocess {arxiv_id}; all there are: jianjie status"
            raise UsageError("not in the store", where=arxiv_id, fix=fix)
        if arxiv_id.version:
            summaries = [pair for pair in summaries if pair[0].version == arxiv_id.version]
        earlier = replaced(store.papers.earlier(shown), shown)
        if as_json:
            from pipeline.cli.as_json import of_paper, print_json

            print_json(of_paper(shown, summaries, earlier))
        else:
            from pipeline.cli.tables import print_paper

            print_paper(shown, summaries, earlier)


@app.command(epilog="Examples:  jianjie status --days 30  ·  jianjie status --json")
def status(
    config: ConfigOption = CONFIG,
    days: Annotated[int, typer.Option(min=1, help="Listings, runs and days to show.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """What is owed, the last runs, and the cost."""
    from pipeline.digest.drift import canary_of

    with session.reading(load_settings(config, or_shipped=True)) as store:
        newest = (store.days.get(date, field) for date, field in store.days.known()[:days])
        listed = [day for day in newest if day]
        runs, spent = store.runs.last(days), store.spending.sums(days)
        canary, unsent = canary_of(store.canary.night()), store.messages.unsent()
        outdated = store.summaries.outdated_edits()
    if as_json:
        from pipeline.cli.as_json import of_status, print_json

        print_json(of_status(listed, runs, spent, canary, unsent, outdated))
    else:
        from pipeline.cli.tables import print_outdated, print_status, print_unsent

        print_status(listed, runs, spent, canary)
        print_unsent(unsent)
        print_outdated(outdated)


@app.command(epilog="Example:  jianjie render --date 2026-01-07")
def render(
    config: ConfigOption = CONFIG,
    date: Annotated[
        dt.datetime | None, typer.Option(formats=DATE_FORMATS, help="One listing. Default: all.")
    ] = None,
) -> None:
    """Write the files again from the store.

    Metadata that arXiv still owed is asked for.
    """
    from pipeline.app import filled_in
    from pipeline.files import shown_path
    from pipeline.night.digests import publish_day

    settings = load_settings(config)
    with session.outputs(settings) as store:
        keys = [(d, f) for d, f in store.days.known() if date is None or d == date.date()]
        if not keys and (date or not store.summaries.unlisted()):
            raise UsageError("the store has no such day", where="render", fix="See: jianjie status")
        for day in filled_in(settings, store, keys, session.say):
            written = publish_day(store, settings, day)
            state = "written" if written.changed else "unchanged"
            typer.echo(f"{shown_path(written.markdown)} {state}")
    with session.reading(settings, again=True) as store:
        files = session.update_site(store, settings, everything=True)
        typer.echo(
            f"{shown_path(settings.paths.outputs / 'site')} {counted(files, 'file')} written"
        )


app.command(epilog="Examples:  jianjie restore  ·  jianjie restore --over")(restore)


@app.command(epilog="Examples:  jianjie doctor  ·  jianjie doctor --model deepseek --offline")
def doctor(
    config: ConfigOption = CONFIG,
    model: ModelOption = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask neither arXiv nor a remote model.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check settings, keys, folders, model, arXiv.

    And the clock, and every row of the store.
    """
    from pipeline.cli.doctor import examine

    found = examine(config, offline=offline, model=model)
    if as_json:
        from pipeline.cli.as_json import of_findings, print_json

        findings = list(found)
        print_json(of_findings(findings))
    else:
        from pipeline.cli.tables import print_findings

        findings = print_findings(found)
    sys.exit(worst(EXIT_DONE, *(finding.exit_status for finding in findings)))


_WHAT_THE_DEMO_IS = """\
The example day, 7 January 2026: {about}.
A stand-in on this machine answers as arXiv does; each PDF is one page, typeset from the
paper's metadata; the lines are those of a small model (270 million parameters, unless you
name another), often vague, sometimes wrong. Nothing is asked of any network, and no key is
needed. It takes a minute or less on two cores."""
_AFTER_THE_DEMO = """
What to try next:
  {program} show {paper}
  {program} evaluate builtin zero-shot --limit 5
  {program} init digest --model deepseek"""


@app.command(
    epilog="Examples:  jianjie demo  ·  jianjie demo --field text  ·  jianjie demo --serve"
)
def demo(
    config: ConfigOption = CONFIG,
    model: ModelOption = "builtin",
    field: Annotated[
        str, typer.Option("--field", "-f", help="audio, or text: a day that is made up.")
    ] = "audio",
    serve: Annotated[
        bool,
        typer.Option("--serve", help="Only serve the stand-in arXiv, for other commands to use."),
    ] = False,
) -> None:
    """The example day: no network, no key."""
    from pipeline.demo.example_day import EXAMPLE_DAYS, example_listing
    from pipeline.demo.settings import example_arxiv, variables

    with example_arxiv(load_settings(config, model, or_shipped=True), field) as settings:
        if serve:
            typer.echo("\n".join(variables(settings.arxiv)))
            typer.echo("jianjie: set these in another shell; Ctrl-C ends the stand-in", err=True)
            signal.pause()
        day = EXAMPLE_DAYS[field]
        typer.echo(_WHAT_THE_DEMO_IS.format(about=day.about))
        exit_status = nights(settings, [field], NightsOrder(), report=True)
    program = session.program()
    done = example_listing(day.digest, field).announcements[2].paper.arxiv_id
    typer.echo(_AFTER_THE_DEMO.format(program=program, paper=done))
    sys.exit(exit_status)


def main() -> None:
    """Run the command line; every error of our tree is one line on standard error."""
    mistakes.heed_threads()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal of another country shows what it can
            stream.reconfigure(errors="replace")
    try:
        with mistakes.told():
            app()
    except JianjieError as error:
        session.say(str(error))
        _leave(error.exit_status)
    except KeyboardInterrupt:
        _leave(Interrupted.exit_status)
    except SystemExit as ended:
        if isinstance(ended.code, str):
            raise
        _leave(ended.code or EXIT_DONE)


def _leave(status: int) -> NoReturn:
    """End now: all is written, and a thread that waits for a slow server must not hold a run."""
    with suppress(OSError):  # nobody reads any more
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)
