"""States that an expert would sign: spectra told nothing but themselves and their region.

Question: does `xpsnet.fit(window)`, without any setting, find the states (not lines) that an expert
found? A state is one line or both lines of a doublet. Right means: every state of the expert above
15 % of the area is there, one to one, within 0.15 eV (0.25 eV for `operators`, whose axes were
aligned) and 10 points of the area, and the residual (root mean square, weighted by the root of the
counts) is not above 1.05 of the expert's. The expert's residual is that of `refine` with the
expert's states, started at the expert's centers and held within the tolerance of them, doublets
tied, asymmetric where the expert's lines are: the smaller of those with a Shirley and a Tougaard
background, of which one that ends at the expert's answer is preferred, because a smaller residual
at other areas is not the expert's. The windows and the answers are in `state_cases.py`.

Beside it, the same rule counts lines in place of states (both lines of a doublet by themselves),
because an answer in free lines may be the same curve. "Sure and wrong": not right, and status 0
although the reduced chi-square is above 1.5 with neighboring residuals correlated by more than 0.3
(a misfit), or although an asked state has nothing within two tolerances.

The measured files are not part of this repository: they are looked for where XPSNET_REAL_DATA
points, else in ../shared/data beside the checkout.

    python benchmarks/bench_states.py real [--out FILE] [--plot DIR] [--only WORD]

The same for windows that are cut narrower and measured for a shorter time (`window_variants.py`),
which most constants of the choice were not set with:

    python benchmarks/bench_states.py variants [--n 5] [--only WORD]

Simulated chemistry: the same question on spectra whose truth is known (`chemistry_spectra.py`: what
is drawn, and which states are asked for; `simulated_states.py`: what is right). Stacks of 100
spectra of one material, `fit(stack, neighbors=False)`; with --single every spectrum by itself.
Beside it, least squares from the truth that knows the family, on --truth of the spectra.

    python benchmarks/bench_states.py simulated [--n 20000] [--seed N] [--single] [--truth 4000]
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
from chemistry_spectra import draw_spectra, draw_system
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
from simulated_states import (
    OUTCOMES,
    answers,
    calibration,
    from_truth,
    outcome,
    stated,
    wanted_lines,
    wanted_states,
)
from state_cases import CASES, LEFT_OUT, Case
from window_variants import variants

import xpsnet
from xpsnet.data.status import Status

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("XPSNET_REAL_DATA", ROOT.parent / "shared" / "data"))
LARGEST_RESIDUAL = 1.05  # of the expert's
BACKGROUNDS = ("shirley+linear", "tougaard+linear")
BAD_CHI_SQUARE = 1.5
BAD_CORRELATION = 0.3


def starts(states: Sequence[State], slack: float) -> tuple[xr.Dataset, dict[str, Any], str]:
    """Start values, constraints (centers within `slack` [eV]) and line shape of states."""
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
        limits[f"center_{first}"] = (state.center - slack, state.center + slack)
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
            "state": ("peak", [number + 1 for _, number, _ in lines]),
        },
        coords={"peak": np.arange(1, len(lines) + 1)},
        attrs={"scale": "binding"},
    )
    return peaks, limits, "asymmetric_pseudo_voigt" if any_asymmetric else "pseudo_voigt"


def weighted(window: xr.DataArray, peaks: xr.Dataset) -> Floats:
    """Weighted residual of a fit on the window's axis."""
    drawn = xpsnet.curves(peaks, energy=window["energy"].values)
    return residual(window.values.astype(float), drawn["envelope"].values)


def by_expert(window: xr.DataArray, case: Case) -> tuple[float, str, bool]:
    """Weighted residual of the expert's states, its background, and whether it confirms them."""
    if not case.states:
        return np.nan, "", True
    peaks, limits, shape = starts(case.states, case.tolerance)
    fits = []
    for background in BACKGROUNDS:
        fit = xpsnet.refine(
            window, peaks, line_shape=shape, constraints=limits, background=background
        )
        verdict = judge(states_of(fit.assign(state=peaks["state"])), case.states, case.tolerance)
        fits.append((not verdict.right, root_mean_square(weighted(window, fit)), background))
    denied, limit, background = min(fits)
    return limit, background, not denied


