"""A figure of one spectrum: points, background, filled peaks, envelope and residual.

pyplot is not used: no global setting changes and no window opens.
"""

import functools
import operator
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import check, fitted_peaks, label, mapping, optional, pair
from xpsnet.arguments import figure as figure_rule
from xpsnet.data.charge_shift import (
    CHARGE_SHIFT,
    charge_coords,
    has_charge_shift,
    without_charge,
)
from xpsnet.data.measured_energies import corrected_peaks, on_corrected_axis
from xpsnet.data.peak_settings import without_disabled
from xpsnet.data.peaks import curves, keep_own_names
from xpsnet.data.spectrum import check_spectra, crop, scale_sign, to_binding, to_kinetic
from xpsnet.numerics.noise import NoiseModel, interval_reach, noise_profile, smooth_level

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["PALETTE", "Fit", "Points", "names_in_survey", "plot", "points_and_fit"]

Floats = npt.NDArray[np.float64]

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31", "#7A5195")
"""Colors of the peaks; the first six are those of Okabe and Ito, which color-blind readers can
distinguish."""

_FINE = 800  # points of a drawn curve
_BLOCK = 2000  # spectra whose curves are in memory at a time
_LONG_LEGEND = 8  # entries above which two columns are tried
_LARGEST = 1e100  # beyond, and below its inverse, matplotlib finds no ticks
_ONE_NAME, _ONE_PEAK = 12.0, 2.0  # [eV] in a survey
_MARGIN = 0.03  # shown beyond the fitted range, as a share of it


@dataclass(frozen=True)
class Points:
    """Measured points over energy [eV]."""

    energy: Floats
    counts: Floats
    title: str


@dataclass(frozen=True)
class Fit:
    """Curves on a fine axis, and the residual at the measured points."""

    energy: Floats
    components: dict[str, Floats]  # (name) -> peak without background
    background: Floats
    envelope: Floats
    residual: Floats
    sigma: Floats | None  # standard deviation of the counts, where it is known
    intervals: (
        Floats  # (peak, 4): center, half of its interval, top of the line, half of its interval
    )


def plot(
    spectra: xr.DataArray,
    peaks: xr.Dataset | None = None,
    *,
    isel: Mapping[Any, int] | None = None,
    title: str | None = None,
    size: tuple[float, float] = (6.4, 4.8),
    figure: "Figure | SubFigure | None" = None,
    dim: str | None = None,
) -> "Figure":
    """Draw a spectrum with its peaks as a figure for publication.

    Binding energy increases to the left, as usual. The residual is measured minus envelope in
    standard deviations of the counts. Of one spectrum, bars at the maximum of each peak show the
    95 % intervals of its center and height, value +- t x stderr with Student's t of `dof_noise`.

    Parameters
    ----------
    spectra : DataArray
        One spectrum or several; of several the mean is drawn, or the one that `isel` selects.
    peaks : Dataset, optional
        From `predict`, `refine` or `fit` on these spectra; or from `identify` on a survey, whose
        lines are then named above the peaks. Without it only the points are drawn.
    isel : mapping of dimension to int, optional
        Selects one of several spectra, for instance ``{"y": 10, "x": 20}``.
    title : str, optional
        By default the place of the selected spectrum; "" for none.
    size : (float, float)
        Width and height [inch].
    figure : Figure or SubFigure, optional
        Draw into this figure instead of a new one.
    dim : str, optional
        The energy dimension, if its name and units do not show that it is one.

    Returns
    -------
    Figure
        Save it with ``.savefig("fit.png", dpi=300)``.

    Raises
    ------
    ValueError
        If the peaks do not belong to these spectra.

    Examples
    --------
    >>> import xpsnet
    >>> from xpsnet.samples import sample_truth
    >>> spectrum, peaks = xpsnet.sample("spectrum"), sample_truth("spectrum")
    >>> figure = xpsnet.plot(spectrum, peaks)
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()][:2]
    ['Measured', 'C-C / C-H 284.80 eV']
    """
    check(
        locals(),
        peaks=optional(_drawable),
        isel=optional(mapping("{'x': 3}")),
        title=optional(label),
        size=pair("(6.4, 4.8)", above=0, most=1000),
        figure=optional(figure_rule),
    )
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    spectra = check_spectra(spectra, dim=dim)
    candidates = peaks if _has_candidates(peaks) else None
    peaks = None if _has_candidates(peaks) else peaks
    points, fit = points_and_fit(spectra, peaks, isel or {})
    if figure is None:
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
    upper, lower = _axes(figure, with_residual=fit is not None)
    _draw_points(upper, points)
    if fit is not None and lower is not None:
        _draw_fit(upper, fit)
        _draw_residual(lower, points.energy, fit)
    scale = str((spectra if peaks is None else peaks).attrs["scale"])
    units = str(spectra.attrs.get("units", "counts"))
    _label_axes(upper, lower, scale, units, points.title if title is None else title)
    if fit is not None:
        _add_legend(upper, points)
    if candidates is not None:
        _name_lines(upper, points, names_in_survey(spectra, candidates, isel or {}))
    whole: Figure = upper.figure.figure  # that of a subfigure too
    return whole


