"""Poisson likelihood of both engines: against scipy, each other, closed forms and the truth."""

import numpy as np
import pytest
import xarray as xr
from scipy import optimize, stats

from xpsnet.data.peaks import Status, curves
from xpsnet.fitting.confidence import confidence
from xpsnet.fitting.model.parameters import LEAST_EXPECTED
from xpsnet.fitting.model.spectrum_model import deviance_residual
from xpsnet.fitting.refine import refine
from xpsnet.fitting.solve.lm_rows import to_deviance

ENERGY = np.linspace(280.0, 290.0, 101)


@pytest.fixture(scope="module")
def truth(make_hand_peaks):
    peaks = make_hand_peaks((285.0,), (1.4,), (25.0,), 0.3, background="constant", energy=ENERGY)
    return peaks.assign(background_constant=((), 4.0, peaks.background_constant.attrs))


def counts_of(truth, n, seed=0):
    """Spectra of Poisson counts."""
    signal = curves(truth).envelope.values
    counts = np.random.default_rng(seed).poisson(signal, (n, signal.size)).astype(float)
    attrs = {"scale": "binding", "units": "counts"}
    return xr.DataArray(counts, {"energy": ENERGY}, ("x", "energy"), attrs=attrs)


def test_terms_of_the_deviance():
    curve = np.array([3.0, 3.0001, 7.0, 0.5, -2.0, 4.0, 1e-5])
    counts = np.array([5.0, 3.0, 7.0, 0.0, 1.0, 0.0, 0.0])
    for floor, gain in ((0.0, 1.0), (6.0, 2.0)):
        residual, slope = deviance_residual(curve, counts, np.full(7, floor), gain)
        expected, measured = (curve * gain + floor) / gain**2, (counts * gain + floor) / gain**2
        inside = expected > LEAST_EXPECTED
        poisson = stats.poisson if floor == 0 else None
        ratio = np.where(measured > 0, measured, 1) / np.where(inside, expected, 1)
        terms = 2 * (expected - measured + measured * np.log(ratio))
        np.testing.assert_allclose(residual[inside] ** 2, terms[inside], rtol=1e-7, atol=1e-12)
        if poisson is not None:
            best = poisson.logpmf(measured, np.maximum(measured, 1e-300))
            here = poisson.logpmf(measured[inside], expected[inside])
            np.testing.assert_allclose(residual[inside] ** 2, 2 * (best[inside] - here), atol=1e-7)
        assert (np.sign(residual) == np.sign(expected - measured)).all()
        step = 1e-6
        ends = [
            deviance_residual(curve + s, counts, np.full(7, floor), gain)[0] for s in (-step, step)
        ]
        np.testing.assert_allclose(slope, (ends[1] - ends[0]) / (2 * step), rtol=2e-5)
        weights, drawn = np.ones(7), curve.copy()
        total = to_deviance(drawn, counts, weights, np.full(7, floor), gain)
        assert total == pytest.approx(residual @ residual, rel=1e-9)
        np.testing.assert_allclose(
            weights, 1 / (gain * np.sqrt(np.maximum(expected, LEAST_EXPECTED))), rtol=1e-12
        )
        np.testing.assert_allclose(drawn, (curve - counts) * weights, rtol=1e-12)


def test_points_left_out_have_no_deviance():
    weights = np.array([1.0, 0.0])
    assert to_deviance(np.array([2.0, 9.0]), np.array([2.0, 1.0]), weights, np.zeros(2), 1.0) == 0
    assert weights[1] == 0


@pytest.mark.parametrize("engine", ["lmfit", "batch"])
def test_the_optimum_is_that_of_the_likelihood(truth, engine):
    spectra = counts_of(truth, 3)
    held = {"fraction": 0.3}
    peaks = refine(
        spectra, truth, engine=engine, background="constant", noise="poisson", constraints=held,
        covariance=True,
    )  # fmt: skip
    names = ("center", "fwhm", "height")
    for i in range(3):
        one = peaks.isel(x=i)

        def curve(values):
            drawn = truth.assign(background_constant=((), values[3]))
            return curves(
                drawn.assign({n: ("peak", [v]) for n, v in zip(names, values, strict=False)})
            )

        def loss(values, counts=spectra.values[i]):
            return -stats.poisson.logpmf(counts, curve(values).envelope.values).sum()

        start = [*(float(one[name][0]) for name in names), float(one.background_constant)]
        best = optimize.minimize(
            loss, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9}
        )
        errors = [float(one[f"{name}_stderr"][0]) for name in names]
        errors.append(float(one.background_constant_stderr))
        assert (abs(np.array(start) - best.x) < 1e-3 * np.array(errors)).all()
        # Errors of Fisher's information at the optimum.
        steps = 1e-4 * np.array(errors)
        rows = [
            (curve(best.x + s).envelope - curve(best.x - s).envelope).values / (2 * s.sum())
            for s in np.diag(steps)
        ]
        jacobian = np.stack(rows)
        information = (jacobian / curve(best.x).envelope.values) @ jacobian.T
        expected = np.sqrt(np.diag(np.linalg.inv(information)))
        np.testing.assert_allclose(errors, expected, rtol=2e-3)


