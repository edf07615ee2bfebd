"""A question that is no prompt variant's: kept by what is sent, asked again where it is not read.

What a judge and a second look ask is so: one reply in JSON of a form of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from pipeline.llm.model import Model
from pipeline.records import ChatMessage, Inquiry, Reply, Sampling
from pipeline.text.untrusted import as_data

_TRIES = 2


class KeptReplies(Protocol):
    """Where replies are kept."""

    def get(self, key: str, attempt: int) -> Reply | None:
        """A reply that was already paid for."""

    def add(self, key: str, attempt: int, reply: Reply, inquiry: Inquiry | None = None) -> None:
        """Keep a reply."""


class Question(NamedTuple):
    """Ready to send; the key covers every word, who is asked and how it is drawn."""

    key: str
    messages: tuple[ChatMessage, ...]
    sampling: Sampling


def question_to(
    model: Model,
    system: str,
    user: str,
    sampling: Sampling,
    settings: Mapping[str, Any],
    number: int = 0,
) -> Question:
    """To `model`; `settings` are its profile's own that are sent with it.

    `number` tells apart questions in the same words whose replies are drawn anew.
    """
    drawn = {"temperature": sampling.temperature, "max_tokens": sampling.max_tokens}
    sent: list[object] = [model.identity, model.address, system, user, drawn, dict(settings)]
    sent += [number] if number else []
    key = hashlib.sha256(json.dumps(sent, sort_keys=True).encode()).hexdigest()[:32]
    messages = (ChatMessage(role="system", content=system), ChatMessage(role="user", content=user))
    return Question(key, messages, sampling)


def answers(
    asked: Question,
    model: Model,
    kept: KeptReplies,
    reads: Callable[[Reply], bool],
    again: Callable[[Reply], str],
) -> Sequence[Reply]:
    """The replies, the last of which can be read unless none can, or it is `declined`.

    `again` makes what is said to one that cannot. Raises ModelError, BudgetReached.
    """
    replies: list[Reply] = []
    messages = asked.messages
    for attempt in range(_TRIES):
        reply = kept.get(asked.key, attempt)
        if reply is None:
            reply = model.ask(messages, asked.sampling)
            kept.add(asked.key, attempt, reply)
        replies.append(reply)
        if reply.declined or reads(reply):
            break
        messages = (
            *asked.messages,
            ChatMessage(role="assistant", content=as_data(reply.text)),
            ChatMessage(role="user", content=again(reply)),
        )
    return replies
