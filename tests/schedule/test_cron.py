"""The crontab block: its hours over a whole year, its command in a shell, its place."""

from __future__ import annotations

import datetime as dt
import importlib.resources
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.arxiv.calendar import EASTERN, listing_dates
from pipeline.errors import UsageError
from pipeline.schedule.cron import EASTERN_RULE, Zone, block, machine_zone, merged
from pipeline.schedule.job import Job
from tests.schedule.conftest import assert_starts, assert_starts_nothing, make_job

TODAY = dt.date(2026, 1, 5)
YEAR = listing_dates(TODAY, TODAY + dt.timedelta(days=365))
SRV = Path("/srv/jianjie")
LINE = re.compile(r"^(\d+) ([\d,]+) \* \* (\d)-(\d)  (.+)$", re.MULTILINE)
OURS = b"# jianjie begin: new\n30 4 * * 1-5  new\n# jianjie end\n"
OLD = b"# jianjie begin: old\n30 5 * * 1-5  old\n# jianjie end\n"


def zone(name: str) -> Zone:
    return Zone(name, ZoneInfo(name))


def starts(text: str, rules: ZoneInfo) -> Iterator[dt.datetime]:
    """When cron would start the lines during YEAR: every quarter of an hour it looks at them."""
    lines = [
        (int(minute), {int(hour) for hour in hours.split(",")}, range(int(first), int(last) + 1))
        for minute, hours, first, last, _ in LINE.findall(text)
    ]
    assert lines
    now = dt.datetime.combine(YEAR[0], dt.time(), EASTERN).astimezone(dt.UTC)
    while now.astimezone(EASTERN).date() <= YEAR[-1]:
        local = now.astimezone(rules)
        for minute, hours, days in lines:
            if local.minute == minute and local.hour in hours and local.isoweekday() % 7 in days:
                yield now.astimezone(EASTERN)
        now += dt.timedelta(minutes=15)


def guarded(text: str, times: Iterator[dt.datetime]) -> list[dt.datetime]:
    """Those that the command's own look at the clock lets through."""
    found = re.search(r" in ([\d|]+)\) exit 0", text)
    wrong = found[1].split("|") if found else []
    return [time for time in times if f"{time:%H}" not in wrong]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("America/New_York", ["30 0 * * 1-5"]),
        ("America/Los_Angeles", ["30 21 * * 0-4"]),
        ("America/Bogota", ["30 0 * * 1-5", "30 23 * * 0-4"]),
        ("UTC", ["30 4,5 * * 1-5"]),
        ("Europe/Berlin", ["30 5,6 * * 1-5"]),
        ("Asia/Kolkata", ["0 10,11 * * 1-5"]),
        ("Asia/Kathmandu", ["15 10,11 * * 1-5"]),
        ("Asia/Shanghai", ["30 12,13 * * 1-5"]),
        ("Australia/Sydney", ["30 14,15,16 * * 1-5"]),
    ],
)
def test_one_run_each_listing_night_wherever_the_machine_stands(
    name: str, lines: list[str]
) -> None:
    text = block(make_job(SRV), zone(name), TODAY)
    assert sorted(line.split("  ")[0] for line in text.splitlines() if line[0] != "#") == lines
    runs = guarded(text, starts(text, ZoneInfo(name)))
    assert runs == [dt.datetime.combine(night, dt.time(0, 30), EASTERN) for night in YEAR]


@pytest.mark.parametrize("name", ["Australia/Lord_Howe", "America/St_Johns", "Africa/Casablanca"])
def test_odd_summer_times_miss_no_night(name: str) -> None:
    text = block(make_job(SRV), zone(name), TODAY)
    inside = Counter(
        run.date()
        for run in guarded(text, starts(text, ZoneInfo(name)))
        if dt.time(0, 20) <= run.time() <= dt.time(2, 0)
    )
    assert sorted(inside) == YEAR


def test_a_late_time_of_new_york_is_the_next_day_in_china() -> None:
    text = block(make_job(SRV, at=dt.time(23, 15)), zone("Asia/Shanghai"), TODAY)
    assert LINE.findall(text)[0][:4] == ("15", "11,12", "2", "6")
    runs = guarded(text, starts(text, ZoneInfo("Asia/Shanghai")))
    assert [run.date() for run in runs if run.time() == dt.time(23, 15)] == YEAR


def test_the_rule_for_new_york_is_the_time_zone_databases() -> None:
    file = importlib.resources.files("tzdata.zoneinfo") / "America" / "New_York"
    assert file.read_bytes().splitlines()[-1].decode() == EASTERN_RULE


