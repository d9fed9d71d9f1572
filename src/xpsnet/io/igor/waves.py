"""Waves of Igor Pro, from binary files and from text, turned into spectra."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.io.common.chosen_axes import Axes
from xpsnet.io.common.energy_axis import axis_problem, has_repeats, is_joined, is_uniform
from xpsnet.io.common.labels import is_energy_label, photon_energy_of, scale_of_text
from xpsnet.io.common.reading import Reading
from xpsnet.io.common.stacking import Floats
from xpsnet.io.scienta.settings import (
    Axis,
    by_section,
    complete,
    pairs,
    scale_of,
    stage_lines,
    to_spectrum,
)

_MAX_NOTE = 100_000
_SES = ("ses", "info")
# "deg (theta_y)": Prodigy puts the unit first and the name of the dimension behind it.
_UNIT_FIRST = re.compile(r"\s*(deg|°|mrad|mm|[uµ]m|s|K|V)[a-z]*\s*\(([^()]{1,100})\)\s*")


class Scale(NamedTuple):
    """Scaling of one dimension: value = start + step * index."""

    label: str
    start: float
    step: float

    def values(self, n: int) -> Floats:
        """Values along the dimension, shape (n,)."""
        return self.start + self.step * np.arange(n, dtype=np.float64)

    @property
    def is_set(self) -> bool:
        """Whether somebody has set it: Igor's own is the number of the point."""
        return bool(self.label) or (self.start, self.step) != (0.0, 1.0)


@dataclass
class Wave:
    """One wave: values of one to four dimensions, as Igor numbers them."""

    name: str
    values: npt.NDArray[Any]
    scales: list[Scale]
    units: str = ""
    note: str = ""
    settings: tuple[str, ...] = ()  # lines of `key=value` from elsewhere in the file


def reading_of(
    path: Path, waves: Sequence[Wave], notes: list[str], axes: Axes | None = None
) -> Reading:
    """Spectra of the waves of a file, whose dimensions `axes` may name.

    Raises
    ------
    ReadError
        If no wave has an energy axis.
    """
    return Reading(spectra_of(waves, notes, axes), notes).not_empty(
        path,
        expected="a wave with an energy axis",
        advice='scale its dimension in Igor: SetScale/P x start, step, "eV", wave; or say which '
        'dimension is energy: axes=("energy", "angle")'
        if waves
        else "it is cut off or damaged: copy it again, or save it again in Igor",
    )


def spectra_of(
    waves: Sequence[Wave], notes: list[str], axes: Axes | None = None
) -> list[xr.DataArray]:
    """Turn waves into spectra.

    Parameters
    ----------
    waves : sequence of Wave
        Those of one file or table: a wave of energies gives them to waves of the same length.
    notes : list of str
        What is assumed or left out is added to it.
    axes : dict, optional
        As from `checked_axes`: names of the dimensions of waves that have as many.

    Returns
    -------
    list of DataArray
        Energy last, the other dimensions in reversed order.
    """
    spectra: list[xr.DataArray] = []
    waves, chosen = _chosen(waves, axes) if axes else (waves, None)
    holders = {id(one): one for one in waves if one is chosen or _holds_energies(one)}
    # Of several waves of energies of one length, the first counts.
    energies = {wave.values.size: wave for wave in reversed(holders.values())}
    for wave in waves:
        if id(wave) in holders:
            continue
        dim = _energy_dimension(wave, notes) if chosen is None else None
        if chosen is not None and chosen.values.size in wave.values.shape:
            dim = wave.values.shape.index(chosen.values.size)
            energy, label = chosen.values.astype(np.float64), chosen.name
        elif dim is not None:
            energy, label = wave.scales[dim].values(wave.values.shape[dim]), wave.scales[dim].label
        else:
            partner = energies.get(wave.values.shape[0])
            if partner is None:
                notes.append(f"the wave {wave.name!r} is left out: it has no energy axis")
                continue
            dim, energy, label = 0, partner.values.astype(np.float64), partner.name
        problem = axis_problem(energy)
        if problem:
            notes.append(f"the wave {wave.name!r} is left out: {problem}")
            continue
        spectra.append(_spectrum(wave, dim, energy, label, notes))
    return spectra


def _chosen(waves: Sequence[Wave], axes: Axes) -> tuple[list[Wave], Wave | None]:
    """Waves with the names of their dimensions, and the one that holds the energies of others."""
    by_name = {wave.name: wave for wave in waves if wave.values.ndim == 1}
    beside = {n: by_name.get(place) for n, place in axes.items() if isinstance(place, str)}
    taken = {id(one) for name, one in beside.items() if name != "energy" and one is not None}
    named = [_named(wave, axes) for wave in waves if id(wave) not in taken]
    for name, axis in beside.items():
        if name != "energy" and axis is not None:
            named = [_with_axis(wave, name, axis.values.astype(np.float64)) for wave in named]
    energy = beside.get("energy")
    return named, next((one for one in named if energy and one.name == energy.name), None)


