"""Write requirements/: what the workflow of `jianjie schedule github` installs, file by file.

    make hashes

The versions are constraints.txt's; the hashes are those of all files that the package index has of
each, for every system and Python. No file names a package that another one has, and none an index.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Container
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "requirements"
EXTRAS = ("embedded", "library", "messages")
BUILD = "hatchling\nsetuptools\n"
"""setuptools for the packages that come as their sources alone."""
OLDEST_PYTHON = "3.11"


def main(uv: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    written = write("build", compiled(uv, "-", given=BUILD))
    written |= write("run", compiled(uv, "pyproject.toml"), but=written)
    for extra in EXTRAS:
        write(extra, compiled(uv, "pyproject.toml", "--extra", extra), but=written)


def compiled(uv: str, *source: str, given: str = "") -> dict[str, str]:
    """The lines of each package, by its name."""
    command = [uv, "pip", "compile", "--universal", "--python-version", OLDEST_PYTHON]
    command += ["--generate-hashes", "--no-header", "--no-annotate", "--no-config", "--quiet"]
    done = subprocess.run(  # noqa: S603 - the words are ours
        [*command, "--constraints", "constraints.txt", *source],
        cwd=ROOT,
        input=given,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    packages: dict[str, str] = {}
    name = ""
    for line in done.stdout.splitlines(keepends=True):
        if not line[0].isspace():
            name = line.partition("==")[0]
        packages[name] = packages.get(name, "") + line
    return packages


def write(name: str, packages: dict[str, str], but: Container[str] = ()) -> set[str]:
    """The names of the packages written: all but those, and but what only a browser needs."""
    new = {
        package: lines
        for package, lines in packages.items()
        if package not in but and "== 'emscripten'" not in lines
    }
    text = f"# Made by `make hashes` from constraints.txt.\n{''.join(new.values())}"
    (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")
    return set(new)


if __name__ == "__main__":
    main(sys.argv[1])
