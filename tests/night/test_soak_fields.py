"""100 nights of two fields that share papers, while one field's feed or pages are out at a time.

After every night, for each field on its own: announced = done + owed, and nothing lost in silence.
The field whose sources answer is never touched by the other's trouble, and a paper that both
announce is asked for once.
"""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pipeline.demo.request import Request
from pipeline.records import Day
from tests.standins.faults import Fault
from tests.standins.soak import (
    Soak,
    check_day,
    check_end,
    check_ledger,
    check_manners,
    days_of,
)
from tests.standins.world import FIELD

NIGHTS = 100
FIELDS = {"audio": FIELD, "text": ("cs.CL",)}
FAULTS: tuple[Fault, ...] = ("server_error", "hang_up", "throttled", "cut")
MOST_MOVED = 4
"""Crosses whose day cannot be known, each in another listing, once."""


class Outages:
    """Now and then, for one to three nights, a field's feed is out; its pages often are too.

    The fields take turns.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._turns = itertools.cycle(FIELDS)
        self._left = 0
        self._fault: Fault = "server_error"
        self._kinds: set[str] = set()
        self.field: str | None = None
        self.seen: set[str] = set()

    def next_night(self) -> None:
        if self._left:
            self._left -= 1
        else:
            begins = self._random.random() < 0.15
            self.field = next(self._turns) if begins else None
            self._left = self._random.randint(0, 2) if begins else 0
            self._fault = self._random.choice(FAULTS)
            pages = self._random.random() < 0.5
            self._kinds = {"feed", "list", "catchup"} if pages else {"feed"}
        self.seen |= {self.field} if self.field else set()

    def __call__(self, asked: Request) -> Fault | None:
        mine = self.field and any(name in asked.path for name in FIELDS[self.field])
        return self._fault if mine and asked.kind in self._kinds else None


def nights(soak: Soak, outages: Outages) -> Iterator[str | None]:
    """Each night's field in trouble."""
    for _ in soak.nights(NIGHTS):
        outages.next_night()
        yield outages.field


@pytest.mark.long
@pytest.mark.parametrize("seed", [2])
def test_two_fields_side_by_side(tmp_path: Path, seed: int) -> None:
    soak, outages = Soak(tmp_path, seed, NIGHTS, FIELDS), Outages(seed)
    with soak.opened() as config:
        soak.arxiv.fault_for = outages
        for out in nights(soak, outages):
            before = len(soak.arxiv.requests)
            found = soak.run(config)
            stored = days_of(config)
            for field, night in found.items():
                if field == out:
                    assert night is None  # nothing of it can be had without its feed
                    continue
                assert night is not None
                assert night.complete, f"{field} is touched by the trouble of {out}"
                days = stored.get(field, {})
                for day in night.days:
                    check_day(soak, day, days, config.paths.outputs)
                if days:
                    check_ledger(soak, field, night, min(days), days)
            check_manners(soak, before)
        assert outages.seen == set(FIELDS)
        soak.arxiv.fault_for = None
        soak.clock.sleep(86_400)
        assert all(night and night.complete for night in soak.run(config).values())
        soak.moved.clear()
        stored = days_of(config)
        for own in stored.values():
            for day in own.values():
                check_day(soak, day, own, config.paths.outputs)
        check_end(soak, stored)
        assert len(soak.moved) <= MOST_MOVED, soak.moved
        check_shared(stored)


def check_shared(stored: Mapping[str, Mapping[dt.date, Day]]) -> None:
    """Some versions are in both fields' listings, with one and the same line."""
    lines = {
        field: {done.summary.key: done.summary.line for day in own.values() for done in day.done}
        for field, own in stored.items()
    }
    shared = set(lines["audio"]) & set(lines["text"])
    assert len(shared) > 10
    assert all(lines["audio"][key] == lines["text"][key] for key in shared)
