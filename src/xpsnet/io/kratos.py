"""Kratos Vision datasets as text (`.kal`), and refusal of the binary ones (`.dset`).

The text is what the program `dump_dataset` of Kratos makes of a dataset: objects, each with lines
of `number name = value`. Written from that layout, not yet seen from an instrument.
"""

import re
from pathlib import Path

import numpy as np

from xpsnet.constants import PHOTON_ENERGIES
from xpsnet.io.common.energy_axis import checked_axis
from xpsnet.io.common.errors import refusal, shown
from xpsnet.io.common.file_bytes import LINE_ENDS, checked_text, read_bytes, start_of_text
from xpsnet.io.common.labels import leading_number, number_of_text, scale_of_label, units_of_label
from xpsnet.io.common.reading import Reading
from xpsnet.io.common.region_names import find_region, region_name
from xpsnet.io.common.stacking import Block, Floats, stack_blocks

NAME = "Kratos"
MAX_BYTES = 64 << 20
MAX_VALUES = 2_000_000
_MAGIC = b"\0\0\xde\x01\0\0\0\x02"
_BEGIN = re.compile(r"(?:Dataset filename|Object name)\s{0,200}=")
_DATE = re.compile(r"(\d\d)/(\d\d)/(\d\d)\s+(\d\d:\d\d:\d\d)")
_ANODE = re.compile(r"(?:_|\b)(AL|MG|AG|ZR|TI|CR)(?:_|\b)")
_EXPORT = "export VAMAS (.vms) from Vision or ESCApe"
Fields = dict[str, str]


def sniff(head: bytes) -> bool:
    """Whether this is a Kratos dataset, as text or binary."""
    return head.startswith(_MAGIC) or _BEGIN.match(start_of_text(head)) is not None


def read(path: Path) -> Reading:
    """Read all spectra of a Kratos dataset that was dumped as text.

    Parameters
    ----------
    path : Path
        The file; its extension does not matter.

    Returns
    -------
    Reading
        Damaged objects are left out and named in the notes.

    Raises
    ------
    ReadError
        If the dataset is binary, or no object holds a spectrum.
    """
    data = read_bytes(path, MAX_BYTES)
    if data.startswith(_MAGIC):
        raise refusal(
            path, expected="spectra as VAMAS or text", got="a binary Kratos dataset (.dset)",
            advice=_EXPORT + ", or dump it as text: dump_dataset name.dset all > name.kal",
        )  # fmt: skip
    blocks: list[Block] = []
    notes: list[str] = []
    for number, fields in _objects(LINE_ENDS.split(checked_text(path, data))):
        if "SPECTRUM" not in fields.get("Scan type", "SPECTRUM").upper():
            continue
        if "Ordinate values" not in fields and "Spectrum scan start" not in fields:
            continue  # etching, moving, waiting
        try:
            blocks.append(_block(fields))
        except ValueError as error:
            notes.append(f"the object at line {number} is left out: {error}")
    return Reading(stack_blocks(blocks), notes).not_empty(
        path, expected="at least one spectrum in a Kratos dataset", advice=_EXPORT
    )


def _objects(lines: list[str]) -> list[tuple[int, Fields]]:
    """Fields of all objects by name, with the line at which each begins."""
    objects: list[tuple[int, Fields]] = []
    open_name, open_parts = "", [""]
    for number, line in enumerate(lines, start=1):
        if open_name:  # a list in braces goes on over many lines
            open_parts.append(line)
            if "}" in line:
                objects[-1][1].setdefault(open_name, " ".join(open_parts))
                open_name = ""
            continue
        key, equals, value = line.partition("=")
        key, value = key.strip()[:200], value.strip()
        if key == "Object name":
            objects.append((number, {"Object name": value}))
        elif equals and objects:
            name = key.split(maxsplit=1)[-1] if key[:1].isdigit() else key
            if value.startswith("{") and value != "{" and "}" not in value:
                open_name, open_parts = name, [value]
            elif value != "{":
                objects[-1][1].setdefault(name, value)
    return objects


