"""The HTTP client under the openai client: an answer ends in time and size, however it comes."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator

import httpx2

from pipeline.llm.lean import openai
from pipeline.settings import EndpointProfile, is_loopback

MOST_BYTES = 64 * 1024 * 1024
"""Of a file, decoded; a batch of 400 papers' replies has about 1 MB."""
MOST_OF_A_REPLY = 4 * 1024 * 1024
"""Of a completion, decoded; a model that thinks aloud for 100,000 tokens has half a megabyte."""
MOST_OF_AN_ERROR = 256 * 1024
_STARTED = "jianjie.started"
_PIECE = 64 * 1024
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


class _Bounded(httpx2.SyncByteStream):
    """A body, decoded, that may take until `deadline` and have so many bytes.

    Time is the machine's: a socket knows no other, whatever clock a night goes by. httpx2 would
    decode a piece whole, which makes a thousand times its size of it.
    """

    def __init__(
        self, body: httpx2.SyncByteStream, encoding: str, deadline: float, most: int
    ) -> None:
        self._body = body
        self._encoding = encoding
        self._deadline = deadline
        self._most = most

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for piece in self._decoded():
            size += len(piece)
            if time.monotonic() > self._deadline:
                raise httpx2.ReadTimeout("the answer comes too slowly")
            if size > self._most:
                raise httpx2.ReadError(f"the answer has more than {self._most:,} bytes")
            yield piece

    def _decoded(self) -> Iterator[bytes]:
        if self._encoding in {"", "identity"}:
            yield from self._body
        elif self._encoding in {"gzip", "x-gzip", "deflate"}:
            yield from self._inflated()
        else:
            raise httpx2.ReadError("the answer is in an encoding that was not asked for")

    def _inflated(self) -> Iterator[bytes]:
        inflating = zlib.decompressobj(_GZIP_OR_ZLIB)
        try:
            for raw in self._body:
                left = raw
                while left and not inflating.eof:
                    yield inflating.decompress(left, _PIECE)
                    left = inflating.unconsumed_tail
        except zlib.error as error:
            raise httpx2.ReadError("the answer is damaged") from error

    def close(self) -> None:
        self._body.close()


def http_client(profile: EndpointProfile) -> httpx2.Client:
    """Requests stay with the configured host, and the whole of each within `timeout_s`."""

    def begin(request: httpx2.Request) -> None:
        request.extensions[_STARTED] = time.monotonic()

    def bound(response: httpx2.Response) -> None:
        deadline = response.request.extensions[_STARTED] + profile.timeout_s
        encoding = response.headers.pop("Content-Encoding", "").strip().lower()
        body = response.stream
        if isinstance(body, httpx2.SyncByteStream):
            response.stream = _Bounded(body, encoding, deadline, _most(response))

    return openai.DefaultHttpxClient(
        trust_env=not is_loopback(profile.base_url.host),
        follow_redirects=False,
        headers={"Accept-Encoding": "gzip"},
        event_hooks={"request": [begin], "response": [bound]},
    )


def _most(response: httpx2.Response) -> int:
    if response.status_code >= 400:
        return MOST_OF_AN_ERROR
    return MOST_OF_A_REPLY if response.request.url.path.endswith("/completions") else MOST_BYTES
