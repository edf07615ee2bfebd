"""The search's files: a script for each month, because pages in a folder can load nothing else.

    jianjie.month("2026-01", [[id, version, field, date, section, tags, title, line, authors,
                               abstract], …])

Papers that no listing has stand in one more, "unlisted", without field, date and section. Each is
one call with JSON in it; site.js says what becomes of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pipeline.categories import chinese_names
from pipeline.digest.entries import published_tags
from pipeline.records import Day, Paper, Section, Summary
from pipeline.site.dates import month_of
from pipeline.site.pages import SECTIONS, Site, entries
from pipeline.text.html import plain, shown

UNLISTED = "unlisted"


def shard(site: Site, month: str, days: Sequence[Day]) -> bytes:
    """All papers of a month, newest day first, in arXiv's order."""
    return _called(month, (row for day in days for row in _rows(site, day)))


def unlisted(site: Site) -> bytes:
    """The papers that no listing has."""
    tags = site.config.tags
    rows = (
        _row(paper, ("", "", ""), published_tags(paper, summary, tags), summary)
        for paper, summary in site.unlisted
    )
    return _called(UNLISTED, rows)


def _called(name: str, rows: Iterable[list[Any]]) -> bytes:
    lines = ",\n".join(map(_json, rows))
    return f"jianjie.month({_json(name)}, [\n{lines}\n]);\n".encode()


def _rows(site: Site, day: Day) -> Iterator[list[Any]]:
    for section in Section:
        for one in entries(day, section, site.config):
            place = (day.field, day.date.isoformat(), section.value)
            yield _row(one.paper, place, one.tags, one.summary)


def _row(
    paper: Paper, place: tuple[str, str, str], tags: Sequence[str], summary: Summary | None
) -> list[Any]:
    """`place` is field, date and section."""
    return [
        paper.arxiv_id,
        paper.version,
        *place,
        tags,
        plain(paper.title),
        shown(summary.line) if summary else "",
        [shown(author) for author in paper.authors],
        plain(paper.abstract),
    ]


def scores(site: Site, day: Day) -> bytes:
    """Of a day's papers by the reader's library: id → score, words, liked work."""
    ids = (outcome.announcement.paper.arxiv_id for outcome in day.outcomes)
    found = {arxiv_id: site.scores[arxiv_id] for arxiv_id in ids if arxiv_id in site.scores}
    values = {one: [own.score, own.words, own.near] for one, own in found.items()}
    return f"jianjie.scores({_json(values)});\n".encode()


def data(site: Site) -> bytes:
    """What every page may need: months, fields, tags' names, the settings' interests."""
    months = sorted({month_of(date) for date, _ in site.known}, reverse=True)
    values = {
        "months": [*months, *([UNLISTED] if site.unlisted else [])],
        "fields": site.fields,
        "sections": {section.value: name for section, name in SECTIONS.items()},
        "tags": chinese_names(),
        "interests": site.config.interests.model_dump(mode="json"),
        "fieldInterests": {
            field: settings.interests.model_dump(mode="json")
            for field, settings in site.config.fields.items()
            if settings.interests
        },
    }
    return f"jianjie.data({_json(values)});\n".encode()


def _json(value: Any) -> str:
    """JSON that is also JavaScript, whatever its strings hold."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
