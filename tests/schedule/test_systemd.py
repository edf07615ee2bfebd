"""The systemd units, as systemd's own programs read them."""

from __future__ import annotations

import datetime as dt
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.arxiv.calendar import EASTERN, listing_dates
from pipeline.errors import UsageError
from pipeline.schedule.job import Job
from pipeline.schedule.systemd import units
from tests.schedule.conftest import assert_starts, make_job

SYSTEMD = Path("/lib/systemd/systemd")
NOBODY = 65534
_EXEC = re.compile(r"^ExecStart=(.*)$", re.MULTILINE)
_ON_CALENDAR = re.compile(r"^OnCalendar=(.*)$", re.MULTILINE)
_PARSED = re.compile(r"Command Line: (/bin/sh -c .*)$", re.MULTILINE)


def run(*command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"no {command[0]} here")
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | variables
    )


def written(folder: Path, files: dict[str, str]) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in files]


def verify(folder: Path, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
    paths = written(folder, files)
    return run("systemd-analyze", "--user", "verify", *paths, XDG_RUNTIME_DIR=str(folder))


def test_systemd_verifies_service_and_timer(odd: Job, tmp_path: Path) -> None:
    done = verify(tmp_path / "units", units(odd))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("jianjie.timer", "Mon..Fri", "Mon..Foo"),
        ("jianjie.service", "ExecStart=/bin/sh", "ExecStart=bin/sh"),
    ],
)
def test_what_verifies_would_find_a_mistake(
    odd: Job, tmp_path: Path, name: str, right: str, wrong: str
) -> None:
    files = units(odd)
    assert right in files[name]
    files[name] = files[name].replace(right, wrong)
    assert verify(tmp_path / "units", files).returncode != 0


@pytest.mark.parametrize(("shut_in", "exposure"), [(True, 20), (False, 70)])
def test_how_much_of_the_system_the_service_sees(
    tmp_path: Path, shut_in: bool, exposure: int
) -> None:
    """By systemd's own measure, in tenths; with no limits it is 96."""
    (path, _) = written(tmp_path / "units", units(make_job(tmp_path), shut_in=shut_in))

    def judged(most: int) -> subprocess.CompletedProcess[str]:
        limit = f"--threshold={most}"
        return run("systemd-analyze", "security", "--offline=true", "--no-pager", limit, path)

    assert judged(exposure).returncode == 0, judged(exposure).stdout
    assert judged(exposure - 10).returncode != 0


def test_the_folders_that_are_written_stand_in_the_service_as_systemd_reads_them(odd: Job) -> None:
    (line,) = re.findall("^ReadWritePaths=(.*)$", units(odd)["jianjie.service"], re.MULTILINE)
    words = [word.replace("%%", "%") for word in shlex.split(line)]
    assert words == [f"-{odd.settings.paths.outputs}", f"-{odd.settings.cache}"]


def test_the_timer_elapses_every_listing_night_of_a_year(tmp_path: Path) -> None:
    (when,) = _ON_CALENDAR.findall(units(make_job(tmp_path))["jianjie.timer"])
    first = dt.date(2026, 1, 5)
    nights = listing_dates(first, first + dt.timedelta(days=365))
    done = run(
        "systemd-analyze",
        "calendar",
        f"--base-time={first} 00:00:00 UTC",
        f"--iterations={len(nights)}",
        when,
        TZ="UTC",
        LC_ALL="C",
    )
    assert done.returncode == 0, done.stderr
    found = re.findall(
        r"(?:Next elapse|Iter\. #\d+|\(in UTC\)): \w+ ([-\d]+ [:\d]+) UTC", done.stdout
    )
    elapses = [dt.datetime.fromisoformat(f"{text}+00:00") for text in found]
    assert elapses == [dt.datetime.combine(night, dt.time(0, 30), EASTERN) for night in nights]


def test_the_words_that_systemd_reads_start_the_run(odd: Job, tmp_path: Path) -> None:
    """systemd itself takes the line apart, in a dry start, and a shell then runs it."""
    folder = tmp_path / "units"
    written(folder, units(odd))
    assert_starts(odd, *_words_systemd_reads(folder))


def _words_systemd_reads(folder: Path) -> Sequence[str]:
    if not SYSTEMD.exists():
        pytest.skip(f"no {SYSTEMD} here")
    as_user: list[str] = []
    if os.geteuid() == 0:  # it refuses to make a dry start for root, who need not see our folder
        (files, folder) = (folder, Path("/tmp") / f"jianjie-units-{os.getpid()}")
        shutil.copytree(files, folder)
        as_user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    runtime = f"{folder}-runtime"
    try:
        Path(runtime).mkdir(mode=0o777)
        Path(runtime).chmod(0o777)
        done = run(
            *as_user,
            SYSTEMD,
            "--user",
            "--test",
            "--unit=jianjie.service",
            SYSTEMD_UNIT_PATH=f"{folder}:/usr/lib/systemd/user",
            XDG_RUNTIME_DIR=runtime,
            HOME="/nonexistent",
        )
    finally:
        shutil.rmtree(runtime)
        if as_user:
            shutil.rmtree(folder)
    if "Failed to initialize manager" in done.stdout + done.stderr:
        pytest.skip("systemd makes no dry start here")
    (shown,) = _PARSED.findall(done.stdout)
    return [word.replace(r"\$\$", "$") for word in shlex.split(shown)]


def test_the_line_is_escaped_as_the_manual_says(odd: Job) -> None:
    """The same without systemd: systemd.service(5) on quotes, percent and dollar signs."""
    (line,) = _EXEC.findall(units(odd)["jianjie.service"])
    shell, option, quoted = line.split(" ", 2)
    assert (quoted[0], quoted[-1]) == ('"', '"')
    meant = re.sub(r"%%|\$\$|\\[\\\"]", lambda found: found[0][1], quoted[1:-1])
    assert re.sub(r"%%|\$\$|\\[\\\"]", "", quoted[1:-1]).count('"') == 0
    assert_starts(odd, shell, option, meant)


def test_a_folder_with_a_line_end_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot hold"):
        units(make_job(Path("/srv/a\nb")))
