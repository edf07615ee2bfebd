"""`/list/cs.SD/new` and `/catchup/cs.SD/2026-01-07?abs=True&page=1`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from urllib.parse import parse_qs

from pipeline.categories import canonical, taxonomy
from pipeline.demo.answers.answer import HTML, Answer, page
from pipeline.demo.archive import Archive, on_page
from pipeline.demo.payloads.pages import Window, catchup_page, list_page
from pipeline.demo.request import Request

MOST_SHOWN = 2000


def list_answer(archive: Archive, request: Request) -> Answer:
    """The newest announced listing of a category or archive."""
    category, _, form = request.address.removeprefix("/list/").partition("/")
    if form != "new" or not _is_known(category):
        return Answer(404, HTML, page("arXiv", "Not found", f"No listing of {category}."))
    if category in taxonomy().aliases:
        return _sent_on(request, category)
    date = archive.newest()
    fields = _fields(request)
    show = min(_number(fields, "show", MOST_SHOWN), MOST_SHOWN)
    window = Window(_number(fields, "skip", 0), show)
    sections = on_page(archive.listed(date), category) if date else {}
    body = list_page(category, date or archive.today, sections, window)
    return Answer(200, HTML, body)


def catchup_answer(archive: Archive, request: Request) -> Answer:
    """The listing of one of the past 90 days, in pages."""
    category, _, day = request.address.removeprefix("/catchup/").partition("/")
    fields = _fields(request)
    number = fields.get("page", "1")
    if not _is_known(category):
        return _bad_request(f"Invalid archive or category: {category}.")
    if category in taxonomy().aliases:
        return _sent_on(request, category)
    try:
        date = dt.date.fromisoformat(day)
    except ValueError:
        return _bad_request(f"Invalid date: {day}. Use the form YYYY-MM-DD.")
    if not archive.within_reach(date):
        return out_of_reach(day)
    if not number.isdecimal() or int(number) < 1:
        return _bad_request(f"Invalid page: {number}.")
    body = catchup_page(
        category,
        date,
        on_page(archive.mailed(date), category),
        page=int(number),
        size=archive.catchup_page,
        abstracts=fields.get("abs") == "True",
    )
    return Answer(200, HTML, body)


def out_of_reach(day: str) -> Answer:
    """A date that has no catch-up page."""
    return _bad_request(f"{day} is out of reach: catch-up is for the past 90 days up to today")


def _fields(request: Request) -> Mapping[str, str]:
    return {name: values[-1] for name, values in parse_qs(request.query).items()}


def _number(fields: Mapping[str, str], name: str, default: int) -> int:
    """What is no number does not count."""
    text = fields.get(name, "")
    return int(text) if text.isdecimal() else default


def _is_known(name: str) -> bool:
    """A category, an alias or an archive, spelled as arXiv does."""
    names = taxonomy()
    archives = {category.partition(".")[0] for category in names.categories}
    return name in names.categories or name in names.aliases or name in archives


def _sent_on(request: Request, category: str) -> Answer:
    """An alias leads to the page of the category that it stands for."""
    where = request.path.replace(f"/{category}/", f"/{canonical(category)}/", 1)
    return Answer(301, HTML, headers={"Location": where})


def _bad_request(reason: str) -> Answer:
    """The heading has the reason, and a paragraph that is always the same follows it."""
    text = (
        "What was asked for has an error in it, or lacks something that is needed, or is of a kind "
        "that is not served here. Look at the address again, please, and at what comes after the "
        "question mark."
    )
    return Answer(400, HTML, page("400 Bad Request", reason, text))
