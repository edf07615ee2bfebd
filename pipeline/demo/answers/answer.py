"""An HTTP answer, and the ones that any address can give."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import NamedTuple

PLAIN = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"


class Answer(NamedTuple):
    """An HTTP answer, which may not come whole."""

    status: int
    kind: str = ""
    """Content-Type."""
    body: bytes = b""
    headers: Mapping[str, str] = {}
    chunked: bool = False
    """Without Content-Length."""
    cut: bool = False
    """The connection ends in mid-body."""
    hang_up: bool = False
    """The connection ends, and none of this is said."""


def page(title: str, heading: str, text: str) -> bytes:
    """A small HTML page."""
    title, heading, text = map(escape, (title, heading, text))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{title}</title>\n</head>\n"
        f"<body>\n<h1>{heading}</h1>\n<p>{text}</p>\n</body>\n</html>\n"
    ).encode()
