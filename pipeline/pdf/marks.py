"""What text leaves on a page: the pixels in which two pictures differ, and whose they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.pdf.sheet import Boxes, Picture

_POINTS = 4
"""A box is looked at in so many rows and columns of points."""
_THIN = 1.5
"""Pixels: PDFium draws a glyph on whole ones, and may miss a box so thin."""

Mask = NDArray[np.bool_]
Depth = NDArray[np.int16]


class Places:
    """The whole pixels of boxes on a picture; `margin` is added around what is thin."""

    def __init__(self, boxes: Boxes, shape: tuple[int, ...], margin: int = 0) -> None:
        self._rows, self._columns = shape[:2]
        low, high = np.floor(boxes[:, :2] + 0.5), np.floor(boxes[:, 2:] + 0.5)
        thin = boxes[:, 2:] - boxes[:, :2] < _THIN
        low = np.where(thin, np.floor(boxes[:, :2]) - margin, low)
        high = np.where(thin, np.floor(boxes[:, 2:]) + 1 + margin, high)
        edge = np.array([self._columns, self._rows])
        self.low = np.clip(np.nan_to_num(low, nan=-1), 0, edge).astype(np.intp)
        self.high = np.clip(np.nan_to_num(high, nan=-1), 0, edge).astype(np.intp)

    def depth(self) -> Depth:
        """For each pixel, on how many boxes it lies."""
        width = self._columns + 1
        steps = np.zeros((self._rows + 1) * width, np.int16)
        (x, y), (far, deep) = self.low.T, self.high.T
        one = np.int16(1)  # of another type it would take ten times as long
        np.add.at(steps, np.concatenate([y * width + x, deep * width + far]), one)
        np.subtract.at(steps, np.concatenate([y * width + far, deep * width + x]), one)
        grid = steps.reshape(-1, width)
        np.add.accumulate(grid, 0, out=grid)
        np.add.accumulate(grid, 1, out=grid)
        return grid[:-1, :-1]

    def rows_marked(self, marks: Mask) -> NDArray[np.intp]:
        """In how many of a few rows of points all over it each box has a mark."""
        size = (self.high - self.low - 1).clip(0)
        start = self.low[:, 1] * self._columns + self.low[:, 0]
        pixels = marks.ravel()
        rows = np.zeros(len(size), np.intp)
        for down in range(_POINTS):
            row = start + size[:, 1] * down // (_POINTS - 1) * self._columns
            marked = np.zeros(len(size), bool)
            for across in range(_POINTS):
                place = row + size[:, 0] * across // (_POINTS - 1)
                marked |= pixels.take(place, mode="clip")
            rows += marked
        rows[~(self.high > self.low).all(axis=1)] = 0
        return rows

    def count(self, values: Depth | Mask) -> NDArray[np.int32]:
        """The sum of a picture's values in each box."""
        sums = np.zeros((self._rows + 1, self._columns + 1), np.int32)
        sums[1:, 1:] = values
        np.add.accumulate(sums, 0, out=sums)
        np.add.accumulate(sums, 1, out=sums)
        (x, y), (far, deep) = self.low.T, self.high.T
        counts: NDArray[np.int32] = sums[deep, far] - sums[y, far] - sums[deep, x] + sums[y, x]
        return counts

    def area(self) -> NDArray[np.intp]:
        """The pixels of each box, one at least."""
        areas: NDArray[np.intp] = (self.high - self.low).prod(axis=1).clip(1)
        return areas


def difference(one: Picture, other: Picture) -> Picture:
    """How far apart two pictures are in each pixel, in the colour in which they are furthest."""
    apart: Picture = np.maximum(one, other) - np.minimum(one, other)
    if apart.ndim == 3:  # in a quarter of the time of apart.max(axis=2)
        return np.maximum(np.maximum(apart[..., 0], apart[..., 1]), apart[..., 2])
    return apart


def beyond(marks: Mask, depth: Depth) -> int:
    """How many marks lie more than a pixel from every box."""
    near = depth > 0
    near[1:] |= near[:-1]
    near[:-1] |= near[1:]
    near[:, 1:] |= near[:, :-1]
    near[:, :-1] |= near[:, 1:]
    return int(np.count_nonzero(marks & ~near))
