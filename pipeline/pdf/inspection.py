"""A page looked at with care: which of its characters no reader can see, or read."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pipeline.pdf.letters import are_letters, crowded, lying, twins
from pipeline.pdf.marks import Mask, Places, beyond, difference
from pipeline.pdf.sheet import Picture, Sheet

FEW = 8
"""Hidden letters on a page that say nothing; good pages have some."""
SMALLEST = 0.3
"""Pixels: a letter of a point's size is half as wide."""
MOST_BEYOND = 0.05
"""Of all marks, those that lie on no character; good pages have at most .03."""
_ZOOM = 2
_CONTRAST = 13
"""Of 255: the least difference that can be seen."""
_OVERLAP = 0.1
_LAYERS = 8
_NEAR = 9
"""Letters that are judged together, by what most of them are."""
_WHOLE, _SLIT = 6, 2
"""Pixels: of a letter of the one size the other is only a slit."""
_AGAIN = 0.35
_HEAP = 3
"""On so many other letters one cannot be read."""
_BIG = 3
_SCAN = 0.8
_INK, _INKED = 128, 0.4
_SHAPED = range(0x590, 0x1D00)
"""From Hebrew to the scripts of Asia, in which one glyph can be many letters."""
_DRAWINGS = 60

_Cut = tuple[slice, slice]
"""Rows and columns of a picture."""


