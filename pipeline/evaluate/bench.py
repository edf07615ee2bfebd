"""Everything outside an evaluation, as one value that is handed down; app.py builds it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.clock import Clock
from pipeline.config import Config
from pipeline.llm.guard import Guarded
from pipeline.night.downloads import Downloads
from pipeline.pdf.pool import Readers
from pipeline.store.store import Store


class Turns:
    """One at a time for what has the same key; what has another does not wait."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    def __call__(self, key: str) -> threading.Lock:
        """The lock of this key."""
        with self._changing:
            return self._locks.setdefault(key, threading.Lock())


@dataclass(frozen=True)
class Bench:
    """Built once, for one evaluation."""

    folder: Path
    """Of all evaluations; each gets a folder of its own in it."""
    configs: Mapping[str, Config]
    """By model profile: the settings with that profile in use."""
    models: Mapping[str, Guarded]
    """By model profile; the judge's too."""
    store: Store
    """With every reply that any evaluation ever paid for."""
    clock: Clock
    readers: Readers
    """Processes that start with the first PDF."""
    downloads: Downloads | None = None
    """None: abstracts are read."""
    turns: Turns = field(default_factory=Turns)
