"""Plots as inline SVG: points with intervals on an axis, and quality against cost.

Every label is text of ours or goes through `escape`; nothing is loaded from anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, LEFT, RIGHT, ROW = 720, 230, 24, 26
_TOP, _BOTTOM = 12, 30
_NAME = 30
"""Characters of a label that fit left of the axis."""


class Bar(NamedTuple):
    """A row: its value with the ends of its interval."""

    name: str
    value: float
    low: float
    high: float


class Mark(NamedTuple):
    """A labelled line across all rows: a floor, a ceiling, zero."""

    name: str
    value: float
    kind: str


class Dot(NamedTuple):
    """A system in the plane of cost and quality; `front`: none is both cheaper and better."""

    name: str
    cost: float
    quality: float
    front: bool


class Axis(NamedTuple):
    """A linear axis in pixels."""

    low: float
    high: float

    def x(self, value: float) -> float:
        """Where `value` stands."""
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - self.low) / (self.high - self.low)


def axis_of(values: Sequence[float]) -> Axis:
    """Round ends around all values; never of no length."""
    low, high = min(values), max(values)
    step = nice_step((high - low) or abs(high) or 1.0)
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    return Axis(low, high if high > low else low + step)


def nice_step(span: float) -> float:
    """1, 2 or 5 times a power of ten: five to ten steps in `span`."""
    power = 10.0 ** math.floor(math.log10(span / 5))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if span / (factor * power) <= 10)


def intervals(
    title: str, bars: Sequence[Bar], marks: Sequence[Mark] = (), band: float | None = None
) -> str:
    """Bars under each other, the marks across them, a band of ± `band` around zero shaded."""
    values = [v for bar in bars for v in (bar.low, bar.value, bar.high)]
    values += [mark.value for mark in marks] + ([-band, band] if band else [])
    axis = axis_of(values)
    height = _TOP + ROW * (len(bars) + len(marks)) + _BOTTOM
    base = height - _BOTTOM
    parts = [_grid(axis, base)]
    if band:
        left, right = axis.x(-band), axis.x(band)
        parts.append(
            f'<rect class="band" x="{left:.1f}" y="{_TOP}" width="{right - left:.1f}"'
            f' height="{base - _TOP}"><title>not detectable with these cases</title></rect>'
        )
    for row, mark in enumerate(marks):
        y, x = _TOP + ROW * (row + 0.5), axis.x(mark.value)
        parts.append(
            f'<line class="mark {escape(mark.kind)}" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}"'
            f' y2="{base}"/><text class="label dim" x="{LEFT - 8}" y="{y + 4:.1f}">'
            f"{_short(mark.name)}</text>"
            f'<text class="value" {_beside(x, 4)} y="{y + 4:.1f}">{mark.value:.1f}</text>'
        )
    for row, bar in enumerate(bars, len(marks)):
        y = _TOP + ROW * (row + 0.5)
        parts.append(
            f'<text class="label" x="{LEFT - 8}" y="{y + 4:.1f}">{_short(bar.name)}</text>'
            f'<line class="interval" x1="{axis.x(bar.low):.1f}" x2="{axis.x(bar.high):.1f}"'
            f' y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<circle class="point" cx="{axis.x(bar.value):.1f}" cy="{y:.1f}" r="4.5"/>'
        )
    told = "; ".join(f"{b.name} {b.value:.1f} ({b.low:.1f} to {b.high:.1f})" for b in bars)
    return _svg(title, told, height, parts)


def pareto(title: str, cost: str, dots: Sequence[Dot]) -> str:
    """Quality upwards, cost to the right; a ring marks the front."""
    across, up = axis_of([0.0, *(dot.cost for dot in dots)]), axis_of([d.quality for d in dots])
    height = 320
    base = height - _BOTTOM - 14

    def y(value: float) -> float:
        return base - (base - _TOP) * (value - up.low) / (up.high - up.low)

    parts = [_grid(across, base)]
    step = nice_step(up.high - up.low)
    for number in range(round((up.high - up.low) / step) + 1):
        value = up.low + number * step
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}"'
            f' y2="{y(value):.1f}"/><text class="label dim" x="{LEFT - 8}"'
            f' y="{y(value) + 4:.1f}">{value:g}</text>'
        )
    for dot in dots:
        ring = ' class="point front"' if dot.front else ' class="point behind"'
        parts.append(
            f'<circle{ring} cx="{across.x(dot.cost):.1f}" cy="{y(dot.quality):.1f}" r="6"/>'
            f'<text class="name" {_beside(across.x(dot.cost), 10)}'
            f' y="{y(dot.quality) - 8:.1f}">{_short(dot.name)}{" ◎" if dot.front else ""}</text>'
        )
    parts.append(f'<text class="value" x="{LEFT}" y="{height - 4}">{escape(cost)}</text>')
    told = "; ".join(
        f"{d.name}: {d.quality:.1f} at {d.cost:g}{', on the front' * d.front}" for d in dots
    )
    return _svg(title, told, height, parts)


def _grid(axis: Axis, base: float) -> str:
    step = nice_step(axis.high - axis.low)
    lines = []
    for number in range(round((axis.high - axis.low) / step) + 1):
        value = axis.low + number * step
        x = axis.x(value)
        lines.append(
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{base}"/>'
            f'<text class="tick" x="{x:.1f}" y="{base + 16}">{value:g}</text>'
        )
    return "".join(lines)


def _beside(x: float, gap: float) -> str:
    """Right of `x`; near the right edge left of it."""
    left = x > WIDTH * 0.75
    anchor, at = ("end", x - gap) if left else ("start", x + gap)
    return f'text-anchor="{anchor}" x="{at:.1f}"'


def _svg(title: str, told: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img"><title>{escape(title)}</title>'
        f"<desc>{escape(told)}</desc>{''.join(parts)}</svg>"
    )


def _short(name: str) -> str:
    return escape(name if len(name) <= _NAME else f"{name[: _NAME - 1]}…")
