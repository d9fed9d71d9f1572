"""XML files of SpecsLab 2: regions, cycles and scans, with one count for each detector and energy.

The detectors of a multichannel analyzer see energies that differ by a shift times the pass energy.
A scan starts and ends so much further out that all of them see the whole region; the counts of
the nearest energies are summed.
"""

import time
from array import array
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np
import xarray as xr

from xpsnet.io.common.energy_axis import checked_axis
from xpsnet.io.common.errors import BrokenError, refusal, shown, unopened
from xpsnet.io.common.file_bytes import start_of_text
from xpsnet.io.common.labels import number_of_text, set_positive
from xpsnet.io.common.reading import Reading
from xpsnet.io.common.region_names import region_name
from xpsnet.io.common.stacking import Block, Floats, drop_constant, stack_blocks
from xpsnet.io.common.xml_stream import Node, OtherRootError, RefusedXmlError, Stream
from xpsnet.io.specs.detectors import sum_detectors

NAME = "SPECS XML"
MAX_BYTES = 256 << 20
_MAX_NUMBERS = 32 << 20
_MAX_BLOCKS = 50_000
_MODES = ("fixedanalyzertransmission", "fixedretardingratio", "")
_EXPORT = "export the spectra from the instrument's program as VAMAS or text"
_OTHERS = {
    "Chart": ("a chart of Avantage, which holds display settings",
              "the spectrum lies in the .vgd file of the same name beside it: open the .VGD"),
    "html": ("a web page", "save the table as csv"),
    "svg": ("a drawing", "a picture holds no counts; " + _EXPORT),
}  # fmt: skip


def sniff(head: bytes) -> bool:
    """Whether the file begins as XML does, or with the elements of SpecsLab 2."""
    return start_of_text(head).startswith(("<?xml", "<!DOCTYPE any", "<any ", "<any>"))


def read(path: Path) -> Reading:
    """Read all regions of a file of SpecsLab 2.

    Parameters
    ----------
    path : Path
        The file; its extension does not matter.

    Returns
    -------
    Reading
        Cycles, scans and curves of a region are dimensions.

    Raises
    ------
    ReadError
        If it is other XML, declares entities, or holds no region.
    """
    spectra: list[xr.DataArray] = []
    notes: list[str] = []
    budget = [_MAX_NUMBERS, _MAX_BLOCKS]

    def take(node: Node, path_to: list[Node]) -> None:
        try:
            spectra.extend(stack_blocks(_blocks(node, _group(path_to), budget, notes)))
        except BrokenError as error:
            notes.append(f"the region {shown(node.words('name'))} is left out: {error}")

    stream = Stream(("any",), lambda _, attrs: attrs.get("type_name") == "RegionData", take)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RefusedXmlError(f"more than {MAX_BYTES >> 20} MiB")
        with path.open("rb") as file:
            stream.parse(file)
    except OtherRootError as error:
        root = str(error)
        what, advice = _OTHERS.get(root, (f"XML of another kind, <{root}>", _EXPORT))
        raise refusal(path, expected="spectra", got=what, advice=advice) from error
    except RefusedXmlError as error:
        raise refusal(path, expected="XML of SpecsLab 2", got=str(error),
                      advice="such a file is not opened; " + _EXPORT) from error  # fmt: skip
    except OSError as error:
        raise unopened(path, error) from error
    except (expat.ExpatError, ValueError, LookupError) as error:
        notes.append(f"the XML breaks off: {error}")
    return Reading(spectra, notes).not_empty(
        path, expected="XML of SpecsLab 2 with at least one region", advice=_EXPORT
    )


def _group(path: list[Node]) -> str:
    """Name of the group that a region belongs to."""
    groups = [node for node in path if node.attrs.get("type_name") == "RegionGroup"]
    return groups[-1].words("name")[:500] if groups else ""


def _number(node: Node, *names: str) -> float:
    """Number in an element; NaN if there is none."""
    return number_of_text(node.words(*names))


def _count(node: Node, *names: str, default: int = 0) -> int:
    """Whole number >= 0 in an element."""
    value = _number(node, *names)
    return int(value) if 0 <= value < 1e8 and value == int(value) else default


def _numbers(node: Node | None, budget: list[int]) -> Floats:
    """Numbers of a sequence, shape (n,); the budget bounds those of the whole file."""
    if node is None:
        return np.empty(0)
    found = array("d")
    for part in (node, *node.children):
        words = part.text.split()
        budget[0] -= len(words)
        if budget[0] < 0:
            raise BrokenError("the file holds too many numbers")
        try:
            found.extend(map(float, words))
        except ValueError as error:
            raise BrokenError(f"expected numbers, got words: {error}") from error
    values = np.array(found)
    values[~np.isfinite(values)] = np.nan
    return values


def _parts(node: Node, name: str) -> list[Node]:
    """Elements of a sequence."""
    found = node.child(name)
    return found.children if found else []


def _energies(definition: Node) -> Floats:
    """Kinetic energies of a region [eV], shape (n,)."""
    start, step = _number(definition, "kinetic_energy"), _number(definition, "scan_delta")
    n = _count(definition, "values_per_curve")
    if not 2 <= n <= 1_000_000 or not step > 0 or not np.isfinite(start):
        raise BrokenError(f"expected a start, a step and points, got {start:g}, {step:g}, {n}")
    return checked_axis(start + step * np.arange(n, dtype=np.float64))


