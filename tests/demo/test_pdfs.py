import re
import runpy
from pathlib import Path

import pypdf
import pytest

from pipeline.demo.example_day import EXAMPLE_DAYS, MADE_UP, example_listing
from pipeline.demo.standin import demo_pdfs
from pipeline.records import Listing, Paper

SCRIPT = Path(__file__).parents[2] / "scripts" / "typeset_demo_pdfs.py"


def words(text: str) -> str:
    """Letters, digits and signs without white space and hyphens, and TeX commands resolved."""
    return re.sub(r"\\text\w+\{|\}|[\s~-]", "", text)


def text_of(paper: Paper) -> str:
    with pypdf.PdfReader(demo_pdfs() / f"{paper.versioned}.pdf") as reader:
        return "\n".join(page.extract_text() for page in reader.pages)


def test_typesetting_again_gives_the_committed_bytes(listing: Listing, tmp_path: Path) -> None:
    pytest.importorskip("reportlab")
    made_up = example_listing(EXAMPLE_DAYS[MADE_UP].digest, MADE_UP)
    for one in (listing, made_up):
        runpy.run_path(str(SCRIPT))["typeset_all"](one, tmp_path)
    again = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert again == {path.name: path.read_bytes() for path in demo_pdfs().glob("*.pdf")}
    assert len(again) == 26 + 6


def test_what_is_made_up_says_so_on_its_page() -> None:
    for item in example_listing(EXAMPLE_DAYS[MADE_UP].digest, MADE_UP).announcements:
        shown = " ".join(text_of(item.paper).split())
        assert "Made up by jianjie for its demo: no such paper, no such authors." in shown


def test_they_are_small() -> None:
    assert sum(path.stat().st_size for path in demo_pdfs().iterdir()) < 1_000_000


def test_the_text_reads_in_order(listing: Listing) -> None:
    for paper in (a.paper for a in listing.announcements):
        before, _, abstract = text_of(paper).partition("Abstract\n")
        assert words(abstract) == words(paper.abstract)
        assert words(paper.title) in words(before)
        assert words(before).endswith(words(", ".join(paper.authors)))


def test_no_word_is_cut_at_a_line_end(listing: Listing) -> None:
    for paper in (a.paper for a in listing.announcements):
        _, _, abstract = text_of(paper).partition("Abstract\n")
        if "\\text" not in paper.abstract:
            assert abstract.split() == paper.abstract.split()


def test_they_say_that_they_are_not_the_authors(listing: Listing) -> None:
    for paper in (a.paper for a in listing.announcements):
        with pypdf.PdfReader(demo_pdfs() / f"{paper.versioned}.pdf") as reader:
            about = reader.metadata
            assert about is not None
            assert about.title == paper.title
            assert about.creator == "jianjie"
            assert "not the authors' PDF" in (about.subject or "")
        shown = " ".join(text_of(paper).split())
        assert "Typeset by jianjie for its demo from arXiv's metadata (CC0)" in shown
        assert f"arXiv:{paper.versioned} [{paper.categories[0]}] 6 Jan 2026" in shown
