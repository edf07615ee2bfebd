"""How fast an archive is worked off, and what a kill costs: every bar in one run.

    make bench-backfill                 made-up papers
    make bench-backfill PAPERS=FILE     those of arXiv's metadata snapshot

A real `jianjie backfill run` with a model on loopback that answers in half a second, 64 calls open;
its folder lies on the disk, so that each reply that is kept is really written.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml

from pipeline.backfill.coordinator import Address, Coordinator, serving
from pipeline.backfill.ledger import Ledger
from pipeline.backfill.lines import JobLines
from pipeline.backfill.link import Link
from pipeline.backfill.messages import Enter, Leave
from pipeline.backfill.order import JobFolder
from pipeline.backfill.parts import read_part
from pipeline.clock import Clock
from pipeline.llm.budget import Budget
from pipeline.llm.pace import Pace
from pipeline.settings import BudgetSettings, EndpointProfile
from scripts.bench import (
    COMMAND,
    OUT,
    ROOT,
    Figure,
    Server,
    abstract_prompt,
    model_process,
    table_of,
)
from tests.standins.archive import archive_papers, write_snapshot
from tests.standins.settings import write_config

PAPERS, OPEN, LATENCY_S = 10_000, 64, 0.5
KILLED_PAPERS, KILLS = 3_000, {"worker": 7, "driver": 7, "actor": 6}
"""Papers of the jobs that are killed, and how often each kind dies: twenty moments in all."""
RATE_BARS = {"local": 0.90, "ray": 0.85}
FLAT_BAR = 1.15
RESUME_BAR_S = 15.0
_SETTLED = 0.15
"""Of a job: until then its processes and pools are starting."""
Engine = Literal["local", "ray"]


class Bench(NamedTuple):
    """A user's folder with a snapshot, and the model's process."""

    home: Path
    papers: Path
    model: Server

    @property
    def job(self) -> JobFolder:
        """Where the job lies."""
        return JobFolder(self.home / "outputs" / "backfill" / "audio")

    def start(self, engine: Engine) -> subprocess.Popen[str]:
        """The command."""
        more = ["--local"] if engine == "local" else []
        private = ("JIANJIE_", "_API_KEY", "_proxy", "_PROXY")
        environment = {k: v for k, v in os.environ.items() if not any(w in k for w in private)}
        return subprocess.Popen(  # noqa: S603 - our own command line
            [*COMMAND, "backfill", "run", f"snapshot:{self.papers}", *more],
            cwd=self.home,
            env={**environment, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def asked(self) -> int:
        """Calls that the model has seen."""
        return int(self.model.count()["requests"])


def main() -> None:
    """Measure everything, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=Path, help="arXiv's snapshot in the place of made-up ones")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--only", choices=["rate", "kills", "coordinator"])
    asked = parser.parse_args()
    load = os.getloadavg()[0]
    figures: list[Figure] = []
    if asked.only in {None, "coordinator"}:
        figures += of_the_coordinator()
    if asked.only in {None, "rate"}:
        for engine in RATE_BARS:
            figures += of_a_whole_job(engine, asked.papers)  # type: ignore[arg-type]
    if asked.only in {None, "kills"}:
        for victim, kills in KILLS.items():
            figures += of_kills(victim, kills)
    OUT.print(table_of(figures, {}))
    OUT.print(f"{os.cpu_count()} cores; load average {load:.1f} at the start")
    if asked.json:
        kept = {figure.what: figure._asdict() for figure in figures}
        asked.json.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


@contextmanager
def opened(papers: Path | None, count: int) -> Iterator[Bench]:
    """A folder with its settings, on the disk and not in memory."""
    with (
        tempfile.TemporaryDirectory(prefix="jianjie-bench-", dir="/var/tmp") as folder,
        model_process(LATENCY_S) as model,
    ):
        home = Path(folder)
        file = write_config(home, "http://127.0.0.1:1", model.url)
        settings: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        settings["models"]["standin"]["concurrency"] = OPEN
        settings["prompt"] = "abstract"
        settings["paths"]["prompts"] = str(abstract_prompt(home / "prompts"))
        settings["fields"]["audio"]["categories"] += ["cs.CL", "cs.CV", "cs.LG", "cs.RO"]
        file.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
        some = papers or write_snapshot(home / "arxiv.json", archive_papers(count, a_day=40))
        yield Bench(home, some, model)


def of_a_whole_job(engine: Engine, papers: Path | None) -> Iterator[Figure]:
    """Its rate between the first call and the last, and the memory of its workers."""
    with opened(papers, PAPERS) as bench:
        began = time.monotonic()
        driver = bench.start(engine)
        with memory_of(driver.pid, engine) as seen:
            _, said = driver.communicate()
        if driver.returncode:
            sys.exit(f"jianjie backfill run ended with {driver.returncode}:\n{said[-2000:]}")
        wall = time.monotonic() - began
        told = bench.model.count()
        done = checked(bench)
    span = told["last_at"] - told["first_at"]
    ideal = OPEN / LATENCY_S
    yield Figure(f"{engine}: papers a second", done / span, "")
    # A table's bars are for what is better smaller: how much longer than the ideal.
    yield Figure(
        f"{engine}: time, from the first call",
        span * ideal / done,
        "× ideal",
        round(1 / RATE_BARS[engine], 3),
    )
    yield Figure(f"{engine}: ... of the ideal rate", 100 * done / span / ideal, "%")
    yield Figure(f"{engine}: first call", told["first_at"] - began, "s")
    yield Figure(f"{engine}: whole process", wall, "s")
    early, late = halves(seen)
    yield Figure(f"{engine}: a worker's memory, late", late, "MB")
    yield Figure(f"{engine}: ... of that after the start", late / early, "×", FLAT_BAR)


