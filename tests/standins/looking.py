"""A stand-in model that writes lines and looks at them again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from pipeline.records import Finding
from tests.standins.model import Answer, Answering, Request, good_answer, prompt_of

_LINE = re.compile(r"^简介：(.*)\Z", re.MULTILINE)
Finds = Callable[[Request], tuple[Finding, Finding, Finding]]
"""What is found of task, problem and method."""


def is_look(request: Request) -> bool:
    return str(request["messages"][0]["content"]).startswith("你是一位严谨的核查员")


def looked_at(request: Request) -> str:
    """The line."""
    return str(_LINE.findall(prompt_of(request))[-1])


def look_reply(*found: Finding) -> str:
    parts = {
        part: {"evidence": "", "finding": finding, "words": "" if finding == "supported" else "错"}
        for part, finding in zip(("task", "problem", "method"), found, strict=True)
    }
    return json.dumps(parts, ensure_ascii=False)


def looking(finds: Finds, writes: Answering = good_answer) -> Answering:
    """Answers looks by `finds`, and all else by `writes`."""

    def answer(request: Request) -> Answer:
        return Answer(text=look_reply(*finds(request))) if is_look(request) else writes(request)

    return answer


def all_supported(_: Request) -> tuple[Finding, Finding, Finding]:
    return "supported", "supported", "supported"
