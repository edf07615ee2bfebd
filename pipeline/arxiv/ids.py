"""ArXiv identifiers: every form that people paste, and the one canonical form.

Formats from arXiv's identifier scheme (info.arxiv.org/help/arxiv_identifier.html): since April
2007 `YYMM.NNNN`, five digits from January 2015 on; before that `archive/YYMMNNN`, where a
subject class (math.GT/0309136) is accepted and dropped. Every e-print has the DOI
`10.48550/arXiv.` and its id.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pipeline.errors import UsageError

_NEW = r"(?P<new>\d{2}(?:0[1-9]|1[0-2])\.\d{4,5})"
_OLD = (
    r"(?P<archive>[a-z]+(?:-[a-z]{2,})?)(?:\.[a-zA-Z-]{2,})?/"
    r"(?P<number>\d{2}(?:0[1-9]|1[0-2])\d{3})"
)
# ASCII: \d alone would take the full-width digits of a Chinese keyboard.
_ID = re.compile(rf"(?:{_NEW}|{_OLD})(?:[vV](?P<version>[1-9]\d{{0,4}}))?", re.ASCII)

_SITES = "|".join(
    [
        r"(?:[a-z]+\.)?arxiv\.org/(?:abs|pdf|html|format|src)",
        r"ar5iv(?:\.labs\.arxiv)?\.org/(?:abs|html)",
        r"(?:www\.)?alphaxiv\.org/(?:abs|pdf|overview)",
        r"(?:www\.)?huggingface\.co/papers",
    ]
)
_AROUND = re.compile(
    rf"^(?:(?:https?://)?(?:{_SITES})/"
    r"|(?:(?:https?://)?(?:dx\.|www\.)?doi\.org/|doi:\s*)?10\.48550/arXiv\."
    r"|oai:arXiv\.org:|(?:arXiv preprint )?arXiv[:：]\s*)",
    re.IGNORECASE,
)
# What an address may have after the id, but for a second id.
_TAIL = re.compile(r"(?:\.pdf)?/?(?:[?#](?!\S*\d{4}\.\d{4})\S*)?$", re.IGNORECASE)
# As in the stamp on a PDF's margin: [cs.SD] 6 Jan 2026; or, as in a reference, the year alone.
_AFTER = re.compile(
    r"\s*\[[a-z][A-Za-z.,; -]*\]?(?:\s+\d{1,2} [A-Z][a-z]{2} \d{4})?$|, (?:19|20)\d\d$", re.ASCII
)
_OPENING = " \t\r\n\u3000\u200b\ufeff<([{\"'`“‘「『《〈（［【"
_CLOSING = " \t\r\n\u3000\u200b\ufeff>)]}\"'`”’」』》〉）］】.,;:!。，、；：！"


class ArxivId(NamedTuple):
    """A canonical id and the version, None where none was named."""

    base: str
    version: int | None

    def __str__(self) -> str:
        return self.base if self.version is None else f"{self.base}v{self.version}"


def parse_id(text: str) -> ArxivId:
    """The id in `text`, brackets, quotes and punctuation around it aside.

    Plain, `arXiv:`, `oai:` or a DOI; an abs, pdf or html address of arXiv, or the paper's page at
    ar5iv, alphaXiv or Hugging Face. Raises UsageError when `text` is none of these, or several.
    """
    bare = text.lstrip(_OPENING).rstrip(_CLOSING)
    bare = _AFTER.sub("", bare, count=1)
    bare = _TAIL.sub("", _AROUND.sub("", bare, count=1), count=1)
    match = _ID.fullmatch(bare)
    if match is None or not _fits_its_month(match["new"]):
        raise UsageError(
            "not an arXiv id",
            where=repr(text),
            fix="Use a form like 2601.02954, 2601.02954v1, math/0309136 or the paper's address",
        )
    base = match["new"] or f"{match['archive']}/{match['number']}"
    return ArxivId(base, int(match["version"]) if match["version"] else None)


def _fits_its_month(new: str | None) -> bool:
    """New ids began in 0704, had four digits up to 1412 and have five from 1501 on."""
    if new is None:
        return True
    month, number = new.split(".")
    return month >= "0704" and len(number) == (5 if month >= "1501" else 4)
