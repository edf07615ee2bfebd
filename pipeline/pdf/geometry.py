"""Where things stand on a page: matrices, upright boxes, and which parts are painted over.

A matrix is six numbers a b c d e f, as in ISO 32000-1, 8.3.3; lengths are in the page's units.
"""

from __future__ import annotations

from collections.abc import Sequence

_CELLS = 64
"""The page is watched on a grid of so many by so many cells."""

Matrix = Sequence[float]
Box = tuple[float, float, float, float]
"""Left, bottom, right, top."""
IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


class Canvas:
    """Which cells of the page something was painted on."""

    def __init__(self, page: Box) -> None:
        self._left, self._bottom, right, top = page
        self._across = _CELLS / max(right - self._left, 1e-6)
        self._up = _CELLS / max(top - self._bottom, 1e-6)
        self._rows = [0] * _CELLS

    def paint(self, box: Box) -> None:
        """Every cell that the box touches."""
        rows, cells = self._covered(box)
        for row in rows:
            self._rows[row] |= cells

    def touches(self, box: Box) -> bool:
        """Whether anything was painted in a cell that the box touches."""
        rows, cells = self._covered(box)
        return any(self._rows[row] & cells for row in rows)

    def _covered(self, box: Box) -> tuple[range, int]:
        first, last = _cells(box[0], box[2], self._left, self._across)
        low, high = _cells(box[1], box[3], self._bottom, self._up)
        return range(low, high), (1 << max(first, last)) - (1 << first)


def _cells(start: float, end: float, origin: float, scale: float) -> tuple[int, int]:
    first = min(max((start - origin) * scale, 0), _CELLS)
    last = min(max((end - origin) * scale + 1, 0), _CELLS)
    return int(first), int(last)


def times(m: Matrix, n: Matrix) -> Matrix:
    """First `m`, then `n`."""
    return (
        m[0] * n[0] + m[1] * n[2],
        m[0] * n[1] + m[1] * n[3],
        m[2] * n[0] + m[3] * n[2],
        m[2] * n[1] + m[3] * n[3],
        m[4] * n[0] + m[5] * n[2] + n[4],
        m[4] * n[1] + m[5] * n[3] + n[5],
    )


def box_of(place: Matrix, box: Box, margin: float = 0.0) -> Box:
    """The upright box around `box` after the matrix."""
    corners = [(x, y) for x in (box[0], box[2]) for y in (box[1], box[3])]
    xs = [x * place[0] + y * place[2] + place[4] for x, y in corners]
    ys = [x * place[1] + y * place[3] + place[5] for x, y in corners]
    return min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin


def meet(one: Box, other: Box) -> bool:
    """Whether the two boxes have a point in common."""
    return one[0] <= other[2] and one[2] >= other[0] and one[1] <= other[3] and one[3] >= other[1]
