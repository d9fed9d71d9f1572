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
    "series",
    [
        ["Al 2p", "Si 2p", "P 2p", "S 2p", "Cl 2p", "K 2p", "Ca 2p", "Sc 2p", "Ti 2p metal"]
        + ["V 2p", "Cr 2p", "Mn 2p", "Fe 2p", "Co 2p", "Ni 2p", "Cu 2p", "Zn 2p", "Ga 2p"],
        ["Ga 3d", "Ge 3d", "As 3d", "Se 3d", "Br 3d", "Rb 3d", "Sr 3d", "Y 3d", "Zr 3d", "Nb 3d"]
        + ["Mo 3d", "Ru 3d", "Rh 3d", "Pd 3d", "Ag 3d", "Cd 3d", "In 3d", "Sn 3d", "Sb 3d"]
        + ["Te 3d", "I 3d", "Cs 3d", "Ba 3d"],
        ["Hf 4f", "Ta 4f", "W 4f", "Re 4f", "Os 4f", "Ir 4f", "Pt 4f", "Au 4f", "Hg 4f", "Tl 4f"]
        + ["Pb 4f", "Bi 4f"],
    ],
    ids=["2p", "3d", "4f"],
)
def test_splittings_grow_with_the_atomic_number(series: list[str]) -> None:
    splittings = [DOUBLETS[region].splitting for region in series]
    assert splittings == sorted(splittings)
