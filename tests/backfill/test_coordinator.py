"""What workers share: over a real socket, with workers that hang up and strangers that come by."""

from __future__ import annotations

import datetime as dt
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pipeline.backfill.coordinator import Address, Coordinator, placed_in, serving
from pipeline.backfill.ledger import Ledger
from pipeline.backfill.lines import JobLines
from pipeline.backfill.link import Link, SharedBudget, SharedLines, SharedPace
from pipeline.backfill.messages import Claim, Enter, Finish, Leave, Reserve, Stop, Take, Throttled
from pipeline.clock import Clock
from pipeline.errors import (
    BudgetReached,
    Interrupted,
    Mistake,
    ModelForbidden,
    ModelThrottled,
    OutputError,
)
from pipeline.llm.budget import Budget
from pipeline.llm.pace import Pace
from pipeline.settings import BudgetSettings, EndpointProfile
from tests.conftest import FastClock

PROFILE = EndpointProfile.model_validate(
    {"base_url": "http://127.0.0.1:1/v1", "model": "m", "price_in": 1.0, "price_out": 1.0}
)
LINE = "该论文属于语音识别任务，解决低资源语言的数据不足问题，提出自监督预训练方法。"
DAY = dt.date(2025, 3, 4)


def coordinator(
    parts: Path, *, clock: Clock | None = None, at_once: int = 4, caps: BudgetSettings | None = None
) -> Coordinator:
    own = clock or Clock()
    return Coordinator(
        Ledger(["a", "b"], lease_s=60),
        Pace(at_once, own, patience_s=100, where="m"),
        Budget(PROFILE, caps or BudgetSettings()),
        JobLines(lambda since, until: ()),
        own,
        placed_in(parts),
    )


@contextmanager
def linked(address: Address, name: str = "w1") -> Iterator[Link]:
    with closing(Link(address, name, Clock())) as link:
        yield link


def test_shards_are_handed_out_over_the_wire_and_placed_when_done(tmp_path: Path) -> None:
    job = coordinator(tmp_path)
    with serving(job) as address, linked(address) as one, linked(address, "w2") as two:
        first, second = one.ask(Take()), two.ask(Take())
        assert {first.shard, second.shard} == {"a", "b"}
        waits = one.ask(Take())
        assert (waits.yes, waits.over, waits.wait > 0) == (False, False, True)
        (tmp_path / "x.new").write_text("rows")
        done = Finish(shard=first.shard, fence=first.fence, file="x.new", done=3, owed=1)
        assert one.ask(done).yes
        assert (tmp_path / f"part-{first.shard}.parquet").read_text() == "rows"
        assert not one.ask(done).yes
        assert not two.ask(done.model_copy(update={"fence": 99})).yes
        assert [finished.done for finished in job.finished] == [3]


def test_who_hangs_up_gives_back_all_that_it_had(tmp_path: Path) -> None:
    job = coordinator(tmp_path, at_once=2, caps=BudgetSettings(tokens=1000))
    with serving(job) as address, linked(address, "w2") as two:
        with linked(address) as one:
            taken = one.ask(Take())
            assert one.ask(Enter(tokens=1)).yes
            assert one.ask(Enter(tokens=1)).yes
            assert one.ask(Reserve(tokens_in=500, tokens_out=100)).yes
            assert not two.ask(Enter(tokens=1)).yes
        deadline = time.monotonic() + 10
        while not two.ask(Enter(tokens=1)).yes and time.monotonic() < deadline:
            time.sleep(0.01)
        assert two.ask(Take()).shard == taken.shard
        # Nobody knows what its call used: it counts in full.
        assert two.ask(Reserve(tokens_in=300, tokens_out=100)).yes
        assert not two.ask(Reserve(tokens_in=1, tokens_out=0)).yes


def test_a_429_to_one_worker_holds_up_all(tmp_path: Path) -> None:
    clock = FastClock()
    job = coordinator(tmp_path, clock=clock, at_once=8)
    turns = [job.answer(f"w{n % 2}", Enter(tokens=1)).turn for n in range(8)]
    assert job.answer("w0", Throttled(turn=turns[0], wait=30)).wait == 30
    for turn in turns:
        job.answer("w0", Leave(turn=turn, answered=False))
    assert job.answer("w1", Enter(tokens=1)).wait == 30
    clock.sleep(31)
    again = [job.answer("w1", Enter(tokens=1)).yes for _ in range(8)]
    assert again.count(True) == 4, "half as many at once"


def test_a_pause_that_is_too_long_is_told_as_an_endpoint_tells_it(tmp_path: Path) -> None:
    job = coordinator(tmp_path)
    with serving(job) as address, linked(address) as link:
        pace = SharedPace(link, Clock())
        with pace.turn(1) as turn:
            assert pace.throttled(turn, 500) == pytest.approx(500, abs=1)
        with pytest.raises(ModelThrottled), pace.turn(1):
            pass


