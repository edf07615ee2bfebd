"""When arXiv announces: days and the clock of New York.

Announcements are made at 20:00 on Sunday to Thursday and dated with the next day, so listings are
dated Monday to Friday; what is submitted after 14:00 waits for the next one
(info.arxiv.org/help/availability.html).
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")
CATCH_UP_REACH = dt.timedelta(days=90)
"""arXiv's catch-up pages go back so far."""
_CUT_OFF = dt.time(14)
_FRIDAY = 4


def eastern_date(now: dt.datetime) -> dt.date:
    """The date in New York at `now`, an aware time."""
    return now.astimezone(EASTERN).date()


def can_have_listing(date: dt.date) -> bool:
    """Whether arXiv may announce on that date: no weekend. Holidays are arXiv's to tell."""
    return date.weekday() <= _FRIDAY


def listing_dates(start: dt.date, end: dt.date) -> list[dt.date]:
    """The dates from `start` up to, not with, `end` that can have a listing, oldest first."""
    days = (start + dt.timedelta(days=n) for n in range((end - start).days))
    return [day for day in days if can_have_listing(day)]


def first_listing(submitted: dt.datetime) -> dt.date:
    """The first date whose listing can have what was submitted then; a holiday makes it later."""
    date = eastern_date(submitted)
    while not can_have_listing(date) or cut_off(date) < submitted:
        date += dt.timedelta(days=1)
    return date


def cut_off(date: dt.date) -> dt.datetime:
    """Nothing submitted after this can be in the listing of `date`; a holiday makes it earlier."""
    before = date - dt.timedelta(days=1)
    while not can_have_listing(before):
        before -= dt.timedelta(days=1)
    return dt.datetime.combine(before, _CUT_OFF, EASTERN)
