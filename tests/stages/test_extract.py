from __future__ import annotations

import hashlib
import io
import logging
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pypdf
import pytest
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from pipeline.errors import PdfUnreadable
from pipeline.records import Paper, PaperText, Pdf
from pipeline.settings import ExtractSettings
from pipeline.stages.extract import extract, from_abstract

SHORT = ExtractSettings(min_characters=1)
ENGLISH = (
    "We study how neural codecs compress speech at low bitrates, and we show",
    "that a single codebook is enough for music and for the human voice.",
    "Our experiments compare five systems on three public data sets.",
)
GERMAN = (
    "Wir untersuchen, wie neuronale Verfahren die Sprache bei niedrigen",
    "Bitraten komprimieren, und zeigen, dass ein einziges Codebuch genügt.",
    "Unsere Experimente vergleichen fünf Systeme auf drei Datensätzen.",
)


def on_disk(content: bytes, folder: Path, name: str = "2601.00001v1.pdf") -> Pdf:
    path = folder / name
    path.write_bytes(content)
    return Pdf(path=path, sha256=hashlib.sha256(content).hexdigest(), size=len(content))


def typeset(*pages: Sequence[str]) -> bytes:
    """A PDF by reportlab: one text line an item, one page a sequence."""
    target = io.BytesIO()
    canvas = Canvas(target, invariant=True)
    for lines in pages:
        text = canvas.beginText(72, 760)
        text.textLines(list(lines))
        canvas.drawText(text)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def raw(objects: Sequence[bytes]) -> bytes:
    """A PDF of these objects, numbered from 1; the first is the catalog."""
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    xref = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(objects) + 1)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % xref)


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(content), entries, content)


def mapped(lines: Sequence[str]) -> bytes:
    """A one-page PDF whose font maps its codes to any code units, broken ones included."""
    chars = sorted(set("".join(lines)))
    units = {c: c.encode("utf-16-be", "surrogatepass").hex().upper() for c in chars}
    pairs = "\n".join(f"<{at:02X}> <{units[char]}>" for at, char in enumerate(chars, start=1))
    to_unicode = (
        "/CIDInit /ProcSet findresource begin begincmap\n"
        "1 begincodespacerange <00> <FF> endcodespacerange\n"
        f"{len(chars)} beginbfchar\n{pairs}\nendbfchar\nendcmap end"
    )
    shown = "".join(f"<{''.join(f'{chars.index(c) + 1:02X}' for c in s)}> Tj T* " for s in lines)
    return raw(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R"
            b" /Resources << /Font << /F1 5 0 R >> >> >>",
            stream(f"BT /F1 10 Tf 12 TL 72 760 Td {shown}ET".encode()),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>",
            stream(to_unicode.encode()),
        ]
    )


def body_of(content: bytes, folder: Path) -> str:
    return extract(on_disk(content, folder), SHORT).body


def test_text_comes_in_order_with_its_provenance(tmp_path: Path) -> None:
    pdf = on_disk(typeset(ENGLISH, ["The second page follows."]), tmp_path)

    assert extract(pdf, SHORT) == PaperText(
        source="pdf",
        body=" ".join([*ENGLISH, "The second page follows."]),
        language="en",
        pages=2,
        pages_read=2,
        pdf_sha256=pdf.sha256,
    )


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (["We exam-", "ine this."], "We examine this."),
        (["A GAN-", "Based one."], "A GAN- Based one."),  # a capital begins another word
        (["from 5-", "10 of it."], "from 5- 10 of it."),
        (["well-known and", "state-of-the-art"], "well-known and state-of-the-art"),
        (["a dash -", "here"], "a dash - here"),
        (["two   blanks  "], "two blanks"),
    ],
)
def test_words_broken_at_a_line_end_are_joined(
    lines: Sequence[str], body: str, tmp_path: Path
) -> None:
    assert body_of(typeset(lines), tmp_path) == body


def test_ligatures_are_resolved_and_other_signs_stay(tmp_path: Path) -> None:
    content = mapped(
        ["of\ufb01ce, e\ufb00ort, \ufb02ow, di\ufb03cult, ra\ufb04e, \ufb05, \ufb06", "x² é ½ Å"]
    )

    assert body_of(content, tmp_path) == "office, effort, flow, difficult, raffle, st, st x² é ½ Å"


def test_half_characters_and_control_codes_are_dropped(tmp_path: Path) -> None:
    body = body_of(mapped(["a\ud835b\udc00c\x00d\x1fe\x7ff"]), tmp_path)

    assert body == "abcdef"
    assert body.encode()


