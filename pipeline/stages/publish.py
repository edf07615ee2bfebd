"""A day's outcomes as files: the digest in Markdown, and JSON with every line's provenance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pipeline.digest.ledger import ledger
from pipeline.digest.markdown import Digest, Entry, load, render
from pipeline.files import write_atomic
from pipeline.records import Day, Done, Outcome, Paper, Record, Section, Summary
from pipeline.text.changes import replaced

TagChoice = Literal["listing", "model"]
JSON_FORMAT = 1


class Published(Record):
    """Where a day's files are, and whether this call changed them."""

    markdown: Path
    json_file: Path
    changed: bool


def digest_paths(day: Day, outputs: Path) -> tuple[Path, Path]:
    """outputs/2026-01-07/audio.md and .json."""
    folder = outputs / day.date.isoformat()
    return folder / f"{day.field}.md", folder / f"{day.field}.json"


def published_files(outputs: Path) -> list[Path]:
    """The JSON of every published day, oldest first."""
    return sorted(outputs.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]/*.json"))


def publish(day: Day, outputs: Path, tags: TagChoice) -> Published:
    """Write both files, each in one step, and only if they differ. Raises OutputError.

    What was published stays while a row of the store is lost that it shows: arXiv is asked first.
    """
    markdown, json_file = digest_paths(day, outputs)
    if _lacks(day) and json_file.exists():
        return Published(markdown=markdown, json_file=json_file, changed=False)
    changed = write_atomic(markdown, render(digest_of(day, tags)).encode())
    changed = write_atomic(json_file, json_of(day, tags)) or changed
    return Published(markdown=markdown, json_file=json_file, changed=changed)


def patch(day: Day, summary: Summary, outputs: Path, tags: TagChoice) -> Published:
    """Put one line into the published digest in place: no other byte of the Markdown changes.

    A day without a digest on disk is published whole. Raises DigestFormatError when the file was
    edited into something that is no digest, UsageError when the paper is not in it.
    """
    markdown, json_file = digest_paths(day, outputs)
    if not markdown.exists():
        return publish(day, outputs, tags)
    chosen = summary.tags if tags == "model" else None
    patched = load(markdown).with_summary(
        f"{summary.arxiv_id}v{summary.version}", line=summary.line, tags=chosen
    )
    changed = write_atomic(markdown, render(patched).encode())
    if not (_lacks(day) and json_file.exists()):
        changed = write_atomic(json_file, json_of(day, tags)) or changed
    return Published(markdown=markdown, json_file=json_file, changed=changed)


def _lacks(day: Day) -> bool:
    """Whether the store's row of the day, or of a paper in it, cannot be read."""
    papers = (outcome.announcement.paper for outcome in day.outcomes)
    return not day.categories or any(paper.metadata == "lost" for paper in papers)


def published_tags(paper: Paper, summary: Summary | None, tags: TagChoice) -> tuple[str, ...]:
    """arXiv's own categories in their order; the model's where there are none or on request."""
    if summary is not None and (tags == "model" or not paper.categories):
        return summary.tags
    return paper.categories


def digest_of(day: Day, tags: TagChoice) -> Digest:
    """The digest of a day, in arXiv's order, numbered from 1 in each section."""
    return Digest(
        name=day.name,
        categories_text=";  ".join(day.categories),  # two spaces, as in the series
        new=_entries(day, Section.NEW, tags),
        replaced=_entries(day, Section.REPLACED, tags),
    )


def _in_section(day: Day, section: Section) -> list[Outcome]:
    return [o for o in day.outcomes if o.announcement.announce.section is section]


def _entries(day: Day, section: Section, tags: TagChoice) -> tuple[Entry, ...]:
    return tuple(
        _entry(outcome, section, number, tags)
        for number, outcome in enumerate(_in_section(day, section), start=1)
    )


def _entry(outcome: Outcome, section: Section, number: int, tags: TagChoice) -> Entry:
    paper = outcome.announcement.paper
    summary = outcome.summary if isinstance(outcome, Done) else None
    return Entry(
        section=section,
        number=number,
        title=paper.title,
        tags_text="; ".join(published_tags(paper, summary, tags)),
        line=summary.line if summary else None,
        link=f"https://arxiv.org/pdf/{paper.versioned}",
        authors_text="; ".join(paper.authors),
        comment=paper.comment,
        abstract=paper.abstract,
    )


def json_of(day: Day, tags: TagChoice) -> bytes:
    """The day as JSON: ledger first, then every announced paper with its line or its debt."""
    papers = [
        _paper_json(outcome, section, number, tags)
        for section in Section
        for number, outcome in enumerate(_in_section(day, section), start=1)
    ]
    document = {
        "format": JSON_FORMAT,
        "date": day.date.isoformat(),
        "field": day.field,
        "name": day.name,
        "categories": day.categories,
        "source": day.source,
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
