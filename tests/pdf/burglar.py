"""A worker whose engine has been taken over by the file: what the file says is tried, and told.

    python -m tests.pdf.burglar MEMORY_MB    in the worker's place
    python -m tests.pdf.burglar FOLDER WORKER WORDS...    the house: each of the words is a file

The house prints a JSON object: each attempt, and what came of it.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from pipeline.pdf import engines, pool, worker
from pipeline.pdf.pages import Engine, PageText, RawText

SECRET = "sk-burglars-want-this"
_libc = ctypes.CDLL(None, use_errno=True)


def read(path: str) -> str:
    return Path(path.replace("PARENT", str(os.getppid()))).read_bytes()[:100_000].hex()


def listing(path: str) -> str:
    return " ".join(os.listdir(path))  # noqa: PTH208 - the system call itself


def write(path: str) -> str:
    Path(path).touch()
    return "written"


def folder(path: str) -> str:
    Path(path).mkdir()
    return "made"


def mode(path: str) -> str:
    Path(path).chmod(0o777)
    return "opened to all"


def memory(call: str) -> str:
    """The parent's, by the two system calls for it."""
    parent = os.getppid()
    if call == "ptrace":
        done = _libc.ptrace(0x4206, parent, 0, 0)  # seize: the parent does not stop
    else:
        place = (ctypes.c_uint64 * 2)(0x1000, 8)  # where nothing is: EFAULT for who may look
        done = _libc.process_vm_readv(parent, place, 1, place, 1, 0)
    if done < 0 and ctypes.get_errno() != errno.EFAULT:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return "reached"


def connect(address: str) -> str:
    if address.startswith("/"):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(address)
        return "connected"
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port)), timeout=5):
        return "connected"


def send(address: str) -> str:
    host, _, port = address.partition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.sendto(b"secret", (host, int(port)))
    return "sent"


def start(program: str) -> str:
    return str(subprocess.run([program], check=False).returncode)


def become(program: str) -> str:
    os.execv(program, [program])


def alarm(_: str) -> str:
    os.kill(os.getppid(), signal.SIGURG)  # which would be ignored
    return "sent"


def status(name: str) -> str:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(line for line in lines if line.startswith(name))


def who(_: str) -> str:
    return f"{os.getuid()} {os.geteuid()} {os.getgid()} {os.getgroups()}"


def late(module: str) -> str:
    """A module of the standard library that is loaded only now, as codecs are."""
    __import__(module)
    return "loaded"


ATTEMPTS: dict[str, Callable[[str], str]] = {
    "read": read,
    "list": listing,
    "write": write,
    "folder": folder,
    "mode": mode,
    "memory": memory,
    "connect": connect,
    "send": send,
    "start": start,
    "become": become,
    "signal": alarm,
    "status": status,
    "who": who,
    "late": late,
}


def taken_over(pdf: bytes, engine: Engine, max_pages: int, deadline: float) -> RawText:
    """In the place of `engines.read`."""
    name, _, about = pdf.decode().partition(" ")
    try:
        said = ATTEMPTS[name](about)
    except OSError as error:
        said = f"refused: {error.strerror}"
    except ImportError:
        said = "refused: import"
    return RawText(engine=engine, total=1, pages=(PageText(text=said),), problems=())


def break_in(memory_mb: int) -> None:
    """A worker's `main`."""
    engines.read = taken_over
    worker.main(memory_mb)


def house(path: Path, worker_module: str, attempts: list[str]) -> dict[str, str]:
    """What came of each attempt of a worker that this process has started."""
    pool.WORKER = worker_module
    came: dict[str, str] = {}
    with pool.Readers(1) as readers:
        for attempt in attempts:
            pdf = path / "attempt.pdf"
            pdf.write_text(attempt)
            came[attempt] = readers.read(pdf, "pypdf", 9).pages[0].text
    return came


if __name__ == "__main__":
    if len(sys.argv) == 2:
        break_in(int(sys.argv[1]))
    else:
        print(json.dumps(house(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])))
