from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import load_config
from pipeline.errors import ConfigError
from pipeline.settings import InterestSettings, Terms
from pipeline.text.interests import Relevance, fold, matches, ranked, score
from tests.standins.records import paper
from tests.standins.settings import write_config


@pytest.mark.parametrize(
    ("needle", "text", "found"),
    [
        ("ASR", "Robust ASR for all", True),
        ("asr", "ASR", True),
        ("ASR", "a laser", False),
        ("ASR", "ASR2 and xASR", False),
        ("ASR", "xASR, then ASR-based", True),  # the second hit counts
        ("ASR", "端到端ASR模型", True),
        ("语音", "多语音频", True),
        ("语音识别", "研究语音 识别", False),
        ("speech  synthesis", "Speech\n synthesis", True),
        ("ＡＳＲ", "asr", True),
        ("C++", "in C++17", True),  # it ends with a sign: what follows does not matter
        ("C++", "in ObjC++", False),
        (".NET", "ASP.NET", True),
        ("é", "café", True),
        ("Straße", "STRAßE", True),
        ("", "anything", False),
        (" \t", "any thing", False),
        ("longer than the text", "text", False),
    ],
)
def test_a_needle_matches(needle: str, text: str, found: bool) -> None:
    assert matches(needle, text) is found


def test_white_space_runs_to_one_space() -> None:
    assert fold("  A\u00a0\tB\n\nＣ ") == "a b c"


@given(st.text(), st.text(), st.text())
def test_chinese_is_found_wherever_it_stands(before: str, needle: str, after: str) -> None:
    assert matches("语音", f"{before}语音{after}")
    assert not matches(needle, "") or fold(needle) == ""


@given(st.text(max_size=30), st.text(max_size=80))
def test_any_text_can_be_matched(needle: str, text: str) -> None:
    found = matches(needle, text)
    assert not found or fold(needle) in fold(text)
    if fold(needle):
        assert matches(needle, needle)


def test_the_score_counts_entries_and_names_them() -> None:
    found = paper(
        title="Speech Enhancement",
        abstract="We train a Conformer.",
        comment="Interspeech 2026",
        authors=("Xin Li", "Wei Liang"),
        categories=("eess.AS", "cs.SD"),
    )
    interests = InterestSettings(
        more=Terms(
            keywords=("conformer", "interspeech", "扩散", "music"),
            authors=("Li", "Liang", "Zhang"),
            tags=("cs.SD",),
        ),
        less=Terms(keywords=("speech",), authors=("iang",), tags=("cs.CL",)),
    )
    result = score(found, "本文采用扩散模型", found.categories, interests)
    assert result.more == Terms(
        keywords=("conformer", "interspeech", "扩散"), authors=("Li", "Liang"), tags=("cs.SD",)
    )
    assert result.less == Terms(keywords=("speech",))
    assert result.value == 5
    assert score(found, None, (), interests).value == 3


def test_a_short_name_does_not_match_a_longer_one() -> None:
    interests = InterestSettings(more=Terms(authors=("Li",)))
    assert score(paper(authors=("Wei Liang",)), None, (), interests).value == 0
    assert score(paper(authors=("Li Wei",)), None, (), interests).value == 1


@given(st.lists(st.tuples(st.integers(-2, 2), st.integers())))
def test_ranking_is_stable_and_loses_nothing(items: list[tuple[int, int]]) -> None:
    def scored(item: tuple[int, int]) -> Relevance:
        entries = Terms(keywords=("k",) * abs(item[0]))
        return Relevance(more=entries) if item[0] > 0 else Relevance(less=entries)

    assert ranked(items, scored) == sorted(items, key=lambda item: -item[0])


def _loaded(folder: Path, **more: object) -> InterestSettings:
    path = write_config(
        folder, "http://127.0.0.1:1", "http://127.0.0.1:1", interests={"more": more}
    )
    return load_config(path).interests


def test_interests_stand_in_the_settings(tmp_path: Path) -> None:
    assert _loaded(tmp_path, keywords=["ASR"], tags=["cs.SD"]).more.keywords == ("ASR",)
    with pytest.raises(ConfigError, match=r"interests\.more\.tags.*'cs\.XX' is not an arXiv cat"):
        _loaded(tmp_path, tags=["cs.XX"])
    for entries in ("keywords", "authors"):
        with pytest.raises(ConfigError, match="an entry is empty"):
            _loaded(tmp_path, **{entries: ["a", " \t"]})
    with pytest.raises(ConfigError, match=r"unknown key 'interests\.more\.keyword'"):
        _loaded(tmp_path, keyword=["ASR"])
