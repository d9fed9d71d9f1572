"""Report on a trained network: a Markdown page with tables and figures of its accuracy.

`write_report` simulates spectra, evaluates the network and writes ``models.md`` with the accuracy
by groups of spectra, the calibration, the training loss and the worst cases.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from xpsnet.models import weights
from xpsnet.models.architecture import NetworkConfig
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.simulation import recipes
from xpsnet.training.evaluation import (
    PARAMETERS,
    Assessment,
    assess,
    decode_peaks,
    reliability,
    training_recipe,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SEED = 2_000_000  # of the evaluated spectra; training uses other seeds
N_WORST = 10
_DISTANCES = (0.45, 0.6, 0.8, 1.0, 1.5, 2.5, np.inf)
_NOISES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, np.inf)
_RISES = (0.0, 0.05, 0.2, 0.5, 1.0, np.inf)
_PAGE = """# The networks

Written by `xpsnet evaluate {name} --report` from {n:,} simulated spectra that were not used in the
training. The errors are median absolute errors of the network alone, without refinement, in spectra
with the right number of peaks.

{tables}

## Where it fails

The {n_worst} of the {n:,} spectra with the lowest probability for the true number of peaks. Blue:
the spectrum; black: the true peaks; orange: the predicted peaks.

![The worst predictions]({images}/{name}_worst.png)
"""
# This section and those after it are written by hand: a new report keeps them.
_BY_HAND = "\n## States of doublets\n"


def write_report(name: str | Path, folder: str | Path, *, n: int = 20_000) -> Path:
    """Write ``models.md`` and its figures for a `default` network into a folder.

    A page that is there is replaced, but for its sections from "States of doublets" on.

    Parameters
    ----------
    name : str or Path
        A model, as for `load_model`.
    folder : path
        Folder of the page; its figures go to ``images/models`` in this folder.
    n : int
        Number of simulated spectra.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ValueError
        If there is no such model, or it has the paper's architecture.
    """
    model = weights.load_model(name)
    if model.config.architecture != "default":
        raise ValueError(f"expected a model of the architecture 'default', got {model.name!r}")
    found = assess(model, training_recipe(model), n=n, seed=SEED)
    images = Path(folder) / "images" / "models"
    images.mkdir(parents=True, exist_ok=True)
    figures = {
        "reliability": _draw_reliability(found),
        "loss": _draw_loss(model),
        "worst": _draw_worst(found, model.config),
    }
    for what, figure in figures.items():
        figure.savefig(images / f"{model.name}_{what}.png", dpi=120)
    text = _PAGE.format(
        name=model.name,
        n=n,
        n_worst=N_WORST,
        images="images/models",
        tables="\n\n".join([_card(model), *_tables(found, model)]),
    )
    page = Path(folder) / "models.md"
    before = page.read_text(encoding="utf-8") if page.exists() else ""
    _, heading, by_hand = before.partition(_BY_HAND)
    page.write_text(text + heading + by_hand, encoding="utf-8")
    return page


def _card(model: weights.Model) -> str:
    """Table of architecture, training, checksum and recipe."""
    card = model.card
    config = model.config
    size = f"{config.n_points} points, passes: {config.passes}"
    rows = [
        ("architecture", f"`{config.architecture}`, {size}"),
        ("trained on", f"{card['spectra_seen'] / 1e6:.1f} million spectra, each used once"),
        *_start_row(card),
        ("training", f"{card['seconds'] / 3600:.1f} h, {card['device']}"),
        ("version", f"`{model.version}` (sha256 of the weights)"),
    ]
    rows += [(f"recipe: {key}", f"{value}") for key, value in card["recipe"].items()]
    beside = card["training"].get("beside", ())
    rows += [(f"beside it: `{name}`", f"{100 * share:g} %") for name, share in beside]
    lines = [f"## `{model.name}`", "", "| | |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {key} | {value} |" for key, value in rows)])


def _start_row(card: dict[str, Any]) -> list[tuple[str, str]]:
    """Where the training began, if not at random weights, and whether all layers were trained."""
    if "started_from" not in card:
        return []
    first = card["started_from"]
    text = f"`{first['name']}`, version `{first['version']}`"
    if first["spectra_seen"]:
        text += f", {first['spectra_seen'] / 1e6:.1f} million spectra"
    if card["training"].get("only_known"):
        text += "; only the layers for what the user knows of the lines were trained"
    return [("started from", text)]


def _tables(found: Assessment, model: weights.Model) -> list[str]:
    """Sections of the page: accuracy by groups, calibration, training."""
    images, batch = "images/models", found.batch
    peaks, several = found.truth > 0, found.truth > 1
    noise, rise = batch["relative_noise"][:, 0], batch["background_rise"][:, 0]
    by_count = [(str(k), found.truth == k) for k in range(int(found.truth.max()) + 1)]
    groups = {
        "true number of peaks": [("all", peaks | True), *by_count],
        "least distance of neighbors [FWHM of the wider]": _groups(
            _least_distance(batch), _DISTANCES, several
        ),
        "noise over the largest count": _groups(noise, _NOISES, peaks),
        "rise of the background over the highest line": _groups(rise, _RISES, peaks),
    }
    return [
        "## Accuracy",
        *(_table(title, found, some) for title, some in groups.items()),
        "## Calibration",
        f"![Reliability]({images}/{model.name}_reliability.png)",
        "Left: stated probability of the number of peaks against the frequency with which it is "
        "true. Right: fraction of the peaks whose error is below a multiple of the stated spread, "
        "beside that of Laplace errors.",
        "## Training",
        f"![Loss]({images}/{model.name}_loss.png)",
    ]


def _groups(
    values: npt.NDArray[Any], edges: tuple[float, ...], among: npt.NDArray[np.bool_]
) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    """Names and masks of groups of spectra, by the range of a value."""
    return [
        (
            f"{low:g} to {high:g}" if np.isfinite(high) else f"above {low:g}",
            among & (values >= low) & (values < high),
        )
        for low, high in pairwise(edges)
    ]


def _least_distance(batch: recipes.Batch) -> npt.NDArray[np.float64]:
    """Smallest distance of neighboring peaks in units of the wider FWHM; infinite for one peak."""
    center, fwhm = np.asarray(batch["center"], float), np.asarray(batch["fwhm"], float)
    wider = np.maximum(fwhm[:, 1:], fwhm[:, :-1])
    there = fwhm[:, 1:] > 0
    distance = np.where(there, np.diff(center, axis=1) / np.where(there, wider, 1.0), np.inf)
    return np.asarray(distance.min(axis=1))


def _table(title: str, found: Assessment, groups: list[tuple[str, npt.NDArray[np.bool_]]]) -> str:
    """Table of count accuracy and median errors for groups of spectra."""
    lines = [
        f"| {title} | spectra | count right | center [FWHM] | FWHM | height |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, members in groups:
        if not members.any():
            continue
        mine = members[found.row]
        errors = [
            f"{100 * np.median(found.error[key][mine]):.1f} %" if mine.any() else ""
            for key in ("center", "fwhm", "height")
        ]
        share = f"{100 * found.right[members].mean():.1f} %"
        lines.append(f"| {name} | {members.sum()} | {share} | {' | '.join(errors)} |")
    return "\n".join(lines)


def _figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, Any]:
    """Figure with axes, without a window on the screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False)


