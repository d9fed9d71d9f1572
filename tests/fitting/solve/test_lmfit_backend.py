"""The solver against plain lmfit fits that know nothing of this package, and at its limits."""

import lmfit
import numpy as np
import pytest

from xpsnet.data.peaks import Status, curves
from xpsnet.fitting.lmfit_exchange import from_lmfit, to_lmfit
from xpsnet.fitting.model.doublets import doublet
from xpsnet.fitting.refine import refine
from xpsnet.fitting.static_background import static_background
from xpsnet.numerics.lineshapes import LINE_SHAPES

# lmfit's own step would move a center by 3 meV for its forward differences.
TIGHT = {"ftol": 1e-12, "xtol": 1e-12, "epsfcn": 1e-13}


def plain_curve(parameters, energy):
    """Two pseudo-Voigt lines of one share on constant, slope and active Shirley, written anew."""
    p = parameters.valuesdict()
    lines = np.zeros_like(energy)
    for i in (0, 1):
        t = (energy - p[f"center_{i + 1}"]) / (p[f"fwhm_{i + 1}"] / 2)
        gauss, lorentz = np.exp(-np.log(2) * t**2), 1 / (1 + t**2)
        lines += p[f"height_{i + 1}"] * (p["fraction"] * lorentz + (1 - p["fraction"]) * gauss)
    steps = np.diff(energy) * (lines[1:] + lines[:-1]) / 2
    step = np.concatenate([[0.0], np.cumsum(steps)])
    middle = (energy[0] + energy[-1]) / 2
    return (
        lines
        + p["background_constant"]
        + p["background_slope"] * (energy - middle)
        + p["background_shirley"] * step
    )


def plain_fit(case):
    parameters = lmfit.create_params(
        center_1=284.6,
        fwhm_1=1.3,
        height_1=2500.0,
        fraction={"value": 0.3, "min": 0, "max": 1},
        center_2=286.7,
        fwhm_2=1.0,
        height_2=2000.0,
        background_constant=300.0,
        background_slope=0.0,
        background_shirley=0.01,
    )
    energy, counts = case.spectrum.energy.values, case.spectrum.values
    return lmfit.minimize(
        lambda p: (plain_curve(p, energy) - counts) / case.noise.values,
        parameters,
        scale_covar=False,
        **TIGHT,
    )


def found(peaks, name, suffix=""):
    stem, _, number = name.rpartition("_")
    if number.isdigit():
        return float(peaks[stem + suffix].isel(peak=int(number) - 1))
    variable = peaks[name + suffix]
    return float(variable if variable.ndim == 0 else variable[0])


def test_optimum_and_errors_are_those_of_plain_lmfit(two_peak_case, rough_start):
    twin = plain_fit(two_peak_case)
    peaks = refine(
        two_peak_case.spectrum, rough_start, background="shirley+linear", noise=two_peak_case.noise
    )
    assert peaks.status == Status.OK
    # Numerical derivatives stop a little above the minimum.
    assert float(peaks.redchi) == pytest.approx(twin.redchi, rel=1e-7)
    assert float(peaks.redchi) <= twin.redchi * (1 + 1e-9)
    assert float(peaks.bic) == pytest.approx(twin.bic, rel=1e-7)
    for name, parameter in twin.params.items():
        stderr = found(peaks, name, "_stderr")
        # lmfit's numerical derivatives are good to about 1e-4 of an error.
        assert found(peaks, name) == pytest.approx(parameter.value, abs=1e-3 * stderr)
        assert stderr == pytest.approx(parameter.stderr, rel=1e-3)


def test_errors_scaled_as_lmfit_scales_them(two_peak_case, rough_start):
    arguments = {"background": "shirley+linear", "noise": 3 * two_peak_case.noise}
    stated = refine(two_peak_case.spectrum, rough_start, **arguments)
    scaled = refine(two_peak_case.spectrum, rough_start, scale_errors=True, **arguments)
    factor = np.sqrt(float(stated.redchi))
    assert factor == pytest.approx(1 / 3, rel=0.1)
    np.testing.assert_allclose(scaled.area_stderr, factor * stated.area_stderr, rtol=1e-9)
    np.testing.assert_allclose(scaled.center_stderr, factor * stated.center_stderr, rtol=1e-9)


