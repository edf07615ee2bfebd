"""All papers and all systems in one table, as data for the page's own script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.evaluate.report.difference import pieces
from pipeline.evaluate.report.embedded import Embedded, embedded
from pipeline.evaluate.results import METRICS, Case, Evaluation, Sample
from pipeline.text.html import shown

_SCRIPT = Path(__file__).with_name("matrix.js")


def matrix(evaluation: Evaluation, cases: Sequence[Case], samples: Sequence[Sample]) -> Embedded:
    """Every case with what each system wrote first for it."""
    by_place = {(one.case, one.system): one for one in samples if one.number == 0}
    names = [system.name for system in evaluation.systems]
    rows = [
        _row(case, [by_place.get((case.id, name)) for name in names], evaluation.main)
        for case in cases
    ]
    metric = METRICS[evaluation.main]
    told = {
        "systems": list(map(shown, names)),
        "metric": metric.title,
        "unit": metric.unit,
        "rows": rows,
    }
    return embedded(told, _SCRIPT)


def _row(case: Case, written: Sequence[Sample | None], metric: str) -> Mapping[str, Any]:
    return {
        "id": case.paper.versioned,
        "title": shown(case.paper.title),
        "abstract": shown(case.paper.abstract),
        "date": case.date.isoformat(),
        "tags": tuple(map(shown, case.tags)),
        "line": shown(case.line),
        "cells": [_cell(sample, case, metric) for sample in written],
    }


def _cell(sample: Sample | None, case: Case, metric: str) -> Mapping[str, Any]:
    """The line in pieces, each second one not in the reference; or why there is none."""
    if sample is None:
        return {"why": "not asked"}
    score = sample.scores.get(metric)
    told: dict[str, Any] = {"score": None if score is None else round(score, 1)}
    final = sample.final
    if final is None or final.line is None:
        why = sample.error or sample.saw.get("valid", "no valid line")
        return told | {"why": shown(why)}
    tags = tuple(map(shown, final.tags))
    if not case.line:
        return told | {"line": [shown(final.line)], "tags": tags}
    parts: list[str] = []
    for piece in pieces(final.line, case.line):
        if len(parts) % 2 != piece.own:
            parts.append("")
        parts.append(shown(piece.text))
    return told | {"line": parts, "tags": tags}
