"""A listing's rows in the store's tables: what a listing changes of what is there. For days.py."""

from __future__ import annotations

from pipeline.records import AnnounceType, Check, Listing
from pipeline.store.columns import ANNOUNCE_TYPE, DAY_CHECK
from pipeline.store.database import Connection


def put_check(db: Connection, date: str, field: str, check: Check | None) -> None:
    """The newest check stands; what any of them added, dropped or could not name is remembered."""
    if check is None:
        return
    query = "SELECT checked FROM days WHERE date = ? AND field = ?"
    stored = db.execute(query, (date, field)).fetchone()[0]
    if before := DAY_CHECK.read(stored):
        check = _with_remembered(check, before)
    if check == before:
        return
    db.execute(
        "UPDATE days SET checked = ? WHERE date = ? AND field = ?",
        (check.model_dump_json(), date, field),
    )


def _with_remembered(check: Check, before: Check) -> Check:
    return check.model_copy(
        update={
            "added": tuple(dict.fromkeys((*before.added, *check.added))),
            "dropped": tuple(dict.fromkeys((*before.dropped, *check.dropped))),
            "untyped": tuple(dict.fromkeys((*before.untyped, *check.untyped))),
        }
    )


def announce(db: Connection, date: str, field: str, listing: Listing) -> None:
    """Each paper once a day, by its strongest type; late ones take their place in arXiv's order.

    A version that was not known takes the number that is learnt, and a type that was a guess the
    better one.
    """
    query = "SELECT arxiv_id, announce, version FROM announced WHERE date = ? AND field = ?"
    stored = {row[0]: row for row in db.execute(query, (date, field)).fetchall()}
    late = False
    for position, item in enumerate(listing.announcements):
        paper, kind = item.paper, item.announce
        if paper.arxiv_id not in stored:
            late = bool(stored)
            db.execute(
                "INSERT INTO announced (date, field, arxiv_id, version, announce, position)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (date, field, paper.arxiv_id, paper.version, kind.value, position),
            )
            continue
        _, was, version = stored[paper.arxiv_id]
        told = paper.arxiv_id in listing.untyped and kind != was
        stronger = kind.rank < _rank(was)
        if paper.version and (stronger or told or not version):
            late = True
            db.execute(
                "UPDATE announced SET announce = ?, version = ?, stage = NULL, reason = NULL,"
                " cause = NULL WHERE date = ? AND field = ? AND arxiv_id = ?",
                (kind.value, paper.version, date, field, paper.arxiv_id),
            )
    if late:
        _in_order(db, date, field)
    # What stood for a paper until its version was known.
    db.execute(
        "DELETE FROM papers WHERE version = 0 AND NOT EXISTS (SELECT 1 FROM announced AS a"
        " WHERE a.arxiv_id = papers.arxiv_id AND a.version = 0)"
    )


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
