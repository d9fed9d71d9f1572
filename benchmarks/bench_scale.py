"""Fits from zarr to zarr of any size: kills, a cluster, growth of time and memory.

Question: is every block right after any number of kills, is a cluster with a dying worker equal to
one process, and do time and memory of `xpsnet.fit_store` grow as a straight line and not at all?
Spectra: the simulated map of `bench_map` (two overlapping states, 200 points, Poisson noise). Each
fit runs in a process of its own. Reference of all numbers: `fit_store` in one go, which tests
compare with `fit`. CPU seconds are those of the process; compiled code is on disk already.

    python benchmarks/bench_scale.py kill [--kills 100]      random kill -9 of the blockwise run
    python benchmarks/bench_scale.py cluster                 two worker processes, one is killed
    python benchmarks/bench_scale.py grow [--sides 32 100 316 1000] [--picture docs/images]
    python benchmarks/bench_scale.py million [--side 1000]   one map of so many spectra squared
"""

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import matplotlib
import numpy as np
import xarray as xr
from bench_map import true_peaks

import xpsnet
from xpsnet.data.spectrum import make_spectrum
from xpsnet.io.stores.block_store import progress_of

matplotlib.use("Agg")
import matplotlib.pyplot as plt

CHUNK = 32


def make_map(path: Path, side: int, points: int = 200) -> None:
    """Write a simulated map of side x side spectra in chunks of 32 x 32, strip by strip."""
    truth = true_peaks(side, points)

    @dask.delayed
    def strip(first: int) -> np.ndarray:
        some = truth.isel(y=slice(first, first + CHUNK))
        expected = xpsnet.curves(some)["envelope"].values
        return np.random.default_rng(first).poisson(expected).astype(np.float32)

    strips = [
        da.from_delayed(strip(first), (min(CHUNK, side - first), side, points), np.float32)
        for first in range(0, side, CHUNK)
    ]
    counts = da.concatenate(strips).rechunk((CHUNK, CHUNK, points))
    spectra = make_spectrum(
        np.zeros((1, 1, points), np.float32), truth["energy"].values, dims=("y", "x", "energy"),
        scale="binding", name="C 1s",
    )  # fmt: skip
    whole = xr.DataArray(
        counts, {"y": truth["y"], "x": truth["x"], "energy": spectra["energy"]}, spectra.dims,
        "C 1s", spectra.attrs,
    )  # fmt: skip
    with dask.config.set(scheduler="threads", num_workers=1):
        xpsnet.write(whole, path, overwrite=True)


