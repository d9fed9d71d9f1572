"""States that an expert would sign: measured windows, told nothing but the spectrum and its region.

Question: does `xpsnet.fit(window)`, without any setting, find the states (not lines) that an expert
found? A state is one line or both lines of a doublet. Right means: every state of the expert above
15 % of the area is there, one to one, within 0.15 eV (0.25 eV for `operators`, whose axes were
aligned) and 10 points of the area, and the residual (root mean square, weighted by the root of the
counts) is not above 1.05 of the expert's. The expert's residual is the smallest that `refine`
reaches with the expert's states, started at the expert's centers and held within 0.3 eV of them,
doublets tied, asymmetric where the expert's lines are, with a Shirley or a Tougaard background. The
windows and the answers are in `state_cases.py`.

Beside it, the same rule counts lines in place of states (both lines of a doublet by themselves),
because an answer in free lines may be the same curve. "Sure and wrong": not right, and status 0
although the reduced chi-square is above 1.5 with neighboring residuals correlated by more than 0.3
(a misfit), or although an asked state has nothing within two tolerances.

The measured files are not part of this repository: they are looked for where XPSNET_REAL_DATA
points, else in ../shared/data beside the checkout.

    python benchmarks/bench_states.py real [--out FILE] [--plot DIR] [--only WORD]
"""

import argparse
import json
import os
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from judged_states import (
    Floats,
    State,
    as_lines,
    correlation,
    expected,
    judge,
    lines_of,
    residual,
    root_mean_square,
    states_of,
)
from state_cases import CASES, LEFT_OUT, Case

import xpsnet
from xpsnet.data.status import Status

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("XPSNET_REAL_DATA", ROOT.parent / "shared" / "data"))
LARGEST_RESIDUAL = 1.05  # of the expert's
BACKGROUNDS = ("shirley+linear", "tougaard+linear")
SLACK = 0.3  # eV, of the expert's centers
BAD_CHI_SQUARE = 1.5
BAD_CORRELATION = 0.3


def starts(states: Sequence[State]) -> tuple[xr.Dataset, dict[str, Any], str]:
    """Start values, constraints and line shape of an expert's states."""
    lines = [(state.center, number, False) for number, state in enumerate(states)]
    lines += [
        (state.center + state.pair.splitting, number, True)
        for number, state in enumerate(states)
        if state.pair
    ]
    lines.sort()
    place = {(number, second): k + 1 for k, (_, number, second) in enumerate(lines)}
    any_asymmetric = any(state.asymmetric for state in states)
    limits: dict[str, Any] = {}
    for number, state in enumerate(states):
        first = place[number, False]
        limits[f"center_{first}"] = (state.center - SLACK, state.center + SLACK)
        limits[f"fwhm_{first}"] = (0.3, 9.0)
        if any_asymmetric and not state.asymmetric:
            limits[f"asymmetry_{first}"] = 0.0
        if state.pair is None:
            continue
        second, pair = place[number, True], state.pair
        low, high = pair.ratio * (1 - pair.ratio_range), pair.ratio * (1 + pair.ratio_range)
        near, far = 0.97 * pair.splitting, 1.03 * pair.splitting
        limits[f"center_{second}"] = f"center_{first} + ({near}, {far})"
        limits[f"area_{second}"] = f"area_{first} * ({low}, {high})"
        narrow, wide = pair.width_range
        same = narrow == wide == 1.0
        limits[f"fwhm_{second}"] = f"fwhm_{first}" + ("" if same else f" * ({narrow}, {wide})")
        if any_asymmetric:
            limits[f"asymmetry_{second}"] = f"asymmetry_{first}"
    peaks = xr.Dataset(
        {
            "center": ("peak", [center for center, _, _ in lines]),
            "fwhm": ("peak", [states[number].fwhm for _, number, _ in lines]),
        },
        coords={"peak": np.arange(1, len(lines) + 1)},
        attrs={"scale": "binding"},
    )
    return peaks, limits, "asymmetric_pseudo_voigt" if any_asymmetric else "pseudo_voigt"


def weighted(window: xr.DataArray, peaks: xr.Dataset) -> Floats:
    """Weighted residual of a fit on the window's axis."""
    drawn = xpsnet.curves(peaks, energy=window["energy"].values)
    return residual(window.values.astype(float), drawn["envelope"].values)


def by_expert(window: xr.DataArray, states: Sequence[State]) -> tuple[float, str]:
    """Smallest weighted residual of the expert's states and its background; NaN if no states."""
    if not states:
        return np.nan, ""
    peaks, limits, shape = starts(states)
    fits = {
        background: xpsnet.refine(
            window, peaks, line_shape=shape, constraints=limits, background=background
        )
        for background in BACKGROUNDS
    }
    return min((root_mean_square(weighted(window, fit)), name) for name, fit in fits.items())


