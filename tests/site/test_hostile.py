"""Papers that attack their reader: shown as text, and nothing of them is executed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from pipeline.records import Section
from pipeline.site.update import update
from tests.site.browser import visit
from tests.site.made import DAY, FIRST, HOSTILE, add_day, config, papers, store_in, weekdays


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A paper with an attack in every field, also as a replacement and as owed."""
    settings = config(tmp_path_factory.mktemp("hostile"))
    store = store_in(settings)
    (paper, _, _), (owed, _, _) = papers(2)
    attack = {"title": HOSTILE, "abstract": HOSTILE, "comment": HOSTILE, "authors": (HOSTILE,)}
    earlier = paper.model_copy(update={"comment": "before"})
    later = paper.model_copy(update={**attack, "version": 2})
    add_day(store, settings, weekdays(2)[0], [(earlier, "该论文。", Section.NEW)])
    add_day(
        store,
        settings,
        FIRST,
        [(owed.model_copy(update=attack), "", Section.NEW), (later, HOSTILE, Section.REPLACED)],
    )
    update(store, settings)
    return settings.paths.outputs / "site"


@pytest.mark.parametrize("name", [DAY, "index.html", "paper/2001.00002.html"])
def test_nothing_of_a_paper_is_executed(page: Page, hostile: Path, name: str) -> None:
    visit(page, hostile / name)
    page.locator("input[type=search]").fill("onerror")
    expect(page.locator("#results .paper")).to_have_count(2)
    page.locator("#results summary").first.click()
    assert page.title() not in {"x", "1"}
    assert page.locator("img, iframe, object, style, #results script, main script").count() == 0
    addresses = page.eval_on_selector_all("a", "links => links.map(link => link.protocol)")
    assert set(addresses) <= {"https:", "file:"}


def test_a_paper_with_attacks_is_shown_as_text(page: Page, hostile: Path) -> None:
    visit(page, hostile / DAY)
    assert '<img src=x onerror="document.title=1">' in page.locator("main").inner_text()
    assert "\u202e" not in page.content()
    assert "[U+202E]" in page.content()
    owed = page.locator(".line.owed")
    assert "待补" in owed.inner_text()
    assert "核对：has <b> no line" in owed.inner_text()
    policy = page.locator("meta[http-equiv]").get_attribute("content") or ""
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_a_replacement_says_what_changed(page: Page, hostile: Path) -> None:
    visit(page, hostile / DAY)
    changes = page.locator(".changes")
    summary = changes.locator("summary").inner_text()
    assert re.fullmatch(r"与 v1 相比：标题、摘要、作者、备注有改动", summary)
    changes.locator("summary").click()
    assert changes.locator("del").first.is_visible()
    assert changes.locator("ins").first.is_visible()
