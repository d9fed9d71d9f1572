"""What Avantage calls a data space: axes, values and properties, and the spectra they are.

The binary `.vgd` and its text dump `.avg` hold the same. A data axis is a direction in which
values were taken; it drives one or more space axes, which tell where: the level of a depth
profile drives the etch time and the number of the level.
"""

import itertools
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.io.common.energy_axis import axis_problem
from xpsnet.io.common.errors import ReadError, refusal
from xpsnet.io.common.labels import set_positive, units_of_label
from xpsnet.io.common.reading import Reading
from xpsnet.io.common.region_names import region_name
from xpsnet.io.common.stacking import variable_name

Floats = npt.NDArray[np.float64]

MAX_POINTS = 1 << 20  # of one axis
_MAX_VALUES = 1 << 26  # 512 MiB of counts
_MAX_MISSING = 1000  # more points than this per value are no measurement that was stopped
_NM_PER_MM = 1e6
_ION_SCATTERING = 6  # technique without photons
_FIXED_PASS_ENERGY = 1  # analyzer mode
# Kind of a space axis: name of the dimension or coordinate, unit where the file has none.
_KINDS = {
    "ETCHTIME": ("etch_time", "s"),
    "ANGLE": ("angle", "deg"),
    "DISTANCE": ("distance", "um"),
    "POSITION": ("position", ""),
    "LEVEL": ("level", ""),
    "ETCHLEVEL": ("etch_level", ""),
    "Y": ("y", "um"),
    "X": ("x", "um"),
}
_UNITS = {"\u00b5m": "um", "\u03bcm": "um", "\u00b0": "deg", "degrees": "deg", "sec": "s"}


@dataclass
class SpaceAxis:
    """Where the points of a data axis lie."""

    kind: str  # as Avantage names it: "ENERGY", "ETCHTIME", ...
    values: Floats
    label: str = ""
    unit: str = ""


@dataclass
class Space:
    """A data space as its file states it.

    `axes` has one list of space axes per data axis, energy first; `counts` holds the values
    with energy fastest, then the second data axis, and so on. Properties have our names.
    """

    axes: list[list[SpaceAxis]]
    counts: Floats
    properties: dict[str, Any]
    point_labels: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def linear_axis(start: float, width: float, n: int) -> Floats:
    """Points of a linear axis, shape (n,)."""
    with np.errstate(all="ignore"):  # damaged numbers overflow; the axis is checked later
        return start + width * np.arange(n, dtype=np.float64)


def driven_axes(
    path: Path, data_axes: list[tuple[int, int, int]], space_axes: list[SpaceAxis], advice: str
) -> list[list[SpaceAxis]]:
    """Deal the space axes out to the data axes that drive them.

    Parameters
    ----------
    path : Path
        For messages.
    data_axes : list of tuple
        First and last point of each, and the number of space axes that it drives.
    space_axes : list of SpaceAxis
        All in their order; each is cut to the points of its data axis.
    advice : str
        For messages.

    Returns
    -------
    list of list of SpaceAxis

    Raises
    ------
    ReadError
        If a data axis drives no space axis, or one with other points.
    """
    rest = list(space_axes)
    axes = []
    for i, (start, end, n) in enumerate(data_axes):
        own, rest = rest[:n], rest[n:]
        for axis in own:
            axis.values = axis.values[start : end + 1]
        if not own or len(own) < n or any(a.values.size != end - start + 1 for a in own):
            raise refusal(
                path, f"data axis {i}",
                expected=f"{n} space axes with the points {start} to {end}",
                got=f"{len(own)} with {[axis.values.size for axis in own]} points",
                advice=advice,
            )  # fmt: skip
        axes.append(own)
    return axes


def read_space(path: Path, space: Space) -> Reading:
    """Turn a data space into one array of spectra.

    Parameters
    ----------
    path : Path
        For messages, and for the region where the title names none.
    space : Space

    Returns
    -------
    Reading
        One DataArray, energy last, on the scale of the file.

    Raises
    ------
    ReadError
        If the first axis is no energy axis (an image, a table), or nothing was measured.
    """
    energy = _energy(path, space)
    counts = _counts(path, space)
    dims, coords = _dimensions(space)
    properties = space.properties
    attrs = _attributes(properties)
    scale = properties.get("energy_scale", 1)
    if scale not in (0, 1, 2):
        space.notes.append(f"the energy scale {scale!r} is unknown: kinetic energy is assumed")
    attrs["scale"] = "binding" if scale == 2 else "kinetic"
    coords |= _stage(properties, taken={"x", "y"} & {*coords, *dims})
    title = str(properties.get("title", "")).strip()
    attrs["region_original"] = title or path.stem
    spectrum = xr.DataArray(
        counts, dims=(*dims, "energy"), coords={"energy": energy, **coords},
        name=region_name(title, path.stem) or None, attrs=attrs,
    )  # fmt: skip
    return Reading([spectrum], space.notes)


def _energy(path: Path, space: Space) -> Floats:
    """Energies [eV], checked."""
    first = space.axes[0][0] if space.axes and space.axes[0] else None
    if first is None or first.kind != "ENERGY":
        kinds = [axis.kind for driven in space.axes for axis in driven]
        image = kinds[:2] == ["X", "Y"] or "RGB" in kinds
        raise refusal(
            path,
            expected="spectra: a first axis of energies",
            got=f"{'an image' if image else 'a table'} over {', '.join(kinds) or 'no axes'}",
            advice="open the .vgd file of a scan or of a SnapMap",
        )
    energy = first.values
    problem = axis_problem(energy)
    if problem:
        raise ReadError(f"{path}, energy axis: {problem}; nothing was measured yet, or the file is "
                        f"damaged")  # fmt: skip
    return energy


