"""Backgrounds drawn from the measured curve before any fit: the classical way."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.peak_arrays import CURVE
from xpsnet.data.spectrum import check_spectra, scale_sign
from xpsnet.fitting.solve.fit_inputs import Rows
from xpsnet.numerics.backgrounds import linear, shirley, tougaard_u2

Floats = npt.NDArray[np.float64]

_DRAWN: dict[str, Callable[..., Floats]] = {
    "linear": linear,
    "shirley": shirley,
    "tougaard": tougaard_u2,
}


def static_background(
    spectra: xr.DataArray, kind: str = "shirley", *, n_end: int = 5
) -> xr.DataArray:
    """Background drawn between the two ends of each spectrum.

    It takes both ends for background. One that is fitted together with the peaks (the backgrounds
    of `refine`) needs no such ends, and its uncertainty is part of the errors; take this one to
    compare with fits that were made like that.

    Parameters
    ----------
    spectra : DataArray
        Spectra of any shape over energy [eV]; crop them to the window first. Dask arrays stay lazy.
    kind : {"linear", "shirley", "tougaard"}
        Straight line; Shirley's background; Tougaard's of the universal cross section, scaled to
        meet the end of higher binding energy.
    n_end : int
        Points averaged at each end.

    Returns
    -------
    DataArray
        Like `spectra`, in their units; NaN where there is no such background.

    Raises
    ------
    ValueError
        Where `kind` is unknown.
    """
    spectra = check_spectra(spectra)
    if kind not in _DRAWN:
        raise ValueError(f"expected kind from {list(_DRAWN)}, got {kind!r}")
    energy = scale_sign(spectra.attrs["scale"]) * spectra["energy"].values

    def draw(counts: Floats) -> Floats:
        rows = np.where(np.isfinite(counts), counts, np.nan).astype(np.float64)
        return _DRAWN[kind](rows, energy, n_end=n_end)

    background: xr.DataArray = xr.apply_ufunc(
        draw,
        spectra,
        input_core_dims=[["energy"]],
        output_core_dims=[["energy"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        keep_attrs=True,
    )
    background = background.assign_coords(energy=spectra["energy"])
    background.attrs["background"] = f"static {kind}"
    return background


@dataclass(frozen=True)
class Fixed:
    """A background that is held in a fit.

    Attributes
    ----------
    curve : DataArray
        Over the dimensions of the fitted window.
    """

    curve: xr.DataArray

    def taken_from(self, rows: Rows) -> Rows:
        """Rows without it; their noise stays that of the counts."""
        return replace(rows, counts=rows.counts - self.curve.values.reshape(rows.counts.shape))

    def entered(self, peaks: xr.Dataset) -> xr.Dataset:
        """A result whose background is this curve."""
        dims = tuple(d for d in self.curve.dims if d != "energy")
        entered = peaks.assign(background=((*dims, "energy"), self.curve.values))
        entered["background"].attrs.update(long_name="Background", units=peaks.attrs["units"])
        entered.attrs["background"] = CURVE
        entered.attrs["background_choice"] = self.curve.attrs.get("background", "given")
        return entered


def fixed_background(spectra: xr.DataArray, background: str | xr.DataArray) -> Fixed | None:
    """The background that a caller wants held, None where it is one to be fitted.

    Parameters
    ----------
    spectra : DataArray
        The fitted window, energy last.
    background : str or DataArray
        "static linear", ... or a curve; it may lack dimensions of the spectra and cover more
        energies.

    Raises
    ------
    ValueError
        Where a curve does not belong to these spectra.
    """
    if isinstance(background, str):
        first, _, kind = background.partition(" ")
        return Fixed(static_background(spectra, kind)) if first == "static" else None
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
    return Fixed(curve)
