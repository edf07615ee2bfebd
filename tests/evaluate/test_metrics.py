"""Metrics against values worked out by hand, against sacrebleu, and on any text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluate import metrics
from pipeline.evaluate.metrics import (
    chrf,
    common_words,
    content_chrf,
    content_words,
    line_scores,
    micro_f1,
    rouge_l,
    tag_scores,
)
from pipeline.evaluate.results import METRICS
from scripts import common_words as script
from tests.conftest import ROOT

REFERENCE = "该论文属于语音识别任务，解决热词检索问题。"
TEXTS = st.text(st.sampled_from("该论文属于语音识别热词检索，。 LM-2"), min_size=1, max_size=30)
TAGS = st.lists(st.sampled_from(["cs.SD", "eess.AS", "cs.AI", "cs.CL"]), max_size=4, unique=True)


@pytest.mark.parametrize(
    ("line", "reference", "value"),
    [
        # Precision = recall: 2/4, 1/3, 0/2, 0/1 for n = 1 to 4; no longer n-gram is in either.
        ("语音识别", "语音合成", 100 * (2 / 4 + 1 / 3) / 4),
        # n = 1, 2 in both: precision 1, recall (2/4 + 1/3) / 2 = 5/12; F2 = 5·5/12 / (4 + 5/12).
        ("语音", "语音识别", 100 * 25 / 53),
        # The other way round: precision 5/12, recall 1; F2 = 5·5/12 / (4·5/12 + 1) = 25/32.
        ("语音识别", "语音", 100 * 25 / 32),
        ("语 音识 别", "语音识别", 100.0),
        ("语音识别", "图像分割", 0.0),
    ],
)
def test_chrf_by_hand(line: str, reference: str, value: float) -> None:
    assert chrf(line, reference) == pytest.approx(value)


@given(TEXTS, TEXTS)
def test_chrf_is_sacrebleus(line: str, reference: str) -> None:
    corpus = sacrebleu.corpus_chrf([line], [[reference]], char_order=6, word_order=0, beta=2)
    sentence = sacrebleu.sentence_chrf(line, [reference])

    assert chrf(line, reference) == pytest.approx(corpus.score)
    assert chrf(line, reference) == pytest.approx(sentence.score)


@pytest.mark.parametrize(
    ("line", "reference", "value"),
    [
        # In order: 甲丙丁, 3 of 4 and of 5; F1 = 2·3 / (4 + 5).
        ("甲乙丙丁", "乙甲丙丁戊", 100 * 6 / 9),
        # 语音 and 别 of 4 and 4.
        ("语音辨别", "语音识别", 75.0),
        ("语 音", "语音", 100.0),
        ("甲乙", "丙丁", 0.0),
        ("", "", 0.0),
    ],
)
def test_rouge_l_by_hand(line: str, reference: str, value: float) -> None:
    assert rouge_l(line, reference) == pytest.approx(value)


def test_rouge_l_of_identical_chinese_is_100_unlike_the_default_packages() -> None:
    assert rouge_l(REFERENCE, REFERENCE) == 100.0


@given(TEXTS, TEXTS)
def test_rouge_l_is_the_table_of_the_textbook(line: str, reference: str) -> None:
    ours, theirs = line.replace(" ", ""), reference.replace(" ", "")
    table = [[0] * (len(theirs) + 1) for _ in range(len(ours) + 1)]
    for i, a in enumerate(ours, 1):
        for j, b in enumerate(theirs, 1):
            met = table[i - 1][j - 1] + 1
            table[i][j] = met if a == b else max(table[i - 1][j], table[i][j - 1])
    wanted = 200 * table[-1][-1] / max(1, len(ours) + len(theirs))

    assert rouge_l(line, reference) == pytest.approx(wanted)
    assert rouge_l(reference, line) == pytest.approx(wanted)


def test_content_chrf_leaves_the_common_words_out() -> None:
    # 该 论文 属于 语音 识别 任务 ， 解决 问题 。 are common: what is left is 热词检索.
    assert "".join(content_words(REFERENCE)) == "热词检索"
    assert content_chrf("论文提出热词检索方法。", REFERENCE) == 100.0
    # 热词 of 热词检索: as 语音 of 语音识别 in chrF by hand.
    assert content_chrf("该论文解决热词问题。", REFERENCE) == pytest.approx(100 * 25 / 53)
    # All of the style, nothing of the paper.
    same_style = "该论文属于语音识别任务，解决问题。"
    assert content_chrf(same_style, REFERENCE) == 0.0
    assert chrf(same_style, REFERENCE) > 50.0


def test_a_reference_out_of_common_words_is_compared_whole() -> None:
    reference = "该论文属于语音识别任务。"
    assert content_words(reference) == []
    assert content_chrf(reference, reference) == 100.0
    assert content_chrf("该论文属于图像任务。", reference) == chrf(
        "该论文属于图像任务。", reference
    )


@given(TEXTS, TEXTS)
def test_line_scores_of_any_text(line: str, reference: str) -> None:
    for score in line_scores(line, reference).values():
        assert 0.0 <= score.value <= 100.0
        assert score.saw
    if line.strip():
        assert {score.value for score in line_scores(line, line).values()} == {100.0}


def test_what_the_line_metrics_saw() -> None:
    seen = line_scores("该论文属于语音识别任务，解决方言问题。", REFERENCE)

    assert seen["content-chrf"].saw == "lacks: 热词, 检索; not in the reference: 方言"
    assert seen["chrf"].saw == "shares: 该论文属于语音识别任务，解决"
    # 该论文属于语音识别任务 (11), ，解决 (3), 问题。 (3); 热词检索 is missing.
    assert seen["rouge-l"].saw == "17 of the reference's 21 characters in order, 19 written"
    assert line_scores(REFERENCE, REFERENCE)["content-chrf"].saw == "the reference's content words"


def test_many_words_are_counted() -> None:
    reference = "，".join(f"Name{number}" for number in range(15))
    lacks = line_scores("该论文。", reference)["content-chrf"].saw
    assert lacks == f"lacks: {', '.join(f'Name{n}' for n in range(12))} and 3 more"


def test_a_line_that_would_not_be_published_is_0() -> None:
    for scores in (line_scores(None, REFERENCE), tag_scores(None, ["cs.SD"])):
        assert {score.value for score in scores.values()} == {0.0}
        assert {score.saw for score in scores.values()} == {"nothing would be published"}


def test_an_empty_line_is_0() -> None:
    assert {score.value for score in line_scores("", REFERENCE).values()} == {0.0}


@pytest.mark.parametrize(
    ("tags", "f1", "exact", "primary", "saw"),
    [
        (["cs.SD", "eess.AS"], 100.0, 100.0, 100.0, ["", "", ""]),
        (
            ["eess.AS", "cs.SD"],
            *(100.0, 100.0, 0.0),
            ["", "", "primary eess.AS, should be cs.SD"],
        ),
        (["cs.SD"], 200 / 3, 0.0, 100.0, ["missing: eess.AS"] * 2 + [""]),
        (
            ["cs.CL", "cs.SD", "cs.AI"],
            *(100 * 2 / 5, 0.0, 0.0),
            ["missing: eess.AS; extra: cs.CL, cs.AI"] * 2 + ["primary cs.CL, should be cs.SD"],
        ),
        (
            [],
            *(0.0, 0.0, 0.0),
            ["missing: cs.SD, eess.AS"] * 2 + ["primary none, should be cs.SD"],
        ),
    ],
)
def test_tags(tags: list[str], f1: float, exact: float, primary: float, saw: list[str]) -> None:
    scores = tag_scores(tags, ["cs.SD", "eess.AS"])

    assert list(scores) == ["tags-f1", "tags-exact", "primary"]
    assert [score.value for score in scores.values()] == pytest.approx([f1, exact, primary])
    assert [score.saw for score in scores.values()] == saw


@given(TAGS, TAGS)
def test_tag_scores_are_symmetric(tags: list[str], reference: list[str]) -> None:
    there, back = tag_scores(tags, reference), tag_scores(reference, tags)
    for name, score in there.items():
        assert score.value == back[name].value
        assert 0.0 <= score.value <= 100.0
    assert {score.value for score in tag_scores(tags, tags).values()} == {100.0}


def test_micro_f1_is_over_all_tags_at_once() -> None:
    pairs = [(["cs.SD"], ["cs.SD", "eess.AS", "cs.AI"]), (["cs.CL"], ["cs.SD"])]
    # 1 right of 2 given and of 4 wanted; the mean of the cases' own F1 would be 25.
    assert micro_f1(pairs) == pytest.approx(100 * 2 / 6)
    assert micro_f1([((), ())]) == 100.0


def test_the_names_are_those_of_the_results() -> None:
    kinds = {name: METRICS[name].kind for name in (*line_scores("", "该"), *tag_scores([], []))}
    assert kinds == {name: m.kind for name, m in METRICS.items() if m.kind in {"line", "tags"}}


def test_the_list_says_what_it_was_made_from_and_holds_words_only() -> None:
    text = metrics._COMMON_WORDS.read_text(encoding="utf-8")
    assert "2025-12-29 to 2026-03-15" in text.replace("\n# ", " ")
    assert {"该", "论文", "属于", "任务", "，"} <= common_words()
    assert all(word == word.strip() and not word.startswith("#") for word in common_words())


def test_the_script_takes_words_of_more_than_a_twentieth_of_the_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["论文 论文"] * 2 + ["任务 热词"] + ["检索"] * 37
    rows = tmp_path / "lines.jsonl"
    rows.write_text("\n".join(json.dumps({"zh": line}) for line in lines), encoding="utf-8")
    target = tmp_path / "list.txt"
    argv = ["x", "--jsonl", str(rows), "--source", "lines of ours", "--target", str(target)]

    # 论文 is in 2 of 40 lines, which is not more than 5%.
    monkeypatch.setattr("sys.argv", argv)
    assert script.main() == 0
    assert target.read_text(encoding="utf-8").split("\n")[-2:] == ["检索", ""]
    assert "论文" not in target.read_text(encoding="utf-8")
    assert "lines of ours" in target.read_text(encoding="utf-8")

    rows.write_text("[]", encoding="utf-8")
    assert script.main() == 2
    assert "not JSON lines" in capsys.readouterr().err


def test_the_script_reads_digests() -> None:
    lines = script.lines_of(sorted((ROOT / "prompts" / "examples").glob("*.md")), None)
    assert len(lines) >= 26
    # The most frequent word of every digest: each line ends with it, and nearly all have ，.
    assert script.common_words(lines)[0] == "。"
