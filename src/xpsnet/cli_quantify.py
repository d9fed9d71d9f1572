"""`xpsnet quantify`: atomic percent of the regions of files."""

import argparse
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xpsnet.xpsnet_warning import XpsnetWarning

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["add_quantify"]

Regions = Callable[[argparse.Namespace], "list[xr.DataArray]"]
_COLUMNS = ("atomic_fraction", "atomic_fraction_stderr", "atomic_fraction_systematic")


def add_quantify(
    commands: Any,
    add_file_options: Callable[[argparse.ArgumentParser], None],
    regions: Regions,
    show: Callable[..., None],
) -> None:
    """Add the command `quantify`.

    Parameters
    ----------
    commands
        Subparsers of the command line.
    add_file_options, regions, show
        What the other commands use to name files, to read them, and to print.
    """
    parser = commands.add_parser("quantify", help="atomic percent of the regions of a file")
    add_file_options(parser)
    add = parser.add_argument
    add("--fits", action="store_true", help="use the fits that the files hold, fit nothing")
    add("--leave-out", action="append", default=[], metavar="REGION", help="can be repeated")
    add(
        "--level",
        choices=["region", "state", "peak"],
        default="region",
        help="what gets a fraction: a region (default), a chemical state, a line",
    )
    add("--rsf", default="scofield", help="scofield (default), file, or a table of factors")
    add(
        "--rsf-kind",
        choices=["cross-section", "measured", "average matrix"],
        help="what the factors contain: nothing else; transmission, mean free path and angle; or"
        " the mean free path",
    )
    add(
        "--transmission",
        default="file",
        metavar="T",
        help='file (default), a power of the kinetic energy such as "ke^-0.7", or none',
    )
    add(
        "--imfp",
        default="ke^n",
        metavar="L",
        help='mean free path: "ke^n" (default), "ke^0.75", tpp2m, jtp or none',
    )
    add("--formula", help="of the material, for tpp2m and jtp")
    add("--density", type=float, metavar="G/CM3", help="of the material")
    add("--band-gap", type=float, metavar="EV", help="of the material")
    add("-o", "--output", metavar="PATH", help="write the table: .csv or .nc")
    add("--overwrite", action="store_true", help="replace a file that exists")
    parser.set_defaults(command=lambda chosen: _run(chosen, regions, show))


def _run(chosen: argparse.Namespace, regions: Regions, show: Callable[..., None]) -> None:
    """Fit all regions with a level, or take the fits of the files; quantify, print, write."""
    from xpsnet.chemistry.quantify import quantify

    target = None if chosen.output is None else _target(chosen)
    peaks = _stored_fits(chosen) if chosen.fits else _new_fits(regions(chosen), chosen)
    material = {
        name: value
        for name, value in (
            ("formula", chosen.formula),
            ("density", chosen.density),
            ("band_gap", chosen.band_gap),
        )
        if value is not None
    }
    found = quantify(
        peaks,
        rsf=chosen.rsf,
        rsf_kind=chosen.rsf_kind,
        transmission=None if chosen.transmission == "none" else chosen.transmission,
        imfp=None if chosen.imfp == "none" else chosen.imfp,
        material=material or None,
        level=chosen.level,
        photon_energy=chosen.photon_energy,
    )
    show(*_lines(found))
    if target is not None:
        _write(found, target)
        show(f"wrote {target}")


def _target(chosen: argparse.Namespace) -> Path:
    """Where the table is to be written; refused before the work begins."""
    from xpsnet.io.common.paths import check_place

    target = Path(chosen.output)
    if target.suffix.lower() not in (".csv", ".nc"):
        raise ValueError(f"expected -o with .csv or .nc, got {target.name}; change the extension")
    check_place(target, overwrite=chosen.overwrite, how="say --overwrite")
    return target


def _stored_fits(chosen: argparse.Namespace) -> "list[xr.Dataset]":
    """Fits that the files hold."""
    from xpsnet.io.read_fit import read_fit

    found = [one for file in chosen.file for one in read_fit(file)]
    return [one for one in found if one.attrs.get("region") not in chosen.leave_out]


def _new_fits(regions: "Sequence[xr.DataArray]", chosen: argparse.Namespace) -> "list[xr.Dataset]":
    """Fits of all regions whose name states a level."""
    from xpsnet.data.level_names import parse_level
    from xpsnet.pipeline.fit import fit

    named = [one for one in regions if parse_level(str(one.name or "")) is not None]
    left = [str(one.name) for one in regions if not any(one is other for other in named)]
    if left:
        message = f"left out, because they name no core level: {', '.join(left)}"
        warnings.warn(message, XpsnetWarning, stacklevel=2)
    used = [one for one in named if str(one.name) not in chosen.leave_out]
    if not used:
        raise ValueError(
            f"expected regions named by their core level, got {', '.join(left) or 'none'}; choose "
            f"a file with core levels"
        )
    return [fit(one) for one in used]


def _lines(found: "xr.Dataset") -> list[Any]:
    """Table of the fractions, and what was applied; of several spectra the medians."""
    from xpsnet.chemistry.quantify import row_names
    from xpsnet.cli_table import table

    row = "region" if "region" in found.dims else "row"
    others = [dim for dim in found["atomic_fraction"].dims if dim != row]
    middle = found.median(others) if others else found
    names = row_names(found)
    header = ["", "factor", "at.%", "+- noise", "+- factors"]
    with_limit = "detection_limit" in found
    rows = []
    for k, name in enumerate(names):
        one = middle.isel({row: k})
        cells = [f"{float(one['sensitivity_factor']):.3f}"]
        columns = [*_COLUMNS, *(["detection_limit"] if with_limit else [])]
        percents = [100 * float(one[column]) for column in columns]
        cells += [f"{value:.2f}" if value == value else "-" for value in percents]
        rows.append([name, *cells])
    lines: list[Any] = [table([*header, *(["limit"] if with_limit else [])], rows)]
    if others:
        n = found["atomic_fraction"].size // found.sizes[row]
        lines.append(f"medians of {n} spectra")
    lines += [f"{name}: {found.attrs[name]}" for name in ("rsf", "transmission", "imfp", "angle")]
    return lines


def _write(found: "xr.Dataset", target: Path) -> None:
    """Write the table or the Dataset."""
    from xpsnet.io.common.atomic_write import write_file

    if target.suffix.lower() == ".csv":
        columns = [name for name in found.data_vars if found[name].ndim]
        text = found[columns].to_dataframe().to_csv()
        write_file(target, text.encode("utf-8"))
        return
    found.to_netcdf(target)
