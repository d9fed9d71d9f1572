"""Text exports of CasaXPS: spectra with their components, background and envelope as columns.

Rows of names, positions, widths, areas and line shapes are above a table; regions follow one
another. Energies come kinetic with counts ("rows of table", where binding energies with counts
per second are beside them) or as binding energies alone.
"""

import itertools
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.io.casa.line_shapes import CasaLine, casa_line, measured_line
from xpsnet.io.common.energy_axis import Floats, axis_problem
from xpsnet.io.common.errors import refusal
from xpsnet.io.common.file_bytes import LINE_ENDS, read_decoded, start_of_text
from xpsnet.io.common.labels import number_of_text
from xpsnet.io.common.reading import Reading
from xpsnet.io.common.region_names import find_region, region_name
from xpsnet.io.common.vendor_peaks import Fitted, shape_note, to_peaks
from xpsnet.xpsnet_warning import XpsnetWarning

NAME = "CasaXPS text"
MAX_BYTES = 64 << 20

_ROWS = ("Name", "Position", "FWHM", "Area", "Lineshape")
_HEAD = re.compile(r"(?:^|\n)" + r"\t[^\n]*\n".join(_ROWS) + r"\t")
# Spectra without components have no such rows: only what CasaXPS puts above names them.
_PLAIN_HEAD = re.compile(
    r"(?:^|\n)(?:Cycle \d+:[^\n]*|Characteristic Energy eV\t[^\n]*)\n(?:[^\n]*\n){0,3}?"
    r"[ \t]*[KB]\.E\.\t"
)
_ENERGIES = {"K.E.": "kinetic", "B.E.": "binding"}
_CHARACTERISTIC = re.compile(r"Characteristic Energy eV\t([0-9.eE+-]+)")
_ACQUISITION = re.compile(r"Acquisition Time s\t([0-9.eE+-]+)")
_MIN_POINTS = 5
_MAX_COLUMNS = 500


@dataclass
class _Table:
    """One table with the rows above it."""

    title: str
    photon_energy: float | None
    seconds: float | None
    rows: dict[str, list[str]]
    header: list[str]
    values: Floats
    groups: dict[str, slice]  # scale -> columns


def sniff(head: bytes) -> bool:
    """Whether what CasaXPS puts above its tables is in the head."""
    text = start_of_text(head)
    return _HEAD.search(text) is not None or _PLAIN_HEAD.search(text) is not None


def read(path: Path) -> Reading:
    """Read the spectra of a CasaXPS text export; components are left to `read_fits`.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Reading
        One spectrum per region: counts over kinetic energy where they are there, else counts
        per second over binding energy.

    Raises
    ------
    ReadError
        If no table holds a spectrum.
    """
    notes: list[str] = []
    spectra = [_spectrum(table) for table in _tables(path, notes)]
    return Reading(spectra, notes)


def read_fits(path: Path) -> list[xr.Dataset]:
    """Read the components of a CasaXPS text export as peaks of the spectra of `read`.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Dataset
        Peaks, on the scale and in the units of the spectra.

    Raises
    ------
    ReadError
        If no table holds components.

    Warns
    -----
    XpsnetWarning
        Of line shapes that xpsnet does not have.
    """
    notes: list[str] = []
    found = []
    for table in _tables(path, notes):
        spectrum = _spectrum(table)
        fitted = _fitted(table, spectrum)
        if fitted is None:
            continue
        notes += shape_note(f"region {fitted.region}", [fitted])
        attrs: dict[str, Any] = {**spectrum.attrs, "source_file": path.name, "model": "CasaXPS"}
        energy = spectrum["energy"].values
        found.append(to_peaks([fitted], energy, (), (), {}, attrs))
    if not found:
        raise refusal(path, expected="components of a CasaXPS fit", got="spectra without any",
                      advice="fit the spectra in CasaXPS, or use xpsnet.fit")  # fmt: skip
    for note in dict.fromkeys(notes):
        warnings.warn(f"{path}: {note}", XpsnetWarning, stacklevel=3)
    return found


def _tables(path: Path, notes: list[str]) -> list[_Table]:
    """All tables with at least one energy column and its counts."""
    lines = LINE_ENDS.split(read_decoded(path, MAX_BYTES))
    starts = _starts(lines)
    tables = []
    for start, end in itertools.pairwise([*starts, len(lines)]):
        table = _table(lines, start, end)
        if table is None:
            notes.append(f"the table below line {start + 1} is left out: no energies and counts")
        else:
            tables.append(table)
    if not tables:
        raise refusal(
            path,
            f"line {starts[0] + 1}" if starts else "",
            expected="a table with a column K.E. or B.E. and one of counts below it",
            got="no such table",
            advice="export it from CasaXPS again",
        )
    return tables


