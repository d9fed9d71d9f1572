"""Reading and writing spectra: `read` finds the format by content, never by extension.

`READERS` lists the formats in the order in which they are tried. A reader has `sniff(head)`,
which looks at the first bytes of a file, and `read(path)`, which returns what the file states.
The keywords of the caller (`scale`, `photon_energy`, `energy_offset`) are applied here.
"""

import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import xarray as xr

from xpsnet.arguments import check, path_or_paths
from xpsnet.arguments import path as path_rule
from xpsnet.data.regular_files import SAVE_IT, is_stream, not_a_file
from xpsnet.io import kratos, kratos_ascii, ole_file, omicron, unsupported, zip_archive
from xpsnet.io.casa import text_export as casa_text
from xpsnet.io.common.chosen_axes import checked_axes
from xpsnet.io.common.errors import ReadError, refusal
from xpsnet.io.common.file_bytes import read_head
from xpsnet.io.common.multi_file import Draft, natural_order
from xpsnet.io.common.overrides import Keywords, checked, finish
from xpsnet.io.common.reading import Reading
from xpsnet.io.common.repeats import merge_repeats
from xpsnet.io.common.stack_by import checked_by
from xpsnet.io.igor import binary as igor_binary
from xpsnet.io.igor import text as igor_text
from xpsnet.io.phi import reader as phi
from xpsnet.io.phi import text_export as phi_text
from xpsnet.io.scienta import text as scienta_text
from xpsnet.io.specs import sle as specs_sle
from xpsnet.io.specs import xml as specs_xml
from xpsnet.io.specs import xy as specs_xy
from xpsnet.io.stores import reader as stores
from xpsnet.io.stores.attributes import is_zarr
from xpsnet.io.tables import text
from xpsnet.io.tables.columns import checked_columns
from xpsnet.io.thermo import avg as thermo_avg
from xpsnet.io.vamas import reader as vamas
from xpsnet.xpsnet_warning import XpsnetWarning

__all__ = ["READERS", "ReadError", "Reader", "read", "read_one", "reader_of", "sniff"]

PathLike = str | os.PathLike[str]

_MAX_FILES = 10_000
_MAX_WARNINGS = 20


Content = TypeVar("Content")


class Reader(NamedTuple, Generic[Content]):
    """One format, and what it reads: spectra, or fits."""

    name: str
    sniff: Callable[[bytes], bool]
    read: Callable[..., Content]
    takes: tuple[str, ...] = ()  # keywords of `read` that are passed on


READERS: tuple[Reader[Reading], ...] = (
    Reader(vamas.NAME, vamas.sniff, vamas.read),
    Reader(casa_text.NAME, casa_text.sniff, casa_text.read),
    Reader(phi.NAME, phi.sniff, phi.read),
    Reader(phi_text.NAME, phi_text.sniff, phi_text.read),
    Reader(stores.NAME, stores.sniff, stores.read, ("axes",)),
    Reader(scienta_text.NAME, scienta_text.sniff, scienta_text.read),
    Reader(ole_file.NAME, ole_file.sniff, ole_file.read, ("columns",)),
    Reader(thermo_avg.NAME, thermo_avg.sniff, thermo_avg.read),
    Reader(igor_binary.NAME, igor_binary.sniff, igor_binary.read, ("axes",)),
    Reader(igor_text.NAME, igor_text.sniff, igor_text.read, ("axes",)),
    Reader(zip_archive.NAME, zip_archive.sniff, zip_archive.read, ("columns",)),
    Reader(kratos.NAME, kratos.sniff, kratos.read),
    Reader(kratos_ascii.NAME, kratos_ascii.sniff, kratos_ascii.read),
    Reader(omicron.NAME, omicron.sniff, omicron.read),
    Reader(specs_xy.NAME, specs_xy.sniff, specs_xy.read),
    Reader(specs_xml.NAME, specs_xml.sniff, specs_xml.read),
    Reader(specs_sle.NAME, specs_sle.sniff, specs_sle.read),
    # Before text, which would take everything that can be decoded.
    Reader("no spectra", unsupported.sniff, unsupported.read),
    Reader(text.NAME, text.sniff, text.read, ("columns",)),
)


