"""A job as its folder tells it: nothing of it is kept anywhere else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import closing

from pipeline.backfill.days import Days
from pipeline.backfill.order import JobFolder, Order, Plan
from pipeline.backfill.progress import finished_shards
from pipeline.backfill.replies import spending
from pipeline.records import Cause, Record
from pipeline.store.spending import Spent
from pipeline.store.store import Store

_ALL_DAYS = 1_000_000


class State(Record):
    """announced = done + owed, over the whole job."""

    order: Order
    announced: int
    done: int
    owed: dict[Cause, int]
    """By cause; what is not tried yet is owed too."""
    shards: int
    finished: int
    days: int
    whole: int
    calls: int
    unsure: int
    """Of the calls, those without a reply, counted with the most that they can have used."""
    tokens_in: int
    tokens_out: int
    cost: float | None
    """None where the price of a call is not known."""
    left_out: dict[str, int]
    """What of the sources is not in the job: why → entries."""


def state_of(folder: JobFolder, warn: Callable[[str], None]) -> State:
    """Raises UsageError where no job is there, OutputError. `warn` hears of damaged parts."""
    plan = folder.need_plan()
    accounts = finished_shards(plan, folder, warn)
    owed: Counter[Cause] = Counter()
    for account in accounts.values():
        owed.update(account.owed)
    done = sum(account.done for account in accounts.values())
    owed[Cause.NOT_TRIED] += plan.papers - done - sum(owed.values())
    spent = _spent(plan, folder)
    costs = [one.cost for one in spent]
    return State(
        order=plan.order,
        announced=plan.papers,
        done=done,
        owed={cause: papers for cause, papers in owed.most_common() if papers},
        shards=len(plan.shards),
        finished=len(accounts),
        days=len(plan.days),
        whole=len(Days(plan, folder, "listing").whole(accounts.keys())),
        calls=sum(one.calls for one in spent),
        unsure=sum(one.unsure for one in spent),
        tokens_in=sum(one.tokens_in for one in spent),
        tokens_out=sum(one.tokens_out for one in spent),
        cost=None if None in costs else sum(cost or 0.0 for cost in costs),
        left_out=plan.left_out,
    )


def _spent(plan: Plan, folder: JobFolder) -> list[Spent]:
    """What the job's calls came to: its workers', and its batches'."""
    calls = (one for shard in plan.shards for one in spending(folder.replies(shard.name)))
    spent = [
        Spent(
            day=None,
            model=one.model,
            calls=1,
            unsure=int(not one.sure),
            tokens_in=one.tokens_in,
            cached_in=one.cached_in,
            tokens_out=one.tokens_out,
            cost=one.cost,
        )
        for one in calls
    ]
    if not folder.batches.exists():
        return spent
    with closing(Store(folder.batches, reading=True)) as store:
        return spent + store.spending.sums(_ALL_DAYS)