def test_own_models_of_lmfit_agree(make_case, make_hand_peaks):
    """`fraction` is a share of the height here and of the area in lmfit's pseudo-Voigt."""
    truth = make_hand_peaks((284.8,), (1.2,), (2000.0,), 0.4, background="linear")
    case = make_case(truth, seed=3)
    energy, counts = case.spectrum.energy.values, case.spectrum.values
    model = lmfit.models.PseudoVoigtModel() + lmfit.models.LinearModel()
    start = model.make_params(
        center=284.7, sigma=0.6, amplitude=2500, fraction=0.5, slope=0, intercept=400
    )
    twin = model.fit(
        counts,
        start,
        x=energy,
        weights=1 / case.noise.values,
        scale_covar=False,
        fit_kws=TIGHT,
    ).params
    peaks = refine(case.spectrum, truth, background="linear", noise=case.noise)
    one = peaks.isel(peak=0)
    assert float(one.center) == pytest.approx(twin["center"].value, abs=1e-6)
    assert float(one.fwhm) == pytest.approx(2 * twin["sigma"].value, rel=1e-5)
    assert float(one.area) == pytest.approx(twin["amplitude"].value, rel=1e-5)
    assert float(one.area_stderr) == pytest.approx(twin["amplitude"].stderr, rel=1e-3)
    assert float(one.fwhm_stderr) == pytest.approx(2 * twin["sigma"].stderr, rel=1e-3)
    gauss, lorentz = LINE_SHAPES["gaussian"], LINE_SHAPES["lorentzian"]
    whole = float(one.fraction * lorentz.area(0, 1, 1) + (1 - one.fraction) * gauss.area(0, 1, 1))
    share = float(one.fraction * lorentz.area(0, 1, 1)) / whole
    assert share == pytest.approx(twin["fraction"].value, rel=1e-4)


def test_a_parameter_on_its_limit_is_held_there(make_case, make_hand_peaks):
    """Noise lines that are narrower than a Lorentzian share of 0 allows: the share ends at 0."""
    truth = make_hand_peaks((284.8,), (1.2,), (2000.0,), 0.0, background="constant")
    case = make_case(truth, seed=None)
    dented = case.spectrum - 30 * (abs(case.spectrum.energy - 284.8) > 1.0)
    dented.attrs = case.spectrum.attrs
    peaks = refine(dented, truth, background="constant", noise=20.0)
    held = refine(dented, truth, background="constant", noise=20.0, constraints={"fraction": 0.0})
    assert peaks.status == Status.OK  # a Gaussian is a line as good as any
    assert held.status == Status.OK
    assert float(peaks.fraction[0]) == 0.0
    assert np.isnan(peaks.fraction_stderr[0])
    limit = {"fraction": (0.0, 0.9)}
    limited = refine(dented, truth, background="constant", noise=20.0, constraints=limit)
    batch = refine(dented, truth, background="constant", noise=20.0, engine="batch")
    for name in ("center", "fwhm", "height", "area"):
        np.testing.assert_allclose(peaks[name], held[name], rtol=1e-6)
        # A limit of the user is taken at his word. One of the shape is not: errors count the share.
        np.testing.assert_allclose(limited[f"{name}_stderr"], held[f"{name}_stderr"], rtol=1e-4)
        np.testing.assert_allclose(peaks[f"{name}_stderr"], batch[f"{name}_stderr"], rtol=1e-4)
    assert float(peaks.center_stderr[0]) == pytest.approx(float(held.center_stderr[0]), rel=1e-3)
    for name in ("fwhm", "height", "area"):
        assert float(peaks[f"{name}_stderr"][0]) > 1.1 * float(held[f"{name}_stderr"][0])


def test_a_start_on_a_limit_is_no_trap(two_peak_case, make_hand_peaks):
    start = make_hand_peaks((284.6, 286.7), (1.3, 1.0), (2500.0, 0.0), 0.0)
    expected = refine(two_peak_case.spectrum, two_peak_case.truth)
    peaks = refine(two_peak_case.spectrum, start)
    assert peaks.status == Status.OK
    np.testing.assert_allclose(peaks.center, expected.center, atol=1e-5)
    np.testing.assert_allclose(peaks.fraction, expected.fraction, atol=1e-4)


