from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import HttpUrl

from pipeline.clock import Clock
from pipeline.errors import (
    BudgetReached,
    ContextExceeded,
    JianjieError,
    ModelError,
    ModelForbidden,
    ModelRefused,
    ModelThrottled,
    ModelUnreachable,
)
from pipeline.llm import tokens
from pipeline.llm.guard import OUTAGE, UNKNOWN_FACTOR, Guarded
from pipeline.llm.prices import cost
from pipeline.records import ChatMessage, Reply, Sampling
from pipeline.settings import BudgetSettings, EndpointProfile, Profile, RetrySettings
from pipeline.store.spending import Spend
from tests.conftest import FastClock

TEXT = "One two three four five six seven eight nine ten."
MESSAGES = (ChatMessage(role="system", content=TEXT), ChatMessage(role="user", content=TEXT))
TOKENS_IN = 2 * (tokens.count(TEXT) + tokens.TURN_TOKENS)
TOKENS_OUT = 100
MOST = TOKENS_IN + TOKENS_OUT
SAMPLING = Sampling(temperature=0.0, max_tokens=TOKENS_OUT)
PROFILE = EndpointProfile(
    base_url=HttpUrl("http://127.0.0.1:9/v1"),
    model="tiny",
    price_in=1.0,
    price_out=10.0,
    token_factor=1.0,
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
    address = ""

    def ask(self, messages: Sequence[ChatMessage], sampling: Sampling) -> Reply:
        with self._lock:
            self.calls += 1
            number = self.calls
        self._before(number)
        counted = sum(tokens.count(m.content) + tokens.TURN_TOKENS for m in messages)
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

    def warm_up(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


class Log(list[Spend]):
    """Calls that may cost something and brought no reply."""

    def add(self, spend: Spend) -> None:
        self.append(spend)


def guarded_by(
    model: FakeModel,
    profile: Profile,
    budget: BudgetSettings,
    retry: RetrySettings = RetrySettings(attempts=1, total_s=0),  # noqa: B008 - it is frozen
    clock: Clock | None = None,
    log: Log | None = None,
) -> Guarded:
    """A guarded model that tries each call once, unless the test is about more."""
    spends = Log() if log is None else log
    return Guarded(model, profile, budget, retry, clock or FastClock(), spends)


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
    guarded = guarded_by(model, PROFILE, budget)

    results = at_once(guarded, THREADS)

    assert model.calls == 5
    assert sum(isinstance(each, Reply) for each in results) == 5
    assert sum(isinstance(each, BudgetReached) for each in results) == THREADS - 5


def test_calls_wait_for_what_others_leave_unused() -> None:
    """A quarter is used of what is set aside: four times as many calls as fit at once."""
    model = FakeModel(lambda _: time.sleep(0.001), share=0.25)
    guarded = guarded_by(model, PROFILE, BudgetSettings(tokens=4 * MOST))

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
    guarded = guarded_by(model, PROFILE, budget)

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
    guarded = guarded_by(model, PROFILE, BudgetSettings(tokens=10 * MOST))

    while isinstance(ask(guarded), Reply):
        assert model.used <= 10 * MOST

    assert model.used > 9 * MOST  # stopped by the last call's reserve and no earlier
    assert isinstance(ask(guarded), BudgetReached)


def test_a_budget_that_is_just_enough_is_enough() -> None:
    model = FakeModel()
    guarded = guarded_by(model, PROFILE, BudgetSettings(tokens=MOST))

    assert isinstance(ask(guarded), Reply)
    assert isinstance(ask(guarded), BudgetReached)


@pytest.mark.parametrize(
    "budget", [BudgetSettings(tokens=MOST - 1), BudgetSettings(money=0.000_001)]
)
def test_a_call_that_could_pass_the_cap_is_not_made(budget: BudgetSettings) -> None:
    model = FakeModel(share=0.0)
    guarded = guarded_by(model, PROFILE, budget)

    error = ask(guarded)

    assert isinstance(error, BudgetReached)
    assert guarded.halted is error
    assert "tokens" in str(error) or "money" in str(error)
    assert model.calls == 0


def test_no_caps_no_end() -> None:
    model = FakeModel()
    guarded = guarded_by(model, PROFILE, BudgetSettings())

    assert all(isinstance(ask(guarded), Reply) for _ in range(50))
    assert guarded.halted is None


def test_the_profiles_factor_makes_the_estimate_larger() -> None:
    profile = PROFILE.model_copy(update={"token_factor": 2.0})
    budget = BudgetSettings(tokens=2 * TOKENS_IN + TOKENS_OUT)

    assert isinstance(ask(guarded_by(FakeModel(), profile, budget)), Reply)
    smaller = BudgetSettings(tokens=2 * TOKENS_IN + TOKENS_OUT - 1)
    assert isinstance(ask(guarded_by(FakeModel(), profile, smaller)), BudgetReached)


def test_without_prices_a_money_cap_cannot_be_kept() -> None:
    profile = PROFILE.model_copy(update={"price_in": None})
    guarded = guarded_by(FakeModel(), profile, BudgetSettings(money=0.0))

    assert isinstance(ask(guarded), Reply)


def test_a_free_model_is_within_any_money_cap() -> None:
    profile = PROFILE.model_copy(update={"price_in": 0.0, "price_out": 0.0})

    assert isinstance(ask(guarded_by(FakeModel(), profile, BudgetSettings(money=0.0))), Reply)


@pytest.mark.parametrize("error", [ModelRefused("no"), ModelUnreachable("x")])
def test_a_failed_call_gives_back_what_was_set_aside(error: ModelError) -> None:
    model = FakeModel(outcomes(error))
    guarded = guarded_by(model, PROFILE, BudgetSettings(tokens=MOST))

    assert ask(guarded) is error
    assert isinstance(ask(guarded), Reply)


# Outage


def down() -> ModelError:
    return ModelUnreachable("down")


def slow() -> ModelError:
    return ModelThrottled("slow")


@pytest.mark.parametrize("kinds", [(down, down, down), (down, slow, down), (slow, slow, slow)])
def test_three_outages_in_a_row_halt(kinds: tuple[Callable[[], ModelError], ...]) -> None:
    failures = [kind() for kind in kinds]
    assert len(failures) == OUTAGE
    model = FakeModel(outcomes(*failures))
    guarded = guarded_by(model, PROFILE, BudgetSettings())

    assert [ask(guarded) for _ in failures] == list(failures)
    assert guarded.halted is failures[-1]
    assert ask(guarded) is failures[-1]
    assert model.calls == OUTAGE


def test_two_outages_do_not_halt() -> None:
    failures = [down(), down()]
    model = FakeModel(outcomes(*failures))
    guarded = guarded_by(model, PROFILE, BudgetSettings())

    assert [ask(guarded), ask(guarded)] == failures
    assert guarded.halted is None
    assert isinstance(ask(guarded), Reply)


def test_a_success_in_between_starts_the_count_again() -> None:
    last = down()
    failures = [down(), down(), None, down(), down(), None, down(), down(), last]
    model = FakeModel(outcomes(*failures))
    guarded = guarded_by(model, PROFILE, BudgetSettings())

    for _ in range(8):
        ask(guarded)
        assert guarded.halted is None
    assert ask(guarded) is last
    assert guarded.halted is last
    assert model.calls == 9


def test_a_forbidden_call_halts_at_once() -> None:
    error = ModelForbidden("wrong key")
    model = FakeModel(outcomes(error))
    guarded = guarded_by(model, PROFILE, BudgetSettings())

    assert ask(guarded) is error
    assert guarded.halted is error
    assert ask(guarded) is error
    assert model.calls == 1


@pytest.mark.parametrize("error", [ContextExceeded("too long"), ModelRefused("no")])
def test_what_is_about_one_paper_never_halts(error: ModelError) -> None:
    model = FakeModel(outcomes(*[error] * 10))
    guarded = guarded_by(model, PROFILE, BudgetSettings())

    assert [ask(guarded) for _ in range(10)] == [error] * 10
    assert guarded.halted is None
    assert isinstance(ask(guarded), Reply)


def test_sixteen_threads_stop_at_a_model_that_is_gone() -> None:
    def gone(_: int) -> None:
        time.sleep(0.001)
        raise ModelUnreachable("down")

    model = FakeModel(gone)
    guarded = guarded_by(model, PROFILE, BudgetSettings())

    results = at_once(guarded, 20 * THREADS)

    assert all(isinstance(each, ModelUnreachable) for each in results)
    # Those under way when the third fails still end; nobody starts another.
    assert OUTAGE <= model.calls < OUTAGE + THREADS


def test_a_bug_in_a_model_is_not_hidden() -> None:
    def bug(_: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        guarded_by(FakeModel(bug), PROFILE, BudgetSettings()).ask(MESSAGES, SAMPLING)


def test_the_rest_is_the_models() -> None:
    model = FakeModel()
    guarded = guarded_by(model, PROFILE, BudgetSettings())

    assert guarded.identity == "fake"
    guarded.close()
    assert model.closed


# Retries inside the budget


def test_each_try_has_its_own_place_in_the_budget() -> None:
    """A try that may have been paid for counts in full: the cap holds whatever the endpoint did."""
    unknown = [ModelUnreachable("no answer in time", may_cost=True) for _ in range(9)]
    model, log = FakeModel(outcomes(*unknown)), Log()
    retry = RetrySettings(attempts=5, first_wait_s=0)
    guarded = guarded_by(model, PROFILE, BudgetSettings(tokens=3 * MOST), retry, log=log)

    assert isinstance(ask(guarded), BudgetReached)
    assert model.calls == 3
    assert [(spend.tokens_in, spend.tokens_out, spend.sure) for spend in log] == [
        (TOKENS_IN, TOKENS_OUT, False)
    ] * 3
    assert log[0].cost == cost(PROFILE, TOKENS_IN, TOKENS_OUT)


def test_a_try_that_cost_nothing_is_not_counted() -> None:
    model, log = FakeModel(outcomes(down(), slow())), Log()
    retry = RetrySettings(attempts=5, first_wait_s=0)
    guarded = guarded_by(model, PROFILE, BudgetSettings(tokens=MOST), retry, log=log)

    assert isinstance(ask(guarded), Reply)
    assert model.calls == 3
    assert log == []


def test_nobody_tries_again_once_the_model_is_gone() -> None:
    clock = FastClock()
    model = FakeModel(outcomes(*[down() for _ in range(99)]))
    guarded = guarded_by(model, PROFILE, BudgetSettings(), RetrySettings(attempts=2), clock)
    for _ in range(OUTAGE):
        ask(guarded)
    before, waited = model.calls, list(clock.waits)

    assert isinstance(ask(guarded), ModelUnreachable)
    assert (model.calls, clock.waits) == (before, waited)


# One paper's time


def test_a_papers_calls_have_a_bound_together() -> None:
    clock = FastClock()
    model = FakeModel(lambda _: clock.sleep(40))
    profile = PROFILE.model_copy(update={"paper_s": 100})
    one = guarded_by(model, profile, BudgetSettings(), clock=clock).for_one_paper()

    answered = [one.ask(MESSAGES, SAMPLING) for _ in range(3)]
    with pytest.raises(ModelUnreachable, match="more than 100 s"):
        one.ask(MESSAGES, SAMPLING)

    assert len(answered) == model.calls == 3
    assert one.identity == "fake"


def test_no_try_of_a_paper_begins_after_its_time() -> None:
    clock = FastClock()
    profile = PROFILE.model_copy(update={"paper_s": 100})

    def hangs(_: int) -> None:
        clock.sleep(60)
        raise ModelUnreachable("no answer in time")

    model = FakeModel(hangs)
    retry = RetrySettings(attempts=9, first_wait_s=0, total_s=600)
    one = guarded_by(model, profile, BudgetSettings(), retry, clock).for_one_paper()

    with pytest.raises(ModelUnreachable):
        one.ask(MESSAGES, SAMPLING)

    assert model.calls == 2


def test_a_papers_time_begins_with_its_first_call() -> None:
    clock = FastClock()
    profile = PROFILE.model_copy(update={"paper_s": 100})
    one = guarded_by(FakeModel(), profile, BudgetSettings(), clock=clock).for_one_paper()

    clock.sleep(1000)

    assert one.ask(MESSAGES, SAMPLING).text == "ok"


# Tokens that are not known


def test_a_model_of_unknown_tokens_is_taken_for_hungry_until_it_has_answered() -> None:
    profile = PROFILE.model_copy(update={"token_factor": None})
    hungry = math.ceil(TOKENS_IN * UNKNOWN_FACTOR) + TOKENS_OUT

    assert isinstance(
        ask(guarded_by(FakeModel(), profile, BudgetSettings(tokens=hungry - 1))), BudgetReached
    )
    guarded = guarded_by(FakeModel(), profile, BudgetSettings(tokens=hungry))
    assert isinstance(ask(guarded), Reply)
    assert guarded.most_in(MESSAGES, SAMPLING) == math.ceil(TOKENS_IN * 1.1)


def test_a_model_that_counts_more_than_its_profile_says_is_believed() -> None:
    guarded = guarded_by(FakeModel(share=3.0), PROFILE, BudgetSettings())

    ask(guarded)

    assert guarded.most_in(MESSAGES, SAMPLING) >= 3 * TOKENS_IN


def test_the_replys_schema_is_part_of_the_prompt() -> None:
    guarded = guarded_by(FakeModel(), PROFILE, BudgetSettings())
    as_json = SAMPLING.model_copy(update={"form": "entry"})

    assert guarded.most_in(MESSAGES, as_json) > guarded.most_in(MESSAGES, SAMPLING) + 50
