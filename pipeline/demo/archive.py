"""Everything that a simulated arXiv has announced, and what of it shows at a moment.

    Archive([monday, tuesday, wednesday], now=clock.now, withdrawn={"2601.02954v2"})

What is submitted before 14:00 New York time is announced at 20:00 on Sunday to Thursday and dated
with the day after. From the announcement on, the list page shows the new listing, and the API, OAI
and the PDFs know its versions. The feed shows the listing of the day, from midnight to midnight.
(info.arxiv.org/help/availability.html)

Feed, list page and catch-up page are not the same: see `fed`, `listed` and `mailed`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from pipeline.arxiv.calendar import CATCH_UP_REACH, EASTERN, cut_off
from pipeline.arxiv.ids import parse_id
from pipeline.categories import canonical
from pipeline.records import Announcement, AnnounceType, Listing, Paper

_ANNOUNCED = dt.time(20)
_BEFORE_CUT_OFF = dt.timedelta(hours=4)
_LAST_LISTED_VERSION = 5
_FRESH = (AnnounceType.NEW, AnnounceType.CROSS)
_WEAKER = {
    AnnounceType.NEW: AnnounceType.CROSS,
    AnnounceType.REPLACE: AnnounceType.REPLACE_CROSS,
}


class Version(NamedTuple):
    """One version of a paper's history."""

    number: int
    submitted: dt.datetime
    """UTC."""
    withdrawn: bool


class Row(NamedTuple):
    """One announcement as arXiv's tables have it."""

    item: Announcement
    crossed: frozenset[str] | None = None
    """The categories that a cross is for; None: any of the paper's."""


class Archive:
    """`listings` in any order, several for one date where several fields are announced.

    `now` gives an aware time; without it, it is always 00:30 in New York on the last listing's
    date. `withdrawn` holds versioned ids. The page sizes are arXiv's unless a test wants less.
    """

    def __init__(
        self,
        listings: Sequence[Listing],
        now: Callable[[], dt.datetime] | None = None,
        *,
        withdrawn: Collection[str] = (),
        catchup_page: int = 2000,
        oai_page: int = 2500,
    ) -> None:
        if not listings and now is None:
            raise ValueError("an archive without listings needs to be told the time")
        self.withdrawn = frozenset(withdrawn)
        self.catchup_page = catchup_page
        self.oai_page = oai_page
        self._now = now or _half_past_midnight(max(listing.date for listing in listings))
        self._listed = _by_date(listings)
        self._entries: dict[str, list[tuple[dt.date, Paper]]] = {}
        self._crossed: dict[tuple[dt.date, str], frozenset[str]] = {}
        for date, items in self._listed.items():
            for item in items:
                before = self._entries.setdefault(item.paper.arxiv_id, [])
                if before and item.announce is AnnounceType.CROSS:
                    gained = frozenset(item.paper.categories) - set(before[-1][1].categories)
                    if gained:
                        self._crossed[date, item.paper.arxiv_id] = gained
                before.append((date, item.paper))

    @property
    def now(self) -> dt.datetime:
        """The time in New York."""
        return self._now().astimezone(EASTERN)

    @property
    def today(self) -> dt.date:
        """The date in New York."""
        return self.now.date()

    def fed(self, date: dt.date) -> tuple[Row, ...]:
        """What the feed has of a date, each paper once: no replacement with a high version."""
        return tuple(
            row
            for row in self._rows(date)
            if row.item.paper.version <= _LAST_LISTED_VERSION or row.item.announce in _FRESH
        )

    def listed(self, date: dt.date) -> tuple[Row, ...]:
        """What the list page has while the listing is the newest: nothing with a high version."""
        rows = self._rows(date)
        return tuple(row for row in rows if row.item.paper.version <= _LAST_LISTED_VERSION)

    def mailed(self, date: dt.date) -> tuple[Row, ...]:
        """What the catch-up page has: the date's announcements of what the papers are today.

        Whichever category a cross was for; a paper that came to a category later; and what was
        withdrawn, in any version.
        """
        withdrawn = (
            row
            for row in self._rows(date)
            if row not in self.fed(date) and row.item.paper.versioned in self.withdrawn
        )
        items = [row.item for row in (*self.fed(date), *withdrawn)]
        return tuple(Row(item.model_copy(update={"paper": self._now_is(item)})) for item in items)

    def _rows(self, date: dt.date) -> tuple[Row, ...]:
        return tuple(
            Row(item, self._crossed.get((date, item.paper.arxiv_id)))
            for item in self._listed.get(date, ())
        )

    def _now_is(self, item: Announcement) -> Paper:
        return self.latest(item.paper.arxiv_id) or item.paper

    def newest(self) -> dt.date | None:
        """The date of the newest listing that is announced."""
        return max(filter(self._is_announced, self._listed), default=None)

    def listing_before(self, date: dt.date) -> dt.date | None:
        """The date of the listing before that of `date`."""
        return max((other for other in self._listed if other < date), default=None)

    def within_reach(self, date: dt.date) -> bool:
        """Whether the catch-up pages go there: the past 90 days up to today."""
        return self.today - CATCH_UP_REACH <= date <= self.today

    def ids(self) -> list[str]:
        """The base ids of all announced papers, ascending."""
        return sorted(base for base in self._entries if self.latest(base))

    def latest(self, base: str) -> Paper | None:
        """The newest announced version of a paper, with the metadata of its last listing."""
        papers = self._announced(base)
        return max(papers, key=lambda paper: paper.version, default=None)

    def find(self, arxiv_id: str) -> Paper | None:
        """An announced paper: the version that the id names, or else the newest.

        Raises UsageError for what is no id.
        """
        base, version = parse_id(arxiv_id)
        if version is None:
            return self.latest(base)
        papers = self._announced(base)
        return next((paper for paper in papers if paper.version == version), None)

    def history(self, base: str) -> tuple[Version, ...]:
        """All versions of an announced paper, those from before the archive included."""
        latest = self.latest(base)
        numbers = range(1, latest.version + 1) if latest else ()
        return tuple(
            Version(number, self.submitted(base, number), f"{base}v{number}" in self.withdrawn)
            for number in numbers
        )

    def submitted(self, base: str, version: int) -> dt.datetime:
        """When a version came in, UTC; composed where the record does not say.

        That is 10:00 in New York on the working day before its first listing. Versions that were
        never listed here came in a minute after the one before, the first of them on the 1st of
        the month that the id names.
        """
        entries = self._entries[base]
        said = next((p.submitted for _, p in entries if p.version == version and p.submitted), None)
        if said:
            return said.astimezone(dt.UTC)
        listed = next((date for date, paper in entries if paper.version == version), None)
        if listed:
            return _eve(listed)
        if version > 1:
            return self.submitted(base, version - 1) + dt.timedelta(minutes=1)
        digits = base.rpartition("/")[2]
        month = dt.datetime.strptime(digits[:4], "%y%m").replace(hour=5, tzinfo=dt.UTC)
        return min(month, _eve(entries[0][0]) - dt.timedelta(days=1))

    def datestamp(self, base: str) -> dt.date:
        """The listing in which a paper was last announced, which is OAI's date of its record."""
        return max(date for date, _ in self._entries[base] if self._is_announced(date))

    def _is_announced(self, date: dt.date) -> bool:
        return announced_at(date) <= self.now

    def _announced(self, base: str) -> list[Paper]:
        """The announced records of a paper, the last one first."""
        entries = reversed(self._entries.get(base, []))
        return [paper for date, paper in entries if self._is_announced(date)]


