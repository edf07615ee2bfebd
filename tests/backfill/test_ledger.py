"""Shards are taken by one worker at a time, lost by the silent, and finished once."""

from __future__ import annotations

import random

from pipeline.backfill.ledger import Lease, Ledger


def test_shards_are_taken_in_order_and_each_by_one() -> None:
    ledger = Ledger(["a", "b"], lease_s=60)
    assert ledger.take("w1", 0) == Lease("a", 1)
    assert ledger.take("w2", 0) == Lease("b", 2)
    assert ledger.take("w3", 0) is None
    assert not ledger.over


def test_what_is_finished_is_over() -> None:
    ledger = Ledger(["a"], lease_s=60)
    lease = ledger.take("w1", 0)
    assert lease is not None
    assert ledger.finish("w1", lease)
    assert ledger.over
    assert not ledger.finish("w1", lease)


def test_a_silent_worker_loses_its_shard_and_can_no_longer_finish_it() -> None:
    ledger = Ledger(["a"], lease_s=60)
    old = ledger.take("slow", 0)
    assert old is not None
    ledger.beat("slow", 30)
    assert ledger.take("other", 90) is None
    new = ledger.take("other", 90.1)
    assert new is not None
    assert new.fence > old.fence
    assert not ledger.finish("slow", old)
    assert ledger.holds("other", new)
    assert ledger.finish("other", new)
    assert ledger.taken_over == 1


def test_one_that_beats_keeps_its_shard() -> None:
    ledger = Ledger(["a"], lease_s=60)
    ledger.take("w1", 0)
    for now in range(10, 1000, 10):
        ledger.beat("w1", now)
        assert ledger.take("w2", now) is None


def test_what_a_lost_worker_had_comes_first_again() -> None:
    ledger = Ledger(["a", "b", "c"], lease_s=60)
    ledger.take("w1", 0)
    ledger.take("w1", 0)
    ledger.gone("w1")
    taken = [ledger.take("w2", 1) for _ in range(3)]
    assert [lease.shard for lease in taken if lease] == ["a", "b", "c"]


def test_nobody_takes_a_shard_from_itself() -> None:
    ledger = Ledger(["a"], lease_s=60)
    ledger.take("w1", 0)
    assert ledger.take("w1", 1000) is None


def test_whoever_dies_whenever_every_shard_is_finished_once() -> None:
    for seed in range(200):
        chance = random.Random(seed)
        shards = [f"s{n}" for n in range(30)]
        ledger = Ledger(shards, lease_s=5)
        held: dict[str, list[Lease]] = {}
        finished: list[str] = []
        now = 0.0
        while not ledger.over:
            now += chance.random()
            worker = f"w{chance.randrange(6)}"
            match chance.randrange(5):
                case 0 | 1:
                    lease = ledger.take(worker, now)
                    held.setdefault(worker, []).extend([lease] if lease else [])
                case 2:
                    ledger.beat(worker, now)
                case 3 if held.get(worker):
                    lease = held[worker].pop(0)
                    finished += [lease.shard] if ledger.finish(worker, lease) else []
                case 4 if chance.random() < 0.2:
                    ledger.gone(worker)
                    held.pop(worker, None)
        assert sorted(finished) == sorted(shards)
