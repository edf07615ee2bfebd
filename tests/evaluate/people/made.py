"""A finished evaluation of two systems whose lines are known, and judges who know what is true."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from pipeline.evaluate.finished import Kept
from pipeline.evaluate.people.sheet import Item, sheet
from pipeline.evaluate.people.votes import Vote, Votes
from tests.evaluate.made import attempt, case, evaluation, sample

AT = dt.datetime(2026, 1, 8, 9, tzinfo=dt.UTC)
BASE, OTHER = "基线所写。", "新法所写。"
"""How a line of either system ends."""


def kept(papers: int = 20, *, metric: float = 1.0) -> Kept:
    """`metric`: what the system has over the baseline, on every paper."""
    cases = [case(number) for number in range(1, papers + 1)]
    samples = []
    for one in cases:
        for name, end, score in (("base", BASE, 50.0), ("other", OTHER, 50.0 + metric)):
            samples.append(sample(name, one, score, attempt(one.line + end)))
    made = evaluation(cases, samples).model_copy(update={"name": "2026-base-other"})
    references = {
        one.id: {
            "line": one.line,
            "tags": list(one.tags),
            "title": one.paper.title,
            "abstract": one.paper.abstract,
            "date": one.date.isoformat(),
        }
        for one in cases
    }
    return Kept(made, tuple(samples), references)


def right(item: Item) -> str:
    """The side of the system's line, or of the true one."""
    return "right" if item.turned else "left"


def wrong(item: Item) -> str:
    return "left" if item.turned else "right"


def true_to_known(item: Item, otherwise: str) -> str:
    """What an attentive judge says of the pairs whose answer is known; else `otherwise`."""
    known = {"planted": right(item), "identical": "tie"}
    return known.get(item.kind, otherwise)


def votes_of(whole: Kept, judge: str, choose: Callable[[Item], str], **aspects: str) -> Votes:
    """Every pair judged; `aspects` are sides of the system's line or `tie`."""
    given = []
    for item in sheet(whole, judge).items:
        turned = {
            name: {"left": right(item), "right": wrong(item)}.get(side, side)
            for name, side in aspects.items()
        }
        given.append(
            Vote.model_validate({"item": item.id, "overall": choose(item), "at": AT} | turned)
        )
    return Votes(run=whole.evaluation.name, judge=judge, votes=tuple(given))
