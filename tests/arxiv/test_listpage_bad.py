"""The catch-up page's own forms, and pages that must not be believed."""

from __future__ import annotations

import datetime as dt
import time

import pytest

from pipeline.arxiv.listpage import parse_list_page
from pipeline.errors import ArxivMalformed, ArxivRefused
from pipeline.records import AnnounceType
from tests.arxiv.test_listpage import (
    CATCHUP_HEAD,
    NEW_HEAD,
    ONE_NEW,
    WHERE,
    Entry,
    page,
    section,
)


@pytest.mark.parametrize("words", ["entries", "entries for Thu, 30 Apr 2026"])
def test_a_catch_up_page(words: str) -> None:
    content = page(
        section("New submissions (showing 1 of 40 entries)", Entry()),
        head=f"{CATCHUP_HEAD}<ul></ul>",
        total=53,
    ).replace(
        b"53 entries",
        f"53 {words} View page: <span>1</span> <a href=/catchup/cs.SD?page=2>2</a>".encode(),
    )

    found = parse_list_page(content, where=WHERE)

    assert found.date == dt.date(2026, 4, 30)
    assert (found.total, found.counts) == (53, {AnnounceType.NEW: 40})
    assert [entry.arxiv_id for entry in found.entries] == ["2604.91001"]


@pytest.mark.parametrize(
    "head",
    [
        "<h1>Catchup results for Sound on Wed, 05 Aug 2026</h1>",
        "<h1>Catchup results for Physics on Society on Wed, 5 August 2026</h1>",
        "<h3>Showing new listings for\n Wednesday, 5 August 2026</h3>",
    ],
)
def test_every_form_of_the_date(head: str) -> None:
    content = page(section(ONE_NEW, Entry()), head=head)

    assert parse_list_page(content, where=WHERE).date == dt.date(2026, 8, 5)


@pytest.mark.parametrize(
    "words",
    [
        "No updates for Thu, 30 Apr 2026",
        "No updates for Thu, 30 Apr 2026. There was either no announcement for this day, or no"
        " updates within the requested subject.",
    ],
)
@pytest.mark.parametrize("total", [0, None])
def test_a_day_without_anything(words: str, total: int | None) -> None:
    content = page(f"<div><p>{words}</p></div>", head=CATCHUP_HEAD, total=total)

    found = parse_list_page(content, where=WHERE)

    assert (found.date, found.total, found.entries) == (dt.date(2026, 4, 30), 0, ())


def test_a_page_beyond_the_last() -> None:
    content = page("No further updates for Thu, 30 Apr 2026", head=CATCHUP_HEAD, total=53)

    found = parse_list_page(content, where=WHERE)

    assert (found.total, found.counts, found.entries) == (53, {}, ())


def test_an_abstract_may_be_missing() -> None:
    content = page(section(ONE_NEW, Entry())).replace(b"<p class='mathjax'>", b"<p hidden>")

    assert parse_list_page(content, where=WHERE).entries[0].abstract == ""


def test_a_captcha_is_refused() -> None:
    captcha = b"<html><head><title>arXiv reCAPTCHA</title></head><body>Are you</body></html>"

    with pytest.raises(ArxivRefused, match="asks for a human") as caught:
        parse_list_page(captcha, where=WHERE)

    assert caught.value.where == WHERE
    assert not caught.value.retryable


WHOLE = page(section(ONE_NEW, Entry()))


def changed(old: str, new: str) -> bytes:
    assert old.encode() in WHOLE
    return WHOLE.replace(old.encode(), new.encode())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "no end", id="empty"),
        pytest.param(b"Rate exceeded.", "no end", id="plain text"),
        pytest.param(b"This listing is temporarily unavailable", "no end", id="unavailable"),
        pytest.param(b"<html><body>Down</body></html>", "does not say how many", id="other page"),
        pytest.param(WHOLE[: len(WHOLE) // 2], "no end", id="cut off"),
        pytest.param(WHOLE[:-9], "no end", id="cut off near the end"),
        pytest.param(WHOLE.replace(b"We", b"\xff"), "not UTF-8", id="not UTF-8"),
        pytest.param(changed("Showing new", "Showing old"), "which day", id="no date"),
        pytest.param(page(head=NEW_HEAD + CATCHUP_HEAD.replace("30", "29"), total=0),
                     "which day", id="two dates"),
        pytest.param(changed("30 April", "31 April"), "cannot be read", id="no such date"),
        pytest.param(changed("30 April", "30 Avril"), "cannot be read", id="another language"),
        pytest.param(changed("Total of 1 entries", ""), "how many", id="no total"),
        pytest.param(WHOLE.replace(b"Total of 1 ", b"Total of 2 ", 1), "how many", id="two totals"),
        pytest.param(page(), "shows no section", id="a total and nothing else"),
        pytest.param(changed("New submissions", "Withdrawn submissions"),
                     "unknown section .Withdrawn", id="unknown section"),
        pytest.param(changed("New submissions (showing 1 of 1 entries)", "New submissions"),
                     "unknown section", id="entries without a count"),
        pytest.param(changed("<h3>New", "<h4>New"), "unknown section", id="no heading"),
        pytest.param(page(section(ONE_NEW, Entry()), section(ONE_NEW, Entry())),
                     "two sections of new", id="a section twice"),
        pytest.param(changed('href ="/abs/2604.91001"', 'href="/abs/nonsense"'),
                     "without an arXiv id", id="unreadable id"),
        pytest.param(changed('title="Abstract"', ""), "without an arXiv id", id="no id"),
        pytest.param(changed("</dd>", "</dd><dt>[2]</dt>"), "is not whole", id="dt without dd"),
        pytest.param(changed("</dd>", "</dd><dd></dd>"), "is not whole", id="dd without dt"),
        pytest.param(changed("list-title", "title"), "2604.91001 without a title", id="no title"),
        pytest.param(changed("(cs.SD)", "").replace(b"(eess.AS)", b""),
                     "without categories", id="no categories"),
    ],
)  # fmt: skip
def test_what_is_not_certain_is_malformed(content: bytes, reason: str) -> None:
    with pytest.raises(ArxivMalformed, match=reason) as caught:
        parse_list_page(content, where=WHERE)

    assert caught.value.where == WHERE
    assert "\n" not in str(caught.value)


def test_two_thousand_entries_are_read_in_seconds() -> None:
    entries = [Entry(f"2604.{n:05d}") for n in range(2000)]
    content = page(section("New submissions (showing 2000 of 2000 entries)", *entries), total=2000)
    started = time.perf_counter()

    found = parse_list_page(content, where=WHERE)

    assert len(found.entries) == 2000
    assert time.perf_counter() - started < 5
