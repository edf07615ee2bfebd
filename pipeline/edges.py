"""Everything outside the program, as one value that is handed down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.arxiv.client import ArxivClient
from pipeline.clock import Clock
from pipeline.config import Config
from pipeline.events import Events
from pipeline.llm.guard import Guarded
from pipeline.pdf.pool import Readers
from pipeline.prompt.variant import Variant
from pipeline.store.store import Store
from pipeline.text.likeness import Lines

if TYPE_CHECKING:
    from pipeline.llm.batch import Desk


@dataclass(frozen=True)
class Edges:
    """Built once by app.py, for one run."""

    config: Config
    arxiv: ArxivClient
    model: Guarded
    variant: Variant
    """What is not about one field is asked with it."""
    variants: Mapping[str, Variant]
    """By field; most often the same for all."""
    store: Store
    lines: Lines
    events: Events
    clock: Clock
    pdf_cache: Path
    readers: Readers
    second: Guarded | None = None
    """Who looks at lines again; None: nobody."""
    desk: Desk | None = None
    """Where prompts wait for a batch; None: each is asked at once."""

    def of_field(self, field: str) -> Edges:
        """The same, with the field's own prompt."""
        own = self.variants.get(field, self.variant)
        if own.hash == self.variant.hash:
            return self
        lines = Lines(self.store.summaries, own.example_lines)
        return replace(self, variant=own, lines=lines)

    def warn(self, text: str) -> None:
        """Tell the log and whoever watches."""
        self.events.emit("warning", text=text)
