"""What a run came to: its exit status, a note for the list of runs, the lines that cron mails."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.errors import JianjieError
from pipeline.flow import Night
from pipeline.nights import NothingAnnounced
from pipeline.records import Canary, CanaryScore, Day

EXIT_DONE, EXIT_OWED = 0, 1


def exit_status(night: Night, halted: JianjieError | None) -> int:
    """0 all done or nothing announced, 1 something owed or not checked; what stopped the model."""
    if halted is not None:
        return halted.exit_status
    return EXIT_DONE if night.complete else EXIT_OWED


def note(night: Night) -> str:
    """One line: the day's account, and what else was done."""
    parts = [_of_nothing(night.day) if isinstance(night.day, NothingAnnounced) else sums(night.day)]
    parts += [sums(day) for day in night.earlier]
    return "; ".join((*parts, *night.problems))


def complaints(night: Night) -> Iterator[str]:
    """A line for everything that keeps the night from being complete."""
    if isinstance(night.day, NothingAnnounced) and not night.day.verified:
        yield _of_nothing(night.day)
    for day in night.days:
        if day.owed:
            yield f"{sums(day)}; see: jianjie status"
        yield from (f"{day.date} {day.name}: {problem}" for problem in unchecked(day))
    yield from night.problems


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
    return day.check.problems if day.check else ("not held against arXiv's list pages yet",)


def _of_nothing(nothing: NothingAnnounced) -> str:
    return f"{nothing.date}: nothing announced: {nothing.reason}"
