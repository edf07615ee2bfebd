"""A whole set from an OAI-PMH server on loopback: kept, gone on with, and the same in the end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.arxiv.client import ArxivClient
from pipeline.backfill.harvest import harvest, set_of
from pipeline.backfill.snapshot import Told
from pipeline.clock import Clock
from pipeline.config import load_config
from pipeline.demo.archive import Archive
from pipeline.errors import ArxivError, OaiTokenExpired, OutputError, UsageError
from tests.standins.arxiv import FaultyArxiv
from tests.standins.settings import write_config
from tests.standins.world import World

START = dt.date(2026, 1, 5)
PAGE = 3


class Asker:
    """The edge, with a stop after so many pages and a token that expires when a test says so."""

    def __init__(self, client: ArxivClient) -> None:
        self._client = client
        self.asked: list[tuple[dt.date | None, str | None]] = []
        self.stop_after: int | None = None
        self.expire_at: int | None = None

    def oai_changes(
        self, set_spec: str, since: dt.date | None, token: str | None = None
    ) -> tuple[bytes, str]:
        if self.stop_after is not None and len(self.asked) >= self.stop_after:
            raise KeyboardInterrupt
        self.asked.append((since, token))
        if len(self.asked) == self.expire_at:
            token = "expired"
        return self._client.oai_changes(set_spec, since, token)


@pytest.fixture
def world() -> World:
    return World(3, START, 12)


@pytest.fixture
def asker(tmp_path: Path, world: World) -> Iterator[Asker]:
    archive = Archive(list(world.mail.values()), oai_page=PAGE, withdrawn=world.withdrawn)
    with FaultyArxiv(archive, tmp_path) as server:
        config = load_config(write_config(tmp_path, server.url, "http://127.0.0.1:1"))
        client = ArxivClient(config.arxiv, config.retry, Clock(), tmp_path / "cache")
        yield Asker(client)
        client.close()


def papers(asker: Asker, folder: Path, told: list[str] | None = None) -> dict[str, Told]:
    say = (told if told is not None else []).append
    found = harvest("cs:cs:SD", asker, folder, say)
    return {one.paper.arxiv_id: one for one in found}


def wanted(world: World) -> set[str]:
    latest = {paper.arxiv_id: paper for paper in world.versions().values()}
    newest: dict[str, int] = {}
    for paper in world.versions().values():
        newest[paper.arxiv_id] = max(newest.get(paper.arxiv_id, 0), paper.version)
    gone = {base for base, version in newest.items() if f"{base}v{version}" in world.withdrawn}
    return {base for base, paper in latest.items() if "cs.SD" in paper.categories} - gone


def test_all_of_a_set_comes_page_after_page(asker: Asker, world: World, tmp_path: Path) -> None:
    found = papers(asker, tmp_path / "harvest")
    assert set(found) == wanted(world)
    assert len(asker.asked) > 3
    assert asker.asked[0] == (None, None)
    assert all(token for _, token in asker.asked[1:])


def test_after_a_stop_it_goes_on_where_it_was(asker: Asker, world: World, tmp_path: Path) -> None:
    asker.stop_after = 3
    with pytest.raises(KeyboardInterrupt):
        papers(asker, tmp_path / "harvest")
    asker.stop_after = None
    before = len(asker.asked)
    assert set(papers(asker, tmp_path / "harvest")) == wanted(world)
    assert asker.asked[before][1] is not None
    pages = len(asker.asked)
    assert set(papers(asker, tmp_path / "harvest")) == wanted(world)
    assert len(asker.asked) == pages, "a harvest that is whole asks for nothing"


def test_a_token_that_expired_costs_no_paper(asker: Asker, world: World, tmp_path: Path) -> None:
    asker.expire_at = 4
    told: list[str] = []
    assert set(papers(asker, tmp_path / "harvest", told)) == wanted(world)
    assert any("its token expired" in line for line in told)
    since, token = asker.asked[4]
    assert since is not None
    assert token is None


def test_a_first_request_that_is_refused_is_an_error(asker: Asker, tmp_path: Path) -> None:
    asker.expire_at = 1
    with pytest.raises(OaiTokenExpired):
        papers(asker, tmp_path / "harvest")


def test_a_page_that_was_cut_on_the_disk_says_so(asker: Asker, tmp_path: Path) -> None:
    papers(asker, tmp_path / "harvest")
    page = sorted((tmp_path / "harvest").rglob("*.gz"))[2]
    page.write_bytes(page.read_bytes()[:100])
    with pytest.raises((OutputError, ArxivError), match="00003"):
        papers(asker, tmp_path / "harvest")


def test_sets_are_named_as_arxiv_does_or_by_category() -> None:
    assert set_of("cs.SD") == "cs:cs:SD"
    assert set_of("eess.SY") == set_of("cs.SY") == "eess:eess:SY"
    assert set_of("physics:hep-th") == "physics:hep-th"
    assert set_of("cs") == "cs"
    with pytest.raises(UsageError, match="no set"):
        set_of("audio")
