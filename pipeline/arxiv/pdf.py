"""One PDF from arXiv to disk: streamed, resumed where the connection broke, whole or not at all."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import httpx2

from pipeline.arxiv.connection import (
    Connection,
    header_date,
    raise_for_status,
    title,
)
from pipeline.clock import Clock
from pipeline.errors import (
    PdfChallenged,
    PdfError,
    PdfIncomplete,
    PdfNotMade,
    PdfNotReady,
    PdfUnavailable,
    PdfWithdrawn,
)
from pipeline.files import replacing, sweep
from pipeline.pacing import Retry
from pipeline.records import Pdf

_EDGE = 1024
"""ISO 32000-1, 7.5: `%PDF` opens the file and `%%EOF` closes it, give or take 1 KB."""
_PAGE_TYPES = {"text/html", "text/plain", "application/xhtml+xml"}
_SURE_AFTER = dt.timedelta(minutes=1)
"""What changed less long before it was sent can change again unseen (RFC 9110, 8.8.2.2)."""
_UNAVAILABLE = "file unavailable"
"""In the heading of arXiv's pages for a file that it has not, in lower case."""
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


def fetch_pdf(
    connection: Connection,
    retry: Retry,
    clock: Clock,
    url: str,
    target: Path,
    *,
    cap_mb: int,
    interval: float,
    not_these: frozenset[str],
) -> Pdf:
    """The PDF at `url`, put at `target` when it is whole; what killed runs left there is removed.

    Raises PdfUnavailable and its kinds, PdfChallenged, ArxivError; PdfIncomplete when no try
    brought all of it; OutputError. The SHA-256 sums of earlier versions are `not_these`.
    """
    sweep(target.parent, clock.now())
    with replacing(target) as file:
        download = _Download(connection, url, file, cap_mb, interval)
        tally = retry.call(download.attempt)
        sha256 = tally.sha256
        if sha256 in not_these:
            raise PdfNotReady(
                "arXiv still serves the file of an earlier version",
                where=url,
                fix="Ask again in some minutes",
            )
    return Pdf(path=target, sha256=sha256, size=tally.size)


class Tally:
    """What is known of a file of which the bytes go by."""

    def __init__(self) -> None:
        self.size = 0
        self._sum = hashlib.sha256()
        self._head = b""
        self._tail = b""

    def add(self, chunk: bytes) -> None:
        """The next bytes."""
        self.size += len(chunk)
        self._sum.update(chunk)
        if len(self._head) < _EDGE:
            self._head = (self._head + chunk[:_EDGE])[:_EDGE]
        self._tail = (self._tail + chunk[-_EDGE:])[-_EDGE:]

    @property
    def sha256(self) -> str:
        """Of all bytes so far, in hex."""
        return self._sum.hexdigest()

    @property
    def cannot_be_pdf(self) -> bool:
        """Whether a PDF would have begun by now."""
        return len(self._head) == _EDGE and b"%PDF" not in self._head

    def check(self, where: object) -> None:
        """Raises PdfIncomplete or PdfUnavailable unless the bytes look like one whole PDF."""
        again = "Download it again"
        if not self.size:
            raise PdfIncomplete("the PDF is empty", where=where, fix=again)
        if b"%PDF" not in self._head:
            raise PdfUnavailable(
                "what arXiv sent is not a PDF", where=where, fix="Read it on arXiv's web site"
            )
        if b"%%EOF" not in self._tail:
            raise PdfIncomplete("the PDF is cut off", where=where, fix=again)


