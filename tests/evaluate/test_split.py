"""What a system has seen is never what it is judged on."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipeline.config import Config, load_config
from pipeline.errors import UsageError
from pipeline.evaluate.cases import Filters, find_cases
from pipeline.evaluate.results import Case
from pipeline.evaluate.split import leaks, trained_on, without_leaks
from pipeline.prompt.variant import Variant, load_variant
from pipeline.records import Paper, Section
from tests.conftest import ROOT
from tests.evaluate.test_cases import EXAMPLES, entry, write

FEW = """---
description: x
context: abstract
text_tokens: 100
examples: {file: shown/20260107-audio.md, count: 2}
---
=== user ===
{% for e in examples %}{{ e.title }}{% endfor %}{{ text }}
"""


def case(arxiv_id: str, date: dt.date) -> Case:
    return Case(
        paper=Paper(
            arxiv_id=arxiv_id,
            version=1,
            title="T",
            abstract="A",
            authors=("A",),
            categories=("cs.SD",),
        ),
        line="该论文。",
        tags=("cs.SD",),
        date=date,
        field="音频",
        section=Section.NEW,
        file="x.md",
    )


@pytest.fixture
def few(tmp_path: Path) -> Variant:
    """Shows the first two of its file's three papers."""
    shown = (f"2601.0000{n}v1" for n in (1, 2, 3))
    write(
        tmp_path / "shown" / "20260107-audio.md",
        *(entry(n, arxiv_id, "该论文。") for n, arxiv_id in enumerate(shown, 1)),
    )
    (tmp_path / "few.md").write_text(FEW, encoding="utf-8")
    return load_variant("few", tmp_path)


def config(profile: str = "builtin") -> Config:
    return load_config(ROOT / "config.yaml").model_copy(update={"model": profile})


def test_a_paper_that_a_prompt_shows_leaks_in_any_version(few: Variant) -> None:
    cases = [case(f"2601.0000{n}", dt.date(2026, 1, 7)) for n in (1, 2, 3, 4)]
    assert leaks(cases, [few], []) == {
        "2601.00001": "few shows it",
        "2601.00002": "few shows it",
    }


def test_a_case_older_than_the_examples_leaks(few: Variant) -> None:
    found = leaks([case("2601.00009", dt.date(2026, 1, 6))], [few], [])
    assert found == {"2601.00009": "2026-01-06 is before the examples of few, 2026-01-07"}


def test_what_the_built_in_model_was_trained_on_leaks() -> None:
    seen = case("2512.21828", dt.date(2026, 5, 1))  # its next version may come in any month
    unseen = case("2601.02954", dt.date(2026, 5, 1))
    found = leaks([seen, unseen], [], [("builtin", config())])
    assert found == {"2512.21828": "builtin was trained on it"}


def test_other_models_are_not_known_to_have_seen_anything() -> None:
    assert trained_on(config("deepseek")) == frozenset()
    own = config().profile.model_copy(update={"adapter": Path("other.gguf")})
    other = config().model_copy(update={"models": {"builtin": own}})
    assert trained_on(other) == frozenset()
    assert len(trained_on(config())) > 5_000


def test_an_adapter_of_ones_own_is_known_by_the_list_beside_it(tmp_path: Path) -> None:
    adapter = tmp_path / "mine.gguf"
    profile = config().profile.model_copy(update={"adapter": adapter})
    mine = config().model_copy(update={"models": {"builtin": profile}})
    (tmp_path / "mine.trained-on.txt").write_text("# 1 paper\n2601.00001\n")
    seen = case("2601.00001", dt.date(2026, 5, 1))
    assert leaks([seen], [], [("builtin", mine)]) == {"2601.00001": "builtin was trained on it"}


def test_the_example_day_was_not_trained_on() -> None:
    ids = {one.id for one in find_cases([EXAMPLES], Filters()).cases}
    assert not ids & trained_on(config())


def test_a_leak_is_an_error_that_names_the_papers() -> None:
    cases = [case(f"2601.0000{n}", dt.date(2026, 1, 7)) for n in (1, 2)]
    found = {"2601.00001": "few shows it"}
    with pytest.raises(UsageError, match=r"1 of the cases leak: 2601\.00001 \(few shows it\)"):
        without_leaks(cases, found, leave_out=False)
    assert [c.id for c in without_leaks(cases, found, leave_out=True)] == ["2601.00002"]


def test_nothing_left_after_the_split_is_an_error() -> None:
    with pytest.raises(UsageError, match="no case is left: all 1 leak"):
        without_leaks(
            [case("2601.00001", dt.date(2026, 1, 7))],
            {"2601.00001": "few shows it"},
            leave_out=True,
        )


def test_a_long_list_of_leaks_is_counted() -> None:
    found = {f"2601.000{n:02d}": "why" for n in range(15)}
    with pytest.raises(UsageError, match=r"2601\.00009 \(why\) and 5 more"):
        without_leaks([case("2601.00001", dt.date(2026, 1, 7))], found, leave_out=False)


def test_the_shipped_variants_leave_cases_in_the_example_day() -> None:
    variants = [load_variant(f.stem, f.parent) for f in (ROOT / "prompts").glob("*.md")]
    cases = find_cases([EXAMPLES], Filters()).cases
    found = leaks(cases, variants, [("builtin", config())])
    assert len(without_leaks(cases, found, leave_out=True)) == 21
