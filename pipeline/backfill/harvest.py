"""A whole set by OAI-PMH, page after page: kept as it comes, gone on with after a stop.

arXiv lists records in the order of their last change, so that a list whose token is no longer known
goes on from the day of its last record (arXiv's public code: github.com/arXiv/oaipmh). Some records
come twice then, and the newest stands.
"""

from __future__ import annotations

import datetime as dt
import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from pipeline.arxiv.oai import OaiPage, parse_oai
from pipeline.backfill.snapshot import Told, Version
from pipeline.categories import oai_set, vocabulary
from pipeline.errors import OaiTokenExpired, OutputError, UsageError, one_line
from pipeline.files import write_atomic

_MOST_PAGES = 20_000
"""Three million records are some 1,200."""


class OaiSource(Protocol):
    """What is needed of the edge to arXiv."""

    def oai_changes(
        self, set_spec: str, since: dt.date | None, token: str | None = None
    ) -> tuple[bytes, str]:
        """A page of a set's records."""


def set_of(name: str) -> str:
    """A set's own name (cs:cs:SD), also for a category (cs.SD). Raises UsageError."""
    if name in vocabulary():
        return oai_set(name)
    if ":" in name or name in {"cs", "econ", "eess", "math", "physics", "q-bio", "q-fin", "stat"}:
        return name
    raise UsageError(
        f"{name!r} is no set of arXiv's", where="oai:", fix="Like oai:cs.SD or oai:cs:cs:SD"
    )


def harvest(
    set_spec: str, arxiv: OaiSource, folder: Path, tell: Callable[[str], None]
) -> Iterator[Told]:
    """The papers of a set. Raises ArxivError, and goes on where it stopped when called again.

    Deleted records and withdrawn versions are no papers.
    """
    folder = folder / set_spec.replace(":", "-")
    token: str | None = None
    last: dt.date | None = None
    number = 0
    for page in _kept(folder):
        number += 1
        token, last = page.token, _last(page) or last
        yield from _papers(page)
    if number and token is None:
        return
    while number < _MOST_PAGES:
        try:
            content, where = arxiv.oai_changes(set_spec, None if token else last, token)
            page = parse_oai(content, where=where)
        except OaiTokenExpired:
            if token is None:
                raise
            tell(f"{set_spec}: the list goes on from {last or 'its beginning'}: its token expired")
            token = None
            continue
        number += 1
        write_atomic(folder / f"{number:05d}.xml.gz", gzip.compress(content, 6, mtime=0))
        tell(
            f"{set_spec}: page {number}, {len(page.records):,} records, changed up to {_last(page)}"
        )
        yield from _papers(page)
        if page.token is None or page.token == token:
            return
        token, last = page.token, _last(page) or last


def _last(page: OaiPage) -> dt.date | None:
    return max((record.changed for record in page.records if record.changed), default=None)


def _papers(page: OaiPage) -> Iterator[Told]:
    for record in page.records:
        if record.deleted or record.versions[-1].withdrawn:
            continue
        versions = tuple(Version(one.number, one.submitted) for one in record.versions)
        yield Told(record.paper, versions)


def _kept(folder: Path) -> Iterator[OaiPage]:
    """The pages that are here, up to the first that cannot be read."""
    for number in range(1, _MOST_PAGES):
        path = folder / f"{number:05d}.xml.gz"
        if not path.exists():
            return
        try:
            content = gzip.decompress(path.read_bytes())
        except (OSError, EOFError, zlib.error) as error:
            raise OutputError(
                f"cannot be read: {one_line(error)[:100]}",
                where=path,
                fix="Remove it and those after it: the harvest goes on from there",
            ) from error
        yield parse_oai(content, where=str(path))
