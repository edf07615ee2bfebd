"""What goes wrong with models: functions that make an answer function, around another one.

    StandInModel(storm(5, retry_after=1))
    StandInModel(every(4, hanging_up(), then=unsupported("json_schema")))

Each takes the function that answers where the fault does not strike as `then`. They are called one
at a time, as StandInModel does.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

from tests.standins.model_answer import (
    NAME,
    Answer,
    Answering,
    Request,
    error,
    good_answer,
    good_line,
    reply,
    title_of,
    tokens_of,
)

Feature = Literal["json_schema", "json_object", "temperature", "max_tokens", "seed"]
_TRADITIONAL = str.maketrans(
    "该论属于语处务决编号问题种并开数据证与鲁", "該論屬於語處務決編號問題種並開數據證與魯"
)
_HTML = b"<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>"


# When a fault strikes


def first(count: int, fault: Answering, then: Answering = good_answer) -> Answering:
    """The first `count` requests get `fault`."""
    numbers = itertools.count()

    def answer(request: Request) -> Answer:
        return fault(request) if next(numbers) < count else then(request)

    return answer


def every(n: int, fault: Answering, then: Answering = good_answer) -> Answering:
    """Every `n`-th request gets `fault`."""
    numbers = itertools.count(1)

    def answer(request: Request) -> Answer:
        return then(request) if next(numbers) % n else fault(request)

    return answer


def when(
    struck: Callable[[Request], bool], fault: Answering, then: Answering = good_answer
) -> Answering:
    """The requests that `struck` picks get `fault`."""
    return lambda request: (fault if struck(request) else then)(request)


def slow(seconds: float, then: Answering = good_answer) -> Answering:
    """Every answer takes so long."""
    return lambda request: replace(then(request), delay_s=seconds)


# Refusals by the endpoint


def throttled(retry_after: float | None = None) -> Answer:
    """A 429 as OpenAI words it."""
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return Answer(status=429, headers=headers)


def storm(count: int, retry_after: float | None = None, then: Answering = good_answer) -> Answering:
    """The first `count` requests get 429, with Retry-After where seconds are given."""
    return first(count, lambda _: throttled(retry_after), then)


def rate_limited(
    at_once: int | None = None,
    per_second: float | None = None,
    retry_after: float | None = None,
    then: Answering = good_answer,
) -> Answering:
    """429 to a request while `at_once` others are answered, or after `per_second` in one second.

    How long an answer takes is what it says itself (delay_s). A refused request counts for nothing.
    """
    ends: deque[float] = deque()
    starts: deque[float] = deque()

    def answer(request: Request) -> Answer:
        now = time.monotonic()
        still = [end for end in ends if end > now]
        while starts and starts[0] <= now - 1:
            starts.popleft()
        full = at_once is not None and len(still) >= at_once
        if full or (per_second is not None and len(starts) >= per_second):
            return throttled(retry_after)
        said = then(request)
        ends.clear()
        ends.extend([*still, now + said.delay_s])
        starts.append(now)
        return said

    return answer


def no_credit(then: Answering = good_answer, after: int = 0) -> Answering:
    """429 with code insufficient_quota, which no waiting helps, after so many good answers."""
    told = "You exceeded your current quota, please check your plan and billing details."
    code = "insufficient_quota"
    return first(after, then, lambda _: error(429, told, type_=code, code=code))


def failing(
    status: int,
    times: int | None = None,
    then: Answering = good_answer,
    *,
    retry_after: float | None = None,
) -> Answering:
    """This status, for the first `times` requests or for all."""
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return _times(times, lambda _: Answer(status=status, headers=headers), then)


def unsupported(*features: Feature, then: Answering = good_answer) -> Answering:
    """400 in OpenAI's words to a request that uses one of the features."""

    def answer(request: Request) -> Answer:
        used = next((feature for feature in features if _USES[feature](request)), None)
        return then(request) if used is None else error(400, **_REFUSALS[used])

    return answer


