"""What a paper is announced as, by a page's word or by its version."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.arxiv.listpage import PageEntry
from pipeline.listing.announced import announced_as, typed
from pipeline.records import Announcement, AnnounceType
from pipeline.settings import FieldSettings
from tests.stages.arxiv_answers import DATE, from_api, listed

FIELD = FieldSettings(name="音频", categories=("cs.SD", "eess.AS"))
NEW, CROSS, REPLACE, REPLACE_CROSS = AnnounceType
LATE = dt.datetime(2026, 1, 6, 18, 59, tzinfo=dt.UTC)
"""A minute before the cut-off of DATE's listing; EARLY is for the listing before."""
EARLY = dt.datetime(2026, 1, 5, 18, 59, tzinfo=dt.UTC)


def entry(announce: AnnounceType) -> PageEntry:
    return PageEntry(
        arxiv_id="2601.00001",
        version=None,
        announce=announce,
        title="T",
        authors=(),
        comment=None,
        abstract="",
        categories=("cs.SD",),
    )


@pytest.mark.parametrize(
    ("announce", "primary", "told"),
    [
        (NEW, "cs.SD", NEW),
        (CROSS, "cs.LG", CROSS),
        (REPLACE, "eess.AS", REPLACE),
        (REPLACE, "cs.LG", REPLACE_CROSS),
    ],
)
def test_a_pages_entry_is_announced_by_its_primary_category(
    announce: AnnounceType, primary: str, told: AnnounceType
) -> None:
    paper = from_api("2601.00001").model_copy(update={"categories": (primary, "cs.SD")})
    assert announced_as(entry(announce), paper, FIELD).announce is told


@pytest.mark.parametrize(
    ("version", "submitted", "primary", "on_page", "told"),
    [
        (1, LATE, "cs.SD", CROSS, CROSS),  # the page's word stands
        (2, LATE, "cs.LG", REPLACE, REPLACE_CROSS),
        (1, LATE, "cs.SD", None, NEW),
        (1, LATE, "cs.LG", None, CROSS),
        (1, EARLY, "cs.SD", None, CROSS),
        (1, None, "cs.SD", None, NEW),
        (2, LATE, "cs.SD", None, REPLACE),
        (2, LATE, "cs.LG", None, REPLACE_CROSS),
        (2, EARLY, "cs.SD", None, CROSS),
    ],
)
def test_an_unknown_announce_type_is_told_by_the_page_or_by_the_version(
    version: int,
    submitted: dt.datetime | None,
    primary: str,
    on_page: AnnounceType | None,
    told: AnnounceType,
) -> None:
    update = {"categories": (primary, "cs.CL"), "submitted": submitted}
    paper = from_api("2601.00001", version).model_copy(update=update)
    listing = listed(paper).model_copy(update={"untyped": ("2601.00001",)})
    found = typed(listing, [entry(on_page)] if on_page else [], FIELD)
    assert found.announcements == (Announcement(announce=told, paper=paper),)


def test_a_known_announce_type_stays() -> None:
    listing = listed(from_api("2601.00001"))
    assert listing.date == DATE
    assert typed(listing, [entry(REPLACE)], FIELD) == listing
