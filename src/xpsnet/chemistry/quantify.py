"""Atomic fractions from the areas of fitted regions, with statistical and systematic errors."""

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import (
    WrongTypeError,
    check,
    choice,
    mapping,
    number,
    optional,
    shown,
    stated_number,
)
from xpsnet.arguments import peaks as peaks_rule
from xpsnet.chemistry.area_corrections import POWER, Choices, Corrections, corrections
from xpsnet.chemistry.area_sums import area_sums
from xpsnet.chemistry.area_times import measuring_times
from xpsnet.chemistry.detection_limit import CURRIE, empty_area_error
from xpsnet.chemistry.joined_regions import ROW, joined
from xpsnet.chemistry.levels_of_peaks import LevelOfPeaks, levels_of_peaks
from xpsnet.chemistry.sensitivity_factors import KINDS, Factors, sensitivity_factors
from xpsnet.data.levels import core_level
from xpsnet.data.peak_settings import without_disabled
from xpsnet.xpsnet_warning import XpsnetWarning

Floats = npt.NDArray[np.float64]
Function = Callable[[float], float]
Pair = tuple[xr.Dataset, LevelOfPeaks]

_LEAST_NOISE = 0.05  # of the variance of a point, what is left at least without the lines
_USUAL_WIDTH = 1.5  # [eV] of a line of which nothing is known


@dataclass(frozen=True)
class _Row:
    """What gets a fraction: a level, a state of it, or a line of it.

    `level` is its place among all levels, `state` and `peak` are 0 for none. `weights` of shape
    (peak,) turn areas into normalized ones; `when_empty` does so for a level without peaks, and is
    0 for states and lines: one that is not there has no area to find.
    """

    level: int
    weights: Floats
    when_empty: float = 0.0
    state: int = 0
    peak: int = 0
    label: str = ""


def _one_or_several(name: str, value: Any) -> None:
    """A Dataset of peaks, or a list of them."""
    if isinstance(value, xr.Dataset):
        peaks_rule(name, value)
        return
    if not isinstance(value, list | tuple) or not value:
        raise WrongTypeError(
            f"expected a peaks Dataset or a list of them, got {name}={shown(value)}; "
            f"xpsnet.fit and xpsnet.read_fit give such Datasets"
        )
    for one in value:
        peaks_rule(name, one)


def _factors_rule(name: str, value: Any) -> None:
    """Where the factors come from."""
    if isinstance(value, Mapping):
        if not value or not all(isinstance(key, str) for key in value):
            raise ValueError(
                f"expected factors by level, got {name}={shown(dict(value))}; pass for instance "
                f"{name}={{'C 1s': 1.0, 'O 1s': 2.93}}"
            )
        return
    if not isinstance(value, str | Path):
        raise WrongTypeError(
            f'expected "scofield", "file", a dict of factors or the path of a table, got '
            f"{name}={shown(value)}"
        )
    if value not in ("scofield", "file"):
        try:
            is_file = Path(value).is_file()
        except (ValueError, OSError):
            is_file = False
        if not is_file:
            raise ValueError(
                f'expected "scofield", "file", a dict of factors or the path of a table, got '
                f"{name}={shown(str(value))}, and there is no such file"
            )


def _word_function_or_none(*examples: str) -> Callable[[str, Any], None]:
    """A word, a power of the kinetic energy, a function of it, or None."""
    words = [one for one in examples if not one.startswith("ke")]

    def obey(name: str, value: Any) -> None:
        if value is None or callable(value):
            return
        message = (
            f"expected {name} as one of {', '.join(map(repr, examples))}, a function of the "
            f"kinetic energy [eV] or None, got {name}={shown(value)}"
        )
        if not isinstance(value, str):
            raise WrongTypeError(message)
        if value not in words and not POWER.fullmatch(value):
            raise ValueError(message)

    return obey


