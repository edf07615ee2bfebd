"""Any OpenAI-compatible endpoint; the only module that imports openai.

Translates the client's errors into ours. The client's own retries are off: pacing.py has the
one policy.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pipeline.clock import Clock
from pipeline.errors import (
    ConfigError,
    JianjieError,
    ModelForbidden,
    ModelRefused,
    ModelThrottled,
    ModelUnreachable,
    ReplyUnusable,
    one_line,
)
from pipeline.llm.prices import cost
from pipeline.pacing import Retry, retry_after
from pipeline.records import Message, Reply, Sampling
from pipeline.replies import JSON_SCHEMA
from pipeline.settings import EndpointProfile, RetrySettings, is_loopback

if TYPE_CHECKING:
    import openai
    from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

_NO_KEY = "none"  # the client insists on one; servers without keys ignore it
_KEY_SHAPE = re.compile(r"\b[sp]k-[\w*.-]{6,}|\bBearer\s+[\w*.-]{6,}|[\w-]*\*{3,}[\w-]*")
"""A key, or what is left of one that the endpoint masked itself."""


class Endpoint:
    """One model behind one base URL. Safe to call from many threads."""

    def __init__(self, profile: EndpointProfile, retry: RetrySettings, clock: Clock) -> None:
        self._profile = profile
        self._retry = Retry(retry, clock)
        self._clock = clock
        self._key = _key(profile)

    @cached_property
    def _client(self) -> openai.OpenAI:
        """Made with the first call: openai is slow to import, and a finished day needs no model."""
        import openai  # noqa: PLC0415

        return openai.OpenAI(
            base_url=str(self._profile.base_url),
            api_key=self._key or _NO_KEY,
            max_retries=0,
            timeout=self._profile.timeout_s,
            http_client=openai.DefaultHttpxClient(
                trust_env=not is_loopback(self._profile.base_url.host),
                follow_redirects=False,  # requests stay with the configured host
            ),
        )

    @property
    def identity(self) -> str:
        """The model's name, for keys and provenance."""
        return self._profile.model

    @property
    def where(self) -> str:
        """Model and host, for messages."""
        return f"{self._profile.model} at {self._profile.base_url.host}"

    def close(self) -> None:
        """Hang up."""
        if "_client" in vars(self):
            self._client.close()

    def ask(self, messages: Sequence[Message], sampling: Sampling) -> Reply:
        """One reply, tried again within the policy when the failure can pass.

        Raises ModelError.
        """
        return self._retry.call(lambda: self._ask_once(messages, sampling))

    def _ask_once(self, messages: Sequence[Message], sampling: Sampling) -> Reply:
        import openai  # noqa: PLC0415 - slow to load

        start = self._clock.monotonic()
        try:
            completion = self._client.chat.completions.create(
                model=self._profile.model,
                messages=[_param(message) for message in messages],
                temperature=sampling.temperature,
                max_tokens=sampling.max_tokens,
                extra_body=self._body(sampling),
            )
            # The client checks no types: a web page or half an answer fails only when read.
            return self._reply(completion, self._clock.monotonic() - start)
        except (openai.OpenAIError, ValueError, AttributeError, TypeError) as error:
            raise self._translated(error) from error

    def _body(self, sampling: Sampling) -> dict[str, Any]:
        """What is not the same everywhere: the form of the reply, and the profile's extras."""
        body: dict[str, Any] = dict(self._profile.extra_body)
        if sampling.json_reply and self._profile.replies == "json_schema":
            body["response_format"] = {"type": "json_schema", "json_schema": JSON_SCHEMA}
        elif sampling.json_reply and self._profile.replies == "json_object":
            body["response_format"] = {"type": "json_object"}
        if sampling.seed is not None:
            body["seed"] = sampling.seed
        if sampling.grammar is not None:
            body["grammar"] = sampling.grammar
        return body

    def _reply(self, completion: ChatCompletion, seconds: float) -> Reply:
        choice = completion.choices[0] if completion.choices else None
        if choice is None or choice.message.refusal or choice.finish_reason == "content_filter":
            reason = choice.message.refusal if choice else "no choices in the answer"
            raise ReplyUnusable(
                f"the model declined: {reason or 'content filter'}", where=self.where
            )
        usage = completion.usage
        tokens_in = (usage.prompt_tokens or 0) if usage else 0
        tokens_out = (usage.completion_tokens or 0) if usage else 0
        return Reply(
            # Half of a surrogate pair, which JSON can escape, cannot be stored: it becomes U+FFFD.
            text=(choice.message.content or "")
            .encode("utf-16", "surrogatepass")
            .decode("utf-16", "replace"),
            model=self.identity,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            cost=cost(self._profile, tokens_in, tokens_out),
            seconds=round(seconds, 3),
            finish=str(choice.finish_reason),
        )

    def _translated(self, error: Exception) -> JianjieError:
        """The client's error as ours, with nothing in it that looks like a key."""
        import openai  # noqa: PLC0415 - slow to load

        detail = self._redacted(one_line(getattr(error, "message", "") or error))[:300]
        if isinstance(error, openai.APITimeoutError):
            return ModelUnreachable("no answer in time", where=self.where, fix="Try again later")
        if isinstance(error, openai.APIConnectionError):
            return ModelUnreachable(
                f"no connection ({detail})",
                where=self.where,
                fix="Check the network and base_url in config.yaml",
            )
        if isinstance(error, openai.APIStatusError):
            return self._by_status(error, detail)
        return ModelUnreachable(
            f"the answer cannot be read ({detail})",
            where=self.where,
            fix="Check base_url in config.yaml",
        )

    def _by_status(self, error: openai.APIStatusError, detail: str) -> JianjieError:
        status = error.status_code
        if status == 429:
            return ModelThrottled(
                f"asks for a slower pace (HTTP 429: {detail})",
                where=self.where,
                fix="Lower concurrency in config.yaml, or check the account's quota",
                retry_after=retry_after(error.response.headers),
            )
        if status >= 500 or status in {408, 409, 425}:
            return ModelUnreachable(f"HTTP {status}: {detail}", where=self.where)
        fix = "Check model and base_url in config.yaml"
        if status in {401, 403}:
            fix = f"Check the key in {self._profile.api_key_env or 'api_key_env (none is set)'}"
        if status in {401, 402, 403, 404}:
            return ModelForbidden(f"HTTP {status}: {detail}", where=self.where, fix=fix)
        return ModelRefused(f"HTTP {status}: {detail}", where=self.where, fix=fix)

    def _redacted(self, text: str) -> str:
        """Some endpoints quote the key, whole or in part, in their errors."""
        if self._key:
            text = text.replace(self._key, "***")
        return _KEY_SHAPE.sub("***", text)


def _key(profile: EndpointProfile) -> str | None:
    if profile.api_key_env is None:
        return None
    key = os.environ.get(profile.api_key_env, "").strip()
    if not key:
        raise ConfigError(
            f"the environment variable {profile.api_key_env} is not set",
            where=f"model {profile.model}",
            fix=f"export {profile.api_key_env}=… or choose another model",
        )
    return key


def _param(message: Message) -> ChatCompletionMessageParam:
    if message.role == "system":
        return {"role": "system", "content": message.content}
    if message.role == "assistant":
        return {"role": "assistant", "content": message.content}
    return {"role": "user", "content": message.content}
