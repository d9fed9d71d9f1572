"""The most that any program can get right of the number of peaks, and how near ours come.

Question: how often is the number of peaks right that is most probable under the simulation's own
prior (the ceiling: nobody who knows no more can be right more often), and how often those of
`predict`, of `fit`, and of least squares from the true peaks with the smallest BIC? Equal on all
sides: the spectra (the recipe of the training, other seeds). The posterior is sampled by
`ceiling_sampler`, which is given the axis and the covariance of the noise; `fit` and `predict` find
out the noise themselves. Half of its particles start around the true peaks and half around those
of `predict`, with peaks more and fewer. Where the moves do not forget that start, the posterior is
wrong: two seeds, and the chi-square beside that of the truth, show how often.

Spectra are written one by one into a file, so that a run that was stopped goes on:

    python benchmarks/bench_ceiling.py sample [--spectra 300] [--file ceiling.jsonl]
    python benchmarks/bench_ceiling.py table [--file ceiling.jsonl]

And without the posterior, for as many spectra as wanted:

    python benchmarks/bench_ceiling.py rule [--spectra 2000]
"""

import argparse
import json
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import ceiling_density as density
import ceiling_sampler as sampler
import numpy as np
import numpy.typing as npt
from bench_accuracy import core_level_task, criteria_from_truth, in_points

import xpsnet
from xpsnet.models import runtimes
from xpsnet.simulation import core_levels, instrument, recipes

Floats = npt.NDArray[np.float64]

SEED = 5_100_000
PARTICLES, ROUNDS, LAST_ROUNDS = 320, 2, 8
TWICE = 8  # spectra that are sampled with a second seed
PATIENT = 5  # times as many rounds, where the particles did not arrive at the posterior
TOO_HIGH = 25.0  # mean chi-square of the particles over that of the truth: not at the posterior
FLOOR = 0.5 / (PARTICLES * LAST_ROUNDS)  # least probability that is scored
LEAST = recipes.RawRecipe().min_chi_square
BAND, BORDER = (10, 30), (15, 25)  # around the rule of least worth
STEP = 0.05  # eV
CORRELATED, SMOOTHED_TWICE = 0.33, 0.33  # of `instrument.draw_noise`


class Recorder(instrument.NumpyDraw):
    """Keeps the random numbers that it gave since `start`."""

    def start(self) -> None:
        """Forget all."""
        self.uniforms: list[Floats] = []
        self.normals: list[Floats] = []

    def uniform(self, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0) -> Any:
        """As `NumpyDraw`."""
        self.uniforms.append(super().uniform(shape, low, high))
        return self.uniforms[-1]

    def normal(self, shape: tuple[int, ...]) -> Any:
        """As `NumpyDraw`."""
        self.normals.append(super().normal(shape))
        return self.normals[-1]


@dataclass(frozen=True)
class Drawn:
    """A simulated spectrum with all that its truth is.

    `sigma` (n,): standard deviation of averages of the noise, as the rule of least worth takes it;
    `worth`: what the drawn peaks are worth (chi-square); `guide`: the truth as a state.
    """

    data: density.Data
    sigma: Floats
    batch: recipes.Batch
    worth: Floats
    guide: density.State

    @property
    def n_peaks(self) -> int:
        """True number of peaks, by the rule."""
        return int(self.batch["n_peaks"][0])


