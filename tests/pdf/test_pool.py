"""Worker processes: limited, replaced, without secrets, and gone when the pool is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.errors import Interrupted, PdfUnreadable
from pipeline.pdf import pool
from pipeline.pdf.pool import Readers
from tests.conftest import ROOT
from tests.pdf import files

needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")


@pytest.fixture
def readers() -> Iterator[Readers]:
    with Readers(1) as readers:
        yield readers


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return files.save(tmp_path_factory.mktemp("pool"), "good.pdf", files.prose(2))


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One page that keeps pypdf busy for many seconds."""
    return files.save(tmp_path_factory.mktemp("pool"), "slow.pdf", files.text_bomb(40))


def workers() -> list[int]:
    """The process ids of this process's children that are workers, zombies included."""
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())],
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [row.split(maxsplit=1) for row in listed.stdout.splitlines()]
    return [int(pid) for pid, args in rows if "pipeline.pdf.worker" in args or "defunct" in args]


def wait_for_worker() -> int:
    for _ in range(500):
        if found := workers():
            return found[0]
        time.sleep(0.01)
    raise AssertionError("no worker came up")


def test_one_worker_for_many_files(readers: Readers, good: Path) -> None:
    assert workers() == []  # started when first needed
    readers.read(good, "pypdf", 9)
    first = workers()
    for engine in ("pypdfium2", "pypdf"):
        assert readers.read(good, engine, 1).total == 2
    assert workers() == first
    readers.close()
    assert workers() == []


def test_a_file_that_is_not_there(readers: Readers, good: Path, tmp_path: Path) -> None:
    with pytest.raises(PdfUnreadable, match=r"^gone.pdf: cannot be read \(FileNotFoundError\)$"):
        readers.read(tmp_path / "gone.pdf", "pypdf", 9)
    assert readers.read(good, "pypdf", 9).total == 2


def test_too_slow(good: Path, slow: Path) -> None:
    with Readers(1, timeout_s=1) as readers:
        readers.read(good, "pypdf", 9)
        before = workers()
        started = time.monotonic()
        with pytest.raises(PdfUnreadable, match=r"slow.pdf: took (longer than 1 s|too much CPU)"):
            readers.read(slow, "pypdf", 9)
        assert time.monotonic() - started < 3
        assert readers.read(good, "pypdf", 9).total == 2
        assert workers() != before


def test_a_worker_that_stands_still(readers: Readers, good: Path) -> None:
    """It uses no CPU time: only the clock on the wall can tell."""
    readers.read(good, "pypdf", 9)
    readers._timeout_s = 0.5
    stopped = workers()[0]
    os.kill(stopped, signal.SIGSTOP)
    with pytest.raises(PdfUnreadable, match=r"took longer than 0.5 s"):
        readers.read(good, "pypdf", 9)
    readers._timeout_s = 60
    assert readers.read(good, "pypdf", 9).total == 2
    assert stopped not in workers()


def test_killed_from_outside(readers: Readers, good: Path, slow: Path) -> None:
    readers.read(good, "pypdf", 9)
    threading.Timer(0.3, os.kill, (workers()[0], signal.SIGKILL)).start()
    with pytest.raises(PdfUnreadable, match=r"killed or crashed \(SIGKILL\)"):
        readers.read(slow, "pypdf", 9)
    assert readers.read(good, "pypdf", 9).total == 2


def test_killed_while_it_waits(readers: Readers, good: Path) -> None:
    """The next file pays for it: it is not known whose fault it was."""
    readers.read(good, "pypdf", 9)
    os.kill(workers()[0], signal.SIGKILL)
    with pytest.raises(PdfUnreadable, match="SIGKILL"):
        readers.read(good, "pypdf", 9)
    assert readers.read(good, "pypdf", 9).total == 2


