"""The forward pass: against llama.cpp's own figures, layer by layer, for every family."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import pytest

pytest.importorskip("torch", reason="torch is not installed: make test-train")
pytest.importorskip("gguf", reason="gguf is not installed: make test-train")

import torch

from pipeline.errors import ConfigError
from pipeline.llm.embedded import packaged_adapter
from pipeline.train.adapter import write_adapter
from pipeline.train.arithmetic import Rounded, adapted, rounded
from pipeline.train.decoder import FAMILIES, Decoder, Lora, load_base
from tests.train.tiny import END, LAYERS, VOCABULARY, write_tiny

TOKENS = [random.Random(3).randrange(2, 258) for _ in range(40)]


def served_logprobs(model: Path, adapter: Path | None) -> torch.Tensor:
    """What llama.cpp makes of TOKENS: [vocabulary], log probabilities of the next."""
    xllamacpp: Any = pytest.importorskip("xllamacpp", reason="the extra `embedded` is missing")
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = 256
    params.n_parallel = 1
    params.n_gpu_layers = 0
    params.ui = False
    params.verbosity = 0
    params.chat_template = "{% for message in messages %}{{ message.content }}{% endfor %}"
    if adapter:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter), 1.0)]
    server = xllamacpp.Server(params)
    asked = {"prompt": TOKENS, "n_predict": 1, "n_probs": VOCABULARY, "temperature": 0}
    request = Request(
        f"{server.listening_address}/completion",
        json.dumps(asked).encode(),
        {"Content-Type": "application/json"},
    )
    with build_opener(ProxyHandler({})).open(request, timeout=60) as answer:
        listed = json.load(answer)["completion_probabilities"][0]["top_logprobs"]
    del server
    said = torch.full((VOCABULARY,), torch.nan)
    for one in listed:
        said[one["id"]] = one["logprob"]
    return said


def apart(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Of what the figures of one differ among themselves, the share that the two differ by."""
    return float((ours - theirs).square().mean().sqrt() / theirs.std())


def ours(model: Path, lora_seed: int | None, precision: Any = "bfloat16") -> torch.Tensor:
    base = load_base(model, "cpu", precision)
    decoder = Decoder(base, an_adapter(model, lora_seed), fuse=False)
    with torch.no_grad():
        hidden = decoder.hidden(torch.tensor([TOKENS]))[0, -1:]
        return torch.log_softmax(decoder.logits(hidden, torch.arange(VOCABULARY))[0], -1)


def an_adapter(model: Path, seed: int | None) -> Lora:
    """One that changes nothing, or one that changes much."""
    lora = Lora(load_base(model, "cpu"), 4, 8, seed=seed or 1)
    if seed is not None:
        chance = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for _, b in lora.pairs.values():
                b.copy_(torch.randn(b.shape, generator=chance) * 0.1)
    return lora


@pytest.mark.parametrize("layers", range(1, LAYERS + 1))
@pytest.mark.parametrize("family", FAMILIES)
def test_each_layer_is_llama_cpps(family: str, layers: int, tmp_path: Path) -> None:
    model = write_tiny(tmp_path / "tiny.gguf", family, layers=layers)
    theirs = served_logprobs(model, None)
    assert torch.isfinite(theirs).all() and theirs.std() > 0.5
    assert apart(ours(model, None), theirs) < 0.03
    assert apart(ours(model, None, "int8"), theirs) < 0.12  # sums of 32 products even out little


@pytest.mark.parametrize("family", FAMILIES)
def test_an_adapter_does_the_same_in_both(family: str, tmp_path: Path) -> None:
    model = write_tiny(tmp_path / "tiny.gguf", family)
    write_adapter(tmp_path / "mine.gguf", an_adapter(model, 5), name="mine")
    theirs = served_logprobs(model, tmp_path / "mine.gguf")
    assert apart(ours(model, 5), theirs) < 0.03
    assert apart(ours(model, None), theirs) > 0.3


