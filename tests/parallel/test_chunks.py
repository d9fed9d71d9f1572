"""Chunked spectra: lazy, chunk by chunk, with the same answer as at once."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from xpsnet.data.spectrum import make_spectrum
from xpsnet.parallel.chunks import map_spectra

ENERGY = np.linspace(280.0, 292.0, 25)


def _summary(spectra: xr.DataArray) -> xr.Dataset:
    """A Dataset over the leading dimensions, with a further dimension and attributes."""
    found = xr.Dataset(
        {
            "mean": spectra.mean("energy"),
            "ends": spectra.isel(energy=[0, -1]).drop_vars("energy").rename(energy="end"),
            "n": spectra.notnull().sum("energy").astype(np.int8),
        },
        coords={"energy": spectra.energy, "end": ["first", "last"]},
        attrs={"region": spectra.name},
    )
    found["mean"].attrs = {"units": "counts"}
    drop = [k for k, c in found.coords.items() if "energy" in c.dims and k != "energy"]
    return found.drop_vars(drop)


def _spectra(*shape: int) -> xr.DataArray:
    counts = np.random.default_rng(1).uniform(0, 9, (*shape, ENERGY.size))
    spectra = make_spectrum(counts, ENERGY, scale="binding", name="C 1s")
    if "x" in spectra.dims:
        spectra = spectra.assign_coords(
            x=np.linspace(0, 1, shape[1]), depth=(("y", "x"), counts[..., 0])
        )
    return spectra.assign_coords(step=("energy", np.arange(25)), sample="a")


@pytest.mark.parametrize(
    ("shape", "chunks"),
    [
        pytest.param((), {"energy": 5}, id="one spectrum"),
        pytest.param((7,), {"position": 3}, id="uneven chunks"),
        pytest.param((4, 5), {"y": 1, "x": 2}, id="map"),
        pytest.param((4, 5), {"y": 2, "x": 5, "energy": 4}, id="chunked energy axis"),
        pytest.param((4, 5), {"y": (1, 3), "x": (4, 1)}, id="given chunks"),
    ],
)
def test_lazy_equals_eager(shape: tuple[int, ...], chunks: dict[str, int]) -> None:
    spectra = _spectra(*shape)
    lazy = map_spectra(_summary, spectra.chunk(chunks))
    assert all(variable.chunks is not None for variable in lazy.data_vars.values())
    assert lazy["sample"].chunks is None  # known without computing a chunk
    eager = _summary(spectra)
    xr.testing.assert_identical(lazy.compute(), eager.drop_vars("step", errors="ignore"))
    assert lazy.n.dtype == np.int8


def _counting() -> tuple[Callable[[xr.DataArray], xr.Dataset], list[tuple[int, ...]]]:
    """The summary, and the shapes that it was called with."""
    shapes: list[tuple[int, ...]] = []

    def function(some: xr.DataArray) -> xr.Dataset:
        shapes.append(some.shape)
        return _summary(some)

    return function, shapes


def test_nothing_is_computed_before_it_is_asked_for() -> None:
    function, shapes = _counting()
    lazy = map_spectra(function, _spectra(4, 6).chunk({"y": 2, "x": 3}))
    assert shapes == [(1, 1, 25)]  # the trial that tells what is returned
    lazy["mean"].isel(y=0, x=0).compute()
    assert shapes[1:] == [(2, 3, 25)]  # one chunk, not all four
    lazy.compute()
    assert sorted(shapes[2:]) == [(2, 3, 25)] * 4


def test_the_trial_sees_a_constant_spectrum() -> None:
    seen: list[float] = []

    def function(some: xr.DataArray) -> xr.Dataset:
        seen.append(float(np.ptp(some.values)))
        return _summary(some)

    map_spectra(function, _spectra(3).chunk({"position": 1}))
    assert seen == [0.0]


def test_an_error_in_a_chunk_is_told() -> None:
    def function(some: xr.DataArray) -> xr.Dataset:
        if np.ptp(some.values):
            raise ValueError("no such thing")
        return _summary(some)

    lazy = map_spectra(function, _spectra(3).chunk({"position": 1}))
    with pytest.raises(ValueError, match="no such thing"):
        lazy.compute()
