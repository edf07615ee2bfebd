"""ArXiv's metadata snapshot: a JSON object a line, plain, gz or zst, read as a stream.

A line has id, title, abstract, authors, authors_parsed, comments, categories (separated by spaces)
and versions, each with its number and its date; the texts are those of the latest version
(the public dataset Cornell-University/arxiv).
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.arxiv import bounds
from pipeline.arxiv.ids import parse_id
from pipeline.arxiv.names import split_authors, to_unicode
from pipeline.errors import UsageError, one_line
from pipeline.records import Paper

_CHUNK = 1 << 20
_LONGEST_LINE = 8_000_000
"""Bytes: the longest author list makes a line of 300,000."""


class Version(NamedTuple):
    """One version in a paper's history."""

    number: int
    submitted: dt.datetime
    """UTC."""


class Told(NamedTuple):
    """A paper in the version that its texts are of, and all its versions, oldest first."""

    paper: Paper
    versions: tuple[Version, ...]


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _RawVersion(BaseModel):
    model_config = ConfigDict(extra="ignore")

    version: str = Field(pattern=r"^v[1-9][0-9]{0,4}$")
    created: str


class _Raw(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: str
    title: str
    abstract: str
    authors: str = ""
    authors_parsed: list[list[str]] = []
    comments: str | None = None
    categories: str
    versions: list[_RawVersion] = Field(min_length=1)


def snapshot_papers(
    path: Path, categories: Sequence[str], left_out: Counter[str]
) -> Iterator[Told]:
    """The papers of a snapshot that may have one of the categories, in the file's order.

    `left_out` counts the lines that are none of them, by what is wrong. Raises UsageError where the
    file is not there or is cut in the middle: what follows would be missing, and nobody would know.
    """
    wanted = [category.encode() for category in categories]
    number = 0
    for number, line in _lines(path):  # noqa: B007 - told at the end
        if not any(category in line for category in wanted):
            continue  # without parsing: of three million lines a field has few
        try:
            yield _told(json.loads(line))
        except (ValueError, RecursionError, UsageError) as error:
            left_out[f"no paper in the line: {_what(error)}"] += 1
    if not number:
        raise UsageError("has no line", where=path, fix="Give arXiv's metadata snapshot")


def _what(error: Exception) -> str:
    """Our own words, without what stands in the line."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'line'}: {first['type']}"
    return "it is no JSON" if isinstance(error, json.JSONDecodeError) else "id or date"


def _told(raw: Any) -> Told:
    line = _Raw.model_validate(raw)
    versions = sorted(Version(int(v.version[1:]), _utc(v.created)) for v in line.versions)
    latest = versions[-1]
    paper = Paper(
        arxiv_id=parse_id(line.id).base,
        version=latest.number,
        title=bounds.field(line.title, bounds.TITLE),
        abstract=bounds.field(line.abstract, bounds.ABSTRACT),
        authors=bounds.authors(_authors(line)),
        comment=bounds.field(line.comments or "", bounds.COMMENT) or None,
        categories=tuple(dict.fromkeys(line.categories.split())),
        submitted=latest.submitted,
        metadata="oai",
    )
    return Told(paper, tuple(versions))


def _utc(text: str) -> dt.datetime:
    try:
        stamp = parsedate_to_datetime(text)
        return stamp.replace(tzinfo=stamp.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (TypeError, OverflowError) as error:
        raise ValueError("no date") from error


def _authors(line: _Raw) -> list[str]:
    """First name, last name, suffix; the string where the parts are not there."""
    if not line.authors_parsed:
        return list(split_authors(line.authors[: bounds.AUTHORS]))
    names = []
    for last, first, *rest in ([*parts, "", ""] for parts in line.authors_parsed[: bounds.NAMES]):
        suffix = f", {rest[0]}" if rest and rest[0] else ""
        names.append(to_unicode(one_line(f"{first} {last}"[: bounds.NAME]) + suffix))
    return names


# The file


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers. Raises UsageError where the last one is cut."""
    number, rest = 0, b""
    with _opened(path) as stream:
        while True:
            try:
                chunk = stream.read(_CHUNK)
            except (OSError, EOFError, zlib.error) as error:
                raise _cut(path, number) from error
            if not chunk:
                break
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                number += 1
                if line.strip():
                    yield number, line
            if len(rest) > _LONGEST_LINE:
                raise UsageError(
                    f"has a line of more than {_LONGEST_LINE:,} bytes",
                    where=f"{path}:{number + 1}",
                    fix="Give arXiv's metadata snapshot",
                )
    if rest.strip():
        try:
            json.loads(rest)
        except (ValueError, RecursionError) as error:
            raise _cut(path, number) from error
        yield number + 1, rest


def _cut(path: Path, number: int) -> UsageError:
    return UsageError(
        f"ends in the middle, after {number:,} whole lines",
        where=path,
        fix="Download it again: papers would be missing",
    )


@contextmanager
def _opened(path: Path) -> Iterator[_Stream]:
    try:
        with path.open("rb") as file:
            if path.suffix == ".gz":
                with gzip.open(file) as unpacked:
                    yield cast(IO[bytes], unpacked)
            elif path.suffix in {".zst", ".zstd"}:
                import pyarrow as pa

                yield pa.CompressedInputStream(pa.PythonFile(file), "zstd")
            else:
                yield file
    except FileNotFoundError as error:
        raise UsageError("no such file", where=path) from error
    except IsADirectoryError as error:
        raise UsageError("is a folder", where=path, fix="Name the file in it") from error
    except PermissionError as error:
        raise UsageError("cannot be read", where=path, fix="Give permission") from error
