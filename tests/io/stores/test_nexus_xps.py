"""NeXus by the definition NXxps, as its text demands and as the validator of pynxtools reads it."""

import logging
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr

import xpsnet

# What the definition requires and files of instruments seldom state.
KNOWN = {
    "acquired": "2026-01-02T03:04:05+01:00",
    "work_function": 4.5,
    "lens_scheme": "angular dispersive",
    "analyzer_scheme": "hemispherical",
    "analyzer_mode": "FAT",
    "energy_resolution": 0.4,
}
REQUIRED = {
    "definition": "NXxps",
    "title": "Si 2p",
    "start_time": "2026-01-02T03:04:05+01:00",
    "method": "X-ray photoelectron spectroscopy (XPS)",
    "instrument/energy_resolution/physical_quantity": "energy",
    "instrument/energy_resolution/resolution": 0.4,
    "instrument/beam_probe/incident_energy": 1486.6,
    "instrument/electronanalyzer/work_function": 4.5,
    "instrument/electronanalyzer/collectioncolumn/scheme": "angular dispersive",
    "instrument/electronanalyzer/energydispersion/scheme": "hemispherical",
    "instrument/electronanalyzer/energydispersion/pass_energy": 20.0,
    "instrument/electronanalyzer/energydispersion/energy_scan_mode": "fixed_analyzer_transmission",
    "sample/name": "line_scan",
}


def spectrum(**attrs: Any) -> xr.DataArray:
    """One spectrum of two states, within a line scan."""
    return xpsnet.sample("line_scan").isel(position=30).assign_attrs(attrs)


@pytest.fixture(scope="module")
def peaks() -> xr.Dataset:
    """Fit with two states, and what `quantify` finds for its lines."""
    fit = xpsnet.fit(spectrum(), n_states=2, background="linear")
    found = xpsnet.quantify(fit, level="peak", transmission=None)
    found = found.swap_dims(row="peak").reset_coords(drop=True)
    return fit.assign(found[["atomic_fraction", "sensitivity_factor"]])


def texts(values: Any) -> Any:
    """Stored text as a text."""
    return values.decode() if isinstance(values, bytes) else values


def test_what_the_definition_requires_is_in_its_place(tmp_path: Path) -> None:
    xpsnet.write(spectrum(**KNOWN), tmp_path / "a.nxs")
    with h5py.File(tmp_path / "a.nxs") as file:
        entry = file["Si_2p"]
        assert {name: texts(entry[name][()]) for name in REQUIRED} == REQUIRED
        assert entry["definition"].attrs["version"] == "v2026.01"
        assert [texts(one) for one in entry["transitions"][()]] == ["Si 2p"]
        assert (entry["data"].attrs["signal"], entry["data/data"].shape) == ("data", (141,))
        assert entry["data/energy"].attrs["type"] == "binding"
        assert "electron_detector" in entry["instrument/electronanalyzer"]
        assert "notes" not in entry


def test_what_is_not_known_is_named_and_not_invented(tmp_path: Path) -> None:
    xpsnet.write(spectrum(acquired="last week", analyzer_scheme="a good one"), tmp_path / "a.nxs")
    with h5py.File(tmp_path / "a.nxs") as file:
        entry = file["Si_2p"]
        note = texts(entry["notes/description"][()])
        missing = [name for name in REQUIRED if name not in entry and "resolution" not in name]
    assert missing == [
        "start_time",
        "instrument/electronanalyzer/work_function",
        "instrument/electronanalyzer/collectioncolumn/scheme",
        "instrument/electronanalyzer/energydispersion/scheme",
        "instrument/electronanalyzer/energydispersion/energy_scan_mode",
    ]
    assert note.endswith(", ".join(missing))


def test_a_time_without_its_zone_and_a_scan_mode_of_its_own_are_said(tmp_path: Path) -> None:
    stated = {**KNOWN, "acquired": "2026-01-02T03:04:05", "energy_scan_mode": "sweep"}
    xpsnet.write(spectrum(**stated), tmp_path / "a.nxs")
    with h5py.File(tmp_path / "a.nxs") as file:
        entry = file["Si_2p"]
        mode = entry["instrument/electronanalyzer/energydispersion/energy_scan_mode"]
        assert (texts(mode[()]), bool(mode.attrs["custom"])) == ("sweep", True)
        note = texts(entry["notes/description"][()])
    assert note.endswith("written: the time zone of start_time")


def test_a_fit_has_its_curves_parameters_and_fractions(tmp_path: Path, peaks: xr.Dataset) -> None:
    path = tmp_path / "a.nxs"
    xpsnet.write(peaks, path, spectra=spectrum(**KNOWN))
    xr.testing.assert_identical(xpsnet.read_fit(path)[0], peaks)
    assert xpsnet.read_one(path).identical(spectrum(**KNOWN))
    drawn = xpsnet.curves(peaks)
    with h5py.File(path) as file:
        fit = file["Si_2p/fit"]
        np.testing.assert_array_equal(fit["data/fit_sum"], drawn["envelope"])
        np.testing.assert_array_equal(fit["data/input_dependent"], spectrum())
        np.testing.assert_allclose(
            fit["data/residual"][()] + fit["data/fit_sum"][()], spectrum(), rtol=1e-12
        )
        np.testing.assert_array_equal(fit["background_1/data/intensity"], drawn["background"])
        assert texts(fit["background_1/function/function_type"][()]) == "Linear"
        assert [name for name in fit if name.startswith("peak_")] == [
            "peak_1", "peak_2", "peak_3", "peak_4",
        ]  # fmt: skip
        for k in range(4):
            peak, one = fit[f"peak_{k + 1}"], peaks.isel(peak=k)
            np.testing.assert_array_equal(peak["data/intensity"], drawn["component"].isel(peak=k))
            np.testing.assert_array_equal(peak["data/position"], peaks["energy"])
            parameters = peak["function/fit_parameters"]
            assert parameters["position"][()] == float(one["center"])
            assert parameters["position_errors"][()] == float(one["center_stderr"])
            assert parameters["width"].attrs["units"] == "eV"
            assert peak["total_area"][()] == float(one["area"])
            assert peak["relative_atomic_concentration"][()] == float(one["atomic_fraction"])
            assert peak["relative_sensitivity_factor"][()] == float(one["sensitivity_factor"])
            assert texts(peak["function/function_type"][()]) == "Gaussian-Lorentzian Sum"
            assert texts(peak["label"][()]).startswith("Si 2p")


