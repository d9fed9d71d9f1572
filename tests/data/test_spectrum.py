import dask.array
import numpy as np
import pytest
import xarray as xr

from xpsnet.data.peaks import curves, make_peaks
from xpsnet.data.spectrum import (
    check_spectra,
    crop,
    make_spectrum,
    scale_sign,
    shift,
    to_binding,
    to_counts_per_second,
    to_kinetic,
)

ENERGY = np.linspace(280.0, 292.0, 121)
PHOTON = 1486.6


def _line(energy: np.ndarray) -> np.ndarray:
    """A Gaussian C 1s on a constant: maximum 1100 at 285.3 eV, area in closed form."""
    return 100.0 + 1000.0 * np.exp(-4 * np.log(2) * ((energy - 285.3) / 1.2) ** 2)


def _spectrum(**changes: object) -> xr.DataArray:
    given: dict = {"scale": "binding", "name": "C 1s", "photon_energy": PHOTON, "dwell_time": 0.1}
    return make_spectrum(_line(ENERGY), ENERGY, **{**given, "n_scans": 4, **changes})


def test_make_spectrum_keeps_what_is_known() -> None:
    spectrum = _spectrum(instrument=None, pass_energy=np.float32(20.0), n_scans=np.int64(4))
    assert spectrum.dims == ("energy",)
    assert spectrum.name == "C 1s"
    assert spectrum.attrs == {
        "scale": "binding",
        "units": "counts",
        "photon_energy": PHOTON,
        "dwell_time": 0.1,
        "n_scans": 4,
        "pass_energy": 20.0,
    }
    assert spectrum["energy"].attrs == {"units": "eV", "long_name": "Binding energy"}


@pytest.mark.parametrize(
    ("shape", "dims"),
    [
        ((121,), ("energy",)),
        ((3, 121), ("position", "energy")),
        ((2, 3, 121), ("y", "x", "energy")),
        ((2, 2, 3, 121), ("dim_0", "dim_1", "dim_2", "energy")),
    ],
    ids=["spectrum", "line scan", "map", "four dimensions"],
)
def test_dimensions_have_default_names(shape: tuple[int, ...], dims: tuple[str, ...]) -> None:
    assert make_spectrum(np.ones(shape), ENERGY, scale="binding").dims == dims


def test_energy_moves_last_wherever_it_was() -> None:
    counts = np.arange(121.0 * 6).reshape(2, 121, 3)
    spectra = make_spectrum(counts, ENERGY, dims=("y", "energy", "x"), scale="binding")
    assert spectra.dims == ("y", "x", "energy")
    np.testing.assert_array_equal(spectra.values, np.moveaxis(counts, 1, -1))


def test_a_valid_spectrum_comes_back_without_a_copy() -> None:
    spectrum = _spectrum()
    assert check_spectra(spectrum) is spectrum


@pytest.mark.parametrize(
    ("name", "units", "scale"),
    [
        ("binding_energy", None, "binding"),
        ("Binding Energy (eV)", None, "binding"),
        ("BE", None, "binding"),
        ("KE", None, "kinetic"),
        ("E_kin", None, "kinetic"),
        ("eV", None, None),
        ("w", "eV", None),
        ("w", "electron volt", None),
    ],
)
def test_the_energy_dimension_is_found(name: str, units: str | None, scale: str | None) -> None:
    coords = {name: (name, ENERGY, {} if units is None else {"units": units}), "x": [0.0, 1.0]}
    attrs = {} if scale else {"scale": "kinetic"}
    spectra = xr.DataArray(np.ones((121, 2)), dims=(name, "x"), coords=coords, attrs=attrs)
    checked = check_spectra(spectra)
    assert checked.dims == ("x", "energy")
    assert checked.attrs["scale"] == (scale or "kinetic")
    assert checked["energy"].attrs["units"] == "eV"
    assert spectra.dims == (name, "x")  # the caller's own array is left alone


