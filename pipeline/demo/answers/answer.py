"""An HTTP answer, and the ones that any address can give."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import NamedTuple

PLAIN = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
UNAVAILABLE_S = 300.0
LATER_S = 30.0
"""In Retry-After, where nothing else is asked for."""


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


def failure(fault: str | None, retry_after: float | None) -> Answer | None:
    """The answer in place of a good one, if `fault` is common to all addresses and leaves none.

    `retry_after` in seconds; without it, only the faults that promise a Retry-After have one.
    """
    exceeded, unavailable = b"Rate exceeded.", b"Service unavailable."
    answers = {
        "throttled": Answer(429, PLAIN, exceeded),
        "throttled_later": Answer(429, PLAIN, exceeded, waiting(retry_after, LATER_S)),
        "not_acceptable": Answer(406, HTML, page("406", "Not Acceptable", "")),
        "unavailable": Answer(503, PLAIN, unavailable, waiting(retry_after, UNAVAILABLE_S)),
        "server_error": Answer(503, PLAIN, unavailable, waiting(retry_after)),
        "hang_up": Answer(0, hang_up=True),
    }
    return answers.get(fault or "")


def waiting(seconds: float | None, default: float | None = None) -> dict[str, str]:
    """The header Retry-After, or none."""
    wait = default if seconds is None else seconds
    return {} if wait is None else {"Retry-After": f"{wait:g}"}


def page(title: str, heading: str, text: str) -> bytes:
    """A small HTML page."""
    title, heading, text = map(escape, (title, heading, text))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{title}</title>\n</head>\n"
        f"<body>\n<h1>{heading}</h1>\n<p>{text}</p>\n</body>\n</html>\n"
    ).encode()


def captcha() -> Answer:
    """A challenge where something else was asked for."""
    return Answer(200, HTML, page("arXiv reCAPTCHA", "Are you a robot?", "Tick a box."))


def maintenance() -> Answer:
    """HTML where XML was asked for, as if nothing were wrong."""
    return Answer(200, HTML, page("arXiv", "Down for maintenance", "Back soon."))
