"""The forms a reply may take: JSON, with evidence or without, or two labelled lines.

Text in, `Draft` out.

What stands around the answer is forgiven: reasoning before it, code fences, courtesies, a wrapper
around the object, Chinese punctuation in the place of JSON's. What the answer says is not touched:
a field that is not there is missing, and two different answers are none, for nothing tells a
model's last word from an example that it quotes.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pipeline.errors import one_line
from pipeline.records import Claim, Draft, LinePart

TAGS = "分类"
LINE = "简介"
EVIDENCE = "依据"
PART, WORDS, QUOTE = "部分", "行中", "原文"
"""The keys of one piece of evidence."""

MOST_TAGS = 8
"""No entry among 16,489 of the public series of this digest has more."""


class ReplyMalformed(ValueError):
    """The reply has not the form that was asked for; the text says what is missing.

    It is published as the reason of a debt, so it has no word of the reply in it.
    """


_SEPARATOR = re.compile(r"[;；,，、\s]+")


class JsonReply(BaseModel):
    """The JSON form: {"分类": ["cs.SD"], "简介": "该论文……。"}."""

    model_config = ConfigDict(extra="ignore")

    tags: list[str] = Field(alias=TAGS, description="arXiv categories, primary first")
    line: str = Field(alias=LINE, description="one line of Chinese: task, problem, method")

    @field_validator("tags", mode="before")
    @classmethod
    def _one_string(cls, value: object) -> object:
        """Some models write the digest's own form: "cs.SD; eess.AS"."""
        return _SEPARATOR.split(value) if isinstance(value, str) else value


class JsonClaim(BaseModel):
    """One piece of evidence: {"部分": "任务", "行中": "…", "原文": "…"}."""

    model_config = ConfigDict(extra="ignore")

    part: Literal["任务", "问题", "方法"] = Field(alias=PART, description="which part of the line")
    words: str = Field(alias=WORDS, description="words of 简介, copied")
    quote: str = Field(alias=QUOTE, description="a sentence of the paper, copied word by word")

    @field_validator("part", mode="before")
    @classmethod
    def _in_chinese(cls, value: object) -> object:
        return next((part.chinese for part in LinePart if value == part.value), value)

    @property
    def claim(self) -> Claim:
        """The same as a record."""
        part = next(part for part in LinePart if part.chinese == self.part)
        return Claim(part=part, words=self.words, quote=self.quote)


class QuotedReply(JsonReply):
    """The JSON form with evidence: {"分类": […], "简介": "该论文……。", "依据": [{…}]}."""

    claims: list[JsonClaim] = Field(
        alias=EVIDENCE, description="for each part of the line the sentence that carries it"
    )


_REASONING = r"(?:<{0}(?:think|thinking|thought|reasoning)>|\[{0}THINK\])"
_REASONS = re.compile(_REASONING.format(""), re.IGNORECASE)
_REASONED = re.compile(_REASONING.format("/"), re.IGNORECASE)
_FENCE = re.compile(r"^[ \t]*+(?:```|~~~)\w*[ \t]*+$", re.MULTILINE)
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")  # cannot be written to any file

# An object begins with a key, or is empty, or the reply was cut here; {x} in a sentence is none.
_OBJECT = re.compile(r"""[{｛](?=\s*+(?:["“”＂'}]|\Z))""")
_STRUCTURE = str.maketrans("：，｛｝［］", ":,{}[]")
_TRAILING_COMMA = re.compile(r",(?=\s*+[}\]])")
_QUOTE = re.compile(r'["“”＂]')
_CURLY = re.compile("[“”]")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)

# - 分类: …, - **分类: …**, **分类**：…, **分类：** …; a label opens its line.
_LABELLED = re.compile(
    r"^[ \t\u3000\ufeff]*+(?:[-•>]|\*(?=[ \t])|#{1,6}|\d[.)、])?[ \t]*+\**+[ \t]*+"
    rf"({TAGS}|{LINE})[ \t\u3000]*+\**+[ \t\u3000]*+[:：](.*)$",
    re.MULTILINE,
)


def parse_reply(text: str, *, evidence: bool = False) -> Draft:
    """The line and the tags in `text`, and the `evidence` where that is wanted.

    Raises ReplyMalformed.

    In JSON, all objects with one of our keys must say the same. Of labelled lines the first two
    count: a model that completes text goes on to papers of its own. Evidence is JSON's alone.
    """
    answer = _answer(text)
    draft = _from_json(answer, QuotedReply if evidence else JsonReply)
    if draft is None and evidence:
        raise ReplyMalformed("the reply has no JSON object")
    draft = draft or _from_labels(answer)
    said = (draft.line, *draft.tags, *(one.words + one.quote for one in draft.claims))
    if _LONE_SURROGATE.search("".join(said)):
        raise ReplyMalformed("the reply has half of a character (a lone surrogate)")
    return draft


def json_objects(text: str) -> list[dict[str, Any]]:
    """The objects in a reply that is JSON of another form. Raises ReplyMalformed."""
    answer = _answer(text)
    objects, broken = _objects(answer)
    if broken and not objects:
        objects, broken = _objects(_half_width(answer))
    if broken:
        raise ReplyMalformed(f"the reply is not whole JSON: {one_line(broken)}")
    return objects


