"""The store: everything that is known, in one SQLite file.

What it promises: a paper is committed when it is done; replies are kept before they are judged;
only validated summaries stand in `summaries`; no paper, reply or summary is ever deleted, unless
it cannot be read and another has taken its place.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.errors import UsageError
from pipeline.records import (
    Announcement,
    AnnounceType,
    Cause,
    Day,
    Done,
    Listing,
    Outcome,
    Owed,
    Paper,
    Stage,
    Summary,
)
from pipeline.store.canary import CanaryRows
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
    SUMMARY,
)
from pipeline.store.database import Connection
from pipeline.store.listings import announce, put_check, put_paper
from pipeline.store.messages import MessageRows
from pipeline.store.replies import Calls, close_round
from pipeline.store.runs import RunRows

NO_VERSION = "neither arXiv's API nor OAI-PMH has told its version yet"
"""Why a paper of version 0 is owed."""


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


LOST = "its metadata in the store cannot be read: arXiv is asked again"
LINE_LOST = "its line in the store cannot be read: it is done again"
"""Reasons why a paper is owed."""


class Store(Calls, CanaryRows, MessageRows, RunRows):
    """Every method is safe to call from many threads and raises OutputError on a bad disk."""

    # Days

    def add_listing(self, listing: Listing, name: str, categories: Sequence[str]) -> None:
        """Everything the night owes, in one commit.

        What is already there stays, but for what the check dropped and for a paper that is now
        announced by a stronger type. Papers that come later take their place in arXiv's order.
        """
        date, field = listing.date.isoformat(), listing.field
        with self._write() as db:
            db.execute(
                "INSERT INTO days VALUES (?, ?, ?, ?, ?, NULL) ON CONFLICT DO UPDATE"
                " SET categories = excluded.categories WHERE NOT json_valid(categories)",
                (date, field, name, json.dumps(list(categories)), listing.source),
            )
            put_check(db, date, field, listing.check)
            for arxiv_id in listing.check.dropped if listing.check else ():
                db.execute(
                    "DELETE FROM announced WHERE date = ? AND field = ? AND arxiv_id = ?",
                    (date, field, arxiv_id),
                )
            for item in listing.announcements:
                put_paper(db, item.paper)
            announce(db, date, field, listing)

    def unchecked(self, field: str) -> set[dt.date]:
        """The dates whose listing was checked with something left open, or by a check now lost."""
        query = "SELECT date, field, checked FROM days WHERE field = ? AND checked IS NOT NULL"
        checks = [(key, DAY_CHECK.read(text)) for *key, text in self._rows(query, field)]
        open_ = [(date, field) for (date, _), check in checks if not (check and check.complete)]
        return {date for date, _ in self._keys(DAY_DATE, open_)}

    def add_quiet(self, date: dt.date, field: str) -> None:
        """ArXiv's catch-up page has no announcement on this past date."""
        with self._write() as db:
            db.execute("INSERT OR IGNORE INTO quiet VALUES (?, ?)", (date.isoformat(), field))

    def quiet(self, field: str) -> set[dt.date]:
        """The past dates that are known to have no announcement."""
        rows = self._rows("SELECT date, field FROM quiet WHERE field = ?", field)
        return {date for date, _ in self._keys(QUIET_DATE, rows)}

    def day(self, date: dt.date, field: str) -> Day | None:
        """The day with what became of each paper, in the listing's order; None if unknown."""
        rows = self._rows(
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
            categories=self._read(DAY_CATEGORIES, categories, key) or (),
            source=source,
            outcomes=self._outcomes(date, field),
            check=self._read(DAY_CHECK, checked, key),
            canary=self.canary(date),
        )

    def _outcomes(self, date: dt.date, field: str) -> tuple[Outcome, ...]:
        rows = self._rows(
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
        paper = self._paper(row.arxiv_id, row.version, row.paper)
        key = f"{day} {paper.versioned}"
        # The weakest type is guessed: what a listing says is stronger, and is then believed.
        guess = AnnounceType.CROSS if row.version == 1 else AnnounceType.REPLACE_CROSS
        earlier = self._read(PAPER, row.earlier, f"before {paper.versioned}")
        announcement = Announcement(
            announce=self._read(ANNOUNCE_TYPE, row.announce, key) or guess,
            paper=paper,
            earlier=earlier,
        )
        if row.summary is None:
            stage = self._read(OWED_STAGE, row.stage, key) or Stage.LISTING
            if paper.metadata == "lost":
                return Owed(announcement=announcement, stage=stage, cause=Cause.OTHER, reason=LOST)
            if row.stage is None:
                reason = "not tried yet" if paper.version else NO_VERSION
                return Owed(announcement=announcement, stage=stage, reason=reason)
            cause = self._read(OWED_CAUSE, row.cause, key) or Cause.OTHER
            return Owed(
                announcement=announcement, stage=stage, cause=cause, reason=row.reason or ""
            )
        if summary := self._summary(row.arxiv_id, row.version, row.seq or 0, row.summary):
            return Done(announcement=announcement, summary=summary)
        return Owed(
            announcement=announcement, stage=Stage.SUMMARIZE, cause=Cause.OTHER, reason=LINE_LOST
        )

    def _paper(self, arxiv_id: str, version: int, text: str | None) -> Paper:
        """What is stored, or no more than which paper it is; arXiv is asked for the rest again."""
        return self._read(PAPER, text, f"{arxiv_id}v{version}") or Paper(
            arxiv_id=arxiv_id,
            version=version,
            title=f"{arxiv_id}v{version}",
            abstract="",
            authors=(),
            categories=(),
            metadata="lost",
        )

    def days(self, field: str | None = None) -> list[tuple[dt.date, str]]:
        """Date and field of every known day, newest first."""
        rows = self._rows(
            "SELECT date, field FROM days WHERE ? IS NULL OR field = ? ORDER BY date DESC, field",
            field,
            field,
        )
        return self._keys(DAY_DATE, rows)

    def counts(self) -> dict[tuple[dt.date, str], tuple[int, int]]:
        """Of every day: papers announced, and of these the ones without a line."""
        rows = self._rows(
            "SELECT a.date, a.field, count(*), count(*) - count(p.seq) FROM announced AS a"
            " LEFT JOIN published AS p USING (arxiv_id, version) GROUP BY a.date, a.field"
        )
        sums = {(date, field): (announced, owed) for date, field, announced, owed in rows}
        return {key: sums[key[0].isoformat(), key[1]] for key in self._keys(ANNOUNCED_DATE, sums)}

    def days_of(self, arxiv_id: str, version: int) -> list[tuple[dt.date, str]]:
        """The days whose listing has this version, newest first."""
        rows = self._rows(
            "SELECT date, field FROM announced WHERE arxiv_id = ? AND version = ?"
            " ORDER BY date DESC",
            arxiv_id,
            version,
        )
        return self._keys(ANNOUNCED_DATE, rows)

    def unlisted(self) -> list[tuple[str, dt.datetime]]:
        """The papers with a line that no listing has, and when their newest line was made."""
        rows = self._rows(
            """
            SELECT arxiv_id, max(json_extract(summary, '$.provenance.created'))
            FROM published JOIN summaries USING (seq, arxiv_id)
            WHERE arxiv_id NOT IN (SELECT arxiv_id FROM announced) AND json_valid(summary)
            GROUP BY arxiv_id ORDER BY arxiv_id
            """
        )
        return [(arxiv_id, dt.datetime.fromisoformat(created)) for arxiv_id, created in rows]

    def latest_announced(self, arxiv_id: str) -> int | None:
        """The newest version that a listing had; None if none had the paper."""
        query = "SELECT max(version) FROM announced WHERE arxiv_id = ? AND version > 0"
        rows = self._rows(query, arxiv_id)
        version: int | None = rows[0][0]
        return version

    def latest_published(self, arxiv_id: str) -> int | None:
        """The newest version that has a line; None if none has."""
        rows = self._rows("SELECT max(version) FROM published WHERE arxiv_id = ?", arxiv_id)
        version: int | None = rows[0][0]
        return version

    def paper(self, arxiv_id: str, version: int) -> Paper | None:
        """The stored metadata of one version."""
        rows = self._rows(
            "SELECT paper FROM papers WHERE arxiv_id = ? AND version = ?", arxiv_id, version
        )
        return self._paper(arxiv_id, version, rows[0][0]) if rows else None

    def versions(self, arxiv_id: str) -> list[Paper]:
        """Every version that is known, oldest first."""
        query = "SELECT version, paper FROM papers WHERE arxiv_id = ? ORDER BY version"
        return [self._paper(arxiv_id, *row) for row in self._rows(query, arxiv_id)]

    def put_paper(self, paper: Paper) -> None:
        """Store metadata; what a less faithful source says never replaces it."""
        with self._write() as db:
            put_paper(db, paper)

    def earlier(self, paper: Paper) -> Paper | None:
        """The last version before this one that is known."""
        rows = self._rows(
            "SELECT paper, arxiv_id || 'v' || version FROM papers"
            " WHERE arxiv_id = ? AND version BETWEEN 1 AND ? - 1 ORDER BY version DESC LIMIT 1",
            paper.arxiv_id,
            paper.version,
        )
        return self._read(PAPER, *rows[0]) if rows else None

    def set_owed(self, date: dt.date, field: str, owed: Owed) -> None:
        """Say why this paper of this day has no line yet."""
        with self._write() as db:
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

    # Summaries

    def publish(self, summary: Summary, inquiry: str | None = None) -> Summary:
        """Store a validated summary and make it the published one of its version.

        `inquiry` is the key of the replies that it was chosen from: their round is over. A summary
        that only repeats the published one, or the last one that was, is not stored again: the one
        that is published now, with its own provenance, is returned.
        """
        seq, kept = self._repeated(summary)
        with self._write() as db:
            if seq is None:
                row = db.execute(
                    "INSERT INTO summaries (key, arxiv_id, version, summary) VALUES (?, ?, ?, ?)",
                    (summary.key, summary.arxiv_id, summary.version, summary.model_dump_json()),
                )
                seq = row.lastrowid or 0
            _point(db, summary.arxiv_id, summary.version, seq)
            if inquiry is not None:
                close_round(db, inquiry, refused=False)
            _forget_unreadable(db, summary.arxiv_id, summary.version)
        return kept

    def _repeated(self, summary: Summary) -> tuple[int | None, Summary]:
        """The stored summary that this one repeats, and its number; else None and this one."""
        rows = self._rows(
            """
            SELECT s.seq, s.summary FROM summaries AS s LEFT JOIN published AS p USING (seq)
            WHERE s.arxiv_id = ?1 AND s.version = ?2 AND (p.seq IS NOT NULL OR s.seq =
                (SELECT max(seq) FROM summaries WHERE arxiv_id = ?1 AND version = ?2))
            ORDER BY p.seq IS NULL
            """,
            summary.arxiv_id,
            summary.version,
        )
        for seq, text in rows:
            stored = SUMMARY.read(text)
            if stored is not None and summary.repeats(stored):
                return int(seq), stored
        return None, summary

    def adopt(self, summary: Summary) -> bool:
        """Publish a line from outside; whether it was new. One that is here is not stored twice."""
        query = "SELECT seq, summary FROM summaries WHERE arxiv_id = ? AND version = ?"
        of_it = (summary.arxiv_id, summary.version)
        for seq, text in self._rows(query, *of_it):
            stored = SUMMARY.read(text)
            if stored and stored.model_copy(update={"key": summary.key}) == summary:
                with self._write() as db:
                    _point(db, *of_it, seq)
                return False
        self.publish(summary)
        return True

    def summaries(self, arxiv_id: str) -> list[tuple[Summary, bool]]:
        """Every summary of a paper, oldest first, and whether it is the published one."""
        rows = self._rows(
            "SELECT s.version, s.seq, s.summary, p.seq IS NOT NULL FROM summaries AS s"
            " LEFT JOIN published AS p ON p.seq = s.seq WHERE s.arxiv_id = ? ORDER BY s.seq",
            arxiv_id,
        )
        found = [(self._summary(arxiv_id, *row), bool(live)) for *row, live in rows]
        return [(summary, live) for summary, live in found if summary]

    def lines(self, since: dt.date, before: dt.date | None) -> list[tuple[str, str]]:
        """Base id and published line of the papers in the listings from `since` on, each once.

        With `before` only up to that date, which is left out.
        """
        rows = self._rows(
            "SELECT DISTINCT s.arxiv_id, json_extract(s.summary, '$.line') FROM announced AS a"
            " JOIN published AS p USING (arxiv_id, version) JOIN summaries AS s USING (seq)"
            " WHERE a.date >= ?1 AND (?2 IS NULL OR a.date < ?2) AND json_valid(s.summary)",
            since.isoformat(),
            before.isoformat() if before else None,
        )
        return [(str(arxiv_id), str(line)) for arxiv_id, line in rows]

    def published(self, arxiv_id: str, version: int) -> Summary | None:
        """The published summary of one version."""
        rows = self._rows(
            "SELECT seq, summary FROM summaries JOIN published USING (seq)"
            " WHERE published.arxiv_id = ? AND published.version = ?",
            arxiv_id,
            version,
        )
        return self._summary(arxiv_id, version, *rows[0]) if rows else None

    def undo(self, arxiv_id: str, version: int) -> Summary:
        """Publish the summary before the published one again, the last that says something else.

        Raises UsageError without one.
        """
        rows = self._rows(
            """
            SELECT s.seq, s.summary FROM summaries AS s JOIN published AS p
            ON p.arxiv_id = s.arxiv_id AND p.version = s.version AND s.seq < p.seq
            WHERE s.arxiv_id = ? AND s.version = ? ORDER BY s.seq DESC
            """,
            arxiv_id,
            version,
        )
        now = self.published(arxiv_id, version)
        for seq, text in rows:
            summary = self._summary(arxiv_id, version, seq, text)
            if summary and (now is None or (summary.line, summary.tags) != (now.line, now.tags)):
                with self._write() as db:
                    _point(db, arxiv_id, version, seq)
                return summary
        raise UsageError(
            "there is no earlier summary to go back to",
            where=f"{arxiv_id}v{version}",
            fix=f"See: jianjie show {arxiv_id}",
        )

    def _summary(self, arxiv_id: str, version: int, seq: int, text: str) -> Summary | None:
        return self._read(SUMMARY, text, f"{arxiv_id}v{version} ({seq})")


def _forget_unreadable(db: Connection, arxiv_id: str, version: int) -> None:
    """What no one can read any more goes when another has taken its place."""
    query = "SELECT seq, summary FROM summaries WHERE arxiv_id = ? AND version = ?"
    rows = db.execute(query, (arxiv_id, version)).fetchall()
    gone = [(seq,) for seq, text in rows if SUMMARY.read(text) is None]
    db.executemany("DELETE FROM summaries WHERE seq = ?", gone)


def _point(db: Connection, arxiv_id: str, version: int, seq: int) -> None:
    db.execute("INSERT OR REPLACE INTO published VALUES (?, ?, ?)", (arxiv_id, version, seq))
