"""Spectra that somebody smoothed: are they recognised, and do their errors hold?

Question: of Poisson spectra that were smoothed afterwards, how many have the status NOT_RAW, how
many the right number of states, and by how many standard errors is the center of the main line
off (root mean square by the median, 1 if the errors hold)? Baseline: the same spectra, raw.

Three kinds of spectra: two lines of 11 points per width (3,000 and 900 counts), one weak line
(400 counts on 150), and two lines of 22 points per width (8,000 counts).

    python benchmarks/bench_smoothed.py [--n 20]
"""

import argparse
import warnings
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.ndimage import convolve1d, gaussian_filter1d, uniform_filter1d
from scipy.signal import savgol_filter

import xpsnet
from xpsnet.data.spectrum import make_spectrum
from xpsnet.data.status import Status
from xpsnet.numerics.lineshapes import LINE_SHAPES

Floats = npt.NDArray[np.float64]

SEED = 9_400_000
FRACTION = 0.3
# Step [eV], background, and lines: center, FWHM [eV], height.
KINDS = {
    "two lines": (0.1, 200.0, ((285.0, 1.1, 3000.0), (286.6, 1.1, 900.0))),
    "one weak line": (0.1, 150.0, ((285.0, 1.3, 400.0),)),
    "fine steps": (0.05, 1000.0, ((285.0, 1.1, 8000.0), (286.6, 1.1, 2500.0))),
}
SMOOTHINGS: dict[str, Callable[[Floats], Floats]] = {
    "none": lambda counts: counts,
    "mean of 3": lambda counts: uniform_filter1d(counts, 3, mode="nearest"),
    "mean of 5": lambda counts: uniform_filter1d(counts, 5, mode="nearest"),
    "mean of 9": lambda counts: uniform_filter1d(counts, 9, mode="nearest"),
    "1-2-1": lambda counts: convolve1d(counts, np.array([1, 2, 1]) / 4, mode="nearest"),
    "Savitzky-Golay 5": lambda counts: savgol_filter(counts, 5, 2),
    "Savitzky-Golay 9": lambda counts: savgol_filter(counts, 9, 2),
    "Gaussian 1.5": lambda counts: gaussian_filter1d(counts, 1.5, mode="nearest"),
}


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Print the table; return the part of each smoothing that is recognised, over all kinds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=20, help="spectra of each kind and smoothing")
    chosen = parser.parse_args(arguments)
    warnings.simplefilter("ignore", UserWarning)
    line = LINE_SHAPES["pseudo_voigt"].value
    print("| spectra | smoothed by | not raw [%] | ok [%] | states right [%] | errors off by |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    seen: dict[str, list[float]] = {}
    for kind, (step, base, lines) in KINDS.items():
        energy = np.arange(280.0, 292.0, step)
        curve = base + sum(line(energy, *one, FRACTION) for one in lines)
        for name, smooth in SMOOTHINGS.items():
            status, right, off = [], [], []
            for number in range(chosen.n):
                rng = np.random.default_rng([SEED, number])
                counts = smooth(rng.poisson(curve).astype(np.float64))
                peaks = xpsnet.fit(make_spectrum(counts, energy, scale="binding", name="C 1s"))
                status.append(int(peaks["status"]))
                right.append(int(peaks["n_peaks"]) == len(lines))
                error = (peaks["center"] - lines[0][0]).values
                if np.isfinite(error).any():
                    main_line = np.nanargmin(np.abs(error))
                    off.append(error[main_line] / peaks["center_stderr"].values[main_line])
            noticed = float(np.mean(np.equal(status, Status.NOT_RAW)))
            seen.setdefault(name, []).append(noticed)
            fine = np.mean(np.equal(status, Status.OK))
            spread = np.nanmedian(np.abs(off)) / 0.6745
            print(
                f"| {kind} | {name} | {100 * noticed:.0f} | {100 * fine:.0f} "
                f"| {100 * np.mean(right):.0f} | {spread:.2f} |",
                flush=True,
            )
    return {name: float(np.mean(found)) for name, found in seen.items()}


if __name__ == "__main__":
    main()