def test_lmfit_goes_on_where_refine_ended(two_peak_case, rough_start):
    spectrum, noise = two_peak_case.spectrum, two_peak_case.noise
    peaks = refine(spectrum, rough_start, noise=noise)
    model, params = to_lmfit(spectrum, peaks)
    assert isinstance(model, lmfit.Model)
    np.testing.assert_allclose(
        model.eval(params, energy=peaks.energy.values), curves(peaks).envelope, rtol=1e-12
    )
    result = model.fit(
        spectrum.values,
        params,
        energy=peaks.energy.values,
        weights=1 / noise.values,
        scale_covar=False,
        fit_kws=TIGHT,
    )
    assert result.redchi == pytest.approx(float(peaks.redchi), rel=1e-7)
    for name, parameter in result.params.items():
        assert params[name].stderr == pytest.approx(parameter.stderr, rel=1e-3)
        assert parameter.value == pytest.approx(params[name].value, abs=1e-3 * parameter.stderr)


@pytest.mark.parametrize("background", ["none", "linear", "shirley+linear", "tougaard"])
@pytest.mark.parametrize("line_shape", LINE_SHAPES)
def test_every_model_reaches_lmfit(line_shape, background, make_case, make_hand_peaks):
    case = make_case(make_hand_peaks((284.8, 286.4), (1.1, 1.3), (3000.0, 1500.0)))
    peaks = refine(
        case.spectrum, case.truth, line_shape=line_shape, background=background, noise=case.noise
    )
    model, params = to_lmfit(case.spectrum, peaks)
    np.testing.assert_allclose(
        model.eval(params, energy=peaks.energy.values), curves(peaks).envelope, rtol=1e-9, atol=1e-6
    )


def test_what_lies_on_a_limit_does_not_vary_in_lmfit(make_case, make_hand_peaks):
    case = make_case(make_hand_peaks((284.8,), (1.1,), (3000.0,), 0.0))
    _, params = to_lmfit(case.spectrum, case.truth)
    assert not params["fraction"].vary
    assert params["height_1"].min == 0.0


def test_only_one_spectrum_goes_to_lmfit(two_peak_case):
    several = two_peak_case.spectrum.expand_dims(x=3)
    with pytest.raises(ValueError, match="expected one spectrum"):
        to_lmfit(several, two_peak_case.truth)


def test_what_was_held_stays_held_in_lmfit(two_peak_case, rough_start):
    held = {"fwhm_1": 1.1, "fwhm_2": (0.01, None)}
    peaks = refine(two_peak_case.spectrum, rough_start, constraints=held)
    _, params = to_lmfit(two_peak_case.spectrum, peaks)
    assert not params["fwhm_1"].vary
    assert params["fwhm_2"].vary
    assert params["fwhm_1"].value == 1.1


@pytest.mark.parametrize("n_peaks", [0, 1])
def test_few_peaks_with_leading_dimensions_of_size_one(two_peak_case, make_hand_peaks, n_peaks):
    start = make_hand_peaks((284.8, 286.4)[:n_peaks] or (np.nan,), (1.0,), (900.0,))
    spectrum = two_peak_case.spectrum.expand_dims("x")
    peaks = refine(spectrum, start, covariance=True)
    model, params = to_lmfit(spectrum, peaks)
    assert sum(name.startswith("center") for name in params) == n_peaks
    curve = model.eval(params, energy=peaks.energy.values)
    np.testing.assert_allclose(curve, curves(peaks).envelope[0], rtol=1e-9)


LINKED = [
    {"constraints": {"center_2": "center_1 + 1.6", "fwhm_2": "1.2 * fwhm_1"}},
    {"constraints": {"center_2": "center_1 + (1.3, 1.9)", "height_2": "height_1 * (0.3, 0.8)"}},
    {"constraints": {"area_2": "0.6 * area_1", "fwhm_2": "fwhm_1 * (0.5, 2)"}},
    {
        "doublets": [
            doublet("X 3d", (1, 2), splitting=(1.4, 1.8), ratio=(0.3, 0.9), fwhm_ratio=(0.5, 2.0))
        ]
    },
    {"shared": ("fwhm", "fraction"), "constraints": {"height_2": "height_1 / 2"}},
]