def quantify(
    peaks: xr.Dataset | Sequence[xr.Dataset],
    *,
    rsf: str | Path | Mapping[str, float] = "scofield",
    rsf_kind: Literal["cross-section", "measured", "average matrix"] | None = None,
    transmission: str | Function | None = "file",
    imfp: str | Function | None = "ke^n",
    material: Mapping[str, Any] | None = None,
    angle: float | None = None,
    asymmetry: Mapping[str, float] | None = None,
    level: Literal["region", "state", "peak"] = "region",
    photon_energy: float | None = None,
    uncertainty: Mapping[str, float] | None = None,
) -> xr.Dataset:
    r"""Atomic fractions of the elements, of their states or of single lines.

    Parameters
    ----------
    peaks : Dataset or sequence of Dataset
        From `fit`, `refine` or `read_fit`, one for each region: spectra, profiles or maps.
        ``attrs["region"]`` names the level ("O 1s"); labels of peaks that name a level count more.
        Regions are joined by the coordinates of the dimensions that they share.
    rsf : "scofield", "file", dict or path
        Sensitivity factors. "scofield": photo-ionization cross-sections at the photon energy,
        relative to C 1s (absolute ones [Mb] below its threshold). "file": those that a fit of
        CasaXPS or Avantage holds. A dict such as {"O 1s": 2.93}, or the path of a table with a
        level and a factor in each row.
    rsf_kind : {"cross-section", "measured", "average matrix"}, optional
        What own factors contain. "measured": also transmission, mean free path and angle, of which
        none is applied again. "average matrix": also the mean free path. By default what the
        table says ("# kind: measured"), else "cross-section", with a warning.
    transmission : "file", "ke^m", callable or None
        Transmission of the analyzer: that of the file, a power of the kinetic energy such as
        "ke^-0.7", or a function of the kinetic energy [eV]. None: the same at all energies.
    imfp : "ke^n", "ke^0.75", "tpp2m", "jtp", callable or None
        Inelastic mean free path. "ke^n": a power of the kinetic energy, n = 0.71; "tpp2m" and
        "jtp" need `material`. None: the same at all energies.
    material : dict, optional
        "formula" and "density" [g/cm3] of the sample, optional "band_gap" [eV] and "n_valence".
    angle : float, optional
        Between X-rays and analyzer [degrees]. By default the magic angle, 54.7.
    asymmetry : dict, optional
        Asymmetry parameter beta by level, for other angles: {"Si 2p": 1.0}. That of s levels is 2.
        No table is built in: without the parameter the angle is refused.
    level : {"region", "state", "peak"}
        What gets a fraction: a region, a chemical state, or a line.
    photon_energy : float, optional
        [eV]; by default that of the peaks.
    uncertainty : dict, optional
        Relative standard uncertainties in place of `UNCERTAINTIES`: {"rsf": 0.05}.

    Returns
    -------
    Dataset
        Over the dimensions of the peaks and `row` (coordinates `region`, `element`; for states and
        lines also `state` or `peak` and `label`; `region` itself is the dimension for
        ``level="region"``):

        `atomic_fraction`, 0 to 1, with two errors: `atomic_fraction_stderr` from the noise, with
        the covariances of the fit and its background, and `atomic_fraction_systematic` from
        factors, transmission and mean free path. `area` [counts/s eV] and `normalized_area` with
        their errors; `sensitivity_factor`, `transmission`, `imfp` [nm, or relative],
        `angular_factor`, `kinetic_energy` [eV] of each row; for regions `detection_limit`, the
        smallest atomic fraction that would be found; `complete` (...), False where a region is
        missing. Attributes name the choices, their sources and the uncertainties.

    Raises
    ------
    ValueError
        Where a photon energy, a factor or a material is missing, no region names a level, two
        regions are the same level, or the units differ.

    Warns
    -----
    XpsnetWarning
        Of what is left out (regions without a level, weaker lines of an element that has several),
        of missing regions, of an unknown transmission, and of factors and backgrounds that do not
        belong together.

    See Also
    --------
    fit : gives the peaks; ``covariance=True`` makes the errors of states exact.

    Notes
    -----
    With the area A, the factor S, transmission T and mean free path :math:`\lambda` at the kinetic
    energy, and the angular factor :math:`L = 1 + \beta/2 (3/2 \sin^2\gamma - 1)`, the normalized
    area is :math:`N = A / (S T \lambda L)` and the fraction :math:`f_i = N_i / \sum_j N_j`. Its
    statistical variance is that of the linearized f with the covariance of all areas of a region;
    regions are independent. Without ``covariance=True`` the areas of one region are taken to have
    one common correlation, that which gives the known error of their sum: exact for regions. For
    the systematic error see `UNCERTAINTIES`.

    The detection limit is Currie's (1968): 3.29 standard errors of the area of a line that is not
    there, of the level's usual width and known place, above the background that is there. All this
    holds for a sample that is the same over the depth of information.

    Examples
    --------
    >>> import xpsnet
    >>> carbon = xpsnet.fit(xpsnet.sample("spectrum"))
    >>> found = xpsnet.quantify(carbon, level="state", transmission=None)
    >>> found.atomic_fraction.dims, bool(abs(found.atomic_fraction.sum() - 1) < 1e-12)
    (('row',), True)
    """
    check(
        locals(),
        peaks=_one_or_several,
        rsf=_factors_rule,
        rsf_kind=optional(choice(*KINDS)),
        transmission=_word_function_or_none("file", "ke^-0.7"),
        imfp=_word_function_or_none("ke^n", "ke^0.75", "tpp2m", "jtp"),
        material=optional(mapping("{'formula': 'SiO2', 'density': 2.2}")),
        angle=optional(number(least=0, most=180, unit="degrees")),
        asymmetry=optional(mapping("{'Si 2p': 1.0}")),
        level=choice("region", "state", "peak"),
        uncertainty=optional(mapping("{'rsf': 0.05}")),
    )
    notes: list[str] = []
    choices = Choices(rsf, rsf_kind, transmission, imfp, material, angle, asymmetry, uncertainty)
    several = [peaks] if isinstance(peaks, xr.Dataset) else list(peaks)
    levels = _levels(several, photon_energy, notes)
    factors = sensitivity_factors(rsf, rsf_kind, levels, notes)
    levels, factors = _strongest_lines(levels, factors, notes)
    applied = corrections(choices, factors, levels, notes)
    rows = _rows(levels, factors, applied, level)
    parts, unit = _parts(levels, rows, notes)
    whole = joined(parts)
    _warn_of_missing(whole, [levels[row.level][1].name for row in rows], notes)
    found = _fractions(whole, np.array([row.level for row in rows]), applied, levels)
    found = _described(found, levels, rows, (factors, applied), unit)
    for note in notes:
        warnings.warn(note, XpsnetWarning, stacklevel=2)
    return found


