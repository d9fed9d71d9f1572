"""Simulated sample spectra with known peaks, for demonstrations and tests.

Centers, widths and Shirley steps are typical of a laboratory instrument with monochromatic
Al K-alpha radiation. Counts follow Poisson statistics with a fixed seed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import check, choice
from xpsnet.data.peaks import Status, curves, make_peaks
from xpsnet.data.spectrum import make_spectrum

__all__ = ["SAMPLES", "sample", "sample_truth"]

Floats = npt.NDArray[np.float64]

_SHIRLEY = 0.04  # [1/eV] a step of about 6 % of the height behind a line 1.2 eV wide
_FRACTION = 0.3  # Lorentzian share
_CARBON = ("C-C / C-H", "C-O", "O-C=O")
_SILICON = ("Si 2p3/2", "Si 2p1/2", "SiO2")
_ACQUISITION: dict[str, Any] = {
    "photon_energy": 1486.6,
    "pass_energy": 20.0,
    "dwell_time": 0.1,
    "n_scans": 10,
    "instrument": "simulated",
}


def sample(name: str = "spectrum") -> xr.DataArray:
    """Simulated spectra with counting noise, the same at every call.

    Parameters
    ----------
    name : "spectrum", "line_scan" or "map"
        One C 1s spectrum with three states; 60 Si 2p spectra across the edge of an oxide; a
        64 x 64 map of C 1s with three islands of an ester in a hydrocarbon, whose surface
        charges by 0.1 eV from left to right.

    Returns
    -------
    DataArray, shape (energy,), (position, energy) or (y, x, energy)
        Counts over binding energy [eV]; positions in um.

    Raises
    ------
    ValueError
        For any other name.

    See Also
    --------
    sample_truth : the peaks of a sample.

    Examples
    --------
    >>> import xpsnet
    >>> spectrum = xpsnet.sample("spectrum")
    >>> spectrum.name, spectrum.sizes["energy"], spectrum.attrs["scale"]
    ('C 1s', 281, 'binding')
    >>> xpsnet.sample("map").dims
    ('y', 'x', 'energy')
    """
    check(locals(), name=choice(*SAMPLES))
    truth = sample_truth(name)
    seed = list(SAMPLES).index(name)
    expected = curves(truth)["envelope"]
    counts = np.random.default_rng([7, seed]).poisson(expected.values)
    return make_spectrum(
        counts.astype(np.float64),
        truth["energy"].values,
        dims=tuple(str(dim) for dim in expected.dims),
        coords={str(k): c for k, c in truth.coords.items() if k in expected.dims and k != "energy"},
        scale="binding",
        name=str(truth.attrs["region"]),
        sample=name,
        **_ACQUISITION,
    )


def sample_truth(name: str = "spectrum") -> xr.Dataset:
    """Peaks from which a sample was simulated.

    Parameters
    ----------
    name : "spectrum", "line_scan" or "map"

    Returns
    -------
    Dataset
        In the form of `xpsnet.fit`, with a `label` for each peak; NaN where a state is absent.

    Raises
    ------
    ValueError
        For any other name.

    Examples
    --------
    >>> from xpsnet.samples import sample_truth
    >>> truth = sample_truth("spectrum")
    >>> truth["center"].values.tolist()
    [284.8, 286.45, 288.9]
    """
    check(locals(), name=choice(*SAMPLES))
    if name not in SAMPLES:
        raise ValueError(f"expected a sample of {list(SAMPLES)}, got {name!r}")
    return SAMPLES[name]()


def _spectrum() -> xr.Dataset:
    """One C 1s spectrum of an oxidized polymer."""
    return _truth(
        np.linspace(280.0, 294.0, 281),
        {},
        "C 1s",
        _CARBON,
        [[284.80, 286.45, 288.90], [1.15, 1.25, 1.20], [9000.0, 3200.0, 1900.0]],
        850.0,
    )


def _line_scan() -> xr.Dataset:
    """Si 2p from bare silicon into an oxide that grows thicker."""
    position = 5.0 * np.arange(60, dtype=np.float64)
    oxide = 1 / (1 + np.exp(-(position - 150.0) / 25.0))
    silicon = 2600.0 * np.exp(-3.0 * oxide)
    height = np.stack([silicon, silicon / 2, 1900.0 * oxide], axis=-1)
    center = np.array([99.30, 99.90, 103.30]) + np.stack([0 * oxide, 0 * oxide, 0.3 * oxide], -1)
    return _truth(
        np.linspace(95.0, 109.0, 141),
        {"position": position},
        "Si 2p",
        _SILICON,
        [center, [0.55, 0.55, 1.50], np.where(height > 60.0, height, np.nan)],
        250.0 + 50.0 * oxide,
    )


def _map() -> xr.Dataset:
    """C 1s over islands of an ester."""
    along = 5.0 * np.arange(64, dtype=np.float64)
    y, x = np.meshgrid(along, along, indexing="ij")
    islands = [(95.0, 90.0, 55.0), (210.0, 215.0, 75.0), (250.0, 60.0, 30.0)]
    ester = np.max([_disc(y, x, *island) for island in islands], axis=0)
    thickness = 1.0 + 0.15 * np.cos(2 * np.pi * y / 320.0)
    height = thickness[..., None] * np.stack([1500 - 650 * ester, 600 * ester, 480 * ester], -1)
    charging = 0.1 * x / x.max()
    return _truth(
        np.linspace(281.0, 292.0, 111),
        {"y": along, "x": along},
        "C 1s",
        _CARBON,
        [
            np.array([284.80, 286.50, 288.90]) + charging[..., None],
            [1.15, 1.25, 1.20],
            np.where(ester[..., None] > [-1.0, 0.1, 0.1], height, np.nan),
        ],
        120.0 * thickness,
    )


def _disc(y: Floats, x: Floats, y0: float, x0: float, radius: float) -> Floats:
    """Coverage, 0 to 1, by an island [um] with an edge one pixel wide."""
    return np.asarray(1 / (1 + np.exp((np.hypot(y - y0, x - x0) - radius) / 4.0)))


def _truth(
    energy: Floats,
    positions: Mapping[str, npt.NDArray[Any]],
    region: str,
    label: tuple[str, ...],
    lines: Sequence[npt.ArrayLike],
    constant: npt.ArrayLike,
) -> xr.Dataset:
    """Peaks of a sample from centers, widths and heights; a peak without height is absent."""
    center, fwhm, height = np.broadcast_arrays(*map(np.asarray, lines))
    coords = {k: (k, v, {"units": "um", "long_name": k.capitalize()}) for k, v in positions.items()}
    return make_peaks(
        energy,
        tuple(positions),
        coords,
        scale="binding",
        line_shape="pseudo_voigt",
        background="shirley",
        parameters={
            "center": np.where(np.isnan(height), np.nan, center),
            "fwhm": fwhm,
            "height": height,
            "fraction": np.full(height.shape, _FRACTION),
        },
        background_parameters={
            "constant": constant,
            "shirley": np.full(np.shape(constant), _SHIRLEY),
        },
        status=Status.OK,
        label=label,
        attrs={"units": "counts", "region": region, "photon_energy": 1486.6, "model": "truth"},
    )


SAMPLES: dict[str, Callable[[], xr.Dataset]] = {
    "spectrum": _spectrum,
    "line_scan": _line_scan,
    "map": _map,
}
"""Name and truth of every sample."""
