"""Read first: one night, one paper, one paper done again.

    listing ─► download ─► extract ─► prompt ─► summarize ─► validate ─► publish

After `listing` everything the night owes is in the store. Each paper then travels on its own and
is committed when it is done; what cannot be done is owed, with a stage and a reason. Running
again does only what is owed.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.arxiv.client import ArxivClient
from pipeline.arxiv.ids import ArxivId
from pipeline.clock import Clock
from pipeline.config import Config
from pipeline.errors import (
    ArxivError,
    ArxivUnreachable,
    BudgetReached,
    ModelError,
    PdfError,
    UsageError,
)
from pipeline.events import Events
from pipeline.llm.guard import Guarded
from pipeline.llm.prices import cost
from pipeline.records import (
    Announcement,
    Day,
    Done,
    Listing,
    Outcome,
    Owed,
    Paper,
    PaperText,
    Pdf,
    Record,
    Stage,
    Summary,
)
from pipeline.stages.download import download
from pipeline.stages.extract import extract, from_abstract
from pipeline.stages.listing import listing, one_paper, with_metadata
from pipeline.stages.prompt import Variant
from pipeline.stages.publish import Published, patch, publish
from pipeline.stages.summarize import Refused, summarize, summary_key
from pipeline.store import Store

PDF_OUTAGE = 3
"""So many downloads in a row, each with all its retries, fail before arXiv's PDFs count as gone."""

GRACE_S = 5.0
"""A stopped run waits so long for replies that are already paid for and on their way."""


@dataclass(frozen=True)
class Edges:
    """Everything outside the program, built once by app.py."""

    config: Config
    arxiv: ArxivClient
    model: Guarded
    variant: Variant
    store: Store
    events: Events
    clock: Clock
    pdf_cache: Path


class NothingAnnounced(Record):
    """A normal night: weekend, holiday, or the batch that was there before."""

    date: dt.date
    reason: str


class Night(Record):
    """A run's result: the day, its files, and earlier days that were completed on the way."""

    day: Day
    published: Published
    earlier: tuple[Day, ...] = ()


class Estimate(Record):
    """What a run would take at the most; `cost` is None where the profile has no prices."""

    listing: Listing
    todo: int
    tokens_in: int
    tokens_out: int
    cost: float | None


class Again(Record):
    """A paper done again: its line before and after, and the digests that were patched."""

    paper: Paper
    old: Summary | None
    new: Summary | None
    reasons: tuple[str, ...] = ()
    patched: tuple[Path, ...] = ()


def run_night(
    edges: Edges, field: str, *, date: dt.date | None = None, limit: int | None = None
) -> Night | NothingAnnounced:
    """Tonight's digest of a field, or the rest of the day that `date` names.

    Raises ArxivError, OutputError, UsageError; a paper's own trouble is in its outcome.
    """
    day = _known_day(edges, field, date) or _announced_day(edges, field, date)
    if isinstance(day, NothingAnnounced):
        _complete_earlier(edges, field, before=day.date)
        return day
    day, published = _finish(edges, day, limit)
    return Night(
        day=day, published=published, earlier=_complete_earlier(edges, field, before=day.date)
    )


def estimate(edges: Edges, field: str) -> Estimate | NothingAnnounced:
    """Tonight's work before it is done: no PDF is downloaded, no model is called."""
    found = find_listing(edges, field)
    if isinstance(found, NothingAnnounced):
        return found
    papers = [item.paper for item in found.announcements]
    todo = [p for p in papers if edges.store.published(p.arxiv_id, p.version) is None]
    front, profile = edges.variant.front, edges.config.profile
    # A PDF's text is not known yet: its whole budget is counted.
    text = front.text_tokens if edges.variant.wants_pdf else 0
    counted = sum(edges.variant.render(p, from_abstract(p)).tokens + text for p in todo)
    tokens_in = math.ceil(counted * profile.token_factor)
    tokens_out = front.max_tokens * len(todo)
    return Estimate(
        listing=found,
        todo=len(todo),
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        cost=cost(profile, tokens_in, tokens_out),
    )


def find_listing(edges: Edges, field: str) -> Listing | NothingAnnounced:
    """Today's listing with full metadata, or why there is none. Changes nothing."""
    found = listing(field, edges.config.fields[field], edges.arxiv)
    if reason := _no_news(edges, found):
        return NothingAnnounced(date=found.date, reason=reason)
    papers = [item.paper for item in found.announcements]
    stored = [edges.store.paper(paper.arxiv_id, paper.version) for paper in papers]
    known = {paper.versioned: paper for paper in stored if paper and paper.metadata == "api"}
    return with_metadata(
        found, edges.arxiv, known, warn=lambda text: edges.events.emit("warning", text=text)
    )


