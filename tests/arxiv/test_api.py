from __future__ import annotations

from xml.sax.saxutils import escape

import pytest

from pipeline.arxiv.api import IDS_A_REQUEST, parse_papers
from pipeline.errors import ArxivMalformed, ArxivRefused

WHERE = "https://export.example/api/query?id_list=2604.99001"


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
    primary: str | None = "cs.SD",
    categories: tuple[str, ...] = ("cs.SD",),
    authors: str = "<author><name>Wei Zhang</name></author>",
    more: str = "",
) -> str:
    tags = "".join(f'<category term="{escape(term)}"/>' for term in categories)
    first = f'<arxiv:primary_category term="{primary}"/>' if primary else ""
    return (
        f"<entry><id>http://arxiv.org/abs/{versioned}</id><title>{escape(title)}</title>"
        "<updated>2026-04-28T14:02:11Z</updated><published>2026-04-28T14:02:11Z</published>"
        f'<link href="https://arxiv.org/pdf/{versioned}" rel="related" title="pdf"/>'
        f"<summary>  We study\n  sound &amp; <!-- --> $x &lt; 1$.</summary>"
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
    assert paper.abstract == "We study sound & $x < 1$."
    assert paper.authors == ("Jürgen Krüger", "Robert Smith, Jr.")
    assert paper.comment == "v3: camera-ready, 5 pages"
    assert paper.categories == ("cs.SD",)
    assert paper.metadata == "api"


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
    ],
)
def test_what_is_no_whole_answer_is_malformed(content: bytes) -> None:
    with pytest.raises(ArxivMalformed) as caught:
        parse_papers(content, where=WHERE)

    assert caught.value.where == WHERE


def test_a_request_holds_at_most_a_hundred_ids() -> None:
    assert IDS_A_REQUEST == 100
