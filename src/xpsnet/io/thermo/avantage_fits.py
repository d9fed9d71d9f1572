"""Fits in Avantage's exports to Excel: the table of peaks and the fitted curves.

The table, a "Peak Table" or a sheet of quantifications, states position, width and area of each
peak, mostly its height, but not its Lorentzian share: that is found from the fitted curve. The
curves are zero outside of the fitted window, which means no value there.
"""

import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.peak_settings import setting_attributes
from xpsnet.data.peaks import Status, make_peaks
from xpsnet.io import ole_file
from xpsnet.io.common.energy_axis import axis_problem
from xpsnet.io.common.errors import refusal, shown
from xpsnet.io.common.file_bytes import read_bytes, read_head
from xpsnet.io.common.region_names import region_name
from xpsnet.io.common.vendor_peaks import static_kind
from xpsnet.io.tables.excel import MAX_BYTES, ZIP, read_workbook
from xpsnet.io.tables.stored_peaks import from_workbook
from xpsnet.io.thermo.avantage_excel import Region, find_regions
from xpsnet.io.thermo.peak_tables import MAX_PEAKS, Peak, find_peaks
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.xpsnet_warning import XpsnetWarning

NAME = "Excel export of Avantage"
Floats = npt.NDArray[np.float64]

_MIN_POINTS = 5
_MAX_COMPARED = 2000  # points at which a line and a curve are compared
_SHARES = np.linspace(0.0, 1.0, 101)
_USUAL_SHARE = 0.3  # Lorentzian share of the height where nothing states one
_MAX_MISFIT = 0.03  # of the height; more is no line of these shapes
_SHAPES = ("gl_product", "pseudo_voigt")
# Area of a line of unit height and width [1]: Gaussian and Lorentzian.
_GAUSS_AREA, _LORENTZ_AREA = np.sqrt(np.pi / np.log(16.0)), np.pi / 2


def read_fits(path: Path) -> list[xr.Dataset]:
    """Read the fits of a workbook that Avantage has exported, or that `write` has stored.

    Parameters
    ----------
    path : Path
        `.xls` or `.xlsx`.

    Returns
    -------
    list of Dataset
        Peaks, one per sheet with rows in the peak table. Centers, widths and heights
        are those of the table; `background` (energy) is the background curve on the fitted
        window, `vendor_area` (peak) and `atomic_percent` (peak) are what Avantage made of it with
        the factors `sensitivity_factor` (peak).

    Raises
    ------
    ReadError
        If the file is damaged or holds no peak table.

    Warns
    -----
    XpsnetWarning
        Of peaks that our line shapes cannot express, and of such without a fitted curve.
    """
    if ole_file.sniff(read_head(path)):
        _check_workbook(path)
    sheets = read_workbook(path)
    stored = from_workbook(path, sheets)
    if stored:
        return stored
    regions = [r for r in find_regions(sheets) if r.counts.ndim == 1]
    regions = [r for r in regions if not axis_problem(r.energy)]
    peaks = [peak for sheet in sheets for peak in find_peaks(sheet)]
    notes: list[str] = []
    measured: list[str] = []
    fits = []
    for region, own in _assigned(regions, peaks[:MAX_PEAKS], notes):
        fit = _fit(path, region, own, notes, measured)
        if fit is not None:
            fits.append(fit)
    if not fits:
        raise refusal(
            path, expected="a table of peaks with their sheets",
            got=f"{len(peaks)} peaks and {len(regions)} sheets of spectra",
            advice="export the peak table together with the spectra",
        )  # fmt: skip
    if measured:
        notes.append(
            f"no fitted curves in {', '.join(map(repr, measured))}: position, height and width of "
            f"the peaks were measured, and the Lorentzian share follows from the area"
        )
    for note in notes:
        warnings.warn(f"{path}: {note}", XpsnetWarning, stacklevel=3)
    return fits


def sniff(head: bytes) -> bool:
    """Whether this may be a workbook."""
    return ole_file.sniff(head) or head.startswith(ZIP)


def _check_workbook(path: Path) -> None:
    """Refuse an OLE file that is no workbook."""
    with ole_file.Streams(path, read_bytes(path, MAX_BYTES)) as streams:
        if not ole_file.WORKBOOKS & set(streams.names):
            raise refusal(
                path, expected="a workbook with a table of peaks", got="another OLE file",
                advice="export the spectra with their peak table from Avantage to Excel",
            )  # fmt: skip


