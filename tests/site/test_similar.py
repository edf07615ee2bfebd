"""Similar papers: what a paper is like, whatever order the pages are made in."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from pipeline.records import Day, Section
from pipeline.site.similar import Similar
from pipeline.site.update import update
from pipeline.store.days import ListedAbstract
from tests.library.made import CODEC, MUSIC, SPEECH, made_papers
from tests.site.browser import visit
from tests.site.made import FIRST, add_day, config, store_in, weekdays


def days(tmp_path: Path) -> list[Day]:
    """Five listings of three subjects, oldest first."""
    settings = config(tmp_path)
    store = store_in(settings)
    found = []
    for number, date in enumerate(weekdays(5)):
        papers = [
            made.model_copy(update={"arxiv_id": f"26{number:02d}.{at:05d}"})
            for at, made in enumerate(
                paper
                for subject, seed in ((CODEC, 1), (MUSIC, 2), (SPEECH, 3))
                for paper in made_papers(subject, 4, seed + 10 * number)
            )
        ]
        add_day(store, settings, date, [(paper, "一行", Section.NEW) for paper in papers])
        day = store.days.get(date, "audio")
        assert day is not None
        found.append(day)
    return found


def subject_of(paper: ListedAbstract) -> str:
    return next(one for one in (CODEC, MUSIC, SPEECH) if paper.title.split()[0] in one.split())


def told(day: Day) -> list[ListedAbstract]:
    papers = [one.announcement.paper for one in day.outcomes]
    return [
        ListedAbstract(day.date, paper.arxiv_id, paper.title, paper.abstract) for paper in papers
    ]


def test_it_finds_papers_of_the_same_subject_in_no_later_listing(tmp_path: Path) -> None:
    made = days(tmp_path)
    index = Similar([paper for day in made for paper in told(day)])
    for day in made:
        for own in told(day):
            found = index.to(own.arxiv_id)
            assert 0 < len(found) <= 5 and own not in found
            assert all(one.date <= day.date for one in found)
            assert {subject_of(one) for one in found} == {subject_of(own)}
    assert index.to("9999.00000") == ()
    assert Similar([]).to("9999.00000") == ()


def test_papers_without_a_word_are_like_none() -> None:
    date = dt.date(2026, 1, 7)
    bare = [ListedAbstract(date, str(number), "42", "……") for number in range(3)]
    assert Similar(bare).to("1") == ()
    one = ListedAbstract(date, "4", "neural codec", "neural codec of speech")
    assert Similar([*bare, one, one._replace(arxiv_id="5")]).to("4") == (
        one._replace(arxiv_id="5"),
    )


def test_the_store_tells_each_paper_on_its_newest_listing(tmp_path: Path) -> None:
    settings = config(tmp_path)
    store = store_in(settings)
    first, second = made_papers(CODEC, 2, 1)
    days_ago = weekdays(3)
    add_day(store, settings, days_ago[0], [(first, "一行", Section.NEW)])
    add_day(store, settings, days_ago[1], [(second, "一行", Section.NEW)])
    newer = first.model_copy(update={"version": 2, "title": "Another title"})
    add_day(store, settings, days_ago[2], [(newer, "一行", Section.REPLACED)])
    found = store.days.abstracts("audio", days_ago[0], days_ago[2])
    assert [(one.date, one.arxiv_id) for one in found] == [
        (days_ago[1], second.arxiv_id),
        (days_ago[2], first.arxiv_id),
    ]
    assert found[1].title == "Another title" and found[0].abstract == second.abstract
    assert store.days.abstracts("audio", days_ago[0], days_ago[0])[0].title == first.title
    assert store.days.abstracts("text", days_ago[0], days_ago[2]) == []


def test_a_papers_page_leads_to_them(page: Page, tmp_path: Path) -> None:
    settings = config(tmp_path)
    store = store_in(settings)
    old, near, other = (
        made_papers(CODEC, 1, 1) + made_papers(CODEC, 1, 2) + made_papers(MUSIC, 1, 3)
    )
    too_old = made_papers(CODEC, 1, 4)[0]
    add_day(store, settings, FIRST, [(near, "一行", Section.NEW)])
    month = dt.timedelta(days=31)
    for date, paper in ((FIRST - month, old), (FIRST - month, other), (FIRST - 3 * month, too_old)):
        fillers = [(one, "一行", Section.NEW) for one in made_papers(SPEECH, 3, date.month)]
        add_day(store, settings, date, [(paper, "一行", Section.NEW), *fillers])
    update(store, settings)
    site = settings.paths.outputs / "site"
    visit(page, site / "paper" / f"{near.arxiv_id}.html")
    links = page.locator(".like a")
    assert links.all_inner_texts() == [old.title]
    assert Axe().run(page, options={"preload": False}).response["violations"] == []
    links.first.click()
    assert page.url.endswith(f"/paper/{old.arxiv_id}.html")
    # The older paper does not know the newer one: its page depends on what came before.
    assert near.title not in page.content()
