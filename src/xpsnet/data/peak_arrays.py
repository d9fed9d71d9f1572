"""Arrays of a peaks Dataset: checked, sorted and drawn, for `peaks.py`."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from xpsnet.numerics.backgrounds import BACKGROUNDS, background_columns
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.peak_shapes import (
    LineShapes,
    absent_parameters,
    distinct_shapes,
    line_areas,
    lines,
    shape_parameters_of,
)

Floats = npt.NDArray[np.float64]
Arrays = Mapping[str, npt.ArrayLike]
Dims = tuple[Hashable, ...]
Order = npt.NDArray[np.intp]

CURVE = "curve"
"""The background that is stored as it was drawn, instead of by parameters."""


def background_terms(background: str) -> tuple[str, ...]:
    """Names of the parameters of a background; a stored curve has none."""
    return () if background == CURVE else BACKGROUNDS[background]


def curve_arrays(
    background: str, curve: npt.ArrayLike | None, lead: Dims, shape: tuple[int, ...]
) -> dict[str, Any]:
    """The variable background (..., energy) of this shape, where it is stored as a curve."""
    if background != CURVE:
        return {}
    if curve is None:
        raise ValueError(f"expected background_curve of shape {shape} for the background 'curve'")
    array = np.asarray(curve, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"expected background_curve of shape {shape}, got {array.shape}")
    return {"background": ((*lead, "energy"), array.copy())}


def interpolate_curve(curve: Floats, fitted: Floats, drawn: Floats) -> Floats:
    """A curve (..., n) between the points of its axis; beyond the ends it keeps its value."""
    if fitted[0] > fitted[-1]:
        fitted, curve = fitted[::-1], curve[..., ::-1]
    place = np.interp(drawn, fitted, np.arange(fitted.size))
    left = np.minimum(place.astype(np.intp), max(fitted.size - 2, 0))
    part = place - left
    right = np.minimum(left + 1, fitted.size - 1)
    return np.asarray(curve[..., left] * (1 - part) + curve[..., right] * part)


def ordered_arrays(
    parameters: Arrays, line_shape: LineShapes, background_parameters: Arrays, background: str
) -> dict[str, Floats]:
    """Arrays of all shape parameters, equal in shape, in the order of the line shape."""
    if not set(distinct_shapes(line_shape)) <= set(LINE_SHAPES):
        raise ValueError(f"expected one of {list(LINE_SHAPES)}, got line_shape={line_shape!r}")
    if background not in (*BACKGROUNDS, CURVE):
        known = [*BACKGROUNDS, CURVE]
        raise ValueError(f"expected one of {known}, got background={background!r}")
    names = shape_parameters_of(line_shape)
    if set(names) != set(parameters):
        raise ValueError(
            f"expected the parameters {names} of {line_shape}, got {tuple(parameters)}"
        )
    terms = background_terms(background)
    if set(terms) != set(background_parameters):
        raise ValueError(
            f"expected the terms {terms} of the background {background!r}, got "
            f"{tuple(background_parameters)}"
        )
    arrays = np.broadcast_arrays(*(np.asarray(parameters[k], dtype=np.float64) for k in names))
    if arrays[0].ndim == 0:
        raise ValueError("expected parameters of shape (..., peak), got scalars")
    absent = np.isnan(arrays[0])[..., None] | absent_parameters(line_shape, arrays[0].shape[-1])
    columns = np.moveaxis(absent, -1, 0)
    filled = zip(names, arrays, columns, strict=True)
    return {name: np.where(none, np.nan, values) for name, values, none in filled}


def sorted_peaks(table: Mapping[str, Floats], key: Floats) -> dict[str, Floats]:
    """Arrays (..., peak) in ascending order of a key of the same shape; NaN goes last."""
    order = np.argsort(key, axis=-1, kind="stable")
    return {name: np.take_along_axis(values, order, -1) for name, values in table.items()}


def one_per_spectrum(name: str, values: npt.ArrayLike, shape: tuple[int, ...], dtype: Any) -> Any:
    """One value per spectrum, as its own array."""
    array = np.asarray(values, dtype=dtype)
    try:
        return np.broadcast_to(array, shape).copy()
    except ValueError:
        raise ValueError(f"expected {name} of shape {shape}, got {array.shape}") from None


def area_arrays(energy: Floats, line_shape: LineShapes, parameters: Mapping[str, Floats]) -> Floats:
    """Exact area [units eV] where the shape has one, else that over the range of `energy`.

    Energies and centers are those of the numerics.
    """
    return line_areas(line_shape, energy, *(parameters[k] for k in shape_parameters_of(line_shape)))


def uncertainties_arrays(table: Arrays, suffix: str, lead: Dims, order: Order) -> dict[str, Any]:
    """Variables `<name>_<suffix>`, sorted as the peaks are."""
    found: dict[str, Any] = {}
    for name, values in table.items():
        key = f"{name}_{suffix}"
        if name.startswith("background_"):
            found[key] = (lead, one_per_spectrum(key, values, order.shape[:-1], np.float64))
        else:
            full = one_per_spectrum(key, values, order.shape, np.float64)
            found[key] = ((*lead, "peak"), np.take_along_axis(full, order, -1))
    return found


def probability_arrays(values: npt.ArrayLike | None, lead: Dims) -> dict[str, Any]:
    """The variable n_peaks_probability (..., count), where there is one."""
    if values is None:
        return {}
    dims = lead if "count" in lead else (*lead, "count")
    return {"n_peaks_probability": (dims, np.asarray(values, dtype=np.float64))}


def moved_covariance(
    names: Sequence[str], matrix: Floats, place: Order, moved_names: Sequence[str]
) -> Floats:
    """Covariance matrices (..., m, m) of peaks that change their places.

    Parameters
    ----------
    names : sequence of str
        Of the rows and columns of `matrix`: "center_1" for a parameter of the first peak, anything
        else for shared ones.
    matrix : ndarray, shape (..., m, m)
    place : ndarray of int, shape (..., n)
        Index of the peak that comes to each of n places; -1 for none.
    moved_names : sequence of str
        Of the result.

    Returns
    -------
    ndarray, shape (..., len(moved_names), len(moved_names))
        NaN for what has no place in `matrix`.
    """
    index = {name: i for i, name in enumerate(names)}
    source = np.empty((*place.shape[:-1], len(moved_names)), dtype=np.intp)
    n_peaks = int(place.max(initial=-1)) + 1
    for i, name in enumerate(moved_names):
        stem, _, number = name.rpartition("_")
        if number.isdigit():
            entries = [index.get(f"{stem}_{k + 1}", -1) for k in range(n_peaks)]
            source[..., i] = np.array([*entries, -1])[place[..., int(number) - 1]]
        else:
            source[..., i] = index.get(name, -1)
    known, source = source >= 0, np.maximum(source, 0)
    rows = np.take_along_axis(matrix, source[..., :, None], -2)
    moved = np.take_along_axis(rows, source[..., None, :], -1)
    return np.where(known[..., :, None] & known[..., None, :], moved, np.nan)


def draw(
    fitted: Floats,
    drawn: Floats,
    line_shape: LineShapes,
    background: str,
    parameters: Sequence[Floats],
    terms: Sequence[Floats],
) -> tuple[Floats, Floats]:
    """Components (..., peak, m) and background (..., m) on the axis `drawn` of the numerics."""
    component = lines(line_shape, drawn, *parameters)
    if not terms:
        return component, np.zeros_like(component[..., 0, :])
    same = drawn.shape == fitted.shape and bool((drawn == fitted).all())
    on_fitted = component if same else lines(line_shape, fitted, *parameters)
    columns = background_columns(background, fitted, on_fitted.sum(axis=-2))
    if not same:
        columns = _moved_columns(columns, fitted, drawn, BACKGROUNDS[background])
    coefficients = np.stack(np.broadcast_arrays(*terms), axis=-1)
    return component, (columns @ coefficients[..., None])[..., 0]


def _moved_columns(
    columns: Floats, fitted: Floats, drawn: Floats, terms: tuple[str, ...]
) -> Floats:
    """Background columns (..., m, term) on another axis than the fitted one."""
    if fitted[0] > fitted[-1]:
        fitted, columns = fitted[::-1], columns[..., ::-1, :]
    place = np.interp(drawn, fitted, np.arange(fitted.size))
    left = np.minimum(place.astype(np.intp), fitted.size - 2)
    part = (place - left)[:, None]
    moved: Floats = columns[..., left, :] * (1 - part) + columns[..., left + 1, :] * part
    if "slope" in terms:  # known beyond the ends too
        moved[..., terms.index("slope")] = drawn - (fitted[0] + fitted[-1]) / 2
    return moved
