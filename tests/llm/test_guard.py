from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import HttpUrl

from pipeline.errors import (
    BudgetReached,
    JianjieError,
    ModelError,
    ModelForbidden,
    ModelRefused,
    ModelThrottled,
    ModelUnreachable,
    ReplyUnusable,
)
from pipeline.llm import tokens
from pipeline.llm.guard import OUTAGE, TURN_TOKENS, Guarded
from pipeline.llm.prices import cost
from pipeline.records import Message, Reply, Sampling
from pipeline.settings import BudgetSettings, EndpointProfile

TEXT = "One two three four five six seven eight nine ten."
MESSAGES = (Message(role="system", content=TEXT), Message(role="user", content=TEXT))
TOKENS_IN = 2 * (tokens.count(TEXT) + TURN_TOKENS)
TOKENS_OUT = 100
MOST = TOKENS_IN + TOKENS_OUT
SAMPLING = Sampling(temperature=0.0, max_tokens=TOKENS_OUT)
PROFILE = EndpointProfile(
    base_url=HttpUrl("http://127.0.0.1:9/v1"), model="tiny", price_in=1.0, price_out=10.0
)
THREADS = 16


class FakeModel:
    """Uses `share` of what a call may use; `before` runs in each call, and may raise."""

    def __init__(
        self, before: Callable[[int], None] = lambda number: None, *, share: float = 1.0
    ) -> None:
        self.calls = 0
        self.used = 0
        self.money = 0.0
        self.closed = False
        self._before = before
        self._share = share
        self._lock = threading.Lock()

    identity = "fake"

    def ask(self, messages: Sequence[Message], sampling: Sampling) -> Reply:
        with self._lock:
            self.calls += 1
            number = self.calls
        self._before(number)
        counted = sum(tokens.count(m.content) + TURN_TOKENS for m in messages)
        tokens_in = int(counted * self._share)
        tokens_out = int(sampling.max_tokens * self._share)
        price = cost(PROFILE, tokens_in, tokens_out)
        with self._lock:
            self.used += tokens_in + tokens_out
            self.money += price or 0.0
        return Reply(
            text="ok",
            model=self.identity,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            cost=price,
            seconds=0.0,
        )

    def close(self) -> None:
        self.closed = True


def outcomes(*errors: JianjieError | None) -> Callable[[int], None]:
    """Raises the errors in turn (None: no error), and nothing after them."""

    def before(number: int) -> None:
        error = errors[number - 1] if number <= len(errors) else None
        if error is not None:
            raise error

    return before


def ask(guarded: Guarded) -> Reply | JianjieError:
    try:
        return guarded.ask(MESSAGES, SAMPLING)
    except JianjieError as error:
        return error


