"""Stands before a model: tries again, keeps the budget, and stops calling what does not answer."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Protocol

from pipeline.clock import Clock
from pipeline.errors import BudgetReached, ModelError, ModelForbidden, ModelUnreachable
from pipeline.llm import tokens
from pipeline.llm.budget import Budget
from pipeline.llm.model import Model
from pipeline.llm.prices import cost
from pipeline.pacing import Retry
from pipeline.records import ChatMessage, Reply, Sampling
from pipeline.settings import BudgetSettings, Profile, RetrySettings
from pipeline.store.spending import Spend

OUTAGE = 3
"""Calls in a row, each with all its retries, that fail before the model counts as gone."""
UNKNOWN_FACTOR = 2.0
"""No tokenizer in use needs more tokens for such prompts than twice cl100k_base's."""
_LEARNED_MARGIN = 1.1


class SpendLog(Protocol):
    """Where calls are kept that may cost something and brought no reply."""

    def add(self, spend: Spend) -> None:
        """Keep one."""


class Guarded:
    """A model behind one retry policy, a budget and a breaker. Safe to call from many threads."""

    def __init__(
        self,
        model: Model,
        profile: Profile,
        budget: BudgetSettings,
        retry: RetrySettings,
        clock: Clock,
        log: SpendLog,
        shared: Budget | None = None,
    ) -> None:
        """`shared`: a budget that others use too, in the place of one of its own."""
        self._model = model
        self._profile = profile
        self._retry = Retry(retry, clock)
        self._clock = clock
        self._log = log
        self._changing = threading.Lock()
        self._failures = 0
        self._factor = profile.token_factor
        self._gone: ModelError | None = None
        self.budget = shared or Budget(profile, budget)

    @property
    def halted(self) -> ModelError | BudgetReached | None:
        """Why no further call is made, once that is so."""
        return self._gone or self.budget.reached

    @property
    def identity(self) -> str:
        """The model's name in keys and provenance."""
        return self._model.identity

    @property
    def address(self) -> str:
        """Where it answers; empty on this machine."""
        return self._model.address

    def warm_up(self) -> None:
        """Load what the first call needs, while the caller goes on."""
        threading.Thread(target=self._model.warm_up, name="warm-up", daemon=True).start()

    def close(self) -> None:
        """Hang up."""
        self._model.close()

    def for_one_paper(self) -> Model:
        """The same model, for calls that together take no longer than the profile's `paper_s`."""
        return _OnePaper(self, self._clock, self._profile.paper_s)

    def ask(self, messages: Sequence[ChatMessage], sampling: Sampling) -> Reply:
        """One reply. Raises BudgetReached before a call that could pass the cap, ModelError."""
        return self.ask_until(messages, sampling, math.inf)

    def ask_until(
        self, messages: Sequence[ChatMessage], sampling: Sampling, deadline: float
    ) -> Reply:
        """The same, but for tries after `deadline` (seconds of the clock's monotonic time)."""
        try:
            reply = self._retry.call(lambda: self._try(messages, sampling), deadline)
        except ModelError as error:
            self.failed(error)
            raise
        self._failures = 0
        return reply

    def most_in(self, messages: Sequence[ChatMessage], sampling: Sampling) -> int:
        """The input tokens that a call can have at the most."""
        factor = UNKNOWN_FACTOR if self._factor is None else self._factor
        return tokens.of_messages(messages, factor, form=sampling.json_form)

    def _try(self, messages: Sequence[ChatMessage], sampling: Sampling) -> Reply:
        """One request."""
        if self._gone is not None:
            raise self._gone
        # Counted where a cap asks for it: the first call waits for nothing that can come later.
        most = self._most(messages, sampling) if self.budget.capped else (0, 0)
        self.budget.reserve(*most)
        used, price = 0, 0.0
        try:
            reply = self._model.ask(messages, sampling)
            used, price = reply.tokens_in + reply.tokens_out, reply.cost or 0.0
        except ModelError as error:
            if error.may_cost:
                lost = self._most(messages, sampling)
                used, price = sum(lost), self._unsure(lost)
            raise
        finally:
            self.budget.settle(most, used, price)
        self._learn(messages, sampling, reply)
        return reply

    def _most(self, messages: Sequence[ChatMessage], sampling: Sampling) -> tuple[int, int]:
        """The tokens in and out that a call can use at the most."""
        return self.most_in(messages, sampling), sampling.max_tokens

    def _unsure(self, most: tuple[int, int]) -> float:
        """Keep what a call without a reply may have used, and its price."""
        price = cost(self._profile, *most)
        self._log.add(
            Spend(
                at=self._clock.now(),
                model=self.identity,
                tokens_in=most[0],
                tokens_out=most[1],
                cost=price,
                sure=False,
            )
        )
        return price or 0.0

    def _learn(self, messages: Sequence[ChatMessage], sampling: Sampling, reply: Reply) -> None:
        """A model that counts more tokens than was thought is expected to go on with it."""
        ours = tokens.of_messages(messages, 1.0, form=sampling.json_form)
        seen = reply.tokens_in / ours
        with self._changing:
            if self._factor is None or seen > self._factor:
                self._factor = seen * _LEARNED_MARGIN

    def failed(self, error: ModelError) -> None:
        """Count what is not about one paper; enough of it and the model is gone for this run."""
        if not (error.retryable or isinstance(error, ModelForbidden)):
            return
        with self._changing:
            self._failures += 1
            gone = isinstance(error, ModelForbidden) or self._failures >= OUTAGE
            if gone and self._gone is None:
                error.retryable = False
                self._gone = error


class _OnePaper:
    """The calls of one paper: the time runs from the first."""

    def __init__(self, guarded: Guarded, clock: Clock, seconds: float) -> None:
        self._guarded = guarded
        self._clock = clock
        self._seconds = seconds
        self._deadline: float | None = None

    @property
    def identity(self) -> str:
        return self._guarded.identity

    @property
    def address(self) -> str:
        return self._guarded.address

    def ask(self, messages: Sequence[ChatMessage], sampling: Sampling) -> Reply:
        """One reply. Raises ModelUnreachable when the paper's time is up."""
        now = self._clock.monotonic()
        if self._deadline is None:
            self._deadline = now + self._seconds
        if now > self._deadline:
            raise ModelUnreachable(f"this paper took more than {self._seconds:g} s")
        return self._guarded.ask_until(messages, sampling, self._deadline)

    def warm_up(self) -> None:
        """Nothing of its own."""

    def close(self) -> None:
        """The model is closed by who opened it."""
