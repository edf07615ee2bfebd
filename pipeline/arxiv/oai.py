"""ArXiv's OAI-PMH answers in the form arXivRaw: bytes in, records out. Nothing here fetches.

Errors come with HTTP 200 and an `<error code=…>`; "there is nothing" is one of them and is no
error here. A withdrawn version has the size 0kb and the source type I (arXiv's OAI-PMH as read
from its answers; the protocol is openarchives.org/OAI/openarchivesprotocol.html).
"""

from __future__ import annotations

import datetime as dt
import re
from email.utils import parsedate_to_datetime
from xml.etree.ElementTree import Element

from pipeline.arxiv import bounds
from pipeline.arxiv.ids import parse_id
from pipeline.arxiv.names import split_authors
from pipeline.arxiv.xml import malformed, read_xml
from pipeline.errors import ArxivRefused, OaiTokenExpired, UsageError, one_line
from pipeline.records import Paper, Record

_ANSWER = "an OAI-PMH answer in arXivRaw"
_OAI = "{http://www.openarchives.org/OAI/2.0/}"
_RAW = "{http://arxiv.org/OAI/arXivRaw/}"
_NOTHING = frozenset({"noRecordsMatch", "idDoesNotExist"})
_NUMBER = re.compile(r"v([1-9][0-9]{0,4})")


class OaiVersion(Record):
    """One version in a paper's history."""

    number: int
    submitted: dt.datetime
    """UTC."""
    withdrawn: bool


class OaiRecord(Record):
    """A paper's record: the fields of its latest version, and the history of all versions."""

    paper: Paper
    """The latest version; of a deleted record nothing but the id is known, and its version is 0."""
    versions: tuple[OaiVersion, ...]
    """Oldest first."""
    license: str | None
    deleted: bool
    changed: dt.date | None = None
    """The record's datestamp: its last modification, administrative ones too; lists are in this
    order, oldest first."""


class OaiPage(Record):
    """One answer; `token` asks for the next page and is None on the last one."""

    records: tuple[OaiRecord, ...]
    token: str | None


def parse_oai(content: bytes, *, where: str) -> OaiPage:
    """The answer to GetRecord or ListRecords in `content`; `where` is its address, for messages.

    No matching records and an unknown id give an empty page. Raises ArxivRefused for every other
    OAI-PMH error, ArxivMalformed when it is no such answer or is cut off.
    """
    root = read_xml(content, bounds.PAGE_BYTES, _ANSWER, where)
    if root.tag != f"{_OAI}OAI-PMH":
        raise malformed(_ANSWER, where, f"its root is {root.tag[:80]}")
    refusals = {
        error.get("code", ""): one_line(error.text or "") for error in root.iter(f"{_OAI}error")
    }
    for code, text in refusals.items():
        if code not in _NOTHING:
            kind = OaiTokenExpired if code == "badResumptionToken" else ArxivRefused
            raise kind(
                "OAI-PMH answers with an error",
                where=where,
                fix="Check the request; where a token has expired, begin again without it",
                said=f"{code}: {text}",
            )
    answers = [root.find(f"{_OAI}{verb}") for verb in ("ListRecords", "GetRecord")]
    given = next((answer for answer in answers if answer is not None), None)
    if given is None:
        if refusals:
            return OaiPage(records=(), token=None)
        raise malformed(_ANSWER, where, "neither records nor an error in it")
    return OaiPage(
        records=tuple(_record(record, where) for record in given.iter(f"{_OAI}record")),
        token=(given.findtext(f"{_OAI}resumptionToken") or "").strip() or None,
    )


def _record(record: Element, where: str) -> OaiRecord:
    header = record.find(f"{_OAI}header")
    changed = _datestamp(header)
    if header is not None and header.get("status") == "deleted":
        return _deleted(header.findtext(f"{_OAI}identifier") or "", changed, where)
    raw = record.find(f"{_OAI}metadata/{_RAW}arXivRaw")
    if raw is None:
        raise malformed(_ANSWER, where, "a record without arXivRaw metadata")
    versions = _versions(raw, where)
    if not versions:
        raise malformed(_ANSWER, where, f"{_field(raw, 'id', where)} without a version")
    return OaiRecord(
        paper=_paper(raw, versions[-1], where),
        versions=versions,
        license=_text(raw, "license") or None,
        deleted=False,
        changed=changed,
    )


def _datestamp(header: Element | None) -> dt.date | None:
    """The day; None where there is none that can be read, for no paper hangs on it."""
    text = (header.findtext(f"{_OAI}datestamp") or "") if header is not None else ""
    try:
        return dt.date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None


def _paper(raw: Element, latest: OaiVersion, where: str) -> Paper:
    return Paper(
        arxiv_id=_base(_field(raw, "id", where), where),
        version=latest.number,
        title=_field(raw, "title", where)[: bounds.TITLE],
        abstract=_field(raw, "abstract", where)[: bounds.ABSTRACT],
        authors=bounds.authors(split_authors(_text(raw, "authors")[: bounds.AUTHORS])),
        comment=_text(raw, "comments")[: bounds.COMMENT] or None,
        categories=tuple(dict.fromkeys(_field(raw, "categories", where).split())),
        submitted=latest.submitted,
        metadata="oai",
    )


def _deleted(identifier: str, changed: dt.date | None, where: str) -> OaiRecord:
    paper = Paper(
        arxiv_id=_base(identifier, where),
        version=0,
        title="",
        abstract="",
        authors=(),
        categories=(),
        metadata="oai",
    )
    return OaiRecord(paper=paper, versions=(), license=None, deleted=True, changed=changed)


def _versions(raw: Element, where: str) -> tuple[OaiVersion, ...]:
    versions = [_version(version, where) for version in raw.iter(f"{_RAW}version")]
    return tuple(sorted(versions, key=lambda version: version.number))


def _version(version: Element, where: str) -> OaiVersion:
    name = version.get("version", "")
    number = _NUMBER.fullmatch(name)
    try:
        submitted = parsedate_to_datetime(_text(version, "date"))
        # Without a zone the mail format means UTC too.
        utc = submitted.replace(tzinfo=submitted.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise malformed(_ANSWER, where, "a version without a readable date") from error
    if number is None:
        raise malformed(_ANSWER, where, "a version without a number")
    gone = _text(version, "size") == "0kb" and "I" in _text(version, "source_type")
    return OaiVersion(number=int(number[1]), submitted=utc, withdrawn=gone)


def _base(text: str, where: str) -> str:
    try:
        return parse_id(text).base
    except UsageError as error:
        raise malformed(_ANSWER, where, f"a record without an arXiv id: {text!r}") from error


def _field(raw: Element, name: str, where: str) -> str:
    if not (text := _text(raw, name)):
        raise malformed(_ANSWER, where, f"a record without <{name}>")
    return text


def _text(element: Element, name: str) -> str:
    return one_line(element.findtext(f"{_RAW}{name}") or "")