def _levels(
    several: Sequence[xr.Dataset], photon_energy: float | None, notes: list[str]
) -> list[Pair]:
    """All levels of all regions, each once."""
    found: list[Pair] = []
    for one in several:
        if "area" not in one or "count" in one["area"].dims:
            raise ValueError(
                f"expected peaks with one area for each peak, got a Dataset with "
                f"{sorted(map(str, one.data_vars))}; xpsnet.fit and xpsnet.refine give such peaks"
            )
        enabled = without_disabled(one)
        found += [(enabled, level) for level in levels_of_peaks(enabled, photon_energy, notes)]
    names = [level.name for _, level in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"expected each level once, got {', '.join(twice)} several times: its atoms would be "
            f"counted twice; leave one of these regions out"
        )
    if not found:
        raise ValueError(
            'expected a region named by its core level, got none; set peaks.attrs["region"] to '
            'for instance "O 1s"'
        )
    return found


def _strongest_lines(
    levels: list[Pair], factors: Factors, notes: list[str]
) -> tuple[list[Pair], Factors]:
    """One level of each element: that of the largest factor, so that no atom counts twice."""
    kept: dict[str, int] = {}
    for i, (_, one) in enumerate(levels):
        best = kept.setdefault(one.level.element, i)
        if np.nan_to_num(factors.values[i]) > np.nan_to_num(factors.values[best]):
            kept[one.level.element] = i
    left = [one.name for i, (_, one) in enumerate(levels) if kept[one.level.element] != i]
    if left:
        used = sorted({levels[kept[o.level.element]][1].name for _, o in levels if o.name in left})
        notes.append(
            f"{', '.join(left)} left out: {', '.join(used)} of the same element is counted; to "
            f"count the other line, leave out the region of this one"
        )
    places = sorted(kept.values())
    values, weights = factors.values[places], [factors.weights[i] for i in places]
    return [levels[i] for i in places], Factors(values, weights, factors.kind, factors.source)


