"""Text that a PDF holds and no reader can see, told by drawing each page with its text and without.

Where the two pictures are alike, a character leaves no mark: it is white, clear, off the page, cut
away, covered, in a layer that is off, of no ink or an empty glyph. It is left out, and so is text
that is there and cannot be read: under a point high or wide, heaped up on one spot, of a glyph that
is said to mean many letters, in a font whose letters show others.

A page is looked at quickly first (`_is_odd`), and only where something is odd with care
(`Inspection`). Both readers are held to what is seen: pypdf's text of a page stands where it says
no more than PDFium shows (`confirmed`).

Not told: a scan's own text, which lies unseen on its picture and may say anything; letters that
show others of their height; what is pale or small and can still be seen (.94 of white, 1 point).
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from pipeline.pdf.inspection import FEW, MOST_BEYOND, SMALLEST, Inspection
from pipeline.pdf.letters import are_letters, crowded, lying, twins
from pipeline.pdf.marks import Mask, Places, beyond, difference
from pipeline.pdf.pages import PageText
from pipeline.pdf.sheet import Boxes, Sheet

_FAINT = 12
"""Of 255: the least difference that the quick look takes for a mark."""
_FEW_SLIT, _TALL = 20, 4
"""Letters of which one row of pixels in four or more is marked: good pages have some."""
_PIECE = 6
_MOST_MORE = 4
"""A text says more than another if so many pieces, one after the other, are not in that one."""
_AHEAD = 200
_MOST_APART = 0.5
_NO_LETTER = re.compile(r"[\W\d_]+")


def visible_text(sheet: Sheet) -> PageText:
    """PDFium's text of the page without what cannot be seen. Raises ValueError."""
    text = sheet.text()
    hidden = Inspection(sheet).hidden() if text.strip() and _is_odd(sheet, text) else set()
    return PageText(text=sheet.kept(hidden) if hidden else text, hidden=len(hidden))


def _is_odd(sheet: Sheet, text: str) -> bool:
    boxes = sheet.boxes()
    marks = difference(sheet.picture(), sheet.picture(())) >= _FAINT
    depth = Places(boxes[~twins(boxes)], marks.shape).depth()
    if beyond(marks, depth) > MOST_BEYOND * np.count_nonzero(marks):
        return True
    size = boxes[:, 2:] - boxes[:, :2]
    rows = Places(boxes, marks.shape, margin=1).rows_marked(marks & (depth == 1))
    odd = (rows == 0) | (size < SMALLEST).any(axis=1) | crowded(boxes)
    slit = (rows == 1) & (size[:, 1] > _TALL)
    return (
        _letters_among(odd, sheet) > FEW
        or _letters_among(slit, sheet) > _FEW_SLIT
        or _is_lying(sheet, text, boxes)
    )


def _letters_among(characters: Mask, sheet: Sheet) -> int:
    codes = sheet.codes(np.flatnonzero(characters).tolist())
    return int(np.count_nonzero(are_letters(codes)))


def _is_lying(sheet: Sheet, text: str, boxes: Boxes) -> bool:
    """First without a look at fonts, which takes long."""
    codes = _codes(sheet, text)
    if not lying(codes, boxes, np.zeros(len(codes), np.intp)):
        return False
    styles = np.array([*sheet.styles(), -1])[sheet.owners()]
    return bool(lying(codes, boxes, styles))


def _codes(sheet: Sheet, text: str) -> NDArray[np.intp]:
    """Of all characters; from the text if it has them all, which is quicker."""
    units = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), "<u2")
    return units.astype(np.intp) if len(units) == len(sheet) else np.array(sheet.codes(), np.intp)


def confirmed(text: str, shown: PageText) -> PageText:
    """Another reader's text of a page if it says no more than what is shown; else that.

    It is disputed where most of the text is not what is shown, as with a font that the two read in
    different ways.
    """
    more, apart = _more(text, shown.text)
    if not shown.hidden and not more:
        return PageText(text=text)
    if apart > _MOST_APART and not shown.hidden:
        return shown.model_copy(update={"disputed": True})
    return shown.model_copy(update={"hidden": max(shown.hidden, _ink(text) - _ink(shown.text))})


def _more(text: str, shown: str) -> tuple[bool, float]:
    """Whether a text says more than what is shown, and how much of it is not shown."""
    ours, theirs = (_NO_LETTER.sub("", each).casefold() for each in (text, shown))
    pieces: set[str] = set()
    missing = bytearray()
    place = 0
    for at in range(0, len(ours) - _PIECE + 1, _PIECE):
        piece = ours[at : at + _PIECE]
        near = theirs.find(piece, place, place + _AHEAD)  # both mostly go the same way
        if near >= 0:
            place = near
        elif not pieces:
            pieces = {theirs[start : start + _PIECE] for start in range(len(theirs))}
        missing.append(near < 0 and piece not in pieces)
    return bytes([True]) * _MOST_MORE in missing, sum(missing) / (len(missing) or 1)


def _ink(text: str) -> int:
    return sum(map(len, text.split()))
