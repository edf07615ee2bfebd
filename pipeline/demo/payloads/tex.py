"""Author names as their submitters typed them: in raw TeX, in feeds and OAI."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_SIGNS = {  # before a letter
    "\N{COMBINING DIAERESIS}": r"\"",
    "\N{COMBINING ACUTE ACCENT}": r"\'",
    "\N{COMBINING GRAVE ACCENT}": r"\`",
    "\N{COMBINING CIRCUMFLEX ACCENT}": r"\^",
    "\N{COMBINING TILDE}": r"\~",
    "\N{COMBINING MACRON}": r"\=",
    "\N{COMBINING DOT ABOVE}": r"\.",
}
_COMMANDS = {  # with the letter in braces
    "\N{COMBINING CARON}": r"\v",
    "\N{COMBINING CEDILLA}": r"\c",
    "\N{COMBINING OGONEK}": r"\k",
    "\N{COMBINING DOUBLE ACUTE ACCENT}": r"\H",
    "\N{COMBINING RING ABOVE}": r"\r",
    "\N{COMBINING BREVE}": r"\u",
}
_LETTERS = {"ł": r"{\l}", "Ł": r"{\L}", "ø": r"{\o}", "Ø": r"{\O}", "ß": r"{\ss}", "æ": r"{\ae}"}


def creator(authors: Sequence[str]) -> str:
    """All names in one text; a collaboration in front has lost its list and kept a space."""
    joined = ", ".join(map(tex_accents, authors))
    return f" {joined}" if authors and authors[0].endswith("Collaboration") else joined


def tex_accents(name: str) -> str:
    r"""`Jürgen` as `J\"urgen`, `Dvořák` as `Dvo\v{r}\'ak`; other scripts stay as they are."""
    return "".join(map(_tex, name))


def _tex(char: str) -> str:
    if char in _LETTERS:
        return _LETTERS[char]
    apart = unicodedata.normalize("NFD", char)
    letter, mark = apart[:1], apart[1:]
    if mark in _COMMANDS:
        return f"{_COMMANDS[mark]}{{{letter}}}"
    return _SIGNS[mark] + letter if mark in _SIGNS else char
