from contextlib import nullcontext

import numpy as np
import pytest
import xarray as xr

from xpsnet.chemistry.calibrate import calibrate
from xpsnet.data.peaks import curves
from xpsnet.data.spectrum import make_spectrum, shift, to_binding, to_kinetic
from xpsnet.samples import sample, sample_truth
from xpsnet.xpsnet_warning import XpsnetWarning

# A parabola through the summit of a line with a shoulder is some 0.01 eV off, noise aside.
TOLERANCE = 0.03


def _true_maximum(name: str, **isel: int) -> float:
    fine = np.linspace(283.0, 287.0, 4001)
    envelope = curves(sample_truth(name).isel(isel), fine)["envelope"]
    return float(fine[np.argmax(envelope.values)])


@pytest.mark.parametrize("moved", [-3.2, 0.0, 1.7, 4.4])
@pytest.mark.parametrize("scale", ["binding", "kinetic"])
def test_a_charged_spectrum_comes_back(moved: float, scale: str) -> None:
    true = sample("spectrum")
    charged = shift(true, moved)
    if scale == "kinetic":
        charged = to_kinetic(charged)
    # Far below, the carboxyl line lies nearer to 284.8 eV than hydrocarbon.
    nearer = (
        pytest.warns(XpsnetWarning, match="is higher or nearer") if moved < -3 else nullcontext()
    )
    with nearer:
        fixed = calibrate(charged)
    expected = moved + _true_maximum("spectrum") - 284.8
    assert fixed.attrs["charge_shift"] == pytest.approx(expected, abs=TOLERANCE)
    assert fixed.attrs["charge_reference"] == "C 1s 284.8 eV"
    assert fixed.attrs["scale"] == scale
    axis = to_binding(fixed)["energy"].values
    np.testing.assert_allclose(axis, true["energy"], atol=TOLERANCE)
    np.testing.assert_array_equal(fixed.values, true.values)


def test_noisy_pixels() -> None:
    pixels = sample("map").isel(y=slice(0, 64, 16), x=slice(0, 64, 8))
    errors = [
        calibrate(pixels.isel(y=y, x=x)).attrs["charge_shift"]
        + 284.8
        - _true_maximum("map", y=16 * y, x=8 * x)
        for y in range(4)
        for x in range(8)
    ]
    assert np.std(errors) < 0.03
    assert abs(np.mean(errors)) < 0.02


def test_a_stack_is_moved_by_its_mean() -> None:
    stack = sample("map")
    fixed = calibrate(stack)
    # Charging grows from 0 to 0.1 eV over the map.
    assert fixed.attrs["charge_shift"] == pytest.approx(0.05, abs=TOLERANCE)
    assert calibrate(stack.chunk(y=16)).attrs["charge_shift"] == pytest.approx(
        fixed.attrs["charge_shift"]
    )


def test_calibrating_again_changes_next_to_nothing() -> None:
    once = calibrate(shift(sample("spectrum"), 2.0))
    again = calibrate(once)
    assert again.attrs["charge_shift"] == pytest.approx(once.attrs["charge_shift"], abs=1e-9)
    other = calibrate(once, to=285.0)
    assert other.attrs["charge_shift"] == pytest.approx(once.attrs["charge_shift"] - 0.2, abs=1e-6)


@pytest.mark.parametrize("first", [False, True], ids=["as measured", "already calibrated"])
def test_another_region_gives_the_reference(first: bool) -> None:
    carbon = shift(sample("spectrum"), 1.5)
    carbon = calibrate(carbon) if first else carbon
    silicon = shift(sample("line_scan"), 1.5)
    fixed = calibrate(silicon, reference=carbon)
    np.testing.assert_allclose(fixed["energy"], sample("line_scan")["energy"], atol=TOLERANCE)


@pytest.mark.parametrize("direction", [1, -1])
def test_missing_points_and_either_direction(direction: int) -> None:
    holed = shift(sample("spectrum"), 1.0).isel(energy=slice(None, None, direction)).copy()
    holed[40:60] = np.nan
    assert calibrate(holed).attrs["charge_shift"] == pytest.approx(1.0, abs=TOLERANCE)


