"""The part of the store about papers: the metadata of each version."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import get_args

from pipeline.records import Metadata, Paper
from pipeline.store.columns import PAPER
from pipeline.store.database import Connection, Database


class Papers:
    """Safe to call from many threads; raises OutputError on a bad disk."""

    def __init__(self, file: Database) -> None:
        self._file = file

    def get(self, arxiv_id: str, version: int) -> Paper | None:
        """The stored metadata of one version."""
        rows = self._file.rows(
            "SELECT paper FROM papers WHERE arxiv_id = ? AND version = ?", arxiv_id, version
        )
        return paper_of(self._file, arxiv_id, version, rows[0][0]) if rows else None

    def versions(self, arxiv_id: str) -> list[Paper]:
        """Every version that is known, oldest first."""
        return self.versions_of([arxiv_id])[arxiv_id]

    def versions_of(self, arxiv_ids: Sequence[str]) -> dict[str, list[Paper]]:
        """The same of many papers at once; of one that is not known none."""
        rows = self._file.rows(
            "SELECT arxiv_id, version, paper FROM papers"
            " WHERE arxiv_id IN (SELECT value FROM json_each(?)) ORDER BY version",
            json.dumps(arxiv_ids),
        )
        versions: dict[str, list[Paper]] = {arxiv_id: [] for arxiv_id in arxiv_ids}
        for arxiv_id, version, text in rows:
            versions[arxiv_id].append(paper_of(self._file, arxiv_id, version, text))
        return versions

    def put(self, paper: Paper) -> None:
        """Store metadata; what a less faithful source says never replaces it."""
        with self._file.write() as db:
            put_paper(db, paper)

    def earlier(self, paper: Paper) -> Paper | None:
        """The last version before this one that is known."""
        rows = self._file.rows(
            "SELECT paper, arxiv_id || 'v' || version FROM papers"
            " WHERE arxiv_id = ? AND version BETWEEN 1 AND ? - 1 ORDER BY version DESC LIMIT 1",
            paper.arxiv_id,
            paper.version,
        )
        return self._file.read(PAPER, *rows[0]) if rows else None


def paper_of(file: Database, arxiv_id: str, version: int, text: str | None) -> Paper:
    """What is stored, or no more than which paper it is; arXiv is asked for the rest again."""
    return file.read(PAPER, text, f"{arxiv_id}v{version}") or Paper(
        arxiv_id=arxiv_id,
        version=version,
        title=f"{arxiv_id}v{version}",
        abstract="",
        authors=(),
        categories=(),
        metadata="lost",
    )


def put_paper(db: Connection, paper: Paper) -> None:
    """The metadata; of what a less faithful source says only the categories that it has more.

    A cross gives a paper those without a new version.
    """
    if paper.metadata == "lost":
        return
    query = "SELECT paper FROM papers WHERE arxiv_id = ? AND version = ?"
    row = db.execute(query, (paper.arxiv_id, paper.version)).fetchone()
    faithful = get_args(Metadata).index
    stored = PAPER.read(row[0]) if row else None
    if stored == paper:
        return
    if stored and faithful(stored.metadata) > faithful(paper.metadata):
        if not set(stored.categories) < set(paper.categories):
            return
        paper = stored.model_copy(update={"categories": paper.categories})
    db.execute(
        "INSERT OR REPLACE INTO papers VALUES (?, ?, ?)",
        (paper.arxiv_id, paper.version, paper.model_dump_json()),
    )
