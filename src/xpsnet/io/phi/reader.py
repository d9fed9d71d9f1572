"""PHI MultiPak files: spectra (`.spe`), depth profiles (`.pro`), several areas of a sample."""

import re
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.io.common.energy_axis import checked_axis
from xpsnet.io.common.errors import refusal, shown
from xpsnet.io.common.file_bytes import (
    HEAD_BYTES,
    checked_text,
    looks_like_text,
    read_bytes,
)
from xpsnet.io.common.reading import Reading
from xpsnet.io.common.region_names import region_name
from xpsnet.io.phi import text_export
from xpsnet.io.phi.header import (
    Area,
    Header,
    Region,
    layer_times,
    read_areas,
    read_date,
    read_photon_energy,
    read_regions,
    split_header,
)

NAME = "PHI MultiPak"
MAX_BYTES = 128 << 20
_RECORD_BYTES = 96
_MAX_RECORDS = 100_000
_TYPES = {"f4": "<f4", "f8": "<f8", "u8": "<f8"}  # "u8" holds float64, too
_KEYS = ("Platform", "Technique", "TechniqueEx", "FileType", "FileDesc", "FileDate", "AcqFileDate",
         "AcqFilename", "SoftwareVersion", "InstrumentModel", "XraySource", "AnalyserWorkFcn",
         "NoSpectralReg", "SpectralRegDef")  # fmt: skip
_KEY_LINE = re.compile(rb"^(" + "|".join(_KEYS).encode() + rb"): ", re.MULTILINE)
# A row of two numbers: MultiPak's Exporter lets text follow where arrays are in its own files.
_TABLE = re.compile(rb"(?:^|[\r\n])[ \t]*[+-]?\d[\d.eE+-]*[ \t]*[,;\t ][ \t]*[+-]?\d[\d.eE+-]*")
_COUNTS = ("c", "cnt", "cts", "counts")  # all files seen hold rates, "c/s"
_ROLES = {"cyc": "cycle", "ang": "angle", "sar": "position"}
Floats = npt.NDArray[np.float64]


class _Record(NamedTuple):
    """One array of the binary part, shape (areas, levels, points)."""

    region: int
    axes: tuple[str, str]
    unit: str
    n_bytes: int
    values: Floats


def sniff(head: bytes) -> bool:
    """Whether the file begins with SOFH, or with keys of such a header (old files)."""
    start = head.lstrip(b"\0 \t\r\n")
    if start.startswith(b"SOFH"):
        return True
    found = {match[1] for match in _KEY_LINE.finditer(start.replace(b"\r", b"\n"))}
    named = b"EOFH" in start or b"SpectralRegDef" in start
    return _KEY_LINE.match(start) is not None and len(found) >= 3 and named


def read(path: Path) -> Reading:
    """Read all regions of a PHI file.

    Parameters
    ----------
    path : Path
        The file; its extension does not matter.

    Returns
    -------
    Reading
        Raw counts (the file holds counts per second); damaged regions are left out and named in
        the notes.

    Raises
    ------
    ReadError
        If the header has no end, or no region holds a spectrum.
    """
    data = read_bytes(path, MAX_BYTES)
    parsed = split_header(data)
    behind = data[parsed[1] :] if parsed else data
    is_text = looks_like_text(behind[:HEAD_BYTES].lstrip(b"\0"))
    if is_text and len(data) <= text_export.MAX_BYTES and _TABLE.search(behind):
        return text_export.read_text(path, checked_text(path, data))
    if parsed is None:
        raise refusal(
            path,
            expected="a line EOFH at the end of the header of a PHI MultiPak file",
            got="none",
            advice="the file is cut off: copy it from the instrument again",
        )
    header, start = parsed
    notes: list[str] = []
    regions = read_regions(header, notes)
    records = _read_records(path, data, start, notes)
    spectra = _spectra(header, regions, records, notes)
    kind = shown(header.first("FileType") or "unknown")
    return Reading(spectra, notes).not_empty(
        path,
        expected=f"at least one region with a spectrum in a PHI MultiPak file of the type {kind}",
        advice="export the spectra from MultiPak; images and maps of PHI are not read",
    )


