"""Text and csv: two columns, wide tables, several tables in a file.

`columns` decides what each column holds, `layouts` knows tables whose spectra do not stand in
columns. What headers say in words (hv=180eV, CPS, a region) is used as evidence.
"""

import itertools
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.io.common.energy_axis import OrderedRows, axis_parts, ordered_rows
from xpsnet.io.common.errors import refusal, shown
from xpsnet.io.common.file_bytes import HEAD_BYTES, checked_text, looks_like_text, read_bytes
from xpsnet.io.common.labels import (
    dwell_time_of,
    photon_energy_of,
    scale_of_text,
    units_of_label,
)
from xpsnet.io.common.reading import Reading
from xpsnet.io.common.region_names import find_region
from xpsnet.io.tables.column_words import NATIVE
from xpsnet.io.tables.columns import (
    Columns,
    ColumnsError,
    Labels,
    Stated,
    as_text,
    find_columns,
    in_ev,
    labels_of,
)
from xpsnet.io.tables.csv import has_our_labels, read_label, rebuild_stack
from xpsnet.io.tables.json_sidecar import Description, from_lines, restored
from xpsnet.io.tables.layouts import (
    Along,
    Map,
    as_map,
    as_pivot,
    coordinate_name,
    numbered,
    stack_map,
    stack_tidy,
    tidy_coordinates,
    tidy_groups,
    tidy_spectrum,
)
from xpsnet.io.tables.number_style import NumberStyleError, lines_of, starts_like_a_number
from xpsnet.io.tables.number_tables import (
    MIN_ROWS,
    Table,
    TooManyNumbersError,
    find_tables,
    find_total,
    numbers_of_scans,
)
from xpsnet.io.tables.own_tables import spectra_of_csv
from xpsnet.io.tables.peaks_table import is_peaks_table

NAME = "text"
MAX_BYTES = 128 << 20
_MAX_SPECTRA = 5000  # of a file; each takes about 0.5 ms, whatever its size
_LETTER = re.compile("[A-Za-z]{2}")  # a line of numbers has none
_MAX_WORDS = 1 << 16  # bytes of a text in which words show its encoding
_MAX_EVIDENCE = 1000  # characters of a header line that are searched for words
Floats = npt.NDArray[np.float64]


def sniff(head: bytes) -> bool:
    """Whether this is text."""
    return looks_like_text(head)


def read(path: Path, columns: Stated | None = None) -> Reading:
    """Read every table of a text file.

    Parameters
    ----------
    path : Path
        The file; its extension does not matter.
    columns : mapping, optional
        Roles of columns that the user states, as for `xpsnet.read`.

    Returns
    -------
    Reading
        Two columns give a one-dimensional spectrum, several columns of counts a dimension
        `column`, tables with coordinates the dimensions of these.

    Raises
    ------
    ReadError
        If no table holds an energy axis and counts.
    """
    data = read_bytes(path, MAX_BYTES)
    # Only the head was looked at, and it may hold nothing but zeros.
    if data.startswith(b"\0") and not looks_like_text(data.lstrip(b"\0")[:HEAD_BYTES]):
        raise refusal(path, expected="text", got="an unknown binary file",
                      advice="export the spectra as text or VAMAS")  # fmt: skip
    text = checked_text(path, _in_utf8(data))
    own = None if columns else spectra_of_csv(text)
    if own is not None:
        return Reading(own, stored_by_us=True)
    return read_text(path, text, path.stem, columns=columns)


def _in_utf8(data: bytes) -> bytes:
    """Text in UTF-8, where words of the field show which encoding of another alphabet it is in."""
    head = data[:_MAX_WORDS]
    if head.isascii() or head.count(0):
        return data
    try:
        data.decode("utf-8")
        return data
    except UnicodeDecodeError:
        pass
    for encoding in ("gb18030", "cp932", "euc_kr", "big5", "euc_jp", "cp1251", "koi8-r"):
        if NATIVE.search(head.decode(encoding, errors="ignore")):
            return data.decode(encoding, errors="replace").encode()
    return data


