"""What a reader of published peak fits wants to know, in one document.

The standard is ISO 19830:2015 (minimum reporting requirements for peak fitting in X-ray
photoelectron spectroscopy). The contents: spectrum, background and its range, line shapes,
constraints and links, parameters with errors, residual; and the software. What neither the file nor
the fit states is listed as "not stated", for the author to add.
"""

import io
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import array, check, choice, fitted_peaks, optional
from xpsnet.arguments import path as path_rule
from xpsnet.chemistry.report_formats import (
    EMBEDDING,
    FORMATS,
    Block,
    Facts,
    Heading,
    Picture,
    Rows,
)
from xpsnet.chemistry.report_quantities import quantified_rule, quantities
from xpsnet.data.constraints import Constraint
from xpsnet.data.links import split_name
from xpsnet.data.number_texts import with_error
from xpsnet.data.peak_arrays import CURVE
from xpsnet.data.peak_settings import (
    enabled_rows,
    has_settings,
    stored_constraints,
    stored_shared,
    without_disabled,
)
from xpsnet.data.peaks import line_shapes_of
from xpsnet.data.spectrum import check_spectra
from xpsnet.data.status import Status, sentence_of
from xpsnet.fitting.model.doublets import stored_doublets
from xpsnet.fitting.residual import residual
from xpsnet.io.common.atomic_write import describing_failure, write_file
from xpsnet.io.common.paths import check_place
from xpsnet.numerics.noise import interval_reach
from xpsnet.numerics.peak_shapes import shape_names
from xpsnet.plotting import plot

__all__ = ["report"]

Floats = npt.NDArray[np.float64]

_NOT_STATED = "not stated"
_DPI = 200
_LEVEL = 0.95
_PACKAGES = ("numpy", "scipy", "xarray", "lmfit", "numba", "onnxruntime", "matplotlib")

# Always listed: (attribute of the spectra, name, unit).
_MEASUREMENT = (
    ("instrument", "Instrument", ""),
    ("x_ray_source", "X-ray source", ""),
    ("photon_energy", "Photon energy", "eV"),
    ("pass_energy", "Pass energy", "eV"),
    ("dwell_time", "Dwell time", "s"),
    ("n_scans", "Number of scans", ""),
    ("charge_reference", "Charge reference", ""),
    ("charge_shift", "Charge shift subtracted from the measured energies", "eV"),
    ("energy_offset", "Offset added to the energies of the file", "eV"),
    ("satellites_removed", "X-ray satellites removed for", ""),
)
_OTHERWISE = {"energy_offset": "none", "satellites_removed": "none"}
_LISTED_ELSEWHERE = {"scale", "units", "sample", "source_file", "columns"}
# Parts of the peaks' attributes that this report says in words.
_SAID = {
    *("units", "scale", "region", "model", "model_version", "constraints", "links", "shared"),
    *("background", "background_choice", "energy_range", "xpsnet_version", "line_shape"),
    *("model_choices", "model_choice_text", "doublets"),
    *("noise_gain", "noise_floor", "noise_dof", "noise_density", "transmission"),
}
# Facts that a short report gives.
_NEEDED = {
    *(name for _, name, _ in _MEASUREMENT if name not in ("Dwell time", "Number of scans")),
    *("Fit", "Choice of the model", "Fitted range", "Note"),
    *("Reduced chi-square", "Abbe criterion of the residual", "Model of the noise"),
}
_LONGEST = 300  # characters of a setting of another program

_QUANTITIES = ("center", "fwhm", "height", "area", "fraction", "asymmetry", "exponent_high",
               "exponent_low", "damping", "gaussian_fwhm")  # fmt: skip
_WORDS = {
    "center": "center",
    "fwhm": "FWHM",
    "fraction": "Lorentzian share",
}
_ERRORS = (
    "Values are given with their standard errors, which follow from the noise stated below. "
    "A value without an error is held or linked, stands at a limit, or is not determined by the "
    "data."
)
_NO_ERRORS = "The source of these peaks states no errors."
_SPREADS = "Values are given with the uncertainties that the network states; nothing was fitted."


