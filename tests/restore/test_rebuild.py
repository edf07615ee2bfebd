"""A store that is lost is said, and rebuilt: real processes, real files, real HTTP."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.clock import Clock
from pipeline.config import Config
from pipeline.demo.archive import Archive
from pipeline.digest.document import json_of
from pipeline.errors import OutputError, UsageError
from pipeline.records import Day, Section
from pipeline.restore.rebuild import Restored, restore
from pipeline.stages.publish import patch
from pipeline.store.store import Store
from tests.conftest import ROOT
from tests.demo.composed import FRIDAY, THURSDAY, TUESDAY, WEDNESDAY, WITHDRAWN, SettableClock, week
from tests.site.made import add_day, config, papers, summary, weekdays
from tests.standins.arxiv import FaultyArxiv
from tests.standins.house import COMMAND, DAY, PAPERS, House, one_error, open_house
from tests.standins.inbox import Inbox
from tests.standins.model import Answer, Request, good_line
from tests.standins.records import NOW
from tests.standins.world import small_pdf

PAPER = "2601.02954"
ADDRESS = "INBOX"


def lose(store: Path) -> None:
    """The file, its log, and every snapshot."""
    for path in (*store.parent.glob(f"{store.name}*"), *store.parent.glob("snapshots/*")):
        path.unlink()


def files(folder: Path) -> dict[str, bytes]:
    """Digests and their JSON."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.glob("2*/audio.*")}


# A store that is lost


@pytest.mark.parametrize("left", ["nothing", "an empty file", "a store without a day"])
@pytest.mark.parametrize(
    "command", ["run", "run --dry-run", "run --limit 0", f"reprocess {PAPER}", "render", "demo"]
)
def test_a_lost_store_beside_digests_is_refused_before_anything_is_asked(
    finished: House, command: str, left: str
) -> None:
    lose(finished.store)
    if left == "an empty file":
        finished.store.touch()
    elif left == "a store without a day":
        Store(finished.store).close()
    before = files(finished.store.parent)

    model = ("--model", "standin") if command == "demo" else ()
    error = one_error(finished.run(*command.split(), *model), 2)

    assert f"has a published digest ({DAY}) that no store knows" in error
    assert "jianjie restore" in error
    assert (finished.model.requests, finished.arxiv.requests) == ([], [])
    assert files(finished.store.parent) == before
    assert finished.store.exists() == (left != "nothing")


def test_a_lost_store_is_said_by_those_who_look(finished: House) -> None:
    lose(finished.store)
    for command in (["status"], ["show", PAPER]):
        assert "jianjie restore" in one_error(finished.run(*command), 2)
    doctor = finished.run("doctor", "--offline", COLUMNS="400")
    assert doctor.returncode == 2
    (line,) = [line for line in doctor.stdout.splitlines() if " store: " in line]
    assert line.startswith("✗")
    assert "jianjie restore" in line
    finished.run("doctor")  # it asks the model, and remembers what the endpoint takes
    assert "jianjie restore" in one_error(finished.run("run"), 2)


def test_a_first_night_and_a_digest_deleted_on_purpose_are_no_loss(finished: House) -> None:
    finished.digest.unlink()
    finished.digest.with_suffix(".json").unlink()
    assert finished.run("run").returncode == 0
    assert finished.digest.exists()
    assert finished.model.requests == []

    shutil.rmtree(finished.store.parent)
    (finished.store.parent / DAY).mkdir(parents=True)
    (finished.store.parent / DAY / "notes.txt").write_text("mine")
    assert finished.run("run").returncode == 0


def test_a_day_from_elsewhere_beside_a_store_with_days_is_no_loss(finished: House) -> None:
    other = finished.store.parent / "2025-12-30"
    other.mkdir()
    shutil.copy(finished.digest.with_suffix(".json"), other / "audio.json")
    assert finished.run("run").returncode == 0


# The rebuild


