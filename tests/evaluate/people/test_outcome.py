"""Sheets are blind; what votes say is what judges meant, and chance wins no more than it may."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import OutputError, UsageError
from pipeline.evaluate.finished import Kept
from pipeline.evaluate.people.outcome import PeopleOutcome, outcome, reliability
from pipeline.evaluate.people.page import render_page
from pipeline.evaluate.people.sheet import Item, sheet
from pipeline.evaluate.people.votes import (
    Vote,
    Votes,
    checked_name,
    file_of,
    votes_so_far,
    write_votes,
)
from pipeline.evaluate.people.words import as_markdown, in_words
from pipeline.evaluate.results import ASPECTS, Aspect, JudgedPair, Judgement
from tests.evaluate.people.made import (
    AT,
    OTHER,
    kept,
    right,
    true_to_known,
    votes_of,
    wrong,
)

WHOLE = kept()


def told(folder: Path, whole: Kept, *votes: Votes) -> PeopleOutcome:
    for one in votes:
        write_votes(folder, one)
    found = outcome(folder, whole)
    assert found is not None
    return found


def test_a_sheet_is_the_same_again_and_another_for_another_judge() -> None:
    one = sheet(WHOLE, "kim")
    assert one == sheet(WHOLE, "kim")
    other = sheet(WHOLE, "lee")
    assert {item.id for item in one.items}.isdisjoint(item.id for item in other.items)
    assert [item.case for item in one.items] != [item.case for item in other.items]
    assert {item.case for item in one.items} == {item.case for item in other.items}


def test_both_sides_and_all_kinds_are_on_it() -> None:
    made = sheet(WHOLE, "kim")
    kinds = Counter(item.kind for item in made.items)
    assert kinds == {"systems": 20, "planted": 4, "identical": 2}
    assert 5 <= sum(item.turned for item in made.items if item.kind == "systems") <= 15
    for item in made.items:
        line = item.right if item.turned else item.left
        if item.kind == "systems":
            assert line.endswith(OTHER)
        elif item.kind == "planted":
            assert item.left != item.right and line == WHOLE.references[item.case]["line"]
        else:
            assert item.left == item.right


def test_fewer_papers_are_the_first_of_more() -> None:
    few, more, all_ = (sheet(WHOLE, "kim", limit=limit) for limit in (5, 9, None))
    ids = [{item.id for item in one.items} for one in (few, more, all_)]
    assert ids[0] < ids[1] < ids[2]


def test_the_page_does_not_know_whose_line_it_is() -> None:
    page = render_page(sheet(WHOLE, "kim"), Votes(run="2026-base-other", judge="kim"), "served")
    hidden = page.replace("2026-base-other", "")
    for word in ("planted", "identical", "turned", "altered", '"base"', '"other"'):
        assert word not in hidden


@pytest.mark.parametrize("names", [("base",), ("base", "base"), ("base", "x"), ("a", "b", "c")])
def test_two_systems_have_to_be_named(names: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="There are: base, other"):
        sheet(WHOLE, "kim", names)


def test_what_a_judge_prefers_is_found_in_any_order(tmp_path: Path) -> None:
    votes = votes_of(WHOLE, "kim", lambda item: true_to_known(item, right(item)), task="right")
    found = told(tmp_path, WHOLE, votes)
    overall, task = found.aspects
    assert (overall.wins, overall.ties, overall.losses) == (20, 0, 0)
    assert overall.verdict == "better" and overall.p < 0.001 and overall.preference == 1
    assert task.aspect == "task" and task.verdict == "worse"
    (judge,) = found.judges
    assert (judge.planted, judge.planted_caught) == (4, 4)
    assert (judge.identical, judge.identical_ties) == (2, 2)
    lines = list(in_words(found))
    assert lines[0].startswith("people prefer other to base: 20 won, 0 tied, 0 lost of 20 papers")
    assert not any(line.startswith("WARNING") for line in lines)


def test_named_the_other_way_round_the_other_wins(tmp_path: Path) -> None:
    """Whoever is the baseline: votes are about lines."""
    write_votes(tmp_path, votes_of(WHOLE, "kim", lambda item: true_to_known(item, right(item))))
    found = outcome(tmp_path, WHOLE, ("other", "base"))
    assert found is not None
    overall = found.aspects[0]
    assert (overall.wins, overall.losses, overall.verdict) == (0, 20, "worse")
    assert found.judges[0].planted_caught == 4 and found.alike[0].same == 20


def test_agreement_of_judges(tmp_path: Path) -> None:
    whole = kept(12)

    def half(item: Item) -> str:
        better = int(item.case[-1]) % 2
        return true_to_known(item, right(item) if better else wrong(item))

    def opposite(item: Item) -> str:
        return {"left": "right", "right": "left"}.get(half(item), "tie")

    same = told(tmp_path / "a", whole, votes_of(whole, "a", half), votes_of(whole, "b", half))
    assert same.reliability.alpha == 1 and same.reliability.papers == 12
    against = told(
        tmp_path / "b", whole, votes_of(whole, "a", half), votes_of(whole, "b", opposite)
    )
    assert against.reliability.alpha is not None and against.reliability.alpha < -0.5
    assert against.aspects[0].ties == 12 and against.aspects[0].verdict == "no winner"


def test_a_known_alpha(tmp_path: Path) -> None:
    """By hand for two judges and six papers: five the same, one a tie against a win.

    Values -1 ×4, 0 ×3, 1 ×5 of 12; ordinal distances from these counts: (0, 1) 16, (-1, 0) 12.25,
    (-1, 1) 56.25. Observed 2·16/12; expected 2·(3·5·16 + 4·3·12.25 + 4·5·56.25)/(12·11).
    """
    whole = kept(6)
    values = {
        "2601.00001": (-1, -1),
        "2601.00002": (-1, -1),
        "2601.00003": (0, 0),
        "2601.00004": (1, 1),
        "2601.00005": (1, 1),
        "2601.00006": (0, 1),
    }

    def by(judge: int) -> Callable[[Item], str]:
        def choose(item: Item) -> str:
            said = values[item.case][judge]
            return true_to_known(item, {1: right(item), -1: wrong(item), 0: "tie"}[said])

        return choose

    found = told(tmp_path, whole, votes_of(whole, "a", by(0)), votes_of(whole, "b", by(1)))
    observed = 2 * 16 / 12
    expected = 2 * (3 * 5 * 16 + 4 * 3 * 12.25 + 4 * 5 * 56.25) / (12 * 11)
    assert found.reliability.alpha == pytest.approx(1 - observed / expected)


def coin(draw: random.Random) -> Callable[[Item], str]:
    return lambda _: draw.choice(["left", "right", "tie", "both bad"])


def test_chance_has_no_winner_and_no_agreement(tmp_path: Path) -> None:
    """60 experiments of three judges who toss coins: at most 5% winners, alpha about 0."""
    winners, alphas = 0, []
    whole = kept(20)
    for seed in range(60):
        votes = [votes_of(whole, name, coin(random.Random(f"{seed}{name}"))) for name in "abc"]
        found = told(tmp_path / str(seed), whole, *votes)
        winners += found.aspects[0].verdict != "no winner"
        alphas.append(found.reliability.alpha or 0.0)
    assert winners <= 3
    assert abs(sum(alphas) / len(alphas)) < 0.05


@pytest.mark.parametrize(("share", "papers", "judges"), [(0.0, 20, 2), (0.8, 40, 3)])
def test_the_interval_of_alpha_holds_the_true_one(share: float, papers: int, judges: int) -> None:
    """Judges who know the truth for a share of papers and toss coins for the others."""
    draw = random.Random(f"{share}")

    def said(count: int) -> dict[str, dict[str, int]]:
        made = {}
        for paper in range(count):
            truth = draw.choice((-1, 0, 1))
            made[str(paper)] = {
                str(judge): truth if draw.random() < share else draw.choice((-1, 0, 1))
                for judge in range(judges)
            }
        return made

    true = reliability(said(5000)).alpha
    assert true is not None
    held = 0
    for _ in range(25):
        one = reliability(said(papers))
        held += one.low is not None and one.high is not None and one.low <= true <= one.high
    assert held >= 20


def test_who_misses_errors_or_looks_at_one_side_is_told(tmp_path: Path) -> None:
    lazy = votes_of(WHOLE, "lazy", lambda _: "left")
    blind = votes_of(WHOLE, "blind", lambda item: "tie" if item.kind != "systems" else right(item))
    lines = list(in_words(told(tmp_path, WHOLE, lazy, blind)))
    assert any("lazy mostly chooses one side" in line for line in lines)
    assert any("blind misses planted errors" in line for line in lines)


def test_a_metric_is_held_against_people(tmp_path: Path) -> None:
    votes = votes_of(WHOLE, "kim", lambda item: true_to_known(item, right(item)))
    (alike,) = told(tmp_path, WHOLE, votes).alike
    assert (alike.other, alike.papers, alike.same) == ("content-chrF", 20, 20)
    assert alike.low == pytest.approx(0.839, abs=0.001) and alike.high == pytest.approx(1.0)
    worse = kept(metric=-1.0)
    votes = votes_of(worse, "kim", lambda item: true_to_known(item, right(item)))
    (alike,) = told(tmp_path / "b", worse, votes).alike
    assert alike.same == 0


def judged_by_a_model(folder: Path, whole: Kept, better: str) -> Kept:
    """With a model's verdicts: the system's line in both orders, or the other one."""
    rows = []
    for one in whole.references:
        first, second = ("A", "B") if better == "system" else ("B", "A")
        orders = tuple(
            {aspect: Aspect(evidence="", better=side) for aspect in ASPECTS}
            for side in (first, second)
        )
        pair = JudgedPair(
            kind="systems", about="other", case=one, line="x", other="y", orders=orders
        )
        rows.append(pair.model_dump_json())
    folder.mkdir(exist_ok=True)
    (folder / "judged.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    judgement = Judgement(
        judge="m-2",
        preferences=(),
        order_agreement=1.0,
        planted_caught=1.0,
        identical_ties=1.0,
        pairs=len(rows),
        tokens_in=0,
        tokens_out=0,
        cost=None,
    )
    evaluation = whole.evaluation.model_copy(update={"judgement": judgement})
    return whole._replace(evaluation=evaluation)


@pytest.mark.parametrize(("better", "same"), [("system", 20), ("baseline", 0)])
def test_a_judging_model_is_held_against_people(tmp_path: Path, better: str, same: int) -> None:
    whole = judged_by_a_model(tmp_path, WHOLE, better)
    votes = votes_of(whole, "kim", lambda item: true_to_known(item, right(item)))
    _, model = told(tmp_path, whole, votes).alike
    assert (model.other, model.papers, model.same) == ("judge m-2", 20, same)


def test_verdicts_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    whole = judged_by_a_model(tmp_path, WHOLE, "system")
    (tmp_path / "judged.jsonl").write_text("{}")
    write_votes(tmp_path, votes_of(whole, "kim", right))
    with pytest.raises(OutputError, match=r"judged\.jsonl"):
        outcome(tmp_path, whole)


def test_half_a_sheet_counts_as_half(tmp_path: Path) -> None:
    votes = votes_of(WHOLE, "kim", right)
    half = votes.model_copy(update={"votes": votes.votes[:10]})
    assert told(tmp_path, WHOLE, half).judges[0].judged == 10


def test_both_bad_is_told_and_no_preference(tmp_path: Path) -> None:
    votes = votes_of(WHOLE, "kim", lambda item: true_to_known(item, "both bad"))
    found = told(tmp_path, WHOLE, votes)
    assert found.both_bad == 20 and found.aspects[0].ties == 20
    assert "both lines are bad: 20 of 20 votes" in list(in_words(found))
    assert "- both lines are bad" in as_markdown(found)


def test_the_later_of_two_votes_stays() -> None:
    early = Vote(item="x", overall="left", at=AT)
    late = Vote(item="x", overall="right", at=AT.replace(hour=10))
    votes = Votes(run="r", judge="j")
    assert votes.having(early, late).votes == (late,) == votes.having(late, early).votes


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[1]", b"\xff", b'{"run": "2026-base-other", "judge": "lee"}', b"9" * 10_000_001],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, content: bytes) -> None:
    file = file_of(tmp_path, "kim")
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(OutputError, match=r"kim\.json"):
        votes_so_far(tmp_path, "2026-base-other", "kim")


@pytest.mark.parametrize("name", ["", "../x", "a b", "x" * 41, "a/b", "a\n"])
def test_a_name_has_to_be_a_files(name: str) -> None:
    with pytest.raises(UsageError):
        checked_name(name)
    assert checked_name("王-1_a") == "王-1_a"
