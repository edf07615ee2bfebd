"""The search's files: a script for each month, because pages in a folder can load nothing else.

    jianjie.month("2026-01", [[id, version, field, date, section, tags, title, line, authors,
                               abstract], …])

Each is one call with JSON in it; site.js says what becomes of it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.arxiv.taxonomy import chinese_names
from pipeline.html import plain, shown
from pipeline.records import Day, Section
from pipeline.site.pages import SECTIONS, Site, entries


def month_of(date: dt.date) -> str:
    """2026-01."""
    return f"{date:%Y-%m}"


def shard(site: Site, month: str, days: Sequence[Day]) -> bytes:
    """All papers of a month, newest day first, in arXiv's order."""
    rows = ",\n".join(_json(row) for day in days for row in _rows(site, day))
    return f"jianjie.month({_json(month)}, [\n{rows}\n]);\n".encode()


def _rows(site: Site, day: Day) -> Iterator[list[Any]]:
    for section in Section:
        for one in entries(day, section, site.config):
            paper = one.paper
            yield [
                paper.arxiv_id,
                paper.version,
                day.field,
                day.date.isoformat(),
                section.value,
                one.tags,
                plain(paper.title),
                shown(one.summary.line) if one.summary else "",
                [shown(author) for author in paper.authors],
                plain(paper.abstract),
            ]


def data(site: Site) -> bytes:
    """What every page may need: months, fields, tags' names, the settings' interests."""
    months = sorted({month_of(date) for date, _ in site.known}, reverse=True)
    values = {
        "months": months,
        "fields": site.fields,
        "sections": {section.value: name for section, name in SECTIONS.items()},
        "tags": chinese_names(),
        "interests": site.config.interests.model_dump(mode="json"),
    }
    return f"jianjie.data({_json(values)});\n".encode()


def _json(value: Any) -> str:
    """JSON that is also JavaScript, whatever its strings hold."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
