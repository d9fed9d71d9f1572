"""Chunked spectra: lazy, chunk by chunk, with the same answer as at once."""

from collections.abc import Callable

import dask
import numpy as np
import pytest
import xarray as xr

from xpsnet.data.spectrum import make_spectrum
from xpsnet.parallel.chunks import map_overlapping, map_spectra

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
    assert shapes == [(1, 1, 25)]  # the call that shows what is returned
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


def test_an_error_in_a_chunk_comes_out() -> None:
    def function(some: xr.DataArray) -> xr.Dataset:
        if np.ptp(some.values):
            raise ValueError("no such thing")
        return _summary(some)

    lazy = map_spectra(function, _spectra(3).chunk({"position": 1}))
    with pytest.raises(ValueError, match="no such thing"):
        lazy.compute()


def _neighbors(some: xr.DataArray | xr.Dataset, offset: float | None) -> xr.Dataset:
    """Mean over the spectra at most two steps away along every dimension, plus an offset."""
    spectra = some if isinstance(some, xr.DataArray) else some["counts"]
    total = spectra.mean("energy")
    for dim in total.dims:
        total = total.rolling({dim: 5}, center=True, min_periods=1).mean()
    found = xr.Dataset({"around": total + (offset or 0.0), "names": ("peak", [1, 2])})
    found["ends"] = spectra.isel(energy=[0, -1]).drop_vars("energy").rename(energy="peak")
    return found.drop_vars(set(found.coords)).assign_attrs(kind="mean")


@pytest.mark.parametrize("dataset", [False, True], ids=["array", "dataset"])
@pytest.mark.parametrize(
    ("shape", "chunks"),
    [
        pytest.param((), {"energy": -1}, id="one spectrum"),
        pytest.param((9,), {"position": 4}, id="uneven chunks"),
        pytest.param((6, 7), {"y": 3, "x": 4}, id="map"),
        pytest.param((6, 7), {"y": 1, "x": 1}, id="chunks shorter than the overlap"),
        pytest.param((6, 7), {"y": 6, "x": 7}, id="one chunk"),
    ],
)
def test_with_neighbors_lazy_equals_eager(
    shape: tuple[int, ...], chunks: dict[str, int], dataset: bool
) -> None:
    spectra = _spectra(*shape).drop_vars("step")
    given = spectra.to_dataset(name="counts") if dataset else spectra
    shared = dask.delayed(lambda: 10.0)()
    lazy = map_overlapping(_neighbors, given.chunk(chunks), overlap=2, shared=shared)
    assert lazy["around"].chunks is not None
    assert (lazy["names"].chunks is None) == bool(shape)  # the same for all spectra
    for dim, size in chunks.items():
        assert lazy.chunksizes.get(dim, (size,))[0] == size
    eager = _neighbors(given, 10.0)
    xr.testing.assert_allclose(lazy.compute().drop_vars(set(lazy.coords)), eager, rtol=1e-12)
    assert lazy.attrs == {"kind": "mean"}
    assert set(lazy.coords) == {k for k, c in spectra.coords.items() if "energy" not in c.dims}


def test_what_is_shared_is_computed_once() -> None:
    calls: list[int] = []

    def share() -> float:
        calls.append(1)
        return 1.0

    spectra = _spectra(4, 4).chunk({"y": 2, "x": 2})
    map_overlapping(_neighbors, spectra, overlap=1, shared=dask.delayed(share)()).compute()
    assert calls == [1]
