"""Answers of arXiv that are still good: what arXiv uses of RFC 9111, max-age and validators.

hishel, the library for this, takes the time from `time.time()` with no way to give it a clock, and
keeps whatever body came to an end, whole or not: neither a simulated night nor a feed that was cut
off would be right with it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from pipeline.clock import Clock
from pipeline.errors import OutputError
from pipeline.files import write_atomic
from pipeline.records import Record

LONGEST_FRESH_S = 86_400
"""arXiv announces daily: a longer promise is a mistake that would hide the next listing."""
_LONGEST_KEPT = dt.timedelta(days=30)
_VALIDATORS = {"If-None-Match": "ETag", "If-Modified-Since": "Last-Modified"}


class _Head(Record):
    """The first line of an entry's file; the body follows."""

    url: str
    sha256: str
    stored: dt.datetime
    fresh_s: float
    """How long after `stored` nobody needs to ask again."""
    validators: dict[str, str]


class Kept(Record):
    """An answer from before."""

    body: bytes
    fresh: bool
    """Whether the server said that it need not be asked again yet."""
    validators: dict[str, str]
    """Headers that make the next request conditional."""


class HttpCache:
    """A folder with a file an address. What cannot be read or written counts as not there."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def get(self, url: str) -> Kept | None:
        """The last answer from `url` that could be kept; None without one, or if it is damaged."""
        try:
            line, _, body = self._file(url).read_bytes().partition(b"\n")
            head = _Head.model_validate_json(line)
            age = (self._clock.now() - head.stored).total_seconds()
        except (OSError, ValueError, TypeError, ValidationError):
            return None
        if head.url != url or head.sha256 != hashlib.sha256(body).hexdigest():
            return None
        return Kept(body=body, fresh=0 <= age < head.fresh_s, validators=head.validators)

    def put(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Keep a whole answer if the server allows it and it can be of use; else forget the old."""
        directives = _directives(headers)
        fresh_s = _freshness(headers, directives)
        validators = {name: headers.get(source, "") for name, source in _VALIDATORS.items()}
        # As sent, arXiv's ETags being without quotes; but nothing that cannot be sent.
        validators = {n: v for n, v in validators.items() if v and v.isascii()}
        barred = "no-store" in directives or headers.get("Vary", "").strip() == "*"
        if barred or not (fresh_s or validators):
            self.forget(url)
            return
        head = _Head(
            url=url,
            sha256=hashlib.sha256(body).hexdigest(),
            stored=self._clock.now(),
            fresh_s=fresh_s,
            validators=validators,
        )
        self._write(self._file(url), head.model_dump_json().encode() + b"\n" + body)

    def renew(self, url: str, kept: Kept, headers: Mapping[str, str]) -> bool:
        """After a 304: the old answer is good again, as its headers say.

        False, and the entry gone, when the 304 is about another answer than the one kept.
        """
        own = {source: kept.validators.get(name, "") for name, source in _VALIDATORS.items()}
        etag = headers.get("ETag", own["ETag"])
        if _opaque(etag) != _opaque(own["ETag"]):
            self.forget(url)
            return False
        # It need not repeat what made it; the rest is as the server says now.
        given = {k: headers[k] for k in ("Cache-Control", "Age", "Vary") if k in headers}
        self.put(url, {**{k: v for k, v in own.items() if v}, **given}, kept.body)
        return True

    def forget(self, url: str) -> None:
        """Remove the entry, if there is one."""
        with suppress(OSError):
            self._file(url).unlink()

    def _file(self, url: str) -> Path:
        return self._folder / hashlib.sha256(url.encode()).hexdigest()[:32]

    def _write(self, file: Path, content: bytes) -> None:
        now = self._clock.now()
        # A full disk costs a request tomorrow, not the night.
        with suppress(OutputError, OSError):
            write_atomic(file, content)
            os.utime(file, (now.timestamp(), now.timestamp()))
            for entry in self._folder.iterdir():
                if entry.stat().st_mtime < (now - _LONGEST_KEPT).timestamp():
                    entry.unlink()


def _directives(headers: Mapping[str, str]) -> dict[str, str]:
    """Cache-Control by name; arguments without their quotes."""
    parts = (part.partition("=") for part in headers.get("Cache-Control", "").split(","))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in parts}


def _freshness(headers: Mapping[str, str], directives: Mapping[str, str]) -> float:
    """Seconds for which the answer is good; 0 where the server does not say so."""
    max_age, age = directives.get("max-age", ""), headers.get("Age", "0").strip()
    if "no-cache" in directives or not _is_number(max_age):
        return 0.0
    if not _is_number(age):
        return 0.0
    return min(max(0.0, float(max_age) - float(age)), LONGEST_FRESH_S)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _opaque(etag: str) -> str:
    """Weak comparison (RFC 9110, 8.8.3.2), with or without quotes."""
    return etag.removeprefix("W/").strip('"')
