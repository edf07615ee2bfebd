"""What happens, as it happens: one JSON line an event in a log file, and to whoever listens."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from pipeline.clock import Clock
from pipeline.files import cannot_write, owner_alone, owners_folder
from pipeline.records import Record

LOG = ".jsonl"
"""How a log's name ends."""

Value = str | int | float | bool | None


class Event(Record):
    """`kind` is a word such as paper_done; `about` an arXiv id or a date."""

    kind: str
    about: str = ""
    details: dict[str, Value] = {}  # noqa: RUF012 - pydantic copies defaults


Listener = Callable[[Event], None]


def log_file(outputs: Path, clock: Clock) -> Path:
    """A new log's name: when it began, and the process."""
    return outputs / "logs" / f"{clock.now():%Y-%m-%dT%H-%M-%SZ}-{os.getpid()}{LOG}"


class Events:
    """Safe to call from many threads. Raises OutputError when the log cannot be written."""

    def __init__(self, path: Path, clock: Clock, listener: Listener | None = None) -> None:
        self.path = path
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
                owners_folder(self.path.parent, f"*{LOG}")
                owner_alone(self.path)
                self._file = self.path.open("a", encoding="utf-8", errors="backslashreplace")
            self._file.write(line + "\n")
            self._file.flush()
        except OSError as error:
            self._drop()
            raise cannot_write(self.path, error) from error

    def _drop(self) -> None:
        file, self._file = self._file, None
        if file:
            with suppress(OSError):  # every line was flushed; what could not be is told already
                file.close()
