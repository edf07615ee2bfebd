"""Scores from 0 to 10 for papers, learned from what a reader has and from what they do not want.

Words weigh more the fewer papers have them (TF-IDF), and a linear classifier tells what is liked
from what is not. All the other papers count as not liked too, and together weigh as much as what
is liked: nothing is known of them, and most are not for this reader. The site's script learns in
the same way from stars.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError
from pipeline.library.works import Work
from pipeline.records import Paper, Record
from pipeline.text.html import plain
from pipeline.text.matching import words

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vectors = npt.NDArray[np.float64]

FEWEST = 3
"""Works that a taste can be told from."""
_LATIN = re.compile(r"[a-z][a-z0-9+#]+")
_COMMON = frozenset(
    "a an and are as at be been by can do for from has have in into is it its may more most not of"
    " on or our such than that the their them then there these they this those thus to use we were"
    " what when where which while who will with".split()
)
_WORDS_SHOWN = 4
_LEAST_WORD = 0.02
_LEAST_NEAR = 0.1
_TITLE = 2
"""How often a title counts."""

Embed = Callable[[Sequence[str]], "Vectors"]
"""Texts → one vector each, a row."""


class Scored(Record):
    """One paper, for this reader."""

    score: float
    """From 0 to 10."""
    words: tuple[str, ...]
    """Those that speak most for it, as the paper has them."""
    near: str
    """The title of the liked work that it is most like; empty: like none."""


def scores(
    liked: Sequence[Work],
    disliked: Sequence[Work],
    papers: Sequence[Paper],
    embed: Embed | None = None,
) -> dict[str, Scored]:
    """By arXiv id, for all of `papers`. With `embed` its vectors decide beside the words.

    Raises ConfigError where fewer than FEWEST works are liked.
    """
    if len(liked) < FEWEST:
        raise ConfigError(
            f"{len(liked)} works: a taste is told from {FEWEST} and more", where="library.files"
        )
    from sklearn.feature_extraction.text import TfidfVectorizer  # an extra, slow to load

    known = {work.arxiv_id for work in (*liked, *disliked)} - {None}
    titles = {work.key for work in (*liked, *disliked)}
    candidates = [_work_of(paper) for paper in papers]
    others = [one for one in candidates if one.arxiv_id not in known and one.key not in titles]
    taught = [*liked, *disliked, *others]
    found = TfidfVectorizer(analyzer=terms, sublinear_tf=True)
    learned = _learn(found.fit_transform(taught), len(liked), len(disliked), len(others))
    rows = found.transform(candidates)
    chances = learned.predict_proba(rows)[:, 1]
    near = rows @ found.transform(liked).T
    if embed is not None:
        texts = [f"{work.title}\n{work.abstract}" for work in (*taught, *candidates)]
        vectors = embed(texts)
        judged = _learn(vectors[: len(taught)], len(liked), len(disliked), len(others))
        chances = (chances + judged.predict_proba(vectors[len(taught) :])[:, 1]) / 2
    weights, names = learned.coef_[0], found.get_feature_names_out()
    return {
        one.arxiv_id or "": Scored(
            score=round(10 * float(chances[at]), 1),
            words=_words(one, rows[at], weights, names),
            near=_near(one, near[at], liked),
        )
        for at, one in enumerate(candidates)
    }


def terms(work: Work) -> list[str]:
    """What a work is told by: its words and pairs of them, in one inflection, the title's twice."""
    return [*_terms(work.title) * _TITLE, *_terms(work.abstract)]


def _terms(text: str) -> list[str]:
    stems = [word.stem for word in words(text)]
    good = [_LATIN.fullmatch(stem) is not None and stem not in _COMMON for stem in stems]
    single = [stem for stem, fits in zip(stems, good, strict=True) if fits]
    pairs = [
        f"{first} {second}"
        for first, second, fits, fits_too in zip(stems, stems[1:], good, good[1:], strict=False)
        if fits and fits_too
    ]
    return [*single, *pairs]


def _work_of(paper: Paper) -> Work:
    return Work(
        title=plain(paper.title), abstract=plain(paper.abstract), arxiv_id=paper.arxiv_id
    )


def _learn(rows: Any, liked: int, disliked: int, others: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    wanted = [1] * liked + [0] * (disliked + others)
    share = min(1.0, liked / max(1, others))
    weights = [1.0] * (liked + disliked) + [share] * others
    if not disliked + others:
        raise ConfigError("there is nothing to tell the liked works from", where="library")
    return LogisticRegression(C=_STRENGTH, max_iter=1000).fit(rows, wanted, sample_weight=weights)


_STRENGTH = 10.0


def _words(work: Work, row: Any, weights: Vectors, names: Sequence[str]) -> tuple[str, ...]:
    """The terms that speak most for it, in the form that the paper has; none within another."""
    forms = {word.stem: word.text for word in words(f"{work.abstract} {work.title}")}
    worth = sorted(((row.data[k] * weights[i], names[i]) for k, i in enumerate(row.indices)),
                   reverse=True)  # fmt: skip
    shown: list[str] = []
    for value, term in worth:
        if value < _LEAST_WORD or len(shown) == _WORDS_SHOWN:
            break
        said = " ".join(forms.get(stem, stem) for stem in term.split())
        if not any(said in other or other in said for other in shown):
            shown.append(said)
    return tuple(shown)


def _near(work: Work, row: Any, liked: Sequence[Work]) -> str:
    """The work itself is no answer."""
    order = sorted(zip(row.data, row.indices, strict=True), reverse=True)
    for value, at in order:
        if value < _LEAST_NEAR:
            return ""
        if liked[at].key != work.key:
            return liked[at].title
    return ""
