"""What can be told of characters by what they mean and where they stand, without a picture."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pipeline.pdf.marks import Mask
from pipeline.pdf.sheet import Boxes

_SAY_SOMETHING = frozenset(("Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl", "No", "So", "Cs"))
"""Unicode's letters, numbers and signs; Cs is half of a character beyond 2^16."""
_LIGATURE = 3
_RUN, _STEP = 40, 20
"""Letters that are judged together, and how many further on the next run begins."""
_LEAST_KINDS = 8
_ONE_SIZE = 0.05
_CAPITALS = 0.2
_LEAST_SHOWN = 0.3
"""The correlation of the sizes that letters should have and have: .5 in good papers at least."""


Sizes = NDArray[np.float64]


def _sizes(*classes: str) -> Sizes:
    """Of Latin letters by their codes, the class that each is in; else -1."""
    sizes = np.full(128, -1.0)
    for size, letters in enumerate(classes):
        sizes[list(letters.encode())] = size
    return sizes


_HEIGHT = _sizes("acemnorsuvwxz", "bdfghjklpqyABCDEFGHIJKLMNOPQRSTUVWXYZ")
_WIDTH = _sizes("ijlI", "ftr", "acesvxyzkgnopqubdhJ", "ABCEFKLPSTVXYZRDGHNOQU", "mwMW")


def are_letters(codes: Sequence[int]) -> Mask:
    """Which can say something: no marks between words."""
    return np.array([unicodedata.category(chr(code)) in _SAY_SOMETHING for code in codes], bool)


def twins(boxes: Boxes) -> Mask:
    """Which stand just where the character before does, as all but the first of a ligature do."""
    same = np.zeros(len(boxes), bool)
    same[1:] = (boxes[1:] == boxes[:-1]).all(axis=1) & (boxes[1:, 2] > boxes[1:, 0])
    return same


def crowded(boxes: Boxes) -> Mask:
    """Which share a glyph with more characters than a ligature has."""
    starts = np.flatnonzero(~twins(boxes))
    lengths = np.diff(np.append(starts, len(boxes)))
    return np.repeat(lengths > _LIGATURE, lengths)


def lying(codes: NDArray[np.intp], boxes: Boxes, styles: NDArray[np.intp]) -> list[int]:
    """Characters that show others than they mean, as far as their sizes tell.

    Letters of one style are judged together in runs: whether those that should be tall are so, and
    those that should be wide.
    """
    latin = np.flatnonzero((codes > 0) & (codes < len(_WIDTH)))
    latin = latin[_WIDTH[codes[latin]] >= 0]
    latin = latin[np.argsort(styles[latin], kind="stable")]
    if len(latin) < _RUN:
        return []
    runs = sliding_window_view(latin, _RUN)[::_STEP]
    alike = styles[runs[:, 0]] == styles[runs[:, -1]]
    runs = runs[alike & (_kinds(codes[runs]) >= _LEAST_KINDS)]
    across, down = np.moveaxis(np.log((boxes[:, 2:] - boxes[:, :2]).clip(0.01))[runs], 2, 0)
    shown = np.maximum(_shown(codes[runs], across, down), _shown(codes[runs], down, across))
    liars: list[int] = runs[shown < _LEAST_SHOWN].ravel().tolist()
    return liars


def _kinds(runs: NDArray[np.intp]) -> NDArray[np.intp]:
    """How many different ones each run has."""
    kinds: NDArray[np.intp] = 1 + (np.diff(np.sort(runs, axis=1), axis=1) > 0).sum(axis=1)
    return kinds


def _shown(codes: NDArray[np.intp], width: Sizes, height: Sizes) -> Sizes:
    """Of each run; by width alone where all letters are as high, as capitals are: it tells less."""
    wide, tall = _correlation(_WIDTH[codes], width), _correlation(_HEIGHT[codes], height)
    one_size = (height.std(axis=1) < _ONE_SIZE) | np.isnan(tall)
    return np.where(one_size, wide + _CAPITALS, (wide + tall) / 2)


def _correlation(one: Sizes, other: Sizes) -> Sizes:
    """Along each row, of what is not negative; not a number where nothing differs."""
    present = one >= 0
    count = present.sum(axis=1).clip(1)
    one, other = (present * (each - _mean(each, present, count)[:, None]) for each in (one, other))
    spread = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    with np.errstate(invalid="ignore"):
        correlation: Sizes = (one * other).sum(axis=1) / spread
    return correlation


def _mean(values: Sizes, present: Mask, count: NDArray[np.intp]) -> Sizes:
    mean: Sizes = (present * values).sum(axis=1) / count
    return mean
