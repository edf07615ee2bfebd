"""A paper's own page: its neighbours, its record for reference managers, its authors' links."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from selectolax.lexbor import LexborHTMLParser

from pipeline.records import Section
from pipeline.site.update import update
from tests.site.browser import visit
from tests.site.made import (
    DAY,
    FIRST,
    add_day,
    config,
    made_site,
    papers,
    store_in,
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    _, settings = made_site(tmp_path_factory.mktemp("site"), days=2, papers_a_day=6)
    return settings.paths.outputs / "site"


def test_one_reads_on_from_paper_to_paper_in_the_digests_order(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    links = page.locator(".paper .title a")
    order = [link.get_attribute("href") for link in links.all()]
    seen: list[str] = []
    link = links.first
    while link.count():
        with page.expect_navigation():
            link.click()
        page.wait_for_selector("[data-ready]", state="attached")
        seen.append(page.url)
        link = page.get_by_role("link", name="下一篇")
    assert [url.rpartition("/")[2] for url in seen] == [
        (href or "").rpartition("/")[2] for href in order
    ]
    page.get_by_role("link", name="上一篇").click()
    assert page.url == seen[-2]


def test_the_title_stands_once_and_reference_managers_find_it(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    page.locator(".paper .title a").first.click()
    page.wait_for_selector("[data-ready]", state="attached")
    title = page.locator("h1").inner_text()
    assert page.locator("main").inner_text().count(title) == 1
    meta = "names => names.map((one) => document.querySelector(`meta[name=${one}]`)?.content)"
    found = page.evaluate(meta, ["citation_title", "citation_arxiv_id", "citation_pdf_url"])
    assert found[0] == title
    assert found[2] == f"https://arxiv.org/pdf/{found[1]}"
    assert page.locator("meta[name=citation_author]").count() >= 1


def test_its_record_is_saved_as_bibtex_and_ris(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    page.locator(".paper .title a").first.click()
    page.wait_for_selector("[data-ready]", state="attached")
    title = page.locator("h1").inner_text()
    with page.expect_download() as downloaded:
        page.get_by_role("button", name="RIS").click()
    lines = downloaded.value.path().read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["TY  - UNPB", f"TI  - {title}"] and lines[-1] == "ER  - "
    assert all(line[2:6] == "  - " for line in lines)
    with page.expect_download() as downloaded:
        page.get_by_role("button", name="BibTeX").click()
    assert title in downloaded.value.path().read_text(encoding="utf-8")
    expect(page.get_by_role("button", name="复制")).to_be_visible()


def test_authors_links_are_marked_as_theirs(tmp_path: Path) -> None:
    settings = config(tmp_path)
    store = store_in(settings)
    (paper, line, _) = next(papers(1))
    comment = 'Code: https://github.com/a/b, page https://evil.example/\u202e"><script>'
    paper = paper.model_copy(update={"comment": comment, "abstract": "We enhance."})
    add_day(store, settings, FIRST, [(paper, line, Section.NEW)])
    update(store, settings)
    html = (settings.paths.outputs / "site" / DAY).read_text(encoding="utf-8")
    links = LexborHTMLParser(html).css(".links a.external")
    assert [(link.text(), link.attributes["rel"]) for link in links] == [
        ("代码", "noopener noreferrer nofollow"),
        ("evil.example", "noopener noreferrer nofollow"),
    ]
    assert links[0].attributes["href"] == "https://github.com/a/b"
    assert "未经核实" in (links[0].attributes["title"] or "")
    assert "<script>" not in html.partition("<main")[2]
