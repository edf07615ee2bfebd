"""What a field may have of its own: prompt, examples, interests, a ceiling."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import load_config
from pipeline.demo.archive import Archive
from tests.conftest import ROOT
from tests.demo.composed import NEW, SettableClock, listing, paper
from tests.standins.arxiv import FaultyArxiv
from tests.standins.house import EXAMPLE, House, one_error, open_house
from tests.standins.model import title_of
from tests.standins.world import small_pdf

DATE = dt.date(2026, 1, 15)
TEXT = {"name": "文本", "categories": ["cs.CL"]}
VIDEO = {"name": "视频", "categories": ["cs.CV"]}
TEXTS = [f"2601.1001{number}" for number in range(4)]
VIDEOS = [f"2601.1002{number}" for number in range(4)]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """As in the series that the example day is from: 文本 and 视频, in one run."""
    announced = [
        listing(DATE, *((NEW, paper(one, 1, "cs.CL")) for one in TEXTS)).model_copy(
            update={"field": "text"}
        ),
        listing(DATE, *((NEW, paper(one, 1, "cs.CV")) for one in VIDEOS)).model_copy(
            update={"field": "video"}
        ),
    ]
    archive = Archive(announced, now=SettableClock(DATE, 0, 30))
    with open_house(tmp_path, FaultyArxiv(archive, small_pdf), prompt="zero-shot") as opened:
        opened.settings(fields={"text": TEXT, "video": VIDEO})
        yield opened


def papers(house: House, field: str) -> list[dict[str, Any]]:
    file = house.folder / "outputs" / DATE.isoformat() / f"{field}.json"
    told: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["papers"]
    return told


def prompts_of(house: House, field: str) -> set[object]:
    return {one["provenance"]["prompt"] for one in papers(house, field) if one["line"]}


def test_two_fields_are_two_blocks(house: House) -> None:
    assert house.run("run").returncode == 0
    for field, name, ids in (("text", "文本", TEXTS), ("video", "视频", VIDEOS)):
        assert sorted(str(one["arxiv_id"]) for one in papers(house, field)) == ids
        markdown = (house.folder / "outputs" / DATE.isoformat() / f"{field}.md").read_text()
        assert markdown.startswith(f"# {name} ")
        assert (house.folder / "outputs" / "site" / f"{field}.atom").is_file()
    assert "音频" not in (house.folder / "outputs/site/index.html").read_text(encoding="utf-8")


def test_each_field_is_asked_with_its_own_prompt(house: House) -> None:
    own = (ROOT / "prompts" / "zero-shot.md").read_text(encoding="utf-8")
    (house.folder / "mine.md").write_text(own + "\nOnly about video.\n", encoding="utf-8")
    house.settings(fields={"text": TEXT, "video": VIDEO | {"prompt": "mine.md"}})
    assert house.run("run").returncode == 0
    assert (prompts_of(house, "text"), prompts_of(house, "video")) == ({"zero-shot"}, {"mine"})
    # One again is asked with its field's, too, wherever one stands.
    asked = len(house.model.requests)
    assert house.run("reprocess", VIDEOS[0]).returncode == 0
    (request,) = house.model.requests[asked:]
    assert "Only about video." in str(request)
    told = house.run("doctor", "--offline").stdout
    assert "prompt: zero-shot, hash" in told
    assert "video: mine, hash" in told


def test_a_fields_prompt_that_is_wrong_is_found_before_any_request(house: House) -> None:
    house.settings(fields={"text": TEXT, "video": VIDEO | {"prompt": "nobody"}})
    assert "no such prompt" in one_error(house.run("run"), 2)
    assert house.arxiv.requests == []


def test_a_field_can_show_other_examples(house: House) -> None:
    prompts = house.folder / "prompts"
    (prompts / "examples").mkdir(parents=True)
    for name in ("zero-shot", "few-shot"):
        (prompts / f"{name}.md").write_bytes((ROOT / "prompts" / f"{name}.md").read_bytes())
    text = EXAMPLE.read_text(encoding="utf-8")
    (prompts / "examples" / EXAMPLE.name).write_text(text, encoding="utf-8")
    other = text.replace("# 音频 cs.SD;  eess.AS", "# 视频 cs.CV").replace("该论文属于", "本文属于")
    (prompts / "examples" / "video.md").write_text(other, encoding="utf-8")
    house.settings(
        prompt="few-shot",
        fields={"text": TEXT, "video": VIDEO | {"examples": "examples/video.md"}},
        paths={"outputs": "outputs", "cache": "cache", "prompts": "prompts"},
    )
    assert house.run("run").returncode == 0
    video = {one["title"] for one in papers(house, "video")}
    shown = {title_of(one): "本文属于" in str(one["messages"]) for one in house.model.requests}
    assert {title for title, others in shown.items() if others} == video
    assert len(shown) == 8


def test_a_fields_ceiling_leaves_the_other_fields_their_night(house: House) -> None:
    house.settings(fields={"text": TEXT | {"budget": {"tokens": 1}}, "video": VIDEO})
    result = house.run("run")
    assert result.returncode == 4
    assert [one["line"] for one in papers(house, "text")] == [None] * 4
    assert all(one["line"] for one in papers(house, "video"))
    assert "文本's budget of 1 token is used up" in result.stderr
    house.settings(fields={"text": TEXT, "video": VIDEO})
    assert house.run("run").returncode == 0


def test_interests_may_be_a_fields_own(house: House) -> None:
    wanted = {"more": {"keywords": ["codec"]}}
    house.settings(
        fields={"text": TEXT | {"interests": wanted}, "video": VIDEO},
        interests={"more": {"keywords": ["video"]}},
    )
    config = load_config(house.config)
    assert config.interests_of("text").more.keywords == ("codec",)
    assert config.interests_of("video").more.keywords == ("video",)
    assert house.run("run").returncode == 0
    data = (house.folder / "outputs" / "site" / "data.js").read_text(encoding="utf-8")
    told = json.loads(data.removeprefix("jianjie.data(").removesuffix(");\n"))
    assert told["fieldInterests"]["text"]["more"]["keywords"] == ["codec"]
    assert told["interests"]["more"]["keywords"] == ["video"]