class Inspection:
    """Of one page, whose text objects may look different afterwards.

    Raises ValueError for a page that would have to be drawn too often.
    """

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._drawings = 0
        self._codes = np.array(sheet.codes(), np.intp)
        self._letters = are_letters(self._codes.tolist())
        self._solid = np.array([not chr(code).isspace() for code in self._codes.tolist()], bool)
        self._owners = np.array(sheet.owners(), np.intp)
        self._boxes = sheet.boxes() * _ZOOM
        self._everything = self._picture(None)
        self._places = self._at(np.arange(len(self._codes)))
        self._no_text = self._nothing = self._picture(())
        self._figures = self._as_figures()
        if self._figures:
            self._nothing = self._picture(self._figures)

    def hidden(self) -> set[int]:
        """The characters that cannot be seen; none if they are few, or the page is a scan."""
        marks = self._marks(self._everything, self._nothing)
        if self._is_scan(self._places.count(marks) == 0):
            return set()
        depth = Places(self._boxes[~twins(self._boxes)], marks.shape).depth()
        sure = self._places.count(marks & (depth == 1)) > 0
        hidden = self._solid & ~self._seen(self._solid & ~sure)
        lacking = self._seen_with_glyphs(hidden)
        hidden |= self._crowded() | self._tiny() | self._slit(marks) | self._lying()
        hidden &= ~lacking
        hidden |= self._heaped(~hidden)
        hidden &= self._solid
        many = np.count_nonzero(hidden & self._letters) > FEW
        return set(np.flatnonzero(hidden).tolist()) if many else set()

    # Pictures

    def _picture(self, texts: Collection[int] | None) -> Picture:
        self._drawings += 1
        if self._drawings > _DRAWINGS:
            raise ValueError("a page that cannot be judged")
        return self._sheet.picture(texts, _ZOOM, colour=True)

    def _without(self, texts: Collection[int]) -> Picture:
        return self._picture(set(range(len(self._sheet.texts))).difference(texts))

    def _marks(self, one: Picture, other: Picture) -> Mask:
        marks: Mask = difference(one, other) >= _CONTRAST
        return marks

    def _at(self, members: Mask | NDArray[np.intp]) -> Places:
        return Places(self._boxes[members], self._everything.shape, margin=1)

    def _as_figures(self) -> set[int]:
        """Text objects that draw where none of their characters is: they are taken for pictures.

        Else the marks of one glyph as large as the page would be taken for those of all letters.
        """
        figures: set[int] = set()
        waiting = [list(range(len(self._sheet.texts)))]
        while waiting:
            texts = waiting.pop()
            marks = self._marks(self._picture(set(texts)), self._nothing)
            own = Places(self._boxes[np.isin(self._owners, texts)], marks.shape).depth()
            if beyond(marks, own) <= MOST_BEYOND * np.count_nonzero(marks):
                continue
            if len(texts) == 1:
                figures.update(texts)
            half = len(texts) // 2
            waiting += [part for part in (texts[:half], texts[half:]) if half]
        return figures

    # What is seen

    def _seen(self, doubtful: Mask) -> Mask:
        """Which leave a mark where no other text is, and a gap when they are not there."""
        again = self._again(self._letters, both=True)
        doubted = self._owners[doubtful]
        seen = ~np.isin(self._owners, doubted) | again
        for layer in self._layers(dict.fromkeys(doubted.tolist())):
            members = np.flatnonzero(np.isin(self._owners, list(layer)))
            own = self._at(members)
            alone = own.count(self._marks(self._picture(layer | self._figures), self._nothing))
            gap = own.count(self._marks(self._without(layer), self._everything))
            seen[members] = (alone > 0) & ((gap > 0) | again[members])
        return seen

    def _layers(self, texts: Collection[int]) -> list[set[int]]:
        """The text objects so dealt out that those of one layer do not overlap.

        What lies on top of too many others is in none.
        """
        layers: list[tuple[set[int], Mask]] = []
        for text in texts:
            if text < 0 or text in self._figures:
                continue
            at = self._cuts(text)
            room = _OVERLAP * sum((y.stop - y.start) * (x.stop - x.start) for y, x in at)
            fitting = next((own for own in layers if _taken(own[1], at) <= room), None)
            if not fitting:
                if len(layers) == _LAYERS:
                    continue
                fitting = set(), np.zeros(self._everything.shape[:2], bool)
                layers.append(fitting)
            fitting[0].add(text)
            for cut in at:
                fitting[1][cut] = True
        return [layer for layer, _ in layers]

    def _cuts(self, text: int) -> list[_Cut]:
        """Where the text object's characters are on a picture."""
        own = (self._owners == text) & self._solid
        places = zip(self._places.low[own].tolist(), self._places.high[own].tolist(), strict=True)
        return [(slice(y, deep), slice(x, far)) for (x, y), (far, deep) in places]

    def _seen_with_glyphs(self, hidden: Mask) -> Mask:
        """Those that are only of a font that is neither in the file nor here.

        Their text objects are made to show other letters, to see whether they show at all.
        """
        seen = np.zeros(len(hidden), bool)
        lacking = [
            number
            for number in np.flatnonzero(hidden & self._letters & (self._owners >= 0)).tolist()
            if not self._sheet.has_glyph(int(self._owners[number]), int(self._codes[number]))
        ]
        texts = set(self._owners[lacking].tolist())
        if not texts:
            return seen
        drawable = self._drawable()
        for text in texts:
            letter = drawable.get(self._sheet.font(text), ord("x"))
            self._sheet.spell(text, letter, int(np.count_nonzero(self._owners == text)))
        marks = self._marks(self._picture(texts | self._figures), self._nothing)
        marks &= self._marks(self._picture(None), self._without(texts))
        for text in texts:
            own = self._owners == text
            x, y = self._places.low[own].min(axis=0)
            far, deep = self._places.high[own].max(axis=0)
            seen[own] = marks[y:deep, x:far].any()
        return seen & np.isin(np.arange(len(seen)), lacking)

    def _drawable(self) -> dict[int, int]:
        """For each font a letter that it has on this page and that PDFium can draw."""
        own = self._letters & (self._owners >= 0)
        drawable: dict[int, int] = {}
        for owner, code in set(
            zip(self._owners[own].tolist(), self._codes[own].tolist(), strict=True)
        ):
            font = self._sheet.font(owner)
            if font not in drawable and self._sheet.has_glyph(owner, code):
                drawable[font] = code
        return drawable

    def _is_scan(self, unseen: Mask) -> bool:
        """Whether nearly all letters are unseen, and lie on what looks like writing."""
        letters = self._letters & unseen
        if np.count_nonzero(letters) < _SCAN * np.count_nonzero(self._letters):
            return False
        own = self._at(letters)
        ink = own.count(self._no_text.min(axis=2) < _INK) / own.area()
        return bool(((ink > 0.05) & (ink < 0.95)).mean() > _INKED)

    # What can be read

    def _crowded(self) -> Mask:
        shaped = (self._codes >= _SHAPED.start) & (self._codes < _SHAPED.stop)
        mask: Mask = crowded(self._boxes) & ~shaped
        return mask

    def _tiny(self) -> Mask:
        size = self._boxes[:, 2:] - self._boxes[:, :2]
        tiny: Mask = self._mostly(size.T[0]) < SMALLEST * _ZOOM
        return tiny | (self._mostly(size.T[1]) < SMALLEST * _ZOOM)

    def _slit(self, marks: Mask) -> Mask:
        """Letters of which no more than a line is there."""
        seen = np.zeros((len(self._boxes), 2))
        low, high = self._places.low, self._places.high
        for number in np.flatnonzero(self._letters).tolist():
            (x, y), (far, deep) = low[number], high[number]
            own = marks[y:deep, x:far]
            seen[number] = own.any(axis=0).sum(), own.any(axis=1).sum()
        seen[high - low < _WHOLE] = np.inf
        slit: Mask = (self._mostly(seen.T[0]) <= _SLIT) | (self._mostly(seen.T[1]) <= _SLIT)
        return slit

    def _mostly(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """For each letter, what most of those next to it have; else infinite."""
        shares = np.full(len(values), np.inf)
        if self._letters.any():
            around = np.pad(values[self._letters], _NEAR // 2, "edge")
            shares[self._letters] = np.median(sliding_window_view(around, _NEAR), axis=1)
        return shares

    def _lying(self) -> Mask:
        """Text objects with letters that show others."""
        styles = np.array([*self._sheet.styles(), -1])[self._owners]
        liars = lying(self._codes, self._boxes, styles)
        mask: Mask = np.isin(self._owners, self._owners[liars])
        return mask

    def _again(self, among: Mask, both: bool) -> Mask:
        """Characters that stand where another of the same meaning stands: all, or the later."""
        numbers = np.flatnonzero(among)
        boxes, codes = self._boxes[numbers], self._codes[numbers]
        order = np.lexsort((boxes[:, 0], np.round(boxes[:, 1]), codes))
        one, other = boxes[order][:-1], boxes[order][1:]
        near = np.abs(one[:, :2] - other[:, :2]) < _AGAIN * (one[:, 2:] - one[:, :2])
        same = near.all(axis=1) & (codes[order][:-1] == codes[order][1:])
        repeated = np.zeros(len(self._boxes), bool)
        repeated[numbers[order[1:]][same]] = True
        if both:
            repeated[numbers[order[:-1]][same]] = True
        return repeated

    def _heaped(self, among: Mask) -> Mask:
        """Letters that lie on several others."""
        heaped = np.zeros(len(self._boxes), bool)
        among = among & self._letters & ~twins(self._boxes)
        height = self._boxes[:, 3] - self._boxes[:, 1]
        if among.any():
            among &= height < _BIG * np.median(height[among])
            first = among & ~self._again(among, both=False)
            own = Places(self._boxes[among], self._everything.shape)
            depth = Places(self._boxes[first], self._everything.shape).depth()
            heaped[among] = own.count(depth) >= _HEAP * own.area()
        return heaped


def _taken(pixels: Mask, cuts: Collection[_Cut]) -> int:
    return sum(int(np.count_nonzero(pixels[cut])) for cut in cuts)