def draw(number: int) -> Drawn:
    """Simulate the spectrum of this number."""
    kept: dict[str, Any] = {}
    recorder = Recorder(SEED + number)
    recorder.start()

    def recorded(module: Any, name: str) -> Any:
        original = getattr(module, name)

        def wrapped(*arguments: Any) -> Any:
            recorder.start()
            kept[name] = original(*arguments)
            kept[f"{name} draws"] = recorder.uniforms, recorder.normals
            recorder.start()
            return kept[name]

        return mock.patch.object(module, name, wrapped)

    with (
        recorded(instrument, "measured_axis"),
        recorded(instrument, "draw_background"),
        recorded(instrument, "draw_sigma"),
        recorded(instrument, "draw_noise"),
        recorded(instrument, "draw_spikes"),
        recorded(core_levels, "_draw_peaks"),
        recorded(core_levels, "_draw_shape"),
        recorded(core_levels, "chi_squares"),
    ):
        batch = core_levels.draw_raw(np, recorder, 1, core_levels.RawRecipe())
    n = int(batch["points"][0, 0])
    sigma = kept["draw_sigma"][0][0, :n].astype(float)
    taken, _, axis = kept["measured_axis"]
    white = 1 / sigma
    covariance = _covariance(kept["draw_noise draws"][0], kept["draw_spikes"][0, :n] > 0)
    if covariance is not None:
        white = np.linalg.inv(np.linalg.cholesky(covariance)) / sigma
    narrowest = max(5.0 / (float(taken[0, 0]) - 1), 0.01)
    data = density.Data(
        axis[0, :n].astype(float), batch["counts"][0, :n].astype(float), white, narrowest
    )
    worth = (kept["chi_squares"] * kept["_draw_peaks"]["present"])[0].astype(float)
    inflation = float(kept["draw_noise"][1][0, 0])
    return Drawn(data, sigma * inflation, batch, worth, _guide(kept))


def _covariance(draws: list[Floats], spike: Any) -> Floats | None:
    """Correlation of neighboring noise; a point with a spike says nothing. None for white noise."""
    s, smoothed, twice = (float(part[0, 0]) for part in draws[:3])
    kernel = np.array([s, 1.0, s]) if smoothed < CORRELATED else np.ones(1)
    if twice < SMOOTHED_TWICE and kernel.size > 1:
        kernel = np.convolve(kernel, kernel)
    if kernel.size == 1 and not spike.any():
        return None
    kernel = kernel / np.sqrt((kernel**2).sum())
    own = np.convolve(kernel, kernel)[kernel.size - 1 :]
    apart = np.abs(np.subtract.outer(np.arange(spike.size), np.arange(spike.size)))
    full = np.where(apart < own.size, own[np.minimum(apart, own.size - 1)], 0.0)
    # Smoothed noise can lack a frequency altogether.
    return np.asarray(full + np.diag(1e-4 + 1e8 * spike))


def _guide(kept: dict[str, Any]) -> density.State:
    """The truth as a state of `ceiling_density`."""
    peaks = {name: values[0].astype(float) for name, values in kept["_draw_peaks"].items()}
    on = peaks["present"] > 0
    uniforms, normals = (
        [values.ravel().astype(float) for values in part] for part in kept["draw_background draws"]
    )
    some, _, shirley, tougaard, side, place, foot = uniforms
    slope, bend = normals
    drawn = np.array([0.25 * slope[0], 0.25 * bend[0], shirley[0], tougaard[0], foot[0]])
    skew, tail, band, shift = (float(part[0, 0]) for part in kept["_draw_shape"])
    kind = 1 if band > 0 else 3 if tail > 0 else 2 if skew > 0 else 0
    middle = 0.5 * (density.SHAPE_LOW + density.SHAPE_HIGH)
    shape = np.array([skew, tail, band, shift])
    width = np.log(peaks["fwhm"])
    return {
        "on": on,
        "center": peaks["center"],
        "width": width,
        "height": np.log(np.maximum(peaks["height"], 1e-6)),
        "fraction": peaks["fraction"],
        "typical": width[on].mean() if on.any() else width.mean(),
        "common": peaks["fraction"][0],
        "terms": np.where(some < density.TERMS, drawn, 0.0),
        "place": 0.5 + (-place[0] if side[0] < 0.5 else place[0]),
        "kind": kind,
        "shape": np.where(shape > 0, shape, middle),
        "scale": 1.0,
    }


