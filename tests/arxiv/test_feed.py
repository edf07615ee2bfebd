from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from pipeline.arxiv.feed import parse_feed
from pipeline.errors import ArxivMalformed, ArxivRefused
from pipeline.records import AnnounceType

WHERE = "https://rss.example/rss/cs.SD+eess.AS"
NAMESPACES = (
    'xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"'
)
RSS_DATE = "Thu, 30 Apr 2026 00:00:00 -0400"
ATOM_DATE = "2026-04-30T04:00:02+00:00"


@dataclass(frozen=True)
class Item:
    """One item, in either form that arXiv serves."""

    versioned: str = "2604.99001v1"
    announce: str | None = "new"
    title: str = "A Title"
    abstract: str = "We study sound."
    creator: str = "Wei Zhang"
    categories: tuple[str, ...] = ("cs.SD", "eess.AS")

    @property
    def _body(self) -> str:
        announce = f"<arxiv:announce_type>{self.announce}</arxiv:announce_type>"
        return (
            f"<title>{escape(self.title)}</title>"
            f"{announce if self.announce else ''}"
            f"<dc:creator>{escape(self.creator)}</dc:creator>"
        )

    @property
    def _summary(self) -> str:
        return escape(
            f"arXiv:{self.versioned} Announce Type: {self.announce} \nAbstract: {self.abstract}"
        )

    def rss(self) -> str:
        base = self.versioned.partition("v")[0]
        categories = "".join(f"<category>{name}</category>" for name in self.categories)
        return (
            f"<item>{self._body}<link>https://arxiv.org/abs/{base}</link>"
            f"<description>{self._summary}</description>"
            f'<guid isPermaLink="false">oai:arXiv.org:{self.versioned}</guid>{categories}'
            f"<pubDate>{RSS_DATE}</pubDate></item>"
        )

    def atom(self) -> str:
        base = self.versioned.partition("v")[0]
        categories = "".join(f'<category term="{name}"/>' for name in self.categories)
        return (
            f"<entry>{self._body}<id>oai:arXiv.org:{self.versioned}</id>"
            f'<link href="https://arxiv.org/abs/{base}" rel="alternate" type="text/html"/>'
            f"<summary>{self._summary}</summary>{categories}"
            f"<updated>{ATOM_DATE}</updated></entry>"
        )


def rss(*items: Item, date: str = RSS_DATE, title: str = "cs.SD updates on arXiv.org") -> bytes:
    return (
        "<?xml version='1.0' encoding='UTF-8'?>"
        f'<rss {NAMESPACES} version="2.0"><channel><title>{title}</title>'
        "<link>http://rss.arxiv.org/rss/cs.SD</link>"
        "<description>the channel's description</description>"
        f"<lastBuildDate>Thu, 30 Apr 2026 04:00:02 +0000</lastBuildDate>"
        f"<pubDate>{date}</pubDate>{''.join(item.rss() for item in items)}</channel></rss>"
    ).encode()


def atom(*items: Item, date: str = ATOM_DATE, title: str = "cs.SD updates on arXiv.org") -> bytes:
    return (
        "<?xml version='1.0' encoding='UTF-8'?>"
        f'<feed {NAMESPACES} xmlns="http://www.w3.org/2005/Atom" xml:lang="en-us">'
        f"<id>http://rss.arxiv.org/atom/cs.SD</id><title>{title}</title><updated>{date}</updated>"
        f"<subtitle>the channel's description</subtitle>"
        f"{''.join(item.atom() for item in items)}</feed>"
    ).encode()


Form = Callable[..., bytes]
FORMS = pytest.mark.parametrize("form", [rss, atom])


@FORMS
def test_an_item_becomes_an_announced_paper(form: Form) -> None:
    item = Item(
        versioned="2509.99123v5",
        announce="replace-cross",
        title="Singing Voice\n  Conversion",
        abstract="  We reach $\\mathrm{STOI} > 0.9$ at under\n1 kbps. Code & samples exist.",
        creator='J\\"urgen Kr\\"uger, Wei Zhang',
        categories=("cs.CV", "cs.MM", "eess.AS"),
    )

    (announced,) = parse_feed(form(item), where=WHERE).announcements

    assert announced.announce is AnnounceType.REPLACE_CROSS
    paper = announced.paper
    assert (paper.arxiv_id, paper.version) == ("2509.99123", 5)
    assert paper.title == "Singing Voice Conversion"
    assert paper.abstract == (
        "We reach $\\mathrm{STOI} > 0.9$ at under 1 kbps. Code & samples exist."
    )
    assert paper.authors == ("Jürgen Krüger", "Wei Zhang")
    assert paper.categories == ("cs.CV", "cs.MM", "eess.AS")
    assert paper.comment is None
    assert paper.submitted is None
    assert paper.metadata == "feed"