@pytest.mark.parametrize("scale", ["binding", "kinetic"])
@pytest.mark.parametrize("arguments", LINKED, ids=range(len(LINKED)))
def test_links_and_doublets_go_to_lmfit_and_come_back(arguments, scale, make_case, make_hand_peaks):
    turned = scale == "kinetic" and "doublets" in arguments
    heights = (1500.0, 3000.0) if turned else (3000.0, 1500.0)
    truth = make_hand_peaks(
        (284.8, 286.4), (1.1, 1.3), heights, 0.35, background="shirley+linear", scale=scale
    )
    case = make_case(truth)
    peaks = refine(case.spectrum, truth, noise=case.noise, covariance=True, **arguments)
    assert peaks.status == Status.OK
    model, params = to_lmfit(case.spectrum, peaks)
    energy = peaks.energy.values
    np.testing.assert_allclose(model.eval(params, energy=energy), curves(peaks).envelope, rtol=1e-9)
    assert any(parameter.expr for parameter in params.values())
    result = model.fit(
        case.spectrum.values,
        params,
        energy=energy,
        weights=1 / case.noise.values,
        scale_covar=False,
        fit_kws=TIGHT,
    )
    assert result.redchi == pytest.approx(float(peaks.redchi), rel=1e-7)
    back = from_lmfit(result, peaks)
    assert back.status == Status.OK
    for name in ("center", "fwhm", "height", "area", "fraction"):
        errors = peaks[f"{name}_stderr"]
        assert (abs(back[name] - peaks[name]) <= 2e-3 * errors).all()
        # lmfit's numerical derivatives are good to about 1e-4 of an error.
        np.testing.assert_allclose(back[f"{name}_stderr"], errors, rtol=5e-3)
    np.testing.assert_allclose(back.bic, peaks.bic, rtol=1e-6)
    np.testing.assert_allclose(back.aic, peaks.aic, rtol=1e-6)
    scale_of = np.sqrt(np.diag(peaks.covariance))
    np.testing.assert_allclose(
        back.covariance / np.outer(scale_of, scale_of),
        peaks.covariance / np.outer(scale_of, scale_of),
        atol=1e-2,
    )
    assert list(back.parameter.values) == list(peaks.parameter.values)
    assert back.attrs == peaks.attrs


def test_parameters_alone_come_back_as_they_went(two_peak_case, rough_start):
    peaks = refine(two_peak_case.spectrum, rough_start, noise=two_peak_case.noise)
    _, params = to_lmfit(two_peak_case.spectrum, peaks)
    back = from_lmfit(params, peaks)
    for name in ("center", "fwhm", "height", "fraction", "area", "background_shirley"):
        np.testing.assert_allclose(back[name], peaks[name], rtol=1e-12)
    np.testing.assert_allclose(back.center_stderr, peaks.center_stderr, rtol=1e-12)
    assert "redchi" not in back
    params["center_1"].set(value=285.0)
    assert float(from_lmfit(params, peaks).center[0]) == 285.0


def test_a_held_background_is_part_of_the_model(two_peak_case):
    spectrum = two_peak_case.spectrum
    drawn = static_background(spectrum, "shirley")
    peaks = refine(spectrum, two_peak_case.truth, background=drawn, noise=two_peak_case.noise)
    model, params = to_lmfit(spectrum, peaks)
    curve = model.eval(params, energy=peaks.energy.values)
    np.testing.assert_allclose(curve, curves(peaks).envelope, rtol=1e-9)
    assert "background_constant" not in params
    back = from_lmfit(params, peaks)
    np.testing.assert_array_equal(back.background, peaks.background)


def test_peaks_of_leading_dimensions_of_size_one_come_back_over_them(two_peak_case):
    peaks = refine(two_peak_case.spectrum.expand_dims("x"), two_peak_case.truth)
    _, params = to_lmfit(two_peak_case.spectrum, peaks)
    back = from_lmfit(params, peaks)
    assert back.center.dims == ("x", "peak")
    np.testing.assert_allclose(back.area, peaks.area)


def test_parameters_of_another_model_are_refused(two_peak_case, rough_start):
    peaks = refine(two_peak_case.spectrum, rough_start)
    _, params = to_lmfit(two_peak_case.spectrum, peaks)
    del params["fwhm_2"]
    with pytest.raises(ValueError, match="none named fwhm_2"):
        from_lmfit(params, peaks)
