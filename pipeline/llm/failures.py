"""The openai client's errors as ours, in one line and with nothing in it that looks like a key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import (
    ContextExceeded,
    JianjieError,
    ModelError,
    ModelForbidden,
    ModelRefused,
    ModelThrottled,
    ModelUnreachable,
    one_line,
)
from pipeline.pacing import LONGEST_WAIT_S, retry_after

if TYPE_CHECKING:
    from pipeline.llm.lean import openai

_KEY_SHAPE = re.compile(r"\b[sp]k-[\w*.-]{6,}|\bBearer\s+[\w*.-]{6,}|[\w-]*\*{3,}[\w-]*")
"""A key, or what is left of one that the endpoint masked itself."""
_TOO_LONG = re.compile(
    r"context_length_exceeded|context (?:length|window|size)|too many (?:input )?tokens"
    r"|(?:prompt|input) is too long|range of input length",
    re.IGNORECASE,
)
_FILTERED = re.compile(
    r"content_filter|content_policy|content management policy|data_inspection_failed"
    r"|inappropriate content|content exists risk",
    re.IGNORECASE,
)
"""OpenAI and Azure, DashScope, DeepSeek."""
_NO_CREDIT = re.compile(r"insufficient_quota|billing_hard_limit|arrearage|insufficient balance")
_LONGEST = 4000
"""Characters of an error that are looked at."""
GATEWAYS = {502, 504}
"""Said by what stands before the model, which may go on working meanwhile."""


class Where(NamedTuple):
    """The endpoint, for messages."""

    name: str
    key: str | None
    key_env: str | None


class Refusal(NamedTuple):
    """An answer with a status of 400 or more: live, or a line of a batch."""

    status: int
    message: str
    reason: str
    """All that it says: message, type, parameter and code."""
    headers: Mapping[str, str] = MappingProxyType({})

    @property
    def filtered(self) -> bool:
        """Whether the endpoint will not have this text read."""
        return self.status in {400, 403, 422} and bool(_FILTERED.search(self.reason))


def refusal(error: openai.APIStatusError) -> Refusal:
    """What the client's error is made of."""
    said = error.body.get("message") if isinstance(error.body, dict) else None
    message = said or error.message.removeprefix(f"Error code: {error.status_code} - ")
    reason = f"{_words(error.message)} {_words(error.body)}"
    return Refusal(error.status_code, _words(message), reason, error.response.headers)


def refusal_in_batch(status: int, body: object) -> Refusal:
    """The same of a line in a batch's file of errors."""
    error = body.get("error", body) if isinstance(body, dict) else body
    message = error.get("message") if isinstance(error, dict) else error
    return Refusal(status, _words(message), _words(body))


def _words(value: object) -> str:
    """Whatever it is, in one line of bounded length."""
    try:
        return one_line(str(value)[:_LONGEST])
    except RecursionError:  # nested deeper than it can be written
        return ""


def translated(error: Exception, where: Where) -> JianjieError:
    """Our error for one of the client's."""
    from pipeline.llm.lean import openai  # slow to load

    said = redacted(_words(getattr(error, "message", "") or error), where.key)
    if isinstance(error, openai.APITimeoutError):
        return ModelUnreachable(
            "no answer in time", where=where.name, fix="Try again later", may_cost=True
        )
    if isinstance(error, openai.APIConnectionError):
        return ModelUnreachable(
            "no connection",
            where=where.name,
            said=said,
            fix="Check the network and base_url in config.yaml",
            may_cost=not _never_connected(error),
        )
    if isinstance(error, openai.APIStatusError):
        return translated_refusal(refusal(error), where)
    return ModelUnreachable(
        "the answer cannot be read",
        where=where.name,
        said=said,
        fix="Check base_url in config.yaml",
        may_cost=True,
    )


def _never_connected(error: openai.APIConnectionError) -> bool:
    return type(error.__cause__).__name__ in {
        "ConnectError",
        "ConnectTimeout",
        "UnsupportedProtocol",
    }


def translated_refusal(refusal: Refusal, where: Where) -> ModelError:
    """Our error for a status."""
    status, reason = refusal.status, refusal.reason
    said = redacted(refusal.message, where.key)
    told = f"HTTP {status}"
    if status in {400, 402, 403, 429} and _NO_CREDIT.search(reason.lower()):
        fix = "Check the account's credit"
        return ModelForbidden(f"{told}: no credit", where=where.name, said=said, fix=fix)
    if status == 429:
        return ModelThrottled(
            f"asks for a slower pace ({told})",
            where=where.name,
            said=said,
            fix="Set requests_per_minute in config.yaml, or check the account's quota",
            retry_after=asked_wait(refusal.headers),
        )
    if status >= 500 or status in {408, 409, 425}:
        return ModelUnreachable(
            told,
            where=where.name,
            said=said,
            retry_after=asked_wait(refusal.headers),
            may_cost=status in GATEWAYS,
        )
    if status in {400, 413, 422} and _TOO_LONG.search(reason):
        fix = "Lower text_tokens in the prompt file"
        return ContextExceeded(
            f"{told}: the prompt is too long", where=where.name, said=said, fix=fix
        )
    fix = "Check model and base_url in config.yaml"
    if status in {401, 403}:
        fix = f"Check the key in {where.key_env or 'api_key_env (none is set)'}"
    if status in {401, 402, 403, 404}:
        return ModelForbidden(told, where=where.name, said=said, fix=fix)
    return ModelRefused(told, where=where.name, said=said, fix=fix)


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks for: Retry-After, or the retry-after-ms that some send too."""
    milliseconds = headers.get("retry-after-ms", "")
    if milliseconds.isascii() and milliseconds.isdecimal():
        return min(float(milliseconds) / 1000, LONGEST_WAIT_S)
    return retry_after(headers)


def redacted(text: str, key: str | None) -> str:
    """Some endpoints quote the key, whole or in part, in their errors."""
    if key:
        text = text.replace(key, "***")
    return _KEY_SHAPE.sub("***", text)
