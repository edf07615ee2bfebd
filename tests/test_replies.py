from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import Draft
from pipeline.replies import JSON_SCHEMA, ReplyMalformed, parse_reply

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
        f"{LABELLED}\n简介: 第二个。\n分类: cs.LG",  # the first of each label
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
        ("This paper proposes a new codec for speech.", "no 分类: 'This paper"),
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
        (f'{{"分类": "cs.SD", "简介": "{LINE}"}}', "'分类'"),
        (f'{{"分类": null, "简介": "{LINE}"}}', "'分类'"),
        (f'{{"分类": ["cs.SD", 3], "简介": "{LINE}"}}', "'分类.1'"),
        ('{"分类": ["cs.SD"], "简介": null}', "'简介'"),
        ('{"分类": ["cs.SD"], "简介": ["该论文"]}', "'简介'"),
        ('{"tags": ["cs.SD"], "line": "该论文"}', "'分类'"),  # our own names are not the form
        (JSON[:-3], "not whole JSON"),
        ("{", "not whole JSON"),
        (f"{{'分类': ['cs.SD'], '简介': '{LINE}'}}", "not whole JSON"),
        ('{"分类": ' + "[" * 100_000, "not whole JSON"),
        ('{"分类": [], "简介": ' + "1" * 5_000 + "}", "not whole JSON"),
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


@pytest.mark.parametrize(
    "text", ['{"分类": [], "简介": ""}', '{"分类": [" "], "简介": "\\n"}', '{"分类":[],"简介":" "}']
)
def test_an_empty_value_stays_empty_for_validation_to_refuse(text: str) -> None:
    assert parse_reply(text) == Draft(line="", tags=())


def test_the_schema_asks_for_both_keys_and_no_other() -> None:
    schema = JSON_SCHEMA["schema"]

    assert set(schema["properties"]) == set(schema["required"]) == {"分类", "简介"}
    assert schema["additionalProperties"] is False


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
