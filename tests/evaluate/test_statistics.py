"""Statistics by hand and by simulation: what they promise is counted in made-up experiments."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluate.statistics import (
    IndexArray,
    Paired,
    _student,
    holm,
    mean_interval,
    paired,
    statistic_interval,
    verdict,
)

Floats = npt.NDArray[np.float64]
Maker = Callable[[np.random.Generator, tuple[int, int]], Floats]

EXPERIMENTS = 1000
DRAWS = 1000
"""In a simulation; fewer than in an evaluation, for time."""
SPREAD = 8.0
"""The standard deviation of the paired chrF difference was 7 to 8.5, its skew 0.8 to 1.2."""


def lognormal(generator: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Mean 0, standard deviation SPREAD, skew 1.3."""
    sigma = 0.4
    raw = generator.lognormal(0, sigma, shape)
    mean = math.exp(sigma**2 / 2)
    return SPREAD * (raw - mean) / (mean * math.sqrt(math.exp(sigma**2) - 1))


def with_zeros(generator: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """The same, but a tenth of the cases have no difference: skew 1.4."""
    return np.where(generator.random(shape) < 0.1, 0.0, lognormal(generator, shape))


def against_zero(differences: Floats, *, seed: int = 0, draws: int = DRAWS) -> Paired:
    return paired(differences.tolist(), [0.0] * len(differences), seed=seed, draws=draws)


@pytest.mark.parametrize("made", [lognormal, with_zeros])
def test_the_made_up_differences_are_as_skewed_as_real_ones(made: Maker) -> None:
    sample = made(np.random.default_rng(0), (1, 400_000))[0]
    assert sample.mean() == pytest.approx(0, abs=0.05)
    assert 7 < sample.std() < 8.5
    assert 1.2 < ((sample / sample.std()) ** 3).mean() < 1.5


@pytest.mark.parametrize("made", [lognormal, with_zeros])
@pytest.mark.parametrize("count", [26, 100])
def test_of_1000_null_experiments_about_5_percent_are_significant_and_95_percent_covered(
    count: int, made: Maker
) -> None:
    experiments = made(np.random.default_rng([count, 5]), (EXPERIMENTS, count))
    found = [against_zero(row, seed=number) for number, row in enumerate(experiments)]

    assert 0.03 <= np.mean([one.p < 0.05 for one in found]) <= 0.07
    assert 0.93 <= np.mean([one.low <= 0 <= one.high for one in found]) <= 0.97


@pytest.mark.parametrize("count", [26, 100])
def test_the_detectable_difference_is_found_four_times_out_of_five(count: int) -> None:
    generator = np.random.default_rng(count)
    expected = (1.959964 + 0.841621) * SPREAD / math.sqrt(count)
    experiments = generator.normal(expected, SPREAD, (EXPERIMENTS, count))
    found = [against_zero(row, seed=number) for number, row in enumerate(experiments)]

    assert np.mean([one.detectable for one in found]) == pytest.approx(expected, rel=0.02)
    assert 0.75 <= np.mean([one.p < 0.05 for one in found]) <= 0.84


def test_shares_are_covered_too() -> None:
    """Bootstrap-t covers 73% here: of 26 cases 90% valid, many resamples have no spread."""
    generator = np.random.default_rng(3)
    experiments = 100.0 * (generator.random((EXPERIMENTS, 26)) < 0.9)
    ends = [mean_interval(row, draws=DRAWS)[1:] for row in experiments]

    assert 0.90 <= np.mean([low <= 90 <= high for low, high in ends]) <= 0.97
    assert all(0 <= low <= high <= 100 for low, high in ends)


def test_a_comparison_by_hand() -> None:
    found = paired([12.0, 15.0, 9.0, 20.0], [10.0, 15.0, 10.0, 13.0])

    assert found.difference == pytest.approx(2.0)  # of 2, 0, -1, 7
    assert (found.wins, found.ties, found.losses, found.count) == (2, 1, 1, 4)
    # ±2 ±1 ±7: sums of 8 or more in size are 8 and 10, with either sign: 4 of 8 patterns.
    assert found.p == pytest.approx(4 / 8)
    # Squares from the mean: 0 + 4 + 9 + 25, over 3; 2.8016 standard errors.
    assert found.detectable == pytest.approx(2.801585 * math.sqrt(38 / 3) / 2, rel=1e-6)
    assert found.low < 2.0 < found.high


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=8))
def test_few_cases_are_enumerated(differences: list[int]) -> None:
    patterns = list(product((1, -1), repeat=len(differences)))
    sums = [abs(sum(s * d for s, d in zip(p, differences, strict=True))) for p in patterns]
    wanted = sum(total >= abs(sum(differences)) for total in sums) / len(patterns)

    assert paired(differences, [0.0] * len(differences), draws=50).p == pytest.approx(wanted)


