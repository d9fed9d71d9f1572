"""Measured spectra with a fit by hand: predicted, refined and hand-fitted curves side by side.

Question: do `xpsnet.predict` and `xpsnet.fit`, left to themselves, end where a person did?
Baseline: the fits that came with the files (Igor Pro, CasaXPS, KherveFitting). Equal on both sides:
the spectra and the energy range. Not equal: the line shapes (ours are pseudo-Voigt) and the
backgrounds (ours are fitted with the peaks, a person's were drawn before).

The measured files are not part of this repository: they are looked for where XPSNET_REAL_DATA
points, else in ../shared/data beside the checkout.

    python benchmarks/real_data.py [--out docs]
"""

import argparse
import json
import os
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import xpsnet
from xpsnet.data.spectrum import make_spectrum

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("XPSNET_REAL_DATA", ROOT.parent / "shared" / "data"))
COLORS = ["tab:blue", "tab:orange", "tab:green", "tab:purple", "tab:brown", "tab:pink"]
STATES = ("state 1", "state 2", "state 3")

PAGE = """# Measured spectra

Spectra that came with a fit by hand, and the same spectra predicted (the network alone) and fitted
(`xpsnet.fit`), with no option set but the energy range. Written by `benchmarks/real_data.py` with
napari-xpsnet {version}, model `default` {model}. RMS: root mean square of data minus envelope.

What to see: P3HT comes out as by hand, as one doublet. Of the metals, the lines are asymmetric, and
`fit` finds that by itself: Au 4f is one doublet beside that of Ba 4d, and Fe 2p two, as by hand. On
Pt 4f weak states are added to the one doublet (a tenth of the area together), which nobody
would call states: over this wide window they stand for losses and for what the background misses.
On ITO three lines are found as by hand, at other places and with a smaller residual: the data do
not say which are right.

{sections}
## Oxidation of GaN, 16 scans

O 1s of GaN while it oxidizes (NIMS, through yharada520/xps-peakfit), fitted as one stack. Three
lines 1.1 eV apart and 1.5 eV wide are not determined by one scan: left to itself, `fit` finds as
many as each scan tells (last column). So the summed spectrum of the scans says what the states are,
with one width for all, and every scan is refined from there, its centers within 0.15 eV of the
states and its width within 7 %:

```python
shared = ("fraction", "fwhm")
states = xpsnet.fit(stack[3:].mean("scan", keep_attrs=True), n_peaks=3, shared=shared)
center, width = states.center.values, float(states.fwhm[0])
limits = {{f"center_{{k + 1}}": (center[k] - 0.15, center[k] + 0.15) for k in range(3)}}
limits |= {{"fwhm": (0.93 * width, 1.07 * width), "fraction": float(states.fraction[0])}}
peaks = xpsnet.refine(stack, states, shared=shared, constraints=limits)
```

The third scan (number 2 here, 0015 of the files) was stored rescaled to a maximum of 10,000 and
over a shorter range; its shares lie between those of its neighbors. The first scan has a narrower
line elsewhere, which these states do not describe: its maximum is missed, its shares mean little.
Centers at the end of their range have no error bar.

![Series](images/real/series.png)

*Left: center, FWHM and share of the area of each state, with standard errors. Right: four of the 16
scans with their fit; number 2 is the rescaled one.*

{series}
"""


@dataclass
class Case:
    """One measured spectrum and its fit by hand."""

    name: str
    title: str
    note: str
    spectrum: xr.DataArray  # on the binding scale
    energy: np.ndarray  # of the hand fit [eV]
    background: np.ndarray
    components: list[np.ndarray]  # without background
    numbers: list[tuple[float, float, float]]  # center [eV], FWHM [eV], area


def paper(name: str, title: str, n: int, numbers: list[tuple[float, float, float]]) -> Case:
    """One of the paper's spectra."""

    def column(what: str) -> tuple[np.ndarray, np.ndarray]:
        energy, values = np.loadtxt(DATA / "paper" / f"{name}_{what}.txt").T
        return energy, values

    energy, counts = column("exp")
    background = column("bg")[1]
    components = [column(f"p{i + 1}")[1] - background for i in range(n)]
    spectrum = make_spectrum(counts, energy, scale="binding", name=title)
    note = "Park et al. (2020), by hand in Igor Pro."
    return Case(name, title, note, spectrum, energy, background, components, numbers)


def casa(file: str, title: str, note: str) -> Case:
    """A file with a fit in CasaXPS."""
    spectrum = xpsnet.read_one(DATA / file, region=0)
    (peaks,) = xpsnet.read_fit(DATA / file, region=0)
    low, high = sorted(peaks["energy"].values[[0, -1]])
    spectrum = xpsnet.crop(spectrum, (low, high))
    drawn = xpsnet.curves(peaks)
    energy, center = drawn["energy"].values, peaks["center"].values
    if peaks.attrs["scale"] == "kinetic":
        photons = float(spectrum.attrs["photon_energy"])
        energy, center = photons - energy, photons - center
        spectrum = xpsnet.to_binding(spectrum)
    numbers = zip(center, peaks["fwhm"].values, peaks["area"].values, strict=True)
    components = list(drawn["component"].transpose("peak", "energy").values)
    background = drawn["background"].values
    name = Path(file).stem
    ordered = sorted((float(c), float(w), float(a)) for c, w, a in numbers)
    return Case(name, title, note, spectrum, energy, background, components, ordered)


