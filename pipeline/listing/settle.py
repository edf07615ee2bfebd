"""A listing held against arXiv's pages and completed: what is added, dropped, and stays open."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from pipeline.arxiv.listpage import PageEntry
from pipeline.arxiv.shown import LAST_REPLACEMENT
from pipeline.categories import is_arxiv_category
from pipeline.edges import Edges
from pipeline.listing.announced import announced_as, typed
from pipeline.listing.metadata import identify, with_metadata
from pipeline.listing.news import no_news
from pipeline.listing.reconcile import Pages, catchup_pages, reconcile, with_added
from pipeline.listing.stale import without
from pipeline.records import Announcement, AnnounceType, Check, Listing, Paper

_NO_PAGES = Pages(date=None, addresses=(), entries=(), problems=())


def settled(edges: Edges, listing: Listing, pages: Pages, stale: Collection[str] = ()) -> Listing:
    """The listing with all that the pages have, full metadata, and what stays open.

    `stale` are the base ids that are of an earlier listing. What any source names is announced:
    with version 0 where no source tells the version, and then asked for again by the next run.
    """
    field = edges.config.fields[listing.field]
    listing = without(listing, stale)
    unsure = _unsure(listing)
    agreed, lacking = reconcile(without(listing, unsure), pages)
    agreed = typed(with_full_metadata(edges, agreed), pages.entries, field)
    hidden = _hidden(edges, agreed, pages) if lacking else _NO_PAGES
    entries = {**unsure, **_by_id(lacking), **_by_id(hidden.entries)}
    unsure_entries = tuple(entries.values())
    papers = identify(unsure_entries, field.categories, agreed.date, edges.arxiv, edges.warn)
    over = no_news(edges, agreed, unsure_entries if pages.overlists else hidden.entries, papers)
    low = {e.arxiv_id for e in hidden.entries if papers[e.arxiv_id].version <= LAST_REPLACEMENT}
    over |= low | set(_ruled_out(listing))
    added = [
        announced_as(e, papers[e.arxiv_id], field) for e in unsure_entries if e.arxiv_id not in over
    ]
    unnamed = {e.arxiv_id for e in unsure_entries if not papers[e.arxiv_id].version}
    agreed = with_added(
        agreed,
        added,
        [*hidden.problems, *_told_of(unnamed - (over - low))],
        dropped=sorted({*stale, *(over & set(unsure))}),
        no_news=sorted((over & set(entries)) - unnamed),
    )
    _tell(edges, agreed, (*pages.told, *hidden.told), {*pages.problems, *hidden.problems})
    return agreed


def with_full_metadata(edges: Edges, listing: Listing) -> Listing:
    """Only papers that the store does not have from the API are asked for.

    A cross-list gives a paper a further category without a new version: then it is asked for too.
    """
    in_store: dict[str, Paper] = {}
    for paper in (item.paper for item in listing.announcements):
        stored = edges.store.papers.get(paper.arxiv_id, paper.version)
        listed = {name for name in paper.categories if is_arxiv_category(name)}
        if stored and stored.metadata == "api" and listed <= set(stored.categories):
            in_store[paper.versioned] = stored
    settings = edges.config.fields[listing.field]
    return with_metadata(listing, settings.categories, edges.arxiv, in_store, edges.warn)


def _unsure(listing: Listing) -> Mapping[str, PageEntry]:
    """What an earlier run announced without its version, as the page had it."""
    papers = (item for item in listing.announcements if not item.paper.version)
    return {item.paper.arxiv_id: _as_on_page(item) for item in papers}


def _as_on_page(item: Announcement) -> PageEntry:
    fresh = item.announce in (AnnounceType.NEW, AnnounceType.CROSS)
    shared = set(PageEntry.model_fields) - {"announce", "version"}
    return PageEntry(
        announce=item.announce if fresh else AnnounceType.REPLACE,
        version=None,
        **item.paper.model_dump(include=shared),
    )


def _by_id(entries: Iterable[PageEntry]) -> dict[str, PageEntry]:
    return {entry.arxiv_id: entry for entry in entries}


def _hidden(edges: Edges, listing: Listing, pages: Pages) -> Pages:
    """Crosses that list pages do not show. Where the feed lacks papers, it may lack those too.

    Only those in a high version were announced: else the list pages are exact.
    """
    if pages.overlists or pages.problems:
        return _NO_PAGES
    dated = catchup_pages(edges.config.fields[listing.field], listing.date, edges.arxiv)
    ids = pages.ids | {item.paper.arxiv_id for item in listing.announcements}
    crosses = (e for e in dated.entries if e.announce is AnnounceType.CROSS)
    more = tuple(entry for entry in crosses if entry.arxiv_id not in ids)
    return dated.model_copy(update={"entries": more})


def _ruled_out(listing: Listing) -> Collection[str]:
    """What an earlier check knew for no news, perhaps from pages that are gone now."""
    return listing.check.no_news if listing.check else ()


def _told_of(unnamed: Iterable[str]) -> list[str]:
    what = "on arXiv's page, but neither the API nor OAI-PMH has its version"
    return [f"{base}: {what}" for base in sorted(unnamed)]


def _tell(edges: Edges, listing: Listing, told: Iterable[str], instead: Collection[str]) -> None:
    """What is open, to the log and whoever watches: `told` with arXiv's words `instead` of ours."""
    check = listing.check or Check(pages=(), counted=0)
    ours = (problem for problem in check.problems if problem not in instead)
    for problem in (*told, *ours):
        edges.warn(f"{listing.date}: {problem}")
