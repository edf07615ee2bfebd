"""Cases from one's own nights: what went wrong, what somebody put right, what somebody liked.

Only a line by a person is a reference. The others have none: variants are then told apart by the
rules, by the tags that arXiv has, and by a second look (--verify), which need none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from pipeline.evaluate.results import Case
from pipeline.records import Announcement, Cause, Done, Outcome, Owed
from pipeline.store.store import Store

NAME = "production"
"""What stands for them in the place of a digest."""
_NOTHING_TO_LEARN = {
    Cause.NOT_TRIED,
    Cause.OUT_OF_REACH,
    Cause.FORBIDDEN,
    Cause.BUDGET,
    Cause.IN_BATCH,
}
"""Owed for what no prompt can change."""


class _Listed(NamedTuple):
    date: dt.date
    name: str
    outcome: Outcome


def production_cases(store: Store, starred: Sequence[str]) -> Iterator[Case]:
    """One a paper, by the first of these that holds; of each kind the newest first.

    Edited (the person's line is the reference), owed because of its replies, taken back, asked for
    more than once, starred: `starred` has arXiv ids without a version.
    """
    listed = [
        _Listed(date, day.name, outcome)
        for date, field in store.days.known()
        if (day := store.days.get(date, field))
        for outcome in day.outcomes
        if outcome.announcement.paper.metadata != "lost" and outcome.announcement.paper.version
    ]
    taken_back, liked = store.summaries.taken_back(), frozenset(starred)
    kinds: tuple[tuple[str, Callable[[_Listed], bool]], ...] = (
        ("edited", _edited),
        ("owed", _owed),
        ("taken back", lambda one: _place(one) in taken_back),
        ("asked again", _asked_again),
        ("starred", lambda one: one.outcome.announcement.paper.arxiv_id in liked),
    )
    seen: set[str] = set()
    for kind, holds in kinds:
        for one in listed:
            arxiv_id = one.outcome.announcement.paper.arxiv_id
            if arxiv_id not in seen and holds(one):
                seen.add(arxiv_id)
                yield _case(one, kind)


def _edited(one: _Listed) -> bool:
    return isinstance(one.outcome, Done) and one.outcome.summary.provenance.by is not None


def _owed(one: _Listed) -> bool:
    return isinstance(one.outcome, Owed) and one.outcome.cause not in _NOTHING_TO_LEARN


def _asked_again(one: _Listed) -> bool:
    return isinstance(one.outcome, Done) and one.outcome.summary.provenance.tries > 1


def _place(one: _Listed) -> tuple[str, int]:
    paper = one.outcome.announcement.paper
    return paper.arxiv_id, paper.version


def _case(one: _Listed, kind: str) -> Case:
    announced: Announcement = one.outcome.announcement
    by_hand = one.outcome.summary if isinstance(one.outcome, Done) and _edited(one) else None
    return Case(
        paper=announced.paper,
        line=by_hand.line if by_hand else "",
        tags=by_hand.tags if by_hand else announced.paper.categories,
        date=one.date,
        field=one.name,
        section=announced.announce.section,
        file=f"{NAME}: {kind}",
    )
