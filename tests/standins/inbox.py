"""A webhook on loopback that keeps what is posted to it, for apprise's json:// addresses."""

from __future__ import annotations

import json
from typing import Any

from tests.standins.model_server import Asked, Response, Server

TOKEN = "s3cr3t-t0ken-of-the-webhook"


class Inbox:
    """Listens while its `with` block runs; `answer` is what the next posts get."""

    def __init__(self, answer: Response | None = None) -> None:
        self.answer = answer or Response()
        self.asked: list[Asked] = []
        self._server = Server(self._respond)

    @property
    def address(self) -> str:
        """For an environment variable; it has a secret in it."""
        return f"{self._server.url.replace('http', 'json', 1)}/hook/{TOKEN}/"

    @property
    def url(self) -> str:
        """The server's own."""
        return self._server.url

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Everything that was posted, taken or not."""
        return [json.loads(asked.body) for asked in self.asked]

    def __enter__(self) -> Inbox:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def _respond(self, asked: Asked) -> Response:
        self.asked.append(asked)
        return self.answer
