"""Writing VAMAS (ISO 14976): spectra, and their peaks as CasaXPS comments."""

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.data.peaks import keep_own_names, line_shapes_of
from xpsnet.io.casa.comment_writer import EXACT, NO_FIT, casa_comment
from xpsnet.io.common.stacking import Floats
from xpsnet.io.vamas.parser import END, MAGIC
from xpsnet.io.vamas.reader import DIMENSIONS, WITHOUT_SATELLITES
from xpsnet.numerics.peak_shapes import distinct_shapes
from xpsnet.xpsnet_warning import XpsnetWarning

_OURS = "Written by xpsnet "
_UNKNOWN = "1e+37"
_NOT_SAID = "Not Specified"
_LEAST_DIFFERENCE = 1e-9  # [eV] between an axis and its start and step
# Coordinates that have places of their own in a block.
_DETAILS = ("dwell_time", "n_scans", "acquired", "sample")
_MAX_DIMS = 4


def vamas_text(
    spectra: Sequence[xr.DataArray], peaks: Sequence[xr.Dataset | None] | None = None
) -> str:
    """File with spectra, one block for each, and their peaks as CasaXPS components.

    Numbers have all their digits. Energies are given by start and step where those reproduce
    them within 1e-9 eV for all spectra (scan mode REGULAR), else one by one (IRREGULAR).

    Parameters
    ----------
    spectra : sequence of DataArray
        Checked spectra, energy last, with at most four other dimensions.
    peaks : sequence of Dataset or None, optional
        Of each array of `spectra`; None where it was not fitted.

    Returns
    -------
    str
        Lines that end with a carriage return and a line feed.

    Raises
    ------
    ValueError
        If there are too many dimensions, or the peaks do not belong to the spectra or lack
        what CasaXPS needs.

    Warns
    -----
    XpsnetWarning
        If CasaXPS does not have the line shape: the nearest one is written.
    """
    spectra = [_checked(one) for one in spectra]
    fits = [None] * len(spectra) if peaks is None else list(peaks)
    for one, fit in zip(spectra, fits, strict=True):
        if fit is not None:
            _check_peaks(one, fit)
    regular = all(_step(one["energy"].values) is not None for one in spectra)
    variables = _variables(spectra)
    n_blocks = sum(int(np.prod(one.shape[:-1])) for one in spectra)
    file = io.StringIO(newline="\r\n")
    for line in _header(spectra, variables, regular=regular, n_blocks=n_blocks):
        file.write(line + "\n")
    for one, fit in zip(spectra, fits, strict=True):
        for lines in _blocks(one, fit, variables, regular=regular):
            file.write("\n".join(lines) + "\n")
    file.write(END + "\n")
    return file.getvalue()


def _checked(spectra: xr.DataArray) -> xr.DataArray:
    """Spectra in memory that a file can hold."""
    if spectra.ndim > _MAX_DIMS + 1:
        raise ValueError(
            f"expected at most {_MAX_DIMS} dimensions beside energy for VAMAS, got "
            f"{spectra.dims}; write .nc or .zarr, or parts of it"
        )
    if spectra.sizes["energy"] < 2 or spectra.size == 0:
        raise ValueError(f"expected spectra of at least 2 points for VAMAS, got {spectra.sizes}")
    return spectra.load()


def _check_peaks(one: xr.DataArray, peaks: xr.Dataset) -> None:
    """Refuse peaks that do not belong to the spectra."""
    if "count" in peaks["center"].dims:
        raise ValueError("expected one set of peaks per spectrum; choose peaks.sel(count=...)")
    ours = dict(zip(keep_own_names(one).dims[:-1], one.shape[:-1], strict=True))
    theirs = {dim: n for dim, n in peaks["center"].sizes.items() if dim != "peak"}
    if ours != theirs or peaks.attrs.get("scale") != one.attrs["scale"]:
        raise ValueError(
            f"expected peaks of these spectra, over {ours} in {one.attrs['scale']} energy, got "
            f"{theirs} in {peaks.attrs.get('scale')} energy"
        )
    if one.attrs["scale"] == "binding" and "photon_energy" not in one.attrs:
        raise ValueError(
            "expected the photon energy, because CasaXPS' components are kinetic; do "
            'spectra.attrs["photon_energy"] = 1486.6'
        )
    foreign = [name for name in distinct_shapes(line_shapes_of(peaks)) if name not in EXACT]
    if foreign:
        warnings.warn(
            f"CasaXPS has no {' or '.join(foreign)} lines: sums of Gaussian and Lorentzian, "
            f"SGL, of the same center, width and area are written",
            XpsnetWarning,
            stacklevel=6,
        )


