"""What `doctor` finds, one thing a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pipeline.errors import JianjieError
from pipeline.records import Record


class Finding(Record):
    """One thing that was looked at."""

    about: str
    text: str
    state: Literal["ok", "warning", "error"] = "ok"
    fix: str = ""
    exit_status: int = 0


def failed(about: str, error: JianjieError) -> Finding:
    """An error with what to do about it."""
    text = f"{error.where}: {error.what}" if error.where else error.what
    return Finding(
        about=about, text=text, state="error", fix=error.fix, exit_status=error.exit_status
    )


def tried(about: str, look: Callable[[], str]) -> Finding:
    """What was seen, or why nothing was."""
    try:
        return Finding(about=about, text=look())
    except JianjieError as error:
        return failed(about, error)
