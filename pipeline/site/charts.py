"""Counts as plain SVG, made when the site is: no script, no colour but the page's own."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

_HEIGHT = 60
_STEP = 6
"""Width of a column with its gap, of which a sixth is gap."""


def columns(counts: Sequence[tuple[str, int]], title: str) -> Markup:
    """One column a label, in the given order; each tells its count where one points at it."""
    most = max((count for _, count in counts), default=0)
    bars = Markup("").join(
        Markup('<rect x="{}" y="{}" width="{}" height="{}"><title>{}：{}</title></rect>').format(
            place * _STEP,
            _HEIGHT - _tall(count, most),
            _STEP - 1,
            _tall(count, most),
            label,
            count,
        )
        for place, (label, count) in enumerate(counts)
    )
    wide = max(1, len(counts)) * _STEP
    return Markup(
        '<svg class="columns" role="img" aria-label="{}，最多 {}" viewBox="0 0 {} {}" width="{}"'
        ' height="{}" preserveAspectRatio="none">{}</svg>'
    ).format(title, most, wide, _HEIGHT, wide, _HEIGHT, bars)


def bars(counts: Sequence[tuple[str, int]], heads: tuple[str, str]) -> Markup:
    """A table of labels and counts, with a bar beside each count."""
    most = max((count for _, count in counts), default=1)
    rows = Markup("").join(
        Markup(
            '<tr><th scope="row">{}</th><td>{}</td><td aria-hidden="true"><svg class="bar"'
            ' viewBox="0 0 100 8" width="100" height="8"><rect width="{}" height="8"/></svg>'
            "</td></tr>"
        ).format(label, count, round(100 * count / most))
        for label, count in counts
    )
    head = Markup('<tr><th scope="col">{}</th><th scope="col">{}</th><td></td></tr>').format(*heads)
    return Markup('<table class="bars"><thead>{}</thead><tbody>{}</tbody></table>').format(
        head, rows
    )


def _tall(count: int, most: int) -> int:
    return round(_HEIGHT * count / most) if most else 0
