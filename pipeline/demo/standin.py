"""A stand-in arXiv on loopback: a real HTTP server that announces one listing and serves its PDFs.

    with StandInArxiv(example_listing(digest_file), demo_pdfs()) as arxiv:
        ...  # {arxiv.url}/rss/cs.SD+eess.AS, {arxiv.url}/api/query, {arxiv.url}/pdf/2601.02954v1

It answers as arXiv does, its faults included (`Faults`), but for the 3 s that arXiv wants between
requests, which nothing here enforces.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from pipeline.demo.answers import HTML, Answer, api_answer, feed_answer, pdf_answer
from pipeline.demo.faults import Faults
from pipeline.records import Listing, Record

PLAIN = "text/plain; charset=utf-8"
_CHUNK = 4096


def demo_pdfs() -> Path:
    """The packaged folder of the example day's PDFs, one `2601.02954v1.pdf` a paper."""
    return Path(__file__).with_name("pdfs")


class Asked(Record):
    """A request as it came in."""

    method: str
    path: str
    """With its query, as sent."""
    user_agent: str
    at: float
    """Seconds on `time.monotonic`'s clock."""


class StandInArxiv:
    """A context manager; the server lives inside it, on a free port of 127.0.0.1.

    `on_request` is called with each path and query before the answer, in the server's threads.
    """

    def __init__(
        self,
        listing: Listing,
        pdfs: Path,
        faults: Faults | None = None,
        on_request: Callable[[str], None] | None = None,
    ) -> None:
        self._listing = listing
        self._pdfs = pdfs
        self._on_request = on_request
        self._lock = threading.Lock()
        self._asked: list[Asked] = []
        self.faults = faults or Faults()
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="stand-in arXiv", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The address without a slash at the end: http://127.0.0.1:PORT."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def requests(self) -> list[Asked]:
        """Everything asked so far, in order of arrival."""
        with self._lock:
            return list(self._asked)

    @property
    def faults(self) -> Faults:
        """What goes wrong; may be replaced at any time, and its counts then start anew."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        with self._lock:
            self._faults = faults
            self._seen: Counter[str] = Counter()

    def answer(self, asked: Asked, if_none_match: str) -> Answer:
        """Record the request and answer it."""
        with self._lock:
            self._asked.append(asked)
        if self._on_request:
            self._on_request(asked.path)
        return self._failure(asked) or self._success(asked, if_none_match)

    def _failure(self, asked: Asked) -> Answer | None:
        """The 429 or 503 that the faults owe this request, if any."""
        kind = _endpoint(asked.path)
        with self._lock:
            faults, seen = self._faults, self._seen
            seen["any"] += 1
            wait = faults.retry_after
            headers = {} if wait is None else {"Retry-After": f"{wait:g}"}
            if seen["any"] <= faults.throttle:
                return Answer(429, PLAIN, b"Rate exceeded.", headers)
            seen[kind] += 1
            failures = {"rss": faults.feed_failures, "api": faults.api_failures}.get(kind, 0)
            down = {"rss": faults.feed, "api": faults.api}.get(kind) == "server_error"
            if down or seen[kind] <= failures:
                return Answer(503, PLAIN, b"Service unavailable.", headers)
        return None

    def _success(self, asked: Asked, if_none_match: str) -> Answer:
        listing, faults = self._listing, self.faults
        path, query = urlsplit(asked.path).path, urlsplit(asked.path).query
        match _endpoint(asked.path):
            case "rss":
                return feed_answer(listing, path.removeprefix("/rss/"), if_none_match, faults.feed)
            case "api":
                return api_answer(listing, query, faults.api_missing, faults.api)
            case "pdf" if query:
                return Answer(301, HTML, headers={"Location": path})
            case "pdf":
                return pdf_answer(listing, self._pdfs, path.removeprefix("/pdf/"), faults.pdf)
        return Answer(404, PLAIN, b"Not found.")


def _endpoint(path: str) -> str:
    """`rss`, `api`, `pdf`, or nothing."""
    bare = urlsplit(path).path
    if bare == "/api/query":
        return "api"
    return next((kind for kind in ("rss", "pdf") if bare.startswith(f"/{kind}/")), "")


class _Server(ThreadingHTTPServer):
    """Knows its open connections, so that leaving the context ends kept-alive ones too."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, arxiv: StandInArxiv) -> None:
        self.arxiv = arxiv
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        # HTTPServer's own asks the resolver for its name, which can take seconds without a network.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        with self._open_lock:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End every connection; their threads then end by themselves."""
        with self._open_lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # the client was quicker
                    continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news; anything else is shown as usual."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "stand-in-arxiv"
    # One packet an answer: otherwise Nagle's algorithm and delayed ACKs cost 40 ms each.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        answer = self._answer()
        self._head(answer, chunked=answer.chunked)
        if not answer.chunked:
            self.wfile.write(answer.body)
            return
        body = answer.body[: len(answer.body) // 2] if answer.cut else answer.body
        for start in range(0, len(body), _CHUNK):
            part = body[start : start + _CHUNK]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
        if answer.cut:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def do_HEAD(self) -> None:
        self._head(self._answer(), chunked=False)

    def _answer(self) -> Answer:
        asked = Asked(
            method=self.command,
            path=self.path,
            user_agent=self.headers.get("User-Agent", ""),
            at=time.monotonic(),
        )
        return self.server.arxiv.answer(asked, self.headers.get("If-None-Match", ""))

    def _head(self, answer: Answer, *, chunked: bool) -> None:
        self.send_response(answer.status)
        if answer.kind:
            self.send_header("Content-Type", answer.kind)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif answer.status != 304:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on stderr: it belongs to the program that is being tried."""
