"""Archives of Scienta's DA30 analyzer: for each region an image and two lists of settings.

`Spectrum_<region>.bin` holds float32, the energy fastest, then the slit angle, then the deflection;
`Spectrum_<region>.ini` its shape and axes, `<region>.ini` the settings as SES writes them.
"""

import math
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import xarray as xr

from xpsnet.io.common.energy_axis import checked_axis
from xpsnet.io.common.errors import BrokenError, shown
from xpsnet.io.common.file_bytes import decode
from xpsnet.io.common.labels import is_energy_label
from xpsnet.io.common.reading import Reading
from xpsnet.io.common.stacking import Floats
from xpsnet.io.scienta.settings import (
    Axis,
    by_section,
    complete,
    number_of,
    pairs,
    scale_of,
    stage_lines,
    to_spectrum,
)

MAX_UNPACKED = 512 << 20
_MAX_SETTINGS = 4 << 20
_MAX_REGIONS = 1000
_PIECE = 16 << 20
_MEMBER = re.compile(r"((?:[^/]+/){0,3})Spectrum_([^/]+)\.bin", re.IGNORECASE)
# From the slowest to the fastest.
_DIMENSIONS = ("depth", "height", "width")


def sniff_zip(names: Iterable[str]) -> bool:
    """Whether the names in an archive are those of the DA30."""
    return any(_MEMBER.fullmatch(name) for name in names)


def read(path: Path, archive: zipfile.ZipFile) -> Reading:
    """Read all regions of an open archive, whose directory has been checked.

    Parameters
    ----------
    path : Path
    archive : ZipFile

    Returns
    -------
    Reading
        Images over `angle` and, for deflected ones, `angle_y`, the energy last.

    Raises
    ------
    ReadError
        If no region can be read.
    """
    spectra: list[xr.DataArray] = []
    notes: list[str] = []
    regions = [m for name in archive.namelist() if (m := _MEMBER.fullmatch(name))][:_MAX_REGIONS]
    left = MAX_UNPACKED
    for match in regions:
        try:
            spectrum = _region(archive, match, left, notes)
        except BrokenError as error:
            notes.append(f"the region {shown(match[2])} is left out: {error}")
            continue
        left -= spectrum.size * 4
        spectra.append(spectrum)
    return Reading(spectra, notes).not_empty(
        path,
        expected="at least one region with its settings",
        advice="export it from SES as .ibw or .txt",
    )


def _region(
    archive: zipfile.ZipFile, match: re.Match[str], limit: int, notes: list[str]
) -> xr.DataArray:
    """Read the region of a member of the archive."""
    member, folder, name = match[0], match[1], match[2]
    layout = pairs(_text(archive, f"{folder}Spectrum_{name}.ini").splitlines())
    shape, axes = _axes(layout)
    size = math.prod(shape) * 4
    if size > limit:
        raise BrokenError(f"expected images of at most {limit >> 20} MiB, got {size >> 20} MiB")
    _check_member(archive, member, size)
    counts = np.empty(shape, dtype="<f4")
    _unpack(archive, member, counts.reshape(-1).view(np.uint8).data)
    counts[~np.isfinite(counts)] = np.nan
    fastest = next((i for i in (2, 1, 0) if is_energy_label(axes[i].label)), 2)
    image = np.moveaxis(counts, fastest, -1)
    energy_axis = axes.pop(fastest)
    energy = checked_axis(energy_axis.values)
    settings = _text(archive, f"{folder}{name}.ini", required=False).splitlines()
    info = pairs(settings)
    info.setdefault("region name", layout.get("name") or name)
    sections = list(by_section(settings))
    others = [line for section, line in sections if section not in ("ses", "info", "")]
    complete(info, others, notes, f"the region {shown(name)}")
    scale = scale_of(info, energy_axis.label, notes, f"the region {shown(name)}")
    stage = [line for section, line in sections if section.startswith("manipulator")]
    stage += stage_lines(line for section, line in sections if section == "bcs")
    return to_spectrum(image, energy, axes, info, scale, stage)


def _axes(settings: dict[str, str]) -> tuple[list[int], list[Axis]]:
    """Read shape and axes from the settings of an image, the slowest first."""
    shape: list[int] = []
    axes: list[Axis] = []
    for key in _DIMENSIONS:
        n = number_of(settings, key)
        n = 1.0 if np.isnan(n) and key == "depth" else n
        if not (1 <= n <= 1e6 and n == int(n)):
            raise BrokenError(f"expected a {key} of at least 1, got {settings.get(key, '')!r:.40}")
        start, step = number_of(settings, f"{key}offset"), number_of(settings, f"{key}delta")
        shape.append(int(n))
        axes.append(Axis(settings.get(f"{key}label", "")[:300], _axis(start, step, int(n))))
    if not axes[1].label:
        axes[1] = axes[1]._replace(label="Slice")
    return shape, axes


def _axis(start: float, step: float, n: int) -> Floats:
    """Values of an axis; none if the settings do not state them."""
    if not np.isfinite(start) or not np.isfinite(step) or (step == 0 and n > 1):
        return np.empty(0)
    return start + step * np.arange(n, dtype=np.float64)


def _text(archive: zipfile.ZipFile, name: str, *, required: bool = True) -> str:
    """Read a text of an archive."""
    try:
        size = archive.getinfo(name).file_size
    except KeyError:
        if required:
            raise BrokenError(f"{shown(name)} is missing") from None
        return ""
    if size > _MAX_SETTINGS:
        raise BrokenError(f"{shown(name)} is larger than settings are")
    _check_member(archive, name, size)
    data = bytearray(size)
    _unpack(archive, name, memoryview(data))
    return decode(bytes(data)).replace("\0", "")


def _check_member(archive: zipfile.ZipFile, name: str, size: int) -> None:
    """Refuse a member that is encrypted or not of the size that is needed."""
    member = archive.getinfo(name)
    if member.flag_bits & 1:
        raise BrokenError(f"{shown(name)} is encrypted: unpack the archive with its password")
    if member.file_size != size:
        raise BrokenError(f"expected {size} bytes in {shown(name)}, got {member.file_size}")


def _unpack(archive: zipfile.ZipFile, name: str, target: memoryview) -> None:
    """Unpack a member into memory of its size, and not a byte more."""
    at = 0
    try:
        with archive.open(name) as file:
            while at < len(target) and (piece := file.read(min(len(target) - at, _PIECE))):
                target[at : at + len(piece)] = piece
                at += len(piece)
    except Exception as error:
        # zipfile and the decompressors raise many kinds of exceptions on damaged members.
        raise BrokenError(f"{shown(name)} is damaged: {error!r:.150}") from error
    if at < len(target):
        raise BrokenError(f"expected {len(target)} bytes in {shown(name)}, got {at}")
