"""Days of a job in a night's store: what a night made stays, and its gaps are no backfill's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.backfill.days import put_into
from pipeline.records import (
    Announcement,
    AnnounceType,
    Cause,
    Day,
    Done,
    Listing,
    Outcome,
    Owed,
    Paper,
    Stage,
    Summary,
)
from pipeline.store.store import Store
from tests.standins.archive import archive_papers
from tests.standins.records import NOW, provenance

DAY = dt.date(2025, 3, 4)
PAPERS = archive_papers(6)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "store.sqlite3")) as opened:
        yield opened


def item(paper: Paper) -> Announcement:
    return Announcement(announce=AnnounceType.NEW, paper=paper)


def summary(paper: Paper, line: str) -> Summary:
    return Summary(
        key=line,
        arxiv_id=paper.arxiv_id,
        version=paper.version,
        line=line,
        tags=("cs.SD",),
        provenance=provenance(created=NOW, cost=0.25),
    )


def day(source: str, papers: list[Paper], owed: int = 1) -> Day:
    outcomes: list[Outcome] = [
        Done(announcement=item(paper), summary=summary(paper, f"{source} {paper.arxiv_id}"))
        for paper in papers[owed:]
    ]
    debts = [
        Owed(announcement=item(paper), stage=Stage.VALIDATE, cause=Cause.RULES, reason="太长")
        for paper in papers[:owed]
    ]
    return Day(
        date=DAY,
        field="audio",
        name="音频",
        categories=("cs.SD",),
        source=source,
        outcomes=(*debts, *outcomes),
    )


def listed(store: Store, papers: list[Paper]) -> Day:
    items = tuple(map(item, papers))
    listing = Listing(date=DAY, field="audio", source="rss.arxiv.org", announcements=items)
    store.days.add(listing, "音频", ("cs.SD",))
    found = store.days.get(DAY, "audio")
    assert found is not None
    return found


def test_a_day_goes_in_whole_and_once(store: Store) -> None:
    made = day("snapshot:arxiv.json", PAPERS)
    assert [one.lines for one in put_into(store, iter([made]))] == [5]
    assert store.days.get(DAY, "audio") == made
    assert sum(spent.cost or 0 for spent in store.spending.sums(9)) == 1.25
    assert [one.lines for one in put_into(store, iter([made]))] == [0]
    assert sum(spent.cost or 0 for spent in store.spending.sums(9)) == 1.25


def test_a_night_does_not_take_it_for_one_of_its_own(store: Store) -> None:
    list(put_into(store, iter([day("snapshot:arxiv.json", PAPERS)])))
    assert store.days.known("audio") == [(DAY, "audio")]
    assert store.days.nights("audio") == []
    assert listed(store, PAPERS).source == "rss.arxiv.org"
    assert store.days.nights("audio") == [DAY]


def test_arxivs_own_listing_takes_the_place_of_one_put_together(store: Store) -> None:
    list(put_into(store, iter([day("oai:cs.SD", PAPERS)])))
    later = archive_papers(8)[2:]
    now = listed(store, later)
    assert [o.announcement.paper for o in now.outcomes] == later
    assert not now.reconstructed
    assert len(now.done) == 4, "the lines that it has stay"


def test_a_day_that_arxiv_listed_only_gets_lines_where_they_are_owed(store: Store) -> None:
    listed(store, PAPERS[:4])
    own = summary(PAPERS[2], "a night's own")
    store.summaries.publish(own)
    (imported,) = put_into(store, iter([day("snapshot:arxiv.json", PAPERS)]))
    assert (imported.own, imported.lines) == (True, 2)
    now = store.days.get(DAY, "audio")
    assert now is not None
    assert now.source == "rss.arxiv.org"
    assert [o.announcement.paper for o in now.outcomes] == PAPERS[:4]
    lines = {done.summary.arxiv_id: done.summary.line for done in now.done}
    assert lines[PAPERS[2].arxiv_id] == "a night's own"
    assert store.summaries.published(PAPERS[5].arxiv_id, PAPERS[5].version) is None
