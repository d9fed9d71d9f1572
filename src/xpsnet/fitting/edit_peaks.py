"""Peaks changed by hand: added, removed, moved, locked, limited and linked.

Every function takes the peaks of one spectrum and returns new ones; what it was given stays as it
is. Peaks keep the numbers that they have, also in `refine`. Errors and quality of an earlier fit do
not hold for changed peaks: they are NaN, and the status is NOT_DONE, until `refine` is called.
"""

from dataclasses import replace

import numpy as np
import xarray as xr

from xpsnet.data.charge_shift import charge_coords
from xpsnet.data.levels import core_level
from xpsnet.data.peak_settings import renumbered
from xpsnet.data.spectrum import check_spectra, scale_sign
from xpsnet.fitting.local_peak import local_peak, without_peaks
from xpsnet.fitting.model.doublets import Amount, Doublet, doublet, doublet_links
from xpsnet.fitting.model.options import named_shapes
from xpsnet.fitting.model.peak_table import PeakTable, with_row
from xpsnet.fitting.peak_rules import (
    KEEP,
    Kept,
    check_rules,
    hold,
    new_rule,
    obey,
    reshape,
    set_rule,
    unshare,
)
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.peak_shapes import simplest


def add_peak(
    peaks: xr.Dataset | None,
    spectrum: xr.DataArray,
    center: float,
    *,
    label: str = "",
    line_shape: str | None = None,
    dim: str | None = None,
) -> xr.Dataset:
    """Add a peak by hand, as high and as wide as the data are there.

    Parameters
    ----------
    peaks : Dataset or None
        Of one spectrum; None for the first peak, which then gets a background of Shirley and a
        straight line.
    spectrum : DataArray
        One spectrum.
    center : float
        Where [eV], on the scale of the spectrum.
    label : str
        Name of the peak.
    line_shape : str, optional
        By default that of the other peaks, or the pseudo-Voigt.
    dim : str, optional
        The energy dimension, if its name and units do not show that it is one.

    Returns
    -------
    Dataset
        The new peak is the last one. Its height and FWHM are those that the data have above the
        background and the other peaks; where these explain all, it is small and as wide as they
        are.

    Raises
    ------
    ValueError
        Where there are several spectra, or the center is outside of the fitted range.

    Examples
    --------
    >>> import xpsnet
    >>> spectrum = xpsnet.sample("spectrum")
    >>> peaks = xpsnet.add_peak(None, spectrum, 284.8, label="C-C")
    >>> peaks = xpsnet.add_peak(peaks, spectrum, 286.5)
    >>> peaks.center.values
    array([284.8, 286.5])
    """
    spectrum = check_spectra(spectrum, dim=dim)
    if spectrum.size != spectrum.sizes["energy"]:
        raise ValueError(f"expected one spectrum, got {dict(spectrum.sizes)}; select one first")
    if peaks is None:
        bare = without_peaks(spectrum.reset_coords(drop=True).squeeze())
        charge = charge_coords(spectrum).items()
        peaks = bare.assign_coords({k: (v.dims[:0], v.values.reshape(())) for k, v in charge})
    table = PeakTable.of(peaks)
    found = local_peak(spectrum, peaks, float(center))
    present = np.isfinite(table.values["center"])
    usual = table.shapes[int(np.argmax(present))] if table.shapes else "pseudo_voigt"
    name, held = named_shapes(line_shape or usual, 1)
    shape = str(name)
    values = {"center": float(center), "fwhm": found.fwhm, "height": found.height}
    for parameter, default in LINE_SHAPES[shape].default.items():
        others = table.values.get(parameter, np.full(1, np.nan))
        known = others[np.isfinite(others)]
        is_shared = parameter in table.shared and known.size
        values[parameter] = float(known[0]) if is_shared else float(default)
    if not present.any() and len(present):  # the row of a table without peaks
        grown, k = table, 0
    else:
        grown = PeakTable.of(with_row(table.written(fitted=True)))
        k = grown.n_peaks - 1
    grown.shapes[k] = shape
    for parameter, value in values.items():
        grown.values.setdefault(parameter, np.full(grown.n_peaks, np.nan))[k] = value
    grown.labels[k] = label
    grown.is_labelled |= bool(label)
    grown.state[k] = grown.state.max(initial=0) + 1 if grown.state.any() else 0
    grown.enabled[k] = True
    hold(grown, k, {n: v for n, v in held.items() if isinstance(v, int | float)})
    return grown.written()


