"""Axis, layout and room for the compiled code of the batched engine."""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from xpsnet.fitting.model.parameter_map import Layout
from xpsnet.fitting.solve.lm_model import Plan, Work
from xpsnet.fitting.solve.lm_rows import Floats, Integers
from xpsnet.numerics.backgrounds import BACKGROUNDS, background_columns
from xpsnet.numerics.kernels.line_constants import N_LINE_CONSTANTS
from xpsnet.numerics.kernels.shape_codes import MOST_PARAMETERS
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.peak_shapes import LineShapes, own_columns

_LANES = 8  # rows are filled up to a multiple of what a processor handles at once
_TERMS = ("constant", "slope", "shirley", "tougaard")
_MOST_LOSS_POINTS = 5_000
# Doubt, evaluations and tolerance of a full fit, and of one that only has to tell models apart.
_FULL, _QUICK = (2.5, 500, 1e-6), (np.inf, 100, 1e-2)


def make_plan(
    line_shape: LineShapes, background: str, energy: Floats, layout: Layout, *, quick: bool = False
) -> Plan:
    """Axis and layout as the compiled code takes them; energies ascend.

    `quick`: chi-square to a hundredth, from one attempt, in a fifth of the steps.

    Raises
    ------
    ValueError
        Where a Tougaard background is asked for on more points than its matrix may have.
    """
    axis = np.asarray(energy, dtype=np.float64)
    more = np.zeros(-axis.size % _LANES)
    filled = np.append(axis, more + axis[-1])
    m, terms, peak_index = len(layout.names), BACKGROUNDS[background], layout.peak_index
    entries = np.stack([peak_index, layout.peak_partner, layout.peak_divisor])
    direct = np.zeros(peak_index.shape, dtype=np.bool_)
    passed_on = layout.linked | layout.absent
    _, first = np.unique(np.where(passed_on, -1, peak_index), return_index=True)
    direct.ravel()[first] = True
    direct &= ~passed_on
    entries[:, layout.absent] = -1
    uses = (entries[..., None] == np.arange(m)).any(axis=(0, 2))
    columns = own_columns(line_shape, layout.n_peaks)

    def own(table: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Rows (k, s) in the order of each peak's shape, filled up to the most parameters."""
        filled = np.zeros((layout.n_peaks, MOST_PARAMETERS), dtype=table.dtype)
        for k, own_of_peak in enumerate(columns):
            filled[k, : len(own_of_peak)] = table[k, own_of_peak]
        return filled

    of_peaks = np.flatnonzero(uses.any(axis=0))
    heights = np.unique(layout.column("height"))
    active = layout.background_index[[t in ("shirley", "tougaard") for t in terms]]
    doubt, evaluations, tolerance = _QUICK if quick else _FULL
    return Plan(
        shape=np.array([LINE_SHAPES[name]._code for name in layout.shape_names], dtype=np.int64),
        n_own=np.array([len(own_of_peak) for own_of_peak in columns], dtype=np.int64),
        n_points=axis.size,
        n_shapes=m - len(terms),
        energy=filled,
        half_steps=np.diff(filled, prepend=filled[0]) / 2,
        slope=np.append(axis - (axis[0] + axis[-1]) / 2, more),
        loss=_loss_matrix(background, axis),
        entry=_whole(own(peak_index)),
        partner=_whole(own(layout.peak_partner)),
        divisor=_whole(own(layout.peak_divisor)),
        operation=_whole(own(layout.peak_operation)),
        offset=own(layout.peak_offset).astype(np.float64),
        ratio=own(layout.peak_ratio).astype(np.float64),
        direct=own(direct),
        cleared=_whole(np.setdiff1d(of_peaks, peak_index[direct])),
        of_peaks=_whole(of_peaks),
        terms=np.array([_TERMS.index(term) for term in terms], dtype=np.int64),
        term_entries=_whole(layout.background_index),
        uses=uses,
        heights=_whole(heights),
        linear=_whole(np.append(heights, layout.background_index)),
        positive=np.isin(np.arange(m), np.append(heights, active)),
        alone=np.asarray(~layout.linked[:, :3].any(axis=1)),
        doubt=doubt,
        evaluations=evaluations,
        tolerance=tolerance,
    )


def _whole(numbers: npt.NDArray[np.integer[Any]]) -> Integers:
    """Copy of integers, of the one type and order that is compiled for."""
    return np.array(numbers, dtype=np.int64, order="C")


def _loss_matrix(background: str, axis: Floats) -> Floats:
    """Matrix of the Tougaard integral, or an empty one."""
    if "tougaard" not in BACKGROUNDS[background]:
        return np.empty((0, 0))
    if axis.size > _MOST_LOSS_POINTS:
        raise ValueError(
            f"expected at most {_MOST_LOSS_POINTS} points for a Tougaard background, got "
            f"{axis.size}; choose a smaller energy range"
        )
    return _tougaard_matrix(axis.tobytes())


@lru_cache(maxsize=4)
def _tougaard_matrix(axis: bytes) -> Floats:
    """Matrix of the Tougaard integral on an axis of 8-byte floats; models of one axis share it."""
    energy = np.frombuffer(axis, dtype=np.float64)
    columns = background_columns("tougaard", energy, np.eye(energy.size))
    place = BACKGROUNDS["tougaard"].index("tougaard")
    return np.ascontiguousarray(columns[..., place].T)


def make_work(plan: Plan, layout: Layout) -> Work:
    """Room for one thread."""
    m, p = len(layout.names), plan.energy.size
    entries = [np.zeros(m) for _ in range(5)]
    return Work(
        rows=np.zeros((m + 1 + MOST_PARAMETERS, p)),
        total=np.zeros(p),
        counts=np.zeros(p),
        weights=np.zeros(p),
        floor=np.zeros(p),
        gain=np.zeros(1),
        shapes=np.zeros((layout.n_peaks, MOST_PARAMETERS)),
        at=m + 1 + np.arange(MOST_PARAMETERS, dtype=np.int64),  # the rows to spare
        constants=np.zeros(N_LINE_CONSTANTS),
        ids=np.zeros(m, dtype=np.int64),
        normal=np.zeros((m, m)),
        gradient=entries[0],
        factor=np.zeros((m, m)),
        step=entries[1],
        scale=entries[2],
        low=entries[3],
        high=entries[4],
        fixed=np.zeros(m, dtype=np.bool_),
        order=np.zeros(m, dtype=np.int64),
        right=np.zeros(m),
        trial=np.zeros(m),
        begin=np.zeros(m),
        other=np.zeros(m),
        left_out=np.zeros(m, dtype=np.bool_),
        directions=np.zeros((m, m)),
        inverse=np.zeros((m, m)),
    )
