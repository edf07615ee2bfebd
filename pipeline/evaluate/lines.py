"""Digests as JSON lines: an entry a line, in .jsonl or .jsonl.gz."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pipeline.arxiv.ids import ArxivId, parse_id
from pipeline.errors import DigestFormatError, UsageError, one_line

SUFFIXES = (".jsonl", ".jsonl.gz")


class DigestLine(BaseModel):
    """One entry; what else stands in the line is nobody's business."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    date: dt.date
    field: str
    """As its digest's file is called: audio."""
    title: str
    abstract: str
    cats: tuple[str, ...]
    zh: str | None
    arxiv_id: str = Field(min_length=1)
    kind: Literal["new", "replaced"] = "new"
    version: int | None = Field(default=None, ge=1, le=99_999)
    authors: tuple[str, ...] = ()
    comment: str | None = None

    @field_validator("date", mode="before")
    @classmethod
    def _also_without_hyphens(cls, day: Any) -> Any:
        if isinstance(day, str) and len(day) == 8:
            return f"{day[:4]}-{day[4:6]}-{day[6:]}"
        return day

    @field_validator("title", "abstract", "zh", "comment")
    @classmethod
    def _in_one_line(cls, text: str | None) -> str | None:
        return None if text is None else one_line(text)

    @property
    def id(self) -> ArxivId:
        """Raises UsageError where it is none."""
        return parse_id(self.arxiv_id)


def is_lines(path: Path) -> bool:
    """Whether a file of this name has entries in lines."""
    return path.name.endswith(SUFFIXES)


def read_lines(path: Path) -> Iterator[DigestLine]:
    """The entries of a file.

    Raises UsageError where it is not there or cannot be read, DigestFormatError with its line where
    one is no entry.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            for number, text in enumerate(file, 1):
                yield _line(text, path, number)
    except FileNotFoundError as error:
        raise UsageError("no such file", where=path) from error
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot be read ({one_line(error)})", where=path) from error


def _line(text: str, path: Path, number: int) -> DigestLine:
    try:
        line = DigestLine.model_validate(json.loads(text))
        _ = line.id
    except (ValueError, UsageError) as error:
        what = error.errors()[0] if isinstance(error, ValidationError) else None
        said = f"{'.'.join(map(str, what['loc']))}: {what['msg']}" if what else one_line(error)
        raise DigestFormatError(
            f"is no entry ({said})",
            file=path,
            line=number,
            fix="Each line: a JSON object with date, field, title, abstract, cats, zh, arxiv_id",
        ) from error
    return line