def test_the_only_dimension_is_energy() -> None:
    spectrum = xr.DataArray(np.ones(121), coords={"w": ENERGY}, attrs={"scale": "binding"})
    assert check_spectra(spectrum).dims == ("energy",)


def test_dim_names_the_energy_dimension() -> None:
    coords = {"a": ENERGY, "b": [1.0, 2.0, 3.0]}
    spectra = xr.DataArray(np.ones((121, 3)), coords=coords, attrs={"scale": "binding"})
    assert check_spectra(spectra, dim="a").sizes == {"b": 3, "energy": 121}


@pytest.mark.parametrize("dim", [None, "channel", "BE"])
def test_energies_along_a_bare_dimension(dim: str | None) -> None:
    coords = {"BE": ("channel", ENERGY)}
    attrs = {"scale": "binding"}
    spectra = xr.DataArray(np.ones((121, 2)), dims=("channel", "x"), coords=coords, attrs=attrs)
    checked = check_spectra(spectra, dim=dim)
    assert checked.dims == ("x", "energy")
    np.testing.assert_array_equal(checked["energy"], ENERGY)


def test_dask_stays_lazy() -> None:
    counts = dask.array.full((8, 8, 121), 3.0, chunks=(4, 4, 121))
    spectra = make_spectrum(counts, ENERGY, scale="kinetic", photon_energy=PHOTON)
    converted = to_binding(crop(spectra, (281.0, 290.0)))
    assert converted.chunks == ((4, 4), (4, 4), (91,))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64"])
def test_counts_keep_their_type(dtype: str) -> None:
    assert make_spectrum(np.ones(121, dtype), ENERGY, scale="binding").dtype == np.dtype(dtype)


def test_whole_number_energies_become_floats() -> None:
    spectrum = make_spectrum(np.ones(11), np.arange(280, 291), scale="binding")
    assert spectrum["energy"].dtype == np.float64


