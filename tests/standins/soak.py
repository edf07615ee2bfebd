"""A soak: one arXiv of many nights, one model, one outputs folder, one simulated clock."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.app import open_edges
from pipeline.arxiv.calendar import EASTERN, eastern_date
from pipeline.config import Config, load_config
from pipeline.demo.archive import Archive, in_categories
from pipeline.digest.markdown import load
from pipeline.errors import ArxivError
from pipeline.night.result import Night
from pipeline.night.run import run_night
from pipeline.records import Day, Outcome, Owed, Paper, Stage
from pipeline.store.store import Store
from tests.standins.arxiv import FaultyArxiv
from tests.standins.clock import SimulatedClock
from tests.standins.model import StandInModel
from tests.standins.settings import write_config
from tests.standins.world import FIELD, World, small_pdf

START = dt.date(2026, 1, 5)
INTERVAL = 3.0
AUDIO = {"audio": FIELD}


class Soak:
    """The house of a soak."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        nights: int,
        fields: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.fields = dict(fields or AUDIO)
        self.world = World(seed, START, nights, fields=self.fields)
        self.clock = SimulatedClock(dt.datetime.combine(START, dt.time(0, 30), EASTERN))
        self.archive = Archive(
            list(self.world.mail.values()), now=self.clock.now, withdrawn=self.world.withdrawn
        )
        self.arxiv = FaultyArxiv(self.archive, small_pdf, monotonic=self.clock.monotonic)
        self.model = StandInModel()
        self.folder = folder
        self.moved: list[str] = []
        """Crosses that a night caught up has too many or too few: nobody can tell them."""
        self._random = random.Random(seed)

    @contextmanager
    def opened(self) -> Iterator[Config]:
        with self.arxiv, self.model:
            named = {
                name: {"name": name, "categories": list(own)} for name, own in self.fields.items()
            }
            # Longer than any row of outages: what is further back is a command of its own.
            more = {"fields": named, "catch_up_days": 30}
            path = write_config(self.folder, self.arxiv.url, self.model.url, **more)
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

    def run(self, config: Config) -> dict[str, Night | None]:
        """Each field's night; None where its feed could not be had: the command exits with 3."""
        found: dict[str, Night | None] = {}
        with open_edges(config, self.clock, "soak") as edges:
            for field in self.fields:
                try:
                    found[field] = run_night(edges, field)
                except ArxivError:
                    found[field] = None
        return found


def announced(day: Day) -> list[Paper]:
    return [outcome.announcement.paper for outcome in day.outcomes]


def days_of(config: Config) -> dict[str, dict[dt.date, Day]]:
    """Every stored day, by field and date."""
    store = Store(config.paths.outputs / "jianjie.sqlite3")
    try:
        found = [store.days.get(date, field) for date, field in store.days.known()]
    finally:
        store.close()
    days = [day for day in found if day]
    fields = {day.field for day in days}
    return {name: {day.date: day for day in days if day.field == name} for name in fields}


def check_day(soak: Soak, day: Day, days: Mapping[dt.date, Day], outputs: Path) -> None:
    """A stored and published day against the world."""
    listing = soak.world.listings[day.field][day.date]
    truth = {item.paper.arxiv_id: item for item in listing.announcements}
    ids = [paper.arxiv_id for paper in announced(day)]
    assert len(ids) == len(set(ids)) == len(day.done) + len(day.owed)
    for outcome in day.outcomes:
        if outcome.announcement.paper.arxiv_id in truth:
            check_paper(soak, day, outcome, truth[outcome.announcement.paper.arxiv_id].paper)
        else:
            check_extra(soak, day, outcome.announcement.paper)
    if day.check is not None and day.check.complete:
        kinds = {o.announcement.paper.arxiv_id: o.announcement.announce for o in day.outcomes}
        lost = [item.paper for base, item in truth.items() if base not in kinds]
        assert {b: k for b, k in kinds.items() if b in truth} == {
            base: item.announce for base, item in truth.items() if base in kinds
        }
        assert ids == sorted(ids, key=lambda base: (kinds[base].rank, base))
        check_lost(soak, day, lost, days)
    check_files(day, outputs)


