"""Tables of core levels: energies, natural widths, chemical shifts, neighbors, satellites.

`xpsnet.data.levels` reads them. Energies are binding energies in eV. ``"judgement"`` in place of a
source means: our own reading of several handbooks and spectra, not one published number.
"""

_SYMBOLS = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se "
    "Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy "
    "Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U"
)
ELEMENTS: tuple[str, ...] = tuple(_SYMBOLS.split())
"""Symbols by atomic number, which is the place plus 1."""

_WITHOUT_ELECTRONS = "H He B C N O F Ne Si P S Cl Ar Ge As Se Br Kr Te I Xe"
NON_METALS = frozenset(_WITHOUT_ELECTRONS.split())
"""Elements whose solids have no conduction electrons, or too few to make a line asymmetric."""

LANTHANIDES = frozenset(ELEMENTS[57:70])
"""Ce to Yb: open 4f shells."""

# Lines below 5 eV and above 5500 eV are left out, and so are bands: 4f of Ce to Yb, 5d up to Au.
# A dash is a line that is not tabulated; Xe 4p1/2 is left out, because it is no single line. Two
# numbers of the booklet contradict their neighbors: Co 3p3/2 lies above 3p1/2 (here both have the
# lower energy), and Tc 3p3/2 is too low (here that of Bearden and Burr, bearden1967b).
ENERGIES: dict[str, tuple[int, str]] = {
    "1s": (3, (
        "54.7 111.5 188 284.2 409.9 543.1 696.7 870.2 1070.8 1303 1559.6 1839 2145.5 2472 2822.4 "
        "3205.9 3608.4 4038.5 4492 4966 5465"
    )),
    "2s": (7, (
        "37.3 41.6 - 48.5 63.5 88.7 117.8 149.7 189 230.9 270 326.3 378.6 438.4 498 560.9 626.7 "
        "696 769.1 844.6 925.1 1008.6 1096.7 1196.2 1299 1414.6 1527 1652 1782 1921 2065 2216 "
        "2373 2532 2698 2866 3043 3224 3412 3604 3806 4018 4238 4465 4698 4939 5188 5453"
    )),
    "2p1/2": (10, (
        "21.7 30.65 49.78 72.95 99.82 136 163.6 202 250.6 297.3 349.7 403.6 460.2 519.8 583.8 "
        "649.9 719.9 793.2 870 952.3 1044.9 1143.2 1248.1 1359.1 1474.3 1596 1730.9 1864 2007 "
        "2156 2307 2465 2625 2793 2967 3146 3330 3524 3727 3938 4156 4380 4612 4852 5107 5359"
    )),
    "2p3/2": (10, (
        "21.6 30.81 49.5 72.55 99.42 135 162.5 200 248.4 294.6 346.2 398.7 453.8 512.1 574.1 "
        "638.7 706.8 778.1 852.7 932.7 1021.8 1116.4 1217 1323.6 1433.9 1550 1678.4 1804 1940 "
        "2080 2223 2371 2520 2677 2838 3004 3173 3351 3538 3730 3929 4132 4341 4557 4786 5012 "
        "5247 5483"
    )),
    "3s": (18, (
        "29.3 34.8 44.3 51.1 58.7 66.3 74.1 82.3 91.3 101 110.8 122.5 139.8 159.5 180.1 204.7 "
        "229.6 257 292.8 326.7 358.7 392 430.3 466.6 506.3 544 586.1 628.1 671.6 719 772 827.2 "
        "884.7 946 1006 1072 1148.7 1211 1293 1362 1436 1511 1575 - 1723 1800 1881 1968 2047 2128 "
        "2207 2307 2398 2491 2601 2708 2820 2932 3049 3174 3296 3425 3562 3704 3851 3999 - - - - "
        "- - 5182"
    )),
    "3p1/2": (18, (
        "15.9 18.3 25.4 28.3 32.6 37.2 42.2 47.2 52.7 58.9 68 77.3 91.4 103.5 124.9 146.2 166.5 "
        "189 222.2 248.7 280.3 310.6 343.5 376.1 411.6 447.6 483.5 521.3 559.9 603.8 652.6 703.2 "
        "756.5 812.7 870.8 931 1002.1 1071 1137 1209 1274 1337 1403 1471 1541 1614 1688 1768 1842 "
        "1923 2006 2090 2173 2264 2365 2469 2575 2682 2792 2909 3027 3148 3279 3416 3554 3696 - - "
        "- - - - 4830 - 5182"
    )),
    "3p3/2": (18, (
        "15.7 18.3 25.4 28.3 32.6 37.2 42.2 47.2 52.7 58.9 66.2 75.1 88.6 100 120.8 141.2 160.7 "
        "182 214.4 239.1 270 298.8 329.8 360.6 394 425 461.4 496.5 532.3 573 618.4 665.3 714.6 "
        "766.4 820 875 940.6 1003 1063 1128 1187 1242 1297 1357 1420 1481 1544 1611 1676 1741 "
        "1812 1885 1950 2024 2108 2194 2281 2367 2457 2551 2645 2743 2847 2957 3066 3177 - - - - "
        "- - 4046 - 4303"
    )),
    "3d3/2": (30, (
        "10.2 18.7 29.8 41.7 55.5 70 95 113 136 157.7 181.1 205 231.1 257.6 284.2 311.9 340.5 374 "
        "411.9 451.4 493.2 537.5 583.4 630.8 689 740.5 795.7 853 902.4 948.3 1003.3 1052 1110.9 "
        "1158.6 1221.9 1276.9 1333 1392 1453 1515 1576 1639 1716 1793 1872 1949 2031 2116 2202 "
        "2291 2385 2485 2586 2688 - - - - - - 3491 - 3728"
    )),
    "3d5/2": (30, (
        "10.1 18.7 29.2 41.7 54.6 69 93.8 112 134.2 155.8 178.8 202.3 227.9 253.9 280 307.2 335.2 "
        "368.3 405.2 443.9 484.9 528.2 573 619.3 676.4 726.6 780.5 836 883.8 928.8 980.4 1027 "
        "1083.4 1127.5 1189.6 1241.1 1292.6 1351 1409 1468 1528 1589 1662 1735 1809 1883 1960 "
        "2040 2122 2206 2295 2389 2484 2580 - - - - - - 3332 - 3552"
    )),
    "4s": (36, (
        "27.5 30.5 38.9 43.8 50.6 56.4 63.2 69.5 75 81.4 87.1 97 109.8 122.9 137.1 153.2 169.4 "
        "186 213.2 232.3 253.5 274.7 291 304.5 319.2 - 347.2 360 378.6 396 414.2 432.4 449.8 "
        "470.9 480.5 506.8 538 563.4 594.1 625.4 658.2 691.1 725.4 762.1 802.2 846.2 891.8 939 - "
        "- - - - - 1330 - 1439"
    )),
    "4p1/2": (36, (
        "14.1 16.3 21.3 24.4 28.5 32.6 37.6 42.3 46.3 50.5 55.7 63.7 63.9 73.5 83.6 95.6 103.3 "
        "123 - 172.4 192 205.8 223.2 236.3 243.3 242 265.6 284 286 322.4 333.5 343.5 366.2 "
        "385.9 388.7 412.4 438.2 463.4 490.4 518.7 549.1 577.8 609.1 642.7 680.2 720.5 761.9 "
        "805.2 - - - - - - 1168 - 1271"
    )),
    "4p3/2": (36, (
        "14.1 15.3 20.1 23.1 27.1 30.8 35.5 39.9 43.2 47.3 50.9 58.3 63.9 73.5 83.6 95.6 103.3 "
        "123 145.5 161.3 178.6 196 206.5 217.6 224.6 242 247.4 257 271 284.1 293.2 308.2 320.2 "
        "332.6 339.7 359.2 380.7 400.9 423.6 446.8 470.7 495.8 519.4 546.3 576.6 609.5 643.5 "
        "678.8 - - - - - - 966.4 - 1043"
    )),
    "4d3/2": (48, (
        "11.7 17.7 24.9 33.3 41.9 50.6 69.5 79.8 92.6 105.3 109 115.1 120.5 120 129 133 142.6 "
        "150.5 153.6 160 167.6 175.5 191.2 206.1 220 237.9 255.9 273.9 293.1 311.9 331.6 353.2 "
        "378.2 405.7 434.3 464 - - - - - - 712.1 - 778.3"
    )),
    "4d5/2": (48, (
        "10.7 16.9 23.9 32.1 40.4 48.9 67.5 77.5 89.9 102.5 109 115.1 120.5 120 129 127.7 142.6 "
        "150.5 153.6 160 167.6 175.5 182.4 196.3 211.5 226.4 243.5 260.5 278.5 296.3 314.6 335.1 "
        "358.8 385 412.2 440.1 - - - - - - 675.2 - 736.2"
    )),
    "4f5/2": (71, (
        "8.9 15.9 23.5 33.6 42.9 53.4 63.8 74.5 87.6 104 122.2 141.7 162.3 - - - - - - 342.4 - "
        "388.2"
    )),
    "4f7/2": (71, (
        "7.5 14.2 21.6 31.4 40.5 50.7 60.8 71.2 84 99.9 117.8 136.9 157 - - - - - - 333.1 - 377.4"
    )),
    "5s": (54, (
        "23.3 22.7 30.3 34.3 37.8 37.4 37.5 - 37.4 32 36 45.6 49.9 49.3 50.6 54.7 52 57.3 64.2 "
        "69.7 75.6 83 84 95.2 101.7 107.2 127 136 147 159.3 - - - - - - 290 - 321"
    )),
    "5p1/2": (54, (
        "13.4 14.2 17 19.3 19.8 22.3 21.1 - 21.3 22 28 28.7 26.3 30.8 31.4 31.8 30.3 33.6 38 42.2 "
        "45.3 45.6 58 63 65.3 74.2 83.1 94.6 106.4 119 - - - - - - 229 - 257"
    )),
    "5p3/2": (54, (
        "12.1 12.1 14.8 16.8 17 22.3 21.1 - 21.3 22 21 22.6 26.3 24.1 24.7 25 24.1 26.7 29.9 32.7 "
        "36.8 34.6 44.5 48 51.7 57.2 64.5 73.5 83.3 92.6 - - - - - - 182 - 192"
    )),
    "5d3/2": (80, "9.6 14.7 20.7 26.9 - - - - - - 92.5 - 102.8"),
    "5d5/2": (80, "7.8 12.5 18.1 23.8 - - - - - - 85.4 - 94.2"),
}  # fmt: skip
"""Binding energies of lines: atomic number of the first element, then one number for each [eV].

X-ray Data Booklet, table 1-1 (xdb2009): metals against their Fermi level, gases and some others
against the vacuum level. `MEASURED` replaces what differs from the solids that people measure.
"""

