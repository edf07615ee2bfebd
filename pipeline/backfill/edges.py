"""What a job is worked with, as one value that is handed down."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.backfill.worker import BuildModel
from pipeline.clock import Clock
from pipeline.config import Config
from pipeline.events import Events
from pipeline.prompt.variant import Variant


@dataclass(frozen=True)
class Edges:
    """Built once by the command."""

    config: Config
    variant: Variant
    build_model: BuildModel
    clock: Clock
    events: Events
    cache: Path
    pdf_cache: Path