def _rows(levels: Sequence[Pair], factors: Factors, applied: Corrections, level: str) -> list[_Row]:
    """Rows of the result, each with the weights of the areas."""
    rows = []
    for i, (peaks, _) in enumerate(levels):
        weights = factors.weights[i] / applied.product[i]
        labels = _labels(peaks)
        if level == "region":
            usual = 1.0 / (factors.values[i] * applied.product[i])
            rows.append(_Row(i, weights, float(np.nan_to_num(usual))))
        elif level == "peak":
            for k in np.flatnonzero(factors.weights[i] > 0).tolist():
                alone = np.where(np.arange(weights.size) == k, weights, 0.0)
                rows.append(_Row(i, alone, peak=k + 1, label=labels[k]))
        else:
            rows += _state_rows(peaks, i, weights, labels)
    return rows


def _labels(peaks: xr.Dataset) -> list[str]:
    """Labels of the peaks; "" for none."""
    n = peaks.sizes["peak"]
    texts = [str(one) for one in peaks["label"].values] if "label" in peaks else []
    return ["" if t == "nan" else t for t in texts] if len(texts) == n else [""] * n


def _state_rows(
    peaks: xr.Dataset, level: int, weights: Floats, labels: Sequence[str]
) -> list[_Row]:
    """Rows of the states of one level."""
    used = np.flatnonzero(weights > 0)
    if "state" in peaks:
        number = peaks["state"]
        n = int(number.max()) if number.chunks is None and number.size else used.size
        rows = []
        for state in range(1, n + 1):
            label = ""
            if number.chunks is None:
                own = (number == state).any([d for d in number.dims if d != "peak"]).values
                own &= weights > 0
                if not own.any():
                    continue
                label = labels[int(own.argmax())]
            rows.append(_Row(level, weights, state=state, label=label))
        return rows
    groups: dict[str, list[int]] = {}
    for k in used.tolist():
        groups.setdefault(labels[k] or f"peak {k + 1}", []).append(k)
    return [
        _Row(
            level,
            np.where(np.isin(np.arange(weights.size), own), weights, 0.0),
            peak=own[0] + 1,
            label=name,
        )
        for name, own in groups.items()
    ]


def _parts(
    levels: Sequence[Pair], rows: Sequence[_Row], notes: list[str]
) -> tuple[dict[str, xr.Dataset], str]:
    """Normalized areas of each Dataset over (..., row), by its region, and the unit of areas."""
    datasets = list({id(peaks): peaks for peaks, _ in levels}.values())
    seconds, unit = measuring_times(datasets, notes)
    parts = {}
    for peaks, time in zip(datasets, seconds, strict=True):
        own = [i for i, row in enumerate(rows) if levels[row.level][0] is peaks]
        if not own:  # the factors of all its lines are 0
            continue
        weights = np.array([rows[i].weights for i in own]).reshape(len(own), -1)
        states = np.array([rows[i].state for i in own])
        empty = xr.concat([_empty_variance(levels[rows[i].level], rows[i]) for i in own], ROW)
        sums = area_sums(peaks, weights, states if states.any() else None, empty)
        name = ", ".join(dict.fromkeys(levels[rows[i].level][1].name for i in own))
        parts[name] = xr.Dataset(
            {
                "value": sums.value / time,
                "variance": sums.variance / time**2,
                "shared": sums.shared / time**2,
                "empty": (xr.zeros_like(sums.value) + empty) / time**2,
            }
        )
    return parts, unit