MEASURED: dict[str, tuple[float, str]] = {
    "B 1s": (189.4, "moulder1992"),
    "C 1s": (284.5, "moulder1992"),
    "N 1s": (398.1, "moulder1992"),  # BN
    "N 2s": (18.0, "judgement"),
    "O 1s": (531.0, "moulder1992"),  # Al2O3
    "O 2s": (23.0, "judgement"),
    "F 1s": (685.0, "moulder1992"),  # fluorides of alkali metals
    "F 2s": (30.0, "judgement"),
    "P 2s": (188.0, "moulder1992"),
    "P 2p": (129.9, "moulder1992"),
    "S 2s": (228.0, "moulder1992"),
    "S 2p": (164.0, "moulder1992"),
    "Cl 2p": (198.5, "moulder1992"),  # KCl
    "Se 3d": (55.6, "moulder1992"),
    "Br 3d": (68.8, "moulder1992"),  # KBr
}
"""Energies of solids in place of those of gases and edges: line of higher j [eV], source."""

WIDTHS: dict[str, tuple[int, str]] = {
    "1s": (3, (
        ".036 .048 .065 .087 .116 .156 .209 .24 .28 .33 .37 .43 .47 .52 .57 .66 .71 .77 .83 .89 "
        ".96"
    )),
    "2s": (7, (
        ".29 .37 .46 .59 .28 .46 .78 .9 1.1 1.3 1.5 1.8 2.1 2.5 3.3 3.9 4.6 5.2 6.2 7 7.2 6.4 "
        "5.5 4.8 4.1 3.8 3.8 3.8 3.8 3.75 3.75 3.75 3.75 3.75 3.8 3.8 3.8 3.9 4 3.9 3.8 3.5 3 "
        "2.4 2.3 2.2 2.1 2"
    )),
    "2p": (10, (
        ".01 .02 .03 .04 .05 .07 .09 .11 .13 .18 .21 .23 .25 .28 .32 .36 .41 .47 .53 .61 .68 .77 "
        ".86 .94 1.02 1.11 1.19 1.27 1.35 1.43 1.51 1.6 1.69 1.78 1.87 1.96 2.05 2.15 2.24 2.34 "
        "2.43 2.53 2.62 2.72 2.82 2.92 3.02 3.12"
    )),
    "3s": (18, (
        ".14 .7 1.1 1.7 2.1 2.2 2.3 2.4 2.4 2.4 2.3 2.2 2.1 2 2.1 2.4 2.8 3.2 3.5 4 4.4 4.9 5.4 "
        "5.8 6.3 6.7 7.2 7.6 8 8.4 8.8 9.2 9.6 10 10.2 10.4 10.6 10.8 11.1 11.4 11.6 11.8 12 "
        "12.2 12.4 12.6 12.8 13 13.2 13.4 13.6 13.8 13.9 14.1 14.2 14.3 14.5 14.6 14.7 14.8 14.9 "
        "15 15.1 15.1 15.2 15.2 - - - - - - 15.5 - 15.5"
    )),
    "3p": (20, (
        "1.2 1.2 1.2 1.2 1.2 1.2 1.23 1.27 1.3 1.8 2.15 2.3 2.3 2.25 2.2 2.15 1.1 1.95 1.9 1.95 "
        "2 2.05 2.1 2.15 2.2 2.25 2.35 2.55 2.8 3.05 3.3 3.6 3.9 4.3 4.7 5 5.4 5.8 6.2 6.7 7.3 "
        "7.8 8.1 8.2 8.3 8.2 8 7.8 7.5 7.1 6.7 6 5.6 5.7 6.4 6.9 7.5 8 8.3 8.5 8.6 8.7 8.7 8.6 - "
        "- - - - - 8 - 7.9"
    )),
    "3d": (31, (
        ".012 .044 .06 .066 .07 .072 .069 .064 .066 .074 .095 .12 .14 .17 .21 .26 .31 .35 .39 "
        ".44 .48 .52 .56 .6 .63 .67 .7 .72 .75 .78 .82 .86 .9 .95 1.01 1.065 1.13 1.2 1.27 1.35 "
        "1.43 1.52 1.61 1.7 1.79 1.89 1.99 2.08 2.18 2.28 2.38 2.48 2.58 - - - - - - 3.28 - 3.5"
    )),
    "4s": (36, (
        ".4 1.2 1.6 2 2.4 2.8 3.2 3.5 3.9 4.2 4.35 4.4 4.4 4.2 3.4 2.6 2.4 2.4 2.6 2.8 3.1 3.3 "
        "3.5 3.7 4 4.2 4.4 4.6 4.9 5.1 5.4 5.6 5.8 6.1 6.3 6.6 6.8 7 7.3 7.5 7.7 8 8.25 8.5 8.8 "
        "9.1 9.35 9.6 - - - - - - 11.5 - 12.2"
    )),
    "4p": (39, (
        ".3 .6 1 1.6 2.2 2.8 3.8 5.6 8 10.5 14 17 - - - - - 1.3 1.45 1.6 1.75 1.9 2.05 2.2 2.35 "
        "2.5 2.65 2.8 2.95 3.15 3.3 3.5 3.65 3.85 4 4.2 4.4 4.6 4.75 4.9 5.05 5.3 5.6 5.8 5.95 - "
        "- - - - - 7.5 - 8"
    )),
    "4d": (50, (
        ".08 .14 .2 .12 .08 .08 .08 .1 .32 .53 .8 1.11 1.48 1.9 2.2 2.4 2.6 2.8 2.95 3.1 3.2 3.3 "
        "3.5 3.65 3.8 3.9 3.9 4 3.95 3.9 3.85 3.8 3.8 3.8 - - - - - - 4.1 - 4.25"
    )),
    "4f": (70, ".03 .03 .03 .04 .06 .11 .18 .27 .31 .33 .31 .27 .23 .2 - - - - - - .18 - .31"),
    "5s": (54, "3"),
    "5p": (54, "2"),
    "5d": (80, ".2"),
}  # fmt: skip
"""Natural widths (Lorentzian) of the line of higher j, laid out as `ENERGIES` [eV].

Campbell and Papp (campbell2001); 1s of Li to F and 2s of N to Ne from the curves of Keski-Rahkonen
and Krause (keski1974); 5s, 5p and 5d by judgement. An element without a number gets that between
its neighbors, or the nearest.
"""

