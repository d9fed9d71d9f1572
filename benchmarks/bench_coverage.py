"""Do the stated intervals hold the truth? 40 settings of ordinary and hard spectra.

Question: the interval of a value at 95 % is value +- t x stderr, with the quantile t of Student's t
for `dof_noise` degrees of freedom. How often does it hold the true center, FWHM, height and area?
And that at 68 %? How large is the standard deviation of (value - truth) / stderr over that of its
t distribution (1 is right)?

Every setting: spectra of the same lines (pseudo-Voigt, Lorentzian share 0.4) on a constant and a
Shirley step of a tenth of their sum, with noise of one kind. They are fitted in four ways: as one
stack, which shares its noise, and alone, each with the noise that is estimated from itself
(`noise="each"` does with every spectrum of a stack what a call with this spectrum alone does); each
with the default call, of which those spectra count that got the right number of lines, and with the
number of lines and the kind of background given.

Where chi-square is no parabola (few counts, overlapping lines), the standard error does not say
how far an interval reaches. A setting is marked where an end of the profile interval at 95 %
(`xpsnet.confidence`) of any parameter differs from that of the symmetric one by more than a tenth
of its half width, in the median of 20 spectra. There the profile intervals at 95 % of the first
spectra (`--profiles`) are judged in place of the symmetric ones; one that is open, because
chi-square does not rise far enough within the limits, holds what lies on its side.

    python benchmarks/bench_coverage.py [--spectra 10000] [--settings 3,17] [--profiles 400]
        [--markdown]
"""

import argparse
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import xarray as xr
from scipy import ndimage, stats

import xpsnet
from xpsnet.data.peaks import curves, make_peaks

SHARE = 0.4
PARAMETERS = ("center", "fwhm", "height", "area")
# Ends of what a figure should be: shares in percent, and the ratio of standard deviations.
GOOD = {"in95": (93.5, 96.5), "in68": (66.0, 70.5), "ratio": (0.95, 1.06)}
MARKED, LOOKED_AT = 0.1, 20
STEP = 0.1  # of the Shirley background over the sum of the lines
SMOOTHING = np.array([0.25, 0.5, 0.25])


@dataclass(frozen=True)
class Setting:
    """Spectra of one kind.

    Attributes
    ----------
    step, window, fwhm : float
        Of the axis and of the lines [eV].
    lines : int
        Distances are 1.5 FWHM for two and three lines, 1.25 for four.
    pedestal : float
        Background over the highest line.
    top : float
        Expected counts of the highest line.
    noise : str
        Key of `NOISES`.
    """

    step: float
    window: float
    lines: int
    pedestal: float
    top: float
    noise: str = "Poisson"
    fwhm: float = 1.1

    def __str__(self) -> str:
        lines = f"{self.lines} line{'s' if self.lines > 1 else ''}"
        return (
            f"{self.step:g} eV, window {self.window:g} eV, {lines} of {self.fwhm:g} eV, "
            f"pedestal {self.pedestal:g}, top {self.top:g}, {self.noise}"
        )

    @property
    def energy(self) -> np.ndarray:
        """Energies [eV]; the lines lie between points."""
        return 280.0 + self.step * np.arange(round(self.window / self.step) + 1)

    def truth(self) -> xr.Dataset:
        """Lines and background, one spectrum."""
        distance = (1.25 if self.lines > 3 else 1.5) * self.fwhm
        place = distance * (np.arange(self.lines) - (self.lines - 1) / 2)
        center = self.energy.mean() + 0.137 * self.step + place
        height = self.top * np.array([1.0, 0.6, 0.8, 0.5])[: self.lines]
        parameters = {
            "center": center,
            "fwhm": np.full(self.lines, self.fwhm),
            "height": height,
            "fraction": np.full(self.lines, SHARE),
        }
        return make_peaks(
            self.energy,
            (),
            scale="binding",
            line_shape="pseudo_voigt",
            background="shirley",
            parameters=parameters,
            background_parameters={"constant": self.pedestal * self.top, "shirley": self.shirley},
            status=0,
        )

    @property
    def shirley(self) -> float:
        """Coefficient of a step of a tenth of the height of one line."""
        return STEP / (1.3 * self.fwhm)


