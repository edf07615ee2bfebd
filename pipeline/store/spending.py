"""The part of the store about what calls to models cost."""

from __future__ import annotations

import datetime as dt

from pipeline.records import Record, Reply
from pipeline.store.database import Connection, Database


class Spend(Record):
    """A call that cost something, or may have."""

    at: dt.datetime | None
    """UTC; None for calls from before this was kept."""
    model: str
    tokens_in: int
    tokens_out: int
    cached_in: int = 0
    cost: float | None
    """In the currency of the model's prices; None where they are not known."""
    sure: bool = True
    """False: no reply came, and these are the most that the call can have used."""

    @classmethod
    def of(cls, reply: Reply) -> Spend:
        """What a reply cost."""
        return cls(**reply.model_dump(include=set(cls.model_fields) - {"sure"}))


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


class Spending:
    """Safe to call from many threads; raises OutputError on a bad disk."""

    def __init__(self, file: Database) -> None:
        self._file = file

    def add(self, spend: Spend) -> None:
        """Keep what a call without a reply may have cost."""
        with self._file.write() as db:
            add_spend(db, spend)

    def sums(self, days: int) -> list[Spent]:
        """The sums of the last `days` days with calls, newest first."""
        rows = self._file.rows(
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


def add_spend(db: Connection, spend: Spend) -> None:
    """One row."""
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