def _with_axis(wave: Wave, name: str, values: Floats) -> Wave:
    """A wave with a dimension scaled as another wave states, where that is linear."""
    steps = np.diff(values)
    if values.size not in wave.values.shape or wave.values.ndim < 2 or not steps.size:
        return wave
    if not np.allclose(steps, steps[0], rtol=1e-6, atol=1e-12):
        return wave
    at = wave.values.shape.index(values.size)
    scales = list(wave.scales)
    scales[at] = Scale(name, float(values[0]), float(steps[0]))
    return replace(wave, scales=scales)


def _named(wave: Wave, axes: Axes) -> Wave:
    """A wave whose dimensions have the names that the caller gives."""
    places = {place: name for name, place in axes.items() if isinstance(place, int)}
    if max(places, default=wave.values.ndim) >= wave.values.ndim:
        return wave
    scales = []
    for i, scale in enumerate(wave.scales):
        name, label = places.get(i, ""), scale.label
        if name == "energy":
            label = label if is_energy_label(label) else "energy [eV]"
        elif name:
            label = f"{name} [{label}]" if label and not re.search(r"[\[(]|eV", label) else name
        elif is_energy_label(label):
            label = ""
        scales.append(scale._replace(label=label))
    return replace(wave, scales=scales)


def _holds_energies(wave: Wave) -> bool:
    """Whether the values of a wave are energies: its name or its unit states it."""
    if wave.values.ndim != 1 or any(scale.is_set for scale in wave.scales):
        return False
    named = re.search(r"energ|^(?:b|k)e(?:_|\d|$)|_(?:b|k)e$|^en_", wave.name, re.IGNORECASE)
    values = wave.values.astype(np.float64)
    stated = bool(named or wave.units.strip().lower() == "ev")
    return stated and (is_uniform(values) or has_repeats(values) or is_joined(values))


def _energy_dimension(wave: Wave, notes: list[str]) -> int | None:
    """Find the dimension that is energy."""
    for i, scale in enumerate(wave.scales):
        if is_energy_label(scale.label) or scale.label.strip().lower() == "ev":
            return i
    if _is_ses(wave.note):
        return 0
    if len(wave.scales) == 1 and wave.scales[0].is_set and not wave.scales[0].label:
        notes.append(f"the wave {wave.name!r} names no axis: taken for energies in eV")
        return 0
    return None


def _is_ses(note: str) -> bool:
    """Whether the note of a wave was written by Scienta's SES."""
    return "[SES]" in note or ("Energy Scale=" in note and "Pass Energy=" in note)


def _spectrum(wave: Wave, dim: int, energy: Floats, label: str, notes: list[str]) -> xr.DataArray:
    """Build one spectrum or image."""
    values = wave.values
    others = [i for i in range(values.ndim) if i != dim][::-1]
    counts = values.transpose(*others, dim).astype(np.float64)
    counts[~np.isfinite(counts)] = np.nan
    axes = [Axis(_label(wave, i), wave.scales[i].values(values.shape[i])) for i in others]
    note = wave.note[:_MAX_NOTE].replace("\r\n", "\n").replace("\r", "\n")
    lines = list(by_section(note.split("\n"), start="ses"))
    is_ses = _is_ses(note)
    info = pairs(line for name, line in lines if name in _SES) if is_ses else {}
    stage = [line for name, line in lines if name.startswith(("manipulator", "user interface"))]
    beside = [line for name, line in lines if not is_ses or name not in _SES]
    complete(info, [*beside, *wave.settings], notes, f"the wave {wave.name!r}")
    stage += stage_lines(line for name, line in lines if name == "bcs")
    info.setdefault("region name", wave.name)
    info["data units"] = wave.units
    scale = scale_of(info, label, notes, f"the wave {wave.name!r}")
    if not is_ses:
        scale = scale or scale_of_text(note)
        photon_energy = photon_energy_of(note)
        if photon_energy and "excitation energy" not in info:
            info["excitation energy"] = repr(photon_energy)
    return to_spectrum(counts, energy, axes, info, scale, stage)


def _label(wave: Wave, dim: int) -> str:
    """Label of a dimension that is not energy."""
    label = wave.scales[dim].label
    if unit_first := _UNIT_FIRST.fullmatch(label):
        return f"{unit_first[2]} [{unit_first[1]}]"
    if label:
        # A bare unit is no name: degrees are the angle.
        return f"Angle [{label}]" if label.lower().startswith("deg") or label == "°" else label
    return "" if dim == 1 else f"dimension {dim + 1}"
