"""A PDF's text: a file in, `PaperText` out, whatever the file is.

One engine reads first; the other one reads what the first cannot, or reads badly. The text is then
cleaned and taken apart. Only as many pages are read as the prompt can use.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Protocol

from pipeline.errors import PdfUnreadable, counted
from pipeline.pdf.pages import Engine, RawText
from pipeline.records import Paper, PaperText, Pdf, TextSection
from pipeline.settings import ExtractSettings
from pipeline.text.affiliations import affiliations
from pipeline.text.links import work_links

_SIDE_STAMP = re.compile(r"arXiv:(\d{4}\.\d{4,5}v\d+) +\[[\w.-]+\] +\d{1,2} \w{3} \d{4}")
_LANGUAGE_SAMPLE = 3000
_LEFT_OUT = {"title", "acknowledgements", "references", "appendix"}
_ONE_AT_A_TIME = threading.Lock()
"""langdetect loads its profiles at first use, and answers nonsense to a second thread meanwhile."""


class Reader(Protocol):
    """What this stage needs of the pool of worker processes."""

    def read(self, path: Path, engine: Engine, max_pages: int) -> RawText:
        """The first pages as one engine reads them. Raises PdfUnreadable."""


def from_abstract(paper: Paper, fallback: str | None = None) -> PaperText:
    """The metadata's abstract as the text, and why, if the PDF was wanted."""
    return PaperText(source="abstract", body=paper.abstract, fallback=fallback)


def extract(
    pdf: Pdf,
    settings: ExtractSettings,
    reader: Reader,
    *,
    expect: str | None = None,
    most: int | None = None,
    enough: int = 0,
) -> PaperText:
    """The text of at most `max_pages` pages. Raises PdfUnreadable.

    `expect` is the paper's id with its version: arXiv stamps it on the first page's margin, and
    just after a replacement it may still serve the file before. `most` is how many pages the
    prompt can use; the others are read only where these give less than `enough` characters.
    """
    pages = min(most or settings.max_pages, settings.max_pages)
    raw, warnings = _best(pdf.path, settings, reader, pages)
    _check_stamp(raw, expect, pdf.path)
    text, sections, body = _taken_apart(raw)
    if len(raw.pages) < min(raw.total, settings.max_pages) and len(body) < enough:
        raw, warnings = _best(pdf.path, settings, reader, settings.max_pages)
        text, sections, body = _taken_apart(raw)
    if len(body) < settings.min_characters:
        raise PdfUnreadable(
            f"only {len(body)} characters of text on {counted(len(raw.pages), 'page')}",
            where=pdf.path.name,
        )
    if hidden := sum(page.hidden for page in raw.pages):
        warnings = (*warnings, f"{hidden} characters that no reader can see were left out")
    first = raw.pages[0].text if raw.pages else ""
    return PaperText(
        source="pdf",
        body=body,
        sections=sections,
        engine=raw.engine,
        language=_language(body),
        pages=raw.total,
        pages_read=len(raw.pages),
        characters=len(text),
        pdf_sha256=pdf.sha256,
        warnings=warnings,
        links=work_links((*raw.links, first)),
        affiliations=affiliations(first),
        page_texts=tuple(page.text for page in raw.pages),
    )


def _taken_apart(raw: RawText) -> tuple[str, tuple[TextSection, ...], str]:
    from pipeline.pdf.clean import clean
    from pipeline.pdf.sections import split

    text = clean([page.text for page in raw.pages])
    sections = split(text)
    return text, sections, _body(sections)


def _best(
    path: Path, settings: ExtractSettings, reader: Reader, pages: int
) -> tuple[RawText, tuple[str, ...]]:
    """The first engine's reading, or the second's where it is better, and why."""
    first = settings.first
    second: Engine = "pypdfium2" if first == "pypdf" else "pypdf"
    raw: RawText | None = None
    try:
        raw = reader.read(path, first, pages)
        trouble = _trouble(raw)
    except PdfUnreadable as error:
        trouble = error.what
        problem = error
    if raw is not None and trouble is None:
        return raw, ()
    try:
        other = reader.read(path, second, pages)
    except PdfUnreadable:
        other = None
    if other is not None and _is_better(other, raw):
        return other, (f"read by {second}: {first}: {trouble}", *other.problems)
    if raw is None:
        raise problem
    if garbage := _garbage(raw):
        raise PdfUnreadable(garbage, where=path.name)
    return raw, raw.problems


def _trouble(raw: RawText) -> str | None:
    """Why the other engine should have a try."""
    return raw.problems[0] if raw.problems else _garbage(raw, len(raw.pages))


def _garbage(raw: RawText, pages: int = 1) -> str | None:
    """With the number of pages, little text on them counts too: one engine may not see it."""
    from pipeline.pdf.quality import is_garbage

    return is_garbage("\n".join(page.text for page in raw.pages), pages)


def _is_better(other: RawText, raw: RawText | None) -> bool:
    """Text at all where there was none; else fewer pages that failed."""
    if _garbage(other):
        return False
    if raw is None or _garbage(raw):
        return True
    return len(other.problems) < len(raw.problems)


def _check_stamp(raw: RawText, expect: str | None, path: Path) -> None:
    """Only another version's stamp speaks against a file: not every file has one."""
    stamp = _SIDE_STAMP.search(raw.pages[0].text) if raw.pages and expect else None
    if stamp and expect and stamp[1] != expect and _base(stamp[1]) == _base(expect):
        raise PdfUnreadable(
            f"arXiv served {stamp[1]} in its place", where=path.name, fix="Reprocess it tomorrow"
        )


def _base(versioned: str) -> str:
    return versioned.rpartition("v")[0]


def _body(sections: tuple[TextSection, ...]) -> str:
    """From the abstract up to the references, white space folded; all where no heading is found."""
    kept = [section for section in sections if section.kind not in _LEFT_OUT]
    kept = kept or [section for section in sections if section.kind == "title"]
    parts = (part for s in kept for part in (_heading(s), s.text))
    return " ".join(" ".join(parts).split())


def _heading(section: TextSection) -> str:
    """A heading as a sentence of its own; the abstract's is not needed."""
    if section.kind == "abstract" or not section.heading:
        return ""
    return section.heading if section.heading.endswith((".", ":", "?")) else f"{section.heading}."


def _language(text: str) -> str | None:
    """The body's language as ISO 639-1; None where langdetect cannot tell."""
    import langdetect  # slow to load

    langdetect.DetectorFactory.seed = 0  # it is random otherwise
    try:
        with _ONE_AT_A_TIME:
            return str(langdetect.detect(text[:_LANGUAGE_SAMPLE]))
    except langdetect.LangDetectException:
        return None
