"""A paper in the feed that the list pages lack: of an earlier listing, or news all the same."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipeline.app import open_edges
from pipeline.config import load_config
from pipeline.demo.archive import Archive
from pipeline.listing.reconcile import list_pages
from pipeline.listing.stale import stale_ids
from pipeline.night.run import run_night
from pipeline.records import Announcement, AnnounceType, Listing
from tests.demo.composed import FRIDAY, THURSDAY, A, SettableClock, paper, week
from tests.standins.arxiv import FaultyArxiv
from tests.standins.clock import SimulatedClock
from tests.standins.model import StandInModel
from tests.standins.settings import write_config
from tests.standins.world import small_pdf

NEW, CROSS, REPLACE, _ = AnnounceType
MISSING = "2601.19999"


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize(
    ("base", "version", "announce", "stale"),
    [
        (A, 1, NEW, True),  # Thursday's news again; on Friday's pages it is a replacement
        ("2601.10003", 1, NEW, True),  # not on Friday's pages at all
        ("2601.10003", 2, REPLACE, False),  # new on Thursday: its second version is news
        ("2601.10003", 6, CROSS, False),  # list pages show no such version
        (MISSING, 1, NEW, False),
    ],
)
def test_only_what_was_announced_before_is_stale(
    tmp_path: Path, base: str, version: int, announce: AnnounceType, stale: bool, stored: bool
) -> None:
    archive = Archive(week(), now=SettableClock(FRIDAY, 0, 30))
    with FaultyArxiv(archive, small_pdf) as arxiv, StandInModel() as model:
        config = load_config(write_config(tmp_path, arxiv.url, model.url))
        clock = SimulatedClock(dt.datetime(2026, 1, 16, 6, tzinfo=dt.UTC))
        with open_edges(config, clock, "test") as edges:
            if stored:
                thursday = next(one for one in week() if one.date == THURSDAY)
                edges.store.days.add(thursday, "音频", ("cs.SD", "eess.AS"))
            item = Announcement(announce=announce, paper=paper(base, version))
            feed = Listing(date=FRIDAY, field="audio", source="rss", announcements=(item,))
            pages = list_pages(config.fields["audio"], edges.arxiv)
            assert stale_ids(edges, feed, pages) == ({base} if stale else set())


def test_a_day_that_was_complete_may_have_grown_so_its_feed_is_asked_once_more(
    tmp_path: Path,
) -> None:
    archive = Archive(week(), now=SettableClock(FRIDAY, 0, 30))
    with FaultyArxiv(archive, small_pdf) as arxiv, StandInModel() as model:
        config = load_config(write_config(tmp_path, arxiv.url, model.url))
        clock = SimulatedClock(dt.datetime(2026, 1, 16, 6, tzinfo=dt.UTC))
        for _ in range(2):
            before = len(arxiv.requests)
            with open_edges(config, clock, "test") as edges:
                assert run_night(edges, "audio").complete
        (again,) = arxiv.requests[before:]
    assert again.kind == "feed"
    assert again.if_none_match
