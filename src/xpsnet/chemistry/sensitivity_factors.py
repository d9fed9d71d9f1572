"""Sensitivity factors: from cross-sections, from the file, or the user's own."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import is_number, shown
from xpsnet.chemistry import cross_sections
from xpsnet.chemistry.levels_of_peaks import LevelOfPeaks
from xpsnet.data.level_names import ELEMENT, Level, parse_level

Floats = npt.NDArray[np.float64]

KINDS = ("cross-section", "measured", "average matrix")
"""What factors may contain.

"cross-section": nothing else; transmission and mean free path are applied. "measured": everything,
transmission, mean free path and angle of the instrument; nothing is applied. "average matrix":
cross-section and mean free path; the transmission is applied.
"""

SENSITIVITY_FACTOR = "sensitivity_factor"
"""Variable over `peak` of fits that another program has written: the factor that it used."""

_MAX_ROWS = 5000
_KIND = re.compile(r"^#\s*kind\s*:\s*(.+?)\s*$", re.IGNORECASE)
_NUMBER = r"[-+.\d]+(?:[eE][-+]?\d+)?"
_CASA = re.compile(rf"RSF ({_NUMBER}) MASS .*?UNCORRECTEDRSF ({_NUMBER})")
_WAGNER = (0.2, 0.35)  # where C 1s stands when F 1s is 1


@dataclass(frozen=True)
class Factors:
    """Factors of some levels.

    Attributes
    ----------
    values : ndarray, shape (level,)
    weights : list of ndarray, each of shape (peak,)
        By what the area of each peak of a level is multiplied, 1 / factor; 0 for peaks of other
        levels.
    kind : str
        One of `KINDS`.
    source : str
        A sentence for the report.
    """

    values: Floats
    weights: list[Floats]
    kind: str
    source: str


def sensitivity_factors(
    rsf: str | Path | Mapping[str, float],
    kind: str | None,
    levels: Sequence[tuple[xr.Dataset, LevelOfPeaks]],
    notes: list[str],
) -> Factors:
    """Factors of levels.

    Parameters
    ----------
    rsf : "scofield", "file", path or mapping
        As for `xpsnet.quantify`.
    kind : str, optional
        One of `KINDS`.
    levels : sequence of (Dataset, LevelOfPeaks)
    notes : list of str
        Warnings are added.

    Raises
    ------
    ValueError
        Where a level has no factor.
    """
    if isinstance(rsf, str) and rsf == "scofield":
        values, source = _scofield(levels, notes)
        return Factors(values, _weights(values, levels), "cross-section", source)
    if isinstance(rsf, str) and rsf == "file":
        return _of_files(kind, levels, notes)
    if isinstance(rsf, Mapping):
        table, stated, source = dict(rsf), None, "factors given by the user"
    else:
        table, stated = read_factors(Path(rsf))
        source = f"factors of the file {Path(rsf).name}"
    _check_table(table)
    kind = kind or stated
    if kind is None:
        notes.append(
            "nothing says what the given sensitivity factors contain: they were taken as bare "
            "cross-sections, and transmission and mean free path were applied; pass "
            'rsf_kind="measured" or "average matrix" where they contain more'
        )
    values = np.array([_looked_up(one.level, table) for _, one in levels])
    names = {str(parse_level(name) or name): value for name, value in table.items()}
    carbon, fluorine = names.get("C 1s", names.get("C")), names.get("F 1s", names.get("F"))
    if carbon and fluorine and abs(fluorine - 1) < 0.01 and _WAGNER[0] < carbon < _WAGNER[1]:
        notes.append(
            "the factors have F 1s = 1 as Wagner's: those were measured on analyzers whose "
            "transmission falls as 1/E, and contain it and the mean free path; they hold for such "
            'instruments only, with rsf_kind="measured"'
        )
    return Factors(values, _weights(values, levels), kind or "cross-section", source)


def _scofield(
    levels: Sequence[tuple[xr.Dataset, LevelOfPeaks]], notes: list[str]
) -> tuple[Floats, str]:
    """Cross-sections relative to C 1s, or absolute ones where C 1s has none."""
    energies = sorted({one.photon_energy for _, one in levels})
    low = [
        energy for energy in energies if not cross_sections.ionizes(cross_sections.CARBON, energy)
    ]
    if energies[-1] - energies[0] > 5.0:
        listed = ", ".join(f"{energy:g}" for energy in energies)
        notes.append(
            f"the regions have different photon energies ({listed} eV): the areas must be divided "
            f"by the photon flux before"
        )
        low = energies
    if low:
        values = [cross_sections.cross_section(o.level, o.photon_energy) for _, o in levels]
        return np.array(values), "photo-ionization cross-sections of xraylib [Mb]"
    values = [cross_sections.scofield_factor(o.level, o.photon_energy) for _, o in levels]
    return np.array(values), (
        "Scofield's factors (1976, doi 10.1016/0368-2048(76)80015-1): photo-ionization "
        "cross-sections of xraylib relative to C 1s"
    )


def _weights(values: Floats, levels: Sequence[tuple[xr.Dataset, LevelOfPeaks]]) -> list[Floats]:
    """The same factor for all peaks of a level."""
    return [one.rows / value for value, (_, one) in zip(values, levels, strict=True)]


def _of_files(
    kind: str | None, levels: Sequence[tuple[xr.Dataset, LevelOfPeaks]], notes: list[str]
) -> Factors:
    """Factors that the fits of other programs hold, one for each peak."""
    values, weights, kinds, programs = [], [], set(), set()
    for peaks, one in levels:
        found = _of_file(peaks)
        if found is None:
            raise ValueError(
                f"expected sensitivity factors in the fit of {one.name}, got none; fits of CasaXPS "
                f'and Avantage have them, else pass rsf="scofield" or a mapping'
            )
        factors, contained, program = found
        used = one.rows & (factors > 0)
        if not used.any():
            notes.append(f"the file gives {one.name} the factor 0: its area is not counted")
        weights.append(np.where(used, 1.0 / np.where(used, factors, 1.0), 0.0))
        values.append(float(np.median(factors[used])) if used.any() else np.nan)
        kinds.add(contained)
        programs.add(program)
    if len(kinds) > 1 and kind is None:
        raise ValueError(
            "expected factors of one kind, got some that contain transmission and mean free path "
            "and some that do not; quantify these regions apart, or pass rsf_kind="
        )
    stated = kinds.pop() if len(kinds) == 1 else "cross-section"
    if kind is None and stated == "measured":
        notes.append(
            "the factors of the file already contain transmission or mean free path (RSF differs "
            "from UNCORRECTEDRSF): neither is applied again"
        )
    source = f"factors that the file states ({', '.join(sorted(programs))})"
    return Factors(np.array(values), weights, kind or stated, source)


def _of_file(peaks: xr.Dataset) -> tuple[Floats, str, str] | None:
    """Factor of each peak, what it contains, and the program that used it."""
    n = peaks.sizes["peak"]
    if SENSITIVITY_FACTOR in peaks:
        values = np.nan_to_num(np.asarray(peaks[SENSITIVITY_FACTOR].values, dtype=np.float64))
        program = str(peaks.attrs.get("fitted_with", "another program"))
        return (values, "cross-section", program) if (values > 0).any() else None
    found = _CASA.findall(str(peaks.attrs.get("casa_components", "")))
    if len(found) != n:
        return None
    corrected, bare = np.array(found, dtype=np.float64).T
    same = np.allclose(corrected, bare, rtol=1e-4)
    return corrected, "cross-section" if same else "measured", "CasaXPS"


def read_factors(path: Path) -> tuple[dict[str, float], str | None]:
    """Read a table of factors: a name and a number in each row.

    Parameters
    ----------
    path : Path
        Text with commas, semicolons, tabs or blanks between the columns. Rows that begin with #
        are comments; "# kind: measured" says what the factors contain (`KINDS`).

    Returns
    -------
    (dict, str or None)
        Factors by level, and the kind.

    Raises
    ------
    ValueError
        Where no row holds a level and a number, or the kind is unknown.
    """
    kind = None
    table: dict[str, float] = {}
    for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines()[:_MAX_ROWS]:
        match = _KIND.match(line)
        if match:
            kind = match[1].lower()
        if line.lstrip().startswith("#") or not line.strip():
            continue
        name, value = _row(line)
        if value is not None:
            table[name] = value
    if kind is not None and kind not in KINDS:
        raise ValueError(f"expected the kind from {', '.join(KINDS)}, got {kind!r} in {path.name}")
    if not table:
        raise ValueError(
            f"expected rows such as 'O 1s, 2.93' in {path.name}, got none; write a level and its "
            f"factor in each row"
        )
    return table, kind


def _row(line: str) -> tuple[str, float | None]:
    """Name and number of a row; None where it is no such row."""
    mark = next((one for one in ";\t," if one in line), None)
    cells = next(csv.reader([line], delimiter=mark)) if mark else line.rsplit(None, 1)
    cells = [cell.strip() for cell in cells if cell.strip()]
    name = cells[0] if cells else ""
    if len(cells) > 1 and parse_level(name) is None and re.fullmatch(ELEMENT, name):
        joined = f"{name} {cells[1]}"  # the element and the shell in two columns
        if parse_level(joined) is not None:
            name, cells = joined, cells[1:]
    for cell in cells[1:]:
        try:
            return name, float(cell.replace(",", "."))
        except ValueError:
            continue
    return name, None


def _check_table(table: Mapping[str, float]) -> None:
    """Refuse factors that are no positive numbers, and names that are no levels."""
    for name, value in table.items():
        if not is_number(value) or not 0 < value < np.inf:
            raise ValueError(
                f"expected positive sensitivity factors, got {shown(value)} for {name!r}"
            )
        if parse_level(name) is None and not re.fullmatch(ELEMENT, name.strip()):
            raise ValueError(
                f"expected the names of levels in rsf=, got {shown(name)}; write 'O 1s', "
                f"'Ti 2p3/2' or 'O'"
            )


def _looked_up(level: Level, table: Mapping[str, float]) -> float:
    """Factor of a level: of the same line, else of the sum of its lines, else of the element."""
    known = {parse_level(name): value for name, value in table.items()}
    if level in known:
        return float(known[level])
    lines = [Level(level.element, level.shell, j) for j in cross_sections.lines_of(level)]
    if level.j is None and all(line in known for line in lines):
        return float(sum(known[line] for line in lines))
    if level.element in table:
        return float(table[level.element])
    near = [str(one) for one in known if one is not None and one[:2] == level[:2]]
    if near:
        raise ValueError(
            f"expected a factor of {level}, got that of {near[0]}: a doublet and one line of it "
            f"have different factors; add {str(level)!r} to rsf="
        )
    raise ValueError(
        f"expected a factor of {level}, got none; the factors given are those of "
        f"{shown(list(table)[:12])}"
    )
