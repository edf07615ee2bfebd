from collections import Counter

from pipeline.demo.example_day import DATE, FIELD
from pipeline.records import AnnounceType, Listing, Section


def test_the_example_day_has_20_new_and_6_replaced_papers(listing: Listing) -> None:
    assert (listing.date, listing.field, listing.source) == (DATE, FIELD, "127.0.0.1")
    assert Counter(item.announce for item in listing.announcements) == {
        AnnounceType.NEW: 18,
        AnnounceType.CROSS: 2,
        AnnounceType.REPLACE: 5,
        AnnounceType.REPLACE_CROSS: 1,
    }
    sections = Counter(item.announce.section for item in listing.announcements)
    assert sections == {Section.NEW: 20, Section.REPLACED: 6}


def test_the_order_is_the_feeds(listing: Listing) -> None:
    types = list(AnnounceType)
    keys = [(types.index(a.announce), a.paper.arxiv_id) for a in listing.announcements]
    assert keys == sorted(keys)
    assert len({a.paper.arxiv_id for a in listing.announcements}) == 26


def test_a_paper_is_crossed_where_its_primary_category_is_anothers(listing: Listing) -> None:
    crossed = {
        a.paper.versioned: a.paper.categories[0]
        for a in listing.announcements
        if a.announce in (AnnounceType.CROSS, AnnounceType.REPLACE_CROSS)
    }
    assert crossed == {
        "2601.02391v1": "cs.CL",
        "2601.03115v1": "cs.CL",
        "2507.18061v2": "cs.CL",
    }


def test_papers_are_complete(listing: Listing) -> None:
    for paper in (a.paper for a in listing.announcements):
        assert paper.title
        assert paper.authors
        assert len(paper.abstract) > 400
    comments = [a.paper.comment for a in listing.announcements]
    assert comments.count(None) == 26 - 14
