"""OAI-PMH as a harvester gets it."""

import re
from xml.etree.ElementTree import Element

import httpx2
import pytest
from defusedxml.ElementTree import fromstring

from tests.demo.composed import FRIDAY, OLD, THURSDAY, A, B, C, D, SettableClock
from tests.demo.conftest import Serve

OAI = "{http://www.openarchives.org/OAI/2.0/}"
RAW = "{http://arxiv.org/OAI/arXivRaw/}"
SIX = "2512.00001"


def ask(client: httpx2.Client, **arguments: str) -> Element:
    response = client.get("/oai", params=arguments)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/xml")
    root: Element = fromstring(response.content)
    assert root.tag == f"{OAI}OAI-PMH"
    return root


def records(client: httpx2.Client, **arguments: str) -> tuple[list[str], Element | None]:
    """The ids of a page, and its token."""
    root = ask(client, verb="ListRecords", **arguments)
    return [e.text or "" for e in root.iter(f"{RAW}id")], root.find(f".//{OAI}resumptionToken")


def raw(client: httpx2.Client, base: str) -> Element:
    arguments = {"identifier": f"oai:arXiv.org:{base}", "metadataPrefix": "arXivRaw"}
    found = ask(client, verb="GetRecord", **arguments).find(f"{OAI}GetRecord//{RAW}arXivRaw")
    assert found is not None
    return found


def test_a_record_has_the_newest_metadata_and_all_versions(serve_week: Serve) -> None:
    _, client = serve_week()
    found = raw(client, A)
    assert found.findtext(f"{RAW}title") == f"Title of {A} in version 2"
    assert found.findtext(f"{RAW}authors") == r"J\"urgen M\"uller, Ana B. Dvo\v{r}\'ak"
    assert found.findtext(f"{RAW}categories") == "cs.SD eess.AS cs.LG"
    assert found.findtext(f"{RAW}comments") == "Comment of v2"
    assert found.findtext(f"{RAW}abstract") == f"Abstract of {A}v2 with $x<1$ & more."
    assert (found.findtext(f"{RAW}license") or "").startswith("http://arxiv.org/licenses/")
    versions = [(v.get("version"), v.findtext(f"{RAW}date")) for v in found.iter(f"{RAW}version")]
    assert versions == [
        ("v1", "Wed, 14 Jan 2026 15:00:00 GMT"),
        ("v2", "Thu, 15 Jan 2026 15:00:00 GMT"),
    ]


def test_versions_from_before_the_archive_are_in_the_history(serve_week: Serve) -> None:
    _, client = serve_week()
    found = raw(client, OLD)
    assert [v.findtext(f"{RAW}date") for v in found.iter(f"{RAW}version")] == [
        "Sat, 01 Nov 2025 05:00:00 GMT",
        "Sat, 01 Nov 2025 05:01:00 GMT",
        "Thu, 15 Jan 2026 15:00:00 GMT",
    ]


def test_a_withdrawn_version_has_no_source(serve_week: Serve) -> None:
    _, client = serve_week()
    found = raw(client, B)
    sizes = [
        (v.findtext(f"{RAW}size"), v.findtext(f"{RAW}source_type"))
        for v in found.iter(f"{RAW}version")
    ]
    assert sizes == [("512kb", "D"), ("0kb", "I")]
    assert found.findtext(f"{RAW}comments") == "This paper has been withdrawn"


def test_the_header_has_date_and_sets(serve_week: Serve) -> None:
    _, client = serve_week(now=SettableClock(FRIDAY, 1))
    root = ask(client, verb="GetRecord", identifier=f"oai:arXiv.org:{A}", metadataPrefix="arXivRaw")
    assert root.findtext(f".//{OAI}datestamp") == "2026-01-16"
    assert [e.text for e in root.iter(f"{OAI}setSpec")] == ["cs:cs:SD", "eess:eess:AS"]
    assert root.findtext(f"{OAI}responseDate") == "2026-01-16T06:00:00Z"
    request = root.find(f"{OAI}request")
    assert request is not None
    assert request.get("identifier") == f"oai:arXiv.org:{A}"


