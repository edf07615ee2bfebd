"""How fast one endpoint is called: so many at once, so much a minute, slower after a 429.

A 429 halves the calls at once and stops everybody for as long as the endpoint asks, or, where it
does not say, twice as long each time. Answers bring both back step by step.
"""

from __future__ import annotations

import math
import re
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple, Protocol

from pipeline.clock import Clock
from pipeline.errors import ModelThrottled
from pipeline.pacing import LONGEST_WAIT_S

_MINUTE = 60.0
LOOK_UP_S = 0.2
"""Whoever waits for a free place looks up so often whether the run was stopped."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_REGAINED = 0.5
"""Places at once that one answer brings back after a 429."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


class Turn(NamedTuple):
    """A call that may go: when it began, and the tokens that it may use."""

    began: float
    tokens: int


class Turns(Protocol):
    """What an endpoint needs of its pace; in a process of its own or shared by many."""

    def turn(self, tokens: int) -> AbstractContextManager[Turn]:
        """Wait for a place; inside the block the call counts."""

    def throttled(self, turn: Turn, seconds: float | None) -> float:
        """The endpoint said 429: the seconds until the next call."""

    def answered(self, headers: Mapping[str, str]) -> None:
        """An answer came."""


class Pace:
    """One for an endpoint; safe for many threads."""

    def __init__(
        self,
        most: int,
        clock: Clock,
        *,
        patience_s: float,
        where: str,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
    ) -> None:
        self._most = most
        self._clock = clock
        self._patience = patience_s
        self._where = where
        self._requests = requests_per_minute or math.inf
        self._tokens = tokens_per_minute or math.inf
        self._changed = threading.Condition()
        self._allowed = float(most)
        self._calls = 0
        self._last_minute: deque[Turn] = deque()
        self._resume = self._slowed = -math.inf
        self._pause = 0.0

    @property
    def at_once(self) -> int:
        """The calls that may be out at the same time now."""
        return max(1, int(self._allowed))

    @contextmanager
    def turn(self, tokens: int) -> Iterator[Turn]:
        """Wait for a place; inside the block the call counts.

        Raises ModelThrottled where the endpoint wants more than `patience_s`, Interrupted.
        """
        turn = self._enter(tokens)
        try:
            yield turn
        finally:
            self.leave()

    def throttled(self, turn: Turn, seconds: float | None) -> float:
        """The endpoint said 429 and asked for a wait, or did not say: the seconds until the next.

        Calls that were out together are slowed down for once.
        """
        with self._changed:
            now = self._clock.monotonic()
            if turn.began >= self._slowed:
                self._slowed = now
                self._allowed = max(1.0, self._allowed / 2)
                self._pause = min(max(_FIRST_PAUSE_S, 2 * self._pause), _LONGEST_PAUSE_S)
                wait = self._pause if seconds is None else seconds
                self._resume = max(self._resume, now + wait)
            elif seconds is not None:
                self._resume = max(self._resume, now + seconds)
            return self._resume - now

    def answered(self, headers: Mapping[str, str]) -> None:
        """An answer came: a little faster again, but for what its rate-limit headers say."""
        self.regained(exhausted_for(headers))

    def regained(self, wait: float | None) -> None:
        """The same where it is known already what they say: seconds, or nothing."""
        with self._changed:
            self._allowed = min(float(self._most), self._allowed + _REGAINED)
            self._pause /= 2
            if wait is not None:
                self._resume = max(self._resume, self._clock.monotonic() + wait)
            self._changed.notify_all()

    def _enter(self, tokens: int) -> Turn:
        while True:
            with self._changed:
                self._clock.sleep(0)  # a stopped run sends nothing more
                if self._calls >= self.at_once:
                    self._changed.wait(LOOK_UP_S)
                    continue
                turn = self._turn(tokens)
            if isinstance(turn, Turn):
                return turn
            self._clock.sleep(turn)

    def try_enter(self, tokens: int) -> Turn | float:
        """A place without waiting for one: whoever has it says `leave`. Else seconds to wait.

        Raises ModelThrottled as `turn` does.
        """
        with self._changed:
            return LOOK_UP_S if self._calls >= self.at_once else self._turn(tokens)

    def leave(self) -> None:
        """The call of a turn is over."""
        with self._changed:
            self._calls -= 1
            self._changed.notify_all()

    def _turn(self, tokens: int) -> Turn | float:
        """A turn for one more call, or the seconds until there can be one."""
        now = self._clock.monotonic()
        if (pause := self._resume - now) > self._patience:
            raise ModelThrottled(
                f"wants a pause of {pause:,.0f} s", where=self._where, retry_after=pause
            )
        left = max(pause, self._minute_full_for(tokens, now))
        if left > 0:
            return left
        turn = Turn(now, tokens)
        self._calls += 1
        self._last_minute.append(turn)
        return turn

    def _minute_full_for(self, tokens: int, now: float) -> float:
        """Seconds until one more call of this size fits into the last minute."""
        if self._requests == self._tokens == math.inf:
            self._last_minute.clear()
            return 0.0
        while self._last_minute and self._last_minute[0].began <= now - _MINUTE:
            self._last_minute.popleft()
        used = sum(turn.tokens for turn in self._last_minute)
        number = len(self._last_minute)
        for turn in self._last_minute:
            if number < self._requests and used + tokens <= self._tokens:
                return max(0.0, self._free_at(number) - now)
            number, used = number - 1, used - turn.tokens
        # An empty minute takes any call: one that is larger than the limit would wait for ever.
        return max(0.0, self._free_at(number) - now)

    def _free_at(self, left: int) -> float:
        """When only the last `left` calls of the minute still count."""
        gone = len(self._last_minute) - left
        return self._last_minute[gone - 1].began + _MINUTE if gone else -math.inf


def exhausted_for(headers: Mapping[str, str]) -> float | None:
    """Seconds that the rate-limit headers of an answer ask for, where nothing is left; else None.

    x-ratelimit-remaining-* and x-ratelimit-reset-* ("6m0s", "20ms") as OpenAI documents them under
    rate limits; others that are compatible send the same.
    """
    waits = [
        wait
        for what in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{what}", "").strip() == "0"
        and (wait := duration(headers.get(f"x-ratelimit-reset-{what}", ""))) is not None
    ]
    return max(waits, default=None)


def duration(text: str) -> float | None:
    """The seconds of "1h2m3.5s", "20ms" or "7", at most LONGEST_WAIT_S; None for anything else."""
    text = text.strip()
    try:
        seconds = float(text)
    except ValueError:
        parts = _DURATION.findall(text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            return None
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    return min(max(0.0, seconds), LONGEST_WAIT_S) if math.isfinite(seconds) else None
