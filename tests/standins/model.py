"""An OpenAI-compatible endpoint on loopback: real HTTP, answers by a plain function.

    with StandInModel(storm(3)) as model:
        ...  # {model.url}/chat/completions, /completions, /models, /files, /batches

Ready-made faults are in model_faults.py; a whole process of its own is model_process.py.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tests.standins.model_answer import (
    NAME,
    Answer,
    Answering,
    Kind,
    Request,
    error,
    good_answer,
    good_line,
    prompt_of,
    reply,
    response_of,
    title_of,
)
from tests.standins.model_batch import BatchPlan
from tests.standins.model_batch_api import Around, Batches, straight
from tests.standins.model_server import Asked, Response, Server

__all__ = [
    "NAME",
    "Answer",
    "Answering",
    "Asked",
    "BatchPlan",
    "Request",
    "StandInModel",
    "error",
    "good_answer",
    "good_line",
    "prompt_of",
    "reply",
    "title_of",
]

_NOT_JSON = "We could not parse the JSON body of your request."


class StandInModel:
    """Listens while its `with` block runs.

    `answer` makes the answer to each live request and to each line of a batch, one at a time; it
    and `plan` may be replaced at any time. `after_answer` is called in the server's threads with
    the number of each live answer that is on the wire. `around` stands in the way of what is asked
    about files and batches.
    """

    def __init__(
        self,
        answer: Answering = good_answer,
        after_answer: Callable[[int], None] | None = None,
        *,
        plan: BatchPlan | None = None,
        around: Around = straight,
    ) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        """The body of every live request in order of arrival; a batch's are in `batches.asked`."""
        self.headers: list[dict[str, str]] = []
        """Their headers, names in lower case."""
        self.log: list[Asked] = []
        """Everything that was asked, with method, path and time."""
        self._lock = threading.RLock()
        self.batches = Batches(self._answered, plan or BatchPlan(), around, self._lock)
        self._after = after_answer
        self._server = Server(self._respond)

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"{self._server.url}/v1"

    @property
    def connections(self) -> int:
        """TCP connections that were opened."""
        return self._server.connections

    @property
    def most_at_once(self) -> int:
        """Requests that were in flight at the same time."""
        return self._server.most_at_once

    @property
    def answering_s(self) -> float:
        """The time that each request was in flight, summed up."""
        return self._server.answering_s

    @property
    def last_at(self) -> float:
        """When the last answer was on the wire, by time.monotonic()."""
        return self._server.last_at

    @property
    def plan(self) -> BatchPlan:
        """What becomes of the batches that are created from now on."""
        return self.batches.plan

    @plan.setter
    def plan(self, plan: BatchPlan) -> None:
        self.batches.plan = plan

    def __enter__(self) -> StandInModel:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def take(self, request: Request, headers: dict[str, str]) -> tuple[int, Answer]:
        """Log the request; its number from 1, and the answer to it."""
        with self._lock:
            self.requests.append(request)
            self.headers.append(headers)
            return len(self.requests), self.answer(request)

    def answered(self, number: int) -> None:
        """Tell the test that an answer is on the wire."""
        if self._after:
            self._after(number)

    def _answered(self, request: Request) -> Answer:
        with self._lock:
            return self.answer(request)

    def _respond(self, asked: Asked) -> Response:
        with self._lock:
            self.log.append(asked)
        path = urlsplit(asked.path).path
        if asked.method == "POST" and path.endswith("/completions"):
            return self._completed(asked, "chat" if path.endswith("/chat/completions") else "text")
        if asked.method == "GET" and path.endswith("/models"):
            return response_of({}, Answer(body=_models()))
        return response_of({}, self.batches.respond(asked))

    def _completed(self, asked: Asked, kind: Kind) -> Response:
        try:
            request = json.loads(asked.body)
        except ValueError:
            return response_of({}, error(400, _NOT_JSON))
        number, answer = self.take(request, asked.headers)
        said = response_of(request, answer, kind)
        return said._replace(sent=lambda: self.answered(number))


def _models() -> dict[str, Any]:
    model = {"id": NAME, "object": "model", "created": 1, "owned_by": "standin"}
    return {"object": "list", "data": [model]}
