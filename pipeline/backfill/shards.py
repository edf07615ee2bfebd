"""A plan's shards on the disk: cut from the papers in order, the same each time."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import shutil
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from pipeline.backfill.order import JobFolder, Order, Plan, Planned, Shard
from pipeline.errors import OutputError, UsageError, one_line
from pipeline.files import cannot_write, write_atomic

_ROOM = 300
"""Files that are open at once while papers are sorted by month: 25 years of arXiv."""


def plan_job(order: Order, papers: Iterable[Planned], folder: JobFolder, now: dt.datetime) -> Plan:
    """Cut the papers into shards, and write the plan when they are all there.

    Each paper once, in its newest version. They need not fit into memory: they are sorted a month
    at a time. The same papers give the same shards, so that a shard whose file is lost is made
    again as it was. Raises UsageError where there is none, OutputError.
    """
    try:
        months, newest = _by_month(papers, folder)
        shards, days = _cut(order, months, newest, folder)
        shutil.rmtree(folder.planning)
    except OSError as error:
        raise cannot_write(folder.root, error) from error
    if not shards:
        raise UsageError(
            "no paper is left to do", where=order.source, fix="Look at field, dates and ids"
        )
    return Plan(order=order, planned=now, shards=tuple(shards), days=dict(sorted(days.items())))


def keep_plan(plan: Plan, folder: JobFolder) -> None:
    """From here on the papers are announced. Raises OutputError."""
    write_atomic(folder.plan_file, plan.model_dump_json(indent=1).encode() + b"\n")


def read_shard(folder: JobFolder, shard: Shard) -> list[Planned]:
    """The papers of a shard. Raises OutputError where its file is not what was planned."""
    path = folder.papers(shard.name)
    try:
        with gzip.open(path, "rb") as file:
            papers = [Planned.model_validate_json(line) for line in file]
    except (OSError, EOFError, zlib.error, ValidationError) as error:
        raise _damaged(path, one_line(error)[:200]) from error
    if _hash(papers) != shard.name.partition("-")[2] or len(papers) != shard.papers:
        raise _damaged(path, "it has other papers than were planned")
    return papers


def _damaged(path: Path, what: str) -> OutputError:
    return OutputError(
        f"is damaged: {what}",
        where=path,
        fix="Give the job's sources again: the shard is planned anew, and what is done is kept",
    )


def _by_month(
    papers: Iterable[Planned], folder: JobFolder
) -> tuple[dict[str, Path], dict[str, tuple[int, str]]]:
    """A file for each month, and for each paper its newest version and the day it stands on."""
    shutil.rmtree(folder.planning, ignore_errors=True)
    folder.planning.mkdir(parents=True)
    months: dict[str, Path] = {}
    newest: dict[str, tuple[int, str]] = {}
    files = _Files()
    try:
        for one in papers:
            version, day = one.paper.version, one.date.isoformat()
            if newest.get(one.paper.arxiv_id, (-1, ""))[0] >= version:
                continue
            newest[one.paper.arxiv_id] = version, day
            month = f"{one.date:%Y-%m}"
            path = months.setdefault(month, folder.planning / f"{month}.jsonl")
            files.of(path).write(one.model_dump_json().encode() + b"\n")
    finally:
        files.close()
    return months, newest


class _Files:
    """Open for appending, not too many at once."""

    def __init__(self) -> None:
        self._open: dict[Path, IO[bytes]] = {}

    def of(self, path: Path) -> IO[bytes]:
        """The file at `path`."""
        if path not in self._open:
            if len(self._open) >= _ROOM:
                self.close()
            self._open[path] = path.open("ab")
        return self._open[path]

    def close(self) -> None:
        """All of them."""
        while self._open:
            self._open.popitem()[1].close()


def _cut(
    order: Order, months: dict[str, Path], newest: dict[str, tuple[int, str]], folder: JobFolder
) -> tuple[list[Shard], Counter[dt.date]]:
    shards: list[Shard] = []
    days: Counter[dt.date] = Counter()
    waiting: list[Planned] = []
    for month in sorted(months):
        for one in _sorted(months[month], newest):
            days[one.date] += 1
            waiting.append(one)
            if len(waiting) == order.shard_papers:
                shards.append(_written(waiting, len(shards), folder))
                waiting = []
    if waiting:
        shards.append(_written(waiting, len(shards), folder))
    return shards, days


def _sorted(path: Path, newest: dict[str, tuple[int, str]]) -> Iterator[Planned]:
    with path.open("rb") as file:
        papers = [Planned.model_validate_json(line) for line in file]
    kept = {
        one.paper.arxiv_id: one
        for one in papers
        if newest[one.paper.arxiv_id] == (one.paper.version, one.date.isoformat())
    }
    yield from sorted(kept.values(), key=lambda one: one.order)


def _written(papers: list[Planned], number: int, folder: JobFolder) -> Shard:
    shard = Shard(
        name=f"{number:05d}-{_hash(papers)}",
        papers=len(papers),
        first=papers[0].date,
        last=papers[-1].date,
    )
    text = b"".join(one.model_dump_json().encode() + b"\n" for one in papers)
    # Without a time of its own the file is the same each time that it is made.
    write_atomic(folder.papers(shard.name), gzip.compress(text, 6, mtime=0), durable=False)
    return shard


def _hash(papers: list[Planned]) -> str:
    names = "".join(f"{one.date} {one.paper.versioned}\n" for one in papers)
    return hashlib.sha256(names.encode()).hexdigest()[:12]