@pytest.mark.parametrize(
    "night", [dt.date(2026, 1, 7), dt.date(2026, 3, 9), dt.date(2026, 7, 7), dt.date(2026, 11, 2)]
)
def test_the_shell_starts_the_run_at_the_right_hour_only(odd: Job, night: dt.date) -> None:
    (line,) = LINE.findall(block(odd, zone("UTC"), TODAY))
    command = as_cron_hands_it_over(line[4])
    right = dt.datetime.combine(night, dt.time(0, 30), EASTERN)
    assert_starts(odd, "/bin/sh", "-c", command, now=right)
    for hours in (-1, 1):
        wrong = right.astimezone(dt.UTC) + dt.timedelta(hours=hours)
        assert_starts_nothing(odd, "/bin/sh", "-c", command, now=wrong)


def test_without_a_file_of_keys_the_run_says_what_is_missing_not_the_shell(odd: Job) -> None:
    odd.config.with_name("keys.env").unlink()
    (line,) = LINE.findall(block(odd, zone("America/New_York"), TODAY))
    command = as_cron_hands_it_over(line[4])
    done = subprocess.run(["/bin/sh", "-c", command], check=False, env={}, cwd="/")
    assert done.returncode == 1
    ran = odd.program.with_name("jianjie.ran").read_text(encoding="utf-8").splitlines()
    assert ran[1:] == ["", "run", "--model", "deepseek"]


def as_cron_hands_it_over(command: str) -> str:
    """crontab(5): a % ends the command, a backslash before it is taken away."""
    return re.split(r"(?<!\\)%", command)[0].replace(r"\%", "%")


def checked(path: Path) -> bool:
    """What this machine's crontab thinks of a file: -T with cronie, -n with Debian's."""
    if shutil.which("crontab") is None:
        pytest.skip("no crontab here")
    for option in ("-T", "-n"):
        done = subprocess.run(
            ["crontab", option, path], capture_output=True, text=True, check=False
        )
        if "invalid option" not in done.stderr and "unrecognized option" not in done.stderr:
            return done.returncode == 0
    pytest.skip("this crontab checks no file without installing it")


def test_the_machines_own_crontab_takes_it(odd: Job, tmp_path: Path) -> None:
    file = tmp_path / "crontab"
    file.write_text(block(odd, zone("Australia/Sydney"), TODAY), encoding="utf-8")
    assert checked(file)
    file.write_text(file.read_text(encoding="utf-8").replace("14,15,16", "14,15,26"))
    assert not checked(file)


def test_the_zone_is_the_systems(tmp_path: Path) -> None:
    packaged = importlib.resources.files("tzdata") / "zoneinfo" / "Asia" / "Shanghai"
    localtime = tmp_path / "localtime"
    assert machine_zone(localtime) == Zone("UTC", dt.UTC)
    localtime.symlink_to(Path(str(packaged)))
    found = machine_zone(localtime)
    assert found.name == "Asia/Shanghai"
    assert found.rules.utcoffset(dt.datetime(2026, 1, 5)) == dt.timedelta(hours=8)
    localtime.unlink()
    localtime.write_bytes(packaged.read_bytes())
    assert machine_zone(localtime).name == "the machine's"


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        ("/srv/a\\b", "crons differ in what a backslash means"),
        ("/srv/a\nb", "has a character that a schedule cannot hold"),
        ("/srv/" + "a" * 500, "too long for cron"),
    ],
)
def test_a_folder_that_cron_cannot_hold_is_refused(folder: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        block(make_job(Path(folder)), zone("UTC"), TODAY)


OTHERS = st.binary(max_size=60).filter(lambda text: b"jianjie" not in text and b"CRON" not in text)


@given(above=OTHERS, below=OTHERS)
def test_no_byte_of_another_job_changes(above: bytes, below: bytes) -> None:
    above = above + b"\n" if above and not above.endswith(b"\n") else above
    below = below + b"\n" if below and not below.endswith(b"\n") else below
    assert merged(above + OLD + below, OURS) == above + OURS + below
    assert merged(above, OURS) == above + OURS
    assert merged(above + OURS + below, OURS) == above + OURS + below


def test_a_last_line_without_an_end_gets_one() -> None:
    assert merged(b"0 1 * * * x", OURS) == b"0 1 * * * x\n" + OURS


@pytest.mark.parametrize(
    "crontab", [OLD + OLD, OLD.replace(b"# jianjie end\n", b""), b"# jianjie end\n" + OLD]
)
def test_marks_that_are_no_pair_are_left_alone(crontab: bytes) -> None:
    with pytest.raises(UsageError, match="not one pair"):
        merged(crontab, OURS)


def test_a_time_zone_above_the_block_is_refused_and_below_it_kept() -> None:
    setting = b"CRON_TZ=Asia/Tokyo\n0 1 * * * x\n"
    with pytest.raises(UsageError, match="CRON_TZ is set"):
        merged(setting, OURS)
    assert merged(OLD + setting, OURS) == OURS + setting
