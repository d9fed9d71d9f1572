"""Prior and likelihood of a spectrum with unknown peaks, as the simulator of the training has them.

For `ceiling_sampler`. A spectrum is data d = lines + background + noise. All draws of
`simulation.core_levels` are unknown here except the axis and the covariance of the noise (with the
place of a spike): peaks that are drawn (0 to 6), centers, widths, heights, fractions, asymmetry,
background. The constant of the background is integrated out exactly, with a flat prior; the scale
of the counts is unknown on a logarithmic scale, as for whoever reads counts.

The prior density is that of the simulator with these simplifications: values that are exactly
equal there (widths of one spectrum, fractions, heights of a doublet, peaks pressed against both
ends of the window) are equal to within `SAME` here, so that every state has a density.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from xpsnet.simulation import core_levels, lines

Floats = npt.NDArray[np.float64]
State = dict[str, Any]

SLOTS = 6
# Standard deviation of what is exactly equal in the simulator: ln FWHM, fraction, ln height of the
# second line of a doublet; center of a peak that is pressed to an end of the window.
SAME = {"fwhm": 0.02, "fraction": 0.04, "ratio": 0.03, "end": 0.004}
LOWEST = 0.03
GAPS = np.exp(np.log(0.2) + np.log(30.0) * (np.arange(10) + 0.5) / 10)
KINDS = np.log([0.8, 0.05, 0.075, 0.075])  # symmetric, side band, skew, skew and metallic tail
# Probability of a term of the background: slope, bend, Shirley, Tougaard, tail of a line outside.
TERMS = np.array([0.6, 0.35, 0.7, 0.2, 0.15])
WIDEST_TERM = np.array([np.inf, np.inf, 0.5, 0.6, 1.5])
LOG_OFFSETS = float(np.log(800.0))
FACTORIAL = np.array([1.0, 1.0, 2.0, 6.0, 24.0, 120.0, 720.0])
PEAK = ("center", "width", "height", "fraction")  # width and height: logarithms


@dataclass(frozen=True)
class Data:
    """One spectrum: axis (n,), counts (n,), whitening matrix (n, n) or weights (n,), limits."""

    axis: Floats
    counts: Floats
    white: Floats
    narrowest: float
    widest: float = 0.3

    @cached_property
    def signal(self) -> float:
        """Sum of squares of what is not constant, in units of the noise."""
        rest = self.whiten(self.counts - self.counts.mean())
        return float(rest @ rest)

    @property
    def tightness(self) -> float:
        """How near to given peaks particles start, 0.1 to 1."""
        return float(np.clip(NOISY / np.sqrt(self.signal), 0.1, 1.0))

    def whiten(self, curves: Any) -> Any:
        """Curves (..., n) in units of independent noise of variance 1."""
        white = self.white.astype(np.asarray(curves).dtype, copy=False)
        return curves * white if white.ndim == 1 else curves @ white.T


def taken(s: State, rows: Any) -> State:
    """States of some rows (copies)."""
    return {name: values[rows].copy() for name, values in s.items()}


def normal(x: Any, mean: Any, deviation: Any) -> Any:
    """Log density of a normal distribution."""
    return -0.5 * ((x - mean) / deviation) ** 2 - np.log(deviation) - 0.5 * np.log(2 * np.pi)


def log_sum(values: Any) -> Any:
    """Logarithm of the sum of exponentials along the last axis."""
    top = np.maximum(values.max(axis=-1, keepdims=True), -1e300)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(values - top).sum(axis=-1)) + top[..., 0]


def log_mean(total: Any, weights: Any) -> Any:
    """Logarithm of the weighted sum of exponentials along the last axis."""
    return log_sum(total + np.log(weights))


# ---------------------------------------------------------------------------------------- prior


def log_prior(s: State, data: Data) -> Floats:
    """Log density of states (P,), without the scale and the terms of the background."""
    k = s["on"].sum(axis=1)
    order = np.argsort(np.where(s["on"], s["center"], np.inf), axis=1)
    c, y, v, f = (np.take_along_axis(s[name], order, axis=1) for name in PEAK)
    on = np.arange(SLOTS) < k[:, None]
    low, high = np.log(data.narrowest), np.log(0.8 * data.widest)
    typical = s["typical"]
    found = -np.log(high - low) + np.zeros(len(k))
    found = np.where((typical > low) & (typical < high), found, -np.inf)
    # The slots hold a set of peaks: its density is that of the peaks in ascending order, divided
    # by the number of ways to put k peaks into the slots.
    found = found + np.log(FACTORIAL[SLOTS - k]) - np.log(FACTORIAL[SLOTS])
    free = np.where(on, normal(y, typical[:, None], 0.3), 0.0).sum(axis=1)
    same = np.where(on, normal(y, typical[:, None], SAME["fwhm"]), 0.0).sum(axis=1)
    heights, tied = _log_heights(v, on, k)
    one = np.stack([free + heights, same + heights, same + tied], axis=1)
    found = found + np.where(k > 0, log_mean(one, [0.65, 0.175, 0.175]), 0.0)
    found = found + _log_fractions(f, on, s["common"])
    found = found + _log_centers(c, np.clip(np.exp(y), data.narrowest, data.widest), k, typical)
    return found


def _log_heights(v: Floats, on: Any, k: Any) -> tuple[Floats, Floats]:
    """Log density of ln heights but for the scale: of free ones, and of doublets."""
    free = _log_free_heights(v, on, k)
    first = on & (np.arange(SLOTS) % 2 == 0)
    singles = _log_free_heights(np.where(first, v, 0.0), first, first.sum(axis=1))
    second = on[:, 1::2]
    apart = v[:, 1::2] - v[:, 0::2]
    ties = [
        np.where(second, normal(apart, np.log(ratio), SAME["ratio"]), 0.0).sum(axis=1)
        for ratio in (1 / 2, 2 / 3, 3 / 4)
    ]
    return free, singles + log_mean(np.stack(ties, axis=1), [0.4, 0.3, 0.3])


def _log_free_heights(v: Floats, on: Any, k: Any) -> Floats:
    """Log density of ln heights over the highest, from both distributions of the simulator."""
    top = np.where(on, v, -np.inf).max(axis=1)
    low = np.where(on, v, np.inf).min(axis=1)
    top, low = np.where(k > 0, top, 0.0), np.where(k > 0, low, 0.0)
    span = -np.log(LOWEST)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        wide = np.log(np.maximum(span - (top - low), 0.0)) - k * np.log(span)
        least = 1 - np.exp(np.minimum(k * (np.log(0.1) + top - low), 0.0))
        even = np.log(np.maximum(least, 0.0)) - np.log(np.maximum(k, 1)) - k * np.log(0.9)
        even = even + np.where(on, v - top[:, None], 0.0).sum(axis=1)
    return np.where(k > 0, np.logaddexp(wide, even) - np.log(2), 0.0)


def _log_fractions(f: Floats, on: Any, common: Floats) -> Floats:
    """Log density of the fractions and of their common value."""
    inside = np.where(on, (f >= 0) & (f <= 1), True).all(axis=1) & (common >= 0) & (common <= 1)
    inner = np.log(ndtr((1 - common) / SAME["fraction"]) - ndtr(-common / SAME["fraction"]) + 1e-9)
    one = normal(f, common[:, None], SAME["fraction"]) - inner[:, None]
    same = np.where(on, one, 0.0).sum(axis=1)
    k = on.sum(axis=1)
    half = np.where(on, f <= 0.5, True).all(axis=1)
    free = np.where(half, np.log(0.5 + 0.5 * 2.0**k), np.log(0.5))
    base = np.log(0.5 + (common <= 0.5))
    found = log_mean(np.stack([same, free], axis=1), [0.8, 0.2]) + base
    return np.where(inside, found, -np.inf)


def _log_centers(c: Floats, width: Floats, k: Any, typical: Floats) -> Floats:
    """Log density of ascending centers, for both margins and every mean gap."""
    pair = np.arange(1, SLOTS) < k[:, None]
    least = np.where(pair, 0.45 * np.maximum(width[:, 1:], width[:, :-1]), 0.0)
    apart = np.where(pair, c[:, 1:] - c[:, :-1], 0.0)
    gap = apart - least
    first = c[:, 0]
    last = np.take_along_axis(c, np.maximum(k - 1, 0)[:, None], axis=1)[:, 0]
    tau = np.exp(typical)[:, None] * GAPS
    m = (k - 1)[:, None]
    parts, weights = [], []
    with np.errstate(divide="ignore", invalid="ignore"):
        for margin, share in ((-0.02, 0.17), (0.04, 0.83)):
            start = 1 - 2 * margin - apart.sum(axis=1)
            loose = -gap.sum(axis=1)[:, None] / tau - m * np.log(tau)
            loose = loose - np.log(np.maximum(start, 1e-12))[:, None]
            inside = (first >= margin) & (last <= 1 - margin) & (start > 0)
            parts.append(np.where(inside[:, None], loose, -np.inf))
            room = np.maximum(1 - 2 * margin - least.sum(axis=1), 1e-9)[:, None]
            tail = np.log(_above(m, room / tau) + 1e-300)
            inner = np.log(FACTORIAL[np.maximum(k - 2, 0)])[:, None] - (m - 1) * np.log(room)
            ends = normal(first, margin, SAME["end"]) + normal(last, 1 - margin, SAME["end"])
            parts.append(np.where(m > 0, tail + inner + ends[:, None], -np.inf))
            weights += [np.full(len(GAPS), share / len(GAPS))] * 2
        found = log_mean(np.concatenate(parts, axis=1), np.concatenate(weights))
    found = np.where((gap >= 0).all(axis=1), found, -np.inf)
    return np.where(k > 0, found, 0.0)


def _above(m: Any, x: Floats) -> Floats:
    """Probability that a sum of m exponential numbers of mean 1 exceeds x; m up to 5."""
    term, total = np.ones_like(x), np.ones_like(x)
    for j in range(1, SLOTS - 1):
        term = term * x / j
        total = total + np.where(m > j, term, 0.0)
    return np.exp(-x) * total


def log_prior_terms(s: State, offset: Floats) -> Floats:
    """Log density of the scale and of the terms of the background, in counts."""
    scale = scale_of(s)
    found = np.where((offset > 0.01 * scale) & (offset < 8 * scale), -np.log(LOG_OFFSETS), -np.inf)
    b = s["terms"] / scale[:, None]
    there = s["terms"] != 0
    density = np.stack(
        [normal(b[:, 0], 0, 0.25), normal(b[:, 1], 0, 0.25)]
        + [
            np.where((b[:, j] >= 0) & (b[:, j] <= WIDEST_TERM[j]), -np.log(WIDEST_TERM[j]), -np.inf)
            for j in (2, 3, 4)
        ],
        axis=1,
    )
    density = density - np.log(scale)[:, None]
    found = found + np.where(there, np.log(TERMS) + density, np.log1p(-TERMS)).sum(axis=1)
    own = np.where(s["on"].any(axis=1), normal(s["empty_scale"], np.log(scale), 1.0), 0.0)
    return found + KINDS[s["kind"]] + own


def scale_of(s: State) -> Floats:
    """Height of the highest peak; of a spectrum without peaks, its own variable."""
    top = np.where(s["on"], s["height"], -np.inf).max(axis=1)
    return np.exp(np.where(s["on"].any(axis=1), top, s["empty_scale"]))


def draw_prior(rng: np.random.Generator, n: int, data: Data, offset: float) -> State:
    """Draw n states; `offset` is the constant of the background of the spectrum [counts]."""
    recipe = core_levels.RawRecipe()

    def log_uniform(low: Any, high: Any, shape: Any) -> Any:
        return np.exp(np.log(low) + rng.random(shape) * (np.log(high) - np.log(low)))

    k = rng.integers(0, 7, n)
    on = np.arange(SLOTS) < k[:, None]
    typical = log_uniform(data.narrowest, 0.8 * data.widest, n)
    common = rng.random(n) < 0.35
    scatter = np.where(common, SAME["fwhm"], 0.3)[:, None] * rng.standard_normal((n, SLOTS))
    y = np.log(typical)[:, None] + scatter
    w = np.clip(np.exp(y), data.narrowest, data.widest)
    gap = rng.exponential(1.0, (n, SLOTS - 1)) * (typical * rng.choice(GAPS, n))[:, None]
    gap = gap * on[:, 1:]
    least = 0.45 * np.maximum(w[:, 1:], w[:, :-1]) * on[:, 1:]
    margin = np.where(rng.random(n) < 0.17, -0.02, 0.04)
    room = 1 - 2 * margin - least.sum(axis=1)
    squeeze = np.minimum(room / (gap.sum(axis=1) + 1e-9), 1.0)
    distance = least + gap * squeeze[:, None]
    start = margin + rng.random(n) * np.maximum(1 - 2 * margin - distance.sum(axis=1), 0)
    c = np.concatenate([start[:, None], start[:, None] + np.cumsum(distance, axis=1)], axis=1)
    rows, last = np.arange(n), np.maximum(k - 1, 0)
    pressed = (squeeze < 1) & (k > 1)
    c[:, 0] += pressed * SAME["end"] * rng.standard_normal(n)
    c[rows, last] += pressed * SAME["end"] * rng.standard_normal(n)
    wide = log_uniform(LOWEST, 1.0, (n, SLOTS))
    h = np.where(rng.random((n, 1)) < 0.5, wide, rng.uniform(0.1, 1, (n, SLOTS)))
    ratio = rng.choice([1 / 2, 2 / 3, 3 / 4], n, p=[0.4, 0.3, 0.3])[:, None]
    tied = (common & (rng.random(n) < 0.5))[:, None]
    second = h[:, 0::2] * ratio * np.exp(SAME["ratio"] * rng.standard_normal((n, 3)))
    h[:, 1::2] = np.where(tied, second, h[:, 1::2])
    scale = offset / log_uniform(0.01, 8.0, n)
    h = h / np.where(on, h, 0).max(axis=1, initial=1e-9)[:, None] * scale[:, None]
    shared = rng.random(n) * np.where(rng.random(n) < 0.5, 0.5, 1.0)
    free = rng.random((n, SLOTS)) * np.where(rng.random(n) < 0.5, 0.5, 1.0)[:, None]
    low, high = (ndtr((end - shared[:, None]) / SAME["fraction"]) for end in (0, 1))
    one = shared[:, None] + SAME["fraction"] * ndtri(low + (high - low) * rng.random((n, SLOTS)))
    f = np.clip(np.where(rng.random((n, 1)) < 0.8, one, free), 0, 1)
    terms = np.concatenate(
        [0.25 * rng.standard_normal((n, 2)), rng.random((n, 3)) * WIDEST_TERM[2:]], axis=1
    )
    terms = np.where(rng.random((n, 5)) < TERMS, terms, 0.0) * scale[:, None]
    return {
        "on": on,
        "center": c,
        "width": y,
        "height": np.log(h),
        "fraction": f,
        "typical": np.log(typical),
        "common": shared,
        "terms": terms,
        "place": 0.5 + rng.choice([-1, 1], n) * rng.uniform(0.6, 1.2, n),
        "empty_scale": np.log(scale) + (k > 0) * rng.standard_normal(n),
        "kind": rng.choice(4, n, p=np.exp(KINDS)),
        "shape": rng.uniform(
            [0, 0, 0.05, 0.35],
            [recipe.max_skew, recipe.max_tail, 0.3, 0.72],
            (n, 4),
        ),
    }


# ---------------------------------------------------------------------- start near given peaks

EXTRA = 0.25  # probability of a peak in a slot without a given one
KEPT = 0.8  # and in one with
# Standard deviations where the signal to noise ratio of the whole spectrum is below `NOISY`; less
# in proportion above it, but not below a tenth.
NEAR = {"center": 0.25, "width": 0.2, "height": 0.3, "fraction": 0.15}
NOISY = 150.0


def _near_blind(guide: State, data: Data) -> tuple[Floats, dict[str, Floats], dict[str, Floats]]:
    """Which slots are given, and means and standard deviations of all slots but blind centers."""
    given = guide["on"]
    scale = np.log(guide["scale"]) - 1.2
    mean, deviation = {}, {}
    for name, blind, wide in (
        ("center", 0.5, 0.4),
        ("width", float(guide["typical"]), 0.4),
        ("height", float(scale), 1.3),
        ("fraction", float(guide["common"]), 0.3),
    ):
        near = NEAR[name] * (np.exp(guide["width"]) if name == "center" else 1.0)
        near = near * data.tightness
        mean[name] = np.where(given, guide[name], blind)
        deviation[name] = np.where(given, near, wide)
    return given, mean, deviation


def draw_near(rng: np.random.Generator, s: State, guide: State, data: Data) -> State:
    """States near the given peaks and terms, with some peaks more or fewer; `s` from the prior."""
    n = len(s["kind"])
    given, mean, deviation = _near_blind(guide, data)
    on = rng.random((n, SLOTS)) < np.where(given, KEPT, EXTRA)
    found = {name: mean[name] + deviation[name] * rng.standard_normal((n, SLOTS)) for name in PEAK}
    found["center"] = np.where(given, found["center"], rng.uniform(-0.02, 1.02, (n, SLOTS)))
    own = np.where(rng.random((n, 5)) < 0.5, 0.0, _near_terms(rng, guide, n, data))
    kind = np.where(rng.random(n) < 0.5, guide["kind"], rng.choice(4, n, p=np.exp(KINDS)))
    low, high = (ndtr((end - guide["shape"]) / _near_shape()) for end in (SHAPE_LOW, SHAPE_HIGH))
    shape = guide["shape"] + _near_shape() * ndtri(low + (high - low) * rng.random((n, 4)))
    shape = np.where(rng.random((n, 1)) < 0.5, shape, s["shape"])
    typical = guide["typical"] + 0.3 * rng.standard_normal(n)
    common = guide["common"] + 0.25 * rng.standard_normal(n)
    new = {
        **s,
        **found,
        "on": on,
        "terms": own,
        "kind": kind,
        "shape": np.clip(shape, SHAPE_LOW, SHAPE_HIGH),
        "typical": typical,
        "common": common,
    }
    some = on.any(axis=1)
    empty = np.log(guide["scale"]) + 1.5 * rng.standard_normal(n)
    new["empty_scale"] = np.where(some, np.log(scale_of(new)) + rng.standard_normal(n), empty)
    return new


def _near_shape() -> Floats:
    return 0.2 * (SHAPE_HIGH - SHAPE_LOW)


def _term_spread(guide: State, data: Data) -> Floats:
    return data.tightness * guide["scale"] * np.array([0.12, 0.12, 0.15, 0.2, 0.4])


def _near_terms(rng: np.random.Generator, guide: State, n: int, data: Data) -> Floats:
    own = guide["terms"] + _term_spread(guide, data) * rng.standard_normal((n, 5))
    own[:, 2:] = np.abs(own[:, 2:])
    return own


def log_near(s: State, guide: State, data: Data) -> Floats:
    """Log density of `draw_near`, but for what it shares with the prior."""
    given, mean, deviation = _near_blind(guide, data)
    found = np.where(s["on"], np.log(np.where(given, KEPT, EXTRA)), 0.0)
    found = found + np.where(s["on"], 0.0, np.log1p(-np.where(given, KEPT, EXTRA)))
    c = s["center"]
    flat = np.where((c > -0.02) & (c < 1.02), -np.log(1.04), -np.inf)
    for name in PEAK:
        own = normal(s[name], mean[name], deviation[name])
        own = np.where(given, own, flat) if name == "center" else own
        found = found + np.where(s["on"], own, 0.0)
    found = found.sum(axis=1)
    spread = _term_spread(guide, data)
    b = s["terms"]
    density = normal(b, guide["terms"], spread)
    folded = np.logaddexp(density, normal(-b, guide["terms"], spread))
    density = np.where(np.arange(5) < 2, density, np.where(b > 0, folded, -np.inf))
    found = found + np.where(b == 0, np.log(0.5), np.log(0.5) + density).sum(axis=1)
    with np.errstate(divide="ignore"):
        found = found + np.log(0.5 * (s["kind"] == guide["kind"]) + 0.5 * np.exp(KINDS[s["kind"]]))
    low, high = (ndtr((end - guide["shape"]) / _near_shape()) for end in (SHAPE_LOW, SHAPE_HIGH))
    near = (normal(s["shape"], guide["shape"], _near_shape()) - np.log(high - low)).sum(axis=1)
    box = -np.log(SHAPE_HIGH - SHAPE_LOW).sum()
    found = found + np.logaddexp(near, box) - np.log(2) - box
    found = found + normal(s["typical"], guide["typical"], 0.3)
    found = found + normal(s["common"], guide["common"], 0.25)
    some = s["on"].any(axis=1)
    scale = np.log(scale_of(s))
    return found + np.where(
        some,
        normal(s["empty_scale"], scale, 1.0),
        normal(s["empty_scale"], np.log(guide["scale"]), 1.5),
    )


SHAPE_LOW = np.array([0.0, 0.0, 0.05, 0.35])
SHAPE_HIGH = np.array([0.45, 0.5, 0.3, 0.72])


# ----------------------------------------------------------------------------------- likelihood


def line_curves(s: State, slot: Any, data: Data) -> Any:
    """Lines of height 1 in the given slots (P,), float32 (P, n)."""
    rows = np.arange(len(s["kind"]))
    c = s["center"][rows, slot]
    w = np.clip(np.exp(s["width"][rows, slot]), data.narrowest, data.widest)
    f = np.clip(s["fraction"][rows, slot], 0, 1)
    out = np.empty((len(c), data.axis.size), np.float32)
    even = np.flatnonzero(s["kind"] == 0)
    axis = data.axis.astype(np.float32)
    z = (axis - c[even, None].astype(np.float32)) * (2 / w[even, None]).astype(np.float32)
    z *= z
    lorentzian = f[even, None].astype(np.float32) / (1 + z)
    z *= np.float32(-np.log(2))
    np.exp(z, out=z)
    z *= (1 - f[even, None]).astype(np.float32)
    out[even] = z + lorentzian
    for rows, with_band in (
        (np.flatnonzero(s["kind"] == 1), True),
        (np.flatnonzero(s["kind"] > 1), False),
    ):
        if not rows.size:
            continue
        skew, tail, band, shift = s["shape"][rows].T
        column = [part[rows, None].astype(np.float32) for part in (c, w, f)]
        none = np.zeros_like(column[0])
        if with_band:
            parts = none, none, band[:, None], shift[:, None]
            shape = [part.astype(np.float32) for part in parts]
            out[rows] = lines.line(np, axis[None], *column, shape)
        else:
            tail = np.where(s["kind"][rows] == 3, tail, 0.0)
            shape = [part[:, None].astype(np.float32) for part in (skew, tail)]
            out[rows] = _leaning(axis[None], *column, *shape)
    return out


def _leaning(energy: Any, center: Any, fwhm: Any, fraction: Any, skew: Any, tail: Any) -> Any:
    """`lines.line` without a side band, where its Newton steps are not needed."""
    z = (energy - center) / fwhm
    beyond = z > 0
    low = 0.5 * (1 + np.exp(skew))
    leaning = np.square(z * np.where(beyond, low * np.exp(-skew), low))
    slow = np.where(beyond, fraction * tail, 0)
    bell = (1 - fraction) * np.exp(-4 * lines.LN2 * leaning)
    return bell + (fraction - slow) / (1 + 4 * leaning) + slow / np.sqrt(1 + 12 * leaning)


@dataclass
class Curves:
    """Curves of states: lines (P, 6, n), whitened residual (P, n), chi-square and offset (P,)."""

    lines: Any
    residual: Any
    chi_square: Floats
    offset: Floats


def all_lines(s: State, data: Data) -> Any:
    """Lines of height 1 in all slots that are there (P, 6, n)."""
    found = np.zeros((len(s["kind"]), SLOTS, data.axis.size), np.float32)
    for slot in range(SLOTS):
        rows = np.flatnonzero(s["on"][:, slot])
        if rows.size:
            found[rows, slot] = line_curves(taken(s, rows), np.full(rows.size, slot), data)
    return found


def term_curve(j: int, total: Any, place: Floats, data: Data) -> Any:
    """Term j of the background at coefficient 1: (1, n) where it is the same for all, or (P, n)."""
    x = (data.axis - 0.5).astype(np.float32)[None]
    if j < 2:
        return x if j == 0 else x * x
    if j == 4:
        away = data.axis.astype(np.float32) - place[:, None].astype(np.float32)
        away /= np.float32(0.15)
        return 1 / (1 + away * away)
    curve = total
    for _ in range(j - 1):  # Shirley: the running integral of the lines; Tougaard: of that
        curve = np.cumsum(curve, axis=1)
        curve /= curve[:, -1:] + np.float32(1e-30)
    return curve


def residuals(s: State, curves: Any, data: Data) -> Curves:
    """Residual of states whose lines are known."""
    height = np.where(s["on"], np.exp(s["height"]), 0.0).astype(np.float32)
    total = np.einsum("ps,psn->pn", height, curves)
    smooth = np.zeros_like(total)
    b = s["terms"].astype(np.float32)
    for j in range(len(TERMS)):
        rows = np.flatnonzero(b[:, j])
        if rows.size:
            smooth[rows] += b[rows, j, None] * term_curve(j, total[rows], s["place"][rows], data)
    rest = data.whiten(data.counts.astype(np.float32) - total - smooth).astype(np.float32)
    flat = data.whiten(np.ones(data.axis.size)).astype(np.float32)
    offset = rest @ flat / (flat @ flat)
    rest -= offset[:, None] * flat
    chi = np.einsum("pn,pn->p", rest, rest).astype(float)
    return Curves(curves, rest, chi, offset.astype(float) + smooth.min(axis=1))


def chi_squares(s: State, data: Data, sigma: Floats) -> Floats:
    """What every peak is worth by the simulator's rule (P, 6), by falling area; 0 for no peak.

    `sigma` (n,): standard deviation of the noise, times the factor by which its averages vary more.
    """
    width = np.clip(np.exp(s["width"]), data.narrowest, data.widest)
    height = np.where(s["on"], np.exp(s["height"]), 0.0)
    order = np.argsort(-height * width, axis=1)
    curves = all_lines(s, data)
    step = np.cumsum(np.einsum("ps,psn->pn", height.astype(np.float32), curves), axis=1)
    step = step / np.maximum(step[:, -1:], 1e-30)
    by_area = {
        "center": np.take_along_axis(s["center"], order, axis=1),
        "fwhm": np.take_along_axis(width, order, axis=1),
        "height": np.take_along_axis(height, order, axis=1),
    }
    ordered = np.take_along_axis(curves, order[:, :, None], axis=1)
    axis = np.broadcast_to(data.axis, step.shape)
    places, widths = by_area["center"][:, :, None], by_area["fwhm"][:, :, None]
    columns = core_levels.line_columns(np, axis, ordered, places, widths)
    found = core_levels.chi_squares(
        np, by_area, columns, (axis, step, sigma[None], np.ones_like(axis))
    )
    return np.where(by_area["height"] > 0, found, 0.0)
