"""The OpenAI-compatible Batch API: files and batches, in our records and errors.

A batch is made of an uploaded file with a request a line, ends within `WINDOW`, and leaves a file
of results and one of errors, in any order. (OpenAI's API reference, Files and Batch.)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, Final

from pipeline.errors import (
    LONGEST_SAID,
    JianjieError,
    ModelForbidden,
    ModelUnreachable,
    one_line,
)
from pipeline.llm import failures
from pipeline.llm.endpoint import Endpoint
from pipeline.records import Record

PATH: Final = "/v1/chat/completions"
WINDOW: Final = "24h"
_LOOKED_AT = 1000
"""The newest batches, among which one of ours is looked for."""
_TOLD = 10
"""Of a batch's errors, those that are told."""
_OVER = {"completed", "failed", "expired", "cancelled"}


class BatchState(Record):
    """What the endpoint says of a batch."""

    status: str
    total: int
    done: int
    """Requests that were answered, errors included."""
    files: tuple[str, ...]
    """The files with its results and its errors, where they are there."""
    problem: str
    """Why the whole batch failed; empty where it did not."""

    @property
    def over(self) -> bool:
        """Whether nothing more comes."""
        return self.status in _OVER


class BatchApi:
    """Every method raises ModelError."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def upload(self, lines: Sequence[tuple[str, dict[str, Any]]]) -> str:
        """A file of requests, each a custom id and a body; the file's id."""
        written = (
            {"custom_id": custom_id, "method": "POST", "url": PATH, "body": body}
            for custom_id, body in lines
        )
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in written)
        with self._translated():
            file = ("jianjie.jsonl", text.encode(errors="replace"))
            return str(self._endpoint.client.files.create(file=file, purpose="batch").id)

    def create(self, file: str) -> str:
        """A batch of an uploaded file; its id."""
        with self._translated():
            batch = self._endpoint.client.batches.create(
                input_file_id=file, endpoint=PATH, completion_window=WINDOW
            )
            return str(batch.id)

    def find(self, file: str) -> str | None:
        """The id of the batch that was made of `file`; None where none was."""
        with self._translated():
            batches = self._endpoint.client.batches.list(limit=100)
            newest = islice(batches, _LOOKED_AT)
            return next((str(b.id) for b in newest if b.input_file_id == file), None)

    def check(self) -> None:
        """Whether there is such an API at all."""
        with self._translated():
            self._endpoint.client.batches.list(limit=1)

    def state(self, id_: str) -> BatchState:
        """How far a batch is; one that the endpoint does not know any more has failed."""
        from pipeline.llm.lean import openai  # slow to load

        with self._translated():
            try:
                batch = self._endpoint.client.batches.retrieve(id_)
            except openai.NotFoundError:
                return BatchState(status="failed", total=0, done=0, files=(), problem="is gone")
            counts, errors = batch.request_counts, batch.errors
            told = (errors.data if errors else None) or ()
            problems = [one_line(error.message or error.code) for error in told[:_TOLD]]
            return BatchState(
                status=str(batch.status),
                total=counts.total if counts else 0,
                done=counts.completed + counts.failed if counts else 0,
                files=tuple(filter(None, (batch.output_file_id, batch.error_file_id))),
                problem="; ".join(problems)[:LONGEST_SAID],
            )

    def lines(self, file: str) -> list[dict[str, Any]]:
        """The JSON lines of a file; those that cannot be read are left out."""
        with self._translated():
            content = self._endpoint.client.files.content(file).content
        records: list[dict[str, Any]] = []
        for line in content.split(b"\n"):
            with suppress(ValueError, RecursionError):
                if isinstance(read := json.loads(line), dict):
                    records.append(read)
        return records

    def delete(self, file: str) -> None:
        """Leave no papers behind; that it fails is no harm."""
        with suppress(JianjieError), self._translated():
            self._endpoint.client.files.delete(file)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from pipeline.llm.lean import openai  # slow to load

        try:
            yield
        except openai.NotFoundError as error:
            raise ModelForbidden(
                "has no Batch API (HTTP 404)",
                where=self._endpoint.where,
                fix="Set batch: false in config.yaml",
            ) from error
        except (openai.OpenAIError, ValueError, RecursionError) as error:
            raise failures.translated(error, self._endpoint.asked) from error
        except (AttributeError, TypeError) as error:  # the client checks no types
            raise ModelUnreachable(
                "the answer about a batch cannot be read", where=self._endpoint.where
            ) from error
