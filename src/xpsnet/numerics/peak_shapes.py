"""Line shapes of several peaks: one for all of them, or one for each.

A shape is given by name, or as a tuple with one name per peak. The parameters of a tuple are those
of all its shapes together; where a peak's shape has no such parameter, any value is passed over.
"""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from xpsnet.numerics.lineshapes import LINE_SHAPES, LineShape

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
LineShapes = str | tuple[str, ...]


def distinct_shapes(line_shape: LineShapes) -> tuple[str, ...]:
    """Names of the shapes that occur, each once."""
    names = (line_shape,) if isinstance(line_shape, str) else line_shape
    return tuple(dict.fromkeys(names))


def simplest(line_shape: LineShapes) -> LineShapes:
    """One name where all peaks have the same shape."""
    names = distinct_shapes(line_shape)
    return names[0] if len(names) == 1 else line_shape


def shapes_at(line_shape: LineShapes, peaks: Iterable[int]) -> LineShapes:
    """Shapes of some of the peaks, counted from 0."""
    if isinstance(line_shape, str):
        return line_shape
    chosen = tuple(line_shape[peak] for peak in peaks)
    return simplest(chosen) if chosen else line_shape[0]


@lru_cache(maxsize=256)
def shape_parameters_of(line_shape: LineShapes) -> tuple[str, ...]:
    """Parameters of all shapes together, in the order in which they appear."""
    shapes = [LINE_SHAPES[name] for name in distinct_shapes(line_shape)]
    return tuple(dict.fromkeys(name for shape in shapes for name in shape.parameters))


def shape_names(line_shape: LineShapes, n_peaks: int) -> tuple[str, ...]:
    """One name per peak.

    Raises
    ------
    ValueError
        Where there are not as many names as peaks.
    """
    if isinstance(line_shape, str):
        return (line_shape,) * n_peaks
    if len(line_shape) != n_peaks:
        raise ValueError(
            f"expected one line shape, or one for each of {n_peaks} peaks, got {line_shape}"
        )
    return line_shape


def absent_parameters(line_shape: LineShapes, n_peaks: int) -> Flags:
    """Which parameters the shape of a peak does not have, shape (n_peaks, n_parameters)."""
    names = shape_parameters_of(line_shape)
    shapes = [LINE_SHAPES[name] for name in shape_names(line_shape, n_peaks)]
    return np.array([[n not in s.parameters for n in names] for s in shapes], bool).reshape(
        n_peaks, len(names)
    )


def own_columns(line_shape: LineShapes, n_peaks: int) -> list[list[int]]:
    """For every peak, where the parameters of its shape are among those of all."""
    names = shape_parameters_of(line_shape)
    own = [LINE_SHAPES[name].parameters for name in shape_names(line_shape, n_peaks)]
    return [[names.index(name) for name in parameters] for parameters in own]


def lines(line_shape: LineShapes, energy: npt.ArrayLike, *parameters: Floats) -> Floats:
    """Lines of peaks, zero where there is none.

    Parameters
    ----------
    line_shape : str or tuple of str
    energy : array_like, shape (n,)
        Binding-like energy [eV].
    *parameters : ndarray, shape (..., peak)
        In the order of `shape_parameters_of`. NaN where there is no peak.

    Returns
    -------
    ndarray, shape (..., peak, n)
    """
    exists = np.isfinite(parameters[0])
    component = np.zeros((*exists.shape, np.size(energy)))
    for shape, peaks, columns in _by_shape(line_shape, exists.shape[-1]):
        own = [np.asarray(parameters[c], dtype=np.float64)[..., peaks] for c in columns]
        here = np.isfinite(own).all(axis=0)
        drawn = np.zeros((*here.shape, np.size(energy)))
        drawn[here] = shape.value(energy, *(values[here] for values in own))
        component[..., peaks, :] = drawn
    return component


def lines_and_derivatives(
    line_shape: LineShapes, energy: Floats, *parameters: Floats
) -> tuple[Floats, Floats]:
    """Lines of the peaks of one spectrum, and their derivatives by all parameters.

    Parameters
    ----------
    line_shape : str or tuple of str
    energy : ndarray, shape (n,)
    *parameters : ndarray, shape (peak,)

    Returns
    -------
    lines : ndarray, shape (peak, n)
    derivatives : ndarray, shape (peak, n_parameters, n)
        0 where a peak's shape has no such parameter.
    """
    n_peaks = parameters[0].shape[0]
    component = np.empty((n_peaks, energy.size))
    derivatives = np.zeros((n_peaks, len(parameters), energy.size))
    for shape, peaks, columns in _by_shape(line_shape, n_peaks):
        own = [parameters[c][peaks] for c in columns]
        component[peaks], slopes = shape.value_and_derivatives(energy, *own)
        derivatives[peaks[:, None], columns] = np.moveaxis(slopes, -1, 1)
    return component, derivatives


def line_areas(line_shape: LineShapes, energy: npt.ArrayLike, *parameters: Floats) -> Floats:
    """Exact areas of peaks where their shape has one, else those over the range of `energy`.

    Parameters
    ----------
    line_shape, energy, *parameters
        As for `lines`.

    Returns
    -------
    ndarray, shape (..., peak)
        [unit of height times eV]; NaN where there is no peak.
    """
    whole = np.broadcast_arrays(*(np.asarray(p, dtype=np.float64) for p in parameters))
    shape_of_all: tuple[int, ...] = whole[0].shape
    area = np.full(shape_of_all, np.nan)
    for shape, peaks, columns in _by_shape(line_shape, shape_of_all[-1]):
        own = [whole[c][..., peaks] for c in columns]
        here = np.isfinite(own[0])
        if here.any():
            found, given = np.full(here.shape, np.nan), [values[here] for values in own]
            exact = shape.area
            found[here] = shape.area_over(energy, *given) if exact is None else exact(*given)
            area[..., peaks] = found
    return area


def _by_shape(
    line_shape: LineShapes, n_peaks: int
) -> list[tuple[LineShape, npt.NDArray[np.intp], list[int]]]:
    """Every shape with the peaks that have it and the columns of its parameters."""
    names = np.array(shape_names(line_shape, n_peaks), dtype=object)
    columns = shape_parameters_of(line_shape)
    return [
        (
            LINE_SHAPES[name],
            np.flatnonzero(names == name),
            [columns.index(parameter) for parameter in LINE_SHAPES[name].parameters],
        )
        for name in dict.fromkeys(names.tolist())
    ]
