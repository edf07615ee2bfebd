"""`/api/query?id_list=…&max_results=…&start=…`, ids with or without versions."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs

from pipeline.arxiv.ids import parse_id
from pipeline.demo.answers.answer import Answer
from pipeline.demo.archive import Archive
from pipeline.demo.payloads.api import DatedPaper, api_error, api_feed
from pipeline.demo.request import Request
from pipeline.errors import UsageError
from pipeline.records import Paper

ATOM = "application/atom+xml; charset=utf-8"
DEFAULT_RESULTS = 10
MOST_RESULTS = 2000
"""The API's page, with an id list or without."""


def api_answer(archive: Archive, request: Request) -> Answer:
    """The asked versions, ids ascending."""
    fields = {name: values[-1] for name, values in parse_qs(request.query).items()}
    id_list = fields.get("id_list", "")
    try:
        start = _count(fields, "start", 0)
        limit = min(_count(fields, "max_results", DEFAULT_RESULTS), MOST_RESULTS)
        ids = {_strict_id(text.strip()) for text in id_list.split(",") if text.strip()}
    except ValueError as error:
        return Answer(400, ATOM, api_error(archive.today, str(error)))
    papers = _found(archive, ids)
    dated = [_dated(archive, paper) for paper in papers[start : start + limit]]
    total = len(papers)
    body = api_feed(archive.today, id_list, dated, total=total, start=start, limit=limit)
    return Answer(200, ATOM, body)


def _found(archive: Archive, ids: set[str]) -> list[Paper]:
    papers = filter(None, map(archive.find, ids))
    by_id = {paper.versioned: paper for paper in papers}
    return sorted(by_id.values(), key=lambda paper: (paper.arxiv_id, paper.version))


def _dated(archive: Archive, paper: Paper) -> DatedPaper:
    published = archive.submitted(paper.arxiv_id, 1)
    return DatedPaper(paper, published, archive.submitted(paper.arxiv_id, paper.version))


def _count(fields: Mapping[str, str], name: str, default: int) -> int:
    text = fields.get(name, str(default))
    if not text.lstrip("-").isdecimal():
        raise ValueError(f"{name} must be an integer")
    if int(text) < 0:
        raise ValueError(f"{name} must be non-negative")
    return int(text)


def _strict_id(text: str) -> str:
    """`text` if it is a bare id in canonical form; the API takes no addresses."""
    try:
        accepted = str(parse_id(text)) == text
    except UsageError:
        accepted = False
    if not accepted:
        raise ValueError(f"incorrect id format for {text}")
    return text
