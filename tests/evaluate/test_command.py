"""`jianjie evaluate` as a user runs it, against a real endpoint on loopback."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.digest.markdown import load
from pipeline.evaluate.results import ASPECTS
from pipeline.night.downloads import OUTAGE
from tests.evaluate.test_cases import EXAMPLES, entry, write
from tests.standins.house import House, one_error, open_house
from tests.standins.model import (
    Answer,
    Request,
    StandInModel,
    good_answer,
    prompt_of,
    reply,
    title_of,
)
from tests.standins.model_faults import context_limit, failing, first, slow, when

SHORT = """---
description: {about}
context: abstract
text_tokens: 400
reply: json
---
=== user ===
{about}
标题：{{{{ title }}}}
摘要：{{{{ text }}}}
"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as opened:
        for name in ("plain", "other"):
            (tmp_path / f"{name}.md").write_text(SHORT.format(about=name), encoding="utf-8")
        yield opened


def evaluate(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    return house.run("evaluate", *arguments)


def folders(house: House) -> list[Path]:
    return sorted(p.parent for p in (house.folder / "outputs/evaluations").glob("*/summary.json"))


def summary(house: House) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folders(house)[-1] / "summary.json").read_text("utf-8"))
    return found


def samples(house: House) -> list[dict[str, Any]]:
    text = (folders(house)[-1] / "samples.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def average(house: House, system: str, metric: str) -> float:
    found = [
        a for a in summary(house)["averages"] if (a["system"], a["metric"]) == (system, metric)
    ]
    return float(found[0]["mean"])


def references(request: Request) -> Answer:
    """What a person wrote for this paper."""
    title = title_of(request)
    (found,) = [e for e in load(EXAMPLES / "20260107-audio.md").entries if e.title == title]
    return Answer(text=reply(found.line or "", found.tags_text))


def test_two_variants_over_the_example_day(house: House) -> None:
    house.model.answer = when(lambda r: "plain" in prompt_of(r), good_answer, references)

    result = evaluate(house, "plain.md", "other.md")

    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert len(house.model.requests) == 2 * 26
    assert average(house, "other", "content-chrf") == 100
    assert average(house, "plain", "content-chrf") < 50
    assert "other is better than plain" in " ".join(result.stdout.split())
    assert summary(house)["cases"]["count"] == 26
    page = (folders(house)[-1] / "report.html").read_text(encoding="utf-8")
    assert "other is better than plain" in page
    assert len(samples(house)) == 2 * 26


def test_a_second_evaluation_costs_no_call(house: House) -> None:
    evaluate(house, "plain.md")
    asked = len(house.model.requests)
    (house.folder / "renamed.md").write_bytes((house.folder / "plain.md").read_bytes())

    assert evaluate(house, "plain.md").returncode == 0
    assert evaluate(house, "renamed.md").returncode == 0
    assert len(house.model.requests) == asked
    assert len(folders(house)) >= 2


def test_samples_of_a_case_are_asked_for_each(house: House) -> None:
    evaluate(house, "plain.md", "--limit", "3")
    assert evaluate(house, "plain.md", "--limit", "3", "--repeat", "3").returncode == 0

    assert len(house.model.requests) == 3 * 3
    assert sorted({sample["number"] for sample in samples(house)}) == [0, 1, 2]
    assert [a["count"] for a in summary(house)["averages"]] == [3] * len(summary(house)["averages"])


def test_a_refused_reply_is_asked_again_and_both_are_told(house: House) -> None:
    house.model.answer = first(1, lambda _: Answer(text=reply("An English line.")))

    assert evaluate(house, "plain.md", "--limit", "4").returncode == 0

    assert len(house.model.requests) == 5
    assert average(house, "plain", "valid-first") == 75
    assert average(house, "plain", "valid") == 100
    (again,) = [s for s in samples(house) if len(s["attempts"]) == 2]
    assert "opens_with_the_paper" in again["saw"]["valid-first"]
    assert again["saw"]["valid"] == "reply 2 of 2"


def test_papers_that_a_prompt_shows_are_no_cases(house: House) -> None:
    assert evaluate(house, "few-shot", "plain.md").returncode == 0
    left_out = summary(house)["cases"]["left_out"]
    assert summary(house)["cases"]["count"] == 21
    assert left_out["2601.02954"] == "few-shot shows it"


def prefers_longer(request: Request) -> Answer:
    """A judge of its own taste, and a writer whose lines differ by variant."""
    found = re.search(r"^A：(.*)\nB：(.*)$", prompt_of(request), re.MULTILINE)
    if not found:
        other = prompt_of(request).startswith("other")
        return references(request) if other else good_answer(request)
    a, b = len(found[1]), len(found[2])
    better = {"evidence": "…", "better": "tie" if a == b else "A" if a > b else "B"}
    return Answer(text=json.dumps(dict.fromkeys(ASPECTS, better)))


def test_a_judge_says_which_lines_it_prefers_and_how_far_to_believe_it(house: House) -> None:
    house.model.answer = prefers_longer
    arguments = ("plain.md", "other.md", "--judge", "standin", "--limit", "6")
    planned = evaluate(house, *arguments, "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert "judge standin" in planned.stdout

    result = evaluate(house, *arguments)

    assert result.returncode == 0, result.stderr
    told = " ".join(result.stdout.split())
    assert "judge: other against plain, overall: " in told
    assert "100% of identical pairs called a tie" in told
    assert "the judge is of the same family as the model of other, plain" in told
    assert "<h2>Judge</h2>" in (folders(house)[-1] / "report.html").read_text(encoding="utf-8")
    judged = (folders(house)[-1] / "judged.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(judged) == 6 + 6 + 6
    assert json.loads(judged[0])["orders"][0]["task"]["evidence"] == "…"
    asked = len(house.model.requests)
    assert evaluate(house, *arguments).returncode == 0
    assert len(house.model.requests) == asked


def test_one_variant_alone_cannot_be_judged(house: House) -> None:
    assert "--judge: there is nothing to judge" in one_error(
        evaluate(house, "plain.md", "--judge", "standin"), 2
    )
    assert house.model.requests == []


def test_a_leak_in_cases_of_ones_own_is_an_error_before_any_call(house: House) -> None:
    result = evaluate(house, "few-shot", "--cases", str(EXAMPLES))
    assert "5 of the cases leak: " in one_error(result, 2)
    assert "2601.02954 (few-shot shows it)" in result.stderr
    assert house.model.requests == []
    again = evaluate(house, "few-shot", "--cases", str(EXAMPLES), "--leave-out-leaks")
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "names no prompt variant. There are: builtin, default, evidence"),
        (("nobody",), "no such prompt"),
        (("broken.md",), "undefined variable 'abstact'"),
        (("plain.md", "--cases", "notes"), "notes/20260101-x.md:1"),
        (("plain.md", "--since", "2027-01-01"), "no case is left of 26"),
        (("plain.md", "--field", "视觉"), "no case is left of 26"),
        (("plain.md", "--model", "nobody"), "no model profile 'nobody'"),
        (("plain.md", "--judge", "nobody"), "--judge: no model profile 'nobody'"),
        (
            ("plain.md", "--model", "unpriced", "--fail-under", "cost=1"),
            "'unpriced' has no price_in and price_out",
        ),
        (("plain.md", "--fail-under", "bleu=3"), "'bleu=3' is no bound"),
        (("plain.md", "--baseline", "none.json", "--fail-if-worse"), "no such baseline"),
        (("plain.md", "--baseline", "none.json"), "has no effect alone"),
        (
            ("plain.md", "--save-baseline", "b.json", "--lower-baseline", "--history"),
            "no evaluation",
        ),
        (("plain.md", "twin/plain.md"), "two variants are called 'plain'"),
    ],
)
def test_bad_input_is_one_line_before_any_call(
    house: House, arguments: tuple[str, ...], said: str
) -> None:
    own = {"base_url": house.model.url, "model": "standin-1"}
    house.settings(
        models={"standin": own | {"price_in": 1, "price_out": 2}, "unpriced": own},
    )
    (house.folder / "broken.md").write_text(
        SHORT.format(about="x").replace("{{ title }}", "{{ abstact }}"), encoding="utf-8"
    )
    (house.folder / "twin").mkdir()
    (house.folder / "twin/plain.md").write_text(SHORT.format(about="y"), encoding="utf-8")
    (house.folder / "notes").mkdir()
    (house.folder / "notes/20260101-x.md").write_text("# notes\n", encoding="utf-8")

    assert said in one_error(evaluate(house, *arguments), 2)
    assert house.model.requests == []


