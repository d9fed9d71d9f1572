"""Chunked spectra, lazily: every chunk with its part of noise, background and starts."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.fitting.solve.point_noise import NoiseChoice, at_energies
from xpsnet.parallel.chunks import map_overlapping
from xpsnet.parallel.threads import serially

_COUNTS, _NOISE, _BACKGROUND = "_counts", "_noise", "_held_background"


class Chunk(NamedTuple):
    """Spectra, or a part of them, with what belongs to them."""

    spectra: xr.DataArray
    noise: xr.DataArray | NoiseChoice
    background: str | xr.DataArray
    starts: xr.Dataset

    def sampled(self, rows: npt.NDArray[np.intp]) -> "Chunk":
        """Some of the spectra by their flat numbers, over ("row", "energy")."""
        lead = [str(d) for d in self.spectra.dims if d != "energy"]
        shape = tuple(self.spectra.sizes[d] for d in lead)
        places = np.unravel_index(rows, shape) if lead else ()
        at = {d: xr.DataArray(place, dims="row") for d, place in zip(lead, places, strict=True)}

        def some(values: Any) -> Any:
            if not isinstance(values, xr.DataArray | xr.Dataset):
                return values
            own = {d: place for d, place in at.items() if d in values.dims}
            chosen = values.drop_vars(set(values.coords) - {"energy", "peak"}).isel(own)
            return chosen.transpose(..., "energy") if "energy" in chosen.dims else chosen

        few = Chunk(*map(some, self))
        return few if lead else few._replace(spectra=few.spectra.expand_dims("row"))

    def part(self, place: Mapping[str, slice]) -> "Chunk":
        """What lies at these places along some dimensions of the spectra."""

        def cut(values: Any) -> Any:
            if not isinstance(values, xr.DataArray | xr.Dataset):
                return values
            return values.isel({d: along for d, along in place.items() if d in values.dims})

        return Chunk(*map(cut, self))

    def computed(self, **how: Any) -> "Chunk":
        """The same in memory; `how` are keywords of dask, such as `scheduler`."""
        own: Any = tuple(self)
        return Chunk(*(part.compute(**how) if hasattr(part, "compute") else part for part in own))


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
    if isinstance(whole.noise, xr.DataArray):
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
        noise = part.get(_NOISE, whole.noise)
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
