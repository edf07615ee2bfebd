"""A request to the stand-in arXiv, as it came in."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pipeline.records import Record

Kind = Literal["feed", "list", "catchup", "api", "oai", "pdf"]
"""What arXiv can be asked for."""

_FOLDERS: dict[str, Kind] = {
    "/rss/": "feed",
    "/atom/": "feed",
    "/list/": "list",
    "/catchup/": "catchup",
    "/pdf/": "pdf",
}
_ADDRESSES: dict[str, Kind] = {"/api/query": "api", "/oai": "oai"}


class Request(Record):
    """One request. A header that was not sent is an empty text."""

    method: str
    path: str
    """With its query, as sent."""
    user_agent: str = ""
    accept: str = ""
    if_none_match: str = ""
    range: str = ""
    if_range: str = ""
    at: float = 0.0
    """Seconds on the stand-in's monotonic clock."""

    @property
    def address(self) -> str:
        """The path without its query."""
        return urlsplit(self.path).path

    @property
    def query(self) -> str:
        """What stands behind the question mark."""
        return urlsplit(self.path).query

    @property
    def kind(self) -> Kind | None:
        """What is asked for; None for an address that arXiv does not have."""
        address = self.address
        kinds = (kind for folder, kind in _FOLDERS.items() if address.startswith(folder))
        return _ADDRESSES.get(address) or next(kinds, None)
