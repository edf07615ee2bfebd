"""ArXiv identifiers: every form that people paste, and the one canonical form.

Formats from arXiv's identifier scheme (info.arxiv.org/help/arxiv_identifier.html): since April
2007 `YYMM.NNNN`, five digits from January 2015 on; before that `archive/YYMMNNN`, where a
subject class (math.GT/0309136) is accepted and dropped.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pipeline.errors import UsageError

_NEW = r"(?P<new>\d{2}(?:0[1-9]|1[0-2])\.\d{4,5})"
_OLD = r"(?P<archive>[a-z]+(?:-[a-z]{2,})?)(?:\.[a-zA-Z-]{2,})?/(?P<number>\d{7})"
# ASCII: \d alone would take the full-width digits of a Chinese keyboard.
_ID = re.compile(rf"(?:{_NEW}|{_OLD})(?:v(?P<version>[1-9]\d*))?", re.ASCII)
_AROUND = re.compile(
    r"^(?:(?:https?://)?(?:[a-z]+\.)?arxiv\.org/(?:abs|pdf|html|format|src)/|oai:arXiv\.org:|arXiv:)",
    re.IGNORECASE,
)
_TAIL = re.compile(r"(?:\.pdf)?/?(?:[?#].*)?$", re.IGNORECASE)


class ArxivId(NamedTuple):
    """A canonical id and the version, None where none was named."""

    base: str
    version: int | None

    def __str__(self) -> str:
        return self.base if self.version is None else f"{self.base}v{self.version}"


def parse_id(text: str) -> ArxivId:
    """The id in `text`: plain, `arXiv:`, `oai:`, or an abs, pdf or html address.

    Raises UsageError when `text` is none of these.
    """
    bare = _TAIL.sub("", _AROUND.sub("", text.strip(), count=1), count=1)
    found = _ID.fullmatch(bare)
    if found is None or not _digits_fit_month(found["new"]):
        raise UsageError(
            "not an arXiv id",
            where=repr(text),
            fix="Use a form like 2601.02954, 2601.02954v1, math/0309136 or the paper's address",
        )
    base = found["new"] or f"{found['archive']}/{found['number']}"
    return ArxivId(base, int(found["version"]) if found["version"] else None)


def _digits_fit_month(new: str | None) -> bool:
    """New ids had four digits up to 1412 and have five from 1501 on."""
    if new is None:
        return True
    month, number = new.split(".")
    return len(number) == (5 if month >= "1501" else 4)
