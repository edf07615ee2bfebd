"""What `doctor` says of the store: the file as a whole, and every row that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from pipeline.app import STORE_FILE, read_store, refuse_a_loss
from pipeline.cli.findings import Finding, failed
from pipeline.config import Config
from pipeline.errors import OutputError, StoreDamaged, counted
from pipeline.store.columns import COLUMNS
from pipeline.store.snapshots import snapshots
from pipeline.store.store import Store

_PATIENCE_S = 30.0
"""For SQLite's own check; a year of 250 days takes 0.05 s."""
_LARGE = 1_000_000_000
"""Bytes from which on the indices are not held against the rows."""


def store_findings(config: Config) -> Iterator[Finding]:
    """Nothing is written, and the store may be another user's."""
    outputs = config.paths.outputs
    path = outputs / STORE_FILE
    unseen: list[str] = []
    try:
        if not path.exists():
            refuse_a_loss(outputs)
            yield Finding(about="store", text="none yet: the first run makes it")
            return
        store = read_store(config, unseen.append)
    except OutputError as error:
        yield failed("store", error)
        return
    with closing(store):
        yield from (Finding(about="store", text=text, state="warning") for text in unseen)
        try:
            yield _days(store, outputs)
            yield from _file(store, path)
            yield from _rows(store)
        except OutputError as error:
            yield failed("store", error)


def _days(store: Store, outputs: Path) -> Finding:
    days, kept = store.days.known(), snapshots(outputs)
    try:
        if not days:
            refuse_a_loss(outputs)
    except OutputError as error:
        return failed("store", error)
    text = counted(len(days), "listing") + (f", the last of {days[0][0]}" if days else "")
    copies = counted(len(kept), "snapshot") + (f", the last of {kept[0].stem}" if kept else "")
    return Finding(about="store", text=f"{text}; {copies}")


def _file(store: Store, path: Path) -> Iterator[Finding]:
    try:
        problem = store.file.damage(quick=path.stat().st_size > _LARGE, seconds=_PATIENCE_S)
    except TimeoutError:
        text = f"not looked through in {_PATIENCE_S:g} s"
        yield Finding(about="store", text=text, state="warning")
        return
    if problem:
        fix = "jianjie restore rebuilds it from the last snapshot and the digests"
        yield failed("store", StoreDamaged(problem, where=path, fix=fix))


def _rows(store: Store) -> Iterator[Finding]:
    for column in COLUMNS:
        if unreadable := store.file.unreadable(column):
            rows = counted(unreadable.rows, "row") + (", the first" if unreadable.rows > 1 else "")
            yield Finding(
                about="store",
                text=f"{column.table}.{column.name} cannot be read in {rows}: {unreadable.first};"
                f" {column.cost}",
                state="error" if column.fix else "warning",
                fix=column.fix or "Nothing to do",
                exit_status=OutputError.exit_status if column.fix else 0,
            )
