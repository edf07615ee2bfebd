from __future__ import annotations

import json
import random
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import Claim, Draft, JsonForm, LinePart
from pipeline.text.reply import ReplyMalformed, parse_reply
from pipeline.text.schemas import JSON_SCHEMAS

LINE = "该论文属于语音合成任务，旨在解决情感控制的问题。"
DRAFT = Draft(line=LINE, tags=("cs.SD", "eess.AS"))
JSON = json.dumps({"分类": ["cs.SD", "eess.AS"], "简介": LINE}, ensure_ascii=False)
LABELLED = f"分类: cs.SD; eess.AS\n简介: {LINE}"


@pytest.mark.parametrize(
    "text",
    [
        JSON,
        json.dumps({"简介": LINE, "分类": ["cs.SD", "eess.AS"]}),  # \u escapes, other order
        json.dumps({"分类": [" cs.SD ", "eess.AS\n"], "简介": f"  {LINE}\n"}, indent=2),
        json.dumps({"分类": ["cs.SD", "eess.AS"], "简介": LINE, "理由": "x", "n": [1, {}]}),
        f"```json\n{JSON}\n```",
        f"```\n{JSON}\n```",
        f"\n\n```JSON  \n  {JSON}  \n```\n",
        f"{JSON}\n\n希望这对您有帮助！{{不是 JSON}}",
        f"{JSON}{JSON}",
        f"<think>\n先看标题。{{}}\n简介: 不是这个\n</think>\n\n{JSON}",
        f"  <think></think>```json\n{JSON}\n```",
        f"```json {JSON} ```",
        f"~~~\n{JSON}\n~~~",
        f"好的，以下是结果：\n\n```json\n{JSON}\n```\n\n如需修改请告诉我。",
        f"好的，以下是结果：{JSON} 希望有帮助",
        f"对于集合 {{x}} 与 {{y}}：{JSON}",
        f"{{}} {JSON} {{}}",
        f'置信度 {{"confidence": 0.9}}\n{JSON}',
        f"{JSON}\n```json\n{JSON}\n```\n{JSON}",  # the same answer
        f'{JSON}\n备选：{{"分类": ["cs.LG"], "简介": "被截断',  # the second is no answer
        f"{JSON}\n分类: cs.LG\n简介: 另一条。",  # nor is what follows in another form
        f'{{"result": {JSON}}}',
        f'{{"result": {{"entry": {JSON}}}}}',
        f"[{JSON}]",
        f"[[{JSON}]]",
        f'{{"results": [{JSON}]}}',
        f"\ufeff{JSON}",
        json.dumps({"分类": "cs.SD; eess.AS", "简介": LINE}),
        json.dumps({"简介": LINE, "分类": "cs.SD，eess.AS"}),
        json.dumps({"分类": "cs.SD eess.AS ", "简介": LINE}),
        JSON[:-1] + f', "简介": "{LINE}"}}',  # twice the same
    ],
)
def test_the_json_form(text: str) -> None:
    assert parse_reply(text) == DRAFT


@pytest.mark.parametrize(
    "text",
    [
        LABELLED,
        f"简介: {LINE}\n分类: cs.SD; eess.AS",
        f"分类：cs.SD；eess.AS\n简介：{LINE}",
        f"分类 ： cs.SD; eess.AS\n\n\n  简介 :\t{LINE}  \n",
        f"- 分类: cs.SD; eess.AS\n- 简介: {LINE}",
        f"* 分类: cs.SD; eess.AS\n* 简介: {LINE}",
        LABELLED.replace("\n", "\r\n"),
        f"好的，以下是结果。\n{LABELLED}\n希望有帮助！",
        f"```\n{LABELLED}\n```",
        f"```text\n{LABELLED}\n```",
        f"<think>简介: 草稿\n分类: cs.XX</think>\n{LABELLED}",
        f"{LABELLED}\n简介: 第二个。\n分类: cs.LG",  # the first answer
        f"{LABELLED}\n\nTitle: Another\n{LABELLED.replace('cs.SD', 'cs.LG')}",
        f"{LABELLED}\n该行之后的文字不属于简介。",
        f"**分类**：cs.SD; eess.AS\n**简介**：{LINE}",
        f"**分类：** cs.SD; eess.AS\n\n**简介：** {LINE}",
        f"- **分类: cs.SD; eess.AS**\n\n- **简介: {LINE}**\n",  # the digest's own form
        f"- **分类**: cs.SD; eess.AS\n- **简介**: {LINE}",
        f"* **简介：**{LINE}\n* **分类：**cs.SD; eess.AS",
        f"1. 分类：cs.SD; eess.AS\n2. 简介：{LINE}",
        f"### 分类：cs.SD; eess.AS\n### 简介：{LINE}",
        f"> 分类：cs.SD; eess.AS\n> 简介：{LINE}",
        f"\u3000分类\u3000：cs.SD; eess.AS\n\u3000简介\u3000：\u3000{LINE}\u3000",
        f"\ufeff{LABELLED}",
        f'元数据 {{"lang": "zh"}}\n{LABELLED}',
        f"对于 {{x}}：\n{LABELLED}",
    ],
)
def test_the_labelled_form(text: str) -> None:
    assert parse_reply(text) == DRAFT


