"""Models of a spectrum in chemical states: what each state looks like, and how that is fitted.

A state is one line, or the two lines of one doublet. A `StateKind` says which of both, where and
how wide it may be; a `StateModel` is a list of states with the shape of their lines and the
background. `state_options` turns a model into the limits and links that a fit obeys: nothing here
needs its own solver.

The lines of a state take consecutive places: a doublet the place of its line of higher j (lower
binding energy), then that of its partner.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from xpsnet.data.constraints import Constraints
from xpsnet.data.levels import CoreLevel, DoubletRange, NearLine, core_level
from xpsnet.data.links import Limits, Link, parameter_name, split_name
from xpsnet.fitting.model.doublets import Doublet, tied
from xpsnet.fitting.model.options import FitOptions
from xpsnet.numerics.lineshapes import LINE_SHAPES

Floats = npt.NDArray[np.float64]

SYMMETRIC, ASYMMETRIC = "pseudo_voigt", "asymmetric_pseudo_voigt"
# Widths of lines of a level of which nothing is known [eV], and the least in steps of the axis.
ANY_FWHM = (0.3, 5.0)
LEAST_STEPS = 1.5
# Lines may be wider than is usual for their level by this factor, and at least so wide [eV].
_WIDER, _WIDEST = 1.7, 4.5
# Lines of neighbor levels are looked for so far beyond where the table has them: charging [eV].
CHARGING = 3.0
# Narrowest line of a level of another element whose doublet can be recognized [eV].
_NARROW = 1.2
# What the window must show beyond the splitting of a doublet for both of its lines [eV].
_BEYOND = 1.0
# Widest asymmetric C 1s that is met as a rule: graphite and other conducting carbon [eV].
_GRAPHITE_FWHM = 1.0
# A second line of the same element, where the region holds more than its level: satellites, losses.
LINE = "line"


@dataclass(frozen=True)
class StateKind:
    """What one state may look like.

    Attributes
    ----------
    name : str
        "Pt 4f", "W 5p3/2", or "line" where no level is meant.
    energies : (float, float)
        Where its (main) line may lie, on the axis of the numerics [eV].
    fwhm : (float, float)
        How wide its line may be [eV].
    usual : (float, float)
        How wide it is as a rule [eV]; see `state_evidence`.
    doublet : DoubletRange or None
        None for a single line.
    own : bool
        Whether it is the level of the region: only its lines may be asymmetric.
    satellites : tuple of (float, float)
        Distances above the strongest line at which satellites and losses are met [eV].
    met : tuple of ((float, float), float)
        Of a line of which no level is known: where those of other levels are met, how wide [eV].
    asymmetric_fwhm : float
        How wide it is at most as a rule where it is asymmetric [eV].
    """

    name: str
    energies: Limits
    fwhm: Limits
    usual: Limits
    doublet: DoubletRange | None = None
    own: bool = False
    satellites: tuple[Limits, ...] = ()
    met: tuple[tuple[Limits, float], ...] = ()
    asymmetric_fwhm: float = np.inf

    @property
    def n_lines(self) -> int:
        """How many lines it has."""
        return 1 if self.doublet is None else 2


@dataclass(frozen=True)
class StateModel:
    """States of one candidate.

    Attributes
    ----------
    kinds : tuple of StateKind
        One per state, in the order of their places.
    line_shape, background : str
        Keys of `LINE_SHAPES` and `BACKGROUNDS`.
    asymmetric : tuple of int or None
        Which states have asymmetric lines, with one asymmetry for all of them; None where the
        shape was given and every state has its own.
    """

    kinds: tuple[StateKind, ...]
    line_shape: str
    background: str
    asymmetric: tuple[int, ...] | None = ()

    @property
    def n_lines(self) -> int:
        """How many lines it has."""
        return sum(kind.n_lines for kind in self.kinds)

    @property
    def places(self) -> tuple[tuple[int, ...], ...]:
        """Places of the lines of every state, its main line first."""
        ends = np.cumsum([kind.n_lines for kind in self.kinds])
        return tuple(
            tuple(range(int(end) - kind.n_lines, int(end)))
            for end, kind in zip(ends, self.kinds, strict=True)
        )

    @property
    def main(self) -> list[int]:
        """Place of the main line of every state."""
        return [places[0] for places in self.places]

    def with_state(self, kind: StateKind) -> "StateModel":
        """The model with one more state."""
        return replace(self, kinds=(*self.kinds, kind))


def region_kinds(
    name: str, energy: Floats, doublets: tuple[Doublet, ...] | None, offset: float | None
) -> tuple[StateKind, ...]:
    """Kinds of states that a window can hold.

    Parameters
    ----------
    name : str
        Of the region; where it names no core level, nothing is assumed.
    energy : ndarray, shape (n,)
        Of the numerics [eV].
    doublets : tuple of Doublet or None
        What the caller says of doublets: None to take those of the level.
    offset : float or None
        What gives binding energies when it is added to the axis: 0, or the photon energy where the
        scale is kinetic; None where that is unknown, and with it where other levels lie.

    Returns
    -------
    tuple of StateKind
        The level of the region first.
    """
    window = float(energy[0]), float(energy[-1])
    level = core_level(name)
    if doublets:
        kinds = [_given_kind(one, level, window) for one in doublets]
        return (*kinds, _line(level, window, offset))
    if level is None:
        return (_line(None, window, offset),)
    split = None if doublets == () else _resolved(level, window)
    losses = tuple(one.distance for one in level.satellites)
    own = StateKind(level.name, window, _possible(level.fwhm), level.fwhm, split, True, losses)
    if level.asymmetry == "graphite":
        own = replace(own, asymmetric_fwhm=_GRAPHITE_FWHM)
    kinds = [own]
    if offset is not None:
        near = (_near_kind(one, level, window, offset) for one in level.near)
        kinds += [one for one in near if one is not None]
    if split is not None:
        kinds.append(_line(level, window, offset))
    return tuple(kinds)


def _line(level: CoreLevel | None, window: Limits, offset: float | None) -> StateKind:
    """A single line of which no level is known."""
    usual = ANY_FWHM if level is None else level.fwhm
    losses = () if level is None else tuple(one.distance for one in level.satellites)
    met: list[tuple[Limits, float]] = []
    if level is not None and offset is not None:
        shift = CHARGING / 2
        for near in (one for one in level.near if one.doublet is None):
            low, high = near.energy[0] - offset - shift, near.energy[1] - offset + shift
            met.append(((low, high), near.fwhm[1]))
    return StateKind(LINE, window, _possible(usual), usual, satellites=losses, met=tuple(met))


def _possible(usual: Limits) -> Limits:
    """How wide a line may be at all [eV]."""
    return min(usual[0], ANY_FWHM[0]), max(_WIDER * usual[1], _WIDEST)


def _resolved(level: CoreLevel, window: Limits) -> DoubletRange | None:
    """The doublet of a level where the window can hold both lines."""
    doublet = level.doublet
    if doublet is None or window[1] - window[0] < doublet.splitting[1] + _BEYOND:
        return None
    return doublet


def _given_kind(one: Doublet, level: CoreLevel | None, window: Limits) -> StateKind:
    """The doublet that a caller gives; what is free in it gets wide limits."""
    splitting = one.splitting or (0.5 * one.expected[0], 1.5 * one.expected[0])
    ratio = one.ratio or (0.4 * one.expected[1], 2.5 * one.expected[1])
    middle = (float(np.mean(splitting)), float(np.mean(ratio)))
    doublet = DoubletRange(
        (splitting[0], middle[0], splitting[1]),
        (ratio[0], middle[1], ratio[1]),
        one.fwhm_ratio or (0.2, 5.0),
        "caller",
    )
    usual = ANY_FWHM if level is None else level.fwhm
    return StateKind(one.region, window, _possible(usual), usual, doublet, own=True)


def _near_kind(near: NearLine, level: CoreLevel, window: Limits, offset: float) -> StateKind | None:
    """A line of a neighbor level, None where the window does not reach it.

    Single lines of other elements cannot be distinguished from any other line, and their broad
    doublets (3p) not from losses: they are no kinds of their own.
    """
    low = max(near.energy[0] - offset - CHARGING, window[0])
    high = min(near.energy[1] - offset + CHARGING, window[1])
    doublet = near.doublet
    if doublet is not None and low + doublet.splitting[1] + _BEYOND > window[1]:
        doublet = None
    foreign = near.name.split()[0] != level.element
    if low >= high or (foreign and (doublet is None or near.fwhm[0] > _NARROW)):
        return None
    return StateKind(near.name, (low, high), near.fwhm, near.fwhm, doublet)


def state_options(options: FitOptions, model: StateModel, energy: Floats) -> FitOptions:
    """Options of a fit of a model.

    Parameters
    ----------
    options : FitOptions
        Of the call. Its limits of all peaks ("fwhm") hold for every state.
    model : StateModel
    energy : ndarray, shape (n,)
        Of the numerics [eV].
    """
    limits: dict[str, Limits] = {}
    links: list[Link] = []
    step = float(np.median(np.diff(energy)))
    for kind, places in zip(model.kinds, model.places, strict=True):
        main = places[0]
        narrowest = max(kind.fwhm[0], LEAST_STEPS * step)
        limits[parameter_name("fwhm", main)] = narrowest, max(kind.fwhm[1], 2 * narrowest)
        limits[parameter_name("center", main)] = kind.energies
        if kind.doublet is not None:
            links += _doublet_links(kind.doublet, main)
    if model.line_shape == ASYMMETRIC and model.asymmetric is not None:
        links += _asymmetry_links(model, limits)
    else:
        links += _shape_links(options, model)
    limits = _with_callers(limits, options.constraints.limits, links)
    return replace(
        options,
        line_shape=model.line_shape,
        background=model.background,
        constraints=Constraints(limits, tuple(links)),
        doublets=(),
        counts_states=True,
    )


def _doublet_links(doublet: DoubletRange, main: int) -> list[Link]:
    """Links of the second line of a doublet to its main line."""
    splitting, ratio = doublet.splitting, doublet.ratio
    return [
        tied("center", "offset", main + 1, main, (splitting[0], splitting[2])),
        tied("fwhm", "ratio", main + 1, main, doublet.fwhm_ratio),
        tied("area", "ratio", main + 1, main, (ratio[0], ratio[2])),
    ]


def _asymmetry_links(model: StateModel, limits: dict[str, Limits]) -> list[Link]:
    """One asymmetry for the states that have one; 0 for the others, added to `limits`."""
    links = []
    chosen = model.asymmetric or ()
    first = model.main[chosen[0]] if chosen else -1
    for state, places in enumerate(model.places):
        source = places[0]
        if state in chosen and places[0] != first:
            links.append(Link("asymmetry", places[0], first))
            source = first
        elif state not in chosen:
            limits[parameter_name("asymmetry", places[0])] = (0.0, 0.0)
        links += [Link("asymmetry", other, source) for other in places[1:]]
    return links


def _shape_links(options: FitOptions, model: StateModel) -> list[Link]:
    """Both lines of a doublet have one shape: links of what all peaks do not share anyway."""
    own = [p for p in LINE_SHAPES[model.line_shape].parameters[3:] if p not in options.shared]
    return [
        Link(parameter, other, places[0])
        for parameter in own
        for places in model.places
        for other in places[1:]
    ]


def _with_callers(
    limits: dict[str, Limits], given: Mapping[str, Limits], links: list[Link]
) -> dict[str, Limits]:
    """Limits that obey those of the caller, too: these win where both exclude each other."""
    linked = {link.name for link in links}
    found = dict(limits)
    for name, (low, high) in given.items():
        parameter, peak = split_name(name)
        if peak is not None:
            found[name] = (low, high)
            continue
        places = [own for own in found if split_name(own)[0] == parameter]
        for own in places:
            least, most = max(low, found[own][0]), min(high, found[own][1])
            found[own] = (least, most) if least <= most else (low, high)
        if not places and name not in linked:
            found[name] = (low, high)
    return found
