"""Candidate elements of surveys, and the charge reference of every pixel of a map.

    python benchmarks/bench_identify.py measured
    python benchmarks/bench_identify.py simulated [--n 40] [--seed 7]
    python benchmarks/bench_identify.py calibration [--size 24]
    python benchmarks/bench_identify.py picture [--out docs/images/survey.png]

`measured`: are the elements whose regions a file holds among the candidates of its survey, and how
many candidates are elements that nobody finds there? The files are looked for where
XPSNET_REAL_DATA points, else in ../shared/data beside the checkout. What else a file holds is
stated in `ALSO`, from its name, its text or its sample.

`simulated`: surveys of 3 to 8 elements at five noise levels. The simulation shares with the library
the tables of energies, the cross-sections of xraylib and the formula for Auger lines. All else is
its own: areas scatter by 25 %, energies by 0.4 eV, those of Auger lines by 50 % and 2.5 eV, the
transmission is another power of the kinetic energy each time, each element has its chemical shift,
lines have their natural widths, electrons lose energy by Tougaard's universal cross-section, carbon
may lie on top, half of the sources has satellites, and the sample charges by up to 4 eV. An element
counts as visible where its highest line is eight standard deviations of the mean noise within its
width high.

`calibration`: a map of C 1s spectra that charges by 0 to 3 eV: are the shifts within two of their
standard errors, and is the first state in place afterwards?
"""

import argparse
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import xpsnet
from xpsnet.chemistry.survey_lines import IDENTIFIABLE
from xpsnet.constants import SATELLITES
from xpsnet.data.level_names import parse_level
from xpsnet.data.level_tables import DEFAULT_SHIFTS, ELEMENTS, LANTHANIDES, SHIFTS

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("XPSNET_REAL_DATA", ROOT.parent / "shared" / "data"))
# Elements of the sample besides those of the regions: no false candidates.
ALSO = {
    "phi/SnO2_10nm_1.pro": "O",
    "specs/In-situ_PBTTT_XPS_SPECS.xml": "S O F N",  # the polymer, and an imide as electrolyte
    "specs/MgFe2O4_small.xy": "Mg O C",
    "vamas/irregular.vms": "Mg Fe O C",  # the survey of MgFe2O4_small.xy
    "vamas/0-150W.vms": "N",  # a maximum at 399 eV in every scan
    "vamas/multiplex.vms": "C",
}
# The axis of this file runs the wrong way (the highest background at the lowest binding energy).
REVERSED = "vamas/xps_eis.vms"
# Of a region, a line this many standard deviations high is there.
LINE = 8.0

VISIBLE = 8.0
NOISE_LEVELS = (300.0, 1e3, 1e4, 1e5, 1e6)  # counts at the highest point
COMMON = [
    "N",
    "F",
    "Na",
    "Mg",
    "Al",
    "Si",
    "P",
    "S",
    "Cl",
    "K",
    "Ca",
    "Ti",
    "V",
    "Cr",
    "Mn",
    "Fe",
    "Co",
    "Ni",
    "Cu",
    "Zn",
]
RARE = ["Pm", "Tc", "Kr", "Xe", "Ar", "Th", "U", "Be", "Os", "Tl"]
OTHERS = [one for one in IDENTIFIABLE if one not in [*COMMON, *RARE, "C", "O", *LANTHANIDES]]
LOSS_B, LOSS_C = 2866.0, 1643.0  # [eV2] S. Tougaard, Surf. Interface Anal. 11, 453 (1988)


@dataclass(frozen=True)
class Survey:
    """A simulated survey, the shares of its elements, and which of them can be seen."""

    spectrum: xr.DataArray
    shares: dict[str, float]
    visible: set[str]
    shift: float


def subshells(element: str, photon_energy: float) -> Iterator[tuple[str, float, float, float]]:
    """Name, energy [eV], cross-section of the atom and natural width [eV] of each subshell."""
    from xpsnet.chemistry.survey_lines import _cross_section, _level_energy
    from xpsnet.data.level_tables import ENERGIES
    from xpsnet.data.levels import core_level

    number = ELEMENTS.index(element) + 1
    for subshell in ENERGIES:
        energy = _level_energy(number, subshell)
        known = core_level(f"{element} {subshell[:2]}")
        if energy is None or known is None or photon_energy - energy < 20.0:
            continue
        section = _cross_section(element, subshell, photon_energy)
        yield subshell, energy, section, known.natural_width


