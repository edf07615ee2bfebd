"""A worker's line to the coordinator: pace, budget and lines of the whole job, asked for there.

One connection for all threads of a worker. When it breaks the job is over for this worker: its
clock stops, and with it everything that waits.
"""

from __future__ import annotations

import datetime as dt
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from pydantic import ValidationError

from pipeline.backfill.coordinator import Address
from pipeline.backfill.messages import (
    ANSWER,
    LONGEST_LINE,
    Answer,
    Claim,
    Enter,
    Envelope,
    Hello,
    Leave,
    Message,
    Reserve,
    Settle,
    Throttled,
)
from pipeline.clock import Clock
from pipeline.errors import BudgetReached, Interrupted, ModelThrottled
from pipeline.llm.budget import Budget
from pipeline.llm.pace import Turn, exhausted_for
from pipeline.settings import BudgetSettings, Profile

_CONNECT_S = 30.0


class Link:
    """Safe for many threads. Raises Interrupted when the coordinator is gone."""

    def __init__(self, address: Address, worker: str, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[int, _Waiting] = {}
        self._changing = threading.Lock()
        self._numbers = 0
        self._lost = False
        try:
            self._socket = socket.create_connection((address.host, address.port), _CONNECT_S)
        except OSError as error:
            raise _gone() from error
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        hello = Hello(token=address.token, worker=worker)
        self._send(hello.model_dump_json().encode() + b"\n")
        threading.Thread(target=self._read, name="link", daemon=True).start()

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def ask(self, message: Message) -> Answer:
        """The coordinator's answer."""
        waiting = _Waiting()
        with self._changing:
            self._numbers += 1
            number = self._numbers
            self._waiting[number] = waiting
        self._send(_line(number, message))
        waiting.came.wait()
        if waiting.answer is None:
            raise _gone()
        return waiting.answer

    def tell(self, message: Message) -> None:
        """Without an answer."""
        self._send(_line(0, message))

    def _send(self, line: bytes) -> None:
        try:
            with self._changing:
                if self._lost:
                    raise _gone()
                self._socket.sendall(line)
        except OSError as error:
            self._over()
            raise _gone() from error

    def _read(self) -> None:
        """Hand each answer to who waits for it, until there are no more."""
        with suppress(OSError, ValueError, ValidationError), self._socket.makefile("rb") as file:
            while line := file.readline(LONGEST_LINE):
                answer = ANSWER.validate_json(line)
                waiting = self._waiting.pop(answer.number, None)
                if waiting is not None:
                    waiting.answer = answer
                    waiting.came.set()
        self._over()

    def _over(self) -> None:
        self._lost = True
        self._clock.stop()
        while self._waiting:
            with suppress(KeyError):
                self._waiting.popitem()[1].came.set()


class _Waiting:
    def __init__(self) -> None:
        self.came = threading.Event()
        self.answer: Answer | None = None


def _line(number: int, message: Message) -> bytes:
    return Envelope(number=number, message=message).model_dump_json().encode() + b"\n"


def _gone() -> Interrupted:
    return Interrupted("the job's driver is gone", fix="Run it again: nothing stored is lost")


class SharedPace:
    """The job's pace, as an endpoint wants one."""

    def __init__(self, link: Link, clock: Clock) -> None:
        self._link = link
        self._clock = clock
        self._mine = threading.local()

    @contextmanager
    def turn(self, tokens: int) -> Iterator[Turn]:
        """Wait for a place among all workers. Raises ModelThrottled, Interrupted."""
        number, turn = self._enter(tokens)
        self._mine.turn, self._mine.answered, self._mine.wait = number, False, None
        try:
            yield turn
        finally:
            answered, wait = self._mine.answered, self._mine.wait
            self._link.tell(Leave(turn=number, answered=answered, wait=wait))

    def throttled(self, turn: Turn, seconds: float | None) -> float:  # noqa: ARG002 - by its number
        """Everybody waits: the seconds until the next call."""
        return self._link.ask(Throttled(turn=self._mine.turn, wait=seconds)).wait

    def answered(self, headers: Mapping[str, str]) -> None:
        """Told when the call is over."""
        self._mine.answered, self._mine.wait = True, exhausted_for(headers)

    def _enter(self, tokens: int) -> tuple[int, Turn]:
        while True:
            answer = self._link.ask(Enter(tokens=tokens))
            if answer.throttled is not None:
                what, wait = answer.throttled
                raise ModelThrottled(what, retry_after=wait)
            if answer.yes:
                return answer.turn, Turn(answer.began, tokens)
            self._clock.sleep(answer.wait)


class SharedBudget(Budget):
    """The job's budget, as a guard wants one."""

    def __init__(self, profile: Profile, caps: BudgetSettings, link: Link, clock: Clock) -> None:
        super().__init__(profile, caps)
        self._link = link
        self._clock = clock

    def reserve(self, tokens_in: int, tokens_out: int, *, share: float = 1.0) -> None:  # noqa: ARG002 - of a batch
        """Set aside the most that a call can use, of what all have. Raises BudgetReached."""
        if not self.capped:
            return
        while not (
            answer := self._link.ask(Reserve(tokens_in=tokens_in, tokens_out=tokens_out))
        ).yes:
            if answer.budget is not None:
                self._reached = BudgetReached(answer.budget[0], fix=answer.budget[1])
                raise self._reached
            self._clock.sleep(answer.wait)

    def settle(self, most: tuple[int, int], tokens: int, price: float, share: float = 1.0) -> None:  # noqa: ARG002 - of a batch
        """Tell what it used."""
        if self.capped:
            told = Settle(tokens_in=most[0], tokens_out=most[1], tokens=tokens, price=price)
            self._link.tell(told)


class SharedLines:
    """The job's lines, as they are for one paper of one day."""

    def __init__(self, link: Link, arxiv_id: str, day: dt.date) -> None:
        self._link = link
        self._arxiv_id = arxiv_id
        self._day = day.isoformat()

    def claim(self, line: str) -> str | None:
        """Take the line; or the id of the paper that has it, or one that is all but the same."""
        asked = Claim(arxiv_id=self._arxiv_id, date=self._day, line=line)
        return self._link.ask(asked).other or None
