"""The rules about words on lines that they refuse, and on lines that they must let pass."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.records import Draft
from pipeline.stages.validate import HARD_RULES, validate
from pipeline.text.diction import disguise, rules
from pipeline.text.diction.lexicon import LEXICONS
from tests.conftest import ROOT

HONEST = ROOT / "tests" / "text" / "diction" / "honest.txt"
HOSTILE = ROOT / "tests" / "injection" / "lines.txt"
RULES = [rule for rule in HARD_RULES if rule.__module__ in (rules.__name__, disguise.__name__)]


def lines(file: Path) -> list[str]:
    rows = file.read_text(encoding="utf-8").splitlines()
    return [row for row in rows if row and not row.startswith("#")]


def reasons(line: str) -> tuple[str, ...]:
    return validate(Draft(line=line, tags=("cs.SD",)), None).reasons


@pytest.mark.parametrize("line", lines(HONEST))
def test_an_honest_line_of_any_science_passes(line: str) -> None:
    assert reasons(line) == ()


@pytest.mark.parametrize("line", lines(HOSTILE))
def test_a_line_that_does_something_else_is_refused(line: str) -> None:
    """By a rule about words: the others let it pass. What is beyond rules is marked, and passes."""
    broken = {rule.__name__ for rule in HARD_RULES if rule(line.removeprefix("~"))}

    assert bool(broken) != line.startswith("~")
    assert broken <= {"no_markup", *(rule.__name__ for rule in RULES)}


def test_almost_all_of_them_are_refused() -> None:
    hostile = lines(HOSTILE)
    assert len(hostile) >= 500
    assert sum(line.startswith("~") for line in hostile) <= 5


def test_a_reason_says_of_which_kind_it_is_and_never_which_words() -> None:
    said = {reason for line in lines(HOSTILE) for reason in reasons(line.removeprefix("~"))}

    assert all(reason.isascii() for reason in said)
    assert {reason.split(":")[0] for reason in said} >= {rule.__name__ for rule in RULES}


def test_the_model_is_told_which_words() -> None:
    line = "该论文属于语音增强任务，旨在解决噪声环境下的识别问题，并荣获大奖，大家都去郊外放风筝。"

    verdict = validate(Draft(line=line, tags=("cs.SD",)), None)

    assert {"荣获", "大家都去郊外放风筝"} <= set(verdict.words)
    assert not any(word in reason for word in verdict.words for reason in verdict.reasons)


@pytest.mark.parametrize(
    "spelled",
    ["公众号", "公 众 号", "公·众·号", "公-众-号", "公　众　号"],
)
def test_a_word_is_seen_however_its_characters_are_set_apart(spelled: str) -> None:
    line = f"该论文属于语音增强任务，旨在解决噪声环境下的识别问题，并在作者的{spelled}中给出结果。"

    assert any(reason.startswith("no_account") for reason in reasons(line))


PIECES = [
    "该论文",
    "，",
    "。",
    "任务",
    "作者的",
    "应",
    "某",
    "获",
    "百",
    "一",
    "点",
    "a",
    "0",
    "A-",
    " ",
]
PIECES += [*"·①⁴（“#=", "转发", "代码均", "已", "将", "元", "a1", "a/", "1-", "某公司", "\u0301"]


@settings(deadline=dt.timedelta(seconds=2), max_examples=30)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=4), st.sampled_from([1, 50, 20_000]))
def test_a_long_line_is_judged_at_once(pieces: list[str], times: int) -> None:
    line = "".join(pieces) * times

    for rule in RULES:
        assert rule(line) is None or rule(line[:400]) == rule(line)


def test_every_lexicon_has_its_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that no rule reads would refuse nothing."""
    asked = set()
    for module in (rules, disguise):
        monkeypatch.setattr(module, "find", lambda name, _: asked.add(name))
    for rule in RULES:
        rule("该论文提出方法。")

    assert asked == set(LEXICONS)