def _draw_reliability(found: Assessment) -> Figure:
    """Stated probability against frequency, and errors against stated spread."""
    figure, axes = _figure(1, 2, (9, 4))
    left, right = axes[0]
    bins = reliability(found.probability.max(axis=1), found.right)
    left.plot([0, 1], [0, 1], color="0.7")
    left.plot([b[0] for b in bins], [b[1] for b in bins], "o-", label="most probable count")
    every = np.eye(found.probability.shape[1], dtype=bool)[found.truth]
    bins = reliability(found.probability.ravel(), every.ravel())
    left.plot([b[0] for b in bins], [b[1] for b in bins], "s--", label="every count")
    left.set(xlabel="stated probability of a count", ylabel="frequency of the true count")
    left.legend()
    times = np.linspace(0, 4, 81)
    for name, error in found.error.items():
        ratio = np.sort(error / found.spread[name])
        right.plot(times, np.searchsorted(ratio, times) / ratio.size, label=name)
    laplace = 1 - np.exp(-times * np.sqrt(2))
    right.plot(times, laplace, color="0.4", ls=":", label="Laplace")
    right.set(xlabel="error over stated spread", ylabel="fraction of peaks below")
    right.legend()
    return figure


def _draw_loss(model: weights.Model) -> Figure:
    """Loss against the number of spectra, from the training log of the model."""
    figure, axes = _figure(1, 1, (6, 4))
    axis = axes[0][0]
    log = np.genfromtxt(model.folder / f"{model.name}.csv", delimiter=",", names=True)
    seen = np.atleast_1d(log["spectra"]) / 1e6
    axis.plot(seen, np.atleast_1d(log["loss"]), label="training")
    axis.plot(seen, np.atleast_1d(log["val_loss"]), label="validation, averaged weights")
    axis.set(xlabel="simulated spectra [million]", ylabel="loss")
    axis.legend()
    return figure


def _draw_worst(found: Assessment, config: NetworkConfig) -> Figure:
    """The spectra with the lowest probability of the true count."""
    stated = found.probability[np.arange(len(found.truth)), found.truth]
    figure, axes = _figure(2, N_WORST // 2, (15, 5.5))
    for axis, row in zip(axes.flat, np.argsort(stated), strict=False):
        _draw_spectrum(axis, found, int(row), config)
    return figure


def _draw_spectrum(axis: Axes, found: Assessment, row: int, config: NetworkConfig) -> None:
    """Draw one spectrum with its true and predicted peaks."""
    place = np.linspace(0, 1, config.n_points)
    axis.plot(place, found.batch["spectra"][row], lw=0.7)
    truth, count = int(found.truth[row]), int(found.probability[row].argmax())
    true = [np.asarray(found.batch[name], float)[row, :truth] for name in PARAMETERS]
    predicted, _ = decode_peaks(found.outputs, [row], count, config)
    for peaks, color in ((true, "black"), (predicted[:, 0], "tab:orange")):
        for line in LINE_SHAPES["pseudo_voigt"].value(place, *peaks):
            axis.plot(place, line, color=color, lw=0.8)
    stated = found.probability[row, truth]
    axis.set_title(f"true {truth}, found {count}; P({truth}) = {stated:.1e}", fontsize=8)
    axis.set(yticks=[], xlabel="position in the window")
