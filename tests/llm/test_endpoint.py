from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic import HttpUrl

from pipeline.clock import Clock
from pipeline.errors import (
    ConfigError,
    ContextExceeded,
    JianjieError,
    ModelError,
    ModelForbidden,
    ModelRefused,
    ModelThrottled,
    ModelUnreachable,
)
from pipeline.llm.endpoint import Endpoint
from pipeline.llm.features import Forgetful
from pipeline.llm.guard import Guarded
from pipeline.records import ChatMessage, Reply, Sampling
from pipeline.settings import BudgetSettings, EndpointProfile, RetrySettings
from pipeline.store.spending import Spend
from pipeline.text.schemas import JSON_SCHEMAS
from tests.conftest import FastClock
from tests.standins import model_faults as faults
from tests.standins.model import Answer, Request, StandInModel

MESSAGES = (
    ChatMessage(role="system", content="你是编辑。"),
    ChatMessage(role="user", content="Title: x"),
    ChatMessage(role="assistant", content="草稿"),
    ChatMessage(role="user", content="again"),
)
PLAIN = Sampling(temperature=0.25, max_tokens=77)
ATTEMPTS = 4
KEY = "sk-proj-A1b2C3d4E5f6G7h8"


class Answers:
    """The given answers in turn, the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)

    def __call__(self, request: Request) -> Answer:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@pytest.fixture(scope="module")
def _listening() -> Iterator[StandInModel]:
    with StandInModel() as model:
        yield model


@pytest.fixture
def model(_listening: StandInModel) -> StandInModel:
    """One server for all tests; each sets its own answer."""
    _listening.requests.clear()
    _listening.headers.clear()
    return _listening


class Spends(list[Spend]):
    """Calls that may cost something and brought no reply."""

    def add(self, spend: Spend) -> None:
        self.append(spend)


def endpoint(
    url: str,
    clock: Clock | None = None,
    retry: RetrySettings = RetrySettings(attempts=ATTEMPTS),  # noqa: B008 - it is frozen
    spends: Spends | None = None,
    **profile: Any,
) -> Guarded:
    """An endpoint under the one retry policy, as the program has it."""
    settings = EndpointProfile(base_url=HttpUrl(url), model="tiny", **profile)
    clock = clock or FastClock()
    asked = Endpoint(settings, clock, Forgetful(), patience_s=retry.total_s)
    log = Spends() if spends is None else spends
    return Guarded(asked, settings, BudgetSettings(), retry, clock, log)


def ask(
    model: StandInModel, sampling: Sampling = PLAIN, clock: FastClock | None = None, **profile: Any
) -> Reply:
    asked = endpoint(model.url, clock, **profile)
    try:
        return asked.ask(MESSAGES, sampling)
    finally:
        asked.close()


def failure(model: StandInModel, clock: FastClock | None = None, **profile: Any) -> JianjieError:
    with pytest.raises(JianjieError) as caught:
        ask(model, clock=clock, **profile)
    assert "\n" not in str(caught.value)
    return caught.value


def body(model: StandInModel, sampling: Sampling = PLAIN, **profile: Any) -> Request:
    """What is sent."""
    model.answer = Answers(Answer("ok"))
    ask(model, sampling, **profile)
    return model.requests[-1]


# Requests


def test_a_plain_request_has_this_and_nothing_else(model: StandInModel) -> None:
    assert body(model) == {
        "model": "tiny",
        "messages": [
            {"role": "system", "content": "你是编辑。"},
            {"role": "user", "content": "Title: x"},
            {"role": "assistant", "content": "草稿"},
            {"role": "user", "content": "again"},
        ],
        "temperature": 0.25,
        "max_tokens": 77,
    }


@pytest.mark.parametrize(
    ("replies", "form", "expected"),
    [
        ("json_schema", "entry", {"type": "json_schema", "json_schema": JSON_SCHEMAS["entry"]}),
        ("json_schema", "quoted", {"type": "json_schema", "json_schema": JSON_SCHEMAS["quoted"]}),
        ("json_object", "entry", {"type": "json_object"}),
        ("json_object", "quoted", {"type": "json_object"}),
        ("text", "entry", None),
        ("json_schema", None, None),
        ("json_object", None, None),
        ("text", None, None),
        ("json_object", "labelled", None),
    ],
)
def test_the_form_of_the_reply_is_what_the_endpoint_supports(
    model: StandInModel, replies: str, form: str | None, expected: dict[str, Any] | None
) -> None:
    sampling = PLAIN.model_copy(update={"form": form})

    assert body(model, sampling, replies=replies).get("response_format") == expected


@pytest.mark.parametrize("extra", [{"seed": 0}, {"seed": 7}, {"grammar": 'root ::= "a"'}])
def test_seed_and_grammar_are_sent_only_when_set(
    model: StandInModel, extra: dict[str, Any]
) -> None:
    assert body(model, PLAIN.model_copy(update=extra)) == {**body(model), **extra}


def test_the_profiles_extras_go_into_the_body(model: StandInModel) -> None:
    extra = {"enable_thinking": False, "options": {"num_ctx": 8192}}

    assert body(model, extra_body=extra) == {**body(model), **extra}


def test_the_key_goes_into_the_header_and_nowhere_else(
    model: StandInModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_KEY", f" {KEY}\n")

    model.answer = Answers(Answer("ok"))
    ask(model, api_key_env="MY_API_KEY")
    (headers,), (request,) = model.headers, model.requests
    holders = {name.lower(): value for name, value in headers.items() if KEY in value}

    assert holders == {"authorization": f"Bearer {KEY}"}
    assert KEY not in str(request)


def test_the_key_of_another_service_is_not_sent(
    model: StandInModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client would take this variable by itself."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    model.answer = Answers(Answer("ok"))
    ask(model)
    (headers,) = model.headers

    assert KEY not in str(headers)


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_key_is_an_error_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is not None:
        monkeypatch.setenv("MY_API_KEY", value)

    with pytest.raises(ConfigError, match="MY_API_KEY is not set"):
        endpoint("http://127.0.0.1:9/v1", api_key_env="MY_API_KEY")


# Replies


def test_a_reply_has_its_text_its_tokens_and_its_model(model: StandInModel) -> None:
    model.answer = Answers(Answer("简介: 好。"))
    reply = ask(model)

    prompt = "".join(message.content for message in MESSAGES)
    assert reply == Reply(
        text="简介: 好。",
        model="tiny",
        tokens_in=len(prompt) // 4,
        tokens_out=len("简介: 好。"),
        cost=None,
        seconds=0.0,
        finish="stop",
        temperature=PLAIN.temperature,
        at=reply.at,
    )


def test_a_cut_off_reply_says_so(model: StandInModel) -> None:
    model.answer = Answers(Answer("该论文", finish="length"))
    assert ask(model).finish == "length"


def test_seconds_are_the_clocks(model: StandInModel) -> None:
    clock = FastClock()

    def slow(request: Request) -> Answer:
        clock.sleep(2.5)
        return Answer("ok")

    model.answer = slow
    assert ask(model, clock=clock).seconds == 2.5


def test_half_a_surrogate_pair_cannot_be_stored_and_is_replaced(model: StandInModel) -> None:
    model.answer = Answers(Answer("a\ud800b \ud83d\ude00"))

    assert ask(model).text == "a\ufffdb \N{GRINNING FACE}"


def test_a_proxy_of_the_environment_stays_out_of_this_machine(
    model: StandInModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    model.answer = Answers(Answer("ok"))

    assert ask(model).text == "ok"


USED = {"prompt_tokens": 1_000_000, "completion_tokens": 500_000, "total_tokens": 1_500_000}


def completion(**changes: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "tiny",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "好"},
                "finish_reason": "stop",
            }
        ],
        "usage": USED,
    } | changes


@pytest.mark.parametrize(
    ("prices", "cost"),
    [
        ({"price_in": 2.0, "price_out": 8.0}, 6.0),
        ({"price_in": 0.0, "price_out": 0.0}, 0.0),
        ({"price_in": 2.0}, None),
        ({"price_out": 8.0}, None),
        ({}, None),
    ],
)
def test_the_cost_is_by_the_profiles_prices_or_not_known(
    model: StandInModel, prices: dict[str, Any], cost: float | None
) -> None:
    model.answer = Answers(Answer(body=completion()))
    reply = ask(model, **prices)

    assert (reply.tokens_in, reply.tokens_out) == (1_000_000, 500_000)
    assert reply.cost == cost


@pytest.mark.parametrize(
    "usage", [None, {}, {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None}]
)
def test_where_an_endpoint_counts_no_tokens_they_are_estimated(
    model: StandInModel,
    usage: dict[str, Any] | None,
) -> None:
    model.answer = Answers(Answer(body=completion(usage=usage)))
    reply = ask(model)

    assert reply.text == "好"
    assert reply.tokens_in > len(MESSAGES)  # estimated: a budget must not take it for free
    assert reply.tokens_out >= 1


def _choice(**message: Any) -> dict[str, Any]:
    finish = message.pop("finish", "stop")
    return {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        ([_choice(content=None, refusal="I cannot help")], "I cannot help"),
        ([_choice(content="半句", finish="content_filter")], "content filter"),
        ([_choice(content=None, finish="content_filter")], "content filter"),
        ([], "no choices"),
    ],
)
def test_a_refusal_is_a_reply_that_is_paid_for_and_not_asked_again(
    model: StandInModel, choices: list[Any], says: str
) -> None:
    model.answer = Answers(Answer(body=completion(choices=choices)))
    reply = ask(model)

    assert reply.declined
    assert says in reply.text or reply.text == "半句"
    assert reply.tokens_in == USED["prompt_tokens"]
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"message": "Filtered", "code": "content_filter"}),
        (400, {"message": "Output data may contain inappropriate content."}),
        (400, {"message": "Content Exists Risk", "type": "invalid_request_error"}),
        (400, {"message": "Input refused", "code": "data_inspection_failed"}),
        (403, {"message": "violates our content_policy", "code": None}),
    ],
)
def test_a_content_filter_before_the_model_is_a_refusal_too(
    model: StandInModel, status: int, error: dict[str, Any]
) -> None:
    model.answer = Answers(Answer(status=status, body={"error": error}))
    reply = ask(model)

    assert reply.declined
    assert str(error["message"]) in reply.text
    assert (reply.tokens_in, reply.tokens_out, reply.cost) == (0, 0, 0.0)
    assert len(model.requests) == 1


def test_a_reply_without_text_is_left_to_who_asked(model: StandInModel) -> None:
    model.answer = Answers(Answer(body=completion(choices=[_choice(content=None)])))
    assert ask(model).text == ""


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"choices": [{}]}, id="no message"),
        pytest.param({"choices": [{"index": 0, "message": None}]}, id="null message"),
        pytest.param({"choices": [_choice(content=["a"])]}, id="content in parts"),
        pytest.param({"choices": "none"}, id="choices is a word"),
        pytest.param({"choices": None}, id="no choices"),
        pytest.param("<html>a page</html>", id="a word"),
        pytest.param([1, 2], id="a list"),
    ],
)
def test_an_answer_of_another_shape_is_an_error_of_ours(model: StandInModel, answer: Any) -> None:
    """A wrong base URL often answers 200 with something else."""
    model.answer = Answers(Answer(body=answer))
    error = failure(model)

    assert isinstance(error, ModelUnreachable)
    assert "the answer cannot be read" in str(error)
    assert "base_url" in error.fix
    assert len(model.requests) == ATTEMPTS


# Errors


@pytest.mark.parametrize(
    ("status", "error", "requests"),
    [
        (400, ModelRefused, 1),
        (401, ModelForbidden, 1),
        (402, ModelForbidden, 1),
        (403, ModelForbidden, 1),
        (404, ModelForbidden, 1),
        (413, ModelRefused, 1),
        (422, ModelRefused, 1),
        (408, ModelUnreachable, ATTEMPTS),
        (409, ModelUnreachable, ATTEMPTS),
        (500, ModelUnreachable, ATTEMPTS),
        (502, ModelUnreachable, ATTEMPTS),
        (503, ModelUnreachable, ATTEMPTS),
        (529, ModelUnreachable, ATTEMPTS),
    ],
)
def test_a_status_is_our_error_and_the_attempts_are_ours_alone(
    model: StandInModel, status: int, error: type[ModelError], requests: int
) -> None:
    model.answer = Answers(Answer("what it says", status))
    caught = failure(model)

    assert type(caught) is error
    assert f"HTTP {status}" in str(caught)
    assert "what it says" in str(caught)
    assert caught.where == "tiny at 127.0.0.1"
    assert len(model.requests) == requests


def test_who_asks_for_a_slower_pace_is_obeyed_until_the_time_is_up(
    model: StandInModel, clock: FastClock
) -> None:
    model.answer = Answers(Answer("slowly", 429))
    start = clock.monotonic()
    caught = failure(model, clock)

    assert isinstance(caught, ModelThrottled)
    assert "asks for a slower pace (HTTP 429) (slowly)" in str(caught)
    assert len(model.requests) > ATTEMPTS
    assert clock.monotonic() - start <= RetrySettings().total_s


def test_no_credit_is_final_though_it_comes_as_429(model: StandInModel) -> None:
    error = {"message": "You exceeded your current quota", "code": "insufficient_quota"}
    model.answer = Answers(Answer(status=429, body={"error": error}))

    assert isinstance(failure(model), ModelForbidden)
    assert len(model.requests) == 1


@pytest.mark.parametrize("status", [429, 500])
def test_what_passes_is_got_over(model: StandInModel, status: int) -> None:
    model.answer = Answers(Answer(status=status), Answer(status=status), Answer("ok"))
    assert ask(model).text == "ok"
    assert len(model.requests) == 3


def test_retry_after_is_obeyed(model: StandInModel, clock: FastClock) -> None:
    slow = Answer(status=429, headers={"Retry-After": "41"})

    model.answer = Answers(slow, Answer("ok"))
    assert ask(model, clock=clock).text == "ok"

    assert clock.waits == [41.0]


def test_a_retry_after_beyond_the_bound_is_not_waited_for(
    model: StandInModel, clock: FastClock
) -> None:
    model.answer = Answers(Answer(status=429, headers={"Retry-After": "3600"}))
    error = failure(model, clock)

    assert isinstance(error, ModelThrottled)
    assert error.retry_after == 3600.0
    assert len(model.requests) == 1
    assert clock.waits == []


def test_an_endpoint_that_says_nothing_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asked = endpoint(f"http://127.0.0.1:{silent.getsockname()[1]}/v1", timeout_s=0.05)
        start = time.monotonic()
        with pytest.raises(ModelUnreachable, match="no answer in time"):
            asked.ask(MESSAGES, PLAIN)

        assert time.monotonic() - start < 4.0  # by its own time-out, not by a default
        assert _callers(silent) == ATTEMPTS
        asked.close()


def _callers(server: socket.socket) -> int:
    """How many have knocked."""
    server.setblocking(False)
    number = 0
    while True:
        try:
            server.accept()[0].close()
        except BlockingIOError:
            return number
        number += 1


def test_a_refused_connection_is_unreachable(clock: FastClock) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    closed = endpoint(url, clock)

    with pytest.raises(ModelUnreachable, match="no connection"):
        closed.ask(MESSAGES, PLAIN)

    assert len(clock.waits) == ATTEMPTS - 1
    closed.close()


def test_a_wrong_key_is_looked_for_in_its_variable(
    model: StandInModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_KEY", KEY)

    model.answer = Answers(Answer("no", 401))
    assert "MY_API_KEY" in failure(model, api_key_env="MY_API_KEY").fix
    assert "none is set" in failure(model).fix


# The key in messages


@pytest.mark.parametrize(
    ("key", "echo", "secret"),
    [
        (KEY, f"Incorrect API key provided: {KEY}.", "A1b2"),
        (KEY, "Incorrect API key provided: sk-proj-********G7h8.", "G7h8"),
        (KEY, "Incorrect API key: sk-abc***", "abc***"),
        (KEY, f"header was 'Bearer {KEY}'", "A1b2"),
        (KEY, f"twice {KEY} and {KEY}", "A1b2"),
        ("plain0secret1word2", "wrong key plain0secret1word2", "secret1"),
        ("plain0secret1word2", "in a url?k=plain0secret1word2&x=1", "secret1"),
    ],
)
@pytest.mark.parametrize("status", [400, 401])
def test_no_message_has_the_key_in_it(
    model: StandInModel,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    key: str,
    echo: str,
    secret: str,
) -> None:
    monkeypatch.setenv("MY_API_KEY", key)

    model.answer = Answers(Answer(echo, status))
    error = failure(model, api_key_env="MY_API_KEY")

    for text in (str(error), repr(error), error.what, error.where, error.fix):
        assert key not in text
        assert secret not in text
    assert "***" in str(error)


@pytest.mark.parametrize("status", [429, 500])
def test_nor_has_one_about_what_can_pass(
    model: StandInModel, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("MY_API_KEY", KEY)
    model.answer = Answers(Answer(f"over the quota of {KEY}", status))

    assert "over the quota of ***" in str(failure(model, api_key_env="MY_API_KEY"))


@pytest.mark.parametrize("before", range(240, 262, 3))
def test_a_long_message_is_not_cut_inside_the_key(
    model: StandInModel, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    monkeypatch.setenv("MY_API_KEY", "plain0secret1word2")
    model.answer = Answers(Answer("x" * (before - 1) + " plain0secret1word2", 401))

    error = failure(model, api_key_env="MY_API_KEY")

    assert "xxx" in str(error)
    assert "pl" not in error.what.partition("xxx")[2]


def test_the_address_in_messages_has_no_password() -> None:
    profile = EndpointProfile(base_url=HttpUrl("http://user:hunter2@127.0.0.1:9/v1"), model="tiny")
    asked = Endpoint(profile, FastClock(), Forgetful(), patience_s=1)

    assert asked.where == "tiny at 127.0.0.1"
    assert asked.identity == "tiny"
    asked.close()


def test_a_redirect_is_not_followed(clock: FastClock) -> None:
    """Prompts and keys go to the configured host alone."""
    with StandInModel() as elsewhere, StandInModel() as server:
        moved = f"{elsewhere.url}/chat/completions"
        server.answer = lambda request: Answer(status=307, headers={"Location": moved})
        asked = endpoint(server.url, clock)
        with pytest.raises(ModelRefused, match="HTTP 307"):
            asked.ask(
                [ChatMessage(role="user", content="Title: T")],
                Sampling(temperature=0, max_tokens=9),
            )
        assert len(server.requests) == 1
        assert elsewhere.requests == []
        asked.close()


# Bounds


def test_an_answer_that_drips_is_cut_off_by_the_whole_times_bound() -> None:
    """Each piece comes in time; the answer does not."""
    with StandInModel(faults.dripping(0.05)) as server:
        asked = endpoint(server.url, Clock(), RetrySettings(attempts=1), timeout_s=0.3)
        start = time.monotonic()
        with pytest.raises(ModelUnreachable, match="no answer in time"):
            asked.ask(MESSAGES, PLAIN)
        assert 0.25 < time.monotonic() - start < 4.0  # the whole answer takes several seconds
        asked.close()


@pytest.mark.parametrize(
    ("answer", "may_cost"),
    [
        (faults.hanging_up(), True),
        (faults.cutting(), True),
        (faults.invalid_json(), True),
        (faults.web_page(), True),
        (faults.failing(504), True),
        (faults.failing(500), False),
        (faults.failing(401), False),
        (faults.storm(10**6, 1.0), False),
    ],
)
def test_what_brought_no_reply_and_may_cost_something_is_kept(
    answer: Callable[[Request], Answer], may_cost: bool
) -> None:
    spends = Spends()
    with StandInModel(answer) as server:
        asked = endpoint(
            server.url, retry=RetrySettings(attempts=2, total_s=5), spends=spends, price_in=1.0
        )
        with pytest.raises(ModelError):
            asked.ask(MESSAGES, PLAIN)
        asked.close()

    assert len(spends) == (2 if may_cost else 0)
    assert all(not spend.sure and spend.tokens_out == PLAIN.max_tokens for spend in spends)


def test_a_prompt_that_is_too_long_is_an_error_of_its_own() -> None:
    with StandInModel(faults.context_limit(1)) as server:
        asked = endpoint(server.url)
        with pytest.raises(ContextExceeded, match="HTTP 400"):
            asked.ask(MESSAGES, PLAIN)
        assert len(server.requests) == 1
        asked.close()


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 100, "completion_tokens": 10, "prompt_cache_hit_tokens": 80},
        {
            "prompt_tokens": 100,
            "completion_tokens": 10,
            "prompt_tokens_details": {"cached_tokens": 80},
        },
    ],
)
def test_cached_tokens_have_their_price(model: StandInModel, usage: dict[str, Any]) -> None:
    model.answer = Answers(Answer("ok", usage=usage))

    reply = ask(model, price_in=10.0, price_cached_in=1.0, price_out=100.0)

    assert reply.cached_in == 80
    assert reply.cost == pytest.approx((20 * 10 + 80 * 1 + 10 * 100) / 1e6)


def test_milliseconds_to_wait_are_understood(model: StandInModel, clock: FastClock) -> None:
    model.answer = Answers(Answer(status=429, headers={"retry-after-ms": "1500"}), Answer("ok"))

    ask(model, clock=clock)

    assert clock.waits == [1.5]


def test_reasoning_beside_the_answer_is_not_the_answer(model: StandInModel) -> None:
    model.answer = Answers(Answer("好。", reasoning="Let me think about 简介: 坏。"))

    assert ask(model).text == "好。"


def test_all_threads_have_one_client() -> None:
    """A second one's connections would never be closed."""
    profile = EndpointProfile(base_url=HttpUrl("http://127.0.0.1:1/v1"), model="m")
    asked = Endpoint(profile, FastClock(), Forgetful(), patience_s=1)
    with ThreadPoolExecutor(16) as pool:
        clients = list(pool.map(lambda _: asked.client, range(64)))
    asked.close()
    assert len(set(map(id, clients))) == 1
