"""A fit from file to file, block by block: larger than the memory, and taken up again after a kill.

What is decided for all spectra is decided first and stored in the template of the result
(`xpsnet.pipeline.store_state`). Then every block is read, fitted and written by itself
(`xpsnet.pipeline.blocks`), in threads of this process or as tasks of a `dask.distributed` cluster.
Only this process says that a block is done, after it is on the disk
(`xpsnet.io.stores.block_store`).
"""

import inspect
import os
import re
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import WrongTypeError, check, count, optional, shown
from xpsnet.arguments import path as path_rule
from xpsnet.data.charge_shift import has_charge_shift
from xpsnet.data.energy_axis import energy_dim
from xpsnet.data.measured_energies import to_measured
from xpsnet.data.status import Status
from xpsnet.fitting.refine_lazy import Chunk
from xpsnet.fitting.solve.point_noise import NoiseChoice, checked_noise
from xpsnet.io.common.paths import check_place
from xpsnet.io.common.storable_data import check_storable
from xpsnet.io.read import read_one
from xpsnet.io.read_fit import read_fit
from xpsnet.io.stores.attributes import is_zarr
from xpsnet.io.stores.block_store import (
    FIRST,
    Template,
    complete,
    create,
    damaged_state,
    mark,
    progress_of,
    read_done,
    read_state,
    whole_blocks,
)
from xpsnet.io.stores.zarr_writer import require_zarr
from xpsnet.io.write import stored_form
from xpsnet.models.weights import Model, load_model
from xpsnet.parallel.progress import Cancel, Progress, reporting
from xpsnet.parallel.threads import n_threads
from xpsnet.pipeline.blocks import (
    Grid,
    Run,
    cut_into_blocks,
    fit_block,
    fitted,
    lazy_like,
    numbers_of,
    per_spectrum,
)
from xpsnet.pipeline.fit import fit, mean_of, states_of_sample
from xpsnet.pipeline.outcome import Overview
from xpsnet.pipeline.plan import beside, check_arguments, make_plan, rows_of, window_of
from xpsnet.pipeline.stages import peaks_of_mean
from xpsnet.pipeline.store_state import (
    Decided,
    as_json,
    asked_for,
    check_same,
    from_json,
    spectra_seen,
    without_callables,
)

# What dask reads of a file at a time: blocks are as many of these as they hold.
_READ_AT_ONCE = "4MiB"
# Share of the time that the first run over the blocks takes where there is a second.
_FIRST_SHARE = 0.7
_OWN = {"spectra", "progress", "cancel"}
_ADDRESS = re.compile(r"[a-z]+://[^\s/]+")
_ANSWER = 30  # [s] within which a scheduler answers