def test_drawn_patterns_agree_with_enumerated_ones() -> None:
    generator = np.random.default_rng(8)
    differences = generator.integers(-9, 13, 14).astype(float)
    differences[differences == 0] = 1  # 14 that differ: one more than is enumerated
    signs = np.array(list(product((1, -1), repeat=14)))
    exact = (abs(signs @ differences) >= abs(differences.sum())).mean()

    assert 0.05 < exact < 0.95
    assert against_zero(differences, draws=10_000).p == pytest.approx(exact, abs=0.015)


def test_no_p_value_is_0() -> None:
    assert against_zero(np.full(40, 5.0)).p == pytest.approx(1 / (1 + DRAWS))


def test_a_single_case_shows_nothing() -> None:
    assert paired([60.0], [10.0]) == Paired(
        difference=50, low=50, high=50, p=1, detectable=0, wins=1, ties=0, losses=0, count=1
    )


@pytest.mark.parametrize("count", [2, 26])
def test_equal_systems(count: int) -> None:
    assert paired([10.0] * count, [10.0] * count) == Paired(
        difference=0, low=0, high=0, p=1, detectable=0, wins=0, ties=count, losses=0, count=count
    )


def test_noise_of_rounding_is_a_tie() -> None:
    found = paired([0.1 + 0.2, 0.3], [0.3, 0.3])
    assert (found.ties, found.p) == (2, 1.0)


def test_the_same_values_give_the_same_figures() -> None:
    values = lognormal(np.random.default_rng(1), (1, 30))[0]
    assert against_zero(values) == against_zero(values)
    assert against_zero(values) != against_zero(values, seed=1)


def test_turned_round_it_is_the_other_sign() -> None:
    values = lognormal(np.random.default_rng(1), (1, 30))[0]
    there, back = against_zero(values + 2), against_zero(-values - 2)
    assert back.difference == -there.difference
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low), abs=0.2)
    assert back.p == there.p
    assert (back.wins, back.losses) == (there.losses, there.wins)


def test_nothing_and_uneven_values_are_errors() -> None:
    with pytest.raises(ValueError, match="no value"):
        paired([], [])
    with pytest.raises(ValueError, match="no value"):
        mean_interval([])
    with pytest.raises(ValueError, match="zip"):
        paired([1.0], [])
    with pytest.raises(ValueError, match="no case"):
        statistic_interval(0, lambda drawn: 0.0)


def test_thousands_of_cases_are_drawn_in_chunks() -> None:
    values = np.random.default_rng(2).normal(1, 8, 5000)
    found = against_zero(values, draws=2000)
    error = values.std(ddof=1) / math.sqrt(5000)

    assert found.low == pytest.approx(values.mean() - 1.96 * error, rel=0.1)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, rel=0.1)
    assert found.p == pytest.approx(1 / 2001)


def test_the_interval_of_a_statistic() -> None:
    values = np.random.default_rng(4).normal(50, 8, 60)

    def mean(drawn: IndexArray) -> float:
        return float(values[drawn].mean())

    assert statistic_interval(60, mean, draws=2000) == pytest.approx(
        mean_interval(values, draws=2000)
    )
    assert statistic_interval(1, mean)[1:] == (values[0], values[0])


@pytest.mark.parametrize(
    ("ps", "adjusted"),
    [
        # .01·4, .02·3, then .03·2 = .06 and .04·1, which may not be below .06.
        ([0.04, 0.01, 0.03, 0.02], [0.06, 0.04, 0.06, 0.06]),
        ([0.6, 0.5], [1.0, 1.0]),
        ([0.03], [0.03]),
        ([], []),
    ],
)
def test_holm(ps: list[float], adjusted: list[float]) -> None:
    assert list(holm(ps)) == pytest.approx(adjusted)


@pytest.mark.parametrize(
    ("p", "difference", "detectable", "wanted"),
    [
        (0.01, 5.0, 4.0, "better"),
        (0.01, -5.0, 4.0, "worse"),
        (0.01, 4.0, 4.0, "better"),
        (0.01, 3.9, 4.0, "no winner"),
        (0.01, -3.9, 4.0, "no winner"),
        (0.05, 5.0, 4.0, "no winner"),
        (0.01, 0.0, 0.0, "no winner"),
    ],
)
def test_below_the_detectable_difference_there_is_no_winner(
    p: float, difference: float, detectable: float, wanted: str
) -> None:
    assert verdict(p, difference, detectable) == wanted


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(4, 2.776), (9, 2.262), (25, 2.060), (99, 1.984), (4999, 1.960)]
)
def test_students_quantile_is_the_tables(freedom: int, quantile: float) -> None:
    assert _student(0.975, freedom) == pytest.approx(quantile, rel=0.005)
