"""The part of the store about lines: every validated summary, and which one is published."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

from pipeline.digest.before import Before
from pipeline.errors import UsageError
from pipeline.records import Summary
from pipeline.store.columns import SUMMARY
from pipeline.store.database import Connection, Database
from pipeline.store.replies import close_round


class Summaries:
    """Safe to call from many threads; raises OutputError on a bad disk."""

    def __init__(self, file: Database) -> None:
        self._file = file

    def publish(self, summary: Summary, inquiry: str | None = None) -> Summary:
        """Store a validated summary and make it the published one of its version.

        `inquiry` is the key of the replies that it was chosen from: their round is over. A summary
        that only repeats the published one, or the last one that was, is not stored again: the one
        that is published now, with its own provenance, is returned. A line that a person wrote
        stays the published one: a model's is kept beside it.
        """
        seq, kept = self._repeated(summary)
        person = self._persons(summary)
        with self._file.write() as db:
            if seq is None:
                row = db.execute(
                    "INSERT INTO summaries (key, arxiv_id, version, summary) VALUES (?, ?, ?, ?)",
                    (summary.key, summary.arxiv_id, summary.version, summary.model_dump_json()),
                )
                seq = row.lastrowid or 0
            if person is None:
                _point(db, summary.arxiv_id, summary.version, seq)
            if inquiry is not None:
                close_round(db, inquiry, refused=False)
            _forget_unreadable(db, summary.arxiv_id, summary.version)
        return person or kept

    def _persons(self, summary: Summary) -> Summary | None:
        """The published line of the same version, where a person wrote it and not this one."""
        if summary.provenance.by is not None:
            return None
        now = self.published(summary.arxiv_id, summary.version)
        return now if now is not None and now.provenance.by is not None else None

    def _repeated(self, summary: Summary) -> tuple[int | None, Summary]:
        """The stored summary that this one repeats, and its number; else None and this one."""
        rows = self._file.rows(
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
        for seq, text in self._file.rows(query, *of_it):
            stored = SUMMARY.read(text)
            if stored and stored.model_copy(update={"key": summary.key}) == summary:
                if self._persons(summary) is None:
                    with self._file.write() as db:
                        _point(db, *of_it, seq)
                return False
        self.publish(summary)
        return True

    def undo(self, arxiv_id: str, version: int) -> Summary:
        """Publish the summary before the published one again, the last that says something else.

        Raises UsageError without one.
        """
        rows = self._file.rows(
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
            summary = summary_of(self._file, arxiv_id, version, seq, text)
            if summary and (now is None or (summary.line, summary.tags) != (now.line, now.tags)):
                with self._file.write() as db:
                    _point(db, arxiv_id, version, seq)
                return summary
        raise UsageError(
            "there is no earlier summary to go back to",
            where=f"{arxiv_id}v{version}",
            fix=f"See: jianjie show {arxiv_id}",
        )

    def of(self, arxiv_id: str) -> list[tuple[Summary, bool]]:
        """Every summary of a paper, oldest first, and whether it is the published one."""
        return self.of_all([arxiv_id])[arxiv_id]

    def of_all(self, arxiv_ids: Sequence[str]) -> dict[str, list[tuple[Summary, bool]]]:
        """The same of many papers at once; of one that has no summary none."""
        rows = self._file.rows(
            "SELECT s.arxiv_id, s.version, s.seq, s.summary, p.seq IS NOT NULL FROM summaries AS s"
            " LEFT JOIN published AS p ON p.seq = s.seq"
            " WHERE s.arxiv_id IN (SELECT value FROM json_each(?)) ORDER BY s.seq",
            json.dumps(arxiv_ids),
        )
        summaries: dict[str, list[tuple[Summary, bool]]] = {one: [] for one in arxiv_ids}
        for arxiv_id, version, seq, text, live in rows:
            if summary := summary_of(self._file, arxiv_id, version, seq, text):
                summaries[arxiv_id].append((summary, bool(live)))
        return summaries

    def published(self, arxiv_id: str, version: int) -> Summary | None:
        """The published summary of one version."""
        rows = self._file.rows(
            "SELECT seq, summary FROM summaries JOIN published USING (seq)"
            " WHERE published.arxiv_id = ? AND published.version = ?",
            arxiv_id,
            version,
        )
        return summary_of(self._file, arxiv_id, version, *rows[0]) if rows else None

    def latest_version(self, arxiv_id: str) -> int | None:
        """The newest version that has a line; None if none has."""
        rows = self._file.rows("SELECT max(version) FROM published WHERE arxiv_id = ?", arxiv_id)
        version: int | None = rows[0][0]
        return version

    def edits(self) -> list[tuple[Summary, Before | None]]:
        """The published lines by people, oldest first, each with the line that was there before.

        None: no model's line was there before, or it said the same.
        """
        rows = self._file.rows(
            "SELECT s.arxiv_id, s.version, s.seq, s.summary FROM published JOIN summaries AS s"
            " USING (seq) WHERE json_valid(s.summary)"
            " AND json_extract(s.summary, '$.provenance.by') IS NOT NULL ORDER BY s.seq"
        )
        edits = [summary for row in rows if (summary := summary_of(self._file, *row))]
        every = self.of_all([line.arxiv_id for line in edits])
        return [(line, _before(line, every[line.arxiv_id])) for line in edits]

    def outdated_edits(self) -> list[tuple[Summary, int]]:
        """Lines by people of which a newer version has a line of a model's, and that version."""
        outdated = []
        for line, _ in self.edits():
            version = self.latest_version(line.arxiv_id) or 0
            newest = self.published(line.arxiv_id, version) if version > line.version else None
            if newest is not None and newest.provenance.by is None:
                outdated.append((line, version))
        return outdated

    def taken_back(self) -> frozenset[tuple[str, int]]:
        """Id and version of the papers whose published line is not the last that was made."""
        rows = self._file.rows(
            "SELECT p.arxiv_id, p.version FROM published AS p WHERE p.seq < (SELECT max(s.seq)"
            " FROM summaries AS s WHERE s.arxiv_id = p.arxiv_id AND s.version = p.version)"
        )
        return frozenset((str(arxiv_id), int(version)) for arxiv_id, version in rows)

    def lines(self, since: dt.date, before: dt.date | None) -> list[tuple[str, str]]:
        """Base id and published line of the papers in the listings from `since` on, each once.

        With `before` only up to that date, which is left out.
        """
        rows = self._file.rows(
            "SELECT DISTINCT s.arxiv_id, json_extract(s.summary, '$.line') FROM announced AS a"
            " JOIN published AS p USING (arxiv_id, version) JOIN summaries AS s USING (seq)"
            " WHERE a.date >= ?1 AND (?2 IS NULL OR a.date < ?2) AND json_valid(s.summary)",
            since.isoformat(),
            before.isoformat() if before else None,
        )
        return [(str(arxiv_id), str(line)) for arxiv_id, line in rows]

    def unlisted(self) -> list[tuple[str, dt.datetime]]:
        """The papers with a line that no listing has, and when their newest line was made."""
        rows = self._file.rows(
            """
            SELECT arxiv_id, max(json_extract(summary, '$.provenance.created'))
            FROM published JOIN summaries USING (seq, arxiv_id)
            WHERE arxiv_id NOT IN (SELECT arxiv_id FROM announced) AND json_valid(summary)
            GROUP BY arxiv_id ORDER BY arxiv_id
            """
        )
        return [(arxiv_id, dt.datetime.fromisoformat(created)) for arxiv_id, created in rows]