@pytest.mark.parametrize(
    "tags",
    [
        "cs.SD; eess.AS",
        "cs.SD;eess.AS",
        "cs.SD；eess.AS",
        "cs.SD, eess.AS",
        "cs.SD，eess.AS",
        "cs.SD、eess.AS",
        "cs.SD eess.AS",
        "cs.SD\u3000eess.AS",
        "; cs.SD ;; ， eess.AS ;",
        "cs.SD; eess.AS; cs.SD; eess.AS",
    ],
)
def test_tags_are_split_at_every_separator_and_stand_once(tags: str) -> None:
    assert parse_reply(f"分类: {tags}\n简介: {LINE}").tags == ("cs.SD", "eess.AS")


def test_duplicate_and_empty_tags_in_json_go_and_the_order_stays() -> None:
    text = json.dumps({"分类": ["eess.AS", "", " ", "cs.SD", "eess.AS "], "简介": LINE})

    assert parse_reply(text).tags == ("eess.AS", "cs.SD")


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("```\n\n```", "empty"),
        ("<think>no answer</think>\n", "empty"),
        ("This paper proposes a new codec for speech.", "no 分类"),
        ("好的，我来介绍这篇论文。", "no 分类"),
        (f"简介: {LINE}", "no 分类"),
        ("分类: cs.SD", "no 简介"),
        ("分类: cs.SD\n简介:", "no 简介"),
        ("分类: cs.SD\n简介: \n", "no 简介"),
        (f"分类:\n简介: {LINE}", "no 分类"),
        (f"本文的分类: cs.SD\n简介: {LINE}", "no 分类"),  # a label opens its line
        ("[]", "no 分类"),
        ("{}", "'分类'"),
        ('{"分类": ["cs.SD"]}', "'简介'"),
        (f'{{"简介": "{LINE}"}}', "'分类'"),
        ('{"分类": "cs.SD"}', "'简介'"),
        (f'{{"分类": {{"0": "cs.SD"}}, "简介": "{LINE}"}}', "'分类'"),
        (f'{{"分类": 3, "简介": "{LINE}"}}', "'分类'"),
        (f'{{"分类": null, "简介": "{LINE}"}}', "'分类'"),
        (f'{{"分类": ["cs.SD", 3], "简介": "{LINE}"}}', "'分类.1'"),
        ('{"分类": ["cs.SD"], "简介": null}', "'简介'"),
        ('{"分类": ["cs.SD"], "简介": ["该论文"]}', "'简介'"),
        ('{"tags": ["cs.SD"], "line": "该论文"}', "'分类'"),  # our own names are not the form
        (f'{{"a": 1, "answer": {JSON}}}', "'分类'"),  # inside of something else
        (f'{{"answer": [{JSON}, {JSON}]}}', "'分类'"),
        (f'{{"answer": "{LINE}"}}', "'分类'"),
        ('{"分类": ["cs.SD"], "简介：": "该论文"}', "'简介'"),
        (JSON[:-1], "not whole JSON"),
        (JSON[:-3], "not whole JSON"),
        (f"结果：{JSON[:-3]}", "not whole JSON"),
        (f'{{"answer": {JSON}', "not whole JSON"),  # what is whole stands in what is not
        (f"{{'note': 1, 'answer': {JSON}}}", "not whole JSON"),
        (f'{{"note": nothing, "answer": {JSON}}}', "not whole JSON"),
        (f'{{"a": "\n{LABELLED}\n', "not whole JSON"),
        (f'{{"分类": ["cs.SD"], "简介": "该论文\n{LINE}"}}', "not whole JSON"),  # two lines
        ("{", "not whole JSON"),
        ('分类: cs.SD\n简介: 该论文研究{"一"}。', "not whole JSON"),  # is this an object or not?
        (f"{{'分类': ['cs.SD'], '简介': '{LINE}'}}", "not whole JSON"),
        ('{"分类": ' + "[" * 100_000, "not whole JSON"),
        ('{"分类": [], "简介": ' + "1" * 5_000 + "}", "not whole JSON"),
        ('{"a": ' * 100_000 + JSON + "}" * 100_000, "not whole JSON"),
        (r'{"分类": ["cs.SD"], "简介": "该论文\ud83d"}', "surrogate"),
        (r'{"分类": ["cs.SD", "\udc00"], "简介": "该论文"}', "surrogate"),
        ("分类: cs.SD\n简介: 该论文\ud83d", "surrogate"),
    ],
)
def test_what_is_not_there_is_named_and_never_invented(text: str, missing: str) -> None:
    with pytest.raises(ReplyMalformed) as caught:
        parse_reply(text)

    assert missing in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