def _read_records(path: Path, data: bytes, start: int, notes: list[str]) -> list[_Record]:
    """Read all arrays of the binary part; those that are damaged go to the notes."""
    head = list(struct.unpack("<4I", data[start : start + 16])) if len(data) >= start + 16 else []
    n = head[1] if head else 0
    sound = n and head[0] == 1 and head[2] == _RECORD_BYTES * n and head[3] == 16
    if not sound or n > _MAX_RECORDS:
        raise refusal(
            path,
            f"byte {start}",
            expected="the binary part of a PHI MultiPak file (1, number of arrays, size of their "
            "headers, 16)",
            got=f"the numbers {head}" if head else "the end of the file",
            advice="the file is damaged, perhaps by a transfer as text: copy it again",
        )
    records = []
    left = len(data) - start  # arrays do not share bytes: what is read stays within the file
    for k in range(n):
        at = start + 16 + _RECORD_BYTES * k
        try:
            record = _record(data[at : at + _RECORD_BYTES], data, start, left)
        except ValueError as error:
            notes.append(f"array {k + 1} of {n} (byte {at}) is left out: {error}")
            continue
        left -= record.n_bytes
        records.append(record)
    return records


def _record(raw: bytes, data: bytes, start: int, left: int) -> _Record:
    """Read one array; ValueError tells what is wrong with it."""
    if len(raw) < _RECORD_BYTES:
        raise ValueError("the file ends within its header")
    words = struct.unpack("<24I", raw)
    n_points, n_levels, n_areas = words[5], max(words[6], 1), max(words[7], 1)
    kind = raw[72:74].decode("latin-1")  # the other two bytes are rubbish
    n_bytes, offset = words[19], words[20]
    if kind not in _TYPES:
        raise ValueError(f"expected numbers of the type f4, f8 or u8, got {shown(kind)}")
    dtype: np.dtype[Any] = np.dtype(_TYPES[kind])
    n_values = n_bytes // dtype.itemsize
    # The seventh word is the number of the area where each area has its own array.
    areas = n_areas if n_points * n_levels * n_areas == n_values else 1
    if n_points < 1 or n_points * n_levels * areas != n_values:
        raise ValueError(f"expected {n_points} x {n_levels} values, got {n_values}")
    if start + offset + n_bytes > len(data) or n_bytes > left:
        raise ValueError(f"expected {n_bytes} bytes at byte {start + offset}, got the file's end")
    values = np.frombuffer(data, dtype, n_values, start + offset).astype(np.float64)
    values[~np.isfinite(values)] = np.nan
    values = values.reshape(areas, n_levels, n_points)
    axes = _text(raw[32:36]), _text(raw[40:44])
    return _Record(words[3], axes, _text(raw[56:64]), n_bytes, values)


def _text(raw: bytes) -> str:
    """Text up to the first zero byte."""
    return raw.split(b"\0", 1)[0].decode("latin-1").strip()


def _spectra(
    header: Header, regions: dict[int, Region], records: list[_Record], notes: list[str]
) -> list[xr.DataArray]:
    """Build one array per region."""
    groups: dict[int, list[_Record]] = {}
    for record in records:
        if record.axes[1] != "reg" and record.region > 0:
            groups.setdefault(record.region, []).append(record)
    spectra = []
    for index, group in groups.items():
        region = regions.get(index)
        if region is None:
            notes.append(f"region {index} is left out: the header does not define it")
            continue
        try:
            spectrum = _spectrum(header, region, group, notes)
        except ValueError as error:
            notes.append(f"region {index} ({region.label}) is left out: {error}")
            continue
        times = _sputter_times(header, records, sorted(regions).index(index), group[0])
        spectra.append(_with_levels(spectrum, times, notes))
    return spectra


def _spectrum(
    header: Header, region: Region, group: list[_Record], notes: list[str]
) -> xr.DataArray:
    """Counts of a region over position, level and energy, dimensions of size 1 left out."""
    shapes = {record.values.shape[1:] for record in group}
    if len(shapes) > 1:
        raise ValueError(f"expected the same size in all areas, got {sorted(shapes)}")
    values = group[0].values if len(group) == 1 else np.concatenate([r.values for r in group])
    attrs = _attrs(header, region, group[0].unit, notes)
    if attrs["units"] == "counts" and group[0].unit not in _COUNTS:
        values *= region.seconds  # our own copy
    energy = _energies(region, values.shape[-1], notes)
    dims = ("position", _ROLES.get(group[0].axes[1], "scan"), "energy")
    if group[0].axes[1] == "sar":  # areas side by side: levels and areas mean the same
        values = values.reshape(1, -1, values.shape[-1])
        dims = ("scan", "position", "energy")
    name = region_name(region.label) or None
    spectrum = xr.DataArray(values, {"energy": energy}, dims, name=name, attrs=attrs)
    return _with_areas(spectrum.squeeze(), read_areas(header))


