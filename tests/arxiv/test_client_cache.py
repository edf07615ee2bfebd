"""ETag and Cache-Control, honoured over HTTP."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pytest

from pipeline.errors import ArxivUnreachable, Interrupted
from tests.standins.site import FEED, DatedClock, Net, Say

ETAG = "6f1c0d"  # arXiv's own is without quotes
HOUR = {"ETag": ETAG, "Cache-Control": "max-age=3600"}
PAGE = b"<!DOCTYPE html>\n<html><body>a list</body>\n</html>\n"
OTHER = FEED.replace(b"<channel/>", b"<channel><item/></channel>")


@pytest.fixture
def clock() -> DatedClock:
    return DatedClock()


def unchanged(headers: Mapping[str, str]) -> Say:
    """As arXiv answers who has this ETag."""
    if headers.get("If-None-Match") == ETAG:
        return Say(b"", 304, HOUR)
    return Say(FEED, 200, HOUR)


def test_a_fresh_answer_costs_no_request_and_no_wait(net: Net) -> None:
    site = net.site(Say(FEED, 200, HOUR))
    client = net.client(site.url)

    answers = [client.feed(["cs.SD"]) for _ in range(3)]

    assert answers == [(FEED, f"{site.url}/rss/cs.SD")] * 3
    assert len(site.seen) == 1
    assert net.clock.waits == []


def test_another_run_finds_what_the_last_one_kept(net: Net) -> None:
    site = net.site(Say(FEED, 200, HOUR))

    bodies = [net.client(site.url).feed(["cs.SD"])[0] for _ in range(2)]

    assert bodies == [FEED, FEED]
    assert len(site.seen) == 1


def test_what_is_no_longer_fresh_is_asked_for_with_its_etag_as_sent(net: Net) -> None:
    site = net.site(unchanged)
    client = net.client(site.url)

    client.feed(["cs.SD"])
    net.clock.sleep(3600)
    body, _ = client.feed(["cs.SD"])

    assert body == FEED
    assert "If-None-Match" not in site.seen[0].headers
    assert site.seen[1].headers["If-None-Match"] == ETAG


def test_a_304_makes_the_old_answer_fresh_again(net: Net) -> None:
    site = net.site(unchanged)
    client = net.client(site.url)

    client.feed(["cs.SD"])
    net.clock.sleep(3600)
    for _ in range(3):
        assert client.feed(["cs.SD"])[0] == FEED

    assert len(site.seen) == 2


def test_what_changed_takes_the_old_answers_place(net: Net) -> None:
    site = net.site(Say(FEED, 200, HOUR), Say(OTHER, 200, {"ETag": "new", **HOUR}))
    client = net.client(site.url)

    client.feed(["cs.SD"])
    net.clock.sleep(3600)

    assert client.feed(["cs.SD"])[0] == OTHER
    assert client.feed(["cs.SD"])[0] == OTHER
    assert len(site.seen) == 2


def test_revalidate_always_asks_but_with_the_validators(net: Net) -> None:
    site = net.site(unchanged)
    client = net.client(site.url)

    client.feed(["cs.SD"])
    body, _ = client.feed(["cs.SD"], revalidate=True)

    assert body == FEED
    assert [seen.headers.get("If-None-Match") for seen in site.seen] == [None, ETAG]


def test_a_last_modified_date_is_a_validator_too(net: Net) -> None:
    date = "Tue, 06 Jan 2026 05:00:00 GMT"
    site = net.site(Say(FEED, 200, {"Last-Modified": date}), Say(b"", 304))
    client = net.client(site.url)

    client.feed(["cs.SD"])

    assert client.feed(["cs.SD"])[0] == FEED
    assert site.seen[1].headers["If-Modified-Since"] == date


def test_the_list_page_is_always_asked_for(net: Net) -> None:
    site = net.site(Say(PAGE, 200, HOUR), Say(b"", 304, HOUR))
    client = net.client(site.url)

    assert [client.list_page("cs.SD")[0] for _ in range(3)] == [PAGE] * 3
    assert [seen.headers.get("If-None-Match") for seen in site.seen] == [None, ETAG, ETAG]


def test_a_catch_up_page_is_kept_by_its_whole_address(net: Net) -> None:
    site = net.site(Say(PAGE, 200, HOUR))
    client = net.client(site.url)

    for page in (1, 2, 1, 2):
        client.catchup("cs.SD", dt.date(2026, 1, 6), page)

    assert len(site.seen) == 2


def test_a_run_asks_for_a_catch_up_page_once_and_the_next_run_again(net: Net) -> None:
    """ArXiv does not say how long they are good."""
    site = net.site(Say(PAGE))
    date = dt.date(2026, 1, 6)

    for client in (net.client(site.url), net.client(site.url)):
        assert [client.catchup("cs.SD", date)[0] for _ in range(3)] == [PAGE] * 3

    assert len(site.seen) == 2


def test_the_api_and_oai_are_never_answered_from_the_cache(net: Net) -> None:
    body = b"<feed></feed>"
    site = net.site(Say(body, 200, HOUR))
    client = net.client(site.url)

    for _ in range(2):
        client.metadata(["2604.99001v1"])
        client.oai_record("2604.99001")

    assert len(site.seen) == 4
    assert all("If-None-Match" not in seen.headers for seen in site.seen)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Say(FEED[:-3], 200, HOUR), id="cut off"),
        pytest.param(Say(PAGE, 200, HOUR), id="a page in the feed's place"),
        pytest.param(Say(b"", 200, HOUR), id="empty"),
        pytest.param(Say(FEED, 400, HOUR), id="an error feed"),
        pytest.param(Say(FEED, 200, {"Cache-Control": "no-store, max-age=60"}), id="no-store"),
        pytest.param(Say(FEED, 200), id="nothing said"),
    ],
)
def test_what_is_not_a_whole_good_answer_is_not_kept(net: Net, answer: Say) -> None:
    site = net.site(answer, Say(OTHER))
    client = net.client(site.url)

    client.feed(["cs.SD"])

    assert client.feed(["cs.SD"])[0] == OTHER
    assert "If-None-Match" not in site.seen[1].headers


def test_a_captcha_in_a_lists_place_is_not_kept(net: Net) -> None:
    captcha = b"<html><head><title>arXiv reCAPTCHA</title></head></html>"
    site = net.site(Say(captcha, 200, HOUR), Say(PAGE))
    client = net.client(site.url)
    date = dt.date(2026, 1, 6)

    assert client.catchup("cs.SD", date)[0] == captcha
    assert client.catchup("cs.SD", date)[0] == PAGE


def test_a_304_about_another_answer_is_asked_again_without_conditions(net: Net) -> None:
    site = net.site(
        Say(FEED, 200, HOUR), Say(b"", 304, {"ETag": "quite another"}), Say(OTHER, 200, HOUR)
    )
    client = net.client(site.url)

    client.feed(["cs.SD"])
    body, _ = client.feed(["cs.SD"], revalidate=True)

    assert body == OTHER
    assert "If-None-Match" not in site.seen[2].headers


def test_an_old_answer_never_stands_in_for_one_that_cannot_be_had(net: Net) -> None:
    site = net.site(Say(FEED, 200, HOUR), Say(b"", 500))
    client = net.client(site.url)

    client.feed(["cs.SD"])
    net.clock.sleep(3600)

    with pytest.raises(ArxivUnreachable):
        client.feed(["cs.SD"])


def test_conditions_go_along_with_a_redirect(net: Net) -> None:
    moved = Say(b"", 301, {"Location": "/list/eess.SY/new"})
    site = net.site(moved, Say(PAGE, 200, HOUR), moved, Say(b"", 304, HOUR))
    client = net.client(site.url)

    bodies = [client.list_page("cs.SY")[0] for _ in range(2)]

    assert bodies == [PAGE, PAGE]
    assert site.seen[3].headers["If-None-Match"] == ETAG


def test_a_stopped_run_asks_nothing_though_it_has_an_old_answer(net: Net) -> None:
    site = net.site(Say(FEED, 200, HOUR))
    client = net.client(site.url)
    client.feed(["cs.SD"])
    net.clock.stop()

    with pytest.raises(Interrupted):
        client.feed(["cs.SD"], revalidate=True)

    assert len(site.seen) == 1
