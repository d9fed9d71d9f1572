"""What areas are divided by before they are atoms: transmission, mean free path, angle."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import is_number, shown
from xpsnet.chemistry.inelastic_mean_free_path import (
    Material,
    check_energies,
    jtp,
    material_of,
    tpp2m,
)
from xpsnet.chemistry.levels_of_peaks import LevelOfPeaks
from xpsnet.chemistry.sensitivity_factors import Factors
from xpsnet.chemistry.transmission import transmission_at, value_of
from xpsnet.data.level_names import parse_level

Floats = npt.NDArray[np.float64]
Function = Callable[[float], float]
Pair = tuple[xr.Dataset, LevelOfPeaks]

MEAN_EXPONENT = 0.71
"""Power of the kinetic energy that stands for a mean free path whose material is unknown.

The mean of the slopes of TPP-2M and JTP between 300 and 1400 eV, of 14 elements and 6 compounds:
0.709, standard deviation 0.020, 0.67 to 0.75 (``benchmarks/bench_chemistry.py factors``).
"""

UNCERTAINTIES: dict[str, float] = {
    "rsf": 0.10,
    "rsf_measured": 0.05,
    "transmission": 0.10,
    "transmission_unknown": 0.50,
    "imfp": 0.04,
}
"""Relative standard uncertainties that `atomic_fraction_systematic` counts by default.

