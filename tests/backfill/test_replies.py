"""Replies are on the disk before they are judged, whoever has the shard next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from pipeline.backfill.replies import Replies, kept, spending
from pipeline.records import Reply
from pipeline.store.spending import Spend


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[str, int], Replies]]:
    """A worker's log; all are closed in the end."""
    with ExitStack() as open_:

        def open_log(worker: str, round_: int) -> Replies:
            log = Replies(tmp_path, worker, round_)
            open_.callback(log.close)
            return log

        yield open_log


Opened = Callable[[str, int], Replies]


def reply(text: str = "…", cost: float = 0.5) -> Reply:
    return Reply(text=text, model="m", tokens_in=10, tokens_out=2, cost=cost, seconds=1)


def test_another_worker_finds_what_came(tmp_path: Path, opened: Opened) -> None:
    opened("w1", 0).add("key", 0, reply("first"))
    log = opened("w2", 0)
    assert log.get("key", 0) == reply("first")
    assert log.get("key", 1) is None
    assert log.refusals("key") == 0
    log.add("key", 1, reply("second"))
    assert opened("w3", 0).get("key", 1) == reply("second")


def test_a_line_that_was_cut_is_no_reply_and_spoils_no_other(
    tmp_path: Path, opened: Opened
) -> None:
    log = opened("w1", 0)
    log.add("a", 0, reply())
    log.add("b", 0, reply())
    log.close()
    file = next(tmp_path.glob("*.jsonl"))
    file.write_bytes(file.read_bytes()[:-20])
    again = opened("w1", 0)
    assert again.get("b", 0) is None
    again.add("c", 0, reply())
    assert sorted(came.key for came in kept(tmp_path)) == ["a", "c"]


def test_an_earlier_rounds_replies_are_refused_ones(tmp_path: Path, opened: Opened) -> None:
    first = opened("w1", 0)
    for attempt in range(3):
        first.add("key", attempt, reply(str(attempt)))
        first.add_reasons("key", attempt, ("too long",))
    second = opened("w2", 1)
    assert second.get("key", 0) is None
    assert second.refusals("key") == 1
    assert [one.text for one in second.refused("key")] == ["0", "1", "2"]


def test_of_two_replies_to_one_attempt_the_first_stands(tmp_path: Path, opened: Opened) -> None:
    opened("a", 0).add("key", 0, reply("first"))
    opened("b", 0).add("key", 0, reply("again"))
    assert opened("c", 0).get("key", 0) == reply("first")


def test_what_calls_cost_is_kept_with_them(tmp_path: Path, opened: Opened) -> None:
    log = opened("w1", 0)
    log.add("a", 0, reply(cost=0.5))
    lost = Spend(at=None, model="m", tokens_in=7, tokens_out=3, cost=0.25, sure=False)
    log.spent(lost)
    assert sum(spend.cost or 0 for spend in spending(tmp_path)) == 0.75
    assert lost in spending(tmp_path)


def test_many_threads_lose_nothing(tmp_path: Path, opened: Opened) -> None:
    log = opened("w1", 0)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: log.add(f"key{n}", 0, reply(str(n))), range(400)))
    assert len(kept(tmp_path)) == 400
