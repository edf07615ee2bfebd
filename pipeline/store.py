"""The store: everything that is known, in one SQLite file.

What it promises: a paper is committed when it is done; replies are kept before they are judged;
only validated summaries stand in `summaries`; no paper, reply or summary is ever deleted.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

from pipeline.calls import Calls, close_round
from pipeline.canary_rows import CanaryRows
from pipeline.changes import replaced
from pipeline.database import Connection
from pipeline.errors import UsageError
from pipeline.listing_rows import announce, put_check, put_paper
from pipeline.message_rows import MessageRows
from pipeline.records import (
    Announcement,
    AnnounceType,
    Cause,
    Check,
    Day,
    Done,
    Listing,
    Outcome,
    Owed,
    Paper,
    Replaced,
    Stage,
    Summary,
)
from pipeline.run_rows import RunRows


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
                "INSERT OR IGNORE INTO days VALUES (?, ?, ?, ?, ?, NULL)",
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
            announce(db, date, field, listing.announcements)

    def unchecked(self, field: str) -> set[dt.date]:
        """The dates whose listing was checked with something left open."""
        rows = self._rows(
            "SELECT date FROM days WHERE field = ?"
            " AND json_array_length(checked, '$.problems') > 0",
            field,
        )
        return {dt.date.fromisoformat(date) for (date,) in rows}

    def add_quiet(self, date: dt.date, field: str) -> None:
        """ArXiv's catch-up page has no announcement on this past date."""
        with self._write() as db:
            db.execute("INSERT OR IGNORE INTO quiet VALUES (?, ?)", (date.isoformat(), field))

    def quiet(self, field: str) -> set[dt.date]:
        """The past dates that are known to have no announcement."""
        rows = self._rows("SELECT date FROM quiet WHERE field = ?", field)
        return {dt.date.fromisoformat(date) for (date,) in rows}

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
        return Day(
            date=date,
            field=field,
            name=name,
            categories=tuple(json.loads(categories)),
            source=source,
            outcomes=self._outcomes(date, field),
            check=Check.model_validate_json(checked) if checked else None,
            canary=self.canary(date),
        )

    def _outcomes(self, date: dt.date, field: str) -> tuple[Outcome, ...]:
        rows = self._rows(
            """
            SELECT a.announce, papers.paper, a.stage, a.cause, a.reason, summaries.summary,
                (SELECT paper FROM papers AS old WHERE old.arxiv_id = a.arxiv_id
                 AND old.version < a.version ORDER BY old.version DESC LIMIT 1)
            FROM announced AS a JOIN papers USING (arxiv_id, version)
            LEFT JOIN published USING (arxiv_id, version)
            LEFT JOIN summaries ON summaries.seq = published.seq
            WHERE a.date = ? AND a.field = ? ORDER BY a.position
            """,
            date.isoformat(),
            field,
        )
        return tuple(_outcome(*row) for row in rows)

    def days(self, field: str | None = None) -> list[tuple[dt.date, str]]:
        """Date and field of every known day, newest first."""
        rows = self._rows(
            "SELECT date, field FROM days WHERE ? IS NULL OR field = ? ORDER BY date DESC, field",
            field,
            field,
        )
        return [(dt.date.fromisoformat(date), name) for date, name in rows]

    def counts(self) -> dict[tuple[dt.date, str], tuple[int, int]]:
        """Of every day: papers announced, and of these the ones without a line."""
        rows = self._rows(
            "SELECT a.date, a.field, count(*), count(*) - count(p.seq) FROM announced AS a"
            " LEFT JOIN published AS p USING (arxiv_id, version) GROUP BY a.date, a.field"
        )
        return {
            (dt.date.fromisoformat(date), field): (announced, owed)
            for date, field, announced, owed in rows
        }

    def days_of(self, arxiv_id: str, version: int) -> list[tuple[dt.date, str]]:
        """The days whose listing has this version, newest first."""
        rows = self._rows(
            "SELECT date, field FROM announced WHERE arxiv_id = ? AND version = ?"
            " ORDER BY date DESC",
            arxiv_id,
            version,
        )
        return [(dt.date.fromisoformat(date), name) for date, name in rows]

    def unlisted(self) -> list[tuple[str, dt.datetime]]:
        """The papers with a line that no listing has, and when their newest line was made."""
        rows = self._rows(
            """
            SELECT arxiv_id, max(json_extract(summary, '$.provenance.created'))
            FROM published JOIN summaries USING (seq, arxiv_id)
            WHERE arxiv_id NOT IN (SELECT arxiv_id FROM announced)
            GROUP BY arxiv_id ORDER BY arxiv_id
            """
        )
        return [(arxiv_id, dt.datetime.fromisoformat(created)) for arxiv_id, created in rows]

    def latest_announced(self, arxiv_id: str) -> int | None:
        """The newest version that a listing had; None if none had the paper."""
        rows = self._rows("SELECT max(version) FROM announced WHERE arxiv_id = ?", arxiv_id)
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
        return Paper.model_validate_json(rows[0][0]) if rows else None

    def versions(self, arxiv_id: str) -> list[Paper]:
        """Every version that is known, oldest first."""
        rows = self._rows("SELECT paper FROM papers WHERE arxiv_id = ? ORDER BY version", arxiv_id)
        return [Paper.model_validate_json(text) for (text,) in rows]

    def put_paper(self, paper: Paper) -> None:
        """Store metadata; what a less faithful source says never replaces it."""
        with self._write() as db:
            put_paper(db, paper)

    def replaced(self, paper: Paper) -> Replaced | None:
        """The last version before this one that is known, and what changed since."""
        rows = self._rows(
            "SELECT paper FROM papers WHERE arxiv_id = ? AND version < ?"
            " ORDER BY version DESC LIMIT 1",
            paper.arxiv_id,
            paper.version,
        )
        return replaced(Paper.model_validate_json(rows[0][0]), paper) if rows else None

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

    def publish(self, summary: Summary) -> Summary:
        """Store a validated summary and make it the published one of its version.

        One that only repeats the published one, or the last one that was, is not stored again: the
        summary that is published now, with its own provenance, is returned.
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
            close_round(db, summary.key, refused=False)
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
            stored = Summary.model_validate_json(text)
            if summary.repeats(stored):
                return int(seq), stored
        return None, summary

    def summaries(self, arxiv_id: str) -> list[tuple[Summary, bool]]:
        """Every summary of a paper, oldest first, and whether it is the published one."""
        rows = self._rows(
            "SELECT s.summary, p.seq IS NOT NULL FROM summaries AS s"
            " LEFT JOIN published AS p ON p.seq = s.seq WHERE s.arxiv_id = ? ORDER BY s.seq",
            arxiv_id,
        )
        return [(Summary.model_validate_json(text), bool(live)) for text, live in rows]

    def published(self, arxiv_id: str, version: int) -> Summary | None:
        """The published summary of one version."""
        rows = self._rows(
            "SELECT summary FROM summaries JOIN published USING (seq)"
            " WHERE published.arxiv_id = ? AND published.version = ?",
            arxiv_id,
            version,
        )
        return Summary.model_validate_json(rows[0][0]) if rows else None

    def undo(self, arxiv_id: str, version: int) -> Summary:
        """Publish the summary before the published one again, the last that says something else.

        Raises UsageError without one.
        """
        rows = self._rows(
            """
            SELECT s.seq, s.summary FROM summaries AS s
            JOIN published AS p ON p.arxiv_id = s.arxiv_id AND p.version = s.version
            JOIN summaries AS now ON now.seq = p.seq
            WHERE s.arxiv_id = ? AND s.version = ? AND s.seq < p.seq AND
                (json_extract(s.summary, '$.line'), json_extract(s.summary, '$.tags')) IS NOT
                (json_extract(now.summary, '$.line'), json_extract(now.summary, '$.tags'))
            ORDER BY s.seq DESC LIMIT 1
            """,
            arxiv_id,
            version,
        )
        if not rows:
            raise UsageError(
                "there is no earlier summary to go back to",
                where=f"{arxiv_id}v{version}",
                fix=f"See: jianjie show {arxiv_id}",
            )
        with self._write() as db:
            _point(db, arxiv_id, version, rows[0][0])
        return Summary.model_validate_json(rows[0][1])


def _point(db: Connection, arxiv_id: str, version: int, seq: int) -> None:
    db.execute("INSERT OR REPLACE INTO published VALUES (?, ?, ?)", (arxiv_id, version, seq))


def _outcome(
    announce: str,
    paper: str,
    stage: str | None,
    cause: str | None,
    reason: str | None,
    summary: str | None,
    earlier: str | None,
) -> Outcome:
    this = Paper.model_validate_json(paper)
    announcement = Announcement(
        announce=AnnounceType(announce),
        paper=this,
        replaced=replaced(Paper.model_validate_json(earlier), this) if earlier else None,
    )
    if summary is not None:
        return Done(announcement=announcement, summary=Summary.model_validate_json(summary))
    if stage is None:
        return Owed(announcement=announcement, stage=Stage.LISTING, reason="not tried yet")
    return Owed(
        announcement=announcement,
        stage=Stage(stage),
        cause=Cause(cause or Cause.OTHER),
        reason=reason or "",
    )
