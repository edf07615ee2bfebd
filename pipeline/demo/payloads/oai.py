"""OAI-PMH answers in the form of oaipmh.arxiv.org: arXivRaw records and errors."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

from pipeline.demo.archive import Version
from pipeline.demo.payloads.feeds import LICENCE
from pipeline.demo.payloads.tex import creator
from pipeline.records import Paper

BASE = "https://oaipmh.arxiv.org/oai"
_INSTANCE = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_PHYSICS = {
    "astro-ph", "cond-mat", "gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math-ph", "nlin",
    "nucl-ex", "nucl-th", "physics", "quant-ph",
}  # fmt: skip
"""The archives of the group `physics`; every other one is a group by itself."""


class Raw(NamedTuple):
    """A paper as arXivRaw tells it: the newest version's metadata and every version's date."""

    paper: Paper
    versions: Sequence[Version]
    datestamp: dt.date
    """UTC."""


def identify(now: dt.datetime, request: Mapping[str, str]) -> bytes:
    """What the repository says of itself."""
    return _document(
        now,
        request,
        "    <Identify>\n"
        "        <repositoryName>arXiv</repositoryName>\n"
        f"        <baseURL>{BASE}</baseURL>\n"
        "        <protocolVersion>2.0</protocolVersion>\n"
        "        <adminEmail>help@arxiv.org</adminEmail>\n"
        "        <earliestDatestamp>2005-09-16</earliestDatestamp>\n"
        "        <deletedRecord>persistent</deletedRecord>\n"
        "        <granularity>YYYY-MM-DD</granularity>\n"
        "    </Identify>\n",
    )


def record(now: dt.datetime, request: Mapping[str, str], raw: Raw) -> bytes:
    """The answer to GetRecord."""
    return _document(now, request, f"    <GetRecord>\n{_record(raw)}    </GetRecord>\n")


def records(
    now: dt.datetime, request: Mapping[str, str], page: Sequence[Raw], token: str | None
) -> bytes:
    """One page of the answer to ListRecords; the token is good until midnight UTC."""
    expires = now.astimezone(dt.UTC).date() + dt.timedelta(days=1)
    more = (
        f"        <resumptionToken expirationDate='{expires}T00:00:00Z'>"
        f"{escape(token)}</resumptionToken>\n"
        if token
        else ""
    )
    body = "".join(map(_record, page))
    return _document(now, request, f"    <ListRecords>\n{body}{more}    </ListRecords>\n")


def error(now: dt.datetime, request: Mapping[str, str], code: str, message: str) -> bytes:
    """An error, which comes with HTTP 200."""
    text = f"    <error code='{code}'>{escape(message)}</error>\n"
    return _document(now, request, text)


def set_specs(categories: Sequence[str]) -> list[str]:
    """`cs:cs:SD`, `physics:hep-th`: group, archive and subject."""
    return [_set_spec(category) for category in categories]


def _set_spec(category: str) -> str:
    archive, _, subject = category.partition(".")
    group = "physics" if archive in _PHYSICS else archive
    return ":".join(filter(None, (group, archive, subject)))


def _record(raw: Raw) -> str:
    paper = raw.paper
    specs = "".join(
        f"            <setSpec>{spec}</setSpec>\n" for spec in set_specs(paper.categories)
    )
    return (
        "        <record>\n            <header>\n"
        f"            <identifier>oai:arXiv.org:{paper.arxiv_id}</identifier>\n"
        f"            <datestamp>{raw.datestamp}</datestamp>\n{specs}"
        "            </header>\n            <metadata>\n"
        f'    <arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/" {_INSTANCE} '
        'xsi:schemaLocation="http://arxiv.org/OAI/arXivRaw/ '
        'https://oaipmh.arxiv.org/OAI/arXivRaw.xsd">\n'
        f"{_fields(raw)}    </arXivRaw>\n            </metadata>\n        </record>\n"
    )


def _fields(raw: Raw) -> str:
    paper = raw.paper
    submitter = paper.authors[0] if paper.authors else ""
    comment = [_leaf("comments", paper.comment)] if paper.comment is not None else []
    return "".join(
        [
            _leaf("id", paper.arxiv_id),
            _leaf("submitter", submitter),
            *map(_version, raw.versions),
            _leaf("title", paper.title),
            _leaf("authors", creator(paper.authors)),
            _leaf("categories", " ".join(paper.categories)),
            *comment,
            _leaf("license", LICENCE),
            _leaf("abstract", paper.abstract),
        ]
    )


def _version(version: Version) -> str:
    """A withdrawn version has no source: nothing of it, of the type I."""
    size, kind = ("0kb", "I") if version.withdrawn else ("512kb", "D")
    date = version.submitted.strftime("%a, %d %b %Y %H:%M:%S GMT")
    return (
        f'            <version version="v{version.number}">\n'
        f"                <date>{date}</date>\n"
        f"                <size>{size}</size>\n"
        f"                <source_type>{kind}</source_type>\n"
        "            </version>\n"
    )


def _leaf(tag: str, text: str) -> str:
    safe = escape(text, {'"': "&#34;", "'": "&#39;"})
    return f"        <{tag}>{safe}</{tag}>\n"


def _document(now: dt.datetime, request: Mapping[str, str], body: str) -> bytes:
    stamp = now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    arguments = "".join(
        f' {name}="{escape(value, {chr(34): "&#34;"})}"' for name, value in request.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/" {_INSTANCE} '
        'xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/ '
        'http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd">\n'
        f"    <responseDate>{stamp}</responseDate>\n"
        f"    <request{arguments}>{BASE}</request>\n{body}</OAI-PMH>\n"
    ).encode()