def _before(line: Summary, every: Sequence[tuple[Summary, bool]]) -> Before | None:
    """The last line of a model for the same version, before a person's."""
    others = [
        one
        for one, _ in every
        if one.version == line.version and one.provenance.by is None and one.line != line.line
    ]
    if not others:
        return None
    made = others[-1].provenance
    last = others[-1]
    return Before(line=last.line, tags=last.tags, model=made.model, prompt=made.prompt)


def summary_of(file: Database, arxiv_id: str, version: int, seq: int, text: str) -> Summary | None:
    """What is stored; None where it cannot be read."""
    return file.read(SUMMARY, text, f"{arxiv_id}v{version} ({seq})")


def _forget_unreadable(db: Connection, arxiv_id: str, version: int) -> None:
    """What no one can read any more goes when another has taken its place."""
    query = "SELECT seq, summary FROM summaries WHERE arxiv_id = ? AND version = ?"
    rows = db.execute(query, (arxiv_id, version)).fetchall()
    gone = [(seq,) for seq, text in rows if SUMMARY.read(text) is None]
    db.executemany("DELETE FROM summaries WHERE seq = ?", gone)


def _point(db: Connection, arxiv_id: str, version: int, seq: int) -> None:
    db.execute("INSERT OR REPLACE INTO published VALUES (?, ?, ?)", (arxiv_id, version, seq))
