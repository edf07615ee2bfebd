"""The caps of a run: set aside before a call, settled after it, never passed."""

from __future__ import annotations

import threading

from pipeline.errors import BudgetReached
from pipeline.llm.prices import cost
from pipeline.settings import BudgetSettings, Profile


class Budget:
    """What a run has used and set aside. Safe for many threads."""

    def __init__(self, profile: Profile, caps: BudgetSettings) -> None:
        self._profile = profile
        self._caps = caps
        self._settled = threading.Condition()
        self._open = 0
        self._tokens = 0
        self._money = 0.0
        self.reached: BudgetReached | None = None
        """Once a call could pass a cap: no further one is made."""

    @property
    def capped(self) -> bool:
        """Whether there is a cap at all."""
        return self._caps.money is not None or self._caps.tokens is not None

    def reserve(self, tokens_in: int, tokens_out: int, *, share: float = 1.0) -> None:
        """Set aside the most that a call can use, so that calls at once cannot pass the cap.

        `share` is of the price. While calls are out it waits for what they leave unused. Raises
        BudgetReached.
        """
        price = self._price(tokens_in, tokens_out) * share
        with self._settled:
            while not self._fits(tokens_in + tokens_out, price):
                self._settled.wait()

    def try_reserve(self, tokens_in: int, tokens_out: int, *, share: float = 1.0) -> bool:
        """The same without waiting: False where the calls that are out may leave enough."""
        with self._settled:
            return self._fits(tokens_in + tokens_out, self._price(tokens_in, tokens_out) * share)

    def _fits(self, tokens: int, price: float) -> bool:
        """Whether so much was set aside. Raises BudgetReached where waiting cannot help."""
        cap = self._passed(tokens, price)
        if cap is not None and self._open == 0 and self.reached is None:
            self.reached = _reached(cap)
        if self.reached is not None:
            raise self.reached
        if cap is None:
            self._open += 1
            self._tokens += tokens
            self._money += price
        return cap is None

    def settle(self, most: tuple[int, int], tokens: int, price: float, share: float = 1.0) -> None:
        """Replace what was set aside for a call, input and output tokens, by what it used."""
        with self._settled:
            self._open -= 1
            self._tokens += tokens - sum(most)
            self._money += price - self._price(*most) * share
            self._settled.notify_all()

    def _price(self, tokens_in: int, tokens_out: int) -> float:
        return cost(self._profile, tokens_in, tokens_out) or 0.0

    def _passed(self, tokens: int, price: float) -> str | None:
        """The cap, in words, that one more call of this size could pass."""
        caps = self._caps
        if caps.tokens is not None and self._tokens + tokens > caps.tokens:
            return f"{caps.tokens} tokens"
        if caps.money is not None and self._money + price > caps.money:
            return f"{caps.money} in money"
        return None


def _reached(cap: str) -> BudgetReached:
    return BudgetReached(
        f"the run's budget of {cap} is used up",
        fix="Run again for the papers left, or raise budget in config.yaml",
    )
