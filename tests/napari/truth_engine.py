"""An engine that knows the truth of the samples, in place of network and least squares."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from xpsnet.data.peaks import Status
from xpsnet.samples import sample_truth

PIXEL_DIMS = ("y", "x", "position")


class TruthEngine:
    """Stands in for `xpsnet.fit`: gives the peaks that a sample was simulated from.

    It works pixel by pixel, so that progress and cancel can be watched; `hold` makes it wait
    after the first half until the test sets `go`.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.hold = False
        self.half = threading.Event()
        self.go = threading.Event()

    def __call__(
        self,
        function: str,
        spectra: xr.DataArray,
        keywords: Mapping[str, Any],
        progress: Callable[[int, int], None],
        cancel: Callable[[], bool],
    ) -> xr.Dataset:
        """Give the truth, with errors as a refinement would state them."""
        self.calls.append((function, dict(keywords)))
        dims = [dim for dim in PIXEL_DIMS if dim in spectra.dims]
        total = int(np.prod([spectra.sizes[dim] for dim in dims], dtype=int))
        progress(total // 2, total)
        if self.hold:
            self.half.set()
            while not self.go.wait(0.02) and not cancel():
                pass
        peaks = truth_of(spectra)
        if cancel():
            return _half_done(peaks, dims)
        progress(total, total)
        return peaks


def truth_of(spectra: xr.DataArray) -> xr.Dataset:
    """True peaks of (a part of) a sample."""
    truth = sample_truth(spectra.attrs["sample"])
    truth = truth.sel({dim: spectra[dim] for dim in PIXEL_DIMS if dim in spectra.coords})
    if spectra.attrs["scale"] == "kinetic":
        photon = spectra.attrs["photon_energy"]
        truth = truth.assign(center=photon - truth["center"])
        truth = truth.assign_coords(energy=photon - truth["energy"])
        ends = [float(truth["energy"].min()), float(truth["energy"].max())]
        truth = truth.assign_attrs(scale="kinetic", energy_range=ends)
    return truth.assign(center_stderr=0.012 * truth["fwhm"], redchi=1.03 + 0.0 * truth["n_peaks"])


def _half_done(peaks: xr.Dataset, dims: list[str]) -> xr.Dataset:
    """Peaks as a cancelled fit leaves them: the second half is not there."""
    first = np.arange(peaks.sizes[dims[0]]) < peaks.sizes[dims[0]] // 2
    done = xr.DataArray(first, dims=dims[0])
    attrs = peaks["status"].attrs
    status = peaks["status"].where(done, Status.NOT_DONE).astype(np.int8).assign_attrs(attrs)
    fitted = {str(k): v.where(done) for k, v in peaks.data_vars.items() if v.dtype.kind == "f"}
    return peaks.assign(**fitted, n_peaks=peaks["n_peaks"].where(done, 0), status=status)
