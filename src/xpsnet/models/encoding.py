"""Conversion of spectra to the input of a network, and of its outputs to peaks in eV.

`encode` resamples a window of the energy axis to an even grid and scales the counts; `decode` gives
centers and FWHM in eV and Lorentzian fractions. Heights usually come from a linear least-squares
fit, in counts. Energies are binding-like (larger is more bound), as in `xpsnet.numerics`. Shapes
are (n spectra, points) and (n spectra, k peaks).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from xpsnet.models.architecture import NetworkConfig, set_slices
from xpsnet.numerics.known_lines import NOTHING_KNOWN, Known, doublet_inputs
from xpsnet.numerics.lineshapes import PARK2020_FWHM_PER_WIDTH
from xpsnet.numerics.resample import even_grid, normalize, resample
from xpsnet.numerics.second_lines import overlaid, without_second_lines

Floats = npt.NDArray[np.float64]
Outputs = dict[str, npt.NDArray[Any]]

PARK2020_EXTENT = 15.0
# Standard deviation of a Laplace distribution with scale 1.
LAPLACE_STD = float(np.sqrt(2.0))


@dataclass(frozen=True)
class Guess:
    """Peaks of n spectra, for one number of peaks k.

    Attributes
    ----------
    center, fwhm : ndarray, shape (n, k)
        Binding-like energies [eV].
    fraction : ndarray, shape (n, k), or None
        Lorentzian fraction, for line shapes that have one.
    spread : dict of ndarray, shape (n, k)
        Standard deviations of ``center`` and ``fwhm`` [eV], of ``fraction``, and of ``height``
        (relative).
    """

    center: Floats
    fwhm: Floats
    fraction: Floats | None
    spread: dict[str, Floats]


def line_shape(config: NetworkConfig) -> str:
    """Line shape that the network was trained with, a key of `LINE_SHAPES`."""
    return "park2020" if config.architecture == "park2020" else "pseudo_voigt"


def counts_known(config: NetworkConfig) -> range:
    """Numbers of peaks that the network can give."""
    return range(1 if config.architecture == "park2020" else 0, config.max_peaks + 1)


def encode(
    counts: npt.ArrayLike,
    energy: npt.ArrayLike,
    config: NetworkConfig,
    known: Known = NOTHING_KNOWN,
) -> npt.NDArray[np.float32]:
    """Convert spectra to the input of a network.

    Parameters
    ----------
    counts : array_like, shape (n, points)
        Finite signal [counts or counts/s].
    energy : array_like, shape (points,)
        Binding-like energies [eV], in either direction.
    config : NetworkConfig
        Its architecture and number of points determine grid and scaling.
    known : Known
        What the caller knows of the lines; ignored by a network without inputs for it.

    Returns
    -------
    ndarray of float32, shape (n, config.n_inputs)
        The spectrum, ascending in binding-like energy, then what is known. `park2020`: scaled to
        a maximum of 1 (to a minimum of -1 if no value is positive). `default`: scaled from 0 to 1.
        Of doublets two curves (`numerics.second_lines`).
    """
    spectra = resample(counts, energy, even_grid(energy, config.n_points))
    window = float(np.ptp(np.asarray(energy, float)))
    if config.doublet:
        return _as_doublets(spectra, window, config, known)
    if config.architecture == "park2020":
        largest = spectra.max(axis=-1, keepdims=True)
        largest = np.where(largest > 0, largest, -spectra.min(axis=-1, keepdims=True))
        spectra = spectra / np.where(largest > 0, largest, 1.0)
    else:
        spectra, _, _ = normalize(spectra)
    inputs = np.empty((len(spectra), config.n_inputs), np.float32)
    inputs[:, : config.n_points] = spectra
    if config.known:
        inputs[:, config.n_points :] = known.inputs(window)
    return inputs


def _as_doublets(
    spectra: Floats, window: float, config: NetworkConfig, known: Known
) -> npt.NDArray[np.float32]:
    """Inputs of a network that answers in the states of a level with a doublet."""
    if known.doublet is None:
        raise ValueError("expected a doublet for a network that answers in its states, got none")
    splitting = np.full((len(spectra), 1), known.doublet[0] / window)
    ratio = np.full((len(spectra), 1), known.doublet[1])
    batch = {
        "spectra": normalize(without_second_lines(np, spectra, splitting, ratio))[0],
        "overlaid": normalize(overlaid(np, spectra, splitting, ratio))[0],
        "known": np.tile(known.inputs(window), (len(spectra), 1)),
        "doublet": np.concatenate([splitting, ratio], axis=1),
    }
    return np.asarray(simulated_inputs(np, batch, config), np.float32)


def simulated_inputs(xp: Any, batch: dict[str, Any], config: NetworkConfig) -> Any:
    """Inputs of a network (n, n_inputs) for a simulated batch, in the namespace `xp`.

    `batch` holds what the network reads, with the names of `core_levels.draw_raw`.
    """
    if not config.known:
        return batch["spectra"]
    if not config.doublet:
        return xp.concatenate([batch["spectra"], batch["known"]], axis=-1)
    doublet = doublet_inputs(xp, batch["doublet"][:, :1], batch["doublet"][:, 1:])
    parts = [batch[name] for name in ("spectra", "overlaid", "known")]
    return xp.concatenate([*parts, doublet], axis=-1)


def probabilities(outputs: Outputs, config: NetworkConfig) -> Floats:
    """Probability of each number of peaks in `counts_known`, shape (n, counts).

    `park2020` gives one real number: its probability is divided between the two nearest integers.
    """
    if config.architecture == "park2020":
        number = np.clip(outputs["n_peaks"][:, :1].astype(float), 1, config.max_peaks)
        known = np.array(counts_known(config))
        return np.asarray(np.clip(1 - np.abs(number - known), 0, 1))
    logits = outputs["count_logits"].astype(float)
    logits = logits - logits.max(axis=-1, keepdims=True)
    share = np.exp(logits)
    return np.asarray(share / share.sum(axis=-1, keepdims=True))


def decode(outputs: Outputs, k: int, energy: npt.ArrayLike, config: NetworkConfig) -> Guess:
    """Convert the outputs for `k` peaks to peaks in eV.

    Parameters
    ----------
    outputs : dict of ndarray
        Outputs of the network for n spectra.
    k : int
        Number of peaks, one of `counts_known` except 0.
    energy : array_like, shape (points,)
        Axis given to `encode` [eV].
    config : NetworkConfig
        The network.

    Returns
    -------
    Guess
        Ascending in binding-like energy for `default`, descending in height for `park2020`.
    """
    energy = np.asarray(energy, float)
    low, window = float(energy.min()), float(np.ptp(energy))
    if config.architecture == "park2020":
        return _decode_park2020(outputs, k, low, window)
    part = set_slices(config.max_peaks)[k]
    peaks = outputs["peaks"][:, part].astype(float)
    spread = LAPLACE_STD * np.exp(np.clip(outputs["log_spread"][:, part].astype(float), -7, 3))
    # FWHM from half a grid step to the width of the window.
    narrowest = 0.5 / (config.n_points - 1)
    fwhm = window * np.clip(np.exp(np.minimum(peaks[..., 1], 0.0)), narrowest, 1.0)
    center = low + window * np.clip(peaks[..., 0], -0.1, 1.1)
    return Guess(
        center,
        fwhm,
        np.clip(peaks[..., 3], 0.0, 1.0),
        {
            "center": spread[..., 0] * fwhm,
            "fwhm": spread[..., 1] * fwhm,
            "height": spread[..., 2],
            "fraction": spread[..., 3],
        },
    )


def heights(outputs: Outputs, k: int, config: NetworkConfig) -> Floats:
    """Heights for `k` peaks from a `default` network, over the range of the counts, (n, k)."""
    logarithm = outputs["peaks"][:, set_slices(config.max_peaks)[k], 2].astype(float)
    return np.asarray(np.exp(logarithm))


def _decode_park2020(outputs: Outputs, k: int, low: float, window: float) -> Guess:
    """The k highest of the three peaks of `park2020`, which has no spreads."""
    scale = window / PARK2020_EXTENT
    order = np.argsort(-outputs["height"], axis=-1)[:, :k]
    center = np.take_along_axis(outputs["center"], order, axis=-1).astype(float)
    width = np.take_along_axis(outputs["width"], order, axis=-1).astype(float)
    width = np.clip(width, 0.05, PARK2020_EXTENT)
    return Guess(low + scale * center, scale * PARK2020_FWHM_PER_WIDTH * width, None, {})
