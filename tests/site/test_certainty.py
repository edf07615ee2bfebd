"""How sure the built-in model was of its lines, as a reader sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.records import Done, Outcome
from pipeline.site.pages import Site, day_page
from tests.site.made import add_day, close_stores, config, papers, store_in, weekdays


def day_html(folder: Path, *made: dict[str, Any]) -> str:
    """The page of a day with a line for each, so made."""
    settings = config(folder)
    store = store_in(settings)
    date = weekdays(1)[0]
    add_day(store, settings, date, list(papers(len(made))))
    day = store.days.get(date, "audio")
    assert day is not None
    outcomes: list[Outcome] = []
    for outcome, update in zip(day.outcomes, made, strict=True):
        assert isinstance(outcome, Done)
        changed = outcome.summary.provenance.model_copy(update=update)
        summary = outcome.summary.model_copy(update={"provenance": changed})
        outcomes.append(outcome.model_copy(update={"summary": summary}))
    day = day.model_copy(update={"outcomes": tuple(outcomes)})
    html = day_page(Site(store, settings, [(date, "audio")]), day).decode()
    close_stores()
    return html


def test_doubtful_lines_are_marked_and_counted_at_the_top(tmp_path: Path) -> None:
    sure = {"certainty": 0.8, "doubtful": False}
    html = day_html(tmp_path, sure, {"certainty": 0.41, "doubtful": True}, sure)
    assert html.count(">低置信</span>") == 1 and "概率（几何平均）是 0.41" in html
    assert "它们出自内置小模型" in html and "标有「低置信」的 1 行更可能有误。" in html


def test_a_day_that_is_only_in_part_the_built_in_models_says_so(tmp_path: Path) -> None:
    html = day_html(tmp_path, {"model": "deepseek-chat"}, {}, {})
    assert "其中 2 行出自内置小模型" in html and "低置信" not in html


def test_a_day_of_another_model_says_nothing(tmp_path: Path) -> None:
    html = day_html(tmp_path, {"model": "deepseek-chat"}, {"model": "org/m@abc+x"})
    assert "内置小模型" not in html


def test_json_has_what_a_line_was_marked_by(tmp_path: Path) -> None:
    settings = config(tmp_path)
    store = store_in(settings)
    add_day(store, settings, weekdays(1)[0], list(papers(1)))
    (file,) = settings.paths.outputs.rglob("*.json")
    made = json.loads(file.read_text(encoding="utf-8"))["papers"][0]["provenance"]
    assert {"certainty", "doubtful"} <= made.keys()
    close_stores()
