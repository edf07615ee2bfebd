"""The store rebuilt: the newest snapshot that can be read, and the published digests laid over it.

A store that is lost or damaged is built anew beside its place and put there whole; what stood there
is kept under another name. A store with days is only added to, and only if that is asked for: then
in one commit, and what it has itself, and can read, stays.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from pipeline.app import STORE_FILE, locked
from pipeline.clock import Clock
from pipeline.config import Config
from pipeline.digest.entries import TagChoice
from pipeline.errors import OutputError, StoreDamaged, UsageError
from pipeline.files import cannot_write, replacing_path, sweep
from pipeline.night.adopted import adopt
from pipeline.records import Day, Listing, Record, Summary
from pipeline.restore.documents import read_document
from pipeline.stages.publish import published_files
from pipeline.store.snapshots import snapshots
from pipeline.store.store import Store

Warn = Callable[[str], None]


class Restored(Record):
    """What the store has now, and where it is from."""

    days: int
    papers: int
    owed: int
    digests: int
    """Days that were read from their published JSON."""
    base: Path | None
    """What the digests were laid over: a snapshot or the store; None: nothing."""
    aside: Path | None
    """Where the file is that stood in the store's place."""
    unusable: tuple[str, ...]
    """A line for each file that was left out."""
    added_to: bool
    """Whether the store was there, and lost nothing."""


def restore(config: Config, clock: Clock, command: str, warn: Warn, *, over: bool) -> Restored:
    """Rebuild the store, under the lock of its folder.

    `over`: lay the digests over a store that has days, too. Raises UsageError where that is not
    asked for, and where there is nothing to rebuild it from; OutputsBusy, OutputError.
    """
    outputs = config.paths.outputs
    path = outputs / STORE_FILE
    with locked(outputs, command, clock):
        sweep(outputs, clock.now())
        digests, unusable = _digests(outputs, config.tags)
        if _has_days(path):
            if not over:
                raise UsageError(
                    "has days: nothing is lost",
                    where=path,
                    fix="To lay the digests over what it has: jianjie restore --over",
                )
            with closing(Store(path)) as store:  # what it cannot read is now mended
                return _laid(store, digests, unusable, base=path, over=True)
        return _rebuilt(path, digests, unusable, clock.now(), warn)


def _digests(outputs: Path, tags: TagChoice) -> tuple[list[Day], list[str]]:
    """What can be read, and a line for each file that cannot."""
    days: list[Day] = []
    unusable: list[str] = []
    for path in published_files(outputs):
        try:
            days.append(read_document(path, tags))
        except OutputError as error:
            unusable.append(str(error))
    return days, unusable


def _has_days(path: Path) -> bool:
    """False for a store that is not there, or too damaged to be used."""
    if not path.exists():
        return False
    try:
        with closing(Store(path, reading=True)) as store:
            return bool(store.days.known()) and store.file.damage() is None
    except StoreDamaged:
        return False


def _rebuilt(
    path: Path, digests: Sequence[Day], unusable: Sequence[str], now: dt.datetime, warn: Warn
) -> Restored:
    with replacing_path(path) as beside:
        base = _copied_snapshot(path.parent, beside, warn)
        if base is None and not digests:
            raise UsageError(
                "; ".join(unusable) or "no published digest and no snapshot is there",
                where=path.parent,
                fix="Put them there, then: jianjie restore",
            )
        with closing(Store(beside, warn=warn)) as store:
            restored = _laid(store, digests, unusable, base=base, over=False)
        aside = _set_aside(path, now)
    return restored.model_copy(update={"aside": aside})


def _copied_snapshot(outputs: Path, beside: Path, warn: Warn) -> Path | None:
    """The newest snapshot that is whole and has days, copied; None where none is."""
    for path in snapshots(outputs):
        try:
            store = Store(path, reading=True)
        except OutputError as error:
            warn(f"{path}: not used: {error.what}")
            continue
        with closing(store):
            if problem := store.file.damage():
                warn(f"{path}: not used: {problem}")
            elif store.days.known():
                store.file.copy_to(beside)
                return path
    return None


def _set_aside(path: Path, now: dt.datetime) -> Path | None:
    """What stands in the store's place, its log with it: nothing is deleted."""
    aside = path.with_name(f"{path.name}.{now:%Y-%m-%dT%H-%M-%SZ}.old")
    moved = None
    try:
        for suffix in ("", "-wal", "-shm"):
            part = Path(f"{path}{suffix}")
            if part.exists():
                moved = Path(f"{part.parent / aside.name}{suffix}")
                part.rename(moved)
    except OSError as error:
        raise cannot_write(path, error) from error
    return aside if moved else None


def _laid(
    store: Store, digests: Sequence[Day], unusable: Sequence[str], *, base: Path | None, over: bool
) -> Restored:
    with store.file.together():
        for day in digests:
            _lay(store, day, over=over)
    counts = store.days.counts()
    return Restored(
        days=len(store.days.known()),
        papers=sum(announced for announced, _ in counts.values()),
        owed=sum(owed for _, owed in counts.values()),
        digests=len(digests),
        base=base,
        aside=None,
        unusable=tuple(unusable),
        added_to=over,
    )


def _lay(store: Store, day: Day, *, over: bool) -> None:
    """One day. A snapshot knows less than the digest; the store itself knows more."""
    believed = not over or store.days.get(day.date, day.field) is None
    items = tuple(outcome.announcement for outcome in day.outcomes)
    for earlier in (item.earlier for item in items if item.earlier):
        store.papers.put(earlier)
    listing = Listing(
        date=day.date, field=day.field, source=day.source, announcements=items, check=day.check
    )
    store.days.add(listing, day.name, day.categories)
    for done in day.done:
        _adopt(store, done.summary, believed=believed)
    if believed:
        for owed in day.owed:
            store.days.set_owed(day.date, day.field, owed)
        store.messages.set_told(day)  # the messages of nights that are over went out with them


def _adopt(store: Store, summary: Summary, *, believed: bool) -> None:
    """A published line, with what it cost if the store had not heard of it."""
    ours = store.summaries.published(summary.arxiv_id, summary.version)
    made = summary.provenance
    if ours and not believed and ours.provenance.created >= made.created:
        return
    if believed:
        adopt(store, summary)
    else:
        store.summaries.adopt(summary)
