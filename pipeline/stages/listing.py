"""What arXiv announced: the feed's papers, held against the list pages' own counts.

The feed alone proves nothing: it is stamped anew every day, and papers have been missing from it.
The list page says which date it shows and how many papers it has; the catch-up page does the same
for every date of the last 90 days. What the pages have and the feed lacks is found and added.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol
from urllib.parse import urlsplit

from pipeline.arxiv.feed import parse_feed
from pipeline.arxiv.listpage import ListPage, PageEntry, parse_list_page
from pipeline.arxiv.taxonomy import canonical
from pipeline.errors import ArxivError, ArxivMalformed
from pipeline.records import Announcement, AnnounceType, Check, Listing, Paper, Record
from pipeline.settings import FieldSettings


class Arxiv(Protocol):
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

    @property
    def ids(self) -> frozenset[str]:
        """The base ids of all entries."""
        return frozenset(entry.arxiv_id for entry in self.entries)


def todays_feed(
    name: str, field: FieldSettings, arxiv: Arxiv, *, revalidate: bool = False
) -> Listing:
    """Today's listing of a field as the feed has it; empty when it announces nothing.

    `revalidate` asks arXiv even while its last answer is said to be good. Raises ArxivError.
    """
    try:
        content, where = arxiv.feed(field.categories, revalidate=revalidate)
        feed = parse_feed(content, where=where)
    except ArxivMalformed:  # a maintenance page, an answer cut off: often gone a moment later
        content, where = arxiv.feed(field.categories, revalidate=True)
        feed = parse_feed(content, where=where)
    return Listing(
        date=feed.date, field=name, source=arxiv.feed_host, announcements=feed.announcements
    )


def todays_pages(feed: Listing, field: FieldSettings, arxiv: Arxiv) -> Pages:
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
    return best.model_copy(update={"problems": (*shown.problems, *dated.problems)})


def list_pages(field: FieldSettings, arxiv: Arxiv) -> Pages:
    """The newest listing, as one page a category has it."""
    return _merged(_read(arxiv, category, None) for category in _categories(field))


def catchup_pages(field: FieldSettings, date: dt.date, arxiv: Arxiv) -> Pages:
    """The listing of a past date; without entries where arXiv announced nothing."""
    return _merged(_read(arxiv, category, date) for category in _categories(field))


def reconcile(listing: Listing, pages: Pages) -> tuple[Listing, tuple[PageEntry, ...]]:
    """The listing with the pages' stronger types and its check, and what the listing lacks.

    The check has no `added` yet: what is lacking still needs its version (stages/metadata.py).
    """
    dated = pages.entries if pages.date == listing.date else ()
    on_page = {entry.arxiv_id: entry for entry in dated}
    ours = {item.paper.arxiv_id for item in listing.announcements}
    problems = list(pages.problems)
    if not problems and (extra := sorted(ours - set(on_page))):
        problems.append(f"not on the list pages: {', '.join(extra)}")
    announcements = tuple(
        _strongest(item, on_page.get(item.paper.arxiv_id)) for item in listing.announcements
    )
    addresses = tuple(map(_shown, pages.addresses))
    check = Check(pages=addresses, counted=len(on_page), problems=tuple(problems))
    lacking = tuple(entry for entry in dated if entry.arxiv_id not in ours)
    update = {"announcements": announcements, "check": check}
    return listing.model_copy(update=update), lacking


def with_added(
    listing: Listing,
    added: Sequence[Announcement],
    problems: Sequence[str],
    dropped: Sequence[str] = (),
) -> Listing:
    """The listing with the papers that the feed lacked, in arXiv's order, and what is left open.

    `dropped` are the ids that were taken out before because they are of an earlier listing.
    """
    if listing.check is None:
        raise ValueError("a listing is reconciled before anything is added")
    ids = tuple(item.paper.arxiv_id for item in added)
    check = listing.check.model_copy(
        update={
            "added": (*listing.check.added, *ids),
            "dropped": tuple(dropped),
            "problems": (*listing.check.problems, *problems),
        }
    )
    announcements = (*listing.announcements, *added)
    if added:
        announcements = tuple(sorted(announcements, key=order))
    return listing.model_copy(update={"announcements": announcements, "check": check})


def order(item: Announcement) -> tuple[int, str]:
    """ArXiv's order in a listing: by announce type, then ids ascending."""
    return item.announce.rank, item.paper.arxiv_id


def announced_as(entry: PageEntry, paper: Paper, field: FieldSettings) -> Announcement:
    """A page's entry in the feed's words: pages do not tell replace from replace-cross."""
    announce = entry.announce
    own = {canonical(category) for category in field.categories}
    if announce is AnnounceType.REPLACE and canonical(paper.categories[0]) not in own:
        announce = AnnounceType.REPLACE_CROSS
    return Announcement(announce=announce, paper=paper)


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


_Part = tuple[ListPage | None, tuple[str, ...], tuple[str, ...]]
"""A category's page, the addresses that it came from, and what is wrong with it."""


def _read(arxiv: Arxiv, category: str, date: dt.date | None) -> _Part:
    """A category's newest listing, or that of a date with all its pages as one."""
    found: ListPage | None = None
    addresses: list[str] = []
    try:
        for page, where in _fetched(arxiv, category, date):
            addresses.append(where)
            found = page if found is None else _joined(found, page)
            if date is None or not page.entries or len(found.entries) >= found.total:
                break
    except ArxivError as error:
        return found, tuple(addresses), (str(error),)
    problems = _miscounted(found, addresses[0]) if found else ()
    if found is not None and date not in {None, found.date}:
        problems = (*problems, f"{addresses[0]}: shows {found.date}")
    return found, tuple(addresses), problems


def _fetched(arxiv: Arxiv, category: str, date: dt.date | None) -> Iterator[tuple[ListPage, str]]:
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


def _merged(parts: Iterable[_Part]) -> Pages:
    read = list(parts)
    dates = {page.date for page, _, _ in read if page}
    problems = [problem for _, _, some in read for problem in some]
    if len(dates) > 1:
        problems.append(f"the list pages' dates differ: {', '.join(map(str, sorted(dates)))}")
    entries: dict[str, PageEntry] = {}
    for page, _, _ in read:
        for entry in page.entries if page else ():
            other = entries.get(entry.arxiv_id)
            if other is None or entry.announce.rank < other.announce.rank:
                entries[entry.arxiv_id] = entry
    return Pages(
        date=dates.pop() if len(dates) == 1 else None,
        addresses=tuple(address for _, some, _ in read for address in some),
        entries=tuple(entries.values()),
        problems=tuple(problems),
    )


def _strongest(item: Announcement, entry: PageEntry | None) -> Announcement:
    """One paper counts once, by its strongest type, whichever source has it."""
    stronger = entry is not None and entry.announce.rank < item.announce.rank
    if entry is None or not stronger or entry.announce is AnnounceType.REPLACE:
        return item
    return item.model_copy(update={"announce": entry.announce})
