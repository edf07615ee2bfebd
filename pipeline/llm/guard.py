"""Stands before a model: keeps the run's budget, and stops calling what does not answer."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence

from pipeline.errors import BudgetReached, ModelError, ModelForbidden, ReplyUnusable
from pipeline.llm import tokens
from pipeline.llm.model import Model
from pipeline.llm.prices import cost
from pipeline.records import Message, Reply, Sampling
from pipeline.settings import BudgetSettings, Profile

TURN_TOKENS = 8
"""What a chat template may add to each message."""
OUTAGE = 3
"""So many calls in a row, each with all its retries, fail before the model counts as gone."""


class Guarded:
    """A model behind a budget and a breaker. Safe to call from many threads."""

    def __init__(self, model: Model, profile: Profile, budget: BudgetSettings) -> None:
        self._model = model
        self._profile = profile
        self._budget = budget
        self._settled = threading.Condition()
        self._calls = 0
        self._tokens = 0
        self._money = 0.0
        self._failures = 0
        self.halted: ModelError | BudgetReached | None = None
        """Why no further call is made, once that is so."""

    @property
    def identity(self) -> str:
        """The model's name in keys and provenance."""
        return self._model.identity

    def close(self) -> None:
        """Hang up."""
        self._model.close()

    def ask(self, messages: Sequence[Message], sampling: Sampling) -> Reply:
        """One reply. Raises BudgetReached before a call that could pass the cap, ModelError."""
        most_in, most_out = self._estimate(messages), sampling.max_tokens
        self._reserve(most_in, most_out)
        tokens_in = tokens_out = 0
        try:
            reply = self._model.ask(messages, sampling)
            tokens_in, tokens_out = reply.tokens_in, reply.tokens_out
        except ModelError as error:
            self._failed(error)
            raise
        finally:
            self._settle(most_in, most_out, tokens_in, tokens_out)
        self._failures = 0
        return reply

    def _estimate(self, messages: Sequence[Message]) -> int:
        counted = sum(tokens.count(message.content) + TURN_TOKENS for message in messages)
        return math.ceil(counted * self._profile.counting_factor)

    def _reserve(self, tokens_in: int, tokens_out: int) -> None:
        """Set aside the most that the call can cost, so that calls at once cannot pass the cap.

        While calls are on their way it waits for what they leave unused.
        """
        price = cost(self._profile, tokens_in, tokens_out) or 0.0
        with self._settled:
            while self.halted is None:
                cap = self._cap_passed(tokens_in + tokens_out, price)
                if cap is None:
                    break
                if self._calls == 0:
                    self.halted = _reached(cap)
                else:
                    self._settled.wait()
            if self.halted is not None:
                raise self.halted
            self._calls += 1
            self._tokens += tokens_in + tokens_out
            self._money += price

    def _cap_passed(self, tokens_: int, price: float) -> str | None:
        """The cap, in words, that one more call of this size could pass."""
        if self._budget.tokens is not None and self._tokens + tokens_ > self._budget.tokens:
            return f"{self._budget.tokens} tokens"
        if self._budget.money is not None and self._money + price > self._budget.money:
            return f"{self._budget.money} in money"
        return None

    def _settle(self, most_in: int, most_out: int, tokens_in: int, tokens_out: int) -> None:
        """Replace what was set aside by what was used."""
        unused = (cost(self._profile, most_in, most_out) or 0.0) - (
            cost(self._profile, tokens_in, tokens_out) or 0.0
        )
        with self._settled:
            self._calls -= 1
            self._tokens += tokens_in + tokens_out - most_in - most_out
            self._money -= unused
            self._settled.notify_all()

    def _failed(self, error: ModelError) -> None:
        if isinstance(error, ReplyUnusable) or not (
            error.retryable or isinstance(error, ModelForbidden)
        ):
            return  # about this one paper; the next may work
        with self._settled:
            self._failures += 1
            if isinstance(error, ModelForbidden) or self._failures >= OUTAGE:
                self.halted = error


def _reached(cap: str) -> BudgetReached:
    return BudgetReached(
        f"the run's budget of {cap} is used up",
        fix="Run again for the papers left, or raise budget in config.yaml",
    )
