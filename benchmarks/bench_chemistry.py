"""Do areas become the right atoms, with the errors that are stated?

Questions, each a subcommand:

factors
    How far are the cross-sections of `xpsnet.quantify` (xraylib, relative to C 1s) from Scofield's
    published factors? And what do TPP-2M and JTP say of the exponent that stands for a mean free
    path? The published factors: J. H. Scofield, J. Electron Spectrosc. Relat. Phenom. 8, 129
    (1976), doi 10.1016/0368-2048(76)80015-1, as commonly cited, to three or four digits.
compounds
    Simulated compounds of known composition (`compound_spectra.py`: cross-sections, transmission,
    TPP-2M mean free paths, Shirley steps, Poisson noise, differing dwell times), through `fit` and
    `quantify`: how often is the truth within 1.96 stated errors, and how far is the mean off? The
    same cross-sections make and unmake the areas: what is tested is everything between them.
traces
    The same with little nitrogen: from what amount on does `fit` find a line, and how does that
    compare with the detection limit that `quantify` states?
measured
    Measured files whose answer is known: Avantage's own quantification (areas, factors, atomic
    percent), and a depth profile of SnO2 on Si.
map
    A simulated map of four regions that charges by 0 to 3 eV: fitted, calibrated per pixel by its
    own C 1s, quantified in one script. How much CPU time, and is it right afterwards?

    python benchmarks/bench_chemistry.py factors
    python benchmarks/bench_chemistry.py compounds [--spectra 200] [--line voigt] [--shape voigt]
    python benchmarks/bench_chemistry.py traces [--spectra 300]
    python benchmarks/bench_chemistry.py measured [--data FOLDER]
    python benchmarks/bench_chemistry.py map [--size 128] [--picture map.png]
"""

import argparse
import os
import time
import warnings
from pathlib import Path

import numpy as np
import xarray as xr
from bench_identify import simulated_survey
from compound_spectra import COMPOUNDS, LINES, MAP, Compound, Region, map_spectra, spectra_of

import xpsnet
from xpsnet.chemistry.cross_sections import scofield_factor
from xpsnet.chemistry.inelastic_mean_free_path import jtp, material_of, tpp2m
from xpsnet.data.level_names import parse_level

PUBLISHED = {
    1486.6: {
        "Li 1s": 0.0568, "Be 1s": 0.1947, "B 1s": 0.486, "N 1s": 1.80, "O 1s": 2.93, "F 1s": 4.43,
        "Ne 1s": 6.30, "Na 1s": 8.52, "Mg 1s": 11.18, "Mg 2s": 0.575, "Mg 2p": 0.334,
        "Al 2s": 0.753, "Al 2p": 0.537, "Si 2s": 0.955, "Si 2p": 0.817, "Si 2p3/2": 0.541,
        "Si 2p1/2": 0.276, "P 2s": 1.18, "P 2p": 1.192, "S 2s": 1.43, "S 2p": 1.677, "Cl 2s": 1.69,
        "Cl 2p": 2.285, "K 2p3/2": 2.62, "Ca 2p": 5.07, "Ca 2p3/2": 3.35, "Ti 2p": 7.91,
        "Ti 2p3/2": 5.22, "V 2p": 9.66, "V 2p3/2": 6.37, "Cr 2p3/2": 7.69, "Mn 2p": 13.91,
        "Mn 2p3/2": 9.17, "Fe 2p": 16.42, "Fe 2p3/2": 10.82, "Co 2p": 19.16, "Co 2p3/2": 12.62,
        "Ni 2p": 22.18, "Ni 2p3/2": 14.61, "Cu 2p": 25.39, "Cu 2p3/2": 16.73, "Zn 2p": 28.72,
        "Zn 2p3/2": 18.92, "Zr 3d5/2": 4.17, "Mo 3d5/2": 5.62, "Pd 3d5/2": 9.48, "Ag 3d": 18.04,
        "Ag 3d5/2": 10.66, "In 3d5/2": 13.32, "Sn 3d5/2": 14.80, "Au 4f": 17.12, "Au 4f7/2": 9.58,
    },
    1253.6: {
        "N 1s": 1.77, "O 1s": 2.85, "F 1s": 4.26, "Na 1s": 7.99, "Si 2p": 0.865, "Cl 2p": 2.36,
    },
}  # fmt: skip
ELEMENTS = ("C", "Al", "Si", "Ti", "Fe", "Cu", "Ga", "Ag", "In", "Hf", "Ta", "W", "Au", "Bi")
ENDS = np.array([300.0, 1400.0])  # eV, between which the exponent of the mean free path is taken


