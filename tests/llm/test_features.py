"""What an endpoint takes is found out over real HTTP, and remembered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import HttpUrl

from pipeline.errors import ModelRefused
from pipeline.llm.endpoint import Endpoint
from pipeline.llm.features import FORMS, Features, Forgetful, missing_part, remembered
from pipeline.records import ChatMessage, Sampling
from pipeline.settings import EndpointProfile
from pipeline.store.store import Store
from tests.conftest import FastClock
from tests.standins import model_faults as faults
from tests.standins.model import Answer, StandInModel

ASKED = [ChatMessage(role="user", content="Title: T")]
JSON = Sampling(temperature=0.2, max_tokens=50, form="entry", seed=3)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "jianjie.sqlite3")
    yield opened
    opened.close()


_OPENED: list[Endpoint] = []


@pytest.fixture(autouse=True)
def _hang_up() -> Iterator[None]:
    yield
    while _OPENED:
        _OPENED.pop().close()


def endpoint(model: StandInModel, memory: Any = None, **profile: Any) -> Endpoint:
    settings = EndpointProfile(base_url=HttpUrl(model.url), model="tiny", **profile)
    _OPENED.append(Endpoint(settings, FastClock(), memory or Forgetful(), patience_s=60))
    return _OPENED[-1]


def form(request: dict[str, Any]) -> str:
    return str(request.get("response_format", {"type": "text"})["type"])


@pytest.mark.parametrize(
    ("lacking", "forms"),
    [
        ((), ["json_schema"]),
        (("json_schema",), ["json_schema", "json_object"]),
        (("json_schema", "json_object"), ["json_schema", "json_object", "text"]),
        (("json_object",), ["json_schema"]),
    ],
)
def test_a_refusal_that_names_the_form_goes_one_step_down(
    lacking: tuple[Any, ...], forms: list[str]
) -> None:
    with StandInModel(faults.unsupported(*lacking)) as model:
        asked = endpoint(model)

        first, second = asked.ask(ASKED, JSON), asked.ask(ASKED, JSON)

        assert first.text == second.text
        assert [form(request) for request in model.requests] == [*forms, forms[-1]]
        assert asked.features.form == forms[-1]


def test_it_is_remembered_from_run_to_run(store: Store) -> None:
    with StandInModel(faults.unsupported("json_schema", "temperature", "seed")) as model:
        endpoint(model, store.endpoints).ask(ASKED, JSON)
        before = len(model.requests)

        again = endpoint(model, store.endpoints)
        again.ask(ASKED, JSON)

        assert again.known
        assert len(model.requests) == before + 1
        assert again.features == Features(form="json_object", without=("temperature", "seed"))


def test_what_is_refused_altogether_is_not_remembered(store: Store) -> None:
    with StandInModel(lambda _: Answer("no json_schema here", 400)) as model:
        asked = endpoint(model, store.endpoints)

        with pytest.raises(ModelRefused, match="no json_schema here"):
            asked.ask(ASKED, JSON)

        assert len(model.requests) == len(FORMS)
        assert store.endpoints.recall(asked.address, "tiny") is None


def test_a_reasoning_models_name_of_the_limit_and_its_temperature() -> None:
    with StandInModel(faults.unsupported("max_tokens", "temperature")) as model:
        reply = endpoint(model).ask(ASKED, JSON)

        sent = model.requests[-1]
        assert sent["max_completion_tokens"] == 50
        assert not {"max_tokens", "temperature"} & set(sent)
        assert reply.temperature is None


def test_a_form_in_the_profile_is_begun_with_whatever_is_remembered(store: Store) -> None:
    with StandInModel(faults.unsupported("json_schema")) as model:
        endpoint(model, store.endpoints).ask(ASKED, JSON)

        endpoint(model, store.endpoints, replies="text").ask(ASKED, JSON)

        assert form(model.requests[-1]) == "text"


def test_a_probe_finds_out_anew(store: Store) -> None:
    with StandInModel(faults.unsupported("json_schema")) as model:
        endpoint(model, store.endpoints).ask(ASKED, JSON)
        model.answer = faults.unsupported()  # the server was updated

        asked = endpoint(model, store.endpoints)
        asked.probe()

        assert asked.features.form == "json_schema"
        assert remembered(store.endpoints.recall(asked.address, "tiny")) == Features()


def test_two_models_of_one_endpoint_are_two(store: Store) -> None:
    store.endpoints.remember("http://x/v1/", "a", Features(form="text").model_dump_json())

    assert store.endpoints.recall("http://x/v1/", "b") is None


@pytest.mark.parametrize("text", ["", "{", '{"form": "xml"}', '{"form": "text", "tools": 1}', None])
def test_what_another_version_wrote_is_forgotten(text: str | None) -> None:
    assert remembered(text) is None


SENT = {"response_format": {}, "max_tokens": 5, "temperature": 0, "seed": 1}


@pytest.mark.parametrize(
    ("said", "part"),
    [
        ("This response_format type is unavailable now", "response_format"),
        ("'json_object' is not supported with this model", "response_format"),
        ("Invalid schema for response_format 'digest_entry'", "response_format"),
        ("'messages' must contain the word 'json' in some form", "response_format"),
        ("guided_json is not enabled", "response_format"),
        ("Use 'max_completion_tokens' instead.", "max_tokens"),
        ("Unsupported value: 'temperature' does not support 0", "temperature"),
        ("Extra inputs are not permitted: ('body', 'seed')", "seed"),
        ("Model is overloaded", None),
        ("max_tokens is too large", None),
    ],
)
def test_the_words_in_which_endpoints_say_it(said: str, part: str | None) -> None:
    assert missing_part(said, SENT) == part


def test_what_was_not_sent_is_not_missed() -> None:
    assert missing_part("temperature is not supported", {"max_tokens": 5}) is None
