"""Backgrounds of photoemission spectra, as terms of a fit and as curves drawn from the data.

A background that is fitted together with the peaks ("active") is linear in its coefficients once
the noise-free sum of the peaks is known; `background_columns` gives the terms.
Energies are binding-like: larger is more tightly bound, in either direction along the axis.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

__all__ = ["BACKGROUNDS", "TOUGAARD_U2_C", "background_columns"]

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

TOUGAARD_U2_C = 1643.0
"""Parameter C [eV^2] of the universal two-parameter cross section."""


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
        If the background is unknown.
    """
    if background not in BACKGROUNDS:
        raise ValueError(f"expected a background of {sorted(BACKGROUNDS)}, got {background!r}")
    axis = np.asarray(energy, dtype=np.float64)
    curve = np.asarray(peaks, dtype=np.float64)
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
            columns[..., number] = _loss_integral(axis, curve, TOUGAARD_U2_C)
    return columns


def _running_integral(energy: Floats, curve: Floats) -> Floats:
    """Trapezoid integral from the low-binding end up to every point."""
    areas = (curve[..., 1:] + curve[..., :-1]) * np.abs(np.diff(energy)) / 2
    out = np.zeros_like(curve)
    if len(energy) > 1 and energy[0] > energy[-1]:
        out[..., :-1] = np.cumsum(areas[..., ::-1], axis=-1)[..., ::-1]
    else:
        out[..., 1:] = np.cumsum(areas, axis=-1)
    return out


def _loss_integral(energy: Floats, curve: Floats, c: float) -> Floats:
    """Trapezoid integral of the U2 cross section with B = 1 over all smaller binding energies."""
    return np.asarray(curve @ _loss_matrix(energy.tobytes(), c).T)


@lru_cache(maxsize=16)
def _loss_matrix(axis: bytes, c: float) -> Floats:
    """Quadrature matrix of the loss integral; kept, since a fit asks for it at every step."""
    energy = np.frombuffer(axis)
    loss = energy[:, None] - energy[None, :]
    loss = np.where(loss > 0, loss, 0.0)  # only electrons that lose energy; K(0) = 0
    # Trapezoid weights: the point itself carries K(0) = 0, so the others have their full weight.
    steps = np.abs(np.diff(energy))
    weights = (np.append(steps, 0.0) + np.append(0.0, steps)) / 2
    matrix: Floats = loss / (c + loss**2) ** 2 * weights
    matrix.flags.writeable = False
    return matrix
