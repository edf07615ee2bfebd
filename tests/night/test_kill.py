"""SIGKILL at any point, then run again: the same outputs, and no reply paid for twice."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.demo.example_day import example_listing
from pipeline.demo.standin import demo_pdfs
from tests.standins.arxiv import FaultyArxiv
from tests.standins.house import DAY, EXAMPLE, PAPERS, House, open_house
from tests.standins.model import StandInModel, title_of
from tests.standins.settings import write_config

CLOCK_FIELDS = {"created", "seconds", "key"}  # the key has the endpoint's port


class Trap:
    """Kills a process when a server has seen something so many times."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._left = 0
        self._delay = 0.0
        self._wanted: Callable[[str], bool] = lambda _: False

    def arm(self, wanted: Callable[[str], bool], times: int, delay: float) -> None:
        self._wanted, self._left, self._delay = wanted, times, delay

    def saw(self, what: str) -> None:
        with self._lock:
            if not self._wanted(what) or self._left <= 0:
                return
            self._left -= 1
            spring = self._left == 0
        if spring and self.process is not None:
            time.sleep(self._delay)
            self.process.kill()


@pytest.fixture
def trapped(tmp_path: Path) -> Iterator[tuple[House, Trap]]:
    trap = Trap()
    listing = example_listing(EXAMPLE)
    with (
        FaultyArxiv(listing, demo_pdfs(), on_request=trap.saw) as arxiv,
        StandInModel(after_answer=lambda _: trap.saw("answered")) as model,
    ):
        answer = model.answer

        def seen(request: dict[str, Any]) -> Any:
            trap.saw("asked")
            return answer(request)

        model.answer = seen
        config = write_config(tmp_path, arxiv.url, model.url)
        yield House(tmp_path, config, arxiv, model), trap


@pytest.fixture(scope="session")
def reference(finished_night: Path) -> tuple[bytes, Any]:
    """The outputs of a night that nothing disturbed."""
    digest = finished_night / "outputs" / DAY / "audio.md"
    document = json.loads(digest.with_suffix(".json").read_text(encoding="utf-8"))
    return digest.read_bytes(), without_clock(document)


def without_clock(value: Any) -> Any:
    """The JSON without what a clock wrote."""
    if isinstance(value, dict):
        return {k: without_clock(v) for k, v in value.items() if k not in CLOCK_FIELDS}
    return [without_clock(item) for item in value] if isinstance(value, list) else value


def stored_replies(house: House) -> int:
    """Replies that were safe on disk at the moment of the kill."""
    file = house.folder / "outputs" / "jianjie.sqlite3"
    if not file.exists():
        return 0
    with closing(sqlite3.connect(file)) as database:
        tables = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'replies'").fetchall()
        return int(database.execute("SELECT count(*) FROM replies").fetchone()[0]) if tables else 0


POINTS = [
    ("the feed is asked for", lambda what: what.startswith("/rss/"), 1, 0.0),
    ("metadata is asked for", lambda what: what.startswith("/api/"), 1, 0.0),
    ("the first PDF", lambda what: what.startswith("/pdf/"), 1, 0.0),
    ("the 14th PDF", lambda what: what.startswith("/pdf/"), 14, 0.003),
    ("the 9th question", lambda what: what == "asked", 9, 0.0),
    ("the first answer", lambda what: what == "answered", 1, 0.0),
    ("just after the 7th answer", lambda what: what == "answered", 7, 0.004),
    ("just after the last answer", lambda what: what == "answered", PAPERS, 0.01),
    ("about when files are written", lambda what: what == "answered", PAPERS, 0.05),
]


@pytest.mark.parametrize(
    ("wanted", "times", "delay"), [p[1:] for p in POINTS], ids=[p[0] for p in POINTS]
)
def test_a_killed_night_is_finished_by_the_next_run(
    trapped: tuple[House, Trap],
    reference: tuple[bytes, Any],
    wanted: Callable[[str], bool],
    times: int,
    delay: float,
) -> None:
    house, trap = trapped
    trap.arm(wanted, times, delay)
    trap.process = house.start("run")
    trap.process.communicate(timeout=60)
    killed = trap.process.returncode == -9
    assert killed or delay >= 0.01  # the last points may come just too late to hit anything
    safe, asked = stored_replies(house), len(house.model.requests)

    result = house.run("run")
    assert result.returncode == 0, result.stderr
    assert house.digest.read_bytes() == reference[0]
    assert without_clock(house.document) == reference[1]
    again = [title_of(request) for request in house.model.requests[asked:]]
    assert len(again) == len(set(again)) == PAPERS - safe
    leftovers = [p for p in house.digest.parent.iterdir() if p.name.startswith(".")]
    assert len(leftovers) <= 1  # at most the temporary file of the kill itself


@pytest.mark.long
def test_the_demo_with_the_built_in_model_survives_a_kill(tmp_path: Path) -> None:
    """The README's demo itself: killed after some papers, then finished."""
    with open_house(tmp_path) as house:
        # One thread: llama.cpp's threads wait for each other, and the suite wants the other core.
        profile = {"kind": "embedded", "concurrency": 1, "threads": 1}
        house.settings(model="builtin", models={"builtin": profile})
        process = house.start("demo")
        deadline = time.monotonic() + 300
        while stored_replies(house) < 5 and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(process.pid, 9)
        process.communicate(timeout=10)
        before = made_at(house)
        safe = stored_replies(house)
        assert safe >= 5

        result = house.run("demo")
        assert result.returncode in {0, 1}, result.stderr
        for word in ("announced", "done", "owed", "time", "tokens", "tags agree", "digest"):
            assert word in result.stdout
        account = house.document["ledger"]
        assert account["announced"] == PAPERS == account["done"] + account["owed"]
        assert account["done"] >= 25  # 97.5% of this adapter's first replies are valid
        assert account["from_pdf"] == account["done"]
        after = made_at(house)
        assert before.items() <= after.items()
        tries = sum(p["provenance"]["tries"] for p in house.document["papers"] if p["line"])
        assert stored_replies(house) == tries + 3 * account["owed"]


def made_at(house: House) -> dict[str, str]:
    """When each stored summary was made, by paper."""
    with closing(sqlite3.connect(house.folder / "outputs" / "jianjie.sqlite3")) as database:
        rows = database.execute("SELECT summary FROM summaries").fetchall()
    made = [json.loads(row[0]) for row in rows]
    return {summary["arxiv_id"]: summary["provenance"]["created"] for summary in made}


def test_ctrl_c_ends_with_130_and_the_next_run_finishes(trapped: tuple[House, Trap]) -> None:
    house, _ = trapped
    quick = house.model.answer

    def slow(request: dict[str, Any]) -> Any:
        time.sleep(0.2)
        return quick(request)

    house.model.answer = slow
    process = house.start("run")
    while len(house.model.requests) < 3:
        time.sleep(0.01)
    process.send_signal(2)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.strip() == "jianjie: interrupted. Run again to finish: nothing stored is lost"
    assert (house.folder / "outputs" / DAY / "audio.md").exists()
    house.model.answer = quick
    safe, asked = stored_replies(house), len(house.model.requests)
    assert house.run("run").returncode == 0
    assert len(house.model.requests) - asked == PAPERS - safe
    assert house.document["ledger"]["done"] == PAPERS
