"""The choice of a background, effective points, and backgrounds held in a fit."""

import numpy as np
import pytest
import xarray as xr

from xpsnet.data.peaks import Status, curves
from xpsnet.fitting.refine import refine
from xpsnet.fitting.select.background import candidates
from xpsnet.fitting.solve.statistics import bayesian_information, effective_points
from xpsnet.fitting.static_background import static_background
from xpsnet.numerics.noise import smooth_level

WIDE = np.linspace(270.0, 320.0, 401)


@pytest.mark.parametrize("background", ["constant", "linear", "shirley", "shirley+linear"])
def test_the_background_of_the_simulation_is_chosen(background, make_case, make_hand_peaks):
    truth = make_hand_peaks(
        (284.8, 286.4), (1.1, 1.3), (3000.0, 1500.0), 0.3, background=background
    )
    if "background_slope" in truth:  # one that no step can be taken for
        truth["background_slope"] = truth["background_slope"] - 30.0
        truth["background_constant"] = truth["background_constant"] + 200.0
    chosen = []
    for seed in range(6):
        case = make_case(truth, seed=seed)
        peaks = refine(case.spectrum, truth, background="auto", noise=case.noise)
        chosen.append(peaks.attrs["background"])
        assert peaks.attrs["background_choice"].startswith(f"{chosen[-1]} by BIC of 1 spectra: ")
    assert chosen.count(background) >= 5


def test_lazy_spectra_are_judged_with_the_noise_that_is_given(make_case, make_hand_peaks):
    truth = make_hand_peaks((284.8, 286.4), (1.1, 1.3), (3000.0, 1500.0), 0.3, background="shirley")
    cases = [make_case(truth, seed=seed) for seed in range(3)]
    spectra = xr.concat([case.spectrum for case in cases], "x", combine_attrs="override")
    noise = xr.concat([case.noise for case in cases], "x")
    eager = refine(spectra, truth, background="auto", noise=noise)
    for given in (noise, noise.chunk({"x": 2})):
        lazy = refine(spectra.chunk({"x": 1}), truth, background="auto", noise=given)
        assert lazy.attrs["background_choice"] == eager.attrs["background_choice"]


def test_a_wide_window_may_be_of_tougaard(make_case, make_hand_peaks):
    truth = make_hand_peaks(
        (284.8, 286.4), (1.1, 1.3), (9000.0, 4500.0), energy=WIDE, background="tougaard"
    )
    case = make_case(truth)
    peaks = refine(case.spectrum, truth, background="auto", noise=case.noise)
    assert peaks.attrs["background"] == "tougaard"
    assert "tougaard" not in candidates(np.linspace(280.0, 292.0, 100))


def test_all_spectra_of_a_map_get_one_background(make_case, make_hand_peaks):
    truth = make_hand_peaks((284.8,), (1.1,), (3000.0,), background="shirley")
    spectra = xr.concat([make_case(truth, seed=seed).spectrum for seed in range(20)], "x")
    spectra[3] = np.nan
    peaks = refine(spectra, truth, background="auto")
    assert peaks.attrs["background"] == "shirley"
    assert "16 spectra" in peaks.attrs["background_choice"]
    assert int(peaks.status[3]) == Status.NOT_FINITE


def test_without_a_spectrum_the_default_is_taken(two_peak_case):
    nothing = xr.full_like(two_peak_case.spectrum, np.nan)
    peaks = refine(nothing, two_peak_case.truth, background="auto")
    assert peaks.attrs["background"] == "shirley+linear"
    assert "no spectrum to decide on" in peaks.attrs["background_choice"]


def test_smoothed_noise_is_worth_fewer_points():
    rng = np.random.default_rng(3)
    white = rng.normal(size=(200, 401))
    kernel = np.array([1.0, 2.0, 1.0]) / 4
    smooth = np.array([np.convolve(row, kernel, mode="valid") for row in white])
    # Correlations 2/3 and 1/6 of neighbors and next neighbors: 1 + 2 (2/3 + 1/6) = 8/3.
    found = np.mean([effective_points(row) for row in smooth])
    assert found == pytest.approx(399 / (8 / 3), rel=0.1)
    assert np.mean([effective_points(row) for row in white]) > 0.93 * 401