def test_out_of_memory(good: Path, tmp_path: Path) -> None:
    big = files.save(tmp_path, "big.pdf", files.content_bomb(74))
    with Readers(1, memory_mb=250) as readers:
        with pytest.raises(PdfUnreadable, match="needs more than 250 MB of memory"):
            readers.read(big, "pypdf", 9)
        assert readers.read(good, "pypdf", 9).total == 2


def test_no_worker_can_start(good: Path) -> None:
    with (
        Readers(1, memory_mb=1) as readers,
        pytest.raises(
            PdfUnreadable, match=r"no reader process could be|killed or crashed|needs more"
        ),
    ):
        readers.read(good, "pypdfium2", 9)
    assert workers() == []


def test_retires(good: Path, monkeypatch: pytest.MonkeyPatch, readers: Readers) -> None:
    monkeypatch.setattr(pool, "JOBS_PER_WORKER", 2)
    readers.read(good, "pypdf", 9)
    first = workers()
    readers.read(good, "pypdf", 9)
    assert workers() == []
    readers.read(good, "pypdf", 9)
    assert workers() not in ([], first)


def test_many_threads(good: Path, tmp_path: Path) -> None:
    bad = files.save(tmp_path, "bad.pdf", b"not a PDF")
    most = 0
    with Readers(2) as readers, ThreadPoolExecutor(12) as threads:

        def job(number: int) -> str:
            nonlocal most
            try:
                text = readers.read(bad if number % 5 == 0 else good, "pypdf", 9)
            except PdfUnreadable:
                return "bad"
            most = max(most, len(workers())) if number % 20 == 1 else most
            return text.pages[1].text[:6]

        found = list(threads.map(job, range(100)))
    assert found == ["bad" if number % 5 == 0 else "Page 2" for number in range(100)]
    assert most == 2
    assert workers() == []


def test_closed_in_the_middle(good: Path, slow: Path) -> None:
    """Those that read and those that wait for a worker are told the same."""
    with Readers(1) as readers, ThreadPoolExecutor(3) as threads:
        readers.read(good, "pypdf", 9)
        jobs = [threads.submit(readers.read, slow, "pypdf", 9) for _ in range(3)]
        time.sleep(0.3)
        readers.close()
        for job in jobs:
            assert isinstance(job.exception(timeout=10), Interrupted)
    assert workers() == []


@needs_proc
def test_environment_and_session(
    readers: Readers, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "JIANJIE_MODEL", "HTTPS_PROXY", "MY_SECRET"):
        monkeypatch.setenv(name, "secret")
    readers.read(good, "pypdf", 9)
    worker = workers()[0]
    names = {
        pair.partition(b"=")[0].decode()
        for pair in Path(f"/proc/{worker}/environ").read_bytes().split(b"\0")
        if pair
    }
    assert names <= {"PYTHONPATH", "PYTHONUTF8", "OPENBLAS_NUM_THREADS", *pool._KEPT}
    assert os.getsid(worker) == worker  # Ctrl-C in our terminal does not reach it
    opened = {str(Path(f"/proc/{worker}/fd/{n}").readlink()).split(":")[0] for n in (0, 1, 2)}
    assert opened == {"socket", "/dev/null"}


def test_a_library_of_the_same_name_in_the_working_directory(
    readers: Readers, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.save(tmp_path, "pypdf.py", b"raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    assert readers.read(good, "pypdf", 9).total == 2


@needs_proc
def test_ends_with_its_parent(slow: Path, good: Path) -> None:
    """The parent is killed without a chance to close anything."""
    script = (
        "import sys, os, signal, subprocess; from pathlib import Path\n"
        "from pipeline.pdf.pool import Readers\n"
        f"readers = Readers(1); readers.read(Path({str(good)!r}), 'pypdf', 9)\n"
        "print(next(iter(readers._running))._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    parent = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT
    )
    worker = Path(f"/proc/{int(parent.stdout)}")
    for _ in range(300):
        if not worker.exists() or "State:\tZ" in (worker / "status").read_text():
            return
        time.sleep(0.01)
    raise AssertionError("the worker lives on")
