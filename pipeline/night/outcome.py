"""Why a paper has no line yet, in the words that are published: our own."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.errors import (
    BudgetReached,
    InBatch,
    JianjieError,
    ModelError,
    ModelForbidden,
    ModelRefused,
)
from pipeline.records import Announcement, Cause, Owed, Stage
from pipeline.stages.summarize import Refused

_CAUSES: Mapping[type[JianjieError], Cause] = {
    ModelForbidden: Cause.FORBIDDEN,
    ModelRefused: Cause.REFUSED,
    ModelError: Cause.OUT_OF_REACH,
    BudgetReached: Cause.BUDGET,
    InBatch: Cause.IN_BATCH,
}
"""By kind of error, the special ones first."""


def refused(item: Announcement, refusal: Refused) -> Owed:
    """No reply passed, or the model will not write about it."""
    stage = Stage.SUMMARIZE if refusal.declined else Stage.VALIDATE
    again = f"; jianjie reprocess {item.paper.versioned} asks again" if refusal.declined else ""
    cause = Cause.DECLINED if refusal.declined else Cause.RULES
    reason = "; ".join(refusal.reasons) + again
    return Owed(announcement=item, stage=stage, cause=cause, reason=reason)


def failed(item: Announcement, error: ModelError | BudgetReached | InBatch) -> Owed:
    """No reply came."""
    cause = next(cause for kind, cause in _CAUSES.items() if isinstance(error, kind))
    return Owed(announcement=item, stage=Stage.SUMMARIZE, cause=cause, reason=error.public)
