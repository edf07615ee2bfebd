"""A service and a timer of the user's own systemd: a night missed while off is run after boot."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.files import cannot_write
from pipeline.schedule.install import call, must_call, put, require_ours
from pipeline.schedule.job import Job, render, require_printable, shell_command

TIMER = "jianjie.timer"
_FIX = "Log in as the user whose systemd it is to be, or take: jianjie schedule cron"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "%": "%%", "$": "$$"})
"""systemd.service(5), COMMAND LINES: inside double quotes."""
_PATH_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "%": "%%"})
_HIDDEN = (".ssh", ".gnupg", ".aws", ".config/gh", ".docker", ".kube", ".netrc", ".git-credentials")
"""Other keys that a user's home may hold."""


def units(job: Job, *, shut_in: bool = True) -> dict[str, str]:
    """Service and timer, by file name. Raises UsageError where a line cannot hold the command.

    `shut_in`: with what needs user namespaces.
    """
    command = f'"{shell_command(job).translate(_ESCAPES)}"'
    outputs, cache = (_in_quotes(path) for path in _written(job))
    service = render(
        "jianjie.service.jinja",
        job=job,
        command=command,
        shut_in=shut_in,
        outputs=outputs,
        cache=cache,
        hidden=_HIDDEN,
    )
    return {"jianjie.service": service, TIMER: render("jianjie.timer.jinja", job=job)}


def _written(job: Job) -> tuple[Path, Path]:
    """The folders that a run writes in."""
    return job.settings.paths.outputs, job.settings.cache


def _in_quotes(path: Path) -> str:
    require_printable(str(path))
    return str(path).translate(_PATH_ESCAPES)


def can_shut_in() -> bool:
    """Whether the user's systemd may make namespaces: some systems keep them from users."""
    words = ("--user", "--wait", "--collect", "--quiet")
    limits = ("--property=PrivateUsers=yes", "--property=ProtectSystem=strict")
    return not call("systemd-run", *words, *limits, "true", fix=_FIX).returncode


def folder() -> Path:
    """Where the user's units are (systemd.unit(5))."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "systemd" / "user"


def listing(files: dict[str, str]) -> str:
    """Both files, each after its path, as `systemctl cat` shows them."""
    return "\n".join(f"# {folder() / name}\n{text}" for name, text in files.items())


def require_running() -> None:
    """Raises UsageError where there is no systemd of the user's."""
    must_call("systemctl", "--user", "show-environment", fix=_FIX)


def install(job: Job, files: dict[str, str]) -> None:
    """Write the units and start the timer. Raises UsageError, OutputError."""
    for path in _written(job):
        _make(path)  # the service is shown them only if they are there
    for name in files:
        require_ours(folder() / name)
    for name, text in files.items():
        put(folder() / name, text)
    must_call("systemctl", "--user", "daemon-reload", fix=_FIX)
    must_call("systemctl", "--user", "enable", "--now", TIMER, fix=_FIX)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
