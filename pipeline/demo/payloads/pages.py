"""The list page and the catch-up page in the form of arxiv.org: sections with their own counts.

Ids carry no version; URLs in abstracts and comments are links that read `this https URL`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Literal, NamedTuple
from urllib.parse import quote, urlencode

from pipeline.categories import taxonomy
from pipeline.records import AnnounceType, Paper

Sections = Mapping[AnnounceType, Sequence[Paper]]
"""New, crossed and replaced papers."""
MOST_AUTHORS = 100
_LINKED = re.compile(r"(?P<url>(?:https?|ftp)://[^\s<>\"]+)|(?P<id>arXiv:\d{4}\.\d{4,5}(?:v\d+)?)")
_HEADS = {
    AnnounceType.NEW: "New",
    AnnounceType.CROSS: "Cross",
    AnnounceType.REPLACE: "Replacement",
}
_JUMPS = {
    AnnounceType.NEW: "New submissions",
    AnnounceType.CROSS: "Cross-lists",
    AnnounceType.REPLACE: "Replacements",
}


class Window(NamedTuple):
    """Which of the entries a page shows."""

    skip: int
    show: int


class _Row(NamedTuple):
    number: int
    """From 1, through all sections."""
    kind: AnnounceType
    paper: Paper


def list_page(category: str, date: dt.date, sections: Sections, window: Window) -> bytes:
    """`/list/cs.SD/new`: the newest listing."""
    rows = _rows(sections)
    address = f"/list/{category}/new?skip={window.skip}&amp;show={window.show}"
    nothing = "<p>No updates today.</p>"
    paging = f"<div class='paging'>Total of {len(rows)} entries </div>"
    parts = [
        f"<h1>{escape(_name(category))}</h1>",
        _jumps(sections, address),
        f"<h3>Showing new listings for {_date(date, '%A', '%B')}</h3>",
        paging,
        _lists(rows, window, form="list") or nothing,
        paging,
    ]
    return _page(_name(category), parts)


def catchup_page(
    category: str,
    date: dt.date,
    sections: Sections,
    *,
    page: int,
    size: int,
    abstracts: bool,
) -> bytes:
    """`/catchup/cs.SD/2026-01-07?abs=True&page=1`: the listing of a past date."""
    rows = _rows(sections)
    day = date.strftime("%a, %d %b %Y")
    address = f"/catchup/{category}/{date}?{urlencode({'abs': abstracts, 'page': ''})}"
    pages = _pages(len(rows), page, size, address)
    paging = f"<div>\nTotal of {len(rows)} entries for {day}\n{pages}</div>"
    nothing = (
        f"<div>\nNo further updates for {day}\n<br>\n</div>"
        if page > 1
        else f"<div>\n<p>No updates for {day}. There was either no announcement for this day, "
        "or no updates within the requested subject.</p>\n</div>"
    )
    window = Window((page - 1) * size, size)
    parts = [
        f"<h1>Catchup results for {escape(_name(category))} on {day}</h1>",
        _jumps(sections, ""),
        paging,
        _lists(rows, window, form="catchup", abstracts=abstracts) or nothing,
        paging,
    ]
    return _page("arXiv.org catchup", parts)


def _rows(sections: Sections) -> list[_Row]:
    flat = [(kind, paper) for kind in _HEADS for paper in sections.get(kind, ())]
    return [_Row(number, kind, paper) for number, (kind, paper) in enumerate(flat, start=1)]


def _lists(
    rows: Sequence[_Row],
    window: Window,
    *,
    form: Literal["list", "catchup"],
    abstracts: bool = True,
) -> str:
    """The sections that have something in the window."""
    shown = rows[window.skip : window.skip + window.show]
    parts = []
    for kind, word in _HEADS.items():
        ours = [row for row in rows if row.kind is kind]
        here = [row for row in shown if row.kind is kind]
        if here:
            head = f"{word} submissions ({_showing(ours, here, form)} entries)"
            entries = "\n".join(_entry(row, abstracts=abstracts) for row in here)
            parts.append(f"<dl id='articles'>\n    <h3>{head}</h3>\n{entries}\n</dl>")
    return "\n".join(parts)


def _showing(ours: Sequence[_Row], here: Sequence[_Row], form: Literal["list", "catchup"]) -> str:
    """`showing first 50 of 77` and so on; the catch-up page is simpler."""
    count = f"{len(here)} of {len(ours)}"
    continued, ends = here[0] is not ours[0], here[-1] is ours[-1]
    if form == "catchup":
        return f"{'continued, ' if continued else ''}showing {count}"
    if continued:
        return f"continued, showing {'last ' if ends else ''}{count}"
    return f"showing {'' if ends else 'first '}{count}"


def _entry(row: _Row, *, abstracts: bool) -> str:
    paper, base = row.paper, row.paper.arxiv_id
    crossed = f"(cross-list from {paper.categories[0]})"
    remark = {AnnounceType.CROSS: crossed, AnnounceType.REPLACE: "(replaced)"}.get(row.kind, "")
    pdf, other = _download("pdf", "Download PDF", base), _download("format", "Other formats", base)
    comment = (
        "        <div class='list-comments mathjax'><span class='descriptor'>Comments:</span>\n"
        f"          {urlized(paper.comment)}\n        </div>\n"
        if paper.comment
        else ""
    )
    abstract = (
        f"        <p class='mathjax'>\n          {urlized(paper.abstract)}\n        </p>\n"
        if abstracts
        else ""
    )
    return (
        f"    <dt>\n      <a name='item{row.number}'>[{row.number}]</a>\n"
        f'      <a href ="/abs/{base}" title="Abstract" id="{base}">\n        arXiv:{base}\n'
        f"      </a>\n          {remark}\n        [{pdf}, {other}]\n    </dt>\n"
        "    <dd>\n      <div class='meta'>\n"
        "        <div class='list-title mathjax'><span class='descriptor'>Title:</span>\n"
        f"          {escape(paper.title, quote=False)}\n        </div>\n"
        f"        <div class='list-authors'>{_authors(paper)}</div>\n{comment}"
        "        <div class='list-subjects'><span class='descriptor'>Subjects:</span>\n"
        f"          {_subjects(paper)}\n        </div>\n{abstract}"
        "      </div>\n    </dd>"
    )


def _download(form: str, title: str, base: str) -> str:
    name = {"pdf": "pdf", "format": "oth"}[form]
    text = {"pdf": "pdf", "format": "other"}[form]
    return (
        f'<a href="/{form}/{base}" title="{title}" id="{name}-{base}" '
        f'aria-labelledby="{name}-{base}">{text}</a>'
    )


def _authors(paper: Paper) -> str:
    if not paper.authors:
        return "(author list is unavailable)"
    archive = paper.categories[0].partition(".")[0]
    linked = [
        f'<a href="https://arxiv.org/search/{archive}?searchtype=author&amp;'
        f'query={quote(name, safe="")}">{escape(name, quote=False)}</a>'
        for name in paper.authors[:MOST_AUTHORS]
    ]
    more = len(paper.authors) - len(linked)
    hidden = [f"et al. ({more} additional authors not shown)"] if more else []
    return ", ".join([*linked, *hidden])


def _subjects(paper: Paper) -> str:
    first, *others = [f"{escape(_name(name))} ({name})" for name in paper.categories]
    return "; ".join([f'<span class="primary-subject">{first}</span>', *others])


def urlized(text: str) -> str:
    """HTML with links in place of URLs, whose own text is lost, and around arXiv ids."""
    parts, end = [], 0
    for match in _LINKED.finditer(text):
        parts.append(escape(text[end : match.start()], quote=False))
        matched = match[0].rstrip(".,;:!?)]'")
        parts.append(_link(matched, is_id=match["id"] is not None))
        end = match.start() + len(matched)
    parts.append(escape(text[end:], quote=False))
    return "".join(parts)


def _link(text: str, *, is_id: bool) -> str:
    if is_id:
        return f'<a href="https://arxiv.org/abs/{text.removeprefix("arXiv:")}">{text}</a>'
    scheme = text.partition(":")[0]
    return (
        f'<a href="{escape(text)}" rel="external noopener nofollow" '
        f'class="link-external link-{scheme}">this {scheme} URL</a>'
    )


def _jumps(sections: Sections, address: str) -> str:
    """Links to the sections that are not empty."""
    first, links = 1, []
    for kind, text in _JUMPS.items():
        count = len(sections.get(kind, ()))
        if count:
            links.append(f'  <li><a href="{address}#item{first}">{text}</a></li>\n')
        first += count
    return f"<ul>\n{''.join(links)}</ul>"


def _pages(entries: int, page: int, size: int, address: str) -> str:
    numbers = range(1, -(-entries // size) + 1)
    if len(numbers) < 2:
        return ""
    links = (
        f"<span>{n}</span>" if n == page else f"<a href={escape(address)}{n}>{n}</a>"
        for n in numbers
    )
    return f"View page: {' '.join(links)}\n"


def _name(category: str) -> str:
    """`Sound` for cs.SD."""
    return taxonomy().categories.get(category, category)


def _date(date: dt.date, weekday: str, month: str) -> str:
    """Thursday, 30 April 2026: the day without a leading zero, on every system."""
    return f"{date.strftime(weekday)}, {date.day} {date.strftime(month)} {date.year}"


def _page(title: str, parts: Sequence[str]) -> bytes:
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        f"<title>{escape(title)}</title>\n</head>\n<body>\n<div id='content-inner'>\n"
        f"<div id='dlpage'>\n{body}\n</div>\n</div>\n</body>\n</html>\n"
    ).encode()
