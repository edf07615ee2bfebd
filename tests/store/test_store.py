from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import OutputError, UsageError
from pipeline.records import (
    Announcement,
    AnnounceType,
    Cause,
    Done,
    Listing,
    Owed,
    Paper,
    Reply,
    Stage,
    Summary,
)
from pipeline.store.database import IntegrityError
from pipeline.store.runs import Count, Run, RunOutcome
from pipeline.store.store import Store
from tests.standins.records import NOW, provenance

DATE = dt.date(2026, 1, 7)
KEY = "k" * 32


def paper(arxiv_id: str = "2601.00001", version: int = 1, title: str = "T") -> Paper:
    return Paper(
        arxiv_id=arxiv_id,
        version=version,
        title=title,
        abstract="A",
        authors=("N",),
        categories=("cs.SD",),
    )


def listing(*papers: Paper, date: dt.date = DATE, field: str = "audio") -> Listing:
    return Listing(
        date=date,
        field=field,
        source="rss.arxiv.org",
        announcements=tuple(Announcement(announce=AnnounceType.NEW, paper=p) for p in papers),
    )


def reply(text: str = "text") -> Reply:
    return Reply(text=text, model="m", tokens_in=1, tokens_out=2, cost=None, seconds=0.5)


def summary(line: str, arxiv_id: str = "2601.00001", version: int = 1, key: str = KEY) -> Summary:
    return Summary(
        key=key,
        arxiv_id=arxiv_id,
        version=version,
        line=line,
        tags=("cs.SD",),
        provenance=provenance(),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outputs" / "jianjie.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = Store(path)
    yield opened
    opened.close()


def add(store: Store, found: Listing) -> None:
    store.days.add(found, "音频", ("cs.SD", "eess.AS"))


def titles(store: Store, date: dt.date = DATE) -> list[str]:
    day = store.days.get(date, "audio")
    assert day is not None
    return [outcome.announcement.paper.title for outcome in day.outcomes]


# Days


def test_a_listing_is_owed_in_arxivs_order(store: Store) -> None:
    found = Listing(
        date=DATE,
        field="audio",
        source="rss.arxiv.org",
        announcements=tuple(
            Announcement(announce=announce, paper=paper(arxiv_id, version))
            for announce, arxiv_id, version in (
                (AnnounceType.REPLACE, "2512.00009", 2),
                (AnnounceType.NEW, "2601.00002", 1),
                (AnnounceType.CROSS, "math/0309136", 1),
                (AnnounceType.NEW, "2601.00001", 1),
            )
        ),
    )

    add(store, found)
    day = store.days.get(DATE, "audio")

    assert day is not None
    assert (day.date, day.field, day.name) == (DATE, "audio", "音频")
    assert (day.categories, day.source) == (("cs.SD", "eess.AS"), "rss.arxiv.org")
    assert day.outcomes == tuple(
        Owed(announcement=item, stage=Stage.LISTING, reason="not tried yet")
        for item in found.announcements
    )


def test_the_same_listing_again_changes_nothing(store: Store) -> None:
    found = listing(paper("2601.00001"), paper("2601.00002"))
    add(store, found)
    store.summaries.publish(summary("甲", "2601.00002"))
    before = store.days.get(DATE, "audio")

    add(store, found)

    assert store.days.get(DATE, "audio") == before


def test_a_listing_that_grew_adds_and_loses_nothing(store: Store) -> None:
    add(store, listing(paper("2601.00001", title="one"), paper("2601.00002", title="two")))
    add(store, listing(paper("2601.00002", title="two"), paper("2601.00003", title="three")))

    assert sorted(titles(store)) == ["one", "three", "two"]


def test_an_unknown_day_is_none_and_an_empty_one_is_empty(store: Store) -> None:
    add(store, listing())

    empty = store.days.get(DATE, "audio")
    assert empty is not None
    assert empty.outcomes == ()
    assert store.days.get(DATE, "vision") is None
    assert store.days.get(DATE + dt.timedelta(days=1), "audio") is None


def test_a_paper_is_done_when_a_summary_of_its_version_is_published(store: Store) -> None:
    items = listing(paper("2601.00001"), paper("2601.00002", 2), paper("2601.00003"))
    add(store, items)
    first, second, third = items.announcements
    owed = Owed(
        announcement=third, stage=Stage.VALIDATE, cause=Cause.RULES, reason="no_markup: has **"
    )

    store.summaries.publish(summary("甲", "2601.00001"))
    store.summaries.publish(summary("旧", "2601.00002", version=1))  # another version
    store.days.set_owed(DATE, "audio", owed)
    day = store.days.get(DATE, "audio")

    assert day is not None
    assert day.outcomes == (
        Done(announcement=first, summary=summary("甲", "2601.00001")),
        Owed(announcement=second, stage=Stage.LISTING, reason="not tried yet"),
        owed,
    )
    assert [len(day.done), len(day.owed)] == [1, 2]


def test_a_paper_that_was_owed_is_done_once_it_has_a_line(store: Store) -> None:
    items = listing(paper())
    add(store, items)
    (item,) = items.announcements
    store.days.set_owed(DATE, "audio", Owed(announcement=item, stage=Stage.SUMMARIZE, reason="x"))
    store.summaries.publish(summary("甲"))

    day = store.days.get(DATE, "audio")

    assert day is not None
    assert day.owed == ()


def test_owed_is_said_of_one_day_and_field_alone(store: Store) -> None:
    items = listing(paper())
    for found in (items, listing(paper(), field="vision")):
        add(store, found)
    (item,) = items.announcements

    store.days.set_owed(DATE, "audio", Owed(announcement=item, stage=Stage.PROMPT, reason="x"))

    vision = store.days.get(DATE, "vision")
    assert vision is not None
    assert [owed.stage for owed in vision.owed] == [Stage.LISTING]


def test_days_are_listed_newest_first(store: Store) -> None:
    dates = [DATE + dt.timedelta(days=n) for n in (1, 0, 2)]
    for date in dates:
        add(store, listing(paper(), date=date))
    add(store, listing(paper(), field="vision"))

    newest_first = sorted(dates, reverse=True)
    assert store.days.known("audio") == [(date, "audio") for date in newest_first]
    assert store.days.known()[-2:] == [(DATE, "audio"), (DATE, "vision")]
    assert store.days.known("text") == []
    assert store.days.having("2601.00001", 1)[0] == (dates[2], "audio")
    assert store.days.having("2601.00001", 2) == []


def test_the_newest_announced_version(store: Store) -> None:
    for version in (2, 10, 3):
        add(store, listing(paper(version=version), date=DATE + dt.timedelta(days=version)))

    assert store.days.latest_version("2601.00001") == 10
    assert store.days.latest_version("2601.00002") is None


# Metadata


def from_feed(title: str) -> Paper:
    return paper(title=title).model_copy(update={"metadata": "feed"})


def test_the_apis_metadata_replaces_the_feeds(store: Store) -> None:
    add(store, listing(from_feed("feed")))
    add(store, listing(paper(title="api")))

    assert titles(store) == ["api"]


def test_the_feeds_never_replaces_the_apis(store: Store) -> None:
    add(store, listing(paper(title="api")))
    add(store, listing(from_feed("feed")))
    store.papers.put(from_feed("feed"))

    assert titles(store) == ["api"]
    assert store.papers.get("2601.00001", 1) == paper(title="api")


def test_newer_metadata_of_the_api_replaces_older(store: Store) -> None:
    store.papers.put(paper(title="before"))
    store.papers.put(paper(title="after"))

    assert store.papers.get("2601.00001", 1) == paper(title="after")
    assert store.papers.get("2601.00001", 2) is None


# Summaries


def test_the_last_published_summary_counts_and_the_others_are_kept(store: Store) -> None:
    for line in ("甲", "乙"):
        store.summaries.publish(summary(line))

    assert store.summaries.published("2601.00001", 1) == summary("乙")
    assert store.summaries.published("2601.00001", 2) is None
    assert store.summaries.of("2601.00001") == [(summary("甲"), False), (summary("乙"), True)]


def test_undo_goes_back_one_at_a_time_until_there_is_none(store: Store) -> None:
    for line in ("甲", "乙", "丙"):
        store.summaries.publish(summary(line))
    store.summaries.publish(summary("旧", version=2))

    assert store.summaries.undo("2601.00001", 1) == summary("乙")
    assert store.summaries.undo("2601.00001", 1) == summary("甲")
    with pytest.raises(UsageError, match=r"^2601\.00001v1: there is no earlier summary"):
        store.summaries.undo("2601.00001", 1)

    assert store.summaries.published("2601.00001", 1) == summary("甲")
    assert store.summaries.published("2601.00001", 2) == summary("旧", version=2)
    assert len(store.summaries.of("2601.00001")) == 4


def test_undo_without_any_summary_is_a_wrong_request(store: Store) -> None:
    with pytest.raises(UsageError):
        store.summaries.undo("2601.00001", 1)


def test_a_summary_after_an_undo_is_undone_to_the_one_before_it(store: Store) -> None:
    for line in ("甲", "乙"):
        store.summaries.publish(summary(line))
    store.summaries.undo("2601.00001", 1)
    store.summaries.publish(summary("丙"))

    assert store.summaries.published("2601.00001", 1) == summary("丙")
    assert store.summaries.undo("2601.00001", 1) == summary("乙")


def asked_again(line: str, **made: Any) -> Summary:
    """The same question later: only what it took differs, and what the test names."""
    before = summary(line)
    later = {"created": NOW + dt.timedelta(hours=1), "tries": 3, "tokens_in": 99, "cost": 1.0}
    provenance = before.provenance.model_copy(update={**later, "seconds": 9.0, **made})
    return before.model_copy(update={"provenance": provenance})


def test_what_only_repeats_the_published_summary_is_not_stored_again(store: Store) -> None:
    assert store.summaries.publish(summary("甲")) == summary("甲")
    assert store.summaries.publish(asked_again("甲")) == summary("甲")
    assert store.summaries.of("2601.00001") == [(summary("甲"), True)]


def test_what_differs_in_nothing_that_is_told_is_no_news(store: Store) -> None:
    """The key also has the endpoint's address, which no reader of the line is told."""
    store.summaries.publish(summary("甲"))
    again = asked_again("甲").model_copy(update={"key": "of another address"})
    assert store.summaries.publish(again) == summary("甲")
    assert store.summaries.of("2601.00001") == [(summary("甲"), True)]


@pytest.mark.parametrize(
    "other",
    [
        asked_again("乙"),
        asked_again("甲", text_source="pdf"),
        asked_again("甲", warnings=("no_formula: has $",)),
        asked_again("甲").model_copy(update={"tags": ("cs.LG",)}),
        asked_again("甲", prompt_hash="another question's"),
    ],
)
def test_what_says_something_else_or_is_from_another_question_is(
    store: Store, other: Summary
) -> None:
    store.summaries.publish(summary("甲"))
    assert store.summaries.publish(other) == other
    assert store.summaries.of("2601.00001") == [(summary("甲"), False), (other, True)]


def test_the_summary_that_was_taken_back_comes_again_in_its_place(store: Store) -> None:
    for line in ("甲", "乙"):
        store.summaries.publish(summary(line))
    store.summaries.undo("2601.00001", 1)
    assert store.summaries.publish(asked_again("乙")) == summary("乙")
    assert store.summaries.undo("2601.00001", 1) == summary("甲")
    # An older one than the last is news: undo leads back to what was there before it.
    for line in ("乙", "丙", "甲"):
        store.summaries.publish(summary(line))
    assert store.summaries.undo("2601.00001", 1) == summary("丙")


def test_undo_passes_over_what_says_the_same(store: Store) -> None:
    for found in (summary("甲"), summary("乙"), asked_again("乙", text_source="pdf")):
        store.summaries.publish(found)
    assert store.summaries.undo("2601.00001", 1) == summary("甲")


def test_the_papers_that_no_listing_has(store: Store) -> None:
    add(store, listing(paper("2601.00001"), paper("2601.00002")))
    for arxiv_id, version in (("2601.00001", 1), ("2601.00001", 2), ("2601.00003", 1)):
        store.summaries.publish(summary("甲", arxiv_id, version=version))
    assert store.summaries.unlisted() == [("2601.00003", summary("甲").provenance.created)]
    assert store.summaries.latest_version("2601.00001") == 2
    assert store.summaries.latest_version("2601.00002") is None


# Replies


def test_replies_are_kept_by_attempt_inside_their_round(store: Store) -> None:
    store.replies.add(KEY, 0, reply("first"))
    store.replies.add(KEY, 1, reply("second"))

    assert store.replies.get(KEY, 0) == reply("first")
    assert store.replies.get(KEY, 1) == reply("second")
    assert store.replies.get(KEY, 2) is None
    assert store.replies.get("other", 0) is None


@pytest.mark.parametrize("closing", ["close_round", "publish"])
def test_a_closed_round_makes_room_for_new_tries(store: Store, closing: str) -> None:
    store.replies.add(KEY, 0, reply("first night"))
    if closing == "publish":
        store.summaries.publish(summary("甲"), KEY)
    else:
        store.replies.close_round(KEY)

    assert store.replies.round(KEY) == 1
    assert store.replies.get(KEY, 0) is None
    store.replies.add(KEY, 0, reply("second night"))
    assert store.replies.get(KEY, 0) == reply("second night")
    assert store.replies.round("other") == 0


def test_refusals_count_until_a_valid_summary(store: Store) -> None:
    assert store.replies.refusals(KEY) == 0
    store.replies.close_round(KEY)
    store.replies.close_round(KEY)
    assert store.replies.refusals(KEY) == 2
    store.summaries.publish(summary("甲"), KEY)
    assert store.replies.refusals(KEY) == 0
    assert store.replies.round(KEY) == 3


def test_every_reply_stays_in_the_file_with_its_reasons(store: Store, path: Path) -> None:
    store.replies.add(KEY, 0, reply("first"))
    store.replies.add_reasons(KEY, 0, ("太短", "no_markup: has **"))
    store.replies.close_round(KEY)
    store.replies.add(KEY, 0, reply("second"))

    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT round, attempt, reply, reasons FROM replies").fetchall()
    db.close()

    assert [(row[0], row[1], json.loads(row[2])["text"]) for row in rows] == [
        (0, 0, "first"),
        (1, 0, "second"),
    ]
    assert [row[3] and json.loads(row[3]) for row in rows] == [["太短", "no_markup: has **"], None]


def test_an_attempt_is_never_overwritten(store: Store) -> None:
    store.replies.add(KEY, 0, reply("first"))

    with pytest.raises(IntegrityError):  # a mistake of our own, and no trouble of the disk
        store.replies.add(KEY, 0, reply("second"))

    assert store.replies.get(KEY, 0) == reply("first")


# Runs


def test_runs_newest_first(store: Store) -> None:
    later = NOW + dt.timedelta(minutes=5)
    for command in ("run", "status", "run --date 2026-01-07"):
        number = store.runs.start(command, NOW)
    count = Count(date=DATE, field="audio", announced=26, done=24, owed=2)
    store.runs.end(number, later, RunOutcome(exit_status=1, note="26 announced", counts=(count,)))

    assert store.runs.last(2) == [
        Run(
            command="run --date 2026-01-07",
            started=NOW,
            ended=later,
            exit_status=1,
            note="26 announced",
            counts=(count,),
        ),
        Run(command="status", started=NOW, ended=None, exit_status=None, note=None),
    ]


# Many threads, and the file itself


def test_what_was_written_is_there_after_opening_again(store: Store, path: Path) -> None:
    add(store, listing(paper()))
    store.summaries.publish(summary("甲"))
    before = store.days.get(DATE, "audio")
    store.close()

    again = Store(path)

    assert again.days.get(DATE, "audio") == before
    again.close()


def test_two_threads_write_and_read_at_once(store: Store) -> None:
    problems: list[BaseException] = []

    def work(first: int) -> None:
        try:
            for n in range(first, 200, 2):
                found = f"2601.{n:05d}"
                store.papers.put(paper(found))
                store.replies.add(found, 0, reply(found))
                store.summaries.publish(summary("甲", found, key=found), found)
                assert store.replies.get(found, 0) is None  # its round is closed
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    for n in range(200):
        found = f"2601.{n:05d}"
        assert store.summaries.published(found, 1) == summary("甲", found, key=found)
        assert store.replies.round(found) == 1


def test_two_stores_on_one_file_wait_for_each_other(store: Store, path: Path) -> None:
    other = Store(path)
    store.papers.put(paper("2601.00001"))
    other.papers.put(paper("2601.00002"))

    assert store.papers.get("2601.00002", 1) == paper("2601.00002")
    assert other.papers.get("2601.00001", 1) == paper("2601.00001")
    other.close()


WRITE_FOREVER = """
import datetime as dt, sys
from pathlib import Path
from tests.store.test_store import KEY, Store, add, listing, paper, summary

store = Store(Path(sys.argv[1]))
for night in range(100_000):
    date = dt.date(2026, 1, 7) + dt.timedelta(days=night)
    add(store, listing(*(paper(f"2601.{n:05d}", night + 1) for n in range(40)), date=date))
    store.summaries.publish(summary(f"{night}", "2601.00000", night + 1), f"{night}")
    print(night, flush=True)
"""
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("nights", [1, 3, 8])
def test_a_killed_writer_leaves_whole_transactions(nights: int, path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITE_FOREVER, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as writer:
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(nights)][-1]
        os.kill(writer.pid, signal.SIGKILL)

    store = Store(path)
    days = store.days.known("audio")

    assert len(days) >= told + 1  # what was committed is there
    for night, (date, field) in enumerate(reversed(days)):
        day = store.days.get(date, field)
        assert day is not None
        assert len(day.outcomes) == 40  # and no listing is there in part
        line = store.summaries.published("2601.00000", night + 1)
        assert (line is not None) == (store.replies.round(f"{night}") == 1)
        assert line is not None or night > told
    store.papers.put(paper("2601.99999"))  # and it can be written on
    store.close()


def test_what_stands_only_in_the_log_of_a_dead_process_is_recovered(
    store: Store, path: Path, tmp_path: Path
) -> None:
    add(store, listing(paper()))
    store.summaries.publish(summary("甲"))
    copy = tmp_path / "copy" / path.name
    copy.parent.mkdir()
    for suffix in ("", "-wal"):  # as a crash leaves them: never checkpointed
        shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    assert b"\xe7\x94\xb2" not in copy.read_bytes()  # 甲

    again = Store(copy)

    assert again.summaries.published("2601.00001", 1) == summary("甲")
    assert again.days.get(DATE, "audio") == store.days.get(DATE, "audio")
    again.close()


def test_a_log_with_a_damaged_end_gives_what_was_whole(
    store: Store, path: Path, tmp_path: Path
) -> None:
    store.summaries.publish(summary("甲"))
    whole = Path(f"{path}-wal").stat().st_size
    store.summaries.publish(summary("乙"))
    copy = tmp_path / "copy" / path.name
    copy.parent.mkdir()
    shutil.copy(path, copy)
    log = Path(f"{path}-wal").read_bytes()
    Path(f"{copy}-wal").write_bytes(log[: whole + (len(log) - whole) // 2])

    again = Store(copy)

    assert again.summaries.of("2601.00001") == [(summary("甲"), True)]
    again.close()


def test_a_newer_schema_is_refused_and_left_alone(store: Store, path: Path) -> None:
    store.summaries.publish(summary("甲"))
    store.close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    before = path.read_bytes()

    with pytest.raises(OutputError, match=r"newer jianjie \(schema 99\)\. Update jianjie"):
        Store(path)

    assert path.read_bytes() == before


# Bad disks


def test_a_file_that_is_no_database_is_an_output_error(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, only text\n" * 100)

    with pytest.raises(OutputError, match=r"jianjie\.sqlite3: the store cannot be used") as caught:
        Store(path)

    assert "\n" not in str(caught.value)
    assert path.read_bytes().startswith(b"not a database")


def test_a_database_with_damaged_pages_is_an_output_error(store: Store, path: Path) -> None:
    add(store, listing(*(paper(f"2601.{n:05d}") for n in range(300))))
    store.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)

    with (
        pytest.raises(OutputError, match="the store cannot be used"),
        closing(Store(path)) as damaged,
    ):
        damaged.days.get(DATE, "audio")


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(OutputError) as caught:
        Store(tmp_path / "file" / "outputs" / "jianjie.sqlite3")

    assert caught.value.where.endswith("jianjie.sqlite3")


def test_a_folder_in_the_files_place_is_an_output_error(path: Path) -> None:
    path.mkdir(parents=True)

    with pytest.raises(OutputError, match="cannot be used"):
        Store(path)


DISK_FULL = """
import resource, signal, sys
from pathlib import Path
from pipeline.errors import OutputError
from tests.store.test_store import Store, add, listing, paper

store = Store(Path(sys.argv[1]))
store.papers.put(paper("2601.00001"))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
size = 200_000
resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
try:
    add(store, listing(*(paper(f"2602.{n:05d}", title="x" * 900) for n in range(1, 1000))))
except OutputError as error:
    print(error)
print(store.papers.get("2601.00001", 1) is not None, store.papers.get("2602.00001", 1) is not None)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.papers.put(paper("2603.00001"))
print(store.papers.get("2603.00001", 1) is not None)
"""


def test_a_full_disk_undoes_the_transaction_and_the_store_goes_on(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )

    assert done.stderr == ""
    message, at_the_limit, with_room_again = done.stdout.splitlines()
    assert message.startswith(f"{path}: the store cannot be used: ")
    assert message.endswith("nothing stored is lost")
    assert (at_the_limit, with_room_again) == ("True False", "True")

    store = Store(path)
    assert store.days.get(DATE, "audio") is None
    assert store.papers.get("2603.00001", 1) is not None
    store.close()
