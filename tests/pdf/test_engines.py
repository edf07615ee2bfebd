"""Both engines read the same pages of the same files, and say what they could not read."""

from __future__ import annotations

import time
from typing import get_args

import pytest

from pipeline.errors import PdfUnreadable
from pipeline.pdf.engines import read
from pipeline.pdf.pages import Engine
from tests.pdf import files

ENGINES = get_args(Engine)
both = pytest.mark.parametrize("engine", ENGINES)


def soon() -> float:
    return time.monotonic() + 60


@both
def test_first_pages_in_order(engine: Engine) -> None:
    text = read(files.prose(5), engine, 3, soon())
    assert (text.engine, text.total, text.problems) == (engine, 5, ())
    assert [page.text.split()[:2] for page in text.pages] == [["Page", str(n)] for n in (1, 2, 3)]
    assert all(page.text.count("\n") == 40 for page in text.pages)
    assert not any("\r" in page.text for page in text.pages)


def test_a_page_that_cannot_be_unpacked_is_a_problem() -> None:
    mixed = _two_pages(files.content_bomb(80))
    text = read(mixed, "pypdf", 9, soon())
    assert [page.text.strip() for page in text.pages] == ["First", ""]
    assert len(text.problems) == 1
    assert text.problems == ("page 2: LimitReachedError",)


def _two_pages(bomb: bytes) -> bytes:
    """A good page, and one with the content of a bomb."""
    start = bomb.index(b"5 0 obj\n") + len(b"5 0 obj\n")
    content = bomb[start : bomb.rindex(b"\nendobj")]
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents %d 0 R"
        b" /Resources << /Font << /F1 3 0 R >> >> >>"
    )
    return files.assemble(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [4 0 R 6 0 R] /Count 2 >>",
            files.FONT,
            page % 5,
            files.stream(files.line("First").encode()),
            page % 7,
            content,
        ]
    )


@both
def test_out_of_time_between_pages(engine: Engine) -> None:
    pdf = files.prose(2)
    with pytest.raises(PdfUnreadable, match="out of time after 0 of 2 pages"):
        read(pdf, engine, 9, time.monotonic() - 1)


@both
def test_pages_without_text_are_no_problem(engine: Engine) -> None:
    text = read(files.pages("", ""), engine, 9, soon())
    assert [page.text for page in text.pages] == ["", ""]


@both
def test_no_pages(engine: Engine) -> None:
    with pytest.raises(PdfUnreadable):
        read(files.pages(), engine, 9, soon())


@both
def test_a_password(engine: Engine) -> None:
    open_to_all = files.encrypted(user="")
    assert "quick brown fox" in read(open_to_all, engine, 9, soon()).pages[0].text
    locked = files.encrypted(user="secret")
    with pytest.raises(PdfUnreadable, match=r"cannot be read \(encrypted\)"):
        read(locked, engine, 9, soon())


def _mapped(code: bytes) -> bytes:
    """A page that shows A; the font's map says what A means, in UTF-16."""
    cmap = (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap"
        b" /CMapName /X def /CMapType 2 def 1 begincodespacerange <00> <FF> endcodespacerange"
        b" 1 beginbfchar <41> <%b> endbfchar endcmap end end" % code
    )
    file = files.pages(files.line("xAx"), more=[files.stream(cmap)])
    return file.replace(b"/Encoding /WinAnsiEncoding", b"/ToUnicode 4 0 R           ")


@both
def test_half_a_surrogate_pair_is_dropped(engine: Engine) -> None:
    pdf = _mapped(b"D835")
    text = read(pdf, engine, 9, soon()).pages[0].text
    text.encode()
    assert text.strip().startswith("x")


def test_pdfium_marks_broken_words() -> None:
    content = files.line("the for-", y=700) + files.line("mation of stars", y=688)
    pdf = files.pages(content)
    text = read(pdf, "pypdfium2", 9, soon()).pages[0].text
    assert text.strip() == "the for-\nmation of stars"
