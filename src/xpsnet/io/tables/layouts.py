"""Tables in which spectra do not stand in columns: one row per point, or one row per spectrum.

A tidy table has a row per point and, in further columns, where or when it was measured. A map as
text has the energies in its header and a row per pixel. A pivoted table has energies in its
first column and, in its header, the numbers (etch times, temperatures) of the spectra.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.io.common.energy_axis import (
    MAX_ENERGY,
    axis_parts,
    is_monotonic,
    is_uniform,
    ordered_rows,
    places,
    union,
)
from xpsnet.io.common.region_names import find_region
from xpsnet.io.common.stacking import Block, stack_blocks, variable_name
from xpsnet.io.tables.column_words import Evidence, plain_label
from xpsnet.io.tables.columns import Columns, Labels, evidence_of, in_ev
from xpsnet.io.tables.number_tables import MIN_ROWS, Table, is_counting

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

_MIN_ENERGIES = 8  # in the header of a map
_MIN_PIVOTED = 3  # numbers in the header of a pivoted table
_MAX_REPEATED = 0.67  # share of different energies in a column in which several spectra stand
_UNIT = re.compile(r"(?i)(.*\S)[ _](s|sec|min|h|ev|nm|k|deg|mm|um|µm|c|v|mbar|pa)")
_NUMBERED = re.compile(r"(.*?)[ =:_]*([+-]?\d+(?:[.,]\d+)?)\s*([^\d\s]*)")


class Along(NamedTuple):
    """Numbers in the header of a pivoted table: one per spectrum."""

    dim: str
    values: Floats
    units: str


def coordinate_name(label: str, found: Evidence, column: int) -> tuple[str, str]:
    """Name and unit of a coordinate: "etch_time_s" becomes ("etch_time", "s")."""
    if found.kind == "place":
        return found.what, ""
    text = plain_label(label).strip(" .:")
    bare = re.sub(r"\s*/\s*(\S+)$", r" [\1]", text)
    unit = _UNIT.fullmatch(bare)
    name, units = variable_name(unit[1], unit[2]) if unit else variable_name(bare, "")
    if not label or name == "variable":
        return found.what.replace(" ", "_") or f"column_{column + 1}", units
    return name, units


# --- one row per point


def tidy_coordinates(table: Table, group: Columns) -> list[int]:
    """Columns that tell apart the spectra that stand below each other; empty if there are none.

    Columns without a known label are taken only where they are constant over each spectrum.
    """
    energy = in_ev(table, group.axis, group.evidence)
    finite = np.isfinite(energy)
    if not group.candidates or finite.sum() < MIN_ROWS:
        return []
    repeated = np.unique(energy[finite]).size <= _MAX_REPEATED * finite.sum()
    parts = axis_parts(energy, table.lines)
    found = []
    for k in group.candidates:
        codes = table.codes(k)
        n_values = int(codes.max()) + 1
        constant = len(parts) > 1 and all((codes[p] == codes[p.start]).all() for p in parts)
        if k in group.spectra:
            if constant and n_values > 1 and repeated and len(group.spectra) > 1:
                found.append(k)
                group.spectra.remove(k)
        elif (constant and n_values > 1) or (repeated and n_values <= finite.sum() / MIN_ROWS):
            found.append(k)
    # Columns that are the same everywhere tell nothing apart.
    return found if any(table.codes(k).max() > 0 for k in found) else []


def tidy_groups(table: Table, group: Columns, coordinates: list[int]) -> list[Rows]:
    """Rows of each spectrum of a tidy table, in order of appearance."""
    codes = np.stack([table.codes(k) for k in coordinates], axis=1)
    _, inverse = np.unique(codes, axis=0, return_inverse=True)
    inverse = inverse.ravel()
    order = np.argsort(inverse, kind="stable")
    cuts = np.flatnonzero(np.diff(inverse[order])) + 1
    found = sorted(np.split(order, cuts), key=lambda rows: int(rows[0]))
    energy = in_ev(table, group.axis, group.evidence)
    rows: list[Rows] = []
    for own in found:
        own = own[np.isfinite(energy[own])]
        # Only energies that come again are those of another scan.
        again = np.unique(energy[own]).size <= _MAX_REPEATED * own.size
        parts = axis_parts(energy[own], np.arange(own.size)) if again else []
        if len(parts) > 1:
            rows += [own[part] for part in parts]
        else:
            rows.append(own)
    return [own for own in rows if own.size >= 2]


class TidySpectrum(NamedTuple):
    """One spectrum of a tidy table: energies in order [eV], counts, rows of the table."""

    energy: Floats
    counts: Floats
    rows: Rows


def tidy_spectrum(energy: Floats, counts: Floats, rows: Rows) -> TidySpectrum:
    """Put the rows of a spectrum in the order of its energies; the mean where one stands twice."""
    own = energy[rows]
    ordered = ordered_rows(own).rows
    if ordered.size < 0.9 * own.size:
        ordered = np.argsort(own, kind="stable")  # in no order at all: labels tell them apart
    axis, values = own[ordered], counts[rows][ordered]
    first = np.flatnonzero(np.diff(axis, prepend=np.nan) != 0)
    if first.size < axis.size:
        values = np.add.reduceat(values, first) / np.diff([*first, axis.size])
        axis = axis[first]
    return TidySpectrum(axis, values, rows)


def stack_tidy(
    table: Table, labels: Labels, coordinates: list[int], spectra: list[TidySpectrum]
) -> list[xr.DataArray]:
    """Stack the spectra of a tidy table over the columns that tell them apart.

    Spectra whose energies overlap share one axis, NaN where one has no point; others are arrays
    of their own.
    """
    named = {k: coordinate_name(labels.texts[k], labels.found[k], k) for k in coordinates}
    arrays = []
    for group in _of_common_energies(spectra):
        axes = [one.energy for one in group]
        same = all(np.array_equal(axes[0], axis) for axis in axes)
        merged = axes[0] if same else union(axes)
        n_same = _numbers_of_repeats(table, coordinates, group)
        blocks = []
        for one, number in zip(group, n_same, strict=True):
            counts = one.counts
            if not same:
                counts = np.full(merged.size, np.nan)
                counts[places(one.energy, merged)] = one.counts
            row = one.rows[0]
            variables = {
                name: (float(table.codes(k)[row] if k in table.words
                             else table.values[row, k]), units)
                for k, (name, units) in named.items()
            }  # fmt: skip
            if max(n_same):
                variables["scan"] = (float(number), "")
            blocks.append(Block("", "", merged, counts, None, "counts", variables=variables))
        for stack in stack_blocks(blocks):
            arrays.append(_with_texts(table, named, stack))
    return arrays


def _numbers_of_repeats(
    table: Table, coordinates: list[int], spectra: list[TidySpectrum]
) -> list[int]:
    """Number from 0 of each spectrum among those of the same coordinates."""
    codes = [table.codes(k) for k in coordinates]
    seen: dict[tuple[int, ...], int] = {}
    numbers = []
    for one in spectra:
        key = tuple(int(own[one.rows[0]]) for own in codes)
        numbers.append(seen.get(key, 0))
        seen[key] = numbers[-1] + 1
    return numbers


def _of_common_energies(spectra: list[TidySpectrum]) -> list[list[TidySpectrum]]:
    """Group spectra of which at least half of the shorter range is common with the first."""
    groups: list[list[TidySpectrum]] = []
    for one in spectra:
        low, high = one.energy.min(), one.energy.max()
        for group in groups:
            first = group[0].energy
            common = min(high, first.max()) - max(low, first.min())
            if common >= 0.5 * min(high - low, np.ptp(first)):
                group.append(one)
                break
        else:
            groups.append([one])
    return groups


def _with_texts(
    table: Table, named: dict[int, tuple[str, str]], stack: xr.DataArray
) -> xr.DataArray:
    """Put the words of a column in place of their numbers; a region becomes the name."""
    stack.attrs.clear()
    for k, (name, _) in named.items():
        if k not in table.words or name not in stack.coords:
            continue
        words = list(dict.fromkeys(table.words[k]))
        coord = stack.coords[name]
        texts = np.array(words)[coord.values.astype(np.int64)]
        if texts.ndim == 0 and (region := find_region(str(texts))):
            stack = stack.drop_vars(name)
            stack.name = region
        else:
            stack = stack.assign_coords({name: (coord.dims, texts)})
    return stack


# --- energies in the header


class Map(NamedTuple):
    """A table of one row per spectrum."""

    energy: Floats
    counts: Floats  # (spectra, energies)
    lead: list[int]  # columns of coordinates
    table: Table  # with these columns
    found: Evidence


def as_map(table: Table, labels: Labels) -> Map | None:
    """The spectra of a table whose header holds the energies; None if it is no such table."""
    n = table.values.shape[1]
    header, n_lead, rest = _header_numbers(table, labels)
    if header is None or n - n_lead < _MIN_ENERGIES or n_lead > 4 or not is_monotonic(header):
        return None
    lead = list(range(n_lead))
    corner = [labels.found[k] for k in lead]
    called = [k for k in lead if corner[k].kind == "energy"]
    if called and n_lead > 1:
        return None
    if n_lead == 1:
        usable = 0 not in rest.words and is_monotonic(rest.values[:, 0])
        usable = usable and rest.values.shape[0] >= MIN_ROWS
        across = _score(header, Evidence(""))
        if usable and _score(rest.values[:, 0], corner[0]) >= across:
            return None
    if np.abs(header).max() > MAX_ENERGY or rest.values.shape[0] < 1:
        return None
    if n_lead == 0 and not is_uniform(header):
        return None
    stated = corner[called[0]] if called else Evidence("energy")
    above = [evidence_of(cell) for row in table.heads for cell in row if cell][:200]
    scale = next((one.scale for one in (stated, *above) if one.scale), None)
    found = replace_scale(stated, scale)
    return Map(header * (found.factor * found.sign), rest.values[:, n_lead:], lead, rest, found)


def replace_scale(found: Evidence, scale: str | None) -> Evidence:
    """Evidence with the scale that the other header lines state."""
    return found._replace(scale=found.scale or scale)


def _header_numbers(table: Table, labels: Labels) -> tuple[Floats | None, int, Table]:
    """Numbers in the header or in the first row, the columns before them, and the rows below."""
    n = table.values.shape[1]
    numbers = [_float(text) for text in labels.texts]
    n_lead = n
    while n_lead and np.isfinite(numbers[n_lead - 1]):
        n_lead -= 1
    if n - n_lead >= _MIN_PIVOTED:
        return np.array(numbers[n_lead:]), n_lead, table
    first, second = table.values[0], table.values[1:]
    if any(labels.texts) or n < _MIN_PIVOTED + 1 or second.shape[0] < 1:
        return None, 0, table
    n_lead = int(np.argmax(np.isfinite(first)))
    if n_lead == 0 and not _continues_below(table.values[:, 0]):
        n_lead = 1  # the corner of a matrix, which holds a number without meaning, often 0
    header = first[n_lead:]
    if not np.isfinite(header).all() or not is_monotonic(header):
        return None, 0, table
    # Without a corner, only equal steps tell energies from counts that fall.
    down = table.values[:, 0]
    if n_lead == 0 and (not is_uniform(header) or (down.size >= MIN_ROWS and is_monotonic(down))):
        return None, 0, table
    return header, n_lead, replace(table, values=second, lines=table.lines[1:])


def _continues_below(column: Floats) -> bool:
    """Whether the first number of a column may stand in one row with the others."""
    steps = np.abs(np.diff(column[1:]))
    if steps.size == 0 or not np.isfinite(column[1:]).all() or not is_monotonic(column[1:]):
        return steps.size == 0 or not is_counting(column[1:])
    return bool(abs(column[1] - column[0]) <= 20 * np.median(steps))


def _float(text: str) -> float:
    """Number of a label; NaN if it is none."""
    text = text.replace(",", ".") if text.count(",") == 1 and "." not in text else text
    try:
        return float(text) if text and not re.search(r"[^0-9eE+.-]", text) else np.nan
    except ValueError:
        return np.nan


def _score(values: Floats, found: Evidence) -> int:
    """How much speaks for values as energies."""
    score = {"energy": 5, "other": -5, "place": -5, "index": -5}.get(found.kind, 0)
    score += 2 * is_uniform(values) - 2 * is_counting(values)
    return score - int(values[0] == 0)


def stack_map(found: Map, labels: Labels) -> xr.DataArray:
    """Stack the rows of a map over the columns in front of the energies."""
    table = found.table
    named = {}
    for k in found.lead:
        name, units = coordinate_name(labels.texts[k], labels.found[k], k)
        if not labels.texts[k] and len(found.lead) in (2, 3):
            name = "xyz"[k]
        elif not labels.texts[k]:
            name = "position"
        named[k] = (name, units)
    if len(found.counts) == 1:
        return xr.DataArray(found.counts[0], {"energy": found.energy}, ("energy",))
    if not named:
        return xr.DataArray(found.counts, {"energy": found.energy}, ("position", "energy"))
    blocks = [
        Block("", "", found.energy, counts, None, "counts", variables={
            name: (float(table.codes(k)[row] if k in table.words
                         else table.values[row, k]), units)
            for k, (name, units) in named.items()
        })
        for row, counts in enumerate(found.counts)
    ]  # fmt: skip
    (stack,) = stack_blocks(blocks)
    return _with_texts(table, named, stack)


def as_pivot(table: Table, labels: Labels) -> tuple[Table, Labels, Along] | None:
    """A table with numbers in its header as a plain one, and these numbers; None without them."""
    n = table.values.shape[1]
    header, n_lead, rest = _header_numbers(table, labels)
    if header is not None and n_lead == 1 and is_usable_header(header):
        below = table.heads[-1] if table.heads else []
        texts, found = list(labels.texts), list(labels.found)
        dim = Evidence(""), ""
        if rest is not table:
            texts = [""] + [f"{value:g}" for value in header]
            found = [Evidence("")] * n
        elif below and below[0] and not any(below[1:]) and below[0] != texts[0]:
            # pandas writes the name of the columns above the name of the rows.
            dim = labels.found[0], texts[0]
            texts[0], found[0] = below[0], evidence_of(below[0])
        name, units = coordinate_name(dim[1], dim[0], 0) if dim[1] else ("column", "")
        spectra = [Evidence("counts")] * (n - 1)
        return rest, Labels(texts, [found[0], *spectra], labels.heads), Along(name, header, units)
    return None


def is_usable_header(header: Floats) -> bool:
    """Whether the numbers in a header tell spectra apart."""
    return bool(np.unique(header).size == header.size)


def numbered(texts: Sequence[str]) -> Along | None:
    """Numbers in labels that differ in nothing else, "0 s" and "60 s"; None if they are words."""
    cut = [_NUMBERED.fullmatch(plain_label(text)) for text in texts]
    pairs = {(match[1].strip(), match[3]) for match in cut if match}
    if len(texts) < 2 or None in cut or len(pairs) != 1 or any(find_region(t) for t in texts):
        return None
    ((word, unit),) = pairs
    if word and not unit and len(word) < 3:
        return None  # "s1" is a name, no second
    found = evidence_of(f"{word} [{unit}]" if unit else word)
    if found.kind != "other":
        return None
    values = np.array([float(match[2].replace(",", ".")) for match in cut if match])
    if np.unique(values).size < values.size:
        return None
    # A unit of length alone may be a depth, a wavelength or a place.
    known = found.what if found.what in ("time", "temperature", "angle", "voltage") else "column"
    name = variable_name(word, "")[0] if word else known
    return Along(name, values, unit)
