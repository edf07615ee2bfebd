"""A day's outcomes as files, one a format: Markdown and JSON always, others on request."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline.digest.document import json_of
from pipeline.digest.entries import TagChoice, digest_of
from pipeline.digest.markdown import load, render
from pipeline.digest.table import csv_of
from pipeline.files import write_atomic
from pipeline.records import Day, Record, Summary


class Format(NamedTuple):
    """A file that a day is published as: how its name ends, and its bytes."""

    suffix: str
    content: Callable[[Day, TagChoice], bytes]


def _markdown(day: Day, tags: TagChoice) -> bytes:
    return render(digest_of(day, tags)).encode()


ALWAYS = (Format("md", _markdown), Format("json", json_of))
"""The digest itself, and what the store can be rebuilt from."""
EXTRA: Mapping[str, Format] = {"csv": Format("csv", csv_of)}
"""By the name that the settings have for it."""


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


def publish(day: Day, outputs: Path, tags: TagChoice, extra: Collection[str] = ()) -> Published:
    """Write the day's files, each in one step, and only if they differ. Raises OutputError.

    `extra` names the formats beside Markdown and JSON.

    What was published stays while a row of the store is lost that it shows: arXiv is asked first.
    """
    markdown, json_file = digest_paths(day, outputs)
    if _lacks(day) and json_file.exists():
        return Published(markdown=markdown, json_file=json_file, changed=False)
    written = [
        write_atomic(markdown.with_suffix(f".{form.suffix}"), form.content(day, tags))
        for form in (*ALWAYS, *_extra(extra))
    ]
    return Published(markdown=markdown, json_file=json_file, changed=any(written))


def _extra(names: Collection[str]) -> list[Format]:
    return [EXTRA[name] for name in names]


def patch(
    day: Day, summary: Summary, outputs: Path, tags: TagChoice, extra: Collection[str] = ()
) -> Published:
    """Put one line into the published digest in place: no other byte of the Markdown changes.

    A day without a digest on disk is published whole. Raises DigestFormatError when the file was
    edited into something that is no digest, UsageError when the paper is not in it.
    """
    markdown, json_file = digest_paths(day, outputs)
    if not markdown.exists():
        return publish(day, outputs, tags, extra)
    chosen = summary.tags if tags == "model" else None
    patched = load(markdown).with_summary(
        f"{summary.arxiv_id}v{summary.version}", line=summary.line, tags=chosen
    )
    written = [write_atomic(markdown, render(patched).encode())]
    if not (_lacks(day) and json_file.exists()):
        written += [
            write_atomic(markdown.with_suffix(f".{form.suffix}"), form.content(day, tags))
            for form in (*ALWAYS[1:], *_extra(extra))
        ]
    return Published(markdown=markdown, json_file=json_file, changed=any(written))


def _lacks(day: Day) -> bool:
    """Whether the store's row of the day, or of a paper in it, cannot be read."""
    papers = (outcome.announcement.paper for outcome in day.outcomes)
    return not day.categories or any(paper.metadata == "lost" for paper in papers)
