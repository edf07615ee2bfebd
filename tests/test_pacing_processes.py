"""One pace for many processes on one machine, in real time."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from itertools import pairwise
from pathlib import Path

from tests.conftest import ROOT

INTERVAL = 0.1
PROCESSES, REQUESTS = 4, 5
_PROGRAM = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from pipeline.clock import Clock
    from pipeline.pacing import Pacer

    pacer = Pacer(Clock(), Path(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(int(sys.argv[3])):
        pacer.wait(float(sys.argv[2]))
        print(time.monotonic(), flush=True)
""")


def start(shared: Path, interval: float, requests: int) -> subprocess.Popen[str]:
    """A process that waits for a line before its first request."""
    process = subprocess.Popen(
        [sys.executable, "-B", "-c", _PROGRAM, str(shared), str(interval), str(requests)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_processes_together_never_go_faster_than_one_alone(tmp_path: Path) -> None:
    processes = [start(tmp_path / "pace" / "site", INTERVAL, REQUESTS) for _ in range(PROCESSES)]
    begin = time.monotonic()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    times = sorted(float(line) for p in processes for line in p.communicate(timeout=60)[0].split())

    assert len(times) == PROCESSES * REQUESTS
    gaps = [b - a for a, b in pairwise(times)]
    # The start is put down exactly; the look at the clock after it may come late on a busy machine.
    assert min(gaps) > INTERVAL - 0.05
    assert times[-1] - times[0] > (len(times) - 1) * INTERVAL - 0.05
    assert times[0] - begin < 5  # nobody waits for a first turn


def test_who_is_killed_in_its_wait_holds_up_nobody(tmp_path: Path) -> None:
    shared = tmp_path / "site"
    first = start(shared, 300.0, 2)
    assert first.stdin is not None
    assert first.stdout is not None
    first.stdin.write("go\n")
    first.stdin.flush()
    first.stdout.readline()  # its first request; it waits for its second now
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=10)

    second = start(shared, INTERVAL, 2)
    times = [float(line) for line in second.communicate("go\n", timeout=30)[0].split()]

    assert len(times) == 2
    assert times[1] - times[0] >= INTERVAL - 0.05
