"""Spectra and peaks as texts and tables for the command line.

One spectrum gives a table of its peaks, several give a summary. rich draws the tables.
"""

import io
import json
import math
import re
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from rich.console import Console
from rich.table import Table

from xpsnet.data.number_texts import decimals_of, with_error
from xpsnet.data.peaks import line_shapes_of
from xpsnet.data.status import sentence_of
from xpsnet.numerics.peak_shapes import distinct_shapes
from xpsnet.plotting import PALETTE

__all__ = [
    "candidate_report",
    "chosen_survey",
    "describe_spectra",
    "peak_report",
    "plain_text",
    "region_choices",
    "region_list",
    "state_report",
    "table",
]

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]

_QUANTITIES = ("center", "fwhm", "height", "area")
_MAX_CHOICES = 40
_SURVEY_SPAN = 100.0  # [eV]
_EXTRA = ("fraction", "asymmetry")


def plain_text(*parts: Any) -> str:
    """Texts and tables as lines without styles, as wide as they need to be."""
    console = Console(file=io.StringIO(), width=10_000, color_system=None, force_terminal=False)
    with console.capture() as written:
        console.print(*parts, sep="\n", markup=False)
    return "\n".join(line.rstrip() for line in written.get().splitlines())


def table(header: Sequence[str], rows: Sequence[Sequence[str]], colors: bool = False) -> Table:
    """Table with the first column to the left and the others to the right.

    Parameters
    ----------
    header : sequence of str
        Names of the columns; empty for none.
    rows : sequence of sequence of str
        Cells.
    colors : bool
        Give each row the color that its peak has in drawings.
    """
    made = Table(box=None, padding=(0, 2, 0, 0), show_header=bool(header), header_style="bold")
    for i, name in enumerate(header or rows[0]):
        made.add_column(name, justify="right" if i else "left", no_wrap=bool(i))
    for row, color in zip(rows, cycle(PALETTE), strict=False):
        made.add_row(*row, style=color if colors else None)
    return made


