"""What a rule about a 简介 line finds: a reason, and the words that it is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Quoted(NamedTuple):
    """A reason, and the words of the reply that it is about: those are told to the model alone."""

    reason: str
    words: tuple[str, ...]


Problem = str | Quoted | None
"""What a rule finds, in our own words: a reason is published, and whatever a paper talked a model
into must not be."""
Rule = Callable[[str], Problem]
