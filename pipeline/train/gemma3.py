"""Gemma 3. Source: https://arxiv.org/abs/2503.19786, and llama.cpp's names of tensors."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import gelu

from pipeline.train.arithmetic import Matrix, adapted, attended, normed, turned
from pipeline.train.family import Family, Metadata, Shape

_LOCAL_ROPE = 10_000.0
"""Rotary base of the layers with a sliding window; the file names only the other layers'."""
_GLOBAL_EVERY = 6
"""Each sixth layer sees everything before it."""


def _shape(file: Metadata) -> Shape:
    layers, hidden = file.whole("block_count"), file.whole("embedding_length")
    everything = file.real("rope.freq_base")
    return Shape(
        hidden=hidden,
        layers=layers,
        heads=file.whole("attention.head_count"),
        shared=file.whole("attention.head_count_kv"),
        head=file.whole("attention.key_length"),
        # Examples that a layer with a sliding window sees whole: no window need be computed.
        longest=file.whole("attention.sliding_window"),
        epsilon=file.real("attention.layer_norm_rms_epsilon"),
        ropes=tuple(
            _LOCAL_ROPE if (layer + 1) % _GLOBAL_EVERY else everything for layer in range(layers)
        ),
        scale=hidden**0.5,
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
    before, for_q, for_k, after, before_ffn, after_ffn = vectors
    rows = x.shape[:2]
    h = normed(x, before, epsilon)
    q = adapted(h, w[0], pairs[0]).view(*rows, heads, head)
    k = adapted(h, w[1], pairs[1]).view(*rows, shared, head)
    v = adapted(h, w[2], pairs[2]).view(*rows, shared, head)
    q = turned(normed(q, for_q, epsilon).transpose(1, 2), *turn)
    k = turned(normed(k, for_k, epsilon).transpose(1, 2), *turn)
    seen = attended(q, k, v.transpose(1, 2))
    x = x + normed(adapted(seen, w[3], pairs[3]), after, epsilon)
    h = normed(x, before_ffn, epsilon)
    gate = gelu(adapted(h, w[4], pairs[4]), approximate="tanh")
    up = adapted(h, w[5], pairs[5])
    return x + normed(adapted(gate * up, w[6], pairs[6]), after_ffn, epsilon)


GEMMA3 = Family(
    name="gemma3",
    shape=_shape,
    vectors=(
        "attn_norm.weight",
        "attn_q_norm.weight",
        "attn_k_norm.weight",
        "post_attention_norm.weight",
        "ffn_norm.weight",
        "post_ffw_norm.weight",
    ),
    layer=_layer,
)
