"""A day's published JSON read back: what `restore` rebuilds the store from.

A file may have been edited by hand or come from elsewhere. It is taken whole or not at all: every
value has its type and bounds, its name says what is in it, and its digest can be written.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from pipeline.arxiv.ids import parse_id
from pipeline.digest.entries import TagChoice, digest_of
from pipeline.digest.markdown import render
from pipeline.errors import DigestFormatError, OutputError, UsageError, one_line
from pipeline.records import (
    Announcement,
    AnnounceType,
    Cause,
    Check,
    Day,
    Done,
    Evidence,
    LinePart,
    Metadata,
    Outcome,
    Owed,
    Paper,
    Provenance,
    Replaced,
    SectionKind,
    Stage,
    Summary,
)
from pipeline.text.evidence import MOST

_LARGEST = 100_000_000
"""Bytes; a day of 400 papers has two million."""
_MOST = 1e12
"""Of any number: what SQLite can store."""
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
"""What XML has not, and a terminal obeys."""


def _canonical(arxiv_id: str) -> str:
    """As the store and the site's file names have it."""
    try:
        parsed = parse_id(arxiv_id)
    except UsageError as error:
        raise ValueError(error.what) from error
    if str(parsed) != arxiv_id or parsed.version is not None:
        raise ValueError("not an arXiv id without a version")
    return arxiv_id


def _plain(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("a control character")
    return text


def _single(text: str) -> str:
    if "\n" in text:
        raise ValueError("more than one line")
    return text


def _within(provenance: Provenance) -> Provenance:
    for value in _values(provenance.model_dump()):
        if isinstance(value, int | float) and not 0 <= value <= _MOST:  # nor is NaN within
            raise ValueError("a number out of bounds")
        if isinstance(value, str):
            _plain(value)
    return provenance


def _values(value: object) -> Iterator[object]:
    """All that is in it, at whatever depth: provenance has two."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple):
        for inner in value:
            yield from _values(inner)
    else:
        yield value


_Word = Annotated[str, Field(max_length=1000), AfterValidator(_plain)]
_Text = Annotated[str, Field(max_length=50_000), AfterValidator(_plain)]
_Words = Annotated[tuple[_Word, ...], Field(max_length=20_000)]


class _Read(BaseModel):
    """Frozen; keys that only other readers of the file need are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Debt(_Read):
    stage: Stage
    cause: Cause = Cause.OTHER
    reason: _Text


class _Quote(_Read):
    part: LinePart
    words: _Word
    quote: _Word
    where: Literal["title", "abstract", "text"]
    section: SectionKind | None = None
    page: Annotated[int, Field(ge=1, le=99_999)] | None = None


class _Entry(_Read):
    announce_type: AnnounceType
    arxiv_id: Annotated[str, Field(max_length=50), AfterValidator(_canonical)]
    version: Annotated[int, Field(ge=0, le=9999)]
    """0: not known yet, and such a paper is owed."""
    title: _Text
    abstract: _Text
    authors: _Words
    comment: _Text | None = None
    categories: _Words
    submitted: dt.datetime | None = None
    metadata: Metadata
    replaced: Replaced | None = None
    line: Annotated[_Word, AfterValidator(_single)] | None
    evidence: Annotated[tuple[_Quote, ...], Field(max_length=MOST)] = ()
    model_tags: _Words = ()
    key: _Word = ""
    """Files of before it was written have none."""
    provenance: Annotated[Provenance, AfterValidator(_within)] | None = None
    owed: _Debt | None = None

    def outcome(self) -> Outcome:
        """Raises ValueError for what cannot be together."""
        paper = Paper.model_validate(self.model_dump(include=set(Paper.model_fields)))
        before = self.replaced.paper if self.replaced else None
        if before and (before.arxiv_id != paper.arxiv_id or before.version >= paper.version):
            raise ValueError(f"{paper.versioned} cannot replace {before.versioned}")
        item = Announcement(announce=self.announce_type, paper=paper, earlier=before)
        if self.line is not None and not self.version:
            raise ValueError(f"{paper.versioned} has a line and no version")
        if self.line is not None and self.provenance is not None:
            summary = Summary(
                key=self.key or f"{paper.versioned} restored",
                arxiv_id=paper.arxiv_id,
                version=paper.version,
                line=self.line,
                tags=self.model_tags,
                evidence=tuple(Evidence(**one.model_dump()) for one in self.evidence),
                provenance=self.provenance,
            )
            return Done(announcement=item, summary=summary)
        if self.line is not None or self.owed is None:
            raise ValueError(f"{paper.versioned} has no line with provenance, and is not owed")
        owed = self.owed
        return Owed(announcement=item, stage=owed.stage, cause=owed.cause, reason=owed.reason)


class _Document(_Read):
    format: Literal[1]
    date: dt.date
    field: _Word
    name: Annotated[str, Field(max_length=100, pattern=r"^\S+$")]
    categories: _Words
    source: _Word
    check: Check | None = None
    papers: Annotated[tuple[_Entry, ...], Field(max_length=20_000)]

    def day(self) -> Day:
        """Raises ValueError for what cannot be together."""
        ids = Counter(entry.arxiv_id for entry in self.papers)
        if twice := [arxiv_id for arxiv_id, times in ids.items() if times > 1]:
            raise ValueError(f"{twice[0]} is in it twice")
        return Day(
            date=self.date,
            field=self.field,
            name=self.name,
            categories=self.categories,
            source=self.source,
            outcomes=tuple(entry.outcome() for entry in self.papers),
            check=self.check,
        )


def read_document(path: Path, tags: TagChoice) -> Day:
    """The day in outputs/2026-01-07/audio.json. Raises OutputError, which says what is wrong."""
    try:
        day = _Document.model_validate_json(_content(path)).day()
        _named(path, day)
        render(digest_of(day, tags))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise _unusable(path, f"{place}: {first['msg']}") from error
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    except (ValueError, DigestFormatError) as error:
        raise _unusable(path, str(error)) from error
    return day


def _named(path: Path, day: Day) -> None:
    if (day.date.isoformat(), day.field) != (path.parent.name, path.stem):
        raise ValueError(f"it is of {day.date} {day.field}")


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise ValueError("it is no file")
    if path.stat().st_size > _LARGEST:
        raise ValueError("it is too large")
    return path.read_bytes()


def _unusable(path: Path, what: str) -> OutputError:
    fix = "Put it right or move it away, and restore again"
    return OutputError(f"cannot be used: {one_line(what)[:300]}", where=path, fix=fix)
