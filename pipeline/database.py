"""The SQLite file under the store: the only module that opens it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import OutputError, one_line
from pipeline.files import owner_alone
from pipeline.schema import MIGRATIONS

Connection = sqlite3.Connection
IntegrityError = sqlite3.IntegrityError


class Database:
    """One connection for all threads. Everything raises OutputError on a bad disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        with self._translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            owner_alone(path)  # SQLite makes -wal and -shm with the same mode
            for left in path.parent.glob(f"{path.name}-*"):
                owner_alone(left)
            self._db = sqlite3.connect(path, check_same_thread=False, timeout=30)
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
                # Every commit reaches the disk: what was paid for survives a power cut too.
                self._db.execute("PRAGMA synchronous = FULL")
                self._migrate()
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _migrate(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise OutputError(
                f"was written by a newer jianjie (schema {version})",
                where=self._path,
                fix="Update jianjie",
            )
        for number in range(version, len(MIGRATIONS)):
            self._db.executescript(
                f"BEGIN; {MIGRATIONS[number]} PRAGMA user_version = {number + 1}; COMMIT;"
            )

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock, self._translated():
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: committed whole, or not at all."""
        with self._lock, self._translated(), self._db:
            yield self._db

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise OutputError(
                f"the store cannot be used: {one_line(error)}",
                where=self._path,
                fix="Make room or give write permission, then run again: nothing stored is lost",
            ) from error
