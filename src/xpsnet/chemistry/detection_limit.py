"""The smallest area that would have been found: detection limits after Currie.

References
----------
L. A. Currie, Limits for qualitative detection and quantitative determination, Anal. Chem. 40, 586
(1968), doi 10.1021/ac60259a007.
A. G. Shard, Detection limits in XPS for more than 6000 binary systems using Al and Mg K alpha
X-rays, Surf. Interface Anal. 46, 175 (2014), doi 10.1002/sia.5406.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

CURRIE = 3.29
"""Standard deviations of an area of zero that are detected with 95 %, at 5 % false alarms."""

_SIGMA = 1 / np.sqrt(8 * np.log(2))  # standard deviation of a Gaussian line of width 1


def empty_area_error(
    noise: npt.ArrayLike, fwhm: npt.ArrayLike, step: float, window: float, share: float = 1.0
) -> Floats:
    r"""Standard error of the area of a line that is not there.

    Parameters
    ----------
    noise : array_like
        Standard deviation of a point [counts or counts/s].
    fwhm : array_like
        Width of the line [eV].
    step, window : float
        Distance of the points, and the width of the range [eV].
    share : float
        Area of the higher line of a doublet over both; 1 for a single line.

    Returns
    -------
    ndarray
        [unit of the noise x eV]

    Notes
    -----
    Least squares of one Gaussian line g of unit area, width s (standard deviation) and known place
    on a constant background, with points at distance d in a window w and equal noise n:
    :math:`\sigma_A^2 = n^2 d / (Q - 1/w)` with :math:`Q = \int g^2 = 1 / (2 \sqrt{\pi} s)`. The
    two lines of a doublet of known ratio count as :math:`Q (b^2 + (1 - b)^2)`, b the share.
    """
    overlap = 1 / (2 * np.sqrt(np.pi) * np.asarray(fwhm, dtype=np.float64) * _SIGMA)
    overlap = overlap * (share**2 + (1 - share) ** 2)
    # A window as narrow as the line leaves nothing of it beside the background.
    information = np.maximum(overlap - 1 / window, 0.1 * overlap)
    return np.asarray(np.asarray(noise, dtype=np.float64) * np.sqrt(step / information))
