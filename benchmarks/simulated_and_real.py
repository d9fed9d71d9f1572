"""Figure of measured spectra among simulated ones.

Question: do spectra of the training recipe of `default` look like measured spectra? 36 windows in a
grid, a third of them measured, at random places, all drawn as the network reads them. The places of
the measured spectra are printed.

The measured files are not part of this repository: they are looked for where XPSNET_REAL_DATA
points, else in ../shared/data beside the checkout.

    python benchmarks/simulated_and_real.py [--out docs/images/models]
"""

import argparse
import os
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import xpsnet
from xpsnet.models.architecture import CONFIGS
from xpsnet.models.encoding import encode
from xpsnet.simulation import recipes

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("XPSNET_REAL_DATA", ROOT.parent / "shared" / "data"))
FILES = (
    "paper/ITO_O1s_exp.txt",
    "paper/P3HT_S2p_exp.txt",
    "vamas",
    "phi",
    "scienta",
    "specs",
    "thermo",
    "series",
)
SEED = 7
SIDE = 6
N_REAL = 12

Floats = npt.NDArray[np.float64]


def measured() -> list[tuple[str, Floats]]:
    """Windows of 5 to 40 eV of the measured files, as the network reads them."""
    found: list[tuple[str, Floats]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for name in FILES:
            for spectra in xpsnet.read(DATA / name):
                energy = spectra["energy"].values
                if energy.size >= 40 and 5 <= np.ptp(energy) <= 40:
                    found.append((f"{name}: {spectra.name}", _seen(spectra)))
    return found


def _seen(spectra: xr.DataArray) -> Floats:
    """One spectrum of a stack on the network's grid, binding energy to the right."""
    first = (
        spectra.stack(all=[d for d in spectra.dims if d != "energy"]) if spectra.ndim > 1 else None
    )
    counts = spectra if first is None else first.isel(all=0)
    counts = counts.dropna("energy")
    sign = 1 if spectra.attrs["scale"] == "binding" else -1
    energy = sign * counts["energy"].values
    return np.asarray(encode(counts.values[None], energy, CONFIGS["default"])[0], float)


def main(arguments: list[str] | None = None) -> list[int]:
    """Draw the grid; return the places of the measured spectra, row by row from 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images" / "models")
    chosen = parser.parse_args(arguments)
    rng = np.random.default_rng(SEED)
    real = measured()
    kept = rng.choice(len(real), min(N_REAL, len(real)), replace=False)
    places = np.sort(rng.choice(SIDE * SIDE, kept.size, replace=False))
    drawn = iter(recipes.simulate_batch(SIDE * SIDE, "default", SEED)["spectra"])
    there = dict(zip(places.tolist(), (real[i] for i in kept), strict=True))
    figure = Figure(figsize=(12, 11), layout="constrained")
    FigureCanvasAgg(figure)
    for place, axis in enumerate(figure.subplots(SIDE, SIDE).flat):
        counts = there[place][1] if place in there else next(drawn)
        axis.plot(np.linspace(0, 1, len(counts)), counts, lw=0.8, color="black")
        axis.set(xticks=[], yticks=[])
        axis.set_title(str(place + 1), fontsize=7, loc="left")
        if place in there:
            print(f"{place + 1}: {there[place][0]}")
    figure.supxlabel("share of the window, binding energy to the right")
    figure.supylabel("counts, scaled from 0 to 1")
    chosen.out.mkdir(parents=True, exist_ok=True)
    figure.savefig(chosen.out / "simulated_and_real.png", dpi=110)
    return [int(place) + 1 for place in places]


if __name__ == "__main__":
    main()
