"""The rest of what a listing needs: authors, comments and, for papers from a page, the version.

Asked in this order: the metadata API, the API once more for what it left out (empty pages with
HTTP 200 happen), OAI-PMH; what nobody answers keeps the feed's fields and is asked for again by
the next run. A missing 备注 is no reason to lose a paper.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from pipeline.arxiv.api import IDS_A_REQUEST, parse_papers
from pipeline.arxiv.calendar import cut_off
from pipeline.arxiv.ids import ArxivId
from pipeline.arxiv.listpage import PageEntry
from pipeline.arxiv.oai import OaiRecord, parse_oai
from pipeline.categories import oai_set
from pipeline.errors import ArxivError, ArxivRefused, UsageError, counted
from pipeline.records import AnnounceType, Listing, Paper

Warn = Callable[[str], None]

FEW = 10
"""Up to so many records are asked for one by one; for more, whole sets of the last days."""


class MetadataSource(Protocol):
    """What this stage needs of the edge to arXiv: bodies and the addresses they came from."""

    def metadata(self, ids: Sequence[str]) -> tuple[bytes, str]:
        """The API's answer for up to 100 ids."""

    def oai_record(self, arxiv_id: str) -> tuple[bytes, str]:
        """One paper's record."""

    def oai_changes(
        self, set_spec: str, since: dt.date, token: str | None = None
    ) -> tuple[bytes, str]:
        """A page of the records of a set that changed since a date."""


def with_metadata(
    listing: Listing,
    categories: Sequence[str],
    arxiv: MetadataSource,
    stored: Mapping[str, Paper],
    warn: Warn,
) -> Listing:
    """The listing with full metadata, except for papers in `stored` (by versioned id).

    `warn` is told what could not be had.
    """
    unknown = [a.paper.versioned for a in listing.announcements if a.paper.versioned not in stored]
    answers = {**stored, **ask(unknown, arxiv, warn)}
    if lacking := [versioned for versioned in unknown if versioned not in answers]:
        records = _oai(_bases(lacking), categories, listing.date, arxiv, warn)
        answers |= {r.paper.versioned: r.paper for r in records if r.paper.versioned in lacking}
    for versioned in lacking:
        if versioned not in answers:
            warn(f"{versioned}: neither in the API nor in OAI-PMH; authors as in the feed, no 备注")
    announcements = tuple(
        item.model_copy(update={"paper": answers.get(item.paper.versioned, item.paper)})
        for item in listing.announcements
    )
    return listing.model_copy(update={"announcements": announcements})


def identify(
    entries: Sequence[PageEntry],
    categories: Sequence[str],
    date: dt.date,
    arxiv: MetadataSource,
    warn: Warn,
) -> dict[str, Paper]:
    """The papers of page entries by base id, in the version that was announced on `date`.

    A page names no versions: a new paper is v1, else it is the latest that was submitted before
    the listing's cut-off. Where neither the API nor OAI-PMH tells it, the version is 0 and the
    fields are the page's: the paper was announced, and the next run asks again.
    """
    by_id = {entry.arxiv_id: entry for entry in entries}
    papers = _step_down(by_id, cut_off(date), arxiv, warn)
    lacking = [entry for entry in entries if entry.arxiv_id not in papers]
    records = _oai([entry.arxiv_id for entry in lacking], categories, date, arxiv, warn)
    for entry in lacking:
        past = _from_history(entry, records, cut_off(date))
        papers[entry.arxiv_id] = past or _from_page(entry)
    return papers


def one_paper(arxiv_id: ArxivId, arxiv: MetadataSource) -> Paper:
    """One paper's metadata: the named version, or the latest. Raises UsageError if unknown."""
    content, where = arxiv.metadata([str(arxiv_id)])
    paper = parse_papers(content, where=where).get(arxiv_id.base)
    if paper is None or arxiv_id.version not in {None, paper.version}:
        raise UsageError("arXiv does not know this paper", where=arxiv_id, fix="Check the id")
    return paper


def ask(ids: Sequence[str], arxiv: MetadataSource, warn: Warn) -> dict[str, Paper]:
    """The API's papers by the id that was asked for, with or without a version.

    Another version than the one asked for is no answer. Raises nothing: `warn` is told.
    """
    papers: dict[str, Paper] = {}
    again: list[str] = []
    for batch in _batches(ids):
        answer = _ask_once(batch, arxiv, warn)
        if answer is not None:
            papers |= answer
            again += [one for one in batch if one not in answer]
    for batch in _batches(again):
        papers |= _ask_once(batch, arxiv, warn) or {}
    return papers


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), IDS_A_REQUEST):
        yield ids[start : start + IDS_A_REQUEST]


