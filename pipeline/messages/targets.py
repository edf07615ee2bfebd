"""The targets: environment variables with addresses, and the processes that deliver to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from pydantic import ValidationError

import pipeline
from pipeline.errors import ConfigError
from pipeline.messages.deliver import Letter, Parcel, Receipt
from pipeline.messages.services import service
from pipeline.settings import MessageSettings

_LOOPBACK = "127.0.0.1,localhost,::1"


def addresses(settings: MessageSettings) -> dict[str, str]:
    """Each variable's address. Raises ConfigError for what cannot work; asks nobody."""
    return {name: address(name) for name in dict.fromkeys(settings.to_env)}


def address(name: str) -> str:
    """What the variable holds. Raises ConfigError, which never shows it."""
    if find_spec("apprise") is None:
        raise ConfigError(
            "messages need the package apprise",
            where="messages.to_env",
            fix="pip install 'jianjie[messages]', or empty messages.to_env",
        )
    url = os.environ.get(name, "").strip()
    if not url:
        raise ConfigError(
            f"the environment variable {name} is not set",
            where="messages.to_env",
            fix=f"export {name}=… or take it out of messages.to_env",
        )
    if service(url) is None:
        raise ConfigError(
            f"{name} holds no address that apprise knows",
            where="messages.to_env",
            fix="See https://github.com/caronc/apprise for the form of addresses",
        )
    return url


def described(name: str) -> str:
    """What service the variable's address is of. Raises ConfigError."""
    made = service(address(name))
    return f"{made.service_name}" if made else ""


def deliver(parcels: Mapping[str, Parcel], timeout_s: float) -> dict[str, Sequence[Receipt]]:
    """Send every target its parcel, all at once; what each said within the time.

    A letter without a receipt was not tried. One that was being sent when the time ran out may
    have arrived: its receipt says that no answer came.
    """
    deadline = time.monotonic() + timeout_s
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for target, parcel in parcels.items():
            with suppress(OSError):  # no process can be had: there will be no receipt
                running[target] = _started()
                _hand_over(running[target], parcel)
        return {
            target: _receipts(process, parcels[target].letters, deadline, timeout_s)
            for target, process in running.items()
        }
    finally:
        for process in running.values():
            _end(process)


def _started() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        # -P: a module that lies in the working directory is not taken for a library
        [sys.executable, "-P", "-m", "pipeline.messages.deliver"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        start_new_session=True,  # Ctrl-C in the terminal is for the run, which ends us
    )


def _hand_over(process: subprocess.Popen[bytes], parcel: Parcel) -> None:
    with suppress(OSError):  # it ended already: there will be no receipt
        assert process.stdin is not None  # noqa: S101 - for the type checker
        process.stdin.write(parcel.model_dump_json().encode())
        process.stdin.close()
    process.stdin = None  # communicate() would write to it


def _receipts(
    process: subprocess.Popen[bytes],
    letters: Sequence[Letter],
    deadline: float,
    timeout_s: float,
) -> list[Receipt]:
    problem = "the process that sends ended early"
    try:
        said, _ = process.communicate(timeout=max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        problem = f"no answer within {timeout_s:g} s"
        _end(process)
        said, _ = process.communicate()
    receipts: list[Receipt] = []
    with suppress(ValidationError):  # something else wrote there: the rest is not known
        for line in said.rpartition(b"\n")[0].splitlines():
            receipts.append(Receipt.model_validate_json(line))
    if len(receipts) < len(letters):
        receipts.append(Receipt(message=letters[len(receipts)].message, error=problem))
    return receipts


def _end(process: subprocess.Popen[bytes]) -> None:
    """With whatever it started; no zombie is left."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _environment() -> dict[str, str]:
    """The run's own, proxies included, which stay out of the way on this machine."""
    bypassed = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    no_proxy = ",".join(filter(None, (bypassed, _LOOPBACK)))
    return os.environ | {
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        "PYTHONPATH": str(Path(pipeline.__file__).parent.parent),
        "PYTHONUTF8": "1",
    }
