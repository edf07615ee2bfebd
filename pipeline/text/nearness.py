"""How near texts are to each other by their words: the cosine of TF-IDF."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_WORD = re.compile(r"[a-z0-9]{2,}")


class Nearness:
    """Some texts, each held against any other.

    A word weighs 1 + log of its times in a text, times 1 + log of the inverse share of the texts
    that have it.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [_counted(text) for text in texts]
        spread = Counter(word for count in counts for word in count)
        self._size = len(texts)
        self._rarity = {
            word: 1 + math.log((1 + len(texts)) / (1 + having)) for word, having in spread.items()
        }
        postings: dict[str, tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
        for index, count in enumerate(counts):
            for word, weight in self._vector(count).items():
                postings[word][0].append(index)
                postings[word][1].append(weight)
        self._postings = {
            word: (np.array(at), np.array(weights)) for word, (at, weights) in postings.items()
        }

    def to(self, text: str) -> Floats:
        """Of each text, in their order: from 0 (no word in common) to 1."""
        near = np.zeros(self._size)
        for word, weight in self._vector(_counted(text)).items():
            if word in self._postings:
                at, weights = self._postings[word]
                near[at] += weight * weights
        return near

    def _vector(self, count: Counter[str]) -> dict[str, float]:
        """Of length 1; a word that no text has is as rare as can be."""
        rarest = 1 + math.log(1 + self._size)
        vector = {
            word: (1 + math.log(times)) * self._rarity.get(word, rarest)
            for word, times in count.items()
        }
        length = math.hypot(*vector.values()) or 1.0
        return {word: weight / length for word, weight in vector.items()}


def _counted(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.lower()))
