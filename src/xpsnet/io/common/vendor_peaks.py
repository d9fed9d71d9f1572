"""Fits by a person, as vendors' programs store them, into peaks Datasets."""

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.constraints import Constraint
from xpsnet.data.links import parse_link
from xpsnet.data.peak_settings import setting_attributes
from xpsnet.data.peaks import Status, make_peaks
from xpsnet.io.casa.line_shapes import LEANING, LEANS, CasaLine, shape_parameters
from xpsnet.numerics.peak_shapes import (
    LineShapes,
    shape_names,
    shape_parameters_of,
    shapes_at,
    simplest,
)

Floats = npt.NDArray[np.float64]

# What the variables with the vendor's own numbers are called.
_VENDOR = {
    "vendor_center": ("Position as the vendor's program shows it", "eV"),
    "vendor_fwhm": ("Width as the vendor's program shows it", "eV"),
    "vendor_area": ("Area as the vendor's program shows it", "counts/s eV"),
}


@dataclass
class Fitted:
    """One fitted spectrum; `center` and `height` are those of the maxima, on its own scale."""

    region: str
    window: slice  # of the spectrum's energies
    background: Floats  # (points of the window)
    labels: list[str]
    center: Floats  # (peaks), and so the others
    fwhm: Floats
    height: Floats
    shapes: list[str]  # as the vendor names them
    lines: list[CasaLine]
    vendor: dict[str, Floats]  # by the names of `_VENDOR`
    texts: dict[str, str]  # for the attributes: the vendor's own words
    constraints: list[dict[str, Any]]
    sign: int = 1  # -1 where the positions in `constraints` run against the spectrum's scale


def to_peaks(
    fits: Sequence[Fitted | None],
    energy: Floats,
    dims: Sequence[Hashable],
    shape: tuple[int, ...],
    coords: Mapping[Any, Any],
    attrs: Mapping[str, Any],
) -> xr.Dataset:
    """Assemble the fits of one region of all spectra of a stack.

    Parameters
    ----------
    fits : sequence of Fitted or None
        One per spectrum, flat; None if there is none. At least one is a fit.
    energy : ndarray, shape (n,)
        The spectra's energies [eV].
    dims, shape, coords
        Of the stack, without energy, named as in a Dataset of peaks (`keep_own_names`).
    attrs : mapping
        Of the stack; `scale` and `units` count.

    Returns
    -------
    Dataset
        As from `make_peaks`, with the background as a curve and the vendor's own numbers in
        `vendor_center`, `vendor_fwhm` and `vendor_area`.
    """
    present = [fit for fit in fits if fit is not None]
    n = max(len(fit.center) for fit in present)
    window = slice(min(f.window.start for f in present), max(f.window.stop for f in present))
    line_shape = _shapes(present)
    names = (*shape_parameters_of(line_shape), *_VENDOR)
    tables = {name: np.full((len(fits), n), np.nan) for name in names}
    backgrounds = np.full((len(fits), window.stop - window.start), np.nan)
    for i, fit in enumerate(fits):
        if fit is not None:
            for name, values in _columns(fit, shapes_at(line_shape, range(len(fit.lines)))).items():
                tables[name][i, : len(fit.center)] = values
            around = fit.window.start - window.start, window.stop - fit.window.stop
            backgrounds[i] = np.pad(fit.background, around, mode="edge")
    tables = {name: table.reshape(*shape, n) for name, table in tables.items()}
    vendor = {name: tables.pop(name) for name in _VENDOR}
    longest = max(present, key=lambda fit: len(fit.center))
    peaks = make_peaks(
        energy[window],
        dims,
        coords,
        scale=str(attrs["scale"]),
        line_shape=line_shape,
        background="curve",
        parameters=tables,
        background_parameters={},
        background_curve=backgrounds.reshape(*shape, -1),
        status=np.array([Status.OK if f else Status.NOT_DONE for f in fits]).reshape(shape),
        label=longest.labels,
        attrs=_attrs(present, longest, attrs, line_shape),
    )
    vendor_variables = {
        name: ((*dims, "peak"), vendor[name], {"long_name": long_name, "units": units})
        for name, (long_name, units) in _VENDOR.items() if np.isfinite(vendor[name]).any()
    }  # fmt: skip
    return peaks.assign(vendor_variables)


def _columns(fit: Fitted, line_shape: LineShapes) -> dict[str, Any]:
    """Parameters of lines of these shapes, and the vendor's own numbers, one per peak."""
    own = _values(fit, line_shape)
    names = dict.fromkeys(name for one in own for name in one)
    extra = {name: [one.get(name, np.nan) for one in own] for name in names}
    return {"center": fit.center, "fwhm": fit.fwhm, "height": fit.height, **extra, **fit.vendor}


def _values(fit: Fitted, line_shape: LineShapes) -> list[dict[str, float]]:
    """Further parameters of every line, in the shape that its peak has."""
    names = shape_names(line_shape, len(fit.lines))
    return [shape_parameters(line, shape) for line, shape in zip(fit.lines, names, strict=True)]


def _shapes(fits: Sequence[Fitted]) -> LineShapes:
    """Line shape of all peaks, or of each."""
    n = max(len(fit.lines) for fit in fits)
    lines = ([fit.lines[k] for fit in fits if k < len(fit.lines)] for k in range(n))
    return simplest(tuple(common_shape(own) for own in lines))


def static_kind(words: str) -> str | None:
    """The background of xpsnet that is drawn as that of a vendor's program; None if there is none.

    It serves other spectra, for which the curve of this one is wrong.
    """
    found = [kind for kind in ("shirley", "smart", "tougaard", "linear") if kind in words.lower()]
    return f"static {found[0].replace('smart', 'shirley')}" if found else None


