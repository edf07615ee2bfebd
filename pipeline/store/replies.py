"""The part of the store about replies of models.

They are kept as they come, judged afterwards, and their round is closed when the paper is done or
the tries are used up.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from pipeline.records import Inquiry, Reply
from pipeline.store.columns import ORIGIN, REASONS, REPLY
from pipeline.store.database import Connection, Database
from pipeline.store.spending import Spend, add_spend


class Replies:
    """Safe to call from many threads; raises OutputError on a bad disk."""

    def __init__(self, file: Database) -> None:
        self._file = file

    def get(self, key: str, attempt: int) -> Reply | None:
        """The reply to this attempt (0-based) in the open round, if it came before a crash."""
        round_ = self.round(key)
        rows = self._file.rows(
            "SELECT reply FROM replies WHERE key = ? AND round = ? AND attempt = ?",
            key,
            round_,
            attempt,
        )
        return self._file.read(REPLY, rows[0][0], f"{key} {round_} {attempt}") if rows else None

    def add(self, key: str, attempt: int, reply: Reply, inquiry: Inquiry | None = None) -> None:
        """Keep a reply and its cost, before it is judged; `inquiry` says what it was made from."""
        with self._file.write() as db:
            if inquiry is not None:
                add_inquiry(db, inquiry)
            add_reply(db, (key, self.round(key), attempt), reply)

    def add_reasons(self, key: str, attempt: int, reasons: Sequence[str]) -> None:
        """Keep why a reply was refused."""
        with self._file.write() as db:
            db.execute(
                "UPDATE replies SET reasons = ? WHERE key = ? AND round = ? AND attempt = ?",
                (json.dumps(list(reasons), ensure_ascii=False), key, self.round(key), attempt),
            )

    def close_round(self, key: str) -> None:
        """The tries so far are used up without a valid reply; the next night asks anew."""
        with self._file.write() as db:
            close_round(db, key, refused=True)

    def reopen(self, key: str) -> None:
        """Ask anew though the model declined: somebody wants this paper again."""
        if any(reply.declined for reply, _ in self.judged(key)):
            self.close_round(key)

    def unjudged(self, summary: str, but: str) -> list[Inquiry]:
        """The inquiries for a summary, all but one, whose last reply came and was never judged.

        The text that a paper is read from changes between nights: what was paid for before is not
        lost with the question.
        """
        rows = self._file.rows(
            "SELECT DISTINCT i.key, i.origin FROM inquiries AS i JOIN replies AS r USING (key)"
            " LEFT JOIN rounds AS o USING (key) WHERE i.summary = ? AND i.key <> ?"
            " AND r.reasons IS NULL AND r.round = coalesce(o.closed, 0) ORDER BY i.rowid",
            summary,
            but,
        )
        origins = [(key, self._file.read(ORIGIN, origin, key)) for key, origin in rows]
        return [Inquiry(key=key, summary=summary, origin=one) for key, one in origins if one]

    def judged(self, key: str) -> list[tuple[Reply, tuple[str, ...] | None]]:
        """The open round's replies, each with the reasons against it; None: not judged yet."""
        rows = self._file.rows(
            f"SELECT {REPLY.key}, reply, reasons FROM replies"  # noqa: S608 - ours
            " WHERE key = ? AND round = ? ORDER BY attempt",
            key,
            self.round(key),
        )
        judged = [
            (self._file.read(REPLY, reply, name), self._file.read(REASONS, reasons, name))
            for name, reply, reasons in rows
        ]
        return [(reply, reasons) for reply, reasons in judged if reply]

    def refused(self, key: str) -> list[Reply]:
        """The replies of the rounds since the last valid summary, oldest first."""
        rows = self._file.rows(
            f"SELECT {REPLY.key}, reply FROM replies JOIN rounds USING (key)"  # noqa: S608 - ours
            " WHERE key = ? AND round < closed AND round >= closed - refused"
            " ORDER BY round, attempt",
            key,
        )
        replies = (self._file.read(REPLY, reply, name) for name, reply in rows)
        return [reply for reply in replies if reply]

    def round(self, key: str) -> int:
        """How many rounds of tries for this key are over: the open one's number."""
        rows = self._file.rows("SELECT closed FROM rounds WHERE key = ?", key)
        return int(rows[0][0]) if rows else 0

    def refusals(self, key: str) -> int:
        """How many rounds since the last valid summary ended without one."""
        rows = self._file.rows("SELECT refused FROM rounds WHERE key = ?", key)
        return int(rows[0][0]) if rows else 0

    def typical_seconds(self, model: str) -> float | None:
        """The median time of a model's last 50 replies; None without any."""
        rows = self._file.rows(
            "SELECT json_extract(reply, '$.seconds') FROM replies"
            " WHERE CASE WHEN json_valid(reply) THEN json_extract(reply, '$.model') END = ?"
            " ORDER BY rowid DESC LIMIT 50",
            model,
        )
        seconds = sorted(value for (value,) in rows)
        return float(seconds[len(seconds) // 2]) if seconds else None


def close_round(db: Connection, key: str, *, refused: bool) -> None:
    """Count the round; refusals count on until a valid summary sets them to zero."""
    db.execute(
        "INSERT INTO rounds VALUES (?1, 1, ?2)"
        " ON CONFLICT DO UPDATE SET closed = closed + 1, refused = ?2 * (refused + 1)",
        (key, int(refused)),
    )


def add_inquiry(db: Connection, inquiry: Inquiry) -> None:
    """What is asked, and what of; once."""
    db.execute(
        "INSERT OR IGNORE INTO inquiries VALUES (?, ?, ?)",
        (inquiry.key, inquiry.summary, inquiry.origin.model_dump_json()),
    )


def add_reply(db: Connection, place: tuple[str, int, int], reply: Reply) -> None:
    """At key, round and attempt, with its cost.

    A reply never takes another's place, but that of one that cannot be read any more.
    """
    query = "FROM replies WHERE key = ? AND round = ? AND attempt = ?"
    row = db.execute(f"SELECT reply {query}", place).fetchone()
    if row and REPLY.read(row[0]) is None:
        db.execute(f"DELETE {query}", place)
    db.execute(
        "INSERT INTO replies VALUES (?, ?, ?, ?, NULL)",
        (*place, reply.model_dump_json()),
    )
    add_spend(db, Spend.of(reply))
