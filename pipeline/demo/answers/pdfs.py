"""`/pdf/2601.02954v1`, or the newest without a version; parts of it; what comes in its place."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from pipeline.demo.answers.answer import HTML, Answer, captcha, page
from pipeline.demo.archive import Archive
from pipeline.demo.asked import Asked
from pipeline.errors import UsageError
from pipeline.records import Paper

PDF = "application/pdf"
Pdfs = Callable[[str], bytes | None]
"""A PDF's bytes by versioned id; None where there is none."""
_FIRST_NAMES = {"html": "not_ready", "server_error": "not_made"}
_RANGE = re.compile(r"bytes=(?:(?P<first>\d+)-(?P<last>\d*)|-(?P<suffix>\d+))")


def pdf_folder(folder: Path) -> Pdfs:
    """The files of a folder: 2601.02954v1.pdf, math_0309136v1.pdf."""

    def read(versioned: str) -> bytes | None:
        file = folder / f"{versioned.replace('/', '_')}.pdf"
        return file.read_bytes() if file.is_file() else None

    return read


def asked_version(archive: Archive, asked: Asked) -> Paper | None:
    """The announced version that the address names."""
    try:
        return archive.find(asked.address.removeprefix("/pdf/").removesuffix(".pdf"))
    except UsageError:
        return None


def pdf_answer(archive: Archive, pdfs: Pdfs, asked: Asked, fault: str | None) -> Answer:
    """The PDF, all or part of it."""
    name = asked.address.removeprefix("/pdf/")
    if asked.query or name.endswith(".pdf"):
        return Answer(301, HTML, headers={"Location": f"/pdf/{name.removesuffix('.pdf')}"})
    paper = asked_version(archive, asked)
    content = pdfs(paper.versioned) if paper else None
    if paper and (instead := _instead(archive, paper.versioned, fault)):
        return instead
    if paper is None or content is None:
        return Answer(404, HTML, _no_document(name))
    if fault == "old_file" and paper.version > 1:
        content = pdfs(f"{paper.arxiv_id}v{paper.version - 1}") or content
    return _file(asked, _damaged(content, fault))._replace(cut=fault == "disconnect")


def _instead(archive: Archive, versioned: str, fault: str | None) -> Answer | None:
    """What comes in a PDF's place."""
    if versioned in archive.withdrawn:
        fault = "withdrawn"
    # The last two have the same words: only the status tells that one of them can pass.
    no_pdf = page("arXiv", "file unavailable", f"Nothing was made of the source of {versioned}.")
    answers: dict[str | None, tuple[int, bytes]] = {
        "withdrawn": (
            404,
            page(
                f"Paper {versioned} withdrawn",
                f"This version of {versioned} has been withdrawn and is unavailable",
                "See its abstract page for more details",
            ),
        ),
        "not_ready": (200, page(versioned, f"PDF of {versioned} not ready", "Try later.")),
        "no_source": (
            404,
            page(
                f"No file for {versioned}",
                f"File unavailable for {versioned}",
                "Its source was not provided to make one of.",
            ),
        ),
        "not_found": (404, _no_document(versioned)),
        "not_public": (403, page("arXiv", f"Source Not Public for {versioned}", "Sorry.")),
        "not_pdf": (404, no_pdf),
        "not_made": (500, no_pdf),
    }
    if fault == "captcha":
        return captcha()
    found = answers.get(_FIRST_NAMES.get(fault or "", fault))
    return Answer(found[0], HTML, found[1]) if found else None


def _no_document(name: str) -> bytes:
    return page("arXiv", f"No document for '{name}'", "Check the id.")


def _damaged(content: bytes, fault: str | None) -> bytes:
    match fault:
        case "empty":
            return b""
        case "truncated":
            return content[: len(content) * 6 // 10]
        case "encrypted":
            return _encrypted(content)
    return content


def _file(asked: Asked, content: bytes) -> Answer:
    """RFC 9110, 14: one range or the whole; a changed file comes whole again (If-Range)."""
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Accept-Ranges": "bytes"}
    whole = Answer(200, PDF, content, headers, chunked=True)
    found = _RANGE.fullmatch(asked.range)
    if found is None or asked.if_range not in {"", etag}:
        return whole
    size = len(content)
    if found["suffix"] is not None:
        first, last = max(size - int(found["suffix"]), 0), size - 1
    else:
        first, last = int(found["first"]), min(int(found["last"] or size - 1), size - 1)
        if found["last"] and int(found["last"]) < first:
            return whole
    if first >= size or found["suffix"] == "0":
        refused = {**headers, "Content-Range": f"bytes */{size}"}
        return Answer(416, HTML, page("arXiv", "Range not satisfiable", ""), refused)
    part = {**headers, "Content-Range": f"bytes {first}-{last}/{size}"}
    return Answer(206, PDF, content[first : last + 1], part)


def _encrypted(content: bytes) -> bytes:
    """The same pages behind a password that nobody has; RC4 needs no further package."""
    import pypdf  # slow to load

    writer = pypdf.PdfWriter(clone_from=BytesIO(content))
    writer.encrypt(user_password="not told", algorithm="RC4-128")  # noqa: S106 - no secret
    out = BytesIO()
    writer.write(out)
    return out.getvalue()
