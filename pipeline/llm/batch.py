"""A night's prompts by batch: collected while papers travel, sent together, fetched when over.

For the stages it is a model that answers later: `ask` puts the prompt aside and raises InBatch.
The replies are stored like any other, and a paper that is looked at again finds its own there. A
batch is noted in the store before it exists, so that a run that was killed at any instant finds
it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import Any, NamedTuple, TypeVar

from pipeline.clock import Clock
from pipeline.errors import (
    BudgetReached,
    FeatureMissing,
    InBatch,
    JianjieError,
    ModelError,
    ModelRefused,
    ModelUnreachable,
)
from pipeline.events import Events
from pipeline.llm import failures
from pipeline.llm.batch_api import BatchApi, BatchState
from pipeline.llm.endpoint import Endpoint
from pipeline.llm.features import Features
from pipeline.llm.guard import Guarded
from pipeline.llm.model import Model
from pipeline.pacing import Retry
from pipeline.records import ChatMessage, Inquiry, Reply, Sampling
from pipeline.settings import EndpointProfile
from pipeline.store.batches import BatchRequest, OpenBatch
from pipeline.store.spending import Spend
from pipeline.store.store import Store

T = TypeVar("T")

MOST_SENDINGS = 3
"""Times that a request is sent which comes back without a reply."""
_EVERYTHING = Sampling(temperature=0, max_tokens=1, form="entry", seed=0)


class _Collected(NamedTuple):
    """A request that is to be sent."""

    inquiry: Inquiry
    request: BatchRequest
    messages: tuple[ChatMessage, ...]
    sampling: Sampling
    most: tuple[int, int]
    """The input and output tokens that it can use."""


class Desk:
    """One for a run. `ask` through `for_paper` is safe for many threads; the rest is for one."""

    def __init__(
        self,
        endpoint: Endpoint,
        profile: EndpointProfile,
        guarded: Guarded,
        store: Store,
        retry: Retry,
        clock: Clock,
        events: Events,
    ) -> None:
        self._endpoint = endpoint
        self._api = BatchApi(endpoint)
        self._profile = profile
        self._guarded = guarded
        self._store = store
        self._retry = retry
        self._clock = clock
        self._events = events
        self._collected: dict[str, _Collected] = {}
        self._reserved: dict[str, tuple[int, int]] = {}
        self._errors: dict[str, JianjieError] = {}
        self._sendings: Counter[str] = Counter()
        self._deadline: float | None = None
        self._out = self._open()

    @property
    def identity(self) -> str:
        """The model's name in keys and provenance."""
        return self._endpoint.identity

    @property
    def address(self) -> str:
        """Where it answers."""
        return self._endpoint.address

    def for_paper(self, inquiry: Inquiry) -> Model:
        """The model for one paper: its `ask` raises InBatch, or what became of it in a batch."""
        return _ByBatch(self, inquiry)

    def ask(self, inquiry: Inquiry, messages: Sequence[ChatMessage], sampling: Sampling) -> Reply:
        """Put a request aside. Raises InBatch, ModelError, BudgetReached.

        A paper that is out with another question, from a night when it was read from another text,
        waits for that reply: it is paid for.
        """
        request = self._next_request(inquiry, self._endpoint.features.temperature(sampling))
        name = request.custom_id
        if error := self._errors.pop(name, None):
            raise error
        if self._guarded.halted:
            raise self._guarded.halted
        out = next((batch for batch in self._out if _has(batch, request)), None)
        if out is None:
            most = (self._guarded.most_in(messages, sampling), sampling.max_tokens)
            self._collected[name] = _Collected(inquiry, request, tuple(messages), sampling, most)
            raise InBatch("waits for the next batch")
        raise InBatch(
            f"in a batch that was sent at {out.sent:%Y-%m-%d %H:%M} UTC",
            said=out.id or "",
            fix="The next run fetches it",
        )

    def fetch(self) -> bool:
        """Look at every batch that is out; whether something came of one."""
        try:
            looked = [self._look_at(batch) for batch in self._out]
        except ModelError as error:
            self._events.emit("warning", text=str(error))
            self._guarded.failed(error)
            return False
        return any(looked)

    def send(self) -> None:
        """Send what was collected, as one batch, and wait for nothing."""
        if self._collected:
            self._send()

    def work(self, *, anew: bool = False) -> bool:
        """Send what was collected and wait until something comes; False when nothing does.

        Papers that wait are looked at again after each True. `anew`: the time to wait begins now.
        """
        self.send()
        if self._errors:
            return True
        if self._deadline is None or anew:
            self._deadline = self._clock.monotonic() + self._profile.batch_wait_s
        while self._out and self._guarded.halted is None:
            if self.fetch():
                return True
            if self._clock.monotonic() + self._profile.batch_poll_s > self._deadline:
                break
            self._clock.sleep(self._profile.batch_poll_s)
        return False

    # Sending

    def _next_request(self, inquiry: Inquiry, temperature: float | None) -> BatchRequest:
        key, attempt = inquiry.key, 0
        while self._store.replies.get(key, attempt) is not None:
            attempt += 1
        return BatchRequest(
            key=key,
            round=self._store.replies.round(key),
            attempt=attempt,
            temperature=temperature,
            summary=inquiry.summary,
        )

    def _send(self) -> None:
        """One batch of all that was collected and that the budget allows."""
        collected, self._collected = self._collected, {}
        try:
            self._find_out()
            if fitting := self._within_budget(collected):
                self._send_out(fitting)
        except ModelError as error:
            self._guarded.failed(error)
            for name in collected:
                self._settle(name, None)
                self._errors.setdefault(name, error)

    def _find_out(self) -> None:
        """What the endpoint takes, by one tiny call: a batch that it does not take costs hours."""
        if not self._endpoint.known:
            reply = self._tried(self._endpoint.probe)
            self._store.spending.add(Spend.of(reply))

    def _within_budget(self, collected: dict[str, _Collected]) -> dict[str, _Collected]:
        fitting: dict[str, _Collected] = {}
        for name, one in collected.items():
            try:
                fits = self._guarded.budget.try_reserve(*one.most, share=self._profile.batch_price)
            except BudgetReached as error:
                self._errors[name] = error
                continue
            if fits:
                self._reserved[name] = one.most
                fitting[name] = one
            else:
                self._collected[name] = one  # what the others leave unused may do
        return fitting

    def _send_out(self, prompts: dict[str, _Collected]) -> None:
        features = self._endpoint.features
        lines = [
            (name, self._endpoint.body(one.messages, one.sampling, features))
            for name, one in prompts.items()
        ]
        file = self._tried(lambda: self._api.upload(lines))
        requests = tuple(one.request for one in prompts.values())
        batch = OpenBatch(file=file, id=None, sent=self._clock.now(), requests=requests)
        inquiries = [one.inquiry for one in prompts.values()]
        self._store.batches.add(batch, self._endpoint.address, self._endpoint.identity, inquiries)
        self._out.append(self._named(batch, self._created(batch)))
        self._sendings.update(list(prompts))
        self._events.emit("batch_sent", self._out[-1].id, requests=len(requests))

    def _created(self, batch: OpenBatch) -> str:
        """Make the batch once: where that failed half-way it may be there all the same."""

        tries = count()

        def create() -> str:
            made = self._api.find(batch.file) if next(tries) else None
            return made or self._api.create(batch.file)

        try:
            return self._retry.call(create)
        except ModelError as error:
            if not error.retryable:
                self._store.batches.settle(batch.file, ())
            raise  # else the next run looks for it

    def _named(self, batch: OpenBatch, id_: str) -> OpenBatch:
        self._store.batches.name(batch.file, id_)
        return batch.model_copy(update={"id": id_})

    # Fetching

    def _open(self) -> list[OpenBatch]:
        return self._store.batches.open(self._endpoint.address, self._endpoint.identity)

    def _look_at(self, batch: OpenBatch) -> bool:
        """Whether the batch is over, and its replies stored."""
        id_ = batch.id or self._tried(lambda: self._api.find(batch.file))
        if id_ is None:  # the run that wanted it was killed before it was made
            self._settled(batch, ())
            return False
        if batch.id is None:
            self._out[self._out.index(batch)] = batch = self._named(batch, id_)
        state = self._tried(lambda: self._api.state(id_))
        self._events.emit(
            "batch", id_, status=state.status, done=state.done, requests=len(batch.requests)
        )
        if not state.over:
            return False
        self._settled(batch, self._replies(batch, state))
        self._api.delete(batch.file)
        return True

    def _settled(self, batch: OpenBatch, replies: Sequence[tuple[BatchRequest, Reply]]) -> None:
        self._store.batches.settle(batch.file, replies)
        self._out = [other for other in self._out if other.file != batch.file]
        came = {request.custom_id: reply for request, reply in replies}
        for request in batch.requests:
            self._settle(request.custom_id, came.get(request.custom_id))

    def _settle(self, name: str, reply: Reply | None) -> None:
        """Give back what was set aside for a request and not used."""
        if (most := self._reserved.pop(name, None)) is not None:
            used = reply.tokens_in + reply.tokens_out if reply else 0
            price = (reply.cost if reply else None) or 0.0
            self._guarded.budget.settle(most, used, price, self._profile.batch_price)

    def _replies(self, batch: OpenBatch, state: BatchState) -> list[tuple[BatchRequest, Reply]]:
        """The replies of a batch that is over; what has none is sent again, or has an error."""
        features = self._endpoint.features
        requests = {request.custom_id: request for request in batch.requests}
        replies: list[tuple[BatchRequest, Reply]] = []
        reasons: dict[str, ModelError] = {}
        for file in state.files:
            for line in self._tried(partial(self._api.lines, file)):
                request = requests.get(str(line.get("custom_id")))
                if request is None:
                    continue
                try:
                    reply = self._reply(line, request, features)
                except ModelError as error:
                    reasons[request.custom_id] = error
                    self._line_failed(request, error, features)
                else:
                    replies.append((request, reply))
                    requests.pop(request.custom_id)
        failed = state.status in {"failed", "cancelled"}
        why = ModelUnreachable("the batch has no reply to it", said=state.problem or state.status)
        for name in requests:
            self._without_reply(name, reasons.get(name, why), failed=failed)
        return replies

    def _reply(self, line: dict[str, Any], request: BatchRequest, features: Features) -> Reply:
        """Raises ModelError, whatever stands in the line: it is this paper's trouble alone."""
        try:
            return self._read(line, request, features)
        except (ValueError, TypeError, AttributeError, RecursionError, OverflowError) as error:
            raise ModelUnreachable("the reply in the batch cannot be read", said=error) from error

    def _read(self, line: dict[str, Any], request: BatchRequest, features: Features) -> Reply:
        response = line.get("response")
        if not isinstance(response, dict):
            raise ModelUnreachable("no reply in the batch", said=line.get("error") or "")
        status, body = response.get("status_code"), response.get("body")
        if status != 200:
            code = status if type(status) is int and 100 <= status <= 599 else 500
            refusal = failures.refusal_in_batch(code, body)
            return self._endpoint.refused(refusal, features.body(_EVERYTHING))
        return self._endpoint.reply(
            body, (), request.temperature, 0.0, price_share=self._profile.batch_price
        )

    def _line_failed(self, request: BatchRequest, error: ModelError, features: Features) -> None:
        """A line that says why it has no reply: final, or sent again."""
        try:
            if isinstance(error, FeatureMissing):
                self._endpoint.lower(features, error)
            elif not error.retryable:
                raise error
        except ModelError as final:
            self._errors[request.custom_id] = final
            self._guarded.failed(final)

    def _without_reply(self, name: str, reason: ModelError, *, failed: bool) -> None:
        if name in self._errors:
            return
        self._events.emit("warning", name, text=str(reason))
        if failed:
            self._errors[name] = ModelRefused(
                f"the batch failed: {reason.what}", where=self._endpoint.where, said=reason.said
            )
        elif self._sendings[name] >= MOST_SENDINGS:
            self._errors[name] = ModelUnreachable(
                f"no reply in {MOST_SENDINGS} batches: {reason.what}",
                where=self._endpoint.where,
                said=reason.said,
            )

    def _tried(self, call: Callable[[], T]) -> T:
        return self._retry.call(call)


def _has(batch: OpenBatch, request: BatchRequest) -> bool:
    """The very request, or one for the same summary in other words."""
    return any(
        out.custom_id == request.custom_id
        or (out.summary == request.summary and out.key != request.key)
        for out in batch.requests
    )


class _ByBatch:
    """The desk as the model of one paper."""

    def __init__(self, desk: Desk, inquiry: Inquiry) -> None:
        self._desk = desk
        self._inquiry = inquiry

    @property
    def identity(self) -> str:
        return self._desk.identity

    @property
    def address(self) -> str:
        return self._desk.address

    def ask(self, messages: Sequence[ChatMessage], sampling: Sampling) -> Reply:
        """Raises InBatch, ModelError, BudgetReached."""
        return self._desk.ask(self._inquiry, messages, sampling)

    def warm_up(self) -> None:
        """Nothing of its own."""

    def close(self) -> None:
        """The desk is the run's."""
