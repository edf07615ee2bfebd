"""A chat completion, live or out of a batch: JSON in, `Reply` out."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import one_line
from pipeline.records import Reply
from pipeline.usage import Usage


class _Lenient(BaseModel):
    """Endpoints add fields of their own."""

    model_config = ConfigDict(extra="ignore")


class _Message(_Lenient):
    content: str | None = None
    refusal: str | None = None


class _Choice(_Lenient):
    message: _Message
    finish_reason: str | None = None


class _Details(_Lenient):
    cached_tokens: int | None = None


class _Usage(_Lenient):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    prompt_cache_hit_tokens: int | None = None
    """DeepSeek's place for the cached ones."""


class _Completion(_Lenient):
    choices: list[_Choice]
    usage: _Usage | None = None


class Completion(BaseModel):
    """What is read of an answer; `usage` is None where the endpoint counts no tokens."""

    text: str
    finish: str
    usage: Usage | None = Field(default=None)

    def reply(
        self, usage: Usage, model: str, cost: float | None, seconds: float, at: dt.datetime
    ) -> Reply:
        """The record that is kept."""
        return Reply(
            text=self.text,
            model=model,
            tokens_in=usage.tokens_in,
            tokens_out=usage.tokens_out,
            cached_in=usage.cached_in,
            cost=cost,
            seconds=round(seconds, 3),
            finish=self.finish,
            at=at,
        )


def read_completion(answer: Any) -> Completion:
    """The first choice, its text storable. Raises ValueError for what is no completion."""
    read = _Completion.model_validate(answer)
    if not read.choices:
        return Completion(
            text="no choices in the answer", finish="content_filter", usage=_used(read.usage)
        )
    choice = read.choices[0]
    if choice.message.refusal:
        text, finish = one_line(choice.message.refusal), "refusal"
    else:
        # Half of a surrogate pair, which JSON can escape, cannot be stored: it becomes U+FFFD.
        raw = (choice.message.content or "").encode("utf-16", "surrogatepass")
        text, finish = raw.decode("utf-16", "replace"), choice.finish_reason or "unknown"
    if finish == "content_filter" and not text:
        text = "content filter"
    return Completion(text=text, finish=finish, usage=_used(read.usage))


def _used(usage: _Usage | None) -> Usage | None:
    if usage is None or usage.prompt_tokens is None:
        return None
    details = usage.prompt_tokens_details
    cached = usage.prompt_cache_hit_tokens or (details.cached_tokens if details else None) or 0
    return Usage(
        tokens_in=max(0, usage.prompt_tokens),
        tokens_out=max(0, usage.completion_tokens or 0),
        cached_in=max(0, min(cached, usage.prompt_tokens)),
    )
