"""One for a job, beside its driver: shards, pace, budget and lines are shared by asking it.

Its rules are one function from a message to an answer. Around it stands a server on a socket, for
workers in other processes, here or on other machines; whoever hangs up is gone, and gives back all
that it had.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hmac
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from pydantic import ValidationError

from pipeline import errors
from pipeline.backfill.ledger import Lease, Ledger
from pipeline.backfill.messages import (
    ENVELOPE,
    LONGEST_LINE,
    UNANSWERED,
    Answer,
    Beat,
    Claim,
    Enter,
    Finish,
    Hello,
    Leave,
    Message,
    Reserve,
    Settle,
    Stop,
    Take,
    Throttled,
)
from pipeline.clock import Clock
from pipeline.errors import (
    BudgetReached,
    JianjieError,
    ModelThrottled,
    OutputError,
    one_line,
)
from pipeline.files import cannot_write
from pipeline.llm.budget import Budget
from pipeline.llm.pace import LOOK_UP_S, Pace, Turn

_OTHERS = (errors.DigestFormatError,)
"""Errors that are made of more than words."""
_ASK_AGAIN_S = 0.5
"""A worker for which there is no shard now asks again after this."""


class Address(NamedTuple):
    """Where the coordinator listens, and the word that opens it."""

    host: str
    port: int
    token: str


class Finished(NamedTuple):
    """A shard that is over."""

    shard: str
    done: int
    owed: int


class LineBook(Protocol):
    """The lines of a job."""

    def claim(self, arxiv_id: str, line: str, day: dt.date) -> str | None:
        """Take a line; or the paper that has it."""


class Coordinator:
    """For one thread, that of its server. `place` puts a finished part where it belongs."""

    def __init__(
        self,
        ledger: Ledger,
        pace: Pace | None,
        budget: Budget,
        lines: LineBook,
        clock: Clock,
        place: Callable[[str, str], None],
    ) -> None:
        self.ledger = ledger
        self._pace = pace
        self._budget = budget
        self._lines = lines
        self._clock = clock
        self._place = place
        self._numbers = 0
        self._turns: dict[int, tuple[str, Turn]] = {}
        self._reserved: dict[str, list[tuple[int, int]]] = {}
        self.finished: list[Finished] = []
        self.calls = 0
        self.throttlings = 0
        self.trouble: JianjieError | None = None
        """Why no worker can go on."""

    def answer(self, worker: str, message: Message) -> Answer:
        """What to say to it; its number is the server's."""
        answer = Answer(number=0)
        match message:
            case Take():
                answer = self._take(worker)
            case Beat():
                self.ledger.beat(worker, self._clock.monotonic())
            case Finish():
                answer = self._finish(worker, message)
            case Enter():
                answer = self._enter(worker, message)
            case Leave():
                self._leave(message)
            case Throttled():
                answer = self._throttled(message)
            case Reserve():
                answer = self._reserve(worker, message)
            case Settle():
                self._settle(worker, message)
            case Claim():
                answer = self._claim(message)
            case Stop():
                self.stop(_error(message))
        return answer

    def stop(self, error: JianjieError) -> None:
        """No worker can go on: the first reason is told."""
        self.trouble = self.trouble or error

    def gone(self, worker: str) -> None:
        """It hung up: its shards are free, its calls over, and what it had set aside is used."""
        self.ledger.gone(worker)
        for number in [n for n, (whose, _) in self._turns.items() if whose == worker]:
            del self._turns[number]
            if self._pace is not None:
                self._pace.leave()
        for most in self._reserved.pop(worker, ()):
            self._budget.settle_as_used(most)

    def _take(self, worker: str) -> Answer:
        if self.trouble is not None or self.ledger.over:
            return Answer(number=0, yes=False, over=True)
        lease = self.ledger.take(worker, self._clock.monotonic())
        if lease is None:
            return Answer(number=0, yes=False, wait=_ASK_AGAIN_S)
        return Answer(number=0, shard=lease.shard, fence=lease.fence)

    def _finish(self, worker: str, message: Finish) -> Answer:
        lease = Lease(message.shard, message.fence)
        if not self.ledger.holds(worker, lease):
            return Answer(number=0, yes=False)
        try:
            self._place(message.file, message.shard)
        except OutputError as error:
            self.stop(error)
            return Answer(number=0, yes=False)
        self.ledger.finish(worker, lease)
        self.finished.append(Finished(message.shard, message.done, message.owed))
        return Answer(number=0)

    def _enter(self, worker: str, message: Enter) -> Answer:
        if self._pace is None:
            return Answer(number=0)
        try:
            turn = self._pace.try_enter(message.tokens)
        except ModelThrottled as error:
            return Answer(number=0, yes=False, throttled=(error.what, error.retry_after or 0.0))
        if not isinstance(turn, Turn):
            return Answer(number=0, yes=False, wait=turn)
        self._numbers += 1
        self.calls += 1
        self._turns[self._numbers] = worker, turn
        return Answer(number=0, turn=self._numbers, began=turn.began)

    def _leave(self, message: Leave) -> None:
        if self._turns.pop(message.turn, None) is not None and self._pace is not None:
            self._pace.leave()
            if message.answered:
                self._pace.regained(message.wait)

    def _throttled(self, message: Throttled) -> Answer:
        self.throttlings += 1
        mine = self._turns.get(message.turn)
        if mine is None or self._pace is None:
            return Answer(number=0, wait=message.wait or 0.0)
        return Answer(number=0, wait=self._pace.throttled(mine[1], message.wait))

    def _reserve(self, worker: str, message: Reserve) -> Answer:
        most = message.tokens_in, message.tokens_out
        try:
            if not self._budget.try_reserve(*most):
                return Answer(number=0, yes=False, wait=LOOK_UP_S)
        except BudgetReached as error:
            self.stop(error)
            return Answer(number=0, yes=False, budget=(error.what, error.fix))
        self._reserved.setdefault(worker, []).append(most)
        return Answer(number=0)

    def _claim(self, message: Claim) -> Answer:
        day = dt.date.fromisoformat(message.date)
        other = self._lines.claim(message.arxiv_id, message.line, day)
        return Answer(number=0, yes=other is None, other=other or "")

    def _settle(self, worker: str, message: Settle) -> None:
        most = message.tokens_in, message.tokens_out
        with suppress(ValueError):  # it is settled already where the worker was taken for gone
            self._reserved.get(worker, []).remove(most)
            self._budget.settle(most, message.tokens, message.price)