def _empty_variance(pair: Pair, row: _Row) -> xr.DataArray:
    """Variance of the normalized area of a line that is not there, over (...)."""
    peaks, one = pair
    lead = peaks["area"].isel(peak=0, drop=True) if peaks.sizes["peak"] else peaks["n_peaks"]
    if "noise" not in peaks or "energy" not in peaks.coords or not row.when_empty:
        missing = np.nan if row.when_empty else 0.0
        return xr.full_like(lead.reset_coords(drop=True), missing, dtype=np.float64)
    known = core_level(one.level.name)
    width = float(np.sqrt(np.prod(known.fwhm))) if known is not None else _USUAL_WIDTH
    share = 1.0
    if known is not None and known.doublet is not None and one.level.j is None:
        share = 1.0 / (1.0 + known.doublet.ratio[1])
    energy = np.sort(peaks["energy"].values)
    step, window = float(np.median(np.diff(energy))), float(np.ptp(energy))
    unit = float(empty_area_error(1.0, width, step, window, share))
    variance = peaks["noise"].reset_coords(drop=True) ** 2
    gain = stated_number(peaks.attrs.get("noise_gain"))
    if gain is not None and gain > 0:  # without the counting noise of the lines themselves
        lines = peaks["area"].sum("peak").reset_coords(drop=True) / window
        variance = (variance - gain * lines).clip(min=_LEAST_NOISE * variance)
    return variance * (unit * row.when_empty) ** 2


def _warn_of_missing(whole: xr.Dataset, names: Sequence[str], notes: list[str]) -> None:
    """Name the regions that are missing at some places; lazy ones are not looked at."""
    if whole["value"].chunks is not None:
        return
    missing = whole["value"].isnull()
    count = missing.sum([dim for dim in missing.dims if dim != ROW]).values
    counts = {name: int(n) for name, n in zip(names, count, strict=True) if n}
    if counts:
        n = int(np.prod([whole.sizes[dim] for dim in missing.dims if dim != ROW]))
        listed = ", ".join(f"{name} in {k} of {n} spectra" for name, k in counts.items())
        notes.append(
            f"no area of {listed}: there the fractions are those of the other elements alone, and "
            f"`complete` is False"
        )


def _fractions(
    whole: xr.Dataset, level_of: npt.NDArray[np.intp], applied: Corrections, levels: Sequence[Pair]
) -> xr.Dataset:
    """Fractions with both errors, and detection limits."""
    value, there = whole["value"], whole["value"].notnull()
    total = value.sum(ROW)
    share = (value / total).where(total > 0)
    # The error of one region that is unknown makes all unknown; a missing region does not.
    of_total = whole["shared"].where(there, 0.0).sum(ROW, skipna=False)
    variance = whole["variance"] - 2 * share * whole["shared"] + share**2 * of_total
    stderr = variance.clip(min=0) ** 0.5 / total
    systematic = _systematic(share, level_of, applied, levels)
    exists = there & ~((value == 0) & (whole["variance"] == 0))
    found = xr.Dataset(
        {
            "atomic_fraction": share.where(exists),
            "atomic_fraction_stderr": stderr.where(exists),
            "atomic_fraction_systematic": systematic.where(exists),
            "normalized_area": value.where(exists),
            "normalized_area_stderr": whole["variance"].clip(min=0).where(exists) ** 0.5,
            "complete": there.all(ROW),
        }
    )
    limit = CURRIE * whole["empty"] ** 0.5
    others = total - value.fillna(0.0)
    found["detection_limit"] = (limit / (others + limit)).where(there & (limit > 0))
    return found


def _systematic(
    share: xr.DataArray,
    level_of: npt.NDArray[np.intp],
    applied: Corrections,
    levels: Sequence[Pair],
) -> xr.DataArray:
    """Standard uncertainty of fractions from factors, transmission and mean free path."""
    known = share.fillna(0.0)
    same = xr.DataArray(level_of[:, None] == level_of, dims=(ROW, "other")).astype(float)
    of_level = xr.dot(known.rename({ROW: "other"}), same, dim="other")
    squares = (known * of_level).sum(ROW)
    variance = applied.uncertainty["rsf"] ** 2 * (squares - 2 * of_level + 1)
    energies = np.array([levels[i][1].kinetic_energy for i in level_of])
    slope = xr.DataArray(np.log(energies), dims=ROW)
    deviation = slope - (known * slope).sum(ROW)
    for name in ("transmission", "imfp"):
        variance = variance + (applied.uncertainty[name] * deviation) ** 2
    uncertainty: xr.DataArray = known * variance.clip(min=0) ** 0.5
    return uncertainty


