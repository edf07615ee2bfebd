"""The stand-in model: what it says over the wire, to httpx2 and to the openai client."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx2
import openai
import pytest

from tests.conftest import ROOT
from tests.standins import model_faults as faults
from tests.standins.model import (
    Answer,
    Answering,
    Asked,
    BatchPlan,
    StandInModel,
    good_answer,
    good_line,
    reply,
    title_of,
)
from tests.standins.model_batch import all_of_them
from tests.standins.model_faults import Feature

CHAT = "/chat/completions"


def request(title: str = "A", **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": f"标题：{title}"}]
    return {"model": "standin-1", "messages": messages, **more}


@pytest.fixture
def http() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False, timeout=5) as client:
        yield client


def ask(http: httpx2.Client, model: StandInModel, title: str = "A", **more: Any) -> httpx2.Response:
    return http.post(model.url + CHAT, json=request(title, **more))


def said(response: httpx2.Response) -> str:
    assert response.status_code == 200
    return str(response.json()["choices"][0]["message"]["content"])


def statuses(http: httpx2.Client, answer: Answering, times: int) -> list[int]:
    with StandInModel(answer) as model:
        return [ask(http, model).status_code for _ in range(times)]


@contextmanager
def clients(model: StandInModel) -> Iterator[openai.OpenAI]:
    with (
        httpx2.Client(trust_env=False) as transport,
        openai.OpenAI(
            base_url=model.url, api_key="none", max_retries=0, timeout=5, http_client=transport
        ) as client,
    ):
        yield client


# What it says


def test_a_chat_is_answered_about_its_paper(http: httpx2.Client) -> None:
    with StandInModel() as model:
        assert said(ask(http, model, "Speech")) == reply(good_line("Speech"))


def test_a_prompt_that_is_about_no_paper_is_answered_too(http: httpx2.Client) -> None:
    messages = [{"role": "system", "content": "x"}, {"role": "user", "content": "Say 好."}]
    with StandInModel() as model:
        body = {"model": "standin-1", "messages": messages}
        assert said(http.post(model.url + CHAT, json=body)) == reply(good_line("Say 好."))


def test_a_text_completion(http: httpx2.Client) -> None:
    with StandInModel() as model, clients(model) as client:
        done = client.completions.create(model="standin-1", prompt="Title: Speech\nAbstract: x")
    assert done.choices[0].text == reply(good_line("Speech"))
    assert done.usage is not None
    assert done.usage.prompt_tokens == len("Title: Speech\nAbstract: x") // 4


def test_the_list_of_models() -> None:
    with StandInModel() as model, clients(model) as client:
        assert [one.id for one in client.models.list()] == ["standin-1"]


def test_what_is_not_there_is_404_and_no_json_is_400(http: httpx2.Client) -> None:
    with StandInModel() as model:
        assert http.get(model.url + "/nothing").json()["error"]["type"] == "invalid_request_error"
        assert http.get(model.url + "/nothing").status_code == 404
        assert http.post(model.url + CHAT, content=b"{").status_code == 400


def test_refusal_reasoning_usage_and_finish(http: httpx2.Client) -> None:
    usage = {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4}}
    answer = Answer(refusal="No.", reasoning="Hm.", usage=usage, finish="content_filter")
    with StandInModel(lambda _: answer) as model:
        told = ask(http, model).json()
    assert told["choices"][0]["message"] == {
        "role": "assistant",
        "content": None,
        "refusal": "No.",
        "reasoning_content": "Hm.",
    }
    assert told["usage"] == usage
    assert told["choices"][0]["finish_reason"] == "content_filter"


def test_an_answer_that_counts_nothing(http: httpx2.Client) -> None:
    with StandInModel(lambda _: Answer("ok", usage={})) as model:
        assert "usage" not in ask(http, model).json()


@pytest.mark.parametrize(
    ("status", "type_", "code"),
    [
        (401, "invalid_request_error", "invalid_api_key"),
        (404, "invalid_request_error", "model_not_found"),
        (429, "requests", "rate_limit_exceeded"),
        (503, "server_error", None),
    ],
)
def test_errors_have_openais_form(
    http: httpx2.Client, status: int, type_: str, code: str | None
) -> None:
    with StandInModel(faults.failing(status)) as model:
        response = ask(http, model)
    told = response.json()["error"]
    assert (response.status_code, told["type"], told["code"]) == (status, type_, code)
    assert told["message"] and told["param"] is None


# The wire


def test_everything_is_logged(http: httpx2.Client) -> None:
    start = time.monotonic()
    with StandInModel() as model:
        http.post(model.url + CHAT, json=request(), headers={"Authorization": "Bearer x"})
        http.get(model.url + "/models")
    first, second = model.log
    assert (first.method, first.path) == ("POST", "/v1/chat/completions")
    assert (second.method, second.path, second.body) == ("GET", "/v1/models", b"")
    assert json.loads(first.body) == model.requests[0] == request()
    assert first.headers["authorization"] == model.headers[0]["authorization"] == "Bearer x"
    assert start <= first.at <= second.at <= time.monotonic()
    assert len(model.requests) == 1


def test_connections_are_kept_and_counted(http: httpx2.Client) -> None:
    with StandInModel() as model:
        for _ in range(3):
            ask(http, model)
        assert (model.connections, model.most_at_once) == (1, 1)
        http.post(model.url + CHAT, json=request(), headers={"Connection": "close"})
        ask(http, model)
        assert model.connections == 2


def test_requests_at_once_are_counted_and_wait_together(http: httpx2.Client) -> None:
    start = time.monotonic()
    with StandInModel(faults.slow(0.3)) as model, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ask(http, model), range(8)))
        assert model.most_at_once == 8
    assert time.monotonic() - start < 8 * 0.3


def test_leaving_ends_open_connections_and_long_answers() -> None:
    start = time.monotonic()
    with ThreadPoolExecutor(1) as pool, httpx2.Client(trust_env=False, timeout=30) as http:
        with StandInModel(faults.slow(20)) as model:
            waiting = pool.submit(ask, http, model)
            while not model.requests:
                time.sleep(0.001)
        with pytest.raises(httpx2.TransportError):
            waiting.result(10)
    assert time.monotonic() - start < 10


def test_after_answer_hears_of_answers_in_order(http: httpx2.Client) -> None:
    heard: list[int] = []
    with StandInModel(after_answer=heard.append) as model:
        for _ in range(3):
            ask(http, model)
    assert heard == [1, 2, 3]


def test_hanging_up(http: httpx2.Client) -> None:
    with (
        StandInModel(faults.hanging_up(times=1)) as model,
        pytest.raises(httpx2.RemoteProtocolError, match="without sending"),
    ):
        ask(http, model)


def test_cutting(http: httpx2.Client) -> None:
    with (
        StandInModel(faults.cutting()) as model,
        pytest.raises(httpx2.RemoteProtocolError, match="complete message body"),
    ):
        ask(http, model)


def test_dripping_comes_in_pieces_and_is_whole(http: httpx2.Client) -> None:
    with (
        StandInModel(faults.dripping(0.001)) as model,
        http.stream("POST", model.url + CHAT, json=request()) as response,
    ):
        pieces = list(response.iter_raw())
    assert len(pieces) > 3
    message = json.loads(b"".join(pieces))["choices"][0]["message"]
    assert message["content"] == reply(good_line("A"))


# Faults


def test_a_storm_passes(http: httpx2.Client) -> None:
    with StandInModel(faults.storm(2, retry_after=1.5)) as model:
        answers = [ask(http, model) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert [answer.headers.get("retry-after") for answer in answers] == ["1.5", "1.5", None]


def test_every_nth_and_one_paper_and_the_first(http: httpx2.Client) -> None:
    fault = faults.failing(500)
    assert statuses(http, faults.every(3, fault), 6) == [200, 200, 500] * 2
    assert statuses(http, faults.first(1, fault), 3) == [500, 200, 200]
    with StandInModel(faults.when(lambda r: title_of(r) == "B", fault)) as model:
        assert [ask(http, model, title).status_code for title in "ABA"] == [200, 500, 200]


def test_too_many_at_once(http: httpx2.Client) -> None:
    limited = faults.rate_limited(at_once=2, then=faults.slow(0.3))
    with StandInModel(limited) as model, ThreadPoolExecutor(5) as pool:
        got = list(pool.map(lambda _: ask(http, model).status_code, range(5)))
        assert ask(http, model).status_code == 200
    assert sorted(got) == [200, 200, 429, 429, 429]


def test_too_many_in_a_second(http: httpx2.Client) -> None:
    limited = faults.rate_limited(per_second=3, retry_after=1)
    assert statuses(http, limited, 5) == [200, 200, 200, 429, 429]


def test_no_credit_is_another_429(http: httpx2.Client) -> None:
    with StandInModel(faults.no_credit(after=1)) as model:
        assert ask(http, model).status_code == 200
        response = ask(http, model)
    told = response.json()["error"]
    assert (response.status_code, told["code"]) == (429, "insufficient_quota")


@pytest.mark.parametrize(
    ("feature", "more", "param"),
    [
        ("json_schema", {"response_format": {"type": "json_schema"}}, "response_format"),
        ("json_object", {"response_format": {"type": "json_object"}}, "response_format"),
        ("temperature", {"temperature": 0}, "temperature"),
        ("max_tokens", {"max_tokens": 5}, "max_tokens"),
        ("seed", {"seed": 1}, None),
    ],
)
def test_what_is_not_supported_is_refused(
    http: httpx2.Client, feature: Feature, more: dict[str, Any], param: str | None
) -> None:
    with StandInModel(faults.unsupported(feature)) as model:
        assert ask(http, model, temperature=1).status_code == 200
        response = ask(http, model, **more)
    told = response.json()["error"]
    assert (response.status_code, told["type"]) == (400, "invalid_request_error")
    assert told["param"] == param
    assert feature in told["message"]


def test_a_prompt_that_is_too_long(http: httpx2.Client) -> None:
    with StandInModel(faults.context_limit(100)) as model:
        assert ask(http, model, "x" * 390).status_code == 200
        response = ask(http, model, "x" * 410)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "context_length_exceeded"


def test_bodies_that_are_no_json(http: httpx2.Client) -> None:
    for fault in (faults.invalid_json(), faults.web_page()):
        with StandInModel(fault) as model, pytest.raises(json.JSONDecodeError):
            ask(http, model).json()


def test_wrong_languages(http: httpx2.Client) -> None:
    with StandInModel(faults.wrong_language("en")) as model:
        assert json.loads(said(ask(http, model)))["简介"].isascii()
    with StandInModel(faults.wrong_language("zh-Hant")) as model:
        assert json.loads(said(ask(http, model)))["简介"].startswith("該論文屬於")


def test_a_reply_that_was_cut_off(http: httpx2.Client) -> None:
    with StandInModel(faults.too_long()) as model:
        choice = ask(http, model).json()["choices"][0]
    assert choice["finish_reason"] == "length"
    assert reply(good_line("A")).startswith(choice["message"]["content"])


def test_three_ways_to_refuse(http: httpx2.Client) -> None:
    with StandInModel(faults.refusing()) as model:
        assert ask(http, model).json()["choices"][0]["message"]["refusal"]
    with StandInModel(faults.refusing("content_filter")) as model:
        assert ask(http, model).json()["choices"][0]["finish_reason"] == "content_filter"
    with StandInModel(faults.refusing("status")) as model:
        assert ask(http, model).json()["error"]["code"] == "content_filter"


# Batches


class Office:
    """A client's way with batches."""

    def __init__(self, model: StandInModel, client: openai.OpenAI) -> None:
        self.model = model
        self.client = client

    def upload(self, lines: list[dict[str, Any]]) -> str:
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        file = ("night.jsonl", text.encode())
        return self.client.files.create(file=file, purpose="batch").id

    def create(self, file: str) -> str:
        return self.client.batches.create(
            input_file_id=file,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata={"night": "1"},
        ).id

    def send(self, count: int) -> str:
        return self.create(self.upload([line(f"id-{n}") for n in range(count)]))

    def poll(self, id_: str) -> Any:
        return self.client.batches.retrieve(id_)

    def over(self, id_: str) -> Any:
        while (batch := self.poll(id_)).status in {"validating", "in_progress", "finalizing"}:
            continue
        return batch

    def lines(self, file: str | None) -> dict[str, Any]:
        if file is None:
            return {}
        text = self.client.files.content(file).text
        return {told["custom_id"]: told for told in map(json.loads, text.splitlines())}


