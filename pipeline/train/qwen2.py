"""Qwen 2 and 2.5. Source: https://arxiv.org/abs/2407.10671, and llama.cpp's names of tensors."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import silu

from pipeline.train.arithmetic import Matrix, adapted, attended, normed, turned
from pipeline.train.family import Family, Metadata, Shape


def _shape(file: Metadata) -> Shape:
    layers, hidden = file.whole("block_count"), file.whole("embedding_length")
    heads = file.whole("attention.head_count")
    return Shape(
        hidden=hidden,
        layers=layers,
        heads=heads,
        shared=file.whole("attention.head_count_kv"),
        head=hidden // heads,
        longest=file.whole("context_length"),
        epsilon=file.real("attention.layer_norm_rms_epsilon"),
        ropes=(file.real("rope.freq_base"),) * layers,
        scale=1.0,
    )


def _layer(
    x: Tensor,
    turn: tuple[Tensor, Tensor],
    vectors: tuple[Tensor, ...],
    w: tuple[Matrix, ...],
    pairs: tuple[tuple[Tensor, Tensor], ...],
    sizes: tuple[int, int, int, float],
) -> Tensor:
    heads, shared, head, epsilon = sizes
    before, before_ffn, *biases = vectors
    rows = x.shape[:2]
    h = normed(x, before, epsilon)
    q, k, v = (
        (adapted(h, w[n], pairs[n]) + biases[n].to(h.dtype)).view(*rows, count, head)
        for n, count in enumerate((heads, shared, shared))
    )
    seen = attended(
        turned(q.transpose(1, 2), *turn), turned(k.transpose(1, 2), *turn), v.transpose(1, 2)
    )
    x = x + adapted(seen, w[3], pairs[3])
    h = normed(x, before_ffn, epsilon)
    return x + adapted(
        silu(adapted(h, w[4], pairs[4])) * adapted(h, w[5], pairs[5]), w[6], pairs[6]
    )


QWEN2 = Family(
    name="qwen2",
    shape=_shape,
    vectors=(
        "attn_norm.weight",
        "ffn_norm.weight",
        "attn_q.bias",
        "attn_k.bias",
        "attn_v.bias",
    ),
    layer=_layer,
)
