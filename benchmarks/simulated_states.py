"""States of simulated core levels: judged answers of `fit`, and least squares from the truth.

Tolerance of a state's center: 0.1 FWHM or 0.05 eV, or 2.5 times its Cramer-Rao bound where that is
more (a state of chi-square 20 is seen, but not placed to 0.1 FWHM), at most half the FWHM. Right
means that the states asked for are those found, one to one; a found state within half the FWHM of a
state that is there but not asked for is neither right nor wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from chemistry_spectra import RATIO, Possible, Spectra, System, Truth
from judged_states import RESOLVED
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import linear_sum_assignment

import xpsnet
from xpsnet.data.spectrum import make_spectrum

Floats = npt.NDArray[np.float64]
Line = tuple[int, bool]  # place of a state (EXTRA: one more than the truth), second line

EXTRA = -1
OUTCOMES = ("right", "too few", "too many", "misplaced")
BACKGROUNDS = ("shirley+linear", "tougaard+linear")


@dataclass(frozen=True)
class Wanted:
    """A state, or one of its lines, that an answer is compared with."""

    center: float
    tolerance: float
    reach: float  # eV, within which a found one that is not asked for is no invention
    asked: bool


def wanted_states(truth: list[Truth]) -> list[Wanted]:
    """All states of one spectrum."""
    return [_wanted(state, state.center, state.asked) for state in truth]


def wanted_lines(truth: list[Truth], system: System) -> list[Wanted]:
    """All lines of one spectrum: both of a doublet where its splitting shows."""
    lines = []
    for state in truth:
        kind = system.states[state.place]
        lines.append(_wanted(state, state.center, state.asked))
        if kind.splitting >= RESOLVED * state.fwhm:
            seen = state.worth * (kind.ratio / (1 + kind.ratio)) ** 2 >= 20
            lines.append(_wanted(state, state.center + kind.splitting, state.asked and seen))
    return lines


def _wanted(state: Truth, center: float, asked: bool) -> Wanted:
    reach = 0.5 * state.fwhm
    tolerance = min(max(0.1 * state.fwhm, 0.05, 2.5 * state.bound), reach)
    return Wanted(center, tolerance, reach, asked)


def outcome(found: Sequence[float], wanted: list[Wanted]) -> str:
    """Compare centers with the truth: one of `OUTCOMES`."""
    asked = [state for state in wanted if state.asked]
    left = list(found)
    matched = 0
    if asked and left:
        distance = np.array([[abs(s.center - c) / s.tolerance for c in left] for s in asked])
        rows, columns = linear_sum_assignment(np.minimum(distance, 1e3))
        good = [int(c) for r, c in zip(rows, columns, strict=True) if distance[r, c] <= 1]
        matched = len(good)
        left = [center for k, center in enumerate(left) if k not in good]
    for state in (state for state in wanted if not state.asked):
        near = [center for center in left if abs(center - state.center) <= state.reach]
        if near:
            left.remove(min(near, key=lambda center: abs(center - state.center)))
    missed = len(asked) - matched
    if missed == len(left):
        return "right" if missed == 0 else "misplaced"
    return "too few" if missed > len(left) else "too many"


def stack_of(spectra: Spectra) -> xr.DataArray:
    """The spectra of one system as a stack with the name of its level."""
    return make_spectrum(
        spectra.counts, spectra.system.energy, dims=("spectrum", "energy"), scale="binding",
        name=spectra.system.level,
    )  # fmt: skip


def from_truth(spectra: Spectra) -> list[list[float]]:
    """Centers that least squares finds from the truth.

    It knows the family: Voigt, Doniach-Sunjic with a Gaussian, or leaning lines (for a side band),
    the doublet and which line is a neighbor's, the widths to a factor of 1.6, and the noise of
    counting and of the lines' deviation. The states
    asked for, one less (the one that is worth least), and one more (at the largest smoothed
    residual) are fitted on two backgrounds; the smallest BIC of all decides.
    """
    asked = [sorted(t.place for t in truth if t.asked) for truth in spectra.truth]
    least = [min((t for t in truth if t.asked), key=lambda t: t.worth, default=None)
             for truth in spectra.truth]  # fmt: skip
    fewer = [
        [place for place in places if place != worst.place] if worst else None
        for places, worst in zip(asked, least, strict=True)
    ]
    more = [[*places, EXTRA] for places in asked]
    best = np.array(
        [_without_states(spectra, row) if len(p) < 2 else np.inf for row, p in enumerate(asked)]
    )
    centers: list[list[float]] = [[] for _ in asked]
    rest = np.zeros_like(spectra.counts)
    for candidates in (asked, fewer, more):
        for pattern in sorted({tuple(c) for c in candidates if c is not None and len(c) > 0}):
            rows = np.array([k for k, c in enumerate(candidates) if c == list(pattern)])
            starts = _starts(spectra, rows, pattern, rest)
            for background in BACKGROUNDS:
                fit = _refined(spectra, rows, pattern, starts, background)
                drawn = xpsnet.curves(fit, energy=spectra.system.energy)["envelope"]
                curve = drawn.transpose("spectrum", "energy").values
                left = (spectra.counts[rows] - curve) / spectra.sigma[rows]
                chi_square = np.sum(left**2, axis=1)
                score = chi_square + 3 * len(pattern) * np.log(spectra.system.energy.size)
                first = [k for k, line in enumerate(_lines(spectra.system, pattern)) if not line[1]]
                found = fit["center"].transpose("spectrum", "peak").values[:, first]
                for number, row in enumerate(rows):
                    if np.isfinite(score[number]) and score[number] < best[row]:
                        best[row] = score[number]
                        centers[row] = [float(c) for c in found[number] if np.isfinite(c)]
                        if candidates is asked:
                            rest[row] = left[number] * spectra.sigma[row]
    return centers


def _without_states(spectra: Spectra, row: int) -> float:
    """Chi-square of a straight line."""
    energy, sigma = spectra.system.energy, spectra.sigma[row]
    line = np.stack([np.ones_like(energy), energy - energy.mean()], axis=1) / sigma[:, None]
    counts = spectra.counts[row] / sigma
    left = counts - line @ np.linalg.lstsq(line, counts)[0]
    return float(left @ left)


def _lines(system: System, pattern: tuple[int, ...]) -> list[Line]:
    """Lines of a pattern, both of a doublet behind each other."""
    lines: list[Line] = []
    for place in pattern:
        lines.append((place, False))
        if _kind(system, place).splitting:
            lines.append((place, True))
    return lines


def _kind(system: System, place: int) -> Possible:
    """What a state is; one more than the truth is like the first."""
    return system.states[max(place, 0)]


def _starts(
    spectra: Spectra, rows: npt.NDArray[np.int64], pattern: tuple[int, ...], rest: Floats
) -> tuple[Floats, Floats]:
    """Center and FWHM of every line (spectra, lines)."""
    energy, system = spectra.system.energy, spectra.system
    centers, widths = [], []
    for row in rows:
        truth = {state.place: state for state in spectra.truth[row]}
        own_center, own_width = [], []
        for place, second in _lines(system, pattern):
            if place == EXTRA:
                first = spectra.truth[row][0]
                smooth = gaussian_filter1d(rest[row], 0.4 * first.fwhm / (energy[1] - energy[0]))
                center, width = float(energy[smooth.argmax()]), first.fwhm
            else:
                center, width = truth[place].center, truth[place].fwhm
            kind = _kind(system, place)
            own_center.append(center + (kind.splitting if second else 0.0))
            own_width.append(width * (kind.broader if second else 1.0))
        centers.append(own_center)
        widths.append(own_width)
    return np.array(centers), np.array(widths)


def _refined(
    spectra: Spectra, rows: npt.NDArray[np.int64], pattern: tuple[int, ...],
    starts: tuple[Floats, Floats], background: str,
) -> xr.Dataset:  # fmt: skip
    """Fits of one pattern of states."""
    system = spectra.system
    lines = _lines(system, pattern)
    numbers = np.arange(1, len(lines) + 1)
    peaks = xr.Dataset(
        {"center": (("spectrum", "peak"), starts[0]), "fwhm": (("spectrum", "peak"), starts[1])},
        coords={"peak": numbers, "label": ("peak", np.array([f"{n}" for n in numbers], object))},
        attrs={"scale": "binding"},
    )
    stack = stack_of(spectra).isel(spectrum=rows)
    return xpsnet.refine(
        stack, peaks, engine="batch", background=background,
        line_shape=_shape(system),
        constraints=_limits(system, lines, starts[1]),
        noise=stack.copy(data=spectra.sigma[rows]),
    )  # fmt: skip


def _shape(system: System) -> str:
    """The engine's line shape that is nearest to the true lines."""
    if any(state.singularity > 0 for state in system.states):
        return "doniach_sunjic_gauss"
    return "asymmetric_pseudo_voigt" if system.asymmetric else "voigt"