def line(custom_id: str, **more: Any) -> dict[str, Any]:
    url = "/v1/chat/completions"
    body = request(custom_id)
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": body} | more


@pytest.fixture
def office() -> Iterator[Office]:
    with StandInModel() as model, clients(model) as client:
        yield Office(model, client)


def test_a_file_comes_back_as_it_was(office: Office) -> None:
    content = '{"a": "简介\u2028\\n"}\r\n\r\n--x--\n'.encode()
    file = office.client.files.create(file=("n.jsonl", content), purpose="batch")
    assert (file.bytes, file.filename, file.purpose) == (len(content), "n.jsonl", "batch")
    assert office.client.files.retrieve(file.id).id == file.id
    assert office.client.files.content(file.id).content == content
    assert office.client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        office.client.files.retrieve(file.id)


def test_a_batch_is_answered_line_by_line_in_another_order(office: Office) -> None:
    batch = office.over(office.send(9))
    assert (batch.status, batch.errors, batch.error_file_id) == ("completed", None, None)
    assert batch.request_counts.model_dump() == {"total": 9, "completed": 9, "failed": 0}
    assert batch.metadata == {"night": "1"}
    lines = office.lines(batch.output_file_id)
    assert list(lines) != sorted(lines) == [f"id-{n}" for n in range(9)]
    for custom_id, told in lines.items():
        assert (told["error"], told["response"]["status_code"]) == (None, 200)
        message = told["response"]["body"]["choices"][0]["message"]
        assert message["content"] == reply(good_line(custom_id))
    assert office.model.requests == []
    assert office.model.batches.asked == [request(f"id-{n}") for n in range(9)]


