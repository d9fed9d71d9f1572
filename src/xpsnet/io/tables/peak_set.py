"""One peak set as a JSON file that people read: values, errors, locks, limits, links, settings.

    {"format": "xpsnet peak set", "version": 1,
     "region": "S 2p", "scale": "binding", "units": "counts",
     "energy": {"first": 160.0, "last": 170.0, "points": 101},
     "background": {"name": "shirley+linear", "constant": 850.0, "slope": 0.0, "shirley": 0.04},
     "shared": ["fraction"],
     "all_peaks": {"fwhm": {"min": 0.3, "max": 4.5}},
     "doublets": [],
     "peaks": [
       {"label": "thiophene", "line_shape": "pseudo_voigt", "enabled": true,
        "center": {"value": 163.6, "error": 0.002},
        "fwhm": {"value": 0.9, "lock": true}, ...},
       {..., "center": {"value": 164.8, "link": "center_1 + 1.18"}, "partner": 1, ...}]}

Links are those of `xpsnet.refine`; peaks are counted from 1. Nothing in a file is ever run.
"""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.data.constraints import Constraint, check_constraints
from xpsnet.data.links import parameter_name, resolved
from xpsnet.data.peak_arrays import CURVE, background_terms
from xpsnet.data.peak_settings import (
    enabled_rows,
    places_of_numbers,
    setting_attributes,
    stored_constraints,
    stored_shared,
)
from xpsnet.data.peaks import line_shapes_of, make_peaks
from xpsnet.data.status import Status, with_texts
from xpsnet.io.common.errors import refusal
from xpsnet.io.common.file_bytes import read_decoded
from xpsnet.numerics.backgrounds import BACKGROUNDS
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.peak_shapes import shape_names, shape_parameters_of, simplest
from xpsnet.xpsnet_warning import XpsnetWarning

FORMAT = "xpsnet peak set"
VERSION = 1
MAX_BYTES = 4 << 20
_MAX_PEAKS = 200
_MAX_POINTS = 100_000
_DEFAULT_BACKGROUND = "shirley+linear"
_STATIC = ("static linear", "static shirley", "static tougaard")
_AREA = "area"

_TOP = {
    "format": str,
    "version": int,
    "xpsnet_version": str,
    "region": str,
    "scale": str,
    "units": str,
    "photon_energy": float,
    "energy": dict,
    "background": dict,
    "shared": list,
    "all_peaks": dict,
    "doublets": list,
    "peaks": list,
}
_NEEDED = ("format", "version", "scale", "energy", "background", "peaks")
_OF_A_PEAK = {
    "label": str,
    "line_shape": str,
    "enabled": bool,
    "state": int,
    "partner": int,
}
_OF_A_PARAMETER = {
    "value": float,
    "error": float,
    "lock": bool,
    "min": float,
    "max": float,
    "link": str,
}


def sniff(head: bytes) -> bool:
    """Whether a file begins as a peak set."""
    start = head[:400].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(b"{") and FORMAT.encode() in start


def peak_set_text(peaks: xr.Dataset) -> str:
    """A peak set as the text of a JSON file.

    Parameters
    ----------
    peaks : Dataset
        Of one spectrum.

    Raises
    ------
    ValueError
        Where there are several spectra.

    Warns
    -----
    XpsnetWarning
        Of a background that was drawn by hand, which a peak set does not hold.
    """
    lead = {d: n for d, n in peaks["center"].sizes.items() if d != "peak"}
    if any(n != 1 for n in lead.values()):
        raise ValueError(
            f"expected the peaks of one spectrum for .json, got those of {lead}; select one first, "
            f"for instance with .isel, or write .nc"
        )
    peaks = peaks.isel(dict.fromkeys(lead, 0)).load()
    peaks = peaks.isel(peak=np.flatnonzero(np.isfinite(peaks["center"].values)))
    rules, names = stored_constraints(peaks), shape_parameters_of(_shapes(peaks))
    energy = peaks["energy"].values
    photon_energy = peaks.attrs.get("photon_energy")
    content: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "xpsnet_version": str(peaks.attrs.get("xpsnet_version", "")),
        "region": str(peaks.attrs.get("region", "")),
        "scale": str(peaks.attrs["scale"]),
        "units": str(peaks.attrs.get("units", "counts")),
        "photon_energy": None if photon_energy is None else float(photon_energy),
        "energy": {"first": energy[0], "last": energy[-1], "points": energy.size},
        "background": _background(peaks),
        "shared": list(stored_shared(peaks)),
        "all_peaks": {name: _rule(rules[name]) for name in names if name in rules},
        "doublets": json.loads(str(peaks.attrs.get("doublets", "[]"))),
        "peaks": [_peak(peaks, k, rules) for k in range(peaks.sizes["peak"])],
    }
    content = {name: value for name, value in content.items() if value is not None}
    return _laid_out(content)


