"""A service and a timer of the user's own systemd: a night missed while off is run after boot."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.schedule.install import must_call, put, require_ours
from pipeline.schedule.job import Job, render, shell_command

TIMER = "jianjie.timer"
_FIX = "Log in as the user whose systemd it is to be, or take: jianjie schedule cron"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "%": "%%", "$": "$$"})
"""systemd.service(5), COMMAND LINES: inside double quotes."""


def units(job: Job) -> dict[str, str]:
    """Service and timer, by file name. Raises UsageError where a line cannot hold the command."""
    command = f'"{shell_command(job).translate(_ESCAPES)}"'
    return {
        "jianjie.service": render("jianjie.service.jinja", job=job, command=command),
        TIMER: render("jianjie.timer.jinja", job=job),
    }


def folder() -> Path:
    """Where the user's units are (systemd.unit(5))."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "systemd" / "user"


def listing(files: dict[str, str]) -> str:
    """Both files, each after its path, as `systemctl cat` shows them."""
    return "\n".join(f"# {folder() / name}\n{text}" for name, text in files.items())


def install(files: dict[str, str]) -> None:
    """Write the units and start the timer. Raises UsageError, OutputError."""
    must_call("systemctl", "--user", "show-environment", fix=_FIX)  # before anything is written
    for name in files:
        require_ours(folder() / name)
    for name, text in files.items():
        put(folder() / name, text)
    must_call("systemctl", "--user", "daemon-reload", fix=_FIX)
    must_call("systemctl", "--user", "enable", "--now", TIMER, fix=_FIX)
