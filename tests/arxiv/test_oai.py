from __future__ import annotations

import datetime as dt
from xml.sax.saxutils import escape

import pytest

from pipeline.arxiv.oai import OaiRecord, OaiVersion, parse_oai
from pipeline.errors import ArxivMalformed, ArxivRefused

WHERE = "https://oai.example/oai?verb=ListRecords"
V1 = ("v1", "Mon, 05 Jan 2026 01:02:03 GMT", "900kb", "D")
V2 = ("v2", "Wed, 29 Apr 2026 06:07:08 GMT", "1000kb", None)
GONE = ("v2", "Wed, 29 Apr 2026 11:00:00 GMT", "0kb", "I")

Version = tuple[str, str, str, str | None]


def envelope(body: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
        "<responseDate>2026-04-30T03:30:00Z</responseDate>"
        f"<request>https://oai.example/oai</request>{body}</OAI-PMH>"
    ).encode()


def record(
    arxiv_id: str = "2604.91001",
    *,
    versions: tuple[Version, ...] = (V1,),
    title: str = "A Title",
    authors: str = "Wei Zhang",
    categories: str = "cs.SD eess.AS",
    abstract: str = "We study sound.",
    more: str = "",
) -> str:
    history = "".join(
        f'<version version="{name}"><date>{date}</date><size>{size}</size>'
        f"{f'<source_type>{kind}</source_type>' if kind else ''}</version>"
        for name, date, size, kind in versions
    )
    return (
        f"<record><header><identifier>oai:arXiv.org:{arxiv_id}</identifier>"
        "<datestamp>2026-04-30</datestamp><setSpec>cs:cs:SD</setSpec></header><metadata>"
        f'<arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>{arxiv_id}</id>'
        f"<submitter>S. Mitter</submitter>{history}<title>{escape(title)}</title>"
        f"<authors>{escape(authors)}</authors><categories>{categories}</categories>{more}"
        f"<abstract>{escape(abstract)}</abstract></arXivRaw></metadata></record>"
    )


def listed(*records: str, token: str = "") -> bytes:
    return envelope(f"<ListRecords>{''.join(records)}{token}</ListRecords>")


def only(record_xml: str) -> OaiRecord:
    (found,) = parse_oai(listed(record_xml), where=WHERE).records
    return found


def test_a_record_becomes_the_latest_version_of_a_paper() -> None:
    found = only(
        record(
            "math.GT/0309136",
            versions=(V1, V2),
            title="Coding at\n  $<$1 kbps & R&D for $5",
            authors="J\\\"urgen Kr\\\"uger (Fraunhofer, IIS), Tom\\'a\\v{s} Nov\\'ak and A. Li",
            categories="cs.SD cs.AI",
            abstract="  We reach $x < 1$\n at 1 kbps. ",
            more=(
                "<comments>v2: camera-ready,\n 5 pages</comments><acm-class>I.2.7</acm-class>"
                "<msc-class>68T10</msc-class><journal-ref>J. 1</journal-ref><doi>10.1/1</doi>"
                "<license>http://creativecommons.org/licenses/by/4.0/</license>"
            ),
        )
    )

    paper = found.paper
    assert (paper.arxiv_id, paper.version) == ("math/0309136", 2)
    assert paper.title == "Coding at $<$1 kbps & R&D for $5"
    assert paper.abstract == "We reach $x < 1$ at 1 kbps."
    assert paper.authors == ("Jürgen Krüger", "Tomáš Novák", "A. Li")
    assert paper.comment == "v2: camera-ready, 5 pages"
    assert paper.categories == ("cs.SD", "cs.AI")
    assert paper.submitted == dt.datetime(2026, 4, 29, 6, 7, 8, tzinfo=dt.UTC)
    assert paper.metadata == "oai"
    assert found.license == "http://creativecommons.org/licenses/by/4.0/"
    assert not found.deleted


def test_the_history_is_told_oldest_first() -> None:
    assert only(record(versions=(V2, V1))).versions == (
        OaiVersion(
            number=1, submitted=dt.datetime(2026, 1, 5, 1, 2, 3, tzinfo=dt.UTC), withdrawn=False
        ),
        OaiVersion(
            number=2, submitted=dt.datetime(2026, 4, 29, 6, 7, 8, tzinfo=dt.UTC), withdrawn=False
        ),
    )


@pytest.mark.parametrize(
    ("version", "withdrawn"),
    [
        (GONE, True),
        (("v2", GONE[1], "0kb", None), False),
        (("v2", GONE[1], "0kb", "D"), False),
        (("v2", GONE[1], "12kb", "I"), False),
    ],
)
def test_a_withdrawn_version_has_no_size_and_source_type_i(
    version: Version, withdrawn: bool
) -> None:
    assert [v.withdrawn for v in only(record(versions=(V1, version))).versions] == [
        False,
        withdrawn,
    ]


@pytest.mark.parametrize(
    ("date", "hour"),
    [
        ("Wed, 29 Apr 2026 06:00:00 GMT", 6),
        ("Wed, 29 Apr 2026 06:00:00 -0400", 10),
        ("Wed, 29 Apr 2026 06:00:00", 6),
        ("Wed, 29 Apr 2026 06:00:00 -0000", 6),
    ],
)
def test_dates_are_utc(date: str, hour: int) -> None:
    submitted = only(record(versions=(("v1", date, "1kb", "D"),))).paper.submitted

    assert submitted == dt.datetime(2026, 4, 29, hour, tzinfo=dt.UTC)
    assert submitted.utcoffset() == dt.timedelta(0)