def platinum() -> Case:
    """Pt 4f with the fit of KherveFitting, whose curves are stored beside it."""
    fitted = json.loads((DATA / "vamas" / "Pt4f.json").read_text())["Core levels"]["Pt4f1"]
    energy, counts = np.array(fitted["B.E."]), np.array(fitted["Raw Data"])
    peaks = list(fitted["Fitting"]["Peaks"].values())
    spectrum = make_spectrum(counts, energy, scale="binding", name="Pt 4f")
    numbers = [(p["Position"], p["FWHM"], p["Area"]) for p in peaks]
    note = "KherveFitting, by hand: LA lines on a drawn background."
    return Case(
        "Pt4f", "Pt 4f", note, spectrum, energy, np.array(fitted["Background"]["Bkg Y"]),
        [np.array(p["y_values"]) for p in peaks], numbers,
    )  # fmt: skip


def stated(name: str) -> list[tuple[float, float, float]]:
    """Center, width and area of every peak as Igor Pro's report of the paper's fit states them."""
    text = (DATA / "paper" / f"{name}_numerics.txt").read_text(encoding="latin-1")
    number = r"\s+([-+.\deE]+)"
    columns = (f"Effective Position{number}", f"Effective Width{number}", f"Area{number}")
    center, width, area = ([float(v) for v in re.findall(column, text)] for column in columns)
    return sorted(zip(center, width, area, strict=True))


def cases() -> list[Case]:
    """All spectra with a fit by hand."""
    return [
        paper("P3HT_S2p", "S 2p of P3HT", 2, stated("P3HT_S2p")),
        paper("ITO_O1s", "O 1s of ITO", 3, stated("ITO_O1s")),
        platinum(),
        casa("text/ascii_Au4f.txt", "Au 4f and Ba 4d", "CasaXPS, by hand: asymmetric LF lines."),
        casa("vamas/FeO_analyzed.vms", "Fe 2p of FeO", "CasaXPS, by hand: asymmetric LA lines."),
    ]


def rms(case: Case, energy: np.ndarray, envelope: np.ndarray) -> float:
    """Root mean square of data minus envelope."""
    order = np.argsort(energy)
    at = case.spectrum["energy"].values
    inside = (at >= energy.min() - 1e-6) & (at <= energy.max() + 1e-6)
    drawn = np.interp(at, energy[order], envelope[order])
    return float(np.sqrt(np.nanmean((case.spectrum.values - drawn)[inside] ** 2)))


def panel(axes, case: Case, energy, background, components, title: str) -> None:
    """One picture: points, background, filled components, envelope."""
    points = case.spectrum
    axes.plot(points["energy"], points.values, ".", color="0.35", markersize=2.5)
    for number, component in enumerate(components):
        color = COLORS[number % len(COLORS)]
        axes.fill_between(energy, background, background + component, color=color, alpha=0.45, lw=0)
    axes.plot(energy, background + np.sum(components, axis=0), color="black", linewidth=1)
    axes.plot(energy, background, color="0.4", linewidth=0.9, linestyle="--")
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("Binding energy (eV)")
    axes.invert_xaxis()
    axes.margins(x=0.01)


def compared(case: Case, out: Path) -> str:
    """Fit one spectrum, draw it, and write its section."""
    predicted = xpsnet.predict(case.spectrum, device="cpu")
    fitted = xpsnet.fit(case.spectrum, device="cpu")
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), sharey=True, layout="constrained")
    rows = ["| | center (eV) | FWHM (eV) | area | RMS |", "| --- | --- | --- | --- | --- |"]
    for axis, peaks, name in zip(axes, (predicted, fitted), ("predicted", "fitted"), strict=False):
        drawn = xpsnet.curves(peaks)
        energy, base = drawn["energy"].values, drawn["background"].values
        components = drawn["component"].transpose("peak", "energy").values
        panel(axis, case, energy, base, components, name)
        rows.append(row(name, table(peaks), rms(case, energy, drawn["envelope"].values)))
    by_hand = case.background + np.sum(case.components, axis=0)
    panel(axes[2], case, case.energy, case.background, case.components, "by hand")
    rows.append(row("by hand", case.numbers, rms(case, case.energy, by_hand)))
    axes[0].set_ylabel(case.spectrum.attrs["units"].capitalize())
    figure.suptitle(case.title, fontsize=11)
    figure.savefig(out / "images" / "real" / f"{case.name}.png", dpi=90)
    plt.close(figure)
    lines = "\n".join(rows)
    picture = f"![{case.title}](images/real/{case.name}.png)"
    return f"## {case.title}\n\n{case.note}\n\n{picture}\n\n{lines}\n"