class _Download:
    """One file over as many tries as it takes."""

    def __init__(
        self, connection: Connection, url: str, file: BinaryIO, cap_mb: int, interval: float
    ) -> None:
        self._connection = connection
        self._url = url
        self._file = file
        self._cap_mb = cap_mb
        self._interval = interval
        self._begin({})

    def attempt(self) -> Tally:
        """Fetch the file, or the rest of it. Raises ArxivError, PdfError, OutputError."""
        with self._connection.open(self._url, self._interval, self._wanted()) as response:
            if response.status_code in {206, 416}:
                self._go_on(response)
            else:
                self._raise_if_no_pdf(response)
                self._begin(response.headers)
            self._receive(response)
        try:
            self._tally.check(self._url)
        except PdfError:
            self._begin({})  # it came whole and is bad: the next try starts at its first byte
            raise
        return self._tally

    def _begin(self, headers: Mapping[str, str]) -> None:
        """An empty file, of the version that `headers` are about."""
        self._file.seek(0)
        self._file.truncate()
        self._tally = Tally()
        self._etag, self._changed = headers.get("ETag"), headers.get("Last-Modified")
        self._validator = _validator(headers)
        self._total = headers.get("Content-Length", "")

    def _wanted(self) -> dict[str, str]:
        """Headers: as it is, and from where the connection broke if that can be said safely."""
        headers = {"Accept-Encoding": "identity"}
        if self._tally.size and self._validator:
            headers |= {"Range": f"bytes={self._tally.size}-", "If-Range": self._validator}
        return headers

    def _go_on(self, response: httpx2.Response) -> None:
        """Raises PdfIncomplete, and begins anew, unless the rest of the very same file comes."""
        match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
        start, total = (int(match[1]), match[2]) if match else (0, "*")
        expected = response.status_code == 206 and 0 < self._tally.size == start
        if not expected or not self._is_same(response.headers, total):
            self._begin({})
            raise PdfIncomplete(
                "what arXiv sent is not the rest of the file",
                where=self._url,
                fix="Download it again",
            )

    def _is_same(self, headers: Mapping[str, str], total: str) -> bool:
        """Whether a part is of the version begun with, as far as it says (RFC 9110, 15.3.7)."""
        if headers.get("ETag") != self._etag or total not in {"*", self._total or total}:
            return False
        return headers.get("Last-Modified", self._changed) == self._changed

    def _receive(self, response: httpx2.Response) -> None:
        declared = response.headers.get("Content-Length", "")
        if declared.isdecimal():
            self._raise_if_larger(self._tally.size + int(declared))
        for chunk in self._connection.chunks(response, self._url):
            self._raise_if_larger(self._tally.size + len(chunk))
            self._file.write(chunk)
            self._tally.add(chunk)
            if self._tally.cannot_be_pdf:
                self._tally.check(self._url)

    def _raise_if_larger(self, size: int) -> None:
        if size > self._cap_mb * 1_000_000:
            raise PdfUnavailable(
                f"larger than {self._cap_mb} MB",
                where=self._url,
                fix="Raise arxiv.max_pdf_mb to read it",
            )

    def _raise_if_no_pdf(self, response: httpx2.Response) -> None:
        """What arXiv serves in a PDF's place: error pages, a challenge, "not ready"."""
        status = response.status_code
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if status == 200 and kind not in _PAGE_TYPES:
            return
        page = self._connection.read_page(response, self._url)
        if "recaptcha" in title(page).lower():
            raise PdfChallenged(
                "arXiv asks for a human (a captcha)",
                where=self._url,
                fix="Raise arxiv.pdf_interval_s and run again tomorrow",
            )
        if status in {404, 410}:
            raise _missing(page.lower(), status, self._url)
        if status >= 500 and _UNAVAILABLE in page.lower():
            raise PdfNotMade(
                "arXiv's maker of PDFs failed or took too long",
                where=self._url,
                fix="Ask again in some minutes",
            )
        raise_for_status(response, self._url, page)
        if "not ready" in page.lower():
            raise _not_ready(self._url)
        raise PdfUnavailable(
            "arXiv sent another kind of file in place of the PDF",
            where=self._url,
            said=kind,
            fix="Read it on arXiv's web site",
        )


def _missing(page: str, status: int, url: str) -> PdfUnavailable:
    """Which of arXiv's pages for what is not there this is, in lower case.

    The source of a paper announced just now may still be on its way to where it is served from;
    every other page is for good (arxiv-browse, browse/services/dissemination/article_store.py).
    """
    if "has been withdrawn" in page or "withdrawn" in title(page):
        return PdfWithdrawn(
            "this version was withdrawn: it has no PDF", where=url, fix="Read an earlier version"
        )
    if _UNAVAILABLE in page and "was not provided" in page:
        return _not_ready(url)
    if _UNAVAILABLE in page or "conversion system" in page:
        return PdfUnavailable(
            "arXiv can make no PDF of this source",
            where=url,
            fix="Nothing to do: its authors have to replace it",
        )
    return PdfUnavailable(
        f"arXiv has no PDF of this version (HTTP {status})", where=url, fix="Check the id"
    )


def _not_ready(url: str) -> PdfNotReady:
    return PdfNotReady("arXiv has not made the PDF yet", where=url, fix="Ask again in some minutes")


def _validator(headers: Mapping[str, str]) -> str | None:
    """What tells this file from any other, for If-Range (RFC 9110, 13.1.5); None without one."""
    if headers.get("Content-Encoding", "identity") != "identity":
        return None  # a part would be one of the encoded bytes
    etag = headers.get("ETag", "")
    if etag and not etag.startswith("W/") and etag.isascii():
        return etag
    sent, changed = header_date(headers, "Date"), header_date(headers, "Last-Modified")
    if sent and changed and sent - changed >= _SURE_AFTER:
        return headers["Last-Modified"]
    return None
