"""Evidence through a whole night: asked for, held against the paper, published, and shown."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.conftest import ROOT
from tests.night.test_reprocess import ID, PAPER
from tests.site.browser import reader, visit
from tests.standins.house import House, one_error, open_house
from tests.standins.model import Answer, Request, good_line, title_of
from tests.standins.quoting import quoted, quoting, sentences_of


@pytest.fixture(scope="module")
def quoting_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The example day by the prompt that asks for evidence; read only."""
    with open_house(tmp_path_factory.mktemp("quoting"), prompt="evidence") as house:
        house.model.answer = quoting
        result = house.run("run")
        assert result.returncode == 0, result.stderr
        yield house


def test_every_line_has_its_quotes_and_where_they_stand(quoting_house: House) -> None:
    for paper in quoting_house.document["papers"]:
        assert {one["part"] for one in paper["evidence"]} == {"task", "problem", "method"}
        for one in paper["evidence"]:
            assert one["words"] in paper["line"]
            assert one["where"] == "abstract"
            assert " ".join(one["quote"].split()) in " ".join(paper["abstract"].split())


def test_the_digest_is_the_same_byte_for_byte_without_it(
    quoting_house: House, finished: House
) -> None:
    assert quoting_house.digest.read_bytes() == finished.digest.read_bytes()
    assert "evidence" not in finished.document["papers"][0]


def test_the_store_is_rebuilt_with_it(quoting_house: House, tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    shutil.copytree(quoting_house.digest.parent, outputs / quoting_house.digest.parent.name)
    with open_house(tmp_path, prompt="evidence") as house:
        before = house.document
        assert house.run("restore").returncode == 0
        assert house.run("render").returncode == 0
        assert house.document == before
        assert house.paper(PAPER)["evidence"]


def replies(*made: Callable[[Request], object]) -> Callable[[Request], Answer]:
    """One after the other for each paper, the last again and again."""
    asked: dict[str, int] = {}

    def answer(request: Request) -> Answer:
        title = title_of(request)
        at = asked.get(title, 0)
        asked[title] = at + 1
        return Answer(text=json.dumps(made[min(at, len(made) - 1)](request), ensure_ascii=False))

    return answer


def good(request: Request) -> object:
    return json.loads(quoting(request).text)


def invented(request: Request) -> object:
    real = sentences_of(request)[0]
    line = good_line(title_of(request))
    return quoted(line, [real, real, "This sentence is in no paper that was ever written."])


def endless(request: Request) -> object:
    real = sentences_of(request)[0]
    return quoted(good_line(title_of(request)), [real, real, "on and on " * 1000])


def without(request: Request) -> object:
    return {"分类": ["cs.SD"], "简介": good_line(title_of(request))}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (invented, "evidence: the quote for 方法 is not in the paper"),
        (endless, "evidence: the quote for 方法 has more than 500 characters"),
        (without, "reply_form: JSON key '依据'"),
    ],
)
def test_what_is_wrong_is_told_to_the_model_and_put_right(
    quoting_house: House, bad: Callable[[Request], object], reason: str
) -> None:
    house = quoting_house
    lines = house.paper(PAPER)["line"]
    house.settings(prompt="evidence", models=_standin(house, temperature=0.3 + len(reason) / 1e3))
    house.model.answer = replies(bad, good)
    calls = len(house.model.requests)

    result = house.run("reprocess", ID)

    assert result.returncode == 0, result.stderr
    _, again = house.model.requests[calls:]
    assert reason in again["messages"][-1]["content"]
    assert house.paper(PAPER)["line"] == lines
    assert house.paper(PAPER)["provenance"]["tries"] == 2


def _standin(house: House, **profile: object) -> dict[str, object]:
    """Another temperature is another question."""
    made = {"base_url": house.model.url, "model": "standin-1", "replies": "json_object", **profile}
    return {"standin": made}


