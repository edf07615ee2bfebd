"""Putting a schedule in its place: other programs' commands, and files that are ours alone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.files import cannot_write, write_atomic
from pipeline.schedule.job import MADE_BY

_SECONDS = 60


def call(*command: str, given: bytes = b"", fix: str) -> subprocess.CompletedProcess[bytes]:
    """A command's result, whatever its status. Raises UsageError if it is not there or hangs."""
    plain = os.environ | {"LC_ALL": "C"}  # what it says is looked at
    try:
        return subprocess.run(  # noqa: S603 - the words are ours
            command, input=given, capture_output=True, check=False, timeout=_SECONDS, env=plain
        )
    except FileNotFoundError as error:
        raise UsageError("there is no such command here", where=command[0], fix=fix) from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"no answer in {_SECONDS} s", where=command[0], fix=fix) from error


def must_call(*command: str, given: bytes = b"", fix: str) -> bytes:
    """A command's output. Raises UsageError, with the command's own words, if it fails."""
    done = call(*command, given=given, fix=fix)
    if done.returncode:
        raise failed(" ".join(command), done, fix)
    return done.stdout


def failed(command: str, done: subprocess.CompletedProcess[bytes], fix: str) -> UsageError:
    """What the command said on standard error."""
    said = done.stderr.decode(errors="replace").strip().rstrip(".")
    return UsageError(said or f"exit status {done.returncode}", where=command, fix=fix)


def require_ours(path: Path) -> None:
    """Raises UsageError where a file stands that jianjie did not write."""
    try:
        if path.exists() and MADE_BY.encode() not in path.read_bytes().split(b"\n")[0]:
            raise UsageError(
                "is there, and jianjie did not write it",
                where=path,
                fix="Move it away, or print the new one and merge the two",
            )
    except OSError as error:
        raise cannot_write(path, error) from error


def put(path: Path, text: str) -> bool:
    """Write a file of ours; whether anything changed. Raises UsageError, OutputError."""
    require_ours(path)
    return write_atomic(path, text.encode())