def read(
    path: PathLike | Iterable[PathLike],
    *,
    region: str | int | None = None,
    scale: str | None = None,
    photon_energy: float | None = None,
    energy_offset: float = 0.0,
    sum_over: str | Iterable[str] | None = None,
    by: str | None = None,
    axes: Mapping[str, str | int] | Sequence[str] | None = None,
    columns: Mapping[str, str | int | Sequence[str | int]] | None = None,
) -> list[xr.DataArray]:
    """Read the spectra of a file, a folder or a list of files.

    The content decides the format, not the extension. Scans of the same region in several files
    become one stack with the dimension `scan` and the coordinate `file`, on the union of their
    energies (NaN if a scan has no point).

    Parameters
    ----------
    path : path or iterable of paths
        File, zarr store, folder (its files in natural order; files without spectra are skipped
        with a warning) or files in the order of the stack.
    region : str or int, optional
        Only the regions of this name ("O 1s", in any spelling: "O1s", "o 1s"), or the one of this
        number in the list. "Ti 2p" also finds "Ti 2p3/2", and "Ti 2p3/2" finds "Ti 2p", where
        no region has exactly that name. If the file gives no names and holds one spectrum, that
        spectrum gets this name.
    scale : "binding" or "kinetic", optional
        Energy scale, if the file does not state it or states a wrong one. Nothing is converted:
        `xpsnet.to_binding` converts.
    photon_energy : float, optional
        [eV], if the file does not state it or states a wrong one.
    energy_offset : float
        Added to the energies as they are in the file [eV].
    sum_over : str or iterable of str, optional
        Dimensions to sum over: "angle" turns angle-resolved images into spectra. Spectra without
        this dimension stay as they are.
    by : str, optional
        What tells spectra of the same region apart: "sample", or any other attribute or
        coordinate ("group"). They become one stack with this dimension, on the union of their
        energies.
    axes : sequence of str or mapping, optional
        Names of the dimensions of HDF5, zarr, netCDF and Igor files in which nothing states
        them, one of them "energy": all names in the order of the file, ``("angle", "energy")``;
        or for each name the array that holds its values, ``{"energy": "axis_1"}``, or the number
        of the dimension, counted from 0.
    columns : mapping, optional
        What columns of a table (text, csv, Excel) hold, by label or by number from 1:
        ``{"axis": "BE", "spectrum": [2, 3], "coordinate": "etch time"}``. Roles are "axis" (the
        energies), "spectrum", "coordinate", "error", "background", "residual", "component",
        "sum", "other axis", "index", "other" and "left out"; only the first three are read. The
        other columns keep the roles that the labels tell, see ``attrs["columns"]``.

    Returns
    -------
    list of DataArray
        One per region, at least one. `energy` is the last dimension. ``attrs["columns"]`` of a
        table of another program states what each column was taken for.

    Raises
    ------
    ReadError
        With the file and the line or block, what was expected, what was found and what to do;
        also if there is no such region, or no spectrum has a dimension of `sum_over`, a value
        for `by` or the arrays of `axes`.
    ValueError
        If a keyword is out of its range.

    Warns
    -----
    XpsnetWarning
        About damaged parts that were left out, and about assumptions.

    See Also
    --------
    read_one : exactly one spectrum.
    read_fit : the fits in a file.

    Examples
    --------
    >>> import os, tempfile, xpsnet
    >>> path = os.path.join(tempfile.mkdtemp(), "sample.csv")
    >>> xpsnet.write(xpsnet.sample("spectrum"), path)
    >>> [spectra.name for spectra in xpsnet.read(path)]
    ['C 1s']
    """
    check(
        locals(),
        path=path_or_paths,
    )
    keywords = checked(scale, photon_energy, energy_offset, sum_over)
    keywords = keywords._replace(
        by=checked_by(by), axes=checked_axes(axes), columns=checked_columns(columns)
    )
    return _read(path, region, keywords, single=False)


def read_one(
    path: PathLike | Iterable[PathLike],
    region: str | int | None = None,
    *,
    scale: str | None = None,
    photon_energy: float | None = None,
    energy_offset: float = 0.0,
    sum_over: str | Iterable[str] | None = None,
    by: str | None = None,
    axes: Mapping[str, str | int] | Sequence[str] | None = None,
    columns: Mapping[str, str | int | Sequence[str | int]] | None = None,
) -> xr.DataArray:
    """Read exactly one spectrum, or one stack of spectra.

    Parameters
    ----------
    path : path or iterable of paths
        As for `read`.
    region : str or int, optional
        Name or number of the region; not needed if there is only one.
    scale, photon_energy, energy_offset, sum_over, by, axes, columns : optional
        As for `read`.

    Returns
    -------
    DataArray
        `energy` is the last dimension.

    Raises
    ------
    ReadError
        If the file cannot be read, or if it holds no such region or several. The message lists
        the regions.
    ValueError
        If a keyword is out of its range.

    Warns
    -----
    XpsnetWarning
        As for `read`.

    Examples
    --------
    >>> import os, tempfile, xpsnet
    >>> path = os.path.join(tempfile.mkdtemp(), "sample.csv")
    >>> xpsnet.write(xpsnet.sample("spectrum"), path)
    >>> xpsnet.read_one(path, region="C1s").name
    'C 1s'
    """
    check(
        locals(),
        path=path_or_paths,
    )
    keywords = checked(scale, photon_energy, energy_offset, sum_over)
    keywords = keywords._replace(
        by=checked_by(by), axes=checked_axes(axes), columns=checked_columns(columns)
    )
    return _read(path, region, keywords, single=True)[0]


