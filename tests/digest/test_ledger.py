from __future__ import annotations

import datetime as dt
from typing import Literal

import pytest

from pipeline.digest.ledger import Ledger, TagAgreement, ledger, tag_agreement
from pipeline.records import (
    Announcement,
    AnnounceType,
    Day,
    Done,
    Outcome,
    Owed,
    Stage,
    Summary,
)
from tests.standins.records import paper, provenance

Source = Literal["pdf", "abstract"]


def announcement(categories: str = "cs.SD") -> Announcement:
    listed = paper(categories=tuple(categories.split()))
    return Announcement(announce=AnnounceType.NEW, paper=listed)


def done(
    arxiv: str = "cs.SD",
    model: str = "cs.SD",
    *,
    source: Source = "pdf",
    cost: float | None = 0.1,
    tokens_in: int = 1000,
    tokens_out: int = 50,
) -> Done:
    made = provenance(text_source=source, cost=cost, tokens_in=tokens_in, tokens_out=tokens_out)
    summary = Summary(
        key="k",
        arxiv_id="2601.00001",
        version=1,
        line="该论文。",
        tags=tuple(model.split()),
        provenance=made,
    )
    return Done(announcement=announcement(arxiv), summary=summary)


OWED = Owed(announcement=announcement(), stage=Stage.VALIDATE, reason="no_markup: has **")


def day(*outcomes: Outcome) -> Day:
    return Day(
        date=dt.date(2026, 1, 7),
        field="audio",
        name="音频",
        categories=("cs.SD", "eess.AS"),
        source="rss.arxiv.org",
        outcomes=outcomes,
    )


def test_the_account_of_a_day() -> None:
    outcomes = (
        done("cs.SD eess.AS", "cs.SD", cost=0.1),
        OWED,
        done("cs.SD", "cs.SD", source="abstract", cost=0.2, tokens_in=300, tokens_out=40),
        done("eess.AS", "cs.SD", cost=0.3),
    )

    assert ledger(day(*outcomes)) == Ledger(
        announced=4,
        done=3,
        owed=1,
        from_pdf=2,
        from_abstract=1,
        tokens_in=2300,
        tokens_out=140,
        cost=0.6,
        # shared 1 + 1 + 0; proposed 3, given 4: 2 × 2 / 7
        tags=TagAgreement(papers=3, exact=1, primary_right=2, micro_f1=0.5714),
    )


def test_an_empty_day_and_one_that_owes_everything() -> None:
    nothing = ledger(day())

    assert (nothing.announced, nothing.done, nothing.owed, nothing.cost) == (0, 0, 0, 0.0)
    assert nothing.tags == TagAgreement(papers=0, exact=0, primary_right=0, micro_f1=0.0)
    assert ledger(day(OWED, OWED)) == nothing.model_copy(update={"announced": 2, "owed": 2})


@pytest.mark.parametrize(
    ("costs", "total"),
    [
        ([0.1, 0.2], 0.3),
        ([0.0, 0.0], 0.0),  # a free model is known to be free
        ([0.1, None], None),
        ([None, 0.1], None),
        ([None], None),
        ([1e-7] * 4, 0.0),
        ([0.0000014] * 5, 0.000007),
    ],
)
def test_the_cost_is_known_only_where_every_lines_is(
    costs: list[float | None], total: float | None
) -> None:
    assert ledger(day(*(done(cost=cost) for cost in costs))).cost == total


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        # (arXiv's, the model's); micro F1 = 2 × shared / (given + proposed)
        ([("cs.SD", "cs.SD")], (1, 1, 1, 1.0)),
        ([("cs.SD", "cs.LG")], (1, 0, 0, 0.0)),
        ([("cs.SD eess.AS", "cs.SD eess.AS")], (1, 1, 1, 1.0)),
        ([("cs.SD eess.AS", "eess.AS cs.SD")], (1, 1, 0, 1.0)),  # the set is right, its head not
        ([("cs.SD eess.AS cs.AI", "cs.SD")], (1, 0, 1, 0.5)),
        ([("cs.SD", "cs.SD cs.AI cs.LG")], (1, 0, 1, 0.5)),
        ([("cs.SD eess.AS", "cs.SD cs.LG")], (1, 0, 1, 0.5)),
        ([("cs.SD", "cs.SD"), ("cs.AI cs.LG cs.CL", "cs.CV")], (2, 1, 1, 0.3333)),
        ([("cs.SD", "cs.SD cs.SD")], (1, 1, 1, 1.0)),  # a tag counts once
        ([("cs.SD", "")], (1, 0, 0, 0.0)),
        ([("", "cs.SD")], (0, 0, 0, 0.0)),  # nothing to agree with
        ([("", "cs.SD"), ("cs.AI", "cs.AI")], (1, 1, 1, 1.0)),
    ],
)
def test_tag_agreement(pairs: list[tuple[str, str]], expected: tuple[int, int, int, float]) -> None:
    papers, exact, primary, f1 = expected

    assert tag_agreement(done(arxiv, model) for arxiv, model in pairs) == TagAgreement(
        papers=papers, exact=exact, primary_right=primary, micro_f1=f1
    )