def _answer(text: str) -> str:
    """Without reasoning and fences. Raises ReplyMalformed where nothing is left."""
    answer = _FENCE.sub("", _after_reasoning(text)).strip()
    if not answer:
        raise ReplyMalformed("the reply is empty")
    return answer


def _after_reasoning(text: str) -> str:
    """What follows the last block; some servers keep back the tag that opens it."""
    ends = [match.end() for match in _REASONED.finditer(text)]
    answer = text[ends[-1] :] if ends else text
    if _REASONS.search(answer):
        raise ReplyMalformed("the reply has reasoning without an end")
    return answer


def _from_json(text: str, form: type[JsonReply]) -> Draft | None:
    """The answer that the objects in `text` agree on; None where there are none of ours."""
    answers, broken = _answers(text, text)
    if broken and not answers:
        answers, still_broken = _answers(_half_width(text), text)
        if still_broken and not answers:
            raise ReplyMalformed(f"the reply is not whole JSON: {one_line(broken)}")
    drafts = set(map(partial(_draft, form), answers))
    if len(drafts) > 1:
        raise ReplyMalformed(f"the reply has {len(drafts)} different answers")
    return drafts.pop() if drafts else None


def _answers(text: str, reply: str) -> tuple[list[Any], Exception | None]:
    """The objects with one of our keys, or the one that opens `reply`; what ended the search."""
    objects, broken = _objects(text)
    ours = [value for value in objects if TAGS in value or LINE in value]
    return ours or (objects[:1] if reply.startswith("{") else []), broken


def _objects(text: str) -> tuple[list[dict[str, Any]], Exception | None]:
    """All objects; one that is not whole ends the search: what follows may be its inside."""
    decoder = json.JSONDecoder(object_pairs_hook=_without_contradiction)
    objects: list[Any] = []
    broken: Exception | None = None
    at = 0
    while broken is None and (opening := _OBJECT.search(text, at)):
        try:
            value, at = decoder.raw_decode(text, opening.start())
        except ReplyMalformed:
            raise
        # Not only JSONDecodeError: endless digits and brackets have errors of their own.
        except (ValueError, RecursionError) as error:
            broken = error
        else:
            objects.append(_unwrapped(value))
    return objects, broken


def _without_contradiction(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if any(values[key] != value for key, value in pairs):
        raise ReplyMalformed("a key stands twice in the JSON, with different values")
    return values


def _unwrapped(value: dict[str, Any]) -> dict[str, Any]:
    """The object inside of objects with one key, such as {"result": [{…}]}."""
    while len(value) == 1 and TAGS not in value and LINE not in value:
        (inner,) = value.values()
        if isinstance(inner, list) and len(inner) == 1:
            inner = inner[0]
        if not isinstance(inner, dict):
            break
        value = inner
    return value


def _half_width(text: str) -> str:
    """The objects in `text` with JSON's own colons, commas, brackets and quotes around strings.

    What stands inside the quotes stays as it is.
    """
    first = _OBJECT.search(text)
    at = first.start() if first else len(text)
    parts: list[str] = []
    while opening := _QUOTE.search(text, at):
        end = _after_quoted(text, opening)
        quoted = text[opening.start() : end]
        parts.append(_outside(text[at : opening.start()]))
        own = quoted.startswith('"')
        parts.append(quoted if own else json.dumps(quoted[1:-1], ensure_ascii=False))
        at = end
    return "".join(parts) + _outside(text[at:])


def _outside(text: str) -> str:
    return _TRAILING_COMMA.sub("", text.translate(_STRUCTURE))


def _after_quoted(text: str, opening: re.Match[str]) -> int:
    """Where the quoted string ends; at the text's end if it never does. “a “b” c” is one."""
    if opening[0] == '"' and (match := _QUOTED.match(text, opening.start())):
        return match.end()
    if opening[0] != "“":
        return text.find(opening[0], opening.end()) + 1 or len(text)
    depth = 0
    for quote in _CURLY.finditer(text, opening.start()):
        depth += 1 if quote[0] == "“" else -1
        if depth == 0:
            return quote.end()
    return len(text)


def _draft(form: type[JsonReply], answer: dict[str, Any]) -> Draft:
    try:
        reply = form.model_validate(answer)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        raise ReplyMalformed(f"JSON key {key!r}: {one_line(problem['msg'])}") from error
    claims = reply.claims if isinstance(reply, QuotedReply) else []
    return Draft(
        line=reply.line.strip(),
        tags=_once_each(reply.tags),
        claims=tuple(claim.claim for claim in claims),
    )


def _from_labels(text: str) -> Draft:
    """What else a model chats around the lines is left out."""
    pairs = [(label, _unbold(value)) for label, value in _LABELLED.findall(text)[:2]]
    values = dict(pairs)
    if len(pairs) > len(values):
        raise ReplyMalformed(f"the reply has {pairs[0][0]} twice in a row")
    for label in (TAGS, LINE):
        if not values.get(label):
            raise ReplyMalformed(f"the reply has no {label}")
    return Draft(line=values[LINE], tags=_once_each(_SEPARATOR.split(values[TAGS])))


def _unbold(value: str) -> str:
    """Without the half of a bold label that stands on this side of the colon."""
    value = value.strip()
    if value.count("**") % 2 == 0:
        return value
    return (value[2:] if value.startswith("**") else value.removesuffix("**")).strip()


def _once_each(tags: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag for raw in tags if (tag := raw.strip())))
