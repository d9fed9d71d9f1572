"""One line with its derivatives, written into contiguous rows: compiled for the batched engine.

The scalar kernels of `xpsnet.numerics` that have no branches are called in loops over contiguous
points, one loop per shape, which LLVM turns into vector instructions. The others are called point
by point.
"""

from xpsnet.fitting.solve.lm_rows import Floats, Integers
from xpsnet.numerics.kernels.asymmetric import asymmetric_pseudo_voigt, prepare_asymmetric
from xpsnet.numerics.kernels.compile import compiled, contracted, inlined
from xpsnet.numerics.kernels.doniach_sunjic import doniach, prepare_doniach
from xpsnet.numerics.kernels.elementary import prepare_gl_product, unit
from xpsnet.numerics.kernels.powered_lorentzian import (
    powered,
    prepare_powered,
)
from xpsnet.numerics.kernels.scaled_line import visible
from xpsnet.numerics.kernels.shape_codes import (
    ASYMMETRIC_LORENTZIAN,
    ASYMMETRIC_PSEUDO_VOIGT,
    DONIACH_SUNJIC,
    FINITE_LORENTZIAN,
    GAUSSIAN,
    GL_PRODUCT,
    LORENTZIAN,
    PARK2020,
    PSEUDO_VOIGT,
    VOIGT,
)
from xpsnet.numerics.kernels.voigt import prepare_voigt, voigt


@inlined
def _elementary_line(
    shape: int,
    energy: Floats,
    values: Floats,
    rows: Floats,
    at: Integers,
    total: Floats,
    constants: Floats,
) -> None:
    """A line of one shape, specialized at compile time.

    Shapes without a fourth parameter write its derivative, zeros, into a spare row.
    """
    center, height = values[0], values[2]
    inverse = 1.0 / visible(values[1])
    downhill = -height * inverse
    by_center, by_fwhm, by_height = rows[at[0]], rows[at[1]], rows[at[2]]
    by_fraction = rows[at[3]]
    for j in range(energy.size):
        t = (energy[j] - center) * inverse
        value, slope, by_first, _ = unit(shape, t, constants)
        by_center[j] = downhill * slope
        by_fwhm[j] = downhill * slope * t
        by_height[j] = value
        by_fraction[j] = height * by_first
        total[j] += height * value


@compiled
def _line_point_by_point(
    shape: int,
    energy: Floats,
    values: Floats,
    rows: Floats,
    at: Integers,
    total: Floats,
    constants: Floats,
) -> None:
    """A line of a shape whose kernel has branches."""
    if shape == VOIGT:
        prepare_voigt(values[3], constants)
    elif shape == ASYMMETRIC_PSEUDO_VOIGT:
        prepare_asymmetric(values[3], values[4], constants)
    elif shape == DONIACH_SUNJIC:
        prepare_doniach(1.0, values[3], constants)
    else:
        prepare_doniach(values[3], values[4], constants)
    height = values[2]
    inverse = 1.0 / visible(values[1])
    for j in range(energy.size):
        t = (energy[j] - values[0]) * inverse
        if shape == VOIGT:
            value, slope, by_first, by_second = voigt(t, constants)
        elif shape == ASYMMETRIC_PSEUDO_VOIGT:
            value, slope, by_first, by_second = asymmetric_pseudo_voigt(t, constants)
        else:
            value, slope, by_first, by_second = doniach(t, constants)
        rows[at[0], j] = -height * inverse * slope
        rows[at[1], j] = -height * inverse * slope * t
        rows[at[2], j] = value
        rows[at[3], j] = height * (by_second if shape == DONIACH_SUNJIC else by_first)
        rows[at[4], j] = height * by_second
        total[j] += height * value


@compiled
def _powered_line(
    damping: float,
    energy: Floats,
    values: Floats,
    rows: Floats,
    at: Integers,
    total: Floats,
    constants: Floats,
) -> None:
    """A Lorentzian to a power, convolved with a Gaussian."""
    prepare_powered(values[3], values[4], values[5], damping, constants)
    height = values[2]
    inverse = 1.0 / visible(values[1])
    for j in range(energy.size):
        t = (energy[j] - values[0]) * inverse
        value, slope, by_fraction, by_high, by_low, by_damping = powered(t, constants)
        rows[at[0], j] = -height * inverse * slope
        rows[at[1], j] = -height * inverse * slope * t
        rows[at[2], j] = value
        rows[at[3], j] = height * by_fraction
        rows[at[4], j] = height * by_high
        rows[at[5], j] = height * by_low
        rows[at[6], j] = height * by_damping
        total[j] += height * value


@contracted
def add_line(
    shape: int,
    energy: Floats,
    values: Floats,
    rows: Floats,
    at: Integers,
    total: Floats,
    constants: Floats,
) -> None:
    """Add a line to a curve, and write its derivatives.

    Parameters
    ----------
    shape : int
        Code of the line shape.
    energy : ndarray, shape (n,)
        Energies [eV].
    values : ndarray, shape (MOST_PARAMETERS,)
        Parameters of the line, in the order of its shape.
    rows : ndarray, shape (n_rows, n)
        Where derivatives go.
    at : ndarray of int, shape (MOST_PARAMETERS,)
        The row of each, and rows to spare for those that the shape does not have.
    total : ndarray, shape (n,)
        The line is added to it.
    constants : ndarray, shape (N_LINE_CONSTANTS,)
        Room for what a shape needs once per line.
    """
    constants[0] = values[3]
    if shape == GAUSSIAN:
        _elementary_line(GAUSSIAN, energy, values, rows, at, total, constants)
    elif shape == LORENTZIAN:
        _elementary_line(LORENTZIAN, energy, values, rows, at, total, constants)
    elif shape == PARK2020:
        _elementary_line(PARK2020, energy, values, rows, at, total, constants)
    elif shape == PSEUDO_VOIGT:
        _elementary_line(PSEUDO_VOIGT, energy, values, rows, at, total, constants)
    elif shape == GL_PRODUCT:
        prepare_gl_product(values[3], constants)
        _elementary_line(GL_PRODUCT, energy, values, rows, at, total, constants)
    elif shape == ASYMMETRIC_LORENTZIAN:
        _powered_line(0.0, energy, values, rows, at, total, constants)
    elif shape == FINITE_LORENTZIAN:
        _powered_line(values[6], energy, values, rows, at, total, constants)
    else:
        _line_point_by_point(shape, energy, values, rows, at, total, constants)