def factors(_: argparse.Namespace) -> None:
    """Cross-sections beside published factors, and the exponents of mean free paths."""
    print(
        "| level | photon energy [eV] | published | here | difference [%] |\n" + "| --- " * 5 + "|"
    )
    differences = []
    for energy, table in PUBLISHED.items():
        for name, value in table.items():
            level = parse_level(name)
            assert level is not None
            found = scofield_factor(level, energy)
            differences.append(100 * (found / value - 1))
            print(f"| {name} | {energy:g} | {value:g} | {found:.4g} | {differences[-1]:+.2f} |")
    worst = np.abs(differences)
    print(
        f"\n{worst.size} factors: largest difference {worst.max():.2f} %, median "
        f"{np.median(worst):.2f} %, below 1 %: {(worst < 1).sum()}"
    )
    materials = [material_of({"formula": element}) for element in ELEMENTS]
    materials += [material_of(one.material) for one in COMPOUNDS.values() if one.formula != "C2F4"]
    slopes = []
    print("\n| material | TPP-2M at 1000 eV [nm] | JTP [nm] | exponents |\n" + "| --- " * 4 + "|")
    for material in materials:
        both = [
            float(np.diff(np.log(path(ENDS, material)))[0] / np.diff(np.log(ENDS))[0])
            for path in (tpp2m, jtp)
        ]
        slopes += both
        at = [float(path(1000.0, material)) for path in (tpp2m, jtp)]
        print(f"| {material.formula} | {at[0]:.2f} | {at[1]:.2f} | {both[0]:.3f}, {both[1]:.3f} |")
    print(
        f"\nexponents: mean {np.mean(slopes):.3f}, standard deviation {np.std(slopes):.3f}, "
        f"{min(slopes):.3f} to {max(slopes):.3f}"
    )


