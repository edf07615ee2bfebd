"""A stand-in model that gives evidence: quotes out of the abstract that it is shown."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.standins.model import Answer, Request, good_line, prompt_of, title_of

_ABSTRACT = re.compile(r"^摘要：(.*?)\n正文", re.DOTALL | re.MULTILINE)
_ADDRESS = re.compile(r"https?:|\.(?:io|com|org|ai|net)\b")
_PARTS = re.compile(
    r"属于(?P<任务>\S{6})任务，旨在解决(?P<问题>编号\S{6})的问题。提出(?P<方法>.+?)，"
)


def sentences_of(request: Request) -> list[str]:
    """Of the paper's abstract, as the prompt has it; long ones without an address."""
    abstract = _ABSTRACT.findall(prompt_of(request))[-1]
    sentences = re.split(r"(?<=[.?!])\s+", abstract)
    return [one for one in sentences if 40 < len(one) < 400 and not _ADDRESS.search(one)]


def quoted(line: str, quotes: list[str]) -> dict[str, Any]:
    """A reply whose parts have these quotes, in the order of task, problem and method."""
    parts = _PARTS.search(line)
    assert parts is not None
    claims = [
        {"部分": name, "行中": words, "原文": quote}
        for (name, words), quote in zip(parts.groupdict().items(), quotes, strict=True)
    ]
    return {"分类": ["cs.SD", "eess.AS"], "简介": line, "依据": claims}


def quoting(request: Request) -> Answer:
    """A good line with sentences of the abstract, the first for all parts where it has only one."""
    found = sentences_of(request)
    line = good_line(title_of(request))
    return Answer(text=json.dumps(quoted(line, [found[0], found[len(found) // 2], found[-1]])))
