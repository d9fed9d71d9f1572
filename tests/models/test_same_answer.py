"""One spectrum has one answer: however it is stored, batched, computed or saved.

Compared are the probabilities of all counts, and of the peaks of the most probable count their
centers and FWHM, over the FWHM, and heights, over the largest of their spectrum (a height next to 0
has no accuracy of its own). Where two counts are equally probable, either is right.
"""

import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr

import xpsnet
from xpsnet.data.spectrum import make_spectrum
from xpsnet.io.read_fit import read_fit
from xpsnet.models import prediction
from xpsnet.simulation import recipes
from xpsnet.simulation.recipes import RawRecipe

predict = partial(prediction.predict, device="cpu")
SAME = 1e-4
PHOTON_ENERGY = 1486.6
# Fewer points than the network's grid, which are interpolated, and more, which are averaged.
POINTS = {"111 points": 111, "1,000 points": 1000}

Change = Callable[[xr.DataArray], xr.DataArray]
Back = Callable[[xr.Dataset], xr.Dataset]
Stacks = list[tuple[xr.DataArray, xr.Dataset]]


def _simulated(n: int, points: int) -> xr.DataArray:
    """Spectra of the default recipe, noise and up to 6 peaks, in counts."""
    recipe = replace(RawRecipe(), n_points=points, measured_points=(points + 0.2, points + 0.4))
    counts = 5e3 * recipes.simulate_batch(n, recipe, seed=points)["counts"].astype(float)
    energy = np.linspace(280.0, 300.0, points)
    return make_spectrum(counts, energy, scale="binding", name="C 1s")