def _laid_out(content: dict[str, Any]) -> str:
    """JSON with a line for each setting, and one for each parameter of a peak."""
    lines = []
    for name, value in content.items():
        if name != "peaks":
            lines.append(f" {json.dumps(name)}: {_dumped(value)}")
            continue
        rows = []
        for peak in value:
            inner = ",\n".join(f"   {json.dumps(key)}: {_dumped(one)}" for key, one in peak.items())
            rows.append(f"  {{\n{inner}\n  }}")
        joined = ",\n".join(rows)
        lines.append(f' "peaks": [\n{joined}\n ]' if rows else ' "peaks": []')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _dumped(value: Any) -> str:
    """JSON without numbers that it does not know."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=float)


def _shapes(peaks: xr.Dataset) -> Any:
    """Line shapes, one name where all are the same."""
    return line_shapes_of(peaks) if peaks.sizes["peak"] else "pseudo_voigt"


def _background(peaks: xr.Dataset) -> dict[str, Any]:
    """Name of the background and its coefficients; of a curve the way in which it is drawn."""
    name = str(peaks.attrs.get("background", _DEFAULT_BACKGROUND))
    choice = str(peaks.attrs.get("background_choice", ""))
    if choice in _STATIC:
        return {"name": choice}
    if name == CURVE:
        kind = peaks.attrs.get("background_kind")
        if kind is None:
            warnings.warn(
                "a peak set does not hold the background, which was drawn by hand; .nc and .zarr "
                "hold all of it",
                XpsnetWarning,
                stacklevel=2,
            )
        return {"name": _DEFAULT_BACKGROUND if kind is None else str(kind)}
    values = {t: float(peaks[f"background_{t}"]) for t in background_terms(name)}
    return {"name": name} | {t: v for t, v in values.items() if np.isfinite(v)}


def _peak(peaks: xr.Dataset, k: int, rules: Mapping[str, Constraint]) -> dict[str, Any]:
    """One peak."""
    shape = shape_names(line_shapes_of(peaks), peaks.sizes["peak"])[k]
    place = places_of_numbers(peaks)
    one: dict[str, Any] = {}
    if "label" in peaks:
        one["label"] = str(peaks["label"].values[k])
    one |= {"line_shape": shape, "enabled": bool(enabled_rows(peaks)[k])}
    for name in (*LINE_SHAPES[shape].parameters, _AREA):
        entry = {"value": float(peaks[name].values[k])}
        error = peaks.get(f"{name}_stderr")
        if error is not None and np.isfinite(error.values[k]):
            entry["error"] = float(error.values[k])
        one[name] = entry | _rule(rules.get(parameter_name(name, k)))
    if "state" in peaks and int(peaks["state"].values[k]):
        one["state"] = int(peaks["state"].values[k])
    partner = place.get(int(peaks["partner"].values[k]) - 1, -1) if "partner" in peaks else -1
    return one | ({"partner": partner + 1} if partner >= 0 else {})


def _rule(rule: Constraint | None) -> dict[str, Any]:
    """A constraint in the words of the file."""
    if rule is None:
        return {}
    if isinstance(rule, str):
        return {"link": rule}
    if isinstance(rule, int | float):
        return {"value": float(rule), "lock": True}
    ends = dict(zip(("min", "max"), rule, strict=True))
    return {name: end for name, end in ends.items() if end is not None}


def read(path: Path) -> list[xr.Dataset]:
    """Read the peak set of a file.

    Raises
    ------
    ReadError
        If anything in it is not as `write` makes it.
    """
    text = read_decoded(path, MAX_BYTES)
    try:
        content = json.loads(text, parse_constant=_no_constant)
        return [_peaks(content)]
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        said = " ".join(str(error).split())[:300] or type(error).__name__
        raise refusal(
            path,
            expected=f"a peak set of xpsnet, version {VERSION}",
            got=f"something else: {said}",
            advice="write the peaks again",
        ) from error


def _no_constant(name: str) -> float:
    raise ValueError(f"the number {name}")


def _checked(entry: Any, kinds: Mapping[str, type], where: str) -> dict[str, Any]:
    """An object of the file that holds nothing but known names of the right kinds."""
    if not isinstance(entry, dict):
        raise ValueError(f"{where} is no object")
    for name, value in entry.items():
        if name not in kinds:
            raise ValueError(f"{where} has an unknown name {name[:40]!r}")
        kind: Any = (int, float) if kinds[name] is float else kinds[name]
        boolean = isinstance(value, bool)
        if not isinstance(value, kind) or (boolean and kinds[name] is not bool):
            raise ValueError(f"{name} of {where} is {str(value)[:40]!r}")
        if kinds[name] is float and not np.isfinite(float(value)):
            raise ValueError(f"{name} of {where} is not finite")
    return entry


def _peaks(content: Any) -> xr.Dataset:
    """Peaks of the content of a file."""
    content = _checked(content, _TOP, "the file")
    missing = [name for name in _NEEDED if name not in content]
    if missing:
        raise ValueError(f"no {', '.join(missing)}")
    if content["format"] != FORMAT or content["version"] != VERSION:
        raise ValueError(f"version {content['version']}; install a newer xpsnet")
    entries = content["peaks"]
    if len(entries) > _MAX_PEAKS:
        raise ValueError(f"{len(entries)} peaks")
    shapes = [_shape_of(entry, k) for k, entry in enumerate(entries)] or ["pseudo_voigt"]
    line_shape = simplest(tuple(shapes))
    names = (*shape_parameters_of(line_shape), _AREA)
    n = max(len(entries), 1)
    values = {name: np.full(n, np.nan) for name in names}
    errors = {name: np.full(n, np.nan) for name in names}
    rules: dict[str, Constraint] = {}
    for name, entry in content.get("all_peaks", {}).items():
        rules |= _stated(name, entry, f"all_peaks {name}")
    for k, entry in enumerate(entries):
        for name in (*LINE_SHAPES[shapes[k]].parameters, _AREA):
            where = f"{name} of peak {k + 1}"
            one = _checked(entry[name], _OF_A_PARAMETER, where)
            values[name][k] = float(one["value"])
            errors[name][k] = float(one.get("error", np.nan))
            rules |= _stated(parameter_name(name, k), one, where)
    check = check_constraints(rules, line_shape, n)
    resolved(check.links)
    known_errors = {name: e for name, e in errors.items() if np.isfinite(e).any()}
    background, terms, choice = _background_of(content["background"])
    values.pop(_AREA)
    peaks = make_peaks(
        _axis(content["energy"]),
        (),
        scale=content["scale"],
        line_shape=line_shape,
        background=background,
        parameters=values,
        background_parameters=terms,
        status=int(Status.OK if known_errors else Status.NOT_DONE),
        stderr=known_errors or None,
        label=[str(e.get("label", "")) for e in entries] if _any(entries, "label") else None,
        keep_order=True,
        attrs={
            **{
                name: content[name]
                for name in ("region", "units", "photon_energy")
                if name in content
            },
            **setting_attributes(rules),
            "shared": " ".join(_shared(content.get("shared", []), names)),
            "background_choice": choice,
            "doublets": json.dumps(content["doublets"]) if content.get("doublets") else None,
        },
    )
    return _with_rows(peaks, entries)


def _with_rows(peaks: xr.Dataset, entries: list[dict[str, Any]]) -> xr.Dataset:
    """Peaks with what else the file says of every row."""
    found: dict[str, Any] = {
        "enabled": ("peak", np.array([e.get("enabled", True) for e in entries] or [True], bool))
    }
    for name in ("state", "partner"):
        if _any(entries, name):
            numbers = np.array([e.get(name, 0) for e in entries], dtype=np.int64)
            if (numbers < 0).any() or (numbers > len(entries)).any():
                raise ValueError(f"a {name} beyond the peaks")
            found[name] = "peak", numbers
    there = np.isfinite(peaks["center"].values) & found["enabled"][1]
    found["n_peaks"] = (), np.int64(there.sum())
    return with_texts(peaks.assign(found))


def _any(entries: list[dict[str, Any]], name: str) -> bool:
    return any(name in entry for entry in entries)


def _shape_of(entry: Any, k: int) -> str:
    """Line shape of a peak, all of whose parameters are there."""
    if not isinstance(entry, dict) or entry.get("line_shape") not in LINE_SHAPES:
        raise ValueError(f"no known line_shape of peak {k + 1}")
    shape = str(entry["line_shape"])
    kinds = {**_OF_A_PEAK, **dict.fromkeys((*LINE_SHAPES[shape].parameters, _AREA), dict)}
    _checked(entry, kinds, f"peak {k + 1}")
    missing = [name for name in kinds if kinds[name] is dict and name not in entry]
    if missing:
        raise ValueError(f"no {', '.join(missing)} of peak {k + 1}")
    return shape


def _stated(name: str, entry: Any, where: str) -> dict[str, Constraint]:
    """The constraint that an entry of the file states."""
    one = _checked(entry, _OF_A_PARAMETER, where)
    limited = {"min", "max"} & one.keys()
    if sum([bool(one.get("lock")), "link" in one, bool(limited)]) > 1:
        raise ValueError(f"{where} has more than one of lock, limits and link")
    if one.get("lock"):
        return {name: float(one["value"])}
    if "link" in one:
        return {name: str(one["link"])}
    return {name: (one.get("min"), one.get("max"))} if limited else {}


def _shared(names: list[Any], known: tuple[str, ...]) -> list[str]:
    """Shared parameters, refused where there are none of these names."""
    parameters = {p for line in LINE_SHAPES.values() for p in line.parameters}
    if not set(map(str, names)) <= parameters:
        raise ValueError(f"shared {str(names)[:60]}")
    return [str(name) for name in names if name in known]


def _background_of(entry: Mapping[str, Any]) -> tuple[str, dict[str, float], str | None]:
    """Background, its coefficients, and what is drawn anew for every spectrum."""
    name = str(entry.get("name"))
    if name in _STATIC:
        _checked(entry, {"name": str}, "background")
        return "none", {}, name
    if name not in BACKGROUNDS:
        raise ValueError(f"the background {name[:40]!r}")
    terms = BACKGROUNDS[name]
    _checked(entry, {"name": str, **dict.fromkeys(terms, float)}, "background")
    return name, {term: float(entry.get(term, 0.0)) for term in terms}, None


def _axis(entry: Any) -> Any:
    """Energies of the fitted range [eV]."""
    one = _checked(entry, {"first": float, "last": float, "points": int}, "energy")
    if not 2 <= one["points"] <= _MAX_POINTS or one["first"] == one["last"]:
        raise ValueError(f"the energies {one}")
    return np.linspace(one["first"], one["last"], one["points"])
