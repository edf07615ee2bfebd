"""A paper from a file: its line, in a digest of its own.

What arXiv would say of it is taken from the PDF as far as it can be told: title and authors from
how the first page looks, the abstract from its heading, the tags from the model.
"""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pipeline.arxiv.calendar import eastern_date
from pipeline.arxiv.ids import ArxivId, parse_id
from pipeline.digest.markdown import Digest, Entry, render
from pipeline.edges import Edges
from pipeline.errors import UsageError, one_line
from pipeline.files import write_atomic
from pipeline.night.paper import checks_of, key_of, kit_of, write_from
from pipeline.night.reprocess import Again
from pipeline.pdf.pages import Front
from pipeline.records import Paper, PaperText, Pdf, Section, Summary
from pipeline.stages.extract import extract, from_abstract
from pipeline.stages.summarize import Refused

FOLDER = "files"
_NAME = "文件"
_LONGEST_ABSTRACT = 3000
"""Characters: where no heading says how far it goes, the text's beginning stands for it."""


def named(text: str) -> Path | ArxivId:
    """The PDF file or the paper of arXiv's that `text` names. Raises UsageError."""
    path = Path(text)
    if path.suffix.lower() != ".pdf":
        return parse_id(text)
    if path.exists():
        return path
    try:
        return parse_id(text)  # as its file is called, or its address ends
    except UsageError:
        return path


def reprocess_file(edges: Edges, path: Path) -> Again:
    """Write the line of the paper in this file, into outputs/files/.

    Raises UsageError, PdfError, ModelError.
    """
    pdf = _pdf(path, edges.config.arxiv.max_pdf_mb)
    front = edges.readers.front(path)
    whole = extract(pdf, edges.config.extract, edges.readers)
    paper = _paper(front, whole, pdf)
    text = whole if edges.variant.wants_pdf else from_abstract(paper)
    kit = kit_of(edges)
    day = eastern_date(edges.clock.now())
    result = write_from(
        paper,
        text,
        kit,
        edges.model.for_one_paper(),
        edges.store.replies,
        now=edges.clock.now(),
        checks=checks_of(edges, paper, day),
    )
    if isinstance(result, Refused):
        edges.store.replies.close_round(key_of(paper, kit, edges.model))
        return Again(paper=paper, old=None, new=None, reasons=result.reasons, file=path)
    written = _published(edges.config.paths.outputs / FOLDER, path, paper, pdf, result)
    old = None if written else result
    return Again(paper=paper, old=old, new=result, patched=written, file=path)


def _pdf(path: Path, most_mb: int) -> Pdf:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UsageError("is no file", where=path, fix="Name a PDF file")
        size = status.st_size
        if size > most_mb * 1_000_000:
            raise UsageError(f"has more than {most_mb} MB", where=path, fix="See arxiv.max_pdf_mb")
        content = path.read_bytes()
    except OSError as error:
        reason = one_line(error.strerror or error)
        raise UsageError(f"cannot be read: {reason}", where=path, fix="Name a PDF file") from error
    if b"%PDF-" not in content[:1024]:
        raise UsageError("is no PDF", where=path, fix="Name a PDF file, or a paper's arXiv id")
    return Pdf(path=path, sha256=hashlib.sha256(content).hexdigest(), size=size)


def _paper(front: Front, text: PaperText, pdf: Pdf) -> Paper:
    parts = {section.kind: section.text for section in reversed(text.sections)}
    title = front.title or pdf.path.stem
    abstract = parts.get("abstract") or text.body
    return Paper(
        arxiv_id=f"file-{pdf.sha256[:12]}",
        version=0,
        title=one_line(title),
        abstract=one_line(abstract)[:_LONGEST_ABSTRACT],
        authors=tuple(map(one_line, front.authors)),
        categories=(),
    )


def _place(folder: Path, stem: str, sha256: str) -> Path:
    """STEM.md; where another file's digest stands there, STEM-SHA256.md."""
    other = _told(folder / f"{stem}.json").get("sha256", sha256)
    return folder / (f"{stem}.md" if other == sha256 else f"{stem}-{sha256[:8]}.md")


def _told(file: Path) -> dict[str, Any]:
    """What a digest's JSON says; nothing where there is none that can be read."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _published(
    folder: Path, path: Path, paper: Paper, pdf: Pdf, summary: Summary
) -> tuple[Path, ...]:
    """Markdown and JSON; those that changed. What only repeats a line changes none."""
    entry = Entry(
        section=Section.NEW,
        number=1,
        title=paper.title,
        tags_text="; ".join(summary.tags),
        line=summary.line,
        link=f"{quote(path.stem)[:200]}.pdf",
        authors_text="; ".join(paper.authors),
        comment=None,
        abstract=paper.abstract,
    )
    digest = Digest(name=_NAME, categories_text="", new=(entry,), replaced=())
    document = {
        "file": path.name,
        "sha256": pdf.sha256,
        **paper.model_dump(mode="json", include={"title", "authors", "abstract"}),
        "line": summary.line,
        "tags": summary.tags,
        "key": summary.key,
        "provenance": summary.provenance.model_dump(mode="json"),
    }
    markdown = _place(folder, path.stem, pdf.sha256)
    said = ("sha256", "title", "authors", "line", "tags", "key")
    before = _told(markdown.with_suffix(".json"))
    again = json.loads(json.dumps(document))
    if markdown.exists() and all(before.get(name) == again[name] for name in said):
        return ()
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    files = {markdown: render(digest).encode(), markdown.with_suffix(".json"): text.encode()}
    return tuple(file for file, content in files.items() if write_atomic(file, content))
