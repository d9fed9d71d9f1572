"""Simulated core levels of compounds of known composition, as an instrument counts them.

Independent of the library's fits: lines are written out here. The area of a level is atoms x
cross-section x transmission x inelastic mean free path x time. Each level has a constant background
and a Shirley step; counts are Poisson. Binding energies are rounded handbook values
(`xpsnet.constants.REFERENCES`, moulder1992), good to some tenths of an eV.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.special import voigt_profile

from xpsnet.chemistry.cross_sections import cross_section
from xpsnet.chemistry.inelastic_mean_free_path import material_of, tpp2m
from xpsnet.data.level_names import parse_level
from xpsnet.data.spectrum import make_spectrum

Floats = npt.NDArray[np.float64]

PHOTON_ENERGY = 1486.6
LINES = ("pseudo_voigt", "voigt")
_SIGMA = 2 * np.sqrt(2 * np.log(2))
_RATIO = {"p": 1 / 2, "d": 2 / 3, "f": 3 / 4}  # area of the line of lower j over the other
_STEP = 0.1  # eV
_TIMES = ((0.1, 5), (0.1, 10), (0.2, 10), (0.2, 20))  # dwell time [s], scans


@dataclass(frozen=True)
class Region:
    """One level of a compound.

    `states` are (binding energy [eV], atoms per formula unit) of the line of higher j; `splitting`
    [eV] is 0 for s levels; `broader` is the width of the line of lower j over the other.
    """

    level: str
    states: tuple[tuple[float, float], ...]
    fwhm: float
    splitting: float = 0.0
    broader: float = 1.0

    @property
    def middle(self) -> float:
        """Mean binding energy of all lines, by their areas [eV]."""
        share = _RATIO[self.level[-1]] / (1 + _RATIO[self.level[-1]]) if self.splitting else 0.0
        mean = np.average([c for c, _ in self.states], weights=[n for _, n in self.states])
        return float(mean) + share * self.splitting


@dataclass(frozen=True)
class Compound:
    """A compound: formula, density [g/cm3], band gap [eV], and its levels."""

    formula: str
    density: float
    band_gap: float
    regions: tuple[Region, ...]

    @property
    def material(self) -> dict[str, str | float]:
        """What `quantify` takes as material."""
        return {"formula": self.formula, "density": self.density, "band_gap": self.band_gap}

    @property
    def fractions(self) -> dict[str, float]:
        """Atomic fraction by level."""
        atoms = {one.level: sum(n for _, n in one.states) for one in self.regions}
        return {level: n / sum(atoms.values()) for level, n in atoms.items()}


COMPOUNDS = {
    "SiO2": Compound("SiO2", 2.20, 9.0, (
        Region("Si 2p", ((103.5, 1.0),), 1.5, 0.6), Region("O 1s", ((532.9, 2.0),), 1.6))),
    "TiO2": Compound("TiO2", 4.23, 3.2, (
        Region("Ti 2p", ((458.6, 1.0),), 1.1, 5.7, 1.8), Region("O 1s", ((529.9, 2.0),), 1.2))),
    "PTFE": Compound("C2F4", 2.20, 8.0, (
        Region("C 1s", ((292.5, 2.0),), 1.4), Region("F 1s", ((689.7, 4.0),), 1.8))),
    "PET": Compound("C10H8O4", 1.38, 7.0, (
        Region("C 1s", ((284.8, 6.0), (286.4, 2.0), (288.8, 2.0)), 1.1),
        Region("O 1s", ((531.7, 2.0), (533.3, 2.0)), 1.2))),
    "Al2O3": Compound("Al2O3", 3.97, 8.8, (
        Region("Al 2p", ((74.4, 2.0),), 1.5, 0.44), Region("O 1s", ((531.2, 3.0),), 1.7))),
    "ITO": Compound("In1.8Sn0.2O3", 7.14, 3.7, (
        Region("In 3d", ((444.6, 1.8),), 1.3, 7.54), Region("Sn 3d", ((486.6, 0.2),), 1.4, 8.41),
        Region("O 1s", ((530.1, 2.2), (531.7, 0.8)), 1.4))),
    "SrTiO3": Compound("SrTiO3", 5.12, 3.2, (
        Region("Sr 3d", ((133.0, 1.0),), 1.1, 1.79),
        Region("Ti 2p", ((458.5, 1.0),), 1.2, 5.7, 1.8),
        Region("O 1s", ((529.8, 3.0),), 1.3))),
}  # fmt: skip


def transmission(kinetic_energy: npt.ArrayLike) -> Floats:
    """Transmission of the simulated analyzer, falling with the kinetic energy [eV]."""
    energy = np.asarray(kinetic_energy, dtype=np.float64) / 1000.0
    return energy**-0.6 * (1.0 + 0.1 * energy)


def spectra_of(
    compound: Compound, flux: Floats, rng: np.random.Generator, line: str
) -> list[xr.DataArray]:
    """Counts of all levels, each over (sample, energy).

    Parameters
    ----------
    compound : Compound
    flux : ndarray, shape (sample,)
        Counts/s eV of one atom of carbon 1s per formula unit at 1000 eV kinetic energy.
    rng : Generator
    line : str
        One of `LINES`.
    """
    material = material_of(compound.material)
    found = []
    for region in compound.regions:
        level = parse_level(region.level)
        assert level is not None
        kinetic = PHOTON_ENERGY - region.middle
        strength = cross_section(level, PHOTON_ENERGY) / cross_section(
            parse_level("C 1s"), PHOTON_ENERGY
        )
        strength *= float(transmission(kinetic) * tpp2m(kinetic, material) / tpp2m(1e3, material))
        dwell_time, scans = _TIMES[int(rng.integers(len(_TIMES)))]
        first, last = region.states[0][0], region.states[-1][0]
        energy = np.arange(first - 6.0, last + region.splitting + 8.0, _STEP)
        shape = sum(n * _level(energy, region, center, line) for center, n in region.states)
        signal = shape * strength * flux[:, None]
        step = np.cumsum(signal, axis=1) * _STEP * 0.02
        pedestal = 0.08 * strength * flux[:, None] + 2.0
        counts = rng.poisson((signal + step + pedestal) * dwell_time * scans)
        made = make_spectrum(
            counts.astype(float), energy, dims=("sample", "energy"), name=region.level,
            scale="binding", photon_energy=PHOTON_ENERGY, dwell_time=dwell_time, n_scans=scans,
        )  # fmt: skip
        curve = transmission(PHOTON_ENERGY - energy)
        found.append(made.assign_coords(transmission=("energy", curve)))
    return found


MAP = Compound("SrTiO3", 5.12, 3.2, (
    Region("C 1s", ((284.8, 1.0),), 1.2), *COMPOUNDS["SrTiO3"].regions))  # fmt: skip


def map_spectra(
    size: int, flux: float, rng: np.random.Generator
) -> tuple[list[xr.DataArray], xr.DataArray, xr.DataArray]:
    """A charging map of strontium titanate below a film of carbon: spectra, truth and charge.

    Parameters
    ----------
    size : int
        Pixels in each direction.
    flux : float
        As for `spectra_of`.
    rng : Generator

    Returns
    -------
    spectra : list of DataArray, over (y, x, energy)
        C 1s first. Carbon and titanium vary over the map; charge shifts of 0 to 3 eV.
    fractions : DataArray, over (y, x, region)
    charge : DataArray, over (y, x) [eV]
    """
    y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j]
    atoms = {"C 1s": 1.0 + 2.0 * x, "Sr 3d": np.ones_like(x), "Ti 2p": 1.0 - 0.5 * y,
             "O 1s": 3.0 - y}  # fmt: skip
    total = np.sum(list(atoms.values()), axis=0)
    charge = 1.5 * (1 - np.cos(np.pi * (x + y) / 2) * np.cos(np.pi * (x - y)))
    found = []
    for region in MAP.regions:
        level = parse_level(region.level)
        kinetic = PHOTON_ENERGY - region.middle
        strength = cross_section(level, PHOTON_ENERGY) / cross_section(
            parse_level("C 1s"), PHOTON_ENERGY
        )
        material = material_of(MAP.material)
        strength *= float(transmission(kinetic) * tpp2m(kinetic, material) / tpp2m(1e3, material))
        first, last = region.states[0][0], region.states[-1][0]
        energy = np.arange(first - 5.0, last + region.splitting + 10.0, _STEP)
        at = energy - charge.reshape(-1, 1)
        shape = _level(at, region, first, "pseudo_voigt") * flux * strength
        signal = shape * atoms[region.level].reshape(-1, 1)
        step = np.cumsum(signal, axis=1) * _STEP * 0.02
        counts = rng.poisson(signal + step + 0.08 * strength * flux + 2.0).astype(np.float64)
        made = make_spectrum(
            counts.reshape(size, size, -1), energy, scale="binding", name=region.level,
            photon_energy=PHOTON_ENERGY, dwell_time=0.1, n_scans=10,
        )  # fmt: skip
        curve = transmission(PHOTON_ENERGY - energy)
        found.append(made.assign_coords(transmission=("energy", curve)))
    names = [region.level for region in MAP.regions]
    truth = np.stack([atoms[name] / total for name in names], axis=-1)
    fractions = xr.DataArray(truth, dims=("y", "x", "region"), coords={"region": names})
    return found, fractions, xr.DataArray(charge, dims=("y", "x"))


def _level(energy: Floats, region: Region, center: float, line: str) -> Floats:
    """Both lines of a level, or its one line, of area 1 together [1/eV]."""
    main = _line(energy - center, region.fwhm, line)
    if not region.splitting:
        return main
    ratio = _RATIO[region.level[-1]]
    second = _line(energy - center - region.splitting, region.fwhm * region.broader, line)
    return (main + ratio * second) / (1 + ratio)


def _line(distance: Floats, fwhm: float, line: str) -> Floats:
    """Line of area 1, a Lorentzian share of 0.2 or so [1/eV]."""
    if line == "voigt":
        lorentzian = 0.25 * fwhm
        # Olivero and Longbothum (1977): the width of a Voigt line.
        gaussian = np.sqrt((fwhm - 0.5346 * lorentzian) ** 2 - 0.2166 * lorentzian**2)
        return np.asarray(voigt_profile(distance, gaussian / _SIGMA, lorentzian / 2))
    share = 0.2
    gauss = np.exp(-4 * np.log(2) * (distance / fwhm) ** 2)
    lorentz = 1 / (1 + 4 * (distance / fwhm) ** 2)
    area = fwhm * ((1 - share) * np.sqrt(np.pi / np.log(2)) / 2 + share * np.pi / 2)
    return ((1 - share) * gauss + share * lorentz) / area
