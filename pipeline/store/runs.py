"""The part of the store about runs: when they started, how they ended, what each day came to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from pipeline.errors import EXIT_DONE, JianjieError, worst
from pipeline.records import Day, Record
from pipeline.store.columns import RUN_DAY, RUN_STARTED
from pipeline.store.database import Database


class Count(Record):
    """A day as a run left it: announced = done + owed."""

    date: dt.date
    field: str
    announced: int
    done: int
    owed: int


class RunOutcome(Record):
    """What a run came to, or a part of one."""

    exit_status: int = EXIT_DONE
    note: str = ""
    """One line for whoever runs jianjie: it may name paths and hosts."""
    counts: tuple[Count, ...] = ()

    def and_then(self, other: RunOutcome) -> RunOutcome:
        """Both: the worst exit status, and all that there is to tell."""
        return RunOutcome(
            exit_status=worst(self.exit_status, other.exit_status),
            note="; ".join(filter(None, (self.note, other.note))),
            counts=(*self.counts, *other.counts),
        )


class Running:
    """What a run has come to so far."""

    def __init__(self) -> None:
        self.outcome = RunOutcome()
        self.number: int | None = None
        """In the list of runs; None before it has begun."""
        self.papers: list[str] = []
        """Ids of papers that were done again: their pages are made anew."""

    def add(self, outcome: RunOutcome) -> None:
        """One more part is over."""
        self.outcome = self.outcome.and_then(outcome)

    def ended_by(self, error: JianjieError) -> None:
        """The whole is over."""
        self.add(RunOutcome(exit_status=error.exit_status, note=str(error)))


class Run(Record):
    """One start of the program, as `status` shows it."""

    command: str
    started: dt.datetime
    ended: dt.datetime | None
    exit_status: int | None
    note: str | None
    counts: tuple[Count, ...] = ()
    """Of the days that it worked on; none for a run from before counts were kept."""


class Runs:
    """Safe to call from many threads; raises OutputError on a bad disk."""

    def __init__(self, file: Database) -> None:
        self._file = file

    def start(self, command: str, now: dt.datetime) -> int:
        """Note the start of a run; its number."""
        with self._file.write(counted=False) as db:
            row = db.execute(
                "INSERT INTO runs (command, started) VALUES (?, ?)", (command, now.isoformat())
            )
            return row.lastrowid or 0

    def end(self, run: int, now: dt.datetime, outcome: RunOutcome) -> None:
        """Note how a run ended; of a day that it came to twice, how it left it."""
        with self._file.write(counted=False) as db:
            db.execute(
                "UPDATE runs SET ended = ?, exit_status = ?, note = ? WHERE seq = ?",
                (now.isoformat(), outcome.exit_status, outcome.note, run),
            )
            db.executemany(
                "INSERT OR REPLACE INTO run_days VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (run, count.date.isoformat(), count.field, *_numbers(count))
                    for count in outcome.counts
                ],
            )

    def last(self, limit: int) -> list[Run]:
        """The last runs, newest first."""
        rows = self._file.rows(
            "SELECT seq, command, started, ended, exit_status, note FROM runs"
            " ORDER BY seq DESC LIMIT ?",
            limit,
        )
        told = ((seq, *values, self._counts(seq)) for seq, *values in rows)
        return self._file.records(Run, RUN_STARTED, told)

    def _counts(self, run: int) -> tuple[Count, ...]:
        rows = self._file.rows(
            "SELECT run || ' ' || date, date, field, announced, done, owed FROM run_days"
            " WHERE run = ? ORDER BY rowid",
            run,
        )
        return tuple(self._file.records(Count, RUN_DAY, rows))


def counts_of(days: Iterable[Day]) -> tuple[Count, ...]:
    """Each day's."""
    return tuple(
        Count(
            date=day.date,
            field=day.field,
            announced=len(day.outcomes),
            done=len(day.done),
            owed=len(day.owed),
        )
        for day in days
    )


def _numbers(count: Count) -> tuple[int, int, int]:
    return count.announced, count.done, count.owed
