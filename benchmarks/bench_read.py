"""What does every reader get out of measured files, and how fast are large ones?

Question 1: for every file of XPSNET_REAL_DATA, the regions, their shapes and energies, and the
largest difference to a second opinion: the vendor's own export, the same spectrum in another
format, or an independent package (`vamas`, `vgd-reader`). Question 2 (`--speed`): the time until
a 500 MB map in zarr, netCDF and NeXus is there lazily, and to read a VAMAS depth profile of 1,000
blocks; the files are made in a temporary folder.

    XPSNET_REAL_DATA=... python benchmarks/bench_read.py [--speed] [--megabytes 500] [--write]
"""

import argparse
import csv
import os
import re
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import xpsnet
from xpsnet.io.common.errors import ReadError
from xpsnet.io.read import sniff

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "RESULTS.md"
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "io" / "files")]

Pairs = Iterator[tuple[xr.DataArray, np.ndarray, np.ndarray]]


class Difference(NamedTuple):
    """Largest difference to a second opinion: energies [eV], counts relative to the largest."""

    source: str
    energy: float
    counts: float

    def text(self) -> str:
        """For the table."""
        same = self.energy == 0 and self.counts == 0
        return "exact" if same else f"{self.energy:.1e} eV, {self.counts:.1e}"


def quietly(path: Path, **told: Any) -> tuple[list[xr.DataArray], int]:
    """Spectra of a file, and the number of warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        spectra = xpsnet.read(path, **told)
    return spectra, len(caught)


def difference(source: str, pairs: Pairs) -> Difference:
    """Largest difference over all pairs of a spectrum and energies and counts of the other."""
    energy = counts = 0.0
    for spectrum, other_energy, other_counts in pairs:
        axis, values = spectrum["energy"].values, spectrum.values
        if np.sign(axis[-1] - axis[0]) != np.sign(other_energy[-1] - other_energy[0]):
            other_energy, other_counts = other_energy[::-1], other_counts[..., ::-1]
        if values.shape != other_counts.shape:
            raise ValueError(f"{source}: expected {other_counts.shape}, got {values.shape}")
        energy = max(energy, float(np.abs(axis - other_energy).max()))
        scale = np.nanmax(np.abs(other_counts))
        counts = max(counts, float(np.nanmax(np.abs(values - other_counts)) / scale))
    return Difference(source, energy, counts)


def vamas_package(path: Path, spectra: list[xr.DataArray]) -> Pairs:
    """Blocks as the package `vamas` reads them; it cannot read irregular scans."""
    import vamas

    blocks = vamas.Vamas(path.read_bytes().lstrip(b"\r\n")).blocks
    for spectrum, block in zip(spectra, blocks, strict=True):
        counts = np.array(block.corresponding_variables[0].y_values)
        yield spectrum, block.x_start + block.x_step * np.arange(counts.size), counts


def casa_export(path: Path, spectra: list[xr.DataArray]) -> Pairs:
    """The text that CasaXPS has exported of the same spectrum."""
    (told,), _ = quietly(path.with_name("FeO_analyzed_lineshapes_cols.txt"))
    yield spectra[0], told["energy"].values, told.values


def vgd_reader(path: Path, spectra: list[xr.DataArray]) -> Pairs:
    """Energies and counts/s as the package `vgd-reader` reads them."""
    import vgd_reader as package

    other = package.read_vgd(str(path))
    spectrum = xpsnet.to_counts_per_second(xpsnet.to_binding(spectra[0]))
    yield spectrum, np.array(other.binding_energy), np.array(other.corrected_intensity)


def avantage_export(path: Path, spectra: list[xr.DataArray]) -> Pairs:
    """Binding energies and counts/s of the vendor's export to Excel."""
    told, _ = quietly(path.with_name("1.xls"))
    sheet = next(one for one in told if one.name == spectra[0].name)
    spectrum = xpsnet.to_counts_per_second(xpsnet.to_binding(spectra[0]))
    yield spectrum, sheet["energy"].values, sheet.values


def multipak_csv(path: Path, spectra: list[xr.DataArray]) -> Pairs:
    """Pairs of columns of the vendor's csv."""
    with path.with_suffix(".csv").open(encoding="latin-1") as file:
        rows = [row for row in csv.reader(file) if row and not row[0].startswith("#")]
    for k, spectrum in enumerate(spectra):
        pairs = [row[2 * k : 2 * k + 2] for row in rows if len(row) > 2 * k and row[2 * k]]
        energy, counts = np.array(pairs, dtype=float).T
        yield xpsnet.to_counts_per_second(spectrum), energy, counts


