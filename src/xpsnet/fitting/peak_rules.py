"""Rules of the parameters of peaks: what is locked, limited and linked, and changes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

import numpy as np
import xarray as xr

from xpsnet.data.constraints import Constraint, check_constraints, links_of
from xpsnet.data.links import Link, parameter_name, parse_link, resolved, split_name
from xpsnet.fitting.model.options import named_shapes
from xpsnet.fitting.model.peak_table import PeakTable
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.peak_shapes import simplest


class _Keep(Enum):
    """What is not given stays as it is; None takes it away."""

    KEEP = "keep"


KEEP: Final = _Keep.KEEP
Kept = Literal[_Keep.KEEP]


@dataclass(frozen=True)
class ParameterRule:
    """What holds for one parameter of one peak.

    Attributes
    ----------
    value, stderr : float
        NaN where unknown.
    locked : bool
        Whether a fit leaves it as it is.
    min, max : float
        Limits that were set by hand or by a fit; infinite where there is none.
    link : str
        "center_1 + 1.18" where it follows another peak, else "".
    text : str
        The link for people: "= peak 1 + 1.18 eV", else "".
    shared : bool
        Whether all peaks have the same value.
    """

    value: float
    stderr: float
    locked: bool
    min: float
    max: float
    link: str
    text: str
    shared: bool


def peak_limits(peaks: xr.Dataset) -> dict[tuple[int, str], ParameterRule]:
    """What is locked, limited and linked, for every parameter of every peak.

    Parameters
    ----------
    peaks : Dataset
        Of one spectrum.

    Returns
    -------
    dict of (int, str) to ParameterRule
        By the number of the peak, from 1, and the name of the parameter ("center", ..., "area").
        Each has `value`, `stderr`, `locked`, `min`, `max`, `link` ("center_1 + 1.18" or ""),
        `text` ("= peak 1 + 1.18 eV" or "") and `shared`. Absent peaks are left out.

    Raises
    ------
    ValueError
        Where there are several spectra.

    Examples
    --------
    >>> import xpsnet
    >>> peaks = xpsnet.samples.sample_truth("spectrum")
    >>> locked = xpsnet.constrain_peak(peaks, 1, "center", value=284.8, vary=False)
    >>> locked.xps.peak_limits()[1, "center"].locked
    True
    """
    table = PeakTable.of(peaks)
    links = {link.key: link for link in links_of(table.constraints)}
    area = table.areas_now()
    found = {}
    for k in np.flatnonzero(np.isfinite(table.values["center"])).tolist():
        for parameter in (*LINE_SHAPES[table.shapes[k]].parameters, "area"):
            values = area if parameter == "area" else table.values[parameter]
            errors = peaks.variables.get(f"{parameter}_stderr")
            error = np.nan if errors is None else float(errors.values.reshape(-1)[k])
            rule = None if parameter == "area" else table.rule(parameter, k)
            link = links.get((parameter, k))
            low, high = _stated_limits(rule)
            found[k + 1, parameter] = ParameterRule(
                float(values[k]),
                error,
                isinstance(rule, int | float),
                low,
                high,
                "" if link is None else str(link),
                "" if link is None else _in_words(link),
                parameter in table.shared,
            )
    return found


def _stated_limits(rule: Constraint | None) -> tuple[float, float]:
    """Limits of a rule; infinite where it sets none."""
    low, high = rule if isinstance(rule, tuple | list) else (None, None)
    return (-np.inf if low is None else float(low)), (np.inf if high is None else float(high))


def _in_words(link: Link) -> str:
    """A link for people: "= 0.5 x area of peak 1", "= peak 1 + 1.18 eV"."""
    unit = " eV" if link.parameter in ("center", "fwhm") else ""
    text = f"peak {link.source + 1}"
    if link.parameter != "center":
        text = f"{link.parameter} of {text}"
    if link.ratio != 1:
        text = f"{link.ratio:.6g} x {text}"
    low, high = link.limits
    if link.fitted == "ratio":
        text += f" x ({low:.6g} to {high:.6g})"
    if link.offset:
        text += f" {'+' if link.offset > 0 else '-'} {abs(link.offset):.6g}{unit}"
    if link.fitted == "offset":
        text += f" + ({low:.6g} to {high:.6g}){unit}"
    return f"= {text}"


def reshape(table: PeakTable, k: int, name: str) -> None:
    """Give a peak, and those that must have its shape, another one, in place."""
    shape, held = named_shapes(name, 1)
    group = {k}
    tied = [link for link in links_of(table.constraints) if link.parameter == "area"]
    pairs = [(link.peak, link.source) for link in tied]
    pairs += [(i, int(p) - 1) for i, p in enumerate(table.partner) if p]
    for _ in pairs:
        group |= {i for pair in pairs if group & set(pair) for i in pair}
    for i in sorted(group):
        old = set(LINE_SHAPES[table.shapes[i]].parameters)
        new = LINE_SHAPES[str(shape)]
        table.shapes[i] = str(shape)
        for parameter, default in new.default.items():
            values = table.values.setdefault(parameter, np.full(table.n_peaks, np.nan))
            if parameter not in old:
                shared = values[np.isfinite(values)]
                is_shared = parameter in table.shared and shared.size
                values[i] = shared[0] if is_shared else default
        for parameter in old - set(new.parameters):
            table.values[parameter][i] = np.nan
            gone = [
                link.name
                for link in links_of(table.constraints)
                if link.parameter == parameter and i in (link.peak, link.source)
            ]
            for one in gone:
                table.constraints.pop(one, None)
        for parameter in old - {"center", "fwhm", "height"}:  # numbers of the old name
            if isinstance(table.rule(parameter, i), int | float):
                set_rule(table, i, parameter, None)
        hold(table, i, {n: v for n, v in held.items() if isinstance(v, int | float)})
    for link in tied:  # a ratio of areas needs lines that are equal but for it
        for parameter in held if link.peak in group else ():
            own, source = (parameter_name(parameter, i) for i in (link.peak, link.source))
            table.constraints[own] = source
    table.values = {
        n: v
        for n, v in table.values.items()
        if any(n in LINE_SHAPES[s].parameters for s in table.shapes)
    }
    table.shared = tuple(
        n for n in table.shared if any(n in LINE_SHAPES[s].parameters for s in table.shapes)
    )


def hold(table: PeakTable, k: int, held: Mapping[str, float]) -> None:
    """Lock further shape parameters of a peak at the numbers that a name states, in place."""
    for parameter, value in held.items():
        unshare(table, k, parameter)
        table.values[parameter][k] = value
        set_rule(table, k, parameter, value)


def unshare(table: PeakTable, k: int, parameter: str) -> None:
    """Let a peak have its own value of a shared parameter; the others go on sharing, by links."""
    if parameter not in table.shared:
        return
    rule = table.rule(parameter, k)
    set_rule(table, k, parameter, None)
    table.shared = tuple(name for name in table.shared if name != parameter)
    others = [i for i in range(table.n_peaks) if i != k and table.has(i, parameter)]
    for i in others:
        if i != others[0] and not isinstance(rule, int | float):
            table.constraints[parameter_name(parameter, i)] = parameter_name(parameter, others[0])
        elif rule is not None:
            table.constraints[parameter_name(parameter, i)] = rule


def new_rule(
    rule: Constraint | None,
    at: tuple[PeakTable, int, str],
    vary: bool | None,
    ends: tuple[float | Kept | None, float | Kept | None],
    link: str | Kept | None,
) -> Constraint | None:
    """The rule that a call asks for, from the one that there is."""
    table, k, parameter = at
    limited = any(end is not KEEP for end in ends)
    if link is not KEEP:
        if link:
            if vary is False or limited:
                raise ValueError("expected a link, a lock or limits, got several of them")
            return str(parse_link(parameter_name(parameter, k), link))
        rule = None if isinstance(rule, str) else rule
    if vary is False:
        if limited:
            raise ValueError("expected a lock or limits, got both: a locked value has no limits")
        values = table.values[parameter]
        return float(values[k])
    if vary:
        rule = None if isinstance(rule, str | int | float) else rule
    if limited:
        if isinstance(rule, str):
            raise ValueError(
                f"The {parameter} of peak {k + 1} follows {rule}: end the link first, or limit the "
                f"amount in the link, as in 'center_1 + (1.1, 1.3)'."
            )
        pair = [None if not np.isfinite(v) else v for v in _stated_limits(rule)]
        for place, end in enumerate(ends):
            if end is not KEEP:
                pair[place] = None if end is None or not np.isfinite(end) else float(end)
        rule = None if pair == [None, None] else (pair[0], pair[1])
    return rule


def set_rule(table: PeakTable, k: int, parameter: str, rule: Constraint | None) -> None:
    """Put a rule of one parameter of one peak in the place of what held before, in place."""
    constraints = dict(table.constraints)
    own = parameter_name(parameter, k)
    if parameter in table.shared:  # one value for all: one rule
        for name in [*constraints]:
            if split_name(name)[0] == parameter:
                del constraints[name]
        own = parameter
    elif parameter in constraints:  # a rule of all peaks: the others keep it
        for_all = constraints.pop(parameter)
        for other in range(table.n_peaks):
            if table.has(other, parameter):
                constraints.setdefault(parameter_name(parameter, other), for_all)
    constraints.pop(own, None)
    if rule is not None:
        constraints[own] = rule
    table.constraints = constraints


def check_rules(table: PeakTable) -> None:
    """Refuse constraints that `refine` would refuse."""
    shapes = simplest(tuple(table.shapes))
    resolved(check_constraints(table.constraints, shapes, table.n_peaks).links)


def obey(
    table: PeakTable, at: tuple[str, int], rule: Constraint | None, value: float | None
) -> None:
    """Move the values so that a new rule holds, in place."""
    parameter, k = at
    if isinstance(rule, int | float):
        mine = [k] if parameter not in table.shared else range(table.n_peaks)
        for i in mine:
            if table.has(i, parameter):
                table.values[parameter][i] = float(rule)
        table.settle({})
        return
    wanted = {at: value} if value is not None else {}
    if isinstance(rule, tuple | list) and value is None:
        wanted = {at: float(table.values[parameter][k])}
    table.settle(wanted)
