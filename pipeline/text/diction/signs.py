"""Which signs a word of a lexicon cannot do without: a line that has none of them need not be read.

A word is a regular expression of the kind that the lexicons have: signs, classes, groups, what may
or may not stand beside them, and how often.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

Signs = frozenset[str]
"""In lower case; every match of a word has one of them. None instead: no such signs are known."""

_PIECE = re.compile(
    r"(?P<look>\(\?<?[=!])"
    r"|(?P<group>\(\?[a-zA-Z-]*:|\((?!\?))"
    r"|(?P<close>\))"
    r"|(?P<bar>\|)"
    r"|(?P<odd>\[\^(?:\\.|[^\]\\])(?:\\.|[^\]\\])*\]|\\[A-Za-z0-9]|[.^$])"
    r"|\[(?P<signs>(?:\\.|[^\]\\])+)\]"
    r"|\\(?P<escaped>.)"
    r"|(?P<sign>.)",
    re.DOTALL,
)
_OFTEN = re.compile(
    r"(?:(?P<maybe>[?*]|\{0?,[0-9]*\}|\{0(?:,[0-9]*)?\})|\+|\{[0-9]+(?:,[0-9]*)?\})[?+]?"
)


def needed(word: str, common: Signs = frozenset()) -> Signs | None:
    """The fewest signs that the word cannot do without, as far as its form tells.

    Those that are `common` in lines count ten times: they leave out few.
    """
    return _Reader(word, common).alternatives()


def signs_of(text: str) -> Signs:
    """The signs of a text, in every case in which a word may ask for them."""
    signs = {*text.lower(), *text.casefold()}
    # Without regard to case, re takes a dotless i for an i.
    return frozenset(signs | {"i"} if "ı" in signs else signs)


class _Reader:
    """Reads a word from left to right."""

    def __init__(self, word: str, common: Signs) -> None:
        self._word = word
        self._common = common
        self._at = 0

    def alternatives(self) -> Signs | None:
        """Up to the end of the group, or of the word: each alternative needs signs of its own."""
        branches: list[Signs | None] = []
        while True:
            branch, end = self._branch()
            branches.append(branch)
            if end != "|":
                return _any(branches)

    def _branch(self) -> tuple[Signs | None, str]:
        """One alternative, and what ends it."""
        fewest: Signs | None = None
        while piece := _PIECE.match(self._word, self._at):
            self._at = piece.end()
            if piece["close"] or piece["bar"]:
                return fewest, piece[0]
            signs = self._signs(piece)
            often = _OFTEN.match(self._word, self._at)
            if often:
                self._at = often.end()
            if signs is None or (often and often["maybe"]):
                continue
            if fewest is None or self._weight(signs) < self._weight(fewest):
                fewest = signs
        return fewest, ""

    def _signs(self, piece: re.Match[str]) -> Signs | None:
        if piece["look"]:
            self.alternatives()  # what stands beside a match is no part of it
            return None
        if piece["group"]:
            return self.alternatives()
        if piece["odd"]:
            return None
        if (listed := piece["signs"]) is not None:
            return None if "-" in listed[1:-1] or "\\" in listed else _lower(listed)
        return _lower(piece["escaped"] or piece["sign"])

    def _weight(self, signs: Signs) -> int:
        return len(signs) + 9 * len(signs & self._common)


def _any(branches: Iterable[Signs | None]) -> Signs | None:
    together: Signs = frozenset()
    for branch in branches:
        if branch is None:
            return None
        together |= branch
    return together


def _lower(signs: str) -> Signs:
    return frozenset(signs.lower())