@FORMS
def test_the_guid_gives_the_version(form: Form) -> None:
    feed = parse_feed(form(Item("2604.99001v1"), Item("2602.99500v12")), where=WHERE)

    assert [item.paper.versioned for item in feed.announcements] == [
        "2604.99001v1",
        "2602.99500v12",
    ]


@pytest.mark.parametrize(
    ("content", "date"),
    [
        (rss(date="Thu, 30 Apr 2026 00:00:00 -0400"), dt.date(2026, 4, 30)),
        (rss(date="Thu, 30 Apr 2026 03:30:00 +0000"), dt.date(2026, 4, 29)),
        (rss(date="Thu, 30 Apr 2026 12:30:00 +0900"), dt.date(2026, 4, 29)),
        (rss(date="Thu, 15 Jan 2026 00:00:00 -0500"), dt.date(2026, 1, 15)),
        (atom(date="2026-04-30T04:00:02+00:00"), dt.date(2026, 4, 30)),
        (atom(date="2026-04-30T03:59:59+00:00"), dt.date(2026, 4, 29)),
        (atom(date="2026-01-15T04:30:00Z"), dt.date(2026, 1, 14)),  # winter: UTC-5
    ],
)
def test_the_date_is_the_one_in_new_york(content: bytes, date: dt.date) -> None:
    assert parse_feed(content, where=WHERE).date == date


@pytest.mark.parametrize("content", [rss(date=""), rss(date="today"), atom(date="30.4.2026")])
def test_a_feed_without_a_readable_date_is_malformed(content: bytes) -> None:
    with pytest.raises(ArxivMalformed, match="does not say its date"):
        parse_feed(content, where=WHERE)


@FORMS
def test_arxivs_order_is_kept(form: Form) -> None:
    ids = ["2604.99010v1", "2604.99004v1", "2604.99002v1", "2601.99007v3", "2509.99123v5"]
    types = ["new", "new", "cross", "replace", "replace-cross"]
    items = [Item(i, announce=t) for i, t in zip(ids, types, strict=True)]

    feed = parse_feed(form(*items), where=WHERE)

    assert [item.paper.versioned for item in feed.announcements] == ids
    assert [item.announce.value for item in feed.announcements] == types


@pytest.mark.parametrize(
    ("announced", "kept"),
    [
        (["cross", "new"], "new"),
        (["new", "cross"], "new"),
        (["replace", "cross"], "cross"),
        (["replace-cross", "replace"], "replace"),
        (["replace-cross", "replace", "cross", "new"], "new"),
        (["new", "cross", "replace", "replace-cross"], "new"),
    ],
)
def test_a_paper_is_kept_once_by_its_strongest_type(announced: list[str], kept: str) -> None:
    versions = [
        Item(f"2604.99001v{n}", announce=announce) for n, announce in enumerate(announced, 1)
    ]
    other = Item("2604.99002v1")

    feed = parse_feed(rss(versions[0], other, *versions[1:]), where=WHERE)

    of_the_paper = [a for a in feed.announcements if a.paper.arxiv_id == "2604.99001"]
    assert [a.announce.value for a in of_the_paper] == [kept]
    assert of_the_paper[0].paper.version == announced.index(kept) + 1
    assert len(feed.announcements) == 2


def test_of_the_same_paper_twice_with_the_same_type_the_first_is_kept() -> None:
    feed = parse_feed(rss(Item(title="first"), Item(title="second")), where=WHERE)

    assert [item.paper.title for item in feed.announcements] == ["first"]


@FORMS
@pytest.mark.parametrize(
    "title",
    [
        "TinyCodec: Low-Bitrate Neural Speech Coding at $<$1 kbps",
        "0",
        "R&D & <b>bold</b> claims",
        "x < y > z",
        "Étude du son: 语音",
        "Fr\\'echet \\& Co. at 10\\%",
        "For only $5 a day",
    ],
)
def test_titles_survive(form: Form, title: str) -> None:
    (announced,) = parse_feed(form(Item(title=title)), where=WHERE).announcements

    assert announced.paper.title == title


def test_a_summary_without_the_usual_head_is_the_abstract_as_it_is() -> None:
    content = rss(Item(abstract="x")).replace(
        b"arXiv:2604.99001v1 Announce Type: new \nAbstract: x", b"Only this."
    )

    assert parse_feed(content, where=WHERE).announcements[0].paper.abstract == "Only this."


