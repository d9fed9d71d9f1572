"""Removal of the X-ray satellites of sources without a monochromator."""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import check, is_number, shown, stated_number
from xpsnet.constants import PHOTON_ENERGIES, SATELLITES
from xpsnet.data.energy_axis import Floats
from xpsnet.data.spectrum import check_spectra
from xpsnet.data.spectrum_arrays import orientation_of

_SAME_PHOTON_ENERGY = 1.0  # [eV] instruments differ by some tenths in what they take for K alpha
_ACHROMATIC = re.compile(
    r"\b(?:std|standard|achrom|dual|twin|non[ -]?mono|unmono|no mono|without mono)", re.IGNORECASE
)
_MONO = re.compile(r"(?<!non-)(?<!non )(?<!no )(?<!without )\bmono", re.IGNORECASE)
_ANODES = {
    "Mg Ka": re.compile(r"\bmg(?![a-z])|\bmg ?k", re.IGNORECASE),
    "Al Ka": re.compile(r"\bal(?![a-z])|\bal ?k", re.IGNORECASE),
}
_MAX_TEXT = 200  # characters of the text of a source
_END_POINTS = 5  # points at the upper end whose mean stands for the counts beyond it
_MAX_SHIFT = 1e4  # [eV]
_MAX_HEIGHT = 0.5
_SPECTRA_AT_ONCE = 2048
_SAME_ENERGY = 1e-9  # [eV] rounding of an axis


