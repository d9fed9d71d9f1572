"""Every choice of the user as frozen data: the call it means, and Python text for the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import xarray as xr

Scale = Literal["binding", "kinetic"]

BACKGROUNDS = (
    "none",
    "constant",
    "linear",
    "shirley",
    "shirley+linear",
    "tougaard",
    "tougaard+linear",
)
PEAK_COUNTS: tuple[int | Literal["auto"], ...] = ("auto", 0, 1, 2, 3, 4, 5, 6)


@dataclass(frozen=True)
class EnergyAxis:
    """What the user says about the energies of a file that does not say it.

    Parameters
    ----------
    scale : "binding", "kinetic" or None
        What the stored energies are; None leaves it to the file.
    photon_energy : float or None
        [eV]; None leaves it to the file.
    offset : float
        Added to the stored energies [eV].
    show : "binding", "kinetic" or None
        Scale to fit and to draw on; None is the stored one.
    """

    scale: Scale | None = None
    photon_energy: float | None = None
    offset: float = 0.0
    show: Scale | None = None

    def apply(self, spectra: xr.DataArray) -> xr.DataArray:
        """Spectra as they were read -> spectra on the axis that the user described.

        Raises
        ------
        ValueError
            Where a conversion needs a photon energy that nobody gave.
        """
        import xpsnet

        told = {"scale": self.scale, "photon_energy": self.photon_energy}
        spectra = spectra.assign_attrs({k: v for k, v in told.items() if v is not None})
        if self.offset:
            spectra = spectra.xps.shift(self.offset)
        if self.show is not None:
            convert = xpsnet.to_binding if self.show == "binding" else xpsnet.to_kinetic
            spectra = convert(spectra)
        return spectra

    def keywords(self) -> dict[str, Any]:
        """Keywords of `xpsnet.read` that say the same, without the conversion."""
        told = {
            "scale": self.scale,
            "photon_energy": self.photon_energy,
            "energy_offset": self.offset or None,
        }
        return {key: value for key, value in told.items() if value is not None}


@dataclass(frozen=True)
class FitState:
    """Every choice in the "Fit peaks" dock.

    Parameters
    ----------
    model : str
        Network, as listed by `xpsnet.list_models`.
    n_peaks : int or "auto"
        Number of peaks.
    background : str
        One of `BACKGROUNDS`.
    energy_range : (float, float) or None
        [eV] on the scale shown; None is the whole axis.
    refine : bool
        Whether least squares follow the network.
    pixel : mapping or None
        Index along each dimension of the one spectrum to fit; None fits all of them.
    """

    model: str = "default"
    n_peaks: int | Literal["auto"] = "auto"
    background: str = "shirley+linear"
    energy_range: tuple[float, float] | None = None
    refine: bool = True
    pixel: Mapping[str, int] | None = field(default=None)

    @property
    def function(self) -> str:
        """Name of the public call of `xpsnet`."""
        return "fit" if self.refine else "predict"

    def keywords(self) -> dict[str, Any]:
        """Keywords of that call."""
        keywords: dict[str, Any] = {
            "model": self.model,
            "n_peaks": self.n_peaks,
            "background": self.background,
        }
        if self.energy_range is not None:
            keywords["energy_range"] = self.energy_range
        return keywords

    def select(self, spectra: xr.DataArray) -> xr.DataArray:
        """The spectra that the call gets."""
        return spectra if self.pixel is None else spectra.isel(dict(self.pixel))


def script(
    state: FitState, axis: EnergyAxis, origin: Mapping[str, Any], *, layer: str = "spectra"
) -> str:
    """Python text that repeats the fit without the viewer.

    Parameters
    ----------
    state, axis
        The user's choices.
    origin : mapping
        {"call": "read" or "sample", "name": file or sample, "region": name or number, "told":
        keywords}; empty where the spectra came from the user's own Python session.
    layer : str
        Name of the layer, for that case.
    """
    lines = ["import xpsnet", "", *_source(axis, origin, layer)]
    if axis.show is not None:
        lines.append(f"spectra = xpsnet.to_{axis.show}(spectra)")
    name = "spectra"
    if state.pixel:
        name = "spectrum"
        lines.append(f"spectrum = spectra.isel({_arguments(state.pixel)})")
    lines.append(f"peaks = xpsnet.{state.function}({name}, {_arguments(state.keywords())})")
    lines.append('xpsnet.write(peaks, "peaks.nc")')
    return "\n".join(lines) + "\n"


def _source(axis: EnergyAxis, origin: Mapping[str, Any], layer: str) -> list[str]:
    """Lines that bring the spectra onto the stored scale."""
    if origin.get("call") == "read":
        earlier = dict(origin.get("told", {}))
        told = {"region": origin.get("region", 0), **earlier, **axis.keywords()}
        if "energy_offset" in earlier:
            told["energy_offset"] = earlier["energy_offset"] + axis.offset
        return [f"spectra = xpsnet.read({origin['name']!r}, {_arguments(told)})"]
    if origin.get("call") == "sample":
        lines = [f"spectra = xpsnet.sample({origin['name']!r})"]
    else:
        # In napari's own console, where `viewer` is at hand.
        lines = [f'spectra = viewer.layers[{layer!r}].metadata["as_read"]']
    told = {"scale": axis.scale, "photon_energy": axis.photon_energy}
    told = {key: value for key, value in told.items() if value is not None}
    if told:
        lines.append(f"spectra = spectra.assign_attrs({_arguments(told)})")
    if axis.offset:
        lines.append(f"spectra = spectra.xps.shift({axis.offset!r})")
    return lines


def _arguments(keywords: Mapping[str, Any]) -> str:
    """Keywords as they are written in a call."""
    return ", ".join(f"{key}={value!r}" for key, value in keywords.items())
