"""The built-in model itself, through llama.cpp."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.clock import Clock
from pipeline.errors import ConfigError
from pipeline.llm.embedded import EmbeddedModel, assembled_model
from pipeline.llm.weights import place_of, weights_of
from pipeline.records import ChatMessage, Sampling
from pipeline.settings import EmbeddedProfile
from pipeline.text.grounding import Source, ungrounded
from pipeline.text.reply import parse_reply

PAPER = (
    "Title: Schlossdorff-Kuzniecow bridges for dysarthric speech at 16.5 kHz\n"
    "Abstract: We present SKB-Mamba, a large language model of eleven layers that enhances"
    " dysarthric Taiwanese Hokkien, and beat WavLM by 3.2 points on 24,000 utterances.\n"
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedModel]:
    pytest.importorskip("xllamacpp", reason="the extra `embedded` is not installed")
    model = EmbeddedModel(
        EmbeddedProfile(kind="embedded"), Clock(), tmp_path_factory.mktemp("cache")
    )
    yield model
    model.close()


@pytest.mark.long
@pytest.mark.parametrize("temperature", [0, 0.8, 1.5])
def test_names_and_numbers_are_the_papers_however_it_is_drawn(
    served: EmbeddedModel, temperature: float
) -> None:
    source = Source((PAPER,))
    for seed in range(3 if temperature else 1):
        reply = served.ask(
            (ChatMessage(role="user", content=PAPER),),
            Sampling(temperature=temperature, max_tokens=200, form="labelled", seed=seed),
        )
        draft = parse_reply(reply.text)
        assert draft.line
        assert ungrounded(draft.line, source) == (), draft.line


@pytest.mark.long
def test_asked_for_json_it_writes_json(served: EmbeddedModel) -> None:
    rules = ChatMessage(
        role="system", content='只回复一个 JSON 对象，如：{"简介": "该论文提出Conformer。"}'
    )
    asked = ChatMessage(role="user", content=PAPER)
    sampling = Sampling(temperature=0, max_tokens=400, form="entry")
    first = served.ask((rules, asked), sampling)
    again = (
        rules,
        asked,
        ChatMessage(
            role="assistant", content='{"分类": ["cs.SD"], "简介": "该论文提出Conformer。"}'
        ),
        ChatMessage(role="user", content="不在论文中：Conformer"),
    )
    for reply in (first, served.ask(again, sampling)):
        assert set(json.loads(reply.text)) == {"分类", "简介"}
        assert ungrounded(parse_reply(reply.text).line, Source((PAPER,))) == ()


def test_weights_are_looked_for_where_they_were_fetched_to(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="the extra `embedded` is not installed")
    weights = weights_of("builtin-0.5b")
    place = place_of(weights, tmp_path)
    place.parent.mkdir()
    with place.open("wb") as file:
        file.truncate(weights.size)  # zeros: found, and then no model
    profile = EmbeddedProfile(kind="embedded", weights=weights.name)
    model = EmbeddedModel(profile, Clock(), tmp_path)
    base, _, adapter = model.identity.partition("+")
    assert base == place.stem
    assert adapter.startswith(Path(weights.adapter or "").stem)
    with pytest.raises(ConfigError, match=r"llama\.cpp cannot load it") as raised:
        model.probe()
    assert str(place) in str(raised.value)


@pytest.mark.long
def test_a_model_that_would_say_the_same_for_ever_does_not(tmp_path: Path) -> None:
    """The bare base model: without the sampler it says 简类 thirty times."""
    pytest.importorskip("xllamacpp", reason="the extra `embedded` is not installed")
    profile = EmbeddedProfile(kind="embedded", gguf=assembled_model(tmp_path))
    model = EmbeddedModel(profile, Clock(), tmp_path)
    asked = ChatMessage(role="user", content="Title: A\nAbstract: We enhance noisy speech.\n")
    sampling = Sampling(temperature=0, max_tokens=120, form="labelled")
    line = model.ask((asked,), sampling).text.split("简介: ")[-1]
    model.close()
    assert len(line) > 20
    assert not re.search(r"(.{1,6}?)\1{5,}", line)


@pytest.mark.long
def test_asked_for_nothing_in_particular_it_writes_what_it_will(tmp_path: Path) -> None:
    """A question that is no paper's, as one who judges or proposes prompts is asked."""
    pytest.importorskip("xllamacpp", reason="the extra `embedded` is not installed")
    profile = EmbeddedProfile(kind="embedded", gguf=assembled_model(tmp_path))
    model = EmbeddedModel(profile, Clock(), tmp_path)
    asked = ChatMessage(role="user", content="What is the capital of France? One word.")
    reply = model.ask((asked,), Sampling(temperature=0, max_tokens=20))
    model.close()
    assert "Paris" in reply.text and "分类" not in reply.text
