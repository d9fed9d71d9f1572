"""Constants of photoelectron spectroscopy: photon energies, reference lines, spin-orbit doublets.

Energies are in eV. Every table names its sources; the full references with DOI are in `REFERENCES`
and in ``docs/definitions.md``.
"""

from dataclasses import dataclass

__all__ = [
    "BRANCHING_RATIOS",
    "CARBON_TO_VACUUM",
    "DOUBLETS",
    "PHOTON_ENERGIES",
    "REFERENCES",
    "REFERENCE_LINES",
    "SATELLITES",
    "Constant",
    "Doublet",
    "Satellite",
]

REFERENCES: dict[str, str] = {
    "beamson1992": (
        "G. Beamson, D. Briggs, High Resolution XPS of Organic Polymers: The Scienta ESCA300 "
        "Database, Wiley, Chichester (1992), ISBN 0-471-93592-1"
    ),
    "bearden1967": (
        "J. A. Bearden, X-ray wavelengths, Rev. Mod. Phys. 39, 78 (1967), "
        "doi 10.1103/RevModPhys.39.78"
    ),
    "bearden1967b": (
        "J. A. Bearden, A. F. Burr, Reevaluation of X-ray atomic energy levels, Rev. Mod. Phys."
        " 39, 125 (1967), doi 10.1103/RevModPhys.39.125"
    ),
    "biesinger2010": (
        "M. C. Biesinger et al., Resolving surface chemical states in XPS analysis of first row "
        "transition metals, oxides and hydroxides: Sc, Ti, V, Cu and Zn, Appl. Surf. Sci. 257, 887 "
        "(2010), doi 10.1016/j.apsusc.2010.07.086"
    ),
    "biesinger2011": (
        "M. C. Biesinger et al., Resolving surface chemical states in XPS analysis of first row"
        " transition metals, oxides and hydroxides: Cr, Mn, Fe, Co and Ni, Appl. Surf. Sci. "
        "257, 2717 (2011), doi 10.1016/j.apsusc.2010.10.051"
    ),
    "burroughs1976": (
        "P. Burroughs, A. Hamnett, A. F. Orchard, G. Thornton, Satellite structure in the X-ray"
        " photoelectron spectra of some binary and mixed oxides of lanthanum and cerium, J. "
        "Chem. Soc., Dalton Trans. 1686 (1976), doi 10.1039/DT9760001686"
    ),
    "campbell2001": (
        "J. L. Campbell, T. Papp, Widths of the atomic K-N7 levels, At. Data Nucl. Data Tables "
        "77, 1 (2001), doi 10.1006/adnd.2000.0848"
    ),
    "fuggle1980": (
        "J. C. Fuggle, S. F. Alvarado, Core-level lifetimes as determined by x-ray "
        "photoelectron spectroscopy measurements, Phys. Rev. A 22, 1615 (1980), doi "
        "10.1103/PhysRevA.22.1615"
    ),
    "greczynski2017": (
        "G. Greczynski, L. Hultman, C 1s peak of adventitious carbon aligns to the vacuum level, "
        "ChemPhysChem 18, 1507 (2017), doi 10.1002/cphc.201700126"
    ),
    "greczynski2020": (
        "G. Greczynski, L. Hultman, X-ray photoelectron spectroscopy: towards reliable binding "
        "energy referencing, Prog. Mater. Sci. 107, 100591 (2020), "
        "doi 10.1016/j.pmatsci.2019.100591"
    ),
    "himpsel1988": (
        "F. J. Himpsel et al., Microscopic structure of the SiO2/Si interface, Phys. Rev. B 38, "
        "6084 (1988), doi 10.1103/PhysRevB.38.6084"
    ),
    "ilton2011": (
        "E. S. Ilton, P. S. Bagus, XPS determination of uranium oxidation states, Surf. "
        "Interface Anal. 43, 1549 (2011), doi 10.1002/sia.3836"
    ),
    "iso15472": (
        "ISO 15472:2010, Surface chemical analysis - X-ray photoelectron spectrometers - "
        "Calibration of energy scales; data of M. P. Seah, I. S. Gilmore, G. Beamson, Surf. "
        "Interface Anal. 26, 642 (1998)"
    ),
    "keski1974": (
        "O. Keski-Rahkonen, M. O. Krause, Total and partial atomic-level widths, At. Data Nucl."
        " Data Tables 14, 139 (1974), doi 10.1016/S0092-640X(74)80020-3"
    ),
    "krause1975": (
        "M. O. Krause, J. G. Ferreira, K X-ray emission spectra of Mg and Al, J. Phys. B 8, 2007 "
        "(1975), doi 10.1088/0022-3700/8/12/013"
    ),
    "morgan2015": (
        "D. J. Morgan, Resolving ruthenium: XPS studies of common ruthenium materials, Surf. "
        "Interface Anal. 47, 1072 (2015), doi 10.1002/sia.5852"
    ),
    "moulder1992": (
        "J. F. Moulder, W. F. Stickle, P. E. Sobol, K. D. Bomben, Handbook of X-ray Photoelectron "
        "Spectroscopy, Perkin-Elmer, Eden Prairie (1992), ISBN 0-9627026-2-5"
    ),
    "nist-asd": (
        "A. Kramida et al., NIST Atomic Spectra Database, doi 10.18434/T4W30F (vacuum energies of "
        "the resonance lines)"
    ),
    "nist-srd20": (
        "A. V. Naumkin, A. Kraut-Vass, S. W. Gaarenstroom, C. J. Powell, NIST X-ray "
        "Photoelectron Spectroscopy Database, SRD 20, version 4.1 (2012), doi 10.18434/T4T88K"
    ),
    "scanlon2010": (
        "D. O. Scanlon et al., Theoretical and experimental study of the electronic structures "
        "of MoO3 and MoO2, J. Phys. Chem. C 114, 4636 (2010), doi 10.1021/jp9093172"
    ),
    "scofield1976": (
        "J. H. Scofield, Hartree-Slater subshell photoionization cross-sections at 1254 and "
        "1487 eV, J. Electron Spectrosc. Relat. Phenom. 8, 129 (1976), doi "
        "10.1016/0368-2048(76)80015-1"
    ),
    "thermo": "Thermo Fisher Scientific, XPS reference pages of the elements (online)",
    "xdb2009": (
        "A. C. Thompson et al., X-ray Data Booklet, LBNL/PUB-490 Rev. 3, Lawrence Berkeley "
        "National Laboratory (2009), table 1-1 (G. P. Williams), xdb.lbl.gov"
    ),
}
"""Sources by the short key that the tables use."""


