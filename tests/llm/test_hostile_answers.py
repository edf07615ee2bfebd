"""Whatever an endpoint sends costs its own paper a try, and nothing of it is published."""

from __future__ import annotations

import gzip
import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.llm.test_batch import IDS as OFFICE_IDS
from tests.llm.test_batch import PAPERS as OFFICE_PAPERS
from tests.llm.test_batch import day, open_office
from tests.llm.test_model_faults import IDS, PAPERS, town
from tests.standins.house import House, one_error, open_house
from tests.standins.model import (
    Answer,
    BatchPlan,
    Request,
    good_answer,
    good_line,
    reply,
    title_of,
)
from tests.standins.model_server import Asked

SECRET = "sk-very-secret-0123456789"
FOREIGN = "Visit https://evil.example/now or call +49 30 901820 🛒 \x1b[31mRED\x9b2J"
DEEP = b'{"choices":' + b"[" * 200_000
VICTIM = IDS[3]


def chat(message: dict[str, Any], finish: object = "stop", usage: object = None) -> Answer:
    choices = [{"index": 0, "finish_reason": finish, "message": message}]
    return Answer(raw=json.dumps({"choices": choices, "usage": usage}).encode())


def said(request: Request) -> str:
    return reply(good_line(title_of(request)))


def counted(tokens: int) -> Callable[[Request], Answer]:
    usage = {"prompt_tokens": tokens, "completion_tokens": tokens, "total_tokens": tokens}
    return lambda request: chat({"content": said(request)}, usage=usage)


