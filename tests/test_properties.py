"""What must not change an answer: direction, offset and unit of the axes, order and chunks."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from xpsnet import fit, read, refine, write
from xpsnet.data.peaks import curves, make_peaks
from xpsnet.data.spectrum import make_spectrum, shift, to_kinetic

Floats = npt.NDArray[np.float64]
FIXTURES = [HealthCheck.function_scoped_fixture]
# Shrinking a failing case takes minutes; the arrays are small already.
few = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=FIXTURES,
)
many = settings(few, max_examples=25)

N_SPECTRA = 4
PHOTON_ENERGY = 1486.6
# Steps of the solver end where chi-square gains nothing more: far below the standard errors.
SHARE_OF_ERROR = 0.01


@st.composite
def axes(draw: st.DrawFn) -> Floats:
    """Energies in either direction, of even or uneven steps."""
    n = draw(st.integers(12, 30))
    steps = draw(st.lists(st.integers(1, 1000), min_size=n, max_size=n))
    if draw(st.booleans()):
        steps = [steps[0]] * n
    axis = draw(st.integers(0, 1_000_000)) / 1000 + np.cumsum(steps) / 1000
    return axis[:: draw(st.sampled_from((1, -1)))]


@st.composite
def any_spectra(draw: st.DrawFn) -> xr.DataArray:
    """One to four spectra, each with up to three missing points, on either scale."""
    axis = draw(axes())
    n_spectra = draw(st.integers(1, 4))
    size = n_spectra * axis.size
    counts = draw(st.lists(st.floats(0, 1e6, width=32), min_size=size, max_size=size))
    rows = np.array(counts).reshape(n_spectra, axis.size)
    for row in rows:
        row[draw(st.lists(st.integers(0, axis.size - 1), max_size=3))] = np.nan
    scale = draw(st.sampled_from(("binding", "kinetic")))
    return make_spectrum(rows, axis, scale=scale, name="O 1s", photon_energy=PHOTON_ENERGY)


FORMATS = pytest.mark.parametrize("extension", ["nc", "csv"])


def through_file(spectra: xr.DataArray, path: Path, **options: Any) -> xr.DataArray:
    write(spectra, path, overwrite=True)
    (back,) = read(path, **options)
    return back


@FORMATS
@many
@given(spectra=any_spectra())
def test_files_keep_axes_and_counts(extension: str, spectra: xr.DataArray, tmp_path: Path) -> None:
    back = through_file(spectra, tmp_path / f"a.{extension}")
    np.testing.assert_array_equal(back["energy"], spectra["energy"])
    np.testing.assert_array_equal(back, spectra)
    assert back.attrs["scale"] == spectra.attrs["scale"]


@FORMATS
@many
@given(spectra=any_spectra())
def test_files_keep_the_direction(extension: str, spectra: xr.DataArray, tmp_path: Path) -> None:
    mirrored = spectra.isel(energy=slice(None, None, -1))
    backwards = through_file(mirrored, tmp_path / f"a.{extension}")
    forwards = through_file(spectra, tmp_path / f"b.{extension}")
    np.testing.assert_array_equal(backwards["energy"], forwards["energy"][::-1])
    np.testing.assert_array_equal(backwards, forwards[:, ::-1])


@FORMATS
@many
@given(spectra=any_spectra(), offset=st.integers(-5000, 5000).map(lambda n: n / 1000))
def test_an_offset_of_the_reader_shifts_the_axis(
    extension: str, spectra: xr.DataArray, offset: float, tmp_path: Path
) -> None:
    back = through_file(spectra, tmp_path / f"a.{extension}", energy_offset=offset)
    expected = shift(spectra, offset)
    np.testing.assert_allclose(back["energy"], expected["energy"], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(back, spectra)


@FORMATS
@many
@given(spectra=any_spectra(), data=st.data())
def test_files_keep_the_order_of_spectra(
    extension: str, spectra: xr.DataArray, data: st.DataObject, tmp_path: Path
) -> None:
    order = data.draw(st.permutations(range(len(spectra))))
    back = through_file(spectra.isel(position=order), tmp_path / f"a.{extension}")
    np.testing.assert_array_equal(back, spectra.values[order])


SPARSE = {
    "no count": np.full(8, np.nan),
    "few counts": np.where(np.arange(8) % 4 == 2, 7.0, np.nan),
}


@pytest.mark.parametrize("sparse", SPARSE.values(), ids=SPARSE.keys())
def test_a_spectrum_with_few_counts_keeps_its_place_in_a_table(
    sparse: Floats, tmp_path: Path
) -> None:
    counts = np.array([np.arange(8.0), sparse])
    spectra = make_spectrum(counts, np.linspace(280.0, 281.0, 8), scale="binding", name="C 1s")
    np.testing.assert_array_equal(through_file(spectra, tmp_path / "a.csv"), spectra)


class Case:
    """Spectra of one to three peaks with noise like that of counts, and starts a little off.

    Whole numbers are `counted`. The noise that is estimated from them depends a little on their
    unit: the points are sorted by their smoothed counts, and rounding decides between equal ones.
    """

    def __init__(self, seed: int, *, n_peaks: int = 2, counted: bool = False) -> None:
        rng = np.random.default_rng(seed)
        energy = np.linspace(280.0, 292.0, 121)
        places = 286.0 + 2.4 * (np.arange(n_peaks) - (n_peaks - 1) / 2)
        center = places + rng.uniform(-0.2, 0.2, (N_SPECTRA, n_peaks))
        parameters = {
            "center": center,
            "fwhm": rng.uniform(0.9, 1.4, center.shape),
            "height": rng.uniform(400.0, 4000.0, center.shape),
            "fraction": np.full(center.shape, 0.3),
        }
        terms = {"constant": rng.uniform(100.0, 400.0, N_SPECTRA), "shirley": 0.02}
        truth = make_peaks(
            energy, ("position",), scale="binding", line_shape="pseudo_voigt", background="shirley",
            parameters=parameters, background_parameters=terms, status=0,
        )  # fmt: skip
        expected = curves(truth)["envelope"].values
        counts = rng.normal(expected, np.sqrt(expected))
        if counted:
            counts = np.round(counts)
        self.spectra = make_spectrum(
            counts, energy, scale="binding", name="C 1s", photon_energy=PHOTON_ENERGY
        )
        self.starts = truth.assign(center=truth["center"] + 0.1, fwhm=truth["fwhm"] * 1.1)
        del self.starts.attrs["energy_range"]
        self.noise = xr.DataArray(np.sqrt(expected), dims=self.spectra.dims)

    def moved(self, offset: float) -> tuple[xr.DataArray, xr.Dataset]:
        """The same with all energies shifted."""
        starts = self.starts.assign(center=self.starts["center"] + offset)
        return shift(self.spectra, offset), starts.assign_coords(energy=starts["energy"] + offset)


def assert_same(
    found: xr.Dataset, expected: xr.Dataset, *, offset: float = 0.0, unit: float = 1.0
) -> None:
    """Peaks, errors and background agree to a small part of the errors."""
    np.testing.assert_array_equal(found["status"], expected["status"])
    for name in ("center", "fwhm", "height", "area", "fraction"):
        factor = unit if name in ("height", "area") else 1.0
        moved = offset if name == "center" else 0.0
        value = (found[name].values - moved) / factor
        error = expected[f"{name}_stderr"].values
        np.testing.assert_array_equal(np.isfinite(value), np.isfinite(expected[name]))
        held = np.abs(expected[name].values) * 1e-6
        tolerance = np.where(np.isfinite(error), SHARE_OF_ERROR * error, held)
        off = np.abs(value - expected[name].values)
        assert not (off > tolerance).any(), (name, value, expected[name].values)
        stderr = found[f"{name}_stderr"].values / factor
        np.testing.assert_allclose(stderr, error, rtol=0.01, err_msg=f"{name}_stderr")
    np.testing.assert_allclose(found["redchi"], expected["redchi"], rtol=1e-3)


ENGINES = pytest.mark.parametrize("engine", ["lmfit", "batch"])
NOISE = pytest.mark.parametrize("known", [True, False], ids=["noise known", "noise estimated"])
seeds = st.integers(0, 10_000)


@ENGINES
@NOISE
@few
@given(seed=seeds)
def test_refine_reversed(engine: str, known: bool, seed: int) -> None:
    case = Case(seed, counted=True)
    noise = case.noise if known else None
    back = slice(None, None, -1)
    expected = refine(case.spectra, case.starts, engine=engine, noise=noise)
    mirrored = None if noise is None else noise.isel(energy=back)
    found = refine(case.spectra.isel(energy=back), case.starts, engine=engine, noise=mirrored)
    assert_same(found, expected)
    np.testing.assert_array_equal(found["energy"], expected["energy"][::-1])


@ENGINES
@NOISE
@few
@given(seed=seeds)
def test_refine_on_the_other_scale(engine: str, known: bool, seed: int) -> None:
    case = Case(seed, counted=True)
    noise = case.noise if known else None
    expected = refine(case.spectra, case.starts, engine=engine, noise=noise)
    center = PHOTON_ENERGY - case.starts["center"]
    starts = case.starts.drop_dims("energy").assign(center=center).isel(peak=[1, 0])
    starts = starts.assign_coords(peak=case.starts["peak"]).assign_attrs(scale="kinetic")
    found = refine(to_kinetic(case.spectra), starts, engine=engine, noise=noise)
    found = found.isel(peak=[1, 0]).assign(center=PHOTON_ENERGY - found["center"].isel(peak=[1, 0]))
    assert_same(found, expected)


@ENGINES
@NOISE
@few
@given(seed=seeds, offset=st.integers(-300, 900).map(lambda n: n / 10))
def test_refine_shifted(engine: str, known: bool, seed: int, offset: float) -> None:
    case = Case(seed, counted=True)
    noise = case.noise if known else None
    spectra, starts = case.moved(offset)
    expected = refine(case.spectra, case.starts, engine=engine, noise=noise)
    assert_same(refine(spectra, starts, engine=engine, noise=noise), expected, offset=offset)


@ENGINES
@NOISE
@few
@given(seed=seeds, unit=st.sampled_from([1e-3, 0.1, 7.3, 1e4]))
def test_refine_in_other_units(engine: str, known: bool, seed: int, unit: float) -> None:
    case = Case(seed)
    noise = case.noise if known else None
    starts = case.starts.assign(height=unit * case.starts["height"])
    expected = refine(case.spectra, case.starts, engine=engine, noise=noise)
    scaled = (unit * case.spectra).assign_attrs(case.spectra.attrs)
    noise = None if noise is None else unit * noise
    assert_same(refine(scaled, starts, engine=engine, noise=noise), expected, unit=unit)


@pytest.mark.parametrize("unit", [0.25, 8.0])
def test_refine_of_whole_numbers_in_other_units(unit: float) -> None:
    # Units of powers of 2 only: with others, rounding splits equal smoothed counts where the noise
    # is estimated, and the standard errors change by up to some percent.
    for seed in range(20):
        case = Case(seed, counted=True)
        expected = refine(case.spectra, case.starts, engine="batch")
        other = (unit * case.spectra).assign_attrs(case.spectra.attrs)
        starts = case.starts.assign(height=unit * case.starts["height"])
        assert_same(refine(other, starts, engine="batch"), expected, unit=unit)


@ENGINES
@few
@given(seed=seeds, order=st.permutations(range(N_SPECTRA)))
def test_refine_permuted(engine: str, seed: int, order: list[int]) -> None:
    case = Case(seed, counted=True)
    expected = refine(case.spectra, case.starts, engine=engine).isel(position=order)
    mixed = case.spectra.isel(position=order), case.starts.isel(position=order)
    xr.testing.assert_identical(refine(*mixed, engine=engine), expected)


@ENGINES
@few
@given(seed=seeds, data=st.data())
def test_refine_in_chunks(engine: str, seed: int, data: st.DataObject) -> None:
    case = Case(seed, counted=True)
    cuts = data.draw(st.sampled_from([(4,), (1, 3), (2, 2), (1, 1, 2), (1, 1, 1, 1)]))
    axis = data.draw(st.sampled_from([121, 50]))
    lazy = refine(case.spectra.chunk(position=cuts, energy=axis), case.starts, engine=engine)
    assert lazy["center"].chunks is not None
    expected = refine(case.spectra, case.starts, engine=engine)
    xr.testing.assert_allclose(lazy.compute(), expected, rtol=1e-12)


def found_alone(spectra: xr.DataArray) -> xr.Dataset:
    """Every spectrum for itself, so that nothing but the network and the fit speak."""
    return fit(spectra, neighbors=False, follow=False)


@ENGINES
def test_refine_of_one_lazy_spectrum(engine: str) -> None:
    case = Case(1)
    spectrum, start = case.spectra[0], case.starts.isel(position=0)
    lazy = refine(spectrum.chunk(), start, engine=engine)
    assert lazy["center"].chunks is not None
    expected = refine(spectrum, start, engine=engine)
    xr.testing.assert_allclose(lazy.compute(), expected, rtol=1e-12)


@few
@given(seed=seeds, n_peaks=st.integers(1, 3))
def test_fit_reversed(seed: int, n_peaks: int) -> None:
    spectra = Case(seed, n_peaks=n_peaks, counted=True).spectra
    found = found_alone(spectra.isel(energy=slice(None, None, -1)))
    assert_same(found, found_alone(spectra))


@few
@given(seed=seeds, offset=st.integers(-300, 900).map(lambda n: n / 10))
def test_fit_shifted(seed: int, offset: float) -> None:
    spectra = Case(seed, counted=True).spectra
    assert_same(found_alone(shift(spectra, offset)), found_alone(spectra), offset=offset)


@few
@given(seed=seeds, unit=st.sampled_from([1e-3, 0.1, 7.3, 1e4]))
def test_fit_in_other_units(seed: int, unit: float) -> None:
    spectra = Case(seed).spectra
    scaled = (unit * spectra).assign_attrs(spectra.attrs)
    assert_same(found_alone(scaled), found_alone(spectra), unit=unit)


@few
@given(seed=seeds, order=st.permutations(range(N_SPECTRA)))
def test_fit_permuted(seed: int, order: list[int]) -> None:
    spectra = Case(seed, counted=True).spectra
    expected = found_alone(spectra).isel(position=order)
    assert_same(found_alone(spectra.isel(position=order)), expected)


@few
@given(seed=seeds, cuts=st.sampled_from([(1, 3), (2, 2), (1, 1, 1, 1)]))
def test_fit_in_chunks(seed: int, cuts: tuple[int, ...]) -> None:
    spectra = Case(seed, counted=True).spectra
    lazy = found_alone(spectra.chunk(position=cuts)).compute()
    expected = found_alone(spectra)
    assert int(lazy["n_peaks"].max()) == expected.sizes["peak"]
    assert_same(lazy.isel(peak=slice(0, expected.sizes["peak"])), expected)
