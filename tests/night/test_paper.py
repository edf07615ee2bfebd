"""PDFs on the way of a night: waited for, given up, refused; on a simulated clock."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.app import open_edges
from pipeline.arxiv.calendar import EASTERN
from pipeline.config import Config, load_config
from pipeline.demo.archive import Archive
from pipeline.demo.request import Request
from pipeline.night.downloads import NOT_READY_TRIES, OUTAGE
from pipeline.night.run import run_night
from pipeline.records import Day, Done
from tests.demo.composed import FRIDAY, WITHDRAWN, A, B, D, SettableClock, week
from tests.standins.arxiv import FaultyArxiv
from tests.standins.clock import SimulatedClock
from tests.standins.faults import Fault
from tests.standins.model import StandInModel
from tests.standins.settings import write_config
from tests.standins.world import small_pdf

INTERVAL = 3.0
NOT_READY_S = 600.0


class PdfTrouble:
    """Fails a paper's first so many PDF requests; the others' go through."""

    def __init__(self, fault: Fault, times: dict[str, int]) -> None:
        self._fault = fault
        self._left = Counter(times)

    def __call__(self, asked: Request) -> Fault | None:
        name = asked.path.rpartition("/")[2]
        if asked.kind != "pdf" or not self._left[name]:
            return None
        self._left[name] -= 1
        return self._fault


@contextmanager
def opened(
    folder: Path, trouble: PdfTrouble, withdrawn: str = WITHDRAWN
) -> Iterator[tuple[Config, FaultyArxiv]]:
    noon = SettableClock(FRIDAY, 12)
    archive = Archive(week(), now=noon, withdrawn={withdrawn})
    with FaultyArxiv(archive, small_pdf, fault_for=trouble) as arxiv, StandInModel() as model:
        config = load_config(write_config(folder, arxiv.url, model.url))
        update = {
            "interval_s": INTERVAL,
            "pdf_interval_s": INTERVAL,
            "pdf_not_ready_s": NOT_READY_S,
        }
        yield config.model_copy(update={"arxiv": config.arxiv.model_copy(update=update)}), arxiv


def night(config: Config, date: dt.date) -> tuple[Day, float]:
    """Friday's digest, made on `date`, and the simulated seconds that it took."""
    clock = SimulatedClock(dt.datetime.combine(date, dt.time(0, 30), EASTERN))
    with open_edges(config, clock, "test") as edges:
        start = clock.monotonic()
        done = run_night(edges, "audio").day
        assert isinstance(done, Day)
        return done, clock.monotonic() - start


def sources(day: Day) -> dict[str, tuple[str, str | None]]:
    lines = [o for o in day.outcomes if isinstance(o, Done)]
    assert len(lines) == len(day.outcomes)
    made = {one.summary.arxiv_id: one.summary.provenance for one in lines}
    return {base: (line.text_source, line.fallback) for base, line in made.items()}


def asked_pdfs(arxiv: FaultyArxiv) -> list[str]:
    return [one.path.rpartition("/")[2] for one in arxiv.requests if one.kind == "pdf"]


def test_a_pdf_that_is_not_made_yet_is_waited_for_while_the_others_go_on(tmp_path: Path) -> None:
    with opened(tmp_path, PdfTrouble("no_source", {f"{D}v1": 2})) as (config, arxiv):
        day, seconds = night(config, FRIDAY)
        assert sources(day)[D] == ("pdf", None)
        assert asked_pdfs(arxiv)[-2:] == [f"{D}v1"] * 2
        assert len(asked_pdfs(arxiv)) == len(day.outcomes) + 2
    assert 2 * NOT_READY_S / NOT_READY_TRIES <= seconds < NOT_READY_S


def test_a_pdf_that_is_never_made_is_given_up(tmp_path: Path) -> None:
    with opened(tmp_path, PdfTrouble("not_ready", {f"{D}v1": 99})) as (config, arxiv):
        day, seconds = night(config, FRIDAY)
        assert sources(day)[D] == ("abstract", "download: arXiv has not made the PDF yet")
        assert asked_pdfs(arxiv).count(f"{D}v1") == 1 + NOT_READY_TRIES
    assert NOT_READY_S <= seconds < NOT_READY_S + 60


def test_an_older_listings_pdfs_are_not_waited_for(tmp_path: Path) -> None:
    with opened(tmp_path, PdfTrouble("not_ready", {f"{D}v1": 99})) as (config, arxiv):
        day, seconds = night(config, FRIDAY + dt.timedelta(days=1))
        assert sources(day)[D][0] == "abstract"
        assert asked_pdfs(arxiv).count(f"{D}v1") == 1
    assert seconds < 60


@pytest.mark.parametrize("days", [0, 9])
def test_a_pdf_that_arxivs_maker_failed_at_is_asked_for_again_whatever_its_age(
    tmp_path: Path, days: int
) -> None:
    with opened(tmp_path, PdfTrouble("not_made", {f"{D}v1": 2})) as (config, arxiv):
        day, _ = night(config, FRIDAY + dt.timedelta(days=days))
        assert sources(day)[D] == ("pdf", None)
        assert asked_pdfs(arxiv).count(f"{D}v1") == 3


@pytest.mark.parametrize("fault", ["not_pdf", "not_found", "not_public", "withdrawn"])
def test_a_page_that_is_final_is_asked_for_once(tmp_path: Path, fault: Fault) -> None:
    with opened(tmp_path, PdfTrouble(fault, {f"{D}v1": 99})) as (config, arxiv):
        day, seconds = night(config, FRIDAY)
        source, fallback = sources(day)[D]
        assert source == "abstract"
        assert asked_pdfs(arxiv).count(f"{D}v1") == 1
    assert seconds < 60
    assert fallback
    assert "Source Not Public" not in fallback  # arXiv's words are not published


def test_many_papers_that_arxivs_maker_failed_at_are_no_outage(tmp_path: Path) -> None:
    every = dict.fromkeys((f"{A}v2", f"{B}v2", "2511.00007v3"), 99)
    with opened(tmp_path, PdfTrouble("not_made", every), withdrawn="none") as (config, _):
        day, _ = night(config, FRIDAY)
        assert sources(day)[D] == ("pdf", None)


def test_after_some_captchas_no_more_pdfs_are_asked_for(tmp_path: Path) -> None:
    every = dict.fromkeys((f"{D}v1", f"{A}v2", f"{B}v2", "2511.00007v3"), 99)
    with opened(tmp_path, PdfTrouble("captcha", every), withdrawn="none") as (config, arxiv):
        day, _ = night(config, FRIDAY)
        assert len(asked_pdfs(arxiv)) == OUTAGE
        told = [fallback for _, fallback in sources(day).values()]
    assert told.count("download: arXiv asks for a human (a captcha)") == OUTAGE
    assert told.count("download: arXiv's PDFs are out of reach") == 1


def test_the_pdf_cache_stays_within_its_bound(tmp_path: Path) -> None:
    with opened(tmp_path, PdfTrouble("not_ready", {})) as (config, _):
        small = config.arxiv.model_copy(update={"max_pdf_cache_mb": 1})
        folder = tmp_path / "cache" / "pdf" / "127.0.0.1"
        folder.mkdir(parents=True)
        (folder / "0000.00001v1.pdf").write_bytes(b"x" * 2_000_000)
        night(config.model_copy(update={"arxiv": small}), FRIDAY)
    kept = {file.name: file.stat().st_size for file in folder.glob("*.pdf")}
    assert sum(kept.values()) <= 1_000_000
    assert f"{D}v1.pdf" in kept
