"""A day as JSON: every line with its provenance, every debt with its reason."""

from __future__ import annotations

import json
from typing import Any

from pipeline.digest.entries import TagChoice, in_section, published_tags
from pipeline.digest.ledger import ledger
from pipeline.records import Day, Done, Outcome, Section, Summary
from pipeline.text.changes import replaced

JSON_FORMAT = 1


def json_of(day: Day, tags: TagChoice) -> bytes:
    """The day as JSON: ledger first, then every announced paper with its line or its debt."""
    papers = [
        _paper_json(outcome, section, number, tags)
        for section in Section
        for number, outcome in enumerate(in_section(day, section), start=1)
    ]
    document = {
        "format": JSON_FORMAT,
        "date": day.date.isoformat(),
        "field": day.field,
        "name": day.name,
        "categories": day.categories,
        "source": day.source,
        **({"reconstructed": True} if day.reconstructed else {}),
        "ledger": ledger(day).model_dump(mode="json"),
        "check": day.check.model_dump(mode="json") if day.check else None,
        **({"canary": day.canary.model_dump(mode="json")} if day.canary else {}),
        "papers": papers,
    }
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _paper_json(outcome: Outcome, section: Section, number: int, tags: TagChoice) -> dict[str, Any]:
    paper = outcome.announcement.paper
    earlier = replaced(outcome.announcement.earlier, paper)
    entry = {
        "section": section.value,
        "number": number,
        "announce_type": outcome.announcement.announce.value,
        **paper.model_dump(mode="json"),
        "missing": paper.missing,
        "replaced": earlier.model_dump(mode="json") if earlier else None,
    }
    if isinstance(outcome, Done):
        summary = outcome.summary
        return entry | {
            "line": summary.line,
            **_evidence(summary),
            "tags": published_tags(paper, summary, tags),
            "model_tags": summary.tags,
            "key": summary.key,
            "provenance": summary.provenance.model_dump(mode="json"),
        }
    return entry | {
        "line": None,
        "tags": published_tags(paper, None, tags),
        "owed": outcome.model_dump(mode="json", include={"stage", "cause", "reason"}),
    }


def _evidence(summary: Summary) -> dict[str, Any]:
    """Where there is any: what was published before there was is not written again."""
    found = [one.model_dump(mode="json") for one in summary.evidence]
    return {"evidence": found} if found else {}
