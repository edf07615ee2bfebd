"""`jianjie judge`, as a user has it."""

from __future__ import annotations

import http.client
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipeline.evaluate.finished import load
from pipeline.evaluate.people.sheet import sheet
from tests.standins.house import House, one_error, open_house
from tests.standins.model import Answer, Request, good_line, reply, title_of


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """An evaluation of two variants whose lines differ."""
    with open_house(tmp_path_factory.mktemp("judged")) as house:
        count = 0

        def answer(request: Request) -> Answer:
            nonlocal count
            count += 1
            return Answer(text=reply(good_line(f"{title_of(request)} {count}")))

        house.model.answer = answer
        made = house.run("evaluate", "zero-shot", "few-shot", "--limit", "8")
        assert made.returncode == 0, made.stderr
        yield house


def folder(house: House) -> Path:
    (found,) = (house.folder / "outputs" / "evaluations").glob("20*")
    return found


def judged(house: House, name: str, overall: str, count: int = 99) -> tuple[int, str, str]:
    """`judge` served, so many votes by HTTP, then Ctrl-C."""
    process = house.start("judge", "20", "--as", name)
    assert process.stdout is not None
    address = urlsplit(process.stdout.readline().strip())
    items = sheet(load(folder(house)), name).items
    for item in items[:count]:
        vote = json.dumps({"item": item.id, "overall": overall})
        connection = http.client.HTTPConnection("127.0.0.1", address.port or 0, timeout=10)
        head = {"Content-Type": "application/json"}
        connection.request("POST", f"{address.path}votes", vote, head)
        assert connection.getresponse().status == 204
        connection.close()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def test_judged_and_shown(done: House) -> None:
    status, out, err = judged(done, "kim", "left")
    assert status == 0, err
    assert "no winner" in out and "kim: 14 pairs" in out.replace("\n", " ")
    assert "one judge" in out
    status, out, err = judged(done, "lee", "tie", count=5)
    assert status == 0 and "agreement of the 2 judges" in out
    shown = done.run("judge", "latest", "zero-shot", "few-shot", "--results")
    assert shown.stdout.splitlines() == out.splitlines()
    document = json.loads(done.run("judge", "20", "--results", "--json").stdout)
    assert {one["judge"] for one in document["judges"]} == {"kim", "lee"}
    markdown = done.run("judge", "20", "--results", "--format", "markdown").stdout
    assert markdown.startswith("### Judged by people: few-shot against zero-shot")


def test_ended_without_a_vote(done: House) -> None:
    judges = folder(done) / "judges"
    kept = judges.rename(judges.with_name("away")) if judges.exists() else None
    status, _, err = judged(done, "kim", "left", count=0)
    assert status == 0 and "nobody has judged" in err
    assert "nobody has judged" in one_error(done.run("judge", "20", "--results"), 0)
    if kept:
        kept.rename(judges)


def test_for_a_judge_elsewhere(done: House, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    made = done.run("judge", "20", "--as", "wang", "--write", str(page))
    assert made.returncode == 0 and "for wang" in made.stdout
    assert "哪一行更好" in page.read_text("utf-8")
    item = sheet(load(folder(done)), "wang").items[0].id
    vote = {"item": item, "overall": "right", "at": "2026-01-08T09:00:00Z"}
    saved = tmp_path / "wang.json"
    votes = {"run": folder(done).name, "judge": "wang", "votes": [vote, {**vote, "item": "x"}]}
    saved.write_text(json.dumps(votes))
    taken = done.run("judge", "20", "--read", str(saved))
    assert taken.returncode == 0
    assert "1 vote of wang taken in; 1 vote on other pairs left out" in taken.stderr
    again = done.run("judge", "20", "--read", str(saved), "--json")
    judges = {one["judge"]: one["judged"] for one in json.loads(again.stdout)["judges"]}
    assert judges["wang"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("1999",), "no such evaluation"),
        (("20", "zero-shot"), "names no two systems"),
        (("20", "zero-shot", "x"), "no such system"),
        (("20", "--as", "../x"), "is no name"),
        (("20", "--read", "nowhere.json"), "cannot be read"),
    ],
)
def test_bad_input_is_one_line(done: House, arguments: tuple[str, ...], said: str) -> None:
    assert said in one_error(done.run("judge", *arguments), 2)


def test_votes_of_another_evaluation_are_not_taken(done: House, tmp_path: Path) -> None:
    file = tmp_path / "kim.json"
    file.write_text(json.dumps({"run": "other", "judge": "kim", "votes": []}))
    assert "has votes on other" in one_error(done.run("judge", "20", "--read", str(file)), 2)
    file.write_text(json.dumps({"run": folder(done).name, "judge": "../kim", "votes": []}))
    assert "is no name" in one_error(done.run("judge", "20", "--read", str(file)), 2)
