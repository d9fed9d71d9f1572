"""Sessions: equal after a round trip, refused where they are damaged, made again by their code."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.io.stores import session as session_file
from xpsnet.io.stores.session import SESSION_ATTR, is_session, session_path


def _map() -> xr.DataArray:
    return xpsnet.sample("map").isel(y=slice(0, 3), x=slice(0, 4))


@pytest.fixture(scope="module")
def session() -> xpsnet.Session:
    """A spectrum with constraints, a line scan, a map with single pixels, and a calibration."""
    spectrum = xpsnet.sample("spectrum")
    peaks = xpsnet.fit(spectrum, n_peaks=3)
    peaks = xpsnet.constrain_peak(peaks, 2, "center", link="center_1 + 1.7")
    peaks = xpsnet.constrain_peak(peaks, 1, "fwhm", min=0.5, max=1.5)
    peaks = xpsnet.change_peak(peaks, 3, label="O-C=O")
    image = _map()
    fitted = xpsnet.fit(image, n_peaks=2)
    one = xpsnet.fit(image.isel(y=1, x=2), n_peaks=1)
    scan = xpsnet.sample("line_scan").isel(position=slice(0, 4))
    shifts = {"dims": ["position"], "values": [0.1, 0.2, 0.30000000000000004, 1 / 3]}
    return xpsnet.Session(
        [
            xpsnet.SessionRegion(
                spectrum,
                name="sample A / C 1s",
                energy_range=(280.5, 292.25),
                peaks=peaks,
                origin={"call": "sample", "name": "spectrum"},
                settings={"n_states": "auto", "live": True, "width": None, "list": [1, 2.5, "a"]},
            ),
            xpsnet.SessionRegion(
                image,
                peaks=fitted,
                single=[({"y": 1, "x": 2}, one), ({"y": 0, "x": 0}, None)],
                settings={"fit": {"function": "fit", "keywords": {"n_peaks": 2}}},
            ),
            xpsnet.SessionRegion(
                scan,
                steps=[
                    ("assign_attrs", {"photon_energy": 1486.6}),
                    ("shift", {"energy_offset": 0.25}),
                    ("set_charge_shift", {"charge_shift": shifts, "reference": "C 1s 284.8 eV"}),
                    ("to_kinetic", {}),
                ],
            ),
        ],
        peak_sets={"my set": peaks},
        view={"active": 1, "theme": "dark", "log": False},
    )


@pytest.mark.parametrize("small", [0, 200_000], ids=["peaks in groups", "peaks in the text"])
def test_a_session_is_equal_after_a_round_trip(
    session: xpsnet.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    monkeypatch.setattr(session_file, "_SMALL", small)
    path = xpsnet.write_session(tmp_path / "monday", session)
    assert path.name == "monday.xps.nc"
    again = xpsnet.read_session(path)
    assert again.identical(session)
    for old, new in zip(session.regions, again.regions, strict=True):
        xr.testing.assert_identical(old.spectra, new.spectra)
        assert new.spectra.dtype == old.spectra.dtype
        if old.peaks is not None:
            for name, variable in old.peaks.variables.items():
                kinds = {variable.dtype.kind, new.peaks[name].dtype.kind}
                assert variable.dtype == new.peaks[name].dtype or kinds <= {"U", "O"}, name
    assert [path] == list(tmp_path.iterdir())


def test_peaks_go_on_after_a_round_trip(session: xpsnet.Session, tmp_path: Path) -> None:
    path = xpsnet.write_session(tmp_path / "a.xps.nc", session)
    for old, new in zip(session.regions[:2], xpsnet.read_session(path).regions[:2], strict=True):
        before = xpsnet.refine(old.on_axis(), old.peaks)
        xr.testing.assert_identical(xpsnet.refine(new.on_axis(), new.peaks), before)


def test_steps_give_the_axis_of_the_peaks(session: xpsnet.Session) -> None:
    scan = session.regions[2]
    found = scan.on_axis()
    assert found.attrs["scale"] == "kinetic"
    shifted = 1486.6 - (scan.spectra.energy.values + 0.25)
    np.testing.assert_array_equal(found.energy, shifted)
    assert found.charge_shift.values.tolist() == [0.1, 0.2, 0.30000000000000004, 1 / 3]


def test_other_readers_find_spectra_and_peaks(session: xpsnet.Session, tmp_path: Path) -> None:
    path = xpsnet.write_session(tmp_path / "a.xps.nc", session)
    spectra = xpsnet.read(path, scale="binding")
    assert [one.shape for one in spectra] == [r.spectra.shape for r in session.regions]
    peaks = xpsnet.read_fit(path)
    assert len(peaks) == 2
    xr.testing.assert_equal(peaks[0].center, session.regions[0].peaks.center)
    xr.testing.assert_equal(spectra[1], session.regions[1].spectra)
    assert spectra[0].name == "C 1s"
    again = xpsnet.refine(spectra[0], peaks[0])
    assert float(again.center[1] - again.center[0]) == pytest.approx(1.7)


ATTRS: dict[str, Any] = {
    "none": None, "truth": True, "nested": {"a": [1, {"b": "c"}]}, "empty": [], "one": [1.0],
    "nul": "a\0b", "units": "seconds since the start", "large": 2**80, "_FillValue": 3.0,
    "coordinates": "x y", "array": np.array([1.5, 2.5]), "text": "µ \ud800", "nan": float("inf"),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTRS)
def test_attributes_of_any_kind_are_kept(name: str, tmp_path: Path) -> None:
    spectrum = xpsnet.sample("spectrum")
    spectrum.attrs[name] = ATTRS[name]
    spectrum["energy"].attrs[f"x_{name}"] = ATTRS[name]
    session = xpsnet.Session([xpsnet.SessionRegion(spectrum)])
    again = xpsnet.read_session(xpsnet.write_session(tmp_path / "a", session))
    xr.testing.assert_identical(again.regions[0].spectra, session.regions[0].spectra)


def test_coordinates_of_any_kind_are_kept(tmp_path: Path) -> None:
    scan = xpsnet.sample("line_scan").isel(position=slice(0, 3))
    scan = scan.assign_coords(
        {
            "two words": ("position", ["a", "bc", ""]),
            "when": ("position", np.array(["2026-01-01", "NaT", "2026-03-01"], "datetime64[ns]")),
            "good": ("position", [True, False, True]),
            "counts": ("energy", np.arange(scan.sizes["energy"], dtype=np.int16)),
            "etch_time": 30.0,
        }
    ).astype(np.float32)
    session = xpsnet.Session([xpsnet.SessionRegion(scan)])
    again = xpsnet.read_session(xpsnet.write_session(tmp_path / "a", session)).regions[0].spectra
    xr.testing.assert_identical(again, scan)
    assert {n: again[n].dtype.kind for n in ("when", "good", "counts")} == {
        "when": "M", "good": "b", "counts": "i",
    }  # fmt: skip
    assert again.dtype == np.float32


def test_what_no_file_holds_is_refused(tmp_path: Path) -> None:
    spectrum = xpsnet.sample("spectrum")
    bad = xpsnet.SessionRegion(spectrum.assign_attrs(thing=object()))
    with pytest.raises(ValueError, match=r"got object for attrs\['thing'\] of counts; convert it"):
        xpsnet.write_session(tmp_path / "a", xpsnet.Session([bad]))
    slash = xpsnet.SessionRegion(spectrum.assign_coords({"a/b": 1}))
    with pytest.raises(ValueError, match="without a slash, got 'a/b'"):
        xpsnet.write_session(tmp_path / "a", xpsnet.Session([slash]))
    assert not list(tmp_path.iterdir())


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "step": ({"steps": [("eval", {})]}, "expected steps of .* got 'eval'"),
    "settings": ({"settings": {"a": object()}}, "got object for settings"),
    "no peaks": ({"peaks": xr.Dataset()}, "expected a peaks Dataset"),
    "pixel": ({"single": [({"y": 0}, None)]}, "expected the index of one spectrum of {}"),
}


@pytest.mark.parametrize(("given", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_regions_that_make_no_sense_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        xpsnet.SessionRegion(xpsnet.sample("spectrum"), **given)


def test_peaks_of_other_spectra_are_refused(session: xpsnet.Session) -> None:
    with pytest.raises(ValueError, match="expected peaks of spectra with"):
        xpsnet.SessionRegion(xpsnet.sample("map"), peaks=session.regions[1].peaks)
    with pytest.raises(ValueError, match="expected peaks of one spectrum, got dimensions"):
        xpsnet.Session(peak_sets={"a": session.regions[1].peaks})


@pytest.mark.parametrize(
    ("typed", "name"),
    [("a", "a.xps.nc"), ("a.nc", "a.xps.nc"), ("a.xps.nc", "a.xps.nc"), ("a.b", "a.b.xps.nc"),
     ("A.XPS.NC", "A.XPS.NC")],
)  # fmt: skip
def test_the_ending_is_added_where_it_is_missing(typed: str, name: str) -> None:
    assert session_path(typed).name == name


def test_files_of_others_are_not_replaced(tmp_path: Path) -> None:
    path, session = tmp_path / "a.xps.nc", xpsnet.Session()
    path.write_bytes(b"measured")
    with pytest.raises(FileExistsError, match="which exists; choose another name"):
        xpsnet.write_session(path, session)
    assert path.read_bytes() == b"measured"
    xpsnet.write_session(path, session, overwrite=True)
    assert xpsnet.read_session(path).identical(session)
    with pytest.raises(FileNotFoundError, match="an existing folder"):
        xpsnet.write_session(tmp_path / "no" / "a", session)


def _changed(path: Path, change: Any) -> None:
    """Change the text of a session."""
    import h5py

    with h5py.File(path, "r+") as file:
        text = json.loads(file["session"][()])
        change(text)
        file["session"][()] = json.dumps(text)


DAMAGES: dict[str, Any] = {
    "no regions": lambda text: text.pop("regions"),
    "regions of another kind": lambda text: text.update(regions="abc"),
    "no such group": lambda text: text["regions"][0]["spectra"].update(group="/nowhere"),
    "a group outside": lambda text: text["regions"][0]["spectra"].update(group="../x"),
    "unknown step": lambda text: text["regions"][0].update(steps=[["exec", {}]]),
    "no range": lambda text: text["regions"][0].update(energy_range=["a", 2]),
    "a type that runs": lambda text: text["peak_sets"]["my set"]["data_vars"]["center"].update(
        dtype="O"
    ),
    "peaks of another place": lambda text: text["regions"][1]["single"][0].__setitem__(
        0, {"y": 99, "x": 0}
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_sessions_are_refused(damage: str, session: xpsnet.Session, tmp_path: Path) -> None:
    path = xpsnet.write_session(tmp_path / "a", session)
    _changed(path, DAMAGES[damage])
    with pytest.raises(xpsnet.ReadError, match="expected a session of xpsnet"):
        xpsnet.read_session(path)


def test_other_files_and_newer_sessions_are_refused(tmp_path: Path) -> None:
    import h5py

    xpsnet.write(xpsnet.sample("spectrum"), tmp_path / "spectra.nc")
    with pytest.raises(xpsnet.ReadError, match="a session of xpsnet, got another file"):
        xpsnet.read_session(tmp_path / "spectra.nc")
    assert not is_session(tmp_path / "spectra.nc")
    path = xpsnet.write_session(tmp_path / "a", xpsnet.Session())
    assert is_session(path)
    with h5py.File(path, "r+") as file:
        file.attrs[SESSION_ATTR] = "99"
    with pytest.raises(xpsnet.ReadError, match="version 1 or older, got version 99; install"):
        xpsnet.read_session(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(xpsnet.ReadError):
        xpsnet.read_session(path)


def test_the_code_makes_the_session_again(session: xpsnet.Session) -> None:
    code = xpsnet.session_script(session)
    made: dict[str, Any] = {}
    exec(compile(code, "session.py", "exec"), made)
    assert made["session"].identical(session)
    for old, new in zip(session.regions, made["session"].regions, strict=True):
        assert new.spectra.dtype == old.spectra.dtype
        np.testing.assert_array_equal(new.spectra.values, old.spectra.values)
    assert 'xpsnet.sample("spectrum")' in code.replace("'", '"')
    assert "peaks = xpsnet.fit(region.on_axis(), n_peaks=2)" in code


def test_the_code_reads_files_that_have_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "measured.nc"
    spectra = _map()
    xpsnet.write(spectra, path)
    origin = {"call": "read", "name": str(path), "region": 0, "given": {}}
    session = xpsnet.Session([xpsnet.SessionRegion(spectra, origin=origin)])
    code = xpsnet.session_script(session)
    assert "xpsnet.read_one(" in code
    assert "unpacked" not in code
    xpsnet.write(spectra + 1, path, overwrite=True)
    code = xpsnet.session_script(session)
    assert "xpsnet.read_one(" not in code
    made: dict[str, Any] = {}
    exec(compile(code, "session.py", "exec"), made)
    assert made["session"].identical(session)


def test_the_code_runs_in_a_process_of_its_own(session: xpsnet.Session, tmp_path: Path) -> None:
    (tmp_path / "session.py").write_text(
        xpsnet.session_script(session) + 'xpsnet.write_session("made", session)\n',
        encoding="utf-8",
    )
    subprocess.run([sys.executable, "session.py"], cwd=tmp_path, check=True, timeout=300)
    assert xpsnet.read_session(tmp_path / "made.xps.nc").identical(session)
