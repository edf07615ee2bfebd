from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import (
    ArxivRefused,
    ArxivThrottled,
    ArxivUnreachable,
    Interrupted,
    JianjieError,
    ModelForbidden,
    ModelThrottled,
    ModelUnreachable,
    PdfChallenged,
    PdfIncomplete,
    PdfNotReady,
    PdfUnavailable,
    PdfWithdrawn,
)
from pipeline.pacing import Retry, retry_after
from pipeline.settings import RetrySettings
from tests.conftest import FastClock

START = 1000.0


class Script:
    """A function that raises the given errors in turn, then returns; each call takes `seconds`."""

    def __init__(self, clock: FastClock, *errors: BaseException, seconds: float = 0.0) -> None:
        self.starts: list[float] = []
        self._clock = clock
        self._errors = list(errors)
        self._seconds = seconds

    def __call__(self) -> str:
        self.starts.append(self._clock.monotonic())
        self._clock._time[0] += self._seconds
        if self._errors:
            raise self._errors.pop(0)
        return "done"


# Retry


@pytest.mark.parametrize(
    "error",
    [
        ArxivUnreachable("down"),
        ArxivThrottled("slow"),
        PdfIncomplete("cut off"),
        ModelUnreachable("down"),
        ModelThrottled("slow"),
    ],
)
def test_what_can_pass_is_tried_again(clock: FastClock, error: JianjieError) -> None:
    script = Script(clock, error, error)

    assert Retry(RetrySettings(attempts=3), clock).call(script) == "done"
    assert len(script.starts) == 3


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_no_more_attempts_than_set_and_the_last_error_is_raised(
    clock: FastClock, attempts: int
) -> None:
    errors = [ArxivUnreachable(f"failure {number}") for number in range(1, 9)]
    script = Script(clock, *errors)

    with pytest.raises(ArxivUnreachable) as caught:
        Retry(RetrySettings(attempts=attempts), clock).call(script)

    assert caught.value is errors[attempts - 1]
    assert len(script.starts) == attempts
    assert len(clock.waits) == attempts - 1


@pytest.mark.parametrize(
    "error",
    [
        ArxivRefused("no"),
        PdfUnavailable("no"),
        PdfWithdrawn("no"),
        PdfNotReady("not yet"),
        PdfChallenged("no"),
        ModelForbidden("no"),
        Interrupted("stopped"),
        ValueError("a bug"),
        KeyboardInterrupt(),
    ],
)
def test_what_is_final_is_not_tried_again(clock: FastClock, error: BaseException) -> None:
    script = Script(clock, error)

    with pytest.raises(type(error)) as caught:
        Retry(RetrySettings(), clock).call(script)

    assert caught.value is error
    assert len(script.starts) == 1
    assert clock.waits == []


def test_a_wait_that_is_interrupted_ends_the_call(clock: FastClock) -> None:
    clock.stop()
    script = Script(clock, ArxivUnreachable("down"))

    with pytest.raises(Interrupted):
        Retry(RetrySettings(), clock).call(script)

    assert len(script.starts) == 1


@pytest.mark.parametrize("error", [ArxivThrottled, ModelThrottled])
@pytest.mark.parametrize("asked", [0.0, 1.0, 37.0, 300.0])
def test_the_wait_is_the_one_the_server_asked_for(
    clock: FastClock, error: type[ArxivThrottled | ModelThrottled], asked: float
) -> None:
    script = Script(clock, error("slow", retry_after=asked))

    assert Retry(RetrySettings(), clock).call(script) == "done"
    assert script.starts == [START, START + asked]


@pytest.mark.parametrize(("asked", "tries"), [(600.0, 2), (600.5, 1), (86_400.0, 1)])
def test_a_wait_beyond_the_total_is_not_begun(clock: FastClock, asked: float, tries: int) -> None:
    script = Script(clock, *[ArxivThrottled("slow", retry_after=asked)] * 9)

    with pytest.raises(ArxivThrottled):
        Retry(RetrySettings(total_s=600.0), clock).call(script)

    assert len(script.starts) == tries


def test_no_try_starts_after_the_total(clock: FastClock) -> None:
    script = Script(clock, *[ArxivUnreachable("down")] * 50, seconds=59.0)
    bounds = RetrySettings(attempts=50, first_wait_s=0.0, total_s=100.0)

    with pytest.raises(ArxivUnreachable):
        Retry(bounds, clock).call(script)

    assert script.starts == [START, START + 59.0]


@settings(deadline=None)
@given(
    attempts=st.integers(1, 8),
    first=st.floats(0, 500),
    longest=st.floats(0, 500),
    total=st.floats(0, 700),
    seconds=st.floats(0, 300),
)
def test_the_bounds_hold_whatever_is_set(
    attempts: int, first: float, longest: float, total: float, seconds: float
) -> None:
    clock = FastClock()
    script = Script(clock, *[ModelUnreachable("down")] * 9, seconds=seconds)
    bounds = RetrySettings(
        attempts=attempts, first_wait_s=first, longest_wait_s=longest, total_s=total
    )

    with pytest.raises(ModelUnreachable):
        Retry(bounds, clock).call(script)

    assert 1 <= len(script.starts) <= attempts
    assert max(script.starts) <= START + total + 1e-6
    assert all(wait <= longest for wait in clock.waits)


def test_waits_grow_and_differ_between_callers() -> None:
    def waits(_: int) -> tuple[float, ...]:
        clock = FastClock()
        script = Script(clock, *[ArxivUnreachable("down")] * 5)
        Retry(RetrySettings(attempts=6, first_wait_s=2.0), clock).call(script)
        return tuple(clock.waits)

    drawn = [waits(number) for number in range(50)]

    assert len(set(drawn)) == 50
    # Within 50 draws of a uniform wait up to 32 s, one above 8 s is certain enough (1 - 4⁻⁵⁰).
    assert max(each[0] for each in drawn) <= 2.0
    assert max(each[4] for each in drawn) > 8.0


# Retry-After

DATE = "Thu, 30 Apr 2026 04:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": "Thu, 30 Apr 2026 04:05:00 GMT", "Date": DATE}, 300.0),
        ({"Retry-After": "Thu, 30 Apr 2026 04:05:00 -0000", "Date": DATE}, None),
        ({"Retry-After": "Thu, 30 Apr 2026 03:00:00 GMT", "Date": DATE}, 0.0),
        ({"Retry-After": "Thu, 30 Apr 2026 04:05:00 GMT"}, None),
        ({"Retry-After": "Thu, 30 Apr 2026 04:05:00 GMT", "Date": "now"}, None),
        ({"Retry-After": "soon", "Date": DATE}, None),
        ({"Retry-After": "-5", "Date": DATE}, None),
        ({"Retry-After": "1.5"}, None),
        ({"Retry-After": "²"}, None),
        ({"Retry-After": ""}, None),
        ({}, None),
    ],
)
def test_both_forms_of_retry_after_are_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


_VALUES = st.text(max_size=30) | st.sampled_from([DATE, "Fri, 01 May 2026 00:00:00 -0000", "7"])


@settings(deadline=None)
@given(_VALUES, _VALUES)
def test_no_header_is_too_strange(value: str, date: str) -> None:
    seconds = retry_after({"Retry-After": value, "Date": date})

    assert seconds is None or seconds >= 0
