"""The search finds what is there, finds nothing where nothing is, and goes the same way again."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pipeline.errors import BudgetReached
from pipeline.evaluate.statistics import paired, verdict
from pipeline.optimize.search import Found, Limits, Seen, Texts, search
from tests.optimize.simulated import SimCase, World, searched

WORDS = [f"词{number}" for number in range(12)]


def decided(world: World, found: Found) -> str:
    """The sealed part's verdict on the best against the first."""
    if found.best == 0:
        return "no winner"
    _, _, sealed = world.parts
    best, first = found.candidates[found.best].texts, found.candidates[0].texts
    result = paired(
        [world.score(best, case) for case in sealed],
        [world.score(first, case) for case in sealed],
        draws=2000,
    )
    return verdict(result.p, result.difference, result.detectable)


def test_a_planted_improvement_is_found() -> None:
    """One word of twelve is worth 8 points; in 24 proposals it is found nearly always."""
    wins = 0
    for seed in range(20):
        world = World(seed, {"词3": 0.08}, WORDS)
        found = searched(world, proposals=24, seed=seed)
        best = found.candidates[found.best].texts["instructions"].split()
        wins += "词3" in best and decided(world, found) == "better"
    assert wins >= 15


def test_where_there_is_nothing_nothing_wins() -> None:
    """200 seeded searches among words that are worth nothing: false winners at most 5%."""
    wins = chosen = 0
    for seed in range(200):
        world = World(seed, {}, WORDS)
        found = searched(world, seed=seed)
        chosen += found.best != 0
        wins += decided(world, found) == "better"
    assert wins <= 10
    assert chosen > 100  # the part to choose by is fooled: that is why another one is sealed


def test_the_same_seed_goes_the_same_way() -> None:
    one, same = (searched(World(3, {"词3": 0.08}, WORDS), seed=5) for _ in range(2))
    assert one == same


class Poor:
    """A world that has money for so many samples."""

    def __init__(self, world: World, samples: int) -> None:
        self.world = world
        self.left = samples
        self.kept: set[tuple[str, int]] = set()

    def __call__(self, texts: Texts, cases: Sequence[SimCase]) -> list[Seen]:
        for case in cases:
            key = (texts["instructions"], case.number)
            if key not in self.kept:
                if not self.left:
                    raise BudgetReached("the run's budget is spent")
                self.left -= 1
                self.kept.add(key)
        return self.world(texts, cases)


def test_one_that_was_stopped_comes_to_the_same() -> None:
    """With what was kept it is run again, until it ends: each sample is paid for once."""
    whole = searched(World(3, {"词3": 0.08}, WORDS), seed=5)
    poor = Poor(World(3, {"词3": 0.08}, WORDS), 0)
    stops = 0
    while True:
        world = World(3, {"词3": 0.08}, WORDS)
        learn, choose, _ = world.parts
        poor.world = world
        try:
            found = search(
                {"instructions": "一行 简介"},
                learn,
                choose,
                poor,
                world.propose,
                Limits(12, seed=5),
            )
            break
        except BudgetReached:
            stops += 1
            poor.left += 40
    assert stops > 3 and found == whole


def test_what_cannot_be_known_ends_it() -> None:
    world = World(1, {}, WORDS)
    learn, choose, _ = world.parts

    def unreachable(texts: Texts, piece: str, seen: Sequence[Seen], number: int) -> str:
        raise BudgetReached("the run's budget is spent")

    with pytest.raises(BudgetReached):
        search({"instructions": "一行"}, learn, choose, world, unreachable, Limits(3))


def test_no_more_than_so_many_proposals() -> None:
    world = World(1, {}, WORDS)
    learn, choose, _ = world.parts
    asked = []

    def same(texts: Texts, piece: str, seen: Sequence[Seen], number: int) -> str:
        asked.append(number)
        return texts[piece]

    found = search({"instructions": "一行"}, learn, choose, world, same, Limits(7))
    assert asked == list(range(7)) and len(found.candidates) == 1 and found.best == 0


def test_it_is_asked_whether_to_stop() -> None:
    world = World(1, {}, WORDS)
    learn, choose, _ = world.parts
    found = search(
        {"instructions": "一行"}, learn, choose, world, world.propose, Limits(50), lambda: True
    )
    assert len(found.candidates) == 1
