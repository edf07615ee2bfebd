"""`jianjie optimize` with stand-in models whose lines depend on the prompt in a known way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.digest.markdown import load
from tests.standins.house import EXAMPLE, House, one_error, open_house
from tests.standins.model import Answer, Request, reply, title_of

MAGIC = "写出方法的名称"
"""The instruction that makes the writer good."""
REFERENCES = {entry.title: entry.line or "" for entry in load(EXAMPLE).entries}
VAGUE = (
    "该论文属于信号处理任务，旨在解决现有系统效果不佳的问题。作者提出了一种新的框架，取得了进展。"
)


def writer(request: Request) -> Answer:
    """The reference where the prompt has the magic words, a vague line where it has not."""
    good = MAGIC in str(request["messages"][0]["content"])
    return Answer(text=reply(REFERENCES[title_of(request)] if good else VAGUE))


class Reflecting:
    """Writes as `writer` does, and proposes these texts in turn."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.asked: list[str] = []

    def __call__(self, request: Request) -> Answer:
        if "[[…]]" not in str(request["messages"][0]["content"]):
            return writer(request)
        self.asked.append(str(request["messages"][-1]["content"]))
        text = self.texts[(len(self.asked) - 1) % len(self.texts)]
        return Answer(text=f"想好了。\n<new>\n{text}\n</new>")


IDLE = (
    "写一行简体中文，语气平实，句子通顺。",
    "写一行简体中文，先任务，后问题。",
    "写得短一些，一两句。",
)
FOUND = f"写一行简体中文，{MAGIC}和它要解决的问题，名称保留原文。"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """With its own prompts: a winner is written there."""
    prompts = tmp_path / "prompts"
    (prompts / "examples").mkdir(parents=True)
    for file in ("zero-shot.md", "examples/20260107-audio.md"):
        text = (EXAMPLE.parents[1] / file).read_text(encoding="utf-8")
        (prompts / file).write_text(text, encoding="utf-8")
    (tmp_path / "home").mkdir()
    with open_house(tmp_path / "home", paths={"prompts": str(prompts)}) as opened:
        yield opened


def history(house: House) -> dict[str, Any]:
    (file,) = (house.folder / "outputs" / "optimizations").glob("*/history.json")
    told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return told


def winner(house: House) -> Path:
    return house.config.parents[1] / "prompts" / "zero-shot-better.md"


def test_the_planted_improvement_is_found_and_decided(house: House) -> None:
    house.model.answer = Reflecting(IDLE[0], FOUND, IDLE[1], IDLE[2])
    result = house.run("optimize", "zero-shot", "--proposals", "6")
    assert result.returncode == 0, result.stderr
    assert "zero-shot-found is better than zero-shot by" in result.stdout
    assert "WARNING: 26 cases" in result.stderr
    text = winner(house).read_text(encoding="utf-8")
    assert MAGIC in text and "# Found by jianjie optimize" in text
    assert "# Sealed papers: zero-shot-found is better" in text
    told = history(house)
    assert told["winner"] and told["sealed"]["comparison"]["verdict"] == "better"
    assert len(told["parts"]["sealed"]) == told["sealed"]["comparison"]["count"] == 10
    ids = [paper for part in told["parts"].values() for paper in part]
    assert len(ids) == len(set(ids)) == 26
    # It is a variant like any other, and frozen is what had to be.
    used = house.run("evaluate", "zero-shot", "zero-shot-better", "--limit", "3")
    assert used.returncode == 0, used.stderr
    before = (winner(house).parent / "zero-shot.md").read_text(encoding="utf-8")
    for frozen in ("{% for id, name in vocabulary.items() %}", '{"分类"', "<paper> 与 </paper>"):
        assert frozen in before and frozen in text
    assert before.split("=== user ===")[1] == text.split("=== user ===")[1]


def test_where_nothing_is_better_there_is_no_winner(house: House) -> None:
    house.model.answer = Reflecting(*IDLE)
    result = house.run("optimize", "zero-shot", "--proposals", "6")
    assert result.returncode == 0, result.stderr
    assert "no winner: nothing was better than" in result.stdout
    assert not winner(house).exists() and history(house)["sealed"] is None


def test_the_sealed_papers_are_seen_by_nobody_before_the_end(house: House) -> None:
    model = Reflecting(IDLE[0], FOUND)
    house.model.answer = model
    assert house.run("optimize", "zero-shot", "--proposals", "4").returncode == 0
    sealed = set(history(house)["parts"]["sealed"])
    titles = {e.title for e in load(EXAMPLE).entries if e.versioned.split("v")[0] in sealed}
    assert len(titles) == 10
    for asked in model.asked:
        assert not any(title in asked for title in titles)
    reflected = ["[[…]]" in str(request) for request in house.model.requests]
    last = max(at for at, one in enumerate(reflected) if one)
    asked_before = zip(house.model.requests[:last], reflected, strict=False)
    written = {title_of(request) for request, one in asked_before if not one}
    assert len(written) == 16
    assert titles.isdisjoint(written)


def test_who_copies_papers_is_thrown_out_and_told_why(house: House) -> None:
    stolen = next(iter(REFERENCES.values()))
    model = Reflecting(f"照这样写：{stolen}", "没有写完 {{ title }}")
    house.model.answer = model
    result = house.run("optimize", "zero-shot", "--proposals", "2")
    assert result.returncode == 0 and "2 proposals: 2 thrown out, 0 kept" in result.stdout
    assert "照抄了论文或参考中的话" in model.asked[1]  # the second try is told
    thrown = [reason for one in history(house)["proposals"] for reason in one["thrown_out"]]
    assert any("符号" in reason for reason in thrown)


