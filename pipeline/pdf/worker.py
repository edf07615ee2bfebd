"""The worker process: a job and its open file on the socket stdin, a line of answer on stdout.

Started by `pool`; it ends when stdin does. Everything a hostile file can do, it does here: memory,
CPU and wall-clock time are limited by the kernel, no core is dumped, and what else is out of its
reach says `confine`.
"""

from __future__ import annotations

import contextlib
import gc
import math
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from pipeline.errors import PdfUnreadable
from pipeline.pdf import engines
from pipeline.pdf.confine import confine
from pipeline.pdf.pages import Engine, Figure, Front, RawText
from pipeline.records import Record

MOST_CHARACTERS = 2_000_000
"""A paper has some 10^5; more than this would hold up the cleaning, which is not limited."""
READY = b"ready\n"
MOST_JOB_BYTES = 4096


class ReadJob(Record):
    """How the file that comes with it is to be read, and how long that may take."""

    engine: Engine
    what: Literal["text", "front", "figure"] = "text"
    """The pages' text; only what the first one says of the paper; the first figure."""
    max_pages: int
    pages_s: float
    """No further page is begun after this many seconds."""
    cpu_s: int
    """The process is killed after this much CPU time."""
    wall_s: int
    """It is killed after this much time even if nobody is there any more to do it."""


class ReadAnswer(Record):
    """One of them; of a job for a figure none of them where there is no figure."""

    text: RawText | None = None
    front: Front | None = None
    figure: Figure | None = None
    unreadable: str | None = None
    out_of_memory: bool = False


def main(memory_mb: int) -> None:
    """Answer jobs until stdin ends."""
    answers = _own_stdout()
    engines.warm_up()
    for record in (ReadJob, ReadAnswer):
        record.model_rebuild()  # pydantic loads what it builds with, which later it could not
    _look_for_cycles_seldom()
    _limit(memory_mb)
    confine([Path(__file__).parent.parent])
    answers.write(READY)
    for job, file in _jobs():
        with file:
            answer = _answer(job, file)
        answers.write(answer.model_dump_json().encode() + b"\n")
        signal.alarm(0)


def _look_for_cycles_seldom() -> None:
    """pypdf makes objects by the million; the search for cycles took a twentieth of its time."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def _jobs() -> Iterator[tuple[ReadJob, BinaryIO]]:
    """Until the pool hangs up. A file is given open: this process could not open it."""
    with socket.socket(fileno=os.dup(0)) as pool:
        while True:
            line, files, _, _ = socket.recv_fds(pool, MOST_JOB_BYTES, 1)
            if not line:
                return
            yield ReadJob.model_validate_json(line), os.fdopen(files[0], "rb")


def _own_stdout() -> BinaryIO:
    """The pipe to the pool, out of the reach of libraries that print: theirs goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return answers


def _limit(memory_mb: int) -> None:
    """For the whole life of the process, wherever it runs."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    memory = memory_mb * 1_000_000
    with contextlib.suppress(ValueError, OSError):  # macOS does not take it
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _renew_time(job: ReadJob) -> None:
    """CPU time counts from the start of the process, so the limit moves with every job."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime) + job.cpu_s
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
    signal.alarm(job.wall_s)


def _answer(job: ReadJob, file: BinaryIO) -> ReadAnswer:
    _renew_time(job)
    deadline = time.monotonic() + job.pages_s
    try:
        if job.what == "front":
            return ReadAnswer(front=engines.front(file.read()))
        if job.what == "figure":
            return ReadAnswer(figure=engines.figure(file.read()))
        text = engines.read(file.read(), job.engine, job.max_pages, deadline)
    except PdfUnreadable as error:
        return ReadAnswer(unreadable=error.what)
    except MemoryError:
        return ReadAnswer(out_of_memory=True)
    if sum(len(page.text) for page in text.pages) > MOST_CHARACTERS:
        return ReadAnswer(unreadable=f"gives more than {MOST_CHARACTERS:,} characters of text")
    return ReadAnswer(text=text)


if __name__ == "__main__":
    main(int(sys.argv[1]))
