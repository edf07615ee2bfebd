"""Makes the site's files from the store, and writes those that differ."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Collection, Sequence
from pathlib import Path

from pipeline.config import Config
from pipeline.files import write_atomic
from pipeline.site import feeds, search
from pipeline.site.pages import Site, day_page, index_page, paper_page
from pipeline.store.store import Store

_ASSETS = Path(__file__).parent / "assets"
_FEED_DAYS = 14
"""Listings in a feed: readers come back within two weeks."""
_RUNS = 5

Key = tuple[dt.date, str]
"""A day: date and field."""


def build(
    store: Store,
    config: Config,
    *,
    keys: Sequence[Key],
    changed: set[Key],
    papers: Collection[str] = (),
) -> int:
    """The changed days with all that shows them, and these papers; how many files were written.

    `keys` has every day, newest first. Raises OutputError.
    """
    site = Site(store, config, keys)
    writer = _PageFiles(config.paths.outputs / "site")
    for asset in _ASSETS.iterdir():
        writer.write(asset.name, asset.read_bytes())
    _write_days(site, writer, keys, changed, papers)
    _write_search(site, writer, keys, changed)
    _write_feeds(site, writer, keys, changed)
    writer.write("index.html", index_page(site, store.runs.last(_RUNS)))
    writer.write("data.js", search.data(site))
    return writer.written


class _PageFiles:
    """Writes what differs, and counts it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.written = 0

    def write(self, name: str, content: bytes) -> None:
        """One file; all can be made again, so the disk is not waited for."""
        path = self._folder / name
        changed = write_atomic(path, content, durable=False)
        self.written += changed
        if not changed:
            os.utime(path)  # it is as new as what it was made of


def _write_days(
    site: Site,
    writer: _PageFiles,
    keys: Sequence[Key],
    changed: set[Key],
    more: Collection[str],
) -> None:
    """The days' pages, those of their papers, and of `more` papers that have a line."""
    papers = {one for one in more if any(live for _, live in site.store.summaries.of(one))}
    for date, field in keys:
        if (date, field) in changed:
            day = site.day(date, field)
            writer.write(f"{date}/{field}.html", day_page(site, day))
            papers |= {outcome.announcement.paper.arxiv_id for outcome in day.outcomes}
    for arxiv_id in sorted(papers):
        writer.write(site.paper_file(arxiv_id), paper_page(site, arxiv_id))


def _write_search(site: Site, writer: _PageFiles, keys: Sequence[Key], changed: set[Key]) -> None:
    """A file for each month that has a changed day, and one for the papers without a day."""
    for month in sorted({search.month_of(date) for date, _ in changed}):
        days = [site.day(*key) for key in keys if search.month_of(key[0]) == month]
        writer.write(f"search/{month}.js", search.shard(site, month, days))
    writer.write(f"search/{search.UNLISTED}.js", search.unlisted(site))


def _write_feeds(site: Site, writer: _PageFiles, keys: Sequence[Key], changed: set[Key]) -> None:
    for field in sorted({field for _, field in changed}):
        dates = [date for date, own in keys if own == field][:_FEED_DAYS]
        days = [site.day(date, field) for date in dates]
        items = feeds.items_of(site, days)
        writer.write(f"{field}.atom", feeds.atom(site, days, items))
        writer.write(f"{field}.json", feeds.json_feed(site, days, items))
