"""A trained adapter as a GGUF file that llama.cpp loads beside its base.

Keys and names: llama.cpp's convert_lora_to_gguf.py; per projection the tensors
`blk.N.NAME.weight.lora_a` [rank, in] and `….lora_b` [out, rank], in float16.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
from gguf import GGUFWriter

from pipeline.files import cannot_write
from pipeline.train.gemma import Lora


def write_adapter(path: Path, lora: Lora, *, name: str) -> None:
    """Put the adapter at `path` in one step. Raises OutputError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(
            prefix=f".{path.name}.", suffix=".part", dir=path.parent
        )
        os.close(handle)
        try:
            _write(Path(temporary), lora, name)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def _write(path: Path, lora: Lora, name: str) -> None:
    writer = GGUFWriter(path, "gemma3")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", lora.alpha)
    writer.add_name(name)
    for tensor, (a, b) in lora.pairs.items():
        writer.add_tensor(f"{tensor}.lora_a", a.detach().cpu().numpy().astype(np.float16))
        writer.add_tensor(f"{tensor}.lora_b", b.detach().cpu().numpy().astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
