"""Floors and ceilings."""

from __future__ import annotations

import datetime as dt
from itertools import permutations
from statistics import fmean

import pytest

from pipeline.evaluate.cases import Filters, find_cases
from pipeline.evaluate.floors import _nearest, ceilings, floors
from pipeline.evaluate.metrics import chrf, content_chrf, micro_f1, rouge_l
from pipeline.evaluate.results import Case, Reference
from pipeline.records import Paper, Section
from tests.conftest import ROOT

STABLE = dt.date(2025, 12, 29)
RANDOM, NEAREST = "random other paper's", "nearest neighbour's"


def case(
    number: int,
    abstract: str = "",
    line: str = "该论文。",
    tags: tuple[str, ...] = ("cs.SD",),
    date: dt.date = STABLE,
    field: str = "音频",
) -> Case:
    paper = Paper(
        arxiv_id=f"2601.{number:05}",
        version=1,
        title="On",
        abstract=abstract,
        authors=("A. Author",),
        categories=tags,
    )
    return Case(
        paper=paper,
        line=line,
        tags=tags,
        date=date,
        field=field,
        section=Section.NEW,
        file="20251229-audio.md",
    )


THREE = [
    case(1, "speech recognition with hotwords", "该论文解决热词检索。", ("cs.SD", "eess.AS")),
    case(2, "the hotwords of speech, again hotwords", "该论文解决热词检索一。", ("cs.SD",)),
    case(3, "the codec of music with transformers", "本文关于编解码器。", ("eess.AS", "cs.SD")),
]


def by_name(found: tuple[Reference, ...]) -> dict[tuple[str, str], float]:
    return {(one.name, one.metric): one.value for one in found}


def test_the_random_floor_of_few_cases_is_the_mean_over_all_pairs() -> None:
    found = by_name(floors(THREE))
    pairs = list(permutations(THREE, 2))

    for metric, function in {
        "content-chrf": content_chrf,
        "chrf": chrf,
        "rouge-l": rouge_l,
    }.items():
        wanted = fmean(function(other.line, one.line) for other, one in pairs)
        assert found[f"{RANDOM} line", metric] == pytest.approx(wanted)
    wanted = micro_f1([(other.tags, one.tags) for other, one in pairs])
    assert found[f"{RANDOM} tags", "tags-f1"] == pytest.approx(wanted)
    # 1 and 2 have the same primary: 2 of 6 pairs.
    assert found[f"{RANDOM} tags", "primary"] == pytest.approx(100 * 2 / 6)


def test_the_nearest_neighbour_shares_rare_words_and_is_another_case() -> None:
    found = by_name(floors(THREE))
    one, two, three = THREE
    # 1 and 2 are nearest to each other (speech, hotwords); 3 shares `the` and `of` with 2.
    pairs = [(two, one), (one, two), (two, three)]

    wanted = fmean(chrf(other.line, own.line) for other, own in pairs)
    assert found[f"{NEAREST} line", "chrf"] == pytest.approx(wanted)
    # 2 of 1+2 and of 2+1 tags, then 1 of 1+2.
    assert found[f"{NEAREST} tags", "tags-f1"] == pytest.approx(100 * 2 * 3 / 9)
    assert found[f"{NEAREST} tags", "primary"] == pytest.approx(100 * 2 / 3)


def test_a_rare_word_makes_nearer_than_two_frequent_ones() -> None:
    fillers = [case(10 + n, f"model method word{n}") for n in range(30)]
    texts = ("hotwords model method", "model method codec", "hotwords recognition")
    assert _nearest([*(case(n, text) for n, text in enumerate(texts)), *fillers])[0] == 2


def test_a_long_text_is_not_nearer_for_its_length() -> None:
    long = "hotwords hotwords codec codec " + " ".join(f"word{n}" for n in range(30))
    texts = ("hotwords codec", long, "hotwords codec music")
    assert _nearest([case(n, text) for n, text in enumerate(texts)])[0] == 2


def test_many_cases_are_sampled_and_seeded() -> None:
    many = [case(n, f"word{n}", f"该论文{n}。", ("cs.SD", f"x.{n % 7}")) for n in range(300)]
    first, again, other = floors(many), floors(many), floors(many, seed=1)

    assert first == again
    assert first != other
    # The same tag .5 of the time, and of the second ones 42 of 299 are the same.
    assert by_name(first)[f"{RANDOM} tags", "tags-f1"] == pytest.approx(50 + 50 * 42 / 299, abs=1.5)
    assert "300 cases (3900 pairs)" in first[0].source


def test_a_floor_says_that_it_was_computed_here() -> None:
    assert {one.kind for one in floors(THREE)} == {"floor"}
    assert {one.source for one in floors(THREE)} == {
        "computed on these 3 cases (6 pairs)",
        "computed on these 3 cases (3 pairs)",
    }


def test_fewer_than_two_cases_have_no_floor() -> None:
    assert floors([]) == ()
    assert floors(THREE[:1]) == ()


def test_cases_without_a_word_are_no_error() -> None:
    assert len(floors([case(1, "—"), case(2, "—")])) == 10


def test_the_example_day_lies_where_the_series_does() -> None:
    found = by_name(floors(find_cases([ROOT / "prompts" / "examples"], Filters()).cases))

    # Measured on the series: 11.9 and 17.5; 26 papers have fewer near neighbours.
    assert found[f"{RANDOM} line", "chrf"] == pytest.approx(11.9, abs=2)
    assert 11.9 < found[f"{NEAREST} line", "chrf"] < 19
    assert found[f"{RANDOM} line", "content-chrf"] < found[f"{NEAREST} line", "content-chrf"]


def test_the_ceiling_is_of_audio_in_the_stable_regime() -> None:
    found = ceilings(THREE)

    assert by_name(found) == {
        ("the same paper written twice", metric): value
        for metric, value in {
            "chrf": 70.7,
            "rouge-l": 80.6,
            "tags-f1": 99.1,
            "primary": 99.7,
        }.items()
    }
    assert {one.kind for one in found} == {"ceiling"}
    assert "not on these cases" in found[0].source


@pytest.mark.parametrize(
    "cases",
    [
        [],
        [*THREE, case(4, date=STABLE - dt.timedelta(days=1))],
        [*THREE, case(4, field="视觉")],
    ],
)
def test_elsewhere_the_ceiling_is_unknown(cases: list[Case]) -> None:
    assert ceilings(cases) == ()
