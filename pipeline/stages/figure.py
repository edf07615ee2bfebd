"""A paper's first figure: whether its licence lets others show it, and where it is kept.

outputs/figures/ has a note for each version that was looked at, and beside it the figure if there
is one. Both are made again only where the note is gone.
"""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.files import write_atomic
from pipeline.records import FigureNote, Record

FOLDER = "figures"
_FREE = re.compile(
    r"https?://creativecommons\.org/(?:licenses/(by|by-sa)/(\d\.\d)|publicdomain/(zero)/(1\.0))/?"
)
"""Licences that let anybody show a smaller copy, for any purpose; arXiv's own does not."""


class KnownFigure(Record):
    """A figure that may be shown."""

    file: Path
    name: str
    """CC BY 4.0."""
    licence: str
    """Its address."""


def licence_name(address: str | None) -> str | None:
    """CC BY 4.0; None where not everybody may show a smaller copy."""
    match = _FREE.fullmatch(address or "")
    if match is None:
        return None
    if match[3]:
        return f"CC0 {match[4]}"
    return f"CC {match[1].upper()} {match[2]}"


def note_file(outputs: Path, versioned: str) -> Path:
    """What is known of a version's figure; the figure itself stands beside it as .png."""
    return outputs / FOLDER / f"{versioned.replace('/', '-')}.json"


def keep(outputs: Path, versioned: str, licence: str | None, picture: bytes) -> None:
    """The figure first: where its note stands, it stands too. Raises OutputError."""
    target = note_file(outputs, versioned)
    if picture:
        write_atomic(target.with_suffix(".png"), picture, durable=False)
    note = FigureNote(licence=licence, figure=bool(picture))
    write_atomic(target, note.model_dump_json().encode(), durable=False)


def known(outputs: Path, versioned: str) -> KnownFigure | None:
    """The figure of a version; None for one without, or with a damaged note."""
    target = note_file(outputs, versioned)
    try:
        note = FigureNote.model_validate_json(target.read_bytes())
    except (OSError, ValueError):
        return None
    name = licence_name(note.licence)
    if not note.figure or name is None or note.licence is None:
        return None
    return KnownFigure(file=target.with_suffix(".png"), name=name, licence=note.licence)
