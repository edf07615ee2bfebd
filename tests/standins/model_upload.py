"""What a client sends for a batch: a multipart form, and in it a request a line."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.standins.model_server import Asked

Line = dict[str, Any]


def checked(content: bytes | None, endpoint: str) -> tuple[list[Line], list[dict[str, Any]]]:
    """The lines of an input file, and what OpenAI would find wrong with them."""
    if content is None:
        return [], [problem("file_not_found", "The input file cannot be found.", None)]
    lines: list[Line] = []
    problems: list[dict[str, Any]] = []
    seen: set[str] = set()
    for number, text in enumerate(content.splitlines(), start=1):
        try:
            line = json.loads(text)
            custom_id, model = line["custom_id"], line["body"]["model"]
        except (ValueError, KeyError, TypeError):
            told = "This line is not parseable as valid JSON."
            problems.append(problem("invalid_json_line", told, number))
            continue
        if custom_id in seen:
            told = "The custom_id for this request is a duplicate of another request."
            problems.append(problem("duplicate_custom_id", told, number))
        if line.get("url") != endpoint or line.get("method") != "POST":
            told = "The URL provided for this request does not match the batch endpoint."
            problems.append(problem("url_mismatch", told, number))
        if lines and model != lines[0]["body"]["model"]:
            told = "All requests of a batch must be for the same model."
            problems.append(problem("model_mismatch", told, number))
        seen.add(custom_id)
        lines.append(line)
    if not lines and not problems:
        problems.append(problem("empty_file", "The input file is empty.", None))
    return lines, problems


def parts_of(asked: Asked) -> dict[str, tuple[str, bytes]]:
    """The parts of a multipart form by name: each a file name, maybe empty, and its bytes."""
    boundary = re.search(r'boundary="?([^";]+)', asked.headers.get("content-type", ""))
    if boundary is None:
        return {}
    parts: dict[str, tuple[str, bytes]] = {}
    for part in asked.body.split(b"--" + boundary[1].encode())[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        values = dict(re.findall(r'\b(name|filename)="([^"]*)"', head.decode()))
        parts[values["name"]] = (values.get("filename", ""), content.removesuffix(b"\r\n"))
    return parts


def problem(code: str, message: str, line: int | None) -> dict[str, Any]:
    """One of the `errors` of a batch."""
    return {"code": code, "message": message, "line": line, "param": None}
