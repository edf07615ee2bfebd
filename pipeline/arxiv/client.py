"""Fetches from arXiv: one connection, one pace, bounded sizes and times. Parses nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from pipeline import __version__
from pipeline.clock import Clock
from pipeline.errors import (
    ArxivMalformed,
    ArxivRefused,
    ArxivThrottled,
    ArxivUnreachable,
    PdfIncomplete,
    PdfUnavailable,
    one_line,
)
from pipeline.files import write_atomic
from pipeline.pacing import Pacer, Retry, retry_after
from pipeline.records import Pdf
from pipeline.settings import ArxivSettings, RetrySettings, is_loopback

MEGABYTE = 1_000_000
LONGEST_ANSWER_S = 600
"""arXiv itself has been seen to take 590 s over a PDF that it had still to make."""
_REDIRECTS = 5


class ArxivClient:
    """The edge to arXiv. Every method raises ArxivError; `pdf` also PdfUnavailable."""

    def __init__(self, settings: ArxivSettings, retry: RetrySettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._pacer = Pacer(settings.interval_s, clock)
        self._retry = Retry(retry, clock)
        contact = f"; {settings.contact}" if settings.contact else ""
        self._http = httpx.Client(
            headers={
                "User-Agent": f"jianjie/{__version__} (nightly digest{contact})",
                "Accept": "*/*",
            },
            timeout=settings.timeout_s,
            limits=httpx.Limits(max_connections=1),
            follow_redirects=False,
            trust_env=not is_loopback(settings.feed_url.host),
        )

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    @property
    def feed_host(self) -> str:
        """The host that the listing comes from, for its provenance."""
        return self._settings.feed_url.host or ""

    def feed(self, categories: Sequence[str]) -> tuple[bytes, str]:
        """Today's feed of all `categories` in one query: arXiv de-duplicates inside a query.

        The body and the address, which goes into messages.
        """
        url = f"{str(self._settings.feed_url).rstrip('/')}/{'+'.join(categories)}"
        return self._get(url), url

    def metadata(self, ids: Sequence[str]) -> tuple[bytes, str]:
        """The API's answer for up to 100 ids, with or without versions."""
        # max_results defaults to 10 even with an id list.
        query = httpx.QueryParams({"id_list": ",".join(ids), "max_results": len(ids)})
        url = str(httpx.URL(str(self._settings.api_url)).copy_merge_params(query))
        return self._get(url), url

    def pdf(self, versioned: str, target: Path) -> Pdf:
        """Download one PDF to `target`, whole or not at all.

        Raises PdfUnavailable for what arXiv serves in a PDF's place, OutputError for a full disk.
        """
        url = f"{str(self._settings.pdf_url).rstrip('/')}/{versioned}"
        return self._retry.call(lambda: self._download(url, target))

    def _get(self, url: str) -> bytes:
        return self._retry.call(lambda: self._get_once(url))

    def _get_once(self, url: str) -> bytes:
        limit = self._settings.max_answer_mb
        with self._open(url) as response:
            body = self._read(response, limit * MEGABYTE, url)
        if body is None:
            raise ArxivMalformed(
                f"the answer is larger than {limit} MB", where=url, fix="Raise arxiv.max_answer_mb"
            )
        # arXiv explains a 400 in a feed, which the parsers read.
        if response.status_code != 400 or (b"<feed" not in body and b"<rss" not in body):
            _raise_for_status(response, url)
        return body

    def _download(self, url: str, target: Path) -> Pdf:
        limit = self._settings.max_pdf_mb
        with self._open(url) as response:
            _raise_if_no_pdf(response, url)
            content = self._read(response, limit * MEGABYTE, url)
        if content is None:
            raise PdfUnavailable(
                f"larger than {limit} MB", where=url, fix="Raise arxiv.max_pdf_mb to read it"
            )
        _raise_if_not_whole(content, url)
        write_atomic(target, content)
        return Pdf(path=target, sha256=hashlib.sha256(content).hexdigest(), size=len(content))

    def _read(self, response: httpx.Response, cap: int, url: str) -> bytes | None:
        """The body, decoded; None when it is larger than `cap` bytes."""
        deadline = self._clock.monotonic() + LONGEST_ANSWER_S
        body = bytearray()
        for chunk in response.iter_bytes(64 * 1024):
            body += chunk
            if len(body) > cap:
                return None
            if self._clock.monotonic() > deadline:  # httpx bounds each read, not their sum
                raise ArxivUnreachable(
                    f"the answer took over {LONGEST_ANSWER_S} s", where=url, fix="Try again later"
                )
        return bytes(body)

    @contextmanager
    def _open(self, url: str) -> Iterator[httpx.Response]:
        """The response with its body still to come; redirects only within the same site."""
        home = url
        for _ in range(_REDIRECTS):
            self._pacer.wait()
            with _translated(url), self._http.stream("GET", url) as response:
                if response.next_request is None:
                    yield response
                    return
                url = str(response.next_request.url)
            if not _same_site(home, url):
                raise ArxivRefused(f"sent on to another site: {url}", where=home)
        raise ArxivRefused(f"sent on {_REDIRECTS} times", where=home)


def _same_site(home: str, url: str) -> bool:
    """Hosts of arxiv.org may send on to each other; no other host to any but itself."""
    host, other = httpx.URL(home).host, httpx.URL(url).host
    both_arxiv = all(f".{name}".endswith(".arxiv.org") for name in (host, other))
    return host == other or both_arxiv


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """httpx's errors, wherever they arise inside, as ours."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise ArxivUnreachable("no answer in time", where=url, fix="Try again later") from error
    except httpx.TransportError as error:
        raise ArxivUnreachable(
            f"no connection ({one_line(error) or type(error).__name__})",
            where=url,
            fix="Check the network and the arxiv part of config.yaml",
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ArxivRefused(one_line(error), where=url) from error


def _raise_for_status(response: httpx.Response, url: str) -> None:
    """Return on 200. 406 is another of arXiv's ways to say 429, and 503 may be."""
    status = response.status_code
    later = "Try again later"
    if status == 200:
        return
    if status in {429, 406} or (status == 503 and "Retry-After" in response.headers):
        raise ArxivThrottled(
            f"arXiv asks for a slower pace (HTTP {status})",
            where=url,
            fix=later,
            retry_after=retry_after(response.headers),
        )
    if status >= 500 or status in {408, 409, 425}:
        raise ArxivUnreachable(f"arXiv answers HTTP {status}", where=url, fix=later)
    raise ArxivRefused(
        f"arXiv answers HTTP {status}", where=url, fix="Check the id and arxiv in config.yaml"
    )


def _raise_if_no_pdf(response: httpx.Response, url: str) -> None:
    """What arXiv serves in a PDF's place: error pages, a challenge, "not ready"."""
    if response.status_code in {404, 410}:
        raise PdfUnavailable(
            f"arXiv has no PDF of this version (HTTP {response.status_code})", where=url
        )
    _raise_for_status(response, url)
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind in {"text/html", "text/plain", "application/xhtml+xml"}:
        raise PdfUnavailable(f"arXiv sent {kind} in place of the PDF", where=url)


def _raise_if_not_whole(content: bytes, url: str) -> None:
    """ISO 32000-1, 7.5: `%PDF` opens the file and `%%EOF` closes it, give or take 1 KB."""
    if not content:
        raise PdfIncomplete("the PDF is empty", where=url)
    if b"%PDF" not in content[:1024]:
        raise PdfUnavailable("what arXiv sent is not a PDF", where=url)
    if b"%%EOF" not in content[-1024:]:
        raise PdfIncomplete("the PDF is cut off", where=url)