def remove_peak(peaks: xr.Dataset, peak: int) -> xr.Dataset:
    """Remove a peak.

    The others close the gap: their numbers, constraints and links are counted anew. What was
    linked to the removed peak keeps its present value and is free.

    Parameters
    ----------
    peaks : Dataset
        Of one spectrum.
    peak : int
        Number of the peak, from 1.

    Returns
    -------
    Dataset
        Where it was the only peak, one row without a peak is left.

    Raises
    ------
    ValueError
        Where there is no such peak.

    Examples
    --------
    >>> import xpsnet
    >>> peaks = xpsnet.remove_peak(xpsnet.samples.sample_truth("spectrum"), 2)
    >>> peaks.center.values.round(1), peaks.peak.values
    (array([284.8, 288.9]), array([1, 2]))
    """
    table = PeakTable.of(peaks)
    gone = table.index(peak)
    stays = [k for k in range(table.n_peaks) if k != gone]
    place = {old: new for new, old in enumerate(stays)}
    table.constraints = renumbered(table.constraints, place)
    number = {0: 0} | {old + 1: new + 1 for old, new in place.items()}
    table.partner = np.array([number.get(int(p), 0) for p in table.partner], dtype=np.int64)
    states = {int(s) for k, s in enumerate(table.state) if k != gone and s > 0}
    rank = {0: 0} | {s: i + 1 for i, s in enumerate(sorted(states))}
    table.state = np.array([rank.get(int(s), 0) for s in table.state], dtype=np.int64)
    if not stays:
        for values in table.values.values():
            values[0] = np.nan
        table.labels[0], table.constraints = "", {}
        return table.written()
    shapes = [table.shapes[k] for k in stays]
    new = table.written().isel(peak=stays).assign_coords(peak=np.arange(1, len(stays) + 1))
    new["peak"].attrs = dict(peaks["peak"].attrs)
    line_shape = simplest(tuple(shapes))
    if isinstance(line_shape, str) and "line_shape" in new:
        new = new.drop_vars("line_shape").assign_attrs(line_shape=line_shape)
    cleaned = PeakTable.of(new)
    return cleaned.written()


