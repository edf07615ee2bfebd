"""An OpenAI-compatible endpoint on loopback: real HTTP, answers by a plain function."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_TITLE = re.compile(r"^(?:标题：|Title: )(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    """What the endpoint says: the reply's text, or an HTTP error with a body."""

    text: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    delay_s: float = 0.0
    finish: str = "stop"


Request = dict[str, Any]


def title_of(request: Request) -> str:
    """The paper that the last prompt (not the few-shot examples) is about."""
    prompt = next(m for m in request["messages"] if m["role"] == "user")["content"]
    return str(_TITLE.findall(prompt)[-1])


def good_line(title: str) -> str:
    """A valid line that tells papers apart and is always the same for one paper."""
    number = int(hashlib.sha256(title.encode()).hexdigest()[:8], 16)
    return (
        f"该论文属于语音处理任务，旨在解决编号{number}的问题。"
        "提出一种新的方法，并在公开数据集上验证了效果与鲁棒性。"
    )


def reply(line: str, tags: str = "cs.SD; eess.AS") -> str:
    """A reply in the JSON form."""
    return json.dumps({"分类": tags.split("; "), "简介": line}, ensure_ascii=False)


def good_answer(request: Request) -> Answer:
    """A valid reply."""
    return Answer(text=reply(good_line(title_of(request))))


class StandInModel:
    """Listens while its `with` block runs; `requests` has every body in order of arrival."""

    def __init__(
        self,
        answer: Callable[[Request], Answer] = good_answer,
        after_answer: Callable[[int], None] | None = None,
    ) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.headers: list[dict[str, str]] = []
        self._after = after_answer
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> StandInModel:
        serve = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        serve.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, request: Request, headers: dict[str, str]) -> tuple[int, Answer]:
        """Log the request; its number from 1, and the answer to it."""
        with self._lock:
            self.requests.append(request)
            self.headers.append(headers)
            return len(self.requests), self.answer(request)

    def answered(self, number: int) -> None:
        """Tell the test that an answer is on the wire."""
        if self._after:
            self._after(number)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                request = json.loads(self.rfile.read(length))
                number, answer = server.take(
                    request, {name.lower(): value for name, value in self.headers.items()}
                )
                time.sleep(answer.delay_s)
                body = json.dumps(answer.body or _completion(request, answer)).encode()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                self.wfile.flush()
                server.answered(number)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _completion(request: Request, answer: Answer) -> dict[str, Any]:
    if answer.status != 200:
        return {"error": {"message": answer.text or "an error", "type": "error"}}
    prompt = "".join(message["content"] for message in request["messages"])
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": request["model"],
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": answer.text},
                "finish_reason": answer.finish,
            }
        ],
        "usage": {
            "prompt_tokens": len(prompt) // 4,
            "completion_tokens": len(answer.text),
            "total_tokens": len(prompt) // 4 + len(answer.text),
        },
    }
