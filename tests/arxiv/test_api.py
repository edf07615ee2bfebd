from __future__ import annotations

import datetime as dt
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest

from pipeline.arxiv.api import IDS_A_REQUEST, parse_papers
from pipeline.errors import ArxivMalformed, ArxivRefused

WHERE = "https://export.example/api/query?id_list=2604.99001"


ATOM = "{http://www.w3.org/2005/Atom}"
ARXIV = "{http://arxiv.org/schemas/atom}"


def folded(text: str | None) -> str:
    return " ".join((text or "").split())


def answer(*entries: str) -> bytes:
    return (
        "<?xml version='1.0' encoding='UTF-8'?>"
        '<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"'
        ' xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns="http://www.w3.org/2005/Atom">'
        "<id>https://arxiv.org/api/dbHt8NTdRZ4uIA4MzxBV3ozx</id>"
        "<title>arXiv Query: search_query=&amp;id_list=2604.99001v1</title>"
        "<updated>2026-04-30T05:00:00Z</updated>"
        f"<opensearch:totalResults>{len(entries)}</opensearch:totalResults>"
        f"{''.join(entries)}</feed>"
    ).encode()


def entry(
    versioned: str = "2604.99001v1",
    *,
    title: str = "A Title",
    summary: str = "  We study\n  sound & <!-- --> $x < 1$.",
    primary: str | None = "cs.SD",
    categories: tuple[str, ...] = ("cs.SD",),
    authors: str = "<author><name>Wei Zhang</name></author>",
    more: str = "",
    updated: str = "<updated>2026-04-28T14:02:11Z</updated>",
) -> str:
    tags = "".join(f'<category term="{escape(term)}"/>' for term in categories)
    first = f'<arxiv:primary_category term="{primary}"/>' if primary else ""
    return (
        f"<entry><id>http://arxiv.org/abs/{versioned}</id><title>{escape(title)}</title>"
        f"{updated}<published>2026-01-05T01:02:03Z</published>"
        f'<link href="https://arxiv.org/pdf/{versioned}" rel="related" title="pdf"/>'
        f"<summary>{escape(summary)}</summary>"
        f"{tags}{first}{authors}{more}</entry>"
    )


def test_an_entry_becomes_a_paper() -> None:
    content = answer(
        entry(
            "2601.99007v3",
            title="Singing at\n  $<$1 kbps",
            authors=(
                "<author><name>Jürgen Krüger</name>"
                "<arxiv:affiliation>Fraunhofer, IIS</arxiv:affiliation></author>"
                "<author><name>Robert Smith, Jr.</name></author>"
            ),
            more="<arxiv:comment>v3: camera-ready,\n 5 pages</arxiv:comment>",
        )
    )

    papers = parse_papers(content, where=WHERE)

    assert list(papers) == ["2601.99007"]
    paper = papers["2601.99007"]
    assert paper.versioned == "2601.99007v3"
    assert paper.title == "Singing at $<$1 kbps"
    assert paper.abstract == "We study sound & <!-- --> $x < 1$."
    assert paper.authors == ("Jürgen Krüger", "Robert Smith, Jr.")
    assert paper.comment == "v3: camera-ready, 5 pages"
    assert paper.categories == ("cs.SD",)
    assert paper.submitted == dt.datetime(2026, 4, 28, 14, 2, 11, tzinfo=dt.UTC)
    assert paper.metadata == "api"


@pytest.mark.parametrize(
    "updated", ["2026-04-28T14:02:11Z", "2026-04-28T10:02:11-04:00", "2026-04-28T14:02:11"]
)
def test_this_version_was_submitted_when_it_was_updated(updated: str) -> None:
    content = answer(entry(updated=f"<updated>{updated}</updated>"))

    (paper,) = parse_papers(content, where=WHERE).values()

    assert paper.submitted is not None
    assert paper.submitted.isoformat() == "2026-04-28T14:02:11+00:00"


@pytest.mark.parametrize("updated", ["", "<updated/>", "<updated>last week</updated>"])
def test_without_a_readable_date_nothing_is_guessed(updated: str) -> None:
    (paper,) = parse_papers(answer(entry(updated=updated)), where=WHERE).values()

    assert paper.submitted is None


ODD = (
    "0",
    "Coding at $<$1 kbps",
    "R&D & <b>bold</b> claims, x < y > z",
    "Only $5 a day: 100%",
    "Étude\n du   son\t语音",
    "&lt;already escaped&gt; &amp;",
    "{\\L}ukasz's $\\mathrm{STOI} > 0.9$ at https://example.org/a_b .",
)


