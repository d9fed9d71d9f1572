"""Candidate elements of a survey."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import check, number, stated_number, texts
from xpsnet.chemistry.survey_lines import IDENTIFIABLE, SurveyLine, survey_lines
from xpsnet.chemistry.survey_match import Match, Matches, Question, match_elements
from xpsnet.chemistry.survey_peaks import SurveyPeaks, find_survey_peaks
from xpsnet.constants import PHOTON_ENERGIES, SATELLITES
from xpsnet.data.charge_shift import CHARGE_SHIFT, has_charge_shift
from xpsnet.data.level_tables import ELEMENTS, SHIFTS
from xpsnet.data.levels import core_level
from xpsnet.data.satellites import anode_without_monochromator, source_text
from xpsnet.data.spectrum import check_spectra, to_binding
from xpsnet.xpsnet_warning import XpsnetWarning

__all__ = ["identify"]

Floats = npt.NDArray[np.float64]

_LEAST_SPAN = 100.0  # [eV]
_LEAST_POINTS = 50
_LONGEST = 10  # lines of an element that are listed
_STRONG = 2.0  # times what the noise can hide: a line of this predicted height has to be there
_SAME_PHOTON_ENERGY = 1.5  # [eV]
_AROUND = 8.0  # [eV] of background on either side of the states of a level, in a window
_REFERENCE = {"C": (0.3, 0.5), "O": (0.5, 1.2)}  # usual chemical shift and its spread [eV]
_FAR_TOO_WEAK = 0.15  # of the predicted area: less is not the line
_ALONE = 5.5  # standard deviations from which a peak is one without an explanation
_MEASURED_TO = 0.3  # [eV] error of the energy of a peak, its noise aside


def identify(
    survey: xr.DataArray,
    *,
    elements: Sequence[str] = (),
    exclude: Sequence[str] = (),
    photon_energy: float | None = None,
    largest_shift: float = 10.0,
    least_probability: float = 0.5,
    dim: str | None = None,
) -> xr.Dataset:
    """Find the elements whose lines explain the peaks of a survey.

    The result names candidates. Whether a candidate is in the sample is for the reader to decide:
    by its other lines, by a spectrum of its strongest line, by what the sample can contain.

    Parameters
    ----------
    survey : DataArray
        One survey or a stack of them, as for `check_spectra`, at least 100 eV wide.
    elements : sequence of str
        Symbols of elements that are known to be in the sample: they are in the result in any case.
    exclude : sequence of str
        Symbols of elements that cannot be in it.
    photon_energy : float, optional
        [eV]; by default that of the attributes, else that of Al K-alpha, with a warning.
    largest_shift : float
        Largest common shift of all lines, by charging for instance [eV].
    least_probability : float
        Candidates below are left out, 0 to 1.
    dim : str, optional
        The energy dimension, as for `check_spectra`.

    Returns
    -------
    Dataset
        Over `element`, the most probable first, and the other dimensions of the survey:

        - `probability`: of the best set of elements with this one against the best set without it,
          0 to 1. It judges the lines of the survey only.
        - `strength`: share of the atoms, 0 to 1, by theoretical cross-sections. A rough figure:
          use `quantify` for a composition.
        - `n_strong_missing`: lines that should be seen and are not.
        - `window_low`, `window_high` [eV], and `window_level`: the range of the strongest level,
          for `crop` and `fit`.
        - over `line` also, the highest first: `line_name`, `line_kind` ("core" or "auger"),
          `line_energy` [eV] where the line is expected, `line_found`, `line_found_energy` [eV],
          `line_height` [standard deviations of the noise], `line_strong` (should be seen).

        Over `found_peak`, in ascending energy: `peak_energy` [eV], `peak_height` [standard
        deviations] and `peak_name`: its lines, "energy loss", "satellite", "valence band", or ""
        for a peak that nothing explains. `shift` and `shift_stderr` [eV]: by which all lines are
        shifted to higher binding energy in common. All energies are binding energies on the axis
        of the survey.

    Raises
    ------
    ValueError
        Where the spectra are no survey, or a symbol is unknown.

    Warns
    -----
    XpsnetWarning
        Where the photon energy is not known, or the background falls towards higher binding
        energy, so that the axis may run the wrong way.

    Notes
    -----
    Peaks above the noise are compared with the core levels and Auger lines of each element. A set
    of elements is charged for peaks that it leaves unexplained, for strong lines that are absent,
    and for each element; see `xpsnet.chemistry.survey_match`. Positions: X-ray Data Booklet
    (`xpsnet.data.level_tables`); cross-sections: xraylib (T. Schoonjans et al., Spectrochim. Acta
    B 66, 776 (2011), doi 10.1016/j.sab.2011.09.011); satellites of the source: `SATELLITES`.

    Examples
    --------
    >>> import numpy as np
    >>> import xarray as xr
    >>> import xpsnet
    >>> energy = np.arange(0.0, 1200.0, 0.5)
    >>> lines = [(285, 1.0), (532, 2.9), (978, 0.6), (103.3, 0.6), (154.3, 0.6)]  # silica
    >>> counts = 2000 + energy
    >>> for center, height in lines:
    ...     counts = counts + 8000 * height * np.exp(-(((energy - center) / 1.4) ** 2))
    >>> counts = np.random.default_rng(1).poisson(counts).astype(float)
    >>> survey = xr.DataArray(
    ...     counts, {"energy": energy}, ["energy"], "survey",
    ...     {"scale": "binding", "photon_energy": 1486.6},
    ... )
    >>> candidates = xpsnet.identify(survey)
    >>> sorted(candidates["element"].values.tolist())
    ['C', 'O', 'Si']
    >>> silicon = candidates.sel(element="Si")
    >>> str(silicon["window_level"].item())
    'Si 2p'
    >>> cut = xpsnet.crop(survey, (float(silicon["window_low"]), float(silicon["window_high"])))
    """
    check(
        locals(),
        elements=texts("O"),
        exclude=texts("Xe"),
        largest_shift=number(least=0.0, most=30.0, unit="eV"),
        least_probability=number(least=0.0, most=1.0),
    )
    required, excluded = _symbols("elements", elements), _symbols("exclude", exclude)
    if both := sorted({*required} & {*excluded}):
        raise ValueError(
            f"expected different symbols in elements and exclude, got {', '.join(both)} in both; "
            f"leave it out of one of them"
        )
    survey = check_spectra(survey, dim=dim)
    energy_of_photons = _photon_energy(survey, photon_energy)
    survey = to_binding(survey.assign_attrs(photon_energy=energy_of_photons))
    _check_survey(survey)
    question = Question(
        energy_of_photons,
        tuple(dict.fromkeys(one for one in (*IDENTIFIABLE, *required) if one not in excluded)),
        required,
        _satellites(survey, energy_of_photons),
        largest_shift,
    )
    lead = [dim for dim in survey.dims if dim != "energy"]
    shape = tuple(survey.sizes[dim] for dim in lead)
    counts = np.asarray(survey.values, dtype=np.float64).reshape(-1, survey.sizes["energy"])
    axis = np.asarray(survey["energy"].values, dtype=np.float64)
    shifts = np.zeros(len(counts))
    if has_charge_shift(survey):
        known = survey.coords[CHARGE_SHIFT].variable.set_dims(lead, shape)
        shifts = np.asarray(known.values, dtype=np.float64).reshape(-1)
    _warn_of_direction(axis, counts)
    found = [_answer(axis - by, row, question) for by, row in zip(shifts, counts, strict=True)]
    names = _names(found, required, least_probability)
    variables = _variables(found, names, question)
    sizes = {"element": len(names)}
    dataset = xr.Dataset(
        {
            name: ((*lead, *dims), values.reshape((*shape, *values.shape[1:])), texts_)
            for name, (dims, values, texts_) in variables.items()
        },
        coords={name: survey.coords[name] for name in lead if name in survey.coords},
    )
    dataset = dataset.assign_coords(element=("element", np.array(names, dtype=object)))
    dataset = dataset.assign(_constants(names, question, sizes["element"]))
    return dataset.assign_attrs(
        scale="binding",
        photon_energy=energy_of_photons,
        region=str(survey.name or ""),
        energy_range=(float(axis.min()), float(axis.max())),
    )


@dataclass(frozen=True)
class _Answer:
    """The peaks of one survey, and the elements that explain them; without peaks none."""

    peaks: SurveyPeaks
    matches: Matches


def _symbols(name: str, given: Sequence[str]) -> tuple[str, ...]:
    """Symbols in their usual spelling, each once."""
    found = tuple(dict.fromkeys(str(one).strip().capitalize() for one in given))
    wrong = [one for one in found if one not in ELEMENTS or one in ("H", "He")]
    if wrong:
        raise ValueError(
            f"expected symbols of elements from Li to U, got {name}={wrong[0]!r}; write for "
            f'instance {name}=("O", "Fe")'
        )
    return found


def _photon_energy(survey: xr.DataArray, given: float | None) -> float:
    known = given if given is not None else stated_number(survey.attrs.get("photon_energy"))
    if known is not None and known > 0:
        return float(known)
    if survey.attrs.get("scale") == "kinetic":
        raise ValueError(
            "expected a photon energy to change kinetic to binding energy, got none; pass "
            "photon_energy=1486.6 for Al K-alpha"
        )
    _warn(
        "the photon energy is not known: that of Al K-alpha, 1486.6 eV, is assumed; pass "
        "photon_energy= if it was another"
    )
    return PHOTON_ENERGIES["Al Ka"]


def _check_survey(survey: xr.DataArray) -> None:
    axis = survey["energy"].values
    if np.ptp(axis) < _LEAST_SPAN or axis.size < _LEAST_POINTS:
        raise ValueError(
            f"expected a survey of at least {_LEAST_SPAN:g} eV and {_LEAST_POINTS} points, got "
            f"{np.ptp(axis):.1f} eV and {axis.size} points; pass the survey, and this spectrum to "
            f"xpsnet.fit"
        )


def _satellites(survey: xr.DataArray, photon_energy: float) -> tuple[tuple[float, float], ...]:
    """Satellites that the source may have: none of a monochromator or a synchrotron."""
    text = source_text(survey)
    if "satellites_removed" in survey.attrs or "mono" in text.lower():
        known = anode_without_monochromator(text)
        if "satellites_removed" in survey.attrs or known is None:
            return ()
    for name, lines in SATELLITES.items():
        if abs(photon_energy - PHOTON_ENERGIES[name]) < _SAME_PHOTON_ENERGY:
            return tuple((line.shift, line.height) for line in lines)
    return ()


def _warn_of_direction(axis: Floats, counts: Floats) -> None:
    """The background of a survey rises towards high binding energy, where slow electrons are."""
    order = np.argsort(axis)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        mean = np.nanmean(counts, axis=0)[order]
        parts = [float(np.nanmedian(part)) for part in np.array_split(mean, 8)]
    if parts[0] > 1.5 * parts[4] and parts[0] > 1.5 * parts[-1]:
        _warn(
            "the background falls towards higher binding energy, which no survey does: the energy "
            "axis may run the wrong way, or the scale may be another; check it before you use "
            "the candidates"
        )


def _warn(text: str) -> None:
    warnings.warn(text, XpsnetWarning, stacklevel=4)


def _answer(binding: Floats, counts: Floats, question: Question) -> _Answer:
    """Peaks and elements of one survey; missing points are interpolated."""
    order = np.argsort(binding)
    binding, counts = binding[order], counts[order]
    known = np.isfinite(counts)
    if known.sum() < _LEAST_POINTS or np.ptp(counts[known]) == 0:
        peaks = SurveyPeaks.none(float(binding[0]), float(binding[-1]))
    else:
        peaks = find_survey_peaks(binding, np.interp(binding, binding[known], counts[known]))
        # Nothing is known of lines where points are missing.
        missing = np.interp(peaks.grid, binding, (~known).astype(float)) > 0.5
        peaks = replace(peaks, error=np.where(missing, np.inf, peaks.error))
    return _Answer(peaks, match_elements(peaks, question))


def _names(found: Iterable[_Answer], required: Sequence[str], least: float) -> list[str]:
    """Candidates of all surveys, the most probable first."""
    best = dict.fromkeys(required, 0.0)
    for answer in found:
        together = zip(answer.matches.members, answer.matches.probability, strict=True)
        for match, chance in together:
            if chance >= least or match.element in required:
                best[match.element] = max(best.get(match.element, 0.0), chance)
    return sorted(best, key=lambda one: (-best[one], ELEMENTS.index(one)))


def _listed(element: str, photon_energy: float) -> tuple[SurveyLine, ...]:
    return survey_lines(element, photon_energy)[:_LONGEST]


def _variables(
    found: Sequence[_Answer], names: Sequence[str], question: Question
) -> dict[str, tuple[tuple[str, ...], npt.NDArray[Any], dict[str, str]]]:
    """Arrays over the surveys, with the names of their further dimensions and their texts."""
    n, m = len(found), len(names)
    n_peaks = max([one.peaks.energy.size for one in found], default=0)
    chance, strength = np.zeros((n, m)), np.zeros((n, m))
    missing = np.zeros((n, m), dtype=np.int64)
    windows = np.full((2, n, m), np.nan)
    lines = np.full((3, n, m, _LONGEST), np.nan)  # expected, found, height
    strong = np.zeros((n, m, _LONGEST), dtype=bool)
    shift = np.full((2, n), np.nan)
    peaks = np.full((2, n, n_peaks), np.nan)
    peak_names = np.full((n, n_peaks), "", dtype=object)
    for row, answer in enumerate(found):
        named = _peak_names(answer)
        # Weak maxima that nothing explains are noise.
        kept = (answer.peaks.significance > _ALONE) | (np.array(named, dtype=object) != "")
        size = int(kept.sum())
        peaks[0, row, :size] = answer.peaks.energy[kept]
        peaks[1, row, :size] = answer.peaks.significance[kept]
        peak_names[row, :size] = np.array(named, dtype=object)[kept]
        shift[:, row] = _shift(answer, question)
        for column, element in enumerate(names):
            listed = _listed(element, question.photon_energy)
            energies = np.array([line.energy for line in listed])
            lines[0, row, column, : len(listed)] = energies + np.nan_to_num(shift[0, row])
        shares = _strengths(answer)
        for match, probability in zip(
            answer.matches.members, answer.matches.probability, strict=True
        ):
            if match.element not in names:
                continue
            column = names.index(match.element)
            chance[row, column] = probability
            strength[row, column] = shares[match.element]
            listed = _listed(match.element, question.photon_energy)
            _fill_lines(answer, match, listed, (lines[:, row, column], strong[row, column]))
            unseen = strong[row, column] & np.isnan(lines[1, row, column])
            missing[row, column] = int(unseen.sum())
        for column, element in enumerate(names):
            windows[:, row, column] = _window(element, lines[0, row, column], question)
    texts_ = {
        "probability": "Probability against the best set without the candidate",
        "strength": "Share of the atoms by theoretical cross-sections",
    }
    return {
        "probability": (("element",), chance, {"long_name": texts_["probability"], "units": "1"}),
        "strength": (("element",), strength, {"long_name": texts_["strength"], "units": "1"}),
        "n_strong_missing": (
            ("element",), missing, {"long_name": "Strong lines that are missing", "units": "1"},
        ),
        "window_low": (("element",), windows[0], _eV("Lower end of the window")),
        "window_high": (("element",), windows[1], _eV("Upper end of the window")),
        "line_energy": (("element", "line"), lines[0], _eV("Energy where the line is expected")),
        "line_found_energy": (("element", "line"), lines[1], _eV("Energy of its peak")),
        "line_found": (("element", "line"), np.isfinite(lines[1]), {"long_name": "Found"}),
        "line_height": (
            ("element", "line"), lines[2],
            {"long_name": "Height in standard deviations of the noise", "units": "1"},
        ),
        "line_strong": (("element", "line"), strong, {"long_name": "Should be seen"}),
        "shift": ((), shift[0], _eV("Common shift to higher binding energy")),
        "shift_stderr": ((), shift[1], _eV("Standard error of the common shift")),
        "peak_energy": (("found_peak",), peaks[0], _eV("Energy of the peak")),
        "peak_height": (
            ("found_peak",), peaks[1],
            {"long_name": "Height in standard deviations of the noise", "units": "1"},
        ),
        "peak_name": (("found_peak",), peak_names, {"long_name": "What may explain the peak"}),
    }  # fmt: skip


def _eV(name: str) -> dict[str, str]:  # noqa: N802
    return {"long_name": name, "units": "eV"}


def _constants(names: Sequence[str], question: Question, n: int) -> dict[str, Any]:
    """What is the same for all surveys: names and kinds of lines, levels of windows."""
    listed = [_listed(element, question.photon_energy) for element in names]
    name = np.full((n, _LONGEST), "", dtype=object)
    kind = np.full((n, _LONGEST), "", dtype=object)
    level = np.full(n, "", dtype=object)
    for row, lines in enumerate(listed):
        name[row, : len(lines)] = [line.name for line in lines]
        kind[row, : len(lines)] = [line.kind for line in lines]
        level[row] = _strongest_level(lines)
    return {
        "line_name": (("element", "line"), name, {"long_name": "Line"}),
        "line_kind": (("element", "line"), kind, {"long_name": "Kind of line"}),
        "window_level": (("element",), level, {"long_name": "Level of the window"}),
    }


def _strongest_level(lines: Sequence[SurveyLine]) -> str:
    """Level for a window: the strongest narrow one; "" where there is none."""
    heights: dict[str, float] = {}
    for line in lines:
        if line.kind == "core":
            heights[line.level] = heights.get(line.level, 0.0) + line.height
    # Of two levels as strong the one that is not s: its line is narrower (Si 2p, not Si 2s).
    ranked = {one: value / (1 + (one[-1] == "s")) for one, value in heights.items()}
    return max(ranked, key=lambda one: ranked[one], default="")


def _fill_lines(
    answer: _Answer,
    match: Match,
    listed: Sequence[SurveyLine],
    arrays: tuple[Floats, npt.NDArray[np.bool_]],
) -> None:
    """Expected and found energies, heights and whether a line should be seen, of one element."""
    (expected, energy, height), strong = arrays
    peaks = answer.peaks
    places = {id(line): k for k, line in enumerate(match.lines)}
    for k, line in enumerate(listed):
        core = line.kind == "core"
        expected[k] = line.energy + (match.offset if core else answer.matches.shift)
        if id(line) not in places:
            continue
        peak = int(match.peak[places[id(line)]])
        area = match.amount * line.strength
        # A ripple at the place of a strong line is not this line.
        if core and peak >= 0 and peaks.area[peak] < _FAR_TOO_WEAK * area:
            peak = -1
        if peak >= 0:
            energy[k], height[k] = peaks.energy[peak], peaks.significance[peak]
        limit = float(peaks.upper_limit(np.array([expected[k]]))[0])
        predicted = area / (1.0645 * line.fwhm)
        strong[k] = core and (peak >= 0 or predicted > _STRONG * limit)


def _strengths(answer: _Answer) -> dict[str, float]:
    """Shares of the atoms from non-negative least squares of relative areas."""
    from scipy.optimize import nnls

    members = answer.matches.members
    if not members:
        return {}
    areas = np.stack([match.areas for match in members], axis=1)
    rows = (areas > 0).any(axis=1)
    measured = answer.peaks.area[rows]
    amounts, _ = nnls(areas[rows] / measured[:, None], np.ones(measured.size))
    # A weak element on the peaks of a strong one keeps the amount by which it was chosen.
    amounts = np.where(amounts > 0, amounts, [match.amount for match in members])
    shares = amounts / amounts.sum()
    return {match.element: float(one) for match, one in zip(members, shares, strict=True)}


def _shift(answer: _Answer, question: Question) -> tuple[float, float]:
    """Common shift of the main lines, and its standard error [eV]."""
    values, errors = [], []
    for match in answer.matches.members:
        main = next((k for k, line in enumerate(match.lines) if line.kind == "core"
                     and match.peak[k] >= 0), None)  # fmt: skip
        if main is None:
            continue
        low, high = SHIFTS.get(match.element, (-3.0, 8.0))
        usual, spread = _REFERENCE.get(match.element, (0.2 * (low + high), (high - low) / 4))
        values.append(answer.peaks.energy[match.peak[main]] - match.lines[main].energy - usual)
        errors.append(np.hypot(spread, _MEASURED_TO))
    if not values:
        return np.nan, np.nan
    weights = np.array(errors) ** -2.0
    return float(np.average(values, weights=weights)), float(weights.sum() ** -0.5)


def _window(element: str, expected: Floats, question: Question) -> tuple[float, float]:
    """Range of the states of the strongest level, with background on either side [eV]."""
    listed = _listed(element, question.photon_energy)
    level = _strongest_level(listed)
    energies = [expected[k] for k, line in enumerate(listed) if line.level == level]
    known = core_level(level) if level else None
    if not energies or known is None:
        return np.nan, np.nan
    splitting = known.doublet.splitting[1] if known.doublet else 0.0
    low, high = min(energies), max([*energies, min(energies) + splitting])
    return low - _AROUND, high + _AROUND


def _peak_names(answer: _Answer) -> list[str]:
    """What may explain each peak, the lines of candidates first."""
    names: list[list[str]] = [[] for _ in answer.peaks.energy]
    for match in answer.matches.members:
        for line, peak in zip(match.lines, match.peak, strict=True):
            if peak >= 0 and line.name not in names[peak]:
                names[peak].append(line.name)
        for k in np.flatnonzero((match.capacity > 0) & (match.areas == 0)):
            if not any(one.startswith(f"{match.element} ") for one in names[k]):
                names[k].append(f"other state of {match.element}")
    kinds = answer.matches.background
    return [", ".join(own) or str(kind) for own, kind in zip(names, kinds, strict=True)]