def _has_candidates(peaks: object) -> bool:
    """Whether a Dataset is from `identify`."""
    return isinstance(peaks, xr.Dataset) and {"peak_energy", "peak_name"} <= {*peaks.data_vars}


def _drawable(name: str, value: Any) -> None:
    """Fitted peaks, or the candidates of a survey."""
    if not _has_candidates(value):
        fitted_peaks(name, value)


def points_and_fit(
    spectra: xr.DataArray, peaks: xr.Dataset | None, isel: Mapping[Any, int]
) -> tuple[Points, Fit | None]:
    """Points and curves of one spectrum, or of the mean of several."""
    own_dims, spectra = spectra.dims, keep_own_names(spectra)
    renamed = dict(zip(own_dims, spectra.dims, strict=True))
    isel = {renamed.get(name, name): index for name, index in isel.items()}
    if has_charge_shift(spectra) or has_charge_shift(peaks):
        spectra, peaks = _on_corrected_axes(spectra, peaks, isel)
    if peaks is None:
        chosen, others, title = _chosen(spectra, isel)
        return Points(chosen["energy"].values, _shown(chosen).mean(others).values, title), None
    low, high = (float(end) for end in peaks.attrs["energy_range"])
    chosen, others, title = _chosen(_as_fitted(spectra, peaks, low, high), isel)
    of_one = without_disabled(peaks.isel(isel, missing_dims="ignore"))
    _check_together(chosen, of_one)
    energy = chosen["energy"].values
    fine = np.linspace(low, high, _FINE)
    drawn, done = _mean_curves(of_one, np.concatenate([fine, energy]), others)
    chosen = _shown(chosen.where(done))
    points = Points(energy, chosen.mean(others).values, title)
    components, background, envelope = (
        _shown(drawn[name]).values for name in ("component", "background", "envelope")
    )
    residual = points.counts - envelope[_FINE:]
    residual[(energy < low) | (energy > high)] = np.nan
    names = _names(of_one, others)
    fit = Fit(
        fine,
        {name: components[i, :_FINE] for i, name in names.items()},
        background[:_FINE],
        envelope[:_FINE],
        residual,
        _sigma(chosen, of_one, others),
        np.empty((0, 4)) if others else _intervals(of_one, fine, background[:_FINE]),
    )
    return points, fit


