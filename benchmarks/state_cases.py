"""Measured core-level windows of ../shared/data, each with the answer that an expert would sign.

Where a person's fit exists it is the answer. Elsewhere the answer is what the level and the
material demand (one doublet of the level for one oxidation state, one asymmetric doublet for a
metal, resolved lines each by itself), with the numbers of a fit of just these states by
`xpsnet.refine`, doublets tied; `source` says which. Regions that are left out, and why, are in
`LEFT_OUT`.
"""

from dataclasses import dataclass, field
from pathlib import Path

import xarray as xr
from judged_states import Pair, State

import xpsnet

BY_HAND = "fit by hand in the file"
OPERATOR = "an operator's fit (operators.csv)"
D, F, P = 2 / 3, 3 / 4, 1 / 2  # areas of the second line over the first, by the letter of l


@dataclass(frozen=True)
class Case:
    """One window and its expert's states."""

    name: str
    file: str
    region: int
    level: str  # name of the window: that of the file where it states one
    window: tuple[float, float]  # binding energies [eV]
    states: tuple[State, ...]
    source: str
    pick: dict[str, int] = field(default_factory=dict)  # spectrum of a stack
    tolerance: float = 0.15  # eV

    def read(self, folder: Path) -> xr.DataArray:
        """The window as measured, on the binding scale and with the name of its level."""
        if self.file == "series":
            spectra = xpsnet.read_one(
                folder / self.file, region=self.region, scale="kinetic", photon_energy=730.0
            )
        else:
            spectra = xpsnet.read(folder / self.file)[self.region]
        if spectra.attrs["scale"] == "kinetic":
            spectra = xpsnet.to_binding(spectra)
        one = xpsnet.crop(spectra.isel(self.pick), self.window)
        return one.dropna("energy").reset_coords(drop=True).rename(self.level)


def _graphite(number: int, lines: list[tuple[float, float, float]]) -> Case:
    """C 1s of `operators`; (center, FWHM, share) of the operator's six lines."""
    names = ("unknown", "graphite", "adventitious 1", "adventitious 2", "adventitious 3", "loss")
    states = tuple(
        State(center, share, what, asymmetric=what == "graphite", fwhm=fwhm,
              group="graphite and adventitious 1" if what in names[1:3] else "")
        for (center, fwhm, share), what in zip(lines, names, strict=True)
    )  # fmt: skip
    return Case(f"C 1s graphite {number}", f"operators/C1s_{number}.VGD", 0, "C 1s",
                (279.0, 298.1), states, OPERATOR, tolerance=0.25)  # fmt: skip


def _uranium(number: int, main: tuple[float, float], *satellites: tuple[float, float]) -> Case:
    """U 4f of `operators`; (center, share) of the doublet and of its two satellites."""
    doublet = State(main[0], main[1], "U 4f", Pair(10.9, 0.65), asymmetric=True, fwhm=2.5)
    rest = (State(center, share, "satellite", fwhm=2.3) for center, share in satellites)
    return Case(f"U 4f {number}", f"operators/U4f_{number}.VGD", 0, "U 4f", (370.0, 405.1),
                (doublet, *rest), OPERATOR, tolerance=0.25)  # fmt: skip


def _tin(level: int, center: float) -> Case:
    """Sn 3d of the depth profile."""
    state = State(center, 100, "SnO2", Pair(8.41, D), fwhm=1.6)
    source = "one oxide, 8.4 eV and 3 : 2 as one doublet of tin; charged by up to 1.5 eV"
    return Case(f"Sn 3d level {level}", "phi/SnO2_10nm_1.pro", 3, "Sn 3d5/2", (480.0, 500.0),
                (state,), source, {"etch_time": level})  # fmt: skip


def _silica(level: int, *silicon: State) -> Case:
    """Si 2p of the depth profile; the center is between that of one line and of 2p3/2."""
    rest = 100 - sum(state.share for state in silicon)
    states = (*silicon, State(101.73, rest, "SiO2", Pair(0.6, P), fwhm=1.9))
    source = "one line of SiO2 below the SnO2, 1.8 eV wide, so that its doublet is not seen"
    return Case(f"Si 2p level {level}", "phi/SnO2_10nm_1.pro", 2, "Si 2p", (95.0, 110.0),
                states, source, {"etch_time": level})  # fmt: skip


