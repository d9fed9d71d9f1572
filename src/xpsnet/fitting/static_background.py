"""Backgrounds drawn from the measured curve before the fit, and held in it."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import check, choice, count
from xpsnet.data.spectrum import check_spectra
from xpsnet.data.spectrum_arrays import SpectrumArrays, orientation_of
from xpsnet.numerics.backgrounds import linear, shirley, tougaard_u2

Floats = npt.NDArray[np.float64]

_DRAWN: dict[str, Callable[..., Floats]] = {
    "linear": linear,
    "shirley": shirley,
    "tougaard": tougaard_u2,
}


def static_background(
    spectra: xr.DataArray, kind: str = "shirley", *, n_end: int = 5, dim: str | None = None
) -> xr.DataArray:
    """Background drawn between the two ends of each spectrum.

    Both ends are assumed to hold only background. A background that is fitted together with the
    peaks (the backgrounds of `refine`) does not need this assumption, and its uncertainty is part
    of the errors. Use this one to compare with fits that were made this way.

    Parameters
    ----------
    spectra : DataArray
        Spectra of any shape over energy [eV]; crop them to the window first. Dask arrays stay lazy.
    kind : {"linear", "shirley", "tougaard"}
        Straight line; Shirley's background; Tougaard's of the universal cross section, scaled to
        meet the end of higher binding energy.
    n_end : int
        Points averaged at each end.
    dim : str, optional
        The energy dimension, if its name and units do not show that it is one.

    Returns
    -------
    DataArray
        Like `spectra`, in their units; NaN where there is no such background.

    Raises
    ------
    ValueError
        Where `kind` is unknown.

    Examples
    --------
    >>> import xpsnet
    >>> spectrum = xpsnet.sample("spectrum")
    >>> background = xpsnet.static_background(spectrum, "shirley")
    >>> peaks = xpsnet.refine(spectrum, xpsnet.predict(spectrum), background=background)
    >>> peaks.attrs["background_choice"]
    'static shirley'
    """
    check(locals(), kind=choice(*_DRAWN), n_end=count(least=1, most=1 << 31))
    spectra = check_spectra(spectra, dim=dim)
    orientation = orientation_of(spectra)
    energy = orientation.points(orientation.energies(spectra["energy"].values))

    def draw(counts: Floats) -> Floats:
        rows = np.where(np.isfinite(counts), counts, np.nan).astype(np.float64)
        return orientation.points(_DRAWN[kind](orientation.points(rows), energy, n_end=n_end))

    background: xr.DataArray = xr.apply_ufunc(
        draw,
        spectra if spectra.chunks is None else spectra.chunk({"energy": -1}),
        input_core_dims=[["energy"]],
        output_core_dims=[["energy"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        keep_attrs=True,
    )
    background = background.assign_coords(energy=spectra["energy"])
    background.attrs["background"] = f"static {kind}"
    return background


def is_held(background: str | xr.DataArray) -> bool:
    """Whether a background is drawn beforehand and held, instead of fitted.

    Raises
    ------
    ValueError
        Where a text names a static background that does not exist.
    """
    if not isinstance(background, str):
        return True
    first, _, kind = background.partition(" ")
    if first == "static" and kind not in _DRAWN:
        known = [f"static {name}" for name in _DRAWN]
        raise ValueError(f"expected a static background from {known}, got {background!r}")
    return first == "static"


def fitted_name(background: str | xr.DataArray) -> str:
    """Name of the background that the fit begins with: "none" for one held or yet to be chosen."""
    return "none" if is_held(background) or background == "auto" else str(background)


def held_name(background: str | xr.DataArray) -> str:
    """What is said of a held background in the attribute `background_choice`."""
    if isinstance(background, str):
        return background
    return str(background.attrs.get("background", "given"))


def held_rows(arrays: SpectrumArrays, background: str | xr.DataArray) -> Floats | None:
    """The background that is held, one row for each spectrum; None where it is to be fitted.

    Parameters
    ----------
    arrays : SpectrumArrays
        The fitted window.
    background : str or DataArray
        "static linear", ... or a curve; it may lack dimensions of the spectra and cover more
        energies.

    Returns
    -------
    ndarray, shape (S, n)
        In the units of the counts and the order of `arrays.energy`.

    Raises
    ------
    ValueError
        Where a curve does not belong to these spectra.
    """
    if not is_held(background):
        return None
    if isinstance(background, str):
        held = static_background(arrays.spectra, background.partition(" ")[2])
    else:
        held = _given_background(arrays.spectra, background)
    return arrays.orientation.points(held.values.reshape(arrays.counts.shape))


def _given_background(spectra: xr.DataArray, background: xr.DataArray) -> xr.DataArray:
    """A curve of the user over the dimensions and energies of the spectra."""
    try:
        if "energy" in background.coords:
            background = background.reindex(
                energy=spectra["energy"], method="nearest", tolerance=1e-6
            )
        curve = xr.broadcast(background.drop_vars(set(background.coords) - {"energy"}), spectra)[0]
        curve = curve.transpose(*spectra.dims)
    except ValueError:
        curve = background
    if curve.shape != spectra.shape or not np.isfinite(background.values).any():
        raise ValueError(
            f"expected a background over the dimensions and energies of the spectra "
            f"{dict(spectra.sizes)}, got {dict(background.sizes)}; see xpsnet.static_background"
        )
    return curve
