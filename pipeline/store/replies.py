"""The part of the store about calls to models: replies, what they cost, batches that are out.

Replies are kept as they come, judged afterwards, and their round is closed when the paper is done
or the tries are used up.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

from pipeline.records import Inquiry, Record, Reply
from pipeline.store.columns import BATCH_SENT, ORIGIN, REASONS, REPLY
from pipeline.store.database import Connection, Database, IntegrityError
from pipeline.store.usage import BatchRequest, OpenBatch, Spend

_LONG_AGO = dt.datetime.fromtimestamp(0, dt.UTC)


class Spent(Record):
    """What one model came to on one day."""

    day: dt.date | None
    """UTC; None for calls from before days were kept."""
    model: str
    calls: int
    unsure: int
    """Of the calls, those without a reply, counted with the most that they can have used."""
    tokens_in: int
    cached_in: int
    tokens_out: int
    cost: float | None
    """None where the price of a call is not known."""


class Calls(Database):
    """Safe to call from many threads; raises OutputError on a bad disk."""

    def reply(self, key: str, attempt: int) -> Reply | None:
        """The reply to this attempt (0-based) in the open round, if it came before a crash."""
        round_ = self.round(key)
        rows = self._rows(
            "SELECT reply FROM replies WHERE key = ? AND round = ? AND attempt = ?",
            key,
            round_,
            attempt,
        )
        return self._read(REPLY, rows[0][0], f"{key} {round_} {attempt}") if rows else None

    def add_reply(
        self, key: str, attempt: int, reply: Reply, inquiry: Inquiry | None = None
    ) -> None:
        """Keep a reply and its cost, before it is judged; `inquiry` says what it was made from."""
        with self._write() as db:
            if inquiry is not None:
                _add_inquiry(db, inquiry)
            _add_reply(db, BatchRequest(key=key, round=self.round(key), attempt=attempt), reply)

    def unjudged(self, summary: str, but: str) -> list[Inquiry]:
        """The inquiries for a summary, all but one, whose last reply came and was never judged.

        The text that a paper is read from changes between nights: what was paid for before is not
        lost with the question.
        """
        rows = self._rows(
            "SELECT DISTINCT i.key, i.origin FROM inquiries AS i JOIN replies AS r USING (key)"
            " LEFT JOIN rounds AS o USING (key) WHERE i.summary = ? AND i.key <> ?"
            " AND r.reasons IS NULL AND r.round = coalesce(o.closed, 0) ORDER BY i.rowid",
            summary,
            but,
        )
        found = [(key, self._read(ORIGIN, origin, key)) for key, origin in rows]
        return [Inquiry(key=key, summary=summary, origin=one) for key, one in found if one]

    def add_reasons(self, key: str, attempt: int, reasons: Sequence[str]) -> None:
        """Keep why a reply was refused."""
        with self._write() as db:
            db.execute(
                "UPDATE replies SET reasons = ? WHERE key = ? AND round = ? AND attempt = ?",
                (json.dumps(list(reasons), ensure_ascii=False), key, self.round(key), attempt),
            )

    def judged(self, key: str) -> list[tuple[Reply, tuple[str, ...] | None]]:
        """The open round's replies, each with the reasons against it; None: not judged yet."""
        rows = self._rows(
            f"SELECT {REPLY.key}, reply, reasons FROM replies"  # noqa: S608 - ours
            " WHERE key = ? AND round = ? ORDER BY attempt",
            key,
            self.round(key),
        )
        judged = [
            (self._read(REPLY, reply, name), self._read(REASONS, reasons, name))
            for name, reply, reasons in rows
        ]
        return [(reply, reasons) for reply, reasons in judged if reply]

    def refused_replies(self, key: str) -> list[Reply]:
        """The replies of the rounds since the last valid summary, oldest first."""
        rows = self._rows(
            f"SELECT {REPLY.key}, reply FROM replies JOIN rounds USING (key)"  # noqa: S608 - ours
            " WHERE key = ? AND round < closed AND round >= closed - refused"
            " ORDER BY round, attempt",
            key,
        )
        replies = (self._read(REPLY, reply, name) for name, reply in rows)
        return [reply for reply in replies if reply]

    def round(self, key: str) -> int:
        """How many rounds of tries for this key are over: the open one's number."""
        rows = self._rows("SELECT closed FROM rounds WHERE key = ?", key)
        return int(rows[0][0]) if rows else 0

    def refusals(self, key: str) -> int:
        """How many rounds since the last valid summary ended without one."""
        rows = self._rows("SELECT refused FROM rounds WHERE key = ?", key)
        return int(rows[0][0]) if rows else 0

    def close_round(self, key: str) -> None:
        """The tries so far are used up without a valid reply; the next night asks anew."""
        with self._write() as db:
            close_round(db, key, refused=True)

    def reopen(self, key: str) -> None:
        """Ask anew though the model declined: somebody wants this paper again."""
        if any(reply.declined for reply, _ in self.judged(key)):
            self.close_round(key)

    # What calls cost

    def add_spend(self, spend: Spend) -> None:
        """Keep what a call without a reply may have cost."""
        with self._write() as db:
            _add_spend(db, spend)

    def spent(self, days: int) -> list[Spent]:
        """The sums of the last `days` days with calls, newest first."""
        rows = self._rows(
            """
            SELECT date(at) AS day, model, count(*), sum(NOT sure), sum(tokens_in),
                sum(cached_in), sum(tokens_out),
                CASE WHEN count(cost) = count(*) THEN sum(cost) END
            FROM spend WHERE day IS NULL OR day IN (
                SELECT DISTINCT date(at) FROM spend WHERE at IS NOT NULL
                ORDER BY 1 DESC LIMIT ?)
            GROUP BY day, model ORDER BY day DESC, model
            """,
            days,
        )
        return [Spent(**dict(zip(Spent.model_fields, row, strict=True))) for row in rows]

    def typical_seconds(self, model: str) -> float | None:
        """The median time of a model's last 50 replies; None without any."""
        rows = self._rows(
            "SELECT json_extract(reply, '$.seconds') FROM replies"
            " WHERE CASE WHEN json_valid(reply) THEN json_extract(reply, '$.model') END = ?"
            " ORDER BY rowid DESC LIMIT 50",
            model,
        )
        seconds = sorted(value for (value,) in rows)
        return float(seconds[len(seconds) // 2]) if seconds else None

    # What endpoints take (features.py)

    def known(self, address: str, model: str) -> str | None:
        """What was remembered of an endpoint."""
        rows = self._rows(
            "SELECT known FROM endpoints WHERE address = ? AND model = ?", address, model
        )
        return str(rows[0][0]) if rows else None

    def remember(self, address: str, model: str, known: str) -> None:
        """Keep what is known of an endpoint."""
        with self._write() as db:
            db.execute("INSERT OR REPLACE INTO endpoints VALUES (?, ?, ?)", (address, model, known))

    # Batches: noted with their file before they exist, so that none is ever out unknown

    def open_batches(self, address: str, model: str) -> list[OpenBatch]:
        """The batches whose results are not stored yet, oldest first."""
        rows = self._rows(
            "SELECT file, id, sent FROM batches"
            " WHERE address = ? AND model = ? AND NOT settled ORDER BY sent, rowid",
            address,
            model,
        )
        return [
            OpenBatch(
                file=file,
                id=id_,
                sent=self._read(BATCH_SENT, sent, file) or _LONG_AGO,
                requests=self._out(file),
            )
            for file, id_, sent in rows
        ]

    def _out(self, file: str) -> tuple[BatchRequest, ...]:
        rows = self._rows(
            "SELECT key, round, attempt, temperature, coalesce(summary, '') FROM batched"
            " LEFT JOIN inquiries USING (key) WHERE file = ?",
            file,
        )
        names = BatchRequest.model_fields
        return tuple(BatchRequest(**dict(zip(names, row, strict=True))) for row in rows)

    def add_batch(
        self, batch: OpenBatch, address: str, model: str, inquiries: Sequence[Inquiry] = ()
    ) -> None:
        """A batch that is about to be made of an uploaded file, and what it asks."""
        with self._write() as db:
            for inquiry in inquiries:
                _add_inquiry(db, inquiry)
            db.execute(
                "INSERT INTO batches VALUES (?, ?, ?, ?, ?, 0)",
                (batch.file, batch.id, address, model, batch.sent.isoformat()),
            )
            db.executemany(
                "INSERT INTO batched VALUES (?, ?, ?, ?, ?)",
                [
                    (batch.file, out.key, out.round, out.attempt, out.temperature)
                    for out in batch.requests
                ],
            )

    def name_batch(self, file: str, id_: str) -> None:
        """The endpoint's name of the batch that was made of `file`."""
        with self._write() as db:
            db.execute("UPDATE batches SET id = ? WHERE file = ?", (id_, file))

    def settle_batch(self, file: str, replies: Sequence[tuple[BatchRequest, Reply]]) -> None:
        """A batch is over: its replies and their cost, in one commit."""
        with self._write() as db:
            for request, reply in replies:
                try:
                    _add_reply(db, request, reply)
                except IntegrityError:
                    # A paper that was done otherwise meanwhile keeps the reply it has.
                    _add_spend(db, Spend.of(reply))
            db.execute("UPDATE batches SET settled = 1 WHERE file = ?", (file,))


def close_round(db: Connection, key: str, *, refused: bool) -> None:
    """Count the round; refusals count on until a valid summary sets them to zero."""
    db.execute(
        "INSERT INTO rounds VALUES (?1, 1, ?2)"
        " ON CONFLICT DO UPDATE SET closed = closed + 1, refused = ?2 * (refused + 1)",
        (key, int(refused)),
    )


def _add_inquiry(db: Connection, inquiry: Inquiry) -> None:
    db.execute(
        "INSERT OR IGNORE INTO inquiries VALUES (?, ?, ?)",
        (inquiry.key, inquiry.summary, inquiry.origin.model_dump_json()),
    )


def _add_reply(db: Connection, request: BatchRequest, reply: Reply) -> None:
    """A reply never takes another's place, but that of one that cannot be read any more."""
    place = (request.key, request.round, request.attempt)
    query = "FROM replies WHERE key = ? AND round = ? AND attempt = ?"
    row = db.execute(f"SELECT reply {query}", place).fetchone()
    if row and REPLY.read(row[0]) is None:
        db.execute(f"DELETE {query}", place)
    db.execute(
        "INSERT INTO replies VALUES (?, ?, ?, ?, NULL)",
        (*place, reply.model_dump_json()),
    )
    _add_spend(db, Spend.of(reply))


def _add_spend(db: Connection, spend: Spend) -> None:
    db.execute(
        "INSERT INTO spend (at, model, tokens_in, cached_in, tokens_out, cost, sure)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            spend.at.isoformat() if spend.at else None,
            spend.model,
            spend.tokens_in,
            spend.cached_in,
            spend.tokens_out,
            spend.cost,
            int(spend.sure),
        ),
    )
