"""Evidence of fits and own chi-squares, against integrals and least squares in closed form."""

from math import factorial, log

import numpy as np
import numpy.typing as npt
import pytest

from xpsnet.fitting.model.parameter_map import Layout, make_layout
from xpsnet.fitting.select.evidence import Fits, log_evidence, own_chi_squares
from xpsnet.numerics.lineshapes import LINE_SHAPES

Floats = npt.NDArray[np.float64]
ENERGY = np.linspace(280.0, 290.0, 101)
FWHM = 1.4


def gaussians(n_peaks: int) -> Layout:
    """Layout of Gaussian lines on a constant background."""
    return make_layout("gaussian", "constant", n_peaks, ())


def unit_line(center: float, fwhm: float = FWHM) -> Floats:
    return LINE_SHAPES["gaussian"].value(ENERGY, center, fwhm, 1.0)


class LinearFit:
    """Least squares of the heights of known lines and of a constant, sigma 1 at every point."""

    def __init__(self, counts: Floats, centers: tuple[float, ...], fwhm: float = FWHM) -> None:
        self.layout = gaussians(len(centers))
        self.counts = counts
        lines = [unit_line(center, fwhm) for center in centers]
        self.columns = np.stack([*lines, np.ones(ENERGY.size)], axis=1)
        solution, *_ = np.linalg.lstsq(self.columns, counts, rcond=None)
        self.chisqr = float(((counts - self.columns @ solution) ** 2).sum())
        self.entries = np.append(self.layout.column("height"), self.layout.background_index)
        m = len(self.layout.names)
        self.values = np.full((1, m), np.nan)
        self.values[0, self.layout.column("center")] = centers
        self.values[0, self.layout.column("fwhm")] = fwhm
        self.values[0, self.entries] = solution
        self.free = np.zeros((1, m), dtype=bool)
        self.free[0, self.entries] = True
        self.covariance = np.full((1, m, m), np.nan)
        normal = self.columns.T @ self.columns
        self.covariance[np.ix_([0], self.entries, self.entries)] = np.linalg.inv(normal)

    def evidence(self, scale: float = 1.0) -> float:
        (found,) = log_evidence(self.fits(), ENERGY, np.array([self.chisqr]), np.array([scale]))
        return float(found)

    def own(self) -> Floats:
        return own_chi_squares(self.fits())[0]

    def fits(self) -> Fits:
        return Fits(self.layout, self.values, self.covariance, self.free)


def spectrum(*lines: tuple[float, float], seed: int | None = 0) -> Floats:
    """Lines of (center, height) on 50 counts, with normal noise of standard deviation 1."""
    counts = 50.0 + sum(height * unit_line(center) for center, height in lines)
    return counts if seed is None else counts + np.random.default_rng(seed).normal(size=ENERGY.size)


def log_prior(fwhm: Floats, height: Floats, energy: Floats = ENERGY) -> float:
    """The prior as the module writes it: 5 steps (or 1 %) to 30 % of the window, factor 33."""
    length, step = np.ptp(energy), energy[1] - energy[0]
    narrowest = max(5 * step, 0.01 * length)
    widest = max(0.3 * length, 2 * narrowest)
    volumes = length * log(widest / narrowest) * log(33.0) * np.asarray(fwhm) * np.asarray(height)
    return log(factorial(len(volumes))) - float(np.log(volumes).sum())


@pytest.mark.parametrize("scale", [1.0, 2.5])
@pytest.mark.parametrize("height", [3.0, 200.0])
def test_of_a_linear_model_it_is_the_exact_integral(height: float, scale: float) -> None:
    fit = LinearFit(spectrum((284.8, height)), (284.8,))
    best = fit.values[0, fit.entries]
    errors = np.sqrt(scale * np.diag(fit.covariance[0])[fit.entries])
    steps = np.linspace(-9.0, 9.0, 181)
    heights, constants = (b + e * steps for b, e in zip(best, errors, strict=True))
    model = heights[:, None, None] * fit.columns[:, 0] + constants[None, :, None]
    likelihood = np.exp(-(((fit.counts - model) ** 2).sum(axis=2) - fit.chisqr) / (2 * scale))
    # The trapezoid rule is exact to rounding for a Gaussian that vanishes at the ends.
    integral = likelihood.sum() * (heights[1] - heights[0]) * (constants[1] - constants[0])
    expected = log(integral) - fit.chisqr / (2 * scale)
    expected += log_prior([FWHM], [best[0]])
    assert fit.evidence(scale) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("n_peaks", [0, 1, 2, 3, 5])
@pytest.mark.parametrize(
    "energy",
    [ENERGY, np.linspace(280.0, 290.0, 17), np.linspace(0.0, 90.0, 4001)],
    ids=["usual", "coarse", "fine"],
)
def test_without_free_parameters_the_prior_is_left(n_peaks: int, energy: Floats) -> None:
    layout = gaussians(n_peaks)
    rng = np.random.default_rng(n_peaks)
    values = rng.uniform(0.5, 300.0, (1, len(layout.names)))
    m = values.shape[1]
    fits = Fits(layout, values, np.full((1, m, m), np.nan), np.zeros((1, m), dtype=bool))
    (found,) = log_evidence(fits, energy, np.array([7.0]), np.array([2.0]))
    fwhm, height = (values[0, layout.column(name)] for name in ("fwhm", "height"))
    assert found == pytest.approx(log_prior(fwhm, height, energy) - 7.0 / 4.0)