def fit_store(
    path: str | os.PathLike[str] | xr.DataArray,
    out: str | os.PathLike[str],
    *,
    region: str | int | None = None,
    block_size: int = 2048,
    overwrite: bool = False,
    scheduler: str | None = None,
    progress: Progress = None,
    cancel: Cancel = None,
    **options: Any,
) -> xr.Dataset:
    """Fit the spectra of a file block by block into a zarr store, and go on after a stop.

    The result is that of `fit` for the same spectra as a dask array. The store `out` appears at
    once, with sizes, coordinates and attributes; blocks without a result hold NaN and the status
    NOT_DONE. If the call ends for any reason (kill -9, full disk, power), the same call goes on
    with the blocks that are missing.

    Parameters
    ----------
    path : path or DataArray
        A zarr store, or any other file that `read_one` reads; or spectra of any shape over energy
        [eV], as `fit` takes them. Large files are read block by block.
    out : path
        A folder that ends with .zarr.
    region : str or int, optional
        Which region of the file, as for `read_one`.
    block_size : int
        Spectra in a block, at most: what a stop loses per thread, and what is in memory per
        thread.
    overwrite : bool
        Whether to begin again, and replace what `out` holds.
    scheduler : str, optional
        Address of a `dask.distributed` scheduler, for instance "tcp://10.0.0.1:8786"; by default
        that of the active `distributed.Client`, if there is one, else this process computes in
        one thread per core. Workers read `path` and write `out` themselves: both must lie in a
        folder that all machines share.
    progress : bool or callable, optional
        True shows a bar with the time left; a callable gets (done, total) spectra.
    cancel : callable, optional
        Called between blocks; once it returns True, no further block is begun.
    **options
        Further arguments of `fit`, for instance `line_shape` or `follow`.

    Returns
    -------
    Dataset
        The peaks in `out`, as `read_fit` gives them: lazy where they are large. As in the result
        of `fit` for dask arrays, `peak` may be longer than needed; places too many come last, with
        NaN.

    Raises
    ------
    ValueError
        If `out` holds a fit with other options or of other spectra, an option is unknown or means
        nothing, or a chunk of the file holds only a part of the energies.
    FileExistsError
        If `out` is something else, and `overwrite` is False.
    OSError
        If the system does not let a block be written: `errno` tells why. Blocks that are done
        stay.

    Warns
    -----
    XpsnetWarning
        If `cancel` has stopped the fit before its end.

    See Also
    --------
    fit : the same in memory.
    read_fit : read the peaks, also of a fit in progress.

    Notes
    -----
    Noise, background, line shape, doublets and the chemical states are decided once, from a fixed
    sample of at most 1,024 spectra, and kept in the store. Where spectra of a map help each other,
    the blocks are gone through twice: each spectrum by itself, then what its neighbors change.
    `device` and `batch_size` may differ from run to run; the results are equal to the last digit
    on processors of one kind only.

    Examples
    --------
    >>> import os, tempfile, xpsnet
    >>> folder = tempfile.mkdtemp()
    >>> source, out = os.path.join(folder, "scan.zarr"), os.path.join(folder, "peaks.zarr")
    >>> xpsnet.write(xpsnet.sample("line_scan").isel(position=slice(0, 12)), source)
    >>> peaks = xpsnet.fit_store(source, out, block_size=6)
    >>> peaks.sizes["position"]
    12
    """
    if not isinstance(path, xr.DataArray):
        check({"path": path}, path=path_rule)
    check(
        {name: value for name, value in locals().items() if name not in ("path", "options")},
        out=path_rule,
        block_size=count(least=1, most=1 << 31),
        scheduler=optional(_address),
    )
    require_zarr()
    asked = _arguments(options)
    check_arguments(asked)
    out = Path(os.path.abspath(out))
    if out.suffix.lower() != ".zarr":
        raise ValueError(
            f"expected a folder that ends with .zarr as out, got {out.name!r}; add the extension"
        )
    if not isinstance(path, xr.DataArray) and _is_inside(out, Path(path)):
        raise ValueError(
            f"expected another folder as out than that of the spectra, got {out} for both; choose "
            f"a new name"
        )
    asked["spectra"] = _opened(path, region, asked["dim"])
    with _client(scheduler) as client:
        run = _begun(out, asked, block_size, overwrite=bool(overwrite))
        _go_through(run, client, progress, cancel)
    state = progress_of(out)
    if state is not None and state.complete:
        complete(out)
    return read_fit(out)[0]


def _is_inside(out: Path, source: Path) -> bool:
    """Whether a place is that of the spectra, or lies in their folder, which would be replaced."""
    place, spectra = Path(os.path.realpath(out)), Path(os.path.realpath(source))
    return place == spectra or (spectra in place.parents and is_zarr(spectra))


def _address(name: str, value: Any) -> None:
    """The address of a scheduler."""
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise WrongTypeError(
            f"expected the address of a scheduler as text, for instance 'tcp://10.0.0.1:8786', got "
            f"{name}={shown(value)}; it says it when it starts"
        )


def _arguments(options: Mapping[str, Any]) -> dict[str, Any]:
    """All arguments of `fit` from those that are given; spectra are still missing."""
    known = {
        name: one.default
        for name, one in inspect.signature(fit).parameters.items()
        if name not in _OWN
    }
    for name in options:
        if name not in known:
            raise WrongTypeError(
                f"expected options of xpsnet.fit ({', '.join(known)}), got {name}=; see its help"
            )
    return {**known, **options, "progress": None, "cancel": None}