def _error(message: Stop) -> JianjieError:
    """The worker's error as it was; of our own tree alone."""
    kind: object = getattr(errors, message.kind, None)
    if not isinstance(kind, type) or not issubclass(kind, JianjieError) or kind in _OTHERS:
        kind = errors.Mistake
    return kind(message.what, fix=message.fix, said=message.said)


def placed_in(parts: Path) -> Callable[[str, str], None]:
    """What puts a part in its place: `file` of the folder becomes that of the shard."""

    def place(file: str, shard: str) -> None:
        target = parts / f"part-{shard}.parquet"
        try:
            (parts / Path(file).name).replace(target)
        except OSError as error:
            raise cannot_write(target, error) from error

    return place


@contextmanager
def serving(coordinator: Coordinator, host: str = "127.0.0.1") -> Iterator[Address]:
    """The coordinator on a free port of `host`, in a thread of its own."""
    token = secrets.token_hex(16)
    server = _Server(coordinator, token)
    ready = threading.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(host, ready)), name="coordinator", daemon=True
    )
    thread.start()
    ready.wait()
    if server.failure is not None:
        raise OutputError(
            f"the coordinator cannot listen: {server.failure}", where=host, fix="Look at the host"
        )
    try:
        yield Address(host, server.port, token)
    finally:
        server.stop()
        thread.join(5.0)


class _Server:
    def __init__(self, coordinator: Coordinator, token: str) -> None:
        self._coordinator = coordinator
        self._token = token
        self._over: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._names: set[str] = set()
        self.port = 0
        self.failure: OSError | None = None

    async def serve(self, host: str, ready: threading.Event) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        try:
            server = await asyncio.start_server(self._connection, host, 0, limit=LONGEST_LINE)
        except OSError as error:
            self.failure = error
            ready.set()
            return
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await self._over.wait()

    def stop(self) -> None:
        if self._loop is not None and self._over is not None:
            with suppress(RuntimeError):  # it is over already
                self._loop.call_soon_threadsafe(self._over.set)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One worker, from its first line to its end."""
        worker = None
        try:
            worker = self._known(await reader.readline())
            while worker is not None and (line := await reader.readline()):
                envelope = ENVELOPE.validate_json(line)
                answer = self._coordinator.answer(worker, envelope.message)
                if not isinstance(envelope.message, UNANSWERED):
                    told = answer.model_copy(update={"number": envelope.number})
                    writer.write(told.model_dump_json(exclude_defaults=True).encode() + b"\n")
        except (ValidationError, ValueError, ConnectionError):
            pass  # no worker of ours, or one that was killed in the middle of a line
        except JianjieError as error:
            self._coordinator.stop(error)
        except Exception as error:
            what = f"the coordinator failed: {type(error).__name__}: {one_line(error)[:200]}"
            self._coordinator.stop(errors.Mistake(what, fix="See docs/limits.md"))
        finally:
            if worker is not None:
                self._names.discard(worker)
                self._coordinator.gone(worker)
            writer.close()

    def _known(self, line: bytes) -> str | None:
        """The worker's name, where it says the word and nobody has its name."""
        hello = Hello.model_validate_json(line)
        same = hmac.compare_digest(hello.token.encode(), self._token.encode())
        if not same or hello.worker in self._names:
            return None
        self._names.add(hello.worker)
        return hello.worker