def context_limit(tokens: int, then: Answering = good_answer) -> Answering:
    """400 with code context_length_exceeded to a longer prompt; a token has four characters."""

    def answer(request: Request) -> Answer:
        used = tokens_of(request)
        if used <= tokens:
            return then(request)
        told = (
            f"This model's maximum context length is {tokens} tokens. However, your messages"
            f" resulted in {used} tokens. Please reduce the length of the messages."
        )
        return error(400, told, param="messages", code="context_length_exceeded")

    return answer


# Connections


def hanging_up(times: int | None = None, then: Answering = good_answer) -> Answering:
    """The connection ends with no answer."""
    return _times(times, lambda _: Answer(hang_up=True), then)


def cutting(then: Answering = good_answer) -> Answering:
    """It ends in the middle of the body."""
    return lambda request: replace(then(request), cut=True)


def dripping(seconds: float, then: Answering = good_answer) -> Answering:
    """So many seconds between pieces of 16 bytes."""
    return lambda request: replace(then(request), drip_s=seconds)


# Bad replies


def invalid_json(raw: bytes = b'{"id": "chatcmpl-1", "choices": [') -> Answering:
    """A body that is no JSON."""
    return lambda _: Answer(raw=raw)


def web_page(status: int = 200) -> Answering:
    """A gateway's HTML page, also where it says 200."""
    return lambda _: Answer(status=status, raw=_HTML, headers={"Content-Type": "text/html"})


def wrong_language(language: Literal["en", "zh-Hant"] = "en") -> Answering:
    """A reply whose line is in English or in traditional characters."""

    def answer(request: Request) -> Answer:
        title = title_of(request)
        if language == "en":
            return Answer(text=reply(f"This paper studies speech processing: {title}. It works."))
        return Answer(text=reply(good_line(title).translate(_TRADITIONAL)))

    return answer


def too_long(then: Answering = good_answer) -> Answering:
    """A reply that its limit cut off in the middle."""

    def answer(request: Request) -> Answer:
        said = then(request)
        return replace(said, text=said.text[: len(said.text) // 2], finish="length")

    return answer


def refusing(
    how: Literal["refusal", "content_filter", "status"] = "refusal",
    text: str = "I'm sorry, but I can't assist with that request.",
) -> Answering:
    """The model's no: in `refusal`, as a finish reason with no text, or a filter's 400."""
    if how == "refusal":
        return lambda _: Answer(refusal=text)
    if how == "content_filter":
        return lambda _: Answer(finish="content_filter")
    told = "The response was filtered due to the prompt triggering the content management policy."
    return lambda _: error(400, told, param="prompt", code="content_filter")


def _times(times: int | None, fault: Answering, then: Answering) -> Answering:
    return fault if times is None else first(times, fault, then)


def _form(request: Request) -> object:
    return (request.get("response_format") or {}).get("type")


_USES: Mapping[Feature, Callable[[Request], bool]] = {
    "json_schema": lambda request: _form(request) == "json_schema",
    "json_object": lambda request: _form(request) == "json_object",
    "temperature": lambda request: request.get("temperature", 1) != 1,
    "max_tokens": lambda request: "max_tokens" in request,
    "seed": lambda request: "seed" in request,
}
_REFUSALS: Mapping[Feature, dict[str, Any]] = {
    "json_schema": {
        "message": "Invalid parameter: 'response_format' of type 'json_schema' is not supported"
        f" with model `{NAME}`.",
        "param": "response_format",
    },
    "json_object": {
        "message": "Invalid parameter: 'response_format' of type 'json_object' is not supported"
        " with this model.",
        "param": "response_format",
    },
    "temperature": {
        "message": "Unsupported value: 'temperature' does not support this value with this model."
        " Only the default (1) value is supported.",
        "param": "temperature",
        "code": "unsupported_value",
    },
    "max_tokens": {
        "message": "Unsupported parameter: 'max_tokens' is not supported with this model."
        " Use 'max_completion_tokens' instead.",
        "param": "max_tokens",
        "code": "unsupported_parameter",
    },
    "seed": {"message": "Unrecognized request argument supplied: seed"},
}