def reading_in_blocks() -> AbstractContextManager[object]:
    """Within it, large files are opened in pieces of the size of a block."""
    import dask

    settings: AbstractContextManager[object] = dask.config.set({"array.chunk-size": _READ_AT_ONCE})
    return settings


def _opened(
    path: str | os.PathLike[str] | xr.DataArray, region: str | int | None, dim: str | None
) -> xr.DataArray:
    """The spectra, lazy where they are large, with whole spectra in every chunk.

    Raises
    ------
    ValueError
        If a chunk holds only a part of the energies: every block would read all of them.
    """
    if isinstance(path, xr.DataArray):
        spectra = path
    else:
        with reading_in_blocks():
            spectra = read_one(path, region=region)
        spectra.encoding["source"] = os.path.abspath(path)
    if spectra.chunks is None:
        return spectra
    energy = energy_dim(spectra, dim)
    stored = {str(d): int(n) for d, n in spectra.encoding.get("preferred_chunks", {}).items()}
    renamed = [n for d, n in stored.items() if d not in spectra.dims]
    size = stored.get(str(energy), renamed[0] if len(renamed) == 1 else 0)
    size = size or max(spectra.chunksizes[energy])
    if size < spectra.sizes[energy]:
        raise ValueError(
            f"expected whole spectra in every chunk, got chunks of {size} of "
            f"{spectra.sizes[energy]} energies in {'the spectra' if path is spectra else path}; "
            f'write them once more, xpsnet.write(spectra.chunk({{"{energy}": -1, ...: 32}}), '
            f'"whole.zarr"), and fit these'
        )
    return spectra


def _begun(out: Path, asked: dict[str, Any], block_size: int, *, overwrite: bool) -> Run:
    """The run of a new store, or of one that is there."""
    said = {**asked_for(asked), "block_size": int(block_size)}
    charge: dict[str, xr.Variable] = {}
    corrected = None
    if has_charge_shift(asked["spectra"]):
        charge, corrected = to_measured(asked, inspect.signature(fit))
    whole, window = window_of(asked)
    if not window.size:
        raise ValueError(f"expected at least one spectrum, got sizes {dict(window.sizes)}")
    there = None if overwrite else progress_of(out)
    if there is None:
        check_place(out, overwrite=overwrite)
        return _new(out, asked, said, (charge, corrected))
    state = read_state(out)
    sizes = {str(d): window.sizes[d] for d in window.dims if d != "energy"}
    grid = Grid(sizes, tuple(state["block"]))
    fitting = len(grid.block) == len(sizes)
    seen = spectra_seen(window, [*map(grid.place, grid.blocks)] if fitting else [])
    check_same(out, state, {"asked": said, "spectra": seen})
    decided = _restored(out, state, load_model(asked["model"]))
    options = decided.options
    network = replace(options.network, device=asked["device"], batch_size=int(asked["batch_size"]))
    decided = replace(decided, options=replace(options, network=network))
    noise, background = beside(asked)
    given = Chunk(
        window,
        checked_noise(noise, whole, window) if decided.noise is None else decided.noise,
        background if decided.background is None else decided.background,
        xr.Dataset(),
    )
    return Run(out, grid, given, decided, charge, corrected, _source(asked))


def _source(asked: Mapping[str, Any]) -> Path | None:
    """File that lazy spectra are read from, where it is known."""
    spectra = asked["spectra"]
    named = spectra.encoding.get("source")
    return Path(named) if spectra.chunks is not None and isinstance(named, str) else None


def _restored(out: Path, state: Mapping[str, Any], model: Model) -> Decided:
    """What was decided when the fit was begun.

    Raises
    ------
    ReadError
        Where it is damaged.
    """
    try:
        decided = from_json(state["decided"], model)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged_state(out, error) from error
    if not isinstance(decided, Decided):
        raise damaged_state(out, decided)
    return decided