def test_without_prices_the_cost_is_unknown_and_all_else_is_told(house: House) -> None:
    own = {"base_url": house.model.url, "model": "standin-1", "token_factor": 1.0}
    house.settings(models={"standin": own})
    planned = evaluate(house, "plain.md", "--limit", "3", "--dry-run")
    assert "unknown (no prices in config.yaml)" in planned.stdout
    done = evaluate(house, "plain.md", "--limit", "3")
    assert (done.returncode, done.stderr) == (0, "")
    (row,) = (line for line in done.stdout.splitlines() if "│ cost" in line)
    assert "unknown" in row
    assert "the cost of plain is unknown: price_in and price_out are missing" in done.stdout
    history = house.run("evaluate", "--history")
    assert "unknown" in history.stdout


def test_a_dry_run_says_what_it_would_cost_and_calls_nothing(house: House) -> None:
    evaluate(house, "plain.md", "--limit", "2")
    asked = len(house.model.requests)

    result = evaluate(house, "plain.md", "other.md", "--limit", "5", "--dry-run")

    assert result.returncode == 0
    assert len(house.model.requests) == asked
    rows = [
        line.split() for line in result.stdout.splitlines() if "plain" in line or "other" in line
    ]
    assert [(row[1], row[3]) for row in rows] == [("plain", "3"), ("other", "5")]


