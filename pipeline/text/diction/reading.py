"""A 简介 line read part by part: each part between two marks of punctuation tells of research.

A paper may be about anything, so what a line is about cannot be judged. How it is said can: a
part has a word such as 提出, 模型 or 精度 in it, and most open with one of a few (旨在, 通过, 并).
What an advertisement, a notice or a poem says has none. A part without any is a stray; one that has
none or opens otherwise stands apart.

Of the 16,489 lines of the public series of this digest since 2025-12-29, 111 have a stray, 75 one
of six Han characters or more. Words that a program chose from one half of the series refuse at most
3 of the 8,245 lines of the other half; chosen from one subject's lines, 3 of the others' 9,855.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

READ = 400
"""Characters of a line that are looked through; three times what is published."""

_PARTS = re.compile(r"[，。；：！？,;:!?]+")
_UNMARKED = re.compile(r"[^，；：！？（）]+")
_GAPS = re.compile(r"(?<=[\u4e00-\u9fff])[\s·•・‧∙.\-_*/\\~^'\"‘’]+(?=[\u4e00-\u9fff])")


def rows(name: str) -> Iterator[str]:
    """The rows of a file in `words/`, without those that are empty or begin with #."""
    file = files("pipeline.text.diction").joinpath("words", f"{name}.txt")
    text = file.read_text(encoding="utf-8")
    return (row for row in text.splitlines() if row and not row.startswith("#"))


class Reading(NamedTuple):
    """What the rules look at in a line, or in its beginning when it is long."""

    plain: str
    """As its reader takes it: ⑤ and ⁵ are 5, 微·信 and 微 信 are 微信."""
    apart: tuple[str, ...]
    """The parts that name nothing of research, or do not open as the parts of a line do."""
    astray: tuple[str, ...]
    """Those that name nothing of research."""


@lru_cache(maxsize=64)
def read_line(line: str) -> Reading:
    """The reading of a line; every rule asks for the same."""
    plain = _UNMARKED.sub(lambda match: unicodedata.normalize("NFKC", match[0]), line[:READ])
    plain = _GAPS.sub("", plain)
    parts = [part.strip() for part in _PARTS.split(plain) if part.strip()]
    astray = tuple(part for part in parts if not _names_any(part))
    opened = _words("openings")
    apart = tuple(part for part in parts if part in astray or not part.startswith(opened))
    return Reading(plain, apart, astray)


def _names_any(part: str) -> bool:
    words, sizes = _research()
    return any(
        part[at : at + size] in words for size in sizes for at in range(len(part) - size + 1)
    )


@cache
def _research() -> tuple[frozenset[str], tuple[int, ...]]:
    words = frozenset(_words("research"))
    return words, tuple(sorted({len(word) for word in words}))


@cache
def _words(name: str) -> tuple[str, ...]:
    return tuple(word for row in rows(name) for word in row.split())
