"""The SQLite file under the store: the only module that opens it."""

from __future__ import annotations

import datetime as dt
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pipeline.errors import OutputError, StoreDamaged, one_line
from pipeline.files import owner_alone, remedy
from pipeline.records import Record
from pipeline.store.columns import Column
from pipeline.store.schema import MIGRATIONS

Connection = sqlite3.Connection
IntegrityError = sqlite3.IntegrityError
T = TypeVar("T")
R = TypeVar("R", bound=Record)
Warn = Callable[[str], None]

_AGAIN = "then run again: nothing stored is lost"
_PERMISSION = f"Give write permission for it and its folder, {_AGAIN}"
_REBUILD = "See how far: jianjie doctor; jianjie restore rebuilds it"
_TROUBLES: Mapping[str, tuple[str, str]] = {
    "FULL": ("the disk is full", f"Make room, {_AGAIN}"),
    "IOERR": ("the system does not read or write it", f"Look at disk and quota, {_AGAIN}"),
    "READONLY": ("it is read-only", _PERMISSION),
    "PERM": ("it may not be opened", _PERMISSION),
    "CANTOPEN": ("it cannot be opened", f"See that you may use it and its folder, {_AGAIN}"),
    "BUSY": ("another process holds it", f"Wait until that one ends, {_AGAIN}"),
    "LOCKED": ("another process holds it", f"Wait until that one ends, {_AGAIN}"),
    "PROTOCOL": ("another process holds it", f"Wait until that one ends, {_AGAIN}"),
    "CORRUPT": ("it is damaged", _REBUILD),
    "NOTADB": ("it is no SQLite file", _REBUILD),
}
"""By SQLite's result codes (sqlite.org/rescode.html). What is not here is a mistake of our own."""
_STEPS = 500
"""Of SQLite's virtual machine, between two looks at the clock."""


class Unreadable(NamedTuple):
    """How many rows of a column cannot be read, and the first of them."""

    rows: int
    first: str


