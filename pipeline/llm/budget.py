"""The caps of a run: set aside before a call, settled after it, never passed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipeline.errors import BudgetReached, counted
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
        self._part: _Part | None = None
        self._reached: BudgetReached | None = None

    @property
    def reached(self) -> BudgetReached | None:
        """Once a call could pass a cap: no further one is made."""
        return self._reached or (self._part.reached if self._part else None)

    @property
    def capped(self) -> bool:
        """Whether there is a cap at all."""
        return _any(self._caps) or self._part is not None

    @contextmanager
    def part(self, name: str, caps: BudgetSettings) -> Iterator[None]:
        """Within the block these caps hold too, for what is used in it. One part at a time."""
        with self._settled:
            self._part = _Part(name, caps, self._tokens, self._money) if _any(caps) else None
        try:
            yield
        finally:
            with self._settled:
                self._part = None

    def reserve(self, tokens_in: int, tokens_out: int, *, share: float = 1.0) -> None:
        """Set aside the most that a call can use, so that calls at once cannot pass the cap.

        `share` is of the price. While calls are out it waits for what they leave unused. Raises
        BudgetReached.
        """
        self._set_aside(tokens_in + tokens_out, self._price(tokens_in, tokens_out) * share)

    def _set_aside(self, tokens: int, price: float) -> None:
        with self._settled:
            while not self._fits(tokens, price):
                self._settled.wait()

    def try_reserve(self, tokens_in: int, tokens_out: int, *, share: float = 1.0) -> bool:
        """The same without waiting: False where the calls that are out may leave enough."""
        with self._settled:
            return self._fits(tokens_in + tokens_out, self._price(tokens_in, tokens_out) * share)

    def _fits(self, tokens: int, price: float) -> bool:
        """Whether so much was set aside. Raises BudgetReached where waiting cannot help."""
        cap = _passed(self._caps, self._tokens + tokens, self._money + price)
        if cap is not None and self._open == 0 and self._reached is None:
            self._reached = _used_up("the run's", cap, "raise budget")
        if (part := self._part) is not None:
            own = _passed(
                part.caps, self._tokens + tokens - part.tokens, self._money + price - part.money
            )
            if own is not None and self._open == 0 and part.reached is None:
                part.reached = _used_up(f"{part.name}'s", own, "raise the field's budget")
            cap = cap or own
        if self.reached is not None:
            raise self.reached
        if cap is None:
            self._open += 1
            self._tokens += tokens
            self._money += price
        return cap is None

    def settle(self, most: tuple[int, int], tokens: int, price: float, share: float = 1.0) -> None:
        """Replace what was set aside for a call, input and output tokens, by what it used."""
        self._give_back(tokens - sum(most), price - self._price(*most) * share)

    def _give_back(self, tokens: int, money: float) -> None:
        """The difference to what was set aside."""
        with self._settled:
            self._open -= 1
            self._tokens += tokens
            self._money += money
            self._settled.notify_all()

    def settle_as_used(self, most: tuple[int, int]) -> None:
        """Nobody will tell what a call used: it counts as all that was set aside for it."""
        self.settle(most, sum(most), self._price(*most))

    def beside(self, profile: Profile) -> Budget:
        """The same caps for the calls of another model, at its own prices."""
        return _Beside(self, profile)

    def _price(self, tokens_in: int, tokens_out: int) -> float:
        return cost(self._profile, tokens_in, tokens_out) or 0.0


class _Beside(Budget):
    """Another model's calls within a run's budget."""

    def __init__(self, whole: Budget, profile: Profile) -> None:
        super().__init__(profile, BudgetSettings())
        self._whole = whole

    @property
    def reached(self) -> BudgetReached | None:
        return self._whole.reached

    @property
    def capped(self) -> bool:
        return self._whole.capped

    def _set_aside(self, tokens: int, price: float) -> None:
        self._whole._set_aside(tokens, price)

    def _give_back(self, tokens: int, money: float) -> None:
        self._whole._give_back(tokens, money)


@dataclass
class _Part:
    """A part of a run with caps of its own, and what was used when it began."""

    name: str
    caps: BudgetSettings
    tokens: int
    money: float
    reached: BudgetReached | None = None


def _any(caps: BudgetSettings) -> bool:
    return caps.money is not None or caps.tokens is not None


def _passed(caps: BudgetSettings, tokens: int, money: float) -> str | None:
    """The cap, in words, that so much would pass."""
    if caps.tokens is not None and tokens > caps.tokens:
        return counted(caps.tokens, "token")
    if caps.money is not None and money > caps.money:
        return f"{caps.money} in money"
    return None


def _used_up(whose: str, cap: str, remedy: str) -> BudgetReached:
    return BudgetReached(
        f"{whose} budget of {cap} is used up",
        fix=f"Run again for the papers left, or {remedy} in config.yaml",
    )