def region_list(regions: Sequence[xr.DataArray]) -> Table:
    """Table of the regions of a file.

    Parameters
    ----------
    regions : sequence of DataArray
        As `xpsnet.read` returns them.

    Returns
    -------
    Table
        Name, number of spectra, points and energies of each region, and the sample where any
        region states one.
    """
    samples = [_sample(spectra) for spectra in regions]
    rows = [
        [
            str(spectra.name or "(no region name)"),
            str(spectra.size // spectra.sizes["energy"]),
            str(spectra.sizes["energy"]),
            f"{spectra['energy'].values[0]:.2f} to {spectra['energy'].values[-1]:.2f}",
            str(spectra.attrs["scale"]),
            *([sample] if any(samples) else []),
        ]
        for spectra, sample in zip(regions, samples, strict=True)
    ]
    header = ["region", "spectra", "points", "energy [eV]", "scale"]
    return table([*header, "sample"] if any(samples) else header, rows)


def region_choices(regions: Sequence[xr.DataArray]) -> str:
    """Names of regions to choose from; with number and sample where several have one name."""
    names = [str(spectra.name) for spectra in regions[:_MAX_CHOICES]]
    more = ", ..." if len(regions) > len(names) else ""
    if len(set(names)) == len(names):
        return ", ".join(f'"{name}"' for name in names) + more
    samples = map(_sample, regions)
    shown = (f" ({sample})" if sample else "" for sample in samples)
    numbered = zip(range(len(names)), names, shown, strict=False)
    return ", ".join(f'{i}: "{name}"{sample}' for i, name, sample in numbered) + more


def _sample(spectra: xr.DataArray) -> str:
    """Sample of a region, or group of SPECS; those of a stack, cut to a few."""
    for name in ("sample", "group"):
        if name in spectra.coords:
            return _listed(spectra[name].values)
        if spectra.attrs.get(name):
            return str(spectra.attrs[name])
    return ""


def _listed(values: npt.NDArray[Any]) -> str:
    """The different values of a coordinate, at most four of them."""
    texts = list(dict.fromkeys(map(str, np.ravel(values).tolist())))
    more = f" and {len(texts) - 4} more" if len(texts) > 4 else ""
    return ", ".join(texts[:4]) + more


def describe_spectra(spectra: xr.DataArray) -> str:
    """Region, size, energy range and acquisition of spectra, one fact per line.

    Parameters
    ----------
    spectra : DataArray
        As `xpsnet.read` returns it.

    Returns
    -------
    str
        Text of several lines.
    """
    energy = spectra["energy"].to_numpy()
    steps = np.abs(np.diff(energy))
    even = "even" if np.allclose(steps, steps.mean(), rtol=0.02) else "uneven"
    others = {str(dim): size for dim, size in spectra.sizes.items() if dim != "energy"}
    size = "".join(f"{dim} {n}, " for dim, n in others.items())
    lines = [
        str(spectra.name or "(no region name)"),
        f"  {'size':<16}{size}{energy.size} points",
        f"  {'energy':<16}{energy[0]:.2f} to {energy[-1]:.2f} eV,"
        f" {even} steps of {steps.mean():.3g} eV",
    ]
    for key, value in spectra.attrs.items():
        if key == "columns":  # what each column of a table was taken for, one a line
            each = re.split(r"; (?=\d+ )", str(value))
            lines += [f"  {'' if i else key:<16}{one}" for i, one in enumerate(each)]
            continue
        shown = f"{value:g}" if isinstance(value, float) else str(value)
        lines.append(f"  {key:<16}{shown}")
    for name, coord in spectra.coords.items():
        if coord.dtype.kind in "UO":
            lines.append(f"  {name!s:<16}{_listed(coord.values)}")
    return "\n".join(lines)


def peak_report(peaks: xr.Dataset) -> list[str | Table]:
    """Texts and tables: the peaks of one spectrum, or numbers and medians of several spectra.

    Parameters
    ----------
    peaks : Dataset
        As `xpsnet.fit`, `refine` or `predict` return it.

    Returns
    -------
    list of str and Table
        In the order in which they are printed.
    """
    model = peaks.attrs.get("model")
    shape = " and ".join(distinct_shapes(line_shapes_of(peaks))).replace("_", "-")
    background = str(peaks.attrs.get("background", "no"))
    if background == "curve":  # a background that was held
        background = str(peaks.attrs.get("background_choice", "given"))
    facts = [f"{shape} lines", f"{background} background"]
    if model:
        facts.append(f"network {model} {peaks.attrs.get('model_version', '')}".rstrip())
    head = ", ".join(facts)
    body = _one_spectrum(peaks) if peaks["n_peaks"].ndim == 0 else _many_spectra(peaks)
    return [head, *body]


_EDGE = (
    "center",
    "width",
    "resolution",
    "temperature",
    "height",
    "background",
    "slope_below",
    "slope_above",
)


def edge_report(edges: xr.Dataset) -> list[str | Table]:
    """Texts and tables of Fermi edges: one with errors, or medians of several.

    Parameters
    ----------
    edges : Dataset
        As `xpsnet.fit_edge` returns it.

    Returns
    -------
    list of str and Table
        In the order in which they are printed.
    """
    states = edges["status"].to_numpy().ravel()
    if edges["status"].ndim == 0:
        head = [f"status: {sentence_of(edges, int(states[0]))}"]
        if np.isfinite(edges["redchi"]):
            head.append(f"reduced chi-square {float(edges['redchi']):.3g}")
        cells = [with_error(float(edges[n]), float(edges[f"{n}_stderr"])) for n in _EDGE]
        names = [_heading(edges, name) for name in _EDGE]
        return [*head, "", table([], [list(row) for row in zip(names, cells, strict=True)])]
    tallies = [[sentence_of(edges, state), *_tally(states == state)] for state in np.unique(states)]
    rows = [[_heading(edges, n), _median_and_range(edges[n].to_numpy().ravel())] for n in _EDGE]
    return [
        f"{_plural(states.size, 'spectrum')}",
        "",
        table(["status", "spectra", "share"], tallies),
        "",
        table(["edge", "median (16 % to 84 % of the spectra)"], rows),
    ]


def chosen_survey(regions: Sequence[xr.DataArray], files: Sequence[str]) -> xr.DataArray:
    """The survey among the regions: the only one that is wide.

    Raises
    ------
    ValueError
        Where there are several, or none among several regions.
    """
    wide = [one for one in regions if np.ptp(one["energy"].values) >= _SURVEY_SPAN]
    if len(regions) == 1 or len(wide) == 1:
        return (wide or list(regions))[0]
    raise ValueError(
        f"expected one survey, got {len(wide)} regions of {_SURVEY_SPAN:g} eV or more in "
        f"{', '.join(files)}; choose one of {region_choices(regions)} with --region"
    )


def candidate_report(candidates: xr.Dataset) -> list[str | Table]:
    """Texts and tables of the candidates of one survey or of several.

    Parameters
    ----------
    candidates : Dataset
        As `xpsnet.identify` returns it.

    Returns
    -------
    list of str and Table
        In the order in which they are printed.
    """
    if candidates["shift"].ndim == 0:
        return _candidates_of_one(candidates)
    others = [dim for dim in candidates["probability"].dims if dim != "element"]
    likely = candidates["probability"] >= 0.5
    rows = []
    for element in candidates["element"].values:
        one = likely.sel(element=element)
        share = candidates["strength"].sel(element=element).where(one).median(others)
        rows.append([str(element), f"{int(one.sum())}", _share(float(share))])
    number = int(np.prod([candidates.sizes[dim] for dim in others]))
    head = f"{number} surveys; candidates in single surveys:"
    header = ["element", "surveys", "atoms, roughly"]
    return [head, "", table(header, rows) if rows else "no candidates"]


def state_report(candidates: xr.Dataset) -> list[str | Table]:
    """Texts and tables of the candidates for the names of states; of many spectra the first.

    Parameters
    ----------
    candidates : Dataset
        As `xpsnet.chemistry.state_names.state_candidates` returns it.

    Returns
    -------
    list of str and Table
        In the order in which they are printed.
    """
    others = [dim for dim in candidates["distance"].dims if dim not in ("peak", "candidate")]
    first = candidates.isel(dict.fromkeys(others, 0))
    rows = []
    for number in first["peak"].values:
        one = first.sel(peak=number)
        for name, distance, source in zip(
            one["candidate_name"].values,
            one["distance"].values,
            one["candidate_source"].values,
            strict=True,
        ):
            if name:
                rows.append([f"{number}", str(name), f"{distance:+.2f}", str(source)])
    of = " of the first spectrum" if others else ""
    head = f"candidates for the names of states{of}; charge reference: "
    header = ["peak", "candidate", "distance [eV]", "source"]
    parts: list[str | Table] = [head + str(candidates.attrs["charge_reference"]), ""]
    return [*parts, table(header, rows) if rows else "none"]


def _one_spectrum(peaks: xr.Dataset) -> Iterator[str | Table]:
    """Texts and table of a single spectrum."""
    count = int(peaks["n_peaks"])
    if "n_states" in peaks:
        states = int(peaks["n_states"])
        probability = _probability(peaks, "n_states_probability", states)
        yield f"{_plural(states, 'state')}{probability}, with {_plural(count, 'peak')}"
    else:
        yield _plural(count, "peak") + _probability(peaks, "n_peaks_probability", count)
    yield from _chosen_model(peaks)
    yield f"status: {sentence_of(peaks, int(peaks['status']))}"
    if "redchi" in peaks and np.isfinite(peaks["redchi"]):
        yield f"reduced chi-square {float(peaks['redchi']):.3g}"
    if count:
        yield ""
        yield table(*_peak_rows(peaks, count), colors=True)


def _peak_rows(peaks: xr.Dataset, count: int) -> tuple[list[str], list[list[str]]]:
    """Header and cells of the table of peaks."""
    columns = [name for name in (*_QUANTITIES, *_EXTRA) if name in peaks]
    in_states = ["state"] if "state" in peaks else []
    header = ["peak", *in_states, *(_heading(peaks, name) for name in columns), "share"]
    area = peaks["area"].to_numpy()[:count]
    share = 100 * area / np.nansum(area) if np.nansum(area) else np.full(count, np.nan)
    labels = _labels(peaks)
    rows = []
    for i in range(count):
        cells = [f"{i + 1} {labels[i]}".rstrip()]
        cells += [_state(int(peaks[name][i])) for name in in_states]
        for name in columns:
            cells.append(with_error(float(peaks[name][i]), _error(peaks, name, i)))
        rows.append([*cells, f"{share[i]:.1f} %"])
    return header, rows


def _chosen_model(peaks: xr.Dataset) -> Iterator[str]:
    """Sentence that says which model was chosen, where one was."""
    text = peaks.attrs.get("model_choice_text")
    if text:
        yield f"chosen: {text}"


def _many_spectra(peaks: xr.Dataset) -> Iterator[str | Table]:
    """Spectra for each status and each model or number of peaks, and medians for each."""
    counts = peaks["n_peaks"].to_numpy().ravel()
    states = peaks["status"].to_numpy().ravel()
    sizes = ", ".join(f"{dim} {peaks.sizes[dim]}" for dim in peaks["n_peaks"].dims)
    yield f"{counts.size} spectra ({sizes})"
    yield from _chosen_model(peaks)
    yield ""
    yield table(
        ["status", "spectra", "share"],
        [[sentence_of(peaks, state), *_tally(states == state)] for state in np.unique(states)],
    )
    for title, chosen in _groups(peaks, counts):
        yield ""
        number, share = _tally(chosen)
        yield f"{title}: {_plural(int(number), 'spectrum')}, {share}"
        if counts[chosen].any():
            yield table(*_median_rows(peaks, chosen))
    if np.any(counts > 0):
        yield ""
        yield "median (16 % to 84 % of the spectra)"


def _groups(peaks: xr.Dataset, counts: Numbers) -> Iterator[tuple[str, Flags]]:
    """Spectra with the same model, else with the same number of peaks, and what they share."""
    if "model_choice" not in peaks or "model_choices" not in peaks.attrs:
        for count in np.unique(counts):
            yield _plural(int(count), "peak"), counts == count
        return
    models = json.loads(peaks.attrs["model_choices"])
    # A spectrum without a valid fit has no states, whatever model was tried.
    number = np.where(counts > 0, peaks["model_choice"].to_numpy().ravel(), -1)
    for one in np.unique(number):
        yield models[one] if one >= 0 else "no state", number == one


def _median_rows(peaks: xr.Dataset, chosen: Flags) -> tuple[list[str], list[list[str]]]:
    """Header, and number of spectra, median and central 68 % of every peak that they have."""
    columns = [name for name in ("center", "fwhm", "area") if name in peaks]
    flat = {
        name: peaks[name].transpose(..., "peak").to_numpy().reshape(-1, peaks.sizes["peak"])[chosen]
        for name in (*columns, *(["state"] if "state" in peaks else []))
    }
    labels = _labels(peaks)
    exists = np.isfinite(flat["center"])
    header = ["peak", *flat.keys() - set(columns), "spectra"]
    rows = []
    for i in np.flatnonzero(exists.any(axis=0)):
        cells = [f"{i + 1} {labels[i]}".rstrip()]
        if "state" in flat:
            numbers, times = np.unique(flat["state"][exists[:, i], i], return_counts=True)
            cells.append(_state(int(numbers[times.argmax()])))
        cells.append(str(int(exists[:, i].sum())))
        rows.append([*cells, *(_median_and_range(flat[name][:, i]) for name in columns)])
    return [*header, *(_heading(peaks, name) for name in columns)], rows


def _labels(peaks: xr.Dataset) -> list[str]:
    """Labels of the peaks without those that only number the places of followed peaks."""
    if "label" not in peaks:
        return [""] * peaks.sizes["peak"]
    numbered = (f"state {i + 1}" for i in range(peaks.sizes["peak"]))
    texts = zip(peaks["label"].to_numpy(), numbered, strict=True)
    return ["" if "state" in peaks and text == number else str(text) for text, number in texts]


def _state(number: int) -> str:
    """Number of a chemical state; a peak that belongs to none has 0."""
    return str(number) if number else "-"


def _median_and_range(values: npt.NDArray[Any]) -> str:
    """Median with the range that holds the central 68 % of the values."""
    values = values[np.isfinite(values)]
    if not values.size:
        return "-"
    low, middle, high = np.percentile(values, [16, 50, 84])
    if low == high:
        return f"{middle:.5g}"
    decimals = decimals_of((high - low) / 2)
    return f"{middle:.{decimals}f} ({low:.{decimals}f} to {high:.{decimals}f})"


def _error(peaks: xr.Dataset, name: str, i: int) -> float:
    """Standard error of a fit, else the uncertainty that the network states, else NaN."""
    for suffix in ("_stderr", "_spread"):
        if name + suffix in peaks:
            return float(peaks[name + suffix][i])
    return math.nan


def _heading(peaks: xr.Dataset, name: str) -> str:
    """Name of a quantity with its unit."""
    units = str(peaks[name].attrs.get("units", ""))
    return f"{name} [{units}]" if units not in ("", "1") else name


def _probability(peaks: xr.Dataset, name: str, count: int) -> str:
    """Probabilities of this number of peaks or states, and of the others."""
    if name not in peaks:
        return ""
    belief = peaks[name].to_series().dropna()
    if count not in belief.index:
        return ""
    others = [f"{n}: {p:.2f}" for n, p in belief.items() if n != count and p >= 0.01]
    return f", probability {belief[count]:.2f}" + (f" ({', '.join(others)})" if others else "")


def _tally(chosen: npt.NDArray[np.bool_]) -> list[str]:
    """Number of chosen spectra, and their share of all."""
    return [str(int(chosen.sum())), f"{100 * chosen.mean():.1f} %"]


def _plural(count: int, word: str) -> str:
    """Count with its noun."""
    many = {"spectrum": "spectra"}.get(word, f"{word}s")
    return f"{count or 'no'} {word if count == 1 else many}"


def _candidates_of_one(candidates: xr.Dataset) -> list[str | Table]:
    rows = []
    for element in candidates["element"].values:
        one = candidates.sel(element=element)
        found = one["line_found"].values
        names = dict.fromkeys(str(name) for name in one["line_name"].values[found])
        missing = one["line_strong"].values & ~found
        rows.append(
            [
                str(element),
                f"{float(one['probability']):.2f}",
                _share(float(one["strength"])),
                ", ".join(name.split(" ", 1)[1] for name in names) or "-",
                ", ".join(str(name).split(" ", 1)[1] for name in one["line_name"].values[missing])
                or "-",
                str(one["window_level"].item()) and _window_text(one),
            ]
        )
    header = ["candidate", "probability", "atoms, roughly", "lines", "missing", "window to fit"]
    parts: list[str | Table] = [table(header, rows) if rows else "no candidates", ""]
    shift, error = float(candidates["shift"]), float(candidates["shift_stderr"])
    if np.isfinite(shift):
        parts.append(f"common shift {shift:+.1f} ± {error:.1f} eV")
    free = candidates["peak_name"].values == ""
    free &= np.isfinite(candidates["peak_energy"].values)
    energies = ", ".join(f"{one:.1f}" for one in candidates["peak_energy"].values[free])
    parts.append(f"peaks without a candidate: {energies + ' eV' if energies else 'none'}")
    return parts


def _share(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else "< 1 %" if share > 0 else "-"


def _window_text(one: xr.Dataset) -> str:
    low, high = float(one["window_low"]), float(one["window_high"])
    return f"{one['window_level'].item()} {high:.0f} to {low:.0f} eV"
