"""Refinement of chunked spectra, lazily: every chunk with its part of the starts."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.fitting.solve.fit_inputs import Noise
from xpsnet.parallel.chunks import map_overlapping
from xpsnet.parallel.threads import serially

_COUNTS, _NOISE, _BACKGROUND = "_counts", "_noise", "_held_background"
_SAMPLED = 64


def refine_chunks(
    refine: Callable[..., xr.Dataset],
    spectra: xr.DataArray,
    peaks: xr.Dataset,
    noise: Noise,
    background: str | xr.DataArray,
) -> xr.Dataset:
    """Refine chunk by chunk.

    Parameters
    ----------
    refine : callable
        Takes spectra, peaks, noise and background, all of a chunk and in memory.
    spectra : DataArray
        Dask array, the fitted window with `energy` last.
    peaks : Dataset
        Starts, over dimensions of the spectra; in memory or chunked.
    noise : float, DataArray or None
        Over dimensions of the spectra.
    background : str or DataArray
        A curve goes over dimensions of the spectra.

    Returns
    -------
    Dataset
        Dask arrays, chunked as the spectra are.
    """
    lead = {str(d): spectra.sizes[d] for d in spectra.dims if d != "energy"}
    given = _bare(peaks, {*lead, "peak"}, lead)
    options: dict[str, Any] = {"noise": noise, "background": background}
    along: dict[str, xr.DataArray] = {_COUNTS: spectra.chunk({"energy": -1})}
    for name, key in ((_NOISE, "noise"), (_BACKGROUND, "background")):
        if isinstance(options[key], xr.DataArray):
            curve = options.pop(key)
            along[name] = curve.drop_vars([c for c in curve.coords if c != "energy"])
    names = {_NOISE: "noise", _BACKGROUND: "background"}

    def fit(part: xr.Dataset, _: object) -> xr.Dataset:
        more = {key: part[name] for name, key in names.items() if name in part}
        counts = part[_COUNTS].rename(spectra.name).transpose(*spectra.dims)
        starts = part.drop_vars([*along, "energy"])
        starts.attrs = {k: v for k, v in peaks.attrs.items() if k != "energy_range"}
        with serially():
            return refine(counts, starts, **options, **more)

    found = map_overlapping(fit, given.assign(along), overlap=0, shared=None)
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
