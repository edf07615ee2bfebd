"""What workers and the coordinator tell each other: one JSON object a line."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from pipeline.records import Record

LONGEST_LINE = 1 << 20
"""Bytes."""


class Hello(Record):
    """The first line of a connection: who is there, and that it belongs to the job."""

    token: str
    worker: str


class Take(Record):
    """Wants a shard."""

    op: Literal["take"] = "take"


class Beat(Record):
    """Is alive. Not answered."""

    op: Literal["beat"] = "beat"


class Finish(Record):
    """Has written what became of a shard, beside its place."""

    op: Literal["finish"] = "finish"
    shard: str
    fence: int
    file: str
    """Its name in the folder of parts."""
    done: int
    owed: int


class Enter(Record):
    """Wants to call the model."""

    op: Literal["enter"] = "enter"
    tokens: int


class Leave(Record):
    """The call of a turn is over. Not answered."""

    op: Literal["leave"] = "leave"
    turn: int
    answered: bool
    wait: float | None = None
    """Seconds that the answer's rate-limit headers ask for."""


class Throttled(Record):
    """The model's endpoint said 429 to the call of a turn."""

    op: Literal["throttled"] = "throttled"
    turn: int
    wait: float | None


class Reserve(Record):
    """The most that a call can use of the budget."""

    op: Literal["reserve"] = "reserve"
    tokens_in: int
    tokens_out: int


class Settle(Record):
    """What it used. Not answered."""

    op: Literal["settle"] = "settle"
    tokens_in: int
    tokens_out: int
    """What was set aside."""
    tokens: int
    price: float


class Claim(Record):
    """Wants a line for a paper."""

    op: Literal["claim"] = "claim"
    arxiv_id: str
    date: str
    line: str


class Stop(Record):
    """No worker can go on, and why. Not answered."""

    op: Literal["stop"] = "stop"
    kind: str
    """The name of the error's class."""
    what: str
    fix: str = ""
    said: str = ""


Message = Annotated[
    Take | Beat | Finish | Enter | Leave | Throttled | Reserve | Settle | Claim | Stop,
    Field(discriminator="op"),
]
UNANSWERED = (Beat, Leave, Settle, Stop)


class Envelope(Record):
    """A message with its number, by which the answer is known."""

    number: int
    message: Message


class Answer(Record):
    """To one message: what of it does not concern it is left out."""

    number: int
    yes: bool = True
    """Take: a shard; enter, reserve: go on; finish: it counts; claim: the line is its own."""
    over: bool = False
    """Take: there is nothing left."""
    wait: float = 0.0
    """Seconds after which to ask again, or until the next call."""
    shard: str = ""
    fence: int = 0
    turn: int = 0
    began: float = 0.0
    other: str = ""
    """Claim: the paper that has it."""
    budget: tuple[str, str] | None = None
    """Reserve: the budget is used up, with what to do."""
    throttled: tuple[str, float] | None = None
    """Enter: the endpoint wants too long a pause."""


ENVELOPE = TypeAdapter(Envelope)
ANSWER = TypeAdapter(Answer)
