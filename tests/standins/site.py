"""A scripted web server on loopback, and clients of ours to ask it, on the test's clock."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pydantic import HttpUrl

from pipeline.arxiv.client import ArxivClient
from pipeline.errors import JianjieError
from pipeline.settings import ArxivSettings, RetrySettings
from tests.conftest import FastClock

FEED = b"<?xml version='1.0'?><rss version='2.0'><channel/></rss>"
ATTEMPTS = 4
INTERVAL = 3.0


@dataclass(frozen=True)
class Say:
    """One answer: `declared` promises more bytes than come; `hang_up` sends none at all.

    `chunked` says no length, as arXiv does with PDFs; with `declared` its end never comes.

    `drip` are the seconds on the test's clock that pass before each thousand bytes.
    """

    body: bytes = FEED
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    declared: int | None = None
    hang_up: bool = False
    silent: bool = False
    drip: float = 0.0
    chunked: bool = False


Answer = Say | Callable[[Mapping[str, str]], Say]
"""Said whatever is asked, or decided by the request's headers."""


@dataclass(frozen=True)
class Seen:
    """One request as it arrived; `at` is the test's clock."""

    path: str
    headers: dict[str, str]
    at: float
    port: int


class Site:
    """A web server on loopback that gives `answers` in turn, and its last one for ever."""

    def __init__(self, clock: FastClock, answers: Sequence[Answer]) -> None:
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

    @property
    def paths(self) -> list[str]:
        return [seen.path for seen in self.seen]

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, handler: BaseHTTPRequestHandler) -> Say:
        headers = dict(handler.headers)
        at, port = self._clock.monotonic(), handler.client_address[1]
        self.seen.append(Seen(handler.path, headers, at, port))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer if isinstance(answer, Say) else answer(headers)

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
                if say.chunked:
                    self.send_header("Transfer-Encoding", "chunked")
                elif say.status != 304:
                    self.send_header("Content-Length", str(say.declared or len(say.body)))
                self.end_headers()
                self._send(say)
                self.close_connection = say.declared is not None

            def _send(self, say: Say) -> None:
                if say.chunked:
                    end = b"" if say.declared else b"0\r\n\r\n"
                    self.wfile.write(b"%x\r\n%b\r\n%b" % (len(say.body), say.body, end))
                    return
                step = 1000 if say.drip else max(1, len(say.body))
                for start in range(0, len(say.body), step):
                    if say.drip:
                        site._over.wait(0.05)  # until the client has read what came before
                        site._clock._time[0] += say.drip
                    self.wfile.write(say.body[start : start + step])
                    self.wfile.flush()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is what some tests want."""


class DatedClock(FastClock):
    """Has a date too, which moves with the rest."""

    def now(self) -> dt.datetime:
        return dt.datetime(2026, 1, 6, 5, 30, tzinfo=dt.UTC) + dt.timedelta(
            seconds=self.monotonic() - 1000.0
        )


class Net:
    """Starts sites and clients, and ends them; the clients share one cache folder."""

    def __init__(self, clock: FastClock, cache: Path) -> None:
        self.clock = clock
        self.cache = cache
        self._open: list[Site | ArxivClient] = []

    def site(self, *answers: Answer) -> Site:
        site = Site(self.clock, answers or [Say()])
        self._open.append(site)
        return site

    def client(self, url: str, *, total_s: float = 600.0, **arxiv: Any) -> ArxivClient:
        settings = ArxivSettings(
            feed_url=HttpUrl(f"{url}/rss/"),
            api_url=HttpUrl(f"{url}/api/query"),
            list_url=HttpUrl(f"{url}/list/"),
            catchup_url=HttpUrl(f"{url}/catchup/"),
            oai_url=HttpUrl(f"{url}/oai"),
            pdf_url=HttpUrl(f"{url}/pdf/"),
            **{
                "interval_s": INTERVAL,
                "pdf_interval_s": INTERVAL,
                "timeout_s": 5.0,
                **arxiv,
            },
        )
        retry = RetrySettings(attempts=ATTEMPTS, total_s=total_s)
        client = ArxivClient(settings, retry, self.clock, self.cache)
        self._open.append(client)
        return client

    def ask(self, *answers: Answer, **settings: Any) -> tuple[Site, bytes | JianjieError]:
        """What one feed request comes to."""
        site = self.site(*answers)
        client = self.client(site.url, **settings)
        try:
            return site, client.feed(["cs.SD"])[0]
        except JianjieError as error:
            return site, error

    def fetch(self, target: Path, *answers: Answer, **settings: Any) -> tuple[Site, Any]:
        """What one PDF request comes to."""
        site = self.site(*answers)
        not_these = settings.pop("not_these", frozenset())
        client = self.client(site.url, **settings)
        try:
            return site, client.pdf("2604.99001v1", target, not_these)
        except JianjieError as error:
            return site, error

    def close(self) -> None:
        for thing in reversed(self._open):
            thing.close()
