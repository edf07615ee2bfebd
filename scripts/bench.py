"""How fast the real command line is, and how much of that is its own: every bar in one run.

    make bench                                  (.venv/bin/python -m scripts.bench)

Each figure is of a `jianjie` process with a config file in a temporary folder. The model and arXiv
are stand-ins on loopback, in processes of their own.
"""

from __future__ import annotations

import hashlib
import json
import math
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from rich import box
from rich.console import Console
from rich.table import Table

from pipeline.demo.example_day import example_listing
from pipeline.demo.standin import demo_pdfs
from pipeline.records import Announcement, AnnounceType, Listing
from tests.standins.arxiv import FaultyArxiv
from tests.standins.settings import write_config

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "prompts" / "examples" / "20260107-audio.md"
COMMAND = [sys.executable, "-c", "from pipeline.cli.main import main; main()"]
LATENCY_S = 0.5
INTERVAL_S, ARXIV_INTERVAL_S = 0.2, 3.0
"""The night is scaled: what arXiv asks for is fifteen times as long."""
HELPS, AGAINS = 5, 3
NIGHT_COLUMNS = (
    "at\nonce",
    "ideal",
    "start-\nup",
    "first\ncall",
    "wall",
    "× ideal",
    "× from\n1st call",
    "bar",
    "",
    "connec-\ntions",
    "CPU ms\na paper",
    "peak\nMB",
)
OUT = Console(highlight=False, width=110)


class Case(NamedTuple):
    """One night: its papers, its settings, and the bar for (wall - first call) / ideal."""

    at_once: int
    abstracts: int | None = None
    """So many papers, abstracts only; None: the example day with its PDFs."""
    latency_s: float = LATENCY_S
    interval_s: float = 0.0
    bar: float | None = None

    @property
    def kind(self) -> str:
        """What a paper's prompt is made of."""
        return "PDFs" if self.abstracts is None else "abstracts"


CASES = (
    Case(64, 200, bar=1.25),
    Case(8, 200, bar=1.05),
    Case(1, 40),
    Case(64, 400),
    Case(8),
)
NIGHT = Case(8, latency_s=0.0, interval_s=INTERVAL_S)
NIGHT_BAR = 1.10
HELP_BAR_S = 0.4
IDLE_BAR_S = 1.0
MEMORY_BAR_MB = 500


class Run(NamedTuple):
    """One process, from its start to its end."""

    began: float
    """By time.monotonic()."""
    wall_s: float
    cpu_s: float
    peak_mb: float
    """The largest of the process and its readers of PDFs."""


class Counts(NamedTuple):
    """What the servers saw of one run."""

    to_model: int
    to_arxiv: int
    connections: int
    first_at: float | None


class Result(NamedTuple):
    """A night, and the same command again with nothing left to do."""

    case: Case
    papers: int
    night: Run
    seen: Counts
    again_s: tuple[float, ...]
    """Of each of the runs with nothing to do."""
    seen_again: Counts
    """By all of them together."""
    changed: int
    """Files that they changed."""

    @property
    def start_up_s(self) -> float:
        """What a run takes that calls no model: the median."""
        return statistics.median(self.again_s)

    @property
    def first_call_s(self) -> float:
        """From the start of the process to the first request to the model."""
        return (self.seen.first_at or math.nan) - self.night.began

    @property
    def ideal_s(self) -> float:
        """Nothing but waiting for the model, or for arXiv."""
        if self.case.interval_s:
            return self.seen.to_arxiv * self.case.interval_s
        return math.ceil(self.papers / self.case.at_once) * self.case.latency_s

    @property
    def ratio(self) -> float:
        """Of what is left without the start-up to the ideal."""
        return (self.night.wall_s - self.start_up_s) / self.ideal_s

    @property
    def ratio_from_first_call(self) -> float:
        """The same from the first request to the model on: without what loads it."""
        return (self.night.wall_s - self.first_call_s) / self.ideal_s


def main() -> None:
    """Measure everything and print two tables."""
    began = time.monotonic()
    load = os.getloadavg()[0]
    results = [measured(case) for case in CASES]
    night, help_ = measured(NIGHT), help_s()
    OUT.print(nights_table(results))
    OUT.print(bars_table(results, night, help_))
    OUT.print(
        f"{os.cpu_count()} cores, Python {platform.python_version()};"
        f" {time.monotonic() - began:.0f} s in all;"
        f" load average {load:.1f} at the start, {os.getloadavg()[0]:.1f} at the end"
    )
    if load > (os.cpu_count() or 1) / 4:
        OUT.print("The machine was busy with other things before: the times may be too long.")


# The tables


