"""`DataArray.xps` and `Dataset.xps`: the public functions as methods.

`import xpsnet` registers both. Each function is imported when its method is called first.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
import xarray as xr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from xpsnet.fitting.peak_rules import ParameterRule

__all__ = ["PeaksAccessor", "SpectraAccessor"]


@xr.register_dataarray_accessor("xps")  # type: ignore[no-untyped-call]
class SpectraAccessor:
    """Methods of spectra: ``spectra.xps.fit()`` is ``xpsnet.fit(spectra)``.

    Options are those of the function. `dim` is the name of the energy dimension; it is needed only
    where the name and the units of the dimension do not say that it is an energy.

    Examples
    --------
    >>> import xpsnet
    >>> spectrum = xpsnet.sample("spectrum")
    >>> spectrum.xps.crop((290.0, 282.0)).sizes["energy"]
    161
    >>> float(spectrum.xps.to_kinetic()["energy"][0].round(1))
    1206.6
    >>> spectrum.rename(energy="channel").xps.shift(0.5, dim="channel").attrs["energy_offset"]
    0.5
    """

    def __init__(self, spectra: xr.DataArray) -> None:
        self._spectra = spectra

    def predict(self, **options: Any) -> xr.Dataset:
        """Find the peaks with the network; see `xpsnet.predict`."""
        from xpsnet.models.prediction import predict

        return predict(self._spectra, **options)

    def refine(self, peaks: xr.Dataset, **options: Any) -> xr.Dataset:
        """Refine these peaks by least squares; see `xpsnet.refine`."""
        from xpsnet.fitting.refine import refine

        return refine(self._spectra, peaks, **options)

    def fit(self, **options: Any) -> xr.Dataset:
        """Choose the model of the spectra and fit it; see `xpsnet.fit`."""
        from xpsnet.pipeline.fit import fit

        return fit(self._spectra, **options)

    def to_lmfit(self, peaks: xr.Dataset, **options: Any) -> Any:
        """Model and parameters for lmfit; see `xpsnet.to_lmfit`."""
        from xpsnet.fitting.lmfit_exchange import to_lmfit

        return to_lmfit(self._spectra, peaks, **options)

    def fit_edge(self, **options: Any) -> xr.Dataset:
        """Fit a Fermi edge; see `xpsnet.fitting.fermi_edge.fit_edge`."""
        from xpsnet.fitting.fermi_edge import fit_edge

        return fit_edge(self._spectra, **options)

    def plot(self, peaks: xr.Dataset | None = None, **options: Any) -> "Figure":
        """Figure of the spectrum and its peaks; see `xpsnet.plot`."""
        from xpsnet.plotting import plot

        return plot(self._spectra, peaks, **options)

    def report(self, peaks: xr.Dataset, path: str | Path, **options: Any) -> None:
        """Write a report on the fit of these spectra; see `xpsnet.report`."""
        from xpsnet.chemistry.report_document import report

        report(self._spectra, peaks, path, **options)

    def crop(self, energy_range: tuple[float, float], **options: Any) -> xr.DataArray:
        """Cut out the part between two energies [eV]; see `xpsnet.crop`."""
        from xpsnet.data.spectrum import crop

        return crop(self._spectra, energy_range, **options)

    def shift(self, energy_offset: float, **options: Any) -> xr.DataArray:
        """Add an offset [eV] to the energies; see `xpsnet.data.spectrum.shift`."""
        from xpsnet.data.spectrum import shift

        return shift(self._spectra, energy_offset, **options)

    def set_charge_shift(self, charge_shift: float | xr.DataArray, **options: Any) -> xr.DataArray:
        """Give spectra a known charge shift; see `xpsnet.data.set_charge_shift`."""
        from xpsnet.data.set_charge_shift import set_charge_shift

        return set_charge_shift(self._spectra, charge_shift, **options)

    def mean_spectrum(self, where: xr.DataArray | None = None) -> xr.DataArray:
        """Mean of many spectra, or of some; see `xpsnet.data.mean_spectrum.mean_spectrum`."""
        from xpsnet.data.mean_spectrum import mean_spectrum

        return mean_spectrum(self._spectra, where)

    def calibrate(self, **options: Any) -> xr.DataArray:
        """Shift the energies so that a reference line is correct; see `xpsnet.calibrate`."""
        from xpsnet.chemistry.calibrate import calibrate

        return calibrate(self._spectra, **options)

    def identify(self, **options: Any) -> xr.Dataset:
        """Find the candidate elements of a survey; see `xpsnet.identify`."""
        from xpsnet.chemistry.identify import identify

        return identify(self._spectra, **options)

    def on_corrected_axis(self) -> xr.DataArray:
        """Move the axis by the charge shift of one spectrum.

        Spectra that have no `charge_shift`, or one for each of several, are returned unchanged.
        """
        from xpsnet.data.measured_energies import on_corrected_axis

        return on_corrected_axis(self._spectra)

    def remove_satellites(self, **options: Any) -> xr.DataArray:
        """Remove the X-ray satellites of the source; see `xpsnet.remove_satellites`."""
        from xpsnet.data.satellites import remove_satellites

        return remove_satellites(self._spectra, **options)

    def to_binding(self, **options: Any) -> xr.DataArray:
        """Change to binding energy; see `xpsnet.to_binding`."""
        from xpsnet.data.spectrum import to_binding

        return to_binding(self._spectra, **options)

    def to_kinetic(self, **options: Any) -> xr.DataArray:
        """Change to kinetic energy; see `xpsnet.to_kinetic`."""
        from xpsnet.data.spectrum import to_kinetic

        return to_kinetic(self._spectra, **options)

    def to_counts_per_second(self, **options: Any) -> xr.DataArray:
        """Divide counts by the measuring time; see `xpsnet.to_counts_per_second`."""
        from xpsnet.data.spectrum import to_counts_per_second

        return to_counts_per_second(self._spectra, **options)

    def write(self, path: str | Path, **options: Any) -> Any:
        """Write the spectra to a file; see `xpsnet.write`."""
        from xpsnet.io.write import write

        return write(self._spectra, path, **options)


@xr.register_dataset_accessor("xps")  # type: ignore[no-untyped-call]
class PeaksAccessor:
    """Methods of peaks: ``peaks.xps.curves()`` is ``xpsnet.curves(peaks)``.

    Examples
    --------
    >>> from xpsnet.samples import sample_truth
    >>> sorted(sample_truth("spectrum").xps.curves().data_vars)
    ['background', 'component', 'envelope']
    """

    def __init__(self, peaks: xr.Dataset) -> None:
        self._peaks = peaks

    def curves(self, energy: npt.ArrayLike | None = None) -> xr.Dataset:
        """Draw components, background and envelope; see `xpsnet.curves`."""
        from xpsnet.data.peaks import curves

        return curves(self._peaks, energy)

    def peak_limits(self) -> "dict[tuple[int, str], ParameterRule]":
        """What may change in a fit; see `xpsnet.fitting.peak_rules.peak_limits`."""
        from xpsnet.fitting.peak_rules import peak_limits

        return peak_limits(self._peaks)

    def on_corrected_axis(self) -> xr.Dataset:
        """Move the axis of the peaks of one spectrum; see `DataArray.xps.on_corrected_axis`."""
        from xpsnet.data.measured_energies import on_corrected_axis

        return on_corrected_axis(self._peaks)

    def shift(self, energy_offset: float) -> xr.Dataset:
        """Add an offset [eV] to all energies; see `xpsnet.data.shift_peaks.shift_peaks`."""
        from xpsnet.data.shift_peaks import shift_peaks

        return shift_peaks(self._peaks, energy_offset)

    def set_charge_shift(self, charge_shift: float | xr.DataArray, **options: Any) -> xr.Dataset:
        """Give peaks a known charge shift; see `xpsnet.data.set_charge_shift`."""
        from xpsnet.data.set_charge_shift import set_charge_shift

        return set_charge_shift(self._peaks, charge_shift, **options)

    def state_candidates(self, path: str | Path | None = None, **options: Any) -> xr.Dataset:
        """Candidates for the names of states; see `xpsnet.chemistry.state_names`."""
        from xpsnet.chemistry.state_names import state_candidates

        return state_candidates(self._peaks, path, **options)

    def quantify(self, **options: Any) -> xr.Dataset:
        """Atomic fractions of the peaks of one region; see `xpsnet.quantify`."""
        from xpsnet.chemistry.quantify import quantify

        return quantify(self._peaks, **options)

    def plot_profile(self, quantity: str | None = None, **options: Any) -> "Figure":
        """Curves of `profile` or `quantify`; see `xpsnet.chemistry.composition_figures`."""
        from xpsnet.chemistry.composition_figures import plot_profile

        return plot_profile(self._peaks, quantity, **options)

    def plot_map(self, quantity: str | None = None, **options: Any) -> "Figure":
        """Images of peaks or of `quantify`; see `xpsnet.chemistry.composition_figures`."""
        from xpsnet.chemistry.composition_figures import plot_map

        return plot_map(self._peaks, quantity, **options)

    def profile(self, **options: Any) -> xr.Dataset:
        """Areas, shares, centers and widths along a scan; see `xpsnet.profile`."""
        from xpsnet.data.profile import profile

        return profile(self._peaks, **options)

    def write(self, path: str | Path, **options: Any) -> Any:
        """Write the peaks to a file; see `xpsnet.write`."""
        from xpsnet.io.write import write

        return write(self._peaks, path, **options)
