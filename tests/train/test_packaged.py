"""The adapter that ships, its card and its list of papers belong together."""

from __future__ import annotations

import hashlib

from pipeline.evaluate.cases import Filters, find_cases
from pipeline.llm.embedded import MODEL_SHA256, packaged_adapter
from pipeline.train.card import Card, markdown
from tests.conftest import ROOT

ADAPTER = packaged_adapter()
CARD = Card.model_validate_json(ADAPTER.with_suffix(".card.json").read_text(encoding="utf-8"))
IDS = [
    line
    for line in ADAPTER.with_suffix(".trained-on.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]


def test_the_card_is_this_adapters() -> None:
    assert CARD.adapter_sha256 == hashlib.sha256(ADAPTER.read_bytes()).hexdigest()
    assert CARD.base_sha256 == MODEL_SHA256
    assert ADAPTER.stem == CARD.name
    assert ADAPTER.stat().st_size <= 20_000_000
    assert ADAPTER.with_suffix(".md").read_text(encoding="utf-8") == markdown(CARD)


def test_the_list_names_the_papers_that_were_taught() -> None:
    digest = hashlib.sha256("".join(f"{one}\n" for one in IDS).encode()).hexdigest()
    assert digest == CARD.trained_ids_sha256
    assert len(IDS) == sum(CARD.fields.values()) == len(set(IDS))


def test_the_example_digest_was_not_taught() -> None:
    cases = find_cases([ROOT / "prompts" / "examples"], Filters()).cases
    assert not {case.id for case in cases} & set(IDS)


def test_the_figures_that_readers_are_told_are_the_cards() -> None:
    assert CARD.scores is not None and CARD.scores.papers >= 300
    figures = (
        f"{CARD.scores.chrf.value:.1f}",
        f"{CARD.scores.content_chrf.value:.1f}",
        f"{CARD.scores.valid.value:.1f}%",
    )
    for name in ("docs/limits.md", "docs/zh/limits.md", "MODEL_CARD.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert all(figure in text for figure in figures), name
