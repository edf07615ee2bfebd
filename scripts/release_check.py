"""What has to hold before a release: `make release-check` builds it and uses it as strangers will.

    .venv/bin/python -m scripts.release_check UV PIPX

Builds the wheel and the sources into dist/, installs the wheel in three ways into environments of
their own, runs the demo in an empty folder, and then the tests of the documentation. What each step
took is printed; the first that fails ends it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline import __version__

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
DEMO = "26 (26 from the PDF, 0 from the abstract)"


def main(uv: str, pipx: str) -> None:
    """All steps in their order."""
    with step("the changelog has this version"):
        changelog()
    with step("wheel and sources"):
        wheel = built()
    with step("the sources make the same wheel"):
        same_from_sources(wheel)
    with tempfile.TemporaryDirectory(prefix="jianjie-release-") as folder:
        home = Path(folder)
        with step("pip install"):
            by_pip = with_pip(home / "pip", wheel)
        with step("pipx install"):
            by_pipx = with_pipx(home / "pipx", pipx, wheel)
        with step("uv tool install"):
            by_uv = with_uv(home / "uv", uv, wheel)
        for name, command in (("pip", by_pip), ("pipx", by_pipx), ("uv", by_uv)):
            with step(f"{name}: init and demo in an empty folder"):
                used(home / f"used-{name}", command)
    with step("the documentation's commands and links, and the installed wheel's tests"):
        run(sys.executable, "-m", "pytest", "-q", "tests/test_readme.py", "tests/test_installed.py")
    print(f"\n{wheel.name} may be published.")


@contextmanager
def step(name: str) -> Iterator[None]:
    """Its name, and how long it took."""
    print(f"{name} ...", end=" ", flush=True)
    began = time.monotonic()
    yield
    print(f"{time.monotonic() - began:.0f} s", flush=True)


def run(*command: str, folder: Path = ROOT, **variables: str) -> str:
    """What it wrote to standard output. Ends the check where it fails."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("JIANJIE_", "PYTHONPATH"))}
    done = subprocess.run(  # noqa: S603 - our own steps
        command, cwd=folder, env={**own, **variables}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        told = (done.stdout + done.stderr)[-3000:]
        sys.exit(f"\n{' '.join(command)} ended with {done.returncode}:\n{told}")
    return done.stdout


def changelog() -> None:
    """A heading for the version, without "unreleased"; told and no more while there is work."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = re.search(rf"^## {re.escape(__version__)}(.*)$", text, re.MULTILINE)
    if heading is None:
        sys.exit(f"\nCHANGELOG.md has no heading for {__version__}")
    if "unreleased" in heading[1]:
        print("(it says unreleased: write the date when it is)", end=" ")


def built() -> Path:
    """dist/ with the wheel and the sources, and nothing else."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "hatchling", "build", "-d", str(DIST))
    (wheel,) = DIST.glob(f"jianjie-{__version__}-*.whl")
    run(sys.executable, "-m", "check_wheel_contents", str(wheel))
    return wheel


def same_from_sources(wheel: Path) -> None:
    """Who installs from the sources gets the same files."""
    with tempfile.TemporaryDirectory() as folder:
        (sources,) = DIST.glob("*.tar.gz")
        shutil.unpack_archive(sources, folder, filter="data")
        unpacked = Path(folder) / sources.name.removesuffix(".tar.gz")
        out = Path(folder) / "again"
        command = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out))
        run(*command, folder=unpacked)
        (again,) = out.glob("*.whl")
        if contents(again) != contents(wheel):
            sys.exit("\nthe wheel made of the sources has other files")


def contents(wheel: Path) -> Mapping[str, int]:
    """Every file's checksum, but for the list of them."""
    with zipfile.ZipFile(wheel) as archive:
        return {one.filename: one.CRC for one in archive.infolist() if "RECORD" not in one.filename}


def with_pip(home: Path, wheel: Path) -> Path:
    """The installed command."""
    run(sys.executable, "-m", "venv", str(home))
    run(str(home / "bin/python"), "-m", "pip", "install", "--quiet", f"{wheel}[embedded]")
    return home / "bin" / "jianjie"


def with_pipx(home: Path, pipx: str, wheel: Path) -> Path:
    """The installed command."""
    own = {"PIPX_HOME": str(home), "PIPX_BIN_DIR": str(home / "bin")}
    run(pipx, "install", "--python", sys.executable, f"{wheel}[embedded]", **own)
    return home / "bin" / "jianjie"


def with_uv(home: Path, uv: str, wheel: Path) -> Path:
    """The installed command. What pip has been told of its index uv is told too."""
    own = {"UV_TOOL_DIR": str(home), "UV_TOOL_BIN_DIR": str(home / "bin"), **index_for_uv()}
    run(uv, "tool", "install", "--python", sys.executable, f"{wheel}[embedded]", **own)
    return home / "bin" / "jianjie"


def index_for_uv() -> dict[str, str]:
    """Of pip's settings those that uv has by another name."""
    names = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX"}
    names |= {"find-links": "UV_FIND_LINKS"}
    told = run(sys.executable, "-m", "pip", "config", "list")
    found: dict[str, str] = {}
    for line in told.splitlines():
        key, _, value = line.partition("=")
        if (name := names.get(key.rpartition(".")[2])) and name not in os.environ:
            found[name] = " ".join(value.strip("'").replace("\\n", " ").split())
    if "UV_INDEX" in found:
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # as pip takes several
    return found


def used(folder: Path, command: Path) -> None:
    """As its README says, by somebody who has nothing else."""
    folder.mkdir()
    told = run(str(command), "demo", folder=folder)
    if DEMO not in told:
        sys.exit(f"\nthe demo ended otherwise:\n{told}")
    run(str(command), "init", "digest", "--model", "deepseek", folder=folder)
    if not (folder / "digest" / "config.yaml").is_file():
        sys.exit("\ninit wrote no config.yaml")


def _arguments(given: Sequence[str]) -> tuple[str, str]:
    if len(given) != 2:
        sys.exit("usage: python -m scripts.release_check UV PIPX")
    return given[0], given[1]


if __name__ == "__main__":
    main(*_arguments(sys.argv[1:]))