def _detectors(node: Node) -> list[Node]:
    """Detectors of the analyzer."""
    info = node.child("analyzer_info")
    return _parts(info, "detectors") if info else []


def _offsets(node: Node, definition: Node) -> Floats:
    """Energies of the detectors above that of the analyzer [eV], shape (n_detectors,)."""
    shifts = np.array([_number(detector, "shift") for detector in _detectors(node)] or [0.0])
    mode = definition.words("scan_mode", "name").lower()
    if mode == "fixedretardingratio" and shifts.size > 1:
        raise BrokenError("several detectors at a fixed retarding ratio: export it as .xy")
    pass_energy = _number(definition, "pass_energy")
    return shifts * (pass_energy if np.isfinite(pass_energy) else 0.0)


def _blocks(node: Node, group: str, budget: list[int], notes: list[str]) -> list[Block]:
    """Turn one region into a block for each cycle, scan and curve."""
    name = node.words("name")[:500]
    definition = node.child("region")
    if definition is None:
        raise BrokenError("its definition is missing")
    mode = definition.words("scan_mode", "name")
    if mode.lower() not in _MODES:
        raise BrokenError(f"the scan mode {mode[:60]} has no axis of electron energies")
    energy = _energies(definition)
    transmission = _numbers(node.child("transmission"), budget)
    is_given = transmission.size == energy.size and np.ptp(transmission) > 0
    template = Block(
        region=region_name(name),
        label=name,
        energy=energy,
        counts=energy,
        scale="kinetic",
        units="counts",
        attrs=_attrs(node, definition, group),
        curves={"transmission": transmission} if is_given else {},
    )
    blocks = _scans(node, definition, template, budget, notes)
    n_compact = len(_parts(node, "compact_cycles"))
    if not blocks:
        compact = " in the open form: export it as .xy" if n_compact else ""
        raise BrokenError(f"it holds no whole scans{compact}")
    if n_compact:
        notes.append(f"{n_compact} compact cycles of {shown(name)} are left out: export it as .xy")
    drop_constant(blocks, ("cycle", "scan", "curve"))
    return blocks


def _scans(
    node: Node, definition: Node, template: Block, budget: list[int], notes: list[str]
) -> list[Block]:
    """Make a block of each cycle, scan and curve of a region."""
    n = template.energy.size
    blocks: list[Block] = []
    for i, cycle in enumerate(_parts(node, "cycles")):
        details = _details(cycle, definition)
        for j, scan in enumerate(_parts(cycle, "scans")):
            try:
                curves = _curves(_numbers(scan.child("counts"), budget), node, definition, n)
            except BrokenError as error:
                notes.append(
                    f"scan {j} of cycle {i} of {shown(template.label)} is left out: {error}"
                )
                continue
            budget[1] -= len(curves)
            if budget[1] < 0:
                raise BrokenError("the file holds too many scans")
            for k, curve in enumerate(curves):
                loops = {"cycle": i, "scan": j, "curve": k}
                variables = {loop: (float(turn), "") for loop, turn in loops.items()}
                blocks.append(replace(template, counts=curve, details=details, variables=variables))
    return blocks


def _curves(counts: Floats, node: Node, definition: Node, n: int) -> list[Floats]:
    """Counts of each curve of a scan, the detectors summed, shape (n,)."""
    n_detectors = max(len(_detectors(node)), 1)
    n_curves = max(_count(definition, "curves_per_scan", default=1), 1)
    n_samples = n + _count(node, "mcd_head") + _count(node, "mcd_tail")
    if counts.size != n_curves * n_samples * n_detectors:
        raise BrokenError(
            f"expected {n_curves} x {n_samples} x {n_detectors} counts (curves, energies, "
            f"detectors), got {counts.size}"
        )
    samples = counts.reshape(n_curves, n_samples, n_detectors)
    step, head = _number(definition, "scan_delta"), _count(node, "mcd_head")
    return list(sum_detectors(samples, _offsets(node, definition), step, head, n))


def _attrs(node: Node, definition: Node, group: str) -> dict[str, str | int | float]:
    """What the scans of a region have in common."""
    attrs: dict[str, Any] = {}
    for key, name in (("excitation_energy", "photon_energy"), ("pass_energy", "pass_energy")):
        set_positive(attrs, name, _number(definition, key))
    texts = {
        "technique": definition.words("analysis_method"),
        "lens_mode": definition.words("analyzer_lens"),
        "acquisition_mode": definition.words("scan_mode", "name"),
        "instrument": node.words("analyzer_info", "name"),
        "source": node.words("source_info", "name"),
        "group": group,
    }
    return attrs | {name: text[:500] for name, text in texts.items() if text}


def _details(cycle: Node, definition: Node) -> dict[str, str | int | float]:
    """What may differ between the scans of a region."""
    details: dict[str, str | int | float] = {"n_scans": 1}
    set_positive(details, "dwell_time", _number(definition, "dwell_time"))
    seconds = _number(cycle, "time")
    if 0 < seconds < 4e9:
        details["acquired"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    return details
