"""Whatever dies, whenever: no paper is lost or doubled, and few calls are repeated."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.backfill.conftest import Office, kill, open_office, wait_until, workers_of
from tests.conftest import ROOT
from tests.standins.house import one_error
from tests.standins.model_faults import slow

OPEN = 4
"""Calls that the house's model takes at once."""
MOMENTS = 10
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0123456789abcdef" * 2}


@pytest.mark.long
@pytest.mark.parametrize("victim", ["worker", "driver"])
def test_killed_at_ten_moments_a_job_comes_to_its_end(tmp_path: Path, victim: str) -> None:
    chance = random.Random(victim)
    with open_office(tmp_path, 400) as office:
        office.house.model.answer = slow(0.03)
        moments = sorted(chance.sample(range(5, 380), MOMENTS))
        driver = office.start()
        for moment in moments:
            wait_until(driver, partial(has_asked, office, moment))
            if victim == "worker":
                if running := workers_of(driver.pid):
                    kill(chance.choice(running))
            else:
                kill(driver.pid)
                driver.communicate(timeout=60)
                driver = office.start()
        _, said = driver.communicate(timeout=300)
        assert driver.returncode == 0, said
        office.check_whole()
        assert office.calls <= 400 + OPEN * MOMENTS


@pytest.mark.long
def test_ray_does_the_same(tmp_path: Path) -> None:
    with open_office(tmp_path, 100) as office:
        office.house.model.answer = slow(0.05)
        arguments = [one for one in office.arguments if one != "--local"]
        driver = office.house.start("backfill", "run", *arguments)
        wait_until(driver, lambda: office.calls >= 30, 90)
        kill(actors_of(office)[0])
        _, said = driver.communicate(timeout=300)
        assert driver.returncode == 0, said
        office.check_whole()
        assert office.calls <= 100 + OPEN


@pytest.mark.long
def test_a_cluster_needs_a_processor_more_than_it_has_workers(tmp_path: Path) -> None:
    with open_office(tmp_path, 60) as office, cluster(3) as address:
        arguments = [one for one in office.arguments if one not in {"--local", "--workers", "2"}]
        arguments += ["--ray-address", address]
        full = office.house.run("backfill", "run", *arguments, "--workers", "3", **TOKEN)
        assert "one must stay free: 3 are" in one_error(full, 2)
        fits = office.house.run("backfill", "run", *arguments, "--workers", "2", **TOKEN)
        assert fits.returncode == 0, fits.stderr
        office.check_whole()


@contextmanager
def cluster(processors: int) -> Iterator[str]:
    """Ray on this machine as if it were another's."""
    ray = Path(sys.executable).with_name("ray")
    head = ["--head", f"--port={free_port()}", f"--num-cpus={processors}"]
    head += ["--include-dashboard=false", "--disable-usage-stats"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **TOKEN}
    subprocess.run([ray, "start", *head], env=environment, capture_output=True, check=True)
    try:
        yield "auto"
    finally:
        subprocess.run([ray, "stop", "--force"], capture_output=True, check=False)


def has_asked(office: Office, calls: int) -> bool:
    return office.calls >= calls


def free_port() -> int:
    with closing(socket.socket()) as some:
        some.bind(("127.0.0.1", 0))
        return int(some.getsockname()[1])


def actors_of(office: Office) -> list[int]:
    """The processes of this machine in which Ray's actors of this job work."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"ray::_Actor" not in command.read_bytes():
                continue
            if str(office.house.folder) in str(command.with_name("cwd").readlink()):
                found.append(int(command.parent.name))
        except OSError:
            continue
    assert found, "no actor is there"
    return found
