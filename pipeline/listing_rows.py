"""A listing's rows in the store's tables: what a listing changes of what is there. For store.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from pipeline.columns import ANNOUNCE_TYPE, DAY_CHECK, PAPER
from pipeline.database import Connection
from pipeline.records import Announcement, AnnounceType, Check, Metadata, Paper


def put_check(db: Connection, date: str, field: str, check: Check | None) -> None:
    """The newest check stands; what any of them added is remembered."""
    if check is None:
        return
    query = "SELECT checked FROM days WHERE date = ? AND field = ?"
    stored = db.execute(query, (date, field)).fetchone()[0]
    if before := DAY_CHECK.read(stored):
        added = dict.fromkeys((*before.added, *check.added))
        dropped = dict.fromkeys((*before.dropped, *check.dropped))
        check = check.model_copy(update={"added": tuple(added), "dropped": tuple(dropped)})
    if check == before:
        return
    db.execute(
        "UPDATE days SET checked = ? WHERE date = ? AND field = ?",
        (check.model_dump_json(), date, field),
    )


def announce(db: Connection, date: str, field: str, announcements: Sequence[Announcement]) -> None:
    """Each paper once a day, by its strongest type; late ones take their place in arXiv's order."""
    query = "SELECT arxiv_id, announce, version FROM announced WHERE date = ? AND field = ?"
    known = {row[0]: row for row in db.execute(query, (date, field)).fetchall()}
    late = False
    for position, item in enumerate(announcements):
        paper, kind = item.paper, item.announce
        if paper.arxiv_id not in known:
            late = bool(known)
            db.execute(
                "INSERT INTO announced (date, field, arxiv_id, version, announce, position)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (date, field, paper.arxiv_id, paper.version, kind.value, position),
            )
        elif kind.rank < _rank(known[paper.arxiv_id][1]):
            late = True
            db.execute(
                "UPDATE announced SET announce = ?, version = ?, stage = NULL, reason = NULL,"
                " cause = NULL WHERE date = ? AND field = ? AND arxiv_id = ?",
                (kind.value, paper.version, date, field, paper.arxiv_id),
            )
    if late:
        _in_order(db, date, field)


def _in_order(db: Connection, date: str, field: str) -> None:
    """ArXiv's order, by announce type and then by id, for a day that had additions."""
    query = "SELECT announce, arxiv_id FROM announced WHERE date = ? AND field = ?"
    rows = db.execute(query, (date, field)).fetchall()
    ordered = sorted(rows, key=lambda row: (_rank(row[0]), row[1]))
    db.executemany(
        "UPDATE announced SET position = ? WHERE date = ? AND field = ? AND arxiv_id = ?",
        [(position, date, field, row[1]) for position, row in enumerate(ordered)],
    )


def _rank(announce: str) -> int:
    """Behind all others where it cannot be read: any listing's own type is stronger."""
    kind = ANNOUNCE_TYPE.read(announce)
    return len(AnnounceType) if kind is None else kind.rank


def put_paper(db: Connection, paper: Paper) -> None:
    """The metadata, unless what is there is from a more faithful source."""
    if paper.metadata == "lost":
        return
    query = "SELECT paper FROM papers WHERE arxiv_id = ? AND version = ?"
    row = db.execute(query, (paper.arxiv_id, paper.version)).fetchone()
    faithful = get_args(Metadata).index
    stored = PAPER.read(row[0]) if row else None
    if stored and (stored == paper or faithful(stored.metadata) > faithful(paper.metadata)):
        return
    db.execute(
        "INSERT OR REPLACE INTO papers VALUES (?, ?, ?)",
        (paper.arxiv_id, paper.version, paper.model_dump_json()),
    )
