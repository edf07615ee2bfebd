"""What a run came to: its exit status, a note for the list of runs, the lines that cron mails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from pipeline.errors import (
    EXIT_DONE,
    EXIT_OWED,
    BudgetReached,
    JianjieError,
    ModelError,
    worst,
)
from pipeline.listing.find import NothingAnnounced
from pipeline.night.result import Night, Trouble
from pipeline.records import Canary, CanaryScore, Cause, Day, Owed
from pipeline.store.runs import RunOutcome, counts_of
from pipeline.text.untrusted import as_data

_STATUS = {
    Cause.OUT_OF_REACH: ModelError.exit_status,
    Cause.FORBIDDEN: ModelError.exit_status,
    Cause.BUDGET: BudgetReached.exit_status,
}
"""What a run ends with whose papers are owed for this; for any other cause EXIT_OWED."""


def outcome(result: Night | Trouble, halted: JianjieError | None) -> RunOutcome:
    """What a field's part of a run came to; `halted` is what stopped the model."""
    days = result.days if isinstance(result, Night) else ()
    return RunOutcome(
        exit_status=exit_status(result, halted), note=note(result), counts=counts_of(days)
    )


def exit_status(result: Night | Trouble, halted: JianjieError | None) -> int:
    """0 all done or nothing announced, 1 something owed or not checked, else what kept it so.

    What most of the papers met that this run tried and could not do decides: where that was a
    model out of reach it is that, be they ever so few.
    """
    if isinstance(result, Trouble):
        return result.error.exit_status
    statuses = [EXIT_DONE if result.complete else EXIT_OWED]
    statuses += [halted.exit_status] if halted else []
    if failed := [owed for day in result.days for owed in result.failed(day)]:
        statuses.append(_STATUS.get(_commonest_cause(failed), EXIT_OWED))
    return worst(*statuses)


def note(result: Night | Trouble) -> str:
    """One line: the day's account, and what else was done."""
    if isinstance(result, Trouble):
        return told(result)
    parts = [sums(day) for day in result.days]
    if isinstance(result.day, NothingAnnounced):
        parts.insert(0, _named(result, _of_nothing(result.day)))
    return "; ".join((*parts, *(_named(result, problem) for problem in result.problems)))


def complaints(result: Night | Trouble, halted: JianjieError | None = None) -> Iterator[str]:
    """A line for everything that keeps the night from being complete.

    Where papers are owed it has the commonest reason, but for what is told of `halted` anyway.
    """
    if isinstance(result, Trouble):
        yield told(result)
        return
    if isinstance(result.day, NothingAnnounced) and not result.day.verified:
        yield _named(result, _of_nothing(result.day))
    for day in result.days:
        if day.owed:
            yield f"{sums(day)}{_because(result, day, halted)}; see: jianjie status"
        yield from (f"{day.date} {day.name}: {problem}" for problem in unchecked(day))
    yield from (_named(result, problem) for problem in result.problems)


def told(trouble: Trouble) -> str:
    """A field's trouble in one line."""
    return f"{trouble.name}: {trouble.error}"


def _because(night: Night, day: Day, halted: JianjieError | None) -> str:
    """The commonest reason of what this run could not do of a day, else of all that is owed."""
    owed = night.failed(day) or day.owed
    cause = _commonest_cause(owed)
    words = Counter(one.reason for one in owed if one.cause is cause)
    ((reason, papers),) = words.most_common(1)
    if halted is not None and reason == halted.public:
        return ""
    share = f" {papers} of them" if papers < len(day.owed) else ""
    return f",{share} because: {as_data(reason)}"


def _commonest_cause(owed: Sequence[Owed]) -> Cause:
    """Of equally common ones the one with the worst exit status."""
    causes = Counter(one.cause for one in owed)
    most = max(causes.values())
    statuses = {
        _STATUS.get(cause, EXIT_OWED): cause for cause, papers in causes.items() if papers == most
    }
    return statuses[worst(*statuses)]


def canary_note(watched: Canary | str | None) -> str:
    """How the model has changed, or why that is not known; empty where all is as usual."""
    if isinstance(watched, str):
        return f"canary skipped: {watched}"
    if watched is None or not watched.drift:
        return ""
    left = (
        f"{score.name} {score.value:.1f}, usual is {usual(score)}"
        for score in watched.scores
        if score.name in watched.drift
    )
    return f"canary: {watched.model} may have changed: {'; '.join(left)}; see: jianjie status"


def usual(score: CanaryScore) -> str:
    """The band in words."""
    if score.low is None:
        return "not known yet"
    if score.high is None:
        return f"at least {score.low:.1f}"
    return f"{score.low:.1f} to {score.high:.1f}"


def sums(day: Day) -> str:
    """announced = done + owed, in words."""
    return (
        f"{day.date} {day.name}: {len(day.outcomes)} announced = "
        f"{len(day.done)} done + {len(day.owed)} owed"
    )


def unchecked(day: Day) -> tuple[str, ...]:
    """Why the day may not have all that arXiv announced."""
    if day.reconstructed:
        return (f"reconstructed from {day.source}: there is no listing to hold it against",)
    return day.check.problems if day.check else ("not held against arXiv's list pages yet",)


def _of_nothing(nothing: NothingAnnounced) -> str:
    return f"{nothing.date}: nothing announced: {nothing.reason}"


def _named(night: Night, text: str) -> str:
    """With the field's name, where it has one: a run may have several."""
    return f"{night.name}: {text}" if night.name else text
