"""What of a prompt may change, how the cases are split, and what a proposal may not be."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipeline.errors import PromptError, UsageError
from pipeline.evaluate.results import Case
from pipeline.optimize.objections import Known, objections
from pipeline.optimize.parts import LEAST, parts_of
from pipeline.optimize.pieces import Pieces, pieces_of
from pipeline.prompt.variant import variant_of
from tests.conftest import ROOT
from tests.evaluate.made import case

PROMPTS = ROOT / "prompts"
WITH_INSTRUCTIONS = sorted(
    file.stem for file in PROMPTS.glob("*.md") if "=== system ===" in file.read_text("utf-8")
)


def of(name: str) -> Pieces:
    file = PROMPTS / f"{name}.md"
    return pieces_of(file.read_text(encoding="utf-8"), file)


@pytest.mark.parametrize("name", WITH_INSTRUCTIONS)
def test_of_a_shipped_prompt_only_the_rules_are_free(name: str) -> None:
    pieces = of(name)
    text = "\n".join(pieces.free.values())
    assert "以“该论文”开头" in text
    for frozen in ("{", "}", "<paper>", "<example>", '"分类"', "JSON", "任务：", "不要执行"):
        assert frozen not in text, frozen


@pytest.mark.parametrize("name", WITH_INSTRUCTIONS)
def test_other_texts_leave_all_else_as_it_was(name: str) -> None:
    pieces = of(name)
    assert pieces.with_texts(pieces.free) == pieces.source == pieces.with_texts({})
    changed = pieces.with_texts(dict.fromkeys(pieces.free, "新的规则。"))
    assert changed.count("新的规则。") == len(pieces.free)
    again = pieces_of(changed, PROMPTS / "new.md")
    assert again.with_texts(pieces.free) == pieces.source
    variant = variant_of(changed, PROMPTS / "new.md", PROMPTS)
    assert (
        variant.name == "new"
        and variant.hash != variant_of(pieces.source, PROMPTS / f"{name}.md", PROMPTS).hash
    )


def test_free_paragraphs_that_follow_each_other_are_one_piece() -> None:
    source = (
        "---\ndescription: x\ncontext: abstract\ntext_tokens: 800\n---\n"
        "=== system ===\n\n甲。\n\n乙。\n\n{{ language }} 丙\n\n丁。\n\n\n戊。\n"
        "=== user ===\n{{ title }}\n"
    )
    pieces = pieces_of(source, Path("x.md"))
    assert dict(pieces.free) == {"instructions": "甲。\n\n乙。", "instructions-2": "丁。\n\n\n戊。"}
    assert pieces.marked("instructions-2") == "\n甲。\n\n乙。\n\n{{ language }} 丙\n\n[[…]]\n"


def test_a_prompt_without_instructions_has_nothing_to_change() -> None:
    with pytest.raises(PromptError, match="has no text that may change"):
        of("builtin")


def days(*sizes: int) -> list[Case]:
    """Cases of days in a row."""
    made: list[Case] = []
    for day, size in enumerate(sizes):
        for _ in range(size):
            one = case(len(made) + 1)
            made.append(one.model_copy(update={"date": dt.date(2026, 1, 1 + day)}))
    return made


def test_the_last_days_are_sealed_and_no_paper_is_in_two_parts() -> None:
    cases = days(*[10] * 10)
    learn, choose, sealed = parts_of(list(reversed(cases)))
    assert [len(learn), len(choose), len(sealed)] == [30, 30, 40]
    assert learn[-1].date < choose[0].date and choose[-1].date < sealed[0].date
    assert len({one.id for one in (*learn, *choose, *sealed)}) == 100


def test_days_stay_whole_where_there_are_enough() -> None:
    learn, choose, sealed = parts_of(days(7, 9, 4, 11, 8, 13))
    assert learn[-1].date < choose[0].date and choose[-1].date < sealed[0].date


@pytest.mark.parametrize("sizes", [(26,), (40, 1, 1, 1, 1), (1, 1, 1, 1, 40), (12,), (6, 6)])
def test_every_part_has_cases(sizes: tuple[int, ...]) -> None:
    assert all(parts_of(days(*sizes)))


def test_too_few_cases_are_told() -> None:
    with pytest.raises(UsageError, match="too few"):
        parts_of(days(LEAST - 1))


ABSTRACT = "We propose a masked codec transformer for low resource speech recognition in cars."
MUSIC = "该论文属于音乐生成任务，旨在解决旋律与歌词难以对齐的问题。"
CASES = [
    one.model_copy(
        update={
            "paper": one.paper.model_copy(update={"abstract": ABSTRACT if at == 0 else "Other."}),
            "line": MUSIC if at == 1 else one.line,
        }
    )
    for at, one in enumerate(case(number) for number in range(1, 9))
]
BEFORE = of("zero-shot").free["instructions"]
KNOWN = Known(CASES, BEFORE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "是空的"),
        (" \n", "是空的"),
        ("写" * 5000, "太长"),
        ("先看 {{ title }}。", "符号"),
        ("{% for x in y %}", "符号"),
        ("放在 <paper> 里", "符号"),
        ("=== user ===", "符号"),
        ("见 https://example.org", "符号"),
        ("```\n规则\n```", "符号"),
        ('{"分类": ["eess.AS"], "简介": "……。"}', "符号"),
        ("先想一想。\n分类：cs.SD", "符号"),
        ("写得具体\u202e。", "控制字符"),
        ("例如 a masked codec transformer for low resource 的方法。", "照抄"),
        ("例如“旨在解决旋律与歌词难以对齐的问题”。", "照抄"),
        ("例如：旨在，解决旋律，与歌词，难以对齐。", "照抄"),
    ],
)
def test_what_a_proposal_may_not_be(text: str, said: str) -> None:
    assert any(said in one for one in objections(text, BEFORE, KNOWN))


@pytest.mark.parametrize(
    "text",
    [
        BEFORE,
        BEFORE + "\n- 写出方法的名称和它怎样起作用，不要只说“提升性能”。",
        "一行简体中文，先说任务，再说问题，最后说方法；名称保留原文。",
        "该论文属于语音识别任务，旨在解决噪声问题。",  # what every one of these references says
    ],
)
def test_rules_in_general_words_may_be(text: str) -> None:
    assert objections(text, BEFORE, KNOWN) == []
