"""What a library is good for: the command, the site, its feed, and messages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import feedparser
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from pipeline.app import library_scores
from pipeline.config import Config
from pipeline.library.recent import recent_scores, with_abstracts
from pipeline.library.works import Work
from pipeline.settings import LibrarySettings
from pipeline.site.update import update
from pipeline.store.store import Store
from tests.library.made import CODEC, bibtex, made_works
from tests.site.browser import visit
from tests.site.made import DAY, FIRST, add_day, close_stores, config, papers, store_in
from tests.standins.house import House, one_error, open_house
from tests.standins.inbox import Inbox

pytest.importorskip("sklearn", reason="the extra `library` is not installed")

ASR = [
    Work(title=paper.title, abstract=paper.abstract)
    for paper, _, _ in papers(26)
    if "recognition" in f"{paper.title} {paper.abstract}".lower()
]
MINE = "A title that no listing has"
ASR.append(ASR[0].model_copy(update={"title": MINE}))


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Store, Config]]:
    """A day of the example's papers, and a library about speech recognition."""
    (tmp_path / "mine.bib").write_text(bibtex(ASR))
    own = LibrarySettings(files=(tmp_path / "mine.bib",), least=4)
    settings = config(tmp_path).model_copy(update={"library": own})
    store = store_in(settings)
    add_day(store, settings, FIRST, list(papers(26)))
    yield store, settings
    close_stores()


def no_warning(text: str) -> None:
    raise AssertionError(text)


def test_the_newest_papers_are_scored(made: tuple[Store, Config]) -> None:
    store, settings = made
    found = library_scores(settings, store, no_warning)
    assert len(found) == 26
    best = max(found.values(), key=lambda one: one.score)
    assert best.score > 5 and best.words and best.near in {work.title for work in ASR}
    assert recent_scores(LibrarySettings(), store) == {}


def test_an_abstract_that_the_store_has_is_the_works(made: tuple[Store, Config]) -> None:
    store, _ = made
    known = next(iter(papers(1)))[0]
    bare = Work(title="As exported", arxiv_id=known.arxiv_id)
    full, other = with_abstracts((bare, Work(title="x", arxiv_id="9999.99999")), store)
    assert full.abstract == known.abstract and other.abstract == ""


def test_trouble_is_told_and_scores_nothing(made: tuple[Store, Config], tmp_path: Path) -> None:
    store, settings = made
    (tmp_path / "mine.bib").unlink()
    told: list[str] = []
    assert library_scores(settings, store, told.append) == {}
    assert len(told) == 1 and "mine.bib: cannot be read" in told[0]
    assert update(store, settings, scores=lambda: library_scores(settings, store, told.append)) > 9
    assert not (settings.paths.outputs / "site" / "feed" / "audio-library.atom").exists()


def test_site_and_feed_have_the_scores(made: tuple[Store, Config]) -> None:
    store, settings = made
    scores = library_scores(settings, store, no_warning)
    update(store, settings, scores=lambda: scores)
    site = settings.paths.outputs / "site"
    found = feedparser.parse((site / "feed" / "audio-library.atom").read_bytes())
    good = {one for one, own in scores.items() if own.score >= 4}
    assert 0 < len(good) < 26
    assert {entry.link.rpartition("/")[2].partition("v")[0] for entry in found.entries} == good
    assert all("评分" in entry.content[0].value for entry in found.entries)
    assert f'src="../{FIRST}/audio.scores.js"' in (site / DAY).read_text()


def test_a_private_library_leaves_no_trace_on_the_site(made: tuple[Store, Config]) -> None:
    store, settings = made
    hidden = settings.library.model_copy(update={"on_site": False})
    settings = settings.model_copy(update={"library": hidden})
    update(store, settings, scores=lambda: library_scores(settings, store, no_warning))
    site = settings.paths.outputs / "site"
    files = [path for path in site.rglob("*") if path.is_file()]
    assert files and not [path for path in files if "scores" in path.name or "library" in path.name]
    assert not [path for path in files if MINE in path.read_text("utf-8", "replace")]


