from __future__ import annotations

import datetime as dt
import hashlib
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import HttpUrl

from pipeline import __version__
from pipeline.arxiv.client import MEGABYTE, ArxivClient, _same_site
from pipeline.errors import (
    ArxivMalformed,
    ArxivRefused,
    ArxivThrottled,
    ArxivUnreachable,
    Interrupted,
    JianjieError,
    OutputError,
    PdfIncomplete,
    PdfUnavailable,
)
from pipeline.settings import ArxivSettings, RetrySettings
from tests.conftest import FastClock

FEED = b"<?xml version='1.0'?><rss version='2.0'><channel/></rss>"
PDF = b"%PDF-1.7\n" + b"speech " * 20_000 + b"\n%%EOF\n"
ATTEMPTS = 4
INTERVAL = 3.0


@dataclass(frozen=True)
class Say:
    """One answer: `declared` promises more bytes than come; `hang_up` sends none at all."""

    body: bytes = FEED
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    declared: int | None = None
    hang_up: bool = False
    silent: bool = False


@dataclass(frozen=True)
class Seen:
    """One request as it arrived; `at` is the test's clock."""

    path: str
    headers: dict[str, str]
    at: float
    port: int


class Site:
    """A web server on loopback that gives `answers` in turn, and its last one for ever."""

    def __init__(self, clock: FastClock, answers: Sequence[Say]) -> None:
        self.answers = list(answers)
        self.seen: list[Seen] = []
        self._clock = clock
        self._over = threading.Event()
        self._server = _QuietServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, handler: BaseHTTPRequestHandler) -> Say:
        self.seen.append(
            Seen(
                handler.path,
                dict(handler.headers),
                self._clock.monotonic(),
                handler.client_address[1],
            )
        )
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                say = site.take(self)
                if say.silent:
                    site._over.wait(5)
                if say.silent or say.hang_up:
                    self.close_connection = True
                    return
                self.send_response(say.status)
                for name, value in say.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(say.declared or len(say.body)))
                self.end_headers()
                self.wfile.write(say.body)
                self.close_connection = say.declared is not None

            def log_message(self, *_: object) -> None:
                pass

        return Handler


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is what some tests want."""


class World:
    """Starts sites and clients, and ends them."""

    def __init__(self, clock: FastClock) -> None:
        self.clock = clock
        self._open: list[Site | ArxivClient] = []

    def site(self, *answers: Say) -> Site:
        site = Site(self.clock, answers or [Say()])
        self._open.append(site)
        return site

    def client(self, url: str, *, total_s: float = 600.0, **arxiv: Any) -> ArxivClient:
        settings = ArxivSettings(
            feed_url=HttpUrl(f"{url}/rss/"),
            api_url=HttpUrl(f"{url}/api/query"),
            pdf_url=HttpUrl(f"{url}/pdf/"),
            **{"interval_s": INTERVAL, "timeout_s": 5.0, **arxiv},
        )
        retry = RetrySettings(attempts=ATTEMPTS, total_s=total_s)
        client = ArxivClient(settings, retry, self.clock)
        self._open.append(client)
        return client

    def close(self) -> None:
        for thing in reversed(self._open):
            thing.close()


@pytest.fixture
def world(clock: FastClock) -> Iterator[World]:
    world = World(clock)
    yield world
    world.close()


def ask(world: World, *answers: Say, **settings: Any) -> tuple[Site, bytes | JianjieError]:
    """What one feed request comes to."""
    site = world.site(*answers)
    client = world.client(site.url, **settings)
    try:
        return site, client.feed(["cs.SD"])[0]
    except JianjieError as error:
        return site, error


def fetch(world: World, target: Path, *answers: Say, **settings: Any) -> tuple[Site, Any]:
    """What one PDF request comes to."""
    site = world.site(*answers)
    client = world.client(site.url, **settings)
    try:
        return site, client.pdf("2604.99001v1", target)
    except JianjieError as error:
        return site, error


# Requests


def test_a_request_says_who_asks_and_what_is_accepted(world: World) -> None:
    site = world.site()

    world.client(site.url, contact="mailto:me@example.org").feed(["cs.SD"])

    headers = site.seen[0].headers
    assert headers["User-Agent"] == (
        f"jianjie/{__version__} (nightly digest; mailto:me@example.org)"
    )
    assert headers["Accept"] == "*/*"


def test_without_a_contact_the_user_agent_is_still_ours(world: World) -> None:
    site, _ = ask(world)

    assert site.seen[0].headers["User-Agent"] == f"jianjie/{__version__} (nightly digest)"


def test_the_feed_is_asked_once_for_all_categories(world: World) -> None:
    site = world.site()

    body, where = world.client(site.url).feed(["cs.SD", "eess.AS"])

    assert body == FEED
    assert where == f"{site.url}/rss/cs.SD+eess.AS"
    assert [seen.path for seen in site.seen] == ["/rss/cs.SD+eess.AS"]


def test_the_feed_host_is_named(world: World) -> None:
    assert world.client("http://127.0.0.1:9").feed_host == "127.0.0.1"


def test_metadata_sends_max_results_with_the_ids(world: World) -> None:
    site = world.site()
    ids = [f"2604.{number:05d}v1" for number in range(99001, 99013)]

    _, where = world.client(site.url).metadata(ids)

    query = parse_qs(urlsplit(site.seen[0].path).query)
    assert query == {"id_list": [",".join(ids)], "max_results": ["12"]}
    assert where.startswith(f"{site.url}/api/query?")


def test_requests_share_one_connection(world: World) -> None:
    site = world.site()
    client = world.client(site.url)

    for _ in range(3):
        client.feed(["cs.SD"])

    assert len({seen.port for seen in site.seen}) == 1


def test_a_proxy_of_the_environment_stays_out_of_this_machine(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    _, body = ask(world)

    assert body == FEED


# Pace


def test_requests_of_every_kind_start_an_interval_apart(world: World, tmp_path: Path) -> None:
    site = world.site(Say(), Say(), Say(PDF))
    client = world.client(site.url)

    client.feed(["cs.SD"])
    client.metadata(["2604.99001v1"])
    client.pdf("2604.99001v1", tmp_path / "a.pdf")

    assert [seen.at for seen in site.seen] == [1000.0, 1003.0, 1006.0]
    assert world.clock.waits == [3.0, 3.0]


def test_a_redirect_is_a_request_and_waits_too(world: World) -> None:
    moved = Say(b"", 301, {"Location": "/moved"})
    site, body = ask(world, moved, moved, Say())

    assert body == FEED
    assert [seen.at for seen in site.seen] == [1000.0, 1003.0, 1006.0]


def test_a_stopped_run_sends_nothing(world: World) -> None:
    world.clock.stop()

    site, outcome = ask(world)

    assert isinstance(outcome, Interrupted)
    assert site.seen == []


# Throttling


@pytest.mark.parametrize("status", [429, 406, 503])
def test_retry_after_is_obeyed(world: World, status: int) -> None:
    site, body = ask(world, Say(b"Rate exceeded.", status, {"Retry-After": "37"}), Say())

    assert body == FEED
    assert world.clock.waits == [37.0]
    assert [seen.at for seen in site.seen] == [1000.0, 1037.0]


def test_retry_after_as_a_date_is_obeyed(world: World) -> None:
    # The server's own Date header is now, so the wait is a minute less what building it takes.
    when = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60)
    header = {"Retry-After": when.strftime("%a, %d %b %Y %H:%M:%S GMT")}

    site, body = ask(world, Say(b"", 429, header), Say())

    assert body == FEED
    assert world.clock.waits == [pytest.approx(60.0, abs=5)]
    assert len(site.seen) == 2


@pytest.mark.parametrize("status", [429, 406])
def test_throttling_without_retry_after_is_tried_again_then_given_up(
    world: World, status: int
) -> None:
    site, outcome = ask(world, Say(b"Rate exceeded.", status))

    assert isinstance(outcome, ArxivThrottled)
    assert outcome.retry_after is None
    assert str(status) in str(outcome)
    assert len(site.seen) == ATTEMPTS


def test_a_retry_after_beyond_the_bound_is_not_waited_for(world: World) -> None:
    site, outcome = ask(world, Say(b"", 503, {"Retry-After": "601"}))

    assert isinstance(outcome, ArxivThrottled)
    assert outcome.retry_after == 601.0
    assert len(site.seen) == 1
    assert world.clock.waits == []


# Failures


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_a_server_error_is_tried_again_then_unreachable(world: World, status: int) -> None:
    site, outcome = ask(world, Say(b"broken", status))

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
def test_what_passes_is_got_over(world: World, failure: Say) -> None:
    site, body = ask(world, failure, failure, Say())

    assert body == FEED
    assert len(site.seen) == 3


def test_a_refused_connection_is_tried_again_then_unreachable(world: World) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(ArxivUnreachable, match="no connection"):
        world.client(url).feed(["cs.SD"])

    assert world.clock.monotonic() >= 1000.0 + (ATTEMPTS - 1) * INTERVAL


def test_a_silent_server_times_out(world: World) -> None:
    site, outcome = ask(world, Say(silent=True), timeout_s=0.1)

    assert isinstance(outcome, ArxivUnreachable)
    assert "no answer in time" in str(outcome)
    assert len(site.seen) == ATTEMPTS


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_is_final(world: World, status: int) -> None:
    site, outcome = ask(world, Say(b"<html>no</html>", status))

    assert isinstance(outcome, ArxivRefused)
    assert f"HTTP {status}" in str(outcome)
    assert len(site.seen) == 1


def test_a_feed_that_explains_a_400_is_handed_on(world: World) -> None:
    site, body = ask(world, Say(FEED, 400))

    assert body == FEED
    assert len(site.seen) == 1


@pytest.mark.parametrize(("size", "fits"), [(MEGABYTE, True), (MEGABYTE + 1, False)])
def test_an_answer_above_the_cap_is_malformed(world: World, size: int, fits: bool) -> None:
    site, outcome = ask(world, Say(b"x" * size), max_answer_mb=1)

    if fits:
        assert outcome == b"x" * size
    else:
        assert isinstance(outcome, ArxivMalformed)
        assert "larger than 1 MB" in str(outcome)
    assert len(site.seen) == 1


# Redirects


def test_a_redirect_within_the_host_is_followed(world: World) -> None:
    site, body = ask(world, Say(b"", 301, {"Location": "/elsewhere?x=1"}), Say())

    assert body == FEED
    assert [seen.path for seen in site.seen] == ["/rss/cs.SD", "/elsewhere?x=1"]


def test_a_redirect_to_another_host_is_refused_and_not_contacted(world: World) -> None:
    other = world.site()
    away = other.url.replace("127.0.0.1", "localhost")

    site, outcome = ask(world, Say(b"", 302, {"Location": f"{away}/feed"}))

    assert isinstance(outcome, ArxivRefused)
    assert f"{away}/feed" in str(outcome)
    assert len(site.seen) == 1
    assert other.seen == []


def test_a_redirect_to_another_host_after_one_within_is_refused(world: World) -> None:
    other = world.site()
    away = other.url.replace("127.0.0.1", "localhost")
    within = Say(b"", 302, {"Location": "/here"})

    site, outcome = ask(world, within, Say(b"", 302, {"Location": away}))

    assert isinstance(outcome, ArxivRefused)
    assert len(site.seen) == 2
    assert other.seen == []


def test_a_redirect_in_a_circle_ends(world: World) -> None:
    site, outcome = ask(world, Say(b"", 302, {"Location": "/again"}))

    assert isinstance(outcome, ArxivRefused)
    assert len(site.seen) == 5


@pytest.mark.parametrize(
    ("home", "other", "same"),
    [
        ("https://arxiv.org/pdf/1", "https://export.arxiv.org/pdf/1", True),
        ("https://export.arxiv.org/pdf/1", "https://arxiv.org/pdf/1v2", True),
        ("https://rss.arxiv.org/rss/cs.SD", "http://arxiv.org/", True),
        ("https://arxiv.org/", "https://notarxiv.org/", False),
        ("https://arxiv.org/", "https://arxiv.org.example.org/", False),
        ("https://example.org/", "https://arxiv.org/", False),
        ("https://arxiv.org/", "https://example.org/arxiv.org", False),
    ],
)
def test_only_arxivs_hosts_send_on_to_each_other(home: str, other: str, same: bool) -> None:
    assert _same_site(home, other) is same


# PDFs


def test_a_whole_pdf_is_stored_with_its_hash_and_size(world: World, tmp_path: Path) -> None:
    target = tmp_path / "new" / "2604.99001v1.pdf"

    site, pdf = fetch(world, target, Say(PDF, headers={"Content-Type": "application/pdf"}))

    assert pdf.path == target
    assert pdf.sha256 == hashlib.sha256(PDF).hexdigest()
    assert pdf.size == len(PDF)
    assert target.read_bytes() == PDF
    assert list(target.parent.iterdir()) == [target]
    assert [seen.path for seen in site.seen] == ["/pdf/2604.99001v1"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Say(b"<html>File unavailable</html>", 404), id="404"),
        pytest.param(Say(b"<html>withdrawn</html>", 410), id="410"),
        pytest.param(
            Say(b"<title>arXiv reCAPTCHA</title>", headers={"Content-Type": "text/html"}),
            id="HTML in its place",
        ),
        pytest.param(
            Say(b"<p>not ready %PDF %%EOF", headers={"Content-Type": "Text/HTML; charset=utf-8"}),
            id="HTML with a charset",
        ),
        pytest.param(Say(b"not ready", headers={"Content-Type": "text/plain"}), id="plain text"),
        pytest.param(
            Say(b"PK\x03\x04 %%EOF", headers={"Content-Type": "application/pdf"}), id="no %PDF"
        ),
        pytest.param(Say(b"x" * 2000 + PDF), id="%PDF too late"),
    ],
)
def test_what_is_no_pdf_is_unavailable_at_once(world: World, tmp_path: Path, answer: Say) -> None:
    site, outcome = fetch(world, tmp_path / "a.pdf", answer)

    assert isinstance(outcome, PdfUnavailable)
    assert outcome.where == f"{site.url}/pdf/2604.99001v1"
    assert len(site.seen) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(Say(b""), PdfIncomplete, id="empty"),
        pytest.param(Say(PDF[: len(PDF) // 2]), PdfIncomplete, id="cut off"),
        pytest.param(Say(PDF + b"x" * 2000), PdfIncomplete, id="cut off in an update"),
        pytest.param(Say(PDF[:9000], declared=len(PDF)), ArxivUnreachable, id="disconnect"),
        pytest.param(Say(b"oops", 500), ArxivUnreachable, id="server error"),
    ],
)
def test_what_may_pass_is_fetched_again_then_given_up(
    world: World, tmp_path: Path, answer: Say, error: type[JianjieError]
) -> None:
    site, outcome = fetch(world, tmp_path / "a.pdf", answer)

    assert type(outcome) is error
    assert len(site.seen) == ATTEMPTS
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(Say(b""), id="empty"),
        pytest.param(Say(PDF[: len(PDF) // 2]), id="cut off"),
        pytest.param(Say(PDF[:9000], declared=len(PDF)), id="disconnect"),
        pytest.param(Say(b"", 429, {"Retry-After": "5"}), id="throttled"),
    ],
)
def test_a_good_file_after_a_bad_one_is_stored(world: World, tmp_path: Path, failure: Say) -> None:
    site, pdf = fetch(world, tmp_path / "a.pdf", failure, Say(PDF))

    assert pdf.size == len(PDF)
    assert (tmp_path / "a.pdf").read_bytes() == PDF
    assert list(tmp_path.iterdir()) == [tmp_path / "a.pdf"]
    assert len(site.seen) == 2


def test_a_pdf_above_the_cap_is_unavailable(world: World, tmp_path: Path) -> None:
    big = b"%PDF-1.7\n" + b"x" * MEGABYTE + b"%%EOF"

    site, outcome = fetch(world, tmp_path / "a.pdf", Say(big), max_pdf_mb=1)

    assert isinstance(outcome, PdfUnavailable)
    assert "larger than 1 MB" in str(outcome)
    assert "max_pdf_mb" in outcome.fix
    assert len(site.seen) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_forbidden_pdf_is_refused_at_once(world: World, tmp_path: Path) -> None:
    site, outcome = fetch(world, tmp_path / "a.pdf", Say(b"denied", 403))

    assert isinstance(outcome, ArxivRefused)
    assert len(site.seen) == 1


@pytest.mark.parametrize("before", [0, 500])
def test_a_little_rubbish_around_a_pdf_is_allowed(
    world: World, tmp_path: Path, before: int
) -> None:
    content = b"\n" * before + PDF + b"\n" * before

    _, pdf = fetch(world, tmp_path / "a.pdf", Say(content))

    assert pdf.sha256 == hashlib.sha256(content).hexdigest()


def test_an_unwritable_place_is_an_output_error(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    target = tmp_path / "file" / "a.pdf"

    site, outcome = fetch(world, target, Say(PDF))

    assert isinstance(outcome, OutputError)
    assert str(target) in str(outcome)
    assert len(site.seen) == 1
