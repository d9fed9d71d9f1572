"""Tables of spectra over energy, for people, spreadsheets and `read`."""

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.arguments import stated_number
from xpsnet.io.common.energy_axis import Floats
from xpsnet.io.common.stacking import grid
from xpsnet.io.tables.json_sidecar import describe, no_formula, to_lines

_AXIS_LABELS = ("Binding energy [eV]", "Kinetic energy [eV]")
_LABEL = re.compile(r"([^\[\]]*?) ?\[([^\[\]]*)\]((?: [^\s=]+=[-+.\deE]+)*)")

_MAX_COLUMNS = 100_000


def spectra_csv(spectra: list[xr.DataArray]) -> str:
    """One table per array: energies, then a column per spectrum.

    Labels state scale, photon energy, name, units and the place of each spectrum along the other
    dimensions, for people and other programs; the lines above them hold everything for `read`.

    Raises
    ------
    ValueError
        If a table would have more columns than programs open.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    for i, array in enumerate(spectra):
        if i:
            file.write("\n")
        labels, rows = spectra_table(array, _MAX_COLUMNS)
        file.writelines(f"{line}\n" for line in to_lines(describe(array)))
        writer.writerow(map(no_formula, labels))
        writer.writerows(["" if v != v else repr(v) for v in row] for row in rows)
    return file.getvalue()


def spectra_table(
    array: xr.DataArray, max_columns: int
) -> tuple[list[str], Iterator[list[float | int]]]:
    """Labels and rows of the table of one array: energies, then a column per spectrum.

    Raises
    ------
    ValueError
        If it would have more columns than `max_columns`.
    """
    shape = array.shape[:-1]
    n = int(np.prod(shape))
    if n > max_columns:
        raise ValueError(
            f"expected at most {max_columns} spectra for a table, got {n}; write .nc or .zarr"
        )
    axis = f"{array.attrs['scale'].capitalize()} energy [eV]"
    photon_energy = stated_number(array.attrs.get("photon_energy"))
    if photon_energy is not None:
        axis += f" (hv = {photon_energy!r} eV)"
    label = f"{array.name or ''} [{array.attrs.get('units', 'counts')}]".strip()
    counts = array.values.reshape(n, -1).T.tolist()
    pairs = zip(array["energy"].values.tolist(), counts, strict=True)
    labels = [axis, *(label + _place(array, at) for at in np.ndindex(*shape))]
    return labels, ([energy, *row] for energy, row in pairs)


def _place(array: xr.DataArray, at: tuple[int, ...]) -> str:
    """Place of a spectrum along the other dimensions, " y=0 x=3"; numbers only."""
    texts = []
    for dim, index in zip(array.dims, at, strict=False):
        value: Any = index
        if dim in array.coords and array[dim].dtype.kind in "iuf":
            value = array[dim].values[index].item()
        name = re.sub(r"[\s=]", "_", str(dim))
        texts.append(f" {name}={value!r}")
    return "".join(texts)


def has_our_labels(axis_label: str) -> bool:
    """Whether the label of an energy column is ours, so that the others follow the rule, too."""
    return axis_label.startswith(_AXIS_LABELS)


def read_label(label: str) -> tuple[str | None, str]:
    """Name and units of a spectrum from a column's label, "O 1s [counts] scan=3"."""
    match = _LABEL.fullmatch(label)
    return (match[1] or None, match[2]) if match else (label or None, "counts")


def rebuild_stack(counts: Floats, energy: Floats, labels: list[str]) -> xr.DataArray | None:
    """Rebuild the dimensions from the labels of our columns; None if they tell none.

    Parameters
    ----------
    counts : ndarray, shape (columns, n)
    energy : ndarray, shape (n,)
        [eV].
    labels : list of str
        One per column.
    """
    cells = []
    for label in labels:
        match = _LABEL.fullmatch(label)
        cells.append(dict(pair.split("=") for pair in match[3].split()) if match else {})
    names = list(cells[0])
    if not names or any(list(cell) != names for cell in cells):
        return None
    try:
        columns = {name: np.array([float(cell[name]) for cell in cells]) for name in names}
    except ValueError:
        return None
    found = grid(*columns.values(), least=1)
    if found is None:
        return None
    shape, order = found
    values = {name: list(dict.fromkeys(column.tolist())) for name, column in columns.items()}
    stacked = counts[order].reshape(*shape, -1)
    return xr.DataArray(stacked, {**values, "energy": energy}, (*names, "energy"))