def test_the_page_orders_by_the_library_until_there_are_stars(
    made: tuple[Store, Config], page: Page
) -> None:
    store, settings = made
    update(store, settings, scores=lambda: library_scores(settings, store, no_warning))
    visit(page, settings.paths.outputs / "site" / DAY)
    new = page.locator('section[data-section="new"] .score')
    assert new.count() == 20
    page.get_by_role("button", name="评分优先").click()
    shown = [float(text) for text in new.all_inner_texts()]
    assert shown == sorted(shown, reverse=True) and shown[0] > 4
    assert "像文库中的《" in (new.first.get_attribute("title") or "")
    assert Axe().run(page, options={"preload": False}).response["violations"] == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.get_by_label("最低评分").select_option("3 分以上")
    assert 0 < page.locator(".paper:visible").count() < 26


def test_the_command_ranks_and_tells_mistakes(full: House) -> None:
    (full.folder / "mine.bib").write_text(bibtex(ASR))
    shown = full.run("rank", "mine.bib", "--least", "0", "--top", "3").stdout
    assert "3 of 26 papers, from 0 up" in shown and "like “" in shown
    ranking = json.loads(full.run("rank", "mine.bib", "--json", "--least", "0").stdout)
    values = [one["score"] for one in ranking]
    assert len(values) == 20 and values == sorted(values, reverse=True)
    assert set(ranking[0]) == {"id", "title", "line", "score", "words", "near"}
    (full.folder / "not.bib").write_text(bibtex(ASR))
    lower = full.run("rank", "mine.bib", "--not", "not.bib", "--json", "--least", "0").stdout
    assert json.loads(lower)[0]["score"] < values[0]
    assert "no library is named" in one_error(full.run("rank"), 2)
    assert "none.bib: cannot be read" in one_error(full.run("rank", "none.bib"), 2)
    assert "no field 'x'" in one_error(full.run("rank", "mine.bib", "-f", "x"), 2)
    none = one_error(full.run("rank", "mine.bib", "--date", "2020-01-01"), 2)
    assert "the store has no such day" in none


def test_the_settings_name_a_library(full: House) -> None:
    full.settings(library={"files": ["mine.bib"], "not_for_me": ["none.ris"]})
    assert "none.ris: cannot be read" in full.run("doctor", "--offline").stdout
    (full.folder / "mine.bib").write_text(bibtex(made_works(CODEC, 5, 1)))
    full.settings(library={"files": ["mine.bib"]})
    assert (
        "library: 5 works, 5 with an abstract; 0 not wanted"
        in full.run("doctor", "--offline").stdout
    )
    assert full.run("rank", "--least", "0", "--top", "1").returncode == 0
    full.settings(library={"files": ["mine.bib"], "embeddings": "none"})
    told = one_error(full.run("rank"), 2)
    assert "embeddings: 'none' is no profile in `models` with an endpoint" in told
    full.settings()


def test_a_nights_message_follows_the_library_and_a_night_without_one_is_a_night(
    tmp_path: Path,
) -> None:
    telling, named = {"to_env": ["HOOK"], "top": 3}, {"files": ["mine.bib"]}
    with Inbox() as inbox, open_house(tmp_path, messages=telling, library=named) as house:
        (tmp_path / "mine.bib").write_text(bibtex(ASR))
        assert house.run("run", HOOK=inbox.address).returncode == 0
        (told,) = inbox.messages
        values = [float(one) for one in re.findall(r"（评分 (\d+\.\d)", told["message"])]
        assert 0 < len(values) <= 3 and min(values) >= 5
        assert values == sorted(values, reverse=True)
        assert "评分" in (tmp_path / "outputs" / "site" / "feed" / "audio-library.atom").read_text()
    (tmp_path / "other").mkdir()
    with open_house(tmp_path / "other", library={"files": ["gone.bib"]}) as house:
        done = house.run("run")
        assert done.returncode == 0 and (done.stderr.count("gone.bib"), house.digest.exists()) == (
            1,
            True,
        )
