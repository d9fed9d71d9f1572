"""Backgrounds of photoemission spectra: terms of a fit, and curves drawn from the data.

A background that is fitted together with the peaks ("active") is linear in its coefficients once
the noise-free sum of the peaks is known; `background_columns` gives the terms. `linear`, `shirley`,
`tougaard_u2` and `tougaard_u3` draw a background from measured counts before any fit ("static").
Energies are binding-like: larger is more tightly bound, in either direction along the axis.
Formulas and references are in ``docs/definitions.md``.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

__all__ = [
    "BACKGROUNDS",
    "TOUGAARD_U2",
    "TOUGAARD_U3",
    "background_columns",
    "linear",
    "shirley",
    "tougaard_u2",
    "tougaard_u3",
]

Floats = npt.NDArray[np.float64]

BACKGROUNDS: dict[str, tuple[str, ...]] = {
    "none": (),
    "constant": ("constant",),
    "linear": ("constant", "slope"),
    "shirley": ("constant", "shirley"),
    "shirley+linear": ("constant", "slope", "shirley"),
    "tougaard": ("constant", "tougaard"),
    "tougaard+linear": ("constant", "slope", "tougaard"),
}
"""The linear terms of every background."""

TOUGAARD_U2: tuple[float, float] = (2866.0, 1643.0)
"""B [eV^2] and C [eV^2] of the universal cross section of metals and their oxides.

S. Tougaard, Solid State Commun. 61, 547 (1987), doi 10.1016/0038-1098(87)90166-9.
"""

TOUGAARD_U3: dict[str, tuple[float, float, float]] = {
    "polymer": (434.0, 551.0, 436.0),
    "SiO2": (325.0, 542.0, 275.0),
    "Si": (132.0, 325.0, 96.0),
    "Ge": (73.0, 260.0, 62.0),
    "Al": (16.5, 230.0, 4.5),
}
"""B, C and D [eV^2] of solids with a distinct plasmon.