def test_a_paper_too_long_for_the_model_is_asked_for_with_half_of_its_text(house: House) -> None:
    house.model.answer = context_limit(320)
    assert evaluate(house, "plain.md", "--limit", "6").returncode == 0
    assert all(sample["error"] is None for sample in samples(house))
    assert len(house.model.requests) > 6


def test_a_model_that_will_not_do_one_paper_scores_0_for_it(house: House) -> None:
    bad = "The World is Not Mono"
    house.model.answer = when(lambda r: bad in prompt_of(r), failing(400))

    result = evaluate(house, "plain.md", "--limit", "4")

    assert result.returncode == 0, result.stderr
    (failed,) = [sample for sample in samples(house) if sample["error"]]
    assert failed["scores"]["content-chrf"] == 0
    assert summary(house)["problems"][0].startswith("1 of 4 samples have no reply and count as 0")


def test_a_model_that_goes_leaves_no_report_and_what_came_is_not_asked_again(house: House) -> None:
    house.model.answer = first(5, good_answer, failing(503))

    said = one_error(evaluate(house, "plain.md", "--limit", "8"), 3)
    assert "of 8 answers are missing" in said
    assert "what came is stored" in said
    assert folders(house) == []

    house.model.answer = good_answer
    house.model.requests.clear()
    assert evaluate(house, "plain.md", "--limit", "8").returncode == 0
    assert len(house.model.requests) == 3


def test_killed_in_the_middle_then_run_again(house: House) -> None:
    house.model.answer = slow(0.1)
    running = house.start("evaluate", "plain.md")
    while len(house.model.requests) < 8:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    before = len(house.model.requests)

    assert evaluate(house, "plain.md").returncode == 0
    # Those on their way when it was killed are lost to it: four go at once.
    assert 26 <= len(house.model.requests) <= 26 + 4
    assert len(house.model.requests) - before <= 26 - before + 4