def poisson(signal: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, float, dict]:
    """Counts of a counting detector."""
    return rng.poisson(signal).astype(float), 1.0, {"units": "counts"}


def gained(gain: float):
    """Counts behind electronics: the variance is gain x counts, and no step shows."""

    def draw(signal, rng):
        return rng.gamma(signal / gain, gain), 1.0, {"units": "counts"}

    return draw


def overdispersed(factor: float):
    """Whole numbers whose variance is `factor` times their expectation (negative binomial)."""

    def draw(signal, rng):
        return rng.poisson(rng.gamma(signal / (factor - 1), factor - 1)), 1.0, {"units": "counts"}

    return draw


def rates(signal, rng):
    """Counts over 5 scans of 0.3 s, as counts/s."""
    attrs = {"units": "counts/s", "dwell_time": 0.3, "n_scans": 5}
    return rng.poisson(signal) / 1.5, 1 / 1.5, attrs


def unknown_rates(signal, rng):
    """Counts over a time that nobody knows, in single precision."""
    return (rng.poisson(signal) / 13.7).astype(np.float32), 1 / 13.7, {"units": "counts/s"}


def with_floor(signal, rng):
    """Poisson counts and a normal noise as large as that of the background."""
    sigma = np.sqrt(signal.min())
    return rng.poisson(signal) + sigma * rng.normal(size=signal.shape), 1.0, {}


def smoothed(signal, rng):
    """Poisson counts after 1-2-1 smoothing."""
    counts = rng.poisson(signal).astype(float)
    return ndimage.convolve1d(counts, SMOOTHING, axis=1), 1.0, {"units": "counts"}


NOISES = {
    "Poisson": poisson,
    "gain 0.2": gained(0.2),
    "gain 6": gained(6.0),
    "overdispersed 1.3": overdispersed(1.3),
    "overdispersed 3": overdispersed(3.0),
    "counts/s": rates,
    "counts/s, float32": unknown_rates,
    "floor": with_floor,
    "smoothed": smoothed,
}

SETTINGS = (
    Setting(0.1, 16, 1, 0.1, 3e3),
    Setting(0.1, 40, 1, 0.1, 3e3),
    Setting(0.05, 16, 1, 0.1, 3e3),
    Setting(0.025, 10, 1, 0.1, 3e3),
    Setting(0.05, 20, 1, 0.1, 1e4),
    Setting(0.2, 16, 1, 0.1, 3e3),
    Setting(0.4, 60, 1, 0.1, 3e3, fwhm=2.2),
    Setting(0.4, 30, 2, 0.5, 1e5, fwhm=2.4),
    Setting(0.1, 6, 1, 0.1, 3e3),
    Setting(0.1, 10, 1, 0.5, 1e3),
    Setting(0.1, 16, 1, 2, 3e3),
    Setting(0.1, 16, 1, 5, 1e4),
    Setting(0.1, 16, 1, 0.02, 3e3),
    Setting(0.1, 16, 1, 0.1, 1e2),
    Setting(0.05, 16, 1, 0.5, 1e2),
    Setting(0.1, 16, 1, 0.1, 30),
    Setting(0.025, 10, 1, 0.1, 30),
    Setting(0.1, 16, 1, 0.5, 10),
    Setting(0.025, 10, 1, 1, 10),
    Setting(0.1, 16, 1, 0.1, 1e5),
    Setting(0.2, 16, 1, 0.1, 1e6),
    Setting(0.1, 16, 2, 0.1, 3e3),
    Setting(0.05, 12, 2, 0.5, 3e2),
    Setting(0.1, 12, 3, 0.1, 1e4),
    Setting(0.05, 10, 3, 1, 1e5),
    Setting(0.1, 16, 4, 0.1, 1e4),
    Setting(0.05, 20, 4, 0.2, 1e6),
    Setting(0.1, 16, 1, 0.1, 3e3, "gain 0.2"),
    Setting(0.1, 16, 1, 0.1, 3e3, "gain 6"),
    Setting(0.05, 20, 2, 0.5, 1e4, "gain 6"),
    Setting(0.1, 16, 1, 0.1, 3e3, "overdispersed 1.3"),
    Setting(0.1, 16, 1, 0.1, 3e3, "overdispersed 3"),
    Setting(0.05, 16, 2, 0.2, 3e2, "overdispersed 3"),
    Setting(0.1, 16, 1, 0.1, 3e3, "counts/s"),
    Setting(0.1, 16, 1, 0.2, 30, "counts/s"),
    Setting(0.1, 40, 1, 0.1, 3e3, "counts/s, float32"),
    Setting(0.05, 12, 2, 0.2, 1e4, "counts/s, float32"),
    Setting(0.1, 16, 1, 0.5, 3e3, "floor"),
    Setting(0.05, 16, 1, 0.1, 3e3, "smoothed"),
    Setting(0.1, 16, 2, 0.5, 1e4, "smoothed"),
)