@dataclass(frozen=True)
class Constant:
    """A number with its source.

    Attributes
    ----------
    value : float
        The number [eV].
    reference : str
        Key of `REFERENCES`.
    note : str
        For what the number holds.
    """

    value: float
    reference: str
    note: str = ""


@dataclass(frozen=True)
class Doublet:
    """The two lines of a core level with orbital angular momentum.

    Attributes
    ----------
    splitting : float
        Binding energy of the line of lower j minus that of higher j [eV], positive.
    branching_ratio : float
        Area of the line of higher j over the area of both.
    state : str
        Chemical state for which the splitting was measured.
    reference : str
        Key of `REFERENCES` for the splitting.
    """

    splitting: float
    branching_ratio: float
    state: str
    reference: str


@dataclass(frozen=True)
class Satellite:
    """A weaker line of an X-ray source.

    Attributes
    ----------
    name : str
        Line of the anode.
    shift : float
        Its photon energy above that of the main line [eV].
    height : float
        Relative to the main line.
    """

    name: str
    shift: float
    height: float


BRANCHING_RATIOS: dict[str, float] = {"p": 2 / 3, "d": 3 / 5, "f": 4 / 7}
"""Area of the line of higher j over both, by the letter of l: (l + 1) / (2 l + 1)."""

PHOTON_SOURCES: dict[str, Constant] = {
    "Al Ka": Constant(1486.6, "moulder1992", "unresolved doublet, no monochromator"),
    "Al Ka mono": Constant(1486.69, "iso15472", "quartz monochromator"),
    "Mg Ka": Constant(1253.6, "moulder1992", "unresolved doublet, no monochromator"),
    "Ag La": Constant(2984.31, "bearden1967", "L alpha 1, monochromator"),
    "Zr La": Constant(2042.36, "bearden1967", "L alpha 1"),
    "Ti Ka": Constant(4510.84, "bearden1967", "K alpha 1"),
    "Cr Ka": Constant(5414.72, "bearden1967", "K alpha 1, monochromator"),
    "Cu Ka": Constant(8047.78, "bearden1967", "K alpha 1"),
    "Ga Ka": Constant(9251.74, "bearden1967", "K alpha 1, monochromator"),
    "He I": Constant(21.218, "nist-asd", "58.43 nm"),
    "He II": Constant(40.814, "nist-asd", "30.38 nm"),
    "Ne I": Constant(16.848, "nist-asd", "73.59 nm, the stronger of two"),
    "Ar I": Constant(11.828, "nist-asd", "104.82 nm, the higher of two"),
}
"""Laboratory sources with the reference of each photon energy."""

PHOTON_ENERGIES: dict[str, float] = {name: source.value for name, source in PHOTON_SOURCES.items()}
"""Photon energy [eV] by source; instruments differ by up to 0.1 eV in what they take for Al Ka."""

