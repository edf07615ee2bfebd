"""Whose spread it is: estimated without bias, and told in what it means."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.evaluate.results import Spread
from pipeline.evaluate.spread import Samples, cases_for, detectable, spread
from tests.evaluate.test_statistics import lognormal

PAPERS, NOISE = 30.0, 50.0
"""Variances: between papers, and of one sample's difference."""


def experiment(seed: int, cases: int, samples: int, noise: float) -> tuple[Samples, Samples]:
    """Two systems; the difference between papers is as skewed as real ones."""
    chance = np.random.default_rng([seed, cases, samples])
    between = lognormal(chance, (1, cases))[0] * math.sqrt(PAPERS) / 8.0
    own = chance.normal(0, math.sqrt(noise / 2), (2, cases, samples))
    system = {f"c{at}": (between[at] + own[0, at]).tolist() for at in range(cases)}
    return system, {f"c{at}": own[1, at].tolist() for at in range(cases)}


@pytest.mark.parametrize("samples", [2, 3, 8])
def test_both_parts_are_estimated_without_bias(samples: int) -> None:
    found = [spread(*experiment(seed, 60, samples, NOISE)) for seed in range(300)]
    assert np.mean([one.noise for one in found if one]) == pytest.approx(NOISE, rel=0.05)
    assert np.mean([one.papers for one in found if one]) == pytest.approx(PAPERS, rel=0.08)


def test_what_it_says_of_other_numbers_holds() -> None:
    """The spread of the mean with 8 samples, told from experiments with 2."""
    found = [spread(*experiment(seed, 60, 2, NOISE)) for seed in range(200)]
    told = [detectable(one, 60, 8) for one in found if one]
    means = []
    for seed in range(600):
        system, baseline = experiment(1000 + seed, 60, 8, NOISE)
        means.append(np.mean([np.mean(system[c]) - np.mean(baseline[c]) for c in system]))
    assert np.mean(told) == pytest.approx(2.8016 * np.std(means), rel=0.1)


def test_without_noise_all_is_the_papers_and_without_papers_all_is_noise() -> None:
    quiet = spread(*experiment(1, 100, 3, 0.0))
    assert quiet is not None and quiet.noise == 0 and quiet.papers == pytest.approx(PAPERS, rel=0.5)
    same = {f"c{at}": [float(at), float(at) + 1] for at in range(20)}
    found = spread(same, same)
    assert found is not None and found.papers == 0 and found.noise == pytest.approx(1.0)


@pytest.mark.parametrize(("cases", "samples"), [(4, 3), (30, 1)])
def test_of_too_little_nothing_is_told(cases: int, samples: int) -> None:
    assert spread(*experiment(0, cases, samples, NOISE)) is None


def test_cases_without_all_samples_are_left_out() -> None:
    system, baseline = experiment(5, 20, 3, NOISE)
    found = spread({**system, "c0": system["c0"][:1]}, baseline)
    assert found is not None and (found.cases, found.samples) == (19, 3)


def test_papers_for_a_difference_show_it() -> None:
    found = Spread(system="b", metric="chrf", papers=30, noise=50, cases=26, samples=2)
    needed = cases_for(found, 2.0, 2)
    assert detectable(found, needed, 2) <= 2.0 < detectable(found, needed - 1, 2)
    assert detectable(found, 26, math.inf) == pytest.approx(2.8016 * math.sqrt(30 / 26), rel=1e-4)