def remove_satellites(
    spectra: xr.DataArray,
    *,
    source: str | Sequence[tuple[float, float]] | None = None,
    dim: str | None = None,
) -> xr.DataArray:
    """Remove the contribution of the weaker X-ray lines of an anode without a monochromator.

    Each satellite of the source repeats the spectrum at lower binding energy:
    S(E) = p(E) + sum of a_i p(E + d_i). The equation is solved for p from the high-binding end
    downwards; p(E + d) between two points is interpolated linearly. Beyond the high-binding end
    of the window the spectrum is taken as constant: satellites of lines outside are not removed.
    Auger lines do not depend on the photon energy and have no satellites: where they are in the
    window, a weak negative copy of them appears.

    Parameters
    ----------
    spectra : DataArray
        As for `check_spectra`, on either scale, on any axis; NaN marks a missing point. Dask
        stays lazy.
    source : "Al Ka", "Mg Ka" or sequence of (float, float), optional
        The anode, or the shifts [eV] > 0 and relative heights of your own source. By default the
        anode that `attrs["x_ray_source"]` names, or Mg if the photon energy is that of Mg Ka.
    dim : str, optional
        The energy dimension, as for `check_spectra`.

    Returns
    -------
    DataArray
        Same axis and units; `attrs["satellites_removed"]` names the source.

    Raises
    ------
    ValueError
        Where the source is unknown or has a monochromator, or the satellites were removed already.

    References
    ----------
    Positions and heights: J. F. Moulder et al., Handbook of X-ray Photoelectron Spectroscopy
    (1992); see `xpsnet.constants.SATELLITES`.

    Examples
    --------
    >>> import xpsnet
    >>> spectrum = xpsnet.sample("spectrum").assign_attrs(x_ray_source="Mg")
    >>> removed = xpsnet.remove_satellites(spectrum)
    >>> removed.attrs["satellites_removed"], bool((removed < spectrum).all())
    ('Mg Ka', True)
    """
    check(locals())
    spectra = check_spectra(spectra, dim=dim)
    if "satellites_removed" in spectra.attrs:
        raise ValueError(
            f"expected spectra with their satellites, got spectra from which those of "
            f"{spectra.attrs['satellites_removed']} were removed; call remove_satellites once"
        )
    name, lines = _lines(spectra, source)
    bound = orientation_of(spectra).energies(spectra["energy"].values)
    removed: xr.DataArray = xr.apply_ufunc(
        _without,
        spectra,
        kwargs={"bound": bound, "lines": lines},
        input_core_dims=[["energy"]],
        output_core_dims=[["energy"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"allow_rechunk": True},
        keep_attrs=True,
    )
    return removed.assign_attrs(satellites_removed=name)


def _lines(
    spectra: xr.DataArray, source: str | Sequence[tuple[float, float]] | None
) -> tuple[str, list[tuple[float, float]]]:
    """Name of the source and (shift, height) of its satellites."""
    if source is None:
        source = _source_of(spectra)
    if isinstance(source, str):
        if source not in SATELLITES:
            raise ValueError(
                f"expected one of the sources {sorted(SATELLITES)}, got {source!r}; pass one of "
                f"them (radiation from a monochromator or a synchrotron has no satellites)"
            )
        return source, [(line.shift, line.height) for line in SATELLITES[source]]
    given = source if isinstance(source, list | tuple) else []
    pairs = all(isinstance(one, list | tuple) and len(one) == 2 for one in given)
    lines = given if pairs and all(is_number(end) for one in given for end in one) else []
    if not lines or not all(0 < d < _MAX_SHIFT and 0 <= a <= _MAX_HEIGHT for d, a in lines):
        raise ValueError(
            f"expected pairs of a shift > 0 eV and a height from 0 to {_MAX_HEIGHT:g}, or a name "
            f"of {sorted(SATELLITES)}, got {shown(source)}; pass for instance [(8.4, 0.08), (10.2, "
            f"0.041)]"
        )
    return "the given source", [(float(shift), float(height)) for shift, height in lines]


def anode_without_monochromator(text: str) -> str | None:
    """Anode of an X-ray source whose description shows that there is no monochromator.

    Mg K-alpha sources never have one. A text about Al must say it ("std", "achromatic").

    Parameters
    ----------
    text : str
        As it stands in the file: "Mg", "Al Ka achromatic", "Mg 1253.6 std".

    Returns
    -------
    str or None
        "Mg Ka" or "Al Ka"; None where the text does not show it.
    """
    text = text[:_MAX_TEXT]
    named = [name for name, pattern in _ANODES.items() if pattern.search(text)]
    if len(named) != 1 or _MONO.search(text):
        return None
    return named[0] if named[0] == "Mg Ka" or _ACHROMATIC.search(text) else None


def source_text(spectra: xr.DataArray) -> str:
    """Description of the X-ray source from the file; empty where there is none."""
    texts = (spectra.attrs.get(name) for name in ("x_ray_source", "source"))
    return next((one for one in texts if isinstance(one, str) and one), "")


def _source_of(spectra: xr.DataArray) -> str:
    """Source from the attributes.

    Raises
    ------
    ValueError
        Where they show a monochromator, or not enough.
    """
    text = source_text(spectra)
    remedy = 'pass source="Mg Ka" or source="Al Ka" if there was no monochromator'
    if _MONO.search(text[:_MAX_TEXT]):
        raise ValueError(
            f"expected a source without a monochromator, got {text!r}, which has no satellites; "
            f"{remedy}"
        )
    photon_energy = stated_number(spectra.attrs.get("photon_energy"))
    # Mg K alpha is never monochromated; Al K alpha may be.
    if photon_energy and abs(photon_energy - PHOTON_ENERGIES["Mg Ka"]) < _SAME_PHOTON_ENERGY:
        return "Mg Ka"
    if anode := anode_without_monochromator(text):
        return anode
    known = f"photon energy {photon_energy:g} eV" if photon_energy else "no photon energy"
    raise ValueError(
        f"expected attributes that name a Mg or Al source without a monochromator, got the source "
        f"{text!r} and {known}; {remedy}"
    )


def _without(
    counts: npt.NDArray[np.generic], bound: Floats, lines: list[tuple[float, float]]
) -> Floats:
    """Counts without satellites, shape (..., n); `bound` are binding-like energies, shape (n,)."""
    order = np.argsort(bound)[::-1]  # the most bound first: each point needs those before it
    values = np.asarray(counts).reshape(-1, bound.size)
    result = np.empty(values.shape)
    for first in range(0, len(values), _SPECTRA_AT_ONCE):
        some = values[first : first + _SPECTRA_AT_ONCE, order].astype(np.float64)
        missing = ~np.isfinite(some)
        for row in np.flatnonzero(missing.any(axis=1)):
            some[row] = _filled(some[row], bound[order], missing[row])
        solved = _solved(np.ascontiguousarray(some.T), bound[order], lines).T
        solved[missing] = np.nan
        result[first : first + _SPECTRA_AT_ONCE, order] = solved
    return result.reshape(np.shape(counts))


def _filled(values: Floats, bound: Floats, missing: npt.NDArray[np.bool_]) -> Floats:
    """Values of one spectrum with its missing points interpolated, shape (n,)."""
    if missing.all():
        return np.zeros_like(values)
    present = values[~missing]
    top = float(present[:_END_POINTS].mean())  # as beyond the window
    filled: Floats = np.interp(-bound, -bound[~missing], present, left=top)
    return filled


def _solved(values: Floats, bound: Floats, lines: list[tuple[float, float]]) -> Floats:
    """Solve the recursion, shape (n, spectra), the most bound first."""
    n = bound.size
    shifts, heights = np.array(lines).T
    wanted = bound[:, None] + shifts
    outside = wanted > bound[0] + _SAME_ENERGY
    # Linear interpolation between two neighbors, of which `after` is less bound.
    after = np.clip(np.searchsorted(-bound, -wanted), min(1, n - 1), n - 1)
    before = np.maximum(after - 1, 0)
    span = np.where(outside, 1.0, bound[before] - bound[after])
    share = np.clip((wanted - bound[after]) / span, 0.0, 1.0)
    columns = np.concatenate([before, after], axis=1)
    weights = np.concatenate([heights * share, heights * (1.0 - share)], axis=1)
    weights[np.concatenate([outside, outside], axis=1)] = 0.0
    # Steps longer than a shift: the point itself is its neighbor.
    itself = columns == np.arange(n)[:, None]
    divisor = 1.0 + (weights * itself).sum(axis=1)
    weights[itself] = 0.0
    beyond = values[:_END_POINTS].mean(axis=0) / (1.0 + heights.sum())
    solved: Floats = values - (outside @ heights)[:, None] * beyond
    for j in range(n):
        # One by one: a product of matrices is rounded otherwise for other numbers of spectra.
        for weight, column in zip(weights[j], columns[j], strict=True):
            if weight:
                solved[j] -= weight * solved[column]
        solved[j] /= divisor[j]
    return solved
