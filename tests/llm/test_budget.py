from __future__ import annotations

import pytest
from pydantic import HttpUrl

from pipeline.errors import BudgetReached
from pipeline.llm.budget import Budget
from pipeline.llm.prices import cost
from pipeline.settings import BudgetSettings, EndpointProfile

PROFILE = EndpointProfile(
    base_url=HttpUrl("http://127.0.0.1:9/v1"), model="tiny", price_in=1.0, price_out=10.0
)


def test_without_waiting_what_does_not_fit_now_is_told() -> None:
    budget = Budget(PROFILE, BudgetSettings(tokens=250))

    assert budget.try_reserve(50, 50)
    assert budget.try_reserve(50, 50)
    assert not budget.try_reserve(50, 50)  # the two that are out may leave enough
    budget.settle((50, 50), tokens=10, price=0.0)
    assert budget.try_reserve(50, 50)


def test_with_nothing_out_that_could_leave_some_it_is_reached() -> None:
    budget = Budget(PROFILE, BudgetSettings(tokens=150))
    assert budget.try_reserve(50, 50)
    budget.settle((50, 50), tokens=100, price=0.0)

    with pytest.raises(BudgetReached):
        budget.try_reserve(50, 50)

    assert budget.reached is not None


def test_a_share_of_the_price_is_set_aside_and_given_back() -> None:
    whole = cost(PROFILE, 1000, 1000)
    assert whole is not None
    budget = Budget(PROFILE, BudgetSettings(money=whole))

    assert budget.try_reserve(1000, 1000, share=0.5)
    assert budget.try_reserve(1000, 1000, share=0.5)
    assert not budget.try_reserve(1000, 1000, share=0.5)
    budget.settle((1000, 1000), tokens=0, price=0.0, share=0.5)
    assert budget.try_reserve(1000, 1000, share=0.5)


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ({}, 1.0 + 20.0),
        ({"price_cached_in": 0.25}, 0.25 + 0.75 * 1.0 - 0.1875 + 20.0),
        ({"price_cached_in": 0.0}, 0.75 + 20.0),
        ({"price_in": None}, None),
    ],
)
def test_tokens_that_were_read_before_have_their_own_price(
    prices: dict[str, float | None], expected: float | None
) -> None:
    profile = PROFILE.model_copy(update=prices)

    price = cost(profile, 1_000_000, 2_000_000, cached_in=250_000)

    assert price == (None if expected is None else pytest.approx(expected))
