"""The part of the store about canary papers: a line a paper and night (digest/drift.py)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pipeline.digest.drift import WEEKS, CanaryLine
from pipeline.store.columns import CANARY_DATE
from pipeline.store.database import Database


class CanaryLines:
    """Safe to call from many threads; raises OutputError on a bad disk."""

    def __init__(self, file: Database) -> None:
        self._file = file

    def add(self, lines: Sequence[CanaryLine]) -> None:
        """A whole night, in one commit."""
        names = tuple(CanaryLine.model_fields)
        marks = ", ".join(f":{name}" for name in names)
        with self._file.write() as db:
            db.executemany(
                f"INSERT INTO canary ({', '.join(names)}) VALUES ({marks})",  # noqa: S608 - ours
                [line.model_dump() | {"date": line.date.isoformat()} for line in lines],
            )

    def weeks(self, date: dt.date, prompt_hash: str, model: str) -> list[CanaryLine]:
        """Of that night and of the weeks before it that it is held against."""
        names = tuple(CanaryLine.model_fields)
        rows = self._file.rows(
            f"SELECT {CANARY_DATE.key}, {', '.join(names)} FROM canary"  # noqa: S608 - ours
            " WHERE prompt_hash = ? AND model = ? AND date BETWEEN ? AND ? ORDER BY date, rowid",
            prompt_hash,
            model,
            (date - WEEKS).isoformat(),
            date.isoformat(),
        )
        return self._file.records(CanaryLine, CANARY_DATE, rows)

    def night(self, date: dt.date | None = None) -> list[CanaryLine]:
        """That night's lines, or the last one's, after those of the weeks before it.

        Of several models the last one asked.
        """
        rows = self._file.rows(
            f"SELECT {CANARY_DATE.key}, date, prompt_hash, model FROM canary"  # noqa: S608 - ours
            " WHERE ?1 IS NULL OR date = ?1 ORDER BY date DESC, rowid DESC",
            date.isoformat() if date else None,
        )
        for key, text, prompt_hash, model in rows:
            night = self._file.read(CANARY_DATE, text, key)
            if night and (lines := self.weeks(night, prompt_hash, model)):
                return lines
        return []

    def asked(self, date: dt.date, prompt_hash: str, model: str) -> bool:
        """Whether that night is in the store."""
        return bool(
            self._file.rows(
                "SELECT 1 FROM canary WHERE date = ? AND prompt_hash = ? AND model = ? LIMIT 1",
                date.isoformat(),
                prompt_hash,
                model,
            )
        )

    def line_before(self, arxiv_id: str, prompt_hash: str, model: str, date: dt.date) -> str | None:
        """The line that was last written for a paper before that date."""
        rows = self._file.rows(
            "SELECT line FROM canary WHERE arxiv_id = ? AND prompt_hash = ? AND model = ?"
            " AND date < ? AND line IS NOT NULL ORDER BY date DESC LIMIT 1",
            arxiv_id,
            prompt_hash,
            model,
            date.isoformat(),
        )
        return str(rows[0][0]) if rows else None
