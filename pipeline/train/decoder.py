"""Gemma 3 with a trainable low-rank adapter, from the same GGUF file that llama.cpp serves.

The base is the served file's own weights, dequantised, so the adapter learns to make up for what
quantisation took. Ours and not the transformers library's model: that one keeps the GGUF weights
packed and computes in float32, and took 2.7 times as long for a step on two CPU cores (2026-11).

Source of the architecture: https://arxiv.org/abs/2503.19786, and llama.cpp's names of tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import GGUFReader
from gguf.quants import dequantize
from torch import Tensor
from torch.nn.functional import gelu, linear

from pipeline.errors import ConfigError, one_line

_LOCAL_ROPE = 10_000.0
"""Rotary base of the layers with a sliding window; the file names only the other layers'."""
_GLOBAL_EVERY = 6
"""Each sixth layer sees everything before it."""

NORMS = ("attn_norm", "attn_q_norm", "attn_k_norm", "post_attention_norm", "ffn_norm",
         "post_ffw_norm")  # fmt: skip
PROJECTIONS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")


@dataclass(frozen=True)
class Shape:
    """The sizes that the file's metadata gives."""

    hidden: int
    layers: int
    heads: int
    head: int
    window: int
    """Tokens that a layer with a sliding window sees; longer examples are not trained on."""
    epsilon: float
    rope: float


@dataclass(frozen=True)
class Base:
    """The frozen weights: norms in float32, the rest in bfloat16."""

    shape: Shape
    embedding: Tensor
    """[vocabulary, hidden]; also the output projection."""
    out_norm: Tensor
    norms: tuple[tuple[Tensor, ...], ...]
    projections: tuple[tuple[Tensor, ...], ...]
    """Per layer, in the order of PROJECTIONS: [out, in]."""