def checked_shape(path: Path, axes: list[list[SpaceAxis]], n_values: int) -> list[int]:
    """Shape of the counts, slowest axis first.

    Raises
    ------
    ReadError
        If the file holds no values, or far fewer than its axes have points.
    """
    shape = [driven[0].values.size for driven in axes][::-1]
    n = int(np.prod(shape, dtype=object))
    if n > _MAX_VALUES or n > _MAX_MISSING * n_values:
        raise refusal(
            path,
            "values",
            expected=f"{' x '.join(map(str, shape))} values",
            got=f"{n_values}",
            advice="nothing was measured yet, or the file is damaged",
        )
    return shape


def _counts(path: Path, space: Space) -> Floats:
    """Values in their shape; what was not measured any more is NaN."""
    got = space.counts.size
    shape = checked_shape(path, space.axes, got)
    n = int(np.prod(shape))
    if not np.isfinite(space.counts).any():
        raise refusal(path, "values", expected="counts", got="no number",
                      advice="nothing was measured yet, or the file is damaged")  # fmt: skip
    if got > n:
        space.notes.append(f"{got - n} of {got} values left out: the axes have {n} points")
    if got < n:
        space.notes.append(
            f"the measurement was stopped, or the file is cut off: {got} of {n} values are there, "
            f"the others are missing (NaN)"
        )
    missing = np.full(max(n - got, 0), np.nan)
    return np.concatenate([space.counts[:n], missing]).reshape(shape)


def _dimensions(space: Space) -> tuple[list[str], dict[str, Any]]:
    """Names of the dimensions before energy, slowest first, and their coordinates."""
    dims: list[str] = []
    coords: dict[str, Any] = {}
    for driven in space.axes[:0:-1]:
        named = {_named(axis)[0]: axis for axis in driven}
        dim = _free(_dimension(driven), {*dims, *coords, "energy"})
        dims.append(dim)
        for name, axis in named.items():
            unit = _named(axis)[1]
            key = dim if name == dim else _free(name, {*coords, *dims, "energy"})
            coords[key] = xr.Variable((dim,), axis.values, {"units": unit} if unit else {})
        labels = space.point_labels
        if "position" in named and len(labels) == named["position"].values.size:
            coords[_free("point", {*coords, *dims})] = ((dim,), labels)
    return dims, coords


def _dimension(driven: list[SpaceAxis]) -> str:
    """Name of a dimension after that space axis which tells its points apart best."""
    if {axis.kind for axis in driven} == {"X", "Y"}:
        return "position"
    order = list(_KINDS)
    ranked = sorted(driven, key=lambda axis: [*order, axis.kind].index(axis.kind))
    unique = [axis for axis in ranked if np.unique(axis.values).size == axis.values.size]
    return _named((unique or ranked)[0])[0]


def _named(axis: SpaceAxis) -> tuple[str, str]:
    """Name and unit of a space axis."""
    unit = _UNITS.get(axis.unit.strip(), axis.unit.strip())
    if axis.kind in _KINDS:
        name, usual = _KINDS[axis.kind]
        return name, unit or usual
    name, _ = variable_name(axis.label or axis.kind, "")
    return name, unit


def _free(name: str, taken: set[str]) -> str:
    """Name that is not taken yet."""
    names = itertools.chain([name], (f"{name}_{i}" for i in itertools.count(2)))
    return next(free for free in names if free not in taken)


def _attributes(properties: dict[str, Any]) -> dict[str, Any]:
    """Properties that all spectra of a file share."""
    attrs: dict[str, Any] = {}
    label = f"{properties.get('value_label', '')} {properties.get('value_unit', '')}"
    attrs["units"] = units_of_label(label) or "counts"
    technique = properties.get("technique")
    if technique != _ION_SCATTERING:
        set_positive(attrs, "photon_energy", properties.get("photon_energy"))
    else:
        attrs["technique"] = "ISS"
    if properties.get("analyzer_mode", _FIXED_PASS_ENERGY) == _FIXED_PASS_ENERGY:
        set_positive(attrs, "pass_energy", properties.get("pass_energy"))
    set_positive(attrs, "dwell_time", properties.get("dwell_time"))
    scans = [properties.get(name) for name in ("n_scans", "current_scan")]
    done = [n for n in scans if isinstance(n, int) and n >= 1]
    if done:
        # A scan that was stopped has counts of the current one only up to there.
        attrs["n_scans"] = min(done)
    for name in ("instrument", "lens_mode", "sample", "acquired", "software"):
        value = properties.get(name)
        text = _iso(value) if isinstance(value, datetime) else str(value or "").strip()
        if text:
            attrs[name] = text
    attrs["technique_code"] = technique
    if isinstance(properties.get("sample_bias"), int | float):
        attrs["sample_bias"] = properties["sample_bias"]
    if properties.get("transmission"):
        attrs["transmission_coefficients"] = properties["transmission"]
    return {key: value for key, value in attrs.items() if isinstance(value, str | int | float)}


def _iso(moment: datetime) -> str:
    """Moment to the second; files state it in universal time."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + ("Z" if moment.tzinfo else "")


def _stage(properties: dict[str, Any], taken: set[str]) -> dict[str, Any]:
    """Stage position [mm], tilt and azimuth as coordinates; files hold nm."""
    coords: dict[str, Any] = {}
    for axis in "xyz":
        value = properties.get(f"stage_{axis}")
        if isinstance(value, int | float) and np.isfinite(value):
            name = f"stage_{axis}" if taken else axis
            coords[name] = xr.Variable((), value / _NM_PER_MM, {"units": "mm"})
    return coords
