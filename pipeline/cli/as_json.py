"""What `--json` prints: the same as the tables, for programs. One document a command.

Dates and times are ISO 8601, in UTC where they have a time; what is not known is null.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from pipeline.digest.ledger import ledger
from pipeline.records import Canary, Day, Done, Outcome, Paper, Replaced, Summary

if TYPE_CHECKING:
    from pipeline.cli.findings import Finding
    from pipeline.evaluate.results import Evaluation
    from pipeline.library.taste import Scored
    from pipeline.store.messages import Delivery
    from pipeline.store.runs import Run
    from pipeline.store.spending import Spent


def print_json(document: object) -> None:
    """ASCII alone, so that no terminal and no pipe can spoil it."""
    typer.echo(json.dumps(document, indent=1))


def of_status(
    days: Sequence[Day],
    runs: Sequence[Run],
    spent: Sequence[Spent],
    canary: Canary | None,
    unsent: Sequence[Delivery],
    outdated: Sequence[tuple[Summary, int]],
) -> dict[str, Any]:
    """Of `status`; newest first."""
    return {
        "days": [_day(day) for day in days],
        "runs": [run.model_dump(mode="json") for run in runs],
        "spent": [one.model_dump(mode="json") for one in spent],
        "canary": canary.model_dump(mode="json") if canary else None,
        "unsent": [
            one.model_dump(mode="json", include={"target", "created", "attempts", "error"})
            for one in unsent
        ],
        "outdated_edits": [
            {"arxiv_id": line.arxiv_id, "version": line.version, "newest": newest}
            for line, newest in outdated
        ],
    }


def _day(day: Day) -> dict[str, Any]:
    account = ledger(day)
    return {
        "date": day.date.isoformat(),
        "field": day.field,
        "name": day.name,
        "announced": account.announced,
        "done": account.done,
        "owed": account.owed,
        "problems": day.check.problems if day.check else None,
        "owed_papers": [
            {
                "id": one.announcement.paper.versioned,
                "title": one.announcement.paper.title,
                **one.model_dump(mode="json", include={"stage", "cause", "reason"}),
            }
            for one in day.owed
        ],
    }


def of_paper(
    paper: Paper, summaries: Sequence[tuple[Summary, bool]], earlier: Replaced | None
) -> dict[str, Any]:
    """Of `show`; every line, oldest first."""
    return {
        **paper.model_dump(mode="json"),
        "missing": paper.missing,
        "replaced": earlier.model_dump(mode="json") if earlier else None,
        "summaries": [
            summary.model_dump(mode="json") | {"published": published}
            for summary, published in summaries
        ],
    }


def of_ranking(ranking: Sequence[tuple[Outcome, Scored]]) -> list[dict[str, Any]]:
    """Of `rank`, the best first; the line is null where it is owed."""
    return [
        {
            "id": outcome.announcement.paper.versioned,
            "title": outcome.announcement.paper.title,
            "line": outcome.summary.line if isinstance(outcome, Done) else None,
            **scored.model_dump(mode="json"),
        }
        for outcome, scored in ranking
    ]


def of_findings(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Of `doctor`."""
    return [finding.model_dump(mode="json") for finding in findings]


def of_history(evaluations: Sequence[Evaluation]) -> list[dict[str, Any]]:
    """Of `evaluate --history`, oldest first: all that each report was made from but the samples."""
    return [evaluation.model_dump(mode="json") for evaluation in evaluations]
