"""Every fault by what a client sees of it."""

import re
import time
from typing import get_args

import feedparser
import httpx2
import pytest

from pipeline.demo.request import Kind, Request
from tests.demo.composed import FRIDAY, A, B, D, SettableClock
from tests.demo.conftest import Serve
from tests.standins.arxiv import FaultyArxiv
from tests.standins.faults import FAULTS, CommonFault, Fault, Faults
from tests.standins.world import small_pdf

ADDRESSES: dict[Kind, str] = {
    "feed": "/rss/cs.SD+eess.AS",
    "list": "/list/cs.SD/new?skip=0&show=2000",
    "catchup": "/catchup/cs.SD/2026-01-16?abs=True&page=1",
    "api": f"/api/query?id_list={A},{B},{D}&max_results=3",
    "oai": f"/oai?verb=GetRecord&identifier=oai:arXiv.org:{A}&metadataPrefix=arXivRaw",
    "pdf": f"/pdf/{A}v2",
}


@pytest.fixture
def friday(serve_week: Serve) -> tuple[FaultyArxiv, httpx2.Client]:
    return serve_week(now=SettableClock(FRIDAY, 12))


def failing(friday: tuple[FaultyArxiv, httpx2.Client], kind: Kind, fault: Fault) -> httpx2.Response:
    """The answer to a request of this kind with the fault."""
    standin, client = friday
    standin.fault_for = lambda asked: fault
    return client.get(ADDRESSES[kind])


def test_every_kind_has_the_common_faults() -> None:
    for kind, faults in FAULTS.items():
        assert set(get_args(CommonFault)) <= set(faults)
        assert len(faults) == len(set(faults))
        assert Request(method="GET", path=ADDRESSES[kind]).kind == kind
    assert Request(method="GET", path="/atom/cs.SD").kind == "feed"
    assert Request(method="GET", path="/help").kind is None


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize(
    ("fault", "status", "wait"),
    [
        ("throttled", 429, None),
        ("throttled_later", 429, "30"),
        ("not_acceptable", 406, None),
        ("unavailable", 503, "300"),
        ("server_error", 503, None),
    ],
)
def test_refusals(
    friday: tuple[FaultyArxiv, httpx2.Client],
    kind: Kind,
    fault: Fault,
    status: int,
    wait: str | None,
) -> None:
    response = failing(friday, kind, fault)
    own = kind == "pdf" and fault == "server_error"
    assert response.status_code == (500 if own else status)
    assert response.headers.get("Retry-After") == wait
    if status == 429:
        assert response.text == "Rate exceeded."


@pytest.mark.parametrize("kind", FAULTS)
def test_connections_that_end(friday: tuple[FaultyArxiv, httpx2.Client], kind: Kind) -> None:
    with pytest.raises(httpx2.RemoteProtocolError, match="without sending a response"):
        failing(friday, kind, "hang_up")
    with pytest.raises(httpx2.RemoteProtocolError, match=r"complete message|incomplete chunked"):
        failing(friday, kind, "cut")


@pytest.mark.parametrize("kind", FAULTS)
def test_slow_answers_are_good(friday: tuple[FaultyArxiv, httpx2.Client], kind: Kind) -> None:
    friday[0].faults = Faults(slow_s=0.2)
    good = friday[1].get(ADDRESSES[kind])
    start = time.monotonic()
    slow = failing(friday, kind, "slow")
    assert time.monotonic() - start >= 0.2
    assert (slow.status_code, slow.content) == (200, good.content)


def test_retry_after_can_be_set(friday: tuple[FaultyArxiv, httpx2.Client]) -> None:
    friday[0].faults = Faults(retry_after=7)
    waits = [
        failing(friday, "list", fault).headers.get("Retry-After")
        for fault in ("throttled", "throttled_later", "unavailable", "server_error")
    ]
    assert waits == [None, "7", "7", "7"]
    friday[0].faults = Faults(retry_after=0)
    assert failing(friday, "list", "unavailable").headers["Retry-After"] == "0"