SATELLITES: dict[str, tuple[Satellite, ...]] = {
    "Al Ka": (
        Satellite("K alpha 3", 9.8, 0.064),
        Satellite("K alpha 4", 11.8, 0.032),
        Satellite("K alpha 5", 20.1, 0.004),
        Satellite("K alpha 6", 23.4, 0.003),
        Satellite("K beta", 69.7, 0.0055),
    ),
    "Mg Ka": (
        Satellite("K alpha 3", 8.4, 0.080),
        Satellite("K alpha 4", 10.2, 0.041),
        Satellite("K alpha 5", 17.5, 0.0055),
        Satellite("K alpha 6", 20.0, 0.0045),
        Satellite("K beta", 48.5, 0.005),
    ),
}
"""X-ray satellites of sources without a monochromator, relative to K alpha 1, 2 (moulder1992).

Heights differ by up to a quarter of their value between instruments and tables: Krause and Ferreira
(krause1975) find 0.091 and 0.051 for K alpha 3 and 4 of Mg.
"""

CALIBRATION_LINES: dict[str, Constant] = {
    "C 1s": Constant(
        284.8,
        "moulder1992",
        "adventitious hydrocarbon; a convention, uncertain by some tenths (greczynski2020)",
    ),
    "Au 4f7/2": Constant(83.96, "iso15472", "clean metal, monochromated Al Ka"),
    "Ag 3d5/2": Constant(368.21, "iso15472", "clean metal, monochromated Al Ka"),
    "Cu 2p3/2": Constant(932.62, "iso15472", "clean metal, monochromated Al Ka"),
}
"""Lines that define the binding energy scale, with the reference of each."""

CARBON_TO_VACUUM = Constant(
    289.58, "greczynski2017", "C 1s of adventitious carbon and work function together; +- 0.14 eV"
)
"""Binding energy of C 1s against the vacuum level, where carbon is only weakly bound [eV]."""

REFERENCE_LINES: dict[str, float] = {name: line.value for name, line in CALIBRATION_LINES.items()}
"""Binding energy [eV] of the lines that define the scale."""

# Splittings in eV of the elements (metals as metals), except where a state is named below.
_ELEMENTS: dict[str, float] = {
    "P 2p": 0.86, "S 2p": 1.18, "Cl 2p": 1.60, "K 2p": 2.77, "Ca 2p": 3.55,
    "Sc 2p": 4.87, "V 2p": 7.64, "Cr 2p": 9.34, "Mn 2p": 11.05, "Fe 2p": 13.10, "Co 2p": 14.97,
    "Ni 2p": 17.27, "Cu 2p": 19.75, "Zn 2p": 22.97, "Ga 2p": 26.84, "Ga 3d": 0.46, "Ge 3d": 0.58,
    "As 3d": 0.69, "Se 3d": 0.86, "Br 3d": 1.05, "Rb 3d": 1.49, "Sr 3d": 1.79, "Y 3d": 2.05,
    "Zr 3d": 2.43, "Nb 3d": 2.72, "Mo 3d": 3.13, "Ru 3d": 4.17, "Rh 3d": 4.74, "Pd 3d": 5.26,
    "Ag 3d": 6.00, "Cd 3d": 6.74, "In 3d": 7.54, "Sn 3d": 8.41, "Sb 3d": 9.34, "Te 3d": 10.39,
    "I 3d": 11.50, "Cs 3d": 13.94, "Ba 3d": 15.33, "Hf 4f": 1.71, "Ta 4f": 1.91, "W 4f": 2.18,
    "Re 4f": 2.43, "Os 4f": 2.72, "Ir 4f": 2.98, "Pt 4f": 3.33, "Au 4f": 3.67, "Hg 4f": 4.05,
    "Tl 4f": 4.42, "Pb 4f": 4.86, "Bi 4f": 5.31,
}  # fmt: skip
_STATES: dict[str, tuple[float, str, str]] = {
    "Al 2p": (0.44, "Al", "thermo"),
    "Si 2p": (0.60, "Si", "himpsel1988"),
    "Ti 2p": (5.72, "TiO2", "biesinger2010"),
    "Ti 2p metal": (6.17, "Ti", "moulder1992"),
}


def _doublet(region: str, splitting: float, state: str, reference: str) -> Doublet:
    """Doublet of a region such as "S 2p", its branching ratio from the letter of l."""
    return Doublet(splitting, BRANCHING_RATIOS[region.split()[1][-1]], state, reference)


DOUBLETS: dict[str, Doublet] = {
    region: _doublet(region, splitting, region.split()[0], "moulder1992")
    for region, splitting in _ELEMENTS.items()
} | {region: _doublet(region, *values) for region, values in _STATES.items()}
"""Spin-orbit doublets by region.

The splitting of a level differs by up to some tenths of an eV between chemical states (Ti 2p: 6.17
in the metal, 5.72 in TiO2), and the ratio of areas departs from the statistical one where
multiplets or Coster-Kronig decay matter: use them as start values and to set bounds.
"""
