import datetime as dt
from email.utils import parsedate_to_datetime
from typing import Any

import feedparser
import pytest

from pipeline.demo.payloads.feeds import feed
from pipeline.demo.payloads.tex import creator, tex_accents
from pipeline.records import Announcement, AnnounceType, Listing, Paper
from tests.demo.conftest import Serve

FEED = "/rss/cs.SD+eess.AS"


def parse(content: bytes) -> Any:
    parsed = feedparser.parse(content, sanitize_html=False)
    assert not parsed.bozo
    return parsed


def test_the_feed_says_what_the_listing_says(serve: Serve, listing: Listing) -> None:
    _, client = serve()
    response = client.get(FEED)
    parsed = parse(response.content)
    assert response.headers["Content-Type"] == "text/xml"
    assert parsed.feed.title == "cs.SD, eess.AS updates on arXiv.org"
    assert parsed.feed.published == "Wed, 07 Jan 2026 00:00:00 -0500"
    assert len(parsed.entries) == 26
    for entry, item in zip(parsed.entries, listing.announcements, strict=True):
        paper = item.paper
        assert entry.id == f"oai:arXiv.org:{paper.versioned}"
        assert entry.link == f"https://arxiv.org/abs/{paper.arxiv_id}"
        assert entry.title == paper.title
        assert entry.arxiv_announce_type == item.announce.value
        assert tuple(tag.term for tag in entry.tags) == paper.categories
        assert entry.author == ", ".join(map(tex_accents, paper.authors))
        head = f"arXiv:{paper.versioned} Announce Type: {item.announce.value} \n"
        assert entry.summary == f"{head}Abstract: {paper.abstract}"


def test_accents_are_raw_tex_in_the_feed(serve: Serve) -> None:
    _, client = serve()
    assert r"Xiutian Zhao, Bj\"orn Schuller, Berrak Sisman" in client.get(FEED).text
    assert tex_accents("Tomáš Ñandú") == r"Tom\'a\v{s} \~Nand\'u"
    assert tex_accents("Łukasz Şahin 李明 Ǘ") == r"{\L}ukasz \c{S}ahin 李明 Ǘ"
    assert creator(["The ABC Collaboration", "P. Doe"]) == " The ABC Collaboration, P. Doe"


def test_markup_and_ampersands_survive() -> None:
    paper = Paper(
        arxiv_id="2601.00001",
        version=2,
        title="Coding at $<$1 kbps & <b>below</b>",
        abstract="We show $x > 0.9$ & more.",
        authors=("A & B Collaboration",),
        categories=("cs.SD",),
    )
    item = Announcement(announce=AnnounceType.CROSS, paper=paper)
    entry = parse(feed("rss", dt.date(2026, 7, 1), ["cs.SD"], [item])).entries[0]
    assert entry.title == paper.title
    assert entry.summary.endswith(paper.abstract)
    assert entry.author == "A & B Collaboration"
    assert entry.published == "Wed, 01 Jul 2026 00:00:00 -0400"


def test_atom_says_the_same(serve: Serve, listing: Listing) -> None:
    _, client = serve()
    response = client.get("/atom/cs.SD+eess.AS")
    atom, rss = parse(response.content), parse(client.get(FEED).content)
    assert response.headers["Content-Type"] == "application/atom+xml"
    assert (atom.version, rss.version) == ("atom10", "rss20")
    assert atom.feed.title == rss.feed.title
    assert atom.feed.updated == "2026-01-07T05:00:02+00:00"
    fields = ("id", "link", "title", "summary", "author", "arxiv_announce_type", "rights")
    for one, other in zip(atom.entries, rss.entries, strict=True):
        assert [one[name] for name in fields] == [other[name] for name in fields]
        assert [tag.term for tag in one.tags] == [tag.term for tag in other.tags]
        assert one.published == "2026-01-07T00:00:00-05:00"