def test_ctrl_c_is_one_line(house: House) -> None:
    house.model.answer = slow(0.2)
    running = house.start("evaluate", "plain.md")
    while len(house.model.requests) < 4:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=20)
    assert running.returncode == 130
    assert errors.strip() == "jianjie: interrupted. Run again to finish: nothing stored is lost"


def test_two_evaluations_at_once_are_refused_but_a_night_goes_on(house: House) -> None:
    house.model.answer = slow(2)  # it is killed long before it ends
    running = house.start("evaluate", "plain.md")
    while not house.model.requests:
        time.sleep(0.02)
    assert "another run works here" in one_error(evaluate(house, "other.md"), 2)
    assert house.run("status").returncode == 0
    assert house.run("run", "--limit", "0").returncode == 1  # 26 are owed
    running.kill()
    running.communicate()


def test_the_gate(house: House) -> None:
    house.model.answer = references
    assert evaluate(house, "plain.md", "--fail-under", "content-chrf=99.5").returncode == 0
    house.model.answer = good_answer
    result = evaluate(house, "other.md", "--fail-under", "content-chrf=99.5")
    assert result.returncode == 1
    assert "other: content-chrf is " in result.stderr
    assert "under 99.5" in result.stderr
    over = evaluate(house, "other.md", "--fail-under", "tokens-in=1")
    assert over.returncode == 1
    assert "over 1" in over.stderr


def test_a_worse_variant_fails_if_worse(house: House) -> None:
    house.model.answer = when(lambda r: "plain" in prompt_of(r), references)
    assert evaluate(house, "plain.md", "other.md").returncode == 0
    result = evaluate(house, "plain.md", "other.md", "--fail-if-worse")
    assert result.returncode == 1
    assert "other: content-chrf is worse than plain's by " in result.stderr


def test_a_saved_baseline_is_never_lowered_unseen(house: House) -> None:
    house.model.answer = references
    saved = evaluate(house, "plain.md", "--save-baseline", "base.json")
    assert saved.returncode == 0, saved.stderr
    before = (house.folder / "base.json").read_bytes()

    house.model.answer = good_answer
    worse = evaluate(house, "other.md", "--baseline", "base.json", "--fail-if-worse")
    assert worse.returncode == 1
    assert "other: content-chrf is worse than the saved plain's by " in worse.stderr

    lower = evaluate(house, "other.md", "--save-baseline", "base.json")
    assert "would lower content-chrf from 100.00 to " in one_error(lower, 2)
    assert (house.folder / "base.json").read_bytes() == before

    meant = evaluate(house, "other.md", "--save-baseline", "base.json", "--lower-baseline")
    assert meant.returncode == 0
    assert (house.folder / "base.json").read_bytes() != before


def test_a_baseline_of_other_papers(house: House, tmp_path: Path) -> None:
    evaluate(house, "plain.md", "--limit", "2", "--save-baseline", "base.json")
    other = write(tmp_path / "20260201-audio.md", entry(1, "2602.00001v1", "该论文属于语音任务。"))
    result = evaluate(
        house, "plain.md", "--cases", str(other), "--baseline", "base.json", "--fail-if-worse"
    )
    assert "no case in common with the baseline" in one_error(result, 2)


def test_history_shows_every_evaluation(house: House) -> None:
    evaluate(house, "plain.md", "--limit", "4")
    evaluate(house, "other.md", "--limit", "4")
    result = evaluate(house, "--history")
    assert result.returncode == 0, result.stderr
    assert "plain" in result.stdout
    assert "other" in result.stdout