def _measured(folder: Path) -> list[xr.DataArray]:
    """Windows of 5 to 40 eV of measured files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        files = [xpsnet.read(folder / name) for name in ("paper", "phi", "thermo", "vamas")]
    every = [spectra for file in files for spectra in file]
    return [s for s in every if s.sizes["energy"] >= 40 and 5 <= np.ptp(s.energy.values) <= 40]


@pytest.fixture(scope="module", params=[*POINTS, "measured"])
def stacks(request: pytest.FixtureRequest) -> Stacks:
    """Spectra with their peaks, every stack on an axis of its own."""
    if request.param == "measured":
        found = _measured(request.getfixturevalue("real_data"))
    else:
        found = [_simulated(100, POINTS[request.param])]
    return [(spectra, predict(spectra)) for spectra in found]


def _assert_same(found: xr.Dataset, expected: xr.Dataset) -> None:
    """The same answer, as the head of this file says it."""
    probability = expected["n_peaks_probability"].values
    np.testing.assert_allclose(found["n_peaks_probability"], probability, atol=SAME, rtol=0)
    *_, second, first = np.moveaxis(np.sort(probability, axis=-1), -1, 0)
    alike = np.asarray(found["n_peaks"].values == expected["n_peaks"].values)
    assert (alike | (first - second < 2 * SAME)).all()
    slots = min(found.sizes["peak"], expected.sizes["peak"])

    def values(peaks: xr.Dataset, name: str) -> npt.NDArray[np.float64]:
        return np.asarray(peaks[name].values[alike][:, :slots])

    fwhm, height = values(expected, "fwhm"), values(expected, "height")
    highest = np.max(height, axis=1, keepdims=True, initial=0, where=np.isfinite(height))
    for name, size in {"center": fwhm, "fwhm": fwhm, "height": highest}.items():
        np.testing.assert_allclose(
            (values(found, name) - values(expected, name)) / size,
            np.where(np.isfinite(fwhm), 0.0, np.nan),
            atol=SAME,
            err_msg=name,
        )


def _multiplied(factor: float) -> tuple[Change, Back]:
    return (
        lambda spectra: spectra.copy(data=factor * spectra.values),
        lambda peaks: peaks.assign(height=peaks["height"] / factor),
    )


def _shifted(energy: float) -> tuple[Change, Back]:
    return (
        lambda spectra: spectra.assign_coords(energy=spectra["energy"] + energy),
        lambda peaks: peaks.assign(center=peaks["center"] - energy),
    )


def _other_scale(spectra: xr.DataArray) -> xr.DataArray:
    scale = "kinetic" if spectra.attrs["scale"] == "binding" else "binding"
    turned = spectra.assign_coords(energy=PHOTON_ENERGY - spectra["energy"])
    return turned.assign_attrs(scale=scale)


def _other_order(peaks: xr.Dataset) -> xr.Dataset:
    center = PHOTON_ENERGY - peaks["center"]
    order = np.argsort(center.values, axis=-1)
    rest = {name: peaks[name] for name in ("fwhm", "height")}
    ordered = {
        name: (v.dims, np.take_along_axis(v.values, order, axis=-1))
        for name, v in {"center": center, **rest}.items()
    }
    return peaks.assign(ordered)


def _on_a_pedestal(spectra: xr.DataArray) -> xr.DataArray:
    return spectra.copy(data=spectra.values + float(spectra.max() - spectra.min()))


def _as_it_is(peaks: xr.Dataset) -> xr.Dataset:
    return peaks


TWINS: dict[str, tuple[Change, Back]] = {
    "other direction": (lambda spectra: spectra.isel(energy=slice(None, None, -1)), _as_it_is),
    "a thousandth": _multiplied(1e-3),
    "a million times": _multiplied(1e6),
    "300 eV up": _shifted(300.0),
    "300 eV down": _shifted(-300.0),
    "other scale": (_other_scale, _other_order),
    "on a pedestal": (_on_a_pedestal, _as_it_is),
}


@pytest.mark.parametrize("name", TWINS)
def test_twin(stacks: Stacks, name: str) -> None:
    change, back = TWINS[name]
    for spectra, peaks in stacks:
        _assert_same(back(predict(change(spectra))), peaks)


@pytest.mark.parametrize("batch_size", [1, 7])
def test_any_batch_size(stacks: Stacks, batch_size: int) -> None:
    for spectra, peaks in stacks:
        _assert_same(predict(spectra, batch_size=batch_size), peaks)


def test_alone(stacks: Stacks) -> None:
    for spectra, peaks in stacks:
        for place in (0, -1):
            one = dict.fromkeys((d for d in spectra.dims if d != "energy"), place)
            _assert_same(predict(spectra.isel(one)), peaks.isel(one))


def test_among_thousands() -> None:
    spectra = _simulated(25, 111)
    # A full batch and a small one.
    rows = np.arange(4100) % 25
    _assert_same(predict(spectra.isel(position=rows)), predict(spectra).isel(position=rows))


def test_energy_first_and_in_chunks() -> None:
    spectra = _simulated(60, 241)
    folded = make_spectrum(
        spectra.values.reshape(5, 12, -1), spectra["energy"].values, scale="binding"
    )
    lazy = folded.transpose("energy", "x", "y").chunk({"x": 5, "energy": 100})
    found = predict(lazy).compute().stack(position=("y", "x")).transpose("position", ...)
    _assert_same(found, predict(spectra))


@pytest.mark.parametrize("dtype", ["float32", "int32", ">f8", ">i4", "uint16"])
def test_whole_counts_of_any_type(dtype: str) -> None:
    counts = _simulated(20, 241).round().clip(0, 65535)
    xr.testing.assert_equal(predict(counts.astype(dtype)), predict(counts))


def test_both_runtimes(stacks: Stacks) -> None:
    for spectra, peaks in stacks:
        _assert_same(predict(spectra, device="gpu"), peaks)


def _saved_and_read_in_a_fresh_process(stacks: Stacks, folder: Path, kind: str) -> None:
    code = f"""
from xpsnet import predict, read, write
from xpsnet.io.read_fit import read_fit
for number, spectra in enumerate(read("spectra.{kind}")):
    write(read_fit(f"{{number}}.{kind}")[0], f"{{number}}_copied.{kind}")
    write(predict(spectra, device="cpu"), f"{{number}}_again.{kind}")
"""
    xpsnet.write([spectra for spectra, _ in stacks], folder / f"spectra.{kind}")
    for number, (_, peaks) in enumerate(stacks):
        xpsnet.write(peaks, folder / f"{number}.{kind}")
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
    for number, (_, peaks) in enumerate(stacks):
        xr.testing.assert_equal(read_fit(folder / f"{number}_copied.{kind}")[0], peaks)
        _assert_same(read_fit(folder / f"{number}_again.{kind}")[0], peaks)


def test_after_saving(stacks: Stacks, tmp_path: Path) -> None:
    _saved_and_read_in_a_fresh_process(stacks[:6], tmp_path, "nc")


def test_after_saving_as_zarr(tmp_path: Path) -> None:
    spectra = _simulated(20, 241)
    _saved_and_read_in_a_fresh_process([(spectra, predict(spectra))], tmp_path, "zarr")
