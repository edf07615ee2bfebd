"""The list page and the catch-up page as a browser gets them."""

import datetime as dt
import re
from html import unescape

import pytest

from pipeline.demo.archive import Archive
from pipeline.demo.payloads.pages import urlized
from tests.demo.composed import (
    CROSS,
    FRIDAY,
    NEW,
    OLD,
    THURSDAY,
    TUESDAY,
    A,
    B,
    C,
    D,
    SettableClock,
    listing,
    paper,
)
from tests.demo.conftest import Serve, client_of
from tests.standins.arxiv import FaultyArxiv
from tests.standins.world import small_pdf

LIST = "/list/cs.SD/new?skip=0&show=2000"


def heads(text: str) -> list[str]:
    return re.findall(r"<h3>(.*)</h3>", text)


def ids(text: str) -> list[str]:
    return re.findall(r'<a href ="/abs/([^"]+)"', text)


def test_sections_with_their_counts(serve_week: Serve) -> None:
    _, client = serve_week(now=SettableClock(THURSDAY, 1))
    response = client.get(LIST)
    assert response.headers["Content-Type"].startswith("text/html")
    assert heads(response.text) == [
        "Showing new listings for Thursday, 15 January 2026",
        "New submissions (showing 2 of 2 entries)",
        "Cross submissions (showing 1 of 1 entries)",
    ]
    assert "Total of 3 entries " in response.text
    assert ids(response.text) == [A, B, C]
    assert "(cross-list from cs.CL)" in response.text


def test_every_categorys_page_has_its_own_sections(serve_week: Serve) -> None:
    _, client = serve_week(now=SettableClock(FRIDAY, 1))
    speech, sound = client.get("/list/eess.AS/new").text, client.get(LIST).text
    assert heads(speech)[1:] == [
        "New submissions (showing 1 of 1 entries)",
        "Replacement submissions (showing 3 of 3 entries)",
    ]
    assert ids(speech) == [D, OLD, A, B]
    assert heads(sound)[1:] == ["Replacement submissions (showing 2 of 2 entries)"]
    nothing = client.get("/list/math.AG/new").text
    assert "<p>No updates today.</p>" in nothing
    assert "Total of 0 entries" in nothing


def test_an_entry(serve_week: Serve) -> None:
    _, client = serve_week(now=SettableClock(THURSDAY, 1))
    text = client.get("/list/eess.AS/new").text
    entry = text[text.index("<dt>") : text.index("</dd>")]
    assert heads(text)[1] == "Cross submissions (showing 2 of 2 entries)"
    assert "(cross-list from cs.SD)" in entry
    assert f"Title of {A} in version 1" in entry
    assert re.findall(r'query=[^"]*">([^<]*)</a>', entry) == ["Jürgen Müller", "Ana B. Dvořák"]
    assert "Comment of v1" in entry
    assert '<span class="primary-subject">Sound (cs.SD)</span>; Audio and Speech' in entry
    assert f"Abstract of {A}v1 with $x<1$ & more." in unescape(entry)
    assert f"{A}v1" not in entry.replace(f"Abstract of {A}v1", "")


def test_links_eat_urls() -> None:
    assert urlized("a<b, see https://example.org/x?a=1&b=2. Or (http://example.org).") == (
        'a&lt;b, see <a href="https://example.org/x?a=1&amp;b=2" rel="external noopener nofollow" '
        'class="link-external link-https">this https URL</a>. Or (<a href="http://example.org" '
        'rel="external noopener nofollow" class="link-external link-http">this http URL</a>).'
    )
    assert urlized("as arXiv:2601.00001v2,") == (
        'as <a href="https://arxiv.org/abs/2601.00001v2">arXiv:2601.00001v2</a>,'
    )


@pytest.mark.parametrize(
    ("authors", "shown"),
    [((), "(author list is unavailable)"), (("A",) * 1000, "900 additional authors not shown")],
)
def test_long_and_missing_author_lists(authors: tuple[str, ...], shown: str) -> None:
    day = listing(FRIDAY, (NEW, paper(A, authors=authors, comment=None)))
    with FaultyArxiv(Archive([day]), small_pdf) as standin, client_of(standin) as client:
        text = client.get(LIST).text
    assert shown in text
    assert "Comments:" not in text