def test_the_side_stamp_goes(tmp_path: Path) -> None:
    lines = ["We begin here", "arXiv:2601.00001v12 [cs.SD] 6 Jan 2026", "and go on."]

    assert body_of(typeset(lines), tmp_path) == "We begin here and go on."


@pytest.mark.parametrize(
    "heading", ["Abstract", "ABSTRACT", "Abstract.", "Abstract:", "Abstract -", "  Abstract  "]
)
def test_the_body_starts_after_the_abstracts_heading(heading: str, tmp_path: Path) -> None:
    lines = ["A Title of Some Length", "Its Authors", heading, *ENGLISH]

    assert body_of(typeset(lines), tmp_path) == " ".join(ENGLISH)


def test_the_heading_may_stand_in_the_line(tmp_path: Path) -> None:
    lines = ["Title", "Abstract - We do it.", *ENGLISH]

    assert body_of(typeset(lines), tmp_path) == " ".join(["We do it.", *ENGLISH])


@pytest.mark.parametrize(
    "lines",
    [
        [*ENGLISH, "Abstract", "late"],  # in the second half: no heading of the paper's
        ["Abstraction helps.", *ENGLISH],
        ["An abstract is here.", *ENGLISH],
    ],
)
def test_another_abstract_is_no_beginning(lines: Sequence[str], tmp_path: Path) -> None:
    assert body_of(typeset(lines), tmp_path) == " ".join(lines)


@pytest.mark.parametrize(
    "heading", ["References", "REFERENCES", "Bibliography", "7 References", "7. References"]
)
def test_the_references_are_cut(heading: str, tmp_path: Path) -> None:
    content = typeset(ENGLISH, [heading, "[1] Somebody. Some paper. 2025."])

    assert body_of(content, tmp_path) == " ".join(ENGLISH)


def test_the_last_heading_counts(tmp_path: Path) -> None:
    lines = [*ENGLISH, "References", *ENGLISH, "References", "[1] x"]

    assert body_of(typeset(lines), tmp_path) == " ".join([*ENGLISH, "References", *ENGLISH])


@pytest.mark.parametrize("line", ["References are good.", "see References", "Cross References"])
def test_the_word_in_a_sentence_is_no_heading(line: str, tmp_path: Path) -> None:
    lines = [*ENGLISH, line, "The end."]

    assert body_of(typeset(lines), tmp_path) == " ".join(lines)


def test_a_heading_at_the_start_does_not_empty_the_paper(tmp_path: Path) -> None:
    lines = ["References", *ENGLISH]

    assert body_of(typeset(lines), tmp_path) == " ".join(lines)


def test_no_more_than_max_pages_are_read(tmp_path: Path) -> None:
    pdf = on_disk(typeset(*([f"Page {n} of them"] for n in range(1, 6))), tmp_path)

    two = extract(pdf, ExtractSettings(max_pages=2, min_characters=1))
    all_of_it = extract(pdf, ExtractSettings(max_pages=5, min_characters=1))

    assert (two.pages, two.pages_read, two.body) == (5, 2, "Page 1 of them Page 2 of them")
    assert (all_of_it.pages, all_of_it.pages_read) == (5, 5)


def test_a_file_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    pdf = on_disk(typeset(ENGLISH), tmp_path)

    with pytest.raises(PdfUnreadable, match="0 pages"):
        extract(pdf, ExtractSettings(timeout_s=0, min_characters=1))


@pytest.mark.parametrize(("lines", "language"), [(ENGLISH, "en"), (GERMAN, "de")])
def test_the_language_of_the_body(lines: Sequence[str], language: str, tmp_path: Path) -> None:
    assert extract(on_disk(typeset(lines), tmp_path), SHORT).language == language


def test_a_body_without_words_has_no_language(tmp_path: Path) -> None:
    assert extract(on_disk(typeset(["12 34 + 56"]), tmp_path), SHORT).language is None


@pytest.mark.parametrize(("characters", "enough"), [(50, True), (51, False)])
def test_too_little_text_is_no_paper(characters: int, enough: bool, tmp_path: Path) -> None:
    pdf = on_disk(typeset(["x" * 50]), tmp_path)
    settings = ExtractSettings(min_characters=characters)

    if enough:
        assert extract(pdf, settings).body == "x" * 50
    else:
        with pytest.raises(PdfUnreadable, match="only 50 characters of text on 1 pages"):
            extract(pdf, settings)


# Files that cannot be read

PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources %b >>"
CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
PAGES = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"


def encrypted() -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(typeset(ENGLISH)))
    writer.encrypt(user_password="secret", algorithm="RC4-128")
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


def image_only() -> bytes:
    target = io.BytesIO()
    canvas = Canvas(target)
    canvas.drawImage(ImageReader(Image.new("RGB", (40, 40), "gray")), 72, 500, 200, 200)
    canvas.save()
    return target.getvalue()


