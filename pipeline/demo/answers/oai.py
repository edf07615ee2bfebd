"""`/oai?verb=…`: Identify, GetRecord and ListRecords of arXivRaw. Errors come with HTTP 200."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from urllib.parse import parse_qs, quote, unquote, urlencode

from pipeline.arxiv.ids import parse_id
from pipeline.categories import taxonomy
from pipeline.demo.answers.answer import Answer
from pipeline.demo.archive import Archive
from pipeline.demo.payloads import oai
from pipeline.demo.payloads.oai import Raw
from pipeline.demo.request import Request
from pipeline.errors import UsageError

XML = "text/xml; charset=utf-8"
_PREFIX = "oai:arXiv.org:"
_Fields = Mapping[str, str]


class _Refused(Exception):
    """`code` and `reason` of an OAI-PMH error."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


def oai_answer(archive: Archive, request: Request) -> Answer:
    """The answer to any request for the repository."""
    fields = {name: values[-1] for name, values in parse_qs(request.query).items()}
    try:
        body = _body(archive, fields)
    except _Refused as error:
        # The protocol repeats no arguments that it could not make sense of.
        repeated = {} if error.code in {"badVerb", "badArgument", "badResumptionToken"} else fields
        body = oai.error(archive.now, repeated, error.code, error.reason)
    return Answer(200, XML, body)


def _body(archive: Archive, fields: _Fields) -> bytes:
    match fields.get("verb"):
        case "Identify":
            return oai.identify(archive.now, fields)
        case "GetRecord":
            return _get_record(archive, fields)
        case "ListRecords":
            return _list_records(archive, fields)
    raise _Refused("badVerb", f"Bad verb: {fields.get('verb')}")


def _get_record(archive: Archive, fields: _Fields) -> bytes:
    _check_arguments(fields, needed={"identifier", "metadataPrefix"}, allowed=set())
    unknown = _Refused(
        "idDoesNotExist",
        "The value of the identifier argument is unknown or illegal in this repository. "
        "Reason: Nothing found for this ID",
    )
    identifier = fields["identifier"]
    base = identifier.removeprefix(_PREFIX)
    try:
        versioned = parse_id(base).version is not None
    except UsageError as error:
        raise unknown from error
    if not identifier.startswith(_PREFIX) or versioned or not archive.latest(base):
        raise unknown
    return oai.record(archive.now, fields, _raw(archive, base))


def _list_records(archive: Archive, fields: _Fields) -> bytes:
    request, skip = fields, 0
    if "resumptionToken" in fields:
        _check_arguments(fields, needed={"resumptionToken"}, allowed=set())
        request, skip = _read_token(fields["resumptionToken"], archive)
    else:
        _check_arguments(fields, needed={"metadataPrefix"}, allowed={"from", "until", "set"})
    raws = _matching(archive, request)
    if not raws:
        raise _Refused(
            "noRecordsMatch",
            "The combination of the values of the from, until, set and metadataPrefix arguments "
            "results in an empty list.",
        )
    end = skip + archive.oai_page
    token = _token(request, end, archive) if end < len(raws) else None
    return oai.records(archive.now, fields, raws[skip:end], token)


def _matching(archive: Archive, request: _Fields) -> list[Raw]:
    """In the order of datestamps."""
    since = _date(request.get("from"), dt.date.min)
    until = _date(request.get("until"), dt.date.max)
    set_name = request.get("set")
    if set_name is not None and set_name not in _known_sets():
        raise _Refused("badArgument", f"Set does not exist: {set_name}")
    raws = (_raw(archive, base) for base in archive.ids())
    chosen = [
        raw
        for raw in raws
        if since <= raw.datestamp <= until and (set_name is None or _in_set(raw, set_name))
    ]
    return sorted(chosen, key=lambda raw: (raw.datestamp, raw.paper.arxiv_id))


def _raw(archive: Archive, base: str) -> Raw:
    paper = archive.latest(base)
    if paper is None:
        raise ValueError(f"{base} is not announced")
    # 20:00 in New York is past midnight UTC: the datestamp is the listing's date.
    return Raw(paper, archive.history(base), archive.datestamp(base))


def _in_set(raw: Raw, set_name: str) -> bool:
    specs = oai.set_specs(raw.paper.categories)
    return any(f"{spec}:".startswith(f"{set_name}:") for spec in specs)


def _known_sets() -> set[str]:
    """Groups, archives and categories."""
    parts = [spec.split(":") for spec in oai.set_specs(list(taxonomy().categories))]
    return {":".join(part[:length]) for part in parts for length in (1, 2, 3)}


def _check_arguments(fields: _Fields, *, needed: set[str], allowed: set[str]) -> None:
    given = set(fields) - {"verb"}
    if not needed <= given:
        raise _Refused("badArgument", f"Missing argument: {', '.join(sorted(needed - given))}")
    if not given <= needed | allowed:
        extra = ", ".join(sorted(given - needed - allowed))
        raise _Refused("badArgument", f"Unallowed parameter: {extra}")
    if fields.get("metadataPrefix", "arXivRaw") != "arXivRaw":
        raise _Refused("cannotDisseminateFormat", "The metadata format is not supported.")


def _date(text: str | None, default: dt.date) -> dt.date:
    try:
        return dt.date.fromisoformat(text) if text is not None else default
    except ValueError as error:
        raise _Refused("badArgument", f"Invalid date: {text}") from error


def _token(request: _Fields, skip: int, archive: Archive) -> str:
    """The request and how far it came; `made` is the day in UTC, with which it ends."""
    kept = {name: value for name, value in request.items() if name not in {"skip", "made"}}
    made = archive.now.astimezone(dt.UTC).date()
    return quote(urlencode({**kept, "skip": skip, "made": made}), safe="")


def _read_token(token: str, archive: Archive) -> tuple[_Fields, int]:
    # A query's values are decoded once on the way in, a token pasted into an address not always.
    fields = {name: values[-1] for name, values in parse_qs(unquote(token)).items()}
    skip = fields.get("skip", "")
    if fields.get("verb") != "ListRecords" or not skip.isdecimal():
        raise _bad_token("Token decoding failed or format is invalid.")
    if fields.get("made") != archive.now.astimezone(dt.UTC).date().isoformat():
        raise _bad_token("Token has expired.")
    return fields, int(skip)


def _bad_token(reason: str) -> _Refused:
    return _Refused(
        "badResumptionToken",
        f"The value of the resumptionToken argument is invalid or expired. Reason: {reason}",
    )
