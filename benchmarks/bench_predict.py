"""How fast is prediction, and what does a person wait for?

Throughput: spectra per second of `xpsnet.predict` from a DataArray to a Dataset (network, heights,
background, noise), of its two runtimes alone, of what a person would do without us (the smoothed
second derivative and least squares for 0 to 6 peaks, count by BIC; with lmfit, and with our batched
engine), and the arithmetic floor: the multiply-adds of the network, counted in its graph, at the
speed of float32 matrix products of numpy. Equal on all sides: the spectra (those of the default
recipe on 401 points), the machine, the process. The rows take turns, since a shared machine changes
its speed from hour to hour: read the ratios and the seconds of one core (CPU).

Waiting: a fresh process on one spectrum, in both runtimes.

Memory (`--million`): a million spectra of 200 points from a zarr store to another one.

    python benchmarks/bench_predict.py [--spectra 16384] [--classical 128] [--lmfit 16] [--million]
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import dask.array as da
import numpy as np
import numpy.typing as npt
import onnx
import xarray as xr

sys.path.insert(0, str(Path(__file__).parent))
from bench_accuracy import Task, by_derivative

import xpsnet
from xpsnet.data.spectrum import make_spectrum
from xpsnet.models import runtimes as models_runtimes
from xpsnet.models.weights import load_model
from xpsnet.parallel.threads import n_threads
from xpsnet.simulation.recipes import simulate_batch

SEED = 5_000_005
DRAWN = 8192  # different spectra; more are repeated
WINDOW = (280.0, 295.0)

FRESH = """
import statistics, sys, time
start = time.perf_counter()
import xpsnet
imported = time.perf_counter()
from xpsnet.data.spectrum import make_spectrum
import numpy as np
energy = np.linspace(280, 295, 401)
counts = 900 + 5000 * np.exp(-((energy - 287) ** 2)) + np.random.default_rng(0).normal(0, 30, 401)
spectrum = make_spectrum(counts, energy, scale="binding")
waits = []
for _ in range(51):
    begin = time.perf_counter()
    xpsnet.predict(spectrum, device=sys.argv[1])
    waits.append(time.perf_counter() - begin)
print(imported - start, waits[0], statistics.median(waits[1:]))
"""

STREAM = """
import sys, time
import xpsnet
def memory(name):
    with open("/proc/self/status") as status:
        (line,) = [line for line in status if line.startswith(name)]
    return int(line.split()[1]) / 1024
