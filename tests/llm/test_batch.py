"""A night's prompts by batch, over real HTTP: sent once, fetched by id, nothing paid for twice."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.app import open_edges
from pipeline.arxiv.calendar import EASTERN
from pipeline.arxiv.ids import parse_id
from pipeline.config import Config, load_config
from pipeline.demo.archive import Archive
from pipeline.llm.batch import MOST_SENDINGS
from pipeline.night.reprocess import reprocess
from pipeline.night.result import Night
from pipeline.night.run import run_night
from pipeline.records import AnnounceType, Day, Done
from tests.demo.composed import FRIDAY, SettableClock, listing, paper
from tests.standins import model_faults as faults
from tests.standins.arxiv import FaultyArxiv
from tests.standins.clock import SimulatedClock
from tests.standins.house import House
from tests.standins.model import (
    Answer,
    Asked,
    BatchPlan,
    Request,
    StandInModel,
    good_answer,
    reply,
    title_of,
)
from tests.standins.settings import write_config
from tests.standins.world import small_pdf

PAPERS = 6
IDS = [f"2601.2000{number}" for number in range(PAPERS)]
POLL_S = 60.0
QUICK = """---
description: from the abstract alone
context: abstract
text_tokens: 400
---
=== user ===
Title: {{ title }}
{{ text }}
"""


@dataclass
class Office:
    """A user who sends nights by batch; time is simulated."""

    folder: Path
    model: StandInModel
    arxiv: FaultyArxiv
    profile: dict[str, Any]
    limits: dict[str, Any]
    hour: int = 1

    @property
    def config(self) -> Config:
        path = write_config(
            self.folder,
            self.arxiv.url,
            self.model.url,
            models={"standin": self.profile},
            prompt="quick",
            budget=self.limits,
        )
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        settings["paths"]["prompts"] = str(self.folder / "prompts")
        path.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
        return load_config(path)

    def run(self) -> Night:
        """One run, each an hour after the one before."""
        clock = SimulatedClock(dt.datetime.combine(FRIDAY, dt.time(self.hour), EASTERN))
        self.hour += 1
        with open_edges(self.config, clock, "test") as edges:
            night = run_night(edges, "audio", date=FRIDAY)
            self.halted = edges.model.halted
            self.spent = edges.store.spending.sums(30)
            self.waited = clock.monotonic() - 10_000
        return night

    def lines_sent(self) -> list[str]:
        """The titles of all that was asked in batches."""
        return sorted(title_of(request) for request in self.model.batches.asked)


@contextmanager
def open_office(
    folder: Path, answer: Callable[[Request], Answer] = good_answer, **profile: Any
) -> Iterator[Office]:
    (folder / "prompts").mkdir(exist_ok=True)
    (folder / "prompts" / "quick.md").write_text(QUICK, encoding="utf-8")
    announced = listing(FRIDAY, *((AnnounceType.NEW, paper(base)) for base in IDS))
    archive = Archive([announced], now=SettableClock(FRIDAY, 12))
    with FaultyArxiv(archive, small_pdf) as arxiv, StandInModel(answer) as model:
        settings = {
            "base_url": model.url,
            "model": "standin-1",
            "price_in": 1.0,
            "price_out": 2.0,
            "token_factor": 1.0,
            "batch": True,
            "batch_poll_s": POLL_S,
            "replies": "json_schema",
        }
        yield Office(folder, model, arxiv, settings | profile, {})


def day(night: Night) -> Day:
    assert isinstance(night.day, Day)
    return night.day


def reasons(night: Night) -> set[str]:
    return {owed.reason for owed in day(night).owed}


def test_a_night_goes_out_as_one_batch_at_half_the_price(tmp_path: Path) -> None:
    with open_office(tmp_path) as office:
        office.model.plan = BatchPlan(polls=5)

        night = office.run()

        assert night.complete
        assert len(day(night).done) == PAPERS
        assert office.model.requests == []
        assert len(office.lines_sent()) == PAPERS
        assert office.waited == pytest.approx(6 * POLL_S, abs=POLL_S)
        for done in day(night).done:
            made = done.summary.provenance
            assert made.cost == pytest.approx(
                (made.tokens_in + 2 * made.tokens_out) / 2e6, abs=1e-6
            )
            assert made.temperature == 0
        (spent,) = office.spent
        assert spent.calls == PAPERS
        assert office.model.batches.files == {} or all(
            file.purpose != "batch" for file in office.model.batches.files.values()
        )


def test_a_run_that_cannot_wait_leaves_it_to_the_next(tmp_path: Path) -> None:
    with open_office(tmp_path, batch_wait_s=5 * POLL_S) as office:
        office.model.plan = BatchPlan(polls=8)

        first = office.run()
        second = office.run()

        assert len(day(first).owed) == PAPERS
        (reason,) = reasons(first)
        assert "in a batch that was sent at" in reason
        assert "The next run fetches it" in reason
        assert second.complete
        assert len(office.lines_sent()) == PAPERS  # sent once


def test_a_refused_line_goes_back_with_the_reasons_in_a_second_batch(tmp_path: Path) -> None:
    def once_bad(request: Request) -> Answer:
        bad = title_of(request).split()[2] in IDS[:2] and len(request["messages"]) == 1
        return Answer(reply("Too short.")) if bad else good_answer(request)

    with open_office(tmp_path, once_bad) as office:
        night = office.run()

        assert night.complete
        tries = {d.summary.arxiv_id: d.summary.provenance.tries for d in day(night).done}
        assert tries == {base: 2 if base in IDS[:2] else 1 for base in IDS}
        assert len(office.model.batches.asked) == PAPERS + 2


def test_what_failed_expired_or_is_missing_is_sent_again_alone(tmp_path: Path) -> None:
    with open_office(tmp_path) as office:
        plan = BatchPlan(failing=[0], expiring=[1, 2], missing=[3])
        office.model.plan = plan
        office.model.batches.around = _plain_after_the_first(office)

        night = office.run()

        assert night.complete
        sent = office.lines_sent()
        assert len(sent) - PAPERS <= 4
        assert len(day(night).done) == PAPERS


def _plain_after_the_first(office: Office) -> Callable[[Asked, Callable[[], Answer]], Answer]:
    """Only the first batch has trouble."""
    made = [0]

    def around(asked: Asked, proceed: Callable[[], Answer]) -> Answer:
        if asked.method == "POST" and asked.path.endswith("/batches"):
            made[0] += 1
            if made[0] == 2:
                office.model.plan = BatchPlan()
        return proceed()

    return around


def test_a_line_that_never_gets_a_reply_is_owed(tmp_path: Path) -> None:
    def down(request: Request) -> Answer:
        if IDS[0] in title_of(request):
            return Answer("overloaded", 503)
        return good_answer(request)

    with open_office(tmp_path, down) as office:
        night = office.run()

        assert len(day(night).done) == PAPERS - 1
        (reason,) = reasons(night)
        assert f"no reply in {MOST_SENDINGS} batches" in reason
        assert reason.endswith("HTTP 503")
        assert len(office.model.batches.asked) == PAPERS + MOST_SENDINGS - 1


def test_a_batch_that_fails_whole_owes_the_night_and_says_why(tmp_path: Path) -> None:
    with open_office(tmp_path) as office:
        office.model.plan = BatchPlan(invalid="token_limit_exceeded")

        first = office.run()
        office.model.plan = BatchPlan()
        second = office.run()

        assert len(day(first).owed) == PAPERS
        assert all("batch" in reason for reason in reasons(first))
        assert second.complete


def test_an_endpoint_without_batches_says_so_once(tmp_path: Path) -> None:
    with open_office(tmp_path) as office:
        office.model.plan = BatchPlan(offered=False)

        night = office.run()

        assert len(day(night).owed) == PAPERS
        assert all("Set batch: false" in reason for reason in reasons(night))
        assert office.halted is not None
        assert office.halted.exit_status == 3


def test_the_budget_sends_what_it_can_and_owes_the_rest(tmp_path: Path) -> None:
    with open_office(tmp_path) as office:
        office.limits = {"tokens": 900}

        night = office.run()

        sent = len(office.model.batches.asked)
        assert 0 < sent < PAPERS
        assert len(day(night).done) == sent
        assert all("budget of 900 tokens" in reason for reason in reasons(night))
        assert sum(one.tokens_in + one.tokens_out for one in office.spent) <= 900


def test_half_the_price_is_reserved_too(tmp_path: Path) -> None:
    """A cap that holds three calls at full price holds six in a batch."""
    with open_office(tmp_path) as office:
        office.run()
        most = 6 * (400 * 2.0 + 200 * 1.0) / 1e6

    other = tmp_path / "other"
    other.mkdir()
    with open_office(other) as office:
        office.limits = {"money": most / 2}
        assert office.run().complete


def test_what_the_endpoint_takes_is_found_out_before_a_batch_is_sent(tmp_path: Path) -> None:
    with open_office(tmp_path, faults.unsupported("json_schema"), replies="auto") as office:
        night = office.run()

        assert night.complete
        assert [r.get("response_format", {}).get("type") for r in office.model.requests] == [
            "json_schema",
            "json_object",
        ]
        forms = {request["response_format"]["type"] for request in office.model.batches.asked}
        assert forms == {"json_object"}


def test_what_a_line_does_not_take_is_left_out_of_the_next_batch(tmp_path: Path) -> None:
    with open_office(tmp_path, faults.unsupported("temperature")) as office:
        night = office.run()

        assert night.complete
        assert len(office.model.batches.asked) == 2 * PAPERS
        assert "temperature" not in office.model.batches.asked[-1]


def test_a_refusal_in_a_batch_is_final(tmp_path: Path) -> None:
    with open_office(tmp_path, faults.refusing()) as office:
        first, second = office.run(), office.run()

        for night in (first, second):
            assert all(reason.startswith("declined: ") for reason in reasons(night))
        assert len(office.model.batches.asked) == PAPERS


def test_one_paper_again_does_not_wait_for_a_batch(tmp_path: Path) -> None:
    with open_office(tmp_path) as office:
        office.run()
        clock = SimulatedClock(dt.datetime.combine(FRIDAY, dt.time(9), EASTERN))
        with open_edges(office.config, clock, "test") as edges:
            again = reprocess(edges, parse_id(IDS[0]))

        assert again.new is not None
        assert len(office.model.requests) == 1


def test_an_answer_that_is_lost_makes_no_second_batch(tmp_path: Path) -> None:
    """The batch was made, but the connection broke before the answer."""
    with open_office(tmp_path) as office:
        lost = [False]

        def lose(asked: Asked, proceed: Callable[[], Answer]) -> Answer:
            made = proceed()
            if asked.method == "POST" and asked.path.endswith("/batches") and not lost[0]:
                lost[0] = True
                return Answer(hang_up=True)
            return made

        office.model.batches.around = lose
        night = office.run()

        assert night.complete
        assert len(office.lines_sent()) == PAPERS


KILLS = {
    "the file is being uploaded": ("POST", "/files", False),
    "the file was uploaded": ("POST", "/files", True),
    "the batch was made": ("POST", "/batches", True),
    "the first poll": ("GET", "/batches/", False),
    "the results are fetched": ("GET", "/content", False),
    "the results were fetched": ("GET", "/content", True),
}


@pytest.mark.parametrize("point", KILLS)
def test_killed_while_a_batch_is_out_and_run_again(tmp_path: Path, point: str) -> None:
    method, path, after = KILLS[point]
    with open_office(tmp_path, batch_poll_s=0.02) as office:
        office.model.plan = BatchPlan(polls=2)
        house = House(tmp_path, tmp_path / "config.yaml", office.arxiv, office.model)
        assert office.config.profile
        sprung = threading.Event()

        def spring(asked: Asked, proceed: Callable[[], Answer]) -> Answer:
            hit = asked.method == method and path in asked.path and not sprung.is_set()
            answer = proceed() if after or not hit else None
            if hit:
                sprung.set()
                process.kill()
                process.wait()
            return answer or proceed()

        office.model.batches.around = spring
        process = house.start("run", "--date", FRIDAY.isoformat())
        process.communicate(timeout=60)
        assert sprung.is_set()

        result = house.run("run", "--date", FRIDAY.isoformat())

        assert result.returncode == 0, result.stderr
        assert len(office.lines_sent()) == PAPERS  # nothing was asked twice
        digest = (tmp_path / "outputs" / FRIDAY.isoformat() / "audio.md").read_text("utf-8")
        assert digest.count("- **简介:") == PAPERS


def test_all_of_it_is_by_the_id(tmp_path: Path) -> None:
    """Results come in any order: each line is its own paper's."""
    with open_office(tmp_path) as office:
        night = office.run()

        for done in day(night).done:
            assert isinstance(done, Done)
            expected = good_answer(
                {
                    "messages": [
                        {"role": "user", "content": f"Title: {done.announcement.paper.title}"}
                    ]
                }
            )
            assert done.summary.line in expected.text