SECOND = JSON.replace("情感", "语速")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{JSON}\n{SECOND}", "2 different answers"),
        (f"草稿：{JSON}\n修改后：{SECOND}", "2 different answers"),
        (f"[{JSON}, {SECOND}]", "2 different answers"),
        (f"{JSON}{SECOND}{JSON}{JSON.replace('cs.SD', 'cs.LG')}", "3 different answers"),
        (f"{JSON}\n{JSON.replace('cs.SD', 'cs.LG')}", "2 different answers"),
        ('{"分类": ["cs.SD"]}\n{"简介": "该论文研究语音。"}', "'简介'"),  # not put together
        (f'{{"简介": "该论文研究语音。"}}\n{JSON}', "'分类'"),
        (f"分类: cs.SD\n分类: cs.LG\n简介: {LINE}", "分类 twice in a row"),
        (f"简介: 草稿。\n简介: {LINE}\n分类: cs.SD", "简介 twice in a row"),
        (JSON[:-1] + ', "简介": "该论文研究音乐。"}', "stands twice"),
        (JSON[:-1] + ', "分类": ["cs.LG"]}', "stands twice"),
        (JSON[:-1] + ', "分类": "cs.SD; eess.AS"}', "stands twice"),
        (JSON[:-1] + r', "\u7b80\u4ecb": "该论文研究音乐。"}', "stands twice"),
        (f'{JSON[:-1]}, "x": {{"a": 1, "a": 2}}}}', "stands twice"),
        (f'{JSON}\n{{"n": 1, "n": 2}}', "stands twice"),
    ],
)
def test_two_answers_are_none(text: str, reason: str) -> None:
    with pytest.raises(ReplyMalformed, match=reason):
        parse_reply(text)


@pytest.mark.parametrize(
    "reasoning",
    [
        "<think>先看标题。</think>",
        "先看标题，没有开头的标签。\n</think>\n\n",
        f"例如 {SECOND}</think>",
        f"<think>{SECOND}</think>",
        "<think>分类: cs.LG\n简介: 草稿。\n</think>\n",
        "<think>一</think><think>二</think>",
        f"<think>一</think>\n好的。\n<think>{SECOND}</think>\n",
        f"<think>一 <think>二</think> {SECOND}</think>",
        f"先答：{SECOND}\n<think>不对。</think>\n",
        "<THINK>一</THINK>",
        "<thinking>一</thinking>",
        "<thought>一</thought>",
        "<reasoning>一</reasoning>",
        "[THINK]一[/THINK]",
    ],
)
@pytest.mark.parametrize("answer", [JSON, LABELLED, f"```json\n{JSON}\n```"])
def test_reasoning_is_no_part_of_the_answer(reasoning: str, answer: str) -> None:
    assert parse_reply(reasoning + answer) == DRAFT


