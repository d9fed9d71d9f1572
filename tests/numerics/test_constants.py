"""Tables of constants: complete, sourced and physically sensible."""

import pytest

from xpsnet import constants
from xpsnet.constants import DOUBLETS, Doublet


def test_every_number_names_its_source() -> None:
    used = {doublet.reference for doublet in DOUBLETS.values()}
    for table in (constants.PHOTON_SOURCES, constants.CALIBRATION_LINES):
        used |= {constant.reference for constant in table.values()}
    assert used <= set(constants.REFERENCES)


def test_iso_15472_and_common_sources() -> None:
    assert constants.REFERENCE_LINES == {
        "C 1s": 284.8,
        "Au 4f7/2": 83.96,
        "Ag 3d5/2": 368.21,
        "Cu 2p3/2": 932.62,
    }
    assert constants.PHOTON_ENERGIES["Al Ka"] == 1486.6
    assert constants.PHOTON_ENERGIES["Mg Ka"] == 1253.6


@pytest.mark.parametrize(("region", "doublet"), DOUBLETS.items(), ids=list(DOUBLETS))
def test_doublet_is_statistical_and_in_range(region: str, doublet: Doublet) -> None:
    orbital = "spdf".index(region.split()[1][-1])
    higher, lower = 2 * (orbital + 0.5) + 1, 2 * (orbital - 0.5) + 1
    assert doublet.branching_ratio == pytest.approx(higher / (higher + lower))
    assert 0.3 < doublet.splitting < 30


@pytest.mark.parametrize(
    ("orbital", "elements"),
    [
        ("2p", "Al Si P S Cl K Ca Sc V Cr Mn Fe Co Ni Cu Zn Ga"),
        ("3d", "Ga Ge As Se Br Rb Sr Y Zr Nb Mo Ru Rh Pd Ag Cd In Sn Sb Te I Cs Ba"),
        ("4f", "Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi"),
    ],
)
def test_splittings_grow_with_the_atomic_number(orbital: str, elements: str) -> None:
    splittings = [DOUBLETS[f"{element} {orbital}"].splitting for element in elements.split()]
    assert splittings == sorted(splittings)
