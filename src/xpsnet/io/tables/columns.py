"""What each column of a table holds: energies, counts, or something that is no spectrum.

The evidence is the words and units of the labels (`column_words`), then the numbers, and first of
all what the user states. A table in which the evidence is against every column as energies is
refused.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from xpsnet.io.common.energy_axis import MAX_ENERGY, axis_parts, is_uniform
from xpsnet.io.common.errors import shown
from xpsnet.io.tables.column_words import (
    UNITS_ONLY,
    Evidence,
    evidence,
    is_table_of_peaks,
    plain_label,
)
from xpsnet.io.tables.number_tables import MIN_ROWS, Table, is_counting

Floats = npt.NDArray[np.float64]
Stated = Mapping[str, object]

ROLES = ("axis", "spectrum", "coordinate", "error", "background", "residual", "component", "sum",
         "other axis", "index", "other", "left out")  # fmt: skip
_MAX_SEARCHED = 50  # columns among which energies without a label are looked for
_FIT = {"background", "residual", "envelope", "component"}
_ROLE_OF_KIND = {
    "energy": "other axis", "error": "error", "residual": "residual", "processed": "processed",
    "background": "background", "envelope": "sum of the fit", "component": "component",
    "total": "sum", "channel": "channel", "scan": "scan", "index": "index", "place": "other",
    "other": "other", "counts": "other", "region": "other", "": "unknown",
}  # fmt: skip
_SAME_SUM = 0.02  # largest change of BE + KE over a table [eV]
evidence_of = lru_cache(maxsize=20_000)(evidence)


class ColumnsError(Exception):
    """No column can be the energies; the text says what the table holds instead."""

    def __init__(self, holds: str, advice: str = "") -> None:
        super().__init__(holds)
        self.advice = advice or (
            'where a column holds energies in eV, say so: columns={"axis": 1}, its number from 1 '
            "or its label"
        )


@dataclass
class Columns:
    """The columns of one spectrum or stack, by their place from 0."""

    axis: int
    axis_label: str
    evidence: Evidence
    spectra: list[int] = field(default_factory=list)
    candidates: list[int] = field(default_factory=list)  # may be coordinates
    roles: dict[int, str] = field(default_factory=dict)
    photon_energy: float | None = None


@dataclass
class Labels:
    """Labels of all columns and what they say."""

    texts: list[str]
    found: list[Evidence]
    heads: list[list[str]]


def labels_of(table: Table) -> Labels:
    """Find the header line that says most about the columns, with the line of units beside it."""
    width = table.values.shape[1]
    rows = [row for row in table.heads if len([c for c in row if c]) >= 2]
    units = [row for row in rows if all(UNITS_ONLY.fullmatch(cell) for cell in row)]
    best, most = table.labels or [""] * width, 0
    own_labels = [best] if table.labels and best not in units else []
    for row in [row for row in rows if row not in units] + own_labels:
        if width == 2 and _is_number(row[1]):
            continue  # a setting and its value
        kinds = [evidence_of(cell).kind for cell in row[:_MAX_SEARCHED]]
        last = row is rows[-1] if rows else True
        score = 2 * kinds.count("energy") + kinds.count("counts") + kinds.count("region")
        others = sum(bool(k) and k not in ("energy", "counts", "region") for k in kinds)
        settings = width == 2 and len(rows) > 1 and "counts" not in kinds
        score += others * (last and not settings)
        if score and score >= most:
            best, most = row, score
    if width == 2 and not most and len(rows) > 1:
        best = [""] * width  # settings and their values, no labels
    own = units[-1] if units and units[-1] is not best else [""] * width
    found = [evidence_of(text, unit) for text, unit in zip(best, own, strict=True)]
    found = [e if e.kind or not u else evidence_of(u) for e, u in zip(found, own, strict=True)]
    return Labels(best, found, table.heads)


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def find_columns(table: Table, labels: Labels, stated: Stated) -> list[Columns]:
    """Find the energies of a table and the columns that belong to them.

    Parameters
    ----------
    table : Table
    labels : Labels
    stated : mapping
        Roles of columns as the user states them, as for `read`.

    Returns
    -------
    list of Columns
        One per column of energies; empty where no column can hold energies.

    Raises
    ------
    ColumnsError
        If the labels say that the table holds something else, or the user states a column that
        does not exist.
    """
    if not stated and is_table_of_peaks(labels.texts):
        raise ColumnsError("a table of peaks, with their widths and areas",
                           "open the file that holds the spectra")  # fmt: skip
    own = stated_roles(stated, labels.texts)
    axes = [k for k, role in own.items() if role == "axis"] or _axes(table, labels, own)
    groups = _groups(table, labels, axes, own)
    return [group for group in groups if group.spectra]


def stated_roles(stated: Stated, texts: Sequence[str]) -> dict[int, str]:
    """Role of each column, from 0, that the user states by label or by number from 1."""
    roles: dict[int, str] = {}
    plain = [plain_label(text).casefold() for text in texts]
    for role, columns in stated.items():
        for column in [columns] if isinstance(columns, str | int) else _listed(columns):
            if isinstance(column, str):
                wanted = plain_label(column).casefold()
                places = [k for k, text in enumerate(plain) if text == wanted]
            else:
                places = [column - 1] if 1 <= column <= len(texts) else []
            if not places:
                listed = ", ".join(f"{k} {shown(t, 30)}" for k, t in enumerate(texts[:20], 1))
                raise ColumnsError(f"no column {column!r} (columns= names it), but {listed}",
                                   "name one of these")  # fmt: skip
            roles[places[0]] = role
    return roles


def _listed(columns: object) -> Iterable[str | int]:
    return columns if isinstance(columns, Iterable) else []


def checked_columns(columns: object) -> dict[str, object]:
    """Check the keyword `columns` of `read`.

    Raises
    ------
    ValueError
        If it is no mapping of known roles to labels and numbers from 1.
    """
    if columns is None:
        return {}
    advice = (
        f'pass a mapping such as {{"axis": "BE", "spectrum": [2, 3]}}; roles are {", ".join(ROLES)}'
    )
    if not isinstance(columns, Mapping):
        raise ValueError(f"expected roles of columns, got columns={columns!r}; {advice}")
    for role, named in columns.items():
        listed = [named] if isinstance(named, str | int) else named
        if role not in ROLES:
            raise ValueError(f"expected a role of a column, got {role!r}; {advice}")
        if not isinstance(listed, list | tuple) or not all(
            isinstance(one, str) or (isinstance(one, int) and not isinstance(one, bool) and one > 0)
            for one in listed
        ):
            raise ValueError(f"expected labels or numbers from 1, got {role}={named!r}; {advice}")
    return dict(columns)


def in_ev(table: Table, column: int, found: Evidence) -> Floats:
    """Energies [eV] of a column, shape (rows,)."""
    values = table.values[:, column]
    return values * (found.sign * found.factor) if found.sign * found.factor != 1 else values


def _axes(table: Table, labels: Labels, own: dict[int, str]) -> list[int]:
    """Columns of energies: those that are called so, else the first that can be energies."""
    n = table.values.shape[1]
    free = [k for k in range(n) if k not in own and k not in table.words]
    named = [k for k in free if labels.found[k].kind == "energy"]
    usable = [k for k in named if is_usable(in_ev(table, k, labels.found[k]), table.lines)]
    prose = n == 2 and named == [1] and labels.found[0].kind in ("", "region") and not usable
    if prose and is_usable(table.values[:, 0], table.lines):
        # "Region O1s, KE" is a sentence above two columns without labels.
        labels.texts, labels.found = [""] * 2, [Evidence("")] * 2
        return [0]
    if named:
        return usable or [_unordered(table, labels, named)]
    free = [k for k in free if labels.found[k].kind in ("", "place", "region")]
    pairs = list(range(0, n, 2)) if n >= 4 and n % 2 == 0 else []
    if pairs and set(pairs) <= set(free) and all(is_uniform(table.values[:, k]) for k in pairs):
        return pairs
    searched = [k for k in free if k < _MAX_SEARCHED]
    found = next((k for k in searched if is_usable(table.values[:, k], table.lines)), None)
    if found is not None and is_counting(table.values[:, found]) and not labels.texts[found]:
        # Numbers of rows, where a column beside them has steps of energies.
        real = [k for k in searched if k > found and is_uniform(table.values[:, k])]
        found = next((k for k in real if not is_counting(table.values[:, k])), found)
    if found is None:
        _refuse_other_axes(table, labels)
        return []
    return [found]


def _unordered(table: Table, labels: Labels, named: list[int]) -> int:
    """A column that is called energy, in which many spectra stand in another order.

    Raises
    ------
    ColumnsError
        If it cannot be energies.
    """
    for k in named:
        values = in_ev(table, k, labels.found[k])
        finite = values[np.isfinite(values)]
        distinct = np.unique(finite).size
        small = finite.size >= MIN_ROWS and np.abs(finite).max() <= MAX_ENERGY
        if small and MIN_ROWS <= distinct <= 0.67 * finite.size:
            return k
    k = named[0]
    values = table.values[:, k]
    if np.isfinite(values).sum() < MIN_ROWS:
        raise ColumnsError(f"a column {shown(labels.texts[k])} with hardly any numbers")
    raise ColumnsError(f"a column {shown(labels.texts[k])} that neither rises nor falls, or is "
                       f"not in eV")  # fmt: skip


def _refuse_other_axes(table: Table, labels: Labels) -> None:
    """Refuse a table whose first rising column is called something else than energy.

    Raises
    ------
    ColumnsError
    """
    for k in range(min(table.values.shape[1], _MAX_SEARCHED)):
        found = labels.found[k]
        if k not in table.words and is_usable(table.values[:, k], table.lines):
            what = found.what or _ROLE_OF_KIND[found.kind]
            raise ColumnsError(f"the column {shown(labels.texts[k])} ({what})")


def is_usable(column: Floats, lines: npt.NDArray[np.int64]) -> bool:
    """Whether a column, or each part of it after a restart, can be an energy axis."""
    finite = np.isfinite(column)
    if finite.sum() < MIN_ROWS or np.abs(column[finite]).max() > MAX_ENERGY:
        return False
    parts = axis_parts(column[finite], lines[finite])
    return bool(sum(part.stop - part.start for part in parts) >= 0.9 * finite.sum())


def _groups(table: Table, labels: Labels, axes: list[int], own: dict[int, str]) -> list[Columns]:
    """Each column of energies with the columns on its right.

    Several without counts between them are energies of the same spectrum.
    """
    n = table.values.shape[1]
    empty = np.flatnonzero(np.isnan(table.values).all(axis=0)).tolist()
    known = np.isin(np.arange(n), [k for k in empty if k not in table.words], invert=True)
    taken: list[tuple[list[int], list[int]]] = []
    for i, axis in enumerate(axes):
        last = axes[i + 1] if i + 1 < len(axes) else n
        first = 0 if not taken else axis + 1
        columns = [k for k in range(first, last) if k not in axes and known[k]]
        held = [k for k in columns if labels.found[k].kind not in ("index", "energy")]
        before = taken[-1][1] if taken else []
        counts_before = [k for k in before if labels.found[k].kind not in ("index", "energy")]
        if taken and (not held or not [k for k in counts_before if k > taken[-1][0][0]]):
            taken[-1][0].append(axis)
            taken[-1][1].extend(k for k in columns if k not in before)
        else:
            taken.append(([axis], columns))
    return [_columns(table, labels, several, columns, own) for several, columns in taken]


def _columns(
    table: Table, labels: Labels, axes: list[int], columns: list[int], own: dict[int, str]
) -> Columns:
    """Choose among several energies, and say what the other columns hold."""
    order = [k for scale in ("binding", "kinetic", None) for k in axes
             if labels.found[k].scale == scale]  # fmt: skip
    axis = order[0]
    found = labels.found[axis]
    if own.get(axis) == "axis" and found.kind != "energy":
        found = Evidence("energy", factor=found.factor)
    group = Columns(axis, labels.texts[axis], found, roles={axis: "axis"})
    group.roles |= {k: "other axis" for k in axes if k != axis}
    group.photon_energy = _photon_energy(table, labels, axes)
    _share_out(table, labels, columns, own, group)
    return group


def _photon_energy(table: Table, labels: Labels, axes: list[int]) -> float | None:
    """Photon energy [eV] where binding and kinetic energies of the same points are given."""
    scales = {labels.found[k].scale: in_ev(table, k, labels.found[k]) for k in reversed(axes)}
    if not {"binding", "kinetic"} <= set(scales):
        return None
    total = scales["binding"] + scales["kinetic"]
    total = total[np.isfinite(total)]
    if total.size < MIN_ROWS or np.ptp(total) > _SAME_SUM or not 5 <= total[0] <= 20_000:
        return None
    return round(float(np.median(total)), 3)


def _share_out(
    table: Table, labels: Labels, columns: list[int], own: dict[int, str], group: Columns
) -> None:
    """Find the spectra among the columns of a group, and the roles of all others."""
    kinds = {k: labels.found[k].kind for k in columns if k not in own}
    words = [k for k in kinds if k in table.words]
    numbered = [k for k in kinds if kinds[k] == "" and is_counting(table.values[:, k])]
    # A lone column of counts that rises one by one is no list of row numbers.
    others = [k for k in kinds if kinds[k] in ("", "counts", "region", "total", "scan", "channel")]
    numbered = numbered if len(others) > len(numbered) else []
    apart = words + numbered
    of = {
        kind: [k for k in kinds if kinds[k] == kind and k not in apart] for kind in kinds.values()
    }
    stated = [k for k in columns if own.get(k) == "spectrum"]
    group.spectra = stated or _spectra(table, labels, of)
    fitted = any(of.get(kind) for kind in _FIT)
    named = any(of.get(kind) for kind in ("counts", "region"))
    for k in columns:
        kind = kinds.get(k, "")
        if k in group.spectra:
            role = "spectrum"
        elif k in own:
            role = own[k]
        elif k in numbered:
            role = "index"
        elif kind == "" and not fitted and len(columns) == 2 and _is_root_of(table, group, k):
            role = "error"
        elif k in words:
            role = "other"
        elif kind == "" and fitted:
            role = "component"
        elif kind == "counts" and of.get("scan"):
            role = "sum"
        else:
            role = _ROLE_OF_KIND[kind]
        group.roles[k] = role
    may_be = {"other", "place", "index"} | ({""} if (named or stated) and not fitted else set())
    group.candidates = [
        k for k in columns
        if k not in group.spectra and (own.get(k) == "coordinate" or k in words or (
            k not in own and kinds[k] in may_be and not is_counting(table.values[:, k])))
    ]  # fmt: skip
    if not named and not stated:
        group.candidates += [k for k in group.spectra if kinds.get(k) in ("", "place")]


def _spectra(table: Table, labels: Labels, of: dict[str, list[int]]) -> list[int]:
    """The columns of counts among columns by their kind."""
    counts = sorted(of.get("counts", []) + of.get("region", []))
    unknown, total = of.get("", []), of.get("total", [])
    fitted = any(of.get(kind) for kind in _FIT)
    if of.get("channel"):
        return total or counts or of["channel"]
    # Counts and, beside them, the same per second.
    stated = [labels.found[k].units for k in counts if labels.found[k].units]
    units = ("counts" if "counts" in stated else stated[0]) if len(set(stated)) > 1 else ""
    if of.get("scan"):
        return sorted(of["scan"] + total)
    if counts:
        return [k for k in counts if labels.found[k].units in ("", units)] if units else counts
    if unknown:
        if fitted:
            return unknown[:1]
        if len(unknown) == 2 and not total and _is_root(table, *unknown):
            return unknown[:1]
        return sorted(unknown + total + of.get("place", [])[1:])
    for kind in ("total", "processed", "place", "component"):
        if of.get(kind):
            return of[kind]
    left = [k for kind in _FIT for k in of.get(kind, [])]
    return left if len(left) == 1 else []


def _is_root_of(table: Table, group: Columns, column: int) -> bool:
    """Whether a column holds the errors of the only spectrum."""
    return len(group.spectra) == 1 and _is_root(table, group.spectra[0], column)


def _is_root(table: Table, counts: int, errors: int) -> bool:
    """Whether a column holds the square roots of another: the errors of counts."""
    values, roots = table.values[:, counts], table.values[:, errors]
    known = np.isfinite(values) & np.isfinite(roots) & (values > 0)
    if known.sum() < MIN_ROWS or np.ptp(values[known]) == 0:
        return False
    return bool(np.allclose(roots[known] ** 2, values[known], rtol=0.02, atol=0.02))


def as_text(labels: Labels, roles: Mapping[int, str]) -> str:
    """What was understood, a line per column: `1 "BE": axis`."""
    listed = [
        f"{k + 1} {shown(labels.texts[k], 40) if labels.texts[k] else 'without label'}: {roles[k]}"
        for k in sorted(roles)
    ]
    if len(listed) > _MAX_SEARCHED:
        listed[_MAX_SEARCHED:] = [f"{len(listed) - _MAX_SEARCHED} more"]
    return "; ".join(listed)


def roles_of_text(text: str) -> list[tuple[int, str, str]]:
    """Number from 1, label and role of the columns that `as_text` describes."""
    found = re.findall(r"(\d+) (without label|'.*?'|\".*?\"): ([a-z ]+)(?:; |$)", text)
    return [(int(number), label.strip("'\""), role) for number, label, role in found]
