"""Whole nights against a model in trouble, over real HTTP, on a simulated clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.app import open_edges
from pipeline.arxiv.calendar import EASTERN
from pipeline.config import load_config
from pipeline.demo.archive import Archive
from pipeline.errors import BudgetReached, ModelForbidden, ModelUnreachable
from pipeline.night.run import run_night
from pipeline.records import AnnounceType, Day
from tests.demo.composed import FRIDAY, SettableClock, listing, paper
from tests.standins import model_faults as faults
from tests.standins.arxiv import FaultyArxiv
from tests.standins.clock import SimulatedClock
from tests.standins.model import Answer, Request, StandInModel, good_answer, title_of
from tests.standins.settings import write_config
from tests.standins.world import small_pdf

PAPERS = 12
IDS = [f"2601.300{number:02d}" for number in range(PAPERS)]
Answering = Callable[[Request], Answer]


@dataclass
class Ended:
    """What a night came to."""

    day: Day
    halted: Exception | None
    warnings: list[str]
    seconds: float

    @property
    def reasons(self) -> set[str]:
        return {owed.reason for owed in self.day.owed}


class Town:
    """A night's surroundings; `night` may be called again for the next run."""

    def __init__(self, folder: Path, arxiv: FaultyArxiv, model: StandInModel) -> None:
        self._folder = folder
        self._arxiv = arxiv
        self.model = model

    def night(self, settings: dict[str, Any] | None = None, **profile: Any) -> Ended:
        """One run with this profile."""
        own = {
            "base_url": self.model.url,
            "model": "standin-1",
            "concurrency": 6,
            "price_in": 1.0,
            "price_out": 2.0,
            "token_factor": 1.0,
        }
        file = write_config(
            self._folder,
            self._arxiv.url,
            self.model.url,
            models={"standin": own | profile},
            retry={"attempts": 3, "first_wait_s": 1, "longest_wait_s": 60, "total_s": 600},
            **(settings or {}),
        )
        clock = SimulatedClock(dt.datetime.combine(FRIDAY, dt.time(1), EASTERN))
        warnings: list[str] = []
        with open_edges(
            load_config(file), clock, "test", lambda e: warnings.append(str(e.details.get("text")))
        ) as edges:
            start = clock.monotonic()
            day = run_night(edges, "audio", date=FRIDAY).day
            assert isinstance(day, Day)
            seconds = clock.monotonic() - start
            return Ended(day, edges.model.halted, [w for w in warnings if w != "None"], seconds)


@contextmanager
def town(folder: Path, answer: Answering = good_answer) -> Iterator[Town]:
    announced = listing(FRIDAY, *((AnnounceType.NEW, paper(base)) for base in IDS))
    archive = Archive([announced], now=SettableClock(FRIDAY, 12))
    with FaultyArxiv(archive, small_pdf) as arxiv, StandInModel(answer) as model:
        yield Town(folder, arxiv, model)


@pytest.mark.parametrize(
    ("refusals", "wait"), [(12, None), (40, 7.0)], ids=["no Retry-After", "Retry-After"]
)
def test_a_storm_of_429_costs_time_and_no_paper(
    tmp_path: Path, refusals: int, wait: float | None
) -> None:
    with town(tmp_path, faults.storm(refusals, wait)) as here:
        ended = here.night()

        assert len(ended.day.done) == PAPERS
        assert len(here.model.requests) == PAPERS + refusals
        assert ended.seconds < 600


def test_a_tight_rate_is_kept_by_asking_slower(tmp_path: Path) -> None:
    with town(tmp_path) as here:
        ended = here.night(requests_per_minute=4)

        assert len(ended.day.done) == PAPERS
        assert 120 <= ended.seconds < 200
        assert len(here.model.requests) == PAPERS


@pytest.mark.parametrize(
    "fault",
    [
        faults.failing(500),
        faults.hanging_up(),
        faults.cutting(),
        faults.invalid_json(),
        faults.web_page(),
    ],
    ids=["500", "hung up", "cut", "invalid JSON", "a web page"],
)
def test_every_third_answer_fails_and_every_paper_is_done(tmp_path: Path, fault: Answering) -> None:
    with town(tmp_path, faults.every(3, fault)) as here:
        ended = here.night(concurrency=1)

        assert len(ended.day.done) == PAPERS
        assert ended.halted is None


def test_a_model_that_is_gone_owes_the_night_after_few_calls(tmp_path: Path) -> None:
    with town(tmp_path, faults.failing(503)) as here:
        ended = here.night(concurrency=1)

        assert isinstance(ended.halted, ModelUnreachable)
        assert len(ended.day.owed) == PAPERS
        assert len(here.model.requests) == 9  # three calls, each with its three tries

        here.model.answer = good_answer
        assert len(here.night().day.done) == PAPERS


