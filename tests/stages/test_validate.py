from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.arxiv.taxonomy import taxonomy
from pipeline.records import Draft
from pipeline.stages.validate import HARD_RULES, WARNINGS, Verdict, validate
from tests.conftest import ROOT

EXAMPLES = ROOT / "prompts" / "examples" / "20260107-audio.md"


def of_length(length: int, middle: str = "", opening: str = "该论文", end: str = "。") -> str:
    """A line that keeps every rule but perhaps those that `middle` or the length break."""
    filler = length - len(opening) - len(middle) - len(end)
    return opening + middle + "研" * filler + end


def sentences(count: int) -> str:
    task, method = (
        "该论文属于语音合成任务，旨在解决情感控制的问题。",
        "提出新方法并在公开数据集上验证了效果与速度。",
    )
    return task + method * (count - 1)


def han(count: int, of: int) -> str:
    """`count` Han characters of `of`; the full stop and the letters are none."""
    return "该论文" + "研" * (count - 3) + "x" * (of - count - 1) + "。"


def judge(line: str, tags: tuple[str, ...] = ("cs.SD",)) -> Verdict:
    return validate(Draft(line=line, tags=tags))


def names(found: tuple[str, ...]) -> list[str]:
    return [text.split(":")[0] for text in found]


def around(middle: str) -> str:
    return of_length(60, f"属于语音任务{middle}旨在解决")


BREAKS = {
    "one_line_only": [
        *map(around, ["\n", "\r", "\t", "\x00", "\x7f", "\x85", "\u2028", "\u2029"]),
        *map(around, ["\u200b", "\u200d", "\u200e", "\u202e", "\u2066", "\u2060", "\ufeff"]),
        *map(around, ["\u00ad", "\u061c", "\u180e", "\ue000", "\U000e0041", "\ufffd", "\ud83d"]),
    ],
    "ends_with_full_stop": [
        of_length(60, end="！"),
        of_length(60, end="."),
        of_length(60, end="。」"),
        of_length(60, end="。 "),
        of_length(60, end="研"),
    ],
    "one_to_three_sentences": [sentences(4), sentences(3) + "真的吗？真的。"],
    "length_40_to_120": [of_length(39), of_length(121)],
    "opens_with_the_paper": [
        of_length(60, opening=opening)
        for opening in ("此论文", " 该论文", "这项", "该文", "在该论文中", "“该论文”")
    ],
    "mostly_chinese": [han(39, of=100), han(19, of=50), han(16, of=41)],
    "no_kana_or_hangul": list(
        map(around, ["のため", "カ", "ー", "ｶ", "한국어", "ᄒ", "ㅎ", "\u3164"])
    ),
    "simplified_script": list(map(around, ["語音", "這", "訓練", "丟", "\U00020000", "\uf900"])),
    "no_markup": [
        *map(around, ["**重点**", "`x`", "https://a.b", "HTTP://a.b", "www.a.b", "[图](图)"]),
        *map(around, ["<b>", "</p>", "<script>", '<img src="x">', "<BR/>", "<!-- 注"]),
        *map(around, ["&lt;", "&#60;", "&#x3c;"]),
    ],
    "no_label": [
        *map(around, ["简介：", "摘要：", "分类 ：", "标题：", "作者：", "链接：", "备注："]),
        *map(around, ["TL;DR: ", "tldr："]),
    ],
    "no_first_person": [around("，我们")],
    "full_width_punctuation": [around(mark) for mark in (*",.;:!?", ", ", "; ")],
}
KEEPS = {
    "one_line_only": [around("，"), around(" 方法 "), around("\u00a0"), around("\u3000")],
    "ends_with_full_stop": [of_length(60)],
    "one_to_three_sentences": [of_length(60), *map(sentences, (3, 2)), sentences(3)[:-1] + "！。"],
    "length_40_to_120": [of_length(40), of_length(120)],
    "opens_with_the_paper": [
        of_length(60, opening=opening) for opening in ("该论文", "论文", "本文", "这篇")
    ],
    "mostly_chinese": [han(40, of=100), han(16, of=40), han(20, of=50), han(48, of=120)],
    "no_kana_or_hangul": list(map(around, ["αβ", "é", "Ω", "ж"])),
    "simplified_script": list(map(around, ["语音这训练", "饕餮", "VALL-E语音"])),
    "no_markup": list(map(around, ["*", "a<b", "x < y > z", "AT&T", "[0, 1]", "（图）"])),
    "no_label": list(map(around, ["摘要任务", "标题与作者", "链接", "简介"])),
    "no_first_person": [around("自我监督"), around("人们")],
    "full_width_punctuation": [
        *map(around, ["3.5倍", "GPT,语", "语, GPT", "，", "、"]),
        *map(around, ["（A, B）", "WER:3"]),
    ],
}
WARNS = {
    "length_45_to_100": ([of_length(44), of_length(101)], [of_length(45), of_length(100)]),
    "at_most_two_sentences": ([sentences(3)], [sentences(2)]),
    "no_formula": ([around("$x$"), around("$")], [around("￥")]),
}


