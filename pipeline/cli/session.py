"""A command's surroundings: the edges with their progress bar, the run's record, the store."""

from __future__ import annotations

import shlex
import shutil
import signal
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from pipeline import __version__
from pipeline.cli import mistakes
from pipeline.errors import (
    EXIT_DONE,
    Interrupted,
    JianjieError,
    Mistake,
    OutputError,
    printable,
)
from pipeline.files import shown_path

if TYPE_CHECKING:
    from pipeline.cli.terminal import Steps
    from pipeline.clock import Clock
    from pipeline.config import Config
    from pipeline.edges import Edges
    from pipeline.evaluate.bench import Bench
    from pipeline.events import Listener
    from pipeline.messages.outbox import Telling
    from pipeline.store.runs import Running
    from pipeline.store.store import Store

SITE_S = 600.0
"""A site of five fields over a year takes less than a minute."""


@contextmanager
def edges(settings: Config, *, verbose: bool = False) -> Iterator[Edges]:
    """The edges with a progress bar listening; Ctrl-C and SIGTERM end in Interrupted."""
    from pipeline.app import open_edges
    from pipeline.clock import Clock

    clock = Clock()
    with (
        interruptible(clock),
        _watching(verbose=verbose) as listen,
        open_edges(settings, clock, command(), listen) as opened,
    ):
        mistakes.log_in_use(opened.events.path)
        yield opened


@contextmanager
def _watching(*, verbose: bool) -> Iterator[Listener | None]:
    """Who is told what happens; nobody under cron, where nothing is loaded for it."""
    if not (verbose or sys.stderr.isatty()):
        yield None
        return
    from pipeline.cli.terminal import NightProgress

    with NightProgress(verbose=verbose) as listen:
        yield listen


@contextmanager
def bench(configs: Mapping[str, Config], *, full_text: bool) -> Iterator[Bench]:
    """The edges of an evaluation; Ctrl-C and SIGTERM end in Interrupted."""
    from pipeline.app import open_bench
    from pipeline.clock import Clock

    clock = Clock()
    opening = open_bench(configs, clock, command(), say, full_text=full_text)
    with interruptible(clock), opening as opened:
        yield opened


@contextmanager
def training() -> Iterator[Steps]:
    """A bar for each step of a training; Ctrl-C and SIGTERM end in Interrupted."""
    from pipeline.cli.terminal import Steps
    from pipeline.clock import Clock

    with interruptible(Clock()), Steps() as steps:
        yield steps


@contextmanager
def interruptible(clock: Clock) -> Iterator[None]:
    """Ctrl-C and SIGTERM stop everything that waits, and are told in one line."""
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    try:
        yield
    except KeyboardInterrupt as error:
        clock.stop()
        raise Interrupted(
            "interrupted", fix="Run again to finish: nothing stored is lost"
        ) from error


def _as_ctrl_c(*_: object) -> NoReturn:
    raise KeyboardInterrupt


@contextmanager
def run(
    settings: Config, told: Telling | None = None, *, verbose: bool = False
) -> Iterator[tuple[Edges, Running]]:
    """The edges of a run in the store's list of runs, and its message where one is wanted.

    Its end is recorded, then the lock is free again, then the site is brought up to date: what it
    makes of other people's text must never be in the next night's way.
    """
    from pipeline.store.runs import Running

    running = Running()
    try:
        with edges(settings, verbose=verbose) as opened, _recorded(opened, running, told):
            yield opened, running
    finally:
        if running.number is not None:
            _site_after(settings, running)


@contextmanager
def _recorded(edges: Edges, running: Running, told: Telling | None) -> Iterator[None]:
    """Mistakes of our own become errors here, so that they are recorded and told like any other."""
    running.number = edges.store.runs.start(command(), edges.clock.now())
    edges.events.emit("run_started", command=command(), version=__version__)
    telling = told.at_the_end(edges) if told else nullcontext()
    try:
        with mistakes.told(), telling, mistakes.told():
            yield
    except JianjieError as error:
        running.ended_by(error)
        raise
    except KeyboardInterrupt:
        running.ended_by(Interrupted("interrupted"))
        raise
    finally:
        outcome = running.outcome
        edges.events.emit("run_ended", exit_status=outcome.exit_status, note=outcome.note)
        edges.store.runs.end(running.number, edges.clock.now(), outcome)