def _new(
    out: Path,
    asked: Mapping[str, Any],
    said: Mapping[str, Any],
    moved: tuple[dict[str, xr.Variable], tuple[float, float] | None],
) -> Run:
    """Decide what all blocks have in common, and make the store."""
    plan = make_plan(asked)
    given = plan.given
    grid = cut_into_blocks(given.spectra, said["block_size"])
    options = without_callables(plan.options)
    by_lines = options.neighbors and options.chosen is None
    look = Overview(
        peaks_of_mean(options, rows_of(mean_of(given).computed())[1]) if by_lines else None,
        states_of_sample(plan) if options.follow else None,
    )
    decided = Decided(
        options,
        look,
        given.noise if isinstance(given.noise, NoiseChoice) else None,
        given.background if isinstance(given.background, str) else None,
        plan.attrs,
    )
    # The first spectrum says which arrays there are; what its fit gives is computed again.
    place = {d: slice(0, 1) for d in grid.sizes}
    chunk, outcome = fitted(decided, given.part(place).computed())
    decided = replace(decided, layout=outcome.results.layout)
    run = Run(out, grid, given, decided, *moved, _source(asked))
    seen = spectra_seen(given.spectra, [*map(grid.place, grid.blocks)])
    state = {"asked": said, "spectra": seen, "block": grid.block, "decided": as_json(decided)}
    first = numbers_of(outcome, chunk if decided.has_own_noise else None)
    create(out, _template(run, run.peaks(chunk, outcome, place), first, state))
    return run


def _template(
    run: Run, one: xr.Dataset, first: Mapping[str, Any], state: Mapping[str, Any]
) -> Template:
    """The store without numbers, from the peaks and the fits of one spectrum."""
    grid, spectra = run.grid, run.given.spectra
    names = per_spectrum(one, grid)
    coords = {k: c for k, c in one.coords.items() if not set(c.dims) & grid.sizes.keys()}
    coords |= {k: c for k, c in spectra.coords.items() if "energy" not in c.dims}
    whole = {str(k): v for k, v in one.data_vars.items()}
    variables = {**{k: v.variable for k, v in whole.items()}, **lazy_like(whole, grid, names)}
    peaks = xr.Dataset(variables, coords=coords, attrs={**one.attrs, **run.decided.attrs})
    if run.charge:
        peaks = peaks.assign_coords(run.charge)
    check_storable(peaks, ".zarr")
    groups = {"/": stored_form(peaks)}
    arrays = {"": {name: one[name].ndim for name in names}}
    if run.n_runs == 2:
        lead = list(grid.sizes)
        rows = {
            k: xr.DataArray(
                np.reshape(v, (*(1,) * len(lead), *v.shape[1:])),
                dims=(*lead, *(f"{k}_{i}" for i in range(1, v.ndim))),
            )
            for k, v in first.items()
        }
        groups[FIRST] = xr.Dataset(lazy_like(rows, grid, list(rows)))
        arrays[FIRST] = {k: v.ndim for k, v in rows.items()}
    chunks = dict(zip(grid.sizes, grid.block, strict=True))
    not_done = {"status": Status.NOT_DONE.value, "status_flags": Status.NOT_DONE.flag}
    return Template(
        groups, chunks, {**state, "arrays": arrays}, (run.n_runs, len(grid.blocks)), not_done
    )


def _go_through(run: Run, client: Any, progress: Progress, cancel: Cancel) -> None:
    """Compute and write the blocks that are missing."""
    done = _checked_done(run)
    blocks = run.grid.blocks
    sizes = np.array([run.grid.n_spectra(block) for block in blocks])
    shares = (1.0,) if run.n_runs == 1 else (_FIRST_SHARE, 1 - _FIRST_SHARE)

    def spectra_done() -> int:
        parts = zip(shares, done, strict=True)
        return round(sum(share * int(sizes[flags].sum()) for share, flags in parts))

    before = spectra_done()
    with reporting(progress, int(sizes.sum()), "fit", done=before) as step:
        for number in range(run.n_runs):
            missing = [i for i in range(len(blocks)) if not done[number, i]]
            for i in _computed(run, number, missing, client, cancel or (lambda: False)):
                mark(run.out, number * len(blocks) + i)
                done[number, i] = True
                step(spectra_done() - before)
                before = spectra_done()
            if not done[number].all():  # stopped by the caller
                return


