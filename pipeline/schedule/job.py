"""Read first: what a schedule starts, and when.

settings, time ─► Job ─► cron | systemd | github ─► text, printed or installed
"""

from __future__ import annotations

import datetime as dt
import re
import shlex
import sys
from functools import cache
from pathlib import Path

import jinja2

from pipeline.config import Config
from pipeline.errors import UsageError
from pipeline.records import Record
from pipeline.settings import EmbeddedProfile

KEYS = "keys.env"
MADE_BY = "made by `jianjie schedule"
"""Stands in the first line of everything that is installed; what lacks it is somebody else's."""
_TIME = re.compile("([01][0-9]|2[0-3]):[0-5][0-9]")
_TEMPLATES = Path(__file__).parent / "templates"


class Job(Record):
    """A nightly run of one settings file."""

    at: dt.time
    """On the clock of New York."""
    program: Path
    config: Path
    """Absolute, as the program is: a schedule has neither PATH nor a folder of its own."""
    settings: Config
    model: str | None
    """The profile to name; None: the one that the settings file names that night."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The environment variables that hold the key and the messages' addresses."""
        profile = self.settings.profile
        key = None if isinstance(profile, EmbeddedProfile) else profile.api_key_env
        return tuple(filter(None, (key, *self.settings.messages.to_env)))

    @property
    def hour(self) -> str:
        """For comments: 00:30."""
        return f"{self.at:%H:%M}"


def parse_time(text: str) -> dt.time:
    """HH:MM on a 24-hour clock. Raises UsageError."""
    if not _TIME.fullmatch(text):
        raise UsageError(
            f"{text!r} is no time of day", where="--time", fix="Write HH:MM, like 00:30"
        )
    return dt.time.fromisoformat(text)


def program_in_use() -> Path:
    """The command beside the Python that runs now. Raises UsageError."""
    program = Path(sys.executable).absolute().with_name("jianjie")
    if not program.exists():
        raise UsageError(
            "the command is not there", where=program, fix="Install jianjie with this Python's pip"
        )
    return program


def shell_command(job: Job) -> str:
    """What /bin/sh runs: in the settings' folder, with the keys.

    Raises UsageError where a path or name cannot stand in a line.
    """
    words = [str(job.program), "run"]
    if job.config.name != "config.yaml":
        words += ["--config", job.config.name]
    if job.model is not None:
        words += ["--model", job.model]
    for word in (str(job.config.parent), *words):
        require_printable(word)
    folder = shlex.quote(str(job.config.parent))
    return f"cd {folder} && {{ [ ! -e {KEYS} ] || . ./{KEYS}; }} && exec {shlex.join(words)}"


def require_printable(text: str) -> None:
    """Raises UsageError: no line of a schedule can hold a line end or half a character."""
    if not text.isprintable():
        raise UsageError(
            "has a character that a schedule cannot hold", where=repr(text), fix="Rename it"
        )


def render(template: str, **values: object) -> str:
    """A file of templates/ with [[ value ]] and [% block %], for GitHub has its own {{ }}."""
    return _environment().get_template(template).render(made_by=MADE_BY, keys=KEYS, **values)


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        block_start_string="[%",
        block_end_string="%]",
        variable_start_string="[[",
        variable_end_string="]]",
        comment_start_string="[#",
        comment_end_string="#]",
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - no HTML; each schedule has its own rules
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
