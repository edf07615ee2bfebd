"""The part of the store about endpoints: what each of them takes (llm/features.py)."""

from __future__ import annotations

from pipeline.store.database import Database


class Endpoints:
    """Safe to call from many threads; raises OutputError on a bad disk."""

    def __init__(self, file: Database) -> None:
        self._file = file

    def recall(self, address: str, model: str) -> str | None:
        """What was remembered of an endpoint."""
        rows = self._file.rows(
            "SELECT known FROM endpoints WHERE address = ? AND model = ?", address, model
        )
        return str(rows[0][0]) if rows else None

    def remember(self, address: str, model: str, features: str) -> None:
        """Keep what is known of an endpoint."""
        with self._file.write() as db:
            db.execute(
                "INSERT OR REPLACE INTO endpoints VALUES (?, ?, ?)", (address, model, features)
            )
