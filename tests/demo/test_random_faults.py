from collections import Counter
from itertools import groupby

import httpx2
import pytest

from pipeline.demo.request import Kind, Request
from tests.demo.composed import A
from tests.demo.conftest import Serve
from tests.standins.faults import FAULTS, Fault, RandomFaults

PATHS: dict[Kind, str] = {
    "feed": "/rss/cs.SD",
    "list": "/list/cs.SD/new",
    "catchup": "/catchup/cs.SD/2026-01-16",
    "api": "/api/query?id_list=2601.00001",
    "oai": "/oai?verb=Identify",
    "pdf": "/pdf/2601.00001v1",
}


def asked(path: str) -> Request:
    return Request(method="GET", path=path)


def drawn(faults: RandomFaults, path: str, number: int) -> list[Fault | None]:
    return [faults(asked(f"{path}{n}")) for n in range(number)]


@pytest.mark.parametrize("path", PATHS.values())
def test_the_same_seed_draws_the_same(path: str) -> None:
    first, again = (drawn(RandomFaults(7, 0.3), path, 200) for _ in range(2))
    assert first == again
    assert first != drawn(RandomFaults(8, 0.3), path, 200)


def test_the_order_among_kinds_does_not_matter() -> None:
    mixed, alone = RandomFaults(7, 0.3), RandomFaults(7, 0.3)
    interleaved = []
    for n in range(200):
        mixed(asked(f"/rss/{n}"))
        interleaved.append(mixed(asked(f"/pdf/{n}")))
        mixed(asked("/nowhere"))
    assert interleaved == drawn(alone, "/pdf/", 200)


@pytest.mark.parametrize("rate", [0.0, 0.2, 1.0])
def test_the_rate_is_kept(rate: float) -> None:
    faults = RandomFaults(1, rate)
    failed = sum(fault is not None for fault in drawn(faults, "/pdf/", 5000))
    assert abs(failed / 5000 - rate) < 0.02
    assert faults.drawn.total() == failed


def test_every_fault_is_drawn_but_slow_ones_and_second_names() -> None:
    faults = RandomFaults(1, 1.0)
    for path in PATHS.values():
        drawn(faults, path, 1000)
    expected = {
        (kind, fault)
        for kind, some in FAULTS.items()
        for fault in some
        if fault not in {"slow", "html", "disconnect"}
    }
    assert set(faults.drawn) == expected


@pytest.mark.parametrize("in_a_row", [1, 2, 3])
def test_an_address_never_fails_more_often_in_a_row(in_a_row: int) -> None:
    faults = RandomFaults(3, 0.8, in_a_row=in_a_row)
    row = [faults(asked("/rss/cs.SD")) is not None for _ in range(1000)]
    lengths = Counter(len(list(run)) for failed, run in groupby(row) if failed)
    assert max(lengths) == in_a_row
    assert RandomFaults(3, 1.0, in_a_row=1)(asked("/rss/cs.SD")) is not None


def test_other_faults_can_be_chosen() -> None:
    faults = RandomFaults(1, 1.0, only={"api": ["slow"], "pdf": []})
    assert faults(asked("/api/query?id_list=1")) == "slow"
    assert faults(asked("/pdf/1")) is None
    assert faults(asked("/rss/1")) is not None


def test_a_client_that_tries_four_times_gets_through(serve_week: Serve) -> None:
    standin, client = serve_week()
    only: dict[Kind, list[Fault]] = {"api": ["throttled", "hang_up", "cut", "server_error"]}
    standin.fault_for = RandomFaults(5, 0.7, only=only)
    for n in range(1, 50):
        statuses = []
        for _ in range(4):
            try:
                response = client.get(f"/api/query?id_list={A}&max_results={n}")
                statuses.append(response.status_code)
            except httpx2.TransportError:
                statuses.append(0)
        assert 200 in statuses[:3]
