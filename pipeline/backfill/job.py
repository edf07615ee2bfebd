"""Read first: an archive's digests.

    sources ─► plan ─► shards ─► workers ─► parts ─► days

The plan is made once (shards.py): from then on every paper of it is announced, and ends as done or
as owed. Workers (worker.py) take shards and write a part for each; what they share, the coordinator
has (coordinator.py). A day is published when all its shards are over (progress.py). Whatever dies,
running again goes on with what is not over, and asks for no reply twice. A paper's way is
night/paper.py's.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pipeline.backfill import tars
from pipeline.backfill.batches import ByBatch
from pipeline.backfill.coordinator import Address, Coordinator, placed_in, serving
from pipeline.backfill.edges import Edges
from pipeline.backfill.engine import Engine
from pipeline.backfill.ledger import LEASE_S, Ledger
from pipeline.backfill.lines import JobLines
from pipeline.backfill.order import JobFolder, Plan
from pipeline.backfill.pdfs import Pdfs, PdfSources
from pipeline.backfill.progress import Progress, Tracker, Watch
from pipeline.backfill.shards import read_shard
from pipeline.backfill.sources import parse_source
from pipeline.backfill.worker import WorkOrder
from pipeline.config import Config
from pipeline.errors import JianjieError, Mistake
from pipeline.llm.budget import Budget
from pipeline.llm.endpoint import pace_of
from pipeline.settings import EndpointProfile

_LOOK_S = 0.25
_MOST_DEATHS = 5
"""Workers that die one after the other with no shard finished between."""
_CALLS_A_CORE = 8
"""A model that takes more at once is worth another process."""


@dataclass(frozen=True)
class Crew:
    """Who works, and how."""

    engine: Engine
    workers: int
    download: bool = False
    """Whether arXiv is asked for PDFs that no tar has."""
    retry_owed: bool = False
    lease_s: float = LEASE_S


class JobEnd(NamedTuple):
    """What a run of a job came to."""

    progress: Progress
    trouble: JianjieError | None = None
    """Why it could not go on to its end."""


def workers_for(config: Config) -> int:
    """Processes that keep the model busy: one for each processor, where it takes so many calls.

    Of a model on this machine there is one, and it has all of the machine.
    """
    profile = config.profile
    if not isinstance(profile, EndpointProfile):
        return 1
    return min(os.cpu_count() or 1, math.ceil(profile.concurrency / _CALLS_A_CORE))


def run_job(
    edges: Edges, plan: Plan, folder: JobFolder, crew: Crew, watch: Watch = lambda _: None
) -> JobEnd:
    """Work until every shard is over, or nobody can go on. Raises OutputError, UsageError."""
    sweep(folder)
    track = Tracker(edges, plan, folder, watch, retry_owed=crew.retry_owed)
    track.publish_left()
    track.tell(now=True)
    trouble = None
    if track.todo:
        folder.parts.mkdir(parents=True, exist_ok=True)
        archive = tars_of(plan, folder, track.warn)
        pdfs = PdfSources(folder.pdfs, archive, crew.download, edges.pdf_cache, edges.cache)
        profile = edges.config.profile
        by_batch = isinstance(profile, EndpointProfile) and profile.batch
        trouble = (_by_batch if by_batch else _by_workers)(edges, plan, folder, crew, track, pdfs)
        track.tell(now=True)
    return JobEnd(track.progress, trouble)


def sweep(folder: JobFolder) -> None:
    """Remove what killed workers left beside the parts and in the folder of PDFs."""
    for path in (*folder.parts.glob("*.new"), *folder.pdfs.glob("*.pdf")):
        path.unlink(missing_ok=True)


def _by_workers(
    edges: Edges, plan: Plan, folder: JobFolder, crew: Crew, track: Tracker, pdfs: PdfSources
) -> JianjieError | None:
    """By processes that ask the endpoint themselves; why they could not come to the end."""
    config, clock, todo = edges.config, edges.clock, track.todo
    profile, pace = config.profile, None
    if isinstance(profile, EndpointProfile):
        pace = pace_of(profile, clock, config.retry.total_s)
    coordinator = Coordinator(
        Ledger(todo, crew.lease_s),
        pace,
        Budget(profile, config.budget),
        JobLines(track.lines, edges.variant.example_lines),
        clock,
        placed_in(folder.parts),
    )
    with ExitStack() as open_:
        address = open_.enter_context(serving(coordinator, crew.engine.host))
        open_.callback(crew.engine.stop)
        workers = min(crew.workers, len(todo))
        order = _orders(edges, plan, folder, address, workers, pdfs, crew.lease_s)
        deaths = _supervised(edges, crew.engine, workers, order, coordinator, track)
    if coordinator.trouble is None and not coordinator.ledger.over:
        fix = "See the log, and memory and disk of the machine"
        what = f"{deaths} workers died one after the other"
        return Mistake(what, where=folder.root, fix=fix)
    return coordinator.trouble


def _supervised(
    edges: Edges,
    engine: Engine,
    workers: int,
    order: Callable[[int], WorkOrder],
    coordinator: Coordinator,
    track: Tracker,
) -> int:
    """Until no worker is left: another takes the place of one that died. Deaths at the end."""
    for number in range(workers):
        engine.start(order(number))
    running, started, deaths = workers, workers, 0
    while running:
        for ended in engine.ended(_LOOK_S):
            running -= 1
            if ended.well:
                continue
            deaths += 1
            edges.events.emit("worker_died", ended.name)
            over = coordinator.ledger.over or coordinator.trouble is not None
            if not over and deaths <= _MOST_DEATHS:
                engine.start(order(started))
                running, started = running + 1, started + 1
        deaths = 0 if _collect(coordinator, track) else deaths
        edges.clock.sleep(0)
    _collect(coordinator, track)
    return deaths


def _collect(coordinator: Coordinator, track: Tracker) -> bool:
    """Whether a shard came to its end."""
    track.calls = coordinator.calls
    came = bool(coordinator.finished)
    while coordinator.finished:
        track.finished(coordinator.finished.pop(0).shard)
    track.tell()
    return came


def _orders(
    edges: Edges,
    plan: Plan,
    folder: JobFolder,
    address: Address,
    workers: int,
    pdfs: PdfSources,
    lease_s: float,
) -> Callable[[int], WorkOrder]:
    """Makes each worker's order, by its number."""
    config = edges.config
    readers = config.extract.workers or os.cpu_count() or 1

    def order(number: int) -> WorkOrder:
        return WorkOrder(
            name=f"{os.getpid()}-{number}",
            address=address,
            folder=folder.root,
            shards=plan.shards,
            config=config,
            variant=edges.variant,
            build_model=edges.build_model,
            calls=math.ceil(config.profile.concurrency / workers),
            readers=max(1, readers // workers),
            pdfs=pdfs,
            lease_s=lease_s,
        )

    return order


def _by_batch(
    edges: Edges, plan: Plan, folder: JobFolder, crew: Crew, track: Tracker, pdfs: PdfSources
) -> JianjieError | None:
    """By the endpoint's Batch API, from this process; why it could not come to the end."""
    del crew
    with ExitStack() as open_:
        lines = JobLines(track.lines, edges.variant.example_lines)
        batches = ByBatch(edges, plan, folder, lines, open_)
        for shard in batches.work(track.todo, Pdfs(pdfs, edges.config, edges.clock, open_)):
            track.finished(shard)
        return batches.halted


def tars_of(
    plan: Plan, folder: JobFolder, tell: Callable[[str], None]
) -> tuple[Path, tuple[tars.Tar, ...]] | None:
    """The tars that the job's papers need, checked. Raises UsageError."""
    named = next((one for one in plan.order.sources if one.startswith("pdf-tar:")), None)
    if named is None:
        return None  # the others were read when the job was planned, and may be gone
    source = parse_source(named)
    ids = {one.paper.arxiv_id for shard in plan.shards for one in read_shard(folder, shard)}
    wanted = tars.needed(tars.read_manifest(source.path), ids)
    tars.check(source.path, wanted, folder.root / "tars.txt", tell)
    return source.path, wanted
