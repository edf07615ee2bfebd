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

OUTAGE = 3
"""So many calls in a row, each with all its retries, fail before the model counts as gone."""


class Guarded:
    """A model behind a budget and a breaker. Safe to call from many threads."""

    def __init__(self, model: Model, profile: Profile, budget: BudgetSettings) -> None:
        self._model = model
        self._profile = profile
        self._budget = budget
        self._lock = threading.Lock()
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
        try:
            reply = self._model.ask(messages, sampling)
        except ModelError as error:
            self._settle(most_in, most_out, 0, 0)
            self._failed(error)
            raise
        self._settle(most_in, most_out, reply.tokens_in, reply.tokens_out)
        self._failures = 0
        return reply

    def _estimate(self, messages: Sequence[Message]) -> int:
        counted = sum(tokens.count(message.content) for message in messages)
        return math.ceil(counted * self._profile.token_factor)

    def _reserve(self, tokens_in: int, tokens_out: int) -> None:
        """Set aside the most that the call can cost, so that calls at once cannot pass the cap."""
        price = cost(self._profile, tokens_in, tokens_out) or 0.0
        with self._lock:
            if _passes(self._tokens + tokens_in + tokens_out, self._budget.tokens):
                self.halted = self.halted or _reached(f"{self._budget.tokens} tokens")
            if _passes(self._money + price, self._budget.money):
                self.halted = self.halted or _reached(f"{self._budget.money} in money")
            if self.halted is not None:
                raise self.halted
            self._tokens += tokens_in + tokens_out
            self._money += price

    def _settle(self, most_in: int, most_out: int, tokens_in: int, tokens_out: int) -> None:
        """Replace what was set aside by what was used."""
        unused = (cost(self._profile, most_in, most_out) or 0.0) - (
            cost(self._profile, tokens_in, tokens_out) or 0.0
        )
        with self._lock:
            self._tokens += tokens_in + tokens_out - most_in - most_out
            self._money -= unused

    def _failed(self, error: ModelError) -> None:
        if isinstance(error, ReplyUnusable) or not (
            error.retryable or isinstance(error, ModelForbidden)
        ):
            return  # about this one paper; the next may work
        with self._lock:
            self._failures += 1
            if isinstance(error, ModelForbidden) or self._failures >= OUTAGE:
                self.halted = error


def _passes(total: float, cap: float | None) -> bool:
    return cap is not None and total > cap


def _reached(cap: str) -> BudgetReached:
    return BudgetReached(
        f"the run's budget of {cap} is used up",
        fix="Run again for the papers left, or raise budget in config.yaml",
    )
