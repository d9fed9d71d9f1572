"""Variables over the dimensions of spectra as rows, one a spectrum."""

import numpy as np
import numpy.typing as npt
import xarray as xr

Floats = npt.NDArray[np.float64]


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
    ordered_values = bare.transpose(*lead, *last).values.astype(np.float64)
    n_spectra = int(np.prod(list(lead.values())))  # -1 is unknown where there are 0 peaks
    return ordered_values.reshape(n_spectra, *(values.sizes[d] for d in last))
