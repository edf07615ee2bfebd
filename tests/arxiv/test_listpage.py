from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from html import escape

import pytest

from pipeline.arxiv.listpage import PageEntry, parse_list_page
from pipeline.records import AnnounceType

WHERE = "https://arxiv.example/list/cs.SD/new"
NEW_HEAD = "<h3>Showing new listings for Thursday, 30 April 2026</h3>"
CATCHUP_HEAD = "<h1>Catchup results for Sound on Thu, 30 Apr 2026</h1>"
SUBJECTS = (
    '<span class="primary-subject">Sound (cs.SD)</span>; Audio and Speech Processing (eess.AS)'
)


@dataclass(frozen=True)
class Entry:
    """One dt and dd as arXiv's template writes them."""

    arxiv_id: str = "2604.91001"
    title: str = "A Title"
    authors: str = '<a href="https://arxiv.org/search/" rel="nofollow">Wei Zhang</a>'
    comment: str = ""
    subjects: str = SUBJECTS
    abstract: str = "We study sound."

    def html(self) -> str:
        comments = (
            "<div class='list-comments mathjax'><span class='descriptor'>Comments:</span>\n"
            f"{self.comment}\n</div>"
        )
        return f"""
    <dt>
      <a name='item1'>[1]</a>
      <a href ="/abs/{self.arxiv_id}" title="Abstract" id="{self.arxiv_id}">
        arXiv:{self.arxiv_id}
      </a>
      (cross-list from cs.LG)
      [<a href="/pdf/{self.arxiv_id}" title="Download PDF" id="pdf-{self.arxiv_id}">pdf</a>]
    </dt>
    <dd>
      <div class='meta'>
        <div class='list-title mathjax'><span class='descriptor'>Title:</span>
          {escape(self.title)}
        </div>
        <div class='list-authors'>{self.authors}</div>
        {comments if self.comment else ""}
        <div class='list-journal-ref'><span class='descriptor'>Journal-ref:</span>J. 1 (2026)</div>
        <div class='list-subjects'><span class='descriptor'>Subjects:</span>
          {self.subjects}
        </div>
        <p class='mathjax'>
          {self.abstract}
        </p>
      </div>
    </dd>"""


def section(heading: str, *entries: Entry) -> str:
    shown = "".join(entry.html() for entry in entries)
    return f"<dl id='articles'>\n<h3>{heading}</h3>\n{shown}\n</dl>"


def page(*sections: str, total: int | None = 1, head: str = NEW_HEAD) -> bytes:
    totals = f"<div class='paging'>Total of {total} entries </div>" if total is not None else ""
    return (
        f"<!DOCTYPE html><html lang='en'><head><title>Sound</title></head><body>"
        f"<div id='dlpage'>{head}{totals}{''.join(sections)}{totals}</div></body></html>\n"
    ).encode()


ONE_NEW = "New submissions (showing 1 of 1 entries)"


def only(entry: Entry) -> PageEntry:
    (found,) = parse_list_page(page(section(ONE_NEW, entry)), where=WHERE).entries
    return found


def test_a_list_page_says_its_date_its_counts_and_its_entries_in_order() -> None:
    content = page(
        section("New submissions (showing 2 of 2 entries)", Entry(), Entry("2604.91002")),
        section("Cross submissions (showing 1 of 1 entries)", Entry("2602.90500v3")),
        section("Replacement submissions (showing 1 of 1 entries)", Entry("math.GT/0309136")),
        total=4,
    )  # fmt: skip

    found = parse_list_page(content, where=WHERE)

    assert found.date == dt.date(2026, 4, 30)
    assert found.total == 4
    assert found.counts == {AnnounceType.NEW: 2, AnnounceType.CROSS: 1, AnnounceType.REPLACE: 1}
    assert [(e.arxiv_id, e.version, e.announce.value) for e in found.entries] == [
        ("2604.91001", None, "new"),
        ("2604.91002", None, "new"),
        ("2602.90500", 3, "cross"),
        ("math/0309136", None, "replace"),
    ]


def test_an_entry_has_every_field() -> None:
    links = (
        '<a href="https://arxiv.org/search/?q=O">Maria L.\n Ortega</a> (MIT), '
        '<a href="/search">J&uuml;rgen Kr\u00fcger</a>'
    )
    entry = Entry(
        title="Speech\n  Coding",
        authors=links,
        comment="5 pages,\n <a href='https://x.example'>this https URL</a>",
        abstract="First.<br>Second,\n see <a href='https://x.example'>this https URL</a> .",
    )

    assert only(entry) == PageEntry(
        arxiv_id="2604.91001",
        version=None,
        announce=AnnounceType.NEW,
        title="Speech Coding",
        authors=("Maria L. Ortega", "Jürgen Krüger"),
        comment="5 pages, this https URL",
        abstract="First. Second, see this https URL .",
        categories=("cs.SD", "eess.AS"),
    )