def _starts(lines: list[str]) -> list[int]:
    """Lines at which tables begin: the five rows, or the header where there are none."""
    starts = [i for i in range(len(lines)) if _is_start(lines, i)]
    headers = [i for i in range(len(lines)) if _is_header(lines[i])]
    found = set(starts)
    for i in headers:
        before = next((start for start in reversed(starts) if start < i), -1)
        # The header of a table with rows above it stands right below them, or below empty lines.
        own = before >= 0 and not any(map(str.strip, lines[before + len(_ROWS) : i]))
        if not own:
            found.add(i)
    return sorted(found)


def _is_header(line: str) -> bool:
    """Whether a line names a column of energies and one of counts."""
    cells = _cells(line)[:_MAX_COLUMNS]
    places = [i for i, cell in enumerate(cells[:-1]) if cell in _ENERGIES]
    return any(re.search(r"counts|cps", cells[i + 1], re.IGNORECASE) for i in places)


def _is_start(lines: list[str], i: int) -> bool:
    """Whether the five rows above a table begin here."""
    return all(
        line.startswith(word + "\t") for word, line in zip(_ROWS, lines[i : i + 5], strict=False)
    ) and len(lines) >= i + len(_ROWS)


def _table(lines: list[str], start: int, end: int) -> _Table | None:
    """Read one table and what is above it."""
    with_rows = _is_start(lines, start)
    above = "\n".join(lines[max(start - (2 if with_rows else 4), 0) : start])
    titles = [line for line in above.split("\n") if line.startswith("Cycle ")]
    title = titles[-1] if titles else ""
    rows = {word: _cells(lines[start + k]) if with_rows else [] for k, word in enumerate(_ROWS)}
    at = start + (len(_ROWS) if with_rows else 0)
    while at < end and not lines[at].strip():
        at += 1
    if at >= end:
        return None
    header = _cells(lines[at])
    numbers = (_row(line, len(header)) for line in lines[at + 1 : end])
    values = list(itertools.takewhile(lambda row: row is not None, numbers))
    if len(values) < _MIN_POINTS or len(header) > _MAX_COLUMNS:
        return None
    table = np.array(values, dtype=np.float64)
    groups = _groups(header, table)
    photon_energy, seconds = _stated(_CHARACTERISTIC, above), _stated(_ACQUISITION, above)
    return _Table(title, photon_energy, seconds, rows, header, table, groups) if groups else None


def _cells(line: str) -> list[str]:
    """Cells of a line."""
    return [cell.strip() for cell in line.split("\t")]


def _row(line: str, n: int) -> list[float] | None:
    """Numbers of a line, NaN for empty cells; None if it is no row of a table."""
    cells = _cells(line)
    try:
        numbers = [float(cell) if cell else np.nan for cell in cells[:n]]
    except ValueError:
        return None
    if np.isnan(numbers).all():
        return None
    return numbers + [np.nan] * (n - len(numbers))


def _stated(pattern: re.Pattern[str], text: str) -> float | None:
    """A number > 0 after a word."""
    match = pattern.search(text)
    value = number_of_text(match[1], 1e6) if match else 0.0
    return value if value > 0 else None


def _groups(header: list[str], values: Floats) -> dict[str, slice]:
    """Columns of each energy scale: the energies, the counts and what belongs to them."""
    starts = [i for i, label in enumerate(header) if label in _ENERGIES]
    groups: dict[str, slice] = {}
    for first, last in itertools.pairwise([*starts, len(header)]):
        if last - first >= 2 and not axis_problem(values[:, first]):
            groups.setdefault(_ENERGIES[header[first]], slice(first, last))
    return groups


def _main(table: _Table) -> tuple[str, slice]:
    """The columns that are the spectrum: counts rather than counts per second."""
    for scale in ("kinetic", "binding"):
        if scale in table.groups and _is_counts(table, table.groups[scale]):
            return scale, table.groups[scale]
    return next(iter(table.groups.items()))


def _is_counts(table: _Table, columns: slice) -> bool:
    """Whether the second column is one of counts."""
    return "CPS" not in table.header[columns.start + 1].upper()