def multipak_text(path: Path, spectra: list[xr.DataArray]) -> Pairs:
    """Tables of the vendor's text, in counts."""
    lines = path.with_suffix(".txt").read_text(encoding="latin-1").splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith("Element")]
    for spectrum, start in zip(spectra, starts, strict=True):
        rows = [line.split() for line in lines[start + 1 :][: spectrum.size]]
        energy, counts = np.array(rows, dtype=float).T
        yield spectrum, energy, counts


def ses_wave(path: Path, spectra: list[xr.DataArray]) -> Pairs:
    """The Igor wave that SES has written of the same spectrum."""
    (wave,) = path.parent.glob(f"{path.stem}*.ibw")
    told, _ = quietly(wave)
    for spectrum, other in zip(spectra, told, strict=True):
        yield spectrum, other["energy"].values, other.values


def numpy_loadtxt(path: Path, spectra: list[xr.DataArray]) -> Pairs:
    """Two columns as numpy reads them, the regions one after the other."""
    energy, counts = np.loadtxt(path).T[:2]
    ends = np.cumsum([spectrum.size for spectrum in spectra])
    for spectrum, end in zip(spectra, ends, strict=True):
        yield spectrum, energy[end - spectrum.size : end], counts[end - spectrum.size : end]


def series_column(path: Path, spectra: list[xr.DataArray]) -> Pairs:
    """Rows of numbers found by a pattern."""
    text = path.read_text(encoding="latin-1")
    rows = re.findall(r"^\s*([\d.]+)[,\s]+([\d.eE+]+)\s*$", text, re.MULTILINE)
    energy, counts = np.array(rows, dtype=float).T
    yield spectra[0], energy, counts


Opinion = tuple[str, Callable[[Path, list[xr.DataArray]], Pairs]]
OPINIONS: dict[str, tuple[Opinion, ...]] = {
    "vamas/0-150W.vms": (("vamas 0.2", vamas_package),),
    "vamas/FeO_analyzed.vms": (("CasaXPS' export (7 digits)", casa_export),),
    "vamas/Mutlipak_vms.npl": (("vamas 0.2", vamas_package),),
    "vamas/Pt4f.vms": (("vamas 0.2", vamas_package),),
    "vamas/multiplex.vms": (("vamas 0.2", vamas_package),),
    "vamas/xps_eis.vms": (("vamas 0.2", vamas_package),),
    "thermo/C1s Scan.VGD": (("Avantage's xls", avantage_export), ("vgd-reader", vgd_reader)),
    "thermo/Cl2p Scan.VGD": (("Avantage's xls", avantage_export), ("vgd-reader", vgd_reader)),
    "phi/XPS_PHI_QUANTERA_narrow.spe": (("MultiPak's csv", multipak_csv),),
    "phi/BN-BS-1 multiplex.spe": (("the vendor's text", multipak_text),),
    "scienta/Ag_0001.txt": (("its Igor wave", ses_wave),),
    "scienta/Ag_0002.txt": (("its Igor wave", ses_wave),),
    "paper/P3HT_S2p_exp.txt": (("numpy.loadtxt", numpy_loadtxt),),
    "paper/ITO_O1s_exp.txt": (("numpy.loadtxt", numpy_loadtxt),),
    "specs/MgFe2O4_small.xy": (("numpy.loadtxt", numpy_loadtxt),),
    "series/1804100005_dsp.csv": (("rows by a pattern", series_column),),
}


def rows_of(path: Path, name: str) -> Iterator[list[str]]:
    """Rows of the table for one file: one per region, the differences in the first."""
    try:
        spectra, n_warnings = quietly(path)
    except ReadError as error:
        advice = str(error).rpartition("expected ")[2]
        yield [name, "refused", advice.partition(", got ")[2], "", "", ""]
        return
    told = []
    for source, opinion in OPINIONS.get(name, ()):
        try:
            told.append(f"{source}: {difference(source, opinion(path, spectra)).text()}")
        except (ImportError, StopIteration) as error:
            told.append(f"{source}: not compared ({error})")
    for i, spectrum in enumerate(spectra):
        axis = spectrum["energy"].values
        shape = " x ".join(map(str, spectrum.shape))
        energies = f"{axis[0]:.2f} to {axis[-1]:.2f} ({spectrum.attrs['scale']})"
        first = [name, sniff(path)] if i == 0 else ["", ""]
        note = "; ".join(told) if i == 0 else ""
        if i == 0 and n_warnings:
            words = "a warning" if n_warnings == 1 else f"{n_warnings} warnings"
            note = "; ".join(filter(None, (note, words)))
        yield [*first, str(spectrum.name), shape, energies, note]