def _assigned(
    regions: list[Region], peaks: list[Peak], notes: list[str]
) -> list[tuple[Region, list[Peak]]]:
    """Peaks of each sheet, by column, title, name or place."""
    assigned: dict[int, list[Peak]] = {}
    usual = [region_name(region.sheet) for region in regions]
    for peak in peaks:
        own = region_name(peak.name)
        scores = [_likeness(r, peak, u, own) for r, u in zip(regions, usual, strict=True)]
        best = int(np.argmax(scores)) if scores else -1
        if best < 0 or scores[best] == 0:
            notes.append(f"peak {shown(peak.name)} is left out: no sheet of spectra belongs to it")
        else:
            assigned.setdefault(best, []).append(peak)
    return [(regions[i], assigned[i]) for i in sorted(assigned)]


def _likeness(region: Region, peak: Peak, other: str, own: str) -> int:
    """How surely a peak belongs to a sheet; 0 if it cannot; with both usual names."""
    low, high = sorted((region.energy[0], region.energy[-1]))
    if (region.scale or peak.scale) != peak.scale or not low <= peak.center <= high:
        return 0
    if peak.name in region.components:
        return 5
    title = str(peak.others.get("title", "")).strip().lower()
    if title and title == region.sheet.lower():
        return 4
    if title and region_name(title) == other:
        return 4
    if peak.name.lower().startswith(region.sheet.lower()) or own == other:
        return 3
    return 1 if other != "survey" and not title else 0


def _fit(
    path: Path, region: Region, peaks: list[Peak], notes: list[str], measured: list[str]
) -> xr.Dataset | None:
    """Peaks Dataset of one sheet."""
    named = {_plain_name(name) for name in region.components}
    peaks = [peak for peak in peaks if _plain_name(peak.name) in named] or peaks
    window = _window(region)
    energy = region.energy[window]
    if energy.size < _MIN_POINTS:
        notes.append(f"sheet {region.sheet!r} is left out: its curves are zero everywhere")
        return None
    drawn = region.background
    background = None if drawn is None else np.nan_to_num(drawn[window])
    base = np.zeros(energy.size) if background is None else background
    curves = {name: np.nan_to_num(curve[window]) for name, curve in region.components.items()}
    lines = _lines_of(peaks, curves, energy, base)
    peaks = [_with_height(*both, background) for both in zip(peaks, lines, strict=True)]
    found = [line for line in lines if line is not None]
    if len(found) == len(peaks):
        line_shape, shares = _line_shape(energy, found, base, peaks, notes)
    else:
        measured.append(region.sheet)
        line_shape, shares = "pseudo_voigt", [_share_of_area(peak) for peak in peaks]
    kinds = sorted({str(peak.others.get("background", "")).strip() for peak in peaks} - {""})
    fit = make_peaks(
        energy, (), scale=region.scale or peaks[0].scale, line_shape=line_shape,
        background="none" if background is None else "curve", background_parameters={},
        background_curve=background, status=Status.OK,
        parameters={
            "center": [peak.center for peak in peaks],
            "fwhm": [peak.fwhm for peak in peaks],
            "height": [peak.height for peak in peaks],
            "fraction": shares,
        },
        label=[peak.name for peak in peaks],
        attrs={
            "units": region.units, "region": region_name(region.sheet), "source_file": path.name,
            "fitted_with": "Thermo Avantage", "background_in_file": ", ".join(kinds) or None,
            "background_kind": static_kind(" ".join(kinds)),
            "shared": "fraction" if len(set(shares)) == 1 else "", **setting_attributes({}),
        },
    )  # fmt: skip
    _add_vendor_results(fit, peaks, region.units)
    return fit


def _plain_name(name: str) -> str:
    """Name of a component as tables and curves both have it: "C1s A" and "C1s Scan A" are one."""
    return re.sub(r"scan|peak|[^\w]|_", "", name.lower())


def _lines_of(
    peaks: list[Peak], curves: dict[str, Floats], energy: Floats, base: Floats
) -> list[Floats | None]:
    """The fitted curve of each peak: that of its name, else the one whose maximum is there."""
    names = {_plain_name(name): curve for name, curve in curves.items()}
    keys = [_plain_name(peak.name) for peak in peaks]
    if len(set(keys)) == len(keys) and set(keys) <= set(names):
        return [names[key] for key in keys]
    lines: list[Floats | None] = [names.get(key) if keys.count(key) == 1 else None for key in keys]
    if len(peaks) != len(curves):
        return lines
    # As many curves as peaks: both in the order of their energies.
    maxima = sorted((float(energy[np.argmax(c - base)]), name) for name, c in curves.items())
    order = sorted(range(len(peaks)), key=lambda i: peaks[i].center)
    pairs = list(zip(order, maxima, strict=True))
    if any(abs(peaks[i].center - at) > peaks[i].fwhm for i, (at, _) in pairs):
        return lines
    for i, (_, name) in pairs:
        lines[i] = curves[name]
    return lines


