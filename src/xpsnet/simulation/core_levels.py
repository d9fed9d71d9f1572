"""Simulated core-level windows: lines on a background, with noise, as an instrument records them.

`RawRecipe` holds the ranges that are drawn from; `draw_raw` draws a batch of n spectra with up to
`max_peaks` peaks on m grid points. Lengths are fractions of the energy window (0 to 1), energies
ascend with binding energy, and the highest line has the height 1 before scaling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from xpsnet.numerics.known_lines import KNOWN, known_inputs
from xpsnet.numerics.resample import normalize
from xpsnet.numerics.second_lines import overlaid, without_second_lines
from xpsnet.simulation import instrument
from xpsnet.simulation.instrument import Draw, log_uniform
from xpsnet.simulation.lines import asymmetry_of, line

Batch = dict[str, Any]

# Lines that lean less count as symmetric, in what the caller knows.
LEAST_ASYMMETRY = 0.02
# Of spin-orbit doublets: how much the splitting and the ratio of areas of a material differ from
# those that the caller knows (standard deviations, relative), and how much wider the second line
# is at most, which it is in three of ten spectra.
SPLITTING_SPREAD, RATIO_SPREAD, WIDEST_SECOND = 0.01, 0.05, 1.3


@dataclass(frozen=True)
class RawRecipe:
    """Core-level windows with background, any noise level and any Lorentzian fraction.

    Lengths are fractions of the window. `noise` is the standard deviation at the largest count,
    relative to that count. `window` is the range of window widths [eV] that the network is made
    for; in the simulation only the energy axis of `simulate` depends on it.

    A simulated peak belongs to the truth only if the data show it: leaving it out must raise
    chi-square by at least `min_chi_square`, after all larger peaks (center and width free) and a
    smooth background have been fitted. A weaker peak stays in the spectrum but not in the truth.

    The distance of neighboring peaks is `separation` times the wider FWHM plus a random gap with
    an exponential distribution. Its mean, in units of the typical FWHM, is drawn for each spectrum
    from `gap`, uniformly on a logarithmic scale.

    A fraction `asymmetric` of the spectra has asymmetric lines. Of these, a fraction `with_band`
    has an unresolved side band. The others are skewed by up to `max_skew` (logarithm of the ratio
    of the half widths); half of them also have a metallic tail of up to `max_tail` of the
    Lorentzian part.

    For a fraction `stated` of the spectra, the network is given what a caller may know of the lines
    (`numerics.known_lines`): in four of five whether they are symmetric, in one of three the
    range of their FWHM, in one of three that of their asymmetry.

    Where `splitting` is not 0, every peak is the main line of a spin-orbit doublet of a p, d or f
    level with a splitting in this range, uniform on a logarithmic scale; the second line lies at
    the higher binding energy. Splitting and ratio are known to the network, but for
    `SPLITTING_SPREAD` and `RATIO_SPREAD`.
    """

    min_peaks: int = 0
    max_peaks: int = 6
    n_points: int = 384
    extent: float = 1.0
    window: tuple[float, float] = (5.0, 40.0)
    measured_points: tuple[float, float] = (40.0, 1000.0)
    points_per_fwhm: float = 5.0
    fwhm: tuple[float, float] = (0.01, 0.3)
    separation: float = 0.45
    gap: tuple[float, float] = (0.2, 6.0)
    min_height: float = 0.03
    noise: tuple[float, float] = (3e-4, 0.22)
    asymmetric: float = 0.2
    max_skew: float = 0.45
    max_tail: float = 0.5
    with_band: float = 0.25
    spikes: float = 0.04
    min_chi_square: float = 20.0
    stated: float = 0.0
    splitting: tuple[float, float] = (0.0, 0.0)
    # Fields whose values are drawn uniformly on a logarithmic scale.
    logarithmic: ClassVar[tuple[str, ...]] = ("measured_points", "gap", "min_height", "noise")


def draw_raw(xp: Any, draw: Draw, n: int, recipe: RawRecipe) -> Batch:
    """Draw n core-level windows with their truth.

    Returns
    -------
    dict of array
        ``spectra`` (n, n_points): on the grid of the network, scaled to 0 to 1; ``signal``
        (n, n_points): the peaks of the truth without noise, in the same units; ``scale`` (n, 1):
        their unit in units of `counts`. As measured, (n, n_points) of which the first ``points``
        (n, 1) are valid: ``counts``, ``background`` and ``peaks`` (the peaks of the truth).
        ``largest`` (n, 1): largest count without noise; ``relative_noise`` (n, 1): standard
        deviation there over this count; ``background_rise`` (n, 1): rise of the background over
        the highest line. ``n_peaks`` (n,); ``center``, ``fwhm``, ``height``, ``fraction``
        (n, max_peaks) in the units of `spectra`, ascending by center, 0 for absent peaks.
        ``known`` (n, KNOWN): what is known of the lines (`numerics.known_lines`).

        Of doublets, ``spectra`` holds the main lines alone (`second_lines.without_second_lines`),
        ``signal`` likewise; ``overlaid`` (n, n_points) is the other curve, scaled from 0 to 1, and
        ``doublet`` (n, 2) the splitting over the window and the ratio of areas, as known.
    """
    count = _draw_count(xp, draw, n, recipe)
    taken, points, axis = instrument.measured_axis(
        xp, draw, n, recipe.n_points, recipe.measured_points
    )
    inside = instrument.inside_window(xp, points, recipe.n_points)
    second = _draw_second_lines(xp, draw, n, recipe)
    room = (
        0.0 if second is None else second.splitting * xp.where(draw.uniform((n, 1)) < 0.9, 1.0, 0.0)
    )
    peaks = _draw_peaks(xp, draw, n, recipe, count, (taken, room))
    asymmetry = _draw_shape(xp, draw, n, recipe)
    shape = [part[:, :, None] for part in asymmetry]
    center, fwhm, fraction = (peaks[k][:, :, None] for k in ("center", "fwhm", "fraction"))
    lines = line(xp, axis[:, None, :], center, fwhm, fraction, shape)
    components = peaks["height"][:, :, None] * lines
    columns = line_columns(xp, axis, lines, center, fwhm)
    total = xp.sum(components, axis=1)
    if second is not None:
        wide, away = second.wide[:, :, None], second.splitting[:, :, None]
        height = second.ratio[:, :, None] / wide
        others = height * line(xp, axis[:, None, :], center + away, wide * fwhm, fraction, shape)
        total = total + xp.sum(peaks["height"][:, :, None] * others, axis=1)
        columns = columns + line_columns(xp, axis, others, center + away, fwhm)
    step = instrument.running_integral(xp, total, inside, points)
    loss = instrument.running_integral(xp, step, inside, points)
    background = instrument.draw_background(xp, draw, axis, step, loss)
    clean = total + background
    largest = xp.max(clean, axis=-1, keepdims=True)
    sigma, spread = instrument.draw_sigma(xp, draw, clean, largest, recipe.noise)
    noise, inflation = instrument.draw_noise(xp, draw, n, recipe.n_points)
    curves = (axis, step, sigma * inflation, inside)
    worth = chi_squares(xp, peaks, columns, curves)
    keep = xp.where(worth >= recipe.min_chi_square, 1.0, 0.0) * peaks["present"]
    spikes = instrument.draw_spikes(xp, draw, points, recipe.n_points, recipe.spikes)
    index, share = instrument.grid_index(xp, points, recipe.n_points)
    counts = clean + sigma * noise + largest * spikes
    on_grid = instrument.onto_grid(xp, counts, index, share)
    of_doublets: Batch = {}
    if second is not None:
        both = overlaid(xp, on_grid, *second.known)
        on_grid = without_second_lines(xp, on_grid, *second.known)
        of_doublets = {
            "overlaid": normalize(both, xp)[0],
            "doublet": xp.concatenate(second.known, axis=-1),
        }
    spectra, _, scale = normalize(on_grid, xp)
    kept = xp.sum(components * keep[:, :, None], axis=1)
    signal = instrument.onto_grid(xp, kept, index, share) / scale
    truth = _compact(xp, peaks, keep, scale)
    rise = xp.max(background, axis=-1, keepdims=True) - xp.min(background, axis=-1, keepdims=True)
    measured = {"counts": counts, "points": points, "background": background, "peaks": kept}
    levels = {"largest": largest, "relative_noise": spread, "background_rise": rise}
    known = _draw_known(xp, draw, n, recipe, peaks, asymmetry)
    spectra_and_truth = {"spectra": spectra, "signal": signal, "scale": scale, "known": known}
    return {**spectra_and_truth, **of_doublets, **measured, **levels, **truth}


@dataclass(frozen=True)
class SecondLines:
    """Second lines of n spectra, shape (n, 1) each; areas and widths over those of the main lines.

    `known` holds splitting and ratio as the caller knows them.
    """

    splitting: Any
    ratio: Any
    wide: Any
    known: tuple[Any, Any]


def _draw_second_lines(xp: Any, draw: Draw, n: int, recipe: RawRecipe) -> SecondLines | None:
    """Second lines of doublets, None where the recipe has single lines."""
    if not recipe.splitting[1]:
        return None
    splitting = log_uniform(xp, draw, (n, 1), *recipe.splitting)
    ratio = _draw_ratio(xp, draw, n)

    def near(values: Any, spread: float) -> Any:
        return values * (1 + spread * xp.clip(draw.normal((n, 1)), -2.5, 2.5))

    some = xp.where(draw.uniform((n, 1)) < 0.3, 1.0, 0.0)
    wide = 1 + some * draw.uniform((n, 1), 0.0, WIDEST_SECOND - 1)
    known = splitting, ratio
    return SecondLines(near(splitting, SPLITTING_SPREAD), near(ratio, RATIO_SPREAD), wide, known)


def _draw_ratio(xp: Any, draw: Draw, n: int) -> Any:
    """Ratio of the areas of a p, d or f doublet, second line over main line, shape (n, 1)."""
    choice = draw.uniform((n, 1))
    return xp.where(choice < 0.4, 1 / 2, xp.where(choice < 0.7, 2 / 3, 3 / 4))


def _draw_count(xp: Any, draw: Draw, n: int, recipe: RawRecipe) -> Any:
    """Number of simulated peaks, shape (n, 1): all allowed numbers are equally likely."""
    span = recipe.max_peaks - recipe.min_peaks + 1
    return recipe.min_peaks + xp.floor(draw.uniform((n, 1)) * (span - 1e-4))


def _draw_peaks(
    xp: Any, draw: Draw, n: int, recipe: RawRecipe, count: Any, window: tuple[Any, Any]
) -> Batch:
    """Center, FWHM, height, Lorentzian fraction and presence (n, max_peaks), largest area first.

    `window`: number of measured points (n, 1), and the part of the window at its end that stays
    free of main lines.
    """
    taken, room = window
    slots = recipe.max_peaks
    shape = (n, slots)
    slot = np.arange(slots, dtype=np.float32)[None, :]
    present = xp.where(slot < count, xp.ones_like(slot), xp.zeros_like(slot))
    narrowest = xp.maximum(recipe.points_per_fwhm / (taken - 1), recipe.fwhm[0])
    typical = narrowest * xp.exp(draw.uniform((n, 1)) * xp.log(0.8 * recipe.fwhm[1] / narrowest))
    common = draw.uniform((n, 1)) < 0.35
    scatter = xp.where(common, xp.zeros_like(present), 0.3 * draw.normal(shape))
    fwhm = xp.clip(typical * xp.exp(scatter), narrowest, recipe.fwhm[1])
    center = _draw_centers(xp, draw, recipe, present, (fwhm, typical), 1 - room)
    height = _draw_heights(xp, draw, n, recipe, present, common)
    one = draw.uniform((n, 1)) < 0.8
    fraction = xp.where(one, draw.uniform((n, 1)) * xp.ones_like(fwhm), draw.uniform(shape))
    fraction = xp.where(draw.uniform((n, 1)) < 0.5, 0.5 * fraction, fraction)
    peaks = {"center": center, "fwhm": fwhm, "height": height, "fraction": fraction}
    order = xp.argsort(-(height * fwhm), axis=-1)
    return {
        name: xp.take_along_axis(values, order, axis=1)
        for name, values in {**peaks, "present": present}.items()
    }


def _draw_centers(
    xp: Any, draw: Draw, recipe: RawRecipe, present: Any, widths: tuple[Any, Any], window: Any
) -> Any:
    """Ascending centers; neighbors are at least `separation` times the wider FWHM apart.

    `widths`: the FWHM, and the typical one of a spectrum. `window`: how much of it is used.
    """
    fwhm, typical = widths
    n = fwhm.shape[0]
    gap = -xp.log(draw.uniform((n, recipe.max_peaks - 1), 1e-4, 1.0))
    gap = gap * typical * log_uniform(xp, draw, (n, 1), *recipe.gap)
    wider = xp.maximum(fwhm[:, 1:], fwhm[:, :-1])
    behind = present[:, 1:]
    least = recipe.separation * wider * behind
    gap = gap * behind
    # In one window of six a peak may lie at the edge or just outside.
    margin = xp.where(draw.uniform((n, 1)) < 0.17, -0.02, 0.04)
    room = window - 2 * margin - xp.sum(least, axis=-1, keepdims=True)
    squeeze = xp.minimum(room / (xp.sum(gap, axis=-1, keepdims=True) + 1e-6), 1.0)
    distance = least + gap * squeeze
    start = margin + draw.uniform((n, 1)) * (
        window - 2 * margin - xp.sum(distance, axis=-1, keepdims=True)
    )
    return xp.concatenate([start, start + xp.cumsum(distance, axis=-1)], axis=-1)


def _draw_shape(xp: Any, draw: Draw, n: int, recipe: RawRecipe) -> tuple[Any, Any, Any, Any]:
    """Asymmetry of all lines of a spectrum (skew, tail, band, shift; see `lines.line`), (n, 1)."""
    kind = draw.uniform((n, 1)) / max(recipe.asymmetric, 1e-9)  # below 1: asymmetric
    with_band = kind < recipe.with_band
    leaning = xp.logical_and(kind < 1, kind >= recipe.with_band)
    metallic = xp.logical_and(leaning, draw.uniform((n, 1)) < 0.5)
    skew = draw.uniform((n, 1), 0.0, recipe.max_skew)
    tail = draw.uniform((n, 1), 0.0, recipe.max_tail)
    band, shift = draw.uniform((n, 1), 0.05, 0.3), draw.uniform((n, 1), 0.35, 0.72)
    none = xp.zeros_like(skew)
    chosen = ((leaning, skew), (metallic, tail), (with_band, band), (with_band, shift))
    skew, tail, band, shift = (xp.where(which, value, none) for which, value in chosen)
    return skew, tail, band, shift


def _draw_known(
    xp: Any, draw: Draw, n: int, recipe: RawRecipe, peaks: Batch, shape: tuple[Any, ...]
) -> Any:
    """What a caller may know of the lines (n, KNOWN); see `numerics.known_lines`.

    The limits are those of all slots, also of absent peaks, so that a narrow range does not reveal
    the number of peaks; each is moved outward by a random amount.
    """
    if not recipe.stated:
        return xp.zeros((n, KNOWN), dtype="float32")
    ratio = asymmetry_of(xp, peaks["fraction"], shape)
    leans = xp.max(ratio, axis=-1, keepdims=True) > LEAST_ASYMMETRY
    stated = draw.uniform((n, 1)) < recipe.stated

    def share(part: float, among: Any) -> Any:
        return xp.where(xp.logical_and(among, draw.uniform((n, 1)) < part), 1.0, 0.0)

    family = share(0.8, stated)
    widest, narrowest = (
        xp.max(peaks["fwhm"], axis=-1, keepdims=True),
        xp.min(peaks["fwhm"], axis=-1, keepdims=True),
    )
    fwhm = (
        share(1 / 3, stated),
        narrowest * xp.exp(-0.5 * draw.uniform((n, 1))),
        widest * xp.exp(0.5 * draw.uniform((n, 1))),
    )
    asymmetry = (
        share(1 / 3, xp.logical_and(stated, leans)),
        xp.maximum(xp.min(ratio, axis=-1, keepdims=True) - 0.2 * draw.uniform((n, 1)), 0.0),
        xp.max(ratio, axis=-1, keepdims=True) + 0.2 * draw.uniform((n, 1)),
    )
    asymmetric = family * xp.where(leans, 1.0, 0.0)
    return known_inputs(
        xp, symmetric=family - asymmetric, asymmetric=asymmetric, fwhm=fwhm, asymmetry=asymmetry
    )


def _draw_heights(xp: Any, draw: Draw, n: int, recipe: RawRecipe, present: Any, common: Any) -> Any:
    """Heights relative to the largest peak; some of the spectra consist of doublets."""
    slots = recipe.max_peaks
    wide = xp.exp(draw.uniform((n, slots)) * float(np.log(recipe.min_height)))
    height = xp.where(draw.uniform((n, 1)) < 0.5, wide, draw.uniform((n, slots), 0.1, 1.0))
    # Doublets: the weaker line lies at the higher binding energy.
    ratio = _draw_ratio(xp, draw, n)
    first = height[:, 0::2]
    paired = xp.stack([first, first * ratio], axis=-1)
    paired = xp.reshape(paired, (n, 2 * first.shape[1]))[:, :slots]
    doublets = xp.logical_and(common, draw.uniform((n, 1)) < 0.5)
    height = xp.where(doublets, paired, height) * present
    largest = xp.max(height, axis=-1, keepdims=True)
    return height / xp.where(largest > 0, largest, xp.ones_like(largest))


def line_columns(xp: Any, axis: Any, lines: Any, center: Any, fwhm: Any) -> Any:
    """Lines and what their center and width change, (n, max_peaks, 3, points / 2).

    `axis` (n, points); `lines` (n, max_peaks, points) of height 1; `center`, `fwhm`
    (n, max_peaks, 1). Every second point is enough for `chi_squares` and halves its time.
    """
    z, lines = (axis[:, None, ::2] - center) / fwhm, lines[:, :, ::2]
    return xp.stack([lines, z * lines, z * z * lines], axis=2)


def chi_squares(xp: Any, peaks: Batch, shapes: Any, curves: tuple[Any, Any, Any, Any]) -> Any:
    """By how much each peak lowers chi-square (n, max_peaks), as `RawRecipe` describes it.

    The columns of the linearized model are the smooth background, then each peak in order of
    falling area (the order of `peaks`) with its derivatives by center and width. In the Cholesky
    factor of their Gram matrix, the square of a diagonal element is the part of chi-square that
    its column explains in addition to all columns before it. `shapes` are those of `line_columns`
    for lines of height 1; `curves` are the axis, the running integral of all lines, the standard
    deviation and the mask of measured points, (n, points) each.
    """
    n, slots = peaks["center"].shape
    axis, step, sigma, inside = (curve[:, ::2] for curve in curves)
    shapes = xp.reshape(shapes, (n, 3 * slots, axis.shape[1]))
    x = axis - 0.5
    smooth = xp.stack([xp.ones_like(x), x, x * x, step], axis=1)
    weight = (float(np.sqrt(2.0)) * inside / sigma)[:, None, :]
    columns = xp.concatenate([smooth, shapes], axis=1) * weight
    size = xp.sqrt(xp.sum(columns * columns, axis=-1, keepdims=True)) + 1e-12
    columns = columns / size
    gram = xp.matmul(columns, xp.transpose(columns, (0, 2, 1)))
    gram = gram + 3e-5 * np.eye(columns.shape[1], dtype=np.float32)
    factor = xp.linalg.cholesky(gram)
    own = xp.diagonal(factor, axis1=1, axis2=2)[:, 4::3] * size[:, 4::3, 0]
    return xp.square(own * peaks["height"])


def _compact(xp: Any, peaks: Batch, keep: Any, scale: Any) -> Batch:
    """Parameters of the kept peaks by ascending center, followed by zeros."""
    order = xp.argsort(peaks["center"] + 10 * (1 - keep), axis=-1)
    kept = xp.take_along_axis(keep, order, axis=1)
    values = {**peaks, "height": peaks["height"] / scale}
    truth = {
        name: xp.take_along_axis(values[name], order, axis=1) * kept
        for name in ("center", "fwhm", "height", "fraction")
    }
    return {"n_peaks": xp.sum(keep, axis=-1), **truth}
