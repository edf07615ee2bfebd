"""What a proposed text may not be: too long, template or markup, or a copy of what cases say.

A reflection model that is shown papers likes to put their phrases into the prompt: on these papers
the prompt is then better, on others not. Phrases that the prompt had before, or that many papers
have, are the language's own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from pipeline.errors import printable
from pipeline.evaluate.results import Case
from pipeline.optimize.pieces import FROZEN

_LONGEST = 4000
"""Characters of a piece."""
_SHORT = 600
"""Characters that every piece may have."""
_GROWTH = 3
"""Times the length of what stood there."""
_LATIN = 6
"""Words of English in a row that are a copy."""
_HAN = 12
"""Characters of Chinese in a row that are a copy, names among them counted as one."""
_SHARED = 3
"""Cases from which on a phrase is nobody's."""
_SIGNS = re.compile(r"<!|===|```|\[\[|\]\]|https?:|www\.", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9]+|[\u4e00-\u9fff]")


class Known:
    """What the cases say, and what a text has of it."""

    def __init__(self, cases: Sequence[Case], allowed: str) -> None:
        """`allowed`: the prompt as it was; its phrases are its own."""
        self._texts = [(case.paper.title, case.paper.abstract, case.line) for case in cases]
        self._own = set(_phrases([allowed]))
        self._found: dict[str, str | None] = {}

    def copied(self, text: str) -> str | None:
        """The first phrase of a case in it. Ten thousand cases take two seconds."""
        if text not in self._found:
            said = dict.fromkeys(one for one in _phrases([text]) if one not in self._own)
            having = Counter(
                phrase for texts in self._texts for phrase in set(_phrases(texts)) if phrase in said
            )
            self._found[text] = next((one for one in said if 0 < having[one] < _SHARED), None)
        return self._found[text]


def longest(before: str) -> int:
    """Characters that may take the place of a text."""
    return min(_LONGEST, max(_GROWTH * len(before), _SHORT))


def objections(text: str, before: str, known: Known) -> list[str]:
    """Why a text cannot take the place of `before`, in words for who wrote it; none where it can.

    `before` is the piece as the user wrote it.
    """
    most = longest(before)
    found = []
    if not text.strip():
        found.append("是空的")
    if len(text) > most:
        found.append(f"太长：{len(text)} 个字符，最多 {most} 个")
    if signs := _SIGNS.search(text) or FROZEN.search(text):
        found.append(f"有不许用的符号：{signs[0]}")
    if printable(text) != text:
        found.append("有看不见的控制字符")
    if phrase := known.copied(text):
        found.append(f"照抄了论文或参考中的话：{phrase}")
    return found


def _phrases(texts: Iterable[str]) -> Iterator[str]:
    """Of words in a row, punctuation left out: to put a comma in between is to copy too."""
    for text in texts:
        tokens = [token.lower() for token in _TOKEN.findall(text)]
        for at in range(len(tokens) - _LATIN + 1):
            six = tokens[at : at + _LATIN]
            if all(map(str.isascii, six)):
                yield " ".join(six)
        for at in range(len(tokens) - _HAN + 1):
            twelve = tokens[at : at + _HAN]
            if not all(map(str.isascii, twelve)):
                yield " ".join(twelve)
