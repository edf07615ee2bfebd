"""A second look at lines, through whole runs: who is asked what, and what comes of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pipeline.records import Finding
from tests.night.test_reprocess import ID, OTHER, PAPER
from tests.standins.house import House, one_error, open_house
from tests.standins.looking import all_supported, is_look, looked_at, looking
from tests.standins.model import Answer, Request, good_answer, good_line, reply, title_of
from tests.standins.quoting import quoting

Found = tuple[Finding, Finding, Finding]


def looks(house: House) -> list[Request]:
    return [request for request in house.model.requests if is_look(request)]


def written(house: House) -> list[Request]:
    return [request for request in house.model.requests if not is_look(request)]


def reprocessed(house: House, **environment: str) -> None:
    result = house.run("reprocess", ID, "--verify", **environment)
    assert result.returncode == 0, result.stderr


def test_a_night_with_it_looks_at_every_line_once(house: House) -> None:
    house.model.answer = looking(all_supported)
    assert house.run("run", "--verify").returncode == 0
    papers = house.document["papers"]
    assert sorted(map(looked_at, looks(house))) == sorted(paper["line"] for paper in papers)
    for paper in papers:
        found = paper["provenance"]["second_look"]
        assert found["model"] == "standin-1"
        assert {one["finding"] for one in found["parts"]} == {"supported"}
    calls = len(house.model.requests)
    assert house.run("run", "--verify").returncode == 0
    assert len(house.model.requests) == calls


def test_the_look_sees_line_and_paper_and_nothing_of_the_writer(finished: House) -> None:
    finished.model.answer = looking(all_supported)
    reprocessed(finished, JIANJIE_PROMPT="zero-shot")
    (look,) = looks(finished)
    shown = "\n".join(message["content"] for message in look["messages"])
    paper = finished.paper(PAPER)
    assert paper["line"] in shown and " ".join(paper["abstract"].split())[:200] in shown
    assert "standin-1" not in shown and "zero-shot" not in shown and "分类" not in shown
    assert len(look["messages"]) == 2


def test_with_quotes_it_sees_their_sentences_and_neighbours_alone(house: House) -> None:
    house.settings(prompt="evidence")
    house.model.answer = looking(all_supported, quoting)
    assert house.run("run", "--verify", "--limit", "3").returncode == 1  # the rest is owed
    shorter = 0
    for look in looks(house):
        (paper,) = [p for p in house.document["papers"] if p["line"] == looked_at(look)]
        shown = " ".join(look["messages"][1]["content"].split())
        for one in paper["evidence"]:
            assert " ".join(one["quote"].split()) in shown
        shorter += len(shown) < len(paper["abstract"])
    assert len(looks(house)) == 3


def test_what_is_contradicted_is_refused_and_told_to_the_writer(finished: House) -> None:
    first = finished.paper(PAPER)["line"]

    def finds(request: Request) -> Found:
        wrong = looked_at(request) == first
        return "supported", "supported", "contradicted" if wrong else "supported"

    def writes(request: Request) -> Answer:
        again = len(request["messages"]) > 2
        return Answer(text=reply(OTHER if again else good_line(title_of(request))))

    finished.model.answer = looking(finds, writes)
    reprocessed(finished, JIANJIE_PROMPT="zero-shot")
    feedback = written(finished)[-1]["messages"][-1]["content"]
    assert "second_look: the paper says otherwise about 方法" in feedback and "错" in feedback
    paper = finished.paper(PAPER)
    assert (paper["line"], paper["provenance"]["tries"]) == (OTHER, 2)
    assert len(looks(finished)) == 2
    assert "错" not in json.dumps(paper["provenance"], ensure_ascii=False)


def test_where_every_line_is_contradicted_nothing_is_published(house: House) -> None:
    house.model.answer = looking(lambda _: ("contradicted", "supported", "supported"))
    assert house.run("run", "--verify", "--limit", "1").returncode == 1
    tried = [p for p in house.document["papers"] if "second_look" in str(p.get("owed"))]
    assert [p["owed"]["cause"] for p in tried] == ["rules"]
    assert not house.document["ledger"]["done"]


def test_what_is_not_told_is_a_warning(finished: House) -> None:
    finished.model.answer = looking(lambda _: ("supported", "not told", "supported"))
    reprocessed(finished, JIANJIE_PROMPT="zero-shot")
    made = finished.paper(PAPER)["provenance"]
    assert made["warnings"] == ["second_look: the excerpts do not tell 问题"]
    page = finished.folder / "outputs" / "site" / "paper" / f"{ID}.html"
    assert "问题未见于所引各句" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "said", ["好的。", "{}", '{"task": {"finding": "supported"}}', "[]" * 9999]
)
def test_a_reply_that_nobody_can_read_is_asked_for_again_and_told(
    finished: House, said: str
) -> None:
    finished.model.answer = lambda r: Answer(text=said) if is_look(r) else good_answer(r)
    reprocessed(finished, JIANJIE_PROMPT="zero-shot")
    assert len(looks(finished)) == 2
    made = finished.paper(PAPER)["provenance"]
    assert made["warnings"] == ["second_look: no finding, in 2 replies"]
    assert made["second_look"]["parts"] == []


def test_a_profile_of_its_own_is_asked_at_its_own_prices(finished: House) -> None:
    models = {
        name: {"base_url": finished.model.url, "model": name, "price_in": 1, "price_out": price}
        for name, price in (("standin", 2), ("judge", 1000))
    }
    finished.settings(models=models, verify="judge", prompt="zero-shot")
    finished.model.answer = looking(all_supported)
    assert finished.run("reprocess", ID).returncode == 0
    (look,) = looks(finished)
    assert look["model"] == "judge"
    made = finished.paper(PAPER)["provenance"]
    assert (made["model"], made["second_look"]["model"]) == ("standin", "judge")
    assert made["cost"] > 0.05  # a look's reply has some tokens, at a tenth of a cent each
    assert finished.run("reprocess", ID, "--no-verify").returncode == 0
    assert len(looks(finished)) == 1


def test_the_budget_holds_for_both(house: House) -> None:
    house.model.answer = looking(all_supported)
    house.settings(budget={"tokens": 40_000}, prompt="zero-shot")
    result = house.run("run", "--verify")
    assert result.returncode == 4
    used = sum(
        p["provenance"]["tokens_in"] + p["provenance"]["tokens_out"]
        for p in house.document["papers"]
        if p["line"]
    )
    assert 0 < used < 40_000


def test_where_the_second_model_is_gone_nothing_unseen_is_published(house: House) -> None:
    house.model.answer = lambda r: Answer("no", 401) if is_look(r) else good_answer(r)
    assert house.run("run", "--verify").returncode == 3
    assert house.document["ledger"]["done"] == 0
    house.model.answer = looking(all_supported)
    before = len(written(house))
    assert house.run("run", "--verify").returncode == 0
    assert len(written(house)) - before <= 26 - before  # those that were paid for are kept


def test_a_dry_run_tells_its_tokens(house: House) -> None:
    shown = house.run("run", "--verify", "--dry-run").stdout
    found = re.search(r"second look\s.*at most ([\d,]+) in, ([\d,]+) out more", shown)
    assert found is not None
    assert 10_000 < int(found[1].replace(",", "")) < 60_000
    assert "second look" not in house.run("run", "--dry-run").stdout


def test_a_profile_that_is_not_there_is_a_mistake_in_the_settings(house: House) -> None:
    house.settings(verify="nobody")
    assert "no profile of this name" in one_error(house.run("run"), 2)
    assert "verify" in one_error(house.run("run", JIANJIE_VERIFY="nobody"), 2)


def test_doctor_asks_the_second_model_too(house: House) -> None:
    own = {"base_url": house.model.url, "token_factor": 1.0}
    models = {name: {**own, "model": f"{name}-1"} for name in ("standin", "judge")}
    house.settings(models=models, verify="judge")
    shown = house.run("doctor", "--json").stdout
    checked = {one["about"] for one in json.loads(shown) if one["about"].startswith("model ")}
    assert checked == {"model standin", "model judge"}
    assert [request["model"] for request in house.model.requests] == ["standin-1", "judge-1"]


def test_the_built_in_model_does_not_look(house: House) -> None:
    models = {
        "standin": {"base_url": house.model.url, "model": "standin-1"},
        "small": {"kind": "embedded"},
    }
    house.settings(models=models, verify="small")
    result = house.run("run", "--limit", "1", "--verbose")
    assert "a built-in model is no help" in result.stderr
    assert not looks(house)


def test_a_backfill_says_that_it_takes_none(house: House) -> None:
    house.settings(verify=True)
    said = one_error(house.run("backfill", "run", "oai:cs.SD"), 2)
    assert "a backfill takes no second look" in said


def test_evaluate_has_it_as_a_metric(tmp_path: Path) -> None:
    with open_house(tmp_path) as house:
        house.model.answer = looking(lambda _: ("supported", "not told", "supported"))
        result = house.run(
            "evaluate", "zero-shot", "few-shot", "--verify", "standin", "--limit", "5"
        )
        assert result.returncode == 0, result.stderr
        assert re.search(r"supported\s.*67%", result.stdout)
        calls = len(house.model.requests)
        assert (
            house.run(
                "evaluate", "zero-shot", "few-shot", "--verify", "standin", "--limit", "5"
            ).returncode
            == 0
        )
        assert len(house.model.requests) == calls
        shown = house.run("evaluate", "zero-shot", "--verify", "standin", "--dry-run").stdout
        assert "verify standin" in shown