S. Tougaard, Surf. Interface Anal. 25, 137 (1997),
doi 10.1002/(SICI)1096-9918(199703)25:3<137::AID-SIA230>3.0.CO;2-L.
"""


def background_columns(background: str, energy: npt.ArrayLike, peaks: npt.ArrayLike) -> Floats:
    """Terms of a background whose weighted sum is the background.

    Parameters
    ----------
    background : str
        Key of `BACKGROUNDS`.
    energy : array_like, shape (n,)
        Binding-like energy [eV], monotonic in either direction, uniform or not.
    peaks : array_like, shape (..., n)
        Noise-free sum of the peaks [counts].

    Returns
    -------
    ndarray, shape (..., n, n_terms)
        One column per term, in the order of ``BACKGROUNDS[background]``: ``constant`` is 1;
        ``slope`` is the energy [eV] from the middle between the two ends of the axis; ``shirley``
        is the integral of the peaks from the low-binding end up to each energy [counts eV];
        ``tougaard`` is the integral over ``E' < E`` of ``K(E - E') peaks(E')`` with
        ``K(T) = T / (C + T^2)^2`` [counts / eV^2], so that its coefficient is ``B`` [eV^2].

    Raises
    ------
    ValueError
        If the background is unknown, or `energy` and `peaks` do not fit each other.

    Notes
    -----
    The active Shirley term is the integral of the peaks alone, so that no iteration is needed:
    A. Herrera-Gomez et al., Surf. Interface Anal. 46, 897 (2014), doi 10.1002/sia.5453. The active
    Tougaard term takes every peak electron to be scattered once within the window.
    """
    if background not in BACKGROUNDS:
        raise ValueError(f"expected a background of {sorted(BACKGROUNDS)}, got {background!r}")
    axis, curve = _checked(energy, peaks)
    terms = BACKGROUNDS[background]
    columns = np.empty((*curve.shape, len(terms)))
    for number, term in enumerate(terms):
        if term == "constant":
            columns[..., number] = 1.0
        elif term == "slope":
            columns[..., number] = axis - (axis[0] + axis[-1]) / 2
        elif term == "shirley":
            columns[..., number] = _running_integral(axis, curve)
        else:
            columns[..., number] = curve @ loss_matrix(axis.tobytes(), TOUGAARD_U2[1], None).T
    return columns


def linear(counts: npt.ArrayLike, energy: npt.ArrayLike, *, n_end: int = 5) -> Floats:
    """Straight line between the two ends of each spectrum.

    Parameters
    ----------
    counts : array_like, shape (..., n)
        Signal [counts or counts/s]; NaN points are left out.
    energy : array_like, shape (n,)
        Binding-like energy [eV], monotonic in either direction, uniform or not.
    n_end : int
        Points averaged at each end, at most a quarter of the spectrum.

    Returns
    -------
    ndarray, shape (..., n)
        Background [unit of `counts`]; NaN where `counts` is, or less than three points are finite.

    Raises
    ------
    ValueError
        If `energy` and `counts` do not fit each other.
    """
    axis, spectra = _checked(energy, counts)

    def draw(rows: Floats, at: Floats) -> Floats:
        low, high = _ends(rows, n_end)
        first, last = (float(end[0, 0]) for end in _ends(at[None], n_end))
        return np.asarray(low + (high - low) * (at - first) / (last - first))

    return _by_missing_points(draw, spectra, axis)


def shirley(
    counts: npt.ArrayLike,
    energy: npt.ArrayLike,
    *,
    n_end: int = 5,
) -> Floats:
    """Shirley background drawn between the two ends of each spectrum.

    It assumes that both ends of the spectrum lie on the background, and that the background grows
    with the number of peak electrons at smaller binding energy. A step that is fitted together with
    the peaks (`background_columns`) needs neither end to be free of peaks.

    Parameters
    ----------
    counts : array_like, shape (..., n)
        Signal [counts or counts/s]; NaN points are left out.
    energy : array_like, shape (n,)
        Binding-like energy [eV], monotonic in either direction, uniform or not.
    n_end : int
        Points averaged at each end for the level there, at most a quarter of the spectrum; 1 is
        the classical definition, which follows the noise of two points.

    Returns
    -------
    ndarray, shape (..., n)
        Background [unit of `counts`]; NaN where `counts` is, and for spectra that have no such
        background (no peak above the line between the ends) or less than three finite points.

    Raises
    ------
    ValueError
        If `energy` and `counts` do not fit each other.

    Notes
    -----
    ``B(E) = L + (H - L) * integral of (counts - B) up to E / the same up to the end``. The usual
    iteration of this equation diverges on wide windows with high steps; here its one unknown, the
    factor before the integral, is found inside a bracket, with the same result where both converge.

    References
    ----------
    D. A. Shirley, Phys. Rev. B 5, 4709 (1972), doi 10.1103/PhysRevB.5.4709; iteration after
    A. Proctor and P. M. A. Sherwood, Anal. Chem. 54, 13 (1982), doi 10.1021/ac00238a008.
    """
    from xpsnet.numerics.kernels.static_shirley import shirley_rows

    axis, spectra = _checked(energy, counts)

    def draw(rows: Floats, at: Floats) -> Floats:
        low, high = _ends(rows, n_end)
        out = np.empty_like(rows)
        steps = np.diff(at)
        shirley_rows(steps, np.ascontiguousarray(rows), low[:, 0].copy(), high[:, 0].copy(), out)
        return out

    return _by_missing_points(draw, spectra, axis)


def tougaard_u2(
    counts: npt.ArrayLike,
    energy: npt.ArrayLike,
    b: float | None = None,
    c: float = TOUGAARD_U2[1],
    *,
    n_end: int = 5,
) -> Floats:
    """Tougaard background of the two-parameter cross section ``B T / (C + T^2)^2``.

    The level at the low-binding end is taken as a constant background of other lines. Reliable only
    with a window that reaches some 30 eV beyond the last peak.

    Parameters
    ----------
    counts : array_like, shape (..., n)
        Signal [counts or counts/s]; NaN points are left out.
    energy : array_like, shape (n,)
        Binding-like energy [eV], monotonic in either direction, uniform or not.
    b : float, optional
        B [eV^2], 2866 for the universal cross section; by default so that the background meets
        the spectrum at the high-binding end.
    c : float
        C [eV^2].
    n_end : int
        Points averaged at each end for the level there, at most a quarter of the spectrum.

    Returns
    -------
    ndarray, shape (..., n)
        Background [unit of `counts`]; NaN where `counts` is, and where less than three points are
        finite or, without `b`, where no scaling meets the end.

    Raises
    ------
    ValueError
        If `energy` and `counts` do not fit each other.

    References
    ----------
    S. Tougaard, Surf. Interface Anal. 11, 453 (1988), doi 10.1002/sia.740110902; `TOUGAARD_U2`.
    """
    return _tougaard(counts, energy, b, c, None, n_end)


def tougaard_u3(
    counts: npt.ArrayLike,
    energy: npt.ArrayLike,
    b: float | None = None,
    c: float = TOUGAARD_U3["polymer"][1],
    d: float = TOUGAARD_U3["polymer"][2],
    *,
    n_end: int = 5,
) -> Floats:
    """Tougaard background of the three-parameter cross section ``B T / ((C - T^2)^2 + D T^2)``.

    For solids with a narrow plasmon, where `tougaard_u2` is too smooth; note the minus sign before
    ``T^2``. `TOUGAARD_U3` lists published parameters; the default is that of polymers.

    Parameters
    ----------
    counts : array_like, shape (..., n)
        Signal [counts or counts/s]; NaN points are left out.
    energy : array_like, shape (n,)
        Binding-like energy [eV], monotonic in either direction, uniform or not.
    b : float, optional
        B [eV^2]; by default so that the background meets the spectrum at the high-binding end.
    c, d : float
        C and D [eV^2].
    n_end : int
        Points averaged at each end for the level there, at most a quarter of the spectrum.

    Returns
    -------
    ndarray, shape (..., n)
        Background [unit of `counts`]; NaN as for `tougaard_u2`.

    Raises
    ------
    ValueError
        If `energy` and `counts` do not fit each other.

    References
    ----------
    S. Tougaard, Surf. Interface Anal. 25, 137 (1997),
    doi 10.1002/(SICI)1096-9918(199703)25:3<137::AID-SIA230>3.0.CO;2-L.
    """
    return _tougaard(counts, energy, b, c, d, n_end)


def _tougaard(
    counts: npt.ArrayLike,
    energy: npt.ArrayLike,
    b: float | None,
    c: float,
    d: float | None,
    n_end: int,
) -> Floats:
    """Static Tougaard background of either cross section."""
    axis, spectra = _checked(energy, counts)

    def draw(rows: Floats, at: Floats) -> Floats:
        low, high = _ends(rows, n_end)
        loss = (rows - low) @ loss_matrix(at.tobytes(), c, d).T
        if b is not None:
            return low + b * loss
        last = loss[:, -1:]
        factor = np.where(last > 0, (high - low) / np.where(last > 0, last, 1.0), np.nan)
        return np.asarray(low + factor * loss)

    return _by_missing_points(draw, spectra, axis)


def _checked(energy: npt.ArrayLike, counts: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Axis and spectra as float arrays that fit each other."""
    axis = np.ascontiguousarray(energy, dtype=np.float64)
    spectra = np.asarray(counts, dtype=np.float64)
    if axis.ndim != 1 or spectra.ndim < 1 or spectra.shape[-1] != len(axis):
        raise ValueError(
            f"expected energy of shape (n,) and spectra of shape (..., n), got {axis.shape} and "
            f"{spectra.shape}; move the energy axis last"
        )
    return axis, spectra


def _by_missing_points(
    draw: Callable[[Floats, Floats], Floats], spectra: Floats, energy: Floats
) -> Floats:
    """Apply `draw` to rows of finite points, ascending in energy, one call per pattern of NaN."""
    rows = spectra.reshape(-1, len(energy))
    out = np.full(rows.shape, np.nan)
    ascending = np.argsort(energy)
    finite = np.isfinite(rows)
    patterns, pattern_of = np.unique(finite, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        points = ascending[pattern[ascending]]
        if len(points) >= 3:
            members = np.flatnonzero(pattern_of.ravel() == number)
            here = np.ix_(members, points)
            out[here] = draw(rows[here], energy[points])
    return out.reshape(spectra.shape)


def _ends(rows: Floats, n_end: int) -> tuple[Floats, Floats]:
    """Mean levels at the low-binding and at the high-binding end, as columns."""
    n = max(1, min(n_end, rows.shape[1] // 4))
    return rows[:, :n].mean(axis=1, keepdims=True), rows[:, -n:].mean(axis=1, keepdims=True)


def _running_integral(energy: Floats, curve: Floats) -> Floats:
    """Trapezoid integral from the low-binding end up to every point."""
    areas = (curve[..., 1:] + curve[..., :-1]) * np.abs(np.diff(energy)) / 2
    out = np.zeros_like(curve)
    if len(energy) > 1 and energy[0] > energy[-1]:
        out[..., :-1] = np.cumsum(areas[..., ::-1], axis=-1)[..., ::-1]
    else:
        out[..., 1:] = np.cumsum(areas, axis=-1)
    return out


@lru_cache(maxsize=16)
def loss_matrix(axis: bytes, c: float, d: float | None) -> Floats:
    """Quadrature matrix of the loss integral, B = 1; cached, as a fit needs it at every step.

    Trapezoid rule: the point itself carries K(0) = 0, so the others have their full weights.
    """
    energy = np.frombuffer(axis)
    loss = energy[:, None] - energy[None, :]
    loss = np.where(loss > 0, loss, 0.0)  # only electrons that lose energy
    steps = np.abs(np.diff(energy))
    weights = (np.append(steps, 0.0) + np.append(0.0, steps)) / 2
    square = loss**2
    divisor = (c + square) ** 2 if d is None else (c - square) ** 2 + d * square
    matrix: Floats = loss / divisor * weights
    matrix.flags.writeable = False
    return matrix
