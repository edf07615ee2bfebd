"""What a process without a store remembers: replies, and what endpoints take."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence

from pipeline.records import Inquiry, Reply


class Memory:
    """Safe to call from many threads; gone with its process.

    It stands where a stage wants a log of replies, and an endpoint a memory of its features.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, list[Reply]] = defaultdict(list)
        self._refused: dict[str, list[list[Reply]]] = defaultdict(list)
        self._reasons: dict[tuple[str, int], tuple[str, ...]] = {}
        self._known: dict[tuple[str, str], str] = {}

    # Replies

    def refusals(self, key: str) -> int:
        """How many rounds in a row ended without a valid reply."""
        with self._lock:
            return len(self._refused[key])

    def refused(self, key: str) -> Sequence[Reply]:
        """The replies of those rounds."""
        with self._lock:
            return [reply for replies in self._refused[key] for reply in replies]

    def get(self, key: str, attempt: int) -> Reply | None:
        """The reply of that attempt in the open round."""
        with self._lock:
            replies = self._open[key]
            return replies[attempt] if attempt < len(replies) else None

    def add(self, key: str, attempt: int, reply: Reply, inquiry: Inquiry | None = None) -> None:
        """Keep the next reply of the open round. Raises ValueError for one out of turn."""
        del inquiry  # it is its asker's
        with self._lock:
            if attempt != len(self._open[key]):
                raise ValueError(f"attempt {attempt} after {len(self._open[key])}")
            self._open[key].append(reply)

    def add_reasons(self, key: str, attempt: int, reasons: Sequence[str]) -> None:
        """Keep why it was refused."""
        with self._lock:
            self._reasons[key, attempt] = tuple(reasons)

    def reasons(self, key: str, attempt: int) -> tuple[str, ...] | None:
        """Why an attempt of the open round was refused; None where it was not judged."""
        with self._lock:
            return self._reasons.get((key, attempt))

    def close_round(self, key: str) -> None:
        """The tries so far are used up without a valid reply."""
        with self._lock:
            if replies := self._open.pop(key, None):
                self._refused[key].append(replies)
                for attempt in range(len(replies)):
                    self._reasons.pop((key, attempt), None)

    # What endpoints take (features.py)

    def recall(self, address: str, model: str) -> str | None:
        """What was remembered of an endpoint."""
        with self._lock:
            return self._known.get((address, model))

    def remember(self, address: str, model: str, features: str) -> None:
        """Keep what is known of an endpoint."""
        with self._lock:
            self._known[address, model] = features
