"""Reads PDFs in processes of their own, so that no file can take the run down with it."""

from __future__ import annotations

import math
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, BinaryIO, Literal, Self

from pydantic import ValidationError

import pipeline
from pipeline.errors import Interrupted, PdfUnreadable
from pipeline.pdf.confine import hide
from pipeline.pdf.pages import Engine, Figure, Front, RawText
from pipeline.pdf.worker import READY, ReadAnswer, ReadJob

JOBS_PER_WORKER = 200
"""Then a new one takes over, so that what an engine leaks stays small."""
_START_S = 60.0
_LAST_MOMENTS_S = 5.0
_MOST_BYTES = 200_000_000
WORKER = "pipeline.pdf.worker"
_KEPT = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class _Lost(Exception):
    """The worker gave no answer, and why."""


class Readers:
    """At most `size` worker processes at once, started when first needed and kept.

    A file gets `timeout_s` seconds of wall-clock time and two thirds of it of CPU time; after half
    of it no further page is begun, so that a long paper gives its first pages. `memory_mb` (10^6
    bytes of address space) holds for each worker. Safe to call from many threads.
    """

    def __init__(self, size: int, timeout_s: float = 90, memory_mb: int = 1000) -> None:
        self._timeout_s = timeout_s
        self._memory_mb = memory_mb
        self._lock = threading.Lock()
        self._closed = False
        self._running: set[_Worker] = set()
        self._slots: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        """A worker that waits for a job, or leave to start one; last in, first out: a pool that
        is bigger than the work never starts them all."""
        for _ in range(size):
            self._slots.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def read(self, path: Path, engine: Engine, max_pages: int) -> RawText:
        """The first `max_pages` pages as `engine` reads them.

        Raises PdfUnreadable if the file is damaged, takes too long or too much memory, or crashes
        the engine, and Interrupted if the pool is closed.
        """
        answer = self._answer(path, self._job(engine, max_pages))
        if answer.text is None:
            raise PdfUnreadable(answer.unreadable or "gave nothing", where=path.name)
        return answer.text

    def front(self, path: Path) -> Front:
        """What the first page says of the paper. Raises as `read` does."""
        answer = self._answer(path, self._job("pypdfium2", 1, "front"))
        if answer.front is None:
            raise PdfUnreadable(answer.unreadable or "gave nothing", where=path.name)
        return answer.front

    def figure(self, path: Path) -> Figure | None:
        """The first figure, small; None where none can be told. Raises as `read` does."""
        answer = self._answer(path, self._job("pypdfium2", 1, "figure"))
        if answer.unreadable is not None:
            raise PdfUnreadable(answer.unreadable, where=path.name)
        return answer.figure

    def _answer(self, path: Path, job: bytes) -> ReadAnswer:
        worker = self._slots.get()
        fit = False
        try:
            worker = worker or self._start()
            with path.open("rb") as file:
                answer = worker.ask(job, file, self._timeout_s)
            fit = not answer.out_of_memory and worker.jobs < JOBS_PER_WORKER
        except _Lost as lost:
            if self._closed:
                raise Interrupted("the PDF readers were closed", where=path.name) from lost
            raise PdfUnreadable(str(lost), where=path.name) from lost
        except OSError as error:
            kind = type(error).__name__
            raise PdfUnreadable(f"cannot be read ({kind})", where=path.name) from error
        finally:
            self._give_back(worker, fit)
        if answer.out_of_memory:
            raise PdfUnreadable(f"needs more than {self._memory_mb} MB of memory", where=path.name)
        return answer

    def close(self) -> None:
        """End every worker, in the middle of a job too; `read` then raises Interrupted."""
        with self._lock:
            self._closed = True
            for worker in self._running:
                worker.kill()
            for idle in [self._slots.get() for _ in range(self._slots.qsize())]:
                if idle:
                    self._retire(idle)
                self._slots.put(None)  # for threads that still wait: they learn that it is over

    def _start(self) -> _Worker:
        with self._lock:  # close() must see it, or it would outlive the pool
            if self._closed:
                raise _Lost("closed")
            worker = _Worker(self._memory_mb)
            self._running.add(worker)
        try:
            worker.wait_until_ready()
        except BaseException:
            self._give_up(worker)
            raise
        return worker

    def _give_back(self, worker: _Worker | None, fit: bool) -> None:
        with self._lock:
            if worker and (self._closed or not fit):
                self._retire(worker)
                worker = None
            self._slots.put(worker)

    def _give_up(self, worker: _Worker) -> None:
        with self._lock:
            self._retire(worker)

    def _retire(self, worker: _Worker) -> None:
        """Hold the lock."""
        worker.kill()
        worker.release()
        self._running.discard(worker)

    def _job(
        self, engine: Engine, max_pages: int, what: Literal["text", "front", "figure"] = "text"
    ) -> bytes:
        job = ReadJob(
            engine=engine,
            what=what,
            max_pages=max_pages,
            pages_s=self._timeout_s / 2,
            cpu_s=math.ceil(self._timeout_s * 2 / 3),
            wall_s=math.ceil(self._timeout_s) + 5,
        )
        return job.model_dump_json().encode()