def change_peak(
    peaks: xr.Dataset,
    peak: int,
    *,
    center: float | None = None,
    height: float | None = None,
    fwhm: float | None = None,
    area: float | None = None,
    fraction: float | None = None,
    asymmetry: float | None = None,
    label: str | None = None,
    enabled: bool | None = None,
    line_shape: str | None = None,
    **others: float,
) -> xr.Dataset:
    """Change a peak by hand: its values, its name, its line shape, or whether it takes part.

    Parameters
    ----------
    peaks : Dataset
        Of one spectrum.
    peak : int
        Number of the peak, from 1.
    center, fwhm : float, optional
        [eV]. The height stays where the FWHM changes.
    height : float, optional
        [units of the spectra].
    area : float, optional
        [units of the spectra eV]; changes the height.
    fraction, asymmetry : float, optional
        Further parameters of the line shape; one that is shared changes for all peaks.
    label : str, optional
        Name of the peak.
    enabled : bool, optional
        False: the row is kept, and left out of fits, curves and sums.
    line_shape : str, optional
        Name of a shape, also one of CasaXPS, such as "GL(30)", whose numbers are then locked. The
        other line of a doublet, and lines linked by their area, get the same shape.
    **others : float
        Further parameters of the shape, such as `exponent_high`.

    Returns
    -------
    Dataset
        Linked peaks have moved along. Where the parameter follows another peak, that peak has moved
        so that the link holds. A value beyond a limit stops at the limit.

    Raises
    ------
    ValueError
        Where the parameter is locked, or the line shape has none of this name.

    Examples
    --------
    >>> import xpsnet
    >>> peaks = xpsnet.samples.sample_truth("spectrum")
    >>> moved = xpsnet.change_peak(peaks, 2, center=286.3, area=4000.0)
    >>> round(float(moved.center[1]), 2), round(float(moved.area[1]))
    (286.3, 4000)
    """
    table = PeakTable.of(peaks)
    k = table.index(peak)
    named = {"center": center, "fwhm": fwhm, "height": height, "area": area}
    named |= {"fraction": fraction, "asymmetry": asymmetry, **others}
    values = {name: float(v) for name, v in named.items() if v is not None}
    if label is not None:
        table.labels[k], table.is_labelled = str(label), True
    if enabled is not None:
        table.enabled[k] = bool(enabled)
    if line_shape is not None:
        reshape(table, k, line_shape)
    for name, value in values.items():
        table.check_parameter(k, name)
        if not np.isfinite(value) or (name == "fwhm" and value <= 0):
            wanted = "a width above 0" if name == "fwhm" else "a finite number"
            raise ValueError(f"expected {wanted} for the {name} of peak {peak}, got {value!r}")
    if "height" in values and "area" in values:
        raise ValueError("expected either height or area, got both: one follows from the other")
    if values or line_shape is not None or enabled:
        table.settle({(name, k): value for name, value in values.items()})
    only_name = not values and line_shape is None and enabled is None
    return table.written(fitted=only_name)


def constrain_peak(
    peaks: xr.Dataset,
    peak: int,
    parameter: str,
    *,
    value: float | None = None,
    vary: bool | None = None,
    min: float | Kept | None = KEEP,
    max: float | Kept | None = KEEP,
    link: str | Kept | None = KEEP,
) -> xr.Dataset:
    """Lock, limit or link a parameter of a peak, or make it free again.

    Parameters
    ----------
    peaks : Dataset
        Of one spectrum.
    peak : int
        Number of the peak, from 1.
    parameter : str
        "center", "fwhm", "height", ... of its line shape; "area" can be linked only.
    value : float, optional
        New value; with ``vary=False`` the one that it is locked at.
    vary : bool, optional
        False locks the parameter, True makes it free: its lock or its link ends.
    min, max : float or None, optional
        Limits. None or an infinite number takes a limit away.
    link : str or None, optional
        As for `refine`: "center_1 + 1.18", "0.5 * area_1", "fwhm_1", "center_1 + (1.1, 1.3)". None
        or "" ends the link; the parameter keeps its present value and is free.

    Returns
    -------
    Dataset
        The values obey the new rule. A rule for a parameter that all peaks share holds for all; one
        that is linked to another peak is shared no more, the others are linked to each other.

    Raises
    ------
    ValueError
        Where no value obeys the rule, or the link cannot be.

    Examples
    --------
    >>> import xpsnet
    >>> peaks = xpsnet.samples.sample_truth("spectrum")
    >>> peaks = xpsnet.constrain_peak(peaks, 2, "center", link="center_1 + 1.6")
    >>> peaks = xpsnet.constrain_peak(peaks, 1, "fwhm", min=0.6, max=1.8)
    >>> peaks.xps.peak_limits()[2, "center"].text
    '= peak 1 + 1.6 eV'
    """
    table = PeakTable.of(peaks)
    k = table.index(peak)
    table.check_parameter(k, parameter)
    if parameter == "area" and (vary is False or min is not KEEP or max is not KEEP):
        raise ValueError(
            "The area can be linked, but not be locked or limited: lock the height and the fwhm."
        )
    rule = table.rule(parameter, k)
    rule = new_rule(rule, (table, k, parameter), vary, (min, max), link)
    if value is not None and not isinstance(rule, int | float):
        rule_value: float | None = float(value)
    else:
        rule_value = None
    if value is not None and isinstance(rule, int | float):
        rule = float(value)
    if isinstance(rule, str):
        unshare(table, k, parameter)
    set_rule(table, k, parameter, rule)
    check_rules(table)
    obey(table, (parameter, k), rule, rule_value)
    return table.written()


