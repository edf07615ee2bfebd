"""A batch of the stand-in's Batch API: its script, how far it is, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from tests.standins.model_upload import Line

Which = Callable[[str], bool] | Collection[int]
"""Lines of a batch: by custom id, or by position from 0."""

OVER = frozenset({"completed", "failed", "expired", "cancelled"})
"""The statuses that a batch does not leave."""
STAMPED = (*sorted(OVER), "in_progress", "finalizing", "cancelling")
"""Those of which the API tells when they began."""
EXPIRED = "batch_expired"
"""The code of a line that was not done in time."""
_DAY_S = 24 * 3600


def all_of_them(_: str) -> bool:
    """Every line."""
    return True


@dataclass(frozen=True)
class BatchPlan:
    """What becomes of the batches that are created from now on."""

    polls: int = 1
    """So many polls find it not over yet."""
    failing: Which = ()
    """Lines that end with HTTP `failing_status` in the file of errors."""
    failing_status: int = 500
    expiring: Which = ()
    """Lines that were not done in time: one of them makes the batch `expired`."""
    missing: Which = ()
    """Lines that are in neither file."""
    invalid: str | None = None
    """The whole batch fails its validation, with this as the code of the error."""
    offered: bool = True
    """False: 404 to everything about files and batches."""


@dataclass
class File:
    """An uploaded file, or one that a batch left."""

    id: str
    name: str
    purpose: str
    content: bytes
    created: int

    @property
    def shown(self) -> dict[str, Any]:
        """As the API tells of it."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created,
            "filename": self.name,
            "purpose": self.purpose,
            "status": "processed",
        }


@dataclass
class Batch:
    """One batch with what will come of it."""

    id: str
    endpoint: str
    input_file: str
    window: str
    metadata: dict[str, str] | None
    plan: BatchPlan
    created: int
    status: str = "validating"
    total: int = 0
    polled: int = 0
    problems: list[dict[str, Any]] = field(default_factory=list)
    outputs: list[Line] = field(default_factory=list)
    """The lines with HTTP 200, in the order in which they get done."""
    errors: list[Line] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    stamps: dict[str, int] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """So many lines are answered: more from poll to poll."""
        over = self.status in OVER or self.status == "cancelling"
        share = 1.0 if over else self.polled / (self.plan.polls + 1)
        return int(len(self.outputs) * share)

    @property
    def counts(self) -> dict[str, int]:
        """`request_counts`; a line that failed is counted at the end."""
        if self.status == "validating":
            return {"total": 0, "completed": 0, "failed": 0}
        failed = len(self.errors) if self.status in OVER else 0
        return {"total": self.total, "completed": self.done, "failed": failed}

    @property
    def shown(self) -> dict[str, Any]:
        """As the API tells of it."""
        told = {"object": "list", "data": self.problems} if self.problems else None
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "errors": told if self.status == "failed" else None,
            "input_file_id": self.input_file,
            "completion_window": self.window,
            "status": self.status,
            "output_file_id": self.files.get("output"),
            "error_file_id": self.files.get("error"),
            "created_at": self.created,
            "expires_at": self.created + _DAY_S,
            **{f"{status}_at": self.stamps.get(status) for status in STAMPED},
            "request_counts": self.counts,
            "metadata": self.metadata,
        }

    @property
    def next_status(self) -> str:
        """What a poll finds: validating, in_progress as often as needed, finalizing, the end."""
        if self.status == "cancelling":
            return "cancelled"
        if self.polled > self.plan.polls:
            return self._end
        if self.problems or (self.polled == 1 and self.plan.polls > 1):
            return "validating"
        last = self.polled == self.plan.polls and self.plan.polls > 2
        return "finalizing" if last else "in_progress"

    @property
    def _end(self) -> str:
        if self.problems:
            return "failed"
        late = any(line["error"] and line["error"]["code"] == EXPIRED for line in self.errors)
        return "expired" if late else "completed"


def is_one(which: Which, position: int, custom_id: str) -> bool:
    """Whether it is one of the lines."""
    return which(custom_id) if callable(which) else position in which