def check_paper(soak: Soak, day: Day, outcome: Outcome, own: Paper) -> None:
    """No field of another paper or version; all of arXiv's own where the API answered."""
    paper = outcome.announcement.paper
    if not paper.version:  # named by a page alone
        assert isinstance(outcome, Owed)
        assert outcome.stage is Stage.LISTING
        assert day.check is not None
        assert not day.check.complete
        return
    assert paper.version == own.version
    assert paper.categories[0] == own.categories[0]
    # Crosses give a paper more without a new version.
    assert set(own.categories) <= set(paper.categories)
    assert len(paper.authors) == len(own.authors)
    if paper.metadata == "page":  # which shows the newest version's
        every = soak.world.versions().values()
        assert paper.title in {one.title for one in every if one.arxiv_id == own.arxiv_id}
        return
    assert paper.title == own.title
    assert paper.abstract == own.abstract
    assert paper.comment in ({own.comment} if paper.metadata != "feed" else {None})
    if paper.metadata == "api":
        assert paper.authors == own.authors


def check_extra(soak: Soak, day: Day, paper: Paper) -> None:
    """Of a stale feed when no page could be read, and then it goes; or a cross of which nobody can
    tell that it was elsewhere: then a catch-up page has it."""
    assert day.check is not None
    if not day.check.complete:
        return
    pages = in_categories(soak.archive.mailed(day.date), soak.fields[day.field])
    assert paper.arxiv_id in {item.paper.arxiv_id for item in pages}
    assert is_caught_up(day)
    soak.moved.append(f"{day.date} +{paper.versioned}")


def check_lost(soak: Soak, day: Day, lost: Sequence[Paper], days: Mapping[dt.date, Day]) -> None:
    """A night caught up may leave out a cross of a version that the field has on another day."""
    for paper in lost:
        elsewhere = any(paper.versioned in versions(other) for other in days.values())
        assert is_caught_up(day), f"{day.date}: {paper.versioned} is lost"
        assert elsewhere, f"{day.date}: {paper.versioned} is lost"
        soak.moved.append(f"{day.date} -{paper.versioned}")


def is_caught_up(day: Day) -> bool:
    return day.check is not None and any("/catchup/" in page for page in day.check.pages)


def versions(day: Day) -> set[str]:
    return {paper.versioned for paper in announced(day)}


def check_files(day: Day, outputs: Path) -> None:
    entries = load(outputs / day.date.isoformat() / f"{day.field}.md").entries
    assert [entry.versioned for entry in entries] == [paper.versioned for paper in announced(day)]
    for entry, paper in zip(entries, announced(day), strict=True):
        assert (entry.title, entry.comment) == (paper.title, paper.comment)


def check_manners(soak: Soak, since: int) -> None:
    """Requests start an interval apart, whatever was answered."""
    times = [asked.at for asked in soak.arxiv.requests][max(0, since - 1) :]
    assert all(b - a >= INTERVAL - 1e-6 for a, b in itertools.pairwise(times))


def due(soak: Soak, field: str, first: dt.date, last: dt.date) -> set[dt.date]:
    """The dates on which arXiv announced something in a field."""
    listings = soak.world.listings[field].items()
    return {date for date, found in listings if first <= date <= last and found.announcements}


def check_ledger(
    soak: Soak, field: str, night: Night, first: dt.date, days: Mapping[dt.date, Day]
) -> None:
    """Every listing since the first night is in the store, or the night said it is not complete."""
    lost = due(soak, field, first, night.day.date) - set(days)
    assert not lost or not night.complete, f"{night.day.date}: {lost} missing and nobody said so"
    invented = set(days) - set(soak.world.listings[field])
    assert not invented


def check_end(soak: Soak, days: Mapping[str, Mapping[dt.date, Day]]) -> None:
    """In the end every night is there, whole, and no reply was paid for twice."""
    today = eastern_date(soak.clock.now())
    for field, own in days.items():
        assert due(soak, field, min(own), today) <= set(own)
        for day in own.values():
            assert not day.owed
            assert day.check is not None
            assert day.check.complete
    every = [day for own in days.values() for day in own.values()]
    papers = {paper.versioned for day in every for paper in announced(day)}
    assert len(soak.model.requests) == len(papers)
