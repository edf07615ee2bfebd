"""Runs the command line again and again without loading it again: each run is a fork of its own.

    zygote = Zygote()
    zygote.run(["status"], cwd, environment)   # None where it cannot: start a process then

What a night loads takes a second of processor time, which is most of what a test's run takes. The
process here has loaded it and done nothing else; a run is a copy of it, with the arguments, the
folder, the environment and the streams of one that was started anew.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
import types
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

from tests.conftest import ROOT

_LOADED = (
    "pipeline.app",
    "pipeline.cli.main",
    "pipeline.cli.run",
    "pipeline.listing.find",
    "pipeline.llm.endpoint",
    "pipeline.llm.lean",
    "pipeline.llm.wire",
    "pipeline.messages.outbox",
    "pipeline.night.account",
    "pipeline.night.reprocess",
    "pipeline.night.run",
    "pipeline.site.update",
    "pipeline.stages.validate",
    "pipeline.text.diction.lexicon",
    "pipeline.text.grounding",
)
"""Not cli/terminal: how wide a terminal is, it finds out when it is loaded."""
_LONGEST = 1 << 20
_TIMEOUT_S = 300.0


class _Told(TypedDict):
    arguments: list[str]
    folder: str
    env: dict[str, str]


class Zygote:
    """One for a process of tests, started when it is first needed; it ends with that process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ours: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str] | None:
        """`jianjie ARGUMENTS`; None while another run is under way, or where one cannot be forked.

        What tells Python itself how to start needs a start.
        """
        told = {name for name, value in environment.items() if os.environ.get(name) != value}
        own = {name for name in told if name.startswith("PYTHON")} - {"PYTHONPATH"}
        if own or environment.get("PYTHONPATH") != str(ROOT) or sys.platform != "linux":
            return None
        if not self._lock.acquire(blocking=False):
            return None
        try:
            return self._run(arguments, folder, environment)
        finally:
            self._lock.release()

    def _run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        ours = self._started()
        told = _Told(arguments=list(arguments), folder=str(folder), env=dict(environment))
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            socket.send_fds(ours, [json.dumps(told).encode()], [out.fileno(), err.fileno()])
            pid = int(ours.recv(100))
            try:
                status = int(ours.recv(100))
            except TimeoutError as error:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                ours.recv(100)
                raise subprocess.TimeoutExpired(list(arguments), _TIMEOUT_S) from error
            streams = []
            for stream in (out, err):
                stream.seek(0)
                streams.append(stream.read().decode())
        return subprocess.CompletedProcess(list(arguments), status, *streams)

    def _started(self) -> socket.socket:
        if self._ours is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LONGEST)
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.standins.zygote", str(theirs.fileno())],
                    cwd=ROOT,
                    env={**os.environ, "PYTHONPATH": str(ROOT)},
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                )
            ours.settimeout(_TIMEOUT_S)
            self._ours = ours
            atexit.register(self._end)
        return self._ours

    def _end(self) -> None:
        if self._ours is not None and self._process is not None:
            self._ours.close()
            self._process.wait(10)


def serve(theirs: socket.socket) -> None:
    """Fork for each request, and tell how it ended, until nobody asks any more."""
    for name in _LOADED:
        importlib.import_module(name)
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads != 1:
        raise AssertionError(f"{threads} threads: a fork would have one of them")
    while True:
        request, streams, _, _ = socket.recv_fds(theirs, _LONGEST, 2)
        if not request:
            return
        told: _Told = json.loads(request)
        pid = os.fork()
        if not pid:
            theirs.close()
            _become(told, streams)
        for stream in streams:
            os.close(stream)
        theirs.send(str(pid).encode())
        _, status = os.waitpid(pid, 0)
        theirs.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(told: _Told, streams: Sequence[int]) -> None:
    """The run, in a process of its own. It does not come back."""
    status = 1
    try:
        for stream, place in zip(streams, (1, 2), strict=True):
            os.dup2(stream, place)
            os.close(stream)
        os.chdir(told["folder"])
        os.environ.clear()
        os.environ.update(told["env"])
        sys.argv = ["-c", *told["arguments"]]
        sys.modules["__main__"] = types.ModuleType("__main__")
        random.seed()
        sys.path[0] = ""
        from pipeline.cli.main import main

        main()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
