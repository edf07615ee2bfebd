"""A mistake of jianjie's own: what is no error of our tree becomes one, its traceback in a log.

The log is the run's where one is open, else a file of its own beside the others, else one in the
system's folder for temporary files. No value of a variable gets into it, and no secret that is
known by the settings, by its variable's name or by its shape.
"""

from __future__ import annotations

import errno
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import JianjieError, Mistake, OutputError

if TYPE_CHECKING:
    from pipeline.config import Config

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_LEAST_SECRET = 6
"""Characters: what is shorter stands in any text."""
_SECRETS_NAME = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL", re.IGNORECASE)
_ADDRESS_PARTS = re.compile(r"[/:@?&=,;]+")
_PASSWORD = re.compile(r"(?<=://)[^\s/@]+@")
_PACKAGE = Path(__file__).parents[1]


class _Scene:
    """What is known where a mistake comes to light, which may be anywhere."""

    config: Config | None = None
    log: Path | None = None
    elsewhere: Mistake | None = None
    """In a thread that nobody waits for."""


_SCENE = _Scene()


def settings_in_use(config: Config) -> None:
    """These settings say where logs are and which variables hold secrets."""
    _SCENE.config = config


def log_in_use(log: Path) -> None:
    """A run writes its events there."""
    _SCENE.log = log


@contextmanager
def told() -> Iterator[None]:
    """Raises Mistake for an exception that is not of our tree, also one of a thread meanwhile."""
    try:
        yield
    except (JianjieError, BrokenPipeError):  # the latter is whoever reads no further
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            where = error.filename or "standard output"
            raise OutputError("no room is left", where=where, fix="Make room") from error
        raise _mistake(error) from error
    if (elsewhere := _SCENE.elsewhere) is not None:
        _SCENE.elsewhere = None
        raise elsewhere


def heed_threads() -> None:
    """Of threads too that load ahead of time what will be needed.

    An error of our tree says nothing there: it comes again where the thing is needed.
    """
    threading.excepthook = _heed


def _heed(failed: threading.ExceptHookArgs) -> None:
    error = failed.exc_value
    if isinstance(error, Exception) and not isinstance(error, JianjieError):
        _SCENE.elsewhere = _mistake(error)


def _mistake(error: Exception) -> Mistake:
    text = _traceback(error)
    log = _written(text)
    what = f"a mistake of jianjie's own ({type(error).__name__})"
    fix = f"Please report it with its traceback, in {log}" if log else f"Please report it: {text}"
    return Mistake(what, where=_place(error), fix=fix)


def _place(error: Exception) -> str:
    """The last line of ours that the error came from."""
    import traceback  # rarely needed

    ours = [
        f"{Path(frame.filename).relative_to(_PACKAGE.parent)}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if _PACKAGE in Path(frame.filename).parents
    ]
    return ours[-1] if ours else ""


def _traceback(error: Exception) -> str:
    import traceback  # rarely needed

    return _without_secrets("".join(traceback.format_exception(error)))


def _written(text: str) -> Path | None:
    """The log that has it now; None where no file can be written."""
    from pipeline.clock import Clock  # rarely needed
    from pipeline.events import Events

    for log in _logs():
        events = Events(log, Clock())
        try:
            events.emit("mistake", traceback=text)
        except OutputError:
            continue
        finally:
            events.close()
        return log
    return None


def _logs() -> Iterator[Path]:
    """Where it may go, the best place first."""
    import tempfile  # rarely needed

    from pipeline.clock import Clock
    from pipeline.events import log_file

    if _SCENE.log:
        yield _SCENE.log
    if _SCENE.config:
        yield log_file(_SCENE.config.paths.outputs, Clock())
    try:
        handle, name = tempfile.mkstemp(prefix="jianjie-", suffix=".jsonl")
    except OSError:
        return
    os.close(handle)
    yield Path(name)


def _without_secrets(text: str) -> str:
    from pipeline.llm.failures import redacted  # rarely needed

    for secret in sorted(_secrets(), key=len, reverse=True):
        text = text.replace(secret, "***")
    return redacted(_PASSWORD.sub("***@", text), None)


def _secrets() -> set[str]:
    """Keys, and message addresses with their parts."""
    from urllib.parse import unquote  # rarely needed

    config = _SCENE.config
    profiles = config.models.values() if config else ()
    named = {getattr(profile, "api_key_env", None) for profile in profiles}
    named |= {name for name in os.environ if _SECRETS_NAME.search(name)}
    secrets = {os.environ.get(name, "").strip() for name in named if name}
    for name in config.messages.to_env if config else ():
        address = os.environ.get(name, "").strip()
        parts = _ADDRESS_PARTS.split(address)
        secrets |= {address, *parts, *map(unquote, parts)}
    return {secret for secret in secrets if len(secret) >= _LEAST_SECRET}
