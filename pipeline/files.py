"""Files that are either whole or not there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from pipeline.errors import OutputError, one_line


def write_atomic(path: Path, content: bytes) -> bool:
    """Put `content` at `path` in one step; False, and nothing touched, if it stands there already.

    Raises OutputError when the disk is full or read-only; the old file is then still whole.
    """
    try:
        if path.exists() and path.read_bytes() == content:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content)
    except OSError as error:
        raise cannot_write(path, error) from error
    return True


def _replace(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # mkstemp makes it private; a digest is for a web server too
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def cannot_write(path: Path, error: OSError) -> OutputError:
    """The system's reason, with the place and what to do."""
    return OutputError(
        f"cannot be written: {one_line(error.strerror or error)}",
        where=path,
        fix="Make room or give write permission (paths in config.yaml), then run again:"
        " nothing stored is lost",
    )
