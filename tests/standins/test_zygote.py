"""A forked run is like one that was started: what it prints, how it ends, where and for whom."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.standins.house import COMMAND, House, open_house
from tests.standins.zygote import Zygote


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.fixture(scope="module")
def zygote() -> Zygote:
    return Zygote()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["--help"],
        ["run", "--dry-run"],
        ["status"],
        ["status", "--nonsense"],
        ["show", "nonsense"],
        ["nonsense"],
        ["evaluate", "--history"],
    ],
)
def test_it_says_and_ends_as_one_that_was_started(
    house: House, zygote: Zygote, arguments: list[str]
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    forked = zygote.run(arguments, house.folder, environment)
    started = house._done([*COMMAND, *arguments], {"COLUMNS": "120"})
    assert forked is not None
    assert (forked.returncode, forked.stdout, forked.stderr) == (
        started.returncode,
        started.stdout,
        started.stderr,
    )


def test_each_has_an_environment_and_a_folder_of_its_own(
    house: House, zygote: Zygote, tmp_path: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    one = zygote.run(["run", "--dry-run"], tmp_path, environment)
    named = {**environment, "JIANJIE_CONFIG": str(house.config)}
    other = zygote.run(["run", "--dry-run"], tmp_path, named)
    again = zygote.run(["run", "--dry-run"], tmp_path, environment)
    assert one is not None
    assert other is not None
    assert again is not None
    assert (one.returncode, other.returncode, again.returncode) == (2, 0, 2)


def test_what_python_itself_is_told_at_its_start_needs_a_start(
    house: House, zygote: Zygote, tmp_path: Path
) -> None:
    elsewhere = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    assert zygote.run(["--version"], house.folder, elsewhere) is None
    encoded = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "latin-1"}
    assert zygote.run(["--version"], house.folder, encoded) is None