def drawn_elements(rng: np.random.Generator, n: int) -> dict[str, float]:
    """Elements with their shares of the atoms, 3 to 60 %."""
    names = [one for one, chance in (("O", 0.85), ("C", 0.85)) if rng.random() < chance]
    while len(names) < n:
        pool = COMMON if rng.random() < 0.6 else OTHERS
        name = str(rng.choice(pool))
        if name not in names:
            names.append(name)
    shares = rng.dirichlet(np.full(n, 1.5))
    shares = 0.03 + (1 - 0.03 * n) * shares
    return dict(zip(names, shares.tolist(), strict=True))


def simulated_survey(
    rng: np.random.Generator, n: int, top: float, shares: dict[str, float] | None = None
) -> Survey:
    """A survey of n elements whose highest point has so many counts; of these, where given."""
    photon_energy = float(rng.choice([1486.6, 1486.6, 1253.6]))
    step = float(rng.choice([0.5, 0.8, 1.0]))
    binding = np.arange(-5.0, min(photon_energy - 100.0, 1350.0), step)
    shares = shares or drawn_elements(rng, n)
    power, layer = rng.uniform(0.1, 1.1), rng.uniform(0.0, 1.0)
    shift = float(rng.uniform(-4.0, 4.0))
    width = rng.uniform(1.2, 2.4)
    mono = photon_energy > 1300 and rng.random() < 0.66
    primary, tops = np.zeros_like(binding), dict.fromkeys(shares, (0.0, 0.0, 1.0))
    for element, share in shares.items():
        low, high = SHIFTS.get(element, DEFAULT_SHIFTS)
        usual = {"C": (0.3, 0.4), "O": (0.5, 1.0)}.get(element)
        chemical = rng.normal(*usual) if usual else rng.triangular(low, 0.2 * high, high)
        for _, energy, section, natural in subshells(element, photon_energy):
            kinetic = photon_energy - energy
            at = energy + shift + chemical + rng.normal(0.0, 0.4)
            area = share * section * (kinetic / 1000.0) ** power * np.exp(rng.normal(0.0, 0.25))
            if element != "C":
                area *= np.exp(-layer / (kinetic / 1000.0) ** 0.7)
            line = voigt(binding - at, width, natural)
            primary += area * line
            if area * line.max() > tops[element][0]:
                tops[element] = area * float(line.max()), at, width + natural
    if not mono:
        primary = with_satellites(binding, primary, "Al Ka" if photon_energy > 1300 else "Mg Ka")
    for element, share in shares.items():  # they have no satellites
        for at, area, broad in auger(element, photon_energy, power, rng):
            primary += share * area * voigt(binding - at - shift, broad, 2.0)
    spectrum = with_losses(primary, step)
    spectrum += spectrum.max() * (0.02 + 0.1 * (binding + 5) / 1300 * rng.random())
    scale = top / spectrum.max()
    counts = rng.poisson(scale * spectrum).astype(float)
    visible = set()
    for element, (height, at, fwhm) in tops.items():
        level = scale * float(np.interp(at, binding, spectrum))
        inside = binding[0] + 3 < at < binding[-1] - 3
        if inside and scale * height > VISIBLE * np.sqrt(level / max(fwhm / step, 1.0)):
            visible.add(element)
    attrs: dict[str, Any] = {"scale": "binding", "photon_energy": photon_energy}
    attrs["x_ray_source"] = "Al mono" if mono else ("Al" if photon_energy > 1300 else "Mg")
    array = xr.DataArray(counts, {"energy": binding}, ["energy"], "survey", attrs)
    return Survey(array, shares, visible, shift)


def voigt(x: np.ndarray, gaussian: float, lorentzian: float) -> np.ndarray:
    """Line of unit area."""
    from scipy.special import voigt_profile

    return np.asarray(voigt_profile(x, gaussian / 2.3548, lorentzian / 2))


def auger(
    element: str, photon_energy: float, power: float, rng: np.random.Generator
) -> Iterator[tuple[float, float, float]]:
    """Place, area and width of Auger lines, with random errors of both."""
    from xpsnet.chemistry.survey_lines import survey_lines

    for line in survey_lines(element, photon_energy):
        if line.kind == "auger":
            factor = np.exp(rng.normal(0.3, 0.5))
            yield line.energy + rng.normal(0, 2.5), line.strength * factor, rng.uniform(3.0, 7.0)


