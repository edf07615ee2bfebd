"""The store's columns that hold more than plain text or numbers, each with the way it is read.

One place turns a row's text into a value, for store.py and its parts and for `doctor`. A text that
does not read back, because a disk or a hand changed it, costs its own row and nothing else: each
column says what.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import TypeAdapter

from pipeline.records import AnnounceType, Cause, Check, Origin, Paper, Reply, Stage, Summary

T = TypeVar("T")
_NAMES = TypeAdapter(tuple[str, ...]).validate_json
_KEPT = 1024
"""Papers and lines in memory: a page, a feed and the search read the same ones in turn."""


class Column(NamedTuple, Generic[T]):
    """Where a value stands, and what is to be done where it cannot be read."""

    table: str
    name: str
    key: str
    """What names a row, as SQL."""
    parse: Callable[[str], T]
    """Raises ValueError, as pydantic and json do."""
    cost: str
    """What a text that cannot be read means for the row."""
    fix: str
    """Empty where there is nothing to do."""

    def read(self, text: str | None) -> T | None:
        """The value; None where there is none, or none that can be read."""
        try:
            return None if text is None else self.parse(text)
        except ValueError:
            return None


def _date(text: str) -> dt.date:
    """As it is written here, and in no other form of ISO 8601: the text is a key too."""
    date = dt.date.fromisoformat(text)
    if date.isoformat() != text:
        raise ValueError(text)
    return date


_VERSIONED, _DAY = "arxiv_id || 'v' || version", "date || ' ' || field"
_ANNOUNCED = f"{_DAY} || ' ' || {_VERSIONED}"
_FROM_DIGEST = "jianjie restore --over takes it from the digest"
_CHECK_AGAIN = "jianjie run --date DATE checks it again"

DAY_DATE = Column("days", "date", _DAY, _date, "the day is left out", _FROM_DIGEST)
DAY_CATEGORIES = Column(
    "days", "categories", _DAY, _NAMES, "what was published stays", _CHECK_AGAIN
)
DAY_CHECK = Column(
    "days", "checked", _DAY, Check.model_validate_json, "the day is not checked", _CHECK_AGAIN
)
PAPER = Column(
    "papers",
    "paper",
    _VERSIONED,
    lru_cache(_KEPT)(Paper.model_validate_json),
    "arXiv is asked for its metadata again",
    "jianjie render asks arXiv again",
)
ANNOUNCED_DATE = Column(
    "announced", "date", _ANNOUNCED, _date, "the paper is left out", _FROM_DIGEST
)
ANNOUNCE_TYPE = Column(
    "announced", "announce", _ANNOUNCED, AnnounceType, "its type is guessed", _CHECK_AGAIN
)
OWED_STAGE = Column(
    "announced", "stage", _ANNOUNCED, Stage, "the stage is not known", "jianjie run tries it again"
)
OWED_CAUSE = Column("announced", "cause", _ANNOUNCED, Cause, "the kind of reason is not known", "")
SUMMARY = Column(
    "summaries",
    "summary",
    f"{_VERSIONED} || ' (' || seq || ')'",
    lru_cache(_KEPT)(Summary.model_validate_json),
    "it counts as not there, and its paper is done again",
    f"{_FROM_DIGEST}; jianjie reprocess ID makes another",
)
REPLY = Column(
    "replies",
    "reply",
    "key || ' ' || round || ' ' || attempt",
    Reply.model_validate_json,
    "that try counts as not made",
    "",
)
REASONS = Column(
    "replies",
    "reasons",
    REPLY.key,
    _NAMES,
    "it counts as not judged",
    "",
)
ORIGIN = Column(
    "inquiries", "origin", "key", Origin.model_validate_json, "its replies count as not made", ""
)
RUN_STARTED = Column("runs", "started", "seq", dt.datetime.fromisoformat, "the run is left out", "")
RUN_ENDED = RUN_STARTED._replace(name="ended")
RUN_DAY = Column(
    "run_days", "date", "run || ' ' || date", _date, "the run is told without that day", ""
)
QUIET_DATE = Column("quiet", "date", _DAY, _date, "arXiv is asked about that date again", "")
SPENT_AT = Column(
    "spend", "at", "seq", dt.datetime.fromisoformat, "the call counts without a day", ""
)
BATCH_SENT = Column(
    "batches", "sent", "file", dt.datetime.fromisoformat, "when it was sent is not known", ""
)
CANARY_DATE = Column("canary", "date", "date || ' ' || arxiv_id", _date, "the line is left out", "")
TOLD_DONE = Column("told", "done", _DAY, _NAMES, "the day counts as not told", "")
TOLD_OWED = TOLD_DONE._replace(name="owed")
MESSAGE_CREATED = Column(
    "messages", "created", "seq", dt.datetime.fromisoformat, "it is not sent", ""
)

COLUMNS: tuple[Column[Any], ...] = (
    DAY_DATE,
    DAY_CATEGORIES,
    DAY_CHECK,
    PAPER,
    ANNOUNCED_DATE,
    ANNOUNCE_TYPE,
    OWED_STAGE,
    OWED_CAUSE,
    SUMMARY,
    REPLY,
    REASONS,
    ORIGIN,
    RUN_STARTED,
    RUN_ENDED,
    RUN_DAY,
    QUIET_DATE,
    SPENT_AT,
    BATCH_SENT,
    CANARY_DATE,
    TOLD_DONE,
    TOLD_OWED,
    MESSAGE_CREATED,
)
"""What `doctor` looks through."""
