"""What a run has to tell, kept before it is sent; what did not arrive goes out with the next run.

Nothing here changes a run's exit status: trouble is an event and a line for whoever reads cron's
mail.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from pipeline.edges import Edges
from pipeline.errors import Interrupted, JianjieError, UsageError
from pipeline.library.recent import Scores
from pipeline.messages.compose import Failure, Fresh, Order, compose, kind_of
from pipeline.messages.deliver import Letter, Parcel, Receipt
from pipeline.messages.targets import addresses, deliver
from pipeline.night.result import Night, Trouble
from pipeline.records import Day
from pipeline.store.messages import Delivery
from pipeline.store.store import Store

KEPT = dt.timedelta(days=3)
"""A message that could not be sent for so long is no news any more."""
REPEAT = dt.timedelta(hours=20)
"""The same kind of failure is told once a night, not with every try."""


class Telling:
    """What a run did, for its message; and the lines that say which message did not arrive."""

    def __init__(
        self, scores: Callable[[Store], Scores] = lambda _: {}, *, active: bool = True
    ) -> None:
        self._active = active
        self.scores = scores
        self.days: list[Day] = []
        self.failures: list[Failure] = []
        self.complaints: list[str] = []

    def add(self, result: Night | Trouble, halted: JianjieError | None) -> None:
        """A field's part of the run is over; `halted` is what stopped the model."""
        if isinstance(result, Night):
            self.days += result.days
        elif not isinstance(result.error, UsageError):
            self.failures.append(Failure(result.error, result.name))
        if halted is not None and all(failure.error is not halted for failure in self.failures):
            self.failures.append(Failure(halted))

    @contextmanager
    def at_the_end(self, edges: Edges) -> Iterator[None]:
        """Tell what the block did, also where it fails.

        Nobody but who typed it hears of an interrupted run or a wrong command line.
        """
        try:
            yield
        except (Interrupted, UsageError):
            raise
        except JianjieError as error:
            self.failures.append(Failure(error))
            self._tell(edges)
            raise
        self._tell(edges)

    def _tell(self, edges: Edges) -> None:
        if not (self._active and edges.config.messages.to_env):
            return
        try:
            _keep(edges, self)
            self.complaints += _send(edges)
        except JianjieError as error:  # a full disk ends the run in its own words
            self.complaints.append(f"messages: {error}")


def _keep(edges: Edges, told: Telling) -> None:
    """Put the message into the store, if there is something to tell."""
    settings, now = edges.config.messages, edges.clock.now()
    every = [
        Fresh(day=day, told=edges.store.messages.told(day.date, day.field)) for day in told.days
    ]
    failures = told.failures if "failed" in settings.when else []
    kind = kind_of(failures)
    repeated = kind and edges.store.messages.told_failure(kind, now - REPEAT)
    news = any(fresh.lines for fresh in every) and "news" in settings.when
    owed = any(fresh.owed for fresh in every) and "owed" in settings.when
    if not (news or owed or (failures and not repeated)):
        return
    days = [fresh for fresh in every if fresh.lines or fresh.day.owed]
    message = compose(
        days,
        failures,
        settings,
        Order(edges.config.interests_of, told.scores(edges.store), edges.config.library.least),
        edges.config.tags,
        edges.config.site.base,
    )
    targets = list(dict.fromkeys(settings.to_env))
    edges.store.messages.add(message, [fresh.day for fresh in days], targets, now)


def _send(edges: Edges) -> Iterator[str]:
    """Send what is unsent, oldest first; a line for each target that fails for the first time."""
    waiting = list(_young(edges))
    for delivery in edges.store.messages.unsent():
        if delivery not in waiting:
            edges.store.messages.set_given_up(delivery.message, delivery.target)
            edges.events.emit(
                "message_given_up", delivery.target, message=delivery.message, error=delivery.error
            )
            yield f"message to {delivery.target} given up after {KEPT.days} days: {delivery.error}"
    urls = addresses(edges.config.messages) if waiting else {}
    parcels = {
        target: Parcel(url=url, letters=_letters(waiting, target))
        for target, url in urls.items()
        if any(delivery.target == target for delivery in waiting)
    }
    receipts = deliver(parcels, edges.config.messages.timeout_s)
    for delivery in waiting:
        for receipt in receipts.get(delivery.target, ()):
            if receipt.message == delivery.message:
                yield from _settle(edges, delivery, receipt)


def _young(edges: Edges) -> Iterator[Delivery]:
    oldest = edges.clock.now() - KEPT
    return (delivery for delivery in edges.store.messages.unsent() if delivery.created >= oldest)


def _letters(waiting: Sequence[Delivery], target: str) -> tuple[Letter, ...]:
    return tuple(
        Letter(message=delivery.message, title=delivery.title, body=delivery.body)
        for delivery in waiting
        if delivery.target == target
    )


def _settle(edges: Edges, delivery: Delivery, receipt: Receipt) -> Iterator[str]:
    number, target = delivery.message, delivery.target
    if not receipt.error:
        edges.store.messages.set_sent(number, target)
        edges.events.emit("message_sent", target, message=number)
        return
    edges.store.messages.set_unsent(number, target, receipt.error)
    edges.events.emit("message_failed", target, message=number, error=receipt.error)
    if delivery.attempts == 0:
        yield f"message to {target} not sent: {receipt.error}; the next run tries again"