def fed(response: httpx2.Response) -> list[tuple[str, str]]:
    parsed = feedparser.parse(response.content)
    assert parsed.feed.published == "Fri, 16 Jan 2026 00:00:00 -0500"
    return [(e.id.rpartition(":")[2], e.arxiv_announce_type) for e in parsed.entries]


def test_feeds_that_lie(friday: tuple[FaultyArxiv, httpx2.Client]) -> None:
    whole = fed(friday[1].get(ADDRESSES["feed"]))
    assert len(whole) == 4
    assert fed(failing(friday, "feed", "empty")) == []
    assert fed(failing(friday, "feed", "incomplete")) == [whole[0], whole[1], whole[3]]
    stale = fed(failing(friday, "feed", "stale"))
    assert [versioned for versioned, _ in stale] == [f"{A}v1", f"{B}v1", "2601.10003v1"]
    assert fed(failing(friday, "feed", "stale_paper")) == [(f"{A}v1", "new"), *whole]
    nameless = fed(failing(friday, "feed", "nameless"))
    assert nameless == [*whole[:-1], (whole[-1][0], "no_match")]
    doubled = fed(failing(friday, "feed", "doubled"))
    assert set(whole) < set(doubled)
    assert (f"{D}v1", "cross") in doubled
    assert (f"{A}v2", "replace-cross") in doubled
    assert len(doubled) == 8


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("feed", "not_xml"),
        ("feed", "truncated_xml"),
        ("api", "not_xml"),
        ("api", "truncated_xml"),
        ("oai", "not_xml"),
        ("oai", "truncated_xml"),
    ],
)
def test_what_is_not_xml(
    friday: tuple[FaultyArxiv, httpx2.Client], kind: Kind, fault: Fault
) -> None:
    response = failing(friday, kind, fault)
    assert response.status_code == 200
    assert feedparser.parse(response.content).bozo


def test_an_error_feed(friday: tuple[FaultyArxiv, httpx2.Client]) -> None:
    response = failing(friday, "feed", "error_feed")
    assert response.status_code == 400
    assert (
        b"<title>Feed error for query: http://rss.arxiv.org/rss/cs.SD+eess.AS" in response.content
    )


@pytest.mark.parametrize("kind", ["list", "catchup"])
def test_pages_that_are_none(friday: tuple[FaultyArxiv, httpx2.Client], kind: Kind) -> None:
    captcha = failing(friday, kind, "captcha")
    assert captcha.status_code == 200
    assert "<title>arXiv reCAPTCHA</title>" in captcha.text
    garbage = failing(friday, kind, "not_html")
    assert garbage.headers["Content-Type"].startswith("text/html")
    assert b"<dl" not in garbage.content
    unavailable = failing(friday, kind, "unavailable")
    assert unavailable.text.startswith("This listing is temporarily unavailable; please retry")


@pytest.mark.parametrize("kind", ["list", "catchup"])
def test_a_truncated_page_counts_more_than_it_has(
    friday: tuple[FaultyArxiv, httpx2.Client], kind: Kind
) -> None:
    text = failing(friday, kind, "truncated").text
    assert "Total of 2 entries" in text
    assert "Replacement submissions (showing 2 of 2 entries)" in text
    assert re.findall(r'<a href ="/abs/([^"]+)"', text) == [A]
    assert "</html>" not in text


def test_a_stale_list_page_shows_the_previous_date(
    friday: tuple[FaultyArxiv, httpx2.Client],
) -> None:
    text = failing(friday, "list", "stale").text
    assert "Showing new listings for Thursday, 15 January 2026" in text
    assert A in text


def entries(response: httpx2.Response) -> list[str]:
    parsed = feedparser.parse(response.content)
    assert not parsed.bozo
    return [entry.id.rpartition("/")[2] for entry in parsed.entries]


