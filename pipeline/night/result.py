"""What became of a field's night."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.errors import JianjieError
from pipeline.listing.find import NothingAnnounced
from pipeline.records import Day, Owed, Record
from pipeline.stages.publish import Published


class Night(Record):
    """A field's result: the day with its files, and other days that were done on the way."""

    name: str = ""
    """The field's Chinese name."""
    day: Day | NothingAnnounced
    published: Published | None = None
    """None where nothing was announced."""
    earlier: tuple[Day, ...] = ()
    """Missed nights that were caught up, and days that were owed something or not checked."""
    problems: tuple[str, ...] = ()
    """Nights that could not be caught up."""
    tried: frozenset[str] = frozenset()
    """The papers, by versioned id, that this run tried to do."""

    @property
    def days(self) -> tuple[Day, ...]:
        """Every day that this run worked on."""
        return (self.day, *self.earlier) if isinstance(self.day, Day) else self.earlier

    @property
    def complete(self) -> bool:
        """Whether all that arXiv announced is done: nothing owed, nothing left unchecked."""
        checked = isinstance(self.day, Day) or self.day.verified
        done = all(not day.owed and day.check and day.check.complete for day in self.days)
        return checked and done and not self.problems

    def failed(self, day: Day) -> tuple[Owed, ...]:
        """What this run tried of a day and could not do."""
        return tuple(o for o in day.owed if o.announcement.paper.versioned in self.tried)


class Trouble(NamedTuple):
    """Why a field has no night: its own error, and no other field's."""

    name: str
    """The field's Chinese name."""
    error: JianjieError