def test_stopped_and_run_again_it_pays_for_nothing_twice(house: House) -> None:
    texts = (IDLE[0], FOUND, IDLE[1])
    model = Reflecting(*texts)

    def dies(request: Request) -> Answer:
        return model(request) if len(house.model.requests) < 40 else Answer(status=401)

    house.model.answer = dies
    assert house.run("optimize", "zero-shot", "--proposals", "3").returncode == 3
    assert not (house.folder / "outputs" / "optimizations").exists()
    before = len(house.model.requests)
    house.model.answer = model
    assert house.run("optimize", "zero-shot", "--proposals", "3").returncode == 0
    good = [str(request) for request in house.model.requests[:39]]
    again = [str(request) for request in house.model.requests[before:]]
    assert set(good).isdisjoint(again)
    assert history(house)["winner"]


def test_papers_that_were_opened_before_are_told(house: House) -> None:
    house.model.answer = Reflecting(FOUND)
    assert house.run("optimize", "zero-shot", "--proposals", "1").returncode == 0
    again = house.run("optimize", "zero-shot", "--proposals", "1", "--seed", "7")
    assert again.returncode == 0
    assert "1 optimization opened some of these sealed papers before" in again.stderr
    assert (winner(house).parent / "zero-shot-better-2.md").exists()


def test_the_cap_on_lines_holds(house: House) -> None:
    house.model.answer = Reflecting(*IDLE)
    result = house.run("optimize", "zero-shot", "--proposals", "50", "--max-calls", "60")
    assert result.returncode == 0, result.stderr
    assert history(house)["samples"] <= 60


def by_examples(request: Request) -> Answer:
    """The reference where the prompt shows five examples or more, a vague line otherwise."""
    good = str(request["messages"][0]["content"]).count("<example>\n标题：") >= 5
    title = title_of(request)
    return Answer(text=reply(REFERENCES[title] if good else VAGUE))


def test_the_choice_of_examples_is_a_part_of_the_search(house: House, tmp_path: Path) -> None:
    """The cases are of a day after the examples: no paper is in both."""
    prompts = winner(house).parent
    text = (EXAMPLE.parents[1] / "few-shot.md").read_text(encoding="utf-8")
    (prompts / "few-shot.md").write_text(text.replace("count: 5", "count: 1"), encoding="utf-8")
    later = tmp_path / "20260108-audio.md"
    later.write_text(re.sub(r"pdf/\d+\.", "pdf/2612.", EXAMPLE.read_text("utf-8")), "utf-8")

    def answer(request: Request) -> Answer:
        return Reflecting(*IDLE)(request) if "[[…]]" in str(request) else by_examples(request)

    house.model.answer = answer
    arguments = ("optimize", "few-shot", "--few-shot", "--proposals", "24")
    assert "no case is left" in one_error(house.run(*arguments), 2)
    result = house.run(*arguments, "--cases", str(later))
    assert result.returncode == 0, result.stderr
    found = (prompts / "few-shot-better.md").read_text(encoding="utf-8")
    assert "  count: 5\n" in found or "  count: 8\n" in found
    told = history(house)
    assert told["winner"] and {one["piece"] for one in told["proposals"]} == {
        "instructions",
        "examples",
    }


def test_without_examples_there_is_nothing_to_choose(house: House) -> None:
    assert "shows no examples" in one_error(house.run("optimize", "zero-shot", "--few-shot"), 2)


def test_a_budget_stops_it_and_more_of_it_goes_on(house: House) -> None:
    house.model.answer = Reflecting(FOUND)
    few = house.run("optimize", "zero-shot", "--proposals", "1", "--max-tokens", "40000")
    assert "budget" in one_error_of_many(few.stderr) and few.returncode == 4
    before = len(house.model.requests)
    assert 0 < before < 40
    assert house.run("optimize", "zero-shot", "--proposals", "1").returncode == 0
    assert history(house)["winner"]


def one_error_of_many(text: str) -> str:
    """The last line: what ended it."""
    return text.strip().splitlines()[-1]


def test_without_prices_money_cannot_be_capped(house: House) -> None:
    model = {"base_url": house.model.url, "model": "m", "token_factor": 1.0}
    house.settings(models={"standin": model})
    said = one_error(house.run("optimize", "zero-shot", "--max-money", "1"), 2)
    assert "has no price_in and price_out" in said


def test_a_dry_run_asks_nothing(house: House) -> None:
    result = house.run("optimize", "zero-shot", "--dry-run")
    assert result.returncode == 0 and house.model.requests == []
    assert "8 papers to learn from, 8 to choose by, 10 sealed" in " ".join(result.stdout.split())
    assert "reflect standin" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), "no such prompt"),
        (("zero-shot", "--max-calls", "20"), "buys no proposal"),
        (("zero-shot", "--metric", "cost"), "is nothing to search by"),
        (("zero-shot", "--metric", "x"), "is nothing to search by"),
        (("zero-shot", "--metric", "supported"), "has no value without a second look"),
        (("zero-shot", "--reflect", "x"), "no model profile 'x'"),
        (("zero-shot", "--until", "2020-01-01"), "no case is left"),
        (("zero-shot", "--out", "config.yaml"), "is there already"),
    ],
)
def test_bad_input_is_one_line(house: House, arguments: tuple[str, ...], said: str) -> None:
    assert said in one_error(house.run("optimize", *arguments), 2)
    assert house.model.requests == []
