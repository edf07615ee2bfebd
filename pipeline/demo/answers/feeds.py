"""`/rss/cs.SD+eess.AS` and `/atom/…`: today's papers in one of the categories."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote

from pipeline.arxiv.calendar import EASTERN
from pipeline.categories import vocabulary
from pipeline.demo.answers.answer import Answer, maintenance
from pipeline.demo.archive import Archive, Row, in_categories
from pipeline.demo.asked import Asked
from pipeline.demo.payloads.feeds import Form, feed, feed_error
from pipeline.records import Announcement, AnnounceType

KINDS: dict[Form, str] = {"rss": "text/xml", "atom": "application/atom+xml"}
_ANOTHER_TYPE = {
    AnnounceType.NEW: AnnounceType.CROSS,
    AnnounceType.CROSS: AnnounceType.REPLACE_CROSS,
    AnnounceType.REPLACE: AnnounceType.REPLACE_CROSS,
}


def feed_answer(archive: Archive, asked: Asked, fault: str | None) -> Answer:
    """The feed as it is today, or 304 where the client has it."""
    form: Form = "atom" if asked.address.startswith("/atom/") else "rss"
    names = unquote(asked.address.removeprefix(f"/{form}/")).split("+")
    known = _known_categories()
    bad = next((name for name in names if name.lower() not in known), None)
    if fault == "error_feed":
        bad = names[0]
    if bad is not None:
        return Answer(400, KINDS[form], feed_error(form, archive.today, names, _reason(bad)))
    if fault == "not_xml":
        return maintenance()
    categories = [known[name.lower()] for name in names]
    items = _distorted(in_categories(_announced(archive, fault), categories), fault)
    body = feed(form, archive.today, categories, items)
    if fault == "nameless":
        body = _nameless(body)
    if fault == "truncated_xml":
        return Answer(200, KINDS[form], body[: len(body) // 2])
    return _conditional(asked, KINDS[form], body, archive.now)


def _known_categories() -> dict[str, str]:
    """Categories and whole archives by their lower-case names: arXiv takes any case."""
    names = vocabulary() | {name.partition(".")[0] for name in vocabulary()}
    return {name.lower(): name for name in names}


def _reason(name: str) -> str:
    archive, _, subject = name.partition(".")
    archives = {known.partition(".")[0] for known in vocabulary()}
    if archive in archives and subject:
        valid = (known for known in vocabulary() if known.startswith(f"{archive}."))
        head = f"Bad subject class '{subject}'. Valid subject classes for the archive '{archive}'"
        return f"{head} are: {_sorted(valid)}."
    return f"Bad archive '{archive}'. Valid archive names are: {_sorted(archives)}."


def _sorted(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _announced(archive: Archive, fault: str | None) -> tuple[Row, ...]:
    if fault == "empty":
        return ()
    before = archive.listing_before(archive.today)
    earlier = archive.fed(before) if before else ()
    if fault == "stale":
        return earlier
    return (*(earlier[:1] if fault == "stale_paper" else ()), *archive.fed(archive.today))


def _distorted(items: Sequence[Announcement], fault: str | None) -> Sequence[Announcement]:
    if fault == "incomplete":
        return [item for number, item in enumerate(items, start=1) if number % 3]
    if fault == "doubled":
        again = (
            item.model_copy(update={"announce": _ANOTHER_TYPE.get(item.announce, item.announce)})
            for item in items
        )
        return sorted([*items, *again], key=lambda i: (i.announce.rank, i.paper.arxiv_id))
    return items


def _nameless(body: bytes) -> bytes:
    """The last item with the word for an action that the feed has no announce type for."""
    start = max(body.rfind(b"<item>"), body.rfind(b"<entry>"), 0)
    named = re.compile(rb"(Announce Type: |announce_type>)[a-z-]+")
    return body[:start] + named.sub(rb"\1no_match", body[start:])


def _conditional(asked: Asked, kind: str, body: bytes, now: dt.datetime) -> Answer:
    etag = hashlib.sha256(body).hexdigest()  # arXiv does not quote it
    headers = {"ETag": etag, "Cache-Control": f"max-age={_seconds_to_midnight(now)}"}
    if asked.if_none_match.removeprefix("W/").strip('"') == etag:
        return Answer(304, headers=headers)
    return Answer(200, kind, body, headers)


def _seconds_to_midnight(now: dt.datetime) -> int:
    """In New York; `now` too. Between times of one zone, Python leaves the clock change out."""
    midnight = dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time(), EASTERN)
    return int((midnight.astimezone(dt.UTC) - now.astimezone(dt.UTC)).total_seconds())
