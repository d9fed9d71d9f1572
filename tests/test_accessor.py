import inspect
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import xpsnet
from xpsnet.accessor import PeaksAccessor, SpectraAccessor
from xpsnet.data.spectrum import shift


@pytest.fixture
def spectrum() -> xr.DataArray:
    return xpsnet.sample("spectrum")


CALLS = {
    "crop": (((282.0, 290.0),), {}),
    "calibrate": ((), {"to": 285.0}),
    "to_kinetic": ((), {"photon_energy": 1253.6}),
    "to_binding": ((), {}),
    "to_counts_per_second": ((), {}),
}


@pytest.mark.parametrize(("name", "call"), CALLS.items(), ids=CALLS.keys())
def test_methods_are_the_public_calls(spectrum: xr.DataArray, name: str, call: tuple) -> None:
    arguments, options = call
    expected = getattr(xpsnet, name)(spectrum, *arguments, **options)
    xr.testing.assert_identical(getattr(spectrum.xps, name)(*arguments, **options), expected)


@pytest.mark.parametrize(("name", "call"), CALLS.items(), ids=CALLS.keys())
def test_methods_take_the_name_of_the_energy_dimension(
    spectrum: xr.DataArray, name: str, call: tuple
) -> None:
    arguments, options = call
    energy = spectrum["energy"].drop_attrs()
    other = spectrum.assign_coords(energy=energy).expand_dims(row=2).rename(energy="channel")
    with pytest.raises(ValueError, match="dim="):
        getattr(other.xps, name)(*arguments, **options)
    found = getattr(other.xps, name)(*arguments, **options, dim="channel")
    expected = getattr(spectrum.xps, name)(*arguments, **options)
    np.testing.assert_array_equal(found.isel(row=0), expected)


def test_shift_and_plot(spectrum: xr.DataArray) -> None:
    xr.testing.assert_identical(spectrum.xps.shift(0.5), shift(spectrum, 0.5))
    assert len(spectrum.xps.plot().axes) == 1


def test_one_spectrum_on_its_corrected_axis(spectrum: xr.DataArray) -> None:
    from xpsnet.samples import sample_truth

    truth = sample_truth("spectrum").assign_coords(charge_shift=0.5)
    charged = spectrum.assign_coords(charge_shift=0.5)
    for found in (charged.xps.on_corrected_axis(), truth.xps.on_corrected_axis()):
        np.testing.assert_array_equal(found["energy"], spectrum["energy"] - 0.5)
        assert found.attrs["charge_shift"] == 0.5
    xr.testing.assert_identical(spectrum.xps.on_corrected_axis(), spectrum)


def test_curves_of_peaks() -> None:
    from xpsnet.samples import sample_truth

    truth = sample_truth("spectrum")
    xr.testing.assert_identical(truth.xps.curves(), xpsnet.curves(truth))
    np.testing.assert_array_equal(truth.xps.curves([284.0, 285.0])["energy"], [284.0, 285.0])


@pytest.mark.parametrize("accessor", [SpectraAccessor, PeaksAccessor])
def test_every_method_has_a_public_twin(accessor: type) -> None:
    methods = {name for name, _ in inspect.getmembers(accessor, inspect.isfunction)}
    # At most 45 names are public at the top: these are methods only.
    methods_only = {
        "fit_edge",
        "mean_spectrum",
        "on_corrected_axis",
        "peak_limits",
        "plot_map",
        "plot_profile",
        "set_charge_shift",
        "shift",
        "state_candidates",
    }
    public = {*xpsnet.__all__, *methods_only}
    assert {name for name in methods if not name.startswith("_")} <= public


def test_importing_registers_it_and_stays_light() -> None:
    code = (
        "import sys, xarray; before = set(sys.modules); import xpsnet; "
        "loaded = set(sys.modules) - before; "
        "print(hasattr(xarray.DataArray([1.0], dims='energy'), 'xps'), *loaded)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    registered, *loaded = done.stdout.split()
    assert registered == "True"
    assert {name.split(".")[0] for name in loaded} == {"xpsnet"}


def test_public_names_are_listed() -> None:
    assert set(xpsnet.__all__) <= set(dir(xpsnet))
    with pytest.raises(AttributeError, match="module 'xpsnet' has no attribute 'centre'"):
        xpsnet.centre  # noqa: B018
