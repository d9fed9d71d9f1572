"""Prediction in the states of a level with two lines."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.data.peaks import curves
from xpsnet.data.spectrum import make_spectrum, to_kinetic
from xpsnet.data.status import Status
from xpsnet.models import doublet_states, prediction
from xpsnet.numerics.lineshapes import LINE_SHAPES

predict = partial(prediction.predict, device="cpu")
ENERGY = np.linspace(158.0, 172.0, 281)
STATES = np.array([162.0, 163.6, 168.2])
HEIGHTS = np.array([4000.0, 2500.0, 3000.0])
SPLITTING, RATIO = 1.18, 0.5


def _spectra(n: int = 6) -> xr.DataArray:
    """Three states of S 2p on a flat background."""
    line = LINE_SHAPES["pseudo_voigt"].value
    curve = np.full(ENERGY.size, 400.0)
    for center, height in zip(STATES, HEIGHTS, strict=True):
        curve += line(ENERGY, center, 0.9, height, 0.2)
        curve += RATIO * line(ENERGY, center + SPLITTING, 0.9, height, 0.2)
    counts = np.random.default_rng(1).poisson(curve, (n, ENERGY.size)).astype(float)
    return make_spectrum(
        counts, ENERGY, dims=("row", "energy"), scale="binding", name="S 2p", photon_energy=1486.6
    )


def test_states_are_found_with_both_lines() -> None:
    peaks = predict(_spectra(), doublet="S 2p")
    assert (peaks["n_states"] == 3).mean() > 0.8
    good = peaks.isel(row=np.flatnonzero(peaks["n_states"] == 3)[0])
    assert int(good["n_peaks"]) == 6
    assert good["n_peaks_probability"]["count"].values.tolist() == [0, 2, 4, 6, 8, 10, 12]
    order = np.argsort(good["center"].values[:6])
    assert (order == np.arange(6)).all()
    state, partner = good["state"].values[:6], good["partner"].values[:6]
    for number in (1, 2, 3):
        first, second = np.flatnonzero(state == number)
        assert (partner[first], partner[second]) == (second + 1, first + 1)
        assert good["center"].values[second] - good["center"].values[first] == pytest.approx(
            SPLITTING
        )
        assert good["height"].values[second] == pytest.approx(RATIO * good["height"].values[first])
        assert good["center"].values[first] == pytest.approx(STATES[number - 1], abs=0.1)
    drawn = curves(good, energy=ENERGY)["envelope"].values
    assert np.abs(drawn - _spectra().values.mean(axis=0)).max() < 400


def test_numbers_say_the_same_as_the_level() -> None:
    by_name, by_numbers = (predict(_spectra(2), doublet=one) for one in ("S 2p", (1.18, 0.5)))
    np.testing.assert_allclose(by_name["center"], by_numbers["center"], atol=0.02)


def test_kinetic_twin_is_mirrored() -> None:
    spectra = _spectra(2)
    binding, kinetic = (
        predict(spectra, doublet="S 2p"),
        predict(to_kinetic(spectra), doublet="S 2p"),
    )
    mirrored = 1486.6 - kinetic["center"].values
    np.testing.assert_allclose(np.sort(mirrored), np.sort(binding["center"].values), atol=1e-3)
    assert (kinetic["n_states"] == binding["n_states"]).all()


def test_every_number_of_states() -> None:
    peaks = predict(_spectra(2), doublet="S 2p", all_counts=True)
    assert peaks.sizes["count"] == 7
    found = np.isfinite(peaks["center"]).sum("peak")
    assert (found == peaks["count"]).all()
    asked = predict(_spectra(2), doublet="S 2p", n_peaks=4)
    assert (asked["n_states"] == 2).all()


@pytest.mark.parametrize("doublet", ["S 2p", (SPLITTING, RATIO)])
def test_a_refinement_keeps_both_lines_tied(doublet: Any) -> None:
    spectrum = _spectra(1).isel(row=0)
    peaks = predict(spectrum, doublet=doublet)
    refined = xpsnet.refine(spectrum, peaks)
    assert (refined["partner"] == peaks["partner"]).all()
    center, area = refined["center"].values, refined["area"].values
    for first, second in enumerate(peaks["partner"].values - 1):
        assert abs(center[second] - center[first]) == pytest.approx(SPLITTING, rel=0.1)
        if second > first:
            assert area[second] / area[first] == pytest.approx(RATIO, rel=0.2)
    assert center[0] == pytest.approx(STATES[0], abs=0.02)


def test_a_splitting_that_was_not_trained_is_said() -> None:
    assert (predict(_spectra(2), doublet=(9.0, 0.5))["status"] == Status.OUTSIDE_MODEL).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"doublet": "C 1s"}, "level with two lines"),
        ({"doublet": "survey"}, "level with two lines"),
        ({"doublet": (1.2,)}, "splitting .eV. > 0 and ratio"),
        ({"doublet": (0.0, 0.5)}, "splitting .eV. > 0 and ratio"),
        ({"doublet": (1.2, 1.5)}, "at most 0.9"),
        ({"doublet": "S 2p", "n_peaks": 3}, "an even number from 0 to 12"),
        ({"doublet": "S 2p", "model": "park2020"}, "answers in the states of a doublet"),
        ({"model": "doublets"}, "expected a doublet for model 'doublets', got none"),
    ],
)
def test_refusals(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        predict(_spectra(1), **arguments)


def test_levels_of_the_tables() -> None:
    _, ranges = doublet_states.ranges_of("Pt 4f")
    assert (ranges.splitting[1], ranges.ratio[1]) == (
        pytest.approx(3.33, abs=0.05),
        pytest.approx(0.75),
    )
