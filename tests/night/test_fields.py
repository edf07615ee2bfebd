"""Two fields in one run: the trouble of one is its own, and every field's state is told."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.demo.archive import Archive
from pipeline.demo.request import Request
from pipeline.errors import worst
from tests.demo.composed import NEW, SettableClock, listing, paper
from tests.standins.arxiv import FaultyArxiv
from tests.standins.faults import Fault
from tests.standins.house import House, one_error, open_house
from tests.standins.inbox import Inbox
from tests.standins.model import Answer, title_of
from tests.standins.world import small_pdf

DATE = dt.date(2026, 1, 15)
SEEN, HEARD = "2601.10011", "2601.10012"
VISION = {"name": "视觉", "categories": ["cs.CV"]}
AUDIO = {"name": "音频", "categories": ["cs.SD", "eess.AS"]}
VARIABLE = "JIANJIE_MESSAGE_URL"


def no_vision(asked: Request) -> Fault | None:
    return "server_error" if asked.path.startswith("/rss/cs.CV") else None


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(DATE, 0, 30)


@pytest.fixture
def house(tmp_path: Path, clock: SettableClock) -> Iterator[House]:
    announced = [
        listing(DATE, (NEW, paper(HEARD, 1, "cs.SD"))),
        listing(DATE, (NEW, paper(SEEN, 1, "cs.CV"))).model_copy(update={"field": "vision"}),
    ]
    archive = Archive(announced, now=clock)
    with open_house(tmp_path, FaultyArxiv(archive, small_pdf), prompt="zero-shot") as opened:
        opened.settings(fields={"vision": VISION, "audio": AUDIO})
        yield opened


def document(house: House, field: str, date: dt.date = DATE) -> Any:
    file = house.folder / "outputs" / date.isoformat() / f"{field}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def notes(house: House) -> list[tuple[int, str]]:
    """Exit status and note of every run."""
    with closing(sqlite3.connect(house.folder / "outputs" / "jianjie.sqlite3")) as db:
        return db.execute("SELECT exit_status, note FROM runs ORDER BY seq").fetchall()


@pytest.mark.parametrize("vision", ["art", "vision"])
def test_a_feed_that_fails_costs_no_other_field_its_night(house: House, vision: str) -> None:
    """The settings are written in the order of the names: it is the first field, or the last."""
    house.settings(fields={vision: VISION, "audio": AUDIO})
    house.arxiv.fault_for = no_vision
    error = one_error(house.run("run"), 3)
    assert error.startswith("jianjie: 视觉: ")
    assert "HTTP 503" in error
    assert document(house, "audio")["ledger"]["done"] == 1
    assert document(house, vision) is None
    ((status, note),) = notes(house)
    assert status == 3
    assert "视觉: " in note
    assert "HTTP 503" in note
    assert f"{DATE} 音频: 1 announced = 1 done + 0 owed" in note
    house.arxiv.fault_for = None
    assert house.run("run").returncode == 0
    assert document(house, vision)["ledger"]["done"] == 1


def test_a_terminal_shows_every_fields_state(house: House) -> None:
    house.arxiv.fault_for = no_vision
    status, shown = house.at_a_terminal("run")
    assert status == 3
    assert f"音频 {DATE}" in shown
    tables = shown.split("jianjie: ")[0]
    assert "视觉" in tables
    assert "not done" in tables
    assert "HTTP 503" in tables


def test_two_fields_that_fail_are_both_told(house: House) -> None:
    house.arxiv.fault_for = lambda asked: "server_error" if asked.kind == "feed" else None
    result = house.run("run")
    assert result.returncode == 3
    first, second = result.stderr.splitlines()
    assert first.startswith("jianjie: 音频: ")
    assert second.startswith("jianjie: 视觉: ")


@pytest.mark.parametrize("vision", ["art", "vision"])
def test_the_worst_exit_status_is_not_the_last_ones(house: House, vision: str) -> None:
    house.settings(fields={vision: VISION, "audio": AUDIO})
    house.model.answer = lambda request: Answer(text="no line at all")
    house.arxiv.fault_for = no_vision
    result = house.run("run")
    assert result.returncode == 3
    assert document(house, "audio")["ledger"]["owed"] == 1
    assert len(result.stderr.splitlines()) == 2


def test_a_dry_run_estimates_the_other_fields(house: House) -> None:
    house.settings(fields={"art": VISION, "audio": AUDIO})
    house.arxiv.fault_for = no_vision
    result = house.run("run", "--dry-run")
    error = one_error(result, 3)
    assert error.startswith("jianjie: 视觉: ")
    assert f"audio {DATE}" in result.stdout
    assert house.model.requests == []


def test_a_message_names_the_field_and_brings_the_others_lines(house: House) -> None:
    house.settings(fields={"art": VISION, "audio": AUDIO}, messages={"to_env": [VARIABLE]})
    house.arxiv.fault_for = no_vision
    with Inbox() as inbox:
        results = [house.run("run", **{VARIABLE: inbox.address}) for _ in range(2)]
    assert [result.returncode for result in results] == [3, 3]
    (message,) = inbox.messages  # the same trouble is told once a night
    assert message["title"] == f"简介 音频 {DATE}：1 篇（未完成）"
    assert message["message"].startswith("视觉未完成：arXiv 或模型连不上\n")
    assert f"https://arxiv.org/abs/{HEARD}" in message["message"]


def test_a_date_that_one_field_cannot_have_does_not_keep_the_other_from_it(
    house: House, clock: SettableClock
) -> None:
    house.settings(fields={"audio": AUDIO})
    house.run("run", "--limit", "0")
    house.settings(fields={"art": VISION, "audio": AUDIO})
    clock.set(DATE + dt.timedelta(days=120), 0, 30)
    error = one_error(house.run("run", "--date", str(DATE)), 2)
    assert error.startswith("jianjie: 视觉: --date: 2026-01-15 is too long ago")
    assert document(house, "audio")["ledger"]["done"] == 1


def test_what_is_not_one_fields_own_ends_the_run_and_tells_what_was_done(house: House) -> None:
    """The second field's digest cannot be put in its place."""
    (house.folder / "outputs" / DATE.isoformat() / "vision.md").mkdir(parents=True)
    status, shown = house.at_a_terminal("run")
    assert status == 2
    assert f"音频 {DATE}" in shown
    assert "cannot be written" in shown
    ((kept, note),) = notes(house)
    assert kept == 2
    assert f"{DATE} 音频: 1 announced = 1 done + 0 owed; " in note
    assert "cannot be written" in note


def test_quiet_fields_are_told_apart(house: House) -> None:
    """Of two fields on a day without news each says so under its name."""
    house.settings(fields={"vision": {**VISION, "categories": ["math.CO"]}, "audio": AUDIO})
    status, shown = house.at_a_terminal("run")
    assert status == 0
    assert f"视觉: {DATE}: nothing announced" in shown
    assert f"音频 {DATE}" in shown
    assert f"视觉: {DATE}: nothing announced" in house.run("run", "-v").stdout
    assert house.run("run").stdout == ""


def test_both_fields_are_done_with_one_store_and_each_paper_once(house: House) -> None:
    assert house.run("run").returncode == 0
    assert document(house, "vision")["ledger"]["done"] == 1
    assert document(house, "audio")["ledger"]["done"] == 1
    assert len({title_of(request) for request in house.model.requests}) == 2


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((), 0),
        ((0, 0), 0),
        ((0, 1), 1),
        ((4, 1), 4),
        ((3, 4, 1), 3),
        ((2, 3, 4), 2),
        ((70, 2), 70),
    ],
)
def test_what_needs_somebody_soonest_is_worst(statuses: tuple[int, ...], expected: int) -> None:
    assert worst(*statuses) == expected
