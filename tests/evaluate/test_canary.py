"""The canary as a user meets it: asked after every night, quiet until the model changes."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.app import open_edges
from pipeline.config import load_config
from pipeline.demo.archive import Archive
from pipeline.digest.drift import NIGHTS, CanaryLine
from pipeline.digest.markdown import load, render
from pipeline.errors import ConfigError
from pipeline.evaluate.canary import watch
from pipeline.records import Canary
from pipeline.store.schema import MIGRATIONS
from pipeline.store.store import Store
from tests.conftest import ROOT
from tests.demo.composed import FRIDAY, THURSDAY, WITHDRAWN, SettableClock, paper, week
from tests.standins.arxiv import FaultyArxiv
from tests.standins.clock import SimulatedClock
from tests.standins.house import EXAMPLE, House, one_error, open_house
from tests.standins.model import Answer, Request, error, good_answer, good_line, reply, title_of
from tests.standins.world import small_pdf

SATURDAY = FRIDAY + dt.timedelta(days=1)
SHOWN = 3
"""Of the example digest the prompt `default` shows so many."""
CANARIES = [entry.title for entry in load(EXAMPLE).entries[SHOWN:]]


class Nights:
    """A house with an arXiv of five working days and canary papers to ask."""

    def __init__(self, house: House, clock: SettableClock) -> None:
        self.house = house
        self._clock = clock
        self.settings(canary=2)

    def settings(self, **changes: object) -> None:
        """Nothing is caught up: each run is one night."""
        self.house.settings(catch_up_days=0, **changes)

    def at(self, date: dt.date) -> None:
        """It is that night."""
        self._clock.set(date, 0, 30)

    def night(self, date: dt.date, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`jianjie run` on that date."""
        self.at(date)
        return self.house.run("run", *arguments)

    def watch(self, date: dt.date) -> Canary | str | None:
        """The canary of that night alone."""
        clock = SimulatedClock(dt.datetime.combine(date, dt.time(6), dt.UTC))
        with open_edges(load_config(self.house.config), clock, "test") as edges:
            return watch(edges, date, ["audio"])

    def weeks(self, before: dt.date, count: int = NIGHTS) -> None:
        """So many nights before that date."""
        for ago in range(count, 0, -1):
            assert isinstance(self.watch(before - dt.timedelta(days=ago)), Canary)

    def canaries(self) -> list[str]:
        """The canary papers that the model was asked about, in order of their titles."""
        titles = [title_of(request) for request in self.house.model.requests]
        return sorted(title for title in titles if title in CANARIES)

    def events(self, kind: str) -> list[dict[str, Any]]:
        logs = sorted((self.house.folder / "outputs" / "logs").glob("*.jsonl"))
        lines = [json.loads(line) for log in logs for line in log.read_text("utf-8").splitlines()]
        return [line for line in lines if line["event"] == kind]

    def rows(self) -> list[CanaryLine]:
        """All that is stored of canaries, in order."""
        with closing(sqlite3.connect(self.house.folder / "outputs" / "jianjie.sqlite3")) as db:
            names = ", ".join(CanaryLine.model_fields)
            found = db.execute(f"SELECT {names} FROM canary ORDER BY rowid").fetchall()
        return [
            CanaryLine.model_validate(dict(zip(CanaryLine.model_fields, row, strict=True)))
            for row in found
        ]

    def document(self, date: dt.date) -> dict[str, Any]:
        file = self.house.folder / "outputs" / date.isoformat() / "audio.json"
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return document

    def status(self) -> str:
        return " ".join(self.house.run("status", COLUMNS="300").stdout.split())


@contextmanager
def opened(folder: Path) -> Iterator[Nights]:
    clock = SettableClock(THURSDAY, 0, 30)
    arxiv = FaultyArxiv(Archive(week(), now=clock, withdrawn={WITHDRAWN}), small_pdf)
    with open_house(folder, arxiv) as house:
        yield Nights(house, clock)


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[Nights]:
    with opened(tmp_path) as found:
        yield found


def longer(request: Request) -> Answer:
    """What a changed model writes: valid, and a sentence more."""
    line = good_line(title_of(request))
    return Answer(reply(line + "结果表明，该方法在多种条件下均优于现有的做法。"))


