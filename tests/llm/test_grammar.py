from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.categories import taxonomy
from pipeline.llm.grammar import json_reply, labelled_reply
from pipeline.llm.names import names
from pipeline.text.grounding import Source, ungrounded
from pipeline.text.reply import MOST_TAGS, parse_reply

TEXT = (
    "Title: WavLM-Large at 16.5 kHz\nAbstract: Text-to-speech of 24,000 dysarthric speakers, seven"
)
LINE = "该论文属于语音处理任务，旨在解决编号7的问题。"
CATEGORIES = sorted(taxonomy().categories)

_RULE = re.compile(r"^(\w+) ::= (.*)$", re.MULTILINE)
_PART = re.compile(
    r'"(?P<literal>(?:[^"\\]|\\.)*)"|(?P<class>\[[^\]]+\][+*]?)|(?P<rule>\w+)'
    r"|(?P<operator>[()|?*+]|\{\d+,\d+\})|(?P<space>\s+)"
)


@cache
def _accepts(form: Callable[[str], str], text: str) -> re.Pattern[str]:
    """The grammar as a regular expression; it uses the part of GBNF that is one."""
    rules = dict(_RULE.findall(form(text)))
    needed = {"root", "tag", "line", "other"}
    assert needed <= set(rules) <= needed | {"word"}
    return re.compile(_expression(rules["root"], rules))


def _expression(rule: str, rules: dict[str, str]) -> str:
    pieces, at = [], 0
    while at < len(rule):
        part = _PART.match(rule, at)
        assert part is not None, rule[at : at + 20]
        at = part.end()
        if part["literal"] is not None:
            pieces.append(re.escape(_unescaped(part["literal"])))
        elif part["rule"]:
            pieces.append(f"(?:{_expression(rules[part['rule']], rules)})")
        elif not part["space"]:
            pieces.append(part[0])
    return "".join(pieces)


def _unescaped(literal: str) -> str:
    return literal.replace("\\n", "\n").replace('\\"', '"')


def accepted(
    reply_text: str, paper: str = TEXT, *, form: Callable[[str], str] = labelled_reply
) -> bool:
    return _accepts(form, paper).fullmatch(reply_text) is not None


def reply(*tags: str, line: str = LINE) -> str:
    return f"分类: {'; '.join(tags)}\n简介: {line}"


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_active_category_is_a_tag(category: str) -> None:
    assert accepted(reply(category))


@pytest.mark.parametrize("tag", ["phys.exp", "cs.XX", "I.2.7", "cs.sd", "cmp-lg", ""])
def test_nothing_else_is_a_tag(tag: str) -> None:
    assert not accepted(reply(tag))
    assert not accepted(reply("cs.SD", tag))


@pytest.mark.parametrize(("number", "fits"), [(0, False), (1, True), (8, True), (9, False)])
def test_there_are_one_to_eight_tags(number: int, fits: bool) -> None:
    assert MOST_TAGS == 8
    assert accepted(reply(*CATEGORIES[:number])) is fits


@pytest.mark.parametrize(
    "text",
    [
        f"简介: {LINE}",
        "分类: cs.SD",
        "分类: cs.SD\n简介: ",
        f"分类: cs.SD\n简介: {LINE}\n",
        f"分类: cs.SD\n简介: {LINE}\n还有",
        f"好的。分类: cs.SD\n简介: {LINE}",
        f"分类: cs.SD, eess.AS\n简介: {LINE}",
        f"分类: cs.SD;eess.AS\n简介: {LINE}",
        f"分类：cs.SD\n简介：{LINE}",
        f"分类: csXSD\n简介: {LINE}",
    ],
)
def test_there_is_one_form(text: str) -> None:
    assert not accepted(text)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(CATEGORIES), min_size=1, max_size=8, unique=True),
    st.lists(st.sampled_from([*'该论文语音，。： ;-"\\', "WavLM的", "16.5，", "TTS、"]), min_size=1)
    .map("".join)
    .filter(str.strip),
)
def test_what_the_grammar_accepts_the_parser_reads(tags: list[str], line: str) -> None:
    text = reply(*tags, line=line)

    assert accepted(text)
    draft = parse_reply(text)
    assert draft.tags == tuple(tags)
    assert draft.line == line.strip()


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(CATEGORIES), min_size=1, max_size=8, unique=True),
    st.lists(st.sampled_from([*"该论文语音，。： ;", "WavLM-Large的", "16.5，"])).map("".join),
)
def test_json_that_the_grammar_accepts_is_read(tags: list[str], rest: str) -> None:
    text = json.dumps({"分类": tags, "简介": f"该论文{rest}"}, ensure_ascii=False)

    assert accepted(text, form=json_reply)
    assert parse_reply(text).tags == tuple(tags)
    assert parse_reply(text).line == f"该论文{rest}".strip()


@pytest.mark.parametrize(
    "text",
    [
        '{"分类": [], "简介": "该论文。"}',
        '{"分类": ["音频"], "简介": "该论文。"}',
        '{"分类": ["cs.SD"], "简介": "该"}',
        '{"分类": ["cs.SD"], "简介": ": 该论文。"}',
        '{"分类": ["cs.SD"], "简介": "该论文<b>好</b>。"}',
        '{"分类": ["cs.SD"], "简介": "该论文。{{"}',
        '{"分类": ["cs.SD"], "简介": "该论文说\\"好\\"。"}',
        '{"分类": ["cs.SD"], "简介": "该论文用Conformer。"}',
        '{"分类": ["cs.SD"], "简介": "该论文用Large-WavLM。"}',
        '{"分类": ["cs.SD"], "简介": "该论文。"} 还有',
        f'{{"分类": ["cs.SD"], "简介": "该{"论文" * 61}"}}',
        '{"简介": "该论文。"}',
    ],
)
def test_json_has_one_form(text: str) -> None:
    assert not accepted(text, form=json_reply)


@pytest.mark.parametrize(
    "name",
    (
        "WavLM",
        "wavlm",
        "WavLM-Large",
        "Large",
        "16.5",
        "24,000",
        "Text-to-speech",
        "TTS",
        "dysarthric",
        "Dysarthric",
        "speaker",
        "7",
    ),
)
def test_a_line_may_copy_names_and_numbers(name: str) -> None:
    assert accepted(reply("cs.SD", line=f"提出{name}方法。"))
    assert accepted(reply("cs.SD", line=f"{name}方法用{name}"))


@pytest.mark.parametrize(
    "name",
    (
        "dysarthic",
        "Conformer",
        "WavL",
        "WavLMLarge2",
        "LargeWavLM",
        "16.4",
        "165",
        "24.000",
        "TTT",
        "Café",
        "α",
        "７",
    ),
)
def test_a_line_cannot_have_others(name: str) -> None:
    assert not accepted(reply("cs.SD", line=f"提出{name}方法。"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "只有中文。",
        "α β",
        '"\\" [^x] ::=',
        "a" * 3000,
        "A1-" * 900,
        " ".join("a" * n for n in range(99)),
    ],
)
def test_any_text_gives_a_grammar(text: str) -> None:
    assert accepted(reply("cs.SD", line="提出方法。"), text)


@settings(deadline=None)
@given(st.text("abcXYZ019.,-_/+'& \n$\\{}éαß２", max_size=60))
def test_every_name_of_a_text_is_grounded_in_it(text: str) -> None:
    for name in names(text):
        assert not ungrounded(f"提出{name}方法。", Source((text,)))
        assert accepted(reply("cs.SD", line=f"提出{name}方法。"), text)
