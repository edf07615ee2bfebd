"""What arXiv says when something is wrong: a good answer spoiled, or another in its place."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping
from io import BytesIO

import pypdf

from pipeline.demo.answers.answer import HTML, PLAIN, Answer, page
from pipeline.demo.answers.api import api_answer
from pipeline.demo.answers.feeds import asked_feed, conditional, feed_answer, refused
from pipeline.demo.answers.oai import XML, oai_answer
from pipeline.demo.answers.pages import catchup_answer, list_answer, out_of_reach
from pipeline.demo.answers.pdfs import (
    Pdfs,
    asked_version,
    file_answer,
    no_document,
    pdf_answer,
    withdrawn,
)
from pipeline.demo.archive import Archive, Row, in_categories
from pipeline.demo.payloads import oai
from pipeline.demo.request import Request
from pipeline.records import Announcement, AnnounceType, Paper
from tests.standins.faults import Fault

UNAVAILABLE_S = 300.0
LATER_S = 30.0
"""In Retry-After, where nothing else is asked for."""
_FIRST_NAMES: Mapping[str, Fault] = {"html": "not_ready", "server_error": "not_made"}
_ANOTHER_TYPE = {
    AnnounceType.NEW: AnnounceType.CROSS,
    AnnounceType.CROSS: AnnounceType.REPLACE_CROSS,
    AnnounceType.REPLACE: AnnounceType.REPLACE_CROSS,
}
_ENTRY = re.compile(rb"\s*<entry>.*?</entry>", re.S)
_ANNOUNCE_TYPE = re.compile(rb"(Announce Type: |announce_type>)[a-z-]+")


def failure(asked: Request, fault: Fault | None, retry_after: float | None) -> Answer | None:
    """The answer in place of a good one, if `fault` is common to all addresses and leaves none.

    `retry_after` in seconds; without it, only the faults that promise a Retry-After have one.
    """
    if asked.kind in {"list", "catchup"} and fault == "unavailable":
        # These pages say so in words of their own.
        text = b"This listing is temporarily unavailable; please retry in a few minutes."
        return Answer(503, PLAIN, text, waiting(retry_after, UNAVAILABLE_S))
    if asked.kind == "pdf" and fault == "server_error":
        return None
    exceeded, unavailable = b"Rate exceeded.", b"Service unavailable."
    answers = {
        "throttled": Answer(429, PLAIN, exceeded),
        "throttled_later": Answer(429, PLAIN, exceeded, waiting(retry_after, LATER_S)),
        "not_acceptable": Answer(406, HTML, page("406", "Not Acceptable", "")),
        "unavailable": Answer(503, PLAIN, unavailable, waiting(retry_after, UNAVAILABLE_S)),
        "server_error": Answer(503, PLAIN, unavailable, waiting(retry_after)),
        "hang_up": Answer(0, hang_up=True),
    }
    return answers.get(fault or "")


def waiting(seconds: float | None, default: float | None = None) -> dict[str, str]:
    """The header Retry-After, or none."""
    wait = default if seconds is None else seconds
    return {} if wait is None else {"Retry-After": f"{wait:g}"}


def captcha() -> Answer:
    """A challenge where something else was asked for."""
    return Answer(200, HTML, page("arXiv reCAPTCHA", "Are you a robot?", "Tick a box."))


def maintenance() -> Answer:
    """HTML where XML was asked for, as if nothing were wrong."""
    return Answer(200, HTML, page("arXiv", "Down for maintenance", "Back soon."))


# Feeds


def feed_of(archive: Archive, asked: Request, fault: Fault | None) -> Answer:
    if fault == "error_feed":
        return refused(archive, asked, asked_feed(asked)[1][0])
    if fault == "not_xml":
        return maintenance()
    whole = asked.model_copy(update={"if_none_match": ""}) if fault == "nameless" else asked
    good = feed_answer(_Feeding(archive, _fed(archive, asked, fault)), whole)
    if fault == "truncated_xml":
        return good._replace(body=_half(good.body), headers={})
    if fault == "nameless":
        return conditional(asked, good.kind, _nameless(good.body), archive.now)
    return good


class _Feeding(Archive):
    """An archive whose feed has other rows."""

    def __init__(self, archive: Archive, rows: tuple[Row, ...]) -> None:
        self.__dict__.update(archive.__dict__)
        self._rows_fed = rows

    def fed(self, _: object) -> tuple[Row, ...]:
        return self._rows_fed


def _fed(archive: Archive, asked: Request, fault: Fault | None) -> tuple[Row, ...]:
    today = archive.fed(archive.today)
    before = archive.listing_before(archive.today)
    earlier = archive.fed(before) if before else ()
    items = in_categories(today, asked_feed(asked)[1])
    match fault:
        case "empty":
            return ()
        case "stale":
            return earlier
        case "stale_paper":
            return (*earlier[:1], *today)
        case "incomplete":
            gone = [item.paper for item in items[2::3]]
            return tuple(row for row in today if row.item.paper not in gone)
        case "doubled":
            return (*today, *map(_weaker, items))
    return today


def _weaker(item: Announcement) -> Row:
    kind = _ANOTHER_TYPE.get(item.announce, item.announce)
    return Row(item.model_copy(update={"announce": kind}))


def _nameless(body: bytes) -> bytes:
    """The last item with the word for an action that the feed has no announce type for."""
    start = max(body.rfind(b"<item>"), body.rfind(b"<entry>"), 0)
    return body[:start] + _ANNOUNCE_TYPE.sub(rb"\1no_match", body[start:])


# Pages


def list_of(archive: Archive, asked: Request, fault: Fault | None) -> Answer:
    shown = _Behind(archive) if fault == "stale" else archive
    return _page(list_answer(shown, asked), fault)


def catchup_of(archive: Archive, asked: Request, fault: Fault | None) -> Answer:
    good = catchup_answer(archive, asked)
    if fault == "refused" and good.status == 200:
        return out_of_reach(asked.address.rpartition("/")[2])
    return _page(good, fault) if good.status == 200 else good


class _Behind(Archive):
    """An archive whose newest listing does not show yet."""

    def __init__(self, archive: Archive) -> None:
        self.__dict__.update(archive.__dict__)
        self._newest = archive.newest()

    def newest(self) -> dt.date | None:
        return self._newest and (self.listing_before(self._newest) or self._newest)


def _page(good: Answer, fault: Fault | None) -> Answer:
    if good.status != 200:
        return good
    match fault:
        case "captcha":
            return captcha()
        case "not_html":
            return good._replace(body=b"\x1f\x8b\x00" + good.body[::-1])
        case "truncated":
            return good._replace(body=_half_the_entries(good.body))
    return good


def _half_the_entries(body: bytes) -> bytes:
    """Up to the middle one's start; half of the page where there are none."""
    parts = body.split(b"<dt>")
    if len(parts) == 1:
        return _half(body)
    return b"<dt>".join(parts[: (len(parts) + 1) // 2]) + b"<dt>\n      <a na"


# API


def api_of(
    archive: Archive, asked: Request, fault: Fault | None, missing: Collection[str] = ()
) -> Answer:
    """`missing` base ids are not known."""
    if fault == "not_xml":
        return maintenance()
    knowing = _Knowing(archive, missing)
    good = api_answer(knowing, asked)
    match fault:
        case "truncated_xml":
            return good._replace(body=_half(good.body))
        case "missing":
            ids = re.findall(rb"<id>http://arxiv.org/abs/(.+?)v\d+</id>", good.body)
            gone = (one.decode() for one in ids[::3])
            return api_answer(_Knowing(archive, (*missing, *gone)), asked)
        case "empty_page":
            return good._replace(body=_ENTRY.sub(b"", good.body))
        case "reordered":
            entries = iter(_ENTRY.findall(good.body)[::-1])
            return good._replace(body=_ENTRY.sub(lambda _: next(entries), good.body))
    return good


class _Knowing(Archive):
    """An archive that does not know some papers."""

    def __init__(self, archive: Archive, missing: Iterable[str]) -> None:
        self.__dict__.update(archive.__dict__)
        self._missing = frozenset(missing)

    def find(self, arxiv_id: str) -> Paper | None:
        found = super().find(arxiv_id)
        return None if found is None or found.arxiv_id in self._missing else found


# OAI-PMH


def oai_of(archive: Archive, asked: Request, fault: Fault | None) -> Answer:
    if fault == "not_xml":
        return maintenance()
    if fault == "error_code":
        reason = (
            "The value of the resumptionToken argument is invalid or expired. "
            "Reason: Token has expired."
        )
        return Answer(200, XML, oai.error(archive.now, {}, "badResumptionToken", reason))
    good = oai_answer(archive, asked)
    return good._replace(body=_half(good.body)) if fault == "truncated_xml" else good


# PDFs


def pdf_of(archive: Archive, pdfs: Pdfs, asked: Request, fault: Fault | None) -> Answer:
    good = pdf_answer(archive, pdfs, asked)
    paper = asked_version(archive, asked)
    if good.status == 301 or paper is None or paper.versioned in archive.withdrawn:
        return good
    if instead := _instead(paper.versioned, fault):
        return instead
    content = pdfs(paper.versioned)
    if content is None:
        return good
    if fault == "old_file" and paper.version > 1:
        content = pdfs(f"{paper.arxiv_id}v{paper.version - 1}") or content
    return file_answer(asked, _damaged(content, fault))


def _instead(versioned: str, fault: Fault | None) -> Answer | None:
    """What comes in a PDF's place."""
    # The last two have the same words: only the status tells that one of them can pass.
    no_pdf = page("arXiv", "file unavailable", f"Nothing was made of the source of {versioned}.")
    answers: Mapping[str | None, Answer] = {
        "captcha": captcha(),
        "withdrawn": withdrawn(versioned),
        "not_ready": Answer(
            200, HTML, page(versioned, f"PDF of {versioned} not ready", "Try later.")
        ),
        "no_source": Answer(
            404,
            HTML,
            page(
                f"No file for {versioned}",
                f"File unavailable for {versioned}",
                "Its source was not provided to make one of.",
            ),
        ),
        "not_found": no_document(versioned),
        "not_public": Answer(
            403, HTML, page("arXiv", f"Source Not Public for {versioned}", "Sorry.")
        ),
        "not_pdf": Answer(404, HTML, no_pdf),
        "not_made": Answer(500, HTML, no_pdf),
    }
    return answers.get(_FIRST_NAMES.get(fault or "", fault))


def _damaged(content: bytes, fault: Fault | None) -> bytes:
    match fault:
        case "empty":
            return b""
        case "truncated":
            return content[: len(content) * 6 // 10]
        case "encrypted":
            return _encrypted(content)
    return content


def _encrypted(content: bytes) -> bytes:
    """The same pages behind a password that nobody has; RC4 needs no further package."""
    writer = pypdf.PdfWriter(clone_from=BytesIO(content))
    writer.encrypt(user_password="not told", algorithm="RC4-128")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]