def _block(fields: Fields) -> Block:
    """Turn an object into a block; ValueError tells what is wrong with it."""
    counts = _list(fields.get("Ordinate values", ""), "counts")
    start, step = _number(fields, "Spectrum scan start"), _number(fields, "Spectrum scan step size")
    if counts.size < 2 or not np.isfinite([start, step]).all() or step == 0:
        raise ValueError(
            f"expected a start, a step and at least 2 values, got {start:g} eV, {step:g} eV and "
            f"{counts.size} values"
        )
    energy = checked_axis(start + step * np.arange(counts.size, dtype=np.float64))
    species = f"{fields.get('Chemical symbol or formula', '')} "
    species += fields.get("Transition or charge state", "")
    acquisition = fields.get("Acquisition name", "")
    label = acquisition or species.strip() or fields["Object name"]
    scale = scale_of_label(fields.get("Abscissa label", ""))
    attrs = _attrs(fields)
    stage = {axis: _number(fields, f"Stage {axis.upper()} Position") for axis in "xyz"}
    return Block(
        region=region_name(species if find_region(species) else "", acquisition, label),
        label=label[:200],
        energy=energy,
        counts=counts,
        scale=scale,
        units=units_of_label(fields.get("Ordinate units", "")) or "counts",
        sample=fields.get("Stage Position Name", "")[:200],
        attrs=attrs,
        details=_details(fields),
        variables={axis: (place, "m") for axis, place in stage.items() if np.isfinite(place)},
        curves=_transmission(fields, energy, scale, attrs.get("photon_energy")),
    )


def _number(fields: Fields, name: str) -> float:
    """Number at the beginning of a value such as "0.5 seconds", NaN if there is none."""
    return leading_number(fields.get(name, ""))


def _list(text: str, what: str) -> Floats:
    """Numbers of a list in braces; what is not finite becomes NaN."""
    body = text.partition("}")[0].lstrip("{ ")
    if body.count(",") > MAX_VALUES:
        raise ValueError(f"expected at most {MAX_VALUES} {what}, got {body.count(',')}")
    words = body.replace(",", " ").split()
    try:
        values = np.array([float(word) for word in words], dtype=np.float64)
    except ValueError:
        wrong = next((word for word in words if np.isnan(number_of_text(word))), words[-1])
        raise ValueError(f"expected {what} as numbers, got {shown(wrong)}") from None
    values[~np.isfinite(values)] = np.nan
    return values


def _attrs(fields: Fields) -> dict[str, str | int | float]:
    """What scans of one region have in common."""
    attrs: dict[str, str | int | float] = {"instrument": "Kratos"}
    technique = fields.get("Technique", "").removeprefix("F_")
    if technique:
        attrs["technique"] = technique[:40]
    words = f"{fields.get('Xray Reference Energy', '')} {fields.get('Xray Gun Anode', '')}".upper()
    anode = _ANODE.search(words[:400])
    if anode:
        source = next(name for name in PHOTON_ENERGIES if name.upper().startswith(anode[1]))
        if "MONO" in words and f"{source} mono" in PHOTON_ENERGIES:
            source += " mono"
        attrs |= {"x_ray_source": source, "photon_energy": PHOTON_ENERGIES[source]}
        if "MONO" not in words and "ANODE" in words:  # an anode is stated, and no monochromator
            attrs["x_ray_source"] = f"{source} achromatic"
    pass_energy = _number(fields, "Pass energy")
    if pass_energy > 0:
        attrs["pass_energy"] = pass_energy
    return attrs


def _details(fields: Fields) -> dict[str, str | int | float]:
    """What may differ from scan to scan."""
    details: dict[str, str | int | float] = {}
    dwell_time, sweeps = _number(fields, "Dwell time"), _number(fields, "# Sweeps completed")
    if 0 < dwell_time < 1e6:
        details["dwell_time"] = dwell_time
        details["n_scans"] = int(sweeps) if 1 <= sweeps < 1e6 else 1
    if fields.get("Stage Position Name"):
        details["sample"] = fields["Stage Position Name"][:200]
    date = _DATE.match(fields.get("Date Acquired", ""))
    if date:
        century = "19" if int(date[1]) >= 70 else "20"
        details["acquired"] = f"{century}{date[1]}-{date[2]}-{date[3]}T{date[4]}"
    return details


def _transmission(
    fields: Fields, energy: Floats, scale: str | None, photon_energy: str | float | None
) -> dict[str, Floats]:
    """Transmission function at the energies of the spectrum, where the object has one."""
    kinetic = _list(fields.get("Transmission Function Kinetic Energy", ""), "energies")
    values = _list(fields.get("Transmission Function Value", ""), "values")
    if values.size < 2 or values.size != kinetic.size or not (np.diff(kinetic) > 0).all():
        return {}
    if scale != "kinetic":
        if not isinstance(photon_energy, float):
            return {}
        energy = photon_energy - energy
    return {"transmission": np.interp(energy, kinetic, values)}
