"""The command `judge`: people choose between two systems' lines, not knowing whose they are."""

from __future__ import annotations

import getpass
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline.cli import session
from pipeline.cli.options import CONFIG, ConfigOption, JsonOption, load_settings
from pipeline.errors import Interrupted, UsageError, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.clock import Clock
    from pipeline.evaluate.finished import Kept
    from pipeline.evaluate.people.sheet import Sheet

Form = Literal["table", "markdown"]


def judge(  # noqa: PLR0913 - each is an option of the command
    run: Annotated[
        str, typer.Argument(help="A finished evaluation, by the beginning of its name, or latest.")
    ],
    systems: Annotated[
        list[str] | None,
        typer.Argument(help="Two of its systems, the baseline first. Default: where it has two."),
    ] = None,
    *,
    config: ConfigOption = CONFIG,
    judge_name: Annotated[
        str | None,
        typer.Option("--as", help="Who judges; each has a file of their own. Default: the login."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="So many papers, the same for every judge.")
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="To serve on. Default: a free one.")
    ] = 0,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the page in the browser of this machine.")
    ] = False,
    write: Annotated[
        Path | None,
        typer.Option(help="Write the page to a file, for a judge elsewhere, and serve nothing."),
    ] = None,
    read: Annotated[
        list[Path] | None, typer.Option(help="Take in votes that such a page saved; repeatable.")
    ] = None,
    results: Annotated[
        bool, typer.Option("--results", help="Show what the votes say so far, and end.")
    ] = False,
    form: Annotated[
        Form, typer.Option("--format", help="markdown: the results for a pull request.")
    ] = "table",
    as_json: JsonOption = False,
) -> None:
    """Have people choose between lines, blinded.

    A page on this machine shows title, abstract and two lines; keys choose. Stop and go on as you
    like. Then: which one people prefer, how far judges agree with each other, with the metric and
    with the judging model, and who misses planted errors.
    """
    from pipeline.app import EVALUATIONS
    from pipeline.clock import Clock
    from pipeline.evaluate.finished import find, load
    from pipeline.evaluate.people.sheet import sheet
    from pipeline.evaluate.people.votes import checked_name

    settings = load_settings(config, or_shipped=True)
    folder = find(settings.paths.outputs / EVALUATIONS, run)
    kept = load(folder)
    names = systems or []
    if read:
        for file in read:
            _take_in(folder, kept, names, file)
    elif not results:
        made = sheet(kept, checked_name(judge_name or _login()), names, limit)
        if write is not None:
            _write(folder, made, write)
            return
        _serve(folder, made, Clock(), port, open_browser=open_browser)
    _show(folder, kept, names, form, as_json=as_json)


def _login() -> str:
    """Whoever is logged in, as far as that is a name here."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):
        name = ""
    return re.sub(r"[^\w-]", "-", name)[:40] or "judge"


def _serve(folder: Path, made: Sheet, clock: Clock, port: int, *, open_browser: bool) -> None:
    """Until the judge ends it, on the page or with Ctrl-C."""
    from pipeline.cli.terminal import OUT
    from pipeline.evaluate.people.server import Desk, serving

    desk = Desk(folder, made, clock)
    try:
        with session.interruptible(clock), serving(desk, port) as address:
            OUT.print(address, soft_wrap=True, markup=False)
            session.say(
                f"{counted(len(made.items), 'pair')} for {made.judge}, in a browser on this"
                " machine; each vote is stored at once, Ctrl-C ends"
            )
            if open_browser:
                typer.launch(address)
            desk.ended.wait()
    except Interrupted:
        session.say("ended; the same command goes on")


def _write(folder: Path, made: Sheet, file: Path) -> None:
    """With the votes that this judge has given here already. Raises OutputError."""
    from pipeline.cli.terminal import OUT
    from pipeline.evaluate.people.page import render_page
    from pipeline.evaluate.people.votes import votes_so_far
    from pipeline.files import shown_path, write_atomic

    votes = votes_so_far(folder, made.run, made.judge)
    write_atomic(file, render_page(made, votes, "file").encode())
    text = f"written {shown_path(file)}: {counted(len(made.items), 'pair')} for {made.judge}"
    OUT.print(text, soft_wrap=True, markup=False)


def _take_in(folder: Path, kept: Kept, names: Sequence[str], file: Path) -> None:
    """What a page saved; of two votes about one pair the later one stays."""
    from pipeline.evaluate.people.sheet import sheet
    from pipeline.evaluate.people.votes import (
        checked_name,
        on_sheet,
        read_votes,
        votes_so_far,
        write_votes,
    )

    saved = read_votes(file)
    run = kept.evaluation.name
    if saved.run != run:
        raise UsageError(f"has votes on {saved.run[:80]}, not on {run}", where=file)
    given = on_sheet(saved, sheet(kept, checked_name(saved.judge), names).items)
    if not given:
        raise UsageError(
            "has no vote on a pair of these two", where=file, fix="Name the systems that it is of"
        )
    write_votes(folder, votes_so_far(folder, run, saved.judge).having(*given.values()))
    left_out = len(saved.votes) - len(given)
    others = f"; {counted(left_out, 'vote')} on other pairs left out" if left_out else ""
    session.say(f"{counted(len(given), 'vote')} of {saved.judge} taken in{others}")


def _show(folder: Path, kept: Kept, names: Sequence[str], form: Form, *, as_json: bool) -> None:
    from pipeline.cli.terminal import OUT
    from pipeline.errors import printable
    from pipeline.evaluate.people.outcome import outcome
    from pipeline.evaluate.people.words import as_markdown, in_words

    told = outcome(folder, kept, names)
    if told is None:
        session.say("nobody has judged a pair of these two yet")
    elif as_json:
        from pipeline.cli.as_json import print_json

        print_json(told.model_dump(mode="json"))
    elif form == "markdown":
        typer.echo(printable(as_markdown(told)), nl=False)
    else:
        for line in in_words(told):
            OUT.print(line, soft_wrap=True, markup=False)
