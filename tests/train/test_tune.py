"""The training itself, on a made-up model of two layers and on the built-in one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: make test-train")
pytest.importorskip("gguf", reason="gguf is not installed: make test-train")

import torch
from gguf import GGUFReader, GGUFWriter

from pipeline.clock import Clock
from pipeline.errors import ConfigError, UsageError
from pipeline.llm.embedded import EmbeddedModel, assembled_model, packaged_adapter
from pipeline.records import ChatMessage, Sampling
from pipeline.settings import EmbeddedProfile
from pipeline.train.adapter import Read, blend, write_adapter
from pipeline.train.decoder import FAMILIES, Base, Decoder, Lora, load_base
from pipeline.train.examples import read_examples
from pipeline.train.settings import Encoded, Settings, TrainingProgress
from pipeline.train.tune import train
from tests.conftest import ROOT
from tests.train.tiny import HIDDEN, LAYERS, out_in, write_tiny

SETTINGS = Settings(rank=4, alpha=8, learning_rate=1e-2, batch=4)


@pytest.fixture(scope="module", params=FAMILIES)
def tiny(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up model of each family."""
    return write_tiny(tmp_path_factory.mktemp("tiny") / "tiny.gguf", request.param)


@pytest.fixture(scope="module")
def base(tiny: Path) -> Base:
    return load_base(tiny, "cpu")


def lessons(count: int, seed: int = 1) -> list[Encoded]:
    """The reply says the prompt's first token three times: to be learned only by looking."""
    chance = random.Random(seed)
    prompts = [
        [chance.randrange(3, 20) for _ in range(chance.randrange(3, 9))] for _ in range(count)
    ]
    return [Encoded(prompt=(2, *p), reply=(p[0], p[0], p[0], 1)) for p in prompts]


def test_what_it_learns_it_can_do_with_papers_that_it_has_not_seen(
    base: Base, tmp_path: Path
) -> None:
    told: list[TrainingProgress] = []
    _, last = train(
        base, lessons(1600), lessons(40, seed=2), SETTINGS, tmp_path / "c.pt", fuse=False,
        tell=told.append,
    )  # fmt: skip
    looks = [one.held_out_loss for one in told if one.held_out_loss is not None]
    assert [one.step for one in told] == list(range(1, 401)) and told[-1] == last
    assert len(looks) == 2 and looks[1] < looks[0] < told[0].loss
    assert looks[1] < 0.6 * told[0].loss


def test_a_training_that_is_killed_goes_on_to_the_same_bits(base: Base, tmp_path: Path) -> None:
    every = lessons(240)

    def matrices(checkpoint: Path, tell: Any = lambda _: None) -> list[torch.Tensor]:
        lora, _ = train(base, every, [], SETTINGS, checkpoint, fuse=False, tell=tell)
        return list(lora.parameters())

    whole = matrices(tmp_path / "whole.pt")

    def killed(progress: TrainingProgress) -> None:
        if progress.step == 57:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        matrices(tmp_path / "cut.pt", killed)
    steps: list[int] = []
    resumed = matrices(tmp_path / "cut.pt", lambda progress: steps.append(progress.step))
    assert steps == list(range(51, 61))  # a checkpoint each 50 steps
    assert all(map(torch.equal, whole, resumed))
    finished = matrices(tmp_path / "cut.pt", killed)
    assert all(map(torch.equal, whole, finished))


