"""A day as a table for a spreadsheet: one row a paper, CSV in UTF-8."""

from __future__ import annotations

import csv
from io import StringIO

from pipeline.digest.entries import TagChoice, in_section, published_tags
from pipeline.records import Day, Done, Outcome, Section

COLUMNS = (
    "date",
    "field",
    "section",
    "number",
    "arxiv_id",
    "version",
    "title",
    "authors",
    "tags",
    "line",
    "owed",
    "comment",
    "link",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_BOM = "\ufeff"
"""Without it spreadsheets take Chinese for another encoding."""


def csv_of(day: Day, tags: TagChoice) -> bytes:
    """In arXiv's order; a paper that is owed has an empty line and why."""
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    writer.writerow(COLUMNS)
    for section in Section:
        for number, outcome in enumerate(in_section(day, section), start=1):
            row = _row(day, outcome, section, number, tags)
            writer.writerow([_harmless(cell) for cell in row])
    return (_BOM + text.getvalue()).encode()


def _row(
    day: Day, outcome: Outcome, section: Section, number: int, tags: TagChoice
) -> tuple[str, ...]:
    paper = outcome.announcement.paper
    summary = outcome.summary if isinstance(outcome, Done) else None
    owed = "" if isinstance(outcome, Done) else f"{outcome.stage.value}: {outcome.reason}"
    return (
        day.date.isoformat(),
        day.field,
        section.value,
        str(number),
        paper.arxiv_id,
        str(paper.version),
        paper.title,
        "; ".join(paper.authors),
        "; ".join(published_tags(paper, summary, tags)),
        summary.line if summary else "",
        owed,
        paper.comment or "",
        f"https://arxiv.org/abs/{paper.versioned}",
    )


def _harmless(cell: str) -> str:
    """A spreadsheet runs a cell that begins as a formula does; a title can be made to."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
