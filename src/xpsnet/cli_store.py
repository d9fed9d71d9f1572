"""`xpsnet fit` from a zarr store to a zarr store, block by block; `xpsnet info` of the result."""

import argparse
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["add_output", "describe", "describe_large", "fit_into", "in_blocks", "target"]


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the options of the files that are written, and of the cluster that computes blocks."""
    parser.add_argument(
        "-o",
        "--output",
        action="append",
        default=[],
        metavar="PATH",
        help="write the peaks: .csv, .xlsx, .vms, .nxs, .nc or .zarr; can be repeated; from a .zarr"
        " to a .zarr block by block: after a stop, the same command goes on",
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="from .zarr to .zarr: compute the blocks on a dask cluster, for instance"
        " tcp://10.0.0.1:8786",
    )


def target(chosen: argparse.Namespace) -> str | None:
    """The zarr store that is written block by block: where input and output are zarr stores.

    Raises
    ------
    ValueError
        If a scheduler was named for another fit.
    """
    from xpsnet.io.stores.attributes import is_zarr

    stores = [path for path in chosen.output if path.lower().endswith(".zarr")]
    is_store = len(chosen.file) == 1 and is_zarr(Path(chosen.file[0]))
    if is_store and len(stores) == 1 and chosen.refine:
        return str(stores[0])
    if chosen.scheduler is not None:
        raise ValueError(
            f"expected a zarr store as input and one as output with --scheduler, got "
            f"{' '.join(chosen.file)} and {' '.join(chosen.output) or 'no output'}; write the "
            f"spectra as .zarr and say -o peaks.zarr"
        )
    return None


def in_blocks(store: str | None) -> AbstractContextManager[object]:
    """Within it, large files are opened in small pieces, for a store that is written in blocks."""
    if store is None:
        return nullcontext()
    from xpsnet.pipeline.store import reading_in_blocks

    return reading_in_blocks()


def fit_into(
    spectra: "xr.DataArray", out: str, chosen: argparse.Namespace, options: Mapping[str, Any]
) -> "xr.Dataset":
    """Fit into a store; where that stops, say how far it is and how to go on."""
    from xpsnet.io.stores.block_store import progress_of
    from xpsnet.pipeline.store import fit_store

    spectra.encoding["source"] = os.path.abspath(chosen.file[0])
    before = None if chosen.overwrite else progress_of(Path(out))
    if before is not None and not before.complete:
        sys.stderr.write(f"xpsnet: {out}: {before}; going on\n")
    try:
        return fit_store(
            spectra, out, overwrite=chosen.overwrite, scheduler=chosen.scheduler, **options
        )
    except BaseException:
        state = progress_of(Path(out))
        if state is not None and not state.complete:
            sys.stderr.write(f"xpsnet: {out}: {state}; the same command goes on with it\n")
        raise


def describe(files: Sequence[str]) -> list[str]:
    """Lines about peaks that were written block by block; none for all other files."""
    from xpsnet.io.read_fit import read_fit
    from xpsnet.io.stores.block_store import progress_of, read_state

    if len(files) != 1 or (state := progress_of(Path(files[0]))) is None:
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is in progress is said below
        peaks = read_fit(files[0])[0]
    sizes = ", ".join(f"{d} {peaks.sizes[d]}" for d in peaks["n_peaks"].dims)
    lines = [f"peaks of {peaks.attrs.get('region') or 'spectra'} in {files[0]}", str(state)]
    if not state.complete:
        lines[1] += "; the command that began it goes on with it"
    lines.append(f"spectra: {sizes or 'one'}")
    for name in ("model_choice_text", "background_choice"):
        if name in peaks.attrs:
            lines.append(f"{name.partition('_')[0]}: {peaks.attrs[name]}")
    asked = read_state(Path(files[0]))["asked"]
    said = [f"{name} {value}" for name, value in asked.items() if value not in (None, "auto", {})]
    lines.append(f"options: {', '.join(said)}")
    return lines


def describe_large(store: str | None, peaks: "xr.Dataset") -> list[Any]:
    """Lines about the peaks in a store that are too many for a report; none for all others."""
    if store is None or peaks["center"].chunks is None:
        return []
    return list(describe([store]))