@pytest.mark.parametrize(
    "energy",
    [ENERGY, ENERGY[::-1], 280 + 12 * np.linspace(0, 1, 121) ** 1.5],
    ids=["ascending", "descending", "non-uniform"],
)
def test_there_and_back_changes_nothing(energy: np.ndarray) -> None:
    spectrum = make_spectrum(_line(energy), energy, scale="binding", photon_energy=PHOTON)
    kinetic = to_kinetic(spectrum)
    assert kinetic.attrs["scale"] == "kinetic"
    np.testing.assert_allclose(kinetic["energy"], PHOTON - energy, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(kinetic.values, spectrum.values)
    back = to_binding(kinetic)
    np.testing.assert_allclose(back["energy"], energy, rtol=0, atol=1e-10)
    assert back.attrs == spectrum.attrs
    assert to_binding(back) is back


def test_a_given_photon_energy_wins_and_is_kept() -> None:
    kinetic = to_kinetic(_spectrum(), photon_energy=1253.6)
    assert kinetic.attrs["photon_energy"] == 1253.6
    np.testing.assert_allclose(kinetic["energy"], 1253.6 - ENERGY)


def test_a_known_peak_keeps_ev_and_counts_through_every_step() -> None:
    shifted = shift(_spectrum(), 0.25)
    kinetic = crop(to_kinetic(shifted), (PHOTON - 283.0, PHOTON - 288.0))
    final = to_counts_per_second(to_binding(kinetic))
    axis, rate = final["energy"].values, final.values
    np.testing.assert_allclose(rate, _line(axis - 0.25) / (0.1 * 4), rtol=1e-12)
    assert axis[np.argmax(rate)] == pytest.approx(285.55, abs=0.051)
    assert (axis.min(), axis.max()) == pytest.approx((283.05, 287.95))
    assert final.attrs["units"] == "counts/s"
    assert final.attrs["energy_offset"] == pytest.approx(0.25)


@pytest.mark.parametrize("ends", [(283.0, 288.0), (288.0, 283.0)])
@pytest.mark.parametrize("step", [1, -1])
def test_crop_includes_both_ends_in_any_direction(ends: tuple[float, float], step: int) -> None:
    spectrum = _spectrum().isel(energy=slice(None, None, step))
    cropped = crop(spectrum, ends)
    assert cropped.sizes["energy"] == 51
    assert sorted(cropped["energy"].values[[0, -1]]) == pytest.approx([283.0, 288.0])
    assert np.shares_memory(cropped.values, spectrum.values)
    assert np.sign(np.diff(cropped["energy"]))[0] == step


def test_offsets_add_up_and_follow_the_scale() -> None:
    twice = shift(shift(_spectrum(), 0.5), 0.25)
    assert twice.attrs["energy_offset"] == pytest.approx(0.75)
    assert to_kinetic(twice).attrs["energy_offset"] == pytest.approx(-0.75)


def test_counts_per_second_is_idempotent() -> None:
    once = to_counts_per_second(_spectrum())
    np.testing.assert_allclose(once.values, _line(ENERGY) / 0.4)
    xr.testing.assert_identical(to_counts_per_second(once), once)
    assert once.name == "C 1s"


def test_counts_per_second_takes_a_time_per_spectrum() -> None:
    coords = {"dwell_time": ("position", [0.1, 0.2])}
    spectra = make_spectrum(
        np.full((2, 121), 12), ENERGY, coords=coords, scale="binding", n_scans=3
    )
    rate = to_counts_per_second(spectra)
    assert rate.dims == ("position", "energy")
    np.testing.assert_allclose(rate.isel(energy=0), [40.0, 20.0])


def test_the_sign_of_a_scale() -> None:
    assert (scale_sign("binding"), scale_sign("kinetic")) == (1, -1)


def test_twins_on_both_scales_give_the_same_curves() -> None:
    spectrum = _spectrum()
    kinetic = to_kinetic(spectrum)
    envelopes = []
    for each, center, slope in ((spectrum, 285.3, 2.0), (kinetic, PHOTON - 285.3, -2.0)):
        peaks = make_peaks(
            each["energy"].values,
            each.dims,
            each.coords,
            scale=each.attrs["scale"],
            line_shape="gaussian",
            background="shirley+linear",
            parameters={"center": [center], "fwhm": [1.2], "height": [1000.0]},
            background_parameters={"constant": 100.0, "slope": slope, "shirley": 0.03},
            status=0,
        )
        envelopes.append(curves(peaks)["envelope"].values)
    np.testing.assert_allclose(envelopes[0], envelopes[1], rtol=1e-10)


BAD_AXES = {
    "NaN": (np.where(np.arange(121) == 7, np.nan, ENERGY), "finite energies, got nan at index 7"),
    "repeated": (np.repeat(ENERGY[:61], 2)[:121], "strictly monotonic energies, got 280 then 280"),
    "not monotonic": (np.roll(ENERGY, 5), "strictly monotonic"),
    "text": (ENERGY.astype(str), "energies as real numbers"),
    "too long": (np.append(ENERGY, 293.0), r"expected 121 energies .* got shape \(122,\)"),
}


@pytest.mark.parametrize(("energy", "message"), BAD_AXES.values(), ids=BAD_AXES.keys())
def test_refused_axes(energy: np.ndarray, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        make_spectrum(_line(ENERGY), energy, scale="binding")


def _array(**changes: object) -> xr.DataArray:
    given: dict = {"dims": "energy", "coords": {"energy": ENERGY}, "attrs": {"scale": "binding"}}
    data = changes.pop("data", _line(ENERGY))
    return xr.DataArray(data, **{**given, **changes})


REFUSED = {
    "no array": (_line(ENERGY), TypeError, "expected an xarray.DataArray of spectra, got ndarray"),
    "complex": (_array(data=np.ones(121, complex)), TypeError, "real numbers, got dtype complex"),
    "text": (_array(data=np.full(121, "a")), TypeError, "real numbers, got dtype <U1"),
    "no scale": (_array(attrs={}), ValueError, r'spectra.attrs\["scale"\] = "binding"'),
    "wrong scale": (_array(attrs={"scale": "up"}), ValueError, "got 'up'"),
    "no coordinate": (_array(coords={}), ValueError, "got none; do spectra.assign_coords"),
    "keV": (
        _array(coords={"energy": ("energy", ENERGY, {"units": "keV"})}),
        ValueError,
        "expected energies below 100000 eV, got 292 keV; if the numbers are in eV",
    ),
    "nm": (
        _array(coords={"energy": ("energy", ENERGY, {"units": "nm"})}),
        ValueError,
        "expected energies in eV, keV or meV, got units 'nm'",
    ),
    "one point": (_array().isel(energy=[3]), ValueError, "at least 2 energies, got 1"),
    "no energy": (
        xr.DataArray(np.ones((3, 4)), dims=("y", "x")),
        ValueError,
        r"expected a dimension \"energy\", got dimensions \('y', 'x'\); pass dim=",
    ),
    "a depth": (xr.DataArray(np.ones(3), coords={"depth": [1, 2, 3]}), ValueError, "pass dim="),
    "seconds": (
        xr.DataArray(np.ones(3), coords={"w": ("w", [1, 2, 3], {"units": "s"})}),
        ValueError,
        "pass dim=",
    ),
}


@pytest.mark.parametrize(("spectra", "error", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_spectra(spectra: xr.DataArray, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check_spectra(spectra)


def test_refused_dim() -> None:
    with pytest.raises(ValueError, match=r"one of the dimensions \('energy',\), got dim='BE'"):
        check_spectra(_spectrum(), dim="BE")


def test_refused_dims() -> None:
    with pytest.raises(ValueError, match=r'expected dims with "energy" for counts of shape'):
        make_spectrum(np.ones((2, 121)), ENERGY, dims=("y", "x"), scale="binding")


def test_refused_attribute() -> None:
    with pytest.raises(TypeError, match="number or a text for the attribute 'stage', got dict"):
        _spectrum(stage={"x": 1})


@pytest.mark.parametrize(
    ("energy_range", "message"),
    [
        ((300.0, 310.0), "got 0; the spectra cover 280 to 292 eV"),
        ((285.0, 285.05), "got 1; the spectra cover"),
        ((np.nan, 290.0), "expected two energies"),
        (285.0, "expected two energies"),
        ((1.0, 2.0, 3.0), "expected two energies"),
        (("a", "b"), "expected two energies"),
    ],
)
def test_refused_ranges(energy_range: tuple[float, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        crop(_spectrum(), energy_range)


def test_refused_offset() -> None:
    with pytest.raises(ValueError, match="finite energy offset"):
        shift(_spectrum(), np.inf)


@pytest.mark.parametrize("photon_energy", [None, 0.0, np.nan], ids=str)
def test_unknown_photon_energy(photon_energy: float | None) -> None:
    with pytest.raises(ValueError, match=r"pass photon_energy=1486\.6"):
        to_kinetic(_spectrum(photon_energy=photon_energy))


def test_photon_energy_below_the_spectrum() -> None:
    with pytest.raises(ValueError, match="above the energies of the spectra, got 40 eV"):
        to_kinetic(_spectrum(), photon_energy=40.0)


@pytest.mark.parametrize("missing", ["dwell_time", "n_scans"])
def test_unknown_measuring_time(missing: str) -> None:
    with pytest.raises(ValueError, match=f"expected {missing} > 0 .* got nothing; pass {missing}="):
        to_counts_per_second(_spectrum(**{missing: None}))
    assert to_counts_per_second(_spectrum(**{missing: None}), **{missing: 1}).size == 121


def test_unknown_units() -> None:
    with pytest.raises(ValueError, match=r'expected attrs\["units"\] "counts" or "counts/s"'):
        to_counts_per_second(_spectrum(units="arbitrary"))