def peak_memory() -> float:
    """Largest memory of this process so far [MB]; getrusage would count that of its parent, too."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = next(one for one in status.read_text().splitlines() if one.startswith("VmHWM"))
    return float(line.split()[1]) / 1024


def run_one(source: Path, out: Path, block_size: int) -> dict[str, float]:
    """One fit in this process: seconds, CPU seconds and peak memory."""
    before = peak_memory()
    start, cpu = time.perf_counter(), time.process_time()
    xpsnet.fit_store(source, out, block_size=block_size)
    return {
        "seconds": time.perf_counter() - start,
        "CPU seconds": time.process_time() - cpu,
        "peak memory (MB)": peak_memory(),
        "memory before the fit (MB)": before,
    }


def started(source: Path, out: Path, block_size: int) -> "subprocess.Popen[str]":
    """The same fit in a process of its own, which prints its figures."""
    words = [sys.executable, __file__, "one", str(source), str(out), "--block", str(block_size)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)  # noqa: S603


def measured(source: Path, out: Path, block_size: int) -> dict[str, float]:
    """Figures of a fit in a process of its own."""
    shutil.rmtree(out, ignore_errors=True)
    running = started(source, out, block_size)
    text, _ = running.communicate()
    if running.returncode:
        raise RuntimeError(f"expected a fit of {source}, got exit status {running.returncode}")
    figures: dict[str, float] = json.loads(text)
    return figures


def kill(folder: Path, chosen: argparse.Namespace) -> dict[str, float]:
    """Kill the run at random moments; begin again where it ends; compare every result."""
    source, out = folder / "map.zarr", folder / "peaks.zarr"
    make_map(source, chosen.side, 120)
    block = chosen.block
    whole = measured(source, folder / "reference.zarr", block)["seconds"]
    (reference,) = xpsnet.read_fit(folder / "reference.zarr")
    reference = reference.load()
    rng = np.random.default_rng(chosen.seed)
    report = dict.fromkeys(
        ("kills", "kills before the store was there", "kills between first and last block",
         "complete runs", "complete runs equal to the reference", "unfinished stores refused"),
        0.0,
    )  # fmt: skip
    while report["kills"] < chosen.kills:
        running = started(source, out, block)
        # Half of the kills may come at any time, half when the blocks are computed.
        if rng.random() < 0.5:
            time.sleep(float(rng.uniform(0, 2 * whole)))
        else:
            while running.poll() is None and progress_of(out) is None:
                time.sleep(0.01)
            time.sleep(float(rng.exponential(chosen.wait)))
        running.send_signal(signal.SIGKILL)
        running.communicate()
        if running.returncode == -signal.SIGKILL:
            report["kills"] += 1
        try:
            state = progress_of(out)
        except xpsnet.ReadError:
            report["unfinished stores refused"] += 1
            break
        if state is None:
            report["kills before the store was there"] += 1
        elif not state.complete:
            report["kills between first and last block"] += 1
        else:
            _compare(source, out, block, reference, report)
    if progress_of(out) is not None:
        _compare(source, out, block, reference, report)
    report["blocks"] = float(progress_of(folder / "reference.zarr").n_blocks)
    return report


def _compare(
    source: Path, out: Path, block: int, reference: xr.Dataset, report: dict[str, float]
) -> None:
    """Let a run come to its end, and compare it with one that was never killed."""
    found = xpsnet.fit_store(source, out, block_size=block).load()
    report["complete runs"] += 1
    report["complete runs equal to the reference"] += found.identical(reference)
    shutil.rmtree(out)


def cluster(folder: Path, chosen: argparse.Namespace) -> dict[str, float]:
    """Two worker processes, one of which is killed when a third of the blocks is done."""
    import distributed

    source = folder / "map.zarr"
    make_map(source, chosen.side, 120)
    alone = measured(source, folder / "alone.zarr", chosen.block)
    out = folder / "peaks.zarr"
    killed: list[str] = []
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as one,
        distributed.Client(one) as client,
    ):

        def kill_one() -> None:
            while (state := progress_of(out)) is None or 3 * state.done[0] < state.n_blocks:
                time.sleep(0.01)
            os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
            killed.append(str(state))

        killer = threading.Thread(target=kill_one)
        killer.start()
        start = time.perf_counter()
        xpsnet.fit_store(source, out, block_size=chosen.block)
        seconds = time.perf_counter() - start
        killer.join()
        memory = max(client.run(peak_memory).values())
    found, expected = (xpsnet.read_fit(path)[0].load() for path in (out, folder / "alone.zarr"))
    print("killed a worker at:", *killed)
    return {
        "blocks": float(progress_of(out).n_blocks),
        "seconds with two workers, one killed": seconds,
        "seconds alone": alone["seconds"],
        "peak memory of a worker (MB)": memory,
        "equal": float(found.identical(expected)),
    }


def grow(folder: Path, chosen: argparse.Namespace) -> dict[str, float]:
    """Time and memory for maps of several sizes."""
    rows = []
    report: dict[str, float] = {}
    for side in chosen.sides:
        source, out = folder / "map.zarr", folder / "peaks.zarr"
        make_map(source, side)
        found = measured(source, out, chosen.block)
        shutil.rmtree(source)
        rows.append((side * side, found))
        for name, value in found.items():
            report[f"{side * side} spectra, {name}"] = value
        report[f"{side * side} spectra, CPU ms per spectrum"] = (
            1000 * found["CPU seconds"] / side**2
        )
        print(side * side, found, flush=True)
    if chosen.picture is not None:
        draw(rows, chosen.picture)
    return report


def draw(rows: list[tuple[int, dict[str, float]]], folder: Path) -> None:
    """Time and memory against the number of spectra."""
    n = np.array([one for one, _ in rows], dtype=float)
    cpu = np.array([found["CPU seconds"] for _, found in rows])
    peak = np.array([found["peak memory (MB)"] for _, found in rows])
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    left.loglog(n, cpu, "o-", label="measured")
    slope = (cpu[-1] - cpu[0]) / (n[-1] - n[0])
    line = f"{cpu[0] - slope * n[0]:.1f} s + {1000 * slope:.2f} ms per spectrum"
    left.loglog(n, cpu[0] + slope * (n - n[0]), "k--", linewidth=1, label=line)
    left.set_ylabel("processor time (s)")
    left.legend(frameon=False)
    right.semilogx(n, peak, "o-")
    right.set_ylim(0, 1.15 * peak.max())
    right.set_ylabel("peak memory of the process (MB)")
    for axis in (left, right):
        axis.set_xlabel("spectra (200 points each)")
        axis.grid(alpha=0.3)
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "scale.png", dpi=110)
    plt.close(figure)


def million(folder: Path, chosen: argparse.Namespace) -> dict[str, float]:
    """One large map: figures, size on disk and accuracy of some of its rows."""
    source, out = folder / "map.zarr", folder / "peaks.zarr"
    make_map(source, chosen.side)
    report: dict[str, float] = {"spectra": float(chosen.side**2)}
    report |= measured(source, out, chosen.block)
    report["CPU ms per spectrum"] = 1000 * report["CPU seconds"] / report["spectra"]
    report["size of the peaks (MB)"] = _size(out) / 1e6
    report["size of the spectra (MB)"] = _size(source) / 1e6
    peaks = xpsnet.read_fit(out)[0].isel(y=slice(None, None, 50)).compute()
    truth = true_peaks(chosen.side, 200).isel(y=slice(None, None, 50))
    same = (peaks["n_peaks"] == truth["n_peaks"]).values
    report["number of peaks right (%)"] = 100 * same.mean()
    report["spectra without a result"] = float((peaks["status"] == 8).sum())
    return report


def _size(folder: Path) -> int:
    """Size of all files [bytes]."""
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Print the report; return its numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="for the stores; a temporary one by default")
    parts = parser.add_subparsers(dest="part", required=True)
    commands: dict[str, Any] = {"kill": kill, "cluster": cluster, "grow": grow, "million": million}
    for name in commands:
        part = parts.add_parser(name)
        part.add_argument("--block", type=int, default=64 if name in ("kill", "cluster") else 2048)
        part.add_argument("--side", type=int, default=1000 if name == "million" else 32)
        part.add_argument("--kills", type=int, default=100)
        part.add_argument("--wait", type=float, default=0.5, help="mean seconds before a kill")
        part.add_argument("--seed", type=int, default=0)
        part.add_argument("--sides", type=int, nargs="+", default=[32, 100, 316, 1000])
        part.add_argument("--picture", type=Path)
    one = parts.add_parser("one")
    one.add_argument("source", type=Path)
    one.add_argument("out", type=Path)
    one.add_argument("--block", type=int, required=True)
    chosen = parser.parse_args(arguments)
    if chosen.part == "one":
        print(json.dumps(found := run_one(chosen.source, chosen.out, chosen.block)))
        return found
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        report = commands[chosen.part](Path(folder), chosen)
    for name, value in report.items():
        print(f"{name:46s}{value:12.6g}")
    return report


if __name__ == "__main__":
    main()
