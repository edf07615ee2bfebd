"""JSON schemas of the forms that a reply may have, for endpoints that take one with the request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from pipeline.records import JsonForm
from pipeline.text.looked import LookReply
from pipeline.text.reply import JsonReply, QuotedReply


def _strict(schema: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    """In the subset that strict structured outputs take: closed, every key required, no titles.

    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    properties = {key: _value(field, named) for key, field in schema["properties"].items()}
    return {
        "type": "object",
        "description": schema["description"],
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _value(field: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    if reference := field.get("$ref"):
        return _strict(named[reference.rpartition("/")[2]], named)
    kept = {name: value for name, value in field.items() if name != "title"}
    return kept | {"items": _value(kept["items"], named)} if "items" in kept else kept


def _named(name: str, form: type[BaseModel]) -> dict[str, Any]:
    schema = form.model_json_schema()
    return {"name": name, "strict": True, "schema": _strict(schema, schema.get("$defs", {}))}


JSON_SCHEMAS: Mapping[JsonForm, dict[str, Any]] = {
    "entry": _named("digest_entry", JsonReply),
    "quoted": _named("digest_entry_with_evidence", QuotedReply),
    "looked": _named("second_look", LookReply),
}
"""By the form's name."""