def judged(case: Case, window: xr.DataArray) -> tuple[dict[str, Any], xr.Dataset]:
    """One row of the table, and the fit."""
    begin = time.perf_counter()
    peaks = xpsnet.fit(window)
    seconds = time.perf_counter() - begin
    found, lines, wanted = states_of(peaks), lines_of(peaks), expected(case.states)
    verdict = judge(found, case.states, case.tolerance)
    by_lines = judge(lines, as_lines(case.states), case.tolerance)
    (limit, background), rest = by_expert(window, case.states), weighted(window, peaks)
    ratio = root_mean_square(rest) / limit
    close = not case.states or ratio <= LARGEST_RESIDUAL
    status = int(peaks["status"])
    misfit = float(peaks["redchi"]) > BAD_CHI_SQUARE and correlation(rest) > BAD_CORRELATION
    right = verdict.right and close
    why = [verdict.why] if verdict.why else []
    if not close:
        why.append(f"residual {ratio:.2f} of the expert's")
    row = {
        "case": case.name,
        "file": case.file,
        "level": case.level,
        "expert": [[round(s.center, 2), round(s.share, 1), asked] for s, asked in wanted],
        "found": [[round(s.center, 3), round(s.share, 2)] for s in found],
        "n_expert": len(wanted),
        "n_states": len(found),
        "n_lines": len(lines),
        "status": status,
        "status_word": Status(status).name,
        "redchi": float(peaks["redchi"]),
        "correlation": correlation(rest),
        "residual_ratio": ratio,
        "expert_background": background,
        "right": bool(right),
        "right_in_lines": bool(by_lines.right and close),
        "misfit": bool(misfit),
        "sure_and_wrong": bool(status == Status.OK and not right and (misfit or verdict.far)),
        "why": "; ".join(why),
        "source": case.source,
        "seconds": seconds,
    }  # fmt: skip
    return row, peaks


def draw(case: Case, window: xr.DataArray, peaks: xr.Dataset, title: str, out: Path) -> None:
    """Draw a fit over its window, with the expert's centers as lines."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    drawn = xpsnet.curves(peaks, energy=window["energy"].values)
    axes.plot(window["energy"], window.values, ".", color="0.4", markersize=3)
    for component in drawn["component"].transpose("peak", "energy").values:
        axes.plot(window["energy"], drawn["background"].values + component, linewidth=1)
    axes.plot(window["energy"], drawn["envelope"], color="black", linewidth=1)
    axes.plot(window["energy"], drawn["background"], color="0.5", linestyle="--", linewidth=1)
    for state, asked in expected(case.states):
        axes.axvline(state.center, color="tab:red", alpha=0.8 if asked else 0.25, linewidth=1)
    axes.invert_xaxis()
    axes.set(xlabel="Binding energy (eV)", title=title)
    name = "".join(c if c.isalnum() else "_" for c in case.name)
    figure.savefig(out / f"{name}.png", dpi=80)


def text_of(states: list[list[Any]]) -> str:
    """Centers and shares in one cell; what is not asked for in brackets."""
    cells = []
    for center, share, *asked in states:
        cell = f"{center:.2f} ({share:.0f} %)"
        cells.append(cell if all(asked) else f"[{cell}]")
    return ", ".join(cells) or "none"


def real(out: Path | None, plot: Path | None, only: str = "") -> dict[str, Any]:
    """Judge all measured windows; print the table and the totals, and return both."""
    if not DATA.is_dir():
        print(f"There are no measured spectra in {DATA}; XPSNET_REAL_DATA names their folder.")
        return {"rows": []}
    rows = []
    print("| window | expert: eV (area) | fit: eV (area) | states | lines | residual | redchi "
          "| status | right | in lines | sure and wrong | why not |")  # fmt: skip
    print("| --- | --- | --- | ---: | ---: | ---: | ---: | --- | --- | --- | --- | --- |")
    for case in (case for case in CASES if only in case.name):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # what the files do not say
            window = case.read(DATA)
            row, peaks = judged(case, window)
        rows.append(row)
        marks = ["yes" if row[key] else "no" for key in ("right", "right_in_lines")]
        sure = "sure and wrong" if row["sure_and_wrong"] else ""
        print(
            f"| {case.name} | {text_of(row['expert'])} | {text_of(row['found'])} "
            f"| {row['n_states']} of {row['n_expert']} | {row['n_lines']} "
            f"| {row['residual_ratio']:.2f} | {row['redchi']:.2f} | {row['status_word']} "
            f"| {' | '.join(marks)} | {sure} | {row['why']} |",
            flush=True,
        )
        if plot is not None:
            plot.mkdir(parents=True, exist_ok=True)
            draw(case, window, peaks, f"{case.name}: {row['why'] or 'right'}", plot)
    totals = {
        "windows": len(rows),
        "right": sum(row["right"] for row in rows),
        "right, counted in lines": sum(row["right_in_lines"] for row in rows),
        "status 0": sum(row["status"] == Status.OK for row in rows),
        "status 0 with a misfit": sum(row["misfit"] and row["status"] == Status.OK for row in rows),
        "sure and wrong": sum(row["sure_and_wrong"] for row in rows),
        "states per window, expert": float(np.mean([row["n_expert"] for row in rows])),
        "states per window, fit": float(np.mean([row["n_states"] for row in rows])),
        "lines per window, fit": float(np.mean([row["n_lines"] for row in rows])),
    }
    print()
    for name, value in totals.items():
        print(f"{name}: {value:.4g}")
    print("left out: " + "; ".join(f"{name} ({why})" for name, why in LEFT_OUT.items()))
    result = {"version": xpsnet.__version__, "totals": totals, "rows": rows}
    if out is not None:
        out.write_text(json.dumps(result, indent=1))
    return result


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Run one part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(dest="part", required=True)
    measured = parts.add_parser("real", help="measured windows of ../shared/data")
    measured.add_argument("--out", type=Path, help="JSON file of all rows")
    measured.add_argument("--plot", type=Path, help="folder for a picture of every window")
    measured.add_argument("--only", default="", help="windows whose name holds this text")
    chosen = parser.parse_args(arguments)
    return real(chosen.out, chosen.plot, chosen.only)


if __name__ == "__main__":
    main()