def read_text(
    path: Path,
    text: str,
    label: str,
    description: Description | None = None,
    columns: Stated | None = None,
) -> Reading:
    """Read every table of a text; `label` names the region where no header does."""
    try:
        tables, stray = find_tables(text)
    except TooManyNumbersError as error:
        raise refusal(
            path, expected="a smaller table", got=str(error), advice="convert it to netCDF or zarr"
        ) from error
    except NumberStyleError as error:
        raise refusal(
            path, f"line {error.line}: {shown(error.text, 80)}", expected="one way to read each "
            "number", got=error.reason, advice="write decimal points, no signs between thousands, "
            "and tabs or semicolons between the columns",
        ) from error  # fmt: skip
    notes: list[str] = []
    spectra: list[xr.DataArray] = []
    refused: list[tuple[int, ColumnsError]] = []
    ours = bool(tables)
    for table in tables:
        try:
            found = _spectra(path, table, notes, columns or {})
        except ColumnsError as error:
            refused.append((int(table.lines[0]), error))
            continue
        if len(spectra) + len(found) > _MAX_SPECTRA:
            raise _too_many(path, f"more at line {table.lines[0]}")
        if not found:
            stray += table.lines.tolist()
        stored = description or from_lines(table.header)
        ours &= stored is not None
        spectra += found if stored is None else _described(found, stored, table, notes)
    if not spectra:
        raise _no_table(path, text, tables, refused)
    notes += [f"the table at line {line} is left out: it holds {error}" for line, error in refused]
    if stray:
        notes.append(f"{_lines(stray)} left out: no part of any table")
    found_region = find_region(label)
    for spectrum in spectra:
        if spectrum.name is None and found_region and not ours:
            spectrum.name = found_region
            spectrum.attrs["region_original"] = label
    return Reading(spectra, notes, stored_by_us=ours)


def _too_many(path: Path, got: str) -> Exception:
    """The refusal of a text in which every few numbers are a spectrum of their own."""
    return refusal(
        path, expected=f"at most {_MAX_SPECTRA} spectra", got=got,
        advice="put the energies into the first column and the counts of each spectrum into one "
        "more, or convert it to netCDF or zarr",
    )  # fmt: skip


def _described(
    spectra: list[xr.DataArray], description: Description, table: Table, notes: list[str]
) -> list[xr.DataArray]:
    """Give the spectra of a table what its description tells, where it fits."""
    try:
        return [restored(spectrum, description) for spectrum in spectra]
    except ValueError as error:
        notes.append(f"the description of the table at line {table.lines[0]} is left out: {error}")
        return spectra


def _no_table(
    path: Path, text: str, tables: list[Table], refused: list[tuple[int, ColumnsError]]
) -> Exception:
    """The refusal of a text without spectra."""
    start = text.lstrip()
    if refused and not is_peaks_table(start):
        line, error = refused[0]
        return refusal(
            path, f"the table at line {line}", expected="a column of electron energies and counts",
            got=str(error), advice=error.advice,
        )  # fmt: skip
    if start[:1] in "{[" and start[:1]:
        got, advice = "JSON", "export the spectra as text, csv or VAMAS"
    elif start.startswith("<"):
        got, advice = "XML or HTML", "export the spectra as text, csv or VAMAS"
    elif is_peaks_table(start):
        got, advice = "a table of peaks", "xpsnet.read_fit reads them"
    elif tables:
        line = int(tables[0].lines[0])
        got = f"a table at line {line} in which no column rises or falls like energies in eV"
        advice = "put the energies into the first column, one row per energy"
    else:
        first = next((line for line in start.splitlines() if line.strip()), "")[:60]
        got, advice = f"text that begins with {first!r}", "check that this is the exported spectrum"
        numbers = (
            (n, line)
            for n, line in enumerate(lines_of(text), 1)
            if starts_like_a_number(line) and not _LETTER.search(line[:200])
        )
        if (found := next(numbers, None)) is not None:
            got += f" and has at line {found[0]} {shown(found[1].strip())}"
    rows = f"at least {MIN_ROWS} rows of an energy and counts"
    return refusal(path, expected=rows, got=got, advice=advice)


class _Words(NamedTuple):
    """What the header lines of a table tell, found once for all of its spectra."""

    scale: str | None
    units: str | None
    photon_energy: float | None
    dwell_time: float | None
    region: str | None
    region_original: str


def _words(table: Table) -> _Words:
    """Search the header of a table."""
    header = "\n".join(line[:_MAX_EVIDENCE] for line in table.header)
    region, original = _region(re.split(r"[\n\t;]+", header))
    return _Words(
        scale_of_text(header), units_of_label(header[-2000:]), photon_energy_of(header),
        dwell_time_of(header), region, original,
    )  # fmt: skip


