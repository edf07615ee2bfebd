"""What one person is shown: pairs of lines, blinded, in an order of their own.

Nothing on a sheet says which system wrote a line, which pairs have a planted error, or which are
the same line twice. The same evaluation, judge and systems give the same sheet, so no key has to be
kept: what was chosen is read against the sheet made again.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal

from pipeline.errors import UsageError
from pipeline.evaluate.finished import Kept
from pipeline.evaluate.pairs import IDENTICAL, PLANTED, LinePair, known, of_systems
from pipeline.evaluate.results import Case, System
from pipeline.records import Record

_ONE_IN = 5
"""Of so many pairs of systems one more has a planted error, and half as many are identical."""
_LEAST = 4
"""Planted errors on the smallest sheet: fewer say nothing of a judge."""


class Item(Record):
    """One pair as it is shown, and what it is."""

    id: str
    """Of evaluation, judge and both lines as they stand: another sheet has other ids."""
    kind: Literal["systems", "planted", "identical"]
    case: str
    title: str
    abstract: str
    left: str
    right: str
    turned: bool
    """The left line is the baseline's, or the wrong one."""


class Sheet(Record):
    """All that one judge is shown of two systems."""

    run: str
    judge: str
    baseline: str
    system: str
    items: tuple[Item, ...]
    same: int
    """Papers for which both wrote the same line: nobody is asked about them."""
    without: int
    """Papers for which one of the two has no valid line."""


def sheet(kept: Kept, judge: str, names: Sequence[str] = (), limit: int | None = None) -> Sheet:
    """The first of the two names is the baseline; without names an evaluation has to have two.

    `limit`: so many papers, the same ones for every judge. Raises UsageError.
    """
    baseline, system = _two(kept, names)
    cases = [kept.case(case) for case in kept.references]
    between = list(of_systems(cases, kept.samples, [baseline, system]))
    different = [pair for pair in between if pair.line != pair.other]
    asked = _drawn(kept, different, limit)
    pairs = [*asked, *_known(cases, len(asked))]
    if not asked:
        raise UsageError(
            "there is no paper for which both have a valid line, and not the same",
            where=f"{baseline.name} and {system.name}",
        )
    items = [_item(kept.evaluation.name, judge, pair) for pair in pairs]
    _random(kept, judge).shuffle(items)
    return Sheet(
        run=kept.evaluation.name,
        judge=judge,
        baseline=baseline.name,
        system=system.name,
        items=tuple(items),
        same=len(between) - len(different),
        without=len(cases) - len(between),
    )


def _two(kept: Kept, names: Sequence[str]) -> tuple[System, System]:
    systems = {system.name: system for system in kept.evaluation.systems}
    there = f"There are: {', '.join(systems)}"
    wanted = tuple(names or systems)
    if len(wanted) != 2 or wanted[0] == wanted[1]:
        what = "names no two systems" if names else f"has {len(systems)} systems, not two"
        raise UsageError(what, where=kept.evaluation.name, fix=f"Name two. {there}")
    for name in wanted:
        if name not in systems:
            raise UsageError("no such system", where=name, fix=there)
    return systems[wanted[0]], systems[wanted[1]]


def _drawn(kept: Kept, pairs: Sequence[LinePair], limit: int | None) -> Sequence[LinePair]:
    """As many papers as are wanted, whoever judges; fewer are the first of more."""
    drawn = list(pairs)
    _random(kept, "").shuffle(drawn)
    return drawn[:limit]


def _known(cases: Sequence[Case], asked: int) -> Iterator[LinePair]:
    """Pairs whose answer is known: not more of them than such a sheet bears."""
    planted = min(PLANTED, max(_LEAST, asked // _ONE_IN))
    identical = min(IDENTICAL, planted // 2)
    pairs = list(known(cases))
    for kind, most in (("planted", planted), ("identical", identical)):
        yield from islice((pair for pair in pairs if pair.kind == kind), most)


def _item(run: str, judge: str, pair: LinePair) -> Item:
    """Which line stands left is drawn from the two lines themselves.

    So a longer sheet has the same item, and so has one on which the baseline is the other system.
    """
    lines = sorted((pair.line, pair.other))
    about = "\n".join((run, judge, pair.case.id, *lines))
    digest = hashlib.sha256(about.encode()).hexdigest()
    at = int(digest[-1], 16) % 2
    left, right = lines[at], lines[1 - at]
    return Item(
        id=digest[:16],
        kind=pair.kind,
        case=pair.case.id,
        title=pair.case.paper.title,
        abstract=pair.case.paper.abstract,
        left=left,
        right=right,
        turned=left != pair.line,
    )


def _random(kept: Kept, judge: str) -> random.Random:
    return random.Random(f"{kept.evaluation.name}\n{judge}")  # noqa: S311 - no secret
