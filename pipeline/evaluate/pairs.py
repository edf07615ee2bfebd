"""The pairs that a judge sees: the systems' lines, and pairs whose answer is known.

The references never stand beside a system's line. In planted pairs a reference stands against
itself with an error in it, or against another paper's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Literal, NamedTuple

from pipeline.evaluate.results import Case, Sample, System

PLANTED = 20
"""Planted errors at the most."""
IDENTICAL = 10
"""Identical pairs at the most."""

_NUMBER = re.compile(r"(?<![A-Za-z0-9.-])[1-9][0-9]*(?:\.[0-9]+)?(?![A-Za-z0-9-])")
_NAME = re.compile(r"(?<![A-Za-z0-9-])[A-Za-z][A-Za-z0-9-]{3,}(?![A-Za-z0-9-])")


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
    yield from islice(_planted(cases), PLANTED)
    for case in cases[:IDENTICAL]:
        yield LinePair("identical", "the same line twice", case, case.line, case.line)


def _planted(cases: Sequence[Case]) -> Iterator[LinePair]:
    """A number or a name where the line has one, for every third case another paper's line."""
    kinds: tuple[tuple[str, Callable[[Case, Case], str | None]], ...] = (
        ("another paper's line", _swapped),
        ("an altered number", _other_number),
        ("an altered name", _other_name),
    )
    for at, case in enumerate(cases):
        next_case = cases[(at + 1) % len(cases)]
        turn = at % len(kinds)
        for about, altered in (kinds[turn], *(reversed(kinds) if turn else ())):
            wrong = altered(case, next_case)
            if wrong is not None:
                yield LinePair("planted", about, case, case.line, wrong)
                break


def _swapped(case: Case, other: Case) -> str | None:
    return None if other.line == case.line else other.line


def _other_number(case: Case, _: Case) -> str | None:
    """The first digit is another; the new number is not in the paper."""
    for match in _NUMBER.finditer(case.line):
        for step in range(3, 9):
            digit = (int(match[0][0]) + step - 1) % 9 + 1
            new = f"{digit}{match[0][1:]}"
            if new not in _read(case):
                return case.line[: match.start()] + new + case.line[match.end() :]
    return None


def _other_name(case: Case, other: Case) -> str | None:
    """A name is one of another paper's line that is not in this paper."""
    names: list[str] = _NAME.findall(other.line)
    foreign = [name for name in names if name.lower() not in _read(case)]
    match = _NAME.search(case.line)
    if not (match and foreign):
        return None
    return case.line[: match.start()] + foreign[0] + case.line[match.end() :]


def _read(case: Case) -> str:
    return f"{case.paper.title}\n{case.paper.abstract}\n{case.line}".lower()