def test_after_the_rebuild_nothing_that_was_paid_for_is_asked_again(finished: House) -> None:
    before = files(finished.store.parent)
    spent = finished.run("status").stdout.partition("spent")[2]
    lose(finished.store)

    restored = finished.run("restore")

    assert (restored.returncode, restored.stderr) == (0, "")
    first, second = restored.stdout.splitlines()
    assert first == f"store: 1 day, {PAPERS} papers, 0 owed; from 1 digest"
    assert second.startswith("not in the digests, and so lost: earlier lines")
    asked = len(finished.arxiv.requests)
    run = finished.run("run")
    assert (run.returncode, run.stderr) == (0, "")
    assert finished.model.requests == []
    assert len(finished.arxiv.requests) == asked + 1  # the feed, as on any finished day
    assert files(finished.store.parent) == before
    assert finished.run("render").returncode == 0
    assert files(finished.store.parent) == before
    assert finished.run("status").stdout.partition("spent")[2] == spent


def test_after_the_rebuild_no_message_tells_it_all_again(finished: House) -> None:
    finished.settings(messages={"to_env": [ADDRESS]})
    with Inbox() as inbox:
        lose(finished.store)
        assert "not in the digests" in finished.run("restore", "--over").stdout
        assert finished.run("run", **{ADDRESS: inbox.address}).returncode == 0
    assert inbox.messages == []


def test_what_was_owed_is_owed_with_its_reason_and_done_by_the_next_run(tmp_path: Path) -> None:
    with open_house(tmp_path) as house:
        good = house.model.answer

        def tiring(request: Request) -> Answer:
            tired = len(house.model.requests) > 20
            return Answer(text="This paper is about speech.") if tired else good(request)

        house.model.answer = tiring
        assert house.run("run").returncode == 1
        owed = [paper for paper in house.document["papers"] if paper["line"] is None]
        assert owed
        lose(house.store)

        assert f"{PAPERS} papers, {len(owed)} owed" in house.run("restore").stdout
        status = house.run("status", COLUMNS="300").stdout
        for paper in owed:
            assert f"{paper['arxiv_id']}v{paper['version']} (validate)" in status
            assert paper["owed"]["reason"] in status
        house.model.answer = good
        house.model.requests.clear()
        assert house.run("run").returncode == 0
        assert len(house.model.requests) == len(owed)


def test_a_week_of_several_kinds_of_days_goes_on_as_if_nothing_had_been_lost(
    tmp_path: Path,
) -> None:
    def night(house: House, date: dt.date) -> None:
        clock.set(date, 0, 30)
        assert house.run("run").returncode == 0

    clock = SettableClock(THURSDAY, 0, 30)
    ended: list[dict[str, Any]] = []
    for lost in (False, True):
        arxiv = FaultyArxiv(Archive(week(), now=clock, withdrawn={WITHDRAWN}), small_pdf)
        (tmp_path / str(lost)).mkdir()
        with open_house(tmp_path / str(lost), arxiv) as house:
            for date in (THURSDAY, FRIDAY, TUESDAY):
                night(house, date)
            if lost:
                lose(house.store)
                assert house.run("restore").returncode == 0
                before = files(house.store.parent)
                assert house.run("render").returncode == 0
                assert files(house.store.parent) == before
            night(house, WEDNESDAY)
            calls = len(house.model.requests)
            documents = {
                name: json.loads(content)
                for name, content in files(house.store.parent).items()
                if name.endswith(".json")
            }
            ended.append({"calls": calls, **without_clock(documents)})
    assert ended[0] == ended[1]


def without_clock(value: Any) -> Any:
    """The JSON without what a clock or a port wrote."""
    if isinstance(value, dict):
        left_out = {"created", "seconds", "pages", "key"}  # the key has the address
        return {k: without_clock(v) for k, v in value.items() if k not in left_out}
    return [without_clock(item) for item in value] if isinstance(value, list) else value


# What the store has after it


@pytest.fixture
def settings(tmp_path: Path) -> Config:
    (tmp_path / "made").mkdir()
    return config(tmp_path / "made")


def store_of(settings: Config) -> Path:
    return settings.paths.outputs / "jianjie.sqlite3"