def _read(
    path: PathLike | Iterable[PathLike],
    region: str | int | None,
    keywords: Keywords,
    *,
    single: bool,
) -> list[xr.DataArray]:
    """Read all files, choose the regions and warn on behalf of the public caller."""
    files, is_folder = _files(path)
    drafts: list[Draft] = []
    notes: list[str] = _streams(files[0].parent) if is_folder else []
    refused: list[ReadError] = []
    for file in files:
        try:
            reading = _read_file(file, keywords)
        except ReadError as error:
            if not is_folder:
                raise
            refused.append(error)
            continue
        spectra = [merge_repeats(spectrum, reading.notes) for spectrum in reading.spectra]
        drafts += [Draft(file, spectrum, reading.stored_by_us) for spectrum in spectra]
        notes += [f"{file}: {note}" for note in reading.notes]
    if refused and drafts:
        notes.append(f"{len(refused)} of {len(files)} files are skipped, the first: {refused[0]}")
    elif refused:
        raise refused[0]
    spectra = finish(drafts, keywords, region, notes, single=single)
    if len(notes) > _MAX_WARNINGS:
        notes[_MAX_WARNINGS:] = [f"{len(notes) - _MAX_WARNINGS} more warnings of this kind"]
    for note in notes:
        warnings.warn(note, XpsnetWarning, stacklevel=3)
    return spectra


def _read_file(path: Path, keywords: Keywords) -> Reading:
    """Read one file, with the keywords that its format takes."""
    reader = reader_of(path, READERS, "spectra")
    given: dict[str, object] = {}
    for name, value in (("axes", keywords.axes), ("columns", keywords.columns)):
        if not value:
            continue
        if name not in reader.takes:
            takers = ", ".join(one.name for one in READERS if name in one.takes)
            raise refusal(path, expected=f"a file of a format that takes {name}= ({takers})",
                          got=reader.name, advice=f"leave out {name}=")  # fmt: skip
        given[name] = value
    return reader.read(path, **given)


def sniff(path: PathLike) -> str:
    """Name the format of a file or of a zarr store, by its content.

    Returns
    -------
    str
        A name of `READERS`, without opening more than the first bytes.

    Raises
    ------
    ReadError
        If the file cannot be opened.
    """
    return reader_of(Path(path), READERS, "spectra").name


def reader_of(path: Path, readers: tuple[Reader[Content], ...], wanted: str) -> Reader[Content]:
    """Find the reader of a file, or of a zarr store, by its content.

    Parameters
    ----------
    path : Path
    readers : tuple of Reader
        In the order in which they are tried.
    wanted : str
        What they read, for the message.

    Returns
    -------
    Reader

    Raises
    ------
    ReadError
        If there is no such file, or none of the readers takes it.
    """
    if is_zarr(path):
        return next(reader for reader in readers if reader.name == stores.NAME)
    if got := not_a_file(path):
        advice = SAVE_IT if is_stream(path) else "check the path"
        raise refusal(path, expected=f"a file with {wanted}", got=got, advice=advice)
    head = read_head(path)
    for reader in readers:
        if reader.sniff(head):
            return reader
    names = ", ".join(reader.name for reader in readers)
    raise refusal(path, expected=f"a file that can hold {wanted} ({names})",
                  got="another kind of file",
                  advice="xpsnet.read gives the spectra in it, if there are any")  # fmt: skip


def _files(path: PathLike | Iterable[PathLike]) -> tuple[list[Path], bool]:
    """List the files to read, and say whether they are all those of a folder."""
    if not isinstance(path, str | os.PathLike):
        given = list(path)
        for one in given:
            path_rule("path", one)
        listed = [Path(one) for one in given]
        if not listed:
            raise refusal("the list of files", expected="at least one file", got="none")
        return listed, False
    path = Path(path)
    if not path.is_dir() or is_zarr(path):
        return [path], False
    try:
        found = [one for one in path.iterdir() if not one.name.startswith(".")]
    except OSError as error:
        raise refusal(path, expected="a folder that can be listed", got=str(error)) from error
    files = sorted((one for one in found if one.is_file() or is_zarr(one)), key=natural_order)
    if not 0 < len(files) <= _MAX_FILES:
        raise refusal(path, expected=f"a folder with 1 to {_MAX_FILES} files", got=f"{len(files)}",
                      advice="choose the folder in which the spectra are")  # fmt: skip
    return files, True


def _streams(folder: Path) -> list[str]:
    """The note on what in a folder is no file, but would be taken for one by its name."""
    found = sorted((one for one in folder.iterdir() if is_stream(one)), key=natural_order)
    if not found:
        return []
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return [f"{found[0]}{more} skipped: {not_a_file(found[0])}, no file"]
