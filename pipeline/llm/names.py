"""The names and numbers that a line may copy from a text, in the ways people write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from pipeline.text.grounding import NAME_CHARS, Source, initials, ungrounded

_RUN = re.compile(rf"[{NAME_CHARS}]+")
_JOINED = re.compile(rf"[{NAME_CHARS}]+(?:[-.,_/+'&]+[{NAME_CHARS}]+)+")
_ACRONYM = range(3, 6)
"""Letters that an acronym has when the text gives its words only."""
_LONGEST = 40
"""Characters of a name; nothing longer has a place in a line."""
_ALWAYS = ("AI", *map(str, range(13)))
"""Where they are grounded, as everything: twelve for 12."""


def names(text: str) -> frozenset[str]:
    """What a line may write of names and numbers and stays grounded in `text`, in any case."""
    source = Source((text,))
    runs = _RUN.findall(text)
    candidates = chain(runs, _JOINED.findall(text), _acronyms(text), _ALWAYS)
    return frozenset(
        name
        for name in _spelled(set(candidates))
        if len(name) <= _LONGEST and not ungrounded(name, source)
    )


def _spelled(candidates: Iterable[str]) -> Iterator[str]:
    """Each as it stands, in small letters, with a capital, without a plural s or a comma."""
    for name in candidates:
        if "," in name:
            yield name.replace(",", "")
        plural = len(name) > 3 and name.endswith("s") and not name.endswith("ss")
        for one in (name, name[:-1]) if plural else (name,):
            yield from (one, one.lower(), one[0].upper() + one[1:])


def _acronyms(text: str) -> Iterator[str]:
    for row in initials(text):
        for length in _ACRONYM:
            for start in range(len(row) - length + 1):
                yield row[start : start + length].upper()