@pytest.mark.parametrize(
    "text",
    [
        f"<think>{JSON}",
        f"<think>先看标题。\n{LABELLED}",
        f"<think>一</think>\n<think>{JSON}",
        f"{JSON}<think>再想想",
        f"[THINK]{JSON}",
        JSON.replace("情感", "<think>"),
    ],
)
def test_reasoning_without_an_end_has_no_answer(text: str) -> None:
    with pytest.raises(ReplyMalformed, match="reasoning without an end"):
        parse_reply(text)


@pytest.mark.parametrize(
    "text", [f"{JSON}</think>", f"<think>{JSON}</think>", f"{LABELLED}</think>"]
)
def test_what_only_the_reasoning_says_is_no_answer(text: str) -> None:
    with pytest.raises(ReplyMalformed, match="empty"):
        parse_reply(text)


QUOTES = "该论文研究“情感”，即“语气：轻重”，并以[1]为基础，提出{新}方法。"


@pytest.mark.parametrize(
    "text",
    [
        '{"分类"：["cs.SD"，"eess.AS"]，"简介"："LINE"}',
        '{"分类"： ["cs.SD"， "eess.AS"]， "简介"： "LINE"}',
        '{"分类": ["cs.SD", "eess.AS"], "简介": "LINE",}',
        '{"分类": ["cs.SD", "eess.AS",], "简介": "LINE"}',
        '{\n  "分类": [\n    "cs.SD",\n    "eess.AS",\n  ],\n  "简介": "LINE",\n}\n',
        "{“分类”: [“cs.SD”, “eess.AS”], “简介”: “LINE”}",
        "{“分类”：[“cs.SD”，“eess.AS”]，“简介”：“LINE”}",
        "{“简介”：“LINE”，“分类”：“cs.SD; eess.AS”，}",
        "｛“分类”：［“cs.SD”，“eess.AS”］，“简介”：“LINE”｝",
        "{＂分类＂：[＂cs.SD＂，＂eess.AS＂]，＂简介＂：＂LINE＂}",
        '{“分类”: ["cs.SD", "eess.AS"], "简介": “LINE”}',
        '他说“好的”，结果："如下" {"分类"：["cs.SD"，"eess.AS"]，"简介"："LINE"} 希望“有帮助”',
        "```json\n{“分类”：[“cs.SD”，“eess.AS”]，“简介”：“LINE”}\n```",
        '{"结果"：{"分类"：["cs.SD"，"eess.AS"]，"简介"："LINE"}}',
    ],
)
@pytest.mark.parametrize("line", [LINE, QUOTES])
def test_chinese_punctuation_in_the_place_of_jsons(text: str, line: str) -> None:
    assert parse_reply(text.replace("LINE", line)) == Draft(line=line, tags=DRAFT.tags)


@pytest.mark.parametrize(
    "line",
    [
        QUOTES,
        "该论文研究“情感”，,］。",
        '该论文研究"情感"，,]，,}。',
        "该论文：“，，,}”",
        r"该论文研究 \alpha 与 C:\n。",
    ],
)
def test_what_stands_in_quotes_is_not_mended(line: str) -> None:
    good = json.dumps({"分类": ["cs.SD"], "简介": line}, ensure_ascii=False)

    assert parse_reply(good).line == line
    assert parse_reply(good.replace('"简介": ', '"简介"：')).line == line
    assert parse_reply(good[:-1] + ",}").line == line


@pytest.mark.parametrize(
    "text",
    [
        "{“分类”：[“cs.SD”]，“简介”：“该论文",
        "{“分类”：[“cs.SD”]，“简介”：“该论文”",
        "{“分类”：[“cs.SD”]，“简介”：“该论文“一”。}",
        "{“分类”：[“cs.SD”]，“简介”：该论文。}",
        "{“分类” [“cs.SD”]，“简介”：“该论文。”}",
        "{“分类”：[“cs.SD”]，，“简介”：“该论文。”}",
        '{"分类"：["cs.SD"]，"简介"："该论文"一"。"}',
    ],
)
def test_what_cannot_be_mended_is_malformed(text: str) -> None:
    with pytest.raises(ReplyMalformed, match="not whole JSON"):
        parse_reply(text)


