"""The votes in words: the verdict first, then how far it can be believed."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.errors import counted
from pipeline.evaluate.people.outcome import Alike, AspectOutcome, JudgeCheck, PeopleOutcome
from pipeline.evaluate.report.markdown import plain
from pipeline.evaluate.report.words import CALIBRATED, probability

_FEW = 5
"""Votes for a side below which a share of them says nothing."""
_SIDED = 0.75
"""Share of votes for one side from which on place plays a part."""


def in_words(outcome: PeopleOutcome) -> Iterator[str]:
    """A line for each thing to know."""
    for one in outcome.aspects:
        yield _aspect(outcome, one)
    if outcome.both_bad:
        yield f"both lines are bad: {outcome.both_bad} of {counted(outcome.votes, 'vote')}"
    yield from _agreement(outcome)
    for alike in outcome.alike:
        yield _alike(alike)
    for judge in outcome.judges:
        yield from _check(judge)
    if outcome.same:
        yield f"{counted(outcome.same, 'paper')} have the same line by both: nobody was asked"
    if outcome.without:
        yield f"{counted(outcome.without, 'paper')} have no valid line by one of them"


def as_markdown(outcome: PeopleOutcome) -> str:
    """The same as a list under a heading."""
    lines = [f"### Judged by people: {plain(outcome.system)} against {plain(outcome.baseline)}", ""]
    return "\n".join([*lines, *(f"- {plain(line)}" for line in in_words(outcome))]) + "\n"


def _aspect(outcome: PeopleOutcome, one: AspectOutcome) -> str:
    names = f"{outcome.system} against {outcome.baseline}"
    about = "" if one.aspect == "overall" else f"{one.aspect}: "
    head = {
        "better": f"{about}people prefer {outcome.system} to {outcome.baseline}",
        "worse": f"{about}people prefer {outcome.baseline} to {outcome.system}",
        "no winner": f"{about}no winner, {names}",
    }[one.verdict]
    adjusted = "" if one.aspect == "overall" else " (Holm)"
    return (
        f"{head}: {one.wins} won, {one.ties} tied, {one.losses} lost of"
        f" {counted(one.papers, 'paper')}; mean {one.preference:+.2f} of 1 (95% {one.low:+.2f} to"
        f" {one.high:+.2f}, {probability(one.p_holm)}{adjusted})"
    )


def _agreement(outcome: PeopleOutcome) -> Iterator[str]:
    told = outcome.reliability
    if len(outcome.judges) < 2:
        yield "one judge: how far two would agree is not known"
    elif not told.papers:
        yield "no paper was judged by more than one"
    elif told.alpha is None:
        yield f"the judges said the same of all {counted(told.papers, 'paper')}: alpha has no value"
    else:
        ends = "" if told.low is None else f" (95% {told.low:.2f} to {told.high:.2f})"
        yield (
            f"agreement of the {len(outcome.judges)} judges: alpha {told.alpha:.2f}{ends} on"
            f" {counted(told.papers, 'paper')}; 1 is all, 0 is chance"
        )


def _alike(one: Alike) -> str:
    if not one.papers:
        return f"{one.other}: on no paper both have a preference"
    return (
        f"{one.other} prefers what people prefer on {one.same} of {counted(one.papers, 'paper')}"
        f" ({one.same / one.papers:.0%}, 95% {one.low:.0%} to {one.high:.0%}; a coin has 50%)"
    )


def _check(one: JudgeCheck) -> Iterator[str]:
    told = [counted(one.judged, "pair")]
    if one.planted:
        told.append(f"{one.planted_caught} of {counted(one.planted, 'planted error')} seen")
    if one.identical:
        told.append(f"{one.identical_ties} of {counted(one.identical, 'identical pair')} a tie")
    if one.sided >= _FEW:
        told.append(f"{one.left / one.sided:.0%} of choices left")
    yield f"{one.judge}: {', '.join(told)}"
    missed = one.planted - one.planted_caught
    if missed > 1 and one.planted_caught < CALIBRATED["planted_caught"] * one.planted:
        yield f"WARNING: {one.judge} misses planted errors: believe their preferences less"
    if one.sided >= 2 * _FEW and max(one.left, one.sided - one.left) > _SIDED * one.sided:
        yield f"WARNING: {one.judge} mostly chooses one side, whatever stands there"
