"""Blocks of spectra: where they lie, and what is computed for one of them.

A block is fitted from what the store remembers and its own spectra alone, so that it may be
computed at any time, in any order, on any machine and more than once, with the same result. Where
spectra help each other, a second run over the blocks reads the fits of the block and of as many
spectra around it as matter (`OVERLAP`).
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.measured_energies import corrected_peaks
from xpsnet.fitting.maps.neighbors import reach
from xpsnet.fitting.model.parameter_map import Layout
from xpsnet.fitting.refine_lazy import Chunk
from xpsnet.fitting.solve.fit_results import FitResults
from xpsnet.fitting.solve.point_noise import NoiseChoice
from xpsnet.io.common.errors import refusing_damage
from xpsnet.io.stores.block_store import FIRST, read_part, write_block
from xpsnet.numerics.noise import NoiseModel
from xpsnet.parallel.threads import serially
from xpsnet.pipeline.fit import OVERLAP, finished, outcome_of
from xpsnet.pipeline.outcome import Outcome
from xpsnet.pipeline.plan import rows_of, with_noise
from xpsnet.pipeline.store_state import Decided

Numbers = dict[str, npt.NDArray[Any]]
Place = dict[str, slice]


@dataclass(frozen=True)
class Grid:
    """Spectra cut into blocks of one size, smaller ones at the ends.

    Attributes
    ----------
    sizes : dict of str to int
        Of the dimensions of the spectra, without energy.
    block : tuple of int
        Size of a block along each of them.
    """

    sizes: dict[str, int]
    block: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of blocks along each dimension."""
        return tuple(-(-n // b) for n, b in zip(self.sizes.values(), self.block, strict=True))

    @property
    def blocks(self) -> list[tuple[int, ...]]:
        """Number of each block along each dimension."""
        return list(itertools.product(*map(range, self.shape)))

    def place(self, block: tuple[int, ...], around: int = 0) -> Place:
        """Where a block lies, with so many spectra around it."""
        each = zip(self.sizes.items(), self.block, block, strict=True)
        return {
            d: slice(max(0, i * size - around), min(n, (i + 1) * size + around))
            for (d, n), size, i in each
        }

    def inside(self, block: tuple[int, ...], around: int) -> Place:
        """Where a block lies in itself with so many spectra around it."""
        own, wide = self.place(block), self.place(block, around)
        return {d: slice(s.start - wide[d].start, s.stop - wide[d].start) for d, s in own.items()}

    def n_spectra(self, block: tuple[int, ...]) -> int:
        """Number of spectra in a block."""
        return int(np.prod([s.stop - s.start for s in self.place(block).values()]))


def cut_into_blocks(spectra: xr.DataArray, most: int) -> Grid:
    """Blocks of at most so many spectra, which hold whole chunks of them where that is possible.

    Parameters
    ----------
    spectra : DataArray
        With `energy` last.
    most : int
        Spectra in a block.
    """
    sizes = {str(d): spectra.sizes[d] for d in spectra.dims if d != "energy"}
    chunks = spectra.chunksizes
    block = [max(chunks[d]) if d in chunks else 1 for d in sizes]
    while np.prod(block) > most:
        longest = int(np.argmax(block))
        block[longest] = -(-block[longest] // 2)
    lengths = list(sizes.values())
    while True:  # as square as the chunks allow
        open_ends = [k for k, n in enumerate(lengths) if block[k] < n]
        if not open_ends or np.prod(block) * 2 > most:
            break
        shortest = min(open_ends, key=lambda k: block[k])
        block[shortest] = min(2 * block[shortest], lengths[shortest])
    return Grid(sizes, tuple(int(n) for n in block))


@dataclass(frozen=True)
class Run:
    """Everything that a block needs, the same for all of them; sent to other machines as it is.

    Attributes
    ----------
    out : Path
        The store of the peaks.
    grid : Grid
    given : Chunk
        The fitted window of all spectra, with noise and background.
    decided : Decided
    charge : dict of str to Variable
        The coordinates of `charge_shift`, where spectra have them.
    corrected : (float, float) or None
        The fitted range in corrected energies [eV].
    source : Path or None
        File of the spectra, where it is known.
    """

    out: Path
    grid: Grid
    given: Chunk
    decided: Decided
    charge: dict[str, Any]
    corrected: tuple[float, float] | None
    source: Path | None = None

    @property
    def n_runs(self) -> int:
        """How often the blocks are gone through."""
        return 2 if self.decided.options.needs_map else 1

    @property
    def around(self) -> int:
        """How many spectra around a block matter for it."""
        return OVERLAP * reach(tuple(self.grid.sizes.values())) if self.n_runs == 2 else 0

    def chunk(self, place: Place) -> Chunk:
        """Spectra in memory; read by this thread, also where a cluster is at hand.

        Raises
        ------
        ReadError
            If their file is damaged.
        OSError
            If it is gone.
        """
        where = ", ".join(f"{d} {along.start} to {along.stop}" for d, along in place.items())
        with refusing_damage(
            self.source or "the spectra", where, expected="spectra that can be read"
        ):
            found = self.given.part(place).computed(scheduler="synchronous")
        # Of a store that is gone, zarr gives chunks without counts.
        if self.source is not None and not self.source.exists():
            raise FileNotFoundError(
                f"expected the spectra in {self.source}, got no such file; see whether its folder, "
                f"or its network drive, is still there, and call again: what is done stays"
            )
        return found

    def peaks(self, chunk: Chunk, outcome: Outcome, place: Place) -> xr.Dataset:
        """The result for spectra in memory, from the fits of each by itself."""
        decided = self.decided
        block = rows_of(chunk)
        peaks = finished(decided.options, block, outcome, decided.look, padded=True)
        charge = {
            name: one.isel({d: s for d, s in place.items() if d in one.dims})
            for name, one in self.charge.items()
        }
        return corrected_peaks(peaks, charge, self.corrected)


def fit_block(run: Run, number: int, block: tuple[int, ...]) -> None:
    """Compute one block and write it; 0 is the run of single spectra, 1 that of their neighbors.

    Raises
    ------
    OSError
        If it cannot be written; nothing says that it is done.
    """
    with serially():
        if number == 1:
            _with_neighbors(run, block)
            return
        place = run.grid.place(block)
        chunk, outcome = fitted(run.decided, run.chunk(place))
        if run.n_runs == 2:
            shape = chunk.spectra.shape[:-1]
            numbers = numbers_of(outcome, chunk if run.decided.has_own_noise else None)
            shaped = {name: v.reshape(*shape, *v.shape[1:]) for name, v in numbers.items()}
            write_block(run.out, FIRST, shaped, block)
        else:
            _write(run, run.peaks(chunk, outcome, place), block)


def _with_neighbors(run: Run, block: tuple[int, ...]) -> None:
    """The second run: what the neighbors change in a block."""
    wide = run.grid.place(block, run.around)
    chunk = run.chunk(wide)
    numbers = _read_first(run, wide)
    if run.decided.has_own_noise:
        model = NoiseModel(*(numbers[f"noise_{one.name}"] for one in fields(NoiseModel)))
        known = replace(run.decided.noise or NoiseChoice(None), model=model)
        chunk = chunk._replace(noise=known)
    peaks = run.peaks(chunk, outcome_from(numbers, run.decided.layout), wide)
    _write(run, peaks.isel(run.grid.inside(block, run.around)), block)


def fitted(decided: Decided, chunk: Chunk) -> tuple[Chunk, Outcome]:
    """Spectra in memory with their noise, and the fits of each by itself."""
    chunk = with_noise(decided.options, chunk)
    _, rows = rows_of(chunk)
    return chunk, outcome_of(decided.options, rows)


def numbers_of(outcome: Outcome, chunk: Chunk | None) -> Numbers:
    """Fits as arrays with one row per spectrum, and the noise of a chunk.

    `outcome_from` makes the fits again.
    """
    own = {one.name: getattr(outcome, one.name) for one in fields(outcome)}
    results = own.pop("results")
    found = {name: values for name, values in own.items() if values is not None}
    for one in fields(results):
        values = getattr(results, one.name)
        if one.name != "layout" and values is not None:
            found[f"results_{one.name}"] = values
    if chunk is not None and isinstance(chunk.noise, NoiseChoice) and chunk.noise.model is not None:
        for one in fields(chunk.noise.model):
            values = getattr(chunk.noise.model, one.name)
            found[f"noise_{one.name}"] = np.broadcast_to(values, len(results))
    return found


def outcome_from(numbers: Numbers, layout: Layout | None) -> Outcome:
    """The fits that `numbers_of` was given."""
    arrays = {one.name: numbers.get(f"results_{one.name}") for one in fields(FitResults)}
    results = FitResults(**{**arrays, "layout": layout})  # type: ignore[arg-type]
    own = {one.name: numbers.get(one.name) for one in fields(Outcome) if one.name != "results"}
    return Outcome(results=results, **own)  # type: ignore[arg-type]


def first_names(run: Run) -> list[str]:
    """Arrays of the fits of single spectra."""
    return sorted(one.name for one in (run.out / FIRST).iterdir() if one.is_dir())


def _read_first(run: Run, place: Place) -> Numbers:
    """Fits of single spectra, one row each."""
    found = read_part(run.out, FIRST, first_names(run), tuple(place.values()))
    n = len(place)
    return {name: v.reshape(-1, *v.shape[n:]) for name, v in found.items()}


def _write(run: Run, peaks: xr.Dataset, block: tuple[int, ...]) -> None:
    """Write the peaks of a block."""
    write_block(run.out, "", {k: peaks[k].values for k in per_spectrum(peaks, run.grid)}, block)


def per_spectrum(peaks: xr.Dataset, grid: Grid) -> list[str]:
    """Variables that are not the same for all spectra."""
    if not grid.sizes:
        return [str(name) for name in peaks.data_vars]
    return [str(k) for k, v in peaks.data_vars.items() if set(map(str, v.dims)) & grid.sizes.keys()]


def lazy_like(
    one: Mapping[Any, xr.DataArray], grid: Grid, names: Sequence[str]
) -> dict[str, xr.Variable]:
    """Arrays of all spectra without numbers, from those of one spectrum."""
    import dask.array as da

    found = {}
    for name in names:
        values = one[name]
        shape = [grid.sizes.get(str(d), n) for d, n in values.sizes.items()]
        nothing = np.nan if values.dtype.kind == "f" else 0
        data = da.full(shape, nothing, dtype=values.dtype, chunks=-1)
        found[name] = xr.Variable(values.dims, data, values.attrs)
    return found
