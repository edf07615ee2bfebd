"""Every reply is asked for once ever; what was judged by older rules is only judged again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.app import open_bench
from pipeline.clock import Clock
from pipeline.config import load_config
from pipeline.evaluate.answers import Writer, answers, orders, work_left
from pipeline.evaluate.bench import Bench
from pipeline.evaluate.cases import Filters, find_cases
from pipeline.evaluate.results import System
from pipeline.evaluate.scores import score
from pipeline.evaluate.texts import texts
from pipeline.prompt.variant import load_variant
from pipeline.stages import validate
from tests.conftest import ROOT
from tests.evaluate.test_cases import EXAMPLES
from tests.standins.model import Answer, StandInModel, good_answer, reply
from tests.standins.model_faults import first
from tests.standins.settings import write_config

CASES = find_cases([EXAMPLES], Filters()).cases[:4]


@pytest.fixture
def model() -> Iterator[StandInModel]:
    with StandInModel() as opened:
        yield opened


@pytest.fixture
def bench(tmp_path: Path, model: StandInModel) -> Iterator[Bench]:
    config = load_config(write_config(tmp_path, "http://127.0.0.1:1", model.url))
    with open_bench({"standin": config}, Clock(), "test", full_text=False) as opened:
        yield opened


def writer() -> Writer:
    variant = load_variant("zero-shot", ROOT / "prompts")
    return Writer(
        System(
            name="zero-shot",
            variant="zero-shot",
            prompt_hash=variant.hash,
            description="x",
            profile="standin",
            model="standin-1",
            temperature=0.0,
        ),
        variant,
    )


def nothing() -> None:
    pass


def ask(bench: Bench, repeat: int = 1) -> list[dict[str, float | None]]:
    todo = list(orders([writer()], CASES, texts(bench, CASES, nothing), repeat))
    return [dict(score(answer).scores) for answer in answers(bench, todo, nothing)]


def no_thanks(line: str) -> str | None:
    """A rule that no line keeps."""
    return f"has {len(line)} characters"


def test_a_stricter_rule_judges_again_without_a_call(
    bench: Bench, model: StandInModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [scores["valid"] for scores in ask(bench)] == [100] * 4
    asked = len(model.requests)

    monkeypatch.setattr(validate, "HARD_RULES", (*validate.HARD_RULES, no_thanks))

    assert [scores["valid"] for scores in ask(bench)] == [0] * 4
    assert len(model.requests) == asked == 4


def test_a_laxer_rule_judges_again_without_a_call(
    bench: Bench, model: StandInModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as stricter:
        stricter.setattr(validate, "HARD_RULES", (*validate.HARD_RULES, no_thanks))
        assert [scores["valid"] for scores in ask(bench)] == [0] * 4
    asked = len(model.requests)
    assert asked == 3 * 4

    scores = ask(bench)
    assert [one["valid-first"] for one in scores] == [100] * 4
    assert len(model.requests) == asked


def test_what_was_stored_but_never_judged_goes_on_where_it_stopped(
    bench: Bench, model: StandInModel
) -> None:
    """As after a kill between a refused reply and the next one."""
    model.answer = first(1, lambda _: Answer(text=reply("English.")))
    ask(bench)
    asked = len(model.requests)
    (key,) = bench.store.file.rows("SELECT key FROM replies WHERE attempt = 1")[0]
    with bench.store.file.write() as db:
        db.execute("DELETE FROM replies WHERE key = ? AND attempt = 1", (key,))
        db.execute("UPDATE replies SET reasons = NULL WHERE key = ?", (key,))

    assert [scores["valid"] for scores in ask(bench)] == [100] * 4
    assert len(model.requests) == asked + 1


def test_a_declined_paper_is_not_asked_again(bench: Bench, model: StandInModel) -> None:
    model.answer = lambda _: Answer(text="", refusal="I will not")
    assert [scores["valid"] for scores in ask(bench)] == [0] * 4
    asked = len(model.requests)
    assert [scores["content-chrf"] for scores in ask(bench)] == [0] * 4
    assert len(model.requests) == asked == 4


def test_work_left_counts_only_what_is_not_paid_for(bench: Bench, model: StandInModel) -> None:
    todo = list(orders([writer()], CASES, texts(bench, CASES, nothing), 2))
    assert work_left(bench, todo)["zero-shot"].calls == 8
    ask(bench)
    left = work_left(bench, todo)["zero-shot"]
    assert left.calls == 4
    assert left.tokens_in > 4 * 1000  # the categories alone have as many
    assert left.tokens_out == 4 * 400
    assert left.cost == pytest.approx((left.tokens_in + 2 * left.tokens_out) / 1e6)
    assert len(model.requests) == 4


def test_costs_are_those_of_all_tries(bench: Bench, model: StandInModel) -> None:
    model.answer = first(2, lambda _: Answer(text=reply("English.")), good_answer)
    scores = ask(bench)
    once = min(one["tokens-in"] or 0 for one in scores)
    assert sum(one["tokens-in"] or 0 for one in scores) > 5.9 * once
    assert all((one["cost"] or 0) > 0 for one in scores)
