"""The part of the store about days: what a listing announced, and what became of each paper."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.records import (
    BACKFILLED,
    Announcement,
    AnnounceType,
    Cause,
    Day,
    Done,
    Listing,
    Outcome,
    Owed,
    Stage,
)
from pipeline.store.columns import (
    ANNOUNCE_TYPE,
    ANNOUNCED_DATE,
    DAY_CATEGORIES,
    DAY_CHECK,
    DAY_DATE,
    OWED_CAUSE,
    OWED_STAGE,
    PAPER,
    QUIET_DATE,
)
from pipeline.store.database import Connection, Database
from pipeline.store.listings import announce, put_check
from pipeline.store.papers import paper_of, put_paper
from pipeline.store.summaries import summary_of

Key = tuple[dt.date, str]
"""A day: date and field."""

NO_VERSION = "neither arXiv's API nor OAI-PMH has told its version yet"
"""Why a paper of version 0 is owed."""
LOST = "its metadata in the store cannot be read: arXiv is asked again"
LINE_LOST = "its line in the store cannot be read: it is done again"
"""Reasons why a paper is owed."""


_IS_BACKFILLED = " OR ".join(f"source GLOB '{kind}*'" for kind in BACKFILLED)


class _Announced(NamedTuple):
    """An announced paper's row, with what belongs to it."""

    arxiv_id: str
    version: int
    announce: str
    paper: str | None
    stage: str | None
    cause: str | None
    reason: str | None
    summary: str | None
    seq: int | None
    earlier: str | None
    """The metadata of the last version before it."""


class ListedAbstract(NamedTuple):
    """A paper of a listing by what it says of itself."""

    date: dt.date
    arxiv_id: str
    title: str
    abstract: str


def _now_listed(db: Connection, date: str, field: str, listing: Listing) -> None:
    """ArXiv's own listing takes the place of a day that was put together without it."""
    changed = db.execute(
        f"UPDATE days SET source = ? WHERE date = ? AND field = ? AND ({_IS_BACKFILLED})",  # noqa: S608
        (listing.source, date, field),
    ).rowcount
    if changed:
        ids = json.dumps([item.paper.arxiv_id for item in listing.announcements])
        db.execute(
            "DELETE FROM announced WHERE date = ? AND field = ?"
            " AND arxiv_id NOT IN (SELECT value FROM json_each(?))",
            (date, field, ids),
        )


