"""A day as a list to skim: what fits on a screen, what a line says of itself, groups, keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.site.browser import reader, visit
from tests.site.made import DAY, made_site

WHOLE = """() => {
  const top = document.querySelector("header").getBoundingClientRect().bottom;
  return [...document.querySelectorAll(".paper")].filter((paper) => {
    const { top: start, bottom } = paper.getBoundingClientRect();
    return start >= top - 1 && bottom <= innerHeight + 1;
  }).length;
}"""
"""How many papers stand whole on the screen."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    _, settings = made_site(tmp_path_factory.mktemp("site"), days=2, papers_a_day=26)
    return settings.paths.outputs / "site"


@pytest.mark.parametrize(("width", "height", "papers"), [(1280, 900, 7), (390, 844, 4)])
def test_a_screen_holds_several_papers(
    page: Page, site: Path, width: int, height: int, papers: int
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    visit(page, site / DAY)
    start = "document.querySelectorAll('.paper')[4].scrollIntoView({behavior: 'instant'})"
    page.evaluate(start)
    assert page.evaluate(WHOLE) >= papers
    assert page.evaluate("document.documentElement.scrollWidth") == width
    bar = page.locator("header").bounding_box()
    assert bar is not None and bar["height"] < 60  # one row


def test_what_holds_for_the_whole_day_is_said_once(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    assert page.locator(".note .mark", has_text="gemma-3-270m").count() == 1
    assert page.locator(".paper .mark").count() == 0


def test_a_click_on_a_line_unfolds_the_paper(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    paper = page.locator(".paper").nth(2)
    for part in (".abstract p", ".authors"):
        expect(paper.locator(part).first).to_be_hidden()
    paper.locator(".line").click()
    for part in (".abstract p", ".authors"):
        expect(paper.locator(part).first).to_be_visible()
    paper.locator(".line").click()
    expect(paper.locator(".abstract p")).to_be_hidden()


def test_without_a_script_the_abstract_unfolds_too(browser: Browser, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / DAY).as_uri())
    paper = page.locator(".paper").first
    paper.locator("summary", has_text="摘要").click()
    expect(paper.locator(".abstract p")).to_be_visible()
    expect(paper.locator(".authors")).to_be_visible()
    context.close()


def test_cards_are_a_choice_that_stays(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    height = "document.querySelector('.paper').offsetHeight"
    small = page.evaluate(height)
    page.get_by_role("button", name="卡片").click()
    assert page.evaluate(height) > 1.5 * small
    expect(page.locator(".paper .authors").first).to_be_visible()
    page.reload()
    page.wait_for_selector("[data-ready]", state="attached")
    assert page.evaluate(height) > 1.5 * small
    page.keyboard.press("v")
    assert page.evaluate(height) == small


def test_groups_by_task_and_by_tag_have_counts_and_lose_nothing(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    before = page.locator(".paper").evaluate_all("all => all.map((one) => one.dataset.id)")
    groups = page.get_by_label("分组")
    groups.select_option("按任务")
    new = page.locator('section[data-section="new"]')
    headings = new.locator(".group").all_inner_texts()
    counts = [int(text.split()[-1]) for text in headings]
    assert sum(counts) == new.locator(".paper").count() == 20
    assert len(headings) > 3
    named = counts[:-1] if headings[-1].startswith("其他") else counts
    assert named == sorted(named, reverse=True)
    groups.select_option("按分类")
    assert new.locator(".group", has_text="cs.SD 声音").count() == 1
    page.locator(".paper .tag", has_text="cs.IR").first.click()
    left = page.locator(".paper:visible").count()
    assert 0 < left < 5
    assert 0 < page.locator(".group:visible").count() <= left
    page.locator("#order button", has_text="✕").click()
    groups.select_option("不分组")
    after = page.locator(".paper").evaluate_all("all => all.map((one) => one.dataset.id)")
    assert after == before and page.locator(".group").count() == 0


def test_the_keys_are_told(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="按键")
    assert "下一篇" in dialog.inner_text()
    assert Axe().run(page, options={"preload": False}).response["violations"] == []
    dialog.get_by_role("button", name="关闭").click()
    assert page.get_by_role("dialog").count() == 0
    assert "配色：随系统" in page.locator("#tools").inner_text()


def test_an_empty_search_says_what_to_change(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    page.get_by_label("搜索").fill("zzzz")
    expect(page.locator("#results")).to_contain_text("换个词")
    page.get_by_role("button", name="筛选").click()
    page.get_by_label("栏目").select_option("更新")
    expect(page.locator("#results")).to_contain_text("放宽条件")


def test_on_a_phone_the_filters_bring_the_rest_of_the_bar(browser: Browser, site: Path) -> None:
    with reader(browser, phone=True) as page:
        visit(page, site / DAY)
        expect(page.get_by_role("button", name="兴趣")).to_be_hidden()
        page.get_by_role("button", name="筛选").click()
        expect(page.get_by_role("button", name="兴趣")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
