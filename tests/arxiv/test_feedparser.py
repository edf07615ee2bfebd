"""Feeds and the API's Atom as feedparser reads them: no field is read otherwise."""

from __future__ import annotations

import io
from typing import Any

import feedparser
import pytest

from pipeline.arxiv.api import parse_papers
from pipeline.arxiv.feed import parse_feed
from pipeline.demo.answers.api import api_answer
from pipeline.demo.answers.feeds import feed_answer
from pipeline.demo.archive import Archive
from pipeline.demo.request import Request
from tests.demo.composed import FRIDAY, SettableClock, week

TEXTS = [
    "plain",
    "&amp;lt;b&amp;gt;",
    "$&lt;$1 kbps",
    "R&amp;D",
    "&amp;amp;",
    "&lt;b&gt;x&lt;/b&gt;",
    "&amp;eacute;",
    "<![CDATA[<i>x</i> &amp;]]>",
    "&#160;x",
    "  a \n  b ",
    "<!-- said --> x",
    "é&#233;\u200b",
]
RSS = (
    '<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' version="2.0"><channel><title>t</title><pubDate>Wed, 07 Jan 2026 00:00:00 -0500</pubDate>'
    "<item><title>A {0} B</title><guid>oai:arXiv.org:2601.00001v1</guid><category>cs.SD</category>"
    "<description>arXiv:2601.00001v1 Announce Type: new \nAbstract: x {0} y</description>"
    "<arxiv:announce_type>new</arxiv:announce_type><dc:creator>{0}, B</dc:creator></item>"
    "</channel></rss>"
)


def read(content: bytes) -> Any:
    parsed = feedparser.parse(io.BytesIO(content), sanitize_html=False, resolve_relative_uris=False)
    assert not parsed.bozo
    return parsed


def folded(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_what_xml_says(text: str) -> None:
    content = RSS.format(text).encode()
    (entry,) = read(content).entries
    (item,) = parse_feed(content, where="x").announcements
    assert item.paper.title == folded(entry.title)
    assert item.paper.abstract == folded(entry.summary.partition("Abstract: ")[2])
    assert item.paper.authors[-1] == "B"


@pytest.mark.parametrize("form", ["rss", "atom"])
def test_a_feed(form: str) -> None:
    content = said(f"/{form}/cs.SD+eess.AS")
    parsed = read(content)
    items = parse_feed(content, where="x").announcements
    assert [f"oai:arXiv.org:{item.paper.versioned}" for item in items] == [
        entry.id for entry in parsed.entries
    ]
    for item, entry in zip(items, parsed.entries, strict=True):
        assert item.announce == entry.arxiv_announce_type
        assert item.paper.title == folded(entry.title)
        assert item.paper.abstract == folded(entry.summary.partition("Abstract: ")[2])
        assert item.paper.categories == tuple(tag.term for tag in entry.tags)
        assert len(item.paper.authors) == 2 == entry.author.count(",") + 1


def test_the_apis_answer() -> None:
    ids = [item.paper.versioned for listing in week()[:2] for item in listing.announcements]
    content = said(f"/api/query?id_list={','.join(dict.fromkeys(ids))}&max_results=99")
    parsed = read(content)
    papers = list(parse_papers(content, where="x").values())
    last = {entry.id.rpartition("/")[2].partition("v")[0]: entry for entry in parsed.entries}
    assert len(papers) == len(last) > 2
    for paper in papers:
        entry = last[paper.arxiv_id]
        assert paper.title == folded(entry.title)
        assert paper.abstract == folded(entry.summary)
        assert list(paper.authors) == [author.name for author in entry.authors]
        assert paper.comment == entry.arxiv_comment
        assert paper.categories[0] == entry.arxiv_primary_category["term"]
        assert paper.submitted is not None
        assert f"{paper.submitted:%Y-%m-%dT%H:%M:%SZ}" == entry.updated


def said(path: str) -> bytes:
    archive, request = Archive(week(), SettableClock(FRIDAY, 12)), Request(method="GET", path=path)
    return (api_answer if request.kind == "api" else feed_answer)(archive, request).body
