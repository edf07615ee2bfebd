"""The page served to one person on this machine, for as long as they judge.

Only loopback, only under an address with a token that nobody can guess, only to who names this
machine as the host: a page from elsewhere can neither read it nor vote (DNS rebinding, CSRF).
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.clock import Clock
from pipeline.errors import OutputError, UsageError, one_line
from pipeline.evaluate.people.page import render_page
from pipeline.evaluate.people.sheet import Sheet
from pipeline.evaluate.people.votes import Vote, votes_so_far, write_votes

_HOST = "127.0.0.1"
_LARGEST = 4096
"""Bytes of a vote."""
_SILENT_S = 10.0
"""What a connection may wait with its request."""


class Desk:
    """One judge's sheet and votes, and whether they are at the end of it."""

    def __init__(self, folder: Path, sheet: Sheet, clock: Clock) -> None:
        self.ended = threading.Event()
        self._folder = folder
        self._sheet = sheet
        self._clock = clock
        self._items = {item.id for item in sheet.items}
        self._lock = threading.Lock()
        votes_so_far(folder, sheet.run, sheet.judge)  # a broken file is told now

    def page(self) -> str:
        """With every vote so far."""
        votes = votes_so_far(self._folder, self._sheet.run, self._sheet.judge)
        return render_page(self._sheet, votes, "served")

    def vote(self, body: bytes) -> None:
        """Keep one. Raises ValueError where it is none, OutputError."""
        said = json.loads(body)
        if not isinstance(said, dict):
            raise TypeError("no object")
        vote = Vote.model_validate({**said, "at": self._clock.now()})
        if vote.item not in self._items:
            raise ValueError("no such pair: load the page again")
        with self._lock:
            votes = votes_so_far(self._folder, self._sheet.run, self._sheet.judge)
            write_votes(self._folder, votes.having(vote))


@contextmanager
def serving(desk: Desk, port: int = 0) -> Iterator[str]:
    """The page's address, for as long as the block lasts. Raises UsageError for a port in use."""
    token = secrets.token_urlsafe(16)
    try:
        server = _Server(desk, token, port)
    except OSError as error:
        raise UsageError(
            f"cannot be listened on: {one_line(error.strerror)}",
            where=f"port {port}",
            fix="Leave --port out: a free one is taken",
        ) from error
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
        thread.start()
        try:
            yield f"http://{_HOST}:{server.server_port}/{token}/"
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    """Connections that wait to be taken; with socketserver's 5 some of a burst are reset."""

    def __init__(self, desk: Desk, token: str, port: int) -> None:
        super().__init__((_HOST, port), _Handler)
        self.desk = desk
        self.token = token

    @property
    def hosts(self) -> set[str]:
        """What a browser that was told this address calls it."""
        return {f"{name}:{self.server_port}" for name in (_HOST, "localhost")}


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _SILENT_S
    server_version = "jianjie"
    sys_version = ""

    def do_GET(self) -> None:
        if self._asked() == "":
            self._answer(HTTPStatus.OK, self.server.desk.page(), "text/html")
        else:
            self._answer(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        name, body = self._asked(), self._body()
        if name == "votes" and body is not None:
            self._vote(body)
        elif name == "end" and body is not None:
            self._answer(HTTPStatus.NO_CONTENT)
            self.server.desk.ended.set()
        else:
            self._answer(HTTPStatus.BAD_REQUEST if body is None else HTTPStatus.NOT_FOUND)

    def _vote(self, body: bytes) -> None:
        try:
            self.server.desk.vote(body)
        except OutputError as error:
            self._answer(HTTPStatus.INSUFFICIENT_STORAGE, str(error))
        except ValidationError:
            self._answer(HTTPStatus.BAD_REQUEST, "no vote")
        except (ValueError, TypeError, RecursionError) as error:
            self._answer(HTTPStatus.BAD_REQUEST, one_line(error)[:200])
        else:
            self._answer(HTTPStatus.NO_CONTENT)

    def _asked(self) -> str | None:
        """What stands after the token; None for who has no business here."""
        _, token, name = (*self.path.split("/", 2), "", "")[:3]
        known = hmac.compare_digest(token.encode(), self.server.token.encode())
        ours = self.headers.get("Host", "") in self.server.hosts
        origin = self.headers.get("Origin")
        same = origin is None or origin.removeprefix("http://") in self.server.hosts
        return name if known and ours and same else None

    def _body(self) -> bytes | None:
        """Of a small request in JSON."""
        length = self.headers.get("Content-Length", "")
        kind = self.headers.get_content_type()
        if not re.fullmatch("[0-9]{1,6}", length) or int(length) > _LARGEST:
            return None
        return self.rfile.read(int(length)) if kind == "application/json" else None

    def _answer(self, status: HTTPStatus, text: str = "", kind: str = "text/plain") -> None:
        body = (text or status.phrase).encode() if status != HTTPStatus.NO_CONTENT else b""
        self.send_response(status)
        if body:
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Frame-Options", "DENY")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr: it belongs to the program."""
