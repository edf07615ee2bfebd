"""A user with a snapshot of an archive, and a model on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from pipeline.backfill.order import JobFolder
from pipeline.backfill.parts import Row, read_part
from pipeline.demo.archive import Archive
from pipeline.records import Done, Paper
from tests.standins.archive import archive_papers, write_snapshot
from tests.standins.arxiv import FaultyArxiv
from tests.standins.house import House, open_house
from tests.standins.records import NOW

PROMPT = """\
---
description: Of the abstract
context: abstract
text_tokens: 1000
reply: json
temperature: 0
max_tokens: 300
---
=== system ===
你是论文速览编辑。用 JSON 回答：{"分类": [...], "简介": "..."}
=== user ===
Title: {{ title }}
Abstract: {{ abstract }}
"""


class Office:
    """A house with an archive beside it."""

    def __init__(self, house: House, papers: list[Paper]) -> None:
        self.house = house
        self.papers = papers
        self.snapshot = write_snapshot(house.folder / "arxiv.json", papers)
        self.job = JobFolder(house.folder / "outputs" / "backfill" / "audio")

    @property
    def calls(self) -> int:
        return len(self.house.model.requests)

    def run(self, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """With all that tests mean by a job, until its end."""
        return self.house.run("backfill", "run", *self.arguments, *more, **environment)

    @property
    def arguments(self) -> list[str]:
        return [f"snapshot:{self.snapshot}", "--local", "--workers", "2", "--shard", "20"]

    def start(self, *more: str) -> subprocess.Popen[str]:
        return self.house.start("backfill", "run", *self.arguments, *more)

    def state(self) -> dict[str, Any]:
        told = self.house.run("backfill", "status", "--json")
        assert told.returncode == 0, told.stderr
        state: dict[str, Any] = json.loads(told.stdout)
        return state

    def rows(self) -> list[Row]:
        """Of all parts."""
        files = sorted(self.job.parts.glob("part-*.parquet"))
        return [row for file in files for row in read_part(file)]

    def check_whole(self) -> None:
        """Every paper once, with a line of its own."""
        rows = self.rows()
        ids = [row.planned.paper.arxiv_id for row in rows]
        assert sorted(ids) == sorted(paper.arxiv_id for paper in self.papers)
        lines = [row.outcome.summary.line for row in rows if isinstance(row.outcome, Done)]
        assert len(lines) == len(set(lines)) == len(ids)


@contextmanager
def open_office(folder: Path, papers: int = 100, **settings: object) -> Iterator[Office]:
    prompts = folder / "prompts"
    prompts.mkdir(parents=True)
    (prompts / "abstract.md").write_text(PROMPT, encoding="utf-8")
    own = {
        "prompt": "abstract",
        "paths": {
            "outputs": str(folder / "outputs"),
            "prompts": str(prompts),
            "cache": str(folder / "cache"),
        },
        **settings,
    }
    with open_house(folder, FaultyArxiv(Archive([], lambda: NOW), folder), **own) as house:
        yield Office(house, archive_papers(papers))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def workers_of(driver: int) -> list[int]:
    """The processes under a driver that do its work."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parts = stat.read_text().rpartition(")")[2].split()
            command = stat.with_name("cmdline").read_bytes()
            if int(parts[1]) == driver and b"spawn_main" in command:
                found.append(int(stat.parent.name))
    return found


def kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def wait_until(
    driver: subprocess.Popen[str] | None, condition: Callable[[], bool], seconds: float = 30
) -> None:
    """Until it is so, while the driver works."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert driver is None or driver.poll() is None, driver.communicate()
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.005)
