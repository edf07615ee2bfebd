"""Vectors by an endpoint on loopback."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import HttpUrl

from pipeline.errors import ModelForbidden, ModelRefused, ModelUnreachable
from pipeline.llm.embeddings import AT_ONCE, Embeddings
from pipeline.llm.endpoint import Endpoint
from pipeline.llm.features import Forgetful
from pipeline.pacing import Retry
from pipeline.settings import EndpointProfile, RetrySettings
from tests.conftest import FastClock
from tests.standins.model_server import Asked, Response, Server

KEY = "sk-proj-A1b2C3d4E5f6G7h8"
Answering = Callable[[list[str]], Any]


def lengths(texts: list[str]) -> Any:
    """A vector for each: its length and one; in no order."""
    data = [
        {"index": n, "embedding": [float(len(text)), 1.0], "object": "embedding"}
        for n, text in enumerate(texts)
    ]
    return {"data": data[::-1], "model": "m", "usage": {"total_tokens": 3}}


class Vectors:
    """Answers /v1/embeddings."""

    def __init__(self) -> None:
        self.answer: Answering = lengths
        self.asked: list[list[str]] = []
        self.statuses: list[int] = []
        self.server = Server(self._respond)

    def _respond(self, asked: Asked) -> Response:
        assert asked.path == "/v1/embeddings"
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        body = json.loads(asked.body)
        self.asked.append(body["input"])
        assert body["model"] == "embed-1" and body["encoding_format"] == "float"
        status = self.statuses.pop(0) if self.statuses else 200
        content = self.answer(body["input"]) if status == 200 else {"error": {"message": "no"}}
        text = content if isinstance(content, str) else json.dumps(content)
        return Response(status, {"Content-Type": "application/json"}, text.encode())


@pytest.fixture
def vectors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vectors]:
    monkeypatch.setenv("EMBED_KEY", KEY)
    made = Vectors()
    with made.server:
        yield made


_OPEN: list[Endpoint] = []


@pytest.fixture(autouse=True)
def _endpoints() -> Iterator[None]:
    yield
    while _OPEN:
        _OPEN.pop().close()


def embeddings(vectors: Vectors, folder: Path) -> Embeddings:
    clock = FastClock()
    profile = EndpointProfile(
        base_url=HttpUrl(f"{vectors.server.url}/v1"), model="embed-1", api_key_env="EMBED_KEY",
        timeout_s=5,
    )  # fmt: skip
    endpoint = Endpoint(profile, clock, Forgetful(), patience_s=1)
    _OPEN.append(endpoint)
    settings = RetrySettings(attempts=3, first_wait_s=0.01, longest_wait_s=0.02, total_s=5)
    return Embeddings(endpoint, Retry(settings, clock), folder)


def test_each_text_is_asked_for_once_and_kept(vectors: Vectors, tmp_path: Path) -> None:
    texts = [f"{'x' * n}" for n in range(1, 101)]
    rows = embeddings(vectors, tmp_path)([*texts, texts[0]])
    assert [len(part) for part in vectors.asked] == [AT_ONCE, 100 - AT_ONCE]
    assert rows.shape == (101, 2)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert np.allclose(rows[2], np.array([3, 1]) / np.sqrt(10))
    assert (rows[0] == rows[100]).all()
    again = embeddings(vectors, tmp_path)([texts[4], "new"])
    assert vectors.asked[2:] == [["new"]] and (again[0] == rows[4]).all()


def test_a_damaged_file_is_made_anew(vectors: Vectors, tmp_path: Path) -> None:
    embeddings(vectors, tmp_path)(["one"])
    (file,) = tmp_path.iterdir()
    for content in (b"", b"PK\x03\x04 junk", file.read_bytes()[:-40]):
        file.write_bytes(content)
        assert embeddings(vectors, tmp_path)(["one"]).shape == (1, 2)
    assert len(vectors.asked) == 4
    embeddings(vectors, tmp_path)(["one"])
    assert len(vectors.asked) == 4


def test_what_passes_is_asked_again(vectors: Vectors, tmp_path: Path) -> None:
    vectors.statuses = [503, 429]
    assert embeddings(vectors, tmp_path)(["one"]).shape == (1, 2)
    vectors.statuses = [500] * 9
    with pytest.raises(ModelUnreachable):
        embeddings(vectors, tmp_path)(["two"])


@pytest.mark.parametrize("status", [401, 404])
def test_a_refusal_is_told_without_the_key(vectors: Vectors, tmp_path: Path, status: int) -> None:
    vectors.statuses = [status]
    with pytest.raises(ModelForbidden) as raised:
        embeddings(vectors, tmp_path)(["one"])
    assert "embed-1 at 127.0.0.1" in str(raised.value) and KEY not in str(raised.value)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"data": []},
        {"data": [{"index": 0, "embedding": []}]},
        {"data": [{"index": 0, "embedding": ["x"]}]},
        {"data": [{"index": n, "embedding": [1.0] * (n + 1)} for n in range(2)]},
        {"data": [{"index": 0, "embedding": [1.0]}]},
        '{"data": [{"index": 0, "embedding": [NaN]}, {"index": 1, "embedding": [1]}]}',
        '{"data": [{"index": 0, "embedding": [1e999]}, {"index": 1, "embedding": [1]}]}',
        "[" * 200_000,
        [1, 2],
    ],
)  # fmt: skip
def test_what_are_no_vectors_is_told(vectors: Vectors, tmp_path: Path, answer: Any) -> None:
    vectors.answer = lambda _: answer
    with pytest.raises((ModelRefused, ModelUnreachable)):
        embeddings(vectors, tmp_path)(["one", "two"])
    assert list(tmp_path.iterdir()) == []