def make_doublet(
    peaks: xr.Dataset,
    peak: int,
    *,
    level: str | None = None,
    splitting: Amount | None = None,
    ratio: Amount | None = None,
) -> xr.Dataset:
    """Make a peak the main line of a spin-orbit doublet: the other line is added and linked.

    Parameters
    ----------
    peaks : Dataset
        Of one spectrum.
    peak : int
        Number of the line of higher j, which lies at lower binding energy.
    level : str, optional
        "S 2p", in any spelling; by default the region of the peaks.
    splitting : float, (float, float) or "free", optional
        Distance of the lines [eV]; by default that of the level, held. A pair limits a splitting
        that is fitted.
    ratio : float, (float, float) or "free", optional
        Area of the new line over that of the peak; by default 1/2, 2/3 or 3/4 for p, d and f.

    Returns
    -------
    Dataset
        The new line is the last peak. Its center, area, FWHM and shape are linked to the peak.

    Raises
    ------
    ValueError
        Where the level is not known and its splitting not given, or the peak has a partner already.

    Examples
    --------
    >>> import xpsnet
    >>> spectrum = xpsnet.sample("spectrum")
    >>> peaks = xpsnet.add_peak(None, spectrum, 284.8)
    >>> pair = xpsnet.make_doublet(peaks, 1, level="S 2p")
    >>> pair.center.values.round(2)
    array([284.8 , 285.98])
    >>> pair.attrs["links"]
    'center_2 = center_1 + 1.18; fwhm_2 = fwhm_1; area_2 = 0.5 * area_1'
    """
    table = PeakTable.of(peaks)
    main = table.index(peak)
    if table.partner[main]:
        raise ValueError(
            f"Peak {peak} is one line of a doublet already, with peak {table.partner[main]}: "
            f"remove that one first."
        )
    name = str(peaks.attrs.get("region", "")) if level is None else level
    one = _doublet_of(name, splitting, ratio)
    grown = PeakTable.of(with_row(table.written(fitted=True)))
    new = grown.n_peaks - 1
    grown.shapes[new] = grown.shapes[main]
    sign = scale_sign(str(peaks.attrs["scale"]))
    for values in grown.values.values():
        values[new] = values[main]
    distance = one.expected[0] if one.splitting is None else float(np.mean(one.splitting))
    share = one.expected[1] if one.ratio is None else float(np.mean(one.ratio))
    grown.values["center"][new] += sign * distance
    grown.values["height"][new] *= share
    grown.labels[new] = grown.labels[main]
    grown.enabled[new] = grown.enabled[main]
    grown.partner[main], grown.partner[new] = new + 1, main + 1
    grown.state[new] = grown.state[main]
    pair = doublet_links(
        [replace(one, peaks=(main + 1, new + 1))],
        simplest(tuple(grown.shapes)),
        sign * grown.values["center"][None],
    )
    for link in pair:
        if link.parameter not in grown.shared:
            turned = link if sign > 0 else link.mirrored()
            grown.constraints[link.name] = str(turned)
    check_rules(grown)
    grown.settle({})
    return grown.written()


def _doublet_of(name: str, splitting: Amount | None, ratio: Amount | None) -> Doublet:
    """The doublet of a level, with what the caller gives instead of the table."""
    level = core_level(name)
    known = None if level is None else level.doublet
    if known is not None and splitting is None:
        splitting = known.splitting[1]
    if known is not None and ratio is None:
        ratio = known.ratio[1]
    if known is None and splitting is None:
        raise ValueError(
            f"expected a level with two lines, such as 'S 2p', or its splitting [eV], got "
            f"{name!r}; pass level= or splitting="
        )
    region = level.name if known is not None and level is not None else name
    if known is None:  # the letter only says which ratio of areas there is
        region = region if region and region[-1:] in "pdf" and region[-2:-1].isdigit() else "2p"
    return doublet(region, splitting=splitting or "fixed", ratio=ratio or "fixed")