def _on_corrected_axes(
    spectra: xr.DataArray, peaks: xr.Dataset | None, isel: Mapping[Any, int]
) -> tuple[xr.DataArray, xr.Dataset | None]:
    """The chosen spectra and peaks over corrected energies; several only to take their mean."""
    spectra = spectra.isel(isel, missing_dims="ignore")
    peaks = None if peaks is None else peaks.isel(isel, missing_dims="ignore")
    if has_charge_shift(spectra):
        coords = charge_coords(spectra)
        if peaks is not None and not has_charge_shift(peaks):
            peaks = corrected_peaks(peaks, coords)
        sign = scale_sign(str(spectra.attrs["scale"]))
        moved = on_corrected_axis(spectra)
        if has_charge_shift(moved):  # several: points between the measured ones, for the mean only
            by = sign * spectra.coords[CHARGE_SHIFT].broadcast_like(spectra).values[..., 0]
            axis = spectra["energy"].values
            order = np.argsort(axis)
            rows = np.asarray(spectra.values, dtype=np.float64)
            drawn = np.full_like(rows, np.nan)
            for at in np.ndindex(rows.shape[:-1]):
                old = axis - by[at]
                drawn[at] = np.interp(axis, old[order], rows[at][order], np.nan, np.nan)
            moved = without_charge(spectra.copy(data=drawn))
        spectra = moved
    if peaks is not None and has_charge_shift(peaks):
        shift = peaks.coords[CHARGE_SHIFT]
        moved_peaks = on_corrected_axis(peaks)
        if has_charge_shift(moved_peaks):
            if {"background_constant", "background_slope"} <= {*peaks.data_vars}:
                sign = scale_sign(str(peaks.attrs["scale"]))
                level = peaks["background_constant"] + sign * shift * peaks["background_slope"]
                moved_peaks = peaks.assign(background_constant=level)
            moved_peaks = without_charge(moved_peaks)
        peaks = moved_peaks
    return spectra, peaks


def _shown(values: xr.DataArray) -> xr.DataArray:
    """Numbers that an axis can show; NaN for infinite and huge ones, 0 for the smallest."""
    size = abs(values)
    return values.where(size < _LARGEST).where(~(size < 1 / _LARGEST), 0.0)


def _chosen(
    spectra: xr.DataArray, isel: Mapping[Any, int]
) -> tuple[xr.DataArray, list[Hashable], str]:
    """The spectra to draw, the dimensions to average over, and the title."""
    chosen = spectra.isel(isel, missing_dims="ignore").astype(np.float64).compute()
    others = [dim for dim in chosen.dims if dim != "energy"]
    texts = [_place(chosen[dim]) for dim in isel if dim in chosen.coords]
    number = chosen.size // chosen.sizes["energy"]
    if others:
        texts.append(f"mean of {number:,} spectra")
    return chosen, others, ", ".join(texts)


def _place(coordinate: xr.DataArray) -> str:
    """A coordinate and its unit, as in "x = 25 um"."""
    value = coordinate.values.item()
    shown = f"{value:g}" if isinstance(value, int | float) else str(value)
    units = str(coordinate.attrs.get("units", "")).replace("um", "\N{MICRO SIGN}m")
    name = str(coordinate.name).removeprefix("spectra_")
    return f"{name} = {shown} {units}".strip()


def _as_fitted(spectra: xr.DataArray, peaks: xr.Dataset, low: float, high: float) -> xr.DataArray:
    """Spectra on the scale and over the range of the peaks, with a small margin."""
    convert = to_binding if peaks.attrs["scale"] == "binding" else to_kinetic
    spectra = convert(spectra)
    margin = _MARGIN * (high - low)
    return crop(spectra, (low - margin, high + margin))


def _check_together(spectra: xr.DataArray, peaks: xr.Dataset) -> None:
    """Raise ValueError for peaks of other spectra."""
    if "count" in peaks["center"].dims:
        raise ValueError(
            "expected one set of peaks, got one for every count; choose: "
            "plot(..., isel={'count': 2})"
        )
    ours = {dim: size for dim, size in spectra.sizes.items() if dim != "energy"}
    theirs = {dim: size for dim, size in peaks["center"].sizes.items() if dim != "peak"}
    if ours != theirs:
        raise ValueError(
            f"expected peaks of these spectra, with dimensions {ours}, got {theirs}; choose one "
            f"spectrum of both with isel="
        )


