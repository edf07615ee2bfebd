"""Quotes: whether a text has these very words, and where.

Forgiven is what differs between a paper, its PDF and what is typed from it: case, ligatures and
accents, LaTeX, typographic quotation marks and dashes, white space, and a word that a line's end
parts. Nothing else is: no word left out, no other number, no other sign. A quote begins and ends
where words do, so that `able to separate` is none from `unable to separate`.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from functools import cached_property
from typing import Final, NamedTuple, final

from pipeline.text.grounding import plain_letters

_LOOKS = 1000
"""Places that are looked at: a text of one letter would have a million."""
_WORD = re.compile(r"\S+")
_LATEX = re.compile(r"[${}~^_\\]+")
_MARKS = str.maketrans(dict.fromkeys("‘’‚‛`´′", "'") | dict.fromkeys('"“”„‟″', "''") | {"—": "-"})
_DASHES = re.compile("-+")
_HYPHEN = re.compile(r"(?<=[^\W\d_])-|-(?=[^\W\d_])|-$")
"""Beside a letter or at a word's end; a minus and a range of numbers keep theirs."""


class Span(NamedTuple):
    """From `start` up to `end`, characters of a text."""

    start: int
    end: int


@final
class Quotable:
    """A text that quotes are looked up in; never changes."""

    def __init__(self, text: str) -> None:
        self.text: Final = text

    @cached_property
    def _words(self) -> list[tuple[Span, str]]:
        words = ((Span(*m.span()), _folded(m[0])) for m in _WORD.finditer(self.text))
        return [(span, word) for span, word in words if word]

    @cached_property
    def _folded(self) -> str:
        return "".join(word for _, word in self._words)

    @cached_property
    def _starts(self) -> list[int]:
        """Where each word begins in the folded text, and where that ends."""
        starts = [0]
        for _, word in self._words:
            starts.append(starts[-1] + len(word))
        return starts

    def find(self, quote: str) -> Span | None:
        """Where the first such words stand, whole words; None where they do not."""
        wanted = folded(quote)
        at = self._folded.find(wanted) if wanted else -1
        for _ in range(_LOOKS):
            if at < 0:
                break
            end = at + len(wanted)
            if self._is_border(at) and self._is_border(end):
                first = bisect_right(self._starts, at) - 1
                last = bisect_left(self._starts, end) - 1
                return Span(self._words[first][0].start, self._words[last][0].end)
            at = self._folded.find(wanted, at + 1)
        return None

    def _is_border(self, place: int) -> bool:
        """Whether a word begins or ends here, or a sign or a Chinese character stands at it."""
        if self._starts[bisect_left(self._starts, place)] == place:
            return True
        return not all(char.isascii() and char.isalnum() for char in self._folded[place - 1 :][:2])


def folded(text: str) -> str:
    """What of a text counts, without white space."""
    return "".join(map(_folded, _WORD.findall(text)))


def _folded(word: str) -> str:
    plain = _LATEX.sub("", plain_letters(word)).translate(_MARKS)
    return _HYPHEN.sub("", _DASHES.sub("-", "".join(plain.split()).lower()))