def rebuilt(settings: Config, *, over: bool = False) -> tuple[Restored, list[str]]:
    told: list[str] = []
    return restore(settings, Clock(), "restore", told.append, over=over), told


def filled(settings: Config, days: int = 3) -> None:
    """Days with owed papers and papers that were on an earlier day in an earlier version."""
    with closing(Store(store_of(settings))) as store:
        for number, date in enumerate(weekdays(days)):
            announced = list(papers(8, number * 8 + 1))
            announced[3] = (announced[3][0], "", announced[3][2])
            if number:
                older = next(papers(1, number * 8 - 7))[0]
                newer = older.model_copy(update={"version": 2, "title": f"{older.title} again"})
                announced.append((newer, "该论文属于任务。", Section.REPLACED))
            add_day(store, settings, date, announced)


def known(settings: Config) -> list[Day]:
    with closing(Store(store_of(settings), reading=True)) as store:
        found = [store.days.get(*key) for key in store.days.known()]
    return [day for day in found if day]


def rows(path: Path, *tables: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as db:
        return [sorted(db.execute(f"SELECT * FROM {table}").fetchall()) for table in tables]


def test_every_day_is_as_it_was(settings: Config) -> None:
    filled(settings)
    before = known(settings)
    assert any(outcome.announcement.earlier for day in before for outcome in day.outcomes)
    lose(store_of(settings))

    restored, told = rebuilt(settings)

    assert told == []
    assert known(settings) == before
    assert (restored.days, restored.papers, restored.owed) == (3, 26, 3)
    assert [json_of(day, settings.tags) for day in known(settings)] == [
        json_of(day, settings.tags) for day in before
    ]


def test_a_file_of_before_keys_were_written_is_taken_too(settings: Config) -> None:
    filled(settings, 1)
    (path,) = settings.paths.outputs.glob("*/audio.json")
    document = json.loads(path.read_text(encoding="utf-8"))
    for paper in document["papers"]:
        paper.pop("key", None)
        if paper["replaced"]:
            paper["replaced"].pop("paper")
    path.write_text(json.dumps(document), encoding="utf-8")
    before = known(settings)
    lose(store_of(settings))

    rebuilt(settings)

    lines = [[done.summary.line for done in day.done] for day in (*before, *known(settings))]
    assert lines[0] == lines[1]


def test_the_digests_are_laid_over_the_newest_snapshot(settings: Config) -> None:
    filled(settings)
    path = store_of(settings)
    snapshot = settings.paths.outputs / "snapshots" / "2026-01-08.sqlite3"
    snapshot.parent.mkdir()
    date = weekdays(3)[-1]
    done = known(settings)[0].done[0]
    again = summary(done.announcement.paper, "该论文属于新的任务。", at=NOW + dt.timedelta(days=1))
    with closing(Store(path)) as store:
        store.summaries.publish(done.summary.model_copy(update={"line": "该论文的旧句。"}))
        store.summaries.publish(done.summary)
        store.file.copy_to(snapshot)
        store.summaries.publish(again)  # after the snapshot
        day = store.days.get(date, "audio")
        assert day is not None
        patch(day, again, settings.paths.outputs, "listing")
    before = known(settings)
    path.unlink()

    restored, told = rebuilt(settings)

    assert told == []
    assert restored.base == snapshot
    assert known(settings) == before
    with closing(Store(path)) as store:
        lines = [(one.line, live) for one, live in store.summaries.of(again.arxiv_id)]
    assert lines[-1] == (again.line, True)
    assert ("该论文的旧句。", False) in lines  # what no digest has comes from the snapshot
    (spend,) = rows(path, "spend")
    assert len(spend) == 1  # of the line that the snapshot had not


def test_a_line_that_was_put_back_after_the_snapshot_is_the_published_one(
    settings: Config,
) -> None:
    filled(settings, 1)
    path, (day,) = store_of(settings), known(settings)
    done = day.done[0]
    later = summary(done.announcement.paper, "该论文属于新的任务。", at=NOW + dt.timedelta(days=1))
    snapshot = settings.paths.outputs / "snapshots" / "2026-01-08.sqlite3"
    snapshot.parent.mkdir()
    with closing(Store(path)) as store:
        store.summaries.publish(later)
        store.file.copy_to(snapshot)  # and then `reprocess --undo`: the digest has the line before
    path.unlink()

    rebuilt(settings)

    with closing(Store(path)) as store:
        assert store.summaries.published(later.arxiv_id, later.version) == done.summary
        assert len(store.summaries.of(later.arxiv_id)) == 2


def test_a_damaged_snapshot_is_passed_over_with_a_word(settings: Config) -> None:
    filled(settings)
    before = known(settings)
    folder = settings.paths.outputs / "snapshots"
    folder.mkdir()
    with closing(Store(store_of(settings))) as store:
        for day in ("05", "06", "07"):
            store.file.copy_to(folder / f"2026-01-{day}.sqlite3")
    content = bytearray((folder / "2026-01-07.sqlite3").read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    (folder / "2026-01-07.sqlite3").write_bytes(content)
    (folder / "2026-01-06.sqlite3").write_bytes(b"no database" * 1000)
    store_of(settings).unlink()

    restored, told = rebuilt(settings)

    assert restored.base == folder / "2026-01-05.sqlite3"
    assert [line.split(":")[0].rpartition("/")[2] for line in told] == [
        "2026-01-07.sqlite3",
        "2026-01-06.sqlite3",
    ]
    assert known(settings) == before


def test_a_damaged_store_is_set_aside_and_rebuilt(settings: Config) -> None:
    filled(settings)
    before, path = known(settings), store_of(settings)
    content = b"\xa5" * path.stat().st_size
    path.write_bytes(content)

    restored, _ = rebuilt(settings)

    assert known(settings) == before
    assert restored.aside is not None
    assert restored.aside.read_bytes() == content
    assert restored.aside.name.startswith("jianjie.sqlite3.")


def test_the_log_of_a_lost_store_is_never_taken_for_that_of_the_new_one(settings: Config) -> None:
    filled(settings)
    before, path = known(settings), store_of(settings)
    with closing(Store(path)) as store:
        store.days.add_quiet(dt.date(2026, 1, 1), "audio")
        log = Path(f"{path}-wal").read_bytes()
    path.unlink()
    Path(f"{path}-wal").write_bytes(log)

    restored, _ = rebuilt(settings)

    assert known(settings) == before
    assert restored.aside is not None
    assert Path(f"{restored.aside}-wal").read_bytes() == log


def test_a_store_with_days_is_left_alone_unless_it_is_asked_for(settings: Config) -> None:
    filled(settings)
    before = store_of(settings).read_bytes()

    with pytest.raises(UsageError, match=r"has days: nothing is lost.* jianjie restore --over"):
        rebuilt(settings)

    assert store_of(settings).read_bytes() == before


def test_a_store_of_a_newer_schema_is_left_alone(settings: Config) -> None:
    filled(settings)
    with closing(sqlite3.connect(store_of(settings))) as db:
        db.execute("PRAGMA user_version = 99")
    before = store_of(settings).read_bytes()
    for over in (False, True):
        with pytest.raises(OutputError, match="newer jianjie"):
            rebuilt(settings, over=over)
    assert store_of(settings).read_bytes() == before


def test_laid_over_twice_it_changes_nothing(settings: Config) -> None:
    filled(settings)
    path = store_of(settings)
    tables = ("days", "announced", "papers", "summaries", "published", "spend", "told", "rounds")
    before, days = rows(path, *tables), known(settings)
    for _ in range(2):
        restored, told = rebuilt(settings, over=True)
        assert (restored.aside, told) == (None, [])
        assert rows(path, *tables) == before
    lose(path)
    rebuilt(settings)
    rebuilt_once = rows(path, *tables)
    rebuilt(settings, over=True)
    assert rows(path, *tables) == rebuilt_once
    assert known(settings) == days


def test_what_the_store_knows_better_stays(settings: Config) -> None:
    filled(settings, 1)
    (day,) = known(settings)
    owed, done = day.owed[0], day.done[0]
    with closing(Store(store_of(settings))) as store:  # killed before they were published
        store.summaries.publish(summary(owed.announcement.paper, "该论文属于任务。"))
        later = summary(done.announcement.paper, "该论文属于新的任务。", at=NOW + dt.timedelta(1))
        store.summaries.publish(later)
    before = known(settings)

    rebuilt(settings, over=True)

    assert known(settings) == before


def test_a_line_that_cannot_be_read_comes_back_from_the_digest(finished: House) -> None:
    with closing(sqlite3.connect(finished.store)) as db, db:
        db.execute("UPDATE summaries SET summary = '{' WHERE arxiv_id = ?", (PAPER,))
        db.execute("UPDATE papers SET paper = '{' WHERE arxiv_id = '2601.02444'")
    before = files(finished.store.parent)
    assert finished.run("doctor", "--offline").returncode == 2
    assert "--over" in one_error(finished.run("restore"), 2)

    finished.model.requests.clear()

    restored = finished.run("restore", "--over")

    assert (restored.returncode, restored.stderr) == (0, "")
    assert finished.run("run").returncode == 0
    assert finished.model.requests == []
    assert files(finished.store.parent) == before
    assert finished.run("doctor", "--offline").returncode == 0


def test_with_nothing_to_rebuild_it_from_it_says_so(tmp_path: Path) -> None:
    with open_house(tmp_path) as house:
        error = one_error(house.run("restore"), 2)
        assert "no published digest and no snapshot is there" in error
        assert not house.store.exists()


def test_a_running_night_is_not_disturbed(finished: House) -> None:
    answers: list[subprocess.CompletedProcess[str]] = []

    def answer(request: Any) -> Answer:
        if not answers:
            answers.append(finished.run("restore", "--over"))
        return Answer(text=f"分类: cs.SD\n简介: {good_line('another')}")

    finished.model.answer = answer
    assert finished.run("reprocess", PAPER).returncode == 0
    assert "another run works here" in one_error(answers[0], 2)


# Files that were edited, or come from elsewhere


def edited(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    def edit(content: bytes) -> bytes:
        document = json.loads(content)
        change(document)
        return json.dumps(document).encode()

    return edit


def first(**values: object) -> Callable[[bytes], bytes]:
    """Other values in the first paper."""
    return edited(lambda document: document["papers"][0].update(values))


def made(**values: object) -> Callable[[bytes], bytes]:
    """Other values in the provenance of the first paper."""
    return edited(lambda document: document["papers"][0]["provenance"].update(values))


BAD: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut off": (lambda content: content[: len(content) // 2], "Invalid JSON"),
    "empty": (lambda _: b"", "Invalid JSON"),
    "no UTF-8": (lambda content: content.replace(b'"audio"', b'"aud\xffio"'), "Invalid JSON"),
    "deep": (lambda _: b"[" * 200_000, "Invalid JSON"),
    "another kind": (lambda _: b"[]", "the file: Input should be an object"),
    "a later format": (edited(lambda d: d.update(format=2)), "format: "),
    "another day's": (edited(lambda d: d.update(date="2026-01-02")), "it is of 2026-01-02 audio"),
    "another field's": (edited(lambda d: d.update(field="../x")), "it is of "),
    "twice": (edited(lambda d: d["papers"].append(d["papers"][0])), "is in it twice"),
    "a way out": (first(arxiv_id="../../etc/passwd"), "papers.0.arxiv_id: "),
    "a version in the id": (first(arxiv_id="2001.00001v1"), "papers.0.arxiv_id: "),
    "version zero": (first(version=0), "2001.00018 has a line and no version"),
    "a huge version": (first(version=10**30), "papers.0.version: "),
    "a type": (first(announce_type="newest"), "papers.0.announce_type: "),
    "two lines": (first(line="该论文。\n## 更新"), "papers.0.line: Value error, more than"),
    "a title of lines": (first(title="x\n- **简介: y**\n"), "expected - **分类"),
    "an escape": (first(title="\x1b[2J"), "papers.0.title: Value error, a control character"),
    "long": (first(abstract="x" * 60_000), "papers.0.abstract: "),
    "no provenance": (first(provenance=None), "has no line with provenance, and is not owed"),
    "no line, no debt": (first(line=None), "has no line with provenance, and is not owed"),
    "a number": (made(tokens_in=-1), "papers.0.provenance: Value error, a number out of bounds"),
    "a huge number": (made(tokens_in=10**30), "papers.0.provenance"),
    "no number": (made(cost=float("nan")), "papers.0.provenance: Value error, a number out"),
    "an unknown key": (made(blessed=True), "papers.0.provenance.blessed: "),
    "another paper before it": (
        first(replaced={"version": 1, "changes": [], "paper": "?"}),
        "papers.0.replaced",
    ),
}


@pytest.mark.parametrize(("edit", "said"), BAD.values(), ids=BAD)
def test_a_bad_file_is_one_error_and_the_others_go_on(
    settings: Config, edit: Callable[[bytes], bytes], said: str
) -> None:
    filled(settings)
    before = known(settings)
    bad = settings.paths.outputs / before[0].date.isoformat() / "audio.json"
    bad.write_bytes(edit(bad.read_bytes()))
    lose(store_of(settings))

    restored, told = rebuilt(settings)

    assert told == []
    (line,) = restored.unusable
    assert line.startswith(f"{bad}: cannot be used: ")
    assert said in line
    assert len(line) < 600
    assert restored.days == 2
    assert [day.date for day in known(settings)] == [day.date for day in before[1:]]


def test_a_bad_file_is_told_on_standard_error_with_status_2(settings: Config) -> None:
    filled(settings)
    bad = sorted(settings.paths.outputs.glob("*/audio.json"))[0]
    bad.write_text("{", encoding="utf-8")
    lose(store_of(settings))
    done = subprocess.run(
        [*COMMAND, "restore"],
        cwd=settings.paths.outputs.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert str(bad) in one_error(done, 2)
    assert done.stdout.startswith("store: 2 days")


def test_only_bad_files_make_no_store(settings: Config) -> None:
    filled(settings, 1)
    for path in settings.paths.outputs.glob("*/audio.json"):
        path.write_text("{", encoding="utf-8")
    lose(store_of(settings))
    with pytest.raises(UsageError, match="cannot be used: "):
        rebuilt(settings)
    assert not store_of(settings).exists()


# Killed


@pytest.fixture(scope="module")
def sixty_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Outputs that take a while to be read."""
    made_once = config(tmp_path_factory.mktemp("made"))
    filled(made_once, 60)
    return made_once.paths.outputs


@pytest.mark.parametrize("size", [0, 1, 200_000, 600_000, 1_500_000])
@pytest.mark.parametrize("old", [None, b"\xa5" * 50_000], ids=["lost", "damaged"])
def test_a_killed_rebuild_leaves_what_was_there_or_a_whole_store(
    settings: Config, sixty_days: Path, size: int, old: bytes | None
) -> None:
    shutil.copytree(sixty_days, settings.paths.outputs)
    before, path = known(settings), store_of(settings)
    lose(path)
    if old is not None:
        path.write_bytes(old)
    process = subprocess.Popen(
        [*COMMAND, "restore"],
        cwd=settings.paths.outputs.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    while process.poll() is None and not written(path.parent, size):
        time.sleep(0.0005)
    process.kill()
    process.communicate()

    if not path.exists() or path.read_bytes() == old:
        rebuilt(settings)
    assert known(settings) == before


def written(folder: Path, size: int) -> bool:
    """Whether the rebuild has put so many bytes beside the store's place."""
    parts = folder.glob(".jianjie.sqlite3.*.part*")
    try:
        return any(part.stat().st_size >= size for part in parts)
    except FileNotFoundError:
        return True
