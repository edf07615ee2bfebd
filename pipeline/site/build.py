"""Makes the site's files from the store, and writes those that differ."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path

from pipeline.files import write_atomic
from pipeline.site import feeds, search
from pipeline.site.dates import month_of, week_of
from pipeline.site.pages import Site, day_page, index_page, paper_pages
from pipeline.site.weeks import statistics_page, week_page
from pipeline.store.days import Key

_ASSETS = Path(__file__).parent / "assets"
_FEED_DAYS = 14
"""Listings in a feed: readers come back within two weeks."""
_RECENT_DAYS = 30
"""Listings whose tasks and tags the statistics count."""
_RUNS = 5


def build(
    site: Site, *, changed: set[Key], last: Collection[Key] = (), papers: Collection[str] = ()
) -> int:
    """The changed days with all that shows them, and these papers; how many files were written.

    The pages of the `last` of the changed days say that all is made, and are written when it is;
    only the index, which has an age of its own, comes after them. Raises OutputError.
    """
    keys = site.known
    writer = _PageFiles(site.config.paths.outputs / "site")
    for asset in _ASSETS.iterdir():
        writer.write(asset.name, asset.read_bytes())
    _write_days(site, writer, [key for key in keys if key in changed], last, papers)
    _write_search(site, writer, keys, changed)
    _write_feeds(site, writer, keys, changed)
    _write_weeks(site, writer, keys, changed)
    _write_scores(site, writer)
    writer.write("data.js", search.data(site))
    for key in last:
        writer.write(_page_of(key), day_page(site, site.day(*key)))
    writer.write("index.html", index_page(site, site.store.runs.last(_RUNS)))
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


def _page_of(key: Key) -> str:
    date, field = key
    return f"{date}/{field}.html"


def _write_days(
    site: Site,
    writer: _PageFiles,
    keys: Sequence[Key],
    last: Collection[Key],
    more: Collection[str],
) -> None:
    """These days' pages but the last, all their papers', and `more` papers' that have a line."""
    made: set[str] = set()
    for key in keys:
        day = site.day(*key)
        papers = dict.fromkeys(one.announcement.paper.arxiv_id for one in day.outcomes)
        _write_papers(site, writer, [one for one in papers if one not in made])
        made |= papers.keys()
        if key not in last:
            writer.write(_page_of(key), day_page(site, day))
    summaries = site.store.summaries.of_all([one for one in more if one not in made])
    having_lines = [one for one, own in summaries.items() if any(live for _, live in own)]
    _write_papers(site, writer, sorted(having_lines))


def _write_papers(site: Site, writer: _PageFiles, arxiv_ids: Sequence[str]) -> None:
    for arxiv_id, page in paper_pages(site, arxiv_ids):
        writer.write(site.paper_file(arxiv_id), page)
    if not site.config.site.figures:
        return
    for arxiv_id, versions in site.store.papers.versions_of(arxiv_ids).items():
        for figure in (site.figure(f"{arxiv_id}v{one.version}") for one in versions):
            if figure:
                writer.write(figure.page_file, figure.known.file.read_bytes())


def _write_search(site: Site, writer: _PageFiles, keys: Sequence[Key], changed: set[Key]) -> None:
    """A file for each month that has a changed day, and one for the papers without a day."""
    for month in sorted({month_of(date) for date, _ in changed}):
        days = [site.day(*key) for key in keys if month_of(key[0]) == month]
        writer.write(f"search/{month}.js", search.shard(site, month, days))
    writer.write(f"search/{search.UNLISTED}.js", search.unlisted(site))


def _write_weeks(site: Site, writer: _PageFiles, keys: Sequence[Key], changed: set[Key]) -> None:
    """The weeks that have a changed day, and what their fields have in all."""
    for field in sorted({field for _, field in changed}):
        own = [date for date, one in keys if one == field]
        weeks = list(dict.fromkeys(map(week_of, own)))
        anew = {week_of(date) for date, one in changed if one == field}
        for at, week in enumerate(weeks):
            if week in anew:
                days = [site.day(date, field) for date in own if week_of(date) == week]
                before = weeks[at + 1] if at + 1 < len(weeks) else None
                page = week_page(site, days, before, weeks[at - 1] if at else None)
                writer.write(week.file(field), page)
        recent = [site.day(date, field) for date in own[:_RECENT_DAYS]]
        writer.write(f"statistics/{field}.html", statistics_page(site, recent))


def _write_scores(site: Site, writer: _PageFiles) -> None:
    """Of the days that ask for them, beside their pages."""
    for key in site.scored_days:
        writer.write(f"{site.scores_file(*key)}", search.scores(site, site.day(*key)))


def _write_feeds(site: Site, writer: _PageFiles, keys: Sequence[Key], changed: set[Key]) -> None:
    for field in sorted({field for _, field in changed}):
        dates = [date for date, own in keys if own == field][:_FEED_DAYS]
        days = [site.day(date, field) for date in dates]
        for number, feed in enumerate(feeds.feeds_of(site, days)):
            writer.write(f"{feed.name}.atom", feeds.atom(site, feed))
            if number == 0:
                writer.write(f"{feed.name}.json", feeds.json_feed(site, feed))
