"""The adapter that ships, its card and its list of papers belong together."""

from __future__ import annotations

import hashlib

import pytest

from pipeline.evaluate.cases import Filters, find_cases
from pipeline.llm.embedded import ADAPTER_FILE, MODEL_SHA256, packaged_adapter
from pipeline.llm.weights import CATALOGUE
from pipeline.train.card import Card, markdown
from tests.conftest import ROOT

HASHES = {ADAPTER_FILE: MODEL_SHA256} | {
    one.adapter: one.sha256 for one in CATALOGUE.values() if one.adapter
}
"""Of what each adapter is for."""
adapters = pytest.mark.parametrize("name", HASHES)


def card_of(name: str) -> Card:
    return Card.model_validate_json(packaged_adapter(name).with_suffix(".card.json").read_bytes())


def ids_of(name: str) -> list[str]:
    lines = packaged_adapter(name).with_suffix(".trained-on.txt").read_text(encoding="utf-8")
    return [line for line in lines.splitlines() if not line.startswith("#")]


@adapters
def test_the_card_is_this_adapters(name: str) -> None:
    adapter, card = packaged_adapter(name), card_of(name)
    assert card.adapter_sha256 == hashlib.sha256(adapter.read_bytes()).hexdigest()
    assert card.base_sha256 == HASHES[name]
    assert adapter.stem == card.name
    assert adapter.stat().st_size <= 25_000_000
    assert adapter.with_suffix(".md").read_text(encoding="utf-8") == markdown(card)


@adapters
def test_the_list_names_the_papers_that_were_taught(name: str) -> None:
    ids, card = ids_of(name), card_of(name)
    digest = hashlib.sha256("".join(f"{one}\n" for one in ids).encode()).hexdigest()
    assert digest == card.trained_ids_sha256
    assert len(ids) == sum(card.fields.values()) == len(set(ids))


@adapters
def test_the_example_digest_was_not_taught(name: str) -> None:
    cases = find_cases([ROOT / "prompts" / "examples"], Filters()).cases
    assert not {case.id for case in cases} & set(ids_of(name))


def test_all_were_held_against_the_same_papers() -> None:
    assert len({card_of(name).held_out_ids_sha256 for name in HASHES}) == 1


@adapters
def test_what_is_doubtful_is_known(name: str) -> None:
    below = card_of(name).doubtful_below
    assert below is not None and 0 < below < 1


@adapters
def test_the_figures_that_readers_are_told_are_the_cards(name: str) -> None:
    scores = card_of(name).scores
    assert scores is not None and scores.papers >= 300
    figures = (
        f"{scores.chrf.value:.1f}",
        f"{scores.content_chrf.value:.1f}",
        f"{scores.valid.value:.1f}%",
    )
    for file in ("docs/limits.md", "docs/zh/limits.md", "MODEL_CARD.md"):
        text = (ROOT / file).read_text(encoding="utf-8")
        assert all(figure in text for figure in figures), file
