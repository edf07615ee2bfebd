"""Scores learned from a library."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pipeline.errors import ConfigError
from pipeline.library.taste import scores, worth_of
from pipeline.library.works import Work
from pipeline.settings import Terms
from pipeline.text.interests import Relevance
from tests.library.made import CODEC, MUSIC, PLAIN, SPEECH, made_papers, made_works

pytest.importorskip("sklearn", reason="the extra `library` is not installed")


def test_what_is_like_the_library_scores_high_and_says_why() -> None:
    liked, unwanted = made_works(CODEC, 8, 1), made_works(SPEECH, 4, 2)
    papers = made_papers(CODEC, 6, 3) + made_papers(SPEECH, 15, 4) + made_papers(MUSIC, 15, 5)
    found = scores(liked, unwanted, papers)
    assert list(found) == [paper.arxiv_id for paper in papers]
    values = [one.score for one in found.values()]
    assert all(0 <= value <= 10 for value in values)
    assert min(values[:6]) >= 5 > max(values[6:])
    first = next(iter(found.values()))
    assert first.words and all(set(said.split()) <= set(CODEC.split()) for said in first.words)
    assert first.near in {work.title for work in liked}
    assert scores(liked, unwanted, papers) == found


def test_what_is_not_wanted_lowers_what_is_like_it() -> None:
    liked = made_works(CODEC, 6, 1) + made_works(MUSIC, 6, 2)
    papers = made_papers(CODEC, 4, 3) + made_papers(MUSIC, 4, 4) + made_papers(SPEECH, 20, 5)
    before = [one.score for one in scores(liked, [], papers).values()]
    after = [one.score for one in scores(liked, made_works(MUSIC, 12, 6), papers).values()]
    assert sum(after[4:8]) < sum(before[4:8]) - 4
    assert sum(after[:4]) > sum(after[4:8])


def test_a_paper_of_the_library_is_no_reason_for_itself() -> None:
    papers = made_papers(CODEC, 5, 1) + made_papers(SPEECH, 20, 2)
    liked = [Work(title=one.title, abstract=one.abstract) for one in papers[:4]]
    liked[1] = Work(title="another title", abstract=papers[1].abstract, arxiv_id=papers[1].arxiv_id)
    found = scores(liked, [], papers)
    assert len(found) == 25
    assert all(found[one.arxiv_id].near != one.title for one in papers)
    assert found[papers[0].arxiv_id].score > 5


def test_too_little_is_told() -> None:
    with pytest.raises(ConfigError, match="2 works in English: a taste is told from 3 or more"):
        scores(made_works(CODEC, 2, 1), [], made_papers(SPEECH, 5, 2))
    with pytest.raises(ConfigError, match="nothing to tell the liked works from"):
        scores(made_works(CODEC, 3, 1), [], [])


def test_works_and_papers_without_a_word_harm_nothing() -> None:
    bare = [Work(title="语音合成"), *made_works(CODEC, 3, 1)]
    papers = [one.model_copy(update={"abstract": ""}) for one in made_papers(SPEECH, 3, 2)]
    papers.append(papers[0].model_copy(update={"arxiv_id": "2699.00001", "title": "№ 42 …"}))
    assert len(scores(bare, [], papers)) == 4
    with pytest.raises(ConfigError, match="0 works in English"):
        scores([Work(title=name) for name in ("甲", "乙", "丙")], [], papers[3:])


def test_an_interest_weighs_two_points() -> None:
    met = Relevance(more=Terms(keywords=("codec",)), less=Terms())
    scored = scores(
        made_works(CODEC, 4, 1), [], made_papers(CODEC, 1, 2) + made_papers(MUSIC, 9, 3)
    )
    one = next(iter(scored.values()))
    assert worth_of(met, one) == one.score + 2
    assert worth_of(met, None) == 2


def test_vectors_decide_beside_the_words() -> None:
    import numpy as np

    liked, papers = made_works(CODEC, 5, 1), made_papers(SPEECH, 20, 2)
    asked: list[str] = []

    def embed(texts: Sequence[str]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """All alike but for the liked ones and the first paper, which share one direction."""
        asked.extend(texts)
        rows = np.tile([1.0, 0.0], (len(asked), 1))
        rows[: len(liked)] = rows[len(liked)] = [0.0, 1.0]
        return rows

    plain = scores(liked, [], papers)
    found = scores(liked, [], papers, embed)
    assert asked[0] == f"{liked[0].title}\n{liked[0].abstract}" and PLAIN in asked[0]
    first = papers[0].arxiv_id
    assert found[first].score > plain[first].score + 2
    assert max(found, key=lambda one: found[one].score) == first
