"""Libraries of reference managers: BibTeX, RIS, Zotero's CSV, CSL JSON and Better BibTeX JSON.

    zotero.csv ─► Work(title, abstract, arXiv id)

A work needs a title; one that stands there twice is one.
https://docs.citationstyles.org/en/stable/specification.html, https://www.zotero.org/support/kb/
"""

from __future__ import annotations

import csv
import io
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError, one_line
from pipeline.records import Record
from pipeline.text.html import plain
from pipeline.text.matching import fold

EXTRA = ("sklearn", "bibtexparser", "rispy")
MOST_BYTES = 64 * 1024 * 1024
"""Of a file; a library of 20,000 works with abstracts has 40 MB."""
MOST_WORKS = 50_000
_LONGEST = 20_000
"""Characters of a title or an abstract that are read."""
_ARXIV = re.compile(
    r"(?:arxiv(?:\.org)?(?:[/:]|\s+)(?:abs/|pdf/)?)"
    r"(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})",
    re.IGNORECASE,
)
_BARE = re.compile(r"(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?")
_FORMATS = "Export BibTeX (.bib), RIS (.ris), Zotero's CSV (.csv), CSL or Better BibTeX (.json)"


class Work(Record):
    """A paper that the reader has, or does not want."""

    title: str
    abstract: str = ""
    arxiv_id: str | None = None

    @property
    def key(self) -> str:
        """What tells it from others: the title's letters."""
        return fold(self.title)


def need_extra() -> None:
    """Raises ConfigError where a package of the extra is missing."""
    if any(find_spec(name) is None for name in EXTRA):
        raise ConfigError(
            "scikit-learn, bibtexparser or rispy is not installed",
            where="library",
            fix="Install the extra: pip install 'jianjie[library]'",
        )


def read_works(files: Iterable[Path]) -> tuple[Work, ...]:
    """The works of all files, each once, in their order.

    Raises ConfigError for a file that cannot be read, is too large, or is none of the formats.
    """
    works: dict[str, Work] = {}
    for file in files:
        for work in _works(file):
            works.setdefault(work.key, work)
            if len(works) > MOST_WORKS:
                raise ConfigError(f"more than {MOST_WORKS:,} works", where=file, fix="Split it")
    return tuple(works.values())


def _works(file: Path) -> Iterator[Work]:
    text = _text(file)
    readers = {".bib": _bibtex, ".ris": _ris, ".csv": _csv, ".json": _json}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise ConfigError("its name has no ending that is known", where=file, fix=_FORMATS)
    try:
        works = [work for fields in reader(text) if (work := _work(fields))]
    except (ValueError, TypeError, AttributeError, RecursionError, csv.Error, OSError) as error:
        raise ConfigError(f"cannot be read: {one_line(error)}", where=file, fix=_FORMATS) from error
    if not works:
        raise ConfigError("has no work with a title", where=file, fix=_FORMATS)
    yield from works


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > MOST_BYTES:
            most = MOST_BYTES // 1024 // 1024
            raise ConfigError(f"is larger than {most} MB", where=file, fix="Export fewer works")
        return file.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {one_line(error.strerror or error)}",
            where=file,
            fix="Correct the name, or library in config.yaml",
        ) from error


def _work(fields: Mapping[str, str]) -> Work | None:
    """`fields`: title, abstract, and whatever may hold an arXiv id."""
    title = plain(_clipped(fields.get("title", "")))
    if not title:
        return None
    return Work(
        title=title,
        abstract=plain(_clipped(fields.get("abstract", ""))),
        arxiv_id=_arxiv_id(fields),
    )


def _clipped(text: str) -> str:
    return " ".join(text[:_LONGEST].split())


def _arxiv_id(fields: Mapping[str, str]) -> str | None:
    if bare := _BARE.fullmatch(fields.get("eprint", "").strip()):
        return bare[1]
    for name, value in fields.items():
        if name not in {"title", "abstract"} and (found := _ARXIV.search(value[:_LONGEST])):
            return found[1]
    return None


def _bibtex(text: str) -> Iterator[dict[str, str]]:
    import bibtexparser  # an extra

    # It tells of every entry that it cannot read; the others are read.
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)
    library = bibtexparser.entrypoint.parse_string(text)
    for entry in library.entries:
        yield {field.key.lower(): str(field.value) for field in entry.fields}


def _ris(text: str) -> Iterator[dict[str, str]]:
    import rispy  # an extra

    for entry in rispy.loads(text, skip_unknown_tags=True):
        fields = {name: _joined(value) for name, value in entry.items()}
        title = fields.get("title") or fields.get("primary_title") or ""
        abstract = fields.get("abstract") or fields.get("notes_abstract") or ""
        yield fields | {"title": title, "abstract": abstract}


def _csv(text: str) -> Iterator[dict[str, str]]:
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if "Title" not in (rows.fieldnames or ()):
        raise ValueError("the first line names no column Title")
    for row in rows:
        fields = {name.lower(): value for name, value in row.items() if name and value}
        yield fields | {"abstract": fields.get("abstract note", "")}


def _json(text: str) -> Iterator[dict[str, str]]:
    document = json.loads(text)
    items = document.get("items") if isinstance(document, dict) else document
    if not isinstance(items, list):
        raise ValueError("no list of items")  # noqa: TRY004 - a file that is wrong, not a call
    for item in items:
        if isinstance(item, dict):
            fields = {str(name).lower(): _joined(value) for name, value in item.items()}
            yield fields | {"abstract": fields.get("abstract") or fields.get("abstractnote", "")}


def _joined(value: Any) -> str:
    """A value as text; of lists the texts in them."""
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return " ".join(one for one in value if isinstance(one, str))
    return ""
