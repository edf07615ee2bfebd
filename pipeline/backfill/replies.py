"""A shard's replies, kept as they come, before they are judged.

Each worker that has the shard writes a file of its own; whoever has it next reads all of them, so
that no reply is asked for twice. A line that was cut off by a kill is no reply.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Literal

from pydantic import ValidationError

from pipeline.files import cannot_write
from pipeline.records import Inquiry, Record, Reply
from pipeline.store.spending import Spend

_LARGEST = 400_000_000
"""Bytes: a shard of 500 papers with three long replies each has some six million."""


class _Came(Record):
    kind: Literal["reply"] = "reply"
    round: int
    key: str
    attempt: int
    reply: Reply


class _Judged(Record):
    kind: Literal["refused"] = "refused"
    round: int
    key: str
    attempt: int
    reasons: tuple[str, ...]


class _Spent(Record):
    kind: Literal["spent"] = "spent"
    spend: Spend


class Replies:
    """The log of one shard in one worker's hands; `round` counts how often it was finished before.

    Safe for many threads. Raises OutputError on a bad disk.
    """

    def __init__(self, folder: Path, worker: str, round_: int) -> None:
        self._path = folder / f"{round_}-{worker}.jsonl"
        self._round = round_
        self._now: dict[tuple[str, int], Reply] = {}
        self._earlier: defaultdict[str, list[tuple[int, int, Reply]]] = defaultdict(list)
        for came in kept(folder):
            if came.round == round_:
                self._now[came.key, came.attempt] = came.reply
            else:
                self._earlier[came.key].append((came.round, came.attempt, came.reply))
        self._file: IO[bytes] | None = None
        self._writing = threading.Lock()
        self._syncing = threading.Lock()
        self._written = self._synced = 0

    def close(self) -> None:
        """Close the file."""
        with self._writing:
            if self._file is not None:
                self._file.close()

    # What stages/summarize.py wants of a log

    def get(self, key: str, attempt: int) -> Reply | None:
        """The reply to this attempt in this round."""
        return self._now.get((key, attempt))

    def refusals(self, key: str) -> int:
        """Rounds before that ended without a valid reply."""
        return len({number for number, _, _ in self._earlier.get(key, ())})

    def refused(self, key: str) -> Sequence[Reply]:
        """The replies of those rounds."""
        return [
            reply for _, _, reply in sorted(self._earlier.get(key, ()), key=lambda one: one[:2])
        ]

    def add(self, key: str, attempt: int, reply: Reply, inquiry: Inquiry | None = None) -> None:  # noqa: ARG002 - the protocol's
        """Keep a reply: on the disk when this returns."""
        self._now[key, attempt] = reply
        self._write(_Came(round=self._round, key=key, attempt=attempt, reply=reply), sync=True)

    def add_reasons(self, key: str, attempt: int, reasons: Sequence[str]) -> None:
        """Keep why it was refused."""
        round_, told = self._round, tuple(reasons)
        self._write(_Judged(round=round_, key=key, attempt=attempt, reasons=told), sync=False)

    def spent(self, spend: Spend) -> None:
        """A call that may have cost something and brought no reply."""
        self._write(_Spent(spend=spend), sync=True)

    def _write(self, record: Record, *, sync: bool) -> None:
        line = record.model_dump_json().encode() + b"\n"
        try:
            with self._writing:
                if self._file is None:
                    self._path.parent.mkdir(parents=True, exist_ok=True)
                    self._file = self._path.open("ab")
                    if self._path.stat().st_size:
                        self._file.write(b"\n")  # behind a line that a kill may have cut
                self._file.write(line)
                self._file.flush()
                self._written += 1
                mine, file = self._written, self._file
            if sync:
                self._sync(file, mine)
        except OSError as error:
            raise cannot_write(self._path, error) from error

    def _sync(self, file: IO[bytes], mine: int) -> None:
        """On the disk, with whatever others wrote meanwhile: one wait for all of them."""
        with self._syncing:
            if self._synced < mine:
                written = self._written
                os.fsync(file.fileno())
                self._synced = written


def kept(folder: Path) -> list[_Came]:
    """All replies of a shard, whoever wrote them; the first of two for one attempt stands."""
    replies: dict[tuple[int, str, int], _Came] = {}
    for line in _lines(folder):
        try:
            came = _Came.model_validate_json(line)
        except ValidationError:
            continue  # a reason, what a call may have cost, or a line that a kill cut
        replies.setdefault((came.round, came.key, came.attempt), came)
    return list(replies.values())


def spending(folder: Path) -> list[Spend]:
    """What a shard's calls cost, those without a reply too."""
    unsure = []
    for line in _lines(folder):
        if b'"kind":"spent"' in line:
            try:
                unsure.append(_Spent.model_validate_json(line).spend)
            except ValidationError:
                continue
    return [*(Spend.of(came.reply) for came in kept(folder)), *unsure]


def _lines(folder: Path) -> list[bytes]:
    lines: list[bytes] = []
    for path in sorted(folder.glob("*.jsonl")):
        try:
            if path.stat().st_size <= _LARGEST:
                lines += path.read_bytes().splitlines()
        except OSError as error:
            raise cannot_write(path, error) from error
    return [line for line in lines if line]