def _mean_curves(
    peaks: xr.Dataset, energy: Floats, others: list[Hashable]
) -> tuple[xr.Dataset, xr.DataArray]:
    """Mean of the curves over all fitted spectra, block by block; and a mask of these spectra."""
    if not others:
        drawn = curves(peaks, energy)
        return drawn, xr.ones_like(peaks["status"], dtype=bool)
    rows = peaks.sizes[others[0]]
    per_row = int(np.prod([peaks.sizes[dim] for dim in others[1:]]))
    step = max(1, _BLOCK // per_row)
    sums, finished = [], []
    for start in range(0, rows, step):
        drawn = curves(peaks.isel({others[0]: slice(start, start + step)}), energy)
        finished.append(drawn["envelope"].notnull().all("energy"))
        sums.append(drawn.where(finished[-1]).sum(others))
    done = xr.concat(finished, others[0])
    total = functools.reduce(operator.add, sums)
    return total / max(int(done.sum()), 1), done


def _names(peaks: xr.Dataset, others: list[Hashable]) -> dict[int, str]:
    """Name of each peak that exists, by its index."""
    centers = peaks["center"].mean(others).values
    region = str(peaks.attrs.get("region", "")) or "Peak"
    labels = peaks["label"].values if "label" in peaks else [region] * len(centers)
    return {
        i: f"{label} {center:.2f} eV"
        for i, (label, center) in enumerate(zip(labels, centers, strict=True))
        if np.isfinite(center)
    }


def _intervals(peaks: xr.Dataset, energy: Floats, background: Floats) -> Floats:
    """Rows of `Fit.intervals` of the peaks with errors."""
    names = ("center", "center_stderr", "height", "height_stderr")
    if any(name not in peaks or peaks[name].ndim != 1 for name in names):
        return np.empty((0, 4))
    center, center_error, height, height_error = (peaks[name].values for name in names)
    dof = float(peaks["dof_noise"]) if "dof_noise" in peaks else np.inf
    reach = interval_reach(dof, 0.95) if dof > 0 else np.nan
    top = height + np.interp(center, energy, background)
    rows = np.stack([center, reach * center_error, top, reach * height_error], axis=1)
    return np.asarray(rows[np.isfinite(rows).all(axis=1)])


def _sigma(spectra: xr.DataArray, peaks: xr.Dataset, others: list[Hashable]) -> Floats | None:
    """Standard deviation of the drawn counts, scaled to the noise that the fit used."""
    if (known := NoiseModel.of_attributes(peaks.attrs)) is not None:
        rows = smooth_level(spectra.values).reshape(-1, spectra.sizes["energy"])
        deviation = known.deviation(rows).reshape(spectra.shape)
    else:
        deviation = noise_profile(spectra.values)
    variance = spectra.copy(data=deviation**2)
    if "noise" in peaks:
        scale = peaks["noise"] ** 2 / variance.mean("energy")
        variance = variance * scale.where(np.isfinite(scale) & (scale > 0), 1.0)
    number = spectra.notnull().sum(others)
    mean_variance: xr.DataArray = variance.mean(others) / number.where(number > 0)
    sigma = np.asarray(np.sqrt(mean_variance.values))
    return sigma if bool((sigma > 0).any()) else None


def _axes(figure: "Figure | SubFigure", *, with_residual: bool) -> "tuple[Axes, Axes | None]":
    """Axes for the spectrum and, below, for the residual."""
    if not with_residual:
        return figure.add_subplot(), None
    grid = figure.add_gridspec(2, 1, height_ratios=[4.5, 1.0])
    upper = figure.add_subplot(grid[0])
    return upper, figure.add_subplot(grid[1], sharex=upper)


def _draw_points(axes: "Axes", points: Points) -> None:
    """Measured points."""
    style: dict[str, Any] = {"ms": 3.0, "mfc": "none", "mec": "0.35", "mew": 0.7}
    axes.plot(points.energy, points.counts, "o", label="Measured", **style)


def _draw_fit(axes: "Axes", fit: Fit) -> None:
    """Filled peaks, background and envelope."""
    for (name, component), color in zip(fit.components.items(), cycle(PALETTE), strict=False):
        top = fit.background + component
        axes.fill_between(fit.energy, fit.background, top, color=color, alpha=0.3, lw=0)
        axes.plot(fit.energy, top, color=color, lw=1.1, label=name)
    axes.plot(fit.energy, fit.background, "--", color="0.35", lw=1.0, label="Background")
    axes.plot(fit.energy, fit.envelope, color="black", lw=1.3, label="Envelope")
    if len(fit.intervals):
        center, across, top, up = fit.intervals.T
        axes.errorbar(
            center, top, up, across, fmt="none", ecolor="black", elinewidth=0.9, capsize=2
        )


def _draw_residual(axes: "Axes", energy: Floats, fit: Fit) -> None:
    """Measured minus envelope, in standard deviations if they are known."""
    values = fit.residual
    if fit.sigma is not None:
        known = np.divide(values, fit.sigma, where=fit.sigma > 0, out=np.full_like(values, np.nan))
        values = _shown(xr.DataArray(known)).values
    limit = 1.2 * float(np.nanmax(np.abs(values), initial=0.0 if fit.sigma is None else 2.5))
    if fit.sigma is not None:
        axes.axhspan(-2, 2, color="0.92", lw=0, zorder=0)
    axes.axhline(0.0, color="black", lw=0.8)
    axes.plot(energy, values, "o-", ms=1.8, lw=0.5, color="0.35")
    if limit > 0:
        axes.set_ylim(-limit, limit)
    axes.set_ylabel("Residual" if fit.sigma is None else "Residual\n(\N{GREEK SMALL LETTER SIGMA})")


def _label_axes(upper: "Axes", lower: "Axes | None", scale: str, units: str, title: str) -> None:
    """Labels, ticks and directions of the axes."""
    size = _font_size(upper)
    bottom = upper if lower is None else lower
    bottom.set_xlabel(f"{scale.capitalize()} energy (eV)")
    upper.set_ylabel(f"Intensity ({units})")
    upper.set_title(title, fontsize=size)
    for axes in {upper, bottom}:
        axes.minorticks_on()
        axes.tick_params(direction="in", top=True, right=True, which="both", labelsize=size)
        axes.locator_params(steps=[1, 2, 5, 10])
        axes.xaxis.label.set_fontsize(size)
        axes.yaxis.label.set_fontsize(size)
    if lower is not None:
        upper.tick_params(labelbottom=False)
        lower.locator_params(axis="y", nbins=4, prune="both")
        upper.figure.align_ylabels([upper, lower])
    upper.margins(x=0.0)
    if scale == "binding":
        upper.xaxis.set_inverted(True)


def _font_size(axes: "Axes") -> float:
    """Font size [pt]: 10 for a width of 6.4 inch; at least 7, which journals require."""
    width = axes.figure.bbox.width / axes.figure.dpi
    return float(np.clip(10.0 * width / 6.4, 7.0, 12.0))


def _add_legend(axes: "Axes", points: Points) -> None:
    """Place the legend in the corner that needs least room, and raise the top above it."""
    style: dict[str, Any] = {"frameon": False, "handlelength": 1.6}
    style["fontsize"] = 0.9 * _font_size(axes)
    low, high = axes.get_ylim()
    share = np.interp(points.energy, np.sort(axes.get_xlim()), [0.0, 1.0])
    if axes.xaxis.get_inverted():
        share = 1.0 - share
    needed: dict[tuple[str, int], float] = {}
    for columns in (1, 2) if len(axes.get_legend_handles_labels()[1]) > _LONG_LEGEND else (1,):
        legend = axes.legend(loc="upper left", ncols=columns, **style)
        axes.figure.figure.draw_without_rendering()
        box = legend.get_window_extent().transformed(axes.transAxes.inverted())
        reach = box.x1 + 0.03
        for place, under in (("upper left", share <= reach), ("upper right", share >= 1 - reach)):
            top = float(np.nanmax(points.counts[under], initial=low))
            needed[place, columns] = low + (top - low) / max(box.y0 - 0.04, 0.2)
    place, columns = min(needed, key=lambda key: needed[key])
    axes.set_ylim(low, max(high, needed[place, columns]))
    axes.legend(loc=place, ncols=columns, **style)


def names_in_survey(
    spectra: xr.DataArray, candidates: xr.Dataset, isel: Mapping[Any, int]
) -> list[tuple[float, str]]:
    """Energies and names of the peaks of one survey.

    Parameters
    ----------
    spectra : DataArray
        The survey; its scale is that of the energies.
    candidates : Dataset
        From `identify`.
    isel : mapping
        Index along each further dimension of the candidates.

    Returns
    -------
    list of (float, str)
        Energy [eV] and levels without j; "?" for a peak that nothing explains, "" for one that is
        no line of an element.

    Raises
    ------
    ValueError
        Where the candidates are those of several surveys.
    """
    found = candidates[["peak_energy", "peak_name"]].isel(isel, missing_dims="ignore")
    if found["peak_energy"].ndim != 1:
        raise ValueError(
            f"expected the candidates of one survey, got those over "
            f"{found['peak_energy'].dims[:-1]}; choose one of both with isel="
        )
    energy, names = found["peak_energy"].values, found["peak_name"].values
    if spectra.attrs["scale"] == "kinetic":
        energy = float(candidates.attrs["photon_energy"]) - energy
    return [
        (float(at), _short_name(str(name)))
        for at, name in zip(energy, names, strict=True)
        if np.isfinite(at)
    ]


def _short_name(name: str) -> str:
    """Levels of the lines of a peak, without j; "?" where nothing explains it."""
    if not name:
        return "?"
    words = [one for one in name.split(", ") if one[0].isupper()]
    levels = [re.sub(r"[1357]/2$", "", one) for one in words]
    return ", ".join(dict.fromkeys(levels))


def _name_lines(axes: "Axes", points: Points, lines: list[tuple[float, str]]) -> None:
    """Names above the peaks of a survey, one color for each element."""
    axes.lines[0].set(linestyle="-", linewidth=0.7, marker="")
    lines = sorted(one for one in lines if one[1])
    # The lines of a doublet have one name.
    lines = [
        (at, name)
        for k, (at, name) in enumerate(lines)
        if k == 0 or name != lines[k - 1][1] or at - lines[k - 1][0] > _ONE_NAME
    ]
    if not lines:
        return
    size = 0.8 * _font_size(axes)
    energy = np.array([at for at, _ in lines])
    near = np.abs(points.energy - energy[:, None]) < _ONE_PEAK
    tops = np.where(near, np.nan_to_num(points.counts), -np.inf).max(axis=1)
    low, high = float(np.nanmin(points.counts)), float(np.nanmax(points.counts))
    room = high - low
    # Texts side by side: each a line of text away from the one before.
    pixels = axes.get_window_extent().width
    gap = 1.3 * size * axes.figure.dpi / 72 / max(pixels, 1.0) * float(np.ptp(points.energy))
    places = energy.copy()
    for k in range(1, places.size):
        places[k] = max(places[k], places[k - 1] + gap)
    colors = dict(zip(dict.fromkeys(name.split()[0] for _, name in lines), cycle(PALETTE)))
    for at, place, top, (_, name) in zip(energy, places, tops, lines, strict=True):
        color = "0.4" if name == "?" else colors[name.split()[0]]
        axes.annotate(
            name, (at, top + 0.01 * room), (place, top + 0.08 * room), rotation=90, color=color,
            fontsize=size, ha="center", va="bottom",
            arrowprops={"arrowstyle": "-", "lw": 0.6, "color": color, "shrinkA": 1, "shrinkB": 0},
        )  # fmt: skip
    axes.set_ylim(low - 0.03 * room, high + 0.35 * room)
