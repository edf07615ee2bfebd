"""A job in a folder whose name has all that shells, cron and systemd take for their own."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
from pathlib import Path

import pytest

from pipeline.cli.options import load_settings
from pipeline.schedule.job import Job
from tests.conftest import ROOT

ODD = """a b%c'd"e$HOME;f${{g 简介"""
PROGRAM = """#!/bin/sh
{ pwd; printf '%s\\n' "$DEEPSEEK_API_KEY" "$@"; } > "$0.ran"
exit 1
"""


def make_job(folder: Path, **changes: object) -> Job:
    """The nightly run of `folder`/config.yaml with the shipped settings and the model deepseek."""
    settings = load_settings(ROOT / "config.yaml", "deepseek")
    paths = settings.paths.model_copy(
        update={"outputs": folder / "outputs", "cache": folder / "cache"}
    )
    values = {
        "at": dt.time(0, 30),
        "program": folder / ".venv/bin/jianjie",
        "config": folder / "config.yaml",
        "settings": settings.model_copy(update={"paths": paths}),
        "model": "deepseek",
    }
    return Job.model_validate(values | changes)


@pytest.fixture
def odd(tmp_path: Path) -> Job:
    """In the odd folder, with a key and a program that notes how it was started, and exits 1."""
    job = make_job(tmp_path / ODD)
    job.program.parent.mkdir(parents=True)
    job.program.write_text(PROGRAM, encoding="utf-8")
    job.program.chmod(0o755)
    job.config.with_name("keys.env").write_text("export DEEPSEEK_API_KEY='se cret'\n")
    return job


def assert_starts(job: Job, *command: str, now: dt.datetime | None = None) -> None:
    """The command, as a bare /bin/sh gets it, starts the run as it should be started."""
    started = _started(job, *command, now=now)
    assert started == [str(job.config.parent), "se cret", "run", "--model", "deepseek"]


def assert_starts_nothing(job: Job, *command: str, now: dt.datetime) -> None:
    assert _started(job, *command, now=now) == []


def _started(job: Job, *command: str, now: dt.datetime | None) -> list[str]:
    ran = job.program.with_name("jianjie.ran")
    ran.unlink(missing_ok=True)
    path = os.defpath
    if now is not None:  # the real `date`, asked about another moment
        date = job.program.with_name("date")
        date.write_text(f'#!/bin/sh\nexec /bin/date --date=@{now.timestamp():.0f} "$@"\n')
        date.chmod(0o755)
        path = f"{date.parent}:{path}"
    done = subprocess.run(
        command, env={"PATH": path}, cwd="/", capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("", "")
    lines = ran.read_text(encoding="utf-8").splitlines() if ran.exists() else []
    assert done.returncode == (1 if lines else 0)  # the run's status, not the shell's
    return lines
