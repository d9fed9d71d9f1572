"""Results of fits as arrays over the spectra, and as a peaks Dataset: the way out of a fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.peak_arrays import area_arrays
from xpsnet.data.peak_settings import as_mapping, is_numbered, setting_attributes
from xpsnet.data.peaks import PeakArrays, peaks_from_numerics
from xpsnet.data.spectrum_arrays import SpectrumArrays
from xpsnet.data.states_of_lines import with_states
from xpsnet.data.status import Flags, Status, most_severe
from xpsnet.data.transmission import TRANSMISSION, transmission_attributes
from xpsnet.fitting.model.doublets import doublets_json, partners
from xpsnet.fitting.model.options import FitOptions
from xpsnet.fitting.model.parameter_map import Layout
from xpsnet.fitting.solve.spectrum_flags import spectrum_flags
from xpsnet.numerics.backgrounds import BACKGROUNDS

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

# Attributes of spectra that say where a result comes from.
_PROVENANCE = (
    "photon_energy",
    "source_file",
    "instrument",
    "pass_energy",
    "dwell_time",
    "n_scans",
)
# Attributes of starts that every fit writes anew: starts may come from other spectra.
_OWN = (
    "pass_energy",
    "dwell_time",
    "n_scans",
    TRANSMISSION,
    "units",
    "energy_range",
    "constraints",
    "links",
    "doublets",
    "shared",
    "background_choice",
    "noise_gain",
    "noise_floor",
    "noise_dof",
    "noise_density",
)
_QUALITY = ("area_sum_stderr", "noise", "dof_noise", "redchi", "aic", "bic")


@dataclass(frozen=True)
class FitResults:
    """Results of S spectra that started with k peaks each, or fewer.

    Everything is on the axis of the numerics, m flat parameters as `layout` says: reported ones,
    links resolved. NaN where a peak is absent, or nothing was fitted.

    Attributes
    ----------
    layout : Layout
        That of `FitOptions.plain_layout` for k peaks.
    flags : ndarray of int32, shape (S,)
        What applies of `Status`, as bits.
    values, stderr : ndarray, shape (S, m)
        The error of what was held is NaN.
    covariance : ndarray, shape (S, m, m), or None
        NaN for what was held or is not determined. None where nobody needs it: the matrices of a
        whole map take most of its memory.
    area_stderr : ndarray, shape (S, k)
    area_sum_stderr : ndarray, shape (S,)
        Of the sum of all areas: their covariances are in it.
    chisqr, redchi, aic, bic : ndarray, shape (S,)
    noise : ndarray, shape (S,)
        Root mean square of the standard deviations of the points.
    dof_noise : ndarray, shape (S,)
        Degrees of freedom of that noise.
    noise_density : ndarray, shape (S,)
        Factor of squared errors where neighboring points are correlated, else 1; see `reported`.
    correlation : ndarray, shape (S,)
        Of the residuals of neighboring points.
    line_chi_square : ndarray, shape (S, k)
        Sum of squares of the line of each peak alone, in units of the noise.
    state : ndarray of int, shape (S, k)
        Number of the chemical state that each peak belongs to; 0 where states are not counted.
    """

    layout: Layout
    flags: Flags
    values: Floats
    stderr: Floats
    covariance: Floats | None
    area_stderr: Floats
    area_sum_stderr: Floats
    chisqr: Floats
    redchi: Floats
    aic: Floats
    bic: Floats
    noise: Floats
    dof_noise: Floats
    noise_density: Floats
    correlation: Floats
    line_chi_square: Floats
    state: npt.NDArray[np.int64]

    @classmethod
    def not_done(cls, layout: Layout, n_spectra: int, *, covariance: bool = True) -> "FitResults":
        """Results of so many spectra that no fit has reached."""

        def unknown(*shape: int) -> Floats:
            return np.full((n_spectra, *shape), np.nan)

        m, k = len(layout.names), layout.n_peaks
        return cls(
            layout,
            np.full(n_spectra, Status.NOT_DONE.flag, dtype=np.int32),
            values=unknown(m),
            stderr=unknown(m),
            covariance=unknown(m, m) if covariance else None,
            area_stderr=unknown(k),
            area_sum_stderr=unknown(),
            chisqr=unknown(),
            redchi=unknown(),
            aic=unknown(),
            bic=unknown(),
            noise=unknown(),
            dof_noise=unknown(),
            noise_density=np.ones(n_spectra),
            correlation=unknown(),
            line_chi_square=unknown(k),
            state=np.zeros((n_spectra, k), dtype=np.int64),
        )

    def __len__(self) -> int:
        """Number of spectra."""
        return len(self.flags)

    @property
    def status(self) -> npt.NDArray[np.int64]:
        """Code of the most severe status of every spectrum, shape (S,)."""
        return most_severe(self.flags)

    @property
    def exists(self) -> npt.NDArray[np.bool_]:
        """Where there is a peak, shape (S, k)."""
        return np.isfinite(self.values[:, self.layout.column("center")])

    @property
    def peaks(self) -> dict[str, Floats]:
        """Shape parameters of all peaks by name, each of shape (S, k)."""
        return {name: self.peak(self.values, name) for name in self.layout.shape_parameters}

    @property
    def peak_errors(self) -> dict[str, Floats]:
        """Standard errors of the shape parameters by name, each of shape (S, k)."""
        return {name: self.peak(self.stderr, name) for name in self.layout.shape_parameters}

    def peak(self, flat: Floats, shape_parameter: str) -> Floats:
        """One shape parameter of every peak, shape (S, k); NaN where there is no peak."""
        absent = self.layout.absent[:, self.layout.shape_parameters.index(shape_parameter)]
        column = self.layout.column(shape_parameter)
        return np.where(self.exists & ~absent, flat[:, column], np.nan)

    def rows(self, chosen: npt.NDArray[Any] | slice) -> "FitResults":
        """Some of the results."""
        return replace(self, **{name: array[chosen] for name, array in self._arrays().items()})

    def copy_from(self, rows: npt.NDArray[Any], others: "FitResults") -> None:
        """Take the results of others of the same layout into these rows, in place."""
        theirs = others._arrays()
        for name, array in self._arrays().items():
            array[rows] = theirs[name]

    def moved(self, place: Places, layout: Layout) -> "FitResults":
        """The same results with their peaks at other places.

        Parameters
        ----------
        place : ndarray of int, shape (S, n)
            Index of the peak that comes to each of n places; -1 for none.
        layout : Layout
            Plain layout of n peaks.
        """
        source = np.full((len(self), len(layout.names)), -1, dtype=np.intp)
        own, new = self.layout, layout
        for j in range(len(new.shape_parameters)):
            for k in range(new.n_peaks):
                # The last peak that is there wins for a shared entry: all have the same.
                entry, here = new.peak_index[k, j], place[:, k]
                found = own.peak_index[here, j] if own.n_peaks else here
                source[:, entry] = np.where(here >= 0, found, source[:, entry])
        for entry, old in zip(new.background_index, own.background_index, strict=True):
            source[:, entry] = old
        covariance = None
        if self.covariance is not None:
            rows = _taken(self.covariance, source[:, :, None])
            covariance = np.swapaxes(_taken(np.swapaxes(rows, 1, 2), source[:, :, None]), 1, 2)
        return replace(
            self,
            layout=layout,
            values=_taken(self.values, source),
            stderr=_taken(self.stderr, source),
            covariance=covariance,
            area_stderr=_taken(self.area_stderr, place),
            line_chi_square=_taken(self.line_chi_square, place),
            state=np.nan_to_num(_taken(self.state.astype(float), place)).astype(np.int64),
        )

    def reported(self) -> "FitResults":
        """Errors, noise and reduced chi-square that count the correlation of the noise."""
        if (self.noise_density == 1).all():
            return self
        density = self.noise_density
        root = np.sqrt(density)
        covariance = self.covariance
        return replace(
            self,
            stderr=self.stderr * root[:, None],
            covariance=None if covariance is None else covariance * density[:, None, None],
            area_stderr=self.area_stderr * root[:, None],
            area_sum_stderr=self.area_sum_stderr * root,
            redchi=self.redchi / density,
            noise=self.noise * root,
            noise_density=np.ones_like(density),
        )

    def _arrays(self) -> dict[str, Any]:
        """The fields with one row per spectrum."""
        names = (field.name for field in fields(self) if field.name != "layout")
        return {name: array for name in names if (array := getattr(self, name)) is not None}


def _taken(values: Floats, source: Places) -> Floats:
    """Entries along the second axis; NaN where `source` is negative or there is none."""
    if values.shape[1] == 0:
        return np.full((len(values), *source.shape[1:2], *values.shape[2:]), np.nan)
    found = np.take_along_axis(values, np.maximum(source, 0), axis=1)
    return np.where(source >= 0, found, np.nan)


def areas(options: FitOptions, energy: Floats, results: FitResults) -> Floats:
    """Areas of all peaks, shape (S, k)."""
    return area_arrays(energy, options.line_shape, results.peaks)


def results_to_dataset(
    options: FitOptions,
    results: FitResults,
    arrays: SpectrumArrays,
    *,
    label: Sequence[str] | None = None,
    attrs: Mapping[str, Any] | None = None,
    background: Floats | None = None,
) -> xr.Dataset:
    """Peaks Dataset over the dimensions of the spectra from one result per spectrum.

    Parameters
    ----------
    options : FitOptions
        With the doublets that the variable `partner` marks.
    results : FitResults
        In the order of the spectra.
    arrays : SpectrumArrays
        The fitted window.
    label : sequence of str, optional
        Names of the peaks, which then keep their order; so do linked peaks, and those of different
        shapes. All others are sorted by energy.
    attrs : mapping, optional
        Origin of the starts.
    background : ndarray, shape (S, n), optional
        A background that was held, on the axis of the numerics.
    """
    spectra, sign = arrays.spectra, arrays.orientation.sign
    results = results if options.scale_errors else results.reported()
    flags = results.flags | spectrum_flags(arrays, results.flags)
    layout = results.layout
    settings = as_mapping(options.constraints.on_scale(sign))
    placed = options.keep_order or is_numbered(settings)
    if label is None and not placed and isinstance(layout.line_shape, str):
        key = sign * results.peak(results.values, "center")
        results = results.moved(_places_of(key), layout)
    partner = None
    if options.doublets and not options.counts_states:
        center = results.peak(results.values, "center")
        partner = partners(options.doublets, center, areas(options, arrays.energy, results))
        unpaired = (partner == 0).all(axis=1) & np.isfinite(center).any(axis=1)
        flags = flags | np.where(unpaired, Status.UNPAIRED.flag, 0).astype(np.int32)
    origin = {k: spectra.attrs.get(k) for k in _PROVENANCE}
    origin |= transmission_attributes(spectra)
    origin |= {"region": str(spectra.name) if spectra.name else None}
    origin |= {k: v for k, v in (attrs or {}).items() if k not in _OWN}
    origin["units"] = spectra.attrs.get("units")
    origin |= setting_attributes(settings)
    origin["shared"] = " ".join(n for n in options.shared if n in layout.shape_parameters)
    terms = dict(zip(BACKGROUNDS[options.background], layout.background_index, strict=True))
    errors = results.peak_errors | {"area": results.area_stderr}
    errors |= {f"background_{name}": results.stderr[:, entry] for name, entry in terms.items()}
    covariance = None
    if options.covariance and results.covariance is not None:
        covariance = layout.names, results.covariance
    found = PeakArrays(
        options.line_shape,
        options.background,
        results.peaks,
        {name: results.values[:, entry] for name, entry in terms.items()},
        most_severe(flags),
        stderr=errors,
        covariance=covariance,
        background_curve=background,
        label=label,
        others={name: getattr(results, name) for name in _QUALITY} | {"status_flags": flags},
    )
    peaks = peaks_from_numerics(arrays, found, origin)
    if options.doublets:
        peaks.attrs["doublets"] = doublets_json(options.doublets)
    if options.counts_states:
        peaks = with_states(peaks, results.state)
    elif partner is not None:
        texts = {"long_name": "Peak of the same doublet, 0: none", "units": "1"}
        shaped = partner.reshape(peaks["center"].shape)
        peaks = peaks.assign(partner=(peaks["center"].dims, shaped, texts))
    return peaks


def _places_of(key: Floats) -> Places:
    """Indices in ascending order of a key (S, k), -1 where it is NaN."""
    order = np.argsort(key, axis=1, kind="stable")
    return np.where(np.isfinite(np.take_along_axis(key, order, axis=1)), order, -1)
