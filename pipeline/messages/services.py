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
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apprise import NotifyBase

_STATUS = re.compile(r"\berror=(\d{3})\b")
_WECOM_BYTES = 2048
"""Of a text message, by WeCom's documentation; apprise counts characters."""
_REFUSE_WITH_200 = {"NotifyDingTalk", "NotifyFeishu", "NotifyLark", "NotifyWeComBot"}
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
        result = sender.notify(body=body, title=title, body_format=NotifyFormat.TEXT)
    if result:
        return ""
    said = " ".join(entry.message for entry in result.logs())
    if match := _STATUS.search(said):
        return f"it answered {match[1]}"
    return "no connection" if "onnection error" in said else "it was not taken"


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
