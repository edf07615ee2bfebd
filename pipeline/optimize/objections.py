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
_GROWTH = 3
"""Times the length of what stood there."""
_LATIN = 6
"""Words of English in a row that are a copy."""
_HAN = 12
"""Characters of Chinese in a row that are a copy."""
_SHARED = 3
"""Cases from which on a phrase is nobody's."""
_SIGNS = re.compile(r"<!|===|```|\[\[|\]\]|https?:|www\.", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9]+")
_HAN_RUN = re.compile(r"[\u4e00-\u9fff]+")


class Known:
    """What the cases say, as phrases."""

    def __init__(self, cases: Sequence[Case], allowed: str) -> None:
        """`allowed`: the prompt as it was; its phrases are its own."""
        counts: Counter[str] = Counter()
        for case in cases:
            counts.update(set(_phrases((case.paper.title, case.paper.abstract, case.line))))
        own = set(_phrases([allowed]))
        self._phrases = {
            phrase for phrase, cases_with in counts.items() if cases_with < _SHARED
        } - own

    def copied(self, text: str) -> str | None:
        """The first phrase of a case in it."""
        return next((one for one in _phrases([text]) if one in self._phrases), None)


def objections(text: str, before: str, known: Known) -> list[str]:
    """Why a text cannot take the place of `before`, in words for who wrote it; none where it can.

    `before` is the piece as the user wrote it.
    """
    longest = min(_LONGEST, max(_GROWTH * len(before), 600))
    found = []
    if not text.strip():
        found.append("是空的")
    if len(text) > longest:
        found.append(f"太长：{len(text)} 个字符，最多 {longest} 个")
    if signs := _SIGNS.search(text) or FROZEN.search(text):
        found.append(f"有不许用的符号：{signs[0]}")
    if printable(text) != text:
        found.append("有看不见的控制字符")
    if phrase := known.copied(text):
        found.append(f"照抄了论文或参考中的话：{phrase}")
    return found


def _phrases(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        words = [word.lower() for word in _WORD.findall(text)]
        for at in range(len(words) - _LATIN + 1):
            yield " ".join(words[at : at + _LATIN])
        for run in _HAN_RUN.findall(text):
            for at in range(len(run) - _HAN + 1):
                yield run[at : at + _HAN]
