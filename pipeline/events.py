"""What happens, as it happens: one JSON line an event in a log file, and to whoever listens."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from pipeline.clock import Clock
from pipeline.files import cannot_write, owner_alone
from pipeline.records import Record

Value = str | int | float | bool | None


class Event(Record):
    """`kind` is a word such as paper_done; `about` an arXiv id or a date."""

    kind: str
    about: str = ""
    details: dict[str, Value] = {}  # noqa: RUF012 - pydantic copies defaults


Listener = Callable[[Event], None]


class Events:
    """Safe to call from many threads. Raises OutputError when the log cannot be written."""

    def __init__(self, path: Path, clock: Clock, listener: Listener | None = None) -> None:
        self._path = path
        self._clock = clock
        self._listener = listener
        self._lock = threading.Lock()
        self._file: IO[str] | None = None

    def emit(self, kind: str, about: object = "", **details: Value) -> None:
        """Write the event to the log, and pass it on."""
        event = Event(kind=kind, about=str(about), details=details)
        line = {"time": self._clock.now().isoformat(), "event": kind}
        line |= {"about": event.about} if event.about else {}
        with self._lock:
            self._write(json.dumps(line | details, ensure_ascii=False))
            if self._listener:
                self._listener(event)

    def close(self) -> None:
        """Close the log."""
        with self._lock:
            self._drop()

    def _write(self, line: str) -> None:
        try:
            if self._file is None:
                owner_alone(self._path.parent, folder=True)
                owner_alone(self._path)
                self._file = self._path.open("a", encoding="utf-8", errors="backslashreplace")
            self._file.write(line + "\n")
            self._file.flush()
        except OSError as error:
            self._drop()
            raise cannot_write(self._path, error) from error

    def _drop(self) -> None:
        file, self._file = self._file, None
        if file:
            with suppress(OSError):  # every line was flushed; what could not be is told already
                file.close()