def of_kills(victim: str, kills: int) -> Iterator[Figure]:
    """What dies is killed at moments that are drawn."""
    engine: Engine = "ray" if victim == "actor" else "local"
    chance = random.Random(victim)  # noqa: S311 - moments, no secret
    resumed: list[float] = []
    with opened(None, KILLED_PAPERS) as bench:
        moments = sorted(chance.sample(range(OPEN * 2, KILLED_PAPERS - OPEN * 2), kills))
        driver = bench.start(engine)
        for moment in moments:
            until(driver, lambda at=moment: bench.asked >= at)  # type: ignore[misc]
            if victim != "driver":
                kill(chance.choice(workers_of(driver.pid, engine)))
                continue
            kill(driver.pid)
            driver.communicate()
            time.sleep(2 * LATENCY_S)  # what was open is answered by now
            before, began = bench.asked, time.monotonic()
            driver = bench.start(engine)
            until(driver, lambda at=before: bench.asked > at)  # type: ignore[misc]
            resumed.append(time.monotonic() - began)
        _, said = driver.communicate()
        if driver.returncode:
            sys.exit(f"after {kills} kills it ended with {driver.returncode}:\n{said[-2000:]}")
        checked(bench)
        again = bench.asked - KILLED_PAPERS
    yield Figure(f"{kills} × kill -9 of a {victim}: calls repeated", again, "", OPEN * kills)
    if resumed:
        yield Figure("... first call after the start, slowest", max(resumed), "s", RESUME_BAR_S)


def of_the_coordinator() -> Iterator[Figure]:
    """How many calls a second it can let go, for workers in other processes."""
    clock = Clock()
    profile = EndpointProfile.model_validate({"base_url": "http://127.0.0.1:1", "model": "m"})
    job = Coordinator(
        Ledger([]),
        Pace(100_000, clock, patience_s=1, where="m"),
        Budget(profile, BudgetSettings()),
        JobLines(lambda _since, _until: ()),
        clock,
        lambda _file, _shard: None,
    )
    with serving(job) as address:
        command = [sys.executable, "-m", "scripts.bench_backfill_caller", *map(str, address)]
        callers = [
            subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603
            for _ in range(2)
        ]
        rates = [float(caller.communicate()[0]) for caller in callers]
    yield Figure("coordinator: calls that it lets go", sum(rates), "a second")


def call_as_a_worker(address: Address) -> float:
    """Calls a second that one process with 16 threads is let go."""
    calls, threads = 4_000, 16
    with closing(Link(address, f"caller-{os.getpid()}", Clock())) as link:

        def work() -> None:
            for _ in range(calls // threads):
                turn = link.ask(Enter(tokens=0)).turn
                link.tell(Leave(turn=turn, answered=True))

        pool = [threading.Thread(target=work) for _ in range(threads)]
        began = time.monotonic()
        for thread in pool:
            thread.start()
        for thread in pool:
            thread.join()
        return calls / (time.monotonic() - began)


def checked(bench: Bench) -> int:
    """The papers, of which each must be there once and done."""
    rows = [row for file in bench.job.parts.glob("part-*.parquet") for row in read_part(file)]
    plan = bench.job.need_plan()
    ids = {row.planned.paper.arxiv_id for row in rows}
    if not len(rows) == len(ids) == plan.papers:
        sys.exit(f"{len(rows)} rows of {len(ids)} papers, where {plan.papers} were announced")
    lines = [row.outcome for row in rows if hasattr(row.outcome, "summary")]
    if len(lines) != plan.papers:
        sys.exit(f"{plan.papers - len(lines)} papers have no line")
    return plan.papers


# Processes


@contextmanager
def memory_of(driver: int, engine: Engine) -> Iterator[list[float]]:
    """The largest worker's resident memory in MB, twice a second while the block runs."""
    seen: list[float] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.5):
            sizes = [size for pid in workers_of(driver, engine) if (size := resident(pid))]
            seen.extend([max(sizes)] if sizes else [])

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    yield seen
    over.set()
    thread.join()


def halves(seen: list[float]) -> tuple[float, float]:
    """The median when all has started, and at the end."""
    settled = seen[int(len(seen) * _SETTLED) :]
    quarter = max(1, len(settled) // 4)
    if not settled:
        return math.nan, math.nan
    return statistics.median(settled[:quarter]), statistics.median(settled[-quarter:])


def resident(pid: int) -> float:
    """MB; 0 where it is over."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1e3
    return 0.0


def workers_of(driver: int, engine: Engine) -> list[int]:
    """The processes that do the driver's work."""
    mark = b"spawn_main" if engine == "local" else b"ray::_Actor"
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(stat.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
            if mark not in stat.with_name("cmdline").read_bytes():
                continue
            if engine == "ray" or parent == driver:
                found.append(int(stat.parent.name))
    return found


def kill(pid: int) -> None:
    """As nobody expects it."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def until(driver: subprocess.Popen[str], condition: Any) -> None:
    """While the driver works."""
    while not condition():
        if driver.poll() is not None:
            sys.exit(f"it ended with {driver.returncode}:\n{driver.communicate()[1][-2000:]}")
        time.sleep(0.02)


if __name__ == "__main__":
    main()