def test_api_answers_that_lack_something(friday: tuple[FaultyArxiv, httpx2.Client]) -> None:
    assert entries(friday[1].get(ADDRESSES["api"])) == [f"{A}v2", f"{B}v2", f"{D}v1"]
    empty = failing(friday, "api", "empty_page")
    assert entries(empty) == []
    assert "totalResults>3<" in empty.text
    missing = failing(friday, "api", "missing")
    assert entries(missing) == [f"{B}v2", f"{D}v1"]
    assert "totalResults>2<" in missing.text
    assert entries(failing(friday, "api", "reordered")) == [f"{D}v1", f"{B}v2", f"{A}v2"]


def test_an_oai_error(friday: tuple[FaultyArxiv, httpx2.Client]) -> None:
    response = failing(friday, "oai", "error_code")
    assert response.status_code == 200
    assert "<error code='badResumptionToken'>" in response.text


@pytest.mark.parametrize(
    ("fault", "status", "says"),
    [
        ("captcha", 200, "<title>arXiv reCAPTCHA</title>"),
        ("not_ready", 200, "not ready"),
        ("html", 200, "not ready"),
        ("no_source", 404, f"File unavailable for {A}v2"),
        ("no_source", 404, "source was not provided"),
        ("not_found", 404, f"No document for &#x27;{A}v2&#x27;"),
        ("not_public", 403, "Source Not Public"),
        ("not_pdf", 404, "file unavailable"),
        ("not_made", 500, "file unavailable"),
        ("server_error", 500, "file unavailable"),
        ("withdrawn", 404, "has been withdrawn"),
    ],
)
def test_pages_in_a_pdfs_place(
    friday: tuple[FaultyArxiv, httpx2.Client], fault: Fault, status: int, says: str
) -> None:
    response = failing(friday, "pdf", fault)
    assert response.status_code == status
    assert response.headers["Content-Type"].startswith("text/html")
    assert says in response.text


def test_pdfs_that_are_not_the_right_ones(friday: tuple[FaultyArxiv, httpx2.Client]) -> None:
    right = small_pdf(f"{A}v2")
    assert failing(friday, "pdf", "old_file").content == small_pdf(f"{A}v1")
    assert failing(friday, "pdf", "empty").content == b""
    assert failing(friday, "pdf", "truncated").content == right[: len(right) * 6 // 10]
    assert b"/Encrypt" in failing(friday, "pdf", "encrypted").content
    # A first version has no older file.
    assert friday[0].fault_for
    friday[0].fault_for = lambda asked: "old_file"
    assert friday[1].get(f"/pdf/{D}").content == small_pdf(f"{D}v1")


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        (Faults(feed="not_acceptable"), "feed"),
        (Faults(list_page="not_acceptable"), "list"),
        (Faults(catchup="not_acceptable"), "catchup"),
        (Faults(api="not_acceptable"), "api"),
        (Faults(oai="not_acceptable"), "oai"),
        (Faults(pdf={f"{A}v2": "not_acceptable"}), "pdf"),
    ],
)
def test_a_declared_fault_befalls_its_kind_alone(
    friday: tuple[FaultyArxiv, httpx2.Client], declared: Faults, kind: Kind
) -> None:
    standin, client = friday
    standin.faults = declared
    failed = {one for one, path in ADDRESSES.items() if client.get(path).status_code == 406}
    assert failed == {kind}


def test_a_fault_for_a_request_comes_before_those_declared(
    friday: tuple[FaultyArxiv, httpx2.Client],
) -> None:
    standin, client = friday
    standin.faults = Faults(api="server_error", feed="server_error")
    standin.fault_for = lambda asked: "not_acceptable" if asked.kind == "api" else None
    assert client.get(ADDRESSES["api"]).status_code == 406
    assert client.get(ADDRESSES["feed"]).status_code == 503
    standin.fault_for = None
    assert client.get(ADDRESSES["api"]).status_code == 503


def test_a_fault_that_cannot_be_is_the_tests_own_mistake(
    friday: tuple[FaultyArxiv, httpx2.Client],
) -> None:
    standin, _ = friday
    standin.fault_for = lambda asked: "captcha"
    with pytest.raises(ValueError, match="'captcha' cannot befall"):
        standin.answer(Request(method="GET", path="/rss/cs.SD"))
