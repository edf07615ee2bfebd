"""Follows a page's operators, as pypdf walks through them, and judges the text that they show.

What counts as hidden, and what is left in doubt: `hidden`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pypdf import PageObject
from pypdf.generic import ArrayObject, DictionaryObject

from pipeline.pdf.geometry import IDENTITY, Box, Canvas, Matrix, box_of, meet, times

_SMALLEST_PT = 1.0
_WHITE = 0.98
"""Each of the light's parts at least so much, of 1."""
_SHOWS_TEXT = frozenset((b"Tj", b"TJ", b"'", b'"'))
_MAY_SHOW_TEXT = re.compile(rb"T[jJ]|['\"]|Do")
_FILLS = frozenset((b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*"))
_STROKES = frozenset((b"S", b"s"))
_ENDS_PATH = _FILLS | _STROKES | {b"n"}
_NEXT_LINE = frozenset((b"'", b'"'))
_MOVES = frozenset((b"Td", b"TD", b"Tm", b"T*", b"BT", b"'", b'"'))


def may_show_text(form: Any) -> bool:
    """A figure without text need not be walked through: it can have 10^5 operators."""
    return bool(_MAY_SHOW_TEXT.search(form.get_data()))


@dataclass(frozen=True)
class _Ink:
    """The graphics state, as far as it says whether text can be seen."""

    white: bool = False
    space: str | None = "/DeviceGray"
    """The fill colour space: a device space's name, "icc", or None where it cannot be told."""
    mode: int = 0
    size: float = 12.0
    font: str = ""
    rise: float = 0.0
    leading: float = 0.0


@dataclass
class _Form:
    """The page, or the form XObject that is being walked through."""

    resources: DictionaryObject
    base: Matrix
    ink: _Ink
    stack: list[_Ink] = field(default_factory=list)


class Watch:
    """Follows the operators of one page and its forms, and judges each that shows text.

    With `leave_out`, the numbers of such operators, their text is taken out of them instead.
    """

    def __init__(self, page: PageObject, leave_out: frozenset[int] = frozenset()) -> None:
        left, bottom, right, top = (float(edge) for edge in page.cropbox)
        self._page: Box = (min(left, right), min(bottom, top), max(left, right), max(bottom, top))
        self._unit = _number(page.get("/UserUnit", 1.0))
        self._leave_out = leave_out
        self._painted = Canvas(self._page)
        self._images = Canvas(self._page)
        self._here = _Form(_resources(page), IDENTITY, _Ink())
        self._outer: list[_Form] = []
        self._cm: Matrix = IDENTITY
        self._path: Box | None = None
        self._shown = 0
        self._moved: float = 0.0
        self._hidden: set[int] = set()
        self._inkless: dict[int, Box] = {}

    def hidden(self) -> frozenset[int]:
        """The operators whose text cannot be seen: known at the end, when all images are."""
        inkless = (n for n, box in self._inkless.items() if not self._images.touches(box))
        return frozenset(self._hidden.union(inkless))

    def enter(self, form: Any) -> None:
        """A form XObject begins: its operators come next."""
        base = times(_matrix(form), times(self._cm, self._here.base))
        own = _resources(form) or self._here.resources
        self._outer.append(self._here)
        self._here = _Form(own, base, self._here.ink)

    def leave(self) -> None:
        """It ends; what held before it holds again."""
        self._here = self._outer.pop()

    def before(self, operator: bytes, operands: Any, cm: Matrix, tm: Matrix) -> None:
        """pypdf's visitor: `cm` within the form, `tm` at the start of the line."""
        if operator in _MOVES:
            self._moved = 0.0
        handle = _HANDLERS.get(operator)
        try:
            if operator in _SHOWS_TEXT:
                self._text(operator, operands, cm, tm)
            elif handle:
                handle(self, operator, operands, cm)
        except MemoryError:
            raise
        except Exception:  # damage of any kind; the operator stays, and its colour is not known
            self._here.ink = replace(self._here.ink, white=False, space=None)

    # Text

    def _text(self, operator: bytes, operands: Any, cm: Matrix, tm: Matrix) -> None:
        self._shown += 1
        if self._leave_out:
            if self._shown in self._leave_out:
                operands[:] = _emptied(operator, operands)
            return
        ink = self._here.ink
        if operator in _NEXT_LINE:
            tm = times((1.0, 0.0, 0.0, 1.0, 0.0, -ink.leading), tm)
        place = times(tm, times(cm, self._here.base))
        x, y = place[4], place[5]
        scale = max(math.hypot(place[0], place[1]), math.hypot(place[2], place[3])) * abs(ink.size)
        left, bottom, right, top = self._page
        inside = left <= x <= right and bottom <= y <= top
        if inside and scale >= 2 and not ink.white and ink.mode != 3:
            return  # nearly always
        self._judge(operands, place, scale)

    def _judge(self, operands: Any, place: Matrix, size: float) -> None:
        ink = self._here.ink
        box = self._text_box(operands, place, size)
        if ink.mode == 3:
            self._inkless[self._shown] = box
        elif (
            (size * self._unit < _SMALLEST_PT and not self._is_type3(ink.font))
            or (not ink.rise and not meet(box, self._page))
            or (ink.white and ink.mode in (0, 4) and not self._painted.touches(box))
        ):
            self._hidden.add(self._shown)

    def _text_box(self, operands: Any, place: Matrix, size: float) -> Box:
        """Where the text may be, at the widest: an em and a half for each byte of it."""
        ahead, back = self._moved, 0.0
        for part in _parts(operands):
            if isinstance(part, (str, bytes)):
                ahead += 1.5 * len(part)
            else:
                ahead += max(0.0, -_number(part) / 1000)
                back += max(0.0, _number(part) / 1000)
        self._moved = ahead
        em = self._here.ink.size
        start, end = -back * em, ahead * em
        return box_of(place, (min(start, end), -em, max(start, end), em), margin=size)

    def _is_type3(self, font: str) -> bool:
        """Its glyphs have a scale of their own."""
        found = _get(_get(self._here.resources, "/Font"), font)
        return not isinstance(found, DictionaryObject) or found.get("/Subtype") == "/Type3"

    # Everything else

    def _save(self, _operator: bytes, _operands: Any, _cm: Matrix) -> None:
        self._here.stack.append(self._here.ink)

    def _restore(self, _operator: bytes, _operands: Any, _cm: Matrix) -> None:
        if self._here.stack:
            self._here.ink = self._here.stack.pop()

    def _font(self, _operator: bytes, operands: Any, _cm: Matrix) -> None:
        ink = self._here.ink
        self._here.ink = replace(ink, font=str(operands[0]), size=float(operands[1]))

    def _mode(self, _operator: bytes, operands: Any, _cm: Matrix) -> None:
        self._here.ink = replace(self._here.ink, mode=int(operands[0]))

    def _rise(self, _operator: bytes, operands: Any, _cm: Matrix) -> None:
        self._here.ink = replace(self._here.ink, rise=float(operands[0]))

    def _leading(self, operator: bytes, operands: Any, _cm: Matrix) -> None:
        leading = -float(operands[1]) if operator == b"TD" else float(operands[0])
        self._here.ink = replace(self._here.ink, leading=leading)

    def _colour(self, operator: bytes, operands: Any, _cm: Matrix) -> None:
        space = _SPACES[operator]
        white = _is_white(space, operands)
        self._here.ink = replace(self._here.ink, white=white, space=space)

    def _space(self, _operator: bytes, operands: Any, _cm: Matrix) -> None:
        name = str(operands[0])
        if name not in _SPACES.values():
            found = _get(_get(self._here.resources, "/ColorSpace"), name)
            icc = isinstance(found, ArrayObject) and found[0] in ("/ICCBased", "/CalRGB")
            name = "icc" if icc else ""
        self._here.ink = replace(self._here.ink, white=False, space=name or None)

    def _component(self, _operator: bytes, operands: Any, _cm: Matrix) -> None:
        ink = self._here.ink
        self._here.ink = replace(ink, white=_is_white(ink.space, operands))

    def _rectangle(self, _operator: bytes, operands: Any, _cm: Matrix) -> None:
        x, y, width, height = (float(operand) for operand in operands)
        self._extend(x, y)
        self._extend(x + width, y + height)

    def _points(self, _operator: bytes, operands: Any, _cm: Matrix) -> None:
        numbers = [float(operand) for operand in operands]
        for x, y in zip(numbers[::2], numbers[1::2], strict=True):
            self._extend(x, y)

    def _extend(self, x: float, y: float) -> None:
        left, bottom, right, top = self._path or (x, y, x, y)
        self._path = (min(left, x), min(bottom, y), max(right, x), max(top, y))

    def _end_path(self, operator: bytes, _operands: Any, cm: Matrix) -> None:
        if self._path:
            box = box_of(times(cm, self._here.base), self._path)
            thin = min(box[2] - box[0], box[3] - box[1]) < 1  # a line may be as thick as a bar
            filled = operator in _FILLS and not self._here.ink.white
            if filled or (thin and operator in _STROKES):
                self._painted.paint(box)
        self._path = None

    def _shading(self, _operator: bytes, _operands: Any, _cm: Matrix) -> None:
        self._painted.paint(self._page)

    def _object(self, _operator: bytes, operands: Any, cm: Matrix) -> None:
        """An image is painted; a form too, if pypdf does not walk through it."""
        self._cm = cm
        found: Any = _get(_get(self._here.resources, "/XObject"), str(operands[0]))
        place = times(cm, self._here.base)
        if found.get("/Subtype") == "/Image":
            box = box_of(place, (0.0, 0.0, 1.0, 1.0))
            self._images.paint(box)
            self._painted.paint(box)
        elif not may_show_text(found):
            edges = [float(edge) for edge in found["/BBox"]]
            place = times(_matrix(found), place)
            self._painted.paint(box_of(place, (edges[0], edges[1], edges[2], edges[3])))

    def _inline_image(self, _operator: bytes, _operands: Any, cm: Matrix) -> None:
        box = box_of(times(cm, self._here.base), (0.0, 0.0, 1.0, 1.0))
        self._images.paint(box)
        self._painted.paint(box)


_SPACES = {b"g": "/DeviceGray", b"rg": "/DeviceRGB", b"k": "/DeviceCMYK"}
_HANDLERS = {
    b"q": Watch._save,
    b"Q": Watch._restore,
    b"Tf": Watch._font,
    b"Tr": Watch._mode,
    b"Ts": Watch._rise,
    **dict.fromkeys((b"TL", b"TD"), Watch._leading),
    **dict.fromkeys(_SPACES, Watch._colour),
    b"cs": Watch._space,
    **dict.fromkeys((b"sc", b"scn"), Watch._component),
    b"re": Watch._rectangle,
    **dict.fromkeys((b"m", b"l", b"c", b"v", b"y"), Watch._points),
    **dict.fromkeys(_ENDS_PATH, Watch._end_path),
    b"sh": Watch._shading,
    b"Do": Watch._object,
    **dict.fromkeys((b"INLINE IMAGE", b"BI"), Watch._inline_image),
}


def _is_white(space: str | None, operands: Any) -> bool:
    """Only where the colour space says what the numbers mean."""
    parts = [float(operand) for operand in operands]
    if space is None or len(parts) != {"/DeviceGray": 1, "/DeviceRGB": 3}.get(space, len(parts)):
        return False
    if len(parts) == 4:
        return space in ("/DeviceCMYK", "icc") and max(parts) <= 1 - _WHITE
    return len(parts) in (1, 3) and min(parts) >= _WHITE


def _emptied(operator: bytes, operands: Any) -> list[Any]:
    """The operands with no text in them; the spacings of `\"` are kept."""
    nothing: Any = ArrayObject() if operator == b"TJ" else ""
    return [*operands[:-1], nothing]


def _parts(operands: Any) -> Sequence[Any]:
    last = operands[-1] if operands else ()
    return last if isinstance(last, list) else [last]


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _get(holder: Any, name: str) -> Any:
    found = holder.get(name) if isinstance(holder, DictionaryObject) else None
    return found.get_object() if found is not None else None


def _resources(holder: Any) -> DictionaryObject:
    found = _get(holder, "/Resources")
    return found if isinstance(found, DictionaryObject) else DictionaryObject()


def _matrix(form: Any) -> Matrix:
    found = _get(form, "/Matrix")
    numbers = [_number(part) for part in found] if isinstance(found, list) else []
    return numbers if len(numbers) == 6 else IDENTITY
