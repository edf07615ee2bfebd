"""A digest's date, from where it lies."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

from pipeline.errors import UsageError

_DATE = re.compile(r"(?<![0-9])(20[0-9]{2})-?([01][0-9])-?([0-3][0-9])(?![0-9])")


def date_of(file: Path) -> dt.date:
    """From its name or its folder's: 20260107-audio.md, 2026-01-07/audio.md.

    Raises UsageError where neither has one.
    """
    for name in (file.name, file.parent.name):
        for year, month, day in _DATE.findall(name):
            try:
                return dt.date(int(year), int(month), int(day))
            except ValueError:
                continue
    raise UsageError(
        "the digest's date is not in its name",
        where=file,
        fix="Call it like 20260107-audio.md or 2026-01-07/audio.md",
    )
