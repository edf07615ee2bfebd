"""What calls to models leave behind: tokens, their cost, batches that are out."""

from __future__ import annotations

import datetime as dt

from pipeline.records import Record, Reply


class Usage(Record):
    """Tokens that a call used."""

    tokens_in: int = 0
    tokens_out: int = 0
    cached_in: int = 0
    """Of the input tokens, those that the endpoint had read before."""


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
