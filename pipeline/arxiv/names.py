r"""Authors in one string, as the feed and OAI-PMH have them: split, and raw TeX made Unicode.

Only what stands in until the API answers, which has the names split and in Unicode. There, too,
commas, colons and "and" part the names and brackets hold affiliations (arXiv's public code:
github.com/arXiv/arxiv-base arxiv/authors). Nothing here fails: what is broken stays raw.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any

from pylatexenc.latex2text import LatexNodes2Text

from pipeline.errors import one_line

# A macro or an accent is one piece: the comma of the thin space `\,` parts no names.
_PIECE = re.compile(r"\\.|[{},]|:(?= )| (?:and|\\?&)(?= )|[^\\{},: ]+|.", re.DOTALL)
_COMMAS = frozenset({",", ":"})
_ANDS = frozenset({" and", " &", r" \&"})
_SUFFIX = re.compile(r"(?:[JS]r\.?|I{2,3}|IV)")
_ET_AL = re.compile(r"et\.? al\b\.?.*", re.IGNORECASE)
# What stands for itself in a name and is a comment, a cell's end or an argument in TeX.
_BARE = re.compile(r"(?<!\\)([%&#])")


def split_authors(creator: str) -> tuple[str, ...]:
    """The names in `creator`, Unicode (NFC); affiliations in brackets and "et al." are dropped.

    "Robert Smith, Jr." is one name, and so is "the H1 and ZEUS Collaborations".
    """
    plain = _without_brackets(" ".join(creator.split()))
    names = (to_unicode(part) for part in _rejoined(_parts(plain)) if not _ET_AL.fullmatch(part))
    return tuple(name for name in names if name)


def to_unicode(name: str) -> str:
    r"""One name with its TeX accents as letters: J\"urgen is Jürgen. What is no TeX is kept."""
    if not re.search(r"[\\{}]", name):
        return _tidy(name.replace("~", " "))
    try:
        text = _converter().latex_to_text(_BARE.sub(r"\\\1", name), tolerant_parsing=False)
    except Exception:  # besides its own errors, it lets IndexError and RecursionError through
        text = ""
    return _tidy(text) or _tidy(name)


@cache
def _converter() -> Any:
    return LatexNodes2Text(math_mode="verbatim")


def _tidy(text: str) -> str:
    return one_line(unicodedata.normalize("NFC", text))


def _without_brackets(text: str) -> str:
    """Affiliations left out, nested ones too; a text whose brackets never close is kept whole."""
    if "(" not in text:
        return text
    depth, kept = 0, []
    for char in text:
        if char == "(":
            depth += 1
        elif char == ")" and depth:
            depth -= 1
        elif not depth:
            kept.append(char)
    return text if depth else " ".join("".join(kept).split())


def _parts(text: str) -> list[tuple[str, str]]:
    """(separator before it, part) for every part that is not blank; braces hold together."""
    parts, depth, closed = [("", "")], 0, text.count("{") == text.count("}")
    for piece in _PIECE.findall(text):
        depth += {"{": 1, "}": -1}.get(piece, 0)
        if piece in _COMMAS | _ANDS and (depth <= 0 or not closed):
            parts.append((piece, ""))
        else:
            parts[-1] = (parts[-1][0], parts[-1][1] + piece)
    return [(separator, part.strip()) for separator, part in parts if part.strip()]


def _rejoined(parts: list[tuple[str, str]]) -> list[str]:
    """The parts as names: a suffix goes back to its name, joint collaborations stay one."""
    names: list[str] = []
    for separator, part in parts:
        if names and separator == "," and _SUFFIX.fullmatch(part):
            names[-1] += f", {part}"
        elif names and separator in _ANDS and part.endswith("Collaborations"):
            names[-1] += f" and {part}"
        else:
            names.append(part)
    return names