def at_once(guarded: Guarded, calls: int) -> list[object]:
    """What `calls` calls from 16 threads come to."""
    ready = threading.Barrier(THREADS)

    def worker(share: int) -> list[object]:
        ready.wait(5)
        return [ask(guarded) for _ in range(share)]

    with ThreadPoolExecutor(THREADS) as pool:
        return [each for part in pool.map(worker, [calls // THREADS] * THREADS) for each in part]


# Budget


@pytest.mark.parametrize(
    "budget",
    [
        BudgetSettings(tokens=5 * MOST),
        BudgetSettings(money=5.5 * (TOKENS_IN * 1.0 + TOKENS_OUT * 10.0) / 1_000_000),
        BudgetSettings(tokens=5 * MOST, money=1000.0),
    ],
)
def test_sixteen_calls_at_once_get_only_what_the_budget_holds(budget: BudgetSettings) -> None:
    """Five fit; the others wait for what those leave unused, which is nothing."""
    five_asked = threading.Barrier(5)

    def before(_: int) -> None:
        five_asked.wait(5)
        time.sleep(0.02)  # long enough for a sixth to slip in, if one could

    model = FakeModel(before)
    guarded = Guarded(model, PROFILE, budget)

    results = at_once(guarded, THREADS)

    assert model.calls == 5
    assert sum(isinstance(each, Reply) for each in results) == 5
    assert sum(isinstance(each, BudgetReached) for each in results) == THREADS - 5


def test_calls_wait_for_what_others_leave_unused() -> None:
    """A quarter is used of what is set aside: four times as many calls as fit at once."""
    model = FakeModel(lambda _: time.sleep(0.001), share=0.25)
    guarded = Guarded(model, PROFILE, BudgetSettings(tokens=4 * MOST))

    answered = sum(isinstance(each, Reply) for each in at_once(guarded, THREADS * 2))

    assert answered >= 13  # the last reserve needs room for a whole call
    assert model.used <= 4 * MOST


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1])
@pytest.mark.parametrize(
    "budget",
    [
        BudgetSettings(tokens=20 * MOST + MOST // 2),
        BudgetSettings(money=20.5 * (TOKENS_IN * 1.0 + TOKENS_OUT * 10.0) / 1_000_000),
    ],
)
def test_the_caps_hold_with_sixteen_threads(budget: BudgetSettings, share: float) -> None:
    model = FakeModel(lambda _: time.sleep(0.001), share=share)
    guarded = Guarded(model, PROFILE, budget)

    results = at_once(guarded, 20 * THREADS)

    assert budget.tokens is None or model.used <= budget.tokens
    assert budget.money is None or model.money <= budget.money
    answered = sum(isinstance(each, Reply) for each in results)
    assert answered == model.calls
    assert all(isinstance(each, Reply | BudgetReached) for each in results)
    assert answered >= 5
    assert isinstance(guarded.halted, BudgetReached) is (answered < len(results))


@pytest.mark.parametrize("share", [1.0, 0.25])
def test_what_a_call_did_not_use_is_there_for_the_next(share: float) -> None:
    model = FakeModel(share=share)
    guarded = Guarded(model, PROFILE, BudgetSettings(tokens=10 * MOST))

    while isinstance(ask(guarded), Reply):
        assert model.used <= 10 * MOST

    assert model.used > 9 * MOST  # stopped by the last call's reserve and no earlier
    assert isinstance(ask(guarded), BudgetReached)


def test_a_budget_that_is_just_enough_is_enough() -> None:
    model = FakeModel()
    guarded = Guarded(model, PROFILE, BudgetSettings(tokens=MOST))

    assert isinstance(ask(guarded), Reply)
    assert isinstance(ask(guarded), BudgetReached)


@pytest.mark.parametrize(
    "budget", [BudgetSettings(tokens=MOST - 1), BudgetSettings(money=0.000_001)]
)
def test_a_call_that_could_pass_the_cap_is_not_made(budget: BudgetSettings) -> None:
    model = FakeModel(share=0.0)
    guarded = Guarded(model, PROFILE, budget)

    error = ask(guarded)

    assert isinstance(error, BudgetReached)
    assert guarded.halted is error
    assert "tokens" in str(error) or "money" in str(error)
    assert model.calls == 0


def test_no_caps_no_end() -> None:
    model = FakeModel()
    guarded = Guarded(model, PROFILE, BudgetSettings())

    assert all(isinstance(ask(guarded), Reply) for _ in range(50))
    assert guarded.halted is None


def test_the_profiles_factor_makes_the_estimate_larger() -> None:
    profile = PROFILE.model_copy(update={"token_factor": 2.0})
    budget = BudgetSettings(tokens=2 * TOKENS_IN + TOKENS_OUT)

    assert isinstance(ask(Guarded(FakeModel(), profile, budget)), Reply)
    smaller = BudgetSettings(tokens=2 * TOKENS_IN + TOKENS_OUT - 1)
    assert isinstance(ask(Guarded(FakeModel(), profile, smaller)), BudgetReached)


def test_without_prices_a_money_cap_cannot_be_kept() -> None:
    profile = PROFILE.model_copy(update={"price_in": None})
    guarded = Guarded(FakeModel(), profile, BudgetSettings(money=0.0))

    assert isinstance(ask(guarded), Reply)


def test_a_free_model_is_within_any_money_cap() -> None:
    profile = PROFILE.model_copy(update={"price_in": 0.0, "price_out": 0.0})

    assert isinstance(ask(Guarded(FakeModel(), profile, BudgetSettings(money=0.0))), Reply)


@pytest.mark.parametrize("error", [ReplyUnusable("no"), ModelRefused("no"), ModelUnreachable("x")])
def test_a_failed_call_gives_back_what_was_set_aside(error: ModelError) -> None:
    model = FakeModel(outcomes(error))
    guarded = Guarded(model, PROFILE, BudgetSettings(tokens=MOST))

    assert ask(guarded) is error
    assert isinstance(ask(guarded), Reply)


# Outage

DOWN = ModelUnreachable("down")
SLOW = ModelThrottled("slow")


@pytest.mark.parametrize("failures", [(DOWN, DOWN, DOWN), (DOWN, SLOW, DOWN), (SLOW, SLOW, SLOW)])
def test_three_outages_in_a_row_halt(failures: tuple[ModelError, ...]) -> None:
    assert len(failures) == OUTAGE
    model = FakeModel(outcomes(*failures))
    guarded = Guarded(model, PROFILE, BudgetSettings())

    assert [ask(guarded) for _ in failures] == list(failures)
    assert guarded.halted is failures[-1]
    assert ask(guarded) is failures[-1]
    assert model.calls == OUTAGE


def test_two_outages_do_not_halt() -> None:
    model = FakeModel(outcomes(DOWN, DOWN))
    guarded = Guarded(model, PROFILE, BudgetSettings())

    assert [ask(guarded), ask(guarded)] == [DOWN, DOWN]
    assert guarded.halted is None
    assert isinstance(ask(guarded), Reply)


def test_a_success_in_between_starts_the_count_again() -> None:
    model = FakeModel(outcomes(DOWN, DOWN, None, DOWN, DOWN, None, DOWN, DOWN, DOWN))
    guarded = Guarded(model, PROFILE, BudgetSettings())

    for _ in range(8):
        ask(guarded)
        assert guarded.halted is None
    assert ask(guarded) is DOWN
    assert guarded.halted is DOWN
    assert model.calls == 9


def test_a_forbidden_call_halts_at_once() -> None:
    error = ModelForbidden("wrong key")
    model = FakeModel(outcomes(error))
    guarded = Guarded(model, PROFILE, BudgetSettings())

    assert ask(guarded) is error
    assert guarded.halted is error
    assert ask(guarded) is error
    assert model.calls == 1


@pytest.mark.parametrize("error", [ReplyUnusable("filtered"), ModelRefused("too long")])
def test_what_is_about_one_paper_never_halts(error: ModelError) -> None:
    model = FakeModel(outcomes(*[error] * 10))
    guarded = Guarded(model, PROFILE, BudgetSettings())

    assert [ask(guarded) for _ in range(10)] == [error] * 10
    assert guarded.halted is None
    assert isinstance(ask(guarded), Reply)


def test_sixteen_threads_stop_at_a_model_that_is_gone() -> None:
    def gone(_: int) -> None:
        time.sleep(0.001)
        raise ModelUnreachable("down")

    model = FakeModel(gone)
    guarded = Guarded(model, PROFILE, BudgetSettings())

    results = at_once(guarded, 20 * THREADS)

    assert all(isinstance(each, ModelUnreachable) for each in results)
    # Those under way when the third fails still end; nobody starts another.
    assert OUTAGE <= model.calls < OUTAGE + THREADS


def test_a_bug_in_a_model_is_not_hidden() -> None:
    def bug(_: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Guarded(FakeModel(bug), PROFILE, BudgetSettings()).ask(MESSAGES, SAMPLING)


def test_the_rest_is_the_models() -> None:
    model = FakeModel()
    guarded = Guarded(model, PROFILE, BudgetSettings())

    assert guarded.identity == "fake"
    guarded.close()
    assert model.closed