def guide_of_network(drawn: Drawn) -> density.State:
    """The peaks that `predict` finds as a state of the sampler, on the true background."""
    found = in_points(core_level_task(drawn.batch), "default", drawn.batch).isel(spectrum=0)
    k = int(found["n_peaks"])
    on = np.arange(density.SLOTS) < k
    span = drawn.data.axis.size - 1
    units = {"center": span, "fwhm": span, "height": 1 / float(drawn.batch["scale"][0, 0])}
    peaks = {name: np.full(density.SLOTS, 0.5) for name in ("center", "fwhm", "height", "fraction")}
    for name, values in peaks.items():
        values[:k] = found[name].values[:k] / units.get(name, 1.0)
    width = np.log(np.clip(peaks["fwhm"], drawn.data.narrowest, drawn.data.widest))
    return {
        **drawn.guide,
        "on": on,
        "center": peaks["center"],
        "width": width,
        "height": np.log(np.maximum(peaks["height"], 1e-6)),
        "fraction": np.clip(peaks["fraction"], 0, 1),
        "typical": width[:k].mean() if k else drawn.guide["typical"],
        "kind": 0,
    }


def sample(
    drawn: Drawn, guides: tuple[density.State, ...], seed: tuple[int, ...], size: tuple[int, int]
) -> dict[str, Any]:
    """Posterior probability of every number of peaks, and how it was found.

    `guides`: particles start around them; `size`: number of particles, and of rounds of moves.
    """
    particles, rounds = size
    start = time.process_time()
    rng = np.random.default_rng(seed)
    n = drawn.data.axis.size
    offset = float(drawn.batch["background"][0, :n].min())
    cloud = sampler.Sampler(rng, drawn.data, particles, offset, guides)
    log_z, ladder = sampler.anneal(rng, cloud, rounds)
    votes = np.zeros(density.SLOTS + 1)
    for _ in range(LAST_ROUNDS):
        cloud.move(1.0, 1)
        worth = density.chi_squares(cloud.state, drawn.data, drawn.sigma)
        found = (worth >= LEAST).sum(axis=1)
        votes += np.bincount(found, minlength=votes.size)
    return {
        "log_z": log_z + cloud.log_inside,
        "particles": cloud.n,
        "steps": len(ladder),
        "probability": (votes / votes.sum()).round(5).tolist(),
        "chi_square": float(cloud.curves.chi_square.mean()),
        "cpu": time.process_time() - start,
    }


def _chi_square(drawn: Drawn) -> float:
    """Chi-square of the truth."""
    rows = {name: np.asarray(values)[None] for name, values in drawn.guide.items()}
    state = {**rows, "empty_scale": np.zeros(1)}
    curves = density.residuals(state, density.all_lines(state, drawn.data), drawn.data)
    return float(curves.chi_square[0])


def described(drawn: Drawn) -> dict[str, Any]:
    """What a row says of the spectrum."""
    return {
        "true": drawn.n_peaks,
        "drawn": int(drawn.guide["on"].sum()),
        "worth": np.sort(drawn.worth)[::-1].round(2).tolist(),
        "points": drawn.data.axis.size,
        "noise": float(drawn.batch["relative_noise"][0, 0]),
        "kind": drawn.guide["kind"],
    }


def run(file: Path, spectra: int, particles: int, rounds: int) -> None:
    """Sample what the file does not hold yet."""
    done = {(row["number"], row["seed"]) for row in read(file)}
    for number in range(spectra):
        for seed in (0, 1) if number < TWICE else (0,):
            if (number, seed) in done:
                continue
            drawn = draw(number)
            row = {"number": number, "seed": seed, **described(drawn)}
            guides = drawn.guide, guide_of_network(drawn)
            row |= sample(drawn, guides, (number, seed), (particles, rounds))
            if row["chi_square"] > TOO_HIGH + _chi_square(drawn):
                again = sample(drawn, guides, (number, seed, 1), (particles, PATIENT * rounds))
                row |= again if again["log_z"] > row["log_z"] else {}
            with file.open("a", encoding="utf-8") as out:
                out.write(json.dumps(row) + "\n")


