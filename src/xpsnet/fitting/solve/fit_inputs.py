"""Labelled spectra and starts as rows of arrays, checked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.spectrum import check_spectra, crop, scale_sign
from xpsnet.fitting.model.doublets import Doublet, doublet_links, pair_doublets
from xpsnet.fitting.model.links import Link
from xpsnet.fitting.model.parameters import (
    Constraint,
    Floats,
    check_constraints,
    make_layout,
    start_parameters,
)
from xpsnet.fitting.solve.single_spectrum import Setup
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.noise import noise_profile

Noise = float | npt.NDArray[np.floating[Any]] | xr.DataArray | None

_SHAPE_PARAMETERS = {name for shape in LINE_SHAPES.values() for name in shape.parameters}


@dataclass(frozen=True)
class Rows:
    """Spectra and starts, one row per spectrum.

    Attributes
    ----------
    counts, noise : ndarray, shape (spectra, n)
        Counts (NaN: missing) and standard deviation of every point.
    starts : dict of str to ndarray, shape (spectra, peak)
        Peaks in ascending order of their energy on the stored scale, or as labeled or linked;
        centers on the scale of the numerics.
    status : ndarray of int, shape (spectra,)
        What the starts came with.
    """

    counts: Floats
    noise: Floats
    starts: dict[str, Floats]
    status: npt.NDArray[np.int64]


def fitted_window(
    spectra: xr.DataArray, peaks: xr.Dataset, energy_range: tuple[float, float] | None
) -> xr.DataArray:
    """Spectra over the fitted range, after a check of both.

    Raises
    ------
    ValueError
        Where spectra and peaks do not belong together.
    """
    spectra = check_spectra(spectra)
    if "peak" not in peaks.dims or "center" not in peaks:
        raise ValueError(
            f"expected a peaks Dataset with `center` over the dimension `peak`, got dimensions "
            f"{tuple(peaks.dims)}; see xpsnet.predict"
        )
    if "count" in peaks["center"].dims:
        raise ValueError(
            "expected peaks of one count, got the dimension `count`; select one first, for "
            "instance peaks.sel(count=2)"
        )
    scale = peaks.attrs.get("scale", spectra.attrs["scale"])
    if scale != spectra.attrs["scale"]:
        raise ValueError(
            f"expected spectra and peaks on one energy scale, got {spectra.attrs['scale']!r} and "
            f"{scale!r}; convert the spectra with to_binding or to_kinetic first"
        )
    if energy_range is None and "energy_range" in peaks.attrs:
        low, high = (float(end) for end in peaks.attrs["energy_range"])
        energy_range = (low, high)
    return spectra if energy_range is None else crop(spectra, energy_range)


def make_setup(
    spectra: xr.DataArray,
    n_peaks: int,
    *,
    line_shape: str,
    background: str,
    shared: tuple[str, ...],
    constraints: Mapping[str, Constraint] | None,
    scale_errors: bool,
    links: Iterable[Link] = (),
) -> Setup:
    """Check what all spectra have in common, and bring it on the scale of the numerics.

    Parameters
    ----------
    spectra : DataArray
        From `fitted_window`.
    n_peaks : int
        Largest number of peaks.
    line_shape, background, shared, constraints, scale_errors
        As for `refine`.
    links : iterable of Link
        Of doublets, on the scale of the spectra.

    Raises
    ------
    ValueError
        Where a name is unknown or a constraint cannot be obeyed.
    """
    make_layout(line_shape, background, 0, shared)
    sign = scale_sign(spectra.attrs["scale"])
    checked = check_constraints(constraints, line_shape, n_peaks, links).on_scale(sign)
    energy = sign * spectra["energy"].values
    setup = Setup(line_shape, background, energy, tuple(shared), checked, scale_errors)
    if checked.links:  # what no spectrum could obey is refused before the first one
        layout = setup.layout(range(n_peaks))
        anywhere = {name: np.full(n_peaks, np.nan) for name in ("center", "height")}
        start_parameters(layout, line_shape, energy, anywhere, checked)
    return setup


def make_rows(spectra: xr.DataArray, peaks: xr.Dataset, noise: Floats | None) -> Rows:
    """Bring everything into rows.

    Parameters
    ----------
    spectra : DataArray
        From `fitted_window`.
    peaks : Dataset
        Over the other dimensions of `spectra`, or some of them.
    noise : ndarray, shape (spectra, n), or None
        From `noise_like`; None to estimate it.

    Raises
    ------
    ValueError
        Where shapes do not fit, or a given noise is not positive.
    """
    counts = np.array(spectra.values, dtype=np.float64).reshape(-1, spectra.sizes["energy"])
    counts[~np.isfinite(counts)] = np.nan
    if noise is None:
        noise = np.asarray(noise_profile(counts), dtype=np.float64)
    return Rows(counts, noise, *make_starts(spectra, peaks))


def make_starts(
    spectra: xr.DataArray, peaks: xr.Dataset
) -> tuple[dict[str, Floats], npt.NDArray[np.int64]]:
    """The `starts` and `status` of `Rows`.

    Parameters
    ----------
    spectra : DataArray
        From `fitted_window`.
    peaks : Dataset
        Over the other dimensions of `spectra`, or some of them.

    Raises
    ------
    ValueError
        Where shapes do not fit.
    """
    starts = {
        str(name): per_spectrum(peaks[name], spectra, "peak")
        for name in peaks.data_vars
        if name in _SHAPE_PARAMETERS
    }
    absent = np.full_like(starts["center"], np.nan)
    starts = {"fwhm": absent, "height": absent, **starts}
    # Peaks with labels or links keep their places.
    if "label" not in peaks and "links" not in peaks.attrs:
        order = np.argsort(starts["center"], axis=-1, kind="stable")
        starts = {name: np.take_along_axis(values, order, -1) for name, values in starts.items()}
    starts["center"] = scale_sign(spectra.attrs["scale"]) * starts["center"]
    if "status" in peaks:
        return starts, per_spectrum(peaks["status"], spectra).astype(np.int64)
    return starts, np.zeros(len(starts["center"]), dtype=np.int64)


def find_doublets(
    doublets: Sequence[Doublet | str], spectra: xr.DataArray, peaks: xr.Dataset, line_shape: str
) -> tuple[list[Doublet], list[Link]]:
    """Doublets with their peaks, found from the starts where not given, and their links.

    Parameters
    ----------
    doublets : sequence of Doublet or str
        As for `refine`.
    spectra : DataArray
        From `fitted_window`.
    peaks : Dataset
        The starts; their medians over all spectra count.
    line_shape : str
        Key of `LINE_SHAPES`.

    Raises
    ------
    ValueError
        Where no two peaks are the doublet.
    """
    if not doublets:
        return [], []
    scale = str(spectra.attrs["scale"])
    starts, _ = make_starts(spectra, peaks)
    center = _median(scale_sign(scale) * starts["center"])
    area = _median(starts["height"] * starts["fwhm"])
    found = pair_doublets(doublets, scale, center, area)
    if len(found) < len(doublets):
        regions = {one if isinstance(one, str) else one.region for one in doublets}
        lost = sorted(regions - {one.region for one in found})
        raise ValueError(
            f"expected two peaks with the distance and the areas of {', '.join(lost)}, got "
            f"centers {np.round(center, 2).tolist()}; say which by doublet(..., peaks=(1, 2))"
        )
    return found, doublet_links(found, line_shape, scale, center)


def _median(values: Floats) -> Floats:
    """Median over the spectra of finite values, shape (peak,); NaN where there is none."""
    columns = (column[np.isfinite(column)] for column in values.T)
    return np.array([np.median(one) if one.size else np.nan for one in columns])


def noise_like(noise: Noise, spectra: xr.DataArray, cropped: xr.DataArray) -> Floats | None:
    """Give every point of the cropped spectra its standard deviation, shape (spectra, n).

    Raises
    ------
    ValueError
        Where the shape does not fit, or a finite point has no positive noise.
    """
    if noise is None:
        return None
    spectra = check_spectra(spectra)
    if not isinstance(noise, xr.DataArray):
        try:
            full = np.broadcast_to(np.asarray(noise, dtype=np.float64), spectra.shape)
        except ValueError:
            raise ValueError(
                f"expected noise as one number or broadcasting to the shape of the spectra "
                f"{spectra.shape}, got shape {np.shape(noise)}"
            ) from None
        noise = xr.DataArray(full, dims=spectra.dims, coords={"energy": spectra["energy"]})
    if "energy" in noise.dims:
        if "energy" not in noise.coords:
            noise = noise.assign_coords(energy=spectra["energy"])
        noise = noise.sel(energy=cropped["energy"])
        rows = per_spectrum(noise, cropped, "energy")
    else:
        rows = per_spectrum(noise, cropped)[:, None]
    counts = np.asarray(cropped.values).reshape(-1, cropped.sizes["energy"])
    rows = np.broadcast_to(rows, counts.shape)
    if not (rows[np.isfinite(counts)] > 0).all():
        raise ValueError(
            "expected noise > 0 at every measured point, got 0, less or NaN; mask such points by "
            "setting their counts to NaN"
        )
    return rows


def per_spectrum(values: xr.DataArray, spectra: xr.DataArray, *last: str) -> Floats:
    """One row per spectrum of a variable that may lack some of the spectra's dimensions.

    Parameters
    ----------
    values : DataArray
        Over dimensions of `spectra` and `last`.
    spectra : DataArray
        With `energy` last.
    *last : str
        Dimensions that every row keeps.

    Raises
    ------
    ValueError
        Where a size differs from that of the spectra.
    """
    lead = {d: spectra.sizes[d] for d in spectra.dims if d != "energy"}
    own = {d: values.sizes[d] for d in values.dims if d not in last}
    if any(lead.get(d) != size for d, size in own.items()):
        raise ValueError(
            f"expected values over the dimensions of the spectra {lead}, got {own}; select or "
            f"crop both alike"
        )
    bare = values.drop_vars(list(values.coords))
    bare = bare.expand_dims({d: size for d, size in lead.items() if d not in own})
    ordered = bare.transpose(*lead, *last).values.astype(np.float64)
    return ordered.reshape(-1, *(values.sizes[d] for d in last))