@pytest.mark.parametrize("start", [0.0, 0.2, 0.4, 0.6, 0.8])
def test_coarse_steps_of_a_survey(start: float) -> None:
    energy = np.arange(start, 1200.0)
    counts = 2000.0 + energy + 6000.0 * np.exp(-4 * np.log(2) * ((energy - 286.0) / 2.0) ** 2)
    counts = np.random.default_rng(3).poisson(counts)
    found = calibrate(make_spectrum(counts, energy, scale="binding")).attrs["charge_shift"]
    assert found == pytest.approx(1.2, abs=0.1)  # a tenth of the step


def test_any_line_by_its_energy() -> None:
    silicon = sample("line_scan").isel(position=0)
    fixed = calibrate(shift(silicon, 0.8), line="Si 2p3/2", to=99.3)
    # The other line of the doublet pulls the summit by 0.03 eV.
    assert fixed.attrs["charge_shift"] == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("line", ["C 1s", "C1s", "c 1S", "C_1s", "1: C 1s"])
def test_every_spelling_of_the_line_is_accepted(line: str) -> None:
    charged = shift(sample("spectrum"), 2.0)
    xr.testing.assert_identical(calibrate(charged, line=line), calibrate(charged))


@pytest.mark.parametrize(
    ("line", "name"),
    [("Au 4f7/2", "Au 4f7/2"), ("au4f", "Au 4f7/2"), ("Au 4f 7/2", "Au 4f7/2")],
)
def test_a_level_stands_for_its_line_of_the_table(line: str, name: str) -> None:
    energy = np.arange(80.0, 92.0, 0.05)
    counts = 200.0 + 5000.0 * np.exp(-4 * np.log(2) * ((energy - 84.96) / 0.8) ** 2)
    fixed = calibrate(make_spectrum(counts, energy, scale="binding"), line=line)
    assert fixed.attrs["charge_reference"] == f"{name} 83.96 eV"
    assert fixed.attrs["charge_shift"] == pytest.approx(1.0, abs=1e-3)


def test_with_a_given_energy_any_name_will_do() -> None:
    silicon = sample("line_scan").isel(position=0)
    for line, name in (("si2p3/2", "Si 2p3/2"), ("my line", "my line")):
        assert calibrate(silicon, line=line, to=99.3).attrs["charge_reference"] == f"{name} 99.3 eV"


def _flat(counts: np.ndarray) -> xr.DataArray:
    return make_spectrum(counts, np.linspace(275.0, 295.0, counts.size), scale="binding")


RAMP = np.linspace(0.0, 1000.0, 201)
REFUSED = {
    "other region": (sample("line_scan"), {}, "cover 95.0 to 109.0 eV binding energy; pass ref"),
    "unknown line": (sample("spectrum"), {"line": "Xx 1s"}, "got 'Xx 1s'; pass to="),
    "other line of the doublet": (sample("spectrum"), {"line": "Au 4f5/2"}, "got 'Au 4f5/2'"),
    "noise": (_flat(np.random.default_rng(1).poisson(100.0, 201)), {}, "got none above"),
    "ramp": (_flat(RAMP), {}, "expected a line C 1s within 5 eV of 284.8 eV, got none"),
    "constant": (_flat(np.ones(201)), {}, "got none above the noise"),
    "no counts": (_flat(np.full(201, np.nan)), {}, "expected finite counts"),
    "few points": (sample("spectrum"), {"search": 0.1}, "at least 7 points within 0.1 eV"),
}


@pytest.mark.parametrize(("spectra", "options", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(spectra: xr.DataArray, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        calibrate(spectra, **options)


def test_kinetic_spectra_need_their_photon_energy() -> None:
    kinetic = to_kinetic(sample("spectrum"))
    del kinetic.attrs["photon_energy"]
    with pytest.raises(ValueError, match=r"pass photon_energy=1486\.6"):
        calibrate(kinetic)


def test_energies_that_crowd_take_no_grid_of_their_steps() -> None:
    true = sample("spectrum")
    # Most steps are 1e-12 of the range: on an even grid, terabytes.
    crowd = 290.0 + 1e-11 * np.arange(1, 400)
    axis = np.sort(np.concatenate([true["energy"].values, crowd]))
    counts = np.interp(axis, true["energy"], true)
    crowded = make_spectrum(counts, axis, scale="binding")
    found = calibrate(crowded).attrs["charge_shift"]
    assert found == pytest.approx(calibrate(true).attrs["charge_shift"], abs=TOLERANCE)
