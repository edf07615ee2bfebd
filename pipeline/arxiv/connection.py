"""One connection to arXiv at one pace: requests, redirects, and what their failures mean."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx2

from pipeline import __version__
from pipeline.clock import Clock
from pipeline.errors import ArxivRefused, ArxivThrottled, ArxivUnreachable, one_line
from pipeline.pacing import Pacer, retry_after
from pipeline.settings import ArxivSettings, is_loopback

LONGEST_ANSWER_S = 600
"""arXiv itself has been seen to take 590 s over a PDF that it had still to make."""
_REDIRECTS = 5
_PAGE_CAP = 64 * 1024
_HEADING_OR_PARAGRAPH = re.compile(r"<(?:h1|p)\b[^<>]*>([^<]*)", re.IGNORECASE)
_TITLE = re.compile(r"<title\b[^<>]*>([^<]*)", re.IGNORECASE)


class Connection:
    """Every request of the program to arXiv goes through here.

    `cache` is the installation's cache folder, where processes share their pace.
    """

    def __init__(self, settings: ArxivSettings, clock: Clock, cache: Path) -> None:
        self._clock = clock
        self._pace = cache / "pace"
        self._pacers: dict[str, Pacer] = {}
        self.server_time: dt.datetime | None = None
        """What arXiv's clock said in its last answer, UTC."""
        contact = f"; {settings.contact}" if settings.contact else ""
        self._http = httpx2.Client(
            headers={
                "User-Agent": f"jianjie/{__version__} (nightly digest{contact})",
                "Accept": "*/*",
            },
            timeout=settings.timeout_s,
            limits=httpx2.Limits(max_connections=1),
            follow_redirects=False,
            trust_env=not is_loopback(settings.feed_url.host),
        )

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    @contextmanager
    def open(
        self, url: str, interval: float, headers: Mapping[str, str] | None = None
    ) -> Iterator[httpx2.Response]:
        """The response with its body still to come, `interval` seconds after the request before.

        Redirects are followed within arXiv's own site, each a request like any other. Raises
        ArxivUnreachable, ArxivRefused, Interrupted.
        """
        home = url
        for _ in range(_REDIRECTS):
            self._pacer(url).wait(interval)
            request = self._http.stream("GET", url, headers=dict(headers or {}))
            with _translated(url), request as response:
                self.server_time = header_date(response.headers, "Date")
                if response.next_request is None:
                    yield response
                    return
                url = str(response.next_request.url)
            if not _same_site(home, url):
                raise ArxivRefused(
                    "sent on to another site",
                    where=home,
                    said=url,
                    fix="Check the addresses under arxiv in config.yaml",
                )
        raise ArxivRefused(
            f"sent on {_REDIRECTS} times",
            where=home,
            fix="Check the addresses under arxiv in config.yaml",
        )

    def chunks(self, response: httpx2.Response, url: str) -> Iterator[bytes]:
        """The body, decoded, as it comes. Raises ArxivUnreachable after LONGEST_ANSWER_S."""
        deadline = self._clock.monotonic() + LONGEST_ANSWER_S
        # Without a size of chunk: that would be waited for, however slowly it drips.
        for chunk in response.iter_bytes():
            self._clock.sleep(0)  # a stopped run does not sit through 60 MB
            if self._clock.monotonic() > deadline:  # httpx2 bounds each read, not their sum
                raise ArxivUnreachable(
                    f"the answer took over {LONGEST_ANSWER_S} s", where=url, fix="Try again later"
                )
            yield chunk

    def read(self, response: httpx2.Response, cap: int, url: str) -> bytes | None:
        """The whole body; None when it is larger than `cap` bytes."""
        body = bytearray()
        for chunk in self.chunks(response, url):
            body += chunk
            if len(body) > cap:
                return None
        return bytes(body)

    def read_page(self, response: httpx2.Response, url: str) -> str:
        """The first 64 KB of a page that explains something."""
        body = bytearray()
        for chunk in self.chunks(response, url):
            body += chunk
            if len(body) >= _PAGE_CAP:
                break
        return body[:_PAGE_CAP].decode(errors="replace")

    def _pacer(self, url: str) -> Pacer:
        site = _site(url)
        if site not in self._pacers:
            self._pacers[site] = Pacer(self._clock, self._pace / site)
        return self._pacers[site]


def _site(url: str) -> str:
    """Who shares a pace, as a file name: all of arXiv's hosts, or one other host and port."""
    address = httpx2.URL(url)
    if _is_arxiv(address.host):
        return "arxiv.org"
    return re.sub(r"[^\w.-]", "_", f"{address.host}_{address.port or address.scheme}")


def _is_arxiv(host: str) -> bool:
    return f".{host}".endswith(".arxiv.org")


def _same_site(home: str, url: str) -> bool:
    """Hosts of arxiv.org may send on to each other; no other host to any but itself."""
    host, other = httpx2.URL(home).host, httpx2.URL(url).host
    return host == other or (_is_arxiv(host) and _is_arxiv(other))


def header_date(headers: Mapping[str, str], name: str) -> dt.datetime | None:
    """A date among the headers, UTC; None where there is none that can be read."""
    try:
        return parsedate_to_datetime(headers[name]).astimezone(dt.UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """httpx2's errors, wherever they arise inside, as ours."""
    try:
        yield
    except httpx2.TimeoutException as error:
        raise ArxivUnreachable("no answer in time", where=url, fix="Try again later") from error
    except httpx2.TransportError as error:
        raise ArxivUnreachable(
            "no connection",
            where=url,
            said=one_line(error) or type(error).__name__,
            fix="Check the network and the arxiv part of config.yaml",
        ) from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise ArxivRefused(
            "the request cannot be made",
            where=url,
            said=error,
            fix="Check the addresses under arxiv in config.yaml",
        ) from error


def raise_for_status(response: httpx2.Response, url: str, page: str = "") -> None:
    """Return on 200. 406 is another of arXiv's ways to say 429, and 503 may be.

    `page` is what came with a refusal; its own words go into the message. Raises ArxivError.
    """
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
        f"arXiv answers HTTP {status}",
        where=url,
        fix="Check the id and arxiv in config.yaml",
        said=said(page),
    )


def said(page: str) -> str:
    """ArXiv's own words: plain text, or a page's heading and first paragraph."""
    if "<" in page:
        parts = _HEADING_OR_PARAGRAPH.findall(page)[:2] or _TITLE.findall(page)[:1]
    else:
        parts = [page]
    return one_line(html.unescape(". ".join(filter(None, map(one_line, parts)))))


def title(page: str) -> str:
    """A page's title, empty where it has none."""
    match = _TITLE.search(page)
    return one_line(html.unescape(match[1])) if match else ""
