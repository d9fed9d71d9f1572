"""Spectra in the one orientation of the numerics, and peaks back on the user's scale."""

import numpy as np
import pytest

import xpsnet
from xpsnet.data.peaks import PeakArrays, curves, peaks_from_numerics
from xpsnet.data.spectrum import make_spectrum
from xpsnet.data.spectrum_arrays import mirror_factors, spectrum_arrays

BOUND = np.linspace(280.0, 292.0, 121)
COUNTS = np.arange(2 * 121, dtype=float).reshape(2, 121)
AXES = {
    "binding": ("binding", BOUND, COUNTS, 1),
    "binding, descending": ("binding", BOUND[::-1], COUNTS[:, ::-1], 1),
    "kinetic": ("kinetic", (1486.6 - BOUND)[::-1], COUNTS[:, ::-1], -1),
    "kinetic, descending": ("kinetic", 1486.6 - BOUND, COUNTS, -1),
}


@pytest.mark.parametrize("name", AXES)
def test_arrays_ascend_with_binding_energy(name):
    scale, energy, counts, sign = AXES[name]
    spectra = make_spectrum(counts, energy, dims=("x", "energy"), scale=scale)
    arrays = spectrum_arrays(spectra)
    assert (np.diff(arrays.energy) > 0).all()
    np.testing.assert_array_equal(arrays.counts, COUNTS)
    assert arrays.counts.flags.c_contiguous
    assert arrays.orientation.sign == sign
    assert arrays.shape == (2,)
    # The way back is the same step again.
    back = arrays.orientation.points(arrays.orientation.energies(arrays.energy))
    np.testing.assert_array_equal(back, energy)
    np.testing.assert_array_equal(arrays.orientation.points(arrays.counts), counts)


@pytest.mark.parametrize("name", AXES)
def test_peaks_come_out_on_the_scale_of_the_spectra(name):
    scale, energy, counts, sign = AXES[name]
    arrays = spectrum_arrays(make_spectrum(counts, energy, dims=("x", "energy"), scale=scale))
    offset = 0.0 if sign > 0 else -1486.6  # binding-like energies of a kinetic axis are negative
    names = ["center_1", "height_1", "background_slope"]
    matrix = np.arange(1.0, 10.0).reshape(3, 3)
    found = PeakArrays(
        "gaussian",
        "linear",
        {"center": np.full((2, 1), 285.0 + offset), "fwhm": np.full((2, 1), 1.2),
         "height": np.full((2, 1), 100.0)},
        {"constant": np.full(2, 30.0), "slope": np.full(2, 2.0)},
        np.zeros(2, dtype=int),
        covariance=(names, np.stack([matrix, 2 * matrix])),
        others={"noise": np.array([1.0, 2.0])},
    )  # fmt: skip
    peaks = peaks_from_numerics(arrays, found, {"region": "C 1s"})
    assert peaks.sizes == {"x": 2, "peak": 1, "energy": 121, "parameter": 3, "parameter_2": 3}
    np.testing.assert_allclose(peaks.center, sign * (285.0 + offset))
    np.testing.assert_allclose(peaks.background_slope, sign * 2.0)
    factors = np.array([sign, 1.0, sign])
    np.testing.assert_array_equal(peaks.covariance[1], 2 * matrix * np.outer(factors, factors))
    assert peaks.noise.values.tolist() == [1.0, 2.0]
    drawn = curves(peaks).envelope.values[0]
    line = 100.0 * np.exp(-4 * np.log(2) * ((BOUND - 285.0) / 1.2) ** 2)
    expected = 30.0 + 2.0 * (BOUND - 286.0) + line
    np.testing.assert_allclose(arrays.orientation.points(drawn), expected, rtol=1e-9)


def test_a_held_background_is_stored_in_the_order_of_the_spectra():
    scale, energy, counts, _ = AXES["kinetic"]
    arrays = spectrum_arrays(make_spectrum(counts, energy, dims=("x", "energy"), scale=scale))
    absent = {name: np.full((2, 1), np.nan) for name in ("center", "fwhm", "height")}
    found = PeakArrays("gaussian", "none", absent, {}, np.ones(2, int), background_curve=COUNTS)
    peaks = peaks_from_numerics(arrays, found)
    np.testing.assert_array_equal(peaks.background, counts)
    assert peaks.attrs["background"] == "curve"


def test_factors_of_a_mirrored_scale():
    names = ["center_1", "center_offset_2", "fwhm_1", "background_slope", "background_constant"]
    assert mirror_factors(names, -1).tolist() == [-1, -1, 1, -1, 1]
    assert (mirror_factors(names, 1) == 1).all()


@pytest.mark.parametrize("call", ["predict", "fit", "refine"])
def test_more_points_than_a_spectrum_has_are_refused_with_what_to_do(monkeypatch, call):
    spectrum = xpsnet.sample("spectrum")
    peaks = xpsnet.predict(spectrum)
    monkeypatch.setattr("xpsnet.data.spectrum_arrays.MAX_POINTS", 140)
    monkeypatch.setattr("xpsnet.data.spectrum_arrays._USUAL_POINTS", 71)
    function = getattr(xpsnet, call)
    started = (peaks,) if call == "refine" else ()
    message = r"at most 140 points .* got 281 from 280 to 294 eV; .*energy=4, boundary=\"trim\"\)"
    with pytest.raises(ValueError, match=message):
        function(spectrum, *started)
    # What the message says helps.
    thinned = function(spectrum.coarsen(energy=4, boundary="trim").mean(), *started)
    np.testing.assert_allclose(thinned.center, peaks.center, atol=0.05)
    function(spectrum, *started, energy_range=(283.0, 289.95))


def test_a_long_axis_is_cropped_before_it_is_refused(monkeypatch):
    monkeypatch.setattr("xpsnet.data.spectrum_arrays.MAX_POINTS", 140)
    assert xpsnet.crop(xpsnet.sample("spectrum"), (283, 290)).sizes["energy"] == 141
