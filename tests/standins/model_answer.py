"""What the stand-in model can say: an answer, good ones, and the bodies that they make."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.standins.model_server import Response

NAME = "standin-1"
Request = dict[str, Any]
Kind = Literal["chat", "text"]
_TITLE = re.compile(r"^(?:标题：|Title: )(.*)$", re.MULTILINE)
_CHARACTERS_A_TOKEN = 4
_SIGNS = ("甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳", "天地玄黄宇宙洪荒日月星云风雨雷山")


@dataclass(frozen=True)
class Answer:
    """What the endpoint says: the reply's text, or an HTTP error with a body."""

    text: str = ""
    """With a status other than 200 the message of the error."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    """In the place of the body that the other fields make."""
    delay_s: float = 0.0
    finish: str = "stop"
    refusal: str | None = None
    """The model's no: `message.refusal`, and null in the place of the text."""
    reasoning: str | None = None
    """`message.reasoning_content`, as models that think aloud send it."""
    usage: Mapping[str, Any] | None = None
    """In the place of the count; empty: the answer has none."""
    raw: bytes | None = None
    """The body's bytes, whatever they are."""
    hang_up: bool = False
    """The connection ends with no answer."""
    cut: bool = False
    """It ends in the middle of the body; Content-Length is the whole one's."""
    drip_s: float = 0.0
    """Seconds between small pieces of the body."""

    @property
    def over_http(self) -> bool:
        """Whether it arrives as HTTP with JSON in it; else a batch has no response for it."""
        return not (self.hang_up or self.cut or self.raw is not None)


Answering = Callable[[Request], Answer]


def prompt_of(request: Request) -> str:
    """The text that is asked about: of a chat the first user message."""
    if "prompt" in request:
        return str(request["prompt"])
    return str(next(m for m in request["messages"] if m["role"] == "user")["content"])


def title_of(request: Request) -> str:
    """The paper that the last prompt (not the few-shot examples) is about."""
    return str(_TITLE.findall(prompt_of(request))[-1])


def good_line(title: str) -> str:
    """A valid line that tells papers apart and is always the same for one paper.

    It has no digits and no names, so that it is grounded in every paper.
    """
    digest = hashlib.sha256(title.encode()).hexdigest()[:24]
    # In turn from two sets: no sign comes twice in a row.
    signs = "".join(_SIGNS[at % 2][int(digit, 16)] for at, digit in enumerate(digest))
    task, problem, method, proof = (signs[at : at + 6] for at in range(0, 24, 6))
    return (
        f"该论文属于{task}任务，旨在解决编号{problem}的问题。"
        f"提出一种新的方法{method}，并在{proof}上验证了效果与鲁棒性。"
    )


def reply(line: str, tags: str = "cs.SD; eess.AS") -> str:
    """A reply in the JSON form."""
    return json.dumps({"分类": tags.split("; "), "简介": line}, ensure_ascii=False)


def good_answer(request: Request) -> Answer:
    """A valid reply; also to a prompt that is about no paper, such as a probe."""
    titles = _TITLE.findall(prompt_of(request))
    return Answer(text=reply(good_line(titles[-1] if titles else prompt_of(request))))


def error(
    status: int,
    message: str,
    *,
    type_: str = "invalid_request_error",
    param: str | None = None,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """An error in OpenAI's form."""
    told = {"message": message, "type": type_, "param": param, "code": code}
    return Answer(message, status, headers or {}, {"error": told})


_TYPES = {
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}
_MESSAGES = {
    400: "We could not parse the JSON body of your request.",
    401: "Incorrect API key provided.",
    404: f"The model `{NAME}` does not exist or you do not have access to it.",
    429: f"Rate limit reached for {NAME} on requests per min (RPM): Limit 3, Used 3, Requested 1."
    " Please try again in 20s.",
    500: "The server had an error while processing your request. Sorry about that!",
    503: "The engine is currently overloaded, please try again later.",
}


def body_of(request: Request, answer: Answer, kind: Kind = "chat") -> dict[str, Any]:
    """The JSON of an answer; errors that give no body of their own get OpenAI's."""
    if answer.body is not None:
        return answer.body
    if answer.status != 200:
        ours = "invalid_request_error" if answer.status < 500 else "server_error"
        type_, code = _TYPES.get(answer.status, (ours, None))
        message = answer.text or _MESSAGES.get(answer.status, "an error")
        return {"error": {"message": message, "type": type_, "param": None, "code": code}}
    usage = _usage(request, answer) if answer.usage is None else dict(answer.usage)
    return {
        "id": "chatcmpl-1" if kind == "chat" else "cmpl-1",
        "object": "chat.completion" if kind == "chat" else "text_completion",
        "created": 1,
        "model": request.get("model", NAME),
        "choices": [_choice(answer, kind)],
        **({"usage": usage} if usage else {}),
    }


def _choice(answer: Answer, kind: Kind) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": 0, "finish_reason": answer.finish}
    if kind == "text":
        return choice | {"text": answer.text, "logprobs": None}
    content = None if answer.refusal is not None else answer.text
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if answer.refusal is not None:
        message["refusal"] = answer.refusal
    if answer.reasoning is not None:
        message["reasoning_content"] = answer.reasoning
    return choice | {"message": message}


def tokens_of(request: Request) -> int:
    """A count that any test can do in its head: a token has four characters."""
    if "prompt" in request:
        text = str(request["prompt"])
    else:
        text = "".join(str(message["content"] or "") for message in request["messages"])
    return len(text) // _CHARACTERS_A_TOKEN


def _usage(request: Request, answer: Answer) -> dict[str, Any]:
    tokens_in, tokens_out = tokens_of(request), len(answer.refusal or answer.text)
    return {
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
    }


def response_of(request: Request, answer: Answer, kind: Kind = "chat") -> Response:
    """The answer as it goes over the wire."""
    body = answer.raw
    if body is None:
        body = json.dumps(body_of(request, answer, kind)).encode()
    return Response(
        status=answer.status,
        headers={"Content-Type": "application/json"} | dict(answer.headers),
        body=body,
        delay_s=answer.delay_s,
        hang_up=answer.hang_up,
        cut=answer.cut,
        drip_s=answer.drip_s,
    )
