"""Answers of a fit, one per spectrum, as a peaks Dataset."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xpsnet.fitting.one_spectrum import Answer, Setup
from xpsnet.fitting.parameters import Floats
from xpsnet.numerics.backgrounds import BACKGROUNDS
from xpsnet.peaks import make_peaks
from xpsnet.spectrum import scale_sign

# What spectra tell about their origin, where the peaks that the fit started from do not.
_PROVENANCE = ("photon_energy", "source_file", "instrument")
# What every fit says anew.
_OWN = ("units", "energy_range", "links", "doublets", "shared", "background_choice")


def answers_to_peaks(
    setup: Setup,
    answers: Sequence[Answer],
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
    answers : sequence of Answer
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
    table = _Table(setup, len(answers), peaks.sizes["peak"])
    sign = scale_sign(spectra.attrs["scale"])
    for row, answer in enumerate(answers):
        table.enter(row, answer, sign)
    attrs = {k: spectra.attrs.get(k) for k in _PROVENANCE}
    attrs |= {"region": str(spectra.name) if spectra.name else None}
    attrs |= {k: v for k, v in peaks.attrs.items() if k not in _OWN}
    attrs["units"] = spectra.attrs.get("units")
    attrs["links"] = setup.constraints.on_scale(sign).links_text() or None
    attrs["shared"] = " ".join(n for n in setup.share if n in table.shape_parameters)

    def shaped(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return values.reshape((*shape, *values.shape[1:]))

    terms = BACKGROUNDS[setup.background]
    errors = {n: shaped(table.peak(table.stderr, n)) for n in table.shape_parameters}
    errors["area"] = shaped(table.area_stderr)
    errors |= {f"background_{n}": shaped(table.term(table.stderr, n)) for n in terms}
    covariance = (table.layout.names, shaped(table.covariance)) if with_covariance else None
    return make_peaks(
        spectra["energy"].values,
        lead,
        spectra.coords,
        scale=spectra.attrs["scale"],
        line_shape=setup.line_shape,
        background=setup.background,
        parameters={n: shaped(table.peak(table.values, n)) for n in table.shape_parameters},
        background_parameters={n: shaped(table.term(table.values, n)) for n in terms},
        status=shaped(table.status),
        noise=shaped(table.noise),
        redchi=shaped(table.redchi),
        aic=shaped(table.aic),
        bic=shaped(table.bic),
        stderr=errors,
        covariance=covariance,
        label=[str(text) for text in peaks["label"].values] if "label" in peaks else None,
        keep_order=bool(setup.constraints.links),
        attrs=attrs,
    )


class _Table:
    """Answers as arrays with one row per spectrum and one column per possible parameter."""

    def __init__(self, setup: Setup, n_rows: int, n_peaks: int) -> None:
        self.setup = setup
        self.layout = setup.plain_layout(n_peaks)
        self.shape_parameters = self.layout.shape_parameters
        n = len(self.layout.names)
        self.values, self.stderr = np.full((2, n_rows, n), np.nan)
        self.covariance = np.full((n_rows, n, n), np.nan)
        self.area_stderr = np.full((n_rows, n_peaks), np.nan)
        self.exists = np.zeros((n_rows, n_peaks), dtype=bool)
        self.noise, self.redchi, self.aic, self.bic = np.full((4, n_rows), np.nan)
        self.status = np.zeros(n_rows, dtype=np.int64)

    def enter(self, row: int, answer: Answer, sign: int) -> None:
        """Fill one row, on the scale of this sign."""
        self.status[row] = answer.status
        self.noise[row] = answer.noise
        if answer.goodness is not None:
            self.redchi[row] = answer.goodness.redchi
            self.aic[row], self.bic[row] = answer.goodness.aic, answer.goodness.bic
        if answer.parameters is None:
            return
        slots = answer.slots
        layout = self.setup.plain_layout(slots.size)
        at = np.empty(len(layout.names), dtype=np.int64)
        at[layout.peak_index] = self.layout.peak_index[slots]
        at[layout.background_index] = self.layout.background_index
        factors = layout.mirror(sign)
        self.values[row, at] = answer.values * factors
        self.stderr[row, at] = answer.stderr
        self.covariance[row][np.ix_(at, at)] = answer.covariance * np.outer(factors, factors)
        self.area_stderr[row, slots] = answer.area_stderr
        self.exists[row, slots] = True

    def peak(self, flat: Floats, shape_parameter: str) -> Floats:
        """One shape parameter of every peak, shape (spectra, peak); NaN where there is none."""
        return np.where(self.exists, flat[:, self.layout.column(shape_parameter)], np.nan)

    def term(self, flat: Floats, term: str) -> Floats:
        """One background coefficient, shape (spectra,)."""
        return flat[:, self.layout.names.index(f"background_{term}")]