class _Worker:
    """One worker process, the socket that jobs go to it by, and the pipe of its answers."""

    def __init__(self, memory_mb: int) -> None:
        hide()  # before there is anybody to hide from
        self.jobs = 0
        self._kill = threading.Lock()
        self._jobs, theirs = socket.socketpair()
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            # -P: a module that lies in the working directory is not taken for a library
            [sys.executable, "-P", "-m", WORKER, str(memory_mb)],
            bufsize=0,
            stdin=theirs.fileno(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            start_new_session=True,  # Ctrl-C in the terminal is for the run, which ends us
        )
        theirs.close()

    def wait_until_ready(self) -> None:
        """Raises _Lost if the process does not come up."""
        try:
            line = self._line(_START_S)
        except _Lost as lost:
            raise _Lost(f"no reader process could be started: {lost}") from lost
        if line != READY:
            raise _Lost("no reader process could be started: it said something else")

    def ask(self, job: bytes, file: BinaryIO, timeout_s: float) -> ReadAnswer:
        """Raises _Lost if there is no answer in time, or none that can be understood."""
        self.jobs += 1
        try:
            socket.send_fds(self._jobs, [job], [file.fileno()])
        except OSError as error:
            raise _Lost(self._how_it_ended()) from error
        line = self._line(timeout_s)
        try:
            return ReadAnswer.model_validate_json(line)
        except ValidationError as error:
            raise _Lost("the reader process gave an answer that is none") from error

    def kill(self) -> None:
        """The process and whatever it started; no zombie is left. Any thread may, and twice."""
        with self._kill:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()

    def release(self) -> None:
        """Close both ways; only for who holds the worker, so that nobody reads them meanwhile."""
        self._jobs.close()
        _pipe(self._process.stdout).close()

    def _line(self, timeout_s: float) -> bytes:
        """What the process says up to the end of a line. Raises _Lost."""
        deadline = time.monotonic() + timeout_s
        source = _pipe(self._process.stdout)
        said = bytearray()
        poll = select.poll()  # select() stops at file number 1023
        poll.register(source, select.POLLIN)
        while not said.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                raise _Lost(f"took longer than {timeout_s:g} s")
            part = os.read(source.fileno(), 1 << 20)
            said += part
            if not part:
                raise _Lost(self._how_it_ended())
            if len(said) > _MOST_BYTES:
                raise _Lost("the reader process answered without end")
        return bytes(said)

    def _how_it_ended(self) -> str:
        try:
            status = self._process.wait(_LAST_MOMENTS_S)
        except subprocess.TimeoutExpired:
            return "the reader process stopped to answer"
        if status >= 0:
            return f"the reader process ended with status {status}"
        if -status in (signal.SIGXCPU, signal.SIGALRM):
            return "took too much CPU time"
        return f"the reader process was killed or crashed ({signal.Signals(-status).name})"


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    """Popen gives a pipe where one was asked for."""
    assert pipe is not None  # noqa: S101 - for the type checker
    return pipe


def _environment() -> dict[str, str]:
    """What Python needs to find the same modules, and no more: no key, no proxy, no PATH."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    own = {"PYTHONPATH": str(Path(pipeline.__file__).parent.parent), "PYTHONUTF8": "1"}
    return kept | own | {"OPENBLAS_NUM_THREADS": "1"}  # each thread takes of the address space
