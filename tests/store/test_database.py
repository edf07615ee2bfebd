"""What SQLite says of a file becomes one line: what happened, and what to do about that."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.errors import OutputError, StoreDamaged
from pipeline.records import Paper
from pipeline.store.runs import RunOutcome
from pipeline.store.store import Store
from tests.conftest import ROOT
from tests.standins.readonly import read_only, unprivileged
from tests.standins.records import NOW
from tests.store.test_store import add, listing, paper, reply


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outputs" / "jianjie.sqlite3"


class SmallDisk(Store):
    """A disk without room for more."""

    def fill(self) -> None:
        pages = self.file.rows("PRAGMA page_count")[0][0]
        self.file.rows(f"PRAGMA max_page_count = {pages}")


def many() -> list[Paper]:
    return [paper(f"2601.{number:05d}", title="x" * 900) for number in range(1, 100)]


def test_a_full_disk_asks_for_room(path: Path) -> None:
    with closing(SmallDisk(path)) as store:
        store.fill()
        with pytest.raises(OutputError, match=r"the disk is full .*\. Make room, then run again"):
            add(store, listing(*many()))


WRITE = """
import sys
from pathlib import Path
from pipeline.errors import OutputError
from tests.store.test_store import Store, paper
try:
    store = Store(Path(sys.argv[1]))
    store.papers.put(paper("2601.00002"))
except OutputError as error:
    print(error)
"""


def test_a_store_that_may_not_be_written_asks_for_permission(path: Path) -> None:
    Store(path).close()
    with read_only(path.parent):
        said = subprocess.run(
            unprivileged([sys.executable, "-B", "-c", WRITE, str(path)]),
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )

    assert said.stderr == ""
    assert "it is read-only" in said.stdout
    assert "Give write permission for it and its folder" in said.stdout
    assert "room" not in said.stdout


def test_a_store_that_another_process_holds_says_wait(path: Path) -> None:
    Store(path).close()
    with closing(sqlite3.connect(path)) as other, closing(Impatient(path)) as store:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OutputError, match="another process holds it") as caught:
            store.papers.put(paper())
    assert caught.value.fix.startswith("Wait until that one ends")


class Impatient(Store):
    """One that does not wait for half a minute."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.file.rows("PRAGMA busy_timeout = 0")


def test_what_is_no_database_says_how_it_is_rebuilt(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, only text\n" * 100)
    for reading in (False, True):
        with pytest.raises(StoreDamaged, match="it is no SQLite file") as caught:
            Store(path, reading=reading)
        assert "jianjie restore" in caught.value.fix


def test_damaged_pages_say_how_they_are_rebuilt(path: Path) -> None:
    with closing(Store(path)) as store:
        add(store, listing(*many()))
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)

    with (
        pytest.raises(StoreDamaged, match="it is damaged") as caught,
        closing(Store(path)) as damaged,
    ):
        damaged.days.known()
    assert "jianjie doctor" in caught.value.fix


def test_a_folder_in_the_files_place_asks_for_neither_room_nor_permission(path: Path) -> None:
    path.mkdir(parents=True)

    with pytest.raises(OutputError, match="it cannot be opened") as caught:
        Store(path)
    assert "room" not in caught.value.fix


def test_a_mistake_of_our_own_is_no_trouble_of_the_disk(path: Path) -> None:
    with closing(Mistaken(path)) as store:
        store.replies.add("k", 0, reply())
        with pytest.raises(sqlite3.IntegrityError):
            store.replies.add("k", 0, reply())
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            store.ask("SELECT 1 FROM nowhere")
        with pytest.raises(sqlite3.ProgrammingError):
            store.ask("SELECT ?")


class Mistaken(Store):
    """One with a query that is wrong."""

    def ask(self, query: str) -> None:
        self.file.rows(query)


def test_the_first_thing_that_is_damaged_is_named(path: Path) -> None:
    with closing(Store(path)) as store:
        add(store, listing(*many()))
        assert store.file.damage() is None
        assert store.file.damage(quick=True) is None
    with closing(sqlite3.connect(path)) as db:  # an index that lacks rows
        db.execute("PRAGMA writable_schema = 1")
        db.execute(
            "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master"
            " WHERE name = 'published_by_summary') WHERE name = 'announced_by_paper'"
        )
        db.commit()

    with closing(Store(path, reading=True)) as store:
        assert store.file.damage() is not None


def test_a_check_that_takes_too_long_ends(path: Path) -> None:
    with closing(Store(path)) as store:
        add(store, listing(*many()))
        with pytest.raises(TimeoutError):
            store.file.damage(seconds=-1)
        assert store.file.damage() is None


def test_writes_together_are_one_commit(path: Path) -> None:
    with closing(Store(path)) as store:

        def interrupted() -> None:
            with store.file.together():
                add(store, listing(paper()))
                store.replies.add("k", 0, reply())
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert store.days.known() == []
        assert store.replies.get("k", 0) is None
        with store.file.together():
            add(store, listing(paper()))
        assert len(store.days.known()) == 1


def test_the_list_of_runs_is_no_change(path: Path) -> None:
    with closing(Store(path)) as store:
        store.runs.end(store.runs.start("run", NOW), NOW, RunOutcome())
        assert store.file.changes == 0
        add(store, listing(paper()))
        changed = store.file.changes
        assert changed > 0
        add(store, listing(paper()))
        assert store.file.changes == changed  # the same listing again


def test_a_copy_is_one_whole_file(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite3"
    with closing(Store(path)) as store:
        add(store, listing(paper()))
        store.file.copy_to(copy)
        day = store.days.get(*store.days.known()[0])

    assert list(tmp_path.glob("copy.sqlite3*")) == [copy]
    with closing(Store(copy, reading=True)) as copied:
        assert copied.days.get(*copied.days.known()[0]) == day
