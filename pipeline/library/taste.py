"""Scores from 0 to 10 for papers, learned from what a reader has and from what they do not want.

Words weigh more the fewer papers have them (TF-IDF), and a linear classifier tells what is liked
from what is not. All the other papers count as not liked too, and together weigh as much as what
is liked: nothing is known of them, and most are not for this reader. The site's script learns in
the same way from stars.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.errors import ConfigError, counted
from pipeline.library.works import Work
from pipeline.records import Paper, Record
from pipeline.text.html import plain
from pipeline.text.interests import Relevance
from pipeline.text.matching import fold, stem, words

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vectors = npt.NDArray[np.floating]

FEWEST = 3
"""Works that a taste can be told from."""
_WORD = re.compile(r"[a-z0-9]+(?:\+\+|#)?")
_LATIN = re.compile(r"[a-z][a-z0-9+#]+")
_COMMON = frozenset(
    ("a", "an", "and", "are", "as", "at", "be", "been", "by", "can", "do", "for", "from", "has",
     "have", "in", "into", "is", "it", "its", "may", "more", "most", "not", "of", "on", "or", "our",
     "such", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this",
     "those", "thus", "to", "use", "we", "were", "what", "when", "where", "which", "while", "who",
     "will", "with")
)  # fmt: skip
"""As stems; no paper is told by them."""
_WORDS_SHOWN = 4
_LEAST_WORD = 0.02
_LEAST_NEAR = 0.1
_MOST, _USUAL, _LIKED = 10.0, 1.0, 7.0
"""The highest score; that of what is like most others; that of what is like the liked."""
_FAR = 30.0
_SPREADS = 2, 4
"""What is liked lies so many standard deviations over the usual, at the least and at the most:
works that are nearly the same would ask for more than any other can have."""
_LEAST_REACH = 0.1
_STRENGTH = 10.0
"""How far the classifier follows single words: the inverse of its penalty."""
_PARTS = 5
_INTEREST = 2.0
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


def worth_of(relevance: Relevance, scored: Scored | None) -> float:
    """What orders papers: an interest that is met weighs two points of the score.

    What is muted comes last.
    """
    if relevance.muted:
        return -math.inf
    return _INTEREST * relevance.value + (scored.score if scored else 0.0)


def scores(
    liked: Sequence[Work],
    disliked: Sequence[Work],
    papers: Sequence[Paper],
    embed: Embed | None = None,
) -> dict[str, Scored]:
    """By arXiv id, for all of `papers`. With `embed` its vectors decide beside the words.

    Raises ConfigError where fewer than FEWEST works are liked that have English words.
    """
    told = sum(bool(terms(work)) for work in liked)
    if told < FEWEST:
        raise ConfigError(
            f"{counted(told, 'work')} in English: a taste is told from {FEWEST} or more",
            where="library.files",
        )
    known = {work.arxiv_id for work in (*liked, *disliked)} - {None}
    titles = {work.key for work in (*liked, *disliked)}
    candidates = [work_of(paper) for paper in papers]
    others = [one for one in candidates if one.arxiv_id not in known and one.key not in titles]
    again = [one for one in candidates if one not in others]
    if not disliked and not others:
        raise ConfigError("there is nothing to tell the liked works from", where="library.files")
    from sklearn.feature_extraction.text import TfidfVectorizer  # an extra, slow to load

    every = [*liked, *disliked, *others, *again]
    found = TfidfVectorizer(analyzer=terms, sublinear_tf=True)
    taught = _Taught(liked=len(liked), disliked=len(disliked), others=len(others))
    rows = found.fit_transform(every)
    learned = taught.learn(rows)
    worth = learned.worth
    if embed is not None:
        vectors = embed([f"{work.title}\n{work.abstract}" for work in every])
        worth = (worth + taught.learn(vectors).worth) / 2
    names = found.get_feature_names_out()
    near = rows @ rows[: len(liked)].T
    found_scores = {
        one.arxiv_id or "": Scored(
            score=round(_MOST / (1 + math.exp(-float(worth[at]))), 1),
            words=_words(one, rows[at], learned.weights, names),
            near=_near(one, near[at], liked),
        )
        for at, one in enumerate(every)
        if at >= len(liked) + len(disliked)
    }
    return {paper.arxiv_id: found_scores[paper.arxiv_id] for paper in papers}


def terms(work: Work) -> list[str]:
    """What a work is told by: its words and pairs of them, in one inflection, the title's twice."""
    return [*_terms(work.title) * _TITLE, *_terms(work.abstract)]


def _terms(text: str) -> list[str]:
    stems = [stem(word) for word in _WORD.findall(fold(text))]
    good = [_LATIN.fullmatch(stem) is not None and stem not in _COMMON for stem in stems]
    single = [stem for stem, fits in zip(stems, good, strict=True) if fits]
    pairs = [
        f"{first} {second}"
        for first, second, fits, fits_too in zip(stems, stems[1:], good, good[1:], strict=False)
        if fits and fits_too
    ]
    return [*single, *pairs]


def work_of(paper: Paper) -> Work:
    """Title and abstract without TeX."""
    return Work(title=plain(paper.title), abstract=plain(paper.abstract), arxiv_id=paper.arxiv_id)


class _Learned(NamedTuple):
    """What a classifier makes of rows, and what speaks for and against."""

    worth: Vectors
    """One a row, of which the score is the logistic function."""
    weights: Vectors


class _Taught(NamedTuple):
    """How many of the first rows are liked, then disliked, then others."""

    liked: int
    disliked: int
    others: int

    def learn(self, rows: Any) -> _Learned:
        """Teach, and find the scale.

        Each liked one is a spy among the others once: so high stands what is liked when the
        classifier is told that it is not (B. Liu, W. S. Lee, P. S. Yu, X. Li, "Partially supervised
        classification of text documents", 2002).
        """
        import numpy as np

        whole = self._fit(rows, np.ones(self.liked, dtype=bool))
        found = whole.decision_function(rows)
        spies = np.zeros(self.liked)
        parts = min(_PARTS, self.liked)
        part = np.arange(self.liked) % parts
        for hidden in range(parts):
            learned = self._fit(rows, part != hidden)
            own = np.flatnonzero(part == hidden)
            spies[own] = learned.decision_function(rows[own])
        usual, spread = np.median(found[self.liked :]), np.std(found[self.liked :])
        least, most = (number * float(spread) for number in _SPREADS)
        reach = max(min(float(np.median(spies) - usual), most), least, _LEAST_REACH)
        low, high = _logit(_USUAL), _logit(_LIKED)
        worth = np.clip(low + (high - low) * (found - usual) / reach, -_FAR, _FAR)
        return _Learned(worth, whole.coef_[0])

    def _fit(self, rows: Any, wanted: Any) -> Any:
        """`wanted`: which of the liked are taught as such; the rest are others."""
        import numpy as np
        from sklearn.linear_model import LogisticRegression

        count = sum(self)
        labels = np.zeros(count, dtype=int)
        labels[: self.liked] = wanted
        weights = np.full(count, min(1.0, self.liked / max(1, self.others)))
        weights[self.liked : self.liked + self.disliked] = 1.0
        weights[labels == 1] = 1.0
        made = LogisticRegression(C=_STRENGTH, max_iter=1000)
        return made.fit(rows[:count], labels, sample_weight=weights)


def _logit(score: float) -> float:
    return math.log(score / (_MOST - score))


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
        other: Work = liked[at]
        if other.key != work.key:
            return other.title
    return ""