@pytest.mark.parametrize("feed", [FEED, "/atom/cs.SD+eess.AS"])
def test_an_etag_without_quotes_is_honoured(serve: Serve, feed: str) -> None:
    _, client = serve()
    first = client.get(feed)
    etag = first.headers["ETag"]
    assert len(etag) == 64
    assert '"' not in etag
    assert first.headers["Cache-Control"] == f"max-age={23 * 3600 + 1800}"
    again = client.get(feed, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
    assert client.get(feed, headers={"If-None-Match": "other"}).status_code == 200


@pytest.mark.parametrize(
    ("asked", "papers"),
    [("eess.AS", 14), ("EESS.as+CS.sd", 26), ("eess", 14), ("cs.CV", 1), ("math.AG", 0)],
)
def test_other_categories_select_their_papers(serve: Serve, asked: str, papers: int) -> None:
    _, client = serve()
    assert len(parse(client.get(f"/rss/{asked}").content).entries) == papers


def test_a_paper_is_new_in_one_query_and_crossed_in_another(serve: Serve) -> None:
    _, client = serve()

    def types(asked: str) -> dict[str, str]:
        entries = parse(client.get(f"/rss/{asked}").content).entries
        order = [list(AnnounceType).index(AnnounceType(e.arxiv_announce_type)) for e in entries]
        assert order == sorted(order)
        return {e.id.removeprefix("oai:arXiv.org:"): e.arxiv_announce_type for e in entries}

    both, sound, speech = types("cs.SD+eess.AS"), types("cs.SD"), types("eess.AS")
    elsewhere = {v for v in sound.keys() & speech.keys() if sound[v] != speech[v]}
    assert elsewhere
    for versioned in elsewhere:
        assert {sound[versioned], speech[versioned]} in (
            {"new", "cross"},
            {"replace", "replace-cross"},
        )
        assert both[versioned] in {"new", "replace"}


@pytest.mark.parametrize("asked", ["cs.XX", "cs.SD,eess.AS", "cs.SD+nonsense", ""])
def test_an_unknown_category_is_an_error_feed(serve: Serve, asked: str) -> None:
    _, client = serve()
    response = client.get(f"/rss/{asked}")
    assert response.status_code == 400
    parsed = parse(response.content)
    assert parsed.feed.title == f"Feed error for query: http://rss.arxiv.org/rss/{asked}"
    assert not parsed.entries


def test_an_error_feed_names_what_is_valid(serve: Serve) -> None:
    _, client = serve()
    rss = parse(client.get("/rss/cs.SD+eess.XX").content)
    assert rss.feed.description.startswith("Bad subject class 'XX'. Valid subject classes for the")
    assert "eess.AS, eess.IV" in rss.feed.description
    atom = parse(client.get("/atom/audio").content)
    assert atom.feed.title == "Feed error for query: http://rss.arxiv.org/atom/audio"
    assert atom.feed.subtitle.startswith("Bad archive 'audio'. Valid archive names are: astro-ph,")


def test_an_empty_feed_has_the_weekends_form(serve: Serve) -> None:
    _, client = serve(feed="empty")
    response = client.get(FEED)
    parsed = parse(response.content)
    assert response.status_code == 200
    assert not parsed.entries
    assert parsedate_to_datetime(parsed.feed.published).date() == dt.date(2026, 1, 7)


@pytest.mark.parametrize("fault", ["not_xml", "truncated_xml"])
def test_a_damaged_feed_is_served_as_if_nothing_were_wrong(serve: Serve, fault: str) -> None:
    _, client = serve(feed=fault)
    response = client.get(FEED)
    assert response.status_code == 200
    assert feedparser.parse(response.content).bozo


def test_an_error_feed_and_a_server_error(serve: Serve) -> None:
    standin, client = serve(feed="error_feed")
    refused = client.get(FEED)
    assert refused.status_code == 400
    assert parse(refused.content).feed.title.startswith("Feed error for query: ")
    standin.faults = standin.faults.model_copy(update={"feed": "server_error"})
    assert [client.get(FEED).status_code for _ in range(3)] == [503] * 3
    assert client.get("/api/query?id_list=2601.02954").status_code == 200
