"""The user's own dimensions and coordinates, through every function that takes spectra."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.data.spectrum import check_spectra, shift

N = 3
# Names that variables of peaks have, too, and names of the spectrum itself.
OWN = ("label", "status", "center", "area", "noise", "count", "background", "state", "units")

Change = Callable[..., xr.DataArray]
CHANGES: dict[str, Change] = {
    "check_spectra": check_spectra,
    "crop": lambda spectra, **options: xpsnet.crop(spectra, (282.0, 291.0), **options),
    "shift": lambda spectra, **options: shift(spectra, 0.5, **options),
    "to_binding": xpsnet.to_binding,
    "to_kinetic": xpsnet.to_kinetic,
    "to_counts_per_second": xpsnet.to_counts_per_second,
    "calibrate": xpsnet.calibrate,
    "remove_satellites": lambda spectra, **options: xpsnet.remove_satellites(
        spectra, source="Mg Ka", **options
    ),
}
changes = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())


def spectra_with_own_names(dim: str = "energy") -> xr.DataArray:
    """Three spectra with coordinates of every kind: scalar, per spectrum, per point, per both."""
    one = xpsnet.sample("spectrum").rename(energy=dim)
    spectra = xr.concat([one, 2 * one, 3 * one], "peak").assign_attrs(one.attrs)
    n = spectra.sizes[dim]
    spectra = spectra.assign_coords({name: ("peak", np.arange(N) + 0.5) for name in OWN})
    return spectra.assign_coords(
        sample="A7",
        fwhm=(dim, np.linspace(0.0, 1.0, n)),
        height=(("peak", dim), np.ones((N, n))),
        etch_time=("peak", [0.0, 30.0, 60.0], {"units": "s"}),
    )


@changes
def test_own_coordinates_are_untouched(change: Change) -> None:
    spectra = spectra_with_own_names()
    before = spectra.copy(deep=True)
    found = change(spectra)
    xr.testing.assert_identical(spectra, before)
    assert found.dims == ("peak", "energy")
    assert found.name == "C 1s"
    # Where points are cut off, the coordinates along them are, too.
    for name, coordinate in spectra.coords.items():
        if name == "energy":
            continue
        expected = coordinate.variable
        if "energy" in coordinate.dims and found.sizes["energy"] < spectra.sizes["energy"]:
            kept = (spectra.energy >= 282.0) & (spectra.energy <= 291.0)
            expected = expected.isel(energy=np.flatnonzero(kept))
        xr.testing.assert_identical(found[name].variable, expected)
    assert set(found.coords) == set(spectra.coords)


@changes
def test_dim_names_the_energy_dimension(change: Change) -> None:
    spectra = spectra_with_own_names()
    # Two dimensions with energies in eV: nothing but dim= says which one is meant.
    both = spectra.rename(energy="kanal").assign_coords(
        peak=("peak", [90.0, 91.0, 92.0], {"units": "eV"})
    )
    with pytest.raises(ValueError, match="pass dim="):
        change(both)
    found = change(both, dim="kanal")
    expected = change(spectra.assign_coords(peak=both["peak"]))
    xr.testing.assert_identical(found, expected)


@changes
def test_a_coordinate_named_energy_beside_the_axis_is_kept(change: Change) -> None:
    spectra = spectra_with_own_names("BE").assign_coords(energy=("peak", [1.0, 2.0, 3.0]))
    found = change(spectra, dim="BE")
    assert found.dims == ("peak", "energy")
    assert found["spectra_energy"].values.tolist() == [1.0, 2.0, 3.0]


@changes
def test_lazy_spectra_stay_lazy(change: Change) -> None:
    spectra = spectra_with_own_names()
    found = change(spectra.chunk(peak=1))
    assert found.chunks is not None
    xr.testing.assert_identical(found.compute(), change(spectra))


def test_the_accessor_takes_dim() -> None:
    spectra = (
        spectra_with_own_names()
        .rename(energy="BE")
        .assign_coords(peak=("peak", [90.0, 91.0, 92.0], {"units": "eV"}))
    )
    assert spectra.xps.crop((283.0, 290.0), dim="BE").sizes["energy"] == 141
    assert spectra.xps.shift(1.0, dim="BE").attrs["energy_offset"] == 1.0
    assert spectra.xps.to_kinetic(dim="BE").attrs["scale"] == "kinetic"
    assert spectra.xps.to_binding(dim="BE").attrs["scale"] == "binding"
