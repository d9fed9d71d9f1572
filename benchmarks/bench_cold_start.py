"""What the first fit on a computer costs, and the first one of each further process.

Question: CPU seconds from the start of Python to the fitted map (128 spectra of 200 points, shapes
and backgrounds chosen by `fit`) where no machine code is kept yet, and where it is. Baseline: the
same with kernels compiled by numba, which is what every computer did before the package held them
compiled. Equal on both sides: spectra, machine, packages; each is a fresh process.

    python benchmarks/bench_cold_start.py [--repeats 3] [--numba]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from statistics import median

RUN = """
import json, resource, time
begun = time.process_time()
import xpsnet
whole = xpsnet.sample("map")
few = whole.isel({dim: slice(0, 8 if i else 16) for i, dim in enumerate(d for d in whole.dims if d != "energy")})
imported = time.process_time()
peaks = xpsnet.fit(few)
done = time.process_time()
print(json.dumps({"import": imported - begun, "fit": done - imported, "spectra": int(peaks["n_peaks"].size),
                  "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10}))
"""  # noqa: E501


def run(folder: str, kernels: str) -> dict[str, float]:
    """Fit in a process of its own that keeps machine code in a folder."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": folder, "XPSNET_KERNELS": kernels}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "ignore", "-c", RUN], capture_output=True, text=True, env=environment
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(kernels: str, repeats: int) -> None:
    """Print one row: nothing kept, then kept."""
    first, second = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            first.append(run(folder, kernels))
            second.append(run(folder, kernels))
    for name, found in (("nothing kept", first), ("kept", second)):
        fit, whole = (
            median(f["fit"] for f in found), median(f["fit"] + f["import"] for f in found)
        )  # fmt: skip
        memory = median(f["memory"] for f in found)
        print(
            f"| {kernels or 'of the package'} | {name} | {fit:.1f} | {whole:.1f} | {memory:.0f} |"
        )


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--repeats", type=int, default=3, help="processes of each kind")
    parser.add_argument("--numba", action="store_true", help="compile with numba, too (minutes)")
    chosen = parser.parse_args()
    print("| kernels | machine code | fit [CPU s] | with the import [CPU s] | memory [MiB] |")
    print("| --- | --- | --- | --- | --- |")
    measure("", chosen.repeats)
    if chosen.numba:
        measure("numba", 1)


if __name__ == "__main__":
    main()