def table_of_files(folder: Path) -> list[str]:
    """Lines of the table of all files; the scans of a series are all alike, so one is shown."""
    lines = ["| file | reader | region | shape | energies [eV] | largest difference |",
             "| --- | --- | --- | --- | --- | --- |"]  # fmt: skip
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or path.name == "README.md":
            continue
        if path.parent.name == "series" and name not in OPINIONS:
            continue
        lines += [f"| {' | '.join(row)} |" for row in rows_of(path, name)]
    return lines


def seconds(function: Callable[[], object], repeats: int = 3) -> float:
    """Best of some repeats."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


def large_map(megabytes: float) -> xr.DataArray:
    """Lazy map of whole spectra of the sample's kind."""
    import dask.array

    energy = np.linspace(280.0, 300.0, 201)
    side = max(2, int((megabytes * 1e6 / 8 / energy.size) ** 0.5))
    values = dask.array.random.default_rng(0).poisson(
        100.0, (side, side, energy.size), chunks=(max(1, side // 8), side, energy.size)
    )
    attrs = {"photon_energy": 1486.6}
    coords = {"y": np.arange(side) * 0.5, "x": np.arange(side) * 0.5, "energy": energy}
    lazy = xr.DataArray(values.astype(float), coords, ("y", "x", "energy"), "C 1s", attrs)
    return lazy.assign_attrs(scale="binding", units="counts")


def profile(n_blocks: int) -> str:
    """Text of a VAMAS depth profile of four regions."""
    from vamas_writer import Block, counts, vamas

    species = ("C", "O", "Si", "Sn")
    blocks = [
        Block(counts(101, seed=i), species=species[i % 4], variables=(30.0 * (i // 4),))
        for i in range(n_blocks)
    ]
    return vamas(blocks, mode="SDP", variables=[("Etch Time", "s")])


def table_of_speed(megabytes: float, n_blocks: int) -> list[str]:
    """Lines of the table of times."""
    lines = ["| job | seconds |", "| --- | --- |"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lazy = large_map(megabytes)
        size = f"{lazy.nbytes / 1e6:.0f} MB"
        for kind in ("zarr", "nc", "nxs"):
            path = folder / f"map.{kind}"
            xpsnet.write(lazy, path)
            opened = xpsnet.read(path)[0]
            if megabytes >= 100 and opened.chunks is None:
                raise ValueError(f"expected a lazy array from {path.name}, got one in memory")
            took = seconds(lambda path=path: xpsnet.read(path))
            lines.append(f"| open a map of {size} ({kind}), lazily | {took:.2f} |")
            took = seconds(lambda opened=opened: opened[0, 0].compute())
            lines.append(f"| one spectrum of it | {took:.2f} |")
        path = folder / "profile.vms"
        path.write_text(profile(n_blocks), encoding="latin-1")
        took = seconds(lambda: xpsnet.read(path))
        lines.append(f"| VAMAS depth profile, {n_blocks} blocks of 101 points | {took:.2f} |")
    return lines


def write_section(title: str, lines: list[str]) -> None:
    """Put a section into the results; one of that title is replaced."""
    text = RESULTS.read_text(encoding="utf-8")
    section = f"## {title}\n\n" + "\n".join(lines) + "\n"
    pattern = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    if pattern.search(text):
        text = pattern.sub(lambda _: section + "\n", text).rstrip() + "\n"
    else:
        text = f"{text.rstrip()}\n\n{section}"
    RESULTS.write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--speed", action="store_true", help="large files instead of measured ones")
    parser.add_argument("--megabytes", type=float, default=500.0)
    parser.add_argument("--blocks", type=int, default=1000)
    parser.add_argument("--measured", default=os.environ.get("XPSNET_REAL_DATA"))
    parser.add_argument("--write", action="store_true", help="put the tables into RESULTS.md")
    chosen = parser.parse_args(arguments)
    if chosen.speed:
        title, lines = "Reading large files", table_of_speed(chosen.megabytes, chosen.blocks)
        how = "`python benchmarks/bench_read.py --speed`: best of three, files in the page cache."
    elif chosen.measured:
        title, lines = "Reading measured files", table_of_files(Path(chosen.measured))
        how = ("`python benchmarks/bench_read.py`: every file of the measured data; differences of "
               "counts relative to the largest count of the region.")  # fmt: skip
    else:
        parser.error("expected the folder of measured files in --measured or XPSNET_REAL_DATA")
    print("\n".join(lines))
    if chosen.write:
        write_section(title, [how, "", *lines])


if __name__ == "__main__":
    main()
