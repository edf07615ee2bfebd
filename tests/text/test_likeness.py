"""No paper is given another paper's line."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.demo.archive import Archive
from pipeline.text.likeness import LIKE, REACH, Lines
from tests.demo.composed import FRIDAY, THURSDAY, A, B, C, D, SettableClock, paper, week
from tests.standins.arxiv import FaultyArxiv
from tests.standins.house import PAPERS, House, open_house
from tests.standins.model import Answer, Request, good_answer, good_line, reply
from tests.standins.world import small_pdf

FILLER = (
    "该论文属于语音处理任务，旨在解决现有方法在真实条件下性能下降的问题。"
    "提出一种联合训练方法，提升了系统的鲁棒性。"
)


def alike(request: Request) -> Answer:
    """The same but for a word or two, drawn for each call."""
    draw = random.Random(str(request))
    task = draw.choice(["语音识别", "语音合成", "声源分离", "音乐生成"])
    how = draw.choice(["联合训练", "对比学习", "扩散模型", "知识蒸馏"])
    line = FILLER.replace("语音处理", task).replace("联合训练", how)
    return Answer(text=reply(line))


@pytest.mark.parametrize("answer", [lambda _: Answer(text=reply(FILLER)), alike])
def test_a_model_that_writes_one_line_for_all_is_told_so_and_the_papers_are_owed(
    house: House, answer: Any
) -> None:
    house.model.answer = answer
    result = house.run("run")
    assert result.returncode == 1
    account = house.document["ledger"]
    assert account["done"] == 1
    assert account["owed"] == PAPERS - 1
    (first,) = [p["arxiv_id"] for p in house.document["papers"] if p["line"]]
    reasons = {p["owed"]["reason"] for p in house.document["papers"] if not p["line"]}
    assert reasons == {
        f"unlike_others: all but the line of {first}: must say what only this paper does"
    }
    told = [r for r in house.model.requests if len(r["messages"]) > 2]
    assert f"all but the line of {first}" in str(told[0]["messages"][-1])


def test_the_model_can_do_better_when_it_is_told(house: House) -> None:
    def first_filler(request: Request) -> Answer:
        again = len(request["messages"]) > 2
        return good_answer(request) if again else Answer(text=reply(FILLER))

    house.model.answer = first_filler
    assert house.run("run").returncode == 0
    assert house.document["ledger"]["done"] == PAPERS


def test_a_few_shot_example_is_no_line_of_another_paper(house: House) -> None:
    from pipeline.prompt.variant import load_variant

    shown = load_variant("few-shot", Path("prompts")).shown[0]
    house.model.answer = lambda _: Answer(text=reply(shown.line or ""))
    result = house.run("run", "--prompt", "few-shot", "--limit", "3")
    assert result.returncode == 1
    lines = [p for p in house.document["papers"] if p["line"]]
    assert all(f"{p['arxiv_id']}v{p['version']}" == shown.versioned for p in lines)


# Over days


class Week:
    """Two listings of a small arXiv; the second one's model repeats lines of the first's."""

    def __init__(self, house: House, clock: SettableClock) -> None:
        self.house = house
        self.clock = clock

    def night(self, date: dt.date, line: dict[str, str]) -> Any:
        """The papers of a night on which the model writes `line` for the ids that it names."""

        def answer(request: Request) -> Answer:
            shown = str(request["messages"][-1]["content"]) + str(request["messages"][1]["content"])
            named = next((text for base, text in line.items() if base in shown), None)
            return Answer(text=reply(named)) if named else good_answer(request)

        self.house.model.answer = answer
        self.clock.set(date, 0, 30)
        self.result = self.house.run("run")
        file = self.house.folder / "outputs" / date.isoformat() / "audio.json"
        return {p["arxiv_id"]: p for p in json.loads(file.read_text(encoding="utf-8"))["papers"]}


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[Week]:
    clock = SettableClock(THURSDAY, 0, 30)
    with open_house(
        tmp_path, FaultyArxiv(Archive(week(), now=clock), small_pdf), prompt="zero-shot"
    ) as house:
        yield Week(house, clock)


def test_a_line_of_an_earlier_day_is_another_papers_line_too(nights: Week) -> None:
    before = nights.night(THURSDAY, {})
    after = nights.night(FRIDAY, {D: before[C]["line"]})
    assert after[D]["line"] is None
    assert C in after[D]["owed"]["reason"]
    assert "Traceback" not in nights.result.stderr


def test_a_new_version_may_say_what_the_one_before_said(nights: Week) -> None:
    before = nights.night(THURSDAY, {})
    after = nights.night(FRIDAY, {A: before[A]["line"], B: before[B]["line"]})
    assert after[A]["line"] == before[A]["line"]
    assert after[B]["line"] == before[B]["line"]
    assert nights.result.returncode == 0


# The measure


class Stored:
    """Lines by the date of their listing; `asked` has what was read."""

    def __init__(self, *lines: tuple[dt.date, str, str]) -> None:
        self._lines = lines
        self.asked: list[tuple[dt.date, dt.date | None]] = []

    def lines(self, since: dt.date, before: dt.date | None) -> list[tuple[str, str]]:
        self.asked.append((since, before))
        return [
            (base, line)
            for date, base, line in self._lines
            if since <= date and (before is None or date < before)
        ]


TODAY = dt.date(2026, 1, 16)


def test_the_stores_last_four_weeks_count_and_are_read_once() -> None:
    stored = Stored(
        (TODAY - REACH, "a", FILLER), (TODAY - REACH - dt.timedelta(1), "b", good_line("b"))
    )
    lines = Lines(stored)
    assert stored.asked == []  # nothing is read before there is a line
    assert lines.claim("c", FILLER, TODAY) == "a"
    assert lines.claim("c", good_line("b"), TODAY) is None
    assert stored.asked == [(TODAY - REACH, None)]
    earlier = TODAY - dt.timedelta(days=20)
    assert lines.claim("d", good_line("b"), earlier) in {"b", "c"}
    assert stored.asked[1:] == [(earlier - REACH, TODAY - REACH)]


@pytest.mark.parametrize(
    "changed",
    [
        FILLER.replace("，", ""),
        FILLER.replace("。", " 。"),
        FILLER.replace("语音处理", "语音识别"),
        FILLER.replace("一种", "一个新颖的"),
        FILLER.replace("提出一种联合训练方法", "提出名为 AudioNet 的联合训练方法"),
        FILLER.replace("真实条件下性能下降", "嘈杂环境中性能退化"),
    ],
)
def test_a_word_a_name_or_a_comma_makes_no_other_line(changed: str) -> None:
    lines = Lines(Stored((TODAY, "a", FILLER)))
    assert lines.claim("b", changed, TODAY) == "a"


def test_lines_that_share_the_usual_words_are_others() -> None:
    ours = (
        "该论文属于语音识别任务，旨在解决低资源语言数据不足的问题。提出跨语言迁移框架，效果更好。"
    )
    theirs = (
        "该论文属于语音识别任务，旨在解决多人会议中语音重叠的问题。提出流式分离模型，降低了延迟。"
    )
    lines = Lines(Stored((TODAY, "a", theirs)))
    assert lines.claim("b", ours, TODAY) is None


@given(st.lists(st.text("甲乙丙丁ab ，。", max_size=30), max_size=12))
def test_the_filter_misses_nothing_that_is_alike(texts: list[str]) -> None:
    """What the few rare runs find is what holding every line against every other finds."""
    lines = Lines(Stored(*((TODAY, f"s{n}", text) for n, text in enumerate(texts[::2]))))
    known = [(f"s{n}", text) for n, text in enumerate(texts[::2])]
    for n, text in enumerate(texts[1::2]):
        theirs = {base for base, other in known if likeness(text, other) >= LIKE}
        found = lines.claim(f"n{n}", text, TODAY)
        assert (found in theirs) if theirs else (found is None)
        if found is None:
            known.append((f"n{n}", text))


def likeness(one: str, other: str) -> float:
    """Written again in the plainest way."""
    runs = []
    for line in (one, other):
        read = [char.lower() for char in line if char.isalnum()]
        runs.append({"".join(read[at : at + 3]) for at in range(max(1, len(read) - 2))})
    return len(runs[0] & runs[1]) / len(runs[0] | runs[1])


def test_a_paper_keeps_its_own_line() -> None:
    lines = Lines(Stored((TODAY, "a", FILLER)), shown=[("s", good_line("s"))])
    assert lines.claim("a", FILLER, TODAY) is None
    assert lines.claim("s", good_line("s"), TODAY) is None
    assert lines.claim("b", good_line("s"), TODAY) == "s"


def test_the_paper_of_these_tests_is_not_alike() -> None:
    """The stand-in's lines tell papers apart, or nothing here would show anything."""
    lines = Lines(Stored())
    titles = [paper(f"2601.{n:05d}").title for n in range(300)]
    assert all(lines.claim(title, good_line(title), TODAY) is None for title in titles)