def _site_after(settings: Config, running: Running) -> None:
    """The reading pages; their trouble is told, and the next run makes them."""
    from pipeline.app import open_store
    from pipeline.clock import Clock

    news = running.outcome.exit_status != EXIT_DONE
    with closing(open_store(settings, _told_before)) as store:
        try:
            with mistakes.told():
                update_site(store, settings, news=news, papers=running.papers)
        except OutputError as error:
            say(str(error))
        except Mistake as error:
            running.ended_by(error)
            store.runs.end(running.number or 0, Clock().now(), running.outcome)
            raise


def update_site(
    store: Store,
    settings: Config,
    *,
    everything: bool = False,
    news: bool = False,
    papers: Collection[str] = (),
) -> int:
    """Bring the site up to date, in bounded time; how many files were written.

    Raises OutputError, also where another process makes the site or it takes too long.
    """
    from pipeline.app import library_scores, making_the_site
    from pipeline.site.update import update

    with making_the_site(settings), _within(SITE_S):
        return update(
            store,
            settings,
            everything=everything,
            news=news,
            papers=papers,
            scores=lambda: library_scores(settings, store, say),
        )


class _TimeIsUp(BaseException):
    """No handler of errors may take it for its own."""


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Raise OutputError where the block takes longer; the main thread's, where there are alarms."""

    def ring(*_: object) -> NoReturn:
        raise _TimeIsUp

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except _TimeIsUp as error:
        raise OutputError(
            f"the site took longer than {seconds:,.0f} s and is not up to date",
            where="outputs/site",
            fix="The next run goes on with it; jianjie render makes all of it",
        ) from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def messages(settings: Config, *, telling: bool) -> Iterator[Telling]:
    """What a run has to tell; the addresses are checked before anything is touched."""
    from pipeline.app import library_scores
    from pipeline.messages.outbox import Telling
    from pipeline.messages.targets import addresses

    if telling:
        addresses(settings.messages)
    told = Telling(lambda store: library_scores(settings, store, say), active=telling)
    try:
        yield told
    finally:
        for line in told.complaints:
            say(line)


@contextmanager
def reading(settings: Config, *, again: bool = False) -> Iterator[Store]:
    """The store, for commands that write nothing at all; `again` says nothing twice."""
    from pipeline.app import read_store

    with closing(read_store(settings, _told_before if again else say)) as opened:
        yield opened


@contextmanager
def outputs(settings: Config) -> Iterator[Store]:
    """The store under the lock of its folder, for a command that writes there and calls no model.

    Ctrl-C and SIGTERM end in Interrupted.
    """
    from pipeline.app import open_outputs
    from pipeline.clock import Clock

    clock = Clock()
    with interruptible(clock), open_outputs(settings, clock, command(), say) as opened:
        yield opened


def program(*, elsewhere: bool = False) -> str:
    """What to type for jianjie here: its name where it is in the PATH, else where it lies.

    `elsewhere`: in another folder than this one.
    """
    typed = Path(sys.argv[0])
    found = shutil.which(typed.name)
    if found and Path(found).resolve() == typed.resolve():
        return typed.name
    return str(typed.absolute()) if elsewhere else shown_path(typed)


def command() -> str:
    """What the user typed, for the lock's holder and the list of runs."""
    return shlex.join(["jianjie", *sys.argv[1:]])


def _told_before(_: str) -> None:
    """The rows that cannot be read were told when the store was open the first time."""


def say(text: str) -> None:
    """One line on standard error."""
    typer.echo(printable(f"jianjie: {text}"), err=True)
