"""What the stand-in arXiv can be told to do wrong; all of it is known of arXiv or of networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pipeline.records import Record

FeedFault = Literal["not_xml", "truncated_xml", "empty", "server_error", "error_feed"]
ApiFault = Literal["not_xml", "server_error", "empty_page"]
PdfFault = Literal[
    "html",
    "captcha",
    "empty",
    "truncated",
    "encrypted",
    "not_found",
    "withdrawn",
    "server_error",
    "disconnect",
]


class Faults(Record):
    """None of these by default. Counts start anew whenever the server is given faults."""

    throttle: int = 0
    """The first so many requests of any kind are answered 429 `Rate exceeded.`."""
    retry_after: float | None = None
    """Seconds in the Retry-After header of every 429 and 503; None leaves the header out."""
    feed: FeedFault | None = None
    feed_failures: int = 0
    """The first so many requests for the feed (throttled ones not counted) are answered 503."""
    api: ApiFault | None = None
    api_failures: int = 0
    """The same for the metadata API."""
    api_missing: frozenset[str] = frozenset()
    """Base ids (2601.02954) that the metadata API does not know."""
    pdf: Mapping[str, PdfFault] = {}
    """By versioned id (2601.02954v1)."""
