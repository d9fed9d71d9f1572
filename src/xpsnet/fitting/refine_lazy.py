"""Chunked spectra, lazily: every chunk with its part of noise, background and starts."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from xpsnet.fitting.solve.fit_inputs import at_energies
from xpsnet.parallel.chunks import map_overlapping
from xpsnet.parallel.threads import serially

_COUNTS, _NOISE, _BACKGROUND = "_counts", "_noise", "_held_background"
_SAMPLED = 64


class Chunk(NamedTuple):
    """A part of chunked spectra, in memory, with what belongs to it."""

    spectra: xr.DataArray
    noise: xr.DataArray | None
    background: str | xr.DataArray
    starts: xr.Dataset


def map_chunks(
    function: Callable[[Chunk, Any], xr.Dataset],
    whole: Chunk,
    *,
    overlap: int = 0,
    shared: Any = None,
) -> xr.Dataset:
    """Apply a function chunk by chunk, lazily.

    Parameters
    ----------
    function : callable
        Takes a `Chunk` in memory and `shared`.
    whole : Chunk
        The fitted window as a dask array, with `energy` last; noise, background and starts go over
        dimensions of the spectra, in memory or chunked.
    overlap, shared
        As for `map_overlapping`.

    Returns
    -------
    Dataset
        Dask arrays, chunked as the spectra are.
    """
    spectra = whole.spectra
    lead = {str(d): spectra.sizes[d] for d in spectra.dims if d != "energy"}
    given = _bare(whole.starts, {*lead, "peak"}, lead)
    along: dict[str, xr.DataArray] = {_COUNTS: spectra.chunk({"energy": -1})}
    if whole.noise is not None:
        noise = whole.noise
        if "energy" in noise.dims:
            noise = at_energies(noise, spectra)
        along[_NOISE] = noise.drop_vars([c for c in noise.coords if c != "energy"])
    if isinstance(whole.background, xr.DataArray):
        curve = whole.background
        if "energy" in curve.coords:
            curve = curve.reindex(energy=spectra["energy"], method="nearest", tolerance=1e-6)
        along[_BACKGROUND] = curve.drop_vars([c for c in curve.coords if c != "energy"])

    def on_part(part: xr.Dataset, common: Any) -> xr.Dataset:
        counts = part[_COUNTS].rename(spectra.name).transpose(*spectra.dims)
        starts = part.drop_vars([*along, "energy"])
        starts.attrs = {k: v for k, v in whole.starts.attrs.items() if k != "energy_range"}
        noise = part.get(_NOISE)
        background = part.get(_BACKGROUND, whole.background)
        with serially():
            return function(Chunk(counts, noise, background, starts), common)

    given = given.assign(along)
    for name, values in given.data_vars.items():
        if values.chunks is not None:  # as the spectra, or dask refuses
            sizes = {d: n for d, n in spectra.chunksizes.items() if d in lead and d in values.dims}
            given[name] = values.chunk({**sizes, **dict.fromkeys({"energy"} & {*values.dims}, -1)})
    found = map_overlapping(on_part, given, overlap=overlap, shared=shared)
    return found.assign_coords({k: c for k, c in spectra.coords.items() if "energy" not in c.dims})


def _bare(peaks: xr.Dataset, dims: set[str], lead: Mapping[str, int]) -> xr.Dataset:
    """Variables of peaks over these dimensions, without coordinates.

    Raises
    ------
    ValueError
        Where a size differs from that of the spectra.
    """
    kept = {name: v for name, v in peaks.data_vars.items() if set(map(str, v.dims)) <= dims}
    bare = xr.Dataset(kept)
    bare = bare.drop_vars(list(bare.coords))
    if any(bare.sizes[d] != lead[str(d)] for d in bare.dims if d != "peak"):
        raise ValueError(
            f"expected peaks over the dimensions of the spectra {dict(lead)}, got "
            f"{dict(bare.sizes)}; select or crop both alike"
        )
    return bare


def some_spectra(
    spectra: xr.DataArray, peaks: xr.Dataset, most: int = _SAMPLED
) -> tuple[xr.DataArray, xr.Dataset]:
    """A few spectra from all over, and their peaks, in memory; along one dimension.

    Parameters
    ----------
    spectra : DataArray
        With `energy` last.
    peaks : Dataset
        Over dimensions of the spectra and `peak`.
    most : int
        How many at most.
    """
    lead = {d: spectra.sizes[d] for d in spectra.dims[:-1]}
    total = int(np.prod(list(lead.values())))
    flat = np.unique(np.linspace(0, total - 1, min(total, most)).astype(int))
    places = np.unravel_index(flat, tuple(lead.values())) if lead else ()
    at = {d: xr.DataArray(i, dims="spectrum") for d, i in zip(lead, places, strict=True)}
    own = {d: i for d, i in at.items() if d in peaks.dims}
    few = spectra.isel(at).transpose(..., "energy")
    few = few.drop_vars([name for name in few.coords if name != "energy"])
    return few.compute(), peaks.drop_vars(set(at) & set(peaks.coords)).isel(own).compute()
