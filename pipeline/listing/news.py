"""What a catch-up page lists and arXiv did not announce in the field on that date.

The page has every row of the date's mail, joined with the categories that a paper has today,
whichever category a cross was for, and withdrawals of any version (arxiv-browse,
browse/services/database/catchup.py). So it also lists crosses elsewhere, and papers from before
they came to the field. No source tells which category a cross was for, nor does the order of the
categories: arXiv keeps them sorted. What they and the listings around leave possible decides. In
doubt it is news, unless the field had that version before: once is what nothing is lost by.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pipeline.arxiv.calendar import (
    CATCH_UP_REACH,
    eastern_date,
    first_listing,
    listing_dates,
)
from pipeline.arxiv.listpage import PageEntry
from pipeline.arxiv.shown import is_announced
from pipeline.categories import canonical
from pipeline.edges import Edges
from pipeline.listing.reconcile import catchup_pages
from pipeline.records import AnnounceType, Day, Listing, Paper

_AROUND = dt.timedelta(days=7)
"""Most crosses follow soon: listings further apart are not asked for."""
_A_DAY = dt.timedelta(days=1)


def no_news(
    edges: Edges, listing: Listing, entries: Sequence[PageEntry], papers: Mapping[str, Paper]
) -> frozenset[str]:
    """The base ids of a catch-up page's entries that were not announced in the listing's field.

    `papers` are the entries' papers, in the version of that date.
    """
    around = _Around(edges, listing)
    return frozenset(e.arxiv_id for e in entries if not _is_news(e, papers[e.arxiv_id], around))


class _Categories(NamedTuple):
    """A paper's categories today, under one name each."""

    at_home: bool
    """Whether the primary one is the field's."""
    others: frozenset[str]
    """But for the primary one."""
    own: frozenset[str]
    """Of the others, the field's."""


def _is_news(entry: PageEntry, paper: Paper, around: _Around) -> bool:
    if not is_announced(entry.announce, paper.version):
        return False
    categories = around.categories(entry.categories)
    if not categories.at_home and around.came_later(entry.arxiv_id, categories):
        return False
    if entry.announce is not AnnounceType.CROSS or categories.others == categories.own:
        return True  # a cross can only have been for one of the others
    return bool(categories.own) and not around.had_before(paper, categories)


class _Around:
    """The listings before and after one: the store's where it has them whole, else arXiv's."""

    def __init__(self, edges: Edges, listing: Listing) -> None:
        self._edges = edges
        self._field = listing.field
        self._date = listing.date
        self._settings = edges.config.fields[listing.field]
        self._home = frozenset(map(canonical, self._settings.categories))
        self._today = eastern_date(edges.clock.now())
        self._days: dict[dt.date, Day | None] = {}
        self._pages: dict[dt.date, dict[str, AnnounceType]] = {}

    def categories(self, names: Iterable[str]) -> _Categories:
        """Of a paper; the primary category first."""
        primary, *others = dict.fromkeys(map(canonical, names)) or ("",)
        return _Categories(primary in self._home, frozenset(others), self._home & set(others))

    def came_later(self, base: str, categories: _Categories) -> bool:
        """Whether all that makes a paper the field's was crossed after this listing.

        A cross adds at least one category. One that the field's own feed had was for the field.
        """
        last = min(self._date + _AROUND, self._today)
        dates = listing_dates(self._date + _A_DAY, last + _A_DAY)
        crosses = 0
        for date in dates:
            if day := self._whole(date):
                crossed = _type(day, base) is AnnounceType.CROSS
                if crossed and len(categories.own) == 1:
                    return True
            else:
                crossed = len(categories.others) <= len(dates) and (
                    self._page(date).get(base) is AnnounceType.CROSS
                )
            crosses += crossed
        return crosses >= len(categories.others)

    def had_before(self, paper: Paper, categories: _Categories) -> bool:
        """Whether an earlier listing of the field has the paper, for all that can be known.

        Where the store has earlier days, it knows all that they had. Else arXiv's pages stand for
        them, as far as they can: they too list more than was announced.
        """
        if verdict := self._known_before(paper):
            # Crossed since to one more of the field's categories, it is news once more.
            return categories.own <= verdict.own
        begun = any(date < self._date for date in self._edges.store.days.nights(self._field))
        if begun or not paper.version or paper.submitted is None:
            return False
        first = first_listing(paper.submitted)
        last = listing_dates(max(first, self._date - _AROUND), self._date)
        dates = dict.fromkeys((first, *reversed(last)))
        return any(paper.arxiv_id in self._page(date) for date in dates if date < self._date)

    def _known_before(self, paper: Paper) -> _Categories | None:
        """The categories with which the store has it in an earlier listing of the field."""
        store = self._edges.store
        for version in reversed(store.papers.versions(paper.arxiv_id)):
            days = store.days.having(paper.arxiv_id, version.version)
            if any(field == self._field and date < self._date for date, field in days):
                return self.categories(version.categories)
        return None

    def _whole(self, date: dt.date) -> Day | None:
        """The field's day, if nothing about its listing is open."""
        if date not in self._days:
            day = self._edges.store.days.get(date, self._field)
            self._days[date] = day if day and day.check and day.check.complete else None
        return self._days[date]

    def _page(self, date: dt.date) -> dict[str, AnnounceType]:
        """The catch-up page's entries; none where it is out of reach."""
        if date < self._date - CATCH_UP_REACH:
            return {}
        if date not in self._pages:
            pages = catchup_pages(self._settings, date, self._edges.arxiv)
            for told in pages.told:
                self._edges.warn(f"{date}: {told}")
            self._pages[date] = {entry.arxiv_id: entry.announce for entry in pages.entries}
        return self._pages[date]


def _type(day: Day, base: str) -> AnnounceType | None:
    announced = (outcome.announcement for outcome in day.outcomes)
    return next((item.announce for item in announced if item.paper.arxiv_id == base), None)
