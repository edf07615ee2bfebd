"""First figures where the licence allows them, through a whole night."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from pipeline.demo.answers.answer import Answer
from pipeline.demo.example_day import example_listing
from pipeline.demo.request import Request
from pipeline.demo.standin import demo_pdfs
from pipeline.stages.figure import keep, known, licence_name, note_file
from tests.pdf.test_figure import pdf
from tests.site.browser import visit
from tests.standins.arxiv import FaultyArxiv
from tests.standins.house import EXAMPLE, House, open_house

OWN = b"http://arxiv.org/licenses/nonexclusive-distrib/1.0/"
FREE = "http://creativecommons.org/licenses/by/4.0/"
ONE, TWO, THREE = "2601.02586v1", "2601.02444v1", "2601.02455v1"


class Licensed(FaultyArxiv):
    """Two papers are under CC BY, one of them with a PDF that has a figure."""

    down = False

    def answer(self, asked: Request) -> Answer:
        given = super().answer(asked)
        if "GetRecord" in (asked.query or ""):
            if self.down:
                return given._replace(status=503, body=b"")
            if any(one[:-2] in asked.query for one in (ONE, TWO)):
                return given._replace(body=given.body.replace(OWN, FREE.encode()))
        return given

    @property
    def licences_asked(self) -> int:
        return sum("GetRecord" in (one.query or "") for one in self.requests)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A night is over; then one of its PDFs has a figure."""
    arxiv = Licensed(example_listing(EXAMPLE), demo_pdfs())
    with open_house(tmp_path_factory.mktemp("figures"), arxiv) as opened:
        assert opened.run("run").returncode == 0
        assert not (opened.folder / "outputs" / "figures").exists() and not arxiv.licences_asked
        for name in (ONE, THREE):
            (found,) = (opened.folder / "cache").rglob(f"{name}.pdf")
            found.write_bytes(pdf())
        opened.settings(site={"figures": True})
        yield opened


def test_only_what_may_be_shown_is_taken_and_nobody_is_asked_twice(house: House) -> None:
    arxiv = house.arxiv
    assert isinstance(arxiv, Licensed)
    arxiv.down = True
    assert house.run("run").returncode == 0
    assert not (house.folder / "outputs" / "figures").exists()
    arxiv.down = False
    before = arxiv.licences_asked
    assert house.run("run").returncode == 0
    assert arxiv.licences_asked - before == 26
    outputs = house.folder / "outputs"
    assert {path.name for path in (outputs / "figures").glob("*.png")} == {f"{ONE}.png"}
    notes = {
        path.stem: json.loads(path.read_text()) for path in (outputs / "figures").glob("*.json")
    }
    assert len(notes) == 26
    assert notes[ONE] == {"licence": FREE, "figure": True}
    assert notes[TWO] == {"licence": FREE, "figure": False}
    assert notes[THREE] == {"licence": OWN.decode(), "figure": False}
    assert house.run("run").returncode == 0
    assert arxiv.licences_asked - before == 26
    page = (outputs / "site" / "paper" / "2601.02586.html").read_text()
    assert f'<img src="../figure/{ONE}.png"' in page and "img-src 'self'" in page
    assert f'<a href="{FREE}">CC BY 4.0</a>' in page
    assert (outputs / "site" / "figure" / f"{ONE}.png").read_bytes()[:4] == b"\x89PNG"
    assert "<img" not in (outputs / "site" / "paper" / "2601.02455.html").read_text()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_with_a_figure_reads_well(house: House, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    visit(page, house.folder / "outputs" / "site" / "paper" / "2601.02586.html")
    image = page.locator("figure img")
    image.scroll_into_view_if_needed()
    expect(image).to_have_js_property("complete", value=True)
    assert image.evaluate("one => one.naturalWidth") > 100
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert Axe().run(page, options={"preload": False}).response["violations"] == []


def test_without_the_setting_there_is_none(house: House) -> None:
    house.settings()
    assert house.run("render").returncode == 0
    page = (house.folder / "outputs" / "site" / "paper" / "2601.02586.html").read_text()
    assert "<img" not in page and "img-src" not in page
    house.settings(site={"figures": True})


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("http://creativecommons.org/licenses/by/4.0/", "CC BY 4.0"),
        ("https://creativecommons.org/licenses/by-sa/4.0/", "CC BY-SA 4.0"),
        ("http://creativecommons.org/publicdomain/zero/1.0/", "CC0 1.0"),
        ("http://creativecommons.org/licenses/by-nc-nd/4.0/", None),
        ("http://creativecommons.org/licenses/by-nc-sa/4.0/", None),
        ("http://arxiv.org/licenses/nonexclusive-distrib/1.0/", None),
        ("http://evil.example/creativecommons.org/licenses/by/4.0/", None),
        ("http://creativecommons.org/licenses/by/4.0/\"><script>", None),
        ("", None),
        (None, None),
    ],
)  # fmt: skip
def test_licences_that_let_anybody_show_a_smaller_copy(address: str | None, name: str) -> None:
    assert licence_name(address) == name


def test_a_damaged_note_is_no_figure(tmp_path: Path) -> None:
    keep(tmp_path, "2601.00001v1", FREE, b"png")
    found = known(tmp_path, "2601.00001v1")
    assert found is not None and found.file.read_bytes() == b"png" and found.name == "CC BY 4.0"
    keep(tmp_path, "cs/0112017v1", FREE, b"")
    assert known(tmp_path, "cs/0112017v1") is None
    note_file(tmp_path, "2601.00001v1").write_text("{")
    assert known(tmp_path, "2601.00001v1") is None
    assert known(tmp_path, "2601.00002v1") is None
