"""The sampler of `bench_ceiling.py`: a known evidence, moves, the truth."""

import bench_ceiling
import ceiling_density as density
import ceiling_sampler as sampler
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from xpsnet.simulation import recipes


class Linear:
    """Particles of d = A x + noise, x and noise standard normal; for `sampler.anneal`."""

    def __init__(self, n: int, matrix: np.ndarray, data: np.ndarray) -> None:
        self.rng, self.n = np.random.default_rng(3), n
        self.matrix, self.data = matrix, data
        self.x = self.rng.standard_normal((n, matrix.shape[1]))

    def log_ratio(self, x: np.ndarray | None = None) -> np.ndarray:
        rest = self.data - (self.x if x is None else x) @ self.matrix.T
        return -0.5 * (rest**2).sum(axis=1) - 0.5 * self.data.size * np.log(2 * np.pi)

    def take(self, rows: np.ndarray) -> None:
        self.x = self.x[rows]

    def move(self, b: float, rounds: int) -> None:
        for _ in range(8 * rounds):
            new = self.x + 0.5 * self.rng.standard_normal(self.x.shape) / np.sqrt(1 + 5 * b)
            change = 0.5 * (self.x**2 - new**2).sum(axis=1)
            change += b * (self.log_ratio(new) - self.log_ratio())
            good = np.log(self.rng.random(self.n)) < change
            self.x[good] = new[good]


def test_evidence_of_a_linear_model_is_the_closed_form() -> None:
    rng = np.random.default_rng(1)
    matrix, data = 3 * rng.standard_normal((12, 3)), 4 * rng.standard_normal(12)
    found, ladder = sampler.anneal(np.random.default_rng(2), Linear(2000, matrix, data), 2)
    exact = multivariate_normal(np.zeros(12), matrix @ matrix.T + np.eye(12)).logpdf(data)
    assert ladder[0] > 0
    assert ladder[-1] == 1.0
    assert all(np.diff(ladder) > 0)
    # Three parameters, 2,000 particles: a standard deviation of about 0.1.
    assert found == pytest.approx(exact, abs=0.4)


def _cloud(n: int) -> sampler.Sampler:
    """Particles of a spectrum that says all but nothing, drawn from its posterior."""
    axis = np.linspace(0, 1, 60)
    data = density.Data(axis, np.ones(60), np.full(60, 0.3), 5 / 59)
    rng = np.random.default_rng(1)
    cloud = sampler.Sampler(rng, data, n, 1.0)
    weight = np.exp(cloud.log_ratio() - cloud.log_ratio().max())
    cloud.take(rng.choice(cloud.n, n, p=weight / weight.sum()))
    cloud.b = 1.0
    return cloud


@pytest.mark.parametrize("move", ["birth_or_death", "relocate", "split_or_merge", "terms"])
def test_moves_leave_the_posterior_as_it_is(move: str) -> None:
    cloud = _cloud(6000)

    def shares() -> np.ndarray:
        state = cloud.state
        count = np.bincount(state["on"].sum(axis=1), minlength=7) / cloud.n
        return np.concatenate([count, (state["terms"] != 0).mean(axis=0)])

    before = shares()
    with np.errstate(all="ignore"):
        for _ in range(6):
            getattr(cloud, move)()
    # Correct moves scatter by 0.008 (numbers of peaks, which few moves change) and 0.013 (terms;
    # more than half of the particles are copies). Forgetting the number of free slots, or a
    # density that is evaluated at the wrong value, moves shares by 0.03 to 0.2.
    allowed = np.repeat([0.025, 0.045], [7, 5])
    assert (np.abs(shares() - before) < allowed).all()
    tried = cloud.tried[next(iter(cloud.tried))]
    assert tried[0] > 0


def test_truth_is_a_state_that_explains_the_spectrum() -> None:
    for number in (1, 3):
        drawn = bench_ceiling.draw(number)
        rows = {name: np.asarray(values)[None] for name, values in drawn.guide.items()}
        state = {**rows, "empty_scale": np.zeros(1)}
        curves = density.residuals(state, density.all_lines(state, drawn.data), drawn.data)
        n = drawn.data.axis.size
        assert abs(curves.chi_square[0] - n) < 4 * np.sqrt(2 * n)
        assert np.isfinite(density.log_prior(state, drawn.data))
        worth = density.chi_squares(state, drawn.data, drawn.sigma)
        np.testing.assert_allclose(
            np.sort(worth[0])[::-1], np.sort(drawn.worth)[::-1], rtol=0.02, atol=0.1
        )
        assert (worth >= recipes.RawRecipe().min_chi_square).sum() == drawn.n_peaks
