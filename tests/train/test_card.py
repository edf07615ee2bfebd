from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipeline.config import load_config
from pipeline.errors import UsageError
from pipeline.evaluate.split import trained_on as known_to_evaluate
from pipeline.train.card import Begun, Card, DigestFile, markdown, trained_on
from pipeline.train.examples import ids_hash
from pipeline.train.score import Against, Scores, WrittenLine, against, lines_of, scores
from pipeline.train.settings import Settings
from tests.conftest import ROOT
from tests.train.made import LINE, example

PAPERS = tuple(example(n, day=n) for n in range(1, 5))


def written(number: int, line: str = LINE, **changes: object) -> WrittenLine:
    one = PAPERS[number - 1]
    made = WrittenLine(arxiv_id=one.arxiv_id, line=line, tags=one.tags, reasons=(), seconds=2.0)
    return made.model_copy(update=changes)


def test_what_the_references_say_scores_a_hundred() -> None:
    found = scores([written(n) for n in range(1, 5)], PAPERS)
    for name in ("valid", "grounded", "chrf", "content_chrf", "tags_f1", "primary"):
        figure = getattr(found, name)
        assert (figure.value, figure.low, figure.high) == (100, 100, 100), name
    assert found.seconds.value == 2 and found.papers == 4


def test_a_reply_without_the_form_counts_as_nothing_and_one_that_breaks_a_rule_by_its_words() -> (
    None
):
    replies = [
        written(1),
        written(2, reasons=("length_40_to_120: has 200 characters",)),
        written(3, reasons=("grounded: not in the paper: GPT-9",)),
        written(4, line="", tags=(), reasons=("reply_form: the reply has no 简介",)),
    ]
    found = scores(replies, PAPERS)
    assert found.valid.value == 25
    assert found.grounded.value == 50
    assert found.chrf.value == 75
    assert found.primary.value == 75
    assert found.tags_f1.value == pytest.approx(200 * 3 / 7, abs=0.01)
    assert found.valid.low < 25 < found.valid.high


def test_replies_to_other_papers_are_not_scored() -> None:
    with pytest.raises(ValueError, match="other papers"):
        scores([written(2)], PAPERS[:1])


def test_another_adapter_is_compared_with_paper_by_paper(tmp_path: Path) -> None:
    ours = [written(n) for n in range(1, 5)]
    theirs = [written(n, "该论文属于语音识别任务，旨在解决噪声问题。") for n in range(1, 5)]
    file = tmp_path / "first.lines.jsonl"
    file.write_text("".join(f"{one.model_dump_json()}\n" for one in reversed(theirs)))
    found = against(ours, lines_of(file, PAPERS), PAPERS)
    assert found["chrf"].paired.wins == 4 and found["chrf"].paired.difference > 20
    assert found["chrf"].paired.p == pytest.approx(2 / 16)  # all patterns of four signs
    assert found["chrf"].p_holm >= found["chrf"].paired.p
    assert found["tags_f1"].paired.ties == 4
    other = Against(name="first", papers=4, differences=found)
    text = markdown(card(scores(ours, PAPERS)).model_copy(update={"against": other}))
    assert "Against `first`, on the same 4 papers" in text
    assert f"| chrF2 | {found['chrf'].paired.difference:+.1f} |" in text
    with pytest.raises(ValueError, match="other papers"):
        against(ours, theirs[::-1], PAPERS)
    file.write_text(theirs[0].model_dump_json())
    with pytest.raises(UsageError, match="3 of the 4 held-out papers are not in it"):
        lines_of(file, PAPERS)
    file.write_text("{}")
    with pytest.raises(UsageError, match="no lines of an adapter"):
        lines_of(file, PAPERS)
    with pytest.raises(UsageError, match=r"none\.jsonl: no lines of an adapter"):
        lines_of(tmp_path / "none.jsonl", PAPERS)


def card(figures: Scores | None) -> Card:
    return Card(
        name="mine",
        adapter_sha256="a" * 64,
        base="gemma.gguf",
        base_sha256="b" * 64,
        jianjie="1",
        torch="2",
        device="2 CPU threads",
        settings=Settings(),
        digests=(DigestFile(name="series.jsonl.gz", sha256="c" * 64),),
        focus="audio",
        passes=3,
        fields={"text": 1200, "audio": 3},
        examples=1209,
        trained_ids_sha256=ids_hash(PAPERS),
        held_out=4,
        held_out_ids_sha256=ids_hash(PAPERS),
        held_out_since=str(dt.date(2026, 1, 1)),
        left_out={"grounded": 2},
        loss=1.25,
        held_out_loss=1.5,
        minutes=61.2,
        scores=figures,
    )


def test_the_card_for_people_has_the_figures_of_the_one_for_programs() -> None:
    made = card(scores([written(n) for n in range(1, 5)], PAPERS))
    text = markdown(Card.model_validate_json(made.model_dump_json()))
    for part in ("# mine", "a" * 64, "b" * 64, "c" * 64, "audio 3, text 1,200", "rank 32",
                 "grounded 2", "loss 1.250 at the end, 1.500 on held-out", "61 minutes",
                 "| chrF2 | 100.0 | 100.0–100.0 |"):  # fmt: skip
        assert part in text, part
    assert "Not scored." in markdown(card(None))
    assert "went on" not in text
    begun = Begun(name="first", sha256="d" * 64, card=made)
    text = markdown(made.model_copy(update={"begun": begun}))
    assert f"It went on from `first`, SHA-256 `{'d' * 64}`. Its card is in this one's" in text


def test_evaluate_reads_the_list_of_papers(tmp_path: Path) -> None:
    (tmp_path / "mine.trained-on.txt").write_text(
        trained_on("mine", (one.arxiv_id for one in PAPERS))
    )
    config = load_config(ROOT / "config.yaml")
    profile = config.profile.model_copy(update={"adapter": tmp_path / "mine.gguf"})
    config = config.model_copy(update={"models": {"builtin": profile}, "model": "builtin"})
    assert known_to_evaluate(config) == {one.arxiv_id for one in PAPERS}