def with_satellites(binding: np.ndarray, primary: np.ndarray, source: str) -> np.ndarray:
    """The spectrum of all lines of the source."""
    total = primary.copy()
    for line in SATELLITES[source]:
        total += line.height * np.interp(binding + line.shift, binding, primary, right=0.0)
    return total


def with_losses(primary: np.ndarray, step: float) -> np.ndarray:
    """Spectrum with its inelastic background."""
    loss = step * np.arange(primary.size)
    kernel = step * LOSS_B * loss / (LOSS_C + loss**2) ** 2
    total = primary.copy()
    for _ in range(8):
        total = primary + np.convolve(total, kernel)[: primary.size]
    return total


def simulated(n: int, seed: int) -> list[dict[str, Any]]:
    """Recall and false candidates at each noise level."""
    rows = []
    for top in NOISE_LEVELS:
        rng = np.random.default_rng(seed)
        all_, found, seen, found_seen, false, off, seconds = 0, 0, 0, 0, 0, [], 0.0
        for k in range(n):
            survey = simulated_survey(rng, 3 + k % 6, top)
            start = time.process_time()
            result = xpsnet.identify(survey.spectrum)
            seconds += time.process_time() - start
            names = set(result["element"].values.tolist())
            true = set(survey.shares)
            all_, found = all_ + len(true), found + len(true & names)
            seen, found_seen = seen + len(survey.visible), found_seen + len(survey.visible & names)
            false += len(names - true)
            if np.isfinite(float(result["shift"])):
                error = float(result["shift"]) - survey.shift
                off.append(error / float(result["shift_stderr"]))
            DETAILS.append((top, sorted(true), sorted(true - names), sorted(names - true), survey))
        rows.append(
            {
                "counts": top,
                "recall": found / all_,
                "recall_visible": found_seen / max(seen, 1),
                "false": false / n,
                "shift_within_2": float(np.mean(np.abs(off) < 2)),
                "seconds": seconds / n,
            }
        )
    return rows


DETAILS: list[Any] = []


def measured() -> list[dict[str, Any]]:
    """Recall and false candidates of every survey of the measured files."""
    rows = []
    for path in sorted(DATA.rglob("*")):
        name = path.relative_to(DATA).as_posix()
        if not path.is_file():
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                regions = xpsnet.read(path)
            except (ValueError, OSError):
                continue
        for survey in regions:
            if np.ptp(survey["energy"].values) < 300:
                continue
            wanted = wanted_elements(regions, survey)
            lead = [dim for dim in survey.dims if dim != "energy"]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = xpsnet.identify(survey)
            for k in range(int(np.prod([survey.sizes[dim] for dim in lead]))):
                one = result.isel(dict.fromkeys(lead, k))
                names = {
                    str(element)
                    for element in one["element"].values
                    if float(one["probability"].sel(element=element)) >= 0.5
                }
                true = wanted[k]
                known = {level for own in wanted for level in own} | {*ALSO.get(name, "").split()}
                rows.append(
                    {
                        "file": name + (f" {k + 1}" if lead else ""),
                        "wanted": sorted(true),
                        "candidates": sorted(names),
                        "missing": sorted(true - names),
                        "false": sorted(names - known) if name != REVERSED else None,
                    }
                )
    return rows


def wanted_elements(regions: Sequence[xr.DataArray], survey: xr.DataArray) -> list[set[str]]:
    """Elements whose own region in the file shows a line, for every spectrum of the survey."""
    from xpsnet.chemistry.survey_peaks import find_survey_peaks

    lead = [dim for dim in survey.dims if dim != "energy"]
    n = int(np.prod([survey.sizes[dim] for dim in lead]))
    wanted: list[set[str]] = [set() for _ in range(n)]
    for region in regions:
        level = parse_level(str(region.name or ""))
        if level is None:
            continue
        binding = xpsnet.to_binding(region).sortby("energy")
        counts = binding.values.reshape(-1, binding.sizes["energy"]).astype(float)
        if len(counts) != n:
            counts = np.repeat(counts.mean(axis=0, keepdims=True), n, axis=0)
        for k, row in enumerate(counts):
            peaks = find_survey_peaks(binding["energy"].values, row)
            if peaks.significance.max(initial=0.0) > LINE:
                wanted[k].add(level.element)
    return wanted