def read(file: Path) -> list[dict[str, Any]]:
    """Rows of the file."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@dataclass(frozen=True)
class Answers:
    """Answers of one method: probabilities of every number (n, 7), or NaN, and numbers (n,)."""

    name: str
    probability: Floats
    number: npt.NDArray[np.int64]


def answers(rows: list[dict[str, Any]]) -> list[Answers]:
    """What every method says of these spectra."""
    drawn = [draw(row["number"]).batch for row in rows]
    batch = {name: np.concatenate([one[name] for one in drawn]) for name in drawn[0]}
    task = core_level_task(batch)
    inputs = np.concatenate([batch["spectra"], batch["known"]], axis=-1).astype(np.float32)
    logits = runtimes.get_engine(xpsnet.load_model("default"), "cpu")(inputs)["count_logits"]
    network = np.exp(logits - logits.max(axis=1, keepdims=True)).astype(float)
    network = network / network.sum(axis=1, keepdims=True)
    # Over the number of the point, 384 points would be 383 eV: a survey, which `fit` refuses.
    window = task.spectra.assign_coords(energy=STEP * task.spectra["energy"])
    fitted = xpsnet.fit(window, neighbors=False, follow=False, device="cpu")
    bic, _ = criteria_from_truth(task, density.SLOTS)
    bic = np.where(np.isfinite(bic), bic, 1e300)
    weight = np.exp(-0.5 * (bic - bic.min(axis=1, keepdims=True)))
    weight = weight / weight.sum(axis=1, keepdims=True)
    none = np.full_like(network, np.nan)
    found = [
        Answers("`predict`", network, network.argmax(axis=1)),
        Answers("`fit`", none, fitted["n_peaks"].values),
        Answers("least squares from the truth, BIC", weight, bic.argmin(axis=1)),
    ]
    if "probability" in rows[0]:
        exact = np.array([row["probability"] for row in rows])
        found.insert(0, Answers("sampled posterior, most probable", exact, exact.argmax(axis=1)))
    return found


def print_counts(rows: list[dict[str, Any]], every: list[Answers]) -> None:
    """Numbers right by the true number, log score, and how true the stated probabilities are."""
    truth = np.array([row["true"] for row in rows])
    numbers = np.unique(truth)
    head = " | ".join(f"{k} ({(truth == k).sum()})" for k in numbers)
    print(f"{truth.size} spectra; numbers of peaks right in %, standard error in brackets\n")
    print(f"| method | all | {head} | ln score | stated | gap |")
    print("| --- |" + " ---: |" * (numbers.size + 4))
    exact, versus = every[0].number == truth, []
    for one in every:
        right = one.number == truth
        cells = [f"{100 * right[truth == k].mean():.0f}" for k in numbers]
        error = np.sqrt(right.mean() * (1 - right.mean()) / truth.size)
        own = one.probability[np.arange(truth.size), truth]
        score = np.log(np.maximum(own, FLOOR)).mean()
        top = one.probability.max(axis=1)
        print(
            f"| {one.name} | {100 * right.mean():.1f} ({100 * error:.1f}) | {' | '.join(cells)} "
            f"| {score:.3f} | {100 * top.mean():.1f} | {100 * _gap(top, right):.1f} |"
        )
        only, other = (exact & ~right).sum(), (right & ~exact).sum()
        versus.append(f"{one.name}: {only} right by the posterior alone, {other} by it alone")
    if every[0].name.startswith("sampled"):
        print("\n" + "\n".join(versus[1:]))


def _gap(stated: Floats, right: npt.NDArray[np.bool_]) -> float:
    """Mean distance of stated and seen probability in five bins of equal size."""
    parts = np.array_split(np.argsort(stated), 5)
    return float(
        sum(len(part) * abs(stated[part].mean() - right[part].mean()) for part in parts)
        / stated.size
    )


def print_border(rows: list[dict[str, Any]], every: list[Answers]) -> None:
    """How much of what is wrong lies at the rule of least worth."""
    truth = np.array([row["true"] for row in rows])
    worth = np.array([row["worth"] for row in rows])
    near = ((worth > BAND[0]) & (worth < BAND[1])).any(axis=1)
    close = (worth > BORDER[0]) & (worth < BORDER[1])
    fewest = ((worth >= LEAST) & ~close).sum(axis=1)
    most = fewest + close.sum(axis=1)
    print(
        f"\n{near.sum()} of {truth.size} spectra have a peak worth {BAND[0]} to {BAND[1]}, "
        f"{close.any(axis=1).sum()} one worth {BORDER[0]} to {BORDER[1]}\n"
    )
    print("| method | wrong | of these with a peak near the rule | right (%): all | without the "
          "border | either number at the border |")  # fmt: skip
    print("| --- |" + " ---: |" * 5)
    for one in every:
        right = one.number == truth
        either = (one.number >= fewest) & (one.number <= most)
        clear = ~close.any(axis=1)
        print(
            f"| {one.name} | {(~right).sum()} | {(~right & near).sum()} | "
            f"{100 * right.mean():.1f} | {100 * right[clear].mean():.1f} | "
            f"{100 * either.mean():.1f} |"
        )


def print_spread(rows: list[dict[str, Any]]) -> None:
    """How far two seeds are from each other."""
    by = {(row["number"], row["seed"]): row for row in rows}
    pairs = [(by[n, 0], by[n, 1]) for n, seed in by if seed == 1 and (n, 0) in by]
    stuck = [
        row["number"]
        for row in rows
        if row["seed"] == 0 and row["chi_square"] > TOO_HIGH + _chi_square(draw(row["number"]))
    ]
    print(f"\nchi-square more than {TOO_HIGH:g} above that of the truth: spectra {stuck}")
    if not pairs:
        return
    evidence = np.abs([a["log_z"] - b["log_z"] for a, b in pairs])
    apart = [0.5 * np.abs(np.subtract(a["probability"], b["probability"])).sum() for a, b in pairs]
    same = [np.argmax(a["probability"]) == np.argmax(b["probability"]) for a, b in pairs]
    print(
        f"\ntwo seeds, {len(pairs)} spectra: ln evidence apart by {np.median(evidence):.2f} in "
        f"the median, {np.quantile(evidence, 0.9):.2f} in 90 %; probability moved "
        f"{np.mean(apart):.3f} in the mean; same most probable number in {sum(same)}"
    )


def print_tables(rows: list[dict[str, Any]]) -> None:
    """All tables of rows with the posterior, or of others."""
    first = [row for row in rows if row.get("seed", 0) == 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        every = answers(first)
    print_counts(first, every)
    print_border(first, every)
    if "probability" in rows[0]:
        print_spread(rows)
        cpu = np.sum([row["cpu"] for row in rows])
        print(f"{cpu / 60:.0f} minutes of processor time for {len(rows)} posteriors")


def main(arguments: list[str] | None = None) -> None:
    """Sample, or print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("sample", "table", "rule"))
    parser.add_argument("--spectra", type=int, default=300)
    parser.add_argument("--file", type=Path, default=Path("ceiling.jsonl"))
    parser.add_argument("--particles", type=int, default=PARTICLES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    chosen = parser.parse_args(arguments)
    if chosen.what == "sample":
        run(chosen.file, chosen.spectra, chosen.particles, chosen.rounds)
    elif chosen.what == "table":
        print_tables(read(chosen.file))
    else:
        print_tables([{"number": n, **described(draw(n))} for n in range(chosen.spectra)])


if __name__ == "__main__":
    main()
