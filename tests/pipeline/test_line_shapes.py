"""fit() with the names that CasaXPS gives line shapes: for all candidates, or one for each peak."""

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.data.peaks import curves, make_peaks
from xpsnet.data.spectrum import make_spectrum

ENERGY = np.linspace(526.0, 540.0, 141)
CENTERS, FRACTIONS = (530.2, 533.9), (0.3, 0.8)


def _spectrum(name: str) -> xr.DataArray:
    """Two Gaussian-Lorentzian products of different shares, far from each other."""
    truth = make_peaks(
        ENERGY,
        (),
        scale="binding",
        line_shape="gl_product",
        background="constant",
        parameters={
            "center": np.array(CENTERS),
            "fwhm": np.array([1.3, 1.5]),
            "height": np.array([2e4, 1e4]),
            "fraction": np.array(FRACTIONS),
        },
        background_parameters={"constant": 500.0},
        status=0,
    )
    counts = np.random.default_rng(3).poisson(curves(truth).envelope.values).astype(float)
    return make_spectrum(counts, ENERGY, scale="binding", name=name)


@pytest.mark.parametrize(("region", "in_states"), [("O 1s", True), ("window", False)])
def test_a_name_of_casaxps_holds_its_number_in_all_peaks(region: str, in_states: bool) -> None:
    peaks = xpsnet.fit(_spectrum(region), line_shape="GL(30)", background="linear")
    assert ("n_states" in peaks) is in_states
    assert peaks.attrs["line_shape"] == "gl_product"
    exists = np.isfinite(peaks.center.values)
    np.testing.assert_allclose(peaks.fraction.values[exists], 0.3, atol=1e-12)
    np.testing.assert_allclose(peaks.center.values[:1], CENTERS[0], atol=0.02)


def test_the_powers_of_a_lorentzian_are_held_in_every_state() -> None:
    peaks = xpsnet.fit(_spectrum("O 1s"), line_shape="LA(1.2, 1.4, 160)", n_states=2)
    assert peaks.attrs["line_shape"] == "asymmetric_lorentzian"
    assert int(peaks.n_states) == 2
    np.testing.assert_allclose(peaks.exponent_high.values, 1.2, atol=1e-12)
    np.testing.assert_allclose(peaks.exponent_low.values, 1.4, atol=1e-12)


def test_each_peak_has_its_own_shape() -> None:
    spectrum = _spectrum("O 1s")
    given = {"n_peaks": 2, "background": "constant"}
    peaks = xpsnet.fit(spectrum, line_shape=["GL(30)", "gl_product"], **given)
    np.testing.assert_allclose(peaks.fraction.values, FRACTIONS, atol=0.03)
    assert peaks.fraction.values[0] == pytest.approx(0.3, abs=1e-12)
    mixed = xpsnet.fit(spectrum, line_shape=["GL(30)", "voigt"], **given)
    assert mixed.line_shape.values.tolist() == ["gl_product", "voigt"]
    np.testing.assert_allclose(mixed.center.values, CENTERS, atol=0.02)


def test_shapes_of_a_map_stay_at_their_places() -> None:
    spectra = xr.concat([_spectrum("O 1s")] * 8, dim="x").transpose("x", "energy")
    given = {"line_shape": ["GL(30)", "voigt"], "n_peaks": 2, "background": "constant"}
    peaks = xpsnet.fit(spectra, **given)
    np.testing.assert_allclose(peaks.center.values, [CENTERS] * 8, atol=0.02)
    with pytest.raises(ValueError, match="one line shape for all peaks with follow"):
        xpsnet.fit(spectra, follow=True, **given)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"line_shape": ["GL(30)", "voigt"]}, "expected n_peaks beside a sequence of line shapes"),
        ({"line_shape": ["GL(30)"], "n_states": 1}, "expected n_peaks beside a sequence"),
        ({"line_shape": ["GL(30)", "voigt"], "n_peaks": 3}, "one for each of 3 peaks"),
        ({"line_shape": "GX(30)"}, "a name of CasaXPS such as"),
    ],
)
def test_misuse_is_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        xpsnet.fit(_spectrum("O 1s"), **options)
