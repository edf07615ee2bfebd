"""What calls to models leave in the store."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.records import Reply
from pipeline.store.batches import BatchRequest, OpenBatch
from pipeline.store.schema import MIGRATIONS
from pipeline.store.spending import Spend
from pipeline.store.store import Store

KEY = "k" * 32
MONDAY = dt.datetime(2026, 1, 12, 23, 50, tzinfo=dt.UTC)
TUESDAY = dt.datetime(2026, 1, 13, 0, 10, tzinfo=dt.UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "jianjie.sqlite3")
    yield opened
    opened.close()


def reply(
    at: dt.datetime = MONDAY,
    model: str = "m",
    cost: float | None = 0.5,
    seconds: float = 1.0,
    finish: str = "stop",
) -> Reply:
    return Reply(
        text="t",
        model=model,
        tokens_in=100,
        tokens_out=10,
        cached_in=60,
        cost=cost,
        seconds=seconds,
        finish=finish,
        at=at,
    )


def test_what_was_spent_is_summed_by_day_and_model(store: Store) -> None:
    store.replies.add(KEY, 0, reply())
    store.replies.add(KEY, 1, reply())
    store.replies.add(KEY, 2, reply(TUESDAY, cost=None))
    store.replies.add("other", 0, reply(model="a"))
    store.spending.add(
        Spend(at=MONDAY, model="m", tokens_in=200, tokens_out=400, cost=3.0, sure=False)
    )

    found = [tuple(one.model_dump().values()) for one in store.spending.sums(10)]
    monday, tuesday = MONDAY.date(), TUESDAY.date()
    assert found == [  # day, model, calls, without a reply, tokens in, cached, out, cost
        (tuesday, "m", 1, 0, 100, 60, 10, None),
        (monday, "a", 1, 0, 100, 60, 10, 0.5),
        (monday, "m", 3, 1, 400, 120, 420, 4.0),
    ]
    assert [one.day for one in store.spending.sums(1)] == [TUESDAY.date()]


def test_replies_from_before_this_was_kept_are_counted_without_a_day(tmp_path: Path) -> None:
    file = tmp_path / "jianjie.sqlite3"
    with closing(sqlite3.connect(file)) as old:
        for number, script in enumerate(MIGRATIONS[:2], start=1):
            old.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
        text = reply().model_dump_json(exclude={"at", "cached_in", "temperature"})
        old.execute("INSERT INTO replies VALUES (?, 0, 0, ?, NULL)", (KEY, text))
        old.commit()

    store = Store(file)

    (spent,) = store.spending.sums(5)
    assert (spent.day, spent.calls, spent.tokens_in, spent.cost) == (None, 1, 100, 0.5)
    assert store.replies.get(KEY, 0) is not None
    store.close()


def test_a_reply_that_is_there_already_is_never_replaced_by_a_batchs(store: Store) -> None:
    store.replies.add(KEY, 0, reply(seconds=1.0))
    request = BatchRequest(key=KEY, round=0, attempt=0)
    store.batches.add(
        OpenBatch(file="f", id="b", sent=MONDAY, requests=(request,)), "http://x/", "m"
    )

    store.batches.settle("f", [(request, reply(seconds=9.0))])

    kept = store.replies.get(KEY, 0)
    assert kept is not None
    assert kept.seconds == 1.0
    assert store.spending.sums(1)[0].calls == 2  # it was paid for all the same
    assert store.batches.open("http://x/", "m") == []


def test_open_batches_are_those_of_the_model_and_its_endpoint(store: Store) -> None:
    requests = tuple(
        BatchRequest(key=KEY, round=1, attempt=n, temperature=0.25 * n or None) for n in range(3)
    )
    batch = OpenBatch(file="f", id=None, sent=TUESDAY, requests=requests)
    store.batches.add(batch, "http://x/", "m")

    assert store.batches.open("http://x/", "m") == [batch]
    assert store.batches.open("http://y/", "m") == store.batches.open("http://x/", "n") == []

    store.batches.name("f", "batch-1")
    assert [one.id for one in store.batches.open("http://x/", "m")] == ["batch-1"]


def test_only_a_round_with_a_refusal_by_the_model_is_opened_anew(store: Store) -> None:
    store.replies.add(KEY, 0, reply())
    store.replies.reopen(KEY)
    assert store.replies.round(KEY) == 0

    store.replies.add(KEY, 1, reply(finish="refusal"))
    store.replies.reopen(KEY)
    assert store.replies.round(KEY) == 1


def test_the_typical_time_of_a_model_is_the_median_of_its_last_replies(store: Store) -> None:
    assert store.replies.typical_seconds("m") is None

    for attempt, seconds in enumerate([90.0] * 30 + [1.0, 2.0, 3.0] * 16 + [50.0, 2.0]):
        store.replies.add(KEY, attempt, reply(seconds=seconds))

    assert store.replies.typical_seconds("m") == 2.0
    assert store.replies.typical_seconds("other") is None
