"""How near an extracted text comes to the true one: the bench's two numbers, both from 0 to 1."""

from __future__ import annotations

import re
from collections import Counter

_WORD = re.compile(r"[^\W_]+")


def ratio(text: str, truth: str) -> float:
    """Normalised Levenshtein ratio: 1 - distance / the longer length; white space is folded.

    Needs rapidfuzz, a development dependency.
    """
    from rapidfuzz.distance import Levenshtein  # the product runs without it

    return float(Levenshtein.normalized_similarity(_folded(text), _folded(truth)))


def word_f1(text: str, truth: str) -> float:
    """Harmonic mean of precision and recall over the two multisets of words.

    A word is a run of letters and digits, in lower case. Two texts without words are equal.
    """
    ours, theirs = _words(text), _words(truth)
    total = ours.total() + theirs.total()
    return 2 * (ours & theirs).total() / total if total else 1.0


def _folded(text: str) -> str:
    return " ".join(text.split())


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.lower()))
