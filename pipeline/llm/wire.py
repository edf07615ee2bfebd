"""The HTTP client under the openai client: an answer ends in time, however slowly it comes."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2
import openai

from pipeline.settings import EndpointProfile, is_loopback

MOST_BYTES = 64 * 1024 * 1024
"""A batch of 400 papers' replies has about 1 MB."""
_STARTED = "jianjie.started"


class _Bounded(httpx2.SyncByteStream):
    """A body that may take until `deadline`; each read has a limit of its own.

    Both in the machine's time: a socket knows no other, whatever clock a night goes by.
    """

    def __init__(self, body: httpx2.SyncByteStream, deadline: float) -> None:
        self._body = body
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for piece in self._body:
            size += len(piece)
            if time.monotonic() > self._deadline:
                raise httpx2.ReadTimeout("the answer comes too slowly")
            if size > MOST_BYTES:
                raise httpx2.ReadError(f"the answer has more than {MOST_BYTES:,} bytes")
            yield piece

    def close(self) -> None:
        self._body.close()


def http_client(profile: EndpointProfile) -> httpx2.Client:
    """Requests stay with the configured host, and the whole of each within `timeout_s`."""

    def begin(request: httpx2.Request) -> None:
        request.extensions[_STARTED] = time.monotonic()

    def bound(response: httpx2.Response) -> None:
        started = response.request.extensions[_STARTED]
        body = response.stream
        if isinstance(body, httpx2.SyncByteStream):
            response.stream = _Bounded(body, started + profile.timeout_s)

    return openai.DefaultHttpxClient(
        trust_env=not is_loopback(profile.base_url.host),
        follow_redirects=False,
        event_hooks={"request": [begin], "response": [bound]},
    )
