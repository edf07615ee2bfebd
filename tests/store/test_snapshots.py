"""A copy of the store after a night: whole or not there, three kept, never the night's trouble."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.errors import OutputError
from pipeline.store.snapshots import KEPT, snapshot, snapshots
from pipeline.store.store import Store
from tests.conftest import ROOT
from tests.standins.house import PAPERS, House, open_house
from tests.standins.readonly import read_only, unprivileged
from tests.standins.records import NOW
from tests.store.test_store import DATE, add, listing, paper


@pytest.fixture
def house(tmp_path: Path, finished_night: Path) -> Iterator[House]:
    """The morning after a good night."""
    for part in ("outputs", "cache"):
        shutil.copytree(finished_night / part, tmp_path / part)
    with open_house(tmp_path) as opened:
        yield opened


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "jianjie.sqlite3")) as opened:
        yield opened


def test_a_night_leaves_a_snapshot_with_all_that_it_did(house: House) -> None:
    (path,) = snapshots(house.store.parent)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    with closing(Store(path, reading=True)) as copied, closing(Store(house.store)) as own:
        assert copied.days.known() == own.days.known()
        day = copied.days.get(*copied.days.known()[0])
        assert day == own.days.get(*own.days.known()[0])
        assert day is not None
        assert len(day.done) == PAPERS
        assert copied.runs.last(5) == own.runs.last(5)  # the night is over when it is made
        assert copied.runs.last(5)[0].exit_status == 0


def test_where_nothing_changed_there_is_no_other_snapshot(house: House) -> None:
    (path,) = snapshots(house.store.parent)
    path.unlink()

    assert house.run("run").returncode == 0
    assert snapshots(house.store.parent) == []
    assert house.run("reprocess", "2601.02954").returncode == 0
    assert len(snapshots(house.store.parent)) == 1


def test_a_snapshot_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    with open_house(tmp_path) as house:
        house.store.parent.mkdir()
        (house.store.parent / "snapshots").write_text("in the way")

        run = house.run("run")

        assert (run.returncode, run.stderr) == (0, "")
        assert house.document["ledger"]["done"] == PAPERS
        (log,) = (house.folder / "outputs" / "logs").iterdir()
        events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        (warning,) = [event["text"] for event in events if event["event"] == "warning"]
        assert "snapshots" in warning
        assert "cannot be written" in warning


def test_three_days_are_kept_and_of_each_the_last(store: Store, tmp_path: Path) -> None:
    made = []
    for day in range(5):
        now = NOW + dt.timedelta(days=day)
        for hour in range(2):
            add(store, listing(paper(f"2601.{day:04d}{hour}")))
            made.append(snapshot(store, tmp_path, now + dt.timedelta(hours=hour)))

    assert snapshots(tmp_path) == made[:3:-2]
    assert [path.name for path in snapshots(tmp_path)] == [
        "2026-01-11.sqlite3",
        "2026-01-10.sqlite3",
        "2026-01-09.sqlite3",
    ]
    assert {path.name for path in (tmp_path / "snapshots").iterdir()} == {
        path.name for path in snapshots(tmp_path)
    }
    with closing(Store(snapshots(tmp_path)[0], reading=True)) as newest:
        assert newest.days.get(DATE, "audio") == store.days.get(DATE, "audio")


def test_a_damaged_store_takes_no_good_snapshots_place(tmp_path: Path) -> None:
    path = tmp_path / "jianjie.sqlite3"
    with closing(Store(path)) as store:
        add(store, listing(*(paper(f"2601.{n:05d}") for n in range(300))))
        good = snapshot(store, tmp_path, NOW).read_bytes()
    content = bytearray(path.read_bytes())
    content[20_000:60_000] = b"\xa5" * 40_000
    path.write_bytes(content)

    with (
        closing(Store(path)) as store,
        pytest.raises(OutputError, match="damaged") as caught,
    ):
        snapshot(store, tmp_path, NOW)

    assert "jianjie restore" in caught.value.fix
    assert [p.read_bytes() for p in (tmp_path / "snapshots").iterdir()] == [good]


def test_a_folder_that_cannot_be_written_leaves_the_old_ones(tmp_path: Path) -> None:
    command = f"""
import sys
from pathlib import Path
from pipeline.errors import OutputError
from pipeline.store.snapshots import snapshot
from pipeline.store.store import Store
from tests.standins.records import NOW
try:
    snapshot(Store(Path({str(tmp_path / "jianjie.sqlite3")!r})), Path({str(tmp_path)!r}), NOW)
except OutputError as error:
    print(error)
"""
    with closing(Store(tmp_path / "jianjie.sqlite3")) as store:
        add(store, listing(paper()))
        old = snapshot(store, tmp_path, NOW).read_bytes()
        add(store, listing(paper("2601.00002")))
    with read_only(tmp_path / "snapshots"):
        said = subprocess.run(
            unprivileged([sys.executable, "-B", "-c", command]),
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )

    assert said.stderr == ""
    assert "cannot be written: Permission denied. Give permission" in said.stdout
    assert [path.read_bytes() for path in snapshots(tmp_path)] == [old]


SNAP_FOREVER = """
import datetime as dt, sys
from pathlib import Path
from pipeline.store.snapshots import snapshot
from tests.standins.records import NOW
from tests.store.test_store import Store, add, listing, paper

folder = Path(sys.argv[1])
store = Store(folder / "jianjie.sqlite3")
for night in range(100_000):
    date = dt.date(2026, 1, 7) + dt.timedelta(days=night)
    add(store, listing(*(paper(f"2601.{n:05d}", night + 1) for n in range(400)), date=date))
    snapshot(store, folder, NOW + dt.timedelta(days=night))
    print(night, flush=True)
"""


@pytest.mark.parametrize("nights", [1, 2, 5])
def test_a_kill_in_the_middle_leaves_whole_snapshots(tmp_path: Path, nights: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SNAP_FOREVER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(nights)][-1]
        parts = tmp_path / "snapshots"
        while not list(parts.glob(".*.part*")):
            time.sleep(0.0005)
        time.sleep(random.Random(nights).random() * 0.01)
        os.kill(process.pid, signal.SIGKILL)

    kept = snapshots(tmp_path)
    assert min(nights, KEPT) <= len(kept) <= KEPT + 1  # killed before the oldest was removed
    for path in kept:
        with closing(Store(path, reading=True)) as copied:
            assert copied.file.damage() is None
            days = copied.days.known()
            assert {path.name[:10]} == {f"{days[0][0]}"}
            day = copied.days.get(*days[0])
            assert day is not None
            assert len(day.outcomes) == 400
    assert len(kept) >= min(told + 1, KEPT)
    with closing(Store(tmp_path / "jianjie.sqlite3")) as store:  # the next night goes on
        later = NOW + dt.timedelta(days=400)
        assert snapshot(store, tmp_path, later) == snapshots(tmp_path)[0]
        snapshot(store, tmp_path, dt.datetime.now(dt.UTC) + dt.timedelta(hours=2))
    assert not list((tmp_path / "snapshots").glob(".*.part*"))