class Database:
    """One connection for all threads. Everything raises OutputError on a bad disk."""

    def __init__(self, path: Path, *, warn: Warn = lambda _: None, reading: bool = False) -> None:
        """Open the file, and make or migrate it.

        `reading`: neither file nor folder is touched; one of an older schema is brought up in
        memory, and one that is not there is empty. `warn` is told, once each, of rows that cannot
        be read, and of what is not shown.
        """
        self._path = path
        self._warn = warn
        self._lock = threading.RLock()
        self._told: set[str] = set()
        self.changes = 0
        """Rows changed so far, but for the list of runs."""
        with self._translated():
            self._db = self._to_read() if reading else self._to_write()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _to_write(self) -> Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        owner_alone(self._path)  # SQLite makes -wal and -shm with the same mode
        for left in self._path.parent.glob(f"{self._path.name}-*"):
            owner_alone(left)
        with _closed_on_error(_connect(str(self._path))) as db:
            db.execute("PRAGMA journal_mode = WAL")
            # Every commit reaches the disk: what was paid for survives a power cut too.
            db.execute("PRAGMA synchronous = FULL")
            self._migrate(db)
            return db

    def _to_read(self) -> Connection:
        with _closed_on_error(self._unchanged()) as db:
            if _version(db) == len(MIGRATIONS):
                return _only_read(db)
            with closing(db), _closed_on_error(_connect(":memory:")) as memory:
                db.backup(memory)
                self._migrate(memory)
                return _only_read(memory)

    def _unchanged(self) -> Connection:
        """A connection that writes nothing, nor makes a file in a folder of somebody else's.

        While a writer is at work, or after one was killed, the newest changes stand in a second
        file, -wal, and its index, -shm. Without these nobody writes, and the file alone has all.
        """
        if not self._path.exists():
            self._warn(f"{self._path}: there is no store yet: jianjie run makes it")
            return _connect(":memory:")
        uri, log = self._path.absolute().as_uri(), Path(f"{self._path}-wal")
        if log.exists():
            with_log = partial(_connect, f"{uri}?mode=ro&readonly_shm=1", uri=True)
            with suppress(sqlite3.OperationalError), _closed_on_error(with_log()) as db:
                _version(db)
                return db
            if log.stat().st_size:
                self._warn(f"{log}: cannot be used here: what was stored last is not shown")
        return _connect(f"{uri}?immutable=1", uri=True)

    def _migrate(self, db: Connection) -> None:
        version = _version(db)
        if version > len(MIGRATIONS):
            raise OutputError(
                f"was written by a newer jianjie (schema {version})",
                where=self._path,
                fix="Update jianjie",
            )
        for number in range(version, len(MIGRATIONS)):
            db.executescript(
                f"BEGIN; {MIGRATIONS[number]} PRAGMA user_version = {number + 1}; COMMIT;"
            )

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What a query finds."""
        with self._lock, self._translated():
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def write(self, *, counted: bool = True) -> Iterator[Connection]:
        """One transaction, or a part of the greater one: committed whole, or not at all."""
        with self._lock, self._translated():
            before = self._db.total_changes
            if self._db.in_transaction:
                yield self._db
            else:
                with self._db:
                    yield self._db
            self.changes += self._db.total_changes - before if counted else 0

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that this thread writes in the block is committed whole, or not at all."""
        with self._lock, self._translated(), self._db:
            self._db.execute("BEGIN")
            yield

    # Rows that cannot be read

    def read(self, column: Column[T], text: str | None, key: object) -> T | None:
        """The value in a row's text; None where there is none, or none that can be read."""
        return None if text is None else self.made(partial(column.parse, text), column, key)

    def made(self, make: Callable[[], T], column: Column[Any], key: object) -> T | None:
        """What `make` makes of a row; None, told once, where it raises ValueError."""
        try:
            return make()
        except ValueError:
            text = f"{self._path.name}: {column.table} {key} cannot be read: {column.cost}"
            with self._lock:
                new = text not in self._told
                self._told.add(text)
            if new:
                self._warn(f"{text}. See: jianjie doctor")
            return None

    def keys(
        self, column: Column[dt.date], rows: Iterable[tuple[str, str]]
    ) -> list[tuple[dt.date, str]]:
        """Rows of date and field, without those whose date cannot be read."""
        dated = [(self.read(column, date, f"{date} {field}"), field) for date, field in rows]
        return [(date, field) for date, field in dated if date is not None]

    def records(
        self, model: type[R], column: Column[Any], rows: Iterable[Sequence[object]]
    ) -> list[R]:
        """Of each row the first value names it, the others are the model's fields in order."""
        made = [
            self.made(
                partial(model.model_validate, dict(zip(model.model_fields, values, strict=True))),
                column,
                key,
            )
            for key, *values in rows
        ]
        return [record for record in made if record is not None]

    def unreadable(self, column: Column[Any]) -> Unreadable | None:
        """The rows of a column that cannot be read; None where all can."""
        query = f"SELECT {column.key}, {column.name} FROM {column.table}"  # noqa: S608 - ours
        rows = self.rows(f"{query} WHERE {column.name} IS NOT NULL ORDER BY rowid")
        broken = [key for key, text in rows if column.read(text) is None]
        return Unreadable(len(broken), str(broken[0])) if broken else None

    # The file as a whole

    def damage(self, *, quick: bool = False, seconds: float | None = None) -> str | None:
        """The first thing that SQLite's own check finds; None where nothing is wrong.

        `quick` does not hold the indices against the rows. Raises TimeoutError after `seconds`.
        """
        check = "quick_check" if quick else "integrity_check"
        deadline = math.inf if seconds is None else time.monotonic() + seconds
        self._db.set_progress_handler(lambda: int(time.monotonic() > deadline), _STEPS)
        try:
            verdict = self.rows(f"PRAGMA {check}(1)")[0][0]
        except StoreDamaged as error:
            return error.what
        except sqlite3.OperationalError as error:
            if _kind(error) == "INTERRUPT":
                raise TimeoutError from error
            raise
        finally:
            self._db.set_progress_handler(None, 0)
        return None if verdict == "ok" else one_line(verdict)

    def copy_to(self, path: Path) -> None:
        """All that is committed, into the empty file at `path`: one file, with no log beside it."""
        with self._lock, self._translated(path), closing(_connect(str(path))) as copy:
            copy.execute("PRAGMA synchronous = OFF")  # whoever wants it on the disk syncs the file
            copy.execute("PRAGMA journal_mode = OFF")
            self._db.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")

    @contextmanager
    def _translated(self, where: Path | None = None) -> Iterator[None]:
        """What a disk does becomes an OutputError; a mistake of our own stays what it is."""
        place = where or self._path
        try:
            yield
        except sqlite3.Error as error:
            if (trouble := _TROUBLES.get(_kind(error))) is None:
                raise
            what, fix = trouble
            kind = StoreDamaged if fix == _REBUILD else OutputError
            raise kind(
                f"the store cannot be used: {what} ({one_line(error)})", where=place, fix=fix
            ) from error
        except OSError as error:
            raise OutputError(
                f"the store cannot be used: {one_line(error.strerror or error)}",
                where=place,
                fix=f"{remedy(error)}, {_AGAIN}",
            ) from error


def _kind(error: sqlite3.Error) -> str:
    """SQLite's result code without its details: IOERR of SQLITE_IOERR_WRITE."""
    name: str = getattr(error, "sqlite_errorname", "")  # what Python itself finds has none
    return name.split("_")[1] if "_" in name else ""


def _connect(name: str, *, uri: bool = False) -> Connection:
    db = sqlite3.connect(name, check_same_thread=False, timeout=30, uri=uri)
    # A byte that is no UTF-8 costs its row, not the whole query: \xff is no escape of JSON's.
    db.text_factory = partial(str, encoding="utf-8", errors="backslashreplace")
    return db


def _only_read(db: Connection) -> Connection:
    db.execute("PRAGMA query_only = 1")
    return db


@contextmanager
def _closed_on_error(db: Connection) -> Iterator[Connection]:
    try:
        yield db
    except BaseException:
        db.close()
        raise


def _version(db: Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])