def each(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(rule, line) for rule, lines in table.items() for line in lines]


def test_every_rule_is_tried_from_both_sides() -> None:
    hard = [rule.__name__ for rule in HARD_RULES]
    assert list(BREAKS) == list(KEEPS) == hard
    assert list(WARNS) == [rule.__name__ for rule in WARNINGS]


@pytest.mark.parametrize(("rule", "line"), each(BREAKS))
def test_a_line_that_breaks_one_hard_rule_is_refused_for_that_alone(rule: str, line: str) -> None:
    verdict = judge(line)

    assert names(verdict.reasons) == [rule]
    assert len(verdict.reasons[0]) > len(rule) + 5  # and says more than the name


@pytest.mark.parametrize(("rule", "line"), each(KEEPS))
def test_a_line_on_the_right_side_of_the_bound_passes(rule: str, line: str) -> None:
    assert judge(line).reasons == ()


@pytest.mark.parametrize(("rule", "line"), each({k: v[0] for k, v in WARNS.items()}))
def test_a_warning_is_no_reason(rule: str, line: str) -> None:
    verdict = judge(line)

    assert rule in names(verdict.warnings)
    assert verdict.reasons == ()


@pytest.mark.parametrize(("rule", "line"), each({k: v[1] for k, v in WARNS.items()}))
def test_a_line_inside_the_usual_is_not_warned_about(rule: str, line: str) -> None:
    assert rule not in names(judge(line).warnings)


@pytest.mark.parametrize("line", ["", " ", "\n", "\u3000"])
def test_an_empty_line_is_called_empty(line: str) -> None:
    assert "one_line_only: the line is empty" in judge(line).reasons


def test_every_broken_rule_is_told_at_once() -> None:
    verdict = judge("We propose **a new model**.", tags=("cs.XX",))

    assert names(verdict.reasons) == [
        "ends_with_full_stop",
        "length_40_to_120",
        "opens_with_the_paper",
        "mostly_chinese",
        "no_markup",
        "tags_in_vocabulary",
    ]


GOOD = (
    "该论文属于语音合成任务，旨在解决情感控制的问题。提出一种新的方法，并在公开数据集上验证了效果。"
)


def test_a_usual_line_has_neither_reasons_nor_warnings() -> None:
    assert judge(GOOD) == Verdict(reasons=(), warnings=())


def test_no_tags_are_refused() -> None:
    assert judge(GOOD, tags=()).reasons == ("tags_in_vocabulary: 分类 is empty",)


@pytest.mark.parametrize(
    "tag", ["cs.XX", "cs.sd", "CS.SD", "语音", "I.2.7", "68T10", "cs", "cs.SD "]
)
def test_a_tag_outside_the_vocabulary_is_named(tag: str) -> None:
    (reason,) = judge(GOOD, tags=("cs.SD", tag)).reasons

    assert reason.startswith(f"tags_in_vocabulary: not arXiv categories: {tag}")
    assert "not arXiv categories: cs.SD," not in reason


def test_the_nearest_category_is_proposed() -> None:
    (reason,) = judge(GOOD, tags=("cs.sd",)).reasons

    assert "nearest: cs.SD" in reason


def test_at_most_five_unknown_tags_are_named() -> None:
    (reason,) = judge(GOOD, tags=tuple(f"cs.X{n}" for n in range(9))).reasons

    assert "cs.X4" in reason
    assert "cs.X5" not in reason


@pytest.mark.parametrize("tag", [*taxonomy().aliases, *taxonomy().aliases.values()])
def test_an_alias_and_what_it_stands_for_are_both_accepted(tag: str) -> None:
    assert judge(GOOD, tags=(tag,)).reasons == ()


def test_every_category_of_arxiv_is_accepted() -> None:
    assert judge(GOOD, tags=tuple(taxonomy().categories)).reasons == ()


def test_all_26_lines_of_the_example_digest_pass() -> None:
    text = EXAMPLES.read_text(encoding="utf-8")
    lines = re.findall(r"^- \*\*简介: (.*)\*\*$", text, re.MULTILINE)
    tags = re.findall(r"^- \*\*分类: (.*)\*\*$", text, re.MULTILINE)

    assert len(lines) == len(tags) == 26
    for line, tag in zip(lines, tags, strict=True):
        assert judge(line, tuple(tag.split("; "))).reasons == ()


@given(st.text(st.characters(exclude_categories=()), max_size=130))
def test_any_line_gets_a_verdict(line: str) -> None:
    verdict = judge(line)

    known = {rule.__name__ for rule in HARD_RULES}
    assert set(names(verdict.reasons)) <= known
    if not verdict.reasons:
        assert 40 <= len(line) <= 120
        assert line.isprintable() or any(char in line for char in "\u00a0\u3000")
