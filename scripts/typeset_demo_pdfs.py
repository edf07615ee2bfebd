"""Typesets the demo's PDFs: one small two-column article for each paper of the example digest.

    python scripts/typeset_demo_pdfs.py [FOLDER]      (where `pip install -e .[dev]` was done)

Their text is the paper's own title, authors and abstract, which are arXiv metadata (CC0); a foot
line and the PDF's metadata say that they are not the authors' PDFs. The output is the same byte
for byte on every machine: no time stamps, and no compression, which varies between zlib builds.
"""

from __future__ import annotations

import argparse
import datetime as dt
import re
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.enums import TA_CENTER, TA_JUSTIFY
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import BalancedColumns, Paragraph, SimpleDocTemplate, Spacer

from pipeline.demo.example_day import EXAMPLE_DAYS, MADE_UP, example_listing
from pipeline.demo.standin import demo_pdfs
from pipeline.records import Listing, Paper

NOTICE = (
    "Typeset by jianjie for its demo from arXiv's metadata (CC0): title, authors, abstract. "
    "This is not the authors' PDF."
)
MADE_UP_NOTICE = "Made up by jianjie for its demo: no such paper, no such authors."

# Points (1/72 inch) all through.
MARGIN = 44
GUTTER = 18
TITLE = ParagraphStyle(
    "title", fontName="Times-Bold", fontSize=18, leading=22, alignment=TA_CENTER, spaceAfter=12
)
AUTHORS = ParagraphStyle(
    "authors", fontName="Times-Roman", fontSize=11.5, leading=15, alignment=TA_CENTER, spaceAfter=22
)
HEADING = ParagraphStyle(
    "heading", fontName="Times-Bold", fontSize=12, leading=15, alignment=TA_CENTER, spaceAfter=5
)
BODY = ParagraphStyle(
    "body",
    fontName="Times-Roman",
    fontSize=10,
    leading=13,
    alignment=TA_JUSTIFY,
    splitLongWords=0,  # an address cut in two could not be read back as one word
)


def typeset_all(listing: Listing, folder: Path) -> list[Path]:
    """Write `folder`/2601.02954v1.pdf and so on, one for each paper; the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    notice = MADE_UP_NOTICE if listing.field == MADE_UP else NOTICE
    written = []
    for announcement in listing.announcements:
        paper = announcement.paper
        target = folder / f"{paper.versioned}.pdf"
        target.write_bytes(typeset(paper, listing.date, notice))
        written.append(target)
    return written


def typeset(paper: Paper, listed: dt.date, notice: str = NOTICE) -> bytes:
    """One paper as a PDF in base-14 fonts; its text lies in the file in reading order."""
    out = BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=LETTER,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=paper.title,
        author=", ".join(paper.authors),
        subject=notice,
        creator="jianjie",
        invariant=1,
        pageCompression=0,
    )
    abstract = [Paragraph("Abstract", HEADING), Paragraph(markup(paper.abstract), BODY)]
    story = [
        Paragraph(markup(paper.title), TITLE),
        Paragraph(", ".join(map(_unbroken, paper.authors)), AUTHORS),
        BalancedColumns(abstract, nCols=2, innerPadding=GUTTER),
        Spacer(1, 1),
    ]

    def furniture(canvas: Any, _: SimpleDocTemplate) -> None:
        _draw_furniture(canvas, paper, listed, notice)

    document.build(story, onFirstPage=furniture, onLaterPages=furniture)
    return out.getvalue()


def _draw_furniture(canvas: Any, paper: Paper, listed: dt.date, notice: str) -> None:
    """Stamp, page number and notice: drawn before the text, so that they do not run into it."""
    width, height = LETTER
    canvas.saveState()
    canvas.setFont("Times-Roman", 7.5)
    canvas.drawCentredString(width / 2, 22, notice)
    canvas.setFont("Times-Roman", 10)
    canvas.drawCentredString(width / 2, 34, str(canvas.getPageNumber()))
    if canvas.getPageNumber() == 1:
        canvas.setFont("Times-Roman", 17)
        canvas.setFillGray(0.5)
        canvas.rotate(90)
        canvas.drawCentredString(height / 2, -34, stamp(paper, listed))
    canvas.restoreState()


def stamp(paper: Paper, listed: dt.date) -> str:
    """arXiv's side stamp. The metadata at hand has no date: the eve of the listing stands in."""
    eve = listed - dt.timedelta(days=1)
    return f"arXiv:{paper.versioned} [{paper.categories[0]}] {eve.day} {eve:%b %Y}"


def markup(text: str) -> str:
    r"""`text` for reportlab: TeX's \textit, \textbf and ties become what TeX would print."""
    text = re.sub(r"(?<=\S)~(?=\S)", "\N{NO-BREAK SPACE}", escape(text))
    for command, tag in (("textbf", "b"), ("textit", "i")):
        text = re.sub(rf"\\{command}{{([^{{}}]*)}}", rf"<{tag}>\1</{tag}>", text)
    # The line before a long address would be stretched to a few words far apart.
    return re.sub(r" (?=https?://\S{25})", "<br/>", text)


def _unbroken(name: str) -> str:
    return escape(name).replace(" ", "\N{NO-BREAK SPACE}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Typeset the demo's PDFs")
    parser.add_argument("folder", type=Path, nargs="?", default=demo_pdfs())
    folder = parser.parse_args().folder
    days = (example_listing(day.digest, field) for field, day in EXAMPLE_DAYS.items())
    written = [file for listing in days for file in typeset_all(listing, folder)]
    size = sum(path.stat().st_size for path in written)
    print(f"{len(written)} PDFs, {size / 1000:.0f} kB, in {folder}")


if __name__ == "__main__":
    main()
