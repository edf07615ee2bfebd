"""The built-in model itself, served by llama.cpp, as `distill` scores an adapter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.clock import Clock
from pipeline.evaluate.cases import Filters, find_cases
from pipeline.llm.embedded import EmbeddedModel
from pipeline.settings import EmbeddedProfile
from pipeline.train.examples import Example, read_examples
from pipeline.train.score import WrittenLine, scores, write
from tests.conftest import ROOT

DAY = ROOT / "prompts" / "examples" / "20260107-audio.md"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedModel]:
    pytest.importorskip("xllamacpp", reason="the extra `embedded` is not installed")
    profile = EmbeddedProfile(kind="embedded")
    served = EmbeddedModel(profile, Clock(), tmp_path_factory.mktemp("models"))
    yield served
    served.close()


@pytest.fixture(scope="module")
def examples() -> tuple[Example, ...]:
    return read_examples((DAY,))[:3]


@pytest.mark.long
def test_first_replies_are_written_once_and_scored(
    model: EmbeddedModel, examples: tuple[Example, ...], tmp_path: Path
) -> None:
    file = tmp_path / "written.jsonl"
    ticks: list[None] = []
    first = write(model, examples[:2], file, lambda: ticks.append(None))
    assert len(ticks) == 2 and all(one.line and one.tags for one in first)
    with file.open("a") as opened:
        opened.write('{"arxiv_id": "cut off in the midd')
    again = write(model, examples, file, lambda: ticks.append(None))
    assert again[:2] == first  # the seconds too: they were not asked again
    kept = [WrittenLine.model_validate_json(line) for line in file.read_text().splitlines()]
    assert tuple(kept) == again
    found = scores(again, examples)
    assert found.papers == 3
    assert 0 < found.chrf.value < 100  # neither silence nor the references themselves


def test_text_becomes_the_tokens_that_are_served(model: EmbeddedModel) -> None:
    case = find_cases([DAY], Filters()).cases[0]
    whole = model.encode(case.line, begins=True)
    assert whole[0] == 2 and whole[1:] == model.encode(case.line, begins=False)
    assert len(whole) < len(case.line)
    assert model.encode("<bos>", begins=False) != (2,)  # a paper cannot write marks