def _spectrum(table: _Table) -> xr.DataArray:
    """The spectrum of a table."""
    scale, columns = _main(table)
    label = table.header[columns.start + 1]
    title = table.title or label.removesuffix(":CPS").removesuffix(":Counts")
    parts = title.split(":")
    counted = _is_counts(table, columns)
    attrs: dict[str, Any] = {"scale": scale, "units": "counts" if counted else "counts/s"}
    if table.photon_energy:
        attrs["photon_energy"] = table.photon_energy
    if table.seconds:
        attrs |= {"dwell_time": table.seconds, "n_scans": 1}
    if len(parts) >= 3:
        attrs["sample"] = ":".join(parts[1:-1])
    attrs["region_original"] = parts[-1].strip() or title
    name = region_name(parts[-1]) if len(parts) > 1 else find_region(title)
    return xr.DataArray(
        table.values[:, columns.start + 1],
        {"energy": table.values[:, columns.start]},
        ("energy",),
        name=name or None,
        attrs=attrs,
    )


def _fitted(table: _Table, spectrum: xr.DataArray) -> Fitted | None:
    """The components of a table."""
    scale, columns = _main(table)
    last, components = _components(table, columns)
    if not components:
        return None
    background = np.nan_to_num(table.values[:, last])
    window = _window(background, spectrum.values)
    binding = _binding(table, scale, spectrum)
    if binding is None:
        return None
    names, shapes = [one[1] for one in components], [one[2] for one in components]
    position, stated, area = np.array([one[3] for one in components]).T
    curves = [table.values[:, one[0]] - background for one in components]
    seconds = _seconds(table, columns)
    numbers = zip(position, stated, area * seconds, strict=True)
    lines = [_line(*one, binding) for one in zip(shapes, curves, numbers, strict=True)]
    maximum = position + stated * [line.shift for line in lines]
    fwhm = stated * [line.fwhm for line in lines]
    rows = "\n".join(map("\t".join, table.rows.values()))
    return Fitted(
        region=str(spectrum.name or spectrum.attrs["region_original"]),
        window=window,
        background=background[window],
        labels=names,
        center=maximum
        if scale == "binding"
        else (spectrum["energy"].values + binding).mean() - maximum,
        fwhm=fwhm,
        height=area * seconds / (fwhm * [line.area for line in lines]),
        shapes=shapes,
        lines=lines,
        vendor={"vendor_center": position, "vendor_fwhm": stated, "vendor_area": area},
        texts={"casa_components": rows},
        constraints=[],
    )


def _components(
    table: _Table, columns: slice
) -> tuple[int, list[tuple[int, str, str, list[float]]]]:
    """Column of the background, and the components before it."""
    first = columns.start
    for last in range(first + 2, columns.stop):
        if table.header[last].startswith("Background"):
            found = [_component(table, i, i - first) for i in range(first + 2, last)]
            return last, [one for one in found if one is not None]
    return first, []


def _window(background: Floats, counts: Floats) -> slice:
    """Rows of the region: outside of it the background is the spectrum itself."""
    inside = np.flatnonzero(background != counts)
    if not inside.size or inside[-1] - inside[0] < _MIN_POINTS:
        return slice(0, counts.size)
    return slice(int(inside[0]), int(inside[-1]) + 1)


def _component(table: _Table, column: int, row: int) -> tuple[int, str, str, list[float]] | None:
    """Column, name, shape and numbers of a component; None if a column is none."""
    cells = [table.rows[word][row] if row < len(table.rows[word]) else "" for word in _ROWS]
    try:
        numbers = [float(cell) for cell in cells[1:4]]
    except ValueError:
        return None
    if not np.isfinite(numbers).all() or not (numbers[1] > 0 and numbers[2] > 1e-15):
        return None
    return column, cells[0], cells[4], numbers


def _binding(table: _Table, scale: str, spectrum: xr.DataArray) -> Floats | None:
    """Binding energies of the rows, as CasaXPS shows them."""
    if "binding" in table.groups:
        return table.values[:, table.groups["binding"].start]
    energy = spectrum["energy"].values
    return None if table.photon_energy is None else np.asarray(table.photon_energy - energy)


def _seconds(table: _Table, columns: slice) -> float:
    """Counts over counts per second of a table that has both; 1 if areas need no factor."""
    if not _is_counts(table, columns):
        return 1.0
    for other in table.groups.values():
        if not _is_counts(table, other):
            rate = np.nansum(table.values[:, other.start + 1])
            total = np.nansum(table.values[:, columns.start + 1])
            return float(total / rate) if rate > 0 and total > 0 else 1.0
    return table.seconds or 1.0


def _line(
    shape: str, curve: Floats, numbers: tuple[float, float, float], binding: Floats
) -> CasaLine:
    """The line of a component: by its name, or as its curve shows it."""
    line = casa_line(shape)
    if line.known:
        return line
    rising = slice(None) if binding[0] < binding[-1] else slice(None, None, -1)
    return measured_line(binding[rising], np.nan_to_num(curve[rising]), numbers) or line
