"""One page as PDFium shows it: its characters, where their ink is, and pictures of the page.

A picture can be had with all of the page's text on it, with some of it, or with none. It has about
as many pixels as a page of letter paper at 60 dpi, whatever the page's size; places are in pixels
from its top left corner.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import repeat
from typing import Any

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

_PIXELS = 350_000
_DEEPEST = 30
"""Forms in forms."""
_FINE = 1 << 24
"""PDFium tells places in whole pixels: those of a picture so wide are fine enough."""
_LINE_END_HYPHEN = 2

Boxes = NDArray[np.float64]
"""A row for each character: left, top, right, bottom."""
Picture = NDArray[np.uint8]
"""Rows of pixels; in colour, each of three values."""

_Address = ctypes.c_void_p
_Object = pdfium.FPDF_PAGEOBJECT
_Wide = ctypes.POINTER(ctypes.c_ushort)


def _quick(function: Any, result: Any, *arguments: Any) -> Any:
    """The same function for plain addresses, in half the time: for what is called very often."""
    return ctypes.CFUNCTYPE(result, *arguments)(ctypes.cast(function, _Address).value or 0)


_char_box = _quick(
    pdfium.FPDFText_GetCharBox, ctypes.c_int, _Address, ctypes.c_int, *[_Address] * 4
)
_unicode = _quick(pdfium.FPDFText_GetUnicode, ctypes.c_uint, _Address, ctypes.c_int)
_text_object = _quick(pdfium.FPDFText_GetTextObject, _Address, _Address, ctypes.c_int)
_object = _quick(pdfium.FPDFPage_GetObject, _Address, _Address, ctypes.c_int)
_inner_object = _quick(pdfium.FPDFFormObj_GetObject, _Address, _Address, ctypes.c_ulong)
_kind = _quick(pdfium.FPDFPageObj_GetType, ctypes.c_int, _Address)


class Sheet:
    """One page of a document, to be closed before it.

    Raises ValueError where the page has no size, and PDFium's error where it cannot be loaded.
    """

    def __init__(self, page: pypdfium2.PdfPage) -> None:
        width, height = page.get_size()
        if not 0 < width * height < math.inf:
            raise ValueError("a page without a size")
        scale = math.sqrt(_PIXELS / (width * height))
        self._size = math.ceil(width * scale), math.ceil(height * scale)
        self._page = page
        self.texts = list(_texts(pdfium.FPDFPage_CountObjects, _object, page.raw))
        """The text objects, those in forms among them, in the order of the file."""
        for text in self.texts:
            _forget_other_text(text)
        self._characters = page.get_textpage()

    def close(self) -> None:
        """Give back what PDFium holds."""
        self._characters.close()
        self._page.close()

    def text(self) -> str:
        """All of the page's text, hidden or not."""
        return str(self._characters.get_text_range())

    def kept(self, hidden: Collection[int]) -> str:
        """The text without those characters."""
        places = map(
            pdfium.FPDFText_GetTextIndexFromCharIndex,
            repeat(self._characters.raw),
            range(len(self)),
        )
        codes = [
            ord("\ufffe") if code == _LINE_END_HYPHEN else code  # as `text` has it
            for number, (code, place) in enumerate(zip(self.codes(), places, strict=True))
            if place >= 0 and number not in hidden
        ]
        return np.array(codes, "<u2").tobytes().decode("utf-16-le", "ignore")

    def __len__(self) -> int:
        return int(pdfium.FPDFText_CountChars(self._characters.raw))

    def codes(self, some: Iterable[int] | None = None) -> list[int]:
        """What those characters mean, or all of them, in UTF-16."""
        numbers = range(len(self)) if some is None else some
        codes = map(_unicode, repeat(_address(self._characters.raw)), numbers)
        return [code & 0xFFFF for code in codes]

    def owners(self) -> list[int]:
        """Each character's text object, as an index of `texts`; -1 for none."""
        numbers = {_address(text): number for number, text in enumerate(self.texts)}
        owners = map(_text_object, repeat(_address(self._characters.raw)), range(len(self)))
        return [numbers.get(owner, -1) for owner in owners]

    def styles(self) -> list[int]:
        """A number for each text object: the same for what has its font, size and direction."""
        numbers: dict[tuple[float, ...], int] = {}
        return [numbers.setdefault(_style(text), len(numbers)) for text in self.texts]

    def font(self, text: int) -> int:
        """A number for the text object's font."""
        return _address(pdfium.FPDFTextObj_GetFont(self.texts[text]))

    def has_glyph(self, text: int, code: int) -> bool:
        """Whether the text object's font is in the file, or else PDFium has the character."""
        font = pdfium.FPDFTextObj_GetFont(self.texts[text])
        return bool(
            pdfium.FPDFFont_GetIsEmbedded(font) or pdfium.FPDFFont_GetGlyphPath(font, code, 1.0)
        )

    def spell(self, text: int, code: int, length: int) -> None:
        """From now on the text object shows one letter so many times, on every picture."""
        letters = np.array([code] * length + [0], "<u2")
        pdfium.FPDFText_SetText(self.texts[text], letters.ctypes.data_as(_Wide))

    def boxes(self) -> Boxes:
        """Where the ink of each character is, by what its font says."""
        count = len(self)
        corners = np.zeros((count, 4))
        start, end = corners.ctypes.data, corners.ctypes.data + corners.nbytes
        columns = [range(start + 8 * side, end, 32) for side in range(4)]
        of = repeat(_address(self._characters.raw))
        for _ in map(_char_box, of, range(count), *columns):
            pass
        left, right, bottom, top = corners.T
        one, other = self._placed(left, bottom), self._placed(right, top)
        return np.hstack([np.minimum(one, other), np.maximum(one, other)])

    def _placed(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """From places on the page to those in a picture."""
        box = pdfium.FS_RECTF()
        pdfium.FPDF_GetPageBoundingBox(self._page.raw, box)
        start = self._device(box.left, box.bottom)
        along = self._device(box.right, box.bottom) - start
        up = self._device(box.left, box.top) - start
        across = ((x - box.left) / (box.right - box.left))[:, None]
        upward = ((y - box.bottom) / (box.top - box.bottom))[:, None]
        places: NDArray[np.float64] = start + across * along + upward * up
        return places

    def _device(self, x: float, y: float) -> NDArray[np.float64]:
        across, down = ctypes.c_int(), ctypes.c_int()
        view = (self._page.raw, 0, 0, _FINE, _FINE, 0)
        pdfium.FPDF_PageToDevice(*view, x, y, across, down)
        place: NDArray[np.float64] = np.array([across.value, down.value]) / _FINE * self._size
        return place

    def picture(
        self, texts: Collection[int] | None = None, zoom: int = 1, colour: bool = False
    ) -> Picture:
        """All that is no text, and those text objects or all of them."""
        numbers = range(len(self.texts)) if texts is not None else ()
        away = [self.texts[number] for number in numbers if number not in (texts or ())]
        try:
            for text in away:
                pdfium.FPDFPageObj_SetIsActive(text, False)
            return self._drawn(zoom, colour)
        finally:
            for text in away:
                pdfium.FPDFPageObj_SetIsActive(text, True)

    def _drawn(self, zoom: int, colour: bool) -> Picture:
        width, height = (zoom * side for side in self._size)
        kind = pdfium.FPDFBitmap_BGR if colour else pdfium.FPDFBitmap_Gray
        bitmap = pypdfium2.PdfBitmap.new_native(width, height, kind)
        try:
            bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
            flags = pdfium.FPDF_ANNOT | (0 if colour else pdfium.FPDF_GRAYSCALE)
            view = (bitmap, self._page, 0, 0, width, height, 0, flags)
            pdfium.FPDF_RenderPageBitmap(*view)
            if self._page.formenv:
                pdfium.FPDF_FFLDraw(self._page.formenv, *view)
            picture: Picture = bitmap.to_numpy().copy()
        finally:
            bitmap.close()
        return picture


def _texts(
    count: Callable[[Any], int], get: Callable[[int, int], int], holder: Any, depth: int = 0
) -> Iterator[Any]:
    objects = list(map(get, repeat(_address(holder)), range(count(holder))))
    for kind, address in zip(map(_kind, objects), objects, strict=True):
        if kind == pdfium.FPDF_PAGEOBJ_TEXT:
            yield ctypes.cast(address, _Object)
        elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
            form = ctypes.cast(address, _Object)
            yield from _texts(pdfium.FPDFFormObj_CountObjects, _inner_object, form, depth + 1)


def _forget_other_text(text: Any) -> None:
    """A mark may say another text than what is shown, and PDFium would give that one."""
    for number in reversed(range(pdfium.FPDFPageObj_CountMarks(text))):
        mark = pdfium.FPDFPageObj_GetMark(text, number)
        if pdfium.FPDFPageObjMark_GetParamValueType(mark, b"ActualText"):
            pdfium.FPDFPageObj_RemoveMark(text, mark)


def _style(text: Any) -> tuple[float, ...]:
    size, matrix = ctypes.c_float(), pdfium.FS_MATRIX()
    pdfium.FPDFTextObj_GetFontSize(text, size)
    pdfium.FPDFPageObj_GetMatrix(text, matrix)
    scale = (matrix.a, matrix.b, matrix.c, matrix.d)
    font = _address(pdfium.FPDFTextObj_GetFont(text))
    return (font, *(round(part * size.value, 1) for part in scale))


def _address(handle: Any) -> int:
    return ctypes.cast(handle, _Address).value or 0