def _spectra(path: Path, table: Table, notes: list[str], stated: Stated) -> list[xr.DataArray]:
    """Turn a table into spectra, one for each energy column and each start of its axis."""
    words = _words(table)
    if _is_ours(table):
        return _own_spectra(table, words, notes)
    labels = labels_of(table)
    along: Along | None = None
    if not stated:
        found = as_map(table, labels)
        if found is not None:
            return [_map(found, labels, words)]
        pivot = as_pivot(table, labels)
        if pivot is not None:
            table, labels, along = pivot
    groups = find_columns(table, labels, stated)
    if len(groups) > _MAX_SPECTRA:
        raise _too_many(path, f"{len(groups)} columns of energies at line {table.lines[0]}")
    names = _names_of_groups(table, labels, groups)
    spectra: list[xr.DataArray] = []
    for group, own_words in zip(groups, names, strict=True):
        coordinates = tidy_coordinates(table, group)
        group.roles |= dict.fromkeys(coordinates, "coordinate")
        _note_columns(table, labels, group, notes)
        if coordinates:
            made = _tidy(table, labels, group, coordinates)
        else:
            made = _in_columns(path, table, labels, group, notes, along)
        if len(spectra) + len(made) > _MAX_SPECTRA:
            raise _too_many(path, f"more at line {table.lines[0]}, whose energies start anew")
        spectra += [_finished(table, labels, group, one, words, own_words) for one in made]
    return spectra


def _is_ours(table: Table) -> bool:
    """Whether the labels of a table are those that `write` makes."""
    return any(has_our_labels(label) for label in table.labels[:1])


def _own_spectra(table: Table, words: _Words, notes: list[str]) -> list[xr.DataArray]:
    """Spectra of a table that `write` has made: energies first, labels by its rule."""
    axis_label, *labels = table.labels
    energy = table.values[:, 0]
    spectra = []
    for part in axis_parts(energy, table.lines):
        rows = part.start + _in_order(table, energy[part], part.start, notes).rows
        counts = table.values[rows, 1:].T
        name, units = read_label(labels[0] if labels else "")
        found = {"units": units, "photon_energy": photon_energy_of(axis_label)}
        scale = "kinetic" if axis_label.startswith("Kinetic") else "binding"
        attrs = {"scale": scale} | {key: value for key, value in found.items() if value}
        attrs |= {"dwell_time": words.dwell_time} if words.dwell_time else {}
        if len(labels) == 1:
            one = xr.DataArray(counts[0], {"energy": energy[rows]}, ("energy",))
        else:
            coords = {"column": labels, "energy": energy[rows]}
            plain = xr.DataArray(counts, coords, ("column", "energy"))
            rebuilt = rebuild_stack(counts, energy[rows], labels)
            one = plain if rebuilt is None else rebuilt
        one.name = name
        spectra.append(one.assign_attrs(attrs))
    return spectra


def _note_columns(table: Table, labels: Labels, group: Columns, notes: list[str]) -> None:
    """Notes on what of a group of columns is changed or not used, where no label says why."""
    line = table.lines[0]
    if group.evidence.sign < 0:
        notes.append(
            f"the column {shown(group.axis_label)} at line {line} counts energies from the Fermi "
            f"level upwards: its sign is turned, so that they are binding energies"
        )
    unknown = [
        labels.texts[k]
        for k, role in sorted(group.roles.items())
        if role == "unknown" and table.codes(k).max() > 0
    ]
    unknown = [text for text in unknown if text]
    if unknown:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        notes.append(
            f"the column {shown(unknown[0])}{more} at line {line} is no spectrum, as far as labels "
            f'tell; columns={{"spectrum": ...}} says otherwise'
        )


def _map(found: Map, labels: Labels, words: _Words) -> xr.DataArray:
    """The spectra of a map as text."""
    stack = stack_map(found, labels)
    scale = found.found.scale or words.scale
    lead = as_text(labels, dict.fromkeys(found.lead, "coordinate"))
    first = len(found.lead) + 1
    each = f"{first} to {first + found.energy.size - 1}: one energy each"
    attrs = _attrs("", "", words) | {"columns": f"{lead}; {each}" if lead else each}
    stack.name = stack.name or words.region
    return stack.assign_attrs(attrs | ({"scale": scale} if scale else {}))


def _tidy(
    table: Table, labels: Labels, group: Columns, coordinates: list[int]
) -> list[xr.DataArray]:
    """Spectra of a table of one row per point."""
    energy = in_ev(table, group.axis, group.evidence)
    rows = tidy_groups(table, group, coordinates)
    made = []
    for k in group.spectra:
        counts = table.values[:, k] * labels.found[k].factor
        spectra = [tidy_spectrum(energy, counts, own) for own in rows]
        for stack in stack_tidy(table, labels, coordinates, spectra):
            made.append(stack.assign_attrs(label=labels.texts[k]))
    return made


