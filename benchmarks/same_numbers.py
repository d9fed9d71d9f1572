"""Does the library still give the same numbers? For changes that must not change an answer.

Question: are fits and predictions of the bundled samples and of 200 simulated spectra the same
before and after a change of the code? Baseline: a file of arrays that this script wrote with the
code before. Equal on both sides: the spectra, the machine and the packages. Integers and texts have
to be equal, numbers to 1e-9 of themselves, probabilities to 1e-6.

    git stash; python benchmarks/same_numbers.py --write before.npz; git stash pop
    python benchmarks/same_numbers.py --compare before.npz
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr

import xpsnet
from xpsnet.numerics.backgrounds import BACKGROUNDS
from xpsnet.numerics.lineshapes import LINE_SHAPES

Arrays = dict[str, np.ndarray]
Results = Iterator[tuple[str, xr.Dataset]]
LINKS = {
    "center_2": "center_1 + (1.0, 2.0)", "fwhm_2": "fwhm_1", "fwhm_3": "fwhm_1",
    "area_3": "0.5 * area_1",
}  # fmt: skip
HELD = {"fraction": 0.3, "center_1": (284.0, 285.0)}
NUMBERS, PROBABILITIES = 1e-9, 1e-6


def spectra(n_simulated: int) -> dict[str, xr.DataArray]:
    """The samples, also on the other scale and in the other order, and simulated spectra."""
    spectrum, line, area = (xpsnet.sample(name) for name in ("spectrum", "line_scan", "map"))
    return {
        "spectrum": spectrum,
        "line": line,
        "kinetic": xpsnet.to_kinetic(line),
        "backwards": line[:, ::-1],
        "area": area[20:44, 10:34],
        "simulated": xpsnet.simulate(n_simulated, "default", 7)["spectra"],
    }


def predictions(given: dict[str, xr.DataArray]) -> Results:
    """What the networks find."""
    for name, some in given.items():
        yield f"predict {name}", xpsnet.predict(some, device="cpu")
    some = given["simulated"][:50]
    yield "predict every count", xpsnet.predict(some, all_counts=True, device="cpu")
    yield "predict two peaks", xpsnet.predict(some, n_peaks=2, device="cpu")
    yield "predict park2020", xpsnet.predict(some, model="park2020", device="cpu")
    yield "predict lazy", xpsnet.predict(given["line"].chunk(position=16), device="cpu").compute()


def refinements(given: dict[str, xr.DataArray]) -> Results:
    """Refined peaks of the network, by both engines and with every kind of option."""
    starts = {name: xpsnet.predict(some, device="cpu") for name, some in given.items()}
    for name, some in given.items():
        yield f"refine {name}", xpsnet.refine(some, starts[name], engine="batch", covariance=True)
    lazy = xpsnet.refine(given["line"].chunk(position=16), starts["line"])
    yield "refine lazy", lazy.compute()
    one, its = given["spectrum"], starts["spectrum"]
    few, theirs = given["line"][:6], starts["line"].isel(position=slice(0, 6))
    kinetic = given["kinetic"][:6], starts["kinetic"].isel(position=slice(0, 6))
    for engine in ("lmfit", "batch"):
        how = {"engine": engine, "covariance": True}
        for background in (*BACKGROUNDS, "auto", "static shirley", "static tougaard"):
            yield f"{background} {engine}", xpsnet.refine(one, its, background=background, **how)
        for shape in LINE_SHAPES:
            yield f"{shape} {engine}", xpsnet.refine(few, theirs, line_shape=shape, **how)
        yield f"links {engine}", xpsnet.refine(one, its, constraints=LINKS, **how)
        yield f"held {engine}", xpsnet.refine(one, its, constraints=HELD, **how)
        yield f"free {engine}", xpsnet.refine(few, theirs, shared=(), **how)
        yield f"doublet {engine}", xpsnet.refine(few, theirs, doublets=["Si 2p"], **how)
        yield f"kinetic {engine}", xpsnet.refine(*kinetic, doublets=["Si 2p"], **how)
        yield f"noise {engine}", xpsnet.refine(few, theirs, noise=30.0, scale_errors=True, **how)


def fits(given: dict[str, xr.DataArray]) -> Results:
    """The main job, and what follows from it."""
    for name, some in given.items():
        alone = {"neighbors": False} if name == "simulated" else {}
        yield f"fit {name}", xpsnet.fit(some, device="cpu", covariance=name == "line", **alone)
    one, line, area = given["spectrum"], given["line"], given["area"]
    yield "fit lazy line", xpsnet.fit(line.chunk(position=16), device="cpu").compute()
    yield "fit lazy area", xpsnet.fit(area.chunk(y=8), device="cpu").compute()
    yield "fit doublets", xpsnet.fit(line, doublets=["Si 2p"], device="cpu")
    yield "fit three peaks", xpsnet.fit(line, n_peaks=3, device="cpu")
    yield "fit background", xpsnet.fit(line, background="auto", device="cpu")
    yield "fit held background", xpsnet.fit(line, background="static shirley", device="cpu")
    yield "follow", xpsnet.follow(xpsnet.fit(line, follow=False, device="cpu"))
    peaks = xpsnet.fit(one, device="cpu")
    yield "confidence", xpsnet.confidence(one, peaks)
    yield "curves", xpsnet.curves(peaks)
    model, params = xpsnet.to_lmfit(one, peaks)
    weights = 1 / float(peaks["noise"])
    found = model.fit(
        one.values, params, energy=one["energy"].values, weights=weights, scale_covar=False
    )
    yield "from lmfit", xpsnet.from_lmfit(found, peaks)


def collected(n_simulated: int) -> Arrays:
    """Arrays of all results by "result/variable"."""
    given = spectra(n_simulated)
    arrays = {}
    for stage in (predictions, refinements, fits):
        for name, result in stage(given):
            for key, variable in result.variables.items():
                values = np.asarray(variable.values)
                plain = values.astype(str) if values.dtype.kind in "OU" else values
                arrays[f"{name}/{key}"] = plain
    return arrays


def difference(name: str, before: np.ndarray, after: np.ndarray) -> str | None:
    """How two arrays differ, None where they do not."""
    if before.shape != after.shape:
        return f"shape {before.shape} became {after.shape}"
    if before.dtype.kind not in "f":
        differing = int((before != after).sum())
        return f"{differing} of {before.size} values differ" if differing else None
    if not np.array_equal(np.isnan(before), np.isnan(after)):
        return f"{np.isnan(before).sum()} NaN became {np.isnan(after).sum()}"
    finite = np.isfinite(before)  # else infinite, as the degrees of freedom of a known noise
    off = np.abs(np.subtract(after, before, out=np.zeros_like(before), where=before != after))
    scale = np.abs(before[finite]).max(initial=0.0)
    allowed = np.where(finite, NUMBERS * np.abs(before) + 1e-3 * NUMBERS * scale, 0.0)
    if "probability" in name:
        allowed = np.full_like(off, PROBABILITIES)
    worst = np.nanmax(np.where(off > allowed, off, 0.0), initial=0.0)
    return f"largest difference {worst:.3g} where values reach {scale:.3g}" if worst else None


def main(arguments: list[str] | None = None) -> int:
    """Write the arrays, or compare them; returns how many arrays differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", type=Path)
    what.add_argument("--compare", type=Path)
    parser.add_argument("--simulated", type=int, default=200)
    chosen = parser.parse_args(arguments)
    after = collected(chosen.simulated)
    if chosen.write:
        np.savez_compressed(chosen.write, **after)
        print(f"{len(after)} arrays written to {chosen.write}")
        return 0
    with np.load(chosen.compare, allow_pickle=False) as file:
        before = {name: file[name] for name in file.files}
    found = dict.fromkeys(before.keys() - after.keys(), "is missing")
    found |= dict.fromkeys(after.keys() - before.keys(), "is new")
    for name in before.keys() & after.keys():
        if text := difference(name, before[name], after[name]):
            found[name] = text
    for name, text in sorted(found.items()):
        print(f"{name}: {text}")
    print(f"{len(before)} arrays, {len(found)} differ")
    return len(found)


if __name__ == "__main__":
    raise SystemExit(bool(main()))
