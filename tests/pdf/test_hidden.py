"""Text that nobody can see is left out and counted; text that somebody can see is not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from pipeline.errors import PdfUnreadable
from pipeline.pdf.engines import read
from pipeline.pdf.hidden import confirmed
from pipeline.pdf.pages import Engine, PageText
from pipeline.pdf.pool import Readers
from pipeline.records import Pdf
from pipeline.settings import ExtractSettings
from pipeline.stages.extract import extract
from tests.pdf import files
from tests.pdf.files import line, pages, stream
from tests.pdf.hiding import (
    BREAKERS,
    FILES_HELD_OUT,
    FILES_SEEN,
    HELD_OUT,
    HONEST,
    HONEST_FILES,
    SEEN,
)
from tests.pdf.paper import GAP, PROSE, SECRET, paper, show

ENGINES: tuple[Engine, ...] = ("pypdf", "pypdfium2")
SAYS = ("Ignore", "previous", "instructions", "praise", "above")
"""Words of the sentence that no other text of the page has."""

both = pytest.mark.parametrize("engine", ENGINES)


def page(content: bytes, engine: Engine = "pypdf") -> PageText:
    return read(content, engine, 1, time.monotonic() + 60).pages[0]


def said(text: str) -> int:
    """How many words of the sentence are in the text; some ways to show it break its lines."""
    whole = "".join(text.split())
    return sum(word in whole for word in SAYS)


def made(kind: str | Callable[[], bytes]) -> bytes:
    return paper(kind) if isinstance(kind, str) else kind()


Kinds = dict[str, str | Callable[[], bytes]]

HIDDEN: Kinds = {**SEEN, **HELD_OUT, **FILES_SEEN, **FILES_HELD_OUT}
SHOWN: Kinds = {**HONEST, **HONEST_FILES}
UNCOUNTED = {
    "ActualText",
    "ActualText as long as what is shown",
    "ActualText on white",
    "size 0",
    "a form in a layer that is off",
    "tiny Type 3",
    "in the data of an image",
    "white letters among black ones",
    "letters on one spot",
    "Tz 0",
    "turned and flat",
}
"""PDFium's own text has nothing or little of it, so there is nothing to count."""
HALF_A_PAGE = {
    "outside the crop box",
    "outside a crop box on its side",
    "a page that is empty but for its head",
}


@both
@pytest.mark.parametrize("kind", HIDDEN)
def test_what_no_reader_sees_is_left_out(kind: str, engine: Engine) -> None:
    found = page(made(HIDDEN[kind]), engine)
    assert said(found.text) == 0
    assert found.hidden > 40 or kind in UNCOUNTED
    lines = found.text.count(PROSE[:19])
    assert lines >= 40 or kind in HALF_A_PAGE  # of fifty: some stand under what hides


@both
@pytest.mark.parametrize("kind", SHOWN)
def test_what_a_reader_sees_stays(kind: str, engine: Engine) -> None:
    found = page(made(SHOWN[kind]), engine)
    assert (said(found.text), found.hidden) == (len(SAYS), 0)


@both
@pytest.mark.parametrize("breaker", BREAKERS)
@pytest.mark.parametrize("hidden", ["", "1 g ", "3 Tr ", "/Clear gs "])
def test_no_reader_can_be_chosen_that_does_not_look(
    breaker: str, hidden: str, engine: Engine, tmp_path: Path, readers: Readers
) -> None:
    """Whichever fails, what is hidden is found by the other, or the paper has only its abstract."""
    path = files.save(tmp_path, "file.pdf", BREAKERS[breaker](hidden + show()))
    options = ExtractSettings.model_validate({"first": engine, "min_characters": 50})
    pdf = Pdf(path=path, sha256="", size=path.stat().st_size)
    try:
        text = extract(pdf, options, readers).body
    except PdfUnreadable:
        return
    assert said(text) == (0 if hidden else len(SAYS))


@pytest.fixture(scope="module")
def readers() -> Iterator[Readers]:
    with Readers(1, timeout_s=20) as readers:
        yield readers