@pytest.mark.parametrize(
    ("residual", "expected"),
    [(np.zeros(5), 5.0), (np.ones(1), 1.0), (np.empty(0), 0.0), (np.tile([1.0, -1.0], 9), 18.0)],
    ids=["zero", "one-point", "empty", "alternating"],
)
def test_effective_points_of_odd_residuals(residual, expected):
    assert effective_points(residual) == max(expected, 1.0) if residual.size else expected == 0.0


def test_bic_of_independent_points_is_that_of_the_dataset(two_peak_case):
    peaks = refine(two_peak_case.spectrum, two_peak_case.truth, noise=two_peak_case.noise)
    n, k = 241, 10
    chisqr = float(peaks.redchi) * (n - k)
    assert bayesian_information(chisqr, n, k, n) == pytest.approx(float(peaks.bic), rel=1e-9)
    assert float(peaks.bic - peaks.aic) == pytest.approx(k * (np.log(n) - 2), rel=1e-9)


def test_a_shirley_step_that_is_absent_is_no_bound(make_case, make_hand_peaks):
    truth = make_hand_peaks((284.8,), (1.1,), (3000.0,), background="linear")
    falling = make_case(truth).spectrum.copy()
    # Falls towards higher binding energy, which no Shirley step can follow.
    falling.values = falling.values + 200 * (falling.energy.values < 284.8)
    peaks = refine(falling, truth, background="shirley")
    assert float(peaks.background_shirley) == 0.0
    assert np.isnan(peaks.background_shirley_stderr)
    assert not int(peaks.status_flags) & Status.AT_BOUND.flag


@pytest.mark.parametrize("kind", ["linear", "shirley", "tougaard"])
def test_a_static_background_is_held(two_peak_case, kind):
    spectrum = two_peak_case.spectrum
    drawn = static_background(spectrum, kind)
    assert drawn.dims == spectrum.dims
    assert drawn.attrs["units"] == "counts"
    assert drawn.attrs["scale"] == "binding"
    by_name = refine(spectrum, two_peak_case.truth, background=f"static {kind}")
    by_curve = refine(spectrum, two_peak_case.truth, background=drawn)
    gain, floor, dof = (by_name.attrs[f"noise_{key}"] for key in ("gain", "floor", "dof"))
    assert np.isfinite(dof)
    # The noise is that of the counts as measured.
    own_noise = np.sqrt(floor + gain * smooth_level(spectrum.values))
    rest = (spectrum - drawn).assign_attrs(spectrum.attrs)
    by_hand = refine(rest, two_peak_case.truth, background="none", noise=own_noise)
    for peaks in (by_name, by_curve):
        np.testing.assert_allclose(peaks.area, by_hand.area, rtol=1e-9)
        np.testing.assert_allclose(peaks.area_stderr, by_hand.area_stderr, rtol=1e-9)
        np.testing.assert_array_equal(peaks.background, drawn)
        assert peaks.attrs["background"] == "curve"
        envelope = curves(peaks).envelope
        expected = drawn + curves(by_hand).envelope
        np.testing.assert_allclose(envelope, expected, rtol=1e-9)
    assert by_name.attrs["background_choice"] == f"static {kind}"


def test_a_curve_for_a_whole_map(two_peak_case):
    spectra = two_peak_case.spectrum.expand_dims(x=3)
    one = static_background(two_peak_case.spectrum, "linear")
    peaks = refine(spectra, two_peak_case.truth, background=one)
    assert peaks.background.dims == ("x", "energy")
    lazy = static_background(spectra.chunk({"x": 1}), "linear")
    assert lazy.chunks is not None
    np.testing.assert_array_equal(lazy, np.stack([one] * 3))


def test_a_curve_of_another_spectrum_is_refused(two_peak_case):
    curve = static_background(two_peak_case.spectrum).isel(energy=slice(0, 9))
    with pytest.raises(ValueError, match="over the dimensions and energies"):
        refine(two_peak_case.spectrum, two_peak_case.truth, background=curve.drop_vars("energy"))
    with pytest.raises(ValueError, match="expected a static background from"):
        refine(two_peak_case.spectrum, two_peak_case.truth, background="static smooth")


def test_a_line_through_both_ends_leaves_missing_points_out():
    energy = np.linspace(280.0, 290.0, 51)
    counts = xr.DataArray(
        100 + 3 * energy, dims="energy", coords={"energy": energy}, attrs={"scale": "kinetic"}
    )
    counts[:4] = np.nan
    drawn = static_background(counts, "linear")
    np.testing.assert_allclose(drawn[4:], counts[4:], rtol=1e-12)
    assert np.isnan(drawn[:4]).all()
