"""Vectors of texts by an endpoint's model; each text is asked for once and kept in a file.

https://platform.openai.com/docs/api-reference/embeddings
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import ModelRefused, one_line
from pipeline.files import write_atomic
from pipeline.llm.endpoint import Endpoint
from pipeline.pacing import Retry

Vectors = npt.NDArray[np.float32]

AT_ONCE = 64
"""Texts of one request."""
_LONGEST = 6000
"""Characters of a text: under the 2,048 tokens that the smallest models take."""
_MOST_NUMBERS = 16_384
"""Of a vector."""
_MOST_KEPT = 50_000
_MOST_BYTES = 2 << 30


class _Vector(BaseModel):
    model_config = ConfigDict(extra="ignore")

    index: int
    embedding: list[float] = Field(min_length=1, max_length=_MOST_NUMBERS)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    data: list[_Vector]


class Embeddings:
    """Texts to vectors of length one. The file is made anew where it cannot be read."""

    def __init__(self, endpoint: Endpoint, retry: Retry, folder: Path) -> None:
        self._endpoint = endpoint
        self._retry = retry
        name = re.sub(r"[^\w.-]+", "-", endpoint.identity)
        of = hashlib.sha256(f"{endpoint.address} {endpoint.identity}".encode()).hexdigest()[:8]
        self._file = folder / f"{name}-{of}.npz"

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """One row a text, in their order. Raises ModelError, OutputError."""
        keys = [hashlib.sha256(text[:_LONGEST].encode()).hexdigest() for text in texts]
        known = self._kept()
        new = {key: text[:_LONGEST] for key, text in zip(keys, texts, strict=True)}
        missing = [key for key in new if key not in known]
        for start in range(0, len(missing), AT_ONCE):
            part = missing[start : start + AT_ONCE]
            known |= self._asked({key: new[key] for key in part})
        if missing:
            self._keep(known, new)
        return np.stack([known[key] for key in keys])

    def _asked(self, texts: dict[str, str]) -> dict[str, Vectors]:
        answer = self._retry.call(lambda: self._endpoint.embed(list(texts.values())))
        try:
            found = sorted(_Answer.model_validate(answer).data, key=lambda one: one.index)
            rows = np.array([one.embedding for one in found], dtype=np.float32)
        except (ValidationError, ValueError, RecursionError) as error:
            raise self._wrong(f"no vectors: {one_line(error)}") from error
        if len(rows) != len(texts) or not np.isfinite(rows).all():
            raise self._wrong(f"{len(rows)} vectors for {len(texts)} texts, or no numbers")
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return dict(zip(texts, rows / np.maximum(lengths, 1e-12), strict=True))

    def _wrong(self, what: str) -> ModelRefused:
        return ModelRefused(what, where=self._endpoint.where)

    def _kept(self) -> dict[str, Vectors]:
        """What the file has; a damaged one has nothing."""
        with suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            if self._file.stat().st_size <= _MOST_BYTES:
                content = io.BytesIO(self._file.read_bytes())  # numpy leaves a bad file open
                with np.load(content, allow_pickle=False) as file:
                    return dict(zip(file["keys"].tolist(), file["vectors"], strict=True))
        return {}

    def _keep(self, known: dict[str, Vectors], used: dict[str, str]) -> None:
        """Those in use, and of the others as many as there is room for."""
        order = [*used, *(key for key in known if key not in used)][:_MOST_KEPT]
        content = io.BytesIO()
        arrays: dict[str, Any] = {
            "keys": np.array(order),
            "vectors": np.stack([known[key] for key in order]).astype(np.float32),
        }
        np.savez(content, **arrays)
        write_atomic(self._file, content.getvalue(), durable=False)
