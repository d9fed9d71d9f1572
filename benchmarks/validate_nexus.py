"""Does the validator of pynxtools accept the NeXus files that xpsnet writes?

Writes a spectrum, a line scan, a map, fits and a fit with atomic fractions, once as the samples
are ("as read") and once with everything that NXxps requires ("all known"), and prints the errors
and warnings of the validator for each file. pynxtools may be installed in another environment:

    python benchmarks/validate_nexus.py [--validator /path/to/pynx]
"""

import argparse
import collections
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import xarray as xr

import xpsnet

KNOWN: dict[str, Any] = {
    "acquired": "2026-01-02T03:04:05+01:00",
    "work_function": 4.5,
    "lens_scheme": "angular dispersive",
    "analyzer_scheme": "hemispherical",
    "energy_scan_mode": "fixed_analyzer_transmission",
    "energy_resolution": 0.4,
}


def files(folder: Path) -> None:
    """Write one file of each kind, with and without what the definition requires."""
    scan, image = xpsnet.sample("line_scan"), xpsnet.sample("map")[:3, :4]
    spectrum = scan.isel(position=30)
    fit, fits = xpsnet.fit(spectrum, n_states=2), xpsnet.fit(image)
    found = xpsnet.quantify(fit, level="peak", transmission=None)
    found = found.swap_dims(row="peak").reset_coords(drop=True)
    counted = fit.assign(found[["atomic_fraction", "sensitivity_factor"]])
    cases: dict[str, tuple[xr.DataArray, xr.Dataset | None]] = {
        "spectrum": (spectrum, None),
        "line scan": (scan, None),
        "map": (image, None),
        "fit of two states": (spectrum, fit),
        "fitted map": (image, fits),
        "fit with atomic fractions": (spectrum, counted),
    }
    for name, (spectra, peaks) in cases.items():
        for state, attrs in (("as read", {}), ("all known", KNOWN)):
            stated = spectra.assign_attrs(attrs)
            path = folder / f"{name}, {state}.nxs"
            if peaks is None:
                xpsnet.write(stated, path)
            else:
                xpsnet.write(peaks, path, spectra=stated)


def validate(path: Path, validator: str) -> list[str]:
    """Lines that the validator prints about a file."""
    done = subprocess.run(  # noqa: S603
        [validator, "validate", str(path)], capture_output=True, text=True, check=False
    )
    return [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]


def main() -> None:
    """Print errors and warnings of each file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--validator", default="pynx", help="command of pynxtools")
    validator = parser.parse_args().validator
    with tempfile.TemporaryDirectory() as folder:
        files(Path(folder))
        for path in sorted(Path(folder).iterdir()):
            lines = validate(path, validator)
            kinds = collections.Counter(line.split(":")[0] for line in lines)
            valid = any("is valid according to" in line for line in lines)
            print(
                f"{path.stem}: {'valid' if valid else 'not valid'}, {kinds['ERROR']} errors, "
                f"{kinds['WARNING']} warnings"
            )
            for line in lines:
                if line.startswith(("ERROR", "WARNING: The", "Traceback")):
                    print(f"    {line}")


if __name__ == "__main__":
    main()