def calibration(size: int, seed: int) -> dict[str, float]:
    """Charge reference per spectrum of a map that charges by 0 to 3 eV."""
    from xpsnet.samples import sample_truth

    truth = sample_truth("spectrum")
    energy = np.arange(294.0, 278.0, -0.1)
    curve = xpsnet.curves(truth, np.arange(300.0, 270.0, -0.01))["envelope"]
    fine, envelope = curve["energy"].values[::-1], curve.values[::-1]
    rng = np.random.default_rng(seed)
    true = np.linspace(0.0, 3.0, size)[:, None] + rng.uniform(0.0, 0.05, (size, size))
    counts = np.stack([np.interp(energy - one, fine, envelope) for one in true.ravel()])
    counts = rng.poisson(counts).reshape(size, size, -1).astype(float)
    charged = xr.DataArray(
        counts, {"energy": energy}, ["y", "x", "energy"], "C 1s", {"scale": "binding"}
    )
    start = time.process_time()
    fixed = xpsnet.calibrate(charged)
    seconds = time.process_time() - start
    maximum = float(fine[np.argmax(envelope)]) - 284.8
    off = fixed["charge_shift"].values - (true + maximum)
    within = np.abs(off) < 2 * fixed["charge_shift_stderr"].values
    options: dict[str, Any] = {"n_peaks": truth.sizes["peak"], "background": "shirley+linear"}
    peaks = xpsnet.fit(fixed, **options)
    # By the exact line: the first state of the fit of the charged spectra.
    exact = xpsnet.calibrate(charged, peaks=xpsnet.fit(charged, **options), state=1)
    exact_off = exact["charge_shift"].values - true - (float(truth["center"][0]) - 284.8)
    first = peaks["center"].isel(peak=0).values
    return {
        "within_2_errors": float(within.mean()),
        "rms_eV": float(np.sqrt(np.mean(off**2))),
        "fit_within_2_errors": float(
            (np.abs(exact_off) < 2 * exact["charge_shift_stderr"].values).mean()
        ),
        "fit_rms_eV": float(np.sqrt(np.mean(exact_off**2))),
        "first_state_spread_eV": float(np.nanstd(first)),
        "spectra_per_s": size * size / seconds,
    }


def picture(path: Path, seed: int) -> None:
    """Figure of a simulated survey with the names of its candidates."""
    shares = {"O": 0.5, "C": 0.15, "Ti": 0.2, "Na": 0.05, "Zn": 0.1}
    survey = simulated_survey(np.random.default_rng(seed), 5, 1e5, shares).spectrum
    xpsnet.plot(survey, xpsnet.identify(survey), size=(9, 4.5)).savefig(path, dpi=110)
    print(f"wrote {path}")


def main(arguments: Sequence[str] | None = None) -> Any:
    """Run one part and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("part", choices=["measured", "simulated", "calibration", "picture"])
    parser.add_argument("--n", type=int, default=40, help="surveys at each noise level")
    parser.add_argument("--size", type=int, default=24, help="pixels on a side of the map")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images" / "survey.png")
    chosen = parser.parse_args(arguments)
    if chosen.part == "picture":
        return picture(chosen.out, chosen.seed)
    if chosen.part == "measured":
        rows = measured()
        for row in rows:
            print(*(f"{name}={value}" for name, value in row.items()), sep="  ")
        n_wanted = sum(len(row["wanted"]) for row in rows)
        n_missing = sum(len(row["missing"]) for row in rows)
        judged = [row for row in rows if row["false"] is not None]
        n_false = sum(len(row["false"]) for row in judged)
        if rows:
            print(
                f"{n_wanted - n_missing} of {n_wanted} elements are candidates; "
                f"{n_false / len(judged):.2f} false candidates a survey ({len(judged)} surveys)"
            )
        return rows
    if chosen.part == "simulated":
        rows = simulated(chosen.n, chosen.seed)
        for row in rows:
            print(*(f"{name}={value:.3g}" for name, value in row.items()), sep="  ")
        return rows
    found = calibration(chosen.size, chosen.seed)
    print(*(f"{name}={value:.4g}" for name, value in found.items()), sep="\n")
    return found


if __name__ == "__main__":
    main()
