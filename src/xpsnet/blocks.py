"""Chunked spectra: a per-spectrum function on every chunk, lazily."""

from collections.abc import Callable

import numpy as np
import xarray as xr


def map_spectra(
    function: Callable[[xr.DataArray], xr.Dataset], spectra: xr.DataArray
) -> xr.Dataset:
    """Apply a function that treats every spectrum by itself to chunked spectra, chunk by chunk.

    Parameters
    ----------
    function : callable
        Takes a DataArray with `energy` last, returns a Dataset over its other dimensions, whose
        further dimensions have the same sizes and coordinates for every chunk. It is tried once
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
