"""The static Shirley background, by finding the root of its one unknown.

The classical iteration ``B = L + (H - L) * integral(y - B) / total(y - B)`` (D. A. Shirley 1972)
ends, where it does, at the solution of ``dB/dE = k (y - B)``, ``B = L`` at the low-binding end, for
the k for which B = H at the other end. That k is one number, found here inside a bracket, which
also works for wide windows and high steps, where the iteration oscillates or diverges.
"""

import numpy as np
import numpy.typing as npt

from xpsnet.numerics.kernels.array_types import Floats1, Floats2
from xpsnet.numerics.kernels.compile import compiled, exported

Floats = npt.NDArray[np.float64]

# Beyond this many e-folds over the window the "background" would follow the signal itself.
_MAX_FOLDS = 100.0


@compiled
def _march(counts: Floats, steps: Floats, low: float, k: float, out: Floats) -> float:
    """Solve for B by the trapezoid rule, point after point; NaN where k is beyond the rule."""
    out[0] = low
    for i in range(len(steps)):
        half = 0.5 * k * steps[i]
        if half <= -0.9:
            return np.nan
        gained = half * (counts[i] + counts[i + 1])
        out[i + 1] = (out[i] * (1.0 - half) + gained) / (1.0 + half)
    return float(out[-1])


@exported
def shirley_rows(
    steps: Floats1, counts: Floats2, low: Floats1, high: Floats1, out: Floats2
) -> None:
    """Backgrounds of rows (m, n) in steps (n - 1,) up between levels (m,); NaN where none."""
    window = 0.0
    for width in steps:
        window += width
    for i in range(counts.shape[0]):
        step = high[i] - low[i]
        sign = 1.0 if step > 0.0 else -1.0
        below, above = 0.0, 0.0
        short, excess = -abs(step), np.nan
        k = 0.1 / window
        while k * window < _MAX_FOLDS:
            excess = sign * (_march(counts[i], steps, low[i], sign * k, out[i]) - high[i])
            if not excess < 0.0:
                above = k
                break
            below, short = k, excess
            k *= 1.3
        if step == 0.0:
            for j in range(out.shape[1]):
                out[i, j] = low[i]
        elif above == 0.0 or np.isnan(excess):
            for j in range(out.shape[1]):
                out[i, j] = np.nan
        else:
            _close_in(counts[i], steps, (below, short, above, excess), (low[i], high[i]), out[i])


@compiled
def _close_in(
    counts: Floats,
    steps: Floats,
    bracket: tuple[float, float, float, float],
    ends: tuple[float, float],
    out: Floats,
) -> None:
    """Root of the excess at the high-binding end by false position (Illinois)."""
    below, short, above, excess = bracket
    low, high = ends
    sign = 1.0 if high > low else -1.0
    side = 0
    for _ in range(100):
        k = (below * excess - above * short) / (excess - short)
        now = sign * (_march(counts, steps, low, sign * k, out) - high)
        if abs(now) <= 1e-12 * abs(high - low) or not below < k < above:
            return
        if now < 0.0:
            below, short = k, now
            excess = 0.5 * excess if side == -1 else excess
            side = -1
        else:
            above, excess = k, now
            short = 0.5 * short if side == 1 else short
            side = 1
