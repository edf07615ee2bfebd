"""What goes wrong with one answer: which errors it becomes, and what is tried again."""

from __future__ import annotations

import datetime as dt
import socket

import pytest

from pipeline.arxiv.client import MEGABYTE
from pipeline.arxiv.connection import LONGEST_ANSWER_S, said
from pipeline.errors import (
    ArxivMalformed,
    ArxivRefused,
    ArxivThrottled,
    ArxivUnreachable,
    JianjieError,
)
from tests.standins.site import ATTEMPTS, FEED, INTERVAL, Net, Say

# Throttling


@pytest.mark.parametrize("status", [429, 406, 503])
def test_retry_after_is_obeyed(net: Net, status: int) -> None:
    site, body = net.ask(Say(b"Rate exceeded.", status, {"Retry-After": "37"}), Say())

    assert body == FEED
    assert net.clock.waits == [37.0]
    assert [seen.at for seen in site.seen] == [1000.0, 1037.0]


def test_a_list_page_that_asks_for_five_minutes_gets_them(net: Net) -> None:
    text = b"This listing is temporarily unavailable; please retry in a few minutes."
    site = net.site(Say(text, 503, {"Retry-After": "300"}), Say(b"<html></html>"))

    body, _ = net.client(site.url).list_page("cs.SD")

    assert body == b"<html></html>"
    assert [seen.at for seen in site.seen] == [1000.0, 1300.0]


def test_retry_after_as_a_date_is_obeyed(net: Net) -> None:
    # The server's own Date header is now, so the wait is a minute less what building it takes.
    when = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60)
    header = {"Retry-After": when.strftime("%a, %d %b %Y %H:%M:%S GMT")}

    site, body = net.ask(Say(b"", 429, header), Say())

    assert body == FEED
    assert net.clock.waits == [pytest.approx(60.0, abs=5)]
    assert len(site.seen) == 2


@pytest.mark.parametrize("status", [429, 406])
def test_throttling_without_retry_after_is_tried_again_then_given_up(net: Net, status: int) -> None:
    site, outcome = net.ask(Say(b"Rate exceeded.", status))

    assert isinstance(outcome, ArxivThrottled)
    assert outcome.retry_after is None
    assert str(status) in str(outcome)
    assert len(site.seen) == ATTEMPTS


def test_a_retry_after_beyond_the_bound_is_not_waited_for(net: Net) -> None:
    site, outcome = net.ask(Say(b"", 503, {"Retry-After": "601"}))

    assert isinstance(outcome, ArxivThrottled)
    assert outcome.retry_after == 601.0
    assert len(site.seen) == 1
    assert net.clock.waits == []


# Failures


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_a_server_error_is_tried_again_then_unreachable(net: Net, status: int) -> None:
    site, outcome = net.ask(Say(b"broken", status))

    assert isinstance(outcome, ArxivUnreachable)
    assert f"HTTP {status}" in str(outcome)
    assert outcome.where == f"{site.url}/rss/cs.SD"
    assert len(site.seen) == ATTEMPTS


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(Say(b"broken", 500), id="server error"),
        pytest.param(Say(hang_up=True), id="no answer"),
        pytest.param(Say(FEED[:10], declared=len(FEED)), id="disconnect in the body"),
    ],
)
def test_what_passes_is_got_over(net: Net, failure: Say) -> None:
    site, body = net.ask(failure, failure, Say())

    assert body == FEED
    assert len(site.seen) == 3


def test_a_refused_connection_is_tried_again_then_unreachable(net: Net) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(ArxivUnreachable, match="no connection"):
        net.client(url).feed(["cs.SD"])

    assert net.clock.monotonic() >= 1000.0 + (ATTEMPTS - 1) * INTERVAL


def test_a_silent_server_times_out(net: Net) -> None:
    site, outcome = net.ask(Say(silent=True), timeout_s=0.1)

    assert isinstance(outcome, ArxivUnreachable)
    assert "no answer in time" in str(outcome)
    assert len(site.seen) == ATTEMPTS