@FORMS
def test_authors_are_split_and_in_unicode(form: Form) -> None:
    item = Item(creator=' The ABC Collaboration, J\\"urgen Kr\\"uger (MIT, US), Bo Li')

    (announced,) = parse_feed(form(item), where=WHERE).announcements

    assert announced.paper.authors == ("The ABC Collaboration", "Jürgen Krüger", "Bo Li")


@FORMS
def test_a_thousand_authors_are_all_there(form: Form) -> None:
    names = [f"Ann Lee {n}" for n in range(1000)]

    (announced,) = parse_feed(form(Item(creator=", ".join(names))), where=WHERE).announcements

    assert announced.paper.authors == tuple(names)


@FORMS
def test_a_weekend_feed_is_empty_and_has_its_date(form: Form) -> None:
    feed = parse_feed(form(), where=WHERE)

    assert feed.date == dt.date(2026, 4, 30)
    assert feed.announcements == ()


@FORMS
def test_an_error_feed_is_refused_with_arxivs_reason(form: Form) -> None:
    content = form(title="Feed error for query: http://rss.arxiv.org/rss/cs.XX").replace(
        b"the channel's description", b"Bad subject class 'XX'."
    )

    with pytest.raises(ArxivRefused) as caught:
        parse_feed(content, where=WHERE)

    assert "Bad subject class 'XX'." in str(caught.value)
    assert caught.value.where == WHERE
    assert not caught.value.retryable


WHOLE = rss(Item("2604.99001v1"), Item("2604.99002v1"))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"Rate exceeded.", id="plain text"),
        pytest.param(b"<html><body>Site maintenance</body></html>", id="HTML"),
        pytest.param(b"<!doctype html><title>arXiv reCAPTCHA</title><p>Are you", id="captcha"),
        pytest.param(WHOLE[: len(WHOLE) // 2], id="cut off in an item"),
        pytest.param(WHOLE[:-1], id="cut off by one byte"),
        pytest.param(WHOLE[: WHOLE.index(b"<item>")], id="cut off before the items"),
        pytest.param(b"<?xml version='1.0'?><opml version='1.0'/>", id="another XML"),
        pytest.param(WHOLE.replace(b"We study", b"We\xffstudy"), id="not UTF-8"),
        pytest.param(b'{"error": "no"}', id="JSON"),
    ],
)
def test_what_is_no_whole_feed_is_malformed(content: bytes) -> None:
    with pytest.raises(ArxivMalformed) as caught:
        parse_feed(content, where=WHERE)

    assert caught.value.where == WHERE
    assert "\n" not in str(caught.value)


def test_an_answer_that_names_a_file_is_not_opened(tmp_path: Path) -> None:
    trap = tmp_path / "feed.xml"
    trap.write_bytes(WHOLE)

    with pytest.raises(ArxivMalformed):
        parse_feed(str(trap).encode(), where=WHERE)


@FORMS
@pytest.mark.parametrize(
    ("versioned", "guess"),
    [("2604.99001v1", AnnounceType.NEW), ("2604.99001v2", AnnounceType.REPLACE)],
)
@pytest.mark.parametrize("announce", [None, "withdrawn", "no_match"])
def test_an_unknown_announce_type_is_that_papers_question_alone(
    form: Form, versioned: str, guess: AnnounceType, announce: str | None
) -> None:
    feed = parse_feed(
        form(Item("2604.99002v1"), Item(versioned=versioned, announce=announce)), where=WHERE
    )

    assert [item.paper.arxiv_id for item in feed.announcements] == ["2604.99002", "2604.99001"]
    assert feed.announcements[1].announce is guess
    assert feed.untyped == ("2604.99001",)


@FORMS
def test_a_paper_with_a_known_type_too_has_that_one(form: Form) -> None:
    twice = [Item("2604.99001v2", announce=name) for name in ("no_match", "replace-cross")]

    feed = parse_feed(form(*twice), where=WHERE)

    assert [item.announce for item in feed.announcements] == [AnnounceType.REPLACE_CROSS]
    assert feed.untyped == ()


@FORMS
@pytest.mark.parametrize(
    "item",
    [
        pytest.param(Item(versioned="nonsense"), id="no id"),
        pytest.param(Item(versioned="2604.99001"), id="no version"),
    ],
)
def test_an_item_that_cannot_be_named_fails_the_feed(form: Form, item: Item) -> None:
    with pytest.raises(ArxivMalformed, match=r"an item (cannot be read|without a version)"):
        parse_feed(form(Item("2604.99002v1"), item), where=WHERE)
