"""Made-up models with random weights, small enough to be trained and served in a test."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from gguf import GGUFWriter, TokenType

from pipeline.train.decoder import FAMILIES
from pipeline.train.family import PROJECTIONS

HIDDEN, HEADS, WIDE = 32, 4, 64
LAYERS = 7
"""So that one of Gemma's sees everything."""
VOCABULARY = 320
END = 1
SHARED = {"gemma3": 1, "qwen2": 2}
HEAD = {"gemma3": 16, "qwen2": HIDDEN // HEADS}
"""Gemma's heads are together wider than what is between the layers."""


def out_in(family: str) -> dict[str, tuple[int, int]]:
    """Sizes of a layer's matrices."""
    head = HEAD[family]
    return {
        "attn_q": (HEADS * head, HIDDEN),
        "attn_k": (SHARED[family] * head, HIDDEN),
        "attn_v": (SHARED[family] * head, HIDDEN),
        "attn_output": (HIDDEN, HEADS * head),
        "ffn_gate": (WIDE, HIDDEN),
        "ffn_up": (WIDE, HIDDEN),
        "ffn_down": (HIDDEN, WIDE),
    }


def write_tiny(path: Path, family: str, *, layers: int = LAYERS, tied: bool = False) -> Path:
    """A GGUF file in float32; of two with other `layers`, the first layers are the same."""
    writer = GGUFWriter(path, family)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(WIDE)
    writer.add_block_count(layers)
    writer.add_context_length(512)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(SHARED[family])
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    if family == "gemma3":
        writer.add_key_length(HEAD[family])
        writer.add_value_length(HEAD[family])
        writer.add_sliding_window(64)
    _add_vocabulary(writer)

    def add(name: str, *shape: int, around: float = 0.0, wide: float = 1.0) -> None:
        chance = np.random.default_rng([*name.encode()])
        scale = wide / math.sqrt(shape[-1]) if len(shape) > 1 else 0.2
        writer.add_tensor(name, (chance.normal(0, scale, shape) + around).astype(np.float32))

    add("token_embd.weight", VOCABULARY, HIDDEN)
    if family == "qwen2" and not tied:
        add("output.weight", VOCABULARY, HIDDEN, wide=4)
    add("output_norm.weight", HIDDEN, around=1)
    sizes = out_in(family)
    for layer in range(layers):
        for name in FAMILIES[family].vectors:
            matrix, _, kind = name.partition(".")
            size = sizes[matrix][0] if kind == "bias" else HIDDEN
            size = HEAD[family] if name in {"attn_q_norm.weight", "attn_k_norm.weight"} else size
            add(f"blk.{layer}.{name}", size, around=kind == "weight")
        for name in PROJECTIONS:
            add(f"blk.{layer}.{name}.weight", *sizes[name], wide=2)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_vocabulary(writer: GGUFWriter) -> None:
    """Every byte, in the letters that GPT-2 has for them, and some that nothing is written with."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    letters = [chr(byte) for byte in plain] + [chr(256 + n) for n in range(len(others))]
    tokens = ["<pad>", "<end>", *letters]
    tokens += [f"<{n}>" for n in range(VOCABULARY - len(tokens))]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([TokenType.CONTROL] * 2 + [TokenType.NORMAL] * (VOCABULARY - 2))
    writer.add_token_merges([f"{letters[0]} {letters[1]}"])
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(END)
    writer.add_add_bos_token(False)
