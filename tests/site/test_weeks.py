"""Weeks with the best first, and what is counted over all days."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from selectolax.lexbor import LexborHTMLParser

from pipeline.settings import InterestSettings, Terms
from pipeline.site.charts import bars, columns
from pipeline.site.dates import week_of
from pipeline.site.update import update
from tests.site.browser import visit
from tests.site.made import FIRST, add_day, config, made_site, papers, store_in


def page_of(path: Path) -> LexborHTMLParser:
    return LexborHTMLParser(path.read_text(encoding="utf-8"))


def test_a_week_has_its_days_its_papers_and_its_neighbours(tmp_path: Path) -> None:
    _, settings = made_site(tmp_path, days=8, papers_a_day=5)
    site = settings.paths.outputs / "site"
    page = page_of(site / "week" / "2026-W02-audio.html")
    assert len(page.css(".paper")) == 15  # Monday to Wednesday
    assert [link.text() for link in page.css(".counts a")] == [
        "星期一 2026-01-05，5 篇", "星期二 2026-01-06，5 篇", "星期三 2026-01-07，5 篇"
    ]  # fmt: skip
    assert [link.attributes["href"] for link in page.css("nav.days a[rel]")] == [
        "2026-W01-audio.html"
    ]
    older = page_of(site / "week" / "2026-W01-audio.html")
    assert [link.text() for link in older.css("nav.days a[rel]")] == ["2026-W02 →"]
    for link in page.css("a[href]"):
        href = (link.attributes["href"] or "").partition("#")[0]
        if not href.startswith("http") and href:
            assert (site / "week" / href).resolve().is_file(), href


def test_what_suits_the_interests_comes_first(tmp_path: Path) -> None:
    wanted = InterestSettings(more=Terms(tags=("cs.CR",)))
    settings = config(tmp_path).model_copy(update={"interests": wanted})
    store = store_in(settings)
    add_day(store, settings, FIRST, list(papers(26)))
    update(store, settings)
    page = page_of(settings.paths.outputs / "site" / "week" / "2026-W02-audio.html")
    tagged = ["cs.CR" in (one.attributes["data-tags"] or "") for one in page.css(".paper")]
    assert any(tagged) and tagged == sorted(tagged, reverse=True)
    assert "最合兴趣的在前" in (page.html or "")


def test_a_week_of_hundreds_of_papers_stays_small(tmp_path: Path) -> None:
    _, settings = made_site(tmp_path, days=3, papers_a_day=100)
    path = settings.paths.outputs / "site" / "week" / "2026-W02-audio.html"
    page = page_of(path)
    assert len(page.css(".paper")) == 100 and "另有 200 篇，见各日" in (page.html or "")
    assert path.stat().st_size < 300_000


def test_the_turn_of_the_year_is_in_one_week() -> None:
    assert str(week_of(dt.date(2025, 12, 31))) == "2026-W01" == str(week_of(dt.date(2026, 1, 2)))


def test_statistics_add_up(tmp_path: Path) -> None:
    _, settings = made_site(tmp_path, days=40, papers_a_day=4)
    page = page_of(settings.paths.outputs / "site" / "statistics" / "audio.html")
    assert "160 篇，40 期" in page.css("h1")[0].text()
    titles = [title.text() for title in page.css(".wide .columns title")]
    assert len(titles) == 40 and titles[-1] == f"{FIRST}：4"
    lanes = [row.css("td")[0].text() for row in page.css(".lanes tr")]
    assert sum(map(int, lanes)) == 160 and len(lanes) == len(page.css(".lanes svg")) <= 8
    months = page.css(".bars")[-1].css("tbody tr")
    assert sum(int(row.css("td")[0].text()) for row in months) == 160
    assert not re.search(r"style=|<script(?! src)", page.html or "")


def test_both_read_well(page: Page, tmp_path: Path) -> None:
    _, settings = made_site(tmp_path, days=30, papers_a_day=6)
    for name in ("week/2026-W02-audio.html", "statistics/audio.html", "index.html"):
        visit(page, settings.paths.outputs / "site" / name)
        assert Axe().run(page, options={"preload": False}).response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_charts_of_nothing_and_of_hostile_labels() -> None:
    assert "最多 0" in columns([], "x")
    assert "<script>" not in bars([("<script>", 1)], ("<b>", "篇")) + columns([("<i>", 2)], '">')
    assert bars([("a", 3), ("b", 0)], ("x", "y")).count("<rect") == 2