def test_both_engines_end_alike(truth):
    spectra = counts_of(truth, 40)
    options = {"background": "linear", "noise": "poisson"}
    batch, single = (refine(spectra, truth, engine=e, **options) for e in ("batch", "lmfit"))
    good = (batch.status == Status.OK) & (single.status == Status.OK)
    assert good.mean() > 0.6
    for name in ("center", "fwhm", "height", "area"):
        error = single[f"{name}_stderr"][good]
        assert (abs(batch[name] - single[name])[good] < 2e-3 * error).all()
        np.testing.assert_allclose(batch[f"{name}_stderr"][good], error, rtol=5e-3)
    np.testing.assert_allclose(batch.redchi[good], single.redchi[good], rtol=1e-4)


def test_few_counts_are_no_special_case(truth):
    """Found out by itself; areas are not biased, and the reduced chi-square is 1."""
    spectra = counts_of(truth, 3000, 1)
    peaks = refine(spectra, truth, background="constant")
    assert peaks.attrs["noise_gain"] == pytest.approx(1.0, abs=0.02)
    assert peaks.attrs["noise_floor"] < 0.2
    given = refine(spectra, truth, background="constant", noise="poisson")
    np.testing.assert_allclose(peaks.area, given.area, rtol=0.03)
    bias = float((given.area - truth.area).mean() / given.area_stderr.mean())
    assert abs(bias) < 0.04
    assert float(given.redchi.mean()) == pytest.approx(1.0, abs=0.01)
    reach = stats.t.ppf(0.975, np.minimum(peaks.dof_noise, 1e9))
    for name in ("center", "height", "area"):
        pull = (peaks[name] - truth[name]) / peaks[f"{name}_stderr"]
        held = float((abs(pull[:, 0]) <= reach).mean())
        # Conservative where the share ends on 0 or 1, as in a fifth of the spectra.
        assert 0.935 < held < 0.98, name


def test_a_gain_is_a_factor(truth):
    spectra = counts_of(truth, 20)
    plain = refine(spectra, truth, background="constant", noise="poisson")
    scaled = refine(
        (spectra * 2.5).assign_attrs(spectra.attrs), truth, background="constant", noise="poisson"
    )
    np.testing.assert_allclose(scaled.center, plain.center, atol=1e-6)
    np.testing.assert_allclose(scaled.area, 2.5 * plain.area, rtol=1e-5)
    np.testing.assert_allclose(scaled.area_stderr, 2.5 * plain.area_stderr, rtol=1e-4)
    np.testing.assert_allclose(scaled.redchi, plain.redchi, rtol=1e-6)


def test_profile_intervals_take_the_likelihood_and_the_degrees_of_freedom(truth):
    spectrum = counts_of(truth, 1, 3)[0]
    peaks = refine(spectrum, truth, background="constant", noise="poisson")
    found = confidence(spectrum, peaks, level=0.95)
    best = float(peaks.bic - peaks.aic)
    n = ENERGY.size
    free = best / (np.log(n) - 2)

    def deviance(fit, lost):
        return n * np.exp((float(fit.aic) - 2 * (free - lost)) / n)

    for end in (found.fwhm_lower, found.fwhm_upper):
        held = refine(
            spectrum,
            peaks,
            background="constant",
            noise="poisson",
            constraints={"fwhm": float(end[0])},
        )
        rise = deviance(held, 1) - deviance(peaks, 0)
        assert rise == pytest.approx(stats.chi2.ppf(0.95, 1), rel=0.02)
    assert found.area_lower[0] < peaks.area[0] < found.area_upper[0]
    # Three degrees of freedom of the noise: intervals of Student's t.
    gain = {"gain": 1.0, "dof": 3.0}
    wide = confidence(spectrum, peaks, level=0.95, noise=gain)
    ratio = (wide.center_upper - wide.center_lower) / (found.center_upper - found.center_lower)
    assert float(ratio[0]) == pytest.approx(stats.t.ppf(0.975, 3) / 1.96, rel=0.15)


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        pytest.param("gauss", 'expected noise as a number, .* "poisson", "each"', id="word"),
        pytest.param("poisson", "expected counts for noise='poisson'", id="no counts"),
        pytest.param({"gain": -1.0}, "none negative and not all 0", id="negative"),
        pytest.param({"floor": 0.0}, "none negative and not all 0", id="nothing"),
        pytest.param({"gain": 1.0, "flor": 2.0}, "'flor'", id="unknown"),
        pytest.param({"gain": 1.0, "dof": 0.0}, "degrees of freedom", id="dof"),
    ],
)
def test_refused_noise(truth, noise, message):
    spectrum = counts_of(truth, 1)[0]
    spectrum = (spectrum + 0.1 * np.sin(np.arange(101.0))).assign_attrs(spectrum.attrs)
    with pytest.raises(ValueError, match=message):
        refine(spectrum, truth, noise=noise)
