"""Lexicons: words of one kind that no 简介 line has.

A word may be foreign to research and yet stand between two words that are not: 发现价值 has 现价
in it, 特征文本 has 征文. And a paper may be about advertisements. So a lexicon has three kinds of
words: those that are looked for anywhere, most with what may not stand beside them; those that are
looked for only in parts of a line that stand apart; and those only for parts where nothing of
research is named (`reading.py`).

A file in `words/` has them under [anywhere], [apart] and [astray], parted by white space. Each is a
regular expression, in which `<name>` is one of `parts.txt`; case does not count.

There are 1,600 words. A line is searched for those alone that it has a sign of (`signs.py`), some
dozens, and only these are compiled.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from pipeline.text.diction.reading import read_line, rows
from pipeline.text.diction.signs import needed, signs_of

LEXICONS = (
    *("account", "appeal", "counsel", "fetching", "making", "notice", "offer", "order"),
    *("place", "praise", "secret", "slander"),
)
_SECTIONS = ("[anywhere]", "[apart]", "[astray]")


class Word(NamedTuple):
    """A regular expression, and where it is looked for."""

    lexicon: str
    section: str
    pattern: str


def find(lexicon: str, line: str) -> str | None:
    """The first of its words that the line has where it may not be, as it stands there."""
    suspects = _suspects(line).get(lexicon)
    if suspects is None:
        return None
    reading = read_line(line)
    places = zip(_SECTIONS, ((reading.plain,), reading.apart, reading.astray), strict=True)
    for section, texts in places:
        patterns = [_compiled(word.pattern) for word in suspects if word.section == section]
        for text in texts if patterns else ():
            if matches := [match for one in patterns if (match := one.search(text))]:
                return min(matches, key=re.Match.start)[0]
    return None


def warm_up() -> None:
    """Read the lexicons."""
    _index()


def words_of(lexicon: str) -> tuple[Word, ...]:
    """All of them, in the order of the file."""
    words: list[Word] = []
    section = ""
    for row in rows(lexicon):
        if row in _SECTIONS:
            section = row
        else:
            words += [Word(lexicon, section, _whole(word)) for word in row.split()]
    return tuple(words)


@lru_cache(maxsize=64)
def _suspects(line: str) -> Mapping[str, Sequence[Word]]:
    """By lexicon, the words that the line may have, in order; every rule asks for the same."""
    words, by_sign, always = _index()
    signs = signs_of(read_line(line).plain)
    numbers = {n for sign in by_sign.keys() & signs for n in by_sign[sign]}
    suspects: dict[str, list[Word]] = defaultdict(list)
    for number in sorted(numbers.union(always)):
        suspects[words[number].lexicon].append(words[number])
    return dict(suspects)


@cache
def _index() -> tuple[tuple[Word, ...], Mapping[str, Sequence[int]], Sequence[int]]:
    """All words, their numbers by the signs that they need, and those that need none."""
    words = tuple(word for lexicon in LEXICONS for word in words_of(lexicon))
    common = signs_of("".join(row for name in ("openings", "research") for row in rows(name)))
    by_sign: dict[str, list[int]] = defaultdict(list)
    always = []
    for number, word in enumerate(words):
        signs = needed(word.pattern, common)
        for sign in signs or ():
            by_sign[sign].append(number)
        always += [] if signs else [number]
    return words, by_sign, always


def _whole(word: str) -> str:
    """With its parts in their places."""
    for name, part in _parts().items():
        word = word.replace(f"<{name}>", part)
    return word


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


@cache
def _parts() -> dict[str, str]:
    return dict(row.split(" ", 1) for row in rows("parts"))
