"""The peaks: a Dataset over the spectra's other dimensions plus `peak`, and its curves.

Everything stored is on the spectra's own scale and in their units. The numerics know one axis only
(`xpsnet.data.spectrum_arrays`); `peaks_from_numerics` is the way out of it.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.arguments import check, finite_numbers, optional
from xpsnet.arguments import fitted_peaks as fitted_peaks_rule
from xpsnet.data.measured_energies import CORRECTED_RANGE, on_measured_energies
from xpsnet.data.peak_arrays import (
    CURVE,
    Arrays,
    Floats,
    Order,
    area_arrays,
    background_terms,
    curve_arrays,
    draw,
    interpolate_curve,
    moved_covariance,
    one_per_spectrum,
    ordered_arrays,
    probability_arrays,
    uncertainties_arrays,
)
from xpsnet.data.peak_settings import without_disabled
from xpsnet.data.spectrum import plain_attribute, scale_sign
from xpsnet.data.spectrum_arrays import SpectrumArrays, mirror_factors
from xpsnet.data.status import STATUS_SENTENCES, Status, is_reserved, with_texts
from xpsnet.numerics.backgrounds import BACKGROUNDS
from xpsnet.numerics.lineshapes import LINE_SHAPES
from xpsnet.numerics.peak_shapes import (
    LineShapes,
    distinct_shapes,
    shape_parameters_of,
    simplest,
)

__all__ = [
    "STATUS_SENTENCES",
    "PeakArrays",
    "Status",
    "curves",
    "from_numerics",
    "keep_own_names",
    "make_peaks",
    "peaks_from_numerics",
]


@dataclass(frozen=True)
class PeakArrays:
    """Peaks of S spectra as arrays of the numerics, in the order that they shall keep.

    Attributes
    ----------
    line_shape : str or tuple of str
        Key of `LINE_SHAPES`, or one for each peak.
    background : str
        Key of `BACKGROUNDS`.
    parameters : mapping of str to ndarray, shape (S, peak) or (S, count, peak)
        One entry per parameter of the line shape.
    background_parameters : mapping of str to ndarray, shape (S,) or (S, count)
        One entry per term of the background.
    status : ndarray of int, shape (S,) or (S, count)
    stderr, spread : mapping of str to ndarray
        As for `make_peaks`, first axis S.
    covariance : (names, ndarray of shape (S, m, m)), optional
    background_curve : ndarray, shape (S, n), optional
        A background that was held, in place of `background`.
    counts : ndarray of int, shape (count,), optional
        Numbers of peaks that `count` stands for.
    by_count : bool
        Whether there is an axis `count`.
    label : sequence of str, shape (peak,), optional
    others : mapping of str to ndarray or None, shape (S, ...)
        Further arguments of `make_peaks` with one value per spectrum.
    """

    line_shape: LineShapes
    background: str
    parameters: Mapping[str, Floats]
    background_parameters: Mapping[str, Floats]
    status: npt.NDArray[Any]
    stderr: Mapping[str, Floats] = field(default_factory=dict)
    spread: Mapping[str, Floats] = field(default_factory=dict)
    covariance: tuple[Sequence[str], Floats] | None = None
    background_curve: Floats | None = None
    counts: npt.NDArray[Any] | None = None
    by_count: bool = False
    label: Sequence[str] | None = None
    others: Mapping[str, npt.NDArray[Any] | None] = field(default_factory=dict)


def make_peaks(
    energy: npt.ArrayLike,
    dims: Sequence[Hashable],
    coords: Mapping[Any, Any] | None = None,
    *,
    scale: str,
    line_shape: LineShapes,
    background: str,
    parameters: Arrays,
    background_parameters: Arrays,
    status: npt.ArrayLike,
    status_flags: npt.ArrayLike | None = None,
    background_curve: npt.ArrayLike | None = None,
    n_peaks: npt.ArrayLike | None = None,
    n_peaks_probability: npt.ArrayLike | None = None,
    counts: npt.ArrayLike | None = None,
    area_sum_stderr: npt.ArrayLike | None = None,
    noise: npt.ArrayLike | None = None,
    dof_noise: npt.ArrayLike | None = None,
    redchi: npt.ArrayLike | None = None,
    aic: npt.ArrayLike | None = None,
    bic: npt.ArrayLike | None = None,
    stderr: Arrays | None = None,
    spread: Arrays | None = None,
    covariance: tuple[Sequence[str], npt.ArrayLike] | None = None,
    label: Sequence[str] | None = None,
    keep_order: bool = False,
    attrs: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Assemble a peaks Dataset: sorted by energy on the stored scale, with areas and units.

    Parameters
    ----------
    energy : array_like, shape (n,)
        The fitted axis [eV] on `scale`.
    dims : sequence of hashable
        Leading dimensions; "energy" and "peak" in it are passed over, so that the dimensions
        of the spectra can be given as they are. It may end with "count".
    coords : mapping, optional
        Coordinates; those over energy are passed over.
    scale : "binding" or "kinetic"
        Of `energy` and of every `center`.
    line_shape : str or tuple of str
        Key of `LINE_SHAPES`, or one for each peak: these keep the order that is given.
    background : str
        Key of `BACKGROUNDS`; or "curve", which has no parameters.
    parameters : mapping of str to array_like, shape (..., peak)
        One entry per parameter of the line shape, on `scale`; NaN where there is no peak.
    background_parameters : mapping of str to array_like, shape (...)
        One entry per term of the background ("constant", ...), on `scale`.
    status : array_like of int, shape (...)
        Codes of `Status`.
    status_flags : array_like of int, shape (...), optional
        All codes that apply, as bits.
    background_curve : array_like, shape (..., n), optional
        The background itself [units], for "curve": one that a person or another program drew.
    n_peaks : array_like of int, shape (...), optional
        By default the number of finite centers.
    n_peaks_probability : array_like, shape (..., count), optional
    counts : array_like of int, shape (count,), optional
        The numbers of peaks that `count` stands for; by default 0, 1, 2, ...
    area_sum_stderr : array_like, shape (...), optional
        Standard error of the sum of all areas, with their covariances.
    noise, dof_noise, redchi, aic, bic : array_like, shape (...), optional
    stderr, spread : mapping of str to array_like, optional
        Standard errors after refinement and the network's own uncertainty, shape (..., peak)
        or, for names that start with "background_", (...).
    covariance : (names, array_like of shape (..., parameter, parameter)), optional
        Names are "center_1" for a parameter of the first peak, anything else for shared ones.
    label : sequence of str, shape (peak,), optional
        Names of the peaks; they keep the order that is given, instead of ascending energy.
    keep_order : bool
        Keep the order that is given without labels, too.
    attrs : mapping, optional
        Provenance (`model`, `region`, `units`, ...); None is left out.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        Where names or shapes do not fit together.
    """
    sign = scale_sign(scale)
    energy = np.asarray(energy, dtype=np.float64)
    line_shape = simplest(line_shape)
    ordered = ordered_arrays(parameters, line_shape, background_parameters, background)
    order = np.argsort(ordered["center"], axis=-1, kind="stable")  # NaN goes last
    if label is not None or keep_order or not isinstance(line_shape, str):
        order = np.broadcast_to(np.arange(order.shape[-1]), order.shape)
    ordered = {k: np.take_along_axis(v, order, -1) for k, v in ordered.items()}
    shape = order.shape[:-1]
    lead = _leading(dims, order.shape)
    numeric, _ = from_numerics(scale, ordered, {})
    ordered["area"] = area_arrays(sign * energy, line_shape, numeric)
    variables: dict[str, Any] = {k: ((*lead, "peak"), v) for k, v in ordered.items()}
    for suffix, table in (("stderr", stderr), ("spread", spread)):
        variables |= uncertainties_arrays(table or {}, suffix, lead, order)
    given: dict[str, Any] = {
        f"background_{k}": background_parameters[k] for k in background_terms(background)
    }
    given |= {"area_sum_stderr": area_sum_stderr, "noise": noise, "dof_noise": dof_noise}
    given |= {"redchi": redchi, "aic": aic, "bic": bic}
    for name, values in given.items():
        if values is not None:
            variables[name] = (lead, one_per_spectrum(name, values, shape, np.float64))
    variables |= curve_arrays(background, background_curve, lead, (*shape, energy.size))
    exists = np.isfinite(ordered["center"]).sum(axis=-1) if n_peaks is None else n_peaks
    variables["n_peaks"] = (lead, one_per_spectrum("n_peaks", exists, shape, np.int64))
    variables["status"] = (lead, one_per_spectrum("status", status, shape, np.int8))
    if status_flags is not None:
        flags = one_per_spectrum("status_flags", status_flags, shape, np.int32)
        variables["status_flags"] = (lead, flags)
    if label is not None:
        variables["label"] = ("peak", np.array(label, dtype=object), {"long_name": "Label"})
    if not isinstance(line_shape, str):
        variables["line_shape"] = ("peak", np.array(line_shape, dtype=object))
    variables |= probability_arrays(n_peaks_probability, lead)
    if covariance is not None:
        names, matrix = list(covariance[0]), np.asarray(covariance[1], dtype=np.float64)
        matrix = moved_covariance(names, matrix, order, names)
        variables["covariance"] = ((*lead, "parameter", "parameter_2"), matrix)
    own = _own_coords(energy, scale, order, covariance)
    peaks = xr.Dataset(variables, coords={**_kept_coords(coords or {}), **own})
    if "count" in peaks.dims and "count" not in peaks.coords:
        numbers = np.arange(peaks.sizes["count"]) if counts is None else np.asarray(counts)
        peaks = peaks.assign_coords(count=("count", numbers))
    peaks.attrs = _attributes(attrs or {}, energy, scale, background)
    if isinstance(line_shape, str):
        peaks.attrs["line_shape"] = line_shape
    return with_texts(peaks)