def page_tree_loop() -> bytes:
    inner = b"<< /Type /Pages /Parent 2 0 R /Kids [2 0 R 3 0 R] /Count 1 >>"
    return raw([CATALOG, PAGES, inner])


def page_tree_of_itself() -> bytes:
    return raw([CATALOG, b"<< /Type /Pages /Kids [2 0 R] /Count 1000000 >>"])


def deep_page_tree() -> bytes:
    depth = 3000
    nodes = [b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % (n + 3) for n in range(depth)]
    return raw([CATALOG, *nodes, b"<< /Type /Page /MediaBox [0 0 9 9] >>"])


def recursive_form() -> bytes:
    resources = b"<< /XObject << /X 5 0 R >> >>"
    form = stream(
        b"/X Do", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources " + resources
    )
    return raw([CATALOG, PAGES, PAGE % resources, stream(b"/X Do"), form])


def no_pages() -> bytes:
    return raw([CATALOG, b"<< /Type /Pages /Kids [] /Count 0 >>"])


BROKEN: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "only the magic number": lambda: b"%PDF-1.5\n",
    "HTML": lambda: b"<!DOCTYPE html>\n<html><body>PDF unavailable</body></html>",
    "cut to 60%": lambda: (whole := typeset(*[ENGLISH] * 5))[: len(whole) * 6 // 10],
    "random bytes": lambda: random.Random(7).randbytes(20_000),
    "random bytes in a frame": lambda: b"%PDF-1.5\n" + random.Random(8).randbytes(9_000) + b"%%EOF",
    "user password": encrypted,
    "a scan": image_only,
    "page tree loop": page_tree_loop,
    "page tree of itself": page_tree_of_itself,
    "deep page tree": deep_page_tree,
    "recursive form": recursive_form,
    "no pages": no_pages,
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_file_without_text_is_unreadable_and_named(kind: str, tmp_path: Path) -> None:
    pdf = on_disk(BROKEN[kind](), tmp_path)

    with pytest.raises(PdfUnreadable) as caught:
        extract(pdf, ExtractSettings())

    assert caught.value.where == "2601.00001v1.pdf"
    assert str(caught.value).startswith("2601.00001v1.pdf: ")
    assert str(caught.value).isprintable()  # one line
    assert len(str(caught.value)) < 200


def test_a_loop_in_the_cross_references_costs_no_text(tmp_path: Path) -> None:
    whole = mapped(ENGLISH)
    start = whole.rindex(b"xref\n0")
    content = whole.replace(b"/Root 1 0 R", b"/Root 1 0 R /Prev %d" % start)

    assert content != whole
    assert body_of(content, tmp_path) == " ".join(ENGLISH)


def test_a_file_that_went_away_is_unreadable(tmp_path: Path) -> None:
    pdf = Pdf(path=tmp_path / "gone.pdf", sha256="", size=0)

    with pytest.raises(PdfUnreadable, match=r"^gone\.pdf: cannot be read"):
        extract(pdf, SHORT)


def test_the_password_is_the_reason(tmp_path: Path) -> None:
    with pytest.raises(PdfUnreadable, match="decrypted"):
        extract(on_disk(encrypted(), tmp_path), SHORT)


@pytest.fixture(scope="module")
def healthy() -> bytes:
    return typeset(*[["Abstract", *ENGLISH]] * 3)


@pytest.mark.parametrize("seed", range(32))
def test_flipped_bits_give_text_or_an_unreadable_file(
    seed: int, healthy: bytes, tmp_path: Path
) -> None:
    dice = random.Random(seed)
    content = bytearray(healthy)
    for _ in range(2 ** (seed % 8)):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    start = time.monotonic()

    try:
        text = extract(on_disk(bytes(content), tmp_path), SHORT)
    except PdfUnreadable as error:
        assert error.where == "2601.00001v1.pdf"
    else:
        assert text.body.encode()
    assert time.monotonic() - start < 10


def test_pypdf_says_nothing_beside_us(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.WARNING)
    whole = typeset(ENGLISH)

    with pytest.raises(PdfUnreadable):
        extract(on_disk(b"junk" + whole[: len(whole) // 2] + b"%%EOF", tmp_path), SHORT)

    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")


# Without a PDF


def test_the_abstract_as_the_text_says_why() -> None:
    paper = Paper(
        arxiv_id="2601.00001",
        version=1,
        title="T",
        abstract="We do it.",
        authors=("A",),
        categories=("cs.SD",),
    )

    assert from_abstract(paper) == PaperText(source="abstract", body="We do it.")
    assert from_abstract(paper, "extract: a scan").fallback == "extract: a scan"
