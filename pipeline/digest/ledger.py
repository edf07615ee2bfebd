"""The account of a day: announced = done + owed, what it cost, and how far the tags agree."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.records import Day, Done, Record


class TagAgreement(Record):
    """The model's tags against arXiv's own categories, over the papers done."""

    papers: int
    exact: int
    """Papers whose sets of tags are equal."""
    primary_right: int
    """Papers whose first tag is arXiv's primary category."""
    micro_f1: float
    """2 × shared / (proposed + given), over all papers; 0 to 1."""


class Ledger(Record):
    """What a reader can check. `cost` is None where a line's price is not known."""

    announced: int
    done: int
    owed: int
    from_pdf: int
    from_abstract: int
    tokens_in: int
    tokens_out: int
    cost: float | None
    tags: TagAgreement


def ledger(day: Day) -> Ledger:
    """The account of `day`."""
    lines = [done.summary.provenance for done in day.done]
    costs = [line.cost for line in lines]
    return Ledger(
        announced=len(day.outcomes),
        done=len(day.done),
        owed=len(day.owed),
        from_pdf=sum(line.text_source == "pdf" for line in lines),
        from_abstract=sum(line.text_source == "abstract" for line in lines),
        tokens_in=sum(line.tokens_in for line in lines),
        tokens_out=sum(line.tokens_out for line in lines),
        cost=None if None in costs else round(sum(cost or 0.0 for cost in costs), 6),
        tags=tag_agreement(day.done),
    )


def tag_agreement(papers: Iterable[Done]) -> TagAgreement:
    """How far the model's tags agree with arXiv's, where arXiv gives any."""
    pairs = [
        (done.summary.tags, done.announcement.paper.categories)
        for done in papers
        if done.announcement.paper.categories
    ]
    shared = sum(len(set(model) & set(arxiv)) for model, arxiv in pairs)
    total = sum(len(set(model)) + len(set(arxiv)) for model, arxiv in pairs)
    return TagAgreement(
        papers=len(pairs),
        exact=sum(set(model) == set(arxiv) for model, arxiv in pairs),
        primary_right=sum(model[:1] == arxiv[:1] for model, arxiv in pairs),
        micro_f1=round(2 * shared / total, 4) if total else 0.0,
    )
