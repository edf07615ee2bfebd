"""Similar papers: what a paper is like, whatever order the pages are made in."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from playwright.sync_api import Page

from pipeline.records import Day, Paper, Section
from pipeline.site.similar import LISTINGS, Similar
from pipeline.site.update import update
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


def subject_of(paper: Paper) -> str:
    return next(one for one in (CODEC, MUSIC, SPEECH) if paper.title.split()[0] in one.split())


def test_it_finds_papers_of_the_same_subject(tmp_path: Path) -> None:
    made = days(tmp_path)
    index = Similar()
    index.move([(day.date, day.field) for day in made], made)
    for one in made[-1].outcomes:
        own = one.announcement.paper
        found = index.to(own.arxiv_id)
        assert 0 < len(found) <= 5
        assert own.arxiv_id not in {paper.arxiv_id for paper in found}
        assert {subject_of(paper) for paper in found} == {subject_of(own)}
    assert index.to("9999.00000") == ()


def test_the_way_to_a_window_changes_nothing(tmp_path: Path) -> None:
    made = days(tmp_path)
    keys = [(day.date, day.field) for day in made]
    straight, around = Similar(), Similar()
    straight.move(keys[1:4], made[1:4])
    around.move(keys[3:], made[3:])
    around.move(keys[:2], made[:2])
    assert around.missing(keys[1:4]) == keys[2:4]
    around.move(keys[1:4], made[2:4])
    ids = [one.announcement.paper.arxiv_id for day in made for one in day.outcomes]
    assert [straight.to(one) for one in ids] == [around.to(one) for one in ids]
    assert straight.to(ids[0]) == ()  # it is of the first day, which is outside


def test_a_paper_of_two_listings_stays_until_both_are_gone(tmp_path: Path) -> None:
    made = days(tmp_path)
    again = made[1].model_copy(update={"outcomes": made[0].outcomes})
    index = Similar()
    index.move([(one.date, one.field) for one in (made[0], again)], [made[0], again])
    first = made[0].outcomes[0].announcement.paper.arxiv_id
    before = index.to(first)
    index.move([(again.date, again.field)], [])
    assert index.to(first) == before != ()
    index.move([], [])
    assert index.to(first) == ()


def test_a_papers_page_leads_to_them(page: Page, tmp_path: Path) -> None:
    settings = config(tmp_path)
    store = store_in(settings)
    old, near, other = (
        made_papers(CODEC, 1, 1) + made_papers(CODEC, 1, 2) + made_papers(MUSIC, 1, 3)
    )
    far = weekdays(LISTINGS + 3, FIRST - dt.timedelta(days=7))
    add_day(store, settings, FIRST, [(near, "一行", Section.NEW)])
    add_day(store, settings, far[-1], [(old, "一行", Section.NEW), (other, "一行", Section.NEW)])
    for number, date in enumerate(far[:-1]):
        (filler,) = made_papers(SPEECH, 1, 50 + number)
        add_day(store, settings, date, [(filler, "一行", Section.NEW)])
    update(store, settings)
    site = settings.paths.outputs / "site"
    visit(page, site / "paper" / f"{near.arxiv_id}.html")
    links = page.locator(".like a")
    assert links.all_inner_texts() == [old.title]
    links.first.click()
    assert page.url.endswith(f"/paper/{old.arxiv_id}.html")
    # The older paper does not know the newer one: its page depends on what came before.
    assert near.title not in page.content()