def test_show_tells_it_in_the_terminal(quoting_house: House) -> None:
    shown = quoting_house.run("show", ID, COLUMNS="400").stdout
    for one in quoting_house.paper(PAPER)["evidence"]:
        assert f"{one['words']} ← abstract: {one['quote']}"[:100] in shown


def test_where_no_quote_is_real_nothing_is_published(tmp_path: Path) -> None:
    with open_house(tmp_path, prompt="evidence") as house:
        house.model.answer = replies(invented)
        result = house.run("run", "--limit", "1")
        assert result.returncode == 1
        (owed,) = [p for p in house.document["papers"] if "evidence" in str(p.get("owed"))]
        assert owed["owed"]["stage"] == "validate"
        assert "no paper that was ever" not in house.digest.with_suffix(".json").read_text("utf-8")


@pytest.mark.parametrize("name", ["day", "paper"])
def test_a_pointer_on_a_part_shows_its_sentence(
    page: Page, quoting_house: House, name: str
) -> None:
    visit(page, page_of(quoting_house, name))
    evidence = quoting_house.paper(PAPER)["evidence"]
    article = page.locator(f'.paper[data-id="{ID}"]').first
    for number, one in enumerate(evidence, 1):
        article.locator(f'.part[data-part="{number}"]').hover()
        tip = page.get_by_role("tooltip")
        assert " ".join(one["quote"].split()) in tip.inner_text()
        assert "摘要" in tip.inner_text()
        box = tip.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 1100
    page.keyboard.press("Escape")
    assert page.get_by_role("tooltip").count() == 0


def page_of(house: House, name: str) -> Path:
    site = house.folder / "outputs" / "site"
    return site / ("2026-01-07/audio.html" if name == "day" else f"paper/{ID}.html")


def test_a_key_opens_the_list_and_a_screen_reader_reads_it(
    page: Page, quoting_house: House
) -> None:
    visit(page, page_of(quoting_house, "day"))
    page.keyboard.press("j")
    article = page.locator(".paper:focus")
    assert not article.locator(".evidence li").first.is_visible()
    page.keyboard.press("e")
    items = article.get_by_role("listitem")
    assert [item.locator(".mark").inner_text() for item in items.all()] == ["任务", "问题", "方法"]
    assert items.first.is_visible()
    page.keyboard.press("e")
    assert not items.first.is_visible()


def test_a_finger_asks_about_the_part_and_opens_nothing_else(
    browser: Browser, quoting_house: House
) -> None:
    with reader(browser, phone=True, touch=True) as page:
        visit(page, page_of(quoting_house, "day"))
        article = page.locator(f'.paper[data-id="{ID}"]').first
        article.locator(".part").first.tap()
        box = page.get_by_role("tooltip").bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390
        assert not article.locator(".abstract p").is_visible()


@pytest.mark.parametrize("name", ["day", "paper"])
def test_nothing_serious_for_axe(page: Page, quoting_house: House, name: str) -> None:
    visit(page, page_of(quoting_house, name))
    page.locator(".part").first.hover()
    for summary in page.locator(".evidence summary:visible").all():
        summary.click()
    assert Axe().run(page, options={"preload": False}).response["violations"] == []


def test_without_a_script_the_list_is_there(browser: Browser, quoting_house: House) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_of(quoting_house, "paper").as_uri())
    page.locator(".evidence summary").first.click()
    assert page.locator(".evidence li").first.is_visible()
    context.close()


def test_a_variant_that_cannot_have_it_says_so(quoting_house: House, tmp_path: Path) -> None:
    text = (ROOT / "prompts" / "evidence.md").read_text(encoding="utf-8")
    bad = tmp_path / "mine.md"
    bad.write_text(text.replace("reply: json", "reply: labelled"), encoding="utf-8")
    said = one_error(quoting_house.run("run", "--prompt", str(bad)), 2)
    assert "evidence: quotes come with reply: json alone" in said
    silent = text.replace("依据", "证明").replace("examples/20", "20")
    bad.write_text(silent, encoding="utf-8")
    assert "never says 依据" in one_error(quoting_house.run("run", "--prompt", str(bad)), 2)
