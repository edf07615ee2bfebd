"""A paper's first figure: what stands above its caption, and what is none."""

from __future__ import annotations

import io
import random
import zlib
from pathlib import Path

import pytest
from reportlab.lib.pagesizes import letter
from reportlab.pdfgen.canvas import Canvas

from pipeline.pdf.figure import figure_of
from pipeline.pdf.pages import Figure
from pipeline.pdf.png import png, size_of
from pipeline.pdf.pool import Readers

WIDTH, HEIGHT = letter


def drawing(
    canvas: Canvas, name: str, left: float, bottom: float, wide: float, tall: float
) -> None:
    """A dark square in a frame, placed as one thing."""
    canvas.beginForm(name, 0, 0, wide, tall)
    canvas.setFillColorRGB(0.1, 0.3, 0.8)
    canvas.rect(4, 4, wide / 2, tall - 8, fill=1)
    canvas.rect(2, 2, wide - 4, tall - 4)
    canvas.endForm()
    canvas.saveState()
    canvas.translate(left, bottom)
    canvas.doForm(name)
    canvas.restoreState()


def pdf(caption: str = "Figure 1: A drawing.", *, drawn: bool = True, page: int = 1) -> bytes:
    content = io.BytesIO()
    canvas = Canvas(content, pagesize=letter)
    for number in range(1, page + 1):
        canvas.drawString(72, 740, "Text above, in which Figure 1 is spoken of.")
        if number == page:
            if drawn:
                drawing(canvas, "first", 72, 520, 200, 150)
                drawing(canvas, "beside", 290, 520, 200, 150)
                drawing(canvas, "far", 72, 100, 200, 150)
            canvas.drawString(72, 500, caption)
        canvas.drawString(72, 300, "Text below.")
        canvas.showPage()
    canvas.save()
    return content.getvalue()


@pytest.mark.parametrize("caption", ["Figure 1: A drawing.", "Fig. 1. A drawing.", "FIGURE 1 - A"])
@pytest.mark.parametrize("page", [1, 3])
def test_what_stands_above_the_caption_is_found_with_what_stands_beside_it(
    caption: str, page: int
) -> None:
    found = figure_of(pdf(caption, page=page))
    assert found is not None
    # 72 to 490 points wide and 520 to 670 tall: two drawings, and not the one far below.
    assert found.width / found.height == pytest.approx(418 / 150, rel=0.02)
    assert (found.width, found.height) <= (480, 360)


def test_what_the_next_column_has_is_left_out() -> None:
    content = io.BytesIO()
    canvas = Canvas(content, pagesize=letter)
    drawing(canvas, "own", 60, 420, 230, 200)
    drawing(canvas, "other", 320, 500, 230, 220)
    canvas.drawString(60, 400, "Figure 1: In this column.")
    canvas.drawString(320, 480, "Figure 2: In the next.")
    canvas.save()
    found = figure_of(content.getvalue())
    assert found is not None and found.width / found.height == pytest.approx(230 / 200, rel=0.02)


@pytest.mark.parametrize(
    "made",
    [
        pdf("Figure 2: Another."),
        pdf("As Figure 1: shows, in a sentence"),
        pdf(drawn=False),
        pdf(page=9),
    ],
    ids=["another", "a sentence", "nothing drawn", "far behind"],
)
def test_what_is_no_first_figure(made: bytes) -> None:
    assert figure_of(made) is None


def test_a_figure_without_anything_to_see_is_none() -> None:
    content = io.BytesIO()
    canvas = Canvas(content, pagesize=letter)
    canvas.beginForm("white", 0, 0, 300, 200)
    canvas.setFillColorRGB(1, 1, 1)
    canvas.rect(0, 0, 300, 200, fill=1, stroke=0)
    canvas.endForm()
    canvas.translate(72, 520)
    canvas.doForm("white")
    canvas.translate(-72, -520)
    canvas.drawString(72, 500, "Figure 1: White.")
    canvas.save()
    assert figure_of(content.getvalue()) is None


def test_it_comes_out_of_the_worker_whole(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf())
    (tmp_path / "b.pdf").write_bytes(pdf(drawn=False))
    with Readers(1) as readers:
        assert readers.figure(tmp_path / "a.pdf") == figure_of(pdf())
        assert readers.figure(tmp_path / "b.pdf") is None


def test_pixels_become_a_png_file_and_stay_what_they_are() -> None:
    chance = random.Random(1)
    rows = [bytes(chance.randrange(256) for _ in range(7 * 3)) for _ in range(5)]
    made = png(Figure.model_construct(width=7, height=5, rgb=b"".join(rows)))
    assert size_of(made) == (7, 5)
    data = made[made.index(b"IDAT") + 4 : made.index(b"IEND") - 8]
    plain = zlib.decompress(data)
    above = bytes(21)
    for number, row in enumerate(rows):
        line = plain[number * 22 : number * 22 + 22]
        assert line[0] == 2
        above = bytes((one + up) & 255 for one, up in zip(line[1:], above, strict=True))
        assert above == bytes(value & 0xF8 for value in row)
    for bad in (b"", b"GIF89a", made[:20], b"\x89PNG\r\n\x1a\n" + bytes(40)):
        with pytest.raises(ValueError, match="no PNG"):
            size_of(bad)


def test_a_figure_has_as_many_pixels_as_it_says() -> None:
    with pytest.raises(ValueError, match="not as many pixels"):
        Figure(width=2, height=2, rgb=b"AAAA")
    with pytest.raises(ValueError, match="less than or equal to 480"):
        Figure(width=4000, height=2, rgb=b"AAAA")
