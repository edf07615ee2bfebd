"""What people chose: a file for each judge beside the evaluation, written whole after each vote."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from pipeline.errors import OutputError, UsageError, one_line
from pipeline.evaluate.people.sheet import Item
from pipeline.files import write_atomic
from pipeline.records import Record

JUDGES = "judges"
"""The folder in an evaluation's own."""
ASPECTS_JUDGED = ("task", "problem", "method")
_NAME = re.compile(r"[\w-]{1,40}")
_LARGEST = 10_000_000
"""Bytes of a judge's file: a vote has 200."""

Side = Literal["left", "right", "tie"]


class Vote(Record):
    """One pair, judged."""

    item: str
    """The item's id."""
    overall: Literal["left", "right", "tie", "both bad"]
    task: Side | None = None
    """None where nothing was said of it."""
    problem: Side | None = None
    method: Side | None = None
    at: dt.datetime
    """UTC."""

    def prefers(self, item: Item, aspect: str) -> int | None:
        """1: the system's line, or the true one; -1: the other; 0: neither; None: not asked."""
        said = getattr(self, aspect)
        if said is None:
            return None
        side = {"left": 1, "right": -1}.get(said, 0)
        return -side if item.turned else side


class Votes(Record):
    """One judge's file."""

    run: str
    judge: str
    votes: tuple[Vote, ...] = ()
    """One an item, in the order in which they were given."""

    def having(self, *new: Vote) -> Votes:
        """With these; of two about one item the later one stays."""
        by_item = {vote.item: vote for vote in self.votes}
        for vote in new:
            before = by_item.get(vote.item)
            if before is None or vote.at >= before.at:
                by_item[vote.item] = vote
        return self.model_copy(update={"votes": tuple(by_item.values())})


def checked_name(text: str) -> str:
    """A judge's name, fit for a file's. Raises UsageError."""
    if not _NAME.fullmatch(text):
        raise UsageError(
            "is no name: up to 40 letters, digits, - and _", where=f"--as {text!r}"[:80]
        )
    return text


def file_of(folder: Path, judge: str) -> Path:
    """Where the votes of a judge are, in the evaluation's folder."""
    return folder / JUDGES / f"{judge}.json"


def read_votes(file: Path) -> Votes:
    """Raises OutputError where it is no file of votes."""
    try:
        if file.stat().st_size > _LARGEST:
            raise OutputError("is too large for a file of votes", where=file)
        return Votes.model_validate_json(file.read_bytes())
    except OSError as error:
        raise OutputError(f"cannot be read: {one_line(error)}", where=file) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise OutputError(
            f"is no file of votes: {where} {one_line(first['msg'])}"[:200],
            where=file,
            fix="Move it away, or restore it",
        ) from error


def votes_so_far(folder: Path, run: str, judge: str) -> Votes:
    """Those of one judge; none where there is no file yet. Raises OutputError."""
    file = file_of(folder, judge)
    if not file.exists():
        return Votes(run=run, judge=judge)
    votes = read_votes(file)
    if (votes.run, votes.judge) != (run, judge):
        raise OutputError(f"is of {votes.judge} in {votes.run}", where=file, fix="Move it away")
    return votes


def write_votes(folder: Path, votes: Votes) -> None:
    """Raises OutputError."""
    write_atomic(file_of(folder, votes.judge), f"{votes.model_dump_json(indent=1)}\n".encode())


def all_votes(folder: Path, run: str) -> Iterator[Votes]:
    """Of every judge, by name. Raises OutputError."""
    for file in sorted((folder / JUDGES).glob("*.json")):
        yield votes_so_far(folder, run, file.stem)


def on_sheet(votes: Votes, items: Sequence[Item]) -> dict[str, Vote]:
    """By item, those about pairs that are there; others are of another sheet."""
    there = {item.id for item in items}
    return {vote.item: vote for vote in votes.votes if vote.item in there}
