"""Mean spectrum of some pixels."""

import numpy as np
import xarray as xr

from xpsnet.arguments import array, check, optional, text
from xpsnet.data.spectrum import check_spectra


def mean_spectrum(
    spectra: xr.DataArray, where: xr.DataArray | None = None, *, dim: str | None = None
) -> xr.DataArray:
    """Mean of many spectra, or of those that a mask chooses.

    Parameters
    ----------
    spectra : DataArray
        Energy and any other dimensions.
    where : DataArray of bool, optional
        True for the spectra that count, over the other dimensions of `spectra`; by default all.
    dim : str, optional
        The energy dimension, if its name and units do not show that it is one.

    Returns
    -------
    DataArray, shape (n,)
        In the units of `spectra`, whose attributes it keeps; `n_spectra` in the attributes is the
        number of spectra. A missing point (NaN) of one spectrum is left out of the mean.

    Raises
    ------
    ValueError
        Where `where` has other dimensions or sizes, or chooses no spectrum.

    Notes
    -----
    The noise of a mean of N spectra is smaller by the root of N. `fit` and `refine` estimate it
    from the points, not from the counts.

    Examples
    --------
    >>> import xpsnet
    >>> spectra = xpsnet.sample("map")
    >>> island = spectra.xps.mean_spectrum(spectra.sum("energy") > 40_000)
    >>> island.dims
    ('energy',)
    """
    check(locals(), spectra=array, where=optional(array), dim=optional(text("energy")))
    checked = check_spectra(spectra, dim=dim)
    dims = [d for d in checked.dims if d != "energy"]
    chosen = xr.ones_like(checked.isel(energy=0, drop=True), dtype=bool) if where is None else where
    if set(chosen.dims) != set(dims) or any(chosen.sizes[d] != checked.sizes[d] for d in dims):
        raise ValueError(
            f"expected a mask over { ({str(d): checked.sizes[d] for d in dims}) }, "
            f"got { ({str(d): n for d, n in chosen.sizes.items()}) }"
        )
    chosen = chosen.transpose(*dims).astype(bool)
    number = int(chosen.sum())
    if number == 0:
        raise ValueError("expected a mask that is True for at least one spectrum, got none")
    # By position: a mask from a picture has no coordinates.
    mask = xr.DataArray(np.asarray(chosen.values), dims=dims)
    mean = checked.where(mask).mean(dims, skipna=True)
    mean.attrs = {**checked.attrs, "n_spectra": number}
    return mean.rename(checked.name)