def _limits(system: System, lines: list[Line], widths: Floats) -> dict[str, Any]:
    """What somebody knows who knows the family."""
    limits: dict[str, Any] = {}
    leaning = 0
    for index, (place, second) in enumerate(lines):
        number, kind = index + 1, _kind(system, place)
        leans = kind.singularity > 0 or kind.band[0] > 0
        if second:
            ratio = RATIO.get(system.level.split()[1][1], kind.ratio)
            near, far = 0.98 * kind.splitting, 1.02 * kind.splitting
            limits[f"center_{number}"] = f"center_{index} + ({near}, {far})"
            # Doniach-Sunjic lines have no area; where both widths are one, heights have its ratio.
            least = 1.0 if kind.broader == 1 else 1 / 2.2
            if _shape(system) == "doniach_sunjic_gauss":
                limits[f"height_{number}"] = (
                    f"height_{index} * ({0.9 * ratio * least}, {1.1 * ratio})"
                )
            else:
                limits[f"area_{number}"] = f"area_{index} * ({0.9 * ratio}, {1.1 * ratio})"
            wide = "" if kind.broader == 1 else " * (1.0, 2.2)"
            limits[f"fwhm_{number}"] = f"fwhm_{index}{wide}"
            if system.asymmetric:
                limits[f"asymmetry_{number}"] = f"asymmetry_{index}"
            continue
        typical = float(np.median(widths[:, index]))
        limits[f"fwhm_{number}"] = (typical / 1.6, typical * 1.6)
        if place != EXTRA:
            limits[f"center_{number}"] = (kind.center - 1.0, kind.center + 1.0)
        if system.asymmetric and not leans:
            limits[f"asymmetry_{number}"] = 0.0
        elif system.asymmetric and leaning:
            limits[f"asymmetry_{number}"] = f"asymmetry_{leaning}"
        elif system.asymmetric:
            leaning = number
    return limits