def load_base(model: Path, device: str) -> Base:
    """The weights of a Gemma 3 GGUF file. Raises ConfigError where it is something else."""
    try:
        reader = GGUFReader(model)
    except (OSError, ValueError) as error:
        raise ConfigError(f"is no GGUF file ({one_line(error)})", where=model) from error
    if value_of(reader, "general.architecture") != "gemma3":
        raise ConfigError("is not of the architecture gemma3", where=model)
    shape = Shape(
        hidden=int(value_of(reader, "gemma3.embedding_length")),
        layers=int(value_of(reader, "gemma3.block_count")),
        heads=int(value_of(reader, "gemma3.attention.head_count")),
        head=int(value_of(reader, "gemma3.attention.key_length")),
        window=int(value_of(reader, "gemma3.attention.sliding_window")),
        epsilon=float(value_of(reader, "gemma3.attention.layer_norm_rms_epsilon")),
        rope=float(value_of(reader, "gemma3.rope.freq_base")),
    )
    packed = {str(tensor.name): tensor for tensor in reader.tensors}

    def weight(name: str, kind: torch.dtype) -> Tensor:
        tensor = packed[f"{name}.weight"]
        values = np.array(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
        return torch.from_numpy(values).to(device, kind)

    blocks = range(shape.layers)
    return Base(
        shape=shape,
        embedding=weight("token_embd", torch.bfloat16),
        out_norm=weight("output_norm", torch.float32),
        norms=tuple(
            tuple(weight(f"blk.{n}.{name}", torch.float32) for name in NORMS) for n in blocks
        ),
        projections=tuple(
            tuple(weight(f"blk.{n}.{name}", torch.bfloat16) for name in PROJECTIONS) for n in blocks
        ),
    )


class Lora:
    """The trainable part: for each projection a pair of matrices in float32, the second zero.

    y = W x + (alpha / rank) b (a x)
    """

    def __init__(self, base: Base, rank: int, alpha: float, seed: int) -> None:
        self.rank = rank
        self.alpha = alpha
        chance = torch.Generator().manual_seed(seed)
        device = base.embedding.device
        self.pairs: dict[str, tuple[Tensor, Tensor]] = {}
        for layer, weights in enumerate(base.projections):
            for name, weight in zip(PROJECTIONS, weights, strict=True):
                wide = weight.shape[1]
                a = torch.randn(rank, wide, generator=chance) / wide**0.5
                b = torch.zeros(weight.shape[0], rank)
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

    def of_layer(self, layer: int) -> list[Tensor]:
        """In bfloat16, the scale in the second: a, b, a, b, … in the order of PROJECTIONS."""
        tensors: list[Tensor] = []
        for name in PROJECTIONS:
            a, b = self.pairs[f"blk.{layer}.{name}.weight"]
            tensors += [a.to(torch.bfloat16), (b * (self.alpha / self.rank)).to(torch.bfloat16)]
        return tensors


class Gemma:
    """The forward pass. Every example starts at the left; what is padded on the right is unseen."""

    def __init__(self, base: Base, lora: Lora, *, fuse: bool) -> None:
        self._base = base
        self._lora = lora
        # Compiled once for all layers and lengths: on two cores a step takes half the time.
        self._layer: Callable[..., Tensor] = torch.compile(_layer, dynamic=True) if fuse else _layer

    def hidden(self, tokens: Tensor) -> Tensor:
        """[batch, length] token ids → [batch, length, hidden], normalised for the output."""
        base, shape = self._base, self._base.shape
        length = tokens.shape[1]
        x = base.embedding[tokens] * torch.tensor(shape.hidden**0.5, dtype=torch.bfloat16)
        mask = torch.full((length, length), float("-inf"), device=tokens.device).triu(1)
        local, whole = (_turns(length, shape.head, rope, tokens.device)
                        for rope in (_LOCAL_ROPE, shape.rope))  # fmt: skip
        sizes = (shape.heads, shape.head, shape.epsilon)
        for layer in range(shape.layers):
            turn = whole if (layer + 1) % _GLOBAL_EVERY == 0 else local
            norms, weights = base.norms[layer], base.projections[layer]
            x = self._layer(x, *turn, mask, norms, weights, self._lora.of_layer(layer), *sizes)
        return _normed(x, base.out_norm, shape.epsilon)

    def logits(self, hidden: Tensor, candidates: Tensor) -> Tensor:
        """[n, hidden] and [c] token ids → [n, c] in float32."""
        return linear(hidden, self._base.embedding[candidates]).float()


def _turns(length: int, head: int, rope: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines of rotary positions: [length, head] each."""
    frequencies = 1.0 / rope ** (torch.arange(0, head, 2, device=device).float() / head)
    angles = torch.arange(length, device=device)[:, None] * frequencies
    angles = torch.cat((angles, angles), -1)
    return angles.cos().to(torch.bfloat16), angles.sin().to(torch.bfloat16)


def _normed(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    y = x.float()
    return (y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + epsilon) * weight).to(torch.bfloat16)


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat((-second, first), -1) * sin


def _adapted(x: Tensor, weight: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return linear(x, weight) + linear(linear(x, a), b)


def _layer(  # noqa: PLR0913, PLR0917 - torch compiles a function of tensors
    x: Tensor,
    cos: Tensor,
    sin: Tensor,
    mask: Tensor,
    norms: tuple[Tensor, ...],
    w: tuple[Tensor, ...],
    lora: list[Tensor],
    heads: int,
    head: int,
    epsilon: float,
) -> Tensor:
    """One block. All heads share one key and value, so attention is one product per example."""
    batch, length, _ = x.shape
    h = _normed(x, norms[0], epsilon)
    q = _adapted(h, w[0], lora[0], lora[1]).view(batch, length, heads, head)
    k = _adapted(h, w[1], lora[2], lora[3])
    v = _adapted(h, w[2], lora[4], lora[5])
    q = _turned(_normed(q, norms[1], epsilon).transpose(1, 2), cos, sin)
    k = _turned(_normed(k, norms[2], epsilon), cos, sin)
    scores = torch.bmm(q.reshape(batch, heads * length, head), k.transpose(1, 2))
    scores = scores.view(batch, heads, length, length).float() * head**-0.5 + mask
    shares = torch.softmax(scores, -1).to(torch.bfloat16).view(batch, heads * length, length)
    seen = torch.bmm(shares, v).view(batch, heads, length, head)
    seen = seen.transpose(1, 2).reshape(batch, length, heads * head)
    x = x + _normed(_adapted(seen, w[3], lora[6], lora[7]), norms[3], epsilon)
    h = _normed(x, norms[4], epsilon)
    gate = gelu(_adapted(h, w[4], lora[8], lora[9]), approximate="tanh")
    up = _adapted(h, w[5], lora[10], lora[11])
    return x + _normed(_adapted(gate * up, w[6], lora[12], lora[13]), norms[5], epsilon)


def value_of(reader: Any, key: str) -> Any:
    """What the metadata say under `key`. Raises ConfigError where they do not have it."""
    field = reader.get_field(key)
    if field is None:
        raise ConfigError(f"lacks {key}", where=reader.data.filename)
    return field.contents()