def _with_height(peak: Peak, curve: Floats | None, background: Floats | None) -> Peak:
    """A peak with its height: as stated, else that of its curve, else from area and width."""
    if np.isfinite(peak.height):
        return peak
    usual = _GAUSS_AREA + _USUAL_SHARE * (_LORENTZ_AREA - _GAUSS_AREA)
    expected = peak.area / (usual * peak.fwhm)
    if curve is None:
        return replace(peak, height=expected)
    # Programs draw a component upon its background, or alone: its ends are near to it, or to zero.
    ends = np.array([0, -1])
    if background is not None and _distance(curve - background, ends) <= _distance(curve, ends):
        curve = curve - background
    height = float(curve.max())
    return replace(peak, height=height if height > 0 else expected)


def _distance(curve: Floats, places: npt.NDArray[np.intp]) -> float:
    """How far a curve is from zero at some places."""
    return float(np.abs(curve[places]).sum())


def _add_vendor_results(fit: xr.Dataset, peaks: list[Peak], units: str) -> None:
    """Keep the areas, factors and atomic shares of the table."""
    texts = {"units": f"{units} eV", "long_name": "Area as the vendor's program shows it"}
    fit["vendor_area"] = xr.Variable("peak", [peak.area for peak in peaks], texts)
    columns = {
        "atomic_percent": ("atomic_percent", "%", "Atomic share in the peak table"),
        "factor": ("sensitivity_factor", "1", "Sensitivity factor in the peak table"),
    }
    for column, (name, unit, long_name) in columns.items():
        cells = [peak.others.get(column, "") for peak in peaks]
        if any(isinstance(cell, float) for cell in cells):
            values = [cell if isinstance(cell, float) else np.nan for cell in cells]
            fit[name] = xr.Variable("peak", values, {"units": unit, "long_name": long_name})


def _window(region: Region) -> slice:
    """Points of the fitted window: zeros before and after it are no values."""
    curves = [*region.components.values()]
    if region.background is not None:
        curves.append(region.background)
    if not curves:
        return slice(0, region.energy.size)
    inside = np.flatnonzero((np.nan_to_num(curves) != 0).any(axis=0))
    return slice(inside[0], inside[-1] + 1) if inside.size else slice(0, 0)


def _line_shape(
    energy: Floats,
    curves: list[Floats],
    background: Floats,
    peaks: list[Peak],
    notes: list[str],
) -> tuple[str, list[float]]:
    """Line shape that follows the fitted curves best, and the Lorentzian share of each peak."""
    found = {
        shape: [
            _share(shape, energy, curve, background, peak)
            for peak, curve in zip(peaks, curves, strict=True)
        ]
        for shape in _SHAPES
    }
    best = min(_SHAPES, key=lambda shape: sum(misfit for _, misfit in found[shape]))
    for peak, (_, misfit) in zip(peaks, found[best], strict=True):
        if misfit > _MAX_MISFIT:
            notes.append(
                f"peak {shown(peak.name)} is no line shape of xpsnet (asymmetric or convolved): it "
                f"differs by {100 * misfit:.0f} % of its height"
            )
    return best, [share for share, _ in found[best]]


def _share(
    shape: str, energy: Floats, curve: Floats, background: Floats, peak: Peak
) -> tuple[float, float]:
    """Lorentzian share with the least misfit to a curve [of the height], and that misfit."""
    step = -(-energy.size // _MAX_COMPARED)
    energy, curve, background = (values[::step] for values in (energy, curve, background))
    stated = peak.others.get("share")
    shares = _SHARES if not isinstance(stated, float) else np.clip([stated / 100], 0.0, 1.0)
    sign = 1.0 if peak.scale == "binding" else -1.0
    lines = LINE_SHAPES[shape].value(
        sign * energy, np.full(shares.size, sign * peak.center), np.full(shares.size, peak.fwhm),
        np.ones(shares.size), shares,
    )  # fmt: skip
    # Programs draw a component upon its background, or alone.
    drawn = np.stack([curve - background, curve])[:, np.newaxis] / peak.height
    misfit = np.sqrt(np.mean((lines - drawn) ** 2, axis=-1)).min(axis=0)
    best = int(np.argmin(misfit))
    return float(shares[best]), float(misfit[best])


def _share_of_area(peak: Peak) -> float:
    """Lorentzian share of the height with which a line has the stated area."""
    area = peak.area / (peak.height * peak.fwhm)
    if not np.isfinite(area):
        return _USUAL_SHARE
    return float(np.clip((area - _GAUSS_AREA) / (_LORENTZ_AREA - _GAUSS_AREA), 0.0, 1.0))
