"""What is asked, of whom, and at which pace."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import HttpUrl

from pipeline import __version__
from pipeline.arxiv.client import ArxivClient
from pipeline.arxiv.connection import _same_site, _site
from pipeline.errors import ArxivRefused, Interrupted
from pipeline.settings import ArxivSettings, RetrySettings
from tests.conftest import FastClock
from tests.standins.site import FEED, Net, Say

PDF = b"%PDF-1.7\n" + b"speech " * 20_000 + b"\n%%EOF\n"

# Requests


def test_a_request_says_who_asks_and_what_is_accepted(net: Net) -> None:
    site = net.site()

    net.client(site.url, contact="mailto:me@example.org").feed(["cs.SD"])

    headers = site.seen[0].headers
    assert headers["User-Agent"] == (
        f"jianjie/{__version__} (nightly digest; mailto:me@example.org)"
    )
    assert headers["Accept"] == "*/*"


def test_without_a_contact_the_user_agent_is_still_ours(net: Net) -> None:
    site, _ = net.ask()

    assert site.seen[0].headers["User-Agent"] == f"jianjie/{__version__} (nightly digest)"


def test_the_feed_is_asked_once_for_all_categories(net: Net) -> None:
    site = net.site()

    body, where = net.client(site.url).feed(["cs.SD", "eess.AS"])

    assert body == FEED
    assert where == f"{site.url}/rss/cs.SD+eess.AS"
    assert site.paths == ["/rss/cs.SD+eess.AS"]


def test_the_feed_host_is_named(net: Net) -> None:
    assert net.client("http://127.0.0.1:9").feed_host == "127.0.0.1"


def test_metadata_sends_max_results_with_the_ids(net: Net) -> None:
    site = net.site()
    ids = [f"2604.{number:05d}v1" for number in range(99001, 99013)]

    _, where = net.client(site.url).metadata(ids)

    query = parse_qs(urlsplit(site.paths[0]).query)
    assert query == {"id_list": [",".join(ids)], "max_results": ["12"]}
    assert where.startswith(f"{site.url}/api/query?")


def test_the_list_page_is_asked_whole(net: Net) -> None:
    site = net.site(Say(b"<html></html>"))

    body, where = net.client(site.url).list_page("cs.SD")

    assert body == b"<html></html>"
    assert site.paths == ["/list/cs.SD/new?skip=0&show=2000"]
    assert where == f"{site.url}{site.paths[0]}"


def test_a_catch_up_page_is_asked_with_abstracts(net: Net) -> None:
    site = net.site()

    _, where = net.client(site.url).catchup("eess.AS", dt.date(2026, 1, 6), page=2)

    assert site.paths == ["/catchup/eess.AS/2026-01-06?abs=True&page=2"]
    assert where == f"{site.url}{site.paths[0]}"


@pytest.mark.parametrize("arxiv_id", ["2604.99001", "math/0309136"])
def test_an_oai_record_is_asked_by_its_identifier(net: Net, arxiv_id: str) -> None:
    site = net.site()

    _, where = net.client(site.url).oai_record(arxiv_id)

    assert urlsplit(where).path == "/oai"
    assert parse_qs(urlsplit(site.paths[0]).query) == {
        "verb": ["GetRecord"],
        "metadataPrefix": ["arXivRaw"],
        "identifier": [f"oai:arXiv.org:{arxiv_id}"],
    }


def test_oai_changes_begin_with_a_set_and_a_date(net: Net) -> None:
    site = net.site()

    net.client(site.url).oai_changes("cs:cs:SD", dt.date(2026, 1, 5))

    assert parse_qs(urlsplit(site.paths[0]).query) == {
        "verb": ["ListRecords"],
        "metadataPrefix": ["arXivRaw"],
        "set": ["cs:cs:SD"],
        "from": ["2026-01-05"],
    }


def test_oai_changes_go_on_with_the_token_alone_encoded_once(net: Net) -> None:
    site = net.site()
    token = "verb%3DListRecords&skip=2500+a/b ü"

    net.client(site.url).oai_changes("cs:cs:SD", dt.date(2026, 1, 5), token)

    query = parse_qs(urlsplit(site.paths[0]).query)
    assert query == {"verb": ["ListRecords"], "resumptionToken": [token]}


def test_a_base_address_may_end_with_a_slash_or_not(net: Net, tmp_path: Path) -> None:
    site = net.site(Say(PDF))

    for base in ("pdf", "pdf/"):
        client = net.client(site.url)
        client._settings = client._settings.model_copy(
            update={"pdf_url": HttpUrl(f"{site.url}/{base}")}
        )
        client.pdf("2604.99001v1", tmp_path / "a.pdf")

    assert site.paths == ["/pdf/2604.99001v1"] * 2


def test_requests_share_one_connection(net: Net) -> None:
    site = net.site()
    client = net.client(site.url)

    for _ in range(3):
        client.feed(["cs.SD"])

    assert len({seen.port for seen in site.seen}) == 1


def test_a_proxy_of_the_environment_stays_out_of_this_machine(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    _, body = net.ask()

    assert body == FEED


def test_the_servers_time_is_that_of_its_last_answer(net: Net) -> None:
    site = net.site()
    client = net.client(site.url)
    before = client.server_time

    client.feed(["cs.SD"])

    after = client.server_time
    assert before is None
    assert after is not None
    assert abs(after - dt.datetime.now(dt.UTC)) < dt.timedelta(seconds=30)


# Pace


def test_requests_of_every_kind_start_an_interval_apart(net: Net, tmp_path: Path) -> None:
    site = net.site(*[Say()] * 6, Say(PDF))
    client = net.client(site.url)

    client.feed(["cs.SD"])
    client.list_page("cs.SD")
    client.catchup("cs.SD", dt.date(2026, 1, 6))
    client.metadata(["2604.99001v1"])
    client.oai_record("2604.99001")
    client.oai_changes("cs:cs:SD", dt.date(2026, 1, 6))
    client.pdf("2604.99001v1", tmp_path / "a.pdf")

    assert [seen.at for seen in site.seen] == [1000.0 + 3.0 * n for n in range(7)]
    assert net.clock.waits == [3.0] * 6


def test_a_pdf_waits_its_own_interval_after_whatever_came_before(net: Net, tmp_path: Path) -> None:
    site = net.site(Say(), Say(PDF), Say(PDF), Say())
    client = net.client(site.url, pdf_interval_s=15.0)

    client.feed(["cs.SD"])
    client.pdf("2604.99001v1", tmp_path / "a.pdf")
    client.pdf("2604.99002v1", tmp_path / "b.pdf")
    client.feed(["cs.SD"])

    assert [seen.at for seen in site.seen] == [1000.0, 1015.0, 1030.0, 1033.0]


def test_clients_of_one_installation_keep_one_pace(net: Net) -> None:
    site = net.site()

    for _ in range(3):
        net.client(site.url).feed(["cs.SD"])

    assert [seen.at for seen in site.seen] == [1000.0, 1003.0, 1006.0]


def test_another_site_has_a_pace_of_its_own(net: Net) -> None:
    site, other = net.site(), net.site()

    net.client(site.url).feed(["cs.SD"])
    net.client(other.url).feed(["cs.SD"])

    assert [seen.at for seen in (*site.seen, *other.seen)] == [1000.0, 1000.0]


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://arxiv.org/pdf/1", "arxiv.org"),
        ("http://export.arxiv.org/api/query", "arxiv.org"),
        ("https://rss.arxiv.org/rss/cs.SD", "arxiv.org"),
        ("http://127.0.0.1:8000/rss", "127.0.0.1_8000"),
        ("http://127.0.0.1:8001/rss", "127.0.0.1_8001"),
        ("http://[::1]:8000/", "__1_8000"),
        ("https://notarxiv.org/", "notarxiv.org_https"),
    ],
)
def test_arxivs_hosts_share_one_pace_and_others_have_one_each(url: str, site: str) -> None:
    assert _site(url) == site


def test_a_cache_that_cannot_be_written_keeps_the_pace_and_says_nothing(
    clock: FastClock, net: Net, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file in the folder's place")
    site = net.site()
    settings = net.client(site.url)._settings
    client = ArxivClient(settings, RetrySettings(), clock, tmp_path / "cache")

    answers = [client.feed(["cs.SD"]) for _ in range(3)]
    client.close()

    assert [body for body, _ in answers] == [FEED] * 3
    assert [seen.at for seen in site.seen] == [1000.0, 1003.0, 1006.0]


def test_a_redirect_is_a_request_and_waits_too(net: Net) -> None:
    moved = Say(b"", 301, {"Location": "/moved"})
    site, body = net.ask(moved, moved, Say())

    assert body == FEED
    assert [seen.at for seen in site.seen] == [1000.0, 1003.0, 1006.0]


@pytest.mark.parametrize("interval", [0.0, 3.0])
def test_a_stopped_run_sends_nothing(net: Net, interval: float) -> None:
    net.clock.stop()

    site, outcome = net.ask(interval_s=interval)

    assert isinstance(outcome, Interrupted)
    assert site.seen == []


# Redirects


def test_a_redirect_within_the_host_is_followed(net: Net) -> None:
    site, body = net.ask(Say(b"", 301, {"Location": "/elsewhere?x=1"}), Say())

    assert body == FEED
    assert site.paths == ["/rss/cs.SD", "/elsewhere?x=1"]


def test_a_redirect_to_another_host_is_refused_and_not_contacted(net: Net) -> None:
    other = net.site()
    away = other.url.replace("127.0.0.1", "localhost")

    site, outcome = net.ask(Say(b"", 302, {"Location": f"{away}/feed"}))

    assert isinstance(outcome, ArxivRefused)
    assert f"{away}/feed" in str(outcome)
    assert len(site.seen) == 1
    assert other.seen == []


def test_a_redirect_to_another_host_after_one_within_is_refused(net: Net) -> None:
    other = net.site()
    away = other.url.replace("127.0.0.1", "localhost")
    within = Say(b"", 302, {"Location": "/here"})

    site, outcome = net.ask(within, Say(b"", 302, {"Location": away}))

    assert isinstance(outcome, ArxivRefused)
    assert len(site.seen) == 2
    assert other.seen == []


def test_a_redirect_in_a_circle_ends(net: Net) -> None:
    site, outcome = net.ask(Say(b"", 302, {"Location": "/again"}))

    assert isinstance(outcome, ArxivRefused)
    assert len(site.seen) == 5


@pytest.mark.parametrize(
    ("home", "other", "same"),
    [
        ("https://arxiv.org/pdf/1", "https://export.arxiv.org/pdf/1", True),
        ("https://export.arxiv.org/pdf/1", "https://arxiv.org/pdf/1v2", True),
        ("http://export.arxiv.org/pdf/1", "https://export.arxiv.org/pdf/1", True),
        ("https://rss.arxiv.org/rss/cs.SD", "http://arxiv.org/", True),
        ("https://arxiv.org/", "https://notarxiv.org/", False),
        ("https://arxiv.org/", "https://arxiv.org.example.org/", False),
        ("https://example.org/", "https://arxiv.org/", False),
        ("https://arxiv.org/", "https://example.org/arxiv.org", False),
    ],
)
def test_only_arxivs_hosts_send_on_to_each_other(home: str, other: str, same: bool) -> None:
    assert _same_site(home, other) is same


def test_arxiv_itself_is_the_default_everywhere() -> None:
    settings = ArxivSettings()
    addresses = [value for name, value in settings if name.endswith("_url")]

    assert len(addresses) == 6
    assert {_site(str(address)) for address in addresses} == {"arxiv.org"}