def _checked_done(run: Run) -> npt.NDArray[np.bool_]:
    """Which blocks are done, shape (run, block); those whose files are gone are not.

    Raises
    ------
    ValueError
        If files are missing, and so are the fits from which they are made.
    """
    blocks, arrays = run.grid.blocks, read_state(run.out)["arrays"]
    done = read_done(run.out).copy()
    for number in range(run.n_runs):
        group = FIRST if number < run.n_runs - 1 else ""
        if group and done[number + 1].all():
            continue
        there = [int(i) for i in np.flatnonzero(done[number])]
        whole = whole_blocks(run.out, group, arrays[group], [blocks[i] for i in there])
        for i, is_whole in zip(there, whole, strict=True):
            if not is_whole:
                mark(run.out, number * len(blocks) + i, done=False)
                done[number, i] = False
    if run.n_runs == 2 and not done[1].all() and not (run.out / FIRST).is_dir():
        raise ValueError(
            f"expected all files of the fit in {run.out}, which was complete, got none for "
            f"{int((~done[1]).sum())} of {len(blocks)} blocks; begin again with overwrite=True"
        )
    return done


def _computed(
    run: Run, number: int, missing: Sequence[int], client: Any, stop: Callable[[], bool]
) -> Iterator[int]:
    """Numbers of blocks, each as soon as it is on the disk."""
    blocks = run.grid.blocks
    futures: dict[Any, int]
    if client is None:
        with ThreadPoolExecutor(n_threads()) as pool:
            futures = {pool.submit(fit_block, run, number, blocks[i]): i for i in missing}
            try:
                yield from _finished(futures, as_completed(futures), stop)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
        return
    import distributed

    if not missing:
        return
    # Sent once to every worker; each opens the network once, at its first block.
    sent = client.scatter(run, broadcast=True, hash=False)
    name = f"xpsnet-fit-{uuid.uuid4().hex}"
    futures = {
        client.submit(fit_block, sent, number, blocks[i], key=f"{name}-{i}", pure=False): i
        for i in missing
    }
    in_order: Any = distributed.as_completed
    try:
        yield from _finished(futures, in_order(list(futures), loop=client.loop), stop)
    except distributed.KilledWorker as error:
        raise OSError(
            f"expected workers that live as long as a block takes, got {error}; see their memory "
            f"limit, or choose a smaller block_size, and call again: what is done stays"
        ) from error
    finally:
        client.cancel([one for one in futures if not one.done()])


def _finished(
    futures: dict[Any, int], in_order: Iterable[Any], stop: Callable[[], bool]
) -> Iterator[int]:
    """Numbers of the blocks that end well; after the first that fails, no other is begun.

    What has ended is taken out of `futures`.

    Raises
    ------
    Exception
        That of the first block that fails, after all that were begun have ended.
    """
    failure: BaseException | None = None
    for future in in_order:
        if future.cancelled():
            continue
        error = future.exception()
        # A cluster computes again what it still owes to somebody when a worker dies.
        number = futures.pop(future)
        if error is None:
            yield number
        failure = failure or error
        if failure is not None or stop():
            for other in list(futures):
                other.cancel()
    if failure is not None:
        raise failure


@contextmanager
def _client(scheduler: str | None) -> Iterator[Any]:
    """Client of a cluster: of this address, or the active one; None where there is none.

    Raises
    ------
    ImportError, OSError
        If `distributed` is not installed, or no scheduler answers.
    """
    if scheduler is None:
        yield _active_client()
        return
    try:
        import distributed
    except ImportError as error:
        raise ImportError(
            "expected the package distributed for scheduler=, got no such package; pip install "
            "napari-xpsnet[cluster]"
        ) from error
    try:
        connect: Any = distributed.Client
        client = connect(scheduler, timeout=_ANSWER, set_as_default=False)
    except (OSError, ValueError) as error:
        raise OSError(
            f"expected a dask scheduler at {scheduler}, got no answer ({error}); see whether it "
            f"runs: dask scheduler"
        ) from error
    with client:
        yield client


def _active_client() -> Any:
    """The client that the caller has opened; None where there is none."""
    module = sys.modules.get("distributed")
    try:
        return None if module is None else module.default_client()
    except ValueError:  # there is none
        return None
