"""What the job's endpoint takes, found out once for all workers (llm/features.py)."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from pipeline.errors import OutputError
from pipeline.files import write_atomic


class Remembered:
    """A memory in the job's folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def recall(self, address: str, model: str) -> str | None:
        """What was remembered of an endpoint."""
        known = self._known().get(_key(address, model))
        return known if isinstance(known, str) else None

    def remember(self, address: str, model: str, features: str) -> None:
        """Keep what is known of an endpoint; without it, it is found out again."""
        known = self._known() | {_key(address, model): features}
        with suppress(OutputError):
            write_atomic(self._path, json.dumps(known, indent=1).encode(), durable=False)

    def _known(self) -> dict[str, object]:
        try:
            known = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}


def _key(address: str, model: str) -> str:
    return f"{model} at {address}"