def nights_table(results: Sequence[Result]) -> Table:
    """The nights in full."""
    title = f"nights with a model that answers in {LATENCY_S:g} s; times in seconds"
    table = Table(title=title, box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    table.add_column("papers", no_wrap=True)
    for name in NIGHT_COLUMNS:
        table.add_column(name, justify="right", min_width=max(map(len, name.split("\n"))))
    for result in results:
        bar = result.case.bar
        table.add_row(
            f"{result.papers} {result.case.kind}",
            f"{result.case.at_once}",
            f"{result.ideal_s:.2f}",
            f"{result.start_up_s:.2f}",
            f"{result.first_call_s:.2f}",
            f"{result.night.wall_s:.2f}",
            f"{result.ratio:.3f}",
            f"{result.ratio_from_first_call:.3f}",
            "" if bar is None else f"{bar:.2f}",
            "" if bar is None else verdict(result.ratio_from_first_call, bar),
            f"{result.seen.connections}",
            f"{1000 * result.night.cpu_s / result.papers:.0f}",
            f"{result.night.peak_mb:.0f}",
        )
    table.caption = (
        f"start-up: the same command again with nothing to do, median of {AGAINS};"
        " × ideal: (wall - start-up) / ideal\n"
        "× from 1st call: (wall - first call) / ideal; the bar is for this one: before it stand\n"
        "start-up, the listing of new papers, and loading the client, once a night\n"
        "1 at once: fewer papers, 200 would take 100 s; PDFs: the ideal leaves reading them out\n"
        "connections: to the model; peak: the largest process"
    )
    return table


def bars_table(results: Sequence[Result], night: Result, help_: float) -> Table:
    """Each bar with its figure."""
    table = Table("what", "how", "measured", "bar", "", title="\nbars", box=box.SIMPLE_HEAD)
    for result in results:
        if bar := result.case.bar:
            what = f"overhead at {result.case.at_once} at once"
            begun = f"{result.first_call_s:.2f}"
            how = (
                f"({result.night.wall_s:.2f} - {begun} to the first call) / {result.ideal_s:.2f} s"
            )
            row(table, what, how, result.ratio_from_first_call, bar, "×")
    row(table, "start-up", f"jianjie --help, median of {HELPS}", help_, HELP_BAR_S, " s")
    for result in (one for one in results if one.case.abstracts in {None, 400}):
        idle_rows(table, result)
    night_row(table, night)
    largest = max(results, key=lambda result: result.papers)
    how = f"{largest.papers} {largest.case.kind}, the largest process"
    row(table, "memory", how, largest.night.peak_mb, MEMORY_BAR_MB, " MB")
    return table


def idle_rows(table: Table, result: Result) -> None:
    """The runs with nothing to do: how long they take, and that they do nothing."""
    seen = result.seen_again
    how = (
        f"{result.papers} {result.case.kind} done, median of {AGAINS};"
        f" {seen.to_arxiv / AGAINS:g} request(s) to arXiv"
    )
    row(table, "nothing to do", how, result.start_up_s, IDLE_BAR_S, " s")
    how = f"   calls of the model {seen.to_model}, files changed {result.changed}"
    row(table, "", how, seen.to_model + result.changed, 0, "")


def night_row(table: Table, night: Result) -> None:
    """The night at arXiv's pace, scaled down from `ARXIV_INTERVAL_S`."""
    asked = night.seen.to_arxiv
    over = night.night.wall_s - night.start_up_s - night.ideal_s
    how = (
        f"({night.night.wall_s:.2f} - {night.start_up_s:.2f}) / ({asked} requests ×"
        f" {INTERVAL_S:g} s), scaled:\n"
        f"   at arXiv's {ARXIV_INTERVAL_S:g} s the {over:.2f} s beyond it would be"
        f" {over / (asked * ARXIV_INTERVAL_S):.1%}"
    )
    row(table, f"nightly, {night.papers} {night.case.kind}", how, night.ratio, NIGHT_BAR, "×")


def row(table: Table, what: str, how: str, measured_: float, bar: float, unit: str) -> None:
    """One figure and its bar."""
    digits = {"×": 3, " s": 2}.get(unit, 0)
    told = f"{measured_:.{digits}f}{unit}"
    table.add_row(what, how, told, f"{bar:g}{unit}", verdict(measured_, bar))


def verdict(figure: float, bar: float) -> str:
    """In words."""
    return "ok" if figure <= bar else "over"


# One measurement


def measured(case: Case) -> Result:
    """The night of a case, and the run after it."""
    with (
        tempfile.TemporaryDirectory(prefix="jianjie-bench-") as folder,
        arxiv_process(case.abstracts) as arxiv,
        model_process(case.latency_s) as model,
    ):
        home = Path(folder)
        settle(home, case, arxiv.url, model.url)
        night = run(home, "run")
        seen = seen_by(model, arxiv)
        papers = listed(home)
        before = published(home)
        again_s = tuple(run(home, "run").wall_s for _ in range(AGAINS))
        after = seen_by(model, arxiv)
        changed = sum(before.get(f) != told for f, told in published(home).items())
    more = after._replace(
        to_model=after.to_model - seen.to_model, to_arxiv=after.to_arxiv - seen.to_arxiv
    )
    return Result(case, papers, night, seen, again_s, more, changed)


def settle(home: Path, case: Case, arxiv_url: str, model_url: str) -> None:
    """The folder's config and prompts."""
    file = write_config(home, arxiv_url, model_url)
    settings: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    settings["models"]["standin"]["concurrency"] = case.at_once
    settings["arxiv"] |= {"interval_s": case.interval_s, "pdf_interval_s": case.interval_s}
    if case.abstracts is not None:
        settings["prompt"] = "abstract"
        settings["paths"]["prompts"] = str(abstract_prompt(home / "prompts"))
    file.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")


def abstract_prompt(folder: Path) -> Path:
    """The default prompt without the text of the PDF."""
    default = (ROOT / "prompts" / "default.md").read_text(encoding="utf-8")
    lines = default.replace("context: full", "context: abstract").splitlines(keepends=True)
    kept = [line for line in lines if "{{ text }}" not in line]
    (folder / "examples").mkdir(parents=True)
    (folder / "abstract.md").write_text("".join(kept), encoding="utf-8")
    (folder / "examples" / EXAMPLE.name).write_bytes(EXAMPLE.read_bytes())
    return folder


def run(home: Path, *arguments: str) -> Run:
    """One `jianjie` process. Ends the benchmark where it fails."""
    log = home / "said.txt"
    private = ("JIANJIE_", "_API_KEY", "_proxy", "_PROXY")
    environment = {k: v for k, v in os.environ.items() if not any(word in k for word in private)}
    began = time.monotonic()
    with log.open("w", encoding="utf-8") as said:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            [*COMMAND, *arguments],
            cwd=home,
            env={**environment, "PYTHONPATH": str(ROOT)},
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        told = log.read_text(encoding="utf-8")[-2000:]
        sys.exit(f"jianjie {' '.join(arguments)} ended with {process.returncode}:\n{told}")
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return Run(began, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / unit)


def help_s() -> float:
    """The median of some `jianjie --help`."""
    with tempfile.TemporaryDirectory(prefix="jianjie-bench-") as folder:
        return statistics.median(run(Path(folder), "--help").wall_s for _ in range(HELPS))


def listed(home: Path) -> int:
    """The papers of the day; none is owed where the run ended well."""
    (file,) = (home / "outputs").glob("20*/*.json")
    return len(json.loads(file.read_text(encoding="utf-8"))["papers"])


def published(home: Path) -> dict[Path, tuple[int, str]]:
    """Every published file with its time and contents; the store and the logs record each run."""
    files = [f for f in (home / "outputs").glob("*/**/*") if f.is_file() and "logs" not in f.parts]
    return {f: (f.stat().st_mtime_ns, hashlib.sha256(f.read_bytes()).hexdigest()) for f in files}


# The servers


class Server(NamedTuple):
    """A server in another process; `count` asks it what it has seen."""

    url: str
    count: Any


def seen_by(model: Server, arxiv: Server) -> Counts:
    """Everything since the servers were started."""
    told = model.count()
    return Counts(told["requests"], arxiv.count(), told["connections"], told["first_at"])


@contextmanager
def model_process(latency_s: float) -> Iterator[Server]:
    """The stand-in model."""
    command = [sys.executable, "-m", "tests.standins.model_process", "--latency", f"{latency_s}"]
    with subprocess.Popen(  # noqa: S603 - our own module
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("both are pipes")
        told, asked = process.stdout, process.stdin

        def count() -> Any:
            asked.write("\n")
            asked.flush()
            return json.loads(told.readline())

        try:
            yield Server(json.loads(told.readline())["url"], count)
        finally:
            asked.close()
            told.read()


@contextmanager
def arxiv_process(papers: int | None) -> Iterator[Server]:
    """The stand-in arXiv; a multiprocessing one, as it has no command line for composed days."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve_arxiv, args=(papers, theirs), daemon=True)
    process.start()

    def count() -> Any:
        ours.send("count")
        return ours.recv()

    try:
        yield Server(ours.recv(), count)
    finally:
        ours.send("end")
        process.join()


def serve_arxiv(papers: int | None, pipe: Connection) -> None:
    """Announce the example day, or so many papers made of its abstracts."""
    listing = example_listing(EXAMPLE)
    if papers is not None:
        listing = composed(listing, papers)
    with FaultyArxiv(listing, demo_pdfs()) as arxiv:
        pipe.send(arxiv.url)
        while pipe.recv() == "count":
            pipe.send(len(arxiv.requests))


def composed(example: Listing, papers: int) -> Listing:
    """The example's new papers over and over, with ids and titles of their own."""
    new = [i.paper for i in example.announcements if i.announce is AnnounceType.NEW]
    items = [
        Announcement(
            announce=AnnounceType.NEW,
            paper=paper.model_copy(
                update={
                    "arxiv_id": f"2601.{10_000 + number}",
                    "version": 1,
                    "title": f"{paper.title} ({number})",
                }
            ),
        )
        for number, paper in enumerate(islice(cycle(new), papers))
    ]
    return example.model_copy(update={"announcements": tuple(items)})


if __name__ == "__main__":
    main()
