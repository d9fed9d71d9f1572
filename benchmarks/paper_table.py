"""The paper's case: its Table 1 beside ours, and counterparts of its figures 1, 3, 4, 6 and 7.

Question: does the network find the peaks of the two measured spectra of the paper (S 2p of P3HT on
ITO, O 1s of ITO), and where does least squares end from there?

Baseline: the paper's fit by hand (Igor Pro) and its network, New Physics: Sae Mulli 70, 920 (2020),
Table 1.

Equal on both sides: the spectra, and for "subtracted" the background that the authors drew by hand.
Not equal: the widths of the paper's network are its w, which is within 2 % of the FWHM given here.
Those of P3HT are printed in the paper in network units and are converted here (20 eV were mapped on
15 units).

The measured files are not part of this repository: they are looked for where XPSNET_REAL_DATA
points, else in ../shared/data beside the checkout.

    python benchmarks/paper_table.py [--out docs/paper]
"""

import argparse
import csv
import os
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import xpsnet

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("XPSNET_REAL_DATA", ROOT.parent / "shared" / "data"))
PHOTON_ENERGY = 1486.6  # Al K-alpha of the Thermo K-Alpha+
COLORS = ["tab:blue", "tab:orange", "tab:green", "tab:purple", "tab:brown", "tab:pink"]
STYLE = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "savefig.dpi": 150}
FWHM_PER_WIDTH = 0.99234  # of the paper's Eq. 1: FWHM of the whole line over its w

PAGE = """# The paper's case

The two measured spectra of H. S. Park et al., New Physics: Sae Mulli 70, 920 (2020), with the
results of the paper (its Table 1) and ours. "Subtracted": without the background that the authors
drew by hand, as in the paper; "raw": with background. Written by `benchmarks/paper_table.py`
with napari-xpsnet {version}, models {models}.

{tables}

![S 2p of P3HT: results of the paper and ours](figure6.png)

*Counterpart of figure 6: S 2p of P3HT on ITO.*

![O 1s of ITO: results of the paper and ours](figure7.png)

*Counterpart of figure 7: O 1s of ITO.*

![Simulated spectra](figure1.png)

*Counterpart of figure 1: simulated training spectra of `park2020`; a bar marks each true peak.*

![Loss](figure3.png)

*Counterpart of figure 3: loss of `park2020` during the training.*

![Predicted against true](figure4.png)

*Counterpart of figure 4: predictions of `park2020` for simulated spectra that were not used in the
training, against the truth.*
"""


@dataclass
class Answer:
    """Result of one method for one spectrum."""

    method: str
    center: list[float]  # [eV]
    fwhm: list[float]  # [eV]
    area: list[float] = field(default_factory=list)  # [counts eV]
    residual: float = float("nan")  # root mean square [counts]
    components: np.ndarray | None = None  # (peak, energy) [counts], without background
    background: np.ndarray | None = None  # (energy,) [counts]
    spectra: xr.DataArray | None = None


@dataclass
class Case:
    """One measured spectrum of the paper."""

    title: str
    stem: str
    region: str
    n_hand: int
    paper: list[Answer]
    window: tuple[float, float]  # of the figure [eV]


CASES = [
    Case(
        "P3HT S 2p",
        "P3HT_S2p",
        "S 2p",
        2,
        [
            Answer("paper, by hand", [164.15, 165.35], [0.789, 0.786], [7297, 3677]),
            Answer("paper, network", [163.97, 165.21], [0.910, 0.812]),
        ],
        (170.0, 160.0),
    ),
    Case(
        "ITO O 1s",
        "ITO_O1s",
        "O 1s",
        3,
        [
            Answer(
                "paper, by hand",
                [530.29, 531.50, 532.80],
                [1.199, 1.483, 1.095],
                [66700, 30785, 3880],
            ),
            Answer("paper, network", [529.97, 530.58, 531.51], [0.779, 0.999, 1.496]),
        ],
        (537.0, 526.0),
    ),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "paper")
    parser.add_argument("--spectra", type=int, default=20_000, help="simulated spectra of figure 4")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    mpl.use("agg")
    plt.rcParams.update(STYLE)

    text = "\n\n".join(report(case, chosen.out) for case in CASES)
    print(text)
    used = [xpsnet.load_model(name) for name in ("park2020", "default")]
    models = " and ".join(f"{model.name} ({model.version})" for model in used)
    page = PAGE.format(version=xpsnet.__version__, models=models, tables=text)
    (chosen.out / "README.md").write_text(page)
    draw_training_spectra(chosen.out / "figure1.png")
    draw_predicted_against_true(chosen.spectra, chosen.out / "figure4.png")
    draw_losses(used[0].folder / "park2020.csv", chosen.out / "figure3.png")
    print(f"\nfigures are in {chosen.out}")


