"""Evaluations on disk: a folder each, with its report, its summary and every sample.

outputs/evaluations/2026-01-08T09-00-00Z-zero-shot-few-shot/
    report.html   summary.json   samples.jsonl   judged.jsonl (with a judge)
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import OutputError, one_line
from pipeline.evaluate.evaluation import Finished
from pipeline.evaluate.report.html import render_html
from pipeline.evaluate.results import Evaluation
from pipeline.files import write_atomic

_SUMMARY = "summary.json"


class ReportFiles(NamedTuple):
    """The files of one evaluation."""

    report: Path
    summary: Path
    samples: Path


def write(folder: Path, finished: Finished) -> ReportFiles:
    """Into a folder of its own below `folder`, the summary last: with it the rest is there.

    Raises OutputError.
    """
    own = folder / finished.evaluation.name
    written = ReportFiles(own / "report.html", own / _SUMMARY, own / "samples.jsonl")
    write_atomic(written.samples, _lines(finished).encode())
    if finished.judged:
        pairs = "".join(f"{pair.model_dump_json()}\n" for pair in finished.judged)
        write_atomic(own / "judged.jsonl", pairs.encode())
    page = render_html(finished.evaluation, finished.cases, finished.samples)
    write_atomic(written.report, page.encode())
    summary = finished.evaluation.model_dump_json(indent=1) + "\n"
    write_atomic(written.summary, summary.encode())
    return written


def read(folder: Path) -> tuple[list[Evaluation], list[str]]:
    """All evaluations, oldest first, and a line for each that cannot be read."""
    evaluations: list[Evaluation] = []
    unread: list[str] = []
    for file in sorted(folder.glob(f"*/{_SUMMARY}")):
        try:
            evaluations.append(Evaluation.model_validate_json(file.read_text(encoding="utf-8")))
        except OSError as error:
            raise OutputError(f"cannot be read: {one_line(error)}", where=file) from error
        except ValueError:
            unread.append(f"{file}: not an evaluation of this version of jianjie")
    return sorted(evaluations, key=lambda evaluation: evaluation.at), unread


def _lines(finished: Finished) -> str:
    """A sample a line, with its case's reference: enough to score it again elsewhere."""
    cases = {case.id: case for case in finished.cases}
    lines = []
    for sample in finished.samples:
        case = cases[sample.case]
        row = sample.model_dump(mode="json")
        row["reference"] = {
            "line": case.line,
            "tags": list(case.tags),
            "title": case.paper.title,
            "abstract": case.paper.abstract,
            "date": case.date.isoformat(),
        }
        lines.append(json.dumps(row, ensure_ascii=False))
    return "".join(f"{line}\n" for line in lines)