def test_a_checkpoint_of_something_else_is_refused(base: Base, tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    train(base, lessons(8), [], SETTINGS, path, fuse=False, tell=lambda _: None)
    other = SETTINGS.model_copy(update={"learning_rate": 0.5})
    for given, settings in ((lessons(8), other), (lessons(8, seed=3), SETTINGS)):
        with pytest.raises(UsageError, match="of other examples or settings"):
            train(base, given, [], settings, path, fuse=False, tell=lambda _: None)
    path.write_bytes(b"no checkpoint")
    with pytest.raises(UsageError, match="is no checkpoint"):
        train(base, lessons(8), [], SETTINGS, path, fuse=False, tell=lambda _: None)


def test_the_adapter_file_has_what_llama_cpp_looks_for(base: Base, tmp_path: Path) -> None:
    lora = Lora(base, 4, 8, seed=1)
    write_adapter(tmp_path / "mine.gguf", lora, name="mine")
    reader = GGUFReader(tmp_path / "mine.gguf")
    said = {key: field.contents() for key, field in reader.fields.items()}
    assert said["general.type"] == "adapter" and said["adapter.type"] == "lora"
    assert said["general.architecture"] == base.family.name and said["adapter.lora.alpha"] == 8
    shapes = {tensor.name: tuple(map(int, tensor.shape))[::-1] for tensor in reader.tensors}
    assert len(shapes) == 2 * 7 * LAYERS
    for name, (out, wide) in out_in(base.family.name).items():
        assert shapes[f"blk.6.{name}.weight.lora_a"] == (4, wide)
        assert shapes[f"blk.6.{name}.weight.lora_b"] == (out, 4)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.gguf"]


def test_training_goes_on_from_an_adapter(base: Base, tmp_path: Path) -> None:
    every = lessons(40)
    first, _ = train(base, every, [], SETTINGS, tmp_path / "a.pt", fuse=False, tell=lambda _: None)
    write_adapter(tmp_path / "first.gguf", first, name="first")
    begin = Read(tmp_path / "first.gguf")
    assert (begin.rank, begin.alpha) == (4, 8)
    slow = SETTINGS.model_copy(update={"learning_rate": 1e-6})
    losses: dict[bool, float] = {}
    for begun in (True, False):
        lora, last = train(
            base, every, [], slow, tmp_path / f"{begun}.pt", fuse=False, tell=lambda _: None,
            begin=begin if begun else None,
        )  # fmt: skip
        losses[begun] = last.loss
        if begun:
            for mine, theirs in zip(lora.parameters(), first.parameters(), strict=True):
                torch.testing.assert_close(mine, theirs, atol=2e-3, rtol=2e-3)
    assert losses[True] < 0.9 * losses[False]
    with pytest.raises(UsageError, match="other examples or settings"):
        train(base, every, [], slow, tmp_path / "True.pt", fuse=False, tell=lambda _: None)
    with pytest.raises(ConfigError, match=r"first\.gguf: is an adapter for another base"):
        train(
            base, every, [], SETTINGS.model_copy(update={"rank": 2}), tmp_path / "r.pt",
            fuse=False, tell=lambda _: None, begin=begin,
        )  # fmt: skip


def test_a_blend_is_the_mean_as_near_as_its_rank_allows(base: Base, tmp_path: Path) -> None:
    every = lessons(40)
    ends: list[Lora] = []
    for seed in (1, 2):
        settings = SETTINGS.model_copy(update={"seed": seed})
        at = tmp_path / f"{seed}.pt"
        lora, _ = train(base, every, [], settings, at, fuse=False, tell=lambda _: None)
        ends.append(lora)
    write_adapter(tmp_path / "first.gguf", ends[0], name="first")
    begin = Read(tmp_path / "first.gguf")
    means = {
        name: 0.7 * b0 @ a0 + 0.3 * ends[1].pairs[name][1] @ ends[1].pairs[name][0]
        for name, (a0, b0) in begin.pairs.items()
    }
    blend(ends[1], begin, 0.3)
    for name, (a, b) in ends[1].pairs.items():
        beyond = torch.linalg.svdvals(means[name])[begin.rank :].pow(2).sum().sqrt()
        assert torch.dist(means[name], b @ a) <= 1.001 * beyond + 1e-4
    blend(ends[1], Read(tmp_path / "first.gguf"), 1e-9)
    for name, (a, b) in ends[1].pairs.items():
        torch.testing.assert_close(b @ a, begin.pairs[name][1] @ begin.pairs[name][0])


def test_only_an_adapter_is_begun_with(tmp_path: Path, tiny: Path) -> None:
    (tmp_path / "text.gguf").write_text("no model at all, but long enough to look into")
    with pytest.raises(ConfigError, match="is no GGUF file"):
        Read(tmp_path / "text.gguf")
    with pytest.raises(ConfigError, match="is no LoRA adapter for gemma3 or qwen2"):
        Read(tiny)
    for half in ((), ("blk.0.attn_q.weight.lora_a",)):
        writer = GGUFWriter(tmp_path / "half.gguf", "gemma3")
        writer.add_float32("adapter.lora.alpha", 8)
        for name in half:
            writer.add_tensor(name, np.zeros((4, HIDDEN), dtype=np.float16))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        with pytest.raises(ConfigError, match="lacks its other half"):
            Read(tmp_path / "half.gguf")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedModel]:
    pytest.importorskip("xllamacpp", reason="the extra `embedded` is not installed")
    profile = EmbeddedProfile(kind="embedded")
    model = EmbeddedModel(profile, Clock(), tmp_path_factory.mktemp("models"))
    yield model
    model.close()


@pytest.mark.long
def test_what_is_trained_is_what_llama_cpp_serves(
    served: EmbeddedModel, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With the packaged adapter, this forward pass foretells llama.cpp's replies by the token."""
    base = load_base(assembled_model(tmp_path_factory.mktemp("base")), "cpu")
    packaged = Read(packaged_adapter())
    lora = Lora(base, packaged.rank, packaged.alpha, seed=1)
    lora.begin_with(packaged.pairs)
    decoder = Decoder(base, lora, fuse=False)
    same = every = 0
    day = ROOT / "prompts" / "examples" / "20260107-audio.md"
    for example in read_examples((day,))[:4]:
        reply = served.ask(
            (ChatMessage(role="user", content=example.prompt),),
            Sampling(temperature=0, max_tokens=200),
        )
        prompt = served.encode(example.prompt, begins=True)
        written = served.encode(reply.text, begins=False)
        with torch.no_grad():
            hidden = decoder.hidden(torch.tensor([prompt + written]))[0, len(prompt) - 1 : -1]
            guessed = decoder.logits(hidden, torch.arange(len(base.embedding))).argmax(-1)
        same += sum(a == b for a, b in zip(guessed.tolist(), written, strict=True))
        every += len(written)
    assert same / every > 0.95  # the rest are ties that bfloat16 breaks otherwise
