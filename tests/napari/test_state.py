"""Choices as frozen data, the calls they mean, and the Python text that does the same."""

import dataclasses
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xpsnet
from napari_xpsnet._state import (
    BACKGROUNDS,
    FIT_BACKGROUNDS,
    LINE_SHAPES,
    PEAK_COUNTS,
    STATE_COUNTS,
    EnergyAxis,
    FitState,
    script,
)
from xpsnet.fitting.select.model_choice import MOST_STATES
from xpsnet.numerics.backgrounds import BACKGROUNDS as KNOWN
from xpsnet.numerics.lineshapes import LINE_SHAPES as KNOWN_SHAPES


def test_choices_are_those_of_the_library() -> None:
    assert tuple(KNOWN) == BACKGROUNDS
    assert {name.removeprefix("static ") for name in FIT_BACKGROUNDS} == {*BACKGROUNDS, "auto"}
    assert PEAK_COUNTS == ("auto", 0, 1, 2, 3, 4, 5, 6)
    assert ("auto", *range(1, MOST_STATES + 1)) == STATE_COUNTS
    # The line of the paper is drawn, but not offered.
    assert {*LINE_SHAPES} == {*KNOWN_SHAPES, "auto"} - {"park2020"}


def test_a_fit_chooses_everything_by_default() -> None:
    defaults = inspect.signature(xpsnet.fit).parameters
    for name, value in FitState().keywords().items():
        assert value == defaults[name].default
    assert {"n_peaks", "n_states", "line_shape", "background"} <= set(FitState().keywords())


def test_state_is_frozen_and_names_one_call() -> None:
    state = FitState(energy_range=(292.0, 282.0), refine=False)
    assert state.function == "predict"
    assert FitState().function == "fit"
    assert "energy_range" not in FitState().keywords()
    assert state.keywords() == {
        "model": "default",
        "n_peaks": "auto",
        "energy_range": (292.0, 282.0),
    }
    with pytest.raises(dataclasses.FrozenInstanceError):
        state.model = "other"  # type: ignore[misc]


def test_pixel_selects_one_spectrum(small_map: xr.DataArray) -> None:
    assert FitState(pixel={"y": 2, "x": 1}).select(small_map).dims == ("energy",)
    assert FitState(pixel={}).select(small_map) is not None
    assert FitState().select(small_map) is small_map


def test_energy_axis_says_what_the_file_does_not(small_map: xr.DataArray) -> None:
    silent = small_map.drop_attrs(deep=False)
    axis = EnergyAxis(scale="kinetic", photon_energy=1486.6, offset=900.0, show="binding")
    shown = axis.apply(silent)
    assert shown.attrs["scale"] == "binding"
    np.testing.assert_allclose(
        shown["energy"], 1486.6 - (small_map["energy"].values + 900.0), rtol=1e-12
    )
    np.testing.assert_array_equal(shown.values, small_map.values)


def test_energy_axis_that_says_nothing_changes_nothing(small_map: xr.DataArray) -> None:
    xr.testing.assert_identical(EnergyAxis().apply(small_map), small_map)
    assert EnergyAxis().keywords() == {}


def test_conversion_without_photon_energy_is_refused(small_map: xr.DataArray) -> None:
    silent = small_map.assign_attrs(scale="kinetic")
    del silent.attrs["photon_energy"]
    with pytest.raises(ValueError, match="photon energy > 0 eV"):
        EnergyAxis(show="binding").apply(silent)


def run(text: str) -> dict[str, Any]:
    """Execute a script and give its names."""
    names: dict[str, Any] = {}
    exec(compile(text, "script", "exec"), names)
    return names


def test_script_of_a_sample_repeats_the_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    state = FitState(refine=False, pixel={"position": 30}, background="linear", n_peaks=3)
    axis = EnergyAxis(offset=0.25)
    found = run(script(state, axis, {"call": "sample", "name": "line_scan"}))
    spectrum = axis.apply(xpsnet.sample("line_scan")).isel(position=30)
    again = xpsnet.predict(spectrum, **state.keywords())
    np.testing.assert_allclose(found["peaks"]["center"], again["center"])
    assert (tmp_path / "peaks.nc").exists()


ORIGINS: dict[str, tuple[EnergyAxis, Mapping[str, Any], list[str]]] = {
    "file": (
        EnergyAxis(),
        {"call": "read", "name": "a.vms", "region": "O 1s", "given": {}},
        ["spectra = xpsnet.read_one('a.vms', region='O 1s')"],
    ),
    "file, described when it was opened and in the dock": (
        EnergyAxis(offset=0.5, show="binding"),
        {
            "call": "read",
            "name": "a.csv",
            "region": 2,
            "given": {"scale": "kinetic", "photon_energy": 1486.6, "energy_offset": 1.0},
        },
        [
            "spectra = xpsnet.read_one('a.csv', region=2, scale='kinetic', photon_energy=1486.6, "
            "energy_offset=1.5)",
            "spectra = xpsnet.to_binding(spectra)",
        ],
    ),
    "own session": (
        EnergyAxis(scale="binding", offset=-0.5),
        {},
        [
            'spectra = viewer.layers[\'my "map"\'].metadata["as_read"]',
            "spectra = spectra.assign_attrs(scale='binding')",
            "spectra = spectra.xps.shift(-0.5)",
        ],
    ),
}


@pytest.mark.parametrize(("axis", "origin", "expected"), ORIGINS.values(), ids=ORIGINS.keys())
def test_script_starts_from_where_the_spectra_came(
    axis: EnergyAxis, origin: Mapping[str, Any], expected: list[str]
) -> None:
    lines = script(FitState(), axis, origin, layer='my "map"').splitlines()
    assert lines[:2] == ["import xpsnet", ""]
    assert lines[2 : 2 + len(expected)] == expected
    assert lines[-1] == 'xpsnet.write(peaks, "peaks.nc")'


def test_refining_repeats_what_the_peaks_carry(small_map: xr.DataArray) -> None:
    start = xpsnet.samples.sample_truth("spectrum")
    state = FitState(start=start, n_peaks=3, line_shape="voigt")
    assert state.function == "refine"
    assert state.keywords() == {"peaks": start}
    limited = FitState(start=start, background="linear", energy_range=(290.0, 283.0))
    assert limited.keywords() == {
        "peaks": start,
        "background": "linear",
        "energy_range": (290.0, 283.0),
    }
