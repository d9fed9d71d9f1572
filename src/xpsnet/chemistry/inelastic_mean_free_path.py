"""Inelastic mean free paths of electrons: TPP-2M, JTP, and powers of the kinetic energy.

References
----------
S. Tanuma, C. J. Powell, D. R. Penn, Calculations of electron inelastic mean free paths V, Surf.
Interface Anal. 21, 165 (1994), doi 10.1002/sia.740210302 (TPP-2M).
A. Jablonski, S. Tanuma, C. J. Powell, Calculations of electron inelastic mean free paths XIV, Surf.
Interface Anal. 55, 609 (2023), doi 10.1002/sia.7217 (JTP).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from xpsnet.arguments import is_number, shown
from xpsnet.data import level_tables as tables

Floats = npt.NDArray[np.float64]

RMS_DEVIATIONS = {"tpp2m": 0.11, "jtp": 0.102}
"""Root-mean-square deviations of the two equations from calculated mean free paths.

TPP-2M: 11 % (S. Tanuma, C. J. Powell, D. R. Penn, Surf. Interface Anal. 35, 268 (2003), doi
10.1002/sia.1526, ten materials); 16 % for the 100 materials of Jablonski et al. (2023), who state
10.2 % for JTP.
"""

_PLASMON = 28.816  # [eV] for one electron per g/cm3 and g/mol
_REST = 510998.95  # [eV] rest energy of the electron
_LOWEST = 50.0  # [eV] below it the equations do not hold
_KEYS = ("formula", "density", "band_gap", "n_valence")
_NO_DEFAULT = range(57, 72)  # of the lanthanides the number is not the group


@dataclass(frozen=True)
class Material:
    """What the equations need to know.

    Attributes
    ----------
    formula : str
        "SiO2"; one formula unit is what `n_valence` and `molar_mass` count.
    density : float
        [g/cm3]
    molar_mass : float
        [g/mol]
    n_valence : float
        Valence electrons.
    band_gap : float
        [eV]; 0 for metals.
    """

    formula: str
    density: float
    molar_mass: float
    n_valence: float
    band_gap: float = 0.0

    @property
    def density_of_valence(self) -> float:
        """U of the equations: density x valence electrons / molar mass."""
        return self.n_valence * self.density / self.molar_mass

    @property
    def gap_and_plasmon(self) -> tuple[float, float]:
        """Squares of the free-electron plasmon energy alone, and with the band gap [eV2]."""
        plasmon = _PLASMON**2 * self.density_of_valence
        return plasmon, plasmon + self.band_gap**2


def material_of(given: Mapping[str, Any]) -> Material:
    """Material from a formula and what is known of it.

    Parameters
    ----------
    given : mapping
        "formula" and, for compounds, "density" [g/cm3]; optional "band_gap" [eV] and "n_valence",
        valence electrons of one formula unit.

    Returns
    -------
    Material
        The number of valence electrons of an element is its group (main groups: the last digit;
        Cu 11, Zn 12) unless `n_valence` is given.

    Raises
    ------
    ValueError
        Where the formula cannot be read, or something is missing.

    Examples
    --------
    >>> from xpsnet.chemistry.inelastic_mean_free_path import material_of
    >>> material_of({"formula": "SiO2", "density": 2.2, "band_gap": 9.0}).n_valence
    16.0
    """
    import xraylib

    unknown = sorted(set(given) - set(_KEYS))
    formula = given.get("formula")
    if unknown or not isinstance(formula, str):
        raise ValueError(
            f"expected material= as a dict with {', '.join(_KEYS)}, got {shown(dict(given))}; for "
            f"instance material={{'formula': 'SiO2', 'density': 2.2, 'band_gap': 9.0}}"
        )
    try:
        parsed = xraylib.CompoundParser(formula)
    except ValueError:
        raise ValueError(
            f"expected a chemical formula, got {shown(formula)}; write for instance 'Al2O3'"
        ) from None
    atoms = dict(zip(parsed["Elements"], parsed["nAtoms"], strict=True))
    numbers = {key: given[key] for key in _KEYS[1:] if given.get(key) is not None}
    wrong = [key for key, one in numbers.items() if not is_number(one) or not math.isfinite(one)]
    wrong += [k for k, one in numbers.items() if k not in wrong and one < (k != "band_gap") * 1e-6]
    if wrong:
        raise ValueError(
            f"expected positive numbers in material=, got {wrong[0]}={shown(numbers[wrong[0]])}"
        )
    if "density" not in numbers:
        if len(atoms) > 1:
            raise ValueError(
                f"expected the density of {formula} [g/cm3] in material=, got none; add "
                f"'density': 2.2"
            )
        numbers["density"] = xraylib.ElementDensity(next(iter(atoms)))
    if "n_valence" not in numbers:
        numbers["n_valence"] = sum(n * _valence(z) for z, n in atoms.items())
    mass = sum(n * xraylib.AtomicWeight(z) for z, n in atoms.items())
    return Material(
        formula, float(numbers["density"]), float(mass), float(numbers["n_valence"]),
        float(numbers.get("band_gap", 0.0)),
    )  # fmt: skip


def _valence(atomic_number: int) -> int:
    """Valence electrons of an element by its place in the periodic table."""
    if atomic_number in _NO_DEFAULT or atomic_number > 86:
        raise ValueError(
            f"expected the number of valence electrons of a material with "
            f"{tables.ELEMENTS[atomic_number - 1]}, got none; add 'n_valence' to material="
        )
    if atomic_number <= 2:
        return atomic_number
    noble = max(z for z in (2, 10, 18, 36, 54) if z < atomic_number)
    beyond = atomic_number - noble
    length = {2: 8, 10: 8, 18: 18, 36: 18, 54: 32}[noble]
    if beyond <= 2:
        return beyond
    if length == 32:  # behind the lanthanides
        beyond -= 14
    return beyond if length == 8 or beyond <= 12 else beyond - 10


def tpp2m(kinetic_energy: npt.ArrayLike, material: Material) -> Floats:
    """Inelastic mean free path by the equation TPP-2M.

    Parameters
    ----------
    kinetic_energy : array_like
        [eV], 50 to 2000 eV; beyond, the relativistic equation would be needed.
    material : Material

    Returns
    -------
    ndarray
        [nm]

    Examples
    --------
    >>> from xpsnet.chemistry.inelastic_mean_free_path import material_of, tpp2m
    >>> float(tpp2m(1000.0, material_of({"formula": "Si", "band_gap": 1.1})).round(1))
    2.4
    """
    energy = np.asarray(kinetic_energy, dtype=np.float64)
    plasmon, with_gap = material.gap_and_plasmon
    density, u = material.density, material.density_of_valence
    beta = -0.10 + 0.944 / math.sqrt(with_gap) + 0.069 * density**0.1
    gamma = 0.191 / math.sqrt(density)
    c, d = 1.97 - 0.91 * u, 53.4 - 20.8 * u
    per_energy = plasmon * (beta * np.log(gamma * energy) - c / energy + d / energy**2)
    return np.asarray(energy / per_energy / 10.0)


def jtp(kinetic_energy: npt.ArrayLike, material: Material) -> Floats:
    """Inelastic mean free path by the equation of Jablonski, Tanuma and Powell.

    Parameters
    ----------
    kinetic_energy : array_like
        [eV], 50 eV to 200 keV.
    material : Material

    Returns
    -------
    ndarray
        [nm]

    Examples
    --------
    >>> from xpsnet.chemistry.inelastic_mean_free_path import jtp, material_of
    >>> float(jtp(1000.0, material_of({"formula": "Si", "band_gap": 1.1})).round(1))
    2.3
    """
    energy = np.asarray(kinetic_energy, dtype=np.float64)
    plasmon, with_gap = material.gap_and_plasmon
    density, u = material.density, material.density_of_valence
    alpha = (1 + energy / (2 * _REST)) / (1 + energy / _REST) ** 2
    beta = 0.0539 + 17.0 / with_gap**0.639 - 0.252 / density**0.463
    gamma = 0.115 / density**0.253
    c, d = 9.76 + 2.09 * u, 97.5 + 223.0 * u
    logarithm = np.log(gamma * alpha * energy)
    return np.asarray(alpha * energy / (plasmon * (beta * logarithm - c / energy + d / energy**2)))


def check_energies(kinetic_energy: npt.ArrayLike) -> None:
    """Refuse kinetic energies at which the equations do not hold."""
    lowest = float(np.min(kinetic_energy))
    if not lowest >= _LOWEST:
        raise ValueError(
            f"expected kinetic energies from {_LOWEST:g} eV for an inelastic mean free path, got "
            f"{lowest:.0f} eV; pass imfp= as a function of the kinetic energy"
        )
