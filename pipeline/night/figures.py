"""First figures, small, of the papers whose licence lets others show them.

After a run's lines are published, arXiv's OAI-PMH is asked for the licence of each new paper, at
the pace that arXiv asks for; the PDF is the one that was read. Nobody is asked twice. Trouble here
is told, and never the night's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from pipeline.arxiv.oai import parse_oai
from pipeline.edges import Edges
from pipeline.errors import ArxivError, PdfUnreadable
from pipeline.night.result import Night
from pipeline.pdf.png import png
from pipeline.records import Done, Paper
from pipeline.stages.download import cached_file
from pipeline.stages.figure import keep, licence_name, note_file

MOST = 300
"""Papers of a run: a quarter of an hour at arXiv's pace; the next run goes on."""


def collect(edges: Edges, nights: Iterable[Night]) -> list[str]:
    """The figures of what these nights did; the ids of papers that have one. Raises OutputError."""
    found: list[str] = []
    asked = 0
    for paper in _new(edges, nights):
        if asked == MOST:
            break
        try:
            licence = _licence(edges, paper)
        except ArxivError as error:
            edges.warn(f"figures: {error}")
            break
        asked += 1
        picture = _picture(edges, paper) if licence_name(licence) else b""
        keep(edges.config.paths.outputs, paper.versioned, licence, picture)
        found += [paper.arxiv_id] if picture else []
    if asked:
        edges.events.emit("figures", found=len(found), asked=asked)
    return found


def _new(edges: Edges, nights: Iterable[Night]) -> Iterator[Paper]:
    """Papers whose PDF was read and is still here, and of which nothing is known."""
    outputs = edges.config.paths.outputs
    papers = {
        done.announcement.paper.versioned: done.announcement.paper
        for night in nights
        for day in night.days
        for done in day.outcomes
        if isinstance(done, Done) and done.summary.provenance.text_source == "pdf"
    }
    for versioned, paper in papers.items():
        here = cached_file(edges.pdf_cache, versioned).is_file()
        if here and not note_file(outputs, versioned).exists():
            yield paper


def _licence(edges: Edges, paper: Paper) -> str | None:
    """Its address. Raises ArxivError."""
    content, where = edges.arxiv.oai_record(paper.arxiv_id)
    records = parse_oai(content, where=where).records
    return records[0].license if records else None


def _picture(edges: Edges, paper: Paper) -> bytes:
    """The PNG file; empty where no figure can be told."""
    with suppress(PdfUnreadable):
        figure = edges.readers.figure(cached_file(edges.pdf_cache, paper.versioned))
        return png(figure) if figure else b""
    return b""
