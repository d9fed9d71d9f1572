"""What the NeXus definition NXxps wants of an entry: experiment, settings and fit.

Names and allowed words are those of NXxps and NXmpes of the NeXus definitions v2026.01
(https://fairmat-nfdi.github.io/nexus_definitions/classes/applications/NXxps.html). Spectra seldom
know all that the definition requires: what is not known is left out, and named in `notes`.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.arguments import stated_number
from xpsnet.data.charge_shift import CHARGE_SHIFT, has_charge_shift
from xpsnet.data.level_names import parse_level
from xpsnet.data.peaks import curves

DEFINITION, DEFINITION_VERSION = "NXxps", "v2026.01"
_LEAST_X_RAY = 50.0  # photon energy [eV] above all lines of a helium lamp
_COLUMNS = ("angular dispersive", "spatial dispersive", "momentum dispersive", "non-dispersive")
_DISPERSIONS = (
    "tof", "hemispherical", "double hemispherical", "cylindrical mirror", "display mirror",
    "retarding grid",
)  # fmt: skip
_SCAN_MODES = {"FAT": "fixed_analyzer_transmission", "FRR": "fixed_retardation_ratio"}
_KNOWN_MODES = (*_SCAN_MODES.values(), "fixed_energy", "snapshot", "dither")
_SHAPES = {
    "gaussian": "Gaussian",
    "lorentzian": "Lorentzian",
    "voigt": "Voigt",
    "pseudo_voigt": "Gaussian-Lorentzian Sum",
    "gl_product": "Gaussian-Lorentzian Product",
    "doniach_sunjic": "Doniach-Sunjic",
}
_BACKGROUNDS = {"linear": "Linear", "shirley": "Shirley", "tougaard": "Tougaard"}
_PARAMETERS = {"center": "position", "fwhm": "width", "area": "area"}
_MAX_CURVES = 64 << 20  # bytes; more than that are made again when they are needed


def group(parent: Any, name: str, kind: str) -> Any:
    """Group with its class."""
    made = parent.create_group(name)
    made.attrs["NX_class"] = kind
    return made


def write_experiment(entry: Any, name: str, attrs: dict[str, Any]) -> list[str]:
    """Write title, time, instrument and sample; return which required ones are not known."""
    photon_energy = stated_number(attrs.get("photon_energy"))
    entry["definition"] = DEFINITION
    entry["definition"].attrs["version"] = DEFINITION_VERSION
    entry["title"] = name
    is_x_ray = photon_energy is None or photon_energy >= _LEAST_X_RAY
    entry["method"] = (
        "X-ray photoelectron spectroscopy (XPS)"
        if is_x_ray
        else "ultraviolet photoelectron spectroscopy (UPS)"
    )
    if (level := parse_level(name)) is not None:
        entry["transitions"] = [str(level)]
    instrument = group(entry, "instrument", "NXinstrument")
    if attrs.get("instrument") is not None:
        instrument["name"] = str(attrs["instrument"])
    beam = group(instrument, "beam_probe", "NXbeam")
    analyzer = group(instrument, "electronanalyzer", "NXelectronanalyzer")
    column = group(analyzer, "collectioncolumn", "NXcollectioncolumn")
    dispersion = group(analyzer, "energydispersion", "NXenergydispersion")
    detector = group(analyzer, "electron_detector", "NXelectron_detector")
    sample = group(entry, "sample", "NXsample")

    missing = []
    for place, key, value in (
        (entry, "start_time", _moment(attrs)),
        (beam, "incident_energy", photon_energy),
        (analyzer, "work_function", stated_number(attrs.get("work_function"))),
        (column, "scheme", _one_of(_COLUMNS, attrs.get("lens_scheme"))),
        (dispersion, "scheme", _one_of(_DISPERSIONS, attrs.get("analyzer_scheme"))),
        (dispersion, "energy_scan_mode", _scan_mode(attrs)),
        (sample, "name", _text(attrs.get("sample"))),
    ):
        if value is None:
            missing.append(f"{place.name.partition(entry.name)[2]}/{key}".lstrip("/"))
        else:
            _write(place, key, value, "eV")
    if (mode := _scan_mode(attrs)) is not None:
        dispersion["energy_scan_mode"].attrs["custom"] = mode not in _KNOWN_MODES
    moment = _moment(attrs)
    if moment is not None and datetime.fromisoformat(moment).tzinfo is None:
        missing.insert(0, "the time zone of start_time")
    for place, key, value, units in (
        (dispersion, "pass_energy", stated_number(attrs.get("pass_energy")), "eV"),
        (detector, "count_time", stated_number(attrs.get("dwell_time")), "s"),
        (column, "lens_mode", _text(attrs.get("lens_mode")), ""),
    ):
        if value is not None:
            _write(place, key, value, units)
    if (resolution := stated_number(attrs.get("energy_resolution"))) is not None:
        stated = group(instrument, "energy_resolution", "NXresolution")
        stated["physical_quantity"] = "energy"
        _write(stated, "resolution", resolution, "eV")
    return missing


def write_referencing(entry: Any, array: xr.DataArray) -> None:
    """Write the charge reference of spectra of which each has its own.

    The definition's offset is between measured and calibrated binding energy, as `charge_shift` is.
    """
    if has_charge_shift(array):
        reference = group(entry, "energy_referencing", "NXcalibration")
        reference["physical_quantity"] = "energy"
        _quantity(reference, "offset", array.coords[CHARGE_SHIFT].astype(np.float64), "eV")


def write_missing(entry: Any, missing: list[str]) -> None:
    """Say in words what the definition requires and this entry does not have."""
    if missing:
        notes = group(entry, "notes", "NXnote")
        notes["description"] = (
            f"{DEFINITION} {DEFINITION_VERSION} requires these, and they were not known when this "
            f"file was written: {', '.join(missing)}"
        )


def _write(place: Any, key: str, value: Any, units: str) -> None:
    """Write a text, or a number with its units."""
    place[key] = value
    if not isinstance(value, str):
        place[key].attrs["units"] = units


def _text(value: Any) -> str | None:
    """Text of an attribute; None if it states nothing."""
    return str(value).strip() or None if value is not None else None


def _one_of(words: tuple[str, ...], value: Any) -> str | None:
    """One of the words of the definition; None for all others."""
    text = str(value).strip().lower()
    return text if text in words else None


def _moment(attrs: dict[str, Any]) -> str | None:
    """Start of the measurement as ISO 8601; None if no full date is stated."""
    try:
        return datetime.fromisoformat(str(attrs.get("acquired"))).isoformat()
    except ValueError:
        return None


def _scan_mode(attrs: dict[str, Any]) -> str | None:
    """How the energies were scanned."""
    stated = _text(attrs.get("energy_scan_mode"))
    return stated or _SCAN_MODES.get(str(attrs.get("analyzer_mode")).strip().upper())


def write_fit(
    entry: Any,
    peaks: xr.Dataset,
    spectra: xr.DataArray | None,
    axes: Callable[[Any, Any, Any], None],
) -> list[str]:
    """Write the curves and parameters of all peaks as NXfit; return what is missing.

    `axes` writes the attributes of the axes of one NXdata. Nothing is written where the curves
    would take too much memory.
    """
    n_points = peaks["center"].size * peaks.sizes.get("energy", 0)
    if not 0 < n_points * 8 <= _MAX_CURVES:
        return ["fit (its curves are not stored; xpsnet.curves makes them from peak_table)"]
    drawn = curves(peaks)
    fit = group(entry, "fit", "NXfit")
    fit["label"] = f"peaks of {peaks.attrs.get('region') or 'a spectrum'}, by napari-xpsnet"
    missing = _write_curves(fit, drawn, spectra, axes)
    fit.attrs["default"] = "data"
    for k in range(peaks.sizes["peak"]):
        one = peaks.isel(peak=k)
        if bool(np.isfinite(one["center"]).any()):
            number = int(peaks["peak"].values[k])
            peak = group(fit, f"peak_{number}", "NXpeak")
            peak["label"] = _label(one, number)
            _write_curve(peak, drawn["component"].isel(peak=k), axes)
            _write_function(peak, _shape(one), _SHAPES, one)
            _write_numbers(peak, one)
    background = group(fit, "background_1", "NXpeak")
    kind = str(peaks.attrs.get("background", "unknown"))
    background["label"] = f"{kind} background"
    _write_curve(background, drawn["background"], axes)
    _write_function(background, kind, _BACKGROUNDS)
    whole = group(fit, "global_fit_function", "NXfit_function")
    whole["description"] = "sum of all peaks and the background, fitted together"
    error = group(fit, "error_function", "NXfit_function")
    error["description"] = "least squares, weighted by the noise of each point"
    if "redchi" in peaks:
        merit = _quantity(fit, "figure_of_merit_reduced_chi_square", peaks["redchi"], "")
        merit.attrs["metric"] = "reduced chi-square"
    return missing


def _write_curves(
    fit: Any, drawn: xr.Dataset, spectra: xr.DataArray | None, axes: Callable[[Any, Any, Any], None]
) -> list[str]:
    """Write what was fitted, its sum and the residual: the default plot of a fit."""
    data = group(fit, "data", "NXdata")
    whole = drawn["envelope"]
    data.attrs["signal"] = "fit_sum"
    axes(data, whole.dims, whole.coords)
    units = str(whole.attrs.get("units", "counts"))
    _quantity(data, "fit_sum", whole, units)
    _quantity(data, "input_independent", drawn["energy"], "eV")
    for dim in whole.dims:
        if dim in drawn.coords:
            _quantity(data, str(dim), drawn[dim], str(drawn[dim].attrs.get("units", "")))
    measured = _measured(whole, spectra)
    if measured is None:
        return ["fit/data/input_dependent"]
    _quantity(data, "input_dependent", measured, units)
    _quantity(data, "residual", measured - whole, units)
    return []


def _measured(whole: xr.DataArray, spectra: xr.DataArray | None) -> xr.DataArray | None:
    """Measured counts at the points of the fit; None if they are not the same points."""
    if spectra is None or set(spectra.dims) != set(whole.dims):
        return None
    if not bool(np.isin(whole["energy"], spectra["energy"]).all()):
        return None
    found = spectra.sel(energy=whole["energy"]).transpose(*whole.dims)
    return whole.copy(data=found.values) if found.shape == whole.shape else None


def _write_curve(peak: Any, curve: xr.DataArray, axes: Callable[[Any, Any, Any], None]) -> None:
    """Write one peak or background over the energies."""
    data = group(peak, "data", "NXdata")
    data.attrs["signal"] = "intensity"
    # NXpeak calls the energies "position"; a dimension of that name gets another one.
    names = {str(dim): "line_position" if dim == "position" else str(dim) for dim in curve.dims}
    names["energy"] = "position"
    kept = {names[str(dim)]: curve[dim] for dim in curve.dims if dim in curve.coords}
    axes(data, [names[str(dim)] for dim in curve.dims], kept)
    _quantity(data, "intensity", curve, str(curve.attrs.get("units", "counts")))
    for name, values in kept.items():
        units = "eV" if name == "position" else str(values.attrs.get("units", ""))
        _quantity(data, name, values, units)


def _write_function(
    peak: Any, kind: str, words: dict[str, str], one: xr.Dataset | None = None
) -> None:
    """Write the function by the word of the definition, else by our own, with its parameters."""
    function = group(peak, "function", "NXfit_function")
    function["function_type"] = words.get(kind, kind)
    function["function_type"].attrs["custom"] = kind not in words
    function["description"] = f"{kind} of napari-xpsnet"
    if one is None:
        return
    parameters = group(function, "fit_parameters", "NXparameters")
    for name in [str(name) for name in one.data_vars if f"{name}_stderr" in one]:
        values, errors = one[name], one[f"{name}_stderr"]
        if values.dims == errors.dims and bool(np.isfinite(values).any()):
            units = str(values.attrs.get("units", ""))
            _quantity(parameters, _PARAMETERS.get(name, name), values, units)
            _quantity(parameters, f"{_PARAMETERS.get(name, name)}_errors", errors, units)


def _write_numbers(peak: Any, one: xr.Dataset) -> None:
    """Write area, and what `quantify` has found, where the peaks hold it."""
    for ours, name in (
        ("area", "total_area"),
        ("atomic_fraction", "relative_atomic_concentration"),
        ("sensitivity_factor", "relative_sensitivity_factor"),
    ):
        if ours in one and bool(np.isfinite(one[ours]).any()):
            # The definition knows no unit "1".
            units = str(one[ours].attrs.get("units", "")) if ours == "area" else ""
            _quantity(peak, name, one[ours], units)


def _quantity(place: Any, name: str, values: xr.DataArray, units: str) -> Any:
    """Write numbers with their units."""
    stored = place.create_dataset(name, data=values.values)
    if units:
        stored.attrs["units"] = units
    return stored


def _shape(one: xr.Dataset) -> str:
    """Name of the line shape of a peak."""
    if "line_shape" not in one:
        return str(one.attrs.get("line_shape", "unknown"))
    names = sorted({str(name) for name in np.ravel(one["line_shape"].values) if str(name)})
    return names[0] if len(names) == 1 else f"one of {', '.join(names)}"


def _label(one: xr.Dataset, number: int) -> str:
    """Label of a peak, with its core level where that is known."""
    level = parse_level(str(one.attrs.get("region", "")))
    own = str(one["label"].values) if "label" in one and one["label"].ndim == 0 else ""
    own = "" if own == "nan" else own
    if level is None or level.name in own:
        return own or f"peak {number}"
    return f"{level}, {own or f'peak {number}'}"
