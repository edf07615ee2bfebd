"""Takes apart the outputs that the job of the night hands on to the job that may write.

    python3 -I pipeline/schedule/unpack.py FOLDER_WITH_THE_ARTIFACT NEW_FOLDER

The night has read PDFs, so what it hands on is taken for hostile: only files and folders with
plain names, in bounds of number and size. At the first that is something else all is refused.
It runs where nothing is installed, and imports nothing of ours.
"""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import IO

ARCHIVE = "outputs.tar"
MOST_FILES = 200_000
MOST_BYTES = 2_000_000_000
"""Ten years of a field of 30 papers a day are some 80,000 files of 1 GB."""
_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError),
    *(KeyError, RuntimeError),  # no such entry; encrypted, or packed in a way not known
)


class NotUnpacked(Exception):
    """What about it, in our own words: a log of GitHub's takes commands."""


def unpack(artifact: Path, folder: Path) -> None:
    """Write what the zip file `artifact` holds below `folder`, which is new. Raises NotUnpacked."""
    folder.mkdir()
    try:
        (packed,) = artifact.iterdir()
        with zipfile.ZipFile(packed) as outer:
            _require_small(outer.getinfo(ARCHIVE))
            with outer.open(ARCHIVE) as stream, tarfile.open(fileobj=stream, mode="r|") as inner:
                for number, entry in enumerate(inner, start=1):
                    _put(inner, entry, number, folder)
    except NotUnpacked:
        shutil.rmtree(folder)
        raise
    except _DAMAGE as error:
        shutil.rmtree(folder)
        raise NotUnpacked(f"cannot be taken apart ({type(error).__name__})") from error


def _require_small(entry: zipfile.ZipInfo) -> None:
    """By what the entry says of itself: zipfile gives no byte more. Raises NotUnpacked."""
    if entry.file_size > MOST_BYTES:
        raise NotUnpacked(f"is more than {MOST_BYTES:,} bytes")


def _put(archive: tarfile.TarFile, entry: tarfile.TarInfo, number: int, folder: Path) -> None:
    if number > MOST_FILES:
        raise NotUnpacked(f"has more than {MOST_FILES:,} entries")
    if not (entry.isreg() or entry.isdir()) or entry.issparse():
        raise NotUnpacked(f"entry {number} is no plain file or folder")
    if entry.name == "." and entry.isdir():
        return
    place = folder.joinpath(*_parts(entry.name, number))
    if entry.isdir():
        place.mkdir(parents=True, exist_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    content = archive.extractfile(entry)
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
        shutil.copyfileobj(content or _nothing(), file)


def _parts(name: str, number: int) -> list[str]:
    """The names of a path below the folder. Raises NotUnpacked."""
    parts = name.removeprefix("./").split("/")
    for part in parts:
        plain = part.isprintable() and part not in ("", ".", "..")
        if not plain or part.lower().startswith(".git"):  # settings of git's in the work tree
            raise NotUnpacked(f"entry {number} has a name that outputs never have")
    return parts


def _nothing() -> IO[bytes]:
    raise NotUnpacked("a file has no content")


if __name__ == "__main__":
    try:
        unpack(Path(sys.argv[1]), Path(sys.argv[2]))
    except NotUnpacked as refused:
        sys.exit(f"jianjie: the outputs of the night: {refused}. Nothing of them is kept")
