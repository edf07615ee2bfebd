"""The two engines, each from a PDF's bytes to `RawText`. They run in a worker process: `pool`."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, TypeVar

from pipeline.errors import PdfUnreadable, counted
from pipeline.pdf.pages import Engine, Figure, Front, PageText, RawText

if TYPE_CHECKING:
    import pypdfium2

T = TypeVar("T")

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ENCRYPTED = frozenset({"FileNotDecryptedError", "WrongPasswordError"})


def read(pdf: bytes, engine: Engine, max_pages: int, deadline: float) -> RawText:
    """The text of the first `max_pages` pages, as raw as the engine gives it.

    A damaged page stands as an empty page and a problem. `deadline`, in seconds of
    time.monotonic, is looked at between pages: the pages read so far are given, and a problem.
    Raises PdfUnreadable (encrypted, damaged, without pages, no page that can be read) and
    MemoryError.
    """
    reader = _read_pypdf if engine == "pypdf" else _read_pypdfium2
    try:
        return reader(pdf, max_pages, deadline)
    except (PdfUnreadable, MemoryError):
        raise
    except Exception as error:  # damage shows as errors of every kind, RecursionError among them
        raise PdfUnreadable(f"cannot be read ({_reason(error)})") from error


def front(pdf: bytes) -> Front:
    """What the first page says of the paper. Raises PdfUnreadable and MemoryError."""
    from pipeline.pdf.front import front_of  # it loads PDFium

    return _looked_at(pdf, front_of)


def figure(pdf: bytes) -> Figure | None:
    """The first figure, if it can be told. Raises PdfUnreadable and MemoryError."""
    from pipeline.pdf.figure import figure_of  # it loads PDFium

    return _looked_at(pdf, figure_of)


def _looked_at(pdf: bytes, look: Callable[[bytes], T]) -> T:
    try:
        return look(pdf)
    except MemoryError:
        raise
    except Exception as error:  # damage shows as errors of every kind
        raise PdfUnreadable(f"cannot be read ({_reason(error)})") from error


def warm_up() -> None:
    """Load both engines now, so that no paper's time is spent on it."""
    import pypdf  # noqa: F401 - slow to load

    import pipeline.pdf.figure
    import pipeline.pdf.front
    import pipeline.pdf.hidden
    import pipeline.pdf.links  # noqa: F401 - they load PDFium


def _read_pypdf(pdf: bytes, max_pages: int, deadline: float) -> RawText:
    """Plain mode, as far as it says no more than what PDFium shows: `hidden`."""
    import pypdf  # slow to load

    from pipeline.pdf.hidden import confirmed  # it loads PDFium
    from pipeline.pdf.plain import plain_text  # it loads pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # its warnings are about files
    with pypdf.PdfReader(BytesIO(pdf)) as reader, _document(pdf) as document:

        def page_text(number: int) -> PageText:
            return confirmed(plain_text(reader.pages[number]), _shown(document, number))

        raw = _pages("pypdf", len(reader.pages), max_pages, deadline, page_text)
        return _with_links(raw, document)


def _read_pypdfium2(pdf: bytes, max_pages: int, deadline: float) -> RawText:
    """PDFium's text, without what it holds and does not show: `hidden`."""
    with _document(pdf) as document:
        total = len(document)
        raw = _pages("pypdfium2", total, max_pages, deadline, lambda n: _shown(document, n))
        return _with_links(raw, document)


def _with_links(raw: RawText, document: pypdfium2.PdfDocument) -> RawText:
    """Text without links is better than none."""
    from pipeline.pdf.links import links_of  # it loads PDFium

    try:
        return raw.model_copy(update={"links": links_of(document, 0)})
    except MemoryError:
        raise
    except Exception:  # damage shows as errors of every kind
        return raw


@contextmanager
def _document(pdf: bytes) -> Iterator[pypdfium2.PdfDocument]:
    import pypdfium2  # slow to load

    document = pypdfium2.PdfDocument(pdf)
    try:
        document.init_forms()  # their fields may cover text
        yield document
    finally:
        document.close()


def _shown(document: pypdfium2.PdfDocument, number: int) -> PageText:
    """PDFium ends lines with CR LF, and writes U+FFFE for a hyphen at the end of a line."""
    from pipeline.pdf.hidden import visible_text  # it loads PDFium
    from pipeline.pdf.sheet import Sheet  # it loads PDFium

    sheet = Sheet(document[number])
    try:
        page = visible_text(sheet)
    finally:
        sheet.close()
    text = page.text.replace("\r\n", "\n").replace("\r", "\n")
    return page.model_copy(update={"text": re.sub("\ufffe\n?", "-\n", text)})


def _pages(
    engine: Engine,
    total: int,
    max_pages: int,
    deadline: float,
    page_text: Callable[[int], PageText],
) -> RawText:
    """Page by page. Raises PdfUnreadable where not one page can be read."""
    if total == 0:
        raise PdfUnreadable("has no pages")
    count = min(total, max_pages)
    pages: list[PageText] = []
    problems: list[str] = []
    for number in range(count):
        if time.monotonic() > deadline:
            problems.append(f"out of time after {number} of {counted(count, 'page')}")
            break
        try:
            page = _without_surrogates(page_text(number))
            pages.append(page)
            if page.disputed:
                problems.append(f"page {number + 1}: its text is not what it shows")
        except MemoryError:
            raise
        except Exception as error:
            pages.append(PageText(text=""))
            problems.append(f"page {number + 1}: {_reason(error)}")
    if len(problems) >= max(1, len(pages)) and not any(page.text for page in pages):
        raise PdfUnreadable(f"no page can be read ({problems[0]})")
    return RawText(engine=engine, total=total, pages=tuple(pages), problems=tuple(problems))


def _without_surrogates(page: PageText) -> PageText:
    """Half a surrogate pair is no character, and no UTF-8 can hold it."""
    if not _SURROGATE.search(page.text):
        return page
    return page.model_copy(update={"text": _SURROGATE.sub("", page.text)})


def _reason(error: Exception) -> str:
    """The kind of error, never its words: they quote the file, and a reason is published."""
    kind = type(error).__name__
    locked = kind in _ENCRYPTED or (kind == "PdfiumError" and "password" in str(error).lower())
    return "encrypted" if locked else kind
