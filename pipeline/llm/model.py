"""What the rest of the program needs of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pipeline.records import ChatMessage, Reply, Sampling


class Model(Protocol):
    """A model behind an endpoint; safe to call from many threads."""

    @property
    def identity(self) -> str:
        """The model's name in keys and provenance."""

    @property
    def address(self) -> str:
        """Where it answers, which is a part of what a key says of it; empty on this machine."""

    def ask(self, messages: Sequence[ChatMessage], sampling: Sampling) -> Reply:
        """One reply; one that is `declined` is final. Raises ModelError, BudgetReached."""

    def warm_up(self) -> None:
        """Load what the first call needs."""

    def close(self) -> None:
        """Hang up."""
