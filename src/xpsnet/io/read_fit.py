"""Fits in files: those of vendors' programs, and the peaks that `write` has stored."""

import os
from pathlib import Path

import xarray as xr

from xpsnet.arguments import check
from xpsnet.arguments import path as path_rule
from xpsnet.io.casa import text_export
from xpsnet.io.common.region_names import chosen_regions
from xpsnet.io.read import Reader, reader_of
from xpsnet.io.stores import reader as stores
from xpsnet.io.stores.session import is_session, session_fits
from xpsnet.io.tables import peak_set, stored_peaks
from xpsnet.io.thermo import avantage_fits
from xpsnet.io.vamas import casa_fits
from xpsnet.io.vamas import reader as vamas_reader

PathLike = str | os.PathLike[str]


def _stored_fits(path: Path) -> list[xr.Dataset]:
    """Peaks in a store, or in the session that it is."""
    return session_fits(path) if is_session(path) else stores.read_fits(path)


FIT_READERS: tuple[Reader[list[xr.Dataset]], ...] = (
    Reader(vamas_reader.NAME, vamas_reader.sniff, casa_fits.read_fits),
    Reader(avantage_fits.NAME, avantage_fits.sniff, avantage_fits.read_fits),
    Reader(text_export.NAME, text_export.sniff, text_export.read_fits),
    Reader(stores.NAME, stores.sniff, _stored_fits),
    Reader("csv of xpsnet", stored_peaks.sniff_csv, stored_peaks.read_csv),
    Reader("peak set of xpsnet", peak_set.sniff, peak_set.read),
)


def read_fit(path: PathLike, region: str | int | None = None) -> list[xr.Dataset]:
    """Read the fits in a file: those of CasaXPS and Avantage, and what `write` has stored.

    Each fit is a Dataset of peaks, as `fit` and `refine` return it. It serves as a start for
    `refine`, for comparison, and for `plot` with the spectra that `read` gives from the same
    file: scale, units and dimensions are those of the spectra.

    Parameters
    ----------
    path : path
        A VAMAS file saved by CasaXPS, a text export of CasaXPS, an Excel export of Avantage; or
        peaks that `write` has stored: netCDF, zarr, NeXus, csv, Excel, VAMAS, or a peak set as
        JSON. The content decides the format.
    region : str or int, optional
        Only the fits of this region ("O 1s", in any spelling), or the one of this number in the
        file. Names are found as in `read`.

    Returns
    -------
    list of Dataset
        One per fitted region, at least one; ``attrs["region"]`` names it. Peaks that `write` has
        stored are equal to what was written, lazy where a store is large. In a fit of a vendor's
        program `center`, `fwhm` and `height` are those of the maximum and of the whole line;
        `vendor_center`, `vendor_fwhm` and `vendor_area` are the numbers that the program shows.
        The background is the vendor's, as a curve. Limits, locks and links of the parameters are in
        ``attrs["constraints"]``, as `refine` takes them: ``refine(spectra, peaks)`` fits as the
        program did. The vendor's own words are in further attributes.

    Raises
    ------
    ReadError
        If the file holds no fit that can be read, or none of this region.

    Warns
    -----
    XpsnetWarning
        About line shapes and backgrounds that xpsnet does not have: the nearest ones are used.

    See Also
    --------
    read : the spectra in a file.
    write : stores peaks.

    Examples
    --------
    >>> import os, tempfile, xpsnet, xpsnet.samples
    >>> path = os.path.join(tempfile.mkdtemp(), "peaks.nc")
    >>> xpsnet.write(xpsnet.samples.sample_truth("spectrum"), path)
    >>> (peaks,) = xpsnet.read_fit(path, region="C 1s")
    >>> peaks.sizes["peak"]
    3
    """
    check(locals(), path=path_rule)
    path = Path(path)
    found = reader_of(path, FIT_READERS, "a fit").read(path)
    names = [str(peaks.attrs.get("region") or "") for peaks in found]
    if isinstance(region, str) and names == [""]:
        return [found[0].assign_attrs(region=region)]
    listed = [repr(name) if name else "unnamed" for name in names]
    chosen = chosen_regions(path, region, [[name] for name in names], listed)
    return [found[i] for i in chosen]
