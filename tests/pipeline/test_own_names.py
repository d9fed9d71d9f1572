"""Coordinates and dimensions that a user calls like ours are kept, under a name of their own."""

import numpy as np
import pytest

import xpsnet
from xpsnet.data.peaks import curves, make_peaks
from xpsnet.data.spectrum import make_spectrum

ENERGY = np.linspace(280.0, 292.0, 121)
NAMES = {
    "label": list("abc"), "status": [1, 2, 3], "center": [1.0, 2, 3], "noise": [1.0, 2, 3],
    "start": [0, 1, 2], "area": [5.0, 6, 7], "n_peaks": [1, 1, 1], "background": [1.0, 2, 3],
    "partner": [0, 0, 0], "count": [1, 2, 3], "component": [1, 2, 3], "center_stderr": [1, 2, 3],
}  # fmt: skip


def spectra(dims=("sample", "energy")):
    peaks = make_peaks(
        ENERGY, ("sample",), scale="binding", line_shape="gaussian", background="constant",
        parameters={"center": np.full((3, 1), 285.0), "fwhm": 1.2, "height": 900.0},
        background_parameters={"constant": np.full(3, 50.0)}, status=np.zeros(3),
    )  # fmt: skip
    counts = np.random.default_rng(0).poisson(curves(peaks).envelope.values).astype(float)
    return make_spectrum(counts, ENERGY, dims=dims, scale="binding", name="C 1s")


@pytest.mark.parametrize("name", NAMES)
def test_a_coordinate_is_kept_through_fit_refine_and_curves(name):
    given = spectra().assign_coords({name: ("sample", NAMES[name])})
    peaks = xpsnet.fit(given, device="cpu")
    assert peaks[f"spectra_{name}"].values.tolist() == NAMES[name]
    plain = xpsnet.fit(spectra(), device="cpu")
    assert set(plain.data_vars) == set(peaks.data_vars)
    np.testing.assert_array_equal(plain.center, peaks.center)
    again = xpsnet.refine(given, peaks)
    assert again[f"spectra_{name}"].values.tolist() == NAMES[name]
    assert xpsnet.predict(given, device="cpu")[f"spectra_{name}"].dims == ("sample",)
    assert xpsnet.curves(peaks).envelope.shape == (3, 121)


@pytest.mark.parametrize("name", ["peak", "count", "parameter"])
def test_a_dimension_is_kept_too(name):
    given = spectra((name, "energy"))
    peaks = xpsnet.fit(given, device="cpu", covariance=True)
    assert peaks["n_peaks"].dims == (f"spectra_{name}",)
    assert xpsnet.refine(given, peaks, covariance=True)["n_peaks"].dims == (f"spectra_{name}",)


def test_other_names_stay_as_they_are():
    given = spectra().assign_coords(file=("sample", list("xyz")))
    assert xpsnet.fit(given, device="cpu")["file"].values.tolist() == list("xyz")
