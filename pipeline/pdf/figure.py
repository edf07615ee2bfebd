"""A paper's first figure, small: what stands above the caption "Figure 1" or "Fig. 1".

Pictures and drawings that were placed as one thing are taken; a figure that is drawn stroke by
stroke among the text is left out, for nothing tells where it ends. Runs in a worker process, like
all that opens a PDF.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

from pipeline.pdf.pages import Figure

_PAGES = 6
"""A first figure stands on one of them."""
_CAPTIONS = ("Figure 1", "Fig. 1", "FIGURE 1", "FIG. 1")
_AFTER = re.compile(r"\s*[:.|—–-]")
_MOST_OBJECTS = 5000
_WIDE, _TALL = 480, 360
"""Pixels, at the most."""
_SCALE = 4.0
_LEAST_WIDE, _LEAST_TALL, _MOST_OF_PAGE = 0.15, 0.04, 0.8
"""Shares of the page's width, height and area: what is less is a sign, what is more its ground."""
_FAR = 0.12
"""Of the page's height between a figure and its caption."""
_ALIGNED = 0.1
"""Of a drawing's height: so far apart may the edges of two be that belong together."""
_BLANK = 4.0
"""The standard deviation of a picture in which there is nothing to see."""


class _Box(NamedTuple):
    left: float
    bottom: float
    right: float
    top: float

    def beside(self, other: _Box) -> bool:
        """Whether they stand in a row: what is in the next column stands as it comes."""
        near = _ALIGNED * (other.top - other.bottom)
        level = abs(self.bottom - other.bottom) <= near or abs(self.top - other.top) <= near
        return level and self.bottom < other.top and other.bottom < self.top

    def around(self, other: _Box) -> _Box:
        """The smallest that holds both."""
        return _Box(
            min(self.left, other.left),
            min(self.bottom, other.bottom),
            max(self.right, other.right),
            max(self.top, other.top),
        )


def figure_of(pdf: bytes) -> Figure | None:
    """None where no figure can be told."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        for number in range(min(len(document), _PAGES)):
            page = document[number]
            try:
                for caption in _captions(page):
                    box = _above(page, caption)
                    found = _picture(page, box) if box else None
                    if found is not None:
                        return found
            finally:
                page.close()
        return None
    finally:
        document.close()


def _captions(page: pypdfium2.PdfPage) -> Iterator[_Box]:
    """Where a line begins with a caption's first word, each box that of its first letter."""
    text = page.get_textpage()
    try:
        for words in _CAPTIONS:
            search = text.search(words, match_case=True)
            try:
                while found := search.get_next():
                    at, count = found
                    before = text.get_text_range(at - 1, 1) if at else "\n"
                    after = text.get_text_range(at + count, 3)
                    if before in {"\n", "\r"} and _AFTER.match(after):
                        yield _Box(*text.get_charbox(at))
            finally:
                search.close()
    finally:
        text.close()


def _above(page: pypdfium2.PdfPage, caption: _Box) -> _Box | None:
    """What was placed above the caption, nearest to it, with what stands beside that."""
    width, height = page.get_size()
    placed = [
        box
        for box in _placed(page)
        if box.bottom >= caption.top - 4
        and box.right - box.left >= _LEAST_WIDE * width
        and box.top - box.bottom >= _LEAST_TALL * height
        and (box.right - box.left) * (box.top - box.bottom) <= _MOST_OF_PAGE * width * height
    ]
    column = (caption.left, caption.left + width * 0.3)
    own = [box for box in placed if box.left < column[1] and box.right > column[0]]
    near = min(own, key=lambda box: box.bottom, default=None)
    if near is None or near.bottom - caption.top > _FAR * height:
        return None
    for box in placed:
        if box.beside(near):
            near = near.around(box)
    return _Box(max(0, near.left), max(0, near.bottom), min(width, near.right),
                min(height, near.top))  # fmt: skip


def _placed(page: pypdfium2.PdfPage) -> Iterator[_Box]:
    kinds = [pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM]
    for number, placed in enumerate(page.get_objects(filter=kinds, max_depth=1)):
        if number == _MOST_OBJECTS:
            return
        yield _Box(*placed.get_bounds())


def _picture(page: pypdfium2.PdfPage, box: _Box) -> Figure | None:
    width, height = page.get_size()
    wide, tall = box.right - box.left, box.top - box.bottom
    if wide < 1 or tall < 1:
        return None
    scale = min(_WIDE / wide, _TALL / tall, _SCALE)
    bitmap = page.render(
        scale=scale,
        crop=(box.left, box.bottom, width - box.right, height - box.top),
        rev_byteorder=True,
    )
    try:
        pixels: NDArray[np.uint8] = np.array(bitmap.to_numpy()[:, :, :3])[:_TALL, :_WIDE]
    finally:
        bitmap.close()
    if float(pixels.std()) < _BLANK:
        return None
    return Figure(width=pixels.shape[1], height=pixels.shape[0], rgb=b64encode(pixels.tobytes()))
