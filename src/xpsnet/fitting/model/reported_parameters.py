"""From the flat array of a solver to the parameters that are reported, with their errors.

Reported are the physical parameters under the names of a layout without links: "center_2" is there
whether it was fitted or follows "center_1".
"""

import numpy as np
import numpy.typing as npt

from xpsnet.fitting.model.parameter_map import Floats, Layout


def physical_values(layout: Layout, plain: Layout, values: Floats) -> Floats:
    """Parameters under the names of a layout without links.

    Parameters
    ----------
    layout : Layout
        Of the fit.
    plain : Layout
        Of the same peaks and background, without links.
    values : ndarray, shape (..., n_parameters)
        As the solver left them.

    Returns
    -------
    ndarray, shape (..., n_plain)
    """
    out = np.empty((*values.shape[:-1], len(plain.names)))
    out[..., plain.peak_index] = layout.shapes(values)
    out[..., plain.background_index] = values[..., layout.background_index]
    return out


def physical_covariance(
    layout: Layout,
    plain: Layout,
    values: Floats,
    covariance: Floats,
    free: npt.NDArray[np.bool_],
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Covariance of the parameters of `physical_values`, to first order.

    Parameters
    ----------
    layout, plain : Layout
        As for `physical_values`.
    values : ndarray, shape (..., n_parameters)
        As the solver left them.
    covariance : ndarray, shape (..., n_parameters, n_parameters)
        0 for entries that were held, NaN for those that are not determined.
    free : ndarray of bool, shape (..., n_parameters)
        Entries that were fitted.

    Returns
    -------
    covariance : ndarray, shape (..., n_plain, n_plain)
        NaN where a parameter depends on an entry that is not determined.
    free : ndarray of bool, shape (..., n_plain)
        Parameters that depend on a fitted entry.
    """
    if layout.names == plain.names:
        return covariance, free
    slopes = np.zeros((*values.shape[:-1], len(plain.names), len(layout.names)))
    slopes[..., plain.peak_index, :] = layout.transform(values)
    slopes[..., plain.background_index, layout.background_index] = 1.0
    depends = (slopes != 0).astype(np.float64)
    unknown = np.isnan(np.diagonal(covariance, axis1=-2, axis2=-1))
    out = slopes @ np.nan_to_num(covariance) @ np.swapaxes(slopes, -1, -2)
    lost = (depends @ unknown[..., None])[..., 0] > 0
    out[lost[..., :, None] | lost[..., None, :]] = np.nan
    return out, (depends @ free[..., None])[..., 0] > 0
