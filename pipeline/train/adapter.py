"""A trained adapter as a GGUF file that llama.cpp loads beside its base.

Keys and names: llama.cpp's convert_lora_to_gguf.py; per projection the tensors
`blk.N.NAME.weight.lora_a` [rank, in] and `….lora_b` [out, rank], in float16.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from gguf import GGUFWriter
from torch import Tensor

from pipeline.errors import ConfigError
from pipeline.files import cannot_write
from pipeline.train.decoder import FAMILIES, Lora
from pipeline.train.family import Metadata

_SIDES = (".lora_a", ".lora_b")


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


class Read:
    """The matrices of an adapter file, in float32."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigError where the file is no LoRA adapter for a family known here."""
        file = Metadata(path)
        if file.architecture not in FAMILIES or not file.has("adapter.lora.alpha"):
            raise ConfigError(f"is no LoRA adapter for {' or '.join(FAMILIES)}", where=path)
        tensors = {
            str(tensor.name): torch.from_numpy(np.array(tensor.data, dtype=np.float32))
            for tensor in file.reader.tensors
        }
        self.architecture = file.architecture
        self.alpha = float(file.value("adapter.lora.alpha"))
        adapted = dict.fromkeys(name.rpartition(".")[0] for name in tensors)
        if not tensors or tensors.keys() != {name + side for name in adapted for side in _SIDES}:
            raise ConfigError("is no whole LoRA adapter: a matrix lacks its other half", where=path)
        self.pairs: dict[str, tuple[Tensor, Tensor]] = {
            name: (tensors[name + _SIDES[0]], tensors[name + _SIDES[1]]) for name in adapted
        }
        self.path = path
        self.rank = len(next(iter(self.pairs.values()))[0])


def blend(lora: Lora, begin: Read, share: float) -> None:
    """Make of `lora` the mean of both, the nearest that its rank allows.

    A second course learns by heart what it is shown again; the mean with its beginning keeps the
    tags of before and lost nothing of the lines (MODEL_CARD.md).
    """
    with torch.no_grad():
        for name, (a, b) in lora.pairs.items():
            a0, b0 = begin.pairs[name]
            tall = torch.cat(((1 - share) * b0, share * b.cpu()), 1)
            wide = torch.cat((a0, a.cpu()), 0)
            left, inner_left = torch.linalg.qr(tall)
            right, inner_right = torch.linalg.qr(wide.T)
            u, values, v = torch.linalg.svd(inner_left @ inner_right.T)
            root = values[: begin.rank].sqrt()
            b.copy_(left @ (u[:, : begin.rank] * root))
            a.copy_((root[:, None] * v[: begin.rank]) @ right.T)


def _write(path: Path, lora: Lora, name: str) -> None:
    writer = GGUFWriter(path, lora.architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", lora.alpha)
    writer.add_name(name)
    for tensor, (a, b) in lora.pairs.items():
        writer.add_tensor(f"{tensor}{_SIDES[0]}", a.detach().cpu().numpy().astype(np.float16))
        writer.add_tensor(f"{tensor}{_SIDES[1]}", b.detach().cpu().numpy().astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
