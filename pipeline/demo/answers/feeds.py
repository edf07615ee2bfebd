"""`/rss/cs.SD+eess.AS` and `/atom/…`: today's papers in one of the categories."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from urllib.parse import unquote

from pipeline.arxiv.calendar import EASTERN
from pipeline.categories import vocabulary
from pipeline.demo.answers.answer import Answer
from pipeline.demo.archive import Archive, in_categories
from pipeline.demo.payloads.feeds import Form, feed, feed_error
from pipeline.demo.request import Request

KINDS: dict[Form, str] = {"rss": "text/xml", "atom": "application/atom+xml"}


def feed_answer(archive: Archive, request: Request) -> Answer:
    """The feed as it is today, or 304 where the client has it."""
    form, names = asked_feed(request)
    categories_by_name = _known_categories()
    bad = next((name for name in names if name.lower() not in categories_by_name), None)
    if bad is not None:
        return refused(archive, request, bad)
    categories = [categories_by_name[name.lower()] for name in names]
    items = in_categories(archive.fed(archive.today), categories)
    body = feed(form, archive.today, categories, items)
    return conditional(request, KINDS[form], body, archive.now)


def asked_feed(request: Request) -> tuple[Form, list[str]]:
    """The form and the names of what is asked for."""
    form: Form = "atom" if request.address.startswith("/atom/") else "rss"
    return form, unquote(request.address.removeprefix(f"/{form}/")).split("+")


def refused(archive: Archive, request: Request, bad: str) -> Answer:
    """The feed of an error, because of a name that is none."""
    form, names = asked_feed(request)
    return Answer(400, KINDS[form], feed_error(form, archive.today, names, _reason(bad)))


def _known_categories() -> dict[str, str]:
    """Categories and whole archives by their lower-case names: arXiv takes any case."""
    names = vocabulary() | {name.partition(".")[0] for name in vocabulary()}
    return {name.lower(): name for name in names}


def _reason(name: str) -> str:
    archive, _, subject = name.partition(".")
    archives = {category.partition(".")[0] for category in vocabulary()}
    if archive in archives and subject:
        valid = (category for category in vocabulary() if category.startswith(f"{archive}."))
        head = f"Bad subject class '{subject}'. Valid subject classes for the archive '{archive}'"
        return f"{head} are: {_sorted(valid)}."
    return f"Bad archive '{archive}'. Valid archive names are: {_sorted(archives)}."


def _sorted(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def conditional(request: Request, kind: str, body: bytes, now: dt.datetime) -> Answer:
    """A feed with its ETag, or no more than that where the client has it."""
    etag = hashlib.sha256(body).hexdigest()  # arXiv does not quote it
    headers = {"ETag": etag, "Cache-Control": f"max-age={_seconds_to_midnight(now)}"}
    if request.if_none_match.removeprefix("W/").strip('"') == etag:
        return Answer(304, headers=headers)
    return Answer(200, kind, body, headers)


def _seconds_to_midnight(now: dt.datetime) -> int:
    """In New York; `now` too. Between times of one zone, Python leaves the clock change out."""
    midnight = dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time(), EASTERN)
    return int((midnight.astimezone(dt.UTC) - now.astimezone(dt.UTC)).total_seconds())