def test_mended_json_may_not_contradict_itself() -> None:
    with pytest.raises(ReplyMalformed, match="stands twice"):
        parse_reply("{“分类”：[“cs.SD”]，“简介”：“该论文一。”，“简介”：“该论文二。”}")
    with pytest.raises(ReplyMalformed, match="2 different answers"):
        parse_reply("{“分类”：“cs.SD”，“简介”：“一。”} {“分类”：“cs.SD”，“简介”：“二。”}")


@pytest.mark.parametrize(
    "text", ['{"分类": [], "简介": ""}', '{"分类": [" "], "简介": "\\n"}', '{"分类":[],"简介":" "}']
)
def test_an_empty_value_stays_empty_for_validation_to_refuse(text: str) -> None:
    assert parse_reply(text) == Draft(line="", tags=())


@pytest.mark.parametrize(
    "text",
    [
        "访问 https://x.example 领奖",
        '{"访问": 1}',
        '{"访问": 1, "访问": 2}',
        '{"分类": "访问", "简介": {"访问": 1}}',
        '{"分类": ["访问"], "简介": "访问',
        '{"分类": ["访问"], "简介": 访问}',
        '{"分类": ["访问"], "简介": "访问\\访问"}',
        "分类: 访问\n分类: 访问",
        "<think>访问",
    ],
)
def test_a_reason_repeats_no_word_of_the_reply(text: str) -> None:
    with pytest.raises(ReplyMalformed) as caught:
        parse_reply(text)

    assert "访问" not in str(caught.value)


@pytest.mark.parametrize(
    ("form", "keys"), [("entry", {"分类", "简介"}), ("quoted", {"分类", "简介", "依据"})]
)
def test_the_schema_asks_for_its_keys_and_no_other(form: JsonForm, keys: set[str]) -> None:
    schema = JSON_SCHEMAS[form]["schema"]

    assert set(schema["properties"]) == set(schema["required"]) == keys
    assert schema["additionalProperties"] is False
    assert re.fullmatch("[a-zA-Z0-9_-]{1,64}", JSON_SCHEMAS[form]["name"])
    assert JSON_SCHEMAS[form]["strict"] is True


def test_the_schema_has_only_what_strict_structured_outputs_take() -> None:
    schema = JSON_SCHEMAS["entry"]["schema"]

    assert set(schema) == {"type", "description", "properties", "required", "additionalProperties"}
    assert {key: set(value) for key, value in schema["properties"].items()} == {
        "分类": {"type", "items", "description"},
        "简介": {"type", "description"},
    }
    assert schema["properties"]["分类"]["items"] == {"type": "string"}
    assert json.loads(json.dumps(dict(JSON_SCHEMAS))) == JSON_SCHEMAS


def test_the_schema_of_evidence_is_whole_in_itself() -> None:
    claim = JSON_SCHEMAS["quoted"]["schema"]["properties"]["依据"]["items"]

    assert set(claim["properties"]) == set(claim["required"]) == {"部分", "行中", "原文"}
    assert claim["additionalProperties"] is False
    assert claim["properties"]["部分"]["enum"] == ["任务", "问题", "方法"]
    assert "$ref" not in json.dumps(JSON_SCHEMAS["quoted"])


QUOTED = {
    "分类": ["cs.SD"],
    "简介": "该论文一。",
    "依据": [{"部分": "任务", "行中": "一", "原文": "We sing."}],
}


def test_evidence_is_read_where_it_is_wanted() -> None:
    text = json.dumps(QUOTED, ensure_ascii=False)
    claim = Claim(part=LinePart.TASK, words="一", quote="We sing.")

    assert parse_reply(text, evidence=True).claims == (claim,)
    assert parse_reply(text).claims == ()
    assert parse_reply(text.replace('"任务"', '"task"'), evidence=True).claims == (claim,)


@pytest.mark.parametrize(
    ("evidence", "problem"),
    [
        (None, "'依据'"),
        ("We sing.", "'依据'"),
        ([{"部分": "任务", "行中": "一"}], "'依据.0.原文'"),
        ([{"部分": "结论", "行中": "一", "原文": "We sing."}], "'依据.0.部分'"),
        ([{"部分": "任务", "行中": 1, "原文": "We sing."}], "'依据.0.行中'"),
    ],
)
def test_evidence_of_another_form_is_no_reply(evidence: object, problem: str) -> None:
    text = json.dumps({**QUOTED, "依据": evidence})

    with pytest.raises(ReplyMalformed, match=re.escape(problem)) as caught:
        parse_reply(text, evidence=True)
    assert "sing" not in str(caught.value)