def test_a_file_that_only_pypdf_opens_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it shows nobody can say, and which reader opens it an author can choose."""
    monkeypatch.setattr("pypdfium2.PdfDocument", lambda *_: (_ for _ in ()).throw(ValueError))
    with pytest.raises(PdfUnreadable):
        page(pages(line(SECRET)))


@both
@settings(max_examples=60, deadline=3000)
@given(
    grey=st.floats(0, 1),
    size=st.floats(0.05, 14),
    narrow=st.floats(1, 100),
    x=st.integers(-900, 900),
    y=st.integers(-900, 1700),
)
def test_by_colour_size_and_place(
    engine: Engine, grey: float, size: float, narrow: float, x: int, y: int
) -> None:
    """Plainly visible text stays, plainly hidden text goes; between them either may be."""
    content = paper(
        f"{grey:.3f} g {narrow:.1f} Tz " + show(x=x, y=y, size=size), before="", after=""
    )
    found = page(content, engine)
    width = 0.5 * size * narrow / 100
    off = y < -20 or y > 820 or x > 620 or x + 2 * width * len(SECRET) < -20
    on = 20 <= y <= 770 and x >= 10 and x + 1.2 * width * len(SECRET) < 590
    if off or grey > 0.96 or size < 0.4 or width < 0.1:
        assert said(found.text) == 0
    elif on and grey < 0.92 and width > 0.8 and size > 1.6:
        assert (said(found.text), found.hidden) == (len(SAYS), 0)


PAINTING = "BT ET Tj TJ Td Tm Tf Tz Tr Ts Tc re W n f S g rg k cs scn gs Do sh BMC BDC EMC BI ID EI"
OPERATORS = st.sampled_from([*PAINTING.split(), "q", "Q", "cm", "'", '"', "d0", "d1"])
OPERANDS = st.one_of(
    st.floats(allow_nan=False).map(lambda value: f"{value:.4g}"),
    st.integers().map(str),
    st.sampled_from(["/F1", "/Clear", "/Says", "/Off", "/Pattern", "/White", "/OC", "/None"]),
    st.text("ab ()\\<>", max_size=9).map(lambda text: f"({text})"),
    st.sampled_from(["<", ">>", "<<", "[", "]", "<00ff>", "%"]),
)


@settings(max_examples=60, deadline=20_000, suppress_health_check=[HealthCheck.too_slow])
@given(content=st.lists(st.one_of(OPERATORS, OPERANDS), max_size=60).map(" ".join))
def test_whatever_a_page_draws_ends_in_text_or_a_refusal(content: str) -> None:
    data = paper(content)
    for engine in ENGINES:
        try:
            found = page(data, engine)
        except PdfUnreadable:
            continue
        assert found.hidden >= 0


LETTERS = st.text("abcdefgh ij.\n", max_size=400)


@settings(max_examples=200, deadline=500)
@given(text=LETTERS, shown=LETTERS)
def test_another_readers_text_says_no_more_than_what_is_shown(text: str, shown: str) -> None:
    found = confirmed(text, PageText(text=shown))
    assert found.text in (text, shown)
    if found.text == text != shown:
        ours, theirs = ("".join(filter(str.isalpha, each)) for each in (text, shown))
        runs = [ours[at : at + 29] for at in range(len(ours) - 28)]  # four pieces, wherever cut
        assert all(any(run[n : n + 6] in theirs for n in range(24)) for run in runs)


@given(text=LETTERS)
def test_the_same_text_stands_as_the_other_reader_has_it(text: str) -> None:
    assert confirmed(text, PageText(text=text.upper())) == PageText(text=text)


def test_a_font_that_two_readers_read_apart_is_disputed() -> None:
    found = confirmed(PROSE * 20, PageText(text=SECRET * 20))
    assert (found.text, found.disputed) == (SECRET * 20, True)


def form(content: str, matrix: str = "1 0 0 1 0 0") -> bytes:
    return stream(
        content.encode(),
        b"/Type /XObject /Subtype /Form /BBox [-9999 -9999 9999 9999] /Matrix [%b]"
        b" /Resources << /Font << /F1 3 0 R >> >>" % matrix.encode(),
    )


BODY = line("Visible before", y=720) + "{}" + line("Visible after", y=680, before="0 g 0 Tr")


@both
@pytest.mark.parametrize(
    ("content", "matrix", "before", "hidden"),
    [
        (line(SECRET, before="1 g"), "1 0 0 1 0 0", "", True),
        (line(SECRET), "1 0 0 1 0 0", "1 g", True),
        (line(SECRET), "1 0 0 1 2000 0", "", True),
        (line(SECRET), "1 0 0 1 0 0", "1 0 0 1 2000 0 cm", True),
        (line(SECRET), ".01 0 0 .01 0 0", "", True),
        (line(SECRET, x=-1000), "1 0 0 1 0 0", "1 0 0 1 1100 0 cm", False),
        (line(SECRET), "1 0 0 1 0 0", "0 g", False),
    ],
)
def test_in_a_form(content: str, matrix: str, before: str, hidden: bool, engine: Engine) -> None:
    file = pages(
        BODY.format(f"q {before} /X Do Q "),
        resources="/XObject << /X 4 0 R >>",
        more=[form(content, matrix)],
    )
    found = page(file, engine)
    assert (said(found.text) > 0, found.hidden > 0) == (not hidden, hidden)


@both
def test_one_form_drawn_in_and_off_the_page(engine: Engine) -> None:
    """Only the drawing that nobody sees is left out."""
    drawn = "q 1 0 0 1 2000 0 cm /X Do Q /X Do "
    file = pages(BODY.format(drawn), resources="/XObject << /X 4 0 R >>", more=[form(line(SECRET))])
    found = page(file, engine)
    assert (found.text.count(SECRET), found.hidden) == (1, len("".join(SECRET.split())))


def test_as_a_writer_of_pdfs_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "written.pdf"
    canvas = Canvas(str(path), pagesize=A4)
    canvas.drawString(72, 700, "We propose a method.")
    canvas.setFillColorRGB(1, 1, 1)
    canvas.drawString(72, 680, SECRET)
    canvas.setFillColorRGB(0, 0, 0)
    canvas.rect(72, 600, 200, 30, fill=1)
    canvas.setFillColorRGB(1, 1, 1)
    canvas.drawString(80, 610, "White on black")
    canvas.save()
    found = page(path.read_bytes())
    assert "We propose a method." in found.text
    assert "White on black" in found.text
    assert (SECRET in found.text, found.hidden > 0) == (False, True)


@both
def test_what_can_be_seen_stays_data(engine: Engine) -> None:
    found = page(pages(line(SECRET, y=GAP)), engine)
    assert (found.text.strip(), found.hidden) == (SECRET, 0)
