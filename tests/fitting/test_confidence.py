"""confidence(): intervals by profile and bootstrap, beside standard errors."""

import numpy as np
import pytest

from xpsnet.data.peaks import curves, make_peaks
from xpsnet.data.spectrum import make_spectrum
from xpsnet.fitting.confidence import confidence
from xpsnet.fitting.lmfit_exchange import from_lmfit, to_lmfit
from xpsnet.fitting.refine import refine

ENERGY = np.linspace(280.0, 291.0, 111)


def fitted(scale="binding", distance=3.0, **options):
    """A spectrum of two peaks, and its fit."""
    center = np.array([284.0, 284.0 + distance])
    truth = make_peaks(
        ENERGY, (), scale="binding", line_shape="gaussian", background="constant",
        parameters={"center": center, "fwhm": 1.2, "height": np.array([900.0, 400.0])},
        background_parameters={"constant": 200.0}, status=0,
    )  # fmt: skip
    counts = np.random.default_rng(2).poisson(curves(truth).envelope.values).astype(float)
    energy = ENERGY if scale == "binding" else 1486.6 - ENERGY
    spectrum = make_spectrum(counts, energy, scale=scale)
    starts = truth if scale == "binding" else None
    if starts is None:
        starts = make_peaks(
            energy, (), scale=scale, line_shape="gaussian", background="constant",
            parameters={"center": 1486.6 - center, "fwhm": 1.2, "height": 500.0},
            background_parameters={"constant": 200.0}, status=0,
        )  # fmt: skip
    noise = np.sqrt(curves(truth).envelope.values)
    return spectrum, refine(spectrum, starts, background="constant", noise=noise, **options), noise


@pytest.mark.parametrize("method", ["profile", "bootstrap"])
@pytest.mark.parametrize("scale", ["binding", "kinetic"])
def test_intervals_of_separate_peaks_are_standard_errors(method, scale):
    spectrum, peaks, noise = fitted(scale)
    found = confidence(spectrum, peaks, method=method, noise=noise, n_replicas=1500)
    # 1500 replicas give an interval to 4 %; a profile is a parabola to 5 % here.
    for name in ("center", "fwhm", "height"):
        width = (found[f"{name}_upper"] - found[f"{name}_lower"]) / 2
        np.testing.assert_allclose(width, peaks[f"{name}_stderr"], rtol=0.15)
        middle = (found[f"{name}_upper"] + found[f"{name}_lower"]) / 2
        assert (abs(middle - peaks[name]) < 0.3 * peaks[f"{name}_stderr"]).all()
    assert found.attrs["method"] == method
    assert found["center_lower"].attrs["units"] == "eV"
    assert "background_constant_upper" in found
    assert "area_lower" in found


def test_the_same_seed_gives_the_same_intervals():
    spectrum, peaks, noise = fitted()
    one, other, third = (
        confidence(spectrum, peaks, method="bootstrap", noise=noise, n_replicas=50, seed=seed)
        for seed in (1, 1, 2)
    )
    assert one.identical(other)
    assert not one.equals(third)


def test_what_was_held_has_no_interval():
    spectrum, peaks, noise = fitted(constraints={"fwhm_1": 1.2})
    for method in ("profile", "bootstrap"):
        found = confidence(spectrum, peaks, method=method, noise=noise, n_replicas=50)
        assert np.isnan(found["fwhm_lower"][0])
        assert np.isfinite(found["fwhm_lower"][1])


def test_a_wider_level_is_wider():
    spectrum, peaks, noise = fitted(distance=1.0)
    narrow, wide = (confidence(spectrum, peaks, level=p, noise=noise) for p in (0.68, 0.95))
    assert (wide["center_lower"] < narrow["center_lower"]).all()
    assert (wide["center_upper"] > narrow["center_upper"]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "guess"}, 'expected method from "profile", "bootstrap"'),
        ({"level": 68}, "above 0 below 1, got level=68"),
        ({"n_replicas": 1}, "from 10 to 1000000, got n_replicas=1"),
    ],
)
def test_misuse_is_refused(options, message):
    spectrum, peaks, _ = fitted()
    with pytest.raises(ValueError, match=message):
        confidence(spectrum, peaks, **options)
    with pytest.raises(ValueError, match="expected one spectrum"):
        confidence(spectrum.expand_dims(x=2), peaks)
    with pytest.raises(ValueError, match="expected a spectrum with peaks"):
        confidence(spectrum, peaks.where(peaks.center > 400))


@pytest.mark.parametrize("scale", ["binding", "kinetic"])
def test_a_width_that_equals_another_one(scale):
    spectrum, peaks, noise = fitted(scale, constraints={"fwhm_2": "fwhm_1"})
    found = confidence(spectrum, peaks, noise=noise)
    low, high = found["fwhm_lower"], found["fwhm_upper"]
    assert low[0] < peaks.fwhm[0] < high[0]
    assert np.isnan(low[1])
    model, params = to_lmfit(spectrum, peaks)
    assert params["fwhm_2"].expr == "fwhm_1"
    options = {"energy": spectrum.energy.values, "weights": 1 / noise, "scale_covar": False}
    again = from_lmfit(model.fit(spectrum.values, params, **options), peaks)
    np.testing.assert_allclose(again.fwhm, peaks.fwhm, rtol=1e-5)


def test_the_order_of_the_energies_changes_no_draw():
    spectrum, peaks, noise = fitted()
    options = {"method": "bootstrap", "n_replicas": 20}
    found = confidence(spectrum, peaks, noise=noise, **options)
    other = confidence(spectrum[::-1], peaks, noise=noise[::-1], **options)
    for name in found.data_vars:
        np.testing.assert_allclose(other[name], found[name], rtol=1e-9)