def common_shape(lines: Sequence[CasaLine]) -> str:
    """The line shape of xpsnet that can express all lines, or comes nearest."""
    shapes = {line.shape for line in lines}
    if len(shapes) == 1:
        return shapes.pop()
    return LEANING if any(line.lean > LEANS for line in lines) else "pseudo_voigt"


def _attrs(
    present: list[Fitted], longest: Fitted, attrs: Mapping[str, Any], line_shape: LineShapes
) -> dict[str, Any]:
    """Attributes of the Dataset: those of the spectra, and the vendor's own words."""
    kept = {key: value for key, value in attrs.items() if key not in ("scale", "region_original")}
    kept |= longest.texts | {"region": longest.region}
    own = _values(longest, line_shape)
    values: dict[str, set[float]] = {}
    for one in own:
        for name, value in one.items():
            values.setdefault(name, set()).add(round(value, 9))
    shared = [name for name, found in values.items() if len(found) == 1]
    kept["shared"] = " ".join(shared)
    names = shape_names(line_shape, len(own))
    rules: dict[str, Constraint] = {}
    if longest.constraints:
        kept["vendor_constraints"] = json.dumps(longest.constraints)
        rules |= _links(longest, names, own, shared)
        rules |= {n: pair for n, pair in _limits(longest).items() if n not in rules}
    # What the names of the shapes state is held, as the vendor's program does.
    for i, one in enumerate(own):
        for name, value in one.items():
            numbered = name if name in shared else f"{name}_{i + 1}"
            rules.setdefault(numbered, value)
    kept |= setting_attributes(rules)
    if len({json.dumps(fit.texts) for fit in present}) > 1:
        kept["fits"] = json.dumps([fit.texts for fit in present])
    return kept


def _links(
    fit: Fitted, shapes: Sequence[str], values: list[dict[str, float]], shared: list[str]
) -> dict[str, str]:
    """Links of the vendor in the words of `refine`, with the amounts that the values have."""
    place = {one["number"]: i for i, one in enumerate(fit.constraints)}
    found: dict[str, str] = {}
    widths: list[int] = []
    for ours in ("center", "fwhm", "area"):
        theirs = "position" if ours == "center" else ours
        leads = [place.get(one[theirs].get("link", -1), -1) for one in fit.constraints]
        widths = leads if ours == "fwhm" else widths
        numbers = fit.vendor["vendor_area"] if ours == "area" else getattr(fit, ours)
        for i, lead in enumerate(leads):
            if lead < 0 or _is_circular(leads, i):
                continue
            if ours == "area":
                # A ratio of areas needs one of widths, and lines that are equal but for it.
                if widths[i] != lead or shapes[i] != shapes[lead] or values[i] != values[lead]:
                    continue
                own = (name for name in values[i] if name not in shared)
                found |= {f"{name}_{i + 1}": f"{name}_{lead + 1}" for name in own}
            if ours == "center":
                offset = float(numbers[i] - numbers[lead])
                amount = f"{ours}_{lead + 1} {'+' if offset >= 0 else '-'} {abs(offset):.9g}"
            else:
                amount = f"{numbers[i] / numbers[lead]:.9g} * {ours}_{lead + 1}"
            found[f"{ours}_{i + 1}"] = amount
    return {name: str(parse_link(name, text)) for name, text in found.items()}


def _limits(fit: Fitted) -> dict[str, Constraint]:
    """Limits of the vendor for centers and widths, on our scale; a number where it holds a value.

    Limits that the value itself does not obey are left out. Its limits of areas are none of ours.
    """
    found: dict[str, Constraint] = {}
    for i, one in enumerate(fit.constraints):
        position, width = one["position"], one["fwhm"]
        factor = fit.fwhm[i] / width["value"]
        for ours, stated in (("center", position), ("fwhm", width)):
            if not {"min", "max"} <= stated.keys():
                continue
            low, high, value = stated["min"], stated["max"], stated["value"]
            if not low <= value <= high or stated.get("link", -1) >= 0:
                continue
            if ours == "fwhm":
                pair = [factor * low, factor * high]
            else:
                pair = sorted(fit.center[i] + fit.sign * (end - value) for end in (low, high))
            low, high = float(pair[0]), float(pair[1])
            found[f"{ours}_{i + 1}"] = low if low == high else (low, high)
    return found


def _is_circular(leads: list[int], i: int) -> bool:
    """Whether following the links from a peak never ends."""
    for _ in leads:
        i = leads[i] if i >= 0 else i
    return i >= 0


def shape_note(where: str, fits: Sequence[Fitted]) -> list[str]:
    """Say which line shapes are not ours, and which are not known at all."""
    line_shape = _shapes(fits)
    foreign: dict[str, bool] = {}
    drawn: dict[str, None] = {}
    for fit in fits:
        shapes = shape_names(shapes_at(line_shape, range(len(fit.lines))), len(fit.lines))
        for line, name, shape in zip(fit.lines, fit.shapes, shapes, strict=True):
            if not (line.exact and line.shape == shape):
                foreign[name] = line.known
                drawn |= {shape: None} if line.known else {}
    notes = []
    near = sorted(shape for shape, known in foreign.items() if known)
    unknown = sorted(shape for shape, known in foreign.items() if not known)
    if near:
        notes.append(
            f"{where}: {', '.join(near)} drawn as the nearest {' or '.join(drawn)} lines of the "
            f"same maximum, width and height; the original is in the attributes"
        )
    if unknown:
        notes.append(
            f"{where}: {', '.join(unknown)} is not known: positions and widths are taken "
            f"as stated, heights are estimates; the original is in the attributes"
        )
    return notes
