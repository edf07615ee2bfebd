"""The values that the training passes around; none of them needs torch."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from pipeline.records import Record

Precision = Literal["bfloat16", "int8"]
"""Of the frozen matrices, and of what they are multiplied with."""


class Settings(Record):
    """What decides the result, with the examples and the base; all of it goes into the card."""

    rank: int = Field(default=32, ge=1, le=256)
    alpha: float = Field(default=64, gt=0)
    learning_rate: float = Field(default=5e-4, gt=0)
    batch: int = Field(default=8, ge=1)
    warm_up: float = Field(default=0.03, ge=0, lt=1)
    """Share of the steps in which the learning rate rises."""
    clip: float = Field(default=1.0, gt=0)
    seed: int = 1
    precision: Precision = "bfloat16"
    blend: float = Field(default=1.0, gt=0, le=1)
    """Where the training went on from an adapter: the share of its end in the mean of both."""


class TrainingProgress(Record):
    """One step of the training."""

    step: int
    """1-based; 0: before the first."""
    steps: int
    loss: float = math.nan
    """Mean of the last 100 steps, in nats a token of the reply."""
    held_out_loss: float | None = None
    """Where this step looked at held-out examples."""
    seconds: float = 0.0
    """That the training has taken up to here, the time before an interruption included."""


class Encoded(Record):
    """Token ids of one example."""

    prompt: tuple[int, ...]
    reply: tuple[int, ...]
    """With the end of sequence."""

    def __len__(self) -> int:
        return len(self.prompt) + len(self.reply)
