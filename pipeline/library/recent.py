"""Scores of the newest papers in the store, by the reader's library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.library.taste import Embed, Scored, scores
from pipeline.library.works import Work, need_extra, read_works
from pipeline.records import Paper
from pipeline.settings import LibrarySettings
from pipeline.store.store import Store

MOST_PAPERS = 1500
"""The newest, of all fields: they are scored, and are what the library is told from."""
Scores = Mapping[str, Scored]
"""By arXiv id."""


def recent_scores(
    settings: LibrarySettings,
    store: Store,
    embed: Embed | None = None,
    also: Sequence[Paper] = (),
) -> dict[str, Scored]:
    """Nothing where no library is set. Raises ConfigError; ModelError by `embed`.

    `also` are papers that may be older than the newest.
    """
    if not settings.files:
        return {}
    need_extra()
    return scores(
        with_abstracts(read_works(settings.files), store),
        with_abstracts(read_works(settings.not_for_me), store),
        list({paper.arxiv_id: paper for paper in (*newest_papers(store), *also)}.values()),
        embed,
    )


def newest_papers(store: Store) -> list[Paper]:
    """Each once, in its newest version; the newest listing first."""
    papers: dict[str, Paper] = {}
    for date, field in store.days.known():
        day = store.days.get(date, field)
        for outcome in day.outcomes if day else ():
            paper = outcome.announcement.paper
            papers.setdefault(paper.arxiv_id, paper)
        if len(papers) >= MOST_PAPERS:
            break
    return list(papers.values())


def with_abstracts(works: tuple[Work, ...], store: Store) -> list[Work]:
    """A work without an abstract gets that of the store's paper of its id, where there is one."""
    bare = [work.arxiv_id for work in works if work.arxiv_id and not work.abstract]
    known = store.papers.versions_of(bare)
    return [
        work.model_copy(update={"abstract": known[work.arxiv_id][-1].abstract})
        if work.arxiv_id and not work.abstract and known.get(work.arxiv_id)
        else work
        for work in works
    ]
