"""What the layers of every family are made of; torch compiles it into them.

Frozen matrices are in bfloat16, or rounded to 8 bits: a processor multiplies those twice as fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import linear, scaled_dot_product_attention

_LEAST = 1e-30
"""Keeps a row of zeros from being divided by nothing."""


class Rounded(NamedTuple):
    """A matrix [out, in] in 8 bits, twice.

    Each row has one scale on the way there, each column on the gradient's way back.
    """

    rows: Tensor
    row_scales: Tensor
    """[out]"""
    columns: Tensor
    column_scales: Tensor
    """[in]"""

    @property
    def shape(self) -> torch.Size:
        """[out, in]"""
        return self.rows.shape


Matrix: TypeAlias = Tensor | Rounded


def rounded(matrix: Tensor) -> Rounded:
    """`matrix` in float32, rounded."""
    row_scales = (matrix.abs().amax(1) / 127).clamp_min(_LEAST)
    column_scales = (matrix.abs().amax(0) / 127).clamp_min(_LEAST)
    return Rounded(
        torch.round(matrix / row_scales[:, None]).to(torch.int8),
        row_scales,
        torch.round(matrix / column_scales).to(torch.int8),
        column_scales,
    )


class _RoundedProduct(torch.autograd.Function):  # type: ignore[misc, unused-ignore]
    """x Wᵀ and its gradient g W; x and g are rounded too, with a scale a token.

    llama.cpp rounds what it multiplies in the same way (with a scale for each 256 values). After
    Wortsman et al., https://arxiv.org/abs/2304.13013.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Rounded) -> Tensor:
        ctx.save_for_backward(weight.columns, weight.column_scales)
        return _product(x, weight.rows.t(), weight.row_scales)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        columns, scales = ctx.saved_tensors
        return _product(gradients[0], columns, scales), None


def _product(x: Tensor, integers: Tensor, scales: Tensor) -> Tensor:
    flat = x.reshape(-1, x.shape[-1]).float()
    sizes = (flat.abs().amax(1, keepdim=True) / 127).clamp_min(_LEAST)
    product = torch._int_mm(torch.round(flat / sizes).to(torch.int8), integers)
    return (product.float() * sizes * scales).to(x.dtype).view(*x.shape[:-1], len(scales))


def adapted(x: Tensor, weight: Matrix, pair: Sequence[Tensor]) -> Tensor:
    """`x` times the frozen matrix, and times the pair of narrow ones beside it."""
    plain = isinstance(weight, Tensor)
    product = linear(x, weight) if plain else _RoundedProduct.apply(x, weight)
    return product + linear(linear(x, pair[0]), pair[1])


def normed(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """Root mean square 1 in the last dimension, times `weight`; in float32, out in bfloat16."""
    y = x.float()
    return (y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + epsilon) * weight).to(torch.bfloat16)


def turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions: the first half of the last dimension turned against the second."""
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat((-second, first), -1) * sin


def attended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """[batch, heads, length, head], k and v with fewer heads → [batch, length, heads * head].

    A token sees itself and those before it.
    """
    seen = scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    return seen.transpose(1, 2).flatten(2)


def turns(length: int, head: int, rope: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines of rotary positions: [length, head] each."""
    frequencies = 1.0 / rope ** (torch.arange(0, head, 2, device=device).float() / head)
    angles = torch.arange(length, device=device)[:, None] * frequencies
    angles = torch.cat((angles, angles), -1)
    return angles.cos().to(torch.bfloat16), angles.sin().to(torch.bfloat16)
