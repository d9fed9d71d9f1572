"""Peaks that are shifted stay those of the shifted spectrum."""

import numpy as np
import pytest

import xpsnet
from xpsnet.samples import sample_truth


@pytest.mark.parametrize("scale", ["binding", "kinetic"])
def test_shifted_peaks_describe_the_shifted_spectrum(scale: str) -> None:
    spectrum = xpsnet.sample("spectrum")
    if scale == "kinetic":
        spectrum = xpsnet.to_kinetic(spectrum)
    peaks = xpsnet.refine(spectrum, xpsnet.predict(spectrum, n_peaks=3))
    moved = peaks.xps.shift(1.25)
    np.testing.assert_allclose(moved["center"], peaks["center"] + 1.25)
    np.testing.assert_allclose(
        xpsnet.curves(moved)["envelope"], xpsnet.curves(peaks)["envelope"], rtol=1e-6
    )
    left = xpsnet.residual(spectrum.xps.shift(1.25), moved)
    before = xpsnet.residual(spectrum, peaks)
    assert float(left["redchi"]) == pytest.approx(float(before["redchi"]), rel=1e-6)


def test_energies_of_constraints_move_and_distances_do_not() -> None:
    peaks = sample_truth("spectrum")
    peaks = xpsnet.constrain_peak(peaks, 1, "center", min=284.0, max=286.0)
    peaks = xpsnet.constrain_peak(peaks, 2, "center", link="center_1 + 1.7")
    rules = peaks.xps.shift(-2.0).xps.peak_limits()
    assert (rules[1, "center"].min, rules[1, "center"].max) == (282.0, 284.0)
    assert rules[2, "center"].link == "center_1 + 1.7"
    again = peaks.xps.shift(-2.0).xps.shift(2.0)
    assert again.attrs["constraints"] == peaks.attrs["constraints"]
    assert again.attrs["energy_range"] == pytest.approx(peaks.attrs["energy_range"])


def test_an_offset_is_finite() -> None:
    with pytest.raises(ValueError, match="finite energy offset"):
        sample_truth("spectrum").xps.shift(np.nan)
