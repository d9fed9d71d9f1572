"""How fast is prediction, and what does a person wait for?

Question: spectra per second of `xpsnet.predict` on a map (network, heights and background), of its
two runtimes alone, and the time until the first answer in a fresh process. Baseline: lmfit through
`xpsnet.refine` (exact derivatives) on the same spectra, started from the prediction. Equal on both
sides: the spectra, the machine, the process, two threads. All in one run, since a shared machine
changes its speed from hour to hour: read the ratios.

    python benchmarks/bench_predict.py [--spectra 8192] [--refined 64]
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import xarray as xr

import xpsnet
from xpsnet.models import engines, load_model

FRESH = """
import time; start = time.perf_counter()
import xpsnet
spectrum = xpsnet.sample("spectrum"); sampled = time.perf_counter()
xpsnet.predict(spectrum, device="cpu")
print(time.perf_counter() - start, time.perf_counter() - sampled)
"""


def seconds(function: Callable[[], object], repeats: int = 3) -> float:
    """Best of some repeats, after one call that nobody counts."""
    function()
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


def tiled_map(n: int) -> xr.DataArray:
    """The sample map, repeated until it holds `n` spectra."""
    sample = xpsnet.sample("map").stack(pixel=("y", "x")).drop_vars(("pixel", "y", "x"))
    repeated = xr.concat([sample] * -(-n // sample.sizes["pixel"]), "pixel")
    return repeated.isel(pixel=slice(0, n)).transpose("pixel", "energy")


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Print the table; return spectra per second by row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spectra", type=int, default=8192)
    parser.add_argument("--refined", type=int, default=64)
    chosen = parser.parse_args(arguments)
    spectra = tiled_map(chosen.spectra)
    few = spectra.isel(pixel=slice(0, chosen.refined))
    starts = xpsnet.predict(few, device="cpu")
    model = load_model("default")
    inputs = np.random.default_rng(0).random((chosen.spectra, model.config.n_points), np.float32)
    onnx, keras = engines.OnnxEngine(model.file(".onnx")), engines.KerasEngine(model)
    rates = {
        "xpsnet.predict (whole)": len(spectra)
        / seconds(lambda: xpsnet.predict(spectra, device="cpu")),
        "network in ONNX Runtime": len(inputs) / seconds(lambda: onnx(inputs)),
        "network in Keras": len(inputs) / seconds(lambda: keras(inputs)),
        "xpsnet.refine (lmfit)": len(few)
        / seconds(lambda: xpsnet.refine(few, starts, engine="lmfit"), 1),
    }
    baseline = rates["xpsnet.refine (lmfit)"]
    print(f"{'':26s}{'spectra/s':>12s}{'x lmfit':>10s}")
    for name, rate in rates.items():
        print(f"{name:26s}{rate:12.0f}{rate / baseline:10.1f}")
    answer = subprocess.run(  # noqa: S603
        [sys.executable, "-c", FRESH], capture_output=True, text=True, check=True
    )
    whole, first = map(float, answer.stdout.split())
    print(f"fresh process: {whole:.2f} s to the first answer, {first:.2f} s of it for predict")
    return rates


if __name__ == "__main__":
    main()
