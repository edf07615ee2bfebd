"""Weeks and months, and the files that are theirs."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple


class Week(NamedTuple):
    """Of the ISO calendar, from Monday on."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year}-W{self.number:02}"

    def file(self, field: str) -> str:
        """week/2026-W02-audio.html."""
        return f"week/{self}-{field}.html"


def week_of(date: dt.date) -> Week:
    """The week that a day is in."""
    return Week(*date.isocalendar()[:2])


def month_of(date: dt.date) -> str:
    """2026-01."""
    return f"{date:%Y-%m}"