def test_every_text_is_arxivs_own_with_white_space_folded() -> None:
    authors = [*ODD, "The ABC Collaboration", *(f"Ann Lee {n}" for n in range(1000))]
    listed = "".join(f"<author><name>{escape(name)}</name></author>" for name in authors)
    content = answer(
        *(
            entry(
                f"2604.{99000 + n}v1",
                title=text,
                summary=f"  {text}\n",
                authors=listed,
                more=f"<arxiv:comment>{escape(text)}</arxiv:comment>",
            )
            for n, text in enumerate(ODD)
        )
    )

    papers = parse_papers(content, where=WHERE)

    # The standard library's parser tells what arXiv wrote.
    for theirs in ElementTree.fromstring(content).iter(f"{ATOM}entry"):
        ours = papers[theirs.findtext(f"{ATOM}id", "").rpartition("/")[2].removesuffix("v1")]
        assert ours.title == folded(theirs.findtext(f"{ATOM}title"))
        assert ours.abstract == folded(theirs.findtext(f"{ATOM}summary"))
        assert ours.comment == folded(theirs.findtext(f"{ARXIV}comment"))
        names = (author.findtext(f"{ATOM}name") for author in theirs.iter(f"{ATOM}author"))
        assert ours.authors == tuple(map(folded, names))
        assert len(ours.authors) == len(authors)
    assert len(papers) == len(ODD)


@pytest.mark.parametrize("more", ["", "<arxiv:comment/>", "<arxiv:comment>  </arxiv:comment>"])
def test_a_missing_or_blank_comment_is_none(more: str) -> None:
    (paper,) = parse_papers(answer(entry(more=more)), where=WHERE).values()

    assert paper.comment is None


@pytest.mark.parametrize(
    ("primary", "listed", "expected"),
    [
        ("cs.SD", ("cs.AI", "cs.SD", "eess.AS"), ("cs.SD", "cs.AI", "eess.AS")),
        ("eess.AS", ("eess.AS", "cs.SD"), ("eess.AS", "cs.SD")),
        ("cs.SD", ("eess.AS",), ("cs.SD", "eess.AS")),
        ("cs.SD", ("cs.SD", "I.2.7; H.5.5", "68T10", "I.2.7", "eess.AS"), ("cs.SD", "eess.AS")),
        ("cmp-lg", ("cmp-lg", "cs.CL"), ("cmp-lg", "cs.CL")),
        ("cs.SY", ("cs.SY", "eess.SY"), ("cs.SY", "eess.SY")),
        ("cs.BRANDNEW", ("cs.BRANDNEW", "cs.SD"), ("cs.BRANDNEW", "cs.SD")),
        (None, ("cs.SD", "eess.AS"), ("cs.SD", "eess.AS")),
    ],
)
def test_categories_are_arxivs_with_the_primary_first(
    primary: str | None, listed: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    content = answer(entry(primary=primary, categories=listed))

    (paper,) = parse_papers(content, where=WHERE).values()

    assert paper.categories == expected


def test_papers_are_found_by_id_whatever_their_order() -> None:
    content = answer(entry("2604.99004v2", title="four"), entry("2604.99001v1", title="one"))

    papers = parse_papers(content, where=WHERE)

    assert {key: paper.title for key, paper in papers.items()} == {
        "2604.99001": "one",
        "2604.99004": "four",
    }


def test_an_old_id_loses_its_subject_class() -> None:
    (key,) = parse_papers(answer(entry("math.GT/0309136v1")), where=WHERE)

    assert key == "math/0309136"


def test_a_title_0_is_a_title() -> None:
    (paper,) = parse_papers(answer(entry(title="0")), where=WHERE).values()

    assert paper.title == "0"


def test_an_unknown_id_is_absent() -> None:
    assert parse_papers(answer(), where=WHERE) == {}
    assert "2604.99999" not in parse_papers(answer(entry("2604.99001v1")), where=WHERE)


def test_an_error_entry_is_refused_with_arxivs_reason() -> None:
    error = (
        "<entry><id>https://arxiv.org/api/errors#incorrect_id_format_for_26.9</id>"
        "<title>Error</title><summary>incorrect id format for 26.9</summary>"
        "<author><name>arXiv api core</name></author></entry>"
    )

    with pytest.raises(ArxivRefused, match=r"incorrect id format for 26\.9") as caught:
        parse_papers(answer(error), where=WHERE)

    assert caught.value.where == WHERE


def test_a_paper_called_error_is_a_paper() -> None:
    (paper,) = parse_papers(answer(entry(title="Error")), where=WHERE).values()

    assert paper.title == "Error"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"Rate exceeded.", id="plain text"),
        pytest.param(b"<html><body>Down</body></html>", id="HTML"),
        pytest.param(answer(entry())[:-9], id="cut off"),
        pytest.param(answer(entry("nonsense")), id="an entry without an id"),
        pytest.param(answer(entry("2604.99001")), id="an entry without a version"),
    ],
)
def test_what_is_no_whole_answer_is_malformed(content: bytes) -> None:
    with pytest.raises(ArxivMalformed) as caught:
        parse_papers(content, where=WHERE)

    assert caught.value.where == WHERE


def test_a_request_holds_at_most_a_hundred_ids() -> None:
    assert IDS_A_REQUEST == 100