def report(case: Case, out: Path) -> str:
    """Markdown table of all results for one spectrum; also draws its figure."""
    measured, drawn, hand = read_case(case)
    case.paper[0].components, case.paper[0].background = hand, drawn.to_numpy()
    case.paper[0].spectra = measured
    case.paper[0].residual = rms(measured.to_numpy() - drawn.to_numpy() - hand.sum(axis=0))
    answers = [*case.paper, *our_answers(measured, measured.copy(data=measured - drawn))]
    number = 6 + CASES.index(case)
    draw_case(case, answers, out / f"figure{number}.png")
    lines = [
        f"## {case.title}",
        "",
        "| method | peak | center [eV] | FWHM [eV] | area [counts eV] | rms residual [counts] |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for answer in answers:
        for i, (center, fwhm) in enumerate(zip(answer.center, answer.fwhm, strict=True)):
            area = f"{answer.area[i]:.0f}" if answer.area else ""
            residual = f"{answer.residual:.1f}" if i == 0 and np.isfinite(answer.residual) else ""
            name = answer.method if i == 0 else ""
            lines.append(f"| {name} | {i + 1} | {center:.2f} | {fwhm:.3f} | {area} | {residual} |")
    return "\n".join(lines)


def read_case(case: Case) -> tuple[xr.DataArray, xr.DataArray, np.ndarray]:
    """Measured spectrum, the background drawn by hand, and the components of the hand fit."""

    def read(part: str) -> xr.DataArray:
        path = DATA / "paper" / f"{case.stem}_{part}.txt"
        (spectra,) = xpsnet.read(path, scale="binding", photon_energy=PHOTON_ENERGY)
        return spectra.rename(case.region)

    measured, drawn = read("exp"), read("bg")
    parts = [read(f"p{i + 1}") for i in range(case.n_hand)]
    return measured, drawn, np.stack([part.to_numpy() - drawn.to_numpy() for part in parts])


def our_answers(raw: xr.DataArray, subtracted: xr.DataArray) -> list[Answer]:
    """Predicted and refined: the paper's network as the paper used it, then ours."""
    answers = []
    first = xpsnet.predict(subtracted, model="park2020", background="none")
    answers.append(answer("park2020, predicted (subtracted)", subtracted, first))
    refined = xpsnet.refine(subtracted, first, background="none")
    answers.append(answer("park2020, refined (subtracted)", subtracted, refined))
    for spectra, name in ((subtracted, "subtracted"), (raw, "raw")):
        predicted = xpsnet.predict(spectra)
        answers.append(answer(f"default, predicted ({name})", spectra, predicted))
        answers.append(answer(f"default, fit ({name})", spectra, xpsnet.fit(spectra)))
    return answers


def answer(method: str, spectra: xr.DataArray, peaks: xr.Dataset) -> Answer:
    """Peaks of one spectrum as rows of the table."""
    count = int(peaks["n_peaks"])
    curves = xpsnet.curves(peaks, energy=spectra["energy"])
    residual = rms((spectra - curves["envelope"]).to_numpy())
    return Answer(
        method,
        peaks["center"].to_numpy()[:count].tolist(),
        peaks["fwhm"].to_numpy()[:count].tolist(),
        peaks["area"].to_numpy()[:count].tolist(),
        residual,
        curves["component"].to_numpy()[:count],
        curves["background"].to_numpy(),
        spectra,
    )


def rms(values: np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt(np.nanmean(values**2)))


def draw_case(case: Case, answers: list[Answer], path: Path) -> None:
    """Counterpart of figures 6 and 7: measured points, components and residual of every result."""
    shown = [answer for answer in answers if answer.components is not None]
    columns = (len(shown) + 1) // 2
    figure, panels = plt.subplots(2, columns, figsize=(3 * columns, 5.4))
    for panel, found in zip(panels.flat, shown, strict=False):
        draw_answer(panel, found, case.window)
    for panel in panels.flat[len(shown) :]:
        panel.set_visible(False)
    figure.supxlabel("binding energy [eV]")
    figure.supylabel("counts")
    figure.suptitle(case.title)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def draw_answer(panel: plt.Axes, found: Answer, window: tuple[float, float]) -> None:
    """One result: points, background, filled components, envelope."""
    energy = found.spectra["energy"].to_numpy()
    inside = (energy <= window[0]) & (energy >= window[1])
    energy, background = energy[inside], found.background[inside]
    components = found.components[:, inside]
    panel.plot(energy, found.spectra.to_numpy()[inside], ".", ms=2.5, color="0.3")
    panel.plot(energy, background, "--", lw=0.8, color="0.5")
    for i, (component, center) in enumerate(zip(components, found.center, strict=True)):
        panel.fill_between(energy, background, background + component, alpha=0.45, color=COLORS[i])
        corner = {"transform": panel.transAxes, "color": COLORS[i], "fontsize": 8}
        panel.text(0.03, 0.88 - 0.1 * i, f"{center:.2f} eV", **corner)
    panel.plot(energy, background + components.sum(axis=0), lw=1, color="tab:red")
    panel.set_title(f"{found.method}\nrms residual {found.residual:.0f} counts", fontsize=8)
    panel.set_xlim(window)


def draw_training_spectra(path: Path) -> None:
    """Counterpart of figure 1: simulated spectra with their components."""
    simulated = xpsnet.simulate(12, "park2020", seed=4)
    figure, panels = plt.subplots(3, 4, figsize=(9, 5.4), sharex=True, sharey=True)
    for i, panel in enumerate(panels.flat):
        one = simulated.isel(spectrum=i)
        panel.plot(one["energy"], one["spectra"], lw=0.7, color="0.3")
        count = int(one["n_peaks"])
        for k in range(count):
            center, height = one["center"][k], one["height"][k]
            panel.plot([center, center], [0, height], color=COLORS[k])
        panel.set_title(f"{count} peak{'s' if count > 1 else ''}", fontsize=8)
    figure.supxlabel("energy [network units]")
    figure.supylabel("signal [network units]")
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def draw_losses(log: Path, path: Path) -> None:
    """Counterpart of figure 3: loss against the number of simulated spectra."""
    with log.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    seen = [float(row["spectra"]) / 1e6 for row in rows]
    figure, panel = plt.subplots(figsize=(5, 3.4))
    panel.semilogy(seen, [float(row["loss"]) for row in rows], label="training")
    panel.semilogy(seen, [float(row["val_loss"]) for row in rows], label="validation")
    panel.set_xlabel("simulated spectra [millions]")
    panel.set_ylabel("loss")
    panel.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def draw_predicted_against_true(n: int, path: Path) -> None:
    """Counterpart of figure 4: predictions of park2020 for simulated spectra against the truth."""
    truth = xpsnet.simulate(n, "park2020", seed=5)
    peaks = xpsnet.predict(truth["spectra"], model="park2020", background="none")
    right = peaks["n_peaks"].to_numpy() == truth["n_peaks"].to_numpy()
    figure, panels = plt.subplots(2, 2, figsize=(7, 6.4))
    draw_counts(panels[0, 0], truth["n_peaks"].to_numpy(), peaks["n_peaks"].to_numpy())
    for panel, name, key in zip(
        panels.flat[1:], ("center", "width", "height"), ("center", "fwhm", "height"), strict=True
    ):
        unit = FWHM_PER_WIDTH if key == "fwhm" else 1.0
        true, found = (
            some[key].transpose(..., "peak").to_numpy()[right] / unit for some in (truth, peaks)
        )
        true = true[:, : found.shape[1]]
        there = np.isfinite(found) & (true > 0)
        panel.hexbin(true[there], found[there], bins="log", gridsize=70, cmap="viridis", mincnt=1)
        low, high = true[there].min(), true[there].max()
        panel.plot([low, high], [low, high], lw=0.7, color="tab:red")
        panel.set(xlim=(low, high), ylim=(low, high), title=f"{name}, where the count is right")
    figure.supxlabel("true [network units]")
    figure.supylabel("predicted [network units]")
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def draw_counts(panel: plt.Axes, true: np.ndarray, found: np.ndarray) -> None:
    """Table of counts, true against predicted, in percent of the true count."""
    counts = np.arange(int(max(true.max(), found.max())) + 1)
    share = np.array([[np.mean(found[true == t] == f) if (true == t).any() else 0 for t in counts]
                      for f in counts])  # fmt: skip
    panel.imshow(share, origin="lower", cmap="Blues", vmin=0, vmax=1)
    for t in counts:
        for f in counts:
            if share[f, t] >= 0.0005:
                color = "white" if share[f, t] > 0.5 else "black"
                panel.text(t, f, f"{100 * share[f, t]:.1f}", ha="center", va="center", color=color)
    panel.set(title="number of peaks [% of the true]", xticks=counts, yticks=counts)


if __name__ == "__main__":
    main()
