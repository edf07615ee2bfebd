"""A model with a trainable low-rank adapter, from the same GGUF file that llama.cpp serves.

The base is the served file's own weights, dequantised, so the adapter learns to make up for what
quantisation took. Ours and not the transformers library's model: that one keeps the GGUF weights
packed and computes in float32, and took 2.7 times as long for a step on two CPU cores (2026-11).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from gguf.quants import dequantize
from torch import Tensor
from torch.nn.functional import linear

from pipeline.errors import ConfigError
from pipeline.train.arithmetic import Matrix, normed, rounded, turns
from pipeline.train.family import PROJECTIONS, Family, Metadata, Shape
from pipeline.train.gemma3 import GEMMA3
from pipeline.train.qwen2 import QWEN2
from pipeline.train.settings import Precision

FAMILIES: Mapping[str, Family] = {family.name: family for family in (GEMMA3, QWEN2)}


@dataclass(frozen=True)
class Base:
    """The frozen weights: vectors in float32, embeddings in bfloat16, matrices as asked for."""

    family: Family
    shape: Shape
    end: int
    """The token that ends a reply."""
    embedding: Tensor
    """[vocabulary, hidden]"""
    output: Tensor
    """The same size; in many files the same matrix."""
    out_norm: Tensor
    vectors: tuple[tuple[Tensor, ...], ...]
    matrices: tuple[tuple[Matrix, ...], ...]
    """Per layer, in the order of PROJECTIONS: [out, in]."""


def load_base(model: Path, device: str, precision: Precision = "bfloat16") -> Base:
    """The weights of a GGUF file. Raises ConfigError where it is none of a family known here."""
    file = Metadata(model)
    family = FAMILIES.get(file.architecture)
    if family is None:
        raise ConfigError(
            f"is of the architecture {file.architecture}",
            where=model,
            fix=f"The training knows {' and '.join(FAMILIES)}",
        )
    shape = family.shape(file)
    packed = {str(tensor.name): tensor for tensor in file.reader.tensors}

    def tensor(name: str, kind: torch.dtype) -> Tensor:
        if name not in packed:
            raise ConfigError(f"lacks the tensor {name}", where=model)
        values = dequantize(packed[name].data, packed[name].tensor_type)
        return torch.from_numpy(np.array(values, dtype=np.float32)).to(device, kind)

    def matrix(name: str) -> Matrix:
        if precision == "int8":
            return rounded(tensor(name, torch.float32))
        return tensor(name, torch.bfloat16)

    blocks = range(shape.layers)
    embedding = tensor("token_embd.weight", torch.bfloat16)
    own = "output.weight" in packed
    return Base(
        family=family,
        shape=shape,
        end=int(file.value("tokenizer.ggml.eos_token_id")),
        embedding=embedding,
        output=tensor("output.weight", torch.bfloat16) if own else embedding,
        out_norm=tensor("output_norm.weight", torch.float32),
        vectors=tuple(
            tuple(tensor(f"blk.{n}.{name}", torch.float32) for name in family.vectors)
            for n in blocks
        ),
        matrices=tuple(
            tuple(matrix(f"blk.{n}.{name}.weight") for name in PROJECTIONS) for n in blocks
        ),
    )


class Lora:
    """The trainable part: for each projection a pair of matrices in float32, the second zero.

    y = W x + (alpha / rank) b (a x)
    """

    def __init__(self, base: Base, rank: int, alpha: float, seed: int) -> None:
        self.architecture = base.family.name
        self.rank = rank
        self.alpha = alpha
        chance = torch.Generator().manual_seed(seed)
        device = base.embedding.device
        self.pairs: dict[str, tuple[Tensor, Tensor]] = {}
        for layer, weights in enumerate(base.matrices):
            for name, weight in zip(PROJECTIONS, weights, strict=True):
                out, wide = weight.shape
                a = torch.randn(rank, wide, generator=chance) / wide**0.5
                b = torch.zeros(out, rank)
                self.pairs[f"blk.{layer}.{name}.weight"] = (
                    a.to(device).requires_grad_(),
                    b.to(device).requires_grad_(),
                )

    def begin_with(self, matrices: Mapping[str, tuple[Tensor, Tensor]]) -> None:
        """Put these in the place of a fresh start. Raises ValueError where the shapes differ."""
        if {name: (a.shape, b.shape) for name, (a, b) in matrices.items()} != {
            name: (a.shape, b.shape) for name, (a, b) in self.pairs.items()
        }:
            raise ValueError("other layers, or another rank")
        with torch.no_grad():
            for name, (a, b) in self.pairs.items():
                a.copy_(matrices[name][0])
                b.copy_(matrices[name][1])

    def parameters(self) -> Iterator[Tensor]:
        """All matrices, in the layers' order."""
        for a, b in self.pairs.values():
            yield a
            yield b

    def of_layer(self, layer: int) -> tuple[tuple[Tensor, Tensor], ...]:
        """In bfloat16, the scale in the second; in the order of PROJECTIONS."""
        pairs = (self.pairs[f"blk.{layer}.{name}.weight"] for name in PROJECTIONS)
        scale = self.alpha / self.rank
        return tuple((a.to(torch.bfloat16), (b * scale).to(torch.bfloat16)) for a, b in pairs)


class Decoder:
    """The forward pass. Every example starts at the left; what is padded on the right is unseen."""

    def __init__(self, base: Base, lora: Lora, *, fuse: bool) -> None:
        self._base = base
        self._lora = lora
        layer = base.family.layer
        # Compiled once for all layers and lengths: on two cores a step takes half the time.
        self._layer: Callable[..., Tensor] = torch.compile(layer, dynamic=True) if fuse else layer

    def hidden(self, tokens: Tensor) -> Tensor:
        """[batch, length] token ids → [batch, length, hidden], normalised for the output."""
        base, shape = self._base, self._base.shape
        length = tokens.shape[1]
        x = base.embedding[tokens] * torch.tensor(shape.scale, dtype=torch.bfloat16)
        turn = {
            rope: turns(length, shape.head, rope, tokens.device)
            for rope in dict.fromkeys(shape.ropes)
        }
        sizes = (shape.heads, shape.shared, shape.head, shape.epsilon)
        for layer, rope in enumerate(shape.ropes):
            x = self._layer(
                x,
                turn[rope],
                base.vectors[layer],
                base.matrices[layer],
                self._lora.of_layer(layer),
                sizes,
            )
        return normed(x, base.out_norm, shape.epsilon)

    def logits(self, hidden: Tensor, candidates: Tensor) -> Tensor:
        """[n, hidden] and [c] token ids → [n, c] in float32."""
        return linear(hidden, self._base.output[candidates]).float()
