"""The page and the tables: what they say, and that nothing in them is alive."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from xml.etree import ElementTree

import pytest
from rich.console import Console
from selectolax.lexbor import LexborHTMLParser

from pipeline.evaluate.report.difference import pieces
from pipeline.evaluate.report.findings import (
    broken_rules,
    confusion,
    cost_and_quality,
    extremes,
)
from pipeline.evaluate.report.html import render_html
from pipeline.evaluate.report.plots import LEFT, RIGHT, WIDTH, Bar, Dot, Mark, intervals, pareto
from pipeline.evaluate.report.table import moved, print_evaluation, print_history
from pipeline.evaluate.report.words import about_cases, about_judge, verdicts
from pipeline.evaluate.results import Average, Evaluation, Judgement, Preference, Reference, Sample
from tests.evaluate.made import attempt, case, evaluation, sample

HOSTILE = "</script><img src=x onerror=alert(1)>\u202e{{ 7*7 }}\x00"
CASES = [case(number) for number in range(1, 13)]
FLOOR = Reference(
    name="random other paper's line", kind="floor", metric="content-chrf", value=5, source="here"
)


def two_systems(change: float = 10.0) -> tuple[Evaluation, list[Sample]]:
    """`better` beats `base` in each case by about `change`, more in later ones."""
    samples = [sample("base", one, 30.0) for one in CASES]
    samples += [
        sample("better", one, 30.0 + change + number / 10) for number, one in enumerate(CASES)
    ]
    return evaluation(CASES, samples, (FLOOR,)), samples


def page(of: Evaluation, samples: list[Sample]) -> LexborHTMLParser:
    """Without the data and the script of the matrix, which test_matrix.py opens."""
    parsed = LexborHTMLParser(render_html(of, CASES, samples))
    for node in parsed.css("script"):
        node.decompose()
    return parsed


def printed(of: Evaluation) -> str:
    out = io.StringIO()
    print_evaluation(of, Console(file=out))
    return out.getvalue()


def test_a_winner_is_told_with_its_interval() -> None:
    made, _ = two_systems()
    (said,) = verdicts(made)
    assert said.startswith("better is better than base by 10.5 points of content-chrF (95% +10.")
    assert said in printed(made).replace("\n", " ")


def test_below_what_is_detectable_there_is_no_winner() -> None:
    samples = [sample("base", one, 30.0) for one in CASES]
    samples += [sample("other", one, 30.0 + (-1) ** n * 9 + 1) for n, one in enumerate(CASES)]
    made = evaluation(CASES, samples)
    (said,) = verdicts(made)
    assert said.startswith("no winner between other and base: +1.0 points of content-chrF")
    assert "12 papers show differences of 7.6 or more" in said  # 2.8 · 9.4 / √12


def test_the_page_has_every_system_metric_and_verdict() -> None:
    made, samples = two_systems()
    parsed = page(made, samples)
    text = parsed.text()
    for word in ("base (baseline)", "content-chrF", "chrF2", "better is better than base"):
        assert word in text
    assert "left out: 2601.09999 (few-shot shows it)" in text
    assert len(parsed.css("svg")) >= 3


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    made, samples = two_systems()
    html = render_html(made, CASES, samples)
    parsed = LexborHTMLParser(html)
    assert not parsed.css("link, img, iframe, object, embed, form")
    data, script = parsed.css("script")
    assert data.attributes["type"] == "application/json"
    digest = base64.b64encode(hashlib.sha256(script.text().encode()).digest()).decode()
    assert not parsed.css("[src], [onclick], [onerror]")
    links = {a.attributes["href"] or "" for a in parsed.css("a")}
    assert links
    assert all(link.startswith("https://arxiv.org/abs/2601.") for link in links)
    policy = parsed.css_first("meta[http-equiv]")
    assert policy is not None
    content = policy.attributes["content"] or ""
    assert "default-src 'none'" in content and f"script-src 'sha256-{digest}'" in content
    assert "url(" not in html


def test_hostile_text_is_inert_everywhere() -> None:
    bad = [case(1, HOSTILE).model_copy(update={"line": HOSTILE, "tags": (HOSTILE,)})]
    tried = attempt(HOSTILE, (f"rule: {HOSTILE}",), tags=(HOSTILE,))
    samples = [
        sample("base", bad[0], 1.0),
        sample("other", bad[0], 2.0, tried, attempt(HOSTILE, tags=(HOSTILE,))),
    ]
    made = evaluation(bad, samples)
    made = made.model_copy(update={"problems": (HOSTILE,)})
    html = render_html(made, bad, samples)
    parsed = LexborHTMLParser(html)
    assert not parsed.css("img")
    data, _ = parsed.css("script")
    assert "<" not in data.text()
    assert "\u202e" not in html
    assert "\x00" not in html
    assert "[U+202E]" in html
    assert "{{ 7*7 }}" in parsed.text()
    assert [node.text() for node in parsed.css("h4") if "49" in node.text()] == []


def test_regressions_and_gains_stand_beside_the_reference() -> None:
    samples = [sample("base", one, 50.0) for one in CASES]
    samples += [sample("other", one, 10.0 * n) for n, one in enumerate(CASES)]
    made = evaluation(CASES, samples)
    worst, best = extremes(made, CASES, samples, "other")
    assert [pair.change for pair in worst] == [-50, -40, -30, -20, -10]
    assert [pair.change for pair in best] == [60, 50, 40, 30, 20]
    text = page(made, samples).text()
    assert "other: worst regressions" in text
    assert text.count("Abstract 1.") == 1
    assert "lacks Method" in text


def test_one_system_alone_shows_its_worst_and_best() -> None:
    samples = [sample("only", one, 10.0 * n) for n, one in enumerate(CASES)]
    made = evaluation(CASES, samples)
    worst, best = extremes(made, CASES, samples, "only")
    assert [pair.change for pair in worst] == [0, 10, 20, 30, 40]
    assert [pair.change for pair in best] == [110, 100, 90, 80, 70]
    parsed = page(made, samples)
    assert "only: worst cases" in parsed.text()
    assert "Quality against cost" not in parsed.text()
    assert next(verdicts(made)).startswith("only has 55.0 points of content-chrF (95% ")


def test_broken_rules_at_first_and_after_the_re_asks() -> None:
    samples = [
        sample("s", CASES[0], 1.0, attempt("x", ("no_markup: a",)), attempt("ok")),
        sample("s", CASES[1], 1.0, attempt("x", ("no_markup: b", "grounded: c")), attempt("ok")),
        sample(
            "s", CASES[2], 0.0, attempt("x", ("grounded: d",)), attempt(None, ("reply_form: e",))
        ),
    ]
    found = {one.rule: (one.first, one.still) for one in broken_rules(samples, "s")}
    assert found == {"no_markup": (2, 0), "grounded": (2, 0), "reply_form": (0, 1)}
    assert broken_rules(samples, "s")[0].example.startswith("2601.0000")


def test_tag_confusion() -> None:
    samples = [
        sample("s", CASES[0], 1.0, attempt("x", tags=("cs.SD", "eess.AS"))),
        sample("s", CASES[1], 1.0, attempt("x", tags=("eess.AS", "cs.CL"))),
        sample("s", CASES[2], 0.0, attempt(None, ("reply_form: e",))),
    ]
    found = confusion(CASES, samples, "s")
    assert found.rows == (("cs.SD", (1, 1, 1)),)
    assert set(found.proposed) == {"cs.SD", "eess.AS", "none"}
    assert dict(found.missing) == {"cs.SD": 2, "eess.AS": 1}
    assert dict(found.extra) == {"cs.CL": 1}


def test_the_pareto_front() -> None:
    samples = [
        made
        for one in CASES
        for made in (
            sample("cheap", one, 20.0, attempt(one.line, cost=1.0)),
            sample("dear", one, 40.0, attempt(one.line, cost=4.0)),
            sample("beaten", one, 15.0, attempt(one.line, cost=2.0)),
        )
    ]
    counted, dots = cost_and_quality(evaluation(CASES, samples))
    assert counted == "money a paper"
    assert {dot.name: dot.front for dot in dots} == {"cheap": True, "dear": True, "beaten": False}


def test_free_models_are_compared_by_tokens() -> None:
    made, _ = two_systems()
    counted, dots = cost_and_quality(made)
    assert counted == "tokens a paper"
    assert {dot.cost for dot in dots} == {110.0}
    assert [dot.name for dot in dots if dot.front] == ["better"]


def test_points_stand_where_their_values_are() -> None:
    plot = intervals("t", [Bar("a", 50, 0, 100), Bar("b<", 25, 25, 25)], [Mark("m", 75, "floor")])
    root = ElementTree.fromstring(plot)
    width = WIDTH - LEFT - RIGHT
    points = [float(c.attrib["cx"]) for c in root.iter("circle")]
    assert points == pytest.approx([LEFT + width / 2, LEFT + width / 4], abs=0.1)
    (mark,) = [one for one in root.iter("line") if one.attrib["class"] == "mark floor"]
    assert float(mark.attrib["x1"]) == pytest.approx(LEFT + width * 0.75, abs=0.1)
    assert "b< 25.0 (25.0 to 25.0)" in "".join(one.text or "" for one in root.iter("desc"))


def test_the_band_is_as_wide_as_what_cannot_be_seen() -> None:
    root = ElementTree.fromstring(intervals("t", [Bar("a", 0, -10, 10)], band=5))
    (band,) = root.iter("rect")
    assert float(band.attrib["width"]) == pytest.approx((WIDTH - LEFT - RIGHT) / 2, abs=0.2)


def test_plots_of_equal_or_single_values_are_whole() -> None:
    for plot in (
        intervals("t", [Bar("a", 0, 0, 0)]),
        intervals("t", [Bar("a", 7, 7, 7), Bar("b", 7, 7, 7)]),
        pareto("t", "tokens", [Dot("a", 0, 0, True)]),
        pareto("t", "tokens", [Dot("a", 5, 3, True), Dot("b", 5, 3, True)]),
    ):
        assert "nan" not in plot
        ElementTree.fromstring(plot)


def test_differences_are_marked_by_word() -> None:
    found = pieces("该论文提出甲方法。", "该论文提出乙方法。")
    assert "".join(piece.text for piece in found) == "该论文提出甲方法。"
    assert "甲" in "".join(piece.text for piece in found if piece.own)
    assert "该论文" not in "".join(piece.text for piece in found if piece.own)
    assert not any(piece.own for piece in pieces("该论文。", "该论文。"))


def test_mixed_styles_are_a_warning_on_the_page_and_in_the_terminal() -> None:
    mixed = [case(1), case(2, year=2025)]
    samples = [sample("s", one, 1.0) for one in mixed]
    made = evaluation(mixed, samples)
    assert "WARNING: the references are of more than one style" in " ".join(about_cases(made.cases))
    parsed = LexborHTMLParser(render_html(made, mixed, samples))
    assert any("more than one style" in node.text() for node in parsed.css(".warning"))
    assert "more than one style" in printed(made)


def judgement(planted: float) -> Judgement:
    return Judgement(
        judge="m-2",
        preferences=(
            Preference(
                system="better",
                baseline="base",
                aspect="task",
                wins=5,
                ties=4,
                losses=3,
                p=0.4,
                p_holm=0.4,
            ),
        ),
        order_agreement=0.9,
        planted_caught=planted,
        identical_ties=1.0,
        pairs=12,
        tokens_in=1,
        tokens_out=1,
        cost=None,
    )


def test_a_judge_that_fails_its_calibration_is_not_to_be_believed() -> None:
    made, samples = two_systems()
    good, bad = judgement(0.95), judgement(0.5)
    assert not any("WARNING" in line for line in about_judge(good))
    assert any("do not believe" in line for line in about_judge(bad))
    parsed = page(made.model_copy(update={"judgement": bad}), samples)
    assert any("do not believe" in node.text() for node in parsed.css(".warning"))
    assert "Judge" not in page(made, samples).text()


def six_systems() -> Evaluation:
    names = [f"a-variant-with-a-long-name-{number}" for number in range(6)]
    return evaluation(CASES, [sample(name, one, 30.0) for name in names for one in CASES])


def test_without_a_terminal_the_table_is_not_cut() -> None:
    assert "…" not in printed(six_systems())


def test_what_does_not_fit_stands_below_beside_the_baseline() -> None:
    out = io.StringIO()
    print_evaluation(six_systems(), Console(file=out, force_terminal=True, width=90))
    text = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())
    headings = [line for line in text.splitlines() if line.startswith("┃")]
    assert len(headings) == 5
    assert all("long-name-0" in line for line in headings)
    assert [number for number in range(6) if f"name-{number}" in " ".join(headings)] == [*range(6)]
    assert "…" not in text
    assert max(len(line) for line in text.splitlines() if line[:1] in "┃│") <= 90


def average(mean: float) -> Average:
    return Average(
        system="s", metric="content-chrf", mean=mean, low=mean - 5, high=mean + 5, count=10
    )


@pytest.mark.parametrize(
    ("before", "now", "arrow"), [(20, 30, "↑"), (30, 20, "↓"), (20, 24, "·"), (None, 20, "")]
)
def test_an_arrow_only_where_it_has_truly_moved(
    before: float | None, now: float, arrow: str
) -> None:
    assert moved(None if before is None else average(before), average(now)) == arrow


def test_history_compares_only_the_same_cases() -> None:
    low = evaluation(CASES, [sample("s", one, 10.0 + n) for n, one in enumerate(CASES)])
    high = evaluation(CASES, [sample("s", one, 60.0 + n) for n, one in enumerate(CASES)])
    other = evaluation(CASES[:5], [sample("s", one, 10.0) for one in CASES[:5]])
    out = io.StringIO()
    print_history([low, high, other], Console(file=out))
    rows = [line for line in out.getvalue().splitlines() if "m-1" in line]
    assert ["↑" in row or "↓" in row for row in rows] == [False, True, False]
