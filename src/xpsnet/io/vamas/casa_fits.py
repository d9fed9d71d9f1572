"""CasaXPS fits of VAMAS files as peaks of the spectra that `read` gives from the same file."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.data.peaks import keep_own_names
from xpsnet.data.spectrum import scale_sign
from xpsnet.data.transmission import transmission_attributes
from xpsnet.io.casa.backgrounds import draw_background
from xpsnet.io.casa.comments import CasaFit, Component, Region, describe, parse_fit
from xpsnet.io.casa.line_shapes import casa_line
from xpsnet.io.common.errors import refusal
from xpsnet.io.common.region_names import region_name
from xpsnet.io.common.stacking import Block, Floats, stack_blocks
from xpsnet.io.common.vendor_peaks import Fitted, shape_note, static_kind, to_peaks
from xpsnet.io.vamas.reader import drop_constant_positions, read_blocks
from xpsnet.xpsnet_warning import XpsnetWarning

_NUMBER = "block_number"
_MIN_POINTS = 5


def read_fits(path: Path) -> list[xr.Dataset]:
    """Read the CasaXPS fits of a VAMAS file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Dataset
        Peaks, over the same dimensions as the spectra of `read`, on their scale and
        in their units.

    Raises
    ------
    ReadError
        If the file is damaged or holds no fit.

    Warns
    -----
    XpsnetWarning
        Of lines and backgrounds that xpsnet does not have, and of what was left out.
    """
    blocks, comments, _ = read_blocks(path)
    drop_constant_positions(blocks)
    notes: list[str] = []
    fits: list[list[Fitted]] = []
    for i, (block, comment) in enumerate(zip(blocks, comments, strict=True)):
        block.details[_NUMBER] = i
        casa = parse_fit(comment)
        fits.append([] if casa is None else _fitted(block, casa, notes))
    found: list[xr.Dataset] = []
    for stack in stack_blocks(blocks) if any(fits) else ():
        found += _of_stack(stack, fits, path, notes)
    if not found:
        raise refusal(
            path,
            expected="CasaXPS components in the comments of a block",
            got=notes[0] if notes else f"none in {len(blocks)} blocks",
            advice="fit the spectra in CasaXPS and save the file, or use xpsnet.fit",
        )
    for note in dict.fromkeys(notes):
        warnings.warn(f"{path}: {note}", XpsnetWarning, stacklevel=3)
    return found


def _of_stack(
    stack: xr.DataArray, fits: list[list[Fitted]], path: Path, notes: list[str]
) -> list[xr.Dataset]:
    """Peaks of all regions that were fitted in a stack."""
    shape = stack.shape[:-1]
    if _NUMBER in stack.coords:
        numbers = np.broadcast_to(stack[_NUMBER].values, shape).ravel().tolist()
    else:
        numbers = [stack.attrs.pop(_NUMBER)]
    stack = keep_own_names(stack.drop_vars(_NUMBER, errors="ignore"))
    found = []
    # A block may hold several regions: they go by their order.
    for k in range(max(len(fits[i]) for i in numbers)):
        members = [fits[i][k] if k < len(fits[i]) else None for i in numbers]
        present = [fit for fit in members if fit is not None]
        notes += shape_note(f"region {present[0].region}", present)
        attrs: dict[str, Any] = dict(stack.attrs) | {"source_file": path.name, "model": "CasaXPS"}
        attrs |= transmission_attributes(stack)
        energy = np.asarray(stack["energy"].values, dtype=np.float64)
        found.append(to_peaks(members, energy, stack.dims[:-1], shape, stack.coords, attrs))
    return found


def _fitted(block: Block, casa: CasaFit, notes: list[str]) -> list[Fitted]:
    """Bring the fit of one block to its own scale and units."""
    where = f"region {block.region or block.label}"
    photon_energy = float(block.attrs.get("photon_energy", np.nan))
    if block.scale is None or (block.scale == "binding" and not np.isfinite(photon_energy)):
        notes.append(f"{where}: its fit is left out, because the photon energy is not known")
        return []
    if casa.damaged:
        notes.append(f"{where}: left out, because it cannot be read: {casa.damaged[0][:120]!r}")
    kinetic = block.energy if block.scale == "kinetic" else photon_energy - block.energy
    fits = []
    for region in casa.regions:
        limits = region.low + casa.region_shift, region.high + casa.region_shift
        inside = np.flatnonzero((kinetic >= limits[0] - 1e-6) & (kinetic <= limits[1] + 1e-6))
        if not _enabled(region) or inside.size < _MIN_POINTS:
            continue
        window = slice(int(inside[0]), int(inside[-1]) + 1)
        background, known = _background(region, block, window)
        if not known:
            notes.append(
                f"{where}: the background {region.background.kind!r} is replaced by a straight line"
            )
        fits.append(_one(region, casa, block, window, background))
    return fits


def _enabled(region: Region) -> list[Component]:
    """Components that CasaXPS has not switched off."""
    return [component for component in region.components if not component.is_off]


def _background(region: Region, block: Block, window: slice) -> tuple[Floats, bool]:
    """Background of a region, in the order of the block, and whether it is the one asked for."""
    energy = scale_sign(str(block.scale)) * block.energy
    counts = block.counts
    finite = np.isfinite(counts)
    if not finite.all():
        order = np.argsort(energy[finite])
        at, values = energy[finite][order], counts[finite][order]
        counts = np.interp(energy, at, values) if at.size else np.zeros(energy.size)
    if energy[0] < energy[-1]:
        return draw_background(region.background, energy, counts, window)
    n = energy.size
    mirrored = slice(n - window.stop, n - window.start)
    curve, known = draw_background(region.background, energy[::-1], counts[::-1], mirrored)
    return curve[::-1], known


def _one(region: Region, casa: CasaFit, block: Block, window: slice, background: Floats) -> Fitted:
    """One region of one block."""
    components = _enabled(region)
    photon_energy = float(block.attrs.get("photon_energy", np.nan))
    lines = [casa_line(component.shape) for component in components]
    position = np.array([c.position.value for c in components])
    stated = np.array([c.fwhm.value for c in components])
    area = np.array([c.area.value for c in components])
    fwhm = stated * [line.fwhm for line in lines]
    # CasaXPS divides counts by dwell time and scans, even if the file states other units.
    seconds = float(block.details.get("dwell_time", 1.0)) * int(block.details.get("n_scans", 1))
    maximum = position + casa.component_shift - stated * [line.shift for line in lines]
    calibrated = position + casa.component_shift - casa.shift
    named = region_name(region.name) or block.region
    kind = static_kind(region.background.kind)
    return Fitted(
        region=named,
        window=window,
        background=background,
        labels=[component.name for component in components],
        center=maximum if block.scale == "kinetic" else photon_energy - maximum,
        fwhm=fwhm,
        height=area * seconds / (fwhm * [line.area for line in lines]),
        shapes=[component.shape for component in components],
        lines=lines,
        vendor={
            "vendor_center": photon_energy - calibrated,
            "vendor_fwhm": stated,
            "vendor_area": area,
        },
        texts={
            "casa_region": region.line,
            "casa_components": "\n".join(component.line for component in components),
            "casa_calibration": repr(casa.shift),
            **({"background_kind": kind} if kind else {}),
        },
        constraints=describe(components),
        sign=1 if block.scale == "kinetic" else -1,
    )
