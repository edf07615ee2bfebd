"""One paper done again, or its line before put back."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from pipeline.arxiv.calendar import eastern_date
from pipeline.arxiv.ids import ArxivId
from pipeline.config import Config
from pipeline.edges import Edges
from pipeline.errors import ArxivError, UsageError
from pipeline.files import page_of_paper
from pipeline.listing.metadata import one_paper
from pipeline.night.digests import patch_days
from pipeline.night.paper import downloads, read, ready, wants_pdf, write
from pipeline.records import Paper, Record, Summary
from pipeline.stages.summarize import Refused
from pipeline.store.store import Store


class Again(Record):
    """A paper done again: its line before and after, and where that is to be read."""

    paper: Paper
    old: Summary | None
    new: Summary | None
    """Equal to `old` where the same question brought the same line: that is no new summary."""
    reasons: tuple[str, ...] = ()
    patched: tuple[Path, ...] = ()
    """The digests that changed."""
    file: Path | None = None
    """The PDF, of a paper that is none of arXiv's."""
    page: Path | None = None
    """The paper's page on the site, which is made when the run ends."""


def reprocess(edges: Edges, arxiv_id: ArxivId) -> Again:
    """Do one paper again, and put the new line into every digest that has this version.

    The version is the one named, else the newest announced, else arXiv's latest. The old line
    stays where no new one passes, and with its provenance where it comes again. Raises ArxivError,
    ModelError, UsageError.
    """
    paper = _metadata(edges, arxiv_id)
    own = edges.of_field(_field(edges, paper))
    old = own.store.summaries.published(paper.arxiv_id, paper.version)
    if old is not None and old.provenance.by is not None:
        raise UsageError(
            f"its line is by {old.provenance.by}, and no model's takes its place",
            where=paper.versioned,
            fix=f"Change it: jianjie edit {paper.versioned}; back: --undo, then again",
        )
    pdf = downloads(own).fetch(paper) if wants_pdf(own) else None
    text = read(own, paper, pdf)
    question = ready(own, paper, text)
    own.store.replies.reopen(question.inquiry.key)
    result = write(own, paper, question, _listed(own, paper), at_once=True)
    if isinstance(result, Refused):
        return Again(paper=paper, old=old, new=None, reasons=result.reasons)
    return _published(own, paper, old, result)


def undo(edges: Edges, arxiv_id: ArxivId) -> Again:
    """Publish the line before the present one again. Raises UsageError where there is none."""
    paper = stored_paper(edges.store, arxiv_id)
    old = edges.store.summaries.published(paper.arxiv_id, paper.version)
    new = edges.store.summaries.undo(paper.arxiv_id, paper.version)
    return _published(edges, paper, old, new)


def stored_paper(store: Store, arxiv_id: ArxivId) -> Paper:
    """The version that is named, else the newest announced, else the newest with a line.

    Raises UsageError for a paper that the store has not.
    """
    version = arxiv_id.version or store.days.latest_version(arxiv_id.base)
    version = version or store.summaries.latest_version(arxiv_id.base)
    paper = store.papers.get(arxiv_id.base, version) if version else None
    if paper is None:
        raise UsageError("not in the store", where=arxiv_id, fix="See: jianjie status")
    return paper


def _metadata(edges: Edges, arxiv_id: ArxivId) -> Paper:
    """From arXiv, else from the store when arXiv is out of reach."""
    version = arxiv_id.version or edges.store.days.latest_version(arxiv_id.base)
    try:
        paper = one_paper(ArxivId(arxiv_id.base, version), edges.arxiv)
    except ArxivError:
        stored = edges.store.papers.get(arxiv_id.base, version) if version else None
        if stored is None or stored.metadata == "lost":
            raise
        return stored
    edges.store.papers.put(paper)
    return paper


def _field(edges: Edges, paper: Paper) -> str:
    """The field of the newest listing with this paper, else one that has its categories."""
    listed = [field for _, field in edges.store.days.having(paper.arxiv_id, paper.version)]
    fits = [
        field
        for category in paper.categories
        for field, settings in edges.config.fields.items()
        if category in settings.categories
    ]
    return next((field for field in (*listed, *fits) if field in edges.config.fields), "")


def _listed(edges: Edges, paper: Paper) -> dt.date:
    """The date of the newest listing with this version; today where none has it."""
    days = edges.store.days.having(paper.arxiv_id, paper.version)
    return days[0][0] if days else eastern_date(edges.clock.now())


def _published(edges: Edges, paper: Paper, old: Summary | None, new: Summary) -> Again:
    return published_again(edges.store, edges.config, paper, old, new)


def published_again(
    store: Store, config: Config, paper: Paper, old: Summary | None, new: Summary
) -> Again:
    """The new line in every digest that has this version. Raises as digests.patch_day."""
    page = config.paths.outputs / "site" / page_of_paper(paper.arxiv_id)
    patched = patch_days(store, config, new)
    return Again(paper=paper, old=old, new=new, patched=patched, page=page)