def test_calls_of_all_workers_together_are_never_more_than_the_models(tmp_path: Path) -> None:
    job = coordinator(tmp_path, at_once=3)
    now, most, lock = [0], [0], threading.Lock()
    with serving(job) as address:

        def work(name: str) -> None:
            with linked(address, name) as link:
                pace = SharedPace(link, Clock())
                for _ in range(10):
                    with pace.turn(1):
                        with lock:
                            now[0] += 1
                            most[0] = max(most[0], now[0])
                        time.sleep(0.002)
                        with lock:
                            now[0] -= 1
                        pace.answered({})

        threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most[0] == 3
    assert job.calls == 40


def test_one_budget_holds_for_all_workers(tmp_path: Path) -> None:
    caps = BudgetSettings(tokens=100)
    job = coordinator(tmp_path, caps=caps)
    with serving(job) as address, linked(address) as one, linked(address, "w2") as two:
        first = SharedBudget(PROFILE, caps, one, Clock())
        second = SharedBudget(PROFILE, caps, two, Clock())
        first.reserve(50, 10)
        first.settle((50, 10), 60, 0.1)
        second.reserve(30, 5)
        second.settle((30, 5), 35, 0.1)
        with pytest.raises(BudgetReached, match="100 tokens is used up"):
            first.reserve(6, 0)
        assert isinstance(first.reached, BudgetReached)
    assert isinstance(job.trouble, BudgetReached)
    assert job.answer("w9", Take()).over


def test_a_line_belongs_to_one_paper_of_all_workers(tmp_path: Path) -> None:
    job = coordinator(tmp_path)
    with serving(job) as address, linked(address) as one, linked(address, "w2") as two:
        assert SharedLines(one, "2503.00001", DAY).claim(LINE) is None
        assert SharedLines(two, "2503.00002", DAY).claim(LINE) == "2503.00001"


@pytest.mark.parametrize(
    "hello",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b'{"token": "wrong", "worker": "w1"}\n',
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
        b"x" * 3_000_000,
    ],
)
def test_strangers_are_hung_up_on(tmp_path: Path, hello: bytes) -> None:
    job = coordinator(tmp_path)
    with serving(job) as address:
        with socket.create_connection(address[:2], 5) as stranger:
            stranger.settimeout(5)
            try:
                stranger.sendall(hello)
                assert stranger.recv(100) == b""
            except ConnectionError:
                pass
        with linked(address) as link:
            assert link.ask(Take()).yes


def test_nonsense_from_a_worker_ends_its_line_and_nothing_else(tmp_path: Path) -> None:
    job = coordinator(tmp_path)
    with serving(job) as address, linked(address, "w2") as other:
        with linked(address) as link:
            shard = link.ask(Take()).shard
            link._socket.sendall(b'{"number": 1, "message": {"op": "format"}}\n')
            with pytest.raises(Interrupted):
                for _ in range(100):
                    link.ask(Claim(arxiv_id="x", date="2025-03-04", line="y"))
                    time.sleep(0.01)
        assert other.ask(Take()).shard == shard


def test_when_the_driver_is_gone_everything_of_a_worker_stops(tmp_path: Path) -> None:
    clock = Clock()
    with serving(coordinator(tmp_path)) as address:
        link = Link(address, "w1", clock)
        assert link.ask(Take()).yes
    deadline = time.monotonic() + 10
    while not clock.stopped.is_set() and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(Interrupted):
        clock.sleep(1)
    with pytest.raises(Interrupted, match="driver is gone"):
        link.ask(Take())
    link.close()
    with pytest.raises(Interrupted, match="driver is gone"):
        Link(address, "w1", Clock())


def test_trouble_of_the_coordinators_own_stops_the_job_and_is_told(tmp_path: Path) -> None:
    def damaged(since: dt.date, until: dt.date) -> list[tuple[str, str]]:
        raise OutputError("is damaged", where="part")

    job = coordinator(tmp_path)
    job._lines = JobLines(damaged)
    with serving(job) as address, linked(address) as link:
        with pytest.raises(Interrupted):
            SharedLines(link, "2503.00001", DAY).claim(LINE)
        assert isinstance(job.trouble, OutputError)


def test_a_workers_trouble_is_the_jobs_in_its_own_kind(tmp_path: Path) -> None:
    for told, kind in [
        (Stop(kind="ModelForbidden", what="no credit"), ModelForbidden),
        (Stop(kind="DigestFormatError", what="?"), Mistake),
        (Stop(kind="KeyError", what="?"), Mistake),
        (Stop(kind="Path", what="?"), Mistake),
    ]:
        job = coordinator(tmp_path)
        job.answer("w1", told)
        assert type(job.trouble) is kind
        assert job.answer("w2", Take()).over


def test_a_part_that_cannot_be_placed_stops_the_job(tmp_path: Path) -> None:
    job = coordinator(tmp_path)
    taken = job.answer("w1", Take())
    done = Finish(shard=taken.shard, fence=taken.fence, file="nowhere.new", done=1, owed=0)
    assert not job.answer("w1", done).yes
    assert isinstance(job.trouble, OutputError)
    assert job.finished == []