def judged(case: Case, window: xr.DataArray) -> tuple[dict[str, Any], xr.Dataset]:
    """One row of the table, and the fit."""
    begin = time.perf_counter()
    peaks = xpsnet.fit(window)
    seconds = time.perf_counter() - begin
    found, lines, wanted = states_of(peaks), lines_of(peaks), expected(case.states)
    verdict = judge(found, case.states, case.tolerance)
    by_lines = judge(lines, as_lines(case.states), case.tolerance)
    (limit, background, confirmed), rest = by_expert(window, case), weighted(window, peaks)
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
        "expert_confirmed": confirmed,
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
    print_totals(totals)
    print("left out: " + "; ".join(f"{name} ({why})" for name, why in LEFT_OUT.items()))
    result = {"version": xpsnet.__version__, "totals": totals, "rows": rows}
    if out is not None:
        out.write_text(json.dumps(result, indent=1))
    return result


def print_totals(totals: dict[str, float]) -> None:
    """Print one figure a line, below a table."""
    print()
    for name, value in totals.items():
        print(f"{name}: {value:.4g}")


def of_variants(n: int, only: str = "") -> dict[str, Any]:
    """Judge n variants of every measured window; print the table and the totals, return both."""
    rows = []
    print(f"| window | right of {n} | sure and wrong |\n| --- | ---: | ---: |")
    for number, case in enumerate(CASES):
        if only not in case.name:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            window = case.read(DATA)
            found = [judged(case, one)[0] for one in variants(case, window, number, n)]
        rows += found
        counts = (sum(row[key] for row in found) for key in ("right", "sure_and_wrong"))
        print(f"| {case.name} | {' | '.join(map(str, counts))} |", flush=True)
    totals = {
        "windows": len(rows),
        "right (%)": _percent([row["right"] for row in rows]),
        "sure and wrong (%)": _percent([row["sure_and_wrong"] for row in rows]),
    }
    print_totals(totals)
    return {"totals": totals, "rows": rows}


