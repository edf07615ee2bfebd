"""How sure a model was of its line: read from an answer, and marked by the adapter's card."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from pipeline.clock import Clock
from pipeline.llm.completion import read_completion
from pipeline.llm.embedded import EmbeddedModel, packaged_adapter
from pipeline.records import ChatMessage, Sampling
from pipeline.settings import EmbeddedProfile

TOKENS = [("分类", 0.9), (": cs.SD\n", 0.1), ("简", 0.2), ("介", 0.2), (": ", 0.5), ("该论文", 1.0)]


def answer(logprobs: Any) -> dict[str, Any]:
    text = "".join(token for token, _ in TOKENS)
    choice = {"message": {"content": text}, "finish_reason": "stop", "logprobs": logprobs}
    return {"choices": [choice]}


def pieces(*, raw: bool = False) -> list[dict[str, Any]]:
    """As endpoints send them; `raw`: with the bytes, and halves of characters as text."""
    listed: list[dict[str, Any]] = []
    for token, probability in TOKENS:
        cut = {"token": "�", "bytes": [*token.encode()]} if raw else {"token": token}
        listed.append({**cut, "logprob": math.log(probability), "top_logprobs": []})
    return listed


@pytest.mark.parametrize("raw", [False, True])
def test_only_what_follows_the_label_counts(*, raw: bool) -> None:
    completion = read_completion(answer({"content": pieces(raw=raw)}))
    assert completion.certainty == pytest.approx(math.sqrt(0.5), abs=1e-4)


@pytest.mark.parametrize(
    "logprobs",
    [
        None,
        {},
        {"content": None},
        {"content": []},
        {"content": [{"token": "简介", "logprob": -0.1}]},
        {"content": [{"token": "该论文", "logprob": -0.1}]},
        {"content": [{"token": "简介"}, {"token": ":", "logprob": "x"}]},
        {"content": [{"token": "简介", "logprob": 0}, {"token": ":", "logprob": 700.0}]},
        {"content": [{"token": "简介", "logprob": 0}, {"token": ":", "logprob": math.nan}]},
        {"content": [{"token": "简介", "logprob": 0, "bytes": [999]}]},
        {"content": [{"token": "\ud800", "logprob": 0}]},
        "none",
        [1, 2],
    ],
)
def test_what_is_not_told_or_makes_no_sense_costs_nothing(logprobs: Any) -> None:
    completion = read_completion(answer(logprobs))
    assert completion.certainty is None
    assert completion.text.startswith("分类")


def test_one_impossible_word_does_not_make_a_line_worth_nothing() -> None:
    told = [{"token": "简介", "logprob": 0}, *({"token": "的", "logprob": 0},) * 39]
    told.append({"token": "猫", "logprob": -1e300})
    assert read_completion(answer({"content": told})).certainty == pytest.approx(
        math.exp(-0.5), abs=1e-4
    )


@pytest.mark.long
def test_the_built_in_model_marks_what_its_card_calls_doubtful(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="the extra `embedded` is not installed")
    adapter = tmp_path / "mine.gguf"
    adapter.symlink_to(packaged_adapter())
    asked = (ChatMessage(role="user", content="Title: A\nAbstract: We enhance noisy speech.\n"),)
    said: dict[Any, Any] = {}
    for below in (None, 0.0001, 0.9999):
        (tmp_path / "mine.card.json").write_text(json.dumps({"doubtful_below": below, "more": 1}))
        model = EmbeddedModel(EmbeddedProfile(kind="embedded", adapter=adapter), Clock(), tmp_path)
        reply = model.ask(asked, Sampling(temperature=0, max_tokens=200))
        model.close()
        assert reply.certainty is not None and 0.1 < reply.certainty < 1
        said[below] = reply.doubtful
    assert said == {None: None, 0.0001: False, 0.9999: True}


def test_without_a_card_nothing_is_marked(tmp_path: Path) -> None:
    for text in (None, "no json", '{"doubtful_below": "low"}', "[]"):
        if text is not None:
            (tmp_path / "mine.card.json").write_text(text)
        profile = EmbeddedProfile(kind="embedded", adapter=tmp_path / "mine.gguf")
        assert EmbeddedModel(profile, Clock(), tmp_path)._doubtful_below is None
