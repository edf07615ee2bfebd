"""A command's surroundings: the edges with their progress bar, the run's record, the store."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from typing import TYPE_CHECKING, NoReturn

import typer

from pipeline import __version__, mistakes
from pipeline.errors import EXIT_DONE, Interrupted, JianjieError, Mistake, OutputError

if TYPE_CHECKING:
    from pipeline.clock import Clock
    from pipeline.config import Config
    from pipeline.edges import Edges
    from pipeline.evaluate.bench import Bench
    from pipeline.messages.outbox import Telling
    from pipeline.run_rows import Running
    from pipeline.store import Store
    from pipeline.terminal import Steps


@contextmanager
def edges(settings: Config) -> Iterator[Edges]:
    """The edges with a progress bar listening; Ctrl-C and SIGTERM end in Interrupted."""
    from pipeline.app import open_edges  # noqa: PLC0415
    from pipeline.clock import Clock  # noqa: PLC0415
    from pipeline.terminal import NightProgress  # noqa: PLC0415

    clock = Clock()
    with (
        _interruptible(clock),
        NightProgress() as listen,
        open_edges(settings, clock, command(), listen) as opened,
    ):
        mistakes.log_in_use(opened.events.path)
        yield opened


@contextmanager
def bench(configs: Mapping[str, Config], *, full_text: bool) -> Iterator[Bench]:
    """The edges of an evaluation; Ctrl-C and SIGTERM end in Interrupted."""
    from pipeline.app import open_bench  # noqa: PLC0415
    from pipeline.clock import Clock  # noqa: PLC0415

    clock = Clock()
    opening = open_bench(configs, clock, command(), say, full_text=full_text)
    with _interruptible(clock), opening as opened:
        yield opened


@contextmanager
def training() -> Iterator[Steps]:
    """A bar for each step of a training; Ctrl-C and SIGTERM end in Interrupted."""
    from pipeline.clock import Clock  # noqa: PLC0415
    from pipeline.terminal import Steps  # noqa: PLC0415

    with _interruptible(Clock()), Steps() as steps:
        yield steps


@contextmanager
def _interruptible(clock: Clock) -> Iterator[None]:
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
def recorded(edges: Edges, told: Telling | None = None) -> Iterator[Running]:
    """The run in the store's list of runs, and its message where one is wanted.

    Mistakes of our own become errors here, so that they are recorded and told like any other.
    """
    from pipeline.run_rows import Running  # noqa: PLC0415

    running = Running()
    number = edges.store.start_run(command(), edges.clock.now())
    edges.events.emit("run_started", command=command(), version=__version__)
    telling = told.at_the_end(edges) if told else nullcontext()
    try:
        with mistakes.told(), telling, mistakes.told():
            yield running
    except JianjieError as error:
        running.ended_by(error)
        raise
    except KeyboardInterrupt:
        running.ended_by(Interrupted("interrupted"))
        raise
    finally:
        _end(edges, number, running)


def _end(edges: Edges, number: int, running: Running) -> None:
    """Record it, then bring the site up to date, which shows the last runs."""
    outcome = running.outcome
    edges.events.emit("run_ended", exit_status=outcome.exit_status, note=outcome.note)
    edges.store.end_run(number, edges.clock.now(), outcome)
    try:
        with mistakes.told():
            _update_site(edges, running)
    except Mistake as error:
        running.ended_by(error)
        edges.store.end_run(number, edges.clock.now(), running.outcome)
        raise


def _update_site(edges: Edges, running: Running) -> None:
    """The reading pages; their trouble is told, and the next run makes them."""
    from pipeline.site.update import update  # noqa: PLC0415

    news = running.outcome.exit_status != EXIT_DONE
    try:
        update(edges.store, edges.config, news=news, papers=running.papers)
    except OutputError as error:
        say(str(error))


@contextmanager
def messages(settings: Config, *, wanted: bool) -> Iterator[Telling]:
    """What a run has to tell; the addresses are checked before anything is touched."""
    from pipeline.messages.outbox import Telling  # noqa: PLC0415
    from pipeline.messages.targets import addresses  # noqa: PLC0415

    if wanted:
        addresses(settings.messages)
    told = Telling(wanted=wanted)
    try:
        yield told
    finally:
        for line in told.complaints:
            say(line)


@contextmanager
def reading(settings: Config) -> Iterator[Store]:
    """The store, for commands that write nothing at all."""
    from pipeline.app import read_store  # noqa: PLC0415

    with closing(read_store(settings, say)) as opened:
        yield opened


@contextmanager
def outputs(settings: Config) -> Iterator[Store]:
    """The store under the lock of its folder, for a command that writes there and calls no model.

    Ctrl-C and SIGTERM end in Interrupted.
    """
    from pipeline.app import open_outputs  # noqa: PLC0415
    from pipeline.clock import Clock  # noqa: PLC0415

    clock = Clock()
    with _interruptible(clock), open_outputs(settings, clock, command(), say) as opened:
        yield opened


def command() -> str:
    """What the user typed, for the lock's holder and the list of runs."""
    return shlex.join(["jianjie", *sys.argv[1:]])


def say(text: str) -> None:
    """One line on standard error."""
    typer.echo(f"jianjie: {text}", err=True)