def report(
    spectra: xr.DataArray | Sequence[xr.DataArray],
    peaks: xr.Dataset | Sequence[xr.Dataset],
    path: str | os.PathLike[str],
    *,
    quantified: xr.Dataset | None = None,
    detail: Literal["full", "short"] = "full",
    dim: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write a report on fits: how was measured, how was fitted, and what came out.

    The report holds what a publication should state of a peak fit (the standard is ISO 19830:2015):
    the spectrum and its settings, the method, line shapes, background and its range, constraints
    and links, all parameters with standard errors, the residual, the model of the noise, and the
    versions of the software, with the figure. "not stated" stands where neither the file nor the
    fit knows an item. Of several spectra (a map, a profile) it gives the mean spectrum and medians.

    Parameters
    ----------
    spectra : DataArray or sequence of DataArray
        One spectrum or several; of a sequence every member becomes a section.
    peaks : Dataset or sequence of Dataset
        From `predict`, `refine`, `fit` or `read_fit`, for each of `spectra`.
    path : path
        Ends with .html (one file with its figures), or with .md or .txt, beside which the figures
        are stored as NAME.png, or as NAME_1.png, NAME_2.png of several.
    quantified : Dataset, optional
        From `quantify` on these peaks: the report states the atomic fractions with both errors,
        and the factors, transmission and mean free paths that were used.
    detail : {"full", "short"}
        "short" is for the supplement of a paper: of each region the figure, the table of the peaks,
        and what a reader needs to repeat the fit. "full" holds all settings, for an auditor.
    dim : str, optional
        The energy dimension, if its name and units do not show that it is one.
    overwrite : bool
        Whether to replace files of these names.

    Raises
    ------
    ValueError
        If the extension is unknown or the peaks do not belong to the spectra.
    FileExistsError
        If the report or one of its figures exists.
    OSError
        If the system does not let it be written.

    See Also
    --------
    plot, write

    Examples
    --------
    >>> import tempfile, xpsnet
    >>> from pathlib import Path
    >>> spectrum = xpsnet.sample("spectrum")
    >>> path = Path(tempfile.mkdtemp()) / "C 1s.md"
    >>> xpsnet.report(spectrum, xpsnet.predict(spectrum), path)
    >>> print(path.read_text(encoding="utf-8").splitlines()[0])
    # Peak fit of C 1s (spectrum)
    >>> sorted(file.name for file in path.parent.iterdir())
    ['C 1s.md', 'C 1s.png']
    """
    check(
        locals(),
        path=path_rule,
        quantified=optional(quantified_rule),
        detail=choice("full", "short"),
    )
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise ValueError(
            f"expected a file name that ends with one of {', '.join(FORMATS)}, got {path.name!r}; "
            f"add the extension of the format"
        )
    pairs = _pairs(spectra, peaks, dim)
    names = [f"{path.stem}.png"]
    if len(pairs) > 1:
        names = [f"{path.stem}_{i}.png" for i in range(1, len(pairs) + 1)]
    beside = [] if suffix in EMBEDDING else [path.with_name(name) for name in names]
    _check_targets([path, *beside], overwrite=bool(overwrite))
    blocks = list(_document(pairs, names, quantified, _SECTIONS[detail]))
    pictures = [one for one in blocks if isinstance(one, Picture)]
    for target, picture in zip(beside, pictures, strict=bool(beside)):
        write_file(target, picture.content)
    write_file(path, FORMATS[suffix](blocks).encode("utf-8", errors="backslashreplace"))


def _pairs(
    spectra: xr.DataArray | Sequence[xr.DataArray],
    peaks: xr.Dataset | Sequence[xr.Dataset],
    dim: str | None,
) -> list[tuple[xr.DataArray, xr.Dataset]]:
    """Spectra and peaks that belong together."""
    several: list[Any] = list(spectra) if isinstance(spectra, list | tuple) else [spectra]
    fits: list[Any] = list(peaks) if isinstance(peaks, list | tuple) else [peaks]
    for one in several:
        array("spectra", one)
    for fit in fits:
        fitted_peaks("peaks", fit)
    if not several or len(several) != len(fits):
        raise ValueError(
            f"expected peaks for each of the spectra, got {len(several)} arrays of spectra and "
            f"{len(fits)} of peaks"
        )
    return [(check_spectra(a, dim=dim), b) for a, b in zip(several, fits, strict=True)]


def _check_targets(paths: list[Path], *, overwrite: bool) -> None:
    """Refuse a place without a folder, and files that exist."""
    for path in paths:
        with describing_failure(path):
            check_place(path, overwrite=overwrite)


def _document(
    pairs: list[tuple[xr.DataArray, xr.Dataset]],
    files: list[str],
    quantified: xr.Dataset | None,
    section: Callable[[xr.DataArray, xr.Dataset], Iterator[Block]],
) -> Iterator[Block]:
    """Everything from title to versions."""
    titles = [_region(spectra, peaks) for spectra, peaks in pairs]
    yield Heading(1, f"Peak fit of {', '.join(dict.fromkeys(titles))}")
    for (spectra, peaks), title, file in zip(pairs, titles, files, strict=True):
        yield Heading(2, title)
        several = peaks["status"].ndim > 0
        what = "mean of all spectra" if several else "measured points"
        yield Picture(
            file,
            _png(spectra, peaks),
            f"{title}: {what}, background, peaks, envelope, and residual in standard deviations.",
        )
        yield from section(spectra, peaks)
    if quantified is not None:
        yield from quantities(quantified)
    yield Heading(2, "Software")
    yield Facts(list(_software(pairs[0][1])))


def _region(spectra: xr.DataArray, peaks: xr.Dataset) -> str:
    """Name of a region, with its sample where one is known."""
    region = str(spectra.name or peaks.attrs.get("region", "")) or "unnamed region"
    sample = str(spectra.attrs.get("sample", ""))
    return f"{region} ({sample})" if sample and len(sample) < 60 and sample != region else region


def _full_section(spectra: xr.DataArray, peaks: xr.Dataset) -> Iterator[Block]:
    """Report on one region."""
    yield Heading(3, "Spectrum")
    yield Facts(list(_measurement(spectra)))
    yield Heading(3, "Method")
    yield Facts(list(_method(peaks)))
    yield Heading(3, "Background")
    yield Facts(list(_background(peaks)))
    yield Heading(3, "Line shapes and constraints")
    yield Facts(list(_shapes(peaks)))
    yield from _constraints(peaks)
    yield Heading(3, "Peaks")
    yield from _peak_table(peaks)
    yield Heading(3, "Residual and noise")
    yield Facts(list(_residual(spectra, peaks)))
    names = [key for key in peaks.attrs if key not in _SAID and key not in spectra.attrs]
    if names:
        yield Heading(3, "Further settings that the peaks carry")
        yield Facts([(str(key), _short(peaks.attrs[key])) for key in names])


def _short_section(spectra: xr.DataArray, peaks: xr.Dataset) -> Iterator[Block]:
    """What a supplement says of one region."""
    yield from _peak_table(peaks)
    measured = [fact for fact in _measurement(spectra) if fact[0] in _NEEDED]
    method = [fact for fact in _method(peaks) if fact[0] in _NEEDED or fact[0].startswith("Result")]
    background = str(peaks.attrs.get("background_choice") or peaks.attrs["background"])
    quality = [fact for fact in _residual(spectra, peaks) if fact[0] in _NEEDED]
    stated = [fact for fact in measured if fact[1] not in (_NOT_STATED, "none")]
    yield Facts([*stated, *method, ("Background", background), *_shapes(peaks), *quality])
    if has_settings(peaks) and stored_constraints(peaks):
        yield from _constraints(peaks)


_SECTIONS = {"full": _full_section, "short": _short_section}


def _peak_table(peaks: xr.Dataset) -> Iterator[Block]:
    """Table of the peaks, of several spectra that of the medians."""
    return _medians(peaks) if peaks["status"].ndim else _parameters(peaks)


def _png(spectra: xr.DataArray, peaks: xr.Dataset) -> bytes:
    """The figure."""
    made = io.BytesIO()
    plot(spectra, peaks, title="").savefig(made, format="png", dpi=_DPI)
    return made.getvalue()


def _measurement(spectra: xr.DataArray) -> Iterator[tuple[str, str]]:
    """Region, axis and settings."""
    attrs = spectra.attrs
    yield "Region", str(spectra.name or _NOT_STATED)
    yield "Sample", _short(attrs.get("sample", _NOT_STATED))
    yield "File", Path(str(attrs.get("source_file", _NOT_STATED))).name
    energy = spectra["energy"].values
    steps = np.abs(np.diff(energy))
    sizes = [f"{size:,} along {dim}" for dim, size in spectra.sizes.items() if dim != "energy"]
    yield "Spectra", ", ".join(sizes) or "1"
    scale = str(attrs.get("scale", ""))
    yield "Energy scale", f"{scale} energy" if scale else _NOT_STATED
    low, high, step = energy.min(), energy.max(), float(np.median(steps))
    yield "Measured range", f"{low:.2f} to {high:.2f} eV, {energy.size} points, step {step:.3g} eV"
    yield "Intensity", str(attrs.get("units", _NOT_STATED))
    for key, name, unit in _MEASUREMENT:
        value = attrs.get(key)
        if value is None and key in spectra.coords:
            each = spectra[key].values
            yield name, f"{np.nanmedian(each):.4g} {unit}, median of all spectra"
        elif value is None:
            yield name, _OTHERWISE.get(key, _NOT_STATED)
        else:
            yield name, f"{_short(value)} {unit}".rstrip()
    named = {key for key, _, _ in _MEASUREMENT} | _LISTED_ELSEWHERE
    for key, value in attrs.items():
        if key not in named:
            yield str(key), _short(value)


def _short(value: Any) -> str:
    """A value as one line that is not too long."""
    shown = f"{value:.10g}" if isinstance(value, float) else " ".join(str(value).split())
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


def _method(peaks: xr.Dataset) -> Iterator[tuple[str, str]]:
    """How the peaks were found."""
    fitted = "center_stderr" in peaks
    by_hand = peaks["status"].ndim == 0 and int(peaks["status"]) == Status.NOT_DONE
    if by_hand:
        how = "changed by hand after the last fit, and not fitted since"
    elif fitted:
        how = "least squares, every point weighted with its noise"
    elif "center_spread" in peaks:
        how = "prediction of a neural network; nothing was fitted by least squares"
    else:
        how = "values from a file or by hand; not fitted here"
    yield "Fit", how
    name = str(peaks.attrs.get("model", ""))
    if name:
        word = "Start values" if fitted else "Source"
        number = peaks.attrs.get("model_version")
        yield word, f"network {name}, version {number}" if number else name
    if "model_choice_text" in peaks.attrs:
        yield "Choice of the model", str(peaks.attrs["model_choice_text"])
    low, high = (float(end) for end in peaks.attrs["energy_range"])
    yield "Fitted range", f"{low:.2f} to {high:.2f} eV ({peaks.attrs['scale']} energy)"
    if peaks["status"].ndim == 0:
        yield "Result", sentence_of(peaks, int(peaks["status"]))
        yield from (("Note", text) for text in _further_flags(peaks))
        return
    codes, counts = np.unique(peaks["status"].values, return_counts=True)
    for code, number in zip(codes, counts, strict=True):
        yield f"Result of {number:,} spectra", sentence_of(peaks, int(code))


def _further_flags(peaks: xr.Dataset) -> list[str]:
    """Sentences of everything that applies beside the most severe status."""
    if "status_flags" not in peaks:
        return []
    flags, first = int(peaks["status_flags"]), int(peaks["status"])
    return [sentence_of(peaks, int(s)) for s in Status if s.flag & flags and int(s) != first]


def _background(peaks: xr.Dataset) -> Iterator[tuple[str, str]]:
    """Kind, range and parameters."""
    name = str(peaks.attrs["background"])
    choice = str(peaks.attrs.get("background_choice", ""))
    if name == CURVE:
        yield "Kind", choice or "a given curve"
        made = "computed before the fit and held"
        yield "Fit", made if "center_stderr" in peaks else "given with the peaks; not fitted here"
    else:
        yield "Kind", name
        if choice:
            yield "Choice", choice
        yield (
            "Fit",
            "together with the peaks" if has_settings(peaks) else "at the centers and widths given",
        )
        yield "Averaging at the ends", "none: all points of the range determine the background"
    low, high = (float(end) for end in peaks.attrs["energy_range"])
    yield "Range", f"{low:.2f} to {high:.2f} eV"
    for key, variable in peaks.data_vars.items():
        if str(key).startswith("background_") and not str(key).endswith("_stderr"):
            errors = peaks.get(f"{key}_stderr")
            text = str(variable.attrs.get("long_name", key))
            if variable.ndim:
                value = f"{_median(variable.values):.4g} {_unit(variable)}".rstrip()
                yield text, f"{value}, median of all spectra"
            else:
                value = with_error(float(variable), np.nan if errors is None else float(errors))
                yield text, f"{value} {_unit(variable)}".rstrip()


def _unit(variable: xr.DataArray) -> str:
    """Unit, empty for plain numbers."""
    unit = str(variable.attrs.get("units", ""))
    return "" if unit == "1" else unit


def _shapes(peaks: xr.Dataset) -> Iterator[tuple[str, str]]:
    """Line shapes, and what peaks have in common."""
    names = shape_names(line_shapes_of(peaks), peaks.sizes["peak"])
    for shape in dict.fromkeys(names):
        where = [str(i + 1) for i, name in enumerate(names) if name == shape]
        all_of_them = len(where) == len(names)
        whose = "All peaks" if all_of_them else f"Peaks {', '.join(where)}"
        yield whose, f"{shape.replace('_', '-')} lines"
    if has_settings(peaks) and (shared := stored_shared(peaks)):
        words = ", ".join(_WORDS.get(name, name.replace("_", " ")) for name in shared)
        yield "The same for all peaks of a spectrum", words
    for one in stored_doublets(peaks):
        yield "Doublet", str(one)
    off = [str(i + 1) for i, used in enumerate(enabled_rows(peaks)) if not used]
    if off:
        yield "Switched off, not part of the fit", f"peak {', '.join(off)}"


def _constraints(peaks: xr.Dataset) -> Iterator[Block]:
    """Table of what was held, limited or linked."""
    rules = stored_constraints(peaks) if has_settings(peaks) else {}
    if not rules:
        yield "No limits, no links and no held values are stored with these peaks."
        return
    rows = [_rule(name, rule) for name, rule in sorted(rules.items(), key=_by_peak)]
    yield Rows(("peak", "parameter", "constraint"), rows, words=True)


def _by_peak(entry: tuple[str, Constraint]) -> tuple[int, str]:
    """Order of constraints."""
    parameter, peak = split_name(entry[0])
    return -1 if peak is None else peak, parameter


def _rule(name: str, rule: Constraint) -> tuple[str, str, str]:
    """One constraint in words."""
    parameter, peak = split_name(name)
    whose = "all" if peak is None else str(peak + 1)
    words = _WORDS.get(parameter, parameter.replace("_", " "))
    if isinstance(rule, str):
        return whose, words, f"linked: = {rule}"
    if isinstance(rule, int | float):
        said = f"held at {rule:.7g}"
    else:
        low, high = rule
        first = "" if low is None else f"at least {low:.7g}"
        last = "" if high is None else f"at most {high:.7g}"
        said = ", ".join(part for part in (first, last) if part) or "free"
    return whose, words, f"{said} eV" if parameter in ("center", "fwhm") else said


def _parameters(peaks: xr.Dataset) -> Iterator[Block]:
    """Table of the peaks of one spectrum."""
    peaks = without_disabled(peaks)
    rows, names = np.flatnonzero(np.isfinite(peaks["center"].values)), _columns(peaks)
    if not len(rows):
        yield "There is no peak."
        return
    area = peaks["area"].values[rows]
    header = ["peak", *(_heading(peaks[name]) for name in names), "area [%]"]
    cells = []
    for i, share in zip(map(int, rows), 100 * area / np.nansum(area), strict=True):
        values = [with_error(float(peaks[name][i]), _error(peaks, name, i)) for name in names]
        cells.append([_label(peaks, i), *values, f"{share:.1f}" if np.isfinite(share) else "-"])
    yield Rows(header, cells)
    if "center_stderr" in peaks:
        yield _ERRORS
    else:
        yield _SPREADS if "center_spread" in peaks else _NO_ERRORS
    dof = float(peaks["dof_noise"]) if "dof_noise" in peaks else np.nan
    if dof > 0 and "center_stderr" in peaks:
        yield (
            f"The {_LEVEL:.0%} interval of a value is value ± {interval_reach(dof, _LEVEL):.2f} x "
            f"standard error (Student's t with {dof:.0f} degrees of freedom of the noise)."
        )


def _medians(peaks: xr.Dataset) -> Iterator[Block]:
    """Table of the peaks of several spectra."""
    peaks, names = without_disabled(peaks), _columns(peaks)
    rows = []
    for i in range(peaks.sizes["peak"]):
        here = peaks.isel(peak=i)
        number = int(np.isfinite(here["center"].values).sum())
        if number:
            rows.append([_label(peaks, i), f"{number:,}", *(_spread(here, name) for name in names)])
    if not rows:
        yield "There is no peak in any spectrum."
        return
    yield Rows(["peak", "spectra", *(_heading(peaks[name]) for name in names)], rows)
    yield (
        "Medians over the spectra that have the peak, with the 16 % and 84 % quantiles in brackets "
        "and, after ±, the median standard error."
    )


def _spread(peaks: xr.Dataset, name: str) -> str:
    """Median, central 68 % and median error of one quantity of one peak over spectra."""
    values = peaks[name].values
    if not np.isfinite(values).any():
        return "-"
    low, middle, high = np.nanquantile(values, (0.16, 0.5, 0.84))
    errors = peaks[f"{name}_stderr"].values if f"{name}_stderr" in peaks else np.array([np.nan])
    error = float(np.nanmedian(errors)) if np.isfinite(errors).any() else np.nan
    return f"{with_error(float(middle), error)} [{low:.5g}, {high:.5g}]"


def _columns(peaks: xr.Dataset) -> list[str]:
    """Quantities that any peak has."""
    known = [name for name in _QUANTITIES if name in peaks]
    return [name for name in known if np.isfinite(peaks[name].values).any()]


def _label(peaks: xr.Dataset, i: int) -> str:
    """Number of a peak, and its name."""
    label = str(peaks["label"].values[i]) if "label" in peaks else ""
    return f"{i + 1} {label}".rstrip()


def _heading(variable: xr.DataArray) -> str:
    """Name and unit of a quantity."""
    name = str(variable.name)
    unit = _unit(variable)
    words = _WORDS.get(name, name.replace("_", " "))
    return f"{words} [{unit}]" if unit else words


def _error(peaks: xr.Dataset, name: str, i: int) -> float:
    """Standard error, or the uncertainty that the network states, or NaN."""
    for suffix in ("_stderr", "_spread"):
        if f"{name}{suffix}" in peaks:
            return float(peaks[f"{name}{suffix}"][i])
    return np.nan


def _residual(spectra: xr.DataArray, peaks: xr.Dataset) -> Iterator[tuple[str, str]]:
    """Quality of the fit, and the noise that weights the points."""
    left = residual(spectra, peaks)
    rest = left["residual"].values.astype(np.float64)
    several = rest.ndim > 1
    ending = ", median of all spectra" if several else ""
    given = peaks["redchi"].values if "redchi" in peaks else left["redchi"].values
    yield "Reduced chi-square", f"{_median(given):.3g}{ending}"
    yield "Points in the range", f"{rest.shape[-1]}"
    spread = _median(np.nanstd(rest, axis=-1)) if np.isfinite(rest).any() else np.nan
    yield "Standard deviation of the residual", f"{spread:.3g} x that of the noise{ending}"
    yield (
        "Abbe criterion of the residual",
        f"{_median(abbe(rest)):.2f}{ending} (1 for noise of independent points; near 0 where the "
        f"residual has a shape)",
    )
    units = str(spectra.attrs.get("units", "counts"))
    noise = _median(left["sigma"].values)
    yield "Noise of a point", f"{noise:.4g} {units}, median"
    attrs = peaks.attrs
    if "noise_gain" in attrs:
        gain, floor = float(attrs["noise_gain"]), float(attrs.get("noise_floor", 0.0))
        yield "Model of the noise", f"variance = {floor:.4g} + {gain:.4g} x smoothed {units}"
        yield "Degrees of freedom of the noise", f"{float(attrs['noise_dof']):.0f}"
        density = float(attrs.get("noise_density", 1.0))
        yield (
            "Correlation of neighboring points",
            ("none" if density == 1 else f"errors are larger by the factor {np.sqrt(density):.3g}"),
        )
    else:
        yield "Model of the noise", "from differences of neighboring points"


def _median(values: npt.ArrayLike) -> float:
    """Median of what is known; NaN of nothing."""
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    return float(np.median(known)) if known.size else np.nan


def abbe(values: npt.ArrayLike) -> Floats:
    """Abbe criterion along the last axis, without what is not finite.

    Half the sum of squared differences of neighbors over the sum of squared deviations from the
    mean: 1 for independent numbers, towards 0 for a smooth curve, 2 for alternating numbers. NaN
    for fewer than three numbers and for equal ones.

    Parameters
    ----------
    values : array_like, shape (..., n)

    Returns
    -------
    ndarray, shape (...)
    """
    values = np.asarray(values, dtype=np.float64)
    rows = values.reshape(-1, values.shape[-1])
    found = np.full(len(rows), np.nan)
    for i, row in enumerate(rows):
        known = row[np.isfinite(row)]
        deviation = ((known - known.mean()) ** 2).sum() if known.size > 2 else 0.0
        if deviation > 0:
            found[i] = 0.5 * (np.diff(known) ** 2).sum() / deviation
    return found.reshape(values.shape[:-1])


def _software(peaks: xr.Dataset) -> Iterator[tuple[str, str]]:
    """Versions of what fitted and of what wrote the report."""
    from xpsnet import __version__

    yield "Peaks made with napari-xpsnet", str(peaks.attrs.get("xpsnet_version", _NOT_STATED))
    yield "Report written with napari-xpsnet", str(__version__)
    yield "Python", platform.python_version()
    for name in _PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue
