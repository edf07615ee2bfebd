"""Who may read what a night leaves: the store and the logs their owner, the digests everybody."""

from __future__ import annotations

import datetime as dt
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.clock import Clock
from pipeline.events import Events
from pipeline.files import owner_alone
from pipeline.store.store import Store
from tests.standins.house import DAY, House

PUBLIC = {"site", DAY}


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


pytestmark = pytest.mark.usefixtures("usual_umask")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def open_to_others(folder: Path) -> Iterator[Path]:
    """The files below that others can come to and read."""
    for path in folder.iterdir():
        if path.is_dir() and mode(path) & 0o001:
            yield from open_to_others(path)
        elif path.is_file() and mode(path) & 0o044:
            yield path


def test_a_night_opens_what_it_publishes_and_nothing_else(house: House) -> None:
    done = house.run("run", "--limit", "2")
    assert done.returncode == 1, done.stderr
    outputs = house.folder / "outputs"
    seen = {path.relative_to(outputs) for path in open_to_others(outputs)}
    assert {path.parts[0] for path in seen} - {".lock", ".lock-holder.json", ".site-lock"} == PUBLIC
    assert {path.suffix for path in seen if path.parts[0] == DAY} == {".md", ".json"}
    assert mode(outputs) == mode(outputs / DAY) == mode(outputs / "site") == 0o755
    assert mode(outputs / "logs") == 0o700
    assert {mode(path) for path in (outputs / "logs").iterdir()} == {0o600}
    assert mode(outputs / "jianjie.sqlite3") == 0o600


def test_what_an_older_jianjie_left_open_is_mended(house: House) -> None:
    assert house.run("run", "--limit", "1").returncode == 1
    outputs = house.folder / "outputs"
    old = [outputs / "jianjie.sqlite3", *(outputs / "logs").iterdir()]
    for path in old:
        path.chmod(0o644)
    assert house.run("run", "--limit", "1").returncode == 1
    assert mode(outputs / "jianjie.sqlite3") == 0o600
    assert {mode(path) for path in (outputs / "logs").iterdir()} == {0o600}


def test_the_stores_own_files_while_it_is_open(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "new" / "store.sqlite3")) as store:
        store.days.add_quiet(dt.date(2026, 1, 7), "audio")
        names = {path.name: mode(path) for path in (tmp_path / "new").iterdir()}
    assert names == dict.fromkeys(
        ("store.sqlite3", "store.sqlite3-wal", "store.sqlite3-shm"), 0o600
    )


def test_a_log_that_a_killed_run_left_is_mended_with_its_store(tmp_path: Path) -> None:
    """-wal and -shm stay behind after kill -9, with the papers of that night in them."""
    path = tmp_path / "store.sqlite3"
    with closing(Store(path)) as store:
        store.days.add_quiet(dt.date(2026, 1, 7), "audio")
        for name in ("store.sqlite3", "store.sqlite3-wal", "store.sqlite3-shm"):
            (tmp_path / name).chmod(0o644)
        with closing(Store(path)):
            assert {mode(each) for each in tmp_path.iterdir()} == {0o600}


def test_a_store_that_another_user_lets_us_use_is_used(tmp_path: Path) -> None:
    """Its mode is that user's to change: here the chmod fails for the name is too long."""
    owner_alone(tmp_path / ("a" * 300))
    assert list(tmp_path.iterdir()) == []


def test_a_log_is_the_owners_from_its_first_byte(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "night.jsonl"
    events = Events(path, Clock())
    events.emit("started")
    assert (mode(path.parent), mode(path)) == (0o700, 0o600)
    path.chmod(0o644)
    events.close()
    events.emit("again")
    events.close()
    assert (mode(path.parent), mode(path)) == (0o700, 0o600)


def test_a_folder_that_others_live_in_keeps_its_mode(tmp_path: Path) -> None:
    """As root this once shut /dev: a log at /dev/full, in a folder made its owner's alone."""
    shared = tmp_path / "shared"
    shared.mkdir(0o755)
    (shared / "theirs.txt").write_text("")
    (tmp_path / "logs").symlink_to(shared)
    os.mkfifo(shared / "pipe.jsonl", 0o644)
    events = Events(tmp_path / "logs" / "night.jsonl", Clock())
    events.emit("started")
    events.close()
    assert mode(shared) == 0o755
    assert mode(shared / "theirs.txt") == 0o644
    assert mode(shared / "pipe.jsonl") == 0o644
    assert mode(shared / "night.jsonl") == 0o600


def test_a_store_behind_a_link_is_the_owners_too(tmp_path: Path) -> None:
    (tmp_path / "disk").write_text("")
    (tmp_path / "store.sqlite3").symlink_to(tmp_path / "disk")
    owner_alone(tmp_path / "store.sqlite3")
    assert mode(tmp_path / "disk") == 0o600
