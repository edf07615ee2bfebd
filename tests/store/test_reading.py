"""`status` and `show` need a store that can be read, and no more than that."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.store.schema import MIGRATIONS
from pipeline.store.store import Store
from tests.conftest import ROOT
from tests.standins.house import DAY, PAPERS, House, one_error
from tests.standins.model import Answer, Request, good_answer
from tests.standins.readonly import contents, read_only
from tests.standins.records import NOW
from tests.store.test_store import add, listing, paper, summary

PAPER = "2601.02954v1"


WRITE_AND_DIE = """
import os, sys
from pathlib import Path
from tests.store.test_store import Store, add, listing, paper, summary

store = Store(Path(sys.argv[1]))
add(store, listing(paper("2601.00001", title="An Audible Paper")))
store.summaries.publish(summary("甲", "2601.00001"))
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def left_behind(house: House) -> House:
    """The store of a process that was killed: what it wrote stands in the -wal alone."""
    Store(house.store).close()
    command = [sys.executable, "-c", WRITE_AND_DIE, str(house.store)]
    killed = subprocess.run(command, cwd=ROOT, check=False)
    assert killed.returncode == -9
    assert Path(f"{house.store}-wal").stat().st_size > 0
    return house


def test_a_store_that_one_may_only_read_is_shown(finished: House) -> None:
    with read_only(finished.folder / "outputs"):
        before = contents(finished.folder)
        status, show = finished.look("status"), finished.look("show", PAPER)
        assert contents(finished.folder) == before

    assert (status.returncode, status.stderr) == (0, "")
    assert f"{DAY}" in status.stdout
    assert f"{PAPERS}" in status.stdout
    assert (show.returncode, show.stderr) == (0, "")
    assert "●" in show.stdout


def test_looking_leaves_nothing_in_a_folder_that_could_be_written(finished: House) -> None:
    before = contents(finished.folder)

    assert finished.run("status").returncode == 0
    assert finished.run("show", PAPER).returncode == 0

    assert contents(finished.folder) == before


def test_a_running_night_is_shown_as_far_as_it_is(house: House) -> None:
    looked: list[subprocess.CompletedProcess[str]] = []

    def answer(request: Request) -> Answer:
        if not looked and house.store.exists():
            looked.append(house.look("status"))
        return good_answer(request)

    house.model.answer = answer
    assert house.run("run").returncode == 0
    (status,) = looked
    assert (status.returncode, status.stderr) == (0, "")
    assert DAY in status.stdout
    assert "running or killed" in status.stdout


def test_what_a_killed_process_wrote_last_is_shown(left_behind: House) -> None:
    with read_only(left_behind.folder / "outputs"):
        show = left_behind.look("show", "2601.00001")

    assert (show.returncode, show.stderr) == (0, "")
    assert "An Audible Paper" in show.stdout
    assert "甲" in show.stdout


def test_a_log_that_cannot_be_used_is_said_and_the_rest_is_shown(left_behind: House) -> None:
    Path(f"{left_behind.store}-shm").unlink()  # copied from elsewhere without it
    with read_only(left_behind.folder / "outputs"):
        status = left_behind.look("status")

    assert status.returncode == 0
    assert DAY not in status.stdout
    (said,) = status.stderr.splitlines()
    assert said.endswith(
        "jianjie.sqlite3-wal: cannot be used here: what was stored last is not shown"
    )


@pytest.mark.parametrize("schema", range(1, len(MIGRATIONS)))
def test_a_store_of_an_older_schema_is_shown_and_stays_as_it_is(house: House, schema: int) -> None:
    house.store.parent.mkdir()
    with closing(sqlite3.connect(house.store)) as db:
        for number in range(schema):
            db.executescript(MIGRATIONS[number])
        db.execute(f"PRAGMA user_version = {schema}")
        checked = ", NULL" if schema > 1 else ""
        db.execute(f"INSERT INTO days VALUES ('{DAY}', 'audio', '音频', '[]', 'rss'{checked})")
        db.commit()
    before = house.store.read_bytes()

    with read_only(house.folder / "outputs"):
        status = house.look("status")

    assert (status.returncode, status.stderr) == (0, "")
    assert DAY in status.stdout
    assert house.store.read_bytes() == before
    assert house.run("status").stdout == status.stdout
    assert house.store.read_bytes() == before


def test_a_store_of_a_newer_schema_says_what_to_do(house: House) -> None:
    Store(house.store).close()
    with closing(sqlite3.connect(house.store)) as db:
        db.execute("PRAGMA user_version = 99")

    assert "newer jianjie (schema 99). Update jianjie" in one_error(house.run("status"), 2)


def test_looking_makes_no_store(house: House) -> None:
    status = house.run("status")

    assert status.returncode == 0
    assert "there is no store yet: jianjie run makes it" in status.stderr
    assert "not in the store" in house.run("show", PAPER).stderr
    assert not (house.folder / "outputs").exists()


def test_a_store_that_may_not_even_be_read_is_one_line(finished: House) -> None:
    finished.store.chmod(0)

    error = one_error(finished.look("status"), 2)

    assert f"{finished.store}: the store cannot be used: it cannot be opened" in error
    assert "Make room" not in error


def test_a_writer_at_work_and_a_reader_see_the_same(tmp_path: Path) -> None:
    path = tmp_path / "jianjie.sqlite3"
    with closing(Store(path)) as writer:
        add(writer, listing(paper()))
        with closing(Store(path, reading=True)) as reader:
            for line in ("甲", "乙"):
                writer.summaries.publish(summary(line))
                assert reader.summaries.published("2601.00001", 1) == summary(line)
            with pytest.raises(Exception, match="read-only"):
                reader.runs.start("run", NOW)
