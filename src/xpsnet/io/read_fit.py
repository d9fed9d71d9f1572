"""Fits that people made in vendors' programs: `read_fit` gives them as peaks."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, overload

import xarray as xr

from xpsnet.io.casa import text_export
from xpsnet.io.common.errors import refusal
from xpsnet.io.common.file_bytes import read_head
from xpsnet.io.common.region_names import region_name
from xpsnet.io.thermo import avantage_fits
from xpsnet.io.vamas import casa_fits
from xpsnet.io.vamas import reader as vamas_reader

PathLike = str | os.PathLike[str]


class FitReader(NamedTuple):
    """One format that carries fits: `read_fits` gives region and peaks for each of them."""

    name: str
    sniff: Callable[[bytes], bool]
    read_fits: Callable[[Path], list[tuple[str, xr.Dataset]]]


FIT_READERS: tuple[FitReader, ...] = (
    FitReader(vamas_reader.NAME, vamas_reader.sniff, casa_fits.read_fits),
    FitReader(avantage_fits.NAME, avantage_fits.sniff, avantage_fits.read_fits),
    FitReader(text_export.NAME, text_export.sniff, text_export.read_fits),
)


@overload
def read_fit(path: PathLike, *, region: None = None) -> list[xr.Dataset]: ...
@overload
def read_fit(path: PathLike, *, region: str | int) -> xr.Dataset: ...
def read_fit(path: PathLike, *, region: str | int | None = None) -> list[xr.Dataset] | xr.Dataset:
    """Read the fits that a person made in CasaXPS or Avantage, as peaks.

    They serve as starts for `refine`, for comparison, and for `plot` with the spectra that
    `read` gives from the same file: scale, units and dimensions are those of the spectra.

    Parameters
    ----------
    path : path
        A VAMAS file saved by CasaXPS, a text export of CasaXPS, or an Excel export of Avantage;
        the format is found by content.
    region : str or int, optional
        The fit of this region ("O 1s"), or of this number in the file; gives one Dataset.

    Returns
    -------
    list of Dataset, or Dataset
        `center`, `fwhm` and `height` are those of the maximum and of the whole line;
        `vendor_center`, `vendor_fwhm` and `vendor_area` are the numbers that the vendor's program
        shows. The background is the vendor's, as a curve. Limits and links of the parameters
        stand in ``attrs["constraints"]`` as JSON, the vendor's own words beside them.

    Raises
    ------
    ReadError
        Where the file holds no fit that can be read, or not exactly one of this region.

    Warns
    -----
    UserWarning
        Of line shapes and backgrounds that we do not have: the nearest ones stand in.

    Examples
    --------
    >>> peaks = xpsnet.read_fit("Fe2p.vms", region="Fe 2p")  # doctest: +SKIP
    >>> refined = xpsnet.refine(xpsnet.read("Fe2p.vms", region="Fe 2p"), peaks)  # doctest: +SKIP
    """
    path = Path(path)
    if not path.is_file():
        got = "a folder" if path.is_dir() else "nothing of this name"
        raise refusal(path, expected="a file with a fit", got=got, advice="check the path")
    head = read_head(path)
    reader = next((reader for reader in FIT_READERS if reader.sniff(head)), None)
    if reader is None:
        names = ", ".join(reader.name for reader in FIT_READERS)
        raise refusal(
            path,
            expected=f"a file that can hold a fit ({names})",
            got="another kind of file",
            advice="peaks that xpsnet has written are read by xpsnet.io.read_peaks",
        )
    found = reader.read_fits(path)
    return [peaks for _, peaks in found] if region is None else _chosen(path, found, region)


def _chosen(path: Path, found: list[tuple[str, xr.Dataset]], region: str | int) -> xr.Dataset:
    """Find the one fit of a region."""
    listed = ", ".join(f"{i}: {name!r}" for i, (name, _) in enumerate(found[:40]))
    if not isinstance(region, str):
        if not -len(found) <= region < len(found):
            raise refusal(
                path, expected=f"a fit from 0 to {len(found) - 1}", got=str(region),
                advice=f"it holds {listed}",
            )  # fmt: skip
        return found[region][1]
    wanted = region_name(region).lower()
    usual = [peaks for name, peaks in found if region_name(name).lower() == wanted]
    if len(usual) == 1:
        return usual[0]
    got = f"{len(usual)} of that name" if usual else "no such fit"
    raise refusal(
        path, expected=f"one fit of {region!r}", got=got,
        advice=f"choose by number, of {listed}" if usual else f"it holds {listed}",
    )  # fmt: skip
