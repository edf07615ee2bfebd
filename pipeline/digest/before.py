"""What stood in the place of corrected lines: a file beside a digest of examples.

`20260107-audio.edits.md` has lines by people; `20260107-audio.edits.before.json` has, by arXiv id,
the line of a model that each took the place of. A prompt may show it as what not to write.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from pipeline.errors import UsageError, one_line
from pipeline.records import Record

EDITS = ".edits.md"
"""How digests of corrected lines end: examples, cases and lessons alike."""
_LARGEST = 20_000_000


class Before(Record):
    """A line that somebody put right."""

    line: Annotated[str, Field(max_length=2000)]
    tags: tuple[str, ...] = ()
    model: str = ""
    prompt: str = ""


_FILE = TypeAdapter(dict[str, Before])


def before_file(digest: Path) -> Path:
    """Beside the digest, whether it is there or not."""
    return digest.with_suffix(".before.json")


def read_before(digest: Path) -> Mapping[str, Before]:
    """By arXiv id without a version; empty where there is no such file.

    Raises UsageError for one that is no such file.
    """
    path = before_file(digest)
    try:
        if not path.exists():
            return {}
        if path.stat().st_size > _LARGEST:
            raise UsageError("is too large", where=path, fix="Split the digest")
        return _FILE.validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UsageError(
            f"{place}: {first['msg']}", where=path, fix="Make it anew: jianjie examples add"
        ) from error
    except OSError as error:
        raise UsageError(f"cannot be read: {one_line(error)}", where=path) from error


def written_before(lines: Mapping[str, Before]) -> bytes:
    """The file's bytes."""
    return _FILE.dump_json(dict(lines), indent=1) + b"\n"
