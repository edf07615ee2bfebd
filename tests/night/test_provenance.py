"""A line says what the model was shown when it wrote it, whatever the paper is read from later."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.app import open_edges
from pipeline.arxiv.calendar import EASTERN
from pipeline.config import Config, load_config
from pipeline.demo.archive import Archive
from pipeline.demo.request import Request as ArxivRequest
from pipeline.night.result import Night
from pipeline.night.run import run_night
from pipeline.records import AnnounceType, Day
from tests.demo.composed import FRIDAY, SettableClock, listing, paper
from tests.standins.arxiv import FaultyArxiv
from tests.standins.clock import SimulatedClock
from tests.standins.faults import Fault
from tests.standins.house import House, open_house
from tests.standins.model import Answer, BatchPlan, Request, StandInModel, good_line, reply
from tests.standins.model import title_of as title
from tests.standins.settings import write_config
from tests.standins.world import small_pdf

BASE = "2601.20000"
FULL = """---
description: the whole text
context: full
text_tokens: 400
---
=== user ===
Title: {{ title }}
{{ text }}
"""


def names_what_the_pdf_has(request: Request) -> Answer:
    """`noisy` stands in the PDF (world.small_pdf) and not in the metadata."""
    return Answer(text=reply(good_line(title(request)).replace("一种新的", "名为 noisy 的")))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    archive = Archive([one_paper()], now=SettableClock(FRIDAY, 12))
    with open_house(tmp_path, FaultyArxiv(archive, small_pdf)) as opened:
        yield opened


def one_paper() -> Any:
    return listing(FRIDAY, (AnnounceType.NEW, paper(BASE)))


def published(house: House) -> dict[str, Any]:
    file = house.folder / "outputs" / FRIDAY.isoformat() / "audio.json"
    (found,) = json.loads(file.read_text(encoding="utf-8"))["papers"]
    return dict(found)


def test_a_line_refused_from_the_abstract_is_not_published_as_read_from_the_pdf(
    house: House,
) -> None:
    house.model.answer = names_what_the_pdf_has
    house.arxiv.fault_for = no_pdfs
    assert house.run("run").returncode == 1
    assert published(house)["line"] is None
    calls = len(house.model.requests)

    house.arxiv.fault_for = None
    assert house.run("run").returncode == 0

    made = published(house)["provenance"]
    assert (made["text_source"], made["pages_read"]) == ("pdf", 1)
    assert len(house.model.requests) == calls + 1  # the model was shown the PDF
    assert "noisy" in str(house.model.requests[-1])
    assert "noisy" not in str(house.model.requests[0])


def test_the_same_question_is_judged_again_and_not_asked_again(house: House) -> None:
    """What a refusal was about may have gone: here the metadata names what the line names."""
    house.model.answer = names_what_the_pdf_has
    house.arxiv.fault_for = no_pdfs
    assert house.run("run").returncode == 1
    calls = len(house.model.requests)
    known_in_comment(house)

    assert house.run("run").returncode == 0

    assert len(house.model.requests) == calls
    assert published(house)["provenance"]["text_source"] == "abstract"


def known_in_comment(house: House) -> None:
    """The comment is no part of the default prompt, but of what a line is held against."""
    import sqlite3  # the store's file from outside, as nothing in the program does

    with sqlite3.connect(house.folder / "outputs" / "jianjie.sqlite3") as database:
        (text,) = database.execute("SELECT paper FROM papers").fetchone()
        changed = json.dumps(json.loads(text) | {"comment": "noisy"})
        database.execute("UPDATE papers SET paper = ?", (changed,))


def no_pdfs(asked: ArxivRequest) -> Fault | None:
    return "no_source" if asked.kind == "pdf" else None


# By batch


@contextmanager
def batches(folder: Path) -> Iterator[tuple[Config, StandInModel, FaultyArxiv]]:
    """A user who sends nights by batch and is asleep before they are answered."""
    (folder / "prompts").mkdir()
    (folder / "prompts" / "full.md").write_text(FULL, encoding="utf-8")
    archive = Archive([one_paper()], now=SettableClock(FRIDAY, 12))
    with FaultyArxiv(archive, small_pdf) as arxiv, StandInModel() as model:
        profile = {
            "base_url": model.url,
            "model": "standin-1",
            "token_factor": 1.0,
            "batch": True,
            "batch_wait_s": 0,
            "batch_poll_s": 1,
            "replies": "json_schema",
        }
        models = {"standin": profile}
        path = write_config(folder, arxiv.url, model.url, models=models, prompt="full")
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        settings["paths"]["prompts"] = str(folder / "prompts")
        path.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
        yield load_config(path), model, arxiv


def run(config: Config, hour: int) -> Day:
    clock = SimulatedClock(dt.datetime.combine(FRIDAY, dt.time(hour), EASTERN))
    with open_edges(config, clock, "test") as edges:
        night: Night = run_night(edges, "audio", date=FRIDAY)
    assert isinstance(night.day, Day)
    return night.day


@pytest.mark.parametrize("polls", [1, 2])
def test_a_batch_sent_from_the_abstract_is_what_its_line_says_when_the_pdf_is_there(
    tmp_path: Path, polls: int
) -> None:
    """The next run finds the batch over, or still out: the reply is waited for and used."""
    with batches(tmp_path) as (config, model, arxiv):
        model.plan = BatchPlan(polls=polls)
        arxiv.fault_for = no_pdfs
        assert len(run(config, 1).owed) == 1
        arxiv.fault_for = None

        days = [run(config, hour) for hour in (2, 3, 4)]

        (done,) = days[-1].done
        assert done.summary.provenance.text_source == "abstract"
        assert done.summary.provenance.fallback is not None
        assert len(model.batches.asked) == 1  # paid for once
        assert model.requests == []
