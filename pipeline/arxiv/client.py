"""Fetches from arXiv: every address, what may be kept, and what is tried again. Parses nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import httpx2

from pipeline.arxiv.connection import Connection, raise_for_status
from pipeline.arxiv.httpcache import HttpCache, Kept
from pipeline.arxiv.pdf import fetch_pdf
from pipeline.clock import Clock
from pipeline.errors import ArxivMalformed, ArxivUnreachable
from pipeline.pacing import Retry
from pipeline.records import Pdf
from pipeline.settings import ArxivSettings, RetrySettings

MEGABYTE = 1_000_000
LIST_ENTRIES = 2000
"""The most that arXiv shows on one list page."""
_FEED_ENDS = (b"</rss>", b"</feed>")
_PAGE_ENDS = (b"</html>",)
_HEAD = 4096
"""Bytes of a page within which its title stands."""


class ArxivClient:
    """The edge to arXiv. Every method raises ArxivError; `pdf` also PdfError and OutputError.

    Bodies come with the address that they are from, which goes into messages. `cache` is the
    installation's cache folder: answers under `http`, the pace that processes share under `pace`.
    """

    def __init__(
        self, settings: ArxivSettings, retry: RetrySettings, clock: Clock, cache: Path
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._retry = Retry(retry, clock)
        self._connection = Connection(settings, clock, cache)
        self._cache = HttpCache(cache / "http", clock)
        self._past: dict[str, bytes] = {}
        """Catch-up pages: arXiv does not say how long they are good, and a run needs some twice."""

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    @property
    def feed_host(self) -> str:
        """The host that the listing comes from, for its provenance."""
        return self._settings.feed_url.host or ""

    @property
    def server_time(self) -> dt.datetime | None:
        """What arXiv's clock said in its last answer, UTC."""
        return self._connection.server_time

    def feed(self, categories: Sequence[str], *, revalidate: bool = False) -> tuple[bytes, str]:
        """Today's feed of all `categories` in one query: arXiv de-duplicates inside a query.

        `revalidate` asks even while arXiv's last answer is said to be good.
        """
        url = _below(self._settings.feed_url, "+".join(categories))
        return self._get_kept(url, _FEED_ENDS, revalidate=revalidate), url

    def list_page(self, category: str) -> tuple[bytes, str]:
        """The newest listing of one category, whole.

        Always asked for, with the validators of the last answer: its date tells whether the feed
        is stale, and may not be stale itself.
        """
        url = _below(self._settings.list_url, f"{category}/new?skip=0&show={LIST_ENTRIES}")
        return self._get_kept(url, _PAGE_ENDS, revalidate=True), url

    def catchup(self, category: str, date: dt.date, page: int = 1) -> tuple[bytes, str]:
        """One page of one category's listing of a date within the last 90 days.

        Asked for once a run. Raises ArxivRefused, with arXiv's reason, for a date that it does not
        go back to.
        """
        below = f"{category}/{date.isoformat()}?abs=True&page={page}"
        url = _below(self._settings.catchup_url, below)
        body = self._past.get(url)
        if body is None:
            body = self._get_kept(url, _PAGE_ENDS, revalidate=False)
            if _is_whole(body, _PAGE_ENDS):
                self._past[url] = body
        return body, url

    def metadata(self, ids: Sequence[str]) -> tuple[bytes, str]:
        """The API's answer for up to 100 ids, with or without versions."""
        # max_results defaults to 10 even with an id list.
        query = {"id_list": ",".join(ids), "max_results": str(len(ids))}
        url = _with_query(self._settings.api_url, query)
        return self._get(url), url

    def oai_record(self, arxiv_id: str) -> tuple[bytes, str]:
        """One paper's record with its whole history, from OAI-PMH; `arxiv_id` has no version."""
        url = _with_query(
            self._settings.oai_url,
            {
                "verb": "GetRecord",
                "metadataPrefix": "arXivRaw",
                "identifier": f"oai:arXiv.org:{arxiv_id}",
            },
        )
        return self._get(url), url

    def oai_changes(
        self, set_spec: str, since: dt.date | None, token: str | None = None
    ) -> tuple[bytes, str]:
        """A page of a set's records, of all or of those that changed since a date.

        `token` is from the page before.
        """
        query = {"verb": "ListRecords"}
        if token:
            query["resumptionToken"] = token  # which excludes every other argument
        else:
            query |= {"metadataPrefix": "arXivRaw", "set": set_spec}
            query |= {"from": since.isoformat()} if since else {}
        url = _with_query(self._settings.oai_url, query)
        return self._get(url), url

    def pdf(self, versioned: str, target: Path, not_these: frozenset[str] = frozenset()) -> Pdf:
        """Download one PDF to `target`, whole or not at all.

        `not_these` are the SHA-256 of earlier versions: for a while after a replacement arXiv may
        still serve the old file. Raises PdfNotReady then and while arXiv makes the file, other
        PdfErrors for what arXiv serves in its place, OutputError for a full disk.
        """
        return fetch_pdf(
            self._connection,
            self._retry,
            self._clock,
            _below(self._settings.pdf_url, versioned),
            target,
            cap_mb=self._settings.max_pdf_mb,
            interval=self._settings.pdf_interval_s,
            not_these=not_these,
        )

    def _get(self, url: str) -> bytes:
        def once() -> bytes:
            with self._connection.open(url, self._settings.interval_s) as response:
                return self._body(response, url)

        return self._retry.call(once)

    def _get_kept(self, url: str, ends: tuple[bytes, ...], *, revalidate: bool) -> bytes:
        """From the cache while arXiv allows it, else asked for, or asked whether it changed."""

        def once() -> bytes:
            kept = self._cache.get(url)
            if kept is not None and kept.fresh and not revalidate:
                return kept.body
            return self._ask(url, ends, kept)

        return self._retry.call(once)

    def _ask(self, url: str, ends: tuple[bytes, ...], kept: Kept | None) -> bytes:
        conditions = kept.validators if kept else {}
        with self._connection.open(url, self._settings.interval_s, conditions) as response:
            if kept is not None and response.status_code == 304:
                if self._cache.renew(url, kept, response.headers):
                    return kept.body
                raise ArxivUnreachable("HTTP 304 about another answer", where=url)
            body = self._body(response, url)
        if response.status_code == 200 and _is_whole(body, ends):
            self._cache.put(url, response.headers, body)
        return body

    def _body(self, response: httpx2.Response, url: str) -> bytes:
        if response.status_code != 200:
            page = self._connection.read_page(response, url)
            # arXiv explains a 400 in a feed, which the parsers read.
            if response.status_code == 400 and ("<feed" in page or "<rss" in page):
                return page.encode()
            raise_for_status(response, url, page)
        limit = self._settings.max_answer_mb
        body = self._connection.read(response, limit * MEGABYTE, url)
        if body is None:
            raise ArxivMalformed(
                f"the answer is larger than {limit} MB", where=url, fix="Raise arxiv.max_answer_mb"
            )
        return body


def _is_whole(body: bytes, ends: tuple[bytes, ...]) -> bool:
    """What does not end as it should was cut off, and a captcha is no listing.

    The parsers say so, and next time is a new chance.
    """
    return body.rstrip().endswith(ends) and b"reCAPTCHA" not in body[:_HEAD]


def _below(base: object, rest: str) -> str:
    return f"{str(base).rstrip('/')}/{rest}"


def _with_query(base: object, query: dict[str, str]) -> str:
    return str(httpx2.URL(str(base)).copy_merge_params(query))
