"""The stand-in's Batch API: files and batches as OpenAI has them, on a script.

    StandInModel(plan=BatchPlan(polls=3, failing=[0], expiring=lambda id_: id_.endswith("7")))

A batch's answers are made when it is created, by the function that answers live calls. A poll is a
GET of the batch; nothing else brings it on. (OpenAI's API reference, Files and Batch.)
"""

from __future__ import annotations

import itertools
import json
import random
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.standins.model_answer import Answer, Answering, Kind, Request, body_of, error
from tests.standins.model_batch import (
    EXPIRED,
    OVER,
    STAMPED,
    Batch,
    BatchPlan,
    File,
    is_one,
)
from tests.standins.model_server import Asked
from tests.standins.model_upload import Line, checked, parts_of, problem

_ENDPOINTS: dict[str, Kind] = {"/v1/chat/completions": "chat", "/v1/completions": "text"}
_TOO_LATE = "This request could not be executed before the completion window expired."
_CANCELLED = "This request was not executed because the batch was cancelled."
Around = Callable[[Asked, Callable[[], Answer]], Answer]
"""In the way of a request about files or batches: the second argument does what was asked."""


def straight(_: Asked, proceed: Callable[[], Answer]) -> Answer:
    """Nothing in the way."""
    return proceed()


class Batches:
    """The files and batches of one server. `plan` and `around` may be replaced at any time."""

    def __init__(
        self, answer: Answering, plan: BatchPlan, around: Around, lock: threading.RLock
    ) -> None:
        self.plan = plan
        self.around = around
        self.asked: list[Request] = []
        """Every line's request, in the order of the files."""
        self.all: list[Batch] = []
        """Oldest first."""
        self.files: dict[str, File] = {}
        self._answer = answer
        self._number = itertools.count(1)
        self._lock = lock

    def finish(self) -> None:
        """Every batch that is out is over at its next poll."""
        with self._lock:
            for batch in self.all:
                batch.polled = max(batch.polled, batch.plan.polls)

    def respond(self, asked: Asked) -> Answer:
        """The answer to a request for anything but a completion."""
        if not self.plan.offered:
            return _not_found(asked)
        return self.around(asked, lambda: self._routed(asked))

    def _routed(self, asked: Asked) -> Answer:
        parts = urlsplit(asked.path).path.removeprefix("/v1/").strip("/").split("/")
        query = dict(parse_qsl(urlsplit(asked.path).query))
        with self._lock:
            match asked.method, parts:
                case "POST", ["files"]:
                    answer = self._upload(asked)
                case "GET", ["files", id_]:
                    answer = self._with_file(id_, lambda file: Answer(body=file.shown))
                case "GET", ["files", id_, "content"]:
                    answer = self._with_file(id_, _content)
                case "DELETE", ["files", id_]:
                    answer = self._with_file(id_, self._delete)
                case "POST", ["batches"]:
                    answer = self._create(json.loads(asked.body))
                case "GET", ["batches"]:
                    answer = self._list(query)
                case "GET", ["batches", id_]:
                    answer = self._with_batch(id_, self._poll)
                case "POST", ["batches", id_, "cancel"]:
                    answer = self._with_batch(id_, self._cancel)
                case _:
                    answer = _not_found(asked)
        return answer

    def _with_file(self, id_: str, do: Callable[[File], Answer]) -> Answer:
        file = self.files.get(id_)
        return do(file) if file else error(404, f"No such File object: {id_}", param="id")

    def _with_batch(self, id_: str, do: Callable[[Batch], Answer]) -> Answer:
        found = next((batch for batch in self.all if batch.id == id_), None)
        return do(found) if found else error(404, f"No batch found with id '{id_}'.")

    # Files

    def _upload(self, asked: Asked) -> Answer:
        parts = parts_of(asked)
        if "file" not in parts or "purpose" not in parts:
            return error(400, "'file' and 'purpose' are required.", param="file")
        name, content = parts["file"]
        purpose = parts["purpose"][1].decode()
        if purpose == "batch" and not name.endswith(".jsonl"):
            return error(400, "Invalid file format for Batch API. Must be .jsonl")
        return Answer(body=self._file(name, purpose, content).shown)

    def _file(self, name: str, purpose: str, content: bytes) -> File:
        number = next(self._number)
        file = File(f"file-{number}", name, purpose, content, created=number)
        self.files[file.id] = file
        return file

    def _delete(self, file: File) -> Answer:
        del self.files[file.id]
        return Answer(body={"id": file.id, "object": "file", "deleted": True})

    # Batches

    def _create(self, wanted: dict[str, Any]) -> Answer:
        if wanted.get("endpoint") not in _ENDPOINTS:
            return error(400, "Invalid value for 'endpoint'.", param="endpoint")
        if wanted.get("completion_window") != "24h":
            return error(400, "Invalid value for 'completion_window'.", param="completion_window")
        number = next(self._number)
        batch = Batch(
            id=f"batch_{number}",
            endpoint=wanted["endpoint"],
            input_file=wanted["input_file_id"],
            window="24h",
            metadata=wanted.get("metadata"),
            plan=self.plan,
            created=number,
        )
        self.all.append(batch)
        self._work(batch)
        return Answer(body=batch.shown)

    def _work(self, batch: Batch) -> None:
        """All that will come of it, but for its files."""
        file = self.files.get(batch.input_file)
        lines, batch.problems = checked(file.content if file else None, batch.endpoint)
        if batch.plan.invalid:
            batch.problems = [problem(batch.plan.invalid, "The batch is not valid.", None)]
        if batch.problems:
            return
        batch.total = len(lines)
        for position, line in enumerate(lines):
            self.asked.append(line["body"])
            done = self._line(batch, position, line)
            if done is not None:
                good = done["response"] and done["response"]["status_code"] == 200
                (batch.outputs if good else batch.errors).append(done)
        for done_lines in (batch.outputs, batch.errors):
            _shuffle(done_lines)

    def _line(self, batch: Batch, position: int, line: Line) -> Line | None:
        """What becomes of a line: its place in a file; None where it is in neither."""
        plan, custom_id = batch.plan, line["custom_id"]
        if is_one(plan.missing, position, custom_id):
            return None
        request_id = f"batch_req_{batch.id}_{position}"
        done: Line = {"id": request_id, "custom_id": custom_id, "response": None, "error": None}
        if is_one(plan.expiring, position, custom_id):
            return done | {"error": {"code": EXPIRED, "message": _TOO_LATE}}
        failing = is_one(plan.failing, position, custom_id)
        answer = Answer(status=plan.failing_status) if failing else self._answer(line["body"])
        if not answer.over_http:
            told = {"code": "server_error", "message": "The request could not be completed."}
            return done | {"error": told}
        body = body_of(line["body"], answer, _ENDPOINTS[batch.endpoint])
        response = {"status_code": answer.status, "request_id": f"req_{position}", "body": body}
        return done | {"response": response}

    def _list(self, query: dict[str, str]) -> Answer:
        newest = list(reversed(self.all))
        if after := query.get("after"):
            ids = [batch.id for batch in newest]
            newest = newest[ids.index(after) + 1 :] if after in ids else []
        limit = int(query.get("limit", 20))
        page = newest[:limit]
        return Answer(
            body={
                "object": "list",
                "data": [batch.shown for batch in page],
                "first_id": page[0].id if page else None,
                "last_id": page[-1].id if page else None,
                "has_more": len(newest) > limit,
            }
        )

    def _poll(self, batch: Batch) -> Answer:
        if batch.status not in OVER:
            batch.polled += 1
            self._enter(batch, batch.next_status)
        return Answer(body=batch.shown)

    def _cancel(self, batch: Batch) -> Answer:
        if batch.status in OVER:
            return error(409, f"Cannot cancel a batch with status '{batch.status}'.")
        done = batch.done
        batch.errors += [_cancelled(line) for line in batch.outputs[done:]]
        del batch.outputs[done:]
        self._enter(batch, "cancelling")
        return Answer(body=batch.shown)

    def _enter(self, batch: Batch, status: str) -> None:
        batch.status = status
        if status in STAMPED:
            batch.stamps.setdefault(status, next(self._number))
        if status in OVER - {"failed"}:
            for kind, lines in (("output", batch.outputs), ("error", batch.errors)):
                if lines:
                    file = self._file(f"{batch.id}_{kind}.jsonl", "batch_output", _jsonl(lines))
                    batch.files[kind] = file.id


def _content(file: File) -> Answer:
    return Answer(raw=file.content, headers={"Content-Type": "application/octet-stream"})


def _not_found(asked: Asked) -> Answer:
    return error(404, f"Invalid URL ({asked.method} {urlsplit(asked.path).path})")


def _cancelled(line: Line) -> Line:
    return line | {
        "response": None,
        "error": {"code": "batch_cancelled", "message": _CANCELLED},
    }


def _shuffle(lines: list[Line]) -> None:
    """Another order than the input's, the same every time."""
    before = list(lines)
    random.Random(len(lines)).shuffle(lines)
    if lines == before:
        lines.reverse()


def _jsonl(lines: list[Line]) -> bytes:
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode(
        errors="replace"
    )