def peaks_from_numerics(
    arrays: SpectrumArrays, found: PeakArrays, attrs: Mapping[str, Any] | None = None
) -> xr.Dataset:
    """Peaks Dataset of spectra from arrays of the numerics: the one way out.

    Parameters
    ----------
    arrays : SpectrumArrays
        The spectra.
    found : PeakArrays
    attrs : mapping, optional
        Provenance; see `make_peaks`.

    Returns
    -------
    Dataset
        On the scale and over the dimensions of the spectra.
    """
    spectra, shape = arrays.spectra, arrays.shape
    scale = str(spectra.attrs["scale"])

    def fold(values: npt.NDArray[Any] | None) -> npt.NDArray[Any] | None:
        return None if values is None else values.reshape((*shape, *values.shape[1:]))

    def folded(table: Mapping[str, Any]) -> dict[str, Any]:
        return {name: fold(values) for name, values in table.items()}

    stored, terms = from_numerics(scale, found.parameters, found.background_parameters)
    covariance, curve = None, found.background_curve
    if found.covariance is not None:
        names, matrix = found.covariance
        factors = mirror_factors(names, arrays.orientation.sign)
        covariance = names, np.asarray(fold(matrix * np.outer(factors, factors)))
    if curve is not None:
        curve = arrays.orientation.points(curve)
    return make_peaks(
        spectra["energy"].values,
        (*spectra.dims[:-1], "count") if found.by_count else spectra.dims[:-1],
        spectra.coords,
        scale=scale,
        line_shape=found.line_shape,
        background=found.background if curve is None else CURVE,
        parameters=folded(stored),
        background_parameters=folded(terms) if curve is None else {},
        background_curve=fold(curve),
        status=np.asarray(fold(found.status)),
        covariance=covariance,
        stderr=folded(found.stderr) or None,
        spread=folded(found.spread) or None,
        counts=found.counts,
        label=found.label,
        keep_order=True,
        attrs=attrs,
        **folded(found.others),
    )