def of_spectra(seed: int, n: int, single: bool, truth: int, stack: int) -> list[dict[str, Any]]:
    """Outcome of every simulated spectrum."""
    rows: list[dict[str, Any]] = []
    for number in range(-(-n // stack)):
        rng = np.random.default_rng([seed, number])
        spectra = draw_spectra(rng, draw_system(rng), min(stack, n - number * stack))
        compared = min(len(spectra.truth), -(-len(spectra.truth) * truth // n))
        best = from_truth(spectra.first(compared)) if compared else []
        begin = time.perf_counter()
        found = answers(spectra, single)
        seconds = (time.perf_counter() - begin) / len(found)
        for k, (peaks, known) in enumerate(zip(found, spectra.truth, strict=True)):
            states = [state.center for state in states_of(peaks)]
            lines = [line.center for line in lines_of(peaks)]
            wanted, in_lines = wanted_states(known), wanted_lines(known, spectra.system)
            about, probability = stated(peaks)
            result = outcome(states, wanted)
            by_lines = outcome(lines, in_lines)
            asked = sum(state.asked for state in wanted)
            rows.append(
                {
                    "kind": spectra.system.kind,
                    "level": spectra.system.level,
                    "largest": float(spectra.counts[k].max()),
                    "n_asked": asked,
                    "n_true": len(known),
                    "n_asked_by_counting": sum(s.worth_by_counting >= 20 for s in known),
                    "n_states": len(states),
                    "fit": result,
                    "lines": by_lines,
                    "truth": outcome(best[k], wanted) if k < compared else None,
                    "probability": probability,
                    # A position that is off is not what the probability of a number is about.
                    "as_stated": (result if about == "states" else by_lines)
                    in ("right", "misplaced"),
                    "status": int(peaks["status"]),
                    "redchi": float(peaks["redchi"]),
                    "seconds": seconds,
                }
            )
        if number % 20 == 19:
            done = np.mean([row["fit"] == "right" for row in rows])
            print(f"  {len(rows)} spectra, {100 * done:.1f} % right", flush=True)
    return rows


def simulated(seed: int, n: int, single: bool, truth: int, out: Path | None) -> dict[str, Any]:
    """Judge simulated spectra; print and return the figures."""
    rows = of_spectra(seed, n, single, truth, stack=4 if single else 100)
    kinds = sorted({row["kind"] for row in rows})
    numbers = sorted({row["n_asked"] for row in rows})
    groups = {"all": rows}
    groups |= {kind: [row for row in rows if row["kind"] == kind] for kind in kinds}
    groups |= {f"{k} asked": [row for row in rows if row["n_asked"] == k] for k in numbers}
    for low, high in ((1e2, 1e3), (1e3, 1e4), (1e4, 1e5), (1e5, 1e7)):
        part = [row for row in rows if low <= row["largest"] < high]
        groups |= {f"{low:.0e} counts": part} if part else {}
    both = [row for row in rows if row["truth"] is not None]
    table: dict[str, dict[str, float]] = {}
    print(f"{len(rows)} spectra, in %")
    print("| spectra | n | right | too few | too many | misplaced | right in lines "
          "| from the truth | too few | too many |")  # fmt: skip
    print("| --- |" + " ---: |" * 9)
    for name, part in groups.items():
        compared = [row for row in part if row["truth"] is not None]
        cells = {what: _percent([row["fit"] == what for row in part]) for what in OUTCOMES}
        cells["right in lines"] = _percent([row["lines"] == "right" for row in part])
        for what in OUTCOMES[:3]:
            cells[f"truth, {what}"] = _percent([row["truth"] == what for row in compared])
        table[name] = {"n": len(part), **cells}
        texts = " | ".join(f"{value:.1f}" for value in cells.values())
        print(f"| {name} | {len(part)} | {texts} |")
    probability = np.array([row["probability"] for row in rows])
    known = np.isfinite(probability)
    right = np.array([row["as_stated"] for row in rows])
    bins = calibration(probability[known], right[known])
    print("\n| stated probability from | spectra | stated (%) | right number (%) |")
    print("| ---: | ---: | ---: | ---: |")
    for cell in bins:
        print(f"| {cell['from']:g} | {cell['spectra']} | {100 * cell['stated']:.1f} "
              f"| {100 * cell['right']:.1f} |")  # fmt: skip
    wrong = [row for row in rows if row["fit"] in ("too few", "too many")]
    sure = _percent([row["status"] == Status.OK for row in wrong])
    milliseconds = 1e3 * float(np.median([row["seconds"] for row in rows]))
    print(f"\nstatus 0 where the number is wrong: {sure:.1f} %")
    print(f"milliseconds per spectrum (median): {milliseconds:.1f}")
    fit, best = (_percent([row[by] == "right" for row in both]) for by in ("fit", "truth"))
    print(f"right in the {len(both)} spectra fitted from the truth: {fit:.1f} and {best:.1f} %")
    result = {"table": table, "calibration": bins, "sure": sure, "rows": rows}
    if out is not None:
        out.write_text(json.dumps(result))
    return result


def _percent(values: Sequence[bool]) -> float:
    return 100 * float(np.mean(values)) if len(values) else np.nan


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Run one part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(dest="part", required=True)
    measured = parts.add_parser("real", help="measured windows of ../shared/data")
    measured.add_argument("--out", type=Path, help="JSON file of all rows")
    measured.add_argument("--plot", type=Path, help="folder for a picture of every window")
    measured.add_argument("--only", default="", help="windows whose name holds this text")
    varied = parts.add_parser("variants", help="the same windows, cut and measured for less time")
    varied.add_argument("--n", type=int, default=5, help="variants of every window")
    varied.add_argument("--only", default="", help="windows whose name holds this text")
    drawn = parts.add_parser("simulated", help="simulated core levels of real materials")
    drawn.add_argument("--n", type=int, default=20_000, help="spectra")
    drawn.add_argument("--seed", type=int, default=7_000_000)
    drawn.add_argument("--single", action="store_true", help="fit every spectrum by itself")
    drawn.add_argument("--truth", type=int, default=4000, help="spectra fitted from the truth")
    drawn.add_argument("--out", type=Path, help="JSON file of all spectra")
    chosen = parser.parse_args(arguments)
    if chosen.part == "simulated":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return simulated(chosen.seed, chosen.n, chosen.single, chosen.truth, chosen.out)
    if not DATA.is_dir():
        print(f"There are no measured spectra in {DATA}; XPSNET_REAL_DATA names their folder.")
        return {"rows": []}
    if chosen.part == "variants":
        return of_variants(chosen.n, chosen.only)
    return real(chosen.out, chosen.plot, chosen.only)


if __name__ == "__main__":
    main()
