"""One paper's PDF, from the cache or from arXiv."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Protocol

from pipeline.errors import OutputError, one_line
from pipeline.records import Paper, Pdf


class PdfSource(Protocol):
    """What this stage needs of the edge to arXiv."""

    def pdf(self, versioned: str, target: Path) -> Pdf:
        """Download one PDF to `target`, whole or not at all."""


def download(paper: Paper, arxiv: PdfSource, cache: Path) -> Pdf:
    """The PDF of exactly this version, kept in `cache` by id and version.

    A version's PDF never changes, so a file that is there is not asked for again. Raises PdfError
    or ArxivError (read the abstract instead), OutputError (stop).
    """
    target = cache / f"{paper.versioned.replace('/', '_')}.pdf"
    try:
        if target.is_file():
            content = target.read_bytes()
            return Pdf(path=target, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    except OSError as error:
        raise OutputError(
            f"cannot be read: {one_line(error)}", where=target, fix="Delete it"
        ) from error
    return arxiv.pdf(paper.versioned, target)