def test_a_part_of_the_list(serve_week: Serve) -> None:
    _, client = serve_week(now=SettableClock(THURSDAY, 1))
    first = client.get("/list/cs.SD/new?skip=0&show=1").text
    second = client.get("/list/cs.SD/new?skip=1&show=2").text
    assert heads(first)[1:] == ["New submissions (showing first 1 of 2 entries)"]
    assert heads(second)[1:] == [
        "New submissions (continued, showing last 1 of 2 entries)",
        "Cross submissions (showing 1 of 1 entries)",
    ]
    assert ids(first) + ids(second) == [A, B, C]
    assert "[2]" in second


def test_what_the_list_does_not_have(serve_week: Serve) -> None:
    _, client = serve_week()
    for path in ("/list/cs.XX/new", "/list/CS.sd/new", "/list/cs.SD/recent"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/list/{}/new?skip=0", "/catchup/{}/2026-01-16?abs=True&page=1"])
def test_an_alias_is_sent_on(serve_week: Serve, path: str) -> None:
    _, client = serve_week()
    moved = client.get(path.format("cs.SY"))
    assert (moved.status_code, moved.headers["Location"]) == (301, path.format("eess.SY"))


def test_catching_up_on_a_date(serve_week: Serve) -> None:
    _, client = serve_week()
    text = client.get("/catchup/cs.SD/2026-01-15?abs=True&page=1").text
    assert "<h1>Catchup results for Sound on Thu, 15 Jan 2026</h1>" in text
    assert text.count("Total of 3 entries for Thu, 15 Jan 2026") == 2
    assert heads(text) == [
        "New submissions (showing 2 of 2 entries)",
        "Cross submissions (showing 1 of 1 entries)",
    ]
    assert ids(text) == [A, B, C]
    assert "View page:" not in text
    assert "Abstract of" in text
    assert "Abstract of" not in client.get("/catchup/cs.SD/2026-01-15").text


@pytest.mark.parametrize("date", ["2026-01-17", "2026-01-20", "2026-01-01"])
def test_a_date_without_announcement(serve_week: Serve, date: str) -> None:
    _, client = serve_week()
    response = client.get(f"/catchup/cs.SD/{date}?abs=True")
    day = dt.date.fromisoformat(date).strftime("%a, %d %b %Y")
    assert response.status_code == 200
    assert f"No updates for {day}" in response.text
    assert "Total of 0 entries" in response.text


def test_catching_up_page_by_page() -> None:
    items = [(NEW if n < 3 else CROSS, paper(f"2601.2000{n}")) for n in range(5)]
    items[3:] = [(CROSS, paper(f"2601.2000{n}", 1, "cs.CL", "cs.SD")) for n in (3, 4)]
    archive = Archive([listing(FRIDAY, *items)], catchup_page=2)
    with FaultyArxiv(archive, small_pdf) as standin, client_of(standin) as client:
        pages = [client.get(f"/catchup/cs.SD/{FRIDAY}?abs=True&page={n}").text for n in range(1, 5)]
    assert [len(ids(page)) for page in pages] == [2, 2, 1, 0]
    assert [one for page in pages for one in ids(page)] == [f"2601.2000{n}" for n in range(5)]
    assert heads(pages[1]) == [
        "New submissions (continued, showing 1 of 3 entries)",
        "Cross submissions (showing 1 of 2 entries)",
    ]
    assert all("Total of 5 entries for Fri, 16 Jan 2026" in page for page in pages)
    links = re.search(r"View page: (.*)", unescape(pages[0]))
    assert links
    assert links[1].startswith("<span>1</span> <a href=/catchup/cs.SD/2026-01-16?abs=True&page=2>2")
    assert "No further updates for Fri, 16 Jan 2026" in pages[3]


@pytest.mark.parametrize(
    "path",
    [
        "cs.SD/2026-01-22",  # tomorrow
        "cs.SD/2025-10-22",  # 91 days ago
        "cs.SD/yesterday",
        "cs.XX/2026-01-16",
        "cs.SD/2026-01-16?page=0",
        "cs.SD/2026-01-16?page=two",
    ],
)
def test_what_cannot_be_caught_up_on(serve_week: Serve, path: str) -> None:
    _, client = serve_week()
    assert client.get(f"/catchup/{path}").status_code == 400
    assert client.get("/catchup/cs.SD/2025-10-23").status_code == 200


def test_in_the_evening_the_catch_up_page_is_a_day_behind_the_list(serve_week: Serve) -> None:
    _, client = serve_week(now=SettableClock(TUESDAY, 21))
    assert "21 January 2026" in client.get(LIST).text
    assert client.get("/catchup/cs.SD/2026-01-21").status_code == 400
    assert client.get("/catchup/cs.SD/2026-01-20").status_code == 200
