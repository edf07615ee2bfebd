"""One paper's way, with neither a store nor edges: in this process and in another one."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from pipeline.app import build_model
from pipeline.clock import Clock
from pipeline.config import Config, load_config
from pipeline.llm.memory import Memory
from pipeline.night.paper import Kit, key_of, write_paper
from pipeline.pdf.pool import Readers
from pipeline.prompt.variant import Variant, load_variant
from pipeline.records import Paper, PaperText, Pdf, Reply, Summary
from pipeline.stages.summarize import Refused
from tests.pdf import files
from tests.standins.model import StandInModel
from tests.standins.model_faults import context_limit
from tests.standins.records import paper
from tests.standins.settings import write_config

NOW = dt.datetime(2026, 1, 7, 6, 0, tzinfo=dt.UTC)
PAPER = paper(title="Speech Study", abstract="We study speech enhancement in noise, number 5.")


@pytest.fixture
def model() -> Iterator[StandInModel]:
    with StandInModel() as opened:
        yield opened


@pytest.fixture
def config(tmp_path: Path, model: StandInModel) -> Config:
    return load_config(write_config(tmp_path, "http://127.0.0.1:9", model.url))


@pytest.fixture
def pdf(tmp_path: Path) -> Pdf:
    path = files.save(tmp_path, "paper.pdf", files.prose(12))
    return Pdf(path=path, sha256="f" * 64, size=path.stat().st_size)


def variant(config: Config, name: str = "default") -> Variant:
    return load_variant(name, config.paths.prompts)


def written(
    config: Config, variant: Variant, one: Paper, pdf: Pdf | str | None, log: Memory | None = None
) -> Summary | Refused:
    memory = log or Memory()
    model = build_model(config, Clock(), memory)
    try:
        with Readers(1) as readers:
            kit = Kit(variant, config.profile, config.extract, readers)
            return write_paper(one, pdf, kit, model, memory, now=NOW)
    finally:
        model.close()


def test_from_its_pdf(config: Config, pdf: Pdf, model: StandInModel) -> None:
    made = written(config, variant(config), PAPER, pdf)
    assert isinstance(made, Summary)
    assert (made.provenance.text_source, made.provenance.pages_read) == ("pdf", 12)
    assert made.provenance.created == NOW
    assert len(model.requests) == 1


def test_without_one_the_reason_is_in_its_provenance(config: Config) -> None:
    made = written(config, variant(config), PAPER, "download: not there")
    assert isinstance(made, Summary)
    assert (made.provenance.text_source, made.provenance.fallback) == (
        "abstract",
        "download: not there",
    )


def test_half_of_the_text_where_the_context_does_not_do(
    config: Config, pdf: Pdf, model: StandInModel
) -> None:
    model.answer = context_limit(8000)
    made = written(config, variant(config), PAPER, pdf)
    assert isinstance(made, Summary)
    assert made.provenance.truncated
    assert len(model.requests) == 2


def test_what_was_paid_for_is_not_asked_again(config: Config, model: StandInModel) -> None:
    log = Memory()
    first = written(config, variant(config), PAPER, None, log)
    assert written(config, variant(config), PAPER, None, log) == first
    assert len(model.requests) == 1


def test_a_pickled_variant_is_the_same(config: Config) -> None:
    for name in ("default", "few-shot"):
        one = variant(config, name)
        before = one.render(PAPER, PaperText(source="abstract", body="b"))
        again = pickle.loads(pickle.dumps(one))
        assert again.render(PAPER, PaperText(source="abstract", body="b")) == before
        assert again.shown == one.shown


def test_in_another_process(config: Config, pdf: Pdf, model: StandInModel) -> None:
    """It gets what it needs by pickle, and answers with a record."""
    here = written(config, variant(config), PAPER, pdf)
    other = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=other) as pool:
        there = pool.submit(written, config, variant(config), PAPER, pdf).result()
    assert isinstance(here, Summary)
    assert isinstance(there, Summary)
    assert (there.key, there.line, there.tags) == (here.key, here.line, here.tags)
    assert len(model.requests) == 2


def test_its_key_is_the_nights(config: Config, model: StandInModel) -> None:
    made = written(config, variant(config), PAPER, None)
    assert isinstance(made, Summary)
    endpoint = build_model(config, Clock(), Memory())
    with Readers(1) as readers:
        kit = Kit(variant(config), config.profile, config.extract, readers)
        assert made.key == key_of(PAPER, kit, endpoint)
    endpoint.close()


def test_the_memory_keeps_rounds_apart() -> None:
    memory = Memory()
    one = Reply(text="a", model="m", tokens_in=1, tokens_out=1, cost=None, seconds=0.1)
    memory.add("k", 0, one)
    memory.add_reasons("k", 0, ["short"])
    assert (memory.get("k", 0), memory.get("k", 1)) == (one, None)
    assert memory.reasons("k", 0) == ("short",)
    with pytest.raises(ValueError, match="attempt 2 after 1"):
        memory.add("k", 2, one)
    memory.close_round("k")
    memory.close_round("k")  # an empty one is none
    assert memory.refusals("k") == 1
    assert list(memory.refused("k")) == [one]
    assert (memory.get("k", 0), memory.reasons("k", 0)) == (None, None)
