"""Many calls at once, each model profile with its own concurrency."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from functools import partial
from typing import TypeVar

from pipeline.errors import JianjieError, Unfinished
from pipeline.evaluate.bench import Bench

Result = TypeVar("Result")
Call = tuple[str, Callable[[], Result | JianjieError]]
"""The profile, and what asks its model: an error that it returns keeps its result missing."""


def together(
    bench: Bench, calls: Sequence[Call[Result]], what: str, tick: Callable[[], None]
) -> list[Result]:
    """The results in the order of the calls; `tick` after each.

    Raises Unfinished where one is missing; the others were waited for, and what they store is
    kept. `what` names the results, in the plural.
    """
    profiles = dict.fromkeys(profile for profile, _ in calls)
    pools = {name: ThreadPoolExecutor(bench.configs[name].profile.concurrency) for name in profiles}
    under_way: list[Future[Result | JianjieError]] = []
    with ExitStack() as stack:
        for pool in pools.values():
            stack.callback(partial(pool.shutdown, wait=False, cancel_futures=True))
        try:
            for profile, call in calls:
                under_way.append(pools[profile].submit(_started, bench, call))
            for _ in as_completed(under_way):
                tick()
        except BaseException:
            bench.clock.stop()
            raise
        results = [future.result() for future in under_way]
    missing = [result for result in results if isinstance(result, JianjieError)]
    if missing:
        raise Unfinished(
            f"{len(missing)} of {len(calls)} {what} are missing: {missing[0].what}",
            cause=missing[0],
        )
    return [result for result in results if not isinstance(result, JianjieError)]


def _started(bench: Bench, call: Callable[[], Result | JianjieError]) -> Result | JianjieError:
    bench.clock.sleep(0)  # a stopped evaluation starts nothing new
    return call()
