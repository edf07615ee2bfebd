"""The part of the store about messages: what was told, and what has still to reach whom."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

from pipeline.records import Day, Done, Record
from pipeline.store.columns import MESSAGE_CREATED, TOLD_DONE, TOLD_OWED
from pipeline.store.database import Connection, Database

UNSENT, SENT, GIVEN_UP = "unsent", "sent", "given up"


class Told(Record):
    """The papers of a day that a message told as done, and as owed; ids with versions."""

    done: frozenset[str] = frozenset()
    owed: frozenset[str] = frozenset()


class Message(Record):
    """One message, the same for all targets."""

    about: str
    """The days in it: 2026-01-07 audio; empty where it has none."""
    failure: str | None = None
    """The kinds of error that ended the run or a field's part of it."""
    title: str
    body: str


class Delivery(Record):
    """A message on its way to one target, which is the name of an environment variable."""

    message: int
    target: str
    created: dt.datetime
    attempts: int
    error: str | None
    """Why the last attempt failed."""
    title: str
    body: str


class Messages:
    """Safe to call from many threads; raises OutputError on a bad disk."""

    def __init__(self, file: Database) -> None:
        self._file = file

    def told(self, date: dt.date, field: str) -> Told:
        """What was told of a day."""
        rows = self._file.rows(
            "SELECT done, owed FROM told WHERE date = ? AND field = ?", date.isoformat(), field
        )
        key = f"{date} {field}"
        done = self._file.read(TOLD_DONE, rows[0][0], key) if rows else None
        owed = self._file.read(TOLD_OWED, rows[0][1], key) if rows else None
        return Told(done=frozenset(done or ()), owed=frozenset(owed or ()))

    def told_failure(self, failure: str, since: dt.datetime) -> bool:
        """Whether a message about this kind of error was made since then."""
        return bool(
            self._file.rows(
                "SELECT 1 FROM messages WHERE failure = ? AND created >= ? LIMIT 1",
                failure,
                since.isoformat(),
            )
        )

    def add(
        self, message: Message, days: Sequence[Day], targets: Sequence[str], now: dt.datetime
    ) -> None:
        """Keep a message before it is sent, and that these days are told, in one commit."""
        with self._file.write() as db:
            row = db.execute(
                "INSERT INTO messages (created, about, failure, title, body)"
                " VALUES (?, ?, ?, ?, ?)",
                (now.isoformat(), message.about, message.failure, message.title, message.body),
            )
            db.executemany(
                "INSERT INTO deliveries VALUES (?, ?, ?, 0, NULL)",
                [(row.lastrowid, target, UNSENT) for target in targets],
            )
            for day in days:
                _tell(db, day)

    def set_told(self, day: Day) -> None:
        """All that there is to tell of a day was told."""
        with self._file.write() as db:
            _tell(db, day)

    def unsent(self) -> list[Delivery]:
        """What has not reached its target yet, oldest first."""
        rows = self._file.rows(
            "SELECT m.seq, d.message, d.target, m.created, d.attempts, d.error, m.title, m.body"
            " FROM deliveries AS d JOIN messages AS m ON m.seq = d.message"
            " WHERE d.state = ? ORDER BY d.message, d.target",
            UNSENT,
        )
        return self._file.records(Delivery, MESSAGE_CREATED, rows)

    def set_sent(self, message: int, target: str) -> None:
        """It has reached the target."""
        self._set(message, target, SENT, 1, None)

    def set_unsent(self, message: int, target: str, error: str) -> None:
        """An attempt failed; the next run tries again."""
        self._set(message, target, UNSENT, 1, error)

    def set_given_up(self, message: int, target: str) -> None:
        """It is too old to be sent."""
        self._set(message, target, GIVEN_UP, 0, None)

    def _set(self, message: int, target: str, state: str, attempts: int, error: str | None) -> None:
        with self._file.write() as db:
            db.execute(
                "UPDATE deliveries SET state = ?, attempts = attempts + ?,"
                " error = coalesce(?, error) WHERE message = ? AND target = ?",
                (state, attempts, error, message, target),
            )


def _tell(db: Connection, day: Day) -> None:
    told = told_of(day)
    values = (json.dumps(sorted(ids)) for ids in (told.done, told.owed))
    db.execute(
        "INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?)",
        (day.date.isoformat(), day.field, *values),
    )


def told_of(day: Day) -> Told:
    """All that there is to tell of a day."""
    done = {o.announcement.paper.versioned for o in day.outcomes if isinstance(o, Done)}
    every = {o.announcement.paper.versioned for o in day.outcomes}
    return Told(done=frozenset(done), owed=frozenset(every - done))