SHIFTS: dict[str, tuple[float, float]] = {
    "Li": (-1, 3), "Be": (-1, 5), "B": (-3, 6.5), "C": (-4, 10), "N": (-3, 11), "O": (-3.5, 6.5),
    "F": (-2.5, 6), "Ne": (-9, 1), "Na": (-1, 3), "Mg": (-1, 3.5), "Al": (-1, 5), "Si": (-1.5, 6.5),
    "P": (-3, 8.5), "S": (-4.5, 7.5), "Cl": (-2.5, 11), "Ar": (-9, 1), "K": (-3, 1.5),
    "Ca": (-1.5, 3.5), "Sc": (-1.5, 5), "Ti": (-1, 6.5), "V": (-1, 7), "Cr": (-1, 7),
    "Mn": (-1, 9.5), "Fe": (-1, 8), "Co": (-1, 6), "Ni": (-1, 7), "Cu": (-1, 5), "Zn": (-1.5, 3),
    "Ga": (-1, 4), "Ge": (-1.5, 5), "As": (-2, 6), "Se": (-3, 5.5), "Br": (-2, 7), "Kr": (-9, 1),
    "Rb": (-3.5, 1.5), "Sr": (-2, 2.5), "Y": (-1, 4), "Zr": (-1, 6), "Nb": (-1, 7), "Mo": (-1, 6.5),
    "Tc": (-1, 7), "Ru": (-1, 5), "Rh": (-1, 4.5), "Pd": (-1, 4.5), "Ag": (-1.5, 1.5),
    "Cd": (-1, 2), "In": (-1, 3), "Sn": (-1, 4), "Sb": (-1.5, 5), "Te": (-2, 6), "I": (-2, 8),
    "Xe": (-9, 1), "Cs": (-3.5, 1), "Ba": (-2.5, 1.5), "La": (-2.5, 3.5), "Ce": (-3, 4),
    "Hf": (-1, 5), "Ta": (-1, 6.5), "W": (-1, 6.5), "Re": (-1, 7), "Os": (-1, 6), "Ir": (-1, 4.5),
    "Pt": (-1, 5.5), "Au": (-1, 4), "Hg": (-1, 3), "Tl": (-1, 3), "Pb": (-1, 3.5), "Bi": (-1, 4),
    "Th": (-1, 3.5), "U": (-1, 6),
}  # fmt: skip
"""Lowest and highest chemical shift against the tabulated energy [eV], the same for all levels.

Judgement from the tables of compounds in moulder1992 and nist-srd20, half an eV added at each end.
All core levels of an element move by the same amount within some tenths of an eV. Gases are
tabulated against the vacuum level; implanted into a solid they lie 6 to 8 eV lower.
"""

