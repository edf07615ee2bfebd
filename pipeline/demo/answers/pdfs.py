"""`/pdf/2601.02954v1`, or the newest without a version; parts of it; what comes in its place."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from pipeline.demo.answers.answer import HTML, Answer, page
from pipeline.demo.archive import Archive
from pipeline.demo.request import Request
from pipeline.errors import UsageError
from pipeline.records import Paper

PDF = "application/pdf"
Pdfs = Callable[[str], bytes | None]
"""A PDF's bytes by versioned id; None where there is none."""
_RANGE = re.compile(r"bytes=(?:(?P<first>\d+)-(?P<last>\d*)|-(?P<suffix>\d+))")


def pdf_folder(folder: Path) -> Pdfs:
    """The files of a folder: 2601.02954v1.pdf, math_0309136v1.pdf."""

    def read(versioned: str) -> bytes | None:
        file = folder / f"{versioned.replace('/', '_')}.pdf"
        return file.read_bytes() if file.is_file() else None

    return read


def asked_version(archive: Archive, request: Request) -> Paper | None:
    """The announced version that the address names."""
    try:
        return archive.find(request.address.removeprefix("/pdf/").removesuffix(".pdf"))
    except UsageError:
        return None


def pdf_answer(archive: Archive, pdfs: Pdfs, request: Request) -> Answer:
    """The PDF, all or part of it."""
    name = request.address.removeprefix("/pdf/")
    if request.query or name.endswith(".pdf"):
        return Answer(301, HTML, headers={"Location": f"/pdf/{name.removesuffix('.pdf')}"})
    paper = asked_version(archive, request)
    if paper and paper.versioned in archive.withdrawn:
        return withdrawn(paper.versioned)
    content = pdfs(paper.versioned) if paper else None
    if content is None:
        return no_document(name)
    return file_answer(request, content)


def withdrawn(versioned: str) -> Answer:
    """The page in the place of a PDF that its authors took back."""
    body = page(
        f"Paper {versioned} withdrawn",
        f"This version of {versioned} has been withdrawn and is unavailable",
        "See its abstract page for more details",
    )
    return Answer(404, HTML, body)


def no_document(name: str) -> Answer:
    """The page in the place of a PDF that there is not."""
    return Answer(404, HTML, page("arXiv", f"No document for '{name}'", "Check the id."))


def file_answer(request: Request, content: bytes) -> Answer:
    """RFC 9110, 14: one range or the whole; a changed file comes whole again (If-Range)."""
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Accept-Ranges": "bytes"}
    whole = Answer(200, PDF, content, headers, chunked=True)
    match = _RANGE.fullmatch(request.range)
    if match is None or request.if_range not in {"", etag}:
        return whole
    size = len(content)
    if match["suffix"] is not None:
        first, last = max(size - int(match["suffix"]), 0), size - 1
    else:
        first, last = int(match["first"]), min(int(match["last"] or size - 1), size - 1)
        if match["last"] and int(match["last"]) < first:
            return whole
    if first >= size or match["suffix"] == "0":
        refused = {**headers, "Content-Range": f"bytes */{size}"}
        return Answer(416, HTML, page("arXiv", "Range not satisfiable", ""), refused)
    part = {**headers, "Content-Range": f"bytes {first}-{last}/{size}"}
    return Answer(206, PDF, content[first : last + 1], part)