def table(peaks: xr.Dataset) -> list[tuple[float, float, float]]:
    """Center, FWHM and area of the peaks that there are."""
    kept = peaks.isel(peak=np.isfinite(peaks["center"].values))
    columns = (kept[name].values for name in ("center", "fwhm", "area"))
    return list(zip(*columns, strict=True))


def row(name: str, numbers: list[tuple[float, float, float]], residual: float) -> str:
    """One row of the table."""
    centers = " / ".join(f"{c:.2f}" for c, _, _ in numbers)
    widths = " / ".join(f"{w:.2f}" for _, w, _ in numbers)
    areas = " / ".join("-" if np.isnan(a) else f"{a:.0f}" for _, _, a in numbers)
    return f"| {name} | {centers} | {widths} | {areas} | {residual:.1f} |"


def of_states(stack: xr.DataArray) -> xr.Dataset:
    """The states of the summed spectrum, refined in every scan (as the page says)."""
    shared = ("fraction", "fwhm")
    # The rescaled scan and the two before it have a shorter range or another surface.
    mean = stack.isel(scan=slice(3, None)).mean("scan", keep_attrs=True)
    states = xpsnet.fit(mean, n_peaks=3, shared=shared, device="cpu")
    center, width = states["center"].values, float(states["fwhm"][0])
    limits: dict = {f"center_{k + 1}": (center[k] - 0.15, center[k] + 0.15) for k in range(3)}
    limits |= {"fwhm": (0.93 * width, 1.07 * width), "fraction": float(states["fraction"][0])}
    states = states.assign(label=("peak", np.array(STATES, dtype=object)))
    return xpsnet.refine(stack, states, shared=shared, constraints=limits)


def series(out: Path) -> str:
    """Fit the stack, draw it, and write its table."""
    stack = xpsnet.read_one(DATA / "series", region=0, scale="kinetic", photon_energy=730.0)
    stack = xpsnet.to_binding(stack)
    free = xpsnet.fit(stack, device="cpu")
    peaks = of_states(stack)
    n = peaks.sizes["scan"]
    figure = plt.figure(figsize=(12, 8), layout="constrained")
    left, right = figure.subfigures(1, 2)
    share = peaks["area"] / peaks["area"].sum("peak")
    total = peaks["area"].sum("peak")
    error = {"center": peaks["center_stderr"], "fwhm": peaks["fwhm_stderr"],
             "share": peaks["area_stderr"] / total}  # fmt: skip
    values = {"center": peaks["center"], "fwhm": peaks["fwhm"], "share": share}
    texts = {"center": "Center (eV)", "fwhm": "FWHM (eV)", "share": "Share of the area"}
    for axis, name in zip(left.subplots(3, 1, sharex=True), values, strict=True):
        for k in range(peaks.sizes["peak"]):
            label = str(peaks["label"].values[k])
            axis.errorbar(
                np.arange(n), values[name].isel(peak=k), error[name].isel(peak=k),
                marker="o", markersize=3, linewidth=1, color=COLORS[k], label=label,
            )  # fmt: skip
        axis.set_ylabel(texts[name])
        if name == "center":
            axis.legend(fontsize=8, ncols=3)
    axis.set_xlabel("Scan")
    drawn = xpsnet.curves(peaks)
    for axis, scan in zip(right.subplots(2, 2).ravel(), (0, 2, 7, n - 1), strict=True):
        one = drawn.isel(scan=scan)
        case = Case("", "", "", stack.isel(scan=scan), *[np.empty(0)] * 2, [], [])
        components = one["component"].transpose("peak", "energy").values
        panel(axis, case, one["energy"].values, one["background"].values, components,
              f"scan {scan}")  # fmt: skip
        axis.set_ylabel("Counts")
    figure.savefig(out / "images" / "real" / "series.png", dpi=90)
    plt.close(figure)
    lines = ["| scan | centers (eV) | FWHM (eV) | share of the area (%) | count found freely |",
             "| --- | --- | --- | --- | --- |"]  # fmt: skip
    for scan in range(n):
        text = [
            " / ".join("-" if np.isnan(v) else f"{v:.{d}f}" for v in array.isel(scan=scan).values)
            for array, d in ((peaks["center"], 2), (peaks["fwhm"], 2), (100 * share, 1))
        ]
        lines.append(f"| {scan} | " + " | ".join(text) + f" | {int(free['n_peaks'][scan])} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> Path:
    """Write the page and its pictures; return where."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    chosen = parser.parse_args(arguments)
    (chosen.out / "images" / "real").mkdir(parents=True, exist_ok=True)
    mpl.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # what the files do not say
        sections = "\n".join(compared(case, chosen.out) for case in cases())
        text = series(chosen.out)
    page = PAGE.format(
        version=xpsnet.__version__,
        model=xpsnet.load_model("default").version,
        sections=sections,
        series=text,
    )
    path = chosen.out / "real_data.md"
    path.write_text(page)
    return path


if __name__ == "__main__":
    main()
