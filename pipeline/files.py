"""Files that are either whole or not there."""

from __future__ import annotations

import datetime as dt
import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import OutputError, one_line

_LEFT_OVER = dt.timedelta(hours=1)
"""No write takes as long: what is older was left by a process that was killed."""
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_PERMISSION = {errno.EACCES, errno.EPERM, errno.EROFS}


def write_atomic(path: Path, content: bytes, *, durable: bool = True) -> bool:
    """Put `content` at `path` in one step; False, and nothing touched, if it stands there already.

    What can be made again need not be `durable`: a power cut may then leave it empty. Raises
    OutputError when the disk is full or read-only; the old file is then still whole.
    """
    try:
        if path.read_bytes() == content:
            return False
    except FileNotFoundError:
        pass
    except OSError as error:
        raise cannot_write(path, error) from error
    with replacing(path, durable=durable) as file:
        file.write(content)
    return True


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """A new file, for reading and writing, that takes `path`'s place when the block ends well.

    Any exception in the block leaves what was at `path`, and nothing beside it. Raises OutputError
    where the system cannot write.
    """
    with _replacement(path, durable=durable) as (_, file):
        yield file


@contextmanager
def replacing_path(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """The same for what opens its file by name: an empty file is there."""
    with _replacement(path, durable=durable) as (temporary, _):
        yield temporary


@contextmanager
def _replacement(path: Path, *, durable: bool) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file beside `path`, by name and open, that is renamed when the block ends well."""
    try:
        with _beside(path) as (temporary, file):
            yield temporary, file
            file.flush()
            if durable:
                os.fsync(file.fileno())
            # mkstemp makes it private; a digest is for a web server too.
            os.fchmod(file.fileno(), 0o644)
            temporary.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error


@contextmanager
def _beside(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A file in the same folder, gone with the block unless it was renamed."""
    make = partial(tempfile.mkstemp, prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        handle, name = make()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = make()
    try:
        with os.fdopen(handle, "w+b") as file:
            yield Path(name), file
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def sweep(folder: Path, now: dt.datetime) -> None:
    """Remove the unfinished files that killed processes left in `folder` over an hour ago."""
    oldest = (now - _LEFT_OVER).timestamp()
    for path in folder.glob(".*.part*"):  # SQLite puts files of its own beside one
        with suppress(OSError):  # another process may sweep too
            if path.stat().st_mtime < oldest:
                path.unlink()


def owner_alone(path: Path) -> None:
    """Let nobody else read the file at `path`, also if it was open to others; make it if need be.

    What the system does not allow, here or anywhere on the way, is left as it is: who opens the
    file next says so. So is a device or a pipe: others live on it.
    """
    with suppress(OSError):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            # No open() of one that is there: closing it would free SQLite's locks on it.
            path.touch(0o600)
        status = path.stat()
        if stat.S_ISREG(status.st_mode) and status.st_mode & 0o077:
            path.chmod(status.st_mode & 0o700)  # what its owner may do stays


def owners_folder(path: Path, files: str) -> None:
    """Make a folder for its owner alone; in one that is there, the `files` (a pattern) are made so.

    A folder's own mode is never changed: it may be a link to, or be, one that others live in.
    """
    with suppress(OSError):
        if not path.exists():
            path.mkdir(0o700, parents=True)
        for file in path.glob(files):
            owner_alone(file)


def cannot_write(path: Path, error: OSError) -> OutputError:
    """The system's reason, with the place and what to do."""
    return OutputError(
        f"cannot be written: {one_line(error.strerror or error)}",
        where=path,
        fix=f"{remedy(error)} (paths in config.yaml), then run again: nothing stored is lost",
    )


def remedy(error: OSError) -> str:
    """What to do about the system's reason: room is to be made only where it lacks."""
    if error.errno in _NO_ROOM:
        return "Make room"
    return "Give permission" if error.errno in _NO_PERMISSION else "See to that place"


def page_of(digest: Path) -> Path:
    """The site's page of a day, by the day's digest."""
    day = digest.parent
    return day.parent / "site" / day.name / f"{digest.stem}.html"


def page_of_paper(arxiv_id: str) -> str:
    """paper/2601.02954.html in the site's folder; the slash of an old id is no folder."""
    return f"paper/{arxiv_id.replace('/', '-')}.html"


def shown_path(path: Path) -> str:
    """Relative to where the user is, if it lies below."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
