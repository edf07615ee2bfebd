import datetime as dt

import pytest

from pipeline.arxiv.calendar import (
    can_have_listing,
    cut_off,
    eastern_date,
    first_listing,
    listing_dates,
)

UTC = dt.UTC


@pytest.mark.parametrize(
    ("now", "date"),
    [
        (dt.datetime(2026, 1, 7, 4, 59, tzinfo=UTC), dt.date(2026, 1, 6)),  # winter: UTC - 5
        (dt.datetime(2026, 1, 7, 5, 0, tzinfo=UTC), dt.date(2026, 1, 7)),
        (dt.datetime(2026, 7, 7, 3, 59, tzinfo=UTC), dt.date(2026, 7, 6)),  # summer: UTC - 4
        (dt.datetime(2026, 7, 7, 4, 0, tzinfo=UTC), dt.date(2026, 7, 7)),
    ],
)
def test_the_date_is_the_one_in_new_york(now: dt.datetime, date: dt.date) -> None:
    assert eastern_date(now) == date


def test_listings_are_dated_monday_to_friday() -> None:
    monday = dt.date(2026, 1, 5)
    week = [monday + dt.timedelta(days=n) for n in range(7)]
    assert [can_have_listing(day) for day in week] == [True] * 5 + [False] * 2


def test_listing_dates_leave_weekends_and_the_end_out() -> None:
    dates = listing_dates(dt.date(2026, 1, 1), dt.date(2026, 1, 7))
    assert [date.day for date in dates] == [1, 2, 5, 6]
    assert listing_dates(dt.date(2026, 1, 7), dt.date(2026, 1, 7)) == []
    assert listing_dates(dt.date(2026, 1, 8), dt.date(2026, 1, 7)) == []


@pytest.mark.parametrize(
    ("date", "before"),
    [
        (dt.date(2026, 1, 7), dt.datetime(2026, 1, 6, 19, tzinfo=UTC)),
        (dt.date(2026, 1, 5), dt.datetime(2026, 1, 2, 19, tzinfo=UTC)),  # Monday: from Friday
        (dt.date(2026, 7, 7), dt.datetime(2026, 7, 6, 18, tzinfo=UTC)),  # summer time
    ],
)
def test_the_cut_off_is_two_in_the_afternoon_of_the_working_day_before(
    date: dt.date, before: dt.datetime
) -> None:
    assert cut_off(date) == before


@pytest.mark.parametrize(
    ("submitted", "date"),
    [
        (dt.datetime(2026, 1, 6, 19, tzinfo=UTC), dt.date(2026, 1, 7)),
        (dt.datetime(2026, 1, 6, 19, 1, tzinfo=UTC), dt.date(2026, 1, 8)),
        (dt.datetime(2026, 1, 7, 3, tzinfo=UTC), dt.date(2026, 1, 8)),  # still the 6th in New York
        (dt.datetime(2026, 1, 2, 19, 1, tzinfo=UTC), dt.date(2026, 1, 6)),  # Friday's evening
        (dt.datetime(2026, 1, 4, 12, tzinfo=UTC), dt.date(2026, 1, 6)),  # Sunday
    ],
)
def test_what_is_submitted_after_a_cut_off_waits_for_the_next_listing(
    submitted: dt.datetime, date: dt.date
) -> None:
    assert first_listing(submitted) == date
    assert cut_off(date) >= submitted
