"""What arXiv announced: the feed's papers, held against the list pages' own counts.

The feed alone proves nothing: it is stamped anew every day, and papers have been missing from it.
The list page says which date it shows and how many papers it has; the catch-up page does the same
for every date of the last 90 days. What the pages have and the feed lacks is found and added.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from pipeline.arxiv.feed import parse_feed
from pipeline.arxiv.listpage import ListPage, PageEntry, parse_list_page
from pipeline.arxiv.shown import is_on_list_page
from pipeline.categories import canonical
from pipeline.errors import ArxivError, ArxivMalformed
from pipeline.records import Announcement, AnnounceType, Check, Listing, Record
from pipeline.settings import FieldSettings


class PageSource(Protocol):
    """What this stage needs of the edge to arXiv: bodies and the addresses they came from."""

    @property
    def feed_host(self) -> str:
        """The host of the feed."""

    def feed(self, categories: Sequence[str], *, revalidate: bool = False) -> tuple[bytes, str]:
        """Today's feed."""

    def list_page(self, category: str) -> tuple[bytes, str]:
        """The newest listing of one category."""

    def catchup(self, category: str, date: dt.date, page: int = 1) -> tuple[bytes, str]:
        """One page of one category's listing of a date."""


class Pages(Record):
    """The list or catch-up pages of all a field's categories, as one listing."""

    date: dt.date | None
    """The date that all of them show; None where they differ or none could be read."""
    addresses: tuple[str, ...]
    entries: tuple[PageEntry, ...]
    """Each paper once, by its strongest type."""
    problems: tuple[str, ...]
    """In our own words: they are published."""
    told: tuple[str, ...] = ()
    """The same with arXiv's words, for the terminal and the log."""
    overlists: bool = False
    """Whether they are catch-up pages, which list more than was announced."""

    @property
    def ids(self) -> frozenset[str]:
        """The base ids of all entries."""
        return frozenset(entry.arxiv_id for entry in self.entries)


def todays_feed(name: str, field: FieldSettings, arxiv: PageSource) -> Listing:
    """Today's listing of a field as the feed has it; empty when it announces nothing.

    ArXiv is asked even while its last answer is said to be good until midnight: what was complete
    an hour ago may have grown. Raises ArxivError.
    """
    try:
        content, where = arxiv.feed(field.categories, revalidate=True)
        feed = parse_feed(content, where=where)
    except ArxivMalformed:  # a maintenance page, an answer cut off: often gone a moment later
        content, where = arxiv.feed(field.categories, revalidate=True)
        feed = parse_feed(content, where=where)
    return Listing(
        date=feed.date,
        field=name,
        source=arxiv.feed_host,
        announcements=feed.announcements,
        untyped=feed.untyped,
    )


def todays_pages(feed: Listing, field: FieldSettings, arxiv: PageSource) -> Pages:
    """What to hold today's feed against.

    The list pages if they show the feed's date, or an older listing that the feed only repeats;
    else the catch-up pages of the feed's date: in the evening the list pages are a day ahead.
    """
    shown = list_pages(field, arxiv)
    if not shown.problems and shown.date is not None:
        repeated = {item.paper.arxiv_id for item in feed.announcements} <= shown.ids
        if shown.date == feed.date or (shown.date < feed.date and repeated):
            return shown
    dated = catchup_pages(field, feed.date, arxiv)
    if not dated.problems:
        return dated
    best = shown if shown.date == feed.date else dated
    problems, told = (*shown.problems, *dated.problems), (*shown.told, *dated.told)
    return best.model_copy(update={"problems": problems, "told": told})


def list_pages(field: FieldSettings, arxiv: PageSource) -> Pages:
    """The newest listing, as one page a category has it."""
    return _merged(_read(arxiv, category, None) for category in _categories(field))


def catchup_pages(field: FieldSettings, date: dt.date, arxiv: PageSource) -> Pages:
    """The listing of a past date; without entries where arXiv announced nothing."""
    merged = _merged(_read(arxiv, category, date) for category in _categories(field))
    return merged.model_copy(update={"overlists": True})


def reconcile(listing: Listing, pages: Pages) -> tuple[Listing, tuple[PageEntry, ...]]:
    """The listing with the pages' stronger types and its check, and what the listing lacks.

    The check has no `added` yet: what is lacking still needs its version (metadata.py).
    """
    dated = pages.entries if pages.date == listing.date else ()
    on_page = {entry.arxiv_id: entry for entry in dated}
    ours = {item.paper.arxiv_id for item in listing.announcements}
    # The pages show neither an announce type without a name nor a high version.
    expected = {i.paper.arxiv_id for i in listing.announcements if is_on_list_page(i)}
    problems = list(pages.problems)
    if not problems and (extra := sorted(expected - set(on_page) - set(listing.untyped))):
        problems.append(f"not on the list pages: {', '.join(extra)}")
    announcements = tuple(
        _strongest(item, on_page.get(item.paper.arxiv_id)) for item in listing.announcements
    )
    addresses = tuple(map(_shown, pages.addresses))
    check = Check(
        pages=addresses,
        counted=len(on_page),
        problems=tuple(problems),
        untyped=listing.untyped,
    )
    lacking = tuple(entry for entry in dated if entry.arxiv_id not in ours)
    update = {"announcements": announcements, "check": check}
    return listing.model_copy(update=update), lacking