def _in_columns(
    path: Path,
    table: Table,
    labels: Labels,
    group: Columns,
    notes: list[str],
    along: Along | None,
) -> list[xr.DataArray]:
    """Spectra of a table with a column each, one array per start of the energies."""
    energy = in_ev(table, group.axis, group.evidence)
    parts = axis_parts(energy, table.lines)
    if not parts and group.axis_label:
        raise ColumnsError(
            f"a column {shown(group.axis_label)} that neither rises nor falls, and no column that "
            f"tells its spectra apart"
        )
    if len(parts) > _MAX_SPECTRA:
        raise _too_many(path, f"more at line {table.lines[0]}, whose energies start anew")
    inside = np.zeros(energy.size, dtype=bool)
    made = []
    for part in parts:
        inside[part] = True
        rows = part.start + _in_order(table, energy[part], part.start, notes).rows
        for spectra in _of_each_region(labels, group.spectra):
            counts = table.values[np.ix_(rows, np.array(spectra))].T
            factors = np.array([labels.found[k].factor for k in spectra])[:, None]
            counts = counts * factors if (factors != 1).any() else counts
            one = replace(group, spectra=spectra)
            made.append(_stacked(table, labels, one, (energy[rows], counts), notes, along))
    outside = table.lines[~inside & np.isfinite(energy)].tolist()
    if outside:
        notes.append(f"{_lines(outside)} left out: their energies continue no others")
    return made


def _of_each_region(labels: Labels, spectra: list[int]) -> list[list[int]]:
    """Columns of counts, apart where each label names a region and the regions differ."""
    if len(spectra) < 2 or any(labels.found[k].kind not in ("region", "counts") for k in spectra):
        return [spectra]
    named: dict[str | None, list[int]] = {}
    for k in spectra:
        named.setdefault(find_region(labels.texts[k]), []).append(k)
    return [spectra] if None in named else list(named.values())


def _in_order(table: Table, energy: Floats, start: int, notes: list[str]) -> OrderedRows:
    """Rows of an energy axis in order, with notes on those that were moved or left out."""
    found = ordered_rows(energy)
    if found.n_moved:
        what = "point was" if found.n_moved == 1 else "points were"
        notes.append(
            f"{found.n_moved} of {energy.size} {what} out of order at line "
            f"{table.lines[start]} and below: put in the order of the energies"
        )
    if found.left_out.size:
        lines = table.lines[start + found.left_out].tolist()
        notes.append(
            f"{_lines(lines)} left out: energies out of order, such as "
            f"{energy[found.left_out[0]]:g} eV"
        )
    return found


def _stacked(
    table: Table,
    labels: Labels,
    group: Columns,
    points: tuple[Floats, Floats],
    notes: list[str],
    along: Along | None,
) -> xr.DataArray:
    """One spectrum, or a stack over the columns of a wide table."""
    energy, counts = points
    spectra = list(group.spectra)
    texts = [labels.texts[k] for k in spectra]
    if (total := find_total(texts, counts)) is not None:
        notes.append(
            f"the column {shown(texts[total])} at line {table.lines[0]} is left out: it holds "
            f"what the {len(texts) - 1} columns beside it add up to"
        )
        group.roles[spectra[total]] = "sum"
        counts = np.delete(counts, total, axis=0)
        del texts[total], spectra[total]
    if len(texts) == 1:
        one = xr.DataArray(counts[0], {"energy": energy}, ("energy",))
        return one.assign_attrs(label=texts[0])
    texts = _distinct(labels, spectra, texts)
    along = along or numbered(texts)
    scans = numbers_of_scans(texts)
    channels = [re.search(r"\d+", t) for t in texts if labels.found[spectra[0]].kind == "channel"]
    if along is not None and along.values.size == len(texts):
        dim, names = along.dim, xr.Variable((along.dim,), along.values, _units(along.units))
    elif scans:
        dim, names = "scan", xr.Variable(("scan",), scans)
    elif channels and None not in channels:
        dim = "channel"
        names = xr.Variable((dim,), [int(match[0]) for match in channels if match])
    else:
        dim = "column"
        names = xr.Variable((dim,), texts if any(texts) else np.arange(1, len(texts) + 1))
    one = xr.DataArray(counts, {dim: names, "energy": energy}, (dim, "energy"))
    return one.assign_attrs(label=texts[0])


def _units(units: str) -> dict[str, str]:
    return {"units": units} if units else {}


