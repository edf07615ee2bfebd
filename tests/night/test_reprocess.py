"""A paper done again: what is new is published, what is not changes nothing, each has its page."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import feedparser
from selectolax.lexbor import LexborHTMLParser

from pipeline.demo.archive import Archive
from tests.demo.composed import FRIDAY, WITHDRAWN, A, SettableClock, week
from tests.standins.arxiv import FaultyArxiv
from tests.standins.faults import Faults
from tests.standins.house import House, one_error, open_house
from tests.standins.model import Answer, good_answer, good_line
from tests.standins.model_faults import failing
from tests.standins.world import small_pdf

ID = "2601.02954"
PAPER = f"{ID}v1"
OTHER = good_line("another")


def published(house: House) -> dict[str, bytes]:
    """All that readers get, but for the list of runs on the index."""
    outputs = house.folder / "outputs"
    files = [path for path in outputs.rglob("*") if path.suffix in {".md", ".json", ".html", ".js"}]
    files += outputs.rglob("*.atom")
    return {
        str(path.relative_to(outputs)): path.read_bytes()
        for path in files
        if path.name not in {"index.html", ".lock-holder.json"}
    }


def history(house: House) -> list[tuple[str, bool]]:
    """Every line of the paper, oldest first, and whether it is the published one."""
    with closing(sqlite3.connect(house.folder / "outputs" / "jianjie.sqlite3")) as db:
        rows = db.execute(
            "SELECT json_extract(summary, '$.line'), p.seq IS NOT NULL FROM summaries AS s"
            " LEFT JOIN published AS p ON p.seq = s.seq WHERE s.arxiv_id = ? ORDER BY s.seq",
            (ID,),
        ).fetchall()
    return [(line, bool(live)) for line, live in rows]


def other_line(house: House) -> None:
    house.model.answer = lambda request: Answer(text=f"分类: cs.SD\n简介: {OTHER}")


# The same line again


def test_the_same_line_again_changes_nothing_and_says_so(finished: House) -> None:
    before, calls = published(finished), len(finished.model.requests)
    result = finished.run("reprocess", ID)
    assert result.returncode == 0, result.stderr
    assert len(finished.model.requests) == calls + 1
    assert "patched" not in result.stdout
    assert "the same line from the same question: nothing is published" in result.stdout
    assert [live for _, live in history(finished)] == [True]
    assert published(finished) == before


def test_undo_steps_to_another_line_whatever_was_asked_in_between(finished: House) -> None:
    old = good_line(finished.paper(PAPER)["title"])
    other_line(finished)
    for _ in range(3):
        assert finished.run("reprocess", ID).returncode == 0
    assert history(finished) == [(old, False), (OTHER, True)]
    assert finished.run("reprocess", ID, "--undo").returncode == 0
    assert finished.paper(PAPER)["line"] == old
    # The line that was taken back comes again: it is not written down twice.
    assert finished.run("reprocess", ID).returncode == 0
    assert history(finished) == [(old, False), (OTHER, True)]
    assert finished.run("reprocess", ID, "--undo").returncode == 0
    assert finished.paper(PAPER)["line"] == old
    assert "no earlier" in one_error(finished.run("reprocess", ID, "--undo"), 2)


def test_undo_passes_over_the_same_lines_of_an_older_jianjie(finished: House) -> None:
    old = finished.paper(PAPER)["line"]
    other_line(finished)
    finished.run("reprocess", ID)
    with closing(sqlite3.connect(finished.folder / "outputs" / "jianjie.sqlite3")) as db, db:
        db.execute(
            "INSERT INTO summaries (key, arxiv_id, version, summary)"
            " SELECT key, arxiv_id, version, summary FROM summaries ORDER BY seq DESC LIMIT 1"
        )
        db.execute(
            "UPDATE published SET seq = (SELECT max(seq) FROM summaries) WHERE arxiv_id = ?", (ID,)
        )
    assert finished.run("reprocess", ID, "--undo").returncode == 0
    assert finished.paper(PAPER)["line"] == old


def test_the_same_line_from_another_question_is_news(house: House) -> None:
    """From the abstract when the PDF was not to be had, and now from the PDF."""
    house.arxiv.faults = Faults(pdf={PAPER: "withdrawn"})
    assert house.run("run").returncode == 0
    assert house.paper(PAPER)["provenance"]["text_source"] == "abstract"
    house.arxiv.faults = Faults()
    result = house.run("reprocess", ID)
    assert "patched" in result.stdout
    assert house.paper(PAPER)["provenance"]["text_source"] == "pdf"
    assert house.paper(PAPER)["line"] == history(house)[0][0] == history(house)[1][0]


def test_a_digest_that_lacks_the_stored_line_is_patched_all_the_same(finished: House) -> None:
    """A run that was killed between the store and the file."""
    before = finished.digest.read_text(encoding="utf-8")
    finished.digest.write_text(
        before.replace(finished.paper(PAPER)["line"], OTHER), encoding="utf-8"
    )
    result = finished.run("reprocess", ID)
    assert "patched" in result.stdout
    assert finished.digest.read_text(encoding="utf-8") == before


# A paper in no digest


def page(house: House) -> LexborHTMLParser:
    file = house.folder / "outputs" / "site" / "paper" / f"{ID}.html"
    return LexborHTMLParser(file.read_text(encoding="utf-8"))


def lines(house: House) -> list[str]:
    return [node.text(strip=True) for node in page(house).css(".line")]


def search_rows(house: House) -> list[list[Any]]:
    script = (house.folder / "outputs/site/search/unlisted.js").read_text(encoding="utf-8")
    rows = script.removeprefix('jianjie.month("unlisted", ').removesuffix(");\n")
    found: list[list[Any]] = json.loads(rows)
    return found


def test_a_paper_in_no_digest_gets_its_page(house: House) -> None:
    result = house.run("reprocess", ID)
    assert result.returncode == 0, result.stderr
    assert f"site/paper/{ID}.html" in result.stdout
    (line,) = lines(house)
    assert line.startswith("该论文")
    assert [(row[0], row[7]) for row in search_rows(house)] == [(ID, line)]
    data = (house.folder / "outputs/site/data.js").read_text(encoding="utf-8")
    assert '"months":["unlisted"]' in data
    index = LexborHTMLParser((house.folder / "outputs/site/index.html").read_text(encoding="utf-8"))
    assert f"paper/{ID}.html" in [a.attributes.get("href") for a in index.css("a")]


def test_its_page_is_made_again_with_the_whole_site(house: House) -> None:
    house.run("reprocess", ID)
    before = published(house)
    shutil.rmtree(house.folder / "outputs" / "site")
    assert house.run("render").returncode == 0
    assert published(house) == before


def test_its_page_that_a_killed_run_left_out_is_made_by_the_next(house: House) -> None:
    house.run("reprocess", ID)
    (house.folder / "outputs/site/paper" / f"{ID}.html").unlink()
    assert house.run("run").returncode == 0
    assert len(lines(house)) == 1


def test_its_page_follows_a_new_line_and_undo(house: House) -> None:
    house.run("reprocess", ID)
    first = lines(house)
    other_line(house)
    house.run("reprocess", ID)
    assert lines(house) == [OTHER]
    assert [row[7] for row in search_rows(house)] == [OTHER]
    house.run("reprocess", ID, "--undo")
    assert lines(house) == first


def test_once_announced_it_is_found_in_its_day(house: House) -> None:
    house.run("reprocess", ID)
    assert house.run("run").returncode == 0
    assert len(house.model.requests) == 26  # its line is there already
    assert search_rows(house) == []
    assert len(page(house).css("h2 a")) == 1


def test_a_paper_without_a_line_has_no_page(house: House) -> None:
    house.model.answer = lambda request: Answer(text="no line at all")
    assert house.run("reprocess", ID).returncode == 1
    assert not (house.folder / "outputs/site/paper" / f"{ID}.html").exists()


def test_a_version_in_no_digest_stands_on_the_papers_page(tmp_path: Path) -> None:
    """The first run is Friday's, when the paper has its second version."""
    archive = Archive(week(), now=SettableClock(FRIDAY, 0, 30), withdrawn={WITHDRAWN})
    with open_house(tmp_path, FaultyArxiv(archive, small_pdf), prompt="zero-shot") as house:
        assert house.run("run").returncode == 0
        assert house.run("reprocess", f"{A}v1").returncode == 0
    file = tmp_path / "outputs" / "site" / "paper" / f"{A}.html"
    shown = LexborHTMLParser(file.read_text(encoding="utf-8"))
    assert [node.attributes["id"] for node in shown.css(".version h2")] == ["v2", "v1"]
    assert len(shown.css(".line:not(.owed)")) == 2


# Several papers


def test_the_worst_of_several_papers_is_told(finished: House) -> None:
    finished.model.answer = failing(500)
    result = finished.run("reprocess", PAPER, "2601.99999")
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 2
    finished.model.answer = good_answer


def test_the_feed_of_a_finished_night_keeps_its_time(finished: House) -> None:
    feed = finished.folder / "outputs" / "site" / "audio.atom"
    before = feedparser.parse(feed.read_bytes()).entries
    finished.run("reprocess", ID)
    after = feedparser.parse(feed.read_bytes()).entries
    assert [entry.updated for entry in after] == [entry.updated for entry in before]