`rsf`: of each element's factor, from cross-sections or average matrix; `rsf_measured`: of factors
that were measured on the instrument. `transmission`: of the exponent m in a transmission E^m, where
the transmission is known, and `transmission_unknown` where it is not. `imfp`: of the exponent of
the mean free path. The last one covers the slopes of `MEAN_EXPONENT`; the others are judgement.
What can be reached: C. R. Brundle, B. V. Crist, J. Vac. Sci. Technol. A 38, 041001 (2020), doi
10.1116/1.5143897.
"""

MAGIC_ANGLE = math.degrees(math.acos(1 / math.sqrt(3)))
"""Angle between X-rays and analyzer [degrees] at which the asymmetry of emission has no effect."""

POWER = re.compile(r"ke\^(n|[-+]?\d*\.?\d+)", re.IGNORECASE)
"""A power of the kinetic energy as a text."""

_NEARLY_MAGIC = 0.5  # [degrees]
_BETA_OF_S = 2.0  # of s levels in the dipole approximation


@dataclass(frozen=True)
class Choices:
    """Arguments of `quantify` that say how areas are corrected."""

    rsf: str | Path | Mapping[str, float]
    rsf_kind: str | None
    transmission: str | Function | None
    imfp: str | Function | None
    material: Mapping[str, Any] | None
    angle: float | None
    asymmetry: Mapping[str, float] | None
    uncertainty: Mapping[str, float] | None


@dataclass(frozen=True)
class Corrections:
    """What the areas of each level are divided by beside the factor, shape (level,).

    Attributes
    ----------
    transmission, imfp, angular : ndarray, shape (level,)
    texts : dict
        A sentence for each of them.
    imfp_unit : str
        "nm", or "1" where it is relative.
    uncertainty : dict
        Relative standard uncertainties "rsf", "transmission" and "imfp".
    """

    transmission: Floats
    imfp: Floats
    angular: Floats
    texts: dict[str, str]
    imfp_unit: str
    uncertainty: dict[str, float]

    @property
    def product(self) -> Floats:
        """All of them."""
        return self.transmission * self.imfp * self.angular


def corrections(
    choices: Choices, factors: Factors, levels: Sequence[Pair], notes: list[str]
) -> Corrections:
    """Corrections of the areas of levels, as far as the factors do not contain them.

    Parameters
    ----------
    choices : Choices
    factors : Factors
        Their kind says what they contain.
    levels : sequence of (Dataset, LevelOfPeaks)
    notes : list of str
        Warnings are added.

    Raises
    ------
    ValueError
        Where a material, an asymmetry parameter or a kinetic energy is missing or out of range.
    """
    material = None if choices.material is None else material_of(choices.material)
    ones = np.ones(len(levels))
    texts = {}
    contained = f"contained in the factors ({factors.kind})"
    transmission, imfp, angular = ones, ones, ones
    unit = "1"
    unknown = False
    if factors.kind == "measured":
        texts["transmission"] = texts["angle"] = contained
    else:
        transmission, texts["transmission"], unknown = _transmission(choices, levels, notes)
        angular, texts["angle"] = _angular(choices, levels)
    if factors.kind == "cross-section":
        imfp, texts["imfp"], unit = _imfp(choices.imfp, material, levels)
    else:
        texts["imfp"] = contained
    if factors.kind == "average matrix":
        _warn_of_shirley(levels, notes)
    own = _uncertainty(choices.uncertainty)
    default = {
        "rsf": UNCERTAINTIES["rsf_measured" if factors.kind == "measured" else "rsf"],
        "transmission": UNCERTAINTIES["transmission_unknown" if unknown else "transmission"],
        "imfp": UNCERTAINTIES["imfp"],
    }
    if factors.kind == "measured":
        default["transmission"] = 0.0
    if factors.kind != "cross-section":
        default["imfp"] = 0.0
    return Corrections(transmission, imfp, angular, texts, unit, default | own)


def _uncertainty(given: Mapping[str, float] | None) -> dict[str, float]:
    """Checked uncertainties of the caller."""
    names = ("rsf", "transmission", "imfp")
    for name, value in (given or {}).items():
        if name not in names or not is_number(value) or not 0 <= value < np.inf:
            raise ValueError(
                f"expected relative uncertainties from 0 of {', '.join(names)}, got {shown(name)}: "
                f"{shown(value)}; pass for instance uncertainty={{'rsf': 0.05}}"
            )
    return {name: float(value) for name, value in (given or {}).items()}


def _power(word: str, energies: Floats, exponent: float) -> tuple[Floats, float]:
    """A power of the kinetic energy relative to 1000 eV, and its exponent."""
    match = POWER.fullmatch(word)
    given = match[1] if match else "n"
    exponent = exponent if given.lower() == "n" else float(given)
    return (energies / 1000.0) ** exponent, exponent


def _transmission(
    choices: Choices, levels: Sequence[Pair], notes: list[str]
) -> tuple[Floats, str, bool]:
    """Transmission of each level, its source, and whether it is unknown."""
    given = choices.transmission
    energies = np.array([one.kinetic_energy for _, one in levels])
    if given is None:
        return np.ones(energies.size), "taken as the same at all kinetic energies", True
    if callable(given):
        found = np.array([value_of(given, float(e), "transmission") for e in energies])
        return found, "function given by the user", False
    if given != "file":
        values, exponent = _power(given, energies, 0.0)
        return values, f"proportional to E^{exponent:g}", False
    stated = [transmission_at(peaks, one.kinetic_energy) for peaks, one in levels]
    missing = [one.name for value, (_, one) in zip(stated, levels, strict=True) if value is None]
    if not missing:
        _warn_of_units(stated, notes)
        return np.array(stated, dtype=np.float64), "as stated in the file", False
    if len(levels) > 1:
        notes.append(
            f"no transmission is known of {', '.join(missing)}: it was taken as the same at all "
            f"kinetic energies, which the systematic error counts; pass transmission= as "
            f'"ke^-0.7" or a function'
        )
    return np.ones(energies.size), "unknown, taken as the same at all kinetic energies", True


def _warn_of_units(stated: Sequence[float | None], notes: list[str]) -> None:
    """Warn where the stated values cannot be of one scale."""
    values = [value for value in stated if value is not None]
    if max(values) > 20 * min(values):
        notes.append(
            f"the transmission that the files state differs by a factor of "
            f"{max(values) / min(values):.0f} between the regions: check that all are of one scale"
        )


def _imfp(
    given: str | Function | None, material: Material | None, levels: Sequence[Pair]
) -> tuple[Floats, str, str]:
    """Mean free path of each level, its source and its unit."""
    energies = np.array([one.kinetic_energy for _, one in levels])
    if given is None:
        return np.ones(energies.size), "taken as the same at all kinetic energies", "1"
    if callable(given):
        found = np.array([value_of(given, float(e), "imfp") for e in energies])
        return found, "function given by the user", "1"
    if given not in ("tpp2m", "jtp"):
        values, exponent = _power(given, energies, MEAN_EXPONENT)
        return values, f"proportional to E^{exponent:g}", "1"
    if material is None:
        raise ValueError(
            f"expected material= for imfp={given!r}, got none; pass for instance "
            f"material={{'formula': 'SiO2', 'density': 2.2, 'band_gap': 9.0}}, or imfp=\"ke^n\""
        )
    check_energies(energies)
    found = (tpp2m if given == "tpp2m" else jtp)(energies, material)
    if not (np.isfinite(found) & (found > 0)).all():
        raise ValueError(
            f"expected a material for which {given} gives a mean free path, got {material}"
        )
    name = (
        "TPP-2M (doi 10.1002/sia.740210302)" if given == "tpp2m" else "JTP (doi 10.1002/sia.7217)"
    )
    text = (
        f"{name} in {material.formula}, density {material.density:g} g/cm3, "
        f"{material.n_valence:g} valence electrons, band gap {material.band_gap:g} eV"
    )
    return found, text, "nm"


def _angular(choices: Choices, levels: Sequence[Pair]) -> tuple[Floats, str]:
    """Factor of the angle between X-rays and analyzer for each level."""
    ones = np.ones(len(levels))
    if choices.angle is None:
        return ones, "not corrected: the magic angle, 54.7 degrees, is taken"
    angle = float(choices.angle)
    if abs(angle - MAGIC_ANGLE) < _NEARLY_MAGIC:
        return ones, f"{angle:g} degrees, the magic angle: no correction"
    given = _asymmetry(choices.asymmetry)
    beta = []
    for _, one in levels:
        own = [given[key] for key in (one.name, one.level.name) if key in given]
        if own or one.level.shell.endswith("s"):
            beta.append([*own, _BETA_OF_S][0])
            continue
        raise ValueError(
            f"expected the asymmetry parameter of {one.name} for an angle of {angle:g} degrees, "
            f"got none; pass asymmetry={{{one.level.name!r}: 1.0}} with its value, or leave angle= "
            f"out"
        )
    form = 0.5 * (1.5 * math.sin(math.radians(angle)) ** 2 - 1.0)
    values = 1.0 + np.array(beta) * form
    if (values <= 0).any():
        raise ValueError(
            f"expected an angle at which all levels emit, got {angle:g} degrees; the factors are "
            f"{values.round(3).tolist()}"
        )
    listed = ", ".join(f"{one.name} {b:g}" for b, (_, one) in zip(beta, levels, strict=True))
    return values, f"{angle:g} degrees, asymmetry parameters {listed} (s levels: 2)"


def _asymmetry(given: Mapping[str, float] | None) -> dict[str, float]:
    """Asymmetry parameters by the names of levels, checked."""
    found = {}
    for name, value in (given or {}).items():
        level = parse_level(name)
        if level is None or not is_number(value) or not -1 <= value <= 2:
            raise ValueError(
                f"expected asymmetry parameters from -1 to 2 by level, got {shown(name)}: "
                f"{shown(value)}; pass for instance asymmetry={{'Si 2p': 1.0}}"
            )
        found[str(level)] = float(value)
    return found


def _warn_of_shirley(levels: Sequence[Pair], notes: list[str]) -> None:
    """Average-matrix factors hold for areas above a Tougaard background."""
    words = ("background", "background_kind", "background_in_file", "background_choice")
    found = [
        one.name
        for peaks, one in levels
        if any("shirley" in str(peaks.attrs.get(word, "")).lower() for word in words)
        or "smart" in str(peaks.attrs.get("background_in_file", "")).lower()
    ]
    if found:
        notes.append(
            f"average-matrix factors hold for areas above a Tougaard background; those of "
            f"{', '.join(found)} are above a Shirley background, which gives smaller areas: fit "
            f'with background="tougaard", or use cross-sections'
        )
