"""How fast the real command line is, and how much of that is its own: every bar in one run.

    make bench                        .venv/bin/python -m scripts.bench --json new.json
                                      .venv/bin/python -m scripts.bench --against old.json

Each figure is of a `jianjie` process with a config file in a temporary folder. The model and arXiv
are stand-ins on loopback, in processes of their own.
"""

from __future__ import annotations

import argparse
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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pypdf import PdfWriter
from rich import box
from rich.console import Console
from rich.table import Table

from pipeline.demo.example_day import example_listing
from pipeline.demo.standin import demo_pdfs
from pipeline.records import Announcement, AnnounceType, Listing
from scripts.bench_pieces import pieces
from tests.standins.arxiv import FaultyArxiv
from tests.standins.settings import write_config

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "prompts" / "examples" / "20260107-audio.md"
COMMAND = [sys.executable, "-c", "from pipeline.cli.main import main; main()"]
LATENCY_S = 0.5
INTERVAL_S, ARXIV_INTERVAL_S = 0.2, 3.0
"""The night is scaled: what arXiv asks for is fifteen times as long."""
HELPS, AGAINS = 5, 3
PAGES = 12
OUT = Console(highlight=False, width=110)


class Case(NamedTuple):
    """One night: its papers, its settings, and the bars for its ratios to the ideal."""

    at_once: int
    abstracts: int | None = None
    """So many papers, abstracts only; None: the example day with its PDFs."""
    pages: int = 1
    """Of each PDF."""
    latency_s: float = LATENCY_S
    interval_s: float = 0.0
    whole_bar: float | None = None
    """Of the whole process."""
    from_first_bar: float | None = None
    """From the first call to the model on."""

    @property
    def name(self) -> str:
        """What is read, and how many at once."""
        pages = f" of {self.pages} pages" if self.pages > 1 else ""
        papers = f"26 PDFs{pages}" if self.abstracts is None else f"{self.abstracts} abstracts"
        return f"{papers}, {self.at_once} at once"


CASES = (
    Case(64, 200, whole_bar=1.45, from_first_bar=1.10),
    Case(8, 200, whole_bar=1.10, from_first_bar=1.02),
    Case(64, 400),
    Case(64, 2000),
    Case(8),
)
FULL_TEXTS = (Case(2, pages=PAGES), Case(8, pages=PAGES))
"""Two readers have more to do than the first model, and less than the second."""
PROMPTS = ("default", "few-shot", "intro-conclusion", "slots-first", "zero-shot")
NIGHT = Case(8, latency_s=0.0, interval_s=INTERVAL_S)
FIRST_CALL_BAR_S = 0.8
CPU_BAR_MS = 6.0
FLAT_BAR = 1.10
HELP_BAR_S = 0.25
IDLE_BAR_S = 0.5
MEMORY_BAR_MB = 300.0
NIGHT_BAR = 1.10
EVALUATE_BAR_S = 2.0


class Figure(NamedTuple):
    """One measured value beside its bar; smaller is better."""

    what: str
    value: float
    unit: str
    bar: float | None = None


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
    last_at: float | None
    answering_s: float
    """The time that each request to the model was in flight, summed up."""


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
    def occupancy(self) -> float:
        """How much of what the model could answer at once it did, from the first call to the last
        answer.
        """
        seen = self.seen
        return seen.answering_s / self.case.at_once / ((seen.last_at or 0) - (seen.first_at or 0))

    @property
    def ideal_s(self) -> float:
        """Nothing but waiting for the model, or for arXiv."""
        if self.case.interval_s:
            return self.seen.to_arxiv * self.case.interval_s
        return math.ceil(self.papers / self.case.at_once) * self.case.latency_s


