"""Everything outside an evaluation, as one value that is handed down; app.py builds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.arxiv.client import ArxivClient
from pipeline.calls import Calls
from pipeline.clock import Clock
from pipeline.config import Config
from pipeline.llm.guard import Guarded
from pipeline.pdf.pool import Readers


@dataclass(frozen=True)
class Pdfs:
    """Where full texts come from."""

    arxiv: ArxivClient
    cache: Path
    readers: Readers


@dataclass(frozen=True)
class Bench:
    """Built once, for one evaluation."""

    folder: Path
    """Of all evaluations; each gets a folder of its own in it."""
    configs: Mapping[str, Config]
    """By model profile: the settings with that profile in use."""
    models: Mapping[str, Guarded]
    """By model profile; the judge's too."""
    replies: Calls
    """Every reply that any evaluation ever paid for."""
    clock: Clock
    pdfs: Pdfs | None = None
    """None: abstracts are read."""
