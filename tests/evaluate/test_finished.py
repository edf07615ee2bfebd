"""Two finished evaluations against each other, and a report as Markdown."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import pytest

from tests.standins.house import House, one_error, open_house
from tests.standins.model import Answer, Request, good_line, reply, title_of


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One of zero-shot and few-shot with two samples, one of slots-first on fewer papers."""
    with open_house(tmp_path_factory.mktemp("evaluated")) as house:
        count = 0

        def answer(request: Request) -> Answer:
            nonlocal count
            count += 1
            return Answer(text=reply(good_line(f"{title_of(request)} {count % 7}")))

        house.model.answer = answer
        warm = ("--temperature", "0.7", "--repeat", "2")
        first = house.run("evaluate", "zero-shot", "few-shot", "--limit", "9", *warm)
        assert first.returncode == 0, first.stderr
        assert house.run("evaluate", "zero-shot", "--limit", "6").returncode == 0
        yield house


def names(house: House) -> list[str]:
    """The larger one first."""
    folder = house.folder / "outputs" / "evaluations"
    found = (path.name for path in folder.iterdir() if path.name.startswith("20"))
    return sorted(found, key=lambda name: ("few-shot" not in name, name))[:2]


def test_two_of_them_are_compared_without_a_call(done: House) -> None:
    calls, before = len(done.model.requests), names(done)
    result = done.run("evaluate", "compare", *before)
    assert result.returncode == 0, result.stderr
    assert len(done.model.requests) == calls and names(done) == before
    assert "A: few-shot" in result.stdout and "B: zero-shot" in result.stdout
    assert "6 cases" in result.stdout or "5 cases" in result.stdout
    assert f"A is {before[0]}" in result.stdout and "only in A" in result.stdout


def test_with_samples_it_is_told_whose_spread_it_is(done: House) -> None:
    (first, _) = names(done)
    text = (done.folder / "outputs/evaluations" / first / "report.html").read_text("utf-8")
    assert "own noise is" in text and "with ever so many" in text
    summary = json.loads((done.folder / "outputs/evaluations" / first / "summary.json").read_text())
    (spread,) = summary["spreads"]
    assert (spread["system"], spread["samples"]) == ("few-shot", 2)


def test_markdown_is_for_a_pull_request(done: House) -> None:
    shown = done.run("evaluate", "compare", *names(done), "--format", "markdown").stdout
    assert shown.startswith("### ")
    rows = [line for line in shown.splitlines() if line.startswith("|")]
    assert len({row.count("|") - row.count("\\|") for row in rows}) == 1
    assert any(row.startswith("| content-chrF |") for row in rows)
    again = done.run("evaluate", "zero-shot", "--limit", "6", "--format", "markdown")
    assert again.stdout.startswith("### zero-shot") and "report outputs" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "needs the names of two"),
        (("2",), "needs the names of two"),
        (("2", "2"), "more than one evaluation begins so"),
        (("1999", "1999"), "no such evaluation. There are: 20"),
        (("", ""), "There are: 20"),
        (("../evaluations", "x"), "no such evaluation"),
    ],
)
def test_what_is_none_is_said(done: House, arguments: tuple[str, ...], said: str) -> None:
    assert said in one_error(done.run("evaluate", "compare", *arguments), 2)


@pytest.mark.parametrize("spoiled", ["", "{}", "[1]\n", '{"case": "x"}\n'])
def test_what_cannot_be_read_is_said(done: House, spoiled: str) -> None:
    folder = done.folder / "outputs" / "evaluations"
    first, _ = names(done)
    copied = folder / "broken"
    shutil.copytree(folder / first, copied)
    (copied / "samples.jsonl").write_text(spoiled, encoding="utf-8")
    try:
        result = done.run("evaluate", "compare", "broken", first)
        assert result.returncode == 2 and len(result.stderr.splitlines()) == 1
    finally:
        shutil.rmtree(copied)