def keep_own_names(spectra: xr.DataArray) -> xr.DataArray:
    """Spectra whose own dimensions and coordinates do not collide with those of peaks.

    A user may call a coordinate "label" or "status". Such names get the prefix "spectra_".
    """
    own = [*spectra.dims, *spectra.coords]
    return spectra.rename({name: f"spectra_{name}" for name in own if is_reserved(name)})


def _leading(dims: Sequence[Hashable], shape: tuple[int, ...]) -> tuple[Hashable, ...]:
    """Dimensions of the spectra, one for each axis of the parameters before `peak`."""
    lead = tuple(d for d in dims if d not in ("energy", "peak"))
    if len(lead) != len(shape) - 1:
        raise ValueError(
            f"expected parameters of shape ({', '.join(map(str, lead))}, peak), got {shape}; name "
            f"every leading dimension"
        )
    return lead


def _kept_coords(coords: Mapping[Any, Any]) -> dict[Any, Any]:
    """Coordinates of the spectra that do not lie along energy."""
    kept = {k: c for k, c in coords.items() if k not in ("energy", "peak", "parameter")}
    return {k: c for k, c in kept.items() if "energy" not in getattr(c, "dims", ())}


def _own_coords(
    energy: Floats,
    scale: str,
    order: Order,
    covariance: tuple[Sequence[str], npt.ArrayLike] | None,
) -> dict[str, Any]:
    """Coordinates that every peaks Dataset has."""
    long_name = f"{scale.capitalize()} energy"
    coords: dict[str, Any] = {
        "energy": ("energy", energy, {"units": "eV", "long_name": long_name}),
        "peak": ("peak", np.arange(1, order.shape[-1] + 1), {"long_name": "Peak"}),
    }
    if covariance is not None:
        coords["parameter"] = ("parameter", list(covariance[0]))
        coords["parameter_2"] = ("parameter_2", list(covariance[0]))
    return coords