@pytest.mark.parametrize(
    ("polls", "seen"),
    [
        (0, []),
        (1, ["in_progress"]),
        (2, ["validating", "in_progress"]),
        (4, ["validating", "in_progress", "in_progress", "finalizing"]),
    ],
)
def test_the_way_of_a_batch(office: Office, polls: int, seen: list[str]) -> None:
    office.model.plan = BatchPlan(polls=polls)
    id_ = office.send(2)
    assert [office.poll(id_).status for _ in range(polls + 2)] == [*seen, "completed", "completed"]


def test_lines_fail_expire_or_are_missing(office: Office) -> None:
    office.model.plan = BatchPlan(
        failing=[0], failing_status=503, expiring=lambda id_: id_.endswith("1"), missing=[2, 3]
    )
    batch = office.over(office.send(6))
    assert batch.status == "expired"
    assert batch.request_counts.model_dump() == {"total": 6, "completed": 2, "failed": 2}
    assert set(office.lines(batch.output_file_id)) == {"id-4", "id-5"}
    errors = office.lines(batch.error_file_id)
    assert set(errors) == {"id-0", "id-1"}
    assert errors["id-0"]["response"]["status_code"] == 503
    assert errors["id-0"]["response"]["body"]["error"]["type"] == "server_error"
    assert errors["id-1"]["response"] is None
    assert errors["id-1"]["error"]["code"] == "batch_expired"