@pytest.mark.parametrize(
    "title",
    ["0", "Coding at $<$1 kbps", "R&D & <b>bold</b> claims", "Only $5 a day", "Title: a history"],
)
def test_titles_survive(title: str) -> None:
    assert only(Entry(title=title)).title == title


def test_no_comment_is_none() -> None:
    assert only(Entry()).comment is None


@pytest.mark.parametrize(
    ("authors", "expected"),
    [
        ("(author list is unavailable)", ()),
        (
            "<a href='/s'>Ann Lee</a>, <a href='/s'>Bo Li</a> "
            "et al. (12 additional authors not shown)",
            ("Ann Lee", "Bo Li"),
        ),
        (
            "<a href='/s'>Ann Lee</a>, <a href='#'>et al. (1 additional author not shown)</a>",
            ("Ann Lee",),
        ),
        ("<a href='/s'>Ann Lee</a> (<a href='http://x'>this http URL</a>)", ("Ann Lee",)),
        ("<a href='/s'>The ABC Collaboration</a>: <a href='/s'>Al Etal</a>",
         ("The ABC Collaboration", "Al Etal")),
    ],
)  # fmt: skip
def test_authors_are_the_linked_names(authors: str, expected: tuple[str, ...]) -> None:
    assert only(Entry(authors=authors)).authors == expected


@pytest.mark.parametrize(
    ("subjects", "expected"),
    [
        ("<span class='primary-subject'>Sound (cs.SD)</span>", ("cs.SD",)),
        (
            "<span>Physics Education (physics.ed-ph)</span>; High Energy Physics - Theory (hep-th);"
            " Disordered Systems and Neural Networks (cond-mat.dis-nn)",
            ("physics.ed-ph", "hep-th", "cond-mat.dis-nn"),
        ),
        ("<span>Sound (cs.SD)</span>; Sound (cs.SD)", ("cs.SD",)),
    ],
)
def test_categories_are_in_the_brackets(subjects: str, expected: tuple[str, ...]) -> None:
    assert only(Entry(subjects=subjects)).categories == expected


@pytest.mark.parametrize(
    ("heading", "announce", "count"),
    [
        ("New submissions (showing first 1 of 77 entries)", AnnounceType.NEW, 77),
        ("New submissions (showing 1 of 40 entries )", AnnounceType.NEW, 40),
        ("Cross submissions (continued, showing last 1 of 60 entries)", AnnounceType.CROSS, 60),
        ("Replacement submissions (showing 1 of 1,200 entries)", AnnounceType.REPLACE, 1200),
    ],
)
def test_a_sections_count_is_the_whole_sections(
    heading: str, announce: AnnounceType, count: int
) -> None:
    found = parse_list_page(page(section(heading, Entry())), where=WHERE)

    assert found.counts == {announce: count}
    assert [entry.announce for entry in found.entries] == [announce]


@pytest.mark.parametrize(
    "head", ["Cross submissions", "Cross submissions (showing 0 of 0 entries)"]
)
def test_an_empty_section_counts_nothing(head: str) -> None:
    empty = f"<dl id='articles'><h3>{head}</h3><p>No updates for this time period.</p></dl>"

    found = parse_list_page(page(section(ONE_NEW, Entry()), empty), where=WHERE)

    assert found.counts == {AnnounceType.NEW: 1, AnnounceType.CROSS: 0}
    assert len(found.entries) == 1


def test_counts_and_total_are_what_the_page_says_not_what_it_has() -> None:
    found = parse_list_page(
        page(section("New submissions (showing 3 of 3 entries)", Entry()), total=9), where=WHERE
    )

    assert (found.total, found.counts, len(found.entries)) == (9, {AnnounceType.NEW: 3}, 1)


def test_an_abstract_cannot_change_the_total() -> None:
    entry = Entry(abstract="Total of 7 entries. No updates today.")

    assert parse_list_page(page(section(ONE_NEW, entry)), where=WHERE).total == 1


def test_a_list_page_without_anything() -> None:
    found = parse_list_page(page("<p>No updates today.</p>", total=None), where=WHERE)

    assert (found.date, found.total, found.counts, found.entries) == (
        dt.date(2026, 4, 30), 0, {}, (),
    )  # fmt: skip