DEFAULT_SHIFTS = (-3.0, 8.0)
"""For the elements that `SHIFTS` leaves out."""

SPLITTINGS: dict[str, tuple[tuple[float, float, float], str]] = {
    "Sc 2p": ((4.3, 4.87, 5.0), "biesinger2010"),
    "Ti 2p": ((5.6, 5.72, 6.2), "biesinger2010"),  # TiO2 5.72, the metal 6.17
    "V 2p": ((7.2, 7.64, 7.8), "biesinger2010"),  # V2O5 7.3 to 7.5
    "Cr 2p": ((9.1, 9.34, 10.0), "biesinger2011"),  # Cr2O3 9.8
    "Mn 2p": ((10.8, 11.05, 11.9), "biesinger2011"),  # oxides 11.4 to 11.8
    "Fe 2p": ((12.8, 13.10, 13.9), "biesinger2011"),  # oxides 13.3 to 13.7
    "Co 2p": ((14.7, 14.97, 16.1), "biesinger2011"),  # Co(II) up to 16
    "Ni 2p": ((17.0, 17.27, 18.6), "biesinger2011"),  # NiO up to 18.4
    "Cu 2p": ((19.5, 19.75, 20.3), "biesinger2010"),
    "Zn 2p": ((22.8, 22.97, 23.3), "biesinger2010"),
    "Th 4f": ((9.2, 9.34, 9.5), "moulder1992"),
    "U 4f": ((10.75, 10.85, 10.95), "ilton2011"),
}
"""Splitting of 2p of the 3d metals, of U and Th 4f: lowest, expected, highest [eV], source.

The ends are judgement from what is measured in the compounds of the source. 2p1/2 and 2p3/2 of the
3d metals have different multiplets in each chemical state, so that their distance is not the
spin-orbit splitting alone.
"""

