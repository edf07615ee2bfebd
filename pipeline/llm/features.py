"""What an endpoint takes of a request: found out by asking, remembered, one step down at a time.

Endpoints that call themselves OpenAI-compatible differ in the forms of replies that they can
promise (json_schema, json_object, neither), in the name of the reply's limit, and in what they
let one set. Each says so with a 400 that names what it does not take.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, Protocol

from pydantic import ValidationError

from pipeline.records import Record, Sampling
from pipeline.text.schemas import JSON_SCHEMAS

Form = Literal["json_schema", "json_object", "text"]
Part = Literal["response_format", "max_tokens", "temperature", "seed"]
FORMS: tuple[Form, ...] = ("json_schema", "json_object", "text")
_NAMES: dict[Part, re.Pattern[str]] = {
    "max_tokens": re.compile(r"max_completion_tokens"),
    "response_format": re.compile(
        r"response_?format|json_?schema|json_?object|json mode|structured.?output|guided_|grammar"
        r"|must contain the word .?json"
    ),
    "temperature": re.compile(r"\btemperature\b"),
    "seed": re.compile(r"\bseed\b"),
}


class Forgetful:
    """A memory for an endpoint that is new each time."""

    def recall(self, address: str, model: str) -> str | None:  # noqa: ARG002 - the protocol's
        """Nothing."""
        return None

    def remember(self, address: str, model: str, features: str) -> None:
        """Keep nothing."""


class Features(Record):
    """What is known of one model at one address."""

    form: Form = FORMS[0]
    """The strictest form of a reply that it takes."""
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What it calls the reply's limit."""
    without: tuple[Part, ...] = ()
    """Settings that it does not take."""

    def body(self, sampling: Sampling) -> dict[str, Any]:
        """The parts of a request that depend on the endpoint."""
        body: dict[str, Any] = {self.limit: sampling.max_tokens}
        if (temperature := self.temperature(sampling)) is not None:
            body["temperature"] = temperature
        if sampling.seed is not None and "seed" not in self.without:
            body["seed"] = sampling.seed
        if sampling.json_form and self.form == "json_schema":
            schema = JSON_SCHEMAS[sampling.json_form]
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif sampling.json_form and self.form == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body

    def temperature(self, sampling: Sampling) -> float | None:
        """At which a reply is drawn; None: the endpoint's own."""
        return None if "temperature" in self.without else sampling.temperature

    def lower(self, part: str) -> Features | None:
        """One step down; None where there is none."""
        if part == "response_format":
            weaker = FORMS[FORMS.index(self.form) + 1 :]
            return self.model_copy(update={"form": weaker[0]}) if weaker else None
        if part == "max_tokens":
            if self.limit == "max_completion_tokens":
                return None
            return self.model_copy(update={"limit": "max_completion_tokens"})
        if part in self.without:
            return None
        return self.model_copy(update={"without": (*self.without, part)})


def remembered(text: str | None) -> Features | None:
    """What `FeatureMemory` has; None for what another version of jianjie wrote."""
    try:
        return Features.model_validate_json(text) if text else None
    except ValidationError:
        return None


class FeatureMemory(Protocol):
    """Where it is kept from run to run."""

    def recall(self, address: str, model: str) -> str | None:
        """`Features` as JSON; None before the first answer."""

    def remember(self, address: str, model: str, features: str) -> None:
        """Keep it."""


def missing_part(said: str, sent: Mapping[str, Any]) -> Part | None:
    """The part of the request that a refusal in these words is about; None for none of them."""
    said = said.lower()
    for part, name in _NAMES.items():
        if part in sent and name.search(said):
            return part
    return None
