"""A small writer of Omicron EIS texts and of EDC texts of a CLAM2."""

import numpy as np

ENERGY = np.round(1200.0 - 0.5 * np.arange(60), 3)
COUNTS = np.random.default_rng(0).poisson(500, 60).astype(float)
REGION = (
    "Region\tEnabled\tDataFlag\tStart\tEnd\tStep\tSweeps\tDwell\tMode\tCAE/CRR\tMag\tDivide by Ten"
    "\tNotes\tFunction\tLine-Style\tPoint-Style\tSweeps-Acquired\n"
)
LAYER = "Layer\tEnabled\tDataFlag\tNotes\tFormula\tLine-Style\tPoint-Style\n"
LABELS = "Energy\tCounts\n"


def values(n: int, notes: str = "O1s", sweeps: int = 5, acquired: int | str = 5) -> str:
    """Values of a region."""
    return (
        f"{n}\ttrue\tOriginal\t1200.0\t1170.5\t-0.5\t{sweeps}\t0.200\tCAE\t50.00\tHigh\tfalse\t{notes}"
        f"\t7 Channel Acquisition\t\t\t{acquired}\n"
    )


def layer(n: int = 1, enabled: str = "True") -> str:
    """Words of a layer."""
    return f"{LAYER}{n}\t{enabled}\t\tCh(1)+Ch(2)\t\t\n{LABELS}"


def table(counts: np.ndarray = COUNTS, energy: np.ndarray = ENERGY) -> str:
    """Rows of numbers."""
    return "".join(f"{e:.3f}\t{c:g}\n" for e, c in zip(energy, counts, strict=True))


KINETIC = np.round(50.0 + 0.2 * np.arange(60), 3)
TITLE = """
CLAM2 Development Software Ver.05:   CLAM2 Development by PES using Synchrotron Light: EDC
Friday, December 16, 2011


Parameter Setting
Fix Photon Energy: 600.000000 eV
1638.4 eV (XPS): CAE=100
Kinetic Energy Scan:   50.0000 - 75.0000   eV\x20
 Kinetic Energy Step:  0.2000   eV\x20
Number of scan : 10*

Energy (eV)\tCPS\tIe (mA)\tIp (A)\tCPS/Ip\tAvg CPS\tAvg CPS/Ip\t


"""


def scan(n: int, counts: np.ndarray = COUNTS, energy: np.ndarray = KINETIC) -> str:
    """One block of seven columns."""
    rows = "".join(
        f"{e:.6f}\t{c:.6f}\t68.8\t2.486864E-10\t8.1E+12\t{c:.6f}\t8.1E+12\n"
        for e, c in zip(energy, counts, strict=False)
    )
    return f"Scan : \t{n}\n\n{rows}\n"