def spectra_of(setting: Setting, n: int, seed: int) -> tuple[xr.DataArray, xr.Dataset]:
    """Spectra and their truth, in the units of the spectra."""
    truth = setting.truth()
    signal = curves(truth).envelope.values
    rng = np.random.default_rng([seed, SETTINGS.index(setting)])
    counts, unit, attrs = NOISES[setting.noise](np.broadcast_to(signal, (n, signal.size)), rng)
    spectra = xr.DataArray(
        counts,
        dims=("spectrum", "energy"),
        coords={"energy": setting.energy},
        attrs={"scale": "binding", **attrs},
    )
    if setting.noise == "smoothed":  # which broadens the lines
        quiet = ndimage.convolve1d(signal, SMOOTHING, mode="nearest")
        quiet = xr.DataArray(quiet, dims="energy", coords={"energy": setting.energy})
        quiet = quiet.assign_attrs(spectra.attrs)
        return spectra, xpsnet.refine(quiet, truth, background="shirley", noise=1.0)
    scaled = {name: truth[name] * unit for name in ("height", "area")}
    return spectra, truth.assign(scaled)


def fitted(setting: Setting, spectra: xr.DataArray, *, alone: bool, given: bool) -> xr.Dataset:
    """The fit of all spectra."""
    options = {"neighbors": False, "follow": False, "noise": "each" if alone else None}
    if given:
        options |= {"n_peaks": setting.lines, "background": "shirley"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", xpsnet.XpsnetWarning)
        return xpsnet.fit(spectra, **options)


def judge(setting: Setting, peaks: xr.Dataset, truth: xr.Dataset) -> dict[str, float]:
    """Worst figures over all lines and parameters, and how many spectra count."""
    right = peaks.n_peaks.values == setting.lines
    peaks = peaks.isel(spectrum=right, peak=slice(0, setting.lines))
    found = {"spectra": int(right.sum()), "dof": float(np.median(peaks.dof_noise.values))}
    dof = np.minimum(peaks.dof_noise.values, 1e9)[:, None]
    unknown = []
    figures = {name: [] for name in GOOD}
    for name in PARAMETERS:
        error = peaks[f"{name}_stderr"].values
        pull = (peaks[name].values - truth[name].values) / error
        finite = np.isfinite(pull)
        unknown.append(100 * (1 - finite.mean()))
        spread = np.sqrt(dof / (dof - 2)) if (dof > 2).all() else np.nan
        for level, key in ((0.95, "in95"), (0.6827, "in68")):
            inside = np.abs(pull) <= stats.t.ppf((1 + level) / 2, dof)
            figures[key] += [100 * inside[finite[:, k], k].mean() for k in range(setting.lines)]
        scaled = pull / spread
        figures["ratio"] += [scaled[finite[:, k], k].std() for k in range(setting.lines)]
    found["no error [%]"] = max(unknown)
    for key, values in figures.items():
        worst = int(np.nanargmax(np.abs(np.array(values) - np.mean(GOOD[key]))))
        found[key] = values[worst]
        if key == "in95":
            found["of"] = PARAMETERS[worst // setting.lines]
    return found


def profiles(setting: Setting, spectra: xr.DataArray, peaks: xr.Dataset) -> Iterator[xr.Dataset]:
    """Profile intervals at 95 % of the spectra with the right number of lines, one by one."""
    right = np.flatnonzero(peaks.n_peaks.values == setting.lines)
    for row in right:
        one = peaks.isel(spectrum=row, peak=slice(0, setting.lines))
        if "noise_gain" not in one.attrs:
            one.attrs |= alone_noise(spectra[row], one)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield one.merge(xpsnet.confidence(spectra[row], one, level=0.95))


def alone_noise(spectrum: xr.DataArray, peaks: xr.Dataset) -> dict[str, float]:
    """The noise that `fit` found for a spectrum by itself."""
    again = xpsnet.refine(spectrum, peaks, background=peaks.attrs["background"])
    return {name: value for name, value in again.attrs.items() if name.startswith("noise_")}


def is_marked(found: list[xr.Dataset]) -> bool:
    """Whether profile intervals are not symmetric."""
    for name in PARAMETERS:
        half = np.array(
            [stats.t.ppf(0.975, min(p.dof_noise, 1e9)) * p[f"{name}_stderr"].values for p in found]
        )
        for side, sign in (("lower", -1), ("upper", 1)):
            ends = np.array([(p[f"{name}_{side}"] - p[name]).values for p in found])
            off = np.abs(ends - sign * half) / half
            off = np.where(np.isfinite(off), off, np.inf)  # an open end
            if (np.median(off, axis=0) > MARKED).any():
                return True
    return False


def judge_profiles(found: list[xr.Dataset], truth: xr.Dataset) -> dict[str, float | str]:
    """Share of profile intervals that hold the truth: the one farthest from 95 %."""
    shares = {}
    for name in PARAMETERS:
        low = np.array([np.nan_to_num(p[f"{name}_lower"].values, nan=-np.inf) for p in found])
        high = np.array([np.nan_to_num(p[f"{name}_upper"].values, nan=np.inf) for p in found])
        held = (low <= truth[name].values) & (truth[name].values <= high)
        for k, share in enumerate(100 * held.mean(axis=0)):
            shares[f"{name} {k + 1}"] = float(share)
    worst = max(shares, key=lambda key: abs(shares[key] - 95))
    return {"profiles": len(found), "profile in95": shares[worst], "profile of": worst}


def is_good(found: dict[str, float]) -> bool:
    """Whether all figures are what they should be; of marked settings that of the profiles.

    With few profiles, two standard errors of their share are allowed.
    """
    if "profiles" in found:
        low, high = GOOD["in95"]
        error = 2 * 100 * np.sqrt(0.05 * 0.95 / found["profiles"])
        return low - error <= found["profile in95"] <= high + error
    return all(low <= found[key] <= high for key, (low, high) in GOOD.items())


WAYS = (
    ("stack, given", {"alone": False, "given": True}),
    ("stack, default", {"alone": False, "given": False}),
    ("alone, given", {"alone": True, "given": True}),
    ("alone, default", {"alone": True, "given": False}),
)


def rows(
    n: int, chosen: list[int], seed: int = 0, n_profiles: int = 400
) -> Iterator[tuple[int, str, dict[str, float]]]:
    """Number of the setting, way of fitting, and figures."""
    for number in chosen:
        setting = SETTINGS[number - 1]
        spectra, truth = spectra_of(setting, n, seed)
        marked = None
        for way, options in WAYS:
            peaks = fitted(setting, spectra, **options)
            figures = judge(setting, peaks, truth)
            if marked is None:
                few = list(islice(profiles(setting, spectra, peaks), min(LOOKED_AT, n_profiles)))
                marked = bool(few) and is_marked(few)
            if marked:
                found = list(islice(profiles(setting, spectra, peaks), n_profiles))
                figures |= judge_profiles(found, truth)
            yield number, way, figures


def profile_text(figures: dict[str, float]) -> str:
    """What a marked setting adds to its line."""
    if "profiles" not in figures:
        return ""
    return (
        f"| {figures['profiles']} profiles: in95 {figures['profile in95']:.1f} "
        f"({figures['profile of']})"
    )


def markdown(found: list[tuple[int, str, dict[str, float]]]) -> str:
    """A table of all settings, the worst first: the one whose figures are farthest from right."""
    by_setting: dict[int, dict[str, dict[str, float]]] = {}
    for number, way, figures in found:
        by_setting.setdefault(number, {})[way] = figures
    lines = [
        "| | setting | " + " | ".join(way for way, _ in WAYS) + " |",
        "| ---: | --- |" + " --- |" * len(WAYS),
    ]
    for number in sorted(by_setting, key=lambda n: -max(map(off, by_setting[n].values()))):
        cells = [cell(by_setting[number][way]) for way, _ in WAYS if way in by_setting[number]]
        lines.append(f"| {number} | {SETTINGS[number - 1]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def off(figures: dict[str, float]) -> float:
    """How far the worst figure lies from the middle of its range, in halves of that range."""
    if "profiles" in figures:
        low, high = GOOD["in95"]
        return abs(figures["profile in95"] - (low + high) / 2) / ((high - low) / 2)
    ranges = GOOD.items()
    return max(
        abs(figures[key] - (low + high) / 2) / ((high - low) / 2) for key, (low, high) in ranges
    )


def cell(figures: dict[str, float]) -> str:
    """Figures of one way of fitting."""
    text = f"{figures['in95']:.1f} / {figures['in68']:.1f} / {figures['ratio']:.2f}"
    if "profiles" in figures:
        text = f"profile {figures['profile in95']:.1f} ({text})"
    return text if is_good(figures) else f"**{text}**"


def main(arguments: list[str] | None = None) -> list[tuple[int, str, dict[str, float]]]:
    """Print the figures of every setting and way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spectra", type=int, default=10_000)
    parser.add_argument("--settings", default="")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--profiles", type=int, default=400)
    parser.add_argument("--markdown", action="store_true", help="end with a table")
    chosen = parser.parse_args(arguments)
    numbers = [int(s) for s in chosen.settings.split(",") if s] or range(1, len(SETTINGS) + 1)
    found, begun = [], time.perf_counter()
    before = 0
    for number, way, figures in rows(chosen.spectra, list(numbers), chosen.seed, chosen.profiles):
        if number != before:
            print(f"{number:2d}  {SETTINGS[number - 1]}")
            before = number
        print(
            f"    {way:15s} {figures['spectra']:6d} spectra  in95 {figures['in95']:5.1f} "
            f"({figures['of']:6s})  in68 {figures['in68']:5.1f}  ratio {figures['ratio']:5.3f}  "
            f"no error {figures['no error [%]']:4.1f} %  dof {figures['dof']:8.0f}  "
            f"{profile_text(figures)}{'' if is_good(figures) else '  <--'}",
            flush=True,
        )
        found.append((number, way, figures))
    good = sum(is_good(figures) for _, _, figures in found)
    print(f"{good} of {len(found)} good, {time.perf_counter() - begun:.0f} s")
    if chosen.markdown:
        print(markdown(found))
    return found


if __name__ == "__main__":
    main()