def test_a_batch_without_a_good_line_has_only_errors(office: Office) -> None:
    office.model.plan = BatchPlan(expiring=all_of_them)
    batch = office.over(office.send(3))
    assert (batch.status, batch.output_file_id) == ("expired", None)
    assert len(office.lines(batch.error_file_id)) == 3


def test_faults_befall_lines_too(office: Office) -> None:
    office.model.answer = faults.first(1, faults.refusing("status"), faults.hanging_up(times=1))
    batch = office.over(office.send(3))
    errors = office.lines(batch.error_file_id)
    assert errors["id-0"]["response"]["body"]["error"]["code"] == "content_filter"
    assert (errors["id-1"]["response"], errors["id-1"]["error"]["code"]) == (None, "server_error")
    assert set(office.lines(batch.output_file_id)) == {"id-2"}


@pytest.mark.parametrize(
    ("lines", "code", "number"),
    [
        ([line("a"), line("a")], "duplicate_custom_id", 2),
        ([line("a"), line("b", url="/v1/completions")], "url_mismatch", 2),
        ([line("a"), line("b", body=request() | {"model": "another"})], "model_mismatch", 2),
        ([line("a", body={})], "invalid_json_line", 1),
        ([], "empty_file", None),
    ],
)
def test_a_batch_that_is_not_valid(
    office: Office, lines: list[dict[str, Any]], code: str, number: int | None
) -> None:
    batch = office.over(office.create(office.upload(lines)))
    assert (batch.status, batch.output_file_id, batch.error_file_id) == ("failed", None, None)
    (told,) = batch.errors.data
    assert (told.code, told.line) == (code, number)
    assert office.model.batches.asked == []


