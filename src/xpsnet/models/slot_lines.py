"""The lines that the output slots of the `default` network stand for."""

from typing import Any

import numpy as np

# Limits of the logarithms of FWHM and height, in network units.
LOG_FWHM = (-5.5, 0.2)
LOG_HEIGHT = (-6.0, 1.5)


def as_lines(ops: Any, peaks: Any) -> tuple[Any, Any, Any, Any]:
    """Center, FWHM, height and Lorentzian fraction of slots within limits, each (slots, 1).

    `ops` is the array namespace, ``numpy`` or ``keras.ops``.
    """
    fwhm = ops.exp(ops.clip(peaks[:, :, 1:2], *LOG_FWHM))
    height = ops.exp(ops.clip(peaks[:, :, 2:3], *LOG_HEIGHT))
    return peaks[:, :, :1], fwhm, height, ops.clip(peaks[:, :, 3:4], 0.0, 1.0)


def bell(ops: Any, z2: Any, fraction: Any) -> Any:
    """Pseudo-Voigt of FWHM 1 and height 1; `z2` is the square of the distance from its center."""
    return (1 - fraction) * ops.exp(-4 * float(np.log(2)) * z2) + fraction / (1 + 4 * z2)