def _known_day(edges: Edges, field: str, date: dt.date | None) -> Day | None:
    return edges.store.day(date, field) if date else None


def _announced_day(edges: Edges, field: str, date: dt.date | None) -> Day | NothingAnnounced:
    """Today's listing, stored: from here on nothing announced can be lost."""
    found = find_listing(edges, field)
    if date is not None and found.date != date:
        raise UsageError(
            f"arXiv's feed has {found.date} and the store does not know {date}",
            where="--date",
            fix="The feed has one day only; catching up missed nights is not built yet",
        )
    if isinstance(found, NothingAnnounced):
        edges.events.emit("nothing_announced", found.date, reason=found.reason)
        return found
    settings = edges.config.fields[field]
    edges.store.add_listing(found, settings.name, settings.categories)
    edges.events.emit("listing", found.date, field=field, announced=len(found.announcements))
    day = edges.store.day(found.date, field)
    if day is None or not _accounts_for(day, found):
        raise AssertionError(f"the store lost part of the listing of {found.date}")
    return day


def _no_news(edges: Edges, found: Listing) -> str | None:
    """Why a feed announces nothing. Its date alone proves nothing: the server stamps it anew."""
    if not found.announcements:
        return "arXiv's feed is empty (weekend or holiday)"
    ids = {item.paper.versioned for item in found.announcements}
    for date, field in edges.store.days(found.field):
        before = edges.store.day(date, field) if date < found.date else None
        if before is not None:
            same = ids == {o.announcement.paper.versioned for o in before.outcomes}
            return f"arXiv still shows the batch of {date}" if same else None
    return None


def _accounts_for(day: Day, found: Listing) -> bool:
    """announced = done + owed, by id."""
    kept = {outcome.announcement.paper.arxiv_id for outcome in day.outcomes}
    return kept >= {item.paper.arxiv_id for item in found.announcements}


def _complete_earlier(edges: Edges, field: str, before: dt.date) -> tuple[Day, ...]:
    """Try again what the last nights still owe."""
    oldest = before - dt.timedelta(days=edges.config.retry_days)
    completed: list[Day] = []
    for date, _ in edges.store.days(field):
        day = edges.store.day(date, field) if oldest <= date < before else None
        if day is not None and day.owed and edges.model.halted is None:
            completed.append(_finish(edges, day, None)[0])
    return tuple(completed)


def _finish(edges: Edges, day: Day, limit: int | None) -> tuple[Day, Published]:
    """Do what the day owes, then publish it: also when the run has to stop on the way."""
    todo = [owed.announcement for owed in day.owed][:limit]
    edges.events.emit("day_started", day.date, papers=len(todo))
    try:
        _travel(edges, day, todo)
    finally:
        finished = edges.store.day(day.date, day.field) or day
        published = publish(finished, edges.config.paths.outputs, edges.config.tags)
        edges.events.emit(
            "published",
            day.date,
            done=len(finished.done),
            owed=len(finished.owed),
            changed=published.changed,
        )
    return finished, published


def _travel(edges: Edges, day: Day, todo: Sequence[Announcement]) -> None:
    """Papers overlap: one PDF downloads while others are read, summarized and committed."""
    if not todo:
        return
    fetching = ThreadPoolExecutor(1)  # arXiv wants one connection
    writing = ThreadPoolExecutor(edges.config.profile.concurrency)
    pdfs = _Pdfs(edges)
    fetched = {fetching.submit(pdfs.fetch, item.paper): item for item in todo}
    travelling: set[Future[Any]] = set(fetched)
    try:
        while travelling:
            arrived, travelling = wait(travelling, return_when=FIRST_COMPLETED)
            for future in arrived:
                result = future.result()  # what is no paper's own trouble stops the run here
                if item := fetched.get(future):
                    travelling.add(writing.submit(_one_paper, edges, day, item, result))
    except BaseException:
        edges.clock.stop()
        for pool in (fetching, writing):
            pool.shutdown(wait=False, cancel_futures=True)
        wait(travelling, timeout=GRACE_S)
        raise
    fetching.shutdown()
    writing.shutdown()


