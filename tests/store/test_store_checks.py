"""What the store keeps of a listing that is held against arXiv's pages, more than once."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.records import (
    Announcement,
    AnnounceType,
    Cause,
    Check,
    Day,
    Listing,
    Metadata,
    Owed,
    Paper,
    Stage,
)
from pipeline.store.schema import MIGRATIONS
from pipeline.store.store import Store
from pipeline.text.changes import replaced
from tests.standins import records
from tests.standins.records import NOW

DATE = dt.date(2026, 1, 7)
NEW, CROSS, REPLACE, REPLACE_CROSS = AnnounceType
CATEGORIES = ("cs.SD", "eess.AS")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "jianjie.sqlite3")
    yield opened
    opened.close()


def paper(arxiv_id: str, version: int = 1, title: str = "T", source: Metadata = "api") -> Paper:
    return records.paper(arxiv_id=arxiv_id, version=version, title=title, metadata=source)


def add(
    store: Store,
    *items: tuple[AnnounceType, Paper],
    date: dt.date = DATE,
    check: Check | None = None,
) -> Day:
    announcements = tuple(Announcement(announce=kind, paper=one) for kind, one in items)
    found = Listing(
        date=date, field="audio", source="rss", announcements=announcements, check=check
    )
    store.days.add(found, "音频", CATEGORIES)
    day = store.days.get(date, "audio")
    assert day is not None
    return day


def told(day: Day) -> list[tuple[str, AnnounceType]]:
    items = [outcome.announcement for outcome in day.outcomes]
    return [(item.paper.versioned, item.announce) for item in items]


def test_a_paper_that_comes_late_takes_its_place_in_arxivs_order(store: Store) -> None:
    add(
        store, (NEW, paper("2601.00001")), (NEW, paper("2601.00005")), (REPLACE, paper("2512.1", 2))
    )
    day = add(store, (REPLACE_CROSS, paper("2511.1", 3)), (NEW, paper("2601.00003")))
    assert told(day) == [
        ("2601.00001v1", NEW),
        ("2601.00003v1", NEW),
        ("2601.00005v1", NEW),
        ("2512.1v2", REPLACE),
        ("2511.1v3", REPLACE_CROSS),
    ]


def test_a_paper_counts_once_by_its_strongest_type(store: Store) -> None:
    add(store, (CROSS, paper("2601.00002")), (NEW, paper("2601.00003")))
    day = add(store, (NEW, paper("2601.00002")), (CROSS, paper("2601.00003")))
    assert told(day) == [("2601.00002v1", NEW), ("2601.00003v1", NEW)]


def test_a_stronger_type_brings_its_version_and_forgets_the_old_debt(store: Store) -> None:
    day = add(store, (REPLACE, paper("2601.00001", 2)))
    owed = day.owed[0].model_copy(update={"reason": "of version 2"})
    store.days.set_owed(DATE, "audio", owed)
    day = add(store, (NEW, paper("2601.00001", 1)))
    assert told(day) == [("2601.00001v1", NEW)]
    assert isinstance(day.outcomes[0], Owed)
    assert day.outcomes[0].reason == "not tried yet"


def test_the_newest_check_stands_and_what_was_added_is_remembered(store: Store) -> None:
    first = Check(
        pages=("a",), counted=2, added=("2601.00001",), untyped=("2601.00001",), problems=("503",)
    )
    second = Check(pages=("b",), counted=3, added=("2601.00002",), no_news=("2601.00003",))
    add(store, (NEW, paper("2601.00001")), check=first)
    add(store, (NEW, paper("2601.00007")), date=dt.date(2026, 1, 8))
    assert store.days.unchecked("audio") == {DATE}
    assert store.days.unchecked("vision") == set()
    day = add(store, check=second)
    assert day.check == second.model_copy(
        update={"added": ("2601.00001", "2601.00002"), "untyped": ("2601.00001",)}
    )
    assert store.days.unchecked("audio") == set()
    assert add(store).check == day.check  # a listing without a check says nothing about it


@pytest.mark.parametrize("learnt", [(CROSS, 3), (NEW, 1)])
def test_a_version_that_was_not_known_takes_its_number_once(
    store: Store, learnt: tuple[AnnounceType, int]
) -> None:
    kind, version = learnt
    day = add(store, (CROSS, paper("2601.00001", 0, source="page")), (NEW, paper("2601.00002")))
    (unknown, _) = sorted(day.owed, key=lambda owed: owed.announcement.paper.arxiv_id)
    assert unknown.stage is Stage.LISTING
    assert "version" in unknown.reason
    assert unknown.announcement.paper.versioned == "2601.00001"
    for _ in range(2):
        day = add(store, (kind, paper("2601.00001", version)))
        assert sorted(told(day)) == [(f"2601.00001v{version}", kind), ("2601.00002v1", NEW)]
    assert [one.version for one in store.papers.versions("2601.00001")] == [version]
    # And what is known is never unlearnt.
    assert add(store, (NEW, paper("2601.00001", 0, source="page"))) == day


def test_another_days_unknown_version_stays_unknown(store: Store) -> None:
    for date in (DATE, dt.date(2026, 1, 8)):
        add(store, (REPLACE, paper("2601.00001", 0, source="page")), date=date)
    add(store, (REPLACE, paper("2601.00001", 2)))
    later = store.days.get(dt.date(2026, 1, 8), "audio")
    assert later is not None
    assert told(later) == [("2601.00001", REPLACE)]
    assert store.days.latest_version("2601.00001") == 2
    # What is no version is none that was replaced.
    assert store.papers.earlier(paper("2601.00001", 2)) is None
    assert all(outcome.announcement.earlier is None for outcome in later.outcomes)


def test_a_type_that_was_a_guess_may_be_a_weaker_one(store: Store) -> None:
    add(store, (NEW, paper("2601.00001")), (NEW, paper("2601.00002")))
    items = [Announcement(announce=CROSS, paper=paper(f"2601.0000{n}")) for n in (1, 2)]
    found = Listing(
        date=DATE,
        field="audio",
        source="rss",
        announcements=tuple(items),
        untyped=("2601.00001",),
    )
    store.days.add(found, "音频", CATEGORIES)
    day = store.days.get(DATE, "audio")
    assert day is not None
    assert told(day) == [("2601.00002v1", NEW), ("2601.00001v1", CROSS)]


def test_quiet_dates_are_kept_by_field(store: Store) -> None:
    for _ in range(2):
        store.days.add_quiet(dt.date(2026, 1, 1), "audio")
    assert store.days.quiet("audio") == {dt.date(2026, 1, 1)}
    assert store.days.quiet("vision") == set()


@pytest.mark.parametrize(
    ("stored", "offered", "kept"),
    [
        ("feed", "page", "page"),
        ("page", "feed", "page"),
        ("oai", "page", "oai"),
        ("oai", "api", "api"),
        ("api", "oai", "api"),
        ("api", "api", "offered"),
        ("feed", "feed", "offered"),
    ],
)
def test_the_more_faithful_metadata_is_kept(
    store: Store, stored: Metadata, offered: Metadata, kept: str
) -> None:
    store.papers.put(paper("2601.00001", title=stored, source=stored))
    title = "offered" if stored == offered else offered
    store.papers.put(paper("2601.00001", title=title, source=offered))
    found = store.papers.get("2601.00001", 1)
    assert found is not None
    assert found.title == kept


def test_a_cross_brings_its_category_from_a_less_faithful_source_too(store: Store) -> None:
    stored = paper("2601.00001", title="API")
    store.papers.put(stored)
    crossed = paper("2601.00001", title="feed", source="feed")
    more = ("cs.SD", "eess.AS")
    store.papers.put(crossed.model_copy(update={"categories": more}))
    assert store.papers.get("2601.00001", 1) == stored.model_copy(update={"categories": more})
    # Of other categories the more faithful source knows better.
    store.papers.put(crossed.model_copy(update={"categories": ("cs.LG", "cs.SD")}))
    assert store.papers.get("2601.00001", 1) == stored.model_copy(update={"categories": more})


def test_a_day_says_what_a_replacement_changed_since_the_last_version_known(store: Store) -> None:
    for version in (1, 2, 4):
        store.papers.put(paper("2601.00001", version, title=f"Title {version}"))
    day = add(store, (REPLACE, paper("2601.00001", 3, title="Title 3")), (NEW, paper("2601.00009")))
    earlier, none = (outcome.announcement.earlier for outcome in day.outcomes)
    assert none is None
    assert earlier is not None
    told = replaced(earlier, day.outcomes[0].announcement.paper)
    assert told is not None
    assert told.version == 2
    assert [change.diff for change in told.changes] == ["Title [-2-] {+3+}"]
    assert store.papers.earlier(paper("2601.00001", 3, title="Title 3")) == earlier
    assert store.papers.earlier(paper("2601.00001", 1)) is None


def test_a_store_from_before_causes_and_counts_keeps_its_reasons_and_its_runs(
    tmp_path: Path,
) -> None:
    path = tmp_path / "old.sqlite3"
    before = next(at for at, script in enumerate(MIGRATIONS) if "run_days" in script)
    with closing(sqlite3.connect(path)) as db:
        for number, script in enumerate(MIGRATIONS[:before], start=1):
            db.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
        db.execute("INSERT INTO days VALUES ('2026-01-06', 'audio', '音频', '[]', 'rss', NULL)")
        for number, stage in enumerate(("'validate'", "'summarize'", "NULL"), start=1):
            one = paper(f"2601.{number:05d}")
            db.execute("INSERT INTO papers VALUES (?, 1, ?)", (one.arxiv_id, one.model_dump_json()))
            db.execute(
                "INSERT INTO announced VALUES"
                f" ('2026-01-06', 'audio', ?, 1, 'new', {number}, {stage}, 'its words')",
                (one.arxiv_id,),
            )
        db.execute(
            "INSERT INTO runs (command, started, exit_status, note) VALUES ('jianjie run', ?, 1,"
            " '2026-01-06 音频: 3 announced = 0 done + 3 owed')",
            (NOW.isoformat(),),
        )
        db.commit()
    store = Store(path)
    day = store.days.get(dt.date(2026, 1, 6), "audio")
    assert day is not None
    assert [(owed.cause, owed.reason) for owed in day.owed] == [
        (Cause.RULES, "its words"),
        (Cause.OTHER, "its words"),
        (Cause.NOT_TRIED, "not tried yet"),
    ]
    (run,) = store.runs.last(1)
    assert (run.exit_status, run.counts) == (1, ())
    store.close()


def test_a_store_of_the_first_schema_is_brought_up_with_its_days_unchecked(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite3"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(f"BEGIN; {MIGRATIONS[0]} PRAGMA user_version = 1; COMMIT;")
        db.execute("INSERT INTO days VALUES ('2026-01-06', 'audio', '音频', '[\"cs.SD\"]', 'rss')")
        db.commit()
    store = Store(path)
    day = store.days.get(dt.date(2026, 1, 6), "audio")
    assert day is not None
    assert (day.categories, day.check) == (("cs.SD",), None)
    assert add(store, (NEW, paper("2601.00001"))).check is None
    store.close()
