"""Profile intervals: against lmfit's, standard errors, and the rise of chi-square."""

import numpy as np
import pytest
from scipy import stats

from xpsnet.fitting.confidence import confidence
from xpsnet.fitting.lmfit_exchange import to_lmfit
from xpsnet.fitting.model.doublets import doublet
from xpsnet.fitting.refine import refine
from xpsnet.models.prediction import predict
from xpsnet.simulation.recipes import simulate

ONE, TWO = 0.6827, 0.9545  # standard errors of a normal distribution


@pytest.fixture(scope="module")
def weak_case(make_case, make_hand_peaks):
    """One peak on a constant: three parameters that are nearly normal, and a share that is not."""
    truth = make_hand_peaks((284.8,), (1.2,), (150.0,), 0.15, background="constant")
    case = make_case(truth, seed=5)
    return case, refine(case.spectrum, truth, background="constant", noise=case.noise)


def interval(weak_case, name, level=ONE):
    case, peaks = weak_case
    found = confidence(case.spectrum, peaks, noise=case.noise, level=level)
    return np.array([np.ravel(found[f"{name}_{side}"])[0] for side in ("lower", "upper")])


def test_profiles_of_normal_parameters_are_their_errors(weak_case):
    _, peaks = weak_case
    for name in ("center", "background_constant"):
        best, error = np.ravel(peaks[name])[0], np.ravel(peaks[f"{name}_stderr"])[0]
        near = [best - error, best + error]
        np.testing.assert_allclose(interval(weak_case, name), near, atol=0.05 * error)
        # Two errors away the peak is not quite a parabola any more.
        far = [best - 2 * error, best + 2 * error]
        np.testing.assert_allclose(interval(weak_case, name, TWO), far, atol=0.3 * error)


def test_a_profile_ends_where_chi_square_has_risen_by_one(weak_case):
    case, peaks = weak_case
    base = float(peaks.redchi) * (241 - 5)
    for end in interval(weak_case, "fwhm"):
        held = refine(
            case.spectrum, peaks, background="constant", noise=case.noise,
            constraints={"fwhm": float(end)},
        )  # fmt: skip
        assert float(held.redchi) * (241 - 4) - base == pytest.approx(1.0, abs=0.02)


def test_a_profile_that_meets_a_limit_is_open(weak_case):
    low, high = interval(weak_case, "fraction", TWO)
    assert np.isnan(low)
    assert high > 0.15


def test_fits_of_lmfit_at_the_ends_are_two_errors_away(two_peak_case, rough_start):
    spectrum, noise = two_peak_case.spectrum, two_peak_case.noise
    peaks = refine(spectrum, rough_start, background="linear", noise=noise)
    found = confidence(spectrum, peaks, noise=noise, level=TWO)
    model, params = to_lmfit(spectrum, peaks)

    def chi_square(tried):
        fit = model.fit(
            spectrum.values, tried, energy=spectrum.energy.values, weights=1 / noise.values,
            scale_covar=False, fit_kws={"ftol": 1e-12, "xtol": 1e-12, "epsfcn": 1e-13},
        )  # fmt: skip
        return fit.chisqr

    least = chi_square(params)
    for name in ("center_1", "fwhm_2", "height_2", "fraction", "background_slope"):
        kind, _, number = name.partition("_")
        kind, k = (kind, int(number) - 1) if number.isdigit() else (name, 0)
        for side in ("lower", "upper"):
            held = params.copy()
            held[name].set(value=float(np.ravel(found[f"{kind}_{side}"])[k]), vary=False)
            assert chi_square(held) - least == pytest.approx(4.0, abs=0.02)


def test_areas_have_profiles(weak_case):
    """At both ends the best fit with this area is two standard errors away."""
    case, peaks = weak_case
    low, high = interval(weak_case, "area", TWO)
    assert low < float(peaks.area[0]) < high
    half = (high - low) / 2
    assert half == pytest.approx(2 * float(peaks.area_stderr[0]), rel=0.3)
    # The area is held by a second line that is its copy in area, and does not exist otherwise.
    base = float(peaks.redchi) * (241 - 5)
    best = np.inf
    for fraction in np.linspace(0, 1, 41):
        for fwhm in np.linspace(0.6, 2.2, 81):
            unit = fwhm * (fraction * np.pi / 2 + (1 - fraction) * np.sqrt(np.pi / np.log(2)) / 2)
            held = {"fwhm": fwhm, "fraction": fraction, "height": high / unit}
            fit = refine(
                case.spectrum, peaks, background="constant", noise=case.noise, constraints=held,
                engine="batch",
            )  # fmt: skip
            best = min(best, float(fit.redchi) * (241 - 2))
    assert best - base == pytest.approx(stats.chi2.ppf(TWO, 1), abs=0.15)


def test_kinetic_axes_are_mirrored(weak_case):
    case, peaks = weak_case
    found = confidence(case.spectrum, peaks, noise=case.noise)
    spectrum = case.spectrum.assign_coords(energy=1486.6 - case.spectrum.energy)
    spectrum.attrs["scale"] = "kinetic"
    noise = case.noise.assign_coords(energy=spectrum.energy)
    turned = peaks.assign(center=1486.6 - peaks.center).drop_vars("energy")
    turned.attrs |= {"scale": "kinetic", "energy_range": [1486.6 - 294.0, 1486.6 - 280.0]}
    turned = refine(spectrum, turned, background="constant", noise=noise)
    other = confidence(spectrum, turned, noise=noise)
    np.testing.assert_allclose(1486.6 - other.center_upper, found.center_lower, atol=1e-5)
    np.testing.assert_allclose(other.fwhm_lower, found.fwhm_lower, rtol=1e-4)


def test_linked_lines_have_no_profile_of_their_own(two_peak_case):
    tied = doublet("S 2p", (1, 2), splitting=1.6)
    peaks = refine(two_peak_case.spectrum, two_peak_case.truth, doublets=[tied])
    found = confidence(two_peak_case.spectrum, peaks)
    assert np.isfinite(found.area_upper[0])
    assert np.isnan(found.area_upper[1])
    assert np.isnan(found.center_upper[1])


def test_a_minimum_that_depends_on_the_start_has_its_ends():
    # Three broad lines whose chi-square has several minima where one width is held.
    simulated = simulate(24, "default", seed=1)["spectra"]
    spectrum = simulated.isel(spectrum=3, drop=True).dropna("energy")
    peaks = refine(spectrum, predict(spectrum, device="cpu"))
    found = confidence(spectrum, peaks)
    assert (found.center_lower < peaks.center).all()
    assert (found.center_upper > peaks.center).all()