def main() -> None:
    """Measure everything, print it, and keep it where `--json` says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Raw)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--against", type=Path, help="a file that --json wrote: print ratios to it")
    asked = parser.parse_args()
    began, load = time.monotonic(), os.getloadavg()[0]
    before = json.loads(asked.against.read_text(encoding="utf-8")) if asked.against else {}
    figures = [*of_nights([measured(case) for case in CASES]), *of_a_night_at_arxivs_pace()]
    figures += of_full_texts()
    figures += [
        Figure("five prompts on stored replies", evaluate_s(), "s", EVALUATE_BAR_S),
        Figure("jianjie --help", help_s(), "s", HELP_BAR_S),
        *in_pieces(),
    ]
    OUT.print(table_of(figures, before.get("figures", {})))
    OUT.print(
        f"{os.cpu_count()} cores, Python {platform.python_version()};"
        f" {time.monotonic() - began:.0f} s in all;"
        f" load average {load:.1f} at the start, {os.getloadavg()[0]:.1f} at the end"
    )
    if load > (os.cpu_count() or 1) / 4:
        OUT.print("The machine was busy with other things before: the times may be too long.")
    if asked.json:
        kept = {figure.what: figure._asdict() for figure in figures}
        text = json.dumps({"python": platform.python_version(), "figures": kept}, indent=1)
        asked.json.write_text(text + "\n", encoding="utf-8")


class _Raw(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the description."""


def of_nights(results: Sequence[Result]) -> Iterator[Figure]:
    """The bars of every night, and of several held against each other."""
    for result in results:
        name, ideal, wall = result.case.name, result.ideal_s, result.night.wall_s
        yield Figure(f"{name}: whole process", wall / ideal, "× ideal", result.case.whole_bar)
        rest = (wall - result.first_call_s) / ideal
        yield Figure(f"{name}: from the first call", rest, "× ideal", result.case.from_first_bar)
        if result.case.abstracts == 200:
            yield Figure(f"{name}: first call", result.first_call_s, "s", FIRST_CALL_BAR_S)
        else:
            yield Figure(f"{name}: first call", result.first_call_s, "s")
        yield Figure(f"{name}: connections", result.seen.connections, "")
    by_papers = {one.case.abstracts: one for one in results if one.case.at_once == 64}
    small, middle, large = by_papers[200], by_papers[400], by_papers[2000]
    yield Figure("processor time a paper, all of 200", _cpu(small), "ms")
    yield Figure("... of each more, 200 to 400", _cpu_between(small, middle), "ms", CPU_BAR_MS)
    more = _cpu_between(middle, large)
    yield Figure("... of each more, 400 to 2,000", more, "ms", CPU_BAR_MS)
    yield Figure(
        "... how much more than that of 400", more / _cpu_between(small, middle), "×", FLAT_BAR
    )
    yield Figure("largest process, 400 papers", middle.night.peak_mb, "MB", MEMORY_BAR_MB)
    yield Figure("largest process, 2,000 papers", large.night.peak_mb, "MB")
    yield Figure("nothing to do, 400 papers stored", middle.start_up_s, "s", IDLE_BAR_S)
    yield Figure("... requests to arXiv", middle.seen_again.to_arxiv / AGAINS, "", 1)
    yield Figure("... calls and changed files", middle.seen_again.to_model + middle.changed, "", 0)


def _cpu(result: Result) -> float:
    return 1000 * result.night.cpu_s / result.papers


def _cpu_between(small: Result, large: Result) -> float:
    """What each further paper takes: the start is in both."""
    return 1000 * (large.night.cpu_s - small.night.cpu_s) / (large.papers - small.papers)


def of_a_night_at_arxivs_pace() -> Iterator[Figure]:
    """With PDFs, scaled down from `ARXIV_INTERVAL_S`."""
    night = measured(NIGHT)
    ratio = (night.night.wall_s - night.start_up_s) / night.ideal_s
    yield Figure(f"26 PDFs, {INTERVAL_S:g} s between requests", ratio, "× ideal", NIGHT_BAR)
    over = night.night.wall_s - night.start_up_s - night.ideal_s
    share = 1 + over / (night.seen.to_arxiv * ARXIV_INTERVAL_S)
    yield Figure(f"... the same time at arXiv's {ARXIV_INTERVAL_S:g} s", share, "× ideal")


