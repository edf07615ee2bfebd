"""Why papers are owed: what the reasons say of the exit status, and where the commonest stands."""

from __future__ import annotations

import pytest

from pipeline.digest.markdown import load
from tests.standins.house import EXAMPLE, House, one_error
from tests.standins.model import Answer, Request, good_answer, reply, title_of
from tests.standins.model_faults import failing

NOBODY = "http://127.0.0.1:1/v1"
"""A port on which nothing listens: an ollama that is not there."""


def without_ollama(house: House) -> None:
    profile = {"base_url": NOBODY, "model": "qwen3", "token_factor": 1.0, "concurrency": 1}
    house.settings(model="ollama", models={"ollama": profile})


def causes(house: House) -> list[str]:
    owed = (paper.get("owed") for paper in house.document["papers"])
    return [one["cause"] for one in owed if one]


@pytest.mark.parametrize("limit", ["1", "2"])
def test_a_model_that_is_not_there_is_told_however_few_papers_met_it(
    house: House, limit: str
) -> None:
    without_ollama(house)
    error = one_error(house.run("run", "--limit", limit), 3)
    assert f"26 announced = 0 done + 26 owed, {limit} of them because: no connection" in error
    assert "no connection" in error
    assert "see: jianjie status" in error
    assert sorted(set(causes(house))) == ["model-out-of-reach", "not-tried"]


def test_a_night_of_fewer_papers_than_an_outage_needs(house: House) -> None:
    """24 papers are done; of the last two the model is gone."""
    assert house.run("run", "--limit", "24").returncode == 1
    house.model.answer = failing(500)
    error = one_error(house.run("run"), 3)
    assert "26 announced = 24 done + 2 owed, because: HTTP 500" in error


def test_a_wrong_key_is_told_once(house: House) -> None:
    house.model.answer = failing(401)
    result = house.run("run", "--limit", "1")
    assert result.returncode == 3
    assert result.stderr.count("HTTP 401") == 1


def test_papers_beyond_the_limit_are_no_outage(house: House) -> None:
    error = one_error(house.run("run", "--limit", "3"), 1)
    assert "26 announced = 3 done + 23 owed, because: not tried yet; see: jianjie status" in error


def test_an_outage_of_yesterday_is_not_todays(house: House) -> None:
    """What kept papers owed before says nothing of a run that did not try them."""
    without_ollama(house)
    one_error(house.run("run", "--limit", "2"), 3)
    assert house.run("run", "--limit", "0").returncode == 1


def test_the_commonest_reason_stands_on_standard_error(house: House) -> None:
    titles = [entry.title for entry in load(EXAMPLE).entries]

    def answer(request: Request) -> Answer:
        at = titles.index(title_of(request))
        if at < 3:
            return Answer(text=reply("简介"))
        return Answer(text="") if at == 3 else good_answer(request)

    house.model.answer = answer
    error = one_error(house.run("run"), 1)
    assert "22 done + 4 owed, 3 of them because: " in error
    assert "has 2 characters" in error
    assert causes(house) == ["rules"] * 4


def test_what_most_papers_met_decides(house: House) -> None:
    """One call of five takes too long: the model is not out of reach for that."""
    titles = [entry.title for entry in load(EXAMPLE).entries]

    def answer(request: Request) -> Answer:
        at = titles.index(title_of(request))
        if at == 0:
            return Answer(text="busy", status=500)
        return Answer(text="") if at in {1, 2} else good_answer(request)

    house.model.answer = answer
    one_error(house.run("run"), 1)
    assert sorted(causes(house)) == ["model-out-of-reach", "rules", "rules"]


def test_a_terminal_shows_the_reason_beneath_the_tables(house: House) -> None:
    without_ollama(house)
    status, shown = house.at_a_terminal("run", "--limit", "1")
    assert status == 3
    last = shown.splitlines()[-1]
    assert last.startswith("jianjie: ")
    assert "no connection" in last


def test_the_json_says_the_kind_of_reason(house: House) -> None:
    house.settings(budget={"tokens": 20_000, "money": None})
    assert house.run("run").returncode == 4
    assert set(causes(house)) == {"budget"}
    house.settings()
    house.model.answer = lambda request: Answer(text="Sorry, I cannot.", finish="content_filter")
    assert house.run("run", "--limit", "1").returncode == 1
    assert "declined" in causes(house)