def compounds(chosen: argparse.Namespace) -> None:
    """Simulated compounds: bias and coverage of the atomic fractions."""
    rng = np.random.default_rng(chosen.seed)
    print(
        "| compound | level | truth [at.%] | mean - truth | mean error | scatter | within 1.96 "
        "errors [%] | usable |\n" + "| --- " * 8 + "|"
    )
    inside = []
    biases = []
    for name, compound in COMPOUNDS.items():
        flux = np.exp(rng.uniform(np.log(3e3), np.log(1e5), chosen.spectra))
        fits = [
            xpsnet.fit(one, neighbors=False, follow=False, line_shape=chosen.shape or chosen.line)
            for one in spectra_of(compound, flux, rng, chosen.line)
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", xpsnet.XpsnetWarning)
            found = xpsnet.quantify(fits, imfp="tpp2m", material=compound.material)
        for level, truth in compound.fractions.items():
            row = found.sel(region=[one for one in found.region.values if level in one]).isel(
                region=0
            )
            value, stderr = (
                100 * row[k].values for k in ("atomic_fraction", "atomic_fraction_stderr")
            )
            good = np.isfinite(value) & np.isfinite(stderr)
            off = value[good] - 100 * truth
            within = np.abs(off) <= 1.96 * stderr[good]
            inside.append(within)
            biases.append(off.mean())
            print(
                f"| {name} | {level} | {100 * truth:.2f} | {off.mean():+.3f} | "
                f"{stderr[good].mean():.3f} | {off.std():.3f} | {100 * within.mean():.1f} | "
                f"{good.sum()} of {good.size} |"
            )
    together = np.concatenate(inside)
    print(
        f"\nall: within 1.96 errors {100 * together.mean():.1f} % of {together.size}; largest bias "
        f"{np.abs(biases).max():.3f} at.%"
    )


def traces(chosen: argparse.Namespace) -> None:
    """A trace of nitrogen in a polymer, around its detection limit."""
    rng = np.random.default_rng(chosen.seed)
    print(
        "| N [at.%] | detection limit | truth / limit | found [%] | mean found | stated error | "
        "within 1.96 errors [%] |\n" + "| --- " * 7 + "|"
    )
    for share in (1e-9, 0.0025, 0.005, 0.01, 0.02):
        regions = Region("C 1s", ((284.8, 1 - share),), 1.2), Region("N 1s", ((399.8, share),), 1.3)
        polymer = Compound("C10H8O4", 1.38, 7.0, regions)
        spectra = spectra_of(polymer, np.full(chosen.spectra, 3e3), rng, "pseudo_voigt")
        seconds = [one.attrs["dwell_time"] * one.attrs["n_scans"] for one in spectra]
        fits = [xpsnet.fit(one, neighbors=False, follow=False) for one in spectra]
        found = xpsnet.quantify(fits, imfp="tpp2m", material=polymer.material).sel(region="N 1s")
        value, stderr, limit = (
            100 * found[name].values
            for name in ("atomic_fraction", "atomic_fraction_stderr", "detection_limit")
        )
        there = value > 0
        mean = value[there].mean() if there.any() else np.nan
        inside = np.abs(value - 100 * share) <= 1.96 * stderr
        print(
            f"| {100 * share:.2f} ({seconds[1]:g} s) | {np.nanmedian(limit):.3f} | "
            f"{100 * share / np.nanmedian(limit):.1f} | {100 * there.mean():.1f} | {mean:.3f} | "
            f"{np.nanmean(stderr):.3f} | {100 * inside.mean():.1f} |"
        )


def measured(chosen: argparse.Namespace) -> None:
    """Measured files with a known answer."""
    warnings.simplefilter("ignore", xpsnet.XpsnetWarning)
    fits = xpsnet.read_fit(chosen.data / "thermo" / "1.xls")
    theirs = np.array([float(fit.atomic_percent[0]) for fit in fits])
    areas = [fit.assign(area=fit.vendor_area) for fit in fits]
    names = [fit.attrs["region"] for fit in fits]
    rows: dict[str, xr.Dataset] = {
        "vendor's areas and factors, E^0.71": xpsnet.quantify(
            areas, rsf="file", photon_energy=1486.68
        ),
        "the same, TPP-2M in PET": xpsnet.quantify(
            areas, rsf="file", photon_energy=1486.68, imfp="tpp2m",
            material=COMPOUNDS["PET"].material,
        ),
        "vendor's areas, Scofield": xpsnet.quantify(areas, photon_energy=1486.68),
    }  # fmt: skip
    spectra = [
        xpsnet.read_one(chosen.data / "thermo" / "1.xls", region=name, photon_energy=1486.68)
        for name in names
    ]
    own = [xpsnet.fit(one) for one in spectra]
    mapping = {
        name: float(fit.sensitivity_factor[0]) for name, fit in zip(names, fits, strict=True)
    }
    rows["own fits, vendor's factors"] = xpsnet.quantify(own, rsf=mapping, rsf_kind="cross-section")
    print("thermo/1.xls, atomic percent:\n")
    print(
        "| way | "
        + " | ".join(names)
        + " | largest difference |\n"
        + "| --- " * (len(names) + 2)
        + "|"
    )
    print("| Avantage | " + " | ".join(f"{value:.2f}" for value in theirs) + " | |")
    for way, found in rows.items():
        values = 100 * found.atomic_fraction.values
        cells = " | ".join(f"{value:.2f}" for value in values)
        print(f"| {way} | {cells} | {np.abs(values - theirs).max():.2f} |")
    profile = [
        xpsnet.read_one(chosen.data / "phi" / "SnO2_10nm_1.pro", region=name)
        for name in ("C 1s", "Si 2p", "Sn 3d5/2")
    ]
    found = xpsnet.quantify([xpsnet.fit(one) for one in profile])
    print("\nphi/SnO2_10nm_1.pro, atomic percent without O (no O 1s in the file):\n")
    print(
        "| etch time | " + " | ".join(map(str, found.region.values)) + " |\n" + "| --- " * 4 + "|"
    )
    for k in range(found.sizes["etch_time"]):
        one = found.isel(etch_time=k)
        cells = [
            f"{100 * v:.1f} +- {100 * e:.1f} (+- {100 * s:.1f})"
            for v, e, s in zip(
                one.atomic_fraction.values,
                one.atomic_fraction_stderr.values,
                one.atomic_fraction_systematic.values,
                strict=True,
            )
        ]
        print(f"| {float(one.etch_time):.2f} | " + " | ".join(cells) + " |")


def whole_map(chosen: argparse.Namespace) -> None:
    """A charging map of four regions: identified, fitted, calibrated per pixel, quantified."""
    rng = np.random.default_rng(chosen.seed)
    spectra, truth, charge = map_spectra(chosen.size, 2e3, rng)
    shares = {parse_level(str(one)).element: float(truth.sel(region=one).mean())
              for one in truth["region"].values}  # fmt: skip
    survey = simulated_survey(rng, len(shares), 1e5, shares).spectrum
    begun, seconds = time.process_time(), {}

    def took(what: str) -> None:
        nonlocal begun
        seconds[what] = time.process_time() - begun
        begun = time.process_time()

    candidates = xpsnet.identify(survey)
    took("identify a survey of the whole area")
    carbon = xpsnet.fit(spectra[0])
    took("fit C 1s")
    fits = [xpsnet.calibrate(carbon, line="C 1s", state=1, per_spectrum=True)]
    shift = fits[0]["charge_shift"]
    took("calibrate")
    for one in spectra[1:]:
        fits.append(xpsnet.fit(one.xps.set_charge_shift(shift)))
        took(f"fit {one.name}")
    found = xpsnet.quantify(fits, imfp="tpp2m", material=MAP.material)
    took("quantify")
    off = 100 * (found.atomic_fraction.values - truth.sel(region=found.region).values)
    within = np.abs(off) <= 196 * found.atomic_fraction_stderr.values
    known = np.isfinite(off)
    errors = (shift - charge).values
    stderr = fits[0]["charge_shift_stderr"].values
    print("| step | CPU time [s] |\n| --- | --- |")
    for what, time_taken in {**seconds, "all": sum(seconds.values())}.items():
        print(f"| {what} | {time_taken:.1f} |")
    print(
        f"\n{chosen.size} x {chosen.size}: charge shifts off by {errors.mean():+.4f} +- "
        f"{errors.std():.4f} eV, within 2 errors {100 * (np.abs(errors) < 2 * stderr).mean():.1f} %"
    )
    named = ", ".join(map(str, candidates["element"].values))
    print(f"candidates of the survey: {named}; in the map: {', '.join(shares)}")
    print("\n| level | bias [at.%] | scatter | within 1.96 errors [%] | without a value |")
    print("| --- " * 5 + "|")
    for k, name in enumerate(found.region.values):
        one = off[..., k][known[..., k]]
        inside = 100 * within[..., k][known[..., k]].mean()
        print(
            f"| {name} | {one.mean():+.3f} | {one.std():.3f} | {inside:.1f} | "
            f"{(~known[..., k]).sum()} |"
        )
    if chosen.picture:
        found.xps.plot_map().savefig(chosen.picture, dpi=120)


def main() -> None:
    """Run one of the questions."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    questions = parser.add_subparsers(required=True)
    questions.add_parser("factors").set_defaults(run=factors)
    simulated = questions.add_parser("compounds")
    simulated.add_argument("--spectra", type=int, default=200)
    simulated.add_argument("--line", choices=LINES, default="pseudo_voigt")
    simulated.add_argument("--shape", choices=LINES, help="of the fit (default: that of --line)")
    simulated.add_argument("--seed", type=int, default=1)
    simulated.set_defaults(run=compounds)
    small = questions.add_parser("traces")
    small.add_argument("--spectra", type=int, default=300)
    small.add_argument("--seed", type=int, default=7)
    small.set_defaults(run=traces)
    mapped = questions.add_parser("map")
    mapped.add_argument("--size", type=int, default=128)
    mapped.add_argument("--seed", type=int, default=1)
    mapped.add_argument("--picture", type=Path)
    mapped.set_defaults(run=whole_map)
    real = questions.add_parser("measured")
    default = os.environ.get("XPSNET_REAL_DATA", "../shared/data")
    real.add_argument("--data", type=Path, default=Path(default))
    real.set_defaults(run=measured)
    chosen = parser.parse_args()
    chosen.run(chosen)


if __name__ == "__main__":
    main()
