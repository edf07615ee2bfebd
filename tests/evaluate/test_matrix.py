"""The matrix of all papers and systems, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from pipeline.evaluate.report.html import render_html
from pipeline.evaluate.results import Case, Sample
from tests.evaluate.made import attempt, case, evaluation, sample
from tests.evaluate.test_report import HOSTILE
from tests.site.browser import reader

CASES = [case(number) for number in range(1, 13)]


def written(folder: Path, cases: list[Case], samples: list[Sample]) -> Path:
    file = folder / "report.html"
    file.write_text(render_html(evaluation(cases, samples), cases, samples), encoding="utf-8")
    return file


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """Of twelve papers: the third has no valid line by `other`, the others' lines are equal."""
    samples = [sample("base", one, 50.0) for one in CASES]
    for number, one in enumerate(CASES):
        tried = attempt(None, ("reply_form: empty",)) if number == 2 else attempt(one.line)
        samples.append(sample("other", one, 10.0 * number, tried))
    return written(tmp_path, CASES, samples)


def opened(page: Page, file: Path) -> None:
    page.goto(file.as_uri())
    page.wait_for_selector("#matrix[data-ready]")


def ids(page: Page) -> list[str]:
    return page.locator(".matrix tbody tr:first-child td:first-child a").all_inner_texts()


def test_every_paper_has_a_row_and_every_system_a_cell(page: Page, report: Path) -> None:
    opened(page, report)
    assert ids(page) == [one.paper.versioned for one in CASES]
    assert page.locator(".matrix thead th").all_inner_texts() == ["paper", "base", "other"]
    expect(page.locator("#matrix [role=status]")).to_have_text("12 of 12 papers")


def test_it_is_filtered_and_sorted_without_a_server(page: Page, report: Path) -> None:
    opened(page, report)
    page.get_by_label("only where one has no valid line").check()
    assert ids(page) == [CASES[2].paper.versioned]
    page.get_by_label("only where one has no valid line").uncheck()
    page.get_by_label("order").select_option("best")
    assert ids(page)[0] == CASES[11].paper.versioned
    page.get_by_label("order").select_option("worst")
    assert ids(page)[0] == CASES[0].paper.versioned
    page.get_by_label("a word").fill(CASES[4].paper.title)
    assert CASES[4].paper.versioned in ids(page)
    page.get_by_label("a word").fill("nowhere at all")
    expect(page.locator("#matrix [role=status]")).to_have_text("0 of 12 papers")


def test_only_what_differs_is_left(page: Page, tmp_path: Path) -> None:
    samples = [sample("base", one, 50.0, attempt(one.line)) for one in CASES]
    changed = CASES[5].line.replace("。", "，别有不同。")
    samples += [
        sample("other", one, 40.0, attempt(changed if one is CASES[5] else one.line))
        for one in CASES
    ]
    opened(page, written(tmp_path, CASES, samples))
    page.get_by_label("only where they differ").check()
    assert ids(page) == [CASES[5].paper.versioned]
    assert "别有不同" in "".join(page.locator(".matrix mark").all_inner_texts())


def test_keys_walk_and_open_abstract_and_reference(page: Page, report: Path) -> None:
    opened(page, report)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("o")
    shown = page.locator(".matrix tbody:focus .opened").inner_text()
    assert CASES[1].line in shown and CASES[1].paper.abstract in shown
    page.keyboard.press("o")
    assert page.locator(".opened").count() == 0
    page.keyboard.press("/")
    expect(page.get_by_label("a word")).to_be_focused()


def test_what_is_hostile_stays_text(page: Page, tmp_path: Path) -> None:
    bad = case(1, HOSTILE).model_copy(update={"line": HOSTILE, "tags": (HOSTILE,)})
    samples = [
        sample("base", bad, 1.0, attempt(HOSTILE, tags=(HOSTILE,))),
        sample("other", bad, 2.0, attempt(f"{HOSTILE}也", tags=(HOSTILE,))),
    ]
    opened(page, written(tmp_path, [bad], samples))
    page.keyboard.press("j")
    page.keyboard.press("o")
    assert "onerror=alert(1)" in page.locator("#matrix").inner_text()
    assert page.locator("#matrix img, #matrix script").count() == 0


@pytest.mark.parametrize("dark", [False, True])
def test_it_is_fine_for_axe(browser: Browser, report: Path, dark: bool) -> None:
    with reader(browser, dark=dark) as page:
        opened(page, report)
        page.keyboard.press("j")
        page.keyboard.press("o")
        found = Axe().run(page, context="#matrix", options={"preload": False})
    assert found.response["violations"] == []


def test_600_papers_and_6_systems_are_filtered_and_walked(page: Page, tmp_path: Path) -> None:
    cases = [case(number) for number in range(1, 601)]
    names = ("base", *(f"other-{n}" for n in range(5)))
    samples = [sample(name, one, 50.0) for name in names for one in cases]
    opened(page, written(tmp_path, cases, samples))
    assert len(ids(page)) == 600
    page.get_by_label("a word").fill(cases[598].paper.title)
    assert cases[598].paper.versioned in ids(page)