def _ask_once(ids: Sequence[str], arxiv: MetadataSource, warn: Warn) -> dict[str, Paper] | None:
    """None where the API gives no answer at all."""
    try:
        content, where = arxiv.metadata(ids)
        papers = parse_papers(content, where=where).values()
    except ArxivError as error:
        warn(f"no metadata from the API for {counted(len(ids), 'paper')}: {error}")
        return None
    by_name = {name: p for p in papers for name in (p.arxiv_id, p.versioned)}
    return {one: by_name[one] for one in ids if one in by_name}


def _step_down(
    by_id: Mapping[str, PageEntry], latest: dt.datetime, arxiv: MetadataSource, warn: Warn
) -> dict[str, Paper]:
    """From the newest version down to the last one submitted by `latest`."""
    papers: dict[str, Paper] = {}
    guesses = {_first_guess(entry): base for base, entry in by_id.items()}
    while guesses:
        answers = ask(list(guesses), arxiv, warn)
        too_new: dict[str, str] = {}
        for name, base in guesses.items():
            paper = answers.get(name)
            if paper is None:
                continue
            if paper.version > 1 and paper.submitted is not None and paper.submitted > latest:
                too_new[f"{base}v{paper.version - 1}"] = base
            else:
                papers[base] = paper
        guesses = too_new
    return papers


def _first_guess(entry: PageEntry) -> str:
    if entry.version is not None:
        return f"{entry.arxiv_id}v{entry.version}"
    return f"{entry.arxiv_id}v1" if entry.announce is AnnounceType.NEW else entry.arxiv_id


def _from_history(
    entry: PageEntry, records: Sequence[OaiRecord], latest: dt.datetime
) -> Paper | None:
    """OAI's record where the announced version is still the newest: it has only that one's text."""
    for record in records:
        announced = [v.number for v in record.versions if v.submitted <= latest]
        same = record.paper.arxiv_id == entry.arxiv_id
        if same and announced and max(announced) == record.paper.version:
            return record.paper
    return None


def _from_page(entry: PageEntry) -> Paper:
    """The page's own fields; only of a new paper is the version certain."""
    return Paper(
        arxiv_id=entry.arxiv_id,
        version=1 if entry.announce is AnnounceType.NEW else entry.version or 0,
        title=entry.title,
        abstract=entry.abstract,
        authors=entry.authors,
        comment=entry.comment,
        categories=entry.categories,
        metadata="page",
    )


def _bases(versioned: Iterable[str]) -> list[str]:
    return [one.rpartition("v")[0] for one in versioned]


def _oai(
    bases: Sequence[str],
    categories: Sequence[str],
    date: dt.date,
    arxiv: MetadataSource,
    warn: Warn,
) -> list[OaiRecord]:
    """Records of the wanted papers, as far as OAI-PMH has them."""
    if len(bases) <= FEW:
        return _records(bases, arxiv, warn)
    records: list[OaiRecord] = []
    for category in categories:
        records += _changes(oai_set(category), date - dt.timedelta(days=1), arxiv, warn)
    return [record for record in records if record.paper.arxiv_id in set(bases)]


def _records(bases: Sequence[str], arxiv: MetadataSource, warn: Warn) -> list[OaiRecord]:
    """One by one; given up at the first sign that the server is down."""
    records: list[OaiRecord] = []
    for base in bases:
        try:
            content, where = arxiv.oai_record(base)
            records += parse_oai(content, where=where).records
        except ArxivError as error:
            warn(f"{base}: nothing from OAI-PMH: {error}")
            if not isinstance(error, ArxivRefused):
                break
    return [record for record in records if not record.deleted]


def _changes(set_spec: str, since: dt.date, arxiv: MetadataSource, warn: Warn) -> list[OaiRecord]:
    """Everything of a set that changed since a date, page after page."""
    records: list[OaiRecord] = []
    token: str | None = None
    try:
        while True:
            content, where = arxiv.oai_changes(set_spec, since, token)
            page = parse_oai(content, where=where)
            records += page.records
            if page.token is None or page.token == token:
                break
            token = page.token
    except ArxivError as error:
        warn(f"{set_spec}: not everything from OAI-PMH: {error}")
    return [record for record in records if not record.deleted]