def test_the_order_of_peaks_does_not_matter() -> None:
    counts = spectrum((283.0, 80.0), (285.0, 30.0), (287.5, 55.0))
    one = LinearFit(counts, (283.0, 285.0, 287.5))
    other = LinearFit(counts, (287.5, 283.0, 285.0))
    assert other.evidence() == pytest.approx(one.evidence(), rel=1e-12)
    np.testing.assert_allclose(other.own(), one.own()[[2, 0, 1]], rtol=1e-9)


@pytest.mark.parametrize("unit", [1e-3, 7.0, 1e5])
def test_differences_do_not_depend_on_the_unit_of_counts(unit: float) -> None:
    counts = spectrum((283.0, 80.0), (286.0, 30.0))
    plain, scaled = [], []
    for centers in ((283.0,), (283.0, 286.0)):
        fit = LinearFit(counts, centers)
        plain.append(fit.evidence())
        # The same fit in other units: heights and the constant grow, chi-square does not.
        factors = np.ones(fit.values.shape[1])
        factors[fit.entries] = unit
        fit.values = fit.values * factors
        fit.covariance = fit.covariance * np.outer(factors, factors)
        scaled.append(fit.evidence())
    assert scaled[1] - scaled[0] == pytest.approx(plain[1] - plain[0], abs=1e-8)


@pytest.mark.parametrize("height", [0.0, 60.0], ids=["false line", "line"])
def test_a_second_line_brings_evidence_where_it_is(height: float) -> None:
    gains = []
    for seed in range(40):
        counts = spectrum((284.0, 120.0), (286.5, height), seed=seed)
        one, two = LinearFit(counts, (284.0,)), LinearFit(counts, (284.0, 286.5))
        gains.append(two.evidence() - one.evidence())
    # Half the chi-square that a line must make up: noise never brings as much.
    assert min(gains) > 10.0 if height else max(gains) < 10.0


@pytest.mark.parametrize("damage", ["singular", "NaN", "negative variance"])
def test_what_is_not_determined_has_no_evidence(damage: str) -> None:
    fit = LinearFit(spectrum((284.8, 90.0)), (284.8,))
    height, constant = fit.entries
    if damage == "singular":
        deviation = np.sqrt(np.diag(fit.covariance[0]))
        both = deviation[height] * deviation[constant]
        fit.covariance[0, height, constant] = fit.covariance[0, constant, height] = both
    elif damage == "NaN":
        fit.covariance[0, height, constant] = np.nan
    else:
        fit.covariance[0, height, height] *= -1
    assert fit.evidence() == -np.inf
    if damage != "singular":
        assert fit.own().tolist() == [0.0]


def test_batch_equals_loop() -> None:
    fits = [LinearFit(spectrum((284.0, 90.0), seed=seed), (284.0, 286.0)) for seed in range(4)]
    layout = fits[0].layout
    values, covariance, free = (
        np.concatenate([getattr(fit, name) for fit in fits])
        for name in ("values", "covariance", "free")
    )
    covariance[2] = np.nan  # one that is not determined does not disturb the others
    chisqr = np.array([fit.chisqr for fit in fits])
    together = Fits(layout, values, covariance, free)
    found = log_evidence(together, ENERGY, chisqr, np.ones(4))
    expected = [fit.evidence() for fit in fits]
    expected[2] = -np.inf
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    own = own_chi_squares(together)
    np.testing.assert_allclose(own[[0, 1, 3]], [fits[i].own() for i in (0, 1, 3)], rtol=1e-9)
    assert own[2].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("distance", [0.6, 1.2, 4.0])
def test_own_chi_square_is_what_leaving_the_smallest_peak_out_costs(distance: float) -> None:
    for seed in range(5):
        counts = spectrum((284.0, 150.0), (284.0 + distance, 40.0), seed=seed)
        both = LinearFit(counts, (284.0, 284.0 + distance))
        alone = LinearFit(counts, (284.0,))
        assert both.own()[1] == pytest.approx(alone.chisqr - both.chisqr, rel=2e-3)


def test_own_chi_square_of_the_largest_peak_without_noise() -> None:
    both = LinearFit(spectrum((284.0, 150.0), (285.0, 40.0), seed=None), (284.0, 285.0))
    # What is fitted before is the constant alone: the cost of the line that remains.
    none = LinearFit(150.0 * unit_line(284.0), ())
    assert both.own()[0] == pytest.approx(none.chisqr, rel=1e-3)


def test_own_chi_square_of_a_spurious_peak_is_that_of_chance() -> None:
    own = []
    for seed in range(300):
        fit = LinearFit(spectrum((284.0, 200.0), seed=seed), (284.0, 287.5))
        own.append(fit.own()[1])
        height = fit.layout.column("height")[1]
        error = np.sqrt(fit.covariance[0, height, height])
        assert own[-1] == pytest.approx((fit.values[0, height] / error) ** 2, rel=1e-3)
    # Chi-square of one degree of freedom: mean 1, 99.9 % below 10.8.
    assert np.mean(own) == pytest.approx(1.0, abs=0.25)
    assert np.max(own) < 20.0


def test_absent_and_missing_peaks() -> None:
    fit = LinearFit(spectrum((284.0, 90.0)), (284.0, 287.0))
    gone = np.array([fit.layout.column(n)[1] for n in ("center", "fwhm", "height")])
    fit.values[0, gone] = np.nan
    fit.free[0, gone] = False
    own = fit.own()
    assert np.isnan(own[1])
    assert own[0] > 100.0
    none = LinearFit(spectrum(), ())
    assert none.own().shape == (0,)
    assert np.isfinite(none.evidence())
