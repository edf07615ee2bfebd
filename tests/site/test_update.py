"""The site's files: complete, made anew where something changed, and nowhere else."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import feedparser
import pytest
from selectolax.lexbor import LexborHTMLParser

from pipeline.config import Config
from pipeline.errors import OutputError
from pipeline.files import write_atomic
from pipeline.night.account import sums
from pipeline.records import Section
from pipeline.settings import InterestSettings, SiteSettings, Terms
from pipeline.site import feeds
from pipeline.site.dates import week_of
from pipeline.site.update import update
from pipeline.stages.publish import publish
from pipeline.store.runs import RunOutcome, counts_of
from pipeline.store.store import Store
from tests.site.made import (
    FIRST,
    HOSTILE,
    add_day,
    config,
    made_site,
    papers,
    store_in,
    summary,
    weekdays,
)
from tests.standins.records import NOW

LATER = NOW + dt.timedelta(days=1)


@pytest.fixture
def made(tmp_path: Path) -> tuple[Store, Config, Path]:
    store, settings = made_site(tmp_path, days=4, papers_a_day=5)
    return store, settings, settings.paths.outputs / "site"


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Inode and content: a file that was written again has another inode."""
    return {
        str(path.relative_to(folder)): (path.stat().st_ino, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def rewritten(before: dict[str, tuple[int, bytes]], folder: Path) -> set[str]:
    return {name for name, found in files(folder).items() if before.get(name) != found}


def test_every_link_inside_the_site_leads_to_a_file(made: tuple[Store, Config, Path]) -> None:
    _, _, site = made
    pages = list(site.rglob("*.html"))
    assert len(pages) == 4 + 20 + 1 + 2 + 1  # days, papers, index, weeks, statistics
    for page in pages:
        parsed = LexborHTMLParser(page.read_text(encoding="utf-8"))
        for node in parsed.css("[href], [src]"):
            address = node.attributes.get("href") or node.attributes.get("src") or ""
            if address.startswith("https:"):
                assert address.startswith("https://arxiv.org/") or "external" in str(node.html)
                continue
            file, _, fragment = address.partition("#")
            target = (page.parent / file).resolve() if file else page
            assert target.is_file(), (page, address)
            if fragment:
                found = LexborHTMLParser(target.read_text(encoding="utf-8"))
                assert any(one.attributes.get("id") == fragment for one in found.css("[id]"))


def test_nothing_is_loaded_from_elsewhere(made: tuple[Store, Config, Path]) -> None:
    _, _, site = made
    style = (site / "style.css").read_text(encoding="utf-8")
    assert "url(" not in style
    assert "@import" not in style
    script = (site / "site.js").read_text(encoding="utf-8")
    assert not re.findall(r"https?://(?!arxiv\.org/abs/)", script)
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval", script)


def test_a_second_update_writes_nothing(made: tuple[Store, Config, Path]) -> None:
    store, settings, site = made
    before = files(site)
    assert update(store, settings) == 0
    assert update(store, settings, everything=True) == 0
    assert files(site) == before


def test_a_new_day_changes_only_what_shows_it(made: tuple[Store, Config, Path]) -> None:
    store, settings, site = made
    before = files(site)
    tomorrow = FIRST + dt.timedelta(days=1)
    add_day(store, settings, tomorrow, list(papers(2, start=500)))
    update(store, settings)
    changed = {
        *(f"{tomorrow}/audio.html", f"{FIRST}/audio.html", "index.html", "search/2026-01.js"),
        *("audio.atom", "audio.json", "paper/2001.00501.html", "paper/2001.00502.html"),
        *("week/2026-W02-audio.html", "statistics/audio.html"),
    }
    assert {name for name in rewritten(before, site) if not name.startswith("feed/")} == changed


def test_one_line_made_again_changes_its_pages(made: tuple[Store, Config, Path]) -> None:
    store, settings, site = made
    before = files(site)
    (paper, _, _) = next(papers(1, start=1))
    store.summaries.publish(summary(paper, "该论文属于新任务。", at=LATER))
    day = store.days.get(weekdays(4)[0], "audio")
    assert day is not None
    publish(day, settings.paths.outputs, settings.tags)
    update(store, settings)
    date = weekdays(4)[0]
    month = f"search/{date:%Y-%m}.js"
    own_feeds = {"audio.atom", "audio.json"}
    own = f"paper/{paper.arxiv_id}.html"
    own_feeds |= {f"feed/audio-{tag}.atom" for tag in paper.categories}
    counted = {week_of(date).file("audio"), "statistics/audio.html"}
    assert rewritten(before, site) == {f"{date}/audio.html", own, month} | own_feeds | counted
    page = LexborHTMLParser((site / own).read_text(encoding="utf-8"))
    assert [node.text(strip=True) for node in page.css(".line")] == ["该论文属于新任务。"]
    assert len(page.css(".others li")) == 1


def test_other_settings_make_everything_anew(made: tuple[Store, Config, Path]) -> None:
    store, settings, site = made
    own = SiteSettings.model_validate({"url": "https://example.org/digest"})
    before = files(site)
    update(store, settings.model_copy(update={"site": own}))
    changed = {name for name in rewritten(before, site) if not name.startswith("feed/")}
    assert changed == {"audio.atom", "audio.json", ".made-with"}
    feed = feedparser.parse(site / "audio.atom")
    assert feed.feed.links[0].href == "https://example.org/digest/audio.atom"


def test_what_a_killed_run_left_out_is_made_by_the_next(made: tuple[Store, Config, Path]) -> None:
    store, settings, site = made
    complete = files(site)
    (site / f"{FIRST}/audio.html").unlink()
    assert update(store, settings) == 1
    assert {name: found[1] for name, found in files(site).items()} == {
        name: found[1] for name, found in complete.items()
    }


@pytest.mark.parametrize("everything", [False, True])
def test_a_run_killed_at_any_file_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, everything: bool
) -> None:
    store, settings = made_site(tmp_path, days=4, papers_a_day=2)
    site = settings.paths.outputs / "site"
    for later in (1, 2):
        date = FIRST + dt.timedelta(days=later)
        add_day(store, settings, date, list(papers(2, start=500 + later)))
    before = shutil.copytree(site, tmp_path / "before")
    written = update(store, settings, everything=everything)
    complete = {name: content for name, (_, content) in files(site).items()}
    for at in range(written):
        shutil.rmtree(site)
        shutil.copytree(before, site)  # with the times that the files had
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr("pipeline.site.build.write_atomic", _killed_after(at))
            update(store, settings, everything=everything)
        update(store, settings, everything=everything)
        assert {name: content for name, (_, content) in files(site).items()} == complete, at


def _killed_after(count: int) -> Callable[..., bool]:
    """Writes so many files, and no further one."""
    left = count

    def write(path: Path, content: bytes, *, durable: bool) -> bool:
        nonlocal left
        if path.exists() and path.read_bytes() == content:
            return False
        if not left:
            raise KeyboardInterrupt
        left -= 1
        return write_atomic(path, content, durable=durable)

    return write


def test_the_index_has_the_days_and_the_last_runs(made: tuple[Store, Config, Path]) -> None:
    store, settings, site = made
    run = store.runs.start("jianjie run --config '/home/me/secret place.yaml'", LATER)
    day = store.days.get(FIRST, "audio")
    assert day is not None
    note = f"{sums(day)}; 10.0.0.7: no connection"
    outcome = RunOutcome(exit_status=1, note=note, counts=counts_of([day]))
    store.runs.end(run, LATER, outcome)
    add_day(
        store,
        settings,
        FIRST + dt.timedelta(days=1),
        [(*next(papers(1, 900))[:1], "", Section.NEW)],
    )
    update(store, settings)
    page = LexborHTMLParser((site / "index.html").read_text(encoding="utf-8"))
    assert [node.text() for node in page.css(".calendar td a")] == ["5", "5", "5", "5", "1−1"]
    told = page.css("table")[-1].text(separator=" ")
    assert "有待补" in told
    assert "音频 2026-01-07：公布 5，完成 5，待补 0" in told
    assert "secret" not in told
    assert "10.0.0.7" not in told
    assert update(store, settings, news=True) == 0


def test_old_ids_have_pages(tmp_path: Path) -> None:
    settings = config(tmp_path)
    store = store_in(settings)
    (paper, line, section) = next(papers(1))
    old = paper.model_copy(update={"arxiv_id": "math.GT/0309136"})
    add_day(store, settings, FIRST, [(old, line, section)])
    update(store, settings)
    assert (settings.paths.outputs / "site/paper/math.GT-0309136.html").is_file()


def test_a_folder_that_cannot_be_written_is_told(
    made: tuple[Store, Config, Path], tmp_path: Path
) -> None:
    store, settings, _ = made
    (tmp_path / "file").write_bytes(b"")
    paths = settings.paths.model_copy(update={"outputs": tmp_path / "file"})
    with pytest.raises(OutputError, match="cannot be written"):
        update(store, settings.model_copy(update={"paths": paths}))


# Feeds


def test_atom_is_valid_and_its_ids_stay(made: tuple[Store, Config, Path]) -> None:
    store, settings, site = made
    feed = feedparser.parse(site / "audio.atom")
    assert not feed.bozo
    assert feed.version == "atom10"
    assert feed.feed.title == "简介：音频"
    assert feed.feed.updated == "2026-01-07T06:00:00Z"
    assert len(feed.entries) == 20
    assert all(one.id.startswith("urn:uuid:") for one in feed.entries)
    (paper, _, _) = next(papers(1, start=16))
    first = feed.entries[0]
    assert first.link.startswith("https://arxiv.org/abs/")
    assert first.summary.startswith("该论文")
    assert paper.abstract[:40] in first.content[0].value and first.content[0].type == "text/html"
    assert [tag.term for tag in first.tags][:1] == ["cs.SD"]
    assert first.link.endswith(paper.versioned)
    store.summaries.publish(summary(paper, "该论文属于新任务。", at=LATER))
    day = store.days.get(FIRST, "audio")
    assert day is not None
    publish(day, settings.paths.outputs, settings.tags)
    update(store, settings)
    again = feedparser.parse(site / "audio.atom")
    assert [one.id for one in again.entries] == [one.id for one in feed.entries]
    assert again.entries[0].updated == "2026-01-08T06:00:00Z"
    assert again.entries[1].updated == feed.entries[1].updated
    assert again.entries[0].published == feed.entries[0].published


def test_the_json_feed_says_the_same(made: tuple[Store, Config, Path]) -> None:
    _, _, site = made
    document = json.loads((site / "audio.json").read_text(encoding="utf-8"))
    assert document["version"] == "https://jsonfeed.org/version/1.1"
    atom = feedparser.parse(site / "audio.atom")
    assert [one["id"] for one in document["items"]] == [one.id for one in atom.entries]
    assert [one["summary"] for one in document["items"]] == [e.summary for e in atom.entries]
    assert [one["content_html"] for one in document["items"]] == [
        e.content[0].value for e in atom.entries
    ]


def test_readers_that_sort_by_time_keep_the_digests_order(
    made: tuple[Store, Config, Path],
) -> None:
    store, _, site = made
    feed = feedparser.parse(site / "audio.atom")
    times = [one.published for one in feed.entries]
    assert len(set(times)) == len(times) and times == sorted(times, reverse=True)
    day = store.days.get(FIRST, "audio")
    assert day is not None
    new = [o for o in day.outcomes if o.announcement.announce.section is Section.NEW]
    assert [one.id for one in feed.entries[: len(new)]] == [
        feeds._id(f"audio/{one.announcement.paper.versioned}") for one in new
    ]


def test_entries_lead_to_ones_own_pages_where_these_have_an_address(
    made: tuple[Store, Config, Path],
) -> None:
    store, settings, site = made
    own = SiteSettings.model_validate({"url": "https://example.org/digest"})
    update(store, settings.model_copy(update={"site": own}))
    for one in feedparser.parse(site / "audio.atom").entries:
        assert one.link.startswith("https://example.org/digest/paper/")
        assert (site / one.link.removeprefix("https://example.org/digest/")).is_file()
        assert "https://arxiv.org/abs/" in one.content[0].value


def test_tags_and_interests_have_feeds_of_their_own(made: tuple[Store, Config, Path]) -> None:
    store, settings, site = made
    whole = feedparser.parse(site / "audio.atom")
    tagged = feedparser.parse(site / "feed" / "audio-cs.CR.atom")
    assert not tagged.bozo and tagged.feed.title == "简介：音频 cs.CR"
    assert tagged.feed.id != whole.feed.id
    assert [one.id for one in tagged.entries] == [
        one.id for one in whole.entries if "cs.CR" in [tag.term for tag in one.tags]
    ]
    assert not (site / "feed" / "audio-interests.atom").exists()
    wanted = InterestSettings(more=Terms(tags=("cs.CR",)))
    update(store, settings.model_copy(update={"interests": wanted}))
    mine = feedparser.parse(site / "feed" / "audio-interests.atom")
    assert [one.id for one in mine.entries] == [one.id for one in tagged.entries]
    muted = wanted.model_copy(update={"mute": Terms(tags=("cs.SD",))})
    update(store, settings.model_copy(update={"interests": muted}))
    left = feedparser.parse(site / "feed" / "audio-interests.atom")
    assert [one.id for one in left.entries] == [
        one.id for one in tagged.entries if "cs.SD" not in [tag.term for tag in one.tags]
    ]


def test_a_tag_that_is_no_name_of_a_file_has_no_feed(tmp_path: Path) -> None:
    settings = config(tmp_path)
    store = store_in(settings)
    (paper, line, section) = next(papers(1))
    paper = paper.model_copy(update={"categories": ("../../cs.SD", "cs.SD")})
    add_day(store, settings, FIRST, [(paper, line, section)])
    update(store, settings)
    site = settings.paths.outputs / "site"
    assert [path.name for path in (site / "feed").iterdir()] == ["audio-cs.SD.atom"]


def test_hostile_text_keeps_the_feeds_and_the_search_whole(tmp_path: Path) -> None:
    settings = config(tmp_path)
    store = store_in(settings)
    (paper, _, section) = next(papers(1))
    text = f"{HOSTILE}\x00\x08\ud800\u2028]]>&"
    attack = paper.model_copy(
        update={"title": text.replace("\ud800", ""), "authors": (text.replace("\ud800", ""),)}
    )
    add_day(store, settings, FIRST, [(attack, "该论文。", section)])
    update(store, settings)
    site = settings.paths.outputs / "site"
    feed = feedparser.parse(site / "audio.atom")
    assert not feed.bozo
    assert "[U+0000]" in feed.entries[0].title
    script = (site / "search/2026-01.js").read_text(encoding="utf-8")
    (rows,) = re.findall(r"^jianjie\.month\(\"2026-01\", (\[.*\])\);$", script, re.DOTALL)
    assert json.loads(rows)[0][0] == paper.arxiv_id
    assert "\u2028" not in script


def test_an_owed_paper_is_in_no_feed(tmp_path: Path) -> None:
    settings = config(tmp_path)
    store = store_in(settings)
    (paper, _, section) = next(papers(1))
    add_day(store, settings, FIRST, [(paper, "", section)])
    update(store, settings)
    feed = feedparser.parse(settings.paths.outputs / "site/audio.atom")
    assert not feed.bozo
    assert feed.entries == []


def test_the_disk_is_not_waited_for(
    made: tuple[Store, Config, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """6,000 pages would take a minute on a slow disk; they can all be made again."""
    store, settings, site = made
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    (site / f"{FIRST}/audio.html").unlink()
    update(store, settings)
    assert synced == []