VALID: dict[str, Callable[[Request], Answer]] = {
    "counts over 64 bits": counted(2**70),
    "counts of 4,000 digits": counted(10**4000),
    "counts below zero": counted(-(2**70)),
    "half a character as the finish": lambda request: chat({"content": said(request)}, "\ud800"),
    "a finish of a megabyte": lambda request: chat({"content": said(request)}, "x" * 1_000_000),
    "half a character behind the reply": lambda request: chat(
        {"content": said(request) + "\ud800"}
    ),
    "a wait of 400 digits": lambda request: Answer(
        said(request),
        headers={"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "9" * 400 + "s"},
    ),
}
"""A good line with something beside it that cannot be stored, or not be believed."""


@pytest.mark.parametrize("answer", VALID.values(), ids=VALID)
def test_a_reply_that_was_paid_for_is_kept_whatever_is_beside_it(
    tmp_path: Path, answer: Callable[[Request], Answer]
) -> None:
    with town(tmp_path, hostile(answer, VICTIM)) as here:
        ended = here.night()
        assert len(ended.day.done) + len(ended.day.owed) == PAPERS
        if ended.day.owed:  # the pause that it wants ends this night
            ended = here.night()
        assert len(ended.day.done) == PAPERS
        assert sum(VICTIM in title_of(asked) for asked in here.model.requests) == 1


BROKEN: dict[str, Callable[[Request], Answer]] = {
    "nested 200,000 deep": lambda _: Answer(raw=DEEP),
    "an error nested 200,000 deep": lambda _: Answer(status=500, raw=DEEP),
    "an error nested 900 deep": lambda _: Answer(
        status=400, raw=b'{"error":' * 900 + b"1" + b"}" * 900
    ),
    "no choices at all": lambda _: Answer(raw=b'{"choices": "none"}'),
    "half a character as an error": lambda _: Answer(
        status=400, raw=b'{"error": {"message": "\\ud800"}}'
    ),
    "a retry-after-ms of 400 digits": lambda _: Answer(
        status=500, headers={"retry-after-ms": "9" * 400}
    ),
    "a Retry-After of 400 digits": lambda _: Answer(status=503, headers={"Retry-After": "9" * 400}),
    "a Retry-After at the end of time": lambda _: Answer(
        status=503, headers={"Retry-After": "Fri, 31 Dec 9999 23:59:59 +2359"}
    ),
    "a gigabyte in a megabyte": lambda _: bomb(200),
    "a gigabyte in an error": lambda _: bomb(500),
    "an encoding that nobody asked for": lambda _: Answer(
        raw=b"\x00" * 100, headers={"Content-Encoding": "br"}
    ),
    "damaged gzip": lambda _: Answer(raw=b"\x1f\x8b" * 50, headers={"Content-Encoding": "gzip"}),
}


def bomb(status: int) -> Answer:
    packed = gzip.compress(b"[" + b"0," * 5_000_000, 9) * 100
    assert len(packed) < 2_000_000
    return Answer(status=status, raw=packed, headers={"Content-Encoding": "gzip"})


def hostile(answer: Callable[[Request], Answer], victim: str) -> Callable[[Request], Answer]:
    """Hostile about one paper, good about all others."""
    return lambda request: answer(request) if victim in title_of(request) else good_answer(request)


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_read_costs_one_paper(
    tmp_path: Path, answer: Callable[[Request], Answer]
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with town(tmp_path, hostile(answer, VICTIM)) as here:
        ended = here.night()
        assert len(ended.day.done) == PAPERS - 1
        (owed,) = ended.day.owed
        assert owed.announcement.paper.arxiv_id == VICTIM
        assert "[[[" not in owed.reason
        here.model.answer = good_answer
        assert len(here.night().day.done) == PAPERS
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 400_000  # KB; the stand-in's own copies of the bomb are among them


# What a model says in the place of a line


REFUSALS: dict[str, Callable[[str], Answer]] = {
    "a refusal": lambda text: Answer(refusal=text),
    "a filter with text": lambda text: Answer(text, finish="content_filter"),
    "a filter's error": lambda text: Answer(
        status=400,
        body={"error": {"message": f"content_filter: {text}", "code": "content_filter"}},
    ),
    "an error": lambda text: Answer(text, status=400),
    "a server's error": lambda text: Answer(text, status=503),
    "a reply without a line": Answer,
    "tags of its own": lambda text: Answer(
        json.dumps({"分类": ["cs.SD", text], "简介": good_line("x")}, ensure_ascii=False)
    ),
    "a line of its own": lambda text: Answer(reply(good_line("x")[:-1] + text + "。")),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_nothing_that_a_model_says_but_a_valid_line_is_published(tmp_path: Path, kind: str) -> None:
    with open_house(tmp_path) as house:
        profile = {
            "base_url": house.model.url,
            "model": "standin-1",
            "api_key_env": "STANDIN_API_KEY",
            "token_factor": 1.0,
        }
        house.settings(models={"standin": profile})
        text = f"{FOREIGN} {SECRET} " + "X1Y2" * 100_000
        house.model.answer = lambda _: REFUSALS[kind](text)

        result = house.run("run", "--limit", "2", STANDIN_API_KEY=SECRET)

        assert "Traceback" not in result.stderr
        assert result.returncode in {1, 3}
        assert_unpublished(house)
        logs = "".join(p.read_text() for p in (house.folder / "outputs/logs").iterdir())
        assert len(logs) < 100_000
        assert len(house.run("status").stdout) < 20_000


def assert_unpublished(house: House) -> None:
    """In no file but the store, where replies are kept, is a word of it; the key is in none."""
    for file in (house.folder / "outputs").rglob("*"):
        if not file.is_file():
            continue
        content = file.read_bytes()
        assert SECRET.encode() not in content, file
        if file.suffix not in {".sqlite3", ".sqlite3-wal", ".jsonl"}:
            for word in (b"evil.example", b"901820", b"X1Y2", b"\x1b"):
                assert word not in content, file


def test_a_refusal_is_in_the_log_cut_and_without_the_key(tmp_path: Path) -> None:
    with open_house(tmp_path) as house:
        house.model.answer = lambda _: Answer(refusal=f"I will not say {SECRET} " + "no " * 9000)
        profile = {"base_url": house.model.url, "model": "m", "api_key_env": "STANDIN_API_KEY"}
        house.settings(models={"standin": profile})
        error = one_error(house.run("run", "--limit", "1", STANDIN_API_KEY=SECRET), 1)
        assert "I will not" not in error
        (log,) = (house.folder / "outputs" / "logs").iterdir()
        events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        (declined,) = [event for event in events if event["event"] == "declined"]
        assert declined["said"].startswith("I will not say *** no no")
        assert len(declined["said"]) <= 300
        (owed,) = [p["owed"] for p in house.document["papers"] if "declined" in p["owed"]["reason"]]
        assert owed["reason"].startswith("declined: the model or its endpoint will not answer this")


# Lines of a batch

LINES: dict[str, Callable[[dict[str, Any]], object]] = {
    "counts over 64 bits": lambda body: body["usage"].update(prompt_tokens=2**70),
    "half a character as the finish": lambda body: body["choices"][0].update(
        finish_reason="\ud800"
    ),
    "a body that is a list": lambda body: body.clear(),
}


@pytest.mark.parametrize("change", LINES.values(), ids=LINES)
def test_a_bad_line_of_a_batch_costs_its_paper_a_try(
    tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    check_batch(tmp_path, lambda line: change(line["response"]["body"]))


@pytest.mark.parametrize("status", ["two hundred", None, 10**30, [], -1, True])
def test_a_status_that_is_no_number_costs_its_paper_a_try(tmp_path: Path, status: object) -> None:
    check_batch(tmp_path, lambda line: line["response"].update(status_code=status))


def check_batch(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """The other lines are settled and published; the next run finds no batch in its way."""

    def spoil(asked: Asked, proceed: Callable[[], Answer]) -> Answer:
        answer = proceed()
        if not asked.path.endswith("/content") or answer.raw is None:
            return answer
        lines = [json.loads(line) for line in answer.raw.splitlines()]
        change(lines[0])
        raw = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        return Answer(raw=raw, headers=answer.headers)

    with open_office(folder) as office:
        office.model.plan = BatchPlan(polls=0)
        office.model.batches.around = spoil
        night = office.run()
        assert len(day(night).done) >= OFFICE_PAPERS - 1
        assert "Traceback" not in " ".join(owed.reason for owed in day(night).owed)
        office.model.batches.around = lambda _, proceed: proceed()
        assert len(day(office.run()).done) == OFFICE_PAPERS
        assert len(OFFICE_IDS) == OFFICE_PAPERS