def about(*titles: str, then: Answer) -> Callable[[Request], Answer]:
    """That answer to these papers, a good one to the others."""
    return lambda request: then if title_of(request) in titles else good_answer(request)


# Which papers, and when


def test_the_first_papers_that_the_prompt_does_not_show_are_asked_once_a_night(
    nights: Nights,
) -> None:
    for _ in range(2):
        result = nights.night(THURSDAY)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
        assert nights.canaries() == sorted(CANARIES[:2])
    last = [title_of(request) for request in nights.house.model.requests[-2:]]
    assert sorted(last) == sorted(CANARIES[:2])  # after the night's own
    assert nights.night(FRIDAY).returncode == 0
    assert nights.night(SATURDAY).returncode == 0  # nothing announced; the model is asked
    assert nights.canaries() == sorted(CANARIES[:2] * 3)
    assert [event["about"] for event in nights.events("canary")] == [
        str(date) for date in (THURSDAY, FRIDAY, SATURDAY)
    ]
    # They are read from their abstracts: arXiv is asked for the PDFs of the listing only.
    pdfs = [r.path for r in nights.house.arxiv.requests if r.path.startswith("/pdf/")]
    assert not any(entry.versioned in path for path in pdfs for entry in load(EXAMPLE).entries)


def test_only_a_whole_nights_run_asks_them(nights: Nights) -> None:
    for arguments in (["--limit", "1"], ["--date", str(THURSDAY)], ["--dry-run"]):
        assert nights.night(THURSDAY, *arguments).returncode in {0, 1}
    assert nights.house.run("reprocess", "2601.10001v1").returncode == 0
    nights.settings()
    assert nights.night(THURSDAY).returncode == 0
    assert nights.canaries() == []
    assert "canary" not in nights.document(THURSDAY)


def test_fewer_examples_than_wanted_are_all_asked(nights: Nights) -> None:
    nights.settings(canary=50)
    canary = nights.watch(THURSDAY)
    assert isinstance(canary, Canary)
    assert canary.papers == len(CANARIES) == len(load(EXAMPLE).entries) - SHOWN
    assert nights.canaries() == sorted(CANARIES)


def test_another_prompt_has_nights_of_its_own(nights: Nights) -> None:
    nights.weeks(FRIDAY)
    nights.settings(canary=2, prompt="zero-shot")
    canary = nights.watch(FRIDAY)
    assert isinstance(canary, Canary)
    assert canary.nights == 0


