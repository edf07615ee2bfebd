"""The forms a reply may take: JSON, or two labelled lines. Text in, `Draft` out.

Nothing is invented: a field that is not there is reported as missing.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import one_line
from pipeline.records import Draft

TAGS = "分类"
LINE = "简介"


class ReplyMalformed(ValueError):
    """The reply has not the form that was asked for; the text says what is missing."""


class JsonReply(BaseModel):
    """The JSON form: {"分类": ["cs.SD"], "简介": "该论文……。"}."""

    model_config = ConfigDict(extra="ignore")

    tags: list[str] = Field(alias=TAGS, description="arXiv categories, primary first")
    line: str = Field(alias=LINE, description="one line of Chinese: task, problem, method")


JSON_SCHEMA: dict[str, Any] = {
    "name": "digest_entry",
    "strict": True,
    "schema": JsonReply.model_json_schema() | {"additionalProperties": False},
}

_THINKING = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"^\s*```\w*\s*\n(.*?)\n?\s*```\s*$", re.DOTALL)
_LABELLED = {
    label: re.compile(rf"^\s*(?:[-*]\s*)?{label}\s*[:：][ \t]*(.*?)\s*$", re.MULTILINE)
    for label in (TAGS, LINE)
}
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")  # cannot be written to any file
_SEPARATOR = re.compile(r"[;；,，、\s]+")


def parse_reply(text: str) -> Draft:
    """The line and the tags in `text`. Raises ReplyMalformed."""
    bare = _THINKING.sub("", text).strip()
    fenced = _FENCE.match(bare)
    bare = fenced[1].strip() if fenced else bare
    if not bare:
        raise ReplyMalformed("the reply is empty")
    draft = _from_json(bare) if bare.startswith("{") else _from_labels(bare)
    if _LONE_SURROGATE.search(draft.line + "".join(draft.tags)):
        raise ReplyMalformed("the reply has half of a character (a lone surrogate)")
    return draft


def _from_json(text: str) -> Draft:
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
        reply = JsonReply.model_validate(value)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        raise ReplyMalformed(f"JSON key {key!r}: {one_line(problem['msg'])}") from error
    # Not only JSONDecodeError: endless digits and brackets have errors of their own.
    except (ValueError, RecursionError) as error:
        raise ReplyMalformed(f"the reply is not whole JSON: {one_line(error)}") from error
    return Draft(line=reply.line.strip(), tags=_once_each(reply.tags))


def _from_labels(text: str) -> Draft:
    """The first of each label; what else a model chats around them is left out."""
    found = {label: pattern.search(text) for label, pattern in _LABELLED.items()}
    for label, match in found.items():
        if match is None or not match[1]:
            raise ReplyMalformed(f"the reply has no {label}: {one_line(text)[:60]!r}")
    tags, line = (found[label][1] for label in (TAGS, LINE))  # type: ignore[index]
    return Draft(line=line, tags=_once_each(_SEPARATOR.split(tags)))


def _once_each(tags: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag for raw in tags if (tag := raw.strip())))
