"""What the peaks leave of the spectra, in units of the noise."""

import numpy as np
import xarray as xr

from xpsnet.data.peaks import curves, keep_own_names
from xpsnet.data.status import with_texts
from xpsnet.numerics.noise import NoiseModel, noise_profile, smooth_level

__all__ = ["point_variance", "residual"]


def residual(
    spectra: xr.DataArray, peaks: xr.Dataset, *, sigma: xr.DataArray | None = None
) -> xr.Dataset:
    """Difference between spectra and the curves of their peaks.

    Parameters
    ----------
    spectra : DataArray
        Spectra in memory, on the energy scale of the peaks.
    peaks : Dataset
        From `predict`, `refine` or `fit`, or changed by hand.
    sigma : DataArray, optional
        Standard deviation of the points, from an earlier call with these spectra: faster while
        peaks are moved. By default that of the noise which the fit used, else an estimate.

    Returns
    -------
    Dataset
        On the fitted axis: `residual` (..., energy), spectrum minus envelope [units of the
        spectra]; `sigma` (..., energy), standard deviation of the points [same units];
        `chi_square` (...), the mean of (residual / sigma) squared over the points. It is near 1
        where the peaks describe the spectrum; reduced chi-square is this times n / (n - number of
        fitted parameters).

    Raises
    ------
    ValueError
        Where `peaks` is not a peaks Dataset.

    Examples
    --------
    >>> import xpsnet
    >>> spectrum = xpsnet.sample("spectrum")
    >>> peaks = xpsnet.fit(spectrum)
    >>> left = xpsnet.residual(spectrum, peaks)
    >>> 0.8 < float(left.chi_square) < 1.2
    True
    """
    spectra = keep_own_names(spectra)
    envelope = curves(peaks)["envelope"]
    measured = spectra.reindex(energy=envelope["energy"], method="nearest").astype(np.float64)
    deviation = point_variance(measured, peaks) ** 0.5 if sigma is None else sigma
    left = measured - envelope
    squares = (left / deviation.where(deviation > 0)) ** 2
    drawing = xr.Dataset(
        {"residual": left, "sigma": deviation, "chi_square": squares.mean("energy")}
    )
    drawing.attrs = {k: peaks.attrs[k] for k in ("units", "scale", "region") if k in peaks.attrs}
    return with_texts(drawing)


def point_variance(spectra: xr.DataArray, peaks: xr.Dataset) -> xr.DataArray:
    """Variance of the points of spectra, scaled to the noise that the fit of their peaks used."""
    if (known := NoiseModel.of_attributes(peaks.attrs)) is not None:
        rows = smooth_level(spectra.values).reshape(-1, spectra.sizes["energy"])
        deviation = known.deviation(rows).reshape(spectra.shape)
    else:
        deviation = noise_profile(spectra.values)
    variance = spectra.copy(data=deviation**2)
    if "noise" in peaks:
        scale = peaks["noise"] ** 2 / variance.mean("energy")
        variance = variance * scale.where(np.isfinite(scale) & (scale > 0), 1.0)
    return variance
