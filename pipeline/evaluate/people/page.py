"""The page on which a person judges: one file that loads nothing.

Served, it sends each vote to where it came from; written to a file, it keeps votes in the browser
and saves them as a file for `jianjie judge --read`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import jinja2

from pipeline.evaluate.people.sheet import Sheet
from pipeline.evaluate.people.votes import Votes, on_sheet
from pipeline.evaluate.report.embedded import embedded
from pipeline.text.html import shown

_HERE = Path(__file__).parent


def render_page(sheet: Sheet, votes: Votes, mode: Literal["served", "file"]) -> str:
    """With the votes so far. Which system wrote what is not in it."""
    given = on_sheet(votes, sheet.items)
    told = {
        "mode": mode,
        "run": sheet.run,
        "judge": sheet.judge,
        "items": [
            {
                "id": item.id,
                "title": shown(item.title),
                "abstract": shown(item.abstract),
                "left": shown(item.left),
                "right": shown(item.right),
            }
            for item in sheet.items
        ],
        "votes": {item: vote.model_dump(mode="json") for item, vote in given.items()},
    }
    return _template().render(page=embedded(told, _HERE / "judge.js"), served=mode == "served")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string((_HERE / "judge.html.jinja").read_text(encoding="utf-8"))