NEIGHBORS: dict[str, str] = {
    "C 1s": "K 2p; Ru 3d; Sr 3p1/2; Cl 2s; Mg KLL",
    "K 2p": "Ru 3d; Mg KLL",
    "N 1s": "Mo 3p3/2; Ta 4p3/2; Cd 3d; Sc 2p; U 4f5/2; Ga LMM",
    "O 1s": "Sb 3d; Pd 3p3/2; V 2p; Na KLL",
    "Sb 3d": "Pd 3p3/2; V 2p",
    "B 1s": "P 2s; Yb 4d",
    "Li 1s": "Fe 3p; Se 3d; Co 3p; Mn 3p; Ti 3s; Au 5p3/2; Os 4f",
    "Mg 2p": "Mn 3p; I 4d; Os 4f",
    "Mg 2s": "Au 4f; Zn 3p; Ba 4d; Fe 3s",
    "Al 2p": "Cu 3p; Pt 4f; Ni 3p; Cs 4d; Cr 3s; Br 3d",
    "Al 2s": "Cu 3s; Tl 4f; Ge 3p",
    "Si 2p": "La 4d; Pt 5s; Hg 4f; Ga 3p; Co 3s; Au 5s",
    "Si 2s": "Tb 4d; Dy 4d; Y 3d; Bi 4f",
    "P 2p": "Sr 3d; Zn 3s; Pb 4f; Ge 3p; Cu 3s",
    "S 2p": "Bi 4f; Se 3p; Ga 3s; Y 3d",
    "S 2s": "Mo 3d; Se 3s",
    "Cl 2p": "Nb 3d; As 3s",
    "Ca 2p": "Zr 3p; Pd 3d; Au 4d3/2; Mg KLL",
    "Ti 2p": "Ru 3p3/2; Bi 4d3/2; In 3d",
    "Ti 3p": "W 4f; Ta 5p3/2",
    "Ti 3s": "Ir 4f",
    "V 2p": "Pd 3p3/2",
    "Cr 2p": "Te 3d; Ag 3p3/2; Cu LMM",
    "Te 3d": "Ag 3p3/2; Cu LMM",
    "Mn 2p": "Au 4p1/2; Ni LMM; Cu LMM",
    "Mn 3s": "Au 4f; Pd 4s",
    "Fe 2p": "Sn 3p3/2; In 3p1/2; Cs 3d; Co LMM; Ni LMM",
    "Fe 3p": "Se 3d; Au 5p3/2; Os 4f; Co 3p",
    "Fe 3s": "Au 4f",
    "Co 2p": "Ba 3d; Fe LMM; Ni LMM",
    "Ba 3d": "Fe LMM; Ni LMM",
    "Co 3p": "Ir 4f; Se 3d",
    "Ni 2p": "La 3d; Fe 2s; Ce 3d; F KLL",
    "La 3d": "F KLL",
    "Ni 3p": "Pt 4f; Br 3d; Ir 4f",
    "Cu 2p": "Pr 3d; I 3p1/2",
    "Cu 3p": "Pt 4f; Cs 4d",
    "Zn 3p": "Au 4f; Ba 4d",
    "Zn 3s": "Pb 4f; As 3p",
    "Ga 3d": "In 4d; O 2s; N 2s; Hf 4f",
    "Ga 3s": "Bi 4f",
    "Ge 3d": "W 4f; Hf 5p3/2; F 2s",
    "As 3d": "Re 4f; Cr 3p",
    "As 3p": "Pb 4f",
    "Se 3d": "Au 5p3/2; Os 4f",
    "Se 3p": "Bi 4f",
    "Se 3s": "Mo 3d",
    "Sr 3d": "Pb 4f",
    "Y 3d": "Bi 4f",
    "Zr 3d": "Br 3p3/2",
    "Zr 3p": "Pd 3d; Th 4f; Au 4d",
    "Rh 3d": "Pt 4d5/2; Mg KLL",
    "Pd 3d": "Au 4d; Pt 4d3/2; Th 4f",
    "Ag 3d": "Nb 3p3/2; Hg 4d3/2",
    "In 3d": "Bi 4d5/2",
    "In 4d": "O 2s; Hf 4f",
    "Sn 3d": "Na KLL; Zn LMM",
    "Sn 4d": "Ta 4f; Bi 5d; O 2s",
    "I 3d": "Ag 3p1/2",
    "I 4d": "Os 4f",
    "Hf 4f": "O 2s; Hf 5p3/2",
    "Ta 4f": "O 2s; Bi 5d; Ta 5p3/2",
    "W 4f": "W 5p3/2; Mo 4p; Ti 3p",
    "Re 4f": "Re 5p3/2; Mo 4p",
    "Au 4f": "Ba 4d",
    "U 4f": "K 2s",
    "Na 1s": "Cs 3p1/2; Ti LMM",
}
"""Levels, single lines and Auger lines that are met in windows of a level, and it in theirs.

Those that practitioners meet, by judgement from the line tables of moulder1992; not every
coincidence of energies is listed.
"""