def test_a_batch_that_is_said_to_be_not_valid(office: Office) -> None:
    office.model.plan = BatchPlan(invalid="token_limit_exceeded")
    batch = office.over(office.send(1))
    assert batch.status == "failed"
    assert batch.errors.data[0].code == "token_limit_exceeded"


def test_cancelling_keeps_what_is_done(office: Office) -> None:
    office.model.plan = BatchPlan(polls=3)
    id_ = office.send(8)
    office.poll(id_)
    office.poll(id_)
    assert office.client.batches.cancel(id_).status == "cancelling"
    batch = office.poll(id_)
    assert (batch.status, batch.request_counts.completed) == ("cancelled", 4)
    assert len(office.lines(batch.output_file_id)) == 4
    errors = office.lines(batch.error_file_id)
    assert {told["error"]["code"] for told in errors.values()} == {"batch_cancelled"}
    with pytest.raises(openai.ConflictError):
        office.client.batches.cancel(id_)


def test_the_list_has_the_newest_first_and_pages(office: Office) -> None:
    made = [office.send(1) for _ in range(5)]
    assert [batch.id for batch in office.client.batches.list(limit=2)] == made[::-1]
    page = office.client.batches.list(limit=2, after=made[3])
    assert ([batch.id for batch in page.data], page.has_more) == ([made[2], made[1]], True)


def test_an_endpoint_without_batches(office: Office) -> None:
    office.model.plan = BatchPlan(offered=False)
    with pytest.raises(openai.NotFoundError):
        office.upload([line("a")])
    with pytest.raises(openai.NotFoundError):
        office.client.batches.list()


def test_a_batch_that_is_made_although_the_answer_is_lost(office: Office) -> None:
    def lose(asked: Asked, proceed: Callable[[], Answer]) -> Answer:
        made = proceed()
        return Answer(hang_up=True) if asked.path.endswith("/batches") else made

    office.model.batches.around = lose
    file = office.upload([line("a")])
    with pytest.raises(openai.APIConnectionError):
        office.create(file)
    (batch,) = office.model.batches.all
    office.model.batches.finish()
    assert office.poll(batch.id).status == "completed"
    assert office.poll(batch.id).input_file_id == file


# A process of its own


def test_the_process_says_where_it_is_and_what_it_counted(http: httpx2.Client) -> None:
    command = [sys.executable, "-m", "tests.standins.model_process", "--latency", "0.01"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin and process.stdout
        url = json.loads(process.stdout.readline())["url"]
        assert http.post(url + CHAT, json=request()).status_code == 200
        process.stdin.write("\n")
        process.stdin.flush()
        so_far = json.loads(process.stdout.readline())
        assert http.post(url + CHAT, json=request()).status_code == 200
        process.stdin.close()
        counts = json.loads(process.stdout.read())
    changed = {"requests", "last_at", "answering_s"}
    assert {so_far[one] < counts[one] for one in changed} == {True}
    assert 0 < counts.pop("first_at") < counts.pop("last_at") <= time.monotonic()
    assert 0.02 <= counts.pop("answering_s") < 5
    assert counts == {"requests": 2, "connections": 1, "most_at_once": 1}
    assert process.returncode == 0


def test_good_answers_are_the_same_every_time() -> None:
    assert good_answer(request("A")) == good_answer(request("A")) != good_answer(request("B"))
