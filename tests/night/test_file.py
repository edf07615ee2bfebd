"""A paper from a PDF file: what it says of itself, and a digest of its own."""

from __future__ import annotations

import json
import os
from io import BytesIO
from pathlib import Path

import pytest
from reportlab.lib.pagesizes import letter
from reportlab.pdfgen.canvas import Canvas

from pipeline.arxiv.ids import ArxivId
from pipeline.demo.standin import demo_pdfs
from pipeline.digest.markdown import load, render
from pipeline.errors import UsageError
from pipeline.night.file import named
from pipeline.pdf.front import front_of
from tests.standins.house import House, one_error
from tests.standins.model import Answer, good_line

PDF = demo_pdfs() / "2601.02586v1.pdf"
TITLE = "Understanding Human Perception of Music Plagiarism Through a Computational Approach"
SENTENCE = "We show that a model of speech can be made much smaller and is as good as before. "


def typeset(*lines: tuple[float, str], stamp: str = "", abstract: str = "") -> bytes:
    """A page of these lines, each of so many points, from the top down."""
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=letter)
    if stamp:
        canvas.saveState()
        canvas.rotate(90)
        canvas.setFont("Times-Roman", 20)
        canvas.drawString(200, -30, stamp)
        canvas.restoreState()
    at = 740.0
    body = [(10, abstract[i : i + 80]) for i in range(0, len(abstract), 80)]
    for size, text in (*lines, *body):
        canvas.setFont("Times-Roman", size)
        canvas.drawString(72, at, text)
        at -= size * 1.3
    canvas.save()
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("lines", "title", "authors"),
    [
        (
            (
                (17, "A Small Model"),
                (17, "of Speech"),
                (12, "Ann Lee, Bo van der Berg and C. D. Xu"),
            ),
            "A Small Model of Speech",
            ("Ann Lee", "Bo van der Berg", "C. D. Xu"),
        ),
        (
            ((10, "Proceedings of Something 2026"), (14, "On Tones"), (12, "Ann Lee")),
            "On Tones",
            ("Ann Lee",),
        ),
        (((17, "On Tones of Speech"), (12, "University of Somewhere")), "On Tones of Speech", ()),
        (((17, "On Tones of Speech"), (10, "This is the text at once.")), "On Tones of Speech", ()),
        (((10, "12"), (30, "A"), (12, "1.2")), "", ()),
        ((), "", ()),
    ],
)
def test_the_first_page_says_whose_and_what_it_is(
    lines: tuple[tuple[float, str], ...], title: str, authors: tuple[str, ...]
) -> None:
    front = front_of(typeset(*lines, stamp="arXiv:2601.00001v1 [cs.SD] 1 Jan 2026"))
    assert (front.title, front.authors) == (title, authors)


def test_the_demos_pages_say_it_too() -> None:
    front = front_of(PDF.read_bytes())
    assert (front.title, front.authors) == (TITLE, ("Daeun Hwang", "Hyeonbin Hwang"))


def test_a_file_gets_a_digest_of_its_own(house: House) -> None:
    file = house.folder / "my paper.pdf"
    file.write_bytes(PDF.read_bytes())
    result = house.run("reprocess", str(file))
    assert result.returncode == 0, result.stderr
    digest = load(house.folder / "outputs" / "files" / "my paper.md")
    (entry,) = digest.entries
    assert entry.title == TITLE
    assert entry.authors == ("Daeun Hwang", "Hyeonbin Hwang")
    assert entry.line == good_line(TITLE)
    assert entry.tags
    assert entry.abstract.startswith("There is a wide variety of music")
    assert entry.link == "my%20paper.pdf"
    assert render(digest).encode() == (house.folder / "outputs/files/my paper.md").read_bytes()
    told = json.loads((house.folder / "outputs/files/my paper.json").read_text(encoding="utf-8"))
    assert told["line"] == entry.line
    assert told["provenance"]["text_source"] == "pdf"
    assert "my paper.pdf" in result.stdout
    assert house.arxiv.requests == []  # nobody else is asked about it
    assert len(house.model.requests) == 1
    assert house.run("show", "2601.02586").returncode == 2
    again = house.run("reprocess", str(file))
    assert "the same line from the same question: nothing is published" in again.stdout
    same = (house.folder / "outputs/files/my paper.json").read_text(encoding="utf-8")
    assert json.loads(same) == told


def test_several_files_and_papers_at_once_and_one_that_is_none(finished: House) -> None:
    for name in ("a", "b"):
        (finished.folder / f"{name}.pdf").write_bytes(
            typeset((17, f"A Model of Speech {name}"), (12, "Ann Lee"), abstract=SENTENCE * 12)
        )
    (finished.folder / "c.pdf").write_text("no PDF", encoding="utf-8")
    result = finished.run("reprocess", "a.pdf", "c.pdf", "nowhere.pdf", "2601.02954", "b.pdf")
    assert result.returncode == 2
    assert result.stderr.splitlines() == [
        "jianjie: c.pdf: is no PDF. Name a PDF file, or a paper's arXiv id",
        "jianjie: nowhere.pdf: cannot be read: No such file or directory. Name a PDF file",
    ]
    written = sorted(path.name for path in (finished.folder / "outputs" / "files").glob("*.md"))
    assert written == ["a.md", "b.md"]


def test_two_files_of_one_name_have_two_digests(house: House) -> None:
    for folder, title in (("one", "A First Model of Speech"), ("two", "A Second Model of Tones")):
        (house.folder / folder).mkdir()
        page = typeset((17, title), (12, "Ann Lee"), abstract=SENTENCE * 12)
        (house.folder / folder / "paper.pdf").write_bytes(page)
        assert house.run("reprocess", f"{folder}/paper.pdf").returncode == 0
    digests = (house.folder / "outputs" / "files").glob("*.md")
    assert {load(path).entries[0].title for path in digests} == {
        "A First Model of Speech",
        "A Second Model of Tones",
    }


def test_a_refused_line_is_told_and_nothing_is_published(house: House) -> None:
    house.model.answer = lambda _: Answer(text="no")
    (house.folder / "a.pdf").write_bytes(PDF.read_bytes())
    result = house.run("reprocess", "a.pdf")
    assert result.returncode == 1
    assert "a.pdf: no valid line: " in result.stderr
    assert not (house.folder / "outputs" / "files").exists()


def test_what_is_no_file_is_not_waited_for(house: House) -> None:
    os.mkfifo(house.folder / "a.pdf")
    (house.folder / "b.pdf").mkdir()
    result = house.run("reprocess", "a.pdf", "b.pdf")
    assert result.returncode == 2
    assert result.stderr.splitlines() == [
        f"jianjie: {name}.pdf: is no file. Name a PDF file" for name in "ab"
    ]


def test_a_file_has_no_line_before(house: House) -> None:
    assert "a.pdf: has no line before" in one_error(house.run("reprocess", "a.pdf", "--undo"), 2)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2601.02954", ArxivId("2601.02954", None)),
        ("2601.02954v2.pdf", ArxivId("2601.02954", 2)),
        ("https://arxiv.org/pdf/2601.02954v1.pdf", ArxivId("2601.02954", 1)),
        ("paper.PDF", Path("paper.PDF")),
        ("here.pdf", Path("here.pdf")),
        ("2601.00001v1.pdf", Path("2601.00001v1.pdf")),
    ],
)
def test_what_is_named(
    text: str, meant: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.pdf").touch()
    (tmp_path / "2601.00001v1.pdf").touch()
    assert named(text) == meant


def test_what_is_neither_is_told() -> None:
    with pytest.raises(UsageError, match="not an arXiv id"):
        named("nonsense")