AUGER_LINES: dict[str, tuple[tuple[float, float], ...]] = {
    "Na KLL": ((493, 501), (534, 538)),
    "Mg KLL": ((299, 308), (345, 352)),
    "F KLL": ((828, 840), (855, 880)),
    "Ti LMM": ((1064, 1076),),
    "Fe LMM": ((780, 790),),
    "Co LMM": ((709, 718),),
    "Ni LMM": ((638, 648), (703, 713), (770, 781)),
    "Cu LMM": ((565, 573), (643, 652)),
    "Zn LMM": ((493, 501),),
    "Ga LMM": ((389, 402),),
}
"""Apparent binding energies with Al Ka of the groups of Auger lines [eV], by judgement.

They belong to kinetic energies: with another source they lie elsewhere by the difference of the
photon energies (with Mg Ka 233 eV lower).
"""

LOSSES: dict[str, tuple[tuple[str, float, float, float, str], ...]] = {
    "C 1s": (("pi-pi* shake-up of aromatic carbon and graphite", 5.5, 7.5, 0.3, "beamson1992"),),
    "Ti 2p": (("charge-transfer satellite of TiO2", 12.5, 14.0, 0.25, "judgement"),),
    "Cr 2p": (("satellite of Cr2O3", 11.0, 13.0, 0.3, "biesinger2011"),),
    "Mn 2p": (("shake-up of MnO", 5.0, 7.0, 0.3, "biesinger2011"),),
    "Fe 2p": (("shake-up of Fe(II) and Fe(III)", 4.0, 9.0, 0.7, "biesinger2011"),),
    "Co 2p": (("shake-up of Co(II)", 4.0, 7.0, 0.6, "biesinger2011"),
              ("satellite of Co3O4", 8.5, 11.0, 0.2, "biesinger2011")),
    "Ni 2p": (("shake-up of Ni(II), and the satellite of the metal", 5.5, 7.5, 0.6,
               "biesinger2011"),),
    "Cu 2p": (("shake-up of Cu(II)", 6.0, 11.0, 0.6, "biesinger2010"),),
    "Mo 3d": (("unscreened final state of MoO2", 1.4, 2.1, 1.5, "scanlon2010"),),
    "Ru 3d": (("unscreened final state of RuO2", 1.6, 2.2, 0.8, "morgan2015"),),
    "La 3d": (("shake-up of La(III)", 3.0, 5.5, 1.2, "judgement"),),
    "Ce 3d": (("final states of Ce(III) and Ce(IV)", 2.5, 17.0, 2.0, "burroughs1976"),),
    "Pr 3d": (("final state with one 4f electron more, at lower energy", -6.0, -3.0, 0.6,
               "judgement"),),
    "Th 4f": (("shake-up of ThO2", 6.0, 8.0, 0.2, "judgement"),),
    "U 4f": (("shake-up of U(IV), U(V) and U(VI)", 3.5, 10.5, 0.35, "ilton2011"),),
}  # fmt: skip
"""Satellites of a level: what, lowest and highest distance above its line [eV], share, source.

The share is the largest area, relative to the line, that is met. Distances are from the source;
shares are judgement.
"""

PLASMONS: dict[str, tuple[tuple[float, float, float], ...]] = {
    "Be": ((18.0, 20.0, 0.4),),
    "Na": ((5.5, 6.3, 0.5),),
    "Mg": ((10.0, 11.2, 0.5), (6.8, 7.8, 0.2)),
    "Al": ((14.7, 16.0, 0.5), (10.0, 11.5, 0.2)),
    "Si": ((16.5, 18.0, 0.4),),
    "Ge": ((15.5, 17.0, 0.4),),
}
"""Losses to plasmons of the element (bulk, then surface): lowest, highest distance [eV], share.

Judgement; free-electron metals and semiconductors have them at every core level, their compounds
have broader ones at other energies.
"""