def test_labelled_lines_have_no_evidence() -> None:
    with pytest.raises(ReplyMalformed, match="no JSON object"):
        parse_reply("分类: cs.SD\n简介: 该论文一。", evidence=True)


MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    "piece",
    [
        *'{[":：“”\\*`\n ,，',
        "{}",
        '{"',
        '{"a":',
        '{"a":[',
        '{"a":1,"a":',
        '{"a\\"',
        "{“",
        "{“a”：",
        "｛”",
        ",  ",
        "```\n",
        "<think>",
        "</think>",
        "分类:",
        "分类: **\n",
        "简介: **\n\n",
        "<",
        "[THINK",
        "\ud800",
        "中",
    ],
)
@pytest.mark.parametrize("start", ["", "{“简介”：“"])
def test_a_megabyte_of_anything_is_malformed_in_a_moment(piece: str, start: str) -> None:
    began = time.perf_counter()

    with pytest.raises(ReplyMalformed):
        parse_reply(start + piece * (MEGABYTE // len(piece)))

    assert time.perf_counter() - began < 5


GOOD = [
    JSON,
    json.dumps({"简介": LINE, "分类": "cs.SD; eess.AS"}, ensure_ascii=False, indent=1),
    LABELLED,
    f"**简介：** {LINE}\n**分类：** cs.SD; eess.AS",
    f"<think>{SECOND}</think>\n```json\n{JSON}\n```",
    f"好的：{JSON.translate(str.maketrans(',:', '，：'))}",
    f'{{"result": [{JSON}]}} 希望有帮助',
    "{“分类”：[“cs.SD”，“eess.AS”]，“简介”：“LINE”}".replace("LINE", QUOTES),
]
_EDITS = '{}[]":：，,“”\n *<>/`。1a中 ' + "\u3000\ufeff\ud83d"


def edited(text: str, chance: random.Random) -> str:
    """`text` after some cuts, doublings, insertions and swaps."""
    for _ in range(chance.randint(1, 6)):
        at, to = sorted(chance.randint(0, len(text)) for _ in range(2))
        to = min(to, at + chance.choice((1, 1, 1, 3, 40)))
        new = chance.choice(("", "", text[at:to] * 2, chance.choice(_EDITS), chance.choice(GOOD)))
        text = text[:at] + new + text[to:]
    return text


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_reply_is_malformed_or_says_what_it_says(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(300):
        text = edited(chance.choice(GOOD), chance)
        try:
            draft = parse_reply(text)
        except ReplyMalformed:
            continue
        assert draft.line in text
        assert all(tag in text for tag in draft.tags)


_ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=80)
_PIECES = st.sampled_from(
    [
        "分类",
        "简介",
        ":",
        "：",
        "\n",
        "{",
        "}",
        '"',
        "[",
        "]",
        ",",
        "```",
        "<think>",
        "</think>",
        "\\u",
    ]
)


@given(_ANY_TEXT | st.lists(_PIECES | _ANY_TEXT, max_size=20).map("".join))
def test_any_text_is_a_draft_or_malformed(text: str) -> None:
    try:
        draft = parse_reply(text)
    except ReplyMalformed as error:
        assert str(error)
        return
    assert draft.line == draft.line.strip()
    assert len(set(draft.tags)) == len(draft.tags)
    assert all(tag == tag.strip() and tag for tag in draft.tags)
    draft.model_dump_json()  # whatever is taken can be written


_WRITABLE = st.characters(codec="utf-8")


@given(st.text(_WRITABLE, max_size=60), st.lists(st.text(_WRITABLE, max_size=8), max_size=5))
def test_json_gives_back_what_was_put_in(line: str, tags: list[str]) -> None:
    draft = parse_reply(json.dumps({"分类": tags, "简介": line}))

    assert draft.line == line.strip()
    assert list(draft.tags) == list(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
