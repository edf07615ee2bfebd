from typing import Any

import feedparser
import pytest

from pipeline.records import Listing
from tests.demo.composed import OLD, THURSDAY, A, D, SettableClock
from tests.demo.conftest import Serve


def parse(content: bytes) -> Any:
    parsed = feedparser.parse(content, sanitize_html=False)
    assert not parsed.bozo
    return parsed


def query(ids: list[str], **more: int) -> str:
    return "/api/query?" + "&".join(
        [f"id_list={','.join(ids)}", *(f"{name}={value}" for name, value in more.items())]
    )


def test_entries_say_what_the_listing_says(serve: Serve, listing: Listing) -> None:
    papers = {a.paper.versioned: a.paper for a in listing.announcements}
    _, client = serve()
    response = client.get(query(list(papers), max_results=100))
    parsed = parse(response.content)
    assert response.headers["Content-Type"].startswith("application/atom+xml")
    assert parsed.feed.opensearch_totalresults == "26"
    assert len(parsed.entries) == 26
    for entry in parsed.entries:
        paper = papers.pop(entry.id.removeprefix("http://arxiv.org/abs/"))
        assert entry.title == paper.title
        assert entry.summary == paper.abstract
        assert tuple(author.name for author in entry.authors) == paper.authors
        assert entry.get("arxiv_comment") == paper.comment
        assert entry.arxiv_primary_category["term"] == paper.categories[0]
        assert tuple(tag.term for tag in entry.tags) == paper.categories
        assert entry.updated == "2026-01-06T15:00:00Z"  # 10:00 in New York
        assert (entry.published == entry.updated) == (paper.version == 1)
        assert entry.published <= entry.updated
        pdf = next(link for link in entry.links if link.get("title") == "pdf")
        assert pdf.href == f"https://arxiv.org/pdf/{paper.versioned}"
    assert not papers


def test_ten_results_unless_more_are_asked_for(serve: Serve, listing: Listing) -> None:
    ids = [a.paper.arxiv_id for a in listing.announcements]
    _, client = serve()
    first = parse(client.get(query(ids)).content)
    assert (len(first.entries), first.feed.opensearch_totalresults) == (10, "26")
    rest = parse(client.get(query(ids, start=10, max_results=5000)).content)
    assert (len(rest.entries), rest.feed.opensearch_itemsperpage) == (16, "2000")
    assert {entry.id for entry in first.entries}.isdisjoint(entry.id for entry in rest.entries)


def test_unknown_ids_and_versions_are_silently_absent(serve: Serve) -> None:
    _, client = serve(api_missing={"2601.03065"})
    asked = ["2601.02954", "2601.99999", "2601.02954v7", "2601.03065v1", "2508.02228v2"]
    parsed = parse(client.get(query(asked)).content)
    assert [entry.id.rpartition("/")[2] for entry in parsed.entries] == [
        "2508.02228v2",
        "2601.02954v1",
    ]
    assert not parse(client.get(query(["2601.99999"])).content).entries


def test_one_malformed_id_fails_the_list(serve: Serve) -> None:
    _, client = serve()
    response = client.get(query(["2601.02954", "abc"]))
    assert response.status_code == 400
    (entry,) = parse(response.content).entries
    assert entry.title == "Error"
    assert entry.summary == "incorrect id format for abc"
    assert entry.id == "https://arxiv.org/api/errors#incorrect_id_format_for_abc"


@pytest.mark.parametrize("wrong", ["max_results=ten", "start=-1", "max_results="])
def test_counts_that_are_none(serve: Serve, wrong: str) -> None:
    _, client = serve()
    response = client.get(f"/api/query?id_list=2601.02954&{wrong}")
    if wrong.endswith("="):  # an empty field is no field
        assert response.status_code == 200
    else:
        assert response.status_code == 400


def test_each_version_has_its_own_metadata_and_dates(serve_week: Serve) -> None:
    _, client = serve_week()
    entries = {
        entry.id.rpartition("/")[2]: entry
        for entry in parse(client.get(query([f"{A}v1", A, f"{OLD}v3"])).content).entries
    }
    assert set(entries) == {f"{A}v1", f"{A}v2", f"{OLD}v3"}
    first, second, old = entries[f"{A}v1"], entries[f"{A}v2"], entries[f"{OLD}v3"]
    assert (first.title[-1], first.arxiv_comment) == ("1", "Comment of v1")
    assert (second.title[-1], second.arxiv_comment) == ("2", "Comment of v2")
    assert (first.published, first.updated) == ("2026-01-14T15:00:00Z",) * 2
    assert (second.published, second.updated) == ("2026-01-14T15:00:00Z", "2026-01-15T15:00:00Z")
    assert (old.published, old.updated) == ("2025-11-01T05:00:00Z", "2026-01-15T15:00:00Z")
    # A cross-list changes the categories and makes no version.
    assert [tag.term for tag in first.tags] == ["cs.SD", "eess.AS"]
    assert [tag.term for tag in second.tags] == ["cs.SD", "eess.AS", "cs.LG"]


def test_a_paper_is_not_known_before_its_announcement(serve_week: Serve) -> None:
    now = SettableClock(THURSDAY, 19, 59)
    _, client = serve_week(now=now)

    def known() -> list[str]:
        entries = parse(client.get(query([A, f"{A}v2", D])).content).entries
        return [entry.id.rpartition("/")[2] for entry in entries]

    assert known() == [f"{A}v1"]
    now.set(THURSDAY, 20, 0)
    assert known() == [f"{A}v2", f"{D}v1"]


def test_faults(serve: Serve) -> None:
    standin, client = serve(api="empty_page")
    parsed = parse(client.get(query(["2601.02954"])).content)
    assert (len(parsed.entries), parsed.feed.opensearch_totalresults) == (0, "1")
    standin.faults = standin.faults.model_copy(update={"api": "not_xml"})
    assert feedparser.parse(client.get(query(["2601.02954"])).content).bozo
    standin.faults = standin.faults.model_copy(update={"api": "server_error"})
    assert client.get(query(["2601.02954"])).status_code == 503
    assert client.get("/rss/cs.SD").status_code == 200
