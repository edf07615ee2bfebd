"""What a PDF's first page says of the paper: its title and authors, as far as they can be told.

Told by how it looks: the title is what is set largest, the authors stand below it. Runs in a worker
process, like all that opens a PDF.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import pypdfium2
import pypdfium2.raw as pdfium

from pipeline.pdf.pages import Front

_MOST_CHARACTERS = 5000
"""Of the page; a title stands before them."""
_LEAST_LETTERS = 6
_LONGEST_TITLE = 300
_MOST_AUTHORS = 60
_STEP = 0.5
"""Points: letters of one size differ by less."""
_UPRIGHT = 0.1
"""Radians."""
_SPACE = re.compile(r"\s+")
_NO_NAME = re.compile(r"[^\w.'\u2019 -]|[\d_]")
_PARTICLES = frozenset(
    {"van", "von", "de", "der", "den", "da", "dos", "di", "del", "la", "le", "bin", "al", "el"}
)
_PLACE = re.compile(
    r"universit|institut|department|laborator|school|college|academy|center|centre|research|"
    r"\binc\b|\bcorp|\bltd|\blab\b|team|group|faculty|hospital|abstract|introduction|arxiv|"
    r"大学|学院|研究|公司|实验室|中心",
    re.IGNORECASE,
)
_BETWEEN_NAMES = re.compile(r",|;|\band\b|&|\u00b7|\u2022|、|，|\s{2,}")


class _Letter(NamedTuple):
    text: str
    size: float
    """Points, in steps; 0 for what has none of its own, such as a space that PDFium made."""
    line: int


def front_of(pdf: bytes) -> Front:
    """Of the first page; empty where nothing can be told."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        page = document[0]
        text = page.get_textpage()
        try:
            return _front(list(_letters(text.raw)))
        finally:
            text.close()
            page.close()
    finally:
        document.close()


def _letters(text: pdfium.FPDF_TEXTPAGE) -> Iterator[_Letter]:
    """The page's upright characters: arXiv's stamp on the margin is larger than any title."""
    matrix = pdfium.FS_MATRIX()
    line = 0
    for at in range(min(pdfium.FPDFText_CountChars(text), _MOST_CHARACTERS)):
        char = chr(pdfium.FPDFText_GetUnicode(text, at))
        if char in "\r\n":
            line += char == "\n"
            yield _Letter(" ", 0, line)
            continue
        angle = pdfium.FPDFText_GetCharAngle(text, at)
        if not (abs(angle) < _UPRIGHT or abs(angle - math.tau) < _UPRIGHT):
            continue
        if (
            not char.isprintable()
            or char == " "
            or not pdfium.FPDFText_GetMatrix(text, at, ctypes.byref(matrix))
        ):
            yield _Letter(" ", 0, line)
            continue
        size = pdfium.FPDFText_GetFontSize(text, at) * math.hypot(matrix.c, matrix.d)
        yield _Letter(char, round(size / _STEP) * _STEP, line)


class _Run(NamedTuple):
    """Letters of one size, one after the other."""

    size: float
    text: str
    lines: tuple[str, ...]


def _front(letters: list[_Letter]) -> Front:
    runs = list(_runs(letters))
    titles = [run for run in runs if sum(map(str.isalpha, run.text)) >= _LEAST_LETTERS]
    if not titles:
        return Front()
    title = max(titles, key=lambda run: run.size)  # the first of the largest
    after = runs[runs.index(title) + 1 :]
    return Front(title=title.text[:_LONGEST_TITLE], authors=tuple(_authors(after)))


def _runs(letters: list[_Letter]) -> Iterator[_Run]:
    """What has no size of its own goes with what is before it."""
    sized: list[_Letter] = []
    for letter in letters:
        size = letter.size or (sized[-1].size if sized else 0)
        sized.append(letter._replace(size=size))
    for size, group in groupby(sized, key=lambda letter: letter.size):
        own = list(group)
        lines = [
            "".join(letter.text for letter in line)
            for _, line in groupby(own, key=lambda letter: letter.line)
        ]
        text = _SPACE.sub(" ", "".join(letter.text for letter in own)).strip()
        if text:
            yield _Run(size, text, tuple(line.strip() for line in lines if line.strip()))


def _authors(runs: list[_Run]) -> Iterator[str]:
    """The names below the title, up to the first line that has something else."""
    largest = max((run.size for run in runs[:4]), default=0)
    found = 0
    for run in runs:
        if run.size < largest * 0.75:  # marks of affiliations stand among the names
            continue
        for line in run.lines:
            parts = [_SPACE.sub(" ", _NO_NAME.sub(" ", p)).strip() for p in _split(line)]
            names = [part for part in parts if _is_name(part)]
            words = [part for part in parts if len(part) > 1]
            if _PLACE.search(line) or "@" in line or len(names) * 2 < len(words):
                return
            for name in names:
                if found == _MOST_AUTHORS:
                    return
                found += 1
                yield name


def _is_name(text: str) -> bool:
    """Two to five words that begin like a name's; in Chinese two to four characters."""
    words = text.split(" ")
    if len(words) == 1:
        return (
            text.isalpha() and not text.isascii() and 2 <= len(text) <= 4 and text.upper() == text
        )
    return 2 <= len(words) <= 6 and all(
        word in _PARTICLES or word[0].upper() == word[0] != "-" for word in words
    )


def _split(line: str) -> list[str]:
    return [part for part in _BETWEEN_NAMES.split(line) if part.strip()]