class _Pdfs:
    """Downloads that are given up for the night when arXiv's PDFs are out of reach."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges
        self._failures = 0

    def fetch(self, paper: Paper) -> Pdf | str | None:
        """The PDF, why it cannot be had, or None where the prompt does not want it."""
        if not self._edges.variant.wants_pdf or self._edges.model.halted:
            return None
        if self._failures >= PDF_OUTAGE:
            return "download: arXiv's PDFs are out of reach"
        try:
            pdf = download(paper, self._edges.arxiv, self._edges.pdf_cache)
        except (PdfError, ArxivError) as error:
            self._failures += isinstance(error, ArxivUnreachable)
            self._edges.events.emit("warning", paper.versioned, text=str(error))
            return f"download: {error.what}"
        self._failures = 0
        return pdf


def _one_paper(edges: Edges, day: Day, item: Announcement, pdf: Pdf | str | None) -> Outcome:
    """Read, summarize, validate and commit one paper."""
    edges.clock.sleep(0)  # a stopped run starts nothing new
    paper = item.paper
    try:
        result = _write(edges, paper, pdf)
    except (ModelError, BudgetReached) as error:
        outcome: Outcome = Owed(announcement=item, stage=Stage.SUMMARIZE, reason=str(error))
    else:
        outcome = (
            Done(announcement=item, summary=result)
            if isinstance(result, Summary)
            else Owed(announcement=item, stage=Stage.VALIDATE, reason="; ".join(result.reasons))
        )
    if isinstance(outcome, Done):
        edges.events.emit("paper_done", paper.versioned, tries=outcome.summary.provenance.tries)
    else:
        edges.store.set_owed(day.date, day.field, outcome)
        edges.events.emit(
            "paper_owed", paper.versioned, stage=outcome.stage.value, reason=outcome.reason
        )
    return outcome


def _write(edges: Edges, paper: Paper, pdf: Pdf | str | None) -> Summary | Refused:
    """Text, prompt, replies, verdict; a valid summary is committed here."""
    key = paper_key(edges, paper)
    text = _read(edges, paper, pdf)
    prompt = edges.variant.render(paper, text)
    result = summarize(
        paper, text, prompt, key, model=edges.model, log=edges.store, now=edges.clock.now()
    )
    if isinstance(result, Summary):
        edges.store.publish(result)
    else:
        edges.store.close_round(key)  # these tries are used up; the next night draws anew
    return result


def paper_key(edges: Edges, paper: Paper) -> str:
    """The key of this paper's summary with the model and prompt in use."""
    return summary_key(
        paper, edges.variant.hash, edges.model.identity, edges.config.extract.max_pages
    )


def _read(edges: Edges, paper: Paper, pdf: Pdf | str | None) -> PaperText:
    """The PDF's text; the abstract, with the reason, where there is none to be had."""
    if not isinstance(pdf, Pdf):
        return from_abstract(paper, fallback=pdf)
    try:
        return extract(pdf, edges.config.extract)
    except PdfError as error:
        edges.events.emit("warning", paper.versioned, text=str(error))
        return from_abstract(paper, fallback=f"extract: {error.what}")


def reprocess(edges: Edges, arxiv_id: ArxivId) -> Again:
    """Do one paper again, and put the new line into every digest that has this version.

    The version is the one named, else the newest announced, else arXiv's latest. The old line
    stays where no new one passes. Raises ArxivError, ModelError, UsageError.
    """
    paper = _metadata(edges, arxiv_id)
    old = edges.store.published(paper.arxiv_id, paper.version)
    result = _write(edges, paper, _Pdfs(edges).fetch(paper))
    if isinstance(result, Refused):
        return Again(paper=paper, old=old, new=None, reasons=result.reasons)
    return Again(paper=paper, old=old, new=result, patched=_patch(edges, result))


def undo(edges: Edges, arxiv_id: ArxivId) -> Again:
    """Publish the line before the present one again. Raises UsageError where there is none."""
    version = arxiv_id.version or edges.store.latest_announced(arxiv_id.base)
    paper = edges.store.paper(arxiv_id.base, version) if version else None
    if paper is None:
        raise UsageError("not in the store", where=arxiv_id, fix="See: jianjie status")
    old = edges.store.published(paper.arxiv_id, paper.version)
    new = edges.store.undo(paper.arxiv_id, paper.version)
    return Again(paper=paper, old=old, new=new, patched=_patch(edges, new))


def _metadata(edges: Edges, arxiv_id: ArxivId) -> Paper:
    """From arXiv, else from the store when arXiv is out of reach."""
    version = arxiv_id.version or edges.store.latest_announced(arxiv_id.base)
    try:
        paper = one_paper(ArxivId(arxiv_id.base, version), edges.arxiv)
    except ArxivError:
        stored = edges.store.paper(arxiv_id.base, version) if version else None
        if stored is None:
            raise
        return stored
    edges.store.put_paper(paper)
    return paper


def _patch(edges: Edges, summary: Summary) -> tuple[Path, ...]:
    patched: list[Path] = []
    for date, field in edges.store.days_of(summary.arxiv_id, summary.version):
        day = edges.store.day(date, field)
        if day is not None:
            outputs, tags = edges.config.paths.outputs, edges.config.tags
            patched.append(patch(day, summary, outputs, tags).markdown)
    return tuple(patched)