def _distinct(labels: Labels, spectra: list[int], texts: list[str]) -> list[str]:
    """Names of spectra: their labels, or another header line where the labels are the same."""
    for row in reversed(labels.heads) if len(set(texts)) < len(texts) else ():
        others = [row[k] for k in spectra]
        if len(set(others)) == len(others) and all(others):
            return others
    return texts


def _finished(
    table: Table,
    labels: Labels,
    group: Columns,
    one: xr.DataArray,
    words: _Words,
    own: tuple[str | None, str],
) -> xr.DataArray:
    """Give spectra their name, attributes and the coordinates that are the same for all points."""
    label = one.attrs.pop("label")
    scale = group.evidence.scale or words.scale
    attrs = _attrs(label, group.axis_label, words) | ({"scale": scale} if scale else {})
    if group.photon_energy is not None:
        attrs.setdefault("photon_energy", group.photon_energy)
    for k in group.candidates:
        codes = table.codes(k)
        if group.roles.get(k) not in ("other", "unknown") or codes.max() > 0:
            continue
        found = labels.found[k]
        value: Any = table.words[k][0] if k in table.words else float(table.values[0, k])
        if found.what in ("photon energy", "pass energy", "dwell time") and value > 0:
            attrs.setdefault(found.what.replace(" ", "_"), value)
            group.roles[k] = found.what
        elif value == value and labels.texts[k]:
            name, units = coordinate_name(labels.texts[k], found, k)
            if name not in one.coords:
                one = one.assign_coords({name: xr.Variable((), value, _units(units))})
                group.roles[k] = "coordinate"
    region, original = (str(one.name), "") if one.name else _region([label])
    if not region:
        region, original = own if own[0] else (words.region, words.region_original)
    if original:
        attrs["region_original"] = original
    one.name = region
    return one.assign_attrs(attrs, columns=as_text(labels, group.roles))


def _names_of_groups(
    table: Table, labels: Labels, groups: list[Columns]
) -> list[tuple[str | None, str]]:
    """Region and the words that name it, of each of several columns of energies."""
    if len(groups) < 2:
        return [(None, "")] * len(groups)
    bounds = [0, *(group.axis for group in groups[1:]), table.values.shape[1]]
    named = _from_one_line(table, len(groups))
    for first, last in itertools.pairwise(bounds) if not named else ():
        cells = [c for row in (*labels.heads, labels.texts) for c in row[first:last] if c]
        named.append(_region(cells))
    if any(name for name, _ in named):
        return named
    return _words_above(labels, bounds) or named


def _from_one_line(table: Table, n: int) -> list[tuple[str | None, str]]:
    """Regions of several columns of energies, from a header line that names each once."""
    for line in table.header:
        if len(line) > _MAX_EVIDENCE:
            continue
        cells = re.split(r"[,;\t]", line)
        regions = [(found, cell.strip()) for cell in cells if (found := find_region(cell))]
        if len(regions) == n:
            return list(regions)
    return []


def _words_above(labels: Labels, bounds: list[int]) -> list[tuple[str | None, str]]:
    """Names of several columns of energies, from a header line with one text above each."""
    n = len(bounds) - 1
    for row in labels.heads:
        own = [[c for c in row[a:b] if c] for a, b in itertools.pairwise(bounds)]
        if row is not labels.texts and all(len(cells) == 1 for cells in own):
            texts = [cells[0] for cells in own]
            if len(set(texts)) == n:
                return [(text, text) for text in texts]
    return []


def _attrs(label: str, axis_label: str, words: _Words) -> dict[str, Any]:
    """What the words of a header tell beside the scale."""
    stated = {
        "units": units_of_label(label.replace("_", " ")) or words.units or "counts",
        "photon_energy": photon_energy_of(axis_label) or words.photon_energy,
        "dwell_time": words.dwell_time,
    }
    return {name: value for name, value in stated.items() if value}


def _region(texts: list[str]) -> tuple[str | None, str]:
    """The first region that a label or the header names, and the words that name it."""
    for text in texts:
        found = find_region(text) if text.strip() else None
        if found:
            return found, text.strip()[:200]
    return None, ""


def _lines(numbers: list[int]) -> str:
    """Name lines in a message."""
    numbers = sorted(set(numbers))
    if len(numbers) == 1:
        return f"line {numbers[0]}"
    named = ", ".join(str(number) for number in numbers[:5])
    return f"{len(numbers)} lines ({named}{', ...' if len(numbers) > 5 else ''})"