def _step(energy: Floats) -> float | None:
    """Step of a uniform axis [eV]."""
    n = energy.size
    mean = float(energy[-1] - energy[0]) / (n - 1)
    for step in (round(mean, 8), mean):
        if np.abs(energy[0] + step * np.arange(n) - energy).max() <= _LEAST_DIFFERENCE:
            return step
    return None


def _variables(spectra: Sequence[xr.DataArray]) -> dict[str, str]:
    """Names and units of the numbers that tell blocks apart, of all arrays."""
    found: dict[str, str] = {}
    for one in spectra:
        for name in _numbers(one):
            units = str(one[name].attrs.get("units", "")) if name in one.coords else ""
            found.setdefault(name, units or "d")
    return found


def _numbers(one: xr.DataArray) -> list[str]:
    """Coordinates that hold a number per spectrum; dimensions without one are counted."""
    names = [str(dim) for dim in one.dims[:-1]]
    for name, coordinate in one.coords.items():
        numeric = coordinate.dtype.kind in "iuf" and "energy" not in coordinate.dims
        if numeric and name not in (*_DETAILS, *names):
            names.append(str(name))
    return names


def _header(
    spectra: Sequence[xr.DataArray], variables: dict[str, str], *, regular: bool, n_blocks: int
) -> list[str]:
    """Everything before the first block."""
    from xpsnet import __version__

    instruments = {str(one.attrs.get("instrument", _NOT_SAID)) for one in spectra}
    instrument = instruments.pop() if len(instruments) == 1 else _NOT_SAID
    # Without these words CasaXPS does not look for components in the blocks.
    comment = ["Casa Info Follows CasaXPS Version 2.3.25", "0", f"{_OURS}{__version__}"]
    return [
        MAGIC.decode() + " 1988 May 4",
        _NOT_SAID,
        _line(instrument),
        _NOT_SAID,
        _NOT_SAID,
        str(len(comment)),
        *comment,
        "NORM",
        "REGULAR" if regular else "IRREGULAR",
        str(len(spectra)),
        str(len(variables)),
        *(_line(text) for pair in variables.items() for text in pair),
        *("0", "0", "0", "0"),  # items left out, entered by hand, future entries
        str(n_blocks),
    ]


def _blocks(
    one: xr.DataArray, peaks: xr.Dataset | None, variables: dict[str, str], *, regular: bool
) -> Iterator[list[str]]:
    """Lines of each block of an array."""
    scalars = {name: one.coords[name] for name in {*_DETAILS, *_numbers(one)} if name in one.coords}
    transmission = one.coords.get("transmission")
    names = keep_own_names(one).dims[:-1]
    for at in np.ndindex(*one.shape[:-1]):
        index = dict(zip(one.dims[:-1], at, strict=True))
        here = {
            name: coordinate.isel(index, missing_dims="ignore").values.tolist()
            for name, coordinate in scalars.items()
        }
        for name in one.dims[:-1]:
            value = here.get(str(name))
            if not isinstance(value, int | float):
                here[str(name)] = index[name]
        columns = [(*_ordinate(one), one.values[at])]
        if transmission is not None and "energy" in transmission.dims:
            curve = transmission.isel(index, missing_dims="ignore").values
            columns.append(("Transmission", "d", curve))
        dwell, scans = _measured(one, here)
        comment: tuple[str, ...] = NO_FIT
        if peaks is not None:
            photon_energy = _stated(one.attrs.get("photon_energy")) or np.nan
            fit = peaks.isel(dict(zip(names, at, strict=True)))
            comment = casa_comment(fit, photon_energy, dwell * scans)
        if one.ndim > 1:
            words = ("_".join(str(dim).split()) for dim in one.dims[:-1])
            comment += (" ".join([DIMENSIONS, *words]),)
        values = [_number(here[name]) if name in here else _UNKNOWN for name in variables]
        lines = _block_head(one, here, comment, values)
        energy = one["energy"].values
        if not regular:
            columns.insert(0, (*_abscissa(one), energy))
        else:
            lines += [*_abscissa(one), _number(energy[0]), _number(_step(energy))]
        lines += [
            str(len(columns)),
            *(text for label, unit, _ in columns for text in (label, unit)),
            *("pulse counting", _number(dwell), str(scans), "0", *[_UNKNOWN] * 3, "0"),
        ]
        yield lines + _values([values for _, _, values in columns])


