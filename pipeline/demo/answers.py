"""What the stand-in arXiv answers: a request's parts and a listing in, an `Answer` out. No sockets.

Status codes, content types and wording follow arXiv's; so do its traps: ten results by default,
unknown ids silently absent, an order that is not the request's, error pages in place of PDFs.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from html import escape
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, unquote

from pipeline.arxiv.ids import parse_id
from pipeline.arxiv.taxonomy import canonical, vocabulary
from pipeline.demo.faults import ApiFault, FeedFault, PdfFault
from pipeline.demo.payloads import EASTERN, api_error, api_feed, rss_error, rss_feed
from pipeline.errors import UsageError
from pipeline.records import Listing, Paper

HTML = "text/html; charset=utf-8"
RSS = "text/xml"
ATOM = "application/atom+xml; charset=utf-8"
PDF = "application/pdf"

DEFAULT_RESULTS = 10
MOST_RESULTS = 2000
"""The API's page, with an id list or without."""


class Answer(NamedTuple):
    """An HTTP answer. `chunked` leaves Content-Length out; `cut` hangs up in mid-body."""

    status: int
    kind: str = ""
    """Content-Type."""
    body: bytes = b""
    headers: Mapping[str, str] = {}
    chunked: bool = False
    cut: bool = False


def feed_answer(
    listing: Listing, joined: str, if_none_match: str, fault: FeedFault | None
) -> Answer:
    """`/rss/cs.SD+eess.AS`: the listing's papers that have one of the categories, in its order.

    Announce types stay those of the listing, whatever part of its categories is asked for.
    """
    asked = unquote(joined).split("+")
    names = [_known_categories().get(name.lower()) for name in asked]
    categories = [name for name in names if name is not None]
    if len(categories) < len(asked) or fault == "error_feed":
        unknown = asked[names.index(None)] if None in names else asked[0]
        reason = f"Bad category '{unknown}'."
        return Answer(400, RSS, rss_error(listing.date, asked, reason))
    wanted = {canonical(name) for name in categories}
    items = [a for a in listing.announcements if _has_category(a.paper, wanted)]
    body = rss_feed(listing.date, categories, [] if fault == "empty" else items)
    if fault == "not_xml":
        return Answer(200, HTML, _page("arXiv", "Down for maintenance", "Back soon."))
    if fault == "truncated_xml":
        return Answer(200, RSS, body[: len(body) // 2])
    etag = hashlib.sha256(body).hexdigest()  # arXiv does not quote it
    headers = {"ETag": etag, "Cache-Control": f"max-age={_seconds_to_midnight()}"}
    if if_none_match.removeprefix("W/").strip('"') == etag:
        return Answer(304, headers=headers)
    return Answer(200, RSS, body, headers)


def _known_categories() -> dict[str, str]:
    """Categories and whole archives by their lower-case names: arXiv takes any case."""
    names = vocabulary() | {name.partition(".")[0] for name in vocabulary()}
    return {name.lower(): name for name in names}


def _has_category(paper: Paper, wanted: set[str]) -> bool:
    own = {canonical(category) for category in paper.categories}
    return bool(wanted & (own | {category.partition(".")[0] for category in own}))


def _seconds_to_midnight() -> int:
    now = dt.datetime.now(EASTERN)
    midnight = dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time(), EASTERN)
    return int((midnight - now).total_seconds())


def api_answer(
    listing: Listing, query: str, missing: frozenset[str], fault: ApiFault | None
) -> Answer:
    """`/api/query?id_list=…&max_results=…&start=…`, ids with or without versions."""
    fields = {name: values[-1] for name, values in parse_qs(query).items()}
    id_list = fields.get("id_list", "")
    if fault == "not_xml":
        return Answer(200, HTML, _page("arXiv", "Down for maintenance", "Back soon."))
    try:
        start = _count(fields, "start", 0)
        limit = min(_count(fields, "max_results", DEFAULT_RESULTS), MOST_RESULTS)
        wanted = {_strict_id(text.strip()) for text in id_list.split(",") if text.strip()}
    except ValueError as error:
        return Answer(400, ATOM, api_error(listing.date, str(error)))
    papers = [a.paper for a in listing.announcements if a.paper.arxiv_id not in missing]
    found = sorted(
        (paper for paper in papers if wanted & {paper.arxiv_id, paper.versioned}),
        key=lambda paper: paper.arxiv_id,
    )
    page = [] if fault == "empty_page" else found[start : start + limit]
    body = api_feed(listing.date, id_list, page, total=len(found), start=start, limit=limit)
    return Answer(200, ATOM, body)


def _count(fields: Mapping[str, str], name: str, default: int) -> int:
    text = fields.get(name, str(default))
    if not text.lstrip("-").isdecimal():
        raise ValueError(f"{name} must be an integer")
    if int(text) < 0:
        raise ValueError(f"{name} must be non-negative")
    return int(text)


def _strict_id(text: str) -> str:
    """`text` if it is a bare id in canonical form; the API takes no addresses."""
    try:
        accepted = str(parse_id(text)) == text
    except UsageError:
        accepted = False
    if not accepted:
        raise ValueError(f"incorrect id format for {text}")
    return text


def pdf_answer(listing: Listing, pdfs: Path, name: str, faults: Mapping[str, PdfFault]) -> Answer:
    """`/pdf/2601.02954v1`, or without a version the latest, which is the listing's."""
    asked, is_file_name = name.removesuffix(".pdf"), name.endswith(".pdf")
    if is_file_name:
        return Answer(301, HTML, headers={"Location": f"/pdf/{asked}"})
    known = {a.paper.arxiv_id: a.paper.versioned for a in listing.announcements}
    versioned = known.get(asked, asked)
    file = pdfs / f"{versioned.replace('/', '_')}.pdf"
    if versioned not in known.values() or not file.is_file():
        return Answer(404, HTML, _page("arXiv", f"No document for '{asked}'", "Check the id."))
    return _pdf(versioned, file.read_bytes(), faults.get(versioned))


def _pdf(versioned: str, content: bytes, fault: PdfFault | None) -> Answer:
    pages = _error_pages(versioned)
    if fault in pages:
        return pages[fault]
    if fault == "empty":
        content = b""
    elif fault == "truncated":
        content = content[: len(content) * 6 // 10]
    elif fault == "encrypted":
        content = _encrypted(content)
    return Answer(200, PDF, content, chunked=True, cut=fault == "disconnect")


def _error_pages(versioned: str) -> dict[PdfFault | None, Answer]:
    """What comes in a PDF's place, by fault."""
    withdrawn = f"This version of {versioned} has been withdrawn and is unavailable"
    return {
        "html": Answer(200, HTML, _page(versioned, f"PDF of {versioned} not ready", "Try later.")),
        "captcha": Answer(200, HTML, _page("arXiv reCAPTCHA", "Are you a robot?", "Tick a box.")),
        "not_found": Answer(
            404, HTML, _page(versioned, f"File unavailable for {versioned}", "No PDF was made.")
        ),
        "withdrawn": Answer(
            404, HTML, _page(f"Paper {versioned} withdrawn", withdrawn, "See its abstract.")
        ),
        "server_error": Answer(
            500, HTML, _page("arXiv", "file unavailable", f"No PDF could be made of {versioned}.")
        ),
    }


def _page(title: str, heading: str, text: str) -> bytes:
    title, heading, text = map(escape, (title, heading, text))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{title}</title>\n</head>\n"
        f"<body>\n<h1>{heading}</h1>\n<p>{text}</p>\n</body>\n</html>\n"
    ).encode()


def _encrypted(content: bytes) -> bytes:
    """The same pages behind a password that nobody has; RC4 needs no further package."""
    import pypdf  # noqa: PLC0415 - slow to load

    writer = pypdf.PdfWriter(clone_from=BytesIO(content))
    writer.encrypt(user_password="not told", algorithm="RC4-128")  # noqa: S106 - no secret
    out = BytesIO()
    writer.write(out)
    return out.getvalue()
