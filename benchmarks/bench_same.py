"""Does one spectrum get the same peaks when it is sampled otherwise, or seen in another window?

Question: how far apart are the answers for the same simulated spectrum with 200, 401 and 1,600
points, and in a window moved by a tenth of its width? Of `xpsnet.predict` (the network) and of
`xpsnet.fit` (least squares from there). Equal on all sides: the curve, which is known between its
points: 1 to 4 pseudo-Voigt lines (one Lorentzian share of 0 to 0.6, at least 8 of 200 points per
FWHM, at least 1.5 FWHM inside of both windows) on a constant, a slope and a Shirley background.
"apart": neighbors are 1 to 4 of the wider FWHM from each other; "close": 2 to 4 lines, 0.5 to 1
FWHM. Noise is relative to the largest count and drawn anew for every sampling.

The same peaks: as many, and every center (and FWHM) within 2 % of the FWHM.

    python benchmarks/bench_same.py [--spectra 5000] [--fitted 400] [--seed 5000006]
"""

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.special import erf

import xpsnet
from xpsnet.data.spectrum import make_spectrum
from xpsnet.numerics.lineshapes import LINE_SHAPES

Floats = npt.NDArray[np.float64]
Peaks = dict[str, Floats]

LOW, WINDOW = 280.0, 20.0
MOVED = WINDOW / 10
SAME = 0.02
SLOTS = 4
NARROWEST = 8 * WINDOW / 199
VIEWS = {"200": (200, 0.0), "401": (401, 0.0), "1,600": (1600, 0.0), "401, moved": (401, MOVED)}
PAIRS = (("200", "401"), ("1,600", "401"), ("1,600", "200"), ("401, moved", "401"))
GAPS = {"apart": (1.0, 4.0), "close": (0.5, 1.0)}
NOISES = (0.0, 1e-3)
ANSWERS: dict[str, Callable[[xr.DataArray], xr.Dataset]] = {
    "predict": partial(xpsnet.predict, device="cpu"),
    "fit": partial(xpsnet.fit, device="cpu", neighbors=False, follow=False),
}


def drawn(rng: np.random.Generator, n: int, gaps: tuple[float, float]) -> Peaks:
    """Peaks (n, SLOTS) by ascending center, NaN where there is none, and backgrounds (n, 1)."""
    count = rng.integers(2 if gaps[1] <= 1 else 1, SLOTS + 1, (n, 1))
    present = np.arange(SLOTS) < count
    scatter = np.exp(rng.uniform(0, np.log(2), (n, 1)) + 0.2 * rng.normal(size=(n, SLOTS)))
    fwhm = NARROWEST * np.clip(scatter, 1.0, 3.0)
    wider = np.maximum(fwhm[:, 1:], fwhm[:, :-1]) * present[:, 1:]
    margin = 1.5 * fwhm.max(axis=1, keepdims=True)
    room = WINDOW - MOVED - 2 * margin
    least, more = gaps[0] * wider, rng.uniform(0, gaps[1] - gaps[0], wider.shape) * wider
    spare = room - least.sum(axis=1, keepdims=True)
    more *= np.clip(spare / np.maximum(more.sum(axis=1, keepdims=True), 1e-9), 0, 1)
    places = np.pad(np.cumsum(least + more, axis=1), ((0, 0), (1, 0)))
    start = rng.uniform(0, 1, (n, 1)) * (room - places[:, -1:])
    peaks = {
        "center": LOW + MOVED + margin + start + places,
        "fwhm": fwhm,
        "height": 1e4 * rng.uniform(0.2, 1.0, (n, SLOTS)),
        "fraction": rng.uniform(0, 0.6, (n, 1)) * np.ones(SLOTS),
    }
    return {
        **{name: np.where(present, values, np.nan) for name, values in peaks.items()},
        "constant": 1e3 * np.exp(rng.uniform(0, np.log(30.0), (n, 1))),
        "slope": rng.normal(0, 1500.0 / WINDOW, (n, 1)),
        "shirley": rng.uniform(0, 0.15, (n, 1)),
    }