def test_records_by_date_and_set(serve_week: Serve) -> None:
    _, client = serve_week(now=SettableClock(FRIDAY, 1))
    prefix = {"metadataPrefix": "arXivRaw"}
    assert records(client, **prefix)[0] == [C, OLD, A, B, D]
    assert records(client, **prefix, **{"from": "2026-01-16"})[0] == [OLD, A, B, D]
    assert records(client, **prefix, until="2026-01-15")[0] == [C]
    assert records(client, **prefix, set="cs:cs:SD")[0] == [C, A, B]
    assert records(client, **prefix, set="eess")[0] == [OLD, A, B, D]
    assert records(client, **prefix, set="cs:cs:SD", **{"from": "2026-01-16"})[0] == [A, B]


def test_page_after_page(serve_week: Serve) -> None:
    now = SettableClock(FRIDAY, 1)
    _, client = serve_week(now=now, oai_page=2)
    page, token = records(client, metadataPrefix="arXivRaw", set="eess:eess:AS")
    assert token is not None
    assert token.get("expirationDate") == "2026-01-17T00:00:00Z"
    rest, end = records(client, resumptionToken=token.text or "")
    assert (page, rest, end) == ([OLD, A], [B, D], None)
    now.set(FRIDAY, 19)  # past midnight UTC
    root = ask(client, verb="ListRecords", resumptionToken=token.text or "")
    assert error(root)[0] == "badResumptionToken"


def error(root: Element) -> tuple[str, str]:
    found = root.find(f"{OAI}error")
    assert found is not None
    return found.get("code") or "", found.text or ""


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("verb=Harvest", "badVerb"),
        ("", "badVerb"),
        ("verb=GetRecord&metadataPrefix=arXivRaw", "badArgument"),
        (f"verb=GetRecord&metadataPrefix=oai_x&identifier=oai:arXiv.org:{A}", "cannotDisse"),
        (
            "verb=GetRecord&metadataPrefix=arXivRaw&identifier=oai:arXiv.org:2601.9",
            "idDoesNotExist",
        ),
        (
            f"verb=GetRecord&metadataPrefix=arXivRaw&identifier=oai:arXiv.org:{A}v1",
            "idDoesNotExist",
        ),
        (f"verb=GetRecord&metadataPrefix=arXivRaw&identifier={A}", "idDoesNotExist"),
        ("verb=ListRecords", "badArgument"),
        ("verb=ListRecords&metadataPrefix=arXivRaw&set=cs:cs:XX", "badArgument"),
        ("verb=ListRecords&metadataPrefix=arXivRaw&from=monday", "badArgument"),
        ("verb=ListRecords&metadataPrefix=arXivRaw&from=2026-02-01", "noRecordsMatch"),
        ("verb=ListRecords&resumptionToken=x", "badResumptionToken"),
        ("verb=ListRecords&resumptionToken=x&set=cs", "badArgument"),
    ],
)
def test_errors_come_with_status_200(serve_week: Serve, query: str, code: str) -> None:
    _, client = serve_week()
    response = client.get(f"/oai?{query}")
    assert response.status_code == 200
    assert re.search(rf"<error code='{code}", response.text)


def test_identify(serve_week: Serve) -> None:
    _, client = serve_week()
    root = ask(client, verb="Identify")
    assert root.findtext(f"{OAI}Identify/{OAI}granularity") == "YYYY-MM-DD"
    assert root.findtext(f"{OAI}Identify/{OAI}baseURL") == "https://oaipmh.arxiv.org/oai"


def test_nothing_is_known_before_its_announcement(serve_week: Serve) -> None:
    _, client = serve_week(now=SettableClock(THURSDAY, 1))
    assert records(client, metadataPrefix="arXivRaw")[0] == [A, B, C]
    assert raw(client, A).findtext(f"{RAW}title") == f"Title of {A} in version 1"


def test_versions_from_six_on_are_known_though_never_listed(serve_week: Serve) -> None:
    _, client = serve_week()
    assert len(list(raw(client, SIX).iter(f"{RAW}version"))) == 6
