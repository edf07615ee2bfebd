"""What arXiv announced: the feed for ids, versions and announce types, the API for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from pipeline.arxiv.api import IDS_A_REQUEST, parse_papers
from pipeline.arxiv.feed import parse_feed
from pipeline.arxiv.ids import ArxivId
from pipeline.errors import ArxivError, UsageError
from pipeline.records import Listing, Paper
from pipeline.settings import FieldSettings

Warn = Callable[[str], None]


class Arxiv(Protocol):
    """What this stage needs of the edge to arXiv: bodies and the addresses they came from."""

    @property
    def feed_host(self) -> str:
        """The host of the feed."""

    def feed(self, categories: Sequence[str]) -> tuple[bytes, str]:
        """Today's feed."""

    def metadata(self, ids: Sequence[str]) -> tuple[bytes, str]:
        """The API's answer for up to 100 ids."""


def listing(name: str, field: FieldSettings, arxiv: Arxiv) -> Listing:
    """Today's listing of a field with the feed's own metadata; empty when nothing is announced.

    Raises ArxivError.
    """
    content, where = arxiv.feed(field.categories)
    feed = parse_feed(content, where=where)
    return Listing(
        date=feed.date, field=name, source=arxiv.feed_host, announcements=feed.announcements
    )


def with_metadata(found: Listing, arxiv: Arxiv, known: Mapping[str, Paper], warn: Warn) -> Listing:
    """The listing with authors and comments from the API, except for papers in `known`.

    What the API does not answer for keeps the feed's fields, and `warn` says so: a missing 备注
    is no reason to lose a paper.
    """
    wanted = [a.paper.versioned for a in found.announcements if a.paper.versioned not in known]
    answers = dict(known)
    for batch in _batches(wanted):
        answers.update(_ask(batch, arxiv, warn))
    announcements = tuple(
        item.model_copy(update={"paper": answers.get(item.paper.versioned, item.paper)})
        for item in found.announcements
    )
    return found.model_copy(update={"announcements": announcements})


def one_paper(arxiv_id: ArxivId, arxiv: Arxiv) -> Paper:
    """One paper's metadata: the named version, or the latest. Raises UsageError if unknown."""
    content, where = arxiv.metadata([str(arxiv_id)])
    paper = parse_papers(content, where=where).get(arxiv_id.base)
    if paper is None or arxiv_id.version not in {None, paper.version}:
        raise UsageError("arXiv does not know this paper", where=arxiv_id, fix="Check the id")
    return paper


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), IDS_A_REQUEST):
        yield ids[start : start + IDS_A_REQUEST]


def _ask(ids: Sequence[str], arxiv: Arxiv, warn: Warn) -> dict[str, Paper]:
    """Answers by versioned id; another version than the announced one is no answer."""
    try:
        content, where = arxiv.metadata(ids)
        papers = parse_papers(content, where=where)
    except ArxivError as error:
        warn(f"no metadata for {len(ids)} papers, authors as in the feed, no 备注: {error}")
        return {}
    found = {paper.versioned: paper for paper in papers.values() if paper.versioned in set(ids)}
    for versioned in ids:
        if versioned not in found:
            warn(f"{versioned}: not in the API's answer; authors as in the feed, no 备注")
    return found
