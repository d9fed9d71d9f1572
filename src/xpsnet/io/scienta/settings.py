"""What all files of Scienta's SES share: sections of `key=value`, and what the keys mean."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from xpsnet.io.common.labels import scale_of_label, set_positive, units_of_label
from xpsnet.io.common.region_names import region_name
from xpsnet.io.common.settings import is_beamline, read_settings
from xpsnet.io.common.stacking import Floats, variable_name

_MAX_TEXT = 500
_UNSAID = {"", "unknown", "none", "n/a", ";"}
# Keys of SES and the attributes that they become.
_TEXTS = {
    "lens mode": "lens_mode",
    "acquisition mode": "acquisition_mode",
    "instrument": "instrument",
    "location": "location",
    "sample": "sample",
    "comments": "comment",
    "spectrum name": "spectrum_name",
}
_STAGE = re.compile(
    r"(?:sample|stage|manipulator)[ _-]*[xyz]\b|[xyz]$|polar|tilt|azimuth|flip|temperature",
    re.IGNORECASE,
)
_DIRECTIONS = {"vert", "horiz", "vertical", "horizontal"}  # stand in brackets where units do
_ANGLE = re.compile(r"theta|angle|^[xy][ _-]?scale$", re.IGNORECASE)


class Axis(NamedTuple):
    """A dimension of an image, as the file labels it."""

    label: str
    values: Floats


def pairs(lines: Iterable[str]) -> dict[str, str]:
    """Collect `key=value` lines, keys in lower case; of a repeated key the first counts."""
    found: dict[str, str] = {}
    for line in lines:
        key, sign, value = line.partition("=")
        if sign and len(found) < 1000:
            found.setdefault(key.strip().lower()[:_MAX_TEXT], value.strip())
    return found


def by_section(lines: Iterable[str], start: str = "") -> Iterator[tuple[str, str]]:
    """Give each line with the name of its section in lower case, `start` before the first."""
    name = start
    for line in lines:
        if line.startswith("["):
            name = line.strip("[] \t").lower()
        else:
            yield name, line


def number_of(info: dict[str, str], key: str) -> float:
    """Number behind a key; NaN if it is missing or no number."""
    text = info.get(key, "").strip()[:_MAX_TEXT].replace(",", ".")
    match = re.match(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?=\s|$|\[|[A-Za-z])", text)
    value = float(match[0]) if match else np.nan
    return value if np.isfinite(value) else np.nan


# Keys of SES for what other sections and programs call otherwise.
_KEYS = {
    "photon_energy": "excitation energy",
    "pass_energy": "pass energy",
    "n_scans": "number of sweeps",
    "dwell_time": "dwell time",
    "lens_mode": "lens mode",
    "acquisition_mode": "acquisition mode",
    "sample": "sample",
    "region": "region name",
    "comment": "comments",
}
_DIFFERENT = 2e-3  # relative difference of two photon energies that are not the same


def complete(info: dict[str, str], others: Sequence[str], notes: list[str], where: str) -> None:
    """Add to the keys of SES what other sections, comments or notes state.

    Parameters
    ----------
    info : dict
        The keys of SES, which is changed. They count first, but for the photon energy: what the
        beamline states outweighs what was typed into SES, with a note where they differ.
    others : sequence of str
        Lines of `key=value` beside them.
    notes : list of str
    where : str
        Names the region or wave in the note.
    """
    found = read_settings(others)
    beamline = read_settings(line for line in others if is_beamline(line.partition("=")[0]))
    stated, measured = number_of(info, "excitation energy"), beamline.get("photon_energy")
    if isinstance(measured, float):
        if stated > 0 and abs(stated - measured) > _DIFFERENT * measured:
            notes.append(
                f"{where}: Excitation Energy states {stated:g} eV, the beamline {measured:g} eV: "
                f"the beamline's is taken; pass photon_energy= if that is wrong"
            )
        info["excitation energy"] = repr(measured)
    for name, value in found.items():
        key = _KEYS.get(name, name)
        empty = info.get(key, "").strip().lower() in _UNSAID
        if empty or (not isinstance(value, str) and not number_of(info, key) > 0):
            info[key] = value if isinstance(value, str) else repr(value)


def stage_lines(others: Iterable[str]) -> list[str]:
    """Of the lines of a beamline, those that state place, angles or temperature of the sample."""
    return [line for line in others if _STAGE.match(line.partition("=")[0].strip())]


def _attrs(info: dict[str, str]) -> dict[str, Any]:
    """Attributes of a spectrum that the keys of SES tell."""
    units = units_of_label(info.get("data units", "")[:_MAX_TEXT])
    attrs: dict[str, Any] = {"units": units or "counts"}
    for key, name in (("excitation energy", "photon_energy"), ("pass energy", "pass_energy")):
        set_positive(attrs, name, number_of(info, key))
    sweeps = number_of(info, "number of sweeps")
    if 1 <= sweeps < 1e9:
        attrs["n_scans"] = int(sweeps)
    set_positive(attrs, "dwell_time", _dwell_time(info, attrs.get("n_scans", 1)))
    for key, name in _TEXTS.items():
        text = info.get(key, "")[:_MAX_TEXT]
        if text.lower() not in _UNSAID:
            attrs[name] = text
    date, time = info.get("date", "")[:40], info.get("time", "")[:40]
    if date:
        iso = re.fullmatch(r"\d{4}-\d\d-\d\d", date) and re.fullmatch(r"\d\d:\d\d:\d\d", time)
        attrs["acquired"] = f"{date}T{time}" if iso else f"{date} {time}".strip()
    return attrs


def scale_of(info: dict[str, str], label: str, notes: list[str], where: str) -> str | None:
    """Energy scale of a region: "Energy Scale" outweighs the label of the axis.

    "Energy Unit" is not asked: files of binding energies say "Kinetic" there.
    """
    stated = scale_of_label(info.get("energy scale", "")[:_MAX_TEXT])
    labeled = scale_of_label(label[:_MAX_TEXT])
    if stated and labeled and stated != labeled:
        notes.append(
            f"{where}: Energy Scale states {stated}, the label of the axis states {labeled}: read "
            f"as {stated}; pass scale= if that is wrong"
        )
    return stated or labeled


def _manipulator(settings: dict[str, str]) -> dict[str, Any]:
    """Coordinates from the keys of a manipulator: x, y, z, and others by their names."""
    coords: dict[str, Any] = {}
    for key in settings:
        value = number_of(settings, key)
        name, unit = variable_name(key, "")
        unit = "" if unit.lower() in _DIRECTIONS else unit
        if np.isnan(value) or len(coords) >= 50:
            continue
        if name not in ("x", "y", "z"):
            name = f"manipulator_{name}"
        coords[name] = xr.Variable((), value, {"units": unit} if unit else {})
    return coords


def to_spectrum(
    counts: Floats,
    energy: Floats,
    axes: Sequence[Axis],
    info: dict[str, str],
    scale: str | None,
    manipulator: Iterable[str],
) -> xr.DataArray:
    """Build one spectrum or image.

    Parameters
    ----------
    counts : ndarray, shape (..., n)
        One leading dimension for each of `axes`; those of one slice are dropped.
    energy : ndarray, shape (n,)
        [eV].
    axes : sequence of Axis
    info : dict
        The keys of SES.
    scale : "binding", "kinetic" or None
    manipulator : iterable of str
        The `key=value` lines of the manipulator, which become coordinates.

    Returns
    -------
    DataArray
        Energy last.
    """
    attrs = _attrs(info)
    if scale:
        attrs["scale"] = scale
    dims: list[str] = []
    coords = _manipulator(pairs(manipulator))
    for axis, size in zip(axes, counts.shape[:-1], strict=True):
        name, unit = _dimension(axis.label, dims)
        usable = axis.values.size == size and np.isfinite(axis.values).all()
        values: Any = axis.values if usable else np.arange(size, dtype=np.float64)
        units = {"units": unit} if unit and usable else {}
        if size == 1:
            if usable and axis.label:
                coords.setdefault(name, xr.Variable((), float(values[0]), units))
            continue
        dims.append(name)
        coords[name] = xr.Variable((name,), values, units)
    shape = [size for size in counts.shape[:-1] if size != 1]
    original = info.get("region name") or info.get("spectrum name") or ""
    coords["energy"] = energy
    attrs["region_original"] = original[:_MAX_TEXT]
    return xr.DataArray(
        counts.reshape(*shape, energy.size),
        coords,
        (*dims, "energy"),
        name=region_name(original) or None,
        attrs=attrs,
    )


def _dimension(label: str, taken: Sequence[str]) -> tuple[str, str]:
    """Name and unit of a dimension: "Y-Scale [deg]" and "Thetax [deg]" are the angle."""
    name, unit = variable_name(label or "slice", "")
    is_angle = unit.lower().startswith("deg") or unit == "°"
    if is_angle and _ANGLE.search(label.partition("[")[0].strip()):
        # The DA30 scans the angle across the slit: "Thetay".
        name = "angle_y" if name == "thetay" or "angle" in taken else "angle"
    elif name in ("y_scale", "x_scale"):
        name = "y" if unit.lower() in ("mm", "um", "µm") else "slice"
    elif name in ("sweep", "iteration", "measurement"):
        name = "scan"
    while name in taken or name == "energy":
        name += "_2"
    return name, "deg" if is_angle else unit


def _dwell_time(info: dict[str, str], n_sweeps: int) -> float:
    """Seconds that one sweep spends on one energy.

    A swept energy passes over the whole detector: "Time per Spectrum Channel" counts that, over
    all sweeps; "Step Time" [ms] does not.
    """
    total = number_of(info, "time per spectrum channel")
    if total > 0:
        return total / n_sweeps
    stated = number_of(info, "dwell time")
    return stated if stated > 0 else number_of(info, "step time") / 1000.0
