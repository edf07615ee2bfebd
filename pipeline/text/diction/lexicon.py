"""Lexicons: words of one kind that no 简介 line has.

A word may be foreign to research and yet stand between two words that are not: 发现价值 has 现价
in it, 特征文本 has 征文. And a paper may be about advertisements. So a lexicon has three kinds of
words: those that are looked for anywhere, most with what may not stand beside them; those that are
looked for only in parts of a line that stand apart; and those only for parts where nothing of
research is named (`reading.py`).

A file in `words/` has them under [anywhere], [apart] and [astray], parted by white space. Each is a
regular expression, in which `<name>` is one of `parts.txt`; case does not count.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from pipeline.text.diction.reading import read_line, rows

_SECTIONS = ("[anywhere]", "[apart]", "[astray]")


class Lexicon(NamedTuple):
    """Words of one kind, by where they are looked for."""

    anywhere: re.Pattern[str]
    apart: re.Pattern[str]
    astray: re.Pattern[str]

    def find(self, line: str) -> str | None:
        """The first of the words that the line has where it may not be, as it stands there."""
        reading = read_line(line)
        places = (
            (self.anywhere, (reading.plain,)),
            (self.apart, reading.apart),
            (self.astray, reading.astray),
        )
        for pattern, texts in places:
            for match in filter(None, map(pattern.search, texts)):
                return match[0]
        return None


@cache
def lexicon(name: str) -> Lexicon:
    """The lexicon in the file of that name."""
    words: dict[str, list[str]] = {section: [] for section in _SECTIONS}
    section = ""
    for row in rows(name):
        if row in words:
            section = row
        else:
            words[section] += row.split()
    return Lexicon(*map(_any_of, words.values()))


def _any_of(words: list[str]) -> re.Pattern[str]:
    pattern = "|".join(words)
    for name, part in _parts().items():
        pattern = pattern.replace(f"<{name}>", part)
    return re.compile(pattern, re.IGNORECASE)


@cache
def _parts() -> dict[str, str]:
    return dict(row.split(" ", 1) for row in rows("parts"))
