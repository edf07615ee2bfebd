"""What sets one family of models apart from another: sizes, small tensors, and its layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gguf import GGUFReader
from torch import Tensor

from pipeline.errors import ConfigError, one_line

PROJECTIONS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
"""The matrices of a layer, in the order in which a family's layer gets them; all are adapted."""


class Metadata:
    """What a GGUF file says of itself. Raises ConfigError where it is none, or lacks what is asked.

    `ours`: the keys of the file's architecture, without its name before them.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.reader = GGUFReader(path)
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise ConfigError(f"is no GGUF file ({one_line(error)})", where=path) from error
        self.architecture = str(self.value("general.architecture"))

    def value(self, key: str) -> Any:
        """What stands under `key`."""
        field = self.reader.get_field(key)
        if field is None:
            raise ConfigError(f"lacks {key}", where=self.path)
        return field.contents()

    def has(self, key: str) -> bool:
        """Whether anything stands there."""
        return self.reader.get_field(key) is not None

    def whole(self, key: str) -> int:
        """A number of the architecture's."""
        return int(self.value(f"{self.architecture}.{key}"))

    def real(self, key: str) -> float:
        """The same, with a fraction."""
        return float(self.value(f"{self.architecture}.{key}"))


@dataclass(frozen=True)
class Shape:
    """The sizes that a file's metadata give."""

    hidden: int
    layers: int
    heads: int
    shared: int
    """Keys and values, each for as many heads."""
    head: int
    longest: int
    """Tokens of an example; longer ones are not trained on."""
    epsilon: float
    ropes: tuple[float, ...]
    """Rotary base, per layer."""
    scale: float
    """Of the embeddings."""


@dataclass(frozen=True)
class Family:
    """One architecture that llama.cpp serves and the training can follow."""

    name: str
    """As in `general.architecture`."""
    shape: Callable[[Metadata], Shape]
    vectors: tuple[str, ...]
    """A layer's tensors that are no matrices; they stay in float32."""
    layer: Callable[..., Tensor]
    """(x, cosines and sines, vectors, matrices, pairs, (heads, shared, head, epsilon)) → x.

    [batch, length, hidden] in bfloat16; every example starts at the left.
    """
