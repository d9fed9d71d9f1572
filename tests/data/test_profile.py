"""Profiles: shares by hand, their errors by simulation, refusals."""

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.samples import sample_truth

AREAS = np.array([[30.0, 60.0, 10.0], [50.0, np.nan, 50.0], [np.nan, np.nan, np.nan]])
ERRORS = np.array([[3.0, 4.0, 2.0], [1.0, np.nan, 2.0], [np.nan, np.nan, np.nan]])


@pytest.fixture
def peaks() -> xr.Dataset:
    """Three spectra of a depth profile with known areas."""
    truth = sample_truth("line_scan").isel(position=slice(0, 3))
    dims = truth["area"].dims
    three = xr.concat([truth.isel(peak=0)] * 3, "peak", data_vars="minimal", coords="minimal")
    three = three.assign_coords(peak=[1, 2, 3]).transpose(*dims, ...)
    seconds = ("position", [0.0, 30.0, 90.0], {"units": "s"})
    attrs = truth["area"].attrs
    return three.assign(
        area=(dims, AREAS, attrs), area_stderr=(dims, ERRORS), status=truth["status"]
    ).assign_coords(etch_time=seconds)


def test_shares_by_hand(peaks: xr.Dataset) -> None:
    found = xpsnet.profile(peaks)
    expected = [[30, 60, 10], [50, np.nan, 50], [np.nan] * 3]
    np.testing.assert_allclose(found["area_percent"], expected)
    np.testing.assert_array_equal(found["area"], AREAS)
    assert found["area"].attrs == peaks["area"].attrs
    assert found["area_percent"].attrs["units"] == "%"
    xr.testing.assert_identical(found, peaks.xps.profile())


def test_errors_of_shares_are_the_spread_of_simulated_areas(peaks: xr.Dataset) -> None:
    areas = np.random.default_rng(3).normal(AREAS[0], ERRORS[0], (200_000, 3))
    spread = 100 * (areas / areas.sum(axis=1, keepdims=True)).std(axis=0)
    found = xpsnet.profile(peaks)["area_percent_stderr"].values
    np.testing.assert_allclose(found[0], spread, rtol=0.02)
    assert found[1, 0] == found[1, 2] == pytest.approx(50 * np.sqrt(5) / 100)


def test_peaks_that_are_off_have_no_share(peaks: xr.Dataset) -> None:
    found = xpsnet.profile(peaks.assign(enabled=("peak", [True, False, True])))
    np.testing.assert_allclose(found["area_percent"][0], [75, np.nan, 25])
    assert np.isnan(found["center"][0, 1])


def test_along_another_coordinate(peaks: xr.Dataset) -> None:
    found = xpsnet.profile(peaks, along="etch_time")
    assert found["area"].dims == ("etch_time", "peak")
    assert found["etch_time"].attrs["units"] == "s"
    assert xpsnet.profile(peaks, along="position")["area"].dims == ("position", "peak")


def test_a_row_of_a_map() -> None:
    row = sample_truth("map").isel(y=3)
    found = xpsnet.profile(row)
    assert found["center"].dims == ("x", "peak")
    assert found["label"].values.tolist() == row["label"].values.tolist()


def test_refusals(peaks: xr.Dataset) -> None:
    with pytest.raises(ValueError, match=r"got \{'y': 64, 'x': 64\}; choose a row"):
        xpsnet.profile(sample_truth("map"))
    with pytest.raises(ValueError, match="got one spectrum"):
        xpsnet.profile(sample_truth("spectrum"))
    with pytest.raises(ValueError, match=r"'etch_time'.* got 'depth'"):
        xpsnet.profile(peaks, along="depth")
    with pytest.raises(ValueError, match="expected peaks with areas"):
        xpsnet.profile(peaks.drop_vars("area"))


def test_lines_of_a_state_are_one(peaks: xr.Dataset) -> None:
    """Lines 2 and 3 are a doublet in the first spectrum; in the second line 3 is state 2."""
    state = (peaks["area"].dims, [[1, 2, 2], [1, 0, 2], [0, 0, 0]], {"long_name": "state"})
    found = xpsnet.profile(peaks.assign(state=state), by="state")
    np.testing.assert_allclose(found["area"], [[30, 70], [50, 50], [np.nan, np.nan]])
    np.testing.assert_allclose(found["area_percent"], found["area"])
    np.testing.assert_allclose(found["area_stderr"][:2], [[3, 6], [1, 2]])
    np.testing.assert_array_equal(found["center"][0], peaks["center"].values[0, :2])
    assert found["area"].attrs == peaks["area"].attrs
    assert found["peak"].values.tolist() == [1, 2]
    for labels, expected in (
        (["state 1", "state 2", "state 3"], ["state 1", "state 2"]),
        (["Si", "SiO2", ""], ["Si", "SiO2"]),
    ):
        named = peaks.assign(state=state).assign_coords(label=("peak", labels))
        assert xpsnet.profile(named, by="state")["label"].values.tolist() == expected
    with pytest.raises(ValueError, match="expected peaks with states"):
        xpsnet.profile(peaks.drop_vars("state", errors="ignore"), by="state")
