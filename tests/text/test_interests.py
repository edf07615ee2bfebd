from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import load_config
from pipeline.errors import ConfigError
from pipeline.settings import InterestSettings, Terms
from pipeline.text.interests import Relevance, ranked, score
from tests.standins.records import paper
from tests.standins.settings import write_config


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


def test_a_name_is_no_other_name() -> None:
    interests = InterestSettings(more=Terms(authors=("William", "Bjorn", "Xiaoming")))
    assert score(paper(authors=("Ann Williams",)), None, (), interests).value == 0
    assert score(paper(authors=("Björn Li", "Xiao-Ming Xu")), None, (), interests).value == 2
    interests = InterestSettings(more=Terms(authors=("Li",)))
    assert score(paper(authors=("Wei Liang",)), None, (), interests).value == 0
    assert score(paper(authors=("Li Wei",)), None, (), interests).value == 1


@given(st.lists(st.tuples(st.integers(-2, 2), st.integers())))
def test_ranking_is_stable_and_loses_nothing(items: list[tuple[int, int]]) -> None:
    def worth(item: tuple[int, int]) -> float:
        entries = Terms(keywords=("k",) * abs(item[0]))
        met = Relevance(more=entries) if item[0] > 0 else Relevance(less=entries)
        return met.value

    assert ranked(items, worth) == sorted(items, key=lambda item: -item[0])


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