def _nitride(scan: int, shares: tuple[float, float, float]) -> Case:
    """O 1s on GaN while it oxidizes."""
    centers = (529.97, 531.12, 532.2)
    states = tuple(State(c, s, fwhm=1.45) for c, s in zip(centers, shares, strict=True))
    source = "three states near 530, 531 and 532 eV; shares with the one width of the summed scans"
    return Case(f"O 1s of GaN, scan {scan}", "series", 0, "O 1s", (523.0, 540.0), states, source,
                {"scan": scan})  # fmt: skip


_NICKEL = "vamas/0-150W.vms"
_MULTIPAK = "vamas/Mutlipak_vms.npl"
_BISMUTH = "phi/BN-BS-1 multiplex.spe"
_QUANTERA = "phi/XPS_PHI_QUANTERA_narrow.spe"
_AVANTAGE = "thermo/1.xls"

CASES: tuple[Case, ...] = (
    Case("Pt 4f", "vamas/Pt4f.vms", 0, "Pt 4f", (68.0, 84.0),
         (State(71.08, 100, "Pt", Pair(3.33, F), asymmetric=True, fwhm=1.0),), BY_HAND),
    Case("Au 4f with Ba 4d", "text/ascii_Au4f.txt", 0, "Au 4f", (80.4, 92.6),
         (State(83.97, 86.1, "Au", Pair(3.68, F), asymmetric=True, fwhm=1.0),
          State(89.08, 13.9, "Ba 4d5/2", fwhm=2.0)),
         BY_HAND + "; of the maxima, not of CasaXPS' positions"),
    Case("Au 4f, 180 eV", "text/clean_Au_4f.csv", 0, "Au 4f", (84.0, 96.0),
         (State(87.46, 42, "surface", Pair(3.67, F), asymmetric=True, fwhm=0.55),
          State(87.76, 58, "bulk", Pair(3.67, F), asymmetric=True, fwhm=0.55)),
         "surface and bulk of clean gold: one doublet leaves a reduced chi-square of 16, two 3 to "
         "5; shares as the mean of four such fits"),
    Case("S 2p of P3HT", "paper/P3HT_S2p_exp.txt", 0, "S 2p", (155.0, 175.1),
         (State(164.13, 100, "thiophene", Pair(1.2, P), fwhm=0.8),), BY_HAND),
    Case("O 1s of ITO", "paper/ITO_O1s_exp.txt", 0, "O 1s", (525.0, 545.1),
         (State(530.29, 65.8, fwhm=1.2), State(531.49, 30.4, fwhm=1.5),
          State(532.79, 3.8, fwhm=1.1)), BY_HAND),
    _graphite(0, [(283.35, 1.08, 12.6), (284.4, 0.66, 44.5), (284.7, 1.57, 18.0),
                  (285.77, 1.93, 10.7), (287.45, 2.66, 5.0), (290.76, 3.95, 9.2)]),
    _graphite(1, [(283.24, 1.03, 14.7), (284.45, 0.69, 44.3), (284.75, 1.6, 14.1),
                  (285.77, 1.38, 3.8), (286.22, 3.31, 14.5), (290.57, 4.05, 8.6)]),
    _graphite(2, [(283.4, 1.18, 10.4), (284.4, 0.62, 45.1), (284.7, 1.0, 17.1),
                  (285.77, 1.67, 10.5), (287.35, 2.52, 4.5), (290.7, 4.9, 12.6)]),
    _graphite(3, [(283.36, 1.15, 10.9), (284.4, 0.66, 46.6), (284.7, 1.62, 17.0),
                  (285.77, 1.88, 10.4), (287.47, 2.52, 5.0), (290.81, 4.14, 10.1)]),
    _uranium(0, (379.56, 92.9), (385.99, 3.9), (397.17, 3.2)),
    _uranium(1, (379.46, 91.1), (385.73, 4.9), (396.77, 4.0)),
    _uranium(2, (379.51, 91.1), (385.85, 4.8), (396.92, 4.1)),
    _uranium(3, (379.59, 92.1), (386.0, 4.4), (397.09, 3.5)),
    Case("Ag 3d", "scienta/Ag_0001.txt", 0, "Ag 3d", (364.0, 382.0),
         (State(369.1, 41.5, "Ag", Pair(6.0, D), fwhm=1.0),
          State(370.0, 58.5, "Ag", Pair(6.0, D), fwhm=1.0)),
         "each line has a shoulder 0.9 eV below, as of two places of unequal charge: one doublet "
         "leaves a reduced chi-square of 3.8, even if asymmetric, two leave 1.4"),
    Case("Bi 4f", _BISMUTH, 0, "Bi 4f", (156.0, 175.0),
         (State(161.4, 28, "Bi(III)", Pair(5.31, F), fwhm=3.3, group="Bi(III)"),
          State(162.94, 72, "Bi(III)", Pair(5.31, F), fwhm=1.5, group="Bi(III)")),
         "one oxidation state; its wide low-energy side is bismuth in less charged places"),
    Case("Na 1s", _BISMUTH, 1, "Na 1s", (1069.0, 1082.0), (State(1074.97, 100, fwhm=2.1),),
         "one line, fits to a reduced chi-square of 1"),
    Case("O 1s of a titanate", _BISMUTH, 2, "O 1s", (528.0, 542.0),
         (State(533.13, 95, "oxide", fwhm=2.2), State(535.25, 5, "adsorbed", fwhm=1.5)),
         "one line with a small shoulder"),
    Case("Ti 2p with Bi 4d", _BISMUTH, 4, "Ti 2p", (457.0, 473.0),
         (State(461.62, 67, "Ti(IV)", Pair(5.7, P, width_range=(0.9, 2.2)), fwhm=1.5),
          State(468.3, 33, "Bi 4d3/2", fwhm=4.0, asked=False)),
         "Ti 2p of a titanate, whose 2p1/2 lies below Bi 4d3/2; the place of that is not certain"),
    Case("C 1s on a titanate", _BISMUTH, 5, "C 1s", (280.0, 298.0),
         (State(285.24, 47.4, fwhm=2.0), State(288.75, 47.4, fwhm=1.7),
          State(292.67, 5.2, fwhm=1.7)), "two resolved lines and a small third one"),
    Case("Sr 3d", _BISMUTH, 3, "Sr 3d", (125.0, 145.0), (),
         "no line above the noise at the place of Sr 3d, with or without the 4 eV of charge"),
    Case("C 1s on SnO2", "phi/SnO2_10nm_1.pro", 1, "C 1s", (279.0, 292.0),
         (State(283.13, 76.8, "C-C", fwhm=1.2), State(284.38, 13.6, "C-O", fwhm=1.6),
          State(287.0, 9.6, "O-C=O", fwhm=1.7)),
         "adventitious carbon: C-O 1.3 and O-C=O 3.9 eV above C-C", {"etch_time": 0}),
    _silica(12, State(100.4, 5, "Si", Pair(0.6, P), fwhm=1.3)),
    _silica(20),
    _tin(0, 485.21),
    _tin(4, 484.68),
    _tin(10, 485.52),
    _tin(20, 485.82),
    Case("Cu 2p", _QUANTERA, 0, "Cu 2p", (926.0, 960.0),
         (State(932.69, 94, "Cu or Cu(I)", Pair(19.85, P, 0.1, (0.9, 2.2)), True, 1.25),
          State(945.3, 6, "satellite", fwhm=5.0)),
         "narrow 2p3/2 at 932.7 eV, almost without satellite: metal or Cu(I)"),
    Case("O 1s on copper", _QUANTERA, 2, "O 1s", (525.0, 539.0),
         (State(530.51, 74.3, "Cu2O", fwhm=1.1), State(531.66, 25.7, "hydroxide", fwhm=1.6)),
         "Cu2O at 530.5 eV and a shoulder of hydroxide; two lines leave 1.7, three 1.6"),
    Case("C 1s on copper", _QUANTERA, 3, "C 1s", (279.0, 295.0),
         (State(284.72, 76, "C-C", fwhm=1.3), State(285.95, 14.9, "C-O", fwhm=1.6),
          State(288.06, 9.1, "O-C=O", fwhm=1.8)),
         "adventitious carbon, C-O and O-C=O above C-C, widths as of C-C or little more"),
    Case("Si 2p of SiO2", "text/XPS_Si2p.csv", 0, "Si 2p", (97.0, 110.0),
         (State(103.92, 97.5, "SiO2", Pair(0.6, P), fwhm=1.35),
          State(102.15, 2.5, "suboxide", Pair(0.6, P), fwhm=1.0)),
         "SiO2, whose doublet is not resolved: center between that of one line and of 2p3/2"),
    Case("O 1s of a PDI acid", _AVANTAGE, 1, "O 1s", (527.0, 541.0),
         (State(531.06, 58.9, "imide", fwhm=1.3),
          State(532.25, 20.5, "acid C=O", fwhm=1.3, group="acid"),
          State(533.09, 20.6, "acid OH", fwhm=1.3, group="acid")),
         "the owner's reviewed fit (xps-fitting-workbench); the acid's lines count as one, because "
         "starts of that fit end at different pairs"),
    Case("N 1s of a PDI acid", _AVANTAGE, 2, "N 1s", (393.0, 408.0),
         (State(399.87, 98, "imide", fwhm=1.15), State(402.1, 2, fwhm=0.8)),
         "the owner's reviewed fit: one line"),
    Case("Cl 2p of a PDI acid", "thermo/Cl2p Scan.VGD", 0, "Cl 2p", (195.0, 212.0),
         (State(199.94, 96, "C-Cl", Pair(1.6, P), fwhm=1.0), State(206.2, 4, "loss", fwhm=3.3)),
         "the owner's reviewed fit: one doublet of 1.6 eV and 2 : 1"),
    Case("C 1s of a PDI acid", "thermo/C1s Scan.VGD", 0, "C 1s", (279.0, 296.0),
         (State(284.44, 62.7, "C-C", fwhm=1.25, group="ring"),
          State(285.3, 17.1, "C-N, C-Cl", fwhm=1.15, group="ring"),
          State(287.78, 9.1, "imide", fwhm=1.1), State(288.7, 3.7, "acid", fwhm=1.1),
          State(290.5, 7.4, "loss", fwhm=3.1)),
         "the owner's reviewed fit; the ring's lines count as one: their areas correlate by -0.99"),
    Case("Ni 2p", _NICKEL, 1, "Ni 2p", (840.0, 900.0), (), "only noise"),
    Case("O 1s of WO3", _NICKEL, 2, "O 1s", (524.0, 538.0),
         (State(528.46, 84, "oxide", fwhm=1.5), State(529.84, 16, "hydroxide", fwhm=1.6)),
         "WO3 and a shoulder of hydroxide: one line leaves a reduced chi-square of 12, two 2.3"),
    Case("C 1s on WO3", _NICKEL, 3, "C 1s", (275.0, 292.0),
         (State(282.3, 76.5, "C-C", fwhm=1.6), State(283.97, 12.4, "C-O", fwhm=1.5),
          State(286.3, 11.1, "O-C=O", fwhm=2.2)), "adventitious carbon"),
    Case("W 4f with W 5p", _NICKEL, 4, "W 4f", (28.0, 46.0),
         (State(33.55, 95.5, "W(VI)", Pair(2.13, F), fwhm=1.2),
          State(39.5, 4.5, "W 5p3/2", fwhm=2.0)), "WO3: one doublet and W 5p3/2"),
    Case("C 1s on MoS2", _MULTIPAK, 0, "C 1s", (279.0, 294.0),
         (State(284.64, 83, "C-C", fwhm=2.3), State(286.1, 14, "C-O", fwhm=2.5),
          State(288.3, 3, "O-C=O", fwhm=2.0)), "adventitious carbon"),
    Case("O 1s on MoS2", _MULTIPAK, 1, "O 1s", (526.0, 540.0),
         (State(531.2, 60, fwhm=2.7, group="O"), State(532.6, 40, fwhm=2.5, group="O")),
         "oxygen of several kinds that one line of 3.3 eV describes as well"),
    Case("S 2p of MoS2", _MULTIPAK, 2, "S 2p", (157.0, 170.0),
         (State(161.1, 97, "sulfide", Pair(1.18, P), fwhm=2.1),
          State(162.9, 3, "disulfide", Pair(1.18, P), fwhm=1.5)),
         "MoS2: one doublet, almost unresolved"),
    Case("Mo 3p3/2 and N 1s", _MULTIPAK, 3, "N 1s", (391.5, 405.0),
         (State(394.38, 51.5, "Mo 3p3/2", fwhm=3.3), State(399.42, 48.5, "N", fwhm=3.2)),
         "two resolved lines"),
    Case("Mo 3d with S 2s", _MULTIPAK, 4, "Mo 3d", (222.0, 238.0),
         (State(225.25, 21.3, "S 2s", fwhm=2.9), State(227.24, 10.7, "Mo", Pair(3.13, D)),
          State(228.41, 68.0, "MoS2", Pair(3.13, D), fwhm=1.5)),
         "MoS2 with S 2s and a shoulder of reduced molybdenum"),
    Case("O 1s of Ta2O5", "vamas/multiplex.vms", 1, "O 1s", (527.0, 541.0),
         (State(531.33, 81, "oxide", fwhm=1.3),
          State(532.5, 19, "hydroxide", fwhm=2.6, asked=False)),
         "Ta2O5 with a wide tail, whose center moves by 0.3 eV with the background"),
    Case("Ta 4f", "vamas/multiplex.vms", 2, "Ta 4f", (18.0, 33.0),
         (State(22.54, 14.5, "Ta", Pair(1.91, F), fwhm=1.0, asked=False),
          State(23.8, 24, "suboxide and O 2s", Pair(1.91, F), fwhm=1.8, asked=False),
          State(25.4, 11.5, "suboxide", Pair(1.91, F), fwhm=1.5),
          State(27.0, 50, "Ta2O5", Pair(1.91, F), fwhm=1.4)),
         "Ta2O5 on tantalum; what lies between both is not determined, the oxide's line is"),
    Case("Fe 2p of FeO", "vamas/FeO_analyzed.vms", 0, "Fe 2p", (700.8, 750.0),
         (State(710.01, 67.8, "Fe 2p", Pair(13.33, 0.77, 0.3, (0.9, 2.2)), True, 4.7),
          State(716.0, 32.2, "satellite", Pair(13.89, 0.49, 0.3, (0.9, 2.2)), fwhm=8.0)), BY_HAND),
    _nitride(1, (84.4, 14.9, 0.7)),
    _nitride(7, (53.4, 43.0, 3.6)),
    _nitride(15, (43.3, 52.7, 4.0)),
    Case("C 1s of PBTTT", "specs/In-situ_PBTTT_XPS_SPECS.xml", 1, "C 1s", (280.0, 290.0),
         (State(283.85, 60, "C-C", fwhm=1.4, group="C"),
          State(284.6, 40, "C-S", fwhm=2.8, group="C")),
         "one maximum with a long side; C-C and C-S count as one, since no share is known",
         {"scan": 0}),
)  # fmt: skip

LEFT_OUT = {
    "specs/MgFe2O4_small.xy, Fe 2p": "a point every 1 eV: no center to 0.15 eV",
    "vamas/xps_eis.vms": "no region has a name; several oxidation states of molybdenum, unresolved",
    "text/XPS_Si2p_siloxane_synthetic.csv": "not measured",
    "phi/XPS_PHI_QUANTERA_narrow.spe, Cu LMM": "Auger lines",
    "scienta/Ag_0002.txt, arpes": "valence bands",
    "thermo/1.xls, C 1s and Cl 2p; *.txt, *.ibw, *.csv beside others": "the same spectra again",
    "surveys": "no windows of one level",
}