class Days:
    """Safe to call from many threads; raises OutputError on a bad disk."""

    def __init__(self, file: Database) -> None:
        self._file = file

    def add(self, listing: Listing, name: str, categories: Sequence[str]) -> None:
        """Everything the night owes, in one commit.

        What is already there stays, but for what the check dropped and for a paper that is now
        announced by a stronger type. Papers that come later take their place in arXiv's order.
        """
        date, field = listing.date.isoformat(), listing.field
        with self._file.write() as db:
            db.execute(
                "INSERT INTO days VALUES (?, ?, ?, ?, ?, NULL) ON CONFLICT DO UPDATE"
                " SET categories = excluded.categories WHERE NOT json_valid(categories)",
                (date, field, name, json.dumps(list(categories)), listing.source),
            )
            if not listing.source.startswith(BACKFILLED):
                _now_listed(db, date, field, listing)
            put_check(db, date, field, listing.check)
            for arxiv_id in listing.check.dropped if listing.check else ():
                db.execute(
                    "DELETE FROM announced WHERE date = ? AND field = ? AND arxiv_id = ?",
                    (date, field, arxiv_id),
                )
            for item in listing.announcements:
                put_paper(db, item.paper)
            announce(db, date, field, listing)

    def get(self, date: dt.date, field: str) -> Day | None:
        """The day with what became of each paper, in the listing's order; None if unknown."""
        rows = self._file.rows(
            "SELECT name, categories, source, checked FROM days WHERE date = ? AND field = ?",
            date.isoformat(),
            field,
        )
        if not rows:
            return None
        name, categories, source, checked = rows[0]
        key = f"{date} {field}"
        return Day(
            date=date,
            field=field,
            name=name,
            categories=self._file.read(DAY_CATEGORIES, categories, key) or (),
            source=source,
            outcomes=self._outcomes(date, field),
            check=self._file.read(DAY_CHECK, checked, key),
        )

    def _outcomes(self, date: dt.date, field: str) -> tuple[Outcome, ...]:
        rows = self._file.rows(
            """
            SELECT a.arxiv_id, a.version, a.announce, papers.paper, a.stage, a.cause, a.reason,
                summaries.summary, summaries.seq,
                (SELECT paper FROM papers AS old WHERE old.arxiv_id = a.arxiv_id
                 AND old.version BETWEEN 1 AND a.version - 1 ORDER BY old.version DESC LIMIT 1)
            FROM announced AS a LEFT JOIN papers USING (arxiv_id, version)
            LEFT JOIN published USING (arxiv_id, version)
            LEFT JOIN summaries ON summaries.seq = published.seq
            WHERE a.date = ? AND a.field = ? ORDER BY a.position
            """,
            date.isoformat(),
            field,
        )
        return tuple(self._outcome(f"{date} {field}", _Announced(*row)) for row in rows)

    def _outcome(self, day: str, row: _Announced) -> Outcome:
        paper = paper_of(self._file, row.arxiv_id, row.version, row.paper)
        key = f"{day} {paper.versioned}"
        # The weakest type is guessed: what a listing says is stronger, and is then believed.
        guess = AnnounceType.CROSS if row.version == 1 else AnnounceType.REPLACE_CROSS
        earlier = self._file.read(PAPER, row.earlier, f"before {paper.versioned}")
        announcement = Announcement(
            announce=self._file.read(ANNOUNCE_TYPE, row.announce, key) or guess,
            paper=paper,
            earlier=earlier,
        )
        if row.summary is None:
            stage = self._file.read(OWED_STAGE, row.stage, key) or Stage.LISTING
            if paper.metadata == "lost":
                return Owed(announcement=announcement, stage=stage, cause=Cause.OTHER, reason=LOST)
            if row.stage is None:
                reason = "not tried yet" if paper.version else NO_VERSION
                return Owed(announcement=announcement, stage=stage, reason=reason)
            cause = self._file.read(OWED_CAUSE, row.cause, key) or Cause.OTHER
            return Owed(
                announcement=announcement, stage=stage, cause=cause, reason=row.reason or ""
            )
        if summary := summary_of(self._file, row.arxiv_id, row.version, row.seq or 0, row.summary):
            return Done(announcement=announcement, summary=summary)
        return Owed(
            announcement=announcement, stage=Stage.SUMMARIZE, cause=Cause.OTHER, reason=LINE_LOST
        )

    def known(self, field: str | None = None) -> list[Key]:
        """Date and field of every known day, newest first."""
        rows = self._file.rows(
            "SELECT date, field FROM days WHERE ? IS NULL OR field = ? ORDER BY date DESC, field",
            field,
            field,
        )
        return self._file.keys(DAY_DATE, rows)

    def nights(self, field: str) -> list[dt.date]:
        """The dates of a field's days that arXiv listed, newest first: none of a backfill's."""
        rows = self._file.rows(
            f"SELECT date, field FROM days WHERE field = ? AND NOT ({_IS_BACKFILLED})"  # noqa: S608
            " ORDER BY date DESC",
            field,
        )
        return [date for date, _ in self._file.keys(DAY_DATE, rows)]

    def names(self) -> dict[str, str]:
        """Each field's name, as its newest day has it."""
        rows = self._file.rows("SELECT date, field, name FROM days ORDER BY date")
        return {
            field: name for date, field, name in rows if self._file.keys(DAY_DATE, [(date, field)])
        }

    def counts(self) -> dict[Key, tuple[int, int]]:
        """Of every day: papers announced, and of these the ones without a line."""
        rows = self._file.rows(
            "SELECT a.date, a.field, count(*), count(*) - count(p.seq) FROM announced AS a"
            " LEFT JOIN published AS p USING (arxiv_id, version) GROUP BY a.date, a.field"
        )
        sums = {(date, field): (announced, owed) for date, field, announced, owed in rows}
        return {
            key: sums[key[0].isoformat(), key[1]] for key in self._file.keys(ANNOUNCED_DATE, sums)
        }

    def abstracts(self, field: str, first: dt.date, last: dt.date) -> list[ListedAbstract]:
        """The papers of the listings from `first` to `last`, each on its newest, oldest first."""
        rows = self._file.rows(
            "SELECT a.date, a.field, a.arxiv_id, json_extract(p.paper, '$.title'),"
            " json_extract(p.paper, '$.abstract') FROM announced AS a"
            " JOIN papers AS p USING (arxiv_id, version)"
            " WHERE a.field = ? AND a.date BETWEEN ? AND ? AND json_valid(p.paper)"
            " ORDER BY a.date, a.position, a.arxiv_id",
            field,
            first.isoformat(),
            last.isoformat(),
        )
        newest: dict[str, ListedAbstract] = {}
        for date, name, arxiv_id, title, abstract in rows:
            for day, _ in self._file.keys(ANNOUNCED_DATE, [(date, name)]):
                newest.pop(arxiv_id, None)
                newest[arxiv_id] = ListedAbstract(day, arxiv_id, str(title), str(abstract))
        return list(newest.values())

    def primaries(self, field: str) -> dict[str, dict[str, int]]:
        """Month (2026-01) → arXiv's primary category → papers announced, oldest first."""
        rows = self._file.rows(
            "SELECT substr(a.date, 1, 7) AS month, json_extract(p.paper, '$.categories[0]') AS tag,"
            " count(*) FROM announced AS a JOIN papers AS p USING (arxiv_id, version)"
            " WHERE a.field = ? AND json_valid(p.paper) AND a.date IN"
            " (SELECT date FROM days WHERE field = a.field)"
            " GROUP BY month, tag ORDER BY month, tag",
            field,
        )
        months: dict[str, dict[str, int]] = {}
        for month, tag, count in rows:
            if isinstance(tag, str):
                months.setdefault(month, {})[tag] = count
        return months

    def having(self, arxiv_id: str, version: int) -> list[Key]:
        """The days whose listing has this version, newest first."""
        return self.having_all([arxiv_id]).get((arxiv_id, version), [])

    def having_all(self, arxiv_ids: Sequence[str]) -> dict[tuple[str, int], list[Key]]:
        """The same of every version, of many papers at once, that a listing has."""
        rows = self._file.rows(
            "SELECT arxiv_id, version, date, field FROM announced"
            " WHERE arxiv_id IN (SELECT value FROM json_each(?)) ORDER BY date DESC",
            json.dumps(arxiv_ids),
        )
        days: dict[tuple[str, int], list[Key]] = {}
        for arxiv_id, version, date, field in rows:
            own = days.setdefault((arxiv_id, version), [])
            own += self._file.keys(ANNOUNCED_DATE, [(date, field)])
        return days

    def latest_version(self, arxiv_id: str) -> int | None:
        """The newest version that a listing had; None if none had the paper."""
        query = "SELECT max(version) FROM announced WHERE arxiv_id = ? AND version > 0"
        rows = self._file.rows(query, arxiv_id)
        version: int | None = rows[0][0]
        return version

    def set_owed(self, date: dt.date, field: str, owed: Owed) -> None:
        """Say why this paper of this day has no line yet."""
        with self._file.write() as db:
            db.execute(
                "UPDATE announced SET stage = ?, cause = ?, reason = ?"
                " WHERE date = ? AND field = ? AND arxiv_id = ?",
                (
                    owed.stage.value,
                    owed.cause.value,
                    owed.reason,
                    date.isoformat(),
                    field,
                    owed.announcement.paper.arxiv_id,
                ),
            )

    def unchecked(self, field: str) -> set[dt.date]:
        """The dates whose listing was checked with something left open, or by a check now lost."""
        query = "SELECT date, field, checked FROM days WHERE field = ? AND checked IS NOT NULL"
        checks = [(key, DAY_CHECK.read(text)) for *key, text in self._file.rows(query, field)]
        open_ = [(date, field) for (date, _), check in checks if not (check and check.complete)]
        return {date for date, _ in self._file.keys(DAY_DATE, open_)}

    def add_quiet(self, date: dt.date, field: str) -> None:
        """ArXiv's catch-up page has no announcement on this past date."""
        with self._file.write() as db:
            db.execute("INSERT OR IGNORE INTO quiet VALUES (?, ?)", (date.isoformat(), field))

    def quiet(self, field: str) -> set[dt.date]:
        """The past dates that are known to have no announcement."""
        rows = self._file.rows("SELECT date, field FROM quiet WHERE field = ?", field)
        return {date for date, _ in self._file.keys(QUIET_DATE, rows)}
