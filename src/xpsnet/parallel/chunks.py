"""Chunked spectra: a function on every chunk, lazily, with or without neighboring spectra.

Chunks with their neighbors are cut out here and not by ``dask.array.overlap``: on 2048 x 2048
spectra in chunks of 64 x 64 with 8 neighbors, dask keeps three times as much in memory (1.1 GB of
3.3 GB of spectra instead of 0.35 GB), and it changes the chunks where the overlap is longer.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

# Dimensions that belong to one spectrum.
_INNER = {"energy", "peak", "count", "choice", "parameter", "parameter_2"}


def map_spectra(
    function: Callable[[xr.DataArray], xr.Dataset], spectra: xr.DataArray
) -> xr.Dataset:
    """Apply a function that treats every spectrum by itself to chunked spectra, chunk by chunk.

    Parameters
    ----------
    function : callable
        Takes a DataArray with `energy` last, returns a Dataset over its other dimensions, whose
        further dimensions have the same sizes and coordinates for every chunk. It is called once
        on a constant spectrum, to learn what it returns.
    spectra : DataArray
        Dask array with `energy` last; a chunked energy axis is put together.

    Returns
    -------
    Dataset
        Dask arrays, chunked as the spectra are.
    """
    import dask.array as da

    spectra = spectra.chunk({"energy": -1})
    lead = [d for d in spectra.dims if d != "energy"]
    first = spectra.isel(dict.fromkeys(lead, slice(0, 1)))
    model = function(first.copy(data=np.zeros(first.shape)))
    variables = {}
    for name, variable in model.data_vars.items():
        sizes = [spectra.sizes[d] if d in lead else model.sizes[d] for d in variable.dims]
        chunks = tuple(
            spectra.chunksizes[d] if d in lead else (model.sizes[d],) for d in variable.dims
        )
        data = da.zeros(sizes, chunks=chunks, dtype=variable.dtype)
        variables[name] = (variable.dims, data, variable.attrs)
    given = {k: c for k, c in spectra.coords.items() if "energy" not in c.dims}
    coords = {**model.coords, **given}
    template = xr.Dataset(variables, coords=coords, attrs=model.attrs)
    # Coordinates are known already: no chunk has to be computed for them.
    return xr.map_blocks(function, spectra, template=template).assign_coords(given)


def map_overlapping(
    function: Callable[[Any, Any], xr.Dataset],
    given: xr.DataArray | xr.Dataset,
    *,
    overlap: int,
    shared: Any,
) -> xr.Dataset:
    """Apply a function that looks at the neighbors of every spectrum, chunk by chunk, lazily.

    Parameters
    ----------
    function : callable
        Takes a part of `given` and `shared`, returns a Dataset over its leading dimensions, whose
        further dimensions have the same sizes and coordinates for every part. It is called once
        on one constant spectrum and None, to learn what it returns.
    given : DataArray or Dataset
        Chunked along its leading dimensions: all but `energy`, `peak`, `count` and `parameter`.
    overlap : int
        How many steps away a spectrum may lie that still matters: every chunk comes with so many
        spectra of its neighbors, and their results are cut off again.
    shared : object
        The same for all chunks; a delayed object is computed once.

    Returns
    -------
    Dataset
        Dask arrays, chunked as `given` is.
    """
    import dask

    lead = [str(d) for d in given.dims if d not in _INNER]
    first = given.isel({d: slice(0, 1) for d in lead})
    model = function(_constant(first), None)
    ends = {d: np.cumsum([0, *given.chunksizes.get(d, (given.sizes[d],))]) for d in lead}

    def on_part(part: Any, inside: dict[str, slice], common: Any) -> dict[str, Any]:
        found = function(part, common).isel(inside)
        return {str(name): found[name].values for name in model.data_vars}

    results = np.empty([len(ends[d]) - 1 for d in lead], dtype=object)
    for at in np.ndindex(results.shape):
        low = {d: int(ends[d][i]) for d, i in zip(lead, at, strict=True)}
        high = {d: int(ends[d][i + 1]) for d, i in zip(lead, at, strict=True)}
        start = {d: max(0, low[d] - overlap) for d in lead}
        part = given.isel({d: slice(start[d], high[d] + overlap) for d in lead})
        inside = {d: slice(low[d] - start[d], high[d] - start[d]) for d in lead}
        results[at] = dask.delayed(on_part)(part, inside, shared)
    variables = {
        name: (variable.dims, _joined(str(name), variable, results, ends), variable.attrs)
        for name, variable in model.data_vars.items()
    }
    kept = {k: c for k, c in given.coords.items() if not _INNER & set(c.dims)}
    return xr.Dataset(variables, coords={**model.coords, **kept}, attrs=model.attrs)


def _constant(first: xr.DataArray | xr.Dataset) -> Any:
    """One spectrum, or its peaks, in memory, with ones (no noise is 0) for what is lazy."""
    if isinstance(first, xr.DataArray):
        return first.copy(data=np.ones(first.shape))
    lazy = {name: v for name, v in first.data_vars.items() if v.chunks is not None}
    # Not Dataset.map, which loses the energies where no variable lies on them.
    return first.assign({k: v.copy(data=np.ones(v.shape, v.dtype)) for k, v in lazy.items()})


def _joined(name: str, variable: xr.DataArray, results: Any, ends: dict[str, Any]) -> Any:
    """One variable of all parts, as a dask array; in memory where it is the same for all parts."""
    import dask.array as da

    own = [str(d) for d in variable.dims if d in ends]
    if ends and not own:
        return variable.values
    results = results.transpose([list(ends).index(d) for d in own])
    parts = np.empty(results.shape, dtype=object)
    for at in np.ndindex(parts.shape):
        size = {d: int(np.diff(ends[d])[i]) for d, i in zip(own, at, strict=True)}
        shape = tuple(size.get(str(d), n) for d, n in variable.sizes.items())
        parts[at] = da.from_delayed(results[at][name], shape, dtype=variable.dtype)
    # As many levels of lists as dimensions: each level is put together along its own.
    grid = iter(parts.shape)
    return da.block(parts.reshape([next(grid) if d in own else 1 for d in variable.dims]).tolist())