def with_added(
    listing: Listing,
    added: Sequence[Announcement],
    problems: Sequence[str],
    dropped: Sequence[str] = (),
    no_news: Sequence[str] = (),
) -> Listing:
    """The listing with the papers that the feed lacked, in arXiv's order, and what is left open.

    `dropped` are the ids that were taken out before because they are of an earlier listing,
    `no_news` those that the pages have and arXiv did not announce.
    """
    if listing.check is None:
        raise ValueError("a listing is reconciled before anything is added")
    ids = tuple(item.paper.arxiv_id for item in added)
    check = listing.check.model_copy(
        update={
            "added": (*listing.check.added, *ids),
            "dropped": tuple(dropped),
            "no_news": tuple(no_news),
            "problems": (*listing.check.problems, *problems),
        }
    )
    announcements = (*listing.announcements, *added)
    if added or listing.untyped:
        announcements = tuple(sorted(announcements, key=order))
    return listing.model_copy(update={"announcements": announcements, "check": check})


def order(item: Announcement) -> tuple[int, str]:
    """ArXiv's order in a listing: by announce type, then ids ascending."""
    return item.announce.rank, item.paper.arxiv_id


def source_of(pages: Pages) -> str:
    """The host that a caught-up listing came from."""
    return next((urlsplit(address).hostname or "" for address in pages.addresses), "")


def _shown(address: str) -> str:
    """Without a port: a stand-in's is another one every time."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.hostname or "").geturl()


def _categories(field: FieldSettings) -> Iterable[str]:
    """One page for a category and its alias; arXiv keeps it under the canonical name."""
    return dict.fromkeys(canonical(category) for category in field.categories)


class _PagePart(NamedTuple):
    """A category's page, the addresses that it came from, and what is wrong with it."""

    page: ListPage | None
    addresses: tuple[str, ...]
    problems: tuple[str, ...]
    told: tuple[str, ...]
    """The problems with arXiv's words."""


def _read(arxiv: PageSource, category: str, date: dt.date | None) -> _PagePart:
    """A category's newest listing, or that of a date with all its pages as one."""
    whole: ListPage | None = None
    addresses: list[str] = []
    try:
        for page, where in _fetched(arxiv, category, date):
            addresses.append(where)
            whole = page if whole is None else _joined(whole, page)
            if date is None or not page.entries or len(whole.entries) >= whole.total:
                break
    except ArxivError as error:
        return _PagePart(
            whole, tuple(addresses), (f"{error.where}: {error.public}",), (str(error),)
        )
    problems = _miscounted(whole, addresses[0]) if whole else ()
    if whole is not None and date not in {None, whole.date}:
        problems = (*problems, f"{addresses[0]}: shows {whole.date}")
    return _PagePart(whole, tuple(addresses), problems, problems)


def _fetched(
    arxiv: PageSource, category: str, date: dt.date | None
) -> Iterator[tuple[ListPage, str]]:
    number = 0
    while True:
        number += 1
        content, where = (
            arxiv.list_page(category) if date is None else arxiv.catchup(category, date, number)
        )
        yield parse_list_page(content, where=where), where


def _joined(first: ListPage, more: ListPage) -> ListPage:
    """Page after page of one listing; a section's count is the whole section's on each of them."""
    counts = {**more.counts, **first.counts}
    return first.model_copy(update={"entries": (*first.entries, *more.entries), "counts": counts})


def _miscounted(page: ListPage, where: str) -> tuple[str, ...]:
    """Where a page has another number of papers than it says itself."""
    problems = [
        f"{where}: says {count} {kind.value} submissions and lists {listed}"
        for kind, count in page.counts.items()
        if count != (listed := sum(entry.announce is kind for entry in page.entries))
    ]
    if not problems and page.total != len(page.entries):
        problems.append(f"{where}: says {page.total} entries and lists {len(page.entries)}")
    return tuple(problems)


def _merged(parts: Iterable[_PagePart]) -> Pages:
    read = list(parts)
    dates = {part.page.date for part in read if part.page}
    differ = f"the list pages' dates differ: {', '.join(map(str, sorted(dates)))}"
    more = (differ,) if len(dates) > 1 else ()
    entries: dict[str, PageEntry] = {}
    for part in read:
        for entry in part.page.entries if part.page else ():
            other = entries.get(entry.arxiv_id)
            if other is None or entry.announce.rank < other.announce.rank:
                entries[entry.arxiv_id] = entry
    return Pages(
        date=dates.pop() if len(dates) == 1 else None,
        addresses=tuple(address for part in read for address in part.addresses),
        entries=tuple(entries.values()),
        problems=(*(problem for part in read for problem in part.problems), *more),
        told=(*(told for part in read for told in part.told), *more),
    )


def _strongest(item: Announcement, entry: PageEntry | None) -> Announcement:
    """One paper counts once, by its strongest type, whichever source has it."""
    stronger = entry is not None and entry.announce.rank < item.announce.rank
    if entry is None or not stronger or entry.announce is AnnounceType.REPLACE:
        return item
    return item.model_copy(update={"announce": entry.announce})
