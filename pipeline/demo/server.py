"""The stand-in's HTTP server on a free port of 127.0.0.1: sockets, and nothing about arXiv."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from pipeline.demo.answers.answer import Answer
from pipeline.demo.request import Request

_CHUNK = 4096


class Server(ThreadingHTTPServer):
    """Knows its open connections, so that leaving the context ends kept-alive ones too."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        self.answer = answer
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        """Bind, and ask nobody for a name."""
        # HTTPServer's own asks the resolver for its name, which can take seconds without a network.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def get_request(self) -> tuple[socket.socket, Any]:
        """A new connection, remembered."""
        connection, address = super().get_request()
        with self._open_lock:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """The end of a connection."""
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
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "stand-in-arxiv"
    # One packet an answer: otherwise Nagle's algorithm and delayed ACKs cost 40 ms each.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        answer = self._answer()
        if answer.hang_up:
            self.close_connection = True
            return
        self._head(answer, chunked=answer.chunked)
        body = answer.body[: len(answer.body) // 2] if answer.cut else answer.body
        if answer.chunked:
            self._in_chunks(body, whole=not answer.cut)
        else:
            self.wfile.write(body)
        if answer.cut:
            self.close_connection = True

    def do_HEAD(self) -> None:
        answer = self._answer()
        if answer.hang_up:
            self.close_connection = True
        else:
            self._head(answer, chunked=False)

    def _answer(self) -> Answer:
        request = Request(
            method=self.command,
            path=self.path,
            user_agent=self.headers.get("User-Agent", ""),
            accept=self.headers.get("Accept", ""),
            if_none_match=self.headers.get("If-None-Match", ""),
            range=self.headers.get("Range", ""),
            if_range=self.headers.get("If-Range", ""),
        )
        return self.server.answer(request)

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

    def _in_chunks(self, body: bytes, *, whole: bool) -> None:
        for start in range(0, len(body), _CHUNK):
            part = body[start : start + _CHUNK]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
        if whole:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Nothing on stderr: it belongs to the program that is being tried."""
