"""A prompt file taken apart: the pieces of its instructions that may change, and all that may not.

Frozen are the front matter, the part for the user, and of the system's part every paragraph with
template syntax (variables, the vocabulary, examples), with a delimiter such as <paper>, or with the
form of the reply. What lies between is free: paragraphs that follow each other are one piece.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import PromptError
from pipeline.text.reply import LINE, TAGS

_SYSTEM = re.compile(r"^=== system ===\n(.*?)(?=^=== \w+ ===$|\Z)", re.DOTALL | re.MULTILINE)
_GAP = re.compile(r"(\n[ \t]*\n+)")
FROZEN = re.compile(
    rf'\{{[{{%#]|[}}%#]\}}|</?[A-Za-z]|"(?:{TAGS}|{LINE})"|^(?:{TAGS}|{LINE})[：:]|=== ',
    re.MULTILINE,
)
"""What makes a paragraph frozen, and what no new text may have."""


EXAMPLES = "examples"
"""The name of what chooses the few-shot examples, as a piece: `nearest 5`, `first 3`."""
_FEW = re.compile(r"^examples:[ \t]*\n(?P<rows>(?:[ \t]+.*\n)+)", re.MULTILINE)
_CHOOSING = re.compile(r"^[ \t]+(?:count|choose|since):.*\n", re.MULTILINE)


class Pieces(NamedTuple):
    """A prompt's source, and what of it is free."""

    source: str
    free: Mapping[str, str]
    """Text by name: instructions, instructions-2 …; in the order in which they stand."""
    spans: Mapping[str, tuple[int, int]]

    def with_texts(self, texts: Mapping[str, str]) -> str:
        """The source with other texts in the pieces that are named, and other EXAMPLES."""
        source = self.source
        for name, (start, end) in reversed(tuple(self.spans.items())):
            source = source[:start] + texts.get(name, self.free[name]) + source[end:]
        return with_examples(source, texts[EXAMPLES]) if EXAMPLES in texts else source

    def marked(self, name: str) -> str:
        """The system's part with one piece's place marked, for who is to write it anew."""
        start, end = self.spans[name]
        whole = _SYSTEM.search(self.source)
        if whole is None:
            return "[[…]]"
        return self.source[whole.start(1) : start] + "[[…]]" + self.source[end : whole.end(1)]


def with_examples(source: str, choice: str) -> str:
    """The source with another choice of its examples: how, how many, and from which day on."""
    choose, count, *since = choice.split()
    rows = f"  choose: {choose}\n  count: {count}\n" + "".join(f"  since: {day}\n" for day in since)
    few = _FEW.search(source)
    if few is None:
        return source
    kept = _CHOOSING.sub("", few["rows"])
    return source[: few.start("rows")] + kept + rows + source[few.end("rows") :]


def pieces_of(source: str, path: Path) -> Pieces:
    """Raises PromptError where there is no text that may change."""
    free: dict[str, str] = {}
    spans: dict[str, tuple[int, int]] = {}
    system = _SYSTEM.search(source)
    for start, end in _runs(system[1], system.start(1)) if system else ():
        name = "instructions" if not free else f"instructions-{len(free) + 1}"
        free[name], spans[name] = source[start:end], (start, end)
    if not free:
        raise PromptError(
            "has no text that may change: none without template signs, delimiters or the reply's"
            " form in a part === system ===",
            where=path,
            fix="Write instructions there, as in prompts/zero-shot.md",
        )
    return Pieces(source, free, spans)


def _runs(text: str, offset: int) -> list[tuple[int, int]]:
    """Where free paragraphs that follow each other begin and end, without the white space there."""
    runs: list[tuple[int, int]] = []
    at, joined = offset, False
    for number, part in enumerate(_GAP.split(text)):
        start, end = at, at + len(part)
        at = end
        if number % 2:
            continue
        stripped = part.strip()
        if not stripped or FROZEN.search(part):
            joined = joined and not stripped
            continue
        start += len(part) - len(part.lstrip())
        end = start + len(stripped)
        if joined:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
        joined = True
    return runs
