"""The one module that knows apprise: an address becomes a service, a letter is sent.

https://github.com/caronc/apprise describes the addresses. apprise logs parts of them: nothing of
what it says is passed on, but for the status that a server answered.
"""

from __future__ import annotations

import importlib
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apprise import NotifyBase

_STATUS = re.compile(r"\berror=(\d{3})\b")
_WECOM_BYTES = 2048
"""Of a text message, by WeCom's documentation; apprise counts characters."""
_REFUSE_WITH_200 = {"NotifyDingTalk", "NotifyFeishu", "NotifyLark", "NotifyWeComBot"}
_MAIL = "NotifyEmail"
_ENTRY = re.compile(r"(\d+)\. (.+)\n(.+)\n(https://\S+)")
_ADDRESS = re.compile(r"https://[^\s<>\"'&]+")
_PATIENCE_S = 10.0
"""For a connection and for each part of an answer, where the address names no times."""


def service(url: str) -> NotifyBase | None:
    """What an address stands for; None where apprise takes it for none. Asks nobody."""
    logging.getLogger("apprise").propagate = False
    logging.getLogger("apprise").addHandler(logging.NullHandler())
    from apprise import Apprise, AppriseAsset, NotifyBase, OverflowMode  # an extra

    # Redirects would lead to hosts that no address names. No deadline: the process has one.
    asset = AppriseAsset(
        app_id="jianjie", http_redirects=False, async_mode=False, service_timeout=0
    )
    made = Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if not isinstance(made, NotifyBase):
        return None
    if made.overflow_mode == OverflowMode.UPSTREAM:
        made.overflow_mode = OverflowMode.SPLIT
    if made.socket_read_timeout == NotifyBase.socket_read_timeout:
        made.socket_read_timeout = _PATIENCE_S
    if type(made).__name__ == "NotifyWeComBot":
        made.body_maxlen = min(made.body_maxlen, _WECOM_BYTES // 3)
    return made


def send(to: NotifyBase, title: str, body: str) -> str:
    """Empty when the service took it, else why not: in words that hold no secret."""
    from apprise import Apprise, NotifyFormat  # an extra

    sender = Apprise(asset=to.asset)
    sender.add(to)
    with _heeding_refusals() if type(to).__name__ in _REFUSE_WITH_200 else nullcontext():
        if type(to).__name__ == _MAIL:
            # It puts the text of the HTML beside it.
            result = sender.notify(body=html(body), title=title, body_format=NotifyFormat.HTML)
        else:
            result = sender.notify(body=body, title=title, body_format=NotifyFormat.TEXT)
    if result:
        return ""
    said = " ".join(entry.message for entry in result.logs())
    if match := _STATUS.search(said):
        return f"it answered {match[1]}"
    return "no connection" if "onnection error" in said else "it was not taken"


def html(body: str) -> str:
    """A message's text as a mail reads well: each 简介 first, its title the link.

    An entry is known by its form: a numbered title, the line, an address.
    """
    return "\n".join(
        _entry(*match.groups()) if (match := _ENTRY.fullmatch(part)) else _paragraph(part)
        for part in body.split("\n\n")
    )


def _entry(number: str, title: str, line: str, address: str) -> str:
    return (
        f'<p style="margin:0 0 1em"><span style="font-size:1.1em">{escape(line)}</span><br>'
        f'{number}. <a href="{escape(address)}">{escape(title)}</a></p>'
    )


def _paragraph(text: str) -> str:
    linked = _ADDRESS.sub(r'<a href="\g<0>">\g<0></a>', escape(text))
    return f'<p style="margin:0 0 1em">{linked}</p>'.replace("\n", "<br>")


@contextmanager
def _heeding_refusals() -> Iterator[None]:
    """Make a refusal that comes with status 200 a 400, which is all that apprise looks at.

    Without this Feishu's {"code": 19024, ...} and DingTalk's {"errcode": 310000, ...} (no keyword
    of the robot's in the text) would count as sent.
    """
    sessions: Any = importlib.import_module("requests.sessions")
    plain = sessions.Session.send

    def send(self: Any, request: Any, **options: Any) -> Any:
        answer = plain(self, request, **options)
        if answer.status_code == 200 and _refuses(answer.content):
            answer.status_code = 400
        return answer

    sessions.Session.send = send
    try:
        yield
    finally:
        sessions.Session.send = plain


def _refuses(content: bytes) -> bool:
    try:
        said = json.loads(content)
    except ValueError:
        return False
    if not isinstance(said, dict):
        return False
    return any(isinstance(said.get(key), int) and said[key] != 0 for key in ("errcode", "code"))
