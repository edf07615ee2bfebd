"""A score of one's own, learned in the browser from stars and from what was put aside."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.site.browser import visit
from tests.site.made import DAY, made_site

MUSIC = "music melody chord genre instrument composer singing rhythm score harmony"
SPEECH = "speech recognition speaker transcription accent phoneme utterance dialogue voice noise"
PLAIN = "we propose a method with a model and show results on data for the task in experiments"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    _, settings = made_site(tmp_path_factory.mktemp("site"), days=1, papers_a_day=26)
    return settings.paths.outputs / "site"


def made_papers(subject: str, count: int, seed: int) -> list[dict[str, Any]]:
    """Papers that speak of one subject among words that all papers have."""
    chance = random.Random(seed)
    return [
        {
            "id": f"{seed}.{number}",
            "title": " ".join(chance.sample(subject.split(), 3)),
            "abstract": " ".join(chance.sample(subject.split(), 4) + PLAIN.split()),
        }
        for number in range(count)
    ]


def test_what_is_like_the_stars_scores_high_and_says_why(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    liked, disliked = made_papers(MUSIC, 5, 1), made_papers(SPEECH, 3, 2)
    new = made_papers(MUSIC, 10, 3) + made_papers(SPEECH, 10, 4)
    found = page.evaluate("(given) => jianjie.mine(...given)", [liked, disliked, new])
    scores = [one["score"] for one in found]
    assert all(0 <= score <= 10 for score in scores)
    assert min(scores[:10]) > max(scores[10:])
    assert set(found[0]["why"]) & set(MUSIC.split()) and "method" not in found[0]["why"]
    assert found[0]["near"] in {f"收藏的《{one['title']}》" for one in liked}
    assert page.evaluate("(given) => jianjie.mine(...given)", [liked[:2], [], new]) is None
    again = page.evaluate("(given) => jianjie.mine(...given)", [liked, disliked, new])
    assert again == found


def test_without_anything_put_aside_the_others_are_what_one_does_not_like(
    page: Page, site: Path
) -> None:
    visit(page, site / DAY)
    new = made_papers(MUSIC, 3, 3) + made_papers(SPEECH, 20, 4)
    found = page.evaluate("(given) => jianjie.mine(...given)", [made_papers(MUSIC, 4, 1), [], new])
    ranked = sorted(found, key=lambda one: -one["score"])
    assert {one["id"] for one in ranked[:3]} == {one["id"] for one in new[:3]}


def test_three_stars_open_the_order_and_it_stays(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    assert page.get_by_role("button", name="评分优先").count() == 0
    page.locator(".star").nth(0).click()
    page.reload()
    page.wait_for_selector("[data-ready]", state="attached")
    expect(page.get_by_role("button", name="评分优先")).to_be_disabled()
    page.locator(".star").nth(4).click()
    page.locator(".star").nth(8).click()
    page.keyboard.press("v")
    page.keyboard.press("v")
    page.get_by_role("button", name="评分优先").click()
    new = page.locator('section[data-section="new"] .score')
    shown = [float(text) for text in new.all_inner_texts()]
    assert len(shown) == 20 and shown == sorted(shown, reverse=True)
    assert "词：" in (new.first.get_attribute("title") or "")
    page.locator(".paper .line").first.click()
    expect(page.locator(".why").first).to_be_visible()
    page.get_by_label("最低评分").select_option("5 分以上")
    left = page.locator(".paper:visible .score").all_inner_texts()
    assert 0 < len(left) < 26 and all(float(text) >= 5 for text in left)
    page.reload()
    page.wait_for_selector("[data-ready]", state="attached")
    assert page.locator(".paper:visible .score").all_inner_texts() == left


def test_what_is_put_aside_is_out_of_sight_and_can_be_brought_back(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    first, second = (page.locator(".paper").nth(n).get_attribute("data-id") for n in (0, 1))
    page.keyboard.press("j")
    page.keyboard.press("n")
    expect(page.locator(f'.paper[data-id="{first}"]')).to_be_hidden()
    assert page.evaluate("document.activeElement.dataset.id") == second
    page.reload()
    page.wait_for_selector("[data-ready]", state="attached")
    expect(page.locator(f'.paper[data-id="{first}"]')).to_be_hidden()
    page.get_by_role("button", name="取回不感兴趣的 1 篇").click()
    expect(page.locator(f'.paper[data-id="{first}"]')).to_be_visible()
