"""The form of a second look's reply: what the paper says of each part of a line."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pipeline.errors import one_line
from pipeline.records import Finding, LinePart, PartFinding
from pipeline.text.reply import ReplyMalformed, json_objects

_SPELLINGS: dict[str, Finding] = {
    "supported": "supported",
    "支持": "supported",
    "有依据": "supported",
    "contradicted": "contradicted",
    "矛盾": "contradicted",
    "不符": "contradicted",
    "相反": "contradicted",
    "not told": "not told",
    "not_told": "not told",
    "untold": "not told",
    "未提及": "not told",
    "未说明": "not told",
    "没有说": "not told",
}


class PartReply(BaseModel):
    """One part: the paper's words first, then the finding."""

    model_config = ConfigDict(extra="ignore")

    evidence: str = Field(description="words of the excerpts; empty where there are none")
    finding: Literal["supported", "contradicted", "not told"] = Field(
        description="what the excerpts say of this part of the line"
    )
    words: str = Field(description="what in the line is wrong or not told; empty where nothing is")

    @field_validator("finding", mode="before")
    @classmethod
    def _spelled(cls, value: object) -> object:
        return _SPELLINGS.get(str(value).strip().strip("\"'“”。.").lower(), value)


class LookReply(BaseModel):
    """{"task": {…}, "problem": {…}, "method": {…}}."""

    model_config = ConfigDict(extra="ignore")

    task: PartReply = Field(description="任务")
    problem: PartReply = Field(description="问题")
    method: PartReply = Field(description="方法")


class Look(BaseModel):
    """A reply taken apart: the findings, and what was said of each, for the writer alone."""

    model_config = ConfigDict(frozen=True)

    findings: tuple[PartFinding, ...]
    words: tuple[str, ...]


def parse_look(text: str) -> Look:
    """The last whole object in a reply. Raises ReplyMalformed."""
    problem = "the reply has no JSON object"
    for candidate in reversed(json_objects(text)):
        try:
            read = LookReply.model_validate(candidate)
        except ValidationError as error:
            first = error.errors()[0]
            problem = f"{'.'.join(map(str, first['loc']))}: {one_line(first['msg'])}"
            continue
        parts = [(part, getattr(read, part.value)) for part in LinePart]
        return Look(
            findings=tuple(PartFinding(part=part, finding=said.finding) for part, said in parts),
            words=tuple(said.words for _, said in parts),
        )
    raise ReplyMalformed(problem)