(spectra,) = xpsnet.read(sys.argv[1])
xpsnet.predict(spectra[:64].compute(), device="cpu")
before = memory("VmRSS")
start = time.perf_counter()
xpsnet.write(xpsnet.predict(spectra, device="cpu"), sys.argv[2])
print(time.perf_counter() - start, before, memory("VmHWM"))
"""


def drawn(n: int, points: int) -> npt.NDArray[np.float32]:
    """Counts of the default recipe, 20 to a million at the maximum, shape (n, points)."""
    shapes = np.asarray(simulate_batch(n, "default", SEED)["spectra"])
    grid, axis = np.linspace(0, 1, shapes.shape[1]), np.linspace(0, 1, points)
    largest = 10 ** np.random.default_rng(SEED).uniform(1.3, 6, n)
    counts = np.stack([np.interp(axis, grid, shape) for shape in shapes])
    return ((counts + 0.1) * largest[:, None]).astype(np.float32)


def as_spectra(counts: npt.ArrayLike) -> xr.DataArray:
    """Counts as a person has them."""
    energy = np.linspace(*WINDOW, np.shape(counts)[1])
    return make_spectrum(counts, energy, dims=("spectrum", "energy"), scale="binding")


def classical(engine: Literal["batch", "lmfit"], counts: npt.NDArray[np.float32]) -> object:
    """Numbers of peaks as a person would find them."""
    axis = np.arange(counts.shape[1], dtype=float)
    spectra = make_spectrum(counts, axis, dims=("spectrum", "energy"), scale="binding")
    truth = {k: np.full((len(counts), 6), np.nan) for k in ("center", "fwhm")}
    return by_derivative(Task(spectra, truth, "pseudo_voigt", "shirley+linear", engine), 6)


def multiply_adds(graph: Path) -> int:
    """Multiply-adds of one spectrum in all convolutions and matrix products of a graph."""
    model = onnx.load(str(graph))
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    body = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    known = [*body.value_info, *body.output]
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in known}
    shapes |= {constant.name: list(constant.dims) for constant in body.initializer}
    total = 0
    for node in body.node:
        if node.op_type in ("Conv", "Gemm", "MatMul"):
            first, second = (shapes[name] for name in node.input[:2])
            summed = np.prod(second[1:]) if node.op_type == "Conv" else first[-1]
            total += int(np.prod(shapes[node.output[0]]) * summed)
    return total


@dataclass
class Row:
    """One line of the table: best seconds and seconds of one core, per item."""

    name: str
    work: Callable[[], object]
    items: float
    repeats: int = 3
    wall: float = float("inf")
    cpu: float = float("inf")

    def run(self) -> None:
        """Once more, if that is still to be done."""
        if self.repeats:
            self.repeats -= 1
            wall, cpu = time.perf_counter(), time.process_time()
            self.work()
            self.wall = min(self.wall, (time.perf_counter() - wall) / self.items)
            self.cpu = min(self.cpu, (time.process_time() - cpu) / self.items)


def throughput(n: int, n_classical: int, n_lmfit: int) -> dict[str, float]:
    """Table of spectra per second; returns them by row."""
    counts = drawn(min(n, DRAWN), 401)
    counts = np.resize(counts, (n, 401))
    spectra = as_spectra(counts)
    model = load_model("default")
    inputs = np.random.default_rng(0).random((n, model.config.n_inputs), np.float32)
    inputs[:, model.config.n_points :] = 0.0  # nothing is known of the lines
    runtimes = {
        "ONNX Runtime": models_runtimes.OnnxEngine(model.file(".onnx")),
        "TensorFlow": models_runtimes.KerasEngine(model),
    }
    square = np.random.default_rng(0).random((2048, 2048), np.float32)
    products = len(square) ** 3 / multiply_adds(model.file(".onnx"))
    rows = [
        Row("arithmetic floor of the network", lambda: square @ square, products, 12),
        Row("`xpsnet.predict`, whole", lambda: xpsnet.predict(spectra, device="cpu"), n),
        *(
            Row(f"network alone, {name}", lambda run=run: _in_batches(run, inputs), n)  # type: ignore[misc]
            for name, run in runtimes.items()
        ),
        Row(
            "second derivative, BIC, our batched fits",
            lambda: classical("batch", counts[:n_classical]),
            n_classical,
            2,
        ),
        Row(
            "second derivative, BIC, lmfit",
            lambda: classical("lmfit", counts[:n_lmfit]),
            n_lmfit,
            1,
        ),
    ]
    xpsnet.predict(spectra[:64], device="cpu")
    runtimes["TensorFlow"](inputs[:4096])
    classical("batch", counts[:8])
    for _ in range(max(row.repeats for row in rows)):
        for row in rows:
            row.run()
    print(f"\n{multiply_adds(model.file('.onnx')) / 1e6:.2f} million multiply-adds per spectrum;")
    print(f"{n:,} spectra of 401 points, {n_threads()} cores.\n")
    print("| | spectra/s | CPU µs per spectrum | of the floor (CPU) | times lmfit (CPU) |")
    print("| --- | ---: | ---: | ---: | ---: |")
    floor, baseline = rows[0].cpu, rows[-1].cpu
    for row in rows:
        ratios = f"{floor / row.cpu:.2g} | {baseline / row.cpu:,.0f}"
        print(f"| {row.name} | {_rounded(1 / row.wall)} | {1e6 * row.cpu:,.0f} | {ratios} |")
    return {row.name: 1 / row.wall for row in rows}


def _rounded(rate: float) -> str:
    """Three digits at least."""
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def _in_batches(run: models_runtimes.Engine, inputs: npt.NDArray[np.float32]) -> None:
    """The network as `predict` calls it."""
    for at in range(0, len(inputs), 4096):
        run(inputs[at : at + 4096])


def waiting() -> dict[str, float]:
    """Table of the seconds in a fresh process; returns those to the first answer."""
    first = {}
    print("\n| fresh process | import [s] | load and first answer [s] | one more spectrum [ms] |")
    print("| --- | ---: | ---: | ---: |")
    for name, device in (("ONNX Runtime", "cpu"), ("TensorFlow", "gpu")):
        imported, answer, again = min(map(tuple, (_fresh(FRESH, device) for _ in range(2))))
        print(f"| {name} | {imported:.2f} | {answer:.2f} | {1e3 * again:.1f} |")
        first[name] = answer
    ratio = first["TensorFlow"] / first["ONNX Runtime"]
    print(f"\nTensorFlow's first answer takes {ratio:.1f} times as long.")
    return first


def _fresh(code: str, *arguments: str) -> list[float]:
    """Numbers that code prints in an interpreter of its own."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return [float(x) for x in done.stdout.split()[-3:]]


def streaming(n: int, points: int = 200) -> float:
    """Peak memory [MB] of `read`, `predict` and `write` on a zarr store of n spectra."""
    pool = drawn(min(n, DRAWN), points)
    counts = da.concatenate([da.from_array(pool, chunks=pool.shape)] * -(-n // len(pool)))[:n]
    with tempfile.TemporaryDirectory() as folder:
        store, answer = Path(folder) / "spectra.zarr", Path(folder) / "peaks.zarr"
        xpsnet.write(as_spectra(counts.rechunk((len(pool), -1))), store)
        seconds, before, peak = _fresh(STREAM, str(store), str(answer))
        with xr.open_zarr(answer) as peaks:
            found = peaks.sizes["spectrum"]
            status = np.bincount(peaks["status"].values.astype(int), minlength=2)
    print(
        f"\n{found:,} of {n:,} spectra of {points} points ({4e-6 * n * points:,.0f} MB of counts)"
    )
    print(f"from zarr to zarr in {seconds:,.0f} s, {n / seconds:,.0f} spectra/s: {peak:,.0f} MB of")
    print(f"memory at most, {before:,.0f} MB of it before; {status[0]:,} with status OK.")
    return peak


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Print the tables; return their figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spectra", type=int, default=16384)
    parser.add_argument("--classical", type=int, default=128)
    parser.add_argument("--lmfit", type=int, default=16)
    parser.add_argument("--million", action="store_true", help="stream a million spectra as well")
    parser.add_argument("--streamed", type=int, default=1_000_000, help="instead of a million")
    chosen = parser.parse_args(arguments)
    result = throughput(chosen.spectra, chosen.classical, chosen.lmfit)
    result |= {f"first answer, {name}": value for name, value in waiting().items()}
    if chosen.million:
        result["peak memory"] = streaming(chosen.streamed)
    return result


if __name__ == "__main__":
    main()