def curve(truth: Peaks, energy: Floats) -> Floats:
    """Counts (n, points); the Shirley background is the closed integral of the lines."""
    center, fwhm, height, share = (
        truth[name][..., None] for name in ("center", "fwhm", "height", "fraction")
    )
    lines = LINE_SHAPES["pseudo_voigt"].value(
        energy, *(truth[name] for name in ("center", "fwhm", "height", "fraction"))
    )
    z = 2 * (energy - center) / fwhm
    root = np.sqrt(np.log(2))
    gaussian = 0.5 * np.sqrt(np.pi) / root * (1 + erf(root * z))
    lorentzian = np.arctan(z) + np.pi / 2
    integral = 0.5 * fwhm * height * ((1 - share) * gaussian + share * lorentzian)
    both = np.nansum(lines + truth["shirley"][..., None] * integral, axis=1)
    # Never below zero, whatever the slope.
    ramp = truth["slope"] * (energy - LOW - WINDOW / 2)
    return np.asarray(both + truth["constant"] + ramp + 0.6 * WINDOW * np.abs(truth["slope"]))


def views(answer: str, truth: Peaks, noise: float, seed: int) -> dict[str, Peaks]:
    """Centers and FWHM (n, peaks) that every view of the same spectra is given."""
    found = {}
    for number, (name, (points, moved)) in enumerate(VIEWS.items()):
        energy = np.linspace(LOW + moved, LOW + moved + WINDOW, points)
        counts = curve(truth, energy)
        rng = np.random.default_rng([seed, number])
        counts += noise * counts.max(axis=1, keepdims=True) * rng.normal(size=counts.shape)
        dims = ("spectrum", "energy")
        peaks = ANSWERS[answer](make_spectrum(counts, energy, dims=dims, scale="binding"))
        peaks = peaks.reindex(peak=np.arange(1, 7))
        found[name] = {key: peaks[key].values for key in ("center", "fwhm")}
    return found


def compared(found: Peaks, other: Peaks) -> dict[str, float]:
    """How far `found` is from `other`, where both have as many peaks; in % (of the FWHM)."""
    slots = other["center"].shape[1]
    there = np.isfinite(found["center"])
    alike = there.sum(axis=1) == np.isfinite(other["center"]).sum(axis=1)
    off = {
        name: (found[name][:, :slots] - other[name]) / other["fwhm"] for name in ("center", "fwhm")
    }
    size = {name: np.nan_to_num(np.abs(values)) for name, values in off.items()}
    near = {name: alike & (values <= SAME).all(axis=1) for name, values in size.items()}
    row = {"as many": alike.mean()}
    for name, values in off.items():
        paired = values[alike][np.isfinite(values[alike])]
        row[f"{name} bias"] = np.median(paired)
        row[f"{name} median"], row[f"{name} 95th"] = np.quantile(np.abs(paired), [0.5, 0.95])
    row["centers same"] = near["center"].mean()
    row["all same"] = (near["center"] & near["fwhm"]).mean()
    return {name: 100 * float(value) for name, value in row.items()}


def main(arguments: list[str] | None = None) -> None:
    """Print a table for each answer, kind of spectra and noise."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spectra", type=int, default=5000)
    parser.add_argument("--fitted", type=int, default=400)
    parser.add_argument("--seed", type=int, default=5_000_006)
    chosen = parser.parse_args(arguments)
    for answer, n in (("predict", chosen.spectra), ("fit", chosen.fitted)):
        for kind, gaps in GAPS.items():
            truth = drawn(np.random.default_rng(chosen.seed), n, gaps)
            for noise in NOISES:
                found = {**views(answer, truth, noise, chosen.seed), "truth": truth}
                pairs = (*PAIRS, *((name, "truth") for name in VIEWS))
                rows = {f"{one} / {two}": compared(found[one], found[two]) for one, two in pairs}
                print(f"\n{answer}, {kind}, noise {noise:g}: {n} spectra; % and % of the FWHM\n")
                print_table(rows)


def print_table(rows: dict[str, dict[str, float]]) -> None:
    """A table in markdown."""
    names = list(next(iter(rows.values())))
    print(f"| | {' | '.join(names)} |")
    print(f"| --- |{' --- |' * len(names)}")
    for label, row in rows.items():
        cells = [f"{v:+.2f}" if "bias" in k else f"{v:.2f}" for k, v in row.items()]
        print(f"| {label} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
