"""A row that a disk or a hand changed costs itself and nothing else: real processes, real files."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.digest.drift import CanaryLine
from pipeline.records import AnnounceType, Check, Day, Owed, Stage
from pipeline.store.batches import BatchRequest, OpenBatch
from pipeline.store.columns import (
    ANNOUNCE_TYPE,
    BATCH_SENT,
    CANARY_DATE,
    COLUMNS,
    DAY_CATEGORIES,
    DAY_CHECK,
    DAY_DATE,
    MESSAGE_CREATED,
    QUIET_DATE,
    REPLY,
    RUN_STARTED,
    TOLD_DONE,
    Column,
)
from pipeline.store.days import LINE_LOST, LOST
from pipeline.store.messages import Message
from pipeline.store.runs import RunOutcome
from pipeline.store.schema import MIGRATIONS
from pipeline.store.store import Store
from tests.standins.faults import Faults
from tests.standins.house import DAY, PAPERS, House
from tests.standins.model import title_of
from tests.standins.records import NOW
from tests.store.test_store import DATE, KEY, add, listing, paper, reply, summary

PAPER = "2601.02954"
BROKEN = "{broken"


def change(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        assert db.execute(statement, values).rowcount > 0


def break_one(path: Path, column: Column[Any], text: object = BROKEN) -> None:
    first = f"(SELECT min(rowid) FROM {column.table} WHERE {column.name} IS NOT NULL)"
    change(path, f"UPDATE {column.table} SET {column.name} = ? WHERE rowid = {first}", text)


def warnings(house: House) -> list[str]:
    """Of the last run."""
    log = max((house.folder / "outputs" / "logs").iterdir(), key=lambda path: path.stat().st_mtime)
    events = (json.loads(line) for line in log.read_text(encoding="utf-8").splitlines())
    return [event["text"] for event in events if event["event"] == "warning"]


# A run


def test_a_paper_whose_metadata_is_lost_is_asked_for_again(finished: House) -> None:
    before, document = finished.digest.read_bytes(), finished.document
    change(finished.store, "UPDATE papers SET paper = ? WHERE arxiv_id = ?", BROKEN, PAPER)

    run = finished.run("run")

    assert (run.returncode, run.stderr) == (0, "")
    assert finished.model.requests == []
    assert finished.digest.read_bytes() == before
    assert finished.document == document
    told = [text for text in warnings(finished) if "cannot be read" in text]
    assert told == [
        f"jianjie.sqlite3: papers {PAPER}v1 cannot be read: arXiv is asked for its metadata again."
        " See: jianjie doctor"
    ]
    status = finished.run("status")
    assert (status.returncode, status.stderr) == (0, "")


def test_what_was_published_stays_until_arxiv_gives_the_metadata_again(finished: House) -> None:
    before, document = finished.digest.read_bytes(), finished.document
    change(finished.store, "UPDATE papers SET paper = ? WHERE arxiv_id = ?", BROKEN, PAPER)
    finished.arxiv.faults = Faults(feed="server_error", api="server_error", oai="server_error")

    assert finished.run("run").returncode == 3
    assert finished.run("render").returncode == 0
    assert finished.digest.read_bytes() == before
    finished.arxiv.faults = Faults()
    assert finished.run("run").returncode == 0
    assert (finished.digest.read_bytes(), finished.document) == (before, document)
    assert finished.model.requests == []


def test_no_model_is_asked_about_a_paper_of_which_nothing_is_known(finished: House) -> None:
    change(finished.store, "UPDATE papers SET paper = ? WHERE arxiv_id = ?", BROKEN, PAPER)
    change(finished.store, "DELETE FROM published WHERE arxiv_id = ?", PAPER)
    change(finished.store, "DELETE FROM published WHERE arxiv_id = ?", "2601.02444")
    finished.arxiv.faults = Faults(api="server_error", oai="server_error")

    run = finished.run("run", "--date", DAY)

    assert run.returncode == 1
    assert [title_of(request) for request in finished.model.requests] == [
        finished.paper("2601.02444v1")["title"]
    ]
    status = finished.run("status")
    assert f"{PAPER}v1 (listing): {LOST}" in status.stdout
    finished.arxiv.faults = Faults()
    assert finished.run("run").returncode == 0
    assert len(finished.model.requests) == 2


def test_a_line_that_is_lost_is_owed_with_the_reason_and_done_again(finished: House) -> None:
    before = {entry["arxiv_id"]: entry for entry in finished.document["papers"]}
    change(finished.store, "UPDATE summaries SET summary = ? WHERE arxiv_id = ?", BROKEN, PAPER)

    status = finished.run("status", COLUMNS="200")
    assert status.returncode == 0
    assert f"待补 {DAY} {PAPER}v1 (summarize): {LINE_LOST}" in status.stdout
    (said,) = status.stderr.splitlines()
    assert f"summaries {PAPER}v1" in said
    assert said.endswith("See: jianjie doctor")

    assert finished.run("run").returncode == 0
    (request,) = finished.model.requests
    assert title_of(request) == before[PAPER]["title"]
    after = {entry["arxiv_id"]: entry for entry in finished.document["papers"]}
    assert after[PAPER]["line"] == before[PAPER]["line"]
    assert {key: entry for key, entry in after.items() if key != PAPER} == {
        key: entry for key, entry in before.items() if key != PAPER
    }
    show = finished.run("show", PAPER)
    assert (show.returncode, show.stdout.count("●")) == (0, 1)


def test_a_check_that_is_lost_is_made_again(finished: House) -> None:
    check = finished.document["check"]
    break_one(finished.store, DAY_CHECK)
    assert "not held against arXiv's list pages yet" in finished.run("status", COLUMNS="200").stdout
    asked = len(finished.arxiv.requests)

    assert finished.run("run").returncode == 0

    pages = [request for request in finished.arxiv.requests[asked:] if "/list/" in request.path]
    assert len(pages) == len(check["pages"])
    assert finished.document["check"] == check
    assert finished.model.requests == []


@pytest.mark.parametrize("column", [ANNOUNCE_TYPE, DAY_CATEGORIES, DAY_DATE], ids=lambda c: c.name)
def test_a_broken_row_of_a_listing_is_mended_by_the_next_run(
    finished: House, column: Column[Any]
) -> None:
    before, document = finished.digest.read_bytes(), finished.document
    if column is DAY_DATE:  # a store without any other day was lost
        change(finished.store, "INSERT INTO days VALUES ('2026-01-01', 'x', 'x', '[]', 'x', NULL)")
    break_one(finished.store, column)
    if column is ANNOUNCE_TYPE:
        break_one(finished.store, DAY_CHECK)  # else arXiv is not asked what was announced

    run = finished.run("run")

    assert (run.returncode, run.stderr) == (0, "")
    assert (finished.digest.read_bytes(), finished.document) == (before, document)
    assert finished.model.requests == []


# Every column there is


def canary_line(date: dt.date) -> CanaryLine:
    return CanaryLine(
        date=date,
        prompt_hash="h",
        model="m",
        arxiv_id="2601.00001",
        line="甲",
        valid_first=True,
        content_chrf=50,
        chrf=50,
        length=40,
        sameness=None,
    )


def fill(path: Path) -> None:
    """At least one more row in every table, none of them of the night."""
    with closing(Store(path)) as store:
        store.days.add_quiet(dt.date(2026, 1, 1), "audio")
        store.canary.add([canary_line(dt.date(2026, 1, 5)), canary_line(dt.date(2026, 1, 6))])
        day = store.days.get(DATE, "audio")
        assert day is not None
        message = Message(about="", title="标题", body="正文")
        for _ in range(2):
            store.messages.add(message, [day], ["SOME_VARIABLE"], NOW)
        batch = OpenBatch(
            file="file-1", id="b", sent=NOW, requests=(BatchRequest(key=KEY, round=0, attempt=0),)
        )
        store.batches.add(batch, "http://127.0.0.1", "m")
        store.replies.add(KEY, 0, reply())
        store.replies.add_reasons(KEY, 0, ["no"])
        first = day.outcomes[0].announcement
        store.days.set_owed(
            DATE, "audio", Owed(announcement=first, stage=Stage.DOWNLOAD, reason="no")
        )


@pytest.fixture
def all_broken(finished: House) -> House:
    """One row of every column cannot be read."""
    fill(finished.store)
    for column in COLUMNS:
        if column is not DAY_DATE:  # else there is no day at all
            break_one(finished.store, column)
    return finished


@pytest.mark.parametrize(
    "command",
    ["status", f"show {PAPER}", "render", "run", "run --dry-run", f"reprocess {PAPER}"],
)
def test_no_command_is_ended_by_rows_that_cannot_be_read(all_broken: House, command: str) -> None:
    done = all_broken.run(*command.split())

    assert "Traceback" not in done.stderr
    assert (done.returncode, done.stdout != "") == (0, command != "run"), done.stderr
    assert len(set(done.stderr.splitlines())) == len(done.stderr.splitlines())  # each told once


def test_the_doctor_counts_the_broken_rows_of_every_column_with_what_to_do(
    all_broken: House,
) -> None:
    break_one(all_broken.store, DAY_DATE)
    change(all_broken.store, "UPDATE papers SET paper = ?", BROKEN)

    doctor = all_broken.run("doctor", "--offline", COLUMNS="400")

    assert doctor.returncode == 2
    assert doctor.stderr == ""
    told = [line for line in doctor.stdout.splitlines() if "cannot be read in" in line]
    assert len(told) == len(COLUMNS)
    for column, line in zip(COLUMNS, told, strict=True):
        assert f"store: {column.table}.{column.name} cannot be read in " in line
        assert line.endswith(f"→ {column.fix or 'Nothing to do'}")
    (papers,) = [line for line in told if "papers.paper" in line]
    assert f"in {PAPERS} rows, the first: " in papers
    (summaries,) = [line for line in told if "summaries.summary" in line]
    assert "in 1 row: 2601." in summaries


# The store itself


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jianjie.sqlite3"


def test_a_reply_that_is_lost_counts_as_not_made_and_makes_room_for_another(path: Path) -> None:
    told: list[str] = []
    with closing(Store(path, warn=told.append)) as store:
        store.replies.add(KEY, 0, reply("first"))
        store.replies.add(KEY, 1, reply("second"))
        break_one(path, REPLY)

        for _ in range(2):
            assert store.replies.get(KEY, 0) is None
        assert [one.text for one, _ in store.replies.judged(KEY)] == ["second"]
        store.replies.add(KEY, 0, reply("again"))
        assert store.replies.get(KEY, 0) == reply("again")
        assert store.replies.typical_seconds("m") == 0.5
        store.replies.close_round(KEY)
        assert [one.text for one in store.replies.refused(KEY)] == ["again", "second"]
    assert told == [
        f"jianjie.sqlite3: replies {KEY} 0 0 cannot be read: that try counts as not made."
        " See: jianjie doctor"
    ]


def test_a_batch_whose_date_is_lost_is_still_fetched(path: Path) -> None:
    with closing(Store(path)) as store:
        request = BatchRequest(key=KEY, round=0, attempt=0)
        batch = OpenBatch(file="file-1", id="b", sent=NOW, requests=(request,))
        store.batches.add(batch, "http://127.0.0.1", "m")
        break_one(path, BATCH_SENT)

        (found,) = store.batches.open("http://127.0.0.1", "m")
    assert (found.id, found.requests) == ("b", (request,))


def test_rows_of_lists_are_left_out_one_by_one(path: Path) -> None:
    told: list[str] = []
    with closing(Store(path, warn=told.append)) as store:
        add(store, listing(paper()))
        fill(path)
        for command in ("first", "second"):
            store.runs.end(store.runs.start(command, NOW), NOW, RunOutcome())
        for column in (RUN_STARTED, CANARY_DATE, MESSAGE_CREATED, QUIET_DATE, TOLD_DONE):
            break_one(path, column)

        assert [run.command for run in store.runs.last(5)] == ["second"]
        assert [line.date.day for line in store.canary.weeks(DATE, "h", "m")] == [6]
        assert [line.date.day for line in store.canary.night()] == [6]
        assert [one.message for one in store.messages.unsent()] == [2]
        assert store.days.quiet("audio") == set()
        assert store.messages.told(DATE, "audio").done == frozenset()
    assert len(told) == 5


def test_bytes_that_are_no_text_cost_their_row_alone(path: Path) -> None:
    with closing(Store(path)) as store:
        add(store, listing(paper("2601.00001"), paper("2601.00002", title="whole")))
        for arxiv_id in ("2601.00001", "2601.00002"):
            store.summaries.publish(summary("甲", arxiv_id))
        for table, column in (("papers", "paper"), ("summaries", "summary")):
            change(
                path,
                f"UPDATE {table} SET {column} = CAST(replace(CAST({column} AS BLOB), '甲', x'ff')"
                " AS TEXT) WHERE arxiv_id = '2601.00001'",
            )
        change(
            path,
            "UPDATE papers SET paper = CAST(x'7bff7d' AS TEXT) WHERE arxiv_id = '2601.00001'",
        )

        day = store.days.get(DATE, "audio")

    assert day is not None
    assert [outcome.announcement.paper.title for outcome in day.outcomes] == [
        "2601.00001v1",
        "whole",
    ]


def test_only_the_date_as_it_is_written_here_is_one(path: Path) -> None:
    with closing(Store(path)) as store:
        add(store, listing(paper()))
        change(path, "UPDATE days SET date = '20260107'")
        assert store.days.known() == []


def test_a_reply_that_is_lost_does_not_keep_an_old_store_from_being_brought_up(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        for script in MIGRATIONS[:2]:
            db.executescript(script)
        db.execute("PRAGMA user_version = 2")
        db.execute("INSERT INTO replies VALUES ('k', 0, 0, ?, NULL)", (BROKEN,))
        db.commit()
    with closing(Store(path)) as store:
        assert store.spending.sums(5) == []
        assert store.replies.get("k", 0) is None


def test_the_guessed_type_gives_way_to_what_a_listing_says(path: Path) -> None:
    with closing(Store(path)) as store:
        add(store, listing(paper()))
        break_one(path, ANNOUNCE_TYPE)
        day = store.days.get(DATE, "audio")
        assert day is not None
        assert kinds(day) == [AnnounceType.CROSS]
        add(store, listing(paper()))
        day = store.days.get(DATE, "audio")
        assert day is not None
        assert kinds(day) == [AnnounceType.NEW]


def kinds(day: Day) -> list[AnnounceType]:
    return [outcome.announcement.announce for outcome in day.outcomes]


def test_what_a_check_remembered_is_lost_with_it_and_no_more(path: Path) -> None:
    check = Check(pages=("a",), counted=1, problems=("503",))
    found = listing(paper()).model_copy(update={"check": check})
    with closing(Store(path)) as store:
        add(store, found)
        for text in (BROKEN, "{}", '{"problems": 3}'):
            change(path, "UPDATE days SET checked = ?", text)
            assert store.days.unchecked("audio") == {DATE}
        add(store, found)
        day = store.days.get(DATE, "audio")
    assert day is not None
    assert day.check == check
