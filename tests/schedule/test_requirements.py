"""requirements/, which the workflow installs from: pinned, hashed, complete, and of no index."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import requires

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

FILES = ("build", "run", "embedded", "library", "messages")
_PINNED = re.compile(r"^([\w.-]+)==([\w.]+)(?: ; [^\\]+)? \\\n((?:    --hash=.*\n)+)", re.MULTILINE)
_HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}")


def text(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


def pins(name: str) -> dict[str, str]:
    return {
        canonicalize_name(package): version for package, version, _ in _PINNED.findall(text(name))
    }


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


@pytest.mark.parametrize("name", FILES)
def test_every_line_is_a_pinned_package_or_a_hash(name: str) -> None:
    """So no line can name an index, an address or an option."""
    comment, rest = text(name).split("\n", 1)
    assert comment == "# Made by `make hashes` from constraints.txt."
    assert _PINNED.sub("", rest) == ""
    for _, _, hashes in _PINNED.findall(rest):
        lines = hashes.replace(" \\\n", "\n").splitlines()
        assert all(_HASH.fullmatch(line) for line in lines)


def test_the_versions_are_those_of_the_constraints() -> None:
    pinned = constraints()
    for name in FILES:
        for package, version in pins(name).items():
            assert (package, version) == (package, pinned[package])


def test_no_package_is_in_two_files() -> None:
    names = [package for name in FILES for package in pins(name)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("extra", ["", "embedded", "library", "messages"])
def test_nothing_that_is_needed_is_missing(python: str, machine: str, extra: str) -> None:
    """Pip is told --no-deps; told without, it would refuse what has no hash."""
    there = {name: str(value) for name, value in default_environment().items()} | {
        "python_version": python,
        "python_full_version": f"{python}.1",
        "platform_machine": machine,
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    first = project["dependencies"] + (project["optional-dependencies"][extra] if extra else [])
    needed = set(_closure(first, there, set()))
    assert needed <= {*pins("run"), *(pins(extra) if extra else ()), *pins("build")}
    assert {"hatchling", "setuptools"} <= set(pins("build"))


def _closure(first: list[str], there: dict[str, str], seen: set[str]) -> Iterator[str]:
    """The names of these requirements, and of what those require, as installed here."""
    for requirement in map(Requirement, first):
        extras = sorted(requirement.extras) or [""]
        name = canonicalize_name(requirement.name)
        wanted = requirement.marker is None or requirement.marker.evaluate({**there, "extra": ""})
        if wanted and str((name, extras)) not in seen:
            seen.add(str((name, extras)))
            yield name
            for extra in extras:
                more = [r for r in requires(name) or () if _holds(Requirement(r), there, extra)]
                bare = [r.partition(";")[0] for r in more]
                yield from _closure(bare, there, seen)


def _holds(requirement: Requirement, there: dict[str, str], extra: str) -> bool:
    marker = requirement.marker
    return marker is None or marker.evaluate({**there, "extra": extra})
