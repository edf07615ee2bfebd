"""Judging in a real browser: keys, going on after a break, and the page as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from pipeline.clock import Clock
from pipeline.evaluate.people.page import render_page
from pipeline.evaluate.people.server import Desk, serving
from pipeline.evaluate.people.sheet import Sheet, sheet
from pipeline.evaluate.people.votes import Votes, file_of, read_votes, votes_so_far
from tests.evaluate.people.made import kept
from tests.evaluate.test_report import HOSTILE
from tests.site.browser import reader

MADE = sheet(kept(3), "kim")
BLANK = Votes(run=MADE.run, judge=MADE.judge)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with serving(Desk(tmp_path, MADE, Clock())) as served:
        yield served


def opened(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("#judge[data-ready]")


def at(page: Page, number: int) -> None:
    """Wait until this pair is shown, from 0."""
    page.wait_for_selector(f"#judge[data-at='{number}']")


def test_keys_judge_one_pair_after_the_other(page: Page, address: str, tmp_path: Path) -> None:
    opened(page, address)
    for number, key in enumerate(("ArrowLeft", "ArrowRight", "t", "b")):
        at(page, number)
        page.keyboard.press(key)
    at(page, 4)
    votes = votes_so_far(tmp_path, MADE.run, "kim").votes
    assert [vote.item for vote in votes] == [item.id for item in MADE.items[:4]]
    assert [vote.overall for vote in votes] == ["left", "right", "tie", "both bad"]


def test_what_is_shown_is_the_pair(page: Page, address: str) -> None:
    opened(page, address)
    first = MADE.items[0]
    assert page.locator(".line span").all_inner_texts() == [first.left, first.right]
    expect(page.locator("h2")).to_have_text(first.title)
    expect(page.locator(".abstract")).to_have_text(first.abstract)


def test_aspects_are_judged_by_key_and_button(page: Page, address: str, tmp_path: Path) -> None:
    opened(page, address)
    page.keyboard.press("1")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("3")
    page.keyboard.press("t")
    page.locator("[data-aspect=problem] button", has_text="甲好").click()
    at(page, 0)
    page.keyboard.press("ArrowLeft")
    at(page, 1)
    (vote,) = votes_so_far(tmp_path, MADE.run, "kim").votes
    assert (vote.task, vote.problem, vote.method) == ("right", "left", "tie")
    assert vote.overall == "left"


def test_one_goes_back_and_thinks_again(page: Page, address: str, tmp_path: Path) -> None:
    opened(page, address)
    page.keyboard.press("ArrowLeft")
    at(page, 1)
    page.keyboard.press("u")
    at(page, 0)
    expect(page.locator(".choices [data-value=left]")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".choices [data-value=right]")).to_have_attribute("aria-pressed", "true")
    (vote,) = votes_so_far(tmp_path, MADE.run, "kim").votes
    assert vote.overall == "right"


def test_after_a_break_it_goes_on_where_it_was(browser: Browser, address: str) -> None:
    with reader(browser) as page:
        opened(page, address)
        page.keyboard.press("t")
        at(page, 1)
    with reader(browser) as page:
        opened(page, address)
        at(page, 1)
        expect(page.get_by_role("status")).to_contain_text(f"已评 1 / {len(MADE.items)}")


def test_at_the_end_it_says_so_and_the_program_goes_on(page: Page, tmp_path: Path) -> None:
    desk = Desk(tmp_path, MADE, Clock())
    with serving(desk) as address:
        opened(page, address)
        for number in range(len(MADE.items)):
            at(page, number)
            page.keyboard.press("t")
        expect(page.get_by_role("status")).to_contain_text("都评完了")
        page.get_by_role("button", name="结束，看结果").click()
        expect(page.locator("h1")).to_have_text("结果在终端里。")
        assert desk.ended.wait(5)


def test_a_server_that_is_gone_is_told(browser: Browser, tmp_path: Path) -> None:
    page = browser.new_context().new_page()  # the failed request is an error in the console
    with serving(Desk(tmp_path, MADE, Clock())) as address:
        opened(page, address)
    page.keyboard.press("t")
    expect(page.get_by_role("alert")).to_contain_text("再运行一次")
    assert page.locator("#judge").get_attribute("data-at") == "0"
    page.context.close()


def written(folder: Path, made: Sheet = MADE) -> str:
    file = folder / "page.html"
    file.write_text(render_page(made, BLANK, "file"), encoding="utf-8")
    return file.as_uri()


def test_as_a_file_it_remembers_and_saves(page: Page, tmp_path: Path) -> None:
    address = written(tmp_path)
    opened(page, address)
    page.keyboard.press("2")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("b")
    at(page, 1)
    page.reload()
    at(page, 1)
    page.keyboard.press("t")
    at(page, 2)
    with page.expect_download() as saving:
        page.get_by_role("button", name="存成文件").click()
    saved = file_of(tmp_path, "kim")
    saving.value.save_as(saved)
    votes = read_votes(saved)
    assert (votes.run, votes.judge) == (MADE.run, "kim")
    assert [vote.overall for vote in votes.votes] == ["both bad", "tie"]
    assert votes.votes[0].problem == "left"
    assert json.loads(saved.read_text("utf-8"))["votes"][0]["item"] == MADE.items[0].id


def test_hostile_text_stays_text(page: Page, tmp_path: Path) -> None:
    bad = tuple(
        item.model_copy(
            update={"title": HOSTILE, "abstract": HOSTILE, "left": HOSTILE, "right": HOSTILE}
        )
        for item in MADE.items
    )
    opened(page, written(tmp_path, MADE.model_copy(update={"items": bad})))
    assert "onerror=alert(1)" in page.locator("#judge").inner_text()
    assert page.locator("#judge img, #judge script").count() == 0


@pytest.mark.parametrize(("phone", "dark"), [(False, False), (False, True), (True, False)])
def test_it_is_fine_for_axe(browser: Browser, tmp_path: Path, phone: bool, dark: bool) -> None:
    with reader(browser, phone=phone, dark=dark) as page:
        opened(page, written(tmp_path))
        page.keyboard.press("1")
        page.keyboard.press("t")
        found = Axe().run(page, options={"preload": False})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert found.response["violations"] == []
