"""One paper's PDF, from the cache or from arXiv."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from pipeline.arxiv.pdf import Tally
from pipeline.errors import OutputError, PdfError, one_line
from pipeline.records import Paper, Pdf

_CHUNK = 1_000_000


class PdfSource(Protocol):
    """What this stage needs of the edge to arXiv."""

    def pdf(self, versioned: str, target: Path, not_these: frozenset[str] = frozenset()) -> Pdf:
        """Download one PDF to `target`, whole or not at all; not the files with these sums."""


def download(
    paper: Paper, arxiv: PdfSource, cache: Path, not_these: frozenset[str] = frozenset()
) -> Pdf:
    """The PDF of exactly this version, kept in `cache` by id and version.

    A version's PDF never changes, so a whole file that is there is not asked for again. The
    SHA-256 sums of earlier versions are `not_these`. Raises PdfNotReady (ask again later), other
    PdfErrors or ArxivError (read the abstract instead), OutputError (stop).
    """
    target = cached_file(cache, paper.versioned)
    cached = _cached(target)
    if cached is not None and cached.sha256 not in not_these:
        return cached
    return arxiv.pdf(paper.versioned, target, not_these)


def cached_file(cache: Path, versioned: str) -> Path:
    """Where the PDF of a version is, or would be."""
    return cache / f"{versioned.replace('/', '_')}.pdf"


def _cached(target: Path) -> Pdf | None:
    """The file as it is in the cache, marked as used; None without a whole one."""
    tally = Tally()
    try:
        with target.open("rb") as file:
            while chunk := file.read(_CHUNK):
                tally.add(chunk)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OutputError(
            f"cannot be read: {one_line(error)}", where=target, fix="Delete it"
        ) from error
    try:
        tally.check(target)
    except PdfError:
        return None
    with suppress(OSError):
        os.utime(target)  # the longest unused go first
    return Pdf(path=target, sha256=tally.sha256, size=tally.size)


def prune(cache: Path, max_mb: int, keep: Collection[Path] = ()) -> None:
    """Bring the PDFs in `cache` down to `max_mb`: the longest unused go, but none of `keep`.

    Raises nothing: what cannot be removed, or is gone already, is passed over.
    """
    files = sorted(_pdfs(cache))
    excess = sum(size for _, size, _ in files) - max_mb * 1_000_000
    for _, size, path in files:
        if excess <= 0:
            return
        if path not in keep:
            with suppress(OSError):
                path.unlink(missing_ok=True)
                excess -= size


def _pdfs(cache: Path) -> list[tuple[float, int, Path]]:
    """When each was last used, its bytes, and where it is."""
    pdfs = []
    for path in cache.glob("*.pdf"):
        with suppress(OSError):  # another process prunes too
            status = path.stat()
            if stat.S_ISREG(status.st_mode):
                pdfs.append((status.st_mtime, status.st_size, path))
    return pdfs
