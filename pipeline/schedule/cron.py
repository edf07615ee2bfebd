"""A block for the user's crontab that any cron understands.

Debian's cron knows no time zone but the machine's and takes CRON_TZ for an ordinary variable; in
cronie CRON_TZ would also move every job below it. So the block sets no variable: its lines start at
each hour of the machine's clock that the time in New York can be, and where summer time begins and
ends on other days there than here, the start at the wrong hour ends at once.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pipeline.arxiv.calendar import EASTERN, listing_dates
from pipeline.errors import UsageError
from pipeline.schedule.install import call, failed, must_call
from pipeline.schedule.job import Job, render, shell_command

EASTERN_RULE = "EST5EDT,M3.2.0,M11.1.0"
"""New York for `date`, which takes an unknown zone's name for UTC where no tzdata is installed."""
_LONGEST = 998
"""Characters of a command: Debian's cron has a buffer of 1000."""
_AHEAD = dt.timedelta(days=400)
_BLOCK = re.compile(rb"^# jianjie begin\b.*?^# jianjie end\n?", re.MULTILINE | re.DOTALL)
_HALF = re.compile(rb"^# jianjie (?:begin|end)\b", re.MULTILINE)
_CRON_TZ = re.compile(rb"^\s*CRON_TZ\s*=", re.MULTILINE)
_FIX = "Print the block and put it in by hand, or take: jianjie schedule systemd"


class Start(NamedTuple):
    """Local time of a start, and how many days after the listing's date it is."""

    minute: int
    hour: int
    shift: int


class Zone(NamedTuple):
    """The zone that cron goes by."""

    name: str
    rules: dt.tzinfo


def machine_zone(localtime: Path = Path("/etc/localtime")) -> Zone:
    """The system's zone, whatever TZ says here: cron's own environment does not have it."""
    try:
        with localtime.open("rb") as file:
            rules = ZoneInfo.from_file(file)
    except (OSError, ValueError):
        return Zone("UTC", dt.UTC)  # as the C library does
    _, _, name = str(localtime.resolve()).partition("/zoneinfo/")
    return Zone(name or "the machine's", rules)


def block(job: Job, zone: Zone, today: dt.date) -> str:
    """The marked lines. Raises UsageError where cron cannot hold the command."""
    nights = listing_dates(today, today + _AHEAD)
    starts = sorted({_start(night, job.at, zone) for night in nights})
    wrong = sorted(set(_wrong_hours(starts, nights, job.at, zone)))
    guard = _guard(wrong) if wrong else ""
    command = guard + shell_command(job)
    if "\\" in command:
        raise UsageError(
            "crons differ in what a backslash means",
            where=job.config.parent,
            fix="Rename it, or take: jianjie schedule systemd",
        )
    if len(command.encode()) > _LONGEST:
        raise UsageError("too long for cron", where=job.config.parent, fix="Take shorter paths")
    command = command.replace("%", r"\%")  # a bare one ends the command
    return render(
        "crontab.jinja",
        job=job,
        zone=zone.name,
        guarded=bool(guard),
        lines=[f"{fields}  {command}" for fields in _fields(starts)],
    )


def install(text: str) -> bool:
    """Put the block into the user's crontab; whether anything changed. Raises UsageError."""
    listed = call("crontab", "-l", fix=_FIX)
    if listed.returncode and b"no crontab for" not in listed.stderr:
        raise failed("crontab -l", listed, _FIX)
    old = b"" if listed.returncode else listed.stdout
    new = merged(old, text.encode())
    if new == old:
        return False
    must_call("crontab", "-", given=new, fix=_FIX)
    return True


def merged(crontab: bytes, text: bytes) -> bytes:
    """The crontab with our block in its old place, or at the end; no other byte changes.

    Raises UsageError where the place is unclear or would move the hours.
    """
    blocks = list(_BLOCK.finditer(crontab))
    if len(blocks) > 1 or len(_HALF.findall(crontab)) != 2 * len(blocks):
        raise UsageError(
            "the marks `# jianjie begin` and `# jianjie end` are not one pair",
            where="crontab",
            fix="Correct them with: crontab -e",
        )
    if crontab and not crontab.endswith(b"\n"):
        crontab += b"\n"
    start, end = blocks[0].span() if blocks else (len(crontab), len(crontab))
    if _CRON_TZ.search(crontab, 0, start):
        raise UsageError(
            "CRON_TZ is set, and some crons would read our hours in that zone",
            where="crontab",
            fix="Move it, with its jobs, to the end (crontab -e), put the printed block above it,"
            " and install again",
        )
    return crontab[:start] + text + crontab[end:]


def _start(night: dt.date, at: dt.time, zone: Zone) -> Start:
    local = dt.datetime.combine(night, at, EASTERN).astimezone(zone.rules)
    return Start(local.minute, local.hour, (local.date() - night).days)


def _wrong_hours(
    starts: list[Start], nights: list[dt.date], at: dt.time, zone: Zone
) -> Iterator[int]:
    """The hours in New York of the starts that another part of the year needs."""
    for night in nights:
        for minute, hour, shift in starts:
            day = night + dt.timedelta(days=shift)
            local = dt.datetime.combine(day, dt.time(hour, minute), zone.rules)
            if (there := local.astimezone(EASTERN).hour) != at.hour:
                yield there


def _guard(wrong: list[int]) -> str:
    """Names the wrong hours, not the right one: a clock set anew must not end all runs."""
    hours = "|".join(f"{hour:02}" for hour in wrong)
    return f'case "$(TZ={EASTERN_RULE} date +%H)" in {hours}) exit 0;; esac; '


def _fields(starts: list[Start]) -> Iterator[str]:
    """The five fields of each line: hours that share minute and days share a line."""
    hours = defaultdict(list)
    for minute, hour, shift in starts:
        hours[minute, shift].append(str(hour))
    for (minute, shift), listed in hours.items():
        yield f"{minute} {','.join(listed)} * * {1 + shift}-{5 + shift}"
