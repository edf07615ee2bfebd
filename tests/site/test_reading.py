"""The site in a real browser, opened from a folder: what a reader sees and does."""

from __future__ import annotations

import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, expect

from pipeline.records import Section
from pipeline.settings import InterestSettings, Terms
from pipeline.site.update import update
from pipeline.text.interests import ranked, score
from pipeline.text.matching import fold, matches, stem
from tests.conftest import ROOT
from tests.site.browser import reader, visit
from tests.site.made import (
    DAY,
    EXAMPLE,
    FIRST,
    add_day,
    config,
    made_site,
    papers,
    store_in,
    summary,
    weekdays,
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    _, settings = made_site(folder, days=30, papers_a_day=26)
    return settings.paths.outputs / "site"


def lines(page: Page) -> list[str]:
    return page.locator(".paper:visible .line").all_inner_texts()


def test_a_day_shows_each_line_first_and_large(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    assert page.locator(".paper").count() == 26
    first = page.locator(".paper").first
    assert first.locator(":scope > *").first.get_attribute("class") == "line"
    size = "element => parseFloat(getComputedStyle(element).fontSize)"
    sizes = [first.locator(name).first.evaluate(size) for name in (".line", ".title", ".authors")]
    assert sizes[0] > sizes[1] >= sizes[2]
    tag = page.locator(".tag", has_text="eess.AS").first
    assert tag.get_attribute("title") == "音频与语音处理"
    assert [a.inner_text() for a in first.locator(".links a").all()] == ["abs", "pdf", "html"]
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    assert page.locator("nav.days a").first.inner_text() == f"← {weekdays(2)[0]}"
    page.locator("nav.days a").first.click()
    assert page.url.endswith(f"{weekdays(2)[0]}/audio.html")


def test_abstracts_unfold_and_papers_have_pages(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    abstract = page.locator(".abstract p").first
    assert not abstract.is_visible()
    page.locator(".abstract summary").first.click()
    assert abstract.is_visible()
    title = page.locator(".title a").first.inner_text()
    page.locator(".title a").first.click()
    page.wait_for_selector("[data-ready]", state="attached")
    assert page.locator("h1").inner_text() == title
    assert page.locator(".version h2").count() == 1


def test_the_search_finds_over_all_days(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    page.keyboard.press("/")
    page.keyboard.type("vocalbridge 净化")
    expect(page.locator("#results .paper")).to_have_count(30)
    assert "30 篇" in page.locator("#results .counts").inner_text()
    assert not page.locator("#content").is_visible()
    marked = page.locator("#results .line mark").first.inner_text()
    assert marked in {"VocalBridge", "净化"}
    dates = page.locator("#results .marks a").all_inner_texts()
    assert dates == sorted(dates, reverse=True)
    page.keyboard.press("Escape")
    assert page.locator("#content").is_visible()


@pytest.mark.parametrize("word", ["Abbasihafshejani", "2001.00002", "voiceprint", "净化技术突破"])
def test_authors_ids_titles_and_lines_are_searched(page: Page, site: Path, word: str) -> None:
    visit(page, site / "index.html")
    page.locator("input[type=search]").fill(word)
    expect(page.locator("#results .paper")).not_to_have_count(0)
    page.locator("input[type=search]").fill("no such words at all")
    expect(page.locator("#results .paper")).to_have_count(0)


def test_a_phrase_in_quotes_is_one_word(page: Page, site: Path) -> None:
    visit(page, site / "index.html")
    search = page.locator("input[type=search]")
    search.fill('"latent diffusion-bridge" purification')
    expect(page.locator("#results .paper")).to_have_count(30)
    search.fill('"diffusion-bridge latent"')
    expect(page.locator("#results .paper")).to_have_count(0)
    search.fill('"vocalbridge')
    expect(page.locator("#results .paper")).to_have_count(30)
    search.fill("   ")
    expect(page.locator("#content")).to_be_visible()


def test_an_input_method_searches_only_what_it_commits(page: Page, site: Path) -> None:
    """Composing goes through the browser's own input method interface."""
    visit(page, site / "index.html")
    page.locator("input[type=search]").focus()
    session = page.context.new_cdp_session(page)
    for letters in ("y", "yu", "yuyin"):
        session.send(
            "Input.imeSetComposition",
            {"text": letters, "selectionStart": len(letters), "selectionEnd": len(letters)},
        )
        assert page.locator("#results").is_hidden()
    session.send("Input.insertText", {"text": "语音安全"})
    expect(page.locator("#results .paper")).to_have_count(30)


def test_filters_and_the_address_keep_each_other(page: Page, site: Path) -> None:
    visit(page, site / "index.html")
    page.get_by_role("button", name="筛选").click()
    page.get_by_label("栏目").select_option("更新")
    page.get_by_label("从").fill(str(weekdays(3)[0]))
    results = page.locator("#results .paper")
    expect(results).to_have_count(18)
    page.get_by_label("分类").fill("cs.CL")
    expect(results).not_to_have_count(18)
    found = lines(page)
    assert found
    with reader(page.context.browser or pytest.fail("no browser")) as other:
        visit(other, site / "index.html", page.url[page.url.index("#") :])
        expect(other.locator("#results .paper")).to_have_count(len(found))
        assert lines(other) == found


def test_a_tag_filters_the_day(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    page.locator(".tag", has_text="cs.CR").first.click()
    shown = page.locator(".paper:visible")
    assert 0 < shown.count() < 26
    assert all("cs.CR" in (one.get_attribute("data-tags") or "") for one in shown.all())
    page.get_by_role("button", name="cs.CR 密码学与安全 ✕").click()
    assert page.locator(".paper:visible").count() == 26


def test_keys_move_unfold_and_star(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    here = "document.activeElement.dataset.id"
    ids = [one.get_attribute("data-id") for one in page.locator(".paper").all()]
    page.keyboard.press("j")
    assert page.evaluate(here) == ids[0]
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.evaluate(here) == ids[1]
    page.keyboard.press("o")
    assert page.locator(".paper").nth(1).locator(".abstract p").is_visible()
    page.keyboard.press("x")
    assert page.locator("#stars").inner_text() == "收藏 1"
    assert page.evaluate(here) == ids[1]
    page.keyboard.press("x")
    assert page.locator("#stars").inner_text() == "收藏"
    page.keyboard.press("/")
    page.keyboard.type("jk")
    assert page.locator("input[type=search]").input_value() == "jk"


def test_stars_stay_and_are_exported(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    page.locator(".star").nth(1).click()
    page.reload()
    page.wait_for_selector("[data-ready]", state="attached")
    assert page.locator(".star").nth(1).get_attribute("aria-pressed") == "true"
    entry = EXAMPLE.new[1]
    page.locator("#stars").click()
    with page.expect_download() as downloaded:
        page.get_by_role("button", name="导出 BibTeX").click()
    bibtex = downloaded.value.path().read_text(encoding="utf-8")
    assert bibtex.startswith("@misc{arxiv-2001.")
    assert "  author = {Maryam Abbasihafshejani and AHM Nazmus Sakib and " in bibtex
    assert "  primaryClass = {cs.SD}," in bibtex
    assert entry.title in bibtex
    with page.expect_download() as downloaded:
        page.get_by_role("button", name="导出 Markdown").click()
    markdown = downloaded.value.path().read_text(encoding="utf-8")
    assert "](https://arxiv.org/abs/2001." in markdown
    assert (entry.line or "") in markdown


def test_interests_of_ones_own_rank_and_highlight(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    before = lines(page)
    page.get_by_role("button", name="兴趣").click()
    more = page.get_by_label("关键词").first
    more.fill("深度伪造")
    page.get_by_label("关键词").nth(1).fill("语音")
    page.get_by_role("button", name="保存").click()
    after = lines(page)
    assert sorted(after) == sorted(before)
    assert "深度伪造" in after[0]
    assert page.locator(".line mark").first.inner_text() == "深度伪造"
    page.get_by_role("button", name="arXiv 顺序").click()
    assert lines(page) == before
    page.reload()
    page.wait_for_selector("[data-ready]", state="attached")
    assert lines(page) == before
    page.get_by_role("button", name="兴趣", exact=True).click()
    page.get_by_role("button", name="恢复默认").click()
    assert page.locator("main mark").count() == 0


def test_what_is_muted_is_out_of_sight_until_one_asks(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    page.get_by_role("button", name="兴趣").click()
    page.locator("dialog .columns > div").nth(2).locator("textarea").nth(2).fill("cs.CL")
    page.get_by_role("button", name="保存").click()
    having = page.locator(".paper[data-tags~='cs.CL']")
    count = having.count()
    assert (
        count > 0
        and page.locator(".paper:visible").count() == page.locator(".paper").count() - count
    )
    page.reload()
    page.wait_for_selector("[data-ready]", state="attached")
    page.get_by_role("button", name=f"静音的 {count} 篇").click()
    assert page.locator(".paper:visible").count() == page.locator(".paper").count()


def test_the_settings_interests_rank_like_the_messages(browser: Browser, tmp_path: Path) -> None:
    """The script's order is pipeline/text/interests.py's."""
    own = InterestSettings(
        more=Terms(keywords=("Audio", "语音"), authors=("Li",), tags=("cs.CR",)),
        less=Terms(keywords=("benchmark",), tags=("cs.LG",)),
    )
    settings = config(tmp_path).model_copy(update={"interests": own})
    store = store_in(settings)
    day = list(papers(26))
    add_day(store, settings, FIRST, day)
    update(store, settings)
    new = [(paper, line) for paper, line, section in day if section is Section.NEW]
    expected = ranked(new, lambda pair: score(pair[0], pair[1], pair[0].categories, own).value)
    with reader(browser) as page:
        visit(page, settings.paths.outputs / "site" / DAY)
        found = [
            one.get_attribute("data-id")
            for one in page.locator('section[data-section="new"] .paper').all()
        ]
    assert found == [paper.arxiv_id for paper, _ in expected]
    assert found != [paper.arxiv_id for paper, _ in new]


def test_the_matching_rule_is_the_same_in_both_languages(page: Page, site: Path) -> None:
    visit(page, site / "index.html")
    table = json.loads((ROOT / "tests" / "text" / "matching.json").read_text(encoding="utf-8"))
    for kind, cases in table.items():
        for needle, text, expected in cases:
            found = page.evaluate(
                "([needle, text, exact]) => jianjie.matches(needle, text, exact)",
                [needle, text, kind == "exact"],
            )
            assert found is expected, (needle, text)
    pieces = st.lists(
        st.sampled_from(
            [*"aAsS1 -_'\u2019\t语音ＡßéİΣ", "ing", "ed", "ies", "es", "model", "C++", "LL"]
        ),
        max_size=8,
    ).map("".join)

    @hypothesis_settings(
        max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(pieces, pieces)
    def same(needle: str, text: str) -> None:
        theirs = page.evaluate(
            "([needle, text]) => [jianjie.matches(needle, text), jianjie.fold(text),"
            " jianjie.stem(needle)]",
            [needle, text],
        )
        assert theirs == [matches(needle, text), fold(text), stem(needle)]

    same()


def test_inflections_are_marked_whole_and_accents_do_not_matter(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    page.get_by_role("button", name="兴趣").click()
    page.get_by_label("关键词").first.fill("audio language model")
    page.get_by_role("button", name="保存").click()
    marked = {text.lower() for text in page.locator("main mark").all_text_contents()}
    assert "audio language models" in marked


def test_it_works_from_a_web_server_too(page: Page, site: Path) -> None:
    handler = partial(_Quiet, directory=str(site.parent))  # in a folder, as GitHub Pages has it
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.goto(f"http://127.0.0.1:{server.server_port}/site/{DAY}#?q=vocalbridge")
        expect(page.locator("#results .paper")).to_have_count(30)
        page.locator("#results .title a").first.click()
        expect(page.locator("h1")).to_contain_text("VocalBridge")
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("phone", [False, True])
@pytest.mark.parametrize("name", [DAY, "index.html", "paper/2001.00780.html"])
def test_nothing_serious_for_axe(
    browser: Browser, site: Path, name: str, phone: bool, dark: bool
) -> None:
    with reader(browser, phone=phone, dark=dark) as page:
        visit(page, site / name)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, "the page is wider than its window"
        found = Axe().run(page, options={"preload": False}).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def test_dialogs_and_results_are_fine_for_axe_too(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    page.get_by_role("button", name="筛选").click()
    page.locator("input[type=search]").fill("VocalBridge")
    expect(page.locator("#results .paper")).to_have_count(30)
    assert Axe().run(page, options={"preload": False}).response["violations"] == []
    page.get_by_role("button", name="兴趣").click()
    assert Axe().run(page, options={"preload": False}).response["violations"] == []


def test_the_theme_can_be_chosen(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="配色").click()
    page.get_by_role("button", name="配色").click()
    dark = page.evaluate(background)
    assert dark != light
    page.reload()
    assert page.evaluate(background) == dark


def test_it_reads_without_a_script(browser: Browser, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / DAY).as_uri())
    assert page.locator(".paper .line").count() == 26
    page.locator(".abstract summary").first.click()
    assert page.locator(".abstract p").first.is_visible()
    context.close()


def test_print_leaves_the_tools_away(page: Page, site: Path) -> None:
    visit(page, site / DAY)
    page.emulate_media(media="print")
    assert not page.locator("header").is_visible()
    assert page.locator(".line").first.is_visible()


def test_thousands_of_authors_are_folded(browser: Browser, tmp_path: Path) -> None:
    settings = config(tmp_path)
    store = store_in(settings)
    (paper, line, section) = next(papers(1))
    many = tuple(f"Author Number{number}" for number in range(3000))
    add_day(store, settings, FIRST, [(paper.model_copy(update={"authors": many}), line, section)])
    update(store, settings)
    with reader(browser) as page:
        visit(page, settings.paths.outputs / "site" / DAY)
        assert "等 3000 位作者" in page.locator(".many summary").inner_text()
        assert not page.locator(".authors").is_visible()
        page.locator("input[type=search]").fill("number2999")
        expect(page.locator("#results .paper")).to_have_count(1)


def test_a_day_of_400_papers_is_quick_to_use(browser: Browser, tmp_path: Path) -> None:
    _, settings = made_site(tmp_path, days=1, papers_a_day=400)
    with reader(browser) as page:
        visit(page, settings.paths.outputs / "site" / DAY)
        assert page.locator(".paper").count() == 400
        page.keyboard.press("j")
        page.locator(".tag", has_text="cs.CR").first.click()
        assert 0 < page.locator(".paper:visible").count() < 400


def test_a_paper_of_no_day_is_found_and_leads_to_its_page(page: Page, tmp_path: Path) -> None:
    store, settings = made_site(tmp_path, days=2, papers_a_day=3)
    ((alone, _, _),) = papers(1, start=900)
    store.papers.put(alone.model_copy(update={"title": "Asked for by itself"}))
    store.summaries.publish(summary(alone, "该论文属于单独撰写的任务。"))
    update(store, settings)
    folder = settings.paths.outputs / "site"
    visit(page, folder / "index.html")
    assert page.locator("#unlisted + ul a").all_inner_texts() == ["Asked for by itself"]
    page.locator("input[type=search]").fill("单独撰写")
    found = page.locator("#results .paper")
    expect(found).to_have_count(1)
    assert found.locator(".marks").count() == 0
    found.locator(".title a").click()
    page.wait_for_selector("[data-ready]", state="attached")
    assert page.locator("h1").inner_text() == "Asked for by itself"
    assert lines(page) == ["该论文属于单独撰写的任务。"]
    assert page.locator(".version h2 a").count() == 0
