"""200 nights of a made-up arXiv with faults in a fifth of its answers, on a simulated clock.

After every night: announced = done + owed, nothing twice, nothing lost in silence, no paper with
another's metadata, and never more requests in a minute than allowed.
"""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.app import open_edges
from pipeline.arxiv.calendar import EASTERN
from pipeline.config import Config, load_config
from pipeline.demo.archive import Archive
from pipeline.demo.faults import RandomFaults
from pipeline.demo.standin import StandInArxiv
from pipeline.digest.markdown import load
from pipeline.errors import ArxivError
from pipeline.flow import Night, run_night
from pipeline.records import Day, Paper
from pipeline.store import Store
from tests.standins.clock import SimulatedClock
from tests.standins.model import StandInModel
from tests.standins.settings import write_config
from tests.standins.world import World, small_pdf

START = dt.date(2026, 1, 5)
NIGHTS = 200
INTERVAL = 3.0


class Soak:
    """The house of a soak: one arXiv, one model, one outputs folder, one clock."""

    def __init__(self, folder: Path, seed: int, nights: int) -> None:
        self.world = World(seed, START, nights)
        self.clock = SimulatedClock(dt.datetime.combine(START, dt.time(0, 30), EASTERN))
        archive = Archive(
            list(self.world.listings.values()), now=self.clock.now, withdrawn=self.world.withdrawn
        )
        self.arxiv = StandInArxiv(archive, small_pdf, monotonic=self.clock.monotonic)
        self.model = StandInModel()
        self.folder = folder
        self._random = random.Random(seed)

    @contextmanager
    def opened(self) -> Iterator[Config]:
        with self.arxiv, self.model:
            path = write_config(self.folder, self.arxiv.url, self.model.url)
            config = load_config(path)
            arxiv = config.arxiv.model_copy(
                update={"interval_s": INTERVAL, "pdf_interval_s": INTERVAL}
            )
            retry = config.retry.model_copy(update={"attempts": 4, "total_s": 600})
            yield config.model_copy(update={"arxiv": arxiv, "retry": retry})

    def nights(self, number: int) -> Iterator[dt.date]:
        """The dates on which cron runs: every one but for outages of one to three nights."""
        skip = 0
        for date in (START + dt.timedelta(days=n) for n in range(number)):
            if skip == 0 and date != START and self._random.random() < 0.05:
                skip = self._random.randint(1, 3)
            if skip:
                skip -= 1
                continue
            # Now and then late in the evening, when the list page is a day ahead.
            hour = 21 if self._random.random() < 0.1 else 0
            self.clock.move_to(dt.datetime.combine(date, dt.time(hour, 30), EASTERN))
            yield date

    def run(self, config: Config) -> Night | None:
        """None where the feed could not be had at all: the command says so with exit status 3."""
        try:
            with open_edges(config, self.clock, "soak") as edges:
                return run_night(edges, "audio")
        except ArxivError:
            return None


def announced(day: Day) -> list[Paper]:
    return [outcome.announcement.paper for outcome in day.outcomes]


def days_of(config: Config) -> dict[dt.date, Day]:
    store = Store(config.paths.outputs / "jianjie.sqlite3")
    try:
        found = [store.day(date, field) for date, field in store.days()]
    finally:
        store.close()
    return {day.date: day for day in found if day}


def check_day(soak: Soak, day: Day, outputs: Path) -> None:
    """A stored and published day against the world."""
    truth = {item.paper.arxiv_id: item for item in soak.world.listings[day.date].announcements}
    ids = [paper.arxiv_id for paper in announced(day)]
    assert len(ids) == len(set(ids)) == len(day.done) + len(day.owed)
    for outcome in day.outcomes:
        item = outcome.announcement
        if item.paper.arxiv_id not in truth:
            check_stale(soak, day, item.paper)
            continue
        own = truth[item.paper.arxiv_id]
        assert item.paper.version == own.paper.version
        assert item.announce.rank >= own.announce.rank
        check_paper(item.paper, own.paper)
    if day.check is not None and day.check.complete:
        assert ids == list(truth)
        kinds = [outcome.announcement.announce for outcome in day.outcomes]
        assert kinds == [item.announce for item in truth.values()]
    entries = load(outputs / day.date.isoformat() / "audio.md").entries
    assert [entry.versioned for entry in entries] == [paper.versioned for paper in announced(day)]
    for entry, paper in zip(entries, announced(day), strict=True):
        assert (entry.title, entry.comment) == (paper.title, paper.comment)


def check_stale(soak: Soak, day: Day, paper: Paper) -> None:
    """Of a stale feed on a night when no page could be read; the night says so, and it goes."""
    assert day.check is not None
    assert not day.check.complete
    assert paper.title == soak.world.versions()[paper.versioned].title


def check_paper(paper: Paper, own: Paper) -> None:
    """No field of another paper or version; all of arXiv's own where the API answered."""
    assert paper.title == own.title
    assert paper.abstract == own.abstract
    assert paper.categories == own.categories
    assert paper.comment in ({own.comment} if paper.metadata != "feed" else {None})
    assert len(paper.authors) == len(own.authors)
    if paper.metadata == "api":
        assert paper.authors == own.authors


def check_manners(soak: Soak, since: int) -> None:
    """Requests start an interval apart, whatever was answered."""
    times = [asked.at for asked in soak.arxiv.requests][max(0, since - 1) :]
    assert all(b - a >= INTERVAL - 1e-6 for a, b in itertools.pairwise(times))


def check_ledger(soak: Soak, night: Night, first: dt.date, days: dict[dt.date, Day]) -> None:
    """Every listing since the first night is in the store, or the night said it is not complete."""
    today = night.day.date
    due = {date for date, found in soak.world.listings.items() if first <= date <= today}
    due = {date for date in due if soak.world.listings[date].announcements}
    lost = due - set(days)
    assert not lost or not night.complete, f"{today}: {lost} are missing and nobody said so"
    invented = set(days) - set(soak.world.listings)
    assert not invented


@pytest.mark.long
@pytest.mark.parametrize("seed", [3])
def test_nights_without_end(tmp_path: Path, seed: int) -> None:
    soak = Soak(tmp_path, seed, NIGHTS)
    with soak.opened() as config:
        soak.arxiv.fault_for = RandomFaults(seed=seed, rate=0.2)
        first: dt.date | None = None
        for _ in soak.nights(NIGHTS):
            before = len(soak.arxiv.requests)
            night = soak.run(config)
            days = days_of(config)
            first = first or min(days, default=None)
            for day in night.days if night else ():
                check_day(soak, day, config.paths.outputs)
            check_manners(soak, before)
            if first and night:
                check_ledger(soak, night, first, days)
        soak.arxiv.fault_for = None
        soak.clock.sleep(86_400)
        last = soak.run(config)
        assert last is not None
        assert last.complete
        assert first is not None
        check_end(soak, days_of(config), first)


def check_end(soak: Soak, days: dict[dt.date, Day], first: dt.date) -> None:
    """In the end every night is there, whole, and no reply was paid for twice."""
    due = {d for d, found in soak.world.listings.items() if d >= first and found.announcements}
    assert due <= set(days)
    for day in days.values():
        assert not day.owed
        assert day.check is not None
        assert day.check.complete
    papers = {paper.versioned for day in days.values() for paper in announced(day)}
    assert len(soak.model.requests) == len(papers)
