"""Which examples a prompt shows, as a part of the search: how they are chosen, how many, from when.

No model is asked for it: the ways are few, and each is tried once at most, in an order that the
seed draws.
"""

from __future__ import annotations

import random
from itertools import product
from pathlib import Path

from pipeline.errors import PromptError, UsageError
from pipeline.evaluate.regime import STABLE_SINCE
from pipeline.optimize.pieces import Pieces, with_examples
from pipeline.prompt.variant import Variant, variant_of

_WAYS = ("first", "nearest", "diverse")
_COUNTS = (1, 3, 5, 8)


class Choices:
    """What can be chosen, and what was not tried yet."""

    def __init__(self, present: str, seed: int, *, regimes: bool) -> None:
        """`regimes`: the examples are of more than one style, so the newer alone is a choice."""
        since = ("", f" {STABLE_SINCE}") if regimes else ("",)
        left = [f"{way} {count}{day}" for way, count, day in product(_WAYS, _COUNTS, since)]
        random.Random(seed).shuffle(left)  # noqa: S311 - no secret
        self._left = [one for one in left if one != present]

    def __call__(self, present: str) -> str:
        """Another choice; the present one where all were tried."""
        return self._left.pop() if self._left else present


def present_choice(variant: Variant) -> str:
    """What the prompt says now. Raises UsageError where it shows no examples."""
    few = variant.front.examples
    if few is None:
        raise UsageError(
            "shows no examples, so there is nothing to choose",
            where=f"--few-shot {variant.name}",
            fix="Start from a prompt that does, such as few-shot",
        )
    return f"{few.choose} {few.count}" + (f" {few.since}" if few.since else "")


def with_all_shown(pieces: Pieces, path: Path, prompts: Path) -> Variant:
    """As if it showed every one of its examples: whatever is chosen, these papers are no cases.

    Raises PromptError where its front matter cannot be written anew.
    """
    source = with_examples(pieces.source, "nearest 1")
    showing = variant_of(source, path, prompts)
    few = showing.front.examples
    if few is None or few.choose != "nearest":
        raise PromptError(
            "its examples cannot be chosen anew",
            where=path,
            fix="Write examples: in lines of their own, as in prompts/few-shot.md",
        )
    return showing