def of_full_texts() -> Iterator[Figure]:
    """How busy the model is kept while PDFs that take their time are read."""
    for result in map(measured, FULL_TEXTS):
        yield Figure(f"{result.case.name}: model busy", 100 * result.occupancy, "%")


def evaluate_s() -> float:
    """The median of some `jianjie evaluate` that find every reply in the store."""
    with (
        tempfile.TemporaryDirectory(prefix="jianjie-bench-") as folder,
        model_process(0.0) as model,
    ):
        home = Path(folder)
        write_config(home, "http://127.0.0.1:1", model.url)
        run(home, "evaluate", *PROMPTS)
        asked = model.count()["requests"]
        median = statistics.median(run(home, "evaluate", *PROMPTS).wall_s for _ in range(AGAINS))
        if model.count()["requests"] != asked:
            sys.exit("jianjie evaluate did not find every reply in the store")
        return median


def in_pieces() -> Iterator[Figure]:
    """Processor time by what it is for."""
    with tempfile.TemporaryDirectory(prefix="jianjie-bench-") as folder:
        prompts = abstract_prompt(Path(folder) / "prompts")
        for piece in pieces(composed(example_listing(EXAMPLE), 400), prompts):
            yield Figure(*piece)


def table_of(figures: Sequence[Figure], before: Mapping[str, Mapping[str, Any]]) -> Table:
    """Each figure, its bar, and how it was before where that is given."""
    table = Table(box=box.SIMPLE_HEAD, title=f"a model that answers in {LATENCY_S:g} s")
    for name in (
        "what",
        "measured",
        "",
        "bar",
        "",
        *(["before", "now / before"] if before else []),
    ):
        table.add_column(name, justify="left" if name in {"what", ""} else "right")
    for what, value, unit, bar in figures:
        verdict = "" if bar is None else "ok" if value <= bar else "over"
        row = [what, _digits(value, unit), unit, "" if bar is None else f"{bar:g}", verdict]
        if before:
            old = before.get(what, {}).get("value")
            row += ["", ""] if not old else [_digits(old, unit), f"{value / old:.2f}"]
        table.add_row(*row)
    return table


def _digits(value: float, unit: str) -> str:
    places = {"× ideal": 3, "×": 2, "s": 2, "ms": 2}.get(unit, 0)
    return f"{value:,.{places}f}"


# One measurement


def measured(case: Case) -> Result:
    """The night of a case, and the run after it."""
    with (
        tempfile.TemporaryDirectory(prefix="jianjie-bench-") as folder,
        arxiv_process(case) as arxiv,
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
    settings["extract"]["workers"] = 2 if case.pages > 1 else 1
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
    return Counts(
        told["requests"],
        arxiv.count(),
        told["connections"],
        told["first_at"],
        told["last_at"],
        told["answering_s"],
    )


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
def arxiv_process(case: Case) -> Iterator[Server]:
    """The stand-in arXiv; a multiprocessing one, as it has no command line for composed days."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve_arxiv, args=(case, theirs), daemon=True)
    process.start()

    def count() -> Any:
        ours.send("count")
        return ours.recv()

    try:
        yield Server(ours.recv(), count)
    finally:
        ours.send("end")
        process.join()


def serve_arxiv(case: Case, pipe: Connection) -> None:
    """Announce the example day, or so many papers made of its abstracts."""
    listing = example_listing(EXAMPLE)
    if case.abstracts is not None:
        listing = composed(listing, case.abstracts)
    with (
        tempfile.TemporaryDirectory(prefix="jianjie-bench-") as folder,
        FaultyArxiv(listing, lengthened(Path(folder), case.pages)) as arxiv,
    ):
        pipe.send(arxiv.url)
        while pipe.recv() == "count":
            pipe.send(len(arxiv.requests))


def lengthened(folder: Path, pages: int) -> Path:
    """The example day's PDFs of one page each, their page so many times."""
    if pages == 1:
        return demo_pdfs()
    for file in demo_pdfs().glob("*.pdf"):
        writer = PdfWriter()
        for _ in range(pages):
            writer.append(file)
        writer.write(folder / file.name)
    return folder


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