def test_examples_that_the_prompt_shows_all_leave_no_canary(nights: Nights, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts"
    (prompts / "examples").mkdir(parents=True)
    (prompts / "default.md").write_bytes((ROOT / "prompts" / "default.md").read_bytes())
    digest = load(EXAMPLE)
    few = digest.model_copy(update={"new": digest.new[:SHOWN], "replaced": ()})
    (prompts / "examples" / EXAMPLE.name).write_text(render(few), encoding="utf-8")
    nights.settings(canary=2, paths={"outputs": str(tmp_path / "outputs"), "prompts": str(prompts)})
    result = nights.night(SATURDAY)
    assert "canary skipped" in one_error(result, 0)
    assert "no example is left for the canary" in result.stderr


def test_a_batch_profile_is_asked_directly(nights: Nights) -> None:
    config = yaml.safe_load(nights.house.config.read_text(encoding="utf-8"))
    profile = config["models"]["standin"] | {"batch": True}
    nights.settings(canary=2, models={"standin": profile})
    assert isinstance(nights.watch(THURSDAY), Canary)
    assert nights.canaries() == sorted(CANARIES[:2])
    assert nights.house.model.batches.asked == []


@pytest.mark.parametrize("value", [-1, 51, "five"])
def test_a_number_of_canaries_that_makes_no_sense_is_an_error(
    nights: Nights, value: object
) -> None:
    nights.settings(canary=value)
    with pytest.raises(ConfigError, match="canary"):
        load_config(nights.house.config)


def test_a_run_without_a_canary_loads_no_metrics() -> None:
    code = (
        "import sys, pipeline.cli.main, pipeline.cli.tables, pipeline.night.run, pipeline.app\n"
        "print([name for name in ('sacrebleu', 'rjieba', 'numpy') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout == "[]\n"


# What is kept


def test_the_first_reply_is_scored_and_never_asked_again(nights: Nights) -> None:
    nights.settings(canary=4)
    human = load(EXAMPLE).entries[SHOWN].line or ""
    answers = {
        CANARIES[0]: Answer(reply(human)),
        CANARIES[1]: Answer("no line at all"),
        CANARIES[2]: Answer(refusal="I cannot help with that."),
        CANARIES[3]: error(400, "content policy"),
    }
    nights.house.model.answer = lambda request: answers[title_of(request)]
    canary = nights.watch(THURSDAY)
    assert len(nights.house.model.requests) == 4
    good, *bad = nights.rows()
    assert (good.line, good.valid_first, good.length) == (human, True, len(human))
    assert (round(good.content_chrf), round(good.chrf), good.sameness) == (100, 100, None)
    for row in bad:
        assert (row.line, row.valid_first, row.chrf, row.content_chrf, row.length) == (
            *(None, False, 0.0, 0.0, 0),
        )
    assert isinstance(canary, Canary)
    means = {score.name: score.value for score in canary.scores}
    assert (means["valid-first"], means["length"]) == (25.0, len(human))


def test_a_line_that_breaks_a_rule_is_scored_but_not_valid(nights: Nights) -> None:
    nights.settings(canary=1)
    nights.house.model.answer = lambda _: Answer(reply("We present a new method for speech."))
    nights.watch(THURSDAY)
    (row,) = nights.rows()
    assert (row.valid_first, row.line) == (False, "We present a new method for speech.")
    assert row.length == 35


def test_sameness_is_to_the_last_line_that_there_was(nights: Nights) -> None:
    nights.settings(canary=1)
    for ago in (4, 3):
        nights.watch(FRIDAY - dt.timedelta(days=ago))
    nights.house.model.answer = lambda _: Answer(refusal="no")
    nights.watch(FRIDAY - dt.timedelta(days=2))
    nights.house.model.answer = good_answer
    nights.watch(FRIDAY - dt.timedelta(days=1))
    nights.house.model.answer = longer
    nights.watch(FRIDAY)
    *before, changed = (row.sameness for row in nights.rows())
    assert before == [None, pytest.approx(100), 0.0, pytest.approx(100)]
    assert changed is not None
    assert 40 < changed < 95


def test_an_error_keeps_the_replies_that_came_and_the_next_run_asks_the_others(
    nights: Nights,
) -> None:
    nights.settings(canary=4)
    nights.house.model.answer = about(CANARIES[2], then=error(503, "overloaded"))
    result = nights.night(SATURDAY)
    assert "canary skipped: " in one_error(result, 0)
    assert len(nights.events("canary_skipped")) == 1
    assert nights.rows() == []
    nights.house.model.answer = good_answer
    asked = len(nights.house.model.requests)
    result = nights.night(SATURDAY)
    assert (result.returncode, result.stderr) == (0, "")
    assert [title_of(r) for r in nights.house.model.requests[asked:]] == [CANARIES[2]]
    assert len(nights.rows()) == 4


def test_a_killed_run_pays_for_no_reply_twice(nights: Nights) -> None:
    config = yaml.safe_load(nights.house.config.read_text(encoding="utf-8"))
    nights.settings(canary=3, models={"standin": config["models"]["standin"] | {"concurrency": 1}})
    run: list[subprocess.Popen[str]] = []

    def killing(request: Request) -> Answer:
        """The second paper is asked when the first one's reply is stored."""
        if title_of(request) == CANARIES[1]:
            os.kill(run[0].pid, signal.SIGKILL)
        return good_answer(request)

    nights.house.model.answer = killing
    nights.at(SATURDAY)
    run.append(nights.house.start("run"))
    assert run[0].wait(60) == -signal.SIGKILL
    run[0].communicate()
    assert nights.rows() == []
    nights.house.model.answer = good_answer
    assert nights.night(SATURDAY).returncode == 0
    assert nights.canaries() == sorted([*CANARIES[:3], CANARIES[1]])
    assert len(nights.rows()) == 3


def test_a_store_from_before_canaries_is_brought_up(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite3"
    with closing(sqlite3.connect(path)) as old:
        for number, script in enumerate(MIGRATIONS[:3], start=1):
            old.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
        old.execute("INSERT INTO days VALUES ('2026-01-06', 'audio', '音频', '[]', 'rss', NULL)")
        old.commit()
    store = Store(path)
    day = store.days.get(dt.date(2026, 1, 6), "audio")
    assert day is not None
    assert store.canary.night() == []
    row = CanaryLine(
        date=day.date,
        prompt_hash="h",
        model="m",
        arxiv_id=paper("2601.00001").arxiv_id,
        line=None,
        valid_first=False,
        content_chrf=0,
        chrf=0,
        length=0,
        sameness=None,
    )
    store.canary.add([row])
    assert store.canary.weeks(day.date, "h", "m") == [row]
    assert store.canary.night() == store.canary.night(day.date) == [row]
    store.close()


# What is told


def test_a_changed_model_is_told_everywhere_and_harms_nothing(
    nights: Nights, tmp_path: Path
) -> None:
    nights.weeks(FRIDAY)
    nights.house.model.answer = longer
    result = nights.night(FRIDAY)
    said = one_error(result, 0)
    assert said.startswith("jianjie: canary: standin-1 may have changed: ")
    assert "length " in said
    assert "sameness " not in said  # it is a night younger than the others
    verdict = nights.document(FRIDAY)["canary"]
    assert (verdict["model"], verdict["papers"], verdict["nights"]) == ("standin-1", 2, NIGHTS)
    assert "length" in verdict["drift"]
    (length,) = [score for score in verdict["scores"] if score["name"] == "length"]
    assert length["value"] > length["high"] > length["low"]
    told = {event["score"]: event for event in nights.events("canary_drift")}
    assert set(told) == set(verdict["drift"])
    assert told["length"]["high"] == length["high"]
    ended = nights.events("run_ended")[-1]
    assert ended["exit_status"] == 0
    assert "canary: standin-1 may have changed: " in ended["note"]
    shown = nights.status()
    assert f"{FRIDAY}: 2 papers by standin-1, against {NIGHTS} earlier nights" in shown
    assert f"{length['value']:.1f} │ {length['low']:.1f} to {length['high']:.1f} │ drift" in shown
    # The files can be written from the store again, and the Markdown knows nothing of it.
    files = [nights.house.folder / "outputs" / str(FRIDAY) / f"audio.{e}" for e in ("json", "md")]
    before = [file.read_bytes() for file in files]
    nights.house.run("render", "--date", str(FRIDAY))
    assert [file.read_bytes() for file in files] == before
    assert b"canary" not in before[1]


def test_a_steady_model_is_told_in_status_only(nights: Nights) -> None:
    nights.weeks(FRIDAY)
    result = nights.night(FRIDAY)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert nights.document(FRIDAY)["canary"]["drift"] == []
    assert nights.events("canary_drift") == []
    last = nights.events("canary")[-1]
    assert (last["learning"], last["papers"], last["earlier_nights"]) == (False, 2, NIGHTS)
    assert last["length_low"] < last["length"] < last["length_high"]
    assert "canary" not in nights.events("run_ended")[-1]["note"]
    assert "drift" not in nights.status()


def test_a_canary_that_is_learning_says_so(nights: Nights) -> None:
    assert nights.night(THURSDAY).returncode == 0
    nights.house.model.answer = longer
    assert nights.night(FRIDAY).stderr == ""
    assert [event["learning"] for event in nights.events("canary")] == [True, True]
    assert "not known yet" in nights.status()


def test_a_budget_that_the_night_used_up_leaves_no_canary(nights: Nights) -> None:
    nights.settings(canary=2, budget={"tokens": 100})
    result = nights.night(THURSDAY)
    assert result.returncode == 4
    assert "canary" not in result.stderr
    (skipped,) = nights.events("canary_skipped")
    assert "budget of 100 tokens" in skipped["reason"]
    assert nights.house.model.requests == []
    assert "canary skipped" in nights.events("run_ended")[-1]["note"]


def test_a_budget_that_ends_with_the_canary_does_no_harm(nights: Nights) -> None:
    nights.settings(canary=2, budget={"tokens": 100})
    result = nights.night(SATURDAY)
    assert "canary skipped: the run's budget of 100 tokens" in one_error(result, 0)
    assert nights.rows() == []


def test_a_model_that_is_gone_is_not_asked(nights: Nights) -> None:
    nights.house.model.answer = lambda _: error(401, "no such key")
    result = nights.night(THURSDAY)
    assert result.returncode == 3
    assert nights.canaries() == []
    assert len(nights.events("canary_skipped")) == 1
