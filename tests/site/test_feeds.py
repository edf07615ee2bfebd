"""Feeds held against RFC 4287 and JSON Feed 1.1, and read by two libraries of feed readers."""

from __future__ import annotations

import datetime as dt
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

import atoma
import feedparser
import pytest
from pydantic import HttpUrl
from selectolax.lexbor import LexborHTMLParser

from pipeline.settings import InterestSettings, SiteSettings, Terms
from pipeline.site.update import update
from tests.site.made import FIRST, HOSTILE, add_day, config, papers, store_in

ATOM = "{http://www.w3.org/2005/Atom}"
ONCE = {
    "feed": {"id", "title", "updated"},
    "entry": {"id", "title", "updated", "content", "summary", "published"},
}
AT_MOST_ONCE = {"feed": {"generator", "icon", "logo", "rights", "subtitle"}, "entry": {"rights"}}
ALLOWED = {
    "feed": {"author", "category", "contributor", "entry", "link"},
    "entry": {"author", "category", "contributor", "link"},
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
OWN = "https://digest.example.org/day/"


@pytest.fixture(params=["", OWN], ids=["no address", "own address"])
def feeds(tmp_path: Path, request: pytest.FixtureRequest) -> list[Path]:
    """Of a day whose papers are hostile too, all the feeds that there are."""
    own = SiteSettings(url=HttpUrl(request.param) if request.param else None)
    wanted = InterestSettings(more=Terms(keywords=("speech",)))
    settings = config(tmp_path).model_copy(update={"site": own, "interests": wanted})
    store = store_in(settings)
    day = list(papers(26))
    paper, line, section = day[0]
    attack = {"title": HOSTILE, "abstract": f"{HOSTILE} ]]> &amp; \x08", "authors": (HOSTILE, "")}
    day[0] = (paper.model_copy(update=attack), line, section)
    nobody = day[1][0].model_copy(update={"authors": ()})
    day[1] = (nobody, *day[1][1:])
    add_day(store, settings, FIRST, day)
    update(store, settings)
    found = sorted((settings.paths.outputs / "site").rglob("*.atom"))
    assert len(found) > 5
    return found


def test_each_is_what_the_rfc_asks_for(feeds: list[Path]) -> None:
    for path in feeds:
        root = ET.fromstring(path.read_bytes())
        assert root.tag == f"{ATOM}feed"
        check(root, "feed")
        entries = root.findall(f"{ATOM}entry")
        ids = [entry.findtext(f"{ATOM}id") for entry in entries]
        assert entries and len(set(ids)) == len(ids)
        for entry in entries:
            check(entry, "entry")
            authors = entry.findall(f"{ATOM}author")
            assert authors and all(one.findtext(f"{ATOM}name") for one in authors)
            content = entry.find(f"{ATOM}content")
            assert content is not None and content.get("type") == "html"
            html = LexborHTMLParser(content.text or "")
            assert not html.css("script, img, style, iframe") and html.css("p")


def check(element: ET.Element, name: str) -> None:
    """4.1.1 and 4.1.2: which elements, how often, and with what in them."""
    assert all(child.tag.startswith(ATOM) for child in element)
    counts = Counter(child.tag.removeprefix(ATOM) for child in element)
    assert {one: counts.pop(one) for one in ONCE[name]} == dict.fromkeys(ONCE[name], 1)
    assert all(counts.pop(one, 0) <= 1 for one in AT_MOST_ONCE[name])
    assert set(counts) <= ALLOWED[name]
    for time in ("updated", "published"):
        said = element.findtext(f"{ATOM}{time}")
        assert said is None or TIME.fullmatch(said)
        assert said is None or dt.datetime.fromisoformat(said)
    assert ADDRESS.fullmatch(element.findtext(f"{ATOM}id") or "")
    links = element.findall(f"{ATOM}link")
    assert all(ADDRESS.fullmatch(link.get("href", "")) for link in links)
    kinds = Counter((link.get("rel"), link.get("type"), link.get("hreflang")) for link in links)
    assert all(times == 1 for kind, times in kinds.items() if kind[0] == "alternate")
    assert all(term.get("term") for term in element.findall(f"{ATOM}category"))


def test_two_libraries_read_the_same(feeds: list[Path]) -> None:
    for path in feeds:
        one, other = feedparser.parse(path), atoma.parse_atom_file(str(path))
        assert not one.bozo
        assert one.feed.title == other.title.value and one.feed.id == other.id_
        assert [entry.id for entry in one.entries] == [entry.id_ for entry in other.entries]
        for ours, theirs in zip(one.entries, other.entries, strict=True):
            assert ours.title.split() == theirs.title.value.split()
            assert ours.link == theirs.links[0].href
            assert [author.name for author in ours.authors] == [a.name for a in theirs.authors]
            assert [tag.term for tag in ours.get("tags", [])] == [c.term for c in theirs.categories]
            assert ours.summary == theirs.summary.value
            assert dt.datetime.fromisoformat(ours.published) == theirs.published


def test_a_feed_of_its_own_address_names_itself(feeds: list[Path]) -> None:
    for path in feeds:
        feed = feedparser.parse(path).feed
        own = [link.href for link in feed.get("links", []) if link.rel == "self"]
        site = next(parent for parent in path.parents if parent.name == "site")
        assert own in ([], [f"{OWN}{path.relative_to(site)}"])


def test_the_json_feed_has_what_its_version_asks_for(feeds: list[Path]) -> None:
    for path in (one.with_suffix(".json") for one in feeds):
        if not path.exists():
            continue
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        assert document["version"] == "https://jsonfeed.org/version/1.1"
        assert isinstance(document["title"], str) and document["items"]
        for name in ("home_page_url", "feed_url"):
            assert ADDRESS.fullmatch(document.get(name, OWN))
        for item in document["items"]:
            assert isinstance(item["id"], str) and item["content_html"]
            assert all(ADDRESS.fullmatch(item[name]) for name in ("url", "external_url"))
            assert all(TIME.fullmatch(item[name]) for name in ("date_published", "date_modified"))
            assert all(isinstance(tag, str) for tag in item["tags"])
            assert all(isinstance(author["name"], str) for author in item["authors"])
