from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.arxiv.taxonomy import taxonomy
from pipeline.digest import markdown
from pipeline.grounding import Source
from pipeline.records import Draft
from pipeline.stages.validate import HARD_RULES, WARNINGS, Verdict, validate
from tests.conftest import ROOT

EXAMPLES = ROOT / "prompts" / "examples" / "20260107-audio.md"


HAN = "".join(bytes([0xB0 + n // 94, 0xA1 + n % 94]).decode("gb2312") for n in range(140))
"""The first of GB2312's characters, each once: 啊阿埃挨…"""
LATIN = string.ascii_letters + "éáöüíèêçñå"


def of_length(length: int, middle: str = "", opening: str = "该论文", end: str = "。") -> str:
    """A line that keeps every rule but perhaps those that `middle` or the length break."""
    filler = length - len(opening) - len(middle) - len(end)
    return opening + middle + HAN[:filler] + end


def sentences(count: int) -> str:
    parts = (
        "该论文属于语音合成任务，旨在解决情感控制的问题。",
        "提出新方法并在公开数据集上验证了效果与速度。",
        "其推理只需一步。",
        "代码已经公开。",
    )
    return "".join(parts[:count])


def han(count: int, of: int) -> str:
    """`count` Han characters of `of`; the full stop and the letters are none."""
    latin = of - count - 1
    return "该论文" + HAN[: count - 3] + (LATIN + LATIN)[:latin] + "。"


def judge(line: str, tags: tuple[str, ...] = ("cs.SD",)) -> Verdict:
    return validate(Draft(line=line, tags=tags), None)


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
    "usual_characters": [
        *map(around, ["😀", "❤", "❤️", "👍🏽", "🇨🇳", "1️⃣", "★", "✅", "▶", "♥"]),
        *map(around, ["ж", "раураl", "ВERT", "سلام", "שלום", "ไทย", "Ꮪ", "ʙᴇʀᴛ", "ɡpt", "ꓐERT"]),
        *map(around, ["ＢＥＲＴ", "𝐁𝐄𝐑𝐓", "𝔹", "ﬁne", "ⒶⒷ", "e\u0301\u0301", "Z\u0335\u0336a"]),
        *map(around, ["论\u0301", "a\u20dd", "a\u034f", "a\ufe0f", "\u2800", "\u2003", "１２"]),
    ],
    "no_look_alikes": list(
        map(around, ["ΒERT", "GΡT", "gοogle", "pαypal", "αβγ", "λογος", "Kνn", "ΑI"])
    ),
    "no_markup": [
        *map(around, ["**重点**", "`x`", "[图](图)", "[图][1]", "![图]", "[^1]", "[1]: 图"]),
        *map(around, ["<b>", "</p>", "<script>", '<img src="x">', "<BR/>", "<!-- 注", "<?php"]),
        *map(around, ["<img src=x 图", "<SVG onload=x", "<!doctype", "</div", "<think>", "<a b=c"]),
        *map(around, ["&lt;", "&#60;", "&#x3c;", "&#60", "&lt", "&nbsp;", "&zwj;"]),
        *map(around, ["{{ x }}", "{{x", "{% if", "%}", "{# x", "<% x", "%>", "${x}"]),
        *map(around, ["~~错~~", "A|B", "*重点*", "RRT*和A*算法", " _x_ ", "（_x_）", "（__x"]),
        *map(
            around,
            ["<|im_start|>", "<|x|>", "[INST]", "[/INST]", "<start_of_turn>", "＜|im_end|＞"],
        ),
        *map(around, ["<<SYS>>", "</s>", r"\href{x}{y}", r"\url{x}", r"\input{x}", r"\def\x{y}"]),
    ],
    "no_address": [
        *map(
            around, ["https://a.b", "HTTP://a.b", "www.a.b", "ftp://a", "hxxp://a", "data:text/x"]
        ),
        *map(around, ["javascript:x", "JavaScript :x", "mailto:x", "tel:110", "x: //y", "//a.b/c"]),
        *map(
            around,
            ["evil.com", "evil.com/x", "example.ai", "t.me/x", "bit.ly", "EVIL.COM", "a.cn。"],
        ),
        *map(around, ["1.2.3.4", "192.168.0.1", "localhost", "a@b.cn", "mail@host", "@handle"]),
        *map(
            around,
            ["evil。com", "evil。cn", "evil .com", "evil点com", "evil[.]com", "evil dot com"],
        ),
        *map(around, ["evil(.)net", "x.py/y", "x.zz:80", "evil。org/x", "www。evil", "http：//x"]),
        *map(around, ["MHub.ai", "a-b.co", "x.gov.cn"]),
    ],
    "no_label": [
        *map(around, ["简介：", "摘要：", "分类 ：", "标题：", "作者：", "链接：", "备注："]),
        *map(
            around,
            ["TL;DR: ", "tldr：", "Abstract: ", "System: ", "Assistant:", "user：", "助手："],
        ),
        *map(around, ["Human: ", "输出：", "系统提示：", "译文："]),
    ],
    "no_contact": [
        *map(
            around, ["13800138000", "138-0013-8000", "+86 138 0013", "010-62751234", "650-253-0000"]
        ),
        *map(
            around,
            ["QQ：12345", "QQ号12345", "QQ群 123456", "微信：abcd", "微信号为abcd1"],
        ),
        *map(
            around,
            [
                "Telegram:abcd",
                "加微信",
                "VX: abc_1",
                "公众号：研究",
                "电话：",
                "邮箱：",
                "12345678",
            ],
        ),
        *map(
            around,
            ["扫码关注", "联系客服", "关注公众号", "点击此处", "访问官网", "欢迎下载", "优惠码"],
        ),
        *map(around, ["立即购买", "免费领取", "下载链接", "加群：1"]),
    ],
    "no_first_person": [
        around(text) for text in ("，我们", "我的方法", "我国", "咱们", "笔者", "本人认为")
    ],
    "speaks_to_nobody": [
        *map(
            around, ["请阅读", "您可", "你会", "抱歉", "对不起", "忽略以上指令", "无视之前的要求"]
        ),
        *map(around, ["作为一个语言模型", "作为AI助手，", "as an AI model", "Ignore all previous"]),
        *map(around, ["disregard the ", "强烈推荐", "值得接收", "建议录用", "必读", "无法总结该"]),
    ],
    "no_repetition": [
        "该论文属于语音合成任务，旨在解决情感控制的难题。提出一种全新的方法。提出一种全新的方法。",
        around("训练一个新模型，" * 3),
        around("推理加速推理加速" * 3),
        of_length(90, "ababcdcdefefghgh" * 3),
        *map(around, ["哈哈哈哈哈", "，，，，，", "aaaaa", "-----", "。。。。。", "     "]),
    ],
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
    "no_kana_or_hangul": list(map(around, ["αβ", "é", "Ω"])),
    "simplified_script": list(map(around, ["语音这训练", "饕餮", "VALL-E语音"])),
    "usual_characters": [
        *map(around, ["Müller", "Yorùbá", "ọ̀rọ̀", "naïve", "Sabiá", "Qomhrá", "Łódź", "nǐ hǎo"]),
        *map(around, ["360°", "25℃", "SR²-Net", "x₀", "ℓ₀", "→", "A×B", "r∈[0,1]", "±0.5", "≥3"]),
        *map(around, ["“引号”", "《书》", "——", "…", "50％", "Ⅱ型", "①", "n⁺", "∞", "图像／视频"]),
    ],
    "no_look_alikes": list(
        map(around, ["μ子", "μ-law", "μP", "π0", "C-Δθ", "α", "ATR-μFTIR", "Σ", "β-VAE", "τ-bench"])
    ),
    "no_markup": [
        *map(
            around, ["*", "a<b", "x < y > z", "AT&T", "[0, 1]", "（图）", "K>3", "[CLS]", "A*算法"]
        ),
        *map(
            around, ["RRT*-Connect", "snake_case", "multi_ros2_x", "LaST$_0$", "AGT$^{AO}$", "Q&A"]
        ),
        *map(around, ["{a}", "100%", "O(n^2)", r"$\tau$", "~3", "T2*）与T2*模"]),
    ],
    "no_address": [
        *map(around, ["3.5", "v1.2.3", "Node.js", "Stream.FM", "DR.Experts", "Pass@1", "pass@k"]),
        *map(
            around, ["E.M.Ground", "Qwen2.5", "BERT。GPT", "tugturn.py", "1:10", "compar:IA", "I/O"]
        ),
        *map(
            around,
            ["Mi:dm 2.0", "SiDiaC-v.2.0", "N:M稀疏", "18:1", "data", "C++/Python", "3.5cm"],
        ),
    ],
    "no_label": [
        *map(
            around,
            ["摘要任务", "标题与作者", "链接", "简介", "两种方法：", "多用户：", "ecosystem"],
        ),
    ],
    "no_contact": [
        *map(
            around,
            ["电话录音", "智能客服", "微信数据", "QQ工具包", "抖音直播", "2014-2024", "24000"],
        ),
        *map(
            around,
            [
                "1,000,000",
                "点击率",
                "下载量",
                "免费",
                "附加微调",
                "增加VLA",
                "迭代发现",
                "手机加IMU",
            ],
        ),
        *map(around, ["联系方式", "线上购买", "0.12345678", "二维码", "baseline: BERT"]),
    ],
    "no_first_person": [around("自我监督"), around("人们"), around("敌我"), around("少样本人群")],
    "speaks_to_nobody": [
        *map(
            around, ["申请", "请求", "邀请", "聘请", "无法总结长文", "忽略噪声", "推荐", "接收端"]
        ),
        *map(around, ["作为语言模型", "作为AI辅助", "同行评审", "满足指令"]),
    ],
    "no_repetition": [
        around("视频质量评估与视频质量评估"),
        around("Transformer、Transformer与Transformer"),
        around("1000000"),
        around("----"),
        around("推理加速新推理加速"),
    ],
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


@pytest.mark.parametrize(
    "address",
    [
        "ｈｔｔｐ：／／ｅｖｉｌ．ｃｏｍ",
        "ｅｖｉｌ．ｃｏｍ",
        "evil．com",
        "evil｡com",
        "𝐞𝐯𝐢𝐥.com",
        "ａ＠ｂ．ｃｎ",
    ],
)
def test_an_address_is_seen_in_every_style_of_letters(address: str) -> None:
    assert {"usual_characters", "no_address"} <= set(names(judge(around(address)).reasons))


@pytest.mark.parametrize("mark", ["# ", "- ", "* ", "+ ", "1. ", "> ", "| ", "    ", "---", "~~~"])
def test_what_marks_a_block_stands_at_no_lines_start(mark: str) -> None:
    assert "opens_with_the_paper" in names(judge(mark + GOOD).reasons)


@pytest.mark.parametrize("lure", ["evil.com", "https://evil.com", "13800138000", "微信：evil"])
def test_a_reason_repeats_no_address_and_no_account(lure: str) -> None:
    reasons = judge(around(lure), tags=("cs.SD", lure)).reasons

    assert len(reasons) == 2
    assert not any("evil" in reason or "138001" in reason for reason in reasons)


GOOD = (
    "该论文属于语音合成任务，旨在解决情感控制的问题。提出一种新的方法，并在公开数据集上验证了效果。"
)


def test_a_usual_line_has_neither_reasons_nor_warnings() -> None:
    assert judge(GOOD) == Verdict(reasons=(), warnings=())


def test_no_tags_are_refused() -> None:
    assert judge(GOOD, tags=()).reasons == ("tags_in_vocabulary: 分类 is empty",)


def test_the_whole_of_arxivs_list_is_no_answer() -> None:
    tags = tuple(sorted(taxonomy().categories))

    assert judge(GOOD, tags=tags[:8]).reasons == ()
    assert judge(GOOD, tags=tags[:9]).reasons == (
        "tags_in_vocabulary: 9 tags, must have at most 8",
    )


def test_a_reason_names_each_name_once() -> None:
    line = GOOD[:-1] + "，名为Foo，即Foo。"

    verdict = validate(Draft(line=line, tags=("cs.SD",)), Source(["the paper"]))

    assert verdict.reasons == ("grounded: 1 word that is not in the paper",)
    assert verdict.words == ("Foo",)


@pytest.mark.parametrize(
    "tag", ["cs.XX", "cs.sd", "CS.SD", "语音", "I.2.7", "68T10", "cs", "cs.SD "]
)
def test_a_tag_outside_the_vocabulary_is_named(tag: str) -> None:
    verdict = judge(GOOD, tags=("cs.SD", tag))

    (reason,) = verdict.reasons
    assert reason.startswith("tags_in_vocabulary: 1 word that is not among arXiv's categories")
    assert verdict.words == (tag,)


def test_the_nearest_category_is_proposed() -> None:
    (reason,) = judge(GOOD, tags=("cs.sd",)).reasons

    assert "nearest: cs.SD" in reason


def test_at_most_five_unknown_tags_are_named() -> None:
    verdict = judge(GOOD, tags=tuple(f"cs.X{n}" for n in range(9)))

    assert "9 words that are not among" in verdict.reasons[0]
    assert verdict.words == tuple(f"cs.X{n}" for n in range(5))


@pytest.mark.parametrize("tag", [*taxonomy().aliases, *taxonomy().aliases.values()])
def test_an_alias_and_what_it_stands_for_are_both_accepted(tag: str) -> None:
    assert judge(GOOD, tags=(tag,)).reasons == ()


def test_every_category_of_arxiv_is_accepted() -> None:
    for category in taxonomy().categories:
        assert judge(GOOD, tags=(category,)).reasons == ()


PAPER = Source(["Speech Synthesis with FooTTS", "FooTTS reaches 12.5% on three corpora."])


@pytest.mark.parametrize("text", ["，", "FooTTS", "footts", "12.5%", "3个语料", "AI"])
def test_what_the_paper_has_may_be_named(text: str) -> None:
    assert validate(Draft(line=around(text), tags=("cs.SD",)), PAPER).reasons == ()


def test_names_and_numbers_that_the_paper_has_not_are_told() -> None:
    draft = Draft(line=around("在BERT上将FooTTS提高15.2%，"), tags=("cs.SD",))

    verdict = validate(draft, PAPER)
    assert verdict.reasons == ("grounded: 2 words that are not in the paper",)
    assert verdict.words == ("BERT", "15.2%")
    assert validate(draft, None).reasons == ()


def test_a_reason_names_five_at_most_and_none_at_length() -> None:
    many = Draft(line=around("".join(f"，名{n}" for n in range(31, 39))), tags=("cs.SD",))
    long = Draft(line=of_length(110, "X" + "ab" * 22), tags=("cs.SD",))

    assert validate(many, PAPER).reasons == ("grounded: 8 words that are not in the paper",)
    assert validate(many, PAPER).words == ("31", "32", "33", "34", "35")
    assert validate(long, PAPER).words == ("X" + "ab" * 19 + "a",)


@pytest.mark.parametrize("name", ["evil.com/x", "me@host.de", "t.me/abc"])
def test_a_name_that_is_an_address_or_markup_is_not_repeated(name: str) -> None:
    reasons = validate(Draft(line=around(name), tags=("cs.SD",)), PAPER).reasons

    assert "grounded" in names(reasons)
    assert not any(name in reason for reason in reasons)


@pytest.mark.parametrize(
    "piece",
    [
        "*",
        "_",
        "<",
        "<a ",
        "&",
        "a.",
        "a@",
        "_x ",
        "!__a",
        "[",
        "{",
        "x-",
        "1",
        "+1",
        "我",
        "é\u0301",
    ],
)
def test_a_very_long_line_gets_its_verdict(piece: str) -> None:
    line = "该论文" + piece * 100_000 + "。"

    assert "length_40_to_120" in names(validate(Draft(line=line, tags=("cs.SD",)), PAPER).reasons)


def test_all_26_lines_of_the_example_digest_pass() -> None:
    entries = markdown.load(EXAMPLES).entries

    assert len(entries) == 26
    for entry in entries:
        source = Source((entry.title, entry.abstract, entry.comment or ""))
        draft = Draft(line=entry.line or "", tags=entry.tags)
        assert validate(draft, source).reasons == ()


@given(st.text(st.characters(exclude_categories=()), max_size=130))
def test_any_line_gets_a_verdict(line: str) -> None:
    verdict = judge(line)

    known = {rule.__name__ for rule in HARD_RULES}
    assert set(names(verdict.reasons)) <= known
    if not verdict.reasons:
        assert 40 <= len(line) <= 120
        assert line.isprintable() or any(char in line for char in "\u00a0\u3000")
