"""Any OpenAI-compatible endpoint; with wire.py and failures.py the only place that knows openai.

One request at a time is paced and sent, and asked in the forms that the endpoint takes. Nothing
is tried again here but what costs nothing: a request that is refused for a part that it can do
without. The client's own retries are off: guard.py has the one policy.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.clock import Clock
from pipeline.errors import FeatureMissing, ModelRefused, ModelThrottled
from pipeline.llm import failures, tokens
from pipeline.llm.completion import Completion, TokensUsed, read_completion
from pipeline.llm.features import FeatureMemory, Features, missing_part, remembered
from pipeline.llm.keys import api_key
from pipeline.llm.pace import Pace, Turns
from pipeline.llm.prices import cost
from pipeline.records import ChatMessage, Reply, Sampling
from pipeline.settings import EndpointProfile

if TYPE_CHECKING:
    from pipeline.llm.lean import openai

_NO_KEY = "none"  # the client insists on one; servers without keys ignore it
_PROBE = (ChatMessage(role="user", content='Reply with JSON: {"分类": ["cs.SD"], "简介": "好。"}'),)
_PROBE_TOKENS = 64


class Endpoint:
    """One model behind one base URL. Safe to call from many threads.

    `patience_s` is the longest pause that the endpoint may ask for; `pace` one that is shared with
    others.
    """

    def __init__(
        self,
        profile: EndpointProfile,
        clock: Clock,
        memory: FeatureMemory,
        *,
        patience_s: float,
        pace: Turns | None = None,
    ) -> None:
        self._profile = profile
        self._clock = clock
        self._memory = memory
        self._key = api_key(profile)
        self._changing = threading.RLock()
        self._client: openai.OpenAI | None = None
        self._features: Features | None = None
        self._remembered: Features | None = None
        self._pace = pace or pace_of(profile, clock, patience_s)

    @property
    def client(self) -> openai.OpenAI:
        """Made with the first call: openai is slow to import, and a finished day needs no model.

        One for all threads, or the others' connections would never be closed.
        """
        with self._changing:
            if self._client is None:
                from pipeline.llm.lean import openai
                from pipeline.llm.wire import http_client

                self._client = openai.OpenAI(
                    base_url=self.address,
                    api_key=self._key or _NO_KEY,
                    max_retries=0,
                    timeout=self._profile.timeout_s,
                    http_client=http_client(self._profile),
                )
            return self._client

    @property
    def features(self) -> Features:
        """What the endpoint is known to take; the profile's form where it names one."""
        with self._changing:
            if self._features is None:
                kept = self._memory.recall(self.address, self.identity)
                self._remembered = remembered(kept)
                features = self._remembered or Features()
                form = self._profile.replies
                if form != "auto":
                    features = features.model_copy(update={"form": form})
                self._features = features
            return self._features

    @property
    def known(self) -> bool:
        """Whether there is nothing to find out."""
        return bool(self.features) and (
            self._remembered is not None or self._profile.replies != "auto"
        )

    @property
    def address(self) -> str:
        """The base URL."""
        return str(self._profile.base_url)

    @property
    def identity(self) -> str:
        """The model's name, for keys and provenance."""
        return self._profile.model

    @property
    def where(self) -> str:
        """Model and host, for messages."""
        return place_of(self._profile)

    def warm_up(self) -> None:
        """Load the client, which takes longer than to ask it."""
        _ = self.client

    def close(self) -> None:
        """Hang up."""
        with self._changing:
            if self._client is not None:
                self._client.close()

    def probe(self) -> Reply:
        """One tiny call, which finds out anew what the endpoint takes. Raises ModelError."""
        if self._profile.replies == "auto":
            self._features = Features()
        sampling = Sampling(temperature=0, max_tokens=_PROBE_TOKENS, form="entry")
        return self.ask(_PROBE, sampling)

    def ask(self, messages: Sequence[ChatMessage], sampling: Sampling) -> Reply:
        """One reply to one request; a refusal by the model is a reply that is `declined`.

        Raises ModelError, and Interrupted while it waits for its turn.
        """
        token_count = self._tokens(messages, sampling)
        with self._pace.turn(token_count) as turn:
            try:
                return self._ask(messages, sampling)
            except ModelThrottled as error:
                error.retry_after = self._pace.throttled(turn, error.retry_after)
                raise

    def embed(self, texts: Sequence[str]) -> Any:
        """What it answers where it is asked for a vector of each text. Raises as `ask`."""
        import httpx2  # slow to load

        from pipeline.llm.lean import openai

        body = {"model": self.identity, "input": list(texts), "encoding_format": "float"}
        with self._pace.turn(sum(map(tokens.count, texts))) as turn:
            try:
                answer = self.client.post(
                    "/embeddings", cast_to=httpx2.Response, body=body | self._profile.extra_body
                )
                self._pace.answered(answer.headers)
                return answer.json()
            except openai.APIStatusError as error:
                refused = failures.translated_refusal(failures.refusal(error), self.asked)
                if isinstance(refused, ModelThrottled):
                    refused.retry_after = self._pace.throttled(turn, refused.retry_after)
                raise refused from error
            except (openai.OpenAIError, ValueError, RecursionError) as error:
                raise failures.translated(error, self.asked) from error

    def _tokens(self, messages: Sequence[ChatMessage], sampling: Sampling) -> int:
        """Counted only where the profile has a limit on them."""
        if self._profile.tokens_per_minute is None:
            return 0
        return tokens.of_messages(messages, self._profile.counting_factor) + sampling.max_tokens

    def _ask(self, messages: Sequence[ChatMessage], sampling: Sampling) -> Reply:
        """The request with all that the endpoint takes; less of it where it names a part."""
        while True:
            features = self.features
            try:
                reply = self._ask_once(messages, sampling, features)
            except FeatureMissing as missing:
                self.lower(features, missing)
                continue
            self._remember(features)
            return reply

    def _remember(self, features: Features) -> None:
        """Keep what an answer has shown to work."""
        if features != self._remembered:
            self._memory.remember(self.address, self.identity, features.model_dump_json())
            self._remembered = features

    def lower(self, used: Features, missing: FeatureMissing) -> None:
        """Do without what is missing from now on. Raises it again where that cannot be."""
        with self._changing:
            if self._features is not used:
                return  # another thread was told the same
            lower = used.lower(missing.part)
            if lower is None:
                raise missing
            self._features = lower

    def _ask_once(
        self, messages: Sequence[ChatMessage], sampling: Sampling, features: Features
    ) -> Reply:
        import httpx2  # slow to load

        from pipeline.llm.lean import openai

        start = self._clock.monotonic()
        body = self.body(messages, sampling, features)
        try:
            answer = self.client.post("/chat/completions", cast_to=httpx2.Response, body=body)
            self._pace.answered(answer.headers)
            seconds = self._clock.monotonic() - start
            return self.reply(answer.json(), messages, features.temperature(sampling), seconds)
        except openai.APIStatusError as error:
            return self.refused(failures.refusal(error), body)
        except (openai.OpenAIError, ValueError, RecursionError) as error:
            raise failures.translated(error, self.asked) from error

    def body(
        self, messages: Sequence[ChatMessage], sampling: Sampling, features: Features
    ) -> dict[str, Any]:
        """The whole request; the profile's extras win over everything."""
        body: dict[str, Any] = {
            "model": self.identity,
            "messages": [message.model_dump() for message in messages],
            **features.body(sampling),
        }
        if sampling.grammar is not None:
            body["grammar"] = sampling.grammar
        return body | self._profile.extra_body

    def reply(
        self,
        answer: Any,
        messages: Sequence[ChatMessage],
        temperature: float | None,
        seconds: float,
        *,
        price_share: float = 1.0,
    ) -> Reply:
        """The record of an answer, without the key. Raises ValueError for what is no completion."""
        completion = read_completion(answer)
        if self._key:
            text = completion.text.replace(self._key, "***")
            completion = completion.model_copy(update={"text": text})
        usage = completion.usage or self._estimated(messages, completion.text)
        price = cost(self._profile, usage.tokens_in, usage.tokens_out, usage.cached_in)
        price = None if price is None else price * price_share
        reply = completion.reply(usage, self.identity, price, seconds, self._clock.now())
        return reply.model_copy(update={"temperature": temperature})

    def _estimated(self, messages: Sequence[ChatMessage], text: str) -> TokensUsed:
        """For an endpoint that counts nothing: a budget must not take its calls for free."""
        factor = self._profile.counting_factor
        tokens_in = tokens.of_messages(messages, factor)
        return TokensUsed(tokens_in=tokens_in, tokens_out=math.ceil(tokens.count(text) * factor))

    def refused(self, refusal: failures.Refusal, body: Mapping[str, Any]) -> Reply:
        """What a status other than 2xx means; a content filter's is the model's own no.

        Raises ModelError, FeatureMissing for a part of `body` that it can do without.
        """
        error = failures.translated_refusal(refusal, self.asked)
        if refusal.filtered:
            declined = Completion(text=error.said or error.what, finish="content_filter")
            return declined.reply(TokensUsed(), self.identity, 0.0, 0.0, self._clock.now())
        part = missing_part(refusal.reason, body) if type(error) is ModelRefused else None
        if part is not None:
            raise FeatureMissing(error.what, where=self.where, said=error.said, part=part)
        raise error

    @property
    def asked(self) -> failures.Where:
        """The endpoint, for errors."""
        return failures.Where(self.where, self._key, self._profile.api_key_env)


def place_of(profile: EndpointProfile) -> str:
    """Model and host."""
    return f"{profile.model} at {profile.base_url.host}"


def pace_of(profile: EndpointProfile, clock: Clock, patience_s: float) -> Pace:
    """How fast it may be asked."""
    return Pace(
        profile.concurrency,
        clock,
        patience_s=patience_s,
        where=place_of(profile),
        requests_per_minute=profile.requests_per_minute,
        tokens_per_minute=profile.tokens_per_minute,
    )
