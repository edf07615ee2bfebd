"""The part of the store about batches: noted with their file before they exist.

So none is ever out unknown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pipeline.records import Inquiry, Record, Reply
from pipeline.store.columns import BATCH_SENT
from pipeline.store.database import Database, IntegrityError
from pipeline.store.replies import add_inquiry, add_reply
from pipeline.store.spending import Spend, add_spend

_LONG_AGO = dt.datetime.fromtimestamp(0, dt.UTC)


class BatchRequest(Record):
    """Which reply a line of a batch is for."""

    key: str
    """Of the inquiry."""
    round: int
    attempt: int
    temperature: float | None = None
    summary: str = ""
    """The key of the summary that is wanted."""

    @property
    def custom_id(self) -> str:
        """Its name in the batch's files."""
        return f"{self.key}.{self.round}.{self.attempt}"


class OpenBatch(Record):
    """A batch whose results are not stored yet."""

    file: str
    """The endpoint's id of the uploaded requests."""
    id: str | None
    """The endpoint's id of the batch; None where it is not known to have been made."""
    sent: dt.datetime
    requests: tuple[BatchRequest, ...]


class Batches:
    """Safe to call from many threads; raises OutputError on a bad disk."""

    def __init__(self, file: Database) -> None:
        self._file = file

    def open(self, address: str, model: str) -> list[OpenBatch]:
        """The batches whose results are not stored yet, oldest first."""
        rows = self._file.rows(
            "SELECT file, id, sent FROM batches"
            " WHERE address = ? AND model = ? AND NOT settled ORDER BY sent, rowid",
            address,
            model,
        )
        return [
            OpenBatch(
                file=file,
                id=id_,
                sent=self._file.read(BATCH_SENT, sent, file) or _LONG_AGO,
                requests=self._out(file),
            )
            for file, id_, sent in rows
        ]

    def _out(self, file: str) -> tuple[BatchRequest, ...]:
        rows = self._file.rows(
            "SELECT key, round, attempt, temperature, coalesce(summary, '') FROM batched"
            " LEFT JOIN inquiries USING (key) WHERE file = ?",
            file,
        )
        names = BatchRequest.model_fields
        return tuple(BatchRequest(**dict(zip(names, row, strict=True))) for row in rows)

    def add(
        self, batch: OpenBatch, address: str, model: str, inquiries: Sequence[Inquiry] = ()
    ) -> None:
        """A batch that is about to be made of an uploaded file, and what it asks."""
        with self._file.write() as db:
            for inquiry in inquiries:
                add_inquiry(db, inquiry)
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

    def name(self, file: str, id_: str) -> None:
        """The endpoint's name of the batch that was made of `file`."""
        with self._file.write() as db:
            db.execute("UPDATE batches SET id = ? WHERE file = ?", (id_, file))

    def settle(self, file: str, replies: Sequence[tuple[BatchRequest, Reply]]) -> None:
        """A batch is over: its replies and their cost, in one commit."""
        with self._file.write() as db:
            for request, reply in replies:
                try:
                    add_reply(db, (request.key, request.round, request.attempt), reply)
                except IntegrityError:
                    # A paper that was done otherwise meanwhile keeps the reply it has.
                    add_spend(db, Spend.of(reply))
            db.execute("UPDATE batches SET settled = 1 WHERE file = ?", (file,))
