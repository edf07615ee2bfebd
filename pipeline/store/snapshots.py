"""Copies of the store as it was after a night: three days' are kept."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from pathlib import Path

from pipeline.errors import OutputError
from pipeline.files import cannot_write, owner_alone, owners_folder, replacing_path, sweep
from pipeline.store.store import Store

SNAPSHOTS = "snapshots"
_NAMES = "[0-9]*.sqlite3"
KEPT = 3
"""One a day: of several runs of a day the last one's."""


def snapshots(outputs: Path) -> list[Path]:
    """outputs/snapshots/2026-01-08.sqlite3 and its like, newest first."""
    return sorted((outputs / SNAPSHOTS).glob(_NAMES), reverse=True)


def snapshot(store: Store, outputs: Path, now: dt.datetime) -> Path:
    """The store as it is, in a file that is whole or not there; older ones than KEPT go.

    A copy that SQLite's own check finds damaged takes no other's place. Raises OutputError.
    """
    folder = outputs / SNAPSHOTS
    path = folder / f"{now:%Y-%m-%d}.sqlite3"
    owners_folder(folder, _NAMES)
    sweep(folder, now)
    with replacing_path(path) as copy:
        store.file.copy_to(copy)
        with closing(Store(copy, reading=True)) as copied:
            if damage := copied.file.damage(quick=True):
                raise OutputError(
                    f"the store is damaged, no snapshot was made: {damage}",
                    where=path,
                    fix="See how far: jianjie doctor; jianjie restore --over rebuilds it",
                )
    owner_alone(path)
    try:
        for old in snapshots(outputs)[KEPT:]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    return path