def _energies(region: Region, n: int, notes: list[str]) -> Floats:
    """Energies [eV], shape (n,); the data say how many there are, not the ends."""
    if n < 2:
        raise ValueError(f"expected at least 2 points, got {n}")
    step = region.step
    if (region.stop - region.start) * step < 0:
        step = -step
        notes.append(
            f"region {region.number} ({region.label}): the step {region.step:g} eV does not lead "
            f"from {region.start:g} to {region.stop:g} eV; its sign is taken from these ends"
        )
    return checked_axis(region.start + step * np.arange(n, dtype=np.float64))


def _attrs(
    header: Header, region: Region, unit: str, notes: list[str]
) -> dict[str, str | int | float]:
    """What the header states about a region; its units are counts where the time is known."""
    kinetic = header.first("Technique").upper().startswith("AES")
    attrs: dict[str, str | int | float] = {"scale": "kinetic" if kinetic else "binding"}
    timed = 0 < region.seconds < 1e7
    if timed:
        attrs |= {"dwell_time": region.seconds / region.n_sweeps, "n_scans": region.n_sweeps}
    attrs["units"] = "counts" if timed or unit in _COUNTS else "counts/s"
    if attrs["units"] == "counts/s":
        notes.append(
            f"region {region.number} ({region.label}): the time per point is not known, so that "
            f"the values stay counts/s"
        )
    if 0 < region.pass_energy < 1e4:
        attrs["pass_energy"] = region.pass_energy
    source = header.first("XraySource")[:200]
    photon_energy = read_photon_energy(source)
    if photon_energy is not None:
        attrs["photon_energy"] = photon_energy
    texts = {
        "technique": header.first("Technique"),
        "instrument": header.first("InstrumentModel"),
        "x_ray_source": source,
        "acquired": read_date(header),
        "region_original": region.label,
    }
    return attrs | {key: text[:200] for key, text in texts.items() if text}


def _with_areas(spectrum: xr.DataArray, areas: list[Area]) -> xr.DataArray:
    """Add where on the sample was measured [um] and what it is called there."""
    dims: tuple[str, ...] = ("position",) if "position" in spectrum.dims else ()
    if len(areas) != (spectrum.sizes["position"] if dims else 1):
        return spectrum
    texts = [area.text for area in areas]
    if len(set(texts)) == 1:
        spectrum.attrs |= {"sample": texts[0]} if texts[0] else {}
    else:
        spectrum = spectrum.assign_coords(sample=(dims, texts))
    centers = [area.center for area in areas if area.center is not None]
    if len(centers) != len(areas):
        return spectrum
    places = np.array(centers).T if dims else np.array(centers[0])
    attrs = {"units": "um"}
    return spectrum.assign_coords(
        {name: xr.Variable(dims, place, attrs) for name, place in zip("xyz", places, strict=True)}
    )


def _sputter_times(
    header: Header, records: list[_Record], rank: int, record: _Record
) -> Floats | None:
    """Sputter time [s] of each level: from the table over regions, else from the layers."""
    n_levels = record.values.shape[1]
    if record.axes[1] != "cyc":
        return None
    for table in records:
        if table.axes == ("cyc", "reg") and table.unit == "s":
            stated = table.values[0]
            if stated.shape[1] == n_levels and rank < stated.shape[0]:
                times = np.abs(stated[rank])  # the first is -0.0
                return times if np.isfinite(times).all() else None
    return layer_times(header, n_levels)


def _with_levels(spectrum: xr.DataArray, times: Floats | None, notes: list[str]) -> xr.DataArray:
    """Turn the cycles of a depth profile into sputter times."""
    attrs = {"units": "s", "long_name": "Sputter time"}
    if times is None:
        if "cycle" in spectrum.dims:
            notes.append(f"region {spectrum.name}: the file does not state its sputter times")
            spectrum = spectrum.assign_coords(cycle=np.arange(spectrum.sizes["cycle"]))
        return spectrum
    if "cycle" not in spectrum.dims:
        return spectrum.assign_coords(etch_time=xr.Variable((), times[0], attrs))
    spectrum = spectrum.assign_coords(etch_time=xr.Variable("cycle", times, attrs))
    if (np.diff(times) > 0).all():
        return spectrum.swap_dims(cycle="etch_time")
    return spectrum.assign_coords(cycle=np.arange(times.size))
