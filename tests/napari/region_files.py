"""A VAMAS file of several samples with several regions each, for tests and benchmarks."""

from collections.abc import Sequence
from pathlib import Path

from vamas_writer import Block, counts, vamas

PHOTON = 1486.6
LEVELS = {"C 1s": 285.0, "O 1s": 531.0, "Si 2p": 99.0, "N 1s": 399.0, "Cl 2p": 198.0, "F 1s": 686.0}
"""Binding energies of the middle of each region [eV]."""
STEP = 0.1


def write_regions(
    path: Path, samples: Sequence[str], levels: Sequence[str] = tuple(LEVELS), points: int = 121
) -> Path:
    """Write one block for each level of each sample, over kinetic energy."""
    blocks = []
    for number, sample in enumerate(samples):
        for level in levels:
            species, transition = level.split()
            start = PHOTON - LEVELS[level] - 0.5 * (points - 1) * STEP
            blocks.append(
                Block(
                    # Otherwise samples with the same counts could not be distinguished.
                    [(number + 1) * one for one in counts(points, seed=number)],
                    start=start,
                    step=STEP,
                    sample=sample,
                    species=species,
                    transition=transition,
                    photon_energy=PHOTON,
                )
            )
    path.write_text(vamas(blocks))
    return path