def test_no_credit_stops_at_once(tmp_path: Path) -> None:
    with town(tmp_path, faults.no_credit(after=4)) as here:
        ended = here.night(concurrency=1)

        assert isinstance(ended.halted, ModelForbidden)
        assert (len(ended.day.done), len(here.model.requests)) == (4, 5)
        assert any("Check the account's credit" in reason for reason in ended.reasons)


def test_a_prompt_that_is_too_long_is_shortened_once(tmp_path: Path) -> None:
    with town(tmp_path) as here:
        whole = here.night()
        assert len(whole.day.done) == PAPERS
        prompts = ["".join(m["content"] for m in r["messages"]) for r in here.model.requests]
        longest = max(map(len, prompts)) // 4

    folder = tmp_path / "short"
    folder.mkdir()
    with town(folder, faults.context_limit(longest - 60)) as here:
        ended = here.night()

        assert len(here.model.requests) <= 2 * PAPERS
        assert len(ended.day.done) + len(ended.day.owed) == PAPERS
        shortened = [d for d in ended.day.done if d.summary.provenance.truncated]
        assert shortened
        assert len(ended.day.done) == PAPERS


def test_a_prompt_that_is_too_long_even_then_is_owed_with_that_reason(tmp_path: Path) -> None:
    with town(tmp_path, faults.context_limit(10)) as here:
        ended = here.night()

        assert len(ended.day.owed) == PAPERS
        assert ended.halted is None
        assert all("text_tokens" in reason for reason in ended.reasons)
        assert len(here.model.requests) == 2 * PAPERS


@pytest.mark.parametrize("how", ["refusal", "content_filter", "status"])
def test_a_refusal_owes_that_paper_and_is_never_asked_again(tmp_path: Path, how: Any) -> None:
    refused = faults.when(lambda r: IDS[0] in title_of(r), faults.refusing(how))
    with town(tmp_path, refused) as here:
        first = here.night()
        asked = len(here.model.requests)
        second = here.night()

        for ended in (first, second):
            (reason,) = ended.reasons
            assert reason.startswith("declined: ")
            assert f"jianjie reprocess {IDS[0]}v1 asks again" in reason
        assert asked == len(here.model.requests) == PAPERS


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
def test_the_wrong_language_is_told_and_never_published(tmp_path: Path, language: Any) -> None:
    with town(tmp_path, faults.wrong_language(language)) as here:
        ended = here.night()

        assert len(ended.day.owed) == PAPERS
        assert len(here.model.requests) == 3 * PAPERS
        digest = tmp_path / "outputs" / FRIDAY.isoformat() / "audio.md"
        assert "简介:" not in digest.read_text(encoding="utf-8")


def test_a_reply_that_was_cut_off_is_asked_for_again_with_more_room(tmp_path: Path) -> None:
    with town(tmp_path, _short_of_room) as here:
        ended = here.night()

        assert len(ended.day.done) == PAPERS
        limits = sorted({r["max_tokens"] for r in here.model.requests})
        assert limits == [400, 800]


def _short_of_room(request: Request) -> Answer:
    return (faults.too_long() if request["max_tokens"] == 400 else good_answer)(request)


@pytest.mark.parametrize("at_once", [1, 6])
def test_the_budget_is_never_passed_whatever_fails(tmp_path: Path, at_once: int) -> None:
    with town(tmp_path, faults.every(2, faults.cutting())) as here:
        budget = {"tokens": 40_000}
        ended = here.night({"budget": budget}, concurrency=at_once)

        assert isinstance(ended.halted, BudgetReached)
        assert ended.day.owed
        used = sum(  # what the endpoint may bill: its count of the prompt, and a whole reply
            len("".join(m["content"] for m in r["messages"])) // 4 + r["max_tokens"] // 4
            for r in here.model.requests
        )
        assert used <= budget["tokens"]


def test_a_server_that_cuts_prompts_without_a_word_is_noticed(tmp_path: Path) -> None:
    def cuts(request: Request) -> Answer:
        good = good_answer(request)
        return Answer(good.text, usage={"prompt_tokens": 1000, "completion_tokens": 90})

    with town(tmp_path, cuts) as here:
        ended = here.night()

        assert len(ended.day.done) == PAPERS
        assert sum("give its server a longer context" in w for w in ended.warnings) == PAPERS


def test_a_second_evaluation_by_other_rules_asks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replies are kept before they are judged: what a rule refused, a changed rule may accept."""
    from pipeline.stages import validate  # to change it

    with town(tmp_path) as here:
        rules = validate.HARD_RULES
        monkeypatch.setattr(validate, "HARD_RULES", (*rules, _nothing_is_good_enough))
        first = here.night()
        asked = len(here.model.requests)
        monkeypatch.setattr(validate, "HARD_RULES", rules)
        second = here.night()

        assert (len(first.day.owed), len(second.day.done)) == (PAPERS, PAPERS)
        assert len(here.model.requests) == asked == 3 * PAPERS


def _nothing_is_good_enough(line: str) -> str | None:
    return f"has {len(line)} characters"
