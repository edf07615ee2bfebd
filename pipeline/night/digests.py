"""A stored day's files, as the settings want them and with its night's canary."""

from __future__ import annotations

from pathlib import Path

from pipeline.config import Config
from pipeline.digest.drift import canary_of
from pipeline.records import Day, Summary
from pipeline.stages.publish import Published, patch, publish
from pipeline.store.store import Store


def publish_day(store: Store, config: Config, day: Day) -> Published:
    """Write them where they differ. Raises OutputError."""
    outputs, tags = config.paths.outputs, config.tags
    return publish(_with_canary(store, day), outputs, tags, config.extra_formats)


def patch_day(store: Store, config: Config, day: Day, summary: Summary) -> Published:
    """Put one line into them in place.

    Raises OutputError, DigestFormatError for a file that is no digest, UsageError for one without
    the paper.
    """
    outputs, tags = config.paths.outputs, config.tags
    return patch(_with_canary(store, day), summary, outputs, tags, config.extra_formats)


def patch_days(store: Store, config: Config, summary: Summary) -> tuple[Path, ...]:
    """Every digest that has this version, those that had the line already too: what changed.

    Raises as `patch_day`.
    """
    patched: list[Path] = []
    for date, field in store.days.having(summary.arxiv_id, summary.version):
        day = store.days.get(date, field)
        if day is not None:
            written = patch_day(store, config, day, summary)
            patched += [written.markdown] if written.changed else []
    return tuple(patched)


def _with_canary(store: Store, day: Day) -> Day:
    return day.model_copy(update={"canary": canary_of(store.canary.night(day.date))})
