"""A small HTTP/1.1 server on a free port of 127.0.0.1: sockets, and nothing about models.

A thread a connection and a hand-written parser: answering 64 requests at once takes a few
milliseconds, so that a benchmark measures its client.
"""

from __future__ import annotations

import itertools
import math
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any, NamedTuple

_LONGEST_LINE = 65536
_PIECE = 16
"""Bytes of a body that drips."""
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class Asked(NamedTuple):
    """One request as it came; `path` has the query, the headers' names are lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    """By time.monotonic()."""


class Response(NamedTuple):
    """What goes back, and how."""

    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes = b""
    delay_s: float = 0.0
    hang_up: bool = False
    """End the connection with no answer."""
    cut: bool = False
    """End it after half of the body."""
    drip_s: float = 0.0
    """Seconds between small pieces of the body."""
    sent: Callable[[], None] | None = None
    """Called when the answer is on the wire."""


class Server(ThreadingTCPServer):
    """A context manager that serves inside its block; leaving it ends every connection."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, respond: Callable[[Asked], Response]) -> None:
        self.respond = respond
        self.over = threading.Event()
        self.connections = 0
        """Opened so far."""
        self.most_at_once = 0
        """Requests that were waiting for the end of their answers at the same time."""
        self.answering_s = 0.0
        """The time that each of them was, summed up."""
        self.last_at = math.nan
        """When the last answer was on the wire, by time.monotonic()."""
        self._in_flight = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        # TCPServer binds by number: unlike HTTPServer it asks no resolver for its own name.
        super().__init__(("127.0.0.1", 0), _Connection)

    @property
    def url(self) -> str:
        """The address without a slash at the end."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Server:
        serve = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        serve.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.shutdown()
        self._hang_up()
        self.server_close()

    def get_request(self) -> tuple[socket.socket, Any]:
        """A new connection, counted and remembered."""
        connection, address = super().get_request()
        with self._lock:
            self.connections += 1
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """The end of a connection."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news; anything else is shown as usual."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def begun(self) -> None:
        """A request is in flight."""
        with self._lock:
            self.answering_s -= time.monotonic()
            self._in_flight += 1
            self.most_at_once = max(self.most_at_once, self._in_flight)

    def ended(self) -> None:
        """It is no longer."""
        with self._lock:
            self.last_at = time.monotonic()
            self.answering_s += self.last_at
            self._in_flight -= 1

    def _hang_up(self) -> None:
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # the client was quicker
                    continue


class _Connection(StreamRequestHandler):
    server: Server
    disable_nagle_algorithm = True

    def handle(self) -> None:
        while (asked := self._read()) is not None:
            if not self._answer(asked):
                return

    def _read(self) -> Asked | None:
        """The next request; None at the end of the connection, also in mid-request."""
        first = self.rfile.readline(_LONGEST_LINE).decode("latin-1").split()
        if len(first) != 3:
            return None
        headers: dict[str, str] = {}
        while line := self.rfile.readline(_LONGEST_LINE).strip().decode("latin-1"):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            return None
        return Asked(first[0], first[1], headers, body, time.monotonic())

    def _answer(self, asked: Asked) -> bool:
        """Whether the connection stays."""
        self.server.begun()
        in_flight = True
        try:
            said = self.server.respond(asked)
            left = said.delay_s > 0 and self.server.over.wait(said.delay_s)
            if left or said.hang_up:
                return False
            *pieces, last = _pieces(said)
            for piece in pieces:
                self.wfile.write(piece)
                if self.server.over.wait(said.drip_s):
                    return False
            # Before the last byte: the client's next request may be here before this thread is.
            self.server.ended()
            in_flight = False
            self.wfile.write(last)
        finally:
            if in_flight:
                self.server.ended()
        if said.sent:
            said.sent()
        return not said.cut and asked.headers.get("connection", "").lower() != "close"


def _pieces(said: Response) -> Iterator[bytes]:
    """The whole answer in one piece, so that it is one packet; or drop by drop."""
    headers = {"Content-Length": str(len(said.body))} | dict(said.headers)
    lines = [f"HTTP/1.1 {said.status} {_REASONS.get(said.status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    body = said.body[: len(said.body) // 2] if said.cut else said.body
    if said.drip_s <= 0 or not body:
        yield head + body
        return
    starts = range(0, len(body), _PIECE)
    drops = (body[start : start + _PIECE] for start in starts)
    yield head + next(drops)
    yield from itertools.chain(drops)
