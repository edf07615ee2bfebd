"""The pairs that a judge sees: the systems' lines, and pairs whose answer is known.

The references never stand beside a system's line. In planted pairs a reference stands against
itself with an error in it, or against another paper's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal, NamedTuple

from pipeline.evaluate.planted import Source, plant
from pipeline.evaluate.results import Case, Sample, System, referenced

PLANTED = 20
"""Planted errors at the most."""
IDENTICAL = 10
"""Identical pairs at the most."""

_KINDS = ("another paper's line", "altered number", "altered name")
"""Of planted errors: a judge that cannot see these sees nothing."""


class LinePair(NamedTuple):
    """Two lines for one paper."""

    kind: Literal["systems", "planted", "identical"]
    about: str
    """The system that is held against the baseline; the error that was planted."""
    case: Case
    line: str
    """The system's; the true one."""
    other: str
    """The baseline's; the wrong one."""


def of_systems(
    cases: Sequence[Case], samples: Sequence[Sample], systems: Sequence[System]
) -> Iterator[LinePair]:
    """Every system's first sample against the baseline's, where both have a valid line."""
    by_name = {
        (sample.system, sample.case): sample.final.line
        for sample in samples
        if sample.number == 0 and sample.final is not None
    }
    for case in cases:
        base = by_name.get((systems[0].name, case.id))
        for system in systems[1:]:
            line = by_name.get((system.name, case.id))
            if base and line:
                yield LinePair("systems", system.name, case, line, base)


def known(cases: Sequence[Case]) -> Iterator[LinePair]:
    """The pairs that calibrate: planted errors of three kinds in turn, and identical pairs."""
    cases = referenced(cases)
    yield from islice(_planted(cases), PLANTED)
    for case in cases[:IDENTICAL]:
        yield LinePair("identical", "the same line twice", case, case.line, case.line)


def _planted(cases: Sequence[Case]) -> Iterator[LinePair]:
    """A number or a name where the line has one, for every third case another paper's line."""
    sources = [_source(case) for case in cases]
    for at, case in enumerate(cases):
        other = sources[(at + 1) % len(cases)]
        turn = at % len(_KINDS)
        for kind in (_KINDS[turn], *(reversed(_KINDS) if turn else ())):
            wrong = plant(kind, sources[at], other)
            if wrong is not None:
                yield LinePair("planted", kind, case, case.line, wrong)
                break


def _source(case: Case) -> Source:
    return Source(case.id, f"{case.paper.title}\n{case.paper.abstract}", case.line)