@pytest.mark.parametrize("more", ["", "<comments/>", "<comments>\n </comments>"])
def test_a_missing_or_blank_comment_is_none(more: str) -> None:
    found = only(record(more=more))

    assert found.paper.comment is None
    assert found.license is None


def test_a_title_0_is_a_title() -> None:
    assert only(record(title="0")).paper.title == "0"


def test_get_record_is_read_too() -> None:
    found = parse_oai(envelope(f"<GetRecord>{record()}</GetRecord>"), where=WHERE)

    assert [one.paper.versioned for one in found.records] == ["2604.91001v1"]
    assert found.token is None


@pytest.mark.parametrize(
    ("element", "token"),
    [
        ("<resumptionToken expirationDate='2026-05-01T00:00:00Z'>a%3Db%26c</resumptionToken>",
         "a%3Db%26c"),
        ("<resumptionToken>\n x \n</resumptionToken>", "x"),
        ("<resumptionToken/>", None),
        ("<resumptionToken completeListSize='2'> </resumptionToken>", None),
        ("", None),
    ],
)  # fmt: skip
def test_the_token_for_the_next_page(element: str, token: str | None) -> None:
    found = parse_oai(listed(record(), record("2604.91002"), token=element), where=WHERE)

    assert found.token == token
    assert [one.paper.arxiv_id for one in found.records] == ["2604.91001", "2604.91002"]


def test_a_deleted_record_has_nothing_but_its_id() -> None:
    deleted = (
        "<record><header status='deleted'><identifier>oai:arXiv.org:2604.91009</identifier>"
        "<datestamp>2026-04-30</datestamp></header></record>"
    )

    gone, kept = parse_oai(listed(deleted, record()), where=WHERE).records

    assert (gone.deleted, gone.paper.arxiv_id, gone.versions) == (True, "2604.91009", ())
    assert (gone.paper.version, gone.paper.title) == (0, "")
    assert not kept.deleted


@pytest.mark.parametrize("code", ["noRecordsMatch", "idDoesNotExist"])
def test_nothing_there_is_an_empty_page(code: str) -> None:
    found = parse_oai(envelope(f"<error code='{code}'>Nothing.</error>"), where=WHERE)

    assert (found.records, found.token) == ((), None)


@pytest.mark.parametrize("code", ["badResumptionToken", "badArgument", "cannotDisseminateFormat"])
def test_every_other_error_is_refused_with_arxivs_reason(code: str) -> None:
    content = envelope(f"<error code='{code}'>Expired,\n it seems.</error>")

    with pytest.raises(ArxivRefused) as caught:
        parse_oai(content, where=WHERE)

    assert (caught.value.what, caught.value.said) == (
        "OAI-PMH answers with an error",
        f"{code}: Expired, it seems.",
    )
    assert caught.value.where == WHERE


NO_ANSWER = "is not an OAI-PMH answer"
WHOLE = listed(record())
BOMB = b"<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]>"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "no element", id="empty"),
        pytest.param(b"Rate exceeded.", "syntax error", id="plain text"),
        pytest.param(b"<html><body>Down</body></html>", "root is html", id="HTML"),
        pytest.param(WHOLE[:-9], NO_ANSWER, id="cut off"),
        pytest.param(WHOLE[: len(WHOLE) // 2], NO_ANSWER, id="cut in half"),
        pytest.param(WHOLE.replace(b"We study", b"\xff"), NO_ANSWER, id="not UTF-8"),
        pytest.param(WHOLE.replace(b"UTF-8", b"none-8"), NO_ANSWER, id="unknown encoding"),
        pytest.param(WHOLE.replace(b"?>\n", b"?>" + BOMB), NO_ANSWER, id="entities"),
        pytest.param(envelope("<Identify/>"), "neither records nor an error", id="other verb"),
        pytest.param(WHOLE.replace(b"arXivRaw/", b"arXiv/"), "without arXivRaw", id="other form"),
        pytest.param(listed(record("nonsense")), "without an arXiv id", id="no id"),
        pytest.param(listed(record(versions=())), "without a version", id="no version"),
        pytest.param(
            listed(record(versions=(("v0", V1[1], "", None),))),
            "a version without a number",
            id="v0",
        ),
        pytest.param(
            listed(record(versions=(("v1", "soon", "", None),))), "readable date", id="no date"
        ),
        pytest.param(listed(record(title=" ")), "without <title>", id="no title"),
        pytest.param(listed(record(categories="")), "without <categories>", id="no categories"),
        pytest.param(listed(record(abstract="")), "without <abstract>", id="no abstract"),
    ],
)
def test_what_is_no_whole_answer_is_malformed(content: bytes, reason: str) -> None:
    with pytest.raises(ArxivMalformed, match=reason) as caught:
        parse_oai(content, where=WHERE)

    assert caught.value.where == WHERE
    assert "\n" not in str(caught.value)
