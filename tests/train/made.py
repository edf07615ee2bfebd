"""Made-up examples, and the lines of a JSON lines file for them."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from pipeline.train.examples import Example

LINE = (
    "该论文属于语音增强任务，旨在解决低信噪比下语音质量下降的问题。"
    "提出一种轻量级网络，提升了语音质量。"
)


def example(number: int, *, day: int = 1, field: str = "audio", **changes: Any) -> Example:
    """A paper of January 2026."""
    return Example(
        arxiv_id=f"2601.{number:05}",
        date=dt.date(2026, 1, day),
        field=field,
        title=changes.pop("title", f"A Title {number}"),
        abstract=changes.pop("abstract", "We enhance noisy speech."),
        tags=changes.pop("tags", ("cs.SD",)),
        line=changes.pop("line", LINE),
    )


def as_line(one: Example, **changes: Any) -> str:
    """What a file of the series has for it."""
    entry = {
        "date": f"{one.date:%Y%m%d}",
        "field": one.field,
        "title": one.title,
        "abstract": one.abstract,
        "cats": one.tags,
        "zh": one.line,
        "arxiv_id": one.arxiv_id,
        "kind": "new",
    }
    return json.dumps(entry | changes, ensure_ascii=False) + "\n"