def test_an_output_matrix_of_its_own_is_used_where_there_is_one(tmp_path: Path) -> None:
    tied = write_tiny(tmp_path / "tied.gguf", "qwen2", tied=True)
    base = load_base(tied, "cpu")
    assert base.output is base.embedding and base.end == END
    assert apart(ours(tied, None), served_logprobs(tied, None)) < 0.03
    base = load_base(write_tiny(tmp_path / "own.gguf", "qwen2"), "cpu")
    assert not torch.equal(base.output, base.embedding)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_new_adapter_changes_nothing_and_padding_is_not_seen(family: str, tmp_path: Path) -> None:
    base = load_base(write_tiny(tmp_path / "tiny.gguf", family), "cpu")
    tokens = torch.tensor([[2, 5, 9, 11]])
    plain = Decoder(base, Lora(base, 4, 8, seed=1), fuse=False).hidden(tokens)
    other = Decoder(base, Lora(base, 4, 8, seed=2), fuse=False).hidden(tokens)
    assert torch.equal(plain, other)
    padded = Decoder(base, Lora(base, 4, 8, seed=1), fuse=False).hidden(
        torch.tensor([[2, 5, 9, 11, 0, 0], [2, 3, 3, 3, 3, 3]])
    )
    assert torch.allclose(plain[0].float(), padded[0, :4].float(), atol=0.05)
    assert not torch.allclose(plain[0, 1].float(), plain[0, 2].float(), atol=0.05)


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_in_8_bits_point_where_the_whole_ones_do(family: str, tmp_path: Path) -> None:
    model = write_tiny(tmp_path / "tiny.gguf", family)
    gradients: list[torch.Tensor] = []
    for precision in ("bfloat16", "int8"):
        lora = an_adapter(model, 5)
        decoder = Decoder(load_base(model, "cpu", precision), lora, fuse=False)
        decoder.hidden(torch.tensor([TOKENS]))[:, -8:].float().cos().sum().backward()
        parts = [matrix.grad for matrix in lora.parameters()]
        gradients.append(torch.cat([part.flatten() for part in parts if part is not None]))
    assert len(gradients[0]) == len(gradients[1]) > 0
    assert torch.cosine_similarity(*gradients, dim=0) > 0.95


def test_a_product_in_8_bits_is_the_whole_one_to_a_hundredth() -> None:
    chance = torch.Generator().manual_seed(1)
    matrix = torch.randn(48, 64, generator=chance)
    x = torch.randn(3, 5, 64, generator=chance).requires_grad_()
    pair = (torch.zeros(2, 64), torch.zeros(48, 2))
    whole, near = adapted(x, matrix, pair), adapted(x, rounded(matrix), pair)
    assert torch.dist(near, whole) < 0.015 * whole.norm()
    (grad,) = torch.autograd.grad(whole.sin().sum(), x)
    (near_grad,) = torch.autograd.grad(near.sin().sum(), x)
    assert torch.dist(near_grad, grad) < 0.1 * grad.norm()
    zeros = rounded(torch.zeros(4, 64))
    assert isinstance(zeros, Rounded) and zeros.shape == (4, 64)
    assert not adapted(torch.zeros(1, 64), zeros, (pair[0], torch.zeros(4, 2))).any()


def test_other_files_than_those_of_the_families_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.gguf").write_text("no model at all, but long enough to look into")
    with pytest.raises(ConfigError, match="is no GGUF file"):
        load_base(tmp_path / "text.gguf", "cpu")
    with pytest.raises(ConfigError, match=r"lacks gemma3\.block_count"):
        load_base(packaged_adapter(), "cpu")
    from gguf import GGUFWriter

    writer = GGUFWriter(tmp_path / "other.gguf", "llama")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ConfigError, match=r"architecture llama.*gemma3 and qwen2"):
        load_base(tmp_path / "other.gguf", "cpu")