def announced_at(date: dt.date) -> dt.datetime:
    """When the listing of `date` becomes public: 20:00 in New York on the evening before."""
    return dt.datetime.combine(date - dt.timedelta(days=1), _ANNOUNCED, EASTERN)


def in_categories(rows: Iterable[Row], categories: Collection[str]) -> tuple[Announcement, ...]:
    """What one query for categories or archives gets.

    A paper is new where its primary category is asked for and crossed elsewhere, so that two
    queries can give it two types; the listing's own type is the strongest.
    """
    names = {canonical(category) for category in categories}
    items = [
        _as_asked(item, names)
        for item, crossed in rows
        if _meets(item.paper.categories if crossed is None else crossed, names)
    ]
    return tuple(sorted(items, key=_order))


def on_page(rows: Iterable[Row], category: str) -> dict[AnnounceType, list[Paper]]:
    """A category's list page: new, crossed and replaced papers.

    A crossed paper is not on the page of its own primary category, where it is nothing new.
    """
    kinds = (AnnounceType.NEW, AnnounceType.CROSS, AnnounceType.REPLACE)
    sections: dict[AnnounceType, list[Paper]] = {kind: [] for kind in kinds}
    for item in in_categories(rows, {category}):
        own = _meets(item.paper.categories[:1], {canonical(category)})
        if item.announce is AnnounceType.REPLACE_CROSS:
            sections[AnnounceType.REPLACE].append(item.paper)
        elif not (own and item.announce is AnnounceType.CROSS):
            sections[item.announce].append(item.paper)
    for papers in sections.values():
        papers.sort(key=lambda paper: paper.arxiv_id)
    return sections


def _as_asked(item: Announcement, names: set[str]) -> Announcement:
    if item.announce not in _WEAKER or _meets(item.paper.categories[:1], names):
        return item
    return item.model_copy(update={"announce": _WEAKER[item.announce]})


def _meets(categories: Iterable[str], names: set[str]) -> bool:
    own = {canonical(category) for category in categories}
    return bool(names & (own | {category.partition(".")[0] for category in own}))


def _by_date(listings: Iterable[Listing]) -> dict[dt.date, tuple[Announcement, ...]]:
    """Each paper once a date, by its strongest type; dates ascending."""
    dates: dict[dt.date, dict[str, Announcement]] = {}
    for listing in sorted(listings, key=lambda listing: listing.date):
        kept = dates.setdefault(listing.date, {})
        for item in listing.announcements:
            other = kept.setdefault(item.paper.arxiv_id, item)
            if item.announce.rank < other.announce.rank:
                kept[item.paper.arxiv_id] = item
    return {date: tuple(sorted(kept.values(), key=_order)) for date, kept in dates.items()}


def _order(item: Announcement) -> tuple[int, str]:
    return item.announce.rank, item.paper.arxiv_id


def _eve(date: dt.date) -> dt.datetime:
    """Before the cut-off of the listing of `date`, and after that of the listing before."""
    return (cut_off(date) - _BEFORE_CUT_OFF).astimezone(dt.UTC)


def _half_past_midnight(date: dt.date) -> Callable[[], dt.datetime]:
    moment = dt.datetime.combine(date, dt.time(0, 30), EASTERN)
    return lambda: moment
