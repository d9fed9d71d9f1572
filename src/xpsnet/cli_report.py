"""`xpsnet report`: what a reader of a peak fit wants to know, from a file."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["add_report"]


def add_report(
    commands: Any,
    add_file_options: Callable[[argparse.ArgumentParser], None],
    regions: Callable[[argparse.Namespace], "list[xr.DataArray]"],
    show: Callable[..., None],
) -> None:
    """Add the command `report`.

    Parameters
    ----------
    commands
        Subparsers of the command line.
    add_file_options, regions, show
        What the other commands use to name files, to read them, and to print.
    """
    parser = commands.add_parser("report", help="write a report on the fits of a file")
    add_file_options(parser)
    add = parser.add_argument
    add("-o", "--output", metavar="PATH", help="NAME.html (default), .md or .txt")
    add("--fits", action="store_true", help="use the fits that the files hold, fit nothing")
    add("--short", action="store_true", help="what the supplement of a paper needs, no more")
    add("--quantify", action="store_true", help="with atomic percents (see `xpsnet quantify`)")
    add("--overwrite", action="store_true", help="replace a report that exists")
    parser.set_defaults(command=lambda chosen: _run(chosen, regions, show))


def _run(
    chosen: argparse.Namespace,
    regions: "Callable[[argparse.Namespace], list[xr.DataArray]]",
    show: Callable[..., None],
) -> None:
    """Fit all regions, or take the fits of the files, and write the report."""
    from xpsnet.chemistry.quantify import quantify
    from xpsnet.chemistry.report_document import report
    from xpsnet.io.common.paths import check_place

    target = Path(chosen.output or f"{Path(chosen.file[0]).stem}_report.html")
    check_place(target, overwrite=chosen.overwrite, how="say --overwrite")  # before the fits
    spectra, peaks = _pairs(regions(chosen), chosen)
    report(
        spectra,
        peaks,
        target,
        quantified=quantify(peaks) if chosen.quantify else None,
        detail="short" if chosen.short else "full",
        overwrite=chosen.overwrite,
    )
    show(f"wrote {target}")


def _pairs(
    spectra: "list[xr.DataArray]", chosen: argparse.Namespace
) -> "tuple[list[xr.DataArray], list[xr.Dataset]]":
    """Spectra and their fits."""
    from xpsnet.io.read_fit import read_fit
    from xpsnet.pipeline.fit import fit

    if not chosen.fits:
        return spectra, [fit(one) for one in spectra]
    stored = [one for file in chosen.file for one in read_fit(file)]
    found = {(one.attrs.get("region"), one.attrs.get("sample")): one for one in stored}
    known = [one for one in spectra if (one.name, one.attrs.get("sample")) in found]
    if not known:
        raise ValueError(
            f"expected fits in {', '.join(map(str, chosen.file))}, got none of the regions that it "
            f"holds; leave out --fits to fit them now"
        )
    return known, [found[one.name, one.attrs.get("sample")] for one in known]
