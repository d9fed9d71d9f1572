"""VAMAS files (ISO 14976): regular and irregular scans, blocks stacked into dimensions."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from xpsnet.io.casa.comments import calibration_of
from xpsnet.io.common.energy_axis import checked_axis
from xpsnet.io.common.errors import BrokenError, ReadError, refusal, shown
from xpsnet.io.common.file_bytes import read_bytes, start_of_text, to_single_bytes
from xpsnet.io.common.labels import scale_of_label, set_positive, units_of_label
from xpsnet.io.common.reading import Reading
from xpsnet.io.common.region_names import find_region, region_name
from xpsnet.io.common.settings import read_settings
from xpsnet.io.common.stacking import Block, stack_blocks, variable_name
from xpsnet.io.vamas.parser import (
    MAGIC,
    TECHNIQUES,
    Header,
    Lines,
    RawBlock,
    read_block,
    read_header,
)

NAME = "VAMAS"
DIMENSIONS = "Dimensions of xpsnet:"
CALIBRATION = "casa_calibration"  # shift of binding energies [eV] in the comment of a block
_CORRECTION = re.compile(
    r"(?:charge|energy)[ _-]*(?:correct\w*|shift|reference|offset|calib\w*|neutrali[sz]\w* offset)"
    r"[^0-9+-]{0,20}([+-]?\d{1,6}(?:\.\d{1,9})?)",
    re.IGNORECASE,
)
_HINT = re.compile("harge|nergy")
_MAX_COMMENT = 500
WITHOUT_SATELLITES = " without satellites of "
MAX_BYTES = 512 << 20
_MAX_REPAIRS = 100
_SEARCH_BYTES = 8 << 20
_UNSAID = {"", "not specified", "unknown", "n/a"}
_EV_PER_UNIT = {"ev": 1.0, "kev": 1e3, "mev": 1e-3}


def sniff(head: bytes) -> bool:
    """Whether the first line that is not blank says VAMAS."""
    return start_of_text(head).startswith(MAGIC.decode())


def read(path: Path) -> Reading:
    """Read all regions of a VAMAS file.

    Parameters
    ----------
    path : Path
        The file; its extension does not matter.

    Returns
    -------
    Reading
        Damaged and empty blocks are left out and named in the notes.

    Raises
    ------
    ReadError
        If the header is damaged or no block holds a spectrum.
    """
    blocks, comments, notes = read_blocks(path)
    drop_constant_positions(blocks)
    shifts = [calibration_of(comment) for comment in comments]
    for block, shift in zip(blocks, shifts, strict=True) if any(shifts) else ():
        block.details[CALIBRATION] = shift or 0.0
    return Reading(stack_blocks(blocks), [*notes, *_calibrations(shifts), *_others(comments)])


def _calibrations(shifts: Sequence[float | None]) -> list[str]:
    """The note on shifts that CasaXPS states in comments, and that the energies do not have."""
    stated = sorted({shift for shift in shifts if shift})
    if not stated:
        return []
    n = sum(shift is not None for shift in shifts)
    if len(stated) == 1:
        by = f"{stated[0]:+.6g} eV"
        to_do = (
            f"to move the energies too, pass energy_offset={stated[0]:.6g} for binding energies, "
            f"{-stated[0]:.6g} for kinetic energies"
        )
    else:
        by = f"{stated[0]:+.6g} to {stated[-1]:+.6g} eV"
        to_do = f"the shift of each spectrum is in {CALIBRATION}"
    return [
        f"the comments of {n} of {len(shifts)} blocks state a calibration by CasaXPS: binding "
        f"energies {by}. The energies here are as measured, without it; {to_do}; or use it by "
        f'xpsnet.calibrate(spectra, line="CasaXPS")'
    ]


def _others(comments: Sequence[Sequence[str]]) -> list[str]:
    """The note on a charge or energy correction that another program states in a comment."""
    lines = (line for comment in comments for line in comment if _HINT.search(line))
    found = [match for line in lines if (match := _CORRECTION.search(line[:_MAX_COMMENT]))]
    found = [match for match in found if float(match[1]) != 0.0]
    if not found:
        return []
    return [
        f"the comments of {len(found)} blocks state a correction of the energies, the first "
        f"{shown(found[0][0].strip())}. The energies here are as the file gives them: whether they "
        f"contain it is not stated"
    ]


def read_blocks(path: Path) -> tuple[list[Block], list[list[str]], list[str]]:
    """Read the blocks of a VAMAS file before they are stacked.

    Parameters
    ----------
    path : Path

    Returns
    -------
    blocks : list of Block
    comments : list of list of str
        The lines of comment of each block.
    notes : list of str
        What was left out or assumed.

    Raises
    ------
    ReadError
        If the header is damaged or no block holds a spectrum.
    """
    lines = Lines(to_single_bytes(read_bytes(path, MAX_BYTES)))
    try:
        header = read_header(lines)
    except BrokenError as error:
        raise ReadError(f"{path}, {error}; the VAMAS header is damaged: export it again") from error
    raw, notes = _raw_blocks(lines, header)
    blocks: list[Block] = []
    comments: list[list[str]] = []
    relabeled: list[str] = []
    for block in raw:
        try:
            blocks.append(_to_block(block, header))
            comments.append(block.values["comment"])
            if _is_mislabeled(blocks[-1]):
                blocks[-1].units = "counts"
                relabeled.append(str(block.line))
        except BrokenError as error:
            notes.append(f"the block at line {block.line} is left out: {error}")
    if not blocks:
        raise refusal(
            path,
            expected="at least one block with a spectrum",
            got=f"none of the {header.n_blocks} blocks that the header promises",
            advice=notes[0] if notes else "this VAMAS file holds no data",
        )
    if relabeled:
        notes.append(
            f"the values of the blocks at lines {', '.join(relabeled)} are labeled as counts/s, "
            f"but are whole numbers: they are taken for counts"
        )
    return blocks, comments, notes


def _raw_blocks(lines: Lines, header: Header) -> tuple[list[RawBlock], list[str]]:
    """Read all blocks that can be read, and say which cannot."""
    blocks: list[RawBlock] = []
    notes: list[str] = []
    n = header.n_blocks
    repairs = 0
    while len(blocks) + repairs < n:
        start = lines.place
        if lines.at_end:
            notes.append(f"the header promises {n} blocks, the file holds {len(blocks) + repairs}")
            return blocks, notes
        try:
            blocks.append(read_block(lines, header, blocks[0] if blocks else None))
        except BrokenError as error:
            if not blocks and header.sputter_source:
                header.sputter_source = False
                lines.go_to(start)
                continue
            repairs += 1
            notes.append(f"block {len(blocks) + repairs} of {n} is left out: {error}")
            if repairs > _MAX_REPAIRS or not _go_to_next_block(lines, header, start):
                return blocks, notes
    if not lines.at_end:
        notes.append(
            f"line {lines.number + 1}: expected 'end of experiment' after {n} blocks, got more; "
            f"the last block may be damaged"
        )
    return blocks, notes


def _go_to_next_block(lines: Lines, header: Header, start: tuple[int, int]) -> bool:
    """Find where the next block begins after one that is out of step.

    A block begins with two texts, seven numbers of the date, a comment with its number of
    lines, and a technique of the standard's list: nothing in the data looks like that.
    """
    if not set(range(1, 10)) <= header.repeated:
        return False
    lines.go_to(start)
    lines.text("a line")
    techniques = {name.encode() for name in TECHNIQUES}
    rest = lines.rest(_SEARCH_BYTES)
    for i in range(len(rest) - 10):
        if re.fullmatch(rb"\s*\d{1,7}\s*", rest[i + 9]) is None:
            continue
        at = i + 10 + int(rest[i + 9])
        if at < len(rest) and rest[at].strip() in techniques:
            for _ in range(i):
                lines.text("a line")
            return True
    return False


def _to_block(raw: RawBlock, header: Header) -> Block:
    """Tell what the numbers of a block mean."""
    values = raw.values
    ordinates: list[tuple[str, str]] = values["ordinates"]
    columns = dict(enumerate(raw.columns.T))
    if header.scan_mode == "REGULAR":
        label, unit = values["abscissa"], values["abscissa unit"]
        n = raw.columns.shape[0]
        energy = values["start"] + values["step"] * np.arange(n, dtype=np.float64)
    else:
        label, unit = ordinates[0]
        energy = columns.pop(0)
    factor = _EV_PER_UNIT.get(unit.strip().lower())
    if factor is None:
        raise BrokenError(f"expected an energy axis in eV, got {label!r} in {unit!r}")
    energy = checked_axis(energy * factor)
    main = _main_ordinate(ordinates, list(columns))
    names = f"{values['species']} {values['transition']}", raw.identifier
    original = raw.identifier if find_region(raw.identifier) else region_name(*names)
    return Block(
        region=region_name(*names),
        label=original,
        energy=energy,
        counts=columns[main].astype(np.float64),
        scale=scale_of_label(label),
        units=units_of_label(" ".join(reversed(ordinates[main]))) or "counts",
        sample="" if raw.sample.lower() in _UNSAID else raw.sample,
        attrs=_attrs(values, header),
        details=_details(raw),
        variables=_variables(values, header),
        curves={_curve_name(ordinates[i][0], i): columns[i] for i in columns if i != main},
        dims=_stated_dims(values["comment"]),
    )


def _is_mislabeled(block: Block) -> bool:
    """Whether values labeled as counts/s are counts: whole numbers, measured for longer than 1 s.

    A rate counted over a longer time than a second has fractions.
    """
    seconds = float(block.details.get("dwell_time", 0.0)) * int(block.details.get("n_scans", 1))
    finite = block.counts[np.isfinite(block.counts)]
    return block.units != "counts" and seconds > 1.0 and bool((finite == np.round(finite)).all())


def _main_ordinate(ordinates: list[tuple[str, str]], candidates: list[int]) -> int:
    """Index of the ordinate that is the spectrum: the first that is no transmission."""
    if not candidates:
        raise BrokenError("expected counts beside the energies, got none")
    spectra = (i for i in candidates if "transm" not in ordinates[i][0].lower())
    return next(spectra, candidates[0])


def _curve_name(label: str, index: int) -> str:
    """Name of a further ordinate, a function of energy."""
    if "transm" in label.lower():
        return "transmission"
    return f"ordinate_{index + 1}_" + variable_name(label, "")[0]


def _attrs(values: dict[str, Any], header: Header) -> dict[str, str | int | float]:
    """What blocks of one stack have in common."""
    attrs: dict[str, str | int | float] = _stated(technique=values["technique"])
    # For Auger and electron loss spectra the source energy is that of an electron beam.
    if not values["technique"].startswith(("AES", "ELS")):
        set_positive(attrs, "photon_energy", values["source energy"])
    if values["analyzer mode"].upper() == "FAT":
        set_positive(attrs, "pass_energy", values["pass energy"])
    if "photon_energy" not in attrs or "pass_energy" not in attrs:
        # Programs that leave the entries of the standard empty write them into the comment.
        stated = read_settings(values["comment"])
        wanted = [] if values["technique"].startswith(("AES", "ELS")) else ["photon_energy"]
        wanted += ["pass_energy"] if values["analyzer mode"].upper() == "FAT" else []
        attrs = {name: stated[name] for name in wanted if name in stated} | attrs
    source, _, removed = values["source"].partition(WITHOUT_SATELLITES)
    return attrs | _stated(instrument=header.instrument, source=source, satellites_removed=removed)


def _stated(**texts: str) -> dict[str, Any]:
    """Keep the texts that state something."""
    return {name: text for name, text in texts.items() if text.lower() not in _UNSAID}


def _details(raw: RawBlock) -> dict[str, str | int | float]:
    """What may differ from block to block."""
    values = raw.values
    details: dict[str, str | int | float] = {}
    set_positive(details, "dwell_time", values["dwell time"])
    scans = values["scans"]
    if np.isfinite(scans) and scans >= 1:
        details["n_scans"] = int(scans)
    details |= _stated(sample=raw.sample)
    date = [values[name] for name in ("year", "month", "day", "hour", "minute", "second")]
    if all(np.isfinite(part) for part in date) and 1950 < date[0] < 2200 and min(date) >= 0:
        day = "-".join(f"{int(part):02d}" for part in date[:3])
        details["acquired"] = f"{day}T" + ":".join(f"{int(part):02d}" for part in date[3:])
    return details


def _variables(values: dict[str, Any], header: Header) -> dict[str, tuple[float, str]]:
    """Experimental variables of a block that have a value."""
    named = [
        (*variable_name(label, unit), value)
        for (label, unit), value in zip(header.variables, values["variables"], strict=False)
    ]
    named += [(name, "", values[name]) for name in ("y", "x") if name in values]
    found: dict[str, tuple[float, str]] = {}
    for name, unit, value in named:
        if np.isfinite(value):
            found.setdefault(name, (float(value), unit))
    return found


def _stated_dims(comment: list[str]) -> tuple[str, ...]:
    """Dimensions of the stack that a block belongs to, which only our own files name."""
    if not comment or not comment[-1].startswith(DIMENSIONS) or len(comment[-1]) > 500:
        return ()
    return tuple(
        variable_name(word, "")[0] for word in comment[-1].removeprefix(DIMENSIONS).split()
    )


def drop_constant_positions(blocks: list[Block]) -> None:
    """Forget x and y without a unit where they never change: they are not a map's."""
    for name in ("x", "y"):
        given = {block.variables.get(name) for block in blocks}
        if len(given) == 1 and given != {None} and given.pop()[1] == "":  # type: ignore[index]
            for block in blocks:
                if name not in block.dims:
                    del block.variables[name]