def answers(spectra: Spectra, one_by_one: bool) -> list[xr.Dataset]:
    """Fits of all spectra, told nothing but counts, energies and the name of the level."""
    stack = stack_of(spectra)
    if one_by_one:
        return [xpsnet.fit(stack[k]) for k in range(stack.sizes["spectrum"])]
    found = xpsnet.fit(stack, neighbors=False)
    return [found.isel(spectrum=k) for k in range(stack.sizes["spectrum"])]


def stated(peaks: xr.Dataset) -> tuple[str, float]:
    """What the probability of an answer is about ("states" or "lines"), and the probability.

    The probability of the chosen model is taken as one about its number of states.
    """
    if "model_probability" in peaks:
        return "states", float(peaks["model_probability"].values[int(peaks["model_choice"])])
    for name, kind in (("n_states", "states"), ("n_peaks", "lines")):
        if f"{name}_probability" in peaks:
            table = peaks[f"{name}_probability"]
            return kind, float(table.sel(count=int(peaks[name])))
    return "states", np.nan


def calibration(probability: Floats, right: npt.NDArray[np.bool_]) -> list[dict[str, float]]:
    """Stated probability against the share that was right, in bins of the stated one."""
    rows = []
    for low, high in pairwise((0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0001)):
        inside = (probability >= low) & (probability < high)
        if inside.any():
            mean, share = float(probability[inside].mean()), float(right[inside].mean())
            rows.append({"from": low, "spectra": int(inside.sum()), "stated": mean, "right": share})
    return rows