def row_names(found: xr.Dataset) -> list[str]:
    """Names of the rows of a result for tables and figures: "O 1s", or "O 1s state 1".

    Parameters
    ----------
    found : Dataset
        From `quantify`.
    """
    regions = [str(name) for name in found["region"].values]
    if "region" in found.dims:
        return regions
    labels = [str(text) for text in found["label"].values]
    both = zip(regions, labels, strict=True)
    return [text if text.startswith(name) else f"{name} {text}" for name, text in both]


def _described(
    found: xr.Dataset,
    levels: Sequence[Pair],
    rows: Sequence[_Row],
    used: tuple[Factors, Corrections],
    unit: str,
) -> xr.Dataset:
    """The result with names, units, what was applied, and its sources."""
    factors, applied = used
    places = [row.level for row in rows]
    names = [levels[i][1].name for i in places]
    columns: dict[str, Any] = {
        "sensitivity_factor": factors.values[places],
        "transmission": applied.transmission[places],
        "imfp": applied.imfp[places],
        "angular_factor": applied.angular[places],
        "kinetic_energy": np.array([levels[i][1].kinetic_energy for i in places]),
    }
    found = found.assign({name: (ROW, values) for name, values in columns.items()})
    per_area = xr.DataArray(factors.values * applied.product, dims="level").isel(
        level=xr.DataArray(places, dims=ROW)
    )
    found["area"] = found["normalized_area"] * per_area
    found["area_stderr"] = found["normalized_area_stderr"] * per_area
    elements = [levels[i][1].level.element for i in places]
    found = found.assign_coords(element=(ROW, elements))
    if all(row.when_empty for row in rows):
        found = found.rename({ROW: "region"}).assign_coords(region=names)
    else:
        labels = [
            row.label or f"{name} {'state' if row.state else 'peak'} {row.state or row.peak}"
            for row, name in zip(rows, names, strict=True)
        ]
        found = found.drop_vars("detection_limit").assign_coords(
            region=(ROW, names), label=(ROW, labels)
        )
        for word in ("state", "peak"):
            numbers = [getattr(row, word) for row in rows]
            if any(numbers):
                found = found.assign_coords({word: (ROW, numbers)})
    _add_texts(found, unit, applied.imfp_unit)
    found.attrs = {
        "rsf": factors.source,
        "rsf_kind": factors.kind,
        "transmission": applied.texts["transmission"],
        "imfp": applied.texts["imfp"],
        "angle": applied.texts["angle"],
        "systematic_uncertainties": json.dumps(applied.uncertainty),
        "photon_energy": levels[0][1].photon_energy,
        "background": ", ".join(
            dict.fromkeys(str(p.attrs.get("background", "")) for p, _ in levels)
        ),
        "xpsnet_version": _version(),
    }
    return found


def _version() -> str:
    from xpsnet import __version__

    return __version__


def _add_texts(found: xr.Dataset, unit: str, imfp_unit: str) -> None:
    """Long names and units of all variables, in place."""
    texts = {
        "atomic_fraction": ("Atomic fraction", "1"),
        "atomic_fraction_stderr": ("Standard error of the atomic fraction, from the noise", "1"),
        "atomic_fraction_systematic": (
            "Standard uncertainty of the atomic fraction, from factors, transmission and mean free "
            "path",
            "1",
        ),
        "detection_limit": ("Smallest atomic fraction that would be found", "1"),
        "area": ("Area", f"{unit} eV"),
        "area_stderr": ("Standard error of the area", f"{unit} eV"),
        "normalized_area": ("Area divided by factor and corrections", f"{unit} eV"),
        "normalized_area_stderr": ("Standard error of the normalized area", f"{unit} eV"),
        "sensitivity_factor": ("Sensitivity factor", "1"),
        "transmission": ("Transmission", "1"),
        "imfp": ("Inelastic mean free path", imfp_unit),
        "angular_factor": ("Factor of the angle between X-rays and analyzer", "1"),
        "kinetic_energy": ("Kinetic energy", "eV"),
        "complete": ("Whether all regions were measured", "1"),
    }
    for name, (long_name, one) in texts.items():
        if name in found:
            found[name].attrs = {"long_name": long_name, "units": one}