def _attributes(
    attrs: Mapping[str, Any], energy: Floats, scale: str, background: str
) -> dict[str, Any]:
    """Provenance that files can hold."""
    from xpsnet import __version__

    own = ("energy_range", "line_shape", CORRECTED_RANGE)
    kept = {k: v for k, v in attrs.items() if v is not None and k not in own}
    kept = {k: plain_attribute(k, v) for k, v in kept.items()}
    kept |= {"background": background, "scale": scale}
    kept["energy_range"] = [float(energy.min()), float(energy.max())]
    return {"units": "counts", **kept, "xpsnet_version": __version__}


def from_numerics(
    scale: str, parameters: Mapping[str, Floats], background_parameters: Mapping[str, Floats]
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Bring parameters from the axis of the numerics to `scale` (or back: it is a mirror).

    Parameters
    ----------
    scale : "binding" or "kinetic"
    parameters : mapping of str to ndarray, shape (..., peak)
        `center` changes its sign on the kinetic scale.
    background_parameters : mapping of str to ndarray, shape (...)
        `slope` changes its sign on the kinetic scale.

    Returns
    -------
    (dict, dict)
        The same mappings on the other side.
    """
    sign = scale_sign(scale)
    flipped = {k: sign * v if k == "center" else v for k, v in parameters.items()}
    terms = {k: sign * v if k == "slope" else v for k, v in background_parameters.items()}
    return flipped, terms


def line_shapes_of(peaks: xr.Dataset) -> LineShapes:
    """Line shape of all peaks, or of each; pseudo-Voigt where nothing is said."""
    if "line_shape" in peaks:
        return simplest(tuple(str(name) for name in peaks["line_shape"].values))
    return str(peaks.attrs.get("line_shape", "pseudo_voigt"))


def _kinds(peaks: xr.Dataset) -> tuple[LineShapes, str]:
    """Line shape and background of a peaks Dataset, checked."""
    missing = {"line_shape", "background", "scale"} - {*peaks.attrs, *peaks.data_vars}
    if missing or "peak" not in peaks.dims or "energy" not in peaks.coords:
        raise ValueError(
            f"expected a peaks Dataset from predict, refine or fit, got one with dimensions "
            f"{tuple(peaks.dims)} and without the attributes {sorted(missing)}"
        )
    line_shape, background = line_shapes_of(peaks), str(peaks.attrs["background"])
    known = [*BACKGROUNDS, *([CURVE] if "background" in peaks else [])]
    if not set(distinct_shapes(line_shape)) <= set(LINE_SHAPES) or background not in known:
        raise ValueError(
            f"expected a line shape of {list(LINE_SHAPES)} and a background of "
            f"{known}, got {line_shape!r} and {background!r}"
        )
    return line_shape, background


@on_measured_energies
def curves(peaks: xr.Dataset, energy: npt.ArrayLike | None = None) -> xr.Dataset:
    """Draw the peaks and their background.

    Parameters
    ----------
    peaks : Dataset
        From `predict`, `refine` or `fit`, with any leading dimensions.
    energy : array_like, shape (m,), optional
        Where to draw [eV], on the peaks' own scale; by default the fitted axis.

    Returns
    -------
    Dataset
        `component` (..., peak, energy), without background and zero where there is no such
        peak; `background` (..., energy); `envelope` (..., energy), the sum of all. In the
        units of the spectra. NaN where a spectrum has no background parameters.

    Raises
    ------
    ValueError
        Where this is not a peaks Dataset.

    Notes
    -----
    The Shirley and Tougaard integrals belong to the fitted axis: between its points they are
    interpolated, beyond its ends they keep their last value.

    Examples
    --------
    >>> import xpsnet
    >>> drawn = xpsnet.curves(xpsnet.fit(xpsnet.sample("spectrum")))
    >>> drawn.component.sizes["peak"]
    3
    >>> total = drawn.background + drawn.component.sum("peak")
    >>> bool(abs(drawn.envelope - total).max() < 1e-6)
    True
    """
    check(locals(), peaks=fitted_peaks_rule, energy=optional(finite_numbers))
    fitted = peaks.variables["energy"].values if "energy" in peaks.coords else None
    drawn = fitted if energy is None else np.atleast_1d(np.asarray(energy, dtype=np.float64))
    lead, component, base = drawn_arrays(peaks, drawn)
    others = {name: coord for name, coord in peaks.coords.items() if "energy" not in coord.dims}
    drawing = xr.Dataset(
        {
            "component": ((*lead, "peak", "energy"), component),
            "background": ((*lead, "energy"), base),
            "envelope": ((*lead, "energy"), base + component.sum(axis=-2)),
        },
        coords={
            **others,
            "energy": ("energy", drawn, peaks.variables["energy"].attrs),
        },
    )
    drawing.attrs = {k: peaks.attrs[k] for k in ("units", "scale", "region") if k in peaks.attrs}
    return with_texts(drawing)


def drawn_arrays(peaks: xr.Dataset, drawn: Floats | None) -> tuple[tuple[Hashable, ...], Any, Any]:
    """Leading dimensions, components (..., peak, m) and background (..., m) of peaks.

    `drawn`: energies of shape (m,) on the scale of the peaks. Lazy where the peaks are lazy. This
    is what `curves` gives, without the time that a Dataset takes.
    """
    line_shape, background = _kinds(peaks)
    peaks = without_disabled(peaks)
    scale = str(peaks.attrs["scale"])
    sign = scale_sign(scale)
    fitted = peaks.variables["energy"].values
    at = fitted if drawn is None else drawn
    names = shape_parameters_of(line_shape)
    terms = [f"background_{k}" for k in background_terms(background)]

    def block(*arrays: Floats) -> tuple[Floats, Floats]:
        parameters, coefficients = from_numerics(
            scale,
            dict(zip(names, arrays[: len(names)], strict=True)),
            dict(zip(background_terms(background), arrays[len(names) :], strict=True)),
        )
        tables = list(parameters.values()), list(coefficients.values())
        return draw(sign * fitted, sign * at, line_shape, background, *tables)

    center = peaks.variables[names[0]]
    lead = tuple(d for d in center.dims if d != "peak")
    if center.chunks is None:
        found = [peaks.variables[k].transpose(*lead, "peak").values for k in names]
        component, base = block(*found, *(peaks.variables[k].values for k in terms))
    else:
        arrays = [peaks[k].transpose(..., "peak") for k in names] + [peaks[k] for k in terms]
        component, base = _draw_lazily(block, arrays, at.size)
    if background == CURVE:
        base = base + _moved_curve(peaks["background"], lead, fitted, at)
    return lead, component, base


def _draw_lazily(block: Any, arrays: list[xr.DataArray], n: int) -> tuple[Any, Any]:
    """Dask arrays of components and background."""
    wide = [["peak"] if "peak" in a.dims else [] for a in arrays]
    component, base = xr.apply_ufunc(
        block,
        *arrays,
        input_core_dims=wide,
        output_core_dims=[["peak", "energy"], ["energy"]],
        dask="parallelized",
        output_dtypes=[np.float64, np.float64],
        dask_gufunc_kwargs={"output_sizes": {"energy": n}},
    )
    return component.data, base.data


def _moved_curve(
    background: xr.DataArray, lead: tuple[Hashable, ...], fitted: Floats, drawn: Floats
) -> Any:
    """A stored background (..., energy) on the drawn axis, lazily where it is lazy."""
    background = background.transpose(*lead, "energy")
    if background.chunks is not None:
        background = background.chunk({"energy": -1})
    moved = xr.apply_ufunc(
        interpolate_curve,
        background.drop_vars("energy"),
        kwargs={"fitted": fitted, "drawn": drawn},
        input_core_dims=[["energy"]],
        output_core_dims=[["drawn"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"drawn": drawn.size}},
    )
    return moved.data
