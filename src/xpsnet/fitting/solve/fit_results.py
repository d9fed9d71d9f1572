"""Answers of fits as arrays over the spectra, and as a peaks Dataset."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.data.peaks import Status, make_peaks
from xpsnet.data.spectrum import scale_sign
from xpsnet.fitting.model.parameter_map import Layout
from xpsnet.fitting.model.parameters import Floats
from xpsnet.fitting.solve.single_spectrum import Setup
from xpsnet.numerics.backgrounds import BACKGROUNDS

# What spectra tell about their origin, where the peaks that the fit started from do not.
_PROVENANCE = ("photon_energy", "source_file", "instrument")
# Single counts scatter as no normal distribution does; where there are fewer than this at the
# maximum, areas are off by more than a third of their error (see `refine`).
_FEW_COUNTS = 10.0
# What every fit says anew.
_OWN = ("units", "energy_range", "links", "doublets", "shared", "background_choice")


@dataclass(frozen=True)
class Answers:
    """What became of S spectra that started with k peaks each, or fewer.

    Everything is on the scale of the numerics, m flat parameters as `layout` says: physical ones,
    links resolved. NaN where a peak is not there, or nothing was fitted.

    Attributes
    ----------
    layout : Layout
        That of `Setup.plain_layout` for k peaks.
    status : ndarray of int, shape (S,)
    values, stderr : ndarray, shape (S, m)
        The error of what was held is NaN.
    covariance : ndarray, shape (S, m, m)
        NaN for what was held or is not determined.
    area_stderr : ndarray, shape (S, k)
    chisqr, redchi, aic, bic : ndarray, shape (S,)
    noise : ndarray, shape (S,)
        Root mean square of the standard deviations of the points.
    correlation : ndarray, shape (S,)
        Of the residuals of neighboring points.
    own_chi_square : ndarray, shape (S, k)
        Chi-square that the line of each peak makes up alone.
    """

    layout: Layout
    status: npt.NDArray[np.int64]
    values: Floats
    stderr: Floats
    covariance: Floats
    area_stderr: Floats
    chisqr: Floats
    redchi: Floats
    aic: Floats
    bic: Floats
    noise: Floats
    correlation: Floats
    own_chi_square: Floats

    @classmethod
    def not_done(cls, layout: Layout, n_spectra: int) -> "Answers":
        """Answers of so many spectra that no fit has reached."""

        def unknown(*shape: int) -> Floats:
            return np.full((n_spectra, *shape), np.nan)

        m, k = len(layout.names), layout.n_peaks
        return cls(
            layout,
            np.full(n_spectra, int(Status.NOT_DONE)),
            values=unknown(m),
            stderr=unknown(m),
            covariance=unknown(m, m),
            area_stderr=unknown(k),
            chisqr=unknown(),
            redchi=unknown(),
            aic=unknown(),
            bic=unknown(),
            noise=unknown(),
            correlation=unknown(),
            own_chi_square=unknown(k),
        )

    def __len__(self) -> int:
        """Number of spectra."""
        return len(self.status)

    @property
    def exists(self) -> npt.NDArray[np.bool_]:
        """Where there is a peak, shape (S, k)."""
        return np.isfinite(self.values[:, self.layout.column("center")])

    def rows(self, chosen: npt.NDArray[Any] | slice) -> "Answers":
        """Some of the answers."""
        return replace(self, **{name: array[chosen] for name, array in self._arrays().items()})

    def replaced(self, rows: npt.NDArray[Any], others: "Answers") -> "Answers":
        """The same answers with others of the same layout in these rows."""
        changed = {name: array.copy() for name, array in self._arrays().items()}
        for name, array in others._arrays().items():
            changed[name][rows] = array
        return replace(self, **changed)

    def on_scale(self, sign: int) -> "Answers":
        """The same answers on the scale of this sign (-1: kinetic)."""
        if sign > 0:
            return self
        factors = self.layout.mirror(sign)
        covariance = self.covariance * np.outer(factors, factors)
        return replace(self, values=self.values * factors, covariance=covariance)

    def peak(self, flat: Floats, shape_parameter: str) -> Floats:
        """One shape parameter of every peak, shape (S, k); NaN where there is none."""
        return np.where(self.exists, flat[:, self.layout.column(shape_parameter)], np.nan)

    def term(self, flat: Floats, term: str) -> Floats:
        """One background coefficient, shape (S,)."""
        return np.asarray(flat[:, self.layout.names.index(f"background_{term}")])

    def _arrays(self) -> dict[str, Any]:
        """The fields with one row per spectrum."""
        names = (field.name for field in fields(self) if field.name != "layout")
        return {name: getattr(self, name) for name in names}


def answers_to_peaks(
    setup: Setup,
    answers: Answers,
    spectra: xr.DataArray,
    peaks: xr.Dataset,
    *,
    with_covariance: bool,
) -> xr.Dataset:
    """Peaks Dataset over the dimensions of `spectra` from one answer per spectrum.

    Parameters
    ----------
    setup : Setup
        Of the fit.
    answers : Answers
        In the order of the spectra.
    spectra : DataArray
        The fitted window.
    peaks : Dataset
        The starts; their origin is handed on.
    with_covariance : bool
        Whether to give the covariance matrices.
    """
    lead = spectra.dims[:-1]
    shape = tuple(spectra.sizes[d] for d in lead)
    sign = scale_sign(spectra.attrs["scale"])
    found, layout = answers.on_scale(sign), answers.layout
    attrs = {k: spectra.attrs.get(k) for k in _PROVENANCE}
    attrs |= {"region": str(spectra.name) if spectra.name else None}
    attrs |= {k: v for k, v in peaks.attrs.items() if k not in _OWN}
    attrs["units"] = spectra.attrs.get("units")
    attrs["links"] = setup.constraints.on_scale(sign).links_text() or None
    attrs["shared"] = " ".join(n for n in setup.shared if n in layout.shape_parameters)

    def shaped(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return values.reshape((*shape, *values.shape[1:]))

    terms = BACKGROUNDS[setup.background]
    errors = {n: shaped(found.peak(found.stderr, n)) for n in layout.shape_parameters}
    errors["area"] = shaped(found.area_stderr)
    errors |= {f"background_{n}": shaped(found.term(found.stderr, n)) for n in terms}
    return make_peaks(
        spectra["energy"].values,
        lead,
        spectra.coords,
        scale=spectra.attrs["scale"],
        line_shape=setup.line_shape,
        background=setup.background,
        parameters={n: shaped(found.peak(found.values, n)) for n in layout.shape_parameters},
        background_parameters={n: shaped(found.term(found.values, n)) for n in terms},
        status=_with_few_counts(shaped(found.status), spectra),
        noise=shaped(found.noise),
        redchi=shaped(found.redchi),
        aic=shaped(found.aic),
        bic=shaped(found.bic),
        stderr=errors,
        covariance=(layout.names, shaped(found.covariance)) if with_covariance else None,
        label=[str(text) for text in peaks["label"].values] if "label" in peaks else None,
        keep_order=bool(setup.constraints.links),
        attrs=attrs,
    )


def _with_few_counts(status: npt.NDArray[Any], spectra: xr.DataArray) -> npt.NDArray[Any]:
    """The status, FEW_COUNTS where all else is well but single counts were fitted.

    Those are whole numbers that stay below `_FEW_COUNTS` in the mean of any five points.
    """
    counts = np.asarray(spectra.values, dtype=float)
    if spectra.attrs.get("units", "counts") != "counts" or counts.shape[-1] < 5:
        return status
    known = np.nan_to_num(counts)
    single = ((known >= 0) & (known == np.floor(known))).all(axis=-1)
    if single.any():
        sums = np.cumsum(known, axis=-1)
        five = sums[..., 4:].copy()
        five[..., 1:] -= sums[..., :-5]
        single &= five.max(axis=-1) < 5 * _FEW_COUNTS
    return np.where(single & (status == Status.OK), Status.FEW_COUNTS, status)