def test_a_line_scan_keeps_its_positions_beside_those_of_the_peaks(tmp_path: Path) -> None:
    scan = xpsnet.sample("line_scan")[:3]
    fitted = xpsnet.predict(scan, device="cpu")
    xpsnet.write(fitted, tmp_path / "a.nxs", spectra=scan)
    xr.testing.assert_identical(xpsnet.read_fit(tmp_path / "a.nxs")[0], fitted)
    with h5py.File(tmp_path / "a.nxs") as file:
        data = file["Si_2p/fit/peak_1/data"]
        assert list(data.attrs["axes"]) == ["line_position", "position"]
        np.testing.assert_array_equal(data["line_position"], scan["position"])
        assert data["intensity"].shape == (3, fitted.sizes["energy"])


def test_peaks_without_spectra_and_without_curves(
    tmp_path: Path, peaks: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xpsnet.io.stores.nexus_xps._MAX_CURVES", 100)
    xpsnet.write(peaks, tmp_path / "a.nxs")
    xr.testing.assert_identical(xpsnet.read_fit(tmp_path / "a.nxs")[0], peaks)
    with h5py.File(tmp_path / "a.nxs") as file:
        entry = file["Si_2p"]
        assert "fit" not in entry
        assert entry.attrs["default"] == "peak_table"
        assert "xpsnet.curves makes them" in texts(entry["notes/description"][()])


def test_files_of_older_versions_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.nxs"
    array = xpsnet.sample("line_scan")[:3]
    xpsnet.write(array, path)
    with h5py.File(path, "a") as file:  # they kept all attributes at the arrays themselves
        entry = file["Si_2p"]
        entry["data"].attrs["xpsnet_kind"] = "spectra"
        for name, group in entry["xpsnet_spectra"].items():
            for key, value in group.attrs.items():
                if key != "NX_class":
                    entry["data"][name].attrs[key] = value
        del entry["xpsnet_spectra"]
    assert xpsnet.read_one(path).identical(array)


def test_a_file_without_its_data_is_refused(tmp_path: Path) -> None:
    xpsnet.write(spectrum(), tmp_path / "a.nxs")
    with h5py.File(tmp_path / "a.nxs", "a") as file:
        del file["Si_2p/data"]
    with pytest.raises(xpsnet.ReadError, match="expected NXdata with counts, got no such group"):
        xpsnet.read(tmp_path / "a.nxs")


def test_the_residual_of_spectra_with_their_own_charge_shift_is_noise(tmp_path: Path) -> None:
    scan = xpsnet.sample("map")[:2, :3]
    shift = xr.DataArray(np.linspace(-1.0, 1.0, 6).reshape(2, 3), dims=("y", "x"))
    scan = scan.assign_coords(charge_shift=shift.assign_attrs(units="eV"))
    fitted = xpsnet.fit(scan, n_states=2)
    xpsnet.write(fitted, tmp_path / "a.nxs", spectra=scan)
    with h5py.File(tmp_path / "a.nxs") as file:
        data = file["C_1s/fit/data"]
        np.testing.assert_array_equal(file["C_1s/energy_referencing/offset"], shift)
        relative = data["residual"][()] / np.sqrt(np.maximum(data["fit_sum"][()], 1.0))
    assert np.sqrt(np.mean(relative**2)) < 2.0


def test_a_coordinate_called_data_keeps_its_name(tmp_path: Path) -> None:
    array = spectrum().assign_coords(data=3.0)
    xpsnet.write(array, tmp_path / "a.nxs")
    assert xpsnet.read_one(tmp_path / "a.nxs").identical(array)


@pytest.mark.parametrize("what", ["spectrum", "line scan", "map", "fit"])
def test_the_validator_of_pynxtools_accepts_it(
    tmp_path: Path,
    peaks: xr.Dataset,
    what: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    validation = pytest.importorskip("pynxtools.dataconverter.validate_file")
    # pynxtools keeps its messages from the root logger, where pytest listens.
    monkeypatch.setattr(logging.getLogger("pynxtools"), "propagate", True)
    path = tmp_path / "a.nxs"
    if what == "fit":
        xpsnet.write(peaks, path, spectra=spectrum(**KNOWN))
    else:
        name = {"line scan": "line_scan"}.get(what, what)
        xpsnet.write(xpsnet.sample(name).assign_attrs(KNOWN), path)
    with caplog.at_level(logging.INFO, logger="pynxtools"):
        validation.validate(str(path))
    said = [one for one in caplog.records if one.name.startswith("pynxtools")]
    assert [one.message for one in said if one.levelno >= logging.WARNING] == []
    assert any("is valid according to" in one.message for one in said)