def _measured(one: xr.DataArray, here: dict[str, Any]) -> tuple[float, int]:
    """Dwell time [s] and scans; 1 s for rates, which programs divide by both."""
    if one.attrs.get("units") != "counts":
        return 1.0, 1
    stated = {**one.attrs, **here}
    dwell, scans = _stated(stated.get("dwell_time")), _stated(stated.get("n_scans"))
    return dwell or 1.0, max(1, round(scans or 1.0))


def _stated(value: Any) -> float | None:
    """Finite number above 0 that an attribute states; None where it states something else."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 < number < 1e15 else None


def _block_head(
    one: xr.DataArray, here: dict[str, Any], comment: tuple[str, ...], values: list[str]
) -> list[str]:
    """A block up to the transition and the charge of its electrons."""
    attrs = {**one.attrs, **here}
    name = "" if one.name is None else _line(str(one.name))
    date = re.match(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)", str(attrs.get("acquired", "")))
    level = re.fullmatch(r"([A-Z][a-z]?) (\d?[A-Zspdf][\w/]*)", name)
    return [
        name,
        _line(str(attrs.get("sample", _NOT_SAID))),
        *([str(int(part)) for part in date.groups()] if date else ["0"] * 6),
        "0",
        str(len(comment)),
        *comment,
        "XPS",
        *values,
        _source(attrs),
        _number(attrs.get("photon_energy")),
        *[_UNKNOWN] * 5,
        "FAT",
        _number(attrs.get("pass_energy")),
        *[_UNKNOWN] * 7,
        *((level[1], level[2]) if level else (name, "")),
        "-1",
    ]


def _source(attrs: dict[str, Any]) -> str:
    """Text of the X-ray source, and what was taken out of it."""
    text = _line(str(attrs.get("source", _NOT_SAID)))
    removed = attrs.get("satellites_removed")
    return f"{text}{WITHOUT_SATELLITES}{_line(str(removed))}" if removed else text


def _ordinate(one: xr.DataArray) -> tuple[str, str]:
    """Label and unit of the counts."""
    units = str(one.attrs.get("units", "counts"))
    known = {"counts": ("Counts", "d"), "counts/s": ("Intensity", "c/s")}
    return known.get(units, ("Intensity", _line(units)))


def _abscissa(one: xr.DataArray) -> tuple[str, str]:
    """Label and unit of the energies."""
    return f"{one.attrs['scale'].capitalize()} Energy", "eV"


def _values(columns: list[Floats]) -> list[str]:
    """Number, limits and interleaved values of the ordinates of a block.

    Raises
    ------
    ValueError
        Where a value is infinite or as large as the number that means unknown.
    """
    for column in columns:
        largest = float(np.nanmax(np.abs(column), initial=0.0))
        if largest >= float(_UNKNOWN):
            raise ValueError(
                f"expected counts below {_UNKNOWN} for VAMAS, in which this number means unknown, "
                f"got {largest:g}; replace such points by NaN, or write .nc"
            )
    lines = [str(sum(column.size for column in columns))]
    for column in columns:
        finite = column[np.isfinite(column)]
        lines += [_number(finite.min()), _number(finite.max())] if finite.size else ["0", "0"]
    table = np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=-1)
    return lines + [_number(value) for value in table.ravel().tolist()]


def _number(value: Any) -> str:
    """A number with all its digits; 1e+37 means unknown."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):  # None, or a text where a number belongs
        return _UNKNOWN
    if not np.isfinite(number):
        return _UNKNOWN
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _line(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())
