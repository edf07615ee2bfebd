"""A cheap world for the search: cases and prompts whose worth is known, and no model at all.

A prompt is a list of words. Each case has a difficulty, each sample a noise with the skew that was
measured between lines of other papers (1.3), so scores are as unruly as content-chrF's.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pipeline.optimize.search import Found, Limits, Seen, Texts, search

_NOISE = 0.075
"""Standard deviation of a sample: half of it squared lies in the papers, as was measured."""


class SimCase(NamedTuple):
    """A paper."""

    number: int
    level: float


class World:
    """`worth`: what a word adds to every line, from 0 to 1; other words add nothing."""

    def __init__(self, seed: int, worth: Mapping[str, float], words: Sequence[str]) -> None:
        self._seed = seed
        self._worth = worth
        self._draw = random.Random(f"world {seed}")
        self._words = words
        self.cases = [SimCase(at, self._draw.gauss(0.35, 0.12)) for at in range(150)]

    @property
    def parts(self) -> tuple[list[SimCase], list[SimCase], list[SimCase]]:
        return self.cases[:45], self.cases[45:90], self.cases[90:]

    def __call__(self, texts: Texts, cases: Sequence[SimCase]) -> list[Seen]:
        return [Seen(self.score(texts, case), "") for case in cases]

    def score(self, texts: Texts, case: SimCase) -> float:
        """The same for the same prompt and case."""
        said = sorted(texts["instructions"].split())
        noise = random.Random(f"{self._seed} {said} {case.number}")
        skewed: float = (noise.gammavariate(2.4, 1) - 2.4) / math.sqrt(2.4)  # skew 1.3, variance 1
        true = case.level + sum(self._worth.get(word, 0.0) for word in said)
        return min(1.0, max(0.0, true + _NOISE * skewed))

    def propose(self, texts: Texts, piece: str, seen: Sequence[Seen], number: int) -> str:
        """Another word, drawn: what a model that reflects blindly would do."""
        said = set(texts[piece].split())
        said ^= {self._draw.choice(self._words)}
        return " ".join(sorted(said))


def searched(world: World, proposals: int = 12, seed: int = 0) -> Found:
    learn, choose, _ = world.parts
    first = {"instructions": "一行 简介"}
    return search(first, learn, choose, world, world.propose, Limits(proposals, seed=seed))
