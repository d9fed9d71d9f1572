"""HDF5 that Igor Pro has saved: the scaling of a wave is in attributes, not in arrays beside it.

`IGORWaveScaling` holds a row for the data, then step and start of each dimension;
`IGORWaveUnits` the unit of the data, then those of the dimensions; `IGORWaveNote` the note.
"""

import numpy as np

from xpsnet.io.common.chosen_axes import Axes
from xpsnet.io.common.errors import refusal
from xpsnet.io.common.reading import Reading
from xpsnet.io.igor.waves import Scale, Wave, spectra_of
from xpsnet.io.stores.arrays import check_number
from xpsnet.io.stores.tree import StoredArray, Tree

_SCALING, _UNITS, _NOTE = "IGORWaveScaling", "IGORWaveUnits", "IGORWaveNote"
_NOTES_SHOWN = 3


def is_wave(array: StoredArray) -> bool:
    """Whether an array has the scaling of a wave."""
    return _SCALING in array.attrs and array.dtype.kind in "iuf" and 1 <= len(array.shape) <= 4


def read_waves(tree: Tree, axes: Axes | None = None) -> Reading:
    """Spectra of all waves of a store.

    Raises
    ------
    ReadError
        If no wave has an energy axis.
    """
    arrays = [array for array in tree.arrays.values() if is_wave(array)]
    check_number(tree, len(arrays) - 1)
    reading = Reading([])
    waves = [_wave(tree, array) for array in arrays]
    reading.spectra = spectra_of(waves, reading.notes, axes)
    if not reading.spectra:
        raise refusal(
            tree.path, expected="a wave with an energy axis",
            got="; ".join(reading.notes[:_NOTES_SHOWN]) or "none",
            advice='say which dimension is energy: axes=("energy", "angle")',
        )  # fmt: skip
    return reading


def _wave(tree: Tree, array: StoredArray) -> Wave:
    """One array as Igor knows it."""
    n = len(array.shape)
    try:
        rows = np.asarray(array.attrs[_SCALING], dtype=np.float64).reshape(-1, 2)[1 : n + 1]
    except (ValueError, TypeError):
        rows = np.empty((0, 2))
    units = array.attrs.get(_UNITS, [])
    units = [str(one) for one in ([units] if isinstance(units, str) else units)]
    labels = [*units[1 : n + 1], *[""] * n][:n]
    scales = [
        Scale(label, float(start), float(step))
        for label, (step, start) in zip(labels, rows, strict=False)
    ]
    scales += [Scale("", 0.0, 1.0)] * (n - len(scales))
    note = array.attrs.get(_NOTE, "")
    values = tree.values(array)
    return Wave(array.label, values, scales, units[0] if units else "", str(note))
