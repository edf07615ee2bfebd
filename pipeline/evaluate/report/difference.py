"""Two lines held beside each other: what of one the other does not have."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import NamedTuple

import rjieba


class Piece(NamedTuple):
    """A run of words; `own`: the other line has nothing like it there."""

    text: str
    own: bool


def pieces(line: str, reference: str) -> list[Piece]:
    """The line, with the words marked that the reference has not."""
    ours, theirs = ([str(word) for word in rjieba.cut(text)] for text in (line, reference))
    parts = []
    for kind, start, end, _, _ in SequenceMatcher(a=ours, b=theirs, autojunk=False).get_opcodes():
        if start < end:
            parts.append(Piece("".join(ours[start:end]), kind != "equal"))
    return parts