def test_an_answer_that_only_drips_is_given_up(net: Net) -> None:
    """Each piece comes in time, and is smaller than any buffer: only their sum is too long."""
    slow = Say(b"x" * 3000, drip=LONGEST_ANSWER_S)

    site, outcome = net.ask(slow, total_s=0.0)

    assert isinstance(outcome, ArxivUnreachable)
    assert f"over {LONGEST_ANSWER_S} s" in str(outcome)
    assert len(site.seen) == 1


def test_an_answer_that_takes_its_time_is_read(net: Net) -> None:
    body = b"x" * 3000

    _, outcome = net.ask(Say(body, drip=LONGEST_ANSWER_S / 4))

    assert outcome == body


@pytest.mark.parametrize("status", [304, 400, 401, 403, 404, 410])
def test_a_refusal_is_final(net: Net, status: int) -> None:
    site, outcome = net.ask(Say(b"<html>no</html>", status))

    assert isinstance(outcome, ArxivRefused)
    assert f"HTTP {status}" in str(outcome)
    assert outcome.fix
    assert len(site.seen) == 1


def test_a_date_out_of_reach_is_refused_in_arxivs_own_words(net: Net) -> None:
    page = (
        b"<!DOCTYPE html><html><head><title>400 Bad Request</title></head><body>"
        b"<h1>Date 2020-01-02 refused: the past\n 90 days &amp; no more</h1><p>"
        + b"We cannot answer this, because of something in it that is wrong or that is not there. "
        * 4
        + b"</p></body>"
    )
    site = net.site(Say(page, 400, {"Content-Type": "text/html"}))

    with pytest.raises(ArxivRefused) as caught:
        net.client(site.url).catchup("cs.SD", dt.date(2020, 1, 2))

    reason = "Date 2020-01-02 refused: the past 90 days & no more. We cannot answer this,"
    assert f": arXiv answers HTTP 400 ({reason}" in str(caught.value)
    # What is published has no word of arXiv's.
    assert caught.value.public == f"arXiv answers HTTP 400. {caught.value.fix}"
    assert len(site.seen) == 1


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("Invalid date.\n", "Invalid date."),
        ("<html><title>Not\nfound</title><body>no</body>", "Not found"),
        ("<html><h1 class='a'>No</h1><p>Gone.</p><p>Bye.</p>", "No. Gone."),
        ("<html><body><div>nothing that stands out</div>", ""),
        ("<p" * 30_000, ""),
        ("<p>" * 30_000, ""),
        ("", ""),
    ],
)
def test_what_a_page_says_is_its_heading_and_first_paragraph(page: str, words: str) -> None:
    assert said(page) == words


def test_a_feed_that_explains_a_400_is_handed_on(net: Net) -> None:
    site, body = net.ask(Say(FEED, 400))

    assert body == FEED
    assert len(site.seen) == 1


def test_an_error_page_without_end_is_not_read_to_the_end(net: Net) -> None:
    site, outcome = net.ask(Say(b"x" * 2 * MEGABYTE, 404), max_answer_mb=1)

    assert isinstance(outcome, ArxivRefused)
    assert outcome.what == "arXiv answers HTTP 404"
    assert len(site.seen) == 1


@pytest.mark.parametrize(("size", "fits"), [(MEGABYTE, True), (MEGABYTE + 1, False)])
def test_an_answer_above_the_cap_is_malformed(net: Net, size: int, fits: bool) -> None:
    site, outcome = net.ask(Say(b"x" * size), max_answer_mb=1)

    if fits:
        assert outcome == b"x" * size
    else:
        assert isinstance(outcome, ArxivMalformed)
        assert "larger than 1 MB" in str(outcome)
    assert len(site.seen) == 1


@pytest.mark.parametrize(
    "answer", [Say(b"", 302, {"Location": "https://example.org/"}), Say(b"no", 404)]
)
def test_a_final_error_says_where_and_what_to_do(net: Net, answer: Say) -> None:
    site, outcome = net.ask(answer)

    assert isinstance(outcome, JianjieError)
    assert outcome.where == f"{site.url}/rss/cs.SD"
    assert "config.yaml" in outcome.fix