def test_full_text_reads_the_pdfs_and_is_another_question(house: House) -> None:
    whole = SHORT.format(about="whole").replace("context: abstract", "context: full")
    whole = whole.replace("text_tokens: 400", "text_tokens: 4000")
    (house.folder / "whole.md").write_text(whole, encoding="utf-8")
    assert evaluate(house, "whole.md", "--full-text", "--limit", "3").returncode == 0
    assert house.pdfs_asked() == 3
    assert summary(house)["cases"]["text"] == "full-text"
    assert summary(house)["problems"] == []
    longer = {prompt_of(request) for request in house.model.requests}
    house.model.requests.clear()
    assert evaluate(house, "whole.md", "--limit", "3").returncode == 0
    # Of two of the example's PDFs nothing but the abstract is text: those are not asked again.
    (shorter,) = (prompt_of(request) for request in house.model.requests)
    assert shorter not in longer


def test_a_pdf_that_cannot_be_had_is_told(house: House) -> None:
    house.arxiv.fault_for = lambda asked: "not_found" if asked.kind == "pdf" else None
    assert evaluate(house, "plain.md", "--full-text", "--limit", "3").returncode == 0
    assert summary(house)["problems"][0].startswith("3 of 3 papers read from the abstract alone:")


def test_after_some_captchas_no_more_pdfs_are_asked_for(house: House) -> None:
    """As on a night: arXiv locks out who goes on."""
    house.arxiv.fault_for = lambda asked: "captcha" if asked.kind == "pdf" else None
    assert evaluate(house, "plain.md", "--full-text", "--limit", "8").returncode == 0
    assert house.pdfs_asked() == OUTAGE
    assert summary(house)["problems"][0].startswith("8 of 8 papers read from the abstract alone:")


def test_two_models(house: House) -> None:
    own = {"base_url": house.model.url, "price_in": 1, "price_out": 2, "replies": "json_object"}
    house.settings(models={"a": own | {"model": "m-a"}, "b": own | {"model": "m-b"}}, model="a")
    result = evaluate(house, "plain.md", "--model", "a", "--model", "b", "--limit", "3")
    assert result.returncode == 0, result.stderr
    assert [system["name"] for system in summary(house)["systems"]] == ["plain@a", "plain@b"]
    assert {request["model"] for request in house.model.requests} == {"m-a", "m-b"}


def test_two_prompts_of_the_same_words_are_asked_once(house: House) -> None:
    """At once, as a copy of a prompt to begin from is."""
    (house.folder / "copy.md").write_bytes((house.folder / "plain.md").read_bytes())
    house.model.answer = slow(0.02)

    result = evaluate(house, "plain.md", "copy.md")

    assert result.returncode == 0, result.stderr
    assert len(house.model.requests) == 26
    assert average(house, "plain", "chrf") == average(house, "copy", "chrf")


@pytest.mark.parametrize("command", ["evaluate", "run"])
def test_a_prompt_that_shows_nothing_of_a_paper_is_an_error_before_any_call(
    house: House, command: str
) -> None:
    blind = SHORT.format(about="blind").replace("{{ title }}", "").replace("{{ text }}", "")
    (house.folder / "blind.md").write_text(blind, encoding="utf-8")
    house.settings(paths={"outputs": "outputs", "prompts": ".", "cache": "cache"}, prompt="blind")

    result = house.run(*(["evaluate", "blind.md"] if command == "evaluate" else ["run"]))

    error = one_error(result, 2)
    assert "blind.md:7: shows nothing of the paper" in error
    assert house.model.requests == []


def test_the_same_model_at_another_address_is_asked_itself(house: House) -> None:
    assert evaluate(house, "plain.md", "--limit", "4").returncode == 0
    asked = len(house.model.requests)
    with StandInModel() as other:
        profile = {"base_url": other.url, "model": "standin-1", "price_in": 1, "price_out": 1}
        house.settings(models={"standin": profile})
        assert evaluate(house, "plain.md", "--limit", "4").returncode == 0
        assert len(other.requests) == 4
    assert len(house.model.requests) == asked
