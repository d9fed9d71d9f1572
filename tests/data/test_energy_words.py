"""Units, scales and reference levels in words, and what they do to arrays and stores alike."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.data.energy_words import (
    OtherLevelError,
    ev_per_unit,
    is_energy_name,
    scale_of_words,
    to_binding_energies,
    unit_of_label,
)
from xpsnet.data.spectrum import check_spectra

CORE = np.linspace(280.0, 292.0, 121)
BELOW_FERMI = np.linspace(-8.0, 0.98, 450)
FERMI = [
    "E-EF (eV)",
    "E - E_F / eV",
    "E \u2212 E_F [eV]",
    "$E-E_{\\mathrm{F}}$ (eV)",
    "E-E_Fermi",
    "Ekin - EF",
    "E_minus_EF",
    "energy_rel_EF",
    "Energy vs. E_F",
    "Energy relative to Fermi level (eV)",
]
OTHER_LEVELS = ["E-E_VBM (eV)", "E - E_vac", "Energy above VBM", "Energy relative to vacuum level"]


@pytest.mark.parametrize("label", FERMI)
def test_energies_from_the_fermi_level_have_many_names(label: str) -> None:
    assert scale_of_words(label) == "fermi"
    assert is_energy_name(label)


@pytest.mark.parametrize("label", OTHER_LEVELS)
def test_another_level_is_refused(label: str) -> None:
    with pytest.raises(OtherLevelError, match="counted from the Fermi level, got the label"):
        scale_of_words(label)


@pytest.mark.parametrize(
    ("label", "scale"),
    [
        ("BE", "binding"),
        ("B.E. (eV)", "binding"),
        ("Binding energy rel. to E_F (eV)", "binding"),
        ("E_F - E (eV)", "binding"),
        ("Bindungsenergie", "binding"),
        ("KE", "kinetic"),
        ("Kinetic Energy", "kinetic"),
        ("Energy (eV)", None),
        ("binding and kinetic", None),
        ("Counts", None),
    ],
)
def test_scales_in_words(label: str, scale: str | None) -> None:
    assert scale_of_words(label) == scale


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("eV", 1), ("EV", 1), ("[keV]", 1e3), ("meV", 1e-3), ("MeV", None), ("nm", None), ("", None)],
)
def test_units_of_energy(unit: str, factor: float | None) -> None:
    assert ev_per_unit(unit) == factor


@pytest.mark.parametrize(
    ("label", "unit"),
    [("Energy (keV)", "keV"), ("BE/eV", "eV"), ("energy_meV", "meV"), ("level", ""), ("E", "")],
)
def test_the_unit_ends_a_label(label: str, unit: str) -> None:
    assert unit_of_label(label) == unit


@pytest.mark.parametrize("name", ["photon energy", "angle", "pass_energy", "energy_error", "x"])
def test_other_names_are_no_energies(name: str) -> None:
    assert not is_energy_name(name)


@pytest.mark.parametrize(
    ("ends", "turned"),
    [((-8.0, 0.98), True), ((-0.5, 0.8), True), ((0.0, 8.0), False), ((-1.0, 8.0), False)],
    ids=["valence band", "Fermi edge", "binding energies", "binding energies with an edge"],
)
def test_a_sign_is_turned_where_photoelectrons_can_come_from(
    ends: tuple[float, float], turned: bool
) -> None:
    energy = np.linspace(*ends, 101)
    found = to_binding_energies(energy)
    assert found.turned is turned
    np.testing.assert_array_equal(found.energy, -energy if turned else energy)


def _valence_band(label: str, how: str, path: Path) -> xr.DataArray:
    """Energies from the Fermi level by one of the ways in which people store them."""
    counts = np.arange(450.0)
    if how == "name":
        return xr.DataArray(counts, coords={label: BELOW_FERMI}, dims=[label])
    attrs = {"scale": label} if how == "scale" else {"scale": "binding"}
    texts = {"units": "eV"} | ({} if how == "scale" else {"long_name": label})
    coords = {"energy": ("energy", BELOW_FERMI, texts)}
    array = xr.DataArray(counts, coords, ["energy"], "valence band", attrs)
    if how == "netCDF":
        array.to_netcdf(path / "vb.nc", engine="h5netcdf")
        return xpsnet.read_one(path / "vb.nc")
    return array


@pytest.mark.parametrize("label", ["E-EF (eV)", "Energy relative to Fermi level"])
@pytest.mark.parametrize("how", ["name", "long_name", "scale", "netCDF"])
def test_energies_from_the_fermi_level_become_binding_energies(
    tmp_path: Path, label: str, how: str
) -> None:
    with pytest.warns(xpsnet.XpsnetWarning, match=r"binding energy \(8 to -0.98 eV\)"):
        found = check_spectra(_valence_band(label, how, tmp_path))
    np.testing.assert_array_equal(found["energy"], -BELOW_FERMI)
    np.testing.assert_array_equal(found, np.arange(450.0))
    assert found.attrs["scale"] == "binding"
    assert found["energy"].attrs == {"units": "eV", "long_name": "Binding energy"}
    assert check_spectra(found) is found  # turned once only


@pytest.mark.parametrize("label", OTHER_LEVELS)
def test_energies_from_another_level_are_refused(tmp_path: Path, label: str) -> None:
    coords = {"energy": ("energy", BELOW_FERMI, {"units": "eV", "long_name": label})}
    array = xr.DataArray(np.ones(450), coords, ["energy"], "vb", {"scale": "binding"})
    with pytest.raises(ValueError, match="names another level"):
        check_spectra(array)
    array.to_netcdf(tmp_path / "vb.nc", engine="h5netcdf")
    with pytest.raises(xpsnet.ReadError, match="names another level"):
        xpsnet.read(tmp_path / "vb.nc")


@pytest.mark.parametrize(("unit", "factor"), [("keV", 1e-3), ("meV", 1e3), ("eV", 1.0)])
@pytest.mark.parametrize("how", ["array", "name", "netCDF", "zarr", "HDF5"])
def test_units_of_the_axis_are_the_same_by_every_path(
    tmp_path: Path, unit: str, factor: float, how: str
) -> None:
    counts = np.arange(121.0)
    texts = {} if how == "name" else {"units": unit}
    name = f"binding_energy_{unit}" if how == "name" else "energy"
    coords = {name: (name, CORE * factor, texts)}
    array = xr.DataArray(counts, coords, [name], "C1s", {"scale": "binding"})
    if how == "netCDF":
        array.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
        array = xpsnet.read_one(tmp_path / "a.nc")
    elif how == "zarr":
        array.to_dataset().to_zarr(tmp_path / "a.zarr", consolidated=False, zarr_format=2)
        array = xpsnet.read_one(tmp_path / "a.zarr")
    elif how == "HDF5":
        import h5py

        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["C1s"] = counts
            file["binding_energy"] = CORE * factor
            file["binding_energy"].attrs["units"] = unit
        array = xpsnet.read_one(tmp_path / "a.h5")
    found = check_spectra(array)
    np.testing.assert_allclose(found["energy"], CORE, rtol=1e-15)
    assert found["energy"].attrs["units"] == "eV"
    assert found.attrs["scale"] == "binding"
    if how in ("netCDF", "zarr", "HDF5"):
        assert found.name == "C 1s"


@pytest.mark.parametrize("word", ["BE", "Binding", "binding energy"])
def test_the_words_of_a_scale_are_the_same_everywhere(tmp_path: Path, word: str) -> None:
    array = xr.DataArray(np.arange(121.0), {"energy": CORE}, ["energy"], "C 1s", {"scale": word})
    assert check_spectra(array).attrs["scale"] == "binding"
    array.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    assert xpsnet.read_one(tmp_path / "a.nc").attrs["scale"] == "binding"
    assert xpsnet.read_one(tmp_path / "a.nc", scale=word).attrs["scale"] == "binding"


@pytest.mark.parametrize(("unit", "factor"), [("keV", 1e-3), ("eV", 1.0)])
def test_noise_and_background_on_the_axis_of_the_spectra(unit: str, factor: float) -> None:
    spectrum = xpsnet.sample("spectrum")
    texts = {"units": unit, "long_name": "E - EF" if unit == "eV" else "Binding energy"}
    axis = ("energy", spectrum["energy"].values * (-factor if unit == "eV" else factor), texts)
    given = spectrum.assign_coords(energy=axis)
    noise, base = xr.full_like(given, 30.0), xpsnet.static_background(spectrum, "linear")
    base = base.assign_coords(energy=axis)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", xpsnet.XpsnetWarning)
        found = xpsnet.fit(given, n_peaks=3, noise=noise, background=base)
    expected = xpsnet.fit(spectrum, n_peaks=3, noise=30.0, background="static linear")
    np.testing.assert_allclose(found.center, expected.center, atol=1e-6)
    np.testing.assert_allclose(found.center_stderr, expected.center_stderr, rtol=1e-4)
