"""A PDF's text: bytes on disk in, `PaperText` out.

Text comes in the order of the PDF's content stream, which for TeX is the reading order of both
columns. The body runs from the abstract up to the references.
"""

from __future__ import annotations

import logging
import re
import threading
import time
import unicodedata
from pathlib import Path

from pipeline.errors import PdfUnreadable, one_line
from pipeline.records import Paper, PaperText, Pdf
from pipeline.settings import ExtractSettings

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # its warnings are about files, not for us

_LIGATURE = re.compile(r"[\ufb00-\ufb06]")
_UNWANTED = re.compile(r"[\ud800-\udfff\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BROKEN_WORD = re.compile(r"(?<=[a-z])-\n+(?=[a-z])")  # over a page break too
_SIDE_STAMP = re.compile(r"arXiv:(\d{4}\.\d{4,5}v\d+) +\[[\w.-]+\] +\d{1,2} \w{3} \d{4}")
_ABSTRACT = re.compile(r"^\s*abstract\b[\s.:—–-]*", re.IGNORECASE | re.MULTILINE)
_REFERENCES = re.compile(r"^\s*(?:\d+\.?\s+)?(?:references|bibliography)\s*$", re.I | re.M)
_LANGUAGE_SAMPLE = 3000
_ONE_AT_A_TIME = threading.Lock()
"""langdetect loads its profiles at first use, and answers nonsense to a second thread meanwhile."""


def from_abstract(paper: Paper, fallback: str | None = None) -> PaperText:
    """The metadata's abstract as the text, and why, if the PDF was wanted."""
    return PaperText(source="abstract", body=paper.abstract, fallback=fallback)


def extract(pdf: Pdf, settings: ExtractSettings, expect: str | None = None) -> PaperText:
    """The text of at most `max_pages` pages. Raises PdfUnreadable.

    `expect` is the paper's id with its version: arXiv stamps it on the first page's margin, and
    just after a replacement it may still serve the file before.
    """
    pages, total = _read(pdf.path, settings)
    _check_stamp(pages, expect, pdf.path)
    body = _body(_clean("\n".join(pages)))
    if len(body) < settings.min_characters:
        raise PdfUnreadable(
            f"only {len(body)} characters of text on {len(pages)} pages", where=pdf.path.name
        )
    return PaperText(
        source="pdf",
        body=body,
        language=_language(body),
        pages=total,
        pages_read=len(pages),
        pdf_sha256=pdf.sha256,
    )


def _read(path: Path, settings: ExtractSettings) -> tuple[list[str], int]:
    """Text page by page, and the number of pages; the time limit is looked at between pages.

    A damaged page is left out; with no page left the file is unreadable.
    """
    import pypdf  # noqa: PLC0415 - slow to load

    deadline = time.monotonic() + settings.timeout_s
    pages: list[str] = []
    problem: Exception | None = None
    # pypdf meets damage with errors of every kind, RecursionError among them.
    try:
        with pypdf.PdfReader(path) as reader:
            total = len(reader.pages)
            for number in range(min(total, settings.max_pages)):
                if time.monotonic() > deadline:
                    break
                try:
                    pages.append(reader.pages[number].extract_text())
                except Exception as error:
                    problem = error
    except Exception as error:
        raise _unreadable(path, error) from error
    if problem is not None and not pages:
        raise _unreadable(path, problem) from problem
    return pages, total


def _check_stamp(pages: list[str], expect: str | None, path: Path) -> None:
    """Only another version's stamp speaks against a file: not every file has one."""
    found = _SIDE_STAMP.search(pages[0]) if pages and expect else None
    if found and expect and found[1] != expect and _base(found[1]) == _base(expect):
        raise PdfUnreadable(
            f"arXiv served {found[1]} in its place", where=path.name, fix="Reprocess it tomorrow"
        )


def _base(versioned: str) -> str:
    return versioned.rpartition("v")[0]


def _unreadable(path: Path, error: Exception) -> PdfUnreadable:
    reason = one_line(error) or type(error).__name__
    return PdfUnreadable(f"cannot be read ({reason[:120]})", where=path.name)


def _clean(text: str) -> str:
    """Ligatures resolved, broken words joined, arXiv's side stamp and stray codes removed."""
    text = _UNWANTED.sub("", text.replace("\r\n", "\n"))
    text = _LIGATURE.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    return _BROKEN_WORD.sub("", _SIDE_STAMP.sub("", text))


def _body(text: str) -> str:
    """From the abstract up to the references, white space folded."""
    start = _ABSTRACT.search(text)
    text = text[start.end() :] if start and start.start() < len(text) // 2 else text
    ends = [found.start() for found in _REFERENCES.finditer(text)]
    if ends and ends[-1] > len(text) // 3:
        text = text[: ends[-1]]
    return " ".join(text.split())


def _language(text: str) -> str | None:
    """The body's language as ISO 639-1; None where langdetect cannot tell."""
    import langdetect  # noqa: PLC0415 - slow to load

    langdetect.DetectorFactory.seed = 0  # it is random otherwise
    try:
        with _ONE_AT_A_TIME:
            return str(langdetect.detect(text[:_LANGUAGE_SAMPLE]))
    except langdetect.LangDetectException:
        return None
