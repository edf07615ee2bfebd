"""Planted errors: false lines by recipe, and who finds them."""

from __future__ import annotations

from collections import Counter

import pytest

from pipeline.errors import UsageError
from pipeline.evaluate.cases import Filters, find_cases
from pipeline.evaluate.planted import KINDS, MOST, Source, plant, read_recipes, recipes
from pipeline.train.examples import read_examples
from scripts import measure_verify as measured
from scripts.measure_verify import RECIPES, tried
from tests.evaluate.test_cases import EXAMPLES
from tests.standins.model import StandInModel

CASES = find_cases([EXAMPLES], Filters()).cases
SOURCES = [Source(c.id, f"{c.paper.title}\n{c.paper.abstract}", c.line) for c in CASES]
LINE = "该论文属于语音对抗攻击任务，解决模型脆弱的问题。提出FastNet，使用250小时数据，提升识别率。"
PAPER = Source("2601.00001", "FastNet attacks speech models with 250 hours.", LINE)
OTHER = Source(
    "2601.00002",
    "A codec.",
    "该论文属于编码任务，旨在解决码率过高的问题。提出TinyCodec模型，降低码率。",
)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("another paper's line", OTHER.line),
        ("swapped roles", LINE.replace("攻击", "防御")),
        ("negated result", LINE.replace("提升", "降低")),
        ("wrong modality", LINE.replace("语音", "图像")),
        ("invented gain", f"{LINE[:-1]}，且参数量减少一半以上。"),
        ("altered number", LINE.replace("250", "550")),
        ("altered name", LINE.replace("FastNet", "TinyCodec")),
    ],
)
def test_each_kind_is_wrong_in_one_way(kind: str, expected: str) -> None:
    assert plant(kind, PAPER, OTHER) == expected


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("wrong modality", "It works on images too."),
        ("altered number", "We have 550, 650, 750, 850, 950 and 150 more."),
        ("altered name", "It is as small as TinyCodec."),
        ("invented gain", "It is fast, has few parameters, and users like it."),
    ],
)
def test_what_the_paper_says_too_is_no_error(kind: str, told: str) -> None:
    assert plant(kind, PAPER._replace(text=f"{PAPER.text} {told}"), OTHER) is None


def test_an_error_is_not_found_by_its_length() -> None:
    long = PAPER._replace(line=f"{'该' * (MOST - 5)}提升。")
    assert plant("invented gain", long, OTHER) is None


def test_the_same_seed_makes_the_same_recipes_and_another_others() -> None:
    made = list(recipes(SOURCES, 3))
    assert made == list(recipes(SOURCES, 3)) != list(recipes(SOURCES, 3, seed=1))
    assert max(Counter(one.kind for one in made).values()) == 3
    by_id = {one.arxiv_id: one for one in SOURCES}
    for one in made:
        wrong = plant(one.kind, by_id[one.arxiv_id], by_id[one.other])
        assert wrong not in (None, by_id[one.arxiv_id].line)


def test_the_recipes_are_many_of_every_kind_and_have_no_text() -> None:
    text = RECIPES.read_text(encoding="utf-8")
    rows = read_recipes(text)
    assert len(rows) >= 600
    assert dict.fromkeys(KINDS, 100) == Counter(row.kind for row in rows)
    assert text.isascii()


@pytest.mark.parametrize(
    "text", ["", "kind,id,other\n", "kind,id,other\nsomething,1,2\n", "a\nb,c"]
)
def test_what_is_no_list_of_recipes_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="no list of recipes"):
        read_recipes(text)


def test_the_example_day_is_measured_with_models_that_know_that_guess_and_that_obey() -> None:
    trials = tried(read_examples([EXAMPLES]), list(recipes(SOURCES, 2)))
    found = {}
    for name, answer in measured.stand_ins(trials).items():
        with StandInModel(answer) as model, measured.settings(model.url) as config:
            said = measured.looked(trials, config, "standin", ordered=name == "obedient")
            found[name] = measured.by_kind(trials, said)
    for kind in KINDS:
        assert all(found["perfect"][kind])
        assert not any(found["obedient"][kind])
    assert not any(found["perfect"]["true lines"])
    assert any(found["random"]["true lines"])


def test_the_rules_find_names_and_numbers_and_quotes_another_paper() -> None:
    trials = tried(read_examples([EXAMPLES]), list(recipes(SOURCES, 5)))
    rules = measured.by_kind(trials, [measured.by_rules(trial) for trial in trials])
    quotes = measured.by_kind(trials, [measured.by_quotes(trial) for trial in trials])
    assert all(rules["altered name"]) and not any(rules["true lines"])
    assert all(quotes["another paper's line"]) and not any(quotes["swapped roles"])
    assert all(found for trial in trials for found in measured.made_up_quotes(trial))
